# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting, on a clock of its own; deadlines and canceling, on the wire."""

from __future__ import annotations

import math
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    AnswerError,
    AnswerLostError,
    NotSentError,
    OptionError,
    WaitTimeoutError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._api.kinds import JOB
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import (
    CANCEL_TIMEOUT,
    EVENTS_TIMEOUT,
    EVENTS_TIMEOUT_NO_PLAYBOOK,
    GONE_AFTER,
    LONGEST_TROUBLE,
    Waiting,
    Watch,
    pause_after,
    wait_until,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, HTML, JOBS, at, in_list, job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController


def wait(
    clock: Clock,
    answers: t.Iterable[t.Any],
    interval: float = 2,
    timeout: float = math.inf,
    known: str | None = None,
) -> t.Any:
    script = iter(answers)

    def fetch() -> t.Any:
        answer = next(script)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return wait_until(fetch, lambda status: status == "done", interval, timeout, clock.read, clock.sleep, known)


def test_looks_soon_and_then_at_the_interval() -> None:
    assert [pause_after(waited, 2) for waited in (0, 0.5, 1.5, 4.5, 6, 60)] == [1.5, 1.5, 1, 1.5, 2, 2]
    assert [pause_after(waited, 0.1) for waited in (0, 60)] == [0.1, 0.1]
    assert pause_after(60, 300) == 20


@pytest.mark.parametrize("seconds", [3.1, 10.2, 60.3, 61.9, 600.5])
def test_it_costs_at_most_two_requests_more_than_steady_looks(seconds: float) -> None:
    clock = Clock()
    looks = 0

    def fetch() -> float:
        nonlocal looks
        looks += 1
        return clock.now

    wait_until(fetch, lambda passed: passed >= seconds, 2, math.inf, clock.read, clock.sleep, known=0.0)

    assert looks <= 2 + 1 + math.ceil(seconds / 2)


def test_what_is_known_is_not_asked_again() -> None:
    clock = Clock()
    assert wait(clock, [], known="done") == "done"
    assert wait(clock, ["done"], known="busy") == "done"
    assert clock.slept == [1.5]


def test_returns_at_once_when_it_is_done() -> None:
    clock = Clock()
    assert wait(clock, ["done"], timeout=0) == "done"
    assert clock.slept == []


def test_sleeps_between_looks() -> None:
    clock = Clock()
    assert wait(clock, ["busy", "busy", "done"]) == "done"
    assert clock.slept == [1.5, 1]


def test_ends_at_the_deadline_with_a_last_look_and_what_it_saw() -> None:
    clock = Clock()
    with pytest.raises(WaitTimeoutError) as over:
        wait(clock, ["busy"] * 100, timeout=5)
    assert clock.now == 5
    assert clock.slept[-1] < 2
    assert over.value.last == "busy"


def test_a_job_that_ends_just_before_the_deadline_is_seen() -> None:
    clock = Clock()
    assert wait(clock, ["busy", "done"], interval=60, timeout=0.3) == "done"
    assert clock.now == 0.3


def test_trouble_is_waited_out() -> None:
    clock = Clock()
    trouble = [AnswerError("x", 502), AnswerLostError("x"), NotSentError("x", transient=True)]
    assert wait(clock, [*trouble, "done"], timeout=60) == "done"


def test_a_controller_that_asks_for_more_time_gets_it() -> None:
    clock = Clock()
    assert wait(clock, [AnswerError("x", 429, retry_after=7), "done"]) == "done"
    assert clock.slept == [7]


def test_trouble_ends_at_the_deadline_and_is_told() -> None:
    clock = Clock()
    with pytest.raises(WaitTimeoutError, match="5 seconds is over.*the gateway is down") as over:
        wait(clock, ["busy", *[AnswerError("the gateway is down", 502)] * 100], timeout=5)
    assert (clock.now, over.value.last) == (5, "busy")


@pytest.mark.parametrize("error", [AnswerError("gone", 404), AnswerError("who?", 401), NotSentError("TLS", False)])
def test_what_waiting_will_not_cure_ends_it_at_once(error: Exception) -> None:
    clock = Clock()
    with pytest.raises(type(error)):
        wait(clock, ["busy", error, "done"])
    assert clock.slept == [1.5]


def test_without_a_timeout_an_hour_without_a_controller_ends_it() -> None:
    clock = Clock()
    answers = ["busy", *[AnswerError("down", 502)] * 1000, "busy", *[AnswerError("down", 502)] * 5000]
    with pytest.raises(AnswerError, match="down"):
        wait(clock, answers)
    assert 1990 + LONGEST_TROUBLE <= clock.now < 2010 + LONGEST_TROUBLE


def test_that_hour_is_over_to_the_second() -> None:
    clock = Clock()
    with pytest.raises(AnswerError, match="still down"):
        wait(clock, [AnswerError("down", 502, retry_after=LONGEST_TROUBLE), AnswerError("still down", 502), "done"])
    assert clock.now == LONGEST_TROUBLE


WatchOf = t.Callable[..., Watch]


@pytest.fixture
def watch_of(controller: ScriptedController, clock: Clock) -> t.Iterator[WatchOf]:
    """A watch with these settings of waiting."""
    options = ConnectionOptions(controller.url, token="t", max_retries=2)
    with ControllerClient(options, clock.read, clock.sleep) as client:

        def watch_of(progress: t.Any = None, **waiting: t.Any) -> Watch:
            return Watch(client, Waiting(**{"wait": True, **waiting}), progress)

        yield watch_of


class TestDeadline:
    def test_none(self, watch_of: WatchOf, clock: Clock) -> None:
        watch = watch_of()
        clock.now = 10000.0
        assert (watch.left(), watch.passed, watch.left(most=60)) == (math.inf, False, 60)

    def test_begins_with_the_watch_and_counts_for_all_waits(self, watch_of: WatchOf, clock: Clock) -> None:
        clock.now = 100.0
        watch = watch_of(timeout=60)
        clock.now = 130.0
        assert (watch.left(), watch.passed) == (30, False)
        assert (watch.left(most=5), watch.left(most=120)) == (5, 30)
        clock.now = 170.0
        assert (watch.left(), watch.passed, watch.left(most=120)) == (0, True, 0)

    def test_without_one_an_hour_of_trouble_is_enough(self, watch_of: WatchOf) -> None:
        watch = watch_of()
        assert (watch.patience(LONGEST_TROUBLE - 1), watch.patience(LONGEST_TROUBLE)) == (1, 0)

    def test_of_nothing(self, watch_of: WatchOf) -> None:
        assert watch_of(timeout=0).passed


class TestUntilEnded:
    def test_shows_each_look(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        controller.expect("GET", at(43), 502, HTML)
        controller.expect("GET", at(43), body=job(43, "running"))
        controller.expect("GET", at(43), body=job(43, "successful"))
        seen: list[str] = []

        ended = watch_of(lambda now: seen.append(now.status)).until_ended(Job.of(job(43, "pending")))

        assert (ended.status, seen) == ("successful", ["pending", "running", "successful"])

    def test_ends_with_what_was_seen_last(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        controller.whenever("GET", at(43), body=job(43, "running"))
        with pytest.raises(WaitTimeoutError) as over:
            watch_of(timeout=60).until_ended(Job.of(job(43, "pending")))
        assert over.value.last.status == "running"

    def test_of_another_kind(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        controller.expect("GET", "/api/v2/workflow_jobs/43/", body=job(43, "failed"))
        assert watch_of().until_ended(Job.of({**job(43, "running"), "type": "workflow_job"})).status == "failed"


class TestUntilEventsProcessed:
    @pytest.mark.parametrize(
        ("status", "seconds"),
        [
            ("failed", EVENTS_TIMEOUT),
            ("successful", EVENTS_TIMEOUT),
            ("error", EVENTS_TIMEOUT_NO_PLAYBOOK),
            ("canceled", EVENTS_TIMEOUT_NO_PLAYBOOK),
        ],
    )
    def test_is_bounded(
        self, controller: ScriptedController, watch_of: WatchOf, clock: Clock, status: str, seconds: float
    ) -> None:
        never = job(43, status, event_processing_finished=False)
        controller.whenever("GET", at(43), body=never)
        assert watch_of().until_events_processed(Job.of(never)).events_processed is False
        assert clock.now == seconds

    def test_ends_with_the_deadline(self, controller: ScriptedController, watch_of: WatchOf, clock: Clock) -> None:
        never = job(43, event_processing_finished=False)
        controller.whenever("GET", at(43), body=never)
        watch_of(timeout=10).until_events_processed(Job.of(never))
        assert clock.now == 10

    def test_asks_nothing_where_they_are(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        assert watch_of().until_events_processed(Job.of(job(43))).id == 43
        assert controller.asked == []

    def test_asks_at_once_for_the_detail_of_a_job_that_a_list_shows(
        self, controller: ScriptedController, watch_of: WatchOf, clock: Clock
    ) -> None:
        controller.expect("GET", at(43), body=job(43))

        assert watch_of().until_events_processed(Job.of(in_list(job(43)))).events_processed
        assert clock.slept == []

    def test_sees_them_come(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        controller.expect("GET", at(43), body=job(43, event_processing_finished=False))
        controller.expect("GET", at(43), body=job(43))
        before = Job.of(job(43, event_processing_finished=False))
        assert watch_of().until_events_processed(before).events_processed


class TestCancel:
    @pytest.mark.parametrize(
        ("answers", "said"),
        [
            ([(202, None)], None),
            ([(502, HTML), (429, DENIED), (202, None)], None),
            ([(405, {"detail": "Method not allowed."})], "It ended before it could be canceled."),
            ([(502, HTML), (405, {"detail": "Method not allowed."})], "It ended before it could be canceled."),
            ([(403, DENIED)], "Canceling it failed: "),
            ([(503, HTML)] * 3, "Canceling it failed: "),
            ([(200, {})], "Canceling it failed: "),
        ],
    )
    def test_rows(
        self,
        controller: ScriptedController,
        watch_of: WatchOf,
        answers: list[tuple[int, t.Any]],
        said: str | None,
    ) -> None:
        for answer in answers:
            controller.expect("POST", at(43, "cancel"), *answer)
        controller.whenever("GET", at(43), body=job(43, "failed"))
        problem = watch_of().cancel(Job.of(job(43, "running")))
        assert problem is None if said is None else str(problem).startswith(said)

    def test_a_lost_answer_is_no_harm(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        controller.expect("POST", at(43, "cancel"), fault="reset")
        controller.expect("POST", at(43, "cancel"), 202)
        assert watch_of().cancel(Job.of(job(43, "running"))) is None

    def test_that_gets_no_answer_is_told(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        for _try in range(3):
            controller.expect("POST", at(43, "cancel"), fault="reset")
        assert str(watch_of().cancel(Job.of(job(43, "running")))).startswith("Canceling it failed: ")

    def test_its_end_is_waited_for_past_the_deadline_not_for_ever(
        self, controller: ScriptedController, watch_of: WatchOf, clock: Clock
    ) -> None:
        controller.whenever("GET", at(43), body=job(43, "running"))
        assert watch_of(timeout=0).until_canceled(Job.of(job(43, "pending"))).status == "running"
        assert clock.now == CANCEL_TIMEOUT


PARAMETERS = {"wait": True, "interval": 2.0, "timeout": None, "cancel_on_timeout": False}


class TestSeveralJobs:
    def test_a_wait_ends_where_something_else_is_due(
        self, controller: ScriptedController, watch_of: WatchOf, clock: Clock
    ) -> None:
        controller.expect("GET", JOBS, body=listed())
        assert watch_of(timeout=60).until_some_ended({43: JOB, 44: JOB}, most=2.0) == ({}, {})
        # What is left of them is no time for another look.
        assert clock.now == 1.5

        for _look in range(5):
            controller.expect("GET", JOBS, body=listed())
        assert watch_of(timeout=60).until_some_ended({43: JOB, 44: JOB}, most=6.0) == ({}, {})
        assert clock.now == 7.5

    def test_one_that_may_be_deleted_is_looked_for_once_a_minute(
        self, controller: ScriptedController, watch_of: WatchOf, clock: Clock
    ) -> None:
        controller.expect("GET", JOBS, 503, headers={"Retry-After": str(int(GONE_AFTER) - 1)})
        controller.expect("GET", JOBS, body=listed(in_list(job(43, "running"))))
        controller.expect("GET", JOBS, body=listed(in_list(job(43))))

        ended, lost = watch_of(interval=1.0).until_some_ended({43: JOB})

        assert (set(ended), lost) == ({43}, {})
        assert ["status__in" in asked.query for asked in controller.asked] == [True, False, True]
        assert clock.now == GONE_AFTER + 1

    def test_but_its_deadline_is_told(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        controller.expect("GET", JOBS, body=listed())

        with pytest.raises(WaitTimeoutError):
            watch_of(timeout=1).until_some_ended({43: JOB}, most=2.0)

    def test_as_they_are_now(self, controller: ScriptedController, watch_of: WatchOf) -> None:
        controller.expect("GET", JOBS, body=listed(job(43, "running")))
        controller.expect("GET", JOBS, 503)

        assert watch_of().seen_now({43: JOB})[0][43].status == "running"
        seen, why = watch_of().seen_now({43: JOB})
        assert seen == {} and why.startswith(" The last attempt to ask failed: ")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"interval": 0.0}, "interval must be more than 0"),
        ({"interval": -1.0}, "interval must be more than 0"),
        ({"timeout": -1}, "timeout must not be less than 0"),
        ({"wait": False, "cancel_on_timeout": True}, "cancel_on_timeout is for waiting only"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Waiting.of({**PARAMETERS, **given})


@pytest.mark.parametrize("given", [{}, {"wait": False}, {"timeout": 1, "cancel_on_timeout": True}, {"interval": 0.1}])
def test_other_settings_are_taken(given: dict[str, t.Any]) -> None:
    wanted = {**PARAMETERS, **given}
    assert Waiting.of({**wanted, "job_id": 42}) == Waiting(**wanted)


@pytest.mark.parametrize("timeout", [0, 5])
def test_a_timeout_means_nothing_without_a_wait(timeout: int) -> None:
    assert Waiting.of({**PARAMETERS, "wait": False, "timeout": timeout}) == Waiting()


def test_a_timeout_of_0_is_none() -> None:
    assert Waiting.of({**PARAMETERS, "timeout": 0}) == Waiting(wait=True)
