# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision: what a task has to do so that a job's work is done. Pure; nothing is asked or sent here.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api.jobs import FAILED_STATUS, Job, counted, join
from .host_patterns import limit_problem
from .ledger import HostRecord, Ledger, Reach, StoppedEarly, done_by, ended
from .runs import Run, share_limit

ALL = "all"
FAILED = "failed"
REMAINING = "remaining"

# So many hosts for which a job stopped are named in a sentence; of more the number is told.
_HOSTS_SHOWN = 10


@dataclass(frozen=True)
class RelaunchOptions:
    """What the task asks for; see the options of the same names.

    :param changed: something is to be other than the prompts of the job. So the template is launched, and the job by
        itself has not done the work.
    """

    hosts: str = ALL
    fallback_to_all: bool = False
    job_type: t.Optional[str] = None
    force: bool = False
    wait: bool = False
    changed: bool = False


@dataclass(frozen=True)
class Await:
    """This job is active: wait for its end, then decide again.

    :param what: it, for a sentence.
    """

    job: Job
    what: str


@dataclass(frozen=True)
class AskEnd:
    """What remains has to be known before anything can be decided: see ``LedgerReader.with_remaining``."""


@dataclass(frozen=True)
class Refuse:
    """Nothing can be launched as asked.

    :param cut_short: since the job ended early for hosts that did not fail.
    :param asks_end: whether the source ended early for other hosts has to be asked before this is said.
    :param parked: since a relaunch would run on a host that needs a person, or only such hosts are left.
    """

    reason: str
    cut_short: bool = False
    asks_end: bool = False
    parked: bool = False


@dataclass(frozen=True)
class Done:
    """What can be done has been done, by this job.

    :param left: hosts that are not done, and on which no relaunch would run.
    :param asks_end: whether the source ended early for other hosts has to be asked before this is said.
    """

    job: Job
    reason: str
    left: tuple[HostRecord, ...] = ()
    asks_end: bool = False


@dataclass(frozen=True)
class Adopt:
    """This run is active, and does the work.

    :param hosts: which of the due hosts it runs on, where that was asked.
    :param rest: due hosts that no active run covers.
    """

    job: Job
    reason: str
    hosts: tuple[HostRecord, ...] = ()
    rest: tuple[HostRecord, ...] = ()


@dataclass(frozen=True)
class Launch:
    """Relaunch this job, or with ``remaining`` launch its template with the job's prompts.

    :param hosts: on ``all`` hosts, on its ``failed`` hosts, or on exactly those that are ``remaining``.
    :param due: the hosts that need it, where they had to be asked for.
    :param instead: what to do where the controller forbids it for this job, mostly to relaunch another one: a relaunch
        keeps its limit as a prompt, and a user who may only execute the template may not relaunch a job with prompts
        that the template does not ask for. The source has none.
    """

    job: Job
    hosts: str
    reason: str
    due: tuple[HostRecord, ...] = ()
    instead: t.Optional[Decision] = None


Settled = t.Union[Refuse, Done, Adopt, Launch]
Decision = t.Union[Await, Settled]
# What a launch by a limit runs on. A relaunch on failed hosts leaves out those that were added again.
BY_LIMIT = (Reach.RELAUNCH, Reach.AGAIN)


def needs_runs(source: Job, options: RelaunchOptions) -> bool:
    """Whether other runs matter at all."""
    return not isinstance(_by_source(source, options), (Await, Refuse, Done))


def decide(ledger: Ledger, options: RelaunchOptions) -> t.Union[Decision, AskEnd]:
    """What to do about a source job.

    :param ledger: of an active or successful source no more than itself is needed.
    :param options: what the task asks for.
    """
    source = ledger.source
    by_source = _by_source(source, options)
    if by_source is not None:
        return by_source
    if ledger.early is not None and not options.force:
        what = f"job {ledger.early.id}, the same work, launched before job {source.id} had ended,"
        return _await(ledger.early, what, options)
    decision = _decide_whole(ledger, options) if options.hosts == ALL else _decide_hosts(ledger, options)
    other = ledger.astray
    if not isinstance(decision, Launch):
        return decision
    if other is not None:
        ran = f"job {other.id}, which ran as job type {other.job_type}"
        return Refuse(f"This task has relaunched the same work as {ran}: its template was edited.")
    instead = decision.instead and _unless_beside(ledger, options, decision.instead)
    return _unless_beside(ledger, options, replace(decision, instead=instead))


