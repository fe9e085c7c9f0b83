# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``hosts: remaining``: the template is launched with the job's prompts, limited to the hosts that are not done."""

from __future__ import annotations

import typing as t

import pytest

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
from ansible_collections.relaunch.controller.tests.unit.templates_as_data import needs

Relaunch = t.Callable[..., dict[str, t.Any]]

LAUNCH = "/api/v2/job_templates/7/launch/"
HOSTS = "/api/v2/inventories/1/hosts/"
ME = {"results": [{"id": 5}]}

SUMMARIES = (summary("web1", failed=False), summary("web2"), summary("web3"))
LIMIT = "web2,web3,web4"


def new(job_id: int = 43, status: str = "pending", **facts: t.Any) -> dict[str, t.Any]:
    """The job that a launch makes, as the answer to that shows it."""
    return job(job_id, status, **{"limit": LIMIT, "ignored_fields": {}, **facts})


def stage(
    controller: ScriptedController,
    *,
    prompted: dict[str, t.Any] | None = None,
    asks: t.Collection[str] = ("limit",),
    never_begun: t.Sequence[str] = ("web4",),
    template: dict[str, t.Any] | None = None,
    **source: t.Any,
) -> None:
    """Job 42 failed on web2 and web3, was done on web1, and never began on web4."""
    controller.whenever("GET", at(42), body=job(42, **source))
    controller.whenever("GET", at(42, "job_host_summaries"), body=listed(*SUMMARIES))
    controller.whenever("GET", at(42, "job_host_summaries"), body=listed(*SUMMARIES[1:]), failed="true")
    left_out = listed(*({"id": 4 + number, "name": name} for number, name in enumerate(never_begun)))
    controller.whenever("GET", HOSTS, body=left_out)
    controller.whenever("GET", HOSTS, body=listed({"id": 2, "name": "web2"}, {"id": 3, "name": "web3"}), enabled="true")
    controller.whenever("GET", HOSTS, body=left_out, not__job_host_summaries__job="42")
    controller.whenever("GET", at(42, "create_schedule"), body=prompts(**(prompted or {})))
    controller.whenever("GET", LAUNCH, body=needs(*asks, **(template or {})))
    controller.whenever("GET", "/api/v2/job_templates/7/", body={"id": 7})


def labels(*numbers: int) -> dict[str, t.Any]:
    """Labels as a summary shows them."""
    return {"count": len(numbers), "results": [{"id": number} for number in numbers]}


def body_of(controller: ScriptedController) -> t.Any:
    return next(asked.body for asked in controller.asked if asked.path == LAUNCH)


def test_exactly_what_remains_is_launched(controller: ScriptedController, relaunch: Relaunch) -> None:
    stage(controller)
    controller.expect("POST", LAUNCH, 201, new())

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["changed"], result["id"]) == (False, True, 43), result["msg"]
    assert result["hosts"] == result["remaining_hosts"] == ["web2", "web3", "web4"]
    assert "relaunched_job_id" not in result
    assert result["msg"] == (
        "Job 42 ended with status failed: its template Deploy was launched with the prompts of job 42 as job 43, "
        "limited to 3 hosts: web2, web3, web4."
    )
    assert body_of(controller) == {"limit": LIMIT}


def test_the_prompts_go_along(controller: ScriptedController, relaunch: Relaunch) -> None:
    prompted = {
        "limit": "web",
        "verbosity": 2,
        "inventory": {"id": 1, "name": "Web", "total_hosts": 4},
        "credentials": [{"id": 14, "name": "aws", "kind": "aws"}],
        "labels": {"count": 1, "results": [{"id": 4, "name": "night"}]},
        "extra_vars": {"release": 7},
        "job_tags": "deploy",
        "job_slice_count": 1,
    }
    template = {"inventory": {"id": 9}, "credentials": [{"id": 1}], "job_slice_count": 3}
    stage(controller, prompted=prompted, asks=(*prompted,), template=template)
    controller.expect("POST", LAUNCH, 201, new())

    relaunch(hosts="remaining")

    assert body_of(controller) == {
        "limit": LIMIT,
        "verbosity": 2,
        "inventory": 1,
        "credentials": [1, 14],
        "labels": [4],
        "extra_vars": {"release": 7},
        "job_tags": "deploy",
        "job_slice_count": 1,
    }


