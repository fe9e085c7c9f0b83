# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single requests over one HTTP session: each is sent once, and has an answer or raises why not.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import typing as t
import warnings
from collections import deque

from . import libraries as _requests
from .answer import Answer
from .connection import ConnectionOptions
from .errors import AnswerLostError
from .no_answer import Way, no_answer

if t.TYPE_CHECKING:
    import ssl

    import requests
    import requests.adapters

# As many as a browser opens connections to one host.
READS_AT_A_TIME = 6
PRODUCT_HEADER = "X-API-Product-Name"
# What requests takes for the only authorities; and what OpenSSL takes in place of those of the system.
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
STORE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class Sender:
    """Sends requests over a session.

    Redirects are never followed: a redirected POST becomes a GET that launches nothing but looks like success
    (recorded: post-noslash), and a redirect to another host would take the credentials there.

    :param session: see ``open_session``.
    :param connection: what that was opened for.
    :ivar product: what the controller calls itself, once an answer has told.
    :ivar date: when the last answer was given, by the controller's clock, as its header says.
    """

    def __init__(self, session: requests.Session, connection: ConnectionOptions) -> None:
        self.product: t.Optional[str] = None
        self.date: t.Optional[str] = None
        self._session = session
        self._connection = connection
        #: So many reads that are asked for next are sent side by side.
        self.reads_at_a_time = READS_AT_A_TIME
        self._ahead: dict[str, Answer] = {}

    def send(self, method: str, url: str, **arguments: t.Any) -> Answer:
        """Send a request, once.

        :param arguments: ``params`` or ``json``, as of requests.
        :raises OptionError: what was given cannot be used; nothing was sent.
        :raises NotSentError: it surely did not reach the controller.
        :raises AnswerLostError: it may have been carried out.
        """
        if method == "GET" and (known := self._ahead.pop(_key(url, arguments.get("params")), None)) is not None:
            return known
        try:
            with _without_warnings():
                response = self._session.request(
                    method, url, timeout=self._connection.request_timeout, allow_redirects=False, **arguments
                )
        except (OSError, _requests.urllib3.exceptions.HTTPError, ValueError, TypeError) as error:
            # requests' own exceptions are OSErrors too; a URL that cannot be taken apart is a mere ValueError.
            raise no_answer(error, self._way(method, url)) from None
        if _cut_short(response):
            raise AnswerLostError(f"To {method} {url} the controller broke off its answer {response.status_code}.")
        self.product = response.headers.get(PRODUCT_HEADER, self.product)
        self.date = response.headers.get("Date", self.date)
        return _answer(response)

    def read_ahead(self, reads: t.Iterable[tuple[str, t.Mapping[str, t.Any]]]) -> None:
        """Send several GETs side by side, so that ``send`` has their answers at once; each is given once.

        What is not answered with 200 has no answer here: it is sent again when it is asked for, and none of the rest.

        :param reads: the URLs, each with its parameters; what was read before and not asked for is forgotten.
        """
        session, found = self._session, dict[str, Answer]()
        # Of a session, several threads may share what sends, not what prepares.
        ready = deque(
            (_key(url, query), session.prepare_request(_requests.requests.Request("GET", url, params=query)))
            for url, query in reads
        )
        if not ready:
            self._ahead = found
            return
        settings = session.merge_environment_settings(self._connection.base_url, {}, None, None, None)
        timeout = self._connection.request_timeout

        def send() -> None:
            with contextlib.suppress(Exception):
                while True:
                    key, request = ready.popleft()
                    response = session.send(request, timeout=timeout, allow_redirects=False, **settings)
                    if response.status_code != 200 or _cut_short(response):
                        break
                    found[key] = _answer(response)
            ready.clear()

        threads = list[threading.Thread]()
        try:
            with _without_warnings():
                # Where no thread can be had, they are sent one after another.
                with contextlib.suppress(RuntimeError):
                    for _number in range(min(self.reads_at_a_time, len(ready)) - 1):
                        thread = threading.Thread(target=send, daemon=True)
                        thread.start()
                        threads.append(thread)
                send()
                for thread in threads:
                    thread.join()
        finally:
            ready.clear()
        self._ahead = found

    def _way(self, method: str, url: str) -> Way:
        connection = self._connection
        proxy = _requests.requests.utils.select_proxy(connection.base_url, self._session.proxies) or ""
        return Way(f"{method} {url}", connection.base_url, connection.request_timeout, connection.host_given, proxy)


