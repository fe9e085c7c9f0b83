# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as rows: how they are made, launched and relaunched, and when they are over."""

from __future__ import annotations

import json
import secrets
import time
import typing as t
import uuid

from . import database as db
from . import resources, results, workflow_nodes

ACTIVE = ("new", "pending", "waiting", "running")
FINAL = ("successful", "failed", "error", "canceled")
ENCRYPTED = "$encrypted$"

# What a launch makes of a template.
KINDS = {
    "job_template": "job",
    "workflow_job_template": "workflow_job",
    "workflow_approval_template": "workflow_approval",
    "project": "project_update",
}

# What a workflow job hands down to its nodes, over what they have themselves.
WORKFLOW_PROMPTS = ("inventory", "limit", "scm_branch", "job_tags", "skip_tags")

_TAKEN_OVER = (
    "name",
    "description",
    "organization",
    "inventory",
    "project",
    "playbook",
    "content",
    "files",
    "job_type",
    "scm_branch",
    "forks",
    "limit",
    "verbosity",
    "job_tags",
    "skip_tags",
    "timeout",
    "allow_simultaneous",
    "diff_mode",
    "execution_environment",
    "instance_groups",
    "credentials",
    "labels",
    "duration",
    "error",
    "outcomes",
)


def launch(
    database: db.Database,
    template: db.Row,
    user: int | None,
    *,
    prompts: dict[str, t.Any],
    passwords: dict[str, t.Any] | None = None,
    launch_type: str = "manual",
    schedule: int | None = None,
    workflow_job: int | None = None,
    slice_of: tuple[int, int] = (0, 1),
    secret: t.Collection[str] = (),
) -> int:
    """Make a job from a template, with what the launch was given; its id.

    `secret` names variables that nobody may see, besides the passwords of the template's survey.
    """
    shown, kept, hidden = _masked(template, prompts, secret)
    fields = {name: template[name] for name in _TAKEN_OVER}
    fields.update({name: value for name, value in prompts.items() if name in fields})
    # A prompted credential replaces one of its kind, a prompted label is added.
    if "credentials" in prompts:
        own = json.loads(template["credentials"])
        fields["credentials"] = resources.combined(database, own, prompts["credentials"])
    fields["labels"] = list(dict.fromkeys([*json.loads(template["labels"]), *prompts.get("labels", [])]))
    with database.transaction():
        job = insert(
            database,
            user,
            **fields,
            schedule=schedule,
            unified_job_template=template["id"],
            job_template=template["id"],
            extra_vars=json.dumps(shown),
            prompts=kept,
            launch_type=launch_type,
            workflow_job=workflow_job,
            job_slice_number=slice_of[0],
            job_slice_count=slice_of[1],
        )
        _keep_secrets(database, job, passwords or {}, hidden)
    return job


def _masked(
    template: db.Row, prompts: dict[str, t.Any], secret: t.Collection[str]
) -> tuple[dict[str, t.Any], dict[str, t.Any], dict[str, t.Any]]:
    """A launch's variables and its prompts as everybody may see them, and the variables that nobody may."""
    defaults = {one["variable"]: one["default"] for one in json.loads(template["survey"]) if "default" in one}
    variables = {**json.loads(template["extra_vars"]), **defaults, **prompts.get("extra_vars", {})}
    names = {*resources.secret_variables(template), *secret}
    hidden = {name: value for name, value in variables.items() if name in names}
    shown = {name: ENCRYPTED if name in hidden else value for name, value in variables.items()}
    kept = {**prompts}
    if kept.get("extra_vars"):
        kept["extra_vars"] = {name: shown[name] for name in kept["extra_vars"]}
    else:
        kept.pop("extra_vars", None)
    return shown, kept, hidden


def launch_sliced(
    database: db.Database,
    template: db.Row,
    user: int | None,
    *,
    prompts: dict[str, t.Any],
    slices: int,
    launch_type: str = "manual",
    workflow_job: int | None = None,
    secret: t.Collection[str] = (),
) -> int:
    """Make the workflow job whose nodes are the slices; its id."""
    shown, kept, hidden = _masked(template, prompts, secret)
    with database.transaction():
        job = insert(
            database,
            user,
            type="workflow_job",
            name=template["name"],
            organization=template["organization"],
            inventory=prompts.get("inventory", template["inventory"]),
            unified_job_template=template["id"],
            job_template=template["id"],
            extra_vars=json.dumps(shown),
            limit=prompts.get("limit", template["limit"]),
            prompts=kept,
            launch_type=launch_type,
            allow_simultaneous=1,
            is_sliced_job=1,
            job_slice_count=slices,
            workflow_job=workflow_job,
        )
        workflow_nodes.add_slices(database, job, template["id"], slices)
        _keep_secrets(database, job, {}, hidden)
    return job


def slice_count(database: db.Database, template: db.Row, prompts: dict[str, t.Any]) -> int:
    """Into how many jobs a launch of this template is cut."""
    hosts = len(resources.hosts_of(database, prompts.get("inventory", template["inventory"])))
    return max(1, min(int(prompts.get("job_slice_count") or template["job_slice_count"]), hosts))


