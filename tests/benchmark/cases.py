# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: rounds in which every contender runs the same errand, against a sandbox of its own."""

from __future__ import annotations

import concurrent.futures
import datetime
import tempfile
import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.process import Sandbox

from .contenders import ALL, AT_ONCE, MANY, Contender, Errand

# A job is over within this many seconds after it should be.
PATIENCE = 60.0

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Take a while
      ansible.builtin.command: sleep {{ seconds }}
"""


@dataclass(frozen=True)
class Case:
    """One kind of errand."""

    key: str
    title: str
    #: How many jobs are relaunched.
    jobs: int = 1
    #: How long a job takes, seconds; None where nobody waits, and no job runs.
    lasts: float | None = None
    #: Whether the contenders of a round run at the same time, since they do nothing but wait.
    together: bool = False
    #: Whether jobs end at once without running a playbook, so that what is measured is all that is done around them.
    at_once: bool = False
    rounds: int = 1

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Who takes part."""
        return MANY if self.at_once else ALL

    @property
    def whole(self) -> bool:
        """Whether the whole process is measured; else from the end of the job to that of the task."""
        return self.lasts is None or self.at_once


ONE = Case("one", "One relaunch, without waiting", rounds=9)
LOOP = Case("loop", "50 relaunches in a loop, without waiting", jobs=50, rounds=3)
SHORT = Case("short", "A relaunch that waits for a job of 3 seconds", lasts=3, rounds=4)
LONG = Case("long", "A relaunch that waits for a job of 60 seconds", lasts=60, together=True, rounds=3)
MANY_JOBS = Case("many", "100 failed jobs, waited for", jobs=100, lasts=0, at_once=True, rounds=1)
CASES = (ONE, LOOP, SHORT, LONG, MANY_JOBS)


@dataclass(frozen=True)
class Condition:
    """How the controller is reached."""

    tls: bool
    #: How long it takes to answer, seconds.
    answer: float

    @property
    def title(self) -> str:
        return f"{'TLS' if self.tls else 'HTTP'}, {1000 * self.answer:.0f} ms"


CONDITIONS = tuple(Condition(tls, answer) for tls in (False, True) for answer in (0.0, 0.05))


def conditions(case: Case) -> tuple[Condition, ...]:
    """Those under which a case is measured: of what takes long, the ones that tell something."""
    if case.together:
        return CONDITIONS[-1:]
    return tuple(condition for condition in CONDITIONS if not (case.at_once and condition.tls))


@dataclass(frozen=True)
class Measured:
    """One run of one contender."""

    #: Of the whole process; for a case that waits for one job, from the end of the job to the end of the task.
    seconds: float
    requests: int
    connections: int


#: By the contender's name, a run for each round.
Rounds = dict[str, list[Measured]]


def measure(
    case: Case,
    condition: Condition,
    contenders: t.Sequence[Contender],
    collections: str,
    rounds: int,
    tell: t.Callable[[str], None],
) -> Rounds:
    """Measure a case under a condition.

    :param collections: where Ansible finds the collections.
    :param rounds: how often; before them each contender relaunches one job to warm up, which does not count.
    :param tell: is told of each round.
    :raises RuntimeError: a contender has failed, or has not launched as many jobs as it should.
    """
    measured: Rounds = {contender.name: [] for contender in contenders}
    with tempfile.TemporaryDirectory() as scratch:
        arenas = [_Arena(Path(scratch, str(number)), case, condition) for number in range(len(contenders))]
        try:
            for contender, arena in zip(contenders, arenas, strict=True):
                arena.run(replace(case, jobs=1, lasts=case.lasts and 0.0), contender, collections)
            for number in range(rounds):
                tell(f"{case.title}; {condition.title}: round {number + 1} of {rounds}")
                # A look comes at any moment after the end of a job, since jobs last up to a second more or less.
                more = (2 * number + 1) / rounds - 1
                errand = replace(case, lasts=case.lasts and case.lasts + more)
                shift = number % len(contenders)
                order = list(zip(contenders, arenas, strict=True))
                order = order[shift:] + order[:shift]
                with concurrent.futures.ThreadPoolExecutor(len(order) if case.together else 1) as pool:
                    runs = [pool.submit(arena.run, errand, contender, collections) for contender, arena in order]
                    for (contender, _arena), run in zip(order, runs, strict=True):
                        measured[contender.name].append(run.result())
        finally:
            for arena in arenas:
                arena.close()
    return measured


class _Arena:
    """A sandbox for one contender, so that nothing of another is in its way."""

    def __init__(self, folder: Path, case: Case, condition: Condition) -> None:
        self._folder = folder
        self._runs = 0
        self._sandbox = Sandbox(folder / "sandbox", tls=condition.tls)
        self._sandbox.start()
        self._settings: dict[str, t.Any] = {"answer_delay": condition.answer}
        if case.lasts is None:
            self._settings["max_running"] = 0
        elif case.at_once:
            self._settings["max_running"] = AT_ONCE

    def close(self) -> None:
        self._sandbox.stop()

    def run(self, case: Case, contender: Contender, collections: str) -> Measured:
        """Run a contender once."""
        sandbox = self._sandbox
        sandbox.settings(answer_delay=0.0)
        self._runs += 1
        names = [f"Work {self._runs}.{number}" for number in range(case.jobs)]
        variables = {"seconds": case.lasts or 0.0}
        # As most templates have one.
        options: dict[str, t.Any] = {"credentials": [{"name": "machine"}]}
        options.update({"outcomes": {}} if case.at_once else {})
        templates = [
            int(
                sandbox.add_template(name, PLAYBOOK, hosts={"web1": {}, "web2": {}}, extra_vars=variables, **options)[
                    "id"
                ]
            )
            for name in names
        ]
        failed = {"status": "failed", "hosts": {"web1": "failed", "web2": "failed"}}
        jobs = [sandbox.make_job(template=template, **failed) for template in templates]
        sandbox.settings(**self._settings)
        sandbox.clear_log()

        errand = Errand(tuple(jobs), tuple(names), wait=case.lasts is not None)
        ended = contender.run(sandbox, errand, self._folder / str(self._runs), collections)

        log = sandbox.log()
        sandbox.settings(answer_delay=0.0)
        made = sandbox.request("GET", f"/jobs/?id__gt={jobs[-1]}&page_size=200").body["results"]
        if len(made) != case.jobs:
            raise RuntimeError(f"{contender.name} launched {len(made)} jobs, not {case.jobs}")
        seconds = ended.seconds
        if not case.whole:
            sandbox.wait(made[0]["id"], timeout=PATIENCE)
            seconds = ended.last_task - _epoch(sandbox.job(made[0]["id"])["finished"])
        return Measured(seconds, len(log), len({entry["connection"] for entry in log}))


def _epoch(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()
