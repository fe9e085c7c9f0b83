# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of a job that ended badly."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._launch.failure_report import (
    FAILURES_LIMIT,
    MESSAGE_LIMIT,
    PAGES_READ,
    SHOWN_MESSAGE,
    TAIL_LIMIT,
    FailureReport,
    explained,
    failures,
    stdout_tail,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import at, job, listed, summary
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

EVENTS = at(43, "job_events")
NEVER_BEGAN = {"status": "failed", "started": None}
#: The explanation of a job before which an update failed (recorded: never-began-project-detail).
UPDATE_FAILED = 'Previous Task Failed: {{"job_type": "{}", "job_name": "{}", "job_id": "1066"}}'
UPDATE_CANCELED = 'Previous Task Canceled: {"job_type": "project_update", "job_name": "Site", "job_id": "1066"}'
NO_POD = (
    'Traceback (most recent call last):\n  File "awx/main/tasks.py", line 14, in run\n    raise RuntimeError(detail)\n'
    "RuntimeError: Error creating pod: timed out waiting for the condition, ImagePullBackOff\n"
)
NO_POD_SAID = "RuntimeError: Error creating pod: timed out waiting for the condition, ImagePullBackOff"
NO_REVISION = {"status": "error", "job_explanation": "Missing a revision."}


def event(host: str, message: t.Any = "no", **data: t.Any) -> dict[str, t.Any]:
    result = message if isinstance(message, dict) else {"msg": message}
    return {
        "event": "runner_on_failed",
        "host_name": host,
        "play": "Deploy",
        "task": "Start",
        "event_data": {"task_action": "command", "res": result, **data},
    }


def failed(*names: str) -> list[HostSummary]:
    return [HostSummary.of(summary(name)) for name in names]


