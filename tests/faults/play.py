# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario being played: the task is run, and again, while the sandbox misbehaves and the world moves."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import datetime
import http.client
import json
import threading
import time
import typing as t
import urllib.parse

from sandbox import database as db
from sandbox import results
from sandbox.process import Sandbox, SandboxError

from .front_doors import FrontDoors
from .judge import Request, Run
from .moves import Scene, calls_of, placed, renamed, rule_of
from .quick_jobs import prompts_of
from .records import FINAL, Host, Job
from .scenario import Move, Restart, Round

if t.TYPE_CHECKING:
    from sandbox.faults import Call, Rule

    from .many import Many
    from .scenario import Scenario

# In a round the task is run again until its result leaves nothing to run again for; after the second time nothing goes
# wrong any more.
MOST_RUNS = 3

# Where the callers find the sandbox, which tells them apart in its log.
CALLERS = ("127.0.0.1", "localhost")
USERS = ("admin", "alice")

PASSWORD = "pa55word-of-the-hosts"
PLAYBOOK = "- hosts: all\n  gather_facts: false\n  tasks: []\n"

# What a job runs with, beside its limit, type and slice.
_VALUES = (
    *("inventory", "scm_branch", "forks", "verbosity", "diff_mode", "timeout", "job_tags", "skip_tags"),
    *("extra_vars", "credentials", "labels", "execution_environment", "instance_groups"),
)

_TROUBLES = (OSError, http.client.HTTPException, SandboxError)


