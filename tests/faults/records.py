# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's own records, and what they say of a job's work at any moment (seconds since the epoch). Pure.

Nothing here looks at what the API shows: a job is the same work by the prompts that the database keeps of it, and what
became of a host is what its newest run says.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

SUCCESSFUL = "successful"
CANCELED = "canceled"
FINAL = frozenset({SUCCESSFUL, "failed", "error", CANCELED})


@dataclass(frozen=True)
class Host:
    """A host of the inventory.

    :param names: all that it has had.
    :param gone: when it was deleted.
    :param out: from when until when it was disabled.
    """

    id: int
    names: frozenset[str]
    gone: float | None = None
    out: tuple[tuple[float, float], ...] = ()

    def there(self, moment: float) -> bool:
        return self.gone is None or moment < self.gone

    def was_out(self, start: float, end: float) -> bool:
        return any(begin <= end and start <= until for begin, until in self.out)


@dataclass(frozen=True)
class Job:
    """A job of the template.

    :param creator: the name of the user.
    :param relaunch: how it was launched.
    :param prompts: what it was launched with, but for limit and type.
    :param values: what it ran with, whether by its prompts or by its template; empty where that is not known.
    :param part: which slice of how many it is.
    :param never_began: the numbers of the hosts that it stopped before.
    :param words: whether it failed, by the number of each host that it ran on.
    :param began: whether it has started a task.
    """

    id: int
    status: str
    created: float
    finished: float | None
    creator: str = "admin"
    relaunch: bool = True
    job_type: str = "run"
    prompts: str = "{}"
    values: str = ""
    limit: frozenset[str] = frozenset()
    part: tuple[int, int] = (0, 1)
    words: t.Mapping[int, bool] = field(default_factory=dict)
    never_began: frozenset[int] = frozenset()
    began: bool = True

    @property
    def ran(self) -> bool:
        """Whether it ran to its end."""
        return self.status in FINAL and self.status != CANCELED

    def over(self, moment: float) -> bool:
        return self.finished is not None and self.finished <= moment

    def active(self, moment: float) -> bool:
        return self.created <= moment and not self.over(moment)

    def beside(self, other: Job) -> bool:
        """Whether the other one was made before it, and active still."""
        return other.id < self.id and other.active(self.created)


