# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many scenarios, several at a time, each worker with a sandbox of its own; and the report on them."""

from __future__ import annotations

import collections
import contextlib
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from . import many_judge
from .front_doors import FrontDoors
from .judge import Kind, Verdict, judge
from .many import many_of
from .scenario import Scenario, scenario_of
from .stage import Door, Sandboxes, Stage
from .workers import play_all, table

# What is played: a task about one job through a door, or one about many.
Task = Door | t.Literal["many"]

# The rows of the table. What ansible.builtin.uri does wrong is shown, and is nobody's failure.
ROWS: dict[Task, str] = {
    "module": "job_relaunch, module",
    "playbook": "job_relaunch, playbook",
    "many": "bulk_job_relaunch, module",
    "uri": "ansible.builtin.uri, until/retries",
}


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario."""

    seed: int
    task: Task
    verdicts: tuple[Verdict, ...]
    faults: int = 0
    runs: int = 1


@dataclass
class Report:
    """What came of all of them; ``broken`` tells of scenarios that could not be played."""

    outcomes: list[Outcome] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def wrong(self) -> bool:
        """Whether a module did anything wrong, or anything could not be played."""
        return bool(self.broken) or any(one.verdicts for one in self.outcomes if one.task != "uri")

    def text(self) -> str:
        """The table and, below it, each thing that is wrong with a module."""
        lines = [*self._table(), "", f"{self.seconds:.0f} seconds."]
        for one in sorted(self.outcomes, key=lambda one: one.seed):
            if one.task != "uri" and one.verdicts:
                only = "--only-many" if one.task == "many" else "--only"
                lines += ["", f"Seed {one.seed}, {ROWS[one.task]}; again: make faults ARGS='{only} {one.seed}'"]
                lines += [f"  {verdict.kind.value}: {verdict.why}" for verdict in one.verdicts]
        for text in self.broken:
            lines += ["", text]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        rows = []
        for task, name in ROWS.items():
            ours = [one for one in self.outcomes if one.task == task]
            if not ours:
                continue
            # A scenario counts once under each heading, however often it goes wrong in that way.
            wrong = collections.Counter(kind for one in ours for kind in {verdict.kind for verdict in one.verdicts})
            figures = [len(ours), sum(one.faults for one in ours), sum(one.runs for one in ours)]
            rows.append((name, [*figures, *(wrong[kind] for kind in Kind)]))
        return table(["", "scenarios", "faults met", "task runs", *(kind.value for kind in Kind)], rows)


def door_of(scenario: Scenario) -> Door:
    """The front door that job_relaunch is played through."""
    return "playbook" if scenario.playbook else "module"


def run(
    seeds: t.Sequence[int], *, uri: int = 0, many: t.Sequence[int] = (), workers: int = 2, progress: bool = False
) -> Report:
    """Play the scenarios of these seeds, the first of them also with ansible.builtin.uri.

    :param uri: how many are.
    :param many: the seeds of the scenarios of many jobs.
    :param workers: how many at a time.
    :param progress: whether to keep a line on standard error up to date.
    """
    start = time.monotonic()
    report = Report()
    work: list[tuple[int, Task]] = []
    for number, seed in enumerate(seeds):
        work.append((seed, door_of(scenario_of(seed))))
        if number < uri:
            work.append((seed, "uri"))
    work += [(seed, "many") for seed in many]

    @contextlib.contextmanager
    def place(folder: Path) -> t.Iterator[t.Callable[[tuple[int, Task]], None]]:
        with Sandboxes(folder / "sandboxes") as sandboxes, FrontDoors(folder / "doors") as doors:
            stage = Stage(sandboxes, doors)
            yield lambda one: report.outcomes.append(_played(stage, *one))

    def line() -> str:
        wrong = sum(bool(one.verdicts) for one in report.outcomes if one.task != "uri")
        return f"{len(report.outcomes)} of {len(work)}, {wrong} wrong"

    report.broken = play_all(work, place, named=_name, workers=workers, progress=line if progress else None)
    report.seconds = time.monotonic() - start
    return report


def _name(one: tuple[int, Task]) -> str:
    seed, task = one
    return f"Seed {seed}, {ROWS[task]}"


def _played(stage: Stage, seed: int, task: Task) -> Outcome:
    if task == "many":
        many = stage.play_many(many_of(seed))
        requests, runs, verdicts = many.requests, many.runs, many_judge.judge(many)
    else:
        facts = stage.play(scenario_of(seed), task)
        requests, runs, verdicts = facts.requests, facts.runs, judge(facts)
    met = sum(request.fault is not None for request in requests)
    return Outcome(seed, task, tuple(verdicts), met, len(runs))
