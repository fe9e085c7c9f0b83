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

# A text is one that can only be searched.
Kind = t.Literal["int", "str", "bool", "time", "text"]
Fields = t.Mapping[str, "Field"]
Show = t.Callable[[db.Row], "dict[str, t.Any]"]


class Field(t.NamedTuple):
    """A field to filter on: its column, the kind of its values, and where these are several the rows that hold them."""

    column: str
    kind: Kind
    # An SQL condition around the one on the column, which is put in place of the braces.
    among: str = "{}"


def _fields(**kinds: str) -> dict[str, Field]:
    return {name: Field(f'"{name}"', t.cast("Kind", kind)) for kind, names in kinds.items() for name in names.split()}


# What summaries can be asked for about their hosts.
_KINDS_OF_HOST: dict[str, Kind] = {"name": "str", "inventory": "int", "id": "int"}


def _name_of(table: str, column: str, name: str = "name") -> Field:
    return Field(f'(SELECT other."{name}" FROM {table} AS other WHERE other.id = "{column}")', "str")


def _ids(*names: str) -> dict[str, Field]:
    """The same fields under the names that end in `__id`."""
    return {f"{name}__id": Field(f'"{name}"', "int") for name in names}


def _several(table: str) -> dict[str, Field]:
    """What a job has several of, kept as a list of ids: by id and by name."""
    rows = f"json_each(jobs.{table}) AS listed JOIN {table} AS other ON other.id = listed.value"
    among = f"EXISTS (SELECT 1 FROM {rows} WHERE {{}})"
    return {
        table: Field("other.id", "int", among),
        f"{table}__id": Field("other.id", "int", among),
        f"{table}__name": Field("other.name", "str", among),
    }


def _rows_of_job(relation: str, table: str, **kinds: str) -> dict[str, Field]:
    among = f"EXISTS (SELECT 1 FROM {table} AS other WHERE other.job = jobs.id AND {{}})"
    return {
        f"{relation}__{name}": Field(f'other."{name}"', t.cast("Kind", kind), among)
        for kind, names in kinds.items()
        for name in names.split()
    }


# What the list of jobs of all kinds takes, which is less than that of jobs.
UNIFIED_JOBS = {
    **_fields(
        int="id unified_job_template organization created_by modified_by instance_group execution_environment schedule",
        str="name description launch_type status job_explanation work_unit_id",
        bool="failed",
        time="created modified started finished canceled_on",
    ),
    **_ids("unified_job_template", "organization", "created_by", "schedule"),
    "elapsed": Field('"elapsed"', "int"),
    "unified_job_template__name": _name_of("templates", "unified_job_template"),
    "organization__name": _name_of("organizations", "organization"),
    "created_by__username": _name_of("users", "created_by", "username"),
    "schedule__name": _name_of("schedules", "schedule"),
    # The nodes of a workflow job are its jobs.
    "unified_job_node__workflow_job": Field('"workflow_job"', "int"),
    **_several("labels"),
    **_several("credentials"),
}
JOBS = {
    **UNIFIED_JOBS,
    **_fields(
        int="job_template inventory project forks verbosity timeout job_slice_number job_slice_count",
        str="limit playbook job_type job_tags skip_tags scm_branch",
        bool="allow_simultaneous diff_mode",
    ),
    **_ids("job_template", "inventory", "project"),
    "job_template__name": _name_of("templates", "job_template"),
    "inventory__name": _name_of("inventories", "inventory"),
    "project__name": _name_of("projects", "project"),
    **_rows_of_job(
        "job_events",
        "shown_events",
        int="id counter host",
        str="event host_name play task uuid parent_uuid",
        bool="failed changed",
    ),
    **_rows_of_job(
        "job_host_summaries",
        "shown_summaries",
        int="id host constructed_host changed dark failures ok processed skipped",
        str="host_name",
        bool="failed",
    ),
}
UPDATES = {
    **{name: UNIFIED_JOBS[name] for name in ("id", "name", "description", "launch_type", "status", "failed")},
    **{name: UNIFIED_JOBS[name] for name in ("created", "modified", "started", "finished", "canceled_on")},
    **_fields(int="project inventory_source inventory", str="scm_revision"),
    "project__name": _name_of("projects", "project"),
    "inventory_source__name": _name_of("inventory_sources", "inventory_source"),
}
PROJECTS = {
    **_fields(
        int="id organization",
        str="name description scm_type status",
        bool="scm_update_on_launch",
        time="created last_updated",
    ),
    "organization__name": _name_of("organizations", "organization"),
}
INVENTORY_SOURCES = _fields(
    int="id inventory source_project", str="name source status", bool="update_on_launch", time="created last_updated"
)
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
INVENTORIES = {
    **_fields(int="id organization", str="name kind", time="created"),
    "organization__name": _name_of("organizations", "organization"),
}
HOSTS = {
    **_fields(
        int="id inventory",
        str="name variables instance_id description",
        bool="enabled has_active_failures",
        time="created",
    ),
    "inventory__name": _name_of("inventories", "inventory"),
    **{
        f"{relation}__job": Field(
            "other.job", "int", f"EXISTS (SELECT 1 FROM summaries AS other WHERE other.{column} = hosts.id AND {{}})"
        )
        for relation, column in (("job_host_summaries", "host"), ("constructed_host_summaries", "constructed_host"))
    },
}
GROUPS = _fields(int="id inventory", str="name", time="created")
LABELS = {
    **_fields(int="id organization", str="name", time="created"),
    "organization__name": _name_of("organizations", "organization"),
}
CREDENTIALS = _fields(int="id organization", str="name kind", time="created")
WORKFLOW_JOBS: Fields = {
    **JOBS,
    "workflow_job_template": Field("CASE WHEN NOT is_sliced_job THEN unified_job_template END", "int"),
}
NODES: Fields = {
    **_fields(
        int="id unified_job_template job workflow_job workflow_job_template",
        str="identifier",
        bool="do_not_run all_parents_must_converge",
        time="created modified",
    ),
    "job__status": _name_of("jobs", "job", "status"),
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
    "event_data": Field("event_data", "text"),
}
SUMMARIES = {
    **_fields(
        int="id host constructed_host changed dark failures ok processed skipped",
        str="host_name",
        bool="failed",
        time="created",
    ),
    **{
        f"{column}__{name}": _name_of("hosts", column, name)._replace(kind=kind)
        for column in ("host", "constructed_host")
        for name, kind in _KINDS_OF_HOST.items()
    },
}


