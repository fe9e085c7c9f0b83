# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task that runs again finds: the relaunches of the same work that are there already."""

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
    prompts,
    relaunched,
    summary,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

BOTH_WELL = listed(summary("web1", failed=False), summary("web2", failed=False))
WEB2_FAILED = listed(summary("web1", failed=False), summary("web2"))
HOSTS = "/api/v2/inventories/1/hosts/"


def found(controller: ScriptedController, *later: dict[str, t.Any], **source: t.Any) -> None:
    """A source that failed on web1 and web2, and later jobs of its template that are the same work."""
    controller.expect("GET", at(42), body=job(42, **source))
    controller.expect("GET", JOBS, body=listed(*map(in_list, later)))
    controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))


def deleted(controller: ScriptedController, name: str, failed_in: int) -> None:
    """A failed host that has no row in the inventory any more, and had one when it failed."""
    controller.expect("GET", HOSTS, body=listed())
    controller.expect("GET", at(failed_in, "job_events"), body=listed({"host": 9, "host_name": name}))


def launched(controller: ScriptedController, of: int, new: dict[str, t.Any]) -> None:
    controller.expect("POST", at(of, "relaunch"), 201, new)
    controller.expect("GET", JOBS, body=listed(in_list(new)))


class TestRunning:
    def test_is_adopted(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        found(controller, relaunched(43, "running"))
        controller.expect("GET", at(43), body=relaunched(43, "running"))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert (result["status"], result["source_job_id"]) == ("running", 42)
        assert "relaunched_job_id" not in result
        assert result["hosts"] == result["remaining_hosts"] == ["web1", "web2"]
        assert result["msg"] == "Job 43, a relaunch of job 42, is running already."

    def test_with_the_sources_limit_is_adopted_with_the_hosts_asked(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "running", limit="webservers"), limit="webservers")
        controller.expect("GET", at(43), body=relaunched(43, "running", limit="webservers"))

        assert relaunch(hosts="failed")["hosts"] == ["web1", "web2"]

    @pytest.mark.parametrize("launch_type", ["manual", "scheduled", "callback", "workflow", "webhook"])
    def test_is_adopted_whatever_launched_it(
        self, controller: ScriptedController, relaunch: Relaunch, launch_type: str
    ) -> None:
        running = job(43, "running", launch_type=launch_type)
        found(controller, running)
        controller.expect("GET", at(43), body=running)

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert result["msg"] == "Job 43, the same work as job 42, is running already."

    def test_is_waited_for(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        found(controller, relaunched(43, "running"))
        controller.expect("GET", at(43), body=relaunched(43, "running"))
        controller.expect("GET", at(43), body=relaunched(43, "successful", host_status_counts={"ok": 2}))

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert (result["status"], result["failed_hosts"], result["remaining_hosts"]) == ("successful", [], [])

    def test_of_all_hosts_is_waited_for(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        running = relaunched(43, "running", limit="")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(running)))
        controller.expect("GET", at(43), body=running)
        controller.expect("GET", at(43), body={**running, "status": "successful"})

        result = relaunch(wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert "remaining_hosts" not in result

    def test_by_the_names_of_then(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        running = relaunched(43, "running", limit="web1,web2")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(running)))
        renamed, gone = summary("web1", now="db1"), summary("web2", present=False)
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(renamed, gone))
        deleted(controller, "web2", 42)
        controller.expect("GET", at(43), body=running)

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["hosts"]) == (False, 43, ["db1"])

    def test_a_part_is_waited_for_and_the_rest_relaunched(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "running", limit="web1"))
        controller.expect("GET", at(43), body=relaunched(43, "successful", limit="web1"))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "successful", limit="web1"))))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.expect("GET", at(43, "job_host_summaries"), body=listed(summary("web1", failed=False)))
        controller.expect("GET", HOSTS, body=listed({"id": 2, "name": "web2"}))
        launched(controller, 42, relaunched(44))
        controller.expect("GET", at(44), body=relaunched(44, "successful", host_status_counts={"ok": 2}))

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 44)
        assert result["remaining_hosts"] == []

    def test_a_part_that_does_not_end_in_time_is_not_the_whole(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "running", limit="web1"))
        controller.whenever("GET", at(43), body=relaunched(43, "running", limit="web1"))

        result = relaunch(hosts="failed", wait=True, timeout=60)

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "job 43, which runs on a part of the failed hosts," in result["msg"]

    def test_without_wait_the_rest_is_named(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        found(controller, relaunched(43, "running", limit="web1"))
        controller.expect("GET", at(43), body=relaunched(43, "running", limit="web1"))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["hosts"]) == (False, 43, ["web1"])
        assert result["remaining_hosts"] == ["web1", "web2"]
        assert result["msg"].endswith("It leaves out web2: run the task again after it.")


