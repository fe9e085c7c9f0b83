# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job that a task runs in, and those of its template: they are never relaunched by it. Private to this collection.

A recovery that runs by schedule would find its own last run, adopt itself, and wait for ever.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._api import jobs as _jobs
from .._api.client import ControllerClient
from .._api.errors import if_visible
from .._api.jobs import Job
from .._workflow.lineage import workflows_above


@dataclass(frozen=True)
class OwnWork:
    """The job that a task runs in, and what that belongs to.

    :param job: the number of the job that the task runs in; None outside of one.
    :param templates: the numbers of its template, and of those of the workflows whose node it is.
    """

    job: t.Optional[int] = None
    templates: frozenset[int] = frozenset()

    def refusal(self, job: Job) -> str:
        """Why a job is not to be relaunched by this task, as a sentence; empty where it is neither."""
        if job.id == self.job:
            return f"Job {job.id} is the job that this task runs in: it cannot wait for itself."
        if job.template in self.templates:
            return (
                f"It is a {job.kind.noun} of a template that this task runs in, as job {self.job}. Relaunch it with "
                f"{job.kind.type}_relaunch from elsewhere."
            )
        return ""


def read_own_work(client: ControllerClient, number: t.Optional[int]) -> OwnWork:
    """What is known of the job that a task runs in.

    :param number: its number, as the environment tells it.
    :returns: nothing where that is no active job of this controller: then it is a job of another one.
    :raises ControllerError: it could not be asked for.
    """
    if number is None:
        return OwnWork()
    own = if_visible(lambda: _jobs.get(client, number))
    if own is None:
        return OwnWork(number)
    if not own.active:
        return OwnWork()
    # What this user may not see is not selected either.
    templates = {own.template, *(workflow.template for workflow in workflows_above(client, own))}
    return OwnWork(own.id, frozenset(number for number in templates if number is not None))
