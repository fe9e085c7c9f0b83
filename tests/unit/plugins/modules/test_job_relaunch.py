# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module from its options to its result: the real main(), the real AnsibleModule, a controller on a socket."""

from __future__ import annotations

import typing as t

import pytest
import requests

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job, listed, summary
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

SOURCE = "/api/v2/jobs/42/"
JOBS = "/api/v2/jobs/"
RELAUNCH = "/api/v2/jobs/42/relaunch/"
SUMMARIES = "/api/v2/jobs/42/job_host_summaries/"
NEW = "/api/v2/jobs/43/"
DENIED = {"detail": "You do not have permission to perform this action."}


def new_job(**facts: t.Any) -> dict[str, t.Any]:
    return job(43, **{"status": "pending", "launch_type": "relaunch", "limit": "web2,web1", **facts})


def test_a_first_relaunch_takes_three_requests(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())

    result = relaunch(hosts="failed")

    assert result["changed"] is True
    assert (result["id"], result["status"], result["limit"]) == (43, "pending", "web2,web1")
    assert (result["source_job_id"], result["relaunched_job_id"]) == (42, 42)
    assert result["hosts"] == ["web1", "web2"]
    assert result["url"] == f"{controller.url}/#/jobs/playbook/43/output"
    assert result["job"]["name"] == "Deploy"
    assert result["msg"] == ("Job 42 ended with status failed: relaunched as job 43 on 2 failed hosts: web1, web2.")
    looked_for = controller.asked[1].query
    assert (looked_for["launch_type"], looked_for["id__gt"], looked_for["unified_job_template"]) == (
        "relaunch",
        "42",
        "7",
    )
    assert controller.asked[2].body == {"hosts": "failed"}
    assert controller.connections == 1


def test_all_hosts_is_the_default(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job(limit=""))

    assert relaunch()["changed"] is True
    assert controller.asked[2].body == {"hosts": "all"}


def test_a_successful_job_is_left_alone(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42, "successful"))

    result = relaunch(hosts="failed", wait=True)

    assert (result["failed"], result["changed"], result["id"]) == (False, False, 42)
    assert result["msg"] == "Job 42 was successful: nothing to relaunch."


def test_an_active_job_is_refused_without_wait(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42, "running"))

    result = relaunch(hosts="failed")

    assert (result["failed"], result["changed"], result["status"]) == (True, False, "running")
    assert "wait: true" in result["msg"]


def test_an_active_job_is_waited_for_and_then_relaunched(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42, "running"))
    controller.expect("GET", SOURCE, body=job(42, "running"))
    controller.expect("GET", SOURCE, body=job(42, "failed"))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, body=new_job(status="successful"))

    result = relaunch(hosts="failed", wait=True, interval=0.01)

    assert (result["failed"], result["changed"], result["id"]) == (False, True, 43)
    assert (result["status"], result["failed_hosts"]) == ("successful", [])


def test_failed_hosts_are_asked_for_only_when_the_events_are_in(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    controller.expect("GET", SOURCE, body=job(42, event_processing_finished=False))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", SOURCE, body=job(42, event_processing_finished=False))
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("POST", RELAUNCH, 201, new_job())

    assert relaunch(hosts="failed", interval=0.01)["changed"] is True


def test_a_wait_survives_a_bad_gateway(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, 502, b"<html><title>502 Bad Gateway</title></html>")
    controller.expect("GET", NEW, fault="close")
    controller.expect("GET", NEW, body=new_job(status="successful"))

    result = relaunch(hosts="failed", wait=True, interval=0.01)

    assert (result["failed"], result["changed"], result["status"]) == (False, True, "successful")


def test_a_relaunch_that_fails_again_is_told_with_its_hosts(controller: ScriptedController, relaunch: Relaunch) -> None:
    failed = new_job(status="failed")
    event = {"host_name": "web2", "task": "Start", "event_data": {"res": {"msg": "no such service"}}}
    ignored = {"host_name": "web1", "task": "Try", "event_data": {"res": {"msg": "no"}, "ignore_errors": True}}
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, body={**failed, "event_processing_finished": True})
    controller.expect("GET", "/api/v2/jobs/43/job_host_summaries/", body=listed(summary("web2")))
    controller.expect("GET", "/api/v2/jobs/43/job_events/", body=listed(ignored, event))
    controller.expect("GET", "/api/v2/jobs/43/stdout/", body={"content": "\nPLAY RECAP\n"})

    result = relaunch(hosts="failed", wait=True, interval=0.01)

    assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, "failed")
    assert result["failed_hosts"] == ["web2"]
    assert result["failures"] == [{"host": "web2", "task": "Start", "message": "no such service"}]
    assert result["stdout_tail"] == "PLAY RECAP"
    assert result["msg"].startswith("Job 43, a relaunch of job 42, ended with status failed on web2. See http://")


