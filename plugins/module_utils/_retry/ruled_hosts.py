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
from .rules import WITHOUT_REASON, Rule, first_fitting

# Each failed host has to be known, so that as many pages of failed events are read as it takes.
MOST_PAGES = 1000
# Hosts on which nothing runs.
NOWHERE = (Reach.GONE, Reach.IDLE, Reach.ELSEWHERE)


class RuledHosts:
    """
    :param rules: at least one.
    """

    def __init__(self, client: ControllerClient, rules: t.Sequence[Rule]) -> None:
        self._client = client
        self._rules = rules
        self._failures: dict[int, dict[str, HostFailure]] = {}
        #: By name, the hosts that were left by the last look and that a run can reach, each with its rule; None where
        #: none fits.
        self.left: dict[str, t.Optional[Rule]] = {}
        self._failed_at: dict[str, datetime] = {}

    def too_early(self, now: datetime) -> t.Optional[tuple[float, float]]:
        """The delay that has not passed since the hosts failed last, and how much of it is left, in seconds; None
        where none is. No host is retried sooner than its rule has it, so that the longest counts.
        """
        delays = {name: rule.delay for name, rule in self.left.items() if rule is not None and rule.delay is not None}
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
        failures = self._failures_of(ledger, left, events_in)
        ruled = {host.key: first_fitting(self._rules, failures.get(host.name) or _by_summary(host)) for host in left}
        self.left = {host.name: ruled[host.key] for host in left}
        self._failed_at = {host.name: host.failed_in[0].finished for host in left}
        return replace(ledger, hosts=tuple(_parked(host, ruled.get(host.key)) for host in ledger.hosts))

    def _failures_of(
        self, ledger: Ledger, left: t.Sequence[HostRecord], events_in: t.Callable[[Job], Job]
    ) -> dict[str, HostFailure]:
        """By name, what each of the hosts failed with last. Of each run it is asked once."""
        numbers = {host.failed_in[0].id for host in left}
        for number in sorted(numbers - self._failures.keys()):
            run = ledger.run(number)
            events_in(run.job)
            self._failures[number] = causes(self._client, number, run.summaries or (), MOST_PAGES)
        # What has been overtaken is not asked again.
        self._failures = {number: self._failures[number] for number in numbers}
        found: dict[str, HostFailure] = {}
        for host in left:
            known = self._failures[host.failed_in[0].id]
            failure = next((known[name] for name in host.names if name in known), None)
            if failure is not None:
                found[host.name] = failure
        return found


def _by_summary(host: HostRecord) -> HostFailure:
    """What is known of a failure without an event."""
    return {"unreachable": host.last is HostResult.UNREACHABLE}


def _parked(host: HostRecord, rule: t.Optional[Rule]) -> HostRecord:
    if rule is None or not rule.parks:
        return host
    return replace(host, reach=Reach.PARKED, parked=rule.reason or WITHOUT_REASON)
