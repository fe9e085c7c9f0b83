# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the controller how a failed run ended. Private to this collection.

The starts of the run and of its measure take a request each, and mostly that is all; ``end_of_run`` says what else it
has to know. Whoever may read a job may read its events, but not always the groups of its inventory.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cache, cached_property

from .._api.client import ControllerClient
from .._api.errors import if_visible
from .._api.jobs import HostSummary, Job
from .._api.kinds import JOB
from .._api.paging import NAMES_LIMIT, by_names, entries_in, first_entries, page_of
from .end_of_run import End, MissedPlay, RunStarts, decide_end
from .host_patterns import LOCALHOST, HostPattern, PatternHosts, terms
from .starts import (
    FAILURE_EVENTS,
    PASSED_EVENTS,
    RESULT_EVENTS,
    START_EVENTS,
    STATISTICS,
    Batch,
    Failure,
    Failures,
    Started,
)

# Failures that are asked for at once; of more it is the newest that count.
FAILURES_LENGTH = 50
# Results that are read to learn who took part in a batch; five pages.
RESULTS_LIMIT = 1000

# All events of a job are asked for at once where they are no more than this.
FEW_EVENTS = 100
_WHOLE = {"order_by": "counter", "page_size": FEW_EVENTS}
# Statistics take some 180 bytes a host. Where there are more, the failed ones are asked for before a launch.
STATISTICS_LIMIT = 250


class StartsRead(dict[int, Started]):
    """What has been read of jobs that have ended, by their numbers.

    :param of_many: it is read of many jobs in a row, so that what comes along in one answer saves a further one.
    """

    def __init__(self, of_many: bool = False) -> None:
        super().__init__()
        self.of_many = of_many
        #: By template, whether its jobs have no more than FEW_EVENTS, as far as one has shown it.
        self.brief: dict[t.Optional[int], bool] = {}


@dataclass(frozen=True)
class EndOfRun:
    """Where a failed run ended.

    :param stopped: the hosts that did not fail and were stopped, by their names in the run.
    :param never_begun: whether hosts without a summary may never have been begun.
    :param at: the task at which it stopped, for a sentence; empty where it stopped for no host with a summary. If hosts
        were never begun, ``read_place`` tells it.
    :param unknown: why the end cannot be known; then all that could not be proven to have reached it are stopped.
    :param unproven: those of the stopped that have done all that is known to be, but no run shows whether that is all.
    :param broke_off: whether something lies behind the place where it ended, be it for these hosts or for others.
    """

    stopped: frozenset[str]
    never_begun: bool
    at: str = ""
    unknown: str = ""
    unproven: frozenset[str] = frozenset()
    broke_off: bool = False

    @property
    def counted(self) -> frozenset[str]:
        """The hosts that count as stopped: by what some run shows, or where it cannot be known."""
        return self.stopped if self.unknown else self.stopped - self.unproven


def read_end_of_run(
    client: ControllerClient,
    run: Job,
    measure: Job,
    summaries: t.Callable[[], t.Sequence[HostSummary]],
    kept: StartsRead,
) -> EndOfRun:
    """For which hosts a failed run stopped before its end.

    :param run: it ended ``failed``, and its events are processed.
    :param measure: of the runs of the same work the newest successful one, else the one that started most, which may
        be the run itself.
    :param summaries: brings those of all hosts of the run, where they are needed.
    :param kept: starts that were read before, to which are added those that are read now.
    :raises ControllerError: the controller could not be asked. What this user may not read is no error, but unknown.
    """
    reader = _Reader(client, run, summaries, kept)
    end = if_visible(lambda: reader.read(measure), [403])
    if end is None:
        return EndOfRun(reader.survivors, never_begun=True, unknown="its events may not be read", broke_off=True)
    return end


def read_started(client: ControllerClient, job: Job, kept: StartsRead) -> Started:
    """All that a job started.

    :param kept: as of ``read_end_of_run``.
    :raises ControllerError: it could not be read.
    """
    if job.id not in kept:
        events = client.results(JOB.at(job.id, "job_events"), **_starts_query(job, kept))
        kept[job.id] = Started.of(events, job.limit_names)
    return kept[job.id]


def _starts_query(job: Job, kept: StartsRead) -> dict[str, t.Any]:
    hosts = job.inventory_hosts
    with_statistics = kept.of_many and hosts is not None and hosts <= STATISTICS_LIMIT
    wanted = (*START_EVENTS, STATISTICS) if with_statistics else START_EVENTS
    return {"event__in": ",".join(wanted), "order_by": "counter"}


