# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviour on demand: rules that say which requests go wrong, and how; or what happens just then in the world."""

from __future__ import annotations

import json
import re
import typing as t

from . import sentences

if t.TYPE_CHECKING:
    from .database import Database

KINDS = (
    "status",
    "html",
    "truncate",
    "list",
    "garbage",
    "empty",
    "drop",
    "reset",
    "slow",
    "redirect",
    "unauthorized",
    "forbidden",
    "notfound",
    "act",
)


class Call(t.TypedDict, total=False):
    """A request that an `act` makes: to the control API, or to the API as a user.

    `{id}` in its path is the id in the latest answer: of the call before, or (`after`) of the request itself.
    """

    method: t.Required[str]
    path: t.Required[str]
    body: t.Any
    user: str


class Rule(t.TypedDict, total=False):
    """One rule; each matching request uses it up by one of `times` (None: it lasts)."""

    kind: t.Required[str]
    when: t.Literal["before", "after"]
    method: str
    path: str
    times: int | None
    after_requests: int
    status: int
    headers: dict[str, str]
    body: t.Any
    content_type: str
    delay: float
    location: str
    calls: list[Call]


class Reply(t.NamedTuple):
    """An answer about to be sent."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def add(database: Database, rules: list[Rule]) -> None:
    """Add rules behind those that are there."""
    for rule in rules:
        unknown = sorted(set(rule) - set(Rule.__annotations__))
        if rule.get("kind") not in KINDS or rule.get("when", "before") not in ("before", "after") or unknown:
            raise ValueError(f"not a rule: {rule}")
        if (rule["kind"] == "act") != ("calls" in rule):
            raise ValueError(f"calls are for an act: {rule}")
        re.compile(rule.get("path", ""))
    with database.transaction():
        for rule in rules:
            database.insert("faults", rule=json.dumps(rule), remaining=rule.get("times", 1))


def take(database: Database, method: str, path: str) -> Rule | None:
    """The rule that this request falls under; it counts as used."""
    if database.value("SELECT 1 FROM faults WHERE remaining IS NULL OR remaining > 0 LIMIT 1") is None:
        return None
    with database.transaction():
        for row in database.all("SELECT * FROM faults WHERE remaining IS NULL OR remaining > 0 ORDER BY id"):
            rule = t.cast("Rule", json.loads(row["rule"]))
            if rule.get("method", method) != method or not re.search(rule.get("path", ""), path):
                continue
            database.update("faults", row["id"], seen=row["seen"] + 1)
            if row["seen"] < rule.get("after_requests", 0):
                continue
            if row["remaining"] is not None:
                database.update("faults", row["id"], remaining=row["remaining"] - 1)
            return rule
    return None


def when(rule: Rule) -> str:
    """Whether the request's work is left undone (`before`) or done (`after`)."""
    # A body can be cut short only if there is one, and a late answer is an answer.
    return rule.get("when", "after" if rule["kind"] in ("truncate", "slow") else "before")


def reply(rule: Rule) -> Reply:
    """The answer that the rule gives instead of the true one."""
    kind = rule["kind"]
    page = "text/html; charset=utf-8"
    if kind == "html":
        return _reply(rule, 200, page, "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n")
    if kind == "list":
        return _reply(rule, 200, "application/json", [])
    if kind == "garbage":
        return _reply(rule, 200, "application/json", '{"id": 1, "status": succ')
    if kind == "empty":
        return _reply(rule, 200, "application/json", "")
    if kind == "truncate":
        return _reply(rule, 200, "application/json", {"id": 1, "type": "job", "status": "successful"})
    if kind == "unauthorized":
        return _reply(rule, 401, "application/json", {"detail": sentences.NOT_AUTHENTICATED})
    if kind == "forbidden":
        return _reply(rule, 403, "application/json", {"detail": sentences.FORBIDDEN})
    if kind == "notfound":
        return _reply(rule, 404, "application/json", {"detail": "Not found."})
    if kind == "redirect":
        answer = _reply(rule, 302, page, "")
        return answer._replace(headers=[*answer.headers, ("Location", rule.get("location", "/"))])
    status = rule.get("status", 503)
    return _reply(rule, status, page, f"<html><body><h1>{status}</h1>Sandbox fault</body></html>\n")


def _reply(rule: Rule, status: int, content_type: str, body: t.Any) -> Reply:
    if "body" in rule:
        body = rule["body"]
        content_type = "application/json" if isinstance(body, (dict, list)) else content_type
    text = body if isinstance(body, str) else json.dumps(body)
    headers = [("Content-Type", rule.get("content_type", content_type)), *rule.get("headers", {}).items()]
    return Reply(rule.get("status", status), headers, text.encode())
