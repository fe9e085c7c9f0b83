# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver of many sequences side by side: one list answers all looks, one all waits, and room is given to a few.

Each pass of it answers what can be answered at once; where that is nothing, it waits for the end of a job, or sleeps
until the next pause is over. Private to this collection.
"""

from __future__ import annotations

import math
import typing as t

from .._api.client import ControllerClient
from .._api.errors import ControllerError, RefusedError, WaitTimeoutError
from .._api.jobs import Job
from .._launch.asks import EndOf, JobsAfter, Pause
from .._launch.waiting import Watch
from .._work.decision import ALL
from .member import Member
from .options import JobsRequest
from .outcome import Counted
from .recent_jobs import RecentJobs

# So many launches share a look at others in the same instant: it comes a second later at most.
LAUNCHES_A_LOOK = 10
# Those who look within so many seconds share a look, unless one of them has launched something in between.
LOOK_SHARED_FOR = 0.5
# The events of a job are in so many seconds after its end; sooner, its verdict would have to wait for them.
EVENTS_IN_AFTER = 2.0

LATE = "the timeout was over before its turn"

CountedProgress = t.Callable[[Counted], None]


class BulkDriver:
    """
    :param client: the controller, and with it the clock.
    :param request: how many may be launched, and be active.
    :param watch: the time that there is.
    :param turns: in each row jobs of the same work, the one whose turn comes first as the first.
    :param progress: is shown how far all of it is.
    """

    def __init__(
        self,
        client: ControllerClient,
        request: JobsRequest,
        watch: Watch,
        turns: t.Sequence[t.Sequence[Member]],
        progress: t.Optional[CountedProgress] = None,
    ) -> None:
        self._client = client
        self._request = request
        self._watch = watch
        self._turns = turns
        self._progress = progress
        #: All of them, by the number of their sources.
        self.members = sorted((member for row in turns for member in row), key=lambda member: member.source.id)
        self._row_of = {member.source.id: row for row in turns for member in row}
        self._recent: t.Optional[RecentJobs] = None
        # Whether something may have been launched since the last look.
        self._launching = False
        # By number, the jobs that were launched here and are active.
        self._running: dict[int, Job] = {}
        # By number, the jobs that have ended, and when that was seen.
        self._ended: dict[int, tuple[Job, float]] = {}
        # By the number of the source, until when it pauses.
        self._pauses: dict[int, float] = {}
        self._late = False

    @property
    def timed_out(self) -> bool:
        """Whether the task's timeout came before all had ended."""
        return self._late or any(member.timed_out for member in self.members)

    def plan(self) -> None:
        """Let each that has its turn decide; nothing is launched.

        :raises ControllerError: the jobs could not be listed.
        """
        self._begin_turns()
        if self._asking(JobsAfter):
            self._refresh()
        self._answer_looks(shared_for=math.inf)

    def run(self) -> None:
        """Launch, wait, judge, until there is nothing left to do.

        :raises ControllerError: what waiting will not cure.
        """
        while True:
            self._begin_turns()
            self._answer_looks()
            if self._end_by_time():
                continue
            # Those who judge an end, and those who are let in, share a look.
            answered = self._answer_ends(), self._answer_pauses(), self._give_room()
            if any(answered):
                continue
            self._show()
            numbers, due = self._waited_for(), self._next_due()
            if numbers:
                self._await_some(numbers, due)
            elif due is not None:
                self._client.sleep(due)
            else:
                return

    def _asking(self, *kinds: type) -> list[Member]:
        return [member for member in self.members if isinstance(member.ask, kinds)]

    def _advance(self, member: Member, answer: t.Any = None, error: t.Optional[BaseException] = None) -> None:
        before, looked_for = len(member.launched), member.sequence.looking_up
        try:
            member.advance(answer, error)
        finally:
            self._launching = self._launching or (member.sequence.looking_up and not looked_for)
            for job in member.launched[before:]:
                self._running[job.id] = job
                self._launching = True
                if self._recent is not None:
                    self._recent.note(job)

    def _begin_turns(self) -> None:
        """In each row the next one, when the one before is over; or, where nobody waits for it, has launched."""
        for row in self._turns:
            for member in row:
                if not member.begun and member.entry is None:
                    member.begin()
                left = not self._request.options.wait and isinstance(member.ask, EndOf)
                if member.entry is None and not left:
                    break

    def _answer_looks(self, shared_for: float = LOOK_SHARED_FOR) -> None:
        """One list for all that look, again and again until none does.

        :param shared_for: so many seconds.
        """
        while True:
            looking = self._asking(JobsAfter)
            if not looking:
                return
            error: t.Optional[ControllerError] = None
            for member in looking:
                if error is None:
                    error = self._look(looking, shared_for)
                ask = member.ask
                if error is None and self._recent is not None and isinstance(ask, JobsAfter):
                    self._advance(member, self._recent.of(ask.source, ask.number))
                else:
                    self._advance(member, error=error)
            self._begin_turns()

    def _look(self, looking: t.Sequence[Member], shared_for: float) -> t.Optional[ControllerError]:
        """See that what is known is fresh; the error, where that is not possible."""
        recent = self._recent
        if recent is not None and not self._launching and self._client.clock() - recent.at <= shared_for:
            return None
        try:
            self._refresh(looking)
        except ControllerError as error:
            return error
        return None

    def _refresh(self, looking: t.Sequence[Member] = ()) -> None:
        sources = [member.source for member in self.members if member.entry is None]
        recent = self._recent
        if recent is None:
            self._recent = self._watch.through(lambda: RecentJobs(self._client, sources))
        else:
            # Whoever looks may take the job that another one of the same work has launched, as it is now.
            rows = {id(row): row for row in (self._row_of[member.source.id] for member in looking)}
            own = {job.id for member in looking for job in member.launched}
            of_others = {job.id for row in rows.values() for member in row for job in member.launched} - own
            known = self._waited_for() - of_others
            self._watch.through(lambda: recent.refresh(sources, known))
        self._launching = False

    def _give_room(self) -> bool:
        """Let some launch, as long as there is room; whether that changed anything."""
        waiting = [member for member in self.members if member.waits_for_room]
        if not waiting:
            return False
        launched = sum(len(member.launched) for member in self.members)
        failed = sum(self._has_failed(member) for member in self.members)
        stop_after, max_jobs = self._request.stop_after, self._request.max_jobs
        if stop_after is not None and failed >= stop_after:
            self._drop(waiting, f"{failed} relaunches had failed (stop_after)")
            return True
        if launched >= max_jobs:
            self._drop(waiting, f"{launched} jobs had been launched (max_jobs)", broken=True)
            return True
        room = max(0, min(self._room(), max_jobs - launched, LAUNCHES_A_LOOK))
        for member in waiting[:room]:
            passed_over, member.passed_over = member.passed_over, False
            self._advance(member, passed_over)
        for member in waiting[room:]:
            member.passed_over = True
        return room > 0

    def _room(self) -> int:
        """How many more may be launched: one that is looked for may be active, too."""
        looked_for = sum(member.entry is None and member.sequence.looking_up for member in self.members)
        return self._request.at_once - len(self._running) - looked_for

    def _drop(self, members: t.Iterable[Member], why: str, broken: bool = False) -> None:
        for member in members:
            member.drop(why, broken)

    def _has_failed(self, member: Member) -> bool:
        return member.ended_badly or (member.entry is not None and member.entry.ended_badly)

    def _answer_pauses(self) -> bool:
        now = self._client.clock()
        pausing = {member.source.id: member for member in self._asking(Pause)}
        self._pauses = {number: until for number, until in self._pauses.items() if number in pausing}
        for number, member in pausing.items():
            if isinstance(member.ask, Pause):
                self._pauses.setdefault(number, now + member.ask.seconds)
        over = [number for number, until in self._pauses.items() if until <= now]
        for number in over:
            del self._pauses[number]
            self._advance(pausing[number])
        return bool(over)

    def _answer_ends(self, at_once: bool = False) -> bool:
        """Tell those that wait of ends whose events are in by now, or of all where nothing else is to be done.

        :param at_once: of all whatsoever.
        """
        now = self._client.clock()
        answered = False
        waiting = [(member, t.cast("EndOf", member.ask).job) for member in self._asking(EndOf)]
        for _member, job in waiting:
            if not job.active and job.id not in self._ended:
                self._note_end(job)
        at_once = at_once or not (self._pauses or self._waited_for())
        for member, job in waiting:
            if job.id in self._ended:
                ended, seen = self._ended[job.id]
                without_hosts = ended.successful and self._request.options.hosts == ALL
                if at_once or without_hosts or now - seen >= EVENTS_IN_AFTER:
                    self._advance(member, ended)
                    answered = True
        return answered

    def _next_due(self) -> t.Optional[float]:
        """Seconds until a pause is over, or the events of a job that has ended are in; None where there is neither."""
        ended = [
            self._ended[number][1] + EVENTS_IN_AFTER
            for number in (t.cast("EndOf", member.ask).job.id for member in self._asking(EndOf))
            if number in self._ended
        ]
        due = min((*self._pauses.values(), *ended), default=None)
        return None if due is None else max(0.0, due - self._client.clock())

    def _waited_for(self) -> set[int]:
        """The numbers of the active jobs whose ends matter."""
        asked = {t.cast("EndOf", member.ask).job.id for member in self._asking(EndOf)}
        more = any(member.entry is None and not isinstance(member.ask, EndOf) for member in self.members)
        if self._watch.passed or not (more or self._request.options.wait):
            return set()
        return (asked | set(self._running)).difference(self._ended) if more else asked.difference(self._ended)

    def _await_some(self, numbers: t.Collection[int], most: t.Optional[float]) -> None:
        try:
            ended, gone = self._watch.until_some_ended(numbers, most)
        except WaitTimeoutError:
            # The next pass sees that, too.
            return
        except ControllerError as error:
            raise RefusedError(
                f"Waiting for {len(numbers)} jobs ended early: {error} Run the task again to go on."
            ) from None
        for job in ended.values():
            self._note_end(job)
        for number in gone:
            self._note_gone(number)

    def _note_end(self, job: Job) -> None:
        self._running.pop(job.id, None)
        self._ended[job.id] = job, self._client.clock()
        if self._recent is not None:
            self._recent.note(job)
        for member in self._asking(EndOf):
            does_work = member.sequence.adopted or any(job.id == own.id for own in member.launched)
            if t.cast("EndOf", member.ask).job.id == job.id and does_work:
                member.ended_badly = not job.successful

    def _note_gone(self, number: int) -> None:
        self._running.pop(number, None)
        if self._recent is not None:
            self._recent.forget(number)
        for member in self._asking(EndOf):
            if t.cast("EndOf", member.ask).job.id == number:
                member.lose(f"Job {number} was deleted while it was waited for: what became of it is not known.")

    def _end_by_time(self) -> bool:
        """At the deadline leave what is active to go on, or let it be canceled; whether that changed anything.

        Who looks for a job that may have been launched goes on.
        """
        if not self._watch.passed:
            return False
        late = [member for member in self.members if member.entry is None]
        late = [member for member in late if not isinstance(member.ask, (JobsAfter, Pause))]
        if not late or self._answer_ends(at_once=True):
            return bool(late)
        self._running.clear()
        waiting = [member for member in late if isinstance(member.ask, EndOf)]
        seen = self._watch.seen_now({t.cast("EndOf", member.ask).job.id for member in waiting}) if waiting else {}
        self._drop((member for member in late if member not in waiting), LATE)
        self._late = self._late or len(waiting) < len(late)
        for member in waiting:
            job = t.cast("EndOf", member.ask).job
            job = seen.get(job.id, job)
            if job.active:
                self._advance(member, error=WaitTimeoutError("The timeout is over.", last=job))
            else:
                self._note_end(job)
        return True

    def _show(self) -> None:
        if self._progress is None:
            return
        acting = [member for member in self.members if member.acts]
        entries = [member.entry for member in acting if member.entry is not None]
        waiting = [member for member in acting if isinstance(member.ask, EndOf)]
        ended = [member for member in waiting if t.cast("EndOf", member.ask).job.id in self._ended]
        failed = sum(entry.unsuccessful for entry in entries) + sum(member.ended_badly for member in ended)
        successful = sum(entry.well for entry in entries) + sum(not member.ended_badly for member in ended)
        self._progress(Counted(len(acting), successful, len(waiting) - len(ended), failed))
