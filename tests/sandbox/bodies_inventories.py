# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories, their hosts and groups, and labels as the API shows them, beside jobs."""

from __future__ import annotations

from . import database as db
from . import synchronisation
from .bodies import Body, object_roles
from .bodies_people import PeopleBodies

_COUNTS = (
    "has_active_failures",
    "total_hosts",
    "hosts_with_active_failures",
    "total_groups",
    "has_inventory_sources",
    "total_inventory_sources",
    "inventory_sources_with_failures",
)
_ROLES = (
    ("admin_role", "Admin", "Can manage all aspects of the inventory"),
    ("update_role", "Update", "May update the inventory"),
    ("adhoc_role", "Ad Hoc", "May run ad hoc commands on the inventory"),
    ("use_role", "Use", "Can use the inventory in a job template"),
    ("read_role", "Read", "May view settings for the inventory"),
)


class InventoryBodies(PeopleBodies):
    """Makes bodies for one request, of inventories and what is in them too."""

    def inventory(self, row: db.Row) -> Body:
        """An inventory."""
        base = f"/api/v2/inventories/{row['id']}/"
        brief = self.inventory_summary(row["id"])
        lists = (
            "hosts variable_data script activity_stream job_templates ad_hoc_commands access_list object_roles "
            "instance_groups copy labels groups root_groups update_inventory_sources inventory_sources tree"
        )
        constructed = row["kind"] == "constructed"
        return {
            "id": row["id"],
            "type": "inventory",
            "url": base,
            "related": {
                "named_url": self._named_url(base, row),
                "created_by": "/api/v2/users/1/",
                "modified_by": "/api/v2/users/1/",
                **{name: f"{base}{name}/" for name in lists.split()},
                **self._organization_related(row),
                **({"input_inventories": f"{base}input_inventories/"} if constructed else {}),
                **({"constructed_url": f"/api/v2/constructed_inventories/{row['id']}/"} if constructed else {}),
            },
            "summary_fields": {
                **self._organization_summary(row),
                "created_by": self._person(1),
                "modified_by": self._person(1),
                "object_roles": object_roles(5 * row["id"], _ROLES),
                "user_capabilities": self._editable("copy", "adhoc"),
                "labels": self.labels([]),
            },
            "created": row["created"],
            "modified": row["created"],
            "name": row["name"],
            "description": "",
            "organization": row["organization"],
            "kind": row["kind"],
            "host_filter": None,
            "variables": "",
            **{name: brief[name] for name in _COUNTS},
            "pending_deletion": False,
            "prevent_instance_group_fallback": False,
        }

    def host(self, row: db.Row) -> Body:
        """A host of an inventory; of a constructed one it is a copy, on which nothing is ever said to have run."""
        base, original = f"/api/v2/hosts/{row['id']}/", row["instance_id"]
        lists = (
            "variable_data groups all_groups job_events job_host_summaries activity_stream inventory_sources "
            "smart_inventories ad_hoc_commands ad_hoc_command_events"
        )
        last = self._database.one("SELECT * FROM summaries WHERE host = ? ORDER BY id DESC LIMIT 1", row["id"])
        return {
            "id": row["id"],
            "type": "host",
            "url": base,
            "related": {
                **{name: f"{base}{name}/" for name in lists.split()},
                "ansible_facts": f"/api/v2/hosts/{original or row['id']}/ansible_facts/",
                **({"original_host": f"/api/v2/hosts/{original}/"} if original else {}),
                "inventory": f"/api/v2/inventories/{row['inventory']}/",
            },
            "summary_fields": {
                **self._inventory_summary(row),
                "user_capabilities": self._editable(),
                "groups": self._groups_of(row),
                "recent_jobs": self._recent_jobs(row),
            },
            "created": row["created"],
            "modified": row["modified"] or row["created"],
            "name": row["name"],
            "description": row["description"],
            "inventory": row["inventory"],
            "enabled": bool(row["enabled"]),
            "instance_id": row["instance_id"],
            "variables": row["variables"],
            "has_active_failures": bool(row["has_active_failures"]),
            "has_inventory_sources": row["description"] == synchronisation.IMPORTED,
            "last_job": last["job"] if last else None,
            "last_job_host_summary": last["id"] if last else None,
            "ansible_facts_modified": None,
        }

    def _groups_of(self, host: db.Row) -> Body:
        groups = self._database.all(
            'SELECT host_groups.id, host_groups.name FROM group_members JOIN host_groups ON host_groups.id = "group" '
            "WHERE host = ? ORDER BY host_groups.name",
            host["id"],
        )
        return {"count": len(groups), "results": groups[:5]}

    def _recent_jobs(self, host: db.Row) -> list[Body]:
        return self._database.all(
            "SELECT jobs.id, jobs.name, jobs.type, jobs.status, jobs.finished FROM summaries "
            "JOIN jobs ON jobs.id = summaries.job WHERE summaries.host = ?1 OR summaries.constructed_host = ?1 "
            "ORDER BY jobs.id DESC LIMIT 5",
            host["id"],
        )

    def group(self, row: db.Row) -> Body:
        """A group of an inventory's hosts."""
        base = f"/api/v2/groups/{row['id']}/"
        return {
            "id": row["id"],
            "type": "group",
            "url": base,
            "related": {
                "inventory": f"/api/v2/inventories/{row['inventory']}/",
                "all_hosts": f"{base}all_hosts/",
            },
            "summary_fields": {**self._inventory_summary(row), "user_capabilities": self._editable()},
            "created": row["created"],
            "modified": row["created"],
            "name": row["name"],
            "description": "",
            "inventory": row["inventory"],
            "variables": "",
        }

    def label(self, row: db.Row) -> Body:
        """A label."""
        return {
            "id": row["id"],
            "type": "label",
            "url": f"/api/v2/labels/{row['id']}/",
            "related": {"organization": f"/api/v2/organizations/{row['organization']}/"},
            "summary_fields": self._organization_summary(row),
            "created": row["created"],
            "modified": row["created"],
            "name": row["name"],
            "organization": row["organization"],
        }
