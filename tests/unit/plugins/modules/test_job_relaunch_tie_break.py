# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of callers in the same instant one job stays: the one with the lowest number."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
    HTML,
    JOBS,
    at,
    in_list,
    job,
    listed,
    prompts,
    relaunched,
    summary,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

OWN = relaunched(44)


def launched(controller: ScriptedController, *rivals: dict[str, t.Any], own: dict[str, t.Any] = OWN) -> None:
    """A launch, and what the look at other callers shows after it."""
    controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 2}))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, own)
    controller.expect("GET", JOBS, body=listed(*map(in_list, rivals), in_list(own)))


@pytest.mark.parametrize("limit", ["web1,web2", "web2, web1", "web1,web2,web3", "web1:web2", "web*", ""])
def test_a_lower_one_of_the_same_is_taken_and_the_own_canceled(
    controller: ScriptedController, relaunch: Relaunch, limit: str
) -> None:
    launched(controller, relaunched(43, limit=limit))
    controller.expect("POST", at(44, "cancel"), 202)

    result = relaunch(hosts="failed")

    assert (result["failed"], result["changed"], result["id"], result["own_job_id"]) == (False, False, 43, 44)
    assert (result["status"], result["limit"]) == ("pending", limit)
    assert result["url"].endswith("/jobs/playbook/43/output")
    assert result["msg"] == (
        "Another caller had launched the same work in the same instant, as job 43, which is taken instead of this "
        "task's own job 44. That was canceled; it may have begun."
    )


def test_the_lowest_of_several_is_taken(controller: ScriptedController, relaunch: Relaunch) -> None:
    own = relaunched(46)
    launched(controller, relaunched(43, "canceled"), relaunched(44), relaunched(45), own=own)
    controller.expect("POST", at(46, "cancel"), 202)

    assert relaunch(hosts="failed")["id"] == 44


@pytest.mark.parametrize(
    "other",
    [
        relaunched(45),
        relaunched(43, "canceled"),
        relaunched(43, "failed"),
        relaunched(43, limit="web1"),
        relaunched(43, limit="web1,db1"),
        relaunched(43, limit="all:!web2"),
        relaunched(43, limit="web"),
        relaunched(43, job_type="check"),
        relaunched(43, unified_job_template=8),
        relaunched(43, job_slice_number=1, job_slice_count=2),
    ],
    ids=[
        "higher",
        "canceled",
        "failed",
        "a part",
        "other hosts",
        "all but one",
        "perhaps",
        "a check",
        "another template",
        "a slice",
    ],
)
def test_another_one_is_no_rival(controller: ScriptedController, relaunch: Relaunch, other: dict[str, t.Any]) -> None:
    launched(controller, other)

    result = relaunch(hosts="failed")

    assert (result["changed"], result["id"], "own_job_id" in result) == (True, 44, False)


def test_one_on_some_hosts_is_no_rival_of_one_on_all(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, relaunched(43, limit="web1"), own=relaunched(44, limit=""))

    assert relaunch()["id"] == 44


@pytest.mark.parametrize(("theirs", "taken"), [({"a": 1}, 43), ({"a": 2}, 44)], ids=["same", "other"])
def test_where_values_differ_the_prompts_decide(
    controller: ScriptedController, relaunch: Relaunch, theirs: dict[str, int], taken: int
) -> None:
    launched(controller, relaunched(43, extra_vars='{"a": 1, "of_template": 2}'))
    controller.expect("GET", at(42, "create_schedule"), body=prompts(extra_vars={"a": 1}))
    controller.expect("GET", at(43, "create_schedule"), body=prompts(extra_vars=theirs, limit="web1,web2"))
    controller.whenever("POST", at(44, "cancel"), 202)

    assert relaunch(hosts="failed")["id"] == taken
    assert len(controller.besides) == (1 if taken == 43 else 0)


def test_where_canceling_comes_too_late_both_are_named(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, relaunched(43))
    controller.expect("POST", at(44, "cancel"), 405, {"detail": "Method not allowed."})
    controller.expect("GET", at(44), body=relaunched(44, "successful"))

    result = relaunch(hosts="failed")

    assert (result["failed"], result["changed"], result["id"], result["own_job_id"]) == (False, True, 43, 44)
    assert "job 43" in result["msg"] and "job 44" in result["msg"]
    assert result["msg"].endswith("It ended before it could be canceled. So both ran.")


