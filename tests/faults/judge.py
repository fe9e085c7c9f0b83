# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong: was each host's work done by its newest run, and does what the task reported agree? Pure."""

from __future__ import annotations

import collections
import enum
import json
import re
import typing as t
from dataclasses import dataclass, field

from .records import FINAL, Job, Records


class Kind(enum.Enum):
    """What can be wrong, by the heading in the table."""

    DOUBLE = "double launches"
    SECOND_POST = "second POSTs"
    LOST = "lost launches"
    FALSE = "false verdicts"
    DIED = "died waits"
    NEEDLESS = "needless failures"
    SECRET = "secrets seen"
    CROWDED = "over at_once"


# Within so many seconds a job is canceled that has to give way.
SOON = 2.0
# How a message names the job that its source was relaunched instead of.
FORBIDDEN = re.compile(r"job (\d+) may not be relaunched by this user")


@dataclass(frozen=True)
class Verdict:
    """One thing that is wrong, and why."""

    kind: Kind
    why: str


@dataclass(frozen=True)
class Request:
    """A request that the sandbox saw.

    :param caller: by which name it called the sandbox.
    :param status: None where it was not answered.
    :param fault: the rule it met.
    :param answered: when the sandbox was done with it.
    :param query: what it filtered by, decoded.
    """

    time: float
    method: str
    path: str
    status: int | None
    fault: t.Mapping[str, t.Any] | None = None
    caller: str = ""
    answered: float | None = None
    query: str = ""

    @property
    def looks(self) -> bool:
        """Whether it may show jobs that others have launched since: lists of older or of numbered jobs do not."""
        listed = self.method == "GET" and self.path.endswith("/jobs/")
        return listed and "id__lt=" not in self.query and "id__in=" not in self.query

    @property
    def launches(self) -> bool:
        return self.method == "POST" and self.path.endswith("/relaunch/")

    @property
    def disturbed(self) -> bool:
        return self.fault is not None and self.fault["kind"] != "act"

    @property
    def refused(self) -> bool:
        """Whether it was definitely declined: by the controller in its own words, or by whoever throttles."""
        if self.status is None or not 400 <= self.status < 500:
            return False
        if self.status == 429:
            return True
        fault = self.fault or {"kind": "slow"}
        return fault["kind"] in ("slow", "act") or isinstance(fault.get("body"), dict)

    @property
    def works(self) -> bool:
        """Whether its work may have been done."""
        fault = self.fault or {"kind": "act"}
        undone = fault["kind"] not in ("slow", "act") and fault.get("when") == "before"
        return not self.refused and not undone

    @property
    def works_at(self) -> float:
        """When its work is done, if it is."""
        fault = self.fault or {}
        late = fault.get("kind") == "slow" and fault.get("when") == "before"
        return self.time + (float(fault.get("delay", 1.0)) if late else 0.0)


@dataclass(frozen=True)
class Run:
    """One run of the task.

    :param result: what it reported: ``changed`` (None: it makes no claim), ``failed``, ``id``, ``status``, ...; None if
        it reported nothing that can be read.
    :param output: all that it wrote.
    :param caller: by which name it called the sandbox.
    :param broken_off: whether a signal ended it.
    """

    started: float
    ended: float
    result: t.Mapping[str, t.Any] | None
    output: str = ""
    caller: str = ""
    broken_off: bool = False


