# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller on a loopback socket that answers from an ordered script, and some things whenever they are asked."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    query_string: str
    headers: t.Mapping[str, str]
    body: t.Any

    @property
    def what(self) -> str:
        """All that makes it the same request as another."""
        return f"{self.method} {self.path}?{self.query_string} {self.body}"


@dataclass
class Line:
    """One line of the script: a request that is expected, and what it is answered."""

    method: str
    path: str
    status: int = 200
    body: t.Any = None
    headers: dict[str, str] = field(default_factory=dict)
    #: Instead of an answer: "close" or "reset" the connection, "cut" the body short, "stall" until the client leaves.
    fault: str = ""

    def __post_init__(self) -> None:
        assert self.fault in ("", "close", "reset", "cut", "stall"), self.fault


@dataclass
class Standing:
    """An answer that stands beside the script: to any request of this method, path and query.

    :param path: a regular expression for the whole of it.
    :param query: texts that are found in the values of these keys.
    """

    line: Line
    query: t.Mapping[str, str]

    def fits(self, asked: Asked) -> bool:
        return (
            asked.method == self.line.method
            and re.fullmatch(self.line.path, asked.path) is not None
            and all(text in asked.query.get(key, "") for key, text in self.query.items())
        )


class ScriptedController:
    """Start with ``with``; ``url`` is its address.

    ``asked`` holds the requests that met the script, or nothing; ``besides`` those with a standing answer. A refusal
    (401, 403) stands: the same request sent once more is answered the same, unless the script has a line for it.
    """

    def __init__(self) -> None:
        self.script: list[Line] = []
        self.standing: list[Standing] = []
        self.asides: list[Standing] = []
        self.asked: list[Asked] = []
        self.besides: list[Asked] = []
        self.connections = 0
        #: How many requests came in, and the statuses with which some of them are refused in passing, by their numbers.
        self.count = 0
        self.refusing: dict[int, int] = {}
        self._refused: dict[str, Line] = {}
        self._stalled = threading.Event()
        controller = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def setup(self) -> None:
                controller.connections += 1
                super().setup()

            def log_message(self, *_args: t.Any) -> None:
                pass

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                target = urlsplit(self.path)
                asked = Asked(
                    self.command,
                    target.path,
                    dict(parse_qsl(target.query)),
                    target.query,
                    dict(self.headers),
                    json.loads(raw) if raw else None,
                )
                line = controller.take(asked)
                if line.fault == "close":
                    self.close_connection = True
                    return
                if line.fault == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    return
                if line.fault == "stall":
                    controller._stalled.wait(30)
                    self.close_connection = True
                    return
                content = line.body if isinstance(line.body, bytes) else json.dumps(line.body).encode()
                if line.body is None:
                    content = b""
                is_html = content.lstrip().startswith(b"<")
                self.send_response(line.status)
                self.send_header("Content-Type", "text/html" if is_html else "application/json")
                self.send_header("Content-Length", str(len(content)))
                for name, value in line.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if line.fault == "cut":
                    content = content[: len(content) // 2]
                    self.close_connection = True
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do_OPTIONS = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def expect(self, method: str, path: str, status: int = 200, body: t.Any = None, **more: t.Any) -> None:
        """Add a line to the script."""
        self.script.append(Line(method, path, status, body, **more))

    def whenever(
        self, method: str, path: str, status: int = 200, body: t.Any = None, fault: str = "", **query: str
    ) -> None:
        """Answer this whenever the script does not, however often it is asked, if at all; see ``Standing``."""
        self.standing.append(Standing(Line(method, path, status, body, fault=fault), query))

    def aside(self, method: str, path: str, body: t.Any, **query: str) -> None:
        """Answer this before the script is looked at; see ``Standing``."""
        self.asides.append(Standing(Line(method, path, 200, body), query))

    def take(self, asked: Asked) -> Line:
        aside = next((one for one in self.asides if one.fits(asked)), None)
        if aside:
            self.besides.append(asked)
            return aside.line
        self.count += 1
        if self.count in self.refusing:
            return Line(asked.method, asked.path, self.refusing[self.count], {"detail": "Not now."})
        if self.script and (self.script[0].method, self.script[0].path) == (asked.method, asked.path):
            self.asked.append(asked)
            line = self.script.pop(0)
            self._refused.pop(asked.what, None)
            if line.status in (401, 403):
                self._refused[asked.what] = line
            return line
        if asked.what in self._refused:
            self.besides.append(asked)
            return self._refused[asked.what]
        # The last one said is the most special one.
        standing = next((one for one in reversed(self.standing) if one.fits(asked)), None)
        if standing:
            self.besides.append(asked)
            return standing.line
        self.asked.append(asked)
        expected = f"{self.script[0].method} {self.script[0].path}" if self.script else "nothing more"
        return Line(asked.method, asked.path, 418, {"detail": f"The script expects {expected}."})

    def methods(self) -> list[str]:
        return [asked.method for asked in self.asked]

    def __enter__(self) -> ScriptedController:
        self._thread.start()
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._stalled.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
