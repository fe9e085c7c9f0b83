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

from .._api.errors import ControllerError, RefusedError, WaitTimeoutError
from .._api.jobs import Job, counted
from .._api.kinds import JOB, Kind
from .._launch.asks import JobsAfter, Pause
from .._launch.waiting import Watch
from .._work.same_work import Prompts
from .attempts import Attempts
from .deadline_end import DeadlineEnd
from .looks import LOOK_SHARED_FOR, SharedLooks
from .member import Member
from .options import JobsRequest
from .outcome import RELAUNCHED, JobCounts, PlanCount
from .waits import Waits

# So many launches, begun within so many seconds, share a look at others in the same instant; who comes later looks
# anew before, since what was seen is too old by then.
LAUNCHES_A_LOOK = 20
LAUNCHES_TAKE = 1.5

BulkProgress = t.Callable[[t.Union[JobCounts, PlanCount]], None]


class BulkDriver:
    """Drives many sequences side by side, to the end of all of them.

    :param request: how many may be launched, and be active.
    :param watch: the controller, and the time that there is.
    :param turns: in each row jobs of the same work, the one whose turn comes first as the first.
    :param ahead: has read what the verdicts on successful jobs, each with its source, ask for.
    :param progress: is shown how far all of it is.
    :param prompts: what is known of what jobs were launched with; it grows.
    """

    def __init__(
        self,
        request: JobsRequest,
        watch: Watch,
        turns: t.Sequence[t.Sequence[Member]],
        ahead: t.Callable[[t.Sequence[tuple[Job, Job]]], None],
        progress: t.Optional[BulkProgress],
        prompts: Prompts,
    ) -> None:
        self._request = request
        self._watch = watch
        # Rows in which somebody's turn has not come yet.
        self._to_begin = [*turns]
        self._of_several = [row for row in turns if len(row) > 1]
        self._progress = progress
        self._ahead = ahead
        #: All of them, by the number of their sources.
        self.members = sorted((member for row in turns for member in row), key=lambda member: member.source.id)
        self._looks = SharedLooks(watch, turns)
        self._attempts = Attempts(watch.client, request, self.members, self._looks.recent, prompts)
        self._waits = Waits(request, self.members, watch.client.clock)
        self._deadline = DeadlineEnd(watch, self._waits, self._advance)

    def plan(self) -> None:
        """Let each that has its turn decide; nothing is launched.

        :raises ControllerError: the jobs could not be listed.
        """
        self._begin_turns()
        if shared := self._looks.shared_by(self._looking()):
            self._looks.bring_up_to_date(shared, frozenset)
        self._answer_looks(shared_for=math.inf)
        while self._leave_to_persons():
            self._answer_looks(shared_for=math.inf)

    def run(self) -> None:
        """Launch, wait, judge, until there is nothing left to do.

        :raises ControllerError: what waiting will not cure.
        """
        while True:
            self._begin_turns()
            self._answer_looks()
            for job in self._looks.recent.ended(self._waits.active):
                self._waits.note_end(job)
            if self._end_by_time() or self._deadline.ends_some():
                continue
            # Who launches comes first, and who judges an end may share the look.
            answered = self._answer(self._waits.pauses_over()), self._give_room()
            if any(answered) or self._answer(self._waits.over()):
                continue
            if self._progress is not None:
                self._progress(self._waits.counted)
            numbers, due = self._waits.active, self._waits.next_due
            if numbers and (due is None or due > self._waits.next_look):
                self._await_some(numbers, self._deadline.sooner(due))
            elif due is not None:
                self._watch.client.sleep(min(due, self._watch.left() or due))
            else:
                return

    def _looking(self) -> list[Member]:
        return [member for member in self._waits.left if isinstance(member.ask, JobsAfter)]

    def _advance(self, member: Member, answer: t.Any = None, error: t.Optional[BaseException] = None) -> None:
        before, looked_for = len(member.launched), member.state.looking_up
        try:
            member.advance(answer, error)
        finally:
            if member.kind is JOB and member.state.looking_up and not looked_for:
                self._looks.outdate()
            for job in member.launched[before:]:
                self._waits.note_launch(job)
                self._looks.note_launch(job, member.source)

    def _begin_turns(self) -> None:
        """In each row the next one, when the one before is over; or, where nobody waits for it, has launched."""
        for row in self._to_begin:
            for member in row:
                if not member.begun and member.entry is None:
                    member.begin()
                if _keeps_turn(member, self._request):
                    break
        self._to_begin = [row for row in self._to_begin if not row[-1].begun]

    def _answer_looks(self, shared_for: float = LOOK_SHARED_FOR) -> None:
        """One list for all that look at the jobs of their templates, again and again until none does.

        :param shared_for: so many seconds.
        """
        while looking := self._looking():
            shared = self._looks.shared_by(looking)
            trouble: t.Optional[ControllerError] = None
            for member in looking:
                answer, error = None, trouble if member in shared else None
                try:
                    if member in shared and error is None:
                        self._looks.bring_up_to_date(shared, lambda: {*self._waits.active}, shared_for)
                    answer = self._looks.answer(t.cast("JobsAfter", member.ask)) if error is None else None
                except ControllerError as raised:
                    error = raised
                    trouble = raised if member in shared else trouble
                self._advance(member, answer, error)
            self._begin_turns()

    def _give_room(self) -> bool:
        """Let some launch, as long as there is room; whether that changed anything."""
        if self._leave_to_persons():
            return True
        waiting = [member for member in self._waits.left if member.waits_for_room]
        if not waiting or _drop_by_number(waiting, self._request, self._waits.launched, self.members):
            return bool(waiting)
        # One that is looked for may be active, too.
        active = len(self._waits.running) + sum(member.takes_room for member in self._waits.left)
        room = min(self._request.at_once - active, self._request.max_jobs - self._waits.launched, LAUNCHES_A_LOOK)
        found = self._waits.not_behind_others(waiting, self._looks.recent.active_templates)[: max(0, room)]
        let_in = _let_in(found, self._advance, self._watch.client.clock)
        for member in waiting:
            member.passed_over = member not in let_in
        return bool(let_in)

    def _leave_to_persons(self) -> bool:
        """End those whose work was relaunched too often, may be being relaunched, or may not be yet."""
        waiting = [member for member in self._waits.left if member.waits_for_room and not member.launched]
        _drop_behind_lost(self._of_several)
        for member in [member for member in waiting if member.entry is None]:
            try:
                if (tried := self._attempts.too_many(member)) is not None:
                    member.leave_to_a_person(tried)
                else:
                    member.leave_for_later(self._watch.client.now())
            except ControllerError as error:
                self._advance(member, error=error)
        self._begin_turns()
        return any(not member.waits_for_room for member in waiting)

    def _answer(self, answers: t.Sequence[tuple[Member, t.Optional[Job]]]) -> bool:
        # A job may have waited for an update.
        of_jobs = [(one, job) for one, job in answers if job and one.kind is job.kind is JOB]
        self._ahead([(job, one.source) for one, job in of_jobs if job.successful])
        for member, answer in answers:
            if answer is not None:
                self._looks.note(answer)
            self._advance(member, answer)
        return bool(answers)

    def _await_some(self, numbers: t.Mapping[int, Kind], most: t.Optional[float]) -> None:
        try:
            shared = self._looks.ended_among if self._waits.looked_at_next else None
            ended, lost = self._watch.until_some_ended(numbers, most, shared, self._waits.next_look)
        except WaitTimeoutError:
            return  # The next pass sees that, too.
        except ControllerError as error:
            said = f"Waiting for {counted(len(numbers), 'job')} ended early: {error} Run the task again to go on."
            raise RefusedError(said) from None
        self._waits.note_look()
        for job in ended.values():
            self._looks.note(job)
            self._waits.note_end(job)
        for number, how in lost.items():
            self._waits.note_lost(number, how)

    def _end_by_time(self) -> bool:
        """At the timeout leave what is active to go on, or let it be canceled; whether that changed anything.

        Who looks for a job that may have been launched goes on.
        """
        if not self._watch.passed:
            return False
        self._waits.running.clear()  # Whoever still looks for a job then does not wait for others.
        late = [one for one in self._waits.left if not isinstance(one.ask, (JobsAfter, Pause))]
        if not late or self._answer(self._waits.over(idle=True)):
            return bool(late)
        waiting = self._waits.for_end
        seen, trouble = self._watch.seen_now(self._waits.asked)
        for member in late:
            if not member.waits_for_end:
                member.drop("the timeout was over before its turn")
                member.timed_out = True
        for member, ask in waiting:
            job = seen.get(ask.job.id, ask.job)
            if job.active:
                self._advance(member, error=WaitTimeoutError("The timeout is over.", job, trouble))
            else:
                self._waits.note_end(job)
        return True


