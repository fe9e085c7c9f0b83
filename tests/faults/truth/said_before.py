# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a task did what job_info had said right before it, of each job that it was about."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from .facts import Facts, Job, Result, Said

# What becomes of one of many by what is said of it.
_OUTCOMES = {
    "done": ("done", "superseded"),
    "refuse": ("refused", "superseded"),
    "launch": ("relaunched", "lost", "needs_person"),
}


@dataclass(frozen=True)
class _Did:
    """What a task did about a job.

    :param launched: the jobs that it launched for this, oldest first.
    :param wrong: why it is not what was said, by the verdict alone; empty where it is.
    """

    launched: list[Job]
    wrong: t.Callable[[str], str]
    result: Result


def disagreements(facts: Facts, task: Said) -> t.Iterator[str]:
    """All that a task did otherwise, as sentences; none where job_info was not asked, or the task has no result."""
    if task.result is None:
        return
    if task.info is not None:
        did = _Did(_oldest_first(facts.launched(task)), lambda verdict: _of_one(task, verdict), task.result)
        yield from _disagreements(facts, task.info, did, task.failed)
    entries = {entry["source_job_id"]: entry for entry in task.result.get("jobs") or ()}
    for number, info in sorted(task.infos.items()):
        # By its status a job may not be among those of a template.
        did_of_many = _of_many(facts, task, facts.jobs[number], entries[number]) if number in entries else None
        if did_of_many is not None:
            yield from _disagreements(facts, info, did_of_many, True)


def _disagreements(facts: Facts, info: Said, did: _Did, failed: bool) -> t.Iterator[str]:
    if info.result is None:
        yield f"job_info broke: {info.crash or 'it did not end'}"
        return
    if info.failed:
        if did.launched or not failed:
            yield f"job_info failed, and the task did not: {info.result.get('msg')}"
        return
    said = f"job_info said {info.result['verdict']} ({info.result['msg']})"
    yield from (f"{said}, and {what}" for what in _otherwise(facts, info, info.result, did))


def _otherwise(facts: Facts, info: Said, result: Result, did: _Did) -> t.Iterator[str]:
    verdict, about = result["verdict"], facts.jobs.get(result.get("verdict_job_id") or 0)
    first = did.launched[0] if did.launched else None
    if verdict in ("await", "adopt"):
        ended = math.inf if about is None or about.finished is None else about.finished
        if first is not None and first.created < ended:
            yield f"the task launched job {first.id} before the end of job {result['verdict_job_id']}"
        return
    if any(job.active(info.started) for job in facts.jobs.values() if job.created < info.started):
        # What was active may have ended between the two.
        return
    wrong = did.wrong(verdict)
    if wrong:
        yield f"{wrong}: {did.result.get('msg')}"
    if verdict != "launch":
        if first is not None:
            yield f"the task launched job {first.id}"
    elif first is None:
        if did.result.get("outcome") != "needs_person":
            yield f"the task launched nothing: {did.result.get('msg')}"
    elif result["relaunch_on"] != "all":
        # One who may not relaunch a relaunch gets more of the failed hosts.
        exactly = facts.player == "admin" or result["relaunch_on"] == "remaining"
        if not _on(first, result["relaunch_hosts"], exactly):
            yield f"the task launched job {first.id} on {sorted(first.limit)}"


def _of_one(task: Said, verdict: str) -> str:
    if verdict == "launch" or task.failed is (verdict == "refuse"):
        return ""
    return f"the task {'failed' if task.failed else 'did not fail'}"


def _of_many(facts: Facts, task: Said, source: Job, entry: Result) -> _Did | None:
    """What was done about one of many. Of those of the same work the newest has its turn first; None for another whose
    turn came after a launch, so that nobody could tell it.
    """
    launched = _oldest_first(job for job in facts.launched(task) if facts.same(job, source))
    newest = max(number for number in task.infos if facts.same(facts.jobs[number], source))
    if source.id != newest:
        if launched:
            return None
    elif entry["outcome"] in ("done", "superseded", "refused"):
        # These are of older ones.
        launched = []

    def wrong(verdict: str) -> str:
        outcome = entry["outcome"]
        return "" if outcome in _OUTCOMES[verdict] else f"job {source.id} was {outcome}"

    return _Did(launched, wrong, entry)


def _oldest_first(jobs: t.Iterable[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: job.created)


def _on(job: Job, hosts: t.Collection[str], exactly: bool) -> bool:
    """Whether a job is limited to these hosts."""
    return job.limit == frozenset(hosts) if exactly else job.limit >= frozenset(hosts)
