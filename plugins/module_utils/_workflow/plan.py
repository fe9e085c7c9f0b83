# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a temporary workflow template has to hold so that the controller runs what remains of a workflow job.

Private to this collection.
"""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from dataclasses import dataclass, field

from .._api import jobs as _jobs
from .._api.jobs import Job, summary_of, told
from .._api.paging import in_chunks
from .._work.decision import FAILED
from .._work.same_work import MASK, variables_of
from .remaining_nodes import Link, Node, Remainder, RemainingNode

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient
    from .._launch.waiting import Watch

# What a node may hold several of, with the option of its template that lets it.
SUBLISTS = {
    "credentials": "ask_credential_on_launch",
    "labels": "ask_labels_on_launch",
    "instance_groups": "ask_instance_groups_on_launch",
}
# The option of a template that lets a node set something, where it is not called ask_..._on_launch after that.
_OPTIONS = {"job_tags": "ask_tags_on_launch"}
# What a workflow gives to all of its nodes, beside variables and the limit.
_OF_WORKFLOW = ("inventory", "scm_branch", "job_tags", "skip_tags")

_JOB = "job"
_WORKFLOW = "workflow_job"
_APPROVAL = "workflow_approval"
# Where the templates are that take prompts, by what they make.
_TEMPLATES = {"job_templates/": _JOB, "workflow_job_templates/": _WORKFLOW}


@dataclass(frozen=True)
class KnownOfNodes:
    """What belongs to the nodes that have to run.

    :param templates: job and workflow templates by number, as the controller shows them; those that the user may see.
    :param hosts: by node that failed, the names of its failed hosts; none where they are not known.
    :param artifacts: by node that has settled, what its job handed on; a text where the controller hides it.
    :param sublists: by node, the numbers in each of its sublists.
    :param approvals: by node that waits for an approval, its approval template.
    :param passwords: by node that failed, those that its template asks for at each launch, as far as they are known.
    """

    templates: t.Mapping[int, t.Mapping[str, t.Any]]
    hosts: t.Mapping[int, tuple[str, ...]]
    artifacts: t.Mapping[int, t.Any] = field(default_factory=dict)
    sublists: t.Mapping[int, t.Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    approvals: t.Mapping[int, t.Mapping[str, t.Any]] = field(default_factory=dict)
    passwords: t.Mapping[int, t.Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedNode:
    """A node to be made.

    :param body: of the POST that makes it.
    :param sublists: what it is given after that.
    :param approval: the body that makes its approval template: the original's would go with the temporary template.
    :param hosts: those that it is limited to; none for all.
    """

    node: Node
    body: t.Mapping[str, t.Any]
    sublists: t.Mapping[str, tuple[int, ...]]
    approval: t.Optional[t.Mapping[str, t.Any]]
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """:param template: the fields of the temporary template, but for name and description."""

    template: t.Mapping[str, t.Any]
    nodes: tuple[PlannedNode, ...]
    links: tuple[Link, ...]


def ask(client: ControllerClient, watch: Watch, remainder: Remainder, node_hosts: str) -> KnownOfNodes:
    """Ask for what a plan needs: a request for the templates of each kind, one for the jobs, one for the hosts of each
    failed node, and one for each sublist that a node may have.

    :raises ControllerError: it could not be read.
    """
    nodes = [kept.node for kept in remainder.kept]
    templates = {
        int(entry["id"]): entry
        for path, kind in _TEMPLATES.items()
        for entry in _by_id(client, path, [node.template for node in nodes if node.template_type == kind])
    }
    inherited = {node.id: node for kept in remainder.kept for node in kept.inherited if node.job_type == _JOB}
    # What a user may not see he may not start either, so that its hosts are of no use to him.
    failed = [node for node in nodes if node.bad and node.job_type == _JOB and node.template in templates]
    jobs = {
        entry["id"]: entry for entry in _by_id(client, "jobs/", [node.job for node in (*inherited.values(), *failed)])
    }
    artifacts = {node.id: jobs[node.job].get("artifacts") for node in inherited.values() if node.job in jobs}
    passwords = {node.id: _passwords(jobs.get(node.job) or {}, templates[node.template or 0]) for node in failed}
    hosts = {node.id: _failed_hosts(client, watch, node) for node in failed if node_hosts == FAILED}
    sublists = {}
    for node in nodes:
        template = templates.get(node.template or 0) or {}
        lists = {
            name: tuple(int(entry["id"]) for entry in client.results(f"workflow_job_nodes/{node.id}/{name}/"))
            for name, option in SUBLISTS.items()
            if template.get(option)
        }
        sublists[node.id] = {name: ids for name, ids in lists.items() if ids}
    approvals = {
        node.id: client.get(f"workflow_approval_templates/{node.template}/")
        for node in nodes
        if node.template_type == _APPROVAL and node.template is not None
    }
    return KnownOfNodes(templates, hosts, artifacts, sublists, approvals, passwords)


def planned(source: Job, remainder: Remainder, found: KnownOfNodes, node_hosts: str) -> t.Union[Plan, tuple[str, ...]]:
    """The plan, or all reasons against it, each a sentence or two for a person.

    :param source: the workflow job whose nodes these are, in detail.
    """
    variables = variables_of(source.facts.get("extra_vars"))
    reasons = [
        *remainder.obstacles,
        *_not_startable(remainder, found),
        *_hidden(variables, remainder, found),
        *_not_limitable(remainder, found, node_hosts),
        *_not_asked(remainder, found),
    ]
    nodes = []
    shared: dict[str, t.Any] = {}
    parents = Counter(link.child for link in remainder.links)
    for kept in remainder.kept:
        body, for_all = _body(source, kept, found)
        # With one parent it means the same, but its error would keep the workflow running for ever (measured).
        body["all_parents_must_converge"] = kept.converges and parents[kept.node.id] > 1
        reasons += _conflicts(kept.node, for_all, shared, variables)
        shared.update({name: value for name, value in for_all.items() if name not in variables})
        approval = found.approvals.get(kept.node.id)
        fields = {name: approval.get(name) for name in ("name", "description", "timeout")} if approval else None
        hosts = found.hosts.get(kept.node.id, ())
        nodes.append(PlannedNode(kept.node, body, found.sublists.get(kept.node.id, {}), fields, hosts))
    reasons += _overruled(nodes, shared)
    if reasons:
        return tuple(reasons)
    organization = source.summary("organization").get("id")
    given = {name: source.facts[name] for name in _OF_WORKFLOW if source.facts.get(name)}
    text = json.dumps({**shared, **variables})
    return Plan({"organization": organization, "extra_vars": text, **given}, tuple(nodes), remainder.links)


def _by_id(
    client: ControllerClient, path: str, numbers: t.Iterable[t.Optional[int]]
) -> t.Iterator[t.Mapping[str, t.Any]]:
    for some in in_chunks({number for number in numbers if number is not None}):
        yield from client.results(path, id__in=some)


def _failed_hosts(client: ControllerClient, watch: Watch, node: Node) -> tuple[str, ...]:
    """The failed hosts of a node's job that are still in the inventory; its hosts may come a second after its end."""
    job_id = int(node.job or 0)
    summaries = _jobs.host_summaries(client, job_id, failed=True)
    if not summaries:
        watch.until_events_processed(_jobs.get(client, job_id))
        summaries = _jobs.host_summaries(client, job_id, failed=True)
    return tuple(summary.name for summary in summaries if summary.host is not None)


