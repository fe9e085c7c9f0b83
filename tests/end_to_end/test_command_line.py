# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks from the command line and with the answers of a survey: texts, empty ones, and nights without a job."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import CONNECTION_SPEC
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import SPECIFICATION
from sandbox.process import Sandbox

from .test_cut_short import CASES, Rollout

RECOVER = "relaunch.controller.recover_failed_jobs"
RETRY = "relaunch.controller.retry_failed_hosts"
RECOVER_PLAY = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "playbooks" / "recover_failed_jobs.yml").read_text(encoding="utf-8")
)[0]
KNOWN = RECOVER_PLAY["vars"]["_recover_failed_jobs_known"]
PLAYBOOK = "- hosts: all\n  gather_facts: false\n  tasks: []\n"

Play = t.Callable[..., t.Any]
Failed = t.Callable[[str], int]


@pytest.fixture
def play(sandbox: Sandbox, run_playbook: Play) -> Play:
    """Run a playbook of the collection with these extra variables, and other arguments."""
    connection = {"CONTROLLER_HOST": sandbox.url, "CONTROLLER_OAUTH_TOKEN": sandbox.token("admin")}

    def play(name: str, given: str | dict[str, t.Any], *arguments: str, stats: bool = False, **more: t.Any) -> t.Any:
        variables = given if isinstance(given, str) else json.dumps(given)
        environ = {**connection, **({"ANSIBLE_SHOW_CUSTOM_STATS": "true"} if stats else {})}
        return run_playbook(name, "-e", variables, *arguments, environ=environ, **more)

    return play


@pytest.fixture
def failed(sandbox: Sandbox) -> Failed:
    """Make a job of a new template that failed; its relaunch succeeds."""

    def failed(name: str) -> int:
        hosts = {host: {} for host in ("web1", "web2")}
        template = sandbox.add_template(name, PLAYBOOK, hosts=hosts, outcomes={}, duration=0.1)["id"]
        return sandbox.make_job(template=template, status="failed", hosts={"web1": "ok", "web2": "failed"})

    return failed


def relaunched(sandbox: Sandbox) -> list[int]:
    posts = [entry["path"].split("/") for entry in sandbox.log() if entry["method"] == "POST"]
    return sorted(int(path[4]) for path in posts)


@pytest.mark.parametrize("jobs", [0, 1, 4])
@pytest.mark.parametrize("check", [[], ["--check"]], ids=["run", "check"])
def test_recovering_none_one_or_many(sandbox: Sandbox, failed: Failed, play: Play, jobs: int, check: list[str]) -> None:
    names = [f"Night {os.urandom(4).hex()}" for _number in range(jobs)]
    ids = [failed(name) for name in names]
    # The window holds these jobs alone.
    window = f"finished_after={sandbox.job(ids[0])['finished']}" if ids else "finished_after=1s"

    done = play(RECOVER, window, *check)

    assert done.status == 0, done.output
    word = "to do" if check else "recovered"
    assert [f"{word:14} {number} " in done.stdout for number in ids] == [True] * jobs
    assert relaunched(sandbox) == ([] if check else ids)


def test_no_name_and_no_address_is_broken_in_the_table(sandbox: Sandbox, play: Play) -> None:
    hosts = [f"web-{number}-of-the-shop.{'data-centre.' * number}example.com" for number in range(1, 6)]
    template = sandbox.add_template(f"Deploy {os.urandom(4).hex()}", PLAYBOOK, hosts={host: {} for host in hosts})["id"]
    job = sandbox.make_job(template=template, status="failed", hosts=dict.fromkeys(hosts, "failed"))

    done = play(RECOVER, f"job_id={job}", "--check")

    assert [host for host in hosts if host not in done.stdout] == [], done.output


