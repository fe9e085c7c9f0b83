# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of many failed jobs need a relaunch at all, and in which order jobs of the same work take their turns.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .._api import jobs as _jobs
from .._api.client import ControllerClient
from .._api.errors import OF_ONE_ADDRESS, ControllerError
from .._api.jobs import Job
from .._api.kinds import JOB
from .._api.paging import by_numbers
from .._launch.refusals import not_startable
from .._work.decision import ALL, RelaunchOptions
from .._work.runs import same_limit
from .._work.same_work import Prompts, SameWork, TemplateOrName, template_or_name
from .._work.starts import STATISTICS

# What a job that ended so long ago has not told by now it never will: its events are in after seconds.
LONG_AGO = timedelta(minutes=5)


def is_node(job: Job) -> bool:
    """Whether a job is a node of a workflow. A slice belongs to a workflow job too, but relaunches by itself (recorded:
    slices-job-post-failed).
    """
    return job.facts.get("launch_type") == _jobs.WORKFLOW and not job.sliced


def left_alone(job: Job) -> str:
    """Why a job is not relaunched whatever has become of its work; empty where nothing speaks against it."""
    workflow = job.summary("source_workflow_job")
    if is_node(job):
        name = f" {workflow['id']} ({workflow.get('name')})" if workflow else ""
        return (
            f"It is a node of workflow job{name}, which relaunching it would not resume. Relaunch the workflow "
            f"instead, or this {job.kind.noun} by itself with {job.kind.type}_relaunch."
        )
    if job.passwords_needed:
        return (
            f"It needs passwords: {', '.join(job.passwords_needed)}. Relaunch it with job_relaunch and "
            "credential_passwords."
        )
    return "" if job.startable else not_startable(job)


def in_turns(
    client: ControllerClient,
    jobs: t.Iterable[Job],
    options: RelaunchOptions,
    prompts: Prompts,
    show: t.Callable[[int], None] = lambda _done: None,
) -> tuple[list[list[Job]], dict[int, ControllerError]]:
    """Rows of jobs of the same work, in each of them the newest first.

    :param prompts: what is known of what jobs were launched with; it grows.
    :param show: is shown how many have been compared, before each.
    :returns: they; and by number what was wrong with those that could not be compared, though they had to be.
    :raises ControllerError: the controller does not answer at all.
    """
    rows: list[_Row] = []
    # The same, by template.
    alike: dict[TemplateOrName, list[_Row]] = {}
    sick: dict[int, ControllerError] = {}
    jobs = sorted(jobs, key=lambda job: job.id, reverse=True)
    for job in jobs:
        prompts.note(job)

    def same(row: _Row, job: Job) -> bool:
        while row.jobs:
            try:
                return row.same_work.includes(job)
            except OF_ONE_ADDRESS as error:
                if prompts.knows(row.jobs[0]) or not _jobs.is_of_one_address(client, error):
                    raise
                sick[row.jobs.pop(0).id] = error
                if row.jobs:
                    row.same_work = SameWork(client, row.jobs[0], options.job_type, prompts)
        return False

    for number, job in enumerate(jobs):
        show(number)
        of_template = alike.setdefault(template_or_name(job), [])
        others = (one for one in of_template if one.jobs and (options.hosts != ALL or same_limit(one.jobs[0], job)))
        try:
            row = next((one for one in others if same(one, job)), None)
        except OF_ONE_ADDRESS as error:
            if not _jobs.is_of_one_address(client, error):
                raise
            sick[job.id] = error
            continue
        if row is None:
            rows.append(_Row([job], SameWork(client, job, options.job_type, prompts)))
            of_template.append(rows[-1])
        else:
            row.jobs.append(job)
    prompts.unreadable_known = True
    return [row.jobs for row in rows if row.jobs], sick


@dataclass
class _Row:
    jobs: list[Job]
    same_work: SameWork


def in_detail(
    client: ControllerClient, jobs: t.Sequence[Job], options: RelaunchOptions, now: datetime
) -> tuple[list[Job], dict[int, ControllerError]]:
    """The jobs with whether their events are in, where not all hosts are asked for, and it matters.

    A list does not tell that: asked for only where nothing else tells it. Those without statistics may never have
    begun, which their detail tells too.

    :param now: with its zone.
    :returns: they; and by number what was wrong with those whose detail could not be read.
    :raises ControllerError: the controller does not answer at all.
    """
    if options.hosts == ALL:
        return list(jobs), {}
    ended = [job.id for job in jobs if not job.active and not job.successful]
    # Those with statistics, as ``hosts: failed`` needs them (recorded: batch-stats-filter).
    listed = by_numbers(client.results, JOB.path, "id__in", ended, job_events__event=STATISTICS)
    known = {entry["id"] for entry in listed}
    before = now.astimezone(timezone.utc) - LONG_AGO
    found: list[Job] = []
    sick: dict[int, ControllerError] = {}
    for job in jobs:
        if job.id in known or (not job.active and not job.began and job.finished < before):
            found.append(Job({**job.facts, "event_processing_finished": True}))
        elif job.active or job.successful:
            found.append(job)
        else:
            try:
                found.append(_jobs.get(client, job.id))
            except OF_ONE_ADDRESS as error:
                if not _jobs.is_of_one_address(client, error):
                    raise
                sick[job.id] = error
    return found, sick
