# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller inside the process that answers from lists of rows, filtered, ordered and cut as a real one does."""

from __future__ import annotations

import typing as t
from email.utils import formatdate
from urllib.parse import parse_qsl, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import answer, client_of, listed

Row = t.Mapping[str, t.Any]

_RESERVED = ("order_by", "page_size", "page")


class RecordedController(BaseAdapter):
    """
    :param lists: rows by path below the API; a number instead of rows is an HTTP status.
    """

    def __init__(self, lists: t.Mapping[str, t.Any]) -> None:
        super().__init__()
        self._lists = lists
        #: Path and query of each request.
        self.asked: list[str] = []
        #: What its clock says; the present where it is not set.
        self.date: str | None = None

    def client(self) -> ControllerClient:
        return client_of(self, Clock())

    def send(self, request: PreparedRequest, *_args: t.Any, **_options: t.Any) -> Response:
        target = urlsplit(str(request.url))
        path = target.path.removeprefix("/api/v2/")
        self.asked.append(f"{path}?{target.query}")
        rows, now = self._lists.get(path, 404), {"Date": self.date or formatdate(usegmt=True)}
        if isinstance(rows, int):
            return answer(request, rows, {"detail": "No."}, now)
        return answer(request, 200, page(rows, dict(parse_qsl(target.query))), now)

    def close(self) -> None:
        pass


def page(rows: t.Iterable[Row], query: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The page of the rows that a query asks for."""
    found = [row for row in rows if all(_fits(row, key, text) for key, text in query.items() if key not in _RESERVED)]
    order = query.get("order_by", "")
    if order:
        found.sort(key=lambda row: row[order.lstrip("-")], reverse=order.startswith("-"))
    return listed(found, query)


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
