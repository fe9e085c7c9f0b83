# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees while a task waits, and when its job has failed: lines of text. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api.jobs import Job, join
from .._api.kinds import JOB, WORKFLOW_JOB

if t.TYPE_CHECKING:
    from .._bulk.outcome import JobCounts, PlanCount

# Seconds from one line about a job that goes on as before to the next: the first soon, then ever later.
FIRST_GAP = 10.0
GAP_GROWTH = 1.5
LONGEST_GAP = 300.0

FAILURES_SHOWN = 10


class CountedLines:
    """Turns how far many jobs are into lines: one for each change.

    :param write: takes a line.
    """

    def __init__(self, write: t.Callable[[str], None]) -> None:
        self._write = write
        self._seen: t.Optional[t.Union[JobCounts, PlanCount]] = None

    def __call__(self, counted: t.Union[JobCounts, PlanCount]) -> None:
        if counted != self._seen and counted.all:
            self._seen = counted
            self._write(str(counted))


class ProgressLines:
    """Turns what a wait sees into lines: one for each change of status, and some in between.

    :param write: takes a line.
    :param clock: a monotonic clock, seconds.
    """

    def __init__(self, write: t.Callable[[str], None], clock: t.Callable[[], float]) -> None:
        self._write = write
        self._clock = clock
        self._seen: t.Optional[tuple[int, str]] = None
        self._gap = FIRST_GAP
        self._due = 0.0

    def __call__(self, job: Job) -> None:
        now, seen = self._clock(), (job.id, job.status)
        if seen != self._seen:
            self._gap = FIRST_GAP
        elif now < self._due:
            return
        else:
            self._gap = min(LONGEST_GAP, self._gap * GAP_GROWTH)
        self._seen, self._due = seen, now + self._gap
        self._write(line(job))


def line(job: Job) -> str:
    """A job's state in a line, with what the controller's own facts tell of its hosts."""
    elapsed = job.facts.get("elapsed")
    noun = job.kind.noun
    parts = [f"{noun} {job.id} {'is' if job.active else 'ended:'} {job.status}"]
    if isinstance(elapsed, (int, float)) and elapsed > 0:
        parts.append(f"{elapsed:.0f} s")
    counts = job.facts.get("host_status_counts") or {}
    parts.extend(f"{counts[name]} {word}" for name, word in _COUNTED.items() if counts.get(name))
    return ", ".join(parts)


# The keys of host_status_counts; a host is counted once, under the worst that happened to it.
_COUNTED = {"ok": "ok", "changed": "changed", "failures": "failed", "dark": "unreachable"}


def failure_lines(result: t.Mapping[str, t.Any]) -> list[str]:
    """A failed result for a person: the job, each failed host with its task and message, where to look.

    :param result: of a module about one job, or one workflow job with ``failed_nodes``.
    """
    failures = result.get("failures") or []
    if not failures:
        return []
    nodes = result.get("failed_nodes")
    noun, failed = (WORKFLOW_JOB.noun, nodes) if nodes else (JOB.noun, result.get("failed_hosts") or ["unknown hosts"])
    lines = [f"{noun} {result.get('id')} ended with status {result.get('status')} on: {join(failed)}"]
    for failure in failures[:FAILURES_SHOWN]:
        reach = " (unreachable)" if failure["unreachable"] else ""
        where = " / ".join(filter(None, (failure["play"], failure["task"])))
        node = f"{failure['node']}: " if "node" in failure else ""
        lines.append(f"  {node}{failure['host']}{reach}: {where}: {' '.join(failure['message'].split())}")
    more = max(0, len(failures) - FAILURES_SHOWN) + int(result.get("failures_more") or 0)
    if more:
        lines.append(f"  and {more} more")
    lines.append(f"  {result.get('url')}")
    return lines
