# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what is said of a job's work is true: each host leaves a mark at each step that it has passed."""

from __future__ import annotations

import json
import time
import typing as t

import pytest
import yaml

from sandbox.marks import Marks, playbook
from sandbox.process import Sandbox

if t.TYPE_CHECKING:
    from .conftest import Driver

Options = dict[str, t.Any]

THREE = ("web1", "web2", "web3")
SIX = tuple(f"web{number}" for number in range(1, 7))
ONCE = {"step": "Once", "run_once": True}


def template(sandbox: Sandbox, content: str, hosts: t.Iterable[str] = THREE, **options: t.Any) -> Options:
    return sandbox.add_template(f"Deploy {sandbox.token()[:8]}", content, hosts={name: {} for name in hosts}, **options)


def failed(sandbox: Sandbox, made: Options) -> int:
    """A job of a template that has failed."""
    job = sandbox.launch(made["id"])
    assert sandbox.wait(job) == "failed"
    sandbox.clear_log()
    return job


def launches(sandbox: Sandbox) -> list[str]:
    return [entry["path"].removeprefix("/api/v2") for entry in sandbox.log() if entry["method"] == "POST"]


def a_run_once_task(marks: Marks) -> tuple[str, tuple[str, ...]]:
    marks.fail("Deploy", web2=1, web3=1)
    marks.fail("Once", web2=1)
    return playbook(marks.play("all", "Ping", ONCE, "Deploy")), THREE


def the_same_in_json(marks: Marks) -> tuple[str, tuple[str, ...]]:
    """So all tasks have the same path: name and path together tell which one it is."""
    marks.fail("Deploy", web2=1, web3=1)
    marks.fail("Once", web2=1)
    return json.dumps([marks.play("all", "Ping", ONCE, "Deploy")]) + "\n", THREE


def any_errors_fatal(marks: Marks) -> tuple[str, tuple[str, ...]]:
    marks.fail("Deploy", web2=1, web3=1)
    marks.fail("Update", web2=2)
    return playbook(marks.play("all", "Update", "Deploy", any_errors_fatal=True)), THREE


def max_fail_percentage(marks: Marks) -> tuple[str, tuple[str, ...]]:
    marks.fail("Deploy", web2=1, web3=1, web4=1)
    marks.fail("Update", web2=2, web4=2)
    return playbook(marks.play("all", "Update", "Deploy", max_fail_percentage=50)), SIX


STOPPING = pytest.mark.parametrize("shape", [a_run_once_task, the_same_in_json, any_errors_fatal, max_fail_percentage])
Shape = t.Callable[[Marks], tuple[str, tuple[str, ...]]]


@STOPPING
def test_an_ok_in_a_relaunch_that_stopped_early_heals_nobody(
    sandbox: Sandbox, marks: Marks, driver: Driver, shape: Shape
) -> None:
    """The source fails at its end; its relaunch fails on some of them and stops for the others."""
    content, hosts = shape(marks)
    job = failed(sandbox, template(sandbox, content, hosts))
    due = sorted(set(hosts) - set(marks.passed("Deploy")))

    first = driver.relaunch(job)
    second = driver.relaunch(job)
    third = driver.relaunch(job)

    assert (first["failed"], first["hosts"], first["remaining_hosts"]) == (True, due, due)
    assert set(first["failed_hosts"]) < set(due)
    assert (second["failed"], second["hosts"], second["remaining_hosts"]) == (False, due, [])
    assert (third["changed"], third["id"]) == (False, second["id"])
    assert set(marks.passed("Deploy")) == set(hosts)
    assert all(marks.passed("Deploy")[name] == [second["id"]] for name in due)


@pytest.mark.parametrize("stopping", [{"any_errors_fatal": True}, {"max_fail_percentage": 0}])
def test_where_nothing_else_is_left_only_an_end_that_is_shown_counts(
    sandbox: Sandbox, marks: Marks, driver: Driver, stopping: Options
) -> None:
    """A relaunch stops for web1, no run has got further, and the one that failed in it is deleted."""
    marks.fail("Drain", web1=1, web2=1)
    marks.fail("Deploy", web2=1)
    content = playbook(marks.play("all", "Drain", "Deploy", "Announce", **stopping))
    made = template(sandbox, content, ("web1", "web2"))
    job = failed(sandbox, made)
    assert sandbox.wait(sandbox.relaunch(job, hosts="failed")) == "failed"
    sandbox.delete_host(made["hosts"]["web2"])

    first = driver.relaunch(job)
    second = driver.relaunch(job)

    assert (first["failed"], first["hosts"], first["remaining_hosts"]) == (False, ["web1"], ["web2"])
    assert (second["changed"], second["id"], second["gone_hosts"]) == (False, first["id"], ["web2"])
    assert marks.passed("Announce") == {"web1": [first["id"]]}


