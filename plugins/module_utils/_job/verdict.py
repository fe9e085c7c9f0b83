# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on a job that was waited for: whether it has done what was asked of it, and on which hosts.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api.errors import (
    AnswerError,
    ControllerError,
    CutShortError,
    HostsLeftError,
    JobUnsuccessfulError,
    ParkedError,
    RefusedError,
    if_visible,
)
from .._api.jobs import FAILED_STATUS, HostSummary, Job, get, join
from .._api.kinds import JOB
from .._launch import failure_report
from .._launch.asks import Steps
from .._launch.refusals import RAN_WITH_GONE
from .._work.decision import ALL, REMAINING, Await, Decision, Done, Launch, Refuse, named, not_run_by_success
from .._work.ledger import HostRecord, Reach, done_by, ended
from .outcome import BrokenOffError, RelaunchOutcome, carrying, first_error, in_one
from .work import JobWork, Look, host_names, left_out, with_hosts

# The job type that changes nothing.
CHECK = "check"


@dataclass(frozen=True)
class Judgement:
    """What a job that was waited for has come to.

    :param again: more is left to be launched.
    :param due: by name, the hosts that are left and that another launch would run on.
    """

    outcome: RelaunchOutcome
    again: bool = False
    due: frozenset[str] = frozenset()


def judge(work: JobWork, job: Job, outcome: RelaunchOutcome, alone: bool = False) -> Steps[Judgement]:
    """Tell how a job ended that was waited for.

    :param job: it, having ended.
    :param outcome: what is known besides, such as the hosts that it was to run on; its message goes on.
    :param alone: no other run on all hosts can have been beside it.
    :raises JobUnsuccessfulError: it was not successful, or ran as another type or with another limit than asked for.
    :raises CutShortError: it was, and the source had ended early for other hosts, or was deleted before that was known.
    """
    try:
        return (yield from _judge(work, job, outcome, alone))
    except BrokenOffError as error:
        if not (job.successful and _is_without_source(work, first_error(error))):
            raise
        known = t.cast("RelaunchOutcome", error.outcome)
        raise BrokenOffError(_source_deleted(work, job), replace(known, failed_hosts=(), cut_short=True)) from None


def _is_without_source(work: JobWork, error: BaseException) -> bool:
    """Whether the source has been deleted, so that what was asked for is not there."""
    if not (isinstance(error, AnswerError) and error.not_visible):
        return False
    try:
        return if_visible(lambda: get(work.client, work.source.id), [404]) is None
    except ControllerError:
        return False


def _source_deleted(work: JobWork, job: Job) -> CutShortError:
    """The error where a job was successful, and nobody can tell any more what its source had left."""
    return CutShortError(
        f"Job {job.id} was successful, but job {work.source.id} was deleted in the meantime: whether that had stopped "
        "before its end for other hosts cannot be known. If it may have, launch its template on these. See "
        f"{work.client.page_url(JOB.page, job.id)}"
    )


def _judge(work: JobWork, job: Job, outcome: RelaunchOutcome, alone: bool) -> Steps[Judgement]:
    outcome = outcome.about(work.client, job)
    if job.successful and work.request.options.hosts != ALL:
        with carrying(outcome):
            # A list shows less of it, and what it has started is asked for.
            job = work.events_in.of_successful(job)
        outcome = replace(outcome, job=job)
    if job.successful and work.lost_template(job):
        return Judgement(outcome, again=True)
    if outcome.hosts and job.limit_names <= frozenset(outcome.hosts):
        with carrying(replace(outcome, remaining_hosts=None)):
            work.reader.assume_done(job, of_source=outcome.relaunched_job_id == work.source.id)
    if not job.successful:
        outcome, error = yield from _unsuccessful(work, job, outcome)
        if error is None:
            return Judgement(outcome)
        with carrying(outcome):
            raise error
    outcome = replace(outcome, failed_hosts=())
    check_type(work, job, outcome)
    check_limit(work, job, outcome)
    said = f"Job {job.id} was successful."
    whole = work.request.options.hosts == ALL
    if whole:
        _check_slice(work, job, outcome)
    if whole and alone:
        return Judgement(outcome.saying(said))
    # What remained before it may have been done by it.
    with carrying(replace(outcome, remaining_hosts=None)):
        look = yield from work.look(job)
        outcome = outcome.saying(said)
        return _judge_whole(look, job, outcome) if whole else _judge_hosts(work, look, job, outcome)


def _judge_whole(look: Look, job: Job, outcome: RelaunchOutcome) -> Judgement:
    failures = look.ledger.whole_failures
    if done_by([job], failures) is None:
        raise _overtaken(job, max(failures, key=ended), "", outcome)
    return Judgement(outcome)


