# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer means that is not the one that was expected. Pure. Private to this collection."""

from __future__ import annotations

import email.utils
import math
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timezone

from .errors import AnswerError, describe_text, flatten

# Nobody gains from a single pause longer than this, whatever the number of retries or a Retry-After says.
LONGEST_PAUSE = 60.0

UNAUTHORIZED = 401
FORBIDDEN = 403
REFUSALS = frozenset({UNAUTHORIZED, FORBIDDEN})
# Seconds for which the refusal of what had been granted counts as trouble in passing.
LONGEST_REFUSAL = 300.0
SAFE_METHODS = frozenset({"GET", "OPTIONS"})


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: ``body`` is the parsed JSON, None where the body is none."""

    status: int
    body: t.Any
    text: str
    headers: t.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RequestMade:
    """What was asked, as far as an error tells.

    :param name: method and address, such as ``GET https://controller.example.com/api/v2/ping/``.
    :param who: the credentials, in words.
    :param answered: whether that controller has answered properly before. Pages and redirects in the place of an answer
        are then those of a proxy while it restarts, and will pass.
    """

    name: str
    who: str
    answered: bool


@dataclass(frozen=True)
class Withdrawn:
    """The refusal of what had been granted before.

    :param seconds: for how long it has been refused by now.
    :param safe: whether it is a read that is refused.
    """

    seconds: float
    safe: bool

    @property
    def in_passing(self) -> bool:
        return self.seconds < LONGEST_REFUSAL


class Grants:
    """What the credentials of a task have been granted so far, and since when they are refused it.

    Nothing in a refusal tells whether it is one in passing: a token that was revoked and one that never was valid have
    the same body (recorded: denied-token-*), as have a role that was removed and one that never was given (recorded:
    denied-role-removed-*, denied-never-allowed-*). What had been granted tells: each read by its own path, since
    permissions are those of single jobs; and what an answer shows may be read by itself too, such as a job that was
    just launched.

    :param clock: a monotonic clock, seconds.
    """

    def __init__(self, clock: t.Callable[[], float]) -> None:
        self._clock = clock
        self._granted: set[str] = set()
        self._refused_since: dict[str, float] = {}

    def add(self, method: str, path: str, body: t.Any) -> None:
        """Remember a success.

        :param path: below the API's prefix.
        :param body: the parsed JSON of the answer.
        """
        found = body if isinstance(body, dict) else {}
        listed = found.get("results")
        entries = listed if isinstance(listed, list) else []
        shown = {_below_prefix(entry.get("url")) for entry in (found, *entries) if isinstance(entry, dict)} - {""}
        granted = {_CREDENTIALS, *(f"GET {one}" for one in shown)}
        if method in SAFE_METHODS:
            granted.add(f"{method} {path}")
        self._granted |= granted
        for name in granted:
            self._refused_since.pop(name, None)

    def withdrawn(self, status: int, method: str, path: str) -> t.Optional[Withdrawn]:
        """What it means that an answer has this status; None where it is no refusal of what had been granted."""
        name = _CREDENTIALS if status == UNAUTHORIZED else f"{method} {path}"
        if status not in REFUSALS or name not in self._granted:
            return None
        now = self._clock()
        return Withdrawn(now - self._refused_since.setdefault(name, now), method in SAFE_METHODS)


# Beside the names of reads.
_CREDENTIALS = "credentials"


def _below_prefix(url: t.Any) -> str:
    """The path below the API's prefix; behind a gateway an address in a body may lack the gateway's part of that."""
    return url.partition("/v2/")[2] if isinstance(url, str) else ""


def time_of(date: t.Optional[str]) -> datetime:
    """The time in a Date header, with its zone; the present by the own clock where there is none."""
    return _parsed_date(date or "") or datetime.now(timezone.utc)


def retry_after_seconds(value: t.Optional[str], now: float) -> t.Optional[float]:
    """The Retry-After header in seconds, at most LONGEST_PAUSE.

    :param value: a number of seconds or an HTTP date; anything else counts as not given.
    :param now: the time of day, seconds since the epoch.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = _parsed_date(value)
        if date is None:
            return None
        seconds = date.timestamp() - now
    return None if math.isnan(seconds) else min(LONGEST_PAUSE, max(0.0, seconds))


