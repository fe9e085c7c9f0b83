# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: the newest result of each host over all runs of a job's work. Pure; nothing is asked here.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from enum import Enum

from .._api.jobs import FAILED_STATUSES, HostSummary, Job, grouped, names_of
from .runs import HostKey, Hosts, Run


class HostResult(Enum):
    """What a run brought to a host. Only the first three are results; the others change nothing."""

    DONE = "done"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    #: It did not fail, but the run ended early for it.
    STOPPED = "stopped"
    #: Asked for, without a summary: disabled, not targeted, a batch that was never begun.
    ABSENT = "absent"


FAILURES = (HostResult.FAILED, HostResult.UNREACHABLE)


class Reach(Enum):
    """Whether a relaunch on failed hosts would run on a host that is not done, or what else would."""

    #: It would.
    RELAUNCH = "relaunch"
    #: It is disabled, or no run targets it.
    IDLE = "idle"
    #: It is in another slice of its inventory by now.
    ELSEWHERE = "elsewhere"
    #: It is not in the inventory any more.
    GONE = "gone"
    #: It is in the inventory again after it was deleted: a launch that is limited to its name would, and a run on all.
    AGAIN = "again"
    #: It was made by the playbook, or is localhost, or the inventory may not be read: only a run on all hosts does it.
    WHOLE = "whole"
    #: It would, but the host has failed in a relaunch of this very task.
    TRIED = "tried"
    #: It would, but a rule says that the host needs a person.
    PARKED = "parked"


@dataclass(frozen=True)
class HostRecord:
    """A host that is asked about: one that has failed in a run, or for which one stopped before its end.

    :param key: what it is known by.
    :param name: the one it has now, or had last.
    :param names: all that it is known to have had: a limit holds the one of its time.
    :param failed_in: the runs in which it failed, the one that ended last first; none where one stopped for it.
    :param done_in: the run that did it, by the rule of ``done_by``; None where it is not done.
    :param last: what the run brought to it that ended last of those which have a summary of it.
    :param absent_in: the newest run that asked for it and in which it did not run, if that is newer than all others.
    :param has_row: whether its newest failure is that of a host which is in the inventory still.
    :param reach: whether a relaunch would run on it, where it is not done.
    :param parked: why a rule says that it needs a person; empty where none does.
    """

    key: HostKey
    name: str
    names: frozenset[str]
    failed_in: tuple[Job, ...]
    done_in: t.Optional[Job] = None
    last: HostResult = HostResult.FAILED
    absent_in: t.Optional[Job] = None
    has_row: bool = True
    reach: Reach = Reach.RELAUNCH
    parked: str = ""

    @property
    def would_run(self) -> bool:
        """Whether it is not done, and a relaunch on failed hosts would run on it."""
        return self.done_in is None and self.reach is Reach.RELAUNCH


@dataclass(frozen=True)
class StoppedEarly:
    """More is left of a job's work than its failed hosts: it ended early for others.

    :param at: where, for a sentence; empty where that is not known.
    :param hosts: by name, those that are known.
    :param more: how many more there are, whose names are not known.
    :param unknown: why it cannot be known; empty where it is.
    :param beyond: why it cannot be known whether there are others; empty where it can.
    :param unproven: by name, hosts that are not among these, since no run shows whether it left anything out for them.
    :param only_checked: since it was a check run, and a run is asked for.
    """

    at: str = ""
    hosts: tuple[str, ...] = ()
    more: int = 0
    unknown: str = ""
    beyond: str = ""
    unproven: tuple[str, ...] = ()
    only_checked: bool = False