class TestFailures:
    def test_the_last_failed_event_of_each_failed_host(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        newest_first = (
            event("web2", "ignored", ignore_errors=True),
            event("web2", "its end"),
            event("web3", "rescued on a host that did not fail"),
            event("web1", "its end"),
            event("web2", "rescued before"),
        )
        controller.expect("GET", EVENTS, body=listed(*newest_first))
        well = HostSummary.of(summary("web3", failed=False))

        found = failures(client, 43, [*failed("web1", "web2"), well])

        assert [(one["host"], one["message"]) for one in found.shown] == [("web1", "its end"), ("web2", "its end")]
        assert found.more == 0
        query = controller.asked[0].query
        assert (query["event__in"], query["order_by"]) == ("runner_on_failed,runner_on_unreachable", "-counter")

    def test_a_host_has_the_name_of_today(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", EVENTS, body=listed(event("web1")))
        renamed = HostSummary.of(summary("web1", now="db1"))
        assert failures(client, 43, [renamed]).shown[0]["host"] == "db1"

    def test_pages_are_read_until_each_has_its_cause(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", EVENTS, body={**listed(event("web1")), "next": "/?page=2"})
        controller.expect("GET", EVENTS, body={**listed(event("web2")), "next": "/?page=3"})

        assert [one["host"] for one in failures(client, 43, failed("web1", "web2")).shown] == ["web2", "web1"]
        assert [asked.query["page"] for asked in controller.asked] == ["1", "2"]

    def test_but_not_for_ever(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.whenever("GET", EVENTS, body={**listed(event("web1", ignore_errors=True)), "next": "/?page=2"})

        found = failures(client, 43, failed("web1"))

        assert (found.shown, found.more, len(controller.besides)) == ((), 1, PAGES_READ)

    def test_many_are_bounded_and_counted(self, controller: ScriptedController, client: ControllerClient) -> None:
        names = [f"web{number}" for number in range(FAILURES_LIMIT + 5)]
        controller.expect("GET", EVENTS, body=listed(*map(event, reversed(names))))

        found = failures(client, 43, failed(*names))

        assert ([one["host"] for one in found.shown], found.more) == (names[:FAILURES_LIMIT], 5)

    @pytest.mark.parametrize("body", [{}, {"results": None}, {"results": {}}, {"results": ["web1"]}])
    def test_an_answer_without_a_list_is_no_empty_one(
        self, controller: ScriptedController, client: ControllerClient, body: dict[str, t.Any]
    ) -> None:
        """By what hosts failed with, rules tell which of them need a person."""
        controller.expect("GET", EVENTS, body=body)

        with pytest.raises(AnswerError, match="without the list"):
            failures(client, 43, failed("web1"))

    def test_no_failed_host(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", EVENTS, body=listed())
        assert failures(client, 43, []) == FailureReport((), 0)

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            ({"msg": "no such unit"}, "no such unit"),
            ({"msg": "non-zero return code", "stderr": "a\nb"}, "non-zero return code: b"),
            ({"msg": "it said b", "stderr": "a\nb"}, "it said b"),
            ({"msg": "", "module_stderr": "Traceback\nKeyError: 'x'"}, "KeyError: 'x'"),
            ({"msg": "\x1b[31mred\x1b[0m\r\n"}, "red"),
            ({"msg": "All items completed", "results": [{"msg": "well"}, {"failed": True, "msg": "third"}]}, "third"),
            ({"msg": "One or more items failed", "results": [{"msg": "well"}, "?"]}, "One or more items failed"),
            ({"msg": "x" * 5000}, "x" * MESSAGE_LIMIT),
        ],
    )
    def test_what_a_task_had_to_say(
        self, controller: ScriptedController, client: ControllerClient, result: dict[str, t.Any], message: str
    ) -> None:
        controller.expect("GET", EVENTS, body=listed(event("web1", result)))
        assert failures(client, 43, failed("web1")).shown[0]["message"] == message

    @pytest.mark.parametrize(("result", "message"), [(None, ""), ("hidden by no_log", "hidden by no_log")])
    def test_a_result_that_is_none(
        self, controller: ScriptedController, client: ControllerClient, result: t.Any, message: str
    ) -> None:
        controller.expect("GET", EVENTS, body=listed({**event("web1"), "event_data": {"res": result}}))
        assert failures(client, 43, failed("web1")).shown[0]["message"] == message

    def test_in_a_sentence(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", EVENTS, body=listed(event("web2"), event("web1", "x" * 500)))
        found = failures(client, 43, failed("web1", "web2", "web3"))
        assert found.first == f" web1: Start: {'x' * SHOWN_MESSAGE} (and 2 more)."
        assert FailureReport((), 3).first == ""


@pytest.mark.parametrize(
    ("content", "tail"),
    [
        ("\n\x1b[0;32mPLAY RECAP\x1b[0m\r\n", "PLAY RECAP"),
        ("\x1b]8;;https://x\x07link\x1b]8;;\x07", "link"),
        (None, ""),
        ("a" + "b" * TAIL_LIMIT, "b" * TAIL_LIMIT),
    ],
)
def test_the_end_of_the_output(
    controller: ScriptedController, client: ControllerClient, content: str | None, tail: str
) -> None:
    controller.expect("GET", at(43, "stdout"), body={"content": content})
    assert stdout_tail(client, 43) == tail
    assert (controller.asked[0].query["format"], controller.asked[0].query["start_line"]) == ("json", "-20")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"job_explanation": "Out of disk"}, ' The controller explains: "Out of disk"'),
        ({"status": "pending", "allow_simultaneous": False}, " Its template allows one job at a time"),
        ({"status": "pending", "allow_simultaneous": True}, " It waits for capacity"),
        ({"status": "waiting", "allow_simultaneous": False}, " It waits for capacity"),
        ({"status": "running"}, ""),
        (
            {**NEVER_BEGAN, "job_explanation": UPDATE_FAILED.format("project_update", "Site")},
            ' The controller explains: "Previous Task Failed: project update 1066 (Site)" Mend what that update failed '
            "with, then update the project Site.",
        ),
        (
            {**NEVER_BEGAN, "job_explanation": UPDATE_FAILED.format("inventory_update", "Lab - cloud")},
            ' The controller explains: "Previous Task Failed: inventory update 1066 (Lab - cloud)" Mend what that '
            "update failed with, then update the inventory source Lab - cloud.",
        ),
        (
            {**NEVER_BEGAN, **NO_REVISION, "summary_fields": {"project": {"name": "Site", "status": "failed"}}},
            ' The controller explains: "Missing a revision." Mend what that update failed with, then update the '
            "project Site.",
        ),
        (
            {**NEVER_BEGAN, **NO_REVISION, "summary_fields": {"project": {"name": "Site", "status": "successful"}}},
            ' The controller explains: "Missing a revision."',
        ),
        (
            {"status": "canceled", "job_explanation": UPDATE_CANCELED},
            ' The controller explains: "Previous Task Canceled: project update 1066 (Site)"',
        ),
        ({"status": "error", "result_traceback": NO_POD}, f' The controller explains: "{NO_POD_SAID}"'),
        (
            {"status": "error", "job_explanation": "Job terminated due to error", "result_traceback": NO_POD},
            f' The controller explains: "Job terminated due to error: {NO_POD_SAID}"',
        ),
        (
            {**NEVER_BEGAN, **NO_REVISION, "result_traceback": "...\nRuntimeError: Missing a revision.\n"},
            ' The controller explains: "Missing a revision."',
        ),
        ({"job_explanation": "Lost: {"}, ' The controller explains: "Lost: {"'),
        ({"job_explanation": 'Lost: {"node": 1}'}, ' The controller explains: "Lost: {"node": 1}"'),
    ],
)
def test_what_a_state_means(facts: dict[str, t.Any], words: str) -> None:
    said = explained(Job.of(job(43, **facts)))
    assert said.startswith(words) and bool(said) == bool(words)
    assert said == words or not words.endswith((".", '"'))
