# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may see and who may start what."""

from __future__ import annotations

import json
import typing as t

from . import resources, sentences

if t.TYPE_CHECKING:
    from .database import Database, Row


# What one may only prompt for with a role on it, which no user but the superuser has.
OWNED = ("inventory", "credentials", "instance_groups")
# The workflow templates of the organizations whose workflow admin a user is.
_ADMINISTERED = (
    "SELECT templates.id FROM templates JOIN organization_roles USING (organization) "
    "WHERE organization_roles.user = ? AND role = 'workflow_admin' AND type = 'workflow_job_template'"
)


class Denied(Exception):
    """The user may not; the argument is the sentence that says why."""


def sees_all(user: Row) -> bool:
    """Whether the user may see everything, what nobody has a role on too."""
    return bool(user["is_superuser"] or user["is_system_auditor"])


def role(database: Database, user: Row, template: int | None) -> str | None:
    """The role a user has on a template."""
    if user["is_superuser"]:
        return "admin"
    if template is None:
        return None
    if database.value(f"SELECT 1 FROM ({_ADMINISTERED}) WHERE id = ?", user["id"], template) is not None:
        return "admin"
    return t.cast(
        "str | None",
        database.value("SELECT role FROM roles WHERE template = ? AND user = ?", template, user["id"]),
    )


def may_read(database: Database, user: Row, template: int | None) -> bool:
    """Whether the user may see a template and its jobs."""
    return bool(user["is_system_auditor"]) or role(database, user, template) is not None


def may_execute(database: Database, user: Row, template: int | None) -> bool:
    """Whether the user may launch a template."""
    return role(database, user, template) in ("admin", "execute")


def may_administer(database: Database, user: Row, template: int | None) -> bool:
    """Whether the user may change a template, or delete it."""
    return role(database, user, template) == "admin"


def may_add_workflows(database: Database, user: Row, organization: int | None) -> bool:
    """Whether the user may add workflow templates to an organization; None: to any at all."""
    if user["is_superuser"]:
        return True
    granted = "SELECT organization FROM organization_roles WHERE user = ? AND role = 'workflow_admin'"
    organizations = {row["organization"] for row in database.all(granted, user["id"])}
    return bool(organizations) if organization is None else organization in organizations


def readable(user: Row) -> tuple[str, list[t.Any]]:
    """An SQL condition that holds for the jobs a user may see, and its values."""
    if sees_all(user):
        return "1", []
    condition = f"unified_job_template IN (SELECT template FROM roles WHERE user = ? UNION {_ADMINISTERED})"
    return condition, [user["id"], user["id"]]


def check_start(database: Database, user: Row, job: Row) -> None:
    """Raise `Denied` unless the user may relaunch the job."""
    if user["is_superuser"]:
        return
    template = database.get("templates", job["unified_job_template"])
    if template is not None:
        if not may_execute(database, user, template["id"]):
            raise Denied(sentences.FORBIDDEN)
        prompts = json.loads(job["prompts"]) or {}
        if not _prompted(prompts, template):
            return
        secret = set(resources.secret_variables(template)) & set(prompts.get("extra_vars", {}))
        if secret and job["created_by"] != user["id"]:
            raise Denied(sentences.FOREIGN_SECRETS)
        if not _unprompted(prompts, template) and not set(OWNED) & set(prompts):
            return
        raise Denied(sentences.FOREIGN_PROMPTS)
    raise Denied(sentences.FORBIDDEN if job["organization"] is not None else sentences.ORPHANED)


def may_start(database: Database, user: Row, job: Row) -> bool:
    """Whether the user may relaunch the job."""
    try:
        check_start(database, user, job)
    except Denied:
        return False
    return True


def _prompted(prompts: dict[str, t.Any], template: Row) -> bool:
    return bool(prompts) and template["type"] == "job_template"


def _unprompted(prompts: dict[str, t.Any], template: Row) -> bool:
    asks = json.loads(template["asks"])
    surveyed = {one["variable"] for one in json.loads(template["survey"])}
    foreign = {name for name in prompts if name not in asks}
    if "extra_vars" in foreign and set(prompts["extra_vars"]) <= surveyed:
        foreign.discard("extra_vars")
    return bool(foreign)
