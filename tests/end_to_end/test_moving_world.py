# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict while templates are edited, hosts disabled, renamed or deleted, and others relaunch."""

from __future__ import annotations

import os
import time
import typing as t
from functools import partial

import pytest

from sandbox.database import now
from sandbox.process import Sandbox
from sandbox.proxy import Proxy

if t.TYPE_CHECKING:
    from .conftest import Driver, Run

Options = dict[str, t.Any]
RunTasks = t.Callable[..., "Run"]
Template = t.Callable[..., Options]

AS_A_MODULE = pytest.mark.parametrize("in_process", [False], ids=["as a module"])

EDITS: dict[str, t.Callable[[Sandbox, Options], Options]] = {
    "extra variables": lambda _sandbox, _template: {"extra_vars": {"release": 2}},
    "tags": lambda _sandbox, _template: {"job_tags": "all"},
    "skip tags": lambda _sandbox, _template: {"skip_tags": "slow"},
    "name": lambda _sandbox, template: {"name": f"Renamed {template['id']}"},
    "verbosity": lambda _sandbox, _template: {"verbosity": 1},
    "forks": lambda _sandbox, _template: {"forks": 3},
}


# What each front door runs on.
MODES = {"relaunch": "failed", "remaining": "remaining"}

PING = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.ping:
"""


def posts(sandbox: Sandbox) -> list[str]:
    return [entry["path"] for entry in sandbox.log() if entry["method"] == "POST"]


@pytest.fixture(scope="module")
def tls_sandbox(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("tls"), tls=True, event_lag=0.5) as running:
        yield running


@pytest.fixture
def template(sandbox: Sandbox) -> Template:
    """A template whose jobs end at once, and fail on some of its hosts: template("web1 web2", failing="web2")."""

    def template(hosts: str, failing: str = "", **options: t.Any) -> Options:
        outcomes = dict.fromkeys(failing.split(), "failed")
        name = f"Moving {os.urandom(3).hex()}"
        return sandbox.add_template(
            name, PING, hosts={host: {} for host in hosts.split()}, outcomes=outcomes, **options
        )

    return template


def now_fails(sandbox: Sandbox, template: Options, hosts: str = "") -> None:
    """From now on the jobs of a template fail on these hosts alone."""
    sandbox.change_template(template["id"], outcomes=dict.fromkeys(hosts.split(), "failed"))


@pytest.fixture
def failed(sandbox: Sandbox, template: Template) -> t.Callable[..., tuple[int, Options]]:
    """A job that failed on those hosts that fail at least once, and its template: failed(web1=0, web2=1).

    Its relaunches fail on those that fail twice, until `now_fails` says otherwise.
    """

    def failed(**failures: int) -> tuple[int, Options]:
        made = template(" ".join(failures), " ".join(host for host, times in failures.items() if times > 1))
        hosts = {host: "failed" if times else "ok" for host, times in failures.items()}
        job = sandbox.make_job(template=made["id"], status="failed", hosts=hosts)
        sandbox.clear_log()
        return job, made

    return failed


Failed = t.Callable[..., tuple[int, Options]]


@pytest.mark.parametrize("edit", EDITS)
def test_after_its_template_was_edited_the_work_is_done_once(
    sandbox: Sandbox, failed: Failed, driver: Driver, edit: str
) -> None:
    job, template = failed(web1=0, web2=1)
    sandbox.change_template(template["id"], **EDITS[edit](sandbox, template))

    first, second = driver.relaunch(job), driver.relaunch(job)

    assert (first["changed"], second["changed"]) == (True, False)
    assert first["id"] == second["id"] and second["status"] == "successful"
    assert len(posts(sandbox)) == 1


@AS_A_MODULE
def test_a_lost_answer_is_found_after_an_edit(
    sandbox: Sandbox, failed: Failed, admin: Options, run_tasks: RunTasks
) -> None:
    job, template = failed(web1=0, web2=1)
    sandbox.change_template(template["id"], extra_vars={"release": 2}, verbosity=1)
    sandbox.misbehave([{"kind": "drop", "when": "after", "method": "POST", "path": "/relaunch/$"}])
    task = {"job_id": job, "hosts": "failed", "wait": True, **admin}

    first, second = run_tasks(task, task).results

    assert (first["changed"], first["status"], second["changed"]) == (True, "successful", False)
    assert first["id"] == second["id"] and len(posts(sandbox)) == 1


def test_the_chain_still_narrows_after_an_edit(sandbox: Sandbox, failed: Failed, driver: Driver) -> None:
    job, template = failed(web1=1, web2=1, web3=2, web4=0)
    sandbox.change_template(template["id"], extra_vars={"release": 2})

    first = driver.relaunch(job)
    now_fails(sandbox, template)
    second = driver.relaunch(job)

    assert (first["hosts"], first["remaining_hosts"]) == (["web1", "web2", "web3"], ["web3"])
    assert (second["hosts"], second["remaining_hosts"], second["status"]) == (["web3"], [], "successful")


def test_a_disabled_host_is_not_recovered(
    sandbox: Sandbox, failed: Failed, admin: Options, run_tasks: RunTasks
) -> None:
    job, template = failed(web1=0, web2=1, web3=1)
    sandbox.disable_host(template["hosts"]["web3"])
    task = {"job_id": job, "hosts": "failed", "wait": True, **admin}

    done = run_tasks(task, task, warnings=True)
    first, second = done.results
    assert [(one["failed"], one["changed"], one["remaining_hosts"]) for one in done.results] == [
        (False, True, ["web3"]),
        (False, False, ["web3"]),
    ]
    assert all("web3" in one["warnings"][0] for one in (first, second))
    assert "Did not run" in done.output

    sandbox.enable_host(template["hosts"]["web3"])
    third, fourth = run_tasks(task, task).results

    assert (third["changed"], third["remaining_hosts"], fourth["changed"]) == (True, [], False)
    assert len(posts(sandbox)) == 2


@pytest.mark.parametrize("again", [False, True])
def test_check_mode_tells_of_hosts_that_a_relaunch_does_not_reach(
    sandbox: Sandbox, failed: Failed, driver: Driver, again: bool
) -> None:
    job, template = failed(web1=0, web2=1, web3=1)
    sandbox.delete_host(template["hosts"]["web2"])
    if again:
        sandbox.add_host(template["inventory"], "web2")

    check, real = driver.relaunch(job, check_mode=True), driver.relaunch(job, wait=False)

    keys = ("hosts", "remaining_hosts", "gone_hosts", "warnings")
    assert [check.get(key) for key in keys] == [real.get(key) for key in keys]
    assert "web2" in " ".join(real["warnings"])


def test_a_host_that_a_relaunch_of_all_left_out_is_not_recovered(
    sandbox: Sandbox, failed: Failed, driver: Driver
) -> None:
    job, template = failed(web1=0, web2=1, web3=1)
    sandbox.disable_host(template["hosts"]["web3"])
    sandbox.wait(sandbox.relaunch(job, user="bob"))

    disabled = driver.relaunch(job)
    assert (disabled["failed"], disabled["changed"], disabled["remaining_hosts"]) == (False, False, ["web3"])
    assert "web3" in disabled["warnings"][0]

    sandbox.enable_host(template["hosts"]["web3"])
    third, fourth = driver.relaunch(job), driver.relaunch(job)

    assert (third["changed"], third["failed"], third["remaining_hosts"], fourth["changed"]) == (True, False, [], False)
    assert posts(sandbox) == [f"/api/v2/jobs/{job}/relaunch/"]


@pytest.mark.parametrize("beside", ["", "web4"], ids=["on fewer hosts", "on another one in its place"])
def test_a_success_on_all_hosts_has_not_done_one_that_it_left_out_and_that_is_enabled_since(
    sandbox: Sandbox, failed: Failed, driver: Driver, beside: str
) -> None:
    job, template = failed(web1=1, web2=0, web3=0)
    sandbox.disable_host(template["hosts"]["web1"])
    if beside:
        sandbox.add_host(template["inventory"], beside)
    assert sandbox.wait(sandbox.relaunch(job, user="bob")) == "successful"
    sandbox.enable_host(template["hosts"]["web1"])

    check = driver.relaunch(job, hosts="all", check_mode=True)
    many = driver.bulk(job_ids=[job], hosts="all")
    again = driver.relaunch(job, hosts="all")

    assert (check["changed"], many["changed"], again["changed"]) == (True, True, False), many["jobs"]


def test_it_has_if_another_run_did_that_host_which_failed_on_others(
    sandbox: Sandbox, failed: Failed, driver: Driver
) -> None:
    job, template = failed(web1=1, web2=2, web3=0)
    assert sandbox.wait(sandbox.relaunch(job, user="bob")) == "failed"
    sandbox.disable_host(template["hosts"]["web1"])
    now_fails(sandbox, template, "")
    assert sandbox.wait(sandbox.relaunch(job, user="bob")) == "successful"
    sandbox.enable_host(template["hosts"]["web1"])

    check = driver.relaunch(job, hosts="all", check_mode=True)
    many = driver.bulk(job_ids=[job], hosts="all")

    assert (check["changed"], many["changed"], many["counts"]["recovered"]) == (False, False, 1), check["msg"]


def test_nor_one_that_was_deleted_and_is_added_again_behind_it(
    sandbox: Sandbox, failed: Failed, driver: Driver
) -> None:
    job, template = failed(web1=1, web2=0, web3=0)
    sandbox.delete_host(template["hosts"]["web1"])
    assert sandbox.wait(sandbox.relaunch(job, user="bob")) == "successful"
    sandbox.add_host(template["inventory"], "web1")

    first, second = (driver.relaunch(job, hosts="all") for _time in range(2))

    assert (first["changed"], second["changed"]) == (True, False), first["msg"]


def test_who_may_not_read_the_inventory_is_told_whom_a_success_on_all_hosts_left_out(
    sandbox: Sandbox, template: Template, driver: Driver
) -> None:
    made = template("web1 web2 web3")
    sandbox.roles(made["id"], alice="execute")
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "failed", "web2": "ok", "web3": "ok"})
    sandbox.disable_host(made["hosts"]["web1"])
    assert sandbox.wait(sandbox.relaunch(job, user="bob")) == "successful"
    sandbox.clear_log()

    result = driver.relaunch(job, user="alice", hosts="all")

    assert (result["failed"], result["changed"], posts(sandbox)) == (False, False, [])
    assert "web1" in " ".join(result["warnings"])


def test_a_host_that_is_renamed_just_before_it_fails_again_remains_under_its_new_name(
    sandbox: Sandbox, failed: Failed, driver: Driver
) -> None:
    job, template = failed(web1=0, web2=2)
    now_fails(sandbox, template, "web2 db2")
    sandbox.wait(sandbox.relaunch(job, hosts="failed", user="bob"))
    calls: t.Any = [{"method": "PATCH", "path": f"/hosts/{template['hosts']['web2']}", "body": {"name": "db2"}}]
    sandbox.misbehave([{"kind": "act", "when": "before", "method": "POST", "path": "/relaunch/$", "calls": calls}])

    result = driver.relaunch(job)

    assert (result["changed"], result["hosts"], result["remaining_hosts"]) == (True, ["db2"], ["db2"]), result["msg"]


def test_one_that_took_over_the_name_of_a_host_that_is_done_runs_alone(
    sandbox: Sandbox, failed: Failed, driver: Driver
) -> None:
    job, template = failed(web1=1, web2=2, web3=0)
    assert driver.relaunch(job)["remaining_hosts"] == ["web2"]
    sandbox.rename_host(template["hosts"]["web1"], "web1-old")
    sandbox.rename_host(template["hosts"]["web2"], "web1")
    now_fails(sandbox, template)

    result = driver.relaunch(job)

    assert (result["hosts"], result["remaining_hosts"], result["status"]) == (["web1"], [], "successful")
    assert "once more" not in result["msg"]


def test_what_has_ended_is_not_adopted(sandbox: Sandbox, failed: Failed, driver: Driver) -> None:
    job, template = failed(web1=0, web2=1)
    sandbox.settings(max_running=0)
    active = sandbox.relaunch(job, hosts="failed", user="bob")
    ending = {"status": "failed", "hosts": {"web2": "failed"}}
    calls: t.Any = [{"method": "POST", "path": f"/jobs/{active}/end", "body": ending}]
    sandbox.misbehave([{"kind": "act", "when": "before", "path": f"/jobs/{active}/$", "calls": calls}])

    result = driver.relaunch(job, wait=False)

    sandbox.settings(max_running=4)
    assert result["changed"] and result["id"] > active
    assert template["id"] == result["job"]["unified_job_template"]


@pytest.mark.parametrize("limit", ["web", "web1:web2", "web?", "all:!web3"])
@pytest.mark.parametrize("front", ["relaunch", "remaining", "bulk"])
def test_nothing_is_launched_beside_a_persons_run_on_a_pattern(
    sandbox: Sandbox, template: Template, driver: Driver, front: str, limit: str
) -> None:
    """On a group nobody knows before its end whom it is on; then the hosts are done."""
    made = template("web1 web2 web3", asks=["limit"], groups={"web": ["web1", "web2", "web3"]})
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "ok", "web2": "failed", "web3": "ok"})
    sandbox.settings(max_running=0)
    theirs = sandbox.launch(made["id"], limit=limit)
    sandbox.clear_log()

    def sleep(_seconds: float) -> None:
        if sandbox.job(theirs)["status"] != "successful":
            sandbox.end_job(theirs, "successful", {"web1": "ok", "web2": "ok"})

    act = driver.sleeping(sleep)
    front_door = partial(act.bulk, job_ids=[job]) if front == "bulk" else partial(act.relaunch, job, hosts=MODES[front])
    result = front_door(timeout=20)

    sandbox.settings(max_running=4)
    assert (posts(sandbox), result["failed"], result["changed"]) == ([], False, False), result["msg"]


def test_without_wait_what_is_not_known_is_refused(sandbox: Sandbox, template: Template, driver: Driver) -> None:
    made = template("web1 web2", asks=["limit"], groups={"web": ["web1", "web2"]})
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "ok", "web2": "failed"})
    sandbox.settings(max_running=0)
    theirs = sandbox.launch(made["id"], limit="web")
    sandbox.clear_log()

    result = driver.relaunch(job, wait=False)

    sandbox.settings(max_running=4)
    assert (posts(sandbox), result["failed"]) == ([], True)
    assert f"Job {theirs}, the same work, is pending and limited to web: whether that holds web2" in result["msg"]


def test_other_credentials_are_other_work(sandbox: Sandbox, template: Template, driver: Driver) -> None:
    ours_is = template("web1 web2", asks=["credentials"], credentials=[{"name": "one", "kind": "ssh"}])
    hosts = {"web1": "ok", "web2": "failed"}
    other = [sandbox.add_credential("other", kind="ssh")]
    made = {"template": ours_is["id"], "status": "failed", "hosts": hosts}
    ours = sandbox.make_job(**made)
    theirs = sandbox.make_job(**made, credentials=other, prompts={"credentials": other})
    assert sandbox.wait(sandbox.relaunch(theirs, hosts="failed")) == "successful"
    sandbox.clear_log()

    result = driver.relaunch(ours)

    assert (result["changed"], result["status"], result["relaunched_job_id"]) == (True, "successful", ours)
    assert len(posts(sandbox)) == 1


@pytest.mark.parametrize(("own", "then"), [([], "has none in its place"), ([{"name": "dev"}], "takes dev")])
def test_a_credential_that_is_gone_is_not_left_out_without_a_word(
    sandbox: Sandbox, template: Template, driver: Driver, own: list[Options], then: str
) -> None:
    made = template("web1 web2", asks=["credentials"], credentials=own)
    prod = sandbox.add_credential("prod", kind="ssh")
    hosts = {"web1": "ok", "web2": "failed"}
    given = {"credentials": [prod], "prompts": {"credentials": [prod]}}
    job = sandbox.make_job(template=made["id"], status="failed", hosts=hosts, **given)
    sandbox.delete("credentials", prod)
    sandbox.clear_log()

    result = driver.relaunch(job)

    assert (result["failed"], result["changed"], posts(sandbox)) == (True, False, []), result["msg"]
    assert f"the credential prod that it was launched with is gone, and a relaunch {then}." in result["msg"]

    assert driver.relaunch(job, force=True)["status"] == "successful"


def test_a_success_that_a_later_failure_took_back_does_not_count(
    sandbox: Sandbox, failed: Failed, driver: Driver
) -> None:
    job, template = failed(web1=0, web2=1)
    assert sandbox.wait(sandbox.relaunch(job, hosts="failed")) == "successful"
    now_fails(sandbox, template, "web2")
    assert sandbox.wait(sandbox.relaunch(job, hosts="failed")) == "failed"
    now_fails(sandbox, template)
    sandbox.clear_log()

    result = driver.relaunch(job)

    assert (result["changed"], result["status"], result["hosts"]) == (True, "successful", ["web2"])
    assert len(posts(sandbox)) == 1


@pytest.mark.parametrize("status", ["error", "failed"])
def test_a_run_that_never_began_takes_no_success_back(
    sandbox: Sandbox, failed: Failed, driver: Driver, status: str
) -> None:
    """As with a missing revision or a syntax error: it was started, and no task was."""
    job, template = failed(web1=1, web2=0)
    assert sandbox.wait(sandbox.relaunch(job)) == "successful"
    never_began = sandbox.make_job(template=template["id"], status=status, hosts={}, launch_type="scheduled")
    assert sandbox.job(never_began)["started"]
    sandbox.clear_log()

    result = driver.relaunch(job, hosts="all")

    assert (result["changed"], posts(sandbox)) == (False, []), result["msg"]


def test_nor_does_one_that_came_beside_the_own_job(sandbox: Sandbox, template: Template, driver: Driver) -> None:
    made = template("web1 web2", allow_simultaneous=True)
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "failed", "web2": "ok"})
    sandbox.settings(max_running=0)
    never_began: list[int] = []

    def sleep(_seconds: float) -> None:
        own = sandbox.request("GET", f"/jobs/?unified_job_template={made['id']}&id__gt={job}").body["results"]
        if own and not never_began:
            one = sandbox.make_job(template=made["id"], status="error", hosts={}, launch_type="scheduled")
            never_began.append(one)
            sandbox.end_job(own[0]["id"], "successful", {"web1": "ok", "web2": "ok"})

    result = driver.sleeping(sleep).relaunch(job, hosts="all", timeout=30)

    assert (result["failed"], result["status"]) == (False, "successful"), result["msg"]


def test_a_success_from_before_the_failure_does_not_count(sandbox: Sandbox, failed: Failed, driver: Driver) -> None:
    job, _template = failed(web1=0, web2=1)
    assert sandbox.wait(sandbox.relaunch(job, hosts="failed")) == "successful"
    # So the source ended after that one was made.
    sandbox.change_job(job, finished=now())
    sandbox.clear_log()

    result = driver.relaunch(job)

    assert (result["changed"], result["status"], result["hosts"]) == (True, "successful", ["web2"])
    assert len(posts(sandbox)) == 1


@pytest.mark.parametrize("move", ["renamed", "deleted"])
def test_a_host_that_was_renamed_or_deleted_needs_no_second_job(
    sandbox: Sandbox, failed: Failed, driver: Driver, move: str
) -> None:
    job, template = failed(web1=0, web2=1, web3=1)
    driver.relaunch(job)
    if move == "renamed":
        sandbox.rename_host(template["hosts"]["web3"], "web9")
    else:
        sandbox.delete_host(template["hosts"]["web3"])

    result = driver.relaunch(job)

    assert (result["changed"], result["remaining_hosts"]) == (False, [])
    assert len(posts(sandbox)) == 1


@pytest.mark.parametrize(
    ("hosts", "many"), [("failed", False), ("remaining", False), ("all", False), ("all", True)], ids=str
)
@pytest.mark.parametrize(("another_ran", "is_back"), [(False, True), (True, True), (False, False), (True, False)])
def test_a_copy_that_vanished_from_a_constructed_inventory_and_came_back_is_the_same_host(
    sandbox: Sandbox, driver: Driver, hosts: str, many: bool, another_ran: bool, is_back: bool
) -> None:
    """Or that comes back with the next launch, which synchronises the inventory."""
    name = os.urandom(3).hex()
    inputs = sandbox.add_inventory(f"Input {name}", {"web1": {}, "web2": {}})
    constructed = sandbox.add_constructed_inventory(f"Constructed {name}", [inputs["id"]])["id"]
    options: Options = {"inventory": constructed, "outcomes": {"web1": "failed"}, "asks": ["limit"]}
    made = sandbox.add_template(f"Moving {name}", PING, **options)
    job = sandbox.launch(made["id"])
    assert sandbox.wait(job) == "failed"
    now_fails(sandbox, made)

    def synchronise() -> None:
        source = sandbox.request("GET", f"/inventories/{constructed}/inventory_sources/").body["results"][0]["id"]
        update = sandbox.request("POST", f"/inventory_sources/{source}/update/", body={}).body["id"]
        for _time in range(100):
            if sandbox.request("GET", f"/inventory_updates/{update}/").body["status"] == "successful":
                return
            time.sleep(0.1)
        raise AssertionError

    sandbox.disable_host(inputs["hosts"]["web1"])
    if another_ran:
        assert sandbox.wait(sandbox.launch(made["id"])) == "successful"
    else:
        synchronise()
        disabled = driver.relaunch(job, hosts="remaining")
        sandbox.enable_host(inputs["hosts"]["web1"])
        synchronise()
        copy = sandbox.request("GET", f"/inventories/{constructed}/hosts/?name=web1").body["results"][0]["id"]
        sandbox.delete_host(copy)
        left_out = driver.relaunch(job, hosts="remaining")
        for gone in (disabled, left_out):
            assert (gone["failed"], gone["changed"], gone["remaining_hosts"]) == (False, False, ["web1"]), gone["msg"]
    sandbox.enable_host(inputs["hosts"]["web1"])
    if is_back:
        synchronise()
    front_door = partial(driver.bulk, job_ids=[job]) if many else partial(driver.relaunch, job)
    results = [front_door(hosts=hosts) for _time in range(2)]
    first, second = ({**one, **(one["jobs"][0] if many else {})} for one in results)

    assert (first["failed"], first["changed"]) == (False, True), first["msg"]
    assert not first.get("remaining_hosts")
    assert (second["changed"], second["id"]) == (False, first["id"]), second["msg"]


@pytest.mark.parametrize("front_door", ["relaunch", "retry", "bulk"])
def test_a_job_that_is_deleted_while_its_relaunch_runs(
    sandbox: Sandbox, failed: Failed, driver: Driver, front_door: str
) -> None:
    job, _template = failed(web1=1, web2=0)
    deleted: list[int] = []

    def sleep(seconds: float) -> None:
        if not deleted:
            deleted.append(sandbox.request("DELETE", f"/jobs/{job}/").status)
        time.sleep(seconds)

    act = driver.sleeping(sleep)
    result = act.bulk(job_ids=[job]) if front_door == "bulk" else getattr(act, front_door)(job)

    assert deleted == [204] and result["failed"]
    one = result["jobs"][0] if front_door == "bulk" else result
    assert f"Job {one['id']} was successful, but job {job} was deleted in the meantime" in one["msg"]
    if front_door == "retry":
        assert (result["ended"], result["recovered"]) == ("not_possible", {"web1": 1})


@pytest.mark.parametrize("when", ["before its relaunch", "while that runs"])
@pytest.mark.parametrize("front_door", ["relaunch", "retry", "bulk"])
def test_a_template_that_is_deleted_meanwhile_has_its_job_relaunched_once(
    sandbox: Sandbox, failed: Failed, driver: Driver, when: str, front_door: str
) -> None:
    job, template = failed(web1=1, web2=0)
    others = [sandbox.make_job(template=template["id"], status="failed", hosts={"web1": "failed", "web2": "ok"})]
    sandbox.clear_log()
    left = [template["id"]]
    if when == "before its relaunch":
        call: t.Any = {"method": "DELETE", "path": f"/templates/{left.pop()}", "body": None}
        sandbox.misbehave([{"kind": "act", "when": "before", "method": "POST", "path": "/relaunch/$", "calls": [call]}])

    def sleep(seconds: float) -> None:
        while left:
            sandbox.delete_template(left.pop())
        time.sleep(seconds)

    def run(act: Driver) -> dict[str, t.Any]:
        return act.bulk(job_ids=[job, *others]) if front_door == "bulk" else getattr(act, front_door)(*others)

    first, second = run(driver.sleeping(sleep)), run(driver)

    assert (len(posts(sandbox)), first["changed"]) == (1, True), first["msg"]
    assert (second["failed"], second["changed"]) == (False, False), second["msg"]
    # Many jobs are looked for by their templates.
    assert first["failed"] == (front_door == "bulk")
    if first["failed"]:
        assert "was deleted meanwhile, and its runs are not found by it. Run the task again." in first["msg"]
        assert [one["id"] for one in first["jobs"] if "id" in one] == [second["jobs"][0]["id"]]


@pytest.mark.parametrize("front_door", ["relaunch", "retry", "bulk"])
def test_another_job_with_the_number_of_the_own_one_has_not_done_its_work(
    sandbox: Sandbox, failed: Failed, driver: Driver, front_door: str
) -> None:
    """As after the restore of a backup of the controller."""
    job, _template = failed(web1=1, web2=0)

    def sleep(seconds: float) -> None:
        sandbox.change_job(job + 1, created="2026-01-02T03:04:05.678900Z")
        time.sleep(seconds)

    act = driver.sleeping(sleep)
    result = act.bulk(job_ids=[job]) if front_door == "bulk" else getattr(act, front_door)(job)

    assert (result["failed"], result["changed"]) == (True, True)
    assert f"What became of job {job + 1} is not known: its number is that of another one by now" in result["msg"]
    assert len(posts(sandbox)) == 1


@pytest.mark.parametrize("how", ["changes", "template"])
@pytest.mark.parametrize("old", ["deleted", "disabled"])
def test_hosts_that_can_run_in_the_inventory_of_the_launch_remain(
    sandbox: Sandbox, template: Template, driver: Driver, how: str, old: str
) -> None:
    made = template("web1 web2", asks=["limit", "inventory"])
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "failed", "web2": "ok"})
    other = sandbox.add_inventory(f"Other {made['id']}", {"web1": {}, "web2": {}})
    for host in made["hosts"].values():
        (sandbox.delete_host if old == "deleted" else sandbox.disable_host)(host)
    if how == "template":
        sandbox.change_template(made["id"], inventory=other["id"])
    options = {"hosts": "remaining", "changes": {"inventory": other["id"]} if how == "changes" else {}}

    sandbox.disable_host(other["hosts"]["web1"])
    disabled = driver.relaunch(job, **options)
    sandbox.enable_host(other["hosts"]["web1"])
    first, second = (driver.relaunch(job, **options) for _time in range(2))

    assert (disabled["failed"], disabled["changed"], disabled["remaining_hosts"]) == (False, False, ["web1"])
    assert (first["failed"], first["hosts"], first["remaining_hosts"]) == (False, ["web1"], []), first["msg"]
    assert (second["changed"], second["id"]) == (False, first["id"]), second["msg"]


def test_after_a_fallback_to_all_only_what_failed_in_it_is_left(
    sandbox: Sandbox, template: Template, driver: Driver
) -> None:
    made = template("web1 web2", failing="web2")
    job = sandbox.make_job(template=made["id"], status="error", stats=False)
    sandbox.clear_log()

    first = driver.relaunch(job, fallback_to_all=True)
    now_fails(sandbox, made)
    second, third = (driver.relaunch(job, fallback_to_all=True) for _number in range(2))

    assert (first["failed"], first["limit"], first["remaining_hosts"]) == (True, "", ["web2"])
    assert (second["status"], second["hosts"], third["changed"]) == ("successful", ["web2"], False)


def test_what_failed_in_a_run_on_all_alone_is_healed_by_the_run_after_it(
    sandbox: Sandbox, failed: Failed, driver: Driver
) -> None:
    job, template = failed(web1=0, web2=1)
    now_fails(sandbox, template, "web1")
    whole = sandbox.relaunch(job)
    assert sandbox.wait(whole) == "failed"
    now_fails(sandbox, template)
    healing = sandbox.relaunch(whole, hosts="failed")
    assert sandbox.wait(healing) == "successful"
    sandbox.clear_log()

    result = driver.relaunch(job)

    assert (result["failed"], result["changed"], result["remaining_hosts"]) == (False, False, []), result["msg"]
    assert result["id"] == healing
    assert posts(sandbox) == []


@pytest.mark.parametrize("wait", [True, False], ids=["wait", "no wait"])
def test_a_relaunch_that_the_template_limits_by_now_is_not_all_of_the_work(
    sandbox: Sandbox, failed: Failed, driver: Driver, wait: bool
) -> None:
    job, template = failed(web1=0, web2=1)
    sandbox.change_template(template["id"], limit="web1")

    result = driver.relaunch(job, hosts="all", wait=wait)

    assert (result["failed"], result["changed"], result["limit"]) == (True, True, "web1")
    assert f"is limited to web1, and job {job} was to all hosts: the template has another limit" in result["msg"]


@pytest.mark.parametrize("limit", ["all", "*"])
def test_a_limit_to_all_hosts_is_none(sandbox: Sandbox, failed: Failed, driver: Driver, limit: str) -> None:
    job, template = failed(web1=0, web2=1)
    sandbox.change_template(template["id"], limit=limit, asks=["limit", "verbosity"])

    for changes in ({}, {"verbosity": 1}):
        first, second = (driver.relaunch(job, hosts="all", changes=changes) for _time in range(2))
        assert (first["failed"], first["changed"]) == (False, True), first["msg"]
        assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"]), second["msg"]


def test_a_template_that_checks_only_by_now_is_no_success(sandbox: Sandbox, failed: Failed, driver: Driver) -> None:
    job, template = failed(web1=0, web2=1)
    sandbox.change_template(template["id"], job_type="check")

    result = driver.relaunch(job)

    assert (result["failed"], result["changed"], result["job_type"]) == (True, True, "check")
    assert "the template now only checks" in result["msg"]


@pytest.mark.parametrize(
    ("way", "in_process"), [("forward proxy", False), ("CONNECT proxy", True)], ids=["forward, module", "CONNECT"]
)
def test_behind_a_proxy_that_loses_the_answer_one_job_is_launched(
    request: pytest.FixtureRequest, run_tasks: RunTasks, way: str
) -> None:
    sandbox: Sandbox = request.getfixturevalue("sandbox" if way == "forward proxy" else "tls_sandbox")
    template = sandbox.add_template(f"Behind a {way}", PING, hosts={"web1": {}})
    job = sandbox.make_job(template=template["id"], status="failed", hosts={"web1": "failed"})
    sandbox.clear_log()
    options = {"controller_host": sandbox.url, "controller_oauthtoken": sandbox.token("admin"), "max_retries": 5}
    if sandbox.ca_path:
        options["ca_path"] = sandbox.ca_path
    with Proxy() as proxy:
        proxy.lose("POST")
        # Of what goes through a tunnel the proxy sees nothing but that the controller has been asked.
        proxy.cut_tunnels(lambda _tunnel: bool(posts(sandbox)))
        environ = {"http_proxy": proxy.url, "https_proxy": proxy.url, "no_proxy": ""}
        (result,) = run_tasks({"job_id": job, "hosts": "failed", "wait": True, **options}, environ=environ).results

    assert (result["changed"], result["failed"]) == (True, False)
    assert "The answer to that was lost" in result["msg"]
    assert len(posts(sandbox)) == 1
