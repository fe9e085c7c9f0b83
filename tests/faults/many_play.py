# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a scenario of many jobs is set up and played."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from sandbox import database as db
from sandbox.process import Sandbox

from .front_doors import PATIENCE, WAITING, FrontDoors
from .judge import Run
from .many import Failed, Many, Work
from .many_judge import Facts, conclusive
from .moves import Scene
from .play import CALLERS, PLAYBOOK, USERS, Play, request_of
from .quick_jobs import QuickJobs
from .records import Records
from .scenario import Round


class ManyPlay(Play):
    """One scenario of many jobs being played in a sandbox."""

    def __init__(self, sandbox: Sandbox, doors: FrontDoors, scenario: Many, variant: str | None) -> None:
        self._scenario = scenario
        self._window = ("", "")
        super().__init__(sandbox, doors, scenario, variant)

    def facts(self) -> Facts:
        """Play it, and gather what happened, once no job is on its way any more."""
        scenario = self._scenario
        self._doors.proxy = ""
        with contextlib.ExitStack() as stack:
            templates = dict.fromkeys(scene.template for scene in self._scenes)
            for template, work in zip(templates, scenario.works, strict=True):
                folder = self._sandbox.data_dir
                stack.enter_context(QuickJobs(folder, template, work.endings, scenario.seconds, failing=work.failing))
            for round_ in scenario.rounds:
                self._round(round_)
            return self._gathered()

    def _set(self) -> tuple[Scene, ...]:
        token, start = self._new_token(), db.now()
        works = enumerate(self._scenario.works)
        scenes = [scene for number, work in works for scene in self._set_up(number, work)]
        self._window = (start, db.now())
        before = frozenset(scene.source for scene in scenes)
        return tuple(dataclasses.replace(scene, before=before, token=token) for scene in scenes)

    def _set_up(self, number: int, work: Work) -> t.Iterator[Scene]:
        sandbox = self._sandbox
        made = sandbox.add_template(
            f"Scenario {self._scenario.seed}.{number} {os.urandom(3).hex()}",
            PLAYBOOK,
            hosts={name: {} for name in work.names},
            asks=["verbosity", "credentials"],
        )
        spare = sandbox.add_credential(f"spare {made['id']}", "aws")
        for job in work.jobs:
            yield Scene(
                template=int(made["id"]),
                source=self._fail(int(made["id"]), work, job),
                hosts=tuple((made["hosts"][name], name) for name in work.names),
                credentials=tuple(made["credentials"]),
                spare=spare,
                before=frozenset(),
                passwords={},
            )

    def _fail(self, template: int, work: Work, job: Failed) -> int:
        prompts = {"verbosity": 2} if job.prompted else {}
        fields: dict[str, t.Any] = {"template": template, "user": self._scenario.user, **prompts, "prompts": prompts}
        if not job.on:
            return self._sandbox.make_job(**fields, status="error", stats=False)
        outcomes = {name: "failed" if name in job.on else "ok" for name in work.names}
        return self._sandbox.make_job(**fields, status="failed", hosts=outcomes)

    def _conclusive(self, run: Run) -> bool:
        return conclusive(run, self._scenario.wait)

    def _task(self, access: dict[str, t.Any], round_: Round | None) -> Run:
        scenario = self._scenario
        options: dict[str, t.Any] = {
            "hosts": scenario.hosts,
            "wait": scenario.wait,
            "at_once": scenario.at_once,
            "stop_after": scenario.stop_after,
            # Whether it gives up in time is for other tests.
            "max_attempts": 100,
            **access,
            **PATIENCE,
            **({**WAITING, "timeout": 90} if scenario.wait else {"interval": WAITING["interval"]}),
        }
        if scenario.selection == "ids":
            options["job_ids"] = [scene.source for scene in self._scenes]
        else:
            options["finished_after"], options["finished_before"] = self._window
            options["job_templates"] = sorted({str(scene.template) for scene in self._scenes})
        broken_off = round_.broken_off if round_ else None
        run = self._doors.module(options, self._variant, "bulk_job_relaunch", broken_off)
        # It may have ended before so many requests.
        came = run.result is None or str(run.result.get("msg")).startswith("Interrupted")
        return dataclasses.replace(run, broken_off=broken_off is not None and came)

    def _gathered(self) -> Facts:
        scenario, entries = self._scenario, self._settled()
        works = []
        for scene in self._scenes:
            jobs = self._jobs(scene)
            source = jobs.pop(scene.source)
            # Of a template's failed jobs, the later ones are of no less account than what came of them.
            later = tuple(job for job in jobs.values() if job.id > source.id)
            works.append((scene.template, Records(source, later, self._hosts(scene, entries), any_launch=True)))
        (other,) = set(USERS) - {scenario.user}
        return Facts(
            hosts=scenario.hosts,
            wait=scenario.wait,
            at_once=scenario.at_once,
            stop_after=scenario.stop_after,
            named=scenario.selection == "ids",
            works=tuple(works),
            runs=tuple(sorted(self._runs, key=lambda run: run.started)),
            requests=tuple(map(request_of, entries)),
            users=dict(zip(CALLERS, (scenario.user, other), strict=True)),
            before=self._before,
            restarts=tuple(self._restarts),
            secrets=tuple(self._secrets),
        )
