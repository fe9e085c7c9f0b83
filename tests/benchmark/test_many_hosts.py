# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a job with thousands of failed hosts costs, in time of our own; told, not asserted."""

from __future__ import annotations

import sys
import time
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._job.options import RelaunchRequest
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import RelaunchOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._job.relaunch_job import relaunch_job
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import RelaunchOptions
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import (
    SOURCE,
    RelaunchingController,
    listed,
)

HOSTS = 6000


# What each job starts: a play of one task.
STARTS = [
    {
        "event": "playbook_on_play_start",
        "counter": 2,
        "uuid": "p",
        "play": "Deploy",
        "event_data": {"play_pattern": "all"},
    },
    {"event": "playbook_on_task_start", "counter": 3, "uuid": "t", "task": "Start", "event_data": {"task_path": "a:1"}},
]


class Timed(RelaunchingController):
    """Knows how much of the process's time its answers have taken."""

    own = 0.0

    def _answer(self, method: str, parts: list[str], query: dict[str, str], sent: t.Any) -> tuple[int, t.Any]:
        if "playbook_on_play_start" in query.get("event__in", ""):
            return 200, listed(STARTS, query)
        if parts[0] == "inventories" and "id__in" not in query:
            return 200, listed([], query)
        return super()._answer(method, parts, query, sent)

    def send(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        began = time.process_time()
        try:
            return super().send(*arguments, **options)
        finally:
            self.own += time.process_time() - began


def _names(number_of_hosts: int) -> list[str]:
    return [f"web{number:04}.example.com" for number in range(number_of_hosts)]


def _controller(number_of_hosts: int, relaunches: int) -> Timed:
    """Each relaunch heals a quarter of the hosts that it runs on; the task's own heals all that are left."""

    def ran(number: int, limit: tuple[str, ...]) -> dict[str, bool]:
        healed = len(limit) // 4 if number <= relaunches else len(limit)
        return {name: place >= healed for place, name in enumerate(limit)}

    controller, newest = Timed(ran, *_names(number_of_hosts)), SOURCE
    for _number in range(relaunches):
        newest = controller.relaunch(newest)["id"]
    return controller


def _relaunched(controller: Timed, wait: bool) -> RelaunchOutcome:
    options = RelaunchOptions(hosts="failed", wait=wait)
    request = RelaunchRequest(job_id=SOURCE, options=options, waiting=Waiting(wait=wait))
    with controller.client(Clock()) as client:
        return relaunch_job(client, request)


@pytest.mark.parametrize(("relaunches", "wait"), [(0, False), (3, True)], ids=["first", "fourth, and its end"])
def test_a_look_at_thousands_of_failed_hosts(relaunches: int, wait: bool, capsys: pytest.CaptureFixture[str]) -> None:
    controller, left = _controller(HOSTS, relaunches), HOSTS
    for _number in range(relaunches):
        left -= left // 4
    began = time.process_time()
    outcome = _relaunched(controller, wait)
    spent = time.process_time() - began - controller.own

    assert outcome.changed and len(outcome.hosts or ()) == left
    with capsys.disabled():
        after = f"after {relaunches} relaunches{', to the end' if wait else ''}"
        print(f"\n{HOSTS} failed hosts {after}: {spent:.2f} s of our own, {len(controller.asked)} requests")


def _calls_with(number_of_hosts: int, active: bool) -> int:
    """How many calls a task takes behind three relaunches.

    :param active: the last one goes on, with half of the hosts as its limit.
    """
    controller, calls = _controller(number_of_hosts, 3), 0
    if active:
        limit = ",".join(_names(number_of_hosts // 2))
        controller.jobs[max(controller.jobs)].update(status="running", finished=None, limit=limit)

    def count(_frame: t.Any, event: str, _argument: t.Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        _relaunched(controller, wait=not active)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("active", [False, True], ids=["to the end", "beside one on a half of them"])
def test_twice_as_many_hosts_take_no_more_than_twice_the_calls(active: bool) -> None:
    few, many = (_calls_with(number, active) for number in (200, 400))

    assert many / few < 2.1
