# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that were asked for and did not run: disabled ones, and those that the play leaves out."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
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

HOSTS = "/api/v2/inventories/1/hosts/"


def waited_for(controller: ScriptedController, **ended: t.Any) -> None:
    controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 2}))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, relaunched())
    controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", at(43), body=relaunched(status="successful", **ended))


def found(controller: ScriptedController, status: str, *of_relaunch: dict[str, t.Any]) -> None:
    """A source that failed on web1 and web2, and a relaunch of both that ended."""
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, status))))
    controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
    controller.expect("GET", at(43, "job_host_summaries"), body=listed(*of_relaunch))


BOTH_FAILED = listed(summary("web1"), summary("web2"))
NEVER_CHANGED = {"id": 2, "modified": "2026-11-20T09:00:00.000000Z"}
ENABLED_SINCE = {"id": 2, "modified": "2026-11-23T09:00:00.000000Z"}


class TestAfterWaiting:
    @pytest.mark.parametrize("counts", [{"ok": 1}, None, {}])
    @pytest.mark.parametrize(
        "enabled", [(), (NEVER_CHANGED,), (ENABLED_SINCE,)], ids=["disabled", "left out by the play", "enabled since"]
    )
    def test_they_are_warned_about_and_remain(
        self, controller: ScriptedController, relaunch: Relaunch, counts: dict[str, int] | None, enabled: t.Any
    ) -> None:
        waited_for(controller, host_status_counts=counts)
        controller.expect("GET", at(42, "job_host_summaries"), body=BOTH_FAILED)
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1", failed=False)))
        controller.expect("GET", HOSTS, body=listed(*enabled))

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["status"]) == (False, True, "successful")
        assert (result["failed_hosts"], result["remaining_hosts"]) == ([], ["web2"])
        (warning,) = result["warnings"]
        assert "Did not run in job 43, though asked for: web2." in str(warning)

    def test_a_job_that_counts_all_of_them_needs_no_asking(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        waited_for(controller, host_status_counts={"ok": 1, "changed": 1})

        result = relaunch(hosts="failed", wait=True)

        assert (result["remaining_hosts"], "warnings" in result) == ([], False)

    def test_one_that_counts_as_many_may_count_others(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        whole = relaunched(43, "running", limit="")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(whole)))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.expect("GET", at(43), body=whole)
        controller.expect("GET", at(43), body=relaunched(43, "successful", limit="", host_status_counts={"ok": 2}))
        ran = listed(summary("web1", failed=False), summary("web3", failed=False))
        controller.expect("GET", at(43, "job_host_summaries"), body=ran)
        controller.expect("GET", HOSTS, body=listed())

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["remaining_hosts"]) == (False, ["web2"])

    def test_a_host_that_was_renamed_meanwhile_has_run(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        waited_for(controller, host_status_counts=None)
        controller.expect("GET", at(42, "job_host_summaries"), body=BOTH_FAILED)
        renamed = summary("web2", failed=False, now="db2")
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1", failed=False), renamed))

        result = relaunch(hosts="failed", wait=True)

        assert (result["remaining_hosts"], "warnings" in result) == ([], False)

    def test_the_job_is_told_though_its_hosts_cannot_be_read(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        waited_for(controller)
        controller.expect("GET", at(42, "job_host_summaries"), body=BOTH_FAILED)
        controller.expect("GET", at(43, "job_host_summaries"), 403, DENIED)

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, "successful")


class TestRunAgain:
    """The relaunch was successful, and web2 did not run in it."""

    @pytest.mark.parametrize(
        "answer",
        [
            {"body": listed()},
            {"body": listed({"id": 2, "modified": "2026-11-23T00:42:59.000000Z"})},
            {"status": 403, "body": DENIED},
            {"status": 404, "body": {"detail": "Not found."}},
        ],
        ids=["disabled", "not changed since", "the inventory may not be read", "the inventory is gone"],
    )
    def test_nothing_is_launched_for_what_was_taken_out_on_purpose(
        self, controller: ScriptedController, relaunch: Relaunch, answer: dict[str, t.Any]
    ) -> None:
        found(controller, "successful", summary("web1", failed=False))
        controller.expect("GET", HOSTS, **answer)
        controller.expect("GET", at(43), body=relaunched(status="successful"))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert result["remaining_hosts"] == ["web2"]
        assert "that can run have succeeded since" in result["msg"]
        (warning,) = result["warnings"]
        assert "Did not run, though asked for: web2." in str(warning)
        asked = controller.asked[4].query
        assert (asked["enabled"], asked["id__in"]) == ("true", "2")

    def test_one_that_was_enabled_since_is_due(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        found(controller, "successful", summary("web1", failed=False))
        controller.expect("GET", HOSTS, body=listed(ENABLED_SINCE))
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["remaining_hosts"]) == (True, 44, ["web2"])

    def test_one_that_a_failed_job_did_not_get_to_is_due(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, "failed", summary("web1"))
        controller.expect("GET", HOSTS, body=listed(NEVER_CHANGED))
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["remaining_hosts"]) == (True, 44, ["web1", "web2"])

    def test_what_a_canceled_job_was_to_do_is_due_as_before(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """It has no statistics: the host that it got to may have been stopped anywhere."""
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "canceled"))))
        controller.expect("GET", at(42, "job_host_summaries"), body=BOTH_FAILED)
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["remaining_hosts"]) == (True, 44, ["web1", "web2"])

    def test_where_none_can_run_nothing_is_launched(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        nobody = relaunched(43, "successful", limit="web1")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(nobody)))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1")))
        controller.whenever("GET", at(43, "job_host_summaries"), body=listed())
        controller.whenever("GET", at(43), body=nobody)
        controller.expect("GET", HOSTS, body=listed())

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert result["remaining_hosts"] == ["web1"]
        assert result["msg"] == "None of the hosts that job 42 failed on can run now: nothing to relaunch."

    def test_trouble_with_the_inventory_is_told(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        found(controller, "successful", summary("web1", failed=False))
        controller.expect("GET", HOSTS, 500, {"detail": "Oops."})

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "Oops." in result["msg"]