class TestEnded:
    def test_one_that_succeeded_is_the_answer(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        found(controller, relaunched(43, "successful"))
        controller.expect("GET", at(43, "job_host_summaries"), body=BOTH_WELL)
        controller.expect("GET", at(43), body=relaunched(43, "successful"))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert (result["remaining_hosts"], "cut_short" in result) == ([], False)

    def test_one_of_all_hosts_that_succeeded_is_the_answer(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        whole = relaunched(43, "successful", limit="")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(whole)))
        controller.expect("GET", at(43), body=whole)

        result = relaunch()

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert "remaining_hosts" not in result

    @pytest.mark.parametrize("hosts", ["all", "failed"])
    def test_one_that_succeeded_is_the_answer_whatever_launched_it(
        self, controller: ScriptedController, relaunch: Relaunch, hosts: str
    ) -> None:
        fresh = job(43, "successful", launch_type="scheduled")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(fresh)))
        if hosts == "failed":
            controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
            controller.expect("GET", at(43, "job_host_summaries"), body=BOTH_WELL)
        controller.expect("GET", at(43), body=fresh)

        result = relaunch(hosts=hosts)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)

    def test_what_gave_way_to_it_before_it_began_takes_nothing_back(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        whole, loser = relaunched(43, "successful", limit=""), relaunched(44, "canceled", limit="", started=None)
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(whole), in_list(loser)))
        controller.expect("GET", at(43), body=whole)

        result = relaunch()

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)

    def test_a_success_is_taken_back_by_a_later_failure(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "successful"), relaunched(44, "failed", limit="web2"))
        controller.expect("GET", at(44, "job_host_summaries"), body=listed(summary("web2")))
        controller.expect("GET", at(43, "job_host_summaries"), body=BOTH_WELL)
        controller.expect("GET", at(44), body=relaunched(44, "failed", limit="web2"))
        launched(controller, 44, relaunched(45, limit="web2"))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["relaunched_job_id"]) == (True, 45, 44)
        assert result["remaining_hosts"] == ["web2"]

    def test_a_success_from_before_the_failure_is_none(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "successful", created=job(42)["created"]))
        controller.expect("GET", at(43, "job_host_summaries"), body=BOTH_WELL)
        launched(controller, 42, relaunched(44))

        assert relaunch(hosts="failed")["id"] == 44

    def test_one_that_failed_on_fewer_hosts_is_relaunched_itself(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "failed"))
        controller.expect("GET", at(43, "job_host_summaries"), body=WEB2_FAILED)
        controller.expect("GET", at(43), body=relaunched(43, "failed"))
        launched(controller, 43, relaunched(44, limit="web2"))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["hosts"]) == (True, 44, ["web2"])
        assert (result["source_job_id"], result["relaunched_job_id"]) == (42, 43)
        assert result["remaining_hosts"] == ["web2"]
        # Somebody else's may show up only now, with a lower number than one that was known.
        assert controller.asked[-1].query["id__gt"] == "42"

    def test_where_that_is_forbidden_the_source_is(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        found(controller, relaunched(43, "failed"))
        controller.expect("GET", at(43, "job_host_summaries"), body=WEB2_FAILED)
        controller.expect("GET", at(43), body=relaunched(43, "failed"))
        controller.expect("POST", at(43, "relaunch"), 403, DENIED)
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "failed"))))
        launched(controller, 42, relaunched(44))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["relaunched_job_id"]) == (True, 44, 42)
        assert "ended with status failed, and job 43 may not be relaunched by this user: relaunched" in result["msg"]

    def test_a_refusal_takes_a_while_so_others_are_looked_for(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "failed"))
        controller.expect("GET", at(43, "job_host_summaries"), body=WEB2_FAILED)
        controller.expect("GET", at(43), body=relaunched(43, "failed"))
        controller.expect("POST", at(43, "relaunch"), 403, DENIED)
        by_schedule = relaunched(44, "successful", launch_type="scheduled", limit="")
        controller.expect("GET", JOBS, body=listed(*map(in_list, (relaunched(43, "failed"), by_schedule))))
        controller.expect("GET", at(44, "job_host_summaries"), body=BOTH_WELL)
        controller.expect("GET", at(44), body=by_schedule)

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 44)

    def test_where_both_are_forbidden_the_last_word_is_told(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "failed"))
        controller.expect("GET", at(43, "job_host_summaries"), body=WEB2_FAILED)
        controller.expect("GET", at(43), body=relaunched(43, "failed"))
        controller.expect("POST", at(43, "relaunch"), 403, DENIED)
        controller.expect("POST", at(42, "relaunch"), 403, DENIED)

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert result["msg"].startswith("Job 42 was not relaunched on its failed hosts.")

    def test_one_of_all_hosts_that_failed_is_the_new_base(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        whole = relaunched(43, "failed", limit="")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(whole)))
        # Other hosts than those of the source.
        other = listed(summary("web1", failed=False), summary("web2", failed=False), summary("web3"))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.expect("GET", at(43, "job_host_summaries"), body=other)
        controller.expect("GET", at(43), body=whole)
        launched(controller, 43, relaunched(44, limit="web3"))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["relaunched_job_id"]) == (True, 44, 43)
        assert result["remaining_hosts"] == ["web3"]

    def test_one_that_has_just_ended_gets_time_to_count_its_hosts(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "failed"))
        controller.expect("GET", at(43, "job_host_summaries"), body=listed())
        controller.expect("GET", at(43), body=relaunched(43, "failed", event_processing_finished=False))
        controller.expect("GET", at(43), body=relaunched(43, "failed"))
        controller.expect("GET", at(43, "job_host_summaries"), body=BOTH_WELL)
        # No run was successful that would show where the end is.
        controller.whenever("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)

    def test_one_that_was_canceled_before_it_began_says_nothing(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found(controller, relaunched(43, "canceled", started=None))
        launched(controller, 42, relaunched(44))

        assert relaunch(hosts="failed")["id"] == 44

    def test_hosts_that_were_deleted_since_are_not_due(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "failed", limit="web1,web2"))))
        hosts = listed(summary("web1", now="db1"), summary("web2", present=False))
        controller.expect("GET", at(42, "job_host_summaries"), body=hosts)
        of_relaunch = listed(summary("web1", failed=False, now="db1"), summary("web2", present=False))
        controller.expect("GET", at(43, "job_host_summaries"), body=of_relaunch)
        deleted(controller, "web2", 43)
        controller.whenever("GET", at(42, "job_host_summaries"), body=hosts)
        controller.expect("GET", at(43), body=relaunched(43, "failed", limit="web1,web2"))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert (result["remaining_hosts"], result["gone_hosts"]) == (["web2"], ["web2"])
        (warning,) = result["warnings"]
        assert "Not in the inventory any more, and not recovered: web2." in str(warning)


