# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What jobs_relaunch does: find the jobs, plan, relaunch a few at a time, account for all of them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._api.errors import JobUnsuccessfulError, RefusedError, WaitTimeoutError
from .._api.jobs import Job, told
from .._job.options import RelaunchRequest
from .._job.outcome import RelaunchOutcome, carrying
from .._job.sequence import RelaunchSequence
from .._job.work import JobWork
from .._launch.waiting import Watch
from .._work.ledger_reader import JobsRead
from .._work.same_work import Prompts
from .driver import BulkDriver, CountedProgress
from .find_jobs import Found, find
from .member import Member
from .options import JobsRequest
from .outcome import LOST, REFUSED, RELAUNCHED, JobEntry, JobsOutcome
from .turns import in_detail, in_turns, left_alone

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient


def relaunch_jobs(
    client: ControllerClient, request: JobsRequest, now: datetime, progress: t.Optional[CountedProgress] = None
) -> JobsOutcome:
    """Bring it about that the work of many jobs is done, and account for each of them.

    :param client: the controller.
    :param request: what is asked for.
    :param now: with its zone.
    :param progress: is shown how far all of it is, at each change.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    watch = Watch(client, request.waiting)
    found = find(client, request.selection)
    if not found.jobs:
        return JobsOutcome(msg=_nothing(found, request))
    alone = [JobEntry(job.id, job.name, REFUSED, why) for job in found.jobs if (why := _left_alone(job))]
    open_jobs = [job for job in found.jobs if not _left_alone(job)]
    driver = _driver(client, request, watch, in_detail(client, open_jobs, request.options, now), progress)
    try:
        driver.plan()
        _check_number(driver, alone, request)
        if request.check_mode:
            for member in driver.members:
                if member.waits_for_room:
                    member.advance()
        else:
            driver.run()
    except BaseException as error:
        entries = [member.planned() if request.check_mode else member.so_far() for member in driver.members]
        with carrying(_outcome(alone, entries, driver)):
            raise error
    entries = [member.planned() if request.check_mode else member.so_far() for member in driver.members]
    outcome = _told(_outcome(alone, entries, driver, request.check_mode), found, request)
    with carrying(outcome):
        if driver.timed_out:
            timeout = f"Waiting ended after {request.waiting.timeout or 0:g} seconds (timeout)."
            raise WaitTimeoutError(f"{timeout} {outcome.msg} Run the task again to go on.")
        _check(outcome, request)
    return outcome


def _left_alone(job: Job) -> str:
    return "" if job.successful else left_alone(job)


def _driver(
    client: ControllerClient,
    request: JobsRequest,
    watch: Watch,
    jobs: t.Mapping[int, Job],
    progress: t.Optional[CountedProgress],
) -> BulkDriver:
    """The sequences of all jobs, each in the row of its work. What is known of jobs is shared by all."""
    relaunch = RelaunchRequest(options=request.options, waiting=request.waiting, check_mode=request.check_mode)
    prompts: Prompts = {}
    read = JobsRead()
    turns: list[list[Member]] = []
    driver = BulkDriver(client, watch, turns, request.at_once, request.stop_after, request.options.wait, progress)
    for row in in_turns(client, jobs.values(), request.options, prompts):
        tried: set[int] = set()
        turns.append([])
        for job in row:
            member = _member(client, relaunch, watch, job, read, prompts, tried, driver)
            member.later_turn = bool(turns[-1])
            turns[-1].append(member)
    return driver


def _member(
    client: ControllerClient,
    request: RelaunchRequest,
    watch: Watch,
    job: Job,
    read: JobsRead,
    prompts: Prompts,
    tried: set[int],
    driver: BulkDriver,
) -> Member:
    def work_of(source: Job) -> JobWork:
        return JobWork.of(client, request, watch, source, read, prompts, tried)

    def launched(new: Job) -> None:
        tried.add(new.id)
        driver.launched(member, new)

    sequence = RelaunchSequence(work_of, launched)
    member = Member(job, sequence, sequence.steps(job, RelaunchOutcome(source_job_id=job.id)))
    return member


def _outcome(
    alone: t.Sequence[JobEntry], entries: t.Sequence[JobEntry], driver: BulkDriver, check_mode: bool = False
) -> JobsOutcome:
    jobs = tuple(sorted((*alone, *entries), key=lambda entry: entry.source_job_id))
    if check_mode:
        changed = any(entry.outcome == RELAUNCHED for entry in jobs)
    else:
        changed = any(member.launched for member in driver.members) or any(entry.outcome == LOST for entry in jobs)
    return JobsOutcome(changed=changed, jobs=jobs)


def _nothing(found: Found, request: JobsRequest) -> str:
    if found.slices:
        return f"All {found.slices} slices of workflow job {request.selection.workflow_job_id} were successful."
    return f"No job that this user may see is selected ({request.selection.told}): nothing to relaunch."


def _check_number(driver: BulkDriver, alone: t.Sequence[JobEntry], request: JobsRequest) -> None:
    launches = sum(member.waits_for_room for member in driver.members)
    if launches <= request.max_jobs:
        return
    with carrying(_outcome(alone, [member.planned() for member in driver.members], driver)):
        raise RefusedError(
            f"Nothing was launched: {launches} jobs would be relaunched, and max_jobs is {request.max_jobs}. They are "
            "listed in the result, in jobs. Select fewer of them, or raise max_jobs."
        )


def _told(outcome: JobsOutcome, found: Found, request: JobsRequest) -> JobsOutcome:
    """The outcome with its sentence."""
    planned = "In check mode, nothing was launched: " if request.check_mode else ""
    return outcome.saying(f"{planned}{outcome.told(request.check_mode)}", _of_slices(outcome, found, request))


def _check(outcome: JobsOutcome, request: JobsRequest) -> None:
    """What a selection brings along may be left alone; what is named by its number is to succeed.

    :raises JobUnsuccessfulError: not all has come to success that was acted on, or that was named.
    """
    named = bool(request.selection.job_ids)
    wrong = [entry for entry in outcome.jobs if entry.unsuccessful or (named and entry.outcome == REFUSED)]
    if wrong:
        numbers = told(str(entry.source_job_id) for entry in wrong)
        raise JobUnsuccessfulError(f"{outcome.msg} Not successful: {numbers}. First of them: {wrong[0].msg}")


def _of_slices(outcome: JobsOutcome, found: Found, request: JobsRequest) -> str:
    """Whether a sliced run is complete, which its workflow job will never say."""
    if not found.slices or request.check_mode:
        return ""
    left = sum(not entry.recovered for entry in outcome.jobs)
    run = f"workflow job {request.selection.workflow_job_id}"
    if left:
        return f"Of {run} {left} of {found.slices} slices have not succeeded yet."
    return f"All {found.slices} slices of {run} have succeeded by now; its own status stays as it is."
