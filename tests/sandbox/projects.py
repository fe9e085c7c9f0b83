# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects and their revisions, inventory sources, and inventories that are constructed of others."""

from __future__ import annotations

import hashlib
import json
import typing as t

from . import database as db

# What tests may set about a project, and about an inventory source.
PROJECT_COLUMNS = ("name", "description", "scm_type", "scm_update_on_launch", "broken", "status", "update_duration")
SOURCE_COLUMNS = ("name", "description", "source_project", "update_on_launch", "hosts", "broken", "update_duration")


def add(database: db.Database, organization: int | None, **columns: t.Any) -> int:
    """Add a project, of git if nothing else is said; its id."""
    given = {"scm_type": "git", "status": "successful", **columns}
    _check(given, PROJECT_COLUMNS)
    revision = _revision(given["name"]) if given["scm_type"] else ""
    return database.insert(
        "projects",
        organization=organization,
        scm_revision=revision,
        created=db.now(),
        last_updated=db.now() if given["scm_type"] else None,
        **given,
    )


def commit(database: db.Database, project: int | None, *texts: str) -> None:
    """Give a project of git the revision that it has with these texts in place of others."""
    row = database.get("projects", project)
    if row is not None and row["scm_type"]:
        database.update("projects", row["id"], scm_revision=_revision(row["scm_revision"], *texts))


def _revision(*texts: str) -> str:
    return hashlib.sha1("\0".join(texts).encode(), usedforsecurity=False).hexdigest()


def add_source(database: db.Database, inventory: int, **columns: t.Any) -> int:
    """Add a source to an inventory; its id."""
    _check(columns, SOURCE_COLUMNS)
    return database.insert("inventory_sources", inventory=inventory, created=db.now(), **columns)


def _check(columns: dict[str, t.Any], known: t.Collection[str]) -> None:
    unknown = sorted(set(columns) - set(known))
    if unknown:
        raise ValueError(f"no such columns: {', '.join(unknown)}")


def add_constructed(database: db.Database, name: str, organization: int | None, inputs: t.Iterable[int] = ()) -> int:
    """Add an inventory that is constructed of others, with the source that it gets by itself; its id.

    Its hosts are there after the first update.
    """
    with database.transaction():
        inventory = database.insert(
            "inventories", name=name, kind="constructed", organization=organization, created=db.now()
        )
        database.insert(
            "inventory_sources",
            inventory=inventory,
            name=f"Auto-created source for: {name}",
            source="constructed",
            update_on_launch=1,
            created=db.now(),
        )
        for one in inputs:
            add_input(database, inventory, one)
    return inventory


def add_input(database: db.Database, constructed: int, inventory: int) -> None:
    """Let an inventory be constructed of one more."""
    database.run("INSERT OR IGNORE INTO input_inventories (constructed, input) VALUES (?, ?)", constructed, inventory)


def source_counts(database: db.Database, inventory: int) -> dict[str, t.Any]:
    """What an inventory says of its sources."""
    counted = "SELECT COUNT(*) AS total, COALESCE(SUM(status = 'failed'), 0) AS failed FROM inventory_sources"
    row = t.cast("db.Row", database.one(f"{counted} WHERE inventory = ?", inventory))
    return {
        "has_inventory_sources": row["total"] > 0,
        "total_inventory_sources": row["total"],
        "inventory_sources_with_failures": row["failed"],
    }


def change_columns(table: str, given: dict[str, t.Any]) -> dict[str, t.Any]:
    """The columns of a project or a source that a test wants to change; hosts as JSON."""
    _check(given, PROJECT_COLUMNS if table == "projects" else SOURCE_COLUMNS)
    hosts = {"hosts": json.dumps(given["hosts"])} if given.get("hosts") is not None else {}
    return {**given, **hosts}
