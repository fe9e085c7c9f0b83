# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is the same whether a task runs inside ansible-playbook or as a module, and what only the former can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible.release import __version__ as ansible_version

from sandbox.process import Sandbox

Options = dict[str, t.Any]

CORE = tuple(int(part) for part in ansible_version.split(".")[:2])

SLOW = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Take a while
      ansible.builtin.raw: sleep 4
"""


def comparable(result: Options) -> Options:
    """A result without what differs from run to run, or is Ansible's own and not the collection's."""
    left_out = ("ansible_facts", "exception", "elapsed", "job", "deprecations", "warnings", "diff")
    return {name: value for name, value in result.items() if name not in left_out and not name.startswith("_")}


@pytest.mark.parametrize(("invocation", "number"), [("0", 2), ("1", 9)])
def test_both_ways_return_the_same(
    sandbox: Sandbox, failed_job: int, admin: Options, run_tasks: t.Callable[..., t.Any], invocation: str, number: int
) -> None:
    secret = "hunter2-secret"
    cases: list[Options] = [
        {"job_id": failed_job, "hosts": "failed", **admin},
        {"job_id": failed_job, "hosts": "failed", "wait": True, **admin, "credential_passwords": {"a": secret}},
        {"job_id": 999999, **admin},
        {"job_id": "{{ 41 + 1 }}x", **admin},
        {"job_id": failed_job, "hosts": "some", **admin},
        {"job_id": failed_job, "job_template": "Deploy", **admin},
        {"job_id": failed_job, "nonsense": True, **admin},
        {"job_id": failed_job, "tower_host": sandbox.url, **admin, "controller_oauthtoken": {"token": "x", "id": 1}},
        {**admin},
    ][:number]
    both = [{**case, "task": {"vars": {"relaunch_controller_in_process": door}}} for case in cases for door in (1, 0)]

    done = run_tasks(
        *both, arguments=["--check", "-vvv"], environ={"ANSIBLE_INJECT_INVOCATION": invocation}, warnings=True
    )

    for case, ours, modules in zip(cases, done.results[::2], done.results[1::2], strict=True):
        assert comparable(ours) == comparable(modules), case
    assert secret not in done.output
    assert admin["controller_oauthtoken"] not in done.output
    assert done.output.count("job_relaunch runs as a module: relaunch_controller_in_process is false") == len(cases)


def test_progress_arrives_while_the_task_waits_and_leaves_stdout_alone(
    sandbox: Sandbox, environment: dict[str, str], admin: Options, tmp_path: Path
) -> None:
    template = sandbox.add_template("Take a while", SLOW, hosts={"web1": {}})
    job = sandbox.make_job(template=template["id"], status="failed", hosts={"web1": "failed"})
    task = {"relaunch.controller.job_relaunch": {"job_id": job, "hosts": "failed", "wait": True, **admin}}
    variables = {"ansible_python_interpreter": sys.executable}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [task]}
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    callback = tmp_path / "callbacks"
    callback.mkdir()
    (callback / "as_json.py").write_text(JSON_CALLBACK, encoding="utf-8")

    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(tmp_path / "play.yml")],
        env={**environment, "ANSIBLE_STDOUT_CALLBACK": "as_json", "ANSIBLE_CALLBACK_PLUGINS": str(callback)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr and process.stdout
    seen = [(time.monotonic(), line.rstrip("\n")) for line in process.stderr]
    stdout = process.stdout.read()
    ended = time.monotonic()
    assert process.wait() == 0, stdout

    lines = [(at, line) for at, line in seen if line.startswith("[localhost] job ")]
    assert any("is running" in line for _at, line in lines)
    assert "ended: successful" in lines[-1][1]
    running = next(at for at, line in lines if "is running" in line)
    assert ended - running > 1
    assert json.loads(stdout)["status"] == "successful"


@pytest.mark.parametrize(
    ("options", "how"),
    [({"hosts": "failed"}, "a relaunch"), ({"hosts": "remaining"}, "from the template")],
    ids=["relaunch", "template"],
)
def test_progress_tells_a_relaunch_from_a_launch_of_the_template(
    sandbox: Sandbox,
    stubborn: t.Callable[..., dict[str, t.Any]],
    admin: Options,
    run_tasks: t.Callable[..., t.Any],
    options: Options,
    how: str,
) -> None:
    template = stubborn({"asks": ["limit"]}, web1=0, web2=1)["id"]
    job = sandbox.make_job(template=template, status="failed", hosts={"web1": "ok", "web2": "failed"})

    done = run_tasks({"job_id": job, "wait": True, **admin, **options})

    new = done.results[0]["id"]
    assert f"[localhost] job {new} launched, {how} of job {job}" in done.stderr.splitlines(), done.output


@pytest.mark.parametrize(("in_process", "task", "lines"), [(True, {}, 2), (True, {"no_log": True}, 0), (False, {}, 0)])
def test_a_controller_that_does_not_answer_is_told_of_at_each_try(
    admin: Options, run_tasks: t.Callable[..., t.Any], task: Options, lines: int
) -> None:
    nobody = {"controller_host": "http://controller.invalid", "max_retries": 2, "retry_backoff_factor": 0.1}

    done = run_tasks({**admin, **nobody, "job_id": 42, "task": task})

    told = [line for line in done.stderr.splitlines() if "no answer from http://controller.invalid, try " in line]
    assert [line.partition(", again")[0][-10:] for line in told] == ["try 1 of 3", "try 2 of 3"][:lines]


JSON_CALLBACK = """
from ansible.plugins.callback import CallbackBase
import json

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "as_json"

    def v2_runner_on_ok(self, result):
        task = result._result if hasattr(result, "_result") else result.result
        self._display.display(json.dumps({"status": task["status"]}))
