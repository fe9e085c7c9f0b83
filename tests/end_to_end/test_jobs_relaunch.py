# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""jobs_relaunch as a playbook's task: after an outage each job ends where it must, and little is asked for it."""

from __future__ import annotations

import os
import typing as t

import pytest

from sandbox.process import Sandbox

RunTasks = t.Callable[..., t.Any]
Options = dict[str, t.Any]

PLAYBOOK = "- hosts: all\n  tasks: []\n"
HOSTS: dict[str, dict[str, t.Any]] = {"web1": {}, "web2": {}, "web3": {}}
FAILED = {"web1": "ok", "web2": "failed", "web3": "failed"}

BOTH_WAYS = pytest.mark.parametrize("in_process", [True, False], ids=["in process", "module"])


@pytest.fixture
def template(sandbox: Sandbox) -> t.Callable[..., int]:
    """Add a template whose jobs end as data: template(outcomes={"web2": "failed"}); by default all succeed."""

    def template(**options: t.Any) -> int:
        given = {"hosts": HOSTS, "outcomes": {}, "duration": 0.2, **options}
        return int(sandbox.add_template(f"Work {os.urandom(4).hex()}", PLAYBOOK, **given)["id"])

    return template


@pytest.fixture
def failed(sandbox: Sandbox) -> t.Callable[..., int]:
    """Make a job of a template that failed on web2 and web3."""

    def failed(template: int, **fields: t.Any) -> int:
        return sandbox.make_job(template=template, **{"status": "failed", "hosts": FAILED, **fields})

    return failed


def posts(sandbox: Sandbox) -> list[str]:
    """The requests that may have changed something."""
    return [entry["path"] for entry in sandbox.log() if entry["method"] not in ("GET", "HEAD", "OPTIONS")]


@BOTH_WAYS
def test_relaunches_the_failed_jobs_of_a_time_on_their_failed_hosts_and_then_leaves_them_alone(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    jobs = [failed(template()) for _number in range(3)]
    sandbox.clear_log()
    task = {"job_ids": jobs, "hosts": "failed", "wait": True, "interval": 0.5, **admin}

    first, second = run_tasks(task, task, module="jobs_relaunch").results

    assert (first["failed"], first["changed"]) == (False, True), first
    assert [entry["source_job_id"] for entry in first["jobs"]] == jobs
    assert {entry["outcome"] for entry in first["jobs"]} == {"relaunched"}
    assert all(entry["recovered"] and entry["status"] == "successful" for entry in first["jobs"])
    assert all(entry["hosts"] == ["web2", "web3"] for entry in first["jobs"])
    assert (second["failed"], second["changed"]) == (False, False)
    assert [entry["id"] for entry in second["jobs"]] == [entry["id"] for entry in first["jobs"]]
    assert {entry["outcome"] for entry in second["jobs"]} == {"done"}
    assert posts(sandbox) == [f"/api/v2/jobs/{job}/relaunch/" for job in jobs]
