# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of a controller, in the shape of the recordings, for tests that script one."""

from __future__ import annotations

import typing as t


def job(job_id: int, status: str = "failed", **facts: t.Any) -> dict[str, t.Any]:
    """A job's detail."""
    final = status not in ("new", "pending", "waiting", "running")
    # Each was made after those with lower numbers had ended.
    hour, minute = divmod(job_id, 60)
    moment = f"2026-11-23T{hour:02}:{minute:02}"
    detail: dict[str, t.Any] = {
        "id": job_id,
        "type": "job",
        "name": "Deploy",
        "status": status,
        "job_type": "run",
        "launch_type": "manual",
        "limit": "",
        "inventory": 1,
        "unified_job_template": 7,
        "extra_vars": "{}",
        "job_tags": "",
        "skip_tags": "",
        "scm_branch": "",
        "job_slice_number": 0,
        "job_slice_count": 1,
        "execution_environment": 1,
        "verbosity": 0,
        "forks": 0,
        "timeout": 0,
        "diff_mode": False,
        "elapsed": 1.5,
        "created": f"{moment}:00.100000Z",
        "started": f"{moment}:01.990109Z",
        "finished": f"{moment}:25.423177Z" if final else None,
        "job_explanation": "",
        "event_processing_finished": final,
        "passwords_needed_to_start": [],
    }
    return {**detail, **facts}


def listed(*entries: t.Any) -> dict[str, t.Any]:
    """A page that is the only one."""
    return {"count": len(entries), "next": None, "previous": None, "results": list(entries)}


def summary(name: str, failed: bool = True, present: bool = True, now: str = "") -> dict[str, t.Any]:
    """A job's host summary; a deleted host has none left to point to, a renamed one has a name of today.

    The number of a host is that in the name that it had.
    """
    number = int("".join(filter(str.isdigit, name)) or 0)
    host: dict[str, t.Any] = {"host": {"id": number, "name": now or name}} if present else {}
    return {"host": number if present else None, "host_name": name, "failed": failed, "summary_fields": host}
