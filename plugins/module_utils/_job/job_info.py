# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What job_relaunch knows of a job, without acting: the same look, and the same decision.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api.client import ControllerClient
from .._api.errors import ControllerError, RefusedError
from .._api.jobs import CANCELED, Job, get_named, grouped, never_runs
from .._api.kinds import JOB
from .._api.paging import first_entries
from .._launch.asks import Steps
from .._launch.failure_report import FAILURES_LIMIT, SHOWN_MESSAGE, HostFailure, causes, stdout_tail
from .._launch.refusals import not_startable, source_unavailable
from .._launch.waiting import Watch
from .._work.decision import (
    ALL,
    FAILED,
    REMAINING,
    Adopt,
    Await,
    Decision,
    Done,
    Launch,
    Refuse,
    base_run,
    narrows_limit,
)
from .._work.ledger import FAILURES, HostRecord, HostResult, Ledger, ended, result_of
from .._work.ledger_reader import JobsRead
from .._work.runs import Run, runs_query
from .._work.same_work import same_but_limit
from .driver import drive
from .launch_template import Preparer, limited_to
from .options import RelaunchRequest, taking_over
from .outcome import JobOutcome, RelaunchOutcome, carrying, first_error, outcome_of
from .prediction import on, once_more
from .relaunch import RelaunchPreparer
from .relaunch_job import source_job_id
from .sequence import adopted_outcome, done_outcome
from .verdict import unless_bereft
from .work import JobWork, Look, host_names, settled_work, with_hosts

INFO_SPECIFICATION = taking_over(
    ("job_id", "job_template", "organization", "fallback_to_all"),
    hosts=dict(type="str", choices=[ALL, FAILED, REMAINING], default=FAILED),
)

# The events of so many runs are asked for at most: those in which remaining hosts failed last, the newest first.
CAUSES_READ = 3
# So many runs are told at most, the newest ones; and so many jobs before a relaunch are looked through.
RUNS_SHOWN = 200

_VERDICTS = {Await: "await", Refuse: "refuse", Done: "done", Adopt: "adopt", Launch: "launch"}


@dataclass(frozen=True)
class InfoOutcome(JobOutcome):
    """What job_info tells; the fields are the keys of its result, where they are documented."""

    verdict: t.Optional[str] = None
    verdict_job_id: t.Optional[int] = None
    relaunch_on: t.Optional[str] = None
    relaunch_hosts: t.Optional[tuple[str, ...]] = None
    hosts: t.Optional[tuple[t.Mapping[str, t.Any], ...]] = None
    runs: t.Optional[tuple[t.Mapping[str, t.Any], ...]] = None


def info_request(params: t.Mapping[str, t.Any]) -> RelaunchRequest:
    """The request of job_relaunch whose verdict is asked for: one that waits, and that sends nothing.

    :param params: validated, as INFO_SPECIFICATION has them.
    :raises OptionError: one of them cannot be used.
    """
    request = RelaunchRequest.of({**params, "wait": True}, check_mode=True, diff=False)
    # Of other jobs it tells what a list shows.
    return replace(request, one_of_many=True)


def job_info(client: ControllerClient, request: RelaunchRequest) -> InfoOutcome:
    """Tell what a relaunch would do, and what is known of the job's work.

    :param client: the controller.
    :param request: of ``info_request``.
    :raises ControllerError: the job, or what the decision rests on, could not be read.
    """
    watch = Watch(client, request.waiting, None)
    job_id = source_job_id(client, request)
    with carrying(InfoOutcome(source_job_id=job_id)):
        source = get_named(client, job_id, JOB, source_unavailable)
        read = JobsRead()
        work = settled_work(lambda one: JobWork.of(request, watch, one, read, with_hosts=True), source)
        look, decision = drive(_decided(work), watch)
        outcome = _verdict(work, look, decision)
        outcome = outcome.about(client, work.source)
        outcome = _with_failures(work, look.ledger, decision, outcome)
        return replace(outcome, runs=_lineage(work, look.ledger))


def _decided(work: JobWork) -> Steps[tuple[Look, Decision]]:
    """The look, and what a task would do by it, as far as the controller says that it lets this user do it."""
    if work.out_of_question:
        look = Look(Ledger(Run(work.source, whole=True)), work.client.clock())
        return look, Refuse(work.out_of_question)
    look = yield from work.look(hosts_needed=True, disabled=True)
    look, decision = work.decide(look)
    decision = unless_bereft(work, decision)
    while isinstance(decision, Launch) and decision.hosts != REMAINING and not decision.job.startable:
        decision = decision.instead or Refuse(not_startable(decision.job))
    return look, _unless_refused(work, look.ledger, decision) if isinstance(decision, Launch) else decision