def _overtaken(job: Job, by: Job, on: str, outcome: RelaunchOutcome) -> BrokenOffError:
    """The error where another run of the same work failed after a job was launched, which takes its success back."""
    said = f"Job {job.id} was successful, but job {by.id}, the same work, ended after its launch and failed{on}."
    return BrokenOffError(HostsLeftError(f"{said} Run the task again. See {outcome.url}"), outcome)


def _judge_hosts(work: JobWork, look: Look, job: Job, outcome: RelaunchOutcome) -> Judgement:
    asked = frozenset(outcome.hosts or ())
    with carrying(with_hosts(outcome, look.ledger)):
        look, decision = work.decide(look, force=False)
        if isinstance(decision, Launch) and _more(decision, asked):
            # Those that are disabled by now are left, and no launch runs on them.
            look, decision = work.decide(work.with_disabled(look), force=False)
    outcome = with_hosts(outcome, look.ledger)
    outcome = outcome.leaving(*left_out(work, look.ledger, job))
    if isinstance(decision, Refuse):
        if decision.cut_short or decision.parked:
            raise refused(work, decision, outcome)
        said = f"Job {job.id} was successful, but that is not all. {decision.reason} See {outcome.url}"
        raise BrokenOffError(JobUnsuccessfulError(said), outcome)
    if isinstance(decision, Await) and not look.ledger.due:
        return Judgement(outcome, again=True)
    if isinstance(decision, Launch):
        if decision.hosts == ALL:
            return Judgement(outcome.saying(f"{decision.reason}: all hosts are next."), again=True)
        overtaken = [host for host in decision.due if _failed_since(host, job)]
        if overtaken:
            raise _overtaken(job, overtaken[0].failed_in[0], f" on {join(host_names(overtaken))}", outcome)
        return Judgement(outcome, _more(decision, asked), frozenset(host_names(decision.due)))
    if isinstance(decision, Done):
        return Judgement(outcome.saying(not_run_by_success(look.ledger).lstrip()))
    # What is left is being done by another one.
    return Judgement(outcome, again=work.request.options.wait)


def _more(decision: Launch, asked: frozenset[str]) -> bool:
    """Whether a part is due that the job was not to do.

    :param asked: by name, the hosts that it was to do.
    """
    return decision.hosts != ALL and any(not host.names & asked for host in decision.due)


def _failed_since(host: HostRecord, job: Job) -> bool:
    """Whether another run failed on a host after a job had been launched."""
    return bool(host.failed_in) and host.failed_in[0].id != job.id and host.failed_in[0].finished >= job.created


def unless_bereft(work: JobWork, decision: Decision) -> Decision:
    """What to do, where a relaunch would be taken; else the refusal."""
    relaunches = isinstance(decision, Launch) and decision.hosts != REMAINING
    job = decision.job if isinstance(decision, Launch) else work.source
    # What is said of hosts for which a job stopped advises a relaunch.
    advised = isinstance(decision, Refuse) and decision.cut_short
    if not ((relaunches or advised) and job.bereft) or work.request.changes:
        return decision
    return Refuse(f"Job {job.id} cannot be relaunched. {RAN_WITH_GONE}")


def refused(work: JobWork, decision: Refuse, outcome: RelaunchOutcome) -> BrokenOffError:
    """The error that says why nothing is launched.

    :param outcome: what is known.
    """
    if decision.parked:
        return BrokenOffError(ParkedError(decision.reason), outcome)
    if not decision.cut_short:
        return BrokenOffError(RefusedError(decision.reason), outcome)
    page = work.client.page_url(JOB.page, work.source.id)
    return BrokenOffError(CutShortError(f"{decision.reason} See {page}"), replace(outcome, cut_short=True))


def check_type(work: JobWork, job: Job, outcome: RelaunchOutcome, end: str = "") -> None:
    """See that a job is of the type asked for, so that its success is one.

    :param end: what was done about it where it is not, as a sentence.
    :raises JobUnsuccessfulError: it is not.
    """
    wanted = work.same_work.job_type
    if job.job_type == wanted:
        return
    because = (
        "the template now only checks"
        if job.job_type == CHECK
        else f"though {wanted} was asked for, and the controller had said that it takes it"
    )
    said = in_one(f"Job {job.id} ran as {job.job_type}: {because}.", end, f"See {outcome.url}")
    raise BrokenOffError(JobUnsuccessfulError(said), outcome)


def check_limit(work: JobWork, job: Job, outcome: RelaunchOutcome) -> None:
    """See that a job that is to be on all hosts has the source's limit.

    :raises JobUnsuccessfulError: its template's was edited, which a relaunch takes over unless its source was launched
        with another one.
    """
    wanted = work.source.limit_names
    if outcome.hosts or job.limit_names == wanted:
        return
    said = with_another_limit(f"Job {job.id} is", job.limit_names, outcome.source_job_id, wanted)
    raise BrokenOffError(JobUnsuccessfulError(f"{said} See {outcome.url}"), outcome)


