# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rounds of relaunches against a controller whose jobs end at once, with a clock that passes by sleeping only."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest
from requests import ConnectionError as NoConnection

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    ControllerError,
    ForbiddenError,
    JobUnsuccessfulError,
    RefusedError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import first_error, outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_failed_hosts import (
    RetryOutcome,
    retry_failed_hosts,
)
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import (
    BulkController,
    launches_break_half_way,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import summary
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import (
    SOURCE,
    Ran,
    RelaunchingController,
    hopeless,
    listed,
    retry_request,
)

# Unlike any pause of a wait.
DELAY = 1000.0


class Meanwhile(Clock):
    """Something happens in the first delay."""

    def __init__(self, act: t.Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.act: t.Callable[[], object] | None = act

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if seconds == DELAY and self.act:
            act, self.act = self.act, None
            act()


@dataclass
class Ended:
    """What a run has returned, or what its error carries; that error; the lines that it told."""

    outcome: RetryOutcome
    error: BaseException | None
    lines: list[str]

    @property
    def account(self) -> tuple[t.Any, ...]:
        result = self.outcome.result()
        return result["ended"], result["recovered"], result["remaining_hosts"], result["job_ids"]


def retry(
    controller: RelaunchingController,
    clock: Clock | None = None,
    check_mode: bool = False,
    progress: t.Callable[[t.Any], None] | None = None,
    **options: t.Any,
) -> Ended:
    request = retry_request(check_mode, **{"delay": DELAY, **options})
    lines: list[str] = []
    with controller.client(clock or Clock()) as client:
        try:
            return Ended(retry_failed_hosts(client, request, progress, lines.append), None, lines)
        except (ControllerError, KeyboardInterrupt) as error:
            outcome = outcome_of(error)
            assert isinstance(outcome, RetryOutcome)
            return Ended(outcome, first_error(error), lines)


def failing(*rounds: str) -> t.Callable[[int, tuple[str, ...]], Ran]:
    """Relaunches that fail on these hosts, names with spaces between; the last goes on for ever."""

    def ran(number: int, hosts: tuple[str, ...]) -> Ran:
        bad = rounds[min(number, len(rounds)) - 1].split()
        return {name: name in bad for name in hosts or ("web1", "web2", "web3")}

    return ran


class TestHowItEnds:
    def test_when_no_host_is_left(self) -> None:
        controller = RelaunchingController(failing("web2 web3", ""), "web1", "web2", "web3")

        ended = retry(controller)

        assert ended.error is None
        assert ended.account == ("none_left", {"web1": 1, "web2": 2, "web3": 2}, [], [43, 44])
        assert controller.posts == ["jobs/42/relaunch/", "jobs/43/relaunch/"]
        assert ended.lines == ["attempt 2 of 3 in 600 s: 2 hosts left: web2, web3"]
        result = ended.outcome.result()
        assert result["summary"] == [
            "web1: recovered at attempt 1 (job 43)",
            "web2: recovered at attempt 2 (job 44)",
            "web3: recovered at attempt 2 (job 44)",
        ]
        assert (result["id"], result["changed"], result["source_job_id"]) == (44, True, SOURCE)
        assert result["msg"].startswith("3 hosts recovered within 2 attempts.")
        first, second = result["attempts"]
        assert (first["hosts"], first["failed_hosts"]) == (("web1", "web2", "web3"), ("web2", "web3"))
        assert [failure["host"] for failure in first["failures"]] == ["web3", "web2"]
        assert (second["attempt"], second["status"], second["failures"]) == (2, "successful", ())

    def test_when_the_retries_are_used_up(self) -> None:
        controller = RelaunchingController(hopeless, "web1")

        ended = retry(controller, retries=4, delay=10, delay_factor=3, delay_max=60)

        assert isinstance(ended.error, JobUnsuccessfulError)
        assert str(ended.error).startswith("Job 42 still fails on web1 after 4 attempts. See ")
        assert ended.account == ("retries_used_up", {}, ["web1"], [43, 44, 45, 46])
        assert [line.split(":")[0] for line in ended.lines] == [
            "attempt 2 of 4 in 10 s",
            "attempt 3 of 4 in 30 s",
            "attempt 4 of 4 in 60 s",
        ]
        assert ended.outcome.summary == ("web1: still failing after 4 attempts: Start: no such unit (job 46)",)

    @pytest.mark.parametrize("left", ["web1", ""], ids=["a host", "a job that never began"])
    def test_why_the_last_attempt_failed_is_told(self, left: str) -> None:
        controller = RelaunchingController(lambda _number, _hosts: "error", *left.split())
        never_began = {"status": "failed", "started": None}
        controller.jobs[SOURCE].update({} if left else never_began)
        update = '{"job_type": "project_update", "job_name": "Site", "job_id": "7"}'
        lost = {**never_began, "job_explanation": f"Previous Task Failed: {update}"}

        def lose(_path: str) -> None:
            for number in controller.jobs.keys() - {SOURCE}:
                controller.jobs[number].update(lost)

        controller.before = lose
        ended = retry(controller, retries=2)

        how = "still fails on web1" if left else "has not succeeded"
        assert str(ended.error).startswith(f"Job 42 {how} after 2 attempts. ")
        assert (
            'The controller explains: "Previous Task Failed: project update 7 (Site)" Mend what that update failed '
            "with, then update the project Site. See " in str(ended.error)
        )
        assert str(ended.error).count(" See ") == 1

    def test_when_the_job_was_successful(self) -> None:
        controller = RelaunchingController(hopeless)
        controller.jobs[SOURCE]["status"] = "successful"

        ended = retry(controller)

        assert ended.account == ("nothing_to_do", {}, [], [])
        assert (controller.posts, ended.outcome.changed) == ([], False)
        assert ended.outcome.summary == (ended.outcome.msg,)

    def test_when_others_had_healed_it_before(self) -> None:
        controller = RelaunchingController(failing(""), "web1")
        controller.relaunch(SOURCE)

        ended = retry(controller)

        assert ended.account == ("nothing_to_do", {}, [], [])
        assert (controller.posts, ended.error) == ([], None)

    def test_when_others_heal_it_meanwhile(self) -> None:
        controller = RelaunchingController(failing("web2", ""), "web1", "web2")

        ended = retry(controller, Meanwhile(lambda: controller.relaunch(43)), delay_max=DELAY)

        assert ended.account == ("none_left", {"web1": 1, "web2": 2}, [], [43, 44])
        assert controller.posts == ["jobs/42/relaunch/"]
        assert ended.outcome.summary[1] == "web2: recovered at attempt 2 (job 44)"

    def test_when_the_hosts_left_do_not_run(self) -> None:
        """Of a disabled host the controller makes a job without hosts, which is successful."""
        controller = RelaunchingController(lambda number, hosts: hopeless(number, hosts) if number == 1 else {}, "web1")

        ended = retry(controller, Meanwhile(lambda: controller.disabled.add("web1")), delay_max=DELAY)

        assert ended.error is None
        assert ended.account == ("none_can_run", {}, ["web1"], [43, 44])
        assert "no relaunch runs on it" in ended.outcome.summary[0]
        assert "web1" in str(ended.outcome.warnings)

    def test_when_the_hosts_left_were_taken_out_before(self) -> None:
        controller = RelaunchingController(lambda _number, _hosts: {"web1": False}, "web1", "web2")
        controller.relaunch(SOURCE)
        controller.disabled.add("web2")

        ended = retry(controller)

        assert ended.account == ("none_can_run", {}, ["web2"], [])
        assert (controller.posts, ended.error) == ([], None)

    def test_when_the_hosts_left_are_deleted_meanwhile(self) -> None:
        controller = RelaunchingController(failing("web2"), "web1", "web2")

        ended = retry(controller, Meanwhile(lambda: controller.deleted.update(["web1", "web2"])), delay_max=DELAY)

        assert ended.error is None
        assert ended.account == ("none_can_run", {"web1": 1}, ["web2"], [43])
        assert (controller.posts, ended.outcome.gone_hosts) == (["jobs/42/relaunch/"], ("web2",))
        assert ended.outcome.result()["id"] == 43

    def test_when_one_is_deleted_meanwhile(self) -> None:
        """The other one is not relaunched in its stead after it has succeeded."""
        controller = RelaunchingController(failing("web1 web2", ""), "web1", "web2")

        ended = retry(controller, Meanwhile(lambda: controller.deleted.add("web1")), delay_max=DELAY)

        assert ended.account == ("none_can_run", {"web2": 2}, ["web1"], [43, 44])
        assert controller.posts == ["jobs/42/relaunch/", "jobs/43/relaunch/"]
        assert "Not in the inventory any more, and not recovered: web1." in str(ended.outcome.warnings)

    def test_when_the_hosts_left_were_deleted_before(self) -> None:
        controller = RelaunchingController(failing("web2"), "web1", "web2")
        controller.relaunch(SOURCE)
        controller.deleted.add("web2")

        ended = retry(controller)

        assert ended.error is None
        assert ended.account == ("none_can_run", {}, ["web2"], [])
        assert (controller.posts, ended.outcome.gone_hosts) == ([], ("web2",))
        assert "Not in the inventory any more, and not recovered: web2." in str(ended.outcome.warnings)
        assert ended.outcome.summary == ("web2: left, and not in the inventory any more",)

    def test_when_one_was_deleted_and_the_others_go_on_failing(self) -> None:
        controller = RelaunchingController(hopeless, "web1", "web2")
        controller.deleted.add("web1")

        ended = retry(controller, retries=2)

        told = "Job 42 still fails on web2 after 2 attempts. Left, and not tried: web1. See "
        assert str(ended.error).startswith(told)
        assert ended.account == ("retries_used_up", {}, ["web1", "web2"], [43, 44])
        assert "Not in the inventory any more, and not recovered: web1." in str(ended.outcome.warnings)

    def test_when_a_relaunch_is_canceled(self) -> None:
        controller = RelaunchingController(lambda _number, _hosts: "canceled", "web1")

        ended = retry(controller)

        assert isinstance(ended.error, JobUnsuccessfulError)
        assert ended.account == ("not_possible", {}, ["web1"], [43])
        assert ended.outcome.summary == ("web1: still failing after 1 attempt (job 43, canceled)",)

    def test_when_a_relaunch_is_canceled_before_it_begins(self) -> None:
        controller = RelaunchingController(lambda _number, _hosts: "canceled", "web1")
        controller.before = lambda _path: controller.jobs.get(43, {}).update(started=None)

        ended = retry(controller)

        assert ended.outcome.summary == ("web1: left, and no attempt has begun on it (job 43, canceled)",)

    def test_when_one_was_enabled_while_the_relaunch_ran(self) -> None:
        ran = iter([{"web1": False}])
        controller = RelaunchingController(
            lambda _number, hosts: next(ran, dict.fromkeys(hosts, False)), "web1", "web2"
        )
        controller.changed["web2"] = "2026-11-23T00:43:20.000000Z"

        ended = retry(controller, retries=2)

        assert ended.account == ("none_left", {"web1": 1, "web2": 2}, [], [43, 44])
        assert controller.posts == ["jobs/42/relaunch/"] * 2

    def test_when_one_is_enabled_while_each_relaunch_runs(self) -> None:
        controller = RelaunchingController(lambda _number, _hosts: {"web1": False}, "web1", "web2")
        controller.changed["web2"] = "2026-11-23T09:00:00.000000Z"

        ended = retry(controller, retries=2)

        assert isinstance(ended.error, JobUnsuccessfulError)
        assert ended.account == ("retries_used_up", {"web1": 1}, ["web2"], [43, 44])

    def test_when_another_run_takes_a_success_back(self) -> None:
        """Job 44, of another caller, ends after job 43 was launched, and fails on a host of it."""
        controller = RelaunchingController(failing("", "web1", ""), "web1", "web2")

        def other(path: str) -> None:
            if path == "jobs/" and 43 in controller.jobs and 44 not in controller.jobs:
                controller.relaunch(SOURCE)

        controller.before = other
        ended = retry(controller)

        assert ended.error is None
        assert ended.account == ("none_left", {"web1": 2, "web2": 1}, [], [43, 45])
        assert controller.posts == ["jobs/42/relaunch/", "jobs/44/relaunch/"]

    def test_when_one_is_renamed_while_the_relaunch_runs(self) -> None:
        controller = RelaunchingController(hopeless, "web1", "web2")
        controller.before = lambda _path: controller.renamed.update({"web1": "www1"} if 43 in controller.jobs else {})

        ended = retry(controller, retries=1)

        assert ended.account == ("retries_used_up", {}, ["web2", "www1"], [43])

    def test_when_one_is_renamed_while_the_relaunch_waits(self) -> None:
        """That runs on hosts by the names that they had before, and its results are older than the new one."""

        def ran(number: int, hosts: tuple[str, ...]) -> Ran:
            if number != 2:
                return dict.fromkeys(hosts, number == 1)
            controller.renamed["web2"] = "www2"
            controller.changed["www2"] = "2026-11-23T00:44:01.000000Z"
            return {"web1": False}

        controller = RelaunchingController(ran, "web1", "web2")

        ended = retry(controller)

        assert ended.error is None
        assert ended.account == ("none_left", {"web1": 2, "www2": 3}, [], [43, 44, 45])

    def test_when_a_run_on_all_hosts_heals_what_is_left(self) -> None:
        """A user who may only execute cannot relaunch the relaunch."""
        controller = RelaunchingController(failing("web2", "web2", ""))
        controller.chains = False

        ended = retry(controller, fallback_to_all=True)

        assert ended.account == ("none_left", {"web2": 3}, [], [43, 44, 45])
        assert ended.outcome.summary[0] == "web2: recovered at attempt 3 (job 45)"

    def test_when_there_are_more_runs_than_relaunches_of_one_round(self) -> None:
        """Each of twelve hosts failed in a run of its own, as provisioning callbacks make them."""
        controller = RelaunchingController(failing(""), "web1")
        for number in range(1, 12):
            controller.ended(SOURCE + number, {f"web{number + 1}": True})

        ended = retry(controller, Clock())

        assert ended.error is None
        assert (ended.outcome.ended, ended.outcome.remaining_hosts, len(controller.posts)) == ("none_left", (), 12)
        assert len(ended.lines) == 1

    def test_when_it_is_refused(self) -> None:
        controller = RelaunchingController(hopeless, "web1")
        controller.jobs[SOURCE]["limit"], controller.chains = "web1,web2", False

        ended = retry(controller)

        assert isinstance(ended.error, ForbiddenError)
        assert ended.outcome.ended == "not_possible"
        assert (ended.outcome.changed, ended.outcome.attempts, ended.outcome.job) == (False, (), None)

    def test_when_the_name_of_the_only_host_is_no_limit(self) -> None:
        controller = RelaunchingController(hopeless, "db 1")
        controller.jobs[SOURCE]["host_status_counts"] = {"failures": 1}

        ended = retry(controller)

        assert isinstance(ended.error, RefusedError)
        assert "'db 1' alone would match no host" in str(ended.error)
        assert ended.account == ("not_possible", {}, ["db 1"], [])
        assert (controller.posts, ended.lines) == ([], [])

    def test_when_the_name_of_the_host_left_is_no_limit(self) -> None:
        """The first job failed on another one too, whose name brings a comma."""

        def ran(_number: int, hosts: tuple[str, ...]) -> Ran:
            return {name: name == "db 1" for name in hosts}

        controller = RelaunchingController(ran, "db 1", "w2")

        ended = retry(controller, retries=2)

        assert ended.account == ("retries_used_up", {"w2": 1}, ["db 1"], [43, 44])
        assert controller.posts == ["jobs/42/relaunch/"] * 2

    def test_when_passwords_are_missing(self) -> None:
        controller = RelaunchingController(hopeless, "web1")
        controller.jobs[SOURCE]["passwords_needed_to_start"] = ["ssh_password"]

        ended = retry(controller)

        assert "ssh_password" in str(ended.error)
        assert (ended.outcome.ended, controller.posts) == ("not_possible", [])

    def test_when_no_host_is_known_to_have_failed(self) -> None:
        controller = RelaunchingController(failing("web2", ""))

        without = retry(controller).outcome
        assert (without.ended, without.remaining_hosts) == ("not_possible", None)
        ended = retry(controller, fallback_to_all=True)

        assert ended.account == ("none_left", {"web2": 2}, [], [43, 44])
        assert controller.jobs[43]["limit"] == ""

    def test_in_check_mode(self) -> None:
        controller = RelaunchingController(hopeless, "web1")

        ended = retry(controller, check_mode=True, diff=True)

        assert ended.account == ("predicted", {}, ["web1"], [])
        diff = ended.outcome.diff or {}
        assert (diff["before"]["limit"], diff["after"]["limit"]) == ("", "web1")
        assert (controller.posts, ended.outcome.changed) == ([], True)
        assert ended.outcome.summary == (ended.outcome.msg,)


def test_a_relaunch_that_ends_in_an_error_is_tried_again() -> None:
    ran = {1: "error", 2: {"web1": False}}
    ended = retry(RelaunchingController(lambda number, _hosts: ran[number], "web1"))

    assert ended.account == ("none_left", {"web1": 2}, [], [43, 44])


def test_a_host_that_fails_again_after_its_success_is_left() -> None:
    """A user who may only execute cannot relaunch the relaunch, so that all hosts run again."""
    controller = RelaunchingController(failing("web2", "web1 web2"), "web1", "web2")
    controller.chains = False

    ended = retry(controller, retries=2)

    assert ended.account == ("retries_used_up", {}, ["web1", "web2"], [43, 44])
    assert ended.outcome.summary == (
        "web1: recovered at attempt 1 (job 43), failed again at attempt 2: Start: no such unit (job 44)",
        "web2: still failing after 2 attempts: Start: no such unit (job 44)",
    )


def test_the_timeout_is_for_each_job() -> None:
    controller = RelaunchingController(failing(""), "web1")
    clock = Clock()
    ends = {SOURCE: 50.0, 43: 100.0}
    real = {SOURCE: controller.jobs[SOURCE]}
    controller.jobs[SOURCE] = {**real[SOURCE], "status": "running", "finished": None}

    def pass_time(path: str) -> None:
        for number, end in ends.items():
            if number in controller.jobs and clock.now < end:
                real.setdefault(number, controller.jobs[number])
                controller.jobs[number] = {**real[number], "status": "running", "finished": None}
            elif number in real:
                controller.jobs[number] = real[number]

    controller.before = pass_time

    assert retry(controller, clock, timeout=60).outcome.ended == "none_left"
    assert clock.now >= 100


def test_an_earlier_relaunch_may_be_deleted_in_a_delay() -> None:
    controller = RelaunchingController(failing("web1", ""), "web1", "web2")

    def delete() -> None:
        del controller.jobs[43], controller._hosts[43]

    ended = retry(controller, Meanwhile(delete), delay_max=DELAY)

    assert (ended.error, ended.outcome.result()["ended"]) == (None, "none_left")


def test_the_results_of_a_relaunch_may_be_in_by_the_next_one_only() -> None:
    """It has done web1, which takes the controller longer to tell than anybody waits for that."""
    controller, clock = RelaunchingController(failing("web2", ""), "web1", "web2"), Clock()

    def late(method: str, path: str) -> tuple[int, t.Any] | None:
        if method == "POST" or not path.startswith("jobs/43/") or clock.now > 90:
            return None
        unfinished = {**controller.jobs[43], "event_processing_finished": False}
        return 200, unfinished if path == "jobs/43/" else listed([], {})

    controller.instead = late
    ended = retry(controller, clock)

    assert ended.error is None
    assert controller.posts == ["jobs/42/relaunch/", "jobs/43/relaunch/"]
    assert (controller.jobs[44]["limit"], ended.outcome.ended) == ("web2", "none_left")


def test_each_launch_that_was_left_in_new_is_one_attempt(clock: Clock) -> None:
    controller = BulkController(clock)
    controller.failed(SOURCE, {"web1": True, "web2": False})
    launches_break_half_way(controller, "failed", 9)

    with controller.client() as client, pytest.raises(ControllerError) as failure:
        retry_failed_hosts(client, retry_request(retries=2, delay=DELAY))

    assert "still fails on web1 after 4 attempts" in str(failure.value)
    assert t.cast("RetryOutcome", outcome_of(failure.value)).job_ids == (101, 102, 103, 104)


def test_a_host_that_a_job_stopped_for_may_be_renamed_in_a_delay() -> None:
    """It is no failed one, and the failed ones are as they were."""
    clock = Clock()
    controller = BulkController(clock)
    controller.failed(SOURCE, {"web1": True, "web2": False}, stopped=True)
    controller.failing[7] = {"web1"}

    def before(_method: str, _path: str) -> None:
        if 101 in controller.jobs:
            controller.jobs[101].stopped = True
        if clock.now > 500 and "web2" in controller.inventory:
            controller.failing.clear()
            controller.inventory["new2"] = controller.inventory.pop("web2")

    def after(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        for row in body["results"] if path.endswith("job_host_summaries/") and "new2" in controller.inventory else ():
            if row["host_name"] == "web2":
                row.update(summary("web2", row["failed"], now="new2"))
        if "not__job_host_summaries__job" in query:
            body["results"] = [row for row in body["results"] if row["name"] != "new2"]
        return status, body

    controller.before, controller.after = before, after
    with controller.client() as client:
        outcome = retry_failed_hosts(client, retry_request(hosts="remaining", delay=DELAY, delay_max=DELAY))

    assert (outcome.ended, outcome.remaining_hosts, outcome.warnings) == ("none_left", (), None)
    assert [controller.jobs[number].facts["limit"] for number in outcome.job_ids] == ["web1", "web1", "new2"]


def test_a_host_that_was_renamed_is_not_done_by_a_relaunch_that_names_it_as_it_was() -> None:
    """The job stopped for web2, which is new2 by now; the limit of its relaunch on all hosts is that of the job."""
    clock = Clock()
    controller = BulkController(clock)
    controller.failed(SOURCE, {"web1": True, "web2": False}, stopped=True, limit="web1,web2")
    controller.inventory["new2"] = controller.inventory.pop("web2")

    def after(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        for row in body["results"] if path.endswith("job_host_summaries/") else ():
            if row["host_name"] == "web2":
                row.update(summary("web2", row["failed"], now="new2"))
        return status, body

    controller.after = after
    with controller.client() as client, pytest.raises(ControllerError, match="not been done on web2") as left:
        retry_failed_hosts(client, retry_request(hosts="failed", fallback_to_all=True, delay=DELAY, retries=1))

    assert [controller.jobs[number].facts["limit"] for number in (101, 102)] == ["web1", "web1,web2"]
    assert controller.jobs[102].hosts == {"web1": False}
    ended = outcome_of(left.value)
    assert isinstance(ended, RetryOutcome) and ended.ended == "retries_used_up"


def test_a_host_that_goes_on_failing_keeps_none_from_its_turn() -> None:
    """No job has failed on both, so that no relaunch takes both."""
    controller = RelaunchingController(failing("web1 web2", "web1 web2", "web1 web2", "web2"), "web1")
    controller.ended(43, {"web2": True})

    ended = retry(controller, retries=4)

    assert controller.posts == [f"jobs/{number}/relaunch/" for number in (42, 43, 44, 45, 47)]
    assert ended.account == ("retries_used_up", {"web1": 3}, ["web2"], [44, 45, 46, 47, 48])


@pytest.mark.parametrize("name", ["www3", ""])
def test_a_host_that_no_job_has_begun_on_has_not_recovered(name: str) -> None:
    """It is renamed, or deleted, when the launch that was limited to it has ended without it."""
    controller = BulkController(Clock())
    controller.failed(SOURCE, {"web1": True, "web2": True})
    controller.inventory["web3"] = True
    controller.failing[7] = {"web1", "web2"}

    def before(_method: str, _path: str) -> None:
        if 101 not in controller.jobs:
            return
        controller.jobs[101].hosts = {"web1": True, "web2": True}
        if controller.clock.now >= controller.jobs[101].ends and controller.inventory.pop("web3", False) and name:
            controller.inventory[name] = True

    controller.before = before
    with controller.client() as client, pytest.raises(ControllerError) as raised:
        retry_failed_hosts(client, retry_request(hosts="remaining", retries=1))

    outcome = outcome_of(raised.value)
    assert isinstance(outcome, RetryOutcome)
    assert controller.jobs[101].facts["limit"] == "web1,web2,web3"
    assert (outcome.recovered, outcome.remaining_hosts) == ({}, ("web1", "web2", *filter(None, [name])))
    assert not {"records", "ran_on"} & set(outcome.result())


class TestTroubleInPassing:
    """It is an attempt, and no end, while retries and deadline last."""

    def trouble(
        self, controller: RelaunchingController, there: t.Callable[[str, str], bool], status: int = 502
    ) -> None:
        """Requests are answered so while it is there, by method and path."""
        bad = status, {"detail": "Bad gateway."}
        controller.instead = lambda method, path: bad if there(method, path.strip("/")) else None

    def test_a_launch_that_is_lost_and_did_not_come_about(self) -> None:
        controller = RelaunchingController(failing("web1", ""), "web1")
        self.trouble(controller, lambda method, _path: method == "POST" and len(controller.posts) == 2)

        ended = retry(controller)

        assert ended.error is None
        assert ended.account == ("none_left", {"web1": 3}, [], [43, 44])
        lost = ended.outcome.attempts[1]
        assert (lost["attempt"], lost["job_id"], lost["hosts"]) == (2, None, ("web1",))
        assert "It is unknown whether job 43 was relaunched" in lost["trouble"] and "502" in lost["trouble"]
        assert [one["trouble"] for one in ended.outcome.attempts[::2]] == ["", ""]
        assert ended.lines[1] == "attempt 3 of 3 in 600 s after trouble with the controller: 1 host left: web1"

    def test_a_job_that_was_lost_is_adopted_and_not_launched_twice(self) -> None:
        controller = RelaunchingController(failing(""), "web1")
        self.trouble(controller, lambda method, _path: method == "POST")

        def late() -> None:
            controller.relaunch(SOURCE).update(status="running", finished=None)

        def ended_meanwhile(path: str) -> None:
            if path == "jobs/43/":
                controller.jobs[43].update(status="successful", finished="2026-11-23T00:45:00.000000Z")

        controller.before = ended_meanwhile
        ended = retry(controller, Meanwhile(late), delay_max=DELAY)

        assert (ended.error, controller.posts) == (None, ["jobs/42/relaunch/"])
        assert ended.account == ("none_left", {"web1": 2}, [], [43])
        assert ended.outcome.changed

    def test_a_controller_that_asks_to_be_left_alone(self) -> None:
        controller = RelaunchingController(failing(""), "web1")
        controller.throttled = [60.0]

        ended = retry(controller)

        assert (ended.error, len(controller.posts)) == (None, 2)
        assert ended.account == ("none_left", {"web1": 2}, [], [43])
        assert "throttled" in ended.outcome.attempts[0]["trouble"]

    def test_a_job_that_cannot_be_read_at_first(self) -> None:
        controller, clock = RelaunchingController(failing(""), "web1"), Clock()
        self.trouble(controller, lambda _method, _path: clock.now < DELAY)

        ended = retry(controller, clock, delay_max=DELAY)

        assert ended.account == ("none_left", {"web1": 2}, [], [43])
        assert clock.slept[0] == DELAY

    def test_of_which_nothing_was_left(self) -> None:
        controller, clock = RelaunchingController(failing(""), "web1"), Clock()
        controller.relaunch(SOURCE)
        self.trouble(controller, lambda _method, _path: clock.now < DELAY)

        assert retry(controller, clock, delay_max=DELAY).account == ("nothing_to_do", {}, [], [])

    def test_that_stays(self) -> None:
        controller = RelaunchingController(failing(""), "web1")
        self.trouble(controller, lambda _method, _path: True)

        ended = retry(controller)

        assert isinstance(ended.error, JobUnsuccessfulError)
        assert str(ended.error).startswith("Job 42 has not succeeded after 3 attempts. The last attempt: GET http")
        assert (ended.outcome.ended, ended.outcome.changed, ended.outcome.job) == ("retries_used_up", False, None)
        assert [(one["attempt"], one["job_id"]) for one in ended.outcome.attempts] == [(1, None), (2, None), (3, None)]

    def test_that_comes_after_a_relaunch(self) -> None:
        """Its job, which is known, is the one to tell of."""
        controller = RelaunchingController(hopeless, "web1")
        controller.throttled = [60.0] * 9
        controller.relaunch(SOURCE)

        ended = retry(controller, retries=2)

        assert str(ended.error).startswith("Job 42 has not succeeded after 2 attempts. Left, and not tried: web1. ")
        assert "The last attempt: Job 43 was not relaunched: POST http" in str(ended.error)
        assert ended.outcome.remaining_hosts == ("web1",)

    def test_with_a_template_that_could_not_be_looked_up(self) -> None:
        controller = RelaunchingController(failing(""), "web1")
        self.trouble(controller, lambda _method, _path: True)

        ended = retry(controller, job_id=None, job_template="Deploy")

        assert str(ended.error).startswith("The job has not succeeded after 3 attempts. The last attempt: GET http")
        assert {path for _method, path, _query in controller.asked} == {"job_templates/"}

    def test_before_the_deadline(self) -> None:
        controller = RelaunchingController(failing(""), "web1")
        self.trouble(controller, lambda _method, _path: True)

        ended = retry(controller, deadline="15m", delay_max=DELAY)

        assert ended.outcome.ended == "deadline_over"
        assert "has not succeeded after 1 attempt. The last attempt: GET http" in str(ended.error)
        assert str(ended.error).endswith("comes before the next attempt.")

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_is_none_where_the_controller_means_it(self, status: int) -> None:
        controller = RelaunchingController(failing(""), "web1")
        self.trouble(controller, lambda _method, _path: True, status)

        ended = retry(controller)

        assert (ended.outcome.ended, ended.outcome.attempts, ended.lines) == ("not_possible", (), [])

    def test_ends_check_mode_which_does_not_wait(self) -> None:
        controller = RelaunchingController(failing(""), "web1")
        self.trouble(controller, lambda _method, _path: True)

        ended = retry(controller, check_mode=True)

        assert (ended.outcome.ended, ended.lines, len(controller.asked)) == ("not_possible", [], 1)


class TestAnInterruptionLeavesAnAccount:
    def test_of_a_wait(self) -> None:
        controller = RelaunchingController(hopeless, "web1")

        def interrupt(path: str) -> None:
            if 44 in controller.jobs:
                controller.jobs[44]["status"] = "running"
            if path == "jobs/44/":
                raise KeyboardInterrupt

        controller.before = interrupt
        ended = retry(controller)

        assert isinstance(ended.error, KeyboardInterrupt)
        result = ended.outcome.result()
        assert (result["changed"], result["id"], result["job_ids"]) == (True, 44, [43, 44])
        assert "ended" not in result
        assert ended.outcome.so_far == " Job 44 had been launched and goes on."

    def test_of_a_delay(self) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        ended = retry(RelaunchingController(hopeless, "web1"), Meanwhile(interrupt), delay_max=DELAY)

        assert isinstance(ended.error, KeyboardInterrupt)
        assert (ended.outcome.job_ids, ended.outcome.remaining_hosts) == ((43,), ("web1",))
        assert ended.outcome.so_far == " Job 43 had been launched and has ended with status failed."

    def test_of_a_launch(self) -> None:
        """The job before it is not the one to tell of."""
        controller = RelaunchingController(hopeless, "web1")

        def lose(path: str) -> None:
            if path == "jobs/43/relaunch/":
                raise NoConnection("reset")

        controller.before = lose
        ended = retry(controller)

        assert ended.outcome.ended == "retries_used_up"
        assert (ended.outcome.job, ended.outcome.changed) == (None, True)
        assert [attempt["job_id"] for attempt in ended.outcome.attempts] == [43, None, None]
