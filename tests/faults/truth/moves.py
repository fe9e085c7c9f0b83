# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a world of real playbooks moves, as calls: to the sandbox's control API, or to its API as a user."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .shapes import first_name

if t.TYPE_CHECKING:
    from sandbox.database import Database
    from sandbox.faults import Call, Rule

    from .worlds import Move

_PLACES = {
    "list": ("GET", r"/jobs/$"),
    "post": ("POST", r"/relaunch/$"),
    "poll": ("GET", r"/jobs/\d+/$"),
}


# Who launches and relaunches by hand; never who runs the tasks.
OTHER_USER = "bob"


@dataclass(frozen=True)
class Scene:
    """What a world has in the sandbox.

    :param inventories: the template's first one, and another with hosts of the same names.
    :param source: a job.
    """

    template: int
    inventories: tuple[int, int]
    source: int
    hosts: tuple[str, ...]
    asks_limit: bool


def calls_of(move: Move, scene: Scene, database: Database) -> list[Call]:
    """The calls that move the world so, as it is now; none where that is not possible."""
    name = scene.hosts[move.host]
    inventory = database.value("SELECT inventory FROM templates WHERE id = ?", scene.template)
    rows = {first_name(row["name"]): row for row in database.all("SELECT * FROM hosts WHERE inventory = ?", inventory)}
    host = rows.get(name)
    if move.what in ("disable", "enable"):
        return [_control("PATCH", f"/hosts/{host['id']}", {"enabled": int(move.what == "enable")})] if host else []
    if move.what == "rename":
        return [_control("PATCH", f"/hosts/{host['id']}", {"name": host["name"] + "x"})] if host else []
    if move.what == "delete":
        return [_control("DELETE", f"/hosts/{host['id']}")] if host else []
    if move.what == "add again":
        variables = json.loads(host["variables"]) if host else {}
        again = {"inventory": inventory, "name": host["name"] if host else name, "variables": variables}
        return [_control("DELETE", f"/hosts/{host['id']}"), _control("POST", "/hosts", again)] if host else []
    if move.what == "edit":
        verbosity = database.value("SELECT verbosity FROM templates WHERE id = ?", scene.template)
        return [_control("PATCH", f"/templates/{scene.template}", {"verbosity": 1 - int(verbosity)})]
    if move.what == "inventory":
        (other,) = set(scene.inventories) - {inventory}
        return [_control("PATCH", f"/templates/{scene.template}", {"inventory": other})]
    if move.what in ("relaunch failed", "relaunch all"):
        body = {"hosts": move.what.partition(" ")[2]}
        return [_request(f"/jobs/{scene.source}/relaunch/", body)]
    if move.what.startswith("launch"):
        some = [str(rows[one]["name"]) if one in rows else one for one in (name, scene.hosts[0])]
        prompts: dict[str, dict[str, t.Any]] = {
            "launch on some": {"limit": ",".join(sorted(set(some)))} if scene.asks_limit else {},
            "launch other work": {"extra_vars": {"other": "work"}},
        }
        body = prompts.get(move.what, {})
        return [_request(f"/job_templates/{scene.template}/launch/", body)]
    return [{"method": "POST", "path": "/jobs/{id}/cancel/", "body": {}, "user": "admin"}]


def rule_of(move: Move, scene: Scene, database: Database) -> Rule:
    """The rule by which the world moves between two requests of a task."""
    place, when = t.cast("tuple[str, t.Literal['before', 'after']]", move.at)
    method, path = _PLACES[place]
    calls = calls_of(move, scene, database)
    launches = move.what.startswith(("launch", "relaunch"))
    if launches and move.settle:
        # Until the other's job is over, which a slow answer leaves time for.
        calls = [*calls, {"method": "POST", "path": "/jobs/{id}/wait"}]
    return {"kind": "act", "when": when, "method": method, "path": path, "after_requests": move.skip, "calls": calls}


def told(move: Move, hosts: t.Sequence[str]) -> str:
    """It for a person."""
    about_host = move.what in ("disable", "enable", "rename", "delete", "add again", "launch on some")
    what = f"{move.what} {hosts[move.host]}" if about_host else move.what
    where = f", {move.at[1]} the task's {move.at[0]} request {move.skip + 1}" if move.at else ", before the task"
    return f"{what}{where}{'' if move.settle else ', not waited for'}"


def _control(method: str, path: str, body: t.Any = None) -> Call:
    return {"method": method, "path": path, "body": body}


def _request(path: str, body: t.Any) -> Call:
    return {"method": "POST", "path": path, "body": body, "user": OTHER_USER}
