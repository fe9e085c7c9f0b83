# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with what a task about many jobs did with a workflow job that failed: was what remained of it run once,
and honestly told of? Pure.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .judge import Kind, Request, Run, sent_again
from .records import CANCELED, FINAL, SUCCESSFUL

ENTRY = "workflow_job"

# What is known of other runs may be so old at a launch: three seconds, and a request on either side.
FRESH = 4.0

Entry = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class WorkflowJob:
    """A workflow job that ran what remained, or all of it again.

    :param creator: the name of the user.
    :param remainder: whether it ran what remained.
    """

    id: int
    status: str
    created: float
    finished: float | None
    creator: str = "admin"
    remainder: bool = True

    def over(self, moment: float) -> bool:
        return self.finished is not None and self.finished <= moment

    @property
    def ran(self) -> bool:
        """Whether it ran to its end."""
        return self.status in FINAL and self.status != CANCELED


@dataclass(frozen=True)
class Workflow:
    """A selected workflow job, and what came of it.

    :param source: its number.
    :param runs: all that ran again, oldest first.
    """

    source: int
    runs: tuple[WorkflowJob, ...] = ()

    def run(self, number: t.Any) -> WorkflowJob | None:
        return next((run for run in self.runs if run.id == number), None)


def launches(request: Request) -> bool:
    """Whether a request launches a workflow template, as what remains is."""
    return request.method == "POST" and re.search(r"/workflow_job_templates/\d+/launch/$", request.path) is not None


@dataclass(frozen=True)
class OfRun:
    """A run of the task, and what of it is about one workflow job.

    :param entry: what it tells of the workflow job; None where it tells nothing.
    :param requests: all that it sent.
    :param user: who ran it.
    :param wait: whether it was to wait.
    :param calm: whether nothing went wrong between two moments.
    :param known: whether it could know what became of its POSTs.
    """

    run: Run
    entry: Entry | None
    requests: tuple[Request, ...]
    user: str
    wait: bool
    calm: t.Callable[[float, float], bool]
    known: bool = True

    @property
    def posts(self) -> list[Request]:
        return [one for one in self.requests if launches(one)]

    @property
    def refused(self) -> bool:
        """Whether the controller declined a launch, or what a launch needs."""
        return any(one.method == "POST" and one.refused for one in self.requests if "/workflow_job" in one.path)


def made_by(workflow: Workflow, of_runs: t.Sequence[OfRun]) -> dict[int, int]:
    """Which run made each workflow job: of the POSTs of its creator the one whose work was done nearest to it."""
    posts = [(post, number) for number, one in enumerate(of_runs) for post in one.posts if post.works]
    maker: dict[int, int] = {}
    for job in workflow.runs:
        among = [one for one in posts if job.remainder and of_runs[one[1]].user == job.creator]
        nearest = min(among, key=lambda one: abs(one[0].works_at - job.created), default=None)
        if nearest is not None and abs(nearest[0].works_at - job.created) < 5:
            maker[job.id] = nearest[1]
            posts.remove(nearest)
    return maker


def judge(workflow: Workflow, of_runs: t.Sequence[OfRun]) -> t.Iterator[tuple[int, Kind, str]]:
    """All that is wrong, each with the index of the run."""
    maker = made_by(workflow, of_runs)
    for number, one in enumerate(of_runs):
        mine = [job for job in workflow.runs if maker.get(job.id) == number]
        found = [
            *((Kind.DOUBLE, why) for job in mine for why in _double(workflow, one, job)),
            *((Kind.SECOND_POST, why) for why in sent_again(one.posts)),
            *((Kind.LOST, why) for job in mine for why in _lost(one, job, of_runs)),
            *((Kind.FALSE, why) for why in _false(workflow, one)),
        ]
        yield from ((number, kind, f"workflow job {workflow.source}: {why}") for kind, why in found)


def _double(workflow: Workflow, one: OfRun, job: WorkflowJob) -> t.Iterator[str]:
    """It ran to its end, though what remained had succeeded, or beside another one that it had to give way to."""
    if not job.ran:
        return
    others = [other for other in workflow.runs if other.id < job.id and other.ran]
    since = job.created - FRESH if one.calm(job.created - FRESH, job.created) else one.run.started
    for other in others:
        if other.status == SUCCESSFUL and other.over(max(one.run.started, since)):
            yield f"workflow job {job.id} was launched, though {other.id} had been successful"
        elif not other.over(job.created) and other.created < since:
            yield f"workflow job {job.id} was launched, though {other.id} was active"
        elif (
            not other.over(job.created) and other.remainder and _gives_way(one, job) and not other.over(job.created + 1)
        ):
            yield f"workflow job {job.id} ran beside {other.id}, which was made before it"


def _gives_way(one: OfRun, job: WorkflowJob) -> bool:
    """Whether the run knew the number of its own job, and could look at others."""
    post = min(one.posts, key=lambda post: abs(post.works_at - job.created))
    return one.known and not post.disturbed and not one.run.broken_off and one.calm(job.created, job.created + 3)


def _lost(one: OfRun, job: WorkflowJob, of_runs: t.Iterable[OfRun]) -> t.Iterator[str]:
    if job.status == CANCELED or one.run.broken_off:
        return
    if not any(_names(other.entry, job) for other in of_runs):
        yield f"workflow job {job.id} is named by no run"


def _names(entry: Entry | None, job: WorkflowJob) -> bool:
    told = entry or {"msg": ""}
    return told.get("id") == job.id or re.search(rf"\bjob {job.id}\b", told["msg"]) is not None


def _false(workflow: Workflow, one: OfRun) -> t.Iterator[str]:
    entry, end = one.entry, one.run.ended
    if entry is None:
        return
    job = workflow.run(entry.get("id"))
    if entry.get("id") not in (None, workflow.source) and job is None:
        yield f"it names workflow job {entry['id']}, which is none of its runs"
    status = entry.get("status")
    if job is not None and status in FINAL and not (job.over(end) and job.status == status):
        yield f"it was {status}, it says, but workflow job {job.id} was {job.status}"
    well = [other for other in workflow.runs if other.status == SUCCESSFUL and other.over(end)]
    if entry["recovered"] and not well:
        yield "it has recovered, it says, but no run of what remained was successful"
    if not entry["recovered"] and job in well and status == SUCCESSFUL:
        yield f"it has not recovered, it says, but workflow job {job.id if job else None} was successful"


def excuse(workflow: Workflow, of_runs: t.Sequence[OfRun], number: int) -> str | None:
    """Why what became of a workflow job lets a run fail: empty where it is right to, else what is wrong; None where
    it does not.

    :param number: the index of the run.
    """
    one = of_runs[number]
    entry, told = one.entry, f"workflow job {workflow.source}"
    if entry is None or entry["recovered"]:
        return None
    if entry["outcome"] in ("relaunched", "adopted"):
        if entry.get("status") in FINAL:
            # Whether it is true is judged elsewhere.
            return ""
        return f"{told}: it did not wait for the end of {entry.get('id')}: {entry['msg']}" if one.wait else None
    if entry["outcome"] == "lost":
        maker = made_by(workflow, of_runs)
        mine = [job for job in workflow.runs if maker.get(job.id) == number and job.created < one.run.ended]
        return f"{told}: {mine[0].id} was there, but it was not found" if mine else ""
    busy = any(job.created < one.run.ended and not job.over(one.run.started) for job in workflow.runs)
    right = one.refused or "(stop_after)" in entry["msg"] or (busy and not one.wait)
    return "" if right else f"{told}: {entry['msg']}"
