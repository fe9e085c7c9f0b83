# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking for the ledger of a job's work, for as little as the decision needs. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial

from .._api import jobs as _jobs
from .._api.client import ControllerClient
from .._api.errors import if_visible
from .._api.jobs import HostSummary, Job, parse_time
from .end_of_run_reader import EndOfRun, StartsRead, read_place
from .host_patterns import HostPattern, PatternHosts, terms
from .host_reach import NAMES_AT_ONCE, HostReach
from .ledger import (
    HostRecord,
    Ledger,
    OtherHost,
    Reach,
    StoppedEarly,
    done_by,
    done_in,
    ended,
    host_records,
    other_hosts,
    stopped_records,
    without_tried,
)
from .never_begun import MADE, InventoryHosts, NeverBegun, may_be_made, read_left_out, read_never_begun
from .run_ends import RunEnds, may_have_results
from .runs import Hosts, Run, same_limit
from .same_work import SameWork
from .starts import Started

# So many runs with limits of their own are asked for their hosts, before the inventory is asked what these limits mean.
LIMITED_RUNS = 5
NEVER = datetime.max.replace(tzinfo=timezone.utc)
# Why it cannot be known who was stopped.
NOT_SHOWN = "no run shows whether anything lies behind the task that failed"


@dataclass
class JobsRead:
    """What has been read of jobs that have ended, for a task that looks again and again. It stays as it is, but for
    which of their hosts are in the inventory still, and how they are called there.

    :param summaries: by job, all of its host summaries.
    :param failed: by job, those of failed hosts, where only they were asked for.
    :param starts: by job, the plays and tasks that it has started.
    :param details: by job, its detail when its events were in, or would not come any more.
    :param inventories: their hosts, where many jobs are asked about.
    :param since: by inventory and name in a limit, since when it has a host of this name, and no group.
    :param never_begun: by job, the hosts that it never began on, where all of them were asked for.
    """

    summaries: dict[int, tuple[HostSummary, ...]] = field(default_factory=dict)
    failed: dict[int, tuple[HostSummary, ...]] = field(default_factory=dict)
    starts: StartsRead = field(default_factory=StartsRead)
    details: dict[int, Job] = field(default_factory=dict)
    inventories: t.Optional[InventoryHosts] = None
    since: dict[int, dict[str, datetime]] = field(default_factory=dict)
    never_begun: dict[int, set[str]] = field(default_factory=dict)

    @classmethod
    def of_many(cls, client: ControllerClient, inventories: t.Mapping[int, int]) -> JobsRead:
        """For many jobs, of which what is read for one is of use for others.

        :param inventories: theirs, as of ``InventoryHosts``.
        """
        return cls(starts=StartsRead(of_many=True), inventories=InventoryHosts(client, inventories))

    def forget_hosts(self, numbers: t.Iterable[int]) -> None:
        """Have the hosts of some jobs asked for again, since the inventory may have changed in the meantime."""
        for number in numbers:
            self.summaries.pop(number, None)
            self.failed.pop(number, None)

    def forget_what_changed(self, client: ControllerClient, numbers: t.Iterable[int], every: bool) -> None:
        """Have all asked for again of jobs whose events were not in and are now; and the hosts of all jobs, if those of
        some jobs are in the inventory in another way by now.

        :param numbers: of these.
        :param every: all of their hosts matter; else the failed ones.
        :raises ControllerError: they could not be read.
        """
        for number in [number for number, job in self.details.items() if not job.events_processed]:
            detail = if_visible(partial(_jobs.get, client, number))
            if detail is None or detail.events_processed:
                for read in (self.details, self.summaries, self.failed, self.starts):
                    read.pop(number, None)
        for number in numbers:
            of_all = every and number in self.summaries
            known = {one for one in self.summaries.get(number, self.failed.get(number, ())) if of_all or one.failed}
            now = if_visible(partial(_jobs.host_summaries, client, number, failed=not of_all)) if known else []
            # One that was deleted, or is not shown any more, tells nothing new: whoever needs it asks for it.
            if known != (None if now is None else set(now)):
                self.forget_hosts([*self.summaries, *self.failed])
                return


