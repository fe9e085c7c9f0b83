# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job brought: its events, its stats and its host summaries, as rows."""

from __future__ import annotations

import random
import typing as t
import uuid

from . import database as db

# Events that tell of a failure, unless it was to be ignored.
FAILURES = ("runner_on_failed", "runner_on_unreachable", "runner_item_on_failed", "runner_on_async_failed")

_COUNTS = ("changed", "dark", "failures", "ignored", "ok", "processed", "rescued", "skipped")
_OUTCOMES = {"failed": "failures", "unreachable": "dark", "ok": "ok", "changed": "changed", "skipped": "skipped"}
# Where the play and the task of a job are that no playbook made.
_PLAY, _TASK, _TASK_PATH = "Made", "Made", "/runner/project/site.yml:5"


def played(hosts: dict[str, str]) -> dict[str, dict[str, int]]:
    """The stats of a job with these outcomes of its hosts."""
    stats: dict[str, dict[str, int]] = {"processed": dict.fromkeys(hosts, 1)}
    for host, outcome in hosts.items():
        stats.setdefault(_OUTCOMES[outcome], {})[host] = 1
        if outcome == "changed":
            stats.setdefault("ok", {})[host] = 1
    return stats


class Hosts:
    """The hosts of a job as they were at its start: by name, the id of each and where it is a copy that of its origin.

    They may be renamed or deleted while the job runs: it goes on under the names of its start.
    """

    def __init__(self, rows: t.Iterable[db.Row]) -> None:
        self._rows = {row["name"]: row for row in rows}

    @classmethod
    def of_inventory(cls, database: db.Database, inventory: int | None) -> Hosts:
        """Those that an inventory has now."""
        return cls(database.all("SELECT * FROM hosts WHERE inventory = ?", inventory))

    def id_of(self, name: str) -> int | None:
        """The id of a host; none for one that a playbook has made, and for the implicit localhost."""
        row = self._rows.get(name)
        return row["id"] if row else None

    def origin_of(self, name: str) -> int | None:
        """The id of the input inventory's host that a constructed inventory's is a copy of."""
        row = self._rows.get(name)
        return int(row["instance_id"]) if row and row["instance_id"] else None


def save_played(database: db.Database, job: db.Row, outcomes: dict[str, str], hosts: Hosts | None = None) -> None:
    """Keep the events and summaries of one play of one task with these outcomes of hosts, which no playbook made."""
    hosts = hosts or Hosts.of_inventory(database, job["inventory"])
    play, task = str(uuid.uuid4()), str(uuid.uuid4())
    common: dict[str, t.Any] = {"playbook": job["playbook"], "play": _PLAY, "play_uuid": play, "play_pattern": "all"}
    of_task = {**common, "task": _TASK, "task_uuid": task, "task_action": "ansible.builtin.debug"}
    of_task.update(task_args="", task_path=_TASK_PATH, is_conditional=False)
    events: list[tuple[str, str, str, dict[str, t.Any]]] = [("playbook_on_start", str(uuid.uuid4()), "", {})]
    if outcomes:
        events.append(("playbook_on_play_start", play, events[0][1], {**common, "name": _PLAY, "pattern": "all"}))
        events.append(("playbook_on_task_start", task, play, {**of_task, "name": _TASK}))
    for host, outcome in outcomes.items():
        kind = f"runner_on_{'ok' if outcome == 'changed' else outcome}"
        bad = outcome in ("failed", "unreachable")
        result = {"changed": outcome == "changed", **({"msg": f"{host} is {outcome}"} if bad else {})}
        data = {**of_task, "host": host, "remote_addr": host, "res": result, "ignore_errors": None, "duration": 0.0}
        events.append((kind, str(uuid.uuid4()), task, data))
    for counter, (kind, identity, parent, data) in enumerate(events, start=1):
        event = {"event": kind, "counter": counter, "uuid": identity, "parent_uuid": parent, "event_data": data}
        save_event(database, job, event, hosts=hosts)
    _save_stats(database, job, played(outcomes), hosts=hosts, counter=len(events) + 1)


def _save_stats(database: db.Database, job: db.Row, stats: dict[str, t.Any], *, hosts: Hosts, counter: int) -> None:
    data: dict[str, t.Any] = {name: {} for name in _COUNTS}
    identity = str(uuid.uuid4())
    event = {"event": "playbook_on_stats", "counter": counter, "uuid": identity}
    event["event_data"] = {**data, "artifact_data": {}, **stats, "uuid": identity}
    save_event(database, job, event, hosts=hosts)
    save_summaries(database, job, stats, hosts)


