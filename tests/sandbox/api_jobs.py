# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the API that is about jobs: lists, details, relaunch, cancel, events, summaries and output."""

from __future__ import annotations

import random
import typing as t

import flask

from . import database as db
from . import filterable, filters, jobs, permissions, prompts, resources, results, sentences, settings
from .answers import Crash, Refusal, answer, detail, page, say
from .api import api, found, listed, superuser_only
from .bodies import url

_MODELS = {"job": "Job", "workflow_job": "WorkflowJob", "ad_hoc_command": "AdHocCommand"}
_KINDS = {"jobs": "job", "workflow_jobs": "workflow_job", "ad_hoc_commands": "ad_hoc_command"}
_KIND = "<any(jobs, workflow_jobs, ad_hoc_commands):kind>"

_TEXT = ("text/plain", "txt", "txt_download", "ansi", "ansi_download")


@api.get("/jobs/")
def job_list() -> flask.Response:
    """The jobs that the user may see."""
    return _jobs("type = 'job'", (), "Job", filterable.JOBS, lambda row: flask.g.bodies.job(row, view="list"))


@api.get("/unified_jobs/")
def unified_job_list() -> flask.Response:
    """The same of every kind."""
    kinds = [kind for text in flask.request.args.getlist("type") for kind in text.split(",")]
    marks = ", ".join("?" for _kind in kinds)
    condition = f"type IN ({marks})" if kinds else "1"
    return _jobs(condition, kinds, "UnifiedJob", filterable.UNIFIED_JOBS, flask.g.bodies.unified_job)


def _jobs(
    kind: str, kinds: t.Sequence[str], model: str, fields: filterable.Fields, show: filters.Show
) -> flask.Response:
    condition, values = permissions.readable(flask.g.user)
    return listed("jobs", fields, show, model, f"{kind} AND {condition}", [*kinds, *values])


@api.get(f"/{_KIND}/<int:row_id>/")
def job_detail(kind: str, row_id: int) -> flask.Response:
    """One job, workflow job or ad hoc command."""
    row = _readable(_KINDS[kind], row_id)
    return answer(getattr(flask.g.bodies, row["type"])(row))


@api.delete(f"/{_KIND}/<int:row_id>/")
def job_delete(kind: str, row_id: int) -> flask.Response:
    """Forget a job."""
    row = _readable(_KINDS[kind], row_id)
    superuser_only()
    if row["status"] in jobs.ACTIVE and row["status"] != "new":
        raise detail(403, sentences.NOT_DELETABLE)
    flask.g.database.run("DELETE FROM jobs WHERE id = ?", row_id)
    return answer(None, 204)


@api.get("/jobs/<int:row_id>/relaunch/", provide_automatic_options=False)
def relaunch_needs(row_id: int) -> flask.Response:
    """What a relaunch needs, and how many hosts it would be about."""
    row = _readable("job", row_id)
    counts: t.Any = say(sentences.JOB_ACTIVE)
    if row["status"] not in jobs.ACTIVE:
        counts = results.retry_counts(flask.g.database, row)
        if flask.g.settings["lag_hides_counts"] and not jobs.events_saved(row, flask.g.settings):
            counts = dict.fromkeys(counts, 0)
    return answer({"passwords_needed_to_start": _needed(row), "retry_counts": counts})


@api.route("/jobs/<int:row_id>/relaunch/", methods=["OPTIONS"], provide_automatic_options=False)
def relaunch_options(row_id: int) -> flask.Response:
    """Which fields a relaunch takes."""
    _readable("job", row_id)
    fields: dict[str, t.Any] = {
        "hosts": _choice(
            "Hosts", ("all", "No change to job limit"), ("failed", "All failed and unreachable hosts"), default="all"
        ),
        "credential_passwords": {
            "type": "json",
            "required": True,
            "hidden": False,
            "label": "Credential passwords",
            "filterable": False,
            "write_only": True,
        },
    }
    if flask.g.settings["relaunch_takes_job_type"]:
        fields["job_type"] = _choice("Job type", ("run", "Run"), ("check", "Check"))
    shown = {
        name: {"type": "field", "hidden": False, "label": label, "filterable": False}
        for name, label in (
            ("passwords_needed_to_start", "Passwords needed to start"),
            ("retry_counts", "Retry counts"),
        )
    }
    actions: dict[str, t.Any] = {"GET": shown, "POST": fields}
    return answer(
        {
            "name": "Job Relaunch",
            "renders": ["application/json", "text/html"],
            "parses": ["application/json"],
            "actions": actions,
            "types": ["job"],
        },
    )


def _choice(label: str, *choices: tuple[str, str], default: str | None = None) -> dict[str, t.Any]:
    return {
        "type": "choice",
        "required": False,
        "hidden": False,
        "label": label,
        "filterable": False,
        **({"default": default} if default else {}),
        "choices": [[None, "---------"], *([value, text] for value, text in choices)],
        "write_only": True,
    }


