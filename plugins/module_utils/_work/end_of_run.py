# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a failed run ended: for which hosts that did not fail it stopped before the end. Private to this collection.

A failed job says nowhere that it stopped early (``serial``, ``any_errors_fatal``, ``max_fail_percentage``,
``run_once``, a play that lost all of its hosts). It is told by what another run of the same work started, the measure:
a part of the failed run that holds a failure and did not start all that the measure did was stopped there. What no
list of starts can tell is a ``Question``; the answer is given with the next call. Pure; in doubt a host was stopped.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

PLAY_START = "playbook_on_play_start"
TASK_START = "playbook_on_task_start"
INCLUDE = "playbook_on_include"
NONE_REMAIN = "playbook_on_no_hosts_remaining"
# What is asked of a run: no results, whose number grows with that of the hosts.
START_EVENTS = (PLAY_START, TASK_START, INCLUDE, NONE_REMAIN)
UNREACHABLE = "runner_on_unreachable"
FAILURE_EVENTS = ("runner_on_failed", UNREACHABLE)
RESULT_EVENTS = ("runner_on_ok", "runner_on_skipped", *FAILURE_EVENTS)

# A task's name and path.
Key = tuple[str, str]


class Kind(Enum):
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
    """

    kind: Kind
    counter: int
    uuid: str
    name: str
    path: str = ""
    pattern: str = ""

    @classmethod
    def of(cls, event: t.Mapping[str, t.Any]) -> Start:
        """From a job event (recorded: end-of-play-include-loop-last-aef-starts)."""
        data = event.get("event_data") or {}
        kind = _kind(str(event.get("event")), data)
        name = "play" if kind is Kind.PLAY else "task"
        return cls(
            kind=kind,
            counter=int(event.get("counter") or 0),
            uuid=without_suffix(event.get("uuid")),
            name=str(event.get(name) or data.get(name) or ""),
            path=str(data.get("included_file" if kind is Kind.INCLUDE else "task_path") or ""),
            pattern=str(data.get("play_pattern") or ""),
        )

    @property
    def key(self) -> Key:
        """By what it is known again in another run; all tasks of a playbook in JSON have the same path."""
        return (self.name, self.path)


def _kind(event: str, data: t.Mapping[str, t.Any]) -> Kind:
    """Handlers start with the event of a task, and say that they are conditional."""
    if event == PLAY_START:
        return Kind.PLAY
    if event == INCLUDE:
        return Kind.INCLUDE
    if event == NONE_REMAIN:
        return Kind.NONE_REMAIN
    if data.get("is_conditional"):
        return Kind.HANDLER
    return Kind.META if str(data.get("task_action")).rpartition(".")[2] == "meta" else Kind.TASK


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
        return tuple(start for start in self.starts if start.kind is Kind.TASK)

    @cached_property
    def copies(self) -> t.Mapping[Key, int]:
        """How often each task and handler was started, other than for further hosts: included again, for instance."""
        kinds = (Kind.TASK, Kind.HANDLER)
        return Counter(key for key, _uuid in {(start.key, start.uuid) for start in self.starts if start.kind in kinds})

    @property
    def handlers(self) -> frozenset[Key]:
        """The handlers that were started after the last task."""
        after = self.tasks[-1].counter if self.tasks else 0
        return frozenset(start.key for start in self.starts if start.kind is Kind.HANDLER and start.counter > after)

    @property
    def ended_by_meta(self) -> bool:
        """Whether a meta task came last, which may have ended the play for the hosts that were left."""
        after = self.tasks[-1].counter if self.tasks else 0
        return any(start.kind is Kind.META and start.counter > after for start in self.starts)

    @cached_property
    def included(self) -> t.Mapping[str, int]:
        """How often each file or role was included."""
        return Counter(start.path for start in self.starts if start.kind is Kind.INCLUDE)

    @property
    def entered_all_files(self) -> bool:
        """Whether each included copy of a file or role has had a task started."""
        return all(self.entered(path) >= number for path, number in self.included.items())

    def entered(self, included: str) -> int:
        """How many copies of an included file or role have had a task started."""
        started = {(start.path, start.uuid) for start in self.starts if start.kind in (Kind.TASK, Kind.HANDLER)}
        copies = Counter(path for path, _uuid in started if _is_of(path, included))
        return max(copies.values(), default=0)

    def holds(self, counter: int) -> bool:
        """Whether an event with this counter is this batch's."""
        return counter > self.play.counter and (self.end is None or counter < self.end)


