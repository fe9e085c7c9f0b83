# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run started, told by its job events as data. Private to this collection."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

from .host_patterns import terms

PLAY_START = "playbook_on_play_start"
TASK_START = "playbook_on_task_start"
INCLUDE = "playbook_on_include"
NONE_REMAIN = "playbook_on_no_hosts_remaining"
# What is asked of a run: no results, whose number grows with that of the hosts.
START_EVENTS = (PLAY_START, TASK_START, INCLUDE, NONE_REMAIN)
STATISTICS = "playbook_on_stats"
UNREACHABLE = "runner_on_unreachable"
FAILURE_EVENTS = ("runner_on_failed", UNREACHABLE)
PASSED_EVENTS = ("runner_on_ok", "runner_on_skipped")
RESULT_EVENTS = (*PASSED_EVENTS, *FAILURE_EVENTS)

# What ansible calls the task by which a play gathers facts.
GATHERING = "Gathering Facts"

# A task's name and path.
Key = tuple[str, str]


class StartKind(Enum):
    """What was started. ``NONE_REMAIN`` is nothing that starts: ``max_fail_percentage`` stopped the batch there."""

    PLAY = "play"
    TASK = "task"
    META = "meta"
    HANDLER = "handler"
    INCLUDE = "include"
    NONE_REMAIN = "none remain"


@dataclass(frozen=True)
class Start:
    """The start of a play, a batch of it, a task, a handler, or an included file.

    :param uuid: of a play or task, the same in all batches and for all hosts: ansible-runner's ``_2`` is left out.
    :param path: of a task its file and line; of an included file the file, or the name of a role.
    :param pattern: of a play, the hosts it is for.
    :param adds_hosts: of a task, whether it adds hosts to the inventory in memory, which no limit holds.
    """

    kind: StartKind
    counter: int
    uuid: str
    name: str
    path: str = ""
    pattern: str = ""
    adds_hosts: bool = False

    @classmethod
    def of(cls, event: t.Mapping[str, t.Any]) -> Start:
        """From a job event (recorded: end-of-play-include-loop-last-aef-starts)."""
        data = event.get("event_data") or {}
        kind = _kind(str(event.get("event")), data)
        name = "play" if kind is StartKind.PLAY else "task"
        return cls(
            kind=kind,
            counter=int(event.get("counter") or 0),
            uuid=without_suffix(event.get("uuid")),
            name=str(event.get(name) or data.get(name) or ""),
            path=str(data.get("included_file" if kind is StartKind.INCLUDE else "task_path") or ""),
            pattern=str(data.get("play_pattern") or ""),
            adds_hosts=_action(data) == "add_host",
        )

    @property
    def is_task(self) -> bool:
        """Whether it is that of a task or handler, which has results."""
        return self.kind in (StartKind.TASK, StartKind.HANDLER)

    @property
    def key(self) -> Key:
        """By what it is known again in another run; all tasks of a playbook in JSON have the same path."""
        return (self.name, self.path)


# What an event alone tells.
_BY_EVENT = {PLAY_START: StartKind.PLAY, INCLUDE: StartKind.INCLUDE, NONE_REMAIN: StartKind.NONE_REMAIN}


def _kind(event: str, data: t.Mapping[str, t.Any]) -> StartKind:
    """Handlers start with the event of a task, and say that they are conditional."""
    if event in _BY_EVENT:
        return _BY_EVENT[event]
    if data.get("is_conditional"):
        return StartKind.HANDLER
    return StartKind.META if _action(data) == "meta" else StartKind.TASK


def _action(data: t.Mapping[str, t.Any]) -> str:
    return str(data.get("task_action")).rpartition(".")[2]


def without_suffix(uuid: t.Any) -> str:
    """A uuid without the ``_2`` of what starts again, by which results refer to their task."""
    return str(uuid or "").partition("_")[0]


@dataclass(frozen=True)
class Failure:
    """A result that made a host fail, or would have without a rescue."""

    counter: int
    task_uuid: str
    host: str
    unreachable: bool = False

    @classmethod
    def of(cls, event: t.Mapping[str, t.Any]) -> Failure:
        """From a job event (recorded: get-events-failed)."""
        data = event.get("event_data") or {}
        host = str(event.get("host_name") or data.get("host") or "")
        counter, task_uuid = int(event.get("counter") or 0), without_suffix(event.get("parent_uuid"))
        return cls(counter, task_uuid, host, unreachable=event.get("event") == UNREACHABLE)


