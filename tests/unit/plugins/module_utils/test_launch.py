# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The relaunch POST and its unknown outcomes, on the wire."""

from __future__ import annotations

import socket
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils import _launch
from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._errors import (
    AnswerLostError,
    ForbiddenError,
    NotSentError,
    RefusedError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._launch import Attempt, Launched, launch
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job, listed, summary
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

JOBS = "/api/v2/jobs/"
RELAUNCH = "/api/v2/jobs/42/relaunch/"
SUMMARIES = "/api/v2/jobs/42/job_host_summaries/"
ME = {"results": [{"id": 5}]}
HTML = b"<html><title>Bad Gateway</title></html>"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def send(controller: ScriptedController, clock: Clock) -> t.Callable[..., Launched]:
    def send(hosts: str = "failed", url: str = controller.url, **body: t.Any) -> Launched:
        options = ConnectionOptions(url, token="t", request_timeout=0.3, max_retries=3)
        client = ControllerClient(options, clock.read, clock.sleep)
        return launch(client, Attempt(Job.of(job(42)), hosts, {"hosts": hosts, **body}, newest=50))

    return send


def made(job_id: int = 51, user: int = 5, limit: str = "web2,web1", **facts: t.Any) -> dict[str, t.Any]:
    launched_by = {"id": user, "type": "user"}
    return job(job_id, "running", **{"launch_type": "relaunch", "limit": limit, "launched_by": launched_by, **facts})


Send = t.Callable[..., Launched]


def test_the_usual_case_is_one_request(controller: ScriptedController, send: Send) -> None:
    controller.expect("POST", RELAUNCH, 201, made())
    assert (send().job.id, controller.methods()) == (51, ["POST"])


@pytest.mark.parametrize(("status", "kind"), [(400, RefusedError), (403, ForbiddenError), (404, RefusedError)])
def test_a_refusal_is_definite(
    controller: ScriptedController, send: Send, status: int, kind: type[RefusedError]
) -> None:
    controller.expect("POST", RELAUNCH, status, {"detail": "No."})
    with pytest.raises(kind, match=f'{status}: "No."'):
        send()
    assert controller.methods() == ["POST"]


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
    ("429 of a gateway", {"status": 429, "body": HTML}),
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
    controller.expect("GET", SUMMARIES, body=listed(summary("web1"), summary("web2"), summary("gone", present=False)))

    launched = send()

    assert launched.job.id == 51 and launched.lost
    assert controller.methods().count("POST") == 1
    assert controller.asked[1].query["id__gt"] == "50"


@pytest.mark.parametrize("line", [row[1] for row in LOST], ids=[row[0] for row in LOST])
def test_none_found_is_told_as_such(
    controller: ScriptedController, send: Send, clock: Clock, line: dict[str, t.Any]
) -> None:
    controller.expect("POST", RELAUNCH, **line)
    for _time in range(30):
        controller.expect("GET", JOBS, body=listed())

    with pytest.raises(AnswerLostError, match="one may still appear. Running the task again is safe"):
        send()

    assert controller.methods().count("POST") == 1
    assert _launch.LOOK_UP_SECONDS <= clock.now < _launch.LOOK_UP_SECONDS + 2 * _launch.LOOK_UP_INTERVAL
    controller.script.clear()


def test_another_users_job_is_none(controller: ScriptedController, send: Send) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    for _time in range(30):
        controller.expect("GET", JOBS, body=listed(made(user=6)))
        controller.expect("GET", "/api/v2/me/", body=ME)
    with pytest.raises(AnswerLostError, match="No new job has been found"):
        send()
    controller.script.clear()


def test_a_late_job_is_found(controller: ScriptedController, send: Send, clock: Clock) -> None:
    controller.expect("POST", RELAUNCH, fault="reset")
    for _time in range(4):
        controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", JOBS, body=listed(made(limit="")))
    controller.expect("GET", "/api/v2/me/", body=ME)

    assert send("all").job.id == 51
    assert clock.now > 1.7


@pytest.mark.parametrize(
    "other",
    [
        made(user=6),
        made(extra_vars='{"a": 1}'),
        made(launch_type="manual"),
        made(limit="web1"),
        made(limit="web1,web2,web3"),
        made(job_type="check"),
        made(unified_job_template=8),
    ],
)
def test_other_jobs_are_not_taken_for_it(controller: ScriptedController, send: Send, other: dict[str, t.Any]) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    for _time in range(30):
        controller.expect("GET", JOBS, body=listed(other, made(52)))
        controller.expect("GET", "/api/v2/me/", body=ME)
        controller.expect("GET", SUMMARIES, body=listed(summary("web1"), summary("web2")))

    assert send().job.id == 52
    controller.script.clear()


@pytest.mark.parametrize(
    "line", [{"status": 302}, {"status": 404, "body": HTML}, {"body": []}, {"status": 401, "body": {"detail": "?"}}]
)
def test_a_strange_answer_does_not_end_the_search(
    controller: ScriptedController, send: Send, line: dict[str, t.Any]
) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    controller.expect("GET", JOBS, **line)
    if line.get("status", 200) != 200:
        controller.expect("GET", "/api/", body={"current_version": "/api/v2/"})
    controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", JOBS, body=listed(made(limit="")))
    controller.expect("GET", "/api/v2/me/", body=ME)

    assert send("all").job.id == 51


def test_a_restart_does_not_use_up_the_time(controller: ScriptedController, send: Send, clock: Clock) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    for _time in range(40):
        controller.expect("GET", JOBS, 503, HTML)
    for _time in range(3):
        controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", JOBS, body=listed(made(limit="")))
    controller.expect("GET", "/api/v2/me/", body=ME)

    assert send("all").job.id == 51
    assert clock.now > 3 * _launch.LOOK_UP_SECONDS


def test_a_controller_that_stays_away_ends_the_search(controller: ScriptedController, send: Send, clock: Clock) -> None:
    controller.expect("POST", RELAUNCH, 502, HTML)
    for _time in range(200):
        controller.expect("GET", JOBS, 503, HTML)

    with pytest.raises(AnswerLostError, match="It is unknown whether job 42 was relaunched"):
        send()
    assert clock.now == pytest.approx(_launch.LOOK_UP_TIMEOUT, abs=1)
    controller.script.clear()


def test_what_was_surely_not_sent_is_sent_again(controller: ScriptedController, send: Send, clock: Clock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(NotSentError, match="accepts no connection"):
        send(url=url)
    assert len(clock.slept) == 3
    assert controller.asked == []
