# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the API: headers, content negotiation, refusals, and the pages outside the API."""

from __future__ import annotations

import html
import json
import typing as t
import uuid

import flask
import werkzeug.exceptions

from . import sentences

_METHODS = ("GET", "PUT", "PATCH", "POST", "DELETE", "HEAD", "OPTIONS")


class Refusal(Exception):
    """An answer that ends the work on a request."""

    def __init__(self, status: int, body: t.Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers or {}


class Crash(Exception):
    """The controller breaks on this request: 500, a page."""


def say(sentence: str, *words: object) -> str:
    """A sentence in the language of the moment."""
    return sentences.say(flask.g.settings["language"], sentence, *words)


def detail(status: int, sentence: str, *words: object) -> Refusal:
    """A refusal with one sentence."""
    return Refusal(status, {"detail": say(sentence, *words)})


def page(status: int, text: str) -> flask.Response:
    """A page for people, as everything outside the API answers."""
    text = html.escape(text)
    markup = f"<!DOCTYPE html>\n<html><head><title>{text}</title></head><body>{text}</body></html>\n"
    return flask.Response(markup, status, content_type="text/html; charset=utf-8")


def answer(body: t.Any, status: int = 200, headers: dict[str, str] | None = None) -> flask.Response:
    """A body as JSON, or as a page for a browser; None is an empty answer."""
    if body is None:
        response = flask.Response(b"", status, headers)
        del response.headers["Content-Type"]
    elif wanted() == "text/html":
        response = page(status, json.dumps(body, indent=4))
        response.headers.extend(headers or {})
    else:
        response = flask.Response(json.dumps(body), status, headers, content_type="application/json")
    return response


def wanted(offered: t.Sequence[str] = ("application/json", "text/html")) -> str | None:
    """The type of the answer that the client's Accept header prefers; the first offered if it does not care."""
    accept = flask.request.accept_mimetypes
    if not accept.provided:
        return offered[0]
    found = accept.best_match(offered)
    return None if found is None else str(found)


def decorate(response: flask.Response) -> flask.Response:
    """Add the headers that each answer of the API has."""
    settings, headers = flask.g.settings, response.headers
    methods = _methods()
    if methods:
        headers["Allow"] = ", ".join(method for method in _METHODS if method in methods)
        headers["X-API-Product-Name"] = "Sandbox"
        if flask.g.get("user") is not None:
            headers["X-API-Product-Version"] = settings["version"]
    headers["Vary"] = "Accept, Accept-Language, origin, Cookie"
    headers["Content-Language"] = settings["language"]
    headers["X-API-Request-Id"] = uuid.uuid4().hex
    return response


def _methods() -> set[str]:
    """The methods that the URL of the request takes; none if it lies outside the API."""
    problem, rule = flask.request.routing_exception, flask.request.url_rule
    if isinstance(problem, werkzeug.exceptions.MethodNotAllowed):
        return {*(problem.valid_methods or ()), "OPTIONS"}
    if rule is None:
        return set()
    rules = flask.current_app.url_map.iter_rules()
    return set().union(*(other.methods or () for other in rules if other.rule == rule.rule))


def body_of_request() -> dict[str, t.Any]:
    """The JSON object in the request; none at all is an empty one."""
    request = flask.request
    raw = request.get_data()
    if not raw:
        return {}
    if request.mimetype != "application/json":
        raise detail(415, sentences.WRONG_CONTENT_TYPE)
    try:
        given = json.loads(raw)
    except ValueError as problem:
        raise detail(400, sentences.BROKEN_JSON, problem) from problem
    if given is None:
        raise Crash
    if not isinstance(given, dict):
        raise detail(400, sentences.NOT_AN_OBJECT)
    return given


def redirect_to_slash() -> flask.Response:
    """What a URL without its last slash answers, whatever the method."""
    response = page(301, "")
    query = f"?{flask.request.query_string.decode()}" if flask.request.query_string else ""
    # As it was recorded: a path, not a whole URL.
    response.autocorrect_location_header = False
    response.headers["Location"] = f"{flask.request.path}/{query}"
    return response