@api.post("/jobs/<int:row_id>/relaunch/", provide_automatic_options=False)
def relaunch(row_id: int) -> flask.Response:
    """Relaunch a job."""
    database, given = flask.g.database, flask.g.given
    row = found("jobs", row_id, "Job", type="job")
    try:
        permissions.check_start(database, flask.g.user, row)
    except permissions.Denied as denied:
        raise detail(403, str(denied)) from denied
    hosts, job_type, passwords = _checked(row, given)
    if row["project"] is None:
        raise Refusal(400, {"errors": [say(sentences.NO_PROJECT)]})
    if row["inventory"] is None:
        raise Refusal(400, {"errors": [say(sentences.NO_INVENTORY)]})
    limit = _limit_to_failed(row) if hosts == "failed" else None
    with database.transaction():
        new = jobs.relaunch(database, row, flask.g.user["id"], limit=limit, job_type=job_type, passwords=passwords)
        if settings.take(database, "relaunches_left_in_new"):
            database.update("jobs", new, status="new")
        body = flask.g.bodies.job(database.get("jobs", new), view="created")
    return answer({**body, "job": new}, 201, {"Location": url("job", new)})


def _checked(row: db.Row, given: dict[str, t.Any]) -> tuple[str | None, str | None, dict[str, t.Any]]:
    errors: dict[str, t.Any] = {}
    choices = {"hosts": ("all", "failed")}
    if flask.g.settings["relaunch_takes_job_type"]:
        choices["job_type"] = ("run", "check")
    for name, allowed in choices.items():
        value = given.get(name)
        if value is not None and (not isinstance(value, str) or value not in allowed):
            shown = f"OrderedDict({list(value.items())})" if isinstance(value, dict) else value
            errors[name] = [say(sentences.BAD_CHOICE, shown)]
    needed = _needed(row)
    passwords = given.get("credential_passwords", {name: given[name] for name in needed if name in given})
    if passwords is None:
        errors["credential_passwords"] = [say(sentences.NOT_NULL)]
    else:
        try:
            present = {name for name in passwords if passwords[name]}
        except (TypeError, KeyError, IndexError) as problem:
            # So does the real one: what is no object breaks it.
            raise Crash from problem
        missing = list(set(needed) - present)
        if missing:
            random.shuffle(missing)
            errors["credential_passwords"] = [say(sentences.MISSING_PASSWORDS, ", ".join(missing))]
    if errors:
        raise Refusal(400, errors)
    kept = {name: passwords[name] for name in needed}
    return given.get("hosts"), given.get("job_type") if "job_type" in choices else None, kept


def _limit_to_failed(row: db.Row) -> str:
    if row["status"] in jobs.ACTIVE:
        raise Refusal(400, {"hosts": say(sentences.WAIT_FOR_JOB)})
    # A job whose events never count as processed has nonetheless the stats it has.
    now = {**flask.g.settings, "events_never_finish_after_error": False}
    if not jobs.events_saved(row, now) or not results.has_stats(flask.g.database, row):
        raise Refusal(400, {"hosts": say(sentences.NO_STATS)})
    names = results.failed_hosts(flask.g.database, row)
    if not names:
        raise Refusal(400, {"hosts": say(sentences.NO_FAILED_HOST)})
    return ",".join(names)


@api.get("/jobs/<int:row_id>/create_schedule/")
def job_prompts(row_id: int) -> flask.Response:
    """What the job was prompted with: whoever may read it may see."""
    row, database = _readable("job", row_id), flask.g.database
    return answer({"can_schedule": prompts.can_schedule(database, row), "prompts": prompts.shown(database, row)})


@api.get("/jobs/<int:row_id>/activity_stream/")
def job_activity(row_id: int) -> flask.Response:
    """Who launched the job, and with what; others than administrators see nothing of it."""
    row = _readable("job", row_id)
    entries = [flask.g.bodies.launch_activity(row)] if flask.g.user["is_superuser"] else []
    return answer({"count": len(entries), "next": None, "previous": None, "results": entries})


@api.get("/ad_hoc_commands/<int:row_id>/relaunch/")
def command_relaunch_needs(row_id: int) -> flask.Response:
    """The passwords it needs."""
    return answer({"passwords_needed_to_start": _needed(_readable("ad_hoc_command", row_id))})


@api.post("/ad_hoc_commands/<int:row_id>/relaunch/")
def command_relaunch(row_id: int) -> flask.Response:
    """Relaunch an ad hoc command; it takes passwords at the top of the body."""
    database, given = flask.g.database, flask.g.given
    row = _readable("ad_hoc_command", row_id)
    missing = [name for name in _needed(row) if not given.get(name)]
    if missing:
        raise Refusal(400, {"passwords_needed_to_start": missing})
    passwords = {name: given[name] for name in _needed(row)}
    new = jobs.relaunch_command(database, row, flask.g.user["id"], passwords)
    body = flask.g.bodies.ad_hoc_command(database.get("jobs", new))
    return answer({**body, "ad_hoc_command": new}, 201, {"Location": url("ad_hoc_command", new)})


