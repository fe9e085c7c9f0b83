# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a job stopped before its end, told from the events of real jobs."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._work.cut_short import (
    CutShort,
    Targets,
    stopped_early,
    targets,
)
from ansible_collections.relaunch.controller.tests.sandbox.cut_short.cases import COMPLETE, CUT_SHORT, Case
from ansible_collections.relaunch.controller.tests.unit.recorded_controller import RecordedController
from ansible_collections.relaunch.controller.tests.unit.recorded_jobs import events

RECORDED = {
    path.stem.partition("-")[2]: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "cut_short").glob("core-*.json"))
}
CASES = {case.name: case for case in (*CUT_SHORT, *COMPLETE)}
BOTH_CORES = pytest.mark.parametrize("core", RECORDED)

# What who may not read the inventory is told otherwise. Of a group the total number of hosts says nothing: where the
# relaunch went further that counts as cut short, else as complete. A disabled host is among the total.
TOLD_OTHERWISE = {
    "the first of a group, at the last task": None,
    "the first of the limit, a group": None,
    "too many errors in a batch, at the last task": None,
    "all of the limit, a group": "Update",
    "all of a group": "Update",
    "the last of a group": "Start",
    "all but a disabled one": "Update",
}


class World:
    """A controller with the job 42, its relaunch 43, and the inventory 1 with its groups."""

    def __init__(self, case: Case, recorded: t.Mapping[str, t.Any]) -> None:
        self.base, self.relaunch = recorded["base"], recorded["relaunch"]
        failed = sum(self.base["hosts"].values())
        self.failed = failed
        self.facts: dict[str, t.Any] = {
            "id": 42,
            "status": "failed",
            "limit": case.limit,
            "inventory": 1,
            "created": "2026-11-24T12:00:00Z",
            "host_status_counts": {"ok": len(self.base["hosts"]) - failed, "failures": failed},
            "summary_fields": {"inventory": {"id": 1, "kind": "", "total_hosts": len(case.hosts)}},
        }
        self.hosts = [self.host(name, enabled=name not in case.disabled) for name in case.hosts]
        self.lists: dict[str, t.Any] = {
            "jobs/42/job_events/": events(self.base["events"]),
            "jobs/43/job_events/": events(self.relaunch["events"]),
            "jobs/42/job_host_summaries/": [{"host_name": name} for name in self.base["hosts"]],
            "inventories/1/hosts/": self.hosts,
            "inventories/1/groups/": [{"id": number, "name": name} for number, name in enumerate(case.groups, 1)],
        }
        for number, names in enumerate(case.groups.values(), 1):
            self.lists[f"groups/{number}/all_hosts/"] = [host for host in self.hosts if host["name"] in names]
        self.asked: list[str] = []

    def host(self, name: str, *, enabled: bool = True, created: str = "2026-11-01T12:00:00Z") -> dict[str, t.Any]:
        jobs = [42] if name in self.base["hosts"] else []
        summaries = {"job_host_summaries__job": jobs, "constructed_host_summaries__job": []}
        return {"name": name, "enabled": enabled, "created": created, **summaries}

    def forbid_inventory(self) -> None:
        self.lists.update({"inventories/1/hosts/": 403, "inventories/1/groups/": 403})

    def verdict(self) -> CutShort | None:
        with RecordedController(self.lists) as controller:
            connection = ConnectionOptions(controller.url, token="t0ken", max_retries=0, api_prefix="/api/v2/")
            client = ControllerClient(connection)
            try:
                return stopped_early(client, Job(self.facts), Job({"id": 43, "status": "successful"}), self.failed)
            finally:
                self.asked = controller.asked


def world(name: str, core: str = "2.21") -> World:
    return World(CASES[name], RECORDED[core][name])


def stopped_at(verdict: CutShort | None) -> str | None:
    """The task in a verdict."""
    return verdict.at.split('"')[1] if verdict else None


@BOTH_CORES
@pytest.mark.parametrize("name", CASES)
def test_what_is_left(name: str, core: str) -> None:
    there = world(name, core)

    expected = CASES[name].stopped_at if CASES[name].completes_on != core else None
    assert stopped_at(there.verdict()) == expected
    assert len(there.asked) <= 5


@BOTH_CORES
@pytest.mark.parametrize("name", CASES)
def test_what_is_left_as_told_to_who_may_not_read_the_inventory(name: str, core: str) -> None:
    there = world(name, core)
    there.forbid_inventory()

    expected = CASES[name].stopped_at if CASES[name].completes_on != core else None
    assert stopped_at(there.verdict()) == TOLD_OTHERWISE.get(name, expected)


def test_the_cases_are_those_that_were_recorded() -> None:
    assert sorted(RECORDED) == ["2.16", "2.21"]
    for recorded in RECORDED.values():
        assert list(recorded) == list(CASES)


