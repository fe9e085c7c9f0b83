# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong: the sandbox's truth and what the task reported in, verdicts out. Pure."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field

FINAL = frozenset({"successful", "failed", "error", "canceled"})


class Kind(enum.Enum):
    """What can be wrong, by the heading in the table."""

    DOUBLE = "double launches"
    SECOND_POST = "second POSTs"
    LOST = "lost launches"
    FALSE = "false reports"
    DIED = "died waits"
    NEEDLESS = "needless failures"


@dataclass(frozen=True)
class Verdict:
    """One thing that is wrong, and why."""

    kind: Kind
    why: str


@dataclass(frozen=True)
class Request:
    """A request that the sandbox saw; ``status`` is None where it was not answered, ``fault`` the rule it met."""

    time: float
    method: str
    path: str
    status: int | None
    fault: t.Mapping[str, t.Any] | None = None

    @property
    def launches(self) -> bool:
        return self.method == "POST" and self.path.endswith("/relaunch/")

    @property
    def refused(self) -> bool:
        """Whether it was definitely declined: by the controller, in its own words."""
        if self.status is None or not 400 <= self.status < 500:
            return False
        return self.fault is None or self.fault["kind"] == "slow" or isinstance(self.fault.get("body"), dict)

    @property
    def works(self) -> bool:
        """Whether its work may have been done."""
        fault = self.fault
        undone = fault is not None and fault["kind"] != "slow" and fault.get("when") == "before"
        return not self.refused and not undone

    @property
    def works_at(self) -> float:
        """When its work is done, if it is."""
        fault = self.fault or {}
        late = fault.get("kind") == "slow" and fault.get("when") == "before"
        return self.time + (float(fault.get("delay", 1.0)) if late else 0.0)


@dataclass(frozen=True)
class Job:
    """A relaunch that the sandbox really made; times in seconds since the epoch."""

    id: int
    status: str
    created: float
    finished: float | None
    limit: frozenset[str] = frozenset()
    failed_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Run:
    """One run of the task.

    :param result: what it reported: ``changed`` (None: it makes no claim), ``failed``, ``id``, ``status``, ...; None if
        it reported nothing that can be read.
    :param output: all that it wrote.
    """

    started: float
    ended: float
    result: t.Mapping[str, t.Any] | None
    output: str = ""


