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
import time
import typing as t
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from end_to_end import workflow_jobs
from sandbox.marks import Marks
from sandbox.process import Sandbox

if t.TYPE_CHECKING:
    from ansible_collections.relaunch.controller.plugins.module_utils._task.result import Act

# Where Ansible finds this collection: the folder above ansible_collections.
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or str(Path(__file__).resolve().parents[5])

# Fails on a host as often as its variable `failures` says, and notes each run in a file of the host's name. As
# elsewhere here, a raw command: a module would start a Python for each host.
STUBBORN = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Start the service
      ansible.builtin.raw: |
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
    """Add a template whose hosts fail so many times, without a playbook: stubborn(web1=0, web2=1).

    With ``outcomes=None`` among the options its jobs run one, and folder/HOST notes each run.
    """

    def stubborn(options: t.Mapping[str, t.Any] | None = None, **failures: int) -> dict[str, t.Any]:
        hosts = {name: {"failures": times, "folder": str(tmp_path)} for name, times in failures.items()}
        # As most templates have one.
        given = {"credentials": [{"name": "machine"}], "outcomes": failures, **(options or {})}
        return sandbox.add_template(f"{request.node.name} {os.urandom(3).hex()}", STUBBORN, hosts=hosts, **given)

    return stubborn


@pytest.fixture
def played_job(sandbox: Sandbox, stubborn: t.Callable[..., dict[str, t.Any]]) -> int:
    """A job whose playbook failed on web2 and web3, but not on web1. Both succeed when it is run again."""
    job = sandbox.launch(stubborn({"outcomes": None}, web1=0, web2=1, web3=1)["id"])
    assert sandbox.wait(job) == "failed"
    sandbox.clear_log()
    return job


@pytest.fixture
def failed_job(sandbox: Sandbox, stubborn: t.Callable[..., dict[str, t.Any]]) -> int:
    """The same without a playbook: neither it nor its relaunches run ansible-runner."""
    template = stubborn(web1=0, web2=1, web3=1)["id"]
    outcomes = {"web1": "ok", "web2": "failed", "web3": "failed"}
    job = sandbox.make_job(template=template, status="failed", hosts=outcomes)
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
        "ANSIBLE_FILTER_PLUGINS": str(Path(__file__).parent / "filters"),
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
        folder: Path = tmp_path,
    ) -> Run:
        if "\n" in playbook:
            path = tmp_path / "playbook.yml"
            path.write_text(playbook, encoding="utf-8")
            playbook = str(path)
        ended = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", playbook, *arguments],
            cwd=folder,
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
            kept = f"{{{{ result | to_json | keep('{answers / str(number)}') }}}}"
            steps.append({"ansible.builtin.debug": {"msg": kept}, "no_log": True})
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


@pytest.fixture
def marks(tmp_path: Path) -> Marks:
    """What hosts leave at the steps that they pass."""
    return Marks(tmp_path)