def _passwords(job: t.Mapping[str, t.Any], template: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """The passwords that a job asked for, where its template still has the credentials that asked."""
    now, then = ({entry.get("id") for entry in summary_of(shown, "credentials")} for shown in (template, job))
    return tuple(job.get("passwords_needed_to_start") or ()) if now == then else ()


def _body(source: Job, kept: RemainingNode, found: KnownOfNodes) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """What makes a node, and the artifacts that its template does not ask for, so that all nodes get them.

    What a node sets itself is outranked by artifacts, these by the workflow's variables.
    """
    node = kept.node
    template = found.templates.get(node.template or 0) or {}
    body: dict[str, t.Any] = {
        "identifier": node.identifier or str(node.id),
        **node.prompts,
    }
    if node.template_type != _APPROVAL:
        body["unified_job_template"] = node.template
    # A limit of the whole workflow would outrank those of its nodes.
    if source.facts.get("limit") and template.get("ask_limit_on_launch"):
        body["limit"] = source.facts["limit"]
    hosts = found.hosts.get(node.id, ())
    if hosts:
        body["limit"] = ",".join(hosts)
        if int(template.get("job_slice_count") or 1) > 1:
            # In slices of their own some would have no host.
            body["job_slice_count"] = 1
    artifacts: dict[str, t.Any] = {}
    for parent in kept.inherited:
        shown = found.artifacts.get(parent.id)
        artifacts.update(shown if isinstance(shown, dict) else {})
    takes_them = bool(template.get("ask_variables_on_launch"))
    data = {**node.extra_data, **artifacts} if takes_them else dict(node.extra_data)
    if data:
        body["extra_data"] = data
    return body, {} if takes_them or node.template_type not in _TEMPLATES.values() else artifacts


def _not_startable(remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Reasons: what the user may not start, and what no workflow can."""
    nodes = [kept.node for kept in remainder.kept if kept.node.template is not None]
    denied = [
        node.label
        for node in nodes
        if node.template_type in _TEMPLATES.values() and not _startable(found.templates.get(node.template or 0))
    ]
    if denied:
        yield f"This user may not start what {told(denied)} would run: that takes the role execute on its template."
    asking = [node.label for node in nodes if found.passwords.get(node.id)]
    if asking:
        yield (
            f"What {told(asking)} would run asks for a password at each launch, which no workflow can give: keep it in "
            "the credential, or give the template another one."
        )


def _startable(template: t.Optional[t.Mapping[str, t.Any]]) -> bool:
    """Whether the user may start a template, as far as the controller says; one that he may not see he may not."""
    if template is None:
        return False
    return summary_of(template, "user_capabilities").get("start") is not False


def _hidden(variables: t.Any, remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Reasons: what the controller does not show cannot be handed on."""
    again = "relaunch all nodes (nodes: all), or launch its template anew."
    if MASK in json.dumps(variables):
        yield f"Among the workflow's variables are answers to secret questions, which nobody can read: {again}"
    secret = [kept.node.label for kept in remainder.kept if MASK in json.dumps(kept.node.extra_data)]
    if secret:
        yield f"Among the variables of {told(secret)} are secrets, which nobody can read: {again}"
    labels = {node.id: node.label for kept in remainder.kept for node in kept.inherited}
    hidden = [labels[number] for number, shown in found.artifacts.items() if shown and not isinstance(shown, dict)]
    if hidden:
        yield f"What {told(hidden)} handed on is hidden by no_log: {again}"


def _not_limitable(remainder: Remainder, found: KnownOfNodes, node_hosts: str) -> t.Iterator[str]:
    """Reasons: failed nodes that cannot be limited to their failed hosts."""
    if node_hosts != FAILED:
        return
    nested, sliced, unlimited = [], [], []
    for node in (kept.node for kept in remainder.kept if kept.node.bad):
        template = found.templates.get(node.template or 0) or {}
        slices = int(template.get("job_slice_count") or 1)
        if node.template_type == _WORKFLOW:
            nested.append(node.label)
        elif slices > 1 and (node.job_type == _WORKFLOW or not template.get("ask_job_slice_count_on_launch")):
            sliced.append(node.label)
        elif found.hosts.get(node.id) and not template.get("ask_limit_on_launch"):
            unlimited.append(node.label)
    whole = "or set node_hosts: all to run it whole."
    if nested:
        yield f"{told(nested)} is a workflow itself, which would run again as a whole: set node_hosts: all for that."
    if sliced:
        yield f"The template of {told(sliced)} is sliced: let it ask for the slice count at launch, {whole}"
    if unlimited:
        yield f"The template of {told(unlimited)} takes no limit: let it ask for its limit at launch, {whole}"


def _not_asked(remainder: Remainder, found: KnownOfNodes) -> t.Iterator[str]:
    """Reasons: nodes set what their templates take no more (recorded: wf-temp-node-post-limit-refused)."""
    for node in (kept.node for kept in remainder.kept):
        template = found.templates.get(node.template or 0) or {}
        names = [name for name in node.prompts if template.get(_OPTIONS.get(name, f"ask_{name}_on_launch")) is False]
        if found.hosts.get(node.id):
            names = [name for name in names if name != "limit"]
        if names:
            yield f"{node.label} sets {told(names)}, which its template no longer asks for at launch: let it ask again."


def _conflicts(
    node: Node, for_all: t.Mapping[str, t.Any], shared: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]
) -> t.Iterator[str]:
    """Reasons: one variable with two values, for nodes whose templates do not ask for it."""
    for name, value in for_all.items():
        if name not in variables and name in shared and shared[name] != value:
            yield (
                f"{node.label} needs another value of the variable {name} than a node before it, and their templates "
                "do not ask for variables at launch: let them."
            )


def _overruled(nodes: t.Sequence[PlannedNode], shared: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Reasons: what all nodes are given outranks what one of them has of its own."""
    for one in nodes:
        own = one.body.get("extra_data") or {}
        for name in sorted(name for name in own if name in shared and own[name] != shared[name]):
            yield (
                f"{one.node.label} has another value of the variable {name} than a node whose template does not ask "
                "for variables at launch: let that template ask."
            )