@dataclass(frozen=True)
class Ledger:
    """What is known of a job's work.

    :param source_run: the job that is asked about, with its failed hosts where they were asked for.
    :param runs: those after it, by number.
    :param early: one of the same work that is active, though it was created before the source ended.
    :param hosts: those asked about; None where they were not asked for.
    :param stopped: for whom the source ended early though they did not fail; None where it did not.
    :param stopped_hosts: those of them that are known by name and are not among ``hosts``; None where not asked for.
    :param stopped_done_in: the run that did last those for whom it had, where that was asked.
    :param end_known: whether that was asked for.
    :param whole_left_out: whether the success on all hosts left out hosts that can run now; None where that was not
        asked for, or cannot be known.
    :param newest: the highest number of a job of the template that is known.
    :param left_new: those of the same work that were left in ``new``: they do no work.
    :param tried: the jobs that this task has launched for the same work before.
    :param astray: one of them that ran as another type than it was to.
    :param retyped: whether a relaunch of the template ran as another job type than is wanted.
    """

    source_run: Run
    runs: tuple[Run, ...] = ()
    early: t.Optional[Job] = None
    hosts: t.Optional[tuple[HostRecord, ...]] = None
    stopped: t.Optional[StoppedEarly] = None
    stopped_hosts: t.Optional[tuple[HostRecord, ...]] = None
    stopped_done_in: t.Optional[Job] = None
    end_known: bool = False
    whole_left_out: t.Optional[bool] = None
    newest: int = 0
    tried: frozenset[int] = frozenset()
    astray: t.Optional[Job] = None
    retyped: bool = False
    left_new: tuple[Job, ...] = ()

    @property
    def source(self) -> Job:
        return self.source_run.job

    def run(self, number: int) -> Run:
        """The run that is this job, be it the source."""
        return {run.job.id: run for run in (self.source_run, *self.runs)}[number]

    @property
    def remaining(self) -> tuple[HostRecord, ...]:
        """The hosts that are not done."""
        return tuple(host for host in (*(self.hosts or ()), *(self.stopped_hosts or ())) if host.done_in is None)

    @property
    def due(self) -> tuple[HostRecord, ...]:
        """The remaining hosts that a relaunch on failed hosts would run on."""
        return self.reached(Reach.RELAUNCH)

    def reached(self, *how: Reach) -> tuple[HostRecord, ...]:
        """The remaining hosts of these kinds."""
        return tuple(host for host in self.remaining if host.reach in how)

    @property
    def last_done(self) -> t.Optional[Job]:
        """The run that did last what has been done."""
        jobs = [host.done_in for host in self.hosts or () if host.done_in is not None]
        return max(jobs, key=ended, default=None)

    @property
    def whole_success(self) -> t.Optional[Job]:
        """The run on all hosts that did all of the work, after every run that has failed; None where there is none, or
        where it left out hosts that can run now.
        """
        if self.whole_left_out:
            return None
        return done_by([job for job in self._whole if job.successful], self.whole_failures)

    @property
    def whole_failures(self) -> list[Job]:
        """The runs on all hosts that have failed, the source among them. One that never began has failed on nobody."""
        return [job for job in (self.source, *self._whole) if job.status in FAILED_STATUSES and not job.never_began]

    @property
    def _whole(self) -> list[Job]:
        return [run.job for run in self.runs if run.whole and run.job.began and not run.job.active]


def done_by(done_in: t.Iterable[Job], failed_in: t.Iterable[Job]) -> t.Optional[Job]:
    """The rule: a host is done where a run was successful on it that was created when each of its failures had ended.

    One with a lower number than a failure was not, whatever a clock says that was set back.

    :param done_in: the runs that were successful on it; of all hosts together, if these are asked about.
    :param failed_in: those that failed on it.
    :returns: the one that does it, which ended last if there are several; None where it is not done.
    """
    failed = list(failed_in)
    last, newest = max((job.finished for job in failed), default=None), max((job.id for job in failed), default=0)
    done = (job for job in done_in if last is None or (job.created > last and job.id > newest))
    return max(done, key=ended, default=None)


def ended(job: Job) -> tuple[t.Any, int]:
    """By what jobs are ordered that have ended."""
    return job.finished, job.id


def result_of(run: Run, summary: HostSummary) -> HostResult:
    """What a run brought to a host that has a summary in it.

    A failed run whose end is not known vouches for nobody.
    """
    if summary.failed:
        return HostResult.UNREACHABLE if summary.unreachable else HostResult.FAILED
    if run.only_checked:
        return HostResult.STOPPED
    if run.job.successful:
        return HostResult.DONE
    stopped = run.stopped is None or summary.name_then in run.stopped
    return HostResult.STOPPED if stopped else HostResult.DONE


