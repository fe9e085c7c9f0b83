# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a temporary workflow template holds: limits, variables and what stands in the way."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._launch.gone_prompts import Objection
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.options import WorkflowRequest
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.plan import (
    KnownOfNodes,
    Plan,
    cautions,
    not_kept,
    planned,
)
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.remaining_nodes import (
    Node,
    NodeLeft,
    Remainder,
    remaining,
)

A, B, D = 1, 2, 3
ASKING = {"ask_limit_on_launch": True, "ask_variables_on_launch": True}
MASK = "$encrypted$"
HIDDEN = "$hidden due to Ansible no_log flag$"


def node(number: int, status: str | None, *children: int, **more: t.Any) -> Node:
    """A node named after its number, whose job and template have tenfold and hundredfold its number."""
    kind = more.pop("kind", "job")
    summaries: dict[str, t.Any] = {"unified_job_template": {"name": f"node{number}", "unified_job_type": kind}}
    if status:
        summaries["job"] = {"type": more.pop("job_type", kind), "status": status}
    entry = {
        "id": number,
        "identifier": f"node{number}",
        "do_not_run": status is None,
        "job": 10 * number if status else None,
        "unified_job_template": 100 * number,
        "success_nodes": list(children),
        "summary_fields": summaries,
        **more,
    }
    return Node.of(entry)


def remainder(*nodes: Node) -> Remainder:
    found = remaining(nodes, "failed")
    assert isinstance(found, Remainder)
    return found


def chain(**of_failed: t.Any) -> Remainder:
    """A has succeeded, B failed, and D never ran."""
    return remainder(node(A, "successful", B), node(B, "failed", D, **of_failed), node(D, None))


def found(*templates: t.Mapping[str, t.Any], **more: t.Any) -> KnownOfNodes:
    """What belongs to that chain: the templates of B and D, and else what is given."""
    given = templates or (ASKING, ASKING)
    numbered = {100 * number: {"id": 100 * number, **template} for number, template in zip((B, D), given)}
    return replace(KnownOfNodes(numbered, {B: NodeLeft(hosts=("web2", "web4"))}), **more)


def source(**facts: t.Any) -> Job:
    return Job.of(
        {"id": 7, "status": "failed", "extra_vars": "{}", "summary_fields": {"organization": {"id": 3}}, **facts}
    )


def plan_of(job: Job, left: Remainder, known: KnownOfNodes, node_hosts: str = "failed") -> Plan:
    plan = planned(job, left, known, WorkflowRequest(node_hosts=node_hosts))
    assert isinstance(plan, Plan), plan
    return plan


def bodies(plan: Plan) -> dict[int, t.Mapping[str, t.Any]]:
    return {one.node.id: one.body for one in plan.nodes}


def variables(plan: Plan) -> t.Any:
    return json.loads(plan.template["extra_vars"])


class TestLimits:
    def test_failed_nodes_get_their_hosts_others_the_workflows_limit(self) -> None:
        plan = plan_of(source(limit="web*"), chain(limit="all"), found())

        assert bodies(plan)[B]["limit"] == "web2,web4"
        assert bodies(plan)[D]["limit"] == "web*"
        assert "limit" not in plan.template

    def test_a_name_with_a_blank_that_is_alone_has_a_comma(self) -> None:
        assert bodies(plan_of(source(), chain(), found(left={B: NodeLeft(hosts=("db 1",))})))[B]["limit"] == "db 1,"

    def test_a_node_whose_template_takes_no_limit_gets_none(self) -> None:
        plan = plan_of(source(limit="web*"), chain(), found(ASKING, {}))

        assert "limit" not in bodies(plan)[D]

    def test_a_sliced_template_that_asks_runs_in_one_slice(self) -> None:
        sliced = {**ASKING, "job_slice_count": 3, "ask_job_slice_count_on_launch": True}

        for left in (chain(), chain(job_type="workflow_job")):
            body = bodies(plan_of(source(), left, found(sliced, ASKING)))[B]
            assert (body["job_slice_count"], body["limit"]) == (1, "web2,web4")


