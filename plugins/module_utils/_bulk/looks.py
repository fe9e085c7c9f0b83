# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One list of recent jobs that answers the looks of many. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api.errors import AnswerError, RefusedError
from .._api.jobs import Job
from .._api.kinds import JOB
from .._job.driver import newer_jobs
from .._launch.asks import JobsAfter
from .._launch.waiting import Watch
from .member import Member
from .recent_jobs import RecentJobs

# Those who look within so many seconds share a look; not with those who launched something after it, and look at others
# in the same instant, nor where something may have been launched that is not known.
LOOK_SHARED_FOR = 0.5
# Likewise those who judge, by a look behind all ends that were seen: what comes up after that is not theirs to tell.
VERDICT_SHARED_FOR = 2.5


class SharedLooks:
    """Answers the looks of many by one list of recent jobs, as long as that is fresh enough.

    :param watch: the controller, and the time that there is.
    :param turns: in each row jobs of the same work.
    """

    def __init__(self, watch: Watch, turns: t.Sequence[t.Sequence[Member]]) -> None:
        self._watch = watch
        self._turns = [row for row in turns if row[0].kind is JOB]
        self._row_of = {member.source.id: row for row in self._turns for member in row}
        #: The recent jobs of all templates, as of the last look.
        self.recent = RecentJobs(watch.client)
        self._stale = True
        self._launched = self._behind_end = False
        self._in_one = True

    def bring_up_to_date(
        self,
        looking: t.Collection[Member],
        waited_for: t.Callable[[], t.AbstractSet[int]],
        shared_for: float = LOOK_SHARED_FOR,
    ) -> None:
        """Ask for what has come since the last look, unless that is as good as this one.

        :param looking: those who look.
        :param waited_for: tells the numbers of active jobs whose ends are noted without being asked for here.
        :param shared_for: for so many seconds a look is good.
        :raises WaitTimeoutError: the task's timeout came first.
        :raises ControllerError: what waiting will not cure.
        """
        asks = [one.ask for one in looking if isinstance(one.ask, JobsAfter)]
        if not self._stale:
            age = self._watch.client.clock() - self.recent.at
            if all(self._is_new_enough(ask, age, shared_for) for ask in asks):
                return
        # Whoever looks may take the job that another one of the same work has launched, as it is now.
        # Some of them have been answered already, and a workflow job looks for a job below it.
        asked = [*(one.source for one in looking), *(ask.source for ask in asks)]
        rows = {id(row): row for job in asked if (row := self._row_of.get(job.id)) is not None}
        own = {job.id for member in looking for job in member.launched}
        of_others = {job.id for row in rows.values() for member in row for job in member.launched} - own
        sources, others = self._sources(), waited_for() - of_others
        self._watch.through(lambda: self.recent.refresh(sources, others))
        self._stale = self._launched = self._behind_end = False

    def _is_new_enough(self, ask: JobsAfter, age: float, shared_for: float) -> bool:
        if ask.before is not None and self._launched:
            return False
        if ask.verdict:
            return not self._behind_end and age <= VERDICT_SHARED_FOR
        return age <= shared_for

    def ended_among(self, waited_for: t.Collection[int]) -> t.Optional[list[Job]]:
        """Of active jobs those that have ended, in one list with all that a look asks for; None where there is none.

        :raises ControllerError: it could not be read, with a single attempt.
        """
        if not self._in_one:
            return None
        before = self.recent.at
        try:
            ended = self.recent.ended_among(self._sources(), waited_for)
        except AnswerError as error:
            if error.transient:
                raise
            # Whatever it does not like about the filters: there are two lists that do the same.
            ended, self._in_one = None, False
        if self.recent.at != before:
            self._stale = self._launched = self._behind_end = False
        return ended

    def _sources(self) -> list[Job]:
        return [member.source for row in self._turns for member in row if member.entry is None]

    def shared_by(self, looking: t.Iterable[Member]) -> set[Member]:
        """Those that look at what the one list answers, and is not known already; the nodes of workflows have templates
        of their own.
        """
        asks = {member: member.ask for member in looking if isinstance(member.ask, JobsAfter)}
        shared = {member: ask for member, ask in asks.items() if ask.source.id in self._row_of}
        return {member for member, ask in shared.items() if not self.recent.knows_all(ask)}

    def answer(self, ask: JobsAfter) -> list[Job]:
        """What was asked for, as of the last look where that is shared.

        :raises RefusedError: the template was deleted meanwhile, so that its newer jobs are not known.
        :raises WaitTimeoutError: the task's timeout came first.
        :raises ControllerError: what waiting will not cure.
        """
        if ask.source.id in self._row_of:
            if ask.source.template in self.recent.gone:
                said = f"The template of job {ask.source.id} was deleted meanwhile, and its runs are not found by it."
                raise RefusedError(f"{said} Run the task again.")
            return self.recent.answer(ask)
        return self._watch.through(lambda: newer_jobs(self._watch.client, ask))

    def outdate(self) -> None:
        """Something may have been launched since the last look, and is not known."""
        self._stale = True

    def note_launch(self, job: Job, source: Job) -> None:
        """Know a job that was launched here for another one."""
        self._launched = self._launched or job.kind is JOB
        self.note(job, source)

    def note(self, job: Job, source: t.Optional[Job] = None) -> None:
        """Know this job too, as it is now; ``source`` as of ``RecentJobs.note``."""
        if job.kind is JOB:
            self._behind_end = self.recent.note(job, source) or self._behind_end
