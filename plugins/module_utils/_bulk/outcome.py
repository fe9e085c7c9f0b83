# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bulk_job_relaunch has done: one entry for each job, and the sentence about all of them.

Private to this collection.
"""

from __future__ import annotations

import collections
import typing as t
from dataclasses import asdict, dataclass
from datetime import datetime

from .._api.jobs import ACTIVE_STATUSES, CANCELED, FINAL_STATUSES, SUCCESSFUL, Job, counted, join
from .._api.kinds import JOB, WORKFLOW_JOB
from .._job.outcome import Outcome, RelaunchOutcome, Result, plain_data
from .._launch.tie_break import gave_way
from .._retry.retry_rounds import PARKED
from .._workflow.outcome import WorkflowOutcome

RELAUNCHED = "relaunched"
ADOPTED = "adopted"
DONE = "done"
SUPERSEDED = "superseded"
REFUSED = "refused"
LOST = "lost"
NEEDS_PERSON = "needs_person"
LATER = "left_for_later"
# What a person has to see to.
FOR_PERSONS = (NEEDS_PERSON, PARKED)
ACTED = (RELAUNCHED, ADOPTED)

_IN_WORDS = {
    RELAUNCHED: "relaunched",
    ADOPTED: "being done by an active job",
    DONE: "done before",
    SUPERSEDED: "superseded by a later job",
    REFUSED: "left alone",
    LATER: "left for later",
    LOST: "lost sight of",
    NEEDS_PERSON: "in need of a person",
    PARKED: "waiting for a person (parked)",
}
OUTCOMES = tuple(_IN_WORDS)

# In check mode.
_PLANNED_IN_WORDS = {**_IN_WORDS, RELAUNCHED: "would be relaunched"}

#: What came of the sequence of one.
SourceOutcome = t.Union[RelaunchOutcome, WorkflowOutcome]

_UNSUCCESSFUL = frozenset(FINAL_STATUSES).difference([SUCCESSFUL])


@dataclass(frozen=True)
class JobCounts:
    """How far many jobs are: of all of them, those that were successful, are active, or ended otherwise."""

    all: int
    successful: int
    running: int
    failed: int

    def __str__(self) -> str:
        begun = self.successful + self.running + self.failed
        parts = {"successful": self.successful, "running": self.running, "failed": self.failed}
        told_of = ", ".join(f"{number} {what}" for what, number in parts.items() if number)
        return f"{begun} of {self.all}: {told_of or 'none has been launched yet'}"


@dataclass(frozen=True)
class PlanCount:
    """How far the plan for many jobs is: so many of all have been looked at."""

    all: int
    done: int

    def __str__(self) -> str:
        return f"planning: {self.done} of {self.all}"


@dataclass(frozen=True)
class RelaunchCount:
    """How often work has been relaunched without success.

    :param number: so many relaunches of the same work have failed since it last succeeded.
    :param since: when the first job of it ended that has failed since then.
    """

    number: int
    since: datetime

    @staticmethod
    def counts(job: Job, others: t.Iterable[Job]) -> bool:
        """Whether a job that has ended may count; one that was canceled before it began has tried nothing, and one that
        gave way to another caller's was no attempt of its own.

        :param others: all that are known of the same work.
        """
        return (job.began or job.status != CANCELED) and not gave_way(job, others)


@dataclass(frozen=True)
class JobEntry:
    """What became of one job; the fields are the keys of an entry of ``jobs``, where they are documented.

    :param type: the kind of job, as ``type`` in the API.
    :param broken: what was planned for it could not be done, or has not come to success; the key ``failed`` tells it.
    """

    source_job_id: int
    name: str
    outcome: str
    msg: str
    recovered: bool = False
    id: t.Optional[int] = None
    status: t.Optional[str] = None
    hosts: t.Optional[tuple[str, ...]] = None
    remaining_hosts: t.Optional[tuple[str, ...]] = None
    url: t.Optional[str] = None
    attempts: t.Optional[int] = None
    failing_since: t.Optional[str] = None
    type: str = JOB.type
    nodes: t.Optional[tuple[str, ...]] = None
    failed_nodes: t.Optional[tuple[str, ...]] = None
    node_job_ids: t.Optional[tuple[int, ...]] = None
    parked: t.Optional[t.Mapping[str, str]] = None
    broken: bool = False

    @classmethod
    def of(cls, source: Job, name: str, outcome: SourceOutcome, msg: t.Optional[str] = None, **more: t.Any) -> JobEntry:
        """From the outcome of one.

        :param name: one of OUTCOMES.
        :param msg: in place of what the outcome says, followed by its warnings either way.
        :param more: fields that no outcome tells.
        """
        job = outcome.job
        if isinstance(outcome, RelaunchOutcome):
            more.update(hosts=outcome.hosts, remaining_hosts=outcome.remaining_hosts)
        else:
            nodes = None if outcome.nodes is None else tuple(str(node["name"]) for node in outcome.nodes)
            more.update(type=WORKFLOW_JOB.type, nodes=nodes, failed_nodes=outcome.failed_nodes)
            more.update(remaining_hosts=outcome.gone_hosts)
        return cls(
            source_job_id=source.id,
            name=source.name,
            outcome=name,
            msg=" ".join((outcome.msg if msg is None else msg, *(outcome.warnings or ()))),
            id=job.id if job else None,
            status=job.status if job else None,
            url=outcome.url,
            **more,
        )

    def result(self) -> Result:
        """It as plain data; what is not known is left out."""
        shown = plain_data({**asdict(self), "failed": self.unsuccessful})
        del shown["broken"]
        return shown

    @property
    def unsuccessful(self) -> bool:
        """Whether it was acted on, and is known not to have come to success."""
        return self.outcome == LOST or self.broken or (self.outcome in ACTED and self.status in _UNSUCCESSFUL)

    @property
    def launch_unknown(self) -> bool:
        """Whether it may have been launched, and nobody knows."""
        return self.outcome == LOST and self.id is None

    @property
    def well(self) -> bool:
        """Whether it was acted on with success, or needed nothing."""
        return self.recovered or (self.status == SUCCESSFUL and not self.unsuccessful)

    @property
    def ended_badly(self) -> bool:
        """Whether a job that was to do its work has not, or may not have."""
        return self.unsuccessful and self.outcome in (*ACTED, LOST)


@dataclass(frozen=True)
class JobsOutcome(Outcome):
    """What has become of many jobs; the fields are keys of the result, where they are documented.

    :param jobs: an entry for each, by number.
    :param updates: updates of projects and inventory sources that failed.
    """

    jobs: tuple[JobEntry, ...] = ()
    updates: tuple[t.Mapping[str, t.Any], ...] = ()

    def result(self) -> Result:
        return dict(super().result(), jobs=[entry.result() for entry in self.jobs], counts=self.counts)

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each outcome, of all, and of those that have recovered or failed again."""
        found = collections.Counter(entry.outcome for entry in self.jobs)
        return {
            "jobs": len(self.jobs),
            "recovered": sum(entry.recovered for entry in self.jobs),
            "failed": sum(entry.unsuccessful for entry in self.jobs),
            **{name: found[name] for name in OUTCOMES},
        }

    @property
    def so_far(self) -> str:
        launched = [entry for entry in self.jobs if entry.outcome == RELAUNCHED]
        underway = [entry.id for entry in launched if entry.status in ACTIVE_STATUSES]
        lost = sum(entry.launch_unknown for entry in self.jobs)
        parts = []
        if underway:
            parts.append(f" Of the jobs that were launched {len(underway)} go on: {join(underway)}.")
        if lost:
            parts.append(f" Of {lost} it is not known whether they were launched.")
        if parts:
            parts.append(" Running the task again is safe: it takes up where this one stopped.")
        return "".join(parts)

    def sentence(self, planned: bool) -> str:
        """All of it in a sentence.

        :param planned: nothing has been done about it yet.
        """
        counts = self.counts
        words = _PLANNED_IN_WORDS if planned else _IN_WORDS
        parts = [f"{counts[name]} {words[name]}" for name in OUTCOMES if counts[name]]
        failed = f", {counts['failed']} not successful" if counts["failed"] else ""
        came_of_it = "" if planned else f"; {counts['recovered']} recovered{failed}"
        return f"{counted(len(self.jobs), 'job')}: {', '.join(parts)}{came_of_it}."
