# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""workflow_job_relaunch as a playbook's task: what of a workflow runs again, what is left behind, what is refused."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._workflow import temporary_template
from end_to_end.workflow_jobs import (
    ASKS,
    FAILED_LINE,
    TWO_PROJECTS,
    Deploy,
    Options,
    Workflow,
    at_once,
    diamond,
    half_done,
    left_behind,
    line,
    resumes,
    temporary,
    unsafe,
    until,
    variables,
)
from sandbox.process import Sandbox

if t.TYPE_CHECKING:
    from .conftest import Run

RunTasks = t.Callable[..., "Run"]


@pytest.fixture
def resume(run_tasks: RunTasks) -> RunTasks:
    return functools.partial(run_tasks, module="workflow_job_relaunch")


@pytest.mark.parametrize("in_process", [True, False], ids=["in process", "module"])
def test_runs_what_remains_once_and_leaves_nothing_behind(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options, resume: RunTasks, in_process: bool
) -> None:
    made = workflow(diamond(deploy()["id"]), half_done(), extra_vars={"stage": "test"})
    task = {"workflow_job_id": made["id"], "nodes": "failed", "wait": True, **admin}
    sandbox.settings(max_running=0)
    begin: t.Any = {"method": "PATCH", "path": "/settings", "body": {"max_running": 4}}
    waiting = {"method": "GET", "path": REQUESTS["look"][1], "after_requests": 1}
    sandbox.misbehave([{**waiting, "kind": "act", "when": "after", "calls": [begin]}])

    done = resume(task, task)
    first, second = done.results

    assert (first["failed"], first["changed"], first["status"]) == (False, True, "successful"), first["msg"]
    nodes = sandbox.nodes(first["id"])
    assert sorted(nodes) == ["B", "D"]
    jobs = {name: sandbox.job(node["job"]) for name, node in nodes.items()}
    assert (jobs["B"]["limit"], jobs["D"]["limit"]) == ("web2,web4", "")
    assert variables(sandbox, nodes["B"]["job"]) == {"release": 7, "stage": "test"}
    assert variables(sandbox, nodes["D"]["job"]) == {"release": 7, "checked": True, "stage": "test"}
    assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"])
    ran = f"What remained of workflow job {made['id']} ran as workflow job {first['id']}"
    assert second["msg"] == f"{ran}, which was successful: nothing to resume."
    assert unsafe(sandbox) == [
        "POST workflow_job_templates/",
        "POST workflow_job_templates/N/workflow_nodes/",
        "POST workflow_job_templates/N/workflow_nodes/",
        "POST workflow_job_template_nodes/N/success_nodes/",
        "POST workflow_job_templates/N/launch/",
        "DELETE workflow_job_templates/N/",
    ]
    assert temporary(sandbox, made["id"]) == []
    assert "temporary_template_id" not in first
    shown = [
        f"[localhost] workflow job {first['id']}: D ended: successful (job {nodes['D']['job']})",
        f"[localhost] workflow job {first['id']} ended: successful",
    ]
    places = [done.stderr.find(line) for line in shown]
    assert 0 < places[0] < places[1] if in_process else places == [-1, -1], done.stderr


def test_check_mode_tells_the_plan_and_sends_nothing_unsafe(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options, resume: RunTasks
) -> None:
    made = workflow(diamond(deploy()["id"]), half_done())
    task = {"workflow_job_id": made["id"], "nodes": "failed", "wait": True, **admin}

    (result,) = resume(task, arguments=["--check", "--diff"]).results

    assert (result["failed"], result["changed"]) == (False, True), result["msg"]
    assert result["nodes"] == [
        {"identifier": "B", "name": "B", "job_id": made["jobs"]["B"], "status": "failed", "hosts": ["web2", "web4"]},
        {"identifier": "D", "name": "D", "job_id": None, "status": "not run", "hosts": []},
    ]
    assert result["links"] == [{"parent": "B", "child": "D", "kind": "success"}]
    assert result["drawing"] == ["B  failed, on web2, web4", "↓ on success", "D  not run"]
    assert result["diff"]["after"].splitlines() == result["drawing"]
    assert sandbox.log() and unsafe(sandbox) == []


