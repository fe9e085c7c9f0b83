# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode tells what would be done, and sends nothing unsafe."""

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

FORBIDDEN = {"user_capabilities": {"start": False}}


@pytest.fixture(autouse=True)
def nothing_unsafe(controller: ScriptedController) -> t.Iterator[None]:
    controller.whenever("GET", "/api/v2/job_templates/7/", body={"id": 7, "job_type": "run"})
    yield
    assert {asked.method for asked in (*controller.asked, *controller.besides)} == {"GET"}


def first(controller: ScriptedController, status: str = "failed", **source: t.Any) -> None:
    controller.expect("GET", at(42), body=job(42, status, **source))
    controller.expect("GET", JOBS, body=listed())


def counted(controller: ScriptedController, job_id: int, *hosts: dict[str, t.Any]) -> None:
    """What the controller and the job's statistics tell of the hosts that a relaunch would run on."""
    counts = {"all": 3, "failed": len(hosts)}
    controller.expect("GET", at(job_id, "relaunch"), body={"retry_counts": counts})
    controller.expect("GET", at(job_id, "job_host_summaries"), body=listed(*hosts))


def test_tells_the_failed_hosts(controller: ScriptedController, relaunch: Relaunch) -> None:
    first(controller)
    counted(controller, 42, summary("web2"), summary("gone", present=False), summary("web1"))

    result = relaunch(hosts="failed", check_mode=True)

    assert (result["failed"], result["changed"]) == (False, True)
    assert result["hosts"] == result["remaining_hosts"] == ["web1", "web2"]
    assert (result["passwords_missing"], result["relaunched_job_id"]) == ([], 42)
    assert result["retry_counts"] == {"all": 3, "failed": 3}
    assert result["msg"].endswith("would be relaunched on 2 failed hosts: web1, web2.")
    # Nothing was launched, so that no job does the work.
    assert not {"id", "status", "job", "url"} & set(result)


@pytest.mark.parametrize(("wait", "end"), [(False, "on all its hosts."), (True, "on all its hosts and waited for.")])
def test_tells_all_hosts(controller: ScriptedController, relaunch: Relaunch, wait: bool, end: str) -> None:
    first(controller)
    counted(controller, 42, summary("web1", failed=False), summary("web2"))

    result = relaunch(check_mode=True, wait=wait)

    assert (result["changed"], result["hosts"], "remaining_hosts" in result) == (True, ["web1", "web2"], False)
    assert result["msg"].endswith(end)
    assert "failed" not in controller.asked[3].query


def test_fails_as_the_real_run_and_names_the_missing_passwords(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    needed = ["ssh_password", "vault_password.dev"]
    first(controller, passwords_needed_to_start=needed)
    counted(controller, 42, summary("web1"))

    result = relaunch(hosts="failed", check_mode=True, credential_passwords={"vault_password.dev": ""})

    assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
    assert (result["hosts"], result["passwords_missing"]) == (["web1"], needed)
    assert "ssh_password, vault_password.dev" in result["msg"]


def test_a_user_who_may_not_start_it_would_be_refused(controller: ScriptedController, relaunch: Relaunch) -> None:
    first(controller, summary_fields=FORBIDDEN)

    result = relaunch(check_mode=True)

    assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
    assert "does not let this user start job 42" in result["msg"] and "execute role" in result["msg"]


def test_a_job_without_failed_hosts_would_be_refused(controller: ScriptedController, relaunch: Relaunch) -> None:
    first(controller, "canceled")
    counted(controller, 42)

    result = relaunch(hosts="failed", check_mode=True)

    assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
    assert "status canceled" in result["msg"] and "hosts: all" in result["msg"]


def test_what_cannot_be_counted_is_told(controller: ScriptedController, relaunch: Relaunch) -> None:
    first(controller)
    controller.expect("GET", at(42, "relaunch"), 403, DENIED)

    result = relaunch(check_mode=True)

    assert (result["failed"], result["changed"], result["relaunched_job_id"]) == (True, False, 42)
    assert DENIED["detail"] in result["msg"]


class TestRelaunchesThatAreThere:
    def found(self, controller: ScriptedController, *later: dict[str, t.Any]) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(*map(in_list, later)))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))

    def failed(self, controller: ScriptedController, **detail: t.Any) -> None:
        self.found(controller, relaunched(43, "failed"))
        hosts = listed(summary("web1", failed=False), summary("web2"))
        controller.expect("GET", at(43, "job_host_summaries"), body=hosts)
        controller.expect("GET", at(43), body=relaunched(43, "failed", **detail))

    def test_the_chain_is_predicted(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.failed(controller)
        controller.expect("GET", at(43, "relaunch"), body={"retry_counts": {"all": 3, "failed": 1}})

        result = relaunch(hosts="failed", check_mode=True, diff=True)

        assert (result["changed"], result["relaunched_job_id"], result["hosts"]) == (True, 43, ["web2"])
        assert result["remaining_hosts"] == ["web2"]
        assert (result["diff"]["after"]["limit"], result["diff"]["after"]["status"]) == ("web2", "pending")
        assert result["diff"]["after_header"] == "relaunch of job 43 (check mode)"

    def test_the_way_round_a_forbidden_one_is_predicted(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.failed(controller, summary_fields=FORBIDDEN)
        controller.expect("GET", at(42, "relaunch"), body={"retry_counts": {"all": 3, "failed": 2}})

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["changed"], result["relaunched_job_id"]) == (True, 42)
        assert (result["hosts"], result["remaining_hosts"]) == (["web1", "web2"], ["web2"])

    @pytest.mark.parametrize(("wait", "end"), [(False, "is running already."), (True, "It would be waited for.")])
    def test_a_running_one_would_be_adopted(
        self, controller: ScriptedController, relaunch: Relaunch, wait: bool, end: str
    ) -> None:
        self.found(controller, relaunched(43, "running"))
        controller.expect("GET", at(43), body=relaunched(43, "running"))

        result = relaunch(hosts="failed", check_mode=True, wait=wait)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert result["msg"].endswith(end)

    def test_one_that_succeeded_is_the_answer(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.found(controller, relaunched(43, "successful"))
        hosts = listed(summary("web1", failed=False), summary("web2", failed=False))
        controller.expect("GET", at(43, "job_host_summaries"), body=hosts)
        controller.expect("GET", at(43), body=relaunched(43, "successful"))

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)


def test_an_active_source(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", at(42), body=job(42, "running"))
    controller.whenever("GET", at(42), body=job(42, "successful"))

    result = relaunch(hosts="failed", check_mode=True, wait=True)

    assert (result["failed"], result["changed"]) == (False, False)
