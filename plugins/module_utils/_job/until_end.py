# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a job that was launched or adopted to its end: giving way to another caller's, waiting, the verdict."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api import jobs as _jobs
from .._api.errors import (
    ControllerError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job
from .._api.kinds import JOB
from .._launch.failure_report import explained
from .._launch.launch import Launched, lower_rival
from .case import Case
from .check_mode import side_by_side
from .outcome import RelaunchOutcome, carrying
from .verdict import Asked, check_limit, check_type, judge

CHECK = "check"


def after_launch(
    case: Case, launched: Launched, asked: Asked, outcome: RelaunchOutcome, changed_before: bool = False
) -> RelaunchOutcome:
    """Go on with a job that this task has launched.

    :param asked: what it has to do.
    :param outcome: which tells of its launch.
    :param changed_before: whether the task had launched another one before.
    :raises ControllerError: it did not end as it should, or not in time.
    """
    own, wish = launched.job, case.request.wish
    # A job that was found by looking for it may be another's after all: nobody here cancels it.
    ours = not launched.lost
    with carrying(outcome):
        rival = None
        if ours and not wish.force:
            own, rival, outcome = _look_for_rival(case, own, outcome)
        if rival is not None:
            return _give_way(case, own, rival, asked, outcome, changed_before)
        if own.job_type != asked.job_type and (asked.job_type == CHECK or not wish.wait):
            end = ""
            if asked.job_type == CHECK and ours:
                own, end = canceled(case, own)
            check_type(own, asked, outcome.about(case.client, own), end)
        if not wish.wait:
            check_limit(own, asked, outcome.about(case.client, own))
            return outcome
        ended = until_ended(case, own, f"job {own.id}", outcome, ours)
        diff = side_by_side(case.request, case.source, ended.facts, f"job {ended.id}")
        return judge(case.client, case.watch, ended, asked, replace(outcome, diff=diff))


def after_adoption(case: Case, job: Job, asked: Asked, outcome: RelaunchOutcome) -> RelaunchOutcome:
    """Go on with another caller's job. If it is canceled in favour of a still lower one, with that one.

    :raises ControllerError: it did not end as it should, or not in time.
    """
    while case.request.wish.wait:
        with carrying(outcome):
            ended = until_ended(case, job, f"job {job.id}", outcome)
            lower = in_favour_of(case, ended)
            if lower is None:
                return judge(case.client, case.watch, ended, asked, outcome)
        outcome = given_way(case, job, lower, outcome)
        job = lower
    return outcome


def in_favour_of(case: Case, adopted: Job) -> t.Optional[Job]:
    """The lower job in favour of which another caller canceled one that was adopted and has ended; None if it was not.

    :raises ControllerError: it could not be read.
    """
    if adopted.status != _jobs.CANCELED:
        return None
    since_source = replace(case.contest, newest=case.source.id)
    return lower_rival(case.client, since_source, adopted, successful_too=True)[1]


def given_way(case: Case, adopted: Job, lower: Job, outcome: RelaunchOutcome) -> RelaunchOutcome:
    """The outcome that tells so."""
    outcome = outcome.about(case.client, lower)
    return outcome.saying(f"Job {adopted.id} was canceled in favour of job {lower.id}, the same work.")


def until_ended(case: Case, job: Job, what: str, outcome: RelaunchOutcome, ours: bool = False) -> Job:
    """Wait for the end of a job within the task's timeout.

    :param what: the job, for a sentence.
    :param outcome: what is known; it is about the job only where that does the work.
    :param ours: this task launched it, and may cancel it.
    :raises WaitTimeoutError: the time is over.
    :raises ControllerError: what waiting will not cure.
    """
    page = case.client.page_url(JOB.page, job.id)
    try:
        return case.watch.until_ended(job)
    except WaitTimeoutError as error:
        last = t.cast("Job", error.last or job)
        on = "It goes on: run the task again to wait for it."
        if ours and case.request.waiting.cancel_on_timeout:
            last, on = canceled(case, last)
        timeout = WaitTimeoutError(
            f"Waiting for {what} ended after {case.request.waiting.timeout:g} seconds (timeout) with the job "
            f"{last.status}.{explained(last)} {on} See {page}"
        )
        timeout.outcome = outcome if outcome.job is None else outcome.about(case.client, last)
        raise timeout from None
    except ControllerError as error:
        raise RefusedError(
            f"Waiting for {what} ended early: {error} Run the task again to go on, or see {page}"
        ) from None


def canceled(case: Case, job: Job) -> tuple[Job, str]:
    """Cancel a job; it as seen last, and what came of it."""
    said = case.watch.cancel(job) or "It was canceled."
    try:
        return case.watch.until_canceled(job), said
    except ControllerError as error:
        return job, f"{said} Its state could not be read after that: {error}"


def _look_for_rival(case: Case, own: Job, outcome: RelaunchOutcome) -> tuple[Job, t.Optional[Job], RelaunchOutcome]:
    try:
        return (*lower_rival(case.client, case.contest, own), outcome)
    except ControllerError as error:
        # The job is there, and is to be told of and waited for whatever else.
        return own, None, outcome.warned(f"Whether another caller launched the same work is not known: {error}")


def _give_way(
    case: Case, own: Job, rival: Job, asked: Asked, outcome: RelaunchOutcome, changed_before: bool
) -> RelaunchOutcome:
    """Of callers in the same instant the first one's job stays: cancel the own one, and take the other's."""
    problem = case.watch.cancel(own)
    end = f"{problem} So both ran." if problem else "That was canceled; it may have begun."
    outcome = replace(
        outcome.about(case.client, rival),
        changed=changed_before or problem is not None,
        own_job_id=own.id,
        msg=f"Another caller had launched the same work in the same instant, as job {rival.id}, which is taken instead "
        f"of this task's own job {own.id}. {end}",
    )
    return after_adoption(case, rival, asked, outcome)
