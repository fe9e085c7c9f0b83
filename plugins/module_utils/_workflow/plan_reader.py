# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking for what a plan needs to know of the nodes that have to run. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api.client import ControllerClient
from .._api.jobs import FAILED_STATUS, SUCCESSFUL, Job, parse_time, summary_of
from .._api.kinds import JOB, WORKFLOW_JOB
from .._api.paging import by_numbers
from .._launch.gone_prompts import Objection, read_objection
from .lineage import nodes_seen
from .plan import APPROVAL, SUBLISTS, TEMPLATES, KnownOfNodes, edited_since, givers
from .remaining_nodes import Node, NodeLeft, Remainder

_Entry = t.Mapping[str, t.Any]

# What kinds of job hand artifacts on.
_HANDING_ON = (JOB.type, WORKFLOW_JOB.type)
# A workflow can be nested in itself only by the way of others, which the controller refuses; deeper ones are not known.
_DEEPEST = 10


def read_known(
    client: ControllerClient, source: Job, remainder: Remainder, left: t.Mapping[int, NodeLeft]
) -> KnownOfNodes:
    """Ask for what a plan needs: a request for the templates of each kind, one for the jobs, two for each nested
    workflow that hands something on, one for each sublist that a node may have, one for each failed node whose
    credentials may be gone, and one for each survey alone by which a node may set variables.

    :param source: the workflow job whose nodes these are, in detail.
    :param left: what is left of the nodes that failed.
    :raises ControllerError: it could not be read.
    """
    nodes = remainder.nodes
    templates: dict[int, _Entry] = {}
    for kind, path in TEMPLATES.items():
        templates.update(_by_id(client, path, [node.template for node in nodes if node.template_type == kind]))
    known = KnownOfNodes(templates, left)
    inherited = {
        node.id: node for kept in remainder.kept for node in givers(kept, known) if node.job_type in _HANDING_ON
    }
    # What a user may not see he may not start either.
    failed = [node for node in nodes if node.bad and node.job_type == JOB.type and node.template in templates]
    ran = {node.id: _ran(node, left.get(node.id, NodeLeft())) for node in (*inherited.values(), *failed)}
    jobs = _Jobs(client, [number for numbers in ran.values() for number in numbers])
    artifacts = {node.id: jobs.handed_on(node, ran[node.id]) for node in inherited.values()}
    of_failed = {node.id: jobs.handed_on(node, ran[node.id]) for node in failed}
    return replace(
        known,
        artifacts=artifacts,
        handed_on={number: frozenset(shown) for number, shown in of_failed.items() if isinstance(shown, dict)},
        sublists={node.id: _sublists(client, source, node, templates.get(node.template or 0) or {}) for node in nodes},
        approvals={
            node.id: client.get(f"workflow_approval_templates/{node.template}/")
            for node in nodes
            if node.template_type == APPROVAL and node.template is not None
        },
        passwords={node.id: _passwords(jobs.of(node) or {}, templates[node.template or 0]) for node in failed},
        surveyed={
            int(template["id"]): _surveyed(client, node, template)
            for node in nodes
            if node.extra_data and (template := templates.get(node.template or 0))
        },
        inventories={
            node.id: job["inventory"]
            for node in (*inherited.values(), *failed)
            # One that never began may have had none.
            if (job := jobs.of(node) or {}).get("started") and "inventory" in job
        },
        objections={node.id: _objection(client, jobs.of(node), templates[node.template or 0]) for node in failed},
    )


def _by_id(client: ControllerClient, path: str, numbers: t.Iterable[t.Optional[int]]) -> dict[int, _Entry]:
    """Those entries of a list that have these numbers, by them."""
    found = by_numbers(client.results, path, "id__in", {number for number in numbers if number is not None})
    return {int(entry["id"]): entry for entry in found}


def _ran(node: Node, left: NodeLeft) -> list[int]:
    """The numbers of its job, and of those that have done its work since, or that of some hosts."""
    return sorted({number for number in (node.job, node.healed_by, *left.done_by) if number is not None})