def _keeps_turn(member: Member, request: JobsRequest) -> bool:
    """Whether the next of its row has to wait; in check mode nothing comes of what would be launched."""
    if member.entry is not None:
        return request.check_mode and member.entry.outcome == RELAUNCHED
    return request.options.wait or not member.waits_for_end


def _let_in(
    members: t.Sequence[Member], advance: t.Callable[[Member, bool], None], clock: t.Callable[[], float]
) -> list[Member]:
    """Let them launch one after another, the first in any case; those that were.

    Jobs come first: one may be the work of a node, whose own job comes up some time after the launch of its workflow.
    """
    began, let_in = clock(), list[Member]()
    for member in sorted(members, key=lambda member: member.kind is not JOB):
        if let_in and clock() - began > LAUNCHES_TAKE:
            break
        let_in.append(member)
        advance(member, member.passed_over)
    return let_in


def _drop_behind_lost(turns: t.Iterable[t.Sequence[Member]]) -> None:
    """End those that are the same work as one that may have been launched: its job may still appear."""
    for row in turns:
        lost = next((one.source for one in row if one.entry and one.entry.launch_unknown), None)
        for member in row:
            if lost is not None and member.waits_for_room and not member.launched:
                member.drop(f"it is unknown whether job {lost.id}, the same work, was relaunched")


def _drop_by_number(
    waiting: t.Sequence[Member], request: JobsRequest, launched: int, members: t.Sequence[Member]
) -> bool:
    """End those that wait for room where so many have been launched, or have failed, that there is none any more."""
    most = request.stop_after
    if most is not None and (failed := sum(member.has_failed for member in members)) >= most:
        why, broken = f"{failed} relaunches had failed (stop_after)", False
    elif launched >= request.max_jobs:
        why, broken = f"{launched} jobs had been launched (max_jobs)", True
    else:
        return False
    for member in waiting:
        member.drop(why, broken)
    return True