def test_nor_does_it_where_the_source_stopped_for_somebody(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    """A run on all hosts brings web1 further, where it stops for it too, and the only one that failed is deleted."""
    marks.fail("Drain", web2=1)
    marks.fail("Deploy", web2=1)
    content = playbook(marks.play("all", "Drain", "Deploy", "Announce", any_errors_fatal=True))
    made = template(sandbox, content, ("web1", "web2"))
    job = failed(sandbox, made)
    assert sandbox.wait(sandbox.relaunch(job)) == "failed"
    sandbox.delete_host(made["hosts"]["web2"])

    refused = driver.relaunch(job)
    done = driver.relaunch(job, fallback_to_all=True)

    assert (refused["failed"], refused["changed"], refused["stopped_hosts"]) == (True, False, ["web1"])
    assert (done["failed"], done["changed"]) == (False, True)
    assert marks.passed("Announce") == {"web1": [done["id"]]}


def rescued_alone(sandbox: Sandbox, marks: Marks, name: str) -> int:
    """A job that failed on no host: after a rescue under any_errors_fatal its last play was for web1 alone."""
    step = f"Try{name}"
    marks.fail(step, web1=1)
    block = marks.play("all", step, any_errors_fatal=True)["tasks"]
    rescue = {"block": block, "rescue": marks.play("all", "Mend")["tasks"], "any_errors_fatal": True}
    content = playbook(marks.play("all", rescue, "Deploy"), marks.play("all", f"Announce{name}"))
    return failed(sandbox, template(sandbox, content, asks=["limit"]))


def test_who_missed_a_play_behind_a_rescue_is_left_among_many_too(
    sandbox: Sandbox, marks: Marks, driver: Driver
) -> None:
    alone, many = rescued_alone(sandbox, marks, "alone"), rescued_alone(sandbox, marks, "many")
    assert set(marks.passed("Announcemany")) == {"web1"}

    refused = driver.relaunch(alone)
    checked, told = (driver.bulk(job_ids=[alone], check_mode=check)["jobs"][0] for check in (True, False))
    planned = driver.bulk(job_ids=[many], hosts="remaining", check_mode=True)["jobs"][0]
    first, second = (driver.bulk(job_ids=[many], hosts="remaining") for _time in range(2))

    assert (refused["cut_short"], refused["stopped_hosts"]) == (True, ["web2", "web3"])
    assert (told["msg"], told["recovered"]) == (refused["msg"], False)
    assert (checked["msg"], checked["outcome"]) == (told["msg"], told["outcome"])
    assert (planned["outcome"], planned["hosts"]) == ("relaunched", ["web2", "web3"])
    assert [(one["failed"], one["changed"], one["jobs"][0]["recovered"]) for one in (first, second)] == [
        (False, True, True),
        (False, False, True),
    ]
    assert set(marks.passed("Announcemany")) == set(THREE)


def test_retrying_brings_those_to_the_end_whom_a_round_stopped(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    content, hosts = a_run_once_task(marks)
    job = failed(sandbox, template(sandbox, content, hosts))

    result = driver.retry(job)

    assert (result["failed"], result["ended"], result["remaining_hosts"]) == (False, "none_left", [])
    assert [attempt["status"] for attempt in result["attempts"]] == ["failed", "successful"]
    assert result["recovered"] == {"web2": 2, "web3": 2}
    assert set(marks.passed("Deploy")) == set(hosts)


FIVE = tuple(f"web{number}" for number in range(1, 6))


@pytest.fixture
def rolling(sandbox: Sandbox, marks: Marks) -> int:
    """Two plays, the first by batches of two. Stopped at once; a relaunch of all fails on one host and in its last
    batch; the next one heals these, and runs the second play on them alone.
    """
    marks.fail("Drain", web1=(1, 2), web2=1, web5=1)
    content = playbook(marks.play("all", "Drain", "Deploy", serial=2), marks.play("all", "Announce"))
    job = failed(sandbox, template(sandbox, content, FIVE))
    whole = sandbox.relaunch(job)
    assert sandbox.wait(whole) == "failed"
    healing = sandbox.relaunch(whole, hosts="failed")
    assert sandbox.wait(healing) == "successful"
    assert sorted(marks.passed("Deploy")) == list(FIVE)
    assert sorted(marks.passed("Announce")) == ["web1", "web5"]
    sandbox.clear_log()
    return job


def test_a_second_play_that_ran_on_some_alone_is_left(
    sandbox: Sandbox, marks: Marks, driver: Driver, rolling: int
) -> None:
    first = driver.relaunch(rolling)
    second = driver.relaunch(rolling)

    assert (first["failed"], first["changed"], first["cut_short"]) == (True, True, True)
    assert (second["failed"], second["changed"], second["cut_short"]) == (True, False, True)
    left = sorted(set(FIVE) - set(marks.passed("Announce")))
    assert left == ["web3", "web4"]
    assert all(", ".join(left) in result["msg"] for result in (first, second))


def test_a_second_play_runs_on_all_with_fallback_to_all(
    sandbox: Sandbox, marks: Marks, driver: Driver, rolling: int
) -> None:
    first = driver.relaunch(rolling, fallback_to_all=True)
    second = driver.relaunch(rolling, fallback_to_all=True)

    assert (first["failed"], second["failed"], second["changed"]) == (False, False, False)
    assert sorted(marks.passed("Announce")) == list(FIVE)


@pytest.mark.parametrize(
    ("failing", "always"),
    [(["Deploy"], {"step": "Unlock", "run_once": True}), (["Deploy", "Clean"], "Unlock")],
    ids=["runs once", "behind another failure"],
)
def test_what_is_done_always_is_no_proof_that_a_run_went_on(
    sandbox: Sandbox, marks: Marks, driver: Driver, failing: list[str], always: t.Any
) -> None:
    """Its playbook is mended in between, so that no run shows what lay behind."""
    for step in failing:
        marks.fail(step, web2=1)
    block = marks.play("all", {"step": "Deploy", "any_errors_fatal": True})["tasks"]
    steps = {"block": block, "always": marks.play("all", *failing[1:], always)["tasks"]}
    project = sandbox.add_project(f"Project {sandbox.token()[:8]}")
    made = template(sandbox, playbook(marks.play("all", steps, "Announce")), project=project, asks=["limit"])
    job = failed(sandbox, made)
    sandbox.change_template(made["id"], playbook=playbook(marks.play("all", steps, "Announce", "Report")))

    first, second = (driver.relaunch(job, hosts=hosts) for hosts in ("failed", "remaining"))

    assert (first["failed"], first["cut_short"], first["stopped_hosts"]) == (True, True, ["web1", "web3"])
    assert (second["failed"], second["hosts"]) == (False, ["web1", "web3"])
    assert set(marks.passed("Announce")) == set(THREE)


LIMITED = "{{ ansible_limit | default('all') }}"


@pytest.mark.parametrize("pattern", ["all", LIMITED])
def test_a_play_whose_pattern_is_the_limit_is_for_all_of_a_run_without_one(
    sandbox: Sandbox, marks: Marks, driver: Driver, pattern: str
) -> None:
    """The relaunch shows the second play, as one for the host alone to which it was limited."""
    marks.fail("Update", web2=1)
    first_play = marks.play(pattern, "Update", any_errors_fatal=True)
    job = failed(sandbox, template(sandbox, playbook(first_play, marks.play(LIMITED, "Deploy")), asks=["limit"]))

    first = driver.relaunch(job)
    second = driver.relaunch(job, hosts="remaining")

    assert (first["failed"], first["cut_short"], first["stopped_hosts"]) == (True, True, ["web1", "web3"])
    assert (second["failed"], second["hosts"]) == (False, ["web1", "web3"])
    assert set(marks.passed("Deploy")) == set(THREE)


@pytest.mark.parametrize(
    ("hosts", "keywords"),
    [("all", {"name": "Deploy by job {{ awx_job_id }}"}), (LIMITED, {"name": LIMITED})],
    ids=["named by its job", "named by its hosts"],
)
def test_a_play_that_each_job_names_otherwise_is_the_same(
    sandbox: Sandbox, marks: Marks, driver: Driver, hosts: str, keywords: Options
) -> None:
    marks.fail("Deploy", web2=1, web3=(1, 2))
    content = playbook(marks.play(hosts, "Update", "Deploy", **keywords))
    job = failed(sandbox, template(sandbox, content))

    first = driver.relaunch(job)
    second = driver.relaunch(job)
    third = driver.relaunch(job)

    assert (first["failed"], first["remaining_hosts"]) == (True, ["web3"])
    assert (second["failed"], second["hosts"]) == (False, ["web3"])
    assert (third["failed"], third["changed"]) == (False, False)


SAY = yaml.safe_dump([{"name": "Say", "ansible.builtin.debug": {}}])
IMPORT = yaml.safe_dump([{"name": "Find", "ansible.builtin.import_tasks": "../../shared.yml"}])


@pytest.mark.parametrize(
    ("included", "files", "shown"),
    [
        ({"include_role": {"name": "author.app"}}, {"roles/author.app/tasks/main.yml": SAY}, True),
        ({"include_role": {"name": "site/app"}}, {"roles/site/app/tasks/main.yml": SAY}, True),
        ({"include_role": {"name": "app"}}, {"roles/app/defaults/main.yml": "port: 80\n"}, False),
        ({"include_role": {"name": "app"}}, {"roles/app/tasks/main.yml": IMPORT, "shared.yml": SAY}, False),
        ({"include_tasks": "more.yml"}, {"more.yml": "[]\n"}, False),
    ],
    ids=["named with its author", "in a folder", "of variables", "that imports", "empty file"],
)
def test_an_included_file_or_role_was_entered_where_it_starts_as_in_a_success(
    sandbox: Sandbox, marks: Marks, driver: Driver, included: Options, files: Options, shown: bool
) -> None:
    """That there is nothing to start in it a success alone shows."""
    marks.fail("Deploy", web2=1, web3=(1, 2))
    content = playbook(marks.play("all", {"name": "Include", **included}, "Deploy"))
    job = failed(sandbox, template(sandbox, content, files=files))
    left = ["web3"] if shown else ["web2", "web3"]

    first, second, third = (driver.relaunch(job) for _time in range(3))

    assert (first["failed"], first["remaining_hosts"]) == (True, left)
    assert (second["failed"], second["hosts"]) == (False, left)
    assert (third["failed"], third["changed"]) == (False, False)


def test_facts_that_are_known_need_not_be_gathered_again(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    """As of smart gathering with a cache: what a run has not to do stops nobody in it."""
    marks.fail("Deploy", web2=1, web3=(1, 2))
    gathers = {"gather_facts": "{{ awx_job_launch_type == 'manual' }}", "gather_subset": ["!all", "!min"]}
    job = failed(sandbox, template(sandbox, playbook(marks.play("all", "Deploy", **gathers))))

    first = driver.relaunch(job)
    second = driver.relaunch(job)

    assert (first["failed"], first["hosts"], first["remaining_hosts"]) == (True, ["web2", "web3"], ["web3"])
    assert (second["failed"], second["hosts"]) == (False, ["web3"])


SORT = {"name": "Sort", "ansible.builtin.group_by": {"key": "made"}}


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [("web[0:2]", ""), ("all", "~web.*"), ("ungrouped", ""), ("all", "ungrouped")],
)
def test_batches_whose_hosts_nobody_can_name_are_not_done(
    sandbox: Sandbox, marks: Marks, driver: Driver, pattern: str, limit: str
) -> None:
    """Each batch is one host, and the first one fails."""
    marks.fail("Deploy", web1=1)
    groups = {} if "ungrouped" in (pattern, limit) else {"web": list(THREE)}
    content = playbook(marks.play("localhost", "Ping"), marks.play(pattern, "Deploy", serial=1))
    job = failed(sandbox, template(sandbox, content, limit=limit, groups=groups, asks=["limit"]))

    results = [driver.relaunch(job, hosts=hosts) for hosts in ("failed", "failed", "remaining")]

    assert [(one["failed"], one["cut_short"]) for one in results] == [(True, True)] * 3
    assert all("its limit and its plays do not tell whom it was meant for" in one["msg"] for one in results)
    assert (sorted(marks.passed("Deploy")), len(launches(sandbox))) == (["web1"], 1)


@pytest.mark.parametrize(("pattern", "limit"), [("all", "web*"), ("web*", "")])
def test_batches_that_a_wildcard_names_are_completed(
    sandbox: Sandbox, marks: Marks, driver: Driver, pattern: str, limit: str
) -> None:
    """A first batch that has lost one host at the last task may be the only one, by its events."""
    marks.fail("Deploy", web1=1)
    content = playbook(marks.play(pattern, "Deploy", serial=2, any_errors_fatal=True))
    job = failed(sandbox, template(sandbox, content, limit=limit, asks=["limit"]))

    healed, completed, again = (driver.relaunch(job, hosts=hosts) for hosts in ("failed", "remaining", "remaining"))

    assert "has not been done on web3, though" in healed["msg"]
    assert (completed["failed"], completed["limit"], again["changed"]) == (False, "web3", False), completed["msg"]


def test_hosts_of_a_group_that_a_play_makes_are_named(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    marks.fail("Deploy", web1=1)
    # In a group that a play makes, hosts are in the order of their results.
    content = playbook(marks.play("all", SORT), marks.play("made", "Deploy", serial=1, order="sorted"))
    job = failed(sandbox, template(sandbox, content, asks=["limit"]))

    healed, completed = (driver.relaunch(job, hosts=hosts) for hosts in ("failed", "remaining"))

    assert (healed["cut_short"], healed["stopped_hosts"]) == (True, ["web2", "web3"])
    assert (completed["failed"], completed["limit"]) == (False, "web2,web3")


def test_a_play_that_only_gathers_facts_has_begun(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    """Its group is in no inventory, so that a run alone shows that it has hosts."""
    marks.fail("Deploy", web1=1)
    facts = marks.play("made", gather_facts=True, gather_subset=["!all", "!min"])
    content = playbook(marks.play("all", SORT, "Deploy", any_errors_fatal=True), facts)
    job = failed(sandbox, template(sandbox, content, asks=["limit"]))

    healed, completed = (driver.relaunch(job, hosts=hosts) for hosts in ("failed", "remaining"))

    assert (healed["failed"], healed["cut_short"], healed["stopped_hosts"]) == (True, True, ["web2", "web3"])
    assert (completed["failed"], completed["limit"]) == (False, "web2,web3"), completed["msg"]


@pytest.mark.parametrize(
    ("pattern", "limit"), [("all", "web*"), ("web*", ""), ("all", "ungrouped"), ("absent:web*", "")]
)
def test_a_pattern_casts_no_doubt_where_there_were_no_batches(
    sandbox: Sandbox, marks: Marks, driver: Driver, pattern: str, limit: str
) -> None:
    """A play that began for nobody leaves nobody out."""
    marks.fail("Deploy", web1=1)
    content = playbook(marks.play("absent", "Ping"), marks.play(pattern, "Deploy"))
    made = template(sandbox, content, (*THREE, "db1"), limit=limit, groups={"db": ["db1"]}, asks=["limit"])
    job = failed(sandbox, made)

    healed = driver.relaunch(job)

    assert not healed["failed"], healed["msg"]
    assert sorted(marks.passed("Deploy")) == [*THREE]


def on_localhost(marks: Marks) -> tuple[str, str]:
    """A last play on the implicit localhost."""
    marks.fail("Deploy", web2=1)
    marks.fail("Report", localhost=1)
    return playbook(marks.play("web", "Deploy"), marks.play("localhost", "Report", connection="local")), "localhost"


def on_a_host_that_is_made(marks: Marks) -> tuple[str, str]:
    marks.fail("Deploy", web2=1)
    marks.fail("Report", made1=1)
    made = {"name": "made1", "groups": "made", "ansible_connection": "local"}
    adding = {"name": "Make a host", "ansible.builtin.add_host": made, "changed_when": False}
    making = marks.play("localhost", adding, connection="local")
    return playbook(marks.play("web", "Deploy"), making, marks.play("made", "Report")), "made1"


def test_a_host_that_a_limited_run_has_made_is_not_done(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    """The host that makes it fails before, and is healed by a run whose limit leaves out what it makes."""
    marks.fail("Deploy", web1=1)
    made = {"name": "made1", "groups": "made", "ansible_connection": "local"}
    making = {"name": "Make a host", "ansible.builtin.add_host": made, "when": "inventory_hostname == 'web1'"}
    content = playbook(marks.play("web", "Deploy", making), marks.play("made", "Report"))
    job = failed(sandbox, template(sandbox, content, ("web1", "web2"), groups={"web": ["web1", "web2"]}))

    first = driver.relaunch(job)
    whole = driver.relaunch(job, fallback_to_all=True)
    done = driver.relaunch(job)

    assert (first["failed"], first["hosts"], first["cut_short"]) == (True, ["web1"], True)
    assert (whole["failed"], whole["limit"], done["changed"]) == (False, "", False)
    assert marks.passed("Report") == {"made1": [whole["id"]]}


@pytest.mark.parametrize("shape", [on_localhost, on_a_host_that_is_made])
def test_a_host_without_a_row_is_reached_by_a_run_on_all_alone(
    sandbox: Sandbox, marks: Marks, driver: Driver, shape: t.Callable[[Marks], tuple[str, str]]
) -> None:
    content, outside = shape(marks)
    job = failed(sandbox, template(sandbox, content, THREE, groups={"web": list(THREE)}))
    assert marks.passed("Report") == {}

    first = driver.relaunch(job)
    again = driver.relaunch(job)
    assert (first["failed"], first["changed"], first["hosts"]) == (True, True, ["web2"])
    assert (again["failed"], again["changed"], again["cut_short"]) == (True, False, True)
    assert all(outside in result["msg"] and outside in result["remaining_hosts"] for result in (first, again))

    whole = driver.relaunch(job, fallback_to_all=True)
    done = driver.relaunch(job)
    assert (whole["failed"], whole["changed"], whole["limit"]) == (False, True, "")
    assert (done["failed"], done["changed"]) == (False, False)
    assert marks.passed("Report") == {outside: [whole["id"]]}


def add_again(sandbox: Sandbox, made: Options, name: str) -> None:
    sandbox.delete_host(made["hosts"][name])
    sandbox.add_host(made["inventory"], name)


@pytest.mark.parametrize("user", ["admin", "alice"])
def test_a_host_that_is_deleted_is_run_for_once(sandbox: Sandbox, marks: Marks, driver: Driver, user: str) -> None:
    """The job had stopped for it; who may only execute its template may not read the inventory."""
    marks.fail("Drain", web2=1)
    made = template(sandbox, playbook(marks.play("all", "Drain", "Deploy", any_errors_fatal=True)))
    job = failed(sandbox, made)
    sandbox.delete_host(made["hosts"]["web1"])

    first, second = (driver.relaunch(job, user, fallback_to_all=True) for _time in range(2))
    third = driver.relaunch(job, user)

    assert [(one["failed"], one["changed"]) for one in (first, second, third)] == [
        (False, True),
        (False, False),
        (False, False),
    ]
    assert first["id"] == second["id"] == third["id"]


def test_a_host_that_is_deleted_and_added_again_remains(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    marks.fail("Deploy", web2=1, web3=1)
    made = template(sandbox, playbook(marks.play("all", "Deploy")))
    job = failed(sandbox, made)
    add_again(sandbox, made, "web2")

    first = driver.relaunch(job)
    assert (first["changed"], first["hosts"], first["remaining_hosts"]) == (True, ["web3"], ["web2"])
    again = driver.relaunch(job)
    assert (again["failed"], again["changed"], again["remaining_hosts"]) == (True, False, ["web2"])
    assert "web2, which no relaunch on failed hosts reaches" in again["msg"]

    whole = driver.relaunch(job, fallback_to_all=True)
    done = driver.relaunch(job)
    assert (whole["failed"], whole["changed"], done["changed"], done["remaining_hosts"]) == (False, True, False, [])
    assert marks.passed("Deploy")["web2"] == [whole["id"]]


def test_a_host_that_is_deleted_and_added_again_remains_if_it_is_the_only_one(
    sandbox: Sandbox, marks: Marks, driver: Driver
) -> None:
    marks.fail("Deploy", web2=1)
    made = template(sandbox, playbook(marks.play("all", "Deploy")))
    job = failed(sandbox, made)
    add_again(sandbox, made, "web2")

    refused = driver.relaunch(job)
    whole = driver.relaunch(job, fallback_to_all=True)

    assert (refused["failed"], refused["changed"]) == (True, False)
    assert "web2" in refused["msg"]
    assert (whole["failed"], whole["changed"], whole["limit"]) == (False, True, "")
    assert marks.passed("Deploy")["web2"] == [whole["id"]]


def test_hosts_of_another_inventory_are_known_by_their_names(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    marks.fail("Deploy", web2=1, web3=(1, 2))
    made = template(sandbox, playbook(marks.play("all", "Deploy")))
    job = failed(sandbox, made)
    other = sandbox.add_inventory(f"Other {made['id']}", {name: {} for name in THREE})
    sandbox.change_template(made["id"], inventory=other["id"])

    first = driver.relaunch(job)
    second = driver.relaunch(job)
    third = driver.relaunch(job)

    assert (first["failed"], first["remaining_hosts"]) == (True, ["web3"])
    assert (second["failed"], second["hosts"], second["remaining_hosts"]) == (False, ["web3"], [])
    assert (third["failed"], third["changed"], third["remaining_hosts"]) == (False, False, [])
    assert not any(result.get("warnings") for result in (first, second, third))


@pytest.fixture
def first_slice(sandbox: Sandbox, marks: Marks) -> t.Callable[..., tuple[Options, int]]:
    """The first of two slices, with a1 and c3, in which hosts fail once, and its template: first_slice("c3")."""

    def first_slice(failing: str, **play: t.Any) -> tuple[Options, int]:
        marks.fail("Deploy", **dict.fromkeys(failing.split(), 1))
        text = playbook(marks.play("all", "Deploy", "Check", **play))
        made = template(sandbox, text, ("a1", "b2", "c3", "d4"), job_slice_count=2)
        run = sandbox.launch(made["id"])
        sandbox.wait(run)
        found = sandbox.request("GET", f"/jobs/?unified_job_node__workflow_job={run}&order_by=id").body["results"]
        sandbox.wait(found[0]["id"])
        sandbox.clear_log()
        return made, found[0]["id"]

    return first_slice


@pytest.mark.parametrize("failing", ["c3", "a1 c3"])
def test_a_host_that_is_in_another_slice_by_now_is_not_relaunched_again_and_again(
    sandbox: Sandbox, driver: Driver, first_slice: t.Callable[..., tuple[Options, int]], failing: str
) -> None:
    made, job = first_slice(failing)
    if failing == "c3":
        sandbox.delete_host(made["hosts"]["a1"])
    else:
        sandbox.add_host(made["inventory"], "b1")

    first, second = (driver.relaunch(job) for _time in range(2))

    assert first["failed"] and "in another slice by now" in first["msg"] and "enable" not in first["msg"], first["msg"]
    assert second["failed"] and f"Job {job}, one of several slices, failed on c3, in another slice" in second["msg"]
    assert (first["remaining_hosts"], second["remaining_hosts"]) == (["c3"], ["c3"])
    assert sum(entry["method"] == "POST" and entry["path"].endswith("/relaunch/") for entry in sandbox.log()) == 1


def test_a_host_that_was_added_again_in_another_slice_is_not_done_by_a_run_on_all_of_its_own(
    sandbox: Sandbox, driver: Driver, first_slice: t.Callable[..., tuple[Options, int]]
) -> None:
    made, job = first_slice("c3")
    sandbox.delete_host(made["hosts"]["c3"])
    for name in ("b1", "c3"):
        sandbox.add_host(made["inventory"], name)

    first, second = (driver.relaunch(job, fallback_to_all=True) for _time in range(2))

    assert first["failed"] and "in another slice by now" in first["msg"], first["msg"]
    assert second["failed"] and f"Job {job}, one of several slices, failed on c3, in another slice" in second["msg"]
    assert [result["remaining_hosts"] for result in (first, second)] == [["c3"], ["c3"]]


def test_a_slice_without_hosts_is_not_blamed_on_the_inventory(sandbox: Sandbox, driver: Driver, marks: Marks) -> None:
    """Where the limit of a sliced run leaves some slices empty, these fail, and so does each of their relaunches."""
    text = playbook(marks.play("all", "Deploy"))
    made = template(sandbox, text, ("a1", "b2"), job_slice_count=2, limit="b2")
    run = sandbox.launch(made["id"])
    sandbox.wait(run)
    empty, full = sandbox.request("GET", f"/jobs/?unified_job_node__workflow_job={run}&order_by=id").body["results"]
    assert (sandbox.wait(empty["id"]), sandbox.wait(full["id"])) == ("failed", "successful")

    result = driver.relaunch(empty["id"])

    assert result["failed"] and "no host in its limit is in this slice" in result["msg"], result["msg"]
    assert "inventory has changed" not in result["msg"] and "fewer slices" in result["msg"]


def test_a_slice_is_not_sent_to_what_refuses_slices(
    driver: Driver, first_slice: t.Callable[..., tuple[Options, int]]
) -> None:
    _made, job = first_slice("c3", any_errors_fatal=True)

    result = driver.relaunch(job)

    assert result["cut_short"] and "Relaunch it with hosts: all, or set" in result["msg"], result["msg"]


@pytest.mark.parametrize("front", ["relaunch", "bulk"])
def test_a_relaunch_whose_limit_matches_nothing_says_why(
    sandbox: Sandbox, marks: Marks, driver: Driver, front: str
) -> None:
    """The controller does not explain it."""
    marks.fail("Deploy", web2=1)
    made = template(sandbox, playbook(marks.play("all", "Deploy")))
    job = failed(sandbox, made)
    other = sandbox.add_inventory(f"Other {made['id']}", {"web1": {}})
    sandbox.change_template(made["id"], inventory=other["id"])

    result = driver.bulk(job_ids=[job])["jobs"][0] if front == "bulk" else driver.relaunch(job)

    assert "none of the hosts in its limit is enabled in its inventory now" in result["msg"]


@pytest.mark.parametrize("name", ["!x", "&y", "a:b:c", "@z", "a,b"])
def test_a_host_whose_name_is_a_pattern_is_relaunched_by_no_limit(
    sandbox: Sandbox, marks: Marks, driver: Driver, name: str
) -> None:
    """Its name alone would be a limit to all other hosts, to none, or to others."""
    made = template(sandbox, playbook(marks.play("all", "Deploy")), ("web1", name))
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "ok", name: "failed"})
    sandbox.clear_log()

    refused = driver.relaunch(job)

    assert (refused["failed"], refused["changed"], refused["remaining_hosts"]) == (True, False, [name])
    assert f"ansible takes {name!r} in a limit for a pattern" in refused["msg"]


@pytest.mark.parametrize("name", ["!x", "&y"])
def test_beside_others_it_is_a_host(sandbox: Sandbox, driver: Driver, name: str) -> None:
    ping = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n"
    made = template(sandbox, ping, ("web2", name))
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web2": "failed", name: "failed"})

    first, second = (driver.relaunch(job) for _time in range(2))

    assert (first["failed"], first["remaining_hosts"]) == (False, []), first["msg"]
    assert (second["changed"], second["id"]) == (False, first["id"]), second["msg"]


def test_a_job_that_leaves_out_such_a_host_is_not_launched_again_and_again(
    sandbox: Sandbox, marks: Marks, driver: Driver
) -> None:
    made = template(sandbox, playbook(marks.play("all", "Deploy")), ("web1", "a,b"))
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "failed", "a,b": "failed"})

    result = driver.relaunch(job)

    assert (result["failed"], result["remaining_hosts"], marks.passed("Deploy")["web1"]) == (True, ["a,b"], [job + 1])
    assert "ansible takes 'a,b' in a limit for a pattern" in result["msg"]


def test_a_batch_that_a_relaunch_in_a_constructed_inventory_never_began_is_left(
    sandbox: Sandbox, marks: Marks, driver: Driver
) -> None:
    """In the source one of each batch of two fails; the relaunch takes one after the other, and stops at the first."""
    marks.fail("Deploy", web1=(1, 2), web3=1)
    hosts = ("web1", "web2", "web3", "web4")
    content = playbook(marks.play("all", "Deploy", serial="50%"))
    name = sandbox.token()[:8]
    inputs = sandbox.add_inventory(f"Input {name}", {name: {} for name in hosts})
    constructed = sandbox.add_constructed_inventory(f"Constructed {name}", [inputs["id"]])
    made = sandbox.add_template(f"Deploy {name}", content, inventory=constructed["id"])
    job = failed(sandbox, made)
    assert sorted(marks.passed("Deploy")) == ["web2", "web4"]
    stopped = sandbox.relaunch(job, hosts="failed")
    assert sandbox.wait(stopped) == "failed"
    assert sandbox.wait(sandbox.relaunch(stopped, hosts="failed")) == "successful"
    assert sorted(marks.passed("Deploy")) == ["web1", "web2", "web4"]

    first = driver.relaunch(job)
    second = driver.relaunch(job)

    assert (first["failed"], first["changed"], first["remaining_hosts"]) == (False, True, [])
    assert (second["changed"], second["id"]) == (False, first["id"])
    assert sorted(marks.passed("Deploy")) == list(hosts)


@pytest.mark.parametrize("hosts", ["failed", "all"])
def test_the_same_work_launched_afresh_counts_and_other_work_does_not(
    sandbox: Sandbox, marks: Marks, driver: Driver, hosts: str
) -> None:
    marks.fail("Deploy", web2=1)
    made = template(sandbox, playbook(marks.play("all", "Deploy")), asks=["extra_vars"])
    job = failed(sandbox, made)
    other = sandbox.launch(made["id"], extra_vars={"release": 2})
    assert sandbox.wait(other) == "successful"

    ours = driver.relaunch(job, hosts=hosts)
    assert (ours["failed"], ours["changed"]) == (False, True)

    later = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "ok", "web2": "failed", "web3": "ok"})
    afresh = sandbox.launch(made["id"])
    assert sandbox.wait(afresh) == "successful"
    sandbox.clear_log()

    result = driver.relaunch(later, hosts=hosts)

    assert (result["failed"], result["changed"], result["id"]) == (False, False, afresh)
    assert launches(sandbox) == []


@pytest.mark.parametrize("hosts", ["failed", "all"])
def test_a_success_from_before_a_long_run_failed_counts_for_nothing(
    sandbox: Sandbox, driver: Driver, hosts: str
) -> None:
    made = template(sandbox, playbook(), outcomes={})
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "ok", "web2": "failed", "web3": "ok"})
    sandbox.settings(max_running=0)
    long, short = sandbox.relaunch(job, hosts=hosts), sandbox.relaunch(job, hosts=hosts)
    ran = ["web2"] if hosts == "failed" else list(THREE)
    sandbox.end_job(short, "successful", dict.fromkeys(ran, "ok"))
    sandbox.end_job(long, "failed", {**dict.fromkeys(ran, "ok"), "web2": "failed"})
    sandbox.settings(max_running=4)

    result = driver.relaunch(job, hosts=hosts)

    assert (result["failed"], result["changed"], result["status"]) == (False, True, "successful"), result["msg"]
    assert result["id"] > short


