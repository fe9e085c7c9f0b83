# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rule each failed host falls under, by the events of the run in which it failed last.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime

from .._api.client import ControllerClient
from .._api.jobs import Job
from .._launch.failure_report import HostFailure, causes
from .._work.ledger import HostRecord, HostResult, Ledger, Reach
from .rules import AS_THE_TASK, Rule, first_fitting

# Each failed host has to be known, so that as many pages of failed events are read as it takes.
MOST_PAGES = 1000
# Hosts on which nothing runs.
NOWHERE = (Reach.GONE, Reach.IDLE, Reach.ELSEWHERE)


class RuledHosts:
    """Tells which of the failed hosts fall under which rule, and parks those that need a person.

    :param rules: those of the task; without any there is no host of which this asks.
    """

    def __init__(self, client: ControllerClient, rules: t.Sequence[Rule]) -> None:
        self._client = client
        self._rules = rules
        self._failures: dict[int, dict[str, HostFailure]] = {}
        #: By name, the hosts that were left by the last look and that a run can reach, each with its rule.
        self.left: dict[str, Rule] = {}
        self._failed_at: dict[str, datetime] = {}

    def too_early(self, now: datetime) -> t.Optional[tuple[float, float]]:
        """The delay that has not passed since the hosts failed last, and how much of it is left, in seconds; None
        where none is. No host is retried sooner than its rule has it, so that the longest counts.
        """
        delays = {name: rule.delay for name, rule in self.left.items() if rule.delay is not None}
        left = [(delay - (now - self._failed_at[name]).total_seconds(), delay) for name, delay in delays.items()]
        longest, delay = max(left, default=(0.0, 0.0))
        return (delay, longest) if longest > 0 else None

    def __call__(self, ledger: Ledger, events_in: t.Callable[[Job], Job]) -> Ledger:
        """The ledger, in which hosts that a rule parks are so.

        :param events_in: waits until the events of a job that has ended are in.
        :raises ControllerError: the events could not be read.
        """
        if ledger.hosts is None:
            return ledger
        # What no run reaches would hold up the others.
        left = [host for host in ledger.hosts if host.done_in is None and host.failed_in and host.reach not in NOWHERE]
        self._read(ledger, {host.failed_in[0].id for host in left}, events_in)
        ruled = {host.key: first_fitting(self._rules, self._failure_of(host)) for host in left}
        self.left = {host.name: ruled[host.key] for host in left}
        self._failed_at = {host.name: host.failed_in[0].finished for host in left}
        return replace(ledger, hosts=tuple(_parked(host, ruled.get(host.key, AS_THE_TASK)) for host in ledger.hosts))

    def _read(self, ledger: Ledger, numbers: t.AbstractSet[int], events_in: t.Callable[[Job], Job]) -> None:
        """Read the failures of some runs, of each once. What has been overtaken is not asked again."""
        for number in sorted(numbers - self._failures.keys()):
            run = ledger.run(number)
            events_in(run.job)
            self._failures[number] = causes(self._client, number, run.summaries or (), MOST_PAGES)
        self._failures = {number: self._failures[number] for number in numbers}

    def _failure_of(self, host: HostRecord) -> HostFailure:
        """What a host failed with last; where no event tells it, what its summary does."""
        known = self._failures[host.failed_in[0].id]
        by_summary = {"unreachable": host.last is HostResult.UNREACHABLE}
        return next((known[name] for name in host.names if name in known), by_summary)


def _parked(host: HostRecord, rule: Rule) -> HostRecord:
    return replace(host, reach=Reach.PARKED, parked=rule.reason) if rule.parks else host
