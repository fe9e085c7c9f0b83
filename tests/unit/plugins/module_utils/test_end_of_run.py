# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts of a failed run were brought to its end, told from the events of real jobs."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field, replace

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._work.end_of_run import (
    End,
    RunStarts,
    decide_end,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.end_of_run_reader import (
    EndOfRun,
    StartsRead,
    read_end_of_run,
    read_place,
    read_whole,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.starts import Batch, Failure, Failures, Started
from ansible_collections.relaunch.controller.tests.sandbox.plays import shapes as written
from ansible_collections.relaunch.controller.tests.sandbox.plays.shapes import GROUPS
from ansible_collections.relaunch.controller.tests.unit import recorded_controller
from ansible_collections.relaunch.controller.tests.unit.recorded_controller import RecordedController, page
from ansible_collections.relaunch.controller.tests.unit.recorded_plays import (
    DONE,
    FAILED,
    STOPPED,
    Json,
    Shape,
    rows,
    shapes,
)

SHAPES = shapes()
SHAPES_WRITTEN_TO_BREAK_IT = {shape.name for shape in written.SHAPES}
RUN = 42


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
        self.lists["inventories/1/groups/"] = [
            {"id": number, "name": name} for number, name in enumerate(written.GROUPS)
        ]
        for number, hosts in enumerate(GROUPS.values()):
            self.lists[f"groups/{number}/all_hosts/"] = [{"name": name} for name in hosts]

    def read(self, measure: int, kept: StartsRead | None = None) -> EndOfRun:
        """How the run ended, measured by one of the others (from 1), or by itself (0)."""
        jobs = (self.source, *self.others)
        run = Job({"id": RUN, "status": "failed", "inventory": 1, "scm_revision": "abc", **self.facts})
        other = Job({"id": RUN + measure, "status": jobs[measure]["status"], "scm_revision": "abc"})
        summaries = [HostSummary.of(entry) for entry in self.source["host_summaries"]]
        read = StartsRead() if kept is None else kept
        with self.client() as client:
            return read_end_of_run(client, run, run if measure == 0 else other, lambda: summaries, read)

    def place(self) -> str:
        with self.client() as client:
            return read_place(client, Job({"id": RUN, "status": "failed"}), StartsRead())

    @contextlib.contextmanager
    def client(self) -> t.Iterator[ControllerClient]:
        controller = RecordedController(self.lists)
        with controller.client() as client:
            yield client
        self.asked = controller.asked

    def forbid_inventory(self) -> None:
        """Who may only execute a template may not read the inventory."""
        self.lists["inventories/1/groups/"] = 403


class Withdrawn(dict[str, t.Any]):
    """The same lists, of which those of the failed job's events are refused once they have been read."""

    def get(self, path: str, default: t.Any = None) -> t.Any:
        found = super().get(path, default)
        if path == f"jobs/{RUN}/job_events/":
            self[path] = 403
        return found


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


# Hosts that are called stopped although they are done, to the safe side: how many of the shape, and why.
FALSE_STOPPED = {
    "end_play": (3, "the play ended early for all in the run, and not in its measure: it could have stopped as well"),
    "include-by-host": (3, "the rest of the failed host's file was started in the measure alone, and nothing follows"),
    "handler-once": (3, "the failed handler did not run in the measure, and others may have been to come"),
    "include-once": (3, "others went on in a file that the measure did not include, and nothing follows"),
    "serial-end_host-aef": (1, "the host had left a batch that was stopped"),
    "x-rescue-in-relaunch-only": (3, "the rescue in the measure may be a task that the run did not get to"),
}
# Hosts that are called done although they are not: a handler that no run has started is not missed. Nor would another
# run start it, since nothing changes any more.
FALSE_DONE = {"handlers-once-aef-last": 3}
# The last task of all had too many failures, which no failed run shows to be the last.
FALSE_STOPPED_BY_FAILED = {"serial-maxfail-last"}
# The run on all hosts had no failure, and so no rescue.
WHOLE_IS_RIGHT = {"x-rescue-in-relaunch-only"}


def successful(shape: Shape) -> int:
    """The number of the relaunch on failed hosts that was successful."""
    return next(number for number, job in enumerate(shape.others, 1) if job["status"] == "successful")


def count(mistaken: dict[str, list[str]]) -> dict[str, int]:
    return {word: len(hosts) for word, hosts in mistaken.items()}


@pytest.mark.parametrize("name", SHAPES)
def test_measured_by_the_relaunch_on_failed_hosts(name: str) -> None:
    there = world(name)

    expected = {STOPPED: FALSE_STOPPED[name][0]} if name in FALSE_STOPPED else {}
    expected.update({DONE: FALSE_DONE[name]} if name in FALSE_DONE else {})
    assert count(wrong(SHAPES[name], there.read(successful(SHAPES[name])))) == expected
    assert len(there.asked) <= 8


@pytest.mark.parametrize("name", SHAPES)
def test_measured_by_a_run_on_all_hosts(name: str) -> None:
    there = world(name)

    expected = {STOPPED: FALSE_STOPPED[name][0]} if name in FALSE_STOPPED.keys() - WHOLE_IS_RIGHT else {}
    expected.update({DONE: FALSE_DONE[name]} if name in FALSE_DONE else {})
    assert count(wrong(SHAPES[name], there.read(len(there.others)))) == expected


@pytest.mark.parametrize("name", SHAPES)
def test_measured_by_a_failed_run_nobody_is_done_wrongly(name: str) -> None:
    for measure in range(successful(SHAPES[name])):
        end = world(name).read(measure)

        mistaken = wrong(SHAPES[name], end)
        assert DONE not in mistaken
        known = name in {*FALSE_STOPPED, *FALSE_STOPPED_BY_FAILED}
        assert known or set(mistaken.get(STOPPED, ())) <= end.unproven


@pytest.mark.parametrize("name", SHAPES)
def test_without_the_inventory_nobody_is_done_wrongly(name: str) -> None:
    there = world(name)
    there.forbid_inventory()

    for measure in range(len(there.others) + 1):
        assert name in FALSE_DONE or DONE not in wrong(SHAPES[name], there.read(measure))


def test_seldom_is_anybody_called_stopped_wrongly() -> None:
    recorded_on_awx = {name for name in FALSE_STOPPED if not (SHAPES_WRITTEN_TO_BREAK_IT & {name})}

    assert sum(FALSE_STOPPED[name][0] for name in recorded_on_awx) <= 12
    assert SHAPES.keys() >= SHAPES_WRITTEN_TO_BREAK_IT | FALSE_STOPPED.keys()


class TestWhere:
    def test_at_the_task_that_failed(self) -> None:
        assert world("serial2-aef").read(1).at == 'task "Task b" of play "Play"'

    def test_in_the_batch_that_was_stopped_not_in_one_that_went_on(self) -> None:
        assert world("serial-unreachable-aef-mid").read(1).at == 'task "Task u" of play "Play"'

    def test_where_hosts_were_never_begun_it_is_asked_for(self) -> None:
        there = world("serial1-third")

        assert (there.read(1).at, there.place()) == ("", 'task "Task b" of play "Play"')

    def test_at_a_task_whose_start_is_not_among_the_events_the_play_is_told(self) -> None:
        there = world("serial1-third")
        gone = [event for event in rows(there.source) if event["task"] != "Task b" or "runner" in event["event"]]
        there.lists[f"jobs/{RUN}/job_events/"] = gone

        assert there.place() == 'play "Play"'

    def test_of_one_that_has_begun_nothing(self) -> None:
        there = world("plain")
        there.lists[f"jobs/{RUN}/job_events/"] = []

        assert there.place() == ""

    @pytest.mark.parametrize(("status", "place"), [(403, ""), (400, None)])
    def test_where_its_events_may_not_be_read(self, status: int, place: t.Optional[str]) -> None:
        there = world("plain")
        there.lists[f"jobs/{RUN}/job_events/"] = status

        if place is None:
            with pytest.raises(AnswerError):
                there.place()
        else:
            assert there.place() == place

    def test_nowhere(self) -> None:
        end = world("plain").read(1)

        assert (end.at, end.stopped, end.unproven, end.unknown) == ("", frozenset(), frozenset(), "")


class TestRequests:
    def test_two_for_a_usual_failure(self) -> None:
        there = world("plain")

        there.read(1)
        assert len(there.asked) == 2
        assert all("playbook_on_play_start" in asked for asked in there.asked)

    def test_none_to_tell_that_what_was_read_before_is_not_whole(self) -> None:
        """Its statistics are what tells that, and were not asked for."""
        there = world("plain")
        kept = StartsRead(of_many=True)
        kept[RUN] = Started.of(rows(there.source))
        with there.client() as client:
            assert not read_whole(client, Job({"id": RUN}), kept)
            kept[RUN] = replace(kept[RUN], hosts=frozenset({"h1"}))
            assert read_whole(client, Job({"id": RUN}), kept)

        assert not there.asked

    def test_none_for_what_was_read_before(self) -> None:
        there = world("plain")
        kept = StartsRead()
        there.read(1, kept)

        assert sorted(kept) == [RUN, RUN + 1]
        there.read(1, kept)
        assert not there.asked

    def test_one_more_for_the_task_at_which_it_stopped(self) -> None:
        there = world("unreachable-aef")

        assert there.read(1).stopped
        assert len(there.asked) == 3


class TestUnknown:
    @pytest.mark.parametrize("number", [RUN, RUN + 1])
    def test_events_that_may_not_be_read(self, number: int) -> None:
        there = world("plain")
        there.lists[f"jobs/{number}/job_events/"] = 403

        end = there.read(1)
        assert end.stopped == {"h2", "h3", "h4"}
        assert end.never_begun
        assert end.unknown == "its events may not be read"

    def test_a_refusal_of_another_kind_is_an_error(self) -> None:
        there = world("plain")
        there.lists[f"jobs/{RUN}/job_events/"] = 400

        with pytest.raises(AnswerError):
            there.read(1)

    @pytest.mark.parametrize("read", [lambda there: there.read(1), World.place])
    def test_a_refusal_in_passing_is_an_error(self, read: t.Callable[[World], object]) -> None:
        """What the run has started could be read, its failures not."""
        there = world("unreachable-aef")
        there.lists = Withdrawn(there.lists)

        with pytest.raises(AnswerError, match="may pass"):
            read(there)

    def test_a_playbook_that_has_changed_is_no_measure(self) -> None:
        there = world("plain-last")
        there.facts["scm_revision"] = "def"

        end = there.read(1)
        assert end.stopped == end.unproven == {"h2", "h3", "h4"}
        assert end.unknown == "the playbook has changed since"

    def test_but_a_run_that_went_on_needs_none(self) -> None:
        there = world("plain")
        there.facts["scm_revision"] = "def"

        end = there.read(1)
        assert (end.stopped, end.unknown) == (frozenset(), "")

    def test_that_it_went_on_is_not_told_by_an_answer_without_a_list(self, monkeypatch: pytest.MonkeyPatch) -> None:
        there = world("plain")
        there.facts["scm_revision"] = "def"

        def degraded(rows: t.Any, query: t.Mapping[str, str]) -> dict[str, t.Any]:
            return {"message": "service degraded"} if "parent_uuid" in query else page(rows, query)

        monkeypatch.setattr(recorded_controller, "page", degraded)
        with pytest.raises(AnswerError, match="without the list"):
            there.read(1)


class TestManyHosts:
    MANY = 6000

    def job(self, *tasks: str, failed: t.Collection[int] = (), hosts: int = MANY, again: int = 1) -> Json:
        """A job of one play, or of as many batches, in whose last task these hosts failed."""
        names = [f"web{number}" for number in range(hosts)]
        events: list[Json] = []

        def add(event: str, uuid: str, parent: str = "", **more: t.Any) -> None:
            data = {"task_path": f"/p/site.yml:{parent or uuid}", "task_action": "ansible.builtin.command"}
            fields = {"uuid": uuid, "parent_uuid": parent, "counter": len(events) + 1, "failed": False}
            events.append({"event": event, **fields, "event_data": data, **more})

        for batch in range(again):
            add("playbook_on_play_start", "p" if not batch else f"p_{batch + 1}", play="Roll out")
            for task in tasks:
                add("playbook_on_task_start", task, task=task)
                for number, name in enumerate(names[batch::again]):
                    word = "failed" if task == tasks[-1] and number in failed else "ok"
                    add(f"runner_on_{word}", f"{task}{name}", task, host_name=name, failed=word == "failed")
        summaries = [{"host_name": name, "failed": number in failed} for number, name in enumerate(names)]
        return {"status": "failed" if failed else "successful", "host_summaries": summaries, "job_events": events}

    def test_two_requests_where_all_went_on_to_the_end(self) -> None:
        there = World(self.job("a", "b", failed={7}), [self.job("a", "b", hosts=1)])

        assert there.read(1).stopped == frozenset()
        assert len(there.asked) == 2

    def test_all_of_a_single_batch_were_stopped_without_reading_them(self) -> None:
        there = World(self.job("a", "b", failed={7}), [self.job("a", "b", "c", hosts=1)])

        assert len(there.read(1).stopped) == self.MANY - 1
        assert len(there.asked) == 3

    def test_more_than_a_query_takes_are_read_with_the_failed_ones(self) -> None:
        there = World(self.job("a", "b", failed={8}, hosts=300, again=2), [self.job("a", "b", "c", hosts=1)])

        assert len(there.read(1).stopped) == 299

    def test_where_too_many_would_be_read_all_are_called_stopped(self) -> None:
        there = World(self.job("a", "b", failed={7}, again=2), [self.job("a", "b", "c", hosts=1)])

        assert len(there.read(1).stopped) == self.MANY - 1
        assert len(there.asked) == 8


class TestMeasureThatShowsNothing:
    def test_of_a_play_that_was_for_none_of_its_hosts(self) -> None:
        """The newest successful run was limited to others: it began the play, and no task."""
        there = world("x-two-plays-groups-aef")
        began = [event for event in there.others[0]["job_events"] if event["event"] == "playbook_on_play_start"]
        there.lists["jobs/43/job_events/"] = rows({"job_events": began})

        end = there.read(1)
        assert end.stopped == {"h1", "h2", "h4"}

    def test_of_fewer_plays_than_the_run_began(self) -> None:
        there = world("x-two-plays-groups-aef")
        there.lists["jobs/44/job_events/"] = [one for one in rows(there.others[1]) if one["play"] == "One"]

        end = there.read(2)
        assert (end.stopped, end.at) == ({"h1", "h2", "h4"}, 'task "Task c" of play "Two"')

    @pytest.mark.parametrize("complete", [False, True])
    @pytest.mark.parametrize("unreachable", [False, True])
    def test_of_a_play_from_which_the_run_went_on(self, unreachable: bool, complete: bool) -> None:
        """It goes on without hosts that it has stopped, where one could not be reached: that counts twice."""
        run = began(("p1", "One"), ("a", "A"), ("p2", "Two"), ("b", "B"), ("c", "C"))
        measure = began(("p1", "One"), ("p2", "Two"), ("b", "B"), ("c", "C"))
        run[2]["counter"], run[3]["counter"], run[4]["counter"] = 4, 5, 6
        failures = Failures((Failure(3, "a", "h1", unreachable),), whole=True)
        end = decided(run, measure, failures, complete)
        assert (end.unproven, end.stopped) == (unreachable, ())

    @pytest.mark.parametrize(("task", "everyone"), [("Deploy", False), ("Ping", True)])
    def test_of_a_play_of_another_name_unless_a_task_is_the_same(self, task: str, everyone: bool) -> None:
        """A manual project tells no versions: of another playbook a task may stand in the same place."""
        run, measure = began(("p", "Job 42"), ("a", "Deploy")), began(("p", "Job 43"), ("a", task))
        for events in (run, measure):
            events[1]["event_data"]["task_path"] = "/p/site.yml:4"

        end = decided(run, measure, Failures((Failure(3, "a", "h1"),), whole=True), complete=True)
        assert end.everyone is everyone


@pytest.mark.parametrize(
    ("got_there", "in_sight", "stopped"), [(True, True, False), (False, True, True), (True, False, True)]
)
def test_a_batch_that_got_to_the_last_meta_behind_its_failure_was_not_stopped_before(
    got_there: bool, in_sight: bool, stopped: bool
) -> None:
    """Behind the task at which any_errors_fatal stopped it handlers may have been to come."""
    measure = began(("p", "Play"), ("a", "A"), ("m", "meta"))
    measure[2] = {**measure[2], "counter": 4, "event_data": {**measure[2]["event_data"], "task_action": "meta"}}
    run = measure if got_there else measure[:2]

    failures = (Failure(3, "a", "h1"),) if in_sight else ()

    end = decided(run, measure, Failures(failures, whole=in_sight), complete=True)

    assert bool(end.stopped) == stopped


@pytest.mark.parametrize("got_there", [True, False])
def test_a_handler_that_ran_before_the_last_task_may_be_left_out_behind_it(got_there: bool) -> None:
    """It was flushed in between, and notified once more by the task at which any_errors_fatal stopped the batch."""
    handler = ("h", "Restart")
    measure = [*began(("p", "Play"), ("a", "A"), handler, ("b", "B")), *began(handler, counter=6)]
    for number in (2, 4):
        measure[number]["event_data"]["is_conditional"] = True
    run = measure if got_there else measure[:4]

    end = decided(run, measure, Failures((Failure(5, "b", "h1"),), whole=True), complete=True)

    assert (end.stopped, len(end.unhandled)) == ((), 0 if got_there else 1)


def decided(run: list[Json], measure: list[Json], failures: Failures, complete: bool) -> End:
    """How a run ended in which h1 failed, by what both have started; nothing more is asked for."""

    def none_has(task_uuid: str, hosts: frozenset[str]) -> bool:
        pytest.fail(f"asked for results of {task_uuid} on {sorted(hosts)}")

    def several_passed(task_uuid: str, _batch: Batch) -> bool:
        pytest.fail(f"asked who has passed {task_uuid}")

    both = Started.of(run), Started.of(measure)
    return decide_end(RunStarts(*both, complete, lambda: frozenset({"h1"}), lambda: failures, none_has, several_passed))


def began(*starts: tuple[str, str], counter: int = 1) -> list[Json]:
    """Events of plays and tasks, the first with this counter: pairs of their uuid and name."""
    found: list[Json] = []
    for number, (uuid, name) in enumerate(starts, counter):
        what = "play" if uuid.startswith("p") else "task"
        data = {what: name, "task_path": f"/p/site.yml:{name}", "task_action": "command", "play_pattern": "all"}
        event = {"event": f"playbook_on_{what}_start", "uuid": uuid, "counter": number, what: name}
        found.append({**event, "event_data": data})
    return found


class TestMissedPlay:
    """The second play stopped at h3. Hosts of the other group have no part in it, unless its pattern means them."""

    def world(self, pattern: str = "g2") -> World:
        there = world("x-two-plays-groups-aef")
        for events in there.lists.values():
            for one in events:
                if one.get("event") == "playbook_on_play_start":
                    one["event_data"] = {**one["event_data"], "play_pattern": pattern}
        return there

    @pytest.mark.parametrize(("pattern", "stopped"), [("g2", {"h4"}), ("g*", {"h1", "h2", "h4"})])
    def test_a_pattern_that_is_no_name_may_mean_all(self, pattern: str, stopped: set[str]) -> None:
        assert self.world(pattern).read(1).stopped == stopped

    def test_a_job_without_an_inventory_tells_nothing_of_its_groups(self) -> None:
        there = self.world()
        there.facts["inventory"] = None

        assert there.read(1).stopped == {"h1", "h2", "h4"}

    def test_nor_do_more_groups_of_these_names_than_are_asked_for(self) -> None:
        there = self.world()
        there.lists["inventories/1/groups/"] = [{"id": number, "name": "g2"} for number in range(3)]

        assert there.read(1).stopped == {"h1", "h2", "h4"}

    def test_other_trouble_with_the_groups_is_an_error(self) -> None:
        there = self.world()
        there.lists["inventories/1/groups/"] = 400

        with pytest.raises(AnswerError):
            there.read(1)


def test_what_is_read_before_the_first_play_is_left_out() -> None:
    assert Started.of(began(("a", "A"))) == Started()


class TestFailuresOutOfSight:
    """Of many failures the newest are asked for, so that older batches may hold some that nobody knows."""

    PLAY, A, B = ("p", "Play"), ("a", "A"), ("b", "B")

    def end(self, run: list[Json], measure: list[Json], failed_at: int, complete: bool = True) -> End:
        return decided(run, measure, Failures((Failure(failed_at, "a", "h1"),), whole=False), complete)

    def test_a_batch_that_started_more_than_the_measure_may_have_stopped_there(self) -> None:
        again = began(("p_2", "Play"), ("a_2", "A"), counter=10)
        end = self.end([*began(self.PLAY, self.A, self.B), *again], began(self.PLAY, self.A), 12)

        assert [batch.play.counter for batch in end.stopped] == [1]

    def test_that_one_went_on_behind_the_newest_tells_nothing_of_the_others(self) -> None:
        run = [*began(self.PLAY, self.A), *began(self.B, counter=6)]
        end = self.end(run, run, 5, complete=False)

        assert end.unproven

    def test_a_measure_that_began_fewer_plays_shows_nothing(self) -> None:
        run = began(self.PLAY, self.A, ("p2", "More"), self.B)

        assert self.end(run, began(self.PLAY, self.A), 5) == End(everyone=True, never_begun=True)
