# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has become of each job of a plan so far. Nothing is asked or sent here."""

from __future__ import annotations

import typing as t

from .._task.progress import Counted
from .outcome import LOST, JobEntry, JobsOutcome
from .underway import Underway, not_launched, of_error

if t.TYPE_CHECKING:
    from .plan import Due, Plan


class Account:
    """The entries of a plan's jobs, kept while it is carried out.

    :param plan: whose jobs they are.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._entries: dict[int, JobEntry] = {}
        self._changed = False
        # By source, whether the job that did its work was successful.
        self._ends: dict[int, bool] = {}

    @property
    def failed(self) -> int:
        """How many have ended without success."""
        return list(self._ends.values()).count(False)

    def note(self, underway: Underway) -> None:
        """Tell of a job that does, or has done, what was due."""
        self._changed = self._changed or underway.own is not None
        self.settle(underway.entry())

    def settle(self, entry: JobEntry) -> None:
        """Tell this of a job, in place of what was told before."""
        self._entries[entry.source_job_id] = entry

    def fail(self, due: Due, error: BaseException) -> None:
        """Tell of a job that could not be dealt with."""
        entry = of_error(due, error)
        self._changed = self._changed or entry.outcome == LOST
        self.settle(entry)

    def drop(self, dropped: t.Iterable[Due], why: str) -> None:
        """Tell of jobs whose turn will not come."""
        for due in dropped:
            self.settle(not_launched(due, why))

    def end(self, due: Due, well: bool) -> None:
        """Count what was due as ended."""
        self._ends[due.source.id] = well

    def reopen(self, due: Due) -> None:
        """Count it as not ended after all."""
        del self._ends[due.source.id]

    def counted(self, active: int) -> Counted:
        """How far all of it is.

        :param active: how many are waited for.
        """
        return Counted(len(self._plan.due), len(self._ends) - self.failed, active, self.failed)

    def outcome(self, queue: t.Iterable[Due] = ()) -> JobsOutcome:
        """All entries as they are now.

        :param queue: what has not had its turn.
        """
        why = "the task was broken off before its turn"
        waiting = {due.source.id: not_launched(due, why) for due in queue}
        return JobsOutcome(changed=self._changed, jobs=self._plan.account({**self._entries, **waiting}))
