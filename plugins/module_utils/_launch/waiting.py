# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: ask until it is so, or until the time is over; and canceling a job. Private to this collection."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass, replace

from .._api import jobs as _jobs
from .._api.client import ControllerClient
from .._api.errors import AnswerError, ControllerError, DeadlineError, OptionError, WaitTimeoutError
from .._api.jobs import Job
from .._api.kinds import Kind
from .._api.paging import by_numbers

_T = t.TypeVar("_T")

# A short job is seen to end soon after it does, while a long one costs a request each interval. The look at other
# callers right after a launch is the first of them.
FIRST_PAUSE = 1.5
EARLY_PAUSE = 1.0
PAUSE_SHARE = 1 / 3

# Without a timeout a wait lasts as long as the job; but a controller that cannot be asked for so many seconds is not
# having a bad minute any more.
LONGEST_TROUBLE = 3600.0

# Events of a job are in about a second after its end, eight under load (recorded: lag-detail). On some versions those
# of a job that ended in error or was canceled never are, so that waiting for them must end.
EVENTS_TIMEOUT = 60.0
EVENTS_TIMEOUT_NO_PLAYBOOK = 5.0

# Canceling is asynchronous: 202 says that it will be done (recorded: cancel-post-running); 405 that the job has ended.
CANCEL_ACCEPTED = 202
ENDED_ALREADY = 405
CANCEL_TIMEOUT = 30.0

WAITING_SPEC: dict[str, t.Any] = dict(
    wait=dict(type="bool", default=False),
    interval=dict(type="float", default=2),
    timeout=dict(type="int"),
    cancel_on_timeout=dict(type="bool", default=False),
)

Progress = t.Callable[[Job], None]
EndedAmong = t.Callable[[t.Collection[int]], t.Optional[t.Iterable[Job]]]


# A job that has ended may be deleted before it was seen to: where nothing ends for so many seconds, it is looked for.
GONE_AFTER = 60.0
# Why the end of a job will not be seen, for a sentence about that.
WAS_DELETED = "was deleted"
IS_HIDDEN = "may not be seen by this user any more"
# What is to be said of a job whose end did not come in time.
GOES_ON = "It goes on: run the task again to wait for it."


@dataclass(frozen=True)
class Waiting:
    """Whether and how to wait; ``interval`` and ``timeout`` in seconds.

    :param each_job: the time begins anew after each job that has ended, where there are several.
    """

    wait: bool = False
    interval: float = 2.0
    timeout: t.Optional[float] = None
    cancel_on_timeout: bool = False
    each_job: bool = False

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Waiting:
        """From validated parameters, WAITING_SPEC's among them as far as a module has these options.

        As with awx.awx, a timeout of 0 is none, and without ``wait`` it means nothing.

        :raises OptionError: one of them cannot be used.
        """
        waiting = cls(**{name: params[name] for name in WAITING_SPEC if name in params})
        if waiting.interval <= 0:
            raise OptionError(f"interval must be more than 0 seconds, not {waiting.interval:g}.")
        if waiting.timeout is not None and waiting.timeout < 0:
            raise OptionError(f"timeout must not be less than 0 seconds, not {waiting.timeout:g}.")
        if waiting.cancel_on_timeout and not waiting.wait:
            raise OptionError("cancel_on_timeout is for waiting only: set wait: true as well, or leave it out.")
        return replace(waiting, timeout=(waiting.timeout or None) if waiting.wait else None)

    def beyond_deadline(self, job: Job, ours: bool) -> bool:
        """Whether an active job is waited for although the task's deadline is over.

        :param ours: the task has launched it: then it is, unless it is to be canceled since it has not begun.
        """
        return ours and (job.running or not self.cancel_on_timeout)

    def over(self, error: WaitTimeoutError) -> str:
        """When a wait was over, for a sentence."""
        if isinstance(error, DeadlineError):
            return "at the deadline"
        return f"after {self.timeout or 0:g} seconds (timeout)"


