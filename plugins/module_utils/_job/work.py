# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job's work in a task: what is asked for, the time that there is for it, and what is known.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._api.client import ControllerClient
from .._api.jobs import Job, join, names_of, never_runs
from .._launch.asks import JobList, JobsAfter, Steps
from .._launch.waiting import Watch
from .._work.decision import (
    ALL,
    FAILED,
    REMAINING,
    AskEnd,
    Decision,
    Done,
    Launch,
    Refuse,
    RelaunchOptions,
    base_run,
    decide,
    failed_hosts_known,
    needs_runs,
    runs_on_due_alone,
)
from .._work.end_of_run_reader import read_whole
from .._work.host_patterns import may_be_no_limit
from .._work.ledger import HostRecord, Ledger, Reach
from .._work.ledger_reader import JobsRead, LedgerReader
from .._work.never_begun import InventoryHosts
from .._work.run_ends import EVENTS_LATE_FOR
from .._work.runs import Run, same_limit
from .._work.same_work import UNCOMPARED, Prompts, SameWork, lost_template
from .options import RelaunchRequest
from .outcome import RelaunchOutcome

# Between the answer to the look that a launch rests on and its POST lie no more seconds than these.
FRESH_FOR = 3.0

# Tells in a ledger which of its hosts need a person, with what brings a job when its events are in.
Park = t.Callable[[Ledger, t.Callable[[Job], Job]], Ledger]


@dataclass(frozen=True)
class Look:
    """What a look at the other runs has shown.

    :param at: when it was answered, by the client's clock.
    :param own: the number of the task's own job that it was to judge.
    """

    ledger: Ledger
    at: float
    own: t.Optional[int] = None


class EventsIn:
    """Waits until the events of a job that has ended are in, or will not come any more; for each job once.

    :param at_once: takes it as it is, without waiting.
    """

    def __init__(self, watch: Watch, read: JobsRead, at_once: bool = False) -> None:
        self._watch = watch
        self._read = read
        self._at_once = at_once

    def __call__(self, job: Job) -> Job:
        """The job as it is then, in detail.

        :raises ControllerError: what waiting will not cure.
        """
        if job.id not in self._read.details:
            self._read.details[job.id] = self._watch.until_events_processed(job, self._at_once)
        return self._read.details[job.id]

    def known(self, job: Job) -> t.Optional[Job]:
        """The same, where it has been asked for before."""
        return self._read.details.get(job.id)

    def of_successful(self, job: Job) -> Job:
        """The same, where what it has started is asked for next, and may come along.

        :raises ControllerError: what waiting will not cure.
        """
        if job.id not in self._read.details and read_whole(self._watch.client, job, self._read.starts):
            self._read.details[job.id] = Job({**job.facts, "event_processing_finished": True})
        return self(job)


