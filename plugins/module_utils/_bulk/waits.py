# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What many sequences wait for: ends of jobs, pauses, and a controller in trouble. Private to this collection."""

from __future__ import annotations

import math
import typing as t

from .._api.jobs import Job, answers
from .._api.kinds import JOB, Kind
from .._launch.asks import EndOf, Pause
from .._launch.waiting import EARLY_PAUSE, Watch
from .._work.decision import ALL
from .member import Member
from .options import JobsRequest
from .outcome import JobCounts

# The events of a job are in so many seconds after its end; sooner, its verdict would have to wait for them.
EVENTS_IN_AFTER = 1.5
# An address that is in trouble for so many seconds, while others are answered, may stay so.
SICK_AFTER = 180.0


class SharedWatch(Watch):
    """Waits of many: an address that fails while the controller answers others keeps nobody waiting."""

    # When the controller answered elsewhere last while an address failed, by the client's clock.
    _answered_elsewhere = -math.inf

    def patience(self, seconds: float) -> float:
        """For how many seconds yet to go on trying after so many of trouble with one address.

        No more where the controller has answered elsewhere both before and after an attempt that failed: between two
        attempts alone it may have come back.
        """
        began = self.client.clock() - seconds
        answered_before = began <= self._answered_elsewhere
        left = super().patience(seconds)
        if left > 0:
            answered = answers(self.client)
            self._answered_elsewhere = self.client.clock() if answered else -math.inf
            if answered and answered_before and seconds >= SICK_AFTER:
                return 0.0
        return left