def test_it_takes_these_requests(sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options) -> None:
    made = workflow(diamond(deploy()["id"]), half_done())
    sandbox.settings(max_running=0)

    result = at_once(workflow_job_id=made["id"], nodes="failed", **admin)

    assert result["changed"] and not result.get("failed"), result["msg"]
    template, job = f"workflow_job_templates/{result['temporary_template_id']}", f"jobs/{made['jobs']['B']}"
    lineage = [
        f"GET workflow_jobs/{made['id']}/workflow_nodes/",
        "GET workflow_job_templates/",
        "GET workflow_jobs/",
        "GET unified_jobs/",
    ]
    link = next(entry["path"] for entry in sandbox.log() if "success_nodes" in entry["path"])
    assert [f"{entry['method']} {entry['path'][len('/api/v2/') :]}" for entry in sandbox.log()] == [
        f"GET workflow_jobs/{made['id']}/",
        *lineage,
        # What is left of B.
        f"GET {job}/",
        "GET jobs/",
        f"GET {job}/job_host_summaries/",
        "GET jobs/",
        # By what an earlier success of the template had started, which has just ended: its last events have to be in.
        f"GET jobs/{made['jobs']['A']}/",
        f"GET jobs/{made['jobs']['A']}/job_events/",
        f"GET {job}/job_events/",
        *[f"GET inventories/{sandbox.job(made['jobs']['B'])['inventory']}/hosts/"] * 2,
        "GET job_templates/",
        "GET jobs/",
        "OPTIONS workflow_job_templates/",
        "POST workflow_job_templates/",
        *[f"POST {template}/workflow_nodes/"] * 2,
        link.replace("/api/v2/", "POST "),
        # The look before the launch, which finds the temporary template.
        *lineage[:2],
        "GET workflow_jobs/",
        *lineage[2:],
        "GET jobs/",
        *[f"GET inventories/{sandbox.job(made['jobs']['B'])['inventory']}/hosts/"] * 2,
        f"POST {template}/launch/",
        # The look at other callers, who may have relaunched the job of the node.
        "GET workflow_jobs/",
        "GET jobs/",
    ]


def test_a_resume_that_fails_goes_on_from_where_it_stopped_and_cleans_up_after_success(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options, tmp_path: Path
) -> None:
    made = workflow(line(deploy(["web1", "web2"], outcomes=None)["id"]), FAILED_LINE)
    task = {"workflow_job_id": made["id"], "nodes": "failed", "wait": True, **admin}
    (tmp_path / "web1").touch()

    first = at_once(**task)

    assert (first["failed"], first["changed"], first["failed_nodes"]) == (True, True, ["D"]), first["msg"]
    assert temporary(sandbox, made["id"]) == [first["temporary_template_id"]]
    (tmp_path / "web1").unlink()

    second, third = at_once(**task), at_once(**task)

    assert (second["changed"], second.get("status")) == (True, "successful"), second["msg"]
    nodes = sandbox.nodes(second["id"])
    assert {name: sandbox.job(node["job"])["limit"] for name, node in nodes.items()} == {"D": "web1"}
    assert temporary(sandbox, made["id"]) == []
    assert (third["changed"], third["status"], third["id"]) == (False, "successful", second["id"])


REQUESTS = {
    "create": ("POST", r"/workflow_job_templates/$"),
    "node": ("POST", r"/workflow_nodes/$"),
    "link": ("POST", r"/success_nodes/$"),
    "lineage": ("GET", r"/unified_jobs/$"),
    "launch": ("POST", r"/launch/$"),
    "look": ("GET", r"/workflow_jobs/\d+/$"),
    "delete": ("DELETE", r"/workflow_job_templates/\d+/$"),
}
MISFORTUNES: dict[str, Options] = {
    "answer lost": {"kind": "drop", "when": "after"},
    "502 before": {"kind": "status", "status": 502, "when": "before"},
    "502 after": {"kind": "status", "status": 502, "when": "after"},
}


@pytest.mark.parametrize("retries", [0, 5])
@pytest.mark.parametrize("misfortune", MISFORTUNES)
@pytest.mark.parametrize("request_name", ["create", "node", "link", "launch", "delete"])
def test_whatever_request_goes_wrong_the_next_run_ends_in_one_complete_resume(
    sandbox: Sandbox, workflow: Workflow, admin: Options, request_name: str, misfortune: str, retries: int
) -> None:
    made = workflow(*TWO_PROJECTS)
    method, path = REQUESTS[request_name]
    sandbox.misbehave([{"method": method, "path": path, **MISFORTUNES[misfortune]}])
    task = {"workflow_job_id": made["id"], "nodes": "failed", "wait": True, **admin, "max_retries": retries}

    first, second = at_once(**task), at_once(**task)

    assert not second.get("failed") and second["status"] == "successful", second["msg"]
    (one,) = resumes(sandbox, made["id"])
    assert (one["id"], sorted(sandbox.nodes(one["id"]))) == (second["id"], ["B", "D"])
    assert temporary(sandbox, made["id"]) == []
    if retries and request_name != "launch":
        assert (first.get("failed", False), first["changed"], second["changed"]) == (False, True, False), first["msg"]


