# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer means that is not the one that was expected. Pure."""

from __future__ import annotations

import email.utils
import math
import typing as t
from dataclasses import dataclass, field

from .errors import AnswerError, describe_text, flatten

# Nobody gains from a single pause longer than this, whatever the number of retries or a Retry-After says.
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: ``body`` is the parsed JSON, None where the body is none."""

    status: int
    body: t.Any
    text: str
    headers: t.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What was asked, as far as an error tells.

    :param name: method and address, such as ``GET https://controller.example.com/api/v2/ping/``.
    :param who: the credentials, in words.
    :param answered: whether that controller has answered properly before. Pages and redirects in the place of an answer
        are then those of a proxy while it restarts, and will pass.
    """

    name: str
    who: str
    answered: bool


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
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (TypeError, ValueError):
            return None
    return None if math.isnan(seconds) else min(LONGEST_PAUSE, max(0.0, seconds))


def unexpected(answer: Answer, asked: Asked, now: float) -> AnswerError:
    """The error for an answer with a status that does not count as success.

    :param now: the time of day, seconds since the epoch.
    """
    said = flatten(answer.body) if answer.body is not None else describe_text(answer.text)
    advice = ""
    location = answer.headers.get("Location")
    if 300 <= answer.status < 400:
        said = f"go to {location}" if location else "go elsewhere"
        advice = (
            " Redirects are not followed, since they lose a POST and give credentials away: set controller_host to "
            "the final address."
        )
    elif answer.status == 401:
        advice = f" The {asked.who} is wrong or has expired: check the credentials."
    elif answer.status == 404 and answer.body is None:
        advice = (
            " No controller API is found there: check controller_host, and for an unusual path set the environment "
            "variable CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX."
        )
    elif answer.status == 200:
        advice = " This is no controller's answer: check that controller_host is the controller itself."
    return AnswerError(
        f"{asked.name} was answered {answer.status}{f': {said}'.rstrip(':. ')}.{advice}",
        status=answer.status,
        body=answer.body,
        said=said,
        retry_after=retry_after_seconds(answer.headers.get("Retry-After"), now),
        transient=True if answer.body is None and asked.answered else None,
    )


def no_object(answer: Answer, asked: Asked) -> AnswerError:
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