@api.get(f"/{_KIND}/<int:row_id>/cancel/")
def cancellable(kind: str, row_id: int) -> flask.Response:
    """Whether the job can still be canceled."""
    return answer({"can_cancel": _readable(_KINDS[kind], row_id)["status"] in jobs.ACTIVE})


@api.post(f"/{_KIND}/<int:row_id>/cancel/")
def cancel(kind: str, row_id: int) -> flask.Response:
    """Cancel a job."""
    row = _readable(_KINDS[kind], row_id)
    own = row["created_by"] == flask.g.user["id"]
    if not flask.g.user["is_superuser"] and not own:
        raise detail(403, sentences.FORBIDDEN)
    if row["status"] not in jobs.ACTIVE:
        raise detail(405, sentences.METHOD_NOT_ALLOWED, "POST")
    jobs.cancel(flask.g.database, row)
    return answer(None, 202)


@api.get("/jobs/<int:row_id>/job_host_summaries/")
def host_summaries(row_id: int) -> flask.Response:
    """What the job's stats say of each host."""
    return _of_job(row_id, "summaries", filterable.SUMMARIES, flask.g.bodies.host_summary, "JobHostSummary", "1")


@api.get("/jobs/<int:row_id>/job_events/")
def job_events(row_id: int) -> flask.Response:
    """The job's events."""
    late = "event != 'playbook_on_stats'"
    return _of_job(row_id, "events", filterable.EVENTS, flask.g.bodies.event, "JobEvent", late)


def _of_job(
    row_id: int,
    table: str,
    fields: filterable.Fields,
    show: filters.Show,
    model: str,
    before_saved: str,
) -> flask.Response:
    row, now = _readable("job", row_id), flask.g.settings
    condition = "job = ?"
    if not jobs.events_saved(row, {**now, "events_never_finish_after_error": False}):
        condition += " AND 0" if now["lag_hides_counts"] else f" AND {before_saved}"
    return listed(table, fields, show, model, condition, (row_id,))


@api.get("/jobs/<int:row_id>/labels/")
def job_labels(row_id: int) -> flask.Response:
    """The job's labels."""
    return _named_by(row_id, "labels", filterable.LABELS, flask.g.bodies.label, "Label")


@api.get("/jobs/<int:row_id>/credentials/")
def job_credentials(row_id: int) -> flask.Response:
    """The job's credentials."""
    return _named_by(row_id, "credentials", filterable.CREDENTIALS, flask.g.bodies.credential, "Credential")


def _named_by(row_id: int, table: str, fields: filterable.Fields, show: filters.Show, model: str) -> flask.Response:
    _readable("job", row_id)
    condition = f"id IN (SELECT value FROM json_each((SELECT {table} FROM jobs WHERE id = ?)))"
    return listed(table, fields, show, model, condition, (row_id,), order="name")


@api.get("/<any(jobs, ad_hoc_commands):kind>/<int:row_id>/stdout/")
def stdout(kind: str, row_id: int) -> flask.Response:
    """The output: as text, or a range of its lines as JSON."""
    row = _readable(_KINDS[kind], row_id)
    wanted = flask.request.args.get("format")
    accept = flask.request.accept_mimetypes
    if wanted in _TEXT:
        if accept.provided and accept.best_match(["text/plain"]) is None:
            return page(406, say(sentences.NOT_ACCEPTABLE))
        headers = {}
        if wanted.endswith("download"):
            headers["Content-Disposition"] = f'attachment; filename="{row["type"]}_{row_id}.txt"'
        return flask.Response(row["stdout"], 200, headers, content_type="text/plain; charset=utf-8")
    prefers_page = not accept.provided or accept.best_match(["text/html", "application/json"]) == "text/html"
    if wanted != "json" and prefers_page:
        return page(200, row["stdout"])
    lines = row["stdout"].splitlines(keepends=True)
    first = max(0, flask.request.args.get("start_line", 0, int))
    last = min(len(lines), flask.request.args.get("end_line", len(lines), int))
    return answer(
        {
            "range": {"start": first, "end": last, "absolute_end": len(lines)},
            "content": "".join(lines[first:last]),
        }
    )


def _readable(kind: str, row_id: int) -> db.Row:
    row = found("jobs", row_id, _MODELS[kind], type=kind)
    asking = flask.g.user
    if row["type"] == "ad_hoc_command":
        allowed = permissions.sees_all(asking)
    else:
        allowed = permissions.may_read(flask.g.database, asking, row["unified_job_template"])
    if not allowed:
        raise detail(403, sentences.FORBIDDEN)
    return row


def _needed(row: db.Row) -> list[str]:
    return resources.passwords_of(flask.g.database, row["credentials"])
