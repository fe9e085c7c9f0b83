# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks that something else than ansible-playbook launches: ansible-navigator and ansible-runner."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from sandbox.process import Sandbox

BIN = Path(sys.executable).parent

PLAYBOOK = """
- name: Retry the failed hosts of a job
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - name: Relaunch it on the hosts that failed, and wait
      relaunch.controller.job_relaunch:
        job_id: "{{ job_id }}"
        hosts: failed
        wait: true
        interval: 0.2
"""


@pytest.fixture
def secret(sandbox: Sandbox) -> str:
    return sandbox.token("admin")


@pytest.fixture
def launch(sandbox: Sandbox, environment: dict[str, str], secret: str, tmp_path: Path) -> t.Callable[..., str]:
    """Run a launcher; what it shows."""

    def launch(tool: str, *arguments: str) -> str:
        if not (BIN / tool).exists():
            pytest.skip(f"{tool} is not installed")
        done = subprocess.run(
            [str(BIN / tool), *arguments],
            cwd=tmp_path,
            env={
                **environment,
                "CONTROLLER_HOST": sandbox.url,
                "CONTROLLER_OAUTH_TOKEN": secret,
                "TERM": "xterm",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        assert "Traceback" not in output
        assert secret not in output
        return output

    return launch


def relaunched(sandbox: Sandbox, job: int) -> bool:
    """Whether the job was relaunched, once."""
    posts = [entry["path"] for entry in sandbox.log() if entry["method"] == "POST"]
    return posts == [f"/api/v2/jobs/{job}/relaunch/"]


def test_ansible_navigator(
    sandbox: Sandbox, failed_job: int, launch: t.Callable[..., str], secret: str, tmp_path: Path
) -> None:
    (tmp_path / "retry.yml").write_text(PLAYBOOK, encoding="utf-8")
    artifact, log = tmp_path / "artifact.json", tmp_path / "navigator.log"
    files = ["--pas", str(artifact), "--lf", str(log)]

    output = launch(
        "ansible-navigator",
        *["run", "retry.yml", "--ee", "false", "-m", "stdout", "-i", "localhost,", "-e", f"job_id={failed_job}"],
        *files,
    )

    assert "changed=1" in output
    assert relaunched(sandbox, failed_job)
    (task,) = json.loads(artifact.read_text(encoding="utf-8"))["plays"][0]["tasks"]
    assert task["res"]["source_job_id"] == failed_job
    assert task["res"]["status"] == "successful"
    for path in (artifact, log):
        assert secret not in path.read_text(encoding="utf-8")


def test_ansible_navigator_shows_the_documentation(launch: t.Callable[..., str], tmp_path: Path) -> None:
    output = launch(
        "ansible-navigator",
        *["doc", "relaunch.controller.job_relaunch", "--ee", "false", "-m", "stdout", "--lf", str(tmp_path / "log")],
    )

    assert "Relaunches a job of AWX" in output


def test_ansible_runner(sandbox: Sandbox, failed_job: int, launch: t.Callable[..., str], tmp_path: Path) -> None:
    """The result comes as an event, whole, and with no secret in it."""
    project = tmp_path / "retry" / "project"
    project.mkdir(parents=True)
    (project / "retry.yml").write_text(PLAYBOOK, encoding="utf-8")
    inventory = tmp_path / "retry" / "inventory" / "hosts"
    inventory.parent.mkdir()
    inventory.write_text("localhost\n", encoding="utf-8")

    launch("ansible-runner", "run", "retry", "-p", "retry.yml", "-i", "one", "--cmdline", f"-e job_id={failed_job}")

    assert relaunched(sandbox, failed_job)
    events = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (tmp_path / "retry" / "artifacts" / "one" / "job_events").glob("*.json")
    ]
    (result,) = [event["event_data"]["res"] for event in events if event["event"] == "runner_on_ok"]
    assert (result["source_job_id"], result["status"], result["changed"]) == (failed_job, "successful", True)
    assert result["hosts"] == ["web2", "web3"]
