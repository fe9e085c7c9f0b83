# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow job that failed, as a scenario of many jobs has one besides: how it is set up, and what came of it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from sandbox import database as db
from sandbox.process import Sandbox

from .many import FailedWorkflow
from .moves import OTHER_USER
from .play import PLAYBOOK, USERS, seconds_of
from .workflow_judge import Workflow, WorkflowJob

if t.TYPE_CHECKING:
    from sandbox.faults import Call, Rule


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


def by_another(given: FailedWorkflow, scene: WorkflowScene) -> Rule | None:
    """How somebody else runs it between two requests of the task, if that is so; see ``before``."""
    if given.by_another is None or given.at is None:
        return None
    method, path, skipped = given.at
    call: Call = {"method": "POST", "path": _path(given, scene), "body": {}, "user": OTHER_USER}
    rule: Rule = {"kind": "act", "when": "after", "method": method, "path": path, "calls": [call]}
    return {**rule, "after_requests": skipped} if skipped else rule


def before(sandbox: Sandbox, given: FailedWorkflow, scene: WorkflowScene) -> None:
    """Let somebody else run it just before the task, if that is so."""
    if given.by_another is not None and given.at is None:
        sandbox.request("POST", _path(given, scene), user=OTHER_USER, body={})


def _path(given: FailedWorkflow, scene: WorkflowScene) -> str:
    if given.by_another == "launch":
        return f"/workflow_job_templates/{scene.template}/launch/"
    return f"/workflow_jobs/{scene.source}/relaunch/"


def came_of(database: db.Database, scene: WorkflowScene) -> Workflow:
    """All that ran of it again: all of it, and what remained of it or of such a run."""
    rows = database.all(
        "SELECT jobs.*, users.username FROM jobs LEFT JOIN users ON users.id = jobs.created_by "
        "WHERE type = 'workflow_job' AND jobs.id > ? ORDER BY jobs.id",
        scene.source,
    )
    runs: list[WorkflowJob] = []
    for row in rows:
        of = re.match(r"Remainder of workflow job (\d+) ", row["name"])
        whole = row["unified_job_template"] == scene.template
        if whole or (of is not None and int(of[1]) in (scene.source, *(run.id for run in runs))):
            runs.append(_workflow_job(row, remainder=not whole))
    return Workflow(scene.source, tuple(runs))


def _workflow_job(row: t.Mapping[str, t.Any], remainder: bool) -> WorkflowJob:
    return WorkflowJob(
        id=row["id"],
        status=row["status"],
        created=seconds_of(row["created"]) or 0.0,
        finished=seconds_of(row["finished"]),
        creator=row["username"] or "",
        remainder=remainder,
    )
