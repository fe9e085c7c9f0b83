# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One of many selected jobs: its sequence, its turn, and the entry that tells what has become of it.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime

from .._api.errors import (
    ControllerError,
    ForbiddenError,
    JobUnsuccessfulError,
    ParkedError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job, join
from .._api.kinds import JOB, Kind
from .._job.outcome import Outcome, RelaunchOutcome, SequenceState, first_error, outcome_of
from .._launch.asks import Ask, EndOf, JobsAfter, Pause, Room, Steps
from .._retry.retry_rounds import PARKED, parked_hosts
from .._retry.ruled_hosts import RuledHosts
from .._retry.rules import parked_by
from .._selection.selection import written
from .._workflow.outcome import WorkflowOutcome
from .._workflow.temporary_template import source_in
from .outcome import (
    ADOPTED,
    DONE,
    LATER,
    LOST,
    NEEDS_PERSON,
    REFUSED,
    RELAUNCHED,
    SUPERSEDED,
    JobEntry,
    RelaunchCount,
    SourceOutcome,
)


class BrokenOff(BaseException):
    """Ends a sequence from outside, so that it tells what it has done."""


@dataclass(eq=False)
class Member:
    """A selected job, or workflow job, that may need a relaunch.

    :param source: as a list shows it.
    :param state: of the sequence which relaunches it.
    :param steps: its steps, which have not begun.
    :param later_turn: another job of the same work comes first.
    :param ruled: tells which rules its failed hosts fall under; None without rules.
    :param tried: tells of a workflow job how often it has been resumed or relaunched without success.
    :param node_job_ids: of a workflow job, the selected jobs of its nodes, which are left to it.
    :param older: of a workflow job, the entries of older ones of the same work, as far as they are known before.
    :param begun: whether its turn has come.
    :param ask: what it waits for; None where it has not begun, or is over.
    :param entry: what became of it, when it is over.
    :param acts: whether it came so far as to launch or to wait.
    :param let_in: it was given room, and has not launched yet.
    :param passed_over: others were let in while it waited for room.
    :param ended_badly: the job that is to do its work has ended without success, and is not judged yet.
    :param timed_out: the task's timeout ended it.
    """

    source: Job
    state: SequenceState
    steps: Steps[t.Any]
    later_turn: bool = False
    ruled: t.Optional[RuledHosts] = None
    tried: t.Optional[t.Callable[[], RelaunchCount]] = None
    node_job_ids: t.Optional[tuple[int, ...]] = None
    older: tuple[JobEntry, ...] = ()
    begun: bool = False
    ask: t.Optional[Ask] = None
    entry: t.Optional[JobEntry] = None
    acts: bool = False
    let_in: bool = False
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
        before, self.let_in = len(self.launched), self.let_in or self.waits_for_room
        try:
            self.ask = self.steps.send(answer) if error is None else self.steps.throw(error)
        except StopIteration as end:
            self.ask = None
            self.entry = self._of_outcome(end.value)
        except BaseException as raised:
            self.ask = None
            self.entry = _of_error(self, raised)
            self.timed_out = isinstance(first_error(raised), WaitTimeoutError)
            if not isinstance(raised, (ControllerError, BrokenOff)):
                # It tells of this job alone, and is to tell of all.
                vars(raised).pop("outcome", None)
                raise
        else:
            launching = len(self.launched) == before and isinstance(self.ask, (JobsAfter, Pause))
            self.let_in = self.let_in and launching
            # In between the verdict may look at other jobs.
            if not isinstance(self.ask, JobsAfter):
                self.acts, self.ended_badly = True, False

    @property
    def kind(self) -> Kind:
        """Of it, and of what is launched for it."""
        return self.source.kind

    @property
    def launched(self) -> list[Job]:
        """The jobs that it has launched."""
        return self.state.launched

    @property
    def takes_room(self) -> bool:
        """Whether a job may come of it that is not known yet."""
        return self.entry is None and (self.state.looking_up or self.let_in)

    @property
    def waits_for_room(self) -> bool:
        return isinstance(self.ask, Room)

    @property
    def waits_for_end(self) -> bool:
        return isinstance(self.ask, EndOf)

    @property
    def has_failed(self) -> bool:
        """Whether a job that was to do its work has not, or may not have."""
        return self.ended_badly if self.entry is None else self.entry.ended_badly

    def drop(self, why: str, broken: bool = False) -> None:
        """End it, since it may not launch any more.

        :param broken: it is to count as not successful.
        """
        self.entry = replace(self._stopped(self._broken_off(), why), broken=broken)

    def leave_to_a_person(self, tried: RelaunchCount) -> None:
        """End it, since its work has been relaunched too often without success."""
        msg, since = _tried_too_often(tried, by_rules=self.ruled is not None), written(tried.since)
        self.acts = False
        self.entry = self.entry_of(NEEDS_PERSON, self._broken_off(), msg, attempts=tried.number, failing_since=since)

    def leave_for_later(self, now: datetime) -> None:
        """End it, where the delay that a rule asks for has not passed since its work has ended."""
        if (found := self.ruled.too_early(now) if self.ruled else None) is not None:
            self.acts, self.entry = False, self.entry_of(LATER, self._broken_off(), _too_early(*found))

    def lose(self, why: str) -> None:
        """End it, since the job that it waits for, its own or what comes before it, cannot be found any more."""
        name = LOST if self.launched or self.state.adopted else REFUSED
        self.entry = self.entry_of(name, self._broken_off(), why, broken=True)

    def so_far(self) -> JobEntry:
        """What is to be told of it where nothing more is done about it."""
        if self.entry is None:
            outcome, why = self._broken_off(), "the task was broken off before its turn"
            acted = outcome.changed or outcome.job is not None
            self.entry = self._of_outcome(outcome, over=False) if acted else self._stopped(outcome, why)
        return self.entry

    def planned(self) -> JobEntry:
        """What would become of it, as far as it has come."""
        if self.entry is not None:
            return self.entry
        if not self.begun:
            reason = "Another job of the same work comes first: what is left of this one is decided after that."
            return self.entry_of(SUPERSEDED, _known(self, None), reason)
        name = RELAUNCHED if self.waits_for_room else ADOPTED
        outcome = _known(self, self.state.outcome)
        msg = self.state.plan or outcome.msg
        if not msg and isinstance(self.ask, EndOf):
            msg = f"Job {self.ask.job.id} is {self.ask.job.status}: its end decides."
        return self.entry_of(name, outcome, msg)

    def entry_of(self, name: str, outcome: SourceOutcome, msg: t.Optional[str] = None, **more: t.Any) -> JobEntry:
        """Its entry, as ``JobEntry.of`` makes it."""
        # What is said in place of what the outcome says may be of the last launch alone.
        told_of = {outcome.job.id if outcome.job else None, outcome.own_job_id}
        earlier = [job.id for job in self.launched if job.id not in told_of]
        if msg is not None and earlier:
            msg = f"{msg} Launched for it before: {self.kind.noun} {join(earlier)}."
        return JobEntry.of(self.source, name, outcome, msg, node_job_ids=self.node_job_ids, **more)

    def _broken_off(self) -> SourceOutcome:
        self.ask = None
        try:
            self.steps.throw(BrokenOff())
        except BaseException as error:
            return _known(self, outcome_of(error))
        return _known(self, None)

    def _stopped(self, outcome: SourceOutcome, why: str) -> JobEntry:
        if not outcome.changed:
            return self.entry_of(REFUSED, outcome, f"Not launched: {why}. Run the task again for it.")
        outcome = outcome.saying(f"Nothing more was launched: {why}. Run the task again for it.")
        return self._of_outcome(outcome, over=False)

    def _of_outcome(self, outcome: SourceOutcome, over: bool = True) -> JobEntry:
        """:param over: it had come to its end, so that it tells whether the work is done."""
        left = outcome.remaining_hosts if isinstance(outcome, RelaunchOutcome) else outcome.gone_hosts
        job, done = outcome.job, over and not left
        if outcome.changed or self.has_adopted(outcome):
            name = ADOPTED
            if outcome.changed:
                # In check mode there is no job, and it has come to its end.
                name = RELAUNCHED if over or job is not None else LOST
            return self.entry_of(name, outcome, recovered=done and job is not None and job.successful)
        by_relaunch = job is None or job.is_relaunch or job.id == self.source.id or source_in(job.name) is not None
        name = SUPERSEDED if self.later_turn or not by_relaunch else DONE
        return self.entry_of(name, outcome, recovered=done)

    def has_adopted(self, outcome: SourceOutcome) -> bool:
        """Whether another caller's job was taken, be it after this task's own one had been canceled for it."""
        return self.state.adopted or outcome.own_job_id is not None


def _of_error(member: Member, error: BaseException) -> JobEntry:
    outcome, first = _known(member, outcome_of(error)), first_error(error)
    said = str(error) if isinstance(error, ControllerError) else "Interrupted while it was being launched."
    if outcome.own_job_id is not None and f"own job {outcome.own_job_id}" not in said:
        said = f"{said} This task's own job {outcome.own_job_id} had been given up for another caller's."
    # One that is seen to be active may have been left in status new.
    ended = isinstance(first, JobUnsuccessfulError) or (outcome.job is not None and not outcome.job.active)
    if isinstance(first, ParkedError):
        name, broken = PARKED, False
    elif outcome.changed:
        name, broken = RELAUNCHED if outcome.job is not None else LOST, ended
    elif member.has_adopted(outcome):
        name, broken = ADOPTED, ended
    elif member.later_turn and isinstance(first, RefusedError):
        name, broken = SUPERSEDED, False
    else:
        name, broken = REFUSED, _is_broken_by(first, member.state.plan != "")
    return member.entry_of(name, outcome, said, broken=broken)


def entries_of(member: Member, planned: bool) -> t.Iterator[JobEntry]:
    """A member's own entry, and those of older ones that go by what comes of it.

    :param planned: what would become of it, else what is to be told where nothing more is done about it.
    """
    own = _with_parked(member.planned() if planned else member.so_far(), member.ruled)
    yield own
    for one in member.older:
        yield replace(one, recovered=own.recovered, id=own.id, status=own.status, url=own.url)


def _tried_too_often(tried: RelaunchCount, by_rules: bool) -> str:
    times = "once" if tried.number == 1 else f"{tried.number} times"
    by = "max_attempts, or retries of a rule" if by_rules else "max_attempts"
    return (
        f"Not launched: its work has been relaunched {times} since it last succeeded ({by}), and has failed since "
        f"{written(tried.since)}. It needs a person."
    )


def _too_early(delay: float, left: float) -> str:
    return f"Left for later: by a rule it waits {delay:g} seconds after its last end, of which {left:.0f} are left."


def _with_parked(entry: JobEntry, ruled: t.Optional[RuledHosts]) -> JobEntry:
    """The entry with the hosts that need a person."""
    parked = parked_by(ruled.left) if ruled else {}
    if not parked or entry.recovered:
        return entry
    told_of = "" if entry.outcome == PARKED else f" Parked: {parked_hosts(parked)}."
    return replace(entry, parked=parked, msg=f"{entry.msg}{told_of}")


def _is_broken_by(error: BaseException, planned: bool) -> bool:
    # Who may start a job shows at its launch only, where it was launched with another user's prompts.
    if isinstance(error, (ForbiddenError, WaitTimeoutError)):
        return False
    # Of a job that was cut short hosts are left that nobody will do.
    decided = isinstance(error, RefusedError) or (isinstance(error, ControllerError) and error.refuses)
    return planned or not decided


def _known(member: Member, outcome: t.Optional[Outcome]) -> SourceOutcome:
    """What had been done for one; nothing where that is not known."""
    if isinstance(outcome, (RelaunchOutcome, WorkflowOutcome)):
        return outcome
    if member.kind is JOB:
        return RelaunchOutcome(source_job_id=member.source.id)
    return WorkflowOutcome(source_workflow_job_id=member.source.id)
