# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events and host summaries as the API shows them, beside jobs and inventories."""

from __future__ import annotations

import json

from . import database as db
from .bodies import Body, brief, named, url
from .bodies_inventories import InventoryBodies

_EVENT_LEVEL = {
    "playbook_on_start": 0,
    "playbook_on_play_start": 1,
    "playbook_on_stats": 1,
    "playbook_on_no_hosts_matched": 2,
    "playbook_on_task_start": 2,
    "verbose": 0,
    "error": 0,
    "warning": 0,
    "deprecated": 0,
}

_EVENT_DISPLAY = {
    "runner_on_failed": "Host Failed",
    "runner_on_start": "Host Started",
    "runner_on_ok": "Host OK",
    "runner_on_skipped": "Host Skipped",
    "runner_on_unreachable": "Host Unreachable",
    "runner_item_on_failed": "Item Failed",
    "runner_item_on_ok": "Item OK",
    "runner_item_on_skipped": "Item Skipped",
    "runner_retry": "Host Retry",
    "playbook_on_start": "Playbook Started",
    "playbook_on_task_start": "Task Started",
    "playbook_on_play_start": "Play Started",
    "playbook_on_stats": "Playbook Complete",
    "playbook_on_no_hosts_matched": "No Hosts Matched",
    "verbose": "Verbose",
    "warning": "Warning",
    "error": "Error",
}


class ResultBodies(InventoryBodies):
    """Makes bodies for one request, of what jobs brought too."""

    def event(self, row: db.Row) -> Body:
        """An event of a job."""
        base = f"/api/v2/job_events/{row['id']}/"
        return {
            "id": row["id"],
            "type": "job_event",
            "url": base,
            "related": {
                "job": url("job", row["job"]),
                "children": f"{base}children/",
                **({"host": f"/api/v2/hosts/{row['host']}/"} if row["host"] is not None else {}),
            },
            "summary_fields": {**self._host_and_job(row), "role": {}},
            "created": row["created"],
            "modified": row["modified"],
            "job": row["job"],
            "event": row["event"],
            "counter": row["counter"],
            "event_display": _EVENT_DISPLAY.get(row["event"], row["event"]),
            "event_data": json.loads(row["event_data"]),
            "event_level": _EVENT_LEVEL.get(row["event"], 3),
            "failed": bool(row["failed"]),
            "changed": bool(row["changed"]),
            **{
                name: row[name]
                for name in (
                    "uuid",
                    "parent_uuid",
                    "host",
                    "host_name",
                    "playbook",
                    "play",
                    "task",
                    "role",
                    "stdout",
                    "start_line",
                    "end_line",
                    "verbosity",
                )
            },
        }

    def host_summary(self, row: db.Row) -> Body:
        """What a job's stats say of a host."""
        return {
            "id": row["id"],
            "type": "job_host_summary",
            "url": f"/api/v2/job_host_summaries/{row['id']}/",
            "related": {
                "job": url("job", row["job"]),
                **({"host": f"/api/v2/hosts/{row['host']}/"} if row["host"] is not None else {}),
            },
            "summary_fields": self._host_and_job(row),
            "created": row["created"],
            "modified": row["modified"],
            "job": row["job"],
            "host": row["host"],
            "constructed_host": row["constructed_host"],
            "host_name": row["host_name"],
            **{name: row[name] for name in ("changed", "dark", "failures", "ok", "processed", "skipped")},
            "failed": bool(row["failed"]),
            "ignored": row["ignored"],
            "rescued": row["rescued"],
        }

    def _host_and_job(self, row: db.Row) -> Body:
        host, job = self._get("hosts", row["host"]), self._get("jobs", row["job"])
        copied = self._get("hosts", row.get("constructed_host"))
        of_job: Body = {}
        if job:
            of_job = {**brief(job), "elapsed": job["elapsed"], "type": "job"}
            template = self._get("templates", job["job_template"])
            if template:
                of_job.update(job_template_id=template["id"], job_template_name=template["name"])
        return {
            **({"host": named(host)} if host else {}),
            **({"constructed_host": named(copied)} if copied else {}),
            "job": of_job,
        }
