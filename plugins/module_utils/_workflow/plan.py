# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a temporary workflow template has to hold so that the controller runs what remains of a workflow job. Pure;
nothing is asked here. Private to this collection.
"""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from dataclasses import dataclass, field, replace

from .._api.jobs import Job, join, may_start, parse_time
from .._api.kinds import JOB, WORKFLOW_JOB
from .._api.templates import JOB_TEMPLATE, WORKFLOW_TEMPLATE
from .._launch.gone_prompts import Objection
from .._launch.template_launch import ASKS
from .._work.decision import ALL
from .._work.host_patterns import limit_of, not_limitable, too_long
from .._work.same_work import MASK, SEVERAL_OBJECTS, variables_of
from .options import WorkflowRequest
from .remaining_nodes import ALL_NODES, Link, Node, NodeLeft, Remainder, RemainingNode

# What a node may hold several of, with the option of its template that lets it.
SUBLISTS = {name: ASKS[name] for name in SEVERAL_OBJECTS}
# What a workflow gives to all of its nodes, beside variables and the limit.
_OF_WORKFLOW = ("inventory", "scm_branch", "job_tags", "skip_tags")

APPROVAL = "workflow_approval"
# Where the templates are that take prompts, by what they make.
TEMPLATES = {JOB.type: JOB_TEMPLATE.path, WORKFLOW_JOB.type: WORKFLOW_TEMPLATE.path}

_ByNumber = t.Mapping[int, t.Mapping[str, t.Any]]


@dataclass(frozen=True)
class KnownOfNodes:
    """What belongs to the nodes that have to run.

    :param templates: job and workflow templates by number, as the controller shows them; those that the user may see.
    :param left: what is left of nodes that failed.
    :param artifacts: by node of which others are to be given what its job handed on, that; a text where the controller
        hides it, None where this user may not read the job.
    :param handed_on: by node that failed, the names of what its job has handed on all the same.
    :param sublists: by node, the numbers in each of its sublists.
    :param approvals: by node that waits for an approval, its approval template.
    :param inventories: by node whose job ran, that job's inventory; None where that has been deleted since.
    :param objections: by node that failed, what else that it ran with is gone.
    :param passwords: by node that failed, those that its template asks for at each launch, as far as they are known.
    :param surveyed: by template that takes variables by its survey alone, the names of these.
    """

    templates: _ByNumber
    left: t.Mapping[int, NodeLeft]
    artifacts: t.Mapping[int, t.Any] = field(default_factory=dict)
    sublists: t.Mapping[int, t.Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    approvals: _ByNumber = field(default_factory=dict)
    passwords: t.Mapping[int, t.Sequence[str]] = field(default_factory=dict)
    surveyed: t.Mapping[int, t.Collection[str]] = field(default_factory=dict)
    handed_on: t.Mapping[int, frozenset[str]] = field(default_factory=dict)
    inventories: t.Mapping[int, t.Optional[int]] = field(default_factory=dict)
    objections: t.Mapping[int, Objection] = field(default_factory=dict)

    def template_of(self, node: Node) -> t.Mapping[str, t.Any]:
        """The template of what a node runs; empty where it has none, or the user may not see it."""
        return self.templates.get(node.template or 0) or {}

    @property
    def hosts(self) -> dict[int, tuple[str, ...]]:
        """By node that failed, the names of the hosts on which its work is left; none where that is all."""
        return {number: one.hosts for number, one in self.left.items()}

    def left_of(self, node: Node) -> NodeLeft:
        return self.left.get(node.id, NodeLeft())

    def objection_to(self, node: Node) -> Objection:
        return self.objections.get(node.id, Objection())


@dataclass(frozen=True)
class PlannedNode:
    """A node to be made.

    :param body: of the POST that makes it.
    :param sublists: what it is given after that.
    :param approval: the body that makes its approval template: the original's would go with the temporary template.
    """

    node: Node
    body: t.Mapping[str, t.Any]
    sublists: t.Mapping[str, tuple[int, ...]]
    approval: t.Optional[t.Mapping[str, t.Any]]


@dataclass(frozen=True)
class Plan:
    """What a temporary template is to hold.

    :param template: the fields of the temporary template, but for name and description.
    """

    template: t.Mapping[str, t.Any]
    nodes: tuple[PlannedNode, ...]
    links: tuple[Link, ...]


def planned(
    source: Job, remainder: Remainder, found: KnownOfNodes, request: WorkflowRequest, base: t.Optional[Job] = None
) -> t.Union[Plan, tuple[str, ...]]:
    """The plan, or all reasons against it, each a sentence or two for a person.

    :param source: the workflow job whose nodes these are, in detail.
    :param request: tells on which of their hosts failed nodes are to run.
    :param base: the workflow job whose remainder the source ran, if it did; what it had no variables for, all nodes of
        the source were given as what had been handed on, which newer values outrank.
    """
    shown = variables_of(source.facts.get("extra_vars"))
    own = shown if base is None else variables_of(base.facts.get("extra_vars"))
    variables = {name: value for name, value in shown.items() if name in own}
    before = {name: value for name, value in shown.items() if name not in own}
    in_effect = (replace(one, node=_in_effect(source, one.node, found.template_of(one.node))) for one in remainder.kept)
    remainder = replace(remainder, kept=tuple(in_effect))
    reasons = [
        *remainder.obstacles,
        *_not_startable(source, remainder, found),
        *_left_undone(remainder, found),
        *_hidden(variables, remainder, found),
        *_not_limitable(remainder, found, request),
        *_not_asked(remainder, found),
        *_deleted(source, remainder, found),
    ]
    handed = {kept.node.id: _handed(kept, found, before) for kept in remainder.kept}
    bodies = {kept.node.id: _body(source, kept, found, handed[kept.node.id]) for kept in remainder.kept}
    shared = _shared(remainder, found, handed, variables)
    reasons += _overruled(remainder, found, handed, bodies, shared)
    if reasons:
        return tuple(reasons)
    parents = Counter(link.child for link in remainder.links)
    nodes = []
    for kept in remainder.kept:
        body = bodies[kept.node.id]
        # With one parent it means the same, but its error would keep the workflow running for ever (measured).
        body["all_parents_must_converge"] = kept.converges and parents[kept.node.id] > 1
        approval = found.approvals.get(kept.node.id)
        fields = {name: approval.get(name) for name in ("name", "description", "timeout")} if approval else None
        nodes.append(PlannedNode(kept.node, body, found.sublists.get(kept.node.id, {}), fields))
    template = _template(source, {**{name: one.value for name, one in shared.items()}, **variables})
    return Plan(template, tuple(nodes), remainder.links)


def edited_since(source: Job, template: t.Mapping[str, t.Any]) -> bool:
    """Whether a template may have been edited since a workflow job was launched, but for its survey."""
    return not template.get("modified") or parse_time(template["modified"]) > source.created


def _in_effect(source: Job, node: Node, template: t.Mapping[str, t.Any]) -> Node:
    """A node without what it had no effect with: its template had ceased to ask for that before the launch, or has the
    same by itself.
    """
    edited = edited_since(source, template)
    prompts = {
        name: value
        for name, value in node.prompts.items()
        if _asks(template, name) is not False or (edited and value != template.get(name))
    }
    closed = template.get("ask_variables_on_launch") is False and not (edited or template.get("survey_enabled"))
    return replace(node, prompts=prompts, extra_data={} if closed else node.extra_data)


def _asks(template: t.Mapping[str, t.Any], name: str) -> t.Optional[bool]:
    """Whether a template asks for this at launch; None if that is not known."""
    return template.get(ASKS.get(name, f"ask_{name}_on_launch"))


def _template(source: Job, variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The fields of the temporary template."""
    given = {name: source.facts[name] for name in _OF_WORKFLOW if source.facts.get(name)}
    return {
        "organization": source.summary("organization").get("id"),
        "extra_vars": json.dumps(variables),
        "allow_simultaneous": bool(source.facts.get("allow_simultaneous")),
        **given,
    }


