# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a job stopped before its end for hosts that did not fail, told of real jobs whose failed hosts are healed."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._work.ledger import StoppedEarly
from ansible_collections.relaunch.controller.plugins.module_utils._work.ledger_reader import JobsRead, LedgerReader
from ansible_collections.relaunch.controller.plugins.module_utils._work.never_begun import NOT_READABLE, NOT_TOLD
from ansible_collections.relaunch.controller.plugins.module_utils._work.same_work import SameWork
from ansible_collections.relaunch.controller.tests.sandbox.cut_short.cases import COMPLETE, CUT_SHORT, Case
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job, relaunched
from ansible_collections.relaunch.controller.tests.unit.recorded_controller import RecordedController
from ansible_collections.relaunch.controller.tests.unit.recorded_jobs import events

RECORDED = {
    path.stem.partition("-")[2]: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "cut_short").glob("core-*.json"))
}
CASES = {case.name: case for case in (*CUT_SHORT, *COMPLETE)}

# What is told as stopped although all hosts were brought to the end: the relaunch started more than the job did, so
# that the job could have been stopped as well.
TOLD_AS_STOPPED = {
    "more steps",
    "more steps in the middle",
    "more steps directly behind",
    "the play ended early",
    "the play ended early, directly behind",
    "hosts that left",
    "hosts that left directly behind",
    "edited since",
    "edited since, at the last task",
    "edited and renamed since",
}
# By who may not read the inventory: a disabled host is among the total number of hosts, and of a group nobody knows.
TOLD_AS_STOPPED_WITHOUT_INVENTORY = {
    "all of the limit, a group",
    "all of a group",
    "the last of a group",
    "all but a disabled one",
    "all of the last play",
    "all of the second and third play",
}
# And what they are not told: of a group the total number of hosts says nothing, nor where no host is left.
NOT_TOLD_OF_GROUPS = {"the first of a group, at the last task", "the first of the limit, a group"}

BOTH_CORES = pytest.mark.parametrize("core", RECORDED)


class World:
    """A controller with the job 42, its relaunch 43, and the inventory 1 with its groups."""

    def __init__(self, case: Case, recorded: t.Mapping[str, t.Any]) -> None:
        self.base, self.relaunch = recorded["base"], recorded["relaunch"]
        self.numbers = {name: number for number, name in enumerate(case.hosts, 1)}
        self.facts: dict[str, t.Any] = {
            "limit": case.limit,
            "summary_fields": {"inventory": {"id": 1, "kind": "", "total_hosts": len(case.hosts)}},
        }
        self.hosts = [self.host(name, enabled=name not in case.disabled) for name in case.hosts]
        self.lists: dict[str, t.Any] = {
            "jobs/42/job_events/": events(self.base["events"]),
            "jobs/43/job_events/": events(self.relaunch["events"]),
            "jobs/42/job_host_summaries/": [self.summary(*host) for host in self.base["hosts"].items()],
            "jobs/43/job_host_summaries/": [self.summary(*host) for host in self.relaunch["hosts"].items()],
            "inventories/1/hosts/": self.hosts,
            "inventories/1/groups/": [{"id": number, "name": name} for number, name in enumerate(case.groups, 1)],
        }
        for number, names in enumerate(case.groups.values(), 1):
            self.lists[f"groups/{number}/all_hosts/"] = [host for host in self.hosts if host["name"] in names]
        self.asked: list[str] = []

    def summary(self, name: str, failed: bool) -> dict[str, t.Any]:
        return {"host": self.numbers.get(name), "host_name": name, "failed": failed, "changed": 1}

    def host(self, name: str, *, enabled: bool = True, created: str = "2026-11-01T12:00:00Z") -> dict[str, t.Any]:
        jobs = [42] if name in self.base["hosts"] else []
        summaries = {"job_host_summaries__job": jobs, "constructed_host_summaries__job": []}
        return {"id": 0, "name": name, "enabled": enabled, "created": created, "modified": created, **summaries}

    def forbid_inventory(self) -> None:
        self.lists.update({"inventories/1/hosts/": 403, "inventories/1/groups/": 403})

    def stopped(self) -> StoppedEarly | None:
        """For whom it stopped early; ``asked`` are the requests that this took, after those for the failed hosts."""
        source = Job.of(job(42, **self.facts))
        same = {name: self.facts[name] for name in ("inventory", "job_slice_count") if name in self.facts}
        healed = Job.of(relaunched(43, "successful", ",".join(self.relaunch["hosts"]), **same))
        controller = RecordedController(self.lists)
        with controller.client() as client:
            work = SameWork(client, source)
            reader = LedgerReader(client, lambda ended: ended, source, work, False, JobsRead())
            ledger = reader.ledger([healed], hosts_needed=True)
            before = len(controller.asked)
            stopped = reader.with_end(ledger, source).stopped
        self.asked = controller.asked[before:]
        return stopped


