# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world that moves: templates edited, hosts disabled, renamed and deleted, others at work between two requests."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t

import pytest

from sandbox.process import Sandbox, SandboxError
from sandbox.tests import playbooks

_NAMES = ("one", "two", "three")
_HOSTS: dict[str, dict[str, t.Any]] = {name: {} for name in _NAMES}
_OUTCOMES = {"one": "failed", "two": "ok", "three": "ok"}


@pytest.fixture
def idle(sandbox: Sandbox) -> None:
    """No job runs: each ends as the test says."""
    sandbox.settings(max_running=0)


@pytest.mark.usefixtures("idle")
def test_a_relaunch_is_todays_template_with_the_prompts_of_its_source(sandbox: Sandbox) -> None:
    asks = ["limit", "extra_vars", "verbosity"]
    template = sandbox.add_template("Edited", playbooks.CHECKING, hosts=_HOSTS, asks=asks, extra_vars={"t": "old"})
    job = sandbox.launch(template["id"], limit="one,two", extra_vars={"a": 1}, verbosity=0)
    sandbox.end_job(job, "failed", {"one": "failed", "two": "ok"})
    sandbox.change_template(
        template["id"],
        name="Edited since",
        extra_vars={"t": "new"},
        verbosity=2,
        forks=3,
        diff_mode=True,
        job_tags="late",
        labels=["repaired"],
        credentials=[sandbox.add_credential("cloud", "aws")],
        asks=[],
    )
    relaunched = sandbox.job(sandbox.relaunch(job, hosts="failed"))
    values = {
        "name": "Edited since",
        "limit": "one",
        "extra_vars": '{"t": "new", "a": 1}',
        "verbosity": 2,
        "forks": 3,
        "diff_mode": True,
        "job_tags": "late",
    }
    assert {name: relaunched[name] for name in values} == values
    assert [label["name"] for label in relaunched["summary_fields"]["labels"]["results"]] == ["repaired"]
    assert [one["kind"] for one in relaunched["summary_fields"]["credentials"]] == ["aws"]
    # The verbosity that was given was the template's: no prompt.
    assert sandbox.prompts(job) == {"limit": "one,two", "extra_vars": {"a": 1}}
    assert sandbox.prompts(relaunched["id"]) == {"limit": "one", "extra_vars": {"a": 1}}


@pytest.mark.usefixtures("idle")
def test_prompts_that_are_deleted_drop_out(sandbox: Sandbox) -> None:
    asks = ["credentials", "labels", "inventory", "execution_environment"]
    template = sandbox.add_template("Dropping", playbooks.CHECKING, hosts=_HOSTS, asks=asks)
    credential, label = sandbox.add_credential("brief"), sandbox.add_label("brief")
    environment = sandbox.add_execution_environment("brief")
    given = {"credentials": [credential], "labels": [label], "execution_environment": environment}
    job = sandbox.launch(template["id"], **given)
    assert set(sandbox.prompts(job)) == set(given)
    sandbox.delete_credential(credential)
    sandbox.delete("labels", label)
    sandbox.delete("execution_environments", environment)
    assert sandbox.prompts(job) == {}
    sandbox.end_job(job, "failed", _OUTCOMES)
    sandbox.delete_template(template["id"])
    relaunched = sandbox.relaunch(job)
    assert list(sandbox.prompts(relaunched)) == ["all"]
    assert sandbox.request("GET", f"/jobs/{job}/create_schedule/", user="alice").status == 403