class Waits:
    """What many wait for: the ends of jobs, and pauses.

    :param request: whether to wait, and what has to be known of hosts.
    :param members: whose waits these are.
    :param clock: a monotonic clock, seconds.
    """

    def __init__(self, request: JobsRequest, members: t.Sequence[Member], clock: t.Callable[[], float]) -> None:
        self._options = request.options
        self._interval = request.waiting.interval
        self._members = members
        self._last_left = members
        self._clock = clock
        #: By number, the jobs that were launched here and are active.
        self.running: dict[int, Job] = {}
        #: How many were launched here.
        self.launched = 0
        # When the last of them was launched, and when it was seen last who is active, or had been launched since.
        self._launched_at = self._seen = -math.inf
        self._older: set[int] = set()
        # By number, the jobs that have ended, and when that was seen.
        self._ended: dict[int, tuple[Job, float]] = {}
        # By the number of the source, until when it pauses.
        self._pauses: dict[int, float] = {}

    @property
    def left(self) -> t.Sequence[Member]:
        """Those that are not over."""
        self._last_left = [member for member in self._last_left if member.entry is None]
        return self._last_left

    @property
    def for_end(self) -> list[tuple[Member, EndOf]]:
        """Those that wait for the end of a job, with what they ask for."""
        return [(member, member.ask) for member in self.left if isinstance(member.ask, EndOf)]

    def note_launch(self, job: Job) -> None:
        """Know a job that was launched here."""
        self.running[job.id] = job
        self.launched += 1
        self._launched_at = self._clock()

    def note_look(self) -> None:
        """Know that the ends of all jobs have been seen that have ended by now."""
        self._seen, self._older = self._clock(), {*self.active}

    @property
    def next_look(self) -> float:
        """Seconds until it is worth a request to look who has ended."""
        at = self._seen + self._interval if self._older.intersection(self.active) else self._launched_at + EARLY_PAUSE
        return max(0.0, at - self._clock())

    def note_end(self, job: Job) -> None:
        """Know that a job has ended."""
        self.running.pop(job.id, None)
        self._ended[job.id] = job, self._clock()
        for member, ask in self.for_end:
            # What another's run of a workflow has left is resumed.
            adopted = member.state.adopted and member.kind is JOB
            does_work = adopted or any(job.id == own.id for own in member.launched)
            if ask.job.id == job.id and does_work:
                member.ended_badly = not job.successful

    def note_lost(self, number: int, how: str) -> None:
        """Know that the end of a job will not be seen.

        :param how: such as that it was deleted, for a sentence.
        """
        self.running.pop(number, None)
        for member, ask in self.for_end:
            if ask.job.id == number:
                what = f"{ask.job.kind.noun.capitalize()} {number}"
                member.lose(f"{what} {how} while it was waited for: what became of it is not known.")

    def over(self, idle: bool = False) -> list[tuple[Member, Job]]:
        """Those whose job has ended and can be judged, with that as it is now.

        Where nothing else is to be done, its events may be waited for in the verdict.

        :param idle: nothing else is.
        """
        for _member, ask in self.for_end:
            if not ask.job.active and ask.job.id not in self._ended:
                self.note_end(ask.job)
        ended = [(member, self._ended[ask.job.id][0]) for member, ask in self._for_seen_end]
        if idle or not (ended and (self._pauses or self.active)):
            return ended
        return [(member, job) for member, job in ended if self._judged_at(job.id) <= self._clock()]

    def pauses_over(self) -> list[tuple[Member, None]]:
        """Those whose pause is over; there is no answer."""
        now = self._clock()
        pausing = {member.source.id: member for member in self.left if isinstance(member.ask, Pause)}
        self._pauses = {number: until for number, until in self._pauses.items() if number in pausing}
        for number, member in pausing.items():
            self._pauses.setdefault(number, now + t.cast("Pause", member.ask).seconds)
        found = [number for number, until in self._pauses.items() if until <= now]
        for number in found:
            # It may pause again at once.
            del self._pauses[number]
        return [(pausing[number], None) for number in found]

    def not_behind_others(
        self, waiting: t.Sequence[Member], active_templates: t.Container[t.Optional[int]]
    ) -> list[Member]:
        """Those that would not be pending behind a job of this task, whose template allows one job at a time. Last
        come those that would be pending behind another's, so that they take no place of others.

        :param active_templates: those of which a job is known to be active.
        """
        busy = {job.template for job in self.running.values()}
        found = []
        for member in waiting:
            template = member.source.template
            if not _alone(member) or template not in busy:
                found.append(member)
                busy.add(template)
        return sorted(found, key=lambda one: _alone(one) and one.source.template in active_templates)

    @property
    def _for_seen_end(self) -> list[tuple[Member, EndOf]]:
        """Those that wait for the end of a job which has been seen."""
        return [(member, ask) for member, ask in self.for_end if ask.job.id in self._ended]

    @property
    def asked(self) -> dict[int, Kind]:
        """The numbers of the jobs for whose end somebody waits, each with its kind."""
        return {ask.job.id: ask.job.kind for _member, ask in self.for_end}

    @property
    def active(self) -> dict[int, Kind]:
        """The numbers of the active jobs whose ends matter, each with its kind."""
        asked = self.asked
        # Without waiting for the ends, room is waited for.
        more = any(not member.waits_for_end for member in self.left)
        if more:
            asked.update((number, job.kind) for number, job in self.running.items())
        if not (more or self._options.wait):
            return {}
        return {number: kind for number, kind in asked.items() if number not in self._ended}

    @property
    def looked_at_next(self) -> bool:
        """Whether others' jobs are looked at next, when one of these has ended."""
        return self._options.hosts != ALL or any(member.waits_for_room for member in self.left)

    @property
    def counted(self) -> JobCounts:
        """How far all of it is."""
        acting = [member for member in self._members if member.acts]
        entries = [member.entry for member in acting if member.entry is not None]
        ended_badly = [member.ended_badly for member, _ask in self._for_seen_end]
        failed = sum(entry.unsuccessful for entry in entries) + ended_badly.count(True)
        successful = sum(entry.well for entry in entries) + ended_badly.count(False)
        return JobCounts(len(acting), successful, len(self.for_end) - len(ended_badly), failed)

    @property
    def next_due(self) -> t.Optional[float]:
        """Seconds until a pause is over, or a job can be judged; None where there is neither."""
        judged = [self._judged_at(ask.job.id) for _member, ask in self._for_seen_end]
        due = min((*self._pauses.values(), *judged), default=None)
        return None if due is None else max(0.0, due - self._clock())

    def _judged_at(self, number: int) -> float:
        job, seen = self._ended[number]
        # On all hosts a success is one, whatever its events tell.
        return seen if job.successful and self._options.hosts == ALL else seen + EVENTS_IN_AFTER


def _alone(member: Member) -> bool:
    """Whether its template allows one job at a time; what remains of a workflow job has a template of its own."""
    return member.kind is JOB and member.source.one_at_a_time
