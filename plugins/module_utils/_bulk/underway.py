# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One of many jobs, step by step: launched or adopted, in contest with other callers, judged when it has ended."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api import jobs as _jobs
from .._api.errors import (
    ControllerError,
    ForbiddenError,
    RefusedError,
)
from .._api.jobs import Job
from .._job.case import names
from .._job.claim import adopted, stopped_at
from .._job.outcome import RelaunchOutcome, outcome_of
from .._job.relaunch_post import relaunch
from .._job.until_end import (
    after_launch,
    given_way,
    in_favour_of,
)
from .._job.verdict import Asked, judge
from .._launch.launch import Launched
from .._work.decision import Adopt, Launch, Refuse
from .outcome import (
    ADOPTED,
    LOST,
    REFUSED,
    RELAUNCHED,
    JobEntry,
)
from .plan import Due


@dataclass(frozen=True)
class Underway:
    """A job that does, or has done, what was due.

    :param outcome: which tells of its launch or adoption.
    :param own: launched here, so that it takes room.
    :param error: what is wrong with it already, however it ends.
    """

    due: Due
    job: Job
    asked: Asked
    outcome: RelaunchOutcome
    own: t.Optional[Launched] = None
    error: t.Optional[ControllerError] = None

    def entry(self, recovered: bool = False) -> JobEntry:
        """What is to be told of it by now."""
        name = RELAUNCHED if self.own else ADOPTED
        return JobEntry.of(self.due.source, name, self.outcome, recovered, str(self.error) if self.error else None)

    def with_job(self, job: Job) -> Underway:
        """It with its job as it is now."""
        outcome = self.outcome if self.outcome.job is None else replace(self.outcome, job=job)
        return replace(self, job=job, outcome=outcome)

    def failing(self, error: ControllerError) -> Underway:
        """It with an error, and what the error carries."""
        carried = outcome_of(error)
        outcome = carried if isinstance(carried, RelaunchOutcome) else self.outcome
        return replace(self, outcome=outcome, error=error)


def begin(due: Due, newest: int) -> Underway:
    """Launch what is due; or take what is active already, which is waited for without being looked at once more.

    :param newest: the highest number of a job that is known: one that has to be looked for is newer.
    :raises ControllerError: as ``relaunch``.
    """
    case, decision, outcome = due.case, due.decision, due.outcome
    if isinstance(decision, Launch):
        launches: list[Launched] = []

        def then(launched: Launched, new: RelaunchOutcome) -> RelaunchOutcome:
            launches.append(launched)
            return new

        case = replace(case, history=replace(case.history, newest=newest))
        outcome = relaunch(case, decision, outcome, then)
        (launched,) = launches
        return Underway(due, launched.job, case.asked(outcome.hosts or ()), outcome, own=launched)
    if isinstance(decision, Adopt):
        asked = case.asked(names(decision.hosts), names(decision.rest))
        return Underway(due, decision.job, asked, adopted(case, decision, decision.job, outcome))
    if isinstance(decision, Refuse):
        raise RefusedError(decision.reason)
    job = decision.job
    return Underway(due, job, case.asked(()), outcome.saying(f"Job {job.id} is {job.status}: its end decides."))


def contested(underway: Underway, listed: t.Callable[[], list[Job]]) -> Underway:
    """A job that was launched, or the other caller's to which it gave way.

    :param listed: lists the jobs that have come since before the launch.
    """
    launched = underway.own
    if launched is None:
        return underway
    try:
        case = replace(underway.due.case, listed=listed)
        outcome = after_launch(case, launched, underway.asked, underway.outcome)
    except ControllerError as error:
        return underway.failing(error)
    job = outcome.job or launched.job
    return replace(underway, job=job, outcome=outcome, own=launched if job.id == launched.job.id else None)


def judged(underway: Underway) -> t.Union[Underway, JobEntry, str]:
    """The verdict on a job that has ended.

    :returns: its entry; or where it was canceled in favour of another one, that; or where the work was cut short and
        all hosts are next, where that was.
    """
    due, job = underway.due, underway.job
    if underway.error is not None:
        return underway.entry()
    try:
        job = _jobs.get(due.case.client, job.id)
        lower = None if underway.own else in_favour_of(due.case, job)
        if lower is not None:
            return replace(underway, job=lower, outcome=given_way(due.case, job, lower, underway.outcome))
        outcome = judge(due.case.client, due.case.watch, job, underway.asked, underway.outcome)
        at = stopped_at(due.case, due.decision, outcome)
    except ControllerError as error:
        return underway.with_job(job).failing(error).entry()
    return replace(underway, outcome=outcome).entry(recovered=True) if at is None else at


def of_error(due: Due, error: BaseException) -> JobEntry:
    """The entry of a job that could not be dealt with, by what the error carries."""
    carried = outcome_of(error)
    outcome = carried if isinstance(carried, RelaunchOutcome) else due.outcome
    name = REFUSED if not outcome.changed else RELAUNCHED if outcome.job else LOST
    said = str(error) if isinstance(error, ControllerError) else "Interrupted while it was being launched."
    # Who may start a job shows at its launch only, where it was launched with another user's prompts.
    broken = name == REFUSED and not isinstance(error, ForbiddenError)
    return replace(JobEntry.of(due.source, name, outcome, msg=said), broken=broken)


def not_launched(due: Due, why: str) -> JobEntry:
    """The entry of a job whose turn has not come."""
    return JobEntry.of(due.source, REFUSED, due.outcome, msg=f"Not launched: {why}. Run the task again for it.")
