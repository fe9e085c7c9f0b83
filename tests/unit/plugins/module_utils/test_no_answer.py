# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each failure of the network means, each of them provoked: the exceptions are those that requests really raises.

They differ between the oldest requests that the collection runs with and the newest; to see the table on the oldest::

    python3.11 -m venv /tmp/oldest
    /tmp/oldest/bin/pip install 'requests==2.25.1' 'urllib3<2' ansible-core==2.19.14 pytest PyYAML cryptography
    cd .build/NAME/ansible_collections/relaunch/controller  # where make has exported what is staged
    /tmp/oldest/bin/pytest tests/unit
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import ssl
import stat
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    AnswerLostError,
    ControllerError,
    NotSentError,
    OptionError,
)
from ansible_collections.relaunch.controller.tests.sandbox import certificates
from ansible_collections.relaunch.controller.tests.sandbox.proxy import Proxy
from ansible_collections.relaunch.controller.tests.unit.listener import (
    Listener,
    Treatment,
    answer,
    close,
    closed,
    full,
    hear,
    in_tls,
    reset,
    say,
    wait,
)

HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
HALF = HEAD + b'Content-Length: 50\r\n\r\n{"id": 1,'
CHUNK = HEAD + b'Transfer-Encoding: chunked\r\n\r\n20\r\n{"id": 1,'
WHOLE = HEAD + b"Content-Length: 2\r\n\r\n{}"
NOT_TLS = b"HTTP/1.1 400 Bad Request\r\n\r\n"

# What a row waits that has to hear something, whatever else the machine does; what one waits that hears nothing in any
# case; and what one waits that hears nothing after a handshake or a tunnel that has to come about before.
PATIENCE = 30.0
AT_ONCE = 0.5
AFTERWARDS = 3.0
UNKNOWN = "no-such-host.invalid"
PROXY_HINT = "The environment names a proxy: check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."


class Stage:
    """What a row needs. It ends with the controller's address, and may set what else the client is told."""

    def __init__(self, stack: contextlib.ExitStack, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stack = stack
        self._monkeypatch = monkeypatch
        self.folder = folder
        self.listeners: list[Listener] = []
        authority, certificate = certificates.ensure(folder)
        self.verify: bool | str = str(authority)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)

    def plain(self, treatment: Treatment, host: str = "127.0.0.1") -> str:
        """A port that treats connections so."""
        return f"http://{self._port(treatment, host)}"

    def tls(self, treatment: Treatment, host: str = "127.0.0.1") -> str:
        """A port that does so after a handshake."""
        return f"https://{self._port(in_tls(self.context, treatment), host)}"

    def raw(self, treatment: Treatment) -> str:
        """A port that does so in place of a handshake."""
        return f"https://{self._port(treatment, '127.0.0.1')}"

    def _port(self, treatment: Treatment, host: str) -> str:
        self.listeners.append(self._stack.enter_context(Listener(treatment, host)))
        return self.listeners[-1].address

    def full(self) -> str:
        return self._stack.enter_context(full())

    def file(self, content: str) -> str:
        (self.folder / "bundle.pem").write_text(content, encoding="ascii")
        return str(self.folder / "bundle.pem")

    def socket_file(self) -> str:
        """A file that is there and cannot be read, not even by root."""
        os.mknod(self.folder / "socket", stat.S_IFSOCK | 0o600)
        return str(self.folder / "socket")

    def forwarded(self, proxy: str) -> str:
        """A plain controller behind a proxy."""
        self._monkeypatch.setenv("HTTP_PROXY", proxy if "://" in proxy else f"http://{proxy}")
        return "http://controller.example.com"

    def tunnelled(self, proxy: str, controller: str = "https://controller.example.com") -> str:
        """A controller with TLS behind a proxy."""
        self._monkeypatch.setenv("HTTPS_PROXY", proxy if "://" in proxy else f"http://{proxy}")
        return controller

    def through(self, controller: str, prepare: t.Callable[[Proxy], None] = lambda proxy: None) -> str:
        """A controller behind a proxy that works as far as it is not prepared otherwise."""
        proxy = self._stack.enter_context(Proxy())
        prepare(proxy)
        return self.tunnelled(proxy.url, controller)

    def lost_by_proxy(self, how: t.Any) -> str:
        """A plain controller that answers, behind a proxy that loses the answer."""
        proxy = self._stack.enter_context(Proxy())
        proxy.lose("POST", how=how)
        self._monkeypatch.setenv("HTTP_PROXY", proxy.url)
        return self.plain(answer(WHOLE), "127.0.0.2")

    def verified_by(self, bundle: str | bool) -> str:
        """A controller with TLS whose certificate is checked against another bundle."""
        self.verify = bundle
        return self.tls(answer(WHOLE))