@dataclass(frozen=True)
class Facts:
    """What happened in a scenario, once all has settled.

    :param hosts: the task's option, and likewise ``wait``.
    :param callers: the users who run the task; all others' jobs are no concern of it.
    :param before: the numbers of the jobs that were there before.
    :param restarts: when the controller was restarted. A request on its way just then is seen by nobody.
    :param proxied: whether a proxy stood between, which may lose what the controller answers.
    :param secrets: what no output may show.
    """

    hosts: str
    wait: bool
    runs: tuple[Run, ...]
    requests: tuple[Request, ...]
    records: Records
    callers: frozenset[str] = frozenset({"admin"})
    before: frozenset[int] = frozenset()
    restarts: tuple[float, ...] = ()
    proxied: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def of_run(self, run: Run) -> list[Request]:
        """The requests of a run."""
        return [one for one in self.requests if one.caller == run.caller and run.started <= one.time <= run.ended]

    def posts(self, run: Run) -> list[Request]:
        return [request for request in self.of_run(run) if request.launches]

    def may_have_posted(self, run: Run) -> bool:
        """Whether a run may have sent a POST, seen or not."""
        restarted = any(run.started <= restart <= run.ended for restart in self.restarts)
        return restarted or self.proxied or bool(self.posts(run))


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
    verdicts: list[Verdict] = []
    results = [run.result for run in facts.runs if run.result is not None]
    named = {result.get(key) for result in results for key in ("id", "own_job_id")}
    # A run may find that the one before it launched a job which this user may not relaunch.
    named.update(int(one) for result in results for one in FORBIDDEN.findall(str(result.get("msg"))))
    for number, run in enumerate(facts.runs):
        mine = [job for job in facts.records.jobs if maker.get(job.id) == number]
        found = [
            *((Kind.DOUBLE, why) for job in mine for why in double(facts, run, job)),
            *((Kind.SECOND_POST, why) for why in _second_post(facts, run, mine)),
            *((Kind.LOST, f"job {job.id} is named by no run") for job in mine if job.id not in named),
            *((Kind.SECRET, "it shows a secret") for secret in facts.secrets if secret in run.output),
            *((Kind.FALSE, why) for why in _false(facts, run, mine)),
            *_gave_up(facts, run, mine),
        ]
        verdicts += [Verdict(kind, f"run {number + 1}: {why}") for kind, why in found]
    return verdicts


def made_by(facts: Facts) -> dict[int, int]:
    """Which run made each job: one that says so, else by the POST whose work was done nearest to its creation."""
    posts = [
        (request.works_at, number)
        for number, run in enumerate(facts.runs)
        for request in facts.posts(run)
        if request.works
    ]
    theirs = [job for job in facts.records.jobs if job.creator in facts.callers and job.id not in facts.before]
    maker: dict[int, int] = {}

    def give(job: Job, among: list[tuple[float, int]]) -> None:
        if among:
            nearest = min(among, key=lambda post: abs(post[0] - job.created))
            maker[job.id] = nearest[1]
            posts.remove(nearest)

    for job in theirs:
        give(job, [post for post in posts if _says_it_made(facts.runs[post[1]], job)])
    for job in theirs:
        if job.id not in maker:
            give(job, posts)
    return maker


def _says_it_made(run: Run, job: Job) -> bool:
    result = run.result or {}
    own = result.get("own_job_id", result.get("id") if result.get("changed") else None)
    return own == job.id and run.started <= job.created <= run.ended + 5


def double(facts: Facts, run: Run, job: Job) -> t.Iterator[str]:
    """A job that ran to its end, though there was nothing to do, or another one did it."""
    if not job.ran:
        return
    records, requests = facts.records, facts.of_run(run)
    post = min(facts.posts(run), key=lambda one: abs(one.works_at - job.created))
    looks = [one.time for one in requests if one.looks]
    looked = max((time for time in looks if time < post.time), default=run.started)
    moments = [moment for moment in records.moments(looked, job.created) if moment < job.created]
    if not any(records.needed(job, facts.hosts, moment) for moment in moments):
        yield f"job {job.id} was launched, and ran, though there was nothing to do that was not being done"
        return
    if facts.hosts == "all" and not records.whole(job):
        # The template's limit was edited, which nobody knows before the launch: the task fails, and tells of it.
        return
    if post.disturbed or facts.proxied or run.broken_off:
        # It never knew a number of its own, and what is found by looking may be another's: nobody cancels that. Or it
        # was ended before it could look at others.
        return
    again = _look_again(requests, job.created)
    if again is None:
        return
    for other in records.jobs:
        first = other.id < job.id and records.same_work(other) and other.ran and other.active(job.created)
        # Nobody gives way to one that had ended by then.
        if first and other.active(again) and records.covers(other, job):
            told_of = (run.result or {}).get("own_job_id") == job.id
            if not (told_of and _canceled_too_late(requests, job, again)):
                yield f"job {job.id} ran beside job {other.id}, the same work and made before it"