# The request in whose answer a kill falls, after it has been carried out unless the rule says otherwise.
KILLS: dict[str, tuple[str, Options]] = {
    "template made": ("create", {}),
    "node made": ("node", {}),
    "link made": ("link", {}),
    "looked once more": ("lineage", {"after_requests": 1}),
    "launched": ("launch", {}),
    "waiting": ("look", {"after_requests": 1}),
    "not yet deleted": ("delete", {"kind": "drop", "when": "before"}),
    "deleted": ("delete", {}),
}


def kill_at(
    sandbox: Sandbox, task: Options, request_name: str, rule: Options, environment: t.Mapping[str, str]
) -> None:
    """Run the task as the module's own process, and kill that while the answer to a request is held back."""
    method, path = REQUESTS[request_name]
    held = {"kind": "slow", "when": "after", "delay": 3, **rule}
    sandbox.misbehave([{"method": method, "path": path, **held}])
    options = Path(environment["HOME"], "options")
    options.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": task}), encoding="utf-8")
    module = "ansible_collections.relaunch.controller.plugins.modules.workflow_job_relaunch"
    command = [sys.executable, "-m", module, str(options)]

    def requests() -> list[Options]:
        found = [one for one in sandbox.log() if one["method"] == method and re.search(path, one["path"])]
        return found[held.get("after_requests", 0) :]

    environ = {**environment, "PYTHONPATH": environment["ANSIBLE_COLLECTIONS_PATH"]}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        until(lambda: bool(requests()))
        os.kill(process.pid, signal.SIGKILL)
        assert (process.wait(), requests()[0]["answered"]) == (-signal.SIGKILL, None)
    # Whatever the controller does with it, it has done by then.
    until(lambda: requests()[0]["answered"] is not None)


def test_a_launch_that_comes_too_early_goes_back_to_the_look(
    sandbox: Sandbox, workflow: Workflow, admin: Options
) -> None:
    made = workflow(*TWO_PROJECTS)
    later = {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}
    sandbox.misbehave([{"method": "POST", "path": r"/launch/$", **later}])

    result = at_once(workflow_job_id=made["id"], nodes="failed", wait=True, **{**admin, "max_retries": 1})

    assert not result.get("failed") and (result["changed"], result["status"]) == (True, "successful"), result["msg"]
    sent = unsafe(sandbox)
    counts = [sent.count(f"POST workflow_job_templates/{rest}") for rest in ("", "N/launch/")]
    looks = [entry["path"] for entry in sandbox.log() if entry["path"].endswith("/unified_jobs/")]
    assert (counts, len(looks), len(resumes(sandbox, made["id"]))) == ([1, 2], 3, 1)


@pytest.mark.parametrize("kind", ["unauthorized", "forbidden"])
def test_what_is_refused_in_passing_ends_in_one_complete_resume(
    sandbox: Sandbox, workflow: Workflow, admin: Options, kind: str
) -> None:
    made = workflow(*TWO_PROJECTS)
    asked: t.Any = [("GET", r"/workflow_nodes/$"), ("OPTIONS", ""), *REQUESTS.values()]
    sandbox.misbehave([{"method": method, "path": path, "kind": kind} for method, path in asked])
    task = {"workflow_job_id": made["id"], "nodes": "failed", "wait": True, **admin}

    first, second = at_once(**task), at_once(**task)

    assert not first.get("failed") and (first["changed"], first["status"]) == (True, "successful"), first["msg"]
    (one,) = resumes(sandbox, made["id"])
    assert (one["id"], sorted(sandbox.nodes(one["id"]))) == (first["id"], ["B", "D"])
    assert (second["changed"], second["id"]) == (False, first["id"])
    assert temporary(sandbox, made["id"]) == []


@pytest.mark.parametrize("moment", KILLS)
def test_whenever_a_task_is_killed_the_next_run_ends_in_one_complete_resume(
    sandbox: Sandbox, workflow: Workflow, admin: Options, environment: dict[str, str], moment: str
) -> None:
    made = workflow(*TWO_PROJECTS)
    task = {"workflow_job_id": made["id"], "nodes": "failed", "wait": True, **admin}
    newest = max(made["id"], *made["jobs"].values())

    if moment == "waiting":
        sandbox.settings(max_running=0)
    kill_at(sandbox, task, *KILLS[moment], environment)
    sandbox.settings(max_running=4)
    second, third = at_once(**task), at_once(**task)

    assert not second.get("failed") and second["status"] == "successful", second["msg"]
    assert second["changed"] == (KILLS[moment][0] in ("create", "node", "link", "lineage"))
    (one,) = resumes(sandbox, made["id"])
    assert (one["id"], sorted(sandbox.nodes(one["id"]))) == (second["id"], ["B", "D"])
    ran = sandbox.request("GET", f"/unified_jobs/?id__gt={newest}").body["results"]
    assert sorted(job["type"] for job in ran) == ["project_update", "project_update", "workflow_job"]
    assert temporary(sandbox, made["id"]) == []
    assert (third["changed"], third["id"]) == (False, second["id"])