def _is_of(task_path: str, included: str) -> bool:
    """Whether a task stands in an included file, or in a role of this name."""
    file = task_path.rpartition(":")[0]
    if "/" in included:
        return file == included
    # A role of a collection goes by its full name, and stands in a folder with the last part of it.
    role = included.rpartition(".")[2]
    return f"/{role}/tasks/" in file or f"/{role}/handlers/" in file


@dataclass(frozen=True)
class Started:
    """All that a run started, batch by batch."""

    batches: tuple[Batch, ...] = ()

    @classmethod
    def of(cls, events: t.Iterable[t.Mapping[str, t.Any]]) -> Started:
        """From a run's START_EVENTS in order of their counters."""
        parts: list[tuple[Start, list[Start]]] = []
        for start in map(Start.of, events):
            if start.kind is Kind.PLAY:
                parts.append((start, []))
            elif parts:
                parts[-1][1].append(start)
        ends = [play.counter for play, _starts in parts[1:]]
        return cls(tuple(Batch(play, tuple(starts), end) for (play, starts), end in zip(parts, [*ends, None])))

    @cached_property
    def plays(self) -> tuple[Start, ...]:
        """Each play once, in the order of their first starts."""
        return tuple({batch.play.uuid: batch.play for batch in reversed(self.batches)}.values())[::-1]

    def batches_of(self, play: Start) -> tuple[Batch, ...]:
        return tuple(batch for batch in self.batches if batch.play.uuid == play.uuid)

    def task(self, uuid: str) -> t.Optional[tuple[Start, Start]]:
        """The play and the first start of a task."""
        for batch in self.batches:
            for start in batch.starts:
                if start.uuid == uuid and start.kind is not Kind.INCLUDE:
                    return batch.play, start
        return None

    @property
    def size(self) -> tuple[int, int]:
        """How far a run got: the plays it began, and the tasks of the fullest batches of each."""
        tasks = (max(len(batch.copies) for batch in self.batches_of(play)) for play in self.plays)
        return len(self.plays), sum(tasks)


@dataclass(frozen=True)
class Course:
    """What there is to do in a play, as far as some batches of it tell.

    :param copies: how often each task and handler was started in a batch, at most.
    :param tasks: the keys that are ordinary tasks.
    :param handlers: those that ran after the last task.
    :param files: those that were included, and roles by their names.
    :param last: the last task.
    :param ended_by_meta: whether more may lie behind the last task.
    """

    copies: t.Mapping[Key, int]
    tasks: frozenset[Key]
    handlers: frozenset[Key]
    files: frozenset[str]
    last: t.Optional[Key]
    ended_by_meta: bool

    @classmethod
    def of(cls, batches: t.Sequence[Batch]) -> Course:
        copies: dict[Key, int] = {}
        for batch in batches:
            for key, number in batch.copies.items():
                copies[key] = max(number, copies.get(key, 0))
        fullest = max(batches, key=lambda batch: len(batch.tasks), default=None)
        return cls(
            copies=copies,
            tasks=frozenset(start.key for batch in batches for start in batch.tasks),
            handlers=frozenset().union(*(batch.handlers for batch in batches)),
            files=frozenset().union(*(batch.included for batch in batches)),
            last=fullest.tasks[-1].key if fullest and fullest.tasks else None,
            ended_by_meta=fullest is not None and fullest.ended_by_meta,
        )


class Question(Enum):
    """What has to be asked before it can be decided."""

    FAILURES = "failures"
    PASSED = "passed"
    WENT_ON = "went_on"


@dataclass(frozen=True)
class Ask:
    """A question, and the task it is about.

    ``PASSED``: have hosts that did not fail a result of this task? ``WENT_ON``: has none of ``hosts`` one?
    """

    question: Question
    task_uuid: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Missed:
    """A play that a host has missed if it is meant for it and took no part.

    :param batches: of the play, as far as they were begun.
    """

    pattern: str
    batches: tuple[Batch, ...]


@dataclass(frozen=True)
class End:
    """How a run ended, of hosts that did not fail.

    :param everyone: all of them were stopped.
    :param stopped: who took part in one of these batches was.
    :param unproven: who took part in one of these may have been; no run shows what lies behind.
    :param unhandled: who took part in one of these and has changed was, since handlers were left out.
    :param missed: who should have taken part in one of these plays and did not, was.
    :param never_begun: whether more batches or plays may have been to come.
    :param open_end: whether no run shows what lies behind the place where it ended.
    """

    everyone: bool = False
    stopped: tuple[Batch, ...] = ()
    unproven: tuple[Batch, ...] = ()
    unhandled: tuple[Batch, ...] = ()
    missed: tuple[Missed, ...] = ()
    never_begun: bool = False
    open_end: bool = False

    @property
    def broke_off(self) -> bool:
        """Whether something lies behind the place where the run ended."""
        plays = any(not missed.batches for missed in self.missed)
        return self.everyone or plays or bool(self.stopped or self.unproven or self.unhandled)


