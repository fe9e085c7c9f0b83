# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One unsafe request that makes a job of any kind, sent at most once. It never sleeps. Private to this collection."""

from __future__ import annotations

import math
import random
import typing as t
from dataclasses import dataclass

from .._api.client import REFUSED_PAUSE, ControllerClient, backoff
from .._api.errors import (
    THROTTLED,
    AnswerError,
    AnswerLostError,
    ControllerError,
    ForbiddenError,
    NoFailedHostsError,
    NotNowError,
    NotSentError,
    RefusedError,
)
from .._api.jobs import Job, join

CREATED = 201


@dataclass(frozen=True)
class Attempt:
    """A launch that is about to be sent.

    :param path: where the POST goes, below the API's prefix.
    :param body: what it sends.
    :param what: what would be launched, to begin a sentence with, such as ``Job 42``.
    :param verb: what is done to it, such as ``relaunched``.
    :param is_own: whether a job is what the POST makes; it may ask.
    :param refused: the sentence for the controller's refusal.
    :param again_by: until when, by the client's clock, what it rests on lets it be sent once more after a refusal.
    :param refused_before: it has been refused once before: the next refusal is believed.
    """

    path: str
    body: t.Mapping[str, t.Any]
    what: str
    verb: str
    is_own: t.Callable[[Job], bool]
    refused: t.Callable[[AnswerError], str]
    again_by: float = math.inf
    refused_before: bool = False

    def not_sent(self, why: str) -> str:
        """The beginning of a sentence, or all of it, that says why nothing was launched."""
        return f"{self.what} was not {self.verb}: {why}"


@dataclass(frozen=True)
class Launched:
    """The new job, and why it had to be looked for, where it had: then it may be canceled by nobody here.

    :param others: the numbers of others that have been found, any of which it may be as well.
    """

    job: Job
    lost: str = ""
    others: tuple[int, ...] = ()

    def looked_for(self, what: str) -> str:
        """The sentence that tells why it had to be looked for; empty where it had not.

        :param what: it.
        """
        return f"The answer to that was lost, so {what} was looked for: {self.lost}" if self.lost else ""

    @property
    def doubt(self) -> str:
        """A warning where it may be another caller's, and another one its own; else empty."""
        if not self.others:
            return ""
        found = join((self.job.id, *self.others))
        return (
            f"This user has launched the same more than once: {found}. Another caller may have launched one of them, "
            "and all may run: cancel all but one."
        )


@dataclass(frozen=True)
class Lost:
    """The answer was lost: a job may have been launched.

    :param why: a sentence.
    """

    why: str


@dataclass(frozen=True)
class NotNow:
    """Nothing was launched, and the same may be sent again later.

    :param error: why.
    :param retry_after: seconds that the controller asked to be left alone.
    """

    error: ControllerError
    retry_after: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether that was a refusal, which is believed when it is given twice."""
        return isinstance(self.error, AnswerError) and self.error.once


def send(client: ControllerClient, attempt: Attempt) -> t.Union[Launched, Lost, NotNow]:
    """Send the POST.

    :raises RefusedError: the controller declined; nothing was launched. With 403 it is a ForbiddenError, and where it
        finds no failed hosts a NoFailedHostsError (recorded: post-failed-hosts-deleted).
    :raises NotSentError: the request cannot reach the controller; trying again will not cure that.
    """
    again_by = -math.inf if attempt.refused_before else attempt.again_by
    try:
        return Launched(Job.of(client.post(attempt.path, attempt.body, CREATED, again_by)))
    except NotSentError as error:
        if not error.transient:
            raise
        return NotNow(error)
    except AnswerError as error:
        if error.status == THROTTLED:
            return NotNow(error, error.retry_after or 0.0)
        if error.once and not attempt.refused_before:
            return NotNow(error, REFUSED_PAUSE)
        if error.refuses:
            raise _kind_of(error)(attempt.refused(error)) from None
        return Lost(str(error))
    except AnswerLostError as error:
        return Lost(str(error))


def _kind_of(error: AnswerError) -> type[RefusedError]:
    if error.status == 403:
        return ForbiddenError
    return NoFailedHostsError if "hosts" in error.keys else RefusedError


def pause_before_next_try(
    client: ControllerClient, attempt: Attempt, refused: NotNow, tries: int, left: float
) -> float:
    """Seconds until a launch that was not carried out may be sent again.

    :param tries: how often it has been sent before.
    :param left: the seconds that there are.
    :raises ControllerError: there is no further try.
    """
    connection, again, pause = client.connection, refused.refused, refused.retry_after
    if not again:
        pause = max(backoff(tries, connection.retry_backoff_factor, random.random()), pause)
    if (again or tries < connection.max_retries) and pause < left:
        return pause
    if isinstance(refused.error, NotSentError):
        raise refused.error
    raise NotNowError(attempt.not_sent(str(refused.error)))
