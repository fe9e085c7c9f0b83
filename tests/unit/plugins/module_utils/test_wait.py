# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting, on a clock of its own."""

from __future__ import annotations

import math
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._errors import (
    AnswerError,
    AnswerLostError,
    NotSentError,
    WaitTimeoutError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._wait import (
    LONGEST_TROUBLE,
    pause_after,
    wait_until,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock


def wait(
    clock: Clock,
    answers: t.Iterable[t.Any],
    interval: float = 2,
    timeout: float | None = None,
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
    assert [pause_after(waited, 2) for waited in (0, 0.5, 1.5, 4.5, 6, 60)] == [0.5, 1, 1, 1.5, 2, 2]
    assert [pause_after(waited, 0.1) for waited in (0, 60)] == [0.1, 0.1]
    assert pause_after(60, 300) == 20


@pytest.mark.parametrize("seconds", [3.1, 10.2, 60.3, 61.9, 600.5])
def test_it_costs_at_most_two_requests_more_than_a_look_every_two_seconds(seconds: float) -> None:
    clock = Clock()
    looks = 0

    def fetch() -> float:
        nonlocal looks
        looks += 1
        return clock.now

    wait_until(fetch, lambda passed: passed >= seconds, 2, None, clock.read, clock.sleep, known=0.0)

    assert looks <= 2 + 1 + math.ceil(seconds / 2)


def test_what_is_known_is_not_asked_again() -> None:
    clock = Clock()
    assert wait(clock, [], known="done") == "done"
    assert wait(clock, ["done"], known="busy") == "done"
    assert clock.slept == [0.5]


def test_returns_at_once_when_it_is_done() -> None:
    clock = Clock()
    assert wait(clock, ["done"], timeout=0) == "done"
    assert clock.slept == []


def test_sleeps_between_looks() -> None:
    clock = Clock()
    assert wait(clock, ["busy", "busy", "done"]) == "done"
    assert clock.slept == [0.5, 1]


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
    assert clock.slept == [0.5]


def test_without_a_timeout_a_controller_that_stays_away_ends_it_after_an_hour() -> None:
    clock = Clock()
    answers = ["busy", *[AnswerError("down", 502)] * 1000, "busy", *[AnswerError("down", 502)] * 5000]
    with pytest.raises(AnswerError, match="down"):
        wait(clock, answers)
    assert 1990 + LONGEST_TROUBLE <= clock.now < 2010 + LONGEST_TROUBLE
