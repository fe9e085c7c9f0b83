# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists: which rows the query string asks for, in which order, and which page of them."""

from __future__ import annotations

import datetime
import typing as t
import urllib.parse

import flask

from . import database as db
from . import sentences
from .answers import Refusal, detail, say

MAX_PAGE_SIZE = 200
_DEFAULT_PAGE_SIZE = 25

# Parameters that are no filters. A real controller reads `limit` as one of these, too, and then ignores it.
_RESERVED = frozenset({"page", "page_size", "order_by", "order", "format", "limit", "search", "type", "count_disabled"})
_FORBIDDEN = frozenset({"extra_vars", "password"})

_LOOKUPS = {
    "exact": "{} = ?",
    "iexact": "LOWER({}) = LOWER(?)",
    "contains": "INSTR({}, ?) > 0",
    "icontains": "INSTR(LOWER({}), LOWER(?)) > 0",
    "startswith": "SUBSTR({0}, 1, LENGTH(?1)) = ?1",
    "gt": "{} > ?",
    "gte": "{} >= ?",
    "lt": "{} < ?",
    "lte": "{} <= ?",
}

Kind = t.Literal["int", "str", "bool", "time"]


def _fields(**kinds: str) -> dict[str, tuple[str, Kind]]:
    return {name: (f'"{name}"', t.cast("Kind", kind)) for kind, names in kinds.items() for name in names.split()}


def _name_of(table: str, column: str, name: str = "name") -> tuple[str, Kind]:
    return f'(SELECT other."{name}" FROM {table} AS other WHERE other.id = "{column}")', "str"


JOBS = {
    **_fields(
        int="id unified_job_template job_template organization inventory project created_by modified_by forks "
        "verbosity timeout job_slice_number job_slice_count instance_group execution_environment",
        str="name description launch_type status limit playbook job_type job_tags skip_tags scm_branch "
        "job_explanation work_unit_id",
        bool="failed allow_simultaneous",
        time="created modified started finished canceled_on",
    ),
    "elapsed": ('"elapsed"', "int"),
    "job_template__name": _name_of("templates", "job_template"),
    "unified_job_template__name": _name_of("templates", "unified_job_template"),
    "organization__name": _name_of("organizations", "organization"),
    "inventory__name": _name_of("inventories", "inventory"),
    "created_by__username": _name_of("users", "created_by", "username"),
}
TEMPLATES = {
    **_fields(
        int="id organization inventory project job_slice_count",
        str="name description playbook job_type",
        bool="allow_simultaneous",
        time="created",
    ),
    "organization__name": _name_of("organizations", "organization"),
    "inventory__name": _name_of("inventories", "inventory"),
}
ORGANIZATIONS = _fields(int="id", str="name description", time="created")
USERS = _fields(int="id", str="username", bool="is_superuser is_system_auditor", time="created")
EVENTS = {
    **_fields(
        int="id counter start_line end_line host",
        str="event host_name play task role playbook stdout uuid parent_uuid",
        bool="failed changed",
        time="created modified",
    ),
    "host__name": _name_of("hosts", "host"),
}
SUMMARIES = {
    **_fields(int="id host changed dark failures ok processed skipped", str="host_name", bool="failed", time="created"),
    "host__name": _name_of("hosts", "host"),
}


def listed(
    database: db.Database,
    table: str,
    fields: dict[str, tuple[str, Kind]],
    show: t.Callable[[db.Row], dict[str, t.Any]],
    *,
    condition: str = "1",
    values: t.Sequence[t.Any] = (),
    model: str = "Job",
    order: str = "id",
) -> dict[str, t.Any]:
    """One page of the rows of a table that the query string asks for."""
    where, given = [f"({condition})"], list(values)
    for key, text in flask.request.args.items(multi=True):
        if key not in _RESERVED:
            clause, more = _clause(key, text, fields, model)
            where.append(clause)
            given += more
    selected = f"FROM {table} WHERE {' AND '.join(where)}"
    count = database.value(f"SELECT COUNT(*) {selected}", *given)
    page, size = _page(count)
    rows = database.all(
        f"SELECT * {selected} ORDER BY {_order(fields, model, order)} LIMIT {size} OFFSET {(page - 1) * size}", *given
    )
    return {
        "count": count,
        "next": _link(page + 1) if page * size < count else None,
        "previous": _link(page - 1) if page > 1 else None,
        "results": [show(row) for row in rows],
    }


def _clause(key: str, text: str, fields: dict[str, tuple[str, Kind]], model: str) -> tuple[str, list[t.Any]]:
    name, negated = key.removeprefix("not__"), key.startswith("not__")
    lookup = "exact"
    if name not in fields:
        head, _underscores, tail = name.rpartition("__")
        if tail in _LOOKUPS or tail in ("in", "isnull"):
            name, lookup = head, tail
    if name.split("__", maxsplit=1)[0] in _FORBIDDEN:
        raise detail(403, sentences.NO_FILTER, name)
    if name not in fields:
        raise detail(400, sentences.NO_FIELD, model, name)
    column, kind = fields[name]
    try:
        if lookup == "isnull":
            clause, values = f"{column} IS {'' if _typed(text, 'bool') else 'NOT '}NULL", []
        elif lookup == "in":
            values = [_typed(part, kind) for part in text.split(",")]
            clause = f"{column} IN ({', '.join('?' for _value in values)})"
        elif text in ("null", "none") and lookup == "exact" and kind == "int":
            clause, values = f"{column} IS NULL", []
        else:
            value = _typed(text, kind)
            clause = _LOOKUPS[lookup].replace("?1", "?").replace("{0}", "{}").format(column)
            values = [value] * clause.count("?")
    except ValueError as problem:
        raise detail(400, sentences.BAD_VALUE, name, text) from problem
    return (f"NOT COALESCE({clause}, 0)" if negated else clause), values


def _typed(text: str, kind: Kind) -> t.Any:
    if kind == "int":
        return float(text) if "." in text else int(text)
    if kind == "bool":
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError(text)
        return int(text.lower() in ("true", "1"))
    if kind == "time":
        # A plus sign that nobody quoted arrives as a space.
        moment = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace(" 0", "+0"))
        return db.instant(moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC))
    return text


def _order(fields: dict[str, tuple[str, Kind]], model: str, default: str) -> str:
    columns = []
    for name in (flask.request.args.get("order_by") or default).split(","):
        if name.lstrip("-") not in fields:
            raise detail(400, sentences.NO_FIELD, model, name.lstrip("-"))
        columns.append(f"{fields[name.lstrip('-')][0]} {'DESC' if name.startswith('-') else 'ASC'}")
    return ", ".join(columns)


def _page(count: int) -> tuple[int, int]:
    args = flask.request.args
    size = _whole(args.get("page_size", "")) or _DEFAULT_PAGE_SIZE
    size = min(size, MAX_PAGE_SIZE)
    pages = max(1, -(-count // size))
    page = pages if args.get("page") == "last" else _whole(args.get("page", "1"))
    if not 1 <= page <= pages:
        raise Refusal(404, {"detail": say(sentences.INVALID_PAGE)})
    return page, size


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _link(page: int) -> str:
    pairs = [(key, text) for key, text in flask.request.args.items(multi=True) if key != "page"]
    if page > 1:
        pairs.append(("page", str(page)))
    query = urllib.parse.urlencode(sorted(pairs))
    return f"{flask.request.path}?{query}" if query else flask.request.path
