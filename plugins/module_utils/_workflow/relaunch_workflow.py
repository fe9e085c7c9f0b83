# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence behind workflow_job_relaunch: all of a workflow job again, or what remains of it.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api import jobs as _jobs
from .._api import templates as _templates
from .._api.client import ControllerClient
from .._api.errors import AnswerError, RefusedError
from .._api.jobs import RELAUNCH, Job
from .._api.kinds import WORKFLOW_JOB
from .._job.outcome import carrying
from .._launch.launch import Attempt
from .._launch.refusals import (
    workflow_refused,
    workflow_unavailable,
)
from .._launch.waiting import Progress, Watch
from .._work.decision import ALL
from .._work.runs import runs_query
from .._work.same_work import same_launch
from .launching import Contest
from .options import WorkflowRequest
from .outcome import WorkflowOutcome
from .resume_workflow import resume
from .workflow_run import WorkflowRun


def relaunch_workflow(
    client: ControllerClient, request: WorkflowRequest, progress: t.Optional[Progress] = None
) -> WorkflowOutcome:
    """Bring it about that the work of a workflow job has succeeded, or say why not.

    :param progress: is shown the workflow job at each look while waiting for its end.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    watch = Watch(client, request.waiting, progress)
    number = request.workflow_job_id
    if number is None:
        template = str(request.workflow_job_template)
        number = _templates.latest_workflow_job_id(client, template, request.organization)
    outcome = WorkflowOutcome(source_workflow_job_id=number)
    run = WorkflowRun(client, request, watch)
    with carrying(outcome):
        source = _settled(run, _source(client, number), outcome)
        if request.nodes == ALL:
            return _whole(run, source, outcome)
        if source.facts.get("is_sliced_job"):
            raise RefusedError(
                f"Workflow job {number} is a sliced job: bulk_job_relaunch, with workflow_job_id: {number}, relaunches "
                "its failed slices on their failed hosts."
            )
        return resume(run, source, outcome)


def _source(client: ControllerClient, number: int) -> Job:
    try:
        return _jobs.get(client, number, WORKFLOW_JOB)
    except AnswerError as error:
        if not error.not_visible:
            raise
        kind = _jobs.kind_of(client, number) if error.status == 404 else None
        raise RefusedError(workflow_unavailable(error, number, kind)) from None


def _settled(run: WorkflowRun, source: Job, outcome: WorkflowOutcome) -> Job:
    """The source when it has ended.

    :raises RefusedError: it is active, and the task does not wait.
    """
    if not source.active or (run.request.force and run.request.nodes == ALL):
        return source
    if not run.request.waiting.wait:
        raise RefusedError(
            f"Workflow job {source.id} is {source.status}: what has to run again is known when it has ended. Set "
            "wait: true to wait for that first, or run the task again later."
        )
    return run.until_ended(source, outcome)


def _whole(run: WorkflowRun, source: Job, outcome: WorkflowOutcome) -> WorkflowOutcome:
    """The controller's own relaunch of all nodes."""
    contest = Contest({**runs_query(source), "launch_type": RELAUNCH}, source.id, lambda job: same_launch(source, job))
    if not run.request.force:
        if source.successful:
            return run.done(source, f"Workflow job {source.id} was successful: nothing to relaunch.", outcome)
        later = [job for job in contest.newer(run.client) if same_launch(source, job) and job.created > source.finished]
        active = next((job for job in later if job.active), None)
        if active is not None:
            outcome = outcome.about(run.client, active, WORKFLOW_JOB)
            return run.followed(active, outcome.saying(f"Workflow job {active.id} is {active.status} already."))
        if later and later[-1].successful:
            return run.done(later[-1], f"Workflow job {later[-1].id}, a relaunch, was successful.", outcome)
        contest = replace(contest, newest=max([source.id, *(job.id for job in later)]))
    if run.request.check_mode:
        return replace(outcome, changed=True).saying("All nodes would be relaunched.")
    attempt = Attempt(
        path=WORKFLOW_JOB.at(source.id, "relaunch"),
        body={},
        what=f"Workflow job {source.id}",
        verb="relaunched",
        is_own=lambda job: same_launch(source, job),
        refused=lambda error: workflow_refused(error, source.id),
    )
    launched, outcome = run.launch(attempt, contest, outcome)
    outcome = outcome.saying(f"Workflow job {source.id}: all nodes relaunched as workflow job {launched.job.id}.")
    return run.launched(launched, contest, outcome, ())
