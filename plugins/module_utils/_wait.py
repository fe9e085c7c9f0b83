# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: ask until it is so, or until the time is over."""

from __future__ import annotations

import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils._errors import ControllerError, WaitTimeoutError

T = t.TypeVar("T")

# A short job is seen to end soon after it does, while a long one costs a request each interval.
FIRST_PAUSE = 0.5
PAUSE_GROWTH = 1.5

# Without a timeout a wait lasts as long as the job; but a controller that cannot be asked for so many seconds is not
# having a bad minute any more.
LONGEST_TROUBLE = 3600.0


def pauses(interval: float) -> t.Iterator[float]:
    """Seconds between one look and the next: short at first, then growing to the interval.

    :param interval: the longest pause, seconds.
    """
    pause = min(FIRST_PAUSE, interval)
    while True:
        yield pause
        pause = min(interval, pause * PAUSE_GROWTH)


def wait_until(
    fetch: t.Callable[[], T],
    done: t.Callable[[T], bool],
    interval: float,
    timeout: t.Optional[float],
    clock: t.Callable[[], float],
    sleep: t.Callable[[float], None],
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
    :returns: the state that ended the wait.
    :raises WaitTimeoutError: the time is over; it carries the state fetched last.
    :raises ControllerError: whatever ``fetch`` raises that waiting will not cure.
    """
    deadline = None if timeout is None else clock() + timeout
    last: t.Optional[T] = None
    troubled: t.Optional[float] = None
    pause_of = pauses(interval)
    while True:
        pause = next(pause_of)
        trouble = ""
        try:
            last = fetch()
            troubled = None
            if done(last):
                return last
        except ControllerError as error:
            troubled = clock() if troubled is None else troubled
            if not error.transient or (deadline is None and clock() - troubled >= LONGEST_TROUBLE):
                raise
            trouble = f" The last attempt to ask failed: {error}"
            pause = max(pause, error.retry_after or 0)
        if deadline is not None:
            left = deadline - clock()
            if left <= 0:
                raise WaitTimeoutError(f"The timeout of {timeout:g} seconds is over.{trouble}", last=last)
            pause = min(pause, left)
        sleep(pause)
