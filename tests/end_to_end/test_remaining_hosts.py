# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``hosts: remaining`` on playbooks that really run: each host leaves a mark when it has passed a step."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from sandbox.marks import Marks, playbook
from sandbox.process import Sandbox

if t.TYPE_CHECKING:
    from .conftest import Driver, Run

Options = dict[str, t.Any]

SIX = tuple(f"web{number}" for number in range(1, 7))


class Rolling:
    """A rolling update in batches of two that stopped in its second one: web3 and web4 fail once at its last step."""

    def __init__(self, sandbox: Sandbox, marks: Marks, pattern: str = "all", limit: str = "", **options: t.Any) -> None:
        self.sandbox, self.marks = sandbox, marks
        marks.fail("Check", web3=1, web4=1)
        play = marks.play(pattern, "Update", "Check", serial=2)
        options = {"asks": ["limit"], **options}
        if "inventory" not in options:
            options["hosts"] = {name: {} for name in SIX}
        self.template = sandbox.add_template(f"Rolling {os.urandom(3).hex()}", playbook(play), **options)
        self.job = sandbox.launch(self.template["id"], **({"limit": limit} if limit else {}))
        assert sandbox.wait(self.job, timeout=300) == "failed"
        assert sorted(self.done) == ["web1", "web2"]
        sandbox.clear_log()

    @property
    def done(self) -> dict[str, list[int]]:
        """By host, the jobs that brought it to the end."""
        return self.marks.passed("Check")

    @property
    def launches(self) -> list[str]:
        return [entry["path"].removeprefix("/api/v2") for entry in self.sandbox.log() if entry["method"] == "POST"]


def test_a_rolling_update_is_completed_on_exactly_what_remains(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    rolling = Rolling(sandbox, marks)
    template = rolling.template["id"]

    predicted = driver.relaunch(rolling.job, hosts="remaining", check_mode=True)
    assert rolling.launches == []
    first = driver.relaunch(rolling.job, hosts="remaining")
    again = [driver.relaunch(rolling.job, hosts=hosts) for hosts in ("remaining", "failed")]

    assert (first["failed"], first["changed"], first["status"]) == (False, True, "successful"), first["msg"]
    assert first["limit"] == "web3,web4,web5,web6"
    assert predicted["hosts"] == first["hosts"] == ["web3", "web4", "web5", "web6"]
    assert (predicted["changed"], first["remaining_hosts"]) == (True, [])
    assert "limited to 4 hosts: web3, web4, web5, web6" in first["msg"]
    assert rolling.done == {host: [rolling.job if host in ("web1", "web2") else first["id"]] for host in SIX}
    assert [(one["failed"], one["changed"], one["id"]) for one in again] == [(False, False, first["id"])] * 2
    assert rolling.launches == [f"/job_templates/{template}/launch/"]


@pytest.mark.parametrize(
    ("front", "hosts"), [("relaunch", "failed"), ("relaunch", "remaining"), ("retry", "failed"), ("bulk", "all")]
)
def test_a_host_of_no_batch_that_a_success_on_all_left_out_as_well_has_not_been_done(
    sandbox: Sandbox, marks: Marks, driver: Driver, front: str, hosts: str
) -> None:
    """The success is on more hosts than the failed job had begun with."""
    rolling = Rolling(sandbox, marks)
    sandbox.disable_host(rolling.template["hosts"]["web6"])
    assert sandbox.wait(sandbox.relaunch(rolling.job, user="bob")) == "successful"
    sandbox.enable_host(rolling.template["hosts"]["web6"])

    if front == "bulk":
        result = driver.bulk(job_ids=[rolling.job], hosts=hosts)
    else:
        result = (driver.retry if front == "retry" else driver.relaunch)(rolling.job, hosts=hosts)

    assert result["failed"] or "web6" in rolling.done, result["msg"]


@pytest.mark.parametrize(
    ("moved", "fails", "left"),
    [("deleted", "", ""), ("renamed", "", ""), ("renamed", "web6", "db1"), ("renamed", "web5", "web5")],
)
def test_a_host_in_the_limit_by_a_name_of_before_is_the_one_that_a_later_run_had(
    sandbox: Sandbox, marks: Marks, driver: Driver, moved: str, fails: str, left: str
) -> None:
    rolling = Rolling(sandbox, marks, limit=",".join(SIX))
    marks.fail("Check", **({fails: 1} if fails else {}))
    first = driver.relaunch(rolling.job, hosts="remaining")
    assert first["failed"] == bool(fails), first["msg"]
    web6 = rolling.template["hosts"]["web6"]
    sandbox.delete_host(web6) if moved == "deleted" else sandbox.rename_host(web6, "db1")

    again = [driver.relaunch(rolling.job, hosts=hosts) for hosts in ("remaining", "failed")]

    assert [(one["failed"], one["changed"]) for one in again] == [(False, bool(left)), (False, False)], again
    assert again[0]["limit"] == (left or first["limit"])


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [("all", "all:!web6"), ("all", "all,!db"), ("all", "*:&web"), ("all:!web6", ""), ("web:db:!db", "all:&web")],
)
def test_hosts_that_are_excluded_are_left_alone(
    sandbox: Sandbox, marks: Marks, driver: Driver, pattern: str, limit: str
) -> None:
    groups = {"web": list(SIX[:5]), "db": ["web6"]}
    rolling = Rolling(sandbox, marks, pattern, limit=limit, groups=groups)

    healed = driver.relaunch(rolling.job)
    whole = driver.relaunch(rolling.job, fallback_to_all=True, check_mode=True)
    first, second = (driver.relaunch(rolling.job, hosts="remaining") for _time in range(2))

    assert healed["cut_short"] and "has not been done on web5, though" in healed["msg"]
    assert (whole["changed"], sorted(whole["hosts"])) == (True, list(SIX[:5])), whole["msg"]
    assert (first["failed"], first["limit"], second["changed"]) == (False, "web5", False), first["msg"]
    assert second["id"] == first["id"] and f"the last of them in job {first['id']}" in second["msg"]
    assert sorted(rolling.done) == list(SIX[:5])


