# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A workflow resumed exactly: nothing twice, nothing lost, nothing passed over."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._workflow import resume_workflow, temporary_template
from end_to_end.workflow_jobs import (
    ASKS,
    DEPLOY,
    FAILED_LINE,
    TWO_PROJECTS,
    Deploy,
    Options,
    Workflow,
    at_once,
    left_behind,
    line,
    resumes,
    temporary,
    unsafe,
    until,
    variables,
)
from sandbox.faults import Rule
from sandbox.process import Sandbox

TWO = ("web1", "web2")
THREE = ("web1", "web2", "web3")
EXECUTE = {"alice": "execute"}
GATE_AND_ROLLBACK: Options = {
    "A": {"project": "first", "success": ["gate"], "failure": ["rollback"]},
    "gate": {"approval": "Go on?"},
    "rollback": {"project": "second"},
}
Task = t.Callable[..., Options]
# When the first node of a temporary template has been made.
WHILE_IT_IS_MADE: Rule = {"kind": "act", "when": "after", "method": "POST", "path": "/workflow_nodes/$"}


@pytest.fixture
def resume(admin: Options) -> Task:
    """Resume a workflow job from its failed nodes, and wait for it."""

    def resume(number: int, **options: t.Any) -> Options:
        given = {"workflow_job_id": number, "nodes": "failed", "wait": True, "interval": 0.2}
        result = {"failed": False, **at_once(**{**given, **admin, **options})}
        print(result["msg"])
        return result

    return resume


def nested_and_project(sandbox: Sandbox) -> tuple[Options, Options]:
    """A nested workflow that failed, and a project behind it; for ``workflow``."""
    inner = sandbox.add_workflow_template_with_nodes(f"Inner {os.urandom(3).hex()}", TWO_PROJECTS[0])["id"]
    nodes: Options = {"N": {"template": inner, "success": ["D"]}, "D": {"project": "third"}}
    return nodes, {"N": {"status": "failed", "nodes": TWO_PROJECTS[1]}, "D": "do_not_run"}


def heal(sandbox: Sandbox, job: int, *hosts: str, failing: str = "") -> int:
    """Relaunch a job on its failed hosts, with success, but for one of them; the number of the relaunch."""
    sandbox.settings(max_running=0)
    relaunch = sandbox.relaunch(job, hosts="failed")
    results = {host: "failed" if host == failing else "ok" for host in hosts}
    sandbox.end_job(relaunch, "failed" if failing else "successful", results)
    sandbox.settings(max_running=4)
    sandbox.clear_log()
    return relaunch


def healing(job: int, hosts: str, *well: str) -> t.Any:
    """What relaunches a job, with success on these hosts, at a moment of a rule; ``{id}`` is the relaunch."""
    return [
        {"method": "PATCH", "path": "/settings", "body": {"max_running": 0}},
        {"method": "POST", "path": f"/jobs/{job}/relaunch/", "user": "admin", "body": {"hosts": hosts}},
        {
            "method": "POST",
            "path": "/jobs/{id}/end",
            "body": {"status": "successful", "hosts": dict.fromkeys(well, "ok")},
        },
        {"method": "PATCH", "path": "/settings", "body": {"max_running": 4}},
    ]


def limits(sandbox: Sandbox, number: int) -> dict[str, str]:
    """By node of a workflow job that ran a job, its limit."""
    return {name: sandbox.job(node["job"])["limit"] for name, node in sandbox.nodes(number).items()}


def canceled(sandbox: Sandbox, result: Options, node: str) -> Options:
    """Cancel a resume once it has a job for this node; the result that began it."""
    until(lambda: sandbox.nodes(result["id"])[node]["job"] is not None)
    assert sandbox.request("POST", f"/workflow_jobs/{result['id']}/cancel/").status == 202
    assert sandbox.wait(result["id"]) == "canceled"
    return result


