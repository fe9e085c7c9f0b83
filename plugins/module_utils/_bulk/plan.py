# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for many failed jobs: each one's case and decision, as job_relaunch takes it, and who stands for whom."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from .._api import jobs as _jobs
from .._api.errors import (
    AnswerError,
    ControllerError,
    CutShortError,
    RefusedError,
)
from .._api.jobs import Job
from .._job.case import Case, names
from .._job.claim import done, stopped_at
from .._job.options import RelaunchRequest
from .._job.outcome import RelaunchOutcome, outcome_of
from .._work.decision import (
    ALL,
    FAILED,
    Decision,
    Done,
    Launch,
    Refuse,
    Wish,
    decide,
    needs_history,
)
from .._work.history import Historian, History
from .._work.same_work import Fingerprint, SameWork
from .find_jobs import with_statistics
from .later_jobs import LaterJobs
from .outcome import (
    DONE,
    REFUSED,
    SUPERSEDED,
    JobEntry,
)
from .still_matters import (
    left_alone,
    stand_ins,
    taken_over,
)

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient
    from .._launch.waiting import Watch
    from .options import JobsRequest

# What a job that ended so long ago has not told by now it never will: its events are in after seconds.
EVENTS_IN_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class Due:
    """What is to be done about one job: a Launch, an Adopt or an Await.

    :param wish: by which it was decided.
    :param seen: the numbers of the later jobs that were known then.
    :param outcome: of what was done about it before.
    """

    case: Case
    decision: Decision
    wish: Wish
    seen: frozenset[int]
    outcome: RelaunchOutcome

    @property
    def source(self) -> Job:
        return self.case.source


@dataclass
class Plan:
    """What is to be done about many jobs, and what is known of the others.

    :param settled: by number, the entries of those about which nothing is to be done.
    :param due: by number, the others.
    :param heirs: by number, which job stands for one that is superseded.
    """

    settled: dict[int, JobEntry] = field(default_factory=dict)
    due: dict[int, Due] = field(default_factory=dict)
    heirs: dict[int, int] = field(default_factory=dict)

    @property
    def launches(self) -> list[Due]:
        return [due for _number, due in sorted(self.due.items()) if isinstance(due.decision, Launch)]

    def account(self, entries: t.Mapping[int, JobEntry]) -> tuple[JobEntry, ...]:
        """All entries by number; of a job that another one stands for, with what has become of that."""
        found = {**self.settled, **entries}
        for number in self.heirs:
            heir = number
            while heir in self.heirs:
                heir = self.heirs[heir]
            found[number] = replace(found[number], recovered=found[heir].recovered)
        return tuple(entry for _number, entry in sorted(found.items()))

    def supersede(self, job: Job, heir: Job) -> None:
        """Let a job be seen to by another one's relaunch."""
        self.due.pop(job.id, None)
        self.heirs[job.id] = heir.id
        reason = f"Job {heir.id}, the same work, stands for it: what is left is seen to there."
        self.settled[job.id] = JobEntry(job.id, job.name, SUPERSEDED, reason)


