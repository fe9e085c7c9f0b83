# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One of many selected jobs: its sequence, its turn, and the entry that tells what has become of it.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime

from .._api.errors import (
    AnswerError,
    ControllerError,
    CutShortError,
    ForbiddenError,
    ParkedError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job
from .._job.outcome import RelaunchOutcome, first_error, outcome_of
from .._job.sequence import RelaunchSequence
from .._launch.asks import Ask, EndOf, JobsAfter, Room, Steps
from .._retry.retry_rounds import PARKED
from .._retry.ruled_hosts import RuledHosts
from .._selection.selection import written
from .outcome import ADOPTED, DONE, LATER, LOST, NEEDS_PERSON, REFUSED, RELAUNCHED, SUPERSEDED, JobEntry, Tried


class BrokenOff(BaseException):
    """Ends a sequence from outside, so that it tells what it has done."""


@dataclass(eq=False)
class Member:
    """A selected job that may need a relaunch.

    :param source: as a list shows it.
    :param sequence: which relaunches it.
    :param steps: its steps, which have not begun.
    :param later_turn: another job of the same work comes first.
    :param launched: the jobs that it has launched.
    :param ruled: tells which rules its failed hosts fall under; None without rules.
    :param begun: whether its turn has come.
    :param ask: what it waits for; None where it has not begun, or is over.
    :param entry: what became of it, when it is over.
    :param acts: whether it came so far as to launch or to wait.
    :param passed_over: others were let in while it waited for room.
    :param ended_badly: the job that is to do its work has ended without success, and is not judged yet.
    :param timed_out: the task's timeout ended it.
    """

    source: Job
    sequence: RelaunchSequence
    steps: Steps[RelaunchOutcome]
    later_turn: bool = False
    launched: list[Job] = field(default_factory=list)
    ruled: t.Optional[RuledHosts] = None
    begun: bool = False
    ask: t.Optional[Ask] = None
    entry: t.Optional[JobEntry] = None
    acts: bool = False
    passed_over: bool = False
    ended_badly: bool = False
    timed_out: bool = False

    def begin(self) -> None:
        """Take the first step."""
        self.begun = True
        self.advance()

    def advance(self, answer: t.Any = None, error: t.Optional[BaseException] = None) -> None:
        """Go on with the answer to what was asked for, or with the error of it, to the next ask or to the end.

        :raises BaseException: an interruption, or a defect; the entry is that of what had been done.
        """
        try:
            self.ask = self.steps.send(answer) if error is None else self.steps.throw(error)
        except StopIteration as end:
            self.ask = None
            self.entry = self._of_outcome(end.value)
        except BaseException as raised:
            self.ask = None
            self.entry = self._of_error(raised)
            if not isinstance(raised, (ControllerError, BrokenOff)):
                # It tells of this job alone, and is to tell of all.
                vars(raised).pop("outcome", None)
                raise
        else:
            # In between the verdict may look at other jobs.
            if not isinstance(self.ask, JobsAfter):
                self.acts, self.ended_badly = True, False

    @property
    def waits_for_room(self) -> bool:
        return isinstance(self.ask, Room)

    @property
    def waits_for_end(self) -> t.Optional[Job]:
        """The job for whose end it waits."""
        return self.ask.job if isinstance(self.ask, EndOf) else None

    @property
    def has_failed(self) -> bool:
        """Whether a job that was to do its work has not, or may not have."""
        return self.ended_badly if self.entry is None else self.entry.ended_badly

    def drop(self, why: str, broken: bool = False) -> None:
        """End it, since it may not launch any more.

        :param broken: it is to count as not successful.
        """
        if self.entry is None:
            self.entry = replace(self._stopped(self._broken_off(), why), broken=broken)

    def leave_to_a_person(self, tried: Tried) -> None:
        """End it, since its work has been relaunched too often without success."""
        since = written(tried.since)
        times = "once" if tried.number == 1 else f"{tried.number} times"
        by = "max_attempts, or retries of a rule" if self.ruled else "max_attempts"
        msg = (
            f"Not launched: its work has been relaunched {times} since it last succeeded ({by}), and has failed since "
            f"{since}. It needs a person."
        )
        entry = JobEntry.of(self.source, NEEDS_PERSON, self._broken_off(), msg=msg)
        self.entry, self.acts = replace(entry, attempts=tried.number, failing_since=since), False

    def leave_for_later(self, now: datetime) -> None:
        """End it, where the delay that a rule asks for has not passed since its work has ended."""
        found = self.ruled.too_early(now) if self.ruled else None
        if found is None:
            return
        delay, left = found
        msg = (
            f"Left for later: by a rule it waits {delay:g} seconds from its last end on, of which {left:.0f} are left."
        )
        self.entry, self.acts = JobEntry.of(self.source, LATER, self._broken_off(), msg=msg), False

    def lose(self, why: str) -> None:
        """End it, since the job that it waits for cannot be found any more."""
        self.entry = JobEntry.of(self.source, LOST, self._broken_off(), msg=why)

    def so_far(self) -> JobEntry:
        """What is to be told of it where nothing more is done about it."""
        if self.entry is None:
            outcome = self._broken_off()
            if outcome.changed or outcome.job is not None:
                self.entry = self._of_outcome(outcome, over=False)
            else:
                self.entry = self._stopped(outcome, "the task was broken off before its turn")
        return self.entry

    def planned(self) -> JobEntry:
        """What would become of it, as far as it has come."""
        if self.entry is not None:
            return self.entry
        if not self.begun:
            reason = "Another job of the same work comes first: what is left of this one is decided after that."
            return JobEntry(self.source.id, self.source.name, SUPERSEDED, reason)
        name = RELAUNCHED if self.waits_for_room else ADOPTED
        outcome = self.sequence.outcome or RelaunchOutcome(source_job_id=self.source.id)
        msg = self.sequence.plan or outcome.msg
        if not msg and isinstance(self.ask, EndOf):
            msg = f"Job {self.ask.job.id} is {self.ask.job.status}: its end decides."
        return JobEntry.of(self.source, name, outcome, msg=msg)

    def _broken_off(self) -> RelaunchOutcome:
        self.ask = None
        try:
            self.steps.throw(BrokenOff())
        except BaseException as error:
            found = outcome_of(error)
            if isinstance(found, RelaunchOutcome):
                return found
        return RelaunchOutcome(source_job_id=self.source.id)

    def _stopped(self, outcome: RelaunchOutcome, why: str) -> JobEntry:
        if not outcome.changed:
            return JobEntry.of(self.source, REFUSED, outcome, msg=f"Not launched: {why}. Run the task again for it.")
        outcome = outcome.saying(f"Nothing more was launched: {why}. Run the task again for it.")
        return self._of_outcome(outcome, over=False)

    def _of_outcome(self, outcome: RelaunchOutcome, over: bool = True) -> JobEntry:
        """:param over: it had come to its end, so that it tells whether the work is done."""
        job, done = outcome.job, over and not outcome.remaining_hosts
        if outcome.changed:
            # In check mode there is no job, and it has come to its end.
            name = RELAUNCHED if over or job is not None else LOST
            return JobEntry.of(self.source, name, outcome, done and job is not None and job.successful)
        if self._adopted(outcome):
            return JobEntry.of(self.source, ADOPTED, outcome, done and job is not None and job.successful)
        by_relaunch = job is None or job.is_relaunch or job.id == self.source.id
        name = SUPERSEDED if self.later_turn or not by_relaunch else DONE
        return JobEntry.of(self.source, name, outcome, done)

    def _adopted(self, outcome: RelaunchOutcome) -> bool:
        """Whether another caller's job was taken, be it after this task's own one had been canceled for it."""
        return self.sequence.adopted or outcome.own_job_id is not None

    def _of_error(self, error: BaseException) -> JobEntry:
        carried = outcome_of(error)
        outcome = carried if isinstance(carried, RelaunchOutcome) else RelaunchOutcome(source_job_id=self.source.id)
        first = first_error(error)
        self.timed_out = isinstance(first, WaitTimeoutError)
        said = str(error) if isinstance(error, ControllerError) else "Interrupted while it was being launched."
        ended = outcome.job is not None and not outcome.job.active
        if isinstance(first, ParkedError):
            name, broken = PARKED, False
        elif outcome.changed:
            name, broken = RELAUNCHED if outcome.job is not None else LOST, ended
        elif self._adopted(outcome):
            name, broken = ADOPTED, ended
        elif self.later_turn and isinstance(first, RefusedError):
            name, broken = SUPERSEDED, False
        else:
            name, broken = REFUSED, self._is_broken_by(first)
        return replace(JobEntry.of(self.source, name, outcome, msg=said), broken=broken)

    def _is_broken_by(self, error: BaseException) -> bool:
        # Who may start a job shows at its launch only, where it was launched with another user's prompts.
        if isinstance(error, (ForbiddenError, WaitTimeoutError)):
            return False
        decided = isinstance(error, (RefusedError, CutShortError)) or (isinstance(error, AnswerError) and error.refuses)
        return self.sequence.plan != "" or not decided
