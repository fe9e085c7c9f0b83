# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workflow jobs among many jobs, in a world that moves meanwhile."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import ControllerError
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import JobsRequest
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.outcome import JobEntry, JobsOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._job.driver import drive
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting, Watch
from ansible_collections.relaunch.controller.plugins.module_utils._retry.deadline import Deadline
from ansible_collections.relaunch.controller.plugins.module_utils._selection.selection import Selection
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import RelaunchOptions
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.node_work import NodeWork
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.options import (
    WORKFLOW_SPECIFICATION,
    WorkflowRequest,
)
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.outcome import WorkflowOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.relaunch_workflow import relaunch_workflow
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.remaining_nodes import Node, NodeLeft
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import (
    NOW,
    BulkController,
    Facts,
    SimulatedJob,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import listed

#: More requests than any of these tests needs: an endless wait ends here.
MOST_REQUESTS = 500


class World(BulkController):
    """Its workflow jobs have the nodes that ``nodes`` says."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, latency=0.05)
        self.workflows: dict[int, SimulatedJob] = {}
        self.nodes: dict[int, list[Facts]] = {}

    def workflow(self, number: int, template: int = 5, *, failed: bool = True, **facts: t.Any) -> SimulatedJob:
        """A workflow job of some hours ago, each after those with lower numbers."""
        facts = {"type": "workflow_job", "unified_job_template": template, "extra_vars": "{}", **facts}
        one = SimulatedJob(number, -20000.0 + 60.0 * number, 20.0, {"": failed}, facts)
        self.workflows[number] = one
        return one

    def _answer(self, method: str, parts: list[str], query: dict[str, str], sent: t.Any) -> tuple[int, t.Any]:
        assert len(self.asked) < MOST_REQUESTS, "an endless wait"
        if parts == ["workflow_jobs"]:
            shown = [one.shown(self.clock.now) for one in self.workflows.values()]
            return 200, listed([one for one in shown if _fits(one, query)], query)
        if parts[0] in ("workflow_job_templates", "workflow_job_template_nodes"):
            return self._temporary(method, parts[1:], query)
        if parts[0] == "workflow_jobs" and int(parts[1]) in self.workflows:
            number = int(parts[1])
            if parts[2:] == ["workflow_nodes"]:
                return 200, listed(self.nodes.get(number, []), query)
            return 200, self.workflows[number].shown(self.clock.now)
        return super()._answer(method, parts, query, sent)

    def _temporary(self, method: str, parts: list[str], query: dict[str, str]) -> tuple[int, t.Any]:
        """The temporary template, which is number 900 always; its workflow jobs end well after a minute."""
        if method == "OPTIONS":
            return 200, {"actions": {"POST": {}}}
        if method == "GET":
            return 200, listed([], query)
        if method == "DELETE":
            return 204, {}
        if parts[1:] == ["launch"]:
            number = max(*self.workflows, *self.jobs) + 1
            name = f"Remainder of workflow job {min(self.workflows)} abc"
            one = self.workflow(number, 900, failed=False, name=name, launched_by={"id": 1, "type": "user"})
            one.created, one.duration = self.clock.now, 60.0
            return 201, one.shown(self.clock.now)
        return 201, {"id": 900}


def _fits(facts: Facts, query: t.Mapping[str, str]) -> bool:
    lists = {"id__in": "id", "unified_job_template__in": "unified_job_template", "status__in": "status"}
    return (
        int(query.get("id__gt", 0)) < facts["id"]
        and facts["name"].startswith(query.get("name__startswith", ""))
        and all(str(facts[name]) in query[one].split(",") for one, name in lists.items() if one in query)
    )


def above(number: int) -> Facts:
    """What is shown of a job, or workflow job, that is a node of another one."""
    return {"summary_fields": {"source_workflow_job": {"id": number}, "inventory": {"id": 1, "total_hosts": 5}}}


def node(number: int, job: int, template: int, kind: str = "workflow_job", status: str = "failed") -> Facts:
    summaries = {"job": {"id": job, "type": kind, "status": status, "name": "Deploy"}}
    summaries["unified_job_template"] = {"id": template, "name": "Deploy", "unified_job_type": "job"}
    facts = {"id": number, "identifier": f"n{number}", "unified_job_template": template, "job": job}
    return {**facts, "do_not_run": False, "summary_fields": summaries}


class Ran(t.NamedTuple):
    outcome: JobsOutcome
    error: t.Optional[BaseException]

    @property
    def entries(self) -> dict[int, JobEntry]:
        return {entry.source_job_id: entry for entry in self.outcome.jobs}


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock)


def recover(world: World, **options: t.Any) -> Ran:
    """Recover all that has failed by now."""
    given = {"selection": Selection(finished_after=NOW), "options": RelaunchOptions(wait=True), **options}
    request = JobsRequest(now=NOW, waiting=Waiting(wait=True), **given)
    try:
        with world.client(max_retries=0) as client:
            return Ran(relaunch_jobs(client, request), None)
    except ControllerError as error:
        outcome = outcome_of(error)
        assert isinstance(outcome, JobsOutcome), error
        return Ran(outcome, error)


class TestWhatTheTaskRunsIn:
    """The task runs in job 50, a node of workflow job 49. It would wait for itself."""

    @pytest.fixture(autouse=True)
    def _active(self, world: World) -> None:
        self.runs_in(world, 49)
        world.failed(50, {}, template=9, launch_type="workflow", **above(49)).duration = 1e6

    @staticmethod
    def runs_in(world: World, number: int, template: int = 5, **facts: t.Any) -> None:
        world.workflow(number, template, **facts).duration = 1e6

    def test_is_not_adopted_for_what_remained_of_its_last_run(self, world: World) -> None:
        world.workflow(30)
        world.workflow(31, 95, name="Remainder of workflow job 30 abc")

        ran = recover(world, own_job=50)

        assert {number: entry.outcome for number, entry in ran.entries.items()} == {31: "refused"}
        assert "workflow job of a template that this task runs in, as job 50" in ran.entries[31].msg
        assert ran.entries[31].msg.endswith("Relaunch it with workflow_job_relaunch from elsewhere.")

    def test_may_be_a_nested_workflow(self, world: World) -> None:
        self.runs_in(world, 48, 4)
        self.runs_in(world, 49, 5, launch_type="workflow", **above(48))
        world.workflow(30, 4)

        assert recover(world, own_job=50).entries == {}

    def test_may_be_what_remains_of_a_selected_one(self, world: World) -> None:
        world.workflow(30)
        self.runs_in(world, 49, 95, name="Remainder of workflow job 30 abc")

        assert recover(world, own_job=50).entries == {}

    def test_tells_of_the_nodes_that_are_left_to_it(self, world: World) -> None:
        world.workflow(30)
        world.failed(31, {"web1": True}, launch_type="workflow", **above(30))

        ran = recover(world, own_job=50, selection=Selection(job_ids=(30, 31)))

        assert {number: entry.outcome for number, entry in ran.entries.items()} == {30: "refused"}
        assert ran.entries[30].node_job_ids == (31,)


def test_a_slice_of_what_remained_may_be_selected_beside_it(world: World) -> None:
    world.workflow(30)
    world.workflow(31, 95, name="Remainder of workflow job 30 abc")
    world.workflow(32, 7, is_sliced_job=True, launch_type="workflow", **above(31))
    slice_of = {"job_slice_count": 2, "job_slice_number": 1, "launch_type": "workflow"}
    world.failed(33, {"web1": True}, **slice_of, **above(32))
    world.nodes = {
        30: [node(1, 32, template=7)],
        31: [node(2, 32, template=7)],
        32: [node(3, 33, template=7, kind="job"), node(4, 34, template=7, kind="job", status="successful")],
    }

    ran = recover(world, selection=Selection(job_ids=(30, 33)))

    assert {number: entry.recovered for number, entry in ran.entries.items()} == {30: True, 33: True}
    assert [path for path in world.posts if path.endswith("launch")] == ["33/relaunch"]


def test_a_job_that_was_relaunched_by_hand_runs_once_beside_its_workflow(world: World) -> None:
    """The making of a template takes seconds, and the job of a node comes up a second after the launch."""
    world.latency = 0.2
    world.workflow(30)
    world.nodes[30] = [node(1, 31, template=8, kind="job")]
    world.failed(31, {"web1": True}, template=8, launch_type="workflow", **above(30))
    world.failed(32, {"web1": True}, template=8, launch_type="relaunch")
    comes_up: list[float] = []

    def note_launch(path: str, _query: Facts, status: int, body: t.Any) -> tuple[int, t.Any]:
        comes_up.extend([world.clock.now + 1.0] if path.endswith("900/launch/") else [])
        return status, body

    def run_node(_method: str, _path: str) -> None:
        if comes_up and world.clock.now >= comes_up[0]:
            comes_up.clear()
            world.launch(8, ["web1"], launch_type="workflow", **above(max(world.workflows)))

    world.after, world.before = note_launch, run_node

    ran = recover(world)

    assert {number: entry.recovered for number, entry in ran.entries.items()} == {30: True, 32: True}
    assert len([number for number in world.jobs if number > 32]) == 1, world.posts


@pytest.mark.parametrize("failed", [True, False])
def test_a_run_as_a_node_of_another_workflow_is_the_work_of_that(world: World, failed: bool) -> None:
    world.workflow(30)
    world.nodes[30] = [node(1, 31, template=8, kind="job")]
    world.failed(31, {"web1": True}, template=8, launch_type="workflow", **above(30))
    world.workflow(45, 6, failed=False)
    world.workflow(46, failed=failed, launch_type="workflow", **above(45))
    world.nodes[46] = [node(2, 47, template=8, kind="job")]
    world.failed(47, {"web2": True}, template=8, launch_type="workflow", **above(46))

    ran = recover(world)

    assert (ran.entries[30].outcome, ran.entries[30].recovered) == ("relaunched", True), ran.entries[30].msg
    assert "What remains of workflow job 30 " in ran.entries[30].msg
    refused = [number for number, entry in ran.entries.items() if entry.outcome == "refused"]
    assert refused == [46 if failed else 47]


@pytest.mark.parametrize("duration", [20.0, 17500.0])
def test_secrets_that_cannot_be_compared_are_told(world: World, duration: float) -> None:
    secret = {"extra_vars": '{"token": "$encrypted$"}'}
    for number in (29, 30):
        world.workflow(number, **secret)
    world.workflow(45, failed=False, **secret).duration = duration

    ran = recover(world)

    assert (world.posts, ran.entries[30].recovered) == ([], True)
    for number in (29, 30):
        assert "A secret among its variables could not be compared" in ran.entries[number].msg


def behind_a_job(world: World) -> None:
    """Workflow job 30, which has to wait for the room that job 20 takes for two minutes."""
    world.failed(20, {"web1": True})
    world.duration = lambda _number: 120.0
    world.workflow(30)
    world.nodes[30] = [node(1, 21, template=8, kind="job")]
    world.failed(21, {"web1": True}, template=8, launch_type="workflow", **above(30))


@pytest.mark.parametrize("duration", [5.0, 300.0])
def test_one_launched_anew_while_it_waits_for_room_is_taken(world: World, duration: float) -> None:
    behind_a_job(world)

    def by_schedule(_method: str, _path: str) -> None:
        if world.clock.now > 60 and 90 not in world.workflows:
            new = world.workflow(90, failed=False, launch_type="scheduled")
            new.created, new.duration = world.clock.now, duration

    world.before = by_schedule
    ran = recover(world, at_once=1)

    assert [path for path in world.posts if path.endswith("launch")] == ["20/relaunch"]
    assert (ran.entries[30].recovered, ran.entries[30].id, ran.error) == (True, 90, None)


def test_one_that_is_deleted_meanwhile_is_told_as_such(world: World) -> None:
    world.workflow(30)
    world.failed(40, {"web1": True})
    gone = 404, {"detail": "Not found."}
    world.before = lambda _method, path: gone if path == "workflow_jobs/30/" else None

    ran = recover(world)

    assert (ran.entries[30].outcome, ran.entries[40].recovered, ran.error) == ("refused", True, None)
    assert ran.entries[30].msg == "Workflow job 30 was deleted meanwhile: nothing of it can be resumed."


def test_an_update_is_not_promised_to_nodes_of_workflows(world: World) -> None:
    world.workflow(30)
    world.failed(31, {"web1": True}, launch_type="workflow", project=3, **above(30))
    world.before = lambda _method, path: (
        (200, listed([{"id": 8, "type": "project_update", "status": "failed", "project": 3, "name": "web"}], {}))
        if path == "project_updates/"
        else None
    )

    ran = recover(world, update_first=True, check_mode=True)

    assert ran.outcome.updates[0]["job_ids"] == [31]
    assert "it is run again before these" not in ran.outcome.msg


def test_one_that_had_to_wait_after_its_turn_asks_for_room_again(world: World) -> None:
    world.workflow(30)
    world.nodes[30] = [node(1, 31, template=8, kind="job")]
    world.failed(31, {"web1": True}, template=8, launch_type="workflow", **above(30))
    world.failed(40, {"web1": True})
    world.duration, world.failing[8] = (lambda _number: 300.0), {"web1"}
    launched: list[tuple[str, float]] = []

    def by_a_person(method: str, path: str) -> None:
        if method == "POST" and path.endswith("launch/"):
            launched.append((path, world.clock.now))
        if path == "workflow_job_templates/" and method == "POST" and max(world.jobs) == 40:
            world.launch(8, ["web1"], 30.0, launch_type="relaunch")

    world.before = by_a_person
    ran = recover(world, at_once=1)

    assert ran.error is None
    assert [path for path, _at in launched] == ["jobs/40/relaunch/", "workflow_job_templates/900/launch/"]
    assert launched[1][1] - launched[0][1] >= 300


def test_a_template_whose_number_was_not_answered_may_have_been_made(world: World) -> None:
    world.workflow(30)
    world.nodes[30] = [node(1, 31, template=8, kind="job")]
    world.failed(31, {"web1": True}, template=8, launch_type="workflow", **above(30))
    world.before = lambda method, path: (201, {}) if (method, path) == ("POST", "workflow_job_templates/") else None

    ran = recover(world)

    assert "It is unknown whether the temporary workflow template" in ran.entries[30].msg
    assert [path for path in world.posts if path.endswith("/launch")] == []


def test_an_update_deleted_while_it_is_waited_for_launched_nothing(world: World) -> None:
    world.failed(1, {"web1": True}, project=3)
    update = {"id": 9, "type": "project_update", "status": "failed", "project": 3, "name": "web"}

    def project(method: str, path: str) -> t.Any:
        if path == "project_updates/":
            return 200, listed([update] if world.clock.now < 60 else [], {})
        if method == "POST" and path == "projects/3/update/":
            update.update(status="running", id=10)
            return 202, update
        return None

    world.before = project
    ran = recover(world, update_first=True)

    assert (ran.entries[1].outcome, ran.outcome.counts["failed"]) == ("refused", 1)
    assert "Project update 10 was deleted while it was waited for" in ran.entries[1].msg
    assert "not known whether" not in str(ran.error)


def test_an_update_that_was_successful_meanwhile_is_not_run_again(world: World) -> None:
    world.failed(1, {"web1": True}, project=3)
    update = {"id": 9, "type": "project_update", "status": "failed", "project": 3, "name": "web"}
    answers = iter([[update], [{**update, "id": 10, "status": "successful"}]])
    world.before = lambda _method, path: (200, listed(next(answers), {})) if path == "project_updates/" else None

    ran = recover(world, update_first=True)

    assert (world.posts, ran.entries[1].recovered) == (["1/relaunch"], True)
    assert [(one["id"], one["new_id"], one["new_status"]) for one in ran.outcome.updates] == [(9, 10, "successful")]


@pytest.mark.parametrize("selection", [Selection(job_ids=(1,)), Selection(finished_after=NOW)])
def test_the_update_of_a_project_that_failed_long_before_its_jobs_is_run_first(
    world: World, selection: Selection
) -> None:
    """It is not updated at each launch, so that none of them begins."""
    of_jobs = {"inventory": {"id": 1, "total_hosts": 1}, "project": {"id": 3, "name": "web", "status": "failed"}}
    world.failed(1, {}, project=3, status="error", summary_fields=of_jobs)
    world.inventory["web1"] = True
    update = {"id": 9, "type": "project_update", "status": "failed", "project": 3, "name": "web"}
    begun: list[str] = []

    def project(method: str, path: str) -> t.Any:
        if method == "POST" and path == "projects/3/update/":
            begun.append(path)
            return 202, {**update, "id": 10, "status": "successful"}
        if path != "project_updates/":
            return None
        query = world.asked[-1][2]
        long_before = "finished__gte" in query or "id__gt" in query
        return 200, listed([] if long_before else [update], query)

    world.before = project
    ran = recover(world, selection=selection, update_first=True)

    assert (begun, ran.entries[1].recovered) == (["projects/3/update/"], True)
    assert [(one["id"], one["job_ids"], one["new_id"]) for one in ran.outcome.updates] == [(9, [1], 10)]


def test_what_was_done_while_an_update_ran_is_seen_before_the_launch(world: World) -> None:
    world.failed(1, {"web1": True}, project=3)
    update = {"id": 9, "type": "project_update", "status": "failed", "project": 3, "name": "web"}
    begun: list[float] = []

    def project(method: str, path: str) -> t.Any:
        if method == "POST" and path == "projects/3/update/":
            begun.append(world.clock.now)
            return 202, {**update, "id": 10, "status": "running"}
        if path != "project_updates/":
            return None
        if begun and world.clock.now > begun[0] + 60:
            if len(world.jobs) == 1:
                world.launch(7, ["web1"], duration=1.0, launch_type="scheduled", project=3)
                world.clock.now += 10
            return 200, listed([{**update, "id": 10, "status": "successful"}], {})
        return 200, listed([] if begun else [update], {})

    world.before = project
    ran = recover(world, update_first=True)

    assert world.posts == ["projects/3/update"]
    assert (ran.entries[1].outcome, ran.entries[1].recovered) == ("superseded", True), ran.entries[1].msg


def test_an_update_that_is_not_permitted_is_tried_for_one_job_alone(world: World) -> None:
    for number in range(1, 9):
        world.failed(number, {"web1": True}, template=number, project=3)
    update = {"id": 9, "type": "project_update", "status": "failed", "project": 3, "name": "web"}

    def project(_method: str, path: str) -> t.Any:
        listing = (200, listed([] if "id__gt" in world.asked[-1][2] else [update], {}))
        return {"project_updates/": listing, "projects/3/update/": (403, DENIED)}.get(path)

    world.before = project
    ran = recover(world, update_first=True)

    assert {(entry.outcome, "cannot be run again" in entry.msg) for entry in ran.entries.values()} == {
        ("refused", True)
    }
    # A refusal is believed when it is given twice.
    assert world.posts == ["projects/3/update"] * 2


@pytest.mark.parametrize(
    ("answer", "changed", "words"),
    [
        (502, True, "Whether it was run again is not known: the answer to that was lost."),
        (429, False, "It was not run again"),
        (403, False, "It was not run again"),
    ],
)
def test_an_update_that_may_have_been_run_again_is_told(world: World, answer: int, changed: bool, words: str) -> None:
    world.failed(1, {"web1": True}, project=3)
    update = {"id": 9, "type": "project_update", "status": "failed", "project": 3, "name": "web"}

    def project(_method: str, path: str) -> t.Any:
        if path == "project_updates/":
            return 200, listed([] if "id__gt" in world.asked[-1][2] else [update], {})
        return (answer, DENIED) if path == "projects/3/update/" else None

    world.before = project
    ran = recover(world, update_first=True)

    assert (ran.outcome.changed, words in ran.outcome.msg) == (changed, True), ran.outcome.msg


@pytest.mark.parametrize("lasts", [0.5, 1.0, 2.0, 2.5])
@pytest.mark.parametrize("hosts", ["all", "failed"])
def test_who_waited_for_an_update_asks_for_room_again(world: World, lasts: float, hosts: str) -> None:
    world.failed(1, {"web1": True}, project=3)
    world.failed(2, {"web1": True}, template=8, project=4)
    world.duration = lambda _number: 60.0
    update = {"id": 9, "type": "project_update", "status": "failed", "project": 3, "name": "web"}
    begun: list[float] = []

    def project(method: str, path: str) -> t.Any:
        over = bool(begun) and world.clock.now > begun[0] + lasts
        after = {**update, "id": 10, "status": "successful" if over else "running"}
        if method == "POST" and path == "projects/3/update/":
            begun.append(world.clock.now)
            return 202, {**update, "id": 10, "status": "running"}
        if path == "project_updates/10/":
            return 200, after
        if path != "project_updates/":
            return None
        wanted = world.asked[-1][2].get("status__in", "")
        return 200, listed(
            [one for one in ([after] if begun else [update]) if not wanted or one["status"] in wanted], {}
        )

    world.before = project
    ran = recover(world, update_first=True, at_once=1, options=RelaunchOptions(hosts=hosts, wait=True))

    assert (ran.error, world.most_active) == (None, 1)
    assert sorted(world.posts) == ["1/relaunch", "2/relaunch", "projects/3/update"]
    # Of an update nothing is asked for that only jobs have.
    assert "jobs/10/job_events/" not in [path for _method, path, _query in world.asked]


class TestUpdatesThatCannotBeListed:
    @pytest.fixture(autouse=True)
    def _unlisted(self, world: World) -> None:
        world.failed(1, {"web1": True})
        world.before = lambda _method, path: (500, {"detail": "Server error"}) if path == "inventory_updates/" else None

    def test_are_a_warning_where_they_are_only_told(self, world: World) -> None:
        ran = recover(world)

        assert (ran.entries[1].recovered, ran.error) == (True, None)
        (warning,) = ran.outcome.warnings or ()
        assert "Whether updates of projects or inventories failed is not known: " in warning

    def test_end_the_task_where_they_are_to_run_first(self, world: World) -> None:
        selection = Selection(finished_after=NOW)
        request = JobsRequest(now=NOW, selection=selection, waiting=Waiting(wait=True), update_first=True)
        with world.client(max_retries=0) as client, pytest.raises(ControllerError, match="inventory_updates"):
            relaunch_jobs(client, request)
        assert world.posts == []


def test_no_update_begins_after_the_deadline(world: World) -> None:
    world.failed(1, {"web1": True}, project=3)
    update = {"id": 9, "type": "project_update", "status": "failed", "project": 3, "name": "web"}
    asked: list[str] = []

    def slowly(method: str, path: str) -> t.Any:
        asked.append(f"{method} {path}")
        if path != "project_updates/":
            return (202, {**update, "id": 10, "status": "running"}) if path == "projects/3/update/" else None
        first = asked.count(asked[-1]) == 1
        world.clock.now += 0 if first else 3600
        return 200, listed([update] if first else [], {})

    world.before = slowly
    ran = recover(world, update_first=True, deadline=Deadline.of("30m", NOW))

    assert not any("POST" in one for one in asked)
    assert (ran.entries[1].outcome, ran.outcome.changed) == ("refused", False)
    assert "The deadline" in str(ran.error)
    assert "It was not run again, since none of these was relaunched." in str(ran.error)


def test_a_host_of_a_node_that_is_gone_is_not_recovered(world: World) -> None:
    world.workflow(10)
    world.failed(11, {"web1": False, "web2": True}, launch_type="workflow", **above(10))
    world.nodes[10] = [node(1, 11, 7, "job")]
    del world.inventory["web2"]

    entry = recover(world, options=RelaunchOptions("failed", wait=True)).entries[10]

    assert (entry.outcome, entry.recovered) == ("done", False), entry.msg
    assert entry.remaining_hosts == ("web2",)
    assert "failed on web2, not in the inventory any more: left out." in entry.msg


def test_a_run_of_anothers_that_failed_stops_nothing_where_what_remains_is_resumed(world: World) -> None:
    """Only of the relaunches of the task itself so many may fail (stop_after)."""
    world.workflow(10)
    world.nodes[10] = [node(1, 11, 7, "job")]
    world.failed(11, {"web1": True}, launch_type="workflow", **above(10))
    by_another = world.workflow(12, launch_type="relaunch")
    by_another.created, by_another.duration = -5.0, 15.0
    world.nodes[12] = [{**node(2, 13, 7, "job"), "identifier": "n1"}]
    world.failed(13, {"web1": True}, launch_type="workflow", **above(12))
    for number in (20, 21, 22):
        world.failed(number, {"web1": True}, template=number)

    ran = recover(world, stop_after=1, at_once=1)

    assert [ran.entries[number].outcome for number in (10, 20, 21, 22)] == ["relaunched"] * 4


def test_what_others_resumed_in_vain_while_it_waited_for_room_counts(world: World) -> None:
    behind_a_job(world)

    def by_a_person(_method: str, _path: str) -> None:
        if world.clock.now > 60 and 90 not in world.workflows:
            for number in (90, 91):
                one = world.workflow(number, launch_type="relaunch")
                one.created, one.duration = world.clock.now, 1.0
                world.nodes[number] = [{**node(2, number + 100, 8, "job"), "identifier": "n1"}]
                world.failed(number + 100, {"web1": True}, template=8, launch_type="workflow", **above(number))

    world.before = by_a_person
    ran = recover(world, at_once=1, max_attempts=2)

    assert [path for path in world.posts if path.endswith("launch")] == ["20/relaunch"]
    assert (ran.entries[30].outcome, ran.entries[30].attempts) == ("needs_person", 2)


class TestARefusalThatComesLate:
    """What remains may have been done meanwhile, so that the launch is not sent again before another look."""

    def refused(self, world: World, meanwhile: t.Callable[[], object]) -> Ran:
        world.workflow(30)
        world.nodes[30] = [node(1, 21, template=8, kind="job")]
        world.failed(21, {"web1": True}, template=8, launch_type="workflow", **above(30))

        def refuse(_method: str, path: str) -> t.Any:
            if not path.endswith("/launch/") or self.launches(world) > 1:
                return None
            world.clock.now += 4
            meanwhile()
            return 403, DENIED

        world.before = refuse
        return recover(world)

    @staticmethod
    def launches(world: World) -> int:
        return sum(path.endswith("launch") for path in world.posts)

    def test_is_not_the_last_word(self, world: World) -> None:
        entry = self.refused(world, lambda: None).entries[30]

        assert (entry.outcome, self.launches(world)) == ("relaunched", 2)
        lists = [number for number, one in enumerate(world.asked) if one[1].endswith("/launch/")]
        assert "workflow_jobs/" in [path for _method, path, _query in world.asked[slice(*lists)]]

    def test_launches_nothing_that_was_done_meanwhile(self, world: World) -> None:
        def by_another() -> None:
            one = world.workflow(40, 901, failed=False, name="Remainder of workflow job 30 0123456789ab")
            one.created, one.duration = world.clock.now - 2.0, 1.0

        entry = self.refused(world, by_another).entries[30]

        assert (entry.outcome, self.launches(world)) == ("done", 1), entry.msg


def test_the_number_of_a_new_one_is_told_before_anything_can_break_the_task_off(world: World) -> None:
    world.workflow(30)
    world.nodes[30] = [node(1, 21, template=8, kind="job")]
    world.failed(21, {"web1": True}, template=8, launch_type="workflow", **above(30))
    lines: list[str] = []

    def interrupt(_method: str, path: str) -> None:
        if path == "workflow_jobs/" and any(path.endswith("launch") for path in world.posts):
            raise KeyboardInterrupt

    world.before = interrupt
    request = JobsRequest(
        now=NOW, waiting=Waiting(wait=True), selection=Selection(finished_after=NOW), options=RelaunchOptions(wait=True)
    )
    with world.client(max_retries=0) as client:
        client.tell = lines.append
        with pytest.raises(KeyboardInterrupt):
            relaunch_jobs(client, request)

    assert lines == [f"workflow job {max(world.workflows)} launched, what remains of workflow job 30"]


def test_gives_way_to_another_caller_who_was_first_and_is_seen_a_second_later(world: World) -> None:
    """Launches of templates show up in another order than that of their numbers."""
    world.workflow(30)
    world.nodes[30] = [node(1, 21, template=8, kind="job")]
    world.failed(21, {"web1": True}, template=8, launch_type="workflow", **above(30))
    shows_up: list[float] = []

    def launch(method: str, path: str) -> t.Any:
        if shows_up and world.clock.now >= shows_up[0] and 40 not in world.workflows:
            first = world.workflow(40, 901, failed=False, name="Remainder of workflow job 30 other")
            first.created, first.duration = shows_up[0], 60.0
        if method == "POST" and path.endswith("41/cancel/"):
            world.workflows[41].duration, world.workflows[41].canceled = 1.0, True
            return 202, {}
        if method != "POST" or not path.endswith("900/launch/"):
            return None
        shows_up.append(world.clock.now + 1.0)
        own = world.workflow(41, 900, failed=False, name="Remainder of workflow job 30 abc")
        own.created, own.duration = world.clock.now, 60.0
        return 201, own.shown(world.clock.now)

    world.before = launch

    entry = recover(world, selection=Selection(job_ids=(30,))).entries[30]

    assert (entry.outcome, entry.id, entry.recovered) == ("adopted", 40, True), entry.msg
    assert world.workflows[41].canceled


class TestALaunchOfAllNodesRestsOnAFreshLook:
    """Workflow job 30 by itself; the last list of each look, of the jobs of its template, may take long."""

    def relaunch(self, world: World, slow: t.Callable[[], object], **options: t.Any) -> WorkflowOutcome:
        world.workflow(30)
        world.nodes[30] = [node(1, 21, template=8, kind="job")]

        def pass_time(method: str, path: str) -> t.Any:
            if path == "unified_jobs/":
                slow()
            if method != "POST":
                return None
            one = world.workflow(31, failed=False, launch_type="relaunch")
            one.created = world.clock.now
            return 201, one.shown(world.clock.now)

        world.before = pass_time
        defaults = {name: one.get("default") for name, one in WORKFLOW_SPECIFICATION["argument_spec"].items()}
        request = WorkflowRequest.of({**defaults, "workflow_job_id": 30, "nodes": "all", **options}, False, False)
        with world.client(max_retries=0) as client:
            return relaunch_workflow(client, request)

    def looks(self, world: World) -> int:
        paths = [(method, path) for method, path, _query in world.asked]
        return paths[: paths.index(("POST", "workflow_jobs/30/relaunch/"))].count(("GET", "unified_jobs/"))

    def test_what_was_done_while_it_looked_is_not_launched(self, world: World) -> None:
        def by_another() -> None:
            if 40 not in world.workflows:
                world.clock.now += 8
                one = world.workflow(40, 901, failed=False, name="Remainder of workflow job 30 0123456789ab")
                one.created, one.duration = world.clock.now - 2.0, 1.0

        outcome = self.relaunch(world, by_another)

        assert (world.posts, outcome.changed, outcome.job and outcome.job.id) == ([], False, 40)

    @pytest.mark.parametrize(("seconds", "looks"), [(0.1, 1), (8, 3)])
    def test_the_third_look_at_the_latest_leads_to_it(self, world: World, seconds: float, looks: int) -> None:
        outcome = self.relaunch(world, lambda: world.clock.sleep(seconds))

        assert (outcome.changed, self.looks(world)) == (True, looks)
        assert [path for _method, path, _query in world.asked].count("workflow_jobs/30/workflow_nodes/") == 1

    def test_none_is_asked_for_with_force(self, world: World) -> None:
        assert self.relaunch(world, lambda: world.clock.sleep(8), force=True).changed
        assert self.looks(world) == 0


class TestTheWaitForAWorkflowJob:
    """Workflow job 30 by itself: all its nodes are relaunched as 32, which runs for longer than the task waits."""

    GONE = (404, {"detail": "No WorkflowJob matches the given query."})
    SICK = (502, "<h1>502 Bad Gateway</h1>")

    def relaunch(
        self,
        world: World,
        answers: dict[tuple[str, str], t.Any],
        rival: bool = False,
        cancel: bool = False,
        **facts: t.Any,
    ) -> tuple[WorkflowOutcome, str]:
        """What is known at the end, and the error; empty where there is none.

        :param answers: by method and path, where they are other than usual.
        :param rival: another caller has launched 31 in the same instant, which is successful.
        """
        world.workflow(30)
        world.nodes[30] = [node(1, 21, template=8, kind="job")]

        def before(method: str, path: str) -> t.Any:
            if (method, path) != ("POST", "workflow_jobs/30/relaunch/"):
                return answers.get((method, path))
            for number, seconds in ((31, 20.0), (32, 1000.0)) if rival else ((32, 1000.0),):
                one = world.workflow(number, failed=False, launch_type="relaunch", **facts)
                one.created, one.duration = world.clock.now, seconds
            return 201, one.shown(world.clock.now)

        world.before = before
        waiting = {"wait": True, "timeout": 60, "cancel_on_timeout": cancel}
        defaults = {name: one.get("default") for name, one in WORKFLOW_SPECIFICATION["argument_spec"].items()}
        given = {**defaults, "workflow_job_id": 30, "nodes": "all", **waiting}
        with world.client(max_retries=0) as client:
            try:
                return relaunch_workflow(client, WorkflowRequest.of(given, False, False)), ""
            except ControllerError as error:
                outcome = outcome_of(error)
                assert isinstance(outcome, WorkflowOutcome), error
                return outcome, str(error)

    CANCEL, LOOK = ("POST", "workflow_jobs/32/cancel/"), ("GET", "workflow_jobs/32/")

    def gone_after_its_cancel(self, world: World, rival: bool = False) -> tuple[WorkflowOutcome, str]:
        answers: dict[tuple[str, str], t.Any] = {self.CANCEL: (202, {})}
        world.after = lambda path, _query, *given: (
            self.GONE if path == self.LOOK[1] and self.CANCEL[1] in [one[1] for one in world.asked] else given
        )
        return self.relaunch(world, answers, rival, cancel=True)

    def test_tells_what_came_of_a_cancel_after_which_it_cannot_be_seen(self, world: World) -> None:
        outcome, said = self.gone_after_its_cancel(world)

        assert said.startswith(
            "Waiting for workflow job 32 ended after 60 seconds (timeout) with the workflow job running. It was "
            "canceled. Its state could not be read after that: "
        )
        assert (outcome.changed, outcome.job and outcome.job.id) == (True, 32)

    def test_follows_the_other_caller_where_the_own_one_cannot_be_seen_any_more(self, world: World) -> None:
        outcome, said = self.gone_after_its_cancel(world, rival=True)

        assert (said, outcome.changed, outcome.own_job_id, outcome.job and outcome.job.id) == ("", False, 32, 31)
        assert "That was canceled; it may have begun. Its state could not be read after that: " in outcome.msg
        assert outcome.msg.endswith("Workflow job 31 was successful.")

    def test_an_interruption_after_the_cancel_tells_of_the_other_caller(self, world: World) -> None:
        def interrupt(path: str, _query: t.Any, *given: t.Any) -> t.Any:
            if path == self.LOOK[1]:
                raise KeyboardInterrupt
            return given

        world.after = interrupt
        with pytest.raises(KeyboardInterrupt) as raised:
            self.relaunch(world, {self.CANCEL: (202, {})}, rival=True)

        outcome = outcome_of(raised.value)
        assert isinstance(outcome, WorkflowOutcome)
        assert (outcome.changed, outcome.own_job_id, outcome.job and outcome.job.id) == (False, 32, 31)

    def test_tells_that_what_is_known_of_it_is_old(self, world: World) -> None:
        said = self.relaunch(world, {self.LOOK: self.SICK})[1]

        assert "with the workflow job last seen running. The last attempt to ask failed: GET " in said
        assert "It goes on: run the task again to wait for it." in said

    def test_tells_why_it_has_not_begun(self, world: World) -> None:
        said = self.relaunch(world, {}, status="pending", allow_simultaneous=False)[1]

        assert "with the workflow job pending. Its template allows one job at a time, so that it has to wait" in said

    def test_tells_that_it_ended_early(self, world: World) -> None:
        outcome, said = self.relaunch(world, {self.LOOK: self.GONE})

        assert said.startswith("Waiting for workflow job 32 ended early: GET ") and "No WorkflowJob matches" in said
        assert "Run the task again to go on, or see http" in said and said.endswith("/jobs/workflow/32/output")
        assert (outcome.changed, outcome.job and outcome.job.id) == (True, 32)


class TestADisabledHostThatFailedInANode:
    """Job 31 of the node failed on web1, and stopped for all that did not fail."""

    def left(self, world: World) -> NodeLeft:
        """What is left of the node, which may run whole."""
        request = WorkflowRequest(nodes="failed", node_hosts="failed", fallback_to_all=True)
        with world.client() as client:
            watch = Watch(client, Waiting(wait=True))
            work, one = NodeWork(watch, request), Node.of(node(1, 31, template=7, kind="job"))
            return drive(work.left(one), watch)

    @pytest.mark.parametrize("hosts", ["web1", "web1, web2"])
    def test_is_not_left_behind_by_a_run_of_the_whole_node(self, world: World, hosts: str) -> None:
        """It may have failed in another run than others, so that it is seen to be disabled before the decision."""
        world.failed(31, {"web1": True, "web2": False, "web3": False}, stopped=True)
        if "web2" in hosts:
            world.failed(32, {"web2": True}, limit="web2")
        world.inventory.update(dict.fromkeys(hosts.split(", "), False))

        left = self.left(world)

        assert left.whole == ""
        assert [said.split(":")[0] for said in left.obstacles] == [f"has {hosts} left, where it cannot run"]


class TestOneLeftInStatusNew:
    """Workflow job 30 failed; the launch of another one that does its work, by a schedule, broke half way."""

    def left_new(self, world: World, number: int, **facts: t.Any) -> None:
        world.workflow(number, status="new", started=None, finished=None, **facts).created = world.clock.now - 60.0

    @pytest.fixture(autouse=True)
    def _failed(self, world: World) -> None:
        world.workflow(30)
        world.nodes[30] = [node(1, 21, template=8, kind="job")]
        world.failed(21, {"web1": True}, template=8, launch_type="workflow", **above(30))

    def relaunch(self, world: World, number: int, nodes: str) -> WorkflowOutcome:
        defaults = {name: one.get("default") for name, one in WORKFLOW_SPECIFICATION["argument_spec"].items()}
        given = {**defaults, "workflow_job_id": number, "nodes": nodes, "node_hosts": "all", "wait": True}
        with world.client(max_retries=0) as client:
            return relaunch_workflow(client, WorkflowRequest.of(given, False, False))

    @pytest.mark.parametrize("launch_type", ["scheduled", "relaunch"])
    def test_is_not_waited_for_among_many(self, world: World, launch_type: str) -> None:
        self.left_new(world, 40, launch_type=launch_type)

        entry = recover(world).entries[30]

        assert (entry.outcome, entry.recovered) == ("relaunched", True)
        assert world.posts[-1] == "workflow_job_templates/900/launch"
        assert 60 < world.clock.now < 300

    def test_is_no_success_among_many_where_it_is_the_own_one(self, world: World) -> None:
        def launch(method: str, path: str) -> t.Any:
            if (method, path) != ("POST", "workflow_job_templates/900/launch/"):
                return None
            self.left_new(world, 41, template=900, name="Remainder of workflow job 30 0123456789ab")
            world.workflows[41].created = world.clock.now
            return 201, {**world.workflows[41].shown(world.clock.now), "status": "pending"}

        world.before = launch
        ran = recover(world)

        assert (ran.entries[30].outcome, ran.entries[30].unsuccessful) == ("relaunched", True)
        assert "Workflow job 41 was left in status new" in str(ran.error)

    @pytest.mark.parametrize("launch_type", ["scheduled", "relaunch"])
    def test_is_not_waited_for_where_what_remains_is_resumed(self, world: World, launch_type: str) -> None:
        self.left_new(world, 40, launch_type=launch_type)
        listing = [{**world.workflows[40].shown(0.0), "type": "workflow_job"}]
        world.after = lambda path, query, *given: (
            (200, listed(listing, query)) if path == "unified_jobs/" else t.cast("t.Any", given)
        )

        outcome = self.relaunch(world, 30, "failed")

        assert (outcome.changed, outcome.job and outcome.job.successful) == (True, True)
        assert "Workflow job 40, the same work, was left in status new" in " ".join(outcome.warnings)

    @pytest.mark.parametrize(("number", "nodes"), [(40, "all"), (40, "failed"), (30, "all")])
    def test_is_told_with_what_to_do(self, world: World, number: int, nodes: str) -> None:
        """It is the one that is asked for, or the own one."""
        if number == 40:
            self.left_new(world, 40)

        def launch(method: str, path: str) -> t.Any:
            if (method, path) != ("POST", "workflow_jobs/30/relaunch/"):
                return None
            self.left_new(world, 41, launch_type="relaunch")
            world.workflows[41].created = world.clock.now
            return 201, {**world.workflows[41].shown(world.clock.now), "status": "pending"}

        world.before = launch
        with pytest.raises(ControllerError) as refused:
            self.relaunch(world, number, nodes)

        told = f"Workflow job {max(world.workflows)} was left in status new and will never run. Cancel it in the "
        assert str(refused.value).startswith(told)
        assert 60 < world.clock.now < 300


class TestWhatToDoNext:
    """Workflow job 30 failed, and 40 ran what remained of it."""

    @pytest.fixture(autouse=True)
    def _resumed(self, world: World) -> None:
        for number, template, facts in ((30, 5, {}), (40, 901, {"name": "Remainder of workflow job 30 0123456789ab"})):
            world.workflow(number, template, **facts)
            world.nodes[number] = [node(number, number + 1, template=8, kind="job")]

    def test_among_many_is_another_module_where_that_may_not_be_read(self, world: World) -> None:
        of_node = {
            **above(40)["summary_fields"]["source_workflow_job"],
            "status": "failed",
            **world.workflows[40].facts,
        }
        entry = {**world.failed(41, {"web1": True}, template=8).shown(0), "launch_type": "workflow"}
        entry["summary_fields"] = {"source_workflow_job": of_node}
        del world.jobs[41], world.workflows[40]
        world.before = lambda _method, path: (403, DENIED) if path == "workflow_jobs/40/" else None
        world.after = lambda path, query, *given: (
            (200, listed([entry], query)) if path == "unified_jobs/" else t.cast("t.Any", given)
        )

        told = recover(world).entries[30]

        assert (told.outcome, world.posts) == ("refused", [])
        assert "or relaunch all nodes (workflow_job_relaunch with nodes: all)" in told.msg

    def test_is_not_the_same_task_again_where_that_would_relaunch_all_nodes(self, world: World) -> None:
        world.workflows[40].created, world.workflows[40].duration = -5.0, 15.0
        world.after = lambda path, query, *given: (
            (200, listed([{"id": 901}], query)) if path == "workflow_job_templates/" else t.cast("t.Any", given)
        )
        defaults = {name: one.get("default") for name, one in WORKFLOW_SPECIFICATION["argument_spec"].items()}
        request = WorkflowRequest.of({**defaults, "workflow_job_id": 30, "wait": True}, False, False)

        with world.client(max_retries=0) as client, pytest.raises(ControllerError) as failed:
            relaunch_workflow(client, request)

        assert "Workflow job 40 ended with status failed" in str(failed.value)
        assert "resume it with nodes: failed, which runs only what remains" in str(failed.value)
