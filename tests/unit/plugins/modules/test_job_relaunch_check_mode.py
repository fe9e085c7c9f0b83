# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode tells what would be done, and sends nothing unsafe."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest

from ansible_collections.relaunch.controller.tests.unit.clock import Clock
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
        controller.whenever("GET", at(42, "create_schedule"), body=prompts())

        result = relaunch(hosts="failed", check_mode=True, diff=True)

        assert (result["changed"], result["relaunched_job_id"], result["hosts"]) == (True, 43, ["web2"])
        assert result["remaining_hosts"] == ["web2"]
        assert (result["diff"]["after"]["limit"], result["diff"]["after"]["status"]) == ("web2", "pending")
        assert result["diff"]["after_header"] == "relaunch of job 43 (check mode)"

    def test_the_diff_of_a_chain_is_against_the_source(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.whenever("GET", at(42, "create_schedule"), body=prompts())
        self.failed(controller, job_tags="by hand")
        controller.expect("GET", at(43, "relaunch"), body={"retry_counts": {"all": 3, "failed": 1}})

        diff = relaunch(hosts="failed", check_mode=True, diff=True)["diff"]

        assert (diff["before_header"], diff["before"]["launch_type"], diff["before"]["limit"]) == (
            "job 42",
            "manual",
            "",
        )

    def test_the_way_round_a_forbidden_one_is_predicted(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        self.failed(controller, summary_fields=FORBIDDEN)
        # After the refusal others are looked at once more.
        controller.expect("GET", JOBS, body=listed(in_list(relaunched(43, "failed"))))
        controller.expect("GET", at(42, "relaunch"), body={"retry_counts": {"all": 3, "failed": 2}})

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["changed"], result["relaunched_job_id"]) == (True, 42)
        assert (result["hosts"], result["remaining_hosts"]) == (["web1", "web2"], ["web2"])
        assert result["msg"].endswith("web1, web2. It would run once more on web1, which had succeeded since.")

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


TEMPLATE = "/api/v2/job_templates/7/"
# It was edited since the job.
EDITED: dict[str, t.Any] = {
    "id": 7,
    "job_type": "run",
    "limit": "",
    "verbosity": 3,
    "job_tags": "hotfix",
    "skip_tags": "",
    "scm_branch": "fix",
    "inventory": 5,
    "execution_environment": 9,
    "extra_vars": "a: 2\nb: 2",
    "survey_enabled": False,
    "summary_fields": {
        "inventory": {"id": 5, "name": "Web"},
        "execution_environment": {"id": 9, "name": "Newer"},
        "credentials": [{"id": 3, "name": "ssh", "kind": "ssh"}, {"id": 4, "name": "aws", "kind": "aws"}],
    },
}


class TestTheDiff:
    """The template of now with the source's prompts, against the source."""

    def shown(
        self,
        controller: ScriptedController,
        relaunch: Relaunch,
        *,
        prompted: t.Any = None,
        template: t.Mapping[str, t.Any] | None = None,
        source: t.Mapping[str, t.Any] | None = None,
        **options: t.Any,
    ) -> dict[str, dict[str, t.Any]]:
        controller.whenever("GET", TEMPLATE, body=EDITED if template is None else template)
        controller.whenever("GET", at(42, "create_schedule"), body=prompts(**(prompted or {})))
        first(controller, **{"extra_vars": '{"a": 1}', **(source or {})})
        counted(controller, 42, summary("web1"), summary("web2"))
        result = relaunch(**{"check_mode": True, "diff": True, **options})
        assert (result["failed"], result["changed"]) == (False, True), result["msg"]
        diff: dict[str, dict[str, t.Any]] = result["diff"]
        return diff

    @pytest.mark.parametrize(("hosts", "limit"), [("all", ""), ("failed", "web1,web2")])
    def test_an_edited_template_shows(
        self, controller: ScriptedController, relaunch: Relaunch, hosts: str, limit: str
    ) -> None:
        diff = self.shown(controller, relaunch, hosts=hosts)

        assert diff["before"] == {
            "status": "failed",
            "launch_type": "manual",
            "job_type": "run",
            "limit": "",
            "job_tags": "",
            "skip_tags": "",
            "scm_branch": "",
            "verbosity": 0,
            "inventory": 1,
            "execution_environment": 1,
            "credentials": [],
            "extra_vars": {"a": 1},
        }
        assert diff["after"] == {
            "status": "pending",
            "launch_type": "relaunch",
            "job_type": "run",
            "limit": limit,
            "job_tags": "hotfix",
            "skip_tags": "",
            "scm_branch": "fix",
            "verbosity": 3,
            "inventory": "Web",
            "execution_environment": "Newer",
            "credentials": ["aws", "ssh"],
            "extra_vars": {"a": 2, "b": 2},
        }

    def test_prompts_count_before_the_template(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        prompted = {
            "limit": "web",
            "verbosity": 1,
            "job_tags": "t1",
            "inventory": {"id": 6, "name": "Bulk", "total_hosts": 3},
            "execution_environment": {"id": 8, "name": "Own"},
            "credentials": [{"id": 12, "name": "other ssh", "kind": "ssh"}],
            "extra_vars": {"a": 7},
        }
        after = self.shown(controller, relaunch, prompted=prompted, source={"limit": "web"})["after"]

        assert (after["limit"], after["verbosity"], after["job_tags"], after["scm_branch"]) == ("web", 1, "t1", "fix")
        assert (after["inventory"], after["execution_environment"]) == ("Bulk", "Own")
        assert (after["credentials"], after["extra_vars"]) == (["aws", "other ssh"], {"a": 7, "b": 2})

    def test_a_survey_answers_for_itself_and_keeps_its_secrets(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        spec = [
            {"variable": "a", "type": "integer", "default": 3},
            {"variable": "none", "type": "integer", "default": ""},
            {"variable": "empty", "type": "text", "default": ""},
            {"variable": "pin", "type": "password", "default": "$encrypted$"},
            {"variable": "b", "type": "password"},
        ]
        controller.whenever("GET", f"{TEMPLATE}survey_spec/", body={"spec": spec})

        after = self.shown(controller, relaunch, template={**EDITED, "survey_enabled": True})["after"]

        assert after["extra_vars"] == {"a": 3, "b": "$encrypted$", "empty": "", "pin": "$encrypted$"}

    @pytest.mark.parametrize("unseen", ["template", "prompts", "survey"])
    def test_what_cannot_be_read_is_shown_as_the_source_has_it(
        self, controller: ScriptedController, relaunch: Relaunch, unseen: str
    ) -> None:
        controller.whenever("GET", TEMPLATE, body={**EDITED, "survey_enabled": True})
        controller.whenever("GET", at(42, "create_schedule"), body=prompts())
        path = {"template": TEMPLATE, "prompts": at(42, "create_schedule"), "survey": f"{TEMPLATE}survey_spec/"}[unseen]
        controller.whenever("GET", path, 403, DENIED)
        first(controller, extra_vars='{"a": 1}')
        counted(controller, 42, summary("web1"))

        result = relaunch(check_mode=True, diff=True)

        assert (result["failed"], result["changed"]) == (False, True), result["msg"]
        before, after = result["diff"]["before"], result["diff"]["after"]
        assert after["extra_vars"] == {"a": 1}
        if unseen == "survey":
            assert after["inventory"] == "Web"
        else:
            assert {**after, "status": "", "launch_type": ""} == {**before, "status": "", "launch_type": ""}

    def test_prompts_that_fail_to_be_read_do_not_fail_the_task(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.whenever("GET", TEMPLATE, body=EDITED)
        controller.whenever("GET", at(42, "create_schedule"), 500, {"detail": "A server error has occurred."})
        first(controller)
        counted(controller, 42, summary("web1"))

        result = relaunch(check_mode=True, diff=True)

        assert (result["failed"], result["diff"]["after"]["verbosity"]) == (False, 0), result["msg"]

    def test_what_is_not_known_is_left_out(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        """The controller chooses an execution environment where there is none; and of two vaults both may count."""
        vaults = [{"id": number, "name": f"vault {number}", "kind": "vault"} for number in (3, 4)]
        template = {**EDITED, "execution_environment": None, "summary_fields": {"credentials": vaults[:1]}}

        diff = self.shown(controller, relaunch, template=template, prompted={"credentials": vaults[1:]})

        for side in ("before", "after"):
            assert not {"execution_environment", "credentials"} & set(diff[side])

    def test_vaults_that_the_source_had_together_stay_so(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        vaults = [{"id": number, "name": f"vault {number}", "kind": "vault"} for number in (3, 4)]
        template = {**EDITED, "summary_fields": {"credentials": vaults[:1]}}
        source = {"summary_fields": {"credentials": vaults}}

        diff = self.shown(controller, relaunch, template=template, prompted={"credentials": vaults[1:]}, source=source)

        assert diff["after"]["credentials"] == ["vault 3", "vault 4"]

    def test_without_it_nothing_more_is_asked(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        first(controller)
        counted(controller, 42, summary("web1"))

        result = relaunch(check_mode=True)

        assert "diff" not in result
        assert len(controller.asked) == 4 and [asked.path for asked in controller.besides] == [TEMPLATE]


class TestAnotherLimit:
    """A relaunch takes over the limit that its template has by now, and fails after its launch for that."""

    @pytest.mark.parametrize("diff", [False, True])
    def test_fails_as_the_real_run(self, controller: ScriptedController, relaunch: Relaunch, diff: bool) -> None:
        controller.whenever("GET", TEMPLATE, body={"id": 7, "job_type": "run", "limit": "canary"})
        controller.whenever("GET", at(42, "create_schedule"), body=prompts())
        first(controller)
        counted(controller, 42, summary("web1", failed=False), summary("web2"))

        result = relaunch(check_mode=True, diff=diff)

        assert (result["failed"], result["changed"], "hosts" in result) == (True, False, False)
        assert result["msg"] == (
            "A relaunch of job 42 would be limited to canary, and job 42 was to all hosts: the template has another "
            "limit by now. Restore that, and run the task again."
        )
        assert [asked.path for asked in controller.besides] == [TEMPLATE, at(42, "create_schedule")]
        assert not diff or result["diff"]["after"]["limit"] == "canary"

    @pytest.mark.parametrize(
        ("template", "prompted", "source"),
        [
            ({"limit": "canary"}, {"limit": "web"}, {"limit": "web"}),
            ({"limit": "web2, web1"}, {}, {"limit": "web1,web2"}),
            ({}, {}, {"limit": "web"}),
        ],
        ids=["a prompt counts", "the same hosts", "not told"],
    )
    def test_the_limit_stays(
        self,
        controller: ScriptedController,
        relaunch: Relaunch,
        template: dict[str, t.Any],
        prompted: dict[str, t.Any],
        source: dict[str, t.Any],
    ) -> None:
        controller.whenever("GET", TEMPLATE, body={"id": 7, "job_type": "run", **template})
        controller.whenever("GET", at(42, "create_schedule"), body=prompts(**prompted))
        first(controller, **source)
        counted(controller, 42, summary("web1"))

        result = relaunch(check_mode=True)

        assert (result["failed"], result["changed"], result["hosts"]) == (False, True, ["web1"]), result["msg"]

    def test_failed_hosts_have_a_limit_of_their_own(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.whenever("GET", TEMPLATE, body={"id": 7, "job_type": "run", "limit": "canary"})
        first(controller)
        counted(controller, 42, summary("web1"))

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["failed"], result["hosts"]) == (False, ["web1"]), result["msg"]
        assert [asked.path for asked in controller.besides] == [TEMPLATE]


class TestResultsThatAreNotIn:
    """Nothing is waited for, the results of a job that has ended neither."""

    NOT_IN = "The controller has not said that all results of job {} are in. A real run waits up to a minute for that"

    @pytest.mark.parametrize("hosts", ["all", "failed"])
    def test_what_is_there_is_told(
        self, controller: ScriptedController, relaunch: Relaunch, clock: Clock, hosts: str
    ) -> None:
        """Such as of a job that ended in an error: some controllers never say that they are in."""
        first(controller, "error", event_processing_finished=False)
        counted(controller, 42, summary("web2"))

        result = relaunch(hosts=hosts, check_mode=True)

        assert (result["failed"], result["changed"], result["hosts"]) == (False, True, ["web2"]), result["msg"]
        # What a relaunch on all hosts does depends on none.
        warned = str(result.get("warnings")).count(self.NOT_IN.format(42))
        assert (clock.slept, warned) == ([], 1 if hosts == "failed" else 0)

    def test_those_of_a_later_run_too(self, controller: ScriptedController, relaunch: Relaunch, clock: Clock) -> None:
        late = relaunched(43, "failed", event_processing_finished=False)
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(in_list(late)))
        controller.whenever("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
        controller.whenever("GET", at(43, "job_host_summaries"), body=listed())
        controller.whenever("GET", at(43), body=late)
        rows = listed({"id": 1, "name": "web1"}, {"id": 2, "name": "web2"})
        controller.whenever("GET", "/api/v2/inventories/1/hosts/", body=rows, id__in="1")
        controller.expect("GET", at(42, "relaunch"), body={"retry_counts": {"all": 2, "failed": 2}})

        result = relaunch(hosts="failed", check_mode=True)

        assert (result["changed"], result["hosts"], clock.slept) == (True, ["web1", "web2"], []), result["msg"]
        assert self.NOT_IN.format(43) in str(result["warnings"])

    @pytest.mark.parametrize("hosts", ["failed", "remaining"])
    def test_a_job_that_has_just_ended_is_left_open(
        self, controller: ScriptedController, relaunch: Relaunch, clock: Clock, hosts: str
    ) -> None:
        """What is not in yet may be all: a refusal would be as wrong as a launch."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        late = job(42, finished=now, event_processing_finished=False, host_status_counts=None)
        controller.expect("GET", at(42), body=late)

        result = relaunch(hosts=hosts, check_mode=True)

        assert (result["failed"], result["changed"], clock.slept) == (False, False, [])
        assert result["msg"] == (
            "Job 42 has just ended, and not all of its results are in: these decide. They would be waited for."
        )