def bundle(verify: t.Union[bool, str], environ: t.Mapping[str, str]) -> t.Union[bool, str]:
    """The authorities to trust, for requests: False, or the path of a file or folder of certificates.

    :param verify: as of ConnectionOptions. What it names is all that is trusted; else what REQUESTS_CA_BUNDLE or
        CURL_CA_BUNDLE names; else, beside what ``trusts_system`` is about, what SSL_CERT_FILE or SSL_CERT_DIR names,
        and where neither does, certifi's authorities.
    """
    if verify is not True:
        return verify
    named = next(filter(None, map(environ.get, BUNDLE_VARIABLES)), None)
    file, folders = STORE_VARIABLES
    # The second may name several folders, of which requests takes one; the system's store has them all.
    stores = [environ.get(file, ""), *environ.get(folders, "").split(os.pathsep)]
    standard = next((path for path in stores if path and os.path.exists(path)), None)
    return named or standard or _requests.requests.utils.DEFAULT_CA_BUNDLE_PATH


def trusts_system(connection: ConnectionOptions, environ: t.Mapping[str, str]) -> bool:
    """Whether the system's own authorities are trusted, as by ansible.builtin.uri: where no others are named.

    A private authority is mostly known to the system alone. OpenSSL knows where the system has them, or is told by
    SSL_CERT_FILE and SSL_CERT_DIR.
    """
    named = any(map(environ.get, BUNDLE_VARIABLES))
    return connection.verify is True and not named and connection.base_url.startswith("https:")


def open_session(connection: ConnectionOptions) -> requests.Session:
    """A session that authenticates as the connection says, and in no other way.

    All requests go to one host: what the environment says of proxies and authorities is read once, not at each of them.
    """

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if connection.token:
            request.headers["Authorization"] = f"Bearer {connection.token}"
        else:
            request.headers["Authorization"] = f"Basic {connection.basic}"
        return request

    session = _requests.requests.Session()
    session.headers.update({"Accept": "application/json", "Accept-Language": "en", "User-Agent": "relaunch.controller"})
    session.auth = authorize
    session.proxies.update(_requests.requests.utils.get_environ_proxies(connection.base_url))
    session.verify = bundle(connection.verify, os.environ)
    # Else it reads the environment again, where REQUESTS_CA_BUNDLE would override verify=False.
    session.trust_env = False
    if trusts_system(connection, os.environ):
        context = _requests.urllib3.util.ssl_.create_urllib3_context()
        context.load_default_certs()
        session.mount("https://", _adapter(context))
    return session


def _adapter(context: ssl.SSLContext) -> requests.adapters.HTTPAdapter:
    """An adapter whose connections trust what this context trusts, and what is given as ``verify`` as well."""

    class Adapter(_requests.requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*args, **dict(options, ssl_context=context))

        def proxy_manager_for(self, proxy: str, **options: t.Any) -> t.Any:
            # Of urllib3 1.26 and newer, and for proxies that are reached by TLS themselves.
            beside = {"proxy_ssl_context": context} if proxy.lower().startswith("https:") else {}
            return super().proxy_manager_for(proxy, **dict(options, ssl_context=context, **beside))

    return Adapter()


@contextlib.contextmanager
def _without_warnings() -> t.Iterator[None]:
    """validate_certs: false is the user's decision, said once; urllib3 would say it at each request."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", _requests.urllib3.exceptions.InsecureRequestWarning)
        yield


def _key(url: str, query: t.Optional[t.Mapping[str, t.Any]]) -> str:
    return json.dumps([url, query or {}], sort_keys=True, default=str)


def _answer(response: requests.Response) -> Answer:
    return Answer(response.status_code, _json(response), _text(response), response.headers)


def _json(response: requests.Response) -> t.Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _text(response: requests.Response) -> str:
    try:
        return response.text
    except ValueError:
        # Of an encoding that takes no such text, or none at all: idna, undefined.
        return response.content.decode("utf-8", "replace")


def _cut_short(response: requests.Response) -> bool:
    """Whether the connection ended before the answer did, which requests before 2.32 let pass.

    An answer that does not tell its length ends with its connection, wherever that is. Success without a body tells it.
    """
    length = response.headers.get("Content-Length", "")
    if length.isdecimal():
        return response.raw.tell() < int(length)
    untold = "Transfer-Encoding" not in response.headers
    return untold and 200 <= response.status_code < 300 and response.status_code != 204 and not response.content
