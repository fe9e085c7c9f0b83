# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow job that failed, as a scenario of many jobs has one besides: how it is set up, and what came of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from sandbox import database as db
from sandbox.process import Sandbox

from .many import FailedWorkflow
from .moves import OTHER_USER
from .play import PLAYBOOK, USERS, seconds_of
from .workflow_judge import Workflow, WorkflowJob


@dataclass(frozen=True)
class WorkflowScene:
    """What there is of it in the sandbox.

    :param source: the number of the workflow job.
    :param nodes: the template that its nodes stand for.
    :param template: its own.
    """

    source: int
    nodes: int
    template: int


def set_up(sandbox: Sandbox, given: FailedWorkflow, name: str, user: str) -> WorkflowScene:
    """Two lines of nodes: in the first, or in both, a node failed, and what follows it never ran."""
    made = sandbox.add_template(
        f"Nodes of {name}", PLAYBOOK, hosts={host: {} for host in given.names}, asks=["limit", "verbosity"]
    )
    node = {"template": made["id"]}
    workflow = sandbox.add_workflow_template_with_nodes(
        name,
        {
            "fetch": {**node, "success": ["patch"]},
            "patch": {**node, "success": ["check"]},
            "check": node,
            "tidy": {**node, "success": ["report"]},
            "report": node,
        },
    )
    sandbox.organization_roles(workflow["organization"], **dict.fromkeys(USERS[1:], "workflow_admin"))
    well = dict.fromkeys(given.names, "ok")
    failed = {"status": "failed", "hosts": {**well, **dict.fromkeys(given.on, "failed")}}
    fine = {"status": "successful", "hosts": well}
    both = {"tidy": failed, "report": "do_not_run"} if given.both else {"tidy": fine, "report": fine}
    outcomes = {"fetch": fine, "patch": failed, "check": "do_not_run", **both}
    source = sandbox.make_workflow_job(workflow["id"], outcomes, user=user)["id"]
    return WorkflowScene(source, int(made["id"]), int(workflow["id"]))


def relaunch_by_hand(sandbox: Sandbox, scene: WorkflowScene) -> None:
    """Somebody relaunches all of it."""
    sandbox.relaunch_workflow(scene.source, user=OTHER_USER)


def came_of(database: db.Database, scene: WorkflowScene) -> Workflow:
    """All that ran of it again."""
    rows = database.all(
        "SELECT jobs.*, users.username FROM jobs LEFT JOIN users ON users.id = jobs.created_by "
        "WHERE type = 'workflow_job' AND jobs.id > ? AND (name LIKE ? OR unified_job_template = ?) ORDER BY jobs.id",
        scene.source,
        f"Remainder of workflow job {scene.source} %",
        scene.template,
    )
    return Workflow(scene.source, tuple(map(_workflow_job, rows)))


def _workflow_job(row: t.Mapping[str, t.Any]) -> WorkflowJob:
    return WorkflowJob(
        id=row["id"],
        status=row["status"],
        created=seconds_of(row["created"]) or 0.0,
        finished=seconds_of(row["finished"]),
        creator=row["username"] or "",
        remainder=row["launch_type"] != "relaunch",
    )
