# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A launch from the options to the result: the real main(), the real AnsibleModule, a controller on a socket."""

from __future__ import annotations

import json
import typing as t

import pytest
import requests

from ansible_collections.relaunch.controller.tests.unit.clock import Clock
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

ME = {"results": [{"id": 5}]}


def before(controller: ScriptedController, **source: t.Any) -> None:
    """The two requests before a first launch."""
    controller.expect("GET", at(42), body=job(42, **source))
    controller.expect("GET", JOBS, body=listed())


def launched(controller: ScriptedController, **new: t.Any) -> None:
    """A first launch, and the look at other callers after it."""
    before(controller)
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(**new))
    controller.expect("GET", JOBS, body=listed(relaunched(**new)))


def test_a_first_relaunch_takes_three_requests_and_a_look(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, limit="web2,web1")

    result = relaunch(hosts="failed")

    assert result["changed"] is True
    assert (result["id"], result["status"], result["limit"]) == (43, "pending", "web2,web1")
    assert (result["source_job_id"], result["relaunched_job_id"]) == (42, 42)
    assert result["hosts"] == result["remaining_hosts"] == ["web1", "web2"]
    assert result["url"] == f"{controller.url}/#/jobs/playbook/43/output"
    assert result["job"]["name"] == "Deploy"
    assert "own_job_id" not in result and "warnings" not in result
    assert result["msg"] == "Job 42 ended with status failed: relaunched as job 43 on 2 failed hosts: web1, web2."
    for look in (controller.asked[1], controller.asked[3]):
        # Whatever launched them.
        assert "launch_type" not in look.query
        assert (look.query["id__gt"], look.query["unified_job_template"]) == ("42", "7")
    assert controller.asked[2].body == {"hosts": "failed"}
    assert (controller.connections, controller.besides) == (1, [])


def test_all_hosts_is_the_default(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, limit="")

    result = relaunch()

    assert (result["changed"], "hosts" in result, "remaining_hosts" in result) == (True, False, False)
    assert result["msg"] == "Job 42 ended with status failed: relaunched as job 43 on all its hosts."
    assert controller.asked[2].body == {"hosts": "all"}


def test_failed_hosts_are_asked_for_only_when_the_events_are_in(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    for processed in (False, False, True):
        controller.expect("GET", at(42), body=job(42, event_processing_finished=processed))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, relaunched())
    controller.expect("GET", JOBS, body=listed())

    assert relaunch(hosts="failed")["changed"] is True


def test_events_that_never_come_in_are_not_waited_for_for_ever(
    controller: ScriptedController, relaunch: Relaunch, clock: Clock
) -> None:
    never = job(42, "error", event_processing_finished=False)
    before(controller, **never)
    controller.whenever("GET", at(42), body=never)
    controller.expect("POST", at(42, "relaunch"), 400, {"hosts": "Playbook stats not available."})

    result = relaunch(hosts="failed")

    assert (result["failed"], result["changed"]) == (True, False)
    assert clock.now == pytest.approx(5)


def test_a_force_looks_at_nobody_else(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", at(42), body=job(42, "successful"))
    controller.expect("GET", JOBS, body=listed(relaunched(43, "running", limit="")))
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))

    result = relaunch(force=True)

    assert (result["changed"], result["id"]) == (True, 44)
    assert result["msg"] == "Job 42 was successful: relaunched as job 44 on all its hosts."


class TestPasswords:
    def test_all_missing_ones_are_named_before_anything_is_sent(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        before(controller, passwords_needed_to_start=["ssh_password", "become_password", "vault_password.dev"])

        result = relaunch(credential_passwords={"become_password": "b3come"})

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "ssh_password, vault_password.dev" in result["msg"]
        assert "b3come" not in str(result)

    def test_only_those_asked_for_are_sent_as_strings(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        before(controller, passwords_needed_to_start=["ssh_password"])
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit=""))
        controller.expect("GET", JOBS, body=listed())

        relaunch(credential_passwords={"ssh_password": 9876543, "other": "not yours"})

        assert controller.asked[2].body == {"hosts": "all", "credential_passwords": {"ssh_password": "9876543"}}


