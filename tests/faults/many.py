# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios of many failed jobs, for bulk_job_relaunch: a seed in, a scenario out. Pure, as scenario.py is."""

from __future__ import annotations

import dataclasses
import random
import typing as t
from dataclasses import dataclass

from .scenario import FIELDS, Break, Ending, Move, Proxy, Round, proxy_of, restart_of, rule_at

if t.TYPE_CHECKING:
    from sandbox.faults import Rule

# How often a fault falls on each kind of request; see PLACES.
_WEIGHTS = {"list": 8, "post": 10, "poll": 2, "summaries": 3, "prompts": 2, "cancel": 1, "events": 1, "me": 2, "any": 3}

# How often the world moves in each way; see Move.
_MOVES = {
    "schedule": 5,
    "launch": 3,
    "relaunch all": 3,
    "relaunch failed": 4,
    "edit": 5,
    "disable": 4,
    "enable": 2,
    "rename": 2,
    "delete": 1,
    "other work": 2,
    "cancel": 2,
    "expire": 1,
}
# Between which two requests of a task something moves, and how many such requests pass first at most.
_MOMENTS = ((("list", "after"), 6), (("post", "before"), 3), (("post", "after"), 3), (("summaries", "before"), 3))
# After which requests somebody else comes to a workflow job: the look at what came of it, and what leads to its launch.
_WORKFLOW_MOMENTS = (
    ("GET", r"/workflow_jobs/$", 0),
    ("GET", r"/workflow_jobs/$", 2),
    ("POST", r"/workflow_job_templates/$", 0),
    ("POST", r"/workflow_job_templates/\d+/launch/$", 0),
)


@dataclass(frozen=True)
class Failed:
    """A job that failed.

    :param on: on these hosts; none: it broke without statistics.
    :param prompted: whether it was launched with prompts, so that it is other work than those without.
    :param running: whether it is running still when the task starts, and ends soon after.
    :param part: of a sliced template, which slice it is, from 1.
    :param cut_short: whether it stopped before it began on any other host.
    """

    on: tuple[str, ...]
    prompted: bool
    running: bool = False
    part: int = 0
    cut_short: bool = False


@dataclass(frozen=True)
class Work:
    """A template, and its failed jobs, oldest first, each of which had ended before the next.

    :param names: the hosts of its inventory.
    :param failing: those of them that may fail.
    :param endings: what becomes of its jobs; see Scenario.
    :param passwords: whether a credential asks for a password, so that its jobs are left to a person.
    :param slices: into how many jobs a launch is cut.
    """

    names: tuple[str, ...]
    failing: tuple[str, ...]
    jobs: tuple[Failed, ...]
    endings: tuple[Ending, ...]
    passwords: bool = False
    slices: int = 1

    def of_slice(self, part: int) -> tuple[str, ...]:
        """The names of the hosts of a slice; of all hosts where there are none."""
        return self.names[max(0, part - 1) :: self.slices]


@dataclass(frozen=True)
class FailedWorkflow:
    """A workflow job that failed.

    :param names: the hosts that its nodes run on.
    :param on: those that a node failed on.
    :param both: whether a node failed in both of its lines.
    :param endings: what becomes of the jobs of its nodes; see Scenario.
    :param by_another: what somebody else does about it: ``relaunch`` all of it, or ``launch`` its template anew.
    :param at: between which requests of the task, by the method, the path and which of them; None for just before it.
    :param rules: the faults that its launch meets.
    """

    names: tuple[str, ...]
    on: tuple[str, ...]
    both: bool
    endings: tuple[Ending, ...]
    by_another: t.Literal["relaunch", "launch"] | None
    at: tuple[str, str, int] | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Many:
    """One try: a task of bulk_job_relaunch about all failed jobs of some templates.

    :param hosts: the task's option; likewise ``wait``, ``at_once`` and ``stop_after``.
    :param selection: the jobs are named by ``ids``, or found in a ``window`` of time.
    :param seconds: how long a job runs.
    :param user: who runs the task.
    :param token: with a token, else with the password.
    :param event_lag: seconds from the end of a job until its events are in.
    :param proxy: what stands between.
    :param works: the templates.
    :param workflow: a workflow job that is selected besides.
    :param rounds: what happens, one after the other.
    """

    seed: int
    hosts: t.Literal["all", "failed"]
    wait: bool
    at_once: int
    stop_after: int | None
    selection: t.Literal["ids", "window"]
    seconds: float
    user: str
    token: bool
    event_lag: float
    proxy: Proxy | None
    works: tuple[Work, ...]
    workflow: FailedWorkflow | None
    rounds: tuple[Round, ...]


