# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox does with workflows: their nodes really run, one after the other."""

from __future__ import annotations

import json
import time
import typing as t

import pytest

from sandbox.process import Sandbox, SandboxError
from sandbox.tests import playbooks

HOSTS: dict[str, dict[str, t.Any]] = {"one": {}, "two": {}}
_PATIENCE = 180.0


@pytest.fixture(scope="module")
def work(sandbox: Sandbox) -> dict[str, t.Any]:
    """A job template that asks for most there is."""
    asks = ["extra_vars", "limit", "credentials", "job_type", "job_slice_count"]
    return sandbox.add_template("Work", playbooks.HANDING_ON, hosts=HOSTS, asks=asks)


@pytest.fixture(scope="module")
def broken(sandbox: Sandbox) -> int:
    """A job template whose jobs end in error at once."""
    return int(sandbox.add_template("Broken", playbooks.HANDING_ON, hosts=HOSTS, error="no")["id"])


def _run(sandbox: Sandbox, name: str, nodes: dict[str, dict[str, t.Any]], **options: t.Any) -> tuple[int, str]:
    workflow = sandbox.launch_workflow(sandbox.add_workflow_template_with_nodes(name, nodes, **options)["id"])
    return workflow, sandbox.wait(workflow, timeout=_PATIENCE)


def _statuses(sandbox: Sandbox, workflow: int) -> dict[str, str]:
    """The status of each node's job, or what it is instead."""
    return {
        name: node["summary_fields"]["job"]["status"] if node["job"] else "do_not_run" if node["do_not_run"] else "open"
        for name, node in sandbox.nodes(workflow).items()
    }


def _job(sandbox: Sandbox, workflow: int, node: str) -> dict[str, t.Any]:
    return sandbox.job(sandbox.nodes(workflow)[node]["job"])


def _variables(sandbox: Sandbox, workflow: int, node: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads(_job(sandbox, workflow, node)["extra_vars"]))


def _post(sandbox: Sandbox, path: str, body: dict[str, t.Any], user: str = "admin") -> tuple[int, t.Any]:
    answer = sandbox.request("POST", path, user=user, body=body)
    return answer.status, answer.body


def test_a_nested_workflow_may_be_made_with_its_own_nodes(sandbox: Sandbox) -> None:
    inner = sandbox.add_workflow_template_with_nodes("Inner of made", {"a": {"project": "first"}})["id"]
    nodes = {"N": {"template": inner, "success": ["b"]}, "b": {"project": "second"}}
    outer = sandbox.add_workflow_template_with_nodes("Outer of made", nodes)["id"]

    made = sandbox.make_workflow_job(outer, {"N": {"status": "failed", "nodes": {"a": "failed"}}, "b": "do_not_run"})

    assert sorted(made["jobs"]) == ["N", "N/a"]
    (node,) = sandbox.nodes(made["jobs"]["N"]).values()
    assert (node["job"], node["summary_fields"]["job"]["status"]) == (made["jobs"]["N/a"], "failed")


