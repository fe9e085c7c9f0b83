# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of a controller, in the shape of the recordings, for tests that script one."""

from __future__ import annotations

import typing as t

JOBS = "/api/v2/jobs/"

DENIED = {"detail": "You do not have permission to perform this action."}
# In the detail of a job that never began (recorded: never-began-syntax-error-detail).
NO_TASK = {"playbook_counts": {"play_count": 0, "task_count": 0}}
HTML = b"<html><title>502 Bad Gateway</title></html>"


def at(job_id: int, *parts: str) -> str:
    """The address of a job, or of what belongs to it."""
    return JOBS + "".join(f"{part}/" for part in (job_id, *parts))


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
        "allow_simultaneous": False,
        "elapsed": 1.5,
        "created": f"{moment}:00.100000Z",
        "started": f"{moment}:01.990109Z",
        "finished": f"{moment}:25.423177Z" if final else None,
        "job_explanation": "",
        "event_processing_finished": final,
        "host_status_counts": None,
        "passwords_needed_to_start": [],
    }
    return {**detail, **facts}


def relaunched(job_id: int = 43, status: str = "pending", limit: str = "web1,web2", **facts: t.Any) -> dict[str, t.Any]:
    """A relaunch's detail; by its limit on the failed hosts."""
    return job(job_id, status, **{"launch_type": "relaunch", "limit": limit, **facts})


def in_list(detail: dict[str, t.Any]) -> dict[str, t.Any]:
    """The same job as a list shows it (recorded: jobs-list-by-template)."""
    left_out = ("event_processing_finished", "host_status_counts", "result_traceback")
    return {name: value for name, value in detail.items() if name not in left_out}


def prompts(**shown: t.Any) -> dict[str, t.Any]:
    """What a job was launched with beyond its template (recorded: prompts-full)."""
    return {"can_schedule": True, "prompts": shown}


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


def started(event: str, counter: int, **data: t.Any) -> dict[str, t.Any]:
    """The event of the start of a play or task."""
    facts = {"event": event, "counter": counter, "uuid": f"u{counter}", "parent_uuid": "p", "failed": False}
    return {**facts, "play": data.get("play", ""), "task": data.get("task", ""), "event_data": data}


#: What a job has started that went to its end: a play with two tasks.
STARTED = (
    started("playbook_on_play_start", 1, play="Deploy", play_pattern="all", play_uuid="u1"),
    started("playbook_on_task_start", 2, play="Deploy", task="Start", task_path="site.yml:4", task_action="command"),
    started("playbook_on_task_start", 4, play="Deploy", task="Check", task_path="site.yml:6", task_action="uri"),
)

#: A failure in the first of them, which did not stop the others.
FAILED_AT_START = {
    "event": "runner_on_failed",
    "counter": 3,
    "parent_uuid": "u2",
    "host_name": "web2",
    "failed": True,
    "event_data": {"play": "Deploy", "task": "Start", "task_action": "command", "res": {"msg": "no such unit"}},
}


def of_task(name: str, counter: int, event: str = "playbook_on_task_start", **more: t.Any) -> dict[str, t.Any]:
    """An event of a task of another play: its start, if nothing else is said."""
    place = {"play": "Deploy", "play_uuid": "p", "play_pattern": "all", "task": name, "task_path": f"deploy.yml:{name}"}
    return {"event": event, "counter": counter, "uuid": name, "parent_uuid": name, "event_data": place, **more}


_PLAY = {
    "event": "playbook_on_play_start",
    "counter": 1,
    "uuid": "p",
    "parent_uuid": "",
    "event_data": {"play": "Deploy", "play_uuid": "p", "play_pattern": "all"},
}
#: What a job has started that stopped at its first failure, and one that went on to the end.
STOPPED = listed(_PLAY, of_task("Install", 3))
WENT_ON = listed(_PLAY, of_task("Install", 3), of_task("Restart", 6))