class SummariesReader:
    """What became of the hosts of jobs, each asked about once.

    :param client: the controller.
    :param events_in: waits until the events of a job that has ended are in; returns it as it is then.
    :param source: the job, in detail; it has ended.
    :param same_work: compares others with it.
    :param whole: only runs with the source's own limit matter.
    :param read: what has been read before.
    :param tried: the jobs that this task has launched for the same work before; they may grow.
    :param with_hosts: the failed hosts are to be told all the same.
    :param inventory_now: brings the inventory that a launch would have by now; None where it is not told.
    """

    def __init__(
        self,
        client: ControllerClient,
        events_in: t.Callable[[Job], Job],
        source: Job,
        same_work: SameWork,
        whole: bool,
        read: JobsRead,
        tried: t.Collection[int] = (),
        with_hosts: bool = False,
        inventory_now: t.Callable[[], t.Optional[int]] = lambda: None,
    ) -> None:
        self._client = client
        self._events_in = events_in
        self._source = source
        self._same_work = same_work
        self._whole = whole
        self._read = read
        self._tried = tried
        self._reads_hosts = with_hosts or not whole
        #: Tells on which hosts a job would run now.
        self.reach = HostReach(client, source, inventory_now)
        self._ends = RunEnds(client, self.summaries, read.starts, events_in)

    def summaries(self, job: Job) -> tuple[HostSummary, ...]:
        """What became of the hosts of a job that has ended, as soon as the controller knows.

        :raises ControllerError: it could not be read.
        """
        if job.id in self._read.summaries:
            return self._read.summaries[job.id]
        found = _jobs.host_summaries(self._client, job.id)
        if not (found or job.never_began or job.events_processed):
            # Either it has just ended and its hosts are not in yet, or there will never be any.
            self._events_in(_jobs.get(self._client, job.id))
            found = _jobs.host_summaries(self._client, job.id)
        self._read.summaries[job.id] = tuple(found)
        return self._read.summaries[job.id]

    def failed_summaries(self, job: Job) -> tuple[HostSummary, ...]:
        """Those of the hosts that failed in a job that has ended.

        :raises ControllerError: they could not be read.
        """
        if job.id in self._read.summaries:
            return tuple(one for one in self._read.summaries[job.id] if one.failed)
        if job.id not in self._read.failed:
            found: t.Sequence[HostSummary] = ()
            if not job.never_began:
                job = self._events_in(job)
                found = _jobs.host_summaries(self._client, job.id, failed=True)
            self._read.failed[job.id] = tuple(found)
        return self._read.failed[job.id]

    def forget_hosts(self, ledger: Ledger) -> None:
        """Have the hosts of a work's runs asked for again: see ``JobsRead.forget_hosts``."""
        self._read.forget_hosts((ledger.source.id, *(run.job.id for run in ledger.runs)))

    def with_disabled(self, ledger: Ledger) -> Ledger:
        """The ledger, in which the failed hosts that are disabled by now are so, also where no run has left them out.

        :raises ControllerError: it could not be read.
        """
        return replace(ledger, hosts=self.reach.with_disabled(ledger.hosts)) if ledger.hosts else ledger

    def lost_hosts(self) -> tuple[HostRecord, ...]:
        """The source's failed hosts that have lost their row in the inventory.

        :raises ControllerError: they could not be read.
        """
        records = host_records(Run(self._source, whole=True, summaries=self.failed_summaries(self._source)), ())
        return tuple(one for one in self.reach.of(records) if not one.has_row)

    def in_other_slices(self, job: Job) -> tuple[HostRecord, ...]:
        """The source's hosts on which a job of the same slice did not run: which hosts that has changes with its
        inventory. Those that are disabled or gone by now are in none.

        :raises ControllerError: they could not be read.
        """
        if not self._source.sliced:
            return ()
        then, now = map(self._whole_run, (self._source, job))
        missing = [one.name_then for one in _left_out(now, then)]
        records = self.reach.of_stopped(stopped_records(self._source.inventory, then, missing, (), ()))
        return tuple(one for one in records if one.reach is Reach.RELAUNCH)

    def _may_share_hosts(self, job: Job) -> bool:
        """Whether an active job may run on hosts that the source ran on; both may be limited to others."""
        if not self._source.limit_names or same_limit(self._source, job):
            return True
        source = self._whole_run(self._source)
        names = [one.name_then for one in source.summaries or ()]
        records = stopped_records(self._source.inventory, source, names, (), ())
        run = self.reach.with_limit(Run(job), records)
        return not records or any(run.runs_on(one.names) is not False for one in records)

    def _of_other_hosts(self, runs: t.Sequence[Run]) -> set[int]:
        """Those of some runs that were surely limited to other hosts than the source, where it costs less to ask what
        their limits mean than to ask for the hosts of each.
        """
        source, limit = self._source, self._source.limit_names
        runs = [run for run in runs if run.job.inventory == source.inventory and not run.job.limit_names <= limit]
        runs = [run for run in runs if run.job.id not in self._read.summaries]
        if source.inventory is None or source.in_constructed_inventory or not limit:
            return set()
        since = self._read.since.setdefault(source.inventory, {})
        new = frozenset[str]().union(*(terms(str(run.job.facts["limit"])) for run in runs)).difference(since)
        if len(runs) <= LIMITED_RUNS + 2 * len(new) // NAMES_AT_ONCE or not _ran_as_limited(self._whole_run(source)):
            return set()
        since.update({**dict.fromkeys(new, NEVER), **self.reach.since(source.inventory, new)})
        return {run.job.id for run in runs if _elsewhere(run, source, since)}

    def _asked_for(self, records: t.Sequence[HostRecord], runs: t.Sequence[Run]) -> tuple[HostRecord, ...]:
        """Some hosts without those that the source was not asked for: others run the same work by limits of their own.

        :param runs: those in which they failed, but for the source.
        """
        of_others = {run.job.id for run in runs if not run.whole}
        source = Run(self._source, no_groups=frozenset[str]().union(*(one.names for one in records)))
        held = {
            one.key: source.runs_on(one.names)
            for one in records
            if of_others.issuperset(job.id for job in one.failed_in)
        }
        open_ones = [one for one in records if held.get(one.key, True) is None]
        if open_ones:
            # Who is in the source's own statistics was asked for, whatever its limit means by now.
            whole = self._whole_run(self._source)
            ran = set(Hosts(self._source.inventory, [whole, *runs]).keys(whole).values())
            open_ones = [one for one in open_ones if one.key not in ran]
            names = self._in_limit(frozenset[str]().union(*(one.names for one in open_ones)), source.no_groups)
            held.update((one.key, bool(names & one.names)) for one in open_ones)
        return tuple(one for one in records if held.get(one.key) is not False)

    def _in_limit(self, hosts: frozenset[str], known: frozenset[str]) -> frozenset[str]:
        """Those of some hosts that are surely in the source's limit, which may name groups.

        :param known: names of hosts that may be gone by now.
        """
        limit = HostPattern.of(str(self._source.facts["limit"]))
        asked = PatternHosts(self._client, self._source.inventory, known=known)
        found = if_visible(lambda: asked.among(hosts, limit))
        return frozenset() if found is None else found.surely

    def _whole_run(self, job: Job) -> Run:
        return Run(job, whole=True, summaries=self.summaries(job))

    def assume_done(self, job: Job, of_source: bool) -> None:
        """Know by its limit on whom a job was successful, where its counts tell that all of these hosts have run.

        :param of_source: it is a relaunch of the source on failed hosts.
        :raises ControllerError: which hosts failed in the source could not be read.
        """
        if not _ran_on_limit(job, self._read.starts.get(job.id)):
            return
        known = self._source.id in self._read.summaries or self._source.id in self._read.failed
        if of_source and not known and self._failed_on_no_others(job.limit_names):
            failed = tuple(HostSummary(None, name, name, failed=True) for name in job.limit_names)
            self._read.failed[self._source.id] = failed
        done = tuple(HostSummary(None, name, name, failed=False) for name in job.limit_names)
        self._read.summaries.setdefault(job.id, done)

    def _failed_on_no_others(self, limit: frozenset[str]) -> bool:
        """Whether the limit of a relaunch surely names all failed hosts of the source.

        Without a word it leaves out those that have lost their row in the inventory.
        """
        counted = self._source.failures_counted
        if counted is not None:
            return counted <= len(limit)
        # A list tells no counts, and whether the source ended early is asked for next anyway.
        failed = self._ends.started(self._source).failed
        return failed is not None and failed <= limit


