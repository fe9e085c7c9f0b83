# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workflow of the guide: a node that retries the job of the failed node before it."""

from __future__ import annotations

import json
import typing as t

from sandbox.process import Sandbox

Stubborn = t.Callable[..., dict[str, t.Any]]


def retrying(sandbox: Sandbox, environment: dict[str, str]) -> int:
    """A template whose job runs the playbook of the collection, with the environment that the job has itself."""
    given = {
        **environment,
        "CONTROLLER_HOST": sandbox.url,
        "CONTROLLER_OAUTH_TOKEN": sandbox.token(),
        # Nothing of the job's own runner may write down what the playbook inside of it does.
        "ANSIBLE_CALLBACK_PLUGINS": "/nonexistent",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
    }
    command = ["ansible-playbook", "-i", "localhost,", "relaunch.controller.retry_failed_hosts"]
    command += ["-e", "retry_failed_hosts_delay=0", "-e", "retry_failed_hosts_interval=0.2"]
    tasks = [
        {
            "name": "Retry",
            "ansible.builtin.command": {"argv": command},
            "environment": given,
            "register": "ran",
            "failed_when": False,
        },
        {"name": "Tell", "ansible.builtin.debug": {"var": "ran.stdout + ran.stderr"}},
        {"name": "Fail", "ansible.builtin.fail": {}, "when": "ran.rc != 0"},
    ]
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    return int(sandbox.add_template("Retry a failed job", f"{json.dumps(play)}\n", hosts={"localhost": {}})["id"])


def told(sandbox: Sandbox, job: int) -> str:
    return str(sandbox.request("GET", f"/jobs/{job}/stdout/?format=txt").body)


def test_each_run_of_a_workflow_retries_its_own_job(
    sandbox: Sandbox, stubborn: Stubborn, environment: dict[str, str]
) -> None:
    patch = stubborn({"asks": ["limit"]}, web1=1, web2=1)["id"]
    nodes = {
        "Patch": {"template": patch, "failure": ["Retry"]},
        "Retry": {"template": retrying(sandbox, environment)},
    }
    workflow = sandbox.add_workflow_template_with_nodes("Patching", nodes, asks=["limit"])["id"]
    runs = {name: sandbox.launch_workflow(workflow, limit=name) for name in ("web1", "web2")}
    for run in runs.values():
        sandbox.wait(run, timeout=240)

    for name, run in runs.items():
        made = sandbox.nodes(run)
        shown = told(sandbox, made["Retry"]["job"])
        assert made["Retry"]["summary_fields"]["job"]["status"] == "successful", shown
        query = f"/jobs/?unified_job_template={patch}&launch_type=relaunch"
        (relaunch,) = [job for job in sandbox.request("GET", query).body["results"] if job["limit"] == name]
        assert f"{name}: recovered at attempt 1 (job {relaunch['id']})" in shown


def test_of_several_failed_nodes_none_is_taken(
    sandbox: Sandbox, stubborn: Stubborn, environment: dict[str, str]
) -> None:
    first, second = (stubborn(**{name: 1})["id"] for name in ("web1", "web2"))
    nodes = {
        "First": {"template": first, "failure": ["Retry"]},
        "Second": {"template": second, "failure": ["Retry"]},
        "Retry": {"template": retrying(sandbox, environment), "all_parents_must_converge": True},
    }
    run = sandbox.launch_workflow(sandbox.add_workflow_template_with_nodes("Two of them", nodes)["id"])
    sandbox.wait(run, timeout=240)

    made = sandbox.nodes(run)
    shown = " ".join(told(sandbox, made["Retry"]["job"]).split())
    assert made["Retry"]["summary_fields"]["job"]["status"] == "failed"
    assert "Several nodes before job" in shown
    for name in ("First", "Second"):
        assert f"{name} (job {made[name]['job']}" in shown
    assert not [entry for entry in sandbox.log() if entry["path"].endswith("/relaunch/")]
