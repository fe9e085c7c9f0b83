# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for jobs through the module: what a wait survives, what ends it, and what is told then."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
    HTML,
    JOBS,
    at,
    in_list,
    job,
    listed,
    relaunched,
    summary,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

# Its detail proves that both hosts of its limit ran.
SUCCESSFUL = relaunched(status="successful", host_status_counts={"ok": 2})
# The source's failed hosts.
FAILED = listed(summary("web1"), summary("web2"))


def launched(controller: ScriptedController, **new: t.Any) -> None:
    """A first launch, and the look at other callers after it, which is the first of the wait."""
    controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 2}))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(**new))
    controller.expect("GET", JOBS, body=listed(in_list(relaunched(**new))))


def test_until_the_relaunch_has_succeeded(controller: ScriptedController, relaunch: Relaunch, clock: Clock) -> None:
    launched(controller)
    controller.expect("GET", at(43), body=relaunched(status="running"))
    controller.expect("GET", at(43), body=SUCCESSFUL)

    result = relaunch(hosts="failed", wait=True)

    assert (result["failed"], result["changed"], result["id"], result["status"]) == (False, True, 43, "successful")
    assert (result["failed_hosts"], result["remaining_hosts"], result["hosts"]) == ([], [], ["web1", "web2"])
    assert result["msg"].endswith("on 2 failed hosts: web1, web2. Job 43 was successful.")
    assert "warnings" not in result
    assert clock.slept == [1.5, 1]


def test_a_launch_whose_answer_does_not_say_when_is_of_the_same_job(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    launched(controller, created=None)
    controller.expect("GET", at(43), body=SUCCESSFUL)

    result = relaunch(hosts="failed", wait=True)

    assert (result["failed"], result["id"], result["status"]) == (False, 43, "successful"), result["msg"]


def test_a_job_ended_by_the_first_look_is_not_asked_for_again(
    controller: ScriptedController, relaunch: Relaunch, clock: Clock
) -> None:
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit=""))
    controller.expect("GET", JOBS, body=listed(in_list(relaunched(status="successful", limit=""))))

    result = relaunch(wait=True)

    assert (result["failed"], result["changed"], result["status"]) == (False, True, "successful")
    assert "remaining_hosts" not in result
    assert clock.slept == []


class TestSource:
    def test_an_active_job_is_waited_for_and_then_relaunched(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", at(42), body=job(42, "running"))
        controller.expect("GET", at(42), body=job(42, "running"))
        controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 2}))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", at(42, "relaunch"), 201, relaunched())
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(43), body=SUCCESSFUL)

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 43)
        assert (result["status"], result["failed_hosts"]) == ("successful", [])

    def test_one_that_succeeds_needs_no_relaunch(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=job(42, "pending"))
        controller.expect("GET", at(42), body=job(42, "successful"))

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 42)

    def test_the_time_may_be_over_before_that(
        self, controller: ScriptedController, relaunch: Relaunch, clock: Clock
    ) -> None:
        controller.expect("GET", at(42), body=job(42, "running"))
        controller.whenever("GET", at(42), body=job(42, "running"))

        result = relaunch(hosts="failed", wait=True, timeout=60, cancel_on_timeout=True)

        assert (result["failed"], result["changed"], result["source_job_id"]) == (True, False, 42)
        assert not {"id", "status", "job", "url"} & set(result)
        assert "job 42, which is relaunched if it fails," in result["msg"] and "It goes on" in result["msg"]
        assert clock.now == 60

    def test_one_that_is_deleted_while_it_is_waited_for(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", at(42), body=job(42, "running"))
        controller.expect("GET", at(42), 404, {"detail": "No Job matches the given query."})

        result = relaunch(wait=True)

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "No Job matches" in result["msg"]

    def test_the_same_work_launched_before_its_end_does_not_count(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        early = relaunched(43, "running", limit="", created=job(42)["created"])
        ended = {**early, "status": "successful"}
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(early)))
        controller.expect("GET", at(43), body=ended)
        controller.expect("GET", JOBS, body=listed(in_list(ended)))
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(44, "successful", limit=""))))

        result = relaunch(wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 44)


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 429, "body": {"detail": "Request was throttled."}, "headers": {"Retry-After": "0"}},
        {"status": 500, "body": HTML},
        {"status": 502, "body": HTML},
        {"status": 503, "body": HTML},
        {"status": 504, "body": HTML},
        {"status": 302, "headers": {"Location": "/login/"}},
        {"status": 404, "body": HTML},
        {"fault": "close"},
        {"fault": "reset"},
        {"fault": "cut", "body": SUCCESSFUL},
        {"fault": "stall"},
    ],
    ids=str,
)
def test_a_wait_survives(controller: ScriptedController, relaunch: Relaunch, trouble: dict[str, t.Any]) -> None:
    launched(controller)
    controller.expect("GET", at(43), **trouble)
    controller.expect("GET", at(43), **trouble)
    controller.expect("GET", at(43), body=SUCCESSFUL)

    result = relaunch(hosts="failed", wait=True, request_timeout=1.5)

    assert (result["failed"], result["changed"], result["status"]) == (False, True, "successful")
    assert controller.methods() == ["GET", "GET", "POST", "GET", "GET", "GET", "GET"]


