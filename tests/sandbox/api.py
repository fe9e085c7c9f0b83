# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's front door: authentication, and everything that is not about one job."""

from __future__ import annotations

import time
import typing as t

import flask
import werkzeug.exceptions
import werkzeug.routing

from . import database as db
from . import filterable, filters, people, permissions, sentences, settings
from .answers import Crash, Refusal, answer, body_of_request, decorate, detail, page, redirect_to_slash, say, wanted
from .bodies_workflows import AllBodies

PREFIXES = {"awx": "/api/v2", "gateway": "/api/controller/v2"}

api = flask.Blueprint("api", __name__)

_PUBLIC = ("api.version_root", "api.ping")
_OWN_OPTIONS = ("api.relaunch_options", "api.workflow_template_options")
_LARGEST_ID = 2**63 - 1


def install(app: flask.Flask, prefix: str) -> None:
    """Add the API to an application, under the prefix of an AWX or of a gateway."""
    app.register_blueprint(api, url_prefix=PREFIXES[prefix])
    app.add_url_rule("/api/", "root", root)
    if prefix == "gateway":
        app.add_url_rule("/api/controller/", "controller_root", controller_root)
    app.before_request(enter)
    app.after_request(leave)
    app.register_error_handler(Refusal, lambda refusal: answer(refusal.body, refusal.status, refusal.headers))
    app.register_error_handler(Crash, lambda _crash: page(500, "Server Error (500)"))
    app.register_error_handler(404, lambda _problem: page(404, "Not Found"))


def enter() -> t.Any:
    """Find out who asks and what for; whatever is returned is the answer."""
    request = flask.request
    if request.path.startswith("/sandbox/"):
        return None
    flask.g.settings = settings.read(flask.g.database)
    if request.host.partition(":")[0] not in ("127.0.0.1", "localhost"):
        return page(400, "Bad Request (400)")
    time.sleep(flask.g.settings["answer_delay"])
    problem = request.routing_exception
    if isinstance(problem, werkzeug.routing.RequestRedirect):
        return redirect_to_slash()
    if problem is not None and not isinstance(problem, werkzeug.exceptions.MethodNotAllowed):
        return page(404, "Not Found")
    if request.endpoint in ("root", "controller_root"):
        return None
    flask.g.given = body_of_request() if request.method in ("POST", "PUT", "PATCH") else {}
    flask.g.user, scope = people.who(flask.g.database, request.headers.get("Authorization", ""), flask.g.settings)
    if flask.g.user is not None:
        request.environ["sandbox.user"] = flask.g.user["username"]
    elif request.endpoint not in _PUBLIC:
        challenge = {"WWW-Authenticate": "Bearer realm=api authorization_url=/api/o/authorize/"}
        raise Refusal(401, {"detail": say(sentences.NOT_AUTHENTICATED)}, challenge)
    if problem is not None:
        raise detail(405, sentences.METHOD_NOT_ALLOWED, request.method)
    if wanted(("application/json", "text/html", "text/plain")) is None:
        raise detail(406, sentences.NOT_ACCEPTABLE)
    if scope == "read" and request.method not in ("GET", "HEAD", "OPTIONS"):
        raise detail(403, sentences.FORBIDDEN)
    if flask.g.user is not None:
        flask.g.bodies = AllBodies(flask.g.database, flask.g.user, flask.g.settings)
    if request.method == "OPTIONS" and request.endpoint not in _OWN_OPTIONS:
        name = str(request.endpoint).partition(".")[2].replace("_", " ").title()
        return answer({"name": name, "renders": ["application/json", "text/html"], "parses": ["application/json"]})
    return None


def leave(response: flask.Response) -> flask.Response:
    """Put the usual headers on an answer."""
    if flask.request.path.startswith("/sandbox/"):
        return response
    if response.status_code == 201:
        time.sleep(flask.g.settings["answer_delay_after_commit"])
    return decorate(response)


def root() -> flask.Response:
    """What lies where, for everybody."""
    if flask.g.settings["prefix"] == "gateway":
        apis = {"gateway": "/api/gateway/", "controller": "/api/controller/", "galaxy": "/api/galaxy/"}
        return answer({"description": "Sandbox gateway REST API", "apis": apis})
    return _api_root("/api/v2/")


def controller_root() -> flask.Response:
    """The same of the controller behind a gateway."""
    return _api_root("/api/controller/v2/")


def _api_root(version: str) -> flask.Response:
    return answer(
        {
            "description": "Sandbox REST API",
            "current_version": version,
            "available_versions": {"v2": version},
            "oauth2": "/api/o/",
            "custom_logo": "",
            "custom_login_info": "",
            "login_redirect_override": "",
        }
    )


@api.get("/")
def version_root() -> flask.Response:
    """The names of the lists."""
    names = ["ping", "me", "users", "tokens", "organizations", "job_templates", "jobs", "unified_jobs"]
    names += ["workflow_job_templates", "workflow_jobs"]
    return answer({name: f"/api/v2/{name}/" for name in names})


