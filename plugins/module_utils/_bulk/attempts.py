# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often work has been relaunched since it last succeeded, so that a recovery by schedule ends.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._api import jobs as _jobs
from .._api.jobs import Job
from .._api.kinds import JOB
from .._api.paging import PAGE_SIZE, in_chunks
from .._job.outcome import RelaunchOutcome
from .._work.runs import same_limit
from .._work.same_work import Prompts, SameWork
from .looks import SharedLooks
from .member import Member
from .options import JobsRequest
from .outcome import Tried

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient

_LIST = f"{JOB.path}/"


class Attempts:
    """
    :param request: how often the same work may be relaunched.
    :param members: of the selected jobs.
    :param looks: tells what has run since the oldest of them.
    :param prompts: what is known of what jobs were launched with; it grows.
    """

    def __init__(
        self,
        client: ControllerClient,
        request: JobsRequest,
        members: t.Sequence[Member],
        looks: SharedLooks,
        prompts: t.Optional[Prompts],
    ) -> None:
        self._client = client
        self._request = request
        self._sources = [member.source for member in members if member.kind is JOB]
        self._looks = looks
        self._prompts = Prompts() if prompts is None else prompts
        self._oldest = min((job.id for job in self._sources), default=0)
        # Those whose work may be relaunched once more.
        self._few: set[int] = set()
        # By template, its failed relaunches that are older than all selected jobs, newest first.
        self._earlier: t.Optional[dict[t.Optional[int], list[Job]]] = None

    def too_many(self, member: Member) -> t.Optional[Tried]:
        """How often a job's work has been relaunched since it last succeeded, where that is too often.

        By the rules of its hosts that may be another number than that of the task.

        :raises ControllerError: it could not be read.
        """
        source = member.source
        if source.id in self._few:
            return None
        most = self._request.max_attempts
        most = member.ruled.most_attempts(most) if member.ruled else most
        tried = self._of(member, most) if member.tried is None else member.tried()
        if tried is not None and tried.number >= most:
            return tried
        # What has come of a workflow job is seen again before each of its launches.
        if member.tried is None:
            self._few.add(source.id)
        return None

    def _of(self, member: Member, most: int) -> t.Optional[Tried]:
        """None where no more relaunches of the template than that have failed, of whichever work."""
        source = member.source
        of_template = (*self._looks.known(source), *self._selected_with(source))
        relaunched = sum(job.is_relaunch and job.status in _jobs.FAILED_STATUSES for job in of_template)
        if relaunched + len(self._older(source)) < most:
            return None
        same_work = SameWork(self._client, source, self._request.options.job_type, self._prompts)
        hosts = self._remaining(member)

        def counts(job: Job) -> bool:
            return _overlap(job, source, hosts) and same_work.includes(job)

        known = {job.id: job for job in of_template if counts(job)}
        success = max((job.finished for job in known.values() if job.successful), default=None)
        failed = [job for job in known.values() if _failed_since(job, success)]
        if success is None:
            earlier = [job for job in self._older(source) if counts(job)]
            relaunched = sum(job.is_relaunch for job in failed)
            if earlier and relaunched + len(earlier) >= most:
                last = self._last_success(source, earlier[-1].id, counts)
                earlier = [job for job in earlier if _failed_since(job, last)]
            failed.extend(earlier)
        since = min(job.finished for job in (*failed, source))
        return Tried(sum(job.is_relaunch for job in failed), since)

    def _remaining(self, member: Member) -> frozenset[str]:
        """By name, the hosts of a job that are to be relaunched, of one that is relaunched whole its failed ones."""
        outcome = member.state.outcome
        if isinstance(outcome, RelaunchOutcome) and outcome.remaining_hosts is not None:
            return frozenset(outcome.remaining_hosts)
        return _jobs.names_of(_jobs.host_summaries(self._client, member.source.id, failed=True))

    def _selected_with(self, source: Job) -> list[Job]:
        return [job for job in self._sources if job.template == source.template]

    def _older(self, source: Job) -> list[Job]:
        """One page of them for many templates: of work that goes on failing they are recent."""
        if self._earlier is None:
            self._earlier = {}
            query = {
                "launch_type": _jobs.RELAUNCH,
                "status__in": ",".join(_jobs.FAILED_STATUSES),
                "id__lt": self._oldest,
                "order_by": "-id",
                "page_size": PAGE_SIZE,
            }
            templates = {job.template for job in self._sources if job.template is not None}
            for some in in_chunks(templates):
                answer = self._client.get(_LIST, unified_job_template__in=some, **query)
                for entry in answer.get("results") or ():
                    job = Job.of(entry)
                    self._earlier.setdefault(job.template, []).append(job)
        return [] if source.template is None else self._earlier.get(source.template, [])

    def _last_success(self, source: Job, after: int, counts: t.Callable[[Job], bool]) -> t.Optional[datetime]:
        """When the same work succeeded last between an older job and the selected ones."""
        query = {"status": _jobs.SUCCESSFUL, "id__gt": after, "id__lt": self._oldest, "order_by": "-id"}
        entries = self._client.results(_LIST, unified_job_template__in=source.template, **query)
        found = next((job for job in map(Job.of, entries) if counts(job)), None)
        return None if found is None else found.finished


def _overlap(job: Job, source: Job, hosts: frozenset[str]) -> bool:
    """Whether a job was on hosts that are to be relaunched, as far as names tell: a limit may be that of a group.

    :param hosts: these, by name; none where they are not known.
    """
    return not (hosts and job.limit_names) or same_limit(source, job) or bool(job.limit_names & hosts)


def _failed_since(job: Job, success: t.Optional[datetime]) -> bool:
    return job.status in _jobs.FAILED_STATUSES and (success is None or job.finished > success)
