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
HTML = b"<html><title>502 Bad Gateway</title></html>"
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


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 429, "body": {"detail": "Request was throttled."}, "headers": {"Retry-After": "0"}},
        {"status": 500, "body": HTML},
        {"status": 502, "body": HTML},
        {"status": 503, "body": HTML},
        {"status": 504, "body": HTML},
        {"status": 302, "headers": {"Location": "/login/"}},
        {"status": 404, "body": HTML},
        {"fault": "close"},
        {"fault": "reset"},
        {"fault": "cut", "body": new_job(status="successful")},
        {"fault": "stall"},
    ],
    ids=str,
)
def test_a_wait_survives(controller: ScriptedController, relaunch: Relaunch, trouble: dict[str, t.Any]) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, **trouble)
    controller.expect("GET", NEW, **trouble)
    controller.expect("GET", NEW, body=new_job(status="successful"))

    result = relaunch(hosts="failed", wait=True, interval=0.01, request_timeout=0.3)

    assert (result["failed"], result["changed"], result["status"]) == (False, True, "successful")
    assert controller.methods() == ["GET", "GET", "POST", "GET", "GET", "GET"]


def test_a_relaunch_that_fails_again_is_told_with_its_hosts(controller: ScriptedController, relaunch: Relaunch) -> None:
    failed = new_job(status="failed")
    event = {
        "event": "runner_on_failed",
        "host_name": "web2",
        "play": "Deploy",
        "task": "Start",
        "event_data": {
            "task_action": "command",
            "res": {"msg": "non-zero return code", "stderr": "warming up\n\x1b[31mno such service\x1b[0m\n"},
        },
    }
    gone = {
        "event": "runner_on_unreachable",
        "event_data": {"host": "web1", "task": "Ping", "res": {"msg": "no route"}},
    }
    ignored = {"host_name": "web1", "task": "Try", "event_data": {"res": {"msg": "no"}, "ignore_errors": True}}
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, body={**failed, "event_processing_finished": True})
    controller.expect("GET", "/api/v2/jobs/43/job_host_summaries/", body=listed(summary("web2")))
    controller.expect("GET", "/api/v2/jobs/43/job_events/", body={**listed(ignored, event, gone), "count": 60})
    controller.expect("GET", "/api/v2/jobs/43/stdout/", body={"content": "\n\x1b[0;32mPLAY RECAP\x1b[0m\r\n"})

    result = relaunch(hosts="failed", wait=True, interval=0.01)

    assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, "failed")
    assert result["failed_hosts"] == ["web2"]
    assert result["failures"] == [
        {
            "host": "web2",
            "play": "Deploy",
            "task": "Start",
            "module": "command",
            "message": "non-zero return code: no such service",
            "unreachable": False,
        },
        {"host": "web1", "play": "", "task": "Ping", "module": "", "message": "no route", "unreachable": True},
    ]
    assert result["failures_more"] == 57
    assert result["stdout_tail"] == "PLAY RECAP"
    assert result["msg"].startswith(
        "Job 43, a relaunch of job 42, ended with status failed on web2. "
        "web2: Start: non-zero return code: no such service (and 58 more). See http://"
    )


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


def test_a_timeout_of_a_blocked_job_says_why(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, body=new_job(allow_simultaneous=False))

    assert "allows one job at a time" in relaunch(wait=True, timeout=0)["msg"]


