# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where scenarios are played: sandboxes, one after the other; and how one of one job is."""

from __future__ import annotations

import base64
import contextlib
import os
import time
import typing as t
from pathlib import Path

from sandbox.process import Sandbox

from .between import put_between
from .front_doors import PATIENCE, WAITING, FrontDoors
from .judge import Facts, Run, conclusive
from .many import Many
from .many_play import ManyPlay
from .moves import Scene
from .play import PASSWORD, PLAYBOOK, USERS, Play, request_of
from .quick_jobs import QuickJobs
from .records import Records
from .running_sources import ending, let_run
from .scenario import Round, Scenario

if t.TYPE_CHECKING:
    from . import many_judge

# How a task is run: options of job_relaunch by default; see Stage.play.
Door = t.Literal["module", "playbook", "uri"]


class _OnePlay(Play):
    """One scenario of one job being played in a sandbox."""

    def __init__(
        self, sandbox: Sandbox, doors: FrontDoors, scenario: Scenario, door: Door, variant: str | None
    ) -> None:
        self._scenario = scenario
        self._door = door
        super().__init__(sandbox, doors, scenario, variant)

    def facts(self) -> Facts:
        """Play it, and gather what happened, once no job is on its way any more."""
        scenario, sandbox = self._scenario, self._sandbox
        template = self._scenes[0].template
        quick = QuickJobs(sandbox.data_dir, template, scenario.endings, scenario.seconds, failing=scenario.failed)
        with contextlib.ExitStack() as stack:
            stack.enter_context(quick)
            running = [self._scenes[0].source] if scenario.source == "running" else []
            stack.enter_context(ending(sandbox, running, scenario.event_lag))
            self._doors.proxy = put_between(stack, scenario.proxy, self._rows, scenario.user)
            for round_ in scenario.rounds:
                self._round(round_, twins=self._door != "uri")
            return self._gathered()

    def _set(self) -> tuple[Scene, ...]:
        scenario, sandbox = self._scenario, self._sandbox
        made = sandbox.add_template(
            f"Scenario {scenario.seed} {os.urandom(3).hex()}",
            PLAYBOOK,
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
            let_run(sandbox, source)
        scene = Scene(
            template=template,
            source=source,
            hosts=tuple((made["hosts"][name], name) for name in scenario.names),
            credentials=tuple(made["credentials"]),
            spare=sandbox.add_credential(f"spare {template}", "aws"),
            before=frozenset(before),
            passwords={"ssh_password": PASSWORD} if scenario.passwords else {},
            token=self._new_token(),
        )
        return (scene,)

    def _conclusive(self, run: Run) -> bool:
        return conclusive(run.result, self._scenario.wait, self._before)

    def _task(self, access: dict[str, t.Any], round_: Round | None) -> Run:
        scenario, (scene,) = self._scenario, self._scenes
        twin = access.get("controller_username", scenario.user) != scenario.user
        if self._door == "uri":
            return self._by_uri(access)
        options = {
            "job_id": scene.source,
            "hosts": scenario.hosts,
            "wait": scenario.wait,
            **access,
            **PATIENCE,
            **(WAITING if scenario.wait else {}),
        }
        if scene.passwords:
            options["credential_passwords"] = scene.passwords
        if self._door == "playbook" and not twin:
            return self._doors.playbook(options)
        return self._doors.module(options, self._variant)

    def _by_uri(self, access: t.Mapping[str, t.Any]) -> Run:
        scenario, (scene,) = self._scenario, self._scenes
        body: dict[str, t.Any] = {"hosts": scenario.hosts}
        if scene.passwords:
            body["credential_passwords"] = scene.passwords
        authority = f"Bearer {access.get('controller_oauthtoken')}"
        if "controller_username" in access:
            pair = f"{access['controller_username']}:{access['controller_password']}"
            authority = f"Basic {base64.b64encode(pair.encode()).decode()}"
        credentials: dict[str, t.Any] = {"headers": {"Authorization": authority}}
        if "ca_path" in access:
            credentials["ca_path"] = access["ca_path"]
        return self._doors.uri(f"{access['controller_host']}/api/v2", scene.source, body, credentials, scenario.wait)

    def _gathered(self) -> Facts:
        scenario, (scene,), entries = self._scenario, self._scenes, self._settled()
        jobs = self._jobs(scene)
        return Facts(
            hosts=scenario.hosts,
            wait=scenario.wait,
            runs=tuple(sorted(self._runs, key=lambda run: run.started)),
            requests=tuple(map(request_of, entries)),
            records=Records(jobs.pop(scene.source), tuple(jobs.values()), self._hosts(scene, entries)),
            callers=frozenset(USERS),
            before=scene.before,
            restarts=tuple(self._restarts),
            proxied=scenario.proxy is not None,
            secrets=() if self._door == "uri" else tuple(self._secrets),
        )


class Stage:
    """Plays scenarios, one after the other, in a sandbox or in one that is reached by TLS."""

    def __init__(self, sandboxes: Sandboxes, doors: FrontDoors) -> None:
        self._sandboxes = sandboxes
        self._doors = doors

    def play(self, scenario: Scenario, door: Door, variant: str | None = None) -> Facts:
        """Play a scenario through a front door.

        :param variant: the wrong way in which the module is to work; see variants.py.
        """
        return _OnePlay(self._sandbox(scenario), self._doors, scenario, door, variant).facts()

    def play_many(self, scenario: Many, variant: str | None = None) -> many_judge.Facts:
        """Play a scenario of many jobs.

        :param variant: as above.
        """
        return ManyPlay(self._sandbox(scenario), self._doors, scenario, variant).facts()

    def _sandbox(self, scenario: Scenario | Many) -> Sandbox:
        return self._sandboxes.get(tls=scenario.proxy is not None and scenario.proxy.kind == "connect")


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
