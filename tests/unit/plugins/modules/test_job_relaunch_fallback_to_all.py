# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the failed hosts are not known or not all of the work: all hosts, if the task says so."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
    JOBS,
    STOPPED,
    WENT_ON,
    at,
    in_list,
    job,
    listed,
    of_task,
    relaunched,
    summary,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]


class TestNoFailedHosts:
    @pytest.mark.parametrize("force", [False, True])
    def test_all_are_taken_where_none_are_known(
        self, controller: ScriptedController, relaunch: Relaunch, force: bool
    ) -> None:
        controller.expect("GET", at(42), body=job(42, "canceled"))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(42, "job_host_summaries"), body=listed())
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit=""))
        if not force:
            controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed", fallback_to_all=True, force=force)

        assert result["changed"] is True and "all its hosts" in result["msg"]
        assert controller.asked[3].body == {"hosts": "all"}
        assert "hosts" not in result

    def test_the_failed_ones_are_taken_where_they_are_known(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit="web1"))
        controller.expect("GET", JOBS, body=listed())

        assert relaunch(hosts="failed", fallback_to_all=True)["hosts"] == ["web1"]
        assert controller.asked[3].body == {"hosts": "failed"}

    def test_what_was_taken_then_is_the_next_base(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        whole = relaunched(43, "failed", limit="")
        controller.expect("GET", at(42), body=job(42, "error"))
        controller.expect("GET", JOBS, body=listed(in_list(whole)))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed())
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("GET", at(43), body=whole)
        controller.expect("POST", at(43, "relaunch"), 201, relaunched(44, limit="web1"))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed", fallback_to_all=True)

        assert (result["changed"], result["id"], result["hosts"]) == (True, 44, ["web1"])
        assert controller.asked[5].body == {"hosts": "failed"}

    def test_what_succeeded_then_is_the_answer(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        whole = relaunched(43, "successful", limit="")
        controller.expect("GET", at(42), body=job(42, "error"))
        controller.expect("GET", JOBS, body=listed(in_list(whole)))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed())
        controller.expect("GET", at(43), body=whole)

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert result["remaining_hosts"] == []


STARTED = "playbook_on_task_start"
FAILED = of_task("Install", 5, "runner_on_failed", host_name="web1", failed=True)


