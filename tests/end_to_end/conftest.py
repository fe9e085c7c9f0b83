# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real ansible-playbook processes against a sandbox that really runs jobs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from sandbox.process import Sandbox  # noqa: E402  (found through the line above, outside of an export as well)

# Where Ansible finds this collection: the folder above ansible_collections.
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or str(TESTS.parents[3])

# Fails on a host as often as its variable `failures` says, and notes each run in a file of the host's name.
STUBBORN = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Start the service
      ansible.builtin.shell: |
        echo run >> {{ folder }}/{{ inventory_hostname }}
        if [ $(wc -l < {{ folder }}/{{ inventory_hostname }}) -le {{ failures }} ]; then
          echo "no such unit" >&2; exit 3
        fi
"""


@dataclass
class Run:
    """What became of an ansible-playbook process."""

    status: int
    stdout: str
    stderr: str
    #: The results of the tasks that `run_tasks` was given, in their order.
    results: list[dict[str, t.Any]] = field(default_factory=list)

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), event_lag=0.5) as running:
        yield running


@pytest.fixture(autouse=True)
def clean_sandbox(request: pytest.FixtureRequest) -> t.Iterator[None]:
    """Each test starts with an empty request log, and leaves no misbehaviour behind."""
    running: Sandbox | None = request.getfixturevalue("sandbox") if "sandbox" in request.fixturenames else None
    if running is None:
        yield
        return
    before = running.settings()
    running.clear_log()
    yield
    running.behave()
    running.settings(**before)


@pytest.fixture
def stubborn(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> t.Callable[..., dict[str, t.Any]]:
    """Add a template whose hosts fail so many times: stubborn(web1=0, web2=1); folder/HOST notes each run."""

    def stubborn(options: t.Mapping[str, t.Any] | None = None, **failures: int) -> dict[str, t.Any]:
        hosts = {name: {"failures": times, "folder": str(tmp_path)} for name, times in failures.items()}
        return sandbox.add_template(
            f"{request.node.name} {os.urandom(3).hex()}", STUBBORN, hosts=hosts, **(options or {})
        )

    return stubborn


@pytest.fixture
def failed_job(sandbox: Sandbox, stubborn: t.Callable[..., dict[str, t.Any]]) -> int:
    """A job that failed on web2 and web3, but not on web1. Both succeed when they are run again."""
    job = sandbox.launch(stubborn(web1=0, web2=1, web3=1)["id"])
    assert sandbox.wait(job) == "failed"
    sandbox.clear_log()
    return job


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment that holds nothing of whoever runs the tests."""
    home = tmp_path / "home"
    home.mkdir()
    bins = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    return {
        "PATH": bins,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        # Ansible takes "~" here for HOME on one side, and for the user database's home on the other.
        "ANSIBLE_ASYNC_DIR": str(home / "async"),
    }


@pytest.fixture
def run_playbook(tmp_path: Path, environment: dict[str, str]) -> t.Callable[..., Run]:
    """Run a playbook (YAML text, a path or a name) with these arguments; no warning may show up unless it is let."""

    def run(
        playbook: str,
        *arguments: str,
        environ: t.Mapping[str, str] | None = None,
        warnings: bool = False,
        timeout: float = 300,
    ) -> Run:
        if "\n" in playbook:
            path = tmp_path / "playbook.yml"
            path.write_text(playbook, encoding="utf-8")
            playbook = str(path)
        ended = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", playbook, *arguments],
            cwd=tmp_path,
            env={**environment, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        done = Run(ended.returncode, ended.stdout, ended.stderr)
        if not warnings:
            # Ansible wraps its warnings at the width of the terminal.
            assert not re.search(r"\[(WARNING|DEPRECATION)", done.output), done.output
        assert "Traceback" not in done.output, done.output
        return done

    return run


@pytest.fixture
def in_process() -> bool:
    """Whether the action plugin does the work itself; parametrize it to have a test run both ways."""
    return True


@pytest.fixture
def run_tasks(run_playbook: t.Callable[..., Run], tmp_path: Path, in_process: bool) -> t.Callable[..., Run]:
    """Run a module once with each of these options, a failure notwithstanding; ``results`` holds what came back.

    An option ``task`` holds keywords of the task itself. The module is job_relaunch, unless another one is named.
    """

    def run(
        *tasks: dict[str, t.Any], module: str = "job_relaunch", arguments: t.Sequence[str] = (), **more: t.Any
    ) -> Run:
        answers = tmp_path / "answers"
        answers.mkdir(exist_ok=True)
        steps: list[dict[str, t.Any]] = []
        for number, options in enumerate(tasks):
            keywords = options.get("task", {})
            given = {key: value for key, value in options.items() if key != "task"}
            steps.append(
                {
                    "name": f"Relaunch {number}",
                    f"relaunch.controller.{module}": given,
                    "register": "result",
                    "ignore_errors": True,
                    **keywords,
                }
            )
            copied = {"content": "{{ result | to_json }}", "dest": str(answers / str(number)), "mode": "0600"}
            steps.append({"ansible.builtin.copy": copied, "check_mode": False, "no_log": True, "diff": False})
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "relaunch_controller_in_process": in_process,
            },
            "tasks": steps,
        }
        done = run_playbook(json.dumps([play]) + "\n", *arguments, **more)
        assert done.status == 0, done.output
        done.results = [json.loads((answers / str(number)).read_text(encoding="utf-8")) for number in range(len(tasks))]
        return done

    return run


@pytest.fixture
def admin(sandbox: Sandbox) -> dict[str, t.Any]:
    """Connection options of an administrator."""
    return {"controller_host": sandbox.url, "controller_oauthtoken": sandbox.token("admin"), "max_retries": 0}
