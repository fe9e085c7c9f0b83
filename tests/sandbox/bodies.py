# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as the API shows them, and what others have in common with them."""

from __future__ import annotations

import json
import re
import typing as t

from . import database as db
from . import jobs, permissions, projects, resources, results

Body = dict[str, t.Any]

_PLURAL = {
    "job": "jobs",
    "workflow_job": "workflow_jobs",
    "ad_hoc_command": "ad_hoc_commands",
    "job_template": "job_templates",
    "workflow_job_template": "workflow_job_templates",
    "workflow_job_template_node": "workflow_job_template_nodes",
    "workflow_job_node": "workflow_job_nodes",
    "workflow_approval_template": "workflow_approval_templates",
    "workflow_approval": "workflow_approvals",
    "project": "projects",
    "project_update": "project_updates",
    "inventory_update": "inventory_updates",
}


_RESERVED, _BRACKETED = r"([;/?:@=&+$,\[\]])", r"[\1]"


def url(kind: str, row_id: int) -> str:
    """The path of a job or template; a gateway's prefix is never in it."""
    return f"/api/v2/{_PLURAL[kind]}/{row_id}/"


class Bodies:
    """Makes bodies for one request: what one user sees with the settings of the moment."""

    def __init__(self, database: db.Database, user: db.Row, settings: dict[str, t.Any]) -> None:
        self._database = database
        self._user = user
        self._settings = settings
        self._known: dict[tuple[str, t.Any], t.Any] = {}

    def job(self, row: db.Row, *, view: t.Literal["detail", "list", "created"] = "detail") -> Body:
        """A job: in full, as an entry of a list, or as the answer to a launch."""
        body: Body = {
            "id": row["id"],
            "type": "job",
            "url": url("job", row["id"]),
            "related": self._job_related(row),
            "summary_fields": self._job_summary(row),
            "created": row["created"],
            "modified": row["modified"],
            "name": row["name"],
            "description": row["description"],
        }
        fields: Body = {
            "job_type": row["job_type"],
            "inventory": row["inventory"],
            "project": row["project"],
            "playbook": row["playbook"],
            "scm_branch": row["scm_branch"],
            "forks": row["forks"],
            "limit": row["limit"],
            "verbosity": row["verbosity"],
            "extra_vars": row["extra_vars"],
            "job_tags": row["job_tags"],
            "force_handlers": False,
            "skip_tags": row["skip_tags"],
            "start_at_task": "",
            "timeout": row["timeout"],
            "use_fact_cache": False,
            "organization": row["organization"],
        }
        outcome = self._outcome(row, view)
        body.update({**outcome, **fields} if view == "list" else {**fields, **outcome})
        body.update(
            job_template=row["job_template"],
            passwords_needed_to_start=self._passwords(row),
            allow_simultaneous=bool(row["allow_simultaneous"]),
            artifacts=json.loads(row["artifacts"]),
            scm_revision=row["scm_revision"],
            instance_group=row["instance_group"],
            diff_mode=bool(row["diff_mode"]),
            job_slice_number=row["job_slice_number"],
            job_slice_count=row["job_slice_count"],
            webhook_service="",
            webhook_credential=None,
            webhook_guid="",
        )
        if view == "detail":
            body.update(self._counts(row), custom_virtualenv=None)
        return body

    def workflow_job(self, row: db.Row) -> Body:
        """A workflow job in full."""
        base = url("workflow_job", row["id"])
        template = self._get("templates", row["unified_job_template"])
        related = {
            **self._people_related(row),
            **({"unified_job_template": url(template["type"], template["id"])} if template else {}),
            **({template["type"]: url(template["type"], template["id"])} if template else {}),
            **({} if row["is_sliced_job"] else {"notifications": f"{base}notifications/"}),
            **{
                name: f"{base}{name}/" for name in ("workflow_nodes", "labels", "activity_stream", "relaunch", "cancel")
            },
        }
        summary = {
            **self._organization_summary(row),
            **(self._inventory_summary(row) if row["is_sliced_job"] else {}),
            **self._template_summary(row),
            **self._people_summary(row),
            "user_capabilities": self._capabilities(row),
            "labels": self.labels(json.loads(row["labels"])),
        }
        outcome = self._outcome(row, "detail")
        for name in ("execution_environment", "execution_node", "controller_node", "event_processing_finished"):
            del outcome[name]
        sliced = bool(row["is_sliced_job"])
        return {
            "id": row["id"],
            "type": "workflow_job",
            "url": base,
            "related": related,
            "summary_fields": summary,
            "created": row["created"],
            "modified": row["modified"],
            "name": row["name"],
            "description": row["description"],
            **outcome,
            "workflow_job_template": None if sliced else row["unified_job_template"],
            "extra_vars": row["extra_vars"],
            "allow_simultaneous": bool(row["allow_simultaneous"]),
            "job_template": row["job_template"],
            "is_sliced_job": sliced,
            "inventory": row["inventory"],
            "limit": row["limit"],
            "scm_branch": row["scm_branch"],
            "webhook_service": "",
            "webhook_credential": None,
            "webhook_guid": "",
            "skip_tags": row["skip_tags"],
            "job_tags": row["job_tags"],
        }

    def ad_hoc_command(self, row: db.Row) -> Body:
        """An ad hoc command in full."""
        base = url("ad_hoc_command", row["id"])
        credential = self._get("credentials", next(iter(json.loads(row["credentials"])), None))
        related = {
            **self._people_related(row),
            "stdout": f"{base}stdout/",
            **self._environment_related(row),
            **({"inventory": f"/api/v2/inventories/{row['inventory']}/"} if row["inventory"] else {}),
            **({"credential": f"/api/v2/credentials/{credential['id']}/"} if credential else {}),
            **{name: f"{base}{name}/" for name in ("events", "activity_stream", "notifications", "cancel", "relaunch")},
        }
        summary = {
            **self._inventory_summary(row),
            **self._environment_summary(row),
            **({"credential": self.credential_summary(credential)} if credential else {}),
            **self._people_summary(row),
            "user_capabilities": self._capabilities(row),
        }
        outcome = self._outcome(row, "detail")
        del outcome["unified_job_template"]
        return {
            "id": row["id"],
            "type": "ad_hoc_command",
            "url": base,
            "related": related,
            "summary_fields": summary,
            "created": row["created"],
            "modified": row["modified"],
            "name": row["name"],
            **outcome,
            "job_type": row["job_type"],
            "inventory": row["inventory"],
            "limit": row["limit"],
            "credential": credential["id"] if credential else None,
            "module_name": row["module_name"],
            "module_args": row["module_args"],
            "forks": row["forks"],
            "verbosity": row["verbosity"],
            "extra_vars": "",
            "become_enabled": False,
            "diff_mode": False,
        }

    def unified_job(self, row: db.Row) -> Body:
        """A job of any kind, as an entry of the list of all kinds."""
        if row["type"] == "job":
            return self.job(row, view="list")
        return self.workflow_job(row) if row["type"] == "workflow_job" else self.ad_hoc_command(row)

    def _editable(self, *more: str) -> Body:
        return dict.fromkeys(("edit", "delete", *more), bool(self._user["is_superuser"]))

    def _get(self, table: str, row_id: t.Any) -> db.Row | None:
        key = (table, row_id)
        if key not in self._known:
            self._known[key] = self._database.get(table, row_id)
        return t.cast("db.Row | None", self._known[key])

    def _job_related(self, row: db.Row) -> Body:
        base = url("job", row["id"])
        related = {**self._people_related(row), "labels": f"{base}labels/"}
        for name, plural in (("inventory", "inventories"), ("project", "projects"), ("organization", "organizations")):
            if row[name] is not None:
                related[name] = f"/api/v2/{plural}/{row[name]}/"
        related["credentials"] = f"{base}credentials/"
        template = row["job_template"]
        if template is not None:
            related["unified_job_template"] = url("job_template", template)
        if row["schedule"] is not None:
            related["schedule"] = f"/api/v2/schedules/{row['schedule']}/"
        related["stdout"] = f"{base}stdout/"
        related.update(self._workflow_related(row), **self._environment_related(row))
        for name in ("job_events", "job_host_summaries", "activity_stream", "notifications", "create_schedule"):
            related[name] = f"{base}{name}/"
        if template is not None:
            related["job_template"] = url("job_template", template)
        return {**related, "cancel": f"{base}cancel/", "relaunch": f"{base}relaunch/"}

    def _job_summary(self, row: db.Row) -> Body:
        return {
            **self._organization_summary(row),
            **self._inventory_summary(row),
            **self._environment_summary(row),
            **self._project_summary(row),
            **self._template_summary(row),
            **self._schedule_summary(row),
            **(
                {"instance_group": self.group_summary(row["instance_group"])}
                if row["instance_group"] is not None
                else {}
            ),
            **self._people_summary(row),
            "user_capabilities": self._capabilities(row),
            "labels": self.labels(json.loads(row["labels"])),
            **self._workflow_summary(row),
            "credentials": self._credentials(row),
        }

    def _outcome(self, row: db.Row, view: str) -> Body:
        elapsed = row["elapsed"]
        if row["status"] == "running" and row["started"]:
            elapsed = db.seconds_between(row["started"], db.now())
        node = "sandbox" if row["started"] else ""
        outcome: Body = {
            "unified_job_template": row["unified_job_template"],
            "launch_type": row["launch_type"],
            "status": row["status"],
            "execution_environment": row["execution_environment"],
            "failed": bool(row["failed"]),
            "started": row["started"],
            "finished": row["finished"],
            "canceled_on": row["canceled_on"],
            "elapsed": elapsed,
            "job_args": row["job_args"],
            "job_cwd": row["job_cwd"],
            "job_env": json.loads(row["job_env"]),
            "job_explanation": row["job_explanation"],
            "execution_node": node,
            "controller_node": node,
            "result_traceback": row["result_traceback"],
            "event_processing_finished": jobs.events_saved(row, self._settings),
            "launched_by": self._launched_by(row),
            "work_unit_id": row["work_unit_id"],
        }
        if view == "list":
            for name in ("job_args", "job_cwd", "job_env", "result_traceback", "event_processing_finished"):
                del outcome[name]
        return outcome

    def _counts(self, row: db.Row) -> Body:
        if row["status"] != "running" and not jobs.events_saved(row, self._settings):
            return {"host_status_counts": None, "playbook_counts": {"play_count": 0, "task_count": 0}}
        return {
            "host_status_counts": results.host_status_counts(self._database, row),
            "playbook_counts": results.playbook_counts(self._database, row),
        }

    def _passwords(self, row: db.Row) -> list[str]:
        key = ("passwords", row["credentials"])
        if key not in self._known:
            self._known[key] = resources.passwords_of(self._database, row["credentials"])
        return list(self._known[key])

    def _capabilities(self, row: db.Row) -> Body:
        return {
            "delete": bool(self._user["is_superuser"]),
            "start": permissions.may_start(self._database, self._user, row),
        }

    def _person(self, user: int) -> Body:
        row = self._get("users", user)
        return {"id": user, "username": row["username"] if row else "", "first_name": "", "last_name": ""}

    def _people_related(self, row: db.Row) -> Body:
        return {name: f"/api/v2/users/{row[name]}/" for name in ("created_by", "modified_by") if row[name] is not None}

    def _people_summary(self, row: db.Row) -> Body:
        return {name: self._person(row[name]) for name in ("created_by", "modified_by") if row[name] is not None}

    def _organization_summary(self, row: db.Row) -> Body:
        found = self._get("organizations", row["organization"])
        return {"organization": named(found)} if found else {}

    def _organization_related(self, row: db.Row) -> Body:
        found = self._get("organizations", row["organization"])
        return {"organization": f"/api/v2/organizations/{found['id']}/"} if found else {}

    def _named_url(self, base: str, row: db.Row) -> str:
        organization = self._get("organizations", row["organization"])
        folder = base.rstrip("/").rpartition("/")[0]
        names = (row["name"], organization["name"] if organization else "")
        # The signs that a URL reserves stand in brackets.
        return f"{folder}/{'++'.join(re.sub(_RESERVED, _BRACKETED, name) for name in names)}/"

    def _project_summary(self, row: db.Row) -> Body:
        found = self._get("projects", row["project"])
        if not found:
            return {}
        return {"project": self._brief_project(found)}

    def _brief_project(self, row: db.Row) -> Body:
        names = ("id", "name", "description", "status", "scm_type")
        return {**{name: row[name] for name in names}, "allow_override": False}

    def _template_summary(self, row: db.Row) -> Body:
        found = self._get("templates", row["unified_job_template"])
        if not found:
            return {}
        kind = found["type"].removesuffix("_template")
        return {found["type"]: named(found), "unified_job_template": {**named(found), "unified_job_type": kind}}

    def _workflow_related(self, row: db.Row) -> Body:
        above = row["workflow_job"]
        return {"source_workflow_job": url("workflow_job", above)} if above is not None else {}

    def _workflow_summary(self, row: db.Row) -> Body:
        above = self._get("jobs", row["workflow_job"])
        return {"source_workflow_job": {**brief(above), "elapsed": above["elapsed"]}} if above else {}

    def _environment_related(self, row: db.Row) -> Body:
        found = row["execution_environment"]
        return {"execution_environment": f"/api/v2/execution_environments/{found}/"} if found is not None else {}

    def _environment_summary(self, row: db.Row) -> Body:
        if row["execution_environment"] is None:
            return {}
        return {"execution_environment": self.environment_summary(row["execution_environment"])}

    def environment_summary(self, row_id: int) -> Body:
        """An execution environment, in brief."""
        found = self._get("execution_environments", row_id) or {}
        return {"id": row_id, "name": found.get("name"), "description": "", "image": found.get("image")}

    def group_summary(self, row_id: int) -> Body:
        """An instance group, in brief."""
        found = self._get("instance_groups", row_id) or {}
        return {"id": row_id, "name": found.get("name"), "is_container_group": False}

    def labels(self, ids: list[int]) -> Body:
        """Labels, in brief; in the order of their names."""
        found = [row for row in (self._get("labels", one) for one in ids) if row]
        found.sort(key=lambda row: t.cast("str", row["name"]))
        return {"count": len(found), "results": [{"id": row["id"], "name": row["name"]} for row in found[:10]]}

    def _schedule_summary(self, row: db.Row) -> Body:
        found = self._get("schedules", row["schedule"])
        if not found:
            return {}
        return {"schedule": {"id": found["id"], "name": found["name"], "description": "", "next_run": None}}

    def _launched_by(self, row: db.Row) -> Body:
        for table, column, name, kind in (
            ("users", "created_by", "username", "user"),
            ("schedules", "schedule", "name", "schedule"),
        ):
            found = self._get(table, row[column])
            if found:
                address = f"/api/v2/{table}/{found['id']}/"
                return {"id": found["id"], "name": found[name], "type": kind, "url": address}
        return {}

    def _inventory_summary(self, row: db.Row) -> Body:
        found = self._get("inventories", row["inventory"])
        return {"inventory": self.inventory_summary(found["id"])} if found else {}

    def inventory_summary(self, row_id: int) -> Body:
        """An inventory, in brief, with its counts of the moment."""
        found = t.cast("db.Row", self._get("inventories", row_id))
        key = ("hosts", row_id)
        if key not in self._known:
            self._known[key] = self._database.one(
                "SELECT COUNT(*) AS total, COALESCE(SUM(has_active_failures), 0) AS failures, "
                "(SELECT COUNT(*) FROM host_groups WHERE inventory = ?1) AS groups FROM hosts WHERE inventory = ?1",
                found["id"],
            )
        hosts = self._known[key]
        return {
            "id": found["id"],
            "name": found["name"],
            "description": "",
            "has_active_failures": hosts["failures"] > 0,
            "total_hosts": hosts["total"],
            "hosts_with_active_failures": hosts["failures"],
            "total_groups": hosts["groups"],
            **projects.source_counts(self._database, found["id"]),
            "organization_id": found["organization"],
            "kind": found["kind"],
        }

    def _credentials(self, row: db.Row) -> list[Body]:
        found = (self._get("credentials", one) for one in json.loads(row["credentials"]))
        return sorted((_credential(one) for one in found if one), key=lambda one: t.cast("str", one["name"]))

    def credential_summary(self, row: db.Row) -> Body:
        """A credential as a prompt, in brief."""
        return {**_credential(row), "kubernetes": False, "credential_type_id": resources.credential_type(row)["id"]}


def named(row: db.Row) -> Body:
    """What is shown of anything in a summary."""
    return {name: row[name] for name in ("id", "name", "description")}


def brief(job: db.Row) -> Body:
    """A job of any kind in a summary."""
    return {**named(job), "status": job["status"], "failed": bool(job["failed"])}


def _credential(row: db.Row) -> Body:
    cloud = resources.credential_type(row)["cloud"]
    return {"id": row["id"], "name": row["name"], "description": "", "kind": row["kind"], "cloud": cloud}


def object_roles(first: int, roles: t.Iterable[tuple[str, str, str]]) -> Body:
    """The roles on an object, as its summary shows them; their ids count up from the first."""
    return {
        role: {"description": text, "name": name, "id": first + number}
        for number, (role, name, text) in enumerate(roles)
    }
