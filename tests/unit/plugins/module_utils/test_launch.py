# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A POST that makes a job: its unknown outcomes on the wire, and the one job that stays of several."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    AnswerError,
    AnswerLostError,
    ForbiddenError,
    NotSentError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._api.kinds import JOB, WORKFLOW_JOB, Kind
from ansible_collections.relaunch.controller.plugins.module_utils._launch import launch as _launch
from ansible_collections.relaunch.controller.plugins.module_utils._launch.launch import (
    Attempt,
    Contest,
    Launched,
    launch,
    lower_rival,
)
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting, Watch
from ansible_collections.relaunch.controller.tests.unit import listener
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, HTML, JOBS, at, job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

RELAUNCH = at(42, "relaunch")
ME = {"results": [{"id": 5}]}
BODY = {"hosts": "failed"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def contest(kind: Kind = JOB, rivals: t.Collection[int] = ()) -> Contest:
    return Contest(kind, {"launch_type": "relaunch"}, 50, lambda _own, job: job.id in rivals)


Send = t.Callable[..., Launched]


@pytest.fixture
def send(controller: ScriptedController, clock: Clock) -> Send:
    """Launch, with a POST that makes jobs of this limit; within so many seconds."""

    def send(
        limit: str = "web1", url: str = controller.url, kind: Kind = JOB, timeout: float | None = None, tries: int = 1
    ) -> Launched:
        options = ConnectionOptions(url, token="t", request_timeout=2, max_retries=tries - 1)
        attempt = Attempt(
            path=kind.at(42, "relaunch"),
            body=BODY,
            what=f"{kind.noun.capitalize()} 42",
            verb="relaunched",
            contest=contest(kind),
            is_own=lambda new: new.facts["limit"] == limit,
            refused=lambda error: f"It said {error.status}: {error.said}",
        )
        with ControllerClient(options, clock.read, clock.sleep) as client:
            return launch(client, Watch(client, Waiting(wait=True, timeout=timeout)), attempt)

    return send


def made(job_id: int = 51, by: t.Any = 5, limit: str = "web1", **facts: t.Any) -> dict[str, t.Any]:
    launched_by = {"id": by, "type": "user"} if isinstance(by, int) else by
    return job(job_id, "running", **{"launch_type": "relaunch", "limit": limit, "launched_by": launched_by, **facts})


def test_the_usual_case_is_one_request(controller: ScriptedController, send: Send) -> None:
    controller.expect("POST", RELAUNCH, 201, made())

    launched = send()

    assert (launched.job.id, launched.lost, controller.methods()) == (51, "", ["POST"])
    assert controller.asked[0].body == BODY


@pytest.mark.parametrize(
    ("status", "kind"), [(400, RefusedError), (401, RefusedError), (403, ForbiddenError), (404, RefusedError)]
)
def test_a_refusal_is_definite(
    controller: ScriptedController, send: Send, status: int, kind: type[RefusedError]
) -> None:
    controller.expect("POST", RELAUNCH, status, {"detail": "No."})
    with pytest.raises(RefusedError, match=f"It said {status}: No.") as refused:
        send(tries=4)
    assert isinstance(refused.value, ForbiddenError) == (kind is ForbiddenError)
    assert controller.methods() == ["POST"]


class TestSurelyNotCarriedOut:
    """The only cases in which the POST is sent again."""

    @pytest.mark.parametrize("body", [{"detail": "Request was throttled."}, HTML])
    def test_too_many_requests(self, controller: ScriptedController, send: Send, clock: Clock, body: t.Any) -> None:
        controller.expect("POST", RELAUNCH, 429, body, headers={"Retry-After": "7"})
        controller.expect("POST", RELAUNCH, 429, body)
        controller.expect("POST", RELAUNCH, 201, made())

        assert send(tries=3).job.id == 51
        assert clock.slept[0] == 7 and len(clock.slept) == 2

    def test_too_many_requests_to_the_last(self, controller: ScriptedController, send: Send) -> None:
        controller.expect("POST", RELAUNCH, 429, HTML)
        controller.expect("POST", RELAUNCH, 429, HTML)

        with pytest.raises(RefusedError, match="Job 42 was not relaunched: .*429"):
            send(tries=2)

    def test_a_pause_that_goes_past_the_deadline_is_not_made(
        self, controller: ScriptedController, send: Send, clock: Clock
    ) -> None:
        controller.expect("POST", RELAUNCH, 429, HTML, headers={"Retry-After": "30"})

        with pytest.raises(RefusedError, match="429"):
            send(tries=4, timeout=20)
        assert clock.slept == []

    def test_within_the_deadline_it_is(self, controller: ScriptedController, send: Send, clock: Clock) -> None:
        controller.expect("POST", RELAUNCH, 429, HTML, headers={"Retry-After": "15"})
        controller.expect("POST", RELAUNCH, 201, made())

        assert send(tries=4, timeout=20).job.id == 51
        assert clock.slept == [15]

    def test_nobody_listens(self, controller: ScriptedController, send: Send, clock: Clock) -> None:
        with pytest.raises(NotSentError, match="accepts no connection"):
            send(url=f"http://{listener.closed()}", tries=4)
        assert len(clock.slept) == 3

    def test_what_will_not_pass_is_not_tried_again(self, send: Send, clock: Clock) -> None:
        with listener.Listener(listener.say(b"no TLS", listener.close)) as plain, pytest.raises(NotSentError):
            send(url=f"https://{plain.address}", tries=4)
        assert clock.slept == []


def test_a_deadline_that_has_passed_launches_nothing(controller: ScriptedController, send: Send) -> None:
    with pytest.raises(WaitTimeoutError, match="Job 42 was not relaunched: the timeout was over before that."):
        send(timeout=0)
    assert controller.asked == []


LOST: list[tuple[str, dict[str, t.Any]]] = [
    ("closed", {"fault": "close"}),
    ("reset", {"fault": "reset"}),
    ("timeout", {"fault": "stall"}),
    ("body cut short", {"status": 201, "body": made(), "fault": "cut"}),
    ("broken json", {"status": 201, "body": b'{"id": 51'}),
    ("a list", {"status": 201, "body": []}),
    ("no job", {"status": 201, "body": {"detail": "?"}}),
    ("html", {"status": 200, "body": HTML}),
    ("500", {"status": 500, "body": HTML}),
    ("502", {"status": 502, "body": HTML}),
    ("503", {"status": 503, "body": {"detail": "busy"}}),
    ("504", {"status": 504, "body": HTML}),
    ("403 of a gateway", {"status": 403, "body": HTML}),
    ("redirect", {"status": 302, "headers": {"Location": "/elsewhere/"}}),
]


@pytest.mark.parametrize("line", [row[1] for row in LOST], ids=[row[0] for row in LOST])
def test_the_job_is_found_where_the_answer_was_lost(
    controller: ScriptedController, send: Send, line: dict[str, t.Any]
) -> None:
    controller.expect("POST", RELAUNCH, **line)
    controller.expect("GET", JOBS, body=listed(made()))
    controller.expect("GET", "/api/v2/me/", body=ME)

    launched = send(tries=4)

    assert launched.job.id == 51 and launched.lost
    assert controller.methods().count("POST") == 1
    assert (controller.asked[1].query["id__gt"], controller.asked[1].query["launch_type"]) == ("50", "relaunch")


@pytest.mark.parametrize("line", [row[1] for row in LOST], ids=[row[0] for row in LOST])
def test_none_found_is_told_as_such(
    controller: ScriptedController, send: Send, clock: Clock, line: dict[str, t.Any]
) -> None:
    controller.expect("POST", RELAUNCH, **line)
    controller.whenever("GET", JOBS, body=listed())

    with pytest.raises(AnswerLostError, match="one may still appear. Running the task again is safe"):
        send(tries=4)

    assert controller.methods() == ["POST"]
    assert _launch.LOOK_UP_SECONDS <= clock.now < _launch.LOOK_UP_SECONDS + 2 * _launch.LOOK_UP_INTERVAL


def test_a_late_job_is_found(controller: ScriptedController, send: Send, clock: Clock) -> None:
    controller.expect("POST", RELAUNCH, fault="reset")
    for _time in range(4):
        controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", JOBS, body=listed(made()))
    controller.expect("GET", "/api/v2/me/", body=ME)

    assert send().job.id == 51
    assert clock.now > 1.7


@pytest.mark.parametrize(
    "other",
    [made(by=6), made(by={"id": 5, "type": "schedule"}), made(by={}), made(by=None), made(limit="web2")],
    ids=["another user", "a schedule", "nobody", "unknown", "another limit"],
)
def test_other_jobs_are_not_taken_for_it(controller: ScriptedController, send: Send, other: dict[str, t.Any]) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    controller.expect("GET", JOBS, body=listed(other, made(52)))
    controller.expect("GET", "/api/v2/me/", body=ME)

    assert send().job.id == 52


def test_where_there_are_only_other_jobs_none_is_found(controller: ScriptedController, send: Send) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    controller.whenever("GET", JOBS, body=listed(made(by=6)))
    controller.whenever("GET", "/api/v2/me/", body=ME)

    with pytest.raises(AnswerLostError, match="No new job has been found"):
        send()


@pytest.mark.parametrize("me", [{"results": []}, {}])
def test_who_is_not_known_has_made_none(controller: ScriptedController, send: Send, me: dict[str, t.Any]) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    controller.whenever("GET", JOBS, body=listed(made()))
    controller.whenever("GET", "/api/v2/me/", body=me)

    with pytest.raises(AnswerLostError):
        send()


@pytest.mark.parametrize(
    "line", [{"status": 302}, {"status": 404, "body": HTML}, {"body": []}, {"status": 401, "body": {"detail": "?"}}]
)
def test_a_strange_answer_does_not_end_the_search(
    controller: ScriptedController, send: Send, line: dict[str, t.Any]
) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    controller.expect("GET", JOBS, **line)
    controller.whenever("GET", "/api/", body={"current_version": "/api/v2/"})
    controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", JOBS, body=listed(made()))
    controller.expect("GET", "/api/v2/me/", body=ME)

    assert send().job.id == 51


def test_a_restart_does_not_use_up_the_time(controller: ScriptedController, send: Send, clock: Clock) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    for _time in range(40):
        controller.expect("GET", JOBS, 503, HTML)
    for _time in range(3):
        controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", JOBS, body=listed(made()))
    controller.expect("GET", "/api/v2/me/", body=ME)

    assert send().job.id == 51
    assert clock.now > 3 * _launch.LOOK_UP_SECONDS


def test_a_controller_that_stays_away_ends_the_search(controller: ScriptedController, send: Send, clock: Clock) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    controller.whenever("GET", JOBS, 503, HTML)

    with pytest.raises(AnswerLostError, match="It is unknown whether job 42 was relaunched"):
        send()
    assert clock.now == pytest.approx(_launch.LOOK_UP_TIMEOUT, abs=1)


@pytest.mark.parametrize(("timeout", "end"), [(5, 11), (30, 30), (600, 120)])
def test_the_search_ends_with_the_deadline_but_not_before_it_can_be_right(
    controller: ScriptedController, send: Send, clock: Clock, timeout: float, end: float
) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    controller.whenever("GET", JOBS, 503, HTML)

    with pytest.raises(AnswerLostError):
        send(timeout=timeout)
    assert clock.now == pytest.approx(end, abs=1)


def test_workflow_jobs_are_looked_for_among_their_own(controller: ScriptedController, send: Send) -> None:
    controller.expect("POST", "/api/v2/workflow_jobs/42/relaunch/", fault="reset")
    controller.whenever("GET", "/api/v2/workflow_jobs/", body=listed())

    with pytest.raises(AnswerLostError, match="whether workflow job 42 was relaunched: .*No new workflow job has been"):
        send(kind=WORKFLOW_JOB)


class TestLowerRival:
    """Jobs 51 to 54, of which 52 and 53 do all of what the own one does."""

    @pytest.mark.parametrize(
        ("statuses", "own", "successful_too", "lowest"),
        [
            (["running", "running", "running", "running"], 54, False, 52),
            (["running", "canceled", "pending", "running"], 54, False, 53),
            (["running", "successful", "running", "running"], 54, False, 53),
            (["running", "successful", "running", "running"], 54, True, 52),
            (["running", "failed", "error", "running"], 54, True, None),
            (["running", "running", "running", "running"], 52, False, None),
            (["running", "running", "running", "running"], 53, False, 52),
        ],
    )
    def test_rows(
        self,
        controller: ScriptedController,
        clock: Clock,
        statuses: list[str],
        own: int,
        successful_too: bool,
        lowest: int | None,
    ) -> None:
        controller.expect("GET", JOBS, body=listed(*(job(51 + n, status) for n, status in enumerate(statuses))))
        with ControllerClient(ConnectionOptions(controller.url, token="t"), clock.read, clock.sleep) as client:
            now, rival = lower_rival(client, contest(rivals=(52, 53)), Job.of(job(own, "pending")), successful_too)

        assert (now.id, now.status) == (own, "running")
        assert (rival and rival.id) == lowest
        assert controller.asked[0].query["id__gt"] == "50"

    def test_an_own_job_that_is_not_listed_is_as_it_was(self, controller: ScriptedController, clock: Clock) -> None:
        controller.expect("GET", JOBS, body=listed())
        with ControllerClient(ConnectionOptions(controller.url, token="t"), clock.read, clock.sleep) as client:
            now, rival = lower_rival(client, contest(), Job.of(job(54, "pending")))

        assert (now.status, rival) == ("pending", None)

    def test_a_list_that_cannot_be_read_is_told(self, controller: ScriptedController, clock: Clock) -> None:
        controller.expect("GET", JOBS, 403, DENIED)
        controller.whenever("GET", "/api/", body={"current_version": "/api/v2/"})
        with (
            ControllerClient(ConnectionOptions(controller.url, token="t"), clock.read, clock.sleep) as client,
            pytest.raises(AnswerError, match="permission"),
        ):
            lower_rival(client, contest(), Job.of(job(54)))