@dataclass(frozen=True)
class Failures:
    """Failures of a run, newest first; ``whole`` where these are all."""

    newest: tuple[Failure, ...]
    whole: bool


@dataclass(frozen=True)
class Batch:
    """A part of a play's hosts, or all of them, with what was started for it; without ``serial`` there is one a play.

    :param end: the counter of the next batch's start; None of the last one.
    """

    play: Start
    starts: tuple[Start, ...]
    end: t.Optional[int]

    @cached_property
    def tasks(self) -> tuple[Start, ...]:
        """Without handlers and meta tasks."""
        return tuple(start for start in self.starts if start.kind is StartKind.TASK)

    @cached_property
    def copies(self) -> Counter[Key]:
        """How often each task and handler was started, other than for further hosts: included again, for instance.

        Facts come first, and are not gathered where they are known: a batch without them was not stopped for that.
        """
        started = {(start.key, start.uuid) for start in self.starts if start.is_task and start.name != GATHERING}
        return Counter(key for key, _uuid in started)

    @cached_property
    def none_remain(self) -> tuple[int, ...]:
        """The counters of the events by which ``max_fail_percentage`` tells that it stopped the batch."""
        return tuple(start.counter for start in self.starts if start.kind is StartKind.NONE_REMAIN)

    @property
    def handlers(self) -> frozenset[Key]:
        """The handlers that were started after the last task."""
        return frozenset(start.key for start in self._behind_tasks if start.kind is StartKind.HANDLER)

    @property
    def last_metas(self) -> frozenset[Key]:
        """The meta tasks that came last, of which one may have ended the play for the hosts that were left."""
        return frozenset(start.key for start in self._behind_tasks if start.kind is StartKind.META)

    @property
    def _behind_tasks(self) -> list[Start]:
        after = self.tasks[-1].counter if self.tasks else 0
        return [start for start in self.starts if start.counter > after]

    @cached_property
    def included(self) -> t.Mapping[str, int]:
        """How often each file or role was included."""
        return Counter(start.path for start in self.starts if start.kind is StartKind.INCLUDE)

    def entered_all_files(self, empty: t.Collection[str] = ()) -> bool:
        """Whether each included copy of a file or role has had a task started, but for those that have none."""
        return all(path in empty or self.entered(path) >= number for path, number in self.included.items())

    def entered(self, included: str) -> int:
        """How many copies of an included file or role have had a task started."""
        started = {(start.path, start.uuid) for start in self.starts if start.is_task}
        copies = Counter(path for path, _uuid in started if is_of(path, included))
        return max(copies.values(), default=0)

    def holds(self, counter: int) -> bool:
        """Whether an event with this counter is this batch's."""
        return counter > self.play.counter and (self.end is None or counter < self.end)


def is_of(task_path: str, included: str) -> bool:
    """Whether a task stands in an included file, or in a role of this name."""
    file = task_path.rpartition(":")[0]
    if included.startswith("/"):
        return file == included
    # A role of a collection goes by its full name, and stands in a folder with the last part of it; another one, with
    # dots or slashes or without, in one with its name.
    roles = {included, included.rpartition(".")[2]}
    return any(f"/{role}/{part}/" in file for role in roles for part in ("tasks", "handlers"))