def test_a_cancel_whose_answer_was_lost_was_carried_out(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, relaunched(43))
    controller.expect("POST", at(44, "cancel"), fault="close")
    controller.expect("POST", at(44, "cancel"), 405, {"detail": "Method not allowed."})
    controller.expect("GET", at(44), body=relaunched(44, "canceled"))

    result = relaunch(hosts="failed", max_retries=1)

    assert (result["changed"], result["id"], result["own_job_id"]) == (False, 43, 44)


def test_a_cancel_is_tried_again(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, relaunched(43))
    controller.expect("POST", at(44, "cancel"), 503, HTML)
    controller.expect("POST", at(44, "cancel"), 202)

    result = relaunch(hosts="failed", max_retries=1)

    assert (result["changed"], result["id"]) == (False, 43)


def test_a_cancel_that_is_forbidden_leaves_both(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, relaunched(43))
    controller.expect("POST", at(44, "cancel"), 403, DENIED)

    result = relaunch(hosts="failed")

    assert (result["failed"], result["changed"], result["id"], result["own_job_id"]) == (False, True, 43, 44)
    assert "Canceling it failed" in result["msg"] and DENIED["detail"] in result["msg"]


def test_the_others_is_waited_for_as_the_own_would_be(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, relaunched(43))
    controller.expect("POST", at(44, "cancel"), 202)
    controller.expect("GET", at(43), body=relaunched(43, "running"))
    controller.expect("GET", at(43), body=relaunched(43, "successful", host_status_counts={"ok": 2}))

    result = relaunch(hosts="failed", wait=True)

    assert (result["failed"], result["changed"], result["id"], result["own_job_id"]) == (False, False, 43, 44)
    assert (result["status"], result["remaining_hosts"]) == ("successful", [])


def test_the_others_is_never_canceled(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, relaunched(43))
    controller.expect("POST", at(44, "cancel"), 202)
    controller.whenever("GET", at(43), body=relaunched(43, "running"))

    result = relaunch(hosts="failed", wait=True, timeout=60, cancel_on_timeout=True)

    assert (result["failed"], result["changed"], result["id"]) == (True, False, 43)
    assert "It goes on" in result["msg"]


def test_the_failure_of_the_others_is_told(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, relaunched(43, limit=""), own=relaunched(44, limit=""))
    controller.expect("POST", at(44, "cancel"), 202)
    controller.expect("GET", at(43), body=relaunched(43, "failed", limit=""))
    controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web2")))
    controller.expect("GET", at(43, "job_events"), body=listed())
    controller.expect("GET", at(43, "stdout"), body={"content": ""})

    result = relaunch(wait=True)

    assert (result["failed"], result["changed"], result["id"], result["failed_hosts"]) == (True, False, 43, ["web2"])


