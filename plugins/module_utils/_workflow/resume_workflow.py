# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What remains of a workflow job, run by the controller itself through a temporary workflow template.

Private to this collection.
"""

from __future__ import annotations

import typing as t
import uuid
from dataclasses import replace

from .._api import jobs as _jobs
from .._api.errors import (
    AnswerError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job, summary_of, told
from .._api.kinds import WORKFLOW_JOB
from .._job.outcome import BrokenOffError, carrying
from .._launch.launch import Attempt
from .._launch.refusals import (
    may_not_make_workflows,
    not_resumable,
    workflow_refused,
)
from .._work.same_work import same_launch
from . import temporary_template as _temporary_template
from .drawing import drawing
from .launching import Contest
from .outcome import WorkflowOutcome
from .plan import Plan, ask, planned
from .remaining_nodes import (
    Active,
    Node,
    Nothing,
    Remainder,
    remaining,
)
from .temporary_template import Earlier
from .workflow_run import WorkflowRun


def resume(run: WorkflowRun, root: Job, outcome: WorkflowOutcome) -> WorkflowOutcome:
    """Run what remains of a workflow job that has ended; where an earlier run of that stopped, go on from there.

    :raises RefusedError: it cannot be, and nothing was made; or the controller declined, and nothing was launched.
    :raises ControllerError: the task has failed.
    """
    leftovers = _temporary_template.earlier(run.client, root.id)
    nodes = _nodes(run, root)
    runs = [one.job for one in leftovers if one.job is not None]
    others, base = _since(run, root, nodes, known={job.id for job in runs})
    runs += others
    good = next((job for job in runs if job.active or (job.successful and job.id > base.id)), None)
    if good is None and base.active:
        said = f"Workflow job {base.id}, a relaunch of all nodes, is {base.status} already."
        return run.followed(base, outcome.saying(said))
    if good is not None:
        outcome, templates = outcome.about(run.client, good, WORKFLOW_JOB), _oldest_first(leftovers, good)
        if good.active:
            said = f"What remains of workflow job {root.id} runs as workflow job {good.id} already."
            return run.followed(good, outcome.saying(said), templates)
        said = f"What remained of workflow job {root.id} ran as workflow job {good.id}, which was successful"
        outcome = outcome.saying(f"{said}: nothing to resume.")
        return outcome if run.request.check_mode else run.removed(outcome, templates)
    source = root
    newest = max([base.id, *(job.id for job in runs)])
    if newest != root.id:
        source = _last_run(run, root, newest)
        nodes = _nodes(run, source)
    remainder = remaining(nodes, source.status, run.request.handled)
    if isinstance(remainder, Nothing):
        labels = told(node.label for node in remainder.handled)
        why = (
            f", though not on {labels}: it had a way on for that; handled: true resumes it all the same"
            if labels
            else ""
        )
        said = f"Workflow job {source.id} was {source.status}{why}. Nothing to resume."
        return run.done(source, said, outcome)
    if isinstance(remainder, Active):
        raise RefusedError(f"Workflow job {source.id} still has active nodes: run the task again when it has ended.")
    return _run(run, root, source, remainder, tuple(one.template for one in leftovers), outcome)


def _nodes(run: WorkflowRun, job: Job) -> list[Node]:
    return [Node.of(entry) for entry in run.client.results(WORKFLOW_JOB.at(job.id, "workflow_nodes"))]


def _oldest_first(leftovers: t.Sequence[Earlier], followed: Job) -> tuple[int, ...]:
    """The templates in the order in which they are removed: the one that shows the success is the last."""
    ordered = sorted(leftovers, key=lambda one: one.job is not None and one.job.id == followed.id)
    return tuple(one.template for one in ordered)


def _run(
    run: WorkflowRun,
    root: Job,
    source: Job,
    remainder: Remainder,
    leftovers: tuple[int, ...],
    outcome: WorkflowOutcome,
) -> WorkflowOutcome:
    """Make the temporary template of a remainder, launch it, and follow that.

    :param source: the workflow job that it is the remainder of: the root, or what ran of it last.
    """
    found = ask(run.client, run.watch, remainder, run.request.node_hosts)
    plan = planned(source, remainder, found, run.request.node_hosts)
    lines = tuple(drawing(remainder, found.hosts))
    outcome = replace(outcome, drawing=lines, nodes=_shown(remainder, found.hosts), links=_links(remainder))
    if run.request.diff:
        outcome = replace(outcome, diff={"before": "", "after": "\n".join(lines) + "\n"})
    labels = told(kept.node.label for kept in remainder.kept)
    with carrying(outcome):
        reasons = [] if isinstance(plan, Plan) else list(plan)
        if "POST" not in (run.client.options("workflow_job_templates/").get("actions") or {}):
            reasons.append(may_not_make_workflows(source))
        if reasons or not isinstance(plan, Plan):
            raise RefusedError(not_resumable(source.id, reasons))
        if run.request.check_mode:
            return replace(outcome, changed=True).saying(f"What remains of workflow job {root.id} would run: {labels}.")
        try:
            template = _temporary_template.make(run.client, plan, root.id, uuid.uuid4().hex[:12])
        except AnswerError as error:
            if error.status != 403 or not error.refuses:
                raise
            # Some other organization was it that OPTIONS spoke of.
            raise RefusedError(not_resumable(source.id, [may_not_make_workflows(source)])) from None
    outcome = replace(outcome, temporary_template_id=template)
    query = {"name__startswith": _temporary_template.name_prefix(root.id), "order_by": "id"}
    attempt = Attempt(
        path=f"workflow_job_templates/{template}/launch/",
        body={},
        what=f"What remains of workflow job {root.id}",
        verb="launched",
        is_own=lambda job: job.template == template,
        refused=lambda error: workflow_refused(error, root.id),
    )
    contest = Contest(query, source.id, lambda _job: True)
    try:
        launched, outcome = run.launch(attempt, contest, outcome)
    except BrokenOffError as broken:
        if not isinstance(broken.error, (RefusedError, WaitTimeoutError)):
            raise
        # Nothing was launched, so that nothing is to be found by it.
        with carrying(run.removed(outcome, (template,))):
            raise broken.error from None
    said = f"What remains of workflow job {root.id} runs as workflow job {launched.job.id}: {labels}."
    return run.launched(launched, contest, outcome.saying(said), (*leftovers, template))


def _since(run: WorkflowRun, root: Job, nodes: t.Sequence[Node], known: t.Container[int]) -> tuple[list[Job], Job]:
    """What came after a workflow job, found by the jobs of its template and of its nodes' templates.

    :param known: the numbers of the runs of what remained whose temporary templates are there.
    :returns: one more such run at most, a successful or active one if there is one, else the newest; and the newest
        relaunch of all nodes, else the workflow job itself.
    """
    templates = {node.template for node in nodes if not node.succeeded} | {root.template}
    query = {
        "unified_job_template__in": ",".join(str(number) for number in sorted(filter(None, templates))),
        "launch_type__in": "workflow,relaunch",
        "id__gt": root.id,
    }
    base = root
    newest: t.Optional[Job] = None
    entries = run.client.results("unified_jobs/", **query, order_by="-id") if any(templates) else ()
    for entry in entries:
        if entry.get("type") == WORKFLOW_JOB.type:
            job = Job.of(entry)
            # One that was canceled took back nothing.
            later = base is root and job.status != "canceled" and job.created > root.finished
            base = job if later and same_launch(root, job) else base
            continue
        facts = summary_of(entry, "source_workflow_job")
        if str(facts.get("name")).startswith(_temporary_template.name_prefix(root.id)) and facts["id"] not in known:
            job = Job.of(facts)
            if job.active or job.successful:
                return [_readable(run, job)], base
            # One that was canceled and has no template gave way to another caller's.
            newest = newest or (job if job.status != "canceled" else None)
    return [newest] if newest else [], base


def _last_run(run: WorkflowRun, root: Job, number: int) -> Job:
    """The workflow job that went on from the root last."""
    try:
        return _jobs.get(run.client, number, WORKFLOW_JOB)
    except AnswerError as error:
        if error.status != 403 or not error.refuses:
            raise
    raise RefusedError(
        f"Workflow job {number} ran what remained of workflow job {root.id} last, and its temporary template was "
        "deleted, so that only system administrators and auditors can read what it left undone. Let one of them run "
        "the task, or relaunch all nodes (nodes: all)."
    )


def _readable(run: WorkflowRun, job: Job) -> Job:
    """A workflow job's detail; what is known of it where only administrators and auditors may read that."""
    try:
        return _jobs.get(run.client, job.id, WORKFLOW_JOB)
    except AnswerError as error:
        if not error.refuses:
            raise
        return job


def _shown(remainder: Remainder, hosts: t.Mapping[int, t.Sequence[str]]) -> tuple[dict[str, t.Any], ...]:
    return tuple(
        {
            "identifier": kept.node.identifier,
            "name": kept.node.label,
            "job_id": kept.node.job,
            "status": kept.node.status or "not run",
            "hosts": list(hosts.get(kept.node.id, ())),
        }
        for kept in remainder.kept
    )


def _links(remainder: Remainder) -> tuple[dict[str, str], ...]:
    identifiers = {kept.node.id: kept.node.identifier for kept in remainder.kept}
    return tuple(
        {"parent": identifiers[link.parent], "child": identifiers[link.child], "kind": link.kind}
        for link in remainder.links
    )
