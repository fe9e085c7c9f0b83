# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds in which real playbooks run, to ask whether what is said of them is true: a seed in, a world out. Pure."""

from __future__ import annotations

import dataclasses
import random
import typing as t
from dataclasses import dataclass

from .books import book_of
from .facts import BULK
from .shapes import OUTSIDE, Book

# A step that runs once runs on whichever host is the first then.
ANY = "any"

# How often the world moves in each way; see Move.
_MOVES = {
    "relaunch failed": 4,
    "relaunch all": 4,
    "launch": 3,
    "launch on some": 2,
    "launch other work": 1,
    "disable": 4,
    "enable": 4,
    "delete": 2,
    "add again": 3,
    "edit": 2,
    "inventory": 1,
    "cancel": 1,
}
# How often the source ends by itself, is canceled midway, or before it begins. It is drawn last, so that the other
# properties of a world do not change with this.
SOURCES = (90, 5, 5)
# How many tasks about failed hosts are about the remaining ones instead; drawn by itself, for the same reason.
REMAINING = 0.3
# In how many worlds hosts are renamed; drawn by itself, too.
RENAMED = 0.2
# Those of them that may happen between two requests of a task.
_MEANWHILE = ("relaunch failed", "relaunch all", "launch", "launch on some", "disable", "enable", "cancel", "edit")
MOMENTS = (("list", "after"), ("post", "before"), ("post", "after"), ("poll", "after"))


@dataclass(frozen=True)
class Fault:
    """What goes wrong in a job on a host: at a step, or (``""``) it cannot be reached."""

    step: str
    host: str


@dataclass(frozen=True)
class Move:
    """Something that happens in the world.

    :param what: ``disable``, ``enable``, ``rename``, ``delete`` or ``add again`` a host; another user's ``relaunch
        failed`` or ``relaunch all`` of the source, ``launch`` of the template, ``launch on some`` of the hosts where
        the template asks for its limit, or ``launch other work`` with other variables; ``edit`` the template's
        verbosity; give it another ``inventory`` with hosts of the same names; ``cancel`` the job that the task has
        launched.
    :param host: an index of the world's.
    :param settle: jobs are waited for afterwards.
    :param at: between which two requests of the task; None for before it.
    :param skip: so many such requests pass first.
    """

    what: str
    host: int = 0
    settle: bool = True
    at: tuple[str, str] | None = None
    skip: int = 0


@dataclass(frozen=True)
class Task:
    """What is asked for, each time; see the options of the same names.

    :param by_template: the job is named by its template.
    :param retries: of job_retry.
    :param at_once: of the task about many jobs.
    """

    kind: str
    hosts: t.Literal["all", "failed", "remaining"] = "failed"
    fallback_to_all: bool = False
    by_template: bool = False
    retries: int = 2
    at_once: int = 2


@dataclass(frozen=True)
class World:
    """One try.

    :param launches: how many jobs there are before the first task, the last of which is the source; of many jobs
        all that failed are.
    :param attempts: what fails in the first job, in the second, and so on, whoever launches it; after that nothing.
    :param source: whether the source ran to its end, was ``canceled`` midway, or ``never began`` as it was canceled
        while it was pending.
    :param asks_limit: whether the template asks for its limit.
    :param simultaneous: whether jobs of the template may run beside each other.
    :param rounds: what moves before and during each task; after these tasks nothing fails or moves any more.
    :param enables: hosts that are disabled then are enabled.
    :param player: who runs the tasks.
    """

    seed: int
    hosts: tuple[str, ...]
    book: Book
    launches: int
    attempts: tuple[frozenset[Fault], ...]
    source: t.Literal["ended", "canceled", "never began"]
    asks_limit: bool
    simultaneous: bool
    task: Task
    rounds: tuple[tuple[Move, ...], ...]
    enables: bool
    player: str


