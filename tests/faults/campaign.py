# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many scenarios, several at a time, each worker with a sandbox of its own; and the report on them."""

from __future__ import annotations

import collections
import contextlib
import queue
import sys
import tempfile
import threading
import time
import traceback
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from . import many_judge
from .front_doors import FrontDoors
from .judge import Kind, Verdict, judge
from .many import many_of
from .scenario import Scenario, scenario_of
from .stage import Door, Sandboxes, Stage

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
        table = [["", "scenarios", "faults met", "task runs", *(kind.value for kind in Kind)]]
        for task, name in ROWS.items():
            ours = [one for one in self.outcomes if one.task == task]
            if not ours:
                continue
            # A scenario counts once under each heading, however often it goes wrong in that way.
            wrong = collections.Counter(kind for one in ours for kind in {verdict.kind for verdict in one.verdicts})
            figures = [len(ours), sum(one.faults for one in ours), sum(one.runs for one in ours)]
            table.append([name, *map(str, figures), *(str(wrong[kind]) for kind in Kind)])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        table.insert(1, ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])])
        return [
            "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |" for row in table
        ]


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
    report, work = Report(), queue.SimpleQueue[tuple[int, Task]]()
    total = len(seeds) + uri + len(many)
    for number, seed in enumerate(seeds):
        work.put((seed, door_of(scenario_of(seed))))
        if number < uri:
            work.put((seed, "uri"))
    for seed in many:
        work.put((seed, "many"))
    stopping = threading.Event()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        threads = [
            threading.Thread(target=_work, args=(Path(folder, str(number)), work, report, stopping))
            for number in range(max(1, min(workers, total)))
        ]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                time.sleep(0.2)
                if progress:
                    done, wrong = (
                        len(report.outcomes),
                        sum(bool(o.verdicts) for o in report.outcomes if o.task != "uri"),
                    )
                    print(f"\r{done} of {total}, {wrong} wrong ", end="", file=sys.stderr, flush=True)
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
            if progress:
                print("\r\033[K", end="", file=sys.stderr, flush=True)
    report.seconds = time.monotonic() - start
    return report


def _work(folder: Path, work: queue.SimpleQueue[tuple[int, Task]], report: Report, stopping: threading.Event) -> None:
    """A worker: plays what there is to play. A sandbox that a scenario broke is replaced by a new one."""
    for number in range(100):
        place = folder / str(number)
        try:
            with Sandboxes(place / "sandboxes") as sandboxes, FrontDoors(place / "doors") as doors:
                stage = Stage(sandboxes, doors)
                while not stopping.is_set():
                    try:
                        seed, task = work.get_nowait()
                    except queue.Empty:
                        return
                    with _named(seed, task):
                        report.outcomes.append(_played(stage, seed, task))
        except Exception:
            report.broken.append(traceback.format_exc())
        if stopping.is_set():
            return


def _played(stage: Stage, seed: int, task: Task) -> Outcome:
    if task == "many":
        many = stage.play_many(many_of(seed))
        requests, runs, verdicts = many.requests, many.runs, many_judge.judge(many)
    else:
        facts = stage.play(scenario_of(seed), task)
        requests, runs, verdicts = facts.requests, facts.runs, judge(facts)
    met = sum(request.fault is not None for request in requests)
    return Outcome(seed, task, tuple(verdicts), met, len(runs))


@contextlib.contextmanager
def _named(seed: int, task: Task) -> t.Iterator[None]:
    """Put the scenario's name to whatever breaks it."""
    try:
        yield
    except Exception as problem:
        problem.add_note(f"in the scenario with seed {seed}, {ROWS[task]}")
        raise
