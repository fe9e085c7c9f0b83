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
from .filterable import Field, Fields, Kind

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

Show = t.Callable[[db.Row], "dict[str, t.Any]"]


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
