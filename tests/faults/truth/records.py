# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sandbox's database tells of one template: its jobs with the marks of their hosts, and its inventory."""

from __future__ import annotations

import datetime
import time
import typing as t
from pathlib import Path

from sandbox import database as db
from sandbox.process import SandboxError

from ..quick_jobs import prompts_of
from .facts import FINAL, Job, Look
from .marks import Mark, ended
from .shapes import Book, first_name

_JOBS = (
    "SELECT jobs.*, users.username FROM jobs LEFT JOIN users ON users.id = jobs.created_by "
    "WHERE unified_job_template = ? ORDER BY jobs.id"
)
_BEGAN = "SELECT 1 FROM events WHERE job = ? AND event = 'playbook_on_task_start' LIMIT 1"


class TemplateRecords:
    """The records of a template.

    :param path: of the database.

    Hosts have their first names here; see ``first_name``.
    """

    def __init__(self, path: Path, template: int) -> None:
        self._path = path
        self._template = template

    def rows(self) -> dict[int, db.Row]:
        """All its jobs, by number."""
        with db.opened(self._path) as database:
            return {row["id"]: row for row in database.all(_JOBS, self._template)}

    def settle(self) -> None:
        """Wait until all its jobs are over and their events are in."""
        deadline = time.monotonic() + 60
        while any(row["status"] not in FINAL or time.time() < row["events_saved_at"] for row in self.rows().values()):
            if time.monotonic() > deadline:
                raise SandboxError(f"jobs of template {self._template} are not over")
            time.sleep(0.05)

    def look(self) -> Look:
        """Its inventory now."""
        with db.opened(self._path) as database:
            inventory = self._inventory(database)
            rows = database.all("SELECT * FROM hosts WHERE inventory = ?", inventory)
        return Look(
            time.time(), {first_name(row["name"]): (int(row["id"]), bool(row["enabled"])) for row in rows}, inventory
        )

    def join_groups(self, host: str, groups: t.Mapping[str, t.Sequence[str]]) -> None:
        """Let a host that was added again belong to its groups."""
        with db.opened(self._path) as database, database.transaction():
            inventory = self._inventory(database)
            row = database.value("SELECT id FROM hosts WHERE inventory = ? AND rtrim(name, 'x') = ?", inventory, host)
            for group in (group for group, members in groups.items() if row is not None and host in members):
                number = database.value("SELECT id FROM host_groups WHERE inventory = ? AND name = ?", inventory, group)
                database.run('INSERT OR IGNORE INTO group_members ("group", host) VALUES (?, ?)', number, row)

    def jobs(self, book: Book, marks: t.Sequence[Mark], hosts: t.Container[str]) -> dict[int, Job]:
        """All its jobs, by number, with what hosts did in them."""
        ends = ended(book, marks, hosts)
        rows = self.rows()
        with db.opened(self._path) as database:
            return {
                number: _job(database, row, ends.get(number, {}), [mark for mark in marks if mark.job == number])
                for number, row in rows.items()
            }

    def _inventory(self, database: db.Database) -> int:
        return int(database.value("SELECT inventory FROM templates WHERE id = ?", self._template))


def _job(database: db.Database, row: db.Row, ended: t.Mapping[str, float], marks: t.Sequence[Mark]) -> Job:
    summaries = database.all("SELECT host, host_name, failed FROM summaries WHERE job = ?", row["id"])
    passed: dict[str, list[str]] = {}
    for mark in marks:
        passed.setdefault(mark.host, []).append(mark.step)
    return Job(
        id=row["id"],
        status=row["status"],
        created=seconds(row["created"]),
        finished=None if row["finished"] is None else seconds(row["finished"]),
        settled=row["events_saved_at"],
        creator=row["username"] or "",
        limit=frozenset(first_name(name) for name in (row["limit"] or "").split(",") if name),
        prompts=prompts_of(row),
        failed={first_name(one["host_name"]): one["host"] for one in summaries if one["failed"]},
        ended=ended,
        summaries=frozenset(first_name(one["host_name"]) for one in summaries),
        began=database.value(_BEGAN, row["id"]) is not None,
        launch_type=row["launch_type"],
        passed={host: tuple(steps) for host, steps in passed.items()},
    )


def seconds(moment: str) -> float:
    """A time of the database, as of time.time()."""
    return datetime.datetime.fromisoformat(moment).timestamp()