class Watch:
    """Waits for jobs, all within one timeout that begins with it.

    :param client: the controller, and with it clock and sleep.
    :param waiting: how long, and how often to look.
    :param progress: is shown the job at each look while its end is waited for.
    :param launch_by: when the task's deadline is over, by the client's clock; None where it has none.
    """

    def __init__(
        self,
        client: ControllerClient,
        waiting: Waiting,
        progress: t.Optional[Progress] = None,
        launch_by: t.Optional[float] = None,
    ) -> None:
        self.client = client
        self.launch_by = launch_by
        self.waiting = waiting
        self._progress = progress
        self._timeout_at = self._next_timeout()

    def _next_timeout(self) -> float:
        """When the timeout is over, by the client's clock."""
        return math.inf if self.waiting.timeout is None else self.client.clock() + self.waiting.timeout

    def left(self, most: float = math.inf) -> float:
        """Seconds until the timeout.

        :param most: seconds, for what has an end of its own.
        """
        return max(0.0, min(self._timeout_at - self.client.clock(), most))

    @property
    def passed(self) -> bool:
        return self.client.clock() >= self._timeout_at

    @property
    def launching_over(self) -> bool:
        """Whether the task's deadline is over, so that nothing is launched any more."""
        return self.launch_by is not None and self.client.clock() >= self.launch_by

    def launch_until(self, latest: float) -> float:
        """Until when, by the client's clock, a launch may be sent.

        :param latest: until when what it rests on lets it.
        """
        return min(latest, self._timeout_at, math.inf if self.launch_by is None else self.launch_by)

    def patience(self, seconds: float) -> float:
        """For how many seconds yet to go on trying after so many of trouble."""
        return self.left(most=LONGEST_TROUBLE - seconds)

    def until_ended(self, job: Job, ours: bool = False) -> Job:
        """The job when it has ended, or was left in ``new``.

        :param ours: the task has launched it: after the task's deadline it is waited for still, unless it is to be
            canceled since it has not begun.
        :raises WaitTimeoutError: the timeout came first; it carries the job as seen last.
        :raises DeadlineError: the task's deadline did, likewise.
        :raises ControllerError: what waiting will not cure.
        """
        known = job if self.launch_by is None else self._until_deadline(job, ours, self.launch_by)
        ended = self._until(job, self._ended, self.left(), known)
        if self.waiting.each_job:
            self._timeout_at = self._next_timeout()
        return ended

    def _until_deadline(self, job: Job, ours: bool, deadline: float) -> Job:
        """The job when it has ended or the deadline has come, as far as it is waited for after that."""
        try:
            return self._until(job, self._ended, self.left(most=deadline - self.client.clock()), job)
        except WaitTimeoutError as error:
            last = t.cast("Job", error.last or job)
            if error.trouble and ours and not self.passed:
                # It may have begun since it was seen last.
                last, error.trouble = self.through(lambda: _jobs.get_once(self.client, job.id, job.kind)), ""
            if self.passed or self.waiting.beyond_deadline(last, ours):
                return last
            raise DeadlineError("The deadline is over.", last, error.trouble) from None

    def through(self, read: t.Callable[[], _T]) -> _T:
        """What a read brings, tried again through the controller's bad minutes.

        :raises WaitTimeoutError: the timeout came first.
        :raises ControllerError: what waiting will not cure.
        """
        return self._wait(read, lambda _found: True, self.left())

    def until_some_ended(
        self,
        ids: t.Mapping[int, Kind],
        most: t.Optional[float] = None,
        ended_among: t.Optional[EndedAmong] = None,
        pause: float = FIRST_PAUSE,
    ) -> tuple[dict[int, Job], dict[int, str]]:
        """Of several active jobs those that have ended, as lists show them, when one has.

        While none has, a look costs one request with an empty answer (recorded: batch-poll-final-only).

        :param ids: their numbers, each with its kind.
        :param most: seconds after which it ends although none has; None where nothing else is waiting.
        :param ended_among: brings those that have ended in a list that serves for more; None where none does.
        :param pause: seconds until the first look.
        :returns: they, by number, and by the same how those were lost that will not be seen to end.
        :raises WaitTimeoutError: the timeout came first.
        :raises ControllerError: what waiting will not cure.
        """
        look = _look_for_ends(self.client, ids, ended_among)
        left = self.left(math.inf if most is None else most)
        pause = min(pause, self.waiting.interval, left)
        self.client.sleep(pause)
        left -= pause
        if most is not None and left <= self.waiting.interval:
            # The next look comes after that.
            left = 0.0
        try:
            return self._wait(look, any, left)
        except WaitTimeoutError:
            if most is None or self.passed:
                raise
            return {}, {}

    def seen_now(self, ids: t.Mapping[int, Kind]) -> tuple[dict[int, Job], str]:
        """Several jobs as they are now, by number, as lists show them; or none, and why they cannot be read."""
        try:
            return {job.id: job for job in _listed(self.client, ids, {})}, ""
        except ControllerError as error:
            return {}, _LAST_FAILED.format(error)

    def until_events_processed(self, job: Job, at_once: bool = False) -> Job:
        """A job that has ended, when its events are processed as far as they will be: before, its hosts are unknown.

        :param at_once: as it is now, without waiting.
        """
        if job.events_processed:
            return job
        # A list does not tell: the detail may.
        known = job if job.in_detail else None
        if at_once:
            return known or _jobs.get(self.client, job.id)
        timeout = (
            EVENTS_TIMEOUT if job.status in (_jobs.FAILED_STATUS, _jobs.SUCCESSFUL) else EVENTS_TIMEOUT_NO_PLAYBOOK
        )
        return self._as_seen_last(job, lambda now: now.events_processed, self.left(most=timeout), known)

    def cancel(self, job: Job) -> t.Optional[str]:
        """Cancel a job; tried again while it fails in passing, since canceling twice does no harm.

        :returns: None where the controller accepted it, else why it goes on or has gone on, as a sentence.
        """
        try:
            self.client.retried(lambda: self.client.post(job.kind.at(job.id, "cancel"), {}, CANCEL_ACCEPTED))
        except ControllerError as error:
            if isinstance(error, AnswerError) and error.status == ENDED_ALREADY:
                return _why_not_canceled(self.client, job)
            return f"Canceling it failed: {error}"
        return None

    def until_canceled(self, job: Job) -> Job:
        """A job that was canceled, when it has ended; as seen last where that takes too long.

        :raises ControllerError: what waiting will not cure.
        """
        return self._as_seen_last(job, lambda now: not now.active, CANCEL_TIMEOUT, job)

    def _ended(self, job: Job) -> bool:
        if self._progress:
            self._progress(job)
        return job.over(self.client.now())

    def _as_seen_last(self, job: Job, done: t.Callable[[Job], bool], timeout: float, known: t.Optional[Job]) -> Job:
        """The job when it is so, or when the time is over."""
        try:
            return self._until(job, done, timeout, known)
        except WaitTimeoutError as error:
            return t.cast("Job", error.last or job)

    def _until(self, job: Job, done: t.Callable[[Job], bool], timeout: float, known: t.Optional[Job]) -> Job:
        return self._wait(lambda: _jobs.get_once(self.client, job.id, job.kind), done, timeout, known)

    def _wait(
        self, fetch: t.Callable[[], _T], done: t.Callable[[_T], bool], timeout: float, known: t.Optional[_T] = None
    ) -> _T:
        return wait_until(fetch, done, self.waiting.interval, timeout, self.client.clock, self.client.sleep, known)


