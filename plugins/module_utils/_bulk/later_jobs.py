# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The later jobs of several templates, whatever launched them: fetched in one list, and brought up to date."""

from __future__ import annotations

import typing as t

from .._api.jobs import Job
from .._api.kinds import JOB
from .._work.same_work import same_template
from .find_jobs import in_chunks

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient

# Schedules and people go on meanwhile: before a launch, what is known is no older than so many seconds.
FRESH_FOR = 10.0


class LaterJobs:
    """What is known of them.

    :param client: the controller, and with it the clock.
    :param sources: the jobs that they are later than.
    """

    def __init__(self, client: ControllerClient, sources: t.Collection[Job] = ()) -> None:
        self._client = client
        self._jobs: dict[int, Job] = {}
        self._looked = client.clock()
        #: The highest number of a job that is known.
        self.newest = max((job.id for job in sources), default=0)
        #: All jobs up to this number are known, of whichever of the templates. It lags by one look at all of them:
        #: a launch was seen to appear up to 1.5 seconds after others with higher numbers.
        self.known_to = self.newest
        self.fetch(sources)
        self._known_next = self.newest

    @property
    def stale(self) -> bool:
        return self._client.clock() - self._looked >= FRESH_FOR

    def fetch(self, sources: t.Collection[Job], after: t.Optional[int] = None) -> list[Job]:
        """Ask for the jobs of these jobs' templates that are newer.

        :param after: than the job of this number; by default than the oldest of these.
        :returns: those that were listed, oldest first.
        :raises ControllerError: they could not be read.
        """
        after = min((job.id for job in sources), default=0) if after is None else after
        query = {"id__gt": after, "order_by": "id"}
        templates = sorted({job.template for job in sources if job.template is not None})
        entries = list(in_chunks(self._client, "unified_job_template__in", templates, **query))
        if any(job.template is None for job in sources):
            entries.extend(self._client.results(f"{JOB.path}/", unified_job_template__isnull="true", **query))
        listed = sorted(map(Job.of, entries), key=lambda job: job.id)
        self.note(*listed)
        return listed

    def refresh(self, sources: t.Collection[Job]) -> None:
        """Ask for what has come since.

        :param sources: all those whose later jobs still matter.
        :raises ControllerError: it could not be read.
        """
        looked = self._client.clock()
        self.fetch(sources, self.known_to)
        self.known_to, self._known_next, self._looked = self._known_next, self.newest, looked

    def note(self, *jobs: Job) -> None:
        """Know these as well, as they are now."""
        self._jobs.update({job.id: job for job in jobs})
        self.newest = max([self.newest, *(job.id for job in jobs)])

    def of(self, source: Job) -> list[Job]:
        """Those that are later than a job and of its template, oldest first."""
        later = [job for job in self._jobs.values() if job.id > source.id and same_template(source, job)]
        return sorted(later, key=lambda job: job.id)
