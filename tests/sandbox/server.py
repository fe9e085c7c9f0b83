# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP: keep-alive, one thread for each connection, TLS, the log, and faults down to the socket."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import itertools
import json
import logging
import os
import pathlib
import socket
import ssl
import struct
import sys
import threading
import time
import typing as t
import urllib.parse

from . import database as db
from . import faults, people, traffic

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

_LOG = logging.getLogger(__name__)

# What the web server in front of a controller takes.
_LONGEST_LINE = 8192
_TOO_LONG = b"<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n</html>\r\n"


class Server(http.server.ThreadingHTTPServer):
    """Serves a WSGI application on a loopback port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, port: int, app: WSGIApplication, path: pathlib.Path, certificate: pathlib.Path | None, api: str
    ) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.app = app
        self.api = api
        self.path = path
        with db.opened(path) as database:
            first = traffic.last_connection(database) + 1
        self.numbers = itertools.count(first)
        self.context: ssl.SSLContext | None = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)

    def server_bind(self) -> None:
        """Bind, without asking a name service for the host's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def get_request(self) -> tuple[t.Any, t.Any]:
        """Take a connection; the TLS handshake is left to its own thread."""
        connection, address = super().get_request()
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """Note what broke a connection; most often its client has gone."""
        problem = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
        if not isinstance(problem, (OSError, ValueError)):
            _LOG.exception("connection of %s", client_address)


class _Connection(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Sandbox", ""
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.number = next(self.server.numbers)
        self._database = db.Database(self.server.path)

    def finish(self) -> None:
        self._database.close()
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: t.Any) -> None:
        """Say nothing: the log of requests is in the database."""

    def _exchange(self) -> None:
        body = self._body()
        path, _mark, query = self.path.partition("?")
        path = urllib.parse.unquote(path)
        if path.startswith("/sandbox/"):
            self._send(self._work(path, query, body)[0])
            return
        entry = traffic.begin(
            self._database,
            connection=self.number,
            method=self.command,
            path=path,
            query=query,
            headers=t.cast("t.Mapping[str, str]", self.headers),
            body=body,
        )
        if len(self.requestline) > _LONGEST_LINE:
            entry["status"] = 414
            traffic.complete(self._database, entry)
            self.close_connection = True
            self._send(faults.Reply(414, [("Content-Type", "text/html")], _TOO_LONG))
            return
        rule = faults.take(self._database, self.command, path)
        entry["fault"] = rule
        try:
            reply, sendable = self._reply(rule, entry, path, query, body)
            entry["status"] = reply.status if reply else None
        finally:
            # The entry is complete before the client can know of the answer, so that a test may look at once.
            traffic.complete(self._database, entry)
        if reply is None:
            self._break(reset=rule is not None and rule["kind"] == "reset")
        else:
            self._send(reply, sendable)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _exchange

    def _reply(
        self, rule: faults.Rule | None, entry: dict[str, t.Any], path: str, query: str, body: bytes
    ) -> tuple[faults.Reply | None, float]:
        """What to answer, and which part of its body to send; None for no answer at all."""
        true: faults.Reply | None = None
        if rule is not None and rule["kind"] == "act":
            return self._act(rule, entry, path, query, body), 1.0
        if rule is None or rule["kind"] == "slow" or faults.when(rule) == "after":
            if rule is not None and faults.when(rule) == "before":
                time.sleep(rule.get("delay", 1.0))
            true, entry["user"] = self._work(path, query, body)
        if rule is None:
            return true, 1.0
        if rule["kind"] == "slow":
            if faults.when(rule) == "after":
                time.sleep(rule.get("delay", 1.0))
            return true, 1.0
        if rule["kind"] in ("drop", "reset"):
            time.sleep(rule.get("delay", 0.0))
            return None, 0.0
        if rule["kind"] == "truncate":
            return true or faults.reply(rule), 0.5
        time.sleep(rule.get("delay", 0.0))
        return faults.reply(rule), 1.0

    def _act(
        self, rule: faults.Rule, entry: dict[str, t.Any], path: str, query: str, body: bytes
    ) -> faults.Reply | None:
        """Do what the rule says just before or after the request, which is answered as ever."""
        true: faults.Reply | None = None
        if faults.when(rule) == "after":
            true, entry["user"] = self._work(path, query, body)
        latest = _id_in(true)
        entry["acts"] = []
        for call in rule["calls"]:
            answer = self._call(call, latest)
            latest = _id_in(answer) or latest
            entry["acts"].append(answer.status)
        if true is None:
            true, entry["user"] = self._work(path, query, body)
        return true

    def _call(self, call: faults.Call, latest: int | None) -> faults.Reply:
        path, _mark, query = call["path"].replace("{id}", str(latest)).partition("?")
        headers = {"Content-Type": "application/json", "Host": "127.0.0.1"}
        if "user" in call:
            pair = f"{call['user']}:{people.password_of(call['user'])}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            path = f"{self.server.api}{path}"
        else:
            path = f"/sandbox{path}"
        body = json.dumps(call["body"]).encode() if "body" in call else b""
        return self._work(path, query, body, method=call["method"], headers=headers)[0]

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client has gone in the middle of its request")
        return body

    def _work(
        self,
        path: str,
        query: str,
        body: bytes,
        *,
        method: str | None = None,
        headers: t.Mapping[str, str] | None = None,
    ) -> tuple[faults.Reply, str | None]:
        environ: dict[str, t.Any] = {
            "REQUEST_METHOD": method or self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http" if self.server.context is None else "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "sandbox.database": self._database,
        }
        for name, value in (self.headers if headers is None else headers).items():
            key = name.upper().replace("-", "_")
            if key == "CONTENT_TYPE":
                environ[key] = value
            elif key != "CONTENT_LENGTH":
                environ[f"HTTP_{key}"] = value
        started: list[t.Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _info: t.Any = None) -> t.Any:
            started[:] = [int(status.split()[0]), headers]

        parts = self.server.app(environ, t.cast("StartResponse", start_response))
        content = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        return faults.Reply(started[0], started[1], content), environ.get("sandbox.user")

    def _send(self, reply: faults.Reply, part: float = 1.0) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        bodiless = self.command == "HEAD" or reply.status in (204, 304)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(reply.body[: int(len(reply.body) * part)])
        self.wfile.flush()
        if part < 1.0:
            self._break(reset=False)

    def _break(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            # Closing with a linger time of 0 sends RST; the descriptor itself must be closed, now.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        else:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)


def _id_in(reply: faults.Reply | None) -> int | None:
    if reply is None:
        return None
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return int(json.loads(reply.body)["id"])
    return None


def serve(server: Server, started: t.Callable[[], None]) -> None:
    """Serve until the process ends."""
    threading.excepthook = lambda args: _LOG.error("thread", exc_info=args.exc_value)
    started()
    server.serve_forever(poll_interval=3600)
