# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which job stays where several callers launched the same at once. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api.jobs import CANCELED, Job
from .asks import JobsAfter, Pause, Steps

# Seconds after which a launch shows up at the latest; relaunches do in their order (measured).
LAUNCHES_SHOW = 2.0

IsRival = t.Callable[[Job], bool]


def look_for_rival(newer: JobsAfter, own: Job, is_rival: IsRival) -> Steps[tuple[Job, t.Optional[Job]]]:
    """Look whether an own job, just launched, has to give way to another caller's; as ``first_rival``.

    :param newer: asks for the jobs that may be the same, newer than all known before the launch.
    """
    if not own.is_relaunch:
        yield Pause(LAUNCHES_SHOW)
    now, rival = first_rival((yield newer), own, is_rival)
    if rival is not None and rival.id > own.id:
        # The own one may have shown up in time, and its caller be giving way to that.
        yield Pause(LAUNCHES_SHOW)
        now, rival = first_rival((yield newer), own, is_rival)
    return now, rival


def first_rival(
    newer: t.Sequence[Job], own: Job, is_rival: IsRival, successful_too: bool = False
) -> tuple[Job, t.Optional[Job]]:
    """Whether another caller launched the same in the same instant, and was first.

    There is no lock: of the jobs that several callers made at once the one with the lowest number stays, and each
    caller that sees a lower one cancels its own. (Measured: a job is visible before its 201 is answered.) A launch may
    show up too late for one that relaunched meanwhile, and gives way to that. Nobody gives way to one that has ended: a
    cancel after its success would take that back; nor to one that is being canceled, which may take seconds.

    :param newer: the jobs that are newer than all known before the launch, oldest first.
    :param own: the job that gives way.
    :param is_rival: whether a job does all of what the own one does; it may ask.
    :param successful_too: whether one counts that has been successful meanwhile.
    :returns: the own job as it is now, and the lowest active rival that was first.
    """
    now = next((job for job in newer if job.id == own.id), own)
    first = (job for job in newer if _is_first(job, own))
    stay = (job for job in first if _goes_on(job) or (successful_too and job.successful))
    return now, next(filter(is_rival, stay), None)


def gave_way(job: Job, others: t.Iterable[Job]) -> bool:
    """Whether a job was canceled since one of the same work was active that was first.

    :param others: jobs of this work; it may be among them.
    """
    return job.status == CANCELED and any(
        _is_first(one, job) and (one.active or one.finished > job.created) for one in others
    )


def _goes_on(job: Job) -> bool:
    """Whether a job is active, and not being canceled (recorded: never-began-not-canceled-midway-detail)."""
    return job.active and not job.facts.get("canceled_on")


def _is_first(job: Job, other: Job) -> bool:
    """Whether the caller of another job would have to give way to this one."""
    if job.id <= other.id or other.is_relaunch or not job.is_relaunch:
        return job.id < other.id
    return (job.created - other.created).total_seconds() < LAUNCHES_SHOW