class WholeSuccessReader(SummariesReader):
    """Whether a success on all hosts has done the work; see ``SummariesReader``."""

    def _with_summaries(self, run: Run) -> Run:
        if run.summaries is not None or not may_have_results(run):
            return run
        return replace(run, summaries=self.summaries(run.job))

    def with_whole_success(self, ledger: Ledger, base: Job, by_names: bool) -> Ledger:
        """The ledger with whether its success on all hosts left out hosts that can run now, and so not done.

        That is asked only where it ran on fewer hosts than the base, or than its inventory has: hosts were disabled
        then, or deleted since, and others may have run in their place. Another run may have done them.

        :param base: the job whose hosts are asked about. Of one that tells no number it is that of its inventory.
        :param by_names: where it cannot be known, the hosts of the base can be asked about one by one.
        :raises ControllerError: something could not be read.
        """
        success = ledger.whole_success
        inventories = self._read.inventories
        if success is None or (inventories is not None and inventories.unchanged_since(success)):
            return ledger
        job, ran = self._hosts_in(success)
        runs = tuple(replace(run, job=job) if run.job.id == job.id else run for run in ledger.runs)
        ledger = replace(ledger, runs=runs)
        if inventories is not None and not base.never_began:
            # A list tells no counts, and of an inventory there may be hosts that are no part of the work.
            self.summaries(base)
        meant = base.hosts_counted or len(self._read.summaries.get(base.id, ())) or base.inventory_hosts
        as_many = meant is not None and bool(ran) and ran >= meant
        if as_many and ran >= (job.inventory_hosts or 0):
            return ledger
        left_out = self._by_inventory(ledger, base, job, ran)
        if left_out is None:
            ledger, left_out = self._by_results(ledger, base, job, by_names)
            left_out = not ran or left_out
        if not (left_out or as_many) and (self._by_old_names(ledger, base, job) or self._come_back(ledger, base, job)):
            left_out = True
        # Of hosts that it left out on purpose, or that are none of the work's, there is nothing to say.
        return replace(ledger, whole_left_out=left_out or (None if as_many else left_out))

    def _by_inventory(self, ledger: Ledger, base: Job, success: Job, ran: int) -> t.Optional[bool]:
        """Whether a success left out hosts that it was meant for, and that can run now: enabled, and changed since.

        :param ran: on how many hosts it ran. Where there was none, hosts need not have changed.
        :returns: None where the inventory does not tell.
        """
        rows = read_left_out(self._client, success, changed=ran > 0)
        if rows is None:
            return None
        then = parse_time(success.took_hosts)
        before = {str(row.get("name")) for row in rows if parse_time(row.get("created")) < then}
        added = {str(row.get("name")) for row in rows} - before
        again = self._added_again(base, success, added) if added else added
        if again and self._undone(ledger, base, success, again):
            return True
        if not before:
            return False
        patterns = {play.pattern for play in self._ends.started(success).plays}
        meant = read_never_begun(self._client, success, patterns, partial(self.summaries, success))
        missed = before.intersection(meant.hosts)
        if missed and self._undone(ledger, base, success, missed):
            return True
        return None if meant.more or meant.unknown else False

    def _added_again(self, base: Job, success: Job, names: set[str]) -> set[str]:
        """Those of some names that are those of hosts which have a result in the base, and none in the success."""
        if not any(one.name in names for one in self.summaries(base)):
            return set()
        return names.intersection(one.name for one in _left_out(*map(self._whole_run, (success, base))))

    def _undone(self, ledger: Ledger, base: Job, success: Job, names: set[str]) -> set[str]:
        """Those of some hosts that a success left out, by their names of now, that no run has done."""
        others = [run for run in ledger.runs if run.job.id != success.id]
        if base.id == self._source.id and not self._same_work.changed:
            others.append(Run(base, whole=True, only_checked=self._same_work.only_checked(base)))
        read = [self._with_summaries(run) for run in others]
        runs = [self._ends.with_stopped(run, [*read, Run(success, whole=True)]).proven for run in read]
        # None of these has a result in the success, in which others may have had their names.
        found = done_in(self._source.inventory, Run(success, whole=True), names, runs)
        return {name for name, job in found.items() if job is None}

    def _by_old_names(self, ledger: Ledger, base: Job, success: Job) -> bool:
        """Whether the limit of a success names hosts of the base as they were called then, which can run now.

        With ``hosts: all`` that does not matter: another run on all hosts would have the same limit.
        """
        limit = success.limit_names
        if self._whole or not limit:
            return False
        then, left = self._whole_run(base), _left_out(self._whole_run(success), self._whole_run(base))
        names = [one.name_then for one in left if one.name_then in limit and one.name not in limit]
        renamed = self.reach.enabled(stopped_records(self._source.inventory, then, names, (), ())) if names else None
        return bool(renamed and self._undone(ledger, base, success, {one.name for one in renamed}))

    def _come_back(self, ledger: Ledger, base: Job, success: Job) -> bool:
        """Whether the next launch has hosts of the base, in a constructed inventory, that a success left out."""
        if not base.in_constructed_inventory:
            return False
        ran, then = map(self._whole_run, (success, base))
        names = [one.name_then for one in _left_out(ran, then)]
        records = self.reach.of_stopped(stopped_records(self._source.inventory, then, names, (ran,), ()))
        back = {one.name for one in records if one.reach is Reach.RELAUNCH}
        return bool(back and self._undone(ledger, base, success, back))

    def _by_results(self, ledger: Ledger, base: Job, success: Job, by_names: bool) -> tuple[Ledger, t.Optional[bool]]:
        """Whether a success left out hosts that can run now, as far as the results of the base tell; None where they do
        not: then the ledger has the failed hosts of the base that it left out, where nobody else asks about them, and
        no other run has done them.
        """
        left = _left_out(*map(self._whole_run, (success, base)))
        if by_names:
            # By names it is asked whom the base stopped for. Who was deleted another success would leave out too.
            return ledger, any(not one.failed and one.host is not None for one in left) or None
        names = {one.name for one in left if one.failed}
        undone = self._undone(ledger, base, success, names) if names else names
        failed = Run(base, whole=True, summaries=tuple(one for one in left if one.failed and one.name in undone))
        records = self.reach.of(host_records(failed, (self._whole_run(success),)))
        can_run = any(one.reach in (Reach.RELAUNCH, Reach.AGAIN) for one in records)
        alone = bool(records) and not (can_run or ledger.hosts)
        return (replace(ledger, hosts=records) if alone else ledger), can_run or None

    def _hosts_in(self, job: Job) -> tuple[Job, int]:
        """On how many hosts a job ran that has ended; and it, in detail where that had to be asked for."""
        started = self._read.starts.get(job.id)
        found = self._read.summaries.get(job.id) or (started.hosts if started is not None else None)
        if found:
            return job, len(found)
        job = self._events_in(job)
        return job, job.hosts_counted or 0

    def _other_hosts(self, base: Run, others: t.Sequence[Run]) -> list[OtherHost]:
        base = replace(base, summaries=self.summaries(base.job))
        return other_hosts(base, [self._with_summaries(other) for other in others])


