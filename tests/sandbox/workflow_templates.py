# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow templates, and what their nodes stand for, as tests and the demo describe them."""

from __future__ import annotations

import typing as t

from . import database as db
from . import jobs, people, projects, resources, workflow_nodes, workflows
from .workflow_graph import KINDS, Link


class WorkflowTemplate(t.TypedDict, total=False):
    """What `add` takes."""

    name: t.Required[str]
    nodes: dict[str, NodeDescription]
    description: str
    organization: str
    extra_vars: dict[str, t.Any]
    inventory: int
    limit: str
    job_tags: str
    skip_tags: str
    scm_branch: str
    allow_simultaneous: bool
    asks: list[str]
    survey: list[dict[str, t.Any]]
    roles: dict[str, str]


class NodeDescription(t.TypedDict, total=False):
    """A node: the id of its template (of a job or of a workflow), or the name of its approval or project.

    Besides these keys it may have those of `workflow_nodes.PROMPTS`.
    """

    template: int
    approval: str
    project: str
    success: list[str]
    failure: list[str]
    always: list[str]
    all_parents_must_converge: bool
    extra_data: dict[str, t.Any]
    credentials: list[int]
    labels: list[int]
    instance_groups: list[int]
    timeout: int


def add(database: db.Database, given: WorkflowTemplate) -> dict[str, t.Any]:
    """Add a workflow template with its nodes; its id, its organization's, and those of its nodes by identifier."""
    left: dict[str, t.Any] = dict(given)
    nodes: dict[str, dict[str, t.Any]] = left.pop("nodes", {})
    with database.transaction():
        organization = resources.ensure_organization(database, left.pop("organization", "Default"))
        roles = left.pop("roles", people.DEFAULT_ROLES)
        template = database.insert(
            "templates",
            type="workflow_job_template",
            created=db.now(),
            created_by=people.by_name(database, "admin")["id"],
            organization=organization,
            allow_simultaneous=int(left.pop("allow_simultaneous", False)),
            **left,
        )
        for username, role in roles.items():
            database.insert("roles", template=template, user=people.by_name(database, username)["id"], role=role)
        ids = {name: _add_node(database, template, name, organization, dict(node)) for name, node in nodes.items()}
        for name, node in nodes.items():
            for kind in KINDS:
                for child in node.get(kind, []):
                    workflow_nodes.link(database, Link(ids[name], ids[child], kind))
    return {"id": template, "organization": organization, "nodes": ids}


def _add_node(database: db.Database, workflow: int, identifier: str, organization: int, left: dict[str, t.Any]) -> int:
    for kind in KINDS:
        left.pop(kind, None)
    template = left.pop("template", None)
    if "approval" in left:
        timeout = left.pop("timeout", 0)
        template = add_approval(database, left.pop("approval"), organization, timeout=timeout)
    elif "project" in left:
        name = left.pop("project")
        project = projects.add(database, organization, name=name)
        template = database.insert(
            "templates", type="project", name=name, created=db.now(), organization=organization, project=project
        )
    row = database.get("templates", template)
    shown, secrets = split_secrets(row, left.pop("extra_data", {}), {}) if row else ({}, {})
    return workflow_nodes.add(
        database,
        workflow_job_template=workflow,
        unified_job_template=template,
        identifier=identifier,
        all_parents_must_converge=int(left.pop("all_parents_must_converge", False)),
        extra_data=shown,
        secrets=secrets,
        **{name: left.pop(name) for name in workflow_nodes.LISTS if name in left},
        prompts={name: left.pop(name) for name in workflow_nodes.PROMPTS if name in left},
        # What is left is no column, and refused.
        **left,
    )


def add_approval(
    database: db.Database, name: str, organization: int | None, *, timeout: int = 0, description: str = ""
) -> int:
    """Add what a node waits for; `timeout` is in seconds, 0 is for ever."""
    return database.insert(
        "templates",
        type="workflow_approval_template",
        name=name,
        description=description,
        created=db.now(),
        organization=organization,
        timeout=timeout,
    )


def split_secrets(
    template: db.Row, variables: dict[str, t.Any], known: dict[str, t.Any]
) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """A node's variables as everybody may see them, and the secrets among them; a mask stands for the known one.

    Raises KeyError with the name of a variable that is masked without being known.
    """
    secrets = {}
    for name in resources.secret_variables(template):
        if name in variables:
            masked = variables[name] == jobs.ENCRYPTED
            secrets[name] = known[name] if masked else variables[name]
    return {**variables, **dict.fromkeys(secrets, jobs.ENCRYPTED)}, secrets


def delete(database: db.Database, template: int) -> None:
    """Delete a workflow template with its nodes, and the approvals that only these stand for."""
    with database.transaction():
        database.run("DELETE FROM templates WHERE id = ?", template)
        delete_unused_approvals(database)


def delete_unused_approvals(database: db.Database) -> None:
    """Delete the approvals that no workflow template has a node for."""
    database.run(
        "DELETE FROM templates WHERE type = 'workflow_approval_template' AND id NOT IN "
        "(SELECT unified_job_template FROM nodes WHERE unified_job_template IS NOT NULL "
        "AND workflow_job_template IS NOT NULL)"
    )


def make_job(
    database: db.Database, template: db.Row, user: int, outcomes: dict[str, t.Any], fields: dict[str, t.Any]
) -> dict[str, t.Any]:
    """Make a workflow job that has never run, from a workflow template; its id, and the ids of its jobs by node.

    An outcome is a status, the fields of a job (`status`, `hosts`, `artifacts`...), `do_not_run`, or None (still open).
    That of a nested workflow or of a sliced job may have `nodes` of its own, which are slices by their numbers ("1").
    """
    with database.transaction():
        workflow = jobs.launch_workflow(database, template, user, prompts=fields.pop("prompts", {}))
        jobs.make_seem_run(database, workflow, {"status": "failed", **fields}, None)
        return {"id": workflow, "jobs": _make_jobs(database, workflow, outcomes)}


def _make_jobs(database: db.Database, workflow: int, outcomes: dict[str, t.Any], within: str = "") -> dict[str, int]:
    """Make the jobs of the nodes of a workflow job; their ids by node, those of nested ones as `outer/inner`."""
    made: dict[str, int] = {}
    row = t.cast("db.Row", database.get("jobs", workflow))
    for number, node in enumerate(workflow_nodes.of_job(database, workflow), 1):
        name = node["identifier"] or str(number)
        outcome = outcomes.get(name)
        if outcome == "do_not_run":
            workflow_nodes.change(database, node["id"], do_not_run=1)
        elif outcome is not None:
            values: dict[str, t.Any] = {"status": outcome} if isinstance(outcome, str) else dict(outcome)
            hosts, stats, nodes = values.pop("hosts", None), values.pop("stats", True), values.pop("nodes", {})
            job = made[within + name] = workflows.make_job_of(database, row, node["id"])
            # What it hands on is that of its jobs, which have to be there before.
            made.update(_make_jobs(database, job, nodes, f"{within}{name}/") if nodes else {})
            jobs.make_seem_run(database, job, values, hosts, stats=stats)
    return made