class TestVariables:
    def test_artifacts_rank_above_the_node_and_below_the_workflow(self) -> None:
        left = chain(extra_data={"own": 1, "release": 1})
        known = found(artifacts={A: {"release": 2, "stage": 2}})

        plan = plan_of(source(extra_vars='{"stage": 3}'), left, known)

        assert bodies(plan)[B]["extra_data"] == {"own": 1, "release": 2, "stage": 2}
        assert variables(plan) == {"stage": 3}

    def test_of_two_ancestors_the_later_one_outranks(self) -> None:
        left = remainder(node(A, "successful", B), node(B, "successful", D), node(D, "failed"))
        known = KnownOfNodes({100 * D: ASKING}, {}, artifacts={A: {"release": 1, "a": 1}, B: {"release": 2}})

        assert bodies(plan_of(source(), left, known))[D]["extra_data"] == {"release": 2, "a": 1}

    def test_of_a_node_that_runs_on_some_hosts_what_the_others_handed_on_is_kept(self) -> None:
        known = found(artifacts={A: {"release": 1, "a": 1}, B: {"release": 2}})

        assert bodies(plan_of(source(), chain(), known))[D]["extra_data"] == {"release": 2, "a": 1}
        whole = bodies(plan_of(source(), chain(), replace(known, left={}), "all"))
        assert whole[D]["extra_data"] == {"release": 1, "a": 1}

    def test_an_update_takes_none_so_that_hidden_ones_do_not_matter(self) -> None:
        left = remainder(node(A, "successful", B), node(B, "failed", kind="project_update"))
        for shown in (HIDDEN, None):
            known = KnownOfNodes({}, {}, artifacts={A: shown})

            assert "extra_data" not in bodies(plan_of(source(), left, known))[B]

    def test_a_template_that_takes_none_has_them_by_the_workflow(self) -> None:
        known = found({"ask_limit_on_launch": True}, ASKING, artifacts={A: {"release": 2}})

        plan = plan_of(source(), chain(), known)

        assert "extra_data" not in bodies(plan)[B]
        assert variables(plan) == {"release": 2}


def test_what_the_workflow_gives_to_all_nodes_stays() -> None:
    plan = plan_of(source(inventory=4, job_tags="fast", scm_branch=""), chain(), found())

    kept = {"organization": 3, "extra_vars": "{}", "inventory": 4, "job_tags": "fast", "allow_simultaneous": False}
    assert plan.template == kept
    assert plan_of(source(allow_simultaneous=True), chain(), found()).template["allow_simultaneous"] is True


def test_what_cannot_be_kept_is_named() -> None:
    labels = {"labels": {"count": 1, "results": [{"id": 5, "name": "nightly"}]}}

    named = not_kept(source(summary_fields=labels))

    assert named[0] == "the labels of the launch (nightly)"
    assert [words.split(" ")[1] for words in named[1:]] == ["notifications", "one"]
    assert len(not_kept(source(allow_simultaneous=True))) == 1


@pytest.mark.parametrize(("other", "converges"), [("failed", True), ("successful", False)])
def test_a_node_converges_on_several_parents_only(other: str, converges: bool) -> None:
    left = remainder(node(A, other, D), node(B, "failed", D), node(D, None, all_parents_must_converge=True))
    known = found(
        left={A: NodeLeft(hosts=("web1",)), B: NodeLeft(hosts=("web2",))},
        templates={100 * number: ASKING for number in (A, B, D)},
    )

    assert bodies(plan_of(source(), left, known))[D]["all_parents_must_converge"] is converges


def test_a_node_keeps_its_sublists_and_its_prompts() -> None:
    known = found(sublists={B: {"credentials": (5, 6)}})

    plan = plan_of(source(), chain(verbosity=2), known)

    assert (plan.nodes[0].sublists, plan.nodes[0].body["verbosity"]) == ({"credentials": (5, 6)}, 2)
    assert plan.nodes[1].sublists == {}


