# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""bulk_job_relaunch inside the ansible-playbook process, where that is equivalent to running the module."""

from __future__ import annotations

import typing as t

from ..plugin_utils._in_process import Act, InProcessAction, Write


class ActionModule(InProcessAction):
    def specification(self) -> dict[str, t.Any]:
        from ..module_utils._bulk.options import SPECIFICATION

        return SPECIFICATION

    def act(self, params: t.Mapping[str, t.Any], write: t.Optional[Write]) -> Act:
        from ..module_utils._bulk.options import JobsRequest
        from ..module_utils._bulk.relaunch_jobs import relaunch_jobs
        from ..module_utils._task.progress import CountedLines

        request = JobsRequest.of(params, self._task.check_mode)
        progress = CountedLines(write) if write else None
        return lambda client: relaunch_jobs(client, request, progress)
