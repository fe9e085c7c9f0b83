# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations, users and their tokens as the API shows them, beside jobs and templates."""

from __future__ import annotations

import json

from . import database as db
from . import jobs
from .bodies import Body
from .bodies_templates import TemplateBodies


class PeopleBodies(TemplateBodies):
    """Makes bodies for one request, of organizations and people too."""

    def organization(self, row: db.Row) -> Body:
        """An organization."""
        return {
            "id": row["id"],
            "type": "organization",
            "url": f"/api/v2/organizations/{row['id']}/",
            "related": {"job_templates": f"/api/v2/organizations/{row['id']}/job_templates/"},
            "summary_fields": {},
            "created": row["created"],
            "modified": row["created"],
            "name": row["name"],
            "description": row["description"],
            "max_hosts": 0,
            "default_environment": None,
        }

    def launch_activity(self, job: db.Row) -> Body:
        """What the activity stream tells of the launch of a job: what was deleted since keeps its name."""
        same = (
            "name description job_type playbook scm_branch forks limit verbosity extra_vars job_tags skip_tags timeout"
        )
        never = {"force_handlers": False, "start_at_task": "", "use_fact_cache": False, "webhook_service": ""}
        environment = (json.loads(job["prompts"]) or {}).get("execution_environment")
        changes = {
            **{name: job[name] for name in same.split()},
            **never,
            "webhook_credential": None,
            "webhook_guid": "",
            "instance_group": None,
            "inventory": self._numbered("inventories", job["inventory"]),
            "project": self._numbered("projects", job["project"]),
            "job_template": self._numbered("templates", job["job_template"]),
            "execution_environment": self._numbered("execution_environments", environment),
            "allow_simultaneous": bool(job["allow_simultaneous"]),
            "diff_mode": bool(job["diff_mode"]),
            "job_slice_number": job["job_slice_number"],
            "job_slice_count": job["job_slice_count"],
            "id": job["id"],
            "credentials": [f"{self._credential_name(one)} ({one})" for one in json.loads(job["credentials"])],
            "labels": [one["name"] for one in self.labels(json.loads(job["labels"]))["results"]],
        }
        template = self._get("templates", job["job_template"])
        brief = {name: job[name] for name in ("id", "name", "description", "status", "elapsed")}
        return {
            "id": job["id"],
            "type": "activity_stream",
            "url": f"/api/v2/activity_stream/{job['id']}/",
            "related": {"actor": f"/api/v2/users/{job['created_by']}/", "job": [f"/api/v2/jobs/{job['id']}/"]},
            "summary_fields": {
                "job": [{**brief, "failed": bool(job["failed"])}],
                "job_template": [{name: template[name] for name in ("id", "name", "description")}] if template else [],
                "actor": self._person(job["created_by"]),
            },
            "timestamp": job["created"],
            "operation": "create",
            "changes": changes,
            "object1": "job",
            "object2": "",
            "object_association": "",
            "action_node": "sandbox",
            "object_type": "",
        }

    def _numbered(self, table: str, row_id: int | None) -> str | None:
        """As the activity stream names what a field points to."""
        row = self._get(table, row_id) if row_id is not None else None
        return f"{row['name']}-{row_id}" if row else None

    def _credential_name(self, row_id: int) -> str:
        row = self._get("credentials", row_id) or self._get("deleted_credentials", row_id)
        return str(row["name"]) if row else ""

    def user(self, row: db.Row) -> Body:
        """A user."""
        base = f"/api/v2/users/{row['id']}/"
        related = (
            "teams",
            "organizations",
            "admin_of_organizations",
            "projects",
            "credentials",
            "roles",
            "activity_stream",
            "access_list",
            "tokens",
            "authorized_tokens",
            "personal_tokens",
        )
        return {
            "id": row["id"],
            "type": "user",
            "url": base,
            "related": {name: f"{base}{name}/" for name in related},
            "summary_fields": {
                "resource": {"ansible_id": f"00000000-0000-0000-0000-{row['id']:012}", "resource_type": "shared.user"},
                "user_capabilities": {"edit": True, "delete": False},
            },
            "created": row["created"],
            "modified": None,
            "username": row["username"],
            "first_name": "",
            "last_name": "",
            "email": f"{row['username']}@localhost",
            "is_superuser": bool(row["is_superuser"]),
            "is_system_auditor": bool(row["is_system_auditor"]),
            "password": jobs.ENCRYPTED,
            "last_login": None,
        }

    def token(self, row: db.Row) -> Body:
        """A token, which only the answer to its creation shows."""
        base = f"/api/v2/tokens/{row['id']}/"
        return {
            "id": row["id"],
            "type": "o_auth2_access_token",
            "url": base,
            "related": {"user": f"/api/v2/users/{row['user']}/", "activity_stream": f"{base}activity_stream/"},
            "summary_fields": {"user": self._person(row["user"])},
            "created": row["created"],
            "modified": row["created"],
            "description": row["description"],
            "user": row["user"],
            "token": row["token"],
            "refresh_token": None,
            "application": None,
            "expires": row["expires"],
            "scope": row["scope"],
        }
