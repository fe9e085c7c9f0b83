# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task's case: what is asked for, the time that it has, and what is known of the job and its later relaunches."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._api.client import ControllerClient
from .._api.jobs import Job
from .._api.kinds import JOB
from .._launch.launch import Contest
from .._launch.waiting import Watch
from .._work.decision import ALL, FAILED, needs_history
from .._work.history import (
    Historian,
    History,
    Host,
    candidates,
    same_limit,
)
from .._work.same_work import SameWork
from .options import RelaunchRequest
from .outcome import RelaunchOutcome
from .verdict import Asked


@dataclass
class Memory:
    """What a task that relaunches a job again and again keeps from one time to the next.

    :param history: what the looks so far have settled, so that each asks for what is new only.
    :param healed: by name, the hosts that had succeeded by the last look, each with the number of the job.
    :param passed: since the last time, what was done before the task went on to all hosts.
    """

    history: t.Optional[History] = None
    healed: t.Mapping[str, int] = field(default_factory=dict)
    passed: list[RelaunchOutcome] = field(default_factory=list)

    def keep(self, history: History) -> None:
        """Take in what a look at the failed hosts has found."""
        self.history, words = history.reduced(), history.words
        if words is not None:
            found = [host for host in words.hosts if host.id in words.recovered]
            self.healed = {host.name: words.recovered[host.id].id for host in found}


@dataclass(frozen=True)
class Case:
    """
    :param same_work: compares other jobs with the source.
    :param listed: as of ``Contest``.
    """

    client: ControllerClient
    request: RelaunchRequest
    watch: Watch
    history: History
    same_work: SameWork
    listed: t.Optional[t.Callable[[], list[Job]]] = None
    memory: t.Optional[Memory] = None

    @property
    def source(self) -> Job:
        return self.history.source

    @property
    def base(self) -> Job:
        """The job whose failed hosts are in question."""
        return self.history.words.base if self.history.words else self.source

    @property
    def masked(self) -> str:
        """What is to be said where a relaunch counts as the same work though a secret could not be compared."""
        if not self.history.masked:
            return ""
        return "A secret among its variables could not be compared, since the controller shows none."

    def asked(self, hosts: t.Sequence[str], rest: t.Sequence[str] = ()) -> Asked:
        """What a job that is launched or adopted has to do; no hosts: all of them."""
        job_type = self.request.wish.job_type or self.source.job_type
        return Asked(job_type, self.source.limit_names, frozenset(hosts) or None, frozenset(rest))

    @property
    def contest(self) -> Contest:
        """The relaunches among which callers in the same instant find each other."""
        # They were there before, and the decision has heeded them: a later failure may have taken their success back.
        ended = {relaunch.job.id for relaunch in self.history.relaunches if not relaunch.job.active}

        def is_rival(own: Job, job: Job) -> bool:
            if job.id in ended:
                return False
            if not same_limit(self.source, job):
                whole = same_limit(self.source, own)
                if whole or not own.limit_names <= job.limit_names:
                    return False
            return self.same_work.includes(job)

        return Contest(JOB, candidates(self.source), self.history.newest, is_rival, self.listed)


def look(
    client: ControllerClient,
    request: RelaunchRequest,
    watch: Watch,
    source: Job,
    memory: t.Optional[Memory] = None,
) -> Case:
    """The case as it is now, asking for as little as the decision needs: for a first relaunch that is one list.

    :param source: in detail.
    :param memory: of earlier looks at the same job.
    :raises ControllerError: it could not be read.
    """
    wish = request.wish
    same_work = SameWork(client, source, wish.job_type)
    history = History(source, newest=source.id)
    if needs_history(source, wish):
        before = memory.history if memory else None
        historian = Historian(client, watch, source, same_work, wish.hosts == ALL, wish.fallback_to_all, before)
        history = historian.history(equivalents=not wish.force)
        if memory and wish.hosts == FAILED:
            memory.keep(history)
    return Case(client, request, watch, history, same_work, memory=memory)


def names(hosts: t.Iterable[Host]) -> tuple[str, ...]:
    """Their names of today, sorted."""
    return tuple(sorted(host.name for host in hosts))
