# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as data; and what a host must have passed to have reached the end of one. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

# Hosts that are in no inventory: that of a play on the controller's own machine, and one that the playbook makes.
LOCALHOST = "localhost"
MADE = "made1"
OUTSIDE = (LOCALHOST, MADE)


def first_name(host: str) -> str:
    """What a host was called at first: each time it is renamed an x is put behind its name."""
    return host.rstrip("x")


@dataclass(frozen=True)
class Step:
    """A task that leaves a mark where it succeeds, or fails as the world says.

    :param key: names it among all steps of the playbook.
    :param only: the hosts that it is for, by ``when``; none: all.
    :param once: ``run_once``.
    :param ignored: ``ignore_errors``.
    :param notifies: the name of the handler that it always notifies.
    """

    key: str
    name: str
    only: tuple[str, ...] = ()
    once: bool = False
    ignored: bool = False
    notifies: str = ""


@dataclass(frozen=True)
class Block:
    """Steps with ``rescue`` and ``always``, either of which may be empty."""

    body: tuple[Step, ...]
    rescue: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Included:
    """Steps in a file of their own, included when the play gets there.

    :param only: the hosts for which it is included; none: all.
    """

    file: str
    steps: tuple[Step, ...]
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flush:
    """``flush_handlers``."""


Part = Step | Block | Included | Flush


@dataclass(frozen=True)
class Play:
    """One play; see Ansible's keywords of the same names.

    :param hosts: ``all``, a group, or one of OUTSIDE. The play before one on MADE adds that.
    :param post: ``post_tasks``, behind the handlers that the tasks notify.
    """

    name: str
    hosts: str
    parts: tuple[Part, ...]
    handlers: tuple[Step, ...] = ()
    post: tuple[Step, ...] = ()
    serial: tuple[int | str, ...] = ()
    any_errors_fatal: bool = False
    max_fail_percentage: int | None = None
    free: bool = False

    @property
    def steps(self) -> list[Step]:
        """All of them, in the order of the playbook."""
        found: list[Step] = []
        for part in self.parts:
            if isinstance(part, Step):
                found.append(part)
            elif isinstance(part, Block):
                found += [*part.body, *part.rescue, *part.always]
            elif isinstance(part, Included):
                found += part.steps
        return [*found, *self.handlers, *self.post]


@dataclass(frozen=True)
class Book:
    """A playbook.

    :param groups: of its inventory: name to hosts.
    :param as_json: written on one line, so that all tasks have the same path.
    """

    plays: tuple[Play, ...]
    groups: t.Mapping[str, tuple[str, ...]]
    as_json: bool = False

    @property
    def steps(self) -> list[Step]:
        return [step for play in self.plays for step in play.steps]

    def targets(self, play: Play, host: str) -> bool:
        """Whether a play is for a host."""
        if play.hosts in OUTSIDE or host in OUTSIDE:
            return play.hosts == host
        return play.hosts == "all" or host in self.groups[play.hosts]

    def targeted(self, host: str) -> bool:
        return any(self.targets(play, host) for play in self.plays)

    def reached_end(self, host: str, passed: t.Container[str]) -> bool:
        """Whether a host that has passed these steps, in one job, has reached the end of all that there is for it."""
        return self.targeted(host) and all(
            any(all(key in passed for key in way) for way in ways)
            for play in self.plays
            if self.targets(play, host)
            for ways in _needed(play, host)
        )


_Ways = tuple[tuple[str, ...], ...]


def _needed(play: Play, host: str) -> t.Iterator[_Ways]:
    """What a host must have passed in a play: of each of these, all steps of one of the ways."""

    def needed(steps: t.Iterable[Step]) -> tuple[Step, ...]:
        # What runs once is of no host's own, and what may fail without consequence proves nothing.
        return tuple(s for s in steps if not (s.once or s.ignored) and (not s.only or host in s.only))

    seen: list[Step] = list(needed(play.post))
    for part in play.parts:
        if isinstance(part, Step):
            seen += needed([part])
        elif isinstance(part, Included) and (not part.only or host in part.only):
            seen += needed(part.steps)
        elif isinstance(part, Block):
            seen += needed(part.always)
            ways = [needed(part.body), *([needed(part.rescue)] if part.rescue else [])]
            yield tuple(tuple(step.key for step in way) for way in ways)
    notified = {step.notifies for step in seen}
    seen += [handler for handler in play.handlers if handler.name in notified]
    for step in seen:
        yield ((step.key,),)