@pytest.mark.parametrize(
    ("status", "detail", "words"),
    [
        (401, "Authentication credentials were not provided.", "check the credentials"),
        (404, "No Job matches the given query.", "No Job matches the given query."),
    ],
    ids=["the token expires", "the job is deleted"],
)
def test_what_ends_a_wait_keeps_the_new_job(
    controller: ScriptedController, relaunch: Relaunch, status: int, detail: str, words: str
) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, body=new_job(status="running"))
    controller.expect("GET", NEW, status, {"detail": detail})

    result = relaunch(hosts="failed", wait=True, interval=0.01)

    assert (result["failed"], result["changed"], result["id"], result["source_job_id"]) == (True, True, 43, 42)
    assert result["url"].endswith("/#/jobs/playbook/43/output")
    assert words in result["msg"] and "Run the task again to go on" in result["msg"]
    assert controller.methods() == ["GET", "GET", "POST", "GET", "GET"]


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

    def test_a_user_who_may_not_start_it_would_be_refused(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", SOURCE, body=job(42, summary_fields={"user_capabilities": {"start": False}}))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(check_mode=True)

        assert (result["failed"], result["changed"]) == (True, False)
        assert "does not let this user start job 42" in result["msg"] and "execute role" in result["msg"]

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


class TestEquivalentRelaunches:
    """What a task that runs again finds."""

    def later(self, job_id: int, status: str, limit: str = "web1,web2", **facts: t.Any) -> dict[str, t.Any]:
        listed_job = job(job_id, status, launch_type="relaunch", limit=limit, **facts)
        # A list leaves these out.
        del listed_job["event_processing_finished"], listed_job["passwords_needed_to_start"]
        return listed_job

    def script(self, controller: ScriptedController, *later: dict[str, t.Any], **source: t.Any) -> None:
        controller.expect("GET", SOURCE, body=job(42, **source))
        controller.expect("GET", JOBS, body=listed(*later))
        controller.expect("GET", SUMMARIES, body=listed(summary("web1"), summary("web2")))

    def test_a_running_one_is_adopted(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.script(controller, self.later(43, "running"))
        controller.expect("GET", NEW, body=new_job(status="running"))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["status"]) == (False, 43, "running")
        assert result["hosts"] == ["web1", "web2"]
        assert result["msg"] == "Job 43, a relaunch of job 42, is running already."

    def test_one_with_the_sources_own_limit_is_adopted_with_the_hosts_asked_for(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.script(controller, self.later(43, "running", limit="webservers"), limit="webservers")
        controller.expect("GET", NEW, body=new_job(status="running", limit="webservers"))

        assert relaunch(hosts="failed")["hosts"] == ["web1", "web2"]

    def test_a_running_one_is_waited_for(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.script(controller, self.later(43, "running"))
        controller.expect("GET", NEW, body=new_job(status="running"))
        controller.expect("GET", NEW, body=new_job(status="successful"))

        result = relaunch(hosts="failed", wait=True, interval=0.01)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)
        assert (result["status"], result["failed_hosts"]) == ("successful", [])

    def test_one_that_succeeded_is_the_answer(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.script(controller, self.later(43, "successful"))
        controller.expect("GET", NEW, body=new_job(status="successful"))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)

    def test_one_with_other_variables_is_none(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, body=job(42))
        controller.expect("GET", JOBS, body=listed(self.later(43, "running", extra_vars='{"x": 1}')))
        controller.expect("POST", RELAUNCH, 201, {**new_job(), "id": 44})

        assert relaunch(hosts="failed")["id"] == 44

    def test_one_that_failed_on_fewer_hosts_is_relaunched_itself(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.script(controller, self.later(43, "failed"))
        controller.expect(
            "GET", "/api/v2/jobs/43/job_host_summaries/", body=listed(summary("web1", failed=False), summary("web2"))
        )
        controller.expect("GET", NEW, body=new_job(status="failed", event_processing_finished=True))
        controller.expect("POST", "/api/v2/jobs/43/relaunch/", 201, {**new_job(limit="web2"), "id": 44})

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["hosts"]) == (True, 44, ["web2"])
        assert (result["source_job_id"], result["relaunched_job_id"]) == (42, 43)

    def test_where_that_is_forbidden_the_source_is(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.script(controller, self.later(43, "failed"))
        controller.expect(
            "GET", "/api/v2/jobs/43/job_host_summaries/", body=listed(summary("web1", failed=False), summary("web2"))
        )
        controller.expect("GET", NEW, body=new_job(status="failed", event_processing_finished=True))
        controller.expect("POST", "/api/v2/jobs/43/relaunch/", 403, DENIED)
        controller.expect("POST", RELAUNCH, 201, {**new_job(), "id": 44})

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], result["relaunched_job_id"]) == (True, 44, 42)

    def test_one_that_has_just_ended_is_given_the_time_to_count_its_hosts(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.script(controller, self.later(43, "failed"))
        controller.expect("GET", "/api/v2/jobs/43/job_host_summaries/", body=listed())
        controller.expect("GET", NEW, body=new_job(status="failed", event_processing_finished=False))
        controller.expect("GET", NEW, body=new_job(status="failed", event_processing_finished=True))
        both = listed(summary("web1", failed=False), summary("web2", failed=False))
        controller.expect("GET", "/api/v2/jobs/43/job_host_summaries/", body=both)
        controller.expect("GET", NEW, body=new_job(status="failed"))

        result = relaunch(hosts="failed", interval=0.01)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43)

    def test_a_part_that_is_running_is_waited_for_and_the_rest_relaunched(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.script(controller, self.later(43, "running", limit="web1"))
        controller.expect("GET", NEW, body=new_job(status="successful", limit="web1"))
        controller.expect("GET", JOBS, body=listed(self.later(43, "successful", limit="web1")))
        controller.expect("GET", SUMMARIES, body=listed(summary("web1"), summary("web2")))
        controller.expect("POST", RELAUNCH, 201, {**new_job(), "id": 44})
        controller.expect("GET", "/api/v2/jobs/44/", body={**new_job(status="successful"), "id": 44})

        result = relaunch(hosts="failed", wait=True, interval=0.01)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 44)

    def test_without_wait_the_rest_is_named(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.script(controller, self.later(43, "running", limit="web1"))
        controller.expect("GET", NEW, body=new_job(status="running", limit="web1"))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"]) == (False, 43)
        assert result["msg"].endswith("It leaves out web2: run the task again after it.")

    def test_check_mode_predicts_the_chain(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.script(controller, self.later(43, "failed"))
        of_relaunch = "/api/v2/jobs/43/job_host_summaries/"
        controller.expect("GET", of_relaunch, body=listed(summary("web1", failed=False), summary("web2")))
        controller.expect("GET", NEW, body=new_job(status="failed", event_processing_finished=True))
        controller.expect("GET", "/api/v2/jobs/43/relaunch/", body={"retry_counts": {"all": 2, "failed": 1}})
        controller.expect("GET", of_relaunch, body=listed(summary("web2")))

        result = relaunch(hosts="failed", check_mode=True, diff=True)

        assert (result["changed"], result["relaunched_job_id"], result["hosts"]) == (True, 43, ["web2"])
        assert result["diff"]["after"]["limit"] == "web2"
        assert set(controller.methods()) == {"GET"}

    def test_check_mode_predicts_the_way_round_a_forbidden_one(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.script(controller, self.later(43, "failed"))
        of_relaunch = "/api/v2/jobs/43/job_host_summaries/"
        controller.expect("GET", of_relaunch, body=listed(summary("web1", failed=False), summary("web2")))
        forbidden = {"user_capabilities": {"start": False}}
        controller.expect("GET", NEW, body=new_job(status="failed", summary_fields=forbidden))
        controller.expect("GET", RELAUNCH, body={"retry_counts": {"all": 2, "failed": 2}})
        controller.expect("GET", SUMMARIES, body=listed(summary("web1"), summary("web2")))

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["changed"], result["relaunched_job_id"]) == (True, 42)
        assert result["hosts"] == ["web1", "web2"]

    def test_force_minds_none(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, body=job(42, "successful"))
        controller.expect("GET", JOBS, body=listed(self.later(41, "running", limit="")))
        controller.expect("POST", RELAUNCH, 201, new_job(limit=""))

        assert relaunch(force=True)["changed"] is True


class TestFallbackToAll:
    @pytest.mark.parametrize("force", [False, True])
    def test_takes_all_where_no_failed_hosts_are_known(
        self, controller: ScriptedController, relaunch: Relaunch, force: bool
    ) -> None:
        controller.expect("GET", SOURCE, body=job(42, "canceled"))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", SUMMARIES, body=listed())
        controller.expect("POST", RELAUNCH, 201, new_job(limit=""))

        result = relaunch(hosts="failed", fallback_to_all=True, force=force)

        assert result["changed"] is True and "all its hosts" in result["msg"]
        assert controller.asked[-1].body == {"hosts": "all"}

    def test_takes_the_failed_ones_where_they_are_known(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", SOURCE, body=job(42))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", SUMMARIES, body=listed(summary("web1")))
        controller.expect("POST", RELAUNCH, 201, new_job(limit="web1"))

        assert relaunch(hosts="failed", fallback_to_all=True)["hosts"] == ["web1"]
        assert controller.asked[-1].body == {"hosts": "failed"}


class TestJobType:
    TAKES = {"actions": {"POST": {"job_type": {"choices": [["run", "Run"], ["check", "Check"]]}}}}
    IGNORES = {"actions": {"POST": {"hosts": {"choices": [["all", "all"]]}}}}

    @pytest.mark.parametrize("check_mode", [False, True])
    @pytest.mark.parametrize("described", [IGNORES, {}])
    def test_is_refused_where_it_would_be_ignored(
        self, controller: ScriptedController, relaunch: Relaunch, described: dict[str, t.Any], check_mode: bool
    ) -> None:
        controller.expect("GET", SOURCE, body=job(42))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("OPTIONS", RELAUNCH, body=described)

        result = relaunch(job_type="check", check_mode=check_mode)

        assert (result["failed"], result["changed"]) == (True, False)
        assert "this controller does not take a job type on a relaunch" in result["msg"]

    def test_is_sent_where_it_is_known(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, body=job(42, "successful"))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("OPTIONS", RELAUNCH, body=self.TAKES)
        controller.expect("POST", RELAUNCH, 201, new_job(limit="", job_type="check"))

        result = relaunch(job_type="check")

        assert (result["failed"], result["changed"], result["job_type"]) == (False, True, "check")
        assert controller.asked[-1].body == {"hosts": "all", "job_type": "check"}

    def test_the_sources_own_needs_no_asking(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, body=job(42))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", RELAUNCH, 201, new_job(limit=""))

        relaunch(job_type="run")

        assert controller.asked[-1].body == {"hosts": "all"}

    def test_a_job_that_runs_all_the_same_is_canceled(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, body=job(42))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("OPTIONS", RELAUNCH, body=self.TAKES)
        controller.expect("POST", RELAUNCH, 201, new_job(limit=""))
        controller.expect("POST", "/api/v2/jobs/43/cancel/", 202)
        controller.expect("GET", NEW, body=new_job(status="canceled"))

        result = relaunch(job_type="check", interval=0.01)

        assert (result["failed"], result["changed"], result["status"]) == (True, True, "canceled")
        assert "was relaunched as run" in result["msg"] and "It was canceled." in result["msg"]


class TestCancelOnTimeout:
    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (202, None, "It was canceled."),
            (405, {"detail": "Method not allowed."}, "ended before it could be canceled"),
            (403, DENIED, "Canceling it failed"),
        ],
    )
    def test_cancels_what_it_launched(
        self, controller: ScriptedController, relaunch: Relaunch, status: int, body: t.Any, words: str
    ) -> None:
        controller.expect("GET", SOURCE, body=job(42))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", RELAUNCH, 201, new_job())
        controller.expect("GET", NEW, body=new_job(status="running"))
        controller.expect("POST", "/api/v2/jobs/43/cancel/", status, body)
        controller.expect("GET", NEW, body=new_job(status="canceled"))

        result = relaunch(hosts="failed", wait=True, timeout=0, cancel_on_timeout=True, interval=0.01)

        assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
        assert (result["status"], words in result["msg"]) == ("canceled", True)

    def test_leaves_alone_what_it_adopted(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", SOURCE, body=job(42))
        controller.expect("GET", JOBS, body=listed(new_job(status="running", limit="")))
        controller.expect("GET", NEW, body=new_job(status="running"))
        controller.expect("GET", NEW, body=new_job(status="running"))

        result = relaunch(wait=True, timeout=0, cancel_on_timeout=True)

        assert (result["failed"], result["changed"], result["id"]) == (True, False, 43)
        assert "It goes on" in result["msg"]


class TestTemplates:
    TEMPLATES = "/api/v2/job_templates/"

    def template(self, template_id: int, organization: str, **facts: t.Any) -> dict[str, t.Any]:
        fields = {"organization": {"id": template_id + 100, "name": organization}}
        return {"id": template_id, "name": "Deploy", "summary_fields": fields, **facts}

    def test_stands_for_its_latest_launch(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", self.TEMPLATES, body=listed(self.template(7, "Ops")))
        controller.expect("GET", JOBS, body=listed({"id": 42}))
        controller.expect("GET", SOURCE, body=job(42, "successful"))

        result = relaunch(job_id=None, job_template="Deploy {{ x }}")

        assert (result["id"], result["source_job_id"]) == (42, 42)
        assert controller.asked[0].query["name"] == "Deploy {{ x }}"
        asked = controller.asked[1].query
        assert (asked["unified_job_template"], asked["order_by"], asked["not__launch_type"]) == ("7", "-id", "relaunch")

    def test_by_number(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", self.TEMPLATES, body=listed(self.template(7, "Ops")))
        controller.expect("GET", JOBS, body=listed({"id": 42}))
        controller.expect("GET", SOURCE, body=job(42, "successful"))

        assert relaunch(job_id=None, job_template="7")["id"] == 42
        assert controller.asked[0].query["id"] == "7"

    @pytest.mark.parametrize("organization", ["Dev", "108"])
    def test_of_an_organization(self, controller: ScriptedController, relaunch: Relaunch, organization: str) -> None:
        controller.expect("GET", self.TEMPLATES, body=listed(self.template(7, "Ops"), self.template(8, "Dev")))
        controller.expect("GET", JOBS, body=listed({"id": 42}))
        controller.expect("GET", SOURCE, body=job(42, "successful"))

        relaunch(job_id=None, job_template="Deploy", organization=organization)

        assert controller.asked[1].query["unified_job_template"] == "8"

    def test_ambiguous(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", self.TEMPLATES, body=listed(self.template(7, "Ops"), self.template(8, "Dev")))

        message = relaunch(job_id=None, job_template="Deploy")["msg"]

        assert "Deploy (id 7, organization Ops), Deploy (id 8, organization Dev)" in message

    def test_unknown_in_that_organization(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", self.TEMPLATES, body=listed(self.template(7, "Ops")))

        message = relaunch(job_id=None, job_template="Deploy", organization="QA")["msg"]

        assert "The organization QA has no job template Deploy" in message and "organization Ops" in message

    def test_unknown(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", self.TEMPLATES, body=listed())
        controller.expect("GET", self.TEMPLATES, body=listed(self.template(7, "Ops", name="Deploy web")))

        message = relaunch(job_id=None, job_template="Deploy")["msg"]

        assert "There is no job template Deploy" in message and "Deploy web (id 7" in message

    def test_never_launched(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", self.TEMPLATES, body=listed(self.template(7, "Ops")))
        controller.expect("GET", JOBS, body=listed())

        assert "has no job yet" in relaunch(job_id=None, job_template="Deploy")["msg"]

    def test_sliced(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", self.TEMPLATES, body=listed(self.template(7, "Ops")))
        controller.expect("GET", JOBS, body=listed({"id": 42, "job_slice_number": 2, "job_slice_count": 3}))

        assert "is sliced" in relaunch(job_id=None, job_template="Deploy")["msg"]

    @pytest.mark.parametrize("options", [{}, {"job_id": 42, "job_template": "x"}, {"job_id": 42, "organization": "x"}])
    def test_options_that_do_not_go_together(self, relaunch: Relaunch, options: dict[str, t.Any]) -> None:
        assert relaunch(**{"job_id": None, **options})["failed"]


def test_diff_shows_source_and_relaunch(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", SOURCE, body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", RELAUNCH, 201, new_job())
    controller.expect("GET", NEW, body=new_job(status="successful"))

    result = relaunch(hosts="failed", wait=True, interval=0.01, diff=True)

    assert result["diff"] == {
        "before_header": "job 42",
        "before": {"status": "failed", "launch_type": "manual", "job_type": "run", "limit": ""},
        "after_header": "job 43",
        "after": {"status": "successful", "launch_type": "relaunch", "job_type": "run", "limit": "web2,web1"},
    }