class LedgerReader(WholeSuccessReader):
    """What has become of a job's work; see ``SummariesReader``."""

    def ledger(self, later: t.Sequence[Job], hosts_needed: bool, runs_count: bool = True) -> Ledger:
        """As it is now.

        :param later: the newer jobs of the source's template, as a list or their detail shows them.
        :param hosts_needed: the failed hosts matter even where there is no run.
        :param runs_count: whether other runs count; without, only their numbers are looked at.
        :raises ControllerError: something could not be read.
        """
        source = self._source
        newest = max([source.id, *(job.id for job in later)])
        jobs = [job for job in later if runs_count and job.id != source.id and self._same_work.includes(job)]
        now = self._client.now()
        left_new = tuple(job for job in jobs if job.left_new(now))
        jobs = [job for job in jobs if job not in left_new]
        before_end = (job for job in jobs if job.active and job.created <= source.finished)
        early = next(filter(self._may_share_hosts, before_end), None)
        runs = [Run(job, whole=self._is_whole(job)) for job in jobs if job is not early]
        source_run = Run(source, whole=True)
        if self._reads_hosts and (runs or hosts_needed):
            source_run = replace(source_run, summaries=self.failed_summaries(self._source))
            runs = self._until_decided(source_run, runs)
        runs = _with_beginnings(source_run, runs, self._events_in)
        tried, other_type = frozenset(self._tried), [job for job in later if job.job_type != self._same_work.job_type]
        astray = next((job for job in other_type if job.id in tried), None)
        retyped = any(job.is_relaunch for job in other_type)
        ledger = Ledger(source_run, tuple(runs), early, newest=newest, tried=tried, astray=astray)
        ledger = replace(ledger, left_new=left_new, retyped=retyped)
        if source_run.summaries is None:
            return ledger
        records = self._reached(source_run, runs)
        if any(run.unproven for run in runs) and not any(one.would_run for one in records):
            # No relaunch of others is to come that would show whether these were stopped.
            runs = self._until_decided(source_run, [run.proven for run in runs], proven=True)
            ledger = replace(ledger, runs=tuple(runs))
            records = self._reached(source_run, runs)
        return self._with_limits(replace(ledger, hosts=tuple(without_tried(records, tried, runs))))

    def _reached(self, source_run: Run, runs: t.Sequence[Run]) -> tuple[HostRecord, ...]:
        records = self.reach.of(self._asked_for(host_records(source_run, runs), runs))
        # One that failed on no host may have found none that is enabled. What becomes of whom a run is on shows later.
        silent = [run for run in runs if run.summaries == () and run.job.status == _jobs.FAILED_STATUS]
        active = [run for run in runs if run.job.active]
        free = [one for one in records if one.would_run and not any(run.covers(one.names) for run in active)]
        if not any(run.covers(one.names) for run in silent for one in free):
            return records
        asked = {one.key: one for one in self.reach.with_moved(self.reach.with_disabled(free))}
        return tuple(asked.get(one.key, one) for one in records)

    def _is_whole(self, job: Job) -> bool:
        asked = self._whole and job.successful
        return same_limit(self._source, job) and not (asked and self.in_other_slices(job))

    def _with_limits(self, ledger: Ledger) -> Ledger:
        """The ledger, in which the active runs tell as well as can be on which of its hosts they are."""
        hosts = (*(ledger.hosts or ()), *(ledger.stopped_hosts or ()))
        return replace(ledger, runs=tuple(self.reach.with_limit(run, hosts) for run in ledger.runs))

    def with_remaining(self, ledger: Ledger, base: Job, earlier: t.Sequence[Job] = ()) -> Ledger:
        """The ledger with all hosts that are not done: with those too for which the base ended early, one by one.

        :param base: as of ``with_end``, as is ``earlier``.
        :raises ControllerError: something could not be read.
        """
        ledger = self.with_end(ledger, base, earlier, every=True)
        if ledger.stopped is None:
            return replace(ledger, stopped_hosts=())
        run, hosts = self._whole_run(base), ledger.stopped.hosts
        others = [self._with_summaries(other) for other in ledger.runs if other.job.id != base.id]
        records = stopped_records(self._source.inventory, run, hosts, others, ledger.hosts or ())
        return self._with_limits(replace(ledger, stopped_hosts=self.reach.of_stopped(records)))

    def with_end(
        self, ledger: Ledger, base: Job, earlier: t.Sequence[Job] = (), every: bool = False, claimed: bool = False
    ) -> Ledger:
        """The ledger with whether the source ended early for hosts that did not fail, and that no other run has done.

        :param base: the job whose end is asked for: the source, or the run on all hosts that stands in its place.
        :param earlier: successful jobs of before, which show what the playbook starts. They have done nothing for this.
        :param every: all hosts that it never began on are to be named, however many they are.
        :param claimed: the work is to be called done, so that what no run shows to be behind somebody may be left.
        """
        others = [run for run in ledger.runs if run.job.id != base.id]
        run = Run(base, whole=True, only_checked=self._same_work.only_checked(base))
        # These may have started more, or less.
        other_work = self._same_work.other_tasks and base.id == self._source.id
        measures = self._ends.measures(base, [*([] if other_work else others), *map(Run, earlier)])
        # One that was successful began on all.
        checked = run.only_checked and base.successful
        end = EndOfRun(frozenset(), never_begun=False) if checked else self._ends.end(base, measures)
        begun = self._never_begun(run, end, others, measures, every)
        unknown = begun.unknown
        left = begun.hosts or begun.more
        if unknown and not (end.broke_off or left or self._ends.may_have_left(base, measures, begun)):
            # It went to its end for all that it began with, and hosts that nobody can tell of were not meant.
            unknown = ""
        if run.only_checked:
            survivors = frozenset(one.name_then for one in self.summaries(base) if not one.failed)
            end = replace(end, stopped=survivors, unproven=frozenset(), unknown="")
        # A job that failed on no host was lost behind its recap.
        stopped = end.stopped if claimed and base.failures_counted != 0 else end.counted
        if stopped or begun.hosts:
            # They may have been done since.
            whole = replace(run, summaries=self.summaries(base), stopped=stopped)
            read = [self._with_summaries(other) for other in others]
            others = [self._ends.with_stopped(other, self._alike(whole, read)) for other in read]
            others = [other.proven for other in others] if claimed else others
            found = done_in(self._source.inventory, whole, stopped.union(begun.hosts), others)
            if begun.more and not every and any(found[name] is not None for name in begun.hosts):
                # Those that are not named may have been done as well.
                return self.with_end(ledger, base, earlier, every=True, claimed=claimed)
            hosts = tuple(sorted(name for name, job in found.items() if job is None))
            last = max((job for job in found.values() if job is not None), key=ended, default=None)
            ledger = replace(ledger, stopped_done_in=last)
        else:
            hosts = ()
        if not (hosts or begun.more or unknown):
            return replace(ledger, end_known=True)
        at = end.at or read_place(self._client, base, self._read.starts)
        not_shown = NOT_SHOWN if hosts and end.unproven.issuperset(hosts) else ""
        why = end.unknown or not_shown or ("" if hosts else unknown)
        unproven = tuple(sorted(end.unproven.difference(hosts)))
        early = StoppedEarly(at, hosts, begun.more, why, unknown, unproven, run.only_checked)
        return replace(ledger, stopped=early, end_known=True)

    def _never_begun(
        self, run: Run, end: EndOfRun, others: t.Sequence[Run], measures: t.Sequence[Job], every: bool
    ) -> NeverBegun:
        """The hosts that a run never began on; others may have done them."""
        job, known, ran = run.job, self._read.inventories, self._ends.started(run.job).hosts
        patterns, by_nobody = self._ends.patterns(job, measures), self._ends.begun_by_nobody(job, measures)
        if ran is not None and known is not None and not by_nobody and known.all_in(job, ran):
            return NeverBegun()
        on_all = partial(self._ends.one_ran_on_all, measures)
        found, made = NeverBegun(), bool(by_nobody) and may_be_made(self._client, job, by_nobody, on_all)
        if end.never_begun:
            summaries, besides = partial(self.summaries, job), partial(self._other_hosts, run, others)
            found = read_never_begun(self._client, job, patterns, summaries, every, ran, besides)
            found = self._with_added_again(job, found) if every else found
        return replace(found, unknown=MADE) if made else found

    def _with_added_again(self, job: Job, found: NeverBegun) -> NeverBegun:
        """With those that were among them before, and have been deleted and added again since then."""
        known = self._read.never_begun.setdefault(job.id, set())
        missing = known.difference(found.hosts)
        known.update(found.hosts)
        since = self.reach.since(job.inventory, missing) if job.inventory and missing else {}
        again = (name for name, created in since.items() if created > parse_time(job.took_hosts))
        return replace(found, hosts=(*found.hosts, *again))

    def _until_decided(self, source_run: Run, runs: t.Sequence[Run], proven: bool = False) -> list[Run]:
        """The runs with the summaries that matter, those that ended last first.

        What an older one tells may make a newer one matter, such as one that healed what had failed there.

        :param proven: as of ``Run.proven``, for those that are read, too.
        """
        known = {run.job.id: run for run in runs}
        newest_first = sorted(filter(may_have_results, runs), key=lambda run: ended(run.job), reverse=True)
        others = self._of_other_hosts([run for run in newest_first if run.summaries is None])
        newest_first = [run for run in newest_first if run.job.id not in others]
        records, again = host_records(source_run, list(known.values())), True
        while again:
            again = False
            for number in (run.job.id for run in newest_first):
                run = self._read_as_needed(known[number], records, self._alike(source_run, runs))
                run = run.proven if proven else run
                if run is not known[number]:
                    known[number], again = run, True
                    records = host_records(source_run, list(known.values()))
        return [known[run.job.id] for run in runs]

    def _alike(self, source_run: Run, runs: t.Sequence[Run]) -> list[Run]:
        """Those that are the same work as each other, by which ends can be measured."""
        return [*runs] if self._same_work.other_tasks else [source_run, *runs]

    def _read_as_needed(self, run: Run, records: t.Sequence[HostRecord], runs: t.Sequence[Run]) -> Run:
        """A run, with its summaries where they say something new.

        One that failed may have failed on more hosts, unless it was limited to known ones. One that was successful
        matters where there is a host that no later one has decided on. A limit may name groups too.
        """
        undecided = [host for host in records if not _decided(host, run.job)]
        if run.summaries is None:
            names = frozenset(name for host in records for name in host.names)
            limited = not run.whole and bool(run.job.limit_names) and run.job.limit_names <= names
            failed_on_more = not run.job.successful and not limited
            matters = any(not limited or host.names & run.job.limit_names for host in undecided)
            if not failed_on_more and not matters:
                return run
            run = self._with_summaries(run)
        names = frozenset(name for host in undecided for name in host.names)
        if any(not one.failed and {one.name, one.name_then} & names for one in run.summaries or ()):
            run = self._ends.with_stopped(run, runs)
        return run


