# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workflow jobs among the selected: which are the same work, what has come of it, and which jobs are left to them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api.client import ControllerClient
from .._api.jobs import FAILED_STATUSES, FINAL_STATUSES, WORKFLOW, Job, get_named, grouped
from .._api.kinds import WORKFLOW_JOB
from .._api.paging import PAGE_SIZE, by_numbers, first_entries, in_chunks
from .._job.outcome import carrying
from .._launch.asks import Room, Steps
from .._launch.refusals import workflow_unavailable
from .._launch.waiting import Watch
from .._selection.turns import is_node
from .._work.decision import FAILED
from .._work.runs import runs_query
from .._work.same_work import same_launch, same_template, template_or_name, uncompared
from .._workflow.lineage import as_it_ended, nodes_seen, success_since
from .._workflow.options import WorkflowRequest
from .._workflow.outcome import WorkflowOutcome
from .._workflow.relaunch_workflow import workflow_steps
from .._workflow.temporary_template import NAMES_BEGIN, source_in
from .._workflow.workflow_run import WorkflowRun
from .member import Member
from .options import JobsRequest
from .outcome import SUPERSEDED, JobEntry, RelaunchCount


@dataclass(frozen=True)
class WorkflowRow:
    """Workflow jobs of the same template that were launched with the same values, and what remained of them.

    :param selected: of them, newest first.
    :param runs: all that are known, selected or not, by number.
    """

    selected: tuple[Job, ...]
    runs: t.Mapping[int, Job]

    @property
    def last_failed(self) -> Job:
        """The newest that failed, selected or not: what remains of it is what remains. Where what remained of an older
        one failed later, that ran other nodes.
        """
        failed = [job for job in self.runs.values() if job.status in FAILED_STATUSES]
        return max((*failed, self.selected[0]), key=lambda job: (_source(job), job.id))

    @property
    def success(self) -> t.Optional[Job]:
        """The last success that began after the last failure; not that of what remained of an older one."""
        last = self.last_failed
        found = (job for job in self.runs.values() if not (_resumes(job) and _source(job) != _source(last)))
        return success_since(found, last.finished)

    @property
    def active(self) -> t.Optional[Job]:
        """One that was launched anew and is active; what remained of one is found by its sequence."""
        found = [job for job in self.runs.values() if job.active and not _resumes(job)]
        return max(found, key=lambda job: job.id, default=None)

    @property
    def tried(self) -> RelaunchCount:
        """How often it has been resumed or relaunched without success since it last succeeded."""
        last = max((job.finished for job in self.runs.values() if job.successful), default=None)
        ended = [job for job in self.runs.values() if not job.active and (last is None or job.finished > last)]
        failed = [job.finished for job in ended if job.status in FAILED_STATUSES]
        tried = [
            job for job in ended if RelaunchCount.counts(job, self.runs.values()) and (_resumes(job) or job.is_relaunch)
        ]
        return RelaunchCount(len(tried), min(failed, default=self.selected[0].finished))


def workflow_member(
    request: JobsRequest, watch: Watch, row: WorkflowRow, node_jobs: t.Mapping[int, tuple[int, ...]]
) -> Member:
    """That of workflow jobs of the same work: one sequence for all of them.

    :param node_jobs: by workflow job, the selected jobs of its nodes.
    """
    asked = WorkflowRequest(
        nodes=FAILED,
        node_hosts=request.options.hosts,
        hosts_option="hosts",
        fallback_to_all=request.options.fallback_to_all,
        own_job=request.own_job,
        waiting=request.waiting,
        check_mode=request.check_mode,
    )
    run = WorkflowRun(watch.client, asked, watch)
    seen = [row]
    newest, *older = row.selected
    why = f"Workflow job {newest.id}, the same work, is newer: that is the one to resume."
    why = f"{why} {uncompared(newest)}".rstrip()
    entries = tuple(
        JobEntry(job.id, job.name, SUPERSEDED, why, type=WORKFLOW_JOB.type, node_job_ids=node_jobs.get(job.id))
        for job in older
    )
    return Member(
        newest,
        run.state,
        _steps(run, seen),
        tried=lambda: seen[-1].tried,
        node_job_ids=node_jobs.get(newest.id),
        older=entries,
    )


