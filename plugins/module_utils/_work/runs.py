# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runs of a job's work: the jobs of the same work, whatever launched them. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from functools import cached_property

from .._api.jobs import HostSummary, Job, names_of
from .host_patterns import holds

# What tells a host in one run from the others: its number, or its name where it has no row in the inventory.
HostKey = t.Union[int, str]


@dataclass(frozen=True)
class Run:
    """A run of the work.

    :param whole: it has the source's own limit, so that it does all of the source's work.
    :param summaries: what became of its hosts; None where that was not asked for, or is not known yet.
    :param stopped: the names of then of hosts that did not fail, and for which it ended early all the same; None where
        that was not asked for.
    :param unproven: those of others that did not fail, of which no run shows whether it went to its end on them.
    :param no_groups: names in its limit that are those of hosts, where that was asked for.
    :param only_checked: it is a check run where a run is asked for, so that it has done nothing.
    """

    job: Job
    whole: bool = False
    summaries: t.Optional[tuple[HostSummary, ...]] = None
    stopped: t.Optional[frozenset[str]] = None
    unproven: frozenset[str] = frozenset()
    no_groups: frozenset[str] = frozenset()
    only_checked: bool = False

    def covers(self, names: frozenset[str]) -> bool:
        """Whether a host with these names is in its limit by name, and nothing there may leave it out."""
        limit = self.job.limit_names
        return self.whole or not limit or (bool(names & limit) and self._leaving_out <= names)

    @cached_property
    def _leaving_out(self) -> frozenset[str]:
        """What in its limit may leave hosts out that others there name. A name comes before a pattern."""
        found = frozenset(name for name in self.job.limit_names if name.startswith(("!", "&")))
        return found.difference(self.no_groups, names_of(self.summaries or ())) if found else found

    def runs_on(self, names: frozenset[str]) -> t.Optional[bool]:
        """Whether a host with these names is in its limit, which may be a pattern; None where that is not known."""
        return self.covers(names) or holds(str(self.job.facts["limit"]), names, self.no_groups)

    @property
    def failed_present(self) -> frozenset[str]:
        """The names of its failed hosts that a relaunch on failed hosts reaches."""
        return frozenset(one.name for one in self.summaries or () if one.failed and one.host is not None)

    @property
    def proven(self) -> Run:
        """The same, where a host is done only if a run shows that this one went to its end on it."""
        if self.stopped is None or not self.unproven:
            return self
        return replace(self, stopped=self.stopped | self.unproven, unproven=frozenset())


class Hosts:
    """Which summaries of several runs are about the same host.

    By the number of the host, or of its copy in a constructed inventory. By name where the run had another inventory
    than the source, and where a summary has lost its host or that copy: a host that was deleted and added again is the
    same host.

    :param inventory: the source's.
    :param runs: all that matter.
    """

    def __init__(self, inventory: t.Optional[int], runs: t.Iterable[Run]) -> None:
        self._inventory = inventory
        self._numbers: dict[str, int] = {}
        then: dict[str, int] = {}
        for run in runs:
            for one in run.summaries or ():
                number = self._number(run, one)
                if number is not None:
                    self._numbers[one.name] = number
                    then.setdefault(one.name_then, number)
        self._numbers = {**then, **self._numbers}

    def key(self, run: Run, summary: HostSummary) -> HostKey:
        """What a host is known by."""
        number = self._number(run, summary)
        if number is not None:
            return number
        found = self._numbers.get(summary.name, self._numbers.get(summary.name_then))
        return summary.name if found is None else found

    def keys(self, run: Run) -> dict[str, HostKey]:
        """What the hosts of a run are known by, by the names that they had in it."""
        return {one.name_then: self.key(run, one) for one in run.summaries or ()}

    def _number(self, run: Run, summary: HostSummary) -> t.Optional[int]:
        if run.job.inventory != self._inventory:
            return None
        # A copy goes while the host that it stands for is disabled.
        return summary.constructed_host or (None if run.job.in_constructed_inventory else summary.host)


def runs_query(source: Job) -> dict[str, t.Any]:
    """The query for the jobs among which the runs of a job's work are, whatever launched them.

    ``limit`` would be ignored there, ``extra_vars`` refused. A job whose template is gone is told by the name that it
    had; by nothing it would be all of the controller.
    """
    if source.template is not None:
        return {"order_by": "id", "unified_job_template": source.template}
    return {"order_by": "id", "unified_job_template__isnull": "true", "name": source.facts.get("name")}


def same_limit(source: Job, job: Job) -> bool:
    """Whether both are limited to the same hosts; the order of the names does not matter."""
    return source.limit_names == job.limit_names


def share_limit(one: Job, other: Job) -> bool:
    """Whether two jobs are on some of the same hosts, as far as the names in their limits tell."""
    return not (one.limit_names and other.limit_names) or bool(one.limit_names & other.limit_names)
