# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the API that is about workflows: their templates, jobs and nodes."""

from __future__ import annotations

import json
import typing as t
import uuid

import flask
import yaml

from . import database as db
from . import filterable, jobs, permissions, resources, sentences, workflow_nodes, workflow_templates
from .answers import Refusal, answer, detail, say
from .api import api, found, listed, superuser_only
from .api_templates import by_named_url
from .bodies import url
from .bodies_workflows import ASKS
from .workflow_graph import Kind, Link, closes_a_circle

_LIST = f"<any({', '.join(workflow_nodes.LISTS)}):name>"
_LINK = "<any(success, failure, always):kind>_nodes"
_NODES = "<any(workflow_job_nodes, workflow_job_template_nodes):nodes>"
_TEXTS = ("limit", "scm_branch", "job_tags", "skip_tags")


@api.get("/workflow_jobs/")
def workflow_job_list() -> flask.Response:
    """The workflow jobs that the user may see."""
    return _workflow_jobs("1")


@api.get("/workflow_job_templates/<int:row_id>/workflow_jobs/")
def workflow_jobs_of_template(row_id: int) -> flask.Response:
    """Those of one template."""
    _template(row_id)
    return _workflow_jobs("unified_job_template = ?", row_id)


def _workflow_jobs(condition: str, *values: t.Any) -> flask.Response:
    readable, more = permissions.readable(flask.g.user)

    def show(row: db.Row) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", flask.g.bodies.workflow_job(row, view="list"))

    condition = f"type = 'workflow_job' AND {condition} AND {readable}"
    return listed("jobs", filterable.WORKFLOW_JOBS, show, "WorkflowJob", condition, [*values, *more])


@api.get("/workflow_jobs/<int:row_id>/relaunch/")
def workflow_relaunch_needs(row_id: int) -> flask.Response:
    """Nothing."""
    _job(row_id)
    return answer({})


@api.post("/workflow_jobs/<int:row_id>/relaunch/")
def workflow_relaunch(row_id: int) -> flask.Response:
    """Relaunch a workflow job, whatever the body says."""
    database = flask.g.database
    row = found("jobs", row_id, "WorkflowJob", type="workflow_job")
    if not permissions.may_execute(database, flask.g.user, row["unified_job_template"]):
        raise detail(403, sentences.FORBIDDEN)
    if row["is_sliced_job"]:
        template = database.get("templates", row["job_template"])
        if template is None:
            raise detail(400, sentences.SLICES_ORPHANED)
        if jobs.slice_count(database, template, {}) != row["job_slice_count"]:
            raise detail(400, sentences.SLICES_CHANGED)
    # The workflow manager may not move it on before the answer has been made.
    with database.transaction():
        new = jobs.relaunch_workflow(database, row, flask.g.user["id"])
        body = flask.g.bodies.workflow_job(database.get("jobs", new))
    return answer(body, 201, {"Location": url("workflow_job", new)})


@api.get("/workflow_jobs/<int:row_id>/workflow_nodes/")
def nodes_of_job(row_id: int) -> flask.Response:
    """The nodes of a workflow job."""
    _job(row_id)
    return _node_list("workflow_job = ?", [row_id])


@api.get("/workflow_approvals/<int:row_id>/")
def approval(row_id: int) -> flask.Response:
    """One approval."""
    row = found("jobs", row_id, "WorkflowApproval", type="workflow_approval")
    workflow = flask.g.database.get("jobs", row["workflow_job"])
    template = workflow["unified_job_template"] if workflow else None
    if not permissions.may_read(flask.g.database, flask.g.user, template):
        raise detail(403, sentences.FORBIDDEN)
    return answer(flask.g.bodies.approval(row))


@api.get("/workflow_job_templates/", provide_automatic_options=False)
def workflow_templates_list() -> flask.Response:
    """The workflow templates that the user may see."""
    readable, values = permissions.readable(flask.g.user)
    condition = f"type = 'workflow_job_template' AND {readable.replace('unified_job_template', 'id')}"

    def show(row: db.Row) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", flask.g.bodies.workflow_job_template(row, view="list"))

    return listed("templates", filterable.TEMPLATES, show, "WorkflowJobTemplate", condition, values)


