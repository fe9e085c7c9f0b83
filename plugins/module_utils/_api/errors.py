# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error tree, and a controller's error body as one sentence. Private to this collection."""

from __future__ import annotations

import html
import re
import typing as t

_T = t.TypeVar("_T")

# A refusal fits in a line or two; whole HTML pages and tracebacks of a proxy do not belong in a message.
SAID_LIMIT = 500

# Too many requests: by definition not carried out.
THROTTLED = 429
# There is no such thing, or none that this user may see.
NOT_VISIBLE = (403, 404)

# Keys under which Django REST framework files what belongs to no field: the sentence alone says it.
_FIELDLESS_KEYS = frozenset({"detail", "error", "errors", "msg", "non_field_errors", "__all__"})


def is_trouble(status: int) -> bool:
    """Whether an HTTP status says no more than that the controller cannot answer now."""
    return status == THROTTLED or status >= 500


class ControllerError(Exception):
    """Something that ends the task, told in one or two sentences for a person.

    :param message: what is wrong, what the controller said, what to do next.
    """

    #: Whether the same read, sent again a little later, may well succeed.
    transient: bool = False
    #: Seconds the controller asked to be left alone, if it did.
    retry_after: t.Optional[float] = None
    #: Whether the controller itself understood the request and declined it, so that nothing was done. Not with 429,
    #: which says no more than that it was asked too early, nor with the refusal of a read that had been granted.
    refuses: bool = False
    #: Whether it says so that there is no such thing, or none that this user may see.
    not_visible: bool = False


class OptionError(ControllerError):
    """An option, environment variable or configuration file is wrong; nothing was sent."""


class NotSentError(ControllerError):
    """The request surely did not reach the controller: no name, no connection, no trusted TLS."""

    def __init__(self, message: str, transient: bool) -> None:
        super().__init__(message)
        self.transient = transient


class AnswerLostError(ControllerError):
    """The request was sent, but no whole answer came back: it may or may not have been carried out.

    :param late: whether there was none within request_timeout.
    """

    transient: bool = True

    def __init__(self, message: str, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


class AnswerError(ControllerError):
    """The controller, or something in front of it, answered what the request cannot be content with.

    :param status: the HTTP status.
    :param body: the parsed JSON body, or None where there is none.
    :param said: the body as one sentence.
    :param retry_after: seconds, from the Retry-After header.
    :param transient: whether a later read may do better; by default where the status is 429 or 5xx.
    :param believed: whether a refusal is the controller's last word; else it is trouble in passing.
    :param once: whether a refusal was given a single time, since it was too late to send the request once more.
    """

    def __init__(
        self,
        message: str,
        status: int,
        body: t.Any = None,
        said: str = "",
        retry_after: t.Optional[float] = None,
        transient: t.Optional[bool] = None,
        believed: bool = True,
        once: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.said = said
        self.retry_after = retry_after
        self.transient = is_trouble(status) if transient is None else transient
        self.refuses = believed and 400 <= status < 500 and status != THROTTLED and isinstance(body, dict)
        self.not_visible = self.refuses and status in NOT_VISIBLE
        self.once = once

    @property
    def answer(self) -> str:
        """What was answered, as a sentence."""
        return f'The controller answered {self.status}: "{self.said}"'

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the body, by which a refusal tells what it is about; none where that is no object."""
        return frozenset(self.body) if isinstance(self.body, dict) else frozenset()


#: What may be wrong with one address alone, while others are answered.
OF_ONE_ADDRESS = (AnswerError, AnswerLostError)


class RefusedError(ControllerError):
    """The relaunch is not possible as asked; nothing was launched."""


class NotNowError(RefusedError):
    """The controller asked to be left alone, for longer than the task tries; nothing was launched."""

    transient: bool = True


class ForbiddenError(RefusedError):
    """The controller does not let this user relaunch this job; another job of the same work may be open to them."""


class NoFailedHostsError(RefusedError):
    """The controller knows no failed hosts of this job that it could relaunch it on."""


class ParkedError(RefusedError):
    """Hosts that a rule has parked are left, and nothing can be launched without them."""


class WaitTimeoutError(ControllerError):
    """The wait ran out of time.

    :param last: what was fetched last, if anything.
    :param trouble: why nothing newer could be fetched, as a sentence with a space before it; empty where it could.
    """

    def __init__(self, message: str, last: t.Any = None, trouble: str = "") -> None:
        super().__init__(message + trouble)
        self.last = last
        self.trouble = trouble


class DeadlineError(WaitTimeoutError):
    """The task's deadline was over: nothing was launched after it, and what had not begun is not waited for."""


class JobUnsuccessfulError(ControllerError):
    """The job that was waited for ended otherwise than successfully, or ran as another type than wanted."""


class HostsLeftError(JobUnsuccessfulError):
    """The job was successful or never ran, and hosts are left that another launch would run on."""


class CutShortError(ControllerError):
    """The failed hosts have succeeded, and the work has not: the job had stopped before its end for others."""


def if_visible(read: t.Callable[[], _T], statuses: t.Collection[int] = NOT_VISIBLE) -> t.Optional[_T]:
    """What a read brings; None where there is no such thing, or none that this user may see.

    :param statuses: with which the controller says so.
    :raises ControllerError: it could not be read for another reason.
    """
    try:
        return read()
    except AnswerError as error:
        if not (error.refuses and error.status in statuses):
            raise
        return None


def flatten(body: t.Any) -> str:
    """A controller's error body as one sentence.

    Bodies come as ``{"field": "text"}`` and as ``{"field": ["text", ...]}``, nested at times
    (recorded: post-failed-running, post-hosts-bogus, post-inventory-deleted).

    :param body: parsed JSON of any type.
    :returns: the sentences with their fields' names, on one line, bounded in length.
    """
    return bounded(" ".join(_flatten(body).split()))


def _flatten(body: t.Any) -> str:
    if isinstance(body, dict):
        parts = []
        for key, value in body.items():
            text = _flatten(value)
            if text:
                parts.append(text if key in _FIELDLESS_KEYS else f"{key}: {text}")
        return "; ".join(parts)
    if isinstance(body, (list, tuple)):
        return "; ".join(filter(None, map(_flatten, body)))
    return "" if body is None else str(body)


def describe_text(text: str) -> str:
    """What a body that is no JSON says, on one line.

    :param text: the body; of an HTML page the title (or first heading) is taken.
    :returns: a description such as ``an HTML page titled "502 Bad Gateway"``.
    """
    if not text.strip():
        return "an empty body"
    if re.search(r"<(!doctype|html|head|body|h1)\b", text, re.IGNORECASE):
        for tag in ("title", "h1"):
            match = re.search(rf"<{tag}[^>]*>(.*?)</{tag}>", text, re.IGNORECASE | re.DOTALL)
            heading = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", match.group(1))).split()) if match else ""
            if heading:
                return f'an HTML page titled "{bounded(heading)}"'
        return "an HTML page"
    return f'"{bounded(" ".join(text.split()))}"'


def bounded(text: str, most: int = SAID_LIMIT) -> str:
    """A text, cut where it has more characters than these."""
    return text if len(text) <= most else text[: most - 1] + "…"