class Driver:
    """Drives the sequences behind the modules in this process; what comes back is what a task would return.

    :param sleep: pauses, in place of a real one.
    """

    def __init__(self, sandbox: Sandbox, sleep: t.Callable[[float], None] = time.sleep) -> None:
        self._sandbox = sandbox
        self._sleep = sleep

    def sleeping(self, sleep: t.Callable[[float], None]) -> Driver:
        """The same with other pauses."""
        return Driver(self._sandbox, sleep)

    def relaunch(
        self, job: int, user: str = "admin", *, check_mode: bool = False, diff: bool = False, **options: t.Any
    ) -> dict[str, t.Any]:
        """job_relaunch with these options: on failed hosts, and waiting, where they say nothing else."""
        from ansible_collections.relaunch.controller.plugins.module_utils._job import options as _options
        from ansible_collections.relaunch.controller.plugins.module_utils._job.relaunch_job import relaunch_job

        given = {"job_id": job, "hosts": "failed", "wait": True, "interval": 0.2, **options}
        params = self._params(_options.RELAUNCH_SPECIFICATION, user, given)
        request = _options.RelaunchRequest.of(params, check_mode, diff)
        return self._result(params, lambda client: relaunch_job(client, request))

    def retry(self, job: int, user: str = "admin", *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """job_retry with these options, without delays where they say nothing else."""
        from ansible_collections.relaunch.controller.plugins.module_utils._retry import options as _options
        from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_failed_hosts import (
            retry_failed_hosts,
        )

        given = {"job_id": job, "delay": 0, "interval": 0.2, **options}
        params = self._params(_options.RETRY_SPECIFICATION, user, given)
        request = _options.RetryRequest.of(params, check_mode, False)
        return self._result(params, lambda client: retry_failed_hosts(client, request))

    def bulk(self, user: str = "admin", *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """bulk_job_relaunch with these options: on failed hosts, and waiting, where they say nothing else."""
        from ansible_collections.relaunch.controller.plugins.module_utils._bulk import options as _options
        from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs

        given = {"hosts": "failed", "wait": not check_mode, "interval": 0.2, **options}
        params, now = self._params(_options.SPECIFICATION, user, given), datetime.now(UTC)
        request = _options.JobsRequest.of(params, check_mode, now)
        return self._result(params, lambda client: relaunch_jobs(client, request))

    def _params(self, specification: t.Any, user: str, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

        connection = {"controller_host": self._sandbox.url, "controller_oauthtoken": self._sandbox.token(user)}
        validated = ArgumentSpecValidator(**specification).validate({**connection, "max_retries": 0, **given})
        assert not validated.error_messages
        return t.cast("dict[str, t.Any]", validated.validated_parameters)

    def _result(self, params: dict[str, t.Any], act: Act) -> dict[str, t.Any]:
        from ansible_collections.relaunch.controller.plugins.module_utils._task.result import carry_out

        def with_pauses(client: t.Any) -> t.Any:
            client.sleep = self._sleep
            return act(client)

        result = {"failed": False, **carry_out(params, set(), with_pauses, {})}
        assert "exception" not in result, result["exception"]
        return t.cast("dict[str, t.Any]", json.loads(json.dumps(result)))


@pytest.fixture
def driver(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Driver:
    """Runs tasks in this process, without ansible-playbook; nothing of whoever runs the tests counts."""
    for name in list(os.environ):
        mine = name.startswith(("CONTROLLER_", "TOWER_", "AAP_", "SSL_CERT_"))
        if mine or name.lower().endswith("_proxy") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    sandbox.settings(event_lag=0.2)
    return Driver(sandbox)


@pytest.fixture
def deploy(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> t.Callable[..., dict[str, t.Any]]:
    """Add a job template whose jobs succeed without a playbook.

    With ``outcomes=None`` they run one: a host fails while there is a file of its name in the test's folder.
    """

    def deploy(hosts: t.Sequence[str] = workflow_jobs.FIVE, **options: t.Any) -> dict[str, t.Any]:
        name = f"{request.node.name} {os.urandom(3).hex()}"
        variables = {host: {"folder": str(tmp_path)} for host in hosts}
        return sandbox.add_template(
            name, workflow_jobs.DEPLOY, hosts=variables, **{"asks": workflow_jobs.ASKS, "outcomes": {}, **options}
        )

    return deploy


@pytest.fixture
def workflow(sandbox: Sandbox, request: pytest.FixtureRequest) -> t.Callable[..., dict[str, t.Any]]:
    """Make a workflow job as data, with these nodes and their outcomes; its id, and the ids of its jobs by node."""

    def workflow(
        nodes: dict[str, t.Any], outcomes: dict[str, t.Any], fields: dict[str, t.Any] | None = None, **options: t.Any
    ) -> dict[str, t.Any]:
        template = sandbox.add_workflow_template_with_nodes(
            f"{request.node.name} {os.urandom(3).hex()}", nodes, **options
        )
        made = sandbox.make_workflow_job(template["id"], outcomes, **(fields or {}))
        sandbox.clear_log()
        return {**made, "template": template["id"], "organization": template["organization"]}

    return workflow
