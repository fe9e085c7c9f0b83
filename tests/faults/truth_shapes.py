# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of random shape, as data; and what a host must have passed to have reached the end of one. Pure."""

from __future__ import annotations

import json
import random
import typing as t
from dataclasses import dataclass

import yaml

# Hosts that are in no inventory: that of a play on the controller's own machine, and one that the playbook makes.
LOCALHOST = "localhost"
MADE = "made1"
OUTSIDE = (LOCALHOST, MADE)

_VERBS = ("Drain", "Stop", "Update", "Configure", "Migrate", "Start", "Check", "Announce")
_SERIALS: tuple[tuple[int | str, ...], ...] = ((1,), (2,), (1, 2), (3,), ("50%",), ("34%", "100%"))

# Where the marks are, for a task.
FOLDER = "{{ sandbox_state }}/%s"
_COMMAND = "sh {{ truth }}/step {{ awx_job_id }}"

# What a play may have besides plain steps.
_KINDS = ("once", "once", "block", "include", "handler", "some", "ignored")

# The plays' hosts.
_TARGETS = ("all", "all", "all", "all all", "all all", "web db", "all web", "web all", "web")


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

    def content(self, folder: str) -> str:
        """The playbook's text.

        :param folder: name of the folder of the marks, in ``sandbox_state``.
        """
        plays = [_play(play, FOLDER % folder) for play in self.plays]
        if any(play.hosts == MADE for play in self.plays):
            # So that it belongs to no other play, it is in no group but its own.
            host = {"name": MADE, "groups": MADE, "ansible_connection": "local"}
            plays[-2]["tasks"].append({"name": "Make a host", "ansible.builtin.add_host": host, "changed_when": False})
        return f"{json.dumps(plays)}\n" if self.as_json else yaml.safe_dump(plays, sort_keys=False, width=1000)

    def files(self) -> dict[str, str]:
        """What is included, by name."""
        parts = [part for play in self.plays for part in play.parts if isinstance(part, Included)]
        return {part.file: yaml.safe_dump([_task(step) for step in part.steps], width=1000) for part in parts}


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


def _play(play: Play, folder: str) -> dict[str, t.Any]:
    keywords: dict[str, t.Any] = {"name": play.name, "hosts": play.hosts, "gather_facts": False}
    keywords["vars"] = {"truth": folder}
    if play.serial:
        keywords["serial"] = list(play.serial) if len(play.serial) > 1 else play.serial[0]
    if play.any_errors_fatal:
        keywords["any_errors_fatal"] = True
    if play.max_fail_percentage is not None:
        keywords["max_fail_percentage"] = play.max_fail_percentage
    if play.free:
        keywords["strategy"] = "free"
    if play.hosts == LOCALHOST:
        keywords["connection"] = "local"
    keywords["tasks"] = [_part(part) for part in play.parts]
    if play.post:
        keywords["post_tasks"] = [_task(step) for step in play.post]
    if play.handlers:
        keywords["handlers"] = [_task(handler) for handler in play.handlers]
    return keywords


def _part(part: Part) -> dict[str, t.Any]:
    if isinstance(part, Step):
        return _task(part)
    if isinstance(part, Flush):
        return {"name": "Handlers now", "ansible.builtin.meta": "flush_handlers"}
    if isinstance(part, Included):
        task = {"name": f"Include {part.file}", "ansible.builtin.include_tasks": "{{ truth }}/" + part.file}
        return {**task, **({"when": _is_one_of(part.only)} if part.only else {})}
    sections = {"block": part.body, "rescue": part.rescue, "always": part.always}
    return {name: [_task(step) for step in steps] for name, steps in sections.items() if steps}


def _task(step: Step) -> dict[str, t.Any]:
    task: dict[str, t.Any] = {
        "name": step.name,
        "ansible.builtin.raw": f"{_COMMAND} {step.key} {{{{ inventory_hostname }}}}",
        "changed_when": bool(step.notifies),
    }
    if step.only:
        task["when"] = _is_one_of(step.only)
    if step.once:
        task["run_once"] = True
    if step.ignored:
        task["ignore_errors"] = True
    if step.notifies:
        task["notify"] = step.notifies
    return task


def _is_one_of(hosts: t.Iterable[str]) -> str:
    return f"inventory_hostname in {list(hosts)}"


def book_of(rng: random.Random, groups: t.Mapping[str, tuple[str, ...]]) -> Book:
    """A playbook of random shape for these hosts."""
    targets = rng.choice(_TARGETS).split()
    if rng.random() < 0.1:
        targets = [*targets, rng.choice(OUTSIDE)]
    plays = tuple(_random_play(rng, number, hosts, groups) for number, hosts in enumerate(targets, 1))
    return Book(plays, groups, as_json=rng.random() < 0.1)


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
    for kind in rng.sample(
        ("once", "once", "block", "include", "handler", "some", "ignored"), rng.choice((0, 1, 1, 2, 2))
    ):
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
