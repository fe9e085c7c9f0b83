# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is done, by the marks that hosts left; and where hosts were meanwhile. Pure."""

from __future__ import annotations

from .facts import Facts, Job, Look, Said
from .shapes import OUTSIDE


def not_failed(facts: Facts, source: Job) -> frozenset[str]:
    """The hosts of a source that did not fail, and did not reach the end either: stopped, or never begun."""
    before = [look for look in facts.looks if look.time <= source.created][-1]
    names = {name for name, (_row, is_enabled) in before.hosts.items() if is_enabled} | {*OUTSIDE}
    asked = {name for name in names & facts.targeted if source.asked_for(name)}
    return frozenset(asked - source.failed.keys() - source.ended.keys())


def done(facts: Facts, source: Job, host: str, task: Said, *, whole: bool = False) -> bool:
    """Whether a host was done at a task's end, with the benefit of the doubt.

    :param whole: all hosts were asked for, so that a failure in a run on some of them does not decide.
    """
    after_source = host in source.failed
    runs = [run for run in facts.runs(source) if not (after_source and run.id == source.id)]
    failures = [run for run in runs if host in run.failed and run.known(task.started)]
    if whole:
        failures = [run for run in failures if run.limit == source.limit]
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


def _looks(facts: Facts, start: float, end: float) -> list[Look]:
    """The looks from the last one before a moment to the first one after another."""
    first = max(index for index, look in enumerate(facts.looks) if look.time <= start)
    last = min(index for index, look in enumerate(facts.looks) if look.time >= end)
    return list(facts.looks[first : last + 1])


def there_all_along(facts: Facts, host: str, start: float, end: float) -> bool:
    """Whether a host was enabled, and was not added again, from a moment to another."""
    looks = _looks(facts, start, end)
    always = all(look.hosts.get(host, (0, False))[1] for look in looks)
    return host in OUTSIDE or (always and not_added_again(facts, host, start, end))


def not_added_again(facts: Facts, host: str, start: float, end: float) -> bool:
    """Whether a host was not added again from a moment to another, in each inventory that the template had."""
    rows: dict[int, set[int | None]] = {}
    for look in _looks(facts, start, end):
        rows.setdefault(look.inventory, set()).add(look.hosts.get(host, (None, False))[0])
    return all(len(numbers) == 1 for numbers in rows.values())


def gone(facts: Facts, host: str, end: float) -> bool:
    """Whether a host was in the inventory no more."""
    return host not in OUTSIDE and host not in _looks(facts, end, end)[-1].hosts


def enabled(facts: Facts, host: str, task: Said) -> bool:
    """Whether a host was there and enabled all through a task, as far as that was seen."""
    looks = _looks(facts, task.started, task.ended)
    return host in OUTSIDE or all(look.hosts.get(host, (0, False))[1] for look in looks)


def expected(facts: Facts, source: Job, host: str, task: Said) -> bool:
    """Whether a host that did not fail in a source can be asked about: it ran there, or was there ever since."""
    if host in source.summaries:
        return enabled(facts, host, task)
    return there_all_along(facts, host, source.created, task.ended)