@pytest.mark.parametrize("written", ['["{}","{}"]', "[ '{}', '{}' ]", "{},{}", "{} , {}"])
def test_names_are_lists_however_they_are_written(sandbox: Sandbox, failed: Failed, play: Play, written: str) -> None:
    names = [f"[{place}] Deploy {os.urandom(4).hex()}" for place in ("prod", "dev")]
    ids = [failed(name) for name in names]
    failed(f"Other {os.urandom(4).hex()}")
    value = written.format(*names).replace("'", "''")
    given = f"job_templates='{value}'"
    if written.startswith("[ '"):
        given = json.dumps({"job_templates": written.format(*names)})

    done = play(RECOVER, f"finished_after={sandbox.job(ids[0])['finished']}", "-e", given)

    assert done.status == 0, done.output
    assert relaunched(sandbox) == ids


@pytest.mark.parametrize("written", ["[{},{}]", "[ {}, {} ]", "{}, {}"])
def test_numbers_too(sandbox: Sandbox, failed: Failed, play: Play, written: str) -> None:
    ids = [failed(f"Deploy {os.urandom(4).hex()}") for _number in range(2)]

    done = play(RECOVER, {"job_ids": written.format(*ids)})

    assert done.status == 0, done.output
    assert relaunched(sandbox) == ids


@pytest.mark.parametrize("empty", ["", None])
def test_what_a_survey_left_empty_counts_as_not_given(
    sandbox: Sandbox, failed: Failed, play: Play, empty: str | None
) -> None:
    job = failed(f"Deploy {os.urandom(4).hex()}")
    names = [
        "job_template",
        "organization",
        "retries",
        "delay",
        "delay_factor",
        "delay_max",
        "interval",
        "timeout",
        "fallback_to_all",
        "credential_passwords",
    ]
    given = {
        **{f"retry_failed_hosts_{name}": empty for name in names[2:]},
        "job_template": empty,
        "organization": empty,
    }

    done = play(RETRY, {**given, "job_id": str(job)})

    assert done.status == 0, done.output
    assert relaunched(sandbox) == [job]


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ({"deadline": "4h", "retry_failed_host_retries": 1}, "deadline, retry_failed_host_retries (retry_failed"),
        ({"retry_failed_hosts_rules": '[{"action": "wait"}]'}, "rules: rule 1 needs an action: retry or park."),
        ({"retry_failed_hosts_timeout": "soon"}, "timeout"),
        ({"retry_failed_hosts_retries": 0}, "retries must be at least 1, not 0"),
        ({"job_id": "42x"}, "job_id"),
        # An option of the modules, which a person may well try.
        ({"controller_host": "https://controller.example.com"}, "The connection comes from the environment"),
    ],
)
def test_what_cannot_be_meant_is_named(sandbox: Sandbox, play: Play, variable: dict[str, t.Any], words: str) -> None:
    done = play(RETRY, {"job_id": 42, **variable})

    assert done.status == 2 and words in done.output, done.output
    assert sandbox.log() == []


@pytest.mark.parametrize("playbook", [RECOVER, RETRY])
@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"ansible_become": True, "ansible_become_user": "nobody"}, id="another user, without environment"),
        pytest.param(dict.fromkeys(KNOWN, "7"), id="an organization, a status or labels of hosts"),
    ],
)
def test_what_an_inventory_sets_for_its_hosts_is_not_for_a_playbook(
    sandbox: Sandbox, failed: Failed, play: Play, tmp_path: Path, playbook: str, variables: dict[str, t.Any]
) -> None:
    job = failed(f"Deploy {os.urandom(4).hex()}")
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"vars": variables}}), encoding="utf-8")

    done = play(playbook, f"job_id={job}", "-i", str(inventory))

    assert done.status == 0, done.output
    assert relaunched(sandbox) == [job]


