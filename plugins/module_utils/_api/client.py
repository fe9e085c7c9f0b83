# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP side: one session, one authority, safe methods tried again, unsafe ones sent once."""

from __future__ import annotations

import base64
import json
import random
import time
import typing as t
import warnings

from . import requests_library as _requests
from .answer import (
    LONGEST_PAUSE,
    Answer,
    Asked,
    no_object,
    unexpected,
)
from .connection import ConnectionOptions
from .errors import (
    AnswerError,
    AnswerLostError,
    ControllerError,
)
from .no_answer import Way, no_answer

if t.TYPE_CHECKING:
    import requests

DEFAULT_PREFIX = "/api/v2/"
# Where the platform's gateway has the controller; AWX may be configured to answer there too.
GATEWAY_PREFIX = "/api/controller/v2/"
PRODUCT_HEADER = "X-API-Product-Name"
AWX = "AWX"
PAGE_SIZE = 200


def backoff(attempt: int, factor: float, chance: float) -> float:
    """Seconds to pause before a read is tried again, so that many clients do not come back at once.

    :param attempt: 0 after the first failure, 1 after the second, ...
    :param factor: seconds; what the pause is measured in.
    :param chance: at least 0 and below 1, at random.
    :returns: half to all of ``factor * 2 ** attempt / 2``, at most LONGEST_PAUSE.
    """
    return min(LONGEST_PAUSE, factor * 2.0 ** min(attempt, 30) / 2) * (0.5 + chance / 2)


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
        self._product: t.Optional[str] = None
        self._session = _session(connection)

    def __enter__(self) -> ControllerClient:
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, path: str, **query: t.Any) -> dict[str, t.Any]:
        """The JSON object at a path such as ``jobs/42/``; tried again while it fails in passing.

        :param query: a key is sent once for each value of a list: a controller takes all of them together, but those
            of ``or__`` keys as alternatives.
        :raises ControllerError: it failed for good, or more than ``max_retries`` times.
        """
        return self.retried(lambda: self.get_once(path, **query))

    def get_once(self, path: str, **query: t.Any) -> dict[str, t.Any]:
        """As ``get``, with a single attempt: for a wait, which does its own trying again."""
        return self._object(self._ask("GET", path, query), self._name("GET", path))

    def options(self, path: str) -> dict[str, t.Any]:
        """What a path accepts, as Django REST framework describes it."""
        return self.retried(lambda: self._object(self._ask("OPTIONS", path), self._name("OPTIONS", path)))

    def results(self, path: str, **query: t.Any) -> t.Iterator[dict[str, t.Any]]:
        """The entries of a list, all of its pages.

        Pages are asked for by number: behind a gateway ``next`` may lack its prefix.
        """
        page = 1
        while True:
            try:
                answer = self.get(path, **dict(query, page=page, page_size=PAGE_SIZE))
            except AnswerError as error:
                # The list has become shorter since the page before, and this page lies past its end.
                if page > 1 and error.status == 404 and error.body is not None:
                    return
                raise
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
        :raises AnswerError: another status. Where ``refuses`` is true nothing was done, else it may have been. With 429
            nothing was done either, whoever answered it, and after ``retry_after`` seconds it may be sent again.
        """
        return self._once("POST", path, expected, json=payload)

    def delete(self, path: str, expected: int) -> dict[str, t.Any]:
        """Send one DELETE, once; as ``post`` in all else."""
        return self._once("DELETE", path, expected)

    def page_url(self, kind_path: str, job_id: int) -> str:
        """Where a person's browser shows a job: AWX and the platform have different user interfaces.

        :param kind_path: of the kind of job, as in both: ``jobs/playbook``, ``jobs/workflow``, ``jobs/command``.
        """
        # AWX has its own interface wherever its API lies, and so has a controller that the gateway is not in front of.
        platform = self._prefix == GATEWAY_PREFIX and self._product != AWX
        return f"{self.connection.base_url}/{'execution' if platform else '#'}/{kind_path}/{job_id}/output"

    def retried(self, read: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
        """What a request answers that does no harm twice; tried again while it fails in passing."""
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

    def _once(self, method: str, path: str, expected: int, **arguments: t.Any) -> dict[str, t.Any]:
        name = self._name(method, path)
        answer = self._send(method, self._url(path), **arguments)
        if answer.status != expected:
            raise unexpected(answer, self._asked(name), time.time())
        return self._object(answer, name) if answer.text else {}

    def _ask(self, method: str, path: str, query: t.Optional[t.Mapping[str, t.Any]] = None) -> Answer:
        """A safe request, below the right API prefix."""
        answer = self._send(method, self._url(path), params=query)
        if not self._prefix_known and answer.status < 500 and answer.status != 429:
            if answer.status == 200 and answer.body is not None:
                self._prefix_known = True
            elif self._discover_prefix():
                answer = self._send(method, self._url(path), params=query)
        if answer.status != 200:
            raise unexpected(answer, self._asked(self._name(method, path)), time.time())
        return answer

    def _discover_prefix(self) -> bool:
        """Find out where the API lies, from ``/api/``, which needs no credentials.

        :returns: whether elsewhere than thought. Where nothing there tells, the question stays open.
        """
        url = f"{self.connection.base_url}/api/"
        root = self._send("GET", url)
        if root.status >= 500 or root.status == 429:
            raise unexpected(root, self._asked(f"GET {url}"), time.time())
        found = _prefix_in(root.body)
        if found is None:
            return False
        before, self._prefix = self._prefix, found
        self._prefix_known = True
        # With a controller there, a page or redirect in the place of an answer will pass.
        self._answered = True
        return found != before

    def _send(self, method: str, url: str, **arguments: t.Any) -> Answer:
        try:
            with warnings.catch_warnings():
                # validate_certs: false is the user's decision, said once; urllib3 would say it at each request.
                warnings.simplefilter("ignore", _requests.urllib3.exceptions.InsecureRequestWarning)
                response = self._session.request(
                    method,
                    url,
                    # Given here and not on the session, where REQUESTS_CA_BUNDLE would override verify=False.
                    verify=self.connection.verify,
                    timeout=self.connection.request_timeout,
                    allow_redirects=False,
                    **arguments,
                )
        except (OSError, _requests.urllib3.exceptions.HTTPError, UnicodeError) as error:
            # requests' own exceptions are OSErrors too.
            raise no_answer(error, self._way()) from None
        if _cut_short(response):
            raise AnswerLostError(f"{self.connection.base_url} broke off its answer {response.status_code}.")
        self._product = response.headers.get(PRODUCT_HEADER, self._product)
        return Answer(response.status_code, _json(response), response.text, response.headers)

    def _object(self, answer: Answer, name: str) -> dict[str, t.Any]:
        """The answer's body where it is the JSON object it has to be."""
        if not isinstance(answer.body, dict):
            raise no_object(answer, self._asked(name))
        self._answered = True
        return answer.body

    def _url(self, path: str) -> str:
        return f"{self.connection.base_url}{self._prefix}{path}"

    def _name(self, method: str, path: str) -> str:
        return f"{method} {self._url(path)}"

    def _asked(self, name: str) -> Asked:
        who = "token" if self.connection.token else f"user name ({self.connection.username}) or password"
        return Asked(name, who, self._answered)

    def _way(self) -> Way:
        connection = self.connection
        proxied = bool(_requests.requests.utils.get_environ_proxies(connection.base_url))
        return Way(connection.base_url, connection.request_timeout, connection.host_given, proxied)