def test_in_check_mode_nothing_is_sent(controller: ScriptedController, relaunch: Relaunch) -> None:
    stage(controller)

    result = relaunch(hosts="remaining", check_mode=True, wait=True, diff=True)

    assert (result["failed"], result["changed"], result["hosts"]) == (False, True, ["web2", "web3", "web4"])
    assert result["msg"] == (
        "Job 42 ended with status failed: its template Deploy would be launched with the prompts of job 42, limited to "
        "3 hosts: web2, web3, web4 and waited for."
    )
    assert result["diff"]["after"]["limit"] == LIMIT
    assert {asked.method for asked in controller.besides} == {"GET"} and controller.asked == []


def test_the_diff_shows_the_template_of_now_with_the_prompts(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    prompted = {"verbosity": 2, "limit": "web", "inventory": {"id": 1, "name": "Bulk"}, "extra_vars": {"release": 7}}
    asks = ("limit", "verbosity", "inventory", "extra_vars")
    stage(controller, prompted=prompted, asks=asks, verbosity=2, extra_vars='{"release": 7}')
    template = {
        "id": 7,
        "limit": "canary",
        "verbosity": 1,
        "job_tags": "hotfix",
        "inventory": 5,
        "extra_vars": "mirror: one",
        "summary_fields": {"credentials": [{"id": 3, "name": "ssh", "kind": "ssh"}]},
    }
    controller.whenever("GET", "/api/v2/job_templates/7/", body=template)

    result = relaunch(hosts="remaining", check_mode=True, diff=True)

    assert result["changed"], result["msg"]
    before, after = result["diff"]["before"], result["diff"]["after"]
    assert (before["inventory"], before["credentials"], before["extra_vars"]) == (1, [], {"release": 7})
    assert (after["launch_type"], after["limit"], after["verbosity"]) == ("manual", LIMIT, 2)
    assert (after["job_tags"], after["inventory"], after["credentials"]) == ("hotfix", "Bulk", ["ssh"])
    assert after["extra_vars"] == {"release": 7, "mirror": "one"}


REFUSED: list[tuple[str, dict[str, t.Any], str]] = [
    (
        "no limit prompt",
        {"asks": ()},
        "does not ask for limit at its launch, and would ignore it. Tick",
    ),
    (
        "prompts that it asks for no more",
        {"asks": ("limit",), "prompted": {"verbosity": 2, "job_tags": "a"}},
        "does not ask for job_tags, verbosity at its launch",
    ),
    (
        "a secret answer",
        {"prompted": {"extra_vars": {"password": "$encrypted$"}}, "asks": ("limit", "extra_vars")},
        "does not show: password. Give them in changes of job_relaunch, as extra_vars.",
    ),
    ("a name that no limit holds", {"never_begun": ("web4*",)}, "No limit holds web4*"),
    ("a slice", {"job_slice_count": 2, "job_slice_number": 1}, "Its template is sliced"),
    ("a template that is sliced by now", {"template": {"job_slice_count": 3}}, "is sliced"),
    (
        "too many",
        {"never_begun": [f"web{'4' * 100}{number}" for number in range(1300)]},
        "limit of more than 128000",
    ),
    ("no inventory", {"inventory": None}, "The inventory that it ran with is gone"),
    ("no template", {"unified_job_template": None}, "Its template is gone"),
]


@pytest.mark.parametrize(("staged", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_what_cannot_be_launched_so_is_refused_before_the_post(
    controller: ScriptedController, relaunch: Relaunch, staged: dict[str, t.Any], reason: str, check_mode: bool
) -> None:
    stage(controller, **staged)

    result = relaunch(hosts="remaining", check_mode=check_mode)

    assert (result["failed"], result["changed"]) == (True, False)
    assert reason in result["msg"]
    assert controller.asked == []


@pytest.mark.parametrize("hosts", ["failed", "remaining"])
def test_it_is_never_chosen_by_itself(controller: ScriptedController, relaunch: Relaunch, hosts: str) -> None:
    """Neither with ``fallback_to_all``: that is a relaunch of the job on all of its hosts."""
    stage(controller, never_begun=("web4*",), asks=())
    if hosts == "failed":
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit="web2,web3"))

    result = relaunch(hosts=hosts, fallback_to_all=True)

    assert result["failed"] is (hosts == "remaining")
    assert LAUNCH not in [asked.path for asked in controller.asked]


@pytest.mark.parametrize(
    ("later", "taken"),
    [({}, 44), ({"status": "canceled"}, 43), ({"canceled_on": "2026-11-23T01:00:03Z"}, 43)],
    ids=["stays", "canceled", "being canceled"],
)
def test_a_relaunch_that_could_not_see_it_is_taken(
    controller: ScriptedController, relaunch: Relaunch, clock: Clock, later: dict[str, str], taken: int
) -> None:
    """A launch may show up too late for who relaunches in the same instant. Who sees it gives way to it meanwhile, and
    a job that runs takes seconds to be canceled.
    """
    created = {number: f"2026-11-23T01:00:0{number - 43}Z" for number in (43, 44)}
    own, other = new(created=created[43]), relaunched(44, "running", LIMIT, created=created[44])
    stage(controller)
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", LAUNCH, 201, own)
    controller.expect("GET", JOBS, body=listed(in_list(own), in_list(other)))
    controller.expect("GET", JOBS, body=listed(in_list(own), in_list({**other, **later})))
    controller.whenever("POST", at(43, "cancel"), 202)
    before = clock.now

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["id"], result["changed"]) == (False, taken, taken == 43), result["msg"]
    assert clock.now - before == 4
    assert result.get("own_job_id") == (43 if taken == 44 else None)


