# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: ask until it is so, or until the time is over."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils._errors import ControllerError, WaitTimeoutError

T = t.TypeVar("T")

# A short job is seen to end soon after it does, while a long one costs a request each interval: on a job of a minute,
# with an interval of two seconds, these cost three requests more than asking every two seconds.
FIRST_PAUSE = 0.5
EARLY_PAUSE = 1.0
PAUSE_SHARE = 1 / 3

# Without a timeout a wait lasts as long as the job; but a controller that cannot be asked for so many seconds is not
# having a bad minute any more.
LONGEST_TROUBLE = 3600.0


def pause_after(waited: float, interval: float) -> float:
    """Seconds until the next look: few at first, then a third of the wait so far, at most the interval.

    :param waited: how long the wait has lasted, seconds.
    :param interval: the longest pause, seconds.
    """
    return min(interval, FIRST_PAUSE if waited < FIRST_PAUSE else max(EARLY_PAUSE, waited * PAUSE_SHARE))


def wait_until(
    fetch: t.Callable[[], T],
    done: t.Callable[[T], bool],
    interval: float,
    timeout: t.Optional[float],
    clock: t.Callable[[], float],
    sleep: t.Callable[[float], None],
    known: t.Optional[T] = None,
) -> T:
    """Fetch until it is done.

    Reads that fail in passing (answers 429 and 5xx, lost connections, a controller that restarts) are part of
    waiting: they are tried again until the deadline.

    :param fetch: reads the current state.
    :param done: whether that state ends the wait.
    :param interval: the longest pause between two reads, seconds; ``Retry-After`` may ask for more.
    :param timeout: seconds, or None to wait for as long as it takes, unless nothing can be read for LONGEST_TROUBLE.
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
        left = math.inf if timeout is None else max(0.0, timeout - waited)
        sleep(min(left, max(asked_for, pause_after(waited, interval))))

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
            if not error.transient or (timeout is None and clock() - troubled >= LONGEST_TROUBLE):
                raise
            trouble = f" The last attempt to ask failed: {error}"
            asked_for = error.retry_after or 0.0
        if timeout is not None and clock() - started >= timeout:
            raise WaitTimeoutError(f"The timeout of {timeout:g} seconds is over.{trouble}", last=last)
        pause(asked_for)
