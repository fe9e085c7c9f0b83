# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a scenario is played: it sets a sandbox up, runs the task while the world moves, and gathers the facts."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import http.client
import os
import threading
import time
import typing as t
import urllib.parse
from pathlib import Path

from sandbox import database as db
from sandbox.process import Sandbox, SandboxError
from sandbox.proxy import Proxy

from .front_doors import PATIENCE, WAITING, FrontDoors
from .judge import Facts, Request, Run, conclusive
from .moves import Scene, calls_of, placed, renamed, rule_of
from .quick_jobs import QuickJobs, prompts_of
from .records import FINAL, Host, Job, Records
from .scenario import Move, Restart, Round, Scenario

# In a round the task is run again until its result leaves nothing to run again for; after the second time nothing goes
# wrong any more.
MOST_RUNS = 3

# Where the callers find the sandbox, which tells them apart in its log.
CALLERS = ("127.0.0.1", "localhost")
USERS = ("admin", "alice")

_PASSWORD = "pa55word-of-the-hosts"
_TROUBLES = (OSError, http.client.HTTPException, SandboxError)
_PLAYBOOK = "- hosts: all\n  gather_facts: false\n  tasks: []\n"

# How a task is run: options of job_relaunch by default; see Stage.play.
Door = t.Literal["module", "playbook", "uri"]