class TestAdoptedOneThatGivesWay:
    """The job that was taken gave way itself, to a still lower one that was not to be seen before."""

    def canceled(self, controller: ScriptedController, *listed_then: dict[str, t.Any]) -> None:
        own = relaunched(45)
        launched(controller, relaunched(44), own=own)
        controller.expect("POST", at(45, "cancel"), 202)
        controller.expect("GET", at(44), body=relaunched(44, "canceled"))
        controller.expect("GET", JOBS, body=listed(*map(in_list, listed_then)))

    @pytest.mark.parametrize("status", ["running", "successful"])
    def test_the_lower_one_is_taken(self, controller: ScriptedController, relaunch: Relaunch, status: str) -> None:
        self.canceled(controller, relaunched(43, status), relaunched(44, "canceled"))
        if status == "running":
            controller.expect("GET", at(43), body=relaunched(43, "successful", host_status_counts={"ok": 2}))
        else:
            summaries = listed(summary("web1", failed=False), summary("web2", failed=False))
            controller.whenever("GET", at(43), body=relaunched(43, "successful"))
            controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
            controller.expect("GET", at(43, "job_host_summaries"), body=summaries)

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"], result["own_job_id"]) == (False, False, 43, 45)
        assert "Job 44 was canceled in favour of job 43, the same work." in result["msg"]

    def test_one_whose_success_was_taken_back_before_is_not(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """Somebody canceled the job that was adopted, in favour of nothing."""
        before = [relaunched(43, "successful"), relaunched(44, "failed")]
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(*map(in_list, (*before, relaunched(45)))))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.expect("GET", at(44, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.expect("GET", at(45), body=relaunched(45, "canceled"))
        canceled = listed(*map(in_list, (*before, relaunched(45, "canceled"))))
        controller.expect("GET", JOBS, body=canceled)
        controller.expect("GET", at(45, "job_host_summaries"), body=listed())
        controller.expect("GET", JOBS, body=canceled)
        controller.expect("GET", at(45, "job_events"), body=listed())
        controller.expect("GET", at(45, "stdout"), body={"content": ""})

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["id"], result["status"]) == (True, 45, "canceled")
        assert (result["remaining_hosts"], "report_error" in result) == (["web1", "web2"], False)

    def test_the_lower_one_may_have_come_to_light_late(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """Its number is lower than those of all jobs that were seen at first."""
        lower, higher, own = (relaunched(number, limit="") for number in (43, 45, 46))
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(44, "failed", limit="web9"))))
        controller.expect("POST", at(42, "relaunch"), 201, own)
        controller.expect("GET", JOBS, body=listed(in_list(higher), in_list(own)))
        controller.expect("POST", at(46, "cancel"), 202)
        controller.expect("GET", at(45), body={**higher, "status": "canceled"})
        controller.expect("GET", JOBS, body=listed(in_list(lower)))
        controller.expect("GET", at(43), body={**lower, "status": "successful"})

        result = relaunch(wait=True)

        assert (result["failed"], result["changed"], result["id"], result["own_job_id"]) == (False, False, 43, 46)
        assert [asked.query["id__gt"] for asked in controller.asked if asked.path == JOBS] == ["42"] * 3

    def test_where_there_is_none_it_was_canceled_by_somebody(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.canceled(controller, relaunched(43, "failed"), relaunched(44, "canceled"))
        controller.expect("GET", at(44, "job_host_summaries"), body=listed())
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.expect("GET", at(44, "job_events"), body=listed())
        controller.expect("GET", at(44, "stdout"), body={"content": ""})

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, False, 44, "canceled")
        assert (result["remaining_hosts"], "report_error" in result) == (["web1", "web2"], False)

    def test_one_that_was_found_running_at_first_too(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        lower, higher = relaunched(43, limit=""), relaunched(44, limit="")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(higher)))
        controller.expect("GET", at(44), body=higher)
        controller.expect("GET", at(44), body={**higher, "status": "canceled"})
        controller.expect("GET", JOBS, body=listed(in_list(lower)))
        controller.expect("GET", at(43), body={**lower, "status": "successful"})

        result = relaunch(wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)


def test_with_force_there_is_no_looking(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, OWN)

    result = relaunch(hosts="failed", force=True)

    assert (result["changed"], result["id"], controller.methods()) == (True, 44, ["GET", "GET", "POST"])


@pytest.mark.parametrize("answer", [{"status": 403, "body": DENIED}, {"status": 502, "body": HTML}, {"body": {}}])
def test_a_look_that_fails_is_a_warning(
    controller: ScriptedController, relaunch: Relaunch, answer: dict[str, t.Any]
) -> None:
    controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 2}))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, OWN)
    controller.expect("GET", JOBS, **answer)
    controller.expect("GET", at(44), body=relaunched(44, "successful", host_status_counts={"ok": 2}))
    # What has become of the hosts is decided on a list that is answered.
    controller.expect("GET", JOBS, body=listed())

    result = relaunch(hosts="failed", wait=True)

    assert (result["failed"], result["changed"], result["id"], result["status"]) == (False, True, 44, "successful")
    (warning,) = result["warnings"]
    assert "Whether another caller launched the same work is not known" in str(warning)
