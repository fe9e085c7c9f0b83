# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contests: several callers run the same task in the same instant, each as a process of its own."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from sandbox import database as db
from sandbox import jobs
from sandbox.process import Sandbox

from .front_doors import PATIENCE, FrontDoors
from .judge import Run
from .quick_jobs import QuickJobs

# Long enough for every caller to have seen the others, short enough for many contests.
SECONDS = 1.5


@dataclass(frozen=True)
class Contest:
    """What came of one.

    :param ran: the numbers of the jobs that ran to their end.
    :param canceled: of those that were canceled.
    """

    runs: tuple[Run, ...]
    ran: tuple[int, ...]
    canceled: tuple[int, ...]

    @property
    def wrong(self) -> str:
        """Whether it is not so that one job ran, all name it, and one says that it has launched it."""
        results = [run.result or {} for run in self.runs]
        named = {result.get("id") for result in results}
        changed = sum(bool(result.get("changed")) for result in results)
        if len(self.ran) == 1 and named == set(self.ran) and changed == 1 and not any(r.get("failed") for r in results):
            return ""
        told = [{name: one.get(name) for name in ("id", "own_job_id", "changed", "failed", "msg")} for one in results]
        return f"{self.ran} ran to their end, {self.canceled} were canceled, {changed} times changed: {told}"


class Arena:
    """Where contests are held: a sandbox with a template of its own; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._stack = contextlib.ExitStack()
        self._sandbox = Sandbox(folder / "sandbox")
        self._doors = FrontDoors(folder / "doors")

    def __enter__(self) -> Arena:
        for part in (self._sandbox, self._doors):
            self._stack.enter_context(t.cast("t.Any", part))
        self._sandbox.settings(max_running=0, event_lag=0.0)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def contest(self, callers: int, hosts: str) -> Contest:
        """Hold one.

        :param callers: how many there are, users of them taking turns.
        :param hosts: the task's option.
        """
        sandbox = self._sandbox
        template = sandbox.add_template(
            f"Contest {os.urandom(4).hex()}", "- hosts: all\n  tasks: []\n", hosts={"web1": {}, "web2": {}}
        )
        outcomes = {"web1": "failed", "web2": "ok"}
        source = sandbox.make_job(template=template["id"], status="failed", hosts=outcomes)

        def task(number: int, module: t.Callable[[t.Mapping[str, t.Any], None], Run]) -> Run:
            user = ("admin", "alice")[number % 2]
            options = {
                "job_id": source,
                "hosts": hosts,
                "wait": True,
                "interval": 0.3,
                "timeout": 90,
                "controller_host": sandbox.url,
                "controller_username": user,
                "controller_password": sandbox.user(user),
                **PATIENCE,
            }
            return module(options, None)

        with (
            QuickJobs(sandbox.data_dir, template["id"], ["successful"], SECONDS),
            contextlib.ExitStack() as stack,
            concurrent.futures.ThreadPoolExecutor(callers) as pool,
        ):
            modules = [stack.enter_context(self._doors.waiting_module()) for _number in range(callers)]
            runs = tuple(pool.map(task, range(callers), modules))
            rows = self._ended(template["id"], source)
        return Contest(
            runs,
            tuple(row["id"] for row in rows if row["status"] != "canceled"),
            tuple(row["id"] for row in rows if row["status"] == "canceled"),
        )

    def _ended(self, template: int, source: int) -> list[db.Row]:
        """The relaunches, once all are over."""
        with db.opened(self._sandbox.data_dir / "sandbox.sqlite3") as database:
            while True:
                rows = database.all("SELECT * FROM jobs WHERE unified_job_template = ? AND id != ?", template, source)
                if all(row["status"] in jobs.FINAL for row in rows):
                    return rows
                time.sleep(0.05)


def hold(contests: int, folder: Path, sizes: t.Sequence[int] = (2, 4, 8)) -> t.Iterator[tuple[int, Contest]]:
    """Hold so many of each size, by turns on all hosts and on failed ones; each with its number of callers."""
    with Arena(folder) as arena:
        for number in range(contests):
            for callers in sizes:
                yield callers, arena.contest(callers, ("failed", "all")[number % 2])
