# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects and inventory sources as the API shows them, beside jobs, inventories and results."""

from __future__ import annotations

from . import database as db
from .bodies import Body, brief, object_roles, url
from .bodies_results import ResultBodies

# What an inventory source and its updates show of where the hosts come from.
SOURCE: Body = {"source_path": "", "source_vars": "", "scm_branch": "", "credential": None}
SOURCE.update({"enabled_var": "", "enabled_value": "", "host_filter": "", "overwrite": True})
_ROLES = (
    ("admin_role", "Admin", "Can manage all aspects of the project"),
    ("use_role", "Use", "Can use the project in a job template"),
    ("update_role", "Update", "May update the project"),
    ("read_role", "Read", "May view settings for the project"),
)


class ProjectBodies(ResultBodies):
    """Makes bodies for one request, of projects and inventory sources too."""

    def project(self, row: db.Row) -> Body:
        """A project."""
        base, last = url("project", row["id"]), self._last_update(row)
        lists = (
            "teams playbooks inventories update project_updates scm_inventory_sources schedules activity_stream "
            "notification_templates_started notification_templates_success notification_templates_error "
            "access_list object_roles copy"
        )
        related = {
            "named_url": self._named_url(base, row),
            "created_by": "/api/v2/users/1/",
            "modified_by": "/api/v2/users/1/",
            **({"last_job": url("project_update", last["id"])} if last else {}),
            **{"inventory_files" if name == "inventories" else name: f"{base}{name}/" for name in lists.split()},
            **self._organization_related(row),
            **({"last_update": url("project_update", last["id"])} if last else {}),
        }
        return {
            "id": row["id"],
            "type": "project",
            "url": base,
            "related": related,
            "summary_fields": self._summary_of_project(row, last),
            "created": row["created"],
            "modified": row["created"],
            "name": row["name"],
            "description": row["description"],
            **self._scm(row),
            "scm_revision": row["scm_revision"],
            "last_job_run": row["last_updated"],
            "last_job_failed": bool(last and last["failed"]),
            "next_job_run": None,
            "status": row["status"],
            "organization": row["organization"],
            "scm_update_on_launch": bool(row["scm_update_on_launch"]),
            "scm_update_cache_timeout": 0,
            "allow_override": False,
            "custom_virtualenv": None,
            "default_environment": None,
            "signature_validation_credential": None,
            "last_update_failed": bool(last and last["failed"]),
            "last_updated": row["last_updated"],
        }

    def inventory_source(self, row: db.Row) -> Body:
        """A source of an inventory."""
        base = f"/api/v2/inventory_sources/{row['id']}/"
        names = "update inventory_updates schedules activity_stream hosts groups credentials"
        last = self._last_update(row)
        return {
            "id": row["id"],
            "type": "inventory_source",
            "url": base,
            "related": {
                **{name: f"{base}{name}/" for name in names.split()},
                "inventory": f"/api/v2/inventories/{row['inventory']}/",
                **({"last_update": url("inventory_update", last["id"])} if last else {}),
            },
            "summary_fields": {
                **self._inventory_summary(row),
                "user_capabilities": self._editable("start", "schedule"),
            },
            "created": row["created"],
            "modified": row["created"],
            "name": row["name"],
            "description": row["description"],
            "source": row["source"],
            **SOURCE,
            "source_project": row["source_project"],
            "overwrite_vars": row["source"] == "constructed",
            "inventory": row["inventory"],
            "update_on_launch": bool(row["update_on_launch"]),
            "update_cache_timeout": 0,
            "status": row["status"],
            "last_update_failed": bool(last and last["failed"]),
            "last_updated": row["last_updated"],
        }

    def _summary_of_project(self, row: db.Row, last: db.Row | None) -> Body:
        return {
            **self._organization_summary(row),
            **({"last_job": {**brief(last), "finished": last["finished"]}} if last else {}),
            **({"last_update": brief(last)} if last else {}),
            "created_by": self._person(1),
            "modified_by": self._person(1),
            "object_roles": object_roles(4 * row["id"], _ROLES),
            "user_capabilities": self._editable("start", "schedule", "copy"),
            "resolved_environment": self.environment_summary(1),
        }

    def _scm(self, project: db.Row) -> Body:
        git = bool(project["scm_type"])
        return {
            "local_path": f"_{project['id']}__project",
            "scm_type": project["scm_type"],
            "scm_url": "https://git.example.com/project.git" if git else "",
            "scm_branch": "main" if git else "",
            "scm_refspec": "",
            "scm_clean": False,
            "scm_track_submodules": False,
            "scm_delete_on_update": False,
            "credential": None,
            "timeout": 0,
        }

    def _last_update(self, owner: db.Row) -> db.Row | None:
        return self._get("jobs", owner["last_update"])