def host_records(source: Run, runs: t.Sequence[Run]) -> tuple[HostRecord, ...]:
    """The hosts that have failed in any run, with the newest result of each.

    :param source: with the summaries of its failed hosts at least.
    :param runs: the others of the same work, with the summaries that have been asked for.
    """
    order = sorted((source, *runs), key=lambda run: ended(run.job), reverse=True)
    hosts = Hosts(source.job.inventory, order)
    found, names_then = _by_host(hosts, order), _NamesThen(hosts, runs)
    failed = {key: rows for key, rows in found.items() if any(one.failed for _run, one in rows)}
    return tuple(_record(key, rows, runs, names_then) for key, rows in failed.items())


def done_in(
    inventory: t.Optional[int], base: Run, names: t.Collection[str], others: t.Sequence[Run]
) -> dict[str, t.Optional[Job]]:
    """The runs that have done some hosts, by the names of these; None for one that none has. Another host may have the
    name by now that one had then.

    :param inventory: the source's.
    :param base: the run that stopped before its end for them, or never began on them, with its summaries.
    :param names: those that they had in it, or of hosts without a summary those that they have now.
    :param others: all runs besides that matter, with the summaries that are known.
    """
    runs = (base, *others)
    hosts = Hosts(inventory, runs)
    found = _by_host(hosts, runs)
    done = {key: job for key, rows in found.items() if (job := _done_in(rows)) is not None}
    then = hosts.keys(base)
    now = {one.name: job for key, job in done.items() for _run, one in found[key]}
    return {name: done.get(then[name]) if name in then else now.get(name) for name in names}


@dataclass(frozen=True)
class OtherHost:
    """A host of which a run has no result, and others have.

    :param name: its name of today; ``names`` are all of its names.
    :param done: whether one of them has done it.
    :param failed: whether one of them has failed on it.
    """

    key: HostKey
    name: str
    names: frozenset[str]
    done: bool
    failed: bool


def other_hosts(base: Run, others: t.Sequence[Run]) -> list[OtherHost]:
    """The hosts of which other runs have results, and a run has none.

    :param others: all runs besides that matter, with their summaries.
    """
    runs = (base, *others)
    found = []
    for key, rows in _by_host(Hosts(base.job.inventory, runs), runs).items():
        if all(run is not base for run, _one in rows):
            summaries = [one for _run, one in rows]
            now = next((one for one in summaries if one.host is not None), summaries[0])
            failed = any(one.failed for one in summaries)
            found.append(OtherHost(key, now.name, names_of(summaries), _done_in(rows) is not None, failed))
    return found


def stopped_records(
    inventory: t.Optional[int],
    source: Run,
    names: t.Collection[str],
    runs: t.Sequence[Run],
    known: t.Iterable[HostRecord],
) -> tuple[HostRecord, ...]:
    """The hosts for which a run stopped before its end, or that it never began on.

    :param inventory: the source's.
    :param source: that run, with its summaries.
    :param names: theirs: those that they had in the run, or of hosts without a summary those that they have now.
    :param runs: the others of the same work, with the summaries that are known.
    :param known: hosts that are asked about already.
    """
    hosts, others = Hosts(inventory, (source, *runs)), dict[str, list[HostKey]]()
    for host in known:
        for name in host.names:
            others.setdefault(name, []).append(host.key)
    names_then = _NamesThen(hosts, runs)
    then = {one.name_then: one for one in source.summaries or ()}
    found = []
    for name in sorted(names):
        one = then.get(name)
        called = names_of([one]) if one else frozenset({name})
        key = hosts.key(source, one) if one else name
        if any(_may_be(other, key) for name_then in called for other in others.get(name_then, ())):
            continue
        seen_in = [run for run in runs if names_then.ran_in(run, key, called)]
        last = max((run.job for run in (source, *seen_in)), key=ended)
        found.append(
            HostRecord(
                key=key,
                name=one.name if one else name,
                names=called,
                failed_in=(),
                last=HostResult.STOPPED if one else HostResult.ABSENT,
                absent_in=_absent_in(last, key, called, runs, names_then),
                has_row=one is None or one.host is not None,
            )
        )
    return tuple(found)


