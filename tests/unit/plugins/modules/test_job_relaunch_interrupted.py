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

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import JOBS, at, job, listed, relaunched
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


def interrupted(controller: ScriptedController, method: str, path: str, times: int = 1) -> dict[str, object]:
    """The module's result when it is interrupted as soon as it has asked for this path so many times."""
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
        while [(asked.method, asked.path) for asked in controller.asked].count((method, path)) < times:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        result: dict[str, object] = json.loads(process.stdout.read())
    assert (result["failed"], result["source_job_id"]) == (True, 42)
    return result


def before(controller: ScriptedController) -> None:
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, body=listed())


def test_before_the_launch_nothing_was_done(controller: ScriptedController) -> None:
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, fault="stall")

    result = interrupted(controller, "GET", JOBS)

    assert (result["changed"], result["msg"], "id" in result) == (False, "Interrupted.", False)


def test_in_the_launch_it_is_unknown(controller: ScriptedController) -> None:
    before(controller)
    controller.expect("POST", at(42, "relaunch"), fault="stall")

    result = interrupted(controller, "POST", at(42, "relaunch"))

    assert (result["changed"], "id" in result) == (True, False)
    assert "A job may have been launched. Running the task again is safe" in str(result["msg"])


def test_in_the_search_for_a_lost_job_too(controller: ScriptedController) -> None:
    before(controller)
    controller.expect("POST", at(42, "relaunch"), fault="reset")
    controller.expect("GET", JOBS, fault="stall")

    result = interrupted(controller, "GET", JOBS, 2)

    assert (result["changed"], "id" in result) == (True, False)
    assert "A job may have been launched." in str(result["msg"])


def test_in_the_look_at_other_callers_the_new_job_is_not_lost(controller: ScriptedController) -> None:
    before(controller)
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit=""))
    controller.expect("GET", JOBS, fault="stall")

    result = interrupted(controller, "GET", JOBS, 2)

    assert (result["changed"], result["id"], result["status"]) == (True, 43, "pending")
    assert "Job 43 had been launched and goes on." in str(result["msg"])


def test_in_the_wait_neither(controller: ScriptedController) -> None:
    running = relaunched(status="running", limit="")
    before(controller)
    controller.expect("POST", at(42, "relaunch"), 201, running)
    controller.expect("GET", JOBS, body=listed(running))
    controller.expect("GET", at(43), body=running)
    controller.whenever("GET", at(43), body=running)

    result = interrupted(controller, "GET", at(43))

    assert (result["changed"], result["id"], result["status"]) == (True, 43, "running")
    assert "Job 43 had been launched and goes on." in str(result["msg"])


def test_in_the_wait_for_another_callers_job(controller: ScriptedController) -> None:
    running = relaunched(status="running", limit="")
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, body=listed(running))
    controller.expect("GET", at(43), body=running)
    controller.expect("GET", at(43), fault="stall")

    result = interrupted(controller, "GET", at(43), 2)

    assert (result["changed"], result["id"], result["msg"]) == (False, 43, "Interrupted.")


def test_in_canceling_the_own_job_it_is_still_known(controller: ScriptedController) -> None:
    before(controller)
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
    controller.expect("GET", JOBS, body=listed(relaunched(43, limit="")))
    controller.expect("POST", at(44, "cancel"), fault="stall")

    result = interrupted(controller, "POST", at(44, "cancel"))

    assert (result["changed"], result["id"]) == (True, 44)
