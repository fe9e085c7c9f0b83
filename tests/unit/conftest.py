# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import json
import os
import typing as t
from contextlib import nullcontext

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._task import result as _task
from ansible_collections.relaunch.controller.plugins.modules import job_relaunch
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    FAILED_AT_START,
    JOBS,
    STARTED,
    listed,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core 2.16 to 2.18
    patch_module_args = None

TOKEN = "t0ken-5ecret"


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_mine(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[None]:
    """Neither the environment nor the configuration files of whoever runs the tests take part in them."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            mine = name.startswith(("AWX_", "CONTROLLER_", "TOWER_", "AAP_", "GATEWAY_", "SSL_CERT_"))
            if mine or name.lower().endswith("_proxy") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.chdir(home)
        yield
    assert not list(home.iterdir())


@pytest.fixture
def controller() -> t.Iterator[ScriptedController]:
    with ScriptedController() as server:
        yield server
        assert not server.script, f"never asked for: {server.script}"


@pytest.fixture
def run_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> t.Callable[..., dict[str, t.Any]]:
    """Run the module's real main() with these options; its result, with ``failed`` always set."""

    def run(check_mode: bool = False, diff: bool = False, **options: t.Any) -> dict[str, t.Any]:
        # Those of modules that ran in this process before.
        warnings._global_warnings.clear()
        arguments = dict(options, _ansible_check_mode=check_mode, _ansible_diff=diff, _ansible_tmpdir=None)
        if patch_module_args is None:
            data = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
            monkeypatch.setattr(basic, "_ANSIBLE_ARGS", data)
            patched: t.ContextManager[t.Any] = nullcontext()
        else:
            # Warnings go elsewhere where a plugin has been loaded in this process.
            monkeypatch.setattr("ansible.module_utils._internal.is_controller", False, raising=False)
            patched = patch_module_args(arguments)
        with patched, pytest.raises(SystemExit) as left:
            job_relaunch.main()
        result = json.loads(capsys.readouterr().out)
        # From ansible-core 2.22 on a module tells Ansible so what to mask.
        result.pop("_ansible_new_secrets", None)
        assert left.value.code == (1 if result.get("failed") else 0)
        assert "Traceback" not in str(result.get("msg"))
        # Their presence at the top level clobbers ansible-core's own and hangs async tasks.
        assert not {"started", "finished"} & set(result)
        assert TOKEN not in json.dumps(result)
        result.setdefault("failed", False)
        return result

    return run


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(controller: ScriptedController, clock: Clock) -> t.Iterator[ControllerClient]:
    """Reads that have failed are not tried again."""
    connection = ConnectionOptions(controller.url, token="t", max_retries=0)
    with ControllerClient(connection, clock.read, clock.sleep) as client:
        yield client


@pytest.fixture
def relaunch(
    controller: ScriptedController,
    run_main: t.Callable[..., dict[str, t.Any]],
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
) -> t.Callable[..., dict[str, t.Any]]:
    """Run the module against the scripted controller, on a clock that passes by sleeping only.

    Reads are not tried again. Where nothing else is said, a look finds no other job; all jobs have started the same
    tasks, and went on to the last one where hosts failed; and there is no host that they never began on.
    """
    on_clock = functools.partial(ControllerClient, clock=clock.read, sleep=clock.sleep)
    monkeypatch.setattr(_task, "ControllerClient", on_clock)
    controller.whenever("GET", JOBS, body=listed())
    started = listed(*STARTED)
    events = r"/api/v2/jobs/\d+/job_events/"
    controller.whenever("GET", events, body=started, event__in="playbook_on_task_start")
    controller.whenever("GET", events, body=listed(FAILED_AT_START), event__in="runner_on_failed", failed="true")
    # Of the hosts that failed none has a result of the last task.
    controller.whenever("GET", events, body=listed(), parent_uuid="u4", host_name__in="web")
    # Of the others one has passed a task at most.
    controller.whenever("GET", events, body=listed(), parent_uuid="u", event__in="runner_on_ok")
    never_begun = {"not__job_host_summaries__job": "4"}
    controller.whenever("GET", r"/api/v2/inventories/\d+/hosts/", body=listed(), **never_begun)

    def run(**options: t.Any) -> dict[str, t.Any]:
        defaults = dict(job_id=42, controller_host=controller.url, controller_oauthtoken=TOKEN, max_retries=0)
        together = {**defaults, **options}
        return run_main(**{name: value for name, value in together.items() if value is not None})

    return run