def _unless_refused(work: JobWork, ledger: Ledger, decision: Launch) -> Decision:
    """The launch, where nothing that is known beforehand speaks against it."""
    try:
        if decision.hosts == REMAINING:
            Preparer(work).prepared(decision, RelaunchOutcome(), ledger)
        else:
            relaunch = RelaunchPreparer(work)
            relaunch.unopposed(RelaunchOutcome())
            relaunch.refuse_other_type()
            relaunch.refuse_other_limit(decision)
    except ControllerError as error:
        if not isinstance(first_error(error), RefusedError):
            raise
        carried = outcome_of(error)
        # Which passwords will be given is not known here.
        if not (isinstance(carried, RelaunchOutcome) and carried.passwords_missing):
            return Refuse(str(error))
    return decision


def _verdict(work: JobWork, look: Look, decision: Decision) -> InfoOutcome:
    """What would be done, and the hosts where they are known: a job may have failed on none, and not be done."""
    ledger = look.ledger
    seen = with_hosts(RelaunchOutcome(), ledger).warned(*map(never_runs, ledger.left_new))
    outcome = InfoOutcome(verdict=_VERDICTS[type(decision)])
    if isinstance(decision, Refuse):
        seen = seen.saying(decision.reason)
        outcome = replace(outcome, cut_short=decision.cut_short or None)
    else:
        outcome = replace(outcome, verdict_job_id=decision.job.id)
    if isinstance(decision, Await):
        seen = seen.saying(f"Job {decision.job.id} is {decision.job.status}: its end decides. It would be waited for.")
    elif isinstance(decision, Done):
        seen = done_outcome(work, look, decision, seen)
    elif isinstance(decision, Adopt):
        seen = adopted_outcome(work, look, decision, decision.job, seen).saying("It would be waited for.")
    elif isinstance(decision, Launch):
        names = _relaunch_hosts(ledger, decision)
        how = f"would be relaunched on {on(names)}"
        if decision.hosts == REMAINING:
            how = f"its template would be launched, {limited_to(names)}"
        again = once_more(ledger, decision, names, "It would run") if decision.hosts == FAILED else ""
        seen = seen.saying(f"{decision.reason}: {how}.", again, work.masked(ledger))
        outcome = replace(outcome, relaunch_on=decision.hosts if names else ALL, relaunch_hosts=names or None)
    records = (*(ledger.hosts or ()), *(ledger.stopped_hosts or ()))
    if records or isinstance(decision, Done):
        base = base_run(ledger) or ledger.source
        hosts = tuple(_host(host, base) for host in sorted(records, key=lambda host: host.name))
        outcome = replace(outcome, hosts=hosts, remaining_hosts=host_names(ledger.remaining))
    return replace(
        outcome,
        source_job_id=work.source.id,
        msg=seen.msg,
        warnings=seen.warnings,
        stopped_hosts=seen.stopped_hosts,
        gone_hosts=seen.gone_hosts,
    )


def _relaunch_hosts(ledger: Ledger, decision: Launch) -> tuple[str, ...]:
    """The hosts that a relaunch would be limited to; none where it runs on all."""
    if decision.hosts == REMAINING:
        return host_names(decision.due)
    if not narrows_limit(decision.job, decision.hosts):
        return ()
    return tuple(sorted(ledger.run(decision.job.id).failed_present)) or host_names(decision.due)


def _host(host: HostRecord, base: Job) -> dict[str, t.Any]:
    """A host with its newest result, and the run that it comes from; its cause is added where it is known.

    :param base: the run that stopped before its end for those that did not fail.
    """
    if host.done_in is not None:
        return dict(name=host.name, result=HostResult.DONE.value, job_id=host.done_in.id)
    if not host.failed_in:
        return dict(name=host.name, result=host.last.value, job_id=base.id, reach=host.reach.value)
    result = host.last if host.last in FAILURES else HostResult.FAILED
    return dict(name=host.name, result=result.value, job_id=host.failed_in[0].id, reach=host.reach.value)