def test_a_workflow_fails_in_the_middle(sandbox: Sandbox, work: dict[str, t.Any]) -> None:
    nodes: dict[str, dict[str, t.Any]] = {
        "A": {"success": ["B", "C"], "failure": ["H"], "extra_data": {"hand_on": True, "own": 1}},
        "B": {"success": ["D"], "extra_data": {"fail_hosts": ["two"], "art": "node", "own": 2}},
        "C": {"success": ["D"]},
        "D": {"all_parents_must_converge": True},
        "H": {},
    }
    nodes = {name: {"template": work["id"], **node} for name, node in nodes.items()}
    workflow, status = _run(sandbox, "Middle", nodes, extra_vars={"wfvar": "workflow"})
    assert status == "failed"
    expected = {"A": "successful", "B": "failed", "C": "successful", "D": "do_not_run", "H": "do_not_run"}
    assert _statuses(sandbox, workflow) == expected
    artifacts = _job(sandbox, workflow, "A")["artifacts"]
    assert artifacts == {"art": "fromA", "shared": "fromA", "wfvar": "fromA", "nested": {"k": [1, 2]}}
    # A node's own variables, over these the artifacts of its parents, over these the workflow's.
    given = _variables(sandbox, workflow, "B")
    assert given == {"fail_hosts": ["two"], "own": 2, **artifacts, "wfvar": "workflow"}
    assert _variables(sandbox, workflow, "C") == {**artifacts, "wfvar": "workflow"}
    assert sandbox.nodes(workflow)["B"]["extra_data"] == {"fail_hosts": ["two"], "art": "node", "own": 2}
    # A node's job can be relaunched by itself, which heals nothing in its workflow.
    retry = sandbox.relaunch(sandbox.nodes(workflow)["B"]["job"], hosts="failed")
    assert sandbox.job(retry)["limit"] == "two"
    assert sandbox.request("GET", f"/workflow_jobs/{workflow}/").body["status"] == "failed"


def test_a_temporary_workflow_template_runs_what_remains(sandbox: Sandbox, work: dict[str, t.Any]) -> None:
    organization = work["organization"]
    options = sandbox.request("OPTIONS", "/workflow_job_templates/", user="bob").body["actions"]
    assert "POST" not in options
    body = {"name": "Remainder", "organization": organization, "extra_vars": '{"wfvar": "workflow"}'}
    assert _post(sandbox, "/workflow_job_templates/", body, "bob")[0] == 403
    sandbox.organization_roles(organization, bob="workflow_admin")
    options = sandbox.request("OPTIONS", "/workflow_job_templates/", user="bob").body["actions"]
    assert options["POST"]["name"]["required"] is True
    template = _post(sandbox, "/workflow_job_templates/", body, "bob")[1]["id"]
    nodes = {}
    remaining: dict[str, dict[str, t.Any]] = {
        "B": {"limit": "two", "extra_data": {"art": "kept"}},
        "D": {"all_parents_must_converge": True},
    }
    for name, more in remaining.items():
        given = {"identifier": name, "unified_job_template": work["id"], **more}
        status, node = _post(sandbox, f"/workflow_job_templates/{template}/workflow_nodes/", given, "bob")
        assert status == 201
        nodes[name] = node["id"]
    path = f"/workflow_job_template_nodes/{nodes['B']}/success_nodes/"
    assert _post(sandbox, path, {"id": nodes["D"]}, "alice")[0] == 403
    assert _post(sandbox, path, {"id": nodes["D"]}, "bob") == (204, "")
    # A lost answer may make a client ask twice: the link is there once.
    assert _post(sandbox, path, {"id": nodes["D"]}, "bob") == (204, "")
    assert sandbox.request("GET", f"/workflow_job_template_nodes/{nodes['B']}/").body["success_nodes"] == [nodes["D"]]
    workflow = sandbox.launch_workflow(template, user="bob")
    refusal = sandbox.request("DELETE", f"/workflow_job_templates/{template}/", user="bob")
    assert (refusal.status, refusal.body["active_jobs"]) == (409, [{"id": workflow, "type": "workflow_job"}])
    assert sandbox.wait(workflow, timeout=_PATIENCE) == "successful"
    summaries = sandbox.request("GET", f"/jobs/{sandbox.nodes(workflow, 'bob')['B']['job']}/job_host_summaries/").body
    assert [one["host_name"] for one in summaries["results"]] == ["two"]
    assert _variables(sandbox, workflow, "B") == {"art": "kept", "wfvar": "workflow"}
    found = sandbox.request("GET", f"/workflow_jobs/?workflow_job_template={template}", user="bob").body["results"]
    assert [one["id"] for one in found] == [workflow]
    assert sandbox.request("DELETE", f"/workflow_job_templates/{template}/", user="bob").status == 204
    # Without its template only administrators and auditors see the workflow job; jobs of nodes stay readable.
    path = f"/workflow_jobs/{workflow}/workflow_nodes/"
    assert [sandbox.request("GET", path, user=user).status for user in ("bob", "auditor", "admin")] == [403, 200, 200]
    assert sandbox.request("GET", f"/jobs/{sandbox.nodes(workflow)['B']['job']}/", user="bob").status == 200
    sandbox.organization_roles(organization, bob=None)


