# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that cost nothing: they start, run for a while and end as a scenario says, with no playbook behind them."""

from __future__ import annotations

import json
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from sandbox import database as db
from sandbox import jobs, resources, results, settings

from .scenario import Ending

_INTERVAL = 0.04


@dataclass(frozen=True)
class _Begun:
    until: float
    ending: Ending
    hosts: dict[str, int]


class QuickJobs:
    """Runs a template's jobs in a sandbox that starts none itself (`max_running=0`); a context manager.

    As with a playbook, a disabled host and one outside the limit have no part in a job, and hosts are known by the
    names that they had when it began.

    :param failing: the names of the hosts that may fail, as they are at first.
    """

    def __init__(
        self, folder: Path, template: int, endings: t.Sequence[Ending], seconds: float, failing: t.Sequence[str] = ()
    ) -> None:
        self._path = folder / "sandbox.sqlite3"
        self._template = template
        self._endings = endings
        self._seconds = seconds
        self._failing = failing
        self._failing_ids: list[int] = []
        self._begun: dict[int, _Begun] = {}
        self._count = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> QuickJobs:
        with db.opened(self._path) as database:
            inventory = t.cast("db.Row", database.get("templates", self._template))["inventory"]
            ids = {row["name"]: row["id"] for row in resources.hosts_of(database, inventory)}
            self._failing_ids = [ids[name] for name in self._failing]
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        with db.opened(self._path) as database:
            while not self._stopping.wait(_INTERVAL):
                for job in database.all(
                    "SELECT * FROM jobs WHERE unified_job_template = ? AND type = 'job' "
                    "AND status IN ('pending', 'running') AND cancel_flag = 0 ORDER BY id",
                    self._template,
                ):
                    if job["status"] == "pending":
                        self._begin(database, job)
                    elif job["id"] in self._begun and time.monotonic() >= self._begun[job["id"]].until:
                        self._end(database, job)

    def _begin(self, database: db.Database, job: db.Row) -> None:
        limit = {name for name in (job["limit"] or "").split(",") if name}
        with database.transaction():
            rows = [row for row in resources.hosts_of(database, job["inventory"]) if row["enabled"]]
            rows = rows[max(0, job["job_slice_number"] - 1) :: job["job_slice_count"]]
            hosts = {row["name"]: row["id"] for row in rows if not limit or row["name"] in limit}
            taken = database.run(
                "UPDATE jobs SET status = 'running', started = ?, modified_by = NULL, work_unit_id = ?, "
                "execution_environment = COALESCE(execution_environment, 1), instance_group = 2 "
                "WHERE id = ? AND status = 'pending' AND cancel_flag = 0",
                db.now(),
                jobs.work_unit(),
                job["id"],
            )
        if taken:
            ending = self._endings[min(self._count, len(self._endings) - 1)]
            self._count += 1
            self._begun[job["id"]] = _Begun(time.monotonic() + self._seconds, ending, hosts)

    def _end(self, database: db.Database, job: db.Row) -> None:
        begun = self._begun.pop(job["id"])
        failing = {"successful": [], "failed": self._failing_ids, "some": self._failing_ids[:1]}.get(begun.ending)
        outcomes = {name: "failed" if number in (failing or ()) else "ok" for name, number in begun.hosts.items()}
        with database.transaction():
            now = t.cast("db.Row", database.get("jobs", job["id"]))
            if now["status"] != "running" or now["cancel_flag"]:
                return
            status = "error" if failing is None else "successful"
            if failing is not None and (not outcomes or "failed" in outcomes.values()):
                status = "failed"
            lag = settings.read(database)["event_lag"]
            jobs.finish(database, job["id"], status, event_lag=lag)
            # A limit that matches nothing, too, leaves no statistics.
            if failing is not None and outcomes:
                now = t.cast("db.Row", database.get("jobs", job["id"]))
                rows = [{"name": name, "id": number, "instance_id": ""} for name, number in begun.hosts.items()]
                results.save_played(database, now, outcomes, results.Hosts(rows))


def prompts_of(job: db.Row) -> str:
    """What a job was launched with but for its limit and type, to compare with others'."""
    kept = json.loads(job["prompts"]) or {}
    return json.dumps(
        {name: value for name, value in kept.items() if name not in ("limit", "job_type")}, sort_keys=True
    )
