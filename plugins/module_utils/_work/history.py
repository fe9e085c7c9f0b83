# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job and its later relaunches: what became of each of its failed hosts, and the asking for it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api import jobs as _jobs
from .._api.errors import AnswerError
from .._api.jobs import HostSummary, Job, names_of
from .same_work import SameWork

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient
    from .._launch.waiting import Watch

# So many numbers fit into a request line of 8 KiB.
IDS_AT_ONCE = 200


@dataclass(frozen=True)
class Host:
    """A failed host that is still in the inventory.

    :param names: all that it is known to have had: a limit holds the one of its time.
    :param failed_in: the numbers of jobs that it is known to have failed in, newest first: the first one's word stands
        unless a later relaunch has another.
    """

    id: int
    name: str
    names: frozenset[str]
    failed_in: tuple[int, ...]


@dataclass(frozen=True)
class Relaunch:
    """An equivalent relaunch.

    :param whole: it has the source's own limit, so that it does all of the source's work again.
    :param summaries: what became of its hosts; empty while it is active, without statistics, or not asked for.
    """

    job: Job
    whole: bool
    summaries: tuple[HostSummary, ...] = ()

    def asked_for(self, host: Host) -> bool:
        return self.whole or not self.job.limit_names or bool(host.names & self.job.limit_names)

    @property
    def failed_ids(self) -> frozenset[int]:
        """Its failed hosts that are still in the inventory, which a relaunch of it would reach."""
        return frozenset(summary.host for summary in self.summaries if summary.failed and summary.host is not None)


@dataclass(frozen=True)
class Words:
    """The newest word on each failed host of a job.

    :param base: the newest finished whole relaunch with statistics, else the source.
    :param hosts: its failed hosts that are still in the inventory; those that it left out, which an earlier job had
        failed on; and those that a later relaunch of an earlier job failed on.
    :param recovered: by host, the job in which it has succeeded, where that is the newest word on it.
    :param absent: by host that has not, the newest relaunch that asked for it and in which it did not run.
    :param idle: hosts among the absent that would not run now either.
    """

    base: Job
    hosts: tuple[Host, ...]
    recovered: t.Mapping[int, Job]
    absent: t.Mapping[int, Job]
    idle: frozenset[int] = frozenset()

    @property
    def remaining(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.id not in self.recovered)

    @property
    def due(self) -> tuple[Host, ...]:
        """The remaining hosts that a relaunch would run on."""
        return tuple(host for host in self.remaining if host.id not in self.idle)

    @property
    def beside_base(self) -> bool:
        """Whether it was another job than the base that some of the hosts failed in."""
        return any(host.failed_in[0] != self.base.id for host in self.hosts)

    @property
    def healer(self) -> Job:
        """The job that did last what has been done."""
        jobs = [*self.recovered.values(), *self.absent.values()]
        return max(jobs, key=lambda job: job.id, default=self.base)


@dataclass(frozen=True)
class History:
    """What is known of a job's work.

    :param relaunches: the equivalent ones, created after the source ended, oldest first.
    :param early: one of the same work that is active, though it was created before the source ended.
    :param words: on the failed hosts; None where they need not be known.
    :param names: of hosts that it or a whole relaunch failed on, some of which a partial relaunch is limited to.
    :param newest: the highest number of a job that was seen.
    :param settled: the highest number up to which all had ended, so that nothing changes there any more.
    :param masked: whether a secret had to count as equal, since the controller shows none.
    """

    source: Job
    relaunches: tuple[Relaunch, ...] = ()
    early: t.Optional[Job] = None
    words: t.Optional[Words] = None
    names: frozenset[str] = frozenset()
    newest: int = 0
    settled: int = 0
    masked: bool = False

    def reduced(self) -> History:
        """What a later look needs of what is settled, so that it asks for newer jobs only.

        Its size depends on the number of hosts and not on that of relaunches: kept are those with the newest word on a
        host, or that left one out, and the newest whole one beside the base. Where that is not all, everything is.
        """
        words, needed = self.words, set[int]()
        if words is not None and words.beside_base:
            return History(self.source, newest=self.source.id)
        if words is not None:
            needed = {job.id for job in (words.base, *words.recovered.values(), *words.absent.values())}
            undecided = set(words.hosts)
            for relaunch in reversed(self.relaunches):
                ran = {summary.host for summary in relaunch.summaries}
                decided = {host for host in undecided if host.id in ran and relaunch.asked_for(host)}
                if decided:
                    needed.add(relaunch.job.id)
                    undecided -= decided
        needed.update([relaunch.job.id for relaunch in self.relaunches if relaunch.whole][-1:])
        kept = [one for one in self.relaunches if one.job.id in needed and one.job.id <= self.settled]
        return replace(self, relaunches=tuple(kept), early=None, words=None, newest=self.settled)