def test_a_workflow_that_ends_while_others_are_looked_for_is_told_as_it_is(
    sandbox: Sandbox, workflow: Workflow, admin: Options
) -> None:
    made = workflow(*TWO_PROJECTS)
    sandbox.misbehave([{"method": "GET", "path": "/workflow_jobs/$", "kind": "slow", "when": "before", "delay": 3}])

    result = at_once(workflow_job_id=made["id"], nodes="failed", wait=True, **admin)

    assert (result["changed"], result["status"], result["job"]["status"]) == (True, "successful", "successful")


def test_what_a_killed_run_left_is_removed(sandbox: Sandbox, workflow: Workflow, admin: Options) -> None:
    made = workflow(*TWO_PROJECTS)
    left_behind(sandbox, made)

    result = at_once(workflow_job_id=made["id"], nodes="failed", wait=True, **admin)

    assert not result.get("failed") and result["changed"], result["msg"]
    assert temporary(sandbox, made["id"]) == []
    assert len(resumes(sandbox, made["id"])) == 1


@pytest.mark.parametrize("before", ["nothing", "active", "done"])
def test_what_is_left_of_resumes_is_removed_after_all_nodes_have_succeeded(
    sandbox: Sandbox, workflow: Workflow, admin: Options, before: str
) -> None:
    made = workflow(*TWO_PROJECTS)
    left_behind(sandbox, made)
    task = {"workflow_job_id": made["id"], "interval": 0.2, **admin}
    if before != "nothing":
        sandbox.settings(max_running=0 if before == "active" else 4)
        launched = at_once(**task)
        assert temporary(sandbox, made["id"])
        sandbox.settings(max_running=4)
        if before == "done":
            sandbox.wait(launched["id"])

    result = at_once(**task, wait=True)

    assert (result.get("failed"), result["changed"]) == (None, before == "nothing"), result["msg"]
    assert (result["status"], temporary(sandbox, made["id"])) == ("successful", []), result["msg"]


def test_one_that_shows_up_is_read_again(sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options) -> None:
    made = workflow(line(deploy(["web1", "web2"])["id"]), FAILED_LINE)["id"]
    sandbox.misbehave([{"kind": "notfound", "method": "GET", "path": f"/workflow_jobs/{made}/$"}])

    result = at_once(check_mode=True, workflow_job_id=made, nodes="failed", **admin)

    assert result["msg"].startswith(f"What remains of workflow job {made} would run: B, D.")


def test_refusals_make_nothing(sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options) -> None:
    hosts = ["web1", "web2"]
    template = deploy(hosts)["id"]
    nodes, failed = line(template), FAILED_LINE
    plain = workflow(nodes, failed)
    secret = workflow(
        nodes,
        failed,
        survey=[{"variable": "pin", "type": "password", "required": True}],
        fields={"prompts": {"extra_vars": {"pin": "1234"}}},
    )
    sliced = workflow(line(deploy(hosts, job_slice_count=2)["id"]), failed)
    unlimited = workflow(line(deploy(hosts, asks=[])["id"]), failed)
    gone = workflow(line(template := deploy(hosts)["id"]), failed)
    sandbox.delete_template(template)
    hidden = workflow(
        {"A": {"template": nodes["B"]["template"], "success": ["B"]}, **nodes},
        {"A": {"status": "successful", "artifacts": {"token": "s3cret", "_ansible_no_log": True}}, **failed},
    )
    job = plain["jobs"]["B"]
    running = workflow(line(deploy(hosts)["id"]), {"B": {"status": "running"}, "D": None}, {"status": "running"})["id"]

    def task(number: int, **more: t.Any) -> Options:
        return {"workflow_job_id": number, "nodes": "failed", **admin, **more}

    cases: list[tuple[Options, str]] = [
        (task(plain["id"], controller_oauthtoken=sandbox.token("alice")), "the role workflow admin in Default"),
        (task(plain["id"], controller_oauthtoken=sandbox.token("mallory")), "may not see workflow job"),
        (
            task(unlimited["id"], controller_oauthtoken=sandbox.token("alice")),
            "node_hosts: all to run it whole. (2) Resuming",
        ),
        (task(secret["id"]), "answers to secret questions"),
        (task(sliced["id"]), "The template of B is sliced"),
        (task(unlimited["id"]), "The template of B takes no limit"),
        (task(gone["id"]), "What B, D would run has been deleted"),
        (task(hidden["id"]), "What A set with set_stats is hidden by no_log"),
        (task(running), "is running: what has to run again is known when it has ended"),
        (task(job), f"{job} is the id of a job, not of a workflow job. job_relaunch relaunches it."),
        (task(999999), "Workflow job 999999 does not exist"),
    ]

    for options, words in cases:
        result = at_once(**options)
        assert (result["failed"], result["changed"]) == (True, False)
        assert words in result["msg"], result["msg"]
    assert unsafe(sandbox) == []


