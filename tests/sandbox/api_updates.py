# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the API that is about projects, inventory sources, and their updates."""

from __future__ import annotations

import typing as t

import flask

from . import database as db
from . import filterable, jobs, permissions, sentences, updates
from .answers import answer, detail
from .api import api, found, listed, readable, superuser_only
from .bodies import url

_KINDS: dict[str, updates.Kind] = {"project_updates": "project_update", "inventory_updates": "inventory_update"}
_KIND = "<any(project_updates, inventory_updates):kind>"
_OWNER = "<any(projects, inventory_sources):table>"
_MODELS = {
    "projects": "Project",
    "inventory_sources": "InventorySource",
    "project_updates": "ProjectUpdate",
    "inventory_updates": "InventoryUpdate",
}
_OF: dict[str, updates.Kind] = {"projects": "project_update", "inventory_sources": "inventory_update"}


def _owner(table: str, row_id: int) -> db.Row:
    return readable(table, row_id, _MODELS[table])


def _update(kind: str, row_id: int) -> db.Row:
    row = found("jobs", row_id, _MODELS[kind], type=_KINDS[kind])
    workflow = flask.g.database.get("jobs", row["workflow_job"])
    template = workflow["unified_job_template"] if workflow else None
    if not permissions.sees_all(flask.g.user) and not permissions.may_read(flask.g.database, flask.g.user, template):
        raise detail(403, sentences.FORBIDDEN)
    return row


@api.get(f"/{_OWNER}/")
def owners(table: str) -> flask.Response:
    """The projects, or inventory sources, that the user may see."""
    show = flask.g.bodies.project if table == "projects" else flask.g.bodies.inventory_source
    taken = filterable.PROJECTS if table == "projects" else filterable.INVENTORY_SOURCES
    return listed(table, taken, show, _MODELS[table], str(int(permissions.sees_all(flask.g.user))))


@api.get(f"/{_OWNER}/<int:row_id>/")
def owner(table: str, row_id: int) -> flask.Response:
    """One project, or inventory source."""
    row = _owner(table, row_id)
    return answer(flask.g.bodies.project(row) if table == "projects" else flask.g.bodies.inventory_source(row))


@api.get(f"/{_OWNER}/<int:row_id>/update/")
def updatable(table: str, row_id: int) -> flask.Response:
    """Whether it can be updated."""
    return answer({"can_update": _can_update(table, _owner(table, row_id))})


@api.post(f"/{_OWNER}/<int:row_id>/update/")
def update(table: str, row_id: int) -> flask.Response:
    """Update it: each POST makes an update of its own."""
    row = found(table, row_id, _MODELS[table])
    superuser_only()
    if not _can_update(table, row):
        raise detail(405, sentences.METHOD_NOT_ALLOWED, "POST")
    kind = _OF[table]
    new = updates.make(flask.g.database, kind, row, user=flask.g.user["id"])
    body = _show(kind, t.cast("db.Row", flask.g.database.get("jobs", new)), "created")
    return answer({kind: new, **body}, 202, {"Location": url(kind, new)})


def _can_update(table: str, row: db.Row) -> bool:
    return table == "inventory_sources" or bool(row["scm_type"])


def _show(kind: updates.Kind, row: db.Row, view: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", getattr(flask.g.bodies, kind)(row, view=view))


@api.get(f"/{_KIND}/")
def update_list(kind: str) -> flask.Response:
    """The updates of projects, or of inventories, that the user may see."""
    return _listed(_KINDS[kind], str(int(permissions.sees_all(flask.g.user))))


@api.get("/projects/<int:row_id>/project_updates/")
def updates_of_project(row_id: int) -> flask.Response:
    """Those of one project."""
    return _listed("project_update", f"project = {_owner('projects', row_id)['id']}")


@api.get("/inventory_sources/<int:row_id>/inventory_updates/")
def updates_of_source(row_id: int) -> flask.Response:
    """Those of one inventory source."""
    return _listed("inventory_update", f"inventory_source = {_owner('inventory_sources', row_id)['id']}")


def _listed(kind: updates.Kind, condition: str) -> flask.Response:
    def show(row: db.Row) -> dict[str, t.Any]:
        return _show(kind, row, "list")

    return listed("jobs", filterable.UPDATES, show, _MODELS[f"{kind}s"], f"type = '{kind}' AND {condition}")


@api.get(f"/{_KIND}/<int:row_id>/")
def update_detail(kind: str, row_id: int) -> flask.Response:
    """One update."""
    return answer(_show(_KINDS[kind], _update(kind, row_id), "detail"))


@api.get(f"/{_KIND}/<int:row_id>/stdout/")
def update_stdout(kind: str, row_id: int) -> flask.Response:
    """What the update said."""
    row = _update(kind, row_id)
    return flask.Response(row["stdout"], 200, content_type="text/plain; charset=utf-8")


@api.get(f"/{_KIND}/<int:row_id>/cancel/")
def update_cancellable(kind: str, row_id: int) -> flask.Response:
    """Whether the update can still be canceled."""
    return answer({"can_cancel": _update(kind, row_id)["status"] in jobs.ACTIVE})


@api.post(f"/{_KIND}/<int:row_id>/cancel/")
def cancel_update(kind: str, row_id: int) -> flask.Response:
    """Cancel an update."""
    row = _update(kind, row_id)
    superuser_only()
    if row["status"] not in jobs.ACTIVE:
        raise detail(405, sentences.METHOD_NOT_ALLOWED, "POST")
    jobs.cancel(flask.g.database, row)
    return answer(None, 202)
