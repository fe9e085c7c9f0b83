# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates launched by name and with answers, given another inventory; relaunches that stay new; reads refused."""

from __future__ import annotations

import typing as t
import urllib.parse

import pytest

from sandbox.process import Sandbox, SandboxError
from sandbox.tests import playbooks

_HOSTS: dict[str, dict[str, t.Any]] = {"one": {}, "two": {}}
_FAILED = {"one": "failed", "two": "ok"}


@pytest.fixture(autouse=True)
def idle(sandbox: Sandbox) -> None:
    """No job runs: each ends as the test says."""
    sandbox.settings(max_running=0)


@pytest.mark.parametrize("name", ["Plain", "With blanks", "a+b & [c]: 100%"])
def test_a_template_has_a_named_url(name: str, sandbox: Sandbox) -> None:
    template = sandbox.add_template(name, playbooks.CHECKING, hosts=_HOSTS, organization="An organization")
    named = sandbox.request("GET", f"/job_templates/{template['id']}/").body["related"]["named_url"]
    path = urllib.parse.quote(named.removeprefix("/api/v2"))
    assert sandbox.request("GET", path).body["id"] == template["id"]
    assert sandbox.request("GET", f"{path}launch/").body["job_template_data"]["id"] == template["id"]
    launched = sandbox.request("POST", f"{path}launch/", body={})
    assert (launched.status, launched.body["job_template"]) == (201, template["id"])
    for other in ("No++Such", name):
        assert sandbox.request("GET", f"/job_templates/{urllib.parse.quote(other)}/").status == 404


def test_a_workflow_template_has_a_named_url(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Named", playbooks.CHECKING, hosts=_HOSTS)["id"]
    made = sandbox.add_workflow_template_with_nodes("Named workflow", {"one": {"template": template}})
    assert sandbox.request("GET", "/workflow_job_templates/Named%20workflow++Default/").body["id"] == made["id"]
    missing = sandbox.request("GET", "/workflow_job_templates/Named%20workflow++Other/")
    assert (missing.status, missing.body) == (404, {"detail": "No WorkflowJobTemplate matches the given query."})


def test_what_a_template_asks_for_becomes_a_prompt(sandbox: Sandbox) -> None:
    survey = [
        {"variable": "size", "type": "integer", "required": True},
        {"variable": "color", "type": "multiplechoice", "choices": ["red", "green"]},
    ]
    template = sandbox.add_template("Asking", playbooks.CHECKING, hosts=_HOSTS, asks=["limit"], survey=survey)["id"]
    needs = sandbox.request("GET", f"/job_templates/{template}/launch/").body
    assert (needs["ask_limit_on_launch"], needs["ask_verbosity_on_launch"]) == (True, False)
    assert (needs["survey_enabled"], needs["variables_needed_to_start"]) == (True, ["size"])
    for answers, wrong in (({}, 1), ({"size": "1"}, 1), ({"size": 1, "color": "blue"}, 1), ({"color": "blue"}, 2)):
        refused = sandbox.request("POST", f"/job_templates/{template}/launch/", body={"extra_vars": answers})
        assert (refused.status, len(refused.body["variables_needed_to_start"])) == (400, wrong)
    body = {"limit": "one", "verbosity": 2, "extra_vars": {"size": 1, "color": "red", "other": 1}}
    launched = sandbox.request("POST", f"/job_templates/{template}/launch/", body=body).body
    assert launched["ignored_fields"] == {"verbosity": 2, "extra_vars": {"other": 1}}
    assert sandbox.prompts(launched["id"]) == {"limit": "one", "extra_vars": {"size": 1, "color": "red"}}


def test_a_template_is_given_another_inventory(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Moving", playbooks.CHECKING, hosts=_HOSTS, asks=["inventory"])
    other = sandbox.add_inventory("Elsewhere", _HOSTS)
    prompted = sandbox.launch(template["id"], inventory=other["id"])
    job = sandbox.make_job(template=template["id"], status="failed", hosts=_FAILED)
    third = sandbox.add_inventory("Further", _HOSTS)["id"]
    sandbox.change_template(template["id"], inventory=third)
    assert sandbox.job(sandbox.relaunch(job, hosts="failed"))["inventory"] == third
    sandbox.end_job(prompted, "failed", _FAILED)
    assert sandbox.job(sandbox.relaunch(prompted))["inventory"] == other["id"]


def test_a_relaunch_stays_new(sandbox: Sandbox) -> None:
    options: dict[str, t.Any] = {"hosts": _HOSTS, "allow_simultaneous": False, "outcomes": {}}
    template = sandbox.add_template("Lost", playbooks.CHECKING, **options)["id"]
    source = sandbox.make_job(template=template, status="failed", hosts=_FAILED)
    sandbox.settings(relaunches_left_in_new=1)
    lost, going = sandbox.relaunch(source), sandbox.relaunch(source)
    assert [sandbox.job(job)["status"] for job in (lost, going)] == ["new", "pending"]
    # It blocks nobody.
    sandbox.settings(max_running=1)
    assert sandbox.wait(going) == "successful"
    assert sandbox.job(lost)["status"] == "new"
    assert sandbox.cancel(lost) == 202
    canceled = sandbox.job(lost)
    assert (canceled["status"], canceled["started"], canceled["event_processing_finished"]) == ("canceled", None, True)
    assert sandbox.cancel(lost) == 405
    sandbox.settings(max_running=0)
    another = sandbox.relaunch(source)
    sandbox.leave_in_new(another)
    assert sandbox.job(another)["status"] == "new"
    assert sandbox.request("DELETE", f"/jobs/{another}/").status == 204
    with pytest.raises(SandboxError):
        sandbox.leave_in_new(source)


def test_reads_of_one_job_are_refused(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Unreadable", playbooks.CHECKING, hosts=_HOSTS)["id"]
    job, other = (sandbox.make_job(template=template, status="failed", hosts=_FAILED) for _number in range(2))
    sandbox.misbehave([{"kind": "forbidden", "method": "GET", "path": f"/jobs/{job}/", "times": None}])
    for path in (f"/jobs/{job}/", f"/jobs/{job}/job_events/", f"/jobs/{job}/relaunch/"):
        assert sandbox.request("GET", path).status == 403
    assert sandbox.request("GET", f"/jobs/{other}/").status == 200
    assert sandbox.request("POST", f"/jobs/{job}/relaunch/", body={}).status == 201