@api.route("/workflow_job_templates/", methods=["OPTIONS"], provide_automatic_options=False)
def workflow_template_options() -> flask.Response:
    """Which fields a workflow template takes, for who may add one."""
    actions: dict[str, t.Any] = {"GET": {"id": {"type": "integer", "label": "ID", "filterable": True}}}
    if permissions.may_add_workflows(flask.g.database, flask.g.user, None):
        kinds = {"name": "string", "description": "string", "extra_vars": "json", "organization": "id"}
        actions["POST"] = {
            name: {"type": kind, "required": name == "name", "label": name.replace("_", " ").capitalize()}
            for name, kind in kinds.items()
        }
    return answer(
        {
            "name": "Workflow Job Template List",
            "renders": ["application/json", "text/html"],
            "parses": ["application/json"],
            "actions": actions,
            "types": ["workflow_job_template"],
        }
    )


@api.post("/workflow_job_templates/", provide_automatic_options=False)
def add_workflow_template() -> flask.Response:
    """Add a workflow template."""
    database, given, user = flask.g.database, flask.g.given, flask.g.user
    organization = given.get("organization")
    if not user["is_superuser"] and (
        organization is None or not permissions.may_add_workflows(database, user, organization)
    ):
        # So it was recorded: without a word.
        raise Refusal(403, {})
    if organization is not None and database.get("organizations", organization) is None:
        raise Refusal(400, {"organization": [say(sentences.NO_OBJECT, organization)]})
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise Refusal(400, {"name": [say(sentences.REQUIRED if name is None else sentences.NOT_BLANK)]})
    taken = "SELECT 1 FROM templates WHERE type = 'workflow_job_template' AND name = ? AND organization IS ?"
    if database.value(taken, name, organization) is not None:
        raise Refusal(400, {"__all__": [say(sentences.NAME_TAKEN)]})
    new = database.insert(
        "templates",
        type="workflow_job_template",
        name=name,
        organization=organization,
        created=db.now(),
        created_by=user["id"],
        description=given.get("description") or "",
        extra_vars=_variables_text(given.get("extra_vars")),
        allow_simultaneous=int(bool(given.get("allow_simultaneous"))),
        asks=[field for field, option in ASKS.items() if given.get(option)],
        inventory=given.get("inventory"),
        **{field: given.get(field) or "" for field in _TEXTS},
    )
    body = flask.g.bodies.workflow_job_template(database.get("templates", new), view="created")
    return answer(body, 201, {"Location": url("workflow_job_template", new)})


@api.get("/workflow_job_templates/<int:row_id>/")
def workflow_template(row_id: int) -> flask.Response:
    """One workflow template."""
    return answer(flask.g.bodies.workflow_job_template(_template(row_id)))


@api.get("/workflow_job_templates/<named>/")
def workflow_template_by_name(named: str) -> flask.Response:
    """The same under its name and its organization's."""
    return workflow_template(by_named_url(named, "workflow_job_template", "WorkflowJobTemplate"))


@api.delete("/workflow_job_templates/<int:row_id>/")
def delete_workflow_template(row_id: int) -> flask.Response:
    """Delete a workflow template, unless a workflow job of it is active."""
    database = flask.g.database
    _template(row_id, change=True)
    marks = ", ".join("?" for _status in jobs.ACTIVE)
    active = database.all(
        f"SELECT id, type FROM jobs WHERE unified_job_template = ? AND status IN ({marks}) ORDER BY id",
        row_id,
        *jobs.ACTIVE,
    )
    if active:
        raise Refusal(409, {"error": say(sentences.IN_USE), "active_jobs": active})
    workflow_templates.delete(database, row_id)
    return answer(None, 204)


