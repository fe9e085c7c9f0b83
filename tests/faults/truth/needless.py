# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was launched, and need not have been. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .done import certainly_done, done, not_failed
from .facts import Facts, Job, Said
from .shapes import OUTSIDE

# A launch rests on a look that may be so many seconds old.
FRESH = 3.5


def needless(facts: Facts, task: Said, job: Job, sources: t.Sequence[Job], *, certainly: bool) -> list[str]:
    """Why a job need not have been launched.

    :param sources: the jobs that its task was about.
    :param certainly: so that anybody could know it.
    """
    moment = max(task.started, job.created - FRESH)
    sources = [source for source in sources if facts.same(source, job)]
    if not sources:
        return []

    def needed(host: str) -> bool:
        if certainly:
            return not any(certainly_done(facts, source, host, moment) for source in sources)
        return not any(done(facts, source, host, dataclasses.replace(task, ended=moment)) for source in sources)

    other = [
        run
        for run in facts.runs(min(sources, key=lambda one: one.id))
        if run.id != job.id and run.created <= moment and run.active(job.created) and run.status != "canceled"
    ]
    for run in other if certainly else ():
        if not run.limit or (job.limit and job.limit <= run.limit):
            return [f"job {job.id} was launched while job {run.id} did its work"]
    if job.limit:
        if not any(map(needed, job.limit)):
            return [f"job {job.id} was launched on {_told(job.limit)}, and all of them were done"]
        return _besides(facts, sources, job, moment) if certainly else []
    if facts.hosts == "all":
        return _whole_again(facts, sources, job, moment) if certainly else []
    never_begun = any(facts.looks[0].hosts.keys() - source.summaries for source in sources)
    if certainly and facts.player != "admin" and never_begun:
        # Who may not read the inventory cannot know that these were all.
        return []
    asked = {host for source in sources for host in (*source.failed, *not_failed(facts, source))}
    # Its newest result counts, whichever run brought it.
    asked.update(host for source in sources for run in facts.runs(source) if run.known(moment) for host in run.failed)
    if asked and not any(map(needed, asked)):
        return [f"job {job.id} was launched on all hosts, though all had been done"]
    return []


def _besides(facts: Facts, sources: t.Sequence[Job], job: Job, moment: float) -> list[str]:
    """Whether hosts ran again that were done, though a relaunch of another job would have left them out."""
    source = min(sources, key=lambda one: one.id)
    again = {host for host in job.limit if any(certainly_done(facts, one, host, moment) for one in sources)}
    if facts.hosts == "remaining":
        # What was done for one job need not be for a later one, which failed after that.
        again = {host for host in again if all(certainly_done(facts, one, host, moment) for one in sources)}
        return [f"job {job.id} ran again on {_told(again)}, which were done"] if again else []
    if facts.player != "admin":
        return []
    due = job.limit - again
    if not again:
        return []
    for run in facts.runs(source):
        reached = frozenset(name for name, row in run.failed.items() if row is not None)
        if run.known(moment) and due <= reached and len(reached - due) < len(again):
            why = f"a relaunch of job {run.id} would have been on {_told(reached)}"
            return [f"job {job.id} ran again on {_told(again)}, which were done: {why}"]
    return []


def _left_out(facts: Facts, source: Job, success: Job, job: Job, moment: float) -> bool:
    """Whether a success on all hosts left out some that another job could run on, and that nobody had done: they had
    been disabled, or deleted and added again."""
    now = max((look for look in facts.looks if look.time <= job.created), key=lambda look: look.time).hosts
    left = {*source.failed, *source.summaries} - success.summaries - {*OUTSIDE}
    return any(
        host in now and now[host][1] and certainly_done(facts, source, host, moment) is None
        for host in left & facts.targeted
    )


def _whole_again(facts: Facts, sources: t.Sequence[Job], job: Job, moment: float) -> list[str]:
    for source in sources:
        whole = [run for run in facts.runs(source) if not run.limit and run.status != "canceled" and run.id != job.id]
        known = [run for run in whole if run.known(moment)]
        newest = max(known, key=lambda run: run.created, default=None)
        doubtful = [run for run in whole if run not in known and run.created <= job.created]
        # A success that was created before a failure had ended does not outweigh it.
        began = newest.created if newest else 0.0
        doubtful += [run for run in known if run.status == "failed" and (run.finished or 0.0) >= began]
        if newest is None or newest.status != "successful" or doubtful or _left_out(facts, source, newest, job, moment):
            return []
    return (
        [f"job {job.id} was launched on all hosts, though job {newest.id} had been successful on them"]
        if newest
        else []
    )


def _told(hosts: t.Iterable[str]) -> str:
    return ", ".join(sorted(hosts))
