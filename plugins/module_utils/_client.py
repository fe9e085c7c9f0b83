# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP side: one session, one authority, safe methods tried again, a POST sent once."""

from __future__ import annotations

import base64
import email.utils
import json
import math
import random
import socket
import ssl
import time
import typing as t
import warnings
from dataclasses import dataclass, field

from ansible_collections.relaunch.controller.plugins.module_utils import _requests
from ansible_collections.relaunch.controller.plugins.module_utils._connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._errors import (
    AnswerError,
    AnswerLostError,
    ControllerError,
    NotSentError,
    OptionError,
    describe_text,
    flatten,
)

if t.TYPE_CHECKING:
    import requests

DEFAULT_PREFIX = "/api/v2/"
PAGE_SIZE = 200
# Nobody gains from a single pause longer than this, whatever the number of retries or a Retry-After says.
LONGEST_PAUSE = 60.0


def backoff(attempt: int, factor: float, chance: float) -> float:
    """Seconds to pause before a read is tried again, so that many clients do not come back at once.

    :param attempt: 0 after the first failure, 1 after the second, ...
    :param factor: seconds; what the pause is measured in.
    :param chance: at least 0 and below 1, at random.
    :returns: half to all of ``factor * 2 ** attempt / 2``, at most LONGEST_PAUSE.
    """
    return min(LONGEST_PAUSE, factor * 2.0 ** min(attempt, 30) / 2) * (0.5 + chance / 2)


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


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: ``body`` is the parsed JSON, None where the body is none."""

    status: int
    body: t.Any
    text: str
    headers: t.Mapping[str, str] = field(default_factory=dict)


class ControllerClient:
    """Talks to one controller over one session.

    Redirects are never followed: a redirected POST becomes a GET that launches nothing but looks like success
    (recorded: post-noslash), and a redirect to another host would take the credentials there.

    :param connection: where and as whom.
    :param clock: a monotonic clock, seconds.
    :param sleep: pauses for some seconds, between the attempts of a read.
    """

    def __init__(
        self,
        connection: ConnectionOptions,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection = connection
        self.clock = clock
        self.sleep = sleep
        self._prefix = connection.api_prefix or DEFAULT_PREFIX
        self._prefix_known = connection.api_prefix is not None
        self._answered = False
        self._session = _requests.requests.Session()
        self._session.headers.update(
            {"Accept": "application/json", "Accept-Language": "en", "User-Agent": "relaunch.controller"}
        )
        # Anything truthy here also keeps requests from taking credentials out of ~/.netrc.
        self._session.auth = self._authorize

    def get(self, path: str, **query: t.Any) -> dict[str, t.Any]:
        """The JSON object at a path such as ``jobs/42/``; tried again while it fails in passing.

        :raises ControllerError: it failed for good, or more than ``max_retries`` times.
        """
        return self._retried(lambda: self.get_once(path, **query))

    def get_once(self, path: str, **query: t.Any) -> dict[str, t.Any]:
        """As ``get``, with a single attempt: for a wait, which does its own trying again."""
        return self._object(self._ask("GET", path, query), self._name("GET", path))

    def options(self, path: str) -> dict[str, t.Any]:
        """What a path accepts, as Django REST framework describes it."""
        return self._retried(lambda: self._object(self._ask("OPTIONS", path), self._name("OPTIONS", path)))

    def results(self, path: str, **query: t.Any) -> t.Iterator[dict[str, t.Any]]:
        """The entries of a list, all of its pages.

        Pages are asked for by number: behind a gateway ``next`` may lack its prefix.
        """
        page = 1
        while True:
            answer = self.get(path, **dict(query, page=page, page_size=PAGE_SIZE))
            entries = answer.get("results")
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise AnswerError(
                    f"{self._name('GET', path)} was answered without the list it should hold.", 200, answer
                )
            yield from entries
            if not answer.get("next"):
                return
            page += 1

    def post(self, path: str, payload: t.Mapping[str, t.Any], expected: int) -> dict[str, t.Any]:
        """Send one POST, once.

        :param expected: the only status that counts as success.
        :returns: the JSON object in the answer, empty where the answer has no body.
        :raises NotSentError: it surely did not reach the controller.
        :raises AnswerLostError: it may have been carried out.
        :raises AnswerError: another status. Where ``refuses`` is true nothing was done, else it may have been.
        """
        name = self._name("POST", path)
        answer = self._send("POST", self._url(path), json=payload)
        if answer.status != expected:
            raise self._unexpected(answer, name)
        return self._object(answer, name) if answer.text else {}

    def job_url(self, job_id: int) -> str:
        """Where a person's browser shows a job: AWX and the platform have different user interfaces."""
        if self._prefix == DEFAULT_PREFIX:
            return f"{self.connection.base_url}/#/jobs/playbook/{job_id}/output"
        return f"{self.connection.base_url}/execution/jobs/playbook/{job_id}/output"

    def _retried(self, read: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
        attempt = 0
        while True:
            try:
                return read()
            except ControllerError as error:
                if not error.transient or attempt >= self.connection.max_retries:
                    raise
                pause = backoff(attempt, self.connection.retry_backoff_factor, random.random())
                self.sleep(max(pause, error.retry_after or 0))
            attempt += 1

    def _ask(self, method: str, path: str, query: t.Optional[t.Mapping[str, t.Any]] = None) -> Answer:
        """A safe request, below the right API prefix."""
        answer = self._send(method, self._url(path), params=query)
        if not self._prefix_known and answer.status < 500 and answer.status != 429:
            if answer.status != 200 or answer.body is None:
                discovered = self._discover_prefix()
                # With a controller there, a page or redirect in the place of an answer will pass.
                self._answered = discovered is not None
                if discovered and discovered != self._prefix:
                    self._prefix = discovered
                    answer = self._send(method, self._url(path), params=query)
            self._prefix_known = True
        if answer.status != 200:
            raise self._unexpected(answer, self._name(method, path))
        return answer

    def _discover_prefix(self) -> t.Optional[str]:
        """Where the API lies, from ``/api/``, which needs no credentials.

        AWX names ``current_version`` (recorded: api-root); the platform's gateway lists its services in ``apis``.
        """
        root = self._send("GET", f"{self.connection.base_url}/api/").body
        if not isinstance(root, dict):
            return None
        apis = root.get("apis")
        if isinstance(apis, dict) and isinstance(apis.get("controller"), str):
            return f"/{apis['controller'].strip('/')}/v2/"
        current = root.get("current_version")
        return f"/{current.strip('/')}/" if isinstance(current, str) else None

    def _send(self, method: str, url: str, **arguments: t.Any) -> Answer:
        verify = self.connection.verify
        errors = _requests.requests.exceptions
        try:
            with warnings.catch_warnings():
                # validate_certs: false is the user's decision, said once; urllib3 would say it at each request.
                warnings.simplefilter("ignore", _requests.urllib3.exceptions.InsecureRequestWarning)
                response = self._session.request(
                    method,
                    url,
                    # Given here and not on the session, where REQUESTS_CA_BUNDLE would override verify=False.
                    verify=verify,
                    timeout=self.connection.request_timeout,
                    allow_redirects=False,
                    **arguments,
                )
        except errors.InvalidProxyURL:
            raise OptionError("The proxy that the environment names (HTTP_PROXY, HTTPS_PROXY) is no URL.") from None
        except (errors.InvalidURL, errors.InvalidSchema, errors.MissingSchema) as error:
            raise OptionError(f"controller_host is no usable URL: {error}") from None
        except OSError as error:
            # requests' own exceptions are OSErrors too, and so is a bundle that cannot be read.
            raise self._failure(error) from None
        except _requests.urllib3.exceptions.HTTPError as error:
            raise AnswerLostError(f"{self._place()} broke off its answer ({type(error).__name__}).") from None
        return Answer(response.status_code, _json(response), response.text, response.headers)

    def _failure(self, error: OSError) -> ControllerError:
        """What the lack of an answer means, told by the innermost cause."""
        errors = _requests.requests.exceptions
        lower = _requests.urllib3.exceptions
        causes = list(_causes(error))
        hint = "" if self.connection.host_given else " No controller_host was given, so this default was used."
        if _requests.requests.utils.get_environ_proxies(self.connection.base_url):
            hint += " The environment names a proxy: check HTTP_PROXY, HTTPS_PROXY and NO_PROXY."
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return NotSentError(
                f"The host name in {self._place()} cannot be resolved. Check controller_host.{hint}", transient=True
            )
        if any(isinstance(cause, lower.NewConnectionError) for cause in causes):
            return NotSentError(
                f"{self._place()} accepts no connection: {_reason(causes[-1])}. Check that the controller runs, and "
                f"controller_host with its port.{hint}",
                transient=True,
            )
        if isinstance(error, errors.ConnectTimeout):
            return NotSentError(
                f"{self._place()} accepted no connection within {self.connection.request_timeout:g} seconds. Check "
                f"controller_host, firewalls and request_timeout.{hint}",
                transient=True,
            )
        if isinstance(error, errors.ProxyError):
            return NotSentError(f"The proxy on the way to {self._place()} does not connect.{hint}", transient=True)
        if isinstance(error, errors.SSLError):
            return self._tls_failure(causes[-1])
        if isinstance(error, errors.Timeout):
            return AnswerLostError(
                f"{self._place()} gave no answer within {self.connection.request_timeout:g} seconds (request_timeout)."
            )
        if isinstance(error, errors.RequestException):
            return AnswerLostError(f"The connection to {self._place()} was lost: {_reason(causes[-1])}.")
        return OptionError(
            f"The connection to {self._place()} cannot be set up: {error}. Check ca_path and REQUESTS_CA_BUNDLE."
        )

    def _tls_failure(self, cause: BaseException) -> ControllerError:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NotSentError(
                f"The TLS certificate of {self._place()} is not trusted: {cause.verify_message}. Set ca_path to the "
                "certificate of the authority that signed it, or, on a network that you trust, validate_certs: false.",
                transient=False,
            )
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            return NotSentError(
                f"{self._place()} does not speak TLS. Check the scheme (http or https) and port in controller_host.",
                transient=False,
            )
        # With the certificate accepted, TLS may also break after the request has gone out.
        return AnswerLostError(f"TLS with {self._place()} broke: {_reason(cause)}.")

    def _unexpected(self, answer: Answer, name: str) -> AnswerError:
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
            who = "token" if self.connection.token else f"user name ({self.connection.username}) or password"
            advice = f" The {who} is wrong or has expired: check the credentials."
        elif answer.status == 404 and answer.body is None:
            advice = (
                " No controller API is found there: check controller_host, and for an unusual path set the environment "
                "variable CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX."
            )
        elif answer.status == 200:
            advice = " This is no controller's answer: check that controller_host is the controller itself."
        return AnswerError(
            f"{name} was answered {answer.status}: {said}.{advice}",
            status=answer.status,
            body=answer.body,
            said=said,
            retry_after=retry_after_seconds(answer.headers.get("Retry-After"), time.time()),
            # An address that has answered properly before shows pages and redirects of a proxy while it restarts.
            transient=True if answer.body is None and self._answered else None,
        )

    def _object(self, answer: Answer, name: str) -> dict[str, t.Any]:
        """The answer's body where it is the JSON object it has to be."""
        if isinstance(answer.body, dict):
            self._answered = True
            return answer.body
        cut = answer.body is None and answer.text.lstrip().startswith("{")
        if cut:
            found = "JSON that is cut short or broken"
        elif answer.body is None:
            found = describe_text(answer.text)
        else:
            found = f"a JSON {type(answer.body).__name__}"
        raise AnswerError(
            f"{name} was answered {answer.status} with {found} instead of a JSON object. Check that controller_host is "
            "the controller itself and not a login page, a maintenance page or a gateway of another service.",
            status=answer.status,
            body=answer.body,
            said=found,
            # From an address that has answered properly before, another page is a passing state.
            transient=answer.body is None and (cut or self._answered),
        )

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        connection = self.connection
        if connection.token:
            request.headers["Authorization"] = f"Bearer {connection.token}"
        else:
            pair = f"{connection.username}:{connection.password}".encode()
            request.headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        return request

    def _url(self, path: str) -> str:
        return f"{self.connection.base_url}{self._prefix}{path}"

    def _name(self, method: str, path: str) -> str:
        return f"{method} {self._url(path)}"

    def _place(self) -> str:
        return self.connection.base_url


def _json(response: requests.Response) -> t.Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _causes(error: BaseException) -> t.Iterator[BaseException]:
    """The error and what lies below it: requests and urllib3 keep it in ``args``, ``reason`` or the context."""
    seen: t.Optional[BaseException] = error
    for _level in range(10):
        if seen is None:
            return
        yield seen
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        seen = inner or seen.__cause__ or seen.__context__


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rsplit(": ", 1)[-1] or type(error).__name__
