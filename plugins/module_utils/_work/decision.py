# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision: what a task has to do so that a job's work has succeeded. Pure; nothing is asked or sent here."""

from __future__ import annotations

import collections
import typing as t
from dataclasses import dataclass

from .._api.jobs import Job
from .history import History, Host, Relaunch, Words

ALL = "all"
FAILED = "failed"


@dataclass(frozen=True)
class Wish:
    """What the task asks for; see the options of the same names."""

    hosts: str = ALL
    fallback_to_all: bool = False
    job_type: t.Optional[str] = None
    force: bool = False
    wait: bool = False


@dataclass(frozen=True)
class Await:
    """This job is active: wait for its end, then decide again.

    :param what: it, for a sentence.
    """

    job: Job
    what: str


@dataclass(frozen=True)
class Refuse:
    """Nothing can be launched as asked."""

    reason: str


@dataclass(frozen=True)
class Done:
    """What can be done has been done, by this job.

    :param left: failed hosts that did not run since, and would not now.
    """

    job: Job
    reason: str
    left: tuple[Host, ...] = ()


@dataclass(frozen=True)
class Adopt:
    """This equivalent relaunch is active.

    :param hosts: which of the due hosts it runs on, where that was asked.
    :param rest: due hosts that no active relaunch covers.
    """

    job: Job
    reason: str
    hosts: tuple[Host, ...] = ()
    rest: tuple[Host, ...] = ()


@dataclass(frozen=True)
class Launch:
    """Relaunch this job.

    :param hosts: on ``all`` or on its ``failed`` hosts.
    :param due: the hosts that need it, where they had to be asked for.
    :param instead: the job to relaunch where the controller forbids it for this one: a relaunch keeps its limit as a
        prompt, and a user who may only execute the template may not relaunch a job with prompts that the template does
        not ask for. The source has none.
    """

    job: Job
    hosts: str
    reason: str
    due: tuple[Host, ...] = ()
    instead: t.Optional[Launch] = None


Settled = t.Union[Refuse, Done, Adopt, Launch]
Decision = t.Union[Await, Settled]


def needs_history(source: Job, wish: Wish) -> bool:
    """Whether later relaunches matter at all."""
    return not isinstance(_at_once(source, wish), (Await, Refuse, Done))


def decide(history: History, wish: Wish) -> Decision:
    """What to do about a source job.

    :param history: what is known of it; of an active or successful source no more than itself is needed.
    :param wish: what the task asks for.
    """
    source = history.source
    at_once = _at_once(source, wish)
    if at_once is not None:
        return at_once
    if history.early is not None and not wish.force:
        what = f"job {history.early.id}, the same work, launched before job {source.id} had ended,"
        return _await(history.early, what, wish)
    words = history.words
    if wish.hosts == ALL:
        return _decide_whole(history, wish)
    if words is None:
        return _of_source(source, FAILED)
    if not words.hosts:
        return _without_failed_hosts(history, words, wish)
    if wish.force:
        return _of_source(source, FAILED, words.hosts)
    return _decide_failed(history, words, wish)


def no_failed_hosts(job: Job) -> str:
    """Why the controller may know no failed hosts of a finished job, and what to do."""
    return (
        f"The controller knows no failed hosts of job {job.id} (status {job.status}) that are still in the inventory: "
        "its playbook did not get as far as its statistics (syntax error, cancel, timeout, a limit that matches "
        "nothing), or the failed hosts are gone. Set fallback_to_all: true, or hosts: all, to relaunch it as a whole."
    )


def _at_once(source: Job, wish: Wish) -> t.Optional[Decision]:
    """What the source alone decides."""
    if wish.force and wish.hosts == ALL:
        return None
    if source.active:
        return _await(source, f"job {source.id}, which is relaunched if it fails,", wish)
    # A check run's success is none where a run is asked for.
    if source.successful and wish.job_type in (None, source.job_type):
        return Done(source, f"Job {source.id} was successful: nothing to relaunch.")
    return None


def _await(job: Job, what: str, wish: Wish) -> Decision:
    if wish.wait:
        return Await(job, what)
    return Refuse(
        f"Job {job.id} is {job.status}: whether a relaunch is needed is not known before it ends. Set wait: true to "
        "wait for that first, or run the task again later."
    )