@dataclass(frozen=True)
class Started:
    """All that a run started, batch by batch.

    :param hosts: by their names in the run, those that its statistics tell of; None where these were not asked for.
    :param failed: those of them that failed or could not be reached, likewise.
    """

    batches: tuple[Batch, ...] = ()
    hosts: t.Optional[frozenset[str]] = None
    failed: t.Optional[frozenset[str]] = None

    @classmethod
    def of(cls, events: t.Iterable[t.Mapping[str, t.Any]], limit: t.Collection[str] = ()) -> Started:
        """From a run's START_EVENTS, and its STATISTICS where they are wanted, in order of their counters.

        :param limit: the names in the run's. A play for exactly these may be one for ``ansible_limit``, which is for
            others in another run: for all of that.
        """
        parts: list[tuple[Start, list[Start]]] = []
        hosts: t.Optional[frozenset[str]] = None
        failed: t.Optional[frozenset[str]] = None
        for event in events:
            if event.get("event") == STATISTICS:
                hosts, failed = _counted_in(event, _HEADINGS), _counted_in(event, _OF_FAILED)
                continue
            start = Start.of(event)
            if start.kind is StartKind.PLAY:
                of_limit = limit and terms(start.pattern) == limit
                parts.append((replace(start, pattern="all") if of_limit else start, []))
            elif parts:
                parts[-1][1].append(start)
        ends = [play.counter for play, _starts in parts[1:]]
        batches = tuple(Batch(play, tuple(starts), end) for (play, starts), end in zip(parts, [*ends, None]))
        return cls(batches, hosts, failed)

    @cached_property
    def plays(self) -> tuple[Start, ...]:
        """Each play once, in the order of their first starts."""
        return tuple({batch.play.uuid: batch.play for batch in reversed(self.batches)}.values())[::-1]

    def batches_of(self, play: Start) -> tuple[Batch, ...]:
        return tuple(batch for batch in self.batches if batch.play.uuid == play.uuid)

    def keys_in(self, play: Start) -> frozenset[Key]:
        """Of what was started in a play."""
        return frozenset(start.key for batch in self.batches_of(play) for start in batch.starts if start.is_task)

    def task(self, uuid: str) -> t.Optional[tuple[Start, Start]]:
        """The play and the first start of a task."""
        for batch in self.batches:
            for start in batch.starts:
                if start.uuid == uuid and start.kind is not StartKind.INCLUDE:
                    return batch.play, start
        return None

    def names(self) -> dict[str, set[str]]:
        """The names that the tasks of each path have."""
        names: dict[str, set[str]] = {}
        for batch in self.batches:
            for start in batch.starts:
                names.setdefault(start.path, set()).add(start.name)
        return names

    def beyond(self, other: Started) -> bool:
        """Whether anything was started here that another run of the same playbook did not start."""
        ours, theirs = alike(self, other)
        if len(ours.plays) > len(theirs.plays):
            return True
        plays = zip(ours.plays, theirs.plays)
        courses = ((Course(ours.batches_of(one)), Course(theirs.batches_of(two))) for one, two in plays)
        return any(one.copies - two.copies for one, two in courses)


# Of statistics; there are the artifacts of set_stats beside them.
_OF_FAILED = ("failures", "dark")
_HEADINGS = ("processed", "ok", "changed", "skipped", *_OF_FAILED, "rescued", "ignored")


def _counted_in(event: t.Mapping[str, t.Any], headings: t.Sequence[str]) -> frozenset[str]:
    """The hosts of which statistics tell, each under one heading or several (recorded: get-events-stats)."""
    data = event.get("event_data") or {}
    return frozenset(str(name) for heading in headings for name in data.get(heading) or ())


class Course:
    """What there is to do in a play, as far as some batches of it tell.

    :ivar copies: how often each task and handler was started in a batch, at most.
    :ivar tasks: the keys that are ordinary tasks.
    :ivar handlers: those that ran after the last task.
    :ivar files: those that were included, and roles by their names.
    :ivar empty: those of them in which nothing was ever started: without a task, or with what they import alone.
    :ivar last: the last task.
    :ivar last_metas: the meta tasks behind the last task; behind these may lie more.
    """

    def __init__(self, batches: t.Sequence[Batch]) -> None:
        self.copies: Counter[Key] = Counter()
        for batch in batches:
            # Of each the larger number.
            self.copies |= batch.copies
        self.tasks = frozenset(start.key for batch in batches for start in batch.tasks)
        self.handlers = frozenset[Key]().union(*(batch.handlers for batch in batches))
        self.files = frozenset[str]().union(*(batch.included for batch in batches))
        self.empty = frozenset(file for file in self.files if not any(batch.entered(file) for batch in batches))
        fullest = max(batches, key=lambda batch: len(batch.tasks), default=None)
        self.last = fullest.tasks[-1].key if fullest and fullest.tasks else None
        self.last_metas = fullest.last_metas if fullest else frozenset[Key]()


def alike(run: Started, measure: Started) -> tuple[Started, Started]:
    """Both, with tasks nameless whose name differs and whose path is enough: a name may hold that of the first host."""
    ours, theirs = run.names(), measure.names()
    differing = {path for path, names in ours.items() if path in theirs and theirs[path] != names}
    nameless = {path for path in differing if all(_names_once(started, path) for started in (run, measure))}
    if not nameless:
        return run, measure
    return _without_names(run, nameless), _without_names(measure, nameless)


def _names_once(started: Started, path: str) -> bool:
    """Whether no batch has tasks of several names there."""
    return all(len({start.name for start in batch.starts if start.path == path}) <= 1 for batch in started.batches)


def _without_names(started: Started, paths: t.Collection[str]) -> Started:
    def nameless(start: Start) -> Start:
        return replace(start, name="") if start.path in paths else start

    return Started(
        tuple(replace(batch, starts=tuple(nameless(start) for start in batch.starts)) for batch in started.batches)
    )