def test_what_a_node_gives_to_its_job(sandbox: Sandbox, work: dict[str, t.Any]) -> None:
    asks = ["limit", "credentials", "labels", "instance_groups"]
    machine = [{"name": "usual", "kind": "ssh"}, {"name": "secrets", "kind": "vault"}]
    template = sandbox.add_template("Prompted", playbooks.HANDING_ON, hosts=HOSTS, credentials=machine, asks=asks)
    other = sandbox.add_template("Other", playbooks.HANDING_ON, credentials=[{"name": "new", "kind": "ssh"}])
    given = {
        "credentials": other["credentials"],
        "labels": [sandbox.add_label("weekly")],
        "instance_groups": [sandbox.add_instance_group(name) for name in ("near", "far")][::-1],
    }
    nodes = {"N": {"template": template["id"], "limit": "one", "failure": ["F"]}, "F": {"template": template["id"]}}
    workflow_template = sandbox.add_workflow_template_with_nodes("Prompts", nodes, asks=["limit"])
    node = workflow_template["nodes"]["N"]
    for name, ids in given.items():
        for one in ids:
            assert _post(sandbox, f"/workflow_job_template_nodes/{node}/{name}/", {"id": one})[0] == 204
    workflow = sandbox.launch_workflow(workflow_template["id"])
    sandbox.wait(workflow, timeout=_PATIENCE)
    of_job = sandbox.nodes(workflow)["N"]["id"]
    shown = {
        name: [one["id"] for one in sandbox.request("GET", f"/workflow_job_nodes/{of_job}/{name}/").body["results"]]
        for name in given
    }
    assert shown == given
    job = _job(sandbox, workflow, "N")
    # A credential replaces that of its kind.
    assert {one["name"] for one in job["summary_fields"]["credentials"]} == {"new", "secrets"}
    assert job["limit"] == "one"
    assert (sandbox.nodes(workflow)["N"]["limit"], sandbox.nodes(workflow)["F"]["limit"]) == ("one", None)
    # The workflow's limit outranks a node's.
    again = sandbox.launch_workflow(workflow_template["id"], limit="two")
    sandbox.wait(again, timeout=_PATIENCE)
    assert _job(sandbox, again, "N")["limit"] == "two"
    taken = {"id": given["labels"][0], "disassociate": True}
    assert _post(sandbox, f"/workflow_job_template_nodes/{node}/labels/", taken)[0] == 204
    assert sandbox.request("GET", f"/workflow_job_template_nodes/{node}/labels/").body["count"] == 0