class Meanwhile:
    """Another user's relaunch succeeds in the first pause of at least so many seconds."""

    def __init__(self, sandbox: Sandbox, job: int, hosts: str, seconds: float) -> None:
        self._sandbox, self._job, self._hosts, self._seconds = sandbox, job, hosts, seconds
        self.theirs = 0

    def sleep(self, seconds: float) -> None:
        if self.theirs or seconds < self._seconds:
            time.sleep(seconds)
            return
        self.theirs = self._sandbox.relaunch(self._job, user="bob", hosts=self._hosts)
        assert self._sandbox.wait(self.theirs) == "successful"


def test_a_launch_that_was_put_off_looks_again(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    marks.fail("Deploy", web2=1)
    job = failed(sandbox, template(sandbox, playbook(marks.play("all", "Deploy"))))
    throttled: t.Any = {"kind": "status", "status": 429, "method": "POST", "path": "/relaunch/$"}
    sandbox.misbehave([{**throttled, "headers": {"Retry-After": "8"}}])
    meanwhile = Meanwhile(sandbox, job, "failed", 8)

    result = driver.sleeping(meanwhile.sleep).relaunch(job, max_retries=3)

    assert (result["failed"], result["changed"], result["id"]) == (False, False, meanwhile.theirs)
    assert marks.passed("Deploy")["web2"] == [meanwhile.theirs]


def test_a_launch_that_had_to_wait_for_events_looks_again(sandbox: Sandbox, marks: Marks, driver: Driver) -> None:
    marks.fail("Deploy", web2=1)
    made = template(sandbox, playbook(marks.play("all", "Deploy")))
    sandbox.settings(event_lag=8)
    job = sandbox.launch(made["id"])
    sandbox.wait(job, events=False)
    meanwhile = Meanwhile(sandbox, job, "all", 0.1)

    result = driver.sleeping(meanwhile.sleep).relaunch(job)

    assert (result["failed"], result["changed"], result["id"]) == (False, False, meanwhile.theirs)
    assert marks.passed("Deploy")["web2"] == [meanwhile.theirs]
