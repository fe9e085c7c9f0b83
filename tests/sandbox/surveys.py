# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys: the questions of a template, as it shows them, and whether answers will do."""

from __future__ import annotations

import json
import typing as t

from . import jobs, sentences
from .answers import say

if t.TYPE_CHECKING:
    from . import database as db

_TEXTS = ("text", "textarea", "password")
_CHOSEN = ("multiplechoice", "multiselect")


def required(template: db.Row) -> list[str]:
    """The variables that a launch must answer, whether or not they have defaults."""
    return [question["variable"] for question in _questions(template) if question.get("required")]


def problems(template: db.Row, given: dict[str, t.Any]) -> list[str]:
    """What is wrong with the answers of a launch, in the order of the questions."""
    found = (_problem(question, given) for question in _questions(template))
    return [problem for problem in found if problem]


def shown(template: db.Row) -> dict[str, t.Any]:
    """The survey as the API shows it; empty if there is none."""
    questions = [_shown(question) for question in _questions(template)]
    return {"name": "", "description": "", "spec": questions} if questions else {}


def _questions(template: db.Row) -> list[dict[str, t.Any]]:
    return t.cast("list[dict[str, t.Any]]", json.loads(template["survey"]))


def _problem(question: dict[str, t.Any], given: dict[str, t.Any]) -> str | None:
    name, kind = question["variable"], question.get("type", "text")
    if name not in given:
        return say(sentences.NEEDED_VARIABLE, name) if question.get("required") else None
    value = given[name]
    if kind in _TEXTS and not isinstance(value, str):
        return say(sentences.NOT_A_TEXT, value, name)
    if kind == "integer" and (isinstance(value, bool) or not isinstance(value, int)):
        return say(sentences.NOT_A_WHOLE_NUMBER, value, name)
    if kind in _CHOSEN:
        choices = _choices(question)
        chosen = value if kind == "multiselect" and isinstance(value, list) else [value]
        if any(one not in choices for one in chosen):
            return say(sentences.NO_CHOICE, value, name, choices)
    return None


def _choices(question: dict[str, t.Any]) -> list[str]:
    choices = question.get("choices", [])
    return choices.split("\n") if isinstance(choices, str) else list(choices)


def _shown(question: dict[str, t.Any]) -> dict[str, t.Any]:
    name = question["variable"]
    common = {"max": 100, "min": 0, "type": "text", "default": "", "required": False}
    masked = {"default": jobs.ENCRYPTED} if question.get("type") == "password" and question.get("default") else {}
    return {**common, "question_name": name, "question_description": "", **question, **masked}
