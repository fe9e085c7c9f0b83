# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One of many selected jobs: its sequence, its turn, and the entry that tells what has become of it.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._api.errors import ControllerError, ForbiddenError, RefusedError
from .._api.jobs import Job
from .._job.outcome import RelaunchOutcome, first_error, outcome_of
from .._job.sequence import RelaunchSequence
from .._launch.asks import Ask, Room, Steps
from .outcome import ADOPTED, DONE, LOST, REFUSED, RELAUNCHED, SUPERSEDED, JobEntry


class BrokenOff(BaseException):
    """Ends a sequence from outside, so that it tells what it has done."""


@dataclass
class Member:
    """A selected job that may need a relaunch.

    :param source: as a list shows it.
    :param sequence: which relaunches it.
    :param steps: its steps, which have not begun.
    :param later_turn: another job of the same work comes first.
    :param ask: what it waits for; None where it has not begun, or is over.
    :param entry: what became of it, when it is over.
    :param acts: whether it came so far as to launch or to wait.
    :param ended_badly: the job that did its work ended without success.
    """

    source: Job
    sequence: RelaunchSequence
    steps: Steps[RelaunchOutcome]
    later_turn: bool = False
    ask: t.Optional[Ask] = None
    entry: t.Optional[JobEntry] = None
    acts: bool = False
    ended_badly: bool = False
    launched: list[Job] = field(default_factory=list)
    _begun: bool = False

    def begin(self) -> None:
        """Take the first step."""
        self._begun = True
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
                raise
        else:
            self.acts = self.acts or self.ask is not None

    @property
    def waits_for_room(self) -> bool:
        return isinstance(self.ask, Room)

    def drop(self, why: str) -> None:
        """End it before its turn has come, or before it may launch."""
        if self.entry is None and not self._begun:
            self.entry = self._not_launched(RelaunchOutcome(source_job_id=self.source.id), why)
        elif self.entry is None and self.waits_for_room:
            outcome = self._broken_off()
            self.entry = self._of_outcome(outcome) if outcome.changed else self._not_launched(outcome, why)

    def lose(self, why: str) -> None:
        """End it, since the job that it waits for cannot be found any more."""
        outcome = self._broken_off()
        self.ask = None
        self.entry = JobEntry.of(self.source, LOST, outcome, msg=why)

    def so_far(self) -> JobEntry:
        """What is to be told of it where the task is broken off now."""
        if self.entry is None and not self._begun:
            self.drop("the task was broken off before its turn")
        elif self.entry is None:
            outcome = self._broken_off()
            active = outcome.changed or outcome.job is not None
            why = "the task was broken off before its turn"
            self.entry = self._of_outcome(outcome) if active else self._not_launched(outcome, why)
        return t.cast("JobEntry", self.entry)

    def planned(self) -> JobEntry:
        """What would become of it, as far as it has come."""
        if self.entry is not None:
            return self.entry
        if not self._begun:
            reason = "Another job of the same work comes first: what is left of this one is decided after that."
            return JobEntry(self.source.id, self.source.name, SUPERSEDED, reason)
        name = RELAUNCHED if self.waits_for_room else ADOPTED
        outcome = self.sequence.outcome or RelaunchOutcome(source_job_id=self.source.id)
        return JobEntry.of(self.source, name, outcome, msg=self.sequence.plan or outcome.msg)

    def _broken_off(self) -> RelaunchOutcome:
        try:
            self.steps.throw(BrokenOff())
        except BaseException as error:
            found = outcome_of(error)
            if isinstance(found, RelaunchOutcome):
                return found
        return RelaunchOutcome(source_job_id=self.source.id)

    def _not_launched(self, outcome: RelaunchOutcome, why: str) -> JobEntry:
        return JobEntry.of(self.source, REFUSED, outcome, msg=f"Not launched: {why}. Run the task again for it.")

    def _of_outcome(self, outcome: RelaunchOutcome) -> JobEntry:
        job = outcome.job
        done = job is not None and job.successful and not outcome.remaining_hosts
        if self.launched or outcome.changed:
            return JobEntry.of(self.source, RELAUNCHED, outcome, done)
        if self.sequence.adopted:
            return JobEntry.of(self.source, ADOPTED, outcome, done)
        by_relaunch = job is None or job.is_relaunch or job.id == self.source.id
        name = SUPERSEDED if self.later_turn or not by_relaunch else DONE
        return JobEntry.of(self.source, name, outcome, not outcome.remaining_hosts)

    def _of_error(self, error: BaseException) -> JobEntry:
        carried = outcome_of(error)
        outcome = carried if isinstance(carried, RelaunchOutcome) else RelaunchOutcome(source_job_id=self.source.id)
        said = str(error) if isinstance(error, ControllerError) else "Interrupted while it was being launched."
        if self.sequence.adopted and not outcome.changed:
            return JobEntry.of(self.source, ADOPTED, outcome, msg=said)
        if self.later_turn and not outcome.changed and isinstance(first_error(error), RefusedError):
            return JobEntry.of(self.source, SUPERSEDED, outcome, msg=said)
        name = REFUSED if not outcome.changed else RELAUNCHED if outcome.job else LOST
        # Who may start a job shows at its launch only, where it was launched with another user's prompts.
        broken = name == REFUSED and self.acts_on_plan and not isinstance(first_error(error), ForbiddenError)
        return replace(JobEntry.of(self.source, name, outcome, msg=said), broken=broken)

    @property
    def acts_on_plan(self) -> bool:
        """Whether it was to be launched."""
        return self.sequence.plan != ""