def test_approvals_and_project_updates(sandbox: Sandbox, broken: int) -> None:
    nodes: dict[str, dict[str, t.Any]] = {
        "sync": {"project": "Sources", "success": ["go"]},
        "go": {"approval": "Go on?", "success": ["yes"], "failure": ["no"]},
        "yes": {"template": broken, "always": ["end"]},
        "no": {"project": "Undo", "success": ["end"]},
        "end": {"approval": "Too slow?", "timeout": 1},
    }
    template = sandbox.add_workflow_template_with_nodes("Approvals", nodes, allow_simultaneous=True)["id"]
    approved, denied = sandbox.launch_workflow(template), sandbox.launch_workflow(template)
    sandbox.approve(approved, "go")
    sandbox.approve(denied, "go", approved=False)
    assert sandbox.wait(approved, timeout=_PATIENCE) == sandbox.wait(denied, timeout=_PATIENCE) == "failed"
    expected = {"sync": "successful", "go": "successful", "yes": "error", "no": "do_not_run", "end": "failed"}
    assert _statuses(sandbox, approved) == expected
    assert _statuses(sandbox, denied) == {**expected, "go": "failed", "yes": "do_not_run", "no": "successful"}
    nodes_now = sandbox.nodes(approved)
    templates = {name: node["summary_fields"]["unified_job_template"] for name, node in nodes_now.items()}
    assert {name: template["unified_job_type"] for name, template in templates.items()} == {
        "sync": "project_update",
        "go": "workflow_approval",
        "yes": "job",
        "no": "project_update",
        "end": "workflow_approval",
    }
    answer = sandbox.request("GET", nodes_now["end"]["related"]["job"])
    assert "expired after 1 seconds" in answer.body["job_explanation"]
    assert sandbox.request("GET", nodes_now["go"]["related"]["unified_job_template"]).body["name"] == "Go on?"
    with pytest.raises(SandboxError):
        sandbox.approve(approved, "go")
    kinds = {one["type"] for one in sandbox.request("GET", "/unified_jobs/?order_by=-id").body["results"]}
    assert {"workflow_approval", "project_update", "workflow_job"} <= kinds


def test_an_approval_can_be_made_through_the_api(sandbox: Sandbox) -> None:
    template = sandbox.add_workflow_template_with_nodes("Asked", {})["id"]
    node = _post(sandbox, f"/workflow_job_templates/{template}/workflow_nodes/", {"identifier": "go"})[1]["id"]
    body = {"name": "Sure?", "description": "", "timeout": 0}
    status, made = _post(sandbox, f"/workflow_job_template_nodes/{node}/create_approval_template/", body)
    assert status == 201
    workflow = sandbox.launch_workflow(template)
    sandbox.approve(workflow, "go")
    assert sandbox.wait(workflow, timeout=_PATIENCE) == "successful"
    assert sandbox.request("DELETE", f"/workflow_job_templates/{template}/").status == 204
    assert sandbox.request("GET", made["url"]).status == 404
    assert sandbox.nodes(workflow)["go"]["unified_job_template"] is None


def test_nested_and_sliced_nodes(sandbox: Sandbox, work: dict[str, t.Any]) -> None:
    inner = sandbox.add_workflow_template_with_nodes(
        "Inner", {"I": {"template": work["id"], "extra_data": {"hand_on": True, "artifacts": {"deep": 1}}}}
    )["id"]
    options: dict[str, t.Any] = {"hosts": HOSTS, "job_slice_count": 2, "asks": ["limit", "job_slice_count"]}
    sliced = sandbox.add_template("Sliced node", playbooks.HANDING_ON, **options)["id"]
    nodes: dict[str, dict[str, t.Any]] = {
        "N": {"template": inner, "success": ["S", "W"]},
        "S": {"template": sliced},
        "W": {"template": sliced, "limit": "two", "job_slice_count": 1},
    }
    workflow, status = _run(sandbox, "Outer", nodes, extra_vars={"top": True})
    assert status == "successful"
    found = sandbox.nodes(workflow)
    kinds = {name: node["summary_fields"]["job"]["type"] for name, node in found.items()}
    assert kinds == {"N": "workflow_job", "S": "workflow_job", "W": "job"}
    # Artifacts come out of the workflow within.
    assert _variables(sandbox, workflow, "W") == {"deep": 1, "top": True}
    slices = sandbox.request("GET", f"/jobs/?unified_job_node__workflow_job={found['S']['job']}").body["results"]
    assert [one["job_slice_number"] for one in slices] == [1, 2]
    assert {json.loads(one["extra_vars"])["deep"] for one in slices} == {1}
    above = sandbox.job(slices[0]["id"])["summary_fields"]
    assert (above["source_workflow_job"]["id"], above["ancestor_job"]["id"]) == (found["S"]["job"], workflow)