def test_a_report_that_cannot_be_fetched_does_not_hide_the_failure(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, body=new_job(status="failed", job_explanation="Out of disk"))
    controller.expect("GET", "/api/v2/jobs/43/job_host_summaries/", 403, DENIED)

    result = relaunch(hosts="failed", wait=True, interval=0.01)

    assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
    assert "ended with status failed" in result["msg"] and "Out of disk" in result["msg"]
    assert DENIED["detail"] in result["report_error"]


def test_a_timeout_keeps_the_new_job(controller: ScriptedController, relaunch: Relaunch) -> None:
    blocked = new_job(job_explanation="waiting for job 40")
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, body=blocked)

    result = relaunch(hosts="failed", wait=True, interval=0.01, timeout=0)

    assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, "pending")
    assert "waiting for job 40" in result["msg"] and "0 seconds (timeout)" in result["msg"]


def test_a_token_that_expires_during_the_wait_keeps_the_new_job(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, 401, {"detail": "Authentication credentials were not provided."})

    result = relaunch(hosts="failed", wait=True, interval=0.01)

    assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
    assert "Run the task again to go on" in result["msg"]


class TestCheckMode:
    def test_tells_the_hosts_and_sends_nothing_unsafe(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, body=job(42))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", RELAUNCH, body={"retry_counts": {"all": 3, "failed": 2}})
        gone = summary("gone", present=False)
        controller.expect("GET", SUMMARIES, body=listed(summary("web2"), gone, summary("web1")))

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["failed"], result["changed"]) == (False, True)
        assert (result["hosts"], result["passwords_missing"]) == (["web1", "web2"], [])
        assert result["retry_counts"] == {"all": 3, "failed": 2}
        assert result["msg"].endswith("would be relaunched on 2 failed hosts: web1, web2.")
        assert set(controller.methods()) == {"GET"}

    def test_fails_as_the_real_run_would_and_names_the_missing_passwords(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        needed = ["ssh_password", "vault_password.dev"]
        controller.expect("GET", SOURCE, body=job(42, passwords_needed_to_start=needed))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", RELAUNCH, body={"retry_counts": {"all": 3, "failed": 1}})
        controller.expect("GET", SUMMARIES, body=listed(summary("web1")))

        result = relaunch(hosts="failed", check_mode=True, credential_passwords={"vault_password.dev": ""})

        assert (result["failed"], result["changed"]) == (True, False)
        assert (result["hosts"], result["passwords_missing"]) == (["web1"], needed)
        assert "ssh_password, vault_password.dev" in result["msg"]

    def test_a_job_without_failed_hosts_would_be_refused(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", SOURCE, body=job(42, "canceled"))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", RELAUNCH, body={"retry_counts": {"all": 0, "failed": 0}})
        controller.expect("GET", SUMMARIES, body=listed())

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["failed"], result["changed"]) == (True, False)
        assert "status canceled" in result["msg"] and "hosts: all" in result["msg"]


