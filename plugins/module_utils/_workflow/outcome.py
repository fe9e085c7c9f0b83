# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What workflow_job_relaunch has done, and what is to be told of a workflow job that failed.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api import jobs as _jobs
from .._api.errors import ControllerError
from .._api.jobs import Job, join
from .._api.kinds import IN_WORDS, JOB, WORKFLOW_JOB
from .._job.outcome import Outcome, in_one
from .._launch.failure_report import FAILURES_LIMIT, explained, failures
from .._launch.waiting import Watch
from .lineage import nodes_of
from .remaining_nodes import Node

# So many nodes are asked about; of more the names are told.
NODES_REPORTED = 5
# So deep are workflows looked into that are nested in others.
DEEPEST_REPORTED = 3


@dataclass(frozen=True)
class WorkflowOutcome(Outcome):
    """What workflow_job_relaunch has done; the fields are the keys of its result, where they are documented."""

    source_workflow_job_id: t.Optional[int] = None
    root_workflow_job_id: t.Optional[int] = None
    own_job_id: t.Optional[int] = None
    temporary_template_id: t.Optional[int] = None
    nodes: t.Optional[tuple[t.Mapping[str, t.Any], ...]] = None
    links: t.Optional[tuple[t.Mapping[str, str], ...]] = None
    drawing: t.Optional[tuple[str, ...]] = None
    not_kept: t.Optional[tuple[str, ...]] = None
    gone_hosts: t.Optional[tuple[str, ...]] = None
    failed_nodes: t.Optional[tuple[str, ...]] = None
    failures: t.Optional[tuple[t.Mapping[str, t.Any], ...]] = None
    report_error: t.Optional[str] = None

    @property
    def so_far(self) -> str:
        """See ``Outcome``."""
        if self.changed or self.temporary_template_id is None:
            return super().so_far
        return (
            f" The temporary workflow template {self.temporary_template_id} is there: run the task again, which "
            "deletes it after success, or delete it."
        )


def with_failed_nodes(watch: Watch, job: Job, outcome: WorkflowOutcome) -> tuple[WorkflowOutcome, str]:
    """Ask on what a workflow job failed, and why; what goes wrong here hides nothing of what is known.

    :returns: the outcome that tells it; and for a sentence about the workflow job how that goes on, to its full stop.
    """
    try:
        bad = [node for node in nodes_of(watch.client, job.id) if node.bad]
    except ControllerError as error:
        return replace(outcome, failed_nodes=(), report_error=str(error)), "."
    names = tuple(node.label for node in bad)
    said = [f" on {join(names)}." if names else "."]
    found: list[dict[str, t.Any]] = []
    problem = ""
    for node in bad[:NODES_REPORTED]:
        try:
            sentence, causes = _of_node(watch, node, 0)
            said.append(sentence)
            found += causes
        except ControllerError as error:
            problem = problem or str(error)
    shown = tuple(found[:FAILURES_LIMIT]) or None
    return replace(outcome, failed_nodes=names, failures=shown, report_error=problem or None), in_one(*said)


def _of_node(watch: Watch, node: Node, depth: int) -> tuple[str, list[dict[str, t.Any]]]:
    """What became of a node: a sentence, and the causes by host."""
    client = watch.client
    if node.job is None or node.job_type is None:
        return "", []
    if node.job_type == WORKFLOW_JOB.type and depth < DEEPEST_REPORTED:
        bad = [one for one in nodes_of(client, node.job) if one.bad]
        below = [_of_node(watch, one, depth + 1) for one in bad[:NODES_REPORTED]]
        causes = [{**cause, "node": f"{node.label}/{cause['node']}"} for _said, some in below for cause in some]
        return in_one(f"In {node.label}:", *(said for said, _some in below)), causes
    if node.job_type != JOB.type:
        what = IN_WORDS.get(node.job_type, node.job_type)
        return f"{node.label} ran {what}, number {node.job}, which ended with status {node.status}.", []
    job = watch.until_events_processed(_jobs.get(client, node.job))
    summaries = _jobs.host_summaries(client, job.id, failed=True)
    report = failures(client, job.id, summaries)
    page = client.page_url(JOB.page, job.id)
    hosts = f" on {join([summary.name for summary in summaries])}" if summaries else ""
    of_node = {"node": node.label, "job_id": job.id, "url": page}
    return (
        f"{node.label}: job {job.id} ended with status {job.status}{hosts}.{explained(job)}{report.first} See {page}",
        [{**of_node, **cause} for cause in report.shown],
    )