class TestSameWork:
    """Their values are compared first, and where these differ what they were launched with beyond their template."""

    EDITED = relaunched(43, "running", extra_vars='{"of_template": 2}')

    @pytest.mark.parametrize(
        ("ours", "theirs", "adopted"),
        [
            ((200, prompts()), (200, prompts(limit="web1,web2")), True),
            ((200, prompts()), (200, prompts(extra_vars={"x": 1})), False),
            ((200, prompts()), (403, DENIED), False),
            ((404, {"detail": "Not found."}), (200, prompts()), False),
            ((200, {"prompts": {"all": "Unknown."}}), (200, prompts()), False),
        ],
        ids=["the template was edited", "other variables", "forbidden", "deleted", "unknown"],
    )
    def test_prompts(
        self, controller: ScriptedController, relaunch: Relaunch, ours: t.Any, theirs: t.Any, adopted: bool
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(self.EDITED)))
        controller.expect("GET", at(42, "create_schedule"), *ours)
        controller.expect("GET", at(43, "create_schedule"), *theirs)
        if adopted:
            controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
            controller.expect("GET", at(43), body=self.EDITED)
        else:
            launched(controller, 42, relaunched(44))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"]) == ((False, 43) if adopted else (True, 44))

    def test_prompts_that_cannot_be_read_now_launch_nothing(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(self.EDITED)))
        controller.expect("GET", at(42, "create_schedule"), 503, {"detail": "busy"})

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "busy" in result["msg"]

    @pytest.mark.parametrize("status", ["running", "successful"])
    def test_a_secret_that_could_not_be_compared_is_told(
        self, controller: ScriptedController, relaunch: Relaunch, status: str
    ) -> None:
        secret = {"extra_vars": '{"secret": "$encrypted$"}', "limit": ""}
        controller.expect("GET", at(42), body=job(42, **secret))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, status, **secret))))
        controller.expect("GET", at(43), body=relaunched(43, status, **secret))

        result = relaunch()

        assert (result["changed"], result["id"]) == (False, 43)
        assert "A secret among its variables could not be compared" in result["msg"]

    def test_without_a_secret_nothing_is_told_of_it(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "successful", limit=""))))
        controller.expect("GET", at(43), body=relaunched(43, "successful", limit=""))

        assert "secret" not in relaunch()["msg"]
