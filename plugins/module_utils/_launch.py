# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one unsafe request: the relaunch POST, sent at most once, and the search for the job it may have made."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass

from ansible_collections.relaunch.controller.plugins.module_utils import _equivalents, _jobs
from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient, backoff
from ansible_collections.relaunch.controller.plugins.module_utils._errors import (
    AnswerError,
    AnswerLostError,
    ControllerError,
    ForbiddenError,
    NotSentError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._refusals import relaunch_refused
from ansible_collections.relaunch.controller.plugins.module_utils._relaunch import FAILED
from ansible_collections.relaunch.controller.plugins.module_utils._wait import wait_until

CREATED = 201

# A job whose client had vanished was seen to appear up to 1.7 s later, under load. It is looked for that much longer,
# counted from the first look that the controller answers, so that a restart does not use up the time.
LOOK_UP_SECONDS = 10.0
LOOK_UP_TIMEOUT = 120.0
LOOK_UP_INTERVAL = 1.0


@dataclass(frozen=True)
class Attempt:
    """A relaunch that is about to be sent.

    :param job: the job to relaunch.
    :param hosts: on ``all`` or on its ``failed`` hosts.
    :param body: the payload.
    :param newest: the highest id known of a relaunch before it.
    """

    job: Job
    hosts: str
    body: t.Mapping[str, t.Any]
    newest: int


@dataclass(frozen=True)
class Launched:
    """The new job, and why it had to be looked for, where it had."""

    job: Job
    lost: str = ""


def launch(client: ControllerClient, attempt: Attempt) -> Launched:
    """Relaunch a job.

    :raises RefusedError: the controller declined; nothing was launched. With 403 it is a ForbiddenError.
    :raises NotSentError: the request surely did not reach the controller, each of the times it was tried.
    :raises AnswerLostError: a job may have been launched, but none was found.
    """
    try:
        return Launched(Job.of(_send(client, attempt)))
    except (AnswerError, AnswerLostError) as error:
        if isinstance(error, AnswerError) and error.refuses:
            kind = ForbiddenError if error.status == 403 else RefusedError
            raise kind(relaunch_refused(error, attempt.job, attempt.hosts)) from None
        lost = str(error)
    job = _look_up(client, attempt)
    if job is None:
        raise AnswerLostError(
            f"It is unknown whether job {attempt.job.id} was relaunched: {lost} No new job has been found, but one may "
            "still appear. Running the task again is safe: it looks for it first."
        )
    return Launched(job, lost)


def _send(client: ControllerClient, attempt: Attempt) -> dict[str, t.Any]:
    """The POST. Only where it surely did not leave is it tried again, as often as a read."""
    tries = 0
    while True:
        try:
            return client.post(_jobs.path(attempt.job.id, "relaunch"), attempt.body, CREATED)
        except NotSentError as error:
            if not error.transient or tries >= client.connection.max_retries:
                raise
        client.sleep(backoff(tries, client.connection.retry_backoff_factor, random.random()))
        tries += 1


def _look_up(client: ControllerClient, attempt: Attempt) -> t.Optional[Job]:
    """The job that a POST of unknown outcome has made; None if none has shown up in time."""
    looked: list[float] = []

    def look() -> t.Optional[Job]:
        try:
            found = _newer_relaunch(client, attempt)
        except ControllerError as error:
            if error.transient:
                raise
            # A single strange answer must not end the search: the job may be on its way.
            found = None
        looked.append(client.clock())
        return found

    def settled(found: t.Optional[Job]) -> bool:
        return found is not None or looked[-1] - looked[0] >= LOOK_UP_SECONDS

    try:
        return wait_until(look, settled, LOOK_UP_INTERVAL, LOOK_UP_TIMEOUT, client.clock, client.sleep)
    except WaitTimeoutError:
        return None


def _newer_relaunch(client: ControllerClient, attempt: Attempt) -> t.Optional[Job]:
    """The oldest relaunch, newer than all known before, that this user made of the attempt's work on its hosts."""
    job = attempt.job
    query = {**_equivalents.query(job), "id__gt": attempt.newest}
    listed = [Job.of(entry) for entry in client.get_once("jobs/", **query).get("results") or ()]
    job_type = attempt.body.get("job_type")
    newer = [found for found in listed if _equivalents.same_work(job, found, job_type)]
    if not newer:
        return None
    me = client.get_once("me/").get("results") or [{}]
    mine = [found for found in newer if (found.facts.get("launched_by") or {}).get("id") == me[0].get("id")]
    if not mine:
        return None
    if attempt.hosts == FAILED:
        summaries = _jobs.host_summaries(client, job.id, failed=True)
        names = sorted(summary.name for summary in summaries if summary.present)
        mine = [found for found in mine if found.limit_hosts == names]
    else:
        mine = [found for found in mine if _equivalents.same_limit(job, found)]
    return mine[0] if mine else None
