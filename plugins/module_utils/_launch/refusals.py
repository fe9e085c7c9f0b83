# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a controller's refusals mean and what to do next. Decided on status and keys, never on translated sentences.

Private to this collection.
"""

from __future__ import annotations

import typing as t

from .._api.errors import AnswerError, ControllerError
from .._api.jobs import Job
from .._api.kinds import IN_WORDS
from .._work.decision import FAILED, no_failed_hosts


def relaunch_refused(error: AnswerError, job: Job, hosts: str) -> str:
    """The sentence for a relaunch POST that the controller declined.

    :param error: its answer.
    :param job: the job that was to be relaunched.
    :param hosts: what was asked for, ``all`` or ``failed``.
    """
    on = " on its failed hosts" if hosts == FAILED else ""
    return f"Job {job.id} was not relaunched{on}. {error.answer} {_after_relaunch(error, job)}"


RAN_WITH_GONE = (
    "What it ran with is gone: give its template an inventory and a project again, then launch the template."
)
EXPIRED = "The credentials have just expired or been revoked: renew them and run the task again."
_PERMISSIONS = (
    "This takes the execute role on the job's template and, with a token, its write scope; a job launched with another "
    "user's prompts or secrets is for that user or an administrator to relaunch."
)

# Then the controller answers 403 to everybody, administrators too (AWX: check_license, check_org_host_limit).
NOBODY_MAY = "No user may while the subscription has expired, or it or the organization has too many hosts."


def not_startable(job: Job) -> str:
    """The sentence for a job that the controller says this user may not start."""
    return f"The controller does not let this user start {job.kind.noun} {job.id}. {_PERMISSIONS}"


# By the status of a refusal, or by a key of its body.
NextSteps = t.Mapping[t.Union[int, str], str]


def next_step(error: AnswerError, steps: NextSteps, otherwise: str) -> str:
    """The first of some steps that is for a refusal.

    :param otherwise: where none is.
    """
    return next((step for what, step in steps.items() if what == error.status or what in error.keys), otherwise)


def _after_relaunch(error: AnswerError, job: Job) -> str:
    names = ", ".join(job.passwords_needed) or "the passwords named above"
    steps: NextSteps = {
        401: EXPIRED,
        403: f"{_PERMISSIONS} {NOBODY_MAY}",
        404: "The job was deleted meanwhile: launch its template instead.",
        "credential_passwords": f"Give {names} in credential_passwords.",
        "hosts": no_failed_hosts(job),
        "errors": RAN_WITH_GONE,
        # AWX: the job's own credentials were asked, and those that the new job has by now are others.
        "msg": "Its template may have been given a credential that asks for a password at launch, which the job's own "
        "credentials do not: give that in credential_passwords with hosts: remaining, which launches the template.",
    }
    return next_step(error, steps, "Look at the job in the controller, or relaunch it there to see more.")


def source_unavailable(error: AnswerError, job_id: int, kind: t.Optional[str]) -> str:
    """The sentence for a source job that cannot be read.

    :param kind: what the number stands for if not for a job, as ``type`` in the API.
    """
    if error.status == 404 and kind:
        return source_is_other(job_id, kind)
    if error.status == 404:
        return f"Job {job_id} does not exist. {error.answer} Check job_id; old jobs are deleted at times."
    return (
        f"This user may not see job {job_id}. {error.answer} It takes the read role on the job's template to see it, "
        "and the execute role to relaunch it."
    )


def source_is_other(job_id: int, kind: str) -> str:
    """The sentence for a source that is no job.

    :param kind: what the number stands for, as ``type`` in the API.
    """
    there = (
        "workflow_job_relaunch resumes workflows from their failed nodes, and bulk_job_relaunch relaunches the failed "
        "slices of a sliced job, with this number as workflow_job_id."
        if kind == "workflow_job"
        else "job_relaunch relaunches the jobs of job templates."
    )
    return f"{job_id} is the id of {IN_WORDS.get(kind, kind)}, not of a job. {there}"


def workflow_refused(error: AnswerError, job: Job) -> str:
    """The sentence for a launch that the controller declined: of a whole workflow, or of what remains of one."""
    otherwise = slices_instead(job.id) if job.facts.get("is_sliced_job") else "Look at the workflow in the controller."
    step = next_step(error, {401: EXPIRED, 403: f"{_PERMISSIONS} {NOBODY_MAY}"}, otherwise)
    return f"What is asked for of workflow job {job.id} was not launched. {error.answer} {step}"


def slices_instead(workflow_job_id: int) -> str:
    """The sentence that says what to do about a sliced job that is not relaunched as a workflow."""
    return (
        f"bulk_job_relaunch, with workflow_job_id: {workflow_job_id}, relaunches its failed slices on their failed "
        "hosts."
    )


def not_resumable(workflow_job_id: int, reasons: t.Sequence[str]) -> str:
    """The sentences for a workflow that cannot be resumed; nothing was made."""
    return f"Workflow job {workflow_job_id} cannot be resumed from its failed nodes. {numbered(reasons)}"


def numbered(reasons: t.Sequence[str]) -> str:
    """Reasons against one thing: where there are several, each with its number."""
    several = len(reasons) > 1
    return " ".join(f"({number}) {reason}" if several else reason for number, reason in enumerate(reasons, 1))


def template_unfinished(error: ControllerError, at: str) -> str:
    """The sentences for a temporary template that could not be made whole.

    :param at: the node at which that was.
    """
    step = ""
    if isinstance(error, AnswerError) and error.refuses and error.status == 403:
        step = " It takes the role execute on what the node runs, and use on the inventory and credentials it is given."
    return f"The temporary workflow template could not be made: {at}: {error}{step}"


def may_not_make_workflows(source: Job) -> str:
    """The sentence for a user to whom OPTIONS shows no POST (measured)."""
    organization = source.summary("organization").get("name") or "an organization"
    return (
        "Resuming takes a temporary workflow template, which this user may not make: it takes the role workflow admin "
        f"in {organization}, use on the workflow's inventory, if it has one, and, with a token, its write scope."
    )


def workflow_unavailable(error: AnswerError, workflow_job_id: int, kind: t.Optional[str]) -> str:
    """The sentence for a workflow job that cannot be read.

    :param kind: what the number stands for if not for a workflow job, as ``type`` in the API.
    """
    if error.status == 404 and kind:
        there = " job_relaunch relaunches it." if kind == "job" else ""
        return f"{workflow_job_id} is the id of {IN_WORDS.get(kind, kind)}, not of a workflow job.{there}"
    if error.status == 404:
        return f"Workflow job {workflow_job_id} does not exist. {error.answer} Check workflow_job_id."
    return (
        f"This user may not see workflow job {workflow_job_id}. {error.answer} It takes the read role on its template."
    )
