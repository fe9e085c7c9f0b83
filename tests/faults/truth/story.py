# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world that was played, for a person: the playbook, the jobs in their order, and what was said of them. Pure."""

from __future__ import annotations

import json
import textwrap
import typing as t

from .facts import Facts, Job, Said
from .shapes import Book
from .worlds import World

# What of a result is worth telling; the rest is the job's, or repeats it.
_SHOWN = (
    *("changed", "failed", "id", "status", "cut_short", "hosts", "remaining_hosts", "stopped_hosts", "gone_hosts"),
    *("failed_hosts", "recovered", "ended", "warnings"),
)


def story(world: World, facts: Facts) -> str:
    """All of it."""
    task = world.task
    options = [f"hosts: {task.hosts}", f"fallback_to_all: {str(task.fallback_to_all).lower()}"]
    options += ["by template"] if task.by_template else []
    lines = [f"{task.kind} ({', '.join(options)}) by {world.player}, about {_jobs(facts.sources)}"]
    lines += [f"  {line}" for line in _book(world.book)]
    lines += [] if world.simultaneous else ["  one job of the template at a time"]
    lines += [] if world.source == "ended" else [f"  the source {world.source}"]
    told: set[int] = set()
    for number, said in enumerate(facts.tasks, 1):
        lines += _before(world, facts, said, told)
        lines.append(f"Task {number}{', nothing fails or moves any more' if said.calm else ''}")
        lines += [f"  moves: {move}" for move in said.moves]
        for job in facts.jobs.values():
            if job.id not in told and job.created <= said.ended:
                told.add(job.id)
                lines.append(f"  {_job(world, facts, job)}")
        lines += _said(said)
    lines += _before(world, facts, None, told)
    return "\n".join(lines)


def _before(world: World, facts: Facts, said: Said | None, told: set[int]) -> t.Iterator[str]:
    for job in facts.jobs.values():
        if job.id not in told and (said is None or job.created < said.started):
            told.add(job.id)
            yield _job(world, facts, job)


def _job(world: World, facts: Facts, job: Job) -> str:
    index = job.id - min(facts.jobs)
    calm = any(task.calm and task.started <= job.created for task in facts.tasks)
    planned = sorted(world.attempts[index], key=str) if index < len(world.attempts) and not calm else []
    faults = [f"{fault.step or 'unreachable'}@{fault.host}" for fault in planned]
    by = f"{job.launch_type} by {job.creator or 'nobody'}"
    on = f" on {','.join(sorted(job.limit))}" if job.limit else ""
    other = f", prompts {job.prompts}" if job.prompts != "{}" else ""
    missing = {host: steps[-1] for host, steps in job.passed.items() if host not in job.ended}
    stopped = [f"{host} after {step}" for host, step in sorted(missing.items()) if host not in job.failed]
    return (
        f"Job {job.id}, {by}{on}{other}: {job.status}; to fail {faults or 'nothing'}; failed {sorted(job.failed)}; "
        f"reached the end {sorted(job.ended)}" + (f"; stopped {stopped}" if stopped else "")
    )


def _said(said: Said) -> list[str]:
    if said.result is None:
        return textwrap.indent(said.crash or "It did not end.", "  ").splitlines()
    lines = [f"  said: {said.result.get('msg')}"]
    kept = {name: said.result[name] for name in _SHOWN if said.result.get(name) not in (None, {})}
    lines.append(f"  with: {json.dumps(kept)}")
    for entry in said.result.get("jobs") or ():
        kept = {name: value for name, value in entry.items() if name not in ("name", "url", "source_job_id", "msg")}
        lines.append(f"  job {entry['source_job_id']}: {json.dumps(kept)} {entry['msg']}")
    return lines


def _book(book: Book) -> list[str]:
    return [f"{line}" for play in book.plays for line in _play(play)]


def _play(play: t.Any) -> t.Iterator[str]:
    keywords = {
        "serial": list(play.serial),
        "any_errors_fatal": play.any_errors_fatal,
        "max_fail_percentage": play.max_fail_percentage,
        "free": play.free,
    }
    given = [f"{name} {value}" for name, value in keywords.items() if value not in ([], False, None)]
    parts = [*map(_part, play.parts), *(f"handler {one.key}" for one in play.handlers)]
    parts += [f"post {one.key}" for one in play.post]
    yield f"{play.name} on {', '.join([play.hosts, *given])}: {'; '.join(parts)}"


def _part(part: t.Any) -> str:
    if hasattr(part, "key"):
        words = [
            "once" if part.once else "",
            "ignored" if part.ignored else "",
            f"for {part.only}" if part.only else "",
        ]
        words.append(f"notifies {part.notifies}" if part.notifies else "")
        return " ".join(filter(None, [part.key, *words]))
    if hasattr(part, "body"):
        sections = {"block": part.body, "rescue": part.rescue, "always": part.always}
        return ", ".join(f"{name} {one.key}" for name, steps in sections.items() for one in steps)
    if hasattr(part, "file"):
        return f"include {', '.join(one.key for one in part.steps)}{f' for {part.only}' if part.only else ''}"
    return "flush"


def _jobs(numbers: t.Collection[int]) -> str:
    return f"job{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"