@dataclass(frozen=True)
class JobWork:
    """The work of one job, as a task sees it: looked at, and decided on.

    :param client: the controller, and with it the clock.
    :param source: the job that the task names, in detail.
    :param events_in: brings a job that has ended when its events are in.
    :param of_others: the numbers of jobs that are other work though nothing in them tells it; they may grow.
    :param inventories: their hosts, where many jobs are asked about.
    """

    client: ControllerClient
    request: RelaunchRequest
    watch: Watch
    source: Job
    same_work: SameWork
    reader: LedgerReader
    events_in: EventsIn
    of_others: set[int] = field(default_factory=set)
    inventories: t.Optional[InventoryHosts] = None
    park: t.Optional[Park] = None

    @classmethod
    def of(
        cls,
        request: RelaunchRequest,
        watch: Watch,
        source: Job,
        read: JobsRead,
        prompts: t.Optional[Prompts] = None,
        tried: t.Collection[int] = (),
        with_hosts: bool = False,
    ) -> JobWork:
        """The work of a source.

        :param tried: the jobs that this task has launched for the same work before; they may grow.
        :param read: what is known of jobs that have ended; it grows.
        :param with_hosts: the failed hosts are to be told, whatever is asked for, and their events waited for even in
            check mode.
        :param prompts: what is known of what jobs were launched with; it grows.
        """
        options = request.options
        events_in = EventsIn(watch, read, request.check_mode and not with_hosts)
        same_work = SameWork(watch.client, source, options.job_type, prompts, request.changes)
        whole = options.hosts == ALL
        # Only where the template itself is launched, who can run by now decides whether that is done.
        launched = options.hosts == REMAINING or "inventory" in request.changes
        inventory = same_work.inventory_now if launched else (lambda: None)
        reader = LedgerReader(watch.client, events_in, source, same_work, whole, read, tried, with_hosts, inventory)
        return cls(watch.client, request, watch, source, same_work, reader, events_in, inventories=read.inventories)

    @property
    def out_of_question(self) -> str:
        """Why the source is not relaunched, whatever other runs there are, as a sentence; empty where that is open."""
        if self.request.runs_in(self.source):
            return f"Job {self.source.id} is the job that this task runs in: it cannot wait for itself."
        if self.source.left_new(self.client.now()):
            return never_runs(self.source, source=True)
        return ""

    @property
    def is_settled(self) -> bool:
        """Whether the source tells what it will: just after its end its detail has neither counts of hosts, nor is it
        sure whether it began. A list never tells these.
        """
        source = self.source
        if not source.in_detail or source.events_processed or source.never_began:
            return True
        return self.request.options.hosts == ALL or not needs_runs(source, self._options)

    def lost_template(self, job: Job) -> bool:
        """Whether a later run shows that the source's template was deleted after the source was read, so that its runs
        are found by another filter. Many jobs are found by one list.
        """
        lost = lost_template(job) and self.source.template is not None
        return lost and not self.request.one_of_many

    def look(self, own: t.Optional[Job] = None, hosts_needed: bool = False, disabled: bool = False) -> Steps[Look]:
        """The runs as they are now, asking for as little as the decision needs: for a first relaunch that is one list.

        :param own: a job of the task's own, as it is now.
        :param hosts_needed: the failed hosts matter even where there is no run.
        :param disabled: the inventory is asked which of the failed hosts are disabled by now.
        :raises ControllerError: they could not be read.
        """
        source, options = self.source, self._options
        if own is None and not needs_runs(source, options):
            return Look(Ledger(Run(source, whole=True), newest=source.id), self.client.clock())
        jobs = yield self.jobs_after(source.id, verdict=own is not None)
        at = jobs.at if isinstance(jobs, JobList) else self.client.clock()
        # The job that the task runs in is never waited for, nor does it count as doing the work.
        jobs = [job for job in jobs if not self.request.runs_in(job) and job.id not in self.of_others]
        if own is not None:
            jobs = sorted([*(job for job in jobs if job.id != own.id), own], key=lambda job: job.id)
        needed = hosts_needed or own is not None or options.fallback_to_all or source.failures_counted == 0
        needed = needed or options.hosts == REMAINING or bool(self.request.changes)
        needed = needed or self.park is not None or self._may_make_no_limit()
        ledger = self.reader.ledger(jobs, needed, not options.force or own is not None)
        ledger = self.reader.with_disabled(ledger) if disabled else ledger
        parked = self.park(ledger, self.events_in) if self.park else ledger
        if self.park and not disabled and parked.reached(Reach.PARKED):
            # Those that are disabled by now hold up nobody.
            parked = self.park(self.reader.with_disabled(ledger), self.events_in)
        return Look(parked, at, own.id if own else None)

    def jobs_after(self, number: int, before: t.Optional[int] = None, verdict: bool = False) -> JobsAfter:
        """Asks for the jobs of the source's template that are newer than a number; other work may be left out.

        :param before: as of JobsAfter, as is ``verdict``.
        """
        return JobsAfter(self.source, number, self.same_work, before, verdict)

    def _may_make_no_limit(self) -> bool:
        """Whether the failed hosts of the source may have names that no limit holds, which are to be known before."""
        source, many = self.source, self.inventories
        if source.inventory is None or self.request.options.hosts == ALL:
            return False
        if source.failures_counted is None and many is not None:
            return many.may_make_no_limit(source)
        return may_be_no_limit(source.failures_counted)

    def decide(
        self, look: Look, force: bool = True, claimed: bool = True, earlier: t.Sequence[Job] = ()
    ) -> tuple[Look, Decision]:
        """What to do, and the look with what had to be asked for it.

        :param force: whether the option of this name counts.
        :param claimed: as of ``LedgerReader.with_end``.
        :param earlier: as of ``LedgerReader.with_end``, where all that remains is asked for.
        """
        options = self._options if force else replace(self._options, force=False)
        base = base_run(look.ledger) or self.source
        look = self._with_whole(look, base, options)
        decision = decide(look.ledger, options)
        relaunch = isinstance(decision, Launch) and decision.hosts == FAILED and not options.changed
        if relaunch and not runs_on_due_alone(look.ledger, t.cast("Launch", decision)):
            # All of the due hosts that it reaches may be disabled by now, so that it would do nothing that is left.
            look = self._with_whole(self.with_disabled(look), base, options)
            decision = decide(look.ledger, options)
        if isinstance(decision, AskEnd):
            look = replace(look, ledger=self.reader.with_remaining(look.ledger, base, earlier))
        elif isinstance(decision, (Done, Refuse)) and decision.asks_end:
            look = replace(look, ledger=self.reader.with_end(look.ledger, base, claimed=claimed))
        else:
            return look, decision
        return look, t.cast("Decision", decide(look.ledger, options))

    def with_disabled(self, look: Look) -> Look:
        """The look, in which the failed hosts that are disabled by now are so.

        :raises ControllerError: it could not be read.
        """
        return replace(look, ledger=self.reader.with_disabled(look.ledger))

    def _with_whole(self, look: Look, base: Job, options: RelaunchOptions) -> Look:
        """The look with whom a success on all hosts left out, where the decision may rest on that."""
        ledger, success = look.ledger, look.ledger.whole_success
        if success is None or options.force or (options.hosts == FAILED and ledger.due):
            return look
        if success.id == look.own and not _on_fewer(success, base):
            return look
        by_names = options.hosts != ALL and failed_hosts_known(ledger)
        return replace(look, ledger=self.reader.with_whole_success(ledger, base, by_names))

    @property
    def _options(self) -> RelaunchOptions:
        """The options by which to decide: a job that has what is to be changed counts itself."""
        return replace(self.request.options, changed=self.same_work.changed)

    def with_end(self, look: Look, earlier: t.Sequence[Job] = ()) -> Look:
        """The look with whether the work ended early for hosts that did not fail, though failed ones remain.

        :param earlier: successful jobs of before that show what the playbook starts.
        """
        base = base_run(look.ledger)
        return look if base is None else replace(look, ledger=self.reader.with_end(look.ledger, base, earlier))

    def is_rival(self, own: Job, ledger: Ledger) -> t.Callable[[Job], bool]:
        """Tells whether another caller's job does all of what an own one does."""
        # Those were there before, and the decision has heeded them: a later failure may have taken their success back.
        over = {run.job.id for run in ledger.runs if not run.job.active}.union(job.id for job in ledger.left_new)
        whole = same_limit(self.source, own)

        def does_all(job: Job) -> bool:
            names = own.limit_names
            return bool(names) and not whole and all(Run(job).runs_on(frozenset([name])) for name in names)

        def is_rival(job: Job) -> bool:
            # The job that the task runs in would have to wait for itself.
            if job.id in over or self.request.runs_in(job):
                return False
            # Of one that may do it, and may not, nobody knows that in time: both go on.
            if not (does_all(job) or same_limit(self.source, job) or same_limit(own, job)):
                return False
            return self.same_work.includes(job)

        return is_rival

    def masked(self, ledger: Ledger) -> str:
        """What is to be said where a run counts as the same work though a secret could not be compared."""
        return UNCOMPARED if ledger.runs and self.same_work.masked else ""