def _unless_beside(ledger: Ledger, options: RelaunchOptions, decision: Decision) -> Decision:
    """A decision, unless it is to launch on all hosts where some were asked for, beside an active run on these."""
    if not isinstance(decision, Launch) or options.hosts == ALL or options.force:
        return decision
    active = (run.job for run in ledger.runs if run.job.active)
    beside = next((job for job in active if share_limit(decision.job, job)), None)
    if beside is None or narrows_limit(decision.job, decision.hosts):
        return decision
    return _await(beside, f"job {beside.id}, the same work, which runs on hosts of job {ledger.source.id},", options)


def _decide_hosts(ledger: Ledger, options: RelaunchOptions) -> t.Union[Decision, AskEnd]:
    """What to do where not all hosts are asked for."""
    source, base = ledger.source, base_run(ledger)
    if base is None:
        whole = _decide_whole(ledger, options)
        # A run by another limit may have failed after the success.
        if not (isinstance(whole, Done) and ledger.remaining):
            return replace(whole, reason=never_began(source)) if isinstance(whole, Launch) else whole
    if ledger.hosts is None:
        return _of_source(source, FAILED)
    if not failed_hosts_known(ledger):
        return _without_failed_hosts(ledger, options)
    if options.hosts == REMAINING:
        return _decide_remaining(ledger, options)
    if options.force and not options.changed:
        problem = _limit_problem(ledger.source_run)
        return _no_limit(ledger, options, problem) if problem else _of_source(source, FAILED, ledger.hosts)
    return _decide_failed(ledger, options)


def failed_hosts_known(ledger: Ledger) -> bool:
    """Whether it is known on which hosts the work failed, where they were asked for: a job without statistics, as one
    that never began, does not tell.
    """
    source = ledger.source
    return bool(ledger.hosts) or (bool(source.hosts_counted) and not source.failures_counted)


def runs_on_due_alone(ledger: Ledger, launch: Launch) -> bool:
    """Whether a relaunch on failed hosts would run on all that are due, which may have failed in several runs, and not
    on others besides, which are done.

    :param launch: as decided by this ledger.
    """
    return ledger.run(launch.job.id).failed_present == {host.name for host in launch.due}


def narrows_limit(job: Job, hosts: str) -> bool:
    """Whether a launch is limited to those of a job's hosts that need it. The controller does not limit a relaunch on
    failed hosts where the template is gone (recorded: post-template-deleted-admin).

    :param hosts: as of ``Launch``.
    """
    return hosts == REMAINING or (hosts == FAILED and job.template is not None)


def base_run(ledger: Ledger) -> t.Optional[Job]:
    """The job whose hosts are asked about: the source, or where it has no results the newest whole run that has."""
    if ledger.source.hosts_counted or not ledger.source.never_began:
        return ledger.source
    whole = [run.job for run in ledger.runs if run.whole and run.summaries]
    return max(whole, key=ended, default=None)


def never_began(job: Job) -> str:
    """Why a job is relaunched on all hosts though the failed ones were asked for, for the beginning of a sentence."""
    because = f" ({job.explanation})" if job.explanation else ""
    return f"Job {job.id} ended with status {job.status} before it had begun{because}, so that all its hosts remain"


def no_failed_hosts(job: Job) -> str:
    """Why the controller may know no failed hosts of a finished job, and what to do."""
    status = f"{job.status}: {job.explanation}" if job.explanation else job.status
    why = (
        f"The controller knows no failed hosts of job {job.id} (status {status}) that are still in the inventory: "
        "its playbook did not get as far as its statistics (syntax error, cancel, timeout, a limit that matches "
        "nothing), or the failed hosts are gone."
    )
    if job.status == FAILED_STATUS and job.in_detail and not job.events_processed:
        why = (
            f"The controller has not said that all results of job {job.id} are in: it is behind with them, where "
            "running the task again later helps, or lost them with the instance that ran the job."
        )
    return f"{why} Set fallback_to_all: true, or hosts: all, to relaunch it as a whole."


