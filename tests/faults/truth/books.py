# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of random shape. Pure."""

from __future__ import annotations

import random
import typing as t
from dataclasses import replace

from .shapes import MADE, OUTSIDE, Block, Book, Flush, Included, Part, Play, Step

_VERBS = ("Drain", "Stop", "Update", "Configure", "Migrate", "Start", "Check", "Announce")
_SERIALS: tuple[tuple[int | str, ...], ...] = ((1,), (2,), (1, 2), (3,), ("50%",), ("34%", "100%"))
# What a play may have besides plain steps.
_KINDS = ("once", "once", "block", "include", "handler", "some", "ignored")
# The plays' hosts.
_TARGETS = ("all", "all", "all", "all all", "all all", "web db", "all web", "web all", "web")


def book_of(rng: random.Random, groups: t.Mapping[str, tuple[str, ...]]) -> Book:
    """A playbook of random shape for these hosts."""
    targets = rng.choice(_TARGETS).split()
    if rng.random() < 0.1:
        targets = [*targets, rng.choice(OUTSIDE)]
    plays = [_random_play(rng, number, hosts, groups) for number, hosts in enumerate(targets, 1)]
    if targets[-1] == MADE:
        # Under `free` ansible refuses add_host, so that the job fails for ever.
        plays[-2] = replace(plays[-2], free=False)
    return Book(tuple(plays), groups, as_json=rng.random() < 0.1)


def _random_play(rng: random.Random, number: int, hosts: str, groups: t.Mapping[str, tuple[str, ...]]) -> Play:
    if hosts in OUTSIDE:
        return Play(f"Play {number}", hosts, (Step(f"Report{number}", "Report"),))
    names = [name for group, members in sorted(groups.items()) if hosts in ("all", group) for name in members]
    free = rng.random() < 0.1
    fatal = rng.random() < 0.35
    verbs = iter(rng.sample(_VERBS, len(_VERBS)))

    def step(**keywords: t.Any) -> Step:
        verb = next(verbs)
        return Step(f"{verb}{number}", verb, **keywords)

    parts: list[Part] = [step() for _number in range(rng.randint(2, 4))]
    handlers: tuple[Step, ...] = ()
    for kind in rng.sample(_KINDS, rng.choice((0, 1, 1, 2, 2))):
        place = rng.randint(0, len(parts))
        if kind == "once" and not free:
            parts.insert(place, step(once=True))
        elif kind == "block":
            parts[place : place + 1] = [_block(rng, step, number)]
        elif kind == "include":
            only = tuple(sorted(rng.sample(names, rng.randint(1, len(names))))) if rng.random() < 0.4 else ()
            parts.insert(place, Included(f"more{number}.yml", (Step(f"More{number}", "More"),), only))
        elif kind == "handler":
            parts.insert(place, step(notifies="Restart"))
            handlers = (Step(f"Restart{number}", "Restart"),)
            if rng.random() < 0.3:
                parts.insert(rng.randint(place + 1, len(parts)), Flush())
        elif kind == "some":
            parts.insert(place, step(only=tuple(sorted(rng.sample(names, rng.randint(1, len(names)))))))
        elif kind == "ignored":
            parts.insert(place, step(ignored=True))
    return Play(
        name=f"Play {number}",
        hosts=hosts,
        parts=tuple(parts),
        handlers=handlers,
        post=(Step(f"Enable{number}", "Enable"),) if rng.random() < 0.15 else (),
        serial=rng.choice(_SERIALS) if rng.random() < 0.5 else (),
        any_errors_fatal=fatal,
        max_fail_percentage=rng.choice((0, 20, 34, 50)) if not fatal and rng.random() < 0.25 else None,
        free=free,
    )


def _block(rng: random.Random, step: t.Callable[[], Step], number: int) -> Block:
    rescued, cleaned = rng.choice(((True, False), (False, True), (True, True)))
    return Block(
        (step(),),
        (Step(f"Repair{number}", "Repair"),) if rescued else (),
        (Step(f"Clean{number}", "Clean"),) if cleaned else (),
    )