def settled_work(work_of: t.Callable[[Job], JobWork], source: Job) -> JobWork:
    """What is known of a source, when its events are in where what is done about it depends on them.

    :param work_of: makes it, from the detail of the source.
    :raises ControllerError: what waiting will not cure.
    """
    work = work_of(source)
    return work if work.is_settled else work_of(work.events_in(source))


def results_open(work: JobWork) -> bool:
    """Whether a source has just ended, and what is done about it depends on results that are not in."""
    return not work.is_settled and abs(work.client.now() - work.source.finished) < EVENTS_LATE_FOR


def not_all_in(work: JobWork, jobs: t.Iterable[Job]) -> tuple[str, ...]:
    """The warnings about those of some jobs whose results were taken as they are, and may not be all."""
    if not work.request.check_mode:
        return ()
    known = {job.id: work.events_in.known(job) for job in jobs}
    return tuple(
        f"The controller has not said that all results of job {number} are in. A real run waits up to a minute for "
        "that, and may find more."
        for number, job in known.items()
        if job is not None and not job.events_processed
    )


def host_names(hosts: t.Iterable[HostRecord]) -> tuple[str, ...]:
    """Their names of today, sorted."""
    return tuple(sorted(host.name for host in hosts))


def with_hosts(outcome: RelaunchOutcome, ledger: Ledger) -> RelaunchOutcome:
    """The outcome with what the ledger tells of hosts, where they were asked for."""
    if ledger.hosts is None:
        return outcome
    stopped = ledger.stopped
    known = failed_hosts_known(ledger) or ledger.whole_success is not None
    own = outcome.job.id if outcome.job else None
    rows = next((run.summaries for run in ledger.runs if run.job.id == own), None)
    return replace(
        outcome,
        remaining_hosts=host_names(ledger.remaining) if known or ledger.remaining else None,
        stopped_hosts=(stopped.hosts or None) if stopped else None,
        gone_hosts=host_names(ledger.reached(Reach.GONE)) or None,
        records={
            name: one for one in (*ledger.hosts, *(ledger.stopped_hosts or ())) for name in (one.name, *one.names)
        },
        ran_on=None if rows is None else names_of(rows),
    )