class Planner:
    """Decides about jobs as job_relaunch does, but for the later jobs: whatever launched them, they count.

    :param now: to tell what ended long ago.
    """

    def __init__(self, client: ControllerClient, request: JobsRequest, watch: Watch, now: datetime) -> None:
        self._client = client
        self._watch = watch
        self._wish = request.wish
        # What is launched is waited for together, not one by one.
        self._request = RelaunchRequest(
            wish=replace(request.wish, wait=False), waiting=request.waiting, check_mode=request.check_mode
        )
        self._long_ago = f"{now.astimezone(timezone.utc) - EVENTS_IN_AFTER:%Y-%m-%dT%H:%M:%S}"
        self._prompts: dict[int, t.Optional[Fingerprint]] = {}
        self._same_works: dict[int, SameWork] = {}
        self._with_statistics: frozenset[int] = frozenset()
        self.later = LaterJobs(client)

    def plan(self, jobs: t.Sequence[Job]) -> Plan:
        """What is to be done about these jobs.

        :raises ControllerError: what has to be known could not be read.
        """
        plan = Plan()
        for job in jobs:
            reason = left_alone(job)
            if reason and not job.successful:
                plan.settled[job.id] = JobEntry(job.id, job.name, REFUSED, reason)
        open_jobs = [job for job in jobs if job.id not in plan.settled]
        if self._wish.hosts == FAILED and open_jobs:
            self._with_statistics = with_statistics(self._client, [job.id for job in open_jobs])
        failed = [job for job in open_jobs if needs_history(job, self._wish)]
        self.later = LaterJobs(self._client, failed)
        by_number = {job.id: job for job in open_jobs}
        for number, heir in stand_ins(failed, self._is_same_work, self._knows_hosts).items():
            plan.supersede(by_number.pop(number), heir)
        for job in sorted(by_number.values(), key=lambda job: job.id, reverse=True):
            self._add(plan, job)
        return plan

    def due(self, source: Job, wish: Wish, outcome: t.Optional[RelaunchOutcome] = None) -> Due:
        """A job's case with what is known of the later jobs, and what to do.

        :param outcome: of what was done about it before.
        :raises ControllerError: what has to be known could not be read.
        """
        source = self._in_detail(source)
        same_work = self._same_work(source)
        seen = self.later.of(source)
        later = [job for job in seen if same_work.includes(job)]
        history = History(source, newest=self.later.newest)
        if needs_history(source, wish):
            needed = wish.fallback_to_all or not self._knows_hosts(source)
            historian = Historian(self._client, self._watch, source, same_work, wish.hosts == ALL, needed)
            history = replace(historian.history(later=later), newest=self.later.newest)
        request = replace(self._request, wish=replace(wish, wait=False))
        case = Case(self._client, request, self._watch, history, same_work)
        outcome = outcome or RelaunchOutcome(source_job_id=source.id)
        if history.words is not None:
            outcome = replace(outcome, remaining_hosts=names(history.words.remaining))
        return Due(case, decide(history, wish), wish, frozenset(job.id for job in seen), outcome)

    def settled(self, due: Due) -> t.Union[Due, JobEntry]:
        """The entry of a job about which nothing is to be done; else what is, on all hosts where it was cut short.

        :raises ControllerError: it could not be read whether it was.
        """
        case, decision, outcome = due.case, due.decision, due.outcome
        if isinstance(decision, Refuse):
            return JobEntry.of(due.source, REFUSED, outcome, msg=decision.reason)
        if not isinstance(decision, Done):
            return due
        outcome = done(case, decision, decision.job, outcome)
        at = stopped_at(case, decision, outcome)
        if at is not None:
            return self.settled(self.due(due.source, replace(self._wish, hosts=ALL), due.outcome))
        name = DONE if decision.job.is_relaunch or decision.job is due.source else SUPERSEDED
        return JobEntry.of(due.source, name, outcome, recovered=True)

    def again(self, due: Due) -> Due:
        """What is due by what is known now: decided anew where a job has come since that may be the same work.

        :raises ControllerError: what has to be known could not be read.
        """
        same_work = self._same_work(due.source)
        new = (job for job in self.later.of(due.source) if job.id not in due.seen)
        if not any(same_work.may_include(job) for job in new):
            return due
        self.later.fetch([due.source])
        return self.due(due.source, due.wish, due.outcome)

    def _add(self, plan: Plan, job: Job) -> None:
        try:
            found = self.settled(self.due(job, self._wish))
        except ControllerError as error:
            if not isinstance(error, (RefusedError, CutShortError)) and not _refuses(error):
                raise
            carried = outcome_of(error)
            outcome = carried if isinstance(carried, RelaunchOutcome) else RelaunchOutcome()
            found = JobEntry.of(job, REFUSED, outcome, msg=str(error))
        if isinstance(found, JobEntry):
            plan.settled[job.id] = found
            return
        plan.due[job.id] = found
        if not isinstance(found.decision, Launch):
            return
        launched = {due.source.id: due.source for due in plan.launches if due is not found}
        heir = taken_over(found.case.history, launched) or launched.get(found.decision.job.id)
        if heir is not None:
            plan.supersede(job, heir)
            return
        for relaunch in found.case.history.relaunches:
            if relaunch.job.id in launched:
                plan.supersede(relaunch.job, job)

    def _in_detail(self, source: Job) -> Job:
        """A list does not tell whether a job's events are in: asked for only where nothing else tells it."""
        if source.active or "event_processing_finished" in source.facts or self._wish.hosts != FAILED:
            return source
        if source.id in self._with_statistics or source.finished < self._long_ago:
            return Job({**source.facts, "event_processing_finished": True})
        return _jobs.get(self._client, source.id)

    def _knows_hosts(self, job: Job) -> bool:
        return self._wish.hosts == ALL or job.id in self._with_statistics

    def _same_work(self, source: Job) -> SameWork:
        if source.id not in self._same_works:
            self._same_works[source.id] = SameWork(self._client, source, prompts=self._prompts)
        return self._same_works[source.id]

    def _is_same_work(self, source: Job, job: Job) -> bool:
        return self._same_work(source).includes(job)


def _refuses(error: ControllerError) -> bool:
    return isinstance(error, AnswerError) and error.refuses