def test_a_host_that_was_added_again_and_one_that_was_healed_by_hand(
    sandbox: Sandbox, marks: Marks, driver: Driver
) -> None:
    rolling = Rolling(sandbox, marks)
    hosts, inventory = rolling.template["hosts"], rolling.template["inventory"]
    sandbox.delete_host(hosts["web3"])
    sandbox.add_host(inventory, "web3")
    by_hand = sandbox.launch(rolling.template["id"], limit="web4,web5")
    assert sandbox.wait(by_hand) == "successful"

    first, second = (driver.relaunch(rolling.job, hosts="remaining") for _time in range(2))

    assert (first["failed"], first["limit"], first["remaining_hosts"]) == (False, "web3,web6", []), first["msg"]
    assert (second["failed"], second["changed"]) == (False, False), second["msg"]
    assert all(len(jobs) == 1 for jobs in rolling.done.values()) and sorted(rolling.done) == sorted(SIX)


def test_a_run_on_all_tells_that_a_host_which_was_stopped_is_disabled(
    sandbox: Sandbox, marks: Marks, driver: Driver
) -> None:
    marks.fail("Update", web1=1)
    play, hosts = marks.play("all", "Update", "Check", any_errors_fatal=True), {name: {} for name in SIX[:3]}
    template = sandbox.add_template(f"Stopped {os.urandom(3).hex()}", playbook(play), hosts=hosts)
    job = sandbox.launch(template["id"])
    assert sandbox.wait(job) == "failed"
    sandbox.disable_host(template["hosts"]["web3"])

    first, second = (driver.relaunch(job, fallback_to_all=True) for _time in range(2))

    assert (first["failed"], second["failed"], second["changed"]) == (False, False, False), second["msg"]
    told = f"Job {first['id']} did not run on some hosts, which are disabled"
    assert told in first["msg"] and told in second["msg"]


class TestAHostThatFailsAgainAndAgain:
    @pytest.fixture
    def failed(self, sandbox: Sandbox, marks: Marks) -> t.Callable[..., tuple[int, int]]:
        def failed(asks: list[str]) -> tuple[int, int]:
            """A template and its job, which failed on two of three hosts; web2 will fail twice more."""
            marks.fail("Check", web1=1, web2=(1, 2, 3))
            name, hosts = f"Narrowing {os.urandom(3).hex()}", {"web1": {}, "web2": {}, "web3": {}}
            template = sandbox.add_template(name, playbook(marks.play("all", "Check")), hosts=hosts, asks=asks)
            job = sandbox.launch(template["id"])
            assert sandbox.wait(job) == "failed"
            return template["id"], job

        return failed

    @pytest.fixture(autouse=True)
    def _each_host_passes_once(self, marks: Marks) -> t.Iterator[None]:
        yield
        assert {host: len(jobs) for host, jobs in marks.passed("Check").items()} == {"web1": 1, "web2": 1, "web3": 1}

    def test_each_launch_narrows_to_what_is_left(
        self, driver: Driver, failed: t.Callable[[list[str]], tuple[int, int]]
    ) -> None:
        _template, job = failed(["limit"])

        limits = [driver.relaunch(job, "alice", hosts="remaining")["limit"] for _time in range(3)]

        assert limits == ["web1,web2", "web2", "web2"]

    def test_it_narrows_where_no_chain_may_be_relaunched(
        self, sandbox: Sandbox, driver: Driver, failed: t.Callable[[list[str]], tuple[int, int]]
    ) -> None:
        """Who may only execute cannot relaunch a relaunch whose limit is a prompt that the template did not take."""
        template, job = failed([])
        chained = driver.relaunch(job, "alice")["id"]
        answer = sandbox.request("POST", f"/jobs/{chained}/relaunch/", user="alice", body={"hosts": "failed"})
        assert answer.status == 403
        sandbox.change_template(template, asks=["limit"])

        limits = [driver.relaunch(job, "alice", hosts="remaining")["limit"] for _time in range(2)]

        assert limits == ["web2", "web2"]


