# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API under `/sandbox/`: what tests and the demo do to the sandbox behind its users' backs."""

from __future__ import annotations

import json
import os
import time
import typing as t

import flask

from . import database as db
from . import (
    faults,
    jobs,
    people,
    projects,
    resources,
    settings,
    traffic,
    workflow_nodes,
    workflow_templates,
    workflows,
)

if t.TYPE_CHECKING:
    from .database import Database, Row

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


@control.post("/tokens/revoke")
def revoke_tokens() -> t.Any:
    """Delete a token, or all of them."""
    return {"revoked": people.revoke_tokens(_database(), _given().get("token"))}


@control.post("/templates")
def add_template() -> t.Any:
    """Add a template."""
    return resources.add_template(_database(), t.cast("resources.Template", _given()))


@control.post("/workflow_templates")
def add_workflow_template() -> t.Any:
    """Add a workflow template, with its nodes."""
    return workflow_templates.add(_database(), t.cast("workflow_templates.WorkflowTemplate", _given()))


@control.post("/inventories")
def add_inventory() -> t.Any:
    """Add an inventory with hosts and groups."""
    given = _given()
    organization = resources.ensure_organization(_database(), given.get("organization", "Default"))
    hosts_and_groups = given.get("hosts", {}), given.get("groups", {})
    inventory = resources.add_inventory(_database(), given["name"], organization, *hosts_and_groups)
    hosts = {row["name"]: row["id"] for row in resources.hosts_of(_database(), inventory)}
    return {"id": inventory, "hosts": hosts}


@control.post("/projects")
def add_project() -> t.Any:
    """Add a project of git, whose updates fail as long as it is broken."""
    given = _given()
    organization = resources.ensure_organization(_database(), given.pop("organization", "Default"))
    return {"id": projects.add(_database(), organization, **given)}


@control.post("/inventory_sources")
def add_source() -> t.Any:
    """Add a source to an inventory."""
    return {"id": projects.add_source(_database(), **_given())}


@control.post("/constructed_inventories")
def add_constructed_inventory() -> t.Any:
    """Add an inventory that is constructed of others; its source too."""
    given = _given()
    organization = resources.ensure_organization(_database(), given.pop("organization", "Default"))
    inventory = projects.add_constructed(_database(), given["name"], organization, given.get("inputs", []))
    source = _database().value("SELECT id FROM inventory_sources WHERE inventory = ?", inventory)
    return {"id": inventory, "source": source}


@control.post("/credentials")
def add_credential() -> t.Any:
    """Add a credential."""
    return {"id": resources.add_credential(_database(), **_given())}


@control.post("/labels")
def add_label() -> t.Any:
    """Add a label."""
    return {"id": resources.add_label(_database(), _given()["name"])}


@control.post("/<any(execution_environments, instance_groups):table>")
def add_named(table: str) -> t.Any:
    """Add an execution environment or an instance group."""
    return {"id": _database().insert(table, **_given())}


@control.post("/schedules")
def add_schedule() -> t.Any:
    """Add a schedule to a template; it launches only when told to."""
    given = _given()
    return {"id": _database().insert("schedules", name=given["name"], unified_job_template=given["template"])}


@control.post("/schedules/<int:row_id>/launch")
def launch_scheduled(row_id: int) -> t.Any:
    """Launch what a schedule is for, with prompts."""
    database, schedule = _database(), _database().get("schedules", row_id)
    if schedule is None:
        raise KeyError(row_id)
    template = t.cast("dict[str, t.Any]", database.get("templates", schedule["unified_job_template"]))
    prompts = {
        name: resources.named(database, name, value) if name in resources.TABLES else value
        for name, value in _given().items()
    }
    return {"id": jobs.launch(database, template, None, prompts=prompts, launch_type="scheduled", schedule=row_id)}


@control.post("/hosts")
def add_host() -> t.Any:
    """Add a host to an inventory."""
    given = _given()
    variables = given.get("variables", {})
    return {"id": _database().insert("hosts", **{**given, "variables": variables})}


@control.patch(f"/{_TABLES}/<int:row_id>")
def change(table: str, row_id: int) -> t.Any:
    """Change columns of a row: rename, disable or repair a host, edit a template."""
    if table == "templates":
        return {"changed": resources.change_template(_database(), row_id, _given())}
    if table in ("projects", "inventory_sources"):
        return {"changed": _database().update(table, row_id, **projects.change_columns(table, _given()))}
    # A job that runs on a host does not count as a change of it.
    modified = {"modified": db.now()} if table == "hosts" else {}
    return {"changed": _database().update(table, row_id, **_given(), **modified)}


@control.delete(f"/{_TABLES}/<int:row_id>")
def delete(table: str, row_id: int) -> t.Any:
    """Delete a row; what points to it points to nothing then. As the controller does, not what active jobs use."""
    if table in ("inventories", "hosts"):
        row = _database().get(table, row_id) or {}
        active = jobs.active_of_inventory(_database(), row_id if table == "inventories" else row.get("inventory"))
        if active:
            return {"error": "in use", "active_jobs": active}, 409
    return {"deleted": _database().run(f"DELETE FROM {table} WHERE id = ?", row_id)}


