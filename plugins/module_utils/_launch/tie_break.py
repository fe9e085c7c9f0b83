# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which job stays where several callers launched the same at once. Pure. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api.jobs import CANCELED, Job


def lower_rival(
    newer: t.Sequence[Job], own: Job, is_rival: t.Callable[[Job], bool], successful_too: bool = False
) -> tuple[Job, t.Optional[Job]]:
    """Whether another caller launched the same in the same instant, and was first.

    There is no lock: of the jobs that several callers made at once the one with the lowest number stays, and each
    caller that sees a lower one cancels its own. (Measured: a job is visible before its 201 is answered.) Nobody gives
    way to one that has ended: a cancel after its success would take that back.

    :param newer: the jobs that are newer than all known before the launch, oldest first.
    :param own: the job that gives way to a lower one.
    :param is_rival: whether a job does all of what the own one does; it may ask.
    :param successful_too: whether a lower one counts that has been successful meanwhile.
    :returns: the own job as it is now, and the lowest active rival below it.
    """
    now = next((job for job in newer if job.id == own.id), own)
    lower = (job for job in newer if job.id < own.id and (job.active or (successful_too and job.successful)))
    return now, next(filter(is_rival, lower), None)


def gave_way(job: Job, others: t.Iterable[Job]) -> bool:
    """Whether a job was canceled since an older one of the same work was active.

    :param others: jobs of this work; it may be among them.
    """
    return job.status == CANCELED and any(
        one.id < job.id and (one.active or one.finished > job.created) for one in others
    )
