# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What job_relaunch does: find the job, and drive its sequence. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api import jobs as _jobs
from .._api import templates as _templates
from .._api.client import ControllerClient
from .._api.errors import AnswerError, RefusedError
from .._api.jobs import Job
from .._launch.refusals import source_unavailable
from .._launch.waiting import Progress, Watch
from .._work.ledger_reader import JobsRead
from .driver import drive
from .options import RelaunchRequest
from .outcome import RelaunchOutcome, carrying
from .sequence import RelaunchSequence
from .work import JobWork


def relaunch_job(
    client: ControllerClient, request: RelaunchRequest, progress: t.Optional[Progress] = None
) -> RelaunchOutcome:
    """Bring it about that the work of a job is done, or say why not.

    :param client: the controller.
    :param request: what is asked for.
    :param progress: is shown the job at each look while waiting for its end.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    watch = Watch(client, request.waiting, progress)
    return run_sequence(sequence_of(client, request, watch, JobsRead()), client, request, watch)


def sequence_of(client: ControllerClient, request: RelaunchRequest, watch: Watch, read: JobsRead) -> RelaunchSequence:
    """The sequence of a job.

    :param read: what is known of jobs that have ended; it grows.
    """
    return RelaunchSequence(lambda source: JobWork.of(client, request, watch, source, read))


def run_sequence(
    sequence: RelaunchSequence, client: ControllerClient, request: RelaunchRequest, watch: Watch
) -> RelaunchOutcome:
    """Find the job that a task names, and drive its sequence.

    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    job_id = source_job_id(client, request)
    outcome = RelaunchOutcome(source_job_id=job_id)
    with carrying(outcome):
        source = source_job(client, job_id)
    return drive(sequence.steps(source, outcome), client, watch)


def source_job_id(client: ControllerClient, request: RelaunchRequest) -> int:
    """The number of the job that a task names, by itself or by its template.

    :raises ControllerError: there is none, or it could not be looked up.
    """
    if request.job_id is not None:
        return request.job_id
    return _templates.latest_job_id(client, str(request.job_template), request.organization)


def source_job(client: ControllerClient, job_id: int) -> Job:
    """The job that a task names, in detail.

    :raises RefusedError: there is none that this user may see.
    """
    try:
        return _jobs.get(client, job_id)
    except AnswerError as error:
        if not error.not_visible:
            raise
        kind = _jobs.kind_of(client, job_id) if error.status == 404 else None
        raise RefusedError(source_unavailable(error, job_id, kind)) from None
