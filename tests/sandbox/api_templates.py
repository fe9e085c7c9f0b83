# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the API that is about job templates, and launching them."""

from __future__ import annotations

import json
import re
import typing as t

import flask

from . import database as db
from . import filterable, jobs, permissions, prompts, resources, sentences, surveys, updates
from .answers import Refusal, answer, detail, say
from .api import api, found, listed
from .bodies import url


@api.get("/job_templates/")
def job_templates() -> flask.Response:
    """The job templates that the user may see."""
    condition, values = permissions.readable(flask.g.user)
    condition = f"type = 'job_template' AND {condition.replace('unified_job_template', 'id')}"
    return listed("templates", filterable.TEMPLATES, flask.g.bodies.job_template, "JobTemplate", condition, values)


@api.get("/job_templates/<int:row_id>/")
def job_template(row_id: int) -> flask.Response:
    """One job template."""
    return answer(flask.g.bodies.job_template(_template(row_id)))


@api.get("/job_templates/<named>/")
def job_template_by_name(named: str) -> flask.Response:
    """The same under its name and its organization's."""
    return job_template(by_named_url(named, "job_template", "JobTemplate"))


@api.get("/job_templates/<named>/launch/")
def launch_needs_by_name(named: str) -> flask.Response:
    """What a launch needs, in the same way."""
    return launch_needs(by_named_url(named, "job_template", "JobTemplate"))


@api.post("/job_templates/<named>/launch/")
def launch_by_name(named: str) -> flask.Response:
    """A launch in the same way."""
    return launch(by_named_url(named, "job_template", "JobTemplate"))


def by_named_url(named: str, kind: str, model: str) -> int:
    """The id of the template with this named URL: `Name++Organization`, with its own reserved signs in brackets."""
    name, plus, organization = (re.sub(r"\[(.)\]", r"\1", part) for part in named.partition("++"))
    statement = (
        "SELECT templates.id FROM templates LEFT JOIN organizations ON organizations.id = templates.organization "
        "WHERE type = ? AND templates.name = ? AND COALESCE(organizations.name, '') = ?"
    )
    row_id = flask.g.database.value(statement, kind, name, organization) if plus else None
    if row_id is None:
        raise detail(404, sentences.NOT_FOUND, model)
    return int(row_id)


@api.get("/job_templates/<int:row_id>/survey_spec/")
def survey(row_id: int) -> flask.Response:
    """The survey of a job template."""
    return answer(surveys.shown(_template(row_id)))


@api.get("/job_templates/<int:row_id>/launch/")
def launch_needs(row_id: int) -> flask.Response:
    """What a launch of a template may or must be given."""
    template = _template(row_id)
    asks = json.loads(template["asks"])
    needed = resources.passwords_of(flask.g.database, template["credentials"])
    return answer(
        {
            "can_start_without_user_input": not needed and not asks and template["survey"] == "[]",
            "passwords_needed_to_start": needed,
            **{option: field in asks for field, option in resources.PROMPTS.items()},
            "survey_enabled": template["survey"] != "[]",
            "variables_needed_to_start": surveys.required(template),
            "credential_needed_to_start": False,
            "inventory_needed_to_start": template["inventory"] is None,
            "job_template_data": {name: template[name] for name in ("name", "id", "description")},
            "defaults": flask.g.bodies.defaults(template),
        }
    )


@api.post("/job_templates/<int:row_id>/launch/")
def launch(row_id: int) -> flask.Response:
    """Launch a template."""
    database, asking, given = flask.g.database, flask.g.user, flask.g.given
    template = found("templates", row_id, "JobTemplate", type="job_template")
    if not permissions.may_execute(database, asking, row_id):
        raise detail(403, sentences.FORBIDDEN)
    given_prompts, ignored = prompts.accepted(template, given)
    if template["inventory"] is None and "inventory" not in given_prompts:
        raise Refusal(400, {"inventory": [say(sentences.NO_INVENTORY)]})
    if template["project"] is None:
        raise Refusal(400, {"project": [say(sentences.NO_PROJECT)]})
    if updates.lacks_revision(t.cast("db.Row", database.get("projects", template["project"]))):
        raise Refusal(400, {"playbook": [updates.MISSING_REVISION]})
    own = json.loads(template["credentials"])
    credentials = resources.combined(database, own, given_prompts.get("credentials", []))
    needed = resources.passwords_of(database, json.dumps(credentials))
    passwords = given.get("credential_passwords") or {name: given[name] for name in needed if name in given}
    missing = [name for name in needed if not isinstance(passwords, dict) or not passwords.get(name)]
    if missing:
        raise Refusal(400, {"passwords_needed_to_start": missing})
    # Nobody may move the job on before the answer has been made.
    with database.transaction():
        return _launched(template, given_prompts, ignored, {name: passwords[name] for name in needed})


def _launched(
    template: db.Row, given: dict[str, t.Any], ignored: dict[str, t.Any], passwords: dict[str, t.Any]
) -> flask.Response:
    database, user = flask.g.database, flask.g.user["id"]
    slices = jobs.slice_count(database, template, given)
    if slices > 1:
        kind, job = "workflow_job", jobs.launch_sliced(database, template, user, prompts=given, slices=slices)
        body = flask.g.bodies.workflow_job(database.get("jobs", job))
    else:
        kind, job = "job", jobs.launch(database, template, user, prompts=given, passwords=passwords)
        body = flask.g.bodies.job(database.get("jobs", job), view="created")
    return answer({kind: job, "ignored_fields": ignored, **body}, 201, {"Location": url(kind, job)})


def _template(row_id: int) -> db.Row:
    template = found("templates", row_id, "JobTemplate", type="job_template")
    if not permissions.may_read(flask.g.database, flask.g.user, row_id):
        raise detail(403, sentences.FORBIDDEN)
    return template
