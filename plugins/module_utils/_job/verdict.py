# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on a job that was waited for: whether it has done what was asked of it, and on which hosts."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api import jobs as _jobs
from .._api.errors import ControllerError, JobUnsuccessfulError
from .._api.jobs import HostSummary, Job, names_of, told
from .._launch import failure_report as _report
from .outcome import RelaunchOutcome, carrying

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient
    from .._launch.waiting import Watch


@dataclass(frozen=True)
class Asked:
    """What was asked of a job.

    :param job_type: as which it was to run, ``run`` or ``check``.
    :param limit: the names that it was to be limited to where it is on all hosts: those of the source's limit.
    :param hosts: by name, those it was to run on; None for all, whichever they are.
    :param rest: hosts that remain beside them.
    """

    job_type: str
    limit: frozenset[str] = frozenset()
    hosts: t.Optional[frozenset[str]] = None
    rest: frozenset[str] = frozenset()


def judge(client: ControllerClient, watch: Watch, job: Job, asked: Asked, outcome: RelaunchOutcome) -> RelaunchOutcome:
    """Tell how a job ended that was waited for.

    :param job: it, having ended.
    :param outcome: what is known besides; its message goes on.
    :returns: the outcome with the hosts that remain, and a warning where some of those asked for did not run.
    :raises JobUnsuccessfulError: it was not successful, or ran as another type or with another limit than asked for.
    """
    outcome = outcome.about(client, job)
    if not job.successful:
        raise _unsuccessful(client, watch, job, asked, outcome)
    outcome = replace(outcome, failed_hosts=())
    check_type(job, asked, outcome)
    check_limit(job, asked, outcome)
    if asked.hosts is not None or outcome.remaining_hosts:
        # Who reads this is told of the job even if its hosts cannot be read.
        with carrying(outcome):
            left = _remaining(outcome, job, asked, _ran(client, watch, job, asked))
        outcome = replace(outcome, remaining_hosts=left).warned(left_out(left, job))
    return outcome.saying(f"Job {job.id} was successful.")


def check_type(job: Job, asked: Asked, outcome: RelaunchOutcome, end: str = "") -> None:
    """See that a job is of the type asked for, so that its success is one.

    :param end: what was done about it where it is not, as a sentence.
    :raises JobUnsuccessfulError: it is not.
    """
    if job.job_type == asked.job_type:
        return
    because = (
        "the template checks only by now"
        if job.job_type == "check"
        else f"though {asked.job_type} was asked for, and the controller had said that it takes it"
    )
    with carrying(outcome):
        raise JobUnsuccessfulError(
            " ".join(filter(None, (f"Job {job.id} ran as {job.job_type}: {because}.", end, f"See {outcome.url}")))
        )


def check_limit(job: Job, asked: Asked, outcome: RelaunchOutcome) -> None:
    """See that a job that is to be on all hosts has the source's limit.

    :raises JobUnsuccessfulError: its template's was edited, which a relaunch takes over unless its source was launched
        with another one.
    """
    if asked.hosts is not None or job.limit_names == asked.limit:
        return
    with carrying(outcome):
        raise JobUnsuccessfulError(
            f"Job {job.id} is limited to {_limit(job.limit_names)}, and job {outcome.source_job_id} was to "
            f"{_limit(asked.limit)}: the template has another limit by now. Restore that, and run the task again. "
            f"See {outcome.url}"
        )


def _limit(names: frozenset[str]) -> str:
    return told(names) or "all hosts"


def left_out(hosts: t.Collection[str], job: t.Optional[Job] = None) -> str:
    """The warning about hosts that were asked for and did not run; empty where there are none."""
    if not hosts:
        return ""
    where = f" in job {job.id}" if job else ""
    return (
        f"Did not run{where}, though asked for: {told(hosts)}. Such hosts are disabled, or the play does not target "
        "them; they have not been recovered."
    )


def _ran(client: ControllerClient, watch: Watch, job: Job, asked: Asked) -> list[HostSummary]:
    """What became of the hosts of a job that was successful; by its counts, where these tell that all have run."""
    if job.limit_names == asked.hosts and job.hosts_counted == len(asked.hosts):
        return [HostSummary(None, name, name, failed=False) for name in asked.hosts]
    return _summaries(client, watch, job)


def _remaining(outcome: RelaunchOutcome, job: Job, asked: Asked, summaries: t.Sequence[HostSummary]) -> tuple[str, ...]:
    """The hosts that remain after a job.

    Nothing has changed on those that it did not run on, nor by a job of another type than asked for.
    """
    before = frozenset(asked.hosts or () if outcome.remaining_hosts is None else outcome.remaining_hosts)
    before |= asked.rest
    well = names_of(one for one in summaries if not one.failed and job.job_type == asked.job_type)
    again = {one.name for one in summaries if one.failed and not {one.name, one.name_then} & before}
    return tuple(sorted((before - well) | again))


def _unsuccessful(
    client: ControllerClient, watch: Watch, job: Job, asked: Asked, outcome: RelaunchOutcome
) -> JobUnsuccessfulError:
    """The error that tells of it. Nothing that goes wrong here may hide the failure itself."""
    first = ""
    try:
        summaries = _summaries(client, watch, job)
        failed = tuple(summary.name for summary in summaries if summary.failed)
        outcome = replace(outcome, failed_hosts=failed)
        if outcome.remaining_hosts is not None or asked.hosts is not None:
            outcome = replace(outcome, remaining_hosts=_remaining(outcome, job, asked, summaries))
        failures = _report.failures(client, job.id, summaries)
        first = failures.first
        outcome = replace(outcome, failures=failures.shown, failures_more=failures.more)
        outcome = replace(outcome, stdout_tail=_report.stdout_tail(client, job.id))
    except ControllerError as error:
        outcome = replace(outcome, report_error=str(error))
    names = f" on {told(outcome.failed_hosts)}" if outcome.failed_hosts else ""
    unsuccessful = JobUnsuccessfulError(
        f"Job {job.id}, a relaunch of job {outcome.source_job_id}, ended with status {job.status}{names}."
        f"{_report.explained(job)}{first} See {outcome.url}"
    )
    unsuccessful.outcome = outcome
    return unsuccessful


def _summaries(client: ControllerClient, watch: Watch, job: Job) -> list[HostSummary]:
    watch.until_events_processed(job)
    return _jobs.host_summaries(client, job.id)
