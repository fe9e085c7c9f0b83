# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for the job that a POST of unknown outcome may have made. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api.client import ControllerClient
from .._api.errors import AnswerLostError, ControllerError
from .._api.jobs import Job
from .._api.paging import first_entries
from .asks import JobsAfter, Pause, Steps
from .launch import Attempt, Launched, Lost

# A job whose client had vanished was seen to appear up to 1.7 s later, under load. It is looked for that much longer,
# counted from the first look that the controller answers, so that a restart does not use up the time.
LOOK_UP_SECONDS = 10.0
LOOK_UP_TIMEOUT = 120.0
LOOK_UP_INTERVAL = 1.0


def look_up(client: ControllerClient, attempt: Attempt, lost: Lost, newer: JobsAfter, left: float) -> Steps[Launched]:
    """Look for the job that a lost POST has made.

    :param newer: asks for the jobs among which it will be, newer than all known before.
    :param left: seconds until the task's deadline. The search ends with it, but not before it can be right.
    :raises AnswerLostError: none has shown up in time.
    """
    began = client.clock()
    timeout = max(LOOK_UP_SECONDS + LOOK_UP_INTERVAL, min(left, LOOK_UP_TIMEOUT))
    first: t.Optional[float] = None
    trouble = ""
    while True:
        found, answered = list[Job](), True
        try:
            jobs = yield newer
            found = _own(client, attempt, jobs)
        except ControllerError as error:
            # A single strange answer must not end the search: the job may be on its way.
            answered, trouble = not error.transient, str(error)
        if found:
            return Launched(found[0], lost.why, tuple(job.id for job in found[1:]))
        now = client.clock()
        first = now if first is None and answered else first
        # It ends with a look that was answered: what was not may have been to show the job.
        if (answered and first is not None and now - first >= LOOK_UP_SECONDS) or now - began >= timeout:
            noun = newer.kind.noun
            nothing = f"No new {noun} has been found, but one may still appear."
            raise AnswerLostError(
                f"It is unknown whether {attempt.what[0].lower()}{attempt.what[1:]} was {attempt.verb}: {lost.why} "
                f"{nothing if first is not None else f'Looking for a new {noun} has failed: {trouble}'} Running the "
                "task again is safe: it looks for it first."
            )
        yield Pause(LOOK_UP_INTERVAL)


def _own(client: ControllerClient, attempt: Attempt, newer: t.Sequence[Job]) -> list[Job]:
    """Those of these jobs that this user made and that are what the POST makes, the oldest first."""
    if not newer:
        return []
    me = first_entries(client.get_once, "me/") or [{}]

    def is_mine(job: Job) -> bool:
        creator = job.facts.get("launched_by") or {}
        return creator.get("id") == me[0].get("id") and creator.get("type") in (None, "user")

    return [job for job in newer if is_mine(job) and attempt.is_own(job)]