def left_out(work: JobWork, ledger: Ledger, job: t.Optional[Job] = None) -> tuple[str, ...]:
    """The warnings about hosts that were asked for and have not been done, and that the task does not run on.

    :param job: in which they did not run, as far as its limit names them.
    """
    by_limit = work.request.options.hosts == REMAINING or work.same_work.changed
    # One that a relaunch would run on by now may have been enabled while this one ran.
    late = (
        host for host in ledger.due if job is not None and host.absent_in is not None and host.absent_in.id == job.id
    )
    idle = (*ledger.reached(Reach.IDLE), *late)
    run = next((run for run in ledger.runs if job is not None and run.job.id == job.id), None)
    in_job = {host.key for host in idle if job and (run is None or run.covers(host.names))}
    did_not_run = (
        _did_not_run(work, f" in job {job.id}" if job else "", [host for host in idle if host.key in in_job]),
        _did_not_run(work, "", [host for host in idle if host.key not in in_job]),
    )
    # A launch by a limit reaches those that were added again.
    return (
        *did_not_run,
        *not_reached([one for one in ledger.remaining if not (by_limit and one.reach is Reach.AGAIN)]),
    )


def _did_not_run(work: JobWork, where: str, hosts: t.Sequence[HostRecord]) -> str:
    """The warning about hosts that were asked for and did not run; empty where there are none."""
    if not hosts:
        return ""
    elsewhere = ", they are in another slice by now," if work.source.sliced else ","
    return (
        f"Did not run{where}, though asked for: {join(host_names(hosts))}. Such hosts are disabled{elsewhere} or "
        "the play does not target them; they have not been recovered."
    )


def not_reached(hosts: t.Sequence[HostRecord]) -> tuple[str, ...]:
    """The warnings about those of some hosts that have lost their row in the inventory; empty ones are none."""
    again = host_names(host for host in hosts if host.reach is Reach.AGAIN)
    whole = host_names(host for host in hosts if host.reach is Reach.WHOLE)
    gone = host_names(host for host in hosts if host.reach is Reach.GONE)
    return (
        f"No relaunch on failed hosts reaches {join(again)}: deleted and added again. Relaunch with hosts: "
        "remaining, or on all hosts, for these."
        if again
        else "",
        f"No relaunch on failed hosts reaches {join(whole)}: deleted and added again, made by the playbook, or "
        "localhost. Relaunch on all hosts for these."
        if whole
        else "",
        f"Not in the inventory any more, and not recovered: {join(gone)}." if gone else "",
    )


def _on_fewer(job: Job, base: Job) -> bool:
    """Whether a job is known to have run on fewer hosts than the one whose hosts are asked about."""
    return (job.hosts_counted or base.hosts_counted or 0) < (base.hosts_counted or 0)