@dataclass(frozen=True)
class Found:
    """What is known of a failed run and its measure.

    :param complete: whether the measure went to its end: it was successful, and ran the same playbook.
    :param failures: of the run; None where they have not been asked for.
    :param answers: to what was asked.
    """

    run: Started
    measure: Started
    complete: bool
    failures: t.Optional[Failures] = None
    answers: t.Mapping[Ask, bool] = field(default_factory=dict)


class _Unanswered(Exception):
    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self.ask = ask


class _Fate(Enum):
    """Of a batch, or rather of its hosts that did not fail."""

    WHOLE = "whole"
    STOPPED = "stopped"
    UNPROVEN = "unproven"
    UNHANDLED = "unhandled"


def decide(found: Found) -> t.Union[End, Ask]:
    """How the run ended, or what to ask first."""
    try:
        return _Judge(found).end()
    except _Unanswered as unanswered:
        return unanswered.ask


class _Judge:
    def __init__(self, found: Found) -> None:
        self._found = found
        self._run = found.run
        self._missing = found.measure.plays[len(found.run.plays) :] if found.complete else ()

    def end(self) -> End:
        if not self._run.batches or not self._same_plays():
            return End(everyone=True, never_begun=True, open_end=not self._found.complete)
        if not self._missing and len(self._run.batches) == 1 and self._plainly_whole(self._run.batches[0]):
            return End(never_begun=True)
        fates = [(batch, self._fate(batch)) for batch in self._run.batches]
        last = self._run.batches[-1]
        broke = bool(self._suspect(last))
        missed = [Missed(play.pattern, ()) for play in self._missing]
        return End(
            stopped=tuple(batch for batch, fate in fates if fate is _Fate.STOPPED),
            unproven=tuple(batch for batch, fate in fates if fate is _Fate.UNPROVEN),
            unhandled=tuple(batch for batch, fate in fates if fate is _Fate.UNHANDLED),
            missed=(*self._left_out(), *missed),
            never_begun=broke or bool(missed),
            open_end=not self._found.complete and broke and fates[-1][1] is not _Fate.WHOLE,
        )

    def _same_plays(self) -> bool:
        """Whether both runs began the same plays, as far as the run got."""
        ours, theirs = self._run.plays, self._found.measure.plays
        if self._found.complete and len(theirs) < len(ours):
            return False
        return all(one.name == other.name for one, other in zip(ours, theirs))

    def _course(self, batch: Batch) -> tuple[Course, bool]:
        """What the measure did in this batch's play, and whether it shows the play's end."""
        number = [play.uuid for play in self._run.plays].index(batch.play.uuid)
        plays = self._found.measure.plays[number : number + 1]
        theirs = [other for play in plays for other in self._found.measure.batches_of(play)]
        course = Course.of(theirs)
        if self._found.complete and course.last:
            return course, True
        return Course.of([*theirs, *self._run.batches_of(batch.play)]), False

    def _plainly_whole(self, batch: Batch) -> bool:
        """Whether the starts alone tell that nothing lies behind them, wherever the last failure was."""
        course, shows_end = self._course(batch)
        return (
            shows_end
            and not course.ended_by_meta
            and all(number == course.copies.get(key) for key, number in batch.copies.items())
            and len(batch.copies) == len(course.copies)
            and course.handlers <= batch.handlers
            and batch.entered_all_files
        )

    def _suspect(self, batch: Batch) -> tuple[int, ...]:
        """Where this batch may have stopped: the counter of its last failure; 0 where that is out of sight."""
        none_remain = [start.counter for start in batch.starts if start.kind is Kind.NONE_REMAIN]
        failures = self._failures()
        found = [failure.counter for failure in failures.newest if batch.holds(failure.counter)][:1] + none_remain
        if found:
            return (max(found),)
        oldest = failures.newest[-1].counter if failures.newest else 0
        return (0,) if not failures.whole and (not failures.newest or batch.play.counter < oldest) else ()

    def _failures(self) -> Failures:
        if self._found.failures is None:
            raise _Unanswered(Ask(Question.FAILURES))
        return self._found.failures

    def _answer(self, question: Question, task_uuid: str, *hosts: str) -> bool:
        ask = Ask(question, task_uuid, hosts)
        if ask not in self._found.answers:
            raise _Unanswered(ask)
        return self._found.answers[ask]

    def _fate(self, batch: Batch) -> _Fate:
        """What stops a batch is a failure in it, or the many before it; else it ended by itself."""
        suspect = self._suspect(batch)
        if not suspect:
            return _Fate.WHOLE
        course, shows_end = self._course(batch)
        if self._lacks_tasks(batch, course) or not batch.entered_all_files:
            return _Fate.STOPPED
        if not shows_end:
            return _Fate.WHOLE if batch.end is not None or self._went_on(batch, batch.tasks) else _Fate.UNPROVEN
        since = [start.key for start in batch.tasks if start.counter > suspect[0]]
        if course.ended_by_meta and all(key in course.tasks for key in since):
            return _Fate.STOPPED
        return self._fate_of_branches(batch, course)

    def _lacks_tasks(self, batch: Batch, course: Course) -> bool:
        """Whether the batch has not started what the measure did, but for files that none of its hosts included.

        Such a file was none of theirs if they went on to a task that is in no file.
        """
        lacking = [key for key in course.tasks if batch.copies.get(key, 0) < course.copies[key]]
        if not lacking:
            return False
        left_out = [file for file in course.files if not batch.included.get(file) and not batch.entered(file)]
        if not all(any(_is_of(path, file) for file in left_out) for _name, path in lacking):
            return True
        files = (*course.files, *batch.included)
        plain = [start for start in batch.tasks if not any(_is_of(start.path, file) for file in files)]
        return not self._went_on(batch, [start for start in plain if start.key in course.tasks])

    def _fate_of_branches(self, batch: Batch, course: Course) -> _Fate:
        """Of a batch that has started all that the measure did, and more perhaps: a rescue, files, handlers.

        The measure does not show what lies behind a failure in there. Who was not in there had nothing left to do.
        """
        failed = self._failed_task(batch)
        more = [key for key, number in batch.copies.items() if number > course.copies.get(key, 0)]
        if failed is None and more:
            return _Fate.STOPPED
        beyond = failed is not None and failed.key in more and failed.key != course.last
        if failed and beyond and self._answer(Question.PASSED, failed.uuid):
            return _Fate.UNHANDLED if failed.kind is Kind.HANDLER else _Fate.STOPPED
        return _Fate.WHOLE if course.handlers <= batch.handlers else _Fate.UNHANDLED

    def _failed_task(self, batch: Batch) -> t.Optional[Start]:
        """The task at which the batch may have stopped; None where it is out of sight."""
        counter = self._suspect(batch)[0]
        uuid = next((failure.task_uuid for failure in self._failures().newest if failure.counter == counter), None)
        kinds = (Kind.TASK, Kind.HANDLER)
        before = [start for start in batch.starts if start.counter < counter and start.kind in kinds]
        return next((start for start in reversed(before) if uuid in (None, start.uuid)), None)

    def _went_on(self, batch: Batch, tasks: t.Sequence[Start]) -> bool:
        """Whether the batch went on after its last failure, with one of these tasks that was for no failed host.

        A rescue and what is done always would be.
        """
        failures = self._failures()
        here = [failure for failure in failures.newest if batch.holds(failure.counter)]
        since = [start for start in tasks if start.counter > self._suspect(batch)[0]]
        if not since or not here or (not failures.whole and here[-1] == failures.newest[-1]):
            return False
        hosts = sorted({failure.host for failure in here})
        return self._answer(Question.WENT_ON, since[-1].uuid, *hosts)

    def _left_out(self) -> t.Iterator[Missed]:
        """The plays that hosts with a summary may have missed, since a batch was the last, or the last for its hosts.

        With a single play a host without a part in it has no summary.
        """
        if len(self._run.plays) == 1:
            return
        first = next((batch.play.counter for batch in self._run.batches if self._was_the_last(batch)), None)
        for play in self._run.plays:
            batches = self._run.batches_of(play)
            if first is not None and batches[-1].play.counter >= first:
                yield Missed(play.pattern, batches)

    def _was_the_last(self, batch: Batch) -> bool:
        """Whether nothing may have followed a batch, or nothing for its hosts.

        ansible-core goes on without the hosts that it stopped where it does not find that all of a batch have failed:
        one that was unreachable counts twice, one that failed in an earlier play not at all (playbook_executor.py,
        ``failed_hosts_count``, 2.16 to 2.19).
        """
        suspect = self._suspect(batch)
        if not suspect or self._went_on(batch, batch.tasks):
            return False
        failures = self._failures()
        first = self._run.batches_of(batch.play)[0].play.counter
        miscounted = any(
            failure.counter < first or (failure.unreachable and batch.holds(failure.counter))
            for failure in failures.newest
        )
        return batch.end is None or miscounted or not failures.whole
