# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workflows for tests of workflow_job_relaunch, and what such a test looks at."""

from __future__ import annotations

import json
import time
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.relaunch.controller.plugins.module_utils._task.result import carry_out
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.options import (
    WORKFLOW_SPECIFICATION,
    WorkflowRequest,
)
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.relaunch_workflow import relaunch_workflow
from sandbox.process import Sandbox

Options = dict[str, t.Any]

# Fails in a job in whose folder it finds a file of the host's name.
DEPLOY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Deploy
      ansible.builtin.raw: test ! -e {{ folder }}/{{ inventory_hostname }}
"""
FIVE = ("web1", "web2", "web3", "web4", "web5")
ASKS = ["extra_vars", "limit"]


Deploy = t.Callable[..., Options]
Workflow = t.Callable[..., Options]


def diamond(template: int) -> Options:
    """A before B and C, these before D."""
    return {
        "A": {"template": template, "success": ["B", "C"]},
        "B": {"template": template, "success": ["D"]},
        "C": {"template": template, "success": ["D"]},
        "D": {"template": template, "all_parents_must_converge": True},
    }


def half_done(**hosts: str) -> Options:
    return {
        "A": {"status": "successful", "hosts": dict.fromkeys(FIVE, "ok"), "artifacts": {"release": 7}},
        "B": {"status": "failed", "hosts": {**dict.fromkeys(FIVE, "ok"), "web2": "failed", "web4": "unreachable"}},
        "C": {"status": "successful", "hosts": dict.fromkeys(FIVE, "ok"), "artifacts": {"checked": True}},
        "D": "do_not_run",
    }


def line(template: int) -> Options:
    return {"B": {"template": template, "success": ["D"]}, "D": {"template": template}}


FAILED_LINE: Options = {"B": {"status": "failed", "hosts": {"web1": "ok", "web2": "failed"}}, "D": "do_not_run"}


# Updates of projects are over at once.
TWO_PROJECTS: tuple[Options, Options] = (
    {"B": {"project": "first", "success": ["D"]}, "D": {"project": "second"}},
    {"B": "failed", "D": "do_not_run"},
)


def unsafe(sandbox: Sandbox) -> list[str]:
    """The requests that may have changed something, without the numbers in them."""
    return [
        f"{entry['method']} " + "/".join("N" if part.isdigit() else part for part in entry["path"].split("/")[3:])
        for entry in sandbox.log()
        if entry["method"] not in ("GET", "HEAD", "OPTIONS")
    ]


def temporary(sandbox: Sandbox, source: int) -> list[int]:
    """The temporary templates that are there for a workflow job."""
    found = sandbox.request("GET", f"/workflow_job_templates/?name__startswith=Remainder+of+workflow+job+{source}+")
    return [entry["id"] for entry in found.body["results"]]


def resumes(sandbox: Sandbox, source: int) -> list[Options]:
    """The workflow jobs that ran what remained of a workflow job."""
    found = sandbox.request("GET", f"/workflow_jobs/?name__startswith=Remainder+of+workflow+job+{source}+")
    return t.cast("list[Options]", found.body["results"])


def left_behind(sandbox: Sandbox, made: Options) -> int:
    """Make a temporary template as a killed run leaves it; its number."""
    body = {
        "name": f"Remainder of workflow job {made['id']} abc",
        "description": f"relaunch.controller: what remains of workflow job {made['id']}",
        "organization": made["organization"],
    }
    return int(sandbox.request("POST", "/workflow_job_templates/", body=body).body["id"])


def variables(sandbox: Sandbox, job: int) -> t.Any:
    return json.loads(sandbox.job(job)["extra_vars"])


def at_once(check_mode: bool = False, **options: t.Any) -> Options:
    """What the task returns with these options, without a playbook around it."""
    constraints = {name: value for name, value in WORKFLOW_SPECIFICATION.items() if name != "argument_spec"}
    validated = ArgumentSpecValidator(WORKFLOW_SPECIFICATION["argument_spec"], **constraints).validate(options)
    assert not validated.error_messages
    params = validated.validated_parameters
    request = WorkflowRequest.of(params, check_mode, False)
    return carry_out(params, set(), lambda client: relaunch_workflow(client, request), {})


def until(true: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
