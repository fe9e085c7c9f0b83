# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates of projects and inventories, and the jobs that never begin since one of them has failed."""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox.process import Sandbox
from sandbox.tests import playbooks

_HOSTS: dict[str, dict[str, t.Any]] = {"one": {}, "two": {}}


@pytest.fixture(scope="module")
def project(sandbox: Sandbox) -> dict[str, int]:
    """A project that is updated on launch, and a template of it."""
    made = sandbox.add_project("Flaky", scm_update_on_launch=True)
    template = sandbox.add_template("Flaky", playbooks.CHECKING, hosts=_HOSTS, project=made)["id"]
    return {"id": made, "template": template}


def _names(sandbox: Sandbox, inventory: int) -> dict[str, int]:
    hosts = sandbox.request("GET", f"/inventories/{inventory}/hosts/").body["results"]
    return {host["name"]: host["id"] for host in hosts}


def _update(sandbox: Sandbox, kind: str, row_id: int) -> str:
    answer = sandbox.request("POST", f"/{kind}/{row_id}/update/")
    assert answer.status == 202
    return sandbox.wait(answer.body["id"])


def test_a_job_never_begins_until_its_project_is_mended(sandbox: Sandbox, project: dict[str, int]) -> None:
    assert sandbox.wait(first := sandbox.launch(project["template"])) == "successful"
    sandbox.change_project(project["id"], broken="no such branch")
    updates = set()
    for _attempt in range(2):
        job = sandbox.relaunch(first)
        assert sandbox.wait(job) == "failed"
        body = sandbox.job(job)
        assert (body["started"], body["elapsed"], body["event_processing_finished"]) == (None, 0.0, True)
        assert body["playbook_counts"] == {"play_count": 0, "task_count": 0}
        told = json.loads(body["job_explanation"].removeprefix("Previous Task Failed: "))
        update = sandbox.request("GET", f"/project_updates/{told['job_id']}/").body
        assert (update["status"], update["launch_type"], told["job_name"]) == ("failed", "dependency", "Flaky")
        updates.add(update["id"])
    assert len(updates) == 2
    assert sandbox.request("POST", f"/jobs/{job}/relaunch/", body={"hosts": "failed"}).status == 400
    refused = sandbox.request("POST", f"/job_templates/{project['template']}/launch/", body={})
    assert (refused.status, list(refused.body)) == (400, ["playbook"])
    sandbox.change_project(project["id"], broken="")
    healed = sandbox.relaunch(job)
    assert sandbox.wait(healed) == "successful"
    began = sandbox.request("GET", f"/jobs/?id__in={job},{healed}&job_events__event=playbook_on_task_start").body
    assert [one["id"] for one in began["results"]] == [healed]


def test_without_an_update_on_launch_only_an_update_heals(sandbox: Sandbox, project: dict[str, int]) -> None:
    sandbox.change_project(project["id"], scm_update_on_launch=False, broken="no such branch")
    assert _update(sandbox, "projects", project["id"]) == "failed"
    source = sandbox.make_job(template=project["template"], status="failed", hosts={"one": "failed"})
    sandbox.change_project(project["id"], broken="")
    job = sandbox.relaunch(source)
    assert sandbox.wait(job) == "error"
    body = sandbox.job(job)
    assert body["job_explanation"].startswith("Missing a revision") and body["started"]
    assert _update(sandbox, "projects", project["id"]) == "successful"
    assert sandbox.wait(sandbox.relaunch(source)) == "successful"


def test_a_job_tells_which_revision_of_its_playbook_it_ran(sandbox: Sandbox, project: dict[str, int]) -> None:
    def revision() -> str:
        job = sandbox.launch(project["template"])
        sandbox.wait(job)
        return str(sandbox.job(job)["scm_revision"])

    first = revision()
    assert len(first) == 40 and revision() == first
    sandbox.change_template(project["template"], playbook=playbooks.REACHING)
    assert revision() != first
    manual = sandbox.add_template("By hand", playbooks.CHECKING, hosts=_HOSTS)["id"]
    sandbox.wait(job := sandbox.launch(manual))
    assert sandbox.job(job)["scm_revision"] == ""


def test_a_job_waits_for_the_update_that_it_needs(sandbox: Sandbox) -> None:
    project = sandbox.add_project("Slow", scm_update_on_launch=True, update_duration=30)
    template = sandbox.add_template("Slow", playbooks.CHECKING, hosts=_HOSTS, project=project)["id"]
    job = sandbox.launch(template)
    assert sandbox.wait_for_explanation(job).startswith("waiting for project_update-")
    update = sandbox.request("GET", f"/projects/{project}/project_updates/").body["results"][0]["id"]
    sandbox.wait(update, status="running")
    assert sandbox.request("POST", f"/project_updates/{update}/cancel/").status == 202
    assert sandbox.wait(update) == "canceled"
    assert sandbox.wait(job) == "failed"


def test_an_overwriting_sync_makes_hosts_anew(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Synchronised", playbooks.REACHING, hosts={**_HOSTS, "one": {"broken": True}})
    inventory = template["inventory"]
    sandbox.wait(job := sandbox.launch(template["id"]))
    before = _names(sandbox, inventory)
    source = sandbox.add_source(inventory, "List", hosts={"two": {}, "three": {}}, update_on_launch=True)
    assert _update(sandbox, "inventory_sources", source) == "successful"
    sandbox.change_source(source, hosts={"one": {}, "two": {}})
    assert _update(sandbox, "inventory_sources", source) == "successful"
    after = _names(sandbox, inventory)
    assert after.keys() == before.keys()
    assert (after["two"], after["one"]) == (before["two"], max(after.values()))
    summaries = sandbox.request("GET", f"/jobs/{job}/job_host_summaries/?host__isnull=true&failed=true").body
    assert [one["host_name"] for one in summaries["results"]] == ["one"]
    sandbox.change_source(source, broken="no such file")
    never = sandbox.launch(template["id"])
    assert sandbox.wait(never) == "failed"
    assert "inventory_update" in sandbox.job(never)["job_explanation"]


def test_a_projects_node_of_a_workflow_fails_with_its_project(sandbox: Sandbox) -> None:
    after = sandbox.add_template("After", playbooks.CHECKING, hosts=_HOSTS)["id"]
    nodes = {"sync": {"project": "Synced", "success": ["after"]}, "after": {"template": after}}
    workflow = sandbox.add_workflow_template_with_nodes("Synchronising", nodes)["id"]
    made = sandbox.request("GET", "/projects/?name=Synced").body["results"][0]["id"]
    sandbox.change_project(made, broken="no such branch")
    job = sandbox.launch_workflow(workflow)
    assert sandbox.wait(job) == "failed"
    statuses = {name: node["job"] for name, node in sandbox.nodes(job).items()}
    assert statuses["after"] is None
    assert sandbox.request("GET", f"/project_updates/{statuses['sync']}/").body["project"] == made
