# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look knows the newest word on each host, whatever happened; one that remembers earlier ones comes to the same."""

from __future__ import annotations

import random
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api import jobs as _jobs
from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._job.case import Case, Memory, look
from ansible_collections.relaunch.controller.plugins.module_utils._job.options import RelaunchRequest
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting, Watch
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import ALL, FAILED, Wish, decide
from ansible_collections.relaunch.controller.plugins.module_utils._work.history import Host
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import (
    SOURCE,
    Ran,
    RelaunchingController,
)

HOSTS = ("web1", "web2", "web3", "web4", "web5")


class World:
    """What others may do to a job and its relaunches between two looks."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.controller = RelaunchingController(self._ran, *HOSTS[:3])
        self._active: dict[int, dict[str, t.Any]] = {}

    def _ran(self, _number: int, hosts: tuple[str, ...]) -> Ran:
        if self._random.random() < 0.2:
            return self._random.choice(["error", "failed", "canceled"])
        runs = [name for name in hosts or HOSTS if self._random.random() < 0.8]
        return {name: self._random.random() < 0.6 for name in runs}

    def move(self) -> None:
        roll = self._random.random()
        jobs = self.controller.jobs
        if self._active and roll < 0.5:
            number = self._random.choice(sorted(self._active))
            jobs[number] = self._active.pop(number)
        elif roll < 0.55:
            self.controller.deleted.add(self._random.choice(HOSTS))
        elif roll < 0.6:
            self.controller.disabled.symmetric_difference_update({self._random.choice(HOSTS)})
        else:
            hosts = "all" if self._random.random() < 0.1 else "failed"
            number = self.controller.relaunch(self._random.choice(sorted(set(jobs) - set(self._active))), hosts)["id"]
            if self._random.random() < 0.2:
                self._active[number] = jobs[number]
                jobs[number] = {**jobs[number], "status": "running", "finished": None}


def seen(world: World, client: ControllerClient, hosts: str, memory: Memory | None) -> tuple[t.Any, ...]:
    """What a look comes to: the decision and the words, jobs by number."""
    request = RelaunchRequest(job_id=SOURCE, wish=Wish(hosts=hosts, wait=True))
    case: Case = look(client, request, Watch(client, Waiting(wait=True)), _jobs.get(client, SOURCE), memory)
    decision, words = decide(case.history, request.wish), case.history.words
    said = {name: _plain(getattr(decision, name, ())) for name in ("reason", "hosts", "due", "left", "rest")}
    recovered = words and {host: job.id for host, job in words.recovered.items()}
    assert words is None or {host.name for host in words.remaining} == world.controller.remaining
    return type(decision), said, recovered, words and _plain(words.remaining), case.history.newest


def _plain(told: str | tuple[Host, ...]) -> str | list[str]:
    # Where a look remembers, it need not know of each job that a host failed in.
    return told if isinstance(told, str) else [host.name for host in told]


@pytest.mark.parametrize("seed", range(40))
def test_a_look_that_remembers(seed: int) -> None:
    world, memory = World(seed), Memory()
    with world.controller.client(Clock()) as client:
        for _step in range(12):
            for hosts in (FAILED, ALL):
                assert seen(world, client, hosts, memory) == seen(world, client, hosts, None)
            assert memory.history is not None
            assert len(memory.history.relaunches) <= 2 * len(HOSTS) + 2
            world.move()
