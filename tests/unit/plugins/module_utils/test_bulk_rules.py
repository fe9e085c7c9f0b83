# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules and a deadline for many jobs: what needs a person, what comes later, and an end by the clock."""

from __future__ import annotations

import typing as t
from datetime import timedelta
from email.utils import format_datetime

import pytest
from requests import PreparedRequest, Response

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    ControllerError,
    DeadlineError,
    OptionError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import SPECIFICATION, JobsRequest
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.outcome import JobsOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.updates_first import UpdatesFirst
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._launch.asks import EndOf
from ansible_collections.relaunch.controller.plugins.module_utils._launch.launch import Attempt
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting, Watch
from ansible_collections.relaunch.controller.plugins.module_utils._selection.failed_updates import UPDATED, FailedUpdate
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.options import WorkflowRequest
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.outcome import WorkflowOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.workflow_run import Contest, WorkflowRun
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import (
    NOW,
    BulkController,
    Facts,
    SimulatedJob,
    relaunches_of,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock

DEFAULTS = {name: option.get("default") for name, option in SPECIFICATION["argument_spec"].items()}
HOUR = 3600.0
PARKED = {"message": "licence", "action": "park", "reason": "renew the licence"}


class World(BulkController):
    """Hosts in ``expired`` fail for want of a licence; each job is pending for so many seconds after its launch."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.expired: set[str] = set()
        self.pending = 0.0

    def send(self, request: PreparedRequest, *args: t.Any, **options: t.Any) -> Response:
        response = super().send(request, *args, **options)
        response.headers["Date"] = format_datetime(NOW + timedelta(seconds=self.clock.now), usegmt=True)
        return response

    def launch(self, template: int, names: t.Iterable[str], duration: float = 5.0, **facts: t.Any) -> SimulatedJob:
        one, clock, pending = super().launch(template, names, duration, **facts), self.clock, self.pending

        class Queued(SimulatedJob):
            def shown(self, now: float) -> Facts:
                waits = self.created <= clock.now < min(self.created + pending, self.ends)
                return {**super().shown(now), **({"status": "pending", "started": None} if waits else {})}

        self.jobs[one.id] = Queued(one.id, one.created, one.duration, one.hosts, one.facts)
        return self.jobs[one.id]

    def _answer(self, method: str, parts: list[str], query: dict[str, str], sent: t.Any) -> tuple[int, t.Any]:
        if parts[-1] == "job_events" and "runner_on_failed" in query.get("event__in", ""):
            status, page = super()._answer(method, parts, query, sent)
            for event in page["results"]:
                if event["host_name"] in self.expired:
                    event["event_data"]["res"] = {"msg": "The licence has expired"}
            return status, page
        return super()._answer(method, parts, query, sent)

    @property
    def limits(self) -> list[str]:
        """Of the jobs that were launched."""
        return [one.facts["limit"] for number, one in self.jobs.items() if number > 100]


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock)


class Ran(t.NamedTuple):
    outcome: JobsOutcome
    error: t.Optional[ControllerError]

    def of(self, number: int) -> str:
        return self.entry(number)["outcome"]

    def entry(self, number: int) -> dict[str, t.Any]:
        return next(entry for entry in self.outcome.result()["jobs"] if entry["source_job_id"] == number)


def recover(world: World, *, check_mode: bool = False, **options: t.Any) -> Ran:
    """Relaunch all jobs of the last day that have failed."""
    now = NOW + timedelta(seconds=world.clock.now)
    given = {**DEFAULTS, "finished_after": "1d", "hosts": "failed", "wait": True, "interval": 60, **options}
    request = JobsRequest.of(given, check_mode, now)
    try:
        with world.client() as client:
            return Ran(relaunch_jobs(client, request), None)
    except ControllerError as error:
        outcome = outcome_of(error)
        assert isinstance(outcome, JobsOutcome), error
        return Ran(outcome, error)


class TestWhatARuleParks:
    @pytest.fixture(autouse=True)
    def _one_of_each(self, world: World) -> None:
        """Job 1 has failed on a host that needs a person and on another, job 2 on others alone."""
        world.failed(1, {"web1": True, "web2": True, "web3": False}, template=7)
        world.failed(2, {"web1": False, "web2": False, "web3": True}, template=8)
        world.expired = {"web1"}

    @pytest.mark.parametrize("hosts", ["failed", "all"])
    def test_is_left_with_its_job(self, world: World, hosts: str) -> None:
        ran = recover(world, rules=[PARKED], hosts=hosts)

        assert relaunches_of(world.posts) == [2]
        assert (ran.of(1), ran.of(2)) == ("parked", "relaunched")
        assert ran.entry(1)["parked"] == {"web1": "renew the licence"}
        assert "web1 (renew the licence)" in ran.entry(1)["msg"]
        assert "web2 can only be retried with them" in ran.entry(1)["msg"]
        assert ran.entry(2)["recovered"] and "parked" not in ran.entry(2)
        counts = ran.outcome.counts
        assert (counts["parked"], counts["failed"], counts["recovered"]) == (1, 0, 1)
        assert "1 relaunched, 1 waiting for a person (parked); 1 recovered." in str(ran.error)
        assert "Not successful: 1." in str(ran.error)

    def test_is_left_out_of_the_remaining_hosts(self, world: World) -> None:
        ran = recover(world, rules=[PARKED], hosts="remaining")

        assert sorted(world.limits) == ["web2", "web3"]
        assert ran.of(1) == "parked"
        entry = ran.entry(1)
        assert (entry["hosts"], entry["remaining_hosts"]) == (["web2"], ["web1"])
        assert (entry["status"], entry["recovered"]) == ("successful", False)
        assert entry["parked"] == {"web1": "renew the licence"}
        assert (ran.of(2), ran.entry(2)["recovered"], ran.outcome.changed) == ("relaunched", True, True)

    def test_is_told_beside_another_failure(self, world: World) -> None:
        world.failing[7] = {"web2"}

        ran = recover(world, rules=[PARKED], hosts="remaining")

        assert (ran.of(1), ran.entry(1)["status"]) == ("relaunched", "failed")
        assert ran.entry(1)["msg"].endswith(" Parked: web1 (renew the licence).")
        assert ran.outcome.counts["failed"] == 1

    def test_is_told_in_the_plan(self, world: World) -> None:
        plan = recover(world, rules=[PARKED], check_mode=True)

        assert (world.posts, plan.of(1), plan.of(2)) == ([], "parked", "relaunched")
        assert "1 would be relaunched, 1 waiting for a person (parked)" in str(plan.error)

    def test_is_relaunched_without_rules(self, world: World) -> None:
        ran = recover(world)

        assert (relaunches_of(world.posts), ran.error) == ([1, 2], None)

    def test_goes_on_when_a_person_has_seen_to_it(self, world: World) -> None:
        world.failed(3, {"web1": False}, launch_type="manual", limit="web1")

        ran = recover(world, rules=[PARKED])

        assert (ran.error, ran.of(1), ran.entry(1)["recovered"]) == (None, "relaunched", True)

    def test_an_adopted_run_on_all_hosts_has_seen_to_it(self, world: World) -> None:
        world.launch(7, ["web1", "web2", "web3"], 60.0, launch_type="manual", limit="")

        ran = recover(world, rules=[PARKED], hosts="all")

        assert (ran.of(1), ran.entry(1)["recovered"]) == ("adopted", True)
        assert "parked" not in ran.entry(1)

    def test_the_first_rule_that_fits_counts(self, world: World) -> None:
        ran = recover(world, rules=[{"task": "Install", "action": "retry"}, PARKED])

        assert (relaunches_of(world.posts), ran.error) == ([1, 2], None)


class TestWhatARuleRetries:
    def test_has_the_retries_of_its_rule(self, world: World) -> None:
        world.failed(1, {"web1": True}, template=7)
        world.failed(2, {"web1": True}, template=8)
        world.failed(3, {"web1": True}, template=7, launch_type="relaunch", limit="web1")
        world.failed(4, {"web1": True}, template=8, launch_type="relaunch", limit="web1")
        few = [{"message": "unit", "action": "retry", "retries": 1}]

        ran = recover(world, rules=few)

        assert (world.posts, ran.of(1), ran.of(2)) == ([], "needs_person", "needs_person")
        assert "relaunched once since it last succeeded (max_attempts, or retries of a rule)" in ran.entry(1)["msg"]
        many = [{"message": "unit", "action": "retry", "retries": 2}]
        ran = recover(world, rules=many, max_attempts=1)
        assert (ran.error, ran.of(3), ran.of(4)) == (None, "relaunched", "relaunched")

    def test_is_left_for_later_until_its_delay_is_over(self, world: World) -> None:
        world.failed(1, {"web1": True}, template=7)
        world.failed(2, {"web1": True}, template=8)
        world.expired = {"web1"}
        rules = [{"message": "licence", "action": "retry", "delay": 6 * HOUR}]
        ended = world.jobs[1].ends

        world.clock.now = ended + 6 * HOUR - 30
        early = recover(world, rules=rules)

        assert (world.posts, early.error, early.outcome.changed) == ([], None, False)
        assert (early.of(1), early.of(2)) == ("left_for_later", "left_for_later")
        assert "waits 21600 seconds after its last end, of which 3" in early.entry(1)["msg"]
        assert early.outcome.counts["left_for_later"] == 2
        assert "2 jobs: 2 left for later; 0 recovered." in early.outcome.msg

        world.clock.now = ended + 6 * HOUR + 5
        late = recover(world, rules=rules)
        assert (relaunches_of(world.posts), late.of(1), late.of(2)) == ([1], "relaunched", "left_for_later")

    def test_waits_for_the_longest_delay_of_its_hosts(self, world: World) -> None:
        world.failed(1, {"web1": True, "web2": True})
        world.expired = {"web1"}
        rules = [{"message": "licence", "action": "retry", "delay": 6 * HOUR}, {"action": "retry", "delay": 60}]
        world.clock.now = world.jobs[1].ends + HOUR

        ran = recover(world, rules=rules)

        assert (world.posts, ran.of(1)) == ([], "left_for_later")
        assert "waits 21600 seconds after its last end" in ran.entry(1)["msg"]

    def test_counts_from_the_end_of_its_last_relaunch(self, world: World) -> None:
        world.failed(1, {"web1": True})
        world.failing[7] = {"web1"}
        rules = [{"action": "retry", "delay": 600}]
        recover(world, rules=rules)
        world.clock.now += 500

        ran = recover(world, rules=rules)

        assert relaunches_of(world.posts) == [1]
        assert {entry["outcome"] for entry in ran.outcome.result()["jobs"]} == {"left_for_later"}

    def test_fails_the_task_where_the_job_was_named(self, world: World) -> None:
        world.failed(1, {"web1": True})

        ran = recover(world, rules=[{"action": "retry", "delay": 1e9}], job_ids=[1], finished_after=None)

        assert "Not successful: 1. First of them: Left for later" in str(ran.error)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rules": [{"action": "park"}, {"message": "(", "action": "park"}]}, "rule 2: message is no regular"),
        ({"rules": [{"hosts": "web1", "action": "park"}]}, "rule 1 has no hosts"),
        ({"deadline": "soon"}, "deadline must be a span such as 4h"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_sent(world: World, options: dict[str, t.Any], said: str) -> None:
    with pytest.raises(OptionError, match=said.replace("(", r"\(")):
        recover(world, **options)
    assert world.asked == []


class TestDeadline:
    @pytest.fixture(autouse=True)
    def _three(self, world: World) -> None:
        for number in (1, 2, 3):
            world.failed(number, {"web1": True}, template=number)

    def test_nothing_is_launched_after_it(self, world: World) -> None:
        world.duration = lambda _number: HOUR

        ran = recover(world, at_once=1, deadline="90m")

        assert relaunches_of(world.posts) == [1, 2]
        assert [ran.of(number) for number in (1, 2, 3)] == ["relaunched", "relaunched", "refused"]
        assert ran.entry(2)["recovered"] and world.clock.now >= 2 * HOUR
        assert "Not launched: the deadline was over before its turn." in ran.entry(3)["msg"]
        assert "The deadline, 2026-11-2" in str(ran.error) and "was over before all had ended" in str(ran.error)

    @pytest.mark.parametrize("end", [{"deadline": "1000s"}, {"timeout": 1000}], ids=["deadline", "timeout"])
    def test_it_does_not_wait_for_a_slow_controller(self, world: World, end: dict[str, t.Any]) -> None:
        world.latency = 100

        ran = recover(world, **end)

        assert (world.posts, ran.outcome.changed) == ([], False)

    def test_what_is_pending_by_then_is_canceled(self, world: World) -> None:
        world.duration, world.pending = lambda _number: 9 * HOUR, 8 * HOUR

        ran = recover(world, at_once=2, deadline="4h", cancel_on_timeout=True)

        assert world.posts == ["1/relaunch", "2/relaunch", "101/cancel", "102/cancel"]
        assert world.clock.now == pytest.approx(4 * HOUR, abs=10)
        assert [ran.entry(number).get("status") for number in (1, 2, 3)] == ["canceled", "canceled", None]
        assert "ended at the deadline" in ran.entry(1)["msg"] and "It was canceled." in ran.entry(1)["msg"]

    def test_what_cannot_be_seen_by_then_is_not_canceled(self, world: World) -> None:
        world.duration, world.pending = lambda _number: 6 * HOUR, HOUR
        world.before = lambda method, _path: (
            (502, {}) if method == "GET" and 4 <= world.clock.now / HOUR < 4.1 else None
        )

        ran = recover(world, deadline="4h", cancel_on_timeout=True)

        assert (relaunches_of(world.posts), len(world.posts), ran.error) == ([1, 2, 3], 3, None)

    def test_what_has_begun_goes_on_and_is_waited_for(self, world: World) -> None:
        world.duration = lambda _number: 6 * HOUR

        ran = recover(world, deadline="4h", cancel_on_timeout=True)

        assert (relaunches_of(world.posts), ran.error) == ([1, 2, 3], None)
        assert world.clock.now >= 6 * HOUR

    def test_the_end_of_another_job_is_not_waited_for_beyond_it(self, world: World) -> None:
        world.launch(1, ["web1"], 9 * HOUR, launch_type="manual", limit="")

        ran = recover(world, deadline="4h", cancel_on_timeout=True)

        assert relaunches_of(world.posts) == [2, 3]
        assert world.clock.now == pytest.approx(4 * HOUR, abs=10)
        assert (ran.of(1), ran.of(2), ran.entry(2)["recovered"]) == ("adopted", "relaunched", True)
        assert "ended at the deadline" in ran.entry(1)["msg"]

    def test_that_is_over_lets_nothing_begin(self, world: World) -> None:
        ran = recover(world, deadline="2026-11-23T06:00:00Z")

        assert (world.posts, ran.outcome.changed) == ([], False)
        assert {entry["outcome"] for entry in ran.outcome.result()["jobs"]} == {"refused"}
        assert "The deadline, 2026-11-23 06:00:00+00:00, was over" in str(ran.error)

    def test_that_is_over_does_no_harm_to_what_is_done(self, world: World) -> None:
        for number in (1, 2, 3):
            world.failed(10 + number, {"web1": False}, template=number, launch_type="relaunch", limit="web1")

        assert recover(world, deadline="2026-11-23T06:00:00Z").error is None

    def test_without_waiting_for_the_ends_it_ends_the_launching(self, world: World) -> None:
        world.duration = lambda _number: HOUR

        ran = recover(world, at_once=1, deadline="30m", wait=False)

        assert relaunches_of(world.posts) == [1]
        assert [ran.of(number) for number in (1, 2, 3)] == ["relaunched", "refused", "refused"]
        assert world.clock.now == pytest.approx(HOUR / 2, abs=10)


class TestDeadlineOfOthers:
    """Those that do not launch relaunches of jobs."""

    def test_no_workflow_job_is_launched_after_it(self, world: World) -> None:
        with world.client() as client:
            watch = Watch(client, Waiting(wait=True), launch_by=client.clock())
            run = WorkflowRun(client, WorkflowRequest(workflow_job_id=85), watch)
            attempt = Attempt("workflow_job_templates/5/launch/", {}, "It", "launched", lambda _job: True, str)
            steps = run.launch(attempt, Contest(Job({"id": 85}), 85), WorkflowOutcome())
            with pytest.raises(ControllerError, match="It was not launched: the deadline was over before that."):
                next(steps)
        assert world.asked == []

    def test_the_end_of_an_update_is_not_waited_for_beyond_it(self, world: World) -> None:
        world.before = lambda _method, path: (200, {"results": [{"id": 9, "status": "running"}]})
        failed = FailedUpdate(UPDATED[0], Job({"id": 8, "status": "failed", "project": 3}), (1,))
        with world.client() as client:
            steps = UpdatesFirst(Watch(client, Waiting(wait=True)), [failed], first=True).before(Job({"id": 1}))
            assert isinstance(next(steps), EndOf)
            with pytest.raises(DeadlineError, match="Not launched: the deadline was over while project update 9"):
                steps.throw(DeadlineError("The deadline is over."))
