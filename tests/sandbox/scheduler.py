# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which job runs next."""

from __future__ import annotations

import typing as t

from . import database as db
from . import jobs, updates, workflows

REAPED = (
    "Task was marked as running at system start up. The system must have not shut down properly, "
    "so it has been marked as failed."
)

# Those that run as processes; the others are only data.
_WITH_PROCESS = "type IN ('job', 'ad_hoc_command')"


def reap(database: db.Database, job_ids: t.Iterable[int] | None = None) -> None:
    """Mark jobs whose process is gone as failed: these, or all that look alive."""
    rows = database.all(f"SELECT id FROM jobs WHERE status IN ('running', 'waiting') AND {_WITH_PROCESS}")
    for row in rows:
        if job_ids is None or row["id"] in job_ids:
            jobs.finish(database, row["id"], "failed", event_lag=0.0, explanation=REAPED)


def canceled(database: db.Database) -> list[int]:
    """The running jobs that somebody wants to end."""
    rows = database.all(f"SELECT id FROM jobs WHERE status = 'running' AND cancel_flag = 1 AND {_WITH_PROCESS}")
    return [row["id"] for row in rows]


def startable(database: db.Database, settings: dict[str, t.Any]) -> list[int]:
    """The jobs to start now, which are `waiting` from here on; workflow jobs move on."""
    moving = workflows.active(database) or updates.active(database)
    if not moving and database.value("SELECT 1 FROM jobs WHERE status = 'pending' LIMIT 1") is None:
        return []
    started: list[int] = []
    with database.transaction():
        workflows.advance(database, settings)
        if settings["max_running"] > 0:
            updates.advance(database)
        free = settings["max_running"] - database.value(
            f"SELECT COUNT(*) FROM jobs WHERE status IN ('running', 'waiting') AND {_WITH_PROCESS}"
        )
        for row in database.all(
            f"SELECT * FROM jobs WHERE status = 'pending' AND {_WITH_PROCESS} ORDER BY id LIMIT 200"
        ):
            if free <= 0:
                break
            if row["type"] == "job" and not updates.clear_way(database, row):
                continue
            blocker = None
            if not row["allow_simultaneous"] and row["job_template"] is not None:
                blocker = database.value(
                    "SELECT id FROM jobs WHERE unified_job_template = ? AND id != ? AND type = 'job' "
                    "AND (status IN ('running', 'waiting') OR (status = 'pending' AND id < ?)) ORDER BY id LIMIT 1",
                    row["unified_job_template"],
                    row["id"],
                    row["id"],
                )
            if blocker is not None:
                explanation = f"waiting for job-{blocker} to finish"
                if row["job_explanation"] != explanation:
                    database.update("jobs", row["id"], job_explanation=explanation)
                continue
            database.update("jobs", row["id"], status="waiting", job_explanation="")
            started.append(row["id"])
            free -= 1
    return started
