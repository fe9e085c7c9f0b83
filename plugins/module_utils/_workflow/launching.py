# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launch of a workflow job, and the jobs among which other callers' are. Private to this collection."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass

from .._api.client import ControllerClient, backoff
from .._api.errors import NotSentError, RefusedError, WaitTimeoutError
from .._api.jobs import Job
from .._api.kinds import WORKFLOW_JOB
from .._job.driver import drive
from .._launch.asks import JobsAfter
from .._launch.launch import Attempt, Launched, Lost, NotNow, send
from .._launch.look_up import look_up
from .._launch.waiting import Watch


@dataclass(frozen=True)
class Contest:
    """Where other callers may launch the same workflow in the same instant.

    :param query: the filter for the workflow jobs that may be the same; ``id__gt`` is added to it.
    :param newest: the highest number of one known before.
    :param is_rival: whether one does all of what the own one does.
    """

    query: t.Mapping[str, t.Any]
    newest: int
    is_rival: t.Callable[[Job], bool]

    def newer(self, client: ControllerClient) -> list[Job]:
        """The workflow jobs that may be the same, newer than all known before, oldest first."""
        query = {**self.query, "id__gt": self.newest}
        return [Job.of(entry) for entry in client.results(f"{WORKFLOW_JOB.path}/", **query)]


def launch(client: ControllerClient, watch: Watch, attempt: Attempt, contest: Contest) -> Launched:
    """Send the POST at most once where it may have been carried out, and find the workflow job that came of it.

    :raises WaitTimeoutError: the deadline had passed before; nothing was launched.
    :raises RefusedError: the controller declined; nothing was launched. With 403 it is a ForbiddenError.
    :raises NotSentError: the request surely did not reach the controller, each of the times it was tried.
    :raises AnswerLostError: a workflow job may have been launched, but none was found.
    """
    tries = 0
    while True:
        if watch.passed:
            raise WaitTimeoutError(f"{attempt.what} was not {attempt.verb}: the timeout was over before that.")
        sent = send(client, attempt)
        if isinstance(sent, Launched):
            return sent
        if isinstance(sent, Lost):
            return _looked_up(client, watch, attempt, sent, contest)
        client.sleep(_pause(client, watch, attempt, sent, tries))
        tries += 1


def _pause(client: ControllerClient, watch: Watch, attempt: Attempt, refused: NotNow, tries: int) -> float:
    connection, left = client.connection, watch.left()
    pause = max(backoff(tries, connection.retry_backoff_factor, random.random()), refused.retry_after)
    if tries < connection.max_retries and (left is None or pause < left):
        return pause
    if isinstance(refused.error, NotSentError):
        raise refused.error
    raise RefusedError(f"{attempt.what} was not {attempt.verb}: {refused.error}")


def _looked_up(client: ControllerClient, watch: Watch, attempt: Attempt, lost: Lost, contest: Contest) -> Launched:
    newer = JobsAfter(Job({"id": contest.newest, "status": ""}), contest.newest)
    steps = look_up(client, attempt, lost, newer, WORKFLOW_JOB.noun, watch.left())
    return drive(steps, client, watch, lambda asked, _ask: contest.newer(asked))