def read_ahead(client: ControllerClient, ended: t.Iterable[tuple[Job, Job]], kept: StartsRead) -> None:
    """Have what the verdicts on successful jobs ask for read side by side.

    :param ended: the jobs, each with its source.
    :param kept: as of ``read_end_of_run``.
    """
    reads: dict[int, dict[str, t.Any]] = {}
    brief = dict(kept.brief)
    for job, source in ended:
        # Of a template whose jobs may have many events, one shows it.
        if job.id not in kept and brief.setdefault(job.template, True):
            reads[job.id] = _WHOLE
            brief[job.template] = kept.brief.get(job.template, False)
        # Whoever waits for events that are not in yet must not have an answer of before.
        if source.id not in kept and source.events_processed:
            reads[source.id] = page_of(_starts_query(source, kept))
    client.read_ahead((JOB.at(number, "job_events"), query) for number, query in reads.items())


def read_whole(client: ControllerClient, job: Job, kept: StartsRead) -> bool:
    """Read all that a job started by asking for all of its events at once, where that is worth it.

    They are numbered from 1 on, so that they tell themselves whether all up to the statistics are in, which takes the
    job's detail else (recorded: end-of-play-plain-starts, get-events-stats).

    :param kept: as of ``read_end_of_run``.
    :returns: whether they are; they may also be many, not all in, or not for this user to read.
    :raises ControllerError: the controller could not be asked.
    """
    if job.id in kept:
        return kept[job.id].hosts is not None
    if not kept.of_many or not kept.brief.get(job.template, True):
        return False
    path = JOB.at(job.id, "job_events")
    answer = if_visible(lambda: client.get(path, **_WHOLE), [403])
    if answer is None:
        return False
    events = entries_in(answer, path)
    kept.brief[job.template] = not answer.get("next")
    if answer.get("next") or [event.get("counter") for event in events] != list(range(1, len(events) + 1)):
        return False
    wanted = (event for event in events if event.get("event") in (*START_EVENTS, STATISTICS))
    started = Started.of(wanted, job.limit_names)
    if started.hosts is None:
        return False
    kept[job.id] = started
    return True


def read_place(client: ControllerClient, run: Job, kept: StartsRead) -> str:
    """The task of a run's last failure, for a sentence; one request where its starts have been read before.

    :returns: empty where this user may not read its events.
    :raises ControllerError: the controller could not be asked.
    """
    reader = _Reader(client, run, tuple, kept)
    return if_visible(reader.place, [403]) or ""


