# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a failed run ended: for which hosts that did not fail it stopped before the end. Private to this collection.

A failed job says nowhere that it stopped early (``serial``, ``any_errors_fatal``, ``max_fail_percentage``,
``run_once``, a play that lost all of its hosts). It is told by what another run of the same work started, the measure:
a part of the failed run that holds a failure and did not start all that the measure did was stopped there. What no
list of starts can tell is asked for only where it matters. Pure but for that; in doubt a host was stopped.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum

from .starts import Batch, Course, Failure, Failures, Start, Started, StartKind, alike, is_of

# Of so many tasks behind the last failure, the last ones, it is asked who has passed them.
TASKS_ASKED = 3


@dataclass(frozen=True)
class MissedPlay:
    """A play that a host has missed if it is meant for it and took no part.

    :param batches: of the play, as far as they were begun.
    :param for_somebody: whether a run has started something in it.
    """

    pattern: str
    batches: tuple[Batch, ...]
    for_somebody: bool


@dataclass(frozen=True)
class End:
    """How a run ended, of hosts that did not fail.

    :param everyone: all of them were stopped.
    :param stopped: who took part in one of these batches was.
    :param passed: who has a result of one of these tasks was, in a rescue or file into which the measure did not get.
    :param unhandled: who took part in one of these and has changed was, since handlers were left out.
    :param missed: who should have taken part in one of these plays and did not, was.
    :param never_begun: whether more batches or plays may have been to come.
    :param unproven: whether no run shows what lies behind the place where it ended.
    """

    everyone: bool = False
    stopped: tuple[Batch, ...] = ()
    passed: tuple[Start, ...] = ()
    unhandled: tuple[Batch, ...] = ()
    missed: tuple[MissedPlay, ...] = ()
    never_begun: bool = False
    unproven: bool = False

    @property
    def broke_off(self) -> bool:
        """Whether something lies behind the place where the run ended."""
        plays = any(not missed.batches for missed in self.missed)
        return self.everyone or plays or self.unproven or bool(self.stopped or self.passed or self.unhandled)


@dataclass(frozen=True)
class RunStarts:
    """What is known of a failed run and its measure.

    :param complete: whether the measure went to its end: it was successful, and ran the same playbook.
    :param failed: brings the hosts that failed in the run, and were not rescued.
    :param failures: brings those of the run.
    :param none_has: tells whether none of some hosts has a result of a task, which goes by its uuid.
    :param several_passed: tells whether more than one host has passed a task in a batch.
    """

    run: Started
    measure: Started
    complete: bool
    failed: t.Callable[[], frozenset[str]]
    failures: t.Callable[[], Failures]
    none_has: t.Callable[[str, frozenset[str]], bool]
    several_passed: t.Callable[[str, Batch], bool]


class _Fate(Enum):
    """Of a batch, or rather of its hosts that did not fail."""

    WHOLE = "whole"
    STOPPED = "stopped"
    UNPROVEN = "unproven"
    UNHANDLED = "unhandled"


def decide_end(found: RunStarts) -> End:
    """How the run ended."""
    return _Judge(found).end()


