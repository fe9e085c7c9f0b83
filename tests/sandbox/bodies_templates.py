# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates and credentials as the API shows them, beside jobs."""

from __future__ import annotations

import json

from . import database as db
from . import jobs, permissions, resources
from .bodies import Bodies, Body, object_roles, url


class TemplateBodies(Bodies):
    """Makes bodies for one request, of job templates and credentials too."""

    def job_template(self, row: db.Row) -> Body:
        """A job template."""
        base = url("job_template", row["id"])
        asks = json.loads(row["asks"])
        last = self._database.one(
            "SELECT * FROM jobs WHERE unified_job_template = ? ORDER BY id DESC LIMIT 1", row["id"]
        )
        return {
            "id": row["id"],
            "type": "job_template",
            "url": base,
            "related": {
                "named_url": self._named_url(base, row),
                **{name: f"{base}{name}/" for name in ("labels", "credentials", "launch", "jobs", "survey_spec")},
                **self._organization_related(row),
                **({"last_job": url("job", last["id"])} if last else {}),
            },
            "summary_fields": {
                **self._organization_summary(row),
                **self._inventory_summary(row),
                **self._project_summary(row),
                **self._environment_summary(row),
                "labels": self.labels(json.loads(row["labels"])),
                "user_capabilities": {
                    **self._editable(),
                    "start": permissions.may_execute(self._database, self._user, row["id"]),
                },
                "credentials": self._credentials(row),
            },
            "created": row["created"],
            "modified": row["modified"] or row["created"],
            "name": row["name"],
            "description": row["description"],
            **{
                name: row[name]
                for name in (
                    "job_type",
                    "inventory",
                    "project",
                    "playbook",
                    "scm_branch",
                    "forks",
                    "limit",
                    "verbosity",
                    "extra_vars",
                    "job_tags",
                    "skip_tags",
                    "timeout",
                    "organization",
                )
            },
            "last_job_run": last["created"] if last else None,
            "last_job_failed": bool(last and last["failed"]),
            "next_job_run": None,
            "status": last["status"] if last else "never updated",
            **{option: field in asks for field, option in resources.PROMPTS.items()},
            "survey_enabled": row["survey"] != "[]",
            "become_enabled": False,
            "diff_mode": bool(row["diff_mode"]),
            "execution_environment": row["execution_environment"],
            "allow_simultaneous": bool(row["allow_simultaneous"]),
            "job_slice_count": row["job_slice_count"],
        }

    def credential(self, row: db.Row) -> Body:
        """A credential in full; its secrets are masked."""
        base = f"/api/v2/credentials/{row['id']}/"
        kind, organization = resources.credential_type(row), self._get("organizations", row["organization"])
        lists = "activity_stream access_list object_roles owner_users owner_teams copy input_sources"
        roles = (
            ("admin_role", "Admin", "Can manage all aspects of the credential"),
            ("use_role", "Use", "Can use the credential in a job template"),
            ("read_role", "Read", "May view settings for the credential"),
        )
        return {
            "id": row["id"],
            "type": "credential",
            "url": base,
            "related": {
                "created_by": "/api/v2/users/1/",
                "modified_by": "/api/v2/users/1/",
                **self._organization_related(row),
                **{name: f"{base}{name}/" for name in lists.split()},
                "credential_type": f"/api/v2/credential_types/{kind['id']}/",
            },
            "summary_fields": {
                **self._organization_summary(row),
                "credential_type": {"id": kind["id"], "name": kind["name"], "description": ""},
                "created_by": self._person(1),
                "modified_by": self._person(1),
                "object_roles": object_roles(3 * row["id"], roles),
                "user_capabilities": self._editable("copy", "use"),
                "owners": [
                    {
                        "id": row["organization"],
                        "type": "organization",
                        "name": organization["name"],
                        "description": "",
                        "url": f"/api/v2/organizations/{row['organization']}/",
                    }
                ]
                if organization
                else [],
            },
            "created": row["created"],
            "modified": row["created"],
            "name": row["name"],
            "description": "",
            "organization": row["organization"],
            "credential_type": kind["id"],
            "managed": False,
            "inputs": {"password": jobs.ENCRYPTED},
            "kind": row["kind"],
            "cloud": kind["cloud"],
            "kubernetes": False,
        }

    def defaults(self, template: db.Row) -> Body:
        """What a launch of a template gets where nothing is given."""
        inventory = self._get("inventories", template["inventory"])
        environment = self._get("execution_environments", template["execution_environment"])
        credentials = [self._get("credentials", one) for one in json.loads(template["credentials"])]
        plain = "limit scm_branch job_tags skip_tags extra_vars job_type verbosity forks job_slice_count timeout"
        return {
            **{name: template[name] for name in plain.split()},
            "diff_mode": bool(template["diff_mode"]),
            "inventory": {"name": inventory["name"], "id": inventory["id"]} if inventory else {},
            "execution_environment": {"name": environment["name"], "id": environment["id"]} if environment else {},
            "credentials": [
                {
                    "id": one["id"],
                    "name": one["name"],
                    "credential_type": resources.credential_type(one)["id"],
                    "passwords_needed": json.loads(one["asks"]),
                }
                for one in credentials
                if one
            ],
            "instance_groups": [self.group_summary(one) for one in json.loads(template["instance_groups"])],
        }