def _decide_whole(history: History, wish: Wish) -> Decision:
    source = history.source
    whole = [] if wish.force else [relaunch.job for relaunch in history.relaunches if relaunch.whole]
    active = [job for job in whole if job.active]
    if active:
        # Of callers in the same instant the one with the lowest number stays.
        return Adopt(active[0], _is_active(active[0], source))
    # Of callers in the same instant all but the first cancel their own job, mostly before it began, and always before
    # the first one's ends: that takes nothing back.
    ended = sorted((job for job in whole if job.began), key=lambda job: (job.finished, job.id))
    if ended and ended[-1].successful:
        job = ended[-1]
        return Done(job, f"{_named(job, source)}, was successful: nothing to relaunch.")
    return _of_source(source, ALL)


def _without_failed_hosts(history: History, words: Words, wish: Wish) -> Decision:
    source, base = history.source, words.base
    if base is not source and base.successful:
        return Done(base, f"{_named(base, source)}, was successful: nothing to relaunch.")
    whole = _decide_whole(history, wish)
    if wish.fallback_to_all or not isinstance(whole, Launch):
        return whole
    return Refuse(f"Job {base.id} cannot be relaunched on its failed hosts. {no_failed_hosts(base)}")


def _decide_failed(history: History, words: Words, wish: Wish) -> Decision:
    source, due = history.source, words.due
    if not due:
        return _healed(source, words)
    active = [relaunch for relaunch in history.relaunches if relaunch.job.active]
    doing = [(relaunch, _covered(relaunch, due)) for relaunch in active]
    doing = [(relaunch, covered) for relaunch, covered in doing if covered]
    if doing:
        relaunch, covered = next((one for one in doing if len(one[1]) == len(due)), doing[0])
        rest = tuple(host for host in due if not any(host in hosts for _relaunch, hosts in doing))
        if len(covered) < len(due) and wish.wait:
            return Await(relaunch.job, f"job {relaunch.job.id}, which relaunches a part of the failed hosts,")
        return Adopt(relaunch.job, _is_active(relaunch.job, source), covered, rest)
    return _launch_failed(history, words)


def _launch_failed(history: History, words: Words) -> Launch:
    """On the newest equivalent whose failed hosts are all that remain, else on the base, or, where that left hosts out,
    on the job that failed on most of them."""
    source, due = history.source, words.due
    from_source = _of_source(source, FAILED, due)
    wanted = frozenset(host.id for host in due)
    failed_on = collections.Counter(number for host in due for number in host.failed_in)
    most = max(failed_on, key=lambda number: (failed_on[number], number))
    found = [one.job for one in reversed(history.relaunches) if one.failed_ids == wanted]
    found += [one.job for one in history.relaunches if one.job.id == most]
    return _of_relaunch(found[0], source, due, from_source) if found else from_source


def _covered(relaunch: Relaunch, due: t.Sequence[Host]) -> tuple[Host, ...]:
    return tuple(host for host in due if relaunch.asked_for(host))


def _healed(source: Job, words: Words) -> Done:
    left = words.remaining
    first = min(host.failed_in[0] for host in words.hosts)
    if not left:
        return Done(
            words.healer,
            f"The hosts that job {first} failed on have succeeded since, the last of them in job "
            f"{words.healer.id}: nothing to relaunch.",
        )
    return Done(
        words.healer,
        f"Those of the hosts that job {first} failed on that can run have succeeded since, the last of them in "
        f"job {words.healer.id}: nothing to relaunch."
        if words.recovered
        else f"None of the hosts that job {first} failed on can run now: nothing to relaunch.",
        left,
    )


def _is_active(job: Job, source: Job) -> str:
    return f"{_named(job, source)}, is {job.status} already."


def _named(job: Job, source: Job) -> str:
    """A later job for the beginning of a sentence; it is a relaunch, unless jobs of whatever launch type count."""
    what = "a relaunch of" if job.is_relaunch else "the same work as"
    return f"Job {job.id}, {what} job {source.id}"


def _of_source(source: Job, hosts: str, due: tuple[Host, ...] = ()) -> Launch:
    verb = "is" if source.active else "was" if source.successful else "ended with status"
    return Launch(source, hosts, f"Job {source.id} {verb} {source.status}", due)


def _of_relaunch(job: Job, source: Job, due: tuple[Host, ...], instead: Launch) -> Launch:
    reason = f"{_named(job, source)}, ended with status {job.status}"
    return Launch(job, FAILED, reason, due, instead)