@control.put("/templates/<int:row_id>/roles")
def change_roles(row_id: int) -> t.Any:
    """Give users roles on a template, or take them away (null)."""
    return _change_roles("roles", "template", row_id)


@control.put("/organizations/<int:row_id>/roles")
def change_organization_roles(row_id: int) -> t.Any:
    """Make users workflow admins of an organization, or take that away (null)."""
    return _change_roles("organization_roles", "organization", row_id)


def _change_roles(table: str, of: str, row_id: int) -> dict[str, t.Any]:
    database = _database()
    for username, role in _given().items():
        user = people.by_name(database, username)["id"]
        database.run(f"DELETE FROM {table} WHERE {of} = ? AND user = ?", row_id, user)
        if role is not None:
            database.insert(table, user=user, role=role, **{of: row_id})
    return {}


@control.post("/jobs")
def make_job() -> t.Any:
    """Make a job, workflow job or ad hoc command that has never run."""
    database, given = _database(), _given()
    hosts, stats = given.pop("hosts", None), given.pop("stats", True)
    username = given.pop("user", "admin")
    user = people.by_name(database, username)["id"] if username else None
    template = database.get("templates", given.pop("template", None))
    for name in set(given) & set(resources.TABLES):
        given[name] = resources.named(database, name, given[name])
    fields: dict[str, t.Any] = {}
    if template is not None:
        copied = (
            "name organization inventory project playbook content files job_type limit extra_vars timeout "
            "allow_simultaneous credentials labels diff_mode execution_environment instance_groups verbosity forks "
            "job_tags skip_tags scm_branch"
        )
        fields = {name: template[name] for name in copied.split() if template[name] is not None}
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
    if "workflow_job" in given:
        template_id = fields.get("unified_job_template")
        workflow_nodes.add(database, workflow_job=given["workflow_job"], unified_job_template=template_id, job=job)
    return {"id": job}


@control.post("/workflow_jobs")
def make_workflow_job() -> t.Any:
    """Make a workflow job that has never run, with jobs for its nodes."""
    database, given = _database(), _given()
    user = people.by_name(database, given.pop("user", "admin"))["id"]
    template = database.get("templates", given.pop("template"))
    outcomes = given.pop("nodes", {})
    return workflow_templates.make_job(database, t.cast("Row", template), user, outcomes, _text(given))


@control.post("/jobs/<int:row_id>/approve")
def approve(row_id: int) -> t.Any:
    """Approve or deny what a workflow job waits for."""
    workflows.approve(_database(), row_id, approved=_given().get("approved", True))
    return {}


def _text(given: dict[str, t.Any]) -> dict[str, t.Any]:
    extra_vars = given.get("extra_vars")
    return {**given, **({"extra_vars": json.dumps(extra_vars)} if isinstance(extra_vars, dict) else {})}


@control.patch("/jobs/<int:row_id>")
def change_job(row_id: int) -> t.Any:
    """Change columns of a job."""
    return {"changed": _database().update("jobs", row_id, **_text(_given()))}


@control.post("/jobs/<int:row_id>/leave_in_new")
def leave_in_new(row_id: int) -> t.Any:
    """Let a job that waits for its start stay `new` for ever."""
    left = "UPDATE jobs SET status = 'new' WHERE id = ? AND status IN ('new', 'pending')"
    if not _database().run(left, row_id):
        raise ValueError(f"job {row_id} does not wait for its start")
    return {}


@control.post("/jobs/<int:row_id>/end")
def end_job(row_id: int) -> t.Any:
    """End an active job as if it had run; a job with a process of its own ends by itself."""
    database, given = _database(), _given()
    row = database.get("jobs", row_id)
    if row is None or row["status"] not in ("new", "pending"):
        raise ValueError(f"job {row_id} does not wait for its start")
    jobs.end(database, row, given["status"], given.get("hosts"), lag=given.get("event_lag", 0.0))
    return {}


@control.post("/jobs/<int:row_id>/wait")
def wait_for_job(row_id: int) -> t.Any:
    """Wait until a job is over and its events are saved."""
    deadline = time.monotonic() + _given().get("timeout", 60.0)
    while not (state := _job_state(row_id))["settled"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"job {row_id} is {state['status']}")
        time.sleep(0.03)
    return state


@control.get("/jobs/<int:row_id>")
def job_state(row_id: int) -> t.Any:
    """How far a job is."""
    return _job_state(row_id)


def _job_state(row_id: int) -> dict[str, t.Any]:
    row = _database().get("jobs", row_id)
    if row is None:
        raise KeyError(row_id)
    settled = {**settings.read(_database()), "events_never_finish_after_error": False}
    final = row["status"] in jobs.FINAL
    saved = row["type"] == "workflow_job" or row["events_saved_at"] is None or jobs.events_saved(row, settled)
    return {"id": row_id, "status": row["status"], "final": final, "settled": final and saved}