def _canceled_too_late(requests: t.Iterable[Request], job: Job, again: float) -> bool:
    """Whether it had ended before it could be canceled, by who was told of others at that time."""
    cancels = [one for one in requests if one.path.endswith(f"/jobs/{job.id}/cancel/")]
    in_time = job.over(again + SOON) or any(one.disturbed for one in cancels)
    return in_time and any(one.status == 405 for one in cancels)


def _look_again(requests: t.Iterable[Request], created: float) -> float | None:
    """When a task was told of others, once it had launched: at once if it did not ask; None if nobody answered."""
    looks = [one for one in requests if one.looks and one.time > created]
    if not looks:
        return created
    return next((one.answered or one.time for one in looks if not one.disturbed and one.status == 200), None)


def sent_again(posts: t.Iterable[Request]) -> t.Iterator[str]:
    """Of many launches those that were sent once more, though the ones before had not been refused."""
    by_path = collections.defaultdict(list)
    for post in posts:
        by_path[post.path].append(post)
    for path, several in by_path.items():
        if not all(post.refused for post in several[:-1]):
            yield f"it sent {len(several)} POSTs to {path}, the first ones not refused"


def _second_post(facts: Facts, run: Run, mine: list[Job]) -> t.Iterator[str]:
    posts = facts.posts(run)
    if len(posts) > 1 and not all(request.refused for request in posts[:-1]):
        yield f"it sent {len(posts)} POSTs, the first ones not refused"
    elif len(mine) > 1:
        yield f"it made jobs {[job.id for job in mine]}"


def _false(facts: Facts, run: Run, mine: list[Job]) -> t.Iterator[str]:
    result = run.result
    if result is None:
        yield "it reported nothing"
        return
    said = f"{result.get('msg')}"
    if "which is a defect" in said or "Traceback" in f"{said}{result.get('exception')}":
        yield f"it broke: {said}"
    yield from _false_change(facts, run, mine, result)
    job = facts.records.job(result.get("id"))
    if job is not None:
        yield from false_facts(facts, run, job, result)
    if not result.get("failed"):
        yield from false_success(facts, run, job, result)
    remaining = result.get("remaining_hosts")
    if remaining is not None and not (job is None and result.get("changed")):
        yield from false_remaining(facts, run, job, frozenset(remaining), result)


