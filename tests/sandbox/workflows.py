# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow manager: moves workflow jobs on, from the jobs of their nodes that have ended to those that follow."""

from __future__ import annotations

import json
import typing as t

from . import database as db
from . import jobs, resources, workflow_nodes

_ACTIVE = "type = 'workflow_job' AND status IN ('pending', 'running')"
_NO_LOG = "_ansible_no_log"

FAILED = "No error handling paths found, marking workflow as failed"
_NO_RESOURCE = (
    "Job spawned from workflow could not start because it was missing a related resource such as project or inventory"
)
_NEEDS_PASSWORDS = (
    "Job spawned from workflow could not start because it was not in the right state or required manual credentials"
)
_RECURSION = (
    "Workflow Job spawned from workflow could not start because it would result in recursion "
    "(spawn order, most recent first: {})"
)
_EXPIRED = "The approval node {} ({}) has expired after {} seconds."


def active(database: db.Database) -> bool:
    """Whether there is a workflow job to move on."""
    return database.value(f"SELECT 1 FROM jobs WHERE {_ACTIVE} LIMIT 1") is not None


def advance(database: db.Database, settings: dict[str, t.Any]) -> None:
    """Move all workflow jobs on: start them, make the jobs of nodes that are due, and write their end."""
    _expire_approvals(database)
    for row in database.all(f"SELECT * FROM jobs WHERE {_ACTIVE} ORDER BY id"):
        if row["status"] == "pending" and not _start(database, row):
            continue
        if row["cancel_flag"]:
            _cancel(database, row)
        else:
            _go_on(database, row, ignore_errors=settings["convergence_ignores_errors"])


def approve(database: db.Database, job: int, *, approved: bool) -> None:
    """Approve or deny what a workflow job waits for."""
    row = database.get("jobs", job)
    if row is None or row["type"] != "workflow_approval" or row["status"] != "pending":
        raise ValueError(f"job {job} waits for no approval")
    jobs.finish(database, job, "successful" if approved else "failed", event_lag=0.0)


def shown_artifacts(artifacts: dict[str, t.Any]) -> t.Any:
    """Artifacts as everybody may see them."""
    return "$hidden due to Ansible no_log flag$" if artifacts.get(_NO_LOG) else artifacts


def _start(database: db.Database, row: db.Row) -> bool:
    blocker = None
    if not row["allow_simultaneous"] and row["unified_job_template"] is not None:
        blocker = database.value(
            "SELECT id FROM jobs WHERE type = 'workflow_job' AND unified_job_template = ? AND id != ? "
            "AND (status = 'running' OR (status = 'pending' AND id < ?)) ORDER BY id LIMIT 1",
            row["unified_job_template"],
            row["id"],
            row["id"],
        )
    if blocker is not None:
        explanation = f"waiting for workflow_job-{blocker} to finish"
        if row["job_explanation"] != explanation:
            database.update("jobs", row["id"], job_explanation=explanation)
        return False
    database.update("jobs", row["id"], status="running", started=db.now(), job_explanation="")
    return True


def _cancel(database: db.Database, row: db.Row) -> None:
    database.run("UPDATE nodes SET do_not_run = 1 WHERE workflow_job = ? AND job IS NULL", row["id"])
    marks = ", ".join("?" for _status in jobs.ACTIVE)
    alive = database.all(
        f"SELECT jobs.* FROM nodes JOIN jobs ON jobs.id = nodes.job "
        f"WHERE nodes.workflow_job = ? AND jobs.status IN ({marks})",
        row["id"],
        *jobs.ACTIVE,
    )
    for job in alive:
        if not job["cancel_flag"]:
            jobs.cancel(database, job)
    if not alive:
        jobs.finish(database, row["id"], "canceled", event_lag=0.0)


def _go_on(database: db.Database, row: db.Row, *, ignore_errors: bool) -> None:
    graph = workflow_nodes.graph(database, row["id"], convergence_ignores_errors=ignore_errors)
    for node in graph.never_to_run():
        workflow_nodes.change(database, node.id, do_not_run=1)
    due = graph.to_run()
    for node in due:
        make_job_of(database, row, node.id)
    if not due and graph.is_done():
        failed = graph.has_failed()
        status, explanation = ("failed", FAILED) if failed else ("successful", "")
        jobs.finish(database, row["id"], status, event_lag=0.0, explanation=explanation)


def make_job_of(database: db.Database, workflow: db.Row, node: int) -> int:
    """Make the job of a node, as it is due; its id."""
    return _NodeStart(database, workflow, t.cast("db.Row", database.get("nodes", node))).make_job()


def _expire_approvals(database: db.Database) -> None:
    waiting = "SELECT * FROM jobs WHERE type = 'workflow_approval' AND status = 'pending' AND timeout > 0"
    for row in database.all(waiting):
        if db.seconds_between(row["created"], db.now()) >= row["timeout"]:
            text = _EXPIRED.format(row["name"], row["id"], row["timeout"])
            jobs.finish(database, row["id"], "failed", event_lag=0.0, explanation=text)