def world(name: str, core: str = "2.21") -> World:
    return World(CASES[name], RECORDED[core][name])


def expected(name: str, core: str) -> str | None:
    """The task at which a job stopped."""
    case = CASES[name]
    return case.stopped_at if case.completes_on != core else None


@BOTH_CORES
@pytest.mark.parametrize("name", CASES)
def test_what_is_left(name: str, core: str) -> None:
    there = world(name, core)

    stopped = there.stopped()

    at = expected(name, core)
    assert (stopped is not None) == (at is not None or name in TOLD_AS_STOPPED)
    if stopped and at:
        assert stopped.at.split('"')[1] == at
        # Whom the playbook was not brought to the end of is among those that are named.
        assert stopped.hosts or stopped.unknown
    assert len(there.asked) <= 13


@BOTH_CORES
@pytest.mark.parametrize("name", CASES)
def test_what_is_left_as_told_to_who_may_not_read_the_inventory(name: str, core: str) -> None:
    there = world(name, core)
    there.forbid_inventory()

    stopped = there.stopped()

    left = expected(name, core) is not None and name not in NOT_TOLD_OF_GROUPS
    assert (stopped is not None) == (left or name in TOLD_AS_STOPPED | TOLD_AS_STOPPED_WITHOUT_INVENTORY)


def test_the_cases_are_those_that_were_recorded() -> None:
    assert sorted(RECORDED) == ["2.16", "2.21"]
    for recorded in RECORDED.values():
        assert list(recorded) == list(CASES)


class TestWhatIsSaid:
    def test_hosts_that_were_stopped(self) -> None:
        assert world("any error").stopped() == StoppedEarly('task "Update" of play "Roll out"', ("web2", "web3"))

    def test_hosts_that_were_never_begun(self) -> None:
        stopped = world("the first, at the last task").stopped()

        assert stopped == StoppedEarly('task "Check" of play "Roll out"', ("web2", "web3"))

    def test_a_play_that_was_never_started(self) -> None:
        stopped = world("all of the second play of three").stopped()

        assert stopped is not None and stopped.hosts

    def test_what_the_number_of_hosts_tells(self) -> None:
        there = world("the first, at the last task")
        there.forbid_inventory()

        stopped = there.stopped()
        assert stopped is not None
        assert (stopped.hosts, stopped.more) == ((), 2)
        assert stopped.unknown == "its inventory, which has more hosts than it ran on, may not be read"


class TestRequests:
    def test_three_for_a_usual_failure(self) -> None:
        """What both runs have started, and the failures of the first."""
        there = world("a usual failure")

        assert there.stopped() is None
        assert len(there.asked) == 3

    @pytest.mark.parametrize("name", ["all at the last task", "a usual failure at the last task"])
    def test_three_where_the_starts_or_its_hosts_tell_it(self, name: str) -> None:
        there = world(name)

        assert there.stopped() is None
        assert len(there.asked) == 3


def test_an_ignored_failure_is_none() -> None:
    assert world("a failure that does not matter").stopped() is None


def test_handlers_and_meta_tasks_are_nothing_that_the_job_missed() -> None:
    there = world("a usual failure at the last task")
    first = there.relaunch["events"][0][0]
    more = [[first + 1, "task", "m", "Restart now", "site.yml:90", "ansible.builtin.meta"]]
    there.lists["jobs/43/job_events/"] = events([there.relaunch["events"][0], *more, *there.relaunch["events"][1:]])

    assert there.stopped() is None


