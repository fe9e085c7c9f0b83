# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver of one sequence: it asks and waits at once. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api.client import ControllerClient
from .._api.jobs import Job
from .._launch.asks import Ask, EndOf, JobsAfter, Pause, Steps, T
from .._launch.waiting import Watch
from .._work.runs import runs_query


def newer_jobs(client: ControllerClient, ask: JobsAfter) -> list[Job]:
    """The newer jobs of a job's template, or workflow jobs that a query finds, oldest first.

    :raises ControllerError: they could not be read.
    """
    of = runs_query(ask.source) if ask.query is None else ask.query
    query = {**of, "order_by": "id", "id__gt": ask.number}
    return [Job.of(entry) for entry in client.results(ask.kind.path, **query)]


def drive(steps: Steps[T], watch: Watch) -> T:
    """Run a sequence to its end.

    :param watch: the controller, and the time that there is.
    :returns: what it comes to.
    :raises BaseException: what it raises; an interruption of a wait is raised inside of it first.
    """
    answer: t.Any = None
    error: t.Optional[BaseException] = None
    while True:
        try:
            ask = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            return t.cast("T", end.value)
        answer, error = None, None
        try:
            answer = _answer(ask, watch)
        except BaseException as raised:
            error = raised


def _answer(ask: Ask, watch: Watch) -> t.Any:
    if isinstance(ask, JobsAfter):
        return newer_jobs(watch.client, ask)
    if isinstance(ask, EndOf):
        return watch.until_ended(ask.job, ask.ours)
    if isinstance(ask, Pause):
        watch.client.sleep(ask.seconds)
    return None
