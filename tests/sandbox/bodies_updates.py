# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates of projects and inventory sources as the API shows them, beside these."""

from __future__ import annotations

import typing as t

from . import database as db
from .bodies import Body, named, url
from .bodies_projects import SOURCE, ProjectBodies

# What of an update only its own page and the answer to its POST show.
_DETAILS = ("job_args", "job_cwd", "job_env", "result_traceback", "event_processing_finished")

View = t.Literal["detail", "list", "created"]


class UpdateBodies(ProjectBodies):
    """Makes bodies for one request, of updates too."""

    def project_update(self, row: db.Row, *, view: View = "detail") -> Body:
        """An update of a project in full, as an entry of a list, or as the answer to the POST that made it."""
        base, project = url("project_update", row["id"]), self._get("projects", row["project"])
        own = f"/api/v2/projects/{row['project']}/"
        related = {
            **self._people_related(row),
            **({"unified_job_template": own} if project else {}),
            "stdout": f"{base}stdout/",
            **self._environment_related(row),
            **({"project": own} if project else {}),
            **{name: f"{base}{name}/" for name in ("cancel", "scm_inventory_updates", "notifications", "events")},
            **self._workflow_related(row),
        }
        summary = {
            **self._organization_summary(row),
            **self._environment_summary(row),
            **self._project_summary(row),
            **({"unified_job_template": {**named(project), "unified_job_type": row["type"]}} if project else {}),
            **self._update_summary(row),
        }
        fields = {
            **(self._scm(project) if project else {}),
            "scm_revision": row["scm_revision"],
            "project": row["project"],
            "job_type": row["job_type"],
            "job_tags": "update_git,install_roles,install_collections",
        }
        body = self._update(row, related, summary, fields, view, row["project"])
        del body["controller_node"]
        if view == "detail":
            counts: Body = {"host_status_counts": None, "playbook_counts": {"play_count": 0, "task_count": 0}}
            if body["event_processing_finished"]:
                word = "failures" if row["failed"] else "ok"
                counts = {"host_status_counts": {word: 1}, "playbook_counts": {"play_count": 1, "task_count": 1}}
            body.update(counts)
        return body

    def inventory_update(self, row: db.Row, *, view: View = "detail") -> Body:
        """An update of an inventory in full, as an entry of a list, or as the answer to the POST that made it."""
        base, source = url("inventory_update", row["id"]), self._get("inventory_sources", row["inventory_source"])
        own = f"/api/v2/inventory_sources/{row['inventory_source']}/"
        project = self._get("projects", source["source_project"]) if source else None
        shows_project = view == "detail" and row["started"] is not None
        before = row["source_project_update"]
        related = {
            **self._people_related(row),
            **({"unified_job_template": own} if source else {}),
            "stdout": f"{base}stdout/",
            **self._environment_related(row),
            **({"inventory_source": own} if source else {}),
            **{name: f"{base}{name}/" for name in ("cancel", "notifications", "events", "credentials")},
            **({"source_project_update": url("project_update", before)} if before else {}),
            "inventory": f"/api/v2/inventories/{row['inventory']}/",
            **({"source_project": url("project", project["id"])} if project and shows_project else {}),
        }
        summary = {
            **self._organization_summary(row),
            **self._inventory_summary(row),
            **self._environment_summary(row),
            **({"unified_job_template": {**named(source), "unified_job_type": row["type"]}} if source else {}),
            **({"inventory_source": _brief_source(source)} if source else {}),
            **self._update_summary(row),
            "credentials": [],
            **({"source_project": self._brief_project(project)} if project and shows_project else {}),
        }
        fields = {
            "source": source["source"] if source else "",
            **SOURCE,
            "overwrite_vars": bool(source and source["source"] == "constructed"),
            "custom_virtualenv": None,
            "timeout": row["timeout"],
            "verbosity": row["verbosity"],
            "limit": "",
            "inventory": row["inventory"],
            "inventory_source": row["inventory_source"],
            "license_error": False,
            "org_host_limit_error": False,
            "source_project_update": before,
            "instance_group": row["instance_group"],
            "scm_revision": row["scm_revision"],
            **({} if view == "list" else {"source_project": project["id"] if project and shows_project else None}),
        }
        return self._update(row, related, summary, fields, view, row["inventory_source"])

    def _update(self, row: db.Row, related: Body, summary: Body, fields: Body, view: View, owner: int | None) -> Body:
        outcome = {**self._outcome(row, "detail"), "unified_job_template": owner}
        for name in _DETAILS if view == "list" else ():
            del outcome[name]
        if row["launch_type"] == "dependency":
            outcome["launched_by"] = {"id": None, "name": "Generated by AWX", "type": "Dependency", "url": None}
        return {
            "id": row["id"],
            "type": row["type"],
            "url": url(row["type"], row["id"]),
            "related": related,
            "summary_fields": summary,
            "created": row["created"],
            "modified": row["modified"],
            "name": row["name"],
            "description": row["description"],
            **fields,
            **outcome,
        }

    def _update_summary(self, row: db.Row) -> Body:
        group = row["instance_group"]
        return {
            **({"instance_group": self.group_summary(group)} if group is not None else {}),
            **self._people_summary(row),
            **self._workflow_summary(row),
            "user_capabilities": dict.fromkeys(("delete", "start"), bool(self._user["is_superuser"])),
        }


def _brief_source(source: db.Row) -> Body:
    names = ["id", "name", "source", *(["last_updated"] if source["last_updated"] else []), "status"]
    return {name: source[name] for name in names}