def many_of(seed: int) -> Many:
    """The scenario that belongs to a seed."""
    rng = random.Random(f"many {seed}")
    hosts = rng.choice(("failed", "failed", "all"))
    works = tuple(_work(rng, hosts) for _number in range(rng.randint(2, 4)))
    token = rng.random() < 0.6
    jobs = [(work, job) for work in works for job in work.jobs]
    many = Many(
        seed=seed,
        hosts=t.cast("t.Any", hosts),
        wait=rng.random() < 0.8,
        at_once=rng.choice((1, 2, 2, 3, 5)),
        stop_after=rng.choice((None, None, None, None, None, 1, 2)),
        selection=t.cast("t.Any", rng.choice(("ids", "window"))),
        seconds=rng.choice((0.0, 0.3, 0.6, 1.2)),
        user=rng.choice(("admin", "alice")),
        token=token,
        event_lag=rng.choice((0.0, 0.5, 1.0)),
        proxy=None,
        works=works,
        workflow=None,
        rounds=tuple(_round(rng, number, jobs, token) for number in range(rng.choice((1, 1, 2)))),
    )
    return _with_more(random.Random(f"more of many {seed}"), many)


def _with_more(rng: random.Random, many: Many) -> Many:
    """What else there is in a scenario, drawn apart from the rest."""
    proxy = proxy_of(rng)
    works = tuple(_with_more_work(rng, work, many.selection == "ids") for work in many.works)
    of_jobs = [work for work in works for _job in work.jobs]
    rounds = tuple(
        dataclasses.replace(round_, moves=tuple(_that_keeps_hosts(move, of_jobs) for move in round_.moves))
        for round_ in many.rounds
    )
    workflow = _workflow(rng) if rng.random() < 0.25 else None
    if workflow is not None:
        rounds = (dataclasses.replace(rounds[0], rules=(*rounds[0].rules, *workflow.rules)), *rounds[1:])
    return dataclasses.replace(many, proxy=proxy, works=works, workflow=workflow, rounds=rounds)


def _workflow(rng: random.Random) -> FailedWorkflow:
    names = ("web1", "web2")
    endings: tuple[Ending, ...] = ("successful", "successful", "successful", "failed", "error")
    rules = []
    if rng.random() < 0.4:
        rules = [t.cast("Rule", {**rule_at(rng, "post"), "path": r"/workflow_job_templates/\d+/launch/$"})]
    return FailedWorkflow(
        names=names,
        on=rng.choice((names, names[:1])),
        both=rng.random() < 0.4,
        endings=(*rng.choices(endings, k=rng.randint(1, 2)), *(("successful",) if rng.random() < 0.5 else ())),
        by_another=rng.choice(("relaunch", "launch")) if rng.random() < 0.4 else None,
        at=rng.choice((None, *_WORKFLOW_MOMENTS)),
        rules=tuple(rules),
    )


def _with_more_work(rng: random.Random, work: Work, by_ids: bool) -> Work:
    what = rng.choices(("", "passwords", "slices", "running", "cut short"), (55, 7, 13, 12, 13))[0]
    if what == "passwords":
        return dataclasses.replace(work, passwords=True)
    if what == "running" and by_ids and work.jobs[-1].on:
        return dataclasses.replace(work, jobs=(*work.jobs[:-1], dataclasses.replace(work.jobs[-1], running=True)))
    if what == "cut short":
        cut = (dataclasses.replace(job, cut_short=0 < len(job.on) < len(work.names)) for job in work.jobs)
        return dataclasses.replace(work, jobs=tuple(cut))
    if what == "slices" and len(work.names) > 1:
        return _sliced(rng, dataclasses.replace(work, slices=2))
    return work