def patience_to_launch(watch: Watch) -> t.Callable[[float], float]:
    """As ``Watch.patience``, where nothing of the task's own is there to be told of: not beyond the deadline."""
    return lambda seconds: min(watch.patience(seconds), watch.launch_until(math.inf) - watch.client.clock())


def _look_for_ends(
    client: ControllerClient, ids: t.Mapping[int, Kind], ended_among: t.Optional[EndedAmong]
) -> t.Callable[[], tuple[dict[int, Job], dict[int, str]]]:
    """A look at which of several active jobs have ended, now and then at which are gone; as of ``until_some_ended``."""
    looked_for = client.clock()

    def look() -> tuple[dict[int, Job], dict[int, str]]:
        nonlocal looked_for
        wide = client.clock() - looked_for >= GONE_AFTER
        found = None if wide or ended_among is None else ended_among(ids)
        narrow = {"status__in": ",".join(_jobs.FINAL_STATUSES)}
        found = _listed(client, ids, {} if wide else narrow) if found is None else found
        seen = {job.id: job for job in found}
        looked_for = client.clock() if wide else looked_for
        missing = {one: kind for one, kind in ids.items() if wide and one not in seen}
        there, gone, hidden = seen_in_detail(client, missing)
        seen.update((job.id, job) for job in there)
        lost = {**dict.fromkeys(gone, WAS_DELETED), **dict.fromkeys(hidden, IS_HIDDEN)}
        return {number: job for number, job in seen.items() if job.over(client.now())}, lost

    return look