class Row(t.NamedTuple):
    name: str
    controller: t.Callable[[Stage], str]
    error: type[ControllerError]
    transient: bool
    #: What the message has to hold, in this order.
    words: tuple[str, ...]
    #: The client's request_timeout, in seconds.
    timeout: float = PATIENCE


def lost(name: str, controller: t.Callable[[Stage], str], *words: str) -> Row:
    return Row(name, controller, AnswerLostError, True, words)


def late(name: str, controller: t.Callable[[Stage], str], timeout: float = AT_ONCE) -> Row:
    words = f"gave no answer within {timeout:g} seconds (request_timeout)."
    return Row(name, controller, AnswerLostError, True, (words,), timeout)


def not_sent(
    name: str,
    controller: t.Callable[[Stage], str],
    *words: str,
    transient: bool = True,
    timeout: float = PATIENCE,
) -> Row:
    return Row(name, controller, NotSentError, transient, words, timeout)


def option(name: str, controller: t.Callable[[Stage], str], *words: str) -> Row:
    return Row(name, controller, OptionError, False, words)


CLOSED = "was lost: Remote end closed connection without response."
RESET = "was lost: Connection reset by peer."
NO_CONNECTION = "accepts no connection: Connection refused."
NO_CONNECTION_IN_TIME = f"accepted no connection within {AT_ONCE:g} seconds."
FIRST_PROXY = "The proxy on the way to"
NO_BUNDLE = "cannot be set up:"
BUNDLE = "the first of them that is set, names a file of certificates."
UNTRUSTED = "is not trusted: "
NO_HANDSHAKE = " failed: "