@dataclass(frozen=True)
class Records:
    """All of it.

    :param jobs: all others of its template, oldest first.
    :param any_launch: whether any later job of the same work counts, not only a relaunch.
    """

    source: Job
    jobs: tuple[Job, ...] = ()
    hosts: tuple[Host, ...] = ()
    any_launch: bool = False

    def job(self, number: t.Any) -> Job | None:
        return next((job for job in (self.source, *self.jobs) if job.id == number), None)

    def host(self, name: str) -> Host | None:
        return next((host for host in self.hosts if name in host.names), None)

    def same_work(self, job: Job) -> bool:
        source = self.source
        if (job.job_type, job.part) != (source.job_type, source.part) or not (self.any_launch or job.relaunch):
            return False
        return job.prompts == source.prompts or self._given_by_template(job)

    def _given_by_template(self, job: Job) -> bool:
        """Whether what a job was prompted for is what its template had itself by then, by a job of the source's prompts
        that was made before it: a prompt that changes nothing is none."""
        earlier = [one for one in (self.source, *self.jobs) if one.id < job.id and one.prompts == self.source.prompts]
        return bool(job.values) and any(one.values == job.values for one in earlier)

    def counts(self, job: Job) -> bool:
        """Whether it is an equivalent relaunch: of the same work, made after the source's end."""
        return self.same_work(job) and self.source.over(job.created)

    def whole(self, job: Job) -> bool:
        return job.limit == self.source.limit

    def covers(self, job: Job, other: Job) -> bool:
        """Whether the one does all of what the other one does."""
        return self.whole(job) or (not self.whole(other) and other.limit <= job.limit)

    def reaches(self, job: Job, host: Host) -> bool:
        return self.whole(job) or bool(host.names & job.limit)

    def other_types(self, moment: float) -> frozenset[str]:
        """As which other job types than the source's relaunches were made before: that of its template by then. No
        source is prompted with one, and nobody sets a template back."""
        made = (job for job in self.jobs if job.relaunch and job.id > self.source.id and job.created < moment)
        return frozenset(job.job_type for job in made) - {self.source.job_type}

    def moments(self, start: float, end: float) -> list[float]:
        """All from the one to the other at which something is different from before."""
        times = [time for job in (self.source, *self.jobs) for time in (job.created, job.finished)]
        times += [time for host in self.hosts for time in (host.gone, *(end for pair in host.out for end in pair))]
        return sorted({start, end, *(time for time in times if time is not None and start < time < end)})

    def undone(self, moment: float) -> frozenset[int]:
        """The hosts that have failed, and have had no success since: in a run made after each such run had ended."""
        runs = [self.source, *(job for job in self.jobs if self.counts(job) and job.over(moment))]
        there = {host.id for host in self.hosts if host.there(moment)}
        return frozenset(host for host in there if self._undone(host, runs))

    def unproven(self, moment: float) -> frozenset[int]:
        """The hosts that have failed, and that only failed runs did since, while none was successful: no run shows
        whether there is more behind the end of those."""
        runs = [self.source, *(job for job in self.jobs if self.counts(job) and job.over(moment))]
        if any(run.status == SUCCESSFUL and run.words for run in runs):
            return frozenset()
        failed = {host for run in runs for host, failed in run.words.items() if failed}
        return frozenset(failed - self.undone(moment))

    def never_reached(self, moment: float, by_source: bool = False) -> frozenset[int]:
        """The hosts that a run stopped before, and on which no later one has succeeded.

        :param by_source: only those that the source stopped before; a later run on all hosts may be taken for it.
        """
        runs = [self.source, *(job for job in self.jobs if self.counts(job) and job.over(moment))]
        return frozenset(
            host
            for run in (runs[:1] if by_source else runs)
            for host in run.never_began
            if not any(later.words.get(host) is False and run.over(later.created) for later in runs)
        )

    @staticmethod
    def _undone(host: int, runs: list[Job]) -> bool:
        failed = [run for run in runs if run.words.get(host)]
        well = [run for run in runs if run.words.get(host) is False]
        return bool(failed) and not any(all(one.over(run.created) for one in failed) for run in well)

    def reachable(self, moment: float) -> bool:
        """Whether a failed host of the newest run on all hosts is left."""
        wholes = [job for job in self.jobs if self.counts(job) and self.whole(job) and job.over(moment) and job.words]
        there = {host.id for host in self.hosts if host.there(moment)}
        return any(failed and host in there for host, failed in [self.source, *wholes][-1].words.items())

    def all_left_gone(self, moment: float) -> bool:
        """Whether the failed hosts that are not done are hosts that were deleted."""
        there = {host.id for host in self.hosts if host.there(moment)}
        lost = any(failed and host not in there for host, failed in self.source.words.items())
        return lost and not self.undone(moment)

    def end_unseen(self, moment: float) -> bool:
        """Whether nothing shows if the source stopped before its end for hosts that did not fail, nor will: no run was
        successful, none on all hosts is active, and the hosts that are not done are all disabled."""
        runs = [job for job in self.jobs if self.counts(job)]
        shown = any(job.status == SUCCESSFUL and job.words and job.over(moment) for job in runs)
        to_come = any(self.whole(job) and job.active(moment) for job in runs)
        undone = self.undone(moment)
        left_out = [host.was_out(moment, moment) for host in self.hosts if host.id in undone]
        survived = self.source.over(moment) and False in self.source.words.values()
        return survived and not (shown or to_come) and bool(left_out) and all(left_out)

    def all_done(self, moment: float) -> bool:
        """Whether a relaunch of all hosts was successful, and made after each that failed had ended."""
        if self.source.over(moment) and self.source.status == SUCCESSFUL:
            return True
        wholes = [job for job in self.jobs if self.counts(job) and self.whole(job) and job.over(moment)]
        # One that gave way to another took nothing back.
        given_way = [job for job in wholes if job.status == CANCELED and any(map(job.beside, wholes))]
        wholes = [job for job in wholes if job not in given_way]
        # One that ended before its first task has failed on nobody.
        failed = [job for job in wholes if job.status != SUCCESSFUL and (job.began or job.status == CANCELED)]
        return any(job.status == SUCCESSFUL and all(one.over(job.created) for one in failed) for job in wholes)

    def left_out(self, moment: float) -> bool:
        """Whether hosts that have failed, and can run, are in no success on all hosts, nor done by another."""
        wholes = [job for job in self.jobs if self.counts(job) and self.whole(job) and job.over(moment)]
        ran = {host for job in wholes if job.status == SUCCESSFUL for host in job.words}
        left = self.undone(moment) - ran
        return any(host.id in left and not host.was_out(moment, moment) for host in self.hosts)

    def needed(self, job: Job, hosts: str, moment: float) -> bool:
        """Whether a job had something to do that was neither done nor being done.

        :param hosts: what was asked for, ``all`` or ``failed``.
        """
        if not self.source.over(moment):
            return False
        busy = [one for one in self.jobs if one.id != job.id and self.same_work(one) and one.active(moment)]
        if hosts == "all":
            done = self.all_done(moment) and not self.left_out(moment)
            return not done and not any(map(self.whole, busy))
        undone = self.undone(moment)
        if self.all_left_gone(moment):
            # No relaunch is to come that would show what lay behind.
            undone = self.unproven(moment).intersection(host.id for host in self.hosts if host.there(moment))
        due = [host for host in self.hosts if host.id in undone and self.reaches(job, host)]
        return any(not any(self.reaches(one, host) for one in busy) for host in due)
