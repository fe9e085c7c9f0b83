# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's one SQLite file: connections to it, and the few statements everything else needs."""

from __future__ import annotations

import contextlib
import datetime
import json
import pathlib
import sqlite3
import typing as t

from .schema import SCHEMA

Row = dict[str, t.Any]


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
        self._connection.executescript(SCHEMA)

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