def relaunch(
    database: db.Database,
    source: db.Row,
    user: int,
    *,
    limit: str | None = None,
    job_type: str | None = None,
    passwords: dict[str, t.Any] | None = None,
) -> int:
    """Make a job from a job: the template as it is now, with the source's prompts; its id."""
    prompts = json.loads(source["prompts"]) or {}
    for name, value in (("limit", limit), ("job_type", job_type)):
        if value is not None:
            prompts[name] = value
    secret = secrets_of(database, source["id"])
    template = database.get("templates", source["unified_job_template"])
    with database.transaction():
        if template is not None:
            prompts = resources.present(database, prompts)
            if "extra_vars" in prompts:
                own = {name: value for name, value in secret.items() if name in prompts["extra_vars"]}
                prompts["extra_vars"] = {**prompts["extra_vars"], **own}
            return launch(
                database,
                template,
                user,
                prompts=prompts,
                passwords=passwords,
                launch_type="relaunch",
                slice_of=(source["job_slice_number"], source["job_slice_count"]),
            )
        # Without its template a job is copied as it is: no prompt counts, not even the limit to the failed hosts.
        job = insert(
            database,
            user,
            **{name: source[name] for name in _TAKEN_OVER},
            extra_vars=source["extra_vars"],
            prompts="null",
            launch_type="relaunch",
            job_slice_number=source["job_slice_number"],
            job_slice_count=source["job_slice_count"],
        )
        _keep_secrets(database, job, passwords or {}, secret)
        return job


def launch_workflow(
    database: db.Database,
    template: db.Row,
    user: int,
    *,
    prompts: dict[str, t.Any],
    launch_type: str = "manual",
    workflow_job: int | None = None,
    secret: t.Collection[str] = (),
) -> int:
    """Make a workflow job from a workflow template, with copies of its nodes; its id."""
    shown, kept, hidden = _masked(template, prompts, secret)
    with database.transaction():
        job = insert(
            database,
            user,
            type="workflow_job",
            **{name: template[name] for name in ("name", "description", "organization", "allow_simultaneous")},
            # What a workflow template leaves open is null, not empty.
            **{name: prompts.get(name, template[name] or None) for name in WORKFLOW_PROMPTS},
            unified_job_template=template["id"],
            extra_vars=json.dumps(shown),
            prompts=kept,
            launch_type=launch_type,
            workflow_job=workflow_job,
        )
        workflow_nodes.copy(database, workflow_nodes.of_template(database, template["id"]), job)
        _keep_secrets(database, job, {}, hidden)
    return job


def launch_other(database: db.Database, template: db.Row, user: int, *, workflow_job: int) -> int:
    """Make an approval, which waits, or a project update; its id."""
    kind = KINDS[template["type"]]
    with database.transaction():
        job = insert(
            database,
            user,
            type=kind,
            **{name: template[name] for name in ("name", "description", "organization", "timeout")},
            unified_job_template=template["id"],
            project=template["project"],
            job_type="check" if kind == "project_update" else "run",
            launch_type="workflow",
            workflow_job=workflow_job,
        )
    return job


def relaunch_workflow(database: db.Database, source: db.Row, user: int) -> int:
    """Make a workflow job from a workflow job; its id.

    The template as it is now with the source's prompts, or, where it is gone, the source's own nodes.
    """
    prompts = json.loads(source["prompts"])
    secret = secrets_of(database, source["id"])
    if "extra_vars" in prompts:
        given = {name: value for name, value in secret.items() if name in prompts["extra_vars"]}
        prompts["extra_vars"] = {**prompts["extra_vars"], **given}
    template = database.get("templates", source["unified_job_template"])
    if template is not None and source["is_sliced_job"]:
        slices = source["job_slice_count"]
        return launch_sliced(database, template, user, prompts=prompts, slices=slices, launch_type="relaunch")
    if template is not None:
        return launch_workflow(database, template, user, prompts=prompts, launch_type="relaunch")
    copied = ("type", "name", "description", "organization", *WORKFLOW_PROMPTS, "extra_vars", "prompts")
    with database.transaction():
        job = insert(database, user, **{name: source[name] for name in copied}, launch_type="relaunch")
        workflow_nodes.copy(database, workflow_nodes.of_job(database, source["id"]), job)
        _keep_secrets(database, job, {}, secret)
    return job


def relaunch_command(database: db.Database, source: db.Row, user: int, passwords: dict[str, t.Any]) -> int:
    """Make an ad hoc command from an ad hoc command; its id."""
    copied = "type name inventory limit extra_vars credentials module_name module_args execution_environment error"
    with database.transaction():
        job = insert(database, user, **{name: source[name] for name in copied.split()})
        _keep_secrets(database, job, passwords, {})
    return job


def make(
    database: db.Database,
    user: int | None,
    fields: dict[str, t.Any],
    hosts: dict[str, str] | None,
    *,
    stats: bool = True,
) -> int:
    """Make a job that has never run: with these columns, and these outcomes of hosts (or no stats)."""
    with database.transaction():
        job = insert(database, user, **fields)
        make_seem_run(database, job, fields, hosts, stats=stats)
    return job