def _with_failures(work: JobWork, ledger: Ledger, decision: Decision, outcome: InfoOutcome) -> InfoOutcome:
    """The outcome with what the remaining hosts failed with, and the end of the output of the run that failed last."""
    remaining = _left(ledger)
    if work.source.active or (isinstance(decision, Done) and not remaining):
        return outcome
    last = max((host.failed_in[0] for host in remaining), key=ended, default=work.source)
    try:
        found = _causes(work.client, ledger)
        hosts = tuple(_with_cause(host, found.get(host["name"])) for host in outcome.hosts or ())
        shown = tuple(found.values())[:FAILURES_LIMIT]
        more = len(remaining) - len(shown)
        outcome = replace(outcome, hosts=hosts or outcome.hosts, failures=shown, failures_more=more)
        outcome = replace(outcome, stdout_tail=stdout_tail(work.client, last.id))
    except ControllerError as error:
        outcome = replace(outcome, report_error=str(error))
    return outcome


def _left(ledger: Ledger) -> list[HostRecord]:
    """The remaining hosts that have failed; for the others a run stopped early."""
    return [host for host in ledger.remaining if host.failed_in]


def _causes(client: ControllerClient, ledger: Ledger) -> dict[str, HostFailure]:
    """By name, what the remaining hosts failed with last, in the order in which it happened."""
    newest_first = sorted(_left(ledger), key=lambda host: ended(host.failed_in[0]), reverse=True)
    by_run = grouped(newest_first, lambda host: host.failed_in[0].id)
    found: dict[str, HostFailure] = {}
    for number, hosts in list(by_run.items())[:CAUSES_READ]:
        names = {name: host.name for host in hosts for name in host.names}
        wanted = [one for one in ledger.run(number).summaries or () if one.name in names]
        for name, failure in causes(client, number, wanted).items():
            found[names[name]] = {**failure, "host": names[name], "job_id": number}
    return dict(reversed(found.items()))


def _with_cause(host: t.Mapping[str, t.Any], failure: t.Optional[HostFailure]) -> t.Mapping[str, t.Any]:
    if failure is None:
        return host
    cause = {name: failure[name] for name in ("play", "task", "module")}
    result = HostResult.UNREACHABLE.value if failure["unreachable"] else host["result"]
    return {**host, "result": result, "cause": {**cause, "message": failure["message"][:SHOWN_MESSAGE]}}


def _lineage(work: JobWork, ledger: Ledger) -> tuple[t.Mapping[str, t.Any], ...]:
    """The runs of the work, oldest first: those that the job goes back to, itself, and those after it."""
    early = () if ledger.early is None else (Run(ledger.early),)
    later = sorted((*ledger.runs, *early), key=lambda run: run.job.id)
    runs = [*map(Run, _before(work)), ledger.source_run, *later]
    return tuple(_run(work.client, run) for run in runs[-RUNS_SHOWN:])


def _before(work: JobWork) -> list[Job]:
    """The jobs that a relaunch goes back to, as far as one page tells.

    The controller keeps no link between them: it is the jobs with the same values back to one that is no relaunch.
    """
    source, found = work.source, list[Job]()
    if not source.is_relaunch:
        return found
    query = {**runs_query(source), "order_by": "-id", "id__lt": source.id, "page_size": RUNS_SHOWN}
    for job in map(Job.of, first_entries(work.client.get, JOB.path, **query)):
        if not same_but_limit(job, source):
            continue
        if job.is_relaunch and job.limit_names and not source.limit_names <= job.limit_names:
            # Of other hosts.
            continue
        found.insert(0, job)
        if not job.is_relaunch:
            break
    return found


def _run(client: ControllerClient, run: Run) -> dict[str, t.Any]:
    job = run.job
    by = job.facts.get("launched_by") or {}
    done, failed = _counts(run)
    return dict(
        id=job.id,
        url=client.page_url(JOB.page, job.id),
        launch_type=job.facts.get("launch_type"),
        launched_by=by.get("name") or job.summary("created_by").get("username"),
        created=job.facts.get("created"),
        finished=job.facts.get("finished"),
        limit=job.facts.get("limit") or "",
        status=job.status,
        hosts_done=done,
        hosts_failed=failed,
    )


def _counts(run: Run) -> tuple[t.Optional[int], t.Optional[int]]:
    """How many hosts a run has done, and on how many it failed; None where that was not asked for, or is not known."""
    if run.job.active or run.job.status == CANCELED:
        return None, None
    # Of one that came to no statistics there are no summaries.
    if not run.summaries:
        failed = 0 if run.job.successful else run.job.failures_counted
        return (run.job.hosts_counted if run.job.successful else None), failed
    failed = sum(one.failed for one in run.summaries)
    if not run.job.successful and run.stopped is None:
        return None, failed
    return sum(result_of(run, one) is HostResult.DONE for one in run.summaries), failed