class TestWhatIsSaid:
    def test_hosts_that_were_stopped(self) -> None:
        assert world("any error").verdict() == CutShort(
            at='task "Update" of play "Roll out"',
            reason=(
                'hosts that did not fail were stopped as well; its relaunch went on to task "Start" of play "Roll out"'
            ),
        )

    def test_hosts_that_were_never_begun(self) -> None:
        verdict = world("the first, at the last task").verdict()

        assert verdict == CutShort('task "Check" of play "Roll out"', "there are hosts that it never got to")

    def test_a_play_that_was_never_started(self) -> None:
        verdict = world("all of the second play of three").verdict()

        assert verdict is not None
        assert verdict.reason == 'a later play was never started; its relaunch went on to play "Start databases"'


class TestRequests:
    def test_two_for_a_usual_failure(self) -> None:
        there = world("a usual failure")

        assert there.verdict() is None
        assert len(there.asked) == 2

    def test_one_where_the_job_went_on_to_another_batch(self) -> None:
        there = world("one of the first play")

        assert there.verdict() is None
        assert len(there.asked) == 1

    @pytest.mark.parametrize(
        "name", ["a usual failure at the last task", "all in the middle", "any error", "the first of a rolling update"]
    )
    def test_three_for_what_it_is_about(self, name: str) -> None:
        there = world(name)

        there.verdict()
        assert len(there.asked) == 3


def test_an_ignored_failure_is_none() -> None:
    there = world("a failure that does not matter")

    assert there.verdict() is None
    # The last failure is that of the first task, after which the others went on.
    assert len(there.asked) == 2


def test_handlers_and_meta_tasks_are_nothing_that_the_job_missed() -> None:
    there = world("a usual failure at the last task")
    more = [[900, "task", "m", "Restart now", "site.yml:90", "ansible.builtin.meta"]]
    more += [[901, "handler", "h", "Restart", "site.yml:91", "ansible.builtin.service"], [902, "ok", "h", "web1"]]
    there.lists["jobs/43/job_events/"] = events([*there.relaunch["events"], *more])

    assert there.verdict() is None


class TestTheWorldMoves:
    def test_a_host_that_was_added_since_was_not_left_out(self) -> None:
        there = world("all in the middle")
        there.hosts.append(there.host("web9", created="2026-11-24T13:00:00Z"))

        assert there.verdict() is None

    def test_a_host_that_was_there_was(self) -> None:
        there = world("all in the middle")
        there.hosts.append(there.host("web9"))

        assert stopped_at(there.verdict()) == "Update"

    def test_a_deleted_inventory_tells_nothing(self) -> None:
        there = world("all at the last task")
        there.facts["inventory"] = None

        assert there.verdict() is None

    def test_nor_does_one_that_is_deleted_meanwhile(self) -> None:
        there = world("all in the middle")
        there.lists["inventories/1/hosts/"] = 404
        there.facts["summary_fields"] = {}

        assert stopped_at(there.verdict()) == "Update"

    def test_events_that_may_not_be_read_tell_nothing(self) -> None:
        there = world("any error")
        there.lists["jobs/42/job_events/"] = 403

        assert there.verdict() is None

    @pytest.mark.parametrize("path", ["jobs/42/job_events/", "inventories/1/hosts/"])
    def test_any_other_refusal_is_an_error(self, path: str) -> None:
        there = world("all in the middle")
        there.lists[path] = 400

        with pytest.raises(AnswerError):
            there.verdict()


class TestWhoseJob:
    def test_a_slice_leaves_the_hosts_of_the_others_alone(self) -> None:
        there = world("all at the last task")
        there.facts["job_slice_count"] = 2
        there.hosts.append(there.host("web9"))

        assert there.verdict() is None

    def test_the_hosts_of_a_constructed_inventory_have_summaries_of_their_own(self) -> None:
        there = world("all at the last task")
        there.facts["summary_fields"]["inventory"]["kind"] = "constructed"
        for host in there.hosts:
            host.update(job_host_summaries__job=[], constructed_host_summaries__job=[42])

        assert there.verdict() is None

    def test_an_entry_of_a_list_does_not_count_its_hosts(self) -> None:
        there = world("the second of a rolling update")
        del there.facts["host_status_counts"]

        assert stopped_at(there.verdict()) == "Start"
        assert any(asked.startswith("jobs/42/job_host_summaries/") for asked in there.asked)

    def test_more_groups_than_are_worth_asking(self) -> None:
        there = world("all of the first play, at its last task")
        there.facts["limit"] = "web,db,cache"
        there.facts["host_status_counts"] = {"failures": 2}
        there.lists["inventories/1/groups/"] = [
            {"id": number, "name": name} for number, name in enumerate(("web", "db", "cache"))
        ]

        verdict = there.verdict()
        assert verdict is not None
        assert verdict.reason.startswith("whether there are hosts that it never got to cannot be known")

    def test_hosts_of_the_limit_that_the_play_leaves_out(self) -> None:
        there = world("the last of a group")
        there.facts["limit"] = "db1,web1,web2"

        verdict = there.verdict()
        assert verdict is not None
        assert verdict.reason.startswith("whether there are hosts")

    def test_a_play_on_localhost_that_was_never_started(self) -> None:
        there = world("all of the first play")
        there.lists["jobs/43/job_events/"][-1]["event_data"]["play_pattern"] = "localhost"
        there.hosts[:] = [host for host in there.hosts if host["name"] != "db1"]

        verdict = there.verdict()
        assert verdict is not None
        assert verdict.reason.startswith("a later play was never started")