def test_hosts_come_and_go(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Moving hosts", playbooks.REACHING, hosts={**_HOSTS, "one": {"broken": True}})
    hosts, inventory = template["hosts"], template["inventory"]
    sandbox.disable_host(hosts["two"])
    job = sandbox.launch(template["id"])
    assert sandbox.wait(job) == "failed"

    def summaries(job: int) -> list[tuple[t.Any, ...]]:
        found = sandbox.request("GET", f"/jobs/{job}/job_host_summaries/?order_by=host_name").body["results"]
        return [(one["host_name"], one["host"], one["summary_fields"].get("host", {}).get("name")) for one in found]

    assert [name for name, _host, _today in summaries(job)] == ["one", "three"]
    sandbox.rename_host(hosts["one"], "first")
    sandbox.delete_host(hosts["three"])
    assert summaries(job) == [("one", hosts["one"], "first"), ("three", None, None)]
    assert sandbox.job(job)["summary_fields"]["inventory"]["total_hosts"] == 2
    added = sandbox.add_host(inventory, "four")
    enabled = sandbox.request("GET", f"/inventories/{inventory}/hosts/?enabled=true&order_by=id").body
    assert [host["id"] for host in enabled["results"]] == [hosts["one"], added]
    assert sandbox.request("GET", f"/inventories/{inventory}/", user="auditor").body["total_hosts"] == 3
    for path, status in (
        (f"/inventories/{inventory}/", 403),
        (f"/inventories/{inventory}/hosts/", 403),
        ("/hosts/", 200),
    ):
        answer = sandbox.request("GET", path, user="alice")
        assert (answer.status, answer.body.get("count", 0)) == (status, 0)


def test_groups_of_hosts(sandbox: Sandbox) -> None:
    playbook = playbooks.CHECKING.replace("hosts: all", "hosts: odd")
    template = sandbox.add_template("Groups", playbook, hosts=_HOSTS, groups={"odd": ["one", "three"], "even": ["two"]})
    job = sandbox.launch(template["id"])
    assert sandbox.wait(job) == "successful"
    groups = sandbox.request("GET", f"/inventories/{template['inventory']}/groups/?name__in=odd,none").body["results"]
    assert [group["name"] for group in groups] == ["odd"]
    path = f"/groups/{groups[0]['id']}/all_hosts/"
    assert [host["name"] for host in sandbox.request("GET", path).body["results"]] == ["one", "three"]
    path_of_all = f"/inventories/{template['inventory']}/hosts/"
    never = sandbox.request("GET", f"{path_of_all}?not__job_host_summaries__job={job}").body["results"]
    assert [host["name"] for host in never] == ["two"]
    assert sandbox.job(job)["summary_fields"]["inventory"]["total_groups"] == 2
    assert sandbox.request("GET", path, user="alice").status == 403


def test_a_host_in_use_can_be_renamed_but_not_deleted(sandbox: Sandbox) -> None:
    template = sandbox.add_template(
        "Used", playbooks.CHECKING, hosts={"one": {"broken": True}, "two": {}}, duration=1.5
    )
    hosts, start = template["hosts"], time.monotonic()
    job = sandbox.launch(template["id"])
    sandbox.wait(job, status="running")
    sandbox.rename_host(hosts["one"], "uno")
    with pytest.raises(SandboxError, match="409"):
        sandbox.delete_host(hosts["two"])
    refusal = sandbox.request("DELETE", f"/hosts/{hosts['two']}/")
    assert (refusal.status, refusal.body["active_jobs"]) == (409, [{"id": job, "type": "job"}])
    assert sandbox.wait(job) == "failed"
    # A job takes as long as its template says.
    assert time.monotonic() - start >= 1.5
    sandbox.delete_host(hosts["two"])
    summaries = sandbox.request("GET", f"/jobs/{job}/job_host_summaries/?failed=true").body["results"]
    assert [summary["host"] for summary in summaries] == [hosts["one"]]
    assert sandbox.job(sandbox.relaunch(job, hosts="failed"))["limit"] in ("one", "uno")


def test_events_tell_which_task_they_belong_to(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Tasks", playbooks.CHECKING, hosts={**_HOSTS, "one": {"broken": True}})
    first = sandbox.launch(template["id"])
    sandbox.wait(first)
    second = sandbox.relaunch(first, hosts="failed")
    sandbox.wait(second)

    def events(job: int, query: str) -> list[dict[str, t.Any]]:
        return t.cast("list[t.Any]", sandbox.request("GET", f"/jobs/{job}/job_events/?{query}").body["results"])

    tasks = [events(job, "event=playbook_on_task_start&order_by=-counter&page_size=1")[0] for job in (first, second)]
    assert [task["event_data"]["task_path"] for task in tasks] == ["/runner/project/site.yml:5"] * 2
    assert tasks[0]["event_data"]["task"] == "Check the host"
    assert events(first, "event=playbook_on_play_start")[0]["event_data"]["play_pattern"] == "all"
    failures = sandbox.request(
        "GET", f"/jobs/{first}/job_events/?parent_uuid={tasks[0]['uuid']}&failed=true&page_size=1"
    ).body
    assert (failures["count"], failures["results"][0]["host_name"]) == (1, "one")
    assert events(first, "event__in=runner_on_ok,runner_on_failed&order_by=-counter&page_size=1")


@pytest.mark.usefixtures("idle")
def test_the_world_moves_between_two_requests(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Meanwhile", playbooks.CHECKING, hosts=_HOSTS)
    source = sandbox.make_job(template=template["id"], status="failed", hosts=_OUTCOMES)
    edit: t.Any = {"method": "PATCH", "path": f"/templates/{template['id']}", "body": {"verbosity": 3}}
    other: t.Any = {"method": "POST", "path": f"/jobs/{source}/relaunch/", "user": "bob", "body": {"hosts": "failed"}}
    sandbox.misbehave([{"kind": "act", "method": "POST", "path": "/relaunch/$", "calls": [edit, other]}])
    sandbox.clear_log()
    answer = sandbox.request("POST", f"/jobs/{source}/relaunch/", body={})
    assert (answer.status, answer.body["verbosity"]) == (201, 3)
    assert sandbox.log(own=True)[0]["acts"] == [200, 201]
    query = f"/jobs/?unified_job_template={template['id']}&launch_type=relaunch&order_by=id"
    found = sandbox.request("GET", query).body["results"]
    assert [job["launched_by"]["name"] for job in found] == ["bob", "admin"]
    # The job that a request has just made.
    cancel: t.Any = {"method": "POST", "path": "/jobs/{id}/cancel/", "user": "admin"}
    sandbox.misbehave([{"kind": "act", "when": "after", "method": "POST", "path": "/relaunch/$", "calls": [cancel]}])
    canceled = sandbox.job(sandbox.relaunch(source))
    assert (canceled["status"], canceled["started"], canceled["event_processing_finished"]) == ("canceled", None, True)
    with pytest.raises(SandboxError):
        sandbox.misbehave([{"kind": "act"}])


@pytest.mark.usefixtures("idle")
def test_a_new_job_can_be_seen_before_its_answer_comes(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Early", playbooks.CHECKING, hosts=_HOSTS)
    source = sandbox.make_job(template=template["id"], status="failed", hosts=_OUTCOMES)
    query = f"/jobs/?unified_job_template={template['id']}&launch_type=relaunch"
    sandbox.settings(answer_delay_after_commit=3.0)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(sandbox.relaunch, source)
        deadline = time.monotonic() + 3.0
        while not (seen := sandbox.request("GET", query).body["results"]) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not answer.done()
        assert [job["id"] for job in seen] == [answer.result()]


@pytest.mark.usefixtures("idle")
def test_a_scheduled_job(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Scheduled", playbooks.CHECKING, hosts=_HOSTS, labels=["nightly"])["id"]
    job = sandbox.launch_scheduled(sandbox.add_schedule(template, "At night"), limit="one")
    query = "/jobs/?schedule__name=At night&launch_type__in=scheduled,manual&labels__name__in=nightly,other"
    found = sandbox.request("GET", query.replace(" ", "%20")).body["results"]
    assert [one["id"] for one in found] == [job]
    assert found[0]["launched_by"]["type"] == "schedule"
    assert "created_by" not in found[0]["summary_fields"]
    assert sandbox.prompts(job) == {"limit": "one"}


@pytest.mark.usefixtures("idle")
def test_finding_jobs(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Found", playbooks.CHECKING, hosts=_HOSTS, labels=["left", "right"])["id"]
    failed, well, lagging = (
        sandbox.make_job(template=template, status=status, hosts=hosts, user=user)
        for status, hosts, user in (
            ("failed", _OUTCOMES, "alice"),
            ("successful", {"two": "ok"}, "bob"),
            ("failed", _OUTCOMES, "admin"),
        )
    )
    sandbox.change_job(failed, finished="2026-01-02T03:04:05.000000Z")
    sandbox.change_job(lagging, events_saved_at=time.time() + 600)

    def ids(query: str) -> list[int]:
        answer = sandbox.request("GET", f"/jobs/?unified_job_template={template}&order_by=id&{query}")
        assert answer.status == 200, answer.body
        return [job["id"] for job in answer.body["results"]]

    assert ids("finished__gte=2026-01-02T03:04:05Z&finished__lt=2026-01-02T03:04:06%2B00:00") == [failed]
    assert ids("created_by__username=bob") == [well]
    assert ids(f"id__in={failed},{lagging},99999999&job_events__event=playbook_on_stats") == [failed]
    assert ids("job_host_summaries__failed=true") == [failed, lagging]
    assert ids("job_template__name__in=Found,Other&not__status=failed") == [well]
    assert ids(f"or__id={failed}&or__status=successful") == [failed, well]
    assert ids("labels__name=left&labels__name=right") == [failed, well, lagging]
    assert ids("labels__name=left&labels__name=none") == []
    assert ids("status=failed&status=successful") == []
    assert ids("organization__name=Default&inventory__name=Found inventory".replace(" ", "%20")) == ids("")
    for query, status in (
        ("id__in=", 400),
        ("id__in=1,x", 400),
        ("page=2", 404),
        ("finished__gte=03:04", 400),
        ("finished__gte=2026-01-02T03:04:05+00:00", 400),
        (f"id__in={','.join(['12345678'] * 1000)}", 414),
    ):
        answer = sandbox.request("GET", f"/jobs/?unified_job_template={template}&{query}")
        assert answer.status == status, (query[:40], answer.body)
    assert sandbox.request("GET", f"/unified_jobs/?job_template={template}").status == 400


def test_a_template_with_outcomes_has_its_jobs_end_without_running(sandbox: Sandbox) -> None:
    template = sandbox.add_template("As data", playbooks.CHECKING, hosts=_HOSTS, outcomes={"one": "failed"})
    sandbox.disable_host(template["hosts"]["three"])
    first = sandbox.launch(template["id"])
    assert sandbox.wait(first) == "failed"
    assert sandbox.job(first)["host_status_counts"] == {"ok": 1, "failures": 1}
    sandbox.change_template(template["id"], outcomes={})
    second = sandbox.relaunch(first, hosts="failed")
    assert sandbox.wait(second) == "successful"
    summaries = sandbox.request("GET", f"/jobs/{second}/job_host_summaries/").body["results"]
    assert [summary["host_name"] for summary in summaries] == ["one"]


def test_such_a_host_may_fail_so_many_times(sandbox: Sandbox) -> None:
    outcomes = {"one": 1, "two": 2}
    template = sandbox.add_template("As data", playbooks.CHECKING, hosts=_HOSTS, outcomes=outcomes)
    jobs = [sandbox.launch(template["id"])]
    for _time in range(2):
        assert sandbox.wait(jobs[-1]) == "failed"
        jobs.append(sandbox.relaunch(jobs[-1], hosts="failed"))
    assert sandbox.wait(jobs[-1]) == "successful"
    assert [sandbox.job(job)["host_status_counts"].get("failures") for job in jobs] == [2, 1, None]