def _by_source(source: Job, options: RelaunchOptions) -> t.Optional[Decision]:
    """What the source alone decides."""
    if options.force and options.hosts == ALL:
        return None
    if source.active:
        return _await(source, f"job {source.id}, which is relaunched if it fails,", options)
    # A check run's success is none where a run is asked for, and no success is one of what is to be changed.
    other = options.changed and options.hosts == ALL
    if source.successful and options.job_type in (None, source.job_type) and not other:
        return Done(source, f"Job {source.id} was successful: nothing to relaunch.")
    return None


def _await(job: Job, what: str, options: RelaunchOptions) -> Decision:
    if options.wait:
        return Await(job, what)
    return Refuse(
        f"Job {job.id} is {job.status}: whether a relaunch is needed is not known before it ends. Set wait: true to "
        "wait for that first, or run the task again later."
    )


def _decide_whole(ledger: Ledger, options: RelaunchOptions, hosts: t.Iterable[HostRecord] = ()) -> Settled:
    """What to do where a run on all hosts is to do what is left.

    :param hosts: they are left by a success on all hosts from before they failed, and by one that left them out, unless
        only a run on all hosts reaches them: such as are made by the playbook it may not have made.
    """
    source = ledger.source
    active = [run.job for run in ledger.runs if run.whole and run.job.active]
    if not options.force and active:
        # Of callers in the same instant the one with the lowest number stays.
        return Adopt(active[0], _is_active(active[0], source))
    left = list(hosts)
    job = None if options.force or any(host.reach in BY_LIMIT for host in left) else ledger.whole_success
    if job is not None and done_by([job], [job for host in left for job in host.failed_in[:1]]) is not None:
        reason = f"{named(job, source)}, was successful: nothing to relaunch.{not_run_by_success(ledger)}"
        unknown = options.hosts == ALL and ledger.whole_left_out is None
        return Done(job, reason, ledger.remaining if unknown else ())
    tried = [run.job for run in ledger.runs if run.whole and run.job.id in ledger.tried and not run.job.successful]
    if tried and not options.force:
        job = tried[-1]
        return Refuse(f"This task has relaunched the same work as job {job.id}, which ended with status {job.status}.")
    return _parked(ledger) if ledger.reached(Reach.PARKED) else _of_source(source, ALL)


def _without_failed_hosts(ledger: Ledger, options: RelaunchOptions) -> Settled:
    whole = _decide_whole(ledger, options)
    if options.fallback_to_all or not isinstance(whole, Launch):
        return whole
    source = ledger.source
    which = "exactly what remains" if options.hosts == REMAINING else "its failed hosts"
    return Refuse(f"Job {source.id} cannot be relaunched on {which}. {no_failed_hosts(source)}")


def _decide_failed(ledger: Ledger, options: RelaunchOptions) -> Decision:
    due = ledger.reached(*BY_LIMIT) if options.changed else ledger.due
    if not due:
        return _nothing_due(ledger, options)
    doing = None if options.force else _being_done(ledger, due, options)
    if doing is not None:
        return doing
    return _of_source(ledger.source, FAILED, due) if options.changed else _launch_failed(ledger, options)


def _decide_remaining(ledger: Ledger, options: RelaunchOptions) -> t.Union[Decision, AskEnd]:
    """A launch is limited to hosts by name, so that all of them have to be known, and to be in the inventory."""
    if _asks_end(ledger):
        return AskEnd()
    due, why = ledger.reached(*BY_LIMIT), _not_by_name(ledger)
    if not (due or why):
        return _nothing_due(ledger, options)
    doing = None if options.force else _being_done(ledger, due, options)
    if doing is not None:
        return doing
    if not why:
        return _of_source(ledger.source, REMAINING, due)
    said = f"Job {ledger.source.id} cannot be completed on exactly what remains. {why}"
    refuse = Refuse(f"{said} Relaunch it with hosts: all, or set fallback_to_all: true.", cut_short=True)
    return _fall_back(ledger, options, ledger.reached(Reach.WHOLE, *BY_LIMIT), why, refuse)


