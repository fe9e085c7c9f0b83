# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bulk_job_relaunch does: find the jobs, plan, relaunch a few at a time, account for all of them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime

from .._api.errors import JobUnsuccessfulError, RefusedError, WaitTimeoutError
from .._api.jobs import Job, told
from .._job.options import RelaunchRequest
from .._job.outcome import RelaunchOutcome, carrying
from .._job.sequence import RelaunchSequence
from .._job.work import JobWork
from .._launch.waiting import Watch
from .._retry.retry_rounds import PARKED, parked_hosts
from .._retry.ruled_hosts import RuledHosts
from .._retry.rules import WITHOUT_REASON
from .._selection.find_jobs import Found, find
from .._selection.own_work import OwnWork, read_own_work
from .._selection.template_edits import TemplateEdits
from .._work.decision import FAILED
from .._work.ledger_reader import JobsRead
from .._work.same_work import Prompts
from .driver import BulkDriver, BulkProgress
from .member import Member
from .options import JobsRequest
from .outcome import FOR_PERSONS, LATER, LOST, REFUSED, RELAUNCHED, JobEntry, JobsOutcome, Planned
from .turns import in_detail, in_turns, left_alone

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient

PLAN_SHOWN_EVERY = 5.0


def relaunch_jobs(
    client: ControllerClient, request: JobsRequest, now: datetime, progress: t.Optional[BulkProgress] = None
) -> JobsOutcome:
    """Bring it about that the work of many jobs is done, and account for each of them.

    :param client: the controller.
    :param request: what is asked for.
    :param now: with its zone.
    :param progress: is shown how far all of it is, at each change.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    launch_by = None if request.deadline is None else client.clock() + request.deadline.seconds
    watch = Watch(client, request.waiting, launch_by=launch_by)
    own = read_own_work(client, request.own_job)
    found = find(client, request.selection)
    if not request.selection.job_ids:
        found = replace(found, jobs=tuple(job for job in found.jobs if not own.told(job)))
    if not found.jobs:
        return JobsOutcome(msg=_nothing(found, request))
    alone = [JobEntry(job.id, job.name, REFUSED, why) for job in found.jobs if (why := _left_alone(job, own))]
    open_jobs = [job for job in found.jobs if not _left_alone(job, own)]
    prompts = Prompts(TemplateEdits(client, open_jobs))
    plan = _PlanProgress(client, progress, len(open_jobs))
    turns, sick = _turns(client, request, watch, own, open_jobs, now, prompts, plan)
    alone.extend(sick)
    driver = BulkDriver(client, request, watch, turns, progress, prompts)
    try:
        driver.plan()
        _check_number(driver, alone, request)
        if request.check_mode:
            for number, member in enumerate(driver.members):
                plan.show(number)
                if member.waits_for_room:
                    member.advance()
        else:
            driver.run()
    except BaseException as error:
        with carrying(_outcome(alone, driver, request)):
            raise error
    outcome = _told(_outcome(alone, driver, request), found, request)
    with carrying(outcome):
        if driver.timed_out:
            over = f"Waiting ended after {request.waiting.timeout or 0:g} seconds (timeout)."
            if not watch.passed:
                over = f"The deadline, {request.deadline}, was over before all had ended."
            raise WaitTimeoutError(f"{over} {outcome.msg} Run the task again to go on.")
        _check(outcome, request)
    return outcome


def _left_alone(job: Job, own: OwnWork) -> str:
    return "" if job.successful else own.told(job) or left_alone(job)


def _turns(
    client: ControllerClient,
    request: JobsRequest,
    watch: Watch,
    own: OwnWork,
    jobs: t.Sequence[Job],
    now: datetime,
    prompts: Prompts,
    plan: _PlanProgress,
) -> tuple[list[list[Member]], list[JobEntry]]:
    """The sequences of all jobs, each in the row of its work; and the entries of those that could not be planned."""
    detailed, unread = in_detail(client, jobs, request.options, now)
    rows, incomparable = in_turns(client, detailed, request.options, prompts, plan.show)
    sequences = _Sequences(client, request, watch, prompts, own.job)
    sick = {**unread, **incomparable}
    entries = [
        JobEntry(job.id, job.name, REFUSED, str(sick[job.id]), broken=not sick[job.id].refuses)
        for job in jobs
        if job.id in sick
    ]
    return [sequences.of(row) for row in rows], entries


class _PlanProgress:
    """Shows how far the plan is, at most once in PLAN_SHOWN_EVERY seconds: it may ask several things of each job."""

    def __init__(self, client: ControllerClient, progress: t.Optional[BulkProgress], number: int) -> None:
        self._clock = client.clock
        self._progress = progress
        self._all = number
        self._shown = client.clock()

    def show(self, done: int) -> None:
        """So many have been looked at."""
        if self._progress is not None and self._clock() - self._shown >= PLAN_SHOWN_EVERY:
            self._shown = self._clock()
            self._progress(Planned(self._all, done))


class _Sequences:
    """Makes the sequences of jobs, which share what is known."""

    def __init__(
        self, client: ControllerClient, request: JobsRequest, watch: Watch, prompts: Prompts, own_job: t.Optional[int]
    ) -> None:
        self._client = client
        self._watch = watch
        self._prompts = prompts
        self._read = JobsRead.of_many(client)
        self._request = RelaunchRequest(
            options=request.options,
            waiting=request.waiting,
            check_mode=request.check_mode,
            own_job=own_job,
            one_of_many=True,
        )
        self._rules = request.rules
        # Rules ask for the failed hosts, whatever is to be relaunched.
        options = replace(request.options, hosts=FAILED) if request.rules else request.options
        self._read_as = replace(self._request, options=options)

    def of(self, row: t.Sequence[Job]) -> list[Member]:
        """Those of jobs of the same work."""
        tried: set[int] = set()
        return [self._of_job(job, tried, later_turn=number > 0) for number, job in enumerate(row)]

    def _of_job(self, job: Job, tried: set[int], later_turn: bool) -> Member:
        launches: list[Job] = []
        ruled = RuledHosts(self._client, self._rules) if self._rules else None

        def work_of(source: Job) -> JobWork:
            work = JobWork.of(self._client, self._read_as, self._watch, source, self._read, self._prompts, tried)
            return replace(work, request=self._request, park=ruled)

        def launched(new: Job) -> None:
            tried.add(new.id)
            launches.append(new)

        sequence = RelaunchSequence(work_of, launched)
        steps = sequence.steps(job, RelaunchOutcome(source_job_id=job.id))
        return Member(job, sequence, steps, later_turn, launches, ruled)


def _outcome(alone: t.Sequence[JobEntry], driver: BulkDriver, request: JobsRequest) -> JobsOutcome:
    """What has become of all by now; in check mode, what would."""
    entries = [
        _with_parked(member.planned() if request.check_mode else member.so_far(), member) for member in driver.members
    ]
    jobs = tuple(sorted((*alone, *entries), key=lambda entry: entry.source_job_id))
    if request.check_mode:
        changed = any(entry.outcome == RELAUNCHED for entry in jobs)
    else:
        changed = any(member.launched for member in driver.members) or any(entry.outcome == LOST for entry in jobs)
    return JobsOutcome(changed=changed, jobs=jobs)


def _with_parked(entry: JobEntry, member: Member) -> JobEntry:
    """The entry with the hosts that need a person."""
    parked = member.ruled.parked if member.ruled else {}
    if not parked or entry.recovered:
        return entry
    told_of = "" if entry.outcome == PARKED else f" Parked: {parked_hosts(parked)}."
    return replace(
        entry, parked={name: why or WITHOUT_REASON for name, why in parked.items()}, msg=f"{entry.msg}{told_of}"
    )


def _nothing(found: Found, request: JobsRequest) -> str:
    if found.run is not None:
        return found.run.told(0, 0)
    return f"No job that this user may see is selected ({request.selection.told}): nothing to relaunch."


def _check_number(driver: BulkDriver, alone: t.Sequence[JobEntry], request: JobsRequest) -> None:
    launches = sum(member.waits_for_room for member in driver.members)
    if launches <= request.max_jobs:
        return
    planned = replace(request, check_mode=True)
    with carrying(replace(_outcome(alone, driver, planned), changed=False)):
        raise RefusedError(
            f"Nothing was launched: {launches} jobs would be relaunched, and max_jobs is {request.max_jobs}. They are "
            "listed in the result, in jobs. Select fewer of them, or raise max_jobs. Selected: "
            f"{request.selection.told}."
        )


def _told(outcome: JobsOutcome, found: Found, request: JobsRequest) -> JobsOutcome:
    """The outcome with its sentence."""
    planned = "In check mode, nothing was launched: " if request.check_mode else ""
    selected = f"Selected: {request.selection.told}."
    told_of = f"{planned}{outcome.told(request.check_mode)}"
    slices = ""
    if found.run is not None and not request.check_mode:
        slices = found.run.told(len(found.jobs), sum(entry.recovered for entry in outcome.jobs))
    return outcome.saying(told_of, slices, selected)


def _check(outcome: JobsOutcome, request: JobsRequest) -> None:
    """What a selection brings along may be left alone; what is named by its number is to succeed.

    :raises JobUnsuccessfulError: not all has come to success that was acted on, or that was named.
    """
    named = bool(request.selection.job_ids)
    wrong = [entry for entry in outcome.jobs if entry.unsuccessful or (named and entry.outcome in (REFUSED, LATER))]
    wrong += [entry for entry in outcome.jobs if entry.outcome in FOR_PERSONS]
    if wrong:
        numbers = told(str(entry.source_job_id) for entry in wrong)
        raise JobUnsuccessfulError(f"{outcome.msg} Not successful: {numbers}. First of them: {wrong[0].msg}")
