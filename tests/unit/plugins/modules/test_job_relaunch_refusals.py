# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused, by the controller or before it is asked, is told with its words and the next step."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, JOBS, at, job, listed, summary
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

REFUSALS = [
    ("no stats", 400, {"hosts": "Cannot retry on failed hosts, playbook stats not available."}, "hosts: all"),
    ("active", 400, {"hosts": "Wait until job finishes before retrying on failed hosts."}, "hosts: all"),
    ("bad choice", 400, {"hosts": ['"failed" is not a valid choice.']}, "hosts: all"),
    ("password", 400, {"credential_passwords": ["Missing passwords needed to start: a"]}, "in credential_passwords"),
    ("inventory", 400, {"errors": ["Job Template Inventory is missing or undefined."]}, "an inventory and a project"),
    ("new credential", 400, {"msg": "Error starting job!"}, '"Error starting job!" Its template may have been given'),
    ("permission", 403, DENIED, "execute role"),
    ("subscription", 403, {"detail": "License has expired."}, "while the subscription has expired"),
    ("secret prompts", 403, {"detail": "Job was launched with secret prompts provided by another user."}, "prompts"),
    ("deleted", 404, {"detail": "No Job matches the given query."}, "deleted meanwhile"),
    ("unauthorized", 401, {"detail": "Authentication credentials were not provided."}, "renew"),
    ("unknown", 409, {"detail": "Strange."}, "Look at the job"),
    ("translated", 400, {"hosts": "No se puede."}, "hosts: all"),
]


@pytest.mark.parametrize(("status", "body", "advice"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_a_refusal_has_the_controllers_words_and_the_next_step(
    controller: ScriptedController, relaunch: Relaunch, status: int, body: dict[str, t.Any], advice: str
) -> None:
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), status, body)

    result = relaunch(hosts="failed")

    said = next(iter(body.values()))
    assert (result["failed"], result["changed"], result["source_job_id"]) == (True, False, 42)
    assert result["relaunched_job_id"] == 42
    assert not {"id", "status", "job", "url"} & set(result)
    assert (said if isinstance(said, str) else said[0]) in result["msg"]
    assert str(status) in result["msg"] and advice in result["msg"]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("hosts", ["all", "failed"])
@pytest.mark.parametrize("gone", ["inventory", "project"])
def test_without_its_inventory_or_project_no_relaunch_is_sent_or_promised(
    controller: ScriptedController, relaunch: Relaunch, gone: str, hosts: str, check: bool
) -> None:
    controller.expect("GET", at(42), body=job(42, **{gone: None}))
    controller.whenever("GET", JOBS, body=listed())
    controller.whenever("GET", at(42, "job_host_summaries"), body=listed(summary("web1", failed=True)))

    result = relaunch(hosts=hosts, fallback_to_all=True, check_mode=check)

    assert (result["failed"], result["changed"], result["source_job_id"]) == (True, False, 42)
    assert result["msg"].startswith("Job 42 cannot be relaunched. What it ran with is gone: give its template an inv")
    assert {asked.method for asked in controller.asked} == {"GET"}


class TestSourceThatIsNoJob:
    def unknown(self, controller: ScriptedController, *unified: dict[str, t.Any]) -> None:
        controller.expect("GET", at(42), 404, {"detail": "No Job matches the given query."})
        controller.expect("GET", "/api/", body={"current_version": "/api/v2/"})
        controller.expect("GET", "/api/v2/unified_jobs/", body=listed(*unified))

    def test_unknown(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.unknown(controller)

        result = relaunch()

        assert (result["failed"], result["changed"], result["source_job_id"]) == (True, False, 42)
        assert "Job 42 does not exist." in result["msg"] and "No Job matches" in result["msg"]

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("workflow_job", "42 is the id of a workflow job, not of a job. workflow_job_relaunch resumes workflows"),
            ("ad_hoc_command", "42 is the id of an ad hoc command, not of a job."),
            ("teapot", "42 is the id of teapot, not of a job."),
        ],
    )
    def test_of_another_kind(self, controller: ScriptedController, relaunch: Relaunch, kind: str, words: str) -> None:
        self.unknown(controller, {"id": 42, "type": kind})

        assert words in relaunch()["msg"]

    def test_one_that_shows_up_is_read_again(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.unknown(controller, {"id": 42, "type": "job"})
        controller.expect("GET", at(42), body=job(42, "running"))

        assert relaunch()["msg"].startswith("Job 42 is running")

    def test_hidden(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), 403, DENIED)

        result = relaunch()

        assert "may not see job 42" in result["msg"] and DENIED["detail"] in result["msg"]

    @pytest.mark.parametrize("status", [401, 500])
    def test_what_tells_nothing_of_it(self, controller: ScriptedController, relaunch: Relaunch, status: int) -> None:
        controller.expect("GET", at(42), status, {"detail": "Something else."})
        if status < 500:
            controller.expect("GET", "/api/", body={"current_version": "/api/v2/"})

        result = relaunch()

        assert (result["failed"], result["source_job_id"]) == (True, 42)
        assert "was answered" in result["msg"] and "Something else." in result["msg"]


class TestActiveSource:
    @pytest.mark.parametrize("hosts", ["all", "failed"])
    def test_is_refused_without_wait(self, controller: ScriptedController, relaunch: Relaunch, hosts: str) -> None:
        controller.expect("GET", at(42), body=job(42, "running"))

        result = relaunch(hosts=hosts)

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "Job 42 is running" in result["msg"] and "wait: true" in result["msg"]

    def test_so_is_the_same_work_that_was_launched_before_its_end(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        early = job(43, "running", launch_type="relaunch", created=job(42)["created"])
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(early))

        result = relaunch()

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "Job 43 is running" in result["msg"]


def test_no_failed_hosts(controller: ScriptedController, relaunch: Relaunch) -> None:
    whole = job(43, "error", launch_type="relaunch")
    controller.expect("GET", at(42), body=job(42, "canceled"))
    controller.expect("GET", JOBS, body=listed(whole))
    controller.whenever("GET", r"/api/v2/jobs/4[23]/job_host_summaries/", body=listed())
    controller.whenever("GET", at(43), body=whole)

    result = relaunch(hosts="failed")

    assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
    assert "Job 42 cannot be relaunched on its failed hosts." in result["msg"]
    assert "fallback_to_all: true" in result["msg"]
