# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What workflow_job_relaunch does: find the workflow job and what it goes back to, and drive the sequence of all of it,
or of what remains of it. Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api import templates as _templates
from .._api.client import ControllerClient
from .._api.errors import ForbiddenError, RefusedError
from .._api.jobs import Job, get_named, never_runs
from .._api.kinds import WORKFLOW_JOB
from .._job.driver import drive
from .._job.outcome import carrying
from .._job.sequence import MOST_LOOKS
from .._job.work import FRESH_FOR
from .._launch.asks import Steps
from .._launch.launch import Attempt, Launched
from .._launch.refusals import not_startable, slices_instead, workflow_refused, workflow_unavailable
from .._launch.waiting import Progress, Watch
from .._work.decision import ALL
from .._work.same_work import uncompared
from .lineage import (
    Lineage,
    Relaunches,
    anew_in_words,
    as_it_ended,
    nodes_of,
    nodes_seen,
    read_base,
    read_lineage,
    readable,
    refuse_own,
    root_of,
)
from .options import WorkflowRequest
from .outcome import WorkflowOutcome
from .remaining_nodes import Node
from .resume_workflow import ResumeSequence
from .temporary_template import Earlier, source_in
from .workflow_run import Contest, WorkflowRun, only_tells


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
        named = get_named(client, number, WORKFLOW_JOB, workflow_unavailable)
    return drive(workflow_steps(run, named, outcome), watch)


def workflow_steps(run: WorkflowRun, named: Job, outcome: WorkflowOutcome) -> Steps[WorkflowOutcome]:
    """The sequence of a workflow job.

    :param named: the workflow job that a task names, in detail.
    :param outcome: what had been done before.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    with carrying(outcome):
        root = _root(run, named)
        if root.id != named.id:
            outcome = replace(outcome, root_workflow_job_id=root.id)
            outcome = outcome.saying(f"Workflow job {named.id} goes back to workflow job {root.id}.")
    with carrying(outcome):
        if root.active and not (run.request.force and run.request.nodes == ALL):
            refuse_own(run.client, run.request.own_job, root)
            if not root.left_new(run.client.now()):
                active = f"Workflow job {root.id} is {root.status}"
                if only_tells(run, active):
                    outcome = outcome.about(run.client, root)
                    return outcome.saying(f"{active}: its end decides. It would be waited for.")
                root = yield from run.until_ended(root, outcome)
            if root.active:
                raise RefusedError(never_runs(root, source=True))
        if run.request.nodes == ALL:
            return (yield from _whole(run, root, outcome))
        if root.facts.get("is_sliced_job"):
            raise RefusedError(f"Workflow job {root.id} is a sliced job. {slices_instead(root.id)}")
        return (yield from ResumeSequence(run, root).steps(outcome))


def _root(run: WorkflowRun, named: Job) -> Job:
    """The workflow job whose work is asked for; a success is that of itself."""
    if named.successful and not (run.request.handled or run.request.nodes == ALL):
        number = source_in(named.name)
        if number is None or as_it_ended(run.client, named, nodes_seen(run.client, number) or ()).successful:
            return named
    return root_of(run.client, named)


def _whole(run: WorkflowRun, root: Job, outcome: WorkflowOutcome) -> Steps[WorkflowOutcome]:
    """The controller's own relaunch of all nodes, unless what has to run has run since, all of it or what remained."""
    relaunches = Relaunches(run.client)
    attempt = Attempt(
        path=WORKFLOW_JOB.at(root.id, "relaunch"),
        body={},
        what=f"Workflow job {root.id}",
        verb="relaunched",
        is_own=lambda job: relaunches.include(root, job) and not job.left_new(run.client.now()),
        refused=lambda error: workflow_refused(error, root),
    )
    launched: t.Optional[Launched] = None
    nodes: list[Node] = []
    of_base: tuple[Node, ...] = ()
    leftovers: tuple[Earlier, ...] = ()
    looks = 0
    while launched is None:
        newest, at = root.id, run.client.clock()
        if not run.request.force:
            done = root.successful and read_base(run.client, root) is root
            nodes = nodes or ([] if done else nodes_of(run.client, root.id))
            # It asks for several lists, and the first of them is the oldest that is known.
            at = run.client.clock()
            lineage = None if done else read_lineage(run.client, root, nodes)
            if lineage is None or (root.successful and lineage.base is root):
                said = f"Workflow job {root.id} was successful: nothing to relaunch."
                return outcome.about(run.client, root).saying(said)
            outcome = outcome.warned(*map(never_runs, lineage.left_new))
            if lineage.doing is not None:
                done_since = yield from _done_since(run, lineage, lineage.doing, outcome)
                if done_since is None:
                    continue
                return _swept(run, done_since, lineage.leftovers)
            newest, of_base, leftovers = lineage.last, lineage.of_base, lineage.leftovers
        if run.request.check_mode:
            if not root.startable:
                why = not_startable(root)
                raise ForbiddenError(f"Workflow job {root.id} would not be relaunched. {why}")
            if root.facts.get("is_sliced_job") and _cut_otherwise(run.client, root):
                why = "Its template is gone, or cuts into another number of slices by now."
                raise RefusedError(f"Workflow job {root.id} would not be relaunched. {why} {slices_instead(root.id)}")
            return replace(outcome, changed=True).saying("All nodes would be relaunched.")
        looks += 1
        if not run.request.force and run.client.clock() - at > FRESH_FOR and looks < MOST_LOOKS:
            continue
        looks, contest = 0, Contest(root, newest, of_base)
        launched = yield from run.launch(replace(attempt, again_by=at + FRESH_FOR), contest, outcome)
    outcome = outcome.saying(f"Workflow job {root.id}: all nodes relaunched as workflow job {launched.job.id}.")
    outcome = yield from run.launched(launched, contest, outcome, ())
    return _swept(run, outcome, leftovers)