@api.get("/workflow_job_templates/<int:row_id>/launch/")
def workflow_launch_needs(row_id: int) -> flask.Response:
    """What a launch of a workflow template may or must be given."""
    row = _template(row_id)
    asks, needed = json.loads(row["asks"]), _needed_variables(row, {})
    inventory = flask.g.database.get("inventories", row["inventory"])
    return answer(
        {
            **{option: name in asks for name, option in ASKS.items()},
            "can_start_without_user_input": not needed,
            "defaults": {
                "inventory": {name: inventory[name] if inventory else None for name in ("name", "id")},
                **{name: row[name] or None for name in _TEXTS},
                "extra_vars": row["extra_vars"],
            },
            "survey_enabled": row["survey"] != "[]",
            "variables_needed_to_start": needed,
            "node_templates_missing": [
                node["id"]
                for node in workflow_nodes.of_template(flask.g.database, row_id)
                if node["unified_job_template"] is None
            ],
            "node_prompts_rejected": [],
            "workflow_job_template_data": {name: row[name] for name in ("name", "id", "description")},
        }
    )


@api.post("/workflow_job_templates/<int:row_id>/launch/")
def workflow_launch(row_id: int) -> flask.Response:
    """Launch a workflow template."""
    database, given = flask.g.database, flask.g.given
    row = found("templates", row_id, "WorkflowJobTemplate", type="workflow_job_template")
    if not permissions.may_execute(database, flask.g.user, row_id):
        raise detail(403, sentences.FORBIDDEN)
    asks = json.loads(row["asks"])
    prompts: dict[str, t.Any] = {}
    ignored: dict[str, t.Any] = {}
    for name, value in given.items():
        if name == "extra_vars":
            taken, left = _split_variables(row, json.loads(_variables_text(value)))
            prompts.update({name: taken} if taken else {})
            ignored.update({name: left} if left else {})
        elif name in ASKS and value != row.get(name):
            (prompts if name in asks else ignored)[name] = value
    if "inventory" in prompts:
        _check_inventory(prompts["inventory"])
    needed = _needed_variables(row, prompts.get("extra_vars", {}))
    if needed:
        raise Refusal(400, {"variables_needed_to_start": needed})
    with database.transaction():
        new = jobs.launch_workflow(database, row, flask.g.user["id"], prompts=prompts)
        body = flask.g.bodies.workflow_job(database.get("jobs", new))
    return answer({"workflow_job": new, "ignored_fields": ignored, **body}, 201, {"Location": url("workflow_job", new)})


def _needed_variables(row: db.Row, given: dict[str, t.Any]) -> list[str]:
    present = {**json.loads(row["extra_vars"]), **given}
    return [
        say(sentences.NEEDED_VARIABLE, one["variable"])
        for one in json.loads(row["survey"])
        if one.get("required") and one["variable"] not in present
    ]


@api.get("/workflow_job_templates/<int:row_id>/workflow_nodes/")
def nodes_of_template(row_id: int) -> flask.Response:
    """The nodes of a workflow template."""
    _template(row_id)
    return _node_list("workflow_job_template = ?", [row_id])


@api.post("/workflow_job_templates/<int:row_id>/workflow_nodes/")
def add_node(row_id: int) -> flask.Response:
    """Add a node to a workflow template."""
    database, given = flask.g.database, flask.g.given
    _template(row_id, change=True)
    identifier = given.get("identifier") or str(uuid.uuid4())
    taken = "SELECT 1 FROM nodes WHERE workflow_job_template = ? AND identifier = ?"
    if database.value(taken, row_id, identifier) is not None:
        raise Refusal(400, {"__all__": [say(sentences.NODE_EXISTS)]})
    new = workflow_nodes.add(
        database, workflow_job_template=row_id, identifier=identifier, **_node_columns(given, None)
    )
    body = flask.g.bodies.node(database.get("nodes", new), view="created")
    return answer(body, 201, {"Location": url("workflow_job_template_node", new)})


@api.get("/workflow_job_nodes/")
def nodes_of_jobs() -> flask.Response:
    """The nodes of all workflow jobs that the user may see."""
    readable, values = permissions.readable(flask.g.user)
    return _node_list(f"workflow_job IN (SELECT id FROM jobs WHERE {readable})", values)


