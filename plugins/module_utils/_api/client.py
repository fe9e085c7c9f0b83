# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One controller: where its API lies, safe methods tried again, unsafe ones carried out at most once.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import functools
import math
import random
import time
import typing as t
from datetime import datetime
from urllib.parse import urlsplit

from .answer import LONGEST_PAUSE, REFUSALS, Answer, Grants, RequestMade, no_object, time_of, unexpected
from .connection import ConnectionOptions
from .errors import AnswerError, ControllerError, is_trouble
from .paging import Lists
from .session import Sender, open_session

DEFAULT_PREFIX = "/api/v2/"
# Where the platform's gateway has the controller; AWX may be configured to answer there too.
GATEWAY_PREFIX = "/api/controller/v2/"
AWX = "AWX"
# Gateways refuse requests now and then that they grant a second later: a refusal is believed when it is given twice.
REFUSED_PAUSE = 1.0
# Seconds between two tries beyond max_retries, at least: they may go on for an hour, whatever the factor is.
PATIENT_PAUSE = 1.0
# It answers without regard to credentials (recorded: denied-token-revoked-ping).
PING = "ping/"


_T = t.TypeVar("_T")
_Payload = t.Mapping[str, t.Any]


def backoff(attempt: int, factor: float, chance: float) -> float:
    """Seconds to pause before a read is tried again, so that many clients do not come back at once.

    :param attempt: 0 after the first failure, 1 after the second, ...
    :param factor: seconds; what the pause is measured in.
    :param chance: at least 0 and below 1, at random.
    :returns: half to all of ``factor * 2 ** attempt / 2``, at most LONGEST_PAUSE.
    """
    return min(LONGEST_PAUSE, factor * 2.0 ** min(attempt, 30) / 2) * (0.5 + chance / 2)


