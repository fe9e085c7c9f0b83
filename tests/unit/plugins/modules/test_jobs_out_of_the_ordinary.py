# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs left in ``new`` (recorded: zombie-new-*), the job that the task runs in (recorded: own-job-*), and a job that
the controller lost after its recap.
"""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
    JOBS,
    STARTED,
    at,
    in_list,
    job,
    listed,
    relaunched,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

LONG_AGO = {"created": "2001-01-01T00:00:00.000000Z", "started": None}


class TestLeftInNew:
    """The launch of job 43 broke half way."""

    def before(self, controller: ScriptedController) -> None:
        source = {"created": "2000-01-01T00:00:00Z", "finished": "2000-01-01T01:00:00Z"}
        controller.expect("GET", at(42), body=job(42, **source))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "new", limit="", **LONG_AGO))))

    @pytest.mark.parametrize(
        ("status", "body", "said"), [(202, None, "It was canceled."), (403, DENIED, "Cancel it in the controller.")]
    )
    def test_it_does_no_work_and_is_canceled_where_that_may_be(
        self, controller: ScriptedController, relaunch: Relaunch, status: int, body: t.Any, said: str
    ) -> None:
        self.before(controller)
        controller.expect("POST", at(43, "cancel"), status, body)
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch()

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 44)
        (warning,) = map(str, result["warnings"])
        assert "Job 43, the same work, was left in status new and will never run." in warning and said in warning

    def test_check_mode_cancels_nothing(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.before(controller)
        controller.whenever("GET", "/api/v2/job_templates/7/", body={"id": 7, "job_type": "run"})
        controller.expect("GET", at(42, "relaunch"), body={"retry_counts": {"all": 2, "failed": 2}})
        controller.expect("GET", at(42, "job_host_summaries"), body=listed())

        result = relaunch(check_mode=True)

        assert result["changed"] is True
        assert "POST" not in controller.methods()

    def test_a_source_is_refused(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=job(42, "new", **LONG_AGO))

        result = relaunch(wait=True)

        assert (result["failed"], result["changed"]) == (True, False)
        said = "will never run. Cancel it in the controller, and launch the same again."
        assert result["msg"] == f"Job 42 was left in status new and {said}"


class TestItsOwnJob:
    @pytest.fixture(autouse=True)
    def inside(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JOB_ID", "43")
        monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/runner/awx_43_x")

    def test_it_is_not_relaunched(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(43), body=job(43, "running"))

        result = relaunch(job_id=43, wait=True)

        assert (result["failed"], result["changed"]) == (True, False)
        assert "Job 43 is the job that this task runs in: it cannot wait for itself." in result["msg"]

    def test_it_is_not_adopted(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "running", limit=""))))
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch()

        assert (result["changed"], result["id"]) == (True, 44)

    def test_one_that_has_ended_is_a_job_of_another_controller(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", at(43), body=job(43))
        controller.expect("POST", at(43, "relaunch"), 201, relaunched(44, limit=""))
        controller.whenever("GET", JOBS, body=listed())

        result = relaunch(job_id=43)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 44)

    def test_what_a_job_of_another_controller_has_done_counts(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        done = relaunched(43, "successful", limit="")
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(done)))
        controller.whenever("GET", at(43), body=done)

        result = relaunch()

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert "POST" not in controller.methods()

    def test_a_number_of_somebody_elses_is_none(
        self, controller: ScriptedController, relaunch: Relaunch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWX_PRIVATE_DATA_DIR")
        controller.expect("GET", at(43), body=job(43, "successful"))

        assert relaunch(job_id=43)["changed"] is False


def test_a_job_that_was_lost_after_its_recap_is_done(controller: ScriptedController, relaunch: Relaunch) -> None:
    """Its statistics are complete, no host has failed, and it has started all that a successful one has."""
    controller.expect("GET", at(42), body=job(42, "error", host_status_counts={"ok": 2}))
    controller.whenever("GET", at(42, "job_host_summaries"), body=listed())
    controller.whenever("GET", at(42, "job_events"), body=listed(*STARTED), event__in="playbook_on_task_start")

    result = relaunch(hosts="failed")

    assert (result["failed"], result["changed"]) == (False, False), result["msg"]
    assert "Job 42 failed on no host: nothing to relaunch." in result["msg"]
    assert "POST" not in controller.methods()
