# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What workflow_job_relaunch has done. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._job.outcome import Outcome


@dataclass(frozen=True)
class WorkflowOutcome(Outcome):
    """What workflow_job_relaunch has done; the fields are the keys of its result, where they are documented."""

    source_workflow_job_id: t.Optional[int] = None
    own_job_id: t.Optional[int] = None
    temporary_template_id: t.Optional[int] = None
    nodes: t.Optional[tuple[t.Mapping[str, t.Any], ...]] = None
    links: t.Optional[tuple[t.Mapping[str, str], ...]] = None
    drawing: t.Optional[tuple[str, ...]] = None
    failed_nodes: t.Optional[tuple[str, ...]] = None
    report_error: t.Optional[str] = None
