# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The relaunch of a job: what must hold before its POST, the POST, and what is told of the job that comes of it."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import replace

from .._api import jobs as _jobs
from .._api.errors import (
    ForbiddenError,
    NotSentError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job
from .._api.kinds import JOB
from .._launch.launch import Attempt, Launched, launch
from .._launch.refusals import not_startable, relaunch_refused
from .._launch.request_body import missing_passwords, payload
from .._work.decision import FAILED, Launch
from .._work.history import same_limit
from .case import Case
from .check_mode import on, predicted, side_by_side
from .outcome import RelaunchOutcome, carrying


def relaunch(
    case: Case,
    decision: Launch,
    outcome: RelaunchOutcome,
    then: t.Callable[[Launched, RelaunchOutcome], RelaunchOutcome],
) -> RelaunchOutcome:
    """Relaunch a job as decided; in check mode tell what would come of it.

    :param outcome: what had been done before.
    :param then: goes on with the new job, and the outcome that tells of it.
    :raises RefusedError: nothing was launched.
    :raises ControllerError: as ``launch``, and what ``then`` raises.
    """
    job = _in_detail(case, decision)
    if case.request.check_mode and not job.startable:
        if decision.instead is None:
            raise ForbiddenError(f"Job {job.id} would not be relaunched. {not_startable(job)}")
        return relaunch(case, decision.instead, outcome, then)
    outcome = replace(outcome, relaunched_job_id=job.id)
    with carrying(outcome):
        if decision.hosts == FAILED:
            job = case.watch.until_events_processed(job)
        body = _body(case, decision, job)
        missing = missing_passwords(job, case.request.credential_passwords)
        if case.request.check_mode:
            outcome = predicted(case.client, case.request, decision, job, missing, outcome)
    with carrying(outcome):
        if missing:
            raise RefusedError(
                f"Job {job.id} was not relaunched: it needs passwords that are not given, or blank: "
                f"{', '.join(missing)}. Give them in credential_passwords."
            )
    if case.request.check_mode:
        return outcome
    # Until it is known what became of the POST.
    with carrying(replace(outcome, changed=True, job=None, url=None)):
        try:
            launched = launch(case.client, case.watch, _attempt(case, decision, job, body))
        except (RefusedError, NotSentError, WaitTimeoutError) as error:
            if isinstance(error, ForbiddenError) and decision.instead is not None:
                return relaunch(case, decision.instead, outcome, then)
            error.outcome = outcome
            raise
        return then(launched, _told(case, decision, job, launched, outcome))


def _in_detail(case: Case, decision: Launch) -> Job:
    """A list tells neither the passwords that a job needs nor whether its events are in."""
    return decision.job if decision.job is case.source else _jobs.get(case.client, decision.job.id)


def _body(case: Case, decision: Launch, job: Job) -> dict[str, t.Any]:
    """What is sent, where the controller takes it: a job type that it does not know it would silently ignore, and run
    what was to be checked only.
    """
    job_type = case.request.wish.job_type
    body = payload(job, decision.hosts, case.request.credential_passwords, job_type)
    if "job_type" not in body:
        return body
    actions = case.client.options(JOB.at(job.id, "relaunch")).get("actions") or {}
    accepted = (actions.get("POST") or {}).get("job_type") or {}
    if job_type not in [choice[0] for choice in accepted.get("choices") or ()]:
        raise RefusedError(
            f"Job {job.id} was not relaunched: this controller does not take a job type on a relaunch, and would "
            f"relaunch it as {job.job_type}. Launch the template with job_type: {job_type} instead."
        )
    return body


def _attempt(case: Case, decision: Launch, job: Job, body: t.Mapping[str, t.Any]) -> Attempt:
    @functools.cache
    def failed_hosts() -> list[_jobs.HostSummary]:
        return _jobs.host_summaries(case.client, job.id, failed=True)

    def has_its_limit(new: Job) -> bool:
        if decision.hosts != FAILED or job.template is None:
            return same_limit(job, new)
        # Between the launch and this look hosts may have been renamed or deleted.
        known = frozenset(name for host in failed_hosts() for name in (host.name, host.name_then))
        present = [host for host in failed_hosts() if host.host is not None]
        covered = all({host.name, host.name_then} & new.limit_names for host in present)
        return bool(new.limit_names) and new.limit_names <= known and covered

    return Attempt(
        path=JOB.at(job.id, "relaunch"),
        body=body,
        what=f"Job {job.id}",
        verb="relaunched",
        contest=case.contest,
        is_own=lambda new: has_its_limit(new) and case.same_work.may_include(new),
        refused=lambda error: relaunch_refused(error, job, decision.hosts),
    )


def _told(case: Case, decision: Launch, job: Job, launched: Launched, before: RelaunchOutcome) -> RelaunchOutcome:
    new = launched.job
    # Without a template the controller does not narrow the limit (recorded: post-template-deleted-admin).
    narrowed = decision.hosts == FAILED and not (job.template is None and same_limit(job, new))
    names = tuple(sorted(new.limit_names)) if narrowed else ()
    lost = f"The answer to that was lost, so the job was looked for: {launched.lost}" if launched.lost else ""
    return replace(
        before.about(case.client, new),
        changed=True,
        hosts=names or None,
        # Nobody has asked for the hosts where this is the first relaunch: the limit tells them.
        remaining_hosts=names
        if names and before.remaining_hosts is None
        else _by_new_names(case, decision, new, before.remaining_hosts),
        diff=side_by_side(case.request, case.source, new.facts, f"job {new.id}"),
    ).saying(f"{decision.reason}: relaunched as job {new.id} on {on(names)}.", lost)


def _by_new_names(
    case: Case, decision: Launch, new: Job, remaining: t.Optional[tuple[str, ...]]
) -> t.Optional[tuple[str, ...]]:
    """The hosts that remain, where some were renamed since the decision: they are in the limit of the new job."""
    words = case.history.words
    if words is None or remaining is None:
        return remaining
    named = new.limit_names.difference(*(host.names for host in words.hosts))
    gone = {host.name for host in decision.due if not host.names & new.limit_names}
    return tuple(sorted((set(remaining) - gone) | named)) if named and gone else remaining
