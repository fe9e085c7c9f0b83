# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Temporary workflow templates: found by their description, made, and removed; each request safe to lose.

Private to this collection.
"""

from __future__ import annotations

import re
import typing as t
import uuid
from dataclasses import dataclass

from .._api.client import ControllerClient
from .._api.errors import AnswerError, AnswerLostError, ControllerError, NotSentError, RefusedError
from .._api.jobs import Job
from .._api.paging import first_entries
from .._launch.launch import CREATED
from .._launch.refusals import template_unfinished
from .plan import Plan, PlannedNode

NO_CONTENT = 204
GONE = 404

Body = dict[str, t.Any]

#: How the names of all temporary templates begin.
NAMES_BEGIN = "Remainder of workflow job "


def name_prefix(source_id: int) -> str:
    """How the names of the temporary templates of a workflow job begin, and so those of their workflow jobs."""
    return f"{NAMES_BEGIN}{source_id} "


def source_in(name: str) -> t.Optional[int]:
    """The number of the workflow job whose remainder a workflow job of this name ran; None where it ran none."""
    found = re.match(rf"{NAMES_BEGIN}([0-9]+) ", name)
    return int(found[1]) if found else None


def description(source_id: int) -> str:
    return f"relaunch.controller: what remains of workflow job {source_id}"


@dataclass(frozen=True)
class Earlier:
    """A temporary template that is there already, and its newest workflow job, if it has any."""

    template: int
    job: t.Optional[Job]


def earlier(client: ControllerClient, source_id: int) -> list[Earlier]:
    """Those of a workflow job, oldest first.

    :raises ControllerError: they could not be read.
    """
    found = []
    for entry in client.results("workflow_job_templates/", description=description(source_id), order_by="id"):
        query = {"unified_job_template": entry["id"], "order_by": "-id", "page_size": 1}
        jobs = first_entries(client.get, "workflow_jobs/", **query)
        found.append(Earlier(int(entry["id"]), Job.of(jobs[0]) if jobs else None))
    return found


def create(client: ControllerClient, plan: Plan, source_id: int) -> int:
    """Make a temporary template without its nodes; its number.

    :raises AnswerError: the controller declined; nothing was made.
    :raises AnswerLostError: it may have been made.
    :raises ControllerError: it could not be made.
    """
    # One that nobody has, so that it can be found if the answer is lost.
    name = f"{name_prefix(source_id)}{uuid.uuid4().hex[:12]}"
    body = {"name": name, "description": description(source_id), **plan.template}
    lost: list[ControllerError] = []
    try:
        return int(_made(client, "workflow_job_templates/", body, "name", lost)["id"])
    except ControllerError as error:
        if not lost:
            raise
        raise AnswerLostError(
            f"It is unknown whether the temporary workflow template {name!r} was made: {error} Running the task again "
            "is safe: it deletes such a template after success."
        ) from None


def fill(client: ControllerClient, template: int, plan: Plan) -> None:
    """Make the nodes of a temporary template, and their links.

    :raises RefusedError: one could not be made, whatever the reason.
    """
    numbers: dict[int, int] = {}
    at = ""
    try:
        # Of several parents that hand the same on, the one with the highest number is heard.
        for one in sorted(plan.nodes, key=lambda one: one.node.id):
            at = one.node.label
            numbers[one.node.id] = _make_node(client, template, one)
        for link in plan.links:
            path = f"workflow_job_template_nodes/{numbers[link.parent]}/{link.kind}_nodes/"
            _add(client, path, numbers[link.child])
    except ControllerError as error:
        raise RefusedError(template_unfinished(error, at)) from None


def delete(client: ControllerClient, template: int) -> bool:
    """Delete a temporary template; tried again while that fails in passing. Whether it was there still.

    :raises ControllerError: it may be there still.
    """
    try:
        client.retried(lambda: client.delete(f"workflow_job_templates/{template}/", NO_CONTENT))
    except AnswerError as error:
        if error.status != GONE or not error.refuses:
            raise
        return False
    return True


def stays(template: int, error: ControllerError) -> str:
    """The sentence for a temporary template that could not be deleted."""
    return f"The temporary workflow template {template} stays: {error}"


def _make_node(client: ControllerClient, template: int, one: PlannedNode) -> int:
    path = f"workflow_job_templates/{template}/workflow_nodes/"
    number = int(_made(client, path, one.body, "identifier")["id"])
    if one.approval is not None:
        # Were it made twice, the node would have the later one, and the other would go with the template.
        below = f"workflow_job_template_nodes/{number}/create_approval_template/"
        client.retried(lambda: client.post(below, t.cast("Body", one.approval), CREATED))
    for name, numbers in one.sublists.items():
        for item in numbers:
            _add(client, f"workflow_job_template_nodes/{number}/{name}/", item)
    return number


def _made(
    client: ControllerClient,
    path: str,
    body: t.Mapping[str, t.Any],
    unique: str,
    lost: t.Optional[list[ControllerError]] = None,
    expected: int = CREATED,
) -> Body:
    """Make something that the controller lets exist once only. Before it is sent again it is looked for.

    :param unique: the key of its body whose value nothing else there has.
    :param lost: is given the errors after each of which it may have been made.
    :param expected: the only status that counts as success.
    """
    lost = [] if lost is None else lost

    def make_it() -> Body:
        there = next(iter(client.results(path, **{unique: body[unique]})), None) if lost else None
        if there is not None:
            return there
        try:
            made = client.post(path, body, expected)
            if expected == CREATED and not isinstance(made.get("id"), int):
                raise AnswerLostError(f"POST {path} was answered without the number of what was made.")
            return made
        except ControllerError as error:
            if not (isinstance(error, NotSentError) or (isinstance(error, AnswerError) and error.refuses)):
                lost.append(error)
            raise

    return client.retried(make_it)


def _add(client: ControllerClient, path: str, number: int) -> None:
    """Add to a list. A credential that is there already the controller would refuse."""
    _made(client, path, {"id": number}, "id", expected=NO_CONTENT)
