# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be claimed of a job's work where nothing is left to launch, or another caller's job does it."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api import jobs as _jobs
from .._api.errors import CutShortError
from .._api.jobs import Job, told
from .._launch.refusals import cut_short
from .._work.cut_short import stopped_early
from .._work.decision import FAILED, Adopt, Decision, Done
from .._work.history import same_limit
from .case import Case, names
from .outcome import RelaunchOutcome, carrying
from .verdict import left_out


def done(case: Case, decision: Done, job: Job, outcome: RelaunchOutcome) -> RelaunchOutcome:
    """The outcome where nothing is left to do.

    :param job: the one that has done it, as it is now.
    """
    left = names(decision.left)
    masked = "" if job is case.source else case.masked
    outcome = replace(outcome, remaining_hosts=left if case.request.wish.hosts == FAILED else None)
    return outcome.about(case.client, job).saying(decision.reason, masked).warned(left_out(left))


def adopted(case: Case, decision: Adopt, job: Job, outcome: RelaunchOutcome) -> RelaunchOutcome:
    """The outcome where a job is active that does the work.

    :param job: it, as it is now.
    """
    rest = names(decision.rest)
    without = f"It leaves out {told(rest)}: run the task again after it." if rest else ""
    outcome = replace(outcome.about(case.client, job), hosts=names(decision.hosts) or None)
    return outcome.saying(decision.reason, without, case.masked)


def _healer(case: Case, decision: Decision, outcome: RelaunchOutcome) -> t.Optional[Job]:
    """The job through which the failed hosts are about to be called successful; None where all of the work is."""
    if case.request.wish.hosts != FAILED or case.base.status != _jobs.FAILED:
        return None
    if isinstance(decision, Done):
        words = case.history.words
        return max(words.recovered.values() if words else (), key=lambda job: job.id, default=None)
    job = outcome.job
    if job is None or outcome.failed_hosts != () or same_limit(case.source, job):
        return None
    return job


def stopped_at(case: Case, decision: Decision, outcome: RelaunchOutcome) -> t.Optional[str]:
    """Where the job had stopped before its end whose failed hosts have succeeded, so that all hosts are next.

    :param outcome: of the decision, with the verdict on a job that was waited for.
    :returns: None where nothing is left.
    :raises CutShortError: all hosts would be next, without ``fallback_to_all``.
    """
    healer = _healer(case, decision, outcome)
    if healer is None:
        return None
    words = case.history.words
    failed = len(words.hosts) if words else len(healer.limit_names)
    with carrying(outcome):
        stopped = stopped_early(case.client, case.base, healer, failed)
    if stopped is None:
        return None
    if case.request.wish.fallback_to_all:
        return stopped.at
    with carrying(replace(outcome, cut_short=True)):
        raise CutShortError(cut_short(case.base, stopped.at))