ROWS = [
    # Plain
    not_sent("refused", lambda s: f"http://{closed()}", NO_CONNECTION, "Check that the controller runs"),
    not_sent("no such name", lambda s: f"http://{UNKNOWN}", f"name in http://{UNKNOWN} cannot be resolved."),
    not_sent("nobody takes it", lambda s: f"http://{s.full()}", NO_CONNECTION_IN_TIME, timeout=AT_ONCE),
    lost("closed", lambda s: s.plain(answer()), CLOSED),
    lost("reset", lambda s: s.plain(answer(then=reset)), RESET),
    late("late", lambda s: s.plain(answer(then=wait))),
    lost("cut in the status", lambda s: s.plain(answer(b"HTTP/1.1 201 Cre")), "broke off its answer 201."),
    lost("cut in the headers", lambda s: s.plain(answer(HEAD)), "broke off its answer 201."),
    lost("cut", lambda s: s.plain(answer(HALF)), "answer"),
    lost("cut, nothing left", lambda s: s.plain(answer(HEAD + b"Content-Length: 9\r\n\r\n")), "answer"),
    lost("cut by a reset", lambda s: s.plain(answer(HALF, reset)), RESET),
    late("cut, then late", lambda s: s.plain(answer(HALF, wait))),
    lost("cut in a chunk", lambda s: s.plain(answer(CHUNK)), "was lost: ", "IncompleteRead"),
    lost("no chunk", lambda s: s.plain(answer(CHUNK.replace(b"20", b"zz"))), "was lost: "),
    lost("no HTTP", lambda s: s.plain(answer(b"220 mail")), "was lost: 220 mail."),
    lost("a header without end", lambda s: s.plain(answer(HEAD + b"X: " + b"x" * 70_000)), "was lost: "),
    lost(
        "two lengths",
        lambda s: s.plain(answer(HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc")),
        "was lost: Content-Length contained multiple",
    ),
    lost(
        "no gzip",
        lambda s: s.plain(answer(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")),
        "was lost: ",
    ),
    # TLS
    not_sent("TLS: refused", lambda s: f"https://{closed()}", NO_CONNECTION),
    not_sent("TLS: nobody takes it", lambda s: f"https://{s.full()}", NO_CONNECTION_IN_TIME, timeout=AT_ONCE),
    not_sent("TLS: untrusted", lambda s: s.verified_by(True), UNTRUSTED, "Set ca_path", transient=False),
    not_sent(
        "TLS: another's certificate",
        lambda s: s.tls(answer(WHOLE), "127.0.0.2"),
        UNTRUSTED,
        "127.0.0.2",
        transient=False,
    ),
    not_sent("TLS: not spoken", lambda s: s.raw(say(NOT_TLS, wait)), "not speak TLS", transient=False),
    not_sent("TLS: closed in the handshake", lambda s: s.raw(hear(close)), NO_HANDSHAKE),
    not_sent("TLS: reset in the handshake", lambda s: s.raw(hear(reset)), NO_HANDSHAKE),
    not_sent("TLS: late in the handshake", lambda s: s.raw(hear(wait)), NO_HANDSHAKE, "timed out", timeout=AT_ONCE),
    lost("TLS: closed", lambda s: s.tls(answer()), CLOSED),
    lost("TLS: closed properly", lambda s: s.tls(answer(then=unwrap)), CLOSED),
    lost("TLS: reset", lambda s: s.tls(answer(then=reset)), "was lost: "),
    late("TLS: late", lambda s: s.tls(answer(then=wait)), AFTERWARDS),
    lost("TLS: cut", lambda s: s.tls(answer(HALF)), "answer"),
    lost("TLS: broken", lambda s: s.tls(answer(then=say(b"no TLS" * 99, wait))), "was lost: "),
    lost("TLS: cut in a record", lambda s: s.tls(answer(then=say(b"\x17\3\3\0\x50a", close))), CLOSED),
    # A proxy for plain requests
    not_sent("proxy: refused", lambda s: s.forwarded(closed()), FIRST_PROXY, NO_CONNECTION, PROXY_HINT),
    not_sent(
        "proxy: no such name",
        lambda s: s.forwarded(UNKNOWN),
        "name in the address of the proxy on",
        "be resolved",
        PROXY_HINT,
    ),
    not_sent(
        "proxy: nobody takes it",
        lambda s: s.forwarded(s.full()),
        FIRST_PROXY,
        NO_CONNECTION_IN_TIME,
        PROXY_HINT,
        timeout=AT_ONCE,
    ),
    lost("proxy: closed", lambda s: s.forwarded(s.plain(answer())), CLOSED),
    lost("proxy: reset", lambda s: s.forwarded(s.plain(answer(then=reset))), RESET),
    late("proxy: late", lambda s: s.forwarded(s.plain(answer(then=wait)))),
    lost("proxy: cut", lambda s: s.forwarded(s.plain(answer(HALF))), "answer"),
    lost("proxy: closed after the answer", lambda s: s.lost_by_proxy("close"), CLOSED),
    lost("proxy: reset after the answer", lambda s: s.lost_by_proxy("reset"), RESET),
    lost("proxy: cut in the answer", lambda s: s.lost_by_proxy("cut"), "answer"),
    # A proxy that opens tunnels
    not_sent("CONNECT: refused", lambda s: s.tunnelled(closed()), FIRST_PROXY, NO_CONNECTION, PROXY_HINT),
    not_sent(
        "CONNECT: no such name",
        lambda s: s.tunnelled(UNKNOWN),
        "name in the address of the proxy on",
        "be resolved",
        PROXY_HINT,
    ),
    not_sent(
        "CONNECT: nobody takes it", lambda s: s.tunnelled(s.full()), FIRST_PROXY, NO_CONNECTION_IN_TIME, timeout=AT_ONCE
    ),
    not_sent(
        "CONNECT: 403",
        lambda s: s.through(s.tls(answer(WHOLE)), Proxy.refuse_tunnels),
        "The proxy does not connect to https://",
        "Tunnel connection failed: 403 Forbidden.",
        PROXY_HINT,
    ),
    not_sent(
        "CONNECT: the controller is not there",
        lambda s: s.through(f"https://{closed()}"),
        "Tunnel connection failed: 502",
    ),
    lost("CONNECT: closed", lambda s: s.tunnelled(s.plain(answer())), CLOSED),
    lost("CONNECT: reset", lambda s: s.tunnelled(s.plain(answer(then=reset))), RESET),
    late("CONNECT: late", lambda s: s.tunnelled(s.plain(answer(then=wait)))),
    lost("CONNECT: no HTTP", lambda s: s.tunnelled(s.plain(answer(b"220 mail"))), "was lost: BadStatusLine."),
    not_sent("tunnel: untrusted", lambda s: s.through(s.verified_by(True)), UNTRUSTED, PROXY_HINT, transient=False),
    not_sent("tunnel: not TLS", lambda s: s.through(s.raw(hear(say(NOT_TLS, wait)))), "not speak TLS", transient=False),
    not_sent("tunnel: closed in the handshake", lambda s: s.through(s.raw(hear(close))), NO_HANDSHAKE, PROXY_HINT),
    not_sent("tunnel: reset in the handshake", lambda s: s.through(s.raw(hear(reset))), NO_HANDSHAKE, PROXY_HINT),
    not_sent(
        "tunnel: late in the handshake",
        lambda s: s.through(s.raw(hear(wait))),
        NO_HANDSHAKE,
        PROXY_HINT,
        timeout=AFTERWARDS,
    ),
    not_sent(
        "tunnel: cut in the handshake",
        lambda s: s.through(s.tls(answer(WHOLE)), lambda proxy: proxy.cut_tunnels(100)),
        NO_HANDSHAKE,
        PROXY_HINT,
    ),
    lost("tunnel: closed", lambda s: s.through(s.tls(answer())), CLOSED),
    lost("tunnel: reset", lambda s: s.through(s.tls(answer(then=reset))), "was lost: "),
    late("tunnel: late", lambda s: s.through(s.tls(answer(then=wait))), AFTERWARDS),
    lost("tunnel: cut", lambda s: s.through(s.tls(answer(HALF))), "answer"),
    lost("tunnel: broken", lambda s: s.through(s.tls(answer(then=say(b"no TLS" * 99, wait)))), "was lost: "),
    lost("tunnel: closed after the answer", lambda s: cut_once_answered(s, "close"), CLOSED),
    lost("tunnel: reset after the answer", lambda s: cut_once_answered(s, "reset"), "was lost: "),
    # A proxy with TLS
    not_sent(
        "TLS proxy: not TLS",
        lambda s: s.tunnelled(s.raw(hear(say(NOT_TLS, wait)))),
        "not speak TLS",
        PROXY_HINT,
        transient=False,
    ),
    not_sent(
        "TLS proxy: untrusted", lambda s: s.tunnelled(s.verified_by(True)), UNTRUSTED, PROXY_HINT, transient=False
    ),
    not_sent(
        "TLS proxy: closed in the handshake",
        lambda s: s.tunnelled(s.raw(hear(close))),
        NO_HANDSHAKE,
        PROXY_HINT,
    ),
    not_sent(
        "TLS proxy: reset in the handshake",
        lambda s: s.tunnelled(s.raw(hear(reset))),
        NO_HANDSHAKE,
        PROXY_HINT,
    ),
    not_sent(
        "TLS proxy: late in the handshake",
        lambda s: s.tunnelled(s.raw(hear(wait))),
        NO_HANDSHAKE,
        PROXY_HINT,
        timeout=AT_ONCE,
    ),
    lost("TLS proxy: closed", lambda s: s.tunnelled(s.tls(answer())), CLOSED),
    late("TLS proxy: late", lambda s: s.tunnelled(s.tls(answer(then=wait))), AFTERWARDS),
    # What cannot be used
    option("no bundle there", lambda s: s.verified_by(str(s.folder / "none.pem")), NO_BUNDLE, "none.pem", BUNDLE),
    option("a bundle without certificates", lambda s: s.verified_by(s.file("none")), NO_BUNDLE, BUNDLE),
    option("an empty bundle", lambda s: s.verified_by(s.file("")), NO_BUNDLE, BUNDLE),
    option("a bundle that cannot be read", lambda s: s.verified_by(s.socket_file()), NO_BUNDLE, BUNDLE),
    option("a port that is none", lambda s: "http://127.0.0.1:99999", "controller_host is no usable URL"),
    option("a name with an empty part", lambda s: "http://a..b", "controller_host is no usable URL"),
    option("a name that is too long", lambda s: f"http://{'a' * 70}.b", "controller_host is no usable URL"),
    option("a name that begins with a dot", lambda s: "http://.example.com", "controller_host is no usable URL"),
    option("proxy: no host", lambda s: s.forwarded("http://"), "The proxy that the environment names", "is no URL"),
    option("proxy: unknown scheme", lambda s: s.forwarded("ftp://127.0.0.1:1"), "or the proxy", "scheme ftp,"),
    option("proxy: no SOCKS", lambda s: s.forwarded("socks5://127.0.0.1:1"), "or the proxy", "scheme socks5,"),
    option("proxy: a port that is none", lambda s: s.forwarded("127.0.0.1:99999"), "or the proxy", "URL."),
]


def unwrap(_listener: Listener, connection: socket.socket) -> None:
    t.cast("ssl.SSLSocket", connection).unwrap()


def cut_once_answered(stage: Stage, how: t.Any) -> str:
    controller = stage.tls(answer(WHOLE))
    behind = stage.listeners[-1]
    return stage.through(controller, lambda proxy: proxy.cut_tunnels(lambda _tunnel: behind.posts > 0, how))


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Stage]:
    with contextlib.ExitStack() as stack:
        yield Stage(stack, tmp_path, monkeypatch)


def client(controller: str, stage: Stage, timeout: float = PATIENCE) -> ControllerClient:
    return ControllerClient(ConnectionOptions(controller, token="t", verify=stage.verify, request_timeout=timeout))


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_what_it_means(row: Row, stage: Stage) -> None:
    with client(row.controller(stage), stage, row.timeout) as controller, pytest.raises(ControllerError) as raised:
        controller.post("ping/", {}, 201)
    assert (type(raised.value), raised.value.transient) == (row.error, row.transient), str(raised.value)
    rest = str(raised.value)
    for words in row.words:
        assert words in rest, str(raised.value)
        rest = rest.partition(words)[2]
    # The promise itself: what is called not sent never reached anybody, and the rest was sent once.
    assert sum(listener.posts for listener in stage.listeners) <= (row.error is AnswerLostError)


@pytest.mark.parametrize("treatment", [answer(), answer(then=reset), answer(HEAD + b"Content-Length: 3, 4\r\n\r\n")])
def test_a_failure_being_handled_says_nothing_about_the_next(stage: Stage, treatment: Treatment) -> None:
    with client(f"http://{closed()}", stage) as controller, pytest.raises(AnswerLostError):
        try:
            controller.post("ping/", {}, 201)
        except NotSentError:
            with client(stage.plain(treatment), stage) as other:
                other.post("ping/", {}, 201)


def test_a_default_address_is_named_as_such() -> None:
    connection = ConnectionOptions(f"http://{closed()}", token="t", host_given=False)
    named = pytest.raises(NotSentError, match="No controller_host was given, so this default was used")
    with named, ControllerClient(connection) as controller:
        controller.post("ping/", {}, 201)