def _not_by_name(ledger: Ledger) -> str:
    """Why what remains cannot be told by the names of hosts, as sentences; empty where it can."""
    source, whole_only = base_run(ledger) or ledger.source, ledger.reached(Reach.WHOLE)
    said = []
    if whole_only:
        names = join(host.name for host in whole_only)
        said.append(
            f"It failed on {names}, which no limit reaches: made by the playbook, localhost, or hosts of an inventory "
            "that this user may not read."
        )
    stopped = ledger.stopped
    if stopped is not None and (stopped.more or stopped.beyond):
        why = f": {stopped.beyond}" if stopped.beyond else ""
        said.append(f"Job {source.id} may have left out hosts whose names are not known{why}.")
    if said and stopped is not None and stopped.unproven:
        said.append(f"No run shows whether it went to its end on {join(stopped.unproven)}.")
    return " ".join(said)


def _being_done(ledger: Ledger, due: tuple[HostRecord, ...], options: RelaunchOptions) -> t.Optional[Decision]:
    """What to do where an active run covers some of the hosts that need one; None where none does."""
    source = ledger.source
    active = [run for run in ledger.runs if run.job.active]
    doing = [(run, found) for run in active if (found := tuple(host for host in due if run.runs_on(host.names)))]
    if doing:
        run, covered = next((one for one in doing if len(one[1]) == len(due)), doing[0])
        done = {host.key for _run, hosts in doing for host in hosts}
        rest = tuple(host for host in due if host.key not in done)
        overlapping = any(job.finished >= run.job.created for host in covered for job in host.failed_in[:1])
        if (len(covered) < len(due) or overlapping) and options.wait:
            return Await(run.job, f"job {run.job.id}, which runs on a part of the {options.hosts} hosts,")
        return Adopt(run.job, _is_active(run.job, source), covered, rest)
    unknown = next((run.job for run in active if any(run.runs_on(host.names) is None for host in due)), None)
    return None if unknown is None else _may_be_done(unknown, due, options)


def _may_be_done(job: Job, due: tuple[HostRecord, ...], options: RelaunchOptions) -> Decision:
    """What to do where it is not known before the end of an active run whether that does hosts that need one."""
    limit, hosts = join(job.limit_names), join(host.name for host in due)
    if options.wait:
        return Await(job, f"job {job.id}, which is limited to {limit} and may run on the {options.hosts} hosts,")
    return Refuse(
        f"Job {job.id}, the same work, is {job.status} and limited to {limit}: whether that holds {hosts} is not known "
        "before it ends. Set wait: true to wait for that first, or run the task again later."
    )


def _nothing_due(ledger: Ledger, options: RelaunchOptions) -> Settled:
    """Every failed host is done, or no relaunch on failed hosts runs on it."""
    if ledger.reached(Reach.PARKED):
        return _parked(ledger)
    tried = ledger.reached(Reach.TRIED)
    if tried:
        names, job = join(host.name for host in tried), tried[0].failed_in[0]
        if job.id in ledger.tried:
            return Refuse(f"This task has relaunched the same work as job {job.id}, which failed on {names}.")
        job = max((run.job for run in ledger.runs if run.job.id in ledger.tried), key=ended)
        return Refuse(f"This task has relaunched the same work as job {job.id}, which ended with status {job.status}.")
    moved = join(host.name for host in ledger.reached(Reach.ELSEWHERE))
    if moved:
        return Refuse(
            f"Job {ledger.source.id}, one of several slices, failed on {moved}, in another slice by now, since the "
            "inventory has changed. Launch the template for all slices."
        )
    whole_only = ledger.reached(Reach.WHOLE, Reach.AGAIN)
    # Of the hosts for which it stopped, and that can run, none is left where they were asked for one by one.
    if not whole_only and (ledger.stopped is None or ledger.stopped_hosts is not None):
        return _healed(ledger)
    reason = why_cut_short(ledger)
    # No launch takes one slice of its template.
    whole = ledger.source.sliced or ledger.reached(Reach.WHOLE)
    how = "" if whole else "hosts: remaining, which leaves out what is done, or with "
    said = f"{reason} Relaunch it with {how}hosts: all, or set fallback_to_all: true."
    refuse = Refuse(said, cut_short=True, asks_end=not ledger.end_known)
    return _fall_back(ledger, options, whole_only, reason, refuse)