def test_what_the_controller_ignores_all_the_same_is_canceled(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    stage(controller)
    controller.expect("POST", LAUNCH, 201, new(limit="", ignored_fields={"limit": LIMIT}))
    controller.expect("POST", at(43, "cancel"), 202)

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
    assert result["msg"] == (
        "Job 43 does not run as asked: the controller ignored limit. It was canceled; it may have begun. Run the task "
        "again."
    )


def test_what_a_template_sliced_meanwhile_launches_is_canceled(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    stage(controller)
    controller.expect("POST", LAUNCH, 201, new(type="workflow_job"))
    controller.expect("POST", "/api/v2/workflow_jobs/43/cancel/", 202)

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["id"]) == (True, 43)
    assert result["msg"].startswith("Workflow job 43 does not run as asked: its template is sliced by now.")
    assert result["url"].endswith("/jobs/workflow/43/output")


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (403, DENIED, "use role on the credentials, inventory and instance groups"),
        (400, {"passwords_needed_to_start": ["ssh_password"]}, "Give these in credential_passwords."),
        (400, {"playbook": ["Missing a revision."]}, "Update the template's project"),
        (404, {"detail": "Not found."}, "deleted meanwhile"),
        (400, {"labels": ["?"]}, "Look at the template"),
    ],
)
def test_a_refusal_of_the_controller_is_told(
    controller: ScriptedController, relaunch: Relaunch, status: int, body: dict[str, t.Any], advice: str
) -> None:
    stage(controller)
    controller.expect("POST", LAUNCH, status, body)

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["changed"]) == (True, False)
    assert f"The job template Deploy was not launched. The controller answered {status}" in result["msg"]
    assert advice in result["msg"]


def test_who_may_not_launch_the_template_is_told_in_check_mode(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    stage(controller)
    denied = {"id": 7, "summary_fields": {"user_capabilities": {"start": False}}}
    controller.whenever("GET", "/api/v2/job_templates/7/", body=denied)

    result = relaunch(hosts="remaining", check_mode=True)

    assert (result["failed"], result["changed"]) == (True, False)
    assert "would not be launched: the controller does not let this user do that" in result["msg"]


@pytest.mark.parametrize(
    ("status", "body"), [(403, DENIED), (200, {"prompts": {"all": "Inconnu"}})], ids=["403", "not kept"]
)
def test_prompts_that_are_not_told_are_a_reason_to_refuse(
    controller: ScriptedController, relaunch: Relaunch, status: int, body: dict[str, t.Any]
) -> None:
    stage(controller)
    controller.whenever("GET", at(42, "create_schedule"), status, body)

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["changed"]) == (True, False)
    assert "does not tell what it was launched with beyond its template" in result["msg"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_template_that_may_not_be_seen_is_told(
    controller: ScriptedController, relaunch: Relaunch, status: int
) -> None:
    stage(controller)
    controller.whenever("GET", LAUNCH, status, DENIED)

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["changed"]) == (True, False)
    assert f"The job template 7 was not launched. The controller answered {status}" in result["msg"]


