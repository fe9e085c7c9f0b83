# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many worlds of real playbooks, several at a time, each worker with a sandbox of its own; and the report on them."""

from __future__ import annotations

import contextlib
import tempfile
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.process import Sandbox

from ..workers import play_all, table
from . import tasks
from .facts import KINDS, Facts
from .judge import Finding, Kind, false_alarms, judge
from .play import TruthPlay
from .playbook import content
from .story import story
from .worlds import World, world_of


@dataclass(frozen=True)
class Played:
    """What came of a world.

    :param alarms: jobs launched on all hosts in honest doubt, though all was done.
    """

    world: World
    facts: Facts
    findings: tuple[Finding, ...]
    alarms: int

    def text(self) -> str:
        """The story and the findings."""
        findings = [f"{finding.kind.value}: {finding.why}" for finding in self.findings]
        return "\n".join([story(self.world, self.facts), *(findings or ["Nothing is wrong."])])


@dataclass
class Report:
    """What came of all of them; ``broken`` tells of worlds that could not be played."""

    worlds: list[Played] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def wrong(self) -> bool:
        return bool(self.broken) or any(played.findings for played in self.worlds)

    def text(self) -> str:
        """The table, and below it each world in which something is wrong, with its story."""
        lines = [*self._table(), "", f"{self.seconds:.0f} seconds."]
        for played in sorted(self.worlds, key=lambda played: played.world.seed):
            if played.findings:
                seed = played.world.seed
                lines += ["", f"Seed {seed}; again: make faults ARGS='--only-truth {seed}'"]
                lines += [f"  {line}" for line in played.text().splitlines()]
        for text in self.broken:
            lines += ["", text]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        rows = []
        for name in KINDS:
            ours = [one for one in self.worlds if one.world.task.kind == name]
            figures = [len(ours), sum(len(one.facts.jobs) for one in ours), sum(len(one.facts.tasks) for one in ours)]
            # A world counts once under each heading, however often it goes wrong in that way.
            figures += [sum(any(f.kind is kind for f in one.findings) for one in ours) for kind in Kind]
            rows.append((name, [*figures, sum(one.alarms for one in ours)]))
        return table(["", "worlds", "jobs", "tasks", *(kind.value for kind in Kind), "false alarms"], rows)


def play(sandbox: Sandbox, world: World, run: tasks.Run = tasks.run) -> Played:
    """Play a world in a sandbox in which nothing else runs meanwhile, and judge it."""
    facts = TruthPlay(sandbox, world, run).facts()
    return Played(world, facts, tuple(judge(facts)), false_alarms(facts))


def run(seeds: t.Sequence[int], *, workers: int = 4, progress: bool = False) -> Report:
    """Play the worlds of these seeds.

    :param workers: how many at a time.
    :param progress: whether to keep a line on standard error up to date.
    """
    start, report = time.monotonic(), Report()

    @contextlib.contextmanager
    def place(folder: Path) -> t.Iterator[t.Callable[[int], None]]:
        with Sandbox(folder, event_lag=0.0) as sandbox:
            yield lambda seed: report.worlds.append(play(sandbox, world_of(seed)))

    def line() -> str:
        return f"{len(report.worlds)} of {len(seeds)}, {sum(bool(one.findings) for one in report.worlds)} wrong"

    report.broken = play_all(seeds, place, named="Seed {}".format, workers=workers, progress=line if progress else None)
    report.seconds = time.monotonic() - start
    return report


def replay(seed: int) -> int:
    """Play the world of a seed and print its playbook and its story; 1 if anything is wrong."""
    world = world_of(seed)
    with tempfile.TemporaryDirectory(prefix="truth-") as folder, Sandbox(folder, event_lag=0.0) as sandbox:
        played = play(sandbox, world)
    print(f"{content(world.book, 'WORLD')}\n{played.text()}")
    return 1 if played.findings else 0
