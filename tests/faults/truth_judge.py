# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is what was said true? Compares the marks that hosts left with what tasks said of them. Pure.

It asks for no more than a caller could know: of a doubtful host to say that it is not done is honest, and a job that
was cut short may say so. What is certain is asked for: a host that is said to be done has left its mark.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import typing as t
from dataclasses import dataclass

from .truth_facts import FINAL, Facts, Job, Result, Said
from .truth_shapes import OUTSIDE

# A launch rests on a look that may be so many seconds old.
FRESH = 3.5


class Kind(enum.Enum):
    """What can be wrong, by the heading in the table."""

    FALSE_DONE = "false done"
    NEEDLESS = "needless"
    SILENT = "silent"
    STUCK = "stuck"
    CRASH = "crash"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and why."""

    kind: Kind
    why: str


@dataclass(frozen=True)
class Account:
    """What is said of one source job: of a task about one job its result, else an entry.

    :param claims: that its work is done.
    :param texts: all that may name a host.
    """

    source: Job
    result: Result
    claims: bool
    cut_short: bool
    texts: str

    @property
    def told(self) -> frozenset[str]:
        """The hosts that are said not to be done, in so many words."""
        keys = ("remaining_hosts", "stopped_hosts", "gone_hosts", "failed_hosts")
        told = {name for key in keys for name in self.result.get(key) or ()}
        return frozenset(told | set(_words(self.result.get("warnings"))))

    def names(self, host: str) -> bool:
        return host in _words(self.texts)


def _words(text: t.Any) -> list[str]:
    return re.findall(r"[\w.-]*\w", str(text or ""))


def judge(facts: Facts) -> list[Finding]:
    """All that is wrong; a finding is told once, however many tasks repeat it."""
    found: dict[tuple[Kind, str], Finding] = {}
    for number, task in enumerate(facts.tasks, 1):
        for kind, why in _of_task(facts, task):
            found.setdefault((kind, why), Finding(kind, f"task {number}: {why}"))
    for kind, why in _without_end(facts):
        found.setdefault((kind, why), Finding(kind, why))
    return list(found.values())


def false_alarms(facts: Facts) -> int:
    """How many jobs were launched on all hosts though all was done: nobody is to blame who could not know."""
    return sum(
        not _needless(facts, task, job, certainly=True) and bool(_needless(facts, task, job, certainly=False))
        for task in facts.tasks
        for job in facts.launched(task)
    )


_Wrong = tuple[Kind, str]


def _of_task(facts: Facts, task: Said) -> t.Iterator[_Wrong]:
    if task.crash:
        yield Kind.CRASH, task.crash
    if task.endless:
        yield Kind.STUCK, "it did not end"
    for job in facts.launched(task):
        for why in _needless(facts, task, job, certainly=True):
            yield Kind.NEEDLESS, why
    for account in accounts(facts, task):
        yield from _false_done(facts, task, account)
        yield from _silent(facts, task, account)
        yield from _refused(facts, task, account)


def accounts(facts: Facts, task: Said) -> list[Account]:
    """What a task said of each source."""
    result = task.result
    if result is None:
        return []
    if facts.kind == "bulk_job_relaunch":
        return [
            Account(
                source=facts.jobs[entry["source_job_id"]],
                result=entry,
                claims=bool(entry.get("recovered")),
                cut_short=bool(entry.get("cut_short")),
                texts=str(result),
            )
            for entry in result.get("jobs") or ()
        ]
    source = facts.jobs.get(t.cast("int", result.get("source_job_id")))
    if source is None:
        return []
    told = {name: value for name, value in result.items() if name not in ("job", "stdout_tail")}
    return [Account(source, result, not task.failed, bool(result.get("cut_short")), str(told))]


# Who is done


def not_failed(facts: Facts, source: Job) -> frozenset[str]:
    """The hosts of a source that did not fail, and did not reach the end either: stopped, or never begun."""
    before = [look for look in facts.looks if look.time <= source.created][-1]
    there = {name for name, (_id, enabled) in before.hosts.items() if enabled} | {*OUTSIDE}
    there = {name for name in there & facts.targeted if source.asked_for(name)}
    return frozenset(there - source.failed.keys() - source.ended.keys())


def done(facts: Facts, source: Job, host: str, task: Said) -> bool:
    """Whether a host was done at a task's end, with the benefit of the doubt."""
    after_source = host in source.failed
    runs = [run for run in facts.runs(source) if not (after_source and run.id == source.id)]
    failures = [run for run in runs if host in run.failed and run.known(task.started)]
    return any(
        run.ended[host] <= task.ended and not any(failure.created >= run.ended[host] for failure in failures)
        for run in runs
        if host in run.ended
    )


