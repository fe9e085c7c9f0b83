# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's one SQLite file: its tables, connections and the few statements everything else needs."""

from __future__ import annotations

import contextlib
import datetime
import json
import pathlib
import sqlite3
import typing as t

Row = dict[str, t.Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE NOT NULL, password TEXT NOT NULL,
    is_superuser INTEGER NOT NULL DEFAULT 0, is_system_auditor INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user INTEGER NOT NULL REFERENCES users(id), token TEXT UNIQUE NOT NULL,
    scope TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, expires TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS organizations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, description TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS inventories (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS hosts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, inventory INTEGER NOT NULL REFERENCES inventories(id) ON DELETE CASCADE,
    name TEXT NOT NULL, variables TEXT NOT NULL DEFAULT '{}', enabled INTEGER NOT NULL DEFAULT 1,
    has_active_failures INTEGER NOT NULL DEFAULT 0, modified TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')), UNIQUE (inventory, name));
CREATE TABLE IF NOT EXISTS host_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, inventory INTEGER NOT NULL REFERENCES inventories(id) ON DELETE CASCADE,
    name TEXT NOT NULL, created TEXT NOT NULL, UNIQUE (inventory, name));
CREATE TABLE IF NOT EXISTS group_members (
    "group" INTEGER NOT NULL REFERENCES host_groups(id) ON DELETE CASCADE,
    host INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE, PRIMARY KEY ("group", host));
CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL);
CREATE TABLE IF NOT EXISTS credentials (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, kind TEXT NOT NULL, asks TEXT NOT NULL DEFAULT '[]',
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL,
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS execution_environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, image TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS instance_groups (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL DEFAULT 'job_template', name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, created_by INTEGER REFERENCES users(id),
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL,
    inventory INTEGER REFERENCES inventories(id) ON DELETE SET NULL,
    project INTEGER REFERENCES projects(id) ON DELETE SET NULL,
    playbook TEXT NOT NULL DEFAULT '', content TEXT NOT NULL DEFAULT '', job_type TEXT NOT NULL DEFAULT 'run',
    scm_branch TEXT NOT NULL DEFAULT '', forks INTEGER NOT NULL DEFAULT 0, "limit" TEXT NOT NULL DEFAULT '',
    verbosity INTEGER NOT NULL DEFAULT 0, extra_vars TEXT NOT NULL DEFAULT '{}', job_tags TEXT NOT NULL DEFAULT '',
    skip_tags TEXT NOT NULL DEFAULT '', timeout INTEGER NOT NULL DEFAULT 0,
    allow_simultaneous INTEGER NOT NULL DEFAULT 0, job_slice_count INTEGER NOT NULL DEFAULT 1,
    credentials TEXT NOT NULL DEFAULT '[]', asks TEXT NOT NULL DEFAULT '[]', survey TEXT NOT NULL DEFAULT '[]',
    diff_mode INTEGER NOT NULL DEFAULT 0, labels TEXT NOT NULL DEFAULT '[]',
    execution_environment INTEGER REFERENCES execution_environments(id) ON DELETE SET NULL,
    instance_groups TEXT NOT NULL DEFAULT '[]', duration REAL NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
    outcomes TEXT);
CREATE TABLE IF NOT EXISTS schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, unified_job_template INTEGER NOT NULL
    REFERENCES templates(id) ON DELETE CASCADE, UNIQUE (unified_job_template, name));
CREATE TABLE IF NOT EXISTS roles (
    template INTEGER NOT NULL REFERENCES templates(id) ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES users(id), role TEXT NOT NULL, PRIMARY KEY (template, user));