def test_a_prompt_that_is_gone_is_a_reason_to_refuse(controller: ScriptedController, relaunch: Relaunch) -> None:
    """As with a relaunch: the launch would not be what the job was. With another one in its place it may be, not with
    another label.
    """
    stage(controller, asks=("limit", "credentials", "labels"), summary_fields={"credentials": []})
    template = {
        "id": 7,
        "modified": "2026-11-22T00:00:00Z",
        "ask_credential_on_launch": True,
        "summary_fields": {"credentials": [{"id": 1, "name": "dev"}]},
    }
    controller.whenever("GET", "/api/v2/job_templates/7/", body=template)
    controller.whenever("GET", at(42, "activity_stream"), body=listed({"changes": {"credentials": ["prod (3)"]}}))
    controller.expect("POST", LAUNCH, 201, new())

    for changes in ({}, {"labels": [2]}):
        refused = relaunch(hosts="remaining", changes=changes)
        assert refused["failed"] and "prod" in refused["msg"], refused["msg"]
    relaunch(hosts="remaining", changes={"credentials": [4]})

    assert body_of(controller) == {"limit": LIMIT, "credentials": [4]}


@pytest.mark.parametrize("asked", [True, False])
def test_one_of_several_credentials_that_is_gone_too(
    controller: ScriptedController, relaunch: Relaunch, asked: bool
) -> None:
    asks = ("limit", "credentials") if asked else ("limit",)
    stage(controller, asks=asks, summary_fields={"credentials": [{"id": 4, "name": "aws"}]})
    if asked:
        facts = {"id": 7, "modified": "2026-11-22T00:00:00Z", "ask_credential_on_launch": True}
        controller.whenever("GET", "/api/v2/job_templates/7/", body=facts)
        told = listed({"changes": {"credentials": ["aws (4)", "prod (3)"]}})
        controller.whenever("GET", at(42, "activity_stream"), body=told)
    controller.whenever("POST", LAUNCH, 201, new())

    result = relaunch(hosts="remaining")

    # What a template does not ask for was no prompt, and is not asked about.
    assert result["failed"] is asked
    assert ("the credential prod that it was launched with is gone" in result["msg"]) is asked


def test_missing_passwords_are_named_before_the_post(controller: ScriptedController, relaunch: Relaunch) -> None:
    stage(controller, template={"passwords_needed_to_start": ["ssh_password", "become_password"]})
    controller.expect("POST", LAUNCH, 201, new())

    refused = relaunch(hosts="remaining", credential_passwords={"become_password": "s3cret", "other": "x"})
    relaunch(hosts="remaining", credential_passwords={"become_password": "s3cret", "ssh_password": "t0p", "other": "x"})

    assert refused["failed"] and "passwords that are not given, or blank: ssh_password." in refused["msg"]
    sent = {"become_password": "s3cret", "ssh_password": "t0p"}
    assert body_of(controller) == {"limit": LIMIT, "credential_passwords": sent}