def certainly_done(facts: Facts, source: Job, host: str, moment: float) -> Job | None:
    """The job by which a host was done at a moment so that anybody could know it; None: it was not."""
    runs = facts.runs(source)
    failures = [run for run in runs if host in run.failed]
    for run in reversed(runs):
        if run.status != "successful" or host not in run.ended or not run.known(moment):
            continue
        # A failure that is not known yet, or was at the same time, leaves a doubt.
        if all(failure.finished is not None and failure.finished <= run.created for failure in failures):
            return run
    return None


def _there(facts: Facts, host: str, start: float, end: float) -> bool:
    """Whether a host was enabled, and the same one, from a moment to another."""
    if host in OUTSIDE:
        return True
    first = [look for look in facts.looks if look.time <= start][-1]
    last = next(look for look in facts.looks if look.time >= end)
    looks = [first, *(look for look in facts.looks if start < look.time < end), last]
    rows = {look.hosts.get(host, (0, False)) for look in looks}
    return len(rows) == 1 and rows.pop()[1]


def _gone(facts: Facts, host: str, end: float) -> bool:
    after = next(look for look in facts.looks if look.time >= end)
    return host not in OUTSIDE and host not in after.hosts


def _enabled(facts: Facts, host: str, task: Said) -> bool:
    """Whether a host was there and enabled before a task and after it."""
    if host in OUTSIDE:
        return True
    before = [look for look in facts.looks if look.time <= task.started][-1]
    after = next(look for look in facts.looks if look.time >= task.ended)
    return all(look.hosts.get(host, (0, False))[1] for look in (before, after))


def _expected(facts: Facts, source: Job, host: str, task: Said) -> bool:
    """Whether a host that did not fail in a source can be asked about: it ran there, or was there ever since."""
    if host in source.summaries:
        return _enabled(facts, host, task)
    return _there(facts, host, source.created, task.ended)


# What is said of it


def _false_done(facts: Facts, task: Said, account: Account) -> t.Iterator[_Wrong]:
    source = account.source
    if facts.hosts == "all":
        yield from _false_whole(facts, task, account)
        return
    for host in sorted(source.failed) if _claimed(account) else ():
        if not (done(facts, source, host, task) or host in account.told or _gone(facts, host, task.ended)):
            yield Kind.FALSE_DONE, f"{host} failed in job {source.id}, is said to be done, and has left no mark since"
    for host in sorted(not_failed(facts, source)) if account.claims else ():
        if host in account.told or not _expected(facts, source, host, task):
            continue
        if not done(facts, source, host, task):
            why = f"job {source.id} did not bring {host} to the end, is said to be done, and {host} has left no mark"
            yield Kind.FALSE_DONE, why
    for host in account.result.get("recovered") or () if facts.kind == "job_retry" else ():
        if not done(facts, source, host, task):
            yield Kind.FALSE_DONE, f"{host} is said to have recovered, and has left no mark"


def _false_whole(facts: Facts, task: Said, account: Account) -> t.Iterator[_Wrong]:
    source = account.source
    if not account.claims:
        return
    for host in sorted({*source.failed, *source.ended, *not_failed(facts, source)}):
        if _there(facts, host, source.created, task.ended) and not done(facts, source, host, task):
            yield Kind.FALSE_DONE, f"job {source.id} is said to be done on all hosts, and {host} has left no mark since"


def _silent(facts: Facts, task: Said, account: Account) -> t.Iterator[_Wrong]:
    """Hosts that are not done and named nowhere; what a claim leaves out is a false one unless the host is gone."""
    source = account.source
    if facts.hosts == "all":
        return
    for host in sorted(source.failed):
        if done(facts, source, host, task) or account.names(host) or _claimed(account):
            continue
        yield Kind.SILENT, f"of job {source.id} {host}, which failed in it, is not done, and nothing names it"
    for host in sorted(source.failed) if _claimed(account) else ():
        if _gone(facts, host, task.ended) and not done(facts, source, host, task) and not account.names(host):
            yield Kind.SILENT, f"of job {source.id} {host}, which failed in it, is gone, and nothing names it"
    for host in sorted(not_failed(facts, source) - {*OUTSIDE}) if account.cut_short else ():
        if _expected(facts, source, host, task) and not done(facts, source, host, task) and not account.names(host):
            yield Kind.SILENT, f"job {source.id} is said to be cut short, without a name of {host}, which has no mark"


def _claimed(account: Account) -> bool:
    """Whether all failed hosts are said to be done, even if others are not."""
    return account.claims or account.result.get("remaining_hosts") == []


# What it did