def test_an_approval_is_made_anew_on_a_node_without_a_template() -> None:
    left = remainder(node(B, "failed", D), node(D, None, kind="workflow_approval"))
    template = {"id": 300, "name": "Go on?", "description": "", "timeout": 60, "url": "/api/v2/..."}

    plan = plan_of(source(), left, found(approvals={D: template}))

    assert plan.nodes[1].approval == {"name": "Go on?", "description": "", "timeout": 60}
    assert "unified_job_template" not in bodies(plan)[D]


OTHER_TEMPLATE = {"ask_limit_on_launch": True}
ASKING_INVENTORY = {**ASKING, "ask_inventory_on_launch": True}
REFUSED: dict[str, tuple[Job, Remainder, KnownOfNodes, str]] = {
    "secret among the workflow's variables": (
        source(extra_vars=json.dumps({"pin": MASK})),
        chain(),
        found(),
        "answers to secret questions",
    ),
    "secret among a node's variables": (
        source(),
        chain(extra_data={"pin": MASK}),
        found(),
        "variables of node2 are secrets",
    ),
    "hidden artifacts": (
        source(),
        chain(),
        found(artifacts={A: HIDDEN}),
        "What node1 set with set_stats is hidden by no_log",
    ),
    "hidden artifacts of one that runs on some hosts": (
        source(),
        chain(),
        found(artifacts={B: HIDDEN}),
        "What node2 set with set_stats is hidden by no_log",
    ),
    "unreadable ones of it": (
        source(),
        chain(),
        found(artifacts={B: None}),
        "What node2 set with set_stats may not be read",
    ),
    "no limit": (source(), chain(), found({}, ASKING), "template of node2 takes no limit"),
    "sliced": (source(), chain(), found({**ASKING, "job_slice_count": 2}, ASKING), "template of node2 is sliced"),
    "a name that no limit holds": (
        source(),
        chain(),
        found(left={B: NodeLeft(hosts=("db*", "web1"))}),
        "node2 cannot be limited to these hosts: ansible takes db* for a pattern.",
    ),
    "names that are too long": (
        source(),
        chain(),
        found(left={B: NodeLeft(hosts=tuple(f"web{'0' * 100}{number}" for number in range(1300)))}),
        "node2 cannot be limited to these hosts: the names of 1300 hosts",
    ),
    "sliced job": (
        source(),
        chain(job_type="workflow_job"),
        found({**ASKING, "job_slice_count": 2}, ASKING),
        "template of node2 is sliced",
    ),
    "something left that cannot be run": (
        source(),
        chain(),
        found(left={B: NodeLeft(obstacles=("failed on web2, where it cannot run.",))}),
        "node2 failed on web2, where it cannot run.",
    ),
    "unreadable job": (source(), chain(), found(left={B: NodeLeft(unreadable=True)}), "What node2 ran may not be read"),
    "unreadable artifacts": (
        source(),
        chain(),
        found(artifacts={A: None}),
        "What node1 set with set_stats may not be read",
    ),
    "not behind the one that handed on": (
        source(),
        remainder(node(A, "successful", B), node(B, "failed"), node(D, "failed")),
        found(OTHER_TEMPLATE, ASKING, artifacts={A: {"release": 7}}),
        "node3 would be given the variable release",
    ),
    "handed on again": (
        source(),
        chain(),
        found(OTHER_TEMPLATE, ASKING, artifacts={A: {"release": 7}}, handed_on={B: frozenset({"release"})}),
        "node2 sets the variable release with set_stats itself",
    ),
    "nested workflow": (source(), chain(kind="workflow_job"), found(left={}), "node2 is a workflow itself"),
    "overruled": (
        source(),
        remainder(node(A, "successful", B), node(B, "failed"), node(D, "failed", extra_data={"release": 3})),
        found(OTHER_TEMPLATE, ASKING, artifacts={A: {"release": 2}}),
        "node3 has another value of the variable release",
    ),
    "not startable": (
        source(),
        chain(),
        found(ASKING, {**ASKING, "summary_fields": {"user_capabilities": {"start": False}}}),
        "may not start what node3 would run",
    ),
    "not visible": (source(), chain(), KnownOfNodes({100 * B: ASKING}, {}), "may not start what node3 would run"),
    "nested workflow not visible": (
        source(),
        remainder(node(B, "failed", D), node(D, None, kind="workflow_job")),
        KnownOfNodes({100 * B: ASKING}, {}),
        "may not start what node3 would run",
    ),
    "password": (source(), chain(), found(passwords={B: ("ssh_password",)}), "node2 would run asks for a password"),
    "no more asked for": (
        source(),
        chain(limit="web*", job_tags="fast", verbosity=0),
        found({**ASKING, "ask_tags_on_launch": False, "ask_verbosity_on_launch": False}, ASKING),
        "node2 sets job_tags, verbosity, which its template no longer asks for",
    ),
    "credentials no more asked for": (
        source(),
        chain(),
        found({**ASKING, "ask_credential_on_launch": False}, ASKING, sublists={B: {"credentials": (5,)}}),
        "node2 sets credentials, which its template no longer asks for",
    ),
    "variables no more asked for": (
        source(),
        chain(extra_data={"release": 7, "stage": "test", "debug": True}),
        found({**ASKING, "ask_variables_on_launch": False}, ASKING, surveyed={100 * B: {"stage"}}),
        "node2 sets the variable release, the variable debug, which its template no longer asks for",
    ),
    "a credential that is gone": (
        source(),
        chain(),
        found(objections={B: Objection(refusal="the credential vault is gone, and a relaunch has none in its place")}),
        "node2 would not run as in job 20: the credential vault is gone",
    ),
    "an inventory that is gone": (
        source(),
        chain(),
        found(ASKING_INVENTORY, ASKING_INVENTORY, inventories={A: 5, B: None}),
        "inventory that node2 ran on has been deleted, and node2, node3 would run on what the template has",
    ),
    "an inventory that is gone, of a node that is done": (
        source(),
        chain(),
        found(ASKING, ASKING_INVENTORY, inventories={A: None, B: 5}),
        "inventory that node1 ran on has been deleted, and node3 would run",
    ),
    "an inventory that its template has lost": (
        source(inventory=5),
        chain(inventory=6),
        found({**ASKING, "inventory": None, "project": 3}, {**ASKING_INVENTORY, "inventory": None}),
        "template of node2 has no inventory by now",
    ),
    "an inventory that nobody gives": (
        source(),
        chain(),
        found(ASKING, {**ASKING_INVENTORY, "inventory": None}, inventories={B: None}),
        "template of node3 has no inventory by now",
    ),
    "a project that its template has lost": (
        source(),
        chain(),
        found({**ASKING, "project": None}, {**ASKING, "project": None}),
        "template of node2, node3 has no project by now",
    ),
    "limit no more asked for": (
        source(),
        remainder(node(B, "failed", D), node(D, None, limit="web1")),
        found(ASKING, {"ask_limit_on_launch": False}),
        "node3 sets limit, which",
    ),
    "two values": (
        source(),
        remainder(node(A, "successful", B), node(B, "failed"), node(D, "failed"), node(4, "successful", D)),
        found(OTHER_TEMPLATE, OTHER_TEMPLATE, artifacts={A: {"release": 2}, 4: {"release": 3}}),
        "needs another value of the variable release",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("node_hosts", ["failed", "remaining"])
def test_refused(case: str, node_hosts: str) -> None:
    job, left, known, words = REFUSED[case]

    (reason,) = t.cast("tuple[str, ...]", planned(job, left, known, WorkflowRequest(node_hosts=node_hosts)))

    assert words in reason


@pytest.mark.parametrize(
    ("job", "own", "known"),
    [
        (source(), {}, found(ASKING, ASKING, inventories={B: None})),
        (source(inventory=4), {}, found(ASKING_INVENTORY, ASKING, inventories={B: None})),
        (source(), {"inventory": 4}, found(ASKING_INVENTORY, ASKING, inventories={A: None})),
        (source(), {}, found(ASKING_INVENTORY, ASKING, inventories={A: None, B: 5})),
    ],
    ids=["its template gives it", "the workflow gives it", "the node has its own", "it is there"],
)
def test_an_inventory_that_is_gone_does_not_matter_where(job: Job, own: dict[str, t.Any], known: KnownOfNodes) -> None:
    plan_of(job, chain(**own), known)


def test_what_may_be_meant_is_a_warning() -> None:
    known = found(objections={B: Objection(warning="the label night is gone")})

    (warning,) = filter(None, cautions(chain(), known))

    assert warning.startswith("node2: the label night is gone. That may be meant")


def test_two_values_are_none_if_the_workflow_sets_the_variable() -> None:
    _job, left, known, _words = REFUSED["two values"]

    assert variables(plan_of(source(extra_vars='{"release": 9}'), left, known)) == {"release": 9}


@pytest.mark.parametrize("case", ["no limit", "sliced", "nested workflow"])
def test_with_all_hosts_a_failed_node_runs_whole(case: str) -> None:
    job, left, known, _words = REFUSED[case]

    assert "limit" not in bodies(plan_of(job, left, replace(known, left={}), "all"))[B]


def test_all_reasons_are_told_at_once() -> None:
    left = replace(chain(), obstacles=("Something has been deleted.",))
    known = replace(
        found({}, {"summary_fields": {"user_capabilities": {"start": False}}}),
        artifacts={A: HIDDEN},
        passwords={B: ("ssh_password",)},
    )

    reasons = planned(source(extra_vars=json.dumps({"pin": MASK})), left, known, WorkflowRequest())

    words = [
        "Something has been deleted",
        "may not start what node3",
        "asks for a password",
        "secret questions",
        "What node1 set with set_stats is hidden",
        "takes no limit",
    ]
    assert isinstance(reasons, tuple) and len(reasons) == len(words)
    assert all(word in reason for word, reason in zip(words, reasons)), reasons


def test_nodes_with_the_same_obstacle_share_a_reason() -> None:
    left = remainder(node(B, "failed"), node(D, "failed"))

    (reason,) = t.cast(
        "tuple[str, ...]",
        planned(
            source(),
            left,
            found({}, {}, left={B: NodeLeft(hosts=("a",)), D: NodeLeft(hosts=("b",))}),
            WorkflowRequest(),
        ),
    )

    assert "template of node2, node3 takes no limit" in reason


def test_a_nested_workflow_gets_artifacts_as_its_template_allows() -> None:
    left = remainder(node(A, "successful", B), node(B, "failed", kind="workflow_job"))
    known = KnownOfNodes({100 * B: {"ask_variables_on_launch": True}}, {}, artifacts={A: {"release": 2}})
    closed = replace(known, templates={100 * B: {}})

    assert bodies(plan_of(source(), left, known, "all"))[B]["extra_data"] == {"release": 2}
    assert "extra_data" not in bodies(plan_of(source(), left, closed, "all"))[B]
    assert variables(plan_of(source(), left, closed, "all")) == {"release": 2}


def test_what_a_template_has_by_itself_is_not_asked_for() -> None:
    asking = {**ASKING, "ask_tags_on_launch": False, "job_tags": "fast", "modified": "2026-01-02T00:00:00Z"}

    plan = plan_of(source(created="2026-01-01T00:00:00Z"), chain(job_tags="fast"), found(asking, ASKING))

    assert "job_tags" not in bodies(plan)[B]