def _fall_back(
    ledger: Ledger, options: RelaunchOptions, hosts: t.Iterable[HostRecord], reason: str, refuse: Refuse
) -> Settled:
    """A run on all hosts where no relaunch on some of them does what is left, if that may be.

    :param hosts: as of ``_decide_whole``.
    :param reason: why none does, as sentences.
    :param refuse: what is said where it may not be.
    """
    whole = _decide_whole(ledger, options, hosts)
    if not isinstance(whole, Launch):
        return whole
    return replace(whole, reason=reason.rstrip(".")) if options.fallback_to_all else refuse


def why_cut_short(ledger: Ledger) -> str:
    """What is left of a job's work that no relaunch on failed hosts reaches, as sentences; empty where nothing is."""
    source, stopped = base_run(ledger) or ledger.source, ledger.stopped
    whole_only = ledger.reached(Reach.WHOLE, Reach.AGAIN)
    if not whole_only and stopped is None:
        return ""
    done = [host.name for host in ledger.hosts or () if host.done_in is not None]
    by = ledger.last_done
    said = [f"Of job {source.id} {join(sorted(done))} succeeded since, last in job {by.id}."] if done and by else []
    if whole_only:
        names = join(host.name for host in whole_only)
        said.append(
            f"Job {source.id} failed on {names}, which no relaunch on failed hosts reaches: deleted and added again, "
            "made by the playbook, or localhost."
        )
    if stopped is not None:
        said.append(_where(source, stopped))
    return " ".join(said)


def _where(source: Job, stopped: StoppedEarly) -> str:
    if stopped.unknown:
        return (
            f"Whether job {source.id} stopped before its end for hosts that did not fail cannot be known: "
            f"{stopped.unknown}."
        )
    ended_so = f"stopped before its end{f' at {stopped.at}' if stopped.at else ''}"
    ended_so = "only checked" if stopped.only_checked else ended_so
    shown = stopped.hosts[:_HOSTS_SHOWN]
    more = len(stopped.hosts) - len(shown) + stopped.more
    number = counted(more, "host") if more else "hosts"
    hosts = f"{join(shown)}{f' and {more} more' if more else ''}" if shown else number
    return f"Job {source.id} {ended_so}: it has not been done on {hosts}, though they did not fail."


def _healed(ledger: Ledger) -> Done:
    source, left = ledger.source, ledger.remaining
    by, last = ledger.last_done, ledger.stopped_done_in
    first = f"job {source.id} failed on"
    if not ledger.hosts:
        return Done(source, f"Job {source.id} failed on no host: nothing to relaunch.", (), _asks_end(ledger))
    if by is not None:
        if last is not None and ended(last) > ended(by):
            by, first = last, f"{first}, or had not been done on,"
        which = f"Those of the hosts that {first} that can run" if left else f"The hosts that {first}"
        said = f"{which} have succeeded since, the last of them in job {by.id}: nothing to relaunch."
        reason = f"{said}{not_run_by_success(ledger)}"
        return Done(by, reason, left, _asks_end(ledger))
    absent = [host.absent_in for host in left if host.absent_in is not None]
    job = max(absent, key=ended, default=source)
    return Done(job, f"None of the hosts that {first} can run now: nothing to relaunch.", left, _asks_end(ledger))


def not_run_by_success(ledger: Ledger) -> str:
    """What is to be said where the success on all hosts ran on fewer, and none that it left out can run; else empty."""
    if ledger.whole_left_out is not False or ledger.whole_success is None:
        return ""
    job = ledger.whole_success.id
    return f" Job {job} did not run on some hosts, which are disabled, gone, not targeted by a play, or done by others."


