# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a relaunch would do, told with safe requests only. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api import jobs as _jobs
from .._api.client import ControllerClient
from .._api.errors import NoFailedHostsError
from .._api.jobs import Job
from .._api.kinds import JOB
from .._launch.changes import before_changes
from .._work.decision import FAILED, Launch, no_failed_hosts
from .._work.ledger_reader import LedgerReader
from .options import RelaunchRequest
from .outcome import BrokenOffError, RelaunchOutcome

# What --diff shows of a source and its relaunch.
COMPARED = ("status", "launch_type", "job_type", "limit")


def predicted(
    client: ControllerClient,
    request: RelaunchRequest,
    decision: Launch,
    job: Job,
    missing: t.Sequence[str],
    outcome: RelaunchOutcome,
    reader: LedgerReader,
) -> RelaunchOutcome:
    """The outcome of a relaunch that is not sent, with the hosts that would run.

    :param job: the one to relaunch, in detail.
    :param reader: brings its hosts.
    :param missing: passwords that it needs and that are not given.
    :raises NoFailedHostsError: the relaunch would be refused.
    """
    on_failed = decision.hosts == FAILED
    # Without a template the controller does not narrow the limit (recorded: post-template-deleted-admin).
    narrowed = on_failed and job.template is not None
    counts = client.get(JOB.at(job.id, "relaunch")).get("retry_counts")
    # Of one of many no result tells all of the hosts of a job.
    told = on_failed or not request.one_of_many
    summaries = (reader.failed_summaries(job) if narrowed else reader.summaries(job)) if told else ()
    names = tuple(summary.name for summary in summaries if summary.host is not None)
    future = dict(
        status="pending",
        launch_type="relaunch",
        job_type=request.options.job_type or job.job_type,
        limit=",".join(names) if narrowed else job.facts.get("limit"),
    )
    outcome = replace(
        outcome,
        hosts=names if told else None,
        retry_counts=counts,
        passwords_missing=tuple(missing),
        remaining_hosts=names if on_failed and outcome.remaining_hosts is None else outcome.remaining_hosts,
        diff=side_by_side(request, job, future, f"relaunch of job {job.id} (check mode)"),
    )
    if on_failed and not names:
        sentence = f"Job {job.id} would not be relaunched on its failed hosts. {no_failed_hosts(job)}"
        raise BrokenOffError(NoFailedHostsError(sentence), outcome)
    if missing:
        return outcome
    then = " and waited for" if request.options.wait else ""
    outcome = replace(
        outcome, changed=True, msg=f"{decision.reason}: would be relaunched on {on(names if narrowed else ())}{then}."
    )
    if not (narrowed and request.options.wait and request.options.fallback_to_all):
        return outcome
    return outcome.saying("All its hosts would follow if it had stopped before its end for others (fallback_to_all).")


def on(failed_hosts: t.Collection[str]) -> str:
    """What a relaunch runs on, for a sentence; none: on all."""
    if not failed_hosts:
        return "all its hosts"
    return f"{len(failed_hosts)} failed host{'' if len(failed_hosts) == 1 else 's'}: {_jobs.told(failed_hosts)}"


def side_by_side(
    request: RelaunchRequest, source: Job, facts: t.Mapping[str, t.Any], header: str
) -> t.Optional[dict[str, t.Any]]:
    """With ``--diff``, source and relaunch beside each other."""
    if not request.diff:
        return None
    # In check mode there is no job yet, and the facts are the changes themselves.
    changed = before_changes(Job(facts), request.changes) if "id" in facts else {n: facts[n] for n in request.changes}
    return dict(
        before={**{name: source.facts.get(name) for name in COMPARED}, **before_changes(source, request.changes)},
        after={**{name: facts.get(name) for name in COMPARED}, **changed},
        before_header=f"job {source.id}",
        after_header=header,
    )