def candidates(source: Job) -> dict[str, t.Any]:
    """The query for the relaunches of a job's template: ``limit`` would be ignored there, ``extra_vars`` refused.

    A job whose template is gone is told by the name that it had; by nothing it would be all of the controller.
    """
    query = {"launch_type": _jobs.RELAUNCH, "order_by": "id"}
    if source.template is not None:
        return {**query, "unified_job_template": source.template}
    return {**query, "unified_job_template__isnull": "true", "name": source.facts.get("name")}


def same_limit(source: Job, job: Job) -> bool:
    """Whether both are limited to the same hosts; the order of the names does not matter."""
    return source.limit_names == job.limit_names


def failed_hosts(whole: t.Iterable[tuple[Job, t.Sequence[HostSummary]]]) -> tuple[Host, ...]:
    """The hosts that are still in the inventory, and that the newest job which ran on them failed on.

    :param whole: jobs on all hosts with their summaries, newest first; of the last one the failed ones are enough.
    """
    words: dict[int, list[tuple[int, HostSummary]]] = {}
    for job, summaries in whole:
        for summary in summaries:
            if summary.host is not None:
                words.setdefault(summary.host, []).append((job.id, summary))
    return tuple(
        Host(
            number,
            newest.name,
            frozenset(name for _job, summary in said for name in (summary.name, summary.name_then)),
            tuple(job for job, summary in said if summary.failed),
        )
        for number, said in words.items()
        if (newest := said[0][1]).failed
    )


def newest_words(base: Job, hosts: t.Sequence[Host], relaunches: t.Sequence[Relaunch]) -> Words:
    """Of the relaunches that ended, newest first, the first with a summary of a host decides on it.

    No summary: it did not run there, whatever the job's status, so that an older one is asked.

    :param relaunches: oldest first, with their summaries.
    """
    recovered: dict[int, Job] = {}
    absent: dict[int, Job] = {}
    for host in hosts:
        for relaunch in reversed(relaunches):
            if relaunch.job.id <= host.failed_in[0]:
                break
            # Of one without statistics nobody knows whom it got to, unless it was successful: then there was nobody.
            if not relaunch.asked_for(host) or not (relaunch.summaries or relaunch.job.successful):
                continue
            word = next((summary for summary in relaunch.summaries if summary.host == host.id), None)
            if word is None:
                absent.setdefault(host.id, relaunch.job)
                continue
            if not word.failed:
                recovered[host.id] = relaunch.job
                absent.pop(host.id, None)
            break
    return Words(base, tuple(hosts), recovered, absent)


def _fits(job: Job, names: frozenset[str]) -> bool:
    """Whether a job is limited to some of these hosts; where it is no relaunch, it may as well be limited to none."""
    return job.limit_names <= names and (bool(job.limit_names) or not job.is_relaunch)