def test_all_that_stands_in_the_way_is_told_at_once(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options
) -> None:
    asking = sandbox.add_credential(f"asks {os.urandom(3).hex()}", "ssh", asks=["ssh_password"])
    unseen, readable, password, unlimited, gone, fine = (
        deploy(["web1", "web2"], **options)["id"]
        for options in ({}, {}, {"credentials": [asking]}, {"asks": []}, {}, {})
    )
    nested = sandbox.add_workflow_template_with_nodes(f"Nested {os.urandom(3).hex()}", line(fine))["id"]
    sandbox.roles(unseen, alice=None)
    sandbox.roles(nested, alice=None)
    sandbox.roles(readable, alice="read")
    templates = {"B": unseen, "C": password, "D": unlimited, "E": gone}
    nodes = {name: {"template": number} for name, number in templates.items()}
    nodes["B"]["success"], nodes["C"]["success"] = ["F"], ["G"]
    failed = dict.fromkeys(templates, FAILED_LINE["B"])
    made = workflow(
        {**nodes, "F": {"template": readable}, "G": {"template": nested}},
        {**failed, "F": "do_not_run", "G": "do_not_run"},
    )
    sandbox.delete_template(gone)
    task = {"workflow_job_id": made["id"], "nodes": "failed", **admin}

    result = at_once(**{**task, "controller_oauthtoken": sandbox.token("alice")})

    words = [
        "(1) What E would run has been deleted",
        "(2) This user may not start what",
        "(3) What C would run asks for a password",
        "(4) The template of D takes no limit",
        "(5) Resuming takes a temporary workflow template",
    ]
    assert result["failed"] and not result["changed"]
    places = [result["msg"].find(word) for word in words]
    assert -1 not in places and places == sorted(places), result["msg"]
    assert set(result["msg"].split("may not start what ")[1].split(" would")[0].split(", ")) == {"B", "F", "G"}
    assert unsafe(sandbox) == []


def test_who_may_make_workflows_elsewhere_only_is_told_so(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options
) -> None:
    made = workflow(line(deploy(["web1", "web2"])["id"]), FAILED_LINE)
    denied = {"kind": "status", "status": 403, "body": {}, "times": 2}
    sandbox.misbehave([{"method": "POST", "path": "/workflow_job_templates/$", **denied}])

    result = at_once(workflow_job_id=made["id"], nodes="failed", **admin)

    assert result["failed"] and not result["changed"] and "the role workflow admin in" in result["msg"], result["msg"]


def test_a_node_that_is_refused_is_named_and_nothing_is_left(
    sandbox: Sandbox, workflow: Workflow, admin: Options
) -> None:
    made = workflow(*TWO_PROJECTS)
    denied = {"kind": "status", "status": 403, "body": {"detail": "You may not."}, "after_requests": 1, "times": 2}
    sandbox.misbehave([{"method": "POST", "path": "/workflow_nodes/$", **denied}])

    result = at_once(workflow_job_id=made["id"], nodes="failed", **admin)

    assert result["failed"] and not result["changed"]
    assert "could not be made: D: " in result["msg"] and "You may not. It takes the role execute" in result["msg"]
    assert temporary(sandbox, made["id"]) == []


def test_all_nodes_are_launched_once_and_adopted_until_they_have_succeeded(
    sandbox: Sandbox, workflow: Workflow, admin: Options
) -> None:
    made = workflow(*TWO_PROJECTS)
    task = {"workflow_job_id": made["id"], **admin}

    results = [at_once(**task), at_once(**task), at_once(**task, wait=True), at_once(**task)]

    assert not any(result.get("failed") for result in results), results
    assert [result["changed"] for result in results] == [True, False, False, False]
    assert len({result["id"] for result in results}) == 1
    assert [result["status"] for result in results[2:]] == ["successful"] * 2
    assert unsafe(sandbox) == ["POST workflow_jobs/N/relaunch/"]
    assert sorted(sandbox.nodes(results[0]["id"])) == ["B", "D"]


def test_what_ran_without_its_template_still_counts(sandbox: Sandbox, workflow: Workflow, admin: Options) -> None:
    made = workflow(*TWO_PROJECTS)
    task = {"workflow_job_id": made["id"], "nodes": "failed", **admin}
    sandbox.settings(max_running=0)
    first = at_once(**task)
    sandbox.settings(max_running=4)
    sandbox.wait(first["id"])
    assert sandbox.request("DELETE", f"/workflow_job_templates/{first['temporary_template_id']}/").status == 204

    second = at_once(**task)

    assert (second["changed"], second["status"], second["id"]) == (False, "successful", first["id"])


