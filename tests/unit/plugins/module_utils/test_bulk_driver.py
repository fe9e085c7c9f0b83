# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many relaunches side by side, in a world that moves meanwhile."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

import pytest
import requests

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import ControllerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.kinds import JOB
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import JobsRequest
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.outcome import JobCounts, JobsOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._job.options import RelaunchRequest
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._job.relaunch_job import relaunch_job
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting
from ansible_collections.relaunch.controller.plugins.module_utils._retry.deadline import Deadline
from ansible_collections.relaunch.controller.plugins.module_utils._selection.selection import Selection
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import RelaunchOptions
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import (
    NOW,
    BulkController,
    launches_break_half_way,
    relaunches_of,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, HTML
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import listed

MINE = {"launched_by": {"id": 1, "type": "user"}}
#: More requests than any of these tests needs: an endless loop ends here.
MOST_REQUESTS = 5000


class Ran(t.NamedTuple):
    """What a task came to."""

    outcome: JobsOutcome
    error: t.Optional[BaseException]

    def of(self, number: int) -> tuple[str, bool]:
        entry = self.entry(number)
        return entry.outcome, entry.recovered

    def entry(self, number: int) -> t.Any:
        return next(entry for entry in self.outcome.jobs if entry.source_job_id == number)


@pytest.fixture
def controller(clock: Clock) -> BulkController:
    return BulkController(clock, latency=0.05)


def relaunch(
    controller: BulkController,
    hosts: str = "failed",
    *,
    wait: bool = True,
    fallback: bool = False,
    timeout: t.Optional[float] = None,
    cancel: bool = False,
    progress: t.Optional[t.Callable[[JobCounts], None]] = None,
    retries: int = 0,
    interval: float = 2.0,
    **options: t.Any,
) -> Ran:
    """Relaunch all jobs that there are when it begins, or those that are named."""
    selection = options.pop("selection", Selection(job_ids=tuple(controller.jobs)))
    request = JobsRequest(
        now=NOW,
        selection=selection,
        options=RelaunchOptions(hosts=hosts, wait=wait, fallback_to_all=fallback),
        waiting=Waiting(wait, interval, timeout, cancel),
        **{"max_jobs": 1000, **options},
    )
    count = len(controller.asked)
    move = controller.before

    def before(method: str, path: str) -> t.Any:
        assert len(controller.asked) - count < MOST_REQUESTS, "an endless loop"
        return move(method, path)

    controller.before = before
    try:
        with controller.client(max_retries=retries) as client:
            return Ran(relaunch_jobs(client, request, progress), None)
    except (ControllerError, KeyboardInterrupt) as error:
        outcome = outcome_of(error)
        assert isinstance(outcome, JobsOutcome), error
        return Ran(outcome, error)
    finally:
        controller.before = move


def at_post(act: t.Callable[[str], t.Any]) -> t.Callable[[str, str], t.Any]:
    """Act before each relaunch, with its path; the answer of that is the controller's, where there is one."""

    def before(method: str, path: str) -> t.Any:
        return act(path) if method == "POST" and path.endswith("/relaunch/") else None

    return before


def test_each_is_relaunched_and_judged(controller: BulkController) -> None:
    shown: list[str] = []
    for number in range(1, 8):
        controller.failed(number, {"web1": False, "web2": True}, template=number)
    controller.failing[3] = {"web2"}

    ran = relaunch(controller, at_once=2, progress=lambda counted: shown.append(str(counted)))

    assert ran.error is not None and "Not successful: 3." in str(ran.error)
    assert [ran.of(number) for number in range(1, 8)] == [("relaunched", number != 3) for number in range(1, 8)]
    assert relaunches_of(controller.posts) == list(range(1, 8))
    assert controller.most_active == 2
    assert shown[0] == "2 of 7: 2 running"
    assert shown[-1] == "7 of 7: 6 successful, 1 failed"


def test_numbers_of_jobs_are_told_in_their_order_and_the_first_of_them_is_what_it_says(
    controller: BulkController,
) -> None:
    for number in range(1, 13):
        controller.failed(number, {"web1": True}, template=number)
        controller.failing[number] = {"web1"}

    ran = relaunch(controller, at_once=20)

    assert "Selected: job_ids: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more." in str(ran.error)
    assert "Not successful: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more. First of them: Job " in str(ran.error)


@pytest.mark.parametrize("check", [False, True])
def test_all_hosts_of_a_job_are_neither_asked_for_nor_told(controller: BulkController, check: bool) -> None:
    controller.failed(1, {"web1": True, "web2": False})

    ran = relaunch(controller, "all", check_mode=check)

    assert ran.of(1) == ("relaunched", not check) and ran.entry(1).hosts is None
    assert not [path for _method, path, _query in controller.asked if path.endswith("job_host_summaries/")]


def test_entries_tell_which_are_counted_as_failed(controller: BulkController) -> None:
    for number in (1, 2, 3):
        controller.failed(number, {"web1": True}, template=number)
    controller.failing[2] = {"web1"}
    controller.before = lambda _method, path: (500, {"detail": "Oops."}) if path == "jobs/3/relaunch/" else None

    result = relaunch(controller).outcome.result()

    assert {one["source_job_id"]: one["failed"] for one in result["jobs"]} == {1: False, 2: True, 3: True}
    assert result["counts"]["failed"] == 2 and not any("broken" in one for one in result["jobs"])


@pytest.mark.parametrize("fallback", [False, True])
def test_two_stopped_rolling_updates_each_get_their_own_verdict(controller: BulkController, fallback: bool) -> None:
    controller.inventory = dict.fromkeys(("web1", "web2", "web3", "web4"), True)
    for number in (1, 2):
        controller.failed(number, {"web1": False, "web2": True}, batches=1, stopped=True)

    ran = relaunch(controller, fallback=fallback)

    if fallback:
        assert ran.error is None, ran
        assert (ran.of(2), ran.of(1)) == (("relaunched", True), ("superseded", True))
        assert ran.entry(1).id == ran.entry(2).id
        assert [one.facts["limit"] for one in list(controller.jobs.values())[2:]] == ["web2", ""]
    else:
        assert ran.error is not None
        assert (ran.of(2)[1], ran.of(1)[1]) == (False, False)
        for number in (1, 2):
            assert "stopped before its end" in ran.entry(number).msg
            assert "web3" in ran.entry(number).msg
        assert relaunches_of(controller.posts) == [2]


def test_a_host_enabled_again_is_relaunched_in_its_jobs_turn(controller: BulkController) -> None:
    controller.failed(1, {"web1": False, "web2": False, "web3": True})
    # Then web3 was disabled, and is enabled again by now.
    controller.failed(2, {"web1": True, "web2": False})

    ran = relaunch(controller)

    assert ran.of(1) == ("relaunched", True)
    # Which was not so yet when that was judged.
    assert ran.of(2) == ("relaunched", False) and "it has not been done on web3" in ran.entry(2).msg
    assert [ran.entry(number).hosts for number in (1, 2)] == [("web3",), ("web1",)]
    assert relaunches_of(controller.posts) == [2, 1]


@pytest.mark.parametrize("hosts", ["all", "failed"])
def test_a_scheduled_success_shortly_before_the_launch_is_taken(controller: BulkController, hosts: str) -> None:
    controller.failed(1, {"web1": True, "web2": False}, template=7)
    controller.failed(2, {"web1": True, "web2": False}, template=8)
    controller.duration = lambda _number: 30.0

    def schedule(path: str) -> None:
        # While the first is running, for which the second waits.
        controller.launch(8, ["web1", "web2"], duration=24.0, launch_type="scheduled")

    controller.before = at_post(schedule)
    ran = relaunch(controller, hosts, at_once=1)

    assert ran.error is None, ran
    assert relaunches_of(controller.posts) == [1]
    assert ran.of(2)[1] and ran.entry(2).id == 101
    assert ran.of(2)[0] == "superseded"


@pytest.mark.parametrize("slow", [4.0, 60.0])
@pytest.mark.parametrize("hosts", ["all", "failed"])
def test_what_was_done_while_others_were_planned_is_not_launched(
    controller: BulkController, hosts: str, slow: float
) -> None:
    controller.failed(1, {"web1": True}, template=7)
    other = {"forks": 3} if hosts == "all" else {"launch_type": "relaunch", "limit": "web1"}
    controller.failed(2, {"web1": True}, template=7, **other)
    controller.failed(3, {"web1": True}, template=8)
    controller.edited = {7: 0.0} if hosts == "all" else {}
    launched: list[int] = []

    def schedule(_method: str, path: str) -> None:
        # What job 1 is asked about once all have been listed takes long.
        listed_before = any("unified_job_template__in" in query for _method, _path, query in controller.asked)
        if path.startswith("jobs/1/") and listed_before and not launched:
            launched.append(controller.launch(8, ["web1"], duration=1.0, launch_type="scheduled").id)
            controller.clock.now += slow

    controller.before = schedule
    ran = relaunch(controller, hosts, selection=Selection(job_ids=(1, 3)), at_once=5)

    assert ran.of(3) == ("superseded", True) and ran.entry(3).id == launched[0]
    assert 3 not in relaunches_of(controller.posts)


@pytest.mark.parametrize("hosts", ["failed", "remaining"])
@pytest.mark.parametrize("healed", [False, True])
@pytest.mark.parametrize("later", [{"db7": True}, {"web1": False, "db7": True}], ids=["other host", "both"])
def test_a_job_is_not_relaunched_on_hosts_of_anothers_limit(
    controller: BulkController, hosts: str, healed: bool, later: t.Mapping[str, bool]
) -> None:
    """Two people run a template that asks for its limit, each on hosts of their own."""
    controller.failed(3, {"web1": True}, limit="web1")
    controller.prompts[3] = {"limit": "web1"}
    if healed:
        controller.failed(4, {"web1": False}, limit="web1", launch_type="relaunch")
    controller.failed(5, later, limit=",".join(later), launched_by={"id": 2, "type": "user"})
    controller.prompts[5] = {"limit": ",".join(later)}

    ran = relaunch(controller, hosts, selection=Selection(job_ids=(3,)))

    assert ran.error is None and ran.entry(3).recovered and not ran.entry(3).remaining_hosts
    launched = [job.facts["limit"] for number, job in controller.jobs.items() if number > 100]
    assert launched == ([] if healed else ["web1"])


class TestSlices:
    """Which hosts a slice has changes with its inventory: a host that is added or disabled moves others."""

    OF_TWO: t.ClassVar[dict[str, int]] = {"job_slice_count": 2, "job_slice_number": 1}

    @pytest.mark.parametrize("same", [True, False])
    def test_the_same_slice_with_other_hosts_has_not_done_the_work(
        self, controller: BulkController, same: bool
    ) -> None:
        controller.failed(1, {"web1": False, "web3": True}, **self.OF_TWO)
        controller.failed(2, {"web1": False, ("web3" if same else "web2"): False}, **self.OF_TWO)

        ran = relaunch(controller, "all", selection=Selection(job_ids=(1,)))

        assert ran.error is None
        assert relaunches_of(controller.posts) == ([] if same else [1])

    @pytest.mark.parametrize("gone", [False, True])
    def test_a_relaunch_on_other_hosts_is_told(self, controller: BulkController, gone: bool) -> None:
        controller.failed(1, {"web1": False, "web3": True}, **self.OF_TWO)

        def move(_path: str) -> None:
            # By now it is in the other slice, or disabled.
            controller.inventory["web3"] = False

        def back(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            controller.inventory["web3"] = controller.inventory["web3"] or not gone
            return status, body

        controller.before, controller.after = at_post(move), back
        ran = relaunch(controller, "all", selection=Selection(job_ids=(1,)))

        assert ran.of(1) == ("relaunched", gone)
        assert ("web3 is in another slice by now" in ran.entry(1).msg) is not gone

    @pytest.fixture
    def moved(self, controller: BulkController) -> BulkController:
        """Since web2 was added, web3 is in the other slice."""
        controller.failed(1, {"web1": False, "web3": True}, **self.OF_TWO)
        controller.inventory["web2"] = True

        def answered(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            if status == 201:
                controller.jobs[body["id"]].hosts = {"web1": False, "web2": False}
            return status, body

        controller.after = answered
        return controller

    def test_what_others_have_by_now_is_not_relaunched_for_ever(self, moved: BulkController) -> None:
        for _run in range(6):
            relaunch(moved, "all", selection=Selection(job_ids=(1,)), max_attempts=3)
            moved.clock.now += 600

        assert len(relaunches_of(moved.posts)) == 3

    def test_a_host_that_was_deleted_and_added_again_is_looked_for(self, moved: BulkController) -> None:
        launched = moved.after

        def answered(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            if path == "jobs/1/job_host_summaries/":
                for row in body["results"]:
                    row.update(host=None, summary_fields={})
            return launched(path, query, status, body)

        moved.after = answered
        ran = relaunch(moved, "all", selection=Selection(job_ids=(1,)))

        assert ran.of(1) == ("relaunched", False)


class TestWhatListsDoNotShow:
    """While a user's role is away, lists are answered without what it was for (recorded: denied-role-removed-*)."""

    def test_another_users_active_run_is_not_forgotten(self, controller: BulkController) -> None:
        controller.duration = lambda _number: 60.0
        inventories = {number: controller.in_inventory(10 + number, [f"web{number}"]) for number in (1, 2, 3, 4)}
        for number, facts in inventories.items():
            controller.failed(number, {f"web{number}": True}, template=number, **facts)

        def by_a_person(_method: str, _path: str) -> None:
            if controller.clock.now > 20 and not others:
                facts = {"limit": "web4", "launch_type": "relaunch", **inventories[4]}
                others.append(controller.launch(4, ["web4"], 5000.0, **facts))

        def role_away(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            if path == "jobs/" and 100 < controller.clock.now < 150:
                rows = [one for one in body["results"] if one["unified_job_template"] != 4]
                return 200, {**body, "count": len(rows), "results": rows}
            return status, body

        others: list[t.Any] = []
        controller.before, controller.after = by_a_person, role_away
        relaunch(controller, at_once=1, timeout=1000)

        assert relaunches_of(controller.posts) == [1, 2, 3]

    def test_a_job_that_is_waited_for_was_not_deleted(self, controller: BulkController) -> None:
        controller.failed(1, {"web1": True})
        controller.duration = lambda _number: 300.0

        def role_away(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            away = path == "jobs/" and 60 < controller.clock.now < 70
            return (200, listed([], query)) if away else (status, body)

        controller.after = role_away

        assert relaunch(controller).of(1) == ("relaunched", True)

    def test_one_that_may_not_be_seen_for_good_is_given_up(self, controller: BulkController) -> None:
        for number in (1, 2):
            controller.failed(number, {"web1": True}, template=number)

        def denied(_method: str, path: str) -> t.Any:
            assert controller.clock.now < 1000, "waits for ever"
            return (403, DENIED) if path.startswith("jobs/101/") and controller.clock.now > 3 else None

        def role_away(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            if path == "jobs/" and controller.clock.now > 3:
                body = {**body, "results": [one for one in body["results"] if one["id"] != 101]}
            # What its launch shows has been granted.
            return status, {**body, "url": f"/api/v2/jobs/{body['id']}/"} if path.endswith("relaunch/") else body

        controller.before, controller.after = denied, role_away
        ran = relaunch(controller, at_once=1)

        assert (ran.of(1), ran.of(2)) == (("lost", False), ("relaunched", True))
        assert "Job 101 may not be seen by this user any more while it was waited for" in ran.entry(1).msg
        assert 300 < controller.clock.now < 500


def test_events_that_were_not_in_yet_measure_no_other_job(controller: BulkController) -> None:
    """Under load they are in eight seconds after the end (recorded: lag-detail)."""
    controller.failed(1, {"web1": True, "web2": False}, stopped=True)
    second = controller.failed(2, {"web1": False}, limit="web1", launch_type="relaunch")
    second.created, second.duration, controller.clock.now = 0.0, 20.0, 5.0

    def late(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        if controller.clock.now < second.ends + 7:
            if path == "jobs/2/job_events/":
                rows = [event for event in body["results"] if event["counter"] <= 3]
                return status, {**body, "count": len(rows), "results": rows}
            if path == "jobs/2/job_host_summaries/":
                return status, listed([], query)
            if path == "jobs/2/":
                return status, {**body, "event_processing_finished": False, "host_status_counts": None}
        return status, body

    controller.after = late
    ran = relaunch(controller, selection=Selection(job_ids=(1, 2)))

    # It was stopped in the first, and has run nowhere since.
    assert not ran.of(1)[1] and "web2" in ran.entry(1).msg


def test_after_a_deletion_the_same_work_is_told_what_is_known(controller: BulkController) -> None:
    for number, failed in ((1, "web1"), (2, "web2")):
        controller.failed(number, {name: name == failed for name in ("web1", "web2")})
    controller.duration = lambda _number: 300.0

    def delete(_method: str, _path: str) -> None:
        if controller.clock.now > 20:
            controller.jobs.pop(101, None)

    controller.before = delete
    ran = relaunch(controller)

    assert (ran.of(2)[0], ran.entry(2).id) == ("lost", 101)
    assert "it is unknown whether" not in ran.entry(1).msg


def test_a_deleted_job_of_another_is_no_change(controller: BulkController) -> None:
    controller.failed(1, {"web1": True})
    controller.launch(7, ["web1"], 300.0, limit="web1", launch_type="relaunch")

    def delete(_method: str, _path: str) -> None:
        if controller.clock.now > 20:
            controller.jobs.pop(101, None)

    controller.before = delete
    ran = relaunch(controller, selection=Selection(job_ids=(1,)))

    assert (controller.posts, ran.outcome.changed) == ([], False)


@pytest.mark.parametrize("hosts", ["all", "failed"])
@pytest.mark.parametrize("check", [False, True])
def test_one_whose_inventory_is_gone_is_left_alone_in_the_plan_too(
    controller: BulkController, hosts: str, check: bool
) -> None:
    controller.failed(1, {"web1": True}, inventory=None)

    ran = relaunch(controller, hosts, check_mode=check, selection=Selection(finished_after=NOW, kinds=(JOB,)))

    assert (ran.of(1), ran.error, ran.outcome.counts["failed"]) == (("refused", False), None, 0)
    assert "What it ran with is gone" in ran.entry(1).msg and controller.posts == []


def test_where_one_is_refused_the_plan_goes_on_with_the_next_of_its_work(controller: BulkController) -> None:
    controller.inventory = {"web1": True, "web2": True}
    controller.failed(1, {"web1": True, "web2": False})
    controller.failed(2, {"web1": False, "web2": True})
    controller.before = lambda _method, path: (500, {"detail": "x"}) if path == "jobs/2/create_schedule/" else None

    plan = relaunch(controller, "remaining", check_mode=True)
    ran = relaunch(controller, "remaining")

    assert (ran.of(1)[0], ran.outcome.changed) == (plan.of(1)[0], plan.outcome.changed) == ("relaunched", True)


@pytest.mark.parametrize("hosts", ["all", "failed"])
@pytest.mark.parametrize("earlier", [True, False])
def test_two_operators_in_the_same_instant_run_nothing_twice(
    controller: BulkController, hosts: str, earlier: bool
) -> None:
    """Another operator, with jobs of a second, has launched the same 0.3 seconds before, or does so after."""
    for number in range(1, 6):
        controller.failed(number, {"web1": True, "web2": False}, template=number)
    controller.duration = lambda _number: 1.0
    others: list[int] = []

    def other(path: str) -> None:
        if not others:
            limit = "web1" if hosts == "failed" else ""
            names = ["web1"] if hosts == "failed" else ["web1", "web2"]
            for template in range(1, 6):
                others.append(controller.launch(template, names, 1.0, launch_type="relaunch", limit=limit).id)
            controller.clock.now += 0.3

    controller.before = at_post(other)
    if not earlier:
        # The other one's jobs have higher numbers than our first, and lower ones than the rest.
        controller.before = lambda method, path: other(path) if path == "jobs/2/relaunch/" else None
    ran = relaunch(controller, hosts, at_once=5)

    assert ran.error is None, ran
    assert all(ran.of(number)[1] for number in range(1, 6))
    finished: dict[int, list[int]] = {}
    for one in controller.jobs.values():
        if one.id > 100 and not one.canceled:
            finished.setdefault(one.facts["unified_job_template"], []).append(one.id)
    # The other operator gives way where ours is lower.
    doubled = {template for template, ids in finished.items() if len(ids) > 1}
    assert doubled <= (set() if earlier else {1})


def test_what_failed_again_is_not_launched_for_an_older_job(
    controller: BulkController,
) -> None:
    for number in (1, 2, 3):
        controller.failed(number, {"web1": True, "web2": False})
    controller.failing[7] = {"web1"}

    ran = relaunch(controller)

    assert relaunches_of(controller.posts) == [3]
    assert ran.of(3) == ("relaunched", False)
    assert (ran.of(2), ran.of(1)) == (("superseded", False), ("superseded", False))
    assert "This task has relaunched the same work as job 101, which failed on web1." in ran.entry(1).msg
    again = relaunch(controller, "all", selection=Selection(job_ids=(1, 2, 3)))
    assert len(relaunches_of(controller.posts)) == 2
    assert [again.of(number)[0] for number in (1, 2, 3)] == ["superseded", "superseded", "relaunched"]


def test_what_ran_as_another_type_is_not_launched_for_an_older_job(controller: BulkController) -> None:
    """The template checks only by now, and a relaunch takes that over."""
    for number in (1, 2, 3):
        controller.failed(number, {"web1": True, "web2": False})

    def as_check(_path: str) -> t.Any:
        facts = {"job_type": "check", "launch_type": "relaunch", "limit": "web1"}
        new = controller.launch(7, ["web1"], launched_by={"id": 1, "type": "user"}, **facts)
        return 201, {**new.shown(controller.clock.now - 0.001), "status": "pending", "finished": None}, {}

    controller.before = at_post(as_check)
    ran = relaunch(controller)

    assert relaunches_of(controller.posts) == [3]
    assert [ran.of(number) for number in (3, 2, 1)] == [("relaunched", False), *[("superseded", False)] * 2]
    assert "job 101, which ran as job type check: its template was edited" in ran.entry(1).msg


def test_one_look_launches_as_many_as_may_be_active(controller: BulkController) -> None:
    controller.latency = 0.01
    for number in range(1, 41):
        controller.failed(number, {"web1": True}, template=number)

    ran = relaunch(controller, "all", at_once=20)

    assert ran.error is None, ran
    assert controller.most_active == 20
    lists = [query for _method, path, query in controller.asked if path == "jobs/" and "id__gt" in query]
    looks = [query for query in lists if "or__status__in" not in query]
    # Others came along with the ends of jobs.
    assert len(looks) <= 1 + 4
    assert len(lists) <= 10


def test_a_job_that_a_look_shows_to_have_ended_gives_its_place_to_the_next(controller: BulkController) -> None:
    """Whoever launches looks at all jobs of the templates, and so sees the ends of those that were launched before."""
    controller.latency = 0.1
    for number in range(1, 81):
        controller.failed(number, {"web1": True}, template=number)
    controller.duration = lambda _number: 2.5

    ran = relaunch(controller, "all", at_once=40)

    assert ran.error is None
    # No request was made to see them, and no pause; what is waited for are the last ones of each half.
    lists = [query for _method, path, query in controller.asked if path == "jobs/" and "id__gt" in query]
    assert len(lists) <= 7
    assert sum(controller.clock.slept) < 3.0


def test_a_job_behind_another_takes_no_place_of_others(controller: BulkController) -> None:
    """Two jobs of a template that allows one at a time, with different variables, and one of another."""
    active: dict[int, int] = {}

    def count(_path: str) -> None:
        now = [one for one in controller.jobs.values() if one.created <= controller.clock.now < one.ends]
        for one in now:
            template = one.facts["unified_job_template"]
            number = sum(other.facts["unified_job_template"] == template for other in now)
            active[template] = max(active.get(template, 0), number)

    for number, template in ((1, 9), (2, 7), (3, 7), (4, 7)):
        alone = {"allow_simultaneous": False} if template == 7 else {}
        controller.failed(number, {"web1": True}, template=template, extra_vars=f'{{"number": {number}}}', **alone)
        controller.prompts[number] = {"extra_vars": {"number": number}}
    controller.before = lambda _method, path: count(path)

    ran = relaunch(controller, "all", at_once=2)

    assert ran.error is None, ran
    assert [ran.of(number) for number in (1, 2, 3, 4)] == [("relaunched", True)] * 4
    assert active == {7: 1, 9: 1}
    first_two = relaunches_of(controller.posts)[:2]
    assert 1 in first_two and len(relaunches_of(controller.posts)) == 4


@pytest.mark.parametrize("asked", [False, True])
def test_one_of_several_credentials_that_is_gone_is_told_if_prompted(controller: BulkController, asked: bool) -> None:
    """The list of templates tells whether they ask for credentials: else nothing is asked about jobs one by one."""
    for number in (1, 2):
        controller.failed(number, {"web1": True}, summary_fields={"credentials": [{"id": 4, "name": "aws"}]})
        controller.prompts[number] = {"extra_vars": {"number": number}}

    def told(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        if path == "job_templates/":
            body["results"] = [{**one, "ask_credential_on_launch": asked} for one in body["results"]]
        if path == "job_templates/7/":
            body = {"id": 7, "modified": "2026-11-01T00:00:00Z", "ask_credential_on_launch": asked}
            return 200, body
        if path.endswith("/activity_stream/"):
            body = {"results": [{"changes": {"credentials": ["aws (4)", "prod (3)"]}}]}
        return status, body

    controller.after = told
    ran = relaunch(controller, "all")

    streams = [path for _method, path, _query in controller.asked if "activity_stream" in path]
    assert bool(streams) is asked
    assert relaunches_of(controller.posts) == ([] if asked else [2])
    assert ("the credential prod that it was launched with is gone" in ran.entry(2).msg) is asked


def test_a_job_behind_that_of_another_takes_no_place_of_others(controller: BulkController) -> None:
    """Somebody else's job of a template that allows one at a time is other work, and takes its time."""
    alone = {"allow_simultaneous": False}
    for number in (1, 2, 3):
        controller.failed(number, {"web1": True}, template=number, **(alone if number == 2 else {}))
    controller.launch(2, ["web1"], 60.0, extra_vars='{"other": 1}', **alone)
    controller.prompts[101] = {"extra_vars": {"other": 1}}

    ran = relaunch(controller, "all", at_once=1, selection=Selection(job_ids=(1, 2, 3)))

    assert ran.error is None, ran
    assert relaunches_of(controller.posts) == [1, 3, 2]


def test_names_that_make_no_limit_are_told_before_the_launch(controller: BulkController) -> None:
    """A list does not tell on how many hosts a job failed: all inventories are asked for such names, once."""
    controller.failed(1, {"db 1": True, "web2": False}, template=1)
    controller.failed(2, {"web2": True, "db 1": True}, template=2)
    controller.failed(3, {"web2": True}, template=3, inventory=2)
    many = {"summary_fields": {"inventory": {"id": 1, "total_hosts": 300}}}
    controller.failed(4, {f"{'web' * 160}{number}": True for number in range(10, 310)}, template=4, **many)
    # It would run on all hosts but x.
    controller.failed(5, {"!x": True}, template=5)

    ran = relaunch(controller)

    assert relaunches_of(controller.posts) == [2, 3] == sorted(relaunches_of(controller.posts))
    assert not [post for post in controller.posts if post.endswith("cancel")]
    assert [ran.of(number) for number in (1, 4, 5)] == [("refused", False)] * 3
    assert "'!x' in a limit" in ran.entry(5).msg
    assert "'db 1' alone would match no host" in ran.entry(1).msg
    assert "ends in error" in ran.entry(4).msg
    assert sum("or__name__contains" in query for _method, _path, query in controller.asked) == 1


def test_where_very_many_names_have_blanks_each_is_told_before_too(controller: BulkController) -> None:
    """They do not fit on a page, so that hosts of any of the inventories may be behind it."""
    controller.inventory = {f"db {number}": True for number in range(250)}
    controller.failed(1, {"db 1": True}, template=1)
    controller.failed(2, {"db 1": True}, template=2, inventory=2)

    ran = relaunch(controller)

    assert [ran.of(number) for number in (1, 2)] == [("refused", False)] * 2
    assert controller.posts == []


def test_a_controller_that_answers_in_two_seconds_gets_launches(
    controller: BulkController,
) -> None:
    controller.latency = 2.0
    for number in range(1, 13):
        controller.failed(number, {"web1": True}, template=number)

    ran = relaunch(controller, at_once=5)

    assert ran.error is None, ran
    assert len(relaunches_of(controller.posts)) == 12


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("duration", [0.5, 1.7, 1.8, 5.0])
def test_no_more_are_launched_after_so_many_failures(controller: BulkController, wait: bool, duration: float) -> None:
    for number in range(1, 9):
        controller.failed(number, {"web1": True}, template=number)
        controller.failing[number] = {"web1"}
    # The second ends while the first is judged, or what is known when it ends is fresh still.
    controller.duration = lambda _number: duration

    ran = relaunch(controller, wait=wait, at_once=1, stop_after=2, interval=0.5)

    assert len(relaunches_of(controller.posts)) == 2
    assert [ran.of(number)[0] for number in (3, 8)] == ["refused", "refused"]
    assert "2 relaunches had failed (stop_after)" in ran.entry(8).msg
    assert ran.error is not None


def test_lost_launches_count_as_failures(controller: BulkController) -> None:
    for number in range(1, 5):
        controller.failed(number, {"web1": True}, template=number)
    controller.before = at_post(lambda path: (502, {"detail": "Bad gateway."}))

    ran = relaunch(controller, at_once=1, stop_after=1)

    assert [ran.of(number)[0] for number in range(1, 5)] == ["lost", "refused", "refused", "refused"]
    assert relaunches_of(controller.posts) == [1]


@pytest.mark.parametrize("wait", [True, False])
def test_after_a_lost_launch_none_is_made_for_an_older_job(controller: BulkController, wait: bool) -> None:
    for number in (1, 2):
        controller.failed(number, {"web1": True})
    controller.failed(3, {"web1": True}, template=8)
    controller.before = at_post(lambda path: (504, {}) if path == "jobs/2/relaunch/" else None)

    ran = relaunch(controller, wait=wait)

    assert [ran.of(number)[0] for number in (1, 2, 3)] == ["refused", "lost", "relaunched"]
    assert "it is unknown whether job 2, the same work, was relaunched" in ran.entry(1).msg
    assert sorted(relaunches_of(controller.posts)) == [2, 3]


@pytest.mark.parametrize("cancel", [True, False])
def test_at_the_timeout_jobs_are_canceled_or_go_on_all_told(controller: BulkController, cancel: bool) -> None:
    for number in range(1, 5):
        controller.failed(number, {"web1": True}, template=number)
    controller.duration = lambda number: {1: 5.0}.get(number, 500.0)

    ran = relaunch(controller, at_once=2, timeout=60, cancel=cancel)

    assert ran.error is not None and "Waiting ended after 60 seconds (timeout)." in str(ran.error)
    assert ran.of(1) == ("relaunched", True)
    assert [ran.of(number)[0] for number in (2, 3, 4)] == ["relaunched", "relaunched", "refused"]
    assert {ran.entry(number).status for number in (2, 3)} == {"canceled" if cancel else "running"}
    assert len([post for post in controller.posts if post.endswith("cancel")]) == (2 if cancel else 0)
    assert ran.outcome.counts["failed"] == (2 if cancel else 0)
    assert controller.clock.now < 70


def test_at_the_timeout_one_whose_turn_has_not_come_is_told(controller: BulkController) -> None:
    for number in (1, 2):
        controller.failed(number, {"web1": True})
    controller.duration = lambda _number: 500.0

    ran = relaunch(controller, timeout=60)

    assert [ran.of(number)[0] for number in (1, 2)] == ["refused", "relaunched"]
    assert "Not launched: the timeout was over before its turn." in ran.entry(1).msg


def test_where_nothing_can_be_read_at_the_timeout_it_is_told_why(controller: BulkController) -> None:
    controller.failed(1, {"web1": True})
    controller.duration = lambda _number: 5.0

    def expired(method: str, path: str) -> t.Any:
        return (502, {"detail": "Bad gateway."}) if len(controller.jobs) > 1 and path == "jobs/" else None

    controller.before = expired
    ran = relaunch(controller, timeout=60)

    assert "with the job last seen pending. The last attempt to ask failed: " in ran.entry(1).msg
    assert "answered 502" in ran.entry(1).msg


def test_credentials_that_expire_for_good_end_the_wait_and_the_account_stays(controller: BulkController) -> None:
    controller.failed(1, {"web1": True})
    controller.duration = lambda _number: 5.0
    controller.before = lambda _method, _path: (401, {"detail": "No."}) if len(controller.jobs) > 1 else None

    ran = relaunch(controller)

    assert str(ran.error).startswith("Waiting for 1 job ended early: GET ") and "Renew it" in str(ran.error)
    assert (ran.entry(1).outcome, ran.entry(1).id) == ("relaunched", max(controller.jobs))


def test_a_deadline_that_passes_between_two_looks_is_told(controller: BulkController) -> None:
    for number in (1, 2):
        controller.failed(number, {"web1": True}, template=number)
    controller.duration = lambda _number: 500.0

    def show(counted: JobCounts) -> None:
        if counted.running:
            controller.clock.now = max(controller.clock.now, 60.0)

    ran = relaunch(controller, at_once=1, timeout=60, progress=show)

    assert ran.error is not None and "Waiting ended after 60 seconds (timeout)." in str(ran.error)
    assert (ran.entry(1).outcome, ran.entry(1).status, ran.entry(2).outcome) == ("relaunched", "running", "refused")


def test_the_place_of_a_deleted_job_is_given_to_the_next(controller: BulkController) -> None:
    for number in (1, 2):
        controller.failed(number, {"web1": True}, template=number)
    controller.duration = lambda number: {1: 500.0}.get(number, 5.0)

    def delete(_method: str, _path: str) -> None:
        if controller.clock.now > 5.0:
            controller.jobs.pop(101, None)

    controller.before = delete
    ran = relaunch(controller, at_once=1)

    assert ran.entry(1).outcome == "lost" and "Job 101 was deleted while it was waited for" in ran.entry(1).msg
    assert ran.of(2) == ("relaunched", True)


def test_a_page_of_a_proxy_does_not_say_that_a_job_was_deleted(controller: BulkController) -> None:
    """While a gateway restarts, lists of several controllers behind it may lack a job, too."""
    controller.failed(1, {"web1": True}, template=1)
    controller.duration = lambda _number: 200.0

    def restarting() -> bool:
        return 40.0 < controller.clock.now < 90.0

    def before(_method: str, path: str) -> t.Any:
        return (404, HTML) if path == "jobs/101/" and restarting() else None

    def after(_path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        if restarting() and isinstance(body.get("results"), list):
            body = {**body, "results": [row for row in body["results"] if row.get("id") != 101]}
        return status, body

    controller.before, controller.after = before, after

    assert relaunch(controller).of(1) == ("relaunched", True)


def test_a_search_outlasts_the_deadline_until_it_can_be_right(controller: BulkController) -> None:
    controller.failed(1, {"web1": True}, template=1)
    controller.failed(2, {"web1": True}, template=2)

    def lose(path: str) -> t.Any:
        if path == "jobs/1/relaunch/":
            # It is there, and shows after four seconds.
            new = controller.launch(1, ["web1"], 60.0, launch_type="relaunch", limit="web1", **MINE)
            hidden[new.id] = controller.jobs.pop(new.id)
            return 502, {"detail": "Bad gateway."}
        return None

    hidden: dict[int, t.Any] = {}
    lost = at_post(lose)

    def before(method: str, path: str) -> t.Any:
        if hidden and controller.clock.now > 4.0:
            controller.jobs.update(hidden)
            hidden.clear()
        return lost(method, path)

    controller.before = before
    ran = relaunch(controller, at_once=2, timeout=2)

    assert ran.entry(1).outcome == "relaunched" and ran.entry(1).status == "running"
    assert controller.clock.now < 20
    assert "timeout" in str(ran.error)


@pytest.mark.parametrize(("limit", "of_others"), [("", "web1"), ("web1,web2", ""), ("web1,web2", "web2,web3")])
def test_no_job_that_never_began_is_relaunched_beside_the_same_work_on_its_hosts(
    controller: BulkController, limit: str, of_others: str
) -> None:
    controller.inventory.update(dict.fromkeys(("web1", "web2", "web3"), True))
    controller.failed(1, {}, started=None, status="error", limit=limit)
    of_schedule = controller.launch(7, of_others.split(","), 20.0, limit=of_others, launch_type="scheduled")

    ran = relaunch(controller, selection=Selection(job_ids=(1,)))

    assert ran.of(1) == ("relaunched", True)
    assert controller.jobs[of_schedule.id + 1].created >= of_schedule.ends


def test_why_a_relaunch_could_not_be_run_is_told_though_no_list_shows_it(controller: BulkController) -> None:
    controller.failed(1, {"web1": True})
    no_pod = {"status": "error", "result_traceback": "Receptor detail:\nError creating pod: ImagePullBackOff\n"}

    def in_error(_path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        if status == 201:
            controller.jobs[body["id"]].hosts = {}
            controller.jobs[body["id"]].facts.update(no_pod)
        return status, body

    controller.after = in_error
    ran = relaunch(controller)

    assert "Receptor detail: Error creating pod: ImagePullBackOff" in ran.entry(1).msg


@pytest.mark.parametrize(("hosts", "post"), [("failed", "3/relaunch"), ("remaining", "job_templates/7/launch")])
def test_a_host_on_which_another_run_failed_after_the_success_is_left_of_a_job_that_never_began(
    controller: BulkController, hosts: str, post: str
) -> None:
    controller.failed(1, {}, started=None, status="error", limit="web1")
    controller.failed(2, {"web1": False}, limit="web1")
    controller.failed(3, {"web1": True, "web2": False}, limit="web1,web2")

    ran = relaunch(controller, hosts, selection=Selection(job_ids=(1,)))

    assert (controller.posts, ran.of(1)) == ([post], ("relaunched", True))


@pytest.mark.parametrize("newer", [{}, {"web2": True}])
def test_without_waiting_no_job_that_never_began_is_relaunched_beside_the_same_work(
    controller: BulkController, newer: dict[str, bool]
) -> None:
    controller.inventory.update(dict.fromkeys(("web1", "web2", "web3"), True))
    for number, hosts, limit in ((1, {}, "web1,web2"), (2, newer, "web2,web3")):
        began = {} if hosts else {"started": None, "status": "error"}
        controller.failed(number, hosts, limit=limit, **began)

    ran = relaunch(controller, wait=False)

    assert (relaunches_of(controller.posts), ran.of(1), ran.error) == ([2], ("superseded", False), None)
    assert "Job 101 is running" in ran.entry(1).msg and "Set wait: true" in ran.entry(1).msg


def test_hosts_that_a_job_had_stopped_for_are_waited_for_where_another_one_runs_on_them(
    controller: BulkController,
) -> None:
    controller.failed(1, {"web1": False, "web2": True}, stopped=True)
    controller.before = at_post(lambda _path: controller.launch(7, ["web1"], 20.0, limit="web1") and None)

    ran = relaunch(controller, fallback=True, selection=Selection(job_ids=(1,)))

    assert (relaunches_of(controller.posts), ran.of(1)) == ([1], ("relaunched", True))
    assert controller.clock.now > 20.0


def test_a_failure_tells_of_what_was_launched_for_the_job_before(controller: BulkController) -> None:
    """It had stopped before its end for web1, so that it runs on all hosts behind its failed ones."""
    controller.failed(1, {"web1": False, "web2": True}, stopped=True)
    controller.before = at_post(
        lambda _path: controller.failing.update({7: {"web1"} if 101 in controller.jobs else set()})
    )

    ran = relaunch(controller, fallback=True)

    assert relaunches_of(controller.posts) == [1, 1]
    assert (ran.entry(1).id, ran.entry(1).status) == (102, "failed")
    assert ran.entry(1).msg.endswith(" Launched for it before: job 101.")


@pytest.mark.parametrize("hosts", ["all", "failed"])
def test_without_waiting_room_is_waited_for_and_the_last_go_on(controller: BulkController, hosts: str) -> None:
    for number in range(1, 8):
        controller.failed(number, {"web1": True}, template=number)
    controller.failing[2] = {"web1"}

    ran = relaunch(controller, hosts, wait=False, at_once=2)

    assert controller.most_active == 2
    assert len(relaunches_of(controller.posts)) == 7
    assert {entry.outcome for entry in ran.outcome.jobs} == {"relaunched"}
    assert (ran.entry(1).status, ran.entry(1).recovered) == ("successful", True)
    assert (ran.entry(2).status, ran.entry(2).recovered) == ("failed", False)
    assert ran.entry(7).status == "pending"
    assert ran.error is not None and "Not successful: 2." in str(ran.error)


@pytest.mark.parametrize("hosts", ["all", "failed"])
def test_without_waiting_the_same_work_adopts_what_was_launched(controller: BulkController, hosts: str) -> None:
    for number in (1, 2, 3):
        controller.failed(number, {"web1": True})
    # It has ended before the next one looks.
    controller.duration = lambda _number: 0.2

    ran = relaunch(controller, hosts, wait=False)

    assert relaunches_of(controller.posts) == [3]
    assert ran.error is None
    assert [ran.of(number)[0] for number in (1, 2)] in (["adopted"] * 2, ["superseded"] * 2, ["superseded", "adopted"])


@pytest.mark.parametrize("where", ["wait", "launch"])
def test_an_interruption_leaves_an_account_of_all(
    controller: BulkController, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    for number in range(1, 5):
        controller.failed(number, {"web1": True}, template=number)

    def interrupt(path: str) -> t.Any:
        if path == "jobs/2/relaunch/":
            raise KeyboardInterrupt
        return None

    if where == "launch":
        controller.before = at_post(interrupt)
    else:
        sleep = controller.clock.sleep

        def interrupted(seconds: float) -> None:
            sleep(seconds)
            if len(relaunches_of(controller.posts)) == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(controller.clock, "sleep", interrupted)
    ran = relaunch(controller, at_once=2)

    assert isinstance(ran.error, KeyboardInterrupt)
    assert ran.outcome.changed
    second = "lost" if where == "launch" else "relaunched"
    assert [ran.of(number)[0] for number in range(1, 5)] == ["relaunched", second, "refused", "refused"]
    assert ran.entry(1).id == 101 and not ran.entry(1).recovered
    assert "broken off before its turn" in ran.entry(4).msg


def test_an_interruption_tells_of_a_job_that_was_adopted(
    controller: BulkController, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller.failed(1, {"web1": True})
    controller.launch(7, ["web1"], 500.0, launch_type="relaunch", limit="web1")
    sleep = controller.clock.sleep

    def interrupted(seconds: float) -> None:
        sleep(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(controller.clock, "sleep", interrupted)
    ran = relaunch(controller, selection=Selection(job_ids=(1,)))

    assert isinstance(ran.error, KeyboardInterrupt)
    assert not ran.outcome.changed
    assert (ran.of(1), ran.entry(1).id, ran.entry(1).status) == (("adopted", False), 101, "running")


@pytest.mark.parametrize(("launch_type", "outcome"), [("relaunch", "done"), ("scheduled", "superseded")])
def test_done_by_a_relaunch_superseded_by_any_other_run(
    controller: BulkController, launch_type: str, outcome: str
) -> None:
    controller.failed(1, {"web1": True})
    controller.launch(7, ["web1"], 1.0, launch_type=launch_type)
    controller.clock.now += 10.0

    ran = relaunch(controller, "all", selection=Selection(job_ids=(1,)))

    assert (ran.of(1), ran.entry(1).id) == ((outcome, True), 101)
    assert relaunches_of(controller.posts) == []


def test_a_job_that_was_successful_itself_is_done(controller: BulkController) -> None:
    controller.failed(1, {"web1": False})

    ran = relaunch(controller, "all")

    assert (ran.error, ran.of(1)) == (None, ("done", True))


def test_a_job_that_was_adopted_and_fails_is_not_successful(controller: BulkController) -> None:
    controller.failed(1, {"web1": True})
    controller.failing[7] = {"web1"}
    controller.launch(7, ["web1"], 5.0, launch_type="relaunch", limit="web1")

    ran = relaunch(controller, selection=Selection(job_ids=(1,)))

    assert ran.of(1) == ("adopted", False)
    assert ran.error is not None and ran.outcome.counts["failed"] == 1


def failing(trouble: t.Any) -> t.Any:
    """An answer that is no good; raised, where there is to be none."""
    if isinstance(trouble, Exception):
        raise trouble
    return trouble


@pytest.mark.parametrize(
    "trouble",
    [(500, {"detail": "Oops."}), requests.ReadTimeout("Read timed out."), requests.ConnectionError("Reset.")],
    ids=["500", "late", "reset"],
)
@pytest.mark.parametrize("what", ["create_schedule", "job_host_summaries", "detail"])
def test_one_sick_job_does_not_stop_the_others(controller: BulkController, what: str, trouble: t.Any) -> None:
    for number in range(1, 5):
        controller.failed(number, {"web1": True}, template=8 if number < 3 else 9, forks=number)
        controller.prompts[number] = {"forks": number}
    # So that prompts decide.
    controller.edited = {8: 0.0, 9: 0.0}
    path = "jobs/2/" if what == "detail" else f"jobs/2/{what}/"
    controller.before = lambda _method, asked: failing(trouble) if asked == path else None
    ran = relaunch(controller, fallback=True, selection=Selection(finished_after=NOW))

    entries = {entry.source_job_id: entry for entry in ran.outcome.jobs}
    assert [entries[number].recovered for number in (1, 3, 4)] == [True] * 3
    if what == "detail":
        assert ran.error is None
    else:
        assert ran.error is not None and "Not successful" in str(ran.error)
        assert not entries[2].recovered and entries[2].outcome == "refused"


@pytest.mark.parametrize(
    "trouble",
    [(500, {"detail": "Oops."}), (429, {}, {"Retry-After": "5"}), requests.ConnectionError("Reset.")],
    ids=["500", "429", "reset"],
)
@pytest.mark.parametrize(
    ("hosts", "what"), [("failed", "jobs/102/job_events/"), ("remaining", "jobs/2/create_schedule/")]
)
@pytest.mark.parametrize("timeout", [None, 1800.0])
def test_one_sick_job_keeps_no_other_waiting(
    controller: BulkController, hosts: str, what: str, trouble: t.Any, timeout: t.Optional[float]
) -> None:
    for number in range(1, 6):
        controller.failed(number, {"web1": False, "web2": True}, template=number)
    launched: list[float] = []

    def before(method: str, path: str) -> t.Any:
        launched.extend([controller.clock.now] if method == "POST" else [])
        return failing(trouble) if path == what else None

    controller.before = before
    ran = relaunch(controller, hosts, at_once=1, timeout=timeout, retries=1)

    assert len(launched) >= 4 and max(launched) < 300
    assert sum(entry.recovered for entry in ran.outcome.jobs) == 4
    assert ran.outcome.counts["failed"] == 1 and what in str(ran.error)


@pytest.mark.parametrize("stop_after", [None, 2])
@pytest.mark.parametrize("what", ["job_events", "job_host_summaries"])
def test_two_minutes_without_one_kind_of_answer_end_no_verdict(
    controller: BulkController, what: str, stop_after: t.Optional[int]
) -> None:
    for number in range(1, 8):
        controller.failed(number, {"web1": True, "web2": False}, template=number)
    down: list[float] = []

    def before(_method: str, path: str) -> t.Any:
        if what in path and controller.clock.now > 5:
            down.append(controller.clock.now)
            return (504, {}) if controller.clock.now < down[0] + 120 else None
        return None

    controller.before = before
    ran = relaunch(controller, at_once=2, retries=5, stop_after=stop_after)

    assert [ran.of(number) for number in range(1, 8)] == [("relaunched", True)] * 7


def test_to_adopt_a_job_of_others_takes_no_patience_from_own_ones(controller: BulkController) -> None:
    """The first relaunch runs beyond the deadline, the job of another caller is adopted; the controller restarts."""
    for number in (1, 2, 3):
        controller.failed(number, {"web1": True}, template=number)
    controller.duration = lambda number: {1: 300.0, 2: 20.0}.get(number, 5.0)
    theirs: list[int] = []
    down: list[float] = []

    def before(_method: str, path: str) -> t.Any:
        now = controller.clock.now
        if now > 10 and not theirs:
            other = {"launch_type": "relaunch", "limit": "web1", "launched_by": {"id": 5, "type": "user"}}
            controller.launch(3, ["web1"], 1000.0, **other)
            theirs.append(3)
        own = controller.jobs.get(101)
        if own and now > own.ends and path != "jobs/":
            down.append(now)
        return (502, {}) if down and now < down[0] + 90 else None

    controller.before = before
    ran = relaunch(controller, at_once=2, retries=2, deadline=Deadline.of("2m", NOW))

    assert ran.of(1) == ("relaunched", True)


def test_a_controller_that_is_down_for_minutes_keeps_all_waiting(controller: BulkController) -> None:
    for number in range(1, 4):
        controller.failed(number, {"web1": False, "web2": True}, template=number)
    down: list[float] = []
    last: list[str] = []

    def before(_method: str, path: str) -> t.Any:
        if path == "jobs/102/job_events/":
            down.append(controller.clock.now)
        if not down or controller.clock.now < down[0] + 600.0:
            return (502, {}) if down else None
        # What comes back last is the address that failed first.
        last.extend([path] if path.startswith("jobs/102/") else [])
        return (502, {}) if last == [path] else None

    controller.before = before
    ran = relaunch(controller, at_once=1, retries=1)

    assert ran.error is None and ran.outcome.counts["recovered"] == 3
    assert controller.clock.now > down[0] + 600


@pytest.mark.parametrize("everywhere", [False, True])
def test_one_whose_detail_never_comes_does_not_stop_the_plan_of_the_others(
    controller: BulkController, everywhere: bool
) -> None:
    """Of a job without statistics the plan asks for it. Where nothing is answered any more, the task ends at once."""
    for number in range(1, 5):
        controller.failed(number, {"web1": True}, template=number)
    lost: list[str] = []

    def before(_method: str, path: str) -> None:
        if path in ("jobs/1/", "jobs/2/") or (everywhere and lost):
            lost.append(path)
            raise requests.ReadTimeout("Read timed out.")

    def without_statistics(_path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        if "job_events__event" in query:
            body = {**body, "results": [one for one in body["results"] if one["id"] > 2]}
        return status, body

    controller.before, controller.after = before, without_statistics
    if everywhere:
        with pytest.raises(AssertionError, match="was lost"):
            relaunch(controller)
        assert lost == ["jobs/1/", "jobs/"]
        return
    ran = relaunch(controller)

    assert [ran.of(number) for number in (3, 4)] == [("relaunched", True)] * 2
    assert [ran.of(number) for number in (1, 2)] == [("refused", False)] * 2
    assert ran.error is not None and ran.outcome.counts["failed"] == 2


def test_one_whose_only_host_is_no_limit_is_canceled_alone(controller: BulkController) -> None:
    """The user sees no hosts, so that the new job is the first that tells."""
    controller.after = lambda path, query, status, body: (status, listed([], query) if path == "hosts/" else body)
    controller.failed(1, {"db 1": True, "web2": False}, template=1)
    controller.failed(2, {"db 1": False, "web2": True}, template=2)

    ran = relaunch(controller)

    assert (ran.of(1), ran.of(2)) == (("relaunched", False), ("relaunched", True))
    assert "'db 1' alone would match no host" in ran.entry(1).msg
    assert ran.entry(1).status == "canceled"


@pytest.mark.parametrize(
    ("edited", "survey", "values", "asked"),
    [
        (-50000.0, False, {"extra_vars": '{"a": 1}'}, False),
        (-50000.0, True, {"extra_vars": '{"a": 1}'}, True),
        (-50000.0, True, {"forks": 1}, False),
        # After them, in between, and just before the launch.
        (-10000.0, False, {"forks": 1}, True),
        (-19910.0, False, {"forks": 1}, True),
        (-19945.0, False, {"forks": 1}, True),
        # What stands beside the template is edited without a date.
        (-50000.0, False, {"execution_environment": 2}, True),
        (-50000.0, False, {"summary_fields": {"credentials": [{"id": 4}]}}, True),
        (-50000.0, False, {"forks": 1, "execution_environment": 2}, False),
    ],
)
def test_prompts_are_read_where_an_edit_may_explain_other_values(
    controller: BulkController, edited: float, survey: bool, values: dict[str, t.Any], asked: bool
) -> None:
    controller.failed(1, {"web1": True}, **values)
    controller.failed(2, {"web1": True})
    controller.edited[7], controller.with_surveys = edited, {7} if survey else set()
    for number in (1, 2):
        controller.prompts[number] = {"verbosity": number}

    ran = relaunch(controller)

    assert ran.error is None
    assert relaunches_of(controller.posts) == [1, 2]
    assert any(path.endswith("create_schedule/") for _method, path, _query in controller.asked) is asked


def test_where_templates_may_not_be_seen_prompts_decide(controller: BulkController) -> None:
    for number in (1, 2):
        controller.failed(number, {"web1": True}, forks=number)
    controller.before = lambda _method, path: (403, {}) if path == "job_templates/" else None

    ran = relaunch(controller)

    # They were launched with the same.
    assert ran.error is None
    assert relaunches_of(controller.posts) == [2]


@pytest.mark.parametrize("status", [500, 403, 404])
@pytest.mark.parametrize("what", ["relaunch", "job_host_summaries"])
def test_one_that_cannot_be_planned_does_not_stop_the_plan_of_the_others(
    controller: BulkController, what: str, status: int
) -> None:
    for number in (1, 2, 3):
        controller.failed(number, {"web1": True}, template=number)
    controller.before = lambda _method, path: (status, {"detail": "No."}) if path == f"jobs/2/{what}/" else None

    plan = relaunch_plan(controller)

    assert [plan.of(number)[0] for number in (1, 2, 3)] == ["relaunched", "refused", "relaunched"]
    assert plan.error is not None and "Not successful: 2." in str(plan.error)


@pytest.mark.parametrize("status", [500, 403, 404])
@pytest.mark.parametrize("path", ["jobs/102/job_events/", "jobs/2/job_events/", "inventories/1/hosts/"])
def test_one_that_cannot_be_judged_does_not_stop_the_verdict_on_the_others(
    controller: BulkController, path: str, status: int
) -> None:
    for number in (1, 2, 3):
        controller.failed(number, {"web1": False, "web2": True}, template=number)
    controller.before = lambda _method, asked: (status, {"detail": "No."}) if asked == path else None

    ran = relaunch(controller, at_once=5)

    assert len(relaunches_of(controller.posts)) == 3
    assert {entry.outcome for entry in ran.outcome.jobs} == {"relaunched"}
    if path != "inventories/1/hosts/":
        assert (ran.of(1)[1], ran.of(3)[1]) == (True, True)
    if path.startswith("jobs/2/"):
        # Nobody vouches for it.
        assert [ran.of(number)[1] for number in (1, 2, 3)] == [True, False, True]
        assert "Not successful: 2." in str(ran.error)


def test_the_plan_shows_how_far_it_is(controller: BulkController) -> None:
    controller.latency = 1.0
    for number in range(1, 21):
        controller.failed(number, {"web1": True}, template=number)
    shown: list[str] = []

    relaunch(controller, check_mode=True, progress=lambda counted: shown.append(str(counted)))

    assert len(shown) >= 5 and all(re.fullmatch(r"planning: \d+ of 20", line) for line in shown), shown


class TestAttempts:
    """A recovery by schedule ends: it does not relaunch the same work for ever."""

    def run_by_schedule(self, controller: BulkController, runs: int, **options: t.Any) -> list[Ran]:
        """Every ten minutes, over what has failed within the last half hour."""
        found = []
        for _run in range(runs):
            controller.clock.now += 600.0
            now = controller.clock.now
            ids = [one.id for one in controller.jobs.values() if one.final == "failed" and now - 1800 < one.ends <= now]
            if ids:
                found.append(relaunch(controller, selection=Selection(job_ids=tuple(ids)), **options))
        return found

    @pytest.mark.parametrize("most", [1, 3])
    def test_after_so_many_a_person_is_needed(self, controller: BulkController, most: int) -> None:
        controller.failed(1, {"web1": True}).created = -20.0
        controller.failing[7] = {"web1"}

        runs = self.run_by_schedule(controller, 9, max_attempts=most)

        assert len(relaunches_of(controller.posts)) == most
        last = runs[-1]
        assert last.outcome.counts["needs_person"] == len(last.outcome.jobs)
        assert last.outcome.counts["failed"] == 0
        entry = last.outcome.jobs[-1]
        assert (entry.outcome, entry.recovered, entry.attempts) == ("needs_person", False, most)
        assert f"relaunched {'once' if most == 1 else '3 times'} since it last succeeded" in entry.msg
        assert last.error is not None and "in need of a person" in str(last.error)

    def test_those_before_the_selected_jobs_count_too(self, controller: BulkController) -> None:
        for number in (1, 2, 3):
            controller.failed(number, {"web1": True}, launch_type="relaunch" if number > 1 else "manual", limit="web1")
        controller.failed(4, {"web1": True})
        controller.failing[7] = {"web1"}

        ran = relaunch(controller, selection=Selection(job_ids=(4,)), max_attempts=2)
        more = relaunch(controller, selection=Selection(job_ids=(4,)), max_attempts=3)

        assert (ran.of(4), ran.entry(4).attempts) == (("needs_person", False), 2)
        # When the first of those relaunches ended.
        assert ran.entry(4).failing_since == "2026-11-23T18:29:00.000000Z"
        assert more.of(4) == ("relaunched", False)

    def test_those_of_work_that_others_were_relaunched_after_count_too(self, controller: BulkController) -> None:
        works, again = range(80), {"launch_type": "relaunch", "limit": "web1"}
        last = [241 + work for work in works]
        for work in works:
            for number, how in ((1 + 3 * work, {}), (2 + 3 * work, again), (3 + 3 * work, again), (last[work], again)):
                controller.failed(number, {"web1": True}, template=1 + work, **how)

        ran = relaunch(controller, selection=Selection(job_ids=tuple(last)), max_attempts=3)

        assert (ran.outcome.counts["needs_person"], controller.posts) == (80, [])

    @pytest.mark.parametrize("selected", [(4,), (1, 2, 4)])
    def test_a_success_in_between_counts_from_anew(self, controller: BulkController, selected: tuple[int, ...]) -> None:
        for number, launched in ((1, "relaunch"), (2, "relaunch"), (4, "manual")):
            controller.failed(number, {"web1": True}, launch_type=launched)
        controller.failed(3, {"web1": False}, launch_type="scheduled")

        ran = relaunch(controller, selection=Selection(job_ids=selected), max_attempts=1)

        assert ran.of(4) == ("relaunched", True)

    def test_those_that_could_not_be_read_once_count_for_the_others(self, controller: BulkController) -> None:
        for template in (7, 8):
            controller.failed(template, {"web1": True}, template=template)
            for number in (10, 20, 30):
                attempt = {"launch_type": "relaunch", "limit": "web1"}
                controller.failed(number + template, {"web1": True}, template=template, **attempt)
            controller.failed(80 + template, {"web1": True}, template=template)
        troubled: list[str] = []

        def before(_method: str, path: str) -> t.Any:
            if not controller.asked[-1][2].get("launch_type__in") or troubled:
                return None
            troubled.append(path)
            return 502, {"detail": "Bad gateway"}

        controller.before = before
        ran = relaunch(controller, selection=Selection(job_ids=(87, 88)))

        assert {ran.entry(number).outcome for number in (87, 88)} == {"refused", "needs_person"}
        assert relaunches_of(controller.posts) == []

    def test_other_work_of_the_template_and_other_hosts_do_not_count(self, controller: BulkController) -> None:
        controller.failed(1, {"web1": True}, launch_type="relaunch", forks=2)
        controller.failed(2, {"web2": True}, launch_type="relaunch", limit="web2")
        controller.failed(3, {"web1": True}, limit="web1")
        controller.prompts[1] = {"forks": 2}

        ran = relaunch(controller, selection=Selection(job_ids=(3,)), max_attempts=1)

        assert ran.of(3) == ("relaunched", True)

    @pytest.mark.parametrize("limit", ["web", "web*", "web1:web2"])
    def test_relaunches_of_what_a_group_or_pattern_names_count(self, controller: BulkController, limit: str) -> None:
        controller.failed(1, {"web1": True, "web2": False}, limit=limit)
        controller.failing[7] = {"web1"}

        runs = [relaunch(controller, selection=Selection(job_ids=(1,)), max_attempts=2) for _run in range(4)]

        assert [ran.of(1)[0] for ran in runs] == ["relaunched", "relaunched", "needs_person", "needs_person"]

    @pytest.mark.parametrize("hosts", ["failed", "all"])
    def test_a_success_on_another_host_does_not_count(self, controller: BulkController, hosts: str) -> None:
        controller.failed(1, {"web1": True, "web3": False})
        controller.failing[7] = {"web1"}

        for _run in range(2):
            ran = relaunch(controller, selection=Selection(job_ids=(1,)), max_attempts=1, hosts=hosts)
            controller.launch(7, ["web3"], 1.0, limit="web3")
            controller.clock.now += 10.0

        assert (ran.of(1)[0], len(relaunches_of(controller.posts))) == ("needs_person", 1)

    def test_failures_of_a_host_that_is_disabled_since_do_not_count(self, controller: BulkController) -> None:
        controller.failed(1, {"web1": False, "web9": True})
        for number in (2, 3, 4):
            controller.failed(number, {"web9": True}, launch_type="relaunch", limit="web9")
        controller.failed(5, {"web1": True})
        controller.inventory["web9"] = False

        assert relaunch(controller, selection=Selection(job_ids=(5,))).of(5) == ("relaunched", True)

    def test_the_plan_tells_and_does_not_count_them_as_launches(self, controller: BulkController) -> None:
        for number in (1, 2, 3):
            controller.failed(number, {"web1": True}, template=number, launch_type="relaunch")
        controller.failed(4, {"web1": True}, template=4)

        plan = relaunch(controller, check_mode=True, max_jobs=1, max_attempts=1)

        assert [plan.of(number)[0] for number in (1, 2, 3, 4)] == ["needs_person"] * 3 + ["relaunched"]
        assert plan.outcome.changed

    def test_launches_on_the_remaining_hosts_count(self, controller: BulkController) -> None:
        controller.failed(1, {"web1": True}).created = -20.0
        controller.failing[7] = {"web1"}

        for _run in range(7):
            relaunch(controller, "remaining", selection=Selection(job_ids=tuple(controller.jobs)), max_attempts=3)
            controller.clock.now += 600

        assert len(controller.posts) == 3

    def test_what_was_canceled_at_the_timeout_counts(self, controller: BulkController) -> None:
        controller.failed(1, {"web1": True})
        controller.duration = lambda _number: 1e6

        for _run in range(6):
            relaunch(controller, selection=Selection(job_ids=(1,)), max_attempts=3, timeout=60, cancel=True)
            controller.clock.now += 600

        assert len(relaunches_of(controller.posts)) == 3

    def test_what_was_canceled_before_it_began_does_not_count(self, controller: BulkController) -> None:
        for number in (1, 2):
            controller.failed(
                number, {"web1": True}, launch_type="relaunch", limit="web1", started=None
            ).canceled = True
        controller.failed(3, {"web1": True})

        ran = relaunch(controller, selection=Selection(job_ids=(3,)), max_attempts=2)

        assert ran.of(3) == ("relaunched", True)

    @pytest.mark.parametrize("selected", [3, 6])
    def test_what_gave_way_to_another_callers_does_not_count(self, controller: BulkController, selected: int) -> None:
        controller.failed(3, {"web1": True})
        for number in (4, 5):
            controller.failed(number, {"web1": True}, launch_type="relaunch", limit="web1").created = -19740.0
        controller.jobs[5].canceled = True
        controller.failed(6, {"web1": True})

        ran = relaunch(controller, selection=Selection(job_ids=(selected,)), max_attempts=2)

        assert ran.of(selected) == ("relaunched", True)

    def test_what_failed_before_it_began_counts(self, controller: BulkController) -> None:
        """Behind the failed update of its project, for instance."""
        for number, launched in ((1, "relaunch"), (2, "relaunch"), (3, "manual")):
            controller.failed(number, {}, launch_type=launched, started=None, status="failed")

        ran = relaunch(controller, selection=Selection(job_ids=(3,)), max_attempts=2)

        assert (ran.of(3), ran.entry(3).attempts) == (("needs_person", False), 2)

    def test_what_others_relaunched_in_vain_while_it_waited_for_room_counts(self, controller: BulkController) -> None:
        inventories = {number: controller.in_inventory(10 + number, [f"web{number}"]) for number in (1, 2)}
        for number, facts in inventories.items():
            controller.failed(number, {f"web{number}": True}, template=number, **facts)
        controller.failing[2] = {"web2"}
        controller.duration = lambda number: 120.0 if number == 1 else 5.0

        def by_others(_method: str, _path: str) -> None:
            if controller.clock.now > 30 * (len(launched) + 1) and len(launched) < 3:
                facts = {"limit": "web2", "launch_type": "relaunch", **inventories[2]}
                launched.append(controller.launch(2, ["web2"], 5.0, **facts))

        launched: list[t.Any] = []
        controller.before = by_others
        ran = relaunch(controller, at_once=1, max_attempts=3)

        assert (relaunches_of(controller.posts), ran.of(2)[0]) == ([1], "needs_person")


class TestItsOwnWork:
    """The task runs in job 50 of template 9."""

    @pytest.fixture(autouse=True)
    def _jobs(self, controller: BulkController) -> None:
        controller.failed(1, {"web1": True}, template=8)
        controller.failed(2, {"web1": True}, template=9)
        controller.failed(50, {"web1": True}, template=9).duration = 100000.0

    @pytest.mark.parametrize("hosts", ["all", "failed"])
    def test_is_never_selected(self, controller: BulkController, hosts: str) -> None:
        ran = relaunch(controller, hosts, selection=Selection(finished_after=NOW), own_job=50)

        assert ran.error is None
        assert relaunches_of(controller.posts) == [1]
        assert [entry.source_job_id for entry in ran.outcome.jobs] == [1]

    def test_is_left_alone_where_it_is_named(self, controller: BulkController) -> None:
        ran = relaunch(controller, own_job=50)

        assert [ran.of(number) for number in (1, 2, 50)] == [
            ("relaunched", True),
            ("refused", False),
            ("refused", False),
        ]
        assert "a template that this task runs in, as job 50" in ran.entry(2).msg
        assert "is the job that this task runs in" in ran.entry(50).msg
        assert ran.error is not None

    def test_is_not_what_has_its_number_on_another_controller(self, controller: BulkController) -> None:
        controller.jobs[50].duration = 20.0

        ran = relaunch(controller, own_job=50)

        assert ran.of(50) == ("relaunched", True)

    def test_is_its_number_where_it_may_not_be_seen(self, controller: BulkController) -> None:
        controller.before = lambda method, path: (
            (404, {"detail": "Not found."}) if (method, path) == ("GET", "jobs/50/") else None
        )

        ran = relaunch(controller, own_job=50)

        assert [ran.of(number)[0] for number in (1, 2, 50)] == ["relaunched", "relaunched", "refused"]


@pytest.mark.parametrize("deadline", [None, Deadline.of("1h", NOW)])
def test_a_throttled_one_neither_blocks_the_others_nor_spins(
    controller: BulkController, deadline: t.Optional[Deadline]
) -> None:
    for number in range(1, 4):
        controller.failed(number, {"web1": True}, template=number)
    controller.duration = lambda number: 100.0 if number == 2 else 5.0
    throttled: list[float] = []

    def throttle(path: str) -> t.Any:
        if path == "jobs/1/relaunch/" and not throttled:
            throttled.append(controller.clock.now)
            return 429, {"detail": "Wait."}, {"Retry-After": "20"}
        return None

    controller.before = at_post(throttle)
    ran = relaunch(controller, at_once=3, retries=2, deadline=deadline)

    assert ran.error is None, ran
    launched = {one.facts["unified_job_template"]: one.created for one in controller.jobs.values() if one.id > 100}
    assert launched[2] < 3 and launched[3] < 3
    # Nor does the wait for a long job hold it up.
    assert 20 <= launched[1] - throttled[0] < 25
    assert len(controller.asked) < 100


def test_max_jobs_holds_for_later_turns_too(controller: BulkController) -> None:
    controller.failed(1, {"web1": False, "web3": True})
    controller.failed(2, {"web1": True})

    ran = relaunch(controller, max_jobs=1)

    assert relaunches_of(controller.posts) == [2]
    assert ran.of(1) == ("refused", False) and "max_jobs" in ran.entry(1).msg
    assert ran.error is not None


def test_max_jobs_holds_where_several_later_turns_come_at_once(
    controller: BulkController,
) -> None:
    for template in (1, 2, 3):
        controller.failed(template, {"web1": False, "web3": True}, template=template)
        controller.failed(template + 3, {"web1": True}, template=template)

    ran = relaunch(controller, max_jobs=4)

    assert len(relaunches_of(controller.posts)) == 4
    assert [ran.of(number)[0] for number in range(4, 7)] == ["relaunched"] * 3
    assert sorted(ran.of(number)[0] for number in range(1, 4)) == ["refused", "refused", "relaunched"]


def test_what_was_cut_short_and_gets_no_room_is_not_recovered(controller: BulkController) -> None:
    controller.inventory = dict.fromkeys(("web1", "web2", "web3"), True)
    controller.failed(1, {"web1": True, "web2": False}, template=1, stopped=True)

    ran = relaunch(controller, fallback=True, max_jobs=1)

    assert ran.of(1) == ("relaunched", False)
    assert "all hosts are next" in ran.entry(1).msg and "Nothing more was launched" in ran.entry(1).msg
    assert ran.error is not None


def test_a_source_that_is_active_is_waited_for_and_decided_then(controller: BulkController) -> None:
    one = controller.failed(1, {"web1": True})
    one.created, one.duration = -1.0, 10.0

    plan = relaunch_plan(controller)
    ran = relaunch(controller)

    assert "Job 1 is running: its end decides." in plan.entry(1).msg
    assert ran.error is None and ran.of(1) == ("relaunched", True)


@pytest.mark.parametrize(
    ("edited", "now", "hosts", "outcome"),
    [
        (True, {"limit": "web2"}, "all", "refused"),
        (True, {"job_type": "check"}, "all", "refused"),
        (True, {"limit": "web2"}, "failed", "relaunched"),
        (True, {}, "all", "relaunched"),
        (False, {"limit": "web2"}, "all", "relaunched"),
    ],
    ids=["another limit", "checks only", "another limit, on failed hosts", "edited otherwise", "edited before"],
)
def test_in_check_mode_an_edited_template_is_seen(
    controller: BulkController, edited: bool, now: dict[str, str], hosts: str, outcome: str
) -> None:
    controller.failed(1, {"web1": True, "web2": False})
    controller.edited[7] = -10.0 if edited else -30000.0
    template = {"id": 7, "limit": "", "job_type": "run", **now}
    controller.before = lambda _method, path: (200, template) if path == "job_templates/7/" else None

    plan = relaunch(controller, hosts, check_mode=True)

    assert plan.entry(1).outcome == outcome, plan.entry(1).msg
    assert ("job_templates/7/" in [path for _method, path, _query in controller.asked]) is edited


def test_attempts_count_for_a_source_that_was_active_at_first_too(controller: BulkController) -> None:
    for number in (1, 2):
        controller.failed(number, {"web1": True}, launch_type="relaunch", limit="web1")
    controller.failed(3, {"web1": True}).created = -1.0

    ran = relaunch(controller, selection=Selection(job_ids=(3,)), max_attempts=2)

    assert (ran.of(3)[0], ran.entry(3).attempts) == ("needs_person", 2)


def relaunch_plan(controller: BulkController) -> Ran:
    return relaunch(controller, check_mode=True)


def test_the_plan_names_hosts_that_would_run_once_more(controller: BulkController) -> None:
    controller.failed(1, {"web1": True, "web2": True})
    controller.failed(2, {"web1": False}, launch_type="relaunch", limit="web1")

    ran = relaunch(controller, check_mode=True, selection=Selection(job_ids=(1,)))

    assert ran.entry(1).msg.endswith("It would run once more on web1, which had succeeded since.")


def test_a_source_that_is_active_at_the_timeout_has_not_failed(controller: BulkController) -> None:
    controller.failed(1, {"web1": True}).duration = 100000.0

    ran = relaunch(controller, timeout=10)

    assert ran.of(1) == ("refused", False) and ran.outcome.counts["failed"] == 0
    assert ran.error is not None and "(timeout)" in str(ran.error)


@pytest.mark.parametrize("named", [(1,), ()])
@pytest.mark.parametrize(("ended", "outcome"), [(False, "adopted"), (True, "refused")])
def test_what_a_relaunch_left_undone_counts_each_time(
    controller: BulkController, ended: bool, outcome: str, named: tuple[int, ...]
) -> None:
    controller.inventory = dict.fromkeys(("web1", "web2", "web3"), True)
    controller.failed(1, {"web1": True, "web2": False}, template=1, stopped=True)
    controller.launch(1, ["web1"], 50.0, launch_type="relaunch", limit="web1")
    controller.clock.now += 100.0 * ended

    ran = relaunch(controller, selection=Selection(job_ids=named))

    assert ran.of(1) == (outcome, False) and "web3" in ran.entry(1).msg
    assert ran.outcome.counts["failed"] == 1
    assert ran.error is not None


def test_the_plan_tells_the_turns(controller: BulkController) -> None:
    for number in (1, 2):
        controller.failed(number, {"web1": True})

    plan = relaunch_plan(controller)

    assert controller.posts == []
    assert (plan.of(2)[0], plan.of(1)[0]) == ("relaunched", "superseded")
    assert plan.outcome.changed


def of_kind(controller: BulkController, what: str) -> list[str]:
    """The paths that were read and end so."""
    return [path for method, path, _query in controller.asked if method == "GET" and path.endswith(f"/{what}/")]


def test_events_of_a_short_relaunch_replace_its_detail_and_hosts(controller: BulkController) -> None:
    controller.failed(1, {"web1": False, "web2": True})

    ran = relaunch(controller)

    assert ran.of(1) == ("relaunched", True)
    assert of_kind(controller, "job_events") == ["jobs/101/job_events/", "jobs/1/job_events/"]
    assert of_kind(controller, "101") == of_kind(controller, "job_host_summaries") == []
    assert [query for _method, path, query in controller.asked if path == "inventories/1/hosts/"] == [
        {"enabled": "true", "page_size": "200"}
    ]


class TestLostHosts:
    """A relaunch leaves out, without a word, failed hosts that have lost their row in the inventory."""

    #: By how the host was lost: its name, and what is said of it.
    LOST: t.ClassVar[dict[str, tuple[str, str]]] = {
        "deleted": ("web2", "Not in the inventory any more, and not recovered: web2."),
        "added again": ("web2", "failed on web2, which no relaunch on failed hosts reaches"),
        "implicit": ("localhost", "failed on localhost, which no relaunch on failed hosts reaches"),
    }

    @pytest.mark.parametrize("total", [5, 5000, None])
    @pytest.mark.parametrize("how", LOST)
    def test_each_is_told(self, controller: BulkController, how: str, total: t.Optional[int]) -> None:
        name, said = self.LOST[how]
        controller.failed(1, {"web1": True, name: True, "web3": False}, **self._of_inventory(total))
        self._lose(controller, how)

        ran = relaunch(controller)

        assert [job.facts["limit"] for number, job in controller.jobs.items() if number > 100] == ["web1"]
        assert ran.of(1) == ("relaunched", False) and ran.entry(1).remaining_hosts == (name,)
        assert said in ran.entry(1).msg

    @pytest.mark.parametrize("how", LOST)
    def test_the_plan_tells_each(self, controller: BulkController, how: str) -> None:
        controller.failed(1, {"web1": True, self.LOST[how][0]: True})
        self._lose(controller, how)

        entry = relaunch(controller, check_mode=True).entry(1)

        assert entry.hosts == ("web1",) and set(entry.remaining_hosts) == {"web1", self.LOST[how][0]}

    @pytest.mark.parametrize("check", [False, True])
    @pytest.mark.parametrize("how", LOST)
    def test_where_none_is_left_each_is_told(self, controller: BulkController, how: str, check: bool) -> None:
        name = self.LOST[how][0]
        controller.failed(1, {name: True})
        self._lose(controller, how)

        ran = relaunch(controller, check_mode=check)

        assert ran.of(1) == ("done" if how == "deleted" else "refused", False)
        assert ran.entry(1).remaining_hosts == (name,) and name in ran.entry(1).msg

    @pytest.mark.parametrize(("total", "asked"), [(5, 0), (250, 0), (251, 1), (None, 1)])
    def test_where_statistics_are_read_none_lost_takes_no_request(
        self, controller: BulkController, total: t.Optional[int], asked: int
    ) -> None:
        controller.failed(1, {"web1": True, "web2": True, "web3": False}, **self._of_inventory(total))

        ran = relaunch(controller)

        assert ran.of(1) == ("relaunched", True)
        failed = [query for _method, path, query in controller.asked if path == "jobs/1/job_host_summaries/"]
        assert [query.get("failed") for query in failed] == ["true"] * asked

    def _lose(self, controller: BulkController, how: str) -> None:
        if how == "added again":
            controller.added_again.add(self.LOST[how][0])
        else:
            del controller.inventory[self.LOST[how][0]]

    @staticmethod
    def _of_inventory(total: t.Optional[int]) -> dict[str, t.Any]:
        """Facts of a job whose inventory is said to have so many hosts."""
        return {"summary_fields": {"inventory": {"id": 1, "total_hosts": total}}}


@pytest.mark.parametrize("gap", ["late", "cut off", "many"])
def test_events_that_are_late_or_too_many_are_waited_for(controller: BulkController, gap: str) -> None:
    for number in (1, 2):
        controller.failed(number, {"web1": False, "web2": True}, extra_vars=f'{{"release": {number}}}')
        controller.prompts[number] = {"extra_vars": {"release": number}}

    def answered(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        if path.endswith("job_events/") and "event__in" not in query:
            left_out = {"late": 3, "cut off": len(body["results"]) - 1}.get(gap)
            body["results"] = [one for number, one in enumerate(body["results"]) if number != left_out]
            body["next"] = "more" if gap == "many" else None
        return status, body

    controller.after = answered
    ran = relaunch(controller)

    assert ran.error is None
    assert (ran.of(1), ran.of(2)) == (("relaunched", True), ("relaunched", True))
    assert {"jobs/101/", "jobs/102/"} <= {path for _method, path, _query in controller.asked}
    whole = [path for _method, path, query in controller.asked if "job_events" in path and "event__in" not in query]
    # Of a template whose jobs have many it is not tried again.
    assert len(whole) == (1 if gap == "many" else 2)


@pytest.mark.parametrize("answer", ["", "hidden", "more", "failing"])
def test_hosts_of_small_inventories_are_asked_for_at_once(controller: BulkController, answer: str) -> None:
    """A host of inventory 4 was never begun. Of one that this user may not see such a list shows no host."""
    for number in range(1, 6):
        names = [f"web{number}a", f"web{number}b"]
        controller.failed(number, dict.fromkeys(names, True), template=number, **controller.in_inventory(number, names))
    controller.inventory["new"] = True
    controller.inventory_of["new"] = 4
    several: list[str] = []

    def answered(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        if path == "hosts/" and "enabled" in query:
            several.append(query["inventory__in"])
            if answer == "failing":
                return 400, {"detail": "No."}
            body["next"] = "more" if answer == "more" else None
            body["results"] = [row for row in body["results"] if row["inventory"] != 4 or answer != "hidden"]
        return status, body

    controller.after = answered
    ran = relaunch(controller)

    assert [ran.of(number) for number in (1, 2, 3, 4, 5)] == [("relaunched", number != 4) for number in (1, 2, 3, 4, 5)]
    assert "it has not been done on new" in ran.entry(4).msg
    assert several == ["1,2,3,4,5"]
    alone = {"": set(), "hidden": {4}}.get(answer, {1, 2, 3, 4, 5})
    listed = [path for _method, path, query in controller.asked if "not__job_host_summaries__job" not in query]
    assert {path for path in listed if path.startswith("inventories/")} == {
        f"inventories/{one}/hosts/" for one in alone
    }


@pytest.mark.parametrize("change", ["modified", "many", "forbidden"])
def test_who_never_began_is_asked_of_each_job_if_no_list_tells(controller: BulkController, change: str) -> None:
    controller.inventory = {"web3": True}
    controller.failed(1, {"web1": False, "web2": True})

    def answered(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        if path.startswith("inventories/") and "not__job_host_summaries__job" not in query:
            if change == "forbidden":
                return 403, {}
            body["next"] = "more" if change == "many" else None
            # It had another name when the job ran, and that was another host's.
            renamed = {"name": "web1", "modified": "2026-11-24T00:00:00Z"}
            body["results"] = [{**one, **renamed} if one["name"] == "web3" else one for one in body["results"]]
        return status, body

    controller.after = answered
    ran = relaunch(controller)

    assert ran.of(1) == ("relaunched", False)
    assert "it has not been done on web3" in ran.entry(1).msg


@pytest.mark.parametrize("of_others", [False, True])
def test_no_look_at_others_where_no_number_is_left_for_them(controller: BulkController, of_others: bool) -> None:
    for number in range(101, 106):
        controller.failed(number, {"web1": True}, template=number)
    launched = iter(range(5))

    def other(_path: str) -> None:
        # Of another template: its number may be that of a rival for all that is known.
        if of_others and next(launched) == 2:
            controller.launch(99, ["web1"])

    controller.before = at_post(other)
    ran = relaunch(controller, "all", wait=False)

    assert ran.error is None
    first = next(number for number, (method, _path, _query) in enumerate(controller.asked) if method == "POST")
    looks = [query for method, _path, query in controller.asked[first:] if method == "GET"]
    assert len(looks) == of_others


@pytest.mark.parametrize("status", [400, 503])
def test_ends_and_looks_are_asked_for_apart_where_they_must(controller: BulkController, status: int) -> None:
    for number in range(1, 9):
        controller.failed(number, {"web1": True}, template=number)
    both: list[dict[str, str]] = []

    def before(_method: str, _path: str) -> t.Any:
        if "or__status__in" not in controller.asked[-1][2]:
            return None
        both.append(controller.asked[-1][2])
        return (status, {"detail": "No."}) if len(both) == 1 else None

    controller.before = before
    ran = relaunch(controller, "all", at_once=2, retries=1)

    assert ran.error is None, ran.error
    assert [ran.of(number) for number in range(1, 9)] == [("relaunched", True)] * 8
    assert controller.most_active == 2
    assert (len(both) == 1) == (status == 400)


@pytest.mark.parametrize(("ended", "in_one"), [(90, True), (150, False)])
def test_few_ended_jobs_are_named_to_be_left_out_of_a_list(
    controller: BulkController, ended: int, in_one: bool
) -> None:
    """Of young ones a list is asked for again, since a job with a lower number may show up late."""
    controller.failed(1, {"web1": True})
    for number in range(2, 2 + ended):
        young = controller.failed(number, {"web1": False}, extra_vars=f'{{"release": {number}}}')
        young.created, young.duration = -3.0, 1.0

    ran = relaunch(controller, selection=Selection(job_ids=(1,)))

    assert ran.of(1) == ("relaunched", True)
    named = [query["not__id__in"].count(",") for _method, _path, query in controller.asked if "not__id__in" in query]
    assert bool(named) == in_one and all(count < 100 for count in named)


def _with_another_failing(controller: BulkController, ends: float) -> None:
    """At the first look behind the launch of job 101 somebody else's whole run of the same work is active; it fails."""
    controller.failed(1, {"web1": True, "web2": False}, template=1, allow_simultaneous=True)

    def before(method: str, path: str) -> None:
        if (method, path) == ("GET", "jobs/") and 101 in controller.jobs and 150 not in controller.jobs:
            controller.failing[1] = {"web1"}
            one = controller.launch(1, ["web1", "web2"], launch_type="scheduled")
            one.duration = controller.jobs[101].created + ends - one.created
            controller.jobs[150] = controller.jobs.pop(one.id)
            controller.jobs[150].id = 150

    controller.before = before


def test_a_look_from_before_the_end_tells_nothing_of_it(controller: BulkController) -> None:
    """Looks are shared for half a second; the end comes sooner behind one, and somebody else's failure before it."""
    controller.duration = lambda _number: 0.25
    _with_another_failing(controller, ends=0.2)

    ran = relaunch(controller, "all", interval=0.1, selection=Selection(job_ids=(1,)))

    assert ran.of(1) == ("relaunched", False)
    assert "job 150, the same work, ended after its launch and failed" in ran.entry(1).msg


def test_nor_does_one_from_before_an_end_at_the_timeout(controller: BulkController) -> None:
    """The last look for ends comes at 1.55 seconds, and the one at all that is waited for behind that."""
    controller.duration = lambda _number: 1.38
    _with_another_failing(controller, ends=1.3)

    ran = relaunch(controller, "all", timeout=1.5, interval=5.0, selection=Selection(job_ids=(1,)))

    assert ran.of(1) == ("relaunched", False)
    assert "job 150, the same work, ended after its launch and failed" in ran.entry(1).msg


def test_nor_does_one_from_long_before_the_verdict(controller: BulkController) -> None:
    """The events take their time, and somebody else's job fails meanwhile."""
    controller.failed(1, {"web1": True})

    def slow(_method: str, path: str) -> None:
        if path == "jobs/101/job_events/" and 150 not in controller.jobs:
            another = controller.launch(7, ["web1"], 0.2, launch_type="relaunch", limit="web1")
            controller.jobs[150] = replace(controller.jobs.pop(another.id), id=150, hosts={"web1": True})
            controller.clock.now += 2.5

    controller.before = slow
    ran = relaunch(controller, selection=Selection(job_ids=(1,)))

    assert ran.of(1) == ("relaunched", False)
    assert "job 150, the same work, ended after its launch and failed on web1" in ran.entry(1).msg


def _hidden(controller: BulkController, number: int, template: int) -> t.Callable[[], None]:
    """Somebody else's relaunch, which shows once this is called."""
    one = controller.launch(template, ["web1"], 1000.0, launch_type="relaunch", limit="web1")
    controller.jobs.pop(one.id)
    one.id = number
    return lambda: controller.jobs.update({number: one})


def test_a_relaunch_that_shows_late_is_seen_behind_a_source_of_now(controller: BulkController) -> None:
    """It has a lower number than a source that has just failed."""
    controller.failed(1, {"web1": True}, template=1)
    just_now = controller.failed(60, {"web1": True}, template=2)
    just_now.created, just_now.duration = -0.5, 0.3
    show = _hidden(controller, 59, template=1)
    controller.before = at_post(lambda path: show() if path == "jobs/1/relaunch/" else None)

    ran = relaunch(controller, wait=False)

    assert (ran.of(1), ran.entry(1).id) == (("adopted", False), 59)
    assert ran.of(60)[0] == "relaunched"


def test_a_relaunch_that_shows_late_is_seen_behind_a_slow_list(controller: BulkController) -> None:
    """Which shows a job with a higher number, launched just before the answer, and the end that makes room."""
    for number in (1, 2):
        controller.failed(number, {"web1": True}, template=number)
    controller.prompts[150] = {"extra_vars": {"other": 1}}
    shows: list[t.Callable[[], None]] = []

    def before(_method: str, path: str) -> None:
        if not shows and "or__id__gt" in controller.asked[-1][2]:
            controller.clock.now += 12.0
            shows.append(_hidden(controller, 149, template=2))
            other = controller.launch(2, ["web1"], 0.0, extra_vars='{"other": 1}')
            controller.jobs[150] = controller.jobs.pop(other.id)
            controller.jobs[150].id = 150
        elif path == "jobs/2/relaunch/":
            shows[0]()

    controller.before = before
    ran = relaunch(controller, at_once=1, timeout=100)

    assert (ran.of(1), ran.of(2)[0], ran.entry(2).id) == (("relaunched", True), "adopted", 149)


def test_a_launch_that_shows_late_is_seen_below_other_work(controller: BulkController) -> None:
    """Launches of templates show up to 1.5 seconds behind others with higher numbers, unlike relaunches."""
    controller.failed(1, {"web1": True}, template=1)
    controller.with_surveys.add(1)
    controller.prompts[150] = {"extra_vars": {"other": 1}}
    show = _hidden(controller, 149, template=1)
    other = controller.launch(1, ["web1"], 0.0, extra_vars='{"other": 1}')
    controller.jobs[150] = controller.jobs.pop(other.id)
    controller.jobs[150].id = 150
    controller.before = at_post(lambda _path: show())

    ran = relaunch(controller, timeout=60, selection=Selection(job_ids=(1,)))

    assert (ran.of(1), ran.entry(1).id) == (("adopted", False), 149)
    assert controller.posts == ["1/relaunch", "151/cancel"]


@pytest.mark.parametrize("hosts", ["failed", "remaining"])
def test_nothing_gives_way_to_what_was_left_new(controller: BulkController, hosts: str) -> None:
    """It will never run, though it is active, has a lower number, and may not be canceled."""
    controller.failed(1, {"web1": True, "web2": False}, template=1)
    controller.launch(1, [], 1e9, launch_type="relaunch", limit="web1", status="new")
    controller.clock.now += 300.0
    controller.before = lambda _method, path: (403, {"detail": "No."}) if path == "jobs/101/cancel/" else None

    ran = relaunch(controller, hosts, timeout=60, selection=Selection(job_ids=(1,)))

    assert (ran.of(1), ran.entry(1).id) == (("relaunched", True), 102)


@pytest.mark.parametrize("hosts", ["failed", "all"])
def test_in_place_of_a_launch_that_broke_half_way_another_one_is_sent(controller: BulkController, hosts: str) -> None:
    """With one at a time each waits for room, and looks again behind the cancel."""
    for number in (1, 2):
        controller.failed(number, {"web1": True, "web2": False}, template=number)
    launches_break_half_way(controller, hosts, 2)

    ran = relaunch(controller, hosts, at_once=1, selection=Selection(job_ids=(1, 2)))

    assert (ran.error, ran.of(1), ran.of(2)) == (None, ("relaunched", True), ("relaunched", True))


@pytest.mark.parametrize("hosts", ["failed", "all"])
@pytest.mark.parametrize("alone", [False, True])
def test_where_none_that_is_launched_runs_the_task_fails_and_says_so(
    controller: BulkController, hosts: str, alone: bool
) -> None:
    controller.failed(1, {"web1": True, "web2": False}, template=1)
    launches_break_half_way(controller, hosts, 9)

    if alone:
        request = RelaunchRequest(1, options=RelaunchOptions(hosts=hosts, wait=True), waiting=Waiting(wait=True))
        with controller.client() as client, pytest.raises(ControllerError) as failure:
            relaunch_job(client, request)
        error: t.Any = failure.value
    else:
        error = relaunch(controller, hosts, selection=Selection(job_ids=(1,))).error

    said = "Jobs 101, 102, which this task launched one after the other, were left in status new and never ran."
    assert error is not None and said in str(error)
    assert controller.posts == ["1/relaunch", "101/cancel", "1/relaunch", "102/cancel"]


def test_slow_launches_of_others_leave_no_look_behind(controller: BulkController) -> None:
    """Each takes three seconds; somebody else's relaunch comes and goes behind the third."""
    for number in range(1, 11):
        controller.failed(number, {"web1": True}, template=number)

    def slow(path: str) -> None:
        controller.clock.now += 3.0
        if path == "jobs/3/relaunch/":
            controller.launch(10, ["web1"], 1.0, launch_type="relaunch", limit="web1")

    controller.before = at_post(slow)
    ran = relaunch(controller, at_once=10)

    assert ran.error is None, ran.error
    assert relaunches_of(controller.posts) == list(range(1, 10))
    assert ran.of(10) == ("adopted", True)


def test_a_template_that_is_deleted_meanwhile_ends_a_wait_once(controller: BulkController) -> None:
    """Somebody else's relaunch has a part of the work; its template goes behind its end, before that is seen. By that
    nobody would find it any more, and a relaunch would run on all hosts.
    """
    controller.failed(1, {"web1": True, "web2": True}, template=1)
    controller.launch(1, ["web1"], 5.0, launch_type="relaunch", limit="web1")

    def before(_method: str, _path: str) -> None:
        for one in controller.jobs.values():
            if controller.clock.now > 5.0:
                one.facts["unified_job_template"] = None

    controller.before = before
    ran = relaunch(controller, timeout=200, selection=Selection(job_ids=(1,)))

    assert relaunches_of(controller.posts) == [] and controller.clock.now < 100
    assert ran.entry(1).outcome == "refused" and "was deleted meanwhile" in ran.entry(1).msg
    assert str(ran.error).endswith("Run the task again.")


def test_a_relaunch_that_is_new_is_compared_again(controller: BulkController) -> None:
    """Its credentials are added behind its row; without them it looks like other work that is known."""
    of_source = {"credentials": [{"id": 4, "name": "aws"}]}
    controller.failed(1, {"web1": True}, template=1)
    controller.failed(2, {"web1": True}, template=2, summary_fields=of_source)
    controller.failed(3, {"web1": False}, template=2, summary_fields={"credentials": []})
    controller.prompts[2] = {"credentials": [{"id": 4}]}
    rivals: list[t.Any] = []

    def before(path: str) -> None:
        if path == "jobs/1/relaunch/":
            facts = {"summary_fields": {"credentials": []}, "status": "new"}
            rivals.append(controller.launch(2, ["web1"], 60.0, launch_type="relaunch", limit="web1", **facts))
        elif path == "jobs/2/relaunch/":
            rivals[0].facts.update(summary_fields=of_source, status="running")
            controller.prompts[rivals[0].id] = controller.prompts[2]

    controller.before = at_post(before)
    ran = relaunch(controller, at_once=1, timeout=30, selection=Selection(job_ids=(1, 2)))

    assert (ran.of(2)[0], ran.entry(2).id) == ("adopted", rivals[0].id)


@pytest.mark.parametrize("in_one", [True, False])
def test_a_relaunch_that_could_not_see_a_launch_is_taken(controller: BulkController, in_one: bool) -> None:
    """It comes up behind the launch, with the next number, be ends and looks asked for in one list or apart."""
    controller.failed(100, {"web1": True})
    rivals: list[t.Any] = []

    def before(method: str, _path: str) -> t.Any:
        if method == "GET" and controller.posts and not rivals:
            rivals.append(controller.launch(7, ["web1"], 60.0, launch_type="relaunch", limit="web1"))
        return None if in_one or "or__status__in" not in controller.asked[-1][2] else (400, {"detail": "No."})

    controller.before = before
    ran = relaunch(controller, "remaining")

    assert controller.posts == ["job_templates/7/launch", "101/cancel"]
    assert (ran.of(100)[0], ran.entry(100).id) == ("adopted", rivals[0].id)
