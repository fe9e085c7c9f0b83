# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of requests, which outlives a restart."""

from __future__ import annotations

import datetime
import json
import typing as t

if t.TYPE_CHECKING:
    from .database import Database


def begin(
    database: Database,
    *,
    connection: int,
    method: str,
    path: str,
    query: str,
    headers: t.Mapping[str, str],
    body: bytes,
) -> dict[str, t.Any]:
    """Note a request that came in; its entry."""
    entry: dict[str, t.Any] = {
        "time": _now(),
        "answered": None,
        "connection": connection,
        "method": method,
        "path": path,
        "query": query,
        "user": None,
        "status": None,
        "body": _readable(body),
        "fault": None,
        "headers": {
            # The scheme only: a log is no place for a secret.
            "Authorization": headers.get("Authorization", "").partition(" ")[0] or None,
            **{name: headers.get(name) for name in ("User-Agent", "Accept", "Accept-Language", "Content-Type", "Host")},
        },
    }
    return {"n": database.insert("requests", entry=entry), **entry}


def complete(database: Database, entry: dict[str, t.Any]) -> None:
    """Note how a request ended, and when."""
    entry["answered"] = _now()
    database.run("UPDATE requests SET entry = ? WHERE n = ?", json.dumps(entry), entry["n"])


def entries(database: Database) -> list[dict[str, t.Any]]:
    """All requests, in the order in which they came; one with no status has had no answer."""
    return [{"n": row["n"], **json.loads(row["entry"])} for row in database.all("SELECT * FROM requests ORDER BY n")]


def last_connection(database: Database) -> int:
    """The highest number a connection has had."""
    return database.value("SELECT MAX(json_extract(entry, '$.connection')) FROM requests") or 0


def _now() -> float:
    return datetime.datetime.now(datetime.UTC).timestamp()


def _readable(body: bytes) -> t.Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
