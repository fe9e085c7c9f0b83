# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recent jobs of several templates, whatever launched them: fetched in one list, and brought up to date.

Private to this collection.
"""

from __future__ import annotations

import math
import typing as t
from datetime import timedelta

from .._api.client import ControllerClient
from .._api.jobs import FINAL_STATUSES, NEW, Job
from .._api.kinds import JOB
from .._api.paging import NUMBERS_AT_ONCE, by_numbers, in_chunks
from .._launch.asks import JobList, JobsAfter
from .._launch.waiting import seen_in_detail
from .._work.same_work import Given, TemplateOrName, lost_template, template_or_name

# A launch was seen to appear up to 1.7 seconds after others with higher numbers, under load.
APPEARS_WITHIN = 10.0
# So many jobs that are known to have ended are named in a list to be left out of it.
ENDED_LEFT_OUT = 100


class RecentJobs:
    """What is known of them: nothing before the first ``refresh``."""

    def __init__(self, client: ControllerClient) -> None:
        self._client = client
        self._of_template: dict[TemplateOrName, dict[int, Job]] = {}
        # By the number of each job that was ever met, its template as it was then: that may be deleted meanwhile.
        self._template_of: dict[int, TemplateOrName] = {}
        # These by template; and by the number of a source how many of them have been looked through for it, and which
        # may be the same work.
        self._met: dict[TemplateOrName, list[int]] = {}
        self._of_source: dict[int, tuple[int, set[int]]] = {}
        # By the number of each of them what its template has given it, once one is other work than some source.
        self._given: dict[int, t.Optional[Given]] = {}
        self._some_differ = False
        self._active: dict[int, Job] = {}
        self._failures: dict[TemplateOrName, dict[int, Job]] = {}
        #: Templates that were deleted meanwhile: their jobs are not found by them any more.
        self.gone: set[t.Optional[int]] = set()
        #: When this was asked for, by the client's clock.
        self.at = -math.inf
        # All jobs up to this number are known, of whichever of the templates.
        self._known_to = self._newest = 0
        # When was answered, and the highest number that was known by then.
        self._asked: list[tuple[float, int]] = []

    def refresh(self, sources: t.Collection[Job], waited_for: t.Container[int]) -> None:
        """Ask for what has come since, and for what was active then; first of all for what is newer than the oldest
        source.

        :param sources: all those whose recent jobs still matter.
        :param waited_for: numbers of active jobs whose ends are noted without being asked for here.
        :raises ControllerError: it could not be read.
        """
        began = self._client.clock()
        if self._asked:
            self._refresh_active(waited_for)
            self._note(self._listed(sources, self._known_to))
        else:
            appeared = self._client.now() - timedelta(seconds=APPEARS_WITHIN)
            listed = self._listed(sources, min((job.id for job in sources), default=0))
            self._newest = max((job.id for job in sources), default=0)
            self._note(listed)
            self._known_to = max((job.id for job in (*sources, *listed) if job.created < appeared), default=0)
        self._is_known_as_of(began)

    def _refresh_active(self, waited_for: t.Container[int]) -> None:
        active = {number for number in self._active if number not in waited_for}
        found = [Job.of(entry) for entry in by_numbers(self._client.results, JOB.path, "id__in", active)]
        self._note(found)
        # Lists do not show what this user may not see for a while.
        there, gone, _hidden = seen_in_detail(
            self._client, dict.fromkeys(active.difference(job.id for job in found), JOB)
        )
        self._note(there)
        for number in gone:
            del self._active[number], self._of_template[self._template_of[number]][number]

    def ended_among(self, sources: t.Collection[Job], waited_for: t.Collection[int]) -> t.Optional[list[Job]]:
        """Of active jobs those that have ended, by one list of them and of what has come since, as ``refresh`` asks for
        it, with a single attempt.

        :param sources: as of ``refresh``.
        :param waited_for: their numbers.
        :returns: they; None where no single list tells both.
        :raises ControllerError: it could not be read.
        """
        templates = {job.template for job in (*sources, *self._active.values())}
        # Those of others are to be known as they are at each look.
        if None in templates or len(templates) > NUMBERS_AT_ONCE or self._active.keys() != set(waited_for):
            return None
        after = min(self._known_to, *waited_for) - 1
        numbers = range(after + 1, self._newest + 1)
        ended = [number for number in numbers if number in self._template_of and number not in self._active]
        if len(ended) > ENDED_LEFT_OUT:
            return None
        began = self._client.clock()
        query = {
            "unified_job_template__in": next(in_chunks(t.cast("set[int]", templates))),
            "id__gt": after,
            "or__id__gt": self._known_to,
            "or__status__in": ",".join(FINAL_STATUSES),
            **({"not__id__in": next(in_chunks(ended))} if ended else {}),
            "order_by": "id",
        }
        found = [Job.of(entry) for entry in self._client.results_once(JOB.path, **query)]
        self._note(found)
        self._is_known_as_of(began)
        return [job for job in found if job.id in waited_for and not job.active]

    def ended(self, numbers: t.Collection[int]) -> list[Job]:
        """Those of some jobs that are known to have ended."""
        found = (self._of_template.get(self._template_of.get(number, ""), {}).get(number) for number in numbers)
        return [job for job in found if job is not None and not job.active]

    def _is_known_as_of(self, began: float) -> None:
        while self._asked and self._asked[0][0] <= began - APPEARS_WITHIN:
            self._known_to = self._asked.pop(0)[1]
        # The newest may have come just before a late answer.
        self._asked.append((self._client.clock(), self._newest))
        self.at = began

    def note(self, job: Job, source: t.Optional[Job] = None) -> bool:
        """Know this one too, as it is now; whether that is an end which no list has shown.

        :param source: the job of which it is a relaunch.
        """
        if source is not None and lost_template(job):
            self.gone.update({source.template} - {None})
        ended = job.id in self._active and not job.active
        if self._asked:
            self._note([job])
        return ended

    def of(self, source: Job) -> list[Job]:
        """Those of a job's template, oldest first."""
        jobs = self._of_template.get(template_or_name(source), {})
        return [jobs[number] for number in sorted(jobs)]

    def failures(self, source: Job) -> t.Collection[Job]:
        """Those of a job's template that have ended without success."""
        return self._failures.get(template_or_name(source), {}).values()

    @property
    def active_templates(self) -> set[t.Optional[int]]:
        """The templates of which one is known to be active."""
        return {job.template for job in self._active.values()}

    def answer(self, ask: JobsAfter) -> JobList:
        """What is asked for, without the work that is surely other; that is told of each job once if it is not new."""
        template = template_or_name(ask.source)
        jobs, met = self._of_template.get(template, {}), self._met.get(template, [])
        seen, numbers = self._of_source.get(ask.source.id, (0, set()))
        numbers.update(self._maybe_same(ask, (jobs[number] for number in met[seen:] if number in jobs)))
        self._of_source[ask.source.id] = len(met), numbers
        found = (jobs[number] for number in sorted(numbers) if number in jobs and number > ask.number)
        return JobList(found, self._asked[-1][0])

    def _maybe_same(self, ask: JobsAfter, jobs: t.Iterable[Job]) -> t.Iterator[int]:
        same_work, given = ask.same_work, self._given
        ours: t.Optional[Given] = None
        for job in jobs:
            # While all are the same work nobody needs to know when templates were edited.
            if same_work is not None and self._some_differ:
                ours = ours or same_work.given_by_template(ask.source)
                if job.id not in given:
                    given[job.id] = same_work.given_by_template(job)
                # Many sources are compared with the same many jobs.
                if ours is not None and (theirs := given[job.id]) is not None and ours != theirs:
                    continue
            if same_work is None or not same_work.surely_excludes(job):
                yield job.id
            else:
                self._some_differ = True

    def knows_all(self, ask: JobsAfter) -> bool:
        """Whether all is known already that matters: no number is left in front of a launch for an unknown job, and
        those that are known have ended.
        """
        if ask.before is None:
            return False
        numbers = range(max(ask.number, self._known_to) + 1, ask.before)
        if not all(number in self._template_of for number in numbers):
            return False
        return not any(job.active for job in self.answer(ask) if job.id < ask.before)

    def _note(self, jobs: t.Iterable[Job]) -> None:
        for job in jobs:
            template = self._template_of.setdefault(job.id, template_or_name(job))
            if lost_template(job) and isinstance(template, int):
                self.gone.add(template)
            known = self._of_template.setdefault(template, {})
            # Credentials and labels are added to one that is new.
            if job.id not in known or known[job.id].status == NEW:
                self._met.setdefault(template, []).append(job.id)
            if not (job.active or job.successful):
                self._failures.setdefault(template, {})[job.id] = job
            known[job.id] = job
            self._newest = max(self._newest, job.id)
            if job.active:
                self._active[job.id] = job
            else:
                self._active.pop(job.id, None)

    def _listed(self, sources: t.Collection[Job], after: int) -> list[Job]:
        query = {"id__gt": after, "order_by": "id"}
        templates = {job.template for job in sources if job.template is not None}
        entries = list(by_numbers(self._client.results, JOB.path, "unified_job_template__in", templates, **query))
        if any(job.template is None for job in sources):
            entries.extend(self._client.results(JOB.path, unified_job_template__isnull="true", **query))
        return [Job.of(entry) for entry in entries]
