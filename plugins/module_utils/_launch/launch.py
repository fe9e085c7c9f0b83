# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One unsafe request that makes a job of any kind: sent at most once; the search for the job that it may have made;
and the one that stays where several callers launched at once.
"""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass

from .._api.client import ControllerClient, backoff
from .._api.errors import (
    THROTTLED,
    AnswerError,
    AnswerLostError,
    ControllerError,
    ForbiddenError,
    NotSentError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job
from .._api.kinds import Kind
from .waiting import Watch, wait_until

CREATED = 201

# A job whose client had vanished was seen to appear up to 1.7 s later, under load. It is looked for that much longer,
# counted from the first look that the controller answers, so that a restart does not use up the time.
LOOK_UP_SECONDS = 10.0
LOOK_UP_TIMEOUT = 120.0
LOOK_UP_INTERVAL = 1.0


@dataclass(frozen=True)
class Contest:
    """Where other callers may launch the same in the same instant.

    :param kind: of the jobs.
    :param query: the filter for the jobs that may be the same; ``id__gt`` is added to it.
    :param newest: the highest number of a job known before.
    :param is_rival: whether the second job does all of what the first one does; it may ask.
    :param listed: lists the newer jobs, where one look serves for several launches.
    """

    kind: Kind
    query: t.Mapping[str, t.Any]
    newest: int
    is_rival: t.Callable[[Job, Job], bool]
    listed: t.Optional[t.Callable[[], list[Job]]] = None

    def newer(self, client: ControllerClient) -> list[Job]:
        """The jobs that may be the same, newer than all known before, oldest first."""
        if self.listed is not None:
            return self.listed()
        query = {**self.query, "id__gt": self.newest}
        return [Job.of(entry) for entry in client.results(f"{self.kind.path}/", **query)]


@dataclass(frozen=True)
class Attempt:
    """A launch that is about to be sent.

    :param path: where the POST goes, below the API's prefix.
    :param body: what it sends.
    :param what: what would be launched, to begin a sentence with, such as ``Job 42``.
    :param verb: what is done to it, such as ``relaunched``.
    :param contest: the jobs among which the new one will be found.
    :param is_own: whether one of these is what the POST makes; it may ask.
    :param refused: the sentence for the controller's refusal.
    """

    path: str
    body: t.Mapping[str, t.Any]
    what: str
    verb: str
    contest: Contest
    is_own: t.Callable[[Job], bool]
    refused: t.Callable[[AnswerError], str]


@dataclass(frozen=True)
class Launched:
    """The new job, and why it had to be looked for, where it had: then it may be canceled by nobody here."""

    job: Job
    lost: str = ""


def launch(client: ControllerClient, watch: Watch, attempt: Attempt) -> Launched:
    """Send the POST, and find the job that came of it.

    :raises WaitTimeoutError: the deadline had passed before; nothing was launched.
    :raises RefusedError: the controller declined; nothing was launched. With 403 it is a ForbiddenError.
    :raises NotSentError: the request surely did not reach the controller, each of the times it was tried.
    :raises AnswerLostError: a job may have been launched, but none was found.
    """
    try:
        return Launched(Job.of(_send(client, watch, attempt)))
    except (AnswerError, AnswerLostError) as error:
        if isinstance(error, AnswerError) and error.refuses:
            kind = ForbiddenError if error.status == 403 else RefusedError
            raise kind(attempt.refused(error)) from None
        if isinstance(error, AnswerError) and error.status == THROTTLED:
            raise RefusedError(f"{attempt.what} was not {attempt.verb}: {error}") from None
        lost = str(error)
    job = _look_up(client, watch, attempt)
    if job is None:
        raise AnswerLostError(
            f"It is unknown whether {attempt.what[0].lower()}{attempt.what[1:]} was {attempt.verb}: {lost} No new "
            f"{attempt.contest.kind.noun} has been found, but one may still appear. Running the task again is safe: it "
            "looks for it first."
        )
    return Launched(job, lost)


def _send(client: ControllerClient, watch: Watch, attempt: Attempt) -> dict[str, t.Any]:
    """The POST. Only where it surely was not carried out is it sent again, as often as a read."""
    tries = 0
    while True:
        if watch.passed:
            raise WaitTimeoutError(f"{attempt.what} was not {attempt.verb}: the timeout was over before that.")
        try:
            return client.post(attempt.path, attempt.body, CREATED)
        except (NotSentError, AnswerError) as error:
            again = error.transient if isinstance(error, NotSentError) else error.status == THROTTLED
            if not again or tries >= client.connection.max_retries:
                raise
            pause = backoff(tries, client.connection.retry_backoff_factor, random.random())
            pause = max(pause, error.retry_after or 0.0)
            left = watch.left()
            if left is not None and pause >= left:
                raise
        client.sleep(pause)
        tries += 1


def _look_up(client: ControllerClient, watch: Watch, attempt: Attempt) -> t.Optional[Job]:
    """The job that a POST of unknown outcome has made; None if none has shown up in time."""
    looked: list[float] = []

    def look() -> t.Optional[Job]:
        try:
            found = _own(client, attempt)
        except ControllerError as error:
            if error.transient:
                raise
            # A single strange answer must not end the search: the job may be on its way.
            found = None
        looked.append(client.clock())
        return found

    def settled(found: t.Optional[Job]) -> bool:
        return found is not None or looked[-1] - looked[0] >= LOOK_UP_SECONDS

    # It ends with the task's deadline, but not before it can be right.
    timeout = watch.left(most=LOOK_UP_TIMEOUT, least=LOOK_UP_SECONDS + LOOK_UP_INTERVAL)
    try:
        return wait_until(look, settled, LOOK_UP_INTERVAL, timeout, client.clock, client.sleep)
    except WaitTimeoutError:
        return None


def _own(client: ControllerClient, attempt: Attempt) -> t.Optional[Job]:
    """The oldest job, newer than all known before, that this user made and that is what the POST makes."""
    newer = attempt.contest.newer(client)
    if not newer:
        return None
    me = client.get_once("me/").get("results") or [{}]
    for job in newer:
        creator = job.facts.get("launched_by") or {}
        if creator.get("id") == me[0].get("id") and creator.get("type") in (None, "user") and attempt.is_own(job):
            return job
    return None


def lower_rival(
    client: ControllerClient, contest: Contest, own: Job, successful_too: bool = False
) -> tuple[Job, t.Optional[Job]]:
    """One look at whether another caller launched the same in the same instant, and was first.

    There is no lock: of the jobs that several callers made at once the one with the lowest number stays, and each
    caller that sees a lower one cancels its own. (Measured: a job is visible before its 201 is answered.) Nobody gives
    way to one that has ended: a cancel after its success would be the newest word on its work.

    :param own: the job that gives way to a lower one.
    :param successful_too: whether a lower one counts that has been successful meanwhile.
    :returns: that job as it is now, and the lowest active rival below it.
    :raises ControllerError: the list could not be read.
    """
    newer = contest.newer(client)
    now = next((job for job in newer if job.id == own.id), own)
    for job in newer:
        if job.id < own.id and (job.active or (successful_too and job.successful)) and contest.is_rival(own, job):
            return now, job
    return now, None
