# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job is told about itself: the extra variables, and the environment of its process."""

from __future__ import annotations

import os
import pathlib
import sys
import typing as t

from . import database as db

_NODE = "sandbox"


def variables(database: db.Database, job: db.Row) -> dict[str, t.Any]:
    """The extra variables that every job gets, each under both prefixes; none of them tells a workflow's node."""
    found: dict[str, t.Any] = {
        "job_id": job["id"],
        "job_launch_type": job["launch_type"],
        "execution_node": _NODE,
        **_of(database, "templates", job["job_template"], "job_template"),
        **_of(database, "inventories", job["inventory"], "inventory"),
        **_of(database, "schedules", job["schedule"], "schedule"),
        **_of_project(database, job),
        **_of_user(database, job),
        **_of_workflow(database, job),
    }
    return {f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in found.items()}


def _of(database: db.Database, table: str, row_id: int | None, name: str) -> dict[str, t.Any]:
    row = database.get(table, row_id)
    return {f"{name}_id": row["id"], f"{name}_name": row["name"]} if row else {}


def _of_project(database: db.Database, job: db.Row) -> dict[str, t.Any]:
    project = database.get("projects", job["project"])
    if project is None:
        return {}
    branch = "main" if project["scm_type"] else ""
    return {"project_revision": project["scm_revision"], "project_scm_branch": branch}


def _of_user(database: db.Database, job: db.Row) -> dict[str, t.Any]:
    user = database.get("users", job["created_by"])
    if user is None:
        return {}
    name = user["username"]
    names = {"user_first_name": None, "user_last_name": None}
    return {"user_id": user["id"], "user_name": name, "user_email": f"{name}@localhost", **names}


def _of_workflow(database: db.Database, job: db.Row) -> dict[str, t.Any]:
    workflow = database.get("jobs", job["workflow_job"])
    if workflow is None:
        return {}
    return {
        "workflow_job_id": workflow["id"],
        "workflow_job_name": workflow["name"],
        "workflow_job_launch_type": workflow["launch_type"],
    }


def environment(job: db.Row, folder: pathlib.Path) -> dict[str, str]:
    """The environment of a job's process, which runs in a folder of its own."""
    return {
        "JOB_ID": str(job["id"]),
        "AWX_HOST": "",
        "AWX_PRIVATE_DATA_DIR": str(folder),
        "INVENTORY_ID": str(job["inventory"] or ""),
        "PROJECT_REVISION": job["scm_revision"],
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        # Nothing of the caller's configuration may count, and nothing may be written outside this folder.
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_SSH_RETRIES": "0",
    }
