# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the world moves, as calls: to the sandbox's control API, or to its API as a user. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .scenario import PLACES, Move

if t.TYPE_CHECKING:
    from sandbox.faults import Call, Rule

# Who relaunches by hand; never a caller of the task.
OTHER_USER = "bob"


@dataclass(frozen=True)
class Scene:
    """What a scenario has in the sandbox.

    :param hosts: their numbers and first names, in the order of the scenario.
    :param credentials: those of the template.
    :param spare: another credential, which no job has had.
    :param before: the numbers of the jobs that are there before the task.
    :param token: the one in use, if there is one.
    """

    template: int
    source: int
    hosts: tuple[tuple[int, str], ...]
    credentials: tuple[int, ...]
    spare: int
    before: frozenset[int]
    passwords: t.Mapping[str, str]
    token: str | None = None


def calls_of(move: Move, scene: Scene) -> list[Call]:
    """The calls that move the world so."""
    number, name = scene.hosts[move.host]
    if move.what == "edit":
        return [_control("PATCH", f"/templates/{scene.template}", {move.field: _edited(move.field, scene)})]
    if move.what in ("disable", "enable"):
        return [_control("PATCH", f"/hosts/{number}", {"enabled": int(move.what == "enable")})]
    if move.what == "rename":
        return [_control("PATCH", f"/hosts/{number}", {"name": renamed(name)})]
    if move.what == "delete":
        return [_control("DELETE", f"/hosts/{number}", None)]
    if move.what in ("relaunch all", "relaunch failed"):
        body = {"hosts": move.what.partition(" ")[2], "credential_passwords": dict(scene.passwords)}
        path = f"/jobs/{scene.source}/relaunch/"
        return [{"method": "POST", "path": path, "body": body, "user": OTHER_USER}]
    if move.what == "other work":
        return [_control("POST", "/jobs", _other_work(scene))]
    if move.what == "schedule":
        return [_control("POST", "/jobs", _scheduled(scene))]
    if move.what == "launch":
        path = f"/job_templates/{scene.template}/launch/"
        return [{"method": "POST", "path": path, "body": {}, "user": OTHER_USER}]
    if move.what == "cancel":
        return [{"method": "POST", "path": "/jobs/{id}/cancel/", "body": {}, "user": "admin"}]
    return [_control("POST", "/tokens/expire", {"token": scene.token})]


def rule_of(move: Move, scene: Scene) -> Rule:
    """The rule by which the world moves between two requests."""
    place, when = move.at or ("any", "before")
    method, path = PLACES[place]
    rule: Rule = {"kind": "act", "when": when, "path": placed(path, scene.source), "calls": calls_of(move, scene)}
    if move.skip:
        rule["after_requests"] = move.skip
    if method is not None:
        rule["method"] = method
    return rule


def placed(path: str, source: int) -> str:
    """The regular expression of a place, once the source is there."""
    return path.replace("SOURCE", str(source))


def renamed(name: str) -> str:
    """The other name of a host."""
    return f"{name}-renamed"


def _control(method: str, path: str, body: t.Any) -> Call:
    return {"method": method, "path": path, "body": body}


def _edited(field: str, scene: Scene) -> t.Any:
    values: dict[str, t.Any] = {
        "name": f"Renamed {scene.template}",
        "extra_vars": {"repaired": True},
        "verbosity": 4,
        "forks": 7,
        "timeout": 700,
        "diff_mode": 1,
        "job_tags": "repair",
        "skip_tags": "slow",
        "scm_branch": "hotfix",
        "labels": ["repaired"],
        "credentials": [*scene.credentials, scene.spare],
        "execution_environment": "newer",
        "instance_groups": [1],
        "job_slice_count": 2,
        "limit": scene.hosts[0][1],
        "job_type": "check",
    }
    return values[field]


def _scheduled(scene: Scene) -> dict[str, t.Any]:
    return {
        "template": scene.template,
        "user": None,
        "status": "successful",
        "launch_type": "scheduled",
        "hosts": {name: "ok" for _number, name in scene.hosts},
    }


def _other_work(scene: Scene) -> dict[str, t.Any]:
    """A successful relaunch of a job that was launched with another credential."""
    return {
        "template": scene.template,
        "user": OTHER_USER,
        "status": "successful",
        "launch_type": "relaunch",
        "credentials": [*scene.credentials, scene.spare],
        "prompts": {"credentials": [scene.spare]},
        "hosts": {name: "ok" for _number, name in scene.hosts},
    }
