# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failed hosts that no limit holds: a name with a blank alone (recorded: blank-one-*), names that are too long together
(recorded: blank-long-limit-detail).
"""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._work.host_patterns import (
    LONGEST_LIMIT,
    ODD_PARTS,
    ODD_STARTS,
    limit_problem,
    may_be_no_limit,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
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

ONE = {"failures": 1, "ok": 2}


class TestTheRule:
    @pytest.mark.parametrize("name", ["db 1", "db\t1", "a b c"])
    def test_a_blank_splits_a_name_that_is_alone(self, name: str) -> None:
        assert "splits a limit without a comma" in limit_problem([name])

    @pytest.mark.parametrize(
        "names", [["!x"], ["&y"], ["@z"], ["@z", "web1"], ["a,b"], ["a,b", "web1"], ["a:b:c"], ["a:b"]]
    )
    def test_some_names_are_patterns(self, names: list[str]) -> None:
        problem = limit_problem(names)
        assert f"ansible takes {names[0]!r} in a limit for a pattern" in problem
        assert ("or relaunch it with hosts: remaining, which adds a comma" in problem) is (":" in names[0])
        # By these the jobs with such a name are found among many.
        assert names[0].startswith(ODD_STARTS) or any(part in names[0] for part in ODD_PARTS)

    @pytest.mark.parametrize(
        "names", [["!x", "web1"], ["a:b:c", "web1"], ["fe80::1"], ["web1:22"], ["~w"], ["*"], ["web[1]"]]
    )
    def test_what_is_in_the_inventory_under_its_name_is_none(self, names: list[str]) -> None:
        assert limit_problem(names) == ""

    @pytest.mark.parametrize("names", [["web1"], ["db 1", "db 2"], ["db 1", "web1"], [" web1 "], []])
    def test_with_a_comma_it_does_not(self, names: list[str]) -> None:
        assert limit_problem(names) == ""

    def test_bytes_count_and_not_characters(self) -> None:
        names = [f"web{number:08}-ä" for number in range(9_000)]

        assert len(",".join(names)) < 127_000 < LONGEST_LIMIT < len(",".join(names).encode())
        assert "9000 hosts are 134999 bytes" in limit_problem(names)
        assert limit_problem([f"web{number}" for number in range(5_000)]) == ""

    def test_names_are_asked_for_only_where_they_may_matter(self) -> None:
        assert [number for number in (None, 0, 1, 2, 250, 251) if may_be_no_limit(number)] == [1, 251]


class TestABlank:
    def before(self, controller: ScriptedController, name: str = "db 1") -> None:
        controller.expect("GET", at(42), body=job(42, host_status_counts=ONE))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary(name)))

    @pytest.mark.parametrize("options", [{}, {"force": True}, {"check_mode": True}, {"wait": True}])
    def test_is_told_before_anything_is_launched(
        self, controller: ScriptedController, relaunch: Relaunch, options: dict[str, t.Any]
    ) -> None:
        self.before(controller)

        result = relaunch(hosts="failed", **options)

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "'db 1' alone would match no host. Rename that in the inventory" in result["msg"]
        assert "hosts: remaining" in result["msg"] and "set fallback_to_all: true" in result["msg"]
        assert result["remaining_hosts"] == ["db 1"]

    def test_with_fallback_all_hosts_are_next(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.before(controller)
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit=""))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed", fallback_to_all=True)

        assert (result["changed"], controller.asked[3].body) == (True, {"hosts": "all"})
        assert "'db 1' alone would match no host" in result["msg"]

    def test_a_name_without_one_costs_a_request(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.before(controller, "db1")
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit="db1"))
        controller.expect("GET", JOBS, body=listed())

        assert relaunch(hosts="failed")["hosts"] == ["db1"]

    def test_a_run_that_failed_on_others_too_is_relaunched_instead(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """Its limit has a comma: the host that succeeded since runs once more."""
        controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 2}))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "failed", limit="db 1,web2"))))
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("db 1"), summary("web2")))
        rows = listed(summary("db 1"), summary("web2", failed=False))
        controller.expect("GET", at(43, "job_host_summaries"), body=rows)
        controller.whenever("GET", at(43), body=relaunched(43, "failed", limit="db 1,web2"))
        controller.expect("GET", "/api/v2/inventories/1/hosts/", body=listed({"id": 1, "name": "db 1"}))
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit="db 1,web2"))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed")

        assert (result["failed"], result["relaunched_job_id"], result["id"]) == (False, 42, 44)
        assert result["remaining_hosts"] == ["db 1"]

    def test_events_that_come_in_late_tell_the_number_then(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", at(42), body=job(42, event_processing_finished=False, host_status_counts=None))
        controller.expect("GET", at(42), body=job(42, host_status_counts=ONE))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("db 1")))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"]) == (True, False)
        assert "'db 1' alone" in result["msg"]

    def test_one_that_shows_after_the_launch_only_is_canceled(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """Of two failed hosts the other one is deleted: the limit of the new job is the first that tells."""
        controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 2}))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit="db 1"))
        rows = listed(summary("db 1"), summary("web2", present=False))
        controller.whenever("GET", at(42, "job_host_summaries"), body=rows)
        controller.whenever("GET", at(42, "job_events"), body=listed())
        controller.whenever("GET", "/api/v2/inventories/1/hosts/", body=listed())
        controller.expect("GET", JOBS, body=listed(relaunched(limit="db 1")))
        controller.expect("POST", at(43, "cancel"), 202)
        controller.expect("GET", at(43), body=relaunched(status="canceled", limit="db 1"))

        result = relaunch(hosts="failed", wait=True)

        assert (result["failed"], result["changed"], result["status"]) == (True, True, "canceled")
        assert "Job 43 does not run on exactly its hosts: ansible splits" in result["msg"]
        assert "It was canceled." in result["msg"]


class TestLength:
    NAMES = [f"web{number:04}.{'x' * 240}.example.com" for number in range(520)]

    def test_is_told_before_anything_is_launched(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 520}))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(*map(summary, self.NAMES)))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"]) == (True, False)
        assert "the names of 520 hosts are" in result["msg"]
        assert "ends in error. Or relaunch it with hosts: all, or set fallback_to_all: true." in result["msg"]
