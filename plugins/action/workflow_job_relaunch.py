# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""workflow_job_relaunch inside the ansible-playbook process, where that is equivalent to running the module."""

from __future__ import annotations

import typing as t

from ..plugin_utils._in_process import Act, InProcessAction, Write


class ActionModule(InProcessAction):
    def specification(self) -> dict[str, t.Any]:
        from ..module_utils._workflow.options import WORKFLOW_SPECIFICATION

        return WORKFLOW_SPECIFICATION

    def act(self, params: t.Mapping[str, t.Any], write: t.Optional[Write]) -> Act:
        from ..module_utils._task.node_progress import NodeLines
        from ..module_utils._task.progress import ProgressLines
        from ..module_utils._workflow.options import WorkflowRequest
        from ..module_utils._workflow.relaunch_workflow import relaunch_workflow

        request = WorkflowRequest.of(params, self._task.check_mode, self._task.diff)
        return lambda client: relaunch_workflow(
            client, request, NodeLines(ProgressLines(write, client.clock), client, write) if write else None
        )