class TestAtMostOnce:
    @pytest.mark.parametrize("lost", [{"status": 502, "body": HTML}, {"fault": "close"}], ids=["502", "closed"])
    def test_a_lost_answer_is_looked_for(
        self, controller: ScriptedController, relaunch: Relaunch, lost: dict[str, t.Any]
    ) -> None:
        stage(controller)
        mine = {"launched_by": {"id": 5, "type": "user"}}
        controller.whenever("GET", "/api/v2/me/", body=ME)
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", LAUNCH, **lost)
        others = [new(43, limit="web2", **mine), new(44, launched_by={"id": 6}), relaunched(45, limit=LIMIT, **mine)]
        controller.expect("GET", JOBS, body=listed(*map(in_list, [*others, new(46, **mine), new(47, **mine)])))

        result = relaunch(hosts="remaining")

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 46), result["msg"]
        assert "The answer to that was lost" in result["msg"]
        # Either may be another caller's.
        assert "more than once: 46, 47." in str(result["warnings"])

    def test_where_it_is_not_found_that_is_said(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        stage(controller)
        controller.expect("POST", LAUNCH, 502, HTML)

        result = relaunch(hosts="remaining")

        assert (result["failed"], result["changed"], "id" in result) == (True, True, False)
        assert result["msg"].startswith("It is unknown whether the job template Deploy was launched:")

    def test_one_that_was_not_carried_out_is_sent_again_after_a_look(
        self, controller: ScriptedController, relaunch: Relaunch, clock: Clock
    ) -> None:
        stage(controller)
        controller.expect("POST", LAUNCH, 429, {"detail": "Throttled."}, headers={"Retry-After": "7"})
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", LAUNCH, 201, new())

        assert relaunch(hosts="remaining", max_retries=3)["id"] == 43
        assert 7 in clock.slept

    def test_of_two_callers_the_first_one_stays(
        self, controller: ScriptedController, relaunch: Relaunch, clock: Clock
    ) -> None:
        """A launch with a lower number may show up later than one with a higher (measured)."""
        stage(controller)
        controller.expect("GET", JOBS, body=listed())
        controller.expect("POST", LAUNCH, 201, new(44))
        controller.expect("GET", JOBS, body=listed(in_list(new(43)), in_list(new(44))))
        controller.expect("POST", at(44, "cancel"), 202)

        result = relaunch(hosts="remaining")

        assert (result["changed"], result["id"], result["own_job_id"]) == (False, 43, 44)
        assert sum(clock.slept) >= 2
        # Also one with a number below those that were known.
        assert controller.asked[2].query["id__gt"] == "42"


class TestAgain:
    def done(self, controller: ScriptedController, status: str = "successful", **facts: t.Any) -> None:
        stage(controller)
        controller.whenever("GET", JOBS, body=listed(in_list(new(43, status, **facts))))
        controller.whenever("GET", at(43), body=new(43, status, **facts))
        rows = [summary(name, failed=False) for name in LIMIT.split(",")]
        controller.whenever("GET", at(43, "job_host_summaries"), body=listed(*rows))

    @pytest.mark.parametrize("hosts", ["remaining", "failed"])
    def test_what_is_done_is_not_launched_again(
        self, controller: ScriptedController, relaunch: Relaunch, hosts: str
    ) -> None:
        self.done(controller)

        result = relaunch(hosts=hosts)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43), result["msg"]
        assert result["remaining_hosts"] == []

    def test_what_is_being_done_is_taken(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        self.done(controller, "running")

        result = relaunch(hosts="remaining")

        assert (result["changed"], result["id"], result["hosts"]) == (False, 43, ["web2", "web3", "web4"])
        assert result["msg"] == "Job 43, the same work as job 42, is running already."

    def test_also_where_the_template_asks_for_values_only_since(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """A value that is the template's is no prompt, so that the prompts of the new job are less."""
        self.done(controller, verbosity=3, forks=9)
        controller.whenever("GET", at(42), body=job(42, verbosity=3))
        controller.whenever("GET", at(42, "create_schedule"), body=prompts(verbosity=3, extra_vars={"a": 1}))
        controller.whenever("GET", at(43, "create_schedule"), body=prompts(limit=LIMIT, extra_vars={"a": 1}))

        result = relaunch(hosts="remaining")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 43), result["msg"]


class TestChanges:
    CHANGES: t.ClassVar[dict[str, t.Any]] = {"extra_vars": {"mirror": "two"}, "job_tags": ["deploy"], "verbosity": 2}

    @pytest.mark.parametrize(("hosts", "limit"), [("failed", "web2,web3"), ("remaining", LIMIT), ("all", "")])
    def test_the_prompts_are_overlaid(
        self, controller: ScriptedController, relaunch: Relaunch, hosts: str, limit: str
    ) -> None:
        prompted = {"extra_vars": {"release": 7, "mirror": "one"}, "verbosity": 1, "forks": 3}
        asks = ("limit", "extra_vars", "job_tags", "verbosity", "forks")
        stage(controller, prompted=prompted, asks=asks)
        controller.expect("POST", LAUNCH, 201, new(limit=limit))

        result = relaunch(hosts=hosts, changes=self.CHANGES)

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 43), result["msg"]
        told = "was launched with the prompts of job 42 and other extra_vars, job_tags, verbosity as job 43, "
        assert told in result["msg"]
        changed = {"extra_vars": {"release": 7, "mirror": "two"}, "job_tags": "deploy", "verbosity": 2, "forks": 3}
        assert body_of(controller) == {**changed, **({"limit": limit} if limit else {})}

    @pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
    def test_the_diff_shows_them(self, controller: ScriptedController, relaunch: Relaunch, check_mode: bool) -> None:
        """Variables as a whole, and of credentials those of the template that these do not take the place of; labels
        are added to the template's.
        """
        own = [{"id": number, "name": name, "kind": name} for number, name in ((1, "ssh"), (2, "aws"))]
        stage(
            controller,
            asks=("limit", "extra_vars", "credentials", "verbosity", "forks", "labels", "inventory"),
            prompted={"extra_vars": {"release": 7}, "verbosity": 1},
            template={"credentials": own},
            extra_vars='{"release": 7, "mirror": "one"}',
            summary_fields={"credentials": own, "labels": labels(4)},
        )
        summaries = {"credentials": own, "labels": labels(4)}
        detail = {"id": 7, "extra_vars": "mirror: one", "verbosity": 0, "summary_fields": summaries}
        controller.whenever("GET", "/api/v2/job_templates/7/", body=detail)
        other, more = {"id": 8, "name": "other ssh", "kind": "ssh"}, {"id": 9, "name": "tower", "kind": "controller"}
        for text, some in (("8", [other]), ("9", [more])):
            controller.whenever("GET", "/api/v2/credentials/", body=listed(*some), id=text)
        # A key that is given twice has to hold with either value, and none has both numbers.
        controller.whenever("GET", "/api/v2/credentials/", body=listed(other, more), id__in="8,9")
        controller.whenever("GET", "/api/v2/labels/", body=listed({"id": 6}), id="6")
        web = {"id": 5, "name": "Web"}
        for query in ({"name": "Web"}, {"id": "5"}):
            controller.whenever("GET", "/api/v2/inventories/", body=listed(web), **query)
        named = {"labels": 6, "inventory": "Web"}
        changes = {"extra_vars": {"mirror": "two"}, "credentials": [8, 9], "forks": 3, **named}
        made = new(
            limit="web2,web3",
            extra_vars='{"release": 7, "mirror": "two"}',
            verbosity=1,
            forks=3,
            inventory=5,
            summary_fields={"credentials": [own[1], other, more], "labels": labels(4, 6), "inventory": web},
        )
        controller.whenever("POST", LAUNCH, 201, made)

        result = relaunch(hosts="failed", changes=changes, check_mode=check_mode, diff=True)

        assert result["changed"], result["msg"]
        before, after = result["diff"]["before"], result["diff"]["after"]
        assert (before["extra_vars"], after["extra_vars"]) == (
            {"release": 7, "mirror": "one"},
            {"release": 7, "mirror": "two"},
        )
        assert (before["credentials"], after["credentials"]) == (["aws", "ssh"], ["aws", "other ssh", "tower"])
        assert (before["forks"], after["forks"], after["verbosity"]) == (0, 3, 1)
        assert (before["labels"], after["labels"]) == ([4], [4, 6])
        assert (before["inventory"], after["inventory"]) == (1, "Web")

    @pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
    def test_all_that_the_template_does_not_ask_for_is_named_at_once(
        self, controller: ScriptedController, relaunch: Relaunch, check_mode: bool
    ) -> None:
        stage(controller, asks=("limit",))

        result = relaunch(hosts="failed", changes=self.CHANGES, check_mode=check_mode)

        assert (result["failed"], result["changed"]) == (True, False)
        assert result["msg"].startswith(
            "The template of job 42 was not launched with other extra_vars, job_tags, verbosity. The template does not "
            "ask for extra_vars, job_tags, verbosity at its launch"
        )
        assert controller.asked == []

    def test_a_secret_answer_is_given_and_not_shown(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        prompted = {"extra_vars": {"password": "$encrypted$"}}
        template = {"survey_enabled": True, "variables_needed_to_start": ["password"]}
        stage(controller, prompted=prompted, template=template, extra_vars='{"password": "$encrypted$"}')
        spec = {"spec": [{"variable": "password", "type": "password"}]}
        controller.whenever("GET", "/api/v2/job_templates/7/survey_spec/", body=spec)

        result = relaunch(
            hosts="remaining", changes={"extra_vars": {"password": "hunter2"}}, check_mode=True, diff=True
        )

        assert (result["failed"], result["changed"]) == (False, True), result["msg"]
        assert result["diff"]["after"]["extra_vars"] == {"password": "$encrypted$"}
        assert "hunter2" not in str(result)

    def test_a_secret_answer_that_is_declined_is_not_quoted(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """Not even a part of it, where what the controller says is longer than can be told."""
        stage(controller, template={"survey_enabled": True})
        spec = {"spec": [{"variable": "pin", "type": "password"}]}
        controller.whenever("GET", "/api/v2/job_templates/7/survey_spec/", body=spec)
        quoted = {"variables_needed_to_start": ["Value " + "815815" * 99 + " for 'pin' expected to be a string."]}
        controller.expect("POST", LAUNCH, 400, quoted)

        result = relaunch(hosts="remaining", changes={"extra_vars": {"pin": int("815815" * 99)}})

        assert "for 'pin' expected to be a string" in result["msg"] and "in changes of job_relaunch" in result["msg"]
        assert "815" not in str(result)

    def test_it_is_done_once(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        asks = ("limit", "verbosity")
        stage(controller, asks=asks, never_begun=())
        changed = new(44, "successful", limit="web2,web3", verbosity=2)
        without = relaunched(43, "successful", limit="web2,web3")
        controller.whenever("GET", JOBS, body=listed(in_list(without), in_list(changed)))
        controller.whenever("GET", at(44), body=changed)
        rows = listed(summary("web2", failed=False), summary("web3", failed=False))
        controller.whenever("GET", at(44, "job_host_summaries"), body=rows)
        controller.whenever("GET", at(44, "create_schedule"), body=prompts(limit="web2,web3", verbosity=2))

        result = relaunch(hosts="failed", changes={"verbosity": 2})

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 44), result["msg"]

    def test_a_success_of_the_job_itself_is_none_on_all_hosts(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        stage(controller, asks=("job_tags",), status="successful")
        controller.expect("POST", LAUNCH, 201, new(limit=""))

        result = relaunch(changes={"job_tags": "verify"})

        assert result["msg"] == (
            "Job 42 was successful: its template Deploy was launched with the prompts of job 42 and other job_tags as "
            "job 43, on all its hosts."
        )

    def test_a_success_of_a_job_that_has_them_is_one(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        """Such as the one that a task before has launched, where the task names a template."""
        stage(controller, status="successful", verbosity=2)

        result = relaunch(changes={"verbosity": 2})

        assert (result["failed"], result["changed"], result["id"]) == (False, False, 42), result["msg"]

    def test_a_success_with_more_credentials_is_none(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        own, vault = {"id": 1, "kind": "ssh", "name": "ssh"}, {"id": 9, "kind": "vault", "name": "vault"}
        stage(
            controller,
            prompted={"credentials": [vault]},
            asks=("limit", "credentials"),
            template={"credentials": [own]},
            status="successful",
            summary_fields={"credentials": [own, vault]},
        )
        controller.expect("POST", LAUNCH, 201, new(limit="", summary_fields={"credentials": [own]}))

        result = relaunch(hosts="all", changes={"credentials": [1]})

        assert (result["failed"], result["changed"], result["id"]) == (False, True, 43), result["msg"]
        assert body_of(controller) == {}

    def test_a_failure_of_a_job_that_has_them_is_launched_with_them(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        """A plain relaunch would take the value of the template by now."""
        stage(controller, verbosity=2, asks=("limit", "verbosity"))
        controller.expect("POST", LAUNCH, 201, new(limit="web2,web3"))

        relaunch(hosts="failed", changes={"verbosity": 2})

        assert body_of(controller) == {"limit": "web2,web3", "verbosity": 2}

    def test_a_type_that_differs_from_the_option_is_refused(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        result = relaunch(job_type="run", changes={"job_type": "check"})

        assert result["msg"] == "job_type is given twice, once in changes, and differs."
        assert controller.asked == []

    def test_as_a_check(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        """The template takes it, whatever the controller takes on a relaunch."""
        stage(controller, asks=("job_type",))
        controller.expect("POST", LAUNCH, 201, new(limit="", job_type="check"))

        result = relaunch(changes={"job_type": "check"}, diff=True)

        assert result["id"] == 43
        assert [result["diff"][side]["job_type"] for side in ("before", "after")] == ["run", "check"]
        assert body_of(controller) == {"job_type": "check"}

    def test_passwords_of_changed_credentials_go_along(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        stage(controller, asks=("credentials",), template={"credentials": [{"id": 1}]})
        controller.expect("POST", LAUNCH, 201, new(limit=""))

        relaunch(changes={"credentials": [8]}, credential_passwords={"ssh_password": "t0p"})

        sent = {"credentials": [1, 8], "credential_passwords": {"ssh_password": "t0p"}}
        assert body_of(controller) == sent


class TestNames:
    """What has a name is looked up before anything is sent."""

    ASKS = ("limit", "inventory", "credentials", "labels", "execution_environment")

    def test_they_are_sent_as_numbers(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        stage(controller, asks=self.ASKS)
        controller.whenever("GET", "/api/v2/credentials/", body=listed({"id": 8, "name": "prod"}), name="prod")
        controller.whenever("GET", "/api/v2/labels/", body=listed({"id": 4, "name": "night"}), name="night")
        controller.whenever("GET", r"/api/v2/inventories/Web\+\+Default/", body={"id": 3, "name": "Web"})
        environments = "/api/v2/execution_environments/"
        controller.whenever("GET", environments, body=listed(), id="2026")
        controller.whenever("GET", environments, body=listed({"id": 5, "name": "2026"}), name="2026")
        controller.expect("POST", LAUNCH, 201, new(limit=""))
        changes = {"credentials": ["prod", 9], "labels": "night", "inventory": "Web++Default"}

        result = relaunch(changes={**changes, "execution_environment": "2026"})

        assert (result["failed"], result["id"]) == (False, 43), result["msg"]
        sent = {"credentials": [8, 9], "labels": [4], "inventory": 3, "execution_environment": 5}
        assert body_of(controller) == sent

    def test_check_mode_says_that_a_number_is_none(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        stage(controller, asks=self.ASKS)
        for query in ({"id": "3"}, {"name": "3"}, {"name__icontains": "3"}):
            controller.whenever("GET", "/api/v2/inventories/", body=listed(), **query)

        result = relaunch(changes={"inventory": 3}, check_mode=True)

        assert (result["failed"], result["changed"]) == (True, False)
        assert result["msg"] == "changes: There is no inventory 3 that this user may see."

    @pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
    def test_none_and_several_are_refused_together(
        self, controller: ScriptedController, relaunch: Relaunch, check_mode: bool
    ) -> None:
        stage(controller, asks=self.ASKS)
        kinds = ((8, "Machine", "Web"), (9, "Vault", "Shop"))
        several = [
            {
                "id": number,
                "name": "prod",
                "summary_fields": {"credential_type": {"name": kind}, "organization": {"name": organization}},
            }
            for number, kind, organization in kinds
        ]
        controller.whenever("GET", "/api/v2/credentials/", body=listed(*several), name="prod")
        controller.whenever("GET", "/api/v2/inventories/", body=listed(), name="Web")
        controller.whenever(
            "GET", "/api/v2/inventories/", body=listed({"id": 3, "name": "Web 2"}), name__icontains="Web"
        )

        result = relaunch(changes={"credentials": "prod", "inventory": "Web"}, check_mode=check_mode)

        assert (result["failed"], result["changed"]) == (True, False)
        assert result["msg"] == (
            "changes: There is no inventory Web that this user may see. There is: Web 2 (id 3). There are 2 "
            "credentials named prod: prod (id 8, Machine, organization Web), prod (id 9, Vault, organization Shop). "
            "Give the id of one."
        )
        assert controller.asked == []


def test_one_that_was_added_again_is_reached(controller: ScriptedController, relaunch: Relaunch) -> None:
    stage(controller, never_begun=())
    rows = listed(summary("web1", failed=False), summary("web2", present=False), summary("web3"))
    controller.whenever("GET", at(42, "job_host_summaries"), body=rows)
    failed = listed(*rows["results"][1:])
    controller.whenever("GET", at(42, "job_host_summaries"), body=failed, failed="true")
    controller.whenever("GET", HOSTS, body=listed({"id": 12, "name": "web2", "enabled": True}), name__in="web2")
    had = listed({"host": 2, "host_name": "web2"})
    controller.whenever("GET", at(42, "job_events"), body=had, host__isnull="false")
    controller.expect("POST", LAUNCH, 201, new(limit="web2,web3"))

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["hosts"]) == (False, ["web2", "web3"]), result["msg"]
    assert body_of(controller) == {"limit": "web2,web3"}


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ({"id": 12, "name": "web2", "enabled": True}, "web2,web3"),
        ({"id": 12, "name": "web2", "enabled": False}, "web3"),
        ({"id": 2, "name": "web2", "enabled": False}, "web3"),
    ],
    ids=["added again", "added again, disabled", "disabled"],
)
def test_one_that_is_added_again_behind_the_results_is_not_taken_for_disabled(
    controller: ScriptedController, relaunch: Relaunch, row: dict[str, t.Any], limit: str
) -> None:
    stage(controller, never_begun=())
    controller.whenever("GET", HOSTS, body=listed({"id": 3, "name": "web3"}), enabled="true")
    controller.whenever("GET", HOSTS, body=listed(row), name__in="web2")
    controller.expect("POST", LAUNCH, 201, new(limit=limit))

    result = relaunch(hosts="remaining")

    assert (result["failed"], body_of(controller)) == (False, {"limit": limit}), result["msg"]


def test_without_the_inventory_it_is_told_that_names_are_missing(
    controller: ScriptedController, relaunch: Relaunch
) -> None:
    stage(controller, summary_fields={"inventory": {"total_hosts": 6}})
    controller.whenever("GET", HOSTS, 403, DENIED)
    controller.whenever("GET", HOSTS, 403, DENIED, enabled="true")
    controller.whenever("GET", HOSTS, 403, DENIED, not__job_host_summaries__job="42")

    result = relaunch(hosts="remaining")

    assert (result["failed"], result["changed"], result["cut_short"]) == (True, False, True)
    assert "Job 42 may have left out hosts whose names are not known: its inventory" in result["msg"]