class TestOfFailedNodes:
    """What is left of a failed node is what its ledger says."""

    @pytest.fixture
    def rollout(self, sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> t.Callable[[str], int]:
        """A rollout that stopped when a host failed, before a verification: the number of the workflow job."""

        def rollout(keyword: str, before: bool = False, failing: str = "web1") -> int:
            name = f"{request.node.name} {os.urandom(3).hex()}"
            playbook = DEPLOY.replace("gather_facts: false", f"gather_facts: false\n  {keyword}") + (
                "    - name: Serve\n      ansible.builtin.raw: 'true'\n"
            )
            hosts = {host: {"folder": str(tmp_path)} for host in THREE}
            template = sandbox.add_template(name, playbook, hosts=hosts, asks=ASKS)["id"]
            if before:
                assert sandbox.wait(sandbox.launch(template)) == "successful"
            nodes = {"deploy": {"template": template, "success": ["verify"]}, "verify": {"project": "first"}}
            flow = sandbox.add_workflow_template_with_nodes(f"Flow {name}", nodes)["id"]
            (tmp_path / failing).touch()
            number = sandbox.launch_workflow(flow)
            assert sandbox.wait(number) == "failed"
            (tmp_path / failing).unlink()
            sandbox.clear_log()
            return number

        return rollout

    @pytest.mark.parametrize(("keyword", "before"), [("serial: 1", False), ("any_errors_fatal: true", True)])
    def test_a_rollout_that_was_cut_short_is_not_gone_on_from(
        self, sandbox: Sandbox, rollout: t.Callable[..., int], resume: Task, keyword: str, before: bool
    ) -> None:
        number = rollout(keyword, before)

        refused = resume(number)

        assert (refused["failed"], refused["changed"], unsafe(sandbox)) == (True, False, []), refused["msg"]
        assert "web2, web3" in refused["msg"] and "Set fallback_to_all: true" in refused["msg"], refused["msg"]
        result = resume(number, fallback_to_all=True)
        assert (result["failed"], result["status"]) == (False, "successful"), result["msg"]
        assert "deploy runs on all of its hosts: job " in result["msg"]
        node = sandbox.nodes(result["id"])["deploy"]
        assert sandbox.job(node["job"])["limit"] == ""

    def test_a_rollout_goes_on_with_exactly_what_remains(
        self, sandbox: Sandbox, rollout: t.Callable[..., int], resume: Task
    ) -> None:
        """The first batch is done, the second one failed, and the third one was never begun."""
        number = rollout("serial: 1", failing="web2")

        planned = resume(number, node_hosts="remaining", check_mode=True)
        assert unsafe(sandbox) == []
        result, again = (resume(number, node_hosts="remaining") for _time in range(2))

        assert {node["name"]: node["hosts"] for node in planned["nodes"]} == {"deploy": ["web2", "web3"], "verify": []}
        assert (result["failed"], result["status"]) == (False, "successful"), result["msg"]
        assert sandbox.job(sandbox.nodes(result["id"])["deploy"]["job"])["limit"] == "web2,web3"
        assert (again["failed"], again["changed"]) == (False, False), again["msg"]

    def test_of_an_interrupted_node_the_failed_hosts_are_not_known(
        self, sandbox: Sandbox, resume: Task, request: pytest.FixtureRequest
    ) -> None:
        name = f"{request.node.name} {os.urandom(3).hex()}"
        playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.raw: sleep 60\n"
        template = sandbox.add_template(name, playbook, hosts={"web1": {}}, asks=ASKS)["id"]
        flow = sandbox.add_workflow_template_with_nodes(f"Flow {name}", {"B": {"template": template}})["id"]
        number = sandbox.launch_workflow(flow)
        began = f"/jobs/?unified_job_node__workflow_job={number}&job_events__event=playbook_on_task_start"
        until(lambda: bool(sandbox.request("GET", began).body["results"]))
        assert sandbox.request("POST", f"/workflow_jobs/{number}/cancel/", body={}).status == 202
        assert sandbox.wait(number) == "canceled"
        sandbox.settings(max_running=0)

        refused = [resume(number, node_hosts=hosts) for hosts in ("failed", "remaining")]
        result = resume(number, fallback_to_all=True, wait=False)

        assert all(one["failed"] and "Set fallback_to_all: true" in one["msg"] for one in refused), refused
        assert not result["failed"] and "B runs on all of its hosts" in result["msg"], result["msg"]

    @pytest.fixture
    def failed_on_two(self, deploy: Deploy, workflow: Workflow) -> tuple[Options, Options]:
        """A template, and a workflow job that failed in its first node on two of three hosts."""
        template = deploy(THREE)
        failed = {"web1": "ok", "web2": "failed", "web3": "failed"}
        outcomes = {"B": {"status": "failed", "hosts": failed}, "D": "do_not_run"}
        return template, workflow(line(template["id"]), outcomes)

    def test_hosts_that_were_deleted_are_told_and_nothing_runs_on_all_hosts_for_them(
        self, sandbox: Sandbox, failed_on_two: tuple[Options, Options], workflow: Workflow, resume: Task
    ) -> None:
        template, some = failed_on_two
        sandbox.delete_host(template["hosts"]["web3"])

        first = resume(some["id"])

        assert (first["failed"], limits(sandbox, first["id"])) == (False, {"B": "web2", "D": ""}), first["msg"]
        assert first["warnings"] == ["B failed on web3, not in the inventory any more: left out."]
        assert first["gone_hosts"] == ["web3"]

        only = {"status": "failed", "hosts": {"web1": "ok", "web2": "failed"}}
        alone = workflow(line(template["id"]), {"B": only, "D": "do_not_run"})
        sandbox.delete_host(template["hosts"]["web2"])
        second = resume(alone["id"])
        assert (second["failed"], limits(sandbox, second["id"])) == (False, {"D": ""}), second["msg"]
        assert second["warnings"] == ["B failed on web2, not in the inventory any more: left out."]

    def test_a_host_that_is_disabled_is_not_done(
        self, sandbox: Sandbox, failed_on_two: tuple[Options, Options], resume: Task
    ) -> None:
        template, made = failed_on_two
        sandbox.disable_host(template["hosts"]["web3"])

        refused = resume(made["id"])

        assert (refused["failed"], refused["changed"], unsafe(sandbox)) == (True, False, [])
        assert "B has web3 left, where it cannot run: disabled" in refused["msg"], refused["msg"]
        result = resume(made["id"], node_hosts="all")
        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"B": "", "D": ""}), result["msg"]

    def test_a_host_that_is_renamed_meanwhile_is_not_left_out(
        self, sandbox: Sandbox, failed_on_two: tuple[Options, Options], resume: Task
    ) -> None:
        template, made = failed_on_two
        rename: t.Any = {"method": "PATCH", "path": f"/hosts/{template['hosts']['web3']}", "body": {"name": "db3"}}
        sandbox.misbehave([{**WHILE_IT_IS_MADE, "calls": [rename]}])

        result = resume(made["id"])

        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"B": "db3,web2", "D": ""}), result["msg"]
        assert temporary(sandbox, made["id"]) == []

    def test_who_may_not_read_the_inventory_is_told_afterwards(
        self, sandbox: Sandbox, failed_on_two: tuple[Options, Options], resume: Task
    ) -> None:
        template, made = failed_on_two
        sandbox.disable_host(template["hosts"]["web3"])
        sandbox.organization_roles(made["organization"], alice="workflow_admin")

        result = resume(made["id"], controller_oauthtoken=sandbox.token("alice"))

        (warning,) = result["warnings"]
        assert (result["failed"], result["status"]) == (False, "successful"), result["msg"]
        assert warning.startswith("B did not run on web3 in job "), warning

    @pytest.mark.parametrize("ended", [True, False])
    def test_whoever_finds_the_success_is_told_too(
        self, sandbox: Sandbox, failed_on_two: tuple[Options, Options], resume: Task, ended: bool
    ) -> None:
        template, made = failed_on_two
        sandbox.disable_host(template["hosts"]["web3"])
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        alice = {"controller_oauthtoken": sandbox.token("alice")}
        sandbox.settings(max_running=0)
        first = resume(made["id"], wait=False, **alice)
        if ended:
            sandbox.settings(max_running=4)
            assert sandbox.wait(first["id"]) == "successful"
        begin: t.Any = {"method": "PATCH", "path": "/settings", "body": {"max_running": 4}}
        found = f"/workflow_jobs/{first['id']}/$"
        sandbox.misbehave([{"kind": "act", "when": "after", "path": found, "calls": [begin]}])

        second = resume(made["id"], **alice)

        (warning,) = second["warnings"]
        assert (second["id"], second["changed"], second["status"]) == (first["id"], False, "successful"), second["msg"]
        assert warning.startswith("B did not run on web3 in job "), warning
        assert temporary(sandbox, made["id"]) == []

    def test_a_nested_workflow_that_was_resumed_on_its_own_does_not_run_again(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow(*nested_and_project(sandbox))
        refused = resume(made["id"])
        nested = resume(made["jobs"]["N"])

        result = resume(made["id"])

        assert refused["failed"] and "N is a workflow itself" in refused["msg"], refused["msg"]
        assert (nested["status"], sorted(sandbox.nodes(result["id"]))) == ("successful", ["D"]), result["msg"]

    def test_what_was_healed_by_hand_does_not_run_again(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow(line(deploy(TWO)["id"]), FAILED_LINE)
        by_hand = heal(sandbox, made["jobs"]["B"], "web2")

        result = resume(made["id"])

        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"D": ""}), result["msg"]
        assert f"What failed there has been done since: that of B in job {by_hand}." in result["msg"]

    def test_nothing_is_left_of_a_workflow_whose_last_node_was_healed(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow({"B": {"template": deploy(TWO)["id"]}}, {"B": FAILED_LINE["B"]})
        heal(sandbox, made["jobs"]["B"], "web2")

        result = resume(made["id"])

        assert (result["failed"], result["changed"], unsafe(sandbox)) == (False, False, [])
        assert result["msg"].endswith("Nothing to resume."), result["msg"]

    @pytest.mark.parametrize("user", ["admin", "alice"])
    def test_templates_go_where_nothing_is_left_and_all_can_be_seen(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, tmp_path: Path, user: str
    ) -> None:
        made = workflow({"B": {"template": deploy(TWO, outcomes=None)["id"]}}, {"B": FAILED_LINE["B"]})
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        (tmp_path / "web2").touch()
        first = resume(made["id"], controller_oauthtoken=sandbox.token(user))
        heal(sandbox, sandbox.nodes(first["id"])["B"]["job"], "web2")

        planned = resume(made["id"], controller_oauthtoken=sandbox.token(user), check_mode=True)
        assert unsafe(sandbox) == []
        second = resume(made["id"], controller_oauthtoken=sandbox.token(user))

        assert [(one["failed"], one["changed"]) for one in (planned, second)] == [(False, False)] * 2, second["msg"]
        assert bool(temporary(sandbox, made["id"])) == (user == "alice")

    def test_what_is_being_healed_is_waited_for(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, admin: Options
    ) -> None:
        made = workflow(line(deploy(TWO)["id"]), FAILED_LINE)
        sandbox.settings(max_running=0)
        active = sandbox.relaunch(made["jobs"]["B"], hosts="failed")
        ending: t.Any = {"status": "successful", "hosts": {"web2": "ok"}}
        calls: t.Any = [
            {"method": "POST", "path": f"/jobs/{active}/end", "body": ending},
            {"method": "PATCH", "path": "/settings", "body": {"max_running": 4}},
        ]
        sandbox.misbehave([{"kind": "act", "when": "after", "path": f"/jobs/{active}/$", "calls": calls}])
        options = {"workflow_job_id": made["id"], "nodes": "failed", **admin}

        planned = at_once(check_mode=True, wait=True, **options)
        refused = [at_once(check_mode=check_mode, **options) for check_mode in (True, False)]
        result = resume(made["id"])

        assert (planned.get("failed", False), planned["changed"]) == (False, False)
        assert f"Job {active}, which does work of B, is pending: its end decides." in planned["msg"], planned["msg"]
        assert all(one["failed"] and "Set wait: true to wait for that first" in one["msg"] for one in refused), refused
        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"D": ""}), result["msg"]

    def test_another_node_with_the_same_template_heals_nothing(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        nodes = {"B": {"template": (number := deploy(TWO)["id"]), "always": ["C"]}, "C": {"template": number}}
        done = {"status": "successful", "hosts": dict.fromkeys(TWO, "ok")}
        made = workflow(nodes, {"B": FAILED_LINE["B"], "C": done}, {"status": "successful"})

        result = resume(made["id"], handled=True)

        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"B": "web2"}), result["msg"]

    @pytest.mark.parametrize(("node", "runs"), [("drain", ["B", "D"]), ("B", ["D"])])
    def test_with_the_same_template_behind_two_nodes_another_workflow_job_heals_the_one_that_it_ran(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, node: str, runs: list[str]
    ) -> None:
        template = deploy(TWO)["id"]
        nodes: Options = {"drain": {"template": template, "success": ["B"]}, **line(template)}
        nodes["D"] = {"project": "first"}
        done = {"status": "successful", "hosts": dict.fromkeys(TWO, "ok")}
        made = workflow(nodes, {"drain": done, "B": FAILED_LINE["B"], "D": "do_not_run"})
        other: Options = {**dict.fromkeys(nodes, "do_not_run"), node: done}
        sandbox.make_workflow_job(made["template"], other, status="canceled")

        result = resume(made["id"])

        assert (result["failed"], sorted(sandbox.nodes(result["id"]))) == (False, runs), result["msg"]

    @pytest.mark.parametrize(("where", "runs"), [("beside", ["A", "Z"]), ("other", ["A", "Z"]), ("by hand", ["Z"])])
    def test_slices_of_another_node_with_the_same_template_heal_nothing(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, where: str, runs: list[str]
    ) -> None:
        """Behind B in the same workflow job, of B in another one, or of a launch of the template alone."""
        template = deploy(TWO, asks=[*ASKS, "job_slice_count"], job_slice_count=2)["id"]
        nodes: Options = {
            "A": {"template": template, "success": ["Z"]},
            "X": {"project": "first", "success": ["B"]},
            "B": {"template": template},
            "Z": {"project": "second"},
        }
        done: Options = {"status": "successful", "hosts": {"web1": "ok"}}
        failed = {"1": done, "2": {"status": "failed", "hosts": {"web2": "failed"}}}
        good = {"status": "successful", "nodes": {"1": done, "2": {"status": "successful", "hosts": {"web2": "ok"}}}}
        outcomes = {"A": {"status": "failed", "nodes": failed}, "X": "successful", "B": good, "Z": "do_not_run"}
        if where != "beside":
            outcomes["B"] = "do_not_run"
        made = workflow(nodes, outcomes)
        if where == "other":
            other = {**dict.fromkeys(nodes, "do_not_run"), "B": good}
            sandbox.make_workflow_job(made["template"], other, status="canceled")
        elif where == "by hand":
            sandbox.wait(sandbox.launch(template))
        sandbox.clear_log()

        result = resume(made["id"], check_mode=True)

        assert [node["name"] for node in result["nodes"] if node["name"] in "AZ"] == runs, result["msg"]

    @pytest.mark.parametrize("relaunched", [False, True])
    def test_a_node_of_a_nested_workflow_with_the_same_template_heals_nothing(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, relaunched: bool
    ) -> None:
        template = deploy(TWO)["id"]
        nested = {"inner": {"template": template}}
        flow = sandbox.add_workflow_template_with_nodes(f"Inner {os.urandom(3).hex()}", nested)["id"]
        nodes: Options = {"A": {"template": template, "success": ["Z"]}, "N": {"template": flow}}
        nodes["Z"] = {"project": "second"}
        status = "failed" if relaunched else "successful"
        ran = {"status": status, "hosts": dict.fromkeys(TWO, "failed" if relaunched else "ok")}
        outcomes = {"A": FAILED_LINE["B"], "N": {"status": status, "nodes": {"inner": ran}}, "Z": "do_not_run"}
        made = workflow(nodes, outcomes)
        if relaunched:
            again = {"inner": {"status": "successful", "hosts": dict.fromkeys(TWO, "ok")}}
            sandbox.make_workflow_job(flow, again, launch_type="relaunch", status="successful")

        result = resume(made["id"], check_mode=True)

        assert [node["name"] for node in result["nodes"]] == ["A", "Z"], result["msg"]

    def test_a_node_that_may_not_be_seen_heals_none_of_several_with_the_same_template(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        template = deploy(TWO)["id"]
        nodes: Options = {"A": {"template": template, "success": ["B"]}, "B": {"template": template}}
        made = workflow(nodes, {"A": FAILED_LINE["B"], "B": "do_not_run"})
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        done = {"status": "successful", "hosts": dict.fromkeys(TWO, "ok")}
        elsewhere: Options = {"roles": {}, "organization": "Elsewhere"}
        workflow({"Q": {"template": template}}, {"Q": done}, {"status": "successful"}, **elsewhere)

        results = [
            resume(made["id"], check_mode=True, controller_oauthtoken=sandbox.token(user))
            for user in ("admin", "alice")
        ]

        assert [[node["name"] for node in result["nodes"]] for result in results] == [["A", "B"]] * 2, results[1]["msg"]

    def test_a_node_that_never_began_runs_whole(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        failed = {"status": "failed", "started": None, "stats": False, "job_explanation": "Previous Task Failed"}
        made = workflow(line(deploy(TWO)["id"]), {"B": failed, "D": "do_not_run"})

        result = resume(made["id"])

        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"B": "", "D": ""}), result["msg"]
        assert "B runs on all of its hosts: job " in result["msg"] and "before it had begun" in result["msg"]

    @pytest.mark.parametrize("node_hosts", ["failed", "remaining"])
    def test_a_node_that_never_began_in_a_resume_runs_on_what_was_left(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, node_hosts: str
    ) -> None:
        failed = {"status": "failed", "hosts": {"web1": "ok", "web2": "failed", "web3": "failed"}}
        made = workflow(line(deploy(THREE)["id"]), {"B": failed, "D": "do_not_run"})
        sandbox.settings(max_running=0)

        first = canceled(sandbox, resume(made["id"], node_hosts=node_hosts, wait=False), "B")
        assert sandbox.job(sandbox.nodes(first["id"])["B"]["job"])["limit"] == "web2,web3"
        heal(sandbox, made["jobs"]["B"], "web2", "web3", failing="web3")
        sandbox.settings(max_running=0)
        second = canceled(sandbox, resume(made["id"], node_hosts=node_hosts, wait=False), "B")
        assert sandbox.job(sandbox.nodes(second["id"])["B"]["job"])["limit"] == "web3"
        sandbox.settings(max_running=4)
        third = resume(made["id"], node_hosts=node_hosts)

        assert limits(sandbox, third["id"]) == {"B": "web3", "D": ""}, third["msg"]

    def test_a_node_that_first_ran_in_a_resume_and_never_began_in_the_next_runs_on_what_was_left(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        one, two = (deploy(TWO)["id"] for _time in range(2))
        nodes: Options = {"B": {"template": one, "success": ["D"]}, "D": {"template": two}}
        made = workflow(nodes, FAILED_LINE)

        def job_of(number: int, name: str) -> int:
            until(lambda: sandbox.nodes(number)[name]["job"] is not None)
            return int(sandbox.nodes(number)[name]["job"])

        sandbox.settings(max_running=0)
        first = resume(made["id"], wait=False)
        sandbox.end_job(job_of(first["id"], "B"), "successful", {"web2": "ok"})
        sandbox.end_job(job_of(first["id"], "D"), "failed", {"web1": "ok", "web2": "failed"})
        assert sandbox.wait(first["id"]) == "failed"
        second = resume(made["id"], wait=False)
        job = job_of(second["id"], "D")
        never = {"status": "failed", "started": None, "stats": False, "job_explanation": "Previous Task Failed"}
        sandbox.control("POST", f"/jobs/{job}/end", never)
        assert (sandbox.wait(second["id"]), sandbox.job(job)["limit"]) == ("failed", "web2")
        sandbox.settings(max_running=4)

        third = resume(made["id"])

        assert (third["failed"], limits(sandbox, third["id"])) == (False, {"D": "web2"}), third["msg"]

    @pytest.mark.parametrize(("then", "runs"), [("healed", {}), ("failed on more", {"B": "web2,web3"})])
    def test_a_failed_node_that_a_canceled_resume_did_not_reach_is_asked_about(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, then: str, runs: dict[str, str]
    ) -> None:
        one, two = (deploy(THREE)["id"] for _time in range(2))
        nodes: Options = {"A": {"template": one, "always": ["B"]}, "B": {"template": two}}
        on_web2, on_web3 = (
            {"status": "failed", "hosts": {**dict.fromkeys(THREE, "ok"), host: "failed"}} for host in ("web2", "web3")
        )
        made = workflow(nodes, {"A": on_web2, "B": on_web3})
        sandbox.settings(max_running=0)
        first = canceled(sandbox, resume(made["id"], wait=False), "A")
        assert sandbox.nodes(first["id"])["B"]["do_not_run"]
        if then == "healed":
            heal(sandbox, made["jobs"]["B"], "web3")
        else:
            again = sandbox.relaunch(made["jobs"]["B"])
            sandbox.end_job(again, "failed", {"web1": "ok", "web2": "failed", "web3": "failed"})
            sandbox.settings(max_running=4)

        second = resume(made["id"])

        ran = limits(sandbox, second["id"])
        assert ran == {"A": "web2", **runs}, second["msg"]
        assert {node["name"]: ",".join(node["hosts"]) for node in second["nodes"]} == ran

    def test_a_rollback_that_a_resume_had_no_need_of_stays_out(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task
    ) -> None:
        """It failed in the root, and the failure that led there was undone before the resume failed behind that."""
        made = workflow(GATE_AND_ROLLBACK, {"A": "failed", "gate": "do_not_run", "rollback": "failed"})
        first = resume(made["id"], wait=False)
        until(lambda: sandbox.nodes(first["id"])["gate"]["job"] is not None)
        sandbox.approve(first["id"], "gate", approved=False)
        assert sandbox.wait(first["id"]) == "failed"

        second = resume(made["id"], check_mode=True)

        assert [node["name"] for node in second["nodes"]] == ["gate"], second["msg"]

    def test_of_a_workflow_job_that_was_canceled_while_pending_all_nodes_remain(
        self, sandbox: Sandbox, resume: Task, request: pytest.FixtureRequest
    ) -> None:
        nodes: Options = {"gate": {"approval": "Go on?", "success": ["B"]}, "B": {"project": "first"}}
        name = f"{request.node.name} {os.urandom(3).hex()}"
        template = sandbox.add_workflow_template_with_nodes(name, nodes)["id"]
        first = sandbox.launch_workflow(template)
        until(lambda: sandbox.nodes(first)["gate"]["job"] is not None)
        second = sandbox.launch_workflow(template)
        assert sandbox.request("POST", f"/workflow_jobs/{second}/cancel/").status == 202
        assert sandbox.wait(second) == "canceled"
        sandbox.approve(first, "gate")

        result = resume(second, wait=False)

        until(lambda: sandbox.nodes(result["id"])["gate"]["job"] is not None)
        sandbox.approve(result["id"], "gate")
        assert (sandbox.wait(result["id"]), sorted(sandbox.nodes(result["id"]))) == ("successful", ["B", "gate"])

    def test_no_list_of_nodes_means_nothing(self, sandbox: Sandbox, workflow: Workflow, resume: Task) -> None:
        made = workflow(*TWO_PROJECTS)
        none = {"count": 0, "next": None, "previous": None, "results": []}
        sandbox.misbehave([{"path": "/workflow_nodes/$", "kind": "status", "status": 200, "body": none, "times": None}])

        result = resume(made["id"])

        assert (result["failed"], unsafe(sandbox)) == (True, [])
        assert "told of no node" in result["msg"], result["msg"]

    @pytest.mark.parametrize("node_hosts", ["failed", "remaining"])
    def test_a_sliced_node_runs_in_one_slice_on_the_failed_hosts_of_all_slices(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, node_hosts: str
    ) -> None:
        template = deploy(THREE, asks=[*ASKS, "job_slice_count"], job_slice_count=3)["id"]
        slices = {
            "1": {"status": "successful", "hosts": {"web1": "ok"}},
            "2": {"status": "failed", "hosts": {"web2": "failed"}},
            "3": {"status": "failed", "hosts": {"web3": "failed"}},
        }
        made = workflow({"B": {"template": template}}, {"B": {"status": "failed", "nodes": slices}})
        heal(sandbox, made["jobs"]["B/3"], "web3")

        result = resume(made["id"], node_hosts=node_hosts)

        job = sandbox.job(sandbox.nodes(result["id"])["B"]["job"])
        assert (result["failed"], job["limit"], job["type"]) == (False, "web2", "job"), result["msg"]

    @pytest.mark.parametrize("node_hosts", ["failed", "remaining"])
    def test_a_sliced_node_of_which_one_slice_never_began_does_not_run_on_what_is_done(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, node_hosts: str
    ) -> None:
        template = deploy(TWO, asks=[*ASKS, "job_slice_count"], job_slice_count=2)["id"]
        never = {"status": "failed", "started": None, "stats": False, "job_explanation": "Previous Task Failed"}
        done = {"status": "successful", "hosts": {"web1": "ok"}}
        nodes: Options = {"B": {"template": template}}
        some, none = (
            workflow(nodes, {"B": {"status": "failed", "nodes": {"1": first, "2": never}}}) for first in (done, never)
        )

        refused = resume(some["id"], node_hosts=node_hosts)
        assert unsafe(sandbox) == []
        planned = resume(none["id"], node_hosts=node_hosts, check_mode=True)
        result = resume(some["id"], fallback_to_all=True)

        assert (refused["failed"], refused["changed"]) == (True, False), refused["msg"]
        assert "other slices of it had begun. Set fallback_to_all: true" in refused["msg"], refused["msg"]
        assert "or relaunch that job by itself first." in refused["msg"], refused["msg"]
        assert not planned["failed"] and "B runs on all of its hosts" in planned["msg"], planned["msg"]
        assert (result["failed"], result["status"]) == (False, "successful"), result["msg"]

    @pytest.mark.parametrize("node_hosts", ["failed", "remaining", "all"])
    def test_a_sliced_node_that_was_canceled_while_pending_runs_whole(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, node_hosts: str
    ) -> None:
        template = deploy(TWO, asks=[*ASKS, "job_slice_count"], job_slice_count=2)["id"]
        canceled: Options = {"status": "canceled", "started": None, "nodes": {}}
        made = workflow({"B": {"template": template}}, {"B": canceled}, {"status": "canceled"})

        result = resume(made["id"], node_hosts=node_hosts)

        assert (result["failed"], result["status"]) == (False, "successful"), result["msg"]
        assert sandbox.nodes(result["id"])["B"]["limit"] is None
        assert ("B runs on all of its hosts: job " in result["msg"]) == (node_hosts != "all"), result["msg"]

    def test_a_node_that_ran_too_early_runs_again(self, sandbox: Sandbox, workflow: Workflow, resume: Task) -> None:
        nodes: Options = {
            "A": {"project": "first", "success": ["X"]},
            "B": {"project": "second", "success": ["X"]},
            "X": {"project": "third", "all_parents_must_converge": True},
        }
        made = workflow(nodes, {"A": "successful", "B": "error", "X": "successful"})

        result = resume(made["id"])

        assert (result["failed"], sorted(sandbox.nodes(result["id"]))) == (False, ["B", "X"]), result["msg"]
        assert "X had run too early" in result["msg"]


class TestLineage:
    """What came of a workflow job counts, whichever of them a task names."""

    def test_a_remainder_that_is_named_goes_back_to_its_root(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, tmp_path: Path
    ) -> None:
        made = workflow(line(deploy(TWO, outcomes=None)["id"]), FAILED_LINE)
        (tmp_path / "web1").touch()
        first = resume(made["id"])
        (tmp_path / "web1").unlink()

        second, third, fourth = resume(first["id"]), resume(made["id"]), resume(first["id"], nodes="all")

        assert (first["failed"], first["changed"]) == (True, True)
        assert (second["status"], second["root_workflow_job_id"]) == ("successful", made["id"]), second["msg"]
        assert [(one["changed"], one["id"]) for one in (third, fourth)] == [(False, second["id"])] * 2, third["msg"]
        assert len(resumes(sandbox, made["id"])) == 2
        assert temporary(sandbox, made["id"]) == []

    def test_all_hosts_of_a_node_are_more_than_those_of_the_last_resume(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, tmp_path: Path
    ) -> None:
        nodes = line(deploy(THREE, outcomes=None)["id"])
        nodes["B"]["limit"] = "web1,web2"
        made = workflow(nodes, FAILED_LINE)
        (tmp_path / "web2").touch()
        first = resume(made["id"])
        (tmp_path / "web2").unlink()

        second = resume(made["id"], node_hosts="all")

        assert (first["failed"], first["nodes"][0]["hosts"]) == (True, ["web2"]), first["msg"]
        assert (second["failed"], limits(sandbox, second["id"])) == (False, {"B": "web1,web2", "D": ""}), second["msg"]

    def test_limits_that_were_edited_before_a_relaunch_of_all_nodes_stay(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, tmp_path: Path
    ) -> None:
        """Somebody takes web1 out of a node's limit, and relaunches all nodes."""
        nodes = line(deploy(THREE, outcomes=None)["id"])
        nodes["B"]["limit"] = "web1,web2"
        made = workflow(nodes, FAILED_LINE)
        of_template = f"/workflow_job_templates/{made['template']}/workflow_nodes/?identifier=B"
        (node,) = sandbox.request("GET", of_template).body["results"]
        path = f"/workflow_job_template_nodes/{node['id']}/"
        assert sandbox.request("PATCH", path, body={"limit": "web2,web3"}).status == 200
        (tmp_path / "web3").touch()
        again = sandbox.relaunch_workflow(made["id"])
        assert sandbox.wait(again) == "failed"

        first = resume(made["id"])
        (tmp_path / "web3").unlink()
        second = resume(made["id"], node_hosts="all")

        assert sandbox.job(sandbox.nodes(first["id"])["B"]["job"])["limit"] == "web3"
        assert (second["failed"], limits(sandbox, second["id"])) == (False, {"B": "web2,web3", "D": ""}), second["msg"]

    def test_a_relaunch_that_is_named_goes_back_to_its_root(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow(*TWO_PROJECTS)
        by_hand = sandbox.make_workflow_job(made["template"], TWO_PROJECTS[1], launch_type="relaunch")

        first, second = resume(by_hand["id"]), resume(made["id"])

        assert (first["status"], first["root_workflow_job_id"]) == ("successful", made["id"]), first["msg"]
        assert (second["changed"], second["id"]) == (False, first["id"]), second["msg"]

    @pytest.mark.parametrize(("nodes", "runs"), [("failed", ["D"]), ("all", ["D", "N"])])
    def test_a_relaunch_of_a_nested_workflow_is_not_the_outer_one(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task, nodes: str, runs: list[str]
    ) -> None:
        made = workflow(*nested_and_project(sandbox))
        nested = sandbox.relaunch_workflow(made["jobs"]["N"])
        assert sandbox.wait(nested) == "successful"

        result = resume(made["id"], nodes=nodes)

        assert (result["changed"], result["status"]) == (True, "successful"), result["msg"]
        assert sorted(sandbox.nodes(result["id"])) == runs, result["msg"]

    def test_a_resume_that_ran_nested_workflows_only_is_found_again(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task
    ) -> None:
        """By somebody who finds it by the jobs of its nodes only."""
        made = workflow(*nested_and_project(sandbox))
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        alice = {"node_hosts": "all", "controller_oauthtoken": sandbox.token("alice")}

        first, second = resume(made["id"], **alice), resume(made["id"], **alice)

        assert (first["changed"], first["status"]) == (True, "successful"), first["msg"]
        assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"]), second["msg"]
        assert second["url"] == first["url"]

    def test_a_success_that_is_named_is_one(self, sandbox: Sandbox, workflow: Workflow, resume: Task) -> None:
        made = workflow(*TWO_PROJECTS)
        first = resume(made["id"])

        second = resume(first["id"])

        assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"]), second["msg"]

    @pytest.mark.parametrize("user", ["admin", "alice"])
    def test_a_remainder_of_approvals_is_found_again(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task, user: str
    ) -> None:
        nodes: Options = {"B": {"project": "first", "success": ["gate"]}, "gate": {"approval": "Go on?"}}
        made = workflow(nodes, {"B": "successful", "gate": "failed"})
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        as_user = {"controller_oauthtoken": sandbox.token(user)}
        first = resume(made["id"], wait=False, **as_user)
        sandbox.approve(first["id"], "gate")
        sandbox.wait(first["id"])

        second, third = resume(made["id"], **as_user), resume(made["id"], **as_user)

        assert [(one["changed"], one["id"]) for one in (second, third)] == [(False, first["id"])] * 2, third["msg"]
        assert bool(temporary(sandbox, made["id"])) == (user == "alice")

    def test_a_remainder_whose_template_was_deleted_has_the_approvals_of_its_root(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, tmp_path: Path
    ) -> None:
        nodes: Options = {
            "B": {"template": deploy(TWO, outcomes=None)["id"], "success": ["gate"]},
            "gate": {"approval": "Go on?"},
        }
        made = workflow(nodes, {"B": FAILED_LINE["B"], "gate": "do_not_run"})
        (tmp_path / "web2").touch()
        first = resume(made["id"])
        (tmp_path / "web2").unlink()
        deleted = sandbox.request("DELETE", f"/workflow_job_templates/{first['temporary_template_id']}/")

        second = resume(made["id"], wait=False)

        assert (first["failed"], deleted.status, second["failed"]) == (True, 204, False), second["msg"]
        until(lambda: sandbox.nodes(second["id"])["gate"]["job"] is not None)
        sandbox.approve(second["id"], "gate")
        assert sandbox.wait(second["id"]) == "successful"

    def test_a_remainder_of_updates_is_found_again(self, sandbox: Sandbox, workflow: Workflow, resume: Task) -> None:
        """By somebody who may not see updates of projects."""
        made = workflow(*TWO_PROJECTS)
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        alice = {"controller_oauthtoken": sandbox.token("alice")}

        first, second = resume(made["id"], **alice), resume(made["id"], **alice)

        assert (first["failed"], first["status"]) == (False, "successful"), first["msg"]
        assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"]), second["msg"]

    def test_a_resume_of_a_node_that_ran_too_early_is_found_again(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        """B, which ended in an error, has been healed, so that X alone remains."""
        one, two, three = (deploy(TWO, roles=EXECUTE)["id"] for _time in range(3))
        nodes: Options = {
            "A": {"template": one, "success": ["X"]},
            "B": {"template": two, "success": ["X"]},
            "X": {"template": three, "all_parents_must_converge": True},
        }
        well = {"status": "successful", "hosts": dict.fromkeys(TWO, "ok")}
        made = workflow(nodes, {"A": well, "B": {**FAILED_LINE["B"], "status": "error"}, "X": well}, roles=EXECUTE)
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        sandbox.settings(max_running=0)
        sandbox.end_job(sandbox.relaunch(made["jobs"]["B"]), "successful", dict.fromkeys(TWO, "ok"))
        sandbox.settings(max_running=4)

        first, second = (resume(made["id"], controller_oauthtoken=sandbox.token("alice")) for _time in range(2))

        assert (first["changed"], [one["name"] for one in first["nodes"]]) == (True, ["X"]), first["msg"]
        assert (second["changed"], second["id"]) == (False, first["id"]), second["msg"]
        assert temporary(sandbox, made["id"]) == []

    def test_a_resume_of_other_templates_that_a_relaunch_ran_is_found_again(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        one, two = (deploy(TWO, roles=EXECUTE)["id"] for _time in range(2))
        made = workflow(line(one), FAILED_LINE, roles=EXECUTE)
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        of_template = f"/workflow_job_templates/{made['template']}/workflow_nodes/"
        for node in sandbox.request("GET", of_template).body["results"]:
            path = f"/workflow_job_template_nodes/{node['id']}/"
            assert sandbox.request("PATCH", path, body={"unified_job_template": two}).status == 200
        sandbox.make_workflow_job(made["template"], FAILED_LINE, launch_type="relaunch")

        first, second = (resume(made["id"], controller_oauthtoken=sandbox.token("alice")) for _time in range(2))

        assert (first["changed"], first["status"]) == (True, "successful"), first["msg"]
        assert (second["changed"], second["id"]) == (False, first["id"]), second["msg"]
        assert temporary(sandbox, made["id"]) == []

    def test_a_resume_that_was_handled_is_gone_on_from_only_where_that_is_asked_for(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, tmp_path: Path
    ) -> None:
        nodes: Options = {
            "A": {"template": deploy(TWO, outcomes=None)["id"], "success": ["B"], "failure": ["rollback"]},
            "B": {"project": "first"},
            "rollback": {"project": "second"},
        }
        made = workflow(nodes, {"A": FAILED_LINE["B"], "B": "do_not_run", "rollback": "failed"})
        (tmp_path / "web2").touch()
        first = resume(made["id"])
        (tmp_path / "web2").unlink()

        second, third, fourth = (resume(made["id"], handled=handled) for handled in (False, True, True))

        assert (first["status"], sorted(sandbox.nodes(first["id"]))) == ("successful", ["A", "B", "rollback"])
        assert (second["changed"], second["id"]) == (False, first["id"]), second["msg"]
        assert (third["changed"], sorted(sandbox.nodes(third["id"]))) == (True, ["A", "B"]), third["msg"]
        assert "rollback ran for a failure then" in third["msg"]
        assert (fourth["changed"], fourth["id"]) == (False, third["id"]), fourth["msg"]

    def test_an_active_resume_of_what_was_handled_is_followed(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task
    ) -> None:
        handled = {"A": "failed", "gate": "do_not_run", "rollback": "successful"}
        made = workflow(GATE_AND_ROLLBACK, handled, {"status": "successful"})
        name = f"Remainder of workflow job {made['id']} abc"
        sandbox.make_workflow_job(made["template"], handled, status="successful", name=name)
        active = resume(made["id"], handled=True, wait=False)

        beside = resume(made["id"], handled=True, wait=False)
        sandbox.approve(active["id"], "gate")
        after = resume(made["id"], handled=True)

        assert [(one["failed"], one["changed"]) for one in (beside, after)] == [(False, False)] * 2, beside["msg"]
        assert [one["id"] for one in (beside, after)] == [active["id"]] * 2

    def test_a_relaunch_of_all_nodes_that_fails_is_gone_on_from(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow(line(deploy(TWO)["id"]), FAILED_LINE)
        sandbox.settings(max_running=0)
        again = sandbox.relaunch_workflow(made["id"])
        until(lambda: sandbox.nodes(again)["B"]["job"] is not None)
        job = sandbox.nodes(again)["B"]["job"]
        failed = {"status": "failed", "hosts": {"web1": "failed", "web2": "ok"}}
        calls: t.Any = [
            {"method": "POST", "path": f"/jobs/{job}/end", "body": failed},
            {"method": "PATCH", "path": "/settings", "body": {"max_running": 4}},
        ]
        sandbox.misbehave([{"kind": "act", "when": "after", "path": f"/workflow_jobs/{again}/$", "calls": calls}])

        result = resume(made["id"])

        assert (result["failed"], result["changed"]) == (False, True), result["msg"]
        assert limits(sandbox, result["id"]) == {"B": "web1", "D": ""}

    def test_all_nodes_are_not_run_beside_or_after_a_resume(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow(*TWO_PROJECTS)
        gate: Options = {"B": {"project": "first", "success": ["gate"]}, "gate": {"approval": "Go on?"}}
        waiting = workflow(gate, {"B": "failed", "gate": "do_not_run"})
        active = resume(waiting["id"], wait=False)

        beside = resume(waiting["id"], nodes="all", wait=False)
        done, after = resume(made["id"]), resume(made["id"], nodes="all")

        assert (beside["failed"], beside["changed"], beside["id"]) == (False, False, active["id"]), beside["msg"]
        assert (after["failed"], after["changed"], after["id"]) == (False, False, done["id"]), after["msg"]
        assert "POST workflow_jobs/N/relaunch/" not in unsafe(sandbox)

    def test_a_loser_of_a_contest_takes_back_nothing(self, sandbox: Sandbox, workflow: Workflow, resume: Task) -> None:
        made = workflow(*TWO_PROJECTS)
        good = {"B": "successful", "D": "successful"}
        winner = sandbox.make_workflow_job(made["template"], good, launch_type="relaunch", status="successful")
        canceled = {"B": "canceled", "D": "do_not_run"}
        sandbox.make_workflow_job(made["template"], canceled, launch_type="relaunch", status="canceled")

        results = [resume(made["id"], nodes=nodes) for nodes in ("all", "failed")]

        assert [(one["changed"], one["id"]) for one in results] == [(False, winner["id"])] * 2, results[0]["msg"]
        assert unsafe(sandbox) == []

    @pytest.mark.parametrize("cleaned", [False, True])
    def test_a_run_that_succeeds_while_the_template_is_made_is_taken(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task, cleaned: bool
    ) -> None:
        """It may have deleted the template of this task after its success."""
        made = workflow(*TWO_PROJECTS)
        other = left_behind(sandbox, made)
        template = next(iter(sandbox.nodes(made["id"]).values()))["unified_job_template"]
        node = {"identifier": "B", "unified_job_template": template}
        assert sandbox.request("POST", f"/workflow_job_templates/{other}/workflow_nodes/", body=node).status == 201
        path = f"/workflow_job_templates/{other}/launch/"
        launch: t.Any = {"method": "POST", "path": path, "user": "admin", "body": {}}
        wait: t.Any = {"method": "POST", "path": "/jobs/{id}/wait"}
        delete: t.Any = {"method": "DELETE", "path": f"/workflow_job_templates/{other + 1}/", "user": "admin"}
        sandbox.clear_log()
        sandbox.misbehave([{**WHILE_IT_IS_MADE, "calls": [launch, wait, delete] if cleaned else [launch, wait]}])

        result = resume(made["id"])

        (only,) = resumes(sandbox, made["id"])
        assert (result["failed"], result["changed"], result["id"]) == (False, False, only["id"]), result["msg"]
        assert temporary(sandbox, made["id"]) == []
        assert unsafe(sandbox).count("POST workflow_job_templates/N/launch/") == 0

    def test_a_template_that_is_gone_before_the_launch_is_made_anew(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow(*TWO_PROJECTS)
        path = f"/workflow_job_templates/{left_behind(sandbox, made) + 1}/"
        delete: t.Any = {"method": "DELETE", "path": path, "user": "admin"}
        sandbox.misbehave([{"kind": "act", "when": "before", "method": "POST", "path": "/launch/$", "calls": [delete]}])

        result = resume(made["id"])

        assert (result["failed"], result["status"]) == (False, "successful"), result["msg"]
        assert (len(resumes(sandbox, made["id"])), temporary(sandbox, made["id"])) == (1, [])

    @pytest.mark.parametrize("simultaneous", [False, True])
    @pytest.mark.parametrize("relaunched", ["before", "behind", "behind, and gives way"])
    def test_of_it_and_a_relaunch_of_a_node_s_job_in_the_same_instant_one_stays(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, relaunched: str, simultaneous: bool
    ) -> None:
        """The relaunch is there before the node's job, and has not seen that; or behind it, and it may have."""
        template = deploy(TWO, duration=5, allow_simultaneous=simultaneous)["id"]
        made = workflow(line(template), FAILED_LINE)
        failed = made["jobs"]["B"]
        before: Options = {"kind": "act", "when": "before"}
        post: Options = {"method": "POST", "user": "admin"}
        calls = [{**post, "path": f"/jobs/{failed}/relaunch/", "body": {"hosts": "failed"}}]
        if relaunched != "before":
            later = [{**before, "path": "/workflow_jobs/$", "calls": calls}]
            if relaunched != "behind":
                cancel = {**post, "path": f"/jobs/{failed + 3}/cancel/"}
                later += [{"kind": "act", "when": "after", "path": "/jobs/$", "after_requests": 1, "calls": [cancel]}]
            calls = [{"method": "POST", "path": "/faults", "body": later}]
        sandbox.misbehave(t.cast("t.Any", [{**before, "method": "POST", "path": "/launch/$", "calls": calls}]))

        result = resume(made["id"])

        jobs = sandbox.request("GET", f"/jobs/?unified_job_template={template}&order_by=id").body["results"]
        stays = "workflow" if "gives way" in relaunched else "relaunch"
        assert (result["failed"], result["changed"], result.get("status")) == (False, True, "successful"), result["msg"]
        ran = [(job["launch_type"], job["limit"]) for job in jobs if job["status"] == "successful"]
        assert ran == [(stays, "web2"), ("workflow", "")]
        assert [job["status"] for job in jobs].count("canceled") == 1
        assert ("own_job_id" in result) == (stays == "relaunch")
        assert temporary(sandbox, made["id"]) == []

    def test_what_is_healed_while_the_template_is_made_does_not_run_again(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow(line(deploy(TWO)["id"]), FAILED_LINE)
        calls = healing(made["jobs"]["B"], "failed", "web2")
        sandbox.misbehave([{**WHILE_IT_IS_MADE, "calls": calls}])

        result = resume(made["id"])

        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"D": ""}), result["msg"]
        assert temporary(sandbox, made["id"]) == []

    def test_who_has_healed_it_last_changes_nothing(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        """Others run the same work, with success, each time that a template is made."""
        made = workflow(line(deploy(TWO)["id"]), FAILED_LINE)
        heal(sandbox, made["jobs"]["B"], "web2")
        sandbox.misbehave([{**WHILE_IT_IS_MADE, "times": None, "calls": healing(made["jobs"]["B"], "all", *TWO)}])

        result = resume(made["id"])

        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"D": ""}), result["msg"]
        assert unsafe(sandbox).count("POST workflow_job_templates/N/launch/") == 1

    def test_what_the_one_handed_on_that_healed_it_last_is_what_counts(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        made = workflow(line(deploy(TWO)["id"]), FAILED_LINE)
        first = heal(sandbox, made["jobs"]["B"], "web2")
        sandbox.change_job(first, artifacts='{"release": 7}')
        begin, relaunch, end, over = healing(made["jobs"]["B"], "all", *TWO)
        hand_on: t.Any = {"method": "PATCH", "path": f"/jobs/{first + 1}", "body": {"artifacts": {"release": 8}}}
        sandbox.misbehave([{**WHILE_IT_IS_MADE, "calls": [begin, relaunch, end, hand_on, over]}])

        result = resume(made["id"])

        assert variables(sandbox, sandbox.nodes(result["id"])["D"]["job"]) == {"release": 8}, result["msg"]
        assert temporary(sandbox, made["id"]) == []

    def test_a_launch_rests_on_no_look_that_took_long(
        self,
        sandbox: Sandbox,
        deploy: Deploy,
        workflow: Workflow,
        resume: Task,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Somebody relaunches a node's job behind the second look at that; then nobody does anything."""
        monkeypatch.setattr(resume_workflow, "FRESH_FOR", 0.0)
        made = workflow(line(deploy(TWO)["id"]), FAILED_LINE)
        calls = healing(made["jobs"]["B"], "failed", "web2")
        looked: Rule = {"kind": "act", "when": "after", "path": "/v2/jobs/$", "after_requests": 3, "calls": calls}
        sandbox.misbehave([looked])

        result = resume(made["id"])

        assert (result["failed"], limits(sandbox, result["id"])) == (False, {"D": ""}), result["msg"]
        looks = [entry for entry in sandbox.log() if entry["path"].endswith(f"/{made['id']}/workflow_nodes/")]
        assert (len(looks), unsafe(sandbox).count("POST workflow_job_templates/N/launch/")) == (5, 1)


class TestHandedOn:
    """What nodes that have succeeded handed on reaches the nodes behind them, as it would have."""

    def test_of_nested_workflows_and_of_slices(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        plain = deploy(TWO)["id"]
        inner = sandbox.add_workflow_template_with_nodes(f"Inner {os.urandom(3).hex()}", line(plain))["id"]
        sliced = deploy(TWO, job_slice_count=2)["id"]
        nodes: Options = {
            "N": {"template": inner, "success": ["S"]},
            "S": {"template": sliced, "success": ["B"]},
            "B": {"template": plain},
        }
        within: Options = {
            "B": {"status": "successful", "artifacts": {"release": 6, "inner": 1}},
            "D": {"status": "successful", "artifacts": {"release": 7}},
        }
        slices: Options = {
            "1": {"status": "successful", "artifacts": {"slice": 1}},
            "2": {"status": "successful", "artifacts": {"slice": 2}},
        }
        made = workflow(
            nodes,
            {
                "N": {"status": "successful", "nodes": within},
                "S": {"status": "successful", "nodes": slices},
                "B": FAILED_LINE["B"],
            },
        )

        result = resume(made["id"])

        assert not result["failed"], result["msg"]
        assert variables(sandbox, sandbox.nodes(result["id"])["B"]["job"]) == {"release": 7, "inner": 1, "slice": 2}

    @pytest.mark.parametrize("user", ["admin", "alice"])
    def test_of_a_nested_workflow_that_was_resumed_on_its_own(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, user: str
    ) -> None:
        """Without its template its nodes can be read by few."""
        plain = deploy(TWO)["id"]
        inner = sandbox.add_workflow_template_with_nodes(f"Inner {os.urandom(3).hex()}", line(plain))["id"]
        nodes: Options = {"N": {"template": inner, "success": ["Z"]}, "Z": {"template": plain}}
        within = {"B": {**FAILED_LINE["B"], "artifacts": {"release": 7}}, "D": "do_not_run"}
        made = workflow(nodes, {"N": {"status": "failed", "nodes": within}, "Z": "do_not_run"})
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        number, as_user = made["jobs"]["N"], {"controller_oauthtoken": sandbox.token(user)}

        refused, nested, again, result = (resume(one, **as_user) for one in (made["id"], number, number, made["id"]))

        assert f"or resume workflow job {number} by itself first" in refused["msg"], refused["msg"]
        assert (nested["status"], again["changed"], result["failed"]) == ("successful", False, False), result["msg"]
        assert variables(sandbox, sandbox.nodes(result["id"])["Z"]["job"]) == {"release": 7}
        assert (bool(temporary(sandbox, number)), temporary(sandbox, made["id"])) == (user == "alice", [])

    @pytest.mark.parametrize("user", ["admin", "alice"])
    def test_of_a_nested_workflow_that_was_resumed_on_its_own_in_two_steps(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, user: str
    ) -> None:
        """The first of them did what the second did not do again."""
        plain, second = deploy(TWO)["id"], deploy(TWO, outcomes={"web1": "failed"})["id"]
        lines: Options = {"B": {"template": plain, "success": ["D"]}, "D": {"template": second}}
        inner = sandbox.add_workflow_template_with_nodes(f"Inner {os.urandom(3).hex()}", lines)["id"]
        nodes: Options = {"N": {"template": inner, "success": ["Z"]}, "Z": {"template": plain}}
        made = workflow(nodes, {"N": {"status": "failed", "nodes": FAILED_LINE}, "Z": "do_not_run"})
        sandbox.organization_roles(made["organization"], alice="workflow_admin")
        number, as_user = made["jobs"]["N"], {"controller_oauthtoken": sandbox.token(user)}

        first = resume(number, **as_user)
        sandbox.change_job(sandbox.nodes(first["id"])["B"]["job"], artifacts='{"release": 7}')
        sandbox.change_template(second, outcomes={})
        then, result = resume(number, **as_user), resume(made["id"], **as_user)

        assert (first["status"], then["status"], result["failed"]) == ("failed", "successful", False), result["msg"]
        assert variables(sandbox, sandbox.nodes(result["id"])["Z"]["job"]) == {"release": 7}
        staying = [str(one) for one in temporary(sandbox, number)]
        assert (len(staying), ", ".join(staying) in then["msg"]) == (0 if user == "admin" else 2, True), then["msg"]

    def test_of_hosts_of_a_failed_node_that_are_done(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        """The node runs on the others, and what it hands on anew outranks."""
        failed = {"status": "failed", "hosts": {"web1": "ok", "web2": "failed", "web3": "failed"}}
        failed["artifacts"] = {"leader": "web1", "release": 1}
        made = workflow(line(deploy(THREE)["id"]), {"B": failed, "D": "do_not_run"})
        sandbox.settings(max_running=0)
        again = sandbox.relaunch(made["jobs"]["B"], hosts="failed")
        sandbox.end_job(again, "failed", {"web2": "ok", "web3": "failed"})
        sandbox.change_job(again, artifacts='{"release": 2}')
        sandbox.settings(max_running=4)

        result = resume(made["id"])

        jobs = {name: node["job"] for name, node in sandbox.nodes(result["id"]).items()}
        handed_on = {"leader": "web1", "release": 2}
        assert {name: variables(sandbox, job) for name, job in jobs.items()} == {"B": {}, "D": handed_on}, result["msg"]

    def test_of_hosts_that_are_done_of_a_node_whose_job_never_began(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        lost = {"status": "error", "started": None, "stats": False}
        made = workflow(line(deploy(TWO)["id"]), {"B": lost, "D": "do_not_run"})
        sandbox.settings(max_running=0)
        again = sandbox.relaunch(made["jobs"]["B"])
        sandbox.change_job(again, artifacts='{"leader": "web1"}')
        sandbox.end_job(again, "failed", {"web1": "ok", "web2": "failed"})
        sandbox.settings(max_running=4)

        result = resume(made["id"])

        assert limits(sandbox, result["id"]) == {"B": "web2", "D": ""}, result["msg"]
        assert variables(sandbox, sandbox.nodes(result["id"])["D"]["job"]) == {"leader": "web1"}

    def test_of_several_parents_the_same_one_is_heard_as_before(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        """The controller hears the one whose node has the highest number, wherever it stands in the workflow."""
        plain = {"template": deploy(TWO)["id"]}
        nodes: Options = {
            "D": {**plain, "all_parents_must_converge": True},
            "C": {**plain, "success": ["D"]},
            "B": {**plain, "success": ["C", "D"]},
        }
        made = workflow(nodes, {"B": FAILED_LINE["B"], "C": "do_not_run", "D": "do_not_run"})

        result = resume(made["id"])

        for number in (made["id"], result["id"]):
            ran = sandbox.nodes(number)
            assert sorted(ran, key=lambda name: ran[name]["id"]) == ["D", "C", "B"], result["msg"]

    @pytest.mark.parametrize("handed_on", [7, 8], ids=["nothing newer", "newer"])
    def test_what_one_hands_on_that_healed_a_resumed_node_outranks_what_all_were_given(
        self,
        sandbox: Sandbox,
        deploy: Deploy,
        workflow: Workflow,
        resume: Task,
        tmp_path: Path,
        handed_on: int,
    ) -> None:
        """One that asks for no variables had to be given, by the workflow, what a node above had handed on."""
        plain, closed = deploy(TWO, outcomes=None)["id"], deploy(TWO, asks=["limit"])["id"]
        nodes: Options = {
            "A": {"template": plain, "success": ["B"]},
            "B": {"template": plain, "success": ["D"]},
            "D": {"template": closed},
        }
        (tmp_path / "web2").touch()
        made = workflow(nodes, {"A": {"status": "successful", "artifacts": {"release": 7}}, **FAILED_LINE})
        first = resume(made["id"])
        healed = heal(sandbox, sandbox.nodes(first["id"])["B"]["job"], "web2")
        if handed_on == 8:
            sandbox.change_job(healed, artifacts='{"release": 8}')

        result = resume(made["id"])

        assert (first["status"], result["failed"]) == ("failed", False), result["msg"]
        assert variables(sandbox, sandbox.nodes(result["id"])["D"]["job"]) == {"release": handed_on}, result["msg"]

    def test_hidden_ones_stand_in_the_way_of_no_update(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        nodes: Options = {"A": {"template": deploy(TWO)["id"], "success": ["P"]}, "P": {"project": "first"}}
        done = {"status": "successful", "artifacts": {"pin": 1, "_ansible_no_log": True}}

        result = resume(workflow(nodes, {"A": done, "P": "failed"})["id"])

        assert (result["failed"], sorted(sandbox.nodes(result["id"]))) == (False, ["P"]), result["msg"]

    def test_what_may_not_be_read_is_not_dropped(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        unseen, plain = deploy(TWO)["id"], deploy(TWO)["id"]
        nodes: Options = {"A": {"template": unseen, "success": ["B"]}, "B": {"template": plain}}
        made = workflow(nodes, {"A": {"status": "successful", "artifacts": {"release": 7}}, "B": FAILED_LINE["B"]})
        sandbox.roles(unseen, alice=None)
        sandbox.organization_roles(made["organization"], alice="workflow_admin")

        refused = resume(made["id"], controller_oauthtoken=sandbox.token("alice"))

        assert (refused["failed"], refused["changed"], unsafe(sandbox)) == (True, False, [])
        assert "What A set with set_stats may not be read by this user" in refused["msg"], refused["msg"]

    def test_it_reaches_no_node_that_is_not_behind_and_sets_the_value_itself(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        setter, closed = deploy(TWO)["id"], deploy(TWO, asks=["limit"])["id"]
        own = deploy(TWO, extra_vars={"release": 3})["id"]
        nodes: Options = {
            "A": {"template": setter, "success": ["B"]},
            "B": {"template": closed},
            "C": {"template": own},
        }
        failed = FAILED_LINE["B"]
        made = workflow(nodes, {"A": {"status": "successful", "artifacts": {"release": 7}}, "B": failed, "C": failed})

        refused = resume(made["id"])
        sandbox.change_template(closed, asks=ASKS)
        result = resume(made["id"])

        assert refused["failed"] and "C would be given the variable release" in refused["msg"], refused["msg"]
        jobs = {name: node["job"] for name, node in sandbox.nodes(result["id"]).items()}
        assert {name: variables(sandbox, job)["release"] for name, job in jobs.items()} == {"B": 7, "C": 3}


class TestDeletedSince:
    """A node never runs with other credentials, or on another inventory, than it did without a word."""

    @pytest.fixture
    def with_credential(self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow) -> tuple[int, int, Options]:
        """A credential that a node was given, that node's template, which has another one, and the workflow job."""
        credential = sandbox.add_credential(f"special {os.urandom(3).hex()}")
        template = deploy(TWO, asks=[*ASKS, "credentials"], credentials=[{"name": "machine"}])["id"]
        nodes: Options = {"B": {"template": template, "credentials": [credential]}}
        return credential, template, workflow(nodes, {"B": FAILED_LINE["B"]})

    def test_a_credential_that_is_no_longer_asked_for(
        self, sandbox: Sandbox, with_credential: tuple[int, int, Options], resume: Task
    ) -> None:
        credential, template, made = with_credential
        sandbox.change_template(template, asks=ASKS)

        refused = resume(made["id"])
        sandbox.change_template(template, asks=[*ASKS, "credentials"])
        result = resume(made["id"])

        assert (refused["failed"], refused["changed"]) == (True, False), refused["msg"]
        assert "B sets credentials, which its template no longer asks for" in refused["msg"], refused["msg"]
        shown = sandbox.job(sandbox.nodes(result["id"])["B"]["job"])["summary_fields"]["credentials"]
        assert credential in [one["id"] for one in shown], result["msg"]

    def test_variables_that_are_no_longer_asked_for(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        question = {"variable": "release", "type": "text", "question_name": "Release", "required": True}
        template, surveyed = deploy(TWO)["id"], deploy(TWO, survey=[question])["id"]
        data = {"extra_data": {"release": "7", "stage": "test"}}
        nodes: Options = {"B": {"template": template, **data}, "C": {"template": surveyed, **data}}
        made = workflow(nodes, dict.fromkeys("BC", FAILED_LINE["B"]))
        for number in (template, surveyed):
            sandbox.change_template(number, asks=["limit"])

        plan, refused = resume(made["id"], check_mode=True), resume(made["id"])

        for result in (plan, refused):
            assert (result["failed"], result["changed"]) == (True, False), result["msg"]
            assert "B sets the variable release, the variable stage, which its template" in result["msg"], result["msg"]
            assert "C sets the variable stage, which its template" in result["msg"], result["msg"]
        assert unsafe(sandbox) == []

    def test_a_credential_that_was_deleted(
        self, sandbox: Sandbox, with_credential: tuple[int, int, Options], resume: Task
    ) -> None:
        credential, _template, made = with_credential
        sandbox.delete_credential(credential)

        refused = resume(made["id"])

        assert (refused["failed"], refused["changed"], unsafe(sandbox)) == (True, False, [])
        assert f"B would not run as in job {made['jobs']['B']}: the credential special" in refused["msg"]

    @pytest.mark.parametrize("node_hosts", ["failed", "remaining", "all"])
    def test_an_inventory_that_was_deleted(
        self, sandbox: Sandbox, deploy: Deploy, resume: Task, node_hosts: str
    ) -> None:
        """The workflow was launched on it; the templates of its nodes have others."""
        name = f"staging {os.urandom(3).hex()}"
        staging = sandbox.add_inventory(name, dict.fromkeys(TWO, {}))["id"]
        first, second = (deploy(TWO, asks=[*ASKS, "inventory"])["id"] for _time in range(2))
        nodes: Options = {"B": {"template": first, "success": ["D"]}, "D": {"template": second}}
        flow = sandbox.add_workflow_template_with_nodes(f"Flow {name}", nodes, asks=["inventory"])["id"]
        made = sandbox.make_workflow_job(flow, FAILED_LINE, prompts={"inventory": staging})
        sandbox.delete_inventory(staging)
        sandbox.clear_log()

        refused = resume(made["id"], node_hosts=node_hosts)

        assert (refused["failed"], refused["changed"], unsafe(sandbox)) == (True, False, [])
        assert "The inventory that B ran on has been deleted" in refused["msg"], refused["msg"]

    @pytest.mark.parametrize("node_hosts", ["failed", "remaining", "all"])
    @pytest.mark.parametrize("lost", ["BD", "B", "D"])
    def test_an_inventory_that_templates_have_lost(
        self, sandbox: Sandbox, deploy: Deploy, resume: Task, lost: str, node_hosts: str
    ) -> None:
        """Their jobs would fail at once, each time that the task is run."""
        first, second = deploy(TWO), deploy(TWO)
        nodes: Options = {"B": {"template": first["id"], "success": ["D"]}, "D": {"template": second["id"]}}
        flow = sandbox.add_workflow_template_with_nodes(f"Flow {os.urandom(3).hex()}", nodes)["id"]
        made = sandbox.make_workflow_job(flow, FAILED_LINE)
        for name, template in (("B", first), ("D", second)):
            if name in lost:
                sandbox.delete_inventory(template["inventory"])
        sandbox.clear_log()

        plan, refused = (resume(made["id"], node_hosts=node_hosts, check_mode=check) for check in (True, False))

        for result in (plan, refused):
            assert (result["failed"], result["changed"], unsafe(sandbox)) == (True, False, []), result["msg"]
            assert f"The template of {', '.join(lost)} has no inventory by now" in result["msg"], result["msg"]


class TestWhatNodesSet:
    """A node is given what it had an effect with in the workflow job, and nothing else."""

    def test_a_limit_that_a_node_takes_back(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
    ) -> None:
        """Its template has one."""
        first, second = deploy(TWO)["id"], deploy(TWO, limit="web1")["id"]
        nodes: Options = {"B": {"template": first, "success": ["D"]}, "D": {"template": second, "limit": ""}}
        made = workflow(nodes, FAILED_LINE)

        result = resume(made["id"])

        assert limits(sandbox, result["id"]) == {"B": "web2", "D": ""}, result["msg"]

    def test_what_had_no_effect(self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task) -> None:
        """Its template had ceased to ask for it before the launch."""
        first, second = deploy(TWO)["id"], deploy(TWO, asks=[])["id"]
        sets = {"limit": "web1", "job_tags": "fast", "extra_data": {"release": 7}}
        nodes: Options = {"B": {"template": first, "success": ["D"]}, "D": {"template": second, **sets}}
        made = workflow(nodes, FAILED_LINE)

        result = resume(made["id"])
        job = sandbox.job(sandbox.nodes(result["id"])["D"]["job"])

        assert (job["limit"], job["job_tags"], variables(sandbox, job["id"])) == ("", "", {}), result["msg"]


class TestWhatIsTold:
    def test_a_failure_is_told_as_that_of_a_job(
        self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, tmp_path: Path
    ) -> None:
        made = workflow(line(deploy(TWO, outcomes=None)["id"]), FAILED_LINE)
        (tmp_path / "web1").touch()

        result = resume(made["id"])

        job = sandbox.nodes(result["id"])["D"]["job"]
        (failure,) = result["failures"]
        assert (result["failed"], result["failed_nodes"]) == (True, ["D"])
        assert {name: failure[name] for name in ("node", "job_id", "host", "task", "unreachable")} == {
            "node": "D",
            "job_id": job,
            "host": "web1",
            "task": "Deploy",
            "unreachable": False,
        }
        assert failure["url"].endswith(f"/jobs/playbook/{job}/output")
        words = [f"ended with status failed on D. D: job {job} ended with status failed on web1.", "web1: Deploy: "]
        words += [f"See {failure['url']}", "run the task again to go on from there"]
        places = [result["msg"].find(word) for word in words]
        assert -1 not in places and places == sorted(places), result["msg"]

    def test_a_rollback_that_ran_will_not_run_again(self, sandbox: Sandbox, workflow: Workflow, resume: Task) -> None:
        nodes: Options = {
            "A": {"project": "first", "success": ["B"], "failure": ["rollback"]},
            "B": {"project": "second"},
            "rollback": {"project": "third"},
        }
        made = workflow(nodes, {"A": "failed", "B": "do_not_run", "rollback": "successful"}, {"status": "successful"})

        result = resume(made["id"], handled=True)

        assert (result["failed"], sorted(sandbox.nodes(result["id"]))) == (False, ["A", "B"]), result["msg"]
        assert "rollback ran for a failure then, and will not run again" in result["msg"]
        assert "nodes: all" in result["msg"]

    def test_what_the_temporary_template_takes_over_and_what_it_cannot_keep(
        self, sandbox: Sandbox, workflow: Workflow, resume: Task
    ) -> None:
        nodes: Options = {"B": {"project": "first", "success": ["gate"]}, "gate": {"approval": "Go on?"}}
        outcomes = {"B": "failed", "gate": "do_not_run"}

        results = [
            resume(workflow(nodes, outcomes, allow_simultaneous=several)["id"], wait=False) for several in (True, False)
        ]

        paths = [f"/workflow_job_templates/{result['temporary_template_id']}/" for result in results]
        assert [sandbox.request("GET", path).body["allow_simultaneous"] for path in paths] == [True, False]
        notifications = "the notifications of the workflow's template"
        assert results[0]["not_kept"] == [notifications]
        assert results[1]["not_kept"][0] == notifications and "one workflow job" in results[1]["not_kept"][1]


def test_a_resume_that_never_began_says_nothing(sandbox: Sandbox, workflow: Workflow, resume: Task) -> None:
    made = workflow(*TWO_PROJECTS)
    name = f"Remainder of workflow job {made['id']} abc"
    other = sandbox.add_workflow_template_with_nodes(name, TWO_PROJECTS[0])["id"]
    sandbox.control("PATCH", f"/templates/{other}", {"description": temporary_template.description(made["id"])})
    sandbox.make_workflow_job(other, {"B": None, "D": None}, status="canceled", started=None)

    result = resume(made["id"])

    assert (result["failed"], result["changed"], result["status"]) == (False, True, "successful"), result["msg"]
    assert temporary(sandbox, made["id"]) == []


def test_goes_on_from_a_resume_that_was_canceled_and_whose_template_is_gone(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
) -> None:
    nodes: Options = {
        "B": {"template": deploy(TWO)["id"], "success": ["migrate"]},
        "migrate": {"template": deploy(TWO)["id"], "success": ["ask"]},
        "ask": {"approval": "Go on?"},
    }
    made = workflow(nodes, {"B": FAILED_LINE["B"], "migrate": "do_not_run", "ask": "do_not_run"})
    first = canceled(sandbox, resume(made["id"], wait=False), "ask")
    assert sandbox.request("DELETE", f"/workflow_job_templates/{first['temporary_template_id']}/").status == 204
    sandbox.organization_roles(made["organization"], alice="workflow_admin")

    result = resume(made["id"], check_mode=True)
    as_alice = resume(made["id"], check_mode=True, controller_oauthtoken=sandbox.token("alice"))

    assert [node["name"] for node in result["nodes"]] == ["ask"], result["msg"]
    # Who may not read what it left undone does not run it again.
    assert as_alice["failed"] and f"Workflow job {first['id']} ran what remained" in as_alice["msg"], as_alice["msg"]


def test_a_canceled_relaunch_of_all_nodes_counts_where_a_node_failed(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task
) -> None:
    template = deploy(TWO)["id"]
    nodes: Options = {"A": {"template": template, "success": ["B"]}, "B": {"project": "first"}}
    done = {"status": "successful", "hosts": dict.fromkeys(TWO, "ok")}
    made = workflow(nodes, {"A": done, "B": "failed"})
    failed = {"A": FAILED_LINE["B"], "B": "do_not_run"}
    sandbox.make_workflow_job(made["template"], failed, launch_type="relaunch", status="canceled")

    result = resume(made["id"], check_mode=True)

    assert [node["name"] for node in result["nodes"]] == ["A", "B"], result["msg"]


def test_a_relaunch_of_what_had_run_with_success_is_the_newer_word(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, tmp_path: Path
) -> None:
    made = workflow({"B": {"template": deploy(TWO, outcomes=None)["id"]}}, {"B": FAILED_LINE["B"]})
    first = resume(made["id"], wait=False)
    assert sandbox.wait(first["id"]) == "successful"
    (tmp_path / "web2").touch()
    assert sandbox.wait(sandbox.relaunch_workflow(first["id"])) == "failed"
    (tmp_path / "web2").unlink()

    second = resume(made["id"])

    assert (second["changed"], second.get("status")) == (True, "successful"), second["msg"]


@pytest.fixture
def enough(deploy: Deploy, workflow: Workflow) -> t.Callable[..., Options]:
    """Make a workflow job where A was enough for C, which failed, as B has: C runs after B then."""

    def enough(last: Options | None = None) -> Options:
        template = deploy(TWO, outcomes=None)["id"]
        nodes: Options = {
            "A": {"project": "first", "success": ["C"]},
            "B": {"template": template, "success": ["C"]},
            "C": last or {"project": "second"},
        }
        failed = {"status": "failed", "hosts": {"db1": "failed"}} if last else "failed"
        return workflow(nodes, {"A": "successful", "B": FAILED_LINE["B"], "C": failed})

    return enough


@pytest.mark.parametrize("wait", [True, False])
def test_a_node_that_fails_again_is_not_passed_over_where_another_one_was_due_without_it(
    sandbox: Sandbox, enough: t.Callable[..., Options], resume: Task, tmp_path: Path, wait: bool
) -> None:
    made = enough()
    (tmp_path / "web2").touch()
    # Without waiting it looks once more after the launch, by when it must not have ended.
    sandbox.settings(max_running=4 if wait else 0)
    first = resume(made["id"], wait=wait)
    sandbox.settings(max_running=4)
    assert sandbox.wait(first["id"]) == "successful"
    (tmp_path / "web2").unlink()
    second, third = resume(made["id"]), resume(made["id"])

    assert (first["failed"], first.get("failed_nodes")) == ((True, ["B"]) if wait else (False, None)), first["msg"]
    assert {name: node["do_not_run"] for name, node in sandbox.nodes(first["id"]).items()} == {"B": False, "C": False}
    if wait:
        said = f"Workflow job {first['id']} is successful for the controller, but failed on B. B: job "
        assert said in first["msg"] and "run the task again to go on from there" in first["msg"], first["msg"]
        assert [cause["node"] for cause in first["failures"]] == ["B"]
    assert (second["failed"], second["changed"]) == (False, True), second["msg"]
    assert sorted(sandbox.nodes(second["id"])) == ["B"], second["msg"]
    assert (third["failed"], third["changed"], third["id"]) == (False, False, second["id"]), third["msg"]
    assert temporary(sandbox, made["id"]) == []


@pytest.mark.parametrize("named", [0, 1, 2])
def test_a_node_is_not_passed_over_that_fails_in_a_resume_of_a_resume(
    sandbox: Sandbox, deploy: Deploy, enough: t.Callable[..., Options], resume: Task, tmp_path: Path, named: int
) -> None:
    """Whichever of them a task names."""
    made = enough({"template": deploy(("db1",), outcomes=None)["id"]})
    for host in ("web2", "db1"):
        (tmp_path / host).touch()
    first = resume(made["id"])
    (tmp_path / "db1").unlink()
    second = resume(made["id"])
    (tmp_path / "web2").unlink()
    last = resume((made, first, second)[named]["id"])

    assert [(one["failed"], one["failed_nodes"]) for one in (first, second)] == [(True, ["B", "C"]), (True, ["B"])]
    assert [sandbox.wait(one["id"]) for one in (first, second)] == ["failed", "successful"]
    assert (last["failed"], last["changed"], sorted(sandbox.nodes(last["id"]))) == (False, True, ["B"]), last["msg"]


def test_a_node_that_failed_again_and_was_healed_by_hand_since_is_done(
    sandbox: Sandbox, enough: t.Callable[..., Options], resume: Task, tmp_path: Path
) -> None:
    made = enough()
    (tmp_path / "web2").touch()
    first = resume(made["id"])
    heal(sandbox, sandbox.nodes(first["id"])["B"]["job"], "web2")

    second = resume(made["id"])

    assert (second["failed"], second["changed"], unsafe(sandbox)[1:]) == (False, False, []), second["msg"]
    assert second["msg"].endswith("Nothing to resume."), second["msg"]


@pytest.mark.parametrize("nodes", ["failed", "all"])
def test_a_resume_that_fails_between_two_looks_at_it_is_no_success(
    sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, nodes: str
) -> None:
    made = workflow({"B": {"template": deploy(TWO)["id"]}}, {"B": FAILED_LINE["B"]})
    sandbox.settings(max_running=0)
    first = resume(made["id"], wait=False)
    until(lambda: sandbox.nodes(first["id"])["B"]["job"] is not None)
    calls = [
        {
            "method": "POST",
            "path": f"/jobs/{sandbox.nodes(first['id'])['B']['job']}/end",
            "body": {"status": "failed", "hosts": {"web2": "failed"}},
        },
        {"method": "PATCH", "path": f"/jobs/{first['id']}", "body": {"status": "failed"}},
    ]
    sandbox.misbehave([{"kind": "act", "when": "before", "path": f"/workflow_jobs/{first['id']}/$", "calls": calls}])

    result = resume(made["id"], nodes=nodes, wait=False)

    assert (result["failed"], result["changed"], result["id"] == first["id"]) == (False, True, False), result["msg"]


@pytest.mark.parametrize("nodes", ["failed", "all"])
def test_one_that_was_left_in_new_is_not_waited_for(
    sandbox: Sandbox, workflow: Workflow, resume: Task, nodes: str
) -> None:
    ago = {name: f"2026-01-01T0{hour}:00:00Z" for name, hour in (("created", 1), ("started", 1), ("finished", 2))}
    made = workflow(*TWO_PROJECTS, ago)
    left = sandbox.make_workflow_job(made["template"], {}, launch_type="relaunch")["id"]
    broken = {"status": "new", "created": "2026-01-01T03:00:00Z", "started": None, "finished": None}
    sandbox.control("PATCH", f"/jobs/{left}", broken)

    result = resume(made["id"], nodes=nodes)
    named = resume(left, nodes=nodes, timeout=5)

    assert (result["failed"], result["changed"], result.get("status")) == (False, True, "successful"), result["msg"]
    said = "was left in status new and will never run. Cancel it in the controller"
    assert result["warnings"] == [f"Workflow job {left}, the same work, {said}."]
    assert (named["failed"], named["changed"], named["id"]) == (False, False, result["id"]), named["msg"]
    sandbox.control("PATCH", f"/jobs/{made['id']}", broken)
    refused = resume(made["id"], nodes=nodes, timeout=5)
    assert refused["failed"] and f"{made['id']} {said}, and launch the same again." in refused["msg"], refused["msg"]


class TestOfEditedTemplates:
    """A relaunch of all nodes is the template of now, whose variables have been edited since the launch."""

    @pytest.fixture
    def edited(self, sandbox: Sandbox, workflow: Workflow) -> Options:
        """A workflow job that failed, before an edit."""
        nodes: Options = {"B": {"project": "first", "success": ["D"]}, "D": {"approval": "Go on?"}}
        made = workflow(nodes, TWO_PROJECTS[1])
        sandbox.control("PATCH", f"/templates/{made['template']}", {"extra_vars": '{"fixed": true}'})
        sandbox.clear_log()
        return made

    def test_all_nodes_are_relaunched_once(self, sandbox: Sandbox, edited: Options, resume: Task) -> None:
        first = resume(edited["id"], nodes="all", wait=False)
        sandbox.approve(first["id"], "D")
        assert sandbox.wait(first["id"]) == "successful"

        again = [resume(number, nodes=nodes) for nodes in ("all", "failed") for number in (edited["id"], first["id"])]

        assert [(one["changed"], one["id"]) for one in again] == [(False, first["id"])] * 4, again
        assert unsafe(sandbox) == ["POST workflow_jobs/N/relaunch/"]

    def test_what_a_lost_answer_launched_is_found(self, sandbox: Sandbox, edited: Options, resume: Task) -> None:
        lost: Rule = {"method": "POST", "path": "/relaunch/$", "kind": "status", "when": "after", "status": 502}
        sandbox.misbehave([lost])

        first, second = (resume(edited["id"], nodes="all", wait=False) for _time in range(2))

        assert (first["failed"], first["changed"], second["changed"]) == (False, True, False), first["msg"]
        assert first["id"] == second["id"] and unsafe(sandbox) == ["POST workflow_jobs/N/relaunch/"]

    @pytest.mark.parametrize("nodes", ["failed", "all"])
    def test_one_that_runs_is_taken(self, sandbox: Sandbox, edited: Options, resume: Task, nodes: str) -> None:
        by_hand = sandbox.relaunch_workflow(edited["id"])

        result = resume(edited["id"], nodes=nodes, wait=False)

        assert (result["failed"], result["id"], unsafe(sandbox)) == (False, by_hand, []), result["msg"]

    @pytest.mark.parametrize("nodes", ["failed", "all"])
    def test_gives_way_to_one_of_the_same_instant(
        self, sandbox: Sandbox, edited: Options, resume: Task, nodes: str
    ) -> None:
        path = f"/workflow_jobs/{edited['id']}/relaunch/"
        launch: Options = {"method": "POST", "path": path, "user": "admin", "body": {}}
        rule: Rule = {"kind": "act", "when": "before", "method": "POST", "path": "/(re)?launch/$", "calls": [launch]}
        sandbox.misbehave([rule])

        result = resume(edited["id"], nodes=nodes, wait=False)

        assert not result["failed"] and not result["changed"], result["msg"]
        assert result["id"] < result["own_job_id"]


class TestOfSuccessesRelaunchedSince:
    """What failed of a relaunch of all nodes is not done by the success before it."""

    @pytest.fixture
    def done(self, workflow: Workflow) -> Options:
        return workflow(TWO_PROJECTS[0], dict.fromkeys("BD", "successful"), {"status": "successful"})

    @pytest.mark.parametrize("named", ["the relaunch", "the success"])
    def test_a_relaunch_that_failed(self, sandbox: Sandbox, done: Options, resume: Task, named: str) -> None:
        failed = sandbox.make_workflow_job(done["template"], TWO_PROJECTS[1], launch_type="relaunch")

        result = resume(failed["id"] if named == "the relaunch" else done["id"], nodes="all")

        assert (result["failed"], result["changed"], result.get("status")) == (False, True, "successful"), result["msg"]

    def test_a_relaunch_that_runs(self, sandbox: Sandbox, done: Options, resume: Task) -> None:
        # Its second node must not have ended before the look.
        sandbox.settings(max_running=0)
        sandbox.make_workflow_job(
            done["template"], {"B": "running", "D": None}, launch_type="relaunch", status="running"
        )

        result = resume(done["id"], nodes="all", wait=False)
        sandbox.settings(max_running=4)

        assert (result["failed"], result["status"], result["changed"]) == (False, "running", False), result["msg"]

    def test_it_takes_one_list_more(self, sandbox: Sandbox, done: Options, resume: Task) -> None:
        result = resume(done["id"], nodes="all")

        assert (result["failed"], result["changed"], result["id"]) == (False, False, done["id"]), result["msg"]
        asked = [entry["path"][len("/api/v2/") :] for entry in sandbox.log()]
        assert asked == [f"workflow_jobs/{done['id']}/", "unified_jobs/"]


class TestOfDeletedTemplates:
    """Relaunches of all nodes are found by the name that the template had."""

    @pytest.fixture
    def made(self, sandbox: Sandbox, workflow: Workflow) -> Options:
        made = workflow(*TWO_PROJECTS)
        assert sandbox.request("DELETE", f"/workflow_job_templates/{made['template']}/").status == 204
        sandbox.clear_log()
        return made

    @pytest.mark.parametrize("nodes", ["failed", "all"])
    def test_all_nodes_are_relaunched_once(self, sandbox: Sandbox, made: Options, resume: Task, nodes: str) -> None:
        first, second = resume(made["id"], nodes="all"), resume(made["id"], nodes=nodes)

        assert (first["changed"], first["status"]) == (True, "successful"), first["msg"]
        assert (second["changed"], second["id"]) == (False, first["id"]), second["msg"]
        assert unsafe(sandbox) == ["POST workflow_jobs/N/relaunch/"]

    @pytest.mark.parametrize("nodes", ["failed", "all"])
    def test_one_that_is_named_and_runs(self, sandbox: Sandbox, made: Options, resume: Task, nodes: str) -> None:
        sandbox.settings(max_running=0)
        by_hand = sandbox.relaunch_workflow(made["id"])
        sandbox.clear_log()

        result = resume(by_hand, nodes=nodes, wait=False)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, by_hand), result["msg"]
        assert unsafe(sandbox) == []


class TestOfLaterLaunches:
    """The work is done by a later launch with the same values, too."""

    @pytest.mark.parametrize("nodes", ["failed", "all"])
    def test_one_that_succeeded(self, sandbox: Sandbox, workflow: Workflow, resume: Task, nodes: str) -> None:
        made = workflow(*TWO_PROJECTS)
        left_behind(sandbox, made)
        later = sandbox.launch_workflow(made["template"])
        assert sandbox.wait(later) == "successful"
        sandbox.clear_log()

        result = resume(made["id"], nodes=nodes)

        assert (result["failed"], result["changed"], result["id"]) == (False, False, later), result["msg"]
        assert f"Workflow job {later}, launched with the same values, " in result["msg"]
        assert unsafe(sandbox) == ["DELETE workflow_job_templates/N/"]

    @pytest.mark.parametrize("nodes", ["failed", "all"])
    def test_one_that_runs(self, sandbox: Sandbox, workflow: Workflow, resume: Task, nodes: str) -> None:
        made = workflow(*TWO_PROJECTS)
        later = sandbox.make_workflow_job(made["template"], {"B": "running", "D": None}, status="running")["id"]

        result = resume(made["id"], nodes=nodes, wait=False)

        assert (result["failed"], result["id"], unsafe(sandbox)) == (False, later, []), result["msg"]

    @pytest.mark.parametrize(
        "then", [{"status": "failed"}, {"status": "successful", "launch_type": "workflow"}, {"status": "canceled"}]
    )
    def test_what_is_none(self, sandbox: Sandbox, workflow: Workflow, resume: Task, then: Options) -> None:
        made = workflow(*TWO_PROJECTS)
        if then["status"] == "failed":
            sandbox.make_workflow_job(made["template"], dict.fromkeys("BD", "successful"), status="successful")
        sandbox.make_workflow_job(made["template"], TWO_PROJECTS[1], **then)

        result = resume(made["id"], check_mode=True)

        assert [node["name"] for node in result["nodes"]] == ["B", "D"], result["msg"]

    @pytest.mark.parametrize("nodes", ["failed", "all"])
    def test_one_that_failed_and_was_resumed(
        self, sandbox: Sandbox, workflow: Workflow, deploy: Deploy, resume: Task, nodes: str
    ) -> None:
        made = workflow(line(deploy(TWO)["id"]), FAILED_LINE)
        later = sandbox.make_workflow_job(made["template"], FAILED_LINE)
        sandbox.settings(max_running=0)
        resumed = resume(later["id"], wait=False)
        sandbox.clear_log()

        while_it_runs = resume(made["id"], nodes=nodes, check_mode=True)
        sandbox.settings(max_running=4)
        followed = resume(made["id"], nodes=nodes)
        resume(later["id"])
        again = resume(made["id"], nodes=nodes)

        for result in (while_it_runs, followed, again):
            assert (result["failed"], result["changed"], result["id"]) == (False, False, resumed["id"]), result["msg"]
            assert f"what remained of workflow job {later['id']}, which was launched with the same" in result["msg"]
        assert unsafe(sandbox) == ["DELETE workflow_job_templates/N/"]

    def test_one_with_other_values(self, sandbox: Sandbox, workflow: Workflow, resume: Task) -> None:
        made = workflow(*TWO_PROJECTS, asks=["extra_vars"])
        other = {"prompts": {"extra_vars": {"release": 8}}, "status": "successful"}
        sandbox.make_workflow_job(made["template"], dict.fromkeys("BD", "successful"), **other)

        result = resume(made["id"], check_mode=True)

        assert result["changed"], result["msg"]

    @pytest.mark.parametrize("done", [True, False], ids=["the same", "in check mode"])
    def test_one_of_a_sliced_job_whose_slices_tell_what_it_did(
        self, sandbox: Sandbox, deploy: Deploy, resume: Task, done: bool
    ) -> None:
        template = deploy(TWO, asks=[*ASKS, "job_type"], job_slice_count=2)["id"]
        failed, later = (
            self.sliced(sandbox, template, "failed"),
            self.sliced(sandbox, template, "successful", **({} if done else {"job_type": "check"})),
        )
        again = sandbox.relaunch_workflow(later)
        self.end_slices(sandbox, again, "successful")
        sandbox.clear_log()

        result = resume(failed, nodes="all", wait=False)
        named = resume(again, nodes="all", check_mode=True)

        assert (result["failed"], result["changed"]) == (False, not done), result["msg"]
        assert (result["id"] == again) is done
        assert unsafe(sandbox) == ([] if done else ["POST workflow_jobs/N/relaunch/"])
        assert (named["changed"], named.get("root_workflow_job_id")) == (False, later), named["msg"]

    def sliced(self, sandbox: Sandbox, template: int, status: str, **prompts: t.Any) -> int:
        """A run of a sliced job template whose slices end so; its number. Nothing runs from now on."""
        sandbox.settings(max_running=0)
        number = sandbox.launch(template, **prompts)
        self.end_slices(sandbox, number, status)
        return number

    @staticmethod
    def end_slices(sandbox: Sandbox, number: int, status: str) -> None:
        jobs = f"/jobs/?unified_job_node__workflow_job={number}&order_by=id"
        until(lambda: sandbox.request("GET", jobs).body["count"] == len(TWO))
        for place, one in enumerate(sandbox.request("GET", jobs).body["results"]):
            sandbox.end_job(one["id"], status, {TWO[place]: "ok" if status == "successful" else "failed"})
        assert sandbox.wait(number) == status


class TestOfSecrets:
    """What the controller masks cannot be compared, and that is told wherever it counts."""

    SECRET = "A secret among its variables could not be compared, since the controller shows none."

    @pytest.mark.parametrize("nodes", ["failed", "all"])
    @pytest.mark.parametrize("then", [{}, {"launch_type": "relaunch"}], ids=["launched anew", "relaunched"])
    def test_of_a_workflow(self, sandbox: Sandbox, workflow: Workflow, resume: Task, nodes: str, then: Options) -> None:
        survey = [{"variable": "token", "type": "password", "required": True, "question_name": "Token"}]
        of_a, of_b = ({"prompts": {"extra_vars": {"token": f"of customer {name}"}}} for name in "AB")
        made = workflow(*TWO_PROJECTS, of_a, survey=survey)
        sandbox.make_workflow_job(
            made["template"], dict.fromkeys("BD", "successful"), status="successful", **of_b, **then
        )

        result = resume(made["id"], nodes=nodes)

        assert (result["failed"], result["changed"]) == (False, False), result["msg"]
        assert self.SECRET in result["msg"]

    @pytest.mark.parametrize("healed", [True, False])
    def test_of_a_node(self, sandbox: Sandbox, deploy: Deploy, workflow: Workflow, resume: Task, healed: bool) -> None:
        survey = [{"variable": "pin", "type": "password", "required": False, "question_name": "Pin"}]
        template = deploy(TWO, survey=survey)["id"]
        nodes: Options = {
            "A": {"template": template, "extra_data": {"pin": "of A"}, "success": ["Z"]},
            "Z": {"project": "second"},
        }
        made = workflow(nodes, {"A": FAILED_LINE["B"], "Z": "do_not_run"})
        if healed:
            sandbox.settings(max_running=0)
            other = sandbox.launch(template, extra_vars={"pin": "of B"})
            sandbox.end_job(other, "successful", dict.fromkeys(TWO, "ok"))

        result = resume(made["id"], check_mode=True)

        assert (result["failed"], self.SECRET in result["msg"]) == (not healed, healed), result["msg"]
