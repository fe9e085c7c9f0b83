# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many relaunches at a time: launched while there is room, waited for together, accounted for whatever happens."""

from __future__ import annotations

import collections
import typing as t
from dataclasses import replace

from .._api.errors import (
    ControllerError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job
from .._job.until_end import canceled
from .._task.progress import Counted
from .._work.decision import ALL, Await, Launch, Wish
from .account import Account
from .outcome import LOST, JobEntry, JobsOutcome
from .plan import Due, Plan, Planner
from .underway import (
    Underway,
    begin,
    contested,
    judged,
)

if t.TYPE_CHECKING:
    from .._launch.waiting import Watch
    from .options import JobsRequest

# So many launches share a look at others in the same instant: it comes a second later at most.
LAUNCHES_A_LOOK = 10

CountedProgress = t.Callable[[Counted], None]


class Together:
    """Carries out a plan, once.

    :param planner: which made it, and decides anew where the world has moved since.
    :param progress: is shown how far all of it is.
    """

    def __init__(
        self,
        request: JobsRequest,
        watch: Watch,
        planner: Planner,
        plan: Plan,
        progress: t.Optional[CountedProgress] = None,
    ) -> None:
        self._request = request
        self._watch = watch
        self._planner = planner
        self._account = Account(plan)
        self._progress = progress
        # What takes no room goes first.
        order = sorted(plan.due.values(), key=lambda due: (isinstance(due.decision, Launch), due.source.id))
        self._queue = collections.deque(order)
        self._active: dict[int, Underway] = {}
        self._ended: list[Underway] = []
        #: Whether the task's timeout came before all had ended.
        self.timed_out = False

    def run(self) -> JobsOutcome:
        """Launch, wait, judge, until there is nothing left to do.

        :raises ControllerError: what waiting will not cure; as an interruption, it carries the account of all jobs.
        """
        try:
            while self._queue or self._active or self._ended:
                self._launch_due()
                if self._active and (self._request.wish.wait or self._queue):
                    self._await_some()
                elif self._ended:
                    self._judge_all()
                elif not self._queue:
                    break
        except BaseException as error:
            vars(error)["outcome"] = self._account.outcome(self._queue)
            raise
        return self._account.outcome()

    def _drop_queue(self, why: str) -> None:
        self._account.drop(self._queue, why)
        self._queue.clear()

    def _launch_due(self) -> None:
        """Act on what is in the queue, while there is room."""
        if self._queue and self._watch.passed:
            self._out_of_time()
        room = self._request.at_once - sum(underway.own is not None for underway in self._active.values())
        batch: list[Underway] = []
        while self._queue and (room > 0 or not isinstance(self._queue[0].decision, Launch)):
            if self._request.stop_after is not None and self._account.failed >= self._request.stop_after:
                self._drop_queue(f"{self._account.failed} relaunches had failed (stop_after)")
                break
            if room > 0 and self._planner.later.stale:
                # The look at others goes back no further than the last one at what is later.
                self._look_for_rivals(batch)
                batch = []
                self._refresh()
                if not self._queue:
                    break
            underway = self._act(self._queue.popleft(), room)
            if underway is not None and underway.own is not None:
                room -= 1
                batch.append(underway)
            if len(batch) == LAUNCHES_A_LOOK:
                self._look_for_rivals(batch)
                batch = []
        self._look_for_rivals(batch)
        self._show()

    def _refresh(self) -> None:
        """Know of what has come since, as soon as the controller can be asked."""
        sources = [due.source for due in self._queue]
        try:
            self._watch.through(lambda: self._planner.later.refresh(sources))
        except WaitTimeoutError:
            self._out_of_time()

    def _act(self, due: Due, room: int) -> t.Optional[Underway]:
        """Do what is due; None where nothing was, or could be, or where it is back in the queue."""
        later = self._planner.later
        fresh = not later.stale
        try:
            due = self._planner.again(due)
            found = self._planner.settled(due)
            if isinstance(found, JobEntry):
                self._account.settle(found)
                return None
            # To know what has come may take so long that more has come.
            if isinstance(found.decision, Launch) and (room <= 0 or (fresh and later.stale)):
                self._queue.appendleft(found)
                return None
            underway = begin(found, later.newest)
        except BaseException as error:
            self._account.fail(due, error)
            if not isinstance(error, ControllerError):
                raise
            return None
        later.note(underway.job)
        self._go_on(underway)
        return underway

    def _go_on(self, underway: Underway) -> None:
        """From now on it is waited for."""
        self._active[underway.due.source.id] = underway
        self._account.note(underway)

    def _look_for_rivals(self, batch: t.Sequence[Underway]) -> None:
        """One look for all that were just launched at whether other callers launched the same in the same instant."""
        later = self._planner.later
        listed = _once(lambda: later.fetch([underway.due.source for underway in batch], later.known_to))
        for underway in batch:
            self._go_on(contested(underway, listed))

    def _await_some(self) -> None:
        try:
            ended, gone = self._watch.until_some_ended({underway.job.id for underway in self._active.values()})
        except WaitTimeoutError:
            self._out_of_time()
            return
        except ControllerError as error:
            raise RefusedError(
                f"Waiting for {len(self._active)} jobs ended early: {error} Run the task again to go on."
            ) from None
        for number, underway in list(self._active.items()):
            if underway.job.id in gone:
                del self._active[number]
                msg = f"Job {underway.job.id} was deleted while it was waited for: what became of it is not known."
                self._account.settle(replace(underway.entry(), outcome=LOST, msg=msg))
                self._account.end(underway.due, False)
            elif underway.job.id in ended:
                del self._active[number]
                self._has_ended(underway.with_job(ended[underway.job.id]))

    def _has_ended(self, underway: Underway) -> None:
        due = underway.due
        if isinstance(due.decision, Await):
            # What its end means for the source is decided then.
            self._decide_again(underway.job if underway.job.id == due.source.id else due.source, due, due.wish)
            return
        self._ended.append(underway)
        self._account.end(due, underway.job.successful)
        self._account.note(underway)

    def _judge_all(self) -> None:
        """By now their events are in, but for those that have ended last."""
        while self._ended:
            underway = self._ended[-1]
            found = judged(underway)
            self._ended.pop()
            if isinstance(found, JobEntry):
                self._account.settle(found)
                self._account.end(underway.due, found.recovered)
            elif isinstance(found, Underway):
                self._go_on(found)
            else:
                self._all_hosts_next(underway, found)

    def _all_hosts_next(self, underway: Underway, at: str) -> None:
        due = underway.due
        said = f"Job {due.case.base.id} had stopped before its end at {at}: all hosts are next."
        self._account.reopen(due)
        due = replace(due, outcome=underway.outcome.saying(said))
        self._decide_again(due.source, due, replace(due.wish, hosts=ALL))

    def _decide_again(self, source: Job, due: Due, wish: Wish) -> None:
        try:
            self._planner.later.fetch([source])
            self._queue.append(self._planner.due(source, wish, due.outcome))
        except ControllerError as error:
            self._account.fail(due, error)

    def _out_of_time(self) -> None:
        """Leave what is active to go on, or cancel what was launched here."""
        self.timed_out = True
        self._drop_queue("the timeout was over before its turn")
        for underway in self._active.values():
            last, on = underway.job, "It goes on."
            # A job that was found by looking for it may be another's after all.
            if underway.own and not underway.own.lost and self._request.waiting.cancel_on_timeout:
                last, on = canceled(underway.due.case, last)
            entry = underway.with_job(last).entry()
            self._account.settle(replace(entry, msg=f"{entry.msg} It was {last.status} at the timeout. {on}"))
        self._active.clear()

    def _show(self) -> None:
        if self._progress is not None:
            self._progress(self._account.counted(len(self._active)))


def _once(read: t.Callable[[], list[Job]]) -> t.Callable[[], list[Job]]:
    """It with what it brings the first time, be that an error, for all times."""
    known: list[t.Union[list[Job], ControllerError]] = []

    def remembered() -> list[Job]:
        if not known:
            try:
                known.append(read())
            except ControllerError as error:
                known.append(error)
        (found,) = known
        if isinstance(found, ControllerError):
            raise found
        return found

    return remembered