@api.get(f"/{_NODES}/<int:row_id>/")
def node(nodes: str, row_id: int) -> flask.Response:
    """One node."""
    return answer(flask.g.bodies.node(_node(nodes, row_id)))


@api.patch("/workflow_job_template_nodes/<int:row_id>/")
def change_node(row_id: int) -> flask.Response:
    """Change a node of a workflow template."""
    row = _own_node(row_id)
    workflow_nodes.change(flask.g.database, row_id, **_node_columns(flask.g.given, row))
    return answer(flask.g.bodies.node(flask.g.database.get("nodes", row_id)))


@api.delete("/workflow_job_template_nodes/<int:row_id>/")
def delete_node(row_id: int) -> flask.Response:
    """Delete a node of a workflow template."""
    _own_node(row_id)
    with flask.g.database.transaction():
        flask.g.database.run("DELETE FROM nodes WHERE id = ?", row_id)
        workflow_templates.delete_unused_approvals(flask.g.database)
    return answer(None, 204)


@api.post("/workflow_job_template_nodes/<int:row_id>/create_approval_template/")
def add_approval_template(row_id: int) -> flask.Response:
    """Let a node wait for an approval."""
    database, given = flask.g.database, flask.g.given
    row = _own_node(row_id)
    if not given.get("name"):
        raise Refusal(400, {"name": [say(sentences.REQUIRED)]})
    workflow = database.get("templates", row["workflow_job_template"])
    with database.transaction():
        new = workflow_templates.add_approval(
            database,
            given["name"],
            workflow["organization"],
            timeout=given.get("timeout") or 0,
            description=given.get("description") or "",
        )
        database.update("templates", new, created_by=flask.g.user["id"])
        workflow_nodes.change(database, row_id, unified_job_template=new)
    return answer(flask.g.bodies.approval_template(database.get("templates", new)), 201)


@api.get("/workflow_approval_templates/<int:row_id>/")
def approval_template(row_id: int) -> flask.Response:
    """What a node waits for."""
    row = found("templates", row_id, "WorkflowApprovalTemplate", type="workflow_approval_template")
    body = flask.g.bodies.approval_template(row)
    workflow = body["summary_fields"].get("workflow_job_template", {}).get("id")
    if not permissions.may_read(flask.g.database, flask.g.user, workflow):
        raise detail(403, sentences.FORBIDDEN)
    return answer(body)


@api.get(f"/{_NODES}/<int:row_id>/{_LINK}/")
def nodes_behind(nodes: str, row_id: int, kind: str) -> flask.Response:
    """The nodes that follow a node by one kind of link."""
    _node(nodes, row_id)
    return _node_list("id IN (SELECT child FROM links WHERE parent = ? AND kind = ?)", [row_id, kind])


@api.post(f"/workflow_job_template_nodes/<int:row_id>/{_LINK}/")
def link_nodes(row_id: int, kind: Kind) -> flask.Response:
    """Let one node follow another, or no longer."""
    database = flask.g.database
    row, child = _own_node(row_id), _given_id()
    new = Link(row_id, child, kind)
    if flask.g.given.get("disassociate"):
        workflow_nodes.unlink(database, new)
        return answer(None, 204)
    other = database.get("nodes", child)
    if other is None:
        raise Refusal(400, {"id": [say(sentences.NO_OBJECT, child)]})
    workflow = row["workflow_job_template"]
    if other["workflow_job_template"] != workflow:
        raise Refusal(400, {"Error": say(sentences.OTHER_WORKFLOW)})
    with database.transaction():
        links = workflow_nodes.links_of(database, "workflow_job_template", workflow)
        if any((one.parent, one.child) == (row_id, child) and one.kind != kind for one in links):
            raise Refusal(400, {"Error": say(sentences.LINKED_OTHERWISE)})
        if closes_a_circle(new, links):
            raise Refusal(400, {"Error": say(sentences.CIRCLE)})
        workflow_nodes.link(database, new)
    return answer(None, 204)