def world_of(seed: int) -> World:
    """The world that belongs to a seed."""
    rng = random.Random(f"truth {seed}")
    hosts = tuple(f"web{number}" for number in range(1, rng.randint(3, 6) + 1))
    cut = rng.randint(1, len(hosts) - 1)
    book = book_of(rng, {"web": hosts[:cut], "db": hosts[cut:]})
    task = _task(rng)
    if task.hosts == "failed" and random.Random(f"remaining {seed}").random() < REMAINING:
        task = dataclasses.replace(task, hosts="remaining")
    reference = rng.random() < 0.25
    launches = int(reference) + (rng.choice((1, 2, 2, 3)) if task.kind == BULK else rng.choice((1, 1, 1, 2)))
    attempts = list(_attempts(rng, book, hosts, launches))
    if reference:
        attempts[0] = frozenset()
    rounds = tuple(_moves(rng, hosts) for _number in range(rng.choice((1, 2, 2, 3, 4))))
    rounds = _with_renames(random.Random(f"rename {seed}"), hosts, rounds)
    return World(
        seed=seed,
        hosts=hosts,
        book=book,
        launches=launches,
        attempts=tuple(attempts),
        # That takes the template's limit.
        asks_limit=rng.random() < 0.4 or task.hosts == "remaining",
        simultaneous=rng.random() < 0.7,
        task=task,
        rounds=rounds,
        enables=rng.random() < 0.5,
        player=rng.choice(("admin", "admin", "alice")),
        source=t.cast("t.Any", rng.choices(("ended", "canceled", "never began"), SOURCES)[0]),
    )


def _with_renames(
    rng: random.Random, hosts: t.Sequence[str], rounds: tuple[tuple[Move, ...], ...]
) -> tuple[tuple[Move, ...], ...]:
    """The moves with hosts being renamed too: none that goes by its name alone, since it was added again or has a
    namesake in another inventory.
    """
    moves = [move for moves in rounds for move in moves]
    by_name = {move.host for move in moves if move.what in ("delete", "add again")}
    free = [number for number in range(len(hosts)) if number not in by_name]
    if rng.random() >= RENAMED or not free or any(move.what == "inventory" for move in moves):
        return rounds
    found = list(rounds)
    for _number in range(rng.choice((1, 1, 2))):
        at = _moment(rng)
        skip, place = _skip(rng, at), rng.randrange(len(found))
        found[place] = (Move("rename", rng.choice(free), at=at, skip=skip), *found[place])
    return tuple(found)


def _moment(rng: random.Random) -> tuple[str, str] | None:
    return rng.choice(MOMENTS) if rng.random() < 0.3 else None


def _skip(rng: random.Random, at: tuple[str, str] | None) -> int:
    return rng.randint(0, 3) if at and at[0] in ("list", "poll") else 0


def _task(rng: random.Random) -> Task:
    kind = rng.choice(("job_relaunch", "job_relaunch", "job_relaunch", "job_retry", BULK, BULK))
    return Task(
        kind=kind,
        hosts="all" if kind != "job_retry" and rng.random() < 0.2 else "failed",
        fallback_to_all=rng.random() < 0.5,
        by_template=rng.random() < 0.2,
        retries=rng.choice((1, 2, 2, 3)),
        at_once=rng.choice((1, 2, 5)),
    )


def _attempts(rng: random.Random, book: Book, hosts: t.Sequence[str], launches: int) -> t.Iterator[frozenset[Fault]]:
    """What fails in each job; later mostly hosts that have failed before, since a relaunch is limited to them."""
    failed: set[str] = set()
    for number in range(launches + rng.randint(2, 5)):
        mostly = sorted(failed) if number >= launches and rng.random() < 0.8 else []
        faults = _attempt(rng, book, mostly or hosts, least=1 if number < launches else 0)
        failed |= {fault.host for fault in faults} & set(hosts)
        yield faults


def _attempt(rng: random.Random, book: Book, hosts: t.Sequence[str], least: int) -> frozenset[Fault]:
    faults = set()
    for _number in range(max(least, rng.choice((0, 1, 1, 1, 2, 2)))):
        if rng.random() < 0.08:
            faults.add(Fault("", rng.choice(hosts)))
            continue
        play = rng.choice(book.plays)
        step = rng.choice(play.steps)
        targets = [host for host in (*hosts, *OUTSIDE) if book.targets(play, host) and host in (step.only or (host,))]
        if step.once:
            faults.add(Fault(step.key, ANY))
        elif targets:
            some = rng.sample(targets, min(len(targets), rng.choice((1, 1, 2, 3))))
            faults |= {Fault(step.key, host) for host in some}
    return frozenset(faults)


def _moves(rng: random.Random, hosts: t.Sequence[str]) -> tuple[Move, ...]:
    moves = []
    for _number in range(rng.choice((0, 0, 1, 1, 2))):
        at = _moment(rng)
        what = rng.choices(tuple(_MOVES), tuple(_MOVES.values()))[0]
        if at is not None and what not in _MEANWHILE:
            at = None
        if what == "cancel":
            at = ("post", "after")
        skip = _skip(rng, at)
        moves.append(Move(what, rng.randrange(len(hosts)), rng.random() < 0.8, at, skip))
    return tuple(moves)