class ControllerClient(contextlib.AbstractContextManager["ControllerClient"]):
    """Talks to one controller over one session.

    A refusal (401, 403) is believed when it is given twice, a second apart. Of what has been granted to these
    credentials before, in this client's life, it is trouble in passing even then, for five minutes; see ``Grants``.

    :param connection: where and as whom.
    :param clock: a monotonic clock, seconds.
    :param sleep: pauses for some seconds, between the attempts of a read.
    :param write: takes a line for a person, such as about each attempt that failed and is made again.
    """

    def __init__(
        self,
        connection: ConnectionOptions,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
        write: t.Optional[t.Callable[[str], None]] = None,
    ) -> None:
        self.connection = connection
        self.clock, self.sleep = clock, sleep
        #: Texts that no result may show; secrets that a task learns of while it runs are added.
        self.hidden: set[str] = set()
        self.tell: t.Callable[[str], object] = write or (lambda _line: None)
        #: For how many seconds yet a read that has failed in passing for so many is tried again beyond ``max_retries``:
        #: a task that has launched a job, or waits between two, goes through the controller's bad minutes.
        self.patience: t.Callable[[float], float] = lambda _seconds: 0.0
        self._prefix = connection.api_prefix or DEFAULT_PREFIX
        self._prefix_known = connection.api_prefix is not None
        self._answered = False
        self._grants = Grants(clock)
        self._lists = Lists(self.get_once, clock, connection.request_timeout)
        self._session = open_session(connection)
        self._sender = Sender(self._session, connection)

    def __exit__(self, *_exc: t.Any) -> None:
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
        return self._read("GET", path, query)

    def options(self, path: str) -> dict[str, t.Any]:
        """What a path accepts, as Django REST framework describes it."""
        return self.retried(lambda: self._read("OPTIONS", path))

    def results(self, path: str, **query: t.Any) -> t.Iterator[dict[str, t.Any]]:
        """The entries of a list, all of its pages; one that is not answered in time is asked for in smaller pages.

        Pages are asked for by number: behind a gateway ``next`` may lack its prefix.
        """
        return self._lists.entries(path, query, self.retried)

    def results_once(self, path: str, **query: t.Any) -> t.Iterator[dict[str, t.Any]]:
        """As ``results``, each page with a single attempt: for a wait, which does its own trying again.

        Where that comes too late, the next list of this path is asked for in smaller pages.
        """
        return self._lists.entries(path, query, lambda read: read())

    def read_ahead(self, reads: t.Iterable[tuple[str, t.Mapping[str, t.Any]]]) -> None:
        """Have several objects read side by side that are asked for next, by their paths and queries."""
        if self._prefix_known:
            self._sender.read_ahead((self._url(path), query) for path, query in reads)

    def post(self, path: str, payload: _Payload, expected: int, again_by: float = math.inf) -> dict[str, t.Any]:
        """Have one POST carried out, at most once: sent a second time only where a refusal says that it was not.

        :param expected: the only status that counts as success.
        :param again_by: until when, by the clock, it may be sent a second time; else the refusal was given ``once``.
        :returns: the JSON object in the answer, empty where the answer has no body.
        :raises NotSentError: it surely did not reach the controller.
        :raises AnswerLostError: it may have been carried out.
        :raises AnswerError: another status. Where ``refuses`` is true nothing was done, else it may have been; where it
            is transient as well (401), these credentials had been accepted before, and may be again. With 429 nothing
            was done either, whoever answered it, and after ``retry_after`` seconds it may be sent again.
        """
        return self._once("POST", path, expected, again_by, json=payload)

    def delete(self, path: str, expected: int) -> dict[str, t.Any]:
        """Have one DELETE carried out; as ``post`` in all."""
        return self._once("DELETE", path, expected, math.inf)

    def page_url(self, kind_path: str, job_id: int) -> str:
        """Where a person's browser shows a job: AWX and the platform have different user interfaces.

        :param kind_path: of the kind of job, as in both: ``jobs/playbook``, ``jobs/workflow``, ``jobs/command``.
        """
        # AWX has its own interface wherever its API lies, and so has a controller that the gateway is not in front of.
        platform = self._prefix == GATEWAY_PREFIX and self._sender.product != AWX
        return f"{self.connection.base_url}/{'execution' if platform else '#'}/{kind_path}/{job_id}/output"

    def now(self) -> datetime:
        """The time by the controller's clock, to the second, as its last answer told it; else by the own one."""
        return time_of(self._sender.date)

    def retried(self, read: t.Callable[[], _T]) -> _T:
        """What a request answers that does no harm twice; tried again while it fails in passing."""
        attempt = 0
        troubled: t.Optional[float] = None
        while True:
            try:
                return read()
            except ControllerError as error:
                troubled = self.clock() if troubled is None else troubled
                beyond = attempt >= self.connection.max_retries
                left = self.patience(self.clock() - troubled) if beyond else math.inf
                if not error.transient or left <= 0:
                    raise
                pause = backoff(attempt, self.connection.retry_backoff_factor, random.random())
                pause = min(left, max(pause, error.retry_after or 0, PATIENT_PAUSE if beyond else 0))
                attempt += 1
                self.tell(_failed_try(error, self.connection, attempt, pause))
                self.sleep(pause)

    def _once(self, method: str, path: str, expected: int, again_by: float, **arguments: t.Any) -> dict[str, t.Any]:
        send = functools.partial(self._sender.send, method, self._url(path), **arguments)
        answer = send()
        # Without a JSON object it is no controller's word, and says nothing of what was done.
        again_by = again_by if isinstance(answer.body, dict) else -math.inf
        answer = self._believed(answer, send, method, path, expected, again_by)
        return self._object(answer, self._name(method, path)) if answer.text else {}

    def _read(self, method: str, path: str, query: t.Optional[t.Mapping[str, t.Any]] = None) -> dict[str, t.Any]:
        """The JSON object that answers a safe request, below the right API prefix; a single attempt."""

        def send() -> Answer:
            return self._sender.send(method, self._url(path), params=query)

        answer = send()
        if not self._prefix_known and not is_trouble(answer.status):
            if answer.status == 200 and answer.body is not None:
                self._prefix_known = True
            elif self._discover_prefix():
                answer = send()
        answer = self._believed(answer, send, method, path, 200, math.inf)
        return self._object(answer, self._name(method, path))

    def _believed(
        self, answer: Answer, again: t.Callable[[], Answer], method: str, path: str, expected: int, again_by: float
    ) -> Answer:
        late = self.clock() + REFUSED_PAUSE > again_by
        if answer.status in REFUSALS and not late:
            self.sleep(REFUSED_PAUSE)
            answer = again()
        if 200 <= answer.status < 300 and path != PING and (isinstance(answer.body, dict) or not answer.text):
            self._grants.add(method, path, answer.body)
        if answer.status != expected:
            withdrawn = self._grants.withdrawn(answer.status, method, path)
            raise unexpected(answer, self._asked(self._name(method, path)), withdrawn, late)
        return answer

    def _discover_prefix(self) -> bool:
        """Find out where the API lies, from ``/api/``, which needs no credentials.

        :returns: whether elsewhere than thought. Where nothing there tells, the question stays open.
        """
        url = f"{self.connection.base_url}/api/"
        asked = self._asked(f"GET {url}")
        root = _root(lambda: self._sender.send("GET", url), self.sleep)
        if is_trouble(root.status):
            raise unexpected(root, asked)
        found = _prefix_in(root.body, urlsplit(self.connection.base_url).path)
        if found is None:
            if root.status == 200 and (trouble := no_object(root, asked)).transient:
                raise trouble
            return False
        before, self._prefix = self._prefix, found
        self._prefix_known = True
        # With a controller there, a page or redirect in the place of an answer will pass.
        self._answered = True
        return found != before

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

    def _asked(self, name: str) -> RequestMade:
        who = "token" if self.connection.token else f"user name ({self.connection.username}) or password"
        return RequestMade(name, who, self._answered)


def _failed_try(error: ControllerError, connection: ConnectionOptions, attempt: int, pause: float) -> str:
    """The line about an attempt that failed: not the error's own words, which are for the end, and nothing sent."""
    place = connection.base_url
    found = f"{place} answered {error.status}" if isinstance(error, AnswerError) else f"no answer from {place}"
    tries = connection.max_retries + 1
    # Patience goes on beyond that.
    number = f"{attempt} of {tries}" if attempt <= tries else attempt
    return f"{found}, try {number}, again in {pause:.0f} s"


def _root(ask: t.Callable[[], Answer], sleep: t.Callable[[float], None]) -> Answer:
    """The answer of ``/api/``, which needs no credentials: a refusal or a page there is believed when given twice."""
    root = ask()
    if is_trouble(root.status) or (root.status == 200 and isinstance(root.body, dict)):
        return root
    sleep(REFUSED_PAUSE)
    return ask()


def _prefix_in(root: t.Any, below: str) -> t.Optional[str]:
    """Where the API lies, by the body of ``/api/``.

    AWX names ``current_version`` (recorded: api-root); the platform's gateway lists its services in ``apis``.

    :param below: the path of the controller's address. An answer may hold it as well, and need not.
    """
    found = root if isinstance(root, dict) else {}
    services = found.get("apis")
    controller = services.get("controller") if isinstance(services, dict) else None
    current = f"{controller.strip('/')}/v2" if isinstance(controller, str) else found.get("current_version")
    if not isinstance(current, str):
        return None
    prefix = f"/{current.strip('/')}/"
    return prefix[len(below) :] if below and prefix.startswith(f"{below}/") else prefix