def with_another_limit(what: str, limit: frozenset[str], source: t.Optional[int], wanted: frozenset[str]) -> str:
    """Why a job that is to be on all hosts is not, or would not be, and the way on.

    :param what: it, and the verb.
    """
    return (
        f"{what} limited to {join(limit) or 'all hosts'}, and job {source} was to {join(wanted) or 'all hosts'}: the "
        "template has another limit by now. Restore that, and run the task again."
    )


def _check_slice(work: JobWork, job: Job, outcome: RelaunchOutcome) -> None:
    """See that a job of a slice had the source's hosts.

    :raises JobUnsuccessfulError: its inventory has changed, so that some of them are in another slice.
    """
    with carrying(outcome):
        if missing := host_names(work.reader.in_other_slices(job)):
            verb = "is" if len(missing) == 1 else "are"
            raise JobUnsuccessfulError(
                f"Job {job.id} was successful, but not on all hosts of job {work.source.id}, the same slice: "
                f"{join(missing)} {verb} in another slice by now, since the inventory has changed. Launch the template "
                f"for all slices. See {outcome.url}"
            )


def _began_on_none(work: JobWork, job: Job, summaries: t.Sequence[HostSummary]) -> bool:
    """Whether a job failed before it began, and the controller does not explain it."""
    if summaries or job.status != FAILED_STATUS or job.facts.get("job_explanation"):
        return False
    return work.events_in(job).never_began


def _on_no_host(work: JobWork, job: Job, summaries: t.Sequence[HostSummary]) -> str:
    """Why a job may have failed before it began, where the controller does not explain it; to go on a sentence."""
    if not _began_on_none(work, job, summaries):
        return ""
    if work.source.sliced and work.source.never_began:
        return (
            f" It began on no host, nor did job {work.source.id}: unless its output tells of an error, no host in its "
            "limit is in this slice, and nothing is to be done there. A launch with fewer slices leaves none empty."
        )
    if work.source.sliced:
        return (
            " It began on no host: unless its output tells of an error, the hosts in its limit are in another slice by "
            "now, since the inventory has changed. Launch the template for all slices."
        )
    return (
        f" It began on no host: unless its output tells of an error, none of the hosts "
        f"{'in its limit' if job.limit_names else 'that it is for'} is enabled in its inventory now. Add or enable "
        "them there, and run the task again."
    )


def _on(hosts: t.Optional[t.Sequence[str]]) -> str:
    """On which hosts a job failed, to go on a sentence."""
    return f" on {join(hosts)}" if hosts else ""


def _unsuccessful(
    work: JobWork, job: Job, outcome: RelaunchOutcome
) -> Steps[tuple[RelaunchOutcome, t.Optional[ControllerError]]]:
    """The error that tells of it; None where all of its hosts are disabled, as if it had left them out, and where it
    failed on others than were asked for, and these are done. Nothing that goes wrong here may hide the failure itself.
    """
    first = ""
    try:
        summaries = work.reader.summaries(job)
        failed = tuple(summary.name for summary in summaries if summary.failed)
        outcome = replace(outcome, failed_hosts=failed)
        if work.request.options.hosts != ALL:
            look = yield from work.look(job)
            if work.request.options.hosts == REMAINING:
                # Those too for which one stopped before its end.
                look, _decision = work.decide(look, force=False)
            outcome = with_hosts(outcome, look.ledger).leaving(*left_out(work, look.ledger))
            ledger = look.ledger
            idle = bool(ledger.reached(Reach.IDLE)) and not ledger.due and _began_on_none(work, job, summaries)
            if idle or not ledger.remaining:
                _look, decision = work.decide(look, force=False)
                if isinstance(decision, Done):
                    end = "began on no host" if idle else f"ended with status {job.status}{_on(failed)}"
                    return outcome.saying(f"Job {job.id} {end}. {decision.reason}"), None
                if idle and isinstance(decision, Refuse) and decision.cut_short:
                    return outcome, refused(work, decision, outcome)
        failures = failure_report.failures(work.client, job.id, summaries)
        first = failures.first or _on_no_host(work, job, summaries)
        outcome = replace(outcome, failures=failures.shown, failures_more=failures.more)
        outcome = replace(outcome, stdout_tail=failure_report.stdout_tail(work.client, job.id))
    except ControllerError as error:
        outcome = replace(outcome, report_error=str(error))
    # A list shows no traceback.
    shown = work.events_in.known(job) or job
    return outcome, JobUnsuccessfulError(
        f"{named(job, work.source)}, ended with status {job.status}{_on(outcome.failed_hosts)}."
        f"{failure_report.explained(shown)}{first} See {outcome.url}"
    )