@api.get(f"/{_NODES}/<int:row_id>/{_LIST}/")
def list_of_node(nodes: str, row_id: int, name: str) -> flask.Response:
    """The credentials, labels or instance groups of a node, in their order."""
    ids = _node(nodes, row_id)[name]
    show = getattr(flask.g.bodies, name.removesuffix("s"))
    position = f"(SELECT key FROM json_each('{ids}') WHERE value = {name}.id)"
    fields = {
        "id": filterable.Field("id", "int"),
        "name": filterable.Field("name", "str"),
        "position": filterable.Field(position, "int"),
    }
    return listed(name, fields, show, name, f"{position} IS NOT NULL", order="position")


@api.post(f"/workflow_job_template_nodes/<int:row_id>/{_LIST}/")
def add_to_list_of_node(row_id: int, name: str) -> flask.Response:
    """Give a node a credential, a label or an instance group, or take it away."""
    database = flask.g.database
    row, one = _own_node(row_id), _given_id()
    ids = json.loads(row[name])
    if flask.g.given.get("disassociate"):
        workflow_nodes.change(database, row_id, **{name: [other for other in ids if other != one]})
        return answer(None, 204)
    if database.get(name, one) is None:
        raise Refusal(400, {"id": [say(sentences.NO_OBJECT, one)]})
    # No user but the superuser has a role on a credential or an instance group.
    if name != "labels" and not flask.g.user["is_superuser"]:
        raise detail(403, sentences.FORBIDDEN)
    if name == "credentials":
        _check_credential(row, one, ids)
    workflow_nodes.change(database, row_id, **{name: [*ids, *([one] if one not in ids else [])]})
    return answer(None, 204)


def _check_credential(row: db.Row, credential: int, others: list[int]) -> None:
    database = flask.g.database
    template = database.get("templates", row["unified_job_template"])
    if template is None or "credentials" not in json.loads(template["asks"]):
        raise Refusal(400, {"msg": say(sentences.NO_CREDENTIALS)})
    if resources.passwords_of(database, json.dumps([credential])):
        raise Refusal(400, {"msg": say(sentences.CREDENTIAL_ASKS)})
    kind = database.get("credentials", credential)["kind"]
    kinds = {other["kind"] for one in others if (other := database.get("credentials", one))}
    # Of vaults a node may hold several, each once.
    if (kind in kinds and kind != "vault") or credential in others:
        raise Refusal(400, {"msg": say(sentences.CREDENTIAL_KIND_TAKEN, kind)})
    if credential in json.loads(template["credentials"]):
        raise Refusal(
            400, {"msg": say(sentences.CREDENTIAL_OF_TEMPLATE, database.get("credentials", credential)["name"])}
        )


def _node_columns(given: dict[str, t.Any], row: db.Row | None) -> dict[str, t.Any]:
    """The columns of a node from the body of a request, checked against its template; `row` is what it is so far."""
    database = flask.g.database
    template_id = given.get("unified_job_template", row["unified_job_template"] if row else None)
    template = database.get("templates", template_id)
    if template_id is not None and template is None:
        raise Refusal(400, {"unified_job_template": [say(sentences.NO_OBJECT, template_id)]})
    prompts = json.loads(row["prompts"]) if row else {}
    prompts.update({name: given[name] for name in workflow_nodes.PROMPTS if name in given})
    # An empty text is one: the job runs without what its template has.
    prompts = {name: value for name, value in prompts.items() if value is not None}
    columns: dict[str, t.Any] = {"unified_job_template": template_id, "prompts": prompts}
    if template is not None:
        asks = json.loads(template["asks"])
        errors: dict[str, t.Any] = {
            name: [say(sentences.NO_PROMPT)]
            for name, value in prompts.items()
            if name not in asks and value != template.get(name)
        }
        if "extra_data" in given:
            columns.update(_extra_data(template, given["extra_data"], row, errors))
        if errors:
            raise Refusal(400, errors)
        if template["type"] in ("job_template", "workflow_job_template") and not permissions.may_execute(
            database, flask.g.user, template_id
        ):
            raise detail(403, sentences.FORBIDDEN)
    if "inventory" in prompts:
        _check_inventory(prompts["inventory"])
    if "all_parents_must_converge" in given:
        columns["all_parents_must_converge"] = int(bool(given["all_parents_must_converge"]))
    return columns