def _with_beginnings(source_run: Run, runs: t.Sequence[Run], detail_of: t.Callable[[Job], Job]) -> list[Run]:
    """The runs, in detail those that take back the last success on all hosts, until one of them has begun: a list does
    not tell of one that was started whether it began.
    """
    ledger, known = Ledger(source_run, tuple(runs)), {run.job.id: run for run in runs}
    success = max((run.job for run in runs if run.whole and run.job.successful), key=ended, default=None)
    if success is None or ledger.whole_success is not None:
        return [*runs]
    for job in sorted(ledger.whole_failures, key=ended, reverse=True):
        if job.id in known and done_by([success], [job]) is None:
            if not known[job.id].summaries:
                known[job.id] = replace(known[job.id], job=detail_of(job))
            if not known[job.id].job.never_began:
                break
    return [*known.values()]


def _left_out(run: Run, base: Run) -> list[HostSummary]:
    """The results of a base for hosts of which another run has none."""
    hosts = Hosts(base.job.inventory, [run, base])
    ran = set(hosts.keys(run).values())
    return [one for one in base.summaries or () if hosts.key(base, one) not in ran]


def _ran_on_limit(job: Job, started: t.Optional[Started]) -> bool:
    """Whether a job was successful on all hosts of its limit, and on no others."""
    if not job.successful or not job.limit_names:
        return False
    if started is not None and started.hosts is not None:
        return started.hosts == job.limit_names
    return job.hosts_counted == len(job.limit_names)