def without_tried(
    records: t.Iterable[HostRecord], tried: t.Container[int], runs: t.Sequence[Run]
) -> t.Iterator[HostRecord]:
    """The records, in which the hosts that a job of this task has failed on last are no more due.

    Nor are those that it was to run on, where it ended without a word of its hosts.
    """
    over = (run for run in runs if not (run.job.active or run.job.successful))
    silent = [run for run in over if run.job.id in tried and not run.summaries]
    for one in records:
        tried_on = one.would_run and (one.failed_in[0].id in tried or any(run.covers(one.names) for run in silent))
        yield replace(one, reach=Reach.TRIED) if tried_on else one


class _NamesThen:
    """Which host had which name in each run: another one may have had it than has it now."""

    def __init__(self, hosts: Hosts, runs: t.Iterable[Run]) -> None:
        self._keys = {run.job.id: hosts.keys(run) for run in runs}
        self._ran = {number: set(keys.values()) for number, keys in self._keys.items()}

    def ran_in(self, run: Run, key: HostKey, names: t.Iterable[str]) -> bool:
        """Whether a host that is or was called so ran in it."""
        keys = self._keys[run.job.id]
        return key in self._ran[run.job.id] or any(name in keys and _may_be(keys[name], key) for name in names)

    def of_others(self, run: Run, key: HostKey, names: t.Iterable[str]) -> set[str]:
        """Those of a host's names that another one surely had in it."""
        keys = self._keys[run.job.id]
        return {name for name in names if name in keys and not _may_be(keys[name], key)}


def _by_host(hosts: Hosts, runs: t.Sequence[Run]) -> dict[HostKey, list[tuple[Run, HostSummary]]]:
    """The summaries of each host, in the order of the runs."""
    rows = ((run, one) for run in runs for one in run.summaries or ())
    return grouped(rows, lambda row: hosts.key(*row))


def _with_result(rows: t.Sequence[tuple[Run, HostSummary]], *results: HostResult) -> tuple[Job, ...]:
    """The runs that brought one of these results to a host."""
    return tuple(run.job for run, one in rows if result_of(run, one) in results)


def _done_in(rows: t.Sequence[tuple[Run, HostSummary]]) -> t.Optional[Job]:
    """The run that did a host which has these summaries; None where it is not done."""
    return done_by(_with_result(rows, HostResult.DONE), _with_result(rows, *FAILURES))


def _record(
    key: HostKey, rows: t.Sequence[tuple[Run, HostSummary]], runs: t.Sequence[Run], names_then: _NamesThen
) -> HostRecord:
    """:param rows: the host's summaries, newest first."""
    names = names_of(one for _run, one in rows)
    present = [one for _run, one in rows if one.host is not None]
    last_failed = next(one for _run, one in rows if one.failed)
    return HostRecord(
        key=key,
        name=(present or [rows[0][1]])[0].name,
        names=names,
        failed_in=_with_result(rows, *FAILURES),
        done_in=_done_in(rows),
        last=result_of(*rows[0]),
        absent_in=_absent_in(rows[0][0].job, key, names, runs, names_then),
        has_row=last_failed.host is not None,
    )


def _absent_in(
    last: Job, key: HostKey, names: frozenset[str], runs: t.Sequence[Run], names_then: _NamesThen
) -> t.Optional[Job]:
    """Of one without statistics nobody knows whom it got to, unless it was successful: then there was nobody."""
    absent = [
        run.job
        for run in runs
        if run.summaries is not None
        and ended(run.job) > ended(last)
        and (run.summaries or run.job.successful)
        and run.covers(names - names_then.of_others(run, key, names))
    ]
    return max(absent, key=ended, default=None)


def _may_be(one: HostKey, other: HostKey) -> bool:
    """Whether two hosts with a name in common may be the same: numbers tell, names alone do not."""
    return one == other or isinstance(one, str) or isinstance(other, str)
