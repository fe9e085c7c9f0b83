# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a task did what job_info had said right before it."""

from __future__ import annotations

import math
import typing as t

from .facts import Facts, Job, Said


def disagreements(facts: Facts, task: Said) -> t.Iterator[str]:
    """All that a task did otherwise, as sentences; none where job_info was not asked, or the task has no result."""
    info = task.info
    if info is None or task.result is None:
        return
    if info.result is None:
        yield f"job_info broke: {info.crash or 'it did not end'}"
        return
    launched = sorted(facts.launched(task), key=lambda job: job.created)
    if info.failed:
        if launched or not task.failed:
            yield f"job_info failed, and the task did not: {info.result.get('msg')}"
        return
    said = f"job_info said {info.result['verdict']} ({info.result['msg']})"
    yield from (f"{said}, and {what}" for what in _otherwise(facts, task, info, launched))


def _otherwise(facts: Facts, task: Said, info: Said, launched: list[Job]) -> t.Iterator[str]:
    result = info.result or {}
    verdict, about = result["verdict"], facts.jobs.get(result.get("verdict_job_id") or 0)
    first = launched[0] if launched else None
    if verdict in ("await", "adopt"):
        ended = math.inf if about is None or about.finished is None else about.finished
        if first is not None and first.created < ended:
            yield f"the task launched job {first.id} before the end of job {result['verdict_job_id']}"
        return
    if any(job.active(info.started) for job in facts.jobs.values() if job.created < info.started):
        # What was active may have ended between the two.
        return
    if verdict != "launch":
        if first is not None:
            yield f"the task launched job {first.id}"
        if task.failed is not (verdict == "refuse"):
            yield f"the task {'failed' if task.failed else 'did not fail'}: {(task.result or {}).get('msg')}"
        return
    if first is None:
        yield f"the task launched nothing: {(task.result or {}).get('msg')}"
    elif result["relaunch_on"] == "failed" and not _on(first, result["relaunch_hosts"], facts.player == "admin"):
        yield f"the task launched job {first.id} on {sorted(first.limit)}"


def _on(job: Job, hosts: t.Collection[str], exactly: bool) -> bool:
    """Whether a job is limited to these hosts; one who may not relaunch a relaunch gets more of them."""
    return job.limit == frozenset(hosts) if exactly else job.limit >= frozenset(hosts)