def _needless(facts: Facts, task: Said, job: Job, *, certainly: bool) -> list[str]:
    """Why a job need not have been launched, as far as that could be known."""
    moment = max(task.started, job.created - FRESH)
    sources = [facts.jobs[number] for number in facts.sources]
    if facts.kind != "bulk_job_relaunch" and task.result is not None:
        sources = [account.source for account in accounts(facts, task)]
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
    asked = {host for source in sources for host in (*source.failed, *not_failed(facts, source))}
    if asked and not any(map(needed, asked)):
        return [f"job {job.id} was launched on all hosts, though all had been done"]
    return []


def _besides(facts: Facts, sources: t.Sequence[Job], job: Job, moment: float) -> list[str]:
    """Whether hosts ran again that were done, though a relaunch of another job would have left them out."""
    if facts.player != "admin":
        return []
    source = min(sources, key=lambda one: one.id)
    again = {host for host in job.limit if any(certainly_done(facts, one, host, moment) for one in sources)}
    due = job.limit - again
    if not again:
        return []
    for run in facts.runs(source):
        reached = frozenset(name for name, row in run.failed.items() if row is not None)
        if run.known(moment) and due <= reached and len(reached - due) < len(again):
            why = f"a relaunch of job {run.id} would have been on {_told(reached)}"
            return [f"job {job.id} ran again on {_told(again)}, which were done: {why}"]
    return []


def _whole_again(facts: Facts, sources: t.Sequence[Job], job: Job, moment: float) -> list[str]:
    for source in sources:
        whole = [run for run in facts.runs(source) if not run.limit and run.status != "canceled" and run.id != job.id]
        known = [run for run in whole if run.known(moment)]
        newest = max(known, key=lambda run: run.created, default=None)
        doubtful = [run for run in whole if run not in known and run.created <= job.created]
        if newest is None or newest.status != "successful" or doubtful:
            return []
    return (
        [f"job {job.id} was launched on all hosts, though job {newest.id} had been successful on them"]
        if newest
        else []
    )


def _refused(facts: Facts, task: Said, account: Account) -> t.Iterator[_Wrong]:
    """A refusal, though a relaunch would go on."""
    if account.claims or account.cut_short or account.result.get("id") is not None or task.endless:
        return
    if facts.kind == "bulk_job_relaunch" and account.result.get("outcome") not in ("refused", None):
        return
    if facts.kind == "job_retry" and account.result.get("ended") == "retries_used_up":
        return
    source = account.source
    said = account.result.get("msg")
    if facts.hosts == "all" or facts.fallback_to_all:
        yield Kind.STUCK, f"job {source.id} was refused, though it can be relaunched on all hosts: {said}"
        return
    left = [host for host in sorted(not_failed(facts, source)) if _expected(facts, source, host, task)]
    if not source.began and any(not done(facts, source, host, task) for host in left):
        yield Kind.STUCK, f"job {source.id} was refused, though it never began, so that all of its hosts remain: {said}"
    for host in sorted(source.failed):
        if not done(facts, source, host, task) and _reachable(facts, source, host, task):
            yield Kind.STUCK, f"job {source.id} was refused, though a relaunch would run on {host}: {said}"


def _reachable(facts: Facts, source: Job, host: str, task: Said) -> bool:
    """Whether the controller's own relaunch on failed hosts would run on a host."""
    rows = [run.failed[host] for run in facts.runs(source) if host in run.failed and run.known(task.started)]
    return any(row is not None for row in rows) and _enabled(facts, host, task) and host not in OUTSIDE


def _without_end(facts: Facts) -> t.Iterator[_Wrong]:
    """What has not come to an end though nothing failed any more."""
    calm = [task for task in facts.tasks if task.calm]
    if not calm or any(task.endless or task.crash for task in facts.tasks):
        return
    last = calm[-1]
    for account in accounts(facts, last):
        if account.claims or _all_told(facts, last, account):
            continue
        may_refuse = facts.hosts == "failed" and not facts.fallback_to_all
        job_failed = account.result.get("status") in FINAL and account.result.get("status") != "successful"
        if may_refuse and (account.cut_short or account.result.get("id") is None or not job_failed):
            continue
        after = f"after {len(calm)} tasks in which nothing failed"
        yield Kind.STUCK, f"job {account.source.id} is not done {after}: {account.result.get('msg')}"


def _all_told(facts: Facts, task: Said, account: Account) -> bool:
    """Whether what is left cannot run, and is told."""
    remaining = account.result.get("remaining_hosts") or ()
    return bool(remaining) and not any(_enabled(facts, host, task) for host in remaining)


def _told(hosts: t.Iterable[str]) -> str:
    return ", ".join(sorted(hosts))