"""


@pytest.mark.parametrize(
    ("keywords", "quiet"),
    [({}, False), ({"vars": {"relaunch_controller_progress": False}}, True), ({"no_log": True}, True)],
)
def test_progress_can_be_switched_off(
    failed_job: int, admin: Options, run_tasks: t.Callable[..., t.Any], keywords: Options, quiet: bool
) -> None:
    task = {"job_id": failed_job, "hosts": "failed", "wait": True, **admin, "task": keywords}

    assert ("[localhost] job" not in run_tasks(task).stderr) is quiet


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({"environment": {"NO_PROXY": "*"}}, "an environment of its own"),
        ({"vars": {"ansible_python_interpreter": "/usr/bin/env python3"}}, "the Python for modules is"),
        ({"async": 30, "poll": 1}, "asynchronous"),
        ({}, None),
    ],
)
def test_which_door_is_taken(
    failed_job: int, admin: Options, run_tasks: t.Callable[..., t.Any], keywords: Options, reason: str | None
) -> None:
    task = {"job_id": failed_job, **admin, "task": keywords}

    done = run_tasks(task, arguments=["-vv"])

    if reason is None:
        assert "runs as a module" not in done.output
    else:
        assert "job_relaunch runs as a module: " in done.output and reason in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("environ", "variables", "written"),
    [
        ({}, {}, False),
        ({"ANSIBLE_PIPELINING": "0"}, {}, True),
        pytest.param(
            {},
            {"ansible_pipelining": False},
            True,
            marks=pytest.mark.skipif(CORE < (2, 19), reason="an older ansible-core sets this variable itself"),
        ),
    ],
)
def test_a_local_module_is_written_to_no_file_unless_that_is_wanted(
    failed_job: int,
    admin: Options,
    run_tasks: t.Callable[..., t.Any],
    environ: dict[str, str],
    variables: Options,
    written: bool,
) -> None:
    task = {"job_id": failed_job, **admin, "task": {"vars": {"relaunch_controller_in_process": False, **variables}}}

    done = run_tasks(task, arguments=["-vvv"], environ=environ)

    assert done.results[0]["changed"]
    assert ("AnsiballZ_job_relaunch.py" in done.output) is written


# As those of containers have it: without an option for pipelining.
BARE = """
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = "{name: bare, short_description: bare, description: bare, author: nobody, options: {}}"

class Connection(Local):
    transport = "bare"