def test_a_relaunch_of_all_nodes_by_hand_counts(sandbox: Sandbox, workflow: Workflow, admin: Options) -> None:
    nodes: Options = {"B": {"project": "first", "success": ["D"]}, "D": {"approval": "Go on?"}}
    made = workflow(nodes, TWO_PROJECTS[1])
    task = {"workflow_job_id": made["id"], "nodes": "failed", **admin}
    by_hand = sandbox.relaunch_workflow(made["id"])

    first = at_once(**task)
    sandbox.approve(by_hand, "D")
    sandbox.wait(by_hand)
    second = at_once(**task)

    assert (first["changed"], first["id"], first.get("failed", False)) == (False, by_hand, False), first["msg"]
    assert first["status"] in ("pending", "waiting", "running")
    assert (second["changed"], second["id"], second["status"]) == (False, by_hand, "successful"), second["msg"]
    assert unsafe(sandbox) == []


@pytest.mark.parametrize("nodes", ["failed", "all"])
def test_check_mode_does_not_wait_for_a_source(
    sandbox: Sandbox, workflow: Workflow, admin: Options, nodes: str
) -> None:
    number = workflow(TWO_PROJECTS[0], {"B": {"status": "running"}, "D": None}, {"status": "running"})["id"]

    result = at_once(workflow_job_id=number, nodes=nodes, check_mode=True, wait=True, timeout=1, **admin)

    assert (result.get("failed", False), result["changed"], unsafe(sandbox)) == (False, False, []), result["msg"]
    said = f"Workflow job {number} is running: its end decides. It would be waited for."
    assert (result["id"], result["msg"]) == (number, said)


def test_goes_on_from_a_relaunch_of_all_nodes_that_came_further(
    sandbox: Sandbox, workflow: Workflow, admin: Options
) -> None:
    made = workflow(*TWO_PROJECTS)
    outcomes = {"B": "successful", "D": "failed"}
    by_hand = sandbox.make_workflow_job(made["template"], outcomes, launch_type="relaunch")
    sandbox.make_workflow_job(
        made["template"], {"B": "canceled", "D": "do_not_run"}, launch_type="relaunch", status="canceled"
    )

    result = at_once(workflow_job_id=made["id"], nodes="failed", wait=True, **admin)

    assert (result["changed"], result["status"]) == (True, "successful"), (by_hand, result["msg"])
    assert sorted(sandbox.nodes(result["id"])) == ["D"]


def test_what_may_not_be_read_after_a_failure_is_not_run_again(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options, tmp_path: Path
) -> None:
    made = workflow(line(deploy(["web1", "web2"], outcomes=None)["id"]), FAILED_LINE)
    sandbox.organization_roles(made["organization"], alice="workflow_admin")
    task = {"workflow_job_id": made["id"], "nodes": "failed", "wait": True, **admin}
    (tmp_path / "web1").touch()
    first = at_once(**task)
    assert sandbox.request("DELETE", f"/workflow_job_templates/{first['temporary_template_id']}/").status == 204

    second = at_once(**{**task, "controller_oauthtoken": sandbox.token("alice")})

    assert second["failed"] and not second["changed"]
    assert f"Workflow job {first['id']} ran what remained of" in second["msg"], second["msg"]


def test_a_launch_that_is_refused_leaves_nothing_behind(sandbox: Sandbox, workflow: Workflow, admin: Options) -> None:
    made = workflow(*TWO_PROJECTS)
    refusal = {"kind": "status", "status": 400, "body": {"detail": "Not now."}}
    sandbox.misbehave([{"method": "POST", "path": "/launch/$", **refusal}])

    result = at_once(workflow_job_id=made["id"], nodes="failed", **admin)

    assert result["failed"] and not result["changed"] and "Not now." in result["msg"], result["msg"]
    assert temporary(sandbox, made["id"]) == []


def test_a_token_that_expires_before_the_launch_is_to_be_renewed(
    sandbox: Sandbox, workflow: Workflow, admin: Options
) -> None:
    made = workflow(*TWO_PROJECTS)
    expires = {"kind": "act", "calls": [{"method": "POST", "path": "/tokens/expire"}]}
    sandbox.misbehave(t.cast("t.Any", [{"method": "POST", "path": "/launch/$", **expires}]))

    result = at_once(workflow_job_id=made["id"], nodes="failed", **admin)

    assert (result["failed"], result["changed"]) == (True, False)
    assert "The credentials have just expired or been revoked: renew them" in result["msg"], result["msg"]