def _cut_otherwise(client: ControllerClient, root: Job) -> bool:
    """Whether a launch of a sliced job's template is known to make another number of slices, where the controller
    relaunches none of them (source: awx/api/views, WorkflowJobRelaunch).
    """
    number, hosts = root.facts.get("job_template"), root.summary("inventory").get("total_hosts")
    if number is None:
        return True
    count = _templates.read_job_template(client, number).get("job_slice_count")
    if count is None or hosts is None:
        return False
    return min(int(count), int(hosts)) != len(nodes_of(client, root.id))


def _swept(run: WorkflowRun, outcome: WorkflowOutcome, leftovers: t.Iterable[Earlier]) -> WorkflowOutcome:
    """After a success nothing goes on from what remained."""
    return run.swept(outcome, leftovers) if outcome.job is not None and outcome.job.successful else outcome


def _done_since(
    run: WorkflowRun, lineage: Lineage, doing: Job, outcome: WorkflowOutcome
) -> Steps[t.Optional[WorkflowOutcome]]:
    """Another workflow job does the work, or has done it. None where it has ended since the look."""
    resumed = doing in lineage.resumes
    what = anew_in_words(doing) if doing is lineage.anew else "a relaunch"
    secret = "" if resumed else uncompared(doing)
    listed, doing = doing, readable(run.client, doing)
    if listed.active and not doing.active:
        return None
    if resumed:
        what = f"which {'runs' if doing.active else 'ran'} what remained of workflow job {lineage.root.id}"
    if doing.active:
        templates = lineage.templates(doing) if resumed else ()
        outcome = outcome.saying(f"Workflow job {doing.id}, {what}, is {doing.status} already.", secret)
        return (yield from run.followed(doing, outcome, templates, lineage.of_base))
    said = f"Workflow job {doing.id}, {what}, was successful: nothing to relaunch."
    return outcome.about(run.client, doing).saying(said, secret)
