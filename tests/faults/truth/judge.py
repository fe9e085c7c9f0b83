# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is what was said true? Compares the marks that hosts left with what tasks said of them. Pure.

It asks for no more than a caller could know: of a doubtful host to say that it is not done is honest, and a job that
was cut short may say so. What is certain is asked for: a host that is said to be done has left its mark.
"""

from __future__ import annotations

import enum
import re
import typing as t
from dataclasses import dataclass

from .done import certainly_done, done, enabled, expected, gone, not_added_again, not_failed, there_all_along
from .facts import BULK, FINAL, Facts, Job, Result, Said
from .needless import needless
from .said_before import disagreements
from .shapes import OUTSIDE


class Kind(enum.Enum):
    """What can be wrong, by the heading in the table."""

    FALSE_DONE = "false done"
    FALSE_LEFT = "false left"
    NEEDLESS = "needless"
    SILENT = "silent"
    STUCK = "stuck"
    CRASH = "crash"
    INFO = "job_info disagrees"


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
        not needless(facts, task, job, _sources(facts, task), certainly=True)
        and bool(needless(facts, task, job, _sources(facts, task), certainly=False))
        for task in facts.tasks
        for job in facts.launched(task)
    )


def _sources(facts: Facts, task: Said) -> list[Job]:
    """The jobs that a task was about; a template is looked up by each task anew."""
    told = [account.source for account in accounts(facts, task)] if facts.kind != BULK else []
    return told or [facts.jobs[number] for number in facts.sources]


_Wrong = tuple[Kind, str]


def _of_task(facts: Facts, task: Said) -> t.Iterator[_Wrong]:
    if task.crash:
        yield Kind.CRASH, task.crash
    if task.endless:
        yield Kind.STUCK, "it did not end"
    for job in facts.launched(task):
        for why in needless(facts, task, job, _sources(facts, task), certainly=True):
            yield Kind.NEEDLESS, why
    for why in disagreements(facts, task):
        yield Kind.INFO, why
    for account in accounts(facts, task):
        yield from _false_done(facts, task, account)
        yield from _false_left(facts, task, account)
        yield from _silent(facts, task, account)
        yield from _refused(facts, task, account)


def accounts(facts: Facts, task: Said) -> list[Account]:
    """What a task said of each source."""
    result = task.result
    if result is None:
        return []
    if facts.kind == BULK:
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


# What is said of it


def _false_done(facts: Facts, task: Said, account: Account) -> t.Iterator[_Wrong]:
    source = account.source
    if facts.hosts == "all":
        yield from _false_whole(facts, task, account)
        return
    for host in sorted(source.failed) if _claimed(account) else ():
        if not (done(facts, source, host, task) or host in account.told or gone(facts, host, task.ended)):
            yield Kind.FALSE_DONE, f"{host} failed in job {source.id}, is said to be done, and has left no mark since"
    for host in sorted(not_failed(facts, source)) if account.claims else ():
        if host in account.told or not expected(facts, source, host, task):
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
        if there_all_along(facts, host, source.created, task.ended) and not done(facts, source, host, task, whole=True):
            yield Kind.FALSE_DONE, f"job {source.id} is said to be done on all hosts, and {host} has left no mark since"


def _false_left(facts: Facts, task: Said, account: Account) -> t.Iterator[_Wrong]:
    """Hosts that are said to remain, and were done before the task, as anybody could know."""
    for host in account.result.get("remaining_hosts") or () if facts.hosts != "all" else ():
        run = certainly_done(facts, account.source, host, task.started)
        if run is not None and not_added_again(facts, host, run.created, task.ended):
            why = f"{host} is said to remain of job {account.source.id}, and reached the end in job {run.id}"
            yield Kind.FALSE_LEFT, why


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
        if gone(facts, host, task.ended) and not done(facts, source, host, task) and not account.names(host):
            yield Kind.SILENT, f"of job {source.id} {host}, which failed in it, is gone, and nothing names it"
    for host in sorted(not_failed(facts, source) - {*OUTSIDE}) if account.cut_short else ():
        if facts.player != "admin" and host not in source.summaries:
            # Who may not read the inventory cannot name those that were never begun.
            continue
        if expected(facts, source, host, task) and not done(facts, source, host, task) and not account.names(host):
            yield Kind.SILENT, f"job {source.id} is said to be cut short, without a name of {host}, which has no mark"


def _claimed(account: Account) -> bool:
    """Whether all failed hosts are said to be done, even if others are not."""
    return account.claims or account.result.get("remaining_hosts") == []


# Whether it came to an end


def _refused(facts: Facts, task: Said, account: Account) -> t.Iterator[_Wrong]:
    """A refusal, though a relaunch would go on."""
    if account.claims or account.cut_short or account.result.get("id") is not None or task.endless:
        return
    if facts.kind == BULK and account.result.get("outcome") not in ("refused", None):
        return
    if facts.kind == "job_retry" and account.result.get("ended") == "retries_used_up":
        return
    source = account.source
    said = account.result.get("msg")
    if facts.hosts == "all" or facts.fallback_to_all:
        yield Kind.STUCK, f"job {source.id} was refused, though it can be relaunched on all hosts: {said}"
        return
    if facts.hosts == "remaining" and not all(done(facts, source, host, task) for host in facts.targeted & {*OUTSIDE}):
        # No limit reaches these.
        return
    left = [host for host in sorted(not_failed(facts, source)) if expected(facts, source, host, task)]
    if not source.began and any(not done(facts, source, host, task) for host in left):
        yield Kind.STUCK, f"job {source.id} was refused, though it never began, so that all of its hosts remain: {said}"
    if facts.hosts == "remaining" and facts.player != "admin":
        # Who may not read the inventory does not know exactly what remains.
        return
    for host in sorted(source.failed):
        if not done(facts, source, host, task) and _reachable(facts, source, host, task):
            yield Kind.STUCK, f"job {source.id} was refused, though a relaunch would run on {host}: {said}"


def _reachable(facts: Facts, source: Job, host: str, task: Said) -> bool:
    """Whether the controller's own relaunch on failed hosts would run on a host."""
    rows = [run.failed[host] for run in facts.runs(source) if host in run.failed and run.known(task.started)]
    return any(row is not None for row in rows) and enabled(facts, host, task) and host not in OUTSIDE


def _without_end(facts: Facts) -> t.Iterator[_Wrong]:
    """What has not come to an end though nothing failed any more."""
    calm = [task for task in facts.tasks if task.calm]
    if not calm or any(task.endless or task.crash for task in facts.tasks):
        return
    last = calm[-1]
    for account in accounts(facts, last):
        if account.claims or _all_told(facts, last, account):
            continue
        may_refuse = facts.hosts != "all" and not facts.fallback_to_all
        job_failed = account.result.get("status") in FINAL and account.result.get("status") != "successful"
        # An entry that was refused tells of the job that did last what has been done.
        refused = account.cut_short or account.result.get("outcome") == "refused"
        if may_refuse and (refused or account.result.get("id") is None or not job_failed):
            continue
        after = f"after {len(calm)} tasks in which nothing failed"
        yield Kind.STUCK, f"job {account.source.id} is not done {after}: {account.result.get('msg')}"


def _all_told(facts: Facts, task: Said, account: Account) -> bool:
    """Whether what is left cannot run as far as the player may know, and is told."""
    remaining = account.result.get("remaining_hosts") or ()
    # Whom a success on all hosts had left out, and who can run by now, the inventory tells.
    unknown = facts.hosts == "all" and facts.player != "admin"
    return bool(remaining) and (unknown or not any(enabled(facts, host, task) for host in remaining))