@pytest.mark.parametrize("playbook", [RECOVER, RETRY])
def test_what_nodes_before_it_in_a_workflow_hand_on_is_no_misspelt_variable(
    sandbox: Sandbox, failed: Failed, play: Play, playbook: str
) -> None:
    job = failed(f"Deploy {os.urandom(4).hex()}")
    summary = RECOVER_PLAY["tasks"][1]["always"][-1]
    # The last one is of somebody else's node.
    handed_on = [*summary["ansible.builtin.set_stats"]["data"], "retry_failed_hosts", "failed_hosts"]
    given = {**dict.fromkeys(handed_on, []), "unexpected": ["openssl"], "known": [], "awx_job_id": 7, "job_id": job}

    done = play(playbook, given)

    assert done.status == 0, done.output
    assert relaunched(sandbox) == [job]


def test_each_option_of_the_module_is_a_variable() -> None:
    options = set(SPECIFICATION["argument_spec"]) - set(CONNECTION_SPEC) - {"wait", "hosts", "timeout"}
    assert {*options, "job_hosts", "wait_timeout"} <= set(KNOWN)


@pytest.mark.parametrize("name", ["max_jobs", "at_once", "stop_after", "max_attempts", "interval"])
def test_a_zero_is_not_the_default(sandbox: Sandbox, failed: Failed, play: Play, name: str) -> None:
    job = failed(f"Deploy {os.urandom(4).hex()}")

    done = play(RECOVER, {"job_ids": [job], name: 0})

    assert done.status == 2 and name in done.output, done.output
    assert relaunched(sandbox) == []


@pytest.mark.parametrize(
    "given",
    [
        {"job_templates": []},
        {"labels": "[]"},
        {"status": []},
        {"job_id": 0},
        {"workflow_job_id": 0},
        {"finished_before": 0},
        {"deadline": 0},
        {"job_ids": []},
    ],
    ids=str,
)
def test_nor_do_a_zero_and_an_empty_list_select_the_jobs_of_all(
    sandbox: Sandbox, failed: Failed, play: Play, given: dict[str, t.Any]
) -> None:
    failed(f"Deploy {os.urandom(4).hex()}")

    done = play(RECOVER, {"finished_after": "1h", **given})

    told = "0 is not the number of a job" if "job_" in next(iter(given)) else next(iter(given))
    assert done.status == 2 and (told in done.output or "is an empty list" in done.output), done.output
    assert relaunched(sandbox) == []


def test_a_job_whose_only_hosts_left_are_disabled_is_not_still_failing(sandbox: Sandbox, play: Play) -> None:
    """Nor do artifacts with common names change what is told."""
    hosts = {"web1": "failed", "web2": "failed"}
    made = sandbox.add_template(f"Deploy {os.urandom(4).hex()}", PLAYBOOK, hosts=dict.fromkeys(hosts, {}), outcomes={})
    job = sandbox.make_job(template=made["id"], status="failed", hosts=hosts)
    sandbox.disable_host(made["hosts"]["web2"])
    artifacts: dict[str, t.Any] = {"awx_job_id": 7, "recovered": [], "others": [], "recovery": {}, "settled": ["done"]}

    done = play(RECOVER, {"job_ids": [job], **artifacts}, stats=True, warnings=True)

    assert done.status == 0, done.output
    assert f"hosts left out {job} " in done.stdout
    stats = "".join(done.stdout.split())
    assert f'"recover_failed_jobs_hosts_left_out":[{job}]' in stats
    assert '"recover_failed_jobs_still_failing":[]' in stats


@pytest.mark.parametrize("check", [[], ["--check"]], ids=["run", "check"])
def test_a_job_that_stopped_for_other_hosts_is_still_failing(sandbox: Sandbox, play: Play, check: list[str]) -> None:
    """Though its relaunch on the failed hosts is successful."""
    one = Rollout(sandbox, CASES["the first of a rolling update"])
    one.heal()

    done = play(RECOVER, {"job_ids": [one.job]}, *check, stats=True)

    assert done.status == (0 if check else 2), done.output
    stats = "".join(done.stdout.split())
    assert f"{'to do' if check else 'still failing':14} {one.job} " in done.stdout
    assert f'"recover_failed_jobs_still_failing":[{one.job}]' in stats
    assert '"recover_failed_jobs_hosts_left_out":[]' in stats
