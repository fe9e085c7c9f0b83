# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts of a failed run were brought to its end, told from the events of real jobs."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._work.end_of_run_reader import (
    EndOfRun,
    read_end_of_run,
)
from ansible_collections.relaunch.controller.tests.unit.recorded_controller import RecordedController
from ansible_collections.relaunch.controller.tests.unit.recorded_plays import (
    DONE,
    FAILED,
    GROUPS,
    STOPPED,
    Json,
    Shape,
    rows,
    shapes,
)

SHAPES = shapes()
RUN, FIRST_MEASURE = 42, 43


@dataclass
class World:
    """A controller with a failed job and others of its work, and the inventory 1 with its groups."""

    source: Json
    others: t.Sequence[Json]
    facts: Json = field(default_factory=dict)
    lists: dict[str, t.Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, job in enumerate((self.source, *self.others), RUN):
            self.lists[f"jobs/{number}/job_events/"] = rows(job)
        self.lists["inventories/1/groups/"] = [{"id": number, "name": name} for number, name in enumerate(GROUPS)]
        for number, hosts in enumerate(GROUPS.values()):
            self.lists[f"groups/{number}/all_hosts/"] = [{"name": name} for name in hosts]

    def read(self, measure: int, kept: dict[int, t.Any] | None = None) -> EndOfRun:
        """How the run ended, measured by one of the others (from 1), or by itself (0)."""
        jobs = (self.source, *self.others)
        run = Job({"id": RUN, "status": "failed", "inventory": 1, "scm_revision": "abc", **self.facts})
        other = Job({"id": RUN + measure, "status": jobs[measure]["status"], "scm_revision": "abc"})
        summaries = [HostSummary.of(entry) for entry in self.source["host_summaries"]]
        with RecordedController(self.lists) as controller:
            connection = ConnectionOptions(controller.url, token="t0ken", max_retries=0, api_prefix="/api/v2/")
            with contextlib.closing(ControllerClient(connection)) as client:
                end = read_end_of_run(client, run, run if measure == 0 else other, lambda: summaries, kept)
        self.asked = controller.asked
        return end

    def forbid_inventory(self) -> None:
        """Who may only execute a template may not read the inventory."""
        self.lists["inventories/1/groups/"] = 403


def world(name: str) -> World:
    return World(SHAPES[name].source, SHAPES[name].others)


def said(shape: Shape, end: EndOfRun) -> dict[str, str]:
    """What is made of each host, in the words of the verdict; nothing of those without a summary if all were begun."""
    failed = {entry["host_name"]: entry["failed"] for entry in shape.source["host_summaries"]}
    left = dict.fromkeys(shape.verdict, STOPPED) if end.never_begun else {}
    return {**left, **{name: FAILED if failed[name] else STOPPED if name in end.stopped else DONE for name in failed}}


def wrong(shape: Shape, end: EndOfRun) -> dict[str, list[str]]:
    """Hosts that are called done and are not, and the other way round; a summary alone tells who failed."""
    words = said(shape, end)
    hosts: dict[str, list[str]] = {}
    for host, verdict in shape.verdict.items():
        word = words.get(host, DONE)
        if FAILED not in (verdict, word) and verdict not in (None, word):
            hosts.setdefault(word, []).append(host)
    return hosts


# Shapes whose hosts are called stopped although they are done: the safe side.
FALSE_STOPPED = {
    "end_play": "the play ended early for all in the run, and not in its measure: it could have stopped as well",
    "include-by-host": "what the failed host has in its file was started in the measure alone",
    "x-rescue-in-relaunch-only": "the rescue in the measure cannot be told from a task that the run did not get to",
}
# Measured by the run on all hosts, which had no failure.
WHOLE_IS_RIGHT = {"x-rescue-in-relaunch-only"}


@pytest.mark.parametrize("name", SHAPES)
def test_measured_by_the_relaunch_on_failed_hosts(name: str) -> None:
    there = world(name)

    assert set(wrong(SHAPES[name], there.read(1))) == ({STOPPED} if name in FALSE_STOPPED else set())
    assert len(there.asked) <= 8


@pytest.mark.parametrize("name", SHAPES)
def test_measured_by_a_run_on_all_hosts(name: str) -> None:
    there = world(name)

    expected = {STOPPED} if name in FALSE_STOPPED and name not in WHOLE_IS_RIGHT else set()
    assert set(wrong(SHAPES[name], there.read(len(there.others)))) == expected


@pytest.mark.parametrize("name", SHAPES)
def test_measured_by_itself_nobody_is_called_done_wrongly(name: str) -> None:
    end = world(name).read(0)

    mistaken = wrong(SHAPES[name], end)
    assert DONE not in mistaken
    assert set(mistaken.get(STOPPED, ())) <= end.unproven | (end.stopped if name in FALSE_STOPPED else set())


@pytest.mark.parametrize("measure", [0, 1])
@pytest.mark.parametrize("name", SHAPES)
def test_for_who_may_not_read_the_inventory_nobody_is_called_done_wrongly(name: str, measure: int) -> None:
    there = world(name)
    there.forbid_inventory()

    assert DONE not in wrong(SHAPES[name], there.read(measure))