def test_a_workflow_within_itself(sandbox: Sandbox, broken: int) -> None:
    template = sandbox.add_workflow_template_with_nodes("Itself", {"A": {"template": broken, "always": []}})["id"]
    given = {"identifier": "again", "unified_job_template": template}
    assert _post(sandbox, f"/workflow_job_templates/{template}/workflow_nodes/", given)[0] == 201
    workflow = sandbox.launch_workflow(template)
    assert sandbox.wait(workflow, timeout=_PATIENCE) == "failed"
    within = sandbox.nodes(workflow)["again"]["job"]
    body = sandbox.request("GET", f"/workflow_jobs/{within}/").body
    assert (body["status"], "recursion" in body["job_explanation"]) == ("failed", True)


def test_cancel_and_relaunch(sandbox: Sandbox, broken: int) -> None:
    sleeping = sandbox.add_template("Sleeping", playbooks.SLEEPING, hosts={"one": {}})["id"]
    nodes = {"A": {"template": sleeping, "always": ["B"]}, "B": {"template": broken}}
    template = sandbox.add_workflow_template_with_nodes("Canceled", nodes)["id"]
    workflow, waiting = sandbox.launch_workflow(template), sandbox.launch_workflow(template)
    sandbox.wait(workflow, status="running")
    deadline = time.monotonic() + _PATIENCE
    while (job := sandbox.nodes(workflow)["A"]["job"]) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    sandbox.wait(job, status="running")
    explanation = sandbox.wait_for_explanation(waiting, "workflow_jobs")
    assert explanation == f"waiting for workflow_job-{workflow} to finish"
    for one in (waiting, workflow):
        assert sandbox.request("POST", f"/workflow_jobs/{one}/cancel/", body={}).status == 202
        assert sandbox.wait(one) == "canceled"
    assert sandbox.request("POST", f"/workflow_jobs/{workflow}/cancel/", body={}).status == 405
    assert _statuses(sandbox, workflow) == {"A": "canceled", "B": "do_not_run"}
    # The whole of it runs again, as its template is now.
    sandbox.change_template(sleeping, error="repaired, or so")
    again = sandbox.relaunch_workflow(workflow, user="alice")
    assert sandbox.wait(again, timeout=_PATIENCE) == "failed"
    assert _statuses(sandbox, again) == {"A": "error", "B": "error"}
    sandbox.delete("templates", template)
    assert sandbox.request("POST", f"/workflow_jobs/{workflow}/relaunch/", user="alice", body={}).status == 403
    orphan = sandbox.relaunch_workflow(workflow)
    assert sandbox.wait(orphan, timeout=_PATIENCE) == "failed"
    assert _statuses(sandbox, orphan) == {"A": "error", "B": "error"}


def test_a_node_that_converges_on_an_error_is_open_for_ever(
    sandbox: Sandbox, broken: int, work: dict[str, t.Any]
) -> None:
    nodes = {
        "A": {"template": broken, "success": ["X"]},
        "X": {"template": work["id"], "all_parents_must_converge": True},
    }
    template = sandbox.add_workflow_template_with_nodes("Stuck", nodes)["id"]
    workflow = sandbox.launch_workflow(template)
    with pytest.raises(SandboxError):
        sandbox.wait(workflow, timeout=8)
    assert _statuses(sandbox, workflow) == {"A": "error", "X": "open"}
    sandbox.settings(convergence_ignores_errors=False)
    assert sandbox.wait(workflow) == "failed"
    assert _statuses(sandbox, workflow) == {"A": "error", "X": "do_not_run"}


