# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deadline as people write it, and rounds that end with it."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone, tzinfo

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    ControllerError,
    DeadlineError,
    OptionError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import first_error, outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._retry.deadline import Deadline
from ansible_collections.relaunch.controller.plugins.module_utils._retry.options import (
    RETRY_SPECIFICATION,
    RetryRequest,
)
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_failed_hosts import (
    RetryOutcome,
    retry_failed_hosts,
)
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import BulkController, SimulatedJob
from ansible_collections.relaunch.controller.tests.unit.clock import Clock

SOURCE = 42
HOUR = 3600.0
DEFAULTS = {name: option.get("default") for name, option in RETRY_SPECIFICATION["argument_spec"].items()}


class CentralEurope(tzinfo):
    """Clocks that are set forward on 29 March and back on 25 October 2026."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=2 if dt and datetime(2026, 3, 29, 2) <= dt.replace(tzinfo=None) < WINTER else 1)

    def dst(self, dt: datetime | None) -> timedelta:
        return self.utcoffset(dt) - timedelta(hours=1)


WINTER = datetime(2026, 10, 25, 2)
ZONE = CentralEurope()


def local(month: int, day: int, hour: int) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=ZONE)


def seconds(text: str, now: datetime) -> float:
    found = Deadline.of(text, now, lambda wall: wall.replace(tzinfo=ZONE))
    assert found is not None
    return found.seconds


class TestWhatPeopleWrite:
    @pytest.mark.parametrize(
        ("text", "hours"),
        [
            ("4h", 4),
            ("90m", 1.5),
            ("2h30m", 2.5),
            ("1d 12h", 36),
            (" 1w ", 168),
            ("3600s", 1),
            ("06:00", 4),
            ("6:00", 4),
            ("06:00:36", 4.01),
            ("02:00", 24),
            ("01:59:24", 23.99),
            ("00:00", 22),
            ("2026-11-28T06:00:00+01:00", 4),
            ("2026-11-28T05:00:00Z", 4),
            ("2026-11-28 05:00:00+00:00", 4),
            ("2026-11-28T06:00:00", 4),
            ("2026-11-28T06:00", 4),
            ("2026-11-27T06:00:00+01:00", -20),
        ],
    )
    def test_from_two_at_night_on(self, text: str, hours: float) -> None:
        assert seconds(text, local(11, 28, 2)) == pytest.approx(hours * HOUR)

    @pytest.mark.parametrize(
        ("now", "hours"),
        [(local(10, 24, 22), 9), (local(3, 28, 22), 7), (local(10, 23, 22), 8)],
    )
    def test_the_next_six_o_clock_is_by_the_clocks_of_that_day(self, now: datetime, hours: float) -> None:
        assert seconds("06:00", now) == hours * HOUR

    def test_the_clock_of_the_controller_does_not_matter(self) -> None:
        assert seconds("06:00", datetime(2026, 11, 28, 1, tzinfo=timezone.utc)) == 4 * HOUR
        assert seconds("06:00", datetime(2026, 11, 28, 10, tzinfo=timezone(timedelta(hours=9)))) == 4 * HOUR

    @pytest.mark.parametrize("text", [None, "", "  "])
    def test_none(self, text: str | None) -> None:
        assert Deadline.of(text, local(11, 28, 2)) is None

    @pytest.mark.parametrize(
        ("text", "quote"),
        [
            # YAML makes a number of a time without quotes.
            ("4", True),
            ("960", True),
            ("four", False),
            ("4x", False),
            ("25:00", False),
            ("06:60", False),
            ("2026-11-28", False),
            ("2026-13-01T06:00", False),
            ("-4h", False),
            ("4h!", False),
            ("9" * 20 + "w", False),
        ],
    )
    def test_nothing_of_these(self, text: str, quote: bool) -> None:
        with pytest.raises(OptionError, match="deadline must be a span such as 4h") as wrong:
            Deadline.of(text, local(11, 28, 2))
        assert ("quote it" in str(wrong.value)) is quote


class Night(BulkController):
    """Job 42 has failed; its relaunches take so long, in part pending."""

    def __init__(self, clock: Clock, takes: float = 60.0, pending: float = 0.0) -> None:
        super().__init__(clock)
        self.failed(SOURCE, {"web1": True, "web2": False})
        self.failing[7] = {"web1"}
        self.duration = lambda _number: takes
        self._pending = pending

    def launch(self, template: int, names: t.Iterable[str], duration: float = 5.0, **facts: t.Any) -> SimulatedJob:
        one = super().launch(template, names, duration, **facts)
        clock, pending = self.clock, self._pending

        class Queued(SimulatedJob):
            def shown(self, now: float) -> dict[str, t.Any]:
                found = super().shown(now)
                waits = self.created <= clock.now < min(self.created + pending, self.ends)
                return {**found, "status": "pending", "started": None} if waits else found

        queued = Queued(one.id, one.created, one.duration, one.hosts, one.facts)
        self.jobs[one.id] = queued
        return queued

    @property
    def launched_at(self) -> list[float]:
        return [one.created / HOUR for number, one in sorted(self.jobs.items()) if number > SOURCE]


def retry(night: Night, **options: t.Any) -> tuple[RetryOutcome, t.Optional[BaseException]]:
    """Started at 02:00, by the clock of whoever runs the tests."""
    given = {**DEFAULTS, "job_id": SOURCE, "retries": 99, "delay": HOUR, "delay_max": HOUR, "interval": 300, **options}
    started = datetime(2026, 11, 28, 2).astimezone()
    request = RetryRequest.of(given, False, False, started)
    with night.client() as client:
        try:
            return retry_failed_hosts(client, request), None
        except ControllerError as error:
            outcome = outcome_of(error)
            assert isinstance(outcome, RetryOutcome)
            return outcome, first_error(error)


def restarting(night: Night, begin: float, end: float) -> t.Callable[[str, str], t.Any]:
    """No read is answered between these moments."""

    def answer(method: str, _path: str) -> t.Any:
        return (502, {"detail": "Bad gateway"}) if method == "GET" and begin <= night.clock.now < end else None

    return answer


class TestStartedAtTwoWithADeadlineOfSix:
    def test_nothing_is_launched_after_it(self) -> None:
        night = Night(Clock())

        outcome, error = retry(night, deadline="06:00")

        assert [round(hours, 1) for hours in night.launched_at] == [0.0, 1.0, 2.0, 3.1]
        assert night.clock.now < 4 * HOUR
        assert isinstance(error, DeadlineError)
        assert (outcome.ended, outcome.remaining_hosts) == ("deadline_over", ("web1",))
        assert "still fails on web1 after 4 attempts" in str(error)
        assert "06:00:00" in str(error) and "comes before the next attempt" in str(error)
        assert outcome.summary[0].startswith("web1: still failing after 4 attempts")

    def test_what_is_pending_by_then_is_canceled(self) -> None:
        night = Night(Clock(), takes=9 * HOUR, pending=8 * HOUR)

        outcome, error = retry(night, deadline="06:00", cancel_on_timeout=True)

        assert night.posts == ["42/relaunch", "101/cancel"]
        assert night.clock.now == pytest.approx(4 * HOUR, abs=10)
        assert isinstance(error, DeadlineError) and outcome.ended == "deadline_over"
        assert "ended at the deadline" in str(error) and "It was canceled." in str(error)
        assert (outcome.result()["id"], outcome.result()["status"], outcome.changed) == (101, "canceled", True)

    def test_what_is_pending_is_waited_for_unless_to_be_canceled(self) -> None:
        night = Night(Clock(), takes=9 * HOUR, pending=8 * HOUR)

        outcome, _error = retry(night, deadline="06:00")

        assert (night.posts, outcome.ended) == (["42/relaunch"], "deadline_over")
        assert night.clock.now >= 9 * HOUR

    def test_what_has_begun_goes_on(self) -> None:
        night = Night(Clock(), takes=6 * HOUR)
        night.failing.clear()

        outcome, error = retry(night, deadline="06:00", cancel_on_timeout=True)

        assert (night.posts, error, outcome.ended) == (["42/relaunch"], None, "none_left")

    def test_what_has_begun_goes_on_though_the_controller_restarts_at_the_deadline(self) -> None:
        night = Night(Clock(), takes=9 * HOUR, pending=4 * HOUR - 60)
        night.failing.clear()
        night.before = restarting(night, 4 * HOUR - 120, 4 * HOUR + 60)

        outcome, error = retry(night, deadline="06:00", cancel_on_timeout=True)

        assert (night.posts, error, outcome.ended) == (["42/relaunch"], None, "none_left")

    def test_what_is_pending_is_canceled_though_the_controller_restarts_at_the_deadline(self) -> None:
        night = Night(Clock(), takes=9 * HOUR, pending=8 * HOUR)
        night.before = restarting(night, 4 * HOUR - 120, 4 * HOUR + 60)

        _outcome, error = retry(night, deadline="06:00", cancel_on_timeout=True)

        assert night.posts == ["42/relaunch", "101/cancel"]
        assert "ended at the deadline with the job canceled. It was canceled." in str(error)

    def test_the_end_of_the_job_is_not_waited_for_beyond_it(self) -> None:
        night = Night(Clock())
        night.jobs[SOURCE].created, night.jobs[SOURCE].duration = -HOUR, 9 * HOUR

        outcome, error = retry(night, deadline="06:00", cancel_on_timeout=True)

        assert (night.posts, outcome.ended, outcome.changed) == ([], "deadline_over", False)
        assert night.clock.now == pytest.approx(4 * HOUR, abs=10)
        assert "ended at the deadline with the job running. It goes on" in str(error)


def test_a_controller_that_goes_down_in_a_delay_is_not_asked_long_after_the_deadline() -> None:
    night = Night(Clock())
    night.before = restarting(night, 1.5 * HOUR, 99 * HOUR)

    outcome, error = retry(night, deadline="2h15m")

    assert night.clock.now == pytest.approx(2.25 * HOUR, abs=60)
    assert isinstance(error, DeadlineError) and "was over before the controller could be asked. GET " in str(error)
    assert str(error).startswith("Nothing more was relaunched: the deadline")
    assert (outcome.ended, outcome.remaining_hosts, outcome.job_ids) == ("deadline_over", ("web1",), (101, 102))


def test_what_has_run_past_the_deadline_is_told_through_a_restart() -> None:
    night = Night(Clock(), takes=5 * HOUR)
    night.before = restarting(night, 5 * HOUR + 1, 5 * HOUR + 600)

    outcome, error = retry(night, deadline="06:00")

    assert isinstance(error, DeadlineError) and "still fails on web1 after 1 attempt" in str(error)
    assert outcome.summary == ("web1: still failing after 1 attempt: Install: no such unit (job 101)",)


def test_a_restart_right_after_the_wait_for_the_job_ends_nothing() -> None:
    night = Night(Clock())
    night.failing.clear()
    night.jobs[SOURCE].created, night.jobs[SOURCE].duration = 0.0, HOUR

    def before(method: str, path: str) -> t.Any:
        # The list of other runs is asked for when the end of the job has been seen.
        if path == "jobs/" and not began:
            began.append(night.clock.now)
        return restarting(night, began[0], began[0] + 60)(method, path) if began else None

    began: list[float] = []
    night.before = before

    outcome, error = retry(night)

    assert (night.posts, error, outcome.ended) == (["42/relaunch"], None, "none_left")


def test_a_deadline_that_is_over_launches_nothing() -> None:
    night = Night(Clock())

    outcome, error = retry(night, deadline="2026-11-27T06:00:00Z")

    assert (night.posts, outcome.ended, outcome.changed) == ([], "deadline_over", False)
    assert str(error).startswith("Job 42 was not relaunched: the deadline was over before that.")
    assert outcome.summary == ("web1: left, and not tried",)


def test_a_deadline_that_is_over_lets_no_template_be_launched() -> None:
    night = Night(Clock())

    outcome, error = retry(night, hosts="remaining", deadline="2026-11-27T06:00:00Z")

    assert (night.posts, outcome.ended, outcome.changed) == ([], "deadline_over", False)
    assert str(error).startswith("The template of job 42 was not launched: the deadline was over before that.")


def test_a_deadline_that_comes_while_a_launch_is_prepared_lets_nothing_be_launched() -> None:
    def pass_time(_method: str, path: str) -> None:
        night.clock.now += 2 if path == "job_templates/7/launch/" else 0

    night = Night(Clock())
    night.before = pass_time

    outcome, error = retry(night, hosts="remaining", deadline="1s")

    assert (night.posts, outcome.ended, outcome.changed) == ([], "deadline_over", False)
    assert str(error).startswith("The job template Deploy was not launched: the deadline was over before that.")


def test_a_deadline_that_is_over_does_no_harm_to_what_is_done() -> None:
    night = Night(Clock())
    night.failed(43, {"web1": False}, launch_type="relaunch", limit="web1")

    outcome, error = retry(night, deadline="2026-11-27T06:00:00Z")

    assert (night.posts, error, outcome.ended) == ([], None, "nothing_to_do")


def test_the_timeout_of_a_job_counts_before_it() -> None:
    night = Night(Clock(), takes=9 * HOUR)

    outcome, error = retry(night, deadline="06:00", timeout=int(HOUR), cancel_on_timeout=True)

    assert (night.posts, outcome.ended) == (["42/relaunch", "101/cancel"], "not_possible")
    assert "after 3600 seconds (timeout)" in str(error)
