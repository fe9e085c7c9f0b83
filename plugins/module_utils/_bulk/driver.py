# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver of many sequences side by side: one list answers all looks, one all waits, and room is given to a few.

Private to this collection.
"""

from __future__ import annotations

import typing as t

from .._api.client import ControllerClient
from .._api.errors import ControllerError, RefusedError, WaitTimeoutError
from .._api.jobs import Job
from .._launch.asks import EndOf, JobsAfter, Pause
from .._launch.waiting import Watch
from .member import Member
from .outcome import Counted, JobEntry
from .recent_jobs import RecentJobs

# So many launches share a look at others in the same instant: it comes a second later at most.
LAUNCHES_A_LOOK = 10
# The events of a job are in so many seconds after its end; sooner, its verdict would have to wait for them.
EVENTS_IN_AFTER = 2.0

CountedProgress = t.Callable[[Counted], None]


class BulkDriver:
    """
    :param client: the controller, and with it the clock.
    :param watch: the time that there is.
    :param turns: in each row jobs of the same work, the one whose turn comes first as the first.
    :param at_once: how many of the jobs that are launched here may be active.
    :param stop_after: so many jobs that ended badly end the launching; None for never.
    :param wait: whether the ends of jobs are waited for when all have been launched.
    :param progress: is shown how far all of it is.
    """

    def __init__(
        self,
        client: ControllerClient,
        watch: Watch,
        turns: t.Sequence[t.Sequence[Member]],
        at_once: int,
        stop_after: t.Optional[int],
        wait: bool,
        progress: t.Optional[CountedProgress] = None,
    ) -> None:
        self._client = client
        self._watch = watch
        self._turns = turns
        self._at_once = at_once
        self._stop_after = stop_after
        self._wait = wait
        self._progress = progress
        self._recent: t.Optional[RecentJobs] = None
        # By number, the jobs that were launched here and are active.
        self._running: dict[int, Job] = {}
        # By number, the jobs that have ended, and when that was seen.
        self._ended: dict[int, tuple[Job, float]] = {}
        self._pauses: dict[int, float] = {}
        #: Whether the task's timeout came before all had ended.
        self.timed_out = False

    @property
    def members(self) -> list[Member]:
        """All of them, by the number of their sources."""
        return sorted((member for row in self._turns for member in row), key=lambda member: member.source.id)

    def plan(self) -> None:
        """Let each that has its turn decide; nothing is launched.

        :raises ControllerError: the jobs could not be listed.
        """
        self._begin_turns()
        self._answer_looks()

    def run(self) -> None:
        """Launch, wait, judge, until there is nothing left to do.

        :raises ControllerError: what waiting will not cure.
        """
        self._show()
        while True:
            self._begin_turns()
            self._answer_looks()
            if self._watch.passed and self._open():
                self._out_of_time()
            elif self._give_room() or self._answer_pauses() or self._answer_ends():
                continue
            elif self._waited_for():
                self._await_some()
            elif not self._sleep_until_next():
                break
            self._show()

    def launched(self, member: Member, job: Job) -> None:
        """Note a job that a sequence has launched."""
        member.launched.append(job)
        self._running[job.id] = job
        if self._recent is not None:
            self._recent.note(job)

    def entries(self) -> list[JobEntry]:
        """What has become of each by now; whatever goes on is left to itself."""
        return [member.so_far() for member in self.members]

    def _open(self) -> list[Member]:
        return [member for member in self.members if member.ask is not None]

    def _begin_turns(self) -> None:
        """In each row the next one, when the one before is over."""
        for row in self._turns:
            for member in row:
                if member.entry is None:
                    if member.ask is None:
                        member.begin()
                    if member.entry is None:
                        break

    def _answer_looks(self) -> None:
        """One list for all that look, again and again until none does."""
        while True:
            looking = [(one, one.ask) for one in self._open() if isinstance(one.ask, JobsAfter)]
            if not looking:
                return
            error = self._refresh()
            for member, ask in looking:
                if self._recent is not None and error is None:
                    member.advance(self._recent.of(ask.source, ask.number))
                else:
                    member.advance(error=error)
            self._begin_turns()

    def _refresh(self) -> t.Optional[ControllerError]:
        sources = [member.source for row in self._turns for member in row if member.entry is None]
        try:
            if self._recent is None:
                self._recent = self._watch.through(lambda: RecentJobs(self._client, sources))
            else:
                recent, waited_for = self._recent, self._waited_for()
                self._watch.through(lambda: recent.refresh(sources, waited_for))
        except ControllerError as error:
            return error
        return None

    def _give_room(self) -> bool:
        """Let some launch, as long as there is room; whether any was."""
        waiting = [member for member in self._open() if member.waits_for_room]
        failed = self._failed()
        if waiting and self._stop_after is not None and failed >= self._stop_after:
            self._drop(f"{failed} relaunches had failed (stop_after)")
            return False
        room = min(self._at_once - len(self._running), LAUNCHES_A_LOOK)
        for member in waiting[: max(0, room)]:
            member.advance()
        return bool(waiting) and room > 0

    def _drop(self, why: str) -> None:
        for member in self.members:
            member.drop(why)

    def _failed(self) -> int:
        return sum(one.ended_badly or (one.entry is not None and one.entry.unsuccessful) for one in self.members)

    def _answer_pauses(self) -> bool:
        now = self._client.clock()
        answered = False
        for member in self._open():
            if not isinstance(member.ask, Pause):
                continue
            due = self._pauses.setdefault(member.source.id, now + member.ask.seconds)
            if due <= now:
                del self._pauses[member.source.id]
                member.advance()
                answered = True
        return answered

    def _sleep_until_next(self) -> bool:
        if not self._pauses:
            return False
        self._client.sleep(max(0.0, min(self._pauses.values()) - self._client.clock()))
        return True

    def _answer_ends(self) -> bool:
        """Tell those that wait of ends whose events are in by now, or of all where nothing else is to be done."""
        now = self._client.clock()
        idle = not self._waited_for() and not self._pauses
        answered = False
        for member in self._open():
            if isinstance(member.ask, EndOf) and member.ask.job.id in self._ended:
                job, seen = self._ended[member.ask.job.id]
                if idle or now - seen >= EVENTS_IN_AFTER:
                    member.advance(job)
                    answered = True
        return answered

    def _waited_for(self) -> set[int]:
        """The numbers of the active jobs whose ends matter."""
        asked = {one.ask.job.id for one in self._open() if isinstance(one.ask, EndOf)}
        more = any(one.entry is None for one in self.members)
        return (asked | (set(self._running) if more else set())).difference(self._ended)

    def _await_some(self) -> None:
        try:
            ended, gone = self._watch.until_some_ended(self._waited_for())
        except WaitTimeoutError:
            self._out_of_time()
            return
        except ControllerError as error:
            number = len(self._waited_for())
            raise RefusedError(f"Waiting for {number} jobs ended early: {error} Run the task again to go on.") from None
        for job in ended.values():
            self._note_end(job)
        for number in gone:
            self._running.pop(number, None)
            for member in self._open():
                if isinstance(member.ask, EndOf) and member.ask.job.id == number:
                    member.lose(f"Job {number} was deleted while it was waited for: what became of it is not known.")

    def _note_end(self, job: Job) -> None:
        self._running.pop(job.id, None)
        self._ended[job.id] = job, self._client.clock()
        if self._recent is not None:
            self._recent.note(job)
        for member in self._open():
            if isinstance(member.ask, EndOf) and member.ask.job.id == job.id and job.id != member.source.id:
                member.ended_badly = not job.successful

    def _out_of_time(self) -> None:
        """Leave what is active to go on, or cancel what was launched here."""
        self.timed_out = True
        self._drop("the timeout was over before its turn")
        for member in self._open():
            last = member.ask.job if isinstance(member.ask, EndOf) else None
            member.advance(error=WaitTimeoutError("The timeout is over.", last=last))
        self._drop("the timeout was over before its turn")
        self._running.clear()

    def _show(self) -> None:
        if self._progress is None:
            return
        acting = [member for member in self.members if member.acts]
        over = [member for member in acting if member.ended_badly or self._is_over(member)]
        failed = sum(member.ended_badly or (member.entry is not None and member.entry.unsuccessful) for member in over)
        running = sum(isinstance(member.ask, EndOf) and not self._is_over(member) for member in acting)
        self._progress(Counted(len(acting), len(over) - failed, running, failed))

    def _is_over(self, member: Member) -> bool:
        if member.entry is not None:
            return True
        return isinstance(member.ask, EndOf) and member.ask.job.id in self._ended