def test_with_changes_the_failed_hosts_are_launched_once(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    marks.fail("Check", web1=1, web2=1)
    play = marks.play("all", "Check", vars={"mirror": "one"})
    template = sandbox.add_template(
        f"Changing {os.urandom(3).hex()}",
        playbook(play),
        hosts={"web1": {}, "web2": {}, "web3": {}},
        asks=["limit", "extra_vars", "verbosity"],
    )
    job = sandbox.launch(template["id"], extra_vars={"release": 7}, verbosity=1)
    assert sandbox.wait(job) == "failed"
    sandbox.clear_log()
    changes = {"extra_vars": {"mirror": "two"}}

    predicted = driver.relaunch(job, "alice", changes=changes, check_mode=True, diff=True)
    first, second = (driver.relaunch(job, "alice", changes=changes) for _time in range(2))
    without, remaining = driver.relaunch(job, "alice"), driver.relaunch(job, hosts="remaining")

    assert (predicted["changed"], predicted["hosts"]) == (True, ["web1", "web2"])
    assert (predicted["diff"]["before"]["extra_vars"], predicted["diff"]["after"]["extra_vars"]) == (
        {"release": 7},
        {"release": 7, "mirror": "two"},
    )
    assert (first["failed"], first["changed"], first["limit"]) == (False, True, "web1,web2"), first["msg"]
    assert sandbox.prompts(first["id"]) == {
        "limit": "web1,web2",
        "extra_vars": {"release": 7, "mirror": "two"},
        "verbosity": 1,
    }
    assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"]), second["msg"]
    # Without them it is other work, which is relaunched as it was.
    assert (without["failed"], without["changed"]) == (False, True), without["msg"]
    assert (remaining["changed"], remaining["id"]) == (False, without["id"])
    posts = [entry["path"] for entry in sandbox.log() if entry["method"] == "POST"]
    assert posts == [f"/api/v2/job_templates/{template['id']}/launch/", f"/api/v2/jobs/{job}/relaunch/"]


def test_round_after_round_each_on_what_remains(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    rolling = Rolling(sandbox, marks)
    marks.fail("Check", web5=(1, 2))

    result = driver.retry(rolling.job, hosts="remaining")

    assert (result["failed"], result["ended"], result["remaining_hosts"]) == (False, "none_left", []), result["msg"]
    assert [attempt["hosts"] for attempt in result["attempts"]] == [
        ["web3", "web4", "web5", "web6"],
        ["web5"],
        ["web5"],
    ]
    assert all(len(jobs) == 1 for jobs in rolling.done.values()) and sorted(rolling.done) == sorted(SIX)


def test_hosts_that_an_update_on_launch_has_brought(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    """They are younger than the job."""
    name = f"Brought {os.urandom(3).hex()}"
    inventory = sandbox.add_inventory(name, {})["id"]
    sandbox.add_source(inventory, name, hosts={host: {} for host in SIX}, update_on_launch=1)
    rolling = Rolling(sandbox, marks, inventory=inventory)

    (healed,) = driver.bulk(job_ids=[rolling.job])["jobs"]
    told = driver.relaunch(rolling.job)
    completed = driver.relaunch(rolling.job, hosts="remaining")

    assert not healed["recovered"] and "has not been done on web5, web6, though" in told["msg"]
    assert (completed["failed"], completed["limit"]) == (False, "web5,web6"), completed["msg"]


def test_a_run_that_stops_again_leaves_those_that_it_never_began_on(
    sandbox: Sandbox, marks: Marks, driver: Driver
) -> None:
    rolling = Rolling(sandbox, marks)
    marks.fail("Check", web3=(1, 2), web4=(1, 2))

    again = driver.relaunch(rolling.job, hosts="remaining")
    result = driver.retry(rolling.job, hosts="remaining")

    assert (again["failed"], again["failed_hosts"]) == (True, ["web3", "web4"])
    assert again["remaining_hosts"] == ["web3", "web4", "web5", "web6"]
    assert (result["failed"], result["recovered"]) == (False, dict.fromkeys(SIX[2:], 1)), result["msg"]


def test_a_parked_host_is_left_out(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    rolling = Rolling(sandbox, marks)
    marks.fail("Check", web5=1, web6=1)
    rules = [{"message": "fails on web5", "action": "park", "reason": "the disk is full"}]

    result = driver.retry(rolling.job, hosts="remaining", rules=rules)

    assert (result["failed"], result["ended"]) == (True, "parked"), result["msg"]
    assert [attempt["hosts"] for attempt in result["attempts"]] == [["web3", "web4", "web5", "web6"], ["web6"]]
    assert result["remaining_hosts"] == ["web5"] and "web5" in result["parked"]
    assert all(len(jobs) == 1 for jobs in rolling.done.values()) and sorted(rolling.done) == sorted({*SIX} - {"web5"})


def test_many_are_completed_and_one_that_cannot_be_is_left_alone(
    sandbox: Sandbox, marks: Marks, tmp_path: Path, admin: Options, run_tasks: t.Callable[..., t.Any]
) -> None:
    rolling, other = Rolling(sandbox, marks), Rolling(sandbox, Marks(tmp_path / "other"), asks=[])
    sandbox.clear_log()
    task = {"job_ids": [rolling.job, other.job], "hosts": "remaining", "wait": True, "interval": 0.5, **admin}

    first, second = run_tasks(task, task, module="bulk_job_relaunch").results

    assert [one["outcome"] for one in first["jobs"]] == ["relaunched", "refused"], first
    assert first["jobs"][0]["recovered"] and first["jobs"][0]["hosts"] == ["web3", "web4", "web5", "web6"]
    assert "does not ask for limit at its launch" in first["jobs"][1]["msg"]
    assert not second["changed"] and second["jobs"][0]["id"] == first["jobs"][0]["id"]
    assert rolling.launches == [f"/job_templates/{rolling.template['id']}/launch/"]


def test_the_role_completes_it(
    sandbox: Sandbox, marks: Marks, admin: Options, run_playbook: t.Callable[..., Run]
) -> None:
    rolling = Rolling(sandbox, marks)
    environ = {"CONTROLLER_HOST": sandbox.url, "CONTROLLER_OAUTH_TOKEN": sandbox.token("admin")}
    options = ["-e", f"job_id={rolling.job}", "-e", "retry_failed_hosts_hosts=remaining"]

    ran = run_playbook("relaunch.controller.retry_failed_hosts", *options, environ=environ)

    assert ran.status == 0, ran.output
    assert all(len(jobs) == 1 for jobs in rolling.done.values()) and sorted(rolling.done) == sorted(SIX)


@pytest.mark.parametrize("status", ["failed", "successful"])
@pytest.mark.parametrize("hosts", ["remaining", "failed"])
def test_what_was_only_checked_has_not_been_run(sandbox: Sandbox, driver: Driver, status: str, hosts: str) -> None:
    results = {"web1": "ok" if status == "successful" else "failed", "web2": "ok"}
    play = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n"
    made = sandbox.add_template(
        f"Checked {os.urandom(3).hex()}", play, hosts=dict.fromkeys(results, {}), asks=["limit", "job_type"]
    )
    sandbox.settings(relaunch_takes_job_type=True)
    prompts = {"job_type": "check"}
    job = sandbox.make_job(template=made["id"], status=status, hosts=results, job_type="check", prompts=prompts)

    first = driver.relaunch(job, hosts=hosts, job_type="run")
    whole = driver.relaunch(job, hosts="failed", job_type="run", fallback_to_all=True)
    again = driver.relaunch(job, hosts=hosts, job_type="run")

    if hosts == "remaining":
        assert (first["failed"], first["job_type"], first["hosts"]) == (False, "run", ["web1", "web2"]), first["msg"]
    else:
        left = "web1, web2" if status == "successful" else "web2"
        assert first["cut_short"] and f"Job {job} only checked: it has not been done on {left}," in first["msg"]
    assert (whole["failed"], whole["changed"]) == (False, hosts == "failed"), whole["msg"]
    assert (again["failed"], again["changed"]) == (False, False), again["msg"]