CREATE TABLE IF NOT EXISTS organization_roles (
    organization INTEGER NOT NULL REFERENCES organizations(id) ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES users(id), role TEXT NOT NULL, PRIMARY KEY (organization, user));
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL DEFAULT 'job', name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, modified TEXT NOT NULL,
    created_by INTEGER REFERENCES users(id), modified_by INTEGER REFERENCES users(id),
    unified_job_template INTEGER REFERENCES templates(id) ON DELETE SET NULL,
    job_template INTEGER REFERENCES templates(id) ON DELETE SET NULL,
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL,
    inventory INTEGER REFERENCES inventories(id) ON DELETE SET NULL,
    project INTEGER REFERENCES projects(id) ON DELETE SET NULL,
    playbook TEXT NOT NULL DEFAULT '', content TEXT NOT NULL DEFAULT '', job_type TEXT NOT NULL DEFAULT 'run',
    scm_branch TEXT DEFAULT '', forks INTEGER NOT NULL DEFAULT 0, "limit" TEXT DEFAULT '',
    verbosity INTEGER NOT NULL DEFAULT 0, extra_vars TEXT NOT NULL DEFAULT '{}', job_tags TEXT DEFAULT '',
    skip_tags TEXT DEFAULT '', timeout INTEGER NOT NULL DEFAULT 0, launch_type TEXT NOT NULL DEFAULT 'manual',
    status TEXT NOT NULL DEFAULT 'pending', failed INTEGER NOT NULL DEFAULT 0, started TEXT, finished TEXT,
    canceled_on TEXT, elapsed REAL NOT NULL DEFAULT 0, job_args TEXT NOT NULL DEFAULT '',
    job_cwd TEXT NOT NULL DEFAULT '', job_env TEXT NOT NULL DEFAULT '{}', job_explanation TEXT NOT NULL DEFAULT '',
    result_traceback TEXT NOT NULL DEFAULT '', work_unit_id TEXT, guid TEXT NOT NULL DEFAULT '',
    allow_simultaneous INTEGER NOT NULL DEFAULT 0, artifacts TEXT NOT NULL DEFAULT '{}',
    job_slice_number INTEGER NOT NULL DEFAULT 0, job_slice_count INTEGER NOT NULL DEFAULT 1,
    credentials TEXT NOT NULL DEFAULT '[]', prompts TEXT NOT NULL DEFAULT '{}',
    diff_mode INTEGER NOT NULL DEFAULT 0, labels TEXT NOT NULL DEFAULT '[]',
    execution_environment INTEGER REFERENCES execution_environments(id) ON DELETE SET NULL,
    instance_groups TEXT NOT NULL DEFAULT '[]',
    instance_group INTEGER REFERENCES instance_groups(id) ON DELETE SET NULL,
    schedule INTEGER REFERENCES schedules(id) ON DELETE SET NULL, duration REAL NOT NULL DEFAULT 0, outcomes TEXT,
    workflow_job INTEGER REFERENCES jobs(id) ON DELETE SET NULL, is_sliced_job INTEGER NOT NULL DEFAULT 0,
    module_name TEXT NOT NULL DEFAULT '', module_args TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
    cancel_flag INTEGER NOT NULL DEFAULT 0, events_saved_at REAL, stdout TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS jobs_by_template ON jobs (unified_job_template, launch_type, id);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, id);
CREATE TABLE IF NOT EXISTS nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, created TEXT NOT NULL, modified TEXT NOT NULL,
    workflow_job_template INTEGER REFERENCES templates(id) ON DELETE CASCADE,
    workflow_job INTEGER REFERENCES jobs(id) ON DELETE CASCADE, identifier TEXT NOT NULL DEFAULT '',
    unified_job_template INTEGER REFERENCES templates(id) ON DELETE SET NULL,
    job INTEGER REFERENCES jobs(id) ON DELETE SET NULL, do_not_run INTEGER NOT NULL DEFAULT 0,
    all_parents_must_converge INTEGER NOT NULL DEFAULT 0, prompts TEXT NOT NULL DEFAULT '{}',
    extra_data TEXT NOT NULL DEFAULT '{}', secrets TEXT NOT NULL DEFAULT '{}', credentials TEXT NOT NULL DEFAULT '[]',
    labels TEXT NOT NULL DEFAULT '[]', instance_groups TEXT NOT NULL DEFAULT '[]',
    ancestor_artifacts TEXT NOT NULL DEFAULT '{}', UNIQUE (workflow_job_template, identifier));
CREATE INDEX IF NOT EXISTS nodes_by_workflow_job ON nodes (workflow_job, id);
CREATE INDEX IF NOT EXISTS nodes_by_job ON nodes (job);
CREATE INDEX IF NOT EXISTS nodes_by_template ON nodes (unified_job_template);
CREATE TABLE IF NOT EXISTS links (
    parent INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    child INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    kind TEXT NOT NULL, PRIMARY KEY (parent, child, kind));
