# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts: what a job is launched with beyond its template. Taken from the body of a launch, and shown again."""

from __future__ import annotations

import json
import typing as t

import flask
import yaml

from . import database as db
from . import jobs, permissions, resources, sentences, surveys
from .answers import Refusal, detail, say

_CHOICES = {"job_type": ("run", "check"), "verbosity": (0, 1, 2, 3, 4, 5)}
_LEAST = {"forks": 0, "timeout": None, "job_slice_count": 1}
_TEXTS = ("limit", "scm_branch", "job_tags", "skip_tags")


def accepted(template: db.Row, given: dict[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """The prompts in the body of a launch, and what of it is ignored since the template does not ask for it."""
    if isinstance(given.get("labels"), dict):
        raise Refusal(400, [say(sentences.NO_DICTIONARY, "labels")])
    asks = json.loads(template["asks"])
    prompts: dict[str, t.Any] = {}
    ignored: dict[str, t.Any] = {}
    errors: dict[str, list[str]] = {}
    for name in resources.PROMPTS:
        if name not in given:
            continue
        value = given[name]
        problem = _problem(name, value)
        if problem:
            errors[name] = [problem]
        elif name == "extra_vars":
            taken, left = _variables(template, value)
            prompts.update({name: taken} if taken else {})
            ignored.update({name: left} if left else {})
        elif not _equal(name, value, template):
            (prompts if name in asks else ignored)[name] = value
    if "credentials" in asks and "credentials" in given and "credentials" not in errors:
        lacking = _lacking(template, given["credentials"])
        errors.update({"credentials": lacking} if lacking else {})
    if "extra_vars" not in errors:
        unanswered = surveys.problems(template, _parsed(given.get("extra_vars", {})))
        errors.update({"variables_needed_to_start": unanswered} if unanswered else {})
    if errors:
        raise Refusal(400, errors)
    if "credentials" in prompts:
        own = json.loads(template["credentials"])
        prompts["credentials"] = [one for one in prompts["credentials"] if one not in own]
    if set(permissions.OWNED) & set(prompts) and not flask.g.user["is_superuser"]:
        raise detail(403, sentences.FORBIDDEN)
    return prompts, ignored


def _problem(name: str, value: t.Any) -> str | None:
    if name == "extra_vars":
        return _unreadable(value)
    if value is None:
        return say(sentences.NOT_NULL)
    if name in _CHOICES and (isinstance(value, bool) or value not in _CHOICES[name]):
        return say(sentences.BAD_CHOICE, value)
    if name in _TEXTS and not isinstance(value, str):
        return say(sentences.NOT_A_STRING)
    if name == "diff_mode" and not isinstance(value, bool):
        return say(sentences.NOT_A_BOOLEAN)
    if name in _LEAST:
        return _too_small(value, _LEAST[name])
    if name in resources.MANY and not isinstance(value, list):
        return say(sentences.NOT_A_LIST, type(value).__name__)
    if name in resources.TABLES:
        for one in value if name in resources.MANY else [value]:
            if isinstance(one, bool) or not isinstance(one, int):
                return say(sentences.NOT_AN_ID, type(one).__name__)
            if flask.g.database.get(resources.TABLES[name], one) is None:
                return say(sentences.NO_SUCH_ID, one)
    return None


def _too_small(value: t.Any, least: int | None) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return say(sentences.NOT_AN_INTEGER)
    return say(sentences.TOO_SMALL, least) if least is not None and value < least else None


def _unreadable(value: t.Any) -> str | None:
    if not isinstance(value, (str, dict)):
        return say(sentences.NO_VARIABLES, type(value).__name__, type(value).__name__)
    return None if isinstance(_parsed(value), dict) else say(sentences.NOT_A_DICTIONARY)


def _parsed(value: t.Any) -> t.Any:
    if not isinstance(value, str):
        return value
    try:
        # JSON is YAML.
        return yaml.safe_load(value) or {}
    except yaml.YAMLError:
        return None


def _variables(template: db.Row, value: t.Any) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    asked = "extra_vars" in json.loads(template["asks"])
    surveyed = {one["variable"] for one in json.loads(template["survey"])}
    given, secret = _parsed(value), resources.secret_variables(template)
    taken = {name: one for name, one in given.items() if asked or name in surveyed}
    own = json.loads(template["extra_vars"])
    left = {name: one for name, one in given.items() if name not in taken and (name not in own or own[name] != one)}
    # The mask is no answer to a survey's question.
    return {name: one for name, one in taken.items() if name not in secret or one != jobs.ENCRYPTED}, left


def _equal(name: str, value: t.Any, template: db.Row) -> bool:
    if name not in resources.MANY:
        return bool(value == template[name])
    own = json.loads(template[name])
    if name == "credentials":
        return set(value) <= set(own)
    return bool(value == own if name == "instance_groups" else set(value) == set(own))


def _lacking(template: db.Row, given: list[int]) -> list[str]:
    database = flask.g.database
    kinds = {resources.kind_of(database.get("credentials", one)) for one in given}
    own = [database.get("credentials", one) for one in json.loads(template["credentials"])]
    lacking = [row for row in own if row and resources.kind_of(row) not in kinds]
    if not lacking:
        return []
    names = ", ".join(f"{row['name']}-{row['id']}" for row in lacking)
    return [say(sentences.CREDENTIAL_REMOVED, resources.credential_type(lacking[0])["name"], names)]


def shown(database: db.Database, job: db.Row) -> dict[str, t.Any]:
    """The prompts of a job in full, as `create_schedule/` shows them; the key `all` if the controller does not know."""
    kept = json.loads(job["prompts"])
    if kept is None:
        return {"all": say(sentences.PROMPTS_UNKNOWN)}
    present = resources.present(database, kept)
    if "extra_vars" in present and not present["extra_vars"]:
        del present["extra_vars"]
    ordered = {name: present[name] for name in resources.PROMPTS if name in present}
    return {name: _summary(name, value) for name, value in ordered.items()}


def _summary(name: str, value: t.Any) -> t.Any:
    bodies, database = flask.g.bodies, flask.g.database
    if name == "labels":
        return bodies.labels(value)
    if name == "inventory":
        return bodies.inventory_summary(value)
    if name == "execution_environment":
        return bodies.environment_summary(value)
    if name == "instance_groups":
        return [bodies.group_summary(one) for one in value]
    if name == "credentials":
        rows = [database.get("credentials", one) for one in value]
        return sorted((bodies.credential_summary(row) for row in rows), key=lambda one: t.cast("str", one["name"]))
    return value


def can_schedule(database: db.Database, job: db.Row) -> bool:
    """Whether the job could be run again by a schedule, with nobody there to answer."""
    needed = resources.passwords_of(database, job["credentials"])
    gone = job["inventory"] is None or job["unified_job_template"] is None
    return not needed and not gone and json.loads(job["prompts"]) is not None