class TestCutShort:
    """Job 42 stopped at its first failure, though web2 had not failed; its failed host has succeeded since."""

    SOURCE = job(42, host_status_counts={"ok": 1, "failures": 1})
    BOTH_WELL = listed(summary("web1", failed=False), summary("web2", failed=False))
    PARTIAL = relaunched(43, "successful", limit="web1", host_status_counts={"ok": 1})

    @pytest.fixture(autouse=True)
    def events(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        # After `relaunch`, whose events tell of nothing.
        controller.whenever("GET", at(42, "job_events"), body=STOPPED, event__in=STARTED)
        controller.whenever("GET", at(43, "job_events"), body=WENT_ON, event__in=STARTED)
        controller.whenever(
            "GET", at(42, "job_events"), body=listed(FAILED), event__in="runner_on_failed", failed="true"
        )
        # All of its hosts, where that is asked.
        both = listed(summary("web1"), summary("web2", failed=False))
        controller.whenever("GET", at(42, "job_host_summaries"), body=both)

    def recovered(self, controller: ScriptedController, told_of: bool = False) -> None:
        """:param told_of: nothing is launched, so that the relaunch is what there is to tell of."""
        controller.expect("GET", at(42), body=self.SOURCE)
        controller.expect("GET", JOBS, body=listed(in_list(self.PARTIAL)))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1", failed=False)))
        if told_of:
            controller.expect("GET", at(43), body=self.PARTIAL)

    def launched(self, controller: ScriptedController) -> None:
        controller.expect("GET", at(42), body=self.SOURCE)
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(43, limit="web1"))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(43), body=self.PARTIAL)

    @pytest.mark.parametrize("check_mode", [False, True])
    def test_what_was_found_done_fails(
        self, controller: ScriptedController, relaunch: Relaunch, check_mode: bool
    ) -> None:
        self.recovered(controller, told_of=True)

        result = relaunch(hosts="failed", check_mode=check_mode)

        assert (result["failed"], result["changed"], result["id"], result["cut_short"]) == (True, False, 43, True)
        assert (result["remaining_hosts"], result["stopped_hosts"]) == ([], ["web2"])
        assert result["msg"] == (
            'Of job 42 web1 succeeded since, last in job 43. Job 42 stopped before its end at task "Install" of play '
            '"Deploy": it has not been done on web2, though they did not fail. Relaunch it with hosts: remaining, '
            "which leaves out what is done, or with hosts: all, or set "
            f"fallback_to_all: true. See {controller.url}/#/jobs/playbook/42/output"
        )

    def test_what_was_launched_and_succeeded_fails(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.launched(controller)

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"], result["cut_short"]) == (True, True, 43, True)
        assert (result["status"], result["remaining_hosts"]) == ("successful", [])
        assert (result["stopped_hosts"], "it has not been done on web2" in result["msg"]) == (["web2"], True)
        assert f"See {controller.url}/#/jobs/playbook/42/output" in result["msg"]

    def test_without_wait_it_is_not_known_yet(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=self.SOURCE)
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(43, limit="web1"))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], "cut_short" in result) == (False, True, False)
        # The name of a single host has to be known before.
        assert [asked.path for asked in controller.besides] == [at(42, "job_host_summaries")]

    def test_with_fallback_all_are_next(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.recovered(controller)
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed", fallback_to_all=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 44)
        assert controller.asked[4].body == {"hosts": "all"}
        assert 'Job 42 stopped before its end at task "Install"' in result["msg"]
        assert "it has not been done on web2" in result["msg"]
        assert "cut_short" not in result

    def relaunched_on_failed(self, controller: ScriptedController) -> None:
        """Expect a relaunch on the failed hosts, which succeeds as job 43, with a look at what is next."""
        controller.expect("GET", at(42), body=self.SOURCE)
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(43, limit="web1"))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(43), body=self.PARTIAL)
        # What it has come to, and what is next, on a list each.
        controller.expect("GET", JOBS, body=listed(in_list(self.PARTIAL)))
        controller.expect("GET", JOBS, body=listed(in_list(self.PARTIAL)))

    def test_with_fallback_all_hosts_follow_the_failed_ones(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.relaunched_on_failed(controller)
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(44), body=relaunched(44, "successful", limit=""))
        controller.expect("GET", JOBS, body=listed(in_list(self.PARTIAL)))
        controller.expect("GET", at(44, "job_host_summaries"), body=self.BOTH_WELL)

        result = relaunch(hosts="failed", fallback_to_all=True, wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 44)
        assert [asked.body for asked in controller.asked if asked.method == "POST"] == [
            {"hosts": "failed"},
            {"hosts": "all"},
        ]

    def test_the_hosts_that_fail_then_remain(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.recovered(controller)
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(44), body=relaunched(44, "failed", limit=""))
        controller.expect(
            "GET", at(44, "job_host_summaries"), body=listed(summary("web1", failed=False), summary("web2"))
        )
        controller.expect("GET", JOBS, body=listed(in_list(self.PARTIAL)))
        # It went on to the last task, with web1.
        failed = listed({**FAILED, "host_name": "web2"})
        controller.whenever("GET", at(44, "job_events"), body=WENT_ON, event__in=STARTED)
        controller.whenever("GET", at(44, "job_events"), body=failed, event__in="runner_on_failed")
        controller.expect("GET", at(44, "stdout"), body={"content": ""})

        result = relaunch(hosts="failed", fallback_to_all=True, wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (True, True, 44)
        assert result["failed_hosts"] == result["remaining_hosts"] == ["web2"]

    def test_an_unknown_second_launch_is_not_told_as_the_first_job(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.recovered(controller)
        controller.expect("POST", at(42, "relaunch"), fault="close")
        controller.whenever("GET", JOBS, body=listed())

        result = relaunch(hosts="failed", fallback_to_all=True)

        assert (result["failed"], result["changed"], "id" in result) == (True, True, False)
        assert "It is unknown whether job 42 was relaunched" in result["msg"]

    def test_a_success_on_all_hosts_is_all_of_the_work(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        whole = relaunched(43, "running", limit="")
        controller.expect("GET", at(42), body=self.SOURCE)
        controller.expect("GET", JOBS, body=listed(in_list(whole)))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("GET", at(43), body=whole)
        controller.expect("GET", at(43), body=relaunched(43, "successful", limit=""))
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1", failed=False)))

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        events = [asked for asked in controller.besides if asked.path.endswith("/job_events/")]
        assert (events, "cut_short" in result) == ([], False)

    def test_a_loser_of_the_second_launch_has_changed_something(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.relaunched_on_failed(controller)
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(45, limit=""))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(44, limit=""))))
        controller.expect("POST", at(45, "cancel"), 202)
        controller.expect("GET", at(44), body=relaunched(44, "successful", limit=""))
        controller.expect("GET", JOBS, body=listed(in_list(self.PARTIAL)))
        controller.expect("GET", at(44, "job_host_summaries"), body=self.BOTH_WELL)

        result = relaunch(hosts="failed", fallback_to_all=True, wait=True)

        assert (result["failed"], result["changed"], result["id"], result["own_job_id"]) == (False, True, 44, 45)

    @pytest.mark.parametrize("fallback_to_all", [False, True])
    def test_a_whole_relaunch_that_succeeded_meanwhile_is_the_answer(
        self, controller: ScriptedController, relaunch: Relaunch, fallback_to_all: bool
    ) -> None:
        whole = relaunched(44, "successful", limit="")
        controller.expect("GET", at(42), body=self.SOURCE)
        controller.expect("GET", JOBS, body=listed(in_list(self.PARTIAL), in_list(whole)))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("GET", at(44, "job_host_summaries"), body=self.BOTH_WELL)
        controller.expect("GET", at(44), body=whole)

        result = relaunch(hosts="failed", fallback_to_all=fallback_to_all)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 44)
        assert controller.besides == []

    def test_a_question_that_fails_does_not_lose_the_job(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.launched(controller)
        controller.whenever("GET", at(42, "job_events"), 500, {"detail": "Oops."})

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
        told = "Oops. Job 43 had been launched and has ended with status successful. Run the task again to go on."
        assert result["msg"].endswith(told)

    def test_to_who_may_not_read_the_events_nothing_is_called_done(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.launched(controller)
        controller.whenever("GET", at(42, "job_events"), 403, DENIED)

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"], result["cut_short"]) == (True, True, 43, True)
        assert (result["remaining_hosts"], result["stopped_hosts"]) == ([], ["web2"])
        why = "cannot be known: its events may not be read."
        assert f"Whether job 42 stopped before its end for hosts that did not fail {why}" in result["msg"]
