# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One scenario again, with all that can be told of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tempfile
import typing as t
from pathlib import Path

from . import many_judge
from .campaign import ROWS, Task, door_of
from .front_doors import FrontDoors
from .judge import Facts, Verdict, judge
from .many import Many, many_of
from .records import Host, Job
from .scenario import Scenario, scenario_of
from .stage import Sandboxes, Stage


def replay(seed: int, *, uri: bool = False) -> int:
    """Play the scenario of a seed and print all about it; 1 if anything is wrong with it.

    The faults are the same again; how processes and the restart fall together differs a little from time to time.
    """
    scenario = scenario_of(seed)
    door = "uri" if uri else door_of(scenario)
    with _stage() as stage:
        facts = stage.play(scenario, door)
    return _printed(told(scenario, door, facts), judge(facts))


def replay_many(seed: int) -> int:
    """The same with a scenario of many jobs."""
    scenario = many_of(seed)
    with _stage() as stage:
        facts = stage.play_many(scenario)
    return _printed(told(scenario, "many", facts), many_judge.judge(facts))


@contextlib.contextmanager
def _stage() -> t.Iterator[Stage]:
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        Sandboxes(Path(folder, "sandboxes")) as sandboxes,
        FrontDoors(Path(folder, "doors")) as doors,
    ):
        yield Stage(sandboxes, doors)


def _printed(text: str, verdicts: t.Sequence[Verdict]) -> int:
    print(text)
    for verdict in verdicts:
        print(f"{verdict.kind.value}: {verdict.why}")
    if not verdicts:
        print("Nothing is wrong.")
    return 1 if verdicts else 0


def told(scenario: Scenario | Many, task: Task, facts: Facts | many_judge.Facts) -> str:
    """The scenario and what happened, for a person."""
    start = facts.runs[0].started
    lines = [f"Scenario {scenario.seed}, {ROWS[task]}"]
    for name, value in dataclasses.asdict(dataclasses.replace(scenario, rounds=())).items():
        if name not in ("seed", "rounds"):
            lines.append(f"  {name}: {value}")
    for number, round_ in enumerate(scenario.rounds, 1):
        lines.append(f"  round {number}: restart {round_.restart}, lasting {round_.lasting}, twin {round_.twin}")
        if round_.broken_off is not None:
            lines.append(f"    {round_.broken_off}")
        lines += [f"    {move}" for move in round_.moves]
        lines += [f"    rule: {json.dumps(rule)}" for rule in round_.rules]
    for number, run in enumerate(facts.runs, 1):
        lines += ["", f"Run {number}, from {run.started - start:.2f} to {run.ended - start:.2f} s"]
        for request in facts.of_run(run):
            fault = f"  <- {json.dumps(request.fault)}" if request.fault else ""
            answer = request.status or "no answer"
            query = f"?{request.query}" if request.query else ""
            lines.append(f"  {request.time - start:6.2f}  {request.method} {request.path}{query}: {answer}{fault}")
        if run.result is None:
            lines.append(run.output)
        else:
            shown = {
                name: value for name, value in run.result.items() if name not in ("job", "invocation", "stdout_tail")
            }
            lines += [f"  {line}" for line in json.dumps(shown, indent=2).splitlines()]
    lines += ["", "Jobs"]
    jobs, hosts = _in_records(facts)
    for job in jobs:
        end = "never" if job.finished is None else f"{job.finished - start:.2f} s"
        lines.append(
            f"  {job.id}: {job.status}, by {job.creator}, from {job.created - start:.2f} s to {end}, {job.job_type} on "
            f"{sorted(job.limit)}, prompts {job.prompts}, failed {dict(job.words)}"
        )
    lines += [f"  {host}" for host in hosts]
    return "\n".join([*lines, ""])


def _in_records(facts: Facts | many_judge.Facts) -> tuple[list[Job], list[Host]]:
    if isinstance(facts, Facts):
        return [facts.records.source, *facts.records.jobs], list(facts.records.hosts)
    hosts = {host.id: host for _template, records in facts.works for host in records.hosts}
    return list(facts.jobs.values()), list(hosts.values())