def play(counter: int, name: str = "Roll out", pattern: str = "all") -> list[t.Any]:
    return [counter, "play", f"p{counter}", name, pattern]


def task(counter: int, name: str) -> list[t.Any]:
    return [counter, "task", name, name, f"/runner/project/site.yml:{name}", "ansible.builtin.command"]


def results(counter: int, task: str, **words: t.Iterable[str]) -> list[list[t.Any]]:
    """Results of a task: results(5, "Update", failed=["web1"])."""
    rows = [(word, host) for word, hosts in words.items() for host in hosts]
    return [[number, word, task, host] for number, (word, host) in enumerate(rows, counter)]


class TestManyHosts:
    MANY = tuple(f"web{number}" for number in range(150))

    def stopped(self, *others: str) -> World:
        """A job in which many hosts failed at "Update", in the second play, and these others did not."""
        hosts = {name: {} for name in ("db1", *self.MANY, *others)}
        base = [play(1, "Stop", "db"), task(2, "Stop"), *results(3, "Stop", ok=["db1"]), play(10), task(11, "Drain")]
        base += [*results(12, "Drain", ok=[*self.MANY, *others]), task(200, "Update")]
        base += results(201, "Update", failed=self.MANY, ok=others)
        relaunch = [play(1), task(2, "Drain"), task(3, "Update"), task(4, "Start")]
        failed = {name: name in self.MANY for name in hosts}
        return World(
            Case("many", "plain", hosts), {"base": {"hosts": failed, "events": base}, "relaunch": {"events": relaunch}}
        )

    def test_all_of_them_failed(self) -> None:
        assert self.stopped().verdict() is None

    def test_one_was_stopped(self) -> None:
        assert stopped_at(self.stopped("web999").verdict()) == "Update"


class TestLongJobs:
    def test_a_relaunch_that_went_on_far(self) -> None:
        there = world("any error")
        there.lists["jobs/43/job_events/"] += events(
            [play(900), *(task(1000 + start, f"t{start}") for start in range(250))]
        )

        assert stopped_at(there.verdict()) == "Update"

    def test_a_job_that_went_on_far_after_its_failure(self) -> None:
        there = world("any error")
        there.lists["jobs/42/job_events/"] += events(
            [play(900), *(task(1000 + start, f"t{start}") for start in range(250))]
        )

        assert there.verdict() is None

    def test_a_batch_whose_start_is_out_of_sight(self) -> None:
        there = world("any error")
        early = [play(1), *(task(2 + start, f"t{start}") for start in range(250))]
        base = [[counter + 1000, *row] for counter, *row in there.base["events"] if row[0] != "play"]
        there.lists["jobs/42/job_events/"] = events([*early, *base])

        assert stopped_at(there.verdict()) == "Update"


@pytest.mark.parametrize(
    ("limit", "patterns", "expected"),
    [
        ("", {"all"}, Targets(frozenset(), exact=True)),
        ("", {"web", "all"}, Targets(frozenset(), exact=True)),
        ("", {"web", "db"}, Targets(frozenset({"web", "db"}), exact=True)),
        ("", {"web,db:cache"}, Targets(frozenset({"web", "db", "cache"}), exact=True)),
        ("", {"web:!db"}, None),
        ("", {"web*"}, None),
        ("", {"~web.*"}, None),
        ("", {"web[0]"}, None),
        ("web1,web2", {"all"}, Targets(frozenset({"web1", "web2"}), exact=True)),
        ("web1:web2", {"web"}, Targets(frozenset({"web1", "web2"}), exact=False)),
        ("web", {"web"}, Targets(frozenset({"web"}), exact=True)),
        ("web", {"web:&prod"}, Targets(frozenset({"web"}), exact=False)),
        ("all", {"all"}, Targets(frozenset(), exact=True)),
        ("*", {"web"}, Targets(frozenset(), exact=False)),
        ("web*", {"all"}, None),
    ],
)
def test_whom_it_is_meant_for(limit: str, patterns: set[str], expected: Targets | None) -> None:
    assert targets(limit, patterns) == expected