def _false_change(facts: Facts, run: Run, mine: list[Job], result: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    claimed, changed, own = result.get("id"), result.get("changed"), result.get("own_job_id")
    job = facts.records.job(claimed)
    for made in mine:
        if changed is False and not (own == made.id and made.status == "canceled"):
            yield f"changed is false, but it launched job {made.id}, which was {made.status}"
    if changed and not facts.posts(run) and not (claimed is None and facts.may_have_posted(run)):
        yield "changed is true, but it sent no POST"
    if changed and claimed is None and not result.get("failed"):
        yield "it succeeded with a change, but names no job"
    launched = changed and claimed is not None and own is None and facts.posts(run)
    if launched and (job is None or job.created < launched[0].time):
        yield f"changed is true, but job {claimed} is not what it launched"


def false_facts(facts: Facts, run: Run, job: Job, result: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """What is told of the job that it names."""
    nested = result.get("job")
    if isinstance(nested, dict) and nested.get("id") != job.id:
        yield f"id is {job.id}, job.id {nested.get('id')}"
    status = result.get("status")
    ended = job.over(run.ended)
    if status in FINAL and not (ended and status == job.status):
        yield f"status is {status}, but job {job.id} was {job.status if ended else 'not over'}"
    hosts = result.get("hosts")
    if hosts and result.get("changed") and result.get("own_job_id") is None and frozenset(hosts) != job.limit:
        yield f"hosts is {hosts}, but job {job.id} is limited to {sorted(job.limit)}"
    told = result.get("failed_hosts")
    if told is not None and "report_error" not in result:
        ids = {host.id for host in map(facts.records.host, told) if host is not None}
        if ids != {host for host, failed in job.words.items() if failed} or len(ids) != len(told):
            yield f"failed_hosts is {told}, but of job {job.id} it is {dict(job.words)}"


def false_success(facts: Facts, run: Run, job: Job | None, result: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    records = facts.records
    if job is None:
        yield f"it succeeded, but job {result.get('id')} is none"
        return
    if job.id != records.source.id and not records.same_work(job):
        yield f"it succeeded, but job {job.id} is other work"
    status = result.get("status")
    if status not in FINAL:
        if facts.wait:
            yield f"it succeeded with status {status}, without the end of job {job.id}"
        return
    if not facts.wait and result.get("changed"):
        # That it has launched a job is all that it says.
        return
    # It may not have known of what happened after its last look, but of all that had happened before this one's end.
    start = max(run.started, min(job.finished or run.ended, run.ended))
    moments = records.moments(start, run.ended)
    if facts.hosts == "all" and not any(map(records.all_done, moments)):
        yield f"it succeeded with job {job.id}, but the newest relaunch on all hosts was not successful"
    if facts.hosts == "failed" and "remaining_hosts" not in result and all(map(records.undone, moments)):
        yield f"it succeeded with job {job.id}, but on hosts {sorted(records.undone(run.ended))} it is not done"


def false_remaining(
    facts: Facts, run: Run, job: Job | None, told: frozenset[str], result: t.Mapping[str, t.Any]
) -> t.Iterator[str]:
    """Whether the hosts that are said to remain are those whose newest run failed, and are talked of."""
    records = facts.records
    found = {name: records.host(name) for name in told}
    ids = frozenset(host.id for host in found.values() if host is not None)
    # A host that is deleted stays among them, and one that is deleted meanwhile may be told of or not.
    gone = {host.id for host in records.hosts if host.gone is not None and host.gone <= run.ended}
    # What is left of one is the name that it had in each job.
    there = [host.id for host in found.values() if host is not None and host.id not in gone]
    if None in found.values() or len(ids - gone) != len(there):
        yield f"remaining_hosts is {sorted(told)}, not all of which are hosts"
        return
    waited = facts.wait and job is not None and result.get("status") in FINAL
    start = max(run.started, min((job.finished if job and waited else None) or run.started, run.ended))
    if not any(ids - gone in _may_remain(records, moment, gone) for moment in records.moments(start, run.ended)):
        ending = [sorted(records.undone(moment)) for moment in (start, run.ended)]
        yield f"remaining_hosts is {sorted(told)}, by number {sorted(ids)}, but it was {ending[0]}, then {ending[1]}"
    launched_only = not facts.wait and result.get("changed")
    if result.get("failed") or not ids or result.get("status") not in FINAL or launched_only:
        return
    for name, host in found.items():
        assert host is not None
        if name not in json.dumps(result.get("warnings")):
            yield f"{name} remains, and it succeeded without a warning of it"
        if host.id in gone:
            continue
        if not host.was_out(job.created if job else run.started, run.ended) and not host.was_out(
            run.started, run.ended
        ):
            yield f"{name} remains, and it succeeded, though the host was enabled all the time"


def _may_remain(records: Records, moment: float, gone: t.Collection[int]) -> list[frozenset[int]]:
    """The hosts that are not done, but for those that are gone; where none of them can run, so that no relaunch of them
    will show whether the others went to the end, they may be told with these.
    """
    undone = records.undone(moment).difference(gone)
    can_run = any(host.id in undone and not host.was_out(moment, moment) for host in records.hosts)
    return [undone] if can_run else [undone, undone | records.unproven(moment).difference(gone)]


def _gave_up(facts: Facts, run: Run, mine: list[Job]) -> t.Iterator[tuple[Kind, str]]:
    """A failure although the controller came back, and nothing that it said excuses it."""
    result = run.result
    if result is None or conclusive(result, facts.wait, facts.before):
        return
    requests = facts.of_run(run)
    if incurable(requests) or any(request.launches and request.refused for request in requests):
        return
    if any(request.status == 401 and not request.disturbed for request in requests):
        # Its token had expired.
        return
    if _nothing_to_launch(facts, run, requests, result):
        return
    unknown = bool(result.get("changed", True)) and result.get("id") is None
    if unknown and facts.may_have_posted(run) and all(job.created >= run.ended for job in mine):
        # It could not know: nothing was there to be found as long as it ran.
        return
    yield Kind.DIED if facts.wait else Kind.NEEDLESS, str(result.get("msg"))


def _nothing_to_launch(facts: Facts, run: Run, requests: t.Sequence[Request], result: t.Mapping[str, t.Any]) -> bool:
    """Whether it is right to fail: the same work is active already, no failed host is left, it cannot be known for whom
    the source stopped early, or the template was edited so that it only checks, or has another limit: known by the job
    that it launched, or, of the type, before."""
    records = facts.records
    moments = records.moments(run.started, run.ended)
    job = records.job(result.get("id"))
    if job is not None and job.job_type != records.source.job_type:
        return True
    if job is not None and facts.hosts == "all" and not records.whole(job):
        return True
    if result.get("changed"):
        return False
    if refused_for_type(records, facts.hosts, moments, f"{result.get('msg')}"):
        return True
    early = [one for one in records.jobs if records.same_work(one) and not records.counts(one)]
    if not facts.wait and any(one.active(moment) for one in early for moment in moments):
        return True
    if facts.hosts == "all":
        return False
    return no_host_in_reach(records, requests, moments) or (
        bool(result.get("cut_short")) and end_not_known(records, requests, moments)
    )


def end_not_known(records: Records, requests: t.Iterable[Request], moments: t.Sequence[float]) -> bool:
    """Whether it cannot be known for whom the source stopped before its end. Who may not read the inventory counts its
    hosts, which is out of step where one is deleted meanwhile."""
    deleted = any(
        host.gone is not None and moments[0] < host.gone <= moments[-1] and host.id in records.source.words
        for host in records.hosts
    )
    return any(map(records.end_unseen, moments)) or (deleted and _may_not_read_hosts(requests))


def _may_not_read_hosts(requests: t.Iterable[Request]) -> bool:
    return any(one.status == 403 and not one.disturbed and "/inventories/" in one.path for one in requests)


def refused_for_type(records: Records, hosts: str, moments: t.Iterable[float], said: str) -> bool:
    """Whether a launch was refused, rightly, since the template is of another job type by now: a relaunch had come out
    as that before, and there was something to do that nobody was doing.

    :param hosts: what was asked for, ``all`` or ``failed``.
    :param said: the reason that is told.
    """
    return any(
        records.needed(records.source, hosts, moment)
        and any(f"a relaunch would run as job type {other} by now" in said for other in records.other_types(moment))
        for moment in moments
    )


def no_host_in_reach(records: Records, requests: t.Iterable[Request], moments: t.Iterable[float]) -> bool:
    """Whether no relaunch on failed hosts is to be had for a while. Who may not read the inventory cannot know whether
    a host that was deleted was added again, so that it is no more than missing."""
    may_not_read = _may_not_read_hosts(requests)
    return any(not records.reachable(moment) or (may_not_read and records.all_left_gone(moment)) for moment in moments)


def incurable(requests: t.Iterable[Request]) -> bool:
    """Whether a read got an answer that no patience cures: it tells of a wrong address.

    A redirect, or a page instead of JSON, does so as long as there has been no proper answer; later it is what a proxy
    says while the controller restarts.
    """
    for request in requests:
        if not request.disturbed:
            # What the root says decides where to ask, no more.
            if request.status == 200 and not request.path.endswith("/api/"):
                return False
        elif request.launches:
            continue
        elif (request.fault or {})["kind"] in ("redirect", "html", "empty") or request.status == 404:
            return True
    return False