def _extra_data(template: db.Row, given: t.Any, row: db.Row | None, errors: dict[str, t.Any]) -> dict[str, t.Any]:
    if not isinstance(given, dict):
        errors["extra_data"] = [say(sentences.NOT_A_DICTIONARY)]
        return {}
    _taken, left = _split_variables(template, given)
    if left:
        kind = "Job Template" if template["type"] == "job_template" else "Workflow Job Template"
        errors["extra_data"] = [say(sentences.NO_PROMPTED_VARIABLES, ", ".join(left), kind)]
        return {}
    try:
        shown, secrets = workflow_templates.split_secrets(template, given, json.loads(row["secrets"]) if row else {})
    except KeyError as problem:
        errors["extra_data"] = [say(sentences.UNKNOWN_SECRET, problem.args[0])]
        return {}
    return {"extra_data": shown, "secrets": secrets}


def _split_variables(template: db.Row, given: dict[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """The variables that a template asks for, by its option or its survey, and those it does not."""
    asked = "extra_vars" in json.loads(template["asks"])
    surveyed = {one["variable"] for one in json.loads(template["survey"])}
    taken = {name: value for name, value in given.items() if asked or name in surveyed}
    return taken, {name: value for name, value in given.items() if name not in taken}


def _variables_text(given: t.Any) -> str:
    """Variables as a template keeps them: JSON as it was given, anything else as JSON."""
    parsed = {} if given in (None, "") else given
    if isinstance(parsed, str):
        try:
            # JSON is YAML.
            parsed = yaml.safe_load(parsed)
        except yaml.YAMLError:
            parsed = None
    if not isinstance(parsed, dict):
        raise Refusal(400, {"extra_vars": [say(sentences.NOT_A_DICTIONARY)]})
    text = json.dumps(parsed)
    return given if isinstance(given, str) and given.replace(" ", "") == text.replace(" ", "") else text


def _check_inventory(inventory: t.Any) -> None:
    if flask.g.database.get("inventories", inventory) is None:
        raise Refusal(400, {"inventory": [say(sentences.NO_OBJECT, inventory)]})
    # No user but the superuser has a role on an inventory.
    superuser_only()


def _given_id() -> int:
    given = flask.g.given.get("id")
    if not isinstance(given, int) or isinstance(given, bool):
        raise Refusal(400, {"msg": say(sentences.NO_ID)})
    return given


def _template(row_id: int, *, change: bool = False) -> db.Row:
    row = found("templates", row_id, "WorkflowJobTemplate", type="workflow_job_template")
    may = permissions.may_administer if change else permissions.may_read
    if not may(flask.g.database, flask.g.user, row_id):
        raise detail(403, sentences.FORBIDDEN)
    return row


def _job(row_id: int) -> db.Row:
    row = found("jobs", row_id, "WorkflowJob", type="workflow_job")
    if not permissions.may_read(flask.g.database, flask.g.user, row["unified_job_template"]):
        raise detail(403, sentences.FORBIDDEN)
    return row


def _node(nodes: str, row_id: int) -> db.Row:
    if nodes == "workflow_job_nodes":
        row = found("nodes", row_id, "WorkflowJobNode", workflow_job_template=None)
        _job(row["workflow_job"])
    else:
        row = found("nodes", row_id, "WorkflowJobTemplateNode", workflow_job=None)
        _template(row["workflow_job_template"])
    return row


def _own_node(row_id: int) -> db.Row:
    """A node of a workflow template that the user may change."""
    row = found("nodes", row_id, "WorkflowJobTemplateNode", workflow_job=None)
    _template(row["workflow_job_template"], change=True)
    return row


def _node_list(condition: str, values: list[t.Any]) -> flask.Response:
    def show(row: db.Row) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", flask.g.bodies.node(row, view="list"))

    return listed("nodes", filterable.NODES, show, "WorkflowJobNode", condition, values)