def test_what_a_workflow_loses(sandbox: Sandbox, work: dict[str, t.Any]) -> None:
    doomed = sandbox.add_template("Doomed", playbooks.HANDING_ON, hosts=HOSTS)
    lost = sandbox.add_template("Lost", playbooks.HANDING_ON, hosts=HOSTS, passwords=["ssh_password"])
    nodes = {
        "A": {"template": lost["id"], "always": ["B"]},
        "B": {"template": work["id"], "always": ["C"], "extra_data": {"fail_hosts": ["one"]}},
        "C": {"template": doomed["id"], "always": ["D"]},
        "D": {"template": work["id"]},
    }
    template = sandbox.add_workflow_template_with_nodes("Losing", nodes)["id"]
    sandbox.delete("templates", doomed["id"])
    workflow = sandbox.launch_workflow(template)
    assert sandbox.wait(workflow, timeout=_PATIENCE) == "successful"
    assert _statuses(sandbox, workflow) == {"A": "failed", "B": "failed", "C": "open", "D": "successful"}
    assert "manual credentials" in _job(sandbox, workflow, "A")["job_explanation"]
    job = sandbox.nodes(workflow)["B"]["job"]
    assert sandbox.request("DELETE", f"/jobs/{job}/").status == 204
    node = sandbox.nodes(workflow)["B"]
    assert (node["job"], node["unified_job_template"]) == (None, work["id"])


_TELLING = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.set_stats:
        data: {told: "{{ secret == 's3cret' }}", literal: "{{ wfsecret | default('') }}"}
