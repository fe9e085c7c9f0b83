# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the API that is about inventories, hosts and labels."""

from __future__ import annotations

import json
import typing as t

import flask

from . import database as db
from . import filterable, jobs, permissions, projects, resources, sentences
from .answers import Refusal, answer, body_of_request, say
from .api import api, found, listed, readable, superuser_only


def _seen() -> str:
    # Nobody has a role on an inventory here: to execute a template gives none.
    return str(int(permissions.sees_all(flask.g.user)))


@api.get("/inventories/")
def inventories() -> flask.Response:
    """The inventories that the user may see."""
    return listed("inventories", filterable.INVENTORIES, flask.g.bodies.inventory, "Inventory", _seen())


@api.post("/inventories/")
def add_inventory() -> flask.Response:
    """Add an inventory, which may be one that is constructed of others."""
    given = _given_by_administrator()
    name, organization, kind = given.get("name"), given.get("organization"), given.get("kind", "")
    if kind not in ("", "constructed"):
        raise Refusal(400, {"kind": [say(sentences.BAD_CHOICE, kind)]})
    if not name:
        raise Refusal(400, {"name": [say(sentences.REQUIRED)]})
    database = flask.g.database
    if kind:
        new = projects.add_constructed(database, name, organization)
    else:
        new = resources.add_inventory(database, name, organization, {}, {})
    body = flask.g.bodies.inventory(database.get("inventories", new))
    return answer(body, 201, {"Location": f"/api/v2/inventories/{new}/"})


@api.get("/inventories/<int:row_id>/input_inventories/")
def input_inventories(row_id: int) -> flask.Response:
    """What an inventory is constructed of."""
    readable("inventories", row_id, "Inventory")
    among = f"id IN (SELECT input FROM input_inventories WHERE constructed = {row_id})"
    return listed("inventories", filterable.INVENTORIES, flask.g.bodies.inventory, "Inventory", among)


@api.post("/inventories/<int:row_id>/input_inventories/")
def add_input_inventory(row_id: int) -> flask.Response:
    """Let an inventory be constructed of one more."""
    given = _given_by_administrator()
    row = found("inventories", row_id, "Inventory")
    if row["kind"] != "constructed" or not isinstance(given.get("id"), int):
        raise Refusal(400, {"msg": say(sentences.NO_ID)})
    projects.add_input(flask.g.database, row_id, found("inventories", given["id"], "Inventory")["id"])
    return answer(None, 204)


@api.get("/inventories/<int:row_id>/inventory_sources/")
def inventory_sources(row_id: int) -> flask.Response:
    """The sources of an inventory."""
    readable("inventories", row_id, "Inventory")
    show = flask.g.bodies.inventory_source
    return listed("inventory_sources", filterable.INVENTORY_SOURCES, show, "InventorySource", f"inventory = {row_id}")


def _given_by_administrator() -> dict[str, t.Any]:
    superuser_only()
    return t.cast("dict[str, t.Any]", flask.g.given)


@api.get("/inventories/<int:row_id>/")
def inventory(row_id: int) -> flask.Response:
    """One inventory."""
    return answer(flask.g.bodies.inventory(readable("inventories", row_id, "Inventory")))


@api.get("/inventories/<int:row_id>/hosts/")
def inventory_hosts(row_id: int) -> flask.Response:
    """The hosts of an inventory."""
    readable("inventories", row_id, "Inventory")
    return listed("hosts", filterable.HOSTS, flask.g.bodies.host, "Host", f"inventory = {row_id}")


@api.get("/inventories/<int:row_id>/groups/")
def inventory_groups(row_id: int) -> flask.Response:
    """The groups of an inventory."""
    readable("inventories", row_id, "Inventory")
    return listed("host_groups", filterable.GROUPS, flask.g.bodies.group, "Group", f"inventory = {row_id}")


@api.get("/groups/")
def groups() -> flask.Response:
    """The groups that the user may see."""
    return listed("host_groups", filterable.GROUPS, flask.g.bodies.group, "Group", _seen())


@api.get("/groups/<int:row_id>/all_hosts/")
def group_hosts(row_id: int) -> flask.Response:
    """The hosts of a group; there are no groups of groups here."""
    readable("host_groups", row_id, "Group")
    among = f'id IN (SELECT host FROM group_members WHERE "group" = {row_id})'
    return listed("hosts", filterable.HOSTS, flask.g.bodies.host, "Host", among)


@api.get("/hosts/")
def hosts() -> flask.Response:
    """The hosts that the user may see."""
    return listed("hosts", filterable.HOSTS, flask.g.bodies.host, "Host", _seen())


@api.get("/hosts/<int:row_id>/")
def host(row_id: int) -> flask.Response:
    """One host."""
    return answer(flask.g.bodies.host(readable("hosts", row_id, "Host")))


@api.patch("/hosts/<int:row_id>/")
def change_host(row_id: int) -> flask.Response:
    """Rename, disable or enable a host, or change its variables."""
    row = _changeable(row_id)
    given: dict[str, t.Any] = body_of_request()
    columns = {name: given[name] for name in ("name", "enabled", "variables") if name in given}
    if isinstance(columns.get("variables"), str):
        columns["variables"] = json.loads(columns["variables"] or "{}")
    if columns:
        flask.g.database.update("hosts", row["id"], **columns)
    return answer(flask.g.bodies.host(flask.g.database.get("hosts", row_id)))


@api.delete("/hosts/<int:row_id>/")
def delete_host(row_id: int) -> flask.Response:
    """Delete a host that no active job uses."""
    row = _changeable(row_id)
    active = jobs.active_of_inventory(flask.g.database, row["inventory"])
    if active:
        raise Refusal(409, {"error": say(sentences.IN_USE), "active_jobs": active})
    flask.g.database.run("DELETE FROM hosts WHERE id = ?", row_id)
    return answer(None, 204)


def _changeable(row_id: int) -> db.Row:
    row = found("hosts", row_id, "Host")
    superuser_only()
    return row


@api.get("/labels/")
def labels() -> flask.Response:
    """The labels."""
    return listed("labels", filterable.LABELS, flask.g.bodies.label, "Label")