def _steps(run: WorkflowRun, seen: list[WorkflowRow]) -> Steps[WorkflowOutcome]:
    """Resume the last that failed, unless it succeeds by itself. What is launched anew before there is room counts.

    :param seen: the row as it was seen last; it grows.
    """
    steps = _turn(run, seen[-1])
    try:
        ask = next(steps)
        while True:
            try:
                answer = yield ask
            except BaseException as error:
                ask = steps.throw(error)
                continue
            if isinstance(ask, Room) and not run.request.check_mode:
                before, now = seen[-1], workflow_rows(run.client, seen[-1].selected)[0]
                if now.success or now.active or now.last_failed.id != before.last_failed.id:
                    steps.close()
                    seen.append(now)
                    steps, answer = _turn(run, now), None
            ask = steps.send(answer)
    except StopIteration as end:
        return t.cast("WorkflowOutcome", end.value)


def _turn(run: WorkflowRun, row: WorkflowRow) -> Steps[WorkflowOutcome]:
    """Bring it about that the work of a row is done, by what is known of it now."""
    nothing = WorkflowOutcome(source_workflow_job_id=row.selected[0].id)
    success, active, failed = row.success, row.active, row.last_failed
    if success is not None:
        secret = "" if _resumes(success) else uncompared(success)
        outcome = nothing.about(run.client, success)
        return outcome.saying(f"Workflow job {success.id}, the same work, has succeeded since.", secret)
    if active is not None:
        run.state.adopted = True
        outcome = nothing.about(run.client, active)
        same = f"Workflow job {active.id}, launched with the same values,"
        if run.request.check_mode or not run.request.waiting.wait:
            return outcome.saying(f"{same} is {active.status}: its end decides.", uncompared(active))
        ended = yield from run.until_ended(active, outcome)
        if ended.successful:
            outcome = nothing.about(run.client, ended)
            return outcome.saying(f"{same} was successful.", uncompared(active))
        # One that was left in status new has failed nothing.
        run.state.adopted, failed = False, failed if ended.active else ended
    with carrying(nothing):
        deleted = f"Workflow job {failed.id} was deleted meanwhile: nothing of it can be resumed."
        named = get_named(run.client, failed.id, WORKFLOW_JOB, workflow_unavailable, deleted)
    return (yield from workflow_steps(run, named, nothing))


def _resumes(job: Job) -> bool:
    return source_in(job.name) is not None


def workflow_rows(client: ControllerClient, workflows: t.Sequence[Job]) -> list[WorkflowRow]:
    """Workflow jobs in rows of the same work.

    Two lists tell what has come of all of them: the newer workflow jobs of their templates, and those whose names say
    that they ran what remained of one (recorded: wf-temp-by-name). Where a relaunch is selected, a third one tells what
    was before it; and where what remained of one was successful, that is looked at.

    :raises ControllerError: they could not be listed.
    """
    if not workflows:
        return []
    known = {job.id: job for job in workflows}
    missing = {number for number in map(_source, workflows) if number not in known}
    known.update((job.id, job) for job in map(Job.of, by_numbers(client.results, WORKFLOW_JOB.path, "id__in", missing)))
    oldest = min(known)
    known.update((job.id, job) for job in _before_relaunches(client, workflows, oldest))
    newer = [{**query, "id__gt": oldest} for query in _of_templates(job for job in known.values() if not _resumes(job))]
    for query in (*newer, {"name__startswith": NAMES_BEGIN, "id__gt": min(known), "order_by": "id"}):
        entries = client.results(WORKFLOW_JOB.path, **query)
        # One that was left in status new never runs. A node is the work of the workflow above it.
        others = (job for job in map(Job.of, entries) if not (job.left_new(client.now()) or is_node(job)))
        known.update((job.id, job) for job in others)
    rows: list[tuple[Job, dict[int, Job]]] = []
    for job in sorted(known.values(), key=lambda job: (_source(job), job.id)):
        root = known.get(_source(job), job)
        same = (runs for first, runs in rows if _source(first) == _source(root) or _same(first, root))
        runs = next(same, None)
        if runs is None:
            runs = {}
            rows.append((root, runs))
        runs[job.id] = job
    newest_first = sorted(workflows, key=lambda job: job.id, reverse=True)
    found = (WorkflowRow(tuple(job for job in newest_first if job.id in runs), runs) for _root, runs in rows)
    selected = (_as_they_ended(client, row) for row in found if row.selected)
    return sorted(selected, key=lambda row: row.selected[0].id, reverse=True)