def test_a_template_that_cannot_be_deleted_is_told(sandbox: Sandbox, workflow: Workflow, admin: Options) -> None:
    made = workflow(*TWO_PROJECTS)
    refusal = {"kind": "status", "status": 400, "body": {"detail": "Not now."}}
    trouble = {"kind": "status", "status": 500, "times": None}
    rules = [{"method": "POST", "path": "/launch/$", **refusal}, {"method": "DELETE", "path": "", **trouble}]
    sandbox.misbehave(t.cast("t.Any", rules))

    result = at_once(workflow_job_id=made["id"], nodes="failed", **{**admin, "max_retries": 0})

    (left,) = temporary(sandbox, made["id"])
    assert (result["failed"], result["changed"], result["temporary_template_id"]) == (True, False, left)
    (warning,) = result["warnings"]
    assert warning.startswith(f"The temporary workflow template {left} stays: ") and "Not now." in result["msg"]


def test_a_template_that_may_have_been_made_is_named(sandbox: Sandbox, workflow: Workflow, admin: Options) -> None:
    made = workflow(*TWO_PROJECTS)
    path, trouble = "/workflow_job_templates/$", {"kind": "status", "status": 502, "times": None}
    rules = [
        {"method": "POST", "path": path, "kind": "drop", "when": "after"},
        {"method": "GET", "path": path, "after_requests": 1, **trouble},
    ]
    sandbox.misbehave(t.cast("t.Any", rules))

    result = at_once(workflow_job_id=made["id"], nodes="failed", **{**admin, "max_retries": 1})

    sandbox.behave()
    (left,) = temporary(sandbox, made["id"])
    name = sandbox.request("GET", f"/workflow_job_templates/{left}/").body["name"]
    assert (result["failed"], result["changed"]) == (True, False)
    assert f"It is unknown whether the temporary workflow template '{name}' was made: " in result["msg"], result["msg"]