"""


def test_secrets(sandbox: Sandbox) -> None:
    survey = [{"variable": "secret", "type": "password"}]
    options: dict[str, t.Any] = {"hosts": {"one": {}}, "survey": survey, "asks": ["extra_vars"]}
    surveyed = sandbox.add_template("Telling", _TELLING, **options)["id"]
    nodes = {"A": {"template": surveyed, "extra_data": {"secret": "s3cret"}}}
    # The mask among a workflow's variables is taken for what it says.
    workflow, status = _run(sandbox, "Secrets", nodes, extra_vars={"wfsecret": "$encrypted$"})
    assert status == "successful"
    assert sandbox.nodes(workflow)["A"]["extra_data"] == {"secret": "$encrypted$"}
    job = _job(sandbox, workflow, "A")
    assert json.loads(job["extra_vars"])["secret"] == "$encrypted$"
    assert job["artifacts"] == {"told": True, "literal": "$encrypted$"}
    # A password of the workflow's own survey reaches the jobs, and no answer.
    own = [{"variable": "secret", "type": "password", "required": True}]
    nodes = {"A": {"template": surveyed}}
    template = sandbox.add_workflow_template_with_nodes("Surveyed", nodes, survey=own)["id"]
    workflow = sandbox.launch_workflow(template, extra_vars={"secret": "s3cret"})
    assert sandbox.wait(workflow, timeout=_PATIENCE) == "successful"
    assert "s3cret" not in str(sandbox.request("GET", f"/workflow_jobs/{workflow}/").body)
    job = _job(sandbox, workflow, "A")
    assert job["artifacts"]["told"] is True
    assert json.loads(job["extra_vars"]) == {"secret": "$encrypted$"}


def test_hidden_artifacts(sandbox: Sandbox, work: dict[str, t.Any]) -> None:
    hidden = {"_ansible_no_log": True, "art": "hush"}
    nodes: dict[str, dict[str, t.Any]] = {
        "A": {"template": work["id"], "success": ["B"]},
        "B": {"approval": "Wait", "success": ["C"]},
        "C": {"template": work["id"], "limit": "one"},
    }
    template = sandbox.add_workflow_template_with_nodes("Hidden", nodes)["id"]
    outcomes = {"A": {"status": "successful", "artifacts": hidden}}
    workflow = sandbox.make_workflow_job(template, outcomes, status="running")["id"]
    sandbox.approve(workflow, "B")
    assert sandbox.wait(workflow, timeout=_PATIENCE) == "successful"
    assert _job(sandbox, workflow, "A")["artifacts"] == "$hidden due to Ansible no_log flag$"
    assert _variables(sandbox, workflow, "C") == {"art": "$encrypted$"}


def test_made_workflow_jobs(sandbox: Sandbox, work: dict[str, t.Any]) -> None:
    nodes = {name: {"template": work["id"], "limit": "two"} for name in "ABC"}
    nodes["A"]["success"] = ["B"]
    template = sandbox.add_workflow_template_with_nodes("Made", nodes)["id"]
    outcomes = {"A": {"status": "failed", "hosts": {"one": "ok", "two": "failed"}}, "B": "do_not_run", "C": "canceled"}
    made = sandbox.make_workflow_job(template, outcomes)
    assert _statuses(sandbox, made["id"]) == {"A": "failed", "B": "do_not_run", "C": "canceled"}
    assert sandbox.request("GET", f"/workflow_jobs/{made['id']}/").body["status"] == "failed"
    job = sandbox.job(made["jobs"]["A"])
    assert (job["limit"], job["summary_fields"]["source_workflow_job"]["id"]) == ("two", made["id"])
    failed = sandbox.request("GET", f"/jobs/{job['id']}/job_host_summaries/?failed=true").body["results"]
    assert [one["host_name"] for one in failed] == ["two"]


def test_refusals(sandbox: Sandbox, work: dict[str, t.Any]) -> None:
    one = sandbox.add_workflow_template_with_nodes("First", {"A": {"template": work["id"]}})
    other = sandbox.add_workflow_template_with_nodes("Second", {"B": {"template": work["id"]}})
    path = f"/workflow_job_template_nodes/{one['nodes']['A']}"
    assert _post(sandbox, f"{path}/success_nodes/", {"id": other["nodes"]["B"]})[0] == 400
    assert _post(sandbox, f"{path}/success_nodes/", {"id": one["nodes"]["A"]}) == (400, {"Error": "Cycle detected."})
    assert _post(sandbox, f"{path}/success_nodes/", {})[0] == 400
    assert _post(sandbox, f"{path}/labels/", {"id": 999999})[0] == 400
    needy = sandbox.add_template("Needs a password", playbooks.HANDING_ON, passwords=["ssh_password"])
    refusal = _post(sandbox, f"{path}/credentials/", {"id": needy["credentials"][0]})
    assert (refusal[0], "user input" in refusal[1]["msg"]) == (400, True)
    cloud = {"id": sandbox.add_credential("Cloud", "aws")}
    assert [_post(sandbox, f"{path}/credentials/", cloud)[0] for _time in range(2)] == [204, 400]
    sandbox.change_template(work["id"], credentials=[own := sandbox.add_credential("Own", "ssh")])
    refusal = _post(sandbox, f"{path}/credentials/", {"id": own})
    assert (refusal[0], "already uses Own" in refusal[1]["msg"]) == (400, True)
    nodes = f"/workflow_job_templates/{one['id']}/workflow_nodes/"
    assert _post(sandbox, nodes, {"unified_job_template": 999999})[0] == 400
    assert _post(sandbox, nodes, {"unified_job_template": work["id"], "extra_data": "text"})[0] == 400
    assert _post(sandbox, nodes, {"unified_job_template": work["id"]}, "alice")[0] == 403
    for body in ({"name": ""}, {}, {"name": "x", "organization": 999999}, {"name": "x", "extra_vars": "[1]"}):
        assert _post(sandbox, "/workflow_job_templates/", body)[0] == 400
    assert [sandbox.request("GET", f"/workflow_job_templates/{one['id']}/", user=user).status for user in _USERS] == [
        200,
        200,
        200,
        403,
    ]
    assert sandbox.request("DELETE", f"{path}/", user="reader").status == 403
    assert sandbox.request("DELETE", f"{path}/").status == 204
    assert sandbox.request("GET", nodes).body["count"] == 0


_USERS = ("admin", "reader", "auditor", "mallory")
