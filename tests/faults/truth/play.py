# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world being played: real playbooks run in a sandbox, tasks are run about them, and what truly happened is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import typing as t

from sandbox import database as db
from sandbox import settings
from sandbox.process import Sandbox, SandboxError

from . import marks, tasks
from .facts import BULK, Facts, Look, Said
from .moves import Scene, calls_of, rule_of, told
from .playbook import content
from .records import TemplateRecords, seconds
from .shapes import OUTSIDE
from .worlds import Move, World

# How many tasks there are at most in which nothing fails or moves any more.
CALM = 3

_TASK: dict[str, t.Any] = {"interval": 0.5, "request_timeout": 20, "max_retries": 3, "retry_backoff_factor": 0.2}


class TruthPlay:
    """One world being played in a sandbox in which nothing else runs meanwhile.

    :param run: runs a task.
    """

    def __init__(self, sandbox: Sandbox, world: World, run: tasks.Run = tasks.run) -> None:
        self._sandbox = sandbox
        self._run = run
        self._world = world
        self._path = sandbox.data_dir / "sandbox.sqlite3"
        self._looks: list[Look] = []
        self._tasks: list[Said] = []
        sandbox.behave()
        sandbox.settings(event_lag=0.2)
        name = f"truth-{world.seed}-{os.urandom(3).hex()}"
        self._marks = marks.Marks(sandbox.data_dir / "state", name, world.book)
        hosts = dict.fromkeys(world.hosts, self._marks.variables)
        groups = {group: list(members) for group, members in world.book.groups.items()}
        made = sandbox.add_template(
            f"World {name}",
            content(world.book, name),
            hosts=hosts,
            groups=groups,
            allow_simultaneous=world.simultaneous,
            asks=["extra_vars", *(["limit"] if world.asks_limit else [])],
        )
        other = sandbox.add_inventory(f"Other {name}", hosts, groups)
        self._template = int(made["id"])
        inventories = (int(made["inventory"]), int(other["id"]))
        self._scene = Scene(self._template, inventories, 0, world.hosts, world.asks_limit)
        self._records = TemplateRecords(self._path, self._template)
        self._token = sandbox.token(world.player)

    def facts(self) -> Facts:
        """Play it, and gather what happened, once no job is on its way any more."""
        world = self._world
        self._plan_faults()
        start = db.now()
        self._looks.append(self._records.look())
        launched = [self._launch() for _number in range(world.launches - 1)]
        launched.append(self._launch(world.source))
        window = (start, db.now())
        rows = self._records.rows()
        failed = [number for number in launched if rows[number]["status"] != "successful"]
        sources = tuple(failed or launched) if world.task.kind == BULK else (launched[-1],)
        self._scene = dataclasses.replace(self._scene, source=launched[-1])
        for moves in world.rounds:
            if self._round(moves, sources, window).endless:
                break
        else:
            self._calm(sources, window)
        self._records.settle()
        self._looks.append(self._records.look())
        return self._gathered(sources)

    def _calm(self, sources: t.Sequence[int], window: tuple[str, str]) -> None:
        """Run the task while nothing fails or moves, until it is done or refuses, and once more."""
        self._records.settle()
        self._marks.calm()
        if self._world.enables:
            self._apply([Move("enable", number) for number in range(len(self._world.hosts))])
        ends = 0
        for _number in range(CALM + 1):
            said = self._round((), sources, window, calm=True)
            ends += not said.failed
            if said.endless or ends == 2 or self._refused(said):
                return

    def _refused(self, said: Said) -> bool:
        """Whether a task failed without having launched anything, so that another one would say the same."""
        launched = any(said.started <= seconds(row["created"]) for row in self._records.rows().values())
        return said.failed and not launched

    def _plan_faults(self) -> None:
        """Name what is to fail after the jobs to come, whoever launches them."""
        with db.opened(self._path) as database:
            newest = database.value("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'") or 0
        for number, faults in enumerate(self._world.attempts, newest + 1):
            self._marks.fail(number, faults)

    def _launch(self, then: str = "ended") -> int:
        sandbox = self._sandbox
        if then == "never began":
            sandbox.settings(max_running=0)
        job = sandbox.launch(self._template)
        if then == "canceled":
            deadline = time.monotonic() + 10
            while not any(mark.job == job for mark in self._marks.read()) and time.monotonic() < deadline:
                time.sleep(0.02)
        if then != "ended":
            sandbox.cancel(job)
            sandbox.settings(max_running=settings.DEFAULTS["max_running"])
        sandbox.wait(job)
        return job

    def _round(
        self, moves: t.Sequence[Move], sources: t.Sequence[int], window: tuple[str, str], calm: bool = False
    ) -> Said:
        self._apply([move for move in moves if move.at is None])
        options = self._options(sources, window)
        asked = self._asked(options, sources) if all(move.at is None for move in moves) else {}
        with db.opened(self._path) as database:
            rules = [rule_of(move, self._scene, database) for move in moves if move.at is not None]
        if rules:
            self._sandbox.misbehave(rules)
        self._looks.append(self._records.look())
        task = self._run(self._world.task.kind, options)
        self._sandbox.behave()
        self._looks.append(self._records.look())
        stories = tuple(told(move, self._world.hosts) for move in moves)
        # The look before the task and the one after it are its own.
        self._tasks.append(dataclasses.replace(task, calm=calm, moves=stories, **asked))
        return self._tasks[-1]

    def _asked(self, options: t.Mapping[str, t.Any], sources: t.Sequence[int]) -> dict[str, t.Any]:
        """What job_info says of the jobs that a task is about."""
        if self._world.task.kind != BULK:
            return {"info": tasks.info(options)}
        return {"infos": {number: tasks.info({**options, "job_id": number}) for number in sources}}

    def _options(self, sources: t.Sequence[int], window: tuple[str, str]) -> dict[str, t.Any]:
        task, options = self._world.task, dict(_TASK)
        options.update(controller_host=self._sandbox.url, controller_oauthtoken=self._token)
        options["fallback_to_all"] = task.fallback_to_all
        if task.kind == BULK:
            named = {"job_ids": list(sources)}
            found = {"job_templates": [str(self._template)], "finished_after": window[0], "finished_before": window[1]}
            # Whether it comes to an end is asked, and not when it leaves that to a person.
            options.update(found if task.by_template else named, hosts=task.hosts, at_once=task.at_once)
            return {**options, "wait": True, "max_attempts": 100}
        options.update({"job_template": str(self._template)} if task.by_template else {"job_id": sources[-1]})
        if task.kind == "job_retry":
            return {**options, "hosts": task.hosts, "retries": task.retries, "delay": 0.1}
        return {**options, "hosts": task.hosts, "wait": True}

    def _apply(self, moves: t.Sequence[Move]) -> None:
        for move in moves:
            with db.opened(self._path) as database:
                calls = calls_of(move, self._scene, database)
            for call in calls:
                if "user" in call:
                    self._sandbox.request(call["method"], call["path"], user=call["user"], body=call.get("body"))
                else:
                    # A host that is in use cannot be deleted, nor added again then.
                    with contextlib.suppress(SandboxError):
                        self._sandbox.control(call["method"], call["path"], call.get("body"))
            if move.what == "add again":
                self._records.join_groups(self._world.hosts[move.host], self._world.book.groups)
            if move.settle:
                self._records.settle()
        self._looks.append(self._records.look())

    def _gathered(self, sources: tuple[int, ...]) -> Facts:
        world = self._world
        hosts = (*world.hosts, *OUTSIDE)
        return Facts(
            kind=world.task.kind,
            hosts=world.task.hosts,
            fallback_to_all=world.task.fallback_to_all,
            sources=sources,
            targeted=frozenset(host for host in hosts if world.book.targeted(host)),
            player=world.player,
            jobs=self._records.jobs(world.book, self._marks.read(), hosts),
            looks=tuple(self._looks),
            tasks=tuple(self._tasks),
        )
