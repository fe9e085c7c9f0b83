# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bulk_job_relaunch does: find the jobs, plan, relaunch a few at a time, account for all of them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api.client import ControllerClient
from .._api.errors import AnswerError, JobUnsuccessfulError, RefusedError, WaitTimeoutError
from .._api.jobs import Job, join
from .._job.options import RelaunchRequest
from .._job.outcome import RelaunchOutcome, carrying
from .._job.sequence import RelaunchSequence
from .._job.work import JobWork
from .._launch.waiting import Watch
from .._retry.ruled_hosts import RuledHosts
from .._selection.failed_updates import FailedUpdate, failed_updates
from .._selection.find_jobs import SelectedJobs, find
from .._selection.own_work import OwnWork, read_own_work
from .._selection.template_edits import template_edits
from .._selection.turns import in_detail, in_turns, is_node, left_alone
from .._work.decision import ALL, FAILED
from .._work.end_of_run_reader import read_ahead
from .._work.ledger_reader import JobsRead
from .._work.same_work import Prompts
from .driver import BulkDriver, BulkProgress
from .member import Member, entries_of
from .options import JobsRequest
from .outcome import FOR_PERSONS, LATER, REFUSED, RELAUNCHED, JobEntry, JobsOutcome, PlanCount
from .updates_first import UpdatesFirst
from .waits import SharedWatch
from .workflow_rows import left_to_workflows, workflow_member, workflow_rows

PLAN_SHOWN_EVERY = 5.0