class TestTheWorldMoves:
    def test_a_host_that_was_added_since_was_not_left_out(self) -> None:
        there = world("all in the middle")
        there.hosts.append(there.host("web9", created="2026-11-24T13:00:00Z"))

        assert there.stopped() is None

    def test_a_host_that_was_there_was(self) -> None:
        there = world("all in the middle")
        there.hosts.append(there.host("web9"))

        stopped = there.stopped()
        assert stopped is not None and stopped.hosts == ("web9",)

    def test_a_deleted_inventory_tells_nothing(self) -> None:
        there = world("all at the last task")
        there.facts["inventory"] = None

        assert there.stopped() is None

    def test_what_then_lies_behind_the_failure_cannot_be_known(self) -> None:
        there = world("all in the middle")
        there.facts["inventory"] = None

        stopped = there.stopped()
        assert stopped is not None and (stopped.hosts, bool(stopped.unknown)) == ((), True)

    def test_nor_does_one_that_is_deleted_meanwhile(self) -> None:
        there = world("all in the middle")
        there.lists["inventories/1/hosts/"] = 404
        there.facts["summary_fields"] = {}

        stopped = there.stopped()
        assert stopped is not None and stopped.unknown

    def test_events_that_may_not_be_read_prove_nothing(self) -> None:
        there = world("any error")
        there.lists["jobs/42/job_events/"] = 403

        stopped = there.stopped()
        assert stopped is not None
        assert (stopped.hosts, stopped.unknown) == (("web2", "web3"), "its events may not be read")

    @pytest.mark.parametrize("path", ["jobs/42/job_events/", "inventories/1/hosts/"])
    def test_any_other_refusal_is_an_error(self, path: str) -> None:
        there = world("all in the middle")
        there.lists[path] = 400

        with pytest.raises(AnswerError):
            there.stopped()


class TestWhoseJob:
    def test_a_slice_leaves_the_hosts_of_the_others_alone(self) -> None:
        there = world("all at the last task")
        there.facts["job_slice_count"] = 2
        there.hosts.append(there.host("web9"))

        assert there.stopped() is None

    def test_hosts_of_a_constructed_inventory_have_own_summaries(self) -> None:
        there = world("all at the last task")
        there.facts["summary_fields"]["inventory"]["kind"] = "constructed"
        for host in there.hosts:
            host.update(job_host_summaries__job=[], constructed_host_summaries__job=[42])

        assert there.stopped() is None

    def test_a_host_of_one_that_it_never_began_on(self) -> None:
        there = world("all at the last task")
        there.facts["summary_fields"]["inventory"]["kind"] = "constructed"
        for host in there.hosts:
            host.update(job_host_summaries__job=[42], constructed_host_summaries__job=[42])
        there.hosts.append(there.host("web9"))

        stopped = there.stopped()
        assert stopped is not None and stopped.hosts == ("web9",)

    def test_more_groups_than_are_worth_asking(self) -> None:
        there = world("all of the first play, at its last task")
        there.facts["limit"] = "web,db,cache"
        there.lists["inventories/1/groups/"] = [
            {"id": number, "name": name} for number, name in enumerate(("web", "db", "cache"))
        ]

        stopped = there.stopped()
        assert stopped is not None and stopped.unknown

    def test_hosts_of_the_limit_that_the_play_leaves_out(self) -> None:
        there = world("the last of a group")
        there.facts["limit"] = "db1,web1,web2"

        assert there.stopped() is None