def _sublists(client: ControllerClient, source: Job, node: Node, template: _Entry) -> dict[str, tuple[int, ...]]:
    """What a node was given; where its template has not asked for it since the launch, it had no effect then either. A
    credential that its template has by itself no node may hold.
    """
    edited = edited_since(source, template)
    lists = {
        name: tuple(int(entry["id"]) for entry in client.results(f"workflow_job_nodes/{node.id}/{name}/"))
        for name, option in SUBLISTS.items()
        if template.get(option) or (edited and option in template)
    }
    if "credentials" in lists:
        own = {entry.get("id") for entry in summary_of(template, "credentials") or ()}
        lists["credentials"] = tuple(number for number in lists["credentials"] if number not in own)
    return {name: ids for name, ids in lists.items() if ids}


def _surveyed(client: ControllerClient, node: Node, template: _Entry) -> frozenset[str]:
    """The names of the variables that a template takes by its survey, where it takes no others."""
    if template.get("ask_variables_on_launch") or not template.get("survey_enabled"):
        return frozenset()
    survey = client.get(f"{TEMPLATES[str(node.template_type)]}{template['id']}/survey_spec/")
    return frozenset(str(one.get("variable")) for one in survey.get("spec") or ())


def _passwords(job: _Entry, template: _Entry) -> tuple[str, ...]:
    """The passwords that a job asked for, where its template still has the credentials that asked."""
    now, then = ({entry.get("id") for entry in summary_of(shown, "credentials")} for shown in (template, job))
    return tuple(job.get("passwords_needed_to_start") or ()) if now == then else ()


def _objection(client: ControllerClient, job: t.Optional[_Entry], template: _Entry) -> Objection:
    if job is None:
        return Objection()
    return read_objection(client, Job.of(job), lambda: bool(template.get(SUBLISTS["credentials"])), template=template)


class _Jobs:
    """Jobs as their list shows them; those that this user may not read are not among them."""

    def __init__(self, client: ControllerClient, numbers: t.Iterable[int]) -> None:
        self._client = client
        self._known = _by_id(client, JOB.path, numbers)

    def of(self, node: Node) -> t.Optional[_Entry]:
        return self._known.get(node.job or 0)

    def handed_on(self, node: Node, numbers: t.Iterable[int]) -> t.Any:
        """The artifacts of a node: an object, a text where they are hidden, None where they may not be read.

        :param numbers: those of its jobs.
        """
        found: dict[str, t.Any] = {}
        for number in numbers:
            # What did the work of a nested workflow is one, and of a slice a job.
            nested = number not in self._known and node.job_type == WORKFLOW_JOB.type
            shown = self._of_workflow(number, 0) if nested else self._of_job(number)
            if not isinstance(shown, dict):
                return shown
            found.update(shown)
        return found

    def _of_job(self, number: int) -> t.Any:
        return self._known[number].get("artifacts") or {} if number in self._known else None

    def _of_workflow(self, number: int, depth: int) -> t.Any:
        """Those of all of its jobs, the one that ended last counting most, as the controller hands them on."""
        nodes = nodes_seen(self._client, number)
        if nodes is None:
            return None
        ran = [node for node in nodes if node.job is not None and node.status in (SUCCESSFUL, FAILED_STATUS)]
        jobs = [node.job for node in ran if node.job_type == JOB.type]
        self._known.update(_by_id(self._client, JOB.path, jobs))
        below = [node.job for node in ran if node.job_type == WORKFLOW_JOB.type]
        workflows = _by_id(self._client, WORKFLOW_JOB.path, below)
        shown = {one: self._of_job(one) for one in filter(None, jobs)}
        for nested in filter(None, below):
            shown[nested] = self._of_workflow(nested, depth + 1) if nested in workflows and depth < _DEEPEST else None
        odd = [one for one in shown.values() if not isinstance(one, dict)]
        if odd:
            return odd[0]
        finished = {**self._known, **workflows}
        order = sorted(shown, key=lambda one: (parse_time(finished[one].get("finished")), one))
        return {name: value for one in order for name, value in shown[one].items()}