# Why nothing newer is known, behind another sentence.
_LAST_FAILED = " The last attempt to ask failed: {}"


def _listed(client: ControllerClient, ids: t.Mapping[int, Kind], query: t.Mapping[str, t.Any]) -> t.Iterator[Job]:
    for path in sorted({kind.path for kind in ids.values()}):
        numbers = (number for number, kind in ids.items() if kind.path == path)
        yield from map(Job.of, by_numbers(client.results_once, path, "id__in", numbers, **query))


def seen_in_detail(
    client: ControllerClient, ids: t.Mapping[int, Kind]
) -> tuple[list[Job], frozenset[int], frozenset[int]]:
    """Of jobs that lists do not show those that are there all the same, the numbers of those that were deleted, and of
    those that this user may not see any more.

    Lists leave these out, and their detail is refused (recorded: denied-role-removed-*). While that may be trouble in
    passing they are none of the three.

    :param ids: their numbers, each with its kind.
    :raises ControllerError: the controller could not be asked, with a single attempt.
    """
    there, gone, hidden = list[Job](), set[int](), set[int]()
    for number, kind in ids.items():
        try:
            there.append(_jobs.get_once(client, number, kind))
        except AnswerError as error:
            if error.not_visible:
                (gone if error.status == 404 else hidden).add(number)
            elif error.status != 403:
                raise
    return there, frozenset(gone), frozenset(hidden)


def _why_not_canceled(client: ControllerClient, job: Job) -> t.Optional[str]:
    """The answer to a cancel may have been lost, and the next one came when it had been carried out."""
    try:
        now = _jobs.get(client, job.id, job.kind)
    except ControllerError as error:
        return f"It ended before it could be canceled, or was canceled; its state could not be read: {error}"
    return None if now.status == _jobs.CANCELED else "It ended before it could be canceled."


def pause_after(waited: float, interval: float) -> float:
    """Seconds until the next look: few at first, then a third of the wait so far, at most the interval.

    :param waited: how long the wait has lasted, seconds.
    :param interval: the longest pause, seconds.
    """
    return min(interval, FIRST_PAUSE if waited < FIRST_PAUSE else max(EARLY_PAUSE, waited * PAUSE_SHARE))


def wait_until(
    fetch: t.Callable[[], _T],
    done: t.Callable[[_T], bool],
    interval: float,
    timeout: float,
    clock: t.Callable[[], float],
    sleep: t.Callable[[float], None],
    known: t.Optional[_T] = None,
) -> _T:
    """Fetch until it is done.

    Reads that fail in passing (answers 429 and 5xx, lost connections, a controller that restarts) are part of
    waiting: they are tried again until the timeout.

    :param fetch: reads the current state.
    :param done: whether that state ends the wait.
    :param interval: the longest pause between two reads, seconds; ``Retry-After`` may ask for more.
    :param timeout: seconds; infinite to wait for as long as it takes, unless nothing can be read for LONGEST_TROUBLE.
    :param clock: a monotonic clock, seconds.
    :param sleep: pauses for some seconds.
    :param known: the state as it has just been read, which saves a first read.
    :returns: the state that ended the wait.
    :raises WaitTimeoutError: the time is over; it carries the state seen last.
    :raises ControllerError: whatever ``fetch`` raises that waiting will not cure.
    """
    started = clock()

    def pause(asked_for: float = 0.0) -> None:
        waited = clock() - started
        sleep(min(max(0.0, timeout - waited), max(asked_for, pause_after(waited, interval))))

    last = known
    if known is not None:
        if done(known):
            return known
        pause()
    troubled: t.Optional[float] = None
    while True:
        trouble = ""
        asked_for = 0.0
        try:
            last = fetch()
            troubled = None
            if done(last):
                return last
        except ControllerError as error:
            troubled = clock() if troubled is None else troubled
            if not error.transient or (timeout == math.inf and clock() - troubled >= LONGEST_TROUBLE):
                raise
            trouble = _LAST_FAILED.format(error)
            asked_for = error.retry_after or 0.0
        if clock() - started >= timeout:
            raise WaitTimeoutError(f"The timeout of {timeout:g} seconds is over.", last, trouble)
        pause(asked_for)