def not_kept(source: Job) -> tuple[str, ...]:
    """What a temporary template cannot keep, or does not, of a workflow job's launch and template.

    :param source: in detail.
    """
    labels = [str(one.get("name")) for one in source.summary("labels").get("results") or ()]
    missing = [f"the labels of the launch ({join(labels)})"] if labels else []
    missing.append("the notifications of the workflow's template")
    if not source.facts.get("allow_simultaneous"):
        missing.append("that one workflow job of its template runs at a time: a new launch of it runs beside")
    return tuple(missing)


def givers(kept: RemainingNode, found: KnownOfNodes) -> tuple[Node, ...]:
    """The nodes whose artifacts of then a node is to be given: none where it takes no variables, such as an update."""
    return kept.inherited(found.hosts) if kept.node.template_type in TEMPLATES else ()


def _handed(kept: RemainingNode, found: KnownOfNodes, before: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The artifacts that a node is to be given.

    :param before: those that all nodes have been given before.
    """
    artifacts = dict(before) if kept.node.template_type in TEMPLATES else {}
    for giver in givers(kept, found):
        shown = found.artifacts.get(giver.id)
        artifacts.update(shown if isinstance(shown, dict) else {})
    return artifacts


def _takes_variables(node: Node, found: KnownOfNodes) -> bool:
    return bool(found.template_of(node).get("ask_variables_on_launch"))


def _body(source: Job, kept: RemainingNode, found: KnownOfNodes, handed: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What makes a node. What it sets itself is outranked by artifacts, these by the workflow's variables.

    :param handed: the artifacts that it is to be given; where its template does not ask for variables, the workflow
        gives them to all nodes.
    """
    node = kept.node
    template = found.template_of(node)
    body: dict[str, t.Any] = {"identifier": node.key, **node.prompts}
    if node.template_type != APPROVAL:
        body["unified_job_template"] = node.template
    # A limit of the whole workflow would outrank those of its nodes.
    if source.facts.get("limit") and template.get("ask_limit_on_launch"):
        body["limit"] = source.facts["limit"]
    hosts = found.left_of(node).hosts
    if hosts:
        body["limit"] = limit_of(hosts)
        if int(template.get("job_slice_count") or 1) > 1:
            # In slices of their own some would have no host.
            body["job_slice_count"] = 1
    data = {**node.extra_data, **(handed if _takes_variables(node, found) else {})}
    if data:
        body["extra_data"] = data
    return body


def _not_startable(source: Job, remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Reasons: what the user may not start, and what no workflow can."""
    nodes = [node for node in remainder.nodes if node.template is not None]
    launched = [node for node in nodes if node.template_type in TEMPLATES]
    # What this user may not see is not to be started either.
    allowed = {number for number, template in found.templates.items() if may_start(template)}
    denied = [node.label for node in launched if node.template not in allowed]
    if denied:
        yield f"This user may not start what {join(denied)} would run: that takes the role execute on its template."
    asking = [node.label for node in nodes if found.passwords.get(node.id)]
    if asking:
        yield (
            f"What {join(asking)} would run asks for a password at each launch, which no workflow can give: keep it in "
            "the credential, or give the template another one."
        )
    for name in ("inventory", "project"):
        lacking = [node.label for node in nodes if name in _lacks(source, node, found)]
        if lacking:
            yield (
                f"The template of {join(lacking)} has no {name} by now, without which its job would fail at once: give "
                "it one again."
            )


def _lacks(source: Job, node: Node, found: KnownOfNodes) -> frozenset[str]:
    """What the job of a node would be without, since its template has lost it and nothing else gives it: it would fail
    before its start. Other than job templates need neither.
    """
    template = found.template_of(node) if node.template_type == JOB.type else {}
    lacking = {name for name in ("inventory", "project") if template.get(name, name) is None}
    asked = template.get("ask_inventory_on_launch") and (node.prompts.get("inventory") or source.facts.get("inventory"))
    return frozenset(lacking - {"inventory"} if asked else lacking)


def _left_undone(remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Reasons: what is left of failed nodes that cannot be run, or is not known."""
    for node in remainder.nodes:
        left = found.left_of(node)
        if left.unreadable and node.template in found.templates:
            yield (
                f"What {node.label} ran may not be read by this user, so that it is not known what is left of it: it "
                "takes the role read on the template of that job."
            )
        for obstacle in left.obstacles:
            yield f"{node.label} {obstacle}"


def _hidden(variables: t.Any, remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Reasons: what the controller does not show cannot be handed on."""
    again = f"{ALL_NODES}, or launch its template anew."
    if MASK in json.dumps(variables):
        yield f"Among the workflow's variables are answers to secret questions, which nobody can read: {again}"
    secret = [node.label for node in remainder.nodes if MASK in json.dumps(node.extra_data)]
    if secret:
        yield f"Among the variables of {join(secret)} are secrets, which nobody can read: {again}"
    labels = {node.id: node.label for kept in remainder.kept for node in givers(kept, found)}
    artifacts = [(label, found.artifacts.get(number)) for number, label in labels.items()]
    hidden = [label for label, shown in artifacts if shown and not isinstance(shown, dict)]
    if hidden:
        yield f"What {join(hidden)} set with set_stats is hidden by no_log: {again}"
    unread = [label for number, label in labels.items() if found.artifacts.get(number, {}) is None]
    if unread:
        yield (
            f"What {join(unread)} set with set_stats may not be read by this user, and would be missing: it takes the "
            "role read on the template of that job."
        )


def _not_limitable(remainder: Remainder, found: KnownOfNodes, request: WorkflowRequest) -> t.Iterator[str]:
    """Reasons: failed nodes that cannot be limited to the hosts that are left of them."""
    if request.node_hosts == ALL:
        return
    on_all = f"set {request.hosts_option}: all"
    nested, sliced, unlimited = [], [], []
    for node in (node for node in remainder.nodes if node.bad):
        template = found.template_of(node)
        hosts = found.left_of(node).hosts
        patterns = not_limitable(hosts)
        problem = (
            f"ansible takes {join(patterns)} for a pattern. Rename that." if patterns else too_long(limit_of(hosts))
        )
        if problem:
            yield f"{node.label} cannot be limited to these hosts: {problem} Or {on_all} to run it whole."
        slices = int(template.get("job_slice_count") or 1)
        if node.template_type == WORKFLOW_JOB.type:
            nested.append(node)
        elif found.left_of(node).whole:
            continue
        elif slices > 1 and not template.get("ask_job_slice_count_on_launch"):
            sliced.append(node.label)
        elif hosts and not template.get("ask_limit_on_launch"):
            unlimited.append(node.label)
    whole = f"or {on_all} to run it whole."
    if nested:
        labels, numbers = join([node.label for node in nested]), join([f"workflow job {node.job}" for node in nested])
        yield (
            f"{labels} is a workflow itself, which would run again as a whole: {on_all} for that, or resume {numbers} "
            "by itself first, with workflow_job_relaunch."
        )
    if sliced:
        yield f"The template of {join(sliced)} is sliced: let it ask for the slice count at launch, {whole}"
    if unlimited:
        yield f"The template of {join(unlimited)} takes no limit: let it ask for its limit at launch, {whole}"


def _not_asked(remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Reasons: nodes set what their templates take no more (recorded: wf-temp-node-post-limit-refused,
    wf-temp-node-post-vars-refused).
    """
    for node in remainder.nodes:
        template = found.template_of(node)
        names = [name for name in node.prompts if _asks(template, name) is False]
        if found.left_of(node).hosts:
            names = [name for name in names if name != "limit"]
        names += [name for name in found.sublists.get(node.id, ()) if template.get(SUBLISTS[name]) is False]
        if template.get("ask_variables_on_launch") is False:
            surveyed = found.surveyed.get(node.template or 0, ())
            names += [f"the variable {name}" for name in node.extra_data if name not in surveyed]
        if names:
            yield f"{node.label} sets {join(names)}, which its template no longer asks for at launch: let it ask again."


def _deleted(source: Job, remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Reasons: something that was given at the launch has been deleted since, which leaves no trace in nodes: they
    would run with what their templates have.
    """
    for node in remainder.nodes:
        refusal = found.objection_to(node).refusal
        if refusal:
            yield (
                f"{node.label} would not run as in job {node.job}: {refusal}. Give its node in the workflow's template "
                "what is meant, and launch that."
            )
    labels = {node.id: node.label for kept in remainder.kept for node in (kept.node, *kept.above)}
    gone = [labels[number] for number, inventory in found.inventories.items() if inventory is None]
    # Where a job shows the inventory that it ran on, that is what its node has now.
    taking = [
        node.label
        for node in remainder.nodes
        if found.template_of(node).get("ask_inventory_on_launch")
        and not node.prompts.get("inventory")
        and found.inventories.get(node.id) is None
        and not _lacks(source, node, found)
    ]
    if gone and taking and not source.facts.get("inventory"):
        yield (
            f"The inventory that {join(gone)} ran on has been deleted, and {join(taking)} would run on what the "
            "template has: launch the workflow's template anew, with the inventory that is meant."
        )


def cautions(remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Warnings: what has been deleted, where that may be meant."""
    for node in remainder.nodes:
        yield found.objection_to(node).caution(node.label)


@dataclass(frozen=True)
class _ForAll:
    """A variable that the workflow has to give to all of its nodes, since the template of one does not ask for any.

    :param needed_by: what that one is called.
    """

    value: t.Any
    needed_by: str


def _shared(
    remainder: Remainder, found: KnownOfNodes, handed: _ByNumber, variables: t.Mapping[str, t.Any]
) -> dict[str, _ForAll]:
    """The artifacts that the workflow has to give to all of its nodes, by name; its own variables outrank them."""
    shared: dict[str, _ForAll] = {}
    for node in (node for node in remainder.nodes if not _takes_variables(node, found)):
        for name, value in handed[node.id].items():
            if name not in variables:
                shared.setdefault(name, _ForAll(value, node.label))
    return shared


def _overruled(
    remainder: Remainder, found: KnownOfNodes, handed: _ByNumber, bodies: _ByNumber, shared: t.Mapping[str, _ForAll]
) -> t.Iterator[str]:
    """Reasons: what all nodes are given outranks what one of them has of its own, and reaches those that had none."""
    for node in (node for node in remainder.nodes if node.template_type in TEMPLATES):
        own = bodies[node.id].get("extra_data") or {}
        for name, one in sorted(shared.items()):
            let = f"the template of {one.needed_by} does not ask for variables at launch: let it."
            if name in handed[node.id] and name not in own and handed[node.id][name] != one.value:
                yield f"{node.label} needs another value of the variable {name} than {one.needed_by}, and {let}"
            elif name in own and own[name] != one.value:
                yield f"{node.label} has another value of the variable {name} than {one.needed_by} needs, and {let}"
            elif name not in own and name not in handed[node.id]:
                yield (
                    f"{node.label} would be given the variable {name} that set_stats set for other nodes, since {let}"
                )
            elif name in found.handed_on.get(node.id, ()):
                yield f"{node.label} sets the variable {name} with set_stats itself, in vain, since {let}"
