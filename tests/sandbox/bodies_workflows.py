# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow templates, their jobs and their nodes as the API shows them, beside everything else."""

from __future__ import annotations

import json
import typing as t

from . import database as db
from . import jobs, permissions, resources, workflow_nodes, workflows
from .bodies import Body, brief, named, object_roles, url
from .bodies_updates import UpdateBodies
from .workflow_graph import KINDS

# What of a job only its own page shows.
_DETAILS = ("job_args", "job_cwd", "job_env", "result_traceback")
# The fields that a launch of a workflow may set, by the template's option that lets it.
ASKS = {
    name: resources.PROMPTS[name]
    for name in ("extra_vars", "inventory", "scm_branch", "limit", "labels", "skip_tags", "job_tags")
}
_ROLES = (
    ("admin_role", "Admin", "Can manage all aspects of the workflow job template"),
    ("execute_role", "Execute", "May run the workflow job template"),
    ("read_role", "Read", "May view settings for the workflow job template"),
    ("approval_role", "Approve", "Can approve or deny a workflow approval node"),
)

View = t.Literal["detail", "list", "created"]


class AllBodies(UpdateBodies):
    """Makes bodies for one request, of workflows too."""

    def job(self, row: db.Row, *, view: View = "detail") -> Body:
        """A job, which may belong to a workflow job and have artifacts that nobody may see."""
        body = super().job(row, view=view)
        body["artifacts"] = workflows.shown_artifacts(body["artifacts"])
        above = self._outermost(row)
        if view == "detail" and above is not None:
            body["summary_fields"]["ancestor_job"] = {
                **{name: above[name] for name in ("id", "name", "type")},
                "url": url(above["type"], above["id"]),
            }
        return body

    def workflow_job(self, row: db.Row, *, view: View = "detail") -> Body:
        """A workflow job in full, or as an entry of a list."""
        body = super().workflow_job(row)
        if row["unified_job_template"] is None:
            body["related"].pop("notifications", None)
        body["related"].update(self._workflow_related(row))
        body["summary_fields"].update(self._workflow_summary(row))
        for name in _DETAILS if view == "list" else ():
            del body[name]
        return body

    def unified_job(self, row: db.Row) -> Body:
        """A job of any kind, as an entry of the list of all kinds."""
        if row["type"] == "workflow_approval":
            return self.approval(row)
        if row["type"] == "project_update":
            return self.project_update(row, view="list")
        if row["type"] == "inventory_update":
            return self.inventory_update(row, view="list")
        return super().unified_job(row)

    def approval(self, row: db.Row) -> Body:
        """An approval, which is a job too."""
        kind = row["type"]
        template = self._get("templates", row["unified_job_template"])
        related = {
            **self._people_related(row),
            **({"unified_job_template": url(template["type"], template["id"])} if template else {}),
            **self._workflow_related(row),
            "cancel": f"{url(kind, row['id'])}cancel/",
        }
        summary = {
            **self._organization_summary(row),
            **({"unified_job_template": self._brief_template(template)} if template else {}),
            **self._people_summary(row),
            **self._workflow_summary(row),
            "user_capabilities": self._capabilities(row),
        }
        return {
            "id": row["id"],
            "type": kind,
            "url": url(kind, row["id"]),
            "related": related,
            "summary_fields": summary,
            **{name: row[name] for name in ("created", "modified", "name", "description", "timeout")},
            **self._outcome(row, "list"),
        }

    def workflow_job_template(self, row: db.Row, *, view: View = "detail") -> Body:
        """A workflow template in full, or as an entry of a list."""
        newest = self._database.all(
            "SELECT * FROM jobs WHERE unified_job_template = ? AND type = 'workflow_job' ORDER BY id DESC LIMIT 10",
            row["id"],
        )
        current = next((job for job in newest if job["status"] in jobs.ACTIVE), None)
        last = next((job for job in newest if job["status"] in jobs.FINAL), None)
        asks = json.loads(row["asks"])
        return {
            "id": row["id"],
            "type": "workflow_job_template",
            "url": url("workflow_job_template", row["id"]),
            "related": self._related_of_template(row, current, last, named=view != "list"),
            "summary_fields": self._summary_of_template(row, newest, current, last),
            "created": row["created"],
            "modified": row["modified"] or row["created"],
            "name": row["name"],
            "description": row["description"],
            "last_job_run": last["finished"] if last else None,
            "last_job_failed": bool(last and last["failed"]),
            "next_job_run": None,
            "status": (current or last or {"status": "never updated"})["status"],
            "extra_vars": row["extra_vars"],
            "organization": row["organization"],
            "survey_enabled": row["survey"] != "[]",
            "allow_simultaneous": bool(row["allow_simultaneous"]),
            **{name: row[name] or None for name in jobs.WORKFLOW_PROMPTS},
            **{option: name in asks for name, option in ASKS.items()},
            "webhook_service": "",
            "webhook_credential": None,
        }

    def _related_of_template(self, row: db.Row, current: db.Row | None, last: db.Row | None, *, named: bool) -> Body:
        base = url("workflow_job_template", row["id"])
        lists = (
            "workflow_jobs schedules launch webhook_key workflow_nodes labels activity_stream "
            "notification_templates_started notification_templates_success notification_templates_error "
            "notification_templates_approvals access_list object_roles survey_spec copy"
        )
        return {
            **({"named_url": self._named_url(url("workflow_job_template", row["id"]), row)} if named else {}),
            **self._creator_related(row),
            **({"current_job": url("workflow_job", current["id"])} if current else {}),
            **({"last_job": url("workflow_job", last["id"])} if last else {}),
            **{name: f"{base}{name}/" for name in lists.split()},
            "webhook_receiver": "",
            **self._organization_related(row),
        }

    def _summary_of_template(
        self, row: db.Row, newest: list[db.Row], current: db.Row | None, last: db.Row | None
    ) -> Body:
        admin = permissions.may_administer(self._database, self._user, row["id"])
        start = permissions.may_execute(self._database, self._user, row["id"])
        creator = {"created_by": row["created_by"], "modified_by": row["created_by"]}
        return {
            **self._organization_summary(row),
            **self._inventory_summary(row),
            **(dict.fromkeys(("current_update", "current_job"), brief(current)) if current else {}),
            **({"last_update": brief(last)} if last else {}),
            **({"last_job": {**brief(last), "finished": last["finished"]}} if last else {}),
            **self._people_summary(creator),
            "object_roles": object_roles(10 * row["id"], _ROLES),
            "user_capabilities": {"edit": admin, "delete": admin, "start": start, "schedule": start, "copy": admin},
            "labels": {"count": 0, "results": []},
            "recent_jobs": [
                {name: job[name] for name in ("id", "status", "finished", "canceled_on", "type")} for job in newest
            ],
        }

    def approval_template(self, row: db.Row) -> Body:
        """What a node waits for."""
        base = url("workflow_approval_template", row["id"])
        workflow = self._database.one(
            "SELECT templates.* FROM nodes JOIN templates ON templates.id = nodes.workflow_job_template "
            "WHERE nodes.unified_job_template = ? ORDER BY nodes.id",
            row["id"],
        )
        return {
            "id": row["id"],
            "type": "workflow_approval_template",
            "url": base,
            "related": {**self._creator_related(row), "jobs": f"{base}approvals/"},
            "summary_fields": {
                **({"workflow_job_template": named(workflow)} if workflow else {}),
                **self._people_summary({"created_by": row["created_by"], "modified_by": row["created_by"]}),
                "resolved_environment": {"id": 1, "name": "The sandbox's own Python", "description": "", "image": ""},
            },
            **{name: row[name] for name in ("created", "name", "description", "timeout")},
            "modified": row["created"],
            "last_job_run": None,
            "last_job_failed": False,
            "next_job_run": None,
            "status": "never updated",
            "execution_environment": None,
        }

    def node(self, row: db.Row, *, view: View = "detail") -> Body:
        """A node of a workflow template or of a workflow job, in full or as an entry of a list."""
        of_job = row["workflow_job"] is not None
        kind = "workflow_job_node" if of_job else "workflow_job_template_node"
        prompts = json.loads(row["prompts"])
        links = self._database.all("SELECT * FROM links WHERE parent = ? ORDER BY child", row["id"])
        owner = "workflow_job" if of_job else "workflow_job_template"
        return {
            "id": row["id"],
            "type": kind,
            "url": url(kind, row["id"]),
            "related": self._related_of_node(row, kind, owner, named=view != "list" and not of_job),
            "summary_fields": self._summary_of_node(row, owner),
            "created": row["created"],
            "modified": row["modified"],
            "extra_data": json.loads(row["extra_data"]),
            **{name: prompts.get(name) for name in workflow_nodes.PROMPTS},
            **({"job": row["job"]} if of_job else {}),
            owner: row[owner],
            "unified_job_template": row["unified_job_template"],
            **{f"{name}_nodes": [link["child"] for link in links if link["kind"] == name] for name in KINDS},
            "all_parents_must_converge": bool(row["all_parents_must_converge"]),
            **({"do_not_run": bool(row["do_not_run"])} if of_job else {}),
            "identifier": row["identifier"],
        }

    def _related_of_node(self, row: db.Row, kind: str, owner: str, *, named: bool) -> Body:
        base = url(kind, row["id"])
        lists = [*workflow_nodes.LISTS, *(f"{name}_nodes" for name in KINDS)]
        lists += [] if owner == "workflow_job" else ["create_approval_template"]
        template = self._get("templates", row["unified_job_template"])
        job = self._get("jobs", row["job"])
        workflow = self._get("templates", row["workflow_job_template"])
        named_url = self._named_url(owner, workflow) if workflow else ""
        name = f"{row['identifier']}++{named_url.split('/')[-2]}" if workflow else ""
        return {
            **({"named_url": f"/api/v2/workflow_job_template_nodes/{name}/"} if named else {}),
            **{name: f"{base}{name}/" for name in lists},
            **({"unified_job_template": url(template["type"], template["id"])} if template else {}),
            **({"job": url(job["type"], job["id"])} if job else {}),
            owner: url(owner, row[owner]),
        }

    def _summary_of_node(self, row: db.Row, owner: str) -> Body:
        job = self._get("jobs", row["job"])
        template = self._get("templates", row["unified_job_template"])
        above = self._get("jobs" if owner == "workflow_job" else "templates", row[owner])
        summary: Body = {}
        if job:
            summary["job"] = {**brief(job), "elapsed": job["elapsed"], "type": job["type"]}
            if job["canceled_on"] is not None:
                summary["job"]["canceled_on"] = job["canceled_on"]
        summary[owner] = named(t.cast("db.Row", above))
        if template:
            summary["unified_job_template"] = self._brief_template(template)
        return summary

    def instance_group(self, row: db.Row) -> Body:
        """An instance group, as an entry of a list."""
        base = f"/api/v2/instance_groups/{row['id']}/"
        return {"id": row["id"], "type": "instance_group", "url": base, "name": row["name"]}

    def _creator_related(self, row: db.Row) -> Body:
        return self._people_related({"created_by": row["created_by"], "modified_by": row["created_by"]})

    def _brief_template(self, row: db.Row) -> Body:
        return {**named(row), "unified_job_type": jobs.KINDS[row["type"]]}

    def _outermost(self, row: db.Row) -> db.Row | None:
        """The workflow job that a job goes back to, through all that lie between."""
        above = self._get("jobs", row["workflow_job"])
        while above is not None and above["workflow_job"] is not None:
            above = self._get("jobs", above["workflow_job"])
        return above