@api.get("/ping/")
def ping() -> flask.Response:
    """That the controller is there."""
    version = flask.g.settings["version"]
    instance = {
        "node": "sandbox",
        "node_type": "hybrid",
        "uuid": "00000000-0000-0000-0000-000000000000",
        "heartbeat": db.now(),
        "capacity": flask.g.settings["max_running"],
        "version": version,
    }
    group = {"capacity": instance["capacity"], "instances": ["sandbox"]}
    groups = [{"name": name, **group} for name in ("controlplane", "default")]
    return answer(
        {
            "ha": False,
            "version": version,
            "active_node": "sandbox",
            "install_uuid": instance["uuid"],
            "instances": [instance],
            "instance_groups": groups,
        }
    )


@api.get("/config/")
def config() -> flask.Response:
    """The little of it that clients read."""
    info = {"license_type": "open", "valid_key": True, "subscription_name": "OPEN", "product_name": "Sandbox"}
    return answer({"time_zone": "UTC", "license_info": info, "version": flask.g.settings["version"], "eula": ""})


@api.get("/me/")
def me() -> flask.Response:
    """Who asks."""
    return answer({"count": 1, "next": None, "previous": None, "results": [flask.g.bodies.user(flask.g.user)]})


@api.get("/users/")
def users() -> flask.Response:
    """The users whom the user may see."""
    return listed("users", filterable.USERS, flask.g.bodies.user, "User", *_own_or_all("id"))


@api.get("/users/<int:row_id>/")
def user(row_id: int) -> flask.Response:
    """One user."""
    return answer(flask.g.bodies.user(found("users", row_id, "User")))


def _own_or_all(column: str) -> tuple[str, tuple[t.Any, ...]]:
    asking = flask.g.user
    return ("1", ()) if permissions.sees_all(asking) else (f"{column} = ?", (asking["id"],))


@api.post("/tokens/")
def create_token() -> flask.Response:
    """A new token of the user's own."""
    return _new_token(flask.g.user["id"])


@api.post("/users/<int:row_id>/personal_tokens/")
@api.post("/users/<int:row_id>/tokens/")
def create_personal_token(row_id: int) -> flask.Response:
    """The same, under the user."""
    found("users", row_id, "User")
    if row_id != flask.g.user["id"]:
        raise detail(403, sentences.FORBIDDEN)
    return _new_token(row_id)


def _new_token(user_id: int) -> flask.Response:
    given = flask.g.given
    scope = given.get("scope") or "write"
    if scope not in ("read", "write"):
        raise Refusal(400, {"scope": [say(sentences.BAD_CHOICE, scope)]})
    token = people.create_token(flask.g.database, user_id, scope, str(given.get("description", "")))
    return answer(flask.g.bodies.token(token), 201, {"Location": f"/api/v2/tokens/{token['id']}/"})


@api.delete("/tokens/<int:row_id>/")
def delete_token(row_id: int) -> flask.Response:
    """Revoke a token."""
    token = found("tokens", row_id, "OAuth2AccessToken")
    if token["user"] != flask.g.user["id"] and not flask.g.user["is_superuser"]:
        raise detail(403, sentences.FORBIDDEN)
    flask.g.database.run("DELETE FROM tokens WHERE id = ?", row_id)
    return answer(None, 204)


@api.get("/organizations/")
def organizations() -> flask.Response:
    """The organizations."""
    return listed("organizations", filterable.ORGANIZATIONS, flask.g.bodies.organization, "Organization")


@api.get("/organizations/<int:row_id>/")
def organization(row_id: int) -> flask.Response:
    """One organization."""
    return answer(flask.g.bodies.organization(found("organizations", row_id, "Organization")))


def found(table: str, row_id: int, model: str, **columns: t.Any) -> db.Row:
    """The row with this id, if it has these columns; otherwise 404."""
    row = flask.g.database.get(table, row_id) if row_id <= _LARGEST_ID else None
    if row is None or any(row[name] != value for name, value in columns.items()):
        raise detail(404, sentences.NOT_FOUND, model)
    return t.cast("db.Row", row)


def listed(
    table: str,
    fields: filterable.Fields,
    show: filters.Show,
    model: str,
    condition: str = "1",
    values: t.Sequence[t.Any] = (),
    order: str = "id",
) -> flask.Response:
    """One page of the rows of a table that hold to a condition, as the query string asks for it."""
    return answer(
        filters.listed(
            flask.g.database, table, fields, show, condition=condition, values=values, model=model, order=order
        )
    )


def readable(table: str, row_id: int, model: str) -> db.Row:
    """The row with this id, of a kind that nobody has a role on here; otherwise 404, or 403."""
    row = found(table, row_id, model)
    if not permissions.sees_all(flask.g.user):
        raise detail(403, sentences.FORBIDDEN)
    return row


def superuser_only() -> None:
    """Refuse what no role allows here."""
    if not flask.g.user["is_superuser"]:
        raise detail(403, sentences.FORBIDDEN)