@pytest.mark.parametrize(
    ("status", "detail", "words"),
    [
        (401, "Authentication credentials were not provided.", "has been refused for 30"),
        (404, "No Job matches the given query.", "No Job matches the given query."),
    ],
    ids=["the token expires", "the job is deleted"],
)
def test_what_ends_a_wait_keeps_the_new_job(
    controller: ScriptedController, relaunch: Relaunch, status: int, detail: str, words: str
) -> None:
    launched(controller)
    controller.expect("GET", at(43), body=relaunched(status="running"))
    controller.expect("GET", at(43), status, {"detail": detail})

    result = relaunch(hosts="failed", wait=True)

    assert (result["failed"], result["changed"], result["id"], result["source_job_id"]) == (True, True, 43, 42)
    assert result["url"].endswith("/#/jobs/playbook/43/output")
    assert words in result["msg"] and "Run the task again to go on" in result["msg"]
    assert controller.methods() == ["GET", "GET", "POST", "GET", "GET", "GET"]


class TestTimeout:
    def test_keeps_the_new_job(self, controller: ScriptedController, relaunch: Relaunch, clock: Clock) -> None:
        launched(controller)
        controller.whenever("GET", at(43), body=relaunched(job_explanation="waiting for job 40"))

        result = relaunch(hosts="failed", wait=True, timeout=60)

        assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, "pending")
        assert "waiting for job 40" in result["msg"] and "60 seconds (timeout)" in result["msg"]
        assert "It goes on: run the task again to wait for it." in result["msg"]
        assert clock.now == 60

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"allow_simultaneous": False}, "waits for capacity"),
            ({"allow_simultaneous": True}, "waits for capacity"),
            ({"status": "running"}, "with the job running. It goes on"),
        ],
    )
    def test_says_why_the_job_has_not_ended(
        self, controller: ScriptedController, relaunch: Relaunch, facts: dict[str, t.Any], words: str
    ) -> None:
        launched(controller, limit="")
        controller.whenever("GET", at(43), body=relaunched(**facts))

        assert words in relaunch(wait=True, timeout=1)["msg"]

    def test_says_why_nothing_newer_is_known(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        launched(controller, limit="")
        controller.whenever("GET", at(43), 502, HTML)

        msg = relaunch(wait=True, timeout=60)["msg"]

        assert "with the job last seen pending. The last attempt to ask failed: " in msg and "answered 502" in msg
        assert "capacity" not in msg

    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [
            (200, listed(job(39, "running")), " Job 39 of the same template is running, and comes first. It goes on"),
            (200, listed(), "with the job pending. It waits for capacity, or for another job,"),
            (502, HTML, "has to wait for another one. It goes on"),
        ],
    )
    def test_names_the_job_in_front(
        self, controller: ScriptedController, relaunch: Relaunch, status: int, body: t.Any, said: str
    ) -> None:
        launched(controller, limit="")
        controller.whenever("GET", at(43), body=relaunched(allow_simultaneous=False))
        in_front = {"status__in": "pending,waiting,running", "id__lt": "43", "unified_job_template": "7"}
        controller.whenever("GET", JOBS, status, body, **in_front)

        result = relaunch(wait=True, timeout=1)

        assert (result["failed"], said in result["msg"]) == (True, True), result["msg"]

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (202, None, "It was canceled."),
            (405, {"detail": "Method not allowed."}, "ended before it could be canceled"),
            (403, DENIED, "Canceling it failed"),
        ],
    )
    def test_cancels_what_it_launched(
        self, controller: ScriptedController, relaunch: Relaunch, status: int, body: t.Any, words: str
    ) -> None:
        launched(controller)
        controller.expect("GET", at(43), body=relaunched(status="running"))
        controller.expect("POST", at(43, "cancel"), status, body)
        controller.expect("GET", at(43), body=relaunched(status="running"))
        controller.expect("GET", at(43), body=relaunched(status="canceled"))

        result = relaunch(hosts="failed", wait=True, timeout=1, cancel_on_timeout=True)

        assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
        assert (result["status"], words in result["msg"]) == ("canceled", True)

    def test_cancels_again_where_that_fails_in_passing(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        launched(controller)
        controller.expect("GET", at(43), body=relaunched(status="running"))
        controller.expect("POST", at(43, "cancel"), 502, HTML)
        controller.expect("POST", at(43, "cancel"), fault="reset")
        controller.expect("POST", at(43, "cancel"), 202)
        controller.expect("GET", at(43), body=relaunched(status="canceled"))

        result = relaunch(hosts="failed", wait=True, timeout=1, cancel_on_timeout=True, max_retries=2)

        assert (result["status"], "It was canceled." in result["msg"]) == ("canceled", True)

    def test_tells_what_was_seen_after_a_cancel(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        launched(controller)
        controller.expect("GET", at(43), 502, HTML)
        controller.expect("POST", at(43, "cancel"), 202)
        controller.expect("GET", at(43), body=relaunched(status="canceled"))

        result = relaunch(hosts="failed", wait=True, timeout=1, cancel_on_timeout=True)

        assert "with the job canceled. It was canceled." in result["msg"], result["msg"]

    def test_tells_of_a_cancel_that_takes_too_long(
        self, controller: ScriptedController, relaunch: Relaunch, clock: Clock
    ) -> None:
        launched(controller)
        controller.expect("GET", at(43), body=relaunched(status="running"))
        controller.expect("POST", at(43, "cancel"), 202)
        controller.whenever("GET", at(43), body=relaunched(status="running"))

        result = relaunch(hosts="failed", wait=True, timeout=1, cancel_on_timeout=True)

        assert (result["failed"], result["changed"], result["status"]) == (True, True, "running")
        assert clock.now == 31

    def test_tells_of_a_job_that_cannot_be_seen_after_its_cancel(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        launched(controller)
        controller.expect("GET", at(43), body=relaunched(status="running"))
        controller.expect("POST", at(43, "cancel"), 202)
        controller.expect("GET", at(43), 404, {"detail": "No Job matches the given query."})

        result = relaunch(hosts="failed", wait=True, timeout=1, cancel_on_timeout=True)

        assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, "running")
        assert "It was canceled. Its state could not be read after that" in result["msg"]

    def test_leaves_alone_what_it_adopted(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        running = relaunched(status="running", limit="")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(running)))
        controller.whenever("GET", at(43), body=running)

        result = relaunch(wait=True, timeout=1, cancel_on_timeout=True)

        assert (result["failed"], result["changed"], result["id"]) == (True, False, 43)
        assert "It goes on" in result["msg"]
        assert "POST" not in controller.methods()


class TestBadEnd:
    """A relaunch that was waited for and ended badly fails the task, with all that is known of it."""

    def failed(self, controller: ScriptedController, **facts: t.Any) -> None:
        launched(controller)
        controller.expect("GET", at(43), body=relaunched(**{"status": "failed", **facts}))

    def reported(self, controller: ScriptedController, *newest_first: dict[str, t.Any], stdout: str = "") -> None:
        """What is told of the relaunch: what its hosts failed with, and the end of its output."""
        events, failed = listed(*newest_first), "runner_on_failed"
        controller.whenever("GET", at(43, "job_events"), body=events, event__in=failed, page_size="200")
        controller.expect("GET", at(43, "stdout"), body={"content": stdout})

    def event(self, host: str, task: str, message: str, **more: t.Any) -> dict[str, t.Any]:
        data = {"task_action": "command", "res": {"msg": message}, **more}
        return {"event": "runner_on_failed", "host_name": host, "play": "Deploy", "task": task, "event_data": data}

    def test_is_told_with_its_hosts_and_what_each_failed_with(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        result_of_start = {"msg": "non-zero return code", "stderr": "warming up\n\x1b[31mno such service\x1b[0m\n"}
        unreachable = {
            "event": "runner_on_unreachable",
            "event_data": {"host": "web1", "task": "Ping", "res": {"msg": "no route"}},
        }
        self.failed(controller)
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web2"), summary("web1")))
        controller.expect("GET", at(42, "job_host_summaries"), body=FAILED)
        newest_first = (unreachable, self.event("web2", "Start", "", res=result_of_start))
        self.reported(controller, *newest_first, stdout="\n\x1b[0;32mPLAY RECAP\x1b[0m\r\n")

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, "failed")
        assert result["failed_hosts"] == result["remaining_hosts"] == ["web1", "web2"]
        assert result["failures"] == [
            {
                "host": "web2",
                "play": "Deploy",
                "task": "Start",
                "module": "command",
                "message": "non-zero return code: no such service",
                "unreachable": False,
            },
            {"host": "web1", "play": "", "task": "Ping", "module": "", "message": "no route", "unreachable": True},
        ]
        assert (result["failures_more"], result["stdout_tail"]) == (0, "PLAY RECAP")
        assert result["msg"].startswith(
            "Job 43, a relaunch of job 42, ended with status failed on web1, web2. "
            "web2: Start: non-zero return code: no such service (and 1 more). See http://"
        )

    def test_rescued_and_ignored_failures_are_none(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.failed(controller)
        controller.expect(
            "GET", at(43, "job_host_summaries"), body=listed(summary("web1", failed=False), summary("web2"))
        )
        controller.expect("GET", at(42, "job_host_summaries"), body=FAILED)
        newest_first = (
            self.event("web2", "Tidy up", "no matter", ignore_errors=True),
            self.event("web2", "Start", "no such service"),
            self.event("web1", "Try", "rescued on a host that did not fail"),
            self.event("web2", "Try", "rescued before"),
        )
        self.reported(controller, *newest_first)

        result = relaunch(hosts="failed", wait=True)

        assert [(failure["host"], failure["message"]) for failure in result["failures"]] == [
            ("web2", "no such service")
        ]
        assert (result["failed_hosts"], result["remaining_hosts"]) == (["web2"], ["web2"])

    def test_one_that_was_canceled_brings_no_host_to_success(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.failed(controller, status="canceled")
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1", failed=False)))
        controller.expect("GET", at(42, "job_host_summaries"), body=FAILED)
        self.reported(controller)
        # Whether it was canceled in favour of another caller's is looked at for adopted jobs only.

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["status"]) == (True, True, "canceled")
        assert (result["failed_hosts"], result["remaining_hosts"]) == ([], ["web1", "web2"])

    def test_hosts_that_it_never_got_to_remain(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.failed(controller)
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("GET", at(42, "job_host_summaries"), body=FAILED)
        enabled = listed({"id": 2, "modified": "2026-11-20T09:00:00.000000Z"})
        controller.expect("GET", "/api/v2/inventories/1/hosts/", body=enabled)
        self.reported(controller)

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["status"]) == (True, True, "failed")
        assert (result["failed_hosts"], result["remaining_hosts"]) == (["web1"], ["web1", "web2"])

    def test_a_report_that_cannot_be_read_does_not_hide_the_failure(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.failed(controller, job_explanation="Out of disk")
        controller.expect("GET", at(43, "job_host_summaries"), 403, DENIED)

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
        assert "ended with status failed" in result["msg"] and "Out of disk" in result["msg"]
        assert DENIED["detail"] in result["report_error"]

    def test_of_an_adopted_one_too(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        running = relaunched(status="running", limit="")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(running)))
        controller.expect("GET", at(43), body=running)
        controller.expect("GET", at(43), body={**running, "status": "failed", "event_processing_finished": True})
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("GET", at(43, "job_events"), body=listed(self.event("web1", "Start", "no such service")))
        controller.expect("GET", at(43, "stdout"), body={"content": "x"})

        result = relaunch(wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (True, False, 43)
        assert result["failed_hosts"] == ["web1"]
