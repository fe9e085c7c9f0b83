# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""job_info as a task, before and after what it tells of."""

from __future__ import annotations

import typing as t

import pytest

from sandbox.process import Sandbox


@pytest.mark.parametrize("in_process", [True, False])
def test_it_tells_what_a_relaunch_then_does(
    sandbox: Sandbox,
    played_job: int,
    admin: dict[str, t.Any],
    run_tasks: t.Callable[..., t.Any],
    driver: t.Any,
    in_process: bool,
) -> None:
    task = {"job_id": played_job, **admin}

    before = run_tasks(task, module="job_info", arguments=["--check", "--diff"]).results[0]

    assert not [entry for entry in sandbox.log() if entry["method"] not in ("GET", "OPTIONS")]
    assert (before["changed"], before["verdict"], before["verdict_job_id"]) == (False, "launch", played_job)
    assert before["relaunch_hosts"] == before["remaining_hosts"] == ["web2", "web3"]
    assert [(host["name"], host["result"], host["cause"]["task"]) for host in before["hosts"]] == [
        ("web2", "failed", "Start the service"),
        ("web3", "failed", "Start the service"),
    ]
    assert "no such unit" in before["failures"][0]["message"]
    assert before["stdout_tail"]
    assert (before["id"], before["status"]) == (played_job, "failed")

    relaunched = driver.relaunch(played_job)
    after = run_tasks(task, module="job_info").results[0]

    assert relaunched["hosts"] == before["relaunch_hosts"]
    assert (after["verdict"], after["verdict_job_id"], after["remaining_hosts"]) == ("done", relaunched["id"], [])
    assert {host["job_id"] for host in after["hosts"]} == {relaunched["id"]}
    assert [(run["id"], run["launch_type"], run["launched_by"]) for run in after["runs"]] == [
        (played_job, "manual", "admin"),
        (relaunched["id"], "relaunch", "admin"),
    ]


@pytest.mark.parametrize("change", ["a credential is gone", "the template checks only"])
def test_it_refuses_what_a_relaunch_refuses_before_its_launch(
    sandbox: Sandbox, admin: dict[str, t.Any], run_tasks: t.Callable[..., t.Any], driver: t.Any, change: str
) -> None:
    template = sandbox.add_template("Asking", "- hosts: all\n", hosts={"web1": {}}, asks=["credentials"])["id"]
    prod = sandbox.add_credential("prod", kind="ssh")
    given = {"credentials": [prod], "prompts": {"credentials": [prod]}}
    job = sandbox.make_job(template=template, status="failed", hosts={"web1": "failed"}, **given)
    if change == "a credential is gone":
        sandbox.delete("credentials", prod)
    else:
        sandbox.change_template(template, job_type="check")

    told = run_tasks({"job_id": job, **admin}, module="job_info").results[0]
    check = driver.relaunch(job, hosts="failed", check_mode=True)

    assert (told["verdict"], check["failed"], check["changed"]) == ("refuse", True, False), told["msg"]
    assert told["msg"] == check["msg"]