class Play(abc.ABC):
    """One scenario being played in a sandbox, be it about one job or many."""

    def __init__(self, sandbox: Sandbox, doors: FrontDoors, scenario: Scenario | Many, variant: str | None) -> None:
        self._sandbox = sandbox
        self._path = sandbox.data_dir / "sandbox.sqlite3"
        self._doors = doors
        self._player = scenario.user
        self._with_token = scenario.token
        self._variant = variant
        self._runs: list[Run] = []
        self._restarts: list[float] = []
        self._secrets = [PASSWORD, *map(sandbox.user, USERS)]
        # When hosts were moved, and how: of calls between runs; those during them are in the log.
        self._moved: list[tuple[float, list[Call]]] = []
        sandbox.behave()
        sandbox.settings(event_lag=scenario.event_lag, max_running=0)
        #: One for each source job.
        self._scenes = self._set()
        sandbox.clear_log()

    @abc.abstractmethod
    def _set(self) -> tuple[Scene, ...]:
        """Set the sandbox up."""

    @abc.abstractmethod
    def _task(self, access: dict[str, t.Any], round_: Round | None) -> Run:
        """Run the task.

        :param access: the options of the connection.
        :param round_: whose first run it is; None for another caller's, and when it is run again.
        """

    @abc.abstractmethod
    def _conclusive(self, run: Run) -> bool:
        """Whether a run leaves nothing to run again for."""

    @property
    def _before(self) -> frozenset[int]:
        return frozenset(number for scene in self._scenes for number in scene.before)

    def _calls(self, move: Move) -> list[Call]:
        return calls_of(move, self._scenes[move.work])

    def _log(self) -> list[dict[str, t.Any]]:
        entries: list[dict[str, t.Any]] = []
        insist(lambda: entries.extend(self._sandbox.log()))
        return entries

    def _new_token(self) -> str | None:
        if not self._with_token:
            return None
        self._secrets.append(self._sandbox.token(self._player))
        return self._secrets[-1]

    def _round(self, round_: Round, twins: bool = True) -> None:
        """Move the world, and run the task until its result leaves nothing to run again for."""
        sandbox, over = self._sandbox, threading.Event()
        insist(sandbox.behave)
        for move in round_.moves:
            if move.at is None:
                self._move(move)
        acts = self._acts(round_)
        faults = [{**rule, "path": placed(rule["path"], self._scenes[0].source)} for rule in round_.rules]
        insist(lambda: sandbox.misbehave(t.cast("t.Any", [*acts, *faults])))
        disturbers = []
        if round_.restart is not None:
            disturbers.append(threading.Thread(target=self._restart, args=(round_.restart, len(self._posts()), over)))
        if round_.twin is not None and twins:
            disturbers.append(threading.Thread(target=self._twin, args=(round_.twin,)))
        for disturber in disturbers:
            disturber.start()
        try:
            for number in range(1, MOST_RUNS + 1):
                self._renew_token()
                run = self._run(CALLERS[0], round_ if number == 1 else None)
                self._runs.append(run)
                if self._conclusive(run):
                    break
                if number == MOST_RUNS - 1 or not round_.lasting:
                    over.set()
                    for disturber in disturbers:
                        disturber.join()
                    insist(sandbox.behave)
        finally:
            over.set()
            for disturber in disturbers:
                disturber.join()
            insist(sandbox.behave)

    def _acts(self, round_: Round) -> list[Rule]:
        """How the world moves between two requests."""
        return [rule_of(move, self._scenes[move.work]) for move in round_.moves if move.at is not None]

    def _move(self, move: Move) -> None:
        moved: list[Call] = []
        self._moved.append((time.time(), moved))
        for call in self._calls(move):
            if "user" in call:
                self._sandbox.request(call["method"], call["path"], user=call["user"], body=call["body"])
            else:
                # A host that is in use, or was deleted before, cannot be deleted.
                with contextlib.suppress(SandboxError):
                    self._sandbox.control(call["method"], call["path"], call["body"])
                    moved.append(call)
        if move.settle:
            self._settle(besides=self._before)

    def _renew_token(self) -> None:
        token = self._scenes[0].token
        with db.opened(self._path) as database:
            expires = database.value("SELECT expires FROM tokens WHERE token = ?", token)
        if token is not None and expires <= db.now():
            token = self._new_token()
            self._scenes = tuple(dataclasses.replace(scene, token=token) for scene in self._scenes)

    def _twin(self, delay: float) -> None:
        time.sleep(delay)
        self._runs.append(self._run(CALLERS[1], None))

    def _run(self, caller: str, round_: Round | None) -> Run:
        user, token = self._player, self._scenes[0].token
        if caller != CALLERS[0]:
            (user,), token = set(USERS) - {user}, None
        address = urllib.parse.urlsplit(self._sandbox.url)
        access: dict[str, t.Any] = {"controller_host": f"{address.scheme}://{caller}:{address.port}"}
        if token is not None:
            access["controller_oauthtoken"] = token
        else:
            access.update(controller_username=user, controller_password=self._sandbox.user(user))
        if self._sandbox.ca_path:
            access["ca_path"] = self._sandbox.ca_path
        return dataclasses.replace(self._task(access, round_), caller=caller)

    def _posts(self) -> list[Request]:
        return [request for request in map(request_of, self._log()) if request.launches]

    def _restart(self, restart: Restart, posts: int, over: threading.Event) -> None:
        while restart.after == "post" and not over.is_set():
            with contextlib.suppress(*_TROUBLES):
                if len(self._posts()) > posts:
                    break
            over.wait(0.1)
        if not over.wait(restart.delay):
            self._restarts.append(time.time())
            self._sandbox.restart(restart.downtime)

    def _rows(self) -> list[db.Row]:
        """All jobs of the templates, oldest first."""
        templates = sorted({scene.template for scene in self._scenes})
        with db.opened(self._path) as database:
            return database.all(
                "SELECT jobs.*, users.username FROM jobs LEFT JOIN users ON users.id = jobs.created_by "
                f"WHERE unified_job_template IN ({', '.join(map(str, templates))}) ORDER BY jobs.id"
            )

    def _settle(self, besides: t.Collection[int] = ()) -> None:
        """Wait until all jobs are over and their events are in."""
        deadline = time.monotonic() + 30
        while True:
            rows = [row for row in self._rows() if row["id"] not in besides]
            if all(row["status"] in FINAL and time.time() >= (row["events_saved_at"] or 0.0) for row in rows):
                return
            if time.monotonic() > deadline:
                raise SandboxError(f"not over: {[(row['id'], row['status']) for row in rows]}")
            time.sleep(0.05)

    def _settled(self) -> list[dict[str, t.Any]]:
        """The log, once nothing is on its way any more."""
        entries = self._log()
        requests = map(request_of, entries)
        # A slow request may make its job long after its client has gone.
        latest = max((request.works_at for request in requests if request.launches), default=0.0)
        time.sleep(max(0.0, latest + 0.3 - time.time()))
        self._settle()
        return entries

    def _jobs(self, scene: Scene) -> dict[int, Job]:
        """All jobs of a template, by number, oldest first."""
        with db.opened(self._path) as database:
            return {
                row["id"]: _job(database, row, scene)
                for row in self._rows()
                if row["unified_job_template"] == scene.template and row["type"] == "job"
            }

    def _hosts(self, scene: Scene, entries: list[dict[str, t.Any]]) -> tuple[Host, ...]:
        """The hosts as they were over time, by the calls that moved them."""
        moved = list(self._moved)
        for one in entries:
            if (one["fault"] or {}).get("kind") == "act":
                statuses = zip(one["fault"]["calls"], one.get("acts") or (), strict=False)
                moved.append((one["time"], [call for call, status in statuses if 200 <= status < 300]))
        hosts = {number: Host(number, frozenset({name, renamed(name)})) for number, name in scene.hosts}
        with db.opened(self._path) as database:
            left = {number for number in hosts if database.get("hosts", number)}
        for moment, calls in sorted(moved, key=lambda one: one[0]):
            for call in calls:
                kind, _slash, number = call["path"].strip("/").partition("/")
                host = hosts.get(int(number)) if kind == "hosts" else None
                if host is None:
                    continue
                if call["method"] == "DELETE" and host.id not in left and host.gone is None:
                    hosts[host.id] = dataclasses.replace(host, gone=moment)
                elif (call["body"] or {}).get("enabled") == 0:
                    hosts[host.id] = dataclasses.replace(host, out=(*host.out, (moment, float("inf"))))
                elif (call["body"] or {}).get("enabled") == 1 and host.out:
                    start, until = host.out[-1]
                    hosts[host.id] = dataclasses.replace(host, out=(*host.out[:-1], (start, min(until, moment))))
        return tuple(hosts.values())