class _Play:
    """One scenario being played in a sandbox."""

    def __init__(
        self, sandbox: Sandbox, doors: FrontDoors, scenario: Scenario, door: Door, variant: str | None
    ) -> None:
        self._sandbox = sandbox
        self._path = sandbox.data_dir / "sandbox.sqlite3"
        self._doors = doors
        self._scenario = scenario
        self._door = door
        self._variant = variant
        self._runs: list[Run] = []
        self._restarts: list[float] = []
        self._secrets = [_PASSWORD, *map(sandbox.user, USERS)]
        # When hosts were moved, and how: of calls between runs; those during them are in the log.
        self._moved: list[tuple[float, Move]] = []
        self._scene = self._set()

    def facts(self) -> Facts:
        """Play it, and gather what happened, once no job is on its way any more."""
        scenario, sandbox = self._scenario, self._sandbox
        quick = QuickJobs(
            sandbox.data_dir, self._scene.template, scenario.endings, scenario.seconds, failing=scenario.failed
        )
        with contextlib.ExitStack() as stack:
            stack.enter_context(quick)
            source_over = threading.Event()
            ending = threading.Thread(target=self._end_source, args=(source_over,))
            ending.start()
            stack.callback(ending.join)
            stack.callback(source_over.set)
            self._doors.proxy = self._between(stack)
            for round_ in scenario.rounds:
                self._round(round_)
            return self._gathered()

    def _between(self, stack: contextlib.ExitStack) -> str:
        """Put the proxy in place; its address."""
        given = self._scenario.proxy
        if given is None:
            return ""
        proxy = stack.enter_context(Proxy())
        if given.loss == "refuse":
            proxy.refuse_tunnels()
        elif given.loss is not None and given.kind == "forward":
            proxy.lose("POST", "/relaunch/$", given.loss)
        elif given.loss is not None:
            # What has been sent through a tunnel nobody can read; but the controller's records tell of the POST.
            before = {row["id"] for row in self._rows()}

            def has_posted(_tunnel: t.Any) -> bool:
                rows = self._rows()
                return any(row["id"] not in before and row["username"] == self._scenario.user for row in rows)

            proxy.cut_tunnels(has_posted, t.cast("t.Any", given.loss))
        return proxy.url

    def _log(self) -> list[dict[str, t.Any]]:
        entries: list[dict[str, t.Any]] = []
        _insist(lambda: entries.extend(self._sandbox.log()))
        return entries

    def _set(self) -> Scene:
        scenario, sandbox = self._scenario, self._sandbox
        sandbox.behave()
        sandbox.settings(event_lag=scenario.event_lag, max_running=0)
        made = sandbox.add_template(
            f"Scenario {scenario.seed} {os.urandom(3).hex()}",
            _PLAYBOOK,
            hosts={name: {} for name in scenario.names},
            passwords=["ssh_password"] if scenario.passwords else [],
            asks=["verbosity", "credentials"],
        )
        template = int(made["id"])
        outcomes = {name: "failed" if name in scenario.failed else "ok" for name in scenario.names}
        prompts = {"verbosity": 2} if scenario.prompted else {}
        base = {"template": template, "user": scenario.user, "status": "failed", "hosts": outcomes}
        source = sandbox.make_job(**base, **prompts, prompts=prompts)
        before = {source}
        if scenario.history:
            limit = ",".join(scenario.failed)
            again = {"launch_type": "relaunch", "limit": limit, "prompts": {**prompts, "limit": limit}}
            again["hosts"] = dict.fromkeys(scenario.failed, "failed")
            before.add(sandbox.make_job(**{**base, **prompts, **again}))
        if scenario.source == "just ended":
            sandbox.change_job(source, events_saved_at=time.time() + 1.5)
        elif scenario.source == "running":
            sandbox.change_job(source, status="running", failed=0, finished=None, events_saved_at=None)
        sandbox.clear_log()
        return Scene(
            template=template,
            source=source,
            hosts=tuple((made["hosts"][name], name) for name in scenario.names),
            credentials=tuple(made["credentials"]),
            spare=sandbox.add_credential(f"spare {template}", "aws"),
            before=frozenset(before),
            passwords={"ssh_password": _PASSWORD} if scenario.passwords else {},
            token=self._new_token(),
        )

    def _new_token(self) -> str | None:
        scenario = self._scenario
        if not scenario.token:
            return None
        self._secrets.append(self._sandbox.token(scenario.user))
        return self._secrets[-1]

    def _round(self, round_: Round) -> None:
        """Move the world, and run the task until its result leaves nothing to run again for."""
        sandbox, over = self._sandbox, threading.Event()
        _insist(sandbox.behave)
        for move in round_.moves:
            if move.at is None:
                self._move(move)
        acts = [rule_of(move, self._scene) for move in round_.moves if move.at is not None]
        faults = [{**rule, "path": placed(rule["path"], self._scene.source)} for rule in round_.rules]
        _insist(lambda: sandbox.misbehave(t.cast("t.Any", [*acts, *faults])))
        disturbers = []
        if round_.restart is not None:
            disturbers.append(threading.Thread(target=self._restart, args=(round_.restart, len(self._posts()), over)))
        if round_.twin is not None and self._door != "uri":
            disturbers.append(threading.Thread(target=self._twin, args=(round_.twin,)))
        for disturber in disturbers:
            disturber.start()
        try:
            for number in range(1, MOST_RUNS + 1):
                self._renew_token()
                run = self._run(CALLERS[0], self._door)
                self._runs.append(run)
                if conclusive(run.result, self._scenario.wait, self._scene.before):
                    break
                if number == MOST_RUNS - 1 or not round_.lasting:
                    over.set()
                    for disturber in disturbers:
                        disturber.join()
                    _insist(sandbox.behave)
        finally:
            over.set()
            for disturber in disturbers:
                disturber.join()
            _insist(sandbox.behave)

    def _move(self, move: Move) -> None:
        self._moved.append((time.time(), move))
        for call in calls_of(move, self._scene):
            if "user" in call:
                self._sandbox.request(call["method"], call["path"], user=call["user"], body=call["body"])
            else:
                # A host that is in use cannot be deleted.
                with contextlib.suppress(SandboxError):
                    self._sandbox.control(call["method"], call["path"], call["body"])
        if move.settle:
            self._settle(besides=self._scene.before)

    def _renew_token(self) -> None:
        token = self._scene.token
        with db.opened(self._path) as database:
            expires = database.value("SELECT expires FROM tokens WHERE token = ?", token)
        if token is not None and expires <= db.now():
            self._scene = dataclasses.replace(self._scene, token=self._new_token())

    def _twin(self, delay: float) -> None:
        time.sleep(delay)
        self._runs.append(self._run(CALLERS[1], "module"))

    def _run(self, caller: str, door: Door) -> Run:
        scenario, scene = self._scenario, self._scene
        user, token = scenario.user, scene.token
        if caller != CALLERS[0]:
            (user,), token = set(USERS) - {user}, None
        secret = token or self._sandbox.user(user)
        address = urllib.parse.urlsplit(self._sandbox.url)
        url = f"{address.scheme}://{caller}:{address.port}"
        if door == "uri":
            body: dict[str, t.Any] = {"hosts": scenario.hosts}
            if scene.passwords:
                body["credential_passwords"] = scene.passwords
            authority = f"Bearer {secret}"
            if token is None:
                authority = f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"
            credentials: dict[str, t.Any] = {"headers": {"Authorization": authority}}
            if self._sandbox.ca_path:
                credentials["ca_path"] = self._sandbox.ca_path
            run = self._doors.uri(f"{url}/api/v2", scene.source, body, credentials, scenario.wait)
            return dataclasses.replace(run, caller=caller)
        options = {
            "job_id": scene.source,
            "hosts": scenario.hosts,
            "wait": scenario.wait,
            "controller_host": url,
            **PATIENCE,
            **(WAITING if scenario.wait else {}),
        }
        if token is not None:
            options["controller_oauthtoken"] = secret
        else:
            options.update(controller_username=user, controller_password=secret)
        if scene.passwords:
            options["credential_passwords"] = scene.passwords
        if self._sandbox.ca_path:
            options["ca_path"] = self._sandbox.ca_path
        run = self._doors.playbook(options) if door == "playbook" else self._doors.module(options, self._variant)
        return dataclasses.replace(run, caller=caller)

    def _end_source(self, over: threading.Event) -> None:
        if self._scenario.source == "running":
            over.wait(1.5)
            moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            ended = {"status": "failed", "failed": 1, "finished": moment}
            saved = time.time() + self._scenario.event_lag
            _insist(lambda: self._sandbox.change_job(self._scene.source, **ended, events_saved_at=saved))

    def _posts(self) -> list[Request]:
        return [request for request in map(_request, self._log()) if request.launches]

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
        with db.opened(self._path) as database:
            return database.all(
                "SELECT jobs.*, users.username FROM jobs LEFT JOIN users ON users.id = jobs.created_by "
                "WHERE unified_job_template = ? ORDER BY jobs.id",
                self._scene.template,
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

    def _gathered(self) -> Facts:
        scenario, scene, entries = self._scenario, self._scene, self._log()
        requests = tuple(map(_request, entries))
        # A slow request may make its job long after its client has gone.
        latest = max((request.works_at for request in requests if request.launches), default=0.0)
        time.sleep(max(0.0, latest + 0.3 - time.time()))
        self._settle()
        with db.opened(self._path) as database:
            jobs = {row["id"]: self._job(database, row) for row in self._rows()}
        return Facts(
            hosts=scenario.hosts,
            wait=scenario.wait,
            runs=tuple(sorted(self._runs, key=lambda run: run.started)),
            requests=requests,
            records=Records(jobs.pop(scene.source), tuple(jobs.values()), self._hosts(entries)),
            callers=frozenset(USERS),
            before=scene.before,
            restarts=tuple(self._restarts),
            proxied=scenario.proxy is not None,
            secrets=() if self._door == "uri" else tuple(self._secrets),
        )

    def _job(self, database: db.Database, row: db.Row) -> Job:
        return Job(
            id=row["id"],
            status=row["status"],
            created=_seconds(row["created"]) or 0.0,
            finished=_seconds(row["finished"]),
            creator=row["username"] or "",
            relaunch=row["launch_type"] == "relaunch",
            job_type=row["job_type"],
            prompts=prompts_of(row),
            limit=frozenset(name for name in (row["limit"] or "").split(",") if name),
            # By the names of then, which tell of hosts that were deleted since as well.
            words={
                number: bool(one["failed"])
                for one in database.all("SELECT host_name, failed FROM summaries WHERE job = ?", row["id"])
                for number, name in self._scene.hosts
                if one["host_name"] in (name, renamed(name))
            },
        )

    def _hosts(self, entries: list[dict[str, t.Any]]) -> tuple[Host, ...]:
        """The hosts as they were over time, by the calls that moved them."""
        moved = [(moment, calls_of(move, self._scene)) for moment, move in self._moved]
        moved += [(one["time"], one["fault"]["calls"]) for one in entries if (one["fault"] or {}).get("kind") == "act"]
        hosts = {number: Host(number, frozenset({name, renamed(name)})) for number, name in self._scene.hosts}
        with db.opened(self._path) as database:
            left = {number for number in hosts if database.get("hosts", number)}
        for moment, calls in sorted(moved, key=lambda one: one[0]):
            for call in calls:
                kind, _slash, number = call["path"].strip("/").partition("/")
                if kind != "hosts":
                    continue
                host = hosts[int(number)]
                if call["method"] == "DELETE" and host.id not in left:
                    hosts[host.id] = dataclasses.replace(host, gone=moment)
                elif (call["body"] or {}).get("enabled") == 0:
                    hosts[host.id] = dataclasses.replace(host, out=(*host.out, (moment, float("inf"))))
                elif (call["body"] or {}).get("enabled") == 1 and host.out:
                    start, until = host.out[-1]
                    hosts[host.id] = dataclasses.replace(host, out=(*host.out[:-1], (start, min(until, moment))))
        return tuple(hosts.values())


class Stage:
    """Plays scenarios, one after the other, in a sandbox or in one that is reached by TLS."""

    def __init__(self, sandboxes: Sandboxes, doors: FrontDoors) -> None:
        self._sandboxes = sandboxes
        self._doors = doors

    def play(self, scenario: Scenario, door: Door, variant: str | None = None) -> Facts:
        """Play a scenario through a front door.

        :param variant: the wrong way in which the module is to work; see variants.py.
        """
        tls = scenario.proxy is not None and scenario.proxy.kind == "connect"
        return _Play(self._sandboxes.get(tls), self._doors, scenario, door, variant).facts()


class Sandboxes:
    """A sandbox and one with TLS, each started when it is first needed; a context manager that stops them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._started: dict[bool, Sandbox] = {}

    def __enter__(self) -> Sandboxes:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def get(self, tls: bool) -> Sandbox:
        if tls not in self._started:
            sandbox = Sandbox(self._folder / ("tls" if tls else "plain"), tls=tls)
            self._started[tls] = self._stack.enter_context(sandbox)
        return self._started[tls]


def _insist(ask: t.Callable[[], t.Any], seconds: float = 15.0) -> None:
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


def _request(entry: t.Mapping[str, t.Any]) -> Request:
    caller = (entry["headers"]["Host"] or "").partition(":")[0]
    answered = entry["answered"]
    return Request(entry["time"], entry["method"], entry["path"], entry["status"], entry["fault"], caller, answered)


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.datetime.fromisoformat(moment).timestamp()