def test_an_interruption_tells_what_of_a_template_is_there(
    sandbox: Sandbox, workflow: Workflow, admin: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workflow(*TWO_PROJECTS)

    def interrupt(*_arguments: t.Any) -> t.NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(temporary_template, "_add", interrupt)

    result = at_once(workflow_job_id=made["id"], nodes="failed", **admin)

    (left,) = temporary(sandbox, made["id"])
    assert (result["failed"], result["changed"], result["temporary_template_id"]) == (True, False, left)
    assert result["msg"].startswith(f"Interrupted. The temporary workflow template {left} is there: "), result["msg"]


def test_approvals_and_what_nodes_hold_several_of_are_made_anew(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options
) -> None:
    template = deploy(["web1"], asks=[*ASKS, "credentials", "labels"])["id"]
    held = {"credentials": [sandbox.add_credential("cloud", "aws")], "labels": [sandbox.add_label("weekly")]}
    made = workflow(
        {
            "B": {"project": "first", "success": ["gate"]},
            "gate": {"approval": "Go on?", "timeout": 60, "success": ["D"]},
            "D": {"template": template, "limit": "web1", **held},
        },
        {"B": "failed", "gate": "do_not_run", "D": "do_not_run"},
    )
    sandbox.settings(max_running=0)

    result = at_once(workflow_job_id=made["id"], nodes="failed", **admin)

    assert result["changed"] and not result.get("failed"), result["msg"]
    path = f"/workflow_job_templates/{result['temporary_template_id']}/workflow_nodes/"
    nodes = {node["identifier"]: node for node in sandbox.request("GET", path).body["results"]}
    assert nodes["D"]["limit"] == "web1"
    for name, ids in held.items():
        listed = sandbox.request("GET", f"/workflow_job_template_nodes/{nodes['D']['id']}/{name}/").body["results"]
        assert [one["id"] for one in listed] == ids
    approval = sandbox.request("GET", f"/workflow_approval_templates/{nodes['gate']['unified_job_template']}/").body
    assert (approval["name"], approval["timeout"]) == ("Go on?", 60)


def test_a_credential_is_given_to_a_node_once(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, admin: Options
) -> None:
    """The answer to that is lost; the template has got another credential of the node itself since."""
    template = deploy(["web1"], asks=[*ASKS, "credentials"])["id"]
    held = [sandbox.add_credential(kind, kind) for kind in ("aws", "ssh")]
    nodes: Options = {"B": {"project": "first", "success": ["D"]}, "D": {"template": template, "credentials": held}}
    made = workflow(nodes, {"B": "failed", "D": "do_not_run"})
    sandbox.change_template(template, credentials=held[1:])
    sandbox.misbehave([{"method": "POST", "path": r"/\d+/credentials/$", "kind": "drop", "when": "after"}])

    result = at_once(workflow_job_id=made["id"], nodes="failed", wait=True, **{**admin, "max_retries": 3})

    assert result["changed"] and not result.get("failed"), result["msg"]
    shown = sandbox.job(sandbox.nodes(result["id"])["D"]["job"])["summary_fields"]["credentials"]
    assert sorted(one["id"] for one in shown) == held
    assert unsafe(sandbox).count("POST workflow_job_template_nodes/N/credentials/") == 1


@pytest.mark.parametrize("first", ["resume", "relaunch"])
@pytest.mark.parametrize("nodes", ["failed", "all"])
def test_gives_way_to_another_caller_who_was_first(
    sandbox: Sandbox, workflow: Workflow, admin: Options, nodes: str, first: str
) -> None:
    graph: Options = {"B": {"project": "first", "success": ["D"]}, "D": {"approval": "Go on?"}}
    made = workflow(graph, {"B": "failed", "D": "do_not_run"})
    other = left_behind(sandbox, made)
    node = sandbox.request("POST", f"/workflow_job_templates/{other}/workflow_nodes/", body={"identifier": "D"}).body
    path = f"/workflow_job_template_nodes/{node['id']}/create_approval_template/"
    assert sandbox.request("POST", path, body={"name": "Go on?"}).status == 201
    paths = {
        "resume": f"/workflow_job_templates/{other}/launch/",
        "relaunch": f"/workflow_jobs/{made['id']}/relaunch/",
    }
    launch: Options = {"method": "POST", "path": paths[first], "user": "admin", "body": {}}
    rule: Options = {"kind": "act", "when": "before", "method": "POST", "path": "/(re)?launch/$", "calls": [launch]}
    sandbox.misbehave(t.cast("t.Any", [rule]))

    result = at_once(workflow_job_id=made["id"], nodes=nodes, **admin)

    assert not result.get("failed") and not result["changed"], result["msg"]
    winner, loser = sandbox.request("GET", f"/workflow_jobs/?id__gt={made['id']}&order_by=id").body["results"]
    assert (result["id"], result["own_job_id"]) == (winner["id"], loser["id"])
    assert loser["status"] == "canceled"
    assert temporary(sandbox, made["id"]) == [other]
    sandbox.cancel(winner["id"])


def test_check_mode_refuses_whom_the_controller_does_not_let_start(
    sandbox: Sandbox, workflow: Workflow, admin: Options
) -> None:
    made = workflow(*TWO_PROJECTS, roles={"mallory": "read"})
    task = {"workflow_job_id": made["id"], **admin, "controller_oauthtoken": sandbox.token("mallory")}

    checked, ran = at_once(check_mode=True, **task), at_once(**task)

    assert (checked["failed"], checked["changed"], ran["failed"]) == (True, False, True), checked["msg"]
    assert f"does not let this user start workflow job {made['id']}. This takes the execute role" in checked["msg"]


@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("change", ["none", "another count", "template deleted"])
def test_a_sliced_job_is_relaunched_while_its_template_makes_as_many_slices(
    sandbox: Sandbox, deploy: Deploy, admin: Options, change: str, count: int, check_mode: bool
) -> None:
    """There are no more slices than hosts, whatever the count."""
    template = deploy(["web1", "web2"], job_slice_count=count, outcomes={"web2": "failed"})["id"]
    sliced = sandbox.launch(template)
    sandbox.wait(sliced)
    if change == "another count":
        sandbox.change_template(template, job_slice_count=1)
    elif change == "template deleted":
        sandbox.delete_template(template)

    result = at_once(check_mode=check_mode, workflow_job_id=sliced, **admin)

    assert (result.get("failed", False), result["changed"]) == (change != "none", change == "none"), result["msg"]
    assert (f"bulk_job_relaunch, with workflow_job_id: {sliced}," in result["msg"]) is (change != "none")


@pytest.mark.parametrize("resumed", [False, True], ids=["the workflow", "what remains"])
@pytest.mark.parametrize("nodes", ["failed", "all"])
def test_a_task_does_not_wait_for_the_workflow_that_it_runs_in(
    sandbox: Sandbox,
    deploy: Deploy,
    workflow: Workflow,
    admin: Options,
    monkeypatch: pytest.MonkeyPatch,
    nodes: str,
    resumed: bool,
) -> None:
    template = deploy(["web1", "web2"])["id"]
    graph: Options = {"B": {"template": template, "failure": ["H"]}, "H": {"template": template}}
    made = workflow(graph, {**FAILED_LINE, "H": {"status": "running"}}, {"status": "running"})
    number = made["id"]
    if resumed:
        number = workflow(*TWO_PROJECTS)["id"]
        sandbox.control("PATCH", f"/jobs/{made['id']}", {"name": f"Remainder of workflow job {number} abc"})
    monkeypatch.setenv("JOB_ID", str(made["jobs"]["H"]))
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx")
    task = {"workflow_job_id": number, "nodes": nodes, "wait": True, "timeout": 5, **admin}

    for check_mode in (False, True):
        result = at_once(check_mode=check_mode, **task)
        assert (result["failed"], result["changed"]) == (True, False), result["msg"]
        said = f"Workflow job {made['id']} is the one that this task runs in, as job {made['jobs']['H']} of a node"
        assert f"{said}: it cannot wait for itself." in result["msg"]