"""


def test_a_connection_that_knows_no_pipelining_runs_the_module(
    failed_job: int, admin: Options, run_tasks: t.Callable[..., t.Any], tmp_path: Path
) -> None:
    plugins = tmp_path / "connections"
    plugins.mkdir()
    (plugins / "bare.py").write_text(BARE, encoding="utf-8")
    task = {"job_id": failed_job, **admin, "task": {"vars": {"ansible_connection": "bare"}}}

    done = run_tasks(task, arguments=["-vv"], environ={"ANSIBLE_CONNECTION_PLUGINS": str(plugins)})

    assert "runs as a module: the connection is bare, not local" in " ".join(done.output.split())
    assert done.results[0]["changed"], done.results[0]


def test_no_secret_at_the_highest_verbosity(
    sandbox: Sandbox, stubborn: t.Callable[..., Options], run_tasks: t.Callable[..., t.Any]
) -> None:
    secrets = {name: f"{name}-{os.urandom(4).hex()}" for name in ("ssh_password", "vault_password.dev", "spare")}
    changes = {"extra_vars": {"pin": f"pin-{os.urandom(4).hex()}"}}
    token = sandbox.token("admin")
    template = stubborn({"passwords": ["ssh_password", "vault_password.dev"]}, web1=2)
    job = sandbox.launch(template["id"], credential_passwords=secrets)
    sandbox.wait(job)
    common = {"job_id": job, "hosts": "failed", "controller_host": sandbox.url, "max_retries": 0}
    full = {**common, "controller_oauthtoken": {"token": token, "id": 7}, "credential_passwords": secrets, "wait": True}
    password = sandbox.user("admin")
    basic = {**common, "controller_username": "admin", "controller_password": password}
    cases: list[Options] = [
        full,
        {**full, "job_id": 999999},
        {**full, "controller_host": "http://127.0.0.1:9"},
        {**full, "controller_host": f"https://admin:{password}@127.0.0.1"},
        {**full, "controller_host": f"https://admin:{password}@127.0.0.1", "hosts": "some"},
        {**full, "controller_host": None, "tower_host": f"https://admin:{password}@127.0.0.1", "nonsense": 1},
        {**full, "credential_passwords": {**secrets, "spare": [secrets["spare"]]}},
        {**full, "credential_passwords": json.dumps(secrets), "job_id": 999999},
        {**full, "credential_passwords": json.dumps(secrets), "nonsense": 1},
        {**full, "nonsense": 1},
        {**full, "change": changes},
        *({**full, "changes": changes, **more} for more in ({}, {"job_id": 999999}, {"nonsense": 1})),
        *({**full, "changes": wrong} for wrong in ([changes], {"extra_var": changes["extra_vars"]})),
        {**basic, "credential_passwords": {"ssh_password": secrets["ssh_password"]}},
        {**basic, "controller_password": f"{password}-wrong"},
        {**full, "controller_oauthtoken": f"{token} x"},
    ]
    both = [{**case, "task": {"vars": {"relaunch_controller_in_process": door}}} for case in cases for door in (1, 0)]

    done = run_tasks(
        *both, arguments=["-vvvv", "--diff"], environ={"ANSIBLE_INJECT_INVOCATION": "1"}, warnings=True, timeout=300
    )

    assert any(result.get("changed") for result in done.results)
    shown = done.output + json.dumps(done.results)
    for secret in (*secrets.values(), *changes["extra_vars"].values(), token, f"{password}-wrong"):
        assert secret not in shown
    assert password not in shown


@pytest.mark.parametrize(
    "wrong",
    [{"controller_pasword": "Hunter2"}, {"controller_host": "https://admin:Hunter2@127.0.0.1", "hosts": "some"}],
)
@pytest.mark.parametrize("poll", [0, 1])
def test_arguments_that_are_refused_fail_an_asynchronous_task_at_once_and_show_no_secret(
    admin: Options, run_tasks: t.Callable[..., t.Any], wrong: Options, poll: int
) -> None:
    task = {"job_id": 42, **admin, **wrong, "task": {"async": 30, "poll": poll}}

    done = run_tasks(task, arguments=["-vvv"], environ={"ANSIBLE_INJECT_INVOCATION": "1"})

    assert done.results[0]["failed"] and "ansible_job_id" not in done.results[0]
    assert "Hunter2" not in done.output + json.dumps(done.results)


def test_both_ways_look_for_files_in_the_folder_of_the_playbook(
    run_tasks: t.Callable[..., t.Any], tmp_path: Path
) -> None:
    shell = tmp_path / "shell"
    shell.mkdir()
    # The playbook lies above of it. Nobody listens at these ports.
    for folder, port in ((tmp_path, 1), (shell, 2)):
        for name in ("tower_cli.cfg", "mine.cfg"):
            text = f"host: http://127.0.0.1:{port}\noauth_token: t0ken\nmax_retries: 0\n"
            (folder / name).write_text(text, encoding="utf-8")
    (tmp_path / "authorities.pem").touch()
    cases: list[Options] = [
        {"job_id": 42},
        {"job_id": 42, "controller_config_file": "mine.cfg"},
        {"job_id": 42, "ca_path": "authorities.pem"},
    ]
    both = [{**case, "task": {"vars": {"relaunch_controller_in_process": door}}} for case in cases for door in (1, 0)]

    done = run_tasks(*both, folder=shell)

    assert ["http://127.0.0.1:1 accepts no connection" in result["msg"] for result in done.results] == [True] * 6