def _sliced(rng: random.Random, work: Work) -> Work:
    jobs = []
    for job in work.jobs:
        part = rng.randint(1, work.slices)
        names = work.of_slice(part)
        on = tuple(name for name in job.on if name in names) or names[:1]
        jobs.append(dataclasses.replace(job, part=part, on=on if job.on else ()))
    failing = sorted({*work.failing, *(name for job in jobs for name in job.on)})
    return dataclasses.replace(work, jobs=tuple(jobs), failing=tuple(failing))


def _that_keeps_hosts(move: Move, works: t.Sequence[Work]) -> Move:
    """A move of a host changes which hosts are in which slice, so that all slices are other work; and where a job never
    began on a host, it may be one that never should.
    """
    work = works[move.work]
    matters = work.slices > 1 or any(job.cut_short for job in work.jobs)
    moves_host = move.what in ("disable", "enable", "rename", "delete")
    return dataclasses.replace(move, what="launch") if moves_host and matters else move


def _work(rng: random.Random, hosts: str) -> Work:
    names = tuple(f"web{number}" for number in range(1, rng.randint(1, 3) + 1))
    failing = tuple(sorted(rng.sample(names, rng.randint(1, len(names)))))
    jobs = []
    for _number in range(rng.choice((1, 1, 2, 2, 3))):
        broke = rng.random() < 0.15
        failed = tuple(sorted(rng.sample(failing, rng.randint(1, len(failing)))))
        jobs.append(Failed(() if broke else failed, rng.random() < 0.25))
    endings: tuple[Ending, ...] = ("successful", "successful", "successful", "failed", "some", "error")
    return Work(names, failing, tuple(jobs), tuple(rng.choices(endings, k=rng.randint(1, 3))))


def _round(rng: random.Random, number: int, jobs: t.Sequence[tuple[Work, Failed]], token: bool) -> Round:
    before = [_move(rng, jobs, token, False) for _each in range(rng.choice((0, 1, 2)))]
    meanwhile = [_move(rng, jobs, token, True) for _each in range(rng.choice((0, 0, 1, 2)))]
    quiet = number > 0 and rng.random() < 0.5
    broken_off = None
    if rng.random() < 0.2:
        after = rng.choice(("post", "post", "read"))
        most = 4 if after == "post" else 15
        by = rng.choice(("SIGINT", "SIGKILL"))
        broken_off = Break(t.cast("t.Any", after), rng.randint(1, most), t.cast("t.Any", by))
    return Round(
        moves=(*before, *meanwhile),
        rules=() if quiet else _rules(rng),
        restart=None if quiet else restart_of(rng),
        lasting=rng.random() < 0.5,
        twin=rng.choice((0.0, 0.0, 0.1, 0.3)) if rng.random() < 0.15 else None,
        broken_off=broken_off,
    )


def _move(rng: random.Random, jobs: t.Sequence[tuple[Work, Failed]], token: bool, meanwhile: bool) -> Move:
    weights = dict(_MOVES)
    if not token:
        del weights["expire"]
    if not meanwhile:
        del weights["cancel"]
    what = rng.choices(tuple(weights), tuple(weights.values()))[0]
    at, most = rng.choice(_MOMENTS) if meanwhile else (None, 0)
    if what == "cancel":
        # It is the answer to the request before that names the job.
        at = ("post", "after")
    index = rng.randrange(len(jobs))
    return Move(
        what,
        host=rng.randrange(len(jobs[index][0].names)),
        field=rng.choice(FIELDS) if what == "edit" else "",
        settle=not meanwhile and rng.random() < 0.5,
        at=t.cast("t.Any", at),
        skip=rng.randint(0, most),
        work=index,
    )


def _rules(rng: random.Random) -> tuple[Rule, ...]:
    """None to three faults, each on another kind of request, any of which may meet it."""
    places: list[str] = []
    for _number in range(rng.choice((0, 1, 1, 2, 2, 3))):
        left = [place for place in _WEIGHTS if place not in places]
        places += rng.choices(left, [_WEIGHTS[place] for place in left])
    rules = []
    for place in places:
        rule = rule_at(rng, place)
        rule["after_requests"] = rng.choice((0, rng.randint(0, 3), rng.randint(0, 12 if place != "post" else 3)))
        rules.append(rule)
    return tuple(rules)