class Historian:
    """Asks for the history of a job, for as little as the decision needs.

    :param source: the job, in detail; it has ended.
    :param same_work: compares others with it.
    :param whole: only relaunches with the source's own limit matter.
    :param hosts_needed: its failed hosts matter even where there is no relaunch.
    :param before: what an earlier look has settled, reduced; only newer relaunches are asked for then.
    """

    def __init__(
        self,
        client: ControllerClient,
        watch: Watch,
        source: Job,
        same_work: SameWork,
        whole: bool,
        hosts_needed: bool,
        before: t.Optional[History] = None,
    ) -> None:
        self._client = client
        self._watch = watch
        self._source = source
        self._same_work = same_work
        self._whole = whole
        self._hosts_needed = hosts_needed
        self._before = before or History(source, newest=source.id)
        self._read: dict[int, list[HostSummary]] = {}

    def history(self, equivalents: bool = True, later: t.Optional[t.Sequence[Job]] = None) -> History:
        """As it is now.

        :param equivalents: whether relaunches count; without, only their numbers are looked at.
        :param later: jobs that count as relaunches do, however they were launched; asked for if not given.
        :raises ControllerError: it could not be read.
        """
        if later is None:
            query = {**candidates(self._source), "id__gt": self._before.newest}
            listed = [Job.of(entry) for entry in self._client.results("jobs/", **query)]
        else:
            listed = list(later)
        newest = max([self._before.newest, *(job.id for job in listed)])
        settled = min((job.id - 1 for job in listed if job.active), default=newest)
        history = replace(self._before, source=self._source, newest=newest, settled=settled)
        if not equivalents:
            listed = []
        whole = [job for job in listed if same_limit(self._source, job) and self._same_work.includes(job)]
        history = self._with(history, [Relaunch(job, whole=True) for job in whole])
        if self._whole or not (listed or self._before.newest > self._source.id or self._hosts_needed):
            return self._told(history)
        return self._with_hosts(history, [job for job in listed if job not in whole])

    def _with(self, history: History, relaunches: t.Iterable[Relaunch]) -> History:
        """Add relaunches of the same work, told apart by whether the source had ended when they were made."""
        later = list(history.relaunches)
        early = history.early
        for relaunch in relaunches:
            if relaunch.job.created > self._source.finished:
                later.append(relaunch)
            elif relaunch.job.active:
                early = early or relaunch.job
        return replace(history, relaunches=tuple(sorted(later, key=lambda relaunch: relaunch.job.id)), early=early)

    def _with_hosts(self, history: History, others: t.Sequence[Job]) -> History:
        """Add what concerns a part of the hosts: partial relaunches, and the newest word on each failed host."""
        whole = self._whole_jobs([relaunch.job for relaunch in history.relaunches if relaunch.whole])
        base = whole[0][0]
        # Deleted hosts too: a relaunch that was made before their end has them in its limit.
        known = history.names | names_of(one for _job, summaries in whole for one in summaries if one.failed)
        partial = [job for job in others if _fits(job, known) and self._same_work.includes(job)]
        history = self._with(replace(history, names=known), [Relaunch(job, whole=False) for job in partial])
        hosts = self._failed_since(whole, history.relaunches)
        relaunches, words = self._asked(base, hosts, history.relaunches)
        if words.beside_base and self._before.newest > self._source.id:
            # What an earlier look has settled was reduced to what concerns the hosts of the base.
            self._before = History(self._source, newest=self._source.id)
            return self.history()
        return self._told(replace(history, relaunches=relaunches, words=replace(words, idle=self._idle(words))))

    def _told(self, history: History) -> History:
        return replace(history, masked=history.masked or self._same_work.masked)

    def _whole_jobs(self, relaunches: t.Sequence[Job]) -> list[tuple[Job, list[HostSummary]]]:
        """The jobs on all hosts with statistics, newest first, down to the source.

        Those before the base matter for hosts that it left out. There are none of a base that an earlier look has kept.
        """
        found: list[tuple[Job, list[HostSummary]]] = []
        for job in reversed(relaunches):
            summaries = self._summaries(job)
            if summaries:
                found.append((job, summaries))
                if job.id <= self._before.newest:
                    return found
        return [*found, (self._source, self._summaries(self._source, failed=True))]

    def _failed_since(
        self, whole: t.Sequence[tuple[Job, t.Sequence[HostSummary]]], relaunches: t.Sequence[Relaunch]
    ) -> tuple[Host, ...]:
        """The failed hosts of jobs on all hosts, and others that a relaunch of an older one than the base failed on."""
        found = {host.id: host for host in failed_hosts(whole)}
        names = names_of(one for one in whole[0][1] if one.failed).union(*(host.names for host in found.values()))
        # Had there been such hosts at an earlier look, it would have kept nothing.
        new = [one.job for one in reversed(relaunches) if not one.whole and one.job.id > self._before.newest]
        for job in new:
            since = [summary for one, summaries in whole if one.id > job.id for summary in summaries]
            if job.limit_names <= names | names_of(since):
                continue
            ran = {summary.host for summary in since}
            for host in failed_hosts([(job, self._summaries(job))]):
                if host.id not in ran:
                    found.setdefault(host.id, host)
        return tuple(found.values())

    def _asked(
        self, base: Job, hosts: t.Sequence[Host], relaunches: t.Sequence[Relaunch]
    ) -> tuple[tuple[Relaunch, ...], Words]:
        """The relaunches with the summaries of those that matter, newest first, until every host is decided on."""
        numbers = {host.id for host in hosts}
        # What an earlier look was told, but for hosts that were deleted since.
        before = {
            relaunch.job.id: tuple(summary for summary in relaunch.summaries if summary.host in numbers)
            for relaunch in relaunches
        }
        known = [replace(relaunch, summaries=()) for relaunch in relaunches]
        undecided = set(hosts)
        for index in reversed(range(len(known))):
            relaunch = known[index]
            undecided = {host for host in undecided if host.failed_in[0] < relaunch.job.id}
            if not any(map(relaunch.asked_for, undecided)):
                continue
            summaries = before[relaunch.job.id] or tuple(self._summaries(relaunch.job))
            known[index] = replace(relaunch, summaries=summaries)
            ran = {summary.host for summary in summaries}
            undecided = {host for host in undecided if host.id not in ran}
        return tuple(known), newest_words(base, hosts, known)

    def _summaries(self, job: Job, failed: t.Optional[bool] = None) -> list[HostSummary]:
        """What became of a job's hosts, as soon as the controller knows."""
        if job.active or not job.began:
            return []
        if job.id in self._read:
            return self._read[job.id]
        if job.id == self._source.id:
            self._watch.until_events_processed(job)
            return _jobs.host_summaries(self._client, job.id, failed)
        summaries = _jobs.host_summaries(self._client, job.id, failed)
        if not summaries:
            # Either it has just ended and its hosts are not in yet, or there will never be any.
            self._watch.until_events_processed(_jobs.get(self._client, job.id))
            summaries = _jobs.host_summaries(self._client, job.id, failed)
        self._read[job.id] = summaries
        return summaries

    def _idle(self, words: Words) -> frozenset[int]:
        """Those of the absent hosts that would not run now either: disabled, or not targeted by the play.

        What a job that failed left out may be hosts that it had not got to. What a successful one left out was taken
        out on purpose, unless it is enabled and was changed since. Who may not read the inventory is not told.
        """
        absent = [host.id for host in words.remaining if host.id in words.absent]
        if not absent:
            return frozenset()
        changed = self._changed(absent)
        idle = set()
        for host in absent:
            job = words.absent[host]
            if changed is None:
                out = job.successful
            elif host in changed:
                out = job.successful and changed[host] <= job.created
            else:
                out = True
            if out:
                idle.add(host)
        return frozenset(idle)

    def _changed(self, hosts: t.Sequence[int]) -> t.Optional[dict[int, str]]:
        """When each of the enabled ones among these hosts was changed last; None where that may not be read."""
        path = f"inventories/{self._source.facts.get('inventory')}/hosts/"
        found: dict[int, str] = {}
        try:
            for start in range(0, len(hosts), IDS_AT_ONCE):
                some = ",".join(map(str, hosts[start : start + IDS_AT_ONCE]))
                for entry in self._client.results(path, enabled="true", id__in=some):
                    found[int(entry["id"])] = str(entry.get("modified") or "")
        except AnswerError as error:
            if error.refuses and error.status in (403, 404):
                return None
            raise
        return found
