# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One workflow job of a task: launched, followed to its end, and cleaned up after. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api.client import ControllerClient
from .._api.errors import (
    ControllerError,
    JobUnsuccessfulError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job, told
from .._api.kinds import WORKFLOW_JOB
from .._job.outcome import carrying
from .._launch.failure_report import explained
from .._launch.launch import Attempt, Launched
from .._launch.tie_break import lower_rival
from .._launch.waiting import Watch
from . import temporary_template as _temporary_template
from .launching import Contest, launch
from .options import WorkflowRequest
from .outcome import WorkflowOutcome
from .remaining_nodes import Node


@dataclass(frozen=True)
class WorkflowRun:
    """What is asked for, and the time that there is for it."""

    client: ControllerClient
    request: WorkflowRequest
    watch: Watch

    def launch(self, attempt: Attempt, contest: Contest, outcome: WorkflowOutcome) -> tuple[Launched, WorkflowOutcome]:
        """:raises ControllerError: as ``launch`` does."""
        with carrying(replace(outcome, changed=True)):
            try:
                launched = launch(self.client, self.watch, attempt, contest)
            except (RefusedError, WaitTimeoutError):
                with carrying(outcome):
                    raise
        lost = f"The answer to that was lost, so it was looked for: {launched.lost}" if launched.lost else ""
        return launched, replace(outcome.about(self.client, launched.job, WORKFLOW_JOB), changed=True).saying(lost)

    def launched(
        self, launched: Launched, contest: Contest, outcome: WorkflowOutcome, templates: tuple[int, ...]
    ) -> WorkflowOutcome:
        """Give way to another caller who was first, or follow the workflow job that was launched.

        :param templates: the temporary templates to be removed after success, its own as the last.
        """
        own = launched.job
        with carrying(outcome):
            rival = None
            if not self.request.force and not launched.lost:
                try:
                    own, rival = lower_rival(contest.newer(self.client), own, contest.is_rival)
                except ControllerError as error:
                    outcome = outcome.warned(f"Whether another caller launched the same is not known: {error}")
            if rival is None:
                return self.followed(own, outcome, templates, ours=not launched.lost)
            problem = self.watch.cancel(own, WORKFLOW_JOB)
            said = (
                f"Another caller had launched the same in the same instant, as workflow job {rival.id}, which is taken "
            )
            end = f"{problem} So both ran." if problem else "That was canceled; it may have begun."
            outcome = replace(
                outcome,
                changed=problem is not None,
                own_job_id=own.id,
                msg=f"{said}instead of this task's own {own.id}. {end}",
            )
            self.watch.until_canceled(own, WORKFLOW_JOB)
            return self.followed(rival, self.removed(outcome, templates[-1:]))

    def followed(
        self, job: Job, outcome: WorkflowOutcome, templates: tuple[int, ...] = (), ours: bool = False
    ) -> WorkflowOutcome:
        """Wait for the end of a workflow job, and clean up after its success.

        :param templates: the temporary templates to be removed then, that of the job as the last.
        :param ours: this task launched it, and may cancel it.
        :raises JobUnsuccessfulError: it ended otherwise.
        """
        outcome = outcome.about(self.client, job, WORKFLOW_JOB)
        with carrying(outcome):
            if job.active:
                if self.request.check_mode or not self.request.waiting.wait:
                    return outcome
                job = self.until_ended(job, outcome, ours)
                outcome = outcome.about(self.client, job, WORKFLOW_JOB)
            if not job.successful:
                self._fail(job, outcome, bool(templates))
            outcome = outcome.saying(f"Workflow job {job.id} was successful.")
            return self.removed(outcome, templates)

    def removed(self, outcome: WorkflowOutcome, templates: t.Sequence[int]) -> WorkflowOutcome:
        """Remove temporary templates, and end with the first that stays: the last of them shows what has been done."""
        for template in templates:
            problem = _temporary_template.remove(self.client, template)
            if problem:
                return outcome.warned(f"The temporary workflow template {template} stays: {problem}")
            if template == outcome.temporary_template_id:
                outcome = replace(outcome, temporary_template_id=None)
        return outcome

    def _fail(self, job: Job, outcome: WorkflowOutcome, resumable: bool) -> t.NoReturn:
        bad: list[str] = []
        try:
            entries = self.client.results(WORKFLOW_JOB.at(job.id, "workflow_nodes"))
            bad = [node.label for node in map(Node.of, entries) if node.bad]
        except ControllerError as problem:
            outcome = replace(outcome, report_error=str(problem))
        on = f" on {told(bad)}" if bad else ""
        again = " Run the task again to go on from there." if resumable else ""
        with carrying(replace(outcome, failed_nodes=tuple(bad))):
            raise JobUnsuccessfulError(
                f"Workflow job {job.id} ended with status {job.status}{on}.{explained(job)}{again} See {outcome.url}"
            )

    def until_ended(self, job: Job, outcome: WorkflowOutcome, ours: bool = False) -> Job:
        """:raises WaitTimeoutError: the deadline came first."""
        try:
            return self.watch.until_ended(job, WORKFLOW_JOB)
        except WaitTimeoutError as error:
            last = t.cast("Job", error.last or job)
            on = "It goes on: run the task again to wait for it."
            if ours and self.request.waiting.cancel_on_timeout:
                on = self.watch.cancel(last, WORKFLOW_JOB) or "It was canceled."
                last = self.watch.until_canceled(last, WORKFLOW_JOB)
            with carrying(outcome if outcome.job is None else outcome.about(self.client, last, WORKFLOW_JOB)):
                raise WaitTimeoutError(
                    f"Waiting for workflow job {job.id} ended after {self.request.waiting.timeout:g} seconds (timeout) "
                    f"with the status {last.status}. {on} See {self.client.page_url(WORKFLOW_JOB.page, job.id)}"
                ) from None

    def done(self, job: Job, said: str, outcome: WorkflowOutcome) -> WorkflowOutcome:
        return outcome.about(self.client, job, WORKFLOW_JOB).saying(said)
