# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a scenario of many jobs is set up and played."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import typing as t

from sandbox import database as db
from sandbox.process import Sandbox, SandboxError

from .between import put_between
from .front_doors import PATIENCE, WAITING, FrontDoors
from .judge import Run
from .many import Failed, Many, Work
from .many_judge import Facts, conclusive
from .moves import Scene
from .play import CALLERS, PASSWORD, PLAYBOOK, USERS, Play, request_of
from .quick_jobs import QuickJobs
from .records import FINAL, Records
from .running_sources import ending, let_run
from .scenario import Round
from .workflow_judge import Workflow
from .workflow_play import WorkflowScene, before, by_another, came_of, set_up

if t.TYPE_CHECKING:
    from sandbox.faults import Rule


class ManyPlay(Play):
    """One scenario of many jobs being played in a sandbox."""

    def __init__(self, sandbox: Sandbox, doors: FrontDoors, scenario: Many, variant: str | None) -> None:
        self._scenario = scenario
        self._window = ("", "")
        self._workflow: WorkflowScene | None = None
        super().__init__(sandbox, doors, scenario, variant)

    def facts(self) -> Facts:
        """Play it, and gather what happened, once no job is on its way any more."""
        scenario = self._scenario
        with contextlib.ExitStack() as stack:
            self._doors.proxy = put_between(stack, scenario.proxy, self._rows, scenario.user)
            templates = dict.fromkeys(scene.template for scene in self._scenes)
            for template, work in zip(templates, scenario.works, strict=True):
                folder = self._sandbox.data_dir
                stack.enter_context(QuickJobs(folder, template, work.endings, scenario.seconds, failing=work.failing))
            if self._workflow is not None and scenario.workflow is not None:
                given, folder = scenario.workflow, self._sandbox.data_dir
                quick = QuickJobs(folder, self._workflow.nodes, given.endings, scenario.seconds, failing=given.on)
                stack.enter_context(quick)
                before(self._sandbox, given, self._workflow)
            selected = [job for work in scenario.works for job in work.jobs]
            running = [scene.source for scene, job in zip(self._scenes, selected, strict=True) if job.running]
            stack.enter_context(ending(self._sandbox, running, scenario.event_lag))
            for round_ in scenario.rounds:
                self._round(round_)
            return self._gathered()

    def _set(self) -> tuple[Scene, ...]:
        token, start = self._new_token(), db.now()
        works = enumerate(self._scenario.works)
        scenes = [scene for number, work in works for scene in self._set_up(number, work)]
        if self._scenario.workflow is not None:
            name = f"Scenario {self._scenario.seed} {os.urandom(3).hex()}"
            self._workflow = set_up(self._sandbox, self._scenario.workflow, name, self._scenario.user)
        self._window = (start, db.now())
        before = frozenset(scene.source for scene in scenes)
        return tuple(dataclasses.replace(scene, before=before, token=token) for scene in scenes)

    def _set_up(self, number: int, work: Work) -> t.Iterator[Scene]:
        sandbox = self._sandbox
        made = sandbox.add_template(
            f"Scenario {self._scenario.seed}.{number} {os.urandom(3).hex()}",
            PLAYBOOK,
            hosts={name: {} for name in work.names},
            passwords=["ssh_password"] if work.passwords else [],
            asks=["verbosity", "credentials"],
            job_slice_count=work.slices,
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
                passwords={"ssh_password": PASSWORD} if work.passwords else {},
            )

    def _fail(self, template: int, work: Work, job: Failed) -> int:
        prompts = {"verbosity": 2} if job.prompted else {}
        fields: dict[str, t.Any] = {"template": template, "user": self._scenario.user, **prompts, "prompts": prompts}
        if job.part:
            fields.update(self._slice(template, work, job.part))
        if not job.on:
            return self._sandbox.make_job(**fields, status="error", stats=False)
        names = job.on if job.cut_short else work.of_slice(job.part)
        outcomes = {name: "failed" if name in job.on else "ok" for name in names}
        made = self._sandbox.make_job(**fields, status="failed", hosts=outcomes)
        if job.running:
            let_run(self._sandbox, made)
        return made

    def _slice(self, template: int, work: Work, part: int) -> dict[str, t.Any]:
        """What makes a job a slice of a run of its own."""
        count = {"job_slice_count": work.slices}
        run = self._sandbox.make_job(template=template, type="workflow_job", status="failed", is_sliced_job=1, **count)
        return {"launch_type": "workflow", "workflow_job": run, "job_slice_number": part, **count}

    def _acts(self, round_: Round) -> list[Rule]:
        acts, given = super()._acts(round_), self._scenario.workflow
        if given is not None and self._workflow is not None and round_ is self._scenario.rounds[0]:
            act = by_another(given, self._workflow)
            acts += [] if act is None else [act]
        return acts

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
            if self._workflow is not None:
                options["job_ids"].append(self._workflow.source)
        else:
            options["finished_after"], options["finished_before"] = self._window
            if self._workflow is None:
                # With it workflow jobs are not selected.
                options["job_templates"] = sorted({str(scene.template) for scene in self._scenes})
        broken_off = round_.broken_off if round_ else None
        run = self._doors.module(options, self._variant, "bulk_job_relaunch", broken_off)
        # It may have ended before so many requests.
        came = run.result is None or str(run.result.get("msg")).startswith("Interrupted")
        return dataclasses.replace(run, broken_off=broken_off is not None and came)

    def _came_of_workflow(self) -> Workflow | None:
        """What came of the workflow job, once that is over."""
        if self._workflow is None:
            return None
        deadline = time.monotonic() + 30
        with db.opened(self._path) as database:
            while True:
                found = came_of(database, self._workflow)
                if all(run.status in FINAL for run in found.runs):
                    return found
                if time.monotonic() > deadline:
                    raise SandboxError(f"not over: {found}")
                time.sleep(0.05)

    def _gathered(self) -> Facts:
        scenario, entries = self._scenario, self._settled()
        works = []
        selected = [job for work in scenario.works for job in work.jobs]
        never_began = {
            scene.source: frozenset(number for number, name in scene.hosts if name not in job.on)
            for scene, job in zip(self._scenes, selected, strict=True)
            if job.cut_short
        }
        for scene in self._scenes:
            jobs = {
                number: dataclasses.replace(job, never_began=never_began.get(number, frozenset()))
                for number, job in self._jobs(scene).items()
            }
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
            workflow=self._came_of_workflow(),
            passwords=frozenset(scene.template for scene in self._scenes if scene.passwords),
            runs=tuple(sorted(self._runs, key=lambda run: run.started)),
            requests=tuple(map(request_of, entries)),
            users=dict(zip(CALLERS, (scenario.user, other), strict=True)),
            before=self._before,
            restarts=tuple(self._restarts),
            proxied=scenario.proxy is not None,
            secrets=tuple(self._secrets),
        )