CREATE INDEX IF NOT EXISTS links_by_child ON links (child);
CREATE INDEX IF NOT EXISTS jobs_by_workflow ON jobs (workflow_job, id);
CREATE TABLE IF NOT EXISTS job_secrets (
    job INTEGER PRIMARY KEY REFERENCES jobs(id) ON DELETE CASCADE, passwords TEXT NOT NULL DEFAULT '{}',
    variables TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    created TEXT NOT NULL, modified TEXT NOT NULL, event TEXT NOT NULL, counter INTEGER NOT NULL,
    event_data TEXT NOT NULL, failed INTEGER NOT NULL, changed INTEGER NOT NULL, uuid TEXT NOT NULL,
    parent_uuid TEXT NOT NULL, host INTEGER REFERENCES hosts(id) ON DELETE SET NULL, host_name TEXT NOT NULL,
    playbook TEXT NOT NULL, play TEXT NOT NULL, task TEXT NOT NULL, role TEXT NOT NULL, stdout TEXT NOT NULL,
    start_line INTEGER NOT NULL, end_line INTEGER NOT NULL, verbosity INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_job ON events (job, event, counter);
CREATE INDEX IF NOT EXISTS events_by_host ON events (host);
CREATE TABLE IF NOT EXISTS summaries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    created TEXT NOT NULL, modified TEXT NOT NULL, host INTEGER REFERENCES hosts(id) ON DELETE SET NULL,
    host_name TEXT NOT NULL, changed INTEGER NOT NULL, dark INTEGER NOT NULL, failures INTEGER NOT NULL,
    ok INTEGER NOT NULL, processed INTEGER NOT NULL, skipped INTEGER NOT NULL, failed INTEGER NOT NULL,
    ignored INTEGER NOT NULL, rescued INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS summaries_by_job ON summaries (job, failed, id);
CREATE INDEX IF NOT EXISTS summaries_by_host ON summaries (host);
-- What lists of jobs can be asked for: the stats come late, and under load everything does.
CREATE VIEW IF NOT EXISTS shown_events AS SELECT events.* FROM events JOIN jobs ON jobs.id = events.job
    WHERE (jobs.status NOT IN ('new', 'pending', 'waiting', 'running')
    AND jobs.events_saved_at <= (julianday('now') - 2440587.5) * 86400.0) OR (event != 'playbook_on_stats'
    AND NOT EXISTS (SELECT 1 FROM settings WHERE key = 'lag_hides_counts' AND value = 'true'));
CREATE VIEW IF NOT EXISTS shown_summaries AS SELECT summaries.* FROM summaries JOIN jobs ON jobs.id = summaries.job
    WHERE jobs.events_saved_at <= (julianday('now') - 2440587.5) * 86400.0
    OR NOT EXISTS (SELECT 1 FROM settings WHERE key = 'lag_hides_counts' AND value = 'true');
CREATE TABLE IF NOT EXISTS requests (n INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0, remaining INTEGER);
"""


def now() -> str:
    """The time, as the API writes it; strings of this form sort as the times do."""
    return instant(datetime.datetime.now(datetime.UTC))


def instant(moment: datetime.datetime) -> str:
    """A moment as the API writes it."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_between(start: str, end: str) -> float:
    """The seconds from one of the API's times to another."""
    first, last = (datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")) for moment in (start, end))
    return (last - first).total_seconds()


class Database:
    """A connection to the file; use it in one thread, and close it before a fork."""

    def __init__(self, path: pathlib.Path) -> None:
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._connection.row_factory = _as_dict
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("PRAGMA foreign_keys=ON")

    def create_tables(self) -> None:
        """Make the tables that are missing."""
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> t.Iterator[None]:
        """Make the statements inside all happen, or none of them, with nobody writing in between."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def all(self, statement: str, *values: t.Any) -> list[Row]:
        """All rows of a query."""
        return self._connection.execute(statement, values).fetchall()

    def one(self, statement: str, *values: t.Any) -> Row | None:
        """The first row of a query, if there is one."""
        return t.cast("Row | None", self._connection.execute(statement, values).fetchone())

    def value(self, statement: str, *values: t.Any) -> t.Any:
        """The first column of the first row, if there is one."""
        row = self.one(statement, *values)
        return next(iter(row.values())) if row else None

    def run(self, statement: str, *values: t.Any) -> int:
        """Run a statement; the number of rows it touched."""
        return self._connection.execute(statement, values).rowcount

    def get(self, table: str, row_id: int | None) -> Row | None:
        """The row of a table with this id."""
        return None if row_id is None else self.one(f"SELECT * FROM {table} WHERE id = ?", row_id)

    def insert(self, table: str, **values: t.Any) -> int:
        """Add a row; its id. Lists and dictionaries become JSON."""
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" for _value in values)
        cursor = self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", [_stored(value) for value in values.values()]
        )
        return int(cursor.lastrowid or 0)

    def update(self, table: str, row_id: int, **values: t.Any) -> int:
        """Change columns of a row; the number of rows changed."""
        names = ", ".join(f'"{name}" = ?' for name in values)
        return self.run(f"UPDATE {table} SET {names} WHERE id = ?", *(_stored(v) for v in values.values()), row_id)


@contextlib.contextmanager
def opened(path: pathlib.Path) -> t.Iterator[Database]:
    """A connection for a while."""
    database = Database(path)
    try:
        yield database
    finally:
        database.close()


def _stored(value: t.Any) -> t.Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _as_dict(cursor: sqlite3.Cursor, row: tuple[t.Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