def save_event(database: db.Database, job: db.Row, event: dict[str, t.Any], *, hosts: Hosts) -> None:
    """Keep an event as ansible-runner hands it over."""
    kind = event["event"]
    data = {**event.get("event_data", {}), "guid": job["guid"]}
    data.setdefault("uuid", event["uuid"])
    host_name = data.get("host") or ""
    result: dict[str, t.Any] = data["res"] if isinstance(data.get("res"), dict) else {}
    if kind == "playbook_on_stats":
        changed, failed = bool(data.get("changed")), bool(data.get("failures") or data.get("dark"))
    else:
        changed, failed = bool(result.get("changed")), kind in FAILURES and not data.get("ignore_errors")
    moment = db.now()
    database.insert(
        "events",
        job=job["id"],
        created=_created(event) or moment,
        modified=moment,
        event=kind,
        counter=event["counter"],
        event_data=data,
        failed=int(failed),
        changed=int(changed),
        uuid=event["uuid"],
        parent_uuid=event.get("parent_uuid") or "",
        host=hosts.id_of(host_name),
        host_name=host_name,
        playbook=data.get("playbook") or "",
        play=data.get("play") or "",
        task=data.get("task") or "",
        role=data.get("role") or "",
        stdout=event.get("stdout") or "",
        start_line=event.get("start_line", 0),
        end_line=event.get("end_line", 0),
        verbosity=event.get("verbosity", 0) or 0,
    )
    if kind == "playbook_on_stats":
        _mark_parents(database, job)


def _mark_parents(database: db.Database, job: db.Row) -> None:
    """As the controller does once the stats are in: what a failed or changed result belongs to is marked as such."""
    for mark in ("failed", "changed"):
        database.run(
            f"UPDATE events SET {mark} = 1 WHERE job = ?1 AND uuid IN "
            f"(SELECT parent_uuid FROM events WHERE job = ?1 AND {mark} AND parent_uuid != '')",
            job["id"],
        )


def save_summaries(database: db.Database, job: db.Row, stats: dict[str, t.Any], hosts: Hosts) -> None:
    """Keep what a job's stats say of each host; of a copy they are kept with the host that it is a copy of."""
    moment = db.now()
    for host in stats.get("processed", {}):
        counts = {name: stats.get(name, {}).get(host, 0) for name in _COUNTS}
        failed = int(bool(counts["dark"] or counts["failures"]))
        own, origin = hosts.id_of(host), hosts.origin_of(host)
        counted = own if origin is None else origin
        # A host may have been deleted since the start.
        there = {row_id for row_id in (own, origin) if database.get("hosts", row_id)}
        database.insert(
            "summaries",
            job=job["id"],
            created=moment,
            modified=moment,
            host=counted if counted in there else None,
            constructed_host=own if origin is not None and own in there else None,
            host_name=host,
            failed=failed,
            **counts,
        )
        if counted is not None:
            database.update("hosts", counted, has_active_failures=failed)


def retry_counts(database: db.Database, job: db.Row) -> dict[str, int]:
    """How many of a job's hosts are still in the inventory, and how many of these failed."""
    counted = "SELECT COUNT(*) FROM summaries WHERE job = ? AND host IS NOT NULL"
    return {
        "all": database.value(counted, job["id"]),
        "failed": database.value(f"{counted} AND failed", job["id"]),
    }


def host_status_counts(database: db.Database, job: db.Row) -> dict[str, int] | None:
    """How many hosts had which outcome, those that are in no inventory too; None without stats."""
    counts: dict[str, int] = {}
    rows = database.all("SELECT * FROM summaries WHERE job = ? ORDER BY id", job["id"])
    for row in rows:
        word = next((name for name in ("dark", "failures", "changed", "ok", "skipped") if row[name]), None)
        if word is not None:
            counts[word] = counts.get(word, 0) + 1
    return counts if rows else None


def playbook_counts(database: db.Database, job: db.Row) -> dict[str, int]:
    """How many plays and tasks the events that are there have started."""
    counted = "SELECT COUNT(*) FROM events WHERE job = ? AND event = ?"
    return {
        f"{kind}_count": database.value(counted, job["id"], f"playbook_on_{kind}_start") for kind in ("play", "task")
    }


def has_stats(database: db.Database, job: db.Row) -> bool:
    """Whether a job's playbook came to its end."""
    return bool(database.value("SELECT 1 FROM events WHERE job = ? AND event = 'playbook_on_stats' LIMIT 1", job["id"]))


def failed_hosts(database: db.Database, job: db.Row) -> list[str]:
    """The failed and unreachable hosts of a job under their present names, in no fixed order.

    Hosts that are in no inventory, or no longer, are left out without a word.
    """
    rows = database.all(
        "SELECT hosts.name FROM summaries JOIN hosts ON hosts.id = summaries.host "
        "WHERE summaries.job = ? AND summaries.failed",
        job["id"],
    )
    names = [row["name"] for row in rows]
    random.shuffle(names)
    return names


def _created(event: dict[str, t.Any]) -> str | None:
    created = event.get("created")
    if not isinstance(created, str):
        return None
    moment = created.replace("+00:00", "").rstrip("Z")
    return f"{moment}Z" if "." in moment else f"{moment}.000000Z"
