# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What truly happened in a world, and what was said of it. Times are seconds, as of time.time()."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass, field

# The task about many jobs, by the name of its module; and all tasks.
BULK = "bulk_job_relaunch"
# What tells what a task about one job will do.
INFO = "job_info"
KINDS = ("job_relaunch", "job_retry", BULK)

FINAL = ("successful", "failed", "error", "canceled")

Result = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Job:
    """A job of the template.

    :param created: when; likewise ``finished`` (None: never), and ``settled``, when its events and counts were in.
    :param creator: who launched it.
    :param limit: names; none for all.
    :param prompts: what it was launched with but for its limit, as text to compare; it tells the same work.
    :param failed: the hosts that its statistics call failed or unreachable, with the numbers of their rows, as far as
        these are there.
    :param summaries: all hosts in its statistics.
    :param ended: the hosts that truly reached the end of the playbook in it, and when.
    :param began: whether it has started any task.
    :param passed: for the story, by host, the steps that left a mark, in their order.
    """

    id: int
    status: str
    created: float
    finished: float | None
    settled: float | None
    creator: str = "admin"
    limit: frozenset[str] = frozenset()
    prompts: str = "{}"
    failed: t.Mapping[str, int | None] = field(default_factory=dict)
    ended: t.Mapping[str, float] = field(default_factory=dict)
    summaries: frozenset[str] = frozenset()
    began: bool = True
    launch_type: str = "relaunch"
    passed: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def known(self, moment: float) -> bool:
        """Whether all about its end could be known at a moment."""
        return self.settled is not None and self.settled <= moment

    def active(self, moment: float) -> bool:
        return self.created <= moment < (math.inf if self.finished is None else self.finished)

    def asked_for(self, host: str) -> bool:
        return not self.limit or host in self.limit


@dataclass(frozen=True)
class Look:
    """The inventory at a moment: of each host its row's number, and whether it is enabled.

    :param inventory: its number; a template may be given another one.
    """

    time: float
    hosts: t.Mapping[str, tuple[int, bool]]
    inventory: int = 0


@dataclass(frozen=True)
class Said:
    """A task, and what it said.

    :param result: as the task's result, ``failed`` and ``msg`` among it; None where it crashed or did not end.
    :param crash: with what.
    :param endless: it did not end within its bound.
    :param calm: nothing fails or moves any more.
    :param moves: for the story.
    :param info: what job_info had said right before it; None where that was not asked, or the world moved since.
    :param infos: the same of a task about many, by the number of the source.
    """

    started: float
    ended: float
    result: Result | None
    crash: str = ""
    endless: bool = False
    calm: bool = False
    moves: tuple[str, ...] = ()
    info: Said | None = None
    infos: t.Mapping[int, Said] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.result is None or bool(self.result.get("failed"))


@dataclass(frozen=True)
class Facts:
    """All of it.

    :param kind: the task's; likewise ``hosts`` and ``fallback_to_all``, its options.
    :param sources: the numbers of the jobs that it was about.
    :param targeted: the hosts that the playbook has something for.
    :param player: who ran the tasks.
    :param jobs: of the template, by number.
    :param looks: oldest first; at least before the first job, and before and after each task.
    """

    kind: str
    hosts: str
    fallback_to_all: bool
    sources: tuple[int, ...]
    targeted: frozenset[str]
    player: str
    jobs: t.Mapping[int, Job]
    looks: tuple[Look, ...]
    tasks: tuple[Said, ...]

    def runs(self, source: Job) -> list[Job]:
        """The source, and the later jobs of the same work, whatever launched them."""
        return [job for number, job in sorted(self.jobs.items()) if number >= source.id and self.same(job, source)]

    def same(self, job: Job, source: Job) -> bool:
        return job.prompts == source.prompts

    def launched(self, task: Said) -> list[Job]:
        """The jobs that a task launched, and that were not canceled in favour of others."""
        return [
            job
            for _number, job in sorted(self.jobs.items())
            if job.creator == self.player and task.started <= job.created <= task.ended and job.status != "canceled"
        ]
