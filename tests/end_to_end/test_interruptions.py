# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left of a task that is interrupted after its launch: by its keyword timeout, by Ctrl-C, by SIGTERM."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from end_to_end.workflow_jobs import until
from sandbox.process import Sandbox

Options = dict[str, t.Any]


@pytest.fixture
def never_begins(sandbox: Sandbox, failed_job: int) -> t.Iterator[None]:
    """What is launched stays pending."""
    assert failed_job
    sandbox.settings(max_running=0)
    yield
    sandbox.settings(max_running=4)


@pytest.mark.usefixtures("never_begins")
@pytest.mark.parametrize(
    "module",
    ["job_relaunch", "job_retry", "bulk_job_relaunch"],
)
def test_the_keyword_timeout_leaves_the_result(
    sandbox: Sandbox, failed_job: int, admin: Options, run_tasks: t.Callable[..., t.Any], module: str
) -> None:
    which = {"job_ids": [failed_job]} if module.startswith("bulk") else {"job_id": failed_job}
    more = {} if module == "job_retry" else {"hosts": "failed", "wait": True}

    (result,) = run_tasks({**which, **more, **admin, "task": {"timeout": 8}}, module=module).results

    new = max(entry["id"] for entry in sandbox.request("GET", "/jobs/").body["results"])
    assert (result["failed"], result["changed"]) == (True, True), result
    assert "Timed out after 8 second(s)." in result["msg"] and str(new) in result["msg"]
    told = result["jobs"][0] if module.startswith("bulk") else result
    assert (told["id"], told["status"]) == (new, "pending")


@pytest.mark.usefixtures("never_begins")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("module", ["job_relaunch", "bulk_job_relaunch"])
def test_a_signal_leaves_the_numbers_on_stderr(
    sandbox: Sandbox,
    failed_job: int,
    admin: Options,
    environment: dict[str, str],
    tmp_path: Path,
    module: str,
    how: signal.Signals,
) -> None:
    which: Options = {"job_ids": [failed_job]} if module.startswith("bulk") else {"job_id": failed_job}
    task = {f"relaunch.controller.{module}": {**which, "hosts": "failed", "wait": True, **admin}}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [task],
    }
    playbook, stderr = tmp_path / "interrupted.yml", tmp_path / "stderr"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    line = re.compile(rf"job \d+ launched, a relaunch of job {failed_job}$", re.MULTILINE)
    with stderr.open("w") as file:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(playbook)],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while not line.search(stderr.read_text(encoding="utf-8")):
            assert time.monotonic() < deadline and process.poll() is None, stderr.read_text(encoding="utf-8")
            time.sleep(0.1)
        # A worker that is killed while it hands on a line keeps the lock of ansible-core's queue of results, and
        # ansible-playbook then waits for that. Once the task asks for the job again, the line has been handed on.
        asked = len(sandbox.log())
        until(lambda: len(sandbox.log()) > asked + 1)
        process.send_signal(how)
        assert process.wait(60) != 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert line.search(stderr.read_text(encoding="utf-8"))