def make_seem_run(
    database: db.Database, job: int, fields: dict[str, t.Any], hosts: dict[str, str] | None, *, stats: bool = True
) -> None:
    """Let a job that has never run look as if it had: with these columns, and these outcomes of hosts (or no stats)."""
    kind = database.value("SELECT type FROM jobs WHERE id = ?", job)
    moment = db.now()
    done = fields.get("status", "successful") in FINAL
    values = {
        "status": "successful",
        "started": moment,
        "finished": moment if done else None,
        "execution_environment": 1,
        "instance_group": 2,
        "work_unit_id": None if kind == "workflow_job" else work_unit(),
        **fields,
    }
    values["failed"] = int(values["status"] in ("failed", "error", "canceled"))
    values["events_saved_at"] = time.time() if done else None
    database.update("jobs", job, **values)
    if kind != "workflow_job":
        database.update("jobs", job, modified_by=None)
    if done and stats and kind == "job":
        results.save_played(database, t.cast("db.Row", database.get("jobs", job)), hosts or {})


def end(database: db.Database, job: db.Row, status: str, hosts: dict[str, str] | None, *, lag: float) -> None:
    """Bring an active job to its end as if it had run: with these outcomes of hosts, or without stats (None)."""
    with database.transaction():
        if job["started"] is None:
            moment = db.now()
            database.update(
                "jobs",
                job["id"],
                started=moment,
                modified_by=None,
                execution_environment=job["execution_environment"] or 1,
                instance_group=next(iter(json.loads(job["instance_groups"])), 2),
                work_unit_id=work_unit(),
            )
        finish(database, job["id"], status, event_lag=lag)
        if hosts is not None:
            results.save_played(database, t.cast("db.Row", database.get("jobs", job["id"])), hosts)


def active_of_inventory(database: db.Database, inventory: int | None) -> list[db.Row]:
    """The active jobs that use an inventory: neither it nor its hosts can be deleted meanwhile."""
    marks = ", ".join("?" for _status in ACTIVE)
    return database.all(
        f"SELECT id, type FROM jobs WHERE inventory = ? AND status IN ({marks}) ORDER BY id", inventory, *ACTIVE
    )


def events_saved(job: db.Row, settings: dict[str, t.Any]) -> bool:
    """Whether all events of a job are in: some time after it ended, for some jobs never."""
    if job["status"] in ACTIVE or job["events_saved_at"] is None:
        return False
    if job["status"] in ("error", "canceled") and settings["events_never_finish_after_error"]:
        return False
    return bool(time.time() >= job["events_saved_at"])


def cancel(database: db.Database, job: db.Row) -> None:
    """Ask a job to end; one that has not begun to run ends at once."""
    with database.transaction():
        database.update("jobs", job["id"], cancel_flag=1, canceled_on=db.now())
        database.run(
            "UPDATE jobs SET status = 'canceled', failed = 1, finished = ?, modified_by = ?, events_saved_at = ? "
            "WHERE id = ? AND status IN ('new', 'pending', 'waiting')",
            db.now(),
            job["modified_by"],
            time.time(),
            job["id"],
        )
        if job["type"] == "workflow_job":
            for node in database.all("SELECT * FROM jobs WHERE workflow_job = ?", job["id"]):
                if node["status"] in ACTIVE:
                    cancel(database, node)


def finish(database: db.Database, job: int, status: str, *, event_lag: float, explanation: str = "") -> None:
    """Write a job's end."""
    moment = db.now()
    started = database.value("SELECT started FROM jobs WHERE id = ?", job)
    values: dict[str, t.Any] = {"job_explanation": explanation} if explanation else {}
    if status == "canceled":
        values["canceled_on"] = database.value("SELECT canceled_on FROM jobs WHERE id = ?", job) or moment
    database.update(
        "jobs",
        job,
        status=status,
        failed=int(status != "successful"),
        finished=moment,
        elapsed=round(db.seconds_between(started, moment), 3) if started else 0.0,
        events_saved_at=time.time() + event_lag,
        **values,
    )


def insert(database: db.Database, user: int | None, **values: t.Any) -> int:
    """Make a job of any kind with these columns, as a user; its id."""
    given = {"status": "pending", "created_by": user, "modified_by": user, "guid": uuid.uuid4().hex, **values}
    moment = db.now()
    return database.insert("jobs", created=moment, modified=moment, **given)


def secrets_of(database: db.Database, job: int) -> dict[str, t.Any]:
    """The variables of a job that nobody may see: its own columns only say that there are some."""
    stored = database.value("SELECT variables FROM job_secrets WHERE job = ?", job)
    return t.cast("dict[str, t.Any]", json.loads(stored or "{}"))


def _keep_secrets(database: db.Database, job: int, passwords: dict[str, t.Any], variables: dict[str, t.Any]) -> None:
    if passwords or variables:
        database.insert("job_secrets", job=job, passwords=passwords, variables=variables)


def work_unit() -> str:
    """A name like those that the mesh gives to a running job."""
    return secrets.token_hex(4)