class TestAPatternThatNamesNobody:
    """The job's limit is an expression, and its inventory has one more host."""

    def there(self, name: str, limit: str = "~web.*") -> World:
        there = world(name)
        there.facts["limit"] = limit
        there.facts["summary_fields"]["inventory"]["total_hosts"] += 1
        there.hosts.append(there.host("db1"))
        return there

    @pytest.mark.parametrize(
        ("name", "doubted"),
        [
            ("a usual failure at the last task", False),
            ("all at the last task", True),
            ("the last, at its last task", True),
            ("one of the last batch", True),
            ("fewer errors than too many", False),
        ],
    )
    def test_it_is_doubted_where_more_batches_may_have_been_to_come(self, name: str, doubted: bool) -> None:
        stopped = self.there(name).stopped()

        assert (stopped is not None and stopped.unknown == NOT_TOLD) is doubted

    def test_it_is_where_too_many_errors_ended_a_batch(self) -> None:
        there = self.there("too many errors in a batch, at the last task")
        rows = there.lists["jobs/42/job_events/"]
        rows.append({**rows[-1], "counter": 99, "event": "playbook_on_no_hosts_remaining"})

        stopped = there.stopped()
        assert stopped is not None and stopped.unknown == NOT_TOLD

    def test_those_whose_names_fit_are_named_however_the_batch_ended(self) -> None:
        stopped = self.there("too many errors in a batch, at the last task", "web*").stopped()

        assert stopped is not None
        assert (stopped.hosts, stopped.unknown, stopped.beyond) == (("web3", "web4"), "", NOT_TOLD)

    @pytest.mark.parametrize(
        ("name", "doubted"), [("all at the last task", False), ("the last, at its last task", True)]
    )
    def test_without_the_inventory_only_where_there_were_batches(self, name: str, doubted: bool) -> None:
        there = self.there(name)
        there.forbid_inventory()

        stopped = there.stopped()
        assert (stopped is not None and stopped.unknown == NOT_READABLE) is doubted

    @pytest.mark.parametrize("facts", [{"inventory": None}, {"job_slice_count": 2}])
    def test_never_where_it_is_gone_nor_of_slices(self, facts: dict[str, t.Any]) -> None:
        there = self.there("the last, at its last task")
        there.facts.update(facts)

        assert there.stopped() is None


class TestManyHosts:
    MANY = tuple(f"web{number}" for number in range(150))

    def of(self, *others: str) -> World:
        """A job in which many hosts failed at "Update", in the second play, and these others did not."""
        hosts = {name: {} for name in ("db1", *self.MANY, *others)}
        base = [play(1, "Stop", "db"), task(2, "Stop"), *results(3, "Stop", ok=["db1"]), play(10, pattern="web")]
        base += [task(11, "Drain"), *results(12, "Drain", ok=[*self.MANY, *others]), task(200, "Update")]
        base += results(201, "Update", failed=self.MANY, ok=others)
        relaunch = [
            play(1, "Stop", "db"),
            play(2, pattern="web"),
            task(3, "Drain"),
            task(4, "Update"),
            task(5, "Start"),
        ]
        failed = {name: name in self.MANY for name in hosts}
        healed = dict.fromkeys(self.MANY, False)
        case = Case("many", "plain", hosts)
        return World(
            case, {"base": {"hosts": failed, "events": base}, "relaunch": {"hosts": healed, "events": relaunch}}
        )

    def test_all_of_them_failed(self) -> None:
        assert self.of().stopped() is None

    def test_one_was_stopped(self) -> None:
        stopped = self.of("web999").stopped()
        assert stopped is not None and stopped.hosts == ("web999",)


class TestLongJobs:
    def test_a_relaunch_that_went_on_far(self) -> None:
        there = world("any error")
        there.lists["jobs/43/job_events/"] += events(
            [play(900), *(task(1000 + start, f"t{start}") for start in range(250))]
        )

        stopped = there.stopped()
        assert stopped is not None and stopped.hosts == ("web2", "web3")

    def test_a_batch_whose_start_is_on_a_later_page(self) -> None:
        there = world("any error")
        early = [play(1, "Before"), *(task(2 + start, f"t{start}") for start in range(250))]
        for number, rows in ((42, there.base["events"]), (43, there.relaunch["events"])):
            moved = [[counter + 1000, *row] for counter, *row in rows]
            there.lists[f"jobs/{number}/job_events/"] = events([*early, *moved])

        stopped = there.stopped()
        assert stopped is not None and stopped.at.startswith('task "Update"')


def play(counter: int, name: str = "Roll out", pattern: str = "all") -> list[t.Any]:
    return [counter, "play", f"p{counter}", name, pattern]


def task(counter: int, name: str) -> list[t.Any]:
    return [counter, "task", name, name, f"/runner/project/site.yml:{name}", "ansible.builtin.command"]


def results(counter: int, task: str, **words: t.Iterable[str]) -> list[list[t.Any]]:
    """Results of a task: results(5, "Update", failed=["web1"])."""
    rows = [(word, host) for word, hosts in words.items() for host in hosts]
    return [[number, word, task, host] for number, (word, host) in enumerate(rows, counter)]