class TestTooManyRequests:
    """A 429 says that nothing was done, whoever answers it: the one request that may be sent again."""

    @pytest.mark.parametrize("body", [{"detail": "Request was throttled."}, HTML])
    def test_the_launch_is_sent_again_when_it_may_be(
        self, controller: ScriptedController, relaunch: Relaunch, clock: Clock, body: t.Any
    ) -> None:
        before(controller)
        controller.expect("POST", at(42, "relaunch"), 429, body, headers={"Retry-After": "30"})
        controller.expect("POST", at(42, "relaunch"), 201, relaunched())
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed", max_retries=1)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 43)
        assert clock.slept == [30]

    def test_after_the_last_try_nothing_was_launched(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        before(controller)
        for _try in range(3):
            controller.expect("POST", at(42, "relaunch"), 429, {"detail": "Request was throttled."})

        result = relaunch(hosts="failed", max_retries=2)

        assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
        assert "Job 42 was not relaunched" in result["msg"] and "Request was throttled." in result["msg"]


def test_what_was_surely_not_sent_is_told_so(
    controller: ScriptedController, relaunch: Relaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(controller)
    send = requests.Session.request

    def unplugged(session: requests.Session, method: str, url: str, **arguments: t.Any) -> requests.Response:
        if method == "POST":
            url = "http://127.0.0.1:9/"
        return send(session, method, url, **arguments)

    monkeypatch.setattr(requests.Session, "request", unplugged)

    result = relaunch(hosts="failed")

    assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
    assert "accepts no connection" in result["msg"]


class TestLostAnswer:
    def test_the_job_is_found_and_told_so(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        before(controller)
        controller.expect("POST", at(42, "relaunch"), 502, HTML)
        controller.expect("GET", JOBS, body=listed(relaunched(launched_by={"id": 5, "type": "user"})))
        controller.expect("GET", "/api/v2/me/", body=ME)
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 43)
        assert "The answer to that was lost, so the job was looked for" in result["msg"]
        assert "warnings" not in result

    def test_that_another_callers_may_run_as_well_is_told(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """With the same account: nothing tells which job is whose."""
        before(controller)
        controller.expect("POST", at(42, "relaunch"), 502, HTML)
        both = [relaunched(number, launched_by={"id": 5, "type": "user"}) for number in (43, 44)]
        controller.expect("GET", JOBS, body=listed(*both))
        controller.expect("GET", "/api/v2/me/", body=ME)
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))

        result = relaunch(hosts="failed")

        assert (result["failed"], result["id"]) == (False, 43)
        assert "This user has launched the same more than once: 43, 44." in str(result["warnings"])

    @pytest.mark.parametrize(
        "other",
        [
            relaunched(43, launched_by={"id": 6, "type": "user"}),
            relaunched(43, limit="web1"),
            relaunched(43, limit="web1,web2,web3"),
            relaunched(43, limit=""),
            relaunched(43, unified_job_template=8),
            relaunched(43, job_slice_number=1, job_slice_count=2),
            relaunched(43, extra_vars='{"a": 1}'),
        ],
        ids=[
            "another user",
            "fewer hosts",
            "more hosts",
            "all hosts",
            "another template",
            "a slice",
            "other variables",
        ],
    )
    def test_another_job_is_not_taken_for_it(
        self, controller: ScriptedController, relaunch: Relaunch, other: dict[str, t.Any]
    ) -> None:
        me = {"id": 5, "type": "user"}
        before(controller)
        controller.expect("POST", at(42, "relaunch"), 502, HTML)
        controller.expect("GET", JOBS, body=listed({"launched_by": me, **other}, relaunched(44, launched_by=me)))
        controller.expect("GET", "/api/v2/me/", body=ME)
        controller.whenever("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.whenever("GET", at(42, "create_schedule"), body=prompts())
        controller.whenever("GET", at(43, "create_schedule"), body=prompts(extra_vars={"a": 1}))

        assert relaunch(hosts="failed")["id"] == 44

    @pytest.mark.parametrize(
        "hosts",
        [
            [summary("web1", now="db1"), summary("web2")],
            [summary("web1"), summary("web2"), summary("web3", present=False)],
            [summary("web1"), summary("web2", present=False)],
        ],
        ids=["renamed", "deleted before", "deleted since"],
    )
    def test_hosts_may_be_renamed_or_deleted_meanwhile(
        self, controller: ScriptedController, relaunch: Relaunch, hosts: list[dict[str, t.Any]]
    ) -> None:
        before(controller)
        controller.expect("POST", at(42, "relaunch"), 502, HTML)
        controller.expect("GET", JOBS, body=listed(relaunched(launched_by={"id": 5, "type": "user"})))
        controller.expect("GET", "/api/v2/me/", body=ME)
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(*hosts))

        assert relaunch(hosts="failed")["id"] == 43

    @pytest.mark.parametrize(
        "facts",
        [
            {"job_type": "check"},
            {"extra_vars": '{"of_template": 1}'},
            {"limit": "web1"},
        ],
        ids=["the template now only checks", "the template was edited", "it has another limit by now"],
    )
    def test_an_edited_template_hides_it_not(
        self, controller: ScriptedController, relaunch: Relaunch, facts: dict[str, t.Any]
    ) -> None:
        before(controller)
        controller.expect("POST", at(42, "relaunch"), 502, HTML)
        found = relaunched(**{"limit": "", "launched_by": {"id": 5, "type": "user"}, **facts})
        controller.expect("GET", JOBS, body=listed(found))
        controller.expect("GET", "/api/v2/me/", body=ME)
        controller.whenever("GET", r"/api/v2/jobs/4[23]/create_schedule/", body=prompts())
        controller.whenever("GET", "/api/v2/job_templates/7/", body={"id": 7, "limit": "web1"})

        result = relaunch()

        # Of another type, or with another limit, it is told, and not taken for what was asked for.
        assert (result["id"], result["failed"]) == (43, "limit" in facts or "job_type" in facts)

    def test_a_job_that_may_be_another_callers_is_not_canceled(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        found = relaunched(status="running", limit="", launched_by={"id": 5, "type": "user"})
        before(controller)
        controller.expect("POST", at(42, "relaunch"), fault="reset")
        controller.expect("GET", JOBS, body=listed(found))
        controller.expect("GET", "/api/v2/me/", body=ME)
        controller.whenever("GET", at(43), body=found)

        result = relaunch(wait=True, timeout=60, cancel_on_timeout=True)

        assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, "running")
        assert "It goes on" in result["msg"]
        assert controller.methods().count("POST") == 1

    def test_it_gives_way_to_nobody(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        """It may be the other's own: then nobody would be left."""
        other = relaunched(43, launched_by={"id": 6, "type": "user"})
        before(controller)
        controller.expect("POST", at(42, "relaunch"), fault="reset")
        controller.expect("GET", JOBS, body=listed(other, relaunched(44, launched_by={"id": 5, "type": "user"})))
        controller.expect("GET", "/api/v2/me/", body=ME)
        controller.expect("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))

        result = relaunch(hosts="failed")

        assert (result["changed"], result["id"], "warnings" in result) == (True, 44, False)
        assert controller.methods() == ["GET", "GET", "POST", "GET", "GET", "GET"]

    def test_where_none_is_found_it_is_unknown(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        before(controller)
        controller.expect("POST", at(42, "relaunch"), fault="close")
        controller.whenever("GET", JOBS, body=listed())

        result = relaunch(hosts="failed")

        assert (result["failed"], result["changed"], result["source_job_id"]) == (True, True, 42)
        assert not {"id", "status", "job", "url"} & set(result)
        assert "It is unknown whether job 42 was relaunched" in result["msg"]
        assert "Running the task again is safe" in result["msg"]


def test_a_deadline_that_has_passed_launches_nothing(
    controller: ScriptedController, relaunch: Relaunch, clock: Clock
) -> None:
    before(controller, event_processing_finished=False)
    controller.whenever("GET", at(42), body=job(42, event_processing_finished=False))

    result = relaunch(hosts="failed", wait=True, timeout=3)

    assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
    assert result["msg"] == "Job 42 was not relaunched: the timeout was over before that."
    assert (clock.now, "POST" in controller.methods()) == (3, False)


def test_a_defect_does_not_lose_the_new_job(
    controller: ScriptedController, relaunch: Relaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(controller)
    send = requests.Session.request

    def broken(session: requests.Session, method: str, url: str, **arguments: t.Any) -> requests.Response:
        if url.endswith(at(43)):
            raise RuntimeError("out of cheese")
        return send(session, method, url, **arguments)

    monkeypatch.setattr(requests.Session, "request", broken)

    result = relaunch(hosts="failed", wait=True)

    assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
    assert "out of cheese" in result["msg"] and "Job 43 had been launched and goes on." in result["msg"]


def test_a_token_dictionary_masks_no_numbers_of_the_result(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", at(42), body=job(42, "successful"))

    result = relaunch(controller_oauthtoken={"token": "t0ken-5ecret", "id": 4, "scope": "write", "user": 42})

    assert (result["id"], result["source_job_id"]) == (42, 42)
    assert controller.asked[0].headers["Authorization"] == "Bearer t0ken-5ecret"


def test_secrets_of_the_environment_are_masked(
    controller: ScriptedController, relaunch: Relaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a password that is of no use beside a token: what is known of a job may hold it."""
    secrets = {"CONTROLLER_OAUTH_TOKEN": "t0ken-5ecret", "AAP_USERNAME": "me", "AAP_PASSWORD": "pass-5ecret"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    controller.expect("GET", at(42), body=job(42, "successful", extra_vars=json.dumps(secrets)))

    result = relaunch(controller_oauthtoken=None)

    assert controller.asked[0].headers["Authorization"] == "Bearer t0ken-5ecret"
    assert result["id"] == 42
    assert "5ecret" not in json.dumps(result)


def test_diff_shows_source_and_relaunch(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller)
    facts = {"verbosity": 2, "extra_vars": '{"a": 1}', "summary_fields": {"credentials": [{"id": 3, "name": "ssh"}]}}
    ended = relaunched(status="successful", host_status_counts={"ok": 2}, **facts)
    controller.expect("GET", at(43), body=ended)

    result = relaunch(hosts="failed", wait=True, diff=True)

    unchanged = {"job_type": "run", "job_tags": "", "skip_tags": "", "scm_branch": "", "inventory": 1}
    before = {"status": "failed", "launch_type": "manual", "limit": "", "verbosity": 0, "extra_vars": {}}
    after = {"status": "successful", "launch_type": "relaunch", "limit": "web1,web2", "verbosity": 2}
    assert result["diff"] == {
        "before_header": "job 42",
        "before": {**unchanged, "execution_environment": 1, **before, "credentials": []},
        "after_header": "job 43",
        "after": {**unchanged, "execution_environment": 1, **after, "extra_vars": {"a": 1}, "credentials": ["ssh"]},
    }


def test_diff_leaves_out_what_the_controller_chooses_later(controller: ScriptedController, relaunch: Relaunch) -> None:
    """An execution environment that nobody has set is none before the start of a job (recorded: post-failed)."""
    launched(controller, execution_environment=None)

    result = relaunch(hosts="failed", diff=True)

    assert "execution_environment" not in {**result["diff"]["before"], **result["diff"]["after"]}


class TestOrphans:
    """Jobs whose template is gone: they are found by the name that it had."""

    def test_the_list_is_asked_by_name(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        gone = {"unified_job_template": None}
        before(controller, **gone)
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit="", **gone))
        controller.expect("GET", JOBS, body=listed())

        assert relaunch()["id"] == 43
        for look in (controller.asked[1], controller.asked[3]):
            assert "unified_job_template" not in look.query
            assert (look.query["unified_job_template__isnull"], look.query["name"]) == ("true", "Deploy")

    def test_in_check_mode_a_host_that_did_not_fail_is_not_left(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """The limit is not narrowed to the failed ones."""
        before(controller, unified_job_template=None)
        controller.whenever("GET", at(42, "relaunch"), body={"retry_counts": {"all": 2, "failed": 1}})
        hosts = listed(summary("web1"), summary("web2", failed=False))
        controller.whenever("GET", at(42, "job_host_summaries"), body=hosts)

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["hosts"], result["remaining_hosts"]) == (["web1", "web2"], ["web1"])

    @pytest.mark.parametrize("limit", ["web1", "web1:web9"])
    def test_a_relaunch_that_is_relaunched_keeps_its_limit(
        self, controller: ScriptedController, relaunch: Relaunch, limit: str
    ) -> None:
        gone = {"unified_job_template": None}
        partial = relaunched(43, "failed", limit=limit, **gone)
        controller.expect("GET", at(42), body=job(42, host_status_counts={"failures": 2}, **gone))
        healed = relaunched(44, "successful", limit="web2", **gone)
        controller.expect("GET", JOBS, body=listed(in_list(partial), in_list(healed)))
        controller.whenever("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.whenever("GET", at(43, "job_host_summaries"), body=listed(summary("web1")))
        controller.expect("GET", at(43), body=partial)
        controller.whenever("GET", at(44, "job_host_summaries"), body=listed(summary("web2", failed=False)))
        controller.expect("POST", at(43, "relaunch"), 201, relaunched(45, limit=limit, **gone))
        controller.expect("GET", JOBS, body=listed())

        result = relaunch(hosts="failed")

        assert (result["failed"], result["id"], result["hosts"]) == (False, 45, [limit]), result["msg"]

    def test_one_that_may_not_be_launched_says_so(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        before(controller, unified_job_template=None)
        controller.expect("POST", at(42, "relaunch"), 403, DENIED)

        result = relaunch()

        assert (result["failed"], result["changed"]) == (True, False)
        assert DENIED["detail"] in result["msg"]