def relaunch_jobs(
    client: ControllerClient, request: JobsRequest, progress: t.Optional[BulkProgress] = None
) -> JobsOutcome:
    """Bring it about that the work of many jobs is done, and account for each of them.

    :param client: the controller.
    :param request: what is asked for.
    :param progress: is shown how far all of it is, at each change.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    launch_by = None if request.deadline is None else client.clock() + request.deadline.seconds
    watch = SharedWatch(client, request.waiting, launch_by=launch_by)
    own = read_own_work(client, request.own_job)
    found = find(client, request.selection)
    if not request.selection.job_ids:
        found = _without_own(found, own)
    updates, unread = _updates(request, watch, found)
    if not found.jobs and not found.workflows:
        nothing = JobsOutcome(msg=_nothing(found, request), updates=tuple(updates.result()))
        return nothing.saying(*updates.sentences(request.check_mode)).warned(unread)
    task = _Task(request, watch, own, updates)
    prompts = Prompts(template_edits(client, found.jobs))
    show = _plan_shown(client, progress, len(found.jobs))
    sequences = _Sequences(task, prompts)
    turns, alone = _turns(task, found, sequences, show)
    driver = BulkDriver(request, watch, turns, sequences.read_ahead, progress, prompts)
    try:
        driver.plan()
        _check_number(task, driver, alone)
        if request.check_mode:
            while waiting := [member for member in driver.members if member.waits_for_room]:
                for number, member in enumerate(waiting):
                    show(number)
                    member.advance()
                # Where one is refused, the next of its row has its turn.
                driver.plan()
        else:
            driver.run()
    except BaseException as error:
        with carrying(task.outcome(alone, driver, request.check_mode)):
            raise error
    outcome = _with_sentence(task.outcome(alone, driver, request.check_mode), found, request)
    outcome = outcome.saying(*updates.sentences(request.check_mode)).warned(unread)
    with carrying(outcome):
        if any(member.timed_out for member in driver.members):
            over = f"Waiting ended after {request.waiting.timeout or 0:g} seconds (timeout)."
            if not watch.passed:
                over = f"The deadline, {request.deadline}, was over before all had ended."
            raise WaitTimeoutError(f"{over} {outcome.msg} Run the task again to go on.")
        _check(outcome, request)
    return outcome


@dataclass(frozen=True)
class _Task:
    """What is asked for, the time that there is for it, and what is to be heeded."""

    request: JobsRequest
    watch: Watch
    own: OwnWork
    updates: UpdatesFirst

    def outcome(self, alone: t.Sequence[JobEntry], driver: BulkDriver, planned: bool) -> JobsOutcome:
        """What has become of all by now.

        :param planned: what would become of them.
        """
        entries = [entry for member in driver.members for entry in entries_of(member, planned)]
        jobs = tuple(sorted((*alone, *entries), key=lambda entry: entry.source_job_id))
        if planned:
            changed = any(entry.outcome == RELAUNCHED for entry in jobs)
        else:
            changed = any(member.launched for member in driver.members) or any(entry.launch_unknown for entry in jobs)
            changed = changed or bool(self.updates.begun_after)
        return JobsOutcome(changed=changed, jobs=jobs, updates=tuple(self.updates.result()))

    def left_alone(self, job: Job) -> str:
        """Why nothing is done about a job, whatever has become of its work."""
        return "" if job.successful else self.own.refusal(job) or left_alone(job)


def _updates(request: JobsRequest, watch: Watch, found: SelectedJobs) -> tuple[UpdatesFirst, str]:
    """The updates that failed; and a warning where it cannot be known which have, and they are only to be told."""
    nodes, unread = [job.id for job in found.jobs if is_node(job)], ""
    failed: tuple[FailedUpdate, ...] = ()
    try:
        failed = failed_updates(watch.client, request.selection, [job for job in found.jobs if not job.successful])
    except AnswerError as error:
        if request.update_first:
            raise
        unread = f"Whether updates of projects or inventories failed is not known: {error}"
    return UpdatesFirst(watch, failed, request.update_first, nodes), unread


def _without_own(found: SelectedJobs, own: OwnWork) -> SelectedJobs:
    jobs, workflows = (tuple(job for job in some if not own.refusal(job)) for some in (found.jobs, found.workflows))
    return replace(found, jobs=jobs, workflows=workflows)


def _turns(
    task: _Task, found: SelectedJobs, sequences: _Sequences, show: t.Callable[[int], None]
) -> tuple[list[list[Member]], list[JobEntry]]:
    """The sequences of all jobs, each in the row of its work; and the entries of those about which nothing is done."""
    client, options = task.watch.client, task.request.options
    workflows, jobs, below = left_to_workflows(found.workflows, found.jobs)
    node_jobs = {number: tuple(ids) for number, ids in below.items()}
    reasons = {job.id: why for job in (*workflows, *jobs) if (why := task.left_alone(job))}
    same = []
    for one in workflow_rows(client, [job for job in workflows if job.id not in reasons]):
        # What remained of a workflow job has a template of its own.
        if why := next(filter(None, map(task.own.refusal, one.runs.values())), ""):
            reasons.update((job.id, why) for job in one.selected)
        else:
            same.append(one)
    entries = [
        JobEntry(job.id, job.name, REFUSED, reasons[job.id], type=job.kind.type, node_job_ids=node_jobs.get(job.id))
        for job in (*workflows, *jobs)
        if job.id in reasons
    ]
    jobs = [job for job in jobs if job.id not in reasons]
    detailed, unread = in_detail(client, jobs, options, task.request.now)
    rows, incomparable = in_turns(client, detailed, options, sequences.prompts, show)
    sick = {**unread, **incomparable}
    for job in jobs:
        if (error := sick.get(job.id)) is not None:
            entries.append(JobEntry(job.id, job.name, REFUSED, str(error), broken=not error.refuses))
    of_workflows = ([workflow_member(task.request, task.watch, row, node_jobs)] for row in same)
    return [*map(sequences.of, rows), *of_workflows], entries


def _plan_shown(client: ControllerClient, progress: t.Optional[BulkProgress], number: int) -> t.Callable[[int], None]:
    """Shows how many jobs of all have been planned, at most once in PLAN_SHOWN_EVERY seconds: the plan may ask several
    things of each.
    """
    shown = client.clock()

    def show(done: int) -> None:
        nonlocal shown
        if progress is not None and client.clock() - shown >= PLAN_SHOWN_EVERY:
            shown = client.clock()
            progress(PlanCount(number, done))

    return show


class _Sequences:
    """Makes the sequences of jobs, which share what is known."""

    def __init__(self, task: _Task, prompts: Prompts) -> None:
        self._task = task
        self.prompts = prompts
        self._inventories: dict[int, int] = {}
        self._read = JobsRead.of_many(task.watch.client, self._inventories)
        self._request = RelaunchRequest(
            options=task.request.options,
            waiting=task.request.waiting,
            check_mode=task.request.check_mode,
            own_job=task.own.job,
            one_of_many=True,
        )
        options = self._request.options
        # Rules ask for the failed hosts, whatever is to be relaunched.
        options = replace(options, hosts=FAILED) if task.request.rules else options
        self._read_as = replace(self._request, options=options)

    def read_ahead(self, ended: t.Sequence[tuple[Job, Job]]) -> None:
        """Have read what the verdicts on successful jobs, each with its source, ask for."""
        if self._request.options.hosts != ALL:
            read_ahead(self._task.watch.client, ended, self._read.starts)

    def of(self, row: t.Sequence[Job]) -> list[Member]:
        """Those of jobs of the same work."""
        tried: set[int] = set()
        for job in row:
            if job.inventory is not None and job.inventory_hosts is not None:
                self._inventories[job.inventory] = job.inventory_hosts
        return [self._of_job(job, tried, later_turn=number > 0) for number, job in enumerate(row)]

    def _of_job(self, job: Job, tried: set[int], later_turn: bool) -> Member:
        task = self._task
        ruled = RuledHosts(task.watch.client, task.request.rules) if task.request.rules else None

        def work_of(source: Job) -> JobWork:
            work = JobWork.of(self._read_as, task.watch, source, self._read, self.prompts, tried)
            return replace(work, request=self._request, park=ruled)

        sequence = RelaunchSequence(work_of, tried, task.updates.before)
        steps = sequence.steps(job, RelaunchOutcome(source_job_id=job.id))
        return Member(job, sequence.state, steps, later_turn, ruled)


def _nothing(found: SelectedJobs, request: JobsRequest) -> str:
    if found.run is not None:
        return found.run.sentence(0, 0)
    return f"No job that this user may see is selected ({request.selection.description}): nothing to relaunch."


def _check_number(task: _Task, driver: BulkDriver, alone: t.Sequence[JobEntry]) -> None:
    request = task.request
    launches = sum(member.waits_for_room for member in driver.members)
    if launches <= request.max_jobs:
        return
    with carrying(replace(task.outcome(alone, driver, True), changed=False)):
        raise RefusedError(
            f"Nothing was launched: {launches} jobs would be relaunched, and max_jobs is {request.max_jobs}. They are "
            "listed in the result, in jobs. Select fewer of them, or raise max_jobs. Selected: "
            f"{request.selection.description}."
        )


def _with_sentence(outcome: JobsOutcome, found: SelectedJobs, request: JobsRequest) -> JobsOutcome:
    """The outcome with its sentence."""
    planned = "In check mode, nothing was launched: " if request.check_mode else ""
    selected = f"Selected: {request.selection.description}."
    told_of = f"{planned}{outcome.sentence(request.check_mode)}"
    slices = ""
    if found.run is not None and not request.check_mode:
        slices = found.run.sentence(len(found.jobs), sum(entry.recovered for entry in outcome.jobs))
    return outcome.saying(told_of, slices, selected)


def _check(outcome: JobsOutcome, request: JobsRequest) -> None:
    """What a selection brings along may be left alone; what is named by its number is to succeed.

    :raises JobUnsuccessfulError: not all has come to success that was acted on, or that was named.
    """
    named = bool(request.selection.job_ids)
    wrong = [entry for entry in outcome.jobs if entry.unsuccessful or (named and entry.outcome in (REFUSED, LATER))]
    wrong += [entry for entry in outcome.jobs if entry.outcome in FOR_PERSONS]
    if wrong:
        numbers = join([entry.source_job_id for entry in wrong])
        raise JobUnsuccessfulError(f"{outcome.msg} Not successful: {numbers}. First of them: {wrong[0].msg}")
