# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recent jobs of several templates, whatever launched them: fetched in one list, and brought up to date.

Private to this collection.
"""

from __future__ import annotations

import typing as t

from .._api.jobs import Job
from .._api.kinds import JOB
from .._work.same_work import same_template
from .find_jobs import in_chunks

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient


class RecentJobs:
    """What is known of them.

    :param sources: the jobs than which they are newer.
    :raises ControllerError: they could not be read.
    """

    def __init__(self, client: ControllerClient, sources: t.Collection[Job]) -> None:
        self._client = client
        self._jobs: dict[int, Job] = {}
        # All jobs up to this number are known, of whichever of the templates. It lags by one look at all of them: a
        # launch was seen to appear up to 1.5 seconds after others with higher numbers.
        self._known_to = self._newest = max((job.id for job in sources), default=0)
        self._note(self._listed(sources, min((job.id for job in sources), default=0)))
        self._known_next = self._newest

    def refresh(self, sources: t.Collection[Job], waited_for: t.Collection[int] = ()) -> None:
        """Ask for what has come since, and for what was active then.

        :param sources: all those whose recent jobs still matter.
        :param waited_for: numbers of active jobs whose ends are noted without being asked for here.
        :raises ControllerError: it could not be read.
        """
        active = sorted(number for number, job in self._jobs.items() if job.active and number not in waited_for)
        self._note(map(Job.of, in_chunks(self._client, "id__in", active)))
        self._note(self._listed(sources, self._known_to))
        self._known_to, self._known_next = self._known_next, self._newest

    def note(self, job: Job) -> None:
        """Know this one too, as it is now."""
        self._note([job])

    def of(self, source: Job, number: int) -> list[Job]:
        """Those of a job's template that are newer than a number, oldest first."""
        found = [job for job in self._jobs.values() if job.id > number and same_template(source, job)]
        return sorted(found, key=lambda job: job.id)

    def _note(self, jobs: t.Iterable[Job]) -> None:
        for job in jobs:
            self._jobs[job.id] = job
            self._newest = max(self._newest, job.id)

    def _listed(self, sources: t.Collection[Job], after: int) -> list[Job]:
        query = {"id__gt": after, "order_by": "id"}
        templates = sorted({job.template for job in sources if job.template is not None})
        entries = list(in_chunks(self._client, "unified_job_template__in", templates, **query))
        if any(job.template is None for job in sources):
            entries.extend(self._client.results(f"{JOB.path}/", unified_job_template__isnull="true", **query))
        return [Job.of(entry) for entry in entries]