class _NodeStart:
    """Makes the job of one node."""

    def __init__(self, database: db.Database, workflow: db.Row, node: db.Row) -> None:
        self._database = database
        self._workflow = workflow
        self._node = node
        self._template = t.cast("db.Row", database.get("templates", node["unified_job_template"]))
        self._artifacts = self._artifacts_of_parents()
        self._secrets = jobs.secrets_of(database, workflow["id"])

    def make_job(self) -> int:
        """Make the job; one that cannot start has failed at once."""
        kind, user = self._template["type"], self._workflow["created_by"]
        explanation = ""
        if kind == "job_template":
            job, explanation = self._launch_slice() if self._workflow["is_sliced_job"] else self._launch_job()
        elif kind == "workflow_job_template":
            job, explanation = self._launch_workflow()
        else:
            job = jobs.launch_other(self._database, self._template, user, workflow_job=self._workflow["id"])
        if explanation:
            jobs.finish(self._database, job, "failed", event_lag=0.0, explanation=explanation)
        workflow_nodes.change(self._database, self._node["id"], job=job, ancestor_artifacts=self._artifacts)
        return job

    def _launch_slice(self) -> tuple[int, str]:
        prompts = json.loads(self._workflow["prompts"])
        nodes = [node["id"] for node in workflow_nodes.of_job(self._database, self._workflow["id"])]
        if "extra_vars" in prompts:
            prompts["extra_vars"] = {**prompts["extra_vars"], **self._secrets}
        job = jobs.launch(
            self._database,
            self._template,
            self._workflow["created_by"],
            prompts=prompts,
            launch_type="workflow",
            workflow_job=self._workflow["id"],
            slice_of=(nodes.index(self._node["id"]) + 1, len(nodes)),
            secret=self._secrets,
        )
        self._database.update("jobs", job, allow_simultaneous=1)
        return job, ""

    def _launch_job(self) -> tuple[int, str]:
        template = self._template
        prompts = self._accepted({**workflow_nodes.prompts_of(self._node), **self._handed_down()})
        # The workflow's variables reach a job whether or not its template asks for any.
        variables = {**prompts.pop("extra_vars", {}), **self._artifacts, **self._variables()}
        variables.pop(_NO_LOG, None)
        if variables:
            prompts["extra_vars"] = variables
        common: dict[str, t.Any] = {
            "prompts": prompts,
            "launch_type": "workflow",
            "workflow_job": self._workflow["id"],
            "secret": {*self._secrets, *(self._artifacts if self._artifacts.get(_NO_LOG) else ())},
        }
        user = self._workflow["created_by"]
        slices = jobs.slice_count(self._database, template, prompts)
        if slices > 1:
            return jobs.launch_sliced(self._database, template, user, slices=slices, **common), ""
        job = jobs.launch(self._database, template, user, **common)
        row = t.cast("db.Row", self._database.get("jobs", job))
        if row["inventory"] is None or row["project"] is None:
            return job, _NO_RESOURCE
        return job, _NEEDS_PASSWORDS if resources.passwords_of(self._database, row["credentials"]) else ""

    def _launch_workflow(self) -> tuple[int, str]:
        given = workflow_nodes.prompts_of(self._node)
        given["extra_vars"] = {**given.get("extra_vars", {}), **self._variables()}
        prompts = self._accepted({**given, **self._handed_down()})
        prompts["extra_vars"] = {**prompts.get("extra_vars", {}), **self._artifacts}
        prompts["extra_vars"].pop(_NO_LOG, None)
        job = jobs.launch_workflow(
            self._database,
            self._template,
            self._workflow["created_by"],
            prompts=prompts,
            launch_type="workflow",
            workflow_job=self._workflow["id"],
            secret=self._secrets,
        )
        above = self._templates_above()
        if self._template["id"] in above:
            return job, _RECURSION.format(list(above.values()))
        return job, ""

    def _accepted(self, given: dict[str, t.Any]) -> dict[str, t.Any]:
        """What of it the template asks for, as it is now."""
        asks = json.loads(self._template["asks"])
        surveyed = {one["variable"] for one in json.loads(self._template["survey"])}
        taken = {name: value for name, value in given.items() if name in asks and value != self._template.get(name)}
        variables = given.get("extra_vars", {})
        if "extra_vars" not in asks:
            variables = {name: value for name, value in variables.items() if name in surveyed}
        taken.pop("extra_vars", None)
        return {**taken, "extra_vars": variables} if variables else taken

    def _handed_down(self) -> dict[str, t.Any]:
        given = {name: self._workflow[name] for name in jobs.WORKFLOW_PROMPTS}
        return {name: value for name, value in given.items() if value not in (None, "")}

    def _variables(self) -> dict[str, t.Any]:
        return {**json.loads(self._workflow["extra_vars"] or "{}"), **self._secrets}

    def _artifacts_of_parents(self) -> dict[str, t.Any]:
        parents = self._database.all(
            "SELECT DISTINCT nodes.* FROM links JOIN nodes ON nodes.id = links.parent WHERE links.child = ? "
            "ORDER BY nodes.id",
            self._node["id"],
        )
        artifacts: dict[str, t.Any] = {}
        for parent in parents:
            artifacts.update(json.loads(parent["ancestor_artifacts"]))
            artifacts.update(_artifacts_of(self._database, self._database.get("jobs", parent["job"])))
        return artifacts

    def _templates_above(self) -> dict[int, str]:
        """The names of the workflow templates that this node's workflow job descends from, the nearest first."""
        found: dict[int, str] = {}
        row: db.Row | None = self._workflow
        while row is not None:
            template = self._database.get("templates", row["unified_job_template"])
            if template is not None:
                found[template["id"]] = template["name"]
            row = self._database.get("jobs", row["workflow_job"])
        return found


def _artifacts_of(database: db.Database, job: db.Row | None) -> dict[str, t.Any]:
    """The artifacts of a job; of a workflow job those of all of its jobs, the last to end counting most."""
    if job is None:
        return {}
    artifacts: dict[str, t.Any] = json.loads(job["artifacts"])
    for below in database.all(
        "SELECT * FROM jobs WHERE workflow_job = ? AND status IN ('successful', 'failed') ORDER BY finished, id",
        job["id"],
    ):
        artifacts.update(_artifacts_of(database, below))
    return artifacts