def _as_they_ended(client: ControllerClient, row: WorkflowRow) -> WorkflowRow:
    """The row, with what remained of the last that failed as it ended, whatever the controller calls it."""
    source = _source(row.last_failed)
    resumes = [job for job in row.runs.values() if job.successful and _resumes(job) and _source(job) == source]
    of_source = nodes_seen(client, source) if resumes else None
    ended = {job.id: as_it_ended(client, job, of_source or ()) for job in resumes}
    return replace(row, runs={**row.runs, **ended})


def _before_relaunches(client: ControllerClient, workflows: t.Sequence[Job], oldest: int) -> t.Iterator[Job]:
    """What ran of the templates of relaunches before them, one page of it: these may be attempts of the same work.

    :param oldest: only what is older than this.
    """
    ended = {"id__lt": oldest, "status__in": ",".join(FINAL_STATUSES)}
    for query in _of_templates(job for job in workflows if job.is_relaunch):
        query = {**query, **ended, "order_by": "-id", "page_size": PAGE_SIZE}
        listed = map(Job.of, first_entries(client.get, WORKFLOW_JOB.path, **query))
        yield from (job for job in listed if not is_node(job))


def _of_templates(workflows: t.Iterable[Job]) -> t.Iterator[dict[str, t.Any]]:
    """Queries for all workflow jobs of the templates of some; of each that was deleted by the name that it had."""
    known = {template_or_name(job): job for job in workflows}
    for some in in_chunks(job.template for job in known.values() if job.template is not None):
        yield {"unified_job_template__in": some, "order_by": "id"}
    yield from (runs_query(job) for job in known.values() if job.template is None)


def _source(job: Job) -> int:
    """The number of the workflow job that one goes back to by its name."""
    return source_in(job.name) or job.id


def _same(one: Job, other: Job) -> bool:
    return not (is_node(one) or is_node(other)) and same_template(one, other) and same_launch(one, other)


def left_to_workflows(
    workflows: t.Sequence[Job], jobs: t.Sequence[Job]
) -> tuple[list[Job], list[Job], dict[int, list[int]]]:
    """The workflow jobs and jobs that are no nodes of selected workflow jobs, which are left to these.

    :param workflows: the selected ones, those of sliced runs among them: their slices are jobs.
    :returns: workflow jobs; jobs; and by workflow job the numbers of those that are left to it.
    """
    by_number = {job.id: job for job in workflows}
    above = {job.id: found for job in (*workflows, *jobs) if (found := _above(job, by_number)) is not None}

    def kept(some: t.Sequence[Job]) -> list[Job]:
        return [job for job in some if job.id not in above and not job.facts.get("is_sliced_job")]

    return kept(workflows), kept(jobs), grouped(above, above.__getitem__)


def _above(job: Job, workflows: t.Mapping[int, Job]) -> t.Optional[int]:
    """The workflow job to whose nodes a job belongs, be it by a workflow, or a sliced run, in between."""
    above: t.Optional[int] = None
    while job.facts.get("launch_type") == WORKFLOW:
        number = int(job.summary("source_workflow_job").get("id") or 0)
        # One in between is launched after the one above it.
        if number not in workflows or number >= job.id:
            break
        job = workflows[number]
        above = above if job.facts.get("is_sliced_job") else number
    return above
