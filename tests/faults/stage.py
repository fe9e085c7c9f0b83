# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a scenario is played: it sets a sandbox up, runs the task until it is settled, and gathers the facts."""

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

from sandbox.process import Sandbox, SandboxError

from .front_doors import PATIENCE, WAITING, FrontDoors
from .judge import FINAL, Facts, Job, Request, Run, conclusive
from .scenario import Restart, Scenario

# It is run again until its result leaves nothing to run again for; after the second time nothing goes wrong any more.
MOST_RUNS = 3

_PASSWORD = "pa55word-of-the-hosts"
_TROUBLES = (OSError, http.client.HTTPException, SandboxError)

_PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Work
      ansible.builtin.assert:
        that:
          - lookup('ansible.builtin.pipe', 'sleep ' ~ seconds) == ''
          - inventory_hostname not in failing
        quiet: true
"""

# How a task is run: options of job_relaunch by default; see Stage.play.
Door = t.Literal["module", "playbook", "uri"]


@dataclasses.dataclass(frozen=True)
class _Scene:
    """What a scenario has in the sandbox."""

    template: int
    source: int
    before: frozenset[int]
    secrets: tuple[str, ...]
    secret: str


class Stage:
    """Plays scenarios in one sandbox, one after the other."""

    def __init__(self, sandbox: Sandbox, doors: FrontDoors) -> None:
        self._sandbox = sandbox
        self._doors = doors

    def play(self, scenario: Scenario, door: Door) -> Facts:
        """Play a scenario through a front door; what happened, once no job is on its way any more."""
        sandbox = self._sandbox
        sandbox.behave()
        sandbox.settings(event_lag=scenario.event_lag)
        scene = self._set(scenario)
        sandbox.clear_log()
        sandbox.misbehave(
            [{**rule, "path": rule["path"].replace("SOURCE", str(scene.source))} for rule in scenario.rules]
        )
        over = threading.Event()
        restarts: list[float] = []
        disturbers = [threading.Thread(target=self._end_source, args=(scenario, scene, over))]
        if scenario.restart is not None:
            disturbers.append(threading.Thread(target=self._restart, args=(scenario.restart, over, restarts)))
        for disturber in disturbers:
            disturber.start()
        runs: list[Run] = []
        try:
            for number in range(1, MOST_RUNS + 1):
                runs.append(self._run(scenario, scene, door))
                if conclusive(runs[-1].result, scenario.wait, scene.before):
                    break
                if number == MOST_RUNS - 1 or not scenario.lasting:
                    over.set()
                    for disturber in disturbers:
                        disturber.join()
                    _insist(sandbox.behave)
        finally:
            over.set()
            for disturber in disturbers:
                disturber.join()
            _insist(sandbox.behave)
        facts = self._facts(scenario, scene, runs, () if door == "uri" else scene.secrets)
        return dataclasses.replace(facts, restarts=tuple(restarts))

    def _set(self, scenario: Scenario) -> _Scene:
        sandbox = self._sandbox
        failing = scenario.failed if scenario.ending == "failed" else ()
        made = sandbox.add_template(
            f"Scenario {scenario.seed} {os.urandom(3).hex()}",
            _PLAYBOOK,
            hosts={name: {} for name in scenario.names},
            extra_vars={"failing": list(failing), "seconds": scenario.seconds},
            passwords=["ssh_password"] if scenario.passwords else [],
            error="The project could not be fetched." if scenario.ending == "error" else "",
        )
        template = int(made["id"])
        outcomes = {name: "failed" if name in scenario.failed else "ok" for name in scenario.names}
        base = {"template": template, "user": scenario.user, "status": "failed", "hosts": outcomes}
        source = sandbox.make_job(**base)
        ours = {source}
        if scenario.history:
            limit = ",".join(scenario.failed)
            again = {"launch_type": "relaunch", "limit": limit, "prompts": {"limit": limit}}
            ours.add(sandbox.make_job(**{**base, **again, "hosts": dict.fromkeys(scenario.failed, "failed")}))
        if scenario.source == "just ended":
            sandbox.change_job(source, events_saved_at=time.time() + 1.5)
        elif scenario.source == "running":
            sandbox.change_job(source, status="running", failed=0, finished=None, events_saved_at=None)
        secret = sandbox.token(scenario.user) if scenario.token else sandbox.user(scenario.user)
        return _Scene(template, source, frozenset(ours), (_PASSWORD, secret), secret)

    def _run(self, scenario: Scenario, scene: _Scene, door: Door) -> Run:
        passwords = {"ssh_password": _PASSWORD} if scenario.passwords else {}
        if door == "uri":
            body: dict[str, t.Any] = {"hosts": scenario.hosts}
            if passwords:
                body["credential_passwords"] = passwords
            authority = f"Bearer {scene.secret}"
            if not scenario.token:
                authority = f"Basic {base64.b64encode(f'{scenario.user}:{scene.secret}'.encode()).decode()}"
            credentials = {"headers": {"Authorization": authority}}
            return self._doors.uri(self._sandbox.api, scene.source, body, credentials, scenario.wait)
        options = {
            "job_id": scene.source,
            "hosts": scenario.hosts,
            "wait": scenario.wait,
            "controller_host": self._sandbox.url,
            **PATIENCE,
            **WAITING,
        }
        if scenario.token:
            options["controller_oauthtoken"] = scene.secret
        else:
            options.update(controller_username=scenario.user, controller_password=scene.secret)
        if passwords:
            options["credential_passwords"] = passwords
        return self._doors.module(options) if door == "module" else self._doors.playbook(options)

    def _end_source(self, scenario: Scenario, scene: _Scene, over: threading.Event) -> None:
        if scenario.source == "running":
            over.wait(1.5)
            moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            ended = {"status": "failed", "failed": 1, "finished": moment}
            saved = time.time() + scenario.event_lag
            _insist(lambda: self._sandbox.change_job(scene.source, **ended, events_saved_at=saved))

    def _restart(self, restart: Restart, over: threading.Event, restarts: list[float]) -> None:
        while restart.after == "post" and not over.is_set():
            with contextlib.suppress(*_TROUBLES):
                if any(_request(entry).launches for entry in self._sandbox.log()):
                    break
            over.wait(0.05)
        if not over.wait(restart.delay):
            restarts.append(time.time())
            self._sandbox.restart(restart.downtime)

    def _relaunches(self, scene: _Scene) -> dict[int, dict[str, t.Any]]:
        """The relaunches that were made of the source, by number and oldest first."""
        query = f"unified_job_template={scene.template}&launch_type=relaunch&order_by=id&page_size=200"
        found: dict[int, dict[str, t.Any]] = {}

        def look() -> None:
            answer = self._sandbox.request("GET", f"/jobs/?{query}")
            if answer.status != 200 or "results" not in answer.body:
                raise SandboxError(f"{answer.status}: {answer.body}")
            found.update((job["id"], job) for job in answer.body["results"] if job["id"] not in scene.before)

        _insist(look)
        return found

    def _facts(self, scenario: Scenario, scene: _Scene, runs: list[Run], secrets: tuple[str, ...]) -> Facts:
        sandbox = self._sandbox
        requests = tuple(_request(entry) for entry in sandbox.log())
        # A slow request may make its job long after its client has gone.
        latest = max((request.works_at for request in requests if request.launches), default=0.0)
        time.sleep(max(0.0, latest + 0.5 - time.time()))
        jobs = []
        for number in self._relaunches(scene):
            sandbox.wait(number)
            facts = sandbox.job(number)
            summaries = sandbox.request("GET", f"/jobs/{number}/job_host_summaries/?failed=true").body["results"]
            jobs.append(
                Job(
                    id=number,
                    status=facts["status"],
                    created=_seconds(facts["created"]) or 0.0,
                    finished=_seconds(facts["finished"]),
                    limit=frozenset(name for name in facts["limit"].split(",") if name),
                    failed_hosts=frozenset(summary["host_name"] for summary in summaries),
                )
            )
            assert facts["status"] in FINAL, facts
        return Facts(
            wait=scenario.wait,
            hosts=frozenset(scenario.failed) if scenario.hosts == "failed" else None,
            runs=tuple(runs),
            requests=requests,
            jobs=tuple(jobs),
            before=scene.before,
            secrets=secrets,
        )


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
    return Request(entry["time"], entry["method"], entry["path"], entry["status"], entry["fault"])


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.datetime.fromisoformat(moment).timestamp()