def _parsed_date(value: str) -> t.Optional[datetime]:
    """An HTTP date with its zone; None for what is none, or lies where no calendar goes."""
    try:
        return email.utils.parsedate_to_datetime(value).astimezone(timezone.utc)
    except (TypeError, ValueError, LookupError, OverflowError, OSError):
        return None


def unexpected(
    answer: Answer, asked: RequestMade, withdrawn: t.Optional[Withdrawn] = None, late: bool = False
) -> AnswerError:
    """The error for an answer with a status that does not count as success.

    :param withdrawn: where it refuses what had been granted before.
    :param late: it was too late to send the request once more.
    """
    said = flatten(answer.body) if answer.body is not None else describe_text(answer.text)
    advice = ""
    location = answer.headers.get("Location")
    if 300 <= answer.status < 400:
        said = f"go to {flatten(location)}" if location else "go elsewhere"
        advice = (
            " Redirects are not followed, since they lose a POST and give credentials away: set controller_host to "
            "the final address."
        )
    elif withdrawn is not None:
        advice = _withdrawn(answer.status, asked, withdrawn)
    elif answer.status == UNAUTHORIZED:
        advice = f" The {asked.who} is wrong or has expired: check the credentials."
    elif answer.status == 404 and answer.body is None:
        advice = (
            " No controller API is found there: check controller_host, and for an unusual path set the environment "
            "variable CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX."
        )
    elif answer.status == 200:
        advice = " This is no controller's answer: check that controller_host is the controller itself."
    # A date in Retry-After is one of the clock that Date tells, and the own one may be wrong.
    now = time_of(answer.headers.get("Date")).timestamp()
    passing = True if answer.body is None and asked.answered else None
    return AnswerError(
        f"{asked.name} was answered {answer.status}{f': {said}'.rstrip(':. ')}.{advice}",
        status=answer.status,
        body=answer.body,
        said=said,
        retry_after=retry_after_seconds(answer.headers.get("Retry-After"), now),
        transient=withdrawn.in_passing if withdrawn else passing,
        believed=not (withdrawn and withdrawn.in_passing and withdrawn.safe),
        once=late and answer.status in REFUSALS and isinstance(answer.body, dict),
    )


def _withdrawn(status: int, asked: RequestMade, withdrawn: Withdrawn) -> str:
    """What the refusal of what had been granted means, a sentence or two."""
    had = f"The {asked.who} had been accepted" if status == UNAUTHORIZED else "The same request had been granted"
    if withdrawn.in_passing:
        return f" {had} before in this task, so that this may pass."
    cause, step = (
        ("it has been revoked or has expired", "Renew it")
        if status == UNAUTHORIZED
        else ("a role has been taken away", "Give the user that role again")
    )
    return (
        f" {had} before in this task, and has been refused for {withdrawn.seconds:.0f} seconds by now: {cause}. {step} "
        "and run the task again."
    )


def no_object(answer: Answer, asked: RequestMade) -> AnswerError:
    """The error for an answer that should have held a JSON object, and does not."""
    cut = answer.body is None and answer.text.lstrip().startswith("{")
    if cut:
        found = "JSON that is cut short or broken"
    elif answer.body is None:
        found = describe_text(answer.text)
    else:
        found = f"a JSON {type(answer.body).__name__}"
    return AnswerError(
        f"{asked.name} was answered {answer.status} with {found} instead of a JSON object. Check that controller_host "
        "is the controller itself and not a login page, a maintenance page or a gateway of another service.",
        status=answer.status,
        body=answer.body,
        said=found,
        transient=answer.body is None and (cut or asked.answered),
    )