@dataclass(frozen=True)
class Facts:
    """What happened in a scenario, once all has settled.

    :param hosts: the failed hosts that a relaunch must be limited to; None where it is on all.
    :param jobs: the relaunches made, oldest first.
    :param before: the numbers of the jobs that were there before.
    :param restarts: when the controller was restarted. A request on its way just then is seen by nobody.
    :param secrets: what no output may show.
    """

    wait: bool
    hosts: frozenset[str] | None
    runs: tuple[Run, ...]
    requests: tuple[Request, ...]
    jobs: tuple[Job, ...]
    before: frozenset[int] = frozenset()
    restarts: tuple[float, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def of_run(self, run: Run) -> list[Request]:
        """The requests of a run."""
        return [request for request in self.requests if run.started <= request.time <= run.ended]

    def may_have_posted(self, run: Run) -> bool:
        """Whether a run may have sent a POST."""
        restarted = any(run.started <= restart <= run.ended for restart in self.restarts)
        return restarted or any(request.launches for request in self.of_run(run))


def conclusive(result: t.Mapping[str, t.Any] | None, wait: bool, before: t.Container[int]) -> bool:
    """Whether a result leaves nothing to run again for: a success, or the relaunch's own failure.

    :param before: the numbers of the jobs that were there before the task.
    """
    if result is None:
        return False
    relaunched = result.get("id") is not None and result["id"] not in before
    return not result.get("failed") or (wait and relaunched and result.get("status") in FINAL)


def judge(facts: Facts) -> list[Verdict]:
    """All that is wrong."""
    maker = made_by(facts)
    verdicts = list(_double(facts, maker))
    named = {run.result.get("id") for run in facts.runs if run.result is not None}
    verdicts += [
        Verdict(Kind.LOST, f"job {job.id} was launched, and no run of the task names it")
        for job in facts.jobs
        if job.id not in named
    ]
    for number, run in enumerate(facts.runs, 1):
        mine = [job for job in facts.jobs if maker.get(job.id) == number - 1]
        verdicts += [Verdict(Kind.FALSE, f"run {number}: {why}") for why in _false(facts, run, mine)]
        verdicts += [Verdict(kind, f"run {number}: {why}") for kind, why in _gave_up(facts, run, mine)]
    return verdicts


def made_by(facts: Facts) -> dict[int, int]:
    """Which run made each job, by the POST whose work was done nearest to the job's creation."""
    posts = [
        (request.works_at, number)
        for number, run in enumerate(facts.runs)
        for request in facts.of_run(run)
        if request.launches and request.works
    ]
    maker: dict[int, int] = {}
    for job in facts.jobs:
        if posts:
            nearest = min(posts, key=lambda post: abs(post[0] - job.created))
            maker[job.id] = nearest[1]
            posts.remove(nearest)
    return maker


def _double(facts: Facts, maker: t.Mapping[int, int]) -> t.Iterator[Verdict]:
    for index, job in enumerate(facts.jobs):
        for earlier in facts.jobs[:index]:
            again = maker.get(job.id) == maker.get(earlier.id)
            # To relaunch what has failed again by then is what running the task again is for.
            over = earlier.status != "successful" and earlier.finished is not None and earlier.finished <= job.created
            if again or not over:
                state = "by the same run" if again else f"which was not over or {earlier.status}"
                yield Verdict(Kind.DOUBLE, f"job {job.id} was launched after job {earlier.id}, {state}")
    for number, run in enumerate(facts.runs, 1):
        posts = [request for request in facts.of_run(run) if request.launches]
        if len(posts) > 1 and not all(request.refused for request in posts[:-1]):
            yield Verdict(Kind.SECOND_POST, f"run {number} sent {len(posts)} POSTs, the first ones not refused")


def _false(facts: Facts, run: Run, mine: list[Job]) -> t.Iterator[str]:
    result = run.result
    for secret in facts.secrets:
        if secret in run.output:
            yield "it shows a secret"
    if result is None:
        yield "it reported nothing"
        return
    said = f"{result.get('msg')}"
    if "which is a defect" in said or "Traceback" in f"{said}{result.get('exception')}":
        yield f"it broke: {said}"
    claimed, changed, failed = result.get("id"), result.get("changed"), bool(result.get("failed"))
    job = next((job for job in facts.jobs if job.id == claimed), None)
    posts = [request for request in facts.of_run(run) if request.launches]
    if changed is False and mine:
        yield f"changed is false, but it launched job {mine[0].id}"
    if changed and not (posts or (claimed is None and facts.may_have_posted(run))):
        yield "changed is true, but it sent no POST"
    if changed and claimed is None and not failed:
        yield "it succeeded with a change, but names no job"
    if changed and claimed is not None and posts and (job is None or job.created < posts[0].time):
        yield f"changed is true, but job {claimed} is not what it launched"
    if not failed and job is None:
        yield f"it succeeded, but job {claimed} is no relaunch"
    if job is None:
        return
    nested = result.get("job")
    if isinstance(nested, dict) and nested.get("id") != job.id:
        yield f"id is {job.id}, job.id {nested.get('id')}"
    if facts.hosts is not None:
        if job.limit != facts.hosts:
            yield f"job {job.id} is limited to {sorted(job.limit)}, not to {sorted(facts.hosts)}"
        if changed and "hosts" in result and frozenset(result["hosts"]) != job.limit:
            yield f"hosts is {result['hosts']}, but job {job.id} is limited to {sorted(job.limit)}"
    if not facts.wait:
        return
    over_by_then = job.finished is not None and job.finished <= run.ended
    if not failed and not (over_by_then and job.status == "successful"):
        yield f"it succeeded, but job {job.id} was {job.status if over_by_then else 'not over'}"
    status = result.get("status")
    if status in FINAL and not (over_by_then and status == job.status):
        yield f"status is {status}, but job {job.id} was {job.status if over_by_then else 'not over'}"
    if not failed and status not in FINAL:
        yield f"it succeeded with status {status}"
    told = result.get("failed_hosts")
    if told is not None and "report_error" not in result and frozenset(told) != job.failed_hosts:
        yield f"failed_hosts is {told}, not {sorted(job.failed_hosts)}"


def _gave_up(facts: Facts, run: Run, mine: list[Job]) -> t.Iterator[tuple[Kind, str]]:
    """A failure although the controller came back, and nothing that it said excuses it."""
    result = run.result
    if result is None or conclusive(result, facts.wait, facts.before):
        return
    requests = facts.of_run(run)
    if _incurable(requests) or any(request.launches and request.refused for request in requests):
        return
    unknown = bool(result.get("changed", True)) and result.get("id") is None
    if unknown and facts.may_have_posted(run) and all(job.created >= run.ended for job in mine):
        # It could not know: nothing was there to be found as long as it ran.
        return
    yield Kind.DIED if facts.wait else Kind.NEEDLESS, str(result.get("msg"))


def _incurable(requests: t.Iterable[Request]) -> bool:
    """Whether a read got an answer that no patience cures: it tells of a wrong address.

    A redirect, or a page instead of JSON, does so as long as there has been no proper answer; later it is what a proxy
    says while the controller restarts.
    """
    for request in requests:
        kind = (request.fault or {}).get("kind")
        if kind is None:
            # What the root says decides where to ask, no more.
            if request.status == 200 and not request.path.endswith("/api/"):
                return False
        elif request.launches:
            continue
        elif kind in ("redirect", "html", "empty") or request.status == 404:
            return True
    return False