def insist(ask: t.Callable[[], t.Any], seconds: float = 15.0) -> None:
    """Ask until it is answered, since the sandbox may just be restarting, or misbehave."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ask()
            return
        except _TROUBLES:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def request_of(entry: t.Mapping[str, t.Any]) -> Request:
    """A request of the sandbox's log."""
    return Request(
        entry["time"],
        entry["method"],
        entry["path"],
        entry["status"],
        entry["fault"],
        (entry["headers"]["Host"] or "").partition(":")[0],
        entry["answered"],
        urllib.parse.unquote(entry["query"]),
    )


def _job(database: db.Database, row: db.Row, scene: Scene) -> Job:
    return Job(
        id=row["id"],
        status=row["status"],
        created=seconds_of(row["created"]) or 0.0,
        finished=seconds_of(row["finished"]),
        creator=row["username"] or "",
        relaunch=row["launch_type"] == "relaunch",
        job_type=row["job_type"],
        prompts=prompts_of(row),
        values=json.dumps([row[name] for name in _VALUES]),
        limit=frozenset(name for name in (row["limit"] or "").split(",") if name),
        part=(row["job_slice_number"], row["job_slice_count"]),
        # By the names of then, which tell of hosts that were deleted since as well.
        words={
            number: bool(one["failed"])
            for one in database.all("SELECT host_name, failed FROM summaries WHERE job = ?", row["id"])
            for number, name in scene.hosts
            if one["host_name"] in (name, renamed(name))
        },
        began=bool(results.playbook_counts(database, row)["task_count"]),
    )


def seconds_of(moment: str | None) -> float | None:
    """A moment as the database keeps it, in seconds since the epoch."""
    return None if moment is None else datetime.datetime.fromisoformat(moment).timestamp()
