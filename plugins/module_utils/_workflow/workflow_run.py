# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One workflow job of a task: launched, followed to its end, and cleaned up after. It asks its driver for what it waits
for. Private to this collection.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field, replace

from .._api.client import ControllerClient
from .._api.errors import ControllerError, JobUnsuccessfulError, RefusedError, if_visible
from .._api.jobs import WORKFLOW, Job, get, join, never_runs
from .._api.kinds import JOB, WORKFLOW_JOB
from .._job.after_launch import await_end, seen_after_cancel
from .._job.outcome import SequenceState, carrying, in_one
from .._job.sequence import sent_once
from .._launch.asks import EndOf, JobsAfter, Steps
from .._launch.failure_report import explained
from .._launch.launch import Attempt, Launched
from .._launch.tie_break import look_for_rival
from .._launch.waiting import Watch
from .._work.decision import ALL
from . import temporary_template as _temporary_template
from .lineage import Relaunches, as_it_ended, nodes_of, refuse_own
from .options import WorkflowRequest
from .outcome import WorkflowOutcome, with_failed_nodes
from .remaining_nodes import Node
from .temporary_template import Earlier


@dataclass(frozen=True)
class Contest:
    """Others may launch the same in the same instant: relaunch all nodes of a workflow job, or run what remains of it.

    :param root: that workflow job.
    :param newest: the highest number of one that did so before.
    :param of_base: the nodes whose remainder is run, as of ``Lineage``.
    :param find_healer: looks for a job by which another caller does work of a node of the own one.
    """

    root: Job
    newest: int
    of_base: tuple[Node, ...] = ()
    find_healer: t.Optional[t.Callable[[Job], Steps[t.Optional[Job]]]] = None

    @property
    def newer(self) -> JobsAfter:
        """Asks for the workflow jobs that may be the same, newer than all known before."""
        root = self.root
        same = {"name": root.name} if root.template is None else {"unified_job_template": root.template}
        either = {**same, "name__startswith": _temporary_template.name_prefix(root.id)}
        query = {f"or__{name}": value for name, value in either.items()}
        return JobsAfter(root, self.newest, kind=WORKFLOW_JOB, query=query)

    def is_rival(self, client: ControllerClient, job: Job) -> bool:
        """Whether one does all of what the own one does; it may ask."""
        if job.left_new(client.now()):
            return False
        resumes = job.name.startswith(_temporary_template.name_prefix(self.root.id))
        return resumes or Relaunches(client).include(self.root, job)


