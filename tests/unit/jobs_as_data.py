# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of a controller, in the shape of the recordings, for tests that script one."""

from __future__ import annotations

import typing as t


def job(job_id: int, status: str = "failed", **facts: t.Any) -> dict[str, t.Any]:
    """A job's detail."""
    final = status not in ("new", "pending", "waiting", "running")
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
        "elapsed": 1.5,
        "started": "2026-11-23T07:15:24.990109Z",
        "finished": "2026-11-23T07:15:25.423177Z" if final else None,
        "job_explanation": "",
        "event_processing_finished": final,
        "passwords_needed_to_start": [],
    }
    return {**detail, **facts}


def listed(*entries: t.Any) -> dict[str, t.Any]:
    """A page that is the only one."""
    return {"count": len(entries), "next": None, "previous": None, "results": list(entries)}


def summary(name: str, failed: bool = True, present: bool = True) -> dict[str, t.Any]:
    """A job's host summary; a deleted host has none left to point to."""
    host: dict[str, t.Any] = {"host": {"id": 3, "name": name}} if present else {}
    return {"host": 3 if present else None, "host_name": name, "failed": failed, "summary_fields": host}
