# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on a loopback port, for plain requests and for tunnels (CONNECT), that loses answers on demand."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import re
import selectors
import socket
import struct
import threading
import typing as t
import urllib.parse
from dataclasses import dataclass

# Seconds that a connection may be silent, and connections at a time: a test that hangs must not do so for long.
IDLE = 30.0
CONNECTIONS = 64
CHUNK = 65536

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding"}
)

Loss = t.Literal["close", "reset", "cut"]


@dataclass(frozen=True)
class Seen:
    """A request as it came in: of a tunnel only ``CONNECT`` and ``host:port``, of others the whole address."""

    method: str
    target: str


@dataclass
class Tunnel:
    """What has gone through a tunnel so far: bytes, and how often the client wrote (its packets may be merged)."""

    target: str
    writes: int = 0
    sent: int = 0
    received: int = 0


Condition = t.Callable[[Tunnel], bool]


@dataclass
class _Rule:
    """What goes wrong, and how often still; None for always."""

    applies: t.Callable[[t.Any], bool]
    times: int | None
    how: Loss = "close"
    status: int = 0
    passing: int = 0


class Proxy:
    """Start with ``with``; ``url`` is its address, ``seen`` what it was asked for, in order.

    Answers are lost only once the server behind has given them, so that it has done what it was asked for.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._losses: list[_Rule] = []
        self._refusals: list[_Rule] = []
        self._cuts: list[_Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def lose(self, method: str, path: str = "", how: Loss = "close", times: int | None = 1) -> None:
        """Lose the answers of plain requests.

        :param path: a regular expression, searched for in the address.
        :param how: ``close`` or ``reset`` the connection without an answer, or ``cut`` the answer in the middle.
        :param times: how often; None for always.
        """
        self._losses.append(
            _Rule(lambda seen: seen.method == method and bool(re.search(path, seen.target)), times, how)
        )

    def refuse_tunnels(self, status: int = 403, times: int | None = 1) -> None:
        """Answer CONNECT with a status that opens no tunnel."""
        self._refusals.append(_Rule(lambda seen: seen.method == "CONNECT", times, status=status))

    def cut_tunnels(
        self, when: Condition | int, how: t.Literal["close", "reset"] = "close", times: int | None = 1
    ) -> None:
        """End tunnels in the middle.

        :param when: how many bytes of the server behind still pass; or a condition, which is asked each time that it
            has sent something, before that is passed on.
        :param how: as of ``lose``.
        """
        if callable(when):
            self._cuts.append(_Rule(when, times, how))
        else:
            self._cuts.append(_Rule(lambda tunnel: tunnel.received > when, times, how, passing=when))

    def count(self, method: str, path: str = "") -> int:
        """How many such requests came in."""
        return sum(seen.method == method and bool(re.search(path, seen.target)) for seen in list(self.seen))

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def took(self, rules: list[_Rule], about: t.Any) -> _Rule | None:
        """The first of the rules that applies; it counts as used."""
        with self._lock:
            for rule in rules:
                if rule.times != 0 and rule.applies(about):
                    rule.times = None if rule.times is None else rule.times - 1
                    return rule
        return None


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = CONNECTIONS

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.proxy = proxy
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        self._open: set[socket.socket] = set()

    def process_request(self, request: t.Any, client_address: t.Any) -> None:
        if not self._room.acquire(timeout=IDLE):
            self.shutdown_request(request)
            return
        self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: t.Any, client_address: t.Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(request)
            self._room.release()

    def server_close(self) -> None:
        """Close the connections as well, which ends their threads."""
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """Say nothing: a client or server that has gone is what this is for."""


class _Connection(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: t.Any) -> None:
        """Say nothing; see ``seen``."""

    def _plain(self) -> None:
        proxy = self.server.proxy
        seen = Seen(self.command, self.path)
        proxy.seen.append(seen)
        target = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        behind = http.client.HTTPConnection(target.hostname or "", target.port, timeout=IDLE)
        try:
            behind.request(
                self.command, self.path[self.path.index(target.netloc) + len(target.netloc) :], body, headers
            )
            answer = behind.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.send_error(502)
            return
        finally:
            behind.close()
        loss = proxy.took(proxy._losses, seen)
        if loss is None or loss.how == "cut":
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP | {"content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if loss is None else content[: len(content) // 2])
        if loss is not None:
            self._end(loss.how)

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = _plain

    def do_CONNECT(self) -> None:
        """Open a tunnel."""
        proxy = self.server.proxy
        seen = Seen(self.command, self.path)
        proxy.seen.append(seen)
        refusal = proxy.took(proxy._refusals, seen)
        host, _colon, port = self.path.rpartition(":")
        try:
            if refusal is not None:
                self.send_error(refusal.status)
                return
            behind = socket.create_connection((host.strip("[]"), int(port)), IDLE)
        except OSError:
            self.send_error(502)
            return
        self.send_response_only(200, "Connection established")
        self.end_headers()
        self.wfile.flush()
        with behind:
            self._end(self._pass_on(behind, Tunnel(self.path)))

    def _pass_on(self, behind: socket.socket, tunnel: Tunnel) -> Loss:
        """Pass on what both sides say until one of them, or a rule, ends it; how it ended."""
        proxy = self.server.proxy
        with selectors.DefaultSelector() as both:
            both.register(self.connection, selectors.EVENT_READ, behind)
            both.register(behind, selectors.EVENT_READ, self.connection)
            while ready := both.select(IDLE):
                for key, _events in ready:
                    source, sink = t.cast("socket.socket", key.fileobj), key.data
                    try:
                        data = source.recv(CHUNK)
                    except ConnectionResetError:
                        return "reset"
                    if not data:
                        return "close"
                    if source is behind:
                        before = tunnel.received
                        tunnel.received += len(data)
                        cut = proxy.took(proxy._cuts, tunnel)
                        if cut is not None:
                            sink.sendall(data[: max(0, cut.passing - before)])
                            return cut.how
                    else:
                        tunnel.writes += 1
                        tunnel.sent += len(data)
                    sink.sendall(data)
        return "close"

    def _end(self, how: Loss) -> None:
        self.close_connection = True
        self.wfile.flush()
        if how == "reset":
            # Closing with a linger time of 0 sends RST; the descriptor itself must be closed, now.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        else:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