def _ran_as_limited(run: Run) -> bool:
    """Whether a run has results of just the hosts that its limit names, and these are called so still."""
    rows = run.summaries or ()
    unchanged = {one.name for one in rows if one.host is not None and one.name == one.name_then}
    return unchanged == run.job.limit_names and len(rows) == len(unchanged)


def _elsewhere(run: Run, source: Job, since: t.Mapping[str, datetime]) -> bool:
    """Whether a run was surely limited to other hosts than those that the limit of the source names.

    :param source: it has run on just these.
    :param since: by name in a limit, since when there is a host of this name; an older group may have had it.
    """
    hosts = frozenset(name for name in terms(str(run.job.facts["limit"])) if since[name] < run.job.created)
    run = replace(run, no_groups=hosts)
    return all(run.runs_on(frozenset({name})) is False for name in source.limit_names)


def _decided(host: HostRecord, job: Job) -> bool:
    """Whether nothing that ended with this job or before it says anything new of a host.

    That is so behind its newest failure, and behind the beginning of the run that did it; a failure with a higher
    number takes a success back all the same, see ``done_by``.
    """
    if any(one.finished >= job.finished and (job.successful or one.id > job.id) for one in host.failed_in):
        return True
    return host.done_in is not None and host.done_in.created > job.finished and host.done_in.id > job.id
