# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller on a loopback socket that answers from lists of rows, filtered, ordered and cut as a real one does."""

from __future__ import annotations

import json
import threading
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

Row = t.Mapping[str, t.Any]

_RESERVED = ("order_by", "page_size", "page")


@dataclass
class RecordedController:
    """Start with ``with``. ``lists`` holds rows by path below the API; a number instead of rows is an HTTP status."""

    lists: dict[str, list[Row] | int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> RecordedController:
        controller = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are sent apart: without it the second waits 40 ms for the acknowledgement of the first.
            disable_nagle_algorithm = True

            def log_message(self, *_args: t.Any) -> None:
                pass

            def do_GET(self) -> None:
                target = urlsplit(self.path)
                path = target.path.removeprefix("/api/v2/")
                controller.asked.append(f"{path}?{target.query}")
                rows = controller.lists.get(path, 404)
                status = rows if isinstance(rows, int) else 200
                body = {"detail": "No."} if isinstance(rows, int) else page(rows, dict(parse_qsl(target.query)))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def page(rows: t.Iterable[Row], query: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The page of the rows that a query asks for."""
    found = [row for row in rows if all(_fits(row, key, text) for key, text in query.items() if key not in _RESERVED)]
    order = query.get("order_by", "")
    if order:
        found.sort(key=lambda row: row[order.lstrip("-")], reverse=order.startswith("-"))
    size, number = int(query.get("page_size", 25)), int(query.get("page", 1))
    end = size * number
    following = f"/?page={number + 1}" if len(found) > end else None
    return {"count": len(found), "next": following, "results": found[end - size : end]}


def _fits(row: Row, key: str, text: str) -> bool:
    wanted, name = not key.startswith("not__"), key.removeprefix("not__")
    value = row[name.removesuffix("__in").removesuffix("__gt").removesuffix("__lt")]
    if name.endswith("__in"):
        fits = str(value) in text.split(",")
    elif name.endswith("__gt"):
        fits = value > type(value)(text)
    elif name.endswith("__lt"):
        fits = value < type(value)(text)
    elif isinstance(value, (list, tuple)):
        fits = text in map(str, value)
    else:
        fits = str(value).lower() == text.lower()
    return fits is wanted
