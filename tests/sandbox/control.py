# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API under `/sandbox/`: what tests and the demo do to the sandbox behind its users' backs."""

from __future__ import annotations

import json
import os
import typing as t

import flask

from . import faults, jobs, people, resources, settings, traffic

if t.TYPE_CHECKING:
    from .database import Database

control = flask.Blueprint("control", __name__, url_prefix="/sandbox")

_TABLES = f"<any({', '.join(resources.DELETABLE)}):table>"


@control.errorhandler(Exception)
def failed(problem: Exception) -> tuple[t.Any, int]:
    """Any error, in words."""
    return {"error": f"{type(problem).__name__}: {problem}"}, 400


def _given() -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", flask.request.get_json(force=True, silent=True) or {})


def _database() -> Database:
    return t.cast("Database", flask.g.database)


@control.get("/")
def state() -> t.Any:
    """Which process serves."""
    return {"pid": os.getpid(), "settings": settings.read(_database())}


@control.get("/settings")
def read_settings() -> t.Any:
    """The settings."""
    return settings.read(_database())


@control.patch("/settings")
def change_settings() -> t.Any:
    """Change settings."""
    return settings.change(_database(), _given())


@control.get("/requests")
def read_log() -> t.Any:
    """The log of requests."""
    return traffic.entries(_database())


@control.delete("/requests")
def clear_log() -> t.Any:
    """Empty it."""
    _database().run("DELETE FROM requests")
    return {}


@control.post("/faults")
def add_faults() -> t.Any:
    """Add rules of misbehaviour."""
    faults.add(_database(), flask.request.get_json())
    return {}


@control.delete("/faults")
def clear_faults() -> t.Any:
    """Behave again."""
    _database().run("DELETE FROM faults")
    return {}


@control.post("/tokens")
def create_token() -> t.Any:
    """Make a token for a user."""
    given = _given()
    user = people.by_name(_database(), given["username"])
    return people.create_token(_database(), user["id"], given.get("scope", "write"))


@control.post("/tokens/expire")
def expire_tokens() -> t.Any:
    """Let a token, or all of them, expire."""
    return {"expired": people.expire_tokens(_database(), _given().get("token"))}


@control.post("/templates")
def add_template() -> t.Any:
    """Add a template."""
    return resources.add_template(_database(), t.cast("resources.Template", _given()))


@control.post("/workflow_templates")
def add_workflow_template() -> t.Any:
    """Add a workflow template."""
    return {"id": resources.add_workflow_template(_database(), _given()["name"])}


@control.post("/inventories")
def add_inventory() -> t.Any:
    """Add an inventory with hosts."""
    given = _given()
    organization = resources.ensure_organization(_database(), given.get("organization", "Default"))
    inventory = resources.add_inventory(_database(), given["name"], organization, given.get("hosts", {}))
    hosts = {row["name"]: row["id"] for row in resources.hosts_of(_database(), inventory)}
    return {"id": inventory, "hosts": hosts}


@control.post("/hosts")
def add_host() -> t.Any:
    """Add a host to an inventory."""
    given = _given()
    variables = given.get("variables", {})
    return {"id": _database().insert("hosts", **{**given, "variables": variables})}


@control.patch(f"/{_TABLES}/<int:row_id>")
def change(table: str, row_id: int) -> t.Any:
    """Change columns of a row: rename, disable or repair a host, edit a template."""
    changed = _database().update(table, row_id, **_given())
    return {"changed": changed}


@control.delete(f"/{_TABLES}/<int:row_id>")
def delete(table: str, row_id: int) -> t.Any:
    """Delete a row; what points to it points to nothing then."""
    return {"deleted": _database().run(f"DELETE FROM {table} WHERE id = ?", row_id)}


@control.put("/templates/<int:row_id>/roles")
def change_roles(row_id: int) -> t.Any:
    """Give users roles on a template, or take them away (null)."""
    database = _database()
    for username, role in _given().items():
        user = people.by_name(database, username)["id"]
        database.run("DELETE FROM roles WHERE template = ? AND user = ?", row_id, user)
        if role is not None:
            database.insert("roles", template=row_id, user=user, role=role)
    return {}


@control.post("/jobs")
def make_job() -> t.Any:
    """Make a job, workflow job or ad hoc command that has never run."""
    database, given = _database(), _given()
    hosts, stats = given.pop("hosts", None), given.pop("stats", True)
    user = people.by_name(database, given.pop("user", "admin"))["id"]
    template = database.get("templates", given.pop("template", None))
    fields: dict[str, t.Any] = {}
    if template is not None:
        copied = (
            "name organization inventory project playbook content job_type limit extra_vars timeout allow_simultaneous "
            "credentials"
        )
        fields = {name: template[name] for name in copied.split()}
        fields["unified_job_template"] = template["id"]
        if template["type"] == "job_template":
            fields["job_template"] = template["id"]
        else:
            fields.update(dict.fromkeys(("inventory", "limit", "scm_branch", "job_tags", "skip_tags")))
            fields["type"] = "workflow_job"
    job = jobs.make(
        database,
        user,
        {**fields, "name": "made", **_text(given)} if not fields else {**fields, **_text(given)},
        hosts,
        stats=stats,
    )
    return {"id": job}


def _text(given: dict[str, t.Any]) -> dict[str, t.Any]:
    extra_vars = given.get("extra_vars")
    return {**given, **({"extra_vars": json.dumps(extra_vars)} if isinstance(extra_vars, dict) else {})}


@control.patch("/jobs/<int:row_id>")
def change_job(row_id: int) -> t.Any:
    """Change columns of a job."""
    return {"changed": _database().update("jobs", row_id, **_text(_given()))}


@control.get("/jobs/<int:row_id>")
def job_state(row_id: int) -> t.Any:
    """How far a job is."""
    row = _database().get("jobs", row_id)
    if row is None:
        raise KeyError(row_id)
    settled = {**settings.read(_database()), "events_never_finish_after_error": False}
    final = row["status"] in jobs.FINAL
    saved = row["type"] == "workflow_job" or row["events_saved_at"] is None or jobs.events_saved(row, settled)
    return {"id": row_id, "status": row["status"], "final": final, "settled": final and saved}