class _Reader:
    def __init__(
        self, client: ControllerClient, run: Job, summaries: t.Callable[[], t.Sequence[HostSummary]], kept: StartsRead
    ) -> None:
        self._client = client
        self._run = run
        self._summaries = summaries
        self._events = JOB.at(run.id, "job_events")
        self._kept = kept
        self._left_to_read = RESULTS_LIMIT

    @cached_property
    def survivors(self) -> frozenset[str]:
        return frozenset(summary.name_then for summary in self._summaries() if not summary.failed)

    def _failed_hosts(self) -> frozenset[str]:
        return frozenset(summary.name_then for summary in self._summaries() if summary.failed)

    def read(self, measure: Job) -> EndOfRun:
        changed = edited(self._run, measure)
        started = self._started(self._run)
        other = started if changed else self._started(measure)
        complete, none_has = measure.successful and not changed, cache(self._none_has)
        asked = self._failed_hosts, lambda: self._failures, none_has, cache(self._several_passed)
        end = decide_end(RunStarts(started, other, complete, *asked))
        stopped = self._stopped(end)
        return EndOfRun(
            stopped=self.survivors if end.unproven else stopped,
            never_begun=end.never_begun,
            at=_place(started, self._failures, end) if stopped or end.unproven else "",
            unknown="the playbook has changed since" if changed and (stopped or end.unproven) else "",
            unproven=self.survivors - stopped if end.unproven else frozenset(),
            broke_off=end.broke_off,
        )

    def place(self) -> str:
        return _place(self._started(self._run), self._failures, End())

    def _started(self, job: Job) -> Started:
        return read_started(self._client, job, self._kept)

    def _none_has(self, task_uuid: str, hosts: frozenset[str]) -> bool:
        """Whether none of some hosts has a result of a task."""
        return not any(
            first_entries(self._client.get, self._events, parent_uuid=task_uuid, page_size=1, **some)
            for some in by_names("host_name", hosts)
        )

    def _several_passed(self, task_uuid: str, batch: Batch) -> bool:
        """Whether more than one host has passed a task in a batch."""
        query = {"event__in": ",".join(PASSED_EVENTS), "parent_uuid": task_uuid, **range_of(batch)}
        return len(first_entries(self._client.get, self._events, **query, page_size=2)) > 1

    @cached_property
    def _failures(self) -> Failures:
        """The newest real failures: an ignored one has ``failed`` false (recorded: get-events-failed)."""
        query = {"event__in": ",".join(FAILURE_EVENTS), "failed": "true", "order_by": "-counter"}
        answer = self._client.get(self._events, **query, page_size=FAILURES_LENGTH)
        newest = tuple(map(Failure.of, entries_in(answer, self._events)))
        # A failed run without a failure that can be seen may have stopped anywhere.
        return Failures(newest, whole=bool(newest) and not answer.get("next"))

    def _stopped(self, end: End) -> frozenset[str]:
        if end.everyone:
            return self.survivors
        if not (end.stopped or end.passed or end.unhandled or end.missed):
            return frozenset()
        stopped = self._took_part(end.stopped, self.survivors)
        changed = {summary.name_then for summary in self._summaries() if summary.changed}
        stopped |= self._took_part(end.unhandled, (self.survivors & changed) - stopped)
        for task in end.passed:
            found = self._in_results({"parent_uuid": task.uuid}, self.survivors - stopped)
            stopped = stopped | found if self._left_to_read > 0 else self.survivors
        for missed in end.missed:
            stopped |= self._missing(missed, self.survivors - stopped)
        return stopped

    def _took_part(self, batches: t.Sequence[Batch], hosts: frozenset[str]) -> frozenset[str]:
        """Those of the hosts that took part in one of these batches, and those of whom it could not be read."""
        found: frozenset[str] = frozenset()
        for batch in batches:
            if len(self._kept[self._run.id].batches) == 1:
                return hosts
            found |= self._in_results(range_of(batch), hosts - found)
            if self._left_to_read <= 0:
                return hosts
        return found

    def _missing(self, missed: MissedPlay, hosts: frozenset[str]) -> frozenset[str]:
        """Those of the hosts that a play is meant for, and that took no part in it."""
        for batch in missed.batches:
            hosts -= self._in_results(range_of(batch), hosts)
        return self._meant(missed, hosts) if hosts else hosts

    def _in_results(self, query: t.Mapping[str, t.Any], hosts: frozenset[str]) -> frozenset[str]:
        """Those of the hosts that have one of these results; read until all are found, or too many were read."""
        found: set[str] = set()
        if not hosts or self._left_to_read <= 0:
            return frozenset()
        names = by_names("host_name", hosts)
        some = names[0] if len(names) == 1 else {}
        asked = {"event__in": ",".join(RESULT_EVENTS), "order_by": "counter", **some, **query}
        for event in self._client.results(self._events, **asked):
            if event.get("host_name") in hosts:
                found.add(str(event["host_name"]))
            self._left_to_read -= 1
            if len(found) == len(hosts) or self._left_to_read <= 0:
                break
        return frozenset(found)

    def _meant(self, missed: MissedPlay, hosts: frozenset[str]) -> frozenset[str]:
        """Those of the hosts that a play is meant for, or may be."""
        pattern = HostPattern.of(missed.pattern)
        # Where it is not in the inventory, nothing means localhost but its name.
        without_row = frozenset(summary.name_then for summary in self._summaries() if summary.host is None)
        hosts -= (without_row & LOCALHOST) - terms(missed.pattern)
        # A group that is not in the inventory, and for which no run has started anything, has no hosts.
        known = self.survivors | self._failed_hosts() if missed.for_somebody else pattern.every
        inventory = PatternHosts(self._client, self._run.inventory, NAMES_LIMIT, known)
        found = if_visible(lambda: inventory.among(hosts, pattern))
        return hosts if found is None else found.perhaps


def range_of(batch: Batch) -> dict[str, int]:
    """A query for the events of a batch."""
    until = {} if batch.end is None else {"counter__lt": batch.end}
    return {"counter__gt": batch.play.counter, **until}


def edited(run: Job, measure: Job) -> bool:
    """Whether they ran two versions of the project, or two playbooks of it: their template was given another one."""
    revisions = {run.revision, measure.revision} - {""}
    return len(revisions) > 1 or run.facts.get("playbook") != measure.facts.get("playbook")


def _place(run: Started, failures: Failures, end: End) -> str:
    """The task of the last failure, of the last batch that was stopped where there is one."""
    newest, batches = failures.newest, (*end.stopped, *end.unhandled)
    here = [failure for failure in newest if any(batch.holds(failure.counter) for batch in batches)]
    for failure in (*here[:1], *newest[:1]):
        task = run.task(failure.task_uuid)
        if task:
            return f'task "{task[1].name}" of play "{task[0].name}"'
    return f'play "{run.plays[-1].name}"' if run.plays else ""
