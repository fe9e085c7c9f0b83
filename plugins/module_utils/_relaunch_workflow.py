# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence behind workflow_job_relaunch: what remains of a workflow job, run by the controller itself."""

from __future__ import annotations

import typing as t
import uuid
from dataclasses import dataclass, replace

from ansible_collections.relaunch.controller.plugins.module_utils import _jobs, _templates, _temporary_template
from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._decision import ALL
from ansible_collections.relaunch.controller.plugins.module_utils._drawing import drawing
from ansible_collections.relaunch.controller.plugins.module_utils._errors import (
    AnswerError,
    ControllerError,
    JobUnsuccessfulError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job, told
from ansible_collections.relaunch.controller.plugins.module_utils._kinds import WORKFLOW_JOB
from ansible_collections.relaunch.controller.plugins.module_utils._launch import (
    Attempt,
    Contest,
    Launched,
    launch,
    lower_rival,
)
from ansible_collections.relaunch.controller.plugins.module_utils._outcome import WorkflowOutcome, carrying
from ansible_collections.relaunch.controller.plugins.module_utils._refusals import (
    may_not_make_workflows,
    not_resumable,
    workflow_refused,
    workflow_unavailable,
)
from ansible_collections.relaunch.controller.plugins.module_utils._remaining_nodes import (
    Active,
    Node,
    Nothing,
    Refusal,
    Remainder,
    remaining,
)
from ansible_collections.relaunch.controller.plugins.module_utils._report import explained
from ansible_collections.relaunch.controller.plugins.module_utils._same_work import variables_of
from ansible_collections.relaunch.controller.plugins.module_utils._watch import Progress, Watch
from ansible_collections.relaunch.controller.plugins.module_utils._workflow_options import WorkflowRequest
from ansible_collections.relaunch.controller.plugins.module_utils._workflow_plan import Plan, ask, planned

# What a workflow job was launched with, as its list shows it.
_VALUES = ("inventory", "limit", "scm_branch", "job_tags", "skip_tags")


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
    task = _Task(client, request, watch)
    with carrying(outcome):
        source = task.settled(_source(client, number), outcome)
        if request.nodes == ALL:
            return task.whole(source, outcome)
        if source.facts.get("is_sliced_job"):
            raise RefusedError(
                f"Workflow job {number} is a sliced job: jobs_relaunch, with workflow_job_id: {number}, relaunches its "
                "failed slices on their failed hosts."
            )
        return task.resume(source, outcome)


def _source(client: ControllerClient, number: int) -> Job:
    try:
        return _jobs.get(client, number, WORKFLOW_JOB)
    except AnswerError as error:
        if not error.refuses or error.status not in (403, 404):
            raise
        kind = _jobs.kind_of(client, number) if error.status == 404 else None
        raise RefusedError(workflow_unavailable(error, number, kind)) from None


@dataclass(frozen=True)
class _Task:
    """One task: what is asked for, and the time that it has."""

    client: ControllerClient
    request: WorkflowRequest
    watch: Watch

    def settled(self, source: Job, outcome: WorkflowOutcome) -> Job:
        """The source when it has ended.

        :raises RefusedError: it is active, and the task does not wait.
        """
        if not source.active or (self.request.force and self.request.nodes == ALL):
            return source
        if not self.request.waiting.wait:
            raise RefusedError(
                f"Workflow job {source.id} is {source.status}: what remains of it is not known before it ends. Set "
                "wait: true to wait for that first, or run the task again later."
            )
        return self._until_ended(source, outcome)

    def whole(self, source: Job, outcome: WorkflowOutcome) -> WorkflowOutcome:
        """The controller's own relaunch of all nodes."""
        query: dict[str, t.Any] = {"launch_type": "relaunch", "order_by": "id"}
        if source.template is not None:
            query["unified_job_template"] = source.template
        else:
            query.update(unified_job_template__isnull="true", name=source.facts.get("name"))
        contest = Contest(WORKFLOW_JOB, query, source.id, lambda own, job: _same(source, job))
        if not self.request.force:
            if source.successful:
                return self._done(source, f"Workflow job {source.id} was successful: nothing to relaunch.", outcome)
            later = [job for job in contest.newer(self.client) if _same(source, job) and job.created > source.finished]
            active = next((job for job in later if job.active), None)
            if active is not None:
                outcome = outcome.about(self.client, active, WORKFLOW_JOB)
                return self._followed(active, outcome.saying(f"Workflow job {active.id} is {active.status} already."))
            if later and later[-1].successful:
                return self._done(later[-1], f"Workflow job {later[-1].id}, a relaunch, was successful.", outcome)
            contest = replace(contest, newest=max([source.id, *(job.id for job in later)]))
        if self.request.check_mode:
            return replace(outcome, changed=True).saying("All nodes would be relaunched.")
        attempt = Attempt(
            path=WORKFLOW_JOB.at(source.id, "relaunch"),
            body={},
            what=f"Workflow job {source.id}",
            verb="relaunched",
            contest=contest,
            is_own=lambda job: _same(source, job),
            refused=lambda error: workflow_refused(error, source.id),
        )
        launched, outcome = self._launch(attempt, outcome)
        outcome = outcome.saying(f"Workflow job {source.id}: all nodes relaunched as workflow job {launched.job.id}.")
        return self._launched(launched, attempt, outcome, ())

    def resume(self, source: Job, outcome: WorkflowOutcome) -> WorkflowOutcome:
        """A temporary template of what remains; an earlier one is taken up where it stopped."""
        root, leftovers = source.id, _temporary_template.earlier(self.client, source.id)
        for one in leftovers:
            if one.job is not None and (one.job.active or one.job.successful):
                outcome = outcome.about(self.client, one.job, WORKFLOW_JOB)
                what = (
                    f"Workflow job {one.job.id}, which runs what remains of workflow job {root}, is {one.job.status}."
                )
                return self._followed(one.job, outcome.saying(what), tuple(left.template for left in leftovers))
        failed = [one.job for one in leftovers if one.job is not None]
        if failed:
            source = _jobs.get(self.client, failed[-1].id, WORKFLOW_JOB)
        nodes = [Node.of(entry) for entry in self.client.results(WORKFLOW_JOB.at(source.id, "workflow_nodes"))]
        remainder = remaining(nodes, source.status, self.request.handled)
        if isinstance(remainder, Nothing):
            handled = told(node.label for node in remainder.handled)
            why = (
                f"failed on {handled}, and had a way on for that; handled: true resumes it all the same"
                if handled
                else ""
            )
            said = f"Workflow job {source.id} was successful{': it ' + why if why else ''}. Nothing to resume."
            return self._done(source, said, outcome)
        if isinstance(remainder, Active):
            raise RefusedError(
                f"Workflow job {source.id} still has active nodes: run the task again when it has ended."
            )
        if not leftovers:
            done = self._resumed_before(root, nodes)
            if done is not None:
                what = f"Workflow job {done.id}, which ran what remained of workflow job {root}, is {done.status}."
                return self._followed(done, outcome.about(self.client, done, WORKFLOW_JOB).saying(what))
        if isinstance(remainder, Refusal):
            raise RefusedError(not_resumable(source.id, remainder.reasons))
        return self._run(root, source, remainder, tuple(one.template for one in leftovers), outcome)

    def _run(
        self, root: int, source: Job, remainder: Remainder, leftovers: tuple[int, ...], outcome: WorkflowOutcome
    ) -> WorkflowOutcome:
        found = ask(self.client, self.watch, remainder, self.request.node_hosts)
        plan = planned(source, remainder, found, self.request.node_hosts)
        lines = tuple(drawing(remainder, found.hosts))
        outcome = replace(outcome, drawing=lines, nodes=_shown(remainder, found.hosts), links=_links(remainder))
        if self.request.diff:
            outcome = replace(outcome, diff={"before": "", "after": "\n".join(lines) + "\n"})
        with carrying(outcome):
            if not isinstance(plan, Plan):
                raise RefusedError(not_resumable(source.id, plan))
            if "POST" not in (self.client.options("workflow_job_templates/").get("actions") or {}):
                raise RefusedError(may_not_make_workflows(source))
        labels = told(kept.node.label for kept in remainder.kept)
        if self.request.check_mode:
            return replace(outcome, changed=True).saying(f"What remains of workflow job {root} would run: {labels}.")
        template = _temporary_template.make(self.client, plan, root, uuid.uuid4().hex[:12])
        outcome = replace(outcome, temporary_template_id=template)
        query = {"name__startswith": _temporary_template.name_prefix(root), "order_by": "id"}
        attempt = Attempt(
            path=f"workflow_job_templates/{template}/launch/",
            body={},
            what=f"What remains of workflow job {root}",
            verb="launched",
            contest=Contest(WORKFLOW_JOB, query, source.id, lambda own, job: True),
            is_own=lambda job: job.template == template,
            refused=lambda error: workflow_refused(error, root),
        )
        with carrying(outcome):
            launched, outcome = self._launch(attempt, outcome)
        outcome = outcome.saying(
            f"What remains of workflow job {root} runs as workflow job {launched.job.id}: {labels}."
        )
        return self._launched(launched, attempt, outcome, (template, *leftovers))

    def _resumed_before(self, root: int, nodes: t.Sequence[Node]) -> t.Optional[Job]:
        """An earlier run of what remained, whose temporary template is gone, found by the jobs of its nodes."""
        templates = sorted({node.template for node in nodes if node.template is not None and not node.succeeded})
        query = {"unified_job_template__in": ",".join(map(str, templates)), "launch_type": "workflow", "id__gt": root}
        for entry in self.client.results("unified_jobs/", **query, order_by="-id") if templates else ():
            run = (entry.get("summary_fields") or {}).get("source_workflow_job") or {}
            if str(run.get("name")).startswith(_temporary_template.name_prefix(root)):
                try:
                    return _jobs.get(self.client, int(run["id"]), WORKFLOW_JOB)
                except AnswerError as error:
                    # Without its template only administrators and auditors may read it.
                    if not error.refuses:
                        raise
                    return Job.of({"id": run["id"], "status": run.get("status"), "name": run.get("name")})
        return None

    def _launch(self, attempt: Attempt, outcome: WorkflowOutcome) -> tuple[Launched, WorkflowOutcome]:
        with carrying(replace(outcome, changed=True)):
            try:
                launched = launch(self.client, self.watch, attempt)
            except (RefusedError, WaitTimeoutError) as error:
                error.outcome = outcome
                raise
        lost = f"The answer to that was lost, so it was looked for: {launched.lost}" if launched.lost else ""
        return launched, replace(outcome.about(self.client, launched.job, WORKFLOW_JOB), changed=True).saying(lost)

    def _launched(
        self, launched: Launched, attempt: Attempt, outcome: WorkflowOutcome, templates: tuple[int, ...]
    ) -> WorkflowOutcome:
        own = launched.job
        with carrying(outcome):
            rival = None
            if not self.request.force and not launched.lost:
                try:
                    own, rival = lower_rival(self.client, attempt.contest, own)
                except ControllerError as error:
                    outcome = outcome.warned(f"Whether another caller launched the same is not known: {error}")
            if rival is None:
                return self._followed(own, outcome, templates, ours=not launched.lost)
            problem = self.watch.cancel(own, WORKFLOW_JOB)
            said = (
                f"Another caller had launched the same in the same instant, as workflow job {rival.id}, which is taken "
            )
            end = f"{problem} So both ran." if problem else "That was canceled; it may have begun."
            outcome = replace(
                outcome.about(self.client, rival, WORKFLOW_JOB),
                changed=problem is not None,
                own_job_id=own.id,
                msg=f"{said}instead of this task's own {own.id}. {end}",
            )
            self.watch.until_canceled(own, WORKFLOW_JOB)
            stays = [_temporary_template.remove(self.client, one) for one in templates[:1]]
            outcome = replace(outcome.warned(*stays), temporary_template_id=None)
            return self._followed(rival, outcome)

    def _followed(
        self, job: Job, outcome: WorkflowOutcome, templates: tuple[int, ...] = (), ours: bool = False
    ) -> WorkflowOutcome:
        """Wait for the end of a workflow job, and clean up after its success."""
        with carrying(outcome):
            if job.active:
                if self.request.check_mode or not self.request.waiting.wait:
                    return outcome
                job = self._until_ended(job, outcome, ours)
                outcome = outcome.about(self.client, job, WORKFLOW_JOB)
            if not job.successful:
                raise self._unsuccessful(job, outcome, bool(templates))
            if self.request.check_mode:
                return outcome
            outcome = outcome.saying(f"Workflow job {job.id} was successful.")
            for template in templates:
                problem = _temporary_template.remove(self.client, template)
                if problem:
                    outcome = outcome.warned(f"The temporary workflow template {template} stays: {problem}")
                elif template == outcome.temporary_template_id:
                    outcome = replace(outcome, temporary_template_id=None)
        return outcome

    def _unsuccessful(self, job: Job, outcome: WorkflowOutcome, resumable: bool) -> JobUnsuccessfulError:
        bad: list[str] = []
        try:
            entries = self.client.results(WORKFLOW_JOB.at(job.id, "workflow_nodes"))
            bad = [node.label for node in map(Node.of, entries) if node.bad]
        except ControllerError as problem:
            outcome = replace(outcome, report_error=str(problem))
        on = f" on {told(bad)}" if bad else ""
        again = " Run the task again to go on from there." if resumable else ""
        error = JobUnsuccessfulError(
            f"Workflow job {job.id} ended with status {job.status}{on}.{explained(job)}{again} See {outcome.url}"
        )
        error.outcome = replace(outcome, failed_nodes=tuple(bad))
        return error

    def _until_ended(self, job: Job, outcome: WorkflowOutcome, ours: bool = False) -> Job:
        try:
            return self.watch.until_ended(job, WORKFLOW_JOB)
        except WaitTimeoutError as error:
            last = t.cast("Job", error.last or job)
            on = "It goes on: run the task again to wait for it."
            if ours and self.request.waiting.cancel_on_timeout:
                on = self.watch.cancel(last, WORKFLOW_JOB) or "It was canceled."
                last = self.watch.until_canceled(last, WORKFLOW_JOB)
            timeout = WaitTimeoutError(
                f"Waiting for workflow job {job.id} ended after {self.request.waiting.timeout:g} seconds (timeout) "
                f"with the status {last.status}. {on} See {self.client.page_url(WORKFLOW_JOB.page, job.id)}"
            )
            timeout.outcome = outcome if outcome.job is None else outcome.about(self.client, last, WORKFLOW_JOB)
            raise timeout from None

    def _done(self, job: Job, said: str, outcome: WorkflowOutcome) -> WorkflowOutcome:
        return outcome.about(self.client, job, WORKFLOW_JOB).saying(said)


def _same(source: Job, job: Job) -> bool:
    """Whether a workflow job was launched with the same values."""
    if any((source.facts.get(name) or None) != (job.facts.get(name) or None) for name in _VALUES):
        return False
    return bool(variables_of(source.facts.get("extra_vars")) == variables_of(job.facts.get("extra_vars")))


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
