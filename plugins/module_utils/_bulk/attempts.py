# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often work has been relaunched since it last succeeded, so that a recovery by schedule ends.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from datetime import datetime
from itertools import islice

from .._api.client import ControllerClient
from .._api.jobs import CANCELED, FAILED_STATUSES, MANUAL, RELAUNCH, SUCCESSFUL, Job, grouped, host_summaries, names_of
from .._api.kinds import JOB
from .._api.paging import PAGE_SIZE, in_chunks
from .._job.outcome import RelaunchOutcome
from .._retry.rules import most_attempts
from .._work.runs import same_limit
from .._work.same_work import Prompts, SameWork
from .member import Member
from .options import JobsRequest
from .outcome import RelaunchCount
from .recent_jobs import RecentJobs


class Attempts:
    """Counts how often the work of selected jobs has been relaunched without success.

    :param request: how often the same work may be relaunched.
    :param members: of the selected jobs.
    :param recent: tells what has run since the oldest of them.
    :param prompts: what is known of what jobs were launched with; it grows.
    """

    def __init__(
        self,
        client: ControllerClient,
        request: JobsRequest,
        members: t.Sequence[Member],
        recent: RecentJobs,
        prompts: Prompts,
    ) -> None:
        self._client = client
        self._request = request
        sources = [member.source for member in members if member.kind is JOB]
        self._of_template = grouped(sources, lambda source: source.template)
        self._recent = recent
        self._prompts = prompts
        self._oldest = min((source.id for source in sources), default=0)
        # By the number of the source whose work may be relaunched once more, how many jobs of its template had failed.
        self._few: dict[int, int] = {}
        # By template, its relaunches and the like in vain that are older than all selected jobs, newest first.
        self._earlier: t.Optional[dict[t.Optional[int], list[Job]]] = None

    def too_many(self, member: Member) -> t.Optional[RelaunchCount]:
        """How often a job's work has been relaunched since it last succeeded, where that is too often.

        By the rules of its hosts that may be another number than that of the task.

        :raises ControllerError: it could not be read.
        """
        source = member.source
        failures = len(self._recent.failures(source))
        # What has come of a workflow job is seen again before each of its launches.
        if member.tried is None and self._few.get(source.id) == failures:
            return None
        most = self._request.max_attempts
        most = most_attempts(member.ruled.left, most) if member.ruled else most
        tried = self._of(member, most) if member.tried is None else member.tried()
        if tried is not None and tried.number >= most:
            return tried
        self._few[source.id] = failures
        return None

    def _of(self, member: Member, most: int) -> t.Optional[RelaunchCount]:
        """None where no more relaunches of the template than that have failed, of whichever work."""
        source = member.source
        same_work = SameWork(self._client, source, self._request.options.job_type, self._prompts)
        selected = self._of_template.get(source.template, [])
        # A slice may be relaunched with success on other hosts than its own.
        may_be = [*(self._recent.of(source) if source.sliced else self._recent.failures(source)), *selected]
        may_be = [job for job in may_be if _may_be_attempt(job) and not same_work.surely_excludes(job)]
        if len({job.id for job in may_be}) + len(self._older(source)) < most:
            return None
        of_template = (*self._recent.of(source), *selected)
        hosts = self._remaining(member)

        def counts(job: Job) -> bool:
            return _overlap(job, source, hosts) and same_work.includes(job)

        known = {job.id: job for job in of_template if counts(job)}
        failures = [job.finished for job in (source, *known.values()) if not (job.active or job.successful)]
        successes = [job.finished for job in known.values() if job.successful]
        # One after the last failure would have ended it, had it done the work.
        success = max((end for end in successes if failures and end <= max(failures)), default=None)
        older = [] if success else [job for job in self._older(source) if counts(job)]
        among = (*known.values(), *older)
        vain = [job for job in known.values() if _ended_since(job, success, among)]
        tried = _attempts((*vain, *older), among)
        if older and len(tried) >= most:
            last = self._last_success(source, older[-1].id, counts)
            tried = [job for job in tried if job.id in known or _ended_since(job, last, among)]
        since = min((job.finished for job in (*vain, *tried, source) if not job.successful), default=source.finished)
        return RelaunchCount(len(tried), since)

    def _remaining(self, member: Member) -> frozenset[str]:
        """By name, the hosts of a job that are to be relaunched, of one that is relaunched whole its failed ones."""
        outcome = member.state.outcome
        if isinstance(outcome, RelaunchOutcome) and outcome.remaining_hosts is not None:
            return frozenset(outcome.remaining_hosts)
        return names_of(host_summaries(self._client, member.source.id, failed=True))

    def _older(self, source: Job) -> list[Job]:
        """As many for many templates as may count: of work that goes on failing they are recent."""
        if self._earlier is None:
            earlier: dict[t.Optional[int], list[Job]] = {}
            query = {
                "launch_type__in": f"{RELAUNCH},{MANUAL}",
                "status__in": ",".join((*FAILED_STATUSES, CANCELED)),
                "id__lt": self._oldest,
                "order_by": "-id",
            }
            most = max([self._request.max_attempts, *(rule.retries or 0 for rule in self._request.rules)])
            most = max(PAGE_SIZE, most * sum(map(len, self._of_template.values())))
            for some in in_chunks(template for template in self._of_template if template is not None):
                for entry in islice(self._client.results(JOB.path, unified_job_template__in=some, **query), most):
                    if _may_be_attempt(job := Job.of(entry)):
                        earlier.setdefault(job.template, []).append(job)
            self._earlier = earlier
        return [] if source.template is None else self._earlier.get(source.template, [])

    def _last_success(self, source: Job, after: int, counts: t.Callable[[Job], bool]) -> t.Optional[datetime]:
        """When the same work succeeded last between an older job and the selected ones."""
        query = {"status": SUCCESSFUL, "id__gt": after, "id__lt": self._oldest, "order_by": "-id"}
        entries = self._client.results(JOB.path, unified_job_template__in=source.template, **query)
        return next((job.finished for job in map(Job.of, entries) if counts(job)), None)


def _overlap(job: Job, source: Job, hosts: frozenset[str]) -> bool:
    """Whether a job was on hosts that are to be relaunched, as far as names tell: a limit may be that of a group.

    :param hosts: these, by name; none where they are not known.
    """
    return not (hosts and job.limit_names) or same_limit(source, job) or bool(job.limit_names & hosts)


def _ended_since(job: Job, success: t.Optional[datetime], among: t.Iterable[Job]) -> bool:
    """Whether a job has ended since then that may count.

    :param among: as of ``_attempts``.
    """
    rivals = (other for other in among if same_limit(other, job))
    return not job.active and (success is None or job.finished > success) and RelaunchCount.counts(job, rivals)


def _may_be_attempt(job: Job) -> bool:
    """Whether a job may be an attempt at what another one has left: ``hosts: remaining`` launches with a limit."""
    launched = job.is_relaunch or (job.facts.get("launch_type") == MANUAL and bool(job.limit_names))
    return launched and not job.active


def _attempts(jobs: t.Iterable[Job], among: t.Collection[Job]) -> list[Job]:
    """Those of some jobs that ran what others had left.

    :param among: all that are known of the same work.
    """
    return [
        job
        for job in filter(_may_be_attempt, jobs)
        if job.is_relaunch or any(other.id < job.id and not same_limit(other, job) for other in among)
    ]
