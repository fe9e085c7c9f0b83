# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates of projects and inventory sources: how they are made, what they bring, and the jobs that wait for them."""

from __future__ import annotations

import json
import typing as t

from . import database as db
from . import jobs, synchronisation

Kind = t.Literal["project_update", "inventory_update"]
# What an update is of: its table, and the column of a job that says which.
OWNERS: dict[str, tuple[str, str]] = {
    "project_update": ("projects", "project"),
    "inventory_update": ("inventory_sources", "inventory_source"),
}

MISSING_REVISION = "Missing a revision to run due to failed project update."

_CONTROL_PLANE_GROUP, _DEFAULT_GROUP = 1, 2


class NoRevision(Exception):
    """There is nothing to run."""


def make(database: db.Database, kind: Kind, owner: db.Row, *, user: int | None = None) -> int:
    """Make an update of a project or an inventory source; its id. Without a user it is one that a job waits for."""
    table, column = OWNERS[kind]
    values: dict[str, t.Any] = {"name": owner["name"], "organization": owner.get("organization"), column: owner["id"]}
    if kind == "inventory_update":
        inventory = t.cast("db.Row", database.get("inventories", owner["inventory"]))
        values.update(
            name=f"{inventory['name']} - {owner['name']}",
            organization=inventory["organization"],
            inventory=inventory["id"],
            verbosity=1,
        )
    launch_type = "manual" if user is not None else "dependency"
    with database.transaction():
        update = jobs.insert(
            database,
            user,
            type=kind,
            description=owner["description"],
            launch_type=launch_type,
            job_type="check" if kind == "project_update" else "run",
            duration=owner["update_duration"],
            **values,
        )
        database.update(table, owner["id"], status="pending")
    return update


def advance(database: db.Database) -> None:
    """Start the updates that are due, and write the end of those whose time is over."""
    kinds = ", ".join(f"'{kind}'" for kind in OWNERS)
    for row in database.all(
        f"SELECT * FROM jobs WHERE type IN ({kinds}) AND status IN ('pending', 'running') ORDER BY id"
    ):
        if row["status"] == "pending":
            _start(database, row)
        elif row["cancel_flag"] or db.seconds_between(row["started"], db.now()) >= row["duration"]:
            finish(database, row)


def active(database: db.Database) -> bool:
    """Whether there is an update that has begun."""
    kinds = ", ".join(f"'{kind}'" for kind in OWNERS)
    return bool(database.value(f"SELECT 1 FROM jobs WHERE type IN ({kinds}) AND status = 'running' LIMIT 1"))


def _start(database: db.Database, row: db.Row) -> None:
    of_project = row["type"] == "project_update"
    values: dict[str, t.Any] = {
        "status": "running",
        "started": db.now(),
        "modified_by": None,
        "execution_environment": 1,
        "instance_group": _CONTROL_PLANE_GROUP if of_project else _DEFAULT_GROUP,
        "work_unit_id": jobs.work_unit(),
    }
    if not of_project:
        source = t.cast("db.Row", database.get("inventory_sources", row["inventory_source"]))
        project = database.get("projects", source["source_project"])
        if project is not None:
            before = make(database, "project_update", project)
            _start(database, t.cast("db.Row", database.get("jobs", before)))
            finish(database, t.cast("db.Row", database.get("jobs", before)))
            values["source_project_update"] = before
    database.update("jobs", row["id"], **values)


def finish(database: db.Database, row: db.Row) -> None:
    """Write the end of an update, and what it brought."""
    table, column = OWNERS[row["type"]]
    owner = database.get(table, row[column])
    before = database.get("jobs", row["source_project_update"])
    broken = owner is None or owner["broken"] or (before is not None and before["failed"])
    status = "canceled" if row["cancel_flag"] else "failed" if broken else "successful"
    with database.transaction():
        if owner is not None:
            moment = db.now()
            database.update(table, owner["id"], status=status, last_updated=moment, last_update=row["id"])
            if status == "successful" and row["type"] == "inventory_update":
                synchronisation.run(database, owner)
            revised = owner if row["type"] == "project_update" else database.get("projects", owner["source_project"])
            if status == "successful" and revised is not None:
                database.update("jobs", row["id"], scm_revision=revised["scm_revision"])
        text = (owner["broken"] if owner and broken else "") or ""
        database.update("jobs", row["id"], stdout=f"{text}\n" if text else "")
        jobs.finish(database, row["id"], status, event_lag=0.0)


def revision_of(database: db.Database, job: db.Row) -> str:
    """The revision of its project that a job runs; raises `NoRevision` once the project's last update has failed."""
    project = database.get("projects", job["project"])
    if project is not None and lacks_revision(project):
        raise NoRevision(MISSING_REVISION)
    return project["scm_revision"] if project else ""


def lacks_revision(project: db.Row) -> bool:
    """Whether nothing of a project can be run, since its last update has failed."""
    return project["status"] in ("failed", "error", "canceled")


def clear_way(database: db.Database, job: db.Row) -> bool:
    """Whether a pending job may start as far as updates go.

    Those that it needs are made first, and it waits for them; with one of them that has failed it fails, never begun.
    """
    if job["dependencies"] is None:
        needed = [make(database, kind, owner) for kind, owner in _on_launch(database, job)]
        database.update("jobs", job["id"], dependencies=needed)
        return not needed
    for number in json.loads(job["dependencies"]):
        update = database.get("jobs", number)
        if update is None or update["status"] == "successful":
            continue
        if update["status"] in jobs.ACTIVE:
            _wait_for(database, job, update)
        else:
            told = {"job_type": update["type"], "job_name": update["name"], "job_id": str(update["id"])}
            explanation = f"Previous Task Failed: {json.dumps(told)}"
            jobs.finish(database, job["id"], "failed", event_lag=0.0, explanation=explanation)
        return False
    return True


def _wait_for(database: db.Database, job: db.Row, update: db.Row) -> None:
    explanation = f"waiting for {update['type']}-{update['id']} to finish"
    if job["job_explanation"] != explanation:
        database.update("jobs", job["id"], job_explanation=explanation)


def _on_launch(database: db.Database, job: db.Row) -> t.Iterator[tuple[Kind, db.Row]]:
    project = database.get("projects", job["project"])
    if project is not None and project["scm_type"] and project["scm_update_on_launch"]:
        yield "project_update", project
    for source in database.all(
        "SELECT * FROM inventory_sources WHERE inventory = ? AND update_on_launch ORDER BY id", job["inventory"]
    ):
        yield "inventory_update", source
