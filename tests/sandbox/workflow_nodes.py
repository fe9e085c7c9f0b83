# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of workflow templates and of workflow jobs, and their links, as rows."""

from __future__ import annotations

import json
import typing as t

from . import database as db
from .workflow_graph import Graph, Link, Node

# What a node may give to its job, null for none; besides its variables and the lists below it.
PROMPTS = (
    "inventory",
    "scm_branch",
    "job_type",
    "job_tags",
    "skip_tags",
    "limit",
    "diff_mode",
    "verbosity",
    "execution_environment",
    "forks",
    "job_slice_count",
    "timeout",
)
LISTS = ("credentials", "labels", "instance_groups")

_COPIED = (
    "identifier",
    "unified_job_template",
    "all_parents_must_converge",
    "prompts",
    "extra_data",
    "secrets",
    *LISTS,
)


def add(database: db.Database, **values: t.Any) -> int:
    """Add a node; its id."""
    moment = db.now()
    return database.insert("nodes", created=moment, modified=moment, **values)


def change(database: db.Database, node: int, **values: t.Any) -> None:
    """Change columns of a node."""
    database.update("nodes", node, modified=db.now(), **values)


def link(database: db.Database, new: Link) -> None:
    """Add a link; one that is there already stays."""
    database.run("INSERT OR IGNORE INTO links (parent, child, kind) VALUES (?, ?, ?)", new.parent, new.child, new.kind)


def unlink(database: db.Database, old: Link) -> None:
    """Remove a link, if it is there."""
    database.run("DELETE FROM links WHERE parent = ? AND child = ? AND kind = ?", old.parent, old.child, old.kind)


def of_template(database: db.Database, template: int) -> list[db.Row]:
    """The nodes of a workflow template."""
    return database.all("SELECT * FROM nodes WHERE workflow_job_template = ? ORDER BY id", template)


def of_job(database: db.Database, workflow_job: int) -> list[db.Row]:
    """The nodes of a workflow job."""
    return database.all("SELECT * FROM nodes WHERE workflow_job = ? ORDER BY id", workflow_job)


def links_of(
    database: db.Database, column: t.Literal["workflow_job", "workflow_job_template"], owner: int
) -> list[Link]:
    """The links of a workflow job or of a workflow template."""
    rows = database.all(
        f"SELECT links.* FROM nodes JOIN links ON links.parent = nodes.id WHERE nodes.{column} = ? "
        "ORDER BY links.parent, links.child",
        owner,
    )
    return [Link(**row) for row in rows]


def copy(database: db.Database, originals: list[db.Row], workflow_job: int) -> dict[int, int]:
    """Give a workflow job copies of these nodes, with their links; the copies' ids by those of the originals."""
    copies = {
        node["id"]: add(database, workflow_job=workflow_job, **{name: node[name] for name in _COPIED})
        for node in originals
    }
    for original, new in copies.items():
        for row in database.all("SELECT * FROM links WHERE parent = ?", original):
            link(database, Link(new, copies[row["child"]], row["kind"]))
    return copies


def add_slices(database: db.Database, workflow_job: int, template: int, number: int) -> None:
    """Give the workflow job of a sliced job template its nodes, one for each slice."""
    for _slice in range(number):
        add(database, workflow_job=workflow_job, unified_job_template=template)


def graph(database: db.Database, workflow_job: int, *, convergence_ignores_errors: bool) -> Graph:
    """The nodes of a workflow job as they are now."""
    rows = database.all(
        "SELECT nodes.*, jobs.status FROM nodes LEFT JOIN jobs ON jobs.id = nodes.job WHERE nodes.workflow_job = ? "
        "ORDER BY nodes.id",
        workflow_job,
    )
    nodes = [
        Node(
            row["id"],
            status=row["status"],
            has_template=row["unified_job_template"] is not None,
            do_not_run=bool(row["do_not_run"]),
            all_parents_must_converge=bool(row["all_parents_must_converge"]),
        )
        for row in rows
    ]
    links = links_of(database, "workflow_job", workflow_job)
    return Graph(nodes, links, convergence_ignores_errors=convergence_ignores_errors)


def prompts_of(node: db.Row) -> dict[str, t.Any]:
    """What a node gives to its job, as a launch would be given it; secrets in clear."""
    given = {**json.loads(node["prompts"]), **{name: json.loads(node[name]) for name in LISTS}}
    variables = {**json.loads(node["extra_data"]), **json.loads(node["secrets"])}
    return {name: value for name, value in {**given, "extra_vars": variables}.items() if value not in ([], {})}
