# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of many at the task's deadline. Private to this collection."""

from __future__ import annotations

import math
import typing as t

from .._api.errors import DeadlineError
from .._launch.waiting import Watch
from .member import Member
from .waits import Waits


class DeadlineEnd:
    """Ends at the task's deadline what it does not let go on.

    :param watch: tells when that is, and the ends of which jobs are waited for beyond it.
    :param waits: those of the selected jobs.
    :param advance: lets one go on, with the error that ends its wait.
    """

    def __init__(self, watch: Watch, waits: Waits, advance: t.Callable[[Member, None, DeadlineError], None]) -> None:
        self._watch = watch
        self._waits = waits
        self._advance = advance
        # The numbers of the jobs that are waited for although it is over.
        self._waited_for: set[int] = set()

    def sooner(self, due: t.Optional[float]) -> t.Optional[float]:
        """Seconds until something is due, the deadline too; None where neither is."""
        if self._watch.launch_by is None or self._watch.launching_over:
            return due
        return min(math.inf if due is None else due, self._watch.launch_by - self._watch.client.clock())

    def ends_some(self) -> bool:
        """At the deadline end those that would launch, and the waits for what is not waited for beyond it; whether
        there were any.
        """
        if not self._watch.launching_over:
            return False
        late = [member for member in self._waits.left if member.waits_for_room]
        for member in late:
            member.drop("the deadline was over before its turn")
            member.timed_out = True
        waiting = [(member, ask) for member, ask in self._waits.for_end if ask.job.id not in self._waited_for]
        seen, trouble = self._watch.seen_now(self._waits.asked if waiting else {})
        for member, ask in waiting:
            job = seen.get(ask.job.id)
            if job is not None and not job.active:
                self._waits.note_end(job)
            # One that cannot be seen now may have begun.
            elif not (ask.ours if job is None else self._watch.waiting.beyond_deadline(job, ask.ours)):
                self._advance(member, None, DeadlineError("The deadline is over.", job or ask.job, trouble))
                continue
            self._waited_for.add(ask.job.id)
        return bool(late or waiting)
