# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees of the nodes of a workflow job while a task waits for it: lines of text.

Private to this collection.
"""

from __future__ import annotations

import typing as t

from .._api.client import ControllerClient
from .._api.errors import ControllerError
from .._api.jobs import ACTIVE_STATUSES, Job
from .._api.kinds import WORKFLOW_JOB
from .._api.paging import PAGE_SIZE
from .._launch.waiting import Progress
from .._workflow.remaining_nodes import Node


class NodeLines:
    """Adds to the lines about a workflow job one for each change of a node; each look takes a request more.

    A job of one of its nodes, whose end is waited for before, has none.

    :param lines: is shown the workflow job, before its nodes while it is active, and after them at its end.
    :param client: to ask for the nodes; of a large workflow for those on the first page.
    :param write: takes a line.
    """

    def __init__(self, lines: Progress, client: ControllerClient, write: t.Callable[[str], None]) -> None:
        self._lines = lines
        self._client = client
        self._write = write
        self._seen: dict[int, str] = {}

    def __call__(self, job: Job) -> None:
        if job.active:
            self._lines(job)
        if job.kind is WORKFLOW_JOB:
            self._write_nodes(job)
        if not job.active:
            self._lines(job)

    def _write_nodes(self, job: Job) -> None:
        try:
            answer = self._client.get_once(WORKFLOW_JOB.at(job.id, "workflow_nodes"), page_size=PAGE_SIZE)
            nodes = [Node.of(entry) for entry in answer.get("results") or ()]
        except ControllerError:
            # Nothing depends on it: the next look shows what this one has missed.
            return
        for node in nodes:
            if node.status is not None and self._seen.get(node.id) != node.status:
                self._seen[node.id] = node.status
                verb = "is" if node.status in ACTIVE_STATUSES else "ended:"
                self._write(f"workflow job {job.id}: {node.label} {verb} {node.status} (job {node.job})")
