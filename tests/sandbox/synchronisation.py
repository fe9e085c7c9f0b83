# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an update brings to an inventory: the hosts of its source, or copies of those of its input inventories."""

from __future__ import annotations

import json
import typing as t

from . import database as db

# What is said of hosts that came by an update.
IMPORTED = "imported"


class _Wanted(t.NamedTuple):
    variables: str
    instance_id: str = ""


def run(database: db.Database, source: db.Row) -> None:
    """Make the hosts of an inventory those of its source: what is there keeps its id, what is not wanted goes.

    A source that names no hosts leaves them as they are.
    """
    if source["source"] == "constructed":
        _overwrite(database, source["inventory"], _of_inputs(database, source["inventory"]))
        _copy_groups(database, source["inventory"])
    elif source["hosts"] is not None:
        hosts: dict[str, t.Any] = json.loads(source["hosts"])
        wanted = {name: _Wanted(json.dumps(variables or {})) for name, variables in hosts.items()}
        _overwrite(database, source["inventory"], wanted)


def _of_inputs(database: db.Database, inventory: int) -> dict[str, _Wanted]:
    # Of hosts with the same name the last input's counts; a disabled one is none at all.
    rows = database.all(
        "SELECT hosts.* FROM input_inventories JOIN hosts ON hosts.inventory = input "
        "WHERE constructed = ? AND enabled ORDER BY input_inventories.rowid, hosts.id",
        inventory,
    )
    return {row["name"]: _Wanted(row["variables"], str(row["id"])) for row in rows}


def _overwrite(database: db.Database, inventory: int, wanted: dict[str, _Wanted]) -> None:
    present = {row["name"]: row for row in database.all("SELECT * FROM hosts WHERE inventory = ?", inventory)}
    for name in present.keys() - wanted.keys():
        database.run("DELETE FROM hosts WHERE id = ?", present[name]["id"])
    for name, host in wanted.items():
        if name in present:
            database.update("hosts", present[name]["id"], **host._asdict())
        else:
            database.insert("hosts", inventory=inventory, name=name, description=IMPORTED, **host._asdict())


def _copy_groups(database: db.Database, inventory: int) -> None:
    database.run("DELETE FROM host_groups WHERE inventory = ?", inventory)
    groups: dict[str, int] = {}
    for row in database.all(
        "SELECT host_groups.name, copies.id AS host FROM input_inventories "
        "JOIN host_groups ON host_groups.inventory = input "
        'JOIN group_members ON group_members."group" = host_groups.id '
        "JOIN hosts AS copies ON copies.instance_id = group_members.host AND copies.inventory = constructed "
        "WHERE constructed = ? ORDER BY host_groups.id",
        inventory,
    ):
        if row["name"] not in groups:
            groups[row["name"]] = database.insert(
                "host_groups", inventory=inventory, name=row["name"], created=db.now()
            )
        database.run(
            'INSERT OR IGNORE INTO group_members ("group", host) VALUES (?, ?)', groups[row["name"]], row["host"]
        )
