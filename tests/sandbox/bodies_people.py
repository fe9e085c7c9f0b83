# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations, users and their tokens as the API shows them, beside jobs and templates."""

from __future__ import annotations

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
