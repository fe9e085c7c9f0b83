# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a sequence waits for: it yields one of these, and its driver sends the answer. Private to this collection.

So one sequence serves a single job, whose driver asks and waits at once, and many side by side, whose driver answers
all their waits and looks together.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._api.jobs import Job
from .._api.kinds import JOB, Kind
from .._work.same_work import SameWork

T = t.TypeVar("T")


@dataclass(frozen=True)
class JobsAfter:
    """A fresh list of the jobs of a job's template, or of workflow jobs. The answer: they, oldest first.

    :param source: whose template it is.
    :param number: only newer ones than this.
    :param same_work: tells which of them need not be in the answer, for good and without asking for anything.
    :param before: the task's own launch, before which they matter; None where all do.
    :param verdict: a verdict on a job that has ended rests on it, and no launch.
    :param query: the filter for them; None for that of the template.
    """

    source: Job
    number: int
    same_work: t.Optional[SameWork] = None
    before: t.Optional[int] = None
    verdict: bool = False
    kind: Kind = JOB
    query: t.Optional[t.Mapping[str, t.Any]] = None


class JobList(list[Job]):
    """Jobs by a list that may have been read before it was asked for.

    :param at: when that was answered, by the client's clock.
    """

    def __init__(self, jobs: t.Iterable[Job], at: float) -> None:
        super().__init__(jobs)
        self.at = at


@dataclass(frozen=True)
class EndOf:
    """The end of a job. The answer: the job, in detail or as a list shows it.

    :param ours: the task has launched it.
    """

    job: Job
    ours: bool = False


@dataclass(frozen=True)
class Pause:
    """So many seconds, and no look before them. There is no answer."""

    seconds: float


@dataclass(frozen=True)
class Room:
    """Room to launch one more job. The answer: whether others were let in before, so that time has passed."""


Ask = t.Union[JobsAfter, EndOf, Pause, Room]
# What asks for these, and comes to a T. An error of the answer is raised where it was asked for.
Steps = t.Generator[Ask, t.Any, T]