def _asks_end(ledger: Ledger) -> bool:
    return not ledger.end_known and ledger.whole_success is None


def _launch_failed(ledger: Ledger, options: RelaunchOptions) -> Settled:
    """The run whose failed hosts are exactly those that are due, newest first; else the one that covers all with the
    fewest others; else the one that covers most, of several those that have waited longest. Runs of which nothing is
    known reach nothing, and neither do those whose failed hosts no limit holds.
    """
    source, due = ledger.source, ledger.due
    # What goes on failing, or does not run, would keep as many others from their turn.
    waits = {
        host.name: max(job.finished for job in (*host.failed_in[:1], host.absent_in) if job is not None).timestamp()
        for host in due
    }
    wanted = frozenset(waits)

    def rank(run: Run) -> tuple[int, float, int, t.Any]:
        reached = run.failed_present
        covered = reached & wanted
        since = min((waits[name] for name in covered), default=0.0)
        return len(covered), -since, -len(reached - wanted), ended(run.job)

    parked = frozenset(host.name for host in ledger.reached(Reach.PARKED))
    runs = [run for run in (ledger.source_run, *ledger.runs) if not run.failed_present & parked]
    best = max(runs, key=rank, default=ledger.source_run)
    if parked and (not runs or not best.failed_present & wanted):
        return _parked(ledger)
    problem = _limit_problem(best)
    if problem:
        best = max((run for run in runs if not _limit_problem(run)), key=rank, default=best)
        if not best.failed_present & wanted or _limit_problem(best):
            return _no_limit(ledger, options, problem)
    from_source = _of_source(source, FAILED, due)
    if best.job.id == source.id:
        return from_source
    own, instead = ledger.source_run, t.cast("t.Optional[Launch]", from_source)
    # Were none of the hosts among those that failed in the source, it would be relaunched again and again.
    if not own.failed_present & wanted or _limit_problem(own) or own.failed_present & parked:
        whole = _decide_whole(ledger, options, due) if options.fallback_to_all else None
        instead = whole if isinstance(whole, Launch) else None
    return Launch(best.job, FAILED, f"{named(best.job, source)}, ended with status {best.job.status}", due, instead)


def _parked(ledger: Ledger) -> Refuse:
    """A relaunch would run on hosts that need a person."""
    hosts = sorted(ledger.reached(Reach.PARKED), key=lambda host: host.name)
    names = join([f"{host.name} ({host.parked})" for host in hosts])
    rest = f" {join(host.name for host in ledger.due)} can only be retried with them." if ledger.due else ""
    return Refuse(f"Job {ledger.source.id} is parked, since hosts of it need a person: {names}.{rest}", parked=True)


def _limit_problem(run: Run) -> str:
    """Why a relaunch of a run on its failed hosts would not run on them."""
    return limit_problem(run.failed_present) if narrows_limit(run.job, FAILED) else ""


def _no_limit(ledger: Ledger, options: RelaunchOptions, problem: str) -> Settled:
    """The failed hosts are such that the relaunch, whose limit they are, would run on none of them."""
    reason = f"No relaunch runs on exactly the failed hosts of job {ledger.source.id}: {problem}"
    refuse = Refuse(f"{reason} Or relaunch it with hosts: all, or set fallback_to_all: true.")
    return _fall_back(ledger, options, ledger.due, reason, refuse)


def _is_active(job: Job, source: Job) -> str:
    return f"{named(job, source)}, is {job.status} already."


def named(job: Job, source: Job) -> str:
    """A later job of the same work, for the beginning of a sentence."""
    what = "a relaunch of" if job.is_relaunch else "the same work as"
    return f"Job {job.id}, {what} job {source.id}"


def _of_source(source: Job, hosts: str, due: tuple[HostRecord, ...] = ()) -> Launch:
    verb = "is" if source.active else "was" if source.successful else "ended with status"
    return Launch(source, hosts, f"Job {source.id} {verb} {source.status}", due)