def listed(
    database: db.Database,
    table: str,
    fields: Fields,
    show: Show,
    *,
    condition: str = "1",
    values: t.Sequence[t.Any] = (),
    model: str = "Job",
    order: str = "id",
) -> dict[str, t.Any]:
    """One page of the rows of a table that the query string asks for."""
    where, given = [f"({condition})"], list(values)
    either: list[tuple[str, list[t.Any]]] = []
    for key, text in flask.request.args.items(multi=True):
        if key in _RESERVED:
            continue
        clause, more = _clause(key.removeprefix("or__"), text, fields, model)
        if key.startswith("or__"):
            either.append((clause, more))
        else:
            where.append(clause)
            given += more
    if either:
        where.append(f"({' OR '.join(clause for clause, _more in either)})")
        given += [value for _clause, more in either for value in more]
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


def _clause(key: str, text: str, fields: Fields, model: str) -> tuple[str, list[t.Any]]:
    name, negated = key.removeprefix("not__"), key.startswith("not__")
    lookup = "exact"
    if name not in fields:
        head, _underscores, tail = name.rpartition("__")
        if tail in _LOOKUPS or tail in ("in", "isnull"):
            name, lookup = head, tail
    if name.split("__", maxsplit=1)[0] in _FORBIDDEN:
        raise detail(403, sentences.NO_FILTER, name)
    if name not in fields or (fields[name].kind == "text" and lookup not in ("contains", "icontains")):
        raise detail(400, sentences.NO_FIELD, model, name)
    clause, values = _condition(fields[name], name, lookup, text)
    return (f"NOT COALESCE({clause}, 0)" if negated else clause), values


def _condition(field: Field, name: str, lookup: str, text: str) -> tuple[str, list[t.Any]]:
    column, kind, among = field
    values: list[t.Any] = []
    try:
        if lookup == "isnull":
            null = _typed(text, "bool")
            if among != "{}":
                return f"{'NOT ' if null else ''}{among.format('1')}", []
            clause = f"{column} IS {'' if null else 'NOT '}NULL"
        elif lookup == "in":
            if not text:
                raise detail(400, sentences.EMPTY_IN)
            values = [_typed(part, kind) for part in text.split(",")]
            clause = f"{column} IN ({', '.join('?' for _value in values)})"
        elif text in ("null", "none") and lookup == "exact" and kind == "int":
            clause = f"{column} IS NULL"
        else:
            value = _typed(text, kind)
            clause = _LOOKUPS[lookup].replace("?1", "?").replace("{0}", "{}").format(column)
            values = [value] * clause.count("?")
    except _NoInteger as problem:
        raise detail(400, sentences.NO_INTEGER, problem) from problem
    except ValueError as problem:
        raise detail(400, sentences.BAD_VALUE, name, text) from problem
    return among.format(clause), values


class _NoInteger(ValueError):
    """The text that should have been an integer."""


def _typed(text: str, kind: Kind) -> t.Any:
    if kind == "int":
        try:
            return float(text) if "." in text else int(text)
        except ValueError as problem:
            raise _NoInteger(text) from problem
    if kind == "bool":
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError(text)
        return int(text.lower() in ("true", "1"))
    if kind == "time":
        moment = datetime.datetime.fromisoformat(text)
        return db.instant(moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC))
    return text


def _order(fields: Fields, model: str, default: str) -> str:
    columns = []
    for name in (flask.request.args.get("order_by") or default).split(","):
        if name.lstrip("-") not in fields or fields[name.lstrip("-")].among != "{}":
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
