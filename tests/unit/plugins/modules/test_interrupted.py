# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as a process of its own that is interrupted, as by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

# Runs main() with the options that come on its input, the way the installed ansible-core takes them.
DRIVER = """
import json, signal, sys
from ansible.module_utils import basic
from ansible_collections.relaunch.controller.plugins.modules import job_relaunch

# A shell that runs the tests in the background has interrupts ignored, which processes inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
options = json.load(sys.stdin)
try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    job_relaunch.main()
else:
    with patch_module_args(options):
        job_relaunch.main()
"""


def interrupted(controller: ScriptedController, after: str) -> dict[str, object]:
    """The module's result when it is interrupted as soon as it has asked for this path."""
    options = {"job_id": 42, "controller_host": controller.url, "controller_oauthtoken": "t0ken-5ecret", "wait": True}
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps({**options, "interval": 0.05, "max_retries": 0}))
        process.stdin.close()
        deadline = time.monotonic() + 30
        while not any(asked.path == after for asked in controller.asked):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        result: dict[str, object] = json.loads(process.stdout.read())
    return result


@pytest.mark.parametrize("answered", [True, False])
def test_the_new_job_is_not_lost(controller: ScriptedController, answered: bool) -> None:
    new = job(43, "running", launch_type="relaunch")
    controller.expect("GET", "/api/v2/jobs/42/", body=job(42))
    controller.expect("GET", "/api/v2/jobs/", body=listed())
    if answered:
        controller.expect("POST", "/api/v2/jobs/42/relaunch/", 201, new)
        for _time in range(1000):
            controller.expect("GET", "/api/v2/jobs/43/", body=new)
    else:
        controller.expect("POST", "/api/v2/jobs/42/relaunch/", fault="stall")

    result = interrupted(controller, "/api/v2/jobs/43/" if answered else "/api/v2/jobs/42/relaunch/")

    controller.script.clear()
    assert (result["failed"], result["changed"], result["source_job_id"]) == (True, True, 42)
    if answered:
        assert (result["id"], result["status"]) == (43, "running")
        assert "Job 43 had been launched and goes on." in str(result["msg"])
    else:
        assert "A job may have been launched. Running the task again is safe" in str(result["msg"])
