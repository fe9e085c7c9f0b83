# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence behind job_relaunch: find the job, decide, act, tell. It knows no AnsibleModule."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api import jobs as _jobs
from .._api import templates as _templates
from .._api.client import ControllerClient
from .._api.errors import AnswerError, RefusedError
from .._api.jobs import Job
from .._launch.launch import Launched
from .._launch.refusals import source_unavailable
from .._launch.waiting import Progress, Watch
from .._work.decision import (
    ALL,
    Adopt,
    Await,
    Launch,
    Refuse,
    Settled,
    decide,
)
from .case import Case, Memory, look, names
from .claim import adopted, done, stopped_at
from .options import RelaunchRequest
from .outcome import RelaunchOutcome, carrying
from .relaunch_post import relaunch
from .until_end import (
    after_adoption,
    after_launch,
    until_ended,
)


def relaunch_job(
    client: ControllerClient,
    request: RelaunchRequest,
    progress: t.Optional[Progress] = None,
    memory: t.Optional[Memory] = None,
) -> RelaunchOutcome:
    """Bring it about that the work of a job has succeeded, or say why not.

    :param client: the controller.
    :param request: what is asked for.
    :param progress: is shown the job at each look while waiting for its end.
    :param memory: of earlier times, for a task that relaunches the same job again and again.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    watch = Watch(client, request.waiting, progress)
    job_id = request.job_id
    if job_id is None:
        job_id = _templates.latest_job_id(client, str(request.job_template), request.organization)
    outcome = RelaunchOutcome(source_job_id=job_id)
    with carrying(outcome):
        return _bring_about(client, request, watch, _source(client, job_id), outcome, memory)


def _source(client: ControllerClient, job_id: int) -> Job:
    try:
        return _jobs.get(client, job_id)
    except AnswerError as error:
        if not error.refuses or error.status not in (403, 404):
            raise
        kind = _jobs.kind_of(client, job_id) if error.status == 404 else None
        raise RefusedError(source_unavailable(error, job_id, kind)) from None


def _bring_about(
    client: ControllerClient,
    request: RelaunchRequest,
    watch: Watch,
    source: Job,
    outcome: RelaunchOutcome,
    memory: t.Optional[Memory],
) -> RelaunchOutcome:
    """Decide, again after each wait for what is active already, and act."""
    while True:
        case = look(client, request, watch, source, memory)
        decision = decide(case.history, request.wish)
        if not isinstance(decision, Await):
            break
        ended = until_ended(case, decision.job, decision.what, outcome)
        source = ended if ended.id == source.id else source
    words = case.history.words
    if words is not None:
        outcome = replace(outcome, remaining_hosts=names(words.remaining))
    with carrying(outcome):
        outcome = _act(case, decision, outcome)
    at = stopped_at(case, decision, outcome)
    if at is None:
        return outcome
    if memory:
        memory.passed.append(outcome)
    # Looked at anew, since somebody else may have done the same meanwhile.
    request = replace(case.request, wish=replace(case.request.wish, hosts=ALL))
    outcome = outcome.saying(f"Job {case.base.id} had stopped before its end at {at}: all hosts are next.")
    return _bring_about(case.client, request, case.watch, case.source, outcome, memory)


def _act(case: Case, decision: Settled, outcome: RelaunchOutcome) -> RelaunchOutcome:
    if isinstance(decision, Launch):

        def then(launched: Launched, new: RelaunchOutcome) -> RelaunchOutcome:
            return after_launch(case, launched, case.asked(new.hosts or ()), new, outcome.changed)

        return relaunch(case, decision, outcome, then)
    if isinstance(decision, Adopt):
        return _adopt(case, decision, outcome)
    if isinstance(decision, Refuse):
        raise RefusedError(decision.reason)
    job = case.source if decision.job is case.source else _jobs.get(case.client, decision.job.id)
    return done(case, decision, job, outcome)


def _adopt(case: Case, decision: Adopt, outcome: RelaunchOutcome) -> RelaunchOutcome:
    job = _jobs.get(case.client, decision.job.id)
    if not job.active and not case.request.wish.wait:
        # It has ended since, so that there may be something to do after all.
        return _bring_about(case.client, case.request, case.watch, case.source, outcome, case.memory)
    outcome = adopted(case, decision, job, outcome)
    if case.request.check_mode:
        return outcome.saying("It would be waited for.") if case.request.wish.wait else outcome
    return after_adoption(case, job, case.asked(names(decision.hosts), names(decision.rest)), outcome)