class _Judge:
    def __init__(self, found: RunStarts) -> None:
        self._found = found
        self._run, self._measure = alike(found.run, found.measure)
        self._missing = self._measure.plays[len(self._run.plays) :]

    def end(self) -> End:
        if not self._run.batches or not self._same_plays():
            return End(everyone=True, never_begun=True)
        if not self._missing and len(self._run.batches) == 1 and self._plainly_whole(self._run.batches[0]):
            return End(never_begun=True)
        fates = [(batch, self._fate(batch)) for batch in self._run.batches]
        broke = bool(self._suspect(self._run.batches[-1]))
        last = fates[-1][1]
        return End(
            stopped=tuple(batch for batch, fate in fates if fate is _Fate.STOPPED),
            passed=tuple(fate for _batch, fate in fates if isinstance(fate, Start)),
            unhandled=tuple(batch for batch, fate in fates if fate is _Fate.UNHANDLED),
            missed=(*self._left_out(), *(self._missed(play, ()) for play in self._missing)),
            never_begun=broke or bool(self._missing),
            unproven=any(fate is _Fate.UNPROVEN for _batch, fate in fates)
            or (not self._found.complete and broke and last is not _Fate.WHOLE),
        )

    def _same_plays(self) -> bool:
        """Whether both runs began the same plays, as far as the run got."""
        ours, theirs = self._run.plays, self._measure.plays
        if self._found.complete and len(theirs) < len(ours):
            return False
        return all(one.name == other.name or self._share_tasks(one, other) for one, other in zip(ours, theirs))

    def _share_tasks(self, ours: Start, theirs: Start) -> bool:
        """Whether two plays may be one whose name, or pattern in place of one, holds what differs from job to job.

        A task that stands in the same place, under another name, may be another one: not all projects tell versions.
        """
        keys = self._found.run.keys_in(ours), self._found.measure.keys_in(theirs)
        return not all(keys) or not keys[0].isdisjoint(keys[1])

    def _course(self, batch: Batch) -> tuple[Course, bool]:
        """What the measure did in this batch's play, and whether it shows the play's end."""
        theirs = self._theirs(batch.play)
        course = Course(theirs)
        if self._found.complete and course.last:
            return course, True
        return Course([*theirs, *self._run.batches_of(batch.play)]), False

    def _theirs(self, play: Start) -> list[Batch]:
        """The batches of the measure in a play of the run."""
        number = [one.uuid for one in self._run.plays].index(play.uuid)
        plays = self._measure.plays[number : number + 1]
        return [batch for one in plays for batch in self._measure.batches_of(one)]

    def _plainly_whole(self, batch: Batch) -> bool:
        """Whether the starts alone tell that nothing lies behind them, wherever the last failure was."""
        course, shows_end = self._course(batch)
        return (
            shows_end
            and not course.last_metas
            and batch.copies == course.copies
            and course.handlers <= batch.handlers
            and batch.entered_all_files(course.empty)
        )

    def _failures_in(self, batch: Batch) -> list[Failure]:
        return [failure for failure in self._found.failures().newest if batch.holds(failure.counter)]

    def _all_in_sight(self, batch: Batch) -> bool:
        """Whether no failure of a batch is too old to be among those that were asked for."""
        failures = self._found.failures()
        return failures.whole or bool(failures.newest and failures.newest[-1].counter < batch.play.counter)

    def _suspect(self, batch: Batch) -> tuple[int, ...]:
        """Where this batch may have stopped: the counter of its last failure; 0 where that is out of sight."""
        found = [*(failure.counter for failure in self._failures_in(batch)[:1]), *batch.none_remain]
        if found:
            return (max(found),)
        return () if self._all_in_sight(batch) else (0,)

    def _fate(self, batch: Batch) -> t.Union[_Fate, Start]:
        """What stops a batch is a failure in it, or the many before it; else it ended by itself.

        What it lacks of the measure's files may have been for others. A task stands for those who have a result of it.
        """
        suspect = self._suspect(batch)
        if not suspect:
            return _Fate.WHOLE
        course, shows_end = self._course(batch)
        lacking = [key for key in course.tasks if batch.copies[key] < course.copies[key]]
        in_files = all(any(is_of(path, file) for file in course.files) for _name, path in lacking)
        if not in_files or not batch.entered_all_files(course.empty if shows_end else ()):
            return _Fate.STOPPED
        if not shows_end:
            passed = batch.end is not None and not self._is_miscounted(batch)
            if passed or self._went_on(batch, course, shown=False):
                return _Fate.WHOLE
            # ``max_fail_percentage`` tells that it stopped the batch; whether more was to come it does not.
            return _Fate.STOPPED if batch.none_remain else _Fate.UNPROVEN
        branches = self._branches(batch, course)
        # A batch that got to the last metas behind its last failure was not stopped by that before them.
        if not course.last_metas <= {start.key for start in batch.starts if start.counter > suspect[0] > 0}:
            since = [start.key for start in batch.tasks if start.counter > suspect[0]]
            return _Fate.STOPPED if lacking or all(key in course.tasks for key in since) else branches
        if (not lacking and branches is _Fate.WHOLE) or self._went_on(batch, course):
            return _Fate.WHOLE
        return _Fate.STOPPED if lacking else branches

    def _branches(self, batch: Batch, course: Course) -> t.Union[_Fate, Start]:
        """The fate of a batch that has started all tasks of the measure.

        The measure does not show what lies behind a failure in a rescue or a file that it did not get into: then it is
        the failed task. Who was not in there had nothing left to do.
        """
        failed = self._failed_task(batch)
        more = batch.copies - course.copies
        if failed is None and more:
            return _Fate.STOPPED
        if failed and failed.key in more and failed.key != course.last:
            return _Fate.UNHANDLED if failed.kind is StartKind.HANDLER else failed
        return _Fate.WHOLE if course.handlers <= batch.handlers else _Fate.UNHANDLED

    def _failed_task(self, batch: Batch) -> t.Optional[Start]:
        """The task at which the batch may have stopped; None where it is out of sight."""
        counter = self._suspect(batch)[0]
        failures = self._found.failures().newest
        uuid = next((failure.task_uuid for failure in failures if failure.counter == counter), None)
        before = [start for start in batch.starts if start.counter < counter and start.is_task]
        return next((start for start in reversed(before) if uuid in (None, start.uuid)), None)

    def _went_on(self, batch: Batch, course: Course, shown: bool = True) -> bool:
        """Whether the batch went on after its last failure, with a task that was for none of the hosts that failed.

        A rescue and what is done always would be, but for hosts that could not be reached, or that failed in there; and
        in an included file it may be that of others.

        :param shown: whether the measure shows what lies behind these.
        """
        failures = self._failures_in(batch)
        files = (*course.files, *batch.included)
        since = [start for start in batch.tasks if start.counter > self._suspect(batch)[0]]
        plain = [start for start in since if not any(is_of(start.path, file) for file in files)]
        if not plain or not failures or any(failure.unreachable for failure in failures):
            return False
        hosts = frozenset(failure.host for failure in failures)
        if not self._all_in_sight(batch) or (len(hosts) < len(failures) and not shown):
            return False
        failed = hosts & self._found.failed() or hosts
        last = plain[: -TASKS_ASKED - 1 : -1]
        return any(self._found.none_has(start.uuid, failed) and self._by_several(start, batch) for start in last)

    def _by_several(self, start: Start, batch: Batch) -> bool:
        """Whether several hosts have passed a task, if several had passed the one that failed: else it may be one that
        runs once, in what is done always.
        """
        several, failed = self._found.several_passed, self._failed_task(batch)
        return several(start.uuid, batch) or failed is None or not several(failed.uuid, batch)

    def _left_out(self) -> t.Iterator[MissedPlay]:
        """The plays that hosts with a summary may have missed, since a batch was the last, or the last for its hosts.

        With a single play a host without a part in it has no summary.
        """
        if len(self._run.plays) == 1:
            return
        first = next((batch.play.counter for batch in self._run.batches if self._was_the_last(batch)), None)
        for play in self._run.plays:
            batches = self._run.batches_of(play)
            if first is not None and batches[-1].play.counter >= first:
                yield self._missed(play, batches)

    def _missed(self, play: Start, batches: tuple[Batch, ...]) -> MissedPlay:
        theirs = self._theirs(play) if batches else self._measure.batches_of(play)
        return MissedPlay(play.pattern, batches, for_somebody=any(batch.starts for batch in (*batches, *theirs)))

    def _was_the_last(self, batch: Batch) -> bool:
        """Whether nothing may have followed a batch, or nothing for its hosts.

        A failure that was rescued may have been fatal to the others all the same, and does not count as one (recorded:
        rescue-aef-later-play).
        """
        if not self._suspect(batch):
            return False
        failures = self._found.failures().newest
        if any(batch.holds(failure.counter) and failure.host not in self._found.failed() for failure in failures):
            return True
        if self._went_on(batch, self._course(batch)[0]):
            return False
        return batch.end is None or self._is_miscounted(batch) or not self._found.failures().whole

    def _is_miscounted(self, batch: Batch) -> bool:
        """Whether ansible-core may have gone on without the hosts of a batch that it stopped.

        It does where it does not find that all of them have failed: one that was unreachable counts twice, one that
        failed in an earlier play not at all (playbook_executor.py, ``failed_hosts_count``, 2.16 to 2.19).
        """
        first = self._run.batches_of(batch.play)[0].play.counter
        return any(
            failure.counter < first or (failure.unreachable and batch.holds(failure.counter))
            for failure in self._found.failures().newest
        )