class TestPasswords:
    def test_all_missing_ones_are_named_before_anything_is_sent(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        needed = ["ssh_password", "become_password", "vault_password.dev"]
        controller.expect("GET", SOURCE, body=job(42, passwords_needed_to_start=needed))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(credential_passwords={"become_password": "b3come"})

        assert (result["failed"], result["changed"]) == (True, False)
        assert "ssh_password, vault_password.dev" in result["msg"]
        assert "b3come" not in str(result)

    def test_only_those_asked_for_are_sent_as_strings(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, body=job(42, passwords_needed_to_start=["ssh_password"]))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", RELAUNCH, 201, new_job(limit=""))

        relaunch(credential_passwords={"ssh_password": 9876543, "other": "not yours"})

        assert controller.asked[2].body == {"hosts": "all", "credential_passwords": {"ssh_password": "9876543"}}


REFUSALS = [
    ("no stats", 400, {"hosts": "Cannot retry on failed hosts, playbook stats not available."}, "hosts: all"),
    ("active", 400, {"hosts": "Wait until job finishes before retrying on failed hosts."}, "hosts: all"),
    ("bad choice", 400, {"hosts": ['"failed" is not a valid choice.']}, "hosts: all"),
    ("password", 400, {"credential_passwords": ["Missing passwords needed to start: a"]}, "in credential_passwords"),
    ("inventory", 400, {"errors": ["Job Template Inventory is missing or undefined."]}, "an inventory and a project"),
    ("permission", 403, DENIED, "execute role"),
    ("secret prompts", 403, {"detail": "Job was launched with secret prompts provided by another user."}, "prompts"),
    ("deleted", 404, {"detail": "No Job matches the given query."}, "deleted meanwhile"),
    ("unauthorized", 401, {"detail": "Authentication credentials were not provided."}, "renew"),
    ("unknown", 409, {"detail": "Strange."}, "Look at the job"),
    ("translated", 400, {"hosts": "No se puede."}, "hosts: all"),
]


@pytest.mark.parametrize(("status", "body", "advice"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_a_refusal_is_told_in_the_controllers_words_with_the_next_step(
    controller: ScriptedController, relaunch: Relaunch, status: int, body: dict[str, t.Any], advice: str
) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, status, body)

    result = relaunch(hosts="failed")

    said = next(iter(body.values()))
    assert (result["failed"], result["changed"], result["id"]) == (True, False, 42)
    assert (said if isinstance(said, str) else said[0]) in result["msg"]
    assert str(status) in result["msg"] and advice in result["msg"]


class TestSourceThatIsNoJob:
    def test_unknown(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, 404, {"detail": "No Job matches the given query."})
        controller.expect("GET", "/api/", body={"current_version": "/api/v2/"})
        controller.expect("GET", "/api/v2/unified_jobs/", body=listed())

        result = relaunch()

        assert result["failed"]
        assert "Job 42 does not exist." in result["msg"] and "No Job matches" in result["msg"]

    @pytest.mark.parametrize(
        ("kind", "words"),
        [("workflow_job", "a workflow job"), ("ad_hoc_command", "an ad hoc command"), ("teapot", "teapot")],
    )
    def test_of_another_kind(self, controller: ScriptedController, relaunch: Relaunch, kind: str, words: str) -> None:
        controller.expect("GET", SOURCE, 404, {"detail": "No Job matches the given query."})
        controller.expect("GET", "/api/", body={"current_version": "/api/v2/"})
        controller.expect("GET", "/api/v2/unified_jobs/", body=listed({"id": 42, "type": kind}))

        assert f"42 is the id of {words}, not of a job." in relaunch()["msg"]

    def test_hidden(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, 403, DENIED)

        result = relaunch()

        assert "may not see job 42" in result["msg"] and DENIED["detail"] in result["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"job_id": 0}, "job_id must be the number of a job"),
        ({"job_id": -3}, "job_id must be the number of a job"),
        ({"interval": 0}, "interval must be more than 0"),
        ({"timeout": -1}, "timeout must not be less than 0"),
        ({"credential_passwords": {"ssh_password": ["unus", "duo"]}}, "the value of ssh_password must be a string"),
        ({"hosts": "some"}, "value of hosts must be one of"),
        ({"controller_host": "ftp://x"}, "is no URL such as"),
        ({"controller_host": "https://me:pw@x"}, "must not hold a user or password"),
        ({"controller_oauthtoken": None}, "No credentials are given"),
        ({"controller_oauthtoken": None, "controller_username": "me"}, "controller_password is missing"),
        ({"controller_oauthtoken": {"id": 1}}, 'has no entry "token"'),
        ({"request_timeout": 0}, "request_timeout must be more than 0"),
        ({"max_retries": -1}, "max_retries must not be less than 0"),
        ({"ca_path": "/nonexistent/ca.pem"}, "/nonexistent/ca.pem does not exist"),
        ({"controller_config_file": "/nonexistent.cfg"}, "/nonexistent.cfg (controller_config_file) does not exist"),
    ],
)
def test_options_that_cannot_be_used_are_named(relaunch: Relaunch, options: dict[str, t.Any], words: str) -> None:
    result = relaunch(**options)

    assert (result["failed"], result.get("changed", False)) == (True, False)
    assert words in result["msg"]


def test_a_defect_does_not_lose_the_new_job(
    controller: ScriptedController, relaunch: Relaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    send = requests.Session.request

    def broken(session: requests.Session, method: str, url: str, **arguments: t.Any) -> requests.Response:
        if url.endswith(NEW):
            raise RuntimeError("out of cheese")
        return send(session, method, url, **arguments)

    monkeypatch.setattr(requests.Session, "request", broken)

    result = relaunch(hosts="failed", wait=True, interval=0.01)

    assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
    assert "out of cheese" in result["msg"] and "Job 43 had been launched and goes on." in result["msg"]


def test_requests_missing(run_main: Relaunch, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.relaunch.controller.plugins.module_utils import _module

    monkeypatch.setattr(_module, "REQUESTS_IMPORT_ERROR", "ImportError: No module named requests")

    result = run_main(job_id=42)

    assert "Failed to import the required Python library (requests)" in result["msg"]


def test_a_token_dictionary_masks_no_numbers_of_the_result(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42, "successful"))

    result = relaunch(controller_oauthtoken={"token": "t0ken-5ecret", "id": 4, "scope": "write", "user": 42})

    assert (result["id"], result["source_job_id"]) == (42, 42)
    assert controller.asked[0].headers["Authorization"] == "Bearer t0ken-5ecret"