@dataclass(frozen=True)
class WorkflowRun:
    """What is asked for, the time that there is for it, and how far it has come."""

    client: ControllerClient
    request: WorkflowRequest
    watch: Watch
    state: SequenceState = field(default_factory=SequenceState)

    def launch(self, attempt: Attempt, contest: Contest, outcome: WorkflowOutcome) -> Steps[t.Optional[Launched]]:
        """Send the POST, and find the workflow job that came of it; as of ``sent_once``."""
        with carrying(outcome):
            return (yield from sent_once(self.watch, self.state, attempt, contest.newer, outcome))

    def launched(
        self, launched: Launched, contest: Contest, outcome: WorkflowOutcome, templates: tuple[int, ...]
    ) -> Steps[WorkflowOutcome]:
        """Give way to another caller who was first, or follow the workflow job that was launched.

        :param outcome: what was known before.
        :param templates: the temporary templates to be removed after success, its own as the last.
        :returns: with the own one canceled, where it gave way to the job of a node: what remains is another thing now.
        """
        own = launched.job
        self.state.launched.append(own)
        root = outcome.root_workflow_job_id or outcome.source_workflow_job_id
        what = "a relaunch" if own.is_relaunch else "what remains"
        # Whatever breaks the task off from now on, the number of the new one has been shown.
        self.client.tell(f"{WORKFLOW_JOB.noun} {own.id} launched, {what} of {WORKFLOW_JOB.noun} {root}")
        outcome = replace(outcome.about(self.client, own), changed=True)
        outcome = outcome.saying(launched.looked_for("it")).warned(launched.doubt)
        with carrying(outcome):
            rival = None
            if not self.request.force and not launched.lost:
                try:
                    is_rival = functools.partial(contest.is_rival, self.client)
                    own, rival = yield from look_for_rival(contest.newer, own, is_rival)
                    if rival is None and contest.find_healer is not None:
                        rival = yield from contest.find_healer(own)
                except ControllerError as error:
                    outcome = outcome.warned(f"Whether another caller launched the same is not known: {error}")
            if rival is not None:
                outcome = self._give_way(own, rival, outcome, templates)
                if rival.kind is JOB:
                    return outcome
                return (yield from self.followed(rival, outcome, of_base=contest.of_base))
            return (yield from self.followed(own, outcome, templates, contest.of_base, ours=not launched.lost))

    def _give_way(self, own: Job, rival: Job, outcome: WorkflowOutcome, templates: tuple[int, ...]) -> WorkflowOutcome:
        problem = self.watch.cancel(own)
        of_node = rival.kind is JOB
        said = f"Another caller had launched {'work of it' if of_node else 'the same'} in the same instant, as "
        said += f"{rival.kind.noun} {rival.id}, which is taken instead of this task's own {own.id}."
        end = f"{problem} So both ran." if problem else "That was canceled; it may have begun."
        outcome = outcome if of_node else outcome.about(self.client, rival)
        outcome = replace(outcome, changed=problem is not None, own_job_id=own.id)
        with carrying(replace(outcome, msg=in_one(said, end))):
            own, end = seen_after_cancel(self.watch, own, end)
            outcome = replace(outcome, msg=in_one(said, end))
            # By its template others than administrators see what it ran besides.
            return outcome.about(self.client, own) if of_node else self.removed(outcome, templates[-1:])

    def followed(
        self,
        job: Job,
        outcome: WorkflowOutcome,
        templates: tuple[int, ...] = (),
        of_base: tuple[Node, ...] = (),
        ours: bool = False,
    ) -> Steps[WorkflowOutcome]:
        """Wait for the end of a workflow job, and clean up after its success.

        :param templates: the temporary templates to be removed then, that of the job as the last.
        :param of_base: where the job ran what remained, the nodes of what it goes back to.
        :param ours: this task launched it, and may cancel it.
        :raises JobUnsuccessfulError: it ended otherwise, or was left in ``new``.
        """
        outcome = outcome.about(self.client, job)
        with carrying(outcome):
            if job.active:
                if self.request.check_mode or not self.request.waiting.wait:
                    if self.request.waiting.wait:
                        refuse_own(self.client, self.request.own_job, job)
                    return outcome
                if outcome.changed:
                    # The look at others was to be soon; from now on the deadline is what counts.
                    self.client.patience = self.watch.patience
                job = yield from self.until_ended(job, outcome, ours=ours)
                outcome = outcome.about(self.client, job)
        with carrying(outcome):
            if job.active:
                raise JobUnsuccessfulError(never_runs(job, source=True))
            if not as_it_ended(self.client, job, of_base).successful:
                self._fail(job, outcome)
            return self.cleaned(job, outcome.saying(f"Workflow job {job.id} was successful."), templates)

    def cleaned(self, job: Job, outcome: WorkflowOutcome, templates: tuple[int, ...]) -> WorkflowOutcome:
        """Remove the temporary templates after the success of a workflow job.

        One that held no jobs and workflows, but approvals or updates, leaves nothing behind by which others than
        administrators and auditors would find out that they were done. Then its template stays; and all of them where
        they did the work of a nested workflow, since of others these could not read what they hand on.

        :param templates: that of the job as the last.
        """
        going = templates
        try:
            if templates and not self._is_auditor():
                if _is_of_nested(self.client, job):
                    going = ()
                elif _leaves_no_trace(self.client, job):
                    going = templates[:-1]
        except ControllerError as error:
            return outcome.warned(f"The temporary workflow templates {join(templates)} stay: {error}")
        outcome, staying = self.removed(outcome, going), join(templates[len(going) :])
        if not staying:
            return outcome
        which = f"template {staying} stays" if len(templates) - len(going) == 1 else f"templates {staying} stay"
        return outcome.saying(f"The temporary workflow {which}, since nothing else shows this user what was done.")

    def swept(self, outcome: WorkflowOutcome, leftovers: t.Iterable[Earlier]) -> WorkflowOutcome:
        """Remove temporary templates where nothing remains, for a user who finds without them what they ran."""
        templates = [one.template for one in leftovers]
        try:
            stay = not templates or self.request.check_mode or not self._is_auditor()
        except ControllerError as error:
            return outcome.warned(f"The temporary workflow templates {join(templates)} stay: {error}")
        return outcome if stay else self.removed(outcome, templates)

    def _is_auditor(self) -> bool:
        """Whether the user finds workflow jobs whose template is gone."""
        me = next(iter(self.client.results("me/")), {})
        return bool(me.get("is_superuser") or me.get("is_system_auditor"))

    def removed(self, outcome: WorkflowOutcome, templates: t.Sequence[int]) -> WorkflowOutcome:
        """Remove temporary templates, and end with the first that stays: the last of them shows what has been done."""
        for template in templates:
            try:
                _temporary_template.delete(self.client, template)
            except ControllerError as error:
                return outcome.warned(_temporary_template.stays(template, error))
            if template == outcome.temporary_template_id:
                outcome = replace(outcome, temporary_template_id=None)
        return outcome

    def _fail(self, job: Job, outcome: WorkflowOutcome) -> t.NoReturn:
        outcome, on = with_failed_nodes(self.watch, job, outcome)
        again = "Mend that, and run the task again to go on from there."
        if self.request.nodes == ALL:
            again = "Mend that, and resume it with nodes: failed, which runs only what remains."
        ended = "is successful for the controller, but failed" if job.successful else f"ended with status {job.status}"
        with carrying(outcome):
            raise JobUnsuccessfulError(
                f"Workflow job {job.id} {ended}{on}{'' if outcome.failed_nodes else explained(job)} {again} "
                f"See {outcome.url}"
            )

    def until_ended(self, job: Job, outcome: WorkflowOutcome, ours: bool = False) -> Steps[Job]:
        """A job when it has ended; one that was left in ``new`` comes as it is.

        :raises RefusedError: the task runs in it.
        :raises ControllerError: as of ``await_end``.
        """
        if not ours:
            refuse_own(self.client, self.request.own_job, job)
        return (yield from await_end(self.watch, EndOf(job, ours), f"{job.kind.noun} {job.id}", outcome))


def _leaves_no_trace(client: ControllerClient, job: Job) -> bool:
    return not any(node.job_type in (JOB.type, WORKFLOW_JOB.type) for node in nodes_of(client, job.id))


def _is_of_nested(client: ControllerClient, job: Job) -> bool:
    """Whether a workflow job ran what remained of one that is a node of another."""
    number = _temporary_template.source_in(job.name)
    source = None if number is None else if_visible(lambda: get(client, number, WORKFLOW_JOB))
    return source is not None and source.facts.get("launch_type") == WORKFLOW


def only_tells(run: WorkflowRun, active: str) -> bool:
    """Whether something is not waited for, since check mode tells only that it would be.

    :param active: what has to end before it is known what has to run, to begin a sentence.
    :raises RefusedError: the task does not wait.
    """
    if not run.request.waiting.wait:
        raise RefusedError(
            f"{active}: what has to run again is known when it has ended. Set wait: true to wait for that first, or "
            "run the task again later."
        )
    run.state.adopted = run.state.adopted or run.request.check_mode
    return run.request.check_mode
