# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of many failed jobs still matters. Pure; nothing is asked or sent here."""

from __future__ import annotations

import typing as t

from .._api.jobs import Job
from .._launch.refusals import not_startable
from .._work.history import History, same_limit

WORKFLOW = "workflow"


def left_alone(job: Job) -> str:
    """Why a job is not relaunched whatever has become of its work; empty where nothing speaks against it."""
    workflow = job.summary("source_workflow_job")
    # A slice belongs to a workflow job too, but relaunches by itself (recorded: slices-job-post-failed).
    if job.facts.get("launch_type") == WORKFLOW and job.facts.get("job_slice_count", 1) <= 1:
        name = f" {workflow['id']} ({workflow.get('name')})" if workflow else ""
        return (
            f"It is a node of workflow job{name}, which relaunching it would not resume. Relaunch the workflow "
            "instead, or this job by itself with job_relaunch."
        )
    if job.passwords_needed:
        return (
            f"It needs passwords: {', '.join(job.passwords_needed)}. Relaunch it with job_relaunch and "
            "credential_passwords."
        )
    return "" if job.startable else not_startable(job)


def stand_ins(
    jobs: t.Iterable[Job], same_work: t.Callable[[Job, Job], bool], knows_hosts: t.Callable[[Job], bool]
) -> dict[int, Job]:
    """Of several jobs of the same work, one after another, the newest stands for all.

    Where it does not know its failed hosts, the newest that does: that is the base of what has to be done.

    :param same_work: whether the second job is the same work as the first; it may ask.
    :param knows_hosts: whether a job has statistics.
    :returns: by the number of a job that another one stands for, that one.
    """
    rows: list[list[Job]] = []
    for job in sorted(jobs, key=lambda job: job.id):
        for row in rows:
            last = row[-1]
            if job.created > last.finished and same_limit(last, job) and same_work(last, job):
                row.append(job)
                break
        else:
            rows.append([job])
    found: dict[int, Job] = {}
    for row in rows:
        chosen = max(row, key=lambda job: (knows_hosts(job), job.id))
        found.update({job.id: chosen for job in row if job is not chosen})
    return found


def taken_over(history: History, others: t.Mapping[int, Job]) -> t.Optional[Job]:
    """The job among others whose relaunch brings about all that is left of a job; None where there is none.

    That is so where the newest word on each host that is left is its failure in one of them.

    :param others: by number, those that will be relaunched, or have been seen to need nothing.
    """
    words = history.words
    if words is None or not words.due:
        return None
    heirs = set()
    for host in words.due:
        later = (one.job.id for one in reversed(history.relaunches) if host.id in one.failed_ids)
        failed_in = next(later, host.failed_in[0])
        if failed_in not in others or failed_in == history.source.id:
            return None
        heirs.add(failed_in)
    return others[max(heirs)]