def _session(connection: ConnectionOptions) -> requests.Session:
    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if connection.token:
            request.headers["Authorization"] = f"Bearer {connection.token}"
        else:
            pair = f"{connection.username}:{connection.password}".encode()
            request.headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        return request

    session = _requests.requests.Session()
    session.headers.update({"Accept": "application/json", "Accept-Language": "en", "User-Agent": "relaunch.controller"})
    # Anything truthy here also keeps requests from taking credentials out of ~/.netrc.
    session.auth = authorize
    return session


def _prefix_in(root: t.Any) -> t.Optional[str]:
    """Where the API lies, by the body of ``/api/``.

    AWX names ``current_version`` (recorded: api-root); the platform's gateway lists its services in ``apis``.
    """
    found = root if isinstance(root, dict) else {}
    services = found.get("apis")
    controller = services.get("controller") if isinstance(services, dict) else None
    current = f"{controller.strip('/')}/v2" if isinstance(controller, str) else found.get("current_version")
    return f"/{current.strip('/')}/" if isinstance(current, str) else None


def _json(response: requests.Response) -> t.Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _cut_short(response: requests.Response) -> bool:
    """Whether the connection ended before the answer did, which requests before 2.32 let pass.

    An answer that does not tell its length ends with its connection, wherever that is. Success without a body tells it.
    """
    length = response.headers.get("Content-Length", "")
    if length.isdecimal():
        return response.raw.tell() < int(length)
    untold = "Transfer-Encoding" not in response.headers
    return untold and 200 <= response.status_code < 300 and response.status_code != 204 and not response.content
