# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where failed runs ended, measured by the others of the same work. Private to this collection."""

from __future__ import annotations

import functools
import itertools
import typing as t
from dataclasses import replace
from datetime import timedelta

from .._api.client import ControllerClient
from .._api.errors import if_visible
from .._api.jobs import CANCELED, HostSummary, Job
from .._api.kinds import JOB
from .._api.paging import NAMES_LIMIT
from .end_of_run_reader import EndOfRun, StartsRead, edited, range_of, read_end_of_run, read_started
from .ledger import ended
from .never_begun import NO_INVENTORY, NOT_READABLE, OF_SLICE, NeverBegun
from .runs import Run
from .starts import RESULT_EVENTS, Batch, Started

# By which runs the end of another one is measured at most, so that a long history costs no more than a short one.
MEASURES = 2
# So many older successful ones are read where these have started nothing in a play in which the run has.
OLDER_MEASURES = 5
# So long after the end of a job, and of its summaries, its last events may not be in yet; mostly it takes a second.
EVENTS_LATE_FOR = timedelta(minutes=1)


class RunEnds:
    """Asks where failed runs of a work ended, each by the others.

    :param client: the controller.
    :param summaries: brings what became of the hosts of a job.
    :param starts: by job, the plays and tasks that it has started; it grows.
    :param events_in: waits until the events of a job that has ended are in.
    """

    def __init__(
        self,
        client: ControllerClient,
        summaries: t.Callable[[Job], t.Sequence[HostSummary]],
        starts: StartsRead,
        events_in: t.Callable[[Job], Job],
    ) -> None:
        self._client = client
        self._summaries = summaries
        self._starts = starts
        self._events_in = events_in
        self._ends: dict[tuple[int, tuple[int, ...]], EndOfRun] = {}

    def with_stopped(self, run: Run, runs: t.Sequence[Run]) -> Run:
        """A run with the hosts for which it stopped early, where that is asked: it failed, and its hosts are known.

        :param runs: all of the same work.
        :raises ControllerError: it could not be read.
        """
        if run.stopped is not None or run.job.successful or not run.summaries:
            return run
        end = self.end(run.job, self.measures(run.job, [other for other in runs if other.job.id != run.job.id]))
        return replace(run, stopped=end.counted, unproven=end.stopped - end.counted)

    def end(self, run: Job, measures: t.Sequence[Job]) -> EndOfRun:
        """The end of a run.

        :param measures: of it.
        """
        key = run.id, tuple(job.id for job in measures)
        if key not in self._ends:
            summaries = functools.partial(self._summaries, run)
            self._settle(run)
            found = [read_end_of_run(self._client, run, one, summaries, self._starts) for one in measures]
            self._ends[key] = _by_all(found)
        return self._ends[key]

    def measures(self, run: Job, others: t.Iterable[Run]) -> list[Job]:
        """By which jobs the end of a run is measured: the newest successful ones, else the failed ones that started
        more, else itself.

        One that was successful on no host has started nothing, and measures nothing. Of those that failed there may be
        several: one has got further, and another one into a rescue. They count where no success shows a play of the
        run.
        """
        order = sorted((other.job for other in others if may_have_results(other)), key=ended, reverse=True)
        measures, left = self._successful(run, order)
        if measures and not left:
            return measures
        failed = [job for job in order if not (job.successful or edited(job, run))]
        # The oldest is mostly the source, which others seldom get further than.
        failed[MEASURES:-1] = []
        own = self.started(run)
        return [*measures, *(job for job in failed if self.started(job).beyond(own))] or [run]

    def _successful(self, run: Job, order: t.Iterable[Job]) -> tuple[list[Job], frozenset[int]]:
        """The newest successful ones, and older ones that show a play of the run which these began for none of their
        hosts; and the places of the plays that none of them shows.
        """
        showing = (job for job in order if job.successful and self.started(job).plays)
        found = list(itertools.islice(showing, MEASURES))
        left = self._in_plays(run).difference(*map(self._in_plays, found))
        for job in itertools.islice(showing, OLDER_MEASURES if left else 0):
            if left & self._in_plays(job):
                found.append(job)
                left -= self._in_plays(job)
            if not left:
                break
        return found, left

    def _in_plays(self, job: Job) -> frozenset[int]:
        """The places of the plays in which a job started tasks."""
        started = self.started(job)
        plays = enumerate(started.plays)
        return frozenset(number for number, play in plays if any(batch.tasks for batch in started.batches_of(play)))

    def begun_by_nobody(self, run: Job, measures: t.Iterable[Job]) -> set[str]:
        """The patterns of plays that a run never began, and that its measures began for no host; where these added
        hosts, also of those that it began for none itself.
        """
        own, others = self.started(run), [self.started(job) for job in measures]
        # The play of hosts that are added begins for nobody where they were not, or where they are in no limit.
        adds_hosts = any(start.adds_hosts for other in others for batch in other.batches for start in batch.starts)
        first = 0 if adds_hosts else len(own.plays)
        plays = [(play.pattern, one.batches_of(play)) for one in (own, *others) for play in one.plays[first:]]
        by_somebody = {pattern for pattern, batches in plays if any(batch.starts for batch in batches)}
        return {pattern for pattern, _batches in plays} - by_somebody

    def patterns(self, run: Job, measures: t.Iterable[Job]) -> set[str]:
        """The patterns of the plays that a run began, and of those that its measures began behind them.

        One in which it started nothing, and behind which it went on, had no hosts.
        """
        own = self.started(run)
        begun = [play for play in own.plays[:-1] if any(batch.starts for batch in own.batches_of(play))]
        begun.extend(own.plays[-1:])
        behind = [play for job in measures for play in self.started(job).plays[len(own.plays) :]]
        return {play.pattern for play in (*begun, *behind)}

    def may_have_left(self, run: Job, measures: t.Iterable[Job], begun: NeverBegun) -> bool:
        """Whether a run that began no further play may have left out batches of its last one.

        :param begun: why it is unknown for whom these would have been.
        """
        if begun.unknown in (NO_INVENTORY, OF_SLICE):
            return False
        own = self.started(run)
        number = max(0, len(own.plays) - 1)
        for started in (own, *map(self.started, measures)):
            if any(len(started.batches_of(play)) > 1 for play in started.plays[number : number + 1]):
                return True
        return begun.unknown != NOT_READABLE and not self._one_survived(run, own.batches[-1])

    def _one_survived(self, job: Job, batch: Batch) -> bool:
        """Whether a host that did not fail has a result in a batch which was not ended for it."""
        hosts = sorted(one.name_then for one in self._summaries(job) if not one.failed)[:NAMES_LIMIT]
        if not hosts or batch.none_remain:
            return False
        query = {"event__in": ",".join(RESULT_EVENTS), "host_name__in": ",".join(hosts), **range_of(batch)}
        return bool(self._client.get(JOB.at(job.id, "job_events"), **query, page_size=1).get("count"))

    def one_ran_on_all(self, measures: t.Iterable[Job]) -> bool:
        """Whether one of some measures ran on as many hosts as the inventory has.

        Where only the names in its limit are known, these are taken for hosts of the inventory.
        """
        for job in measures:
            rows = self._summaries(job)
            number = sum(one.host is not None for one in rows) or len(rows)
            if job.inventory_hosts is not None and number >= job.inventory_hosts:
                return True
        return False

    def started(self, job: Job) -> Started:
        """What a job started; nothing where this user may not read that, which ``read_end_of_run`` tells."""
        self._settle(job)
        return if_visible(lambda: read_started(self._client, job, self._starts), [403]) or Started()

    def _settle(self, job: Job) -> None:
        """Have the events of a job that has just ended in before they are read, which is once.

        Without its last ones it would seem to have started less than it did.
        """
        if job.id not in self._starts and abs(self._client.now() - job.finished) < EVENTS_LATE_FOR:
            self._events_in(job)


def may_have_results(run: Run) -> bool:
    """Whether a run may have brought results: one that was canceled has no statistics (recorded: never-began-not-*)."""
    return not run.job.active and run.job.began and run.job.status != CANCELED


def _by_all(ends: t.Sequence[EndOfRun]) -> EndOfRun:
    """The end by all measures: who was stopped by one of them was, and unproven is what none of them shows."""
    if len(ends) == 1:
        return ends[0]
    first = next((one for one in ends if one.counted), ends[0])
    counted = frozenset[str]().union(*(one.counted for one in ends))
    unproven = frozenset.intersection(*(one.unproven for one in ends)) - counted
    return replace(
        first,
        stopped=counted | unproven,
        unproven=unproven,
        never_begun=any(one.never_begun for one in ends),
        broke_off=any(one.broke_off for one in ends),
    )
