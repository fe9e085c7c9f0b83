# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision: what a task has to do so that a job's work has succeeded. Pure; nothing is asked or sent here."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.relaunch.controller.plugins.module_utils._errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job

ALL = "all"
FAILED = "failed"

NO_HOSTS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Wish:
    """What the task asks for; see the options of the same names."""

    hosts: str = ALL
    fallback_to_all: bool = False
    job_type: t.Optional[str] = None
    force: bool = False
    wait: bool = False


@dataclass(frozen=True)
class Relaunch:
    """An equivalent relaunch of the source job, and what is known of its hosts.

    :param whole: it has the source's own limit, so that it does all of the source's work again.
    :param covers: which of the source's failed hosts it runs on.
    :param succeeded: which of its hosts did not fail; none while it is active or where there are no statistics.
    :param failed: which of its hosts failed and are still in the inventory; likewise.
    """

    job: Job
    whole: bool = False
    covers: frozenset[str] = NO_HOSTS
    succeeded: frozenset[str] = NO_HOSTS
    failed: frozenset[str] = NO_HOSTS


@dataclass(frozen=True)
class AwaitSource:
    """The source job is active: wait for its end, then decide again."""


@dataclass(frozen=True)
class Refuse:
    """Nothing can be launched as asked."""

    reason: str


@dataclass(frozen=True)
class Done:
    """The work has succeeded already, through this job."""

    job: Job
    reason: str


@dataclass(frozen=True)
class Adopt:
    """This equivalent relaunch is active.

    :param hosts: which of the source's failed hosts it runs on, where that was asked.
    :param rest: remaining hosts that no active relaunch covers.
    :param again: wait for it and then decide again, since it covers only a part of what remains.
    """

    job: Job
    reason: str
    hosts: frozenset[str] = NO_HOSTS
    rest: frozenset[str] = NO_HOSTS
    again: bool = False


@dataclass(frozen=True)
class Launch:
    """Relaunch this job.

    :param hosts: on ``all`` or on its ``failed`` hosts.
    :param names: the failed hosts, where they had to be asked for.
    :param instead: the job to relaunch where the controller forbids it for this one; see "prompted fields" below.
    """

    job: Job
    hosts: str
    reason: str
    names: t.Optional[frozenset[str]] = None
    instead: t.Optional[Launch] = field(default=None)


Decision = t.Union[AwaitSource, Refuse, Done, Adopt, Launch]


def source_counts(source: Job, wish: Wish) -> bool:
    """Whether the source's own success is the success asked for: a check run's is none where a run is asked for."""
    return wish.job_type in (None, source.job_type)


def decide(
    source: Job, wish: Wish, failed_hosts: t.Optional[frozenset[str]] = None, relaunches: t.Sequence[Relaunch] = ()
) -> Decision:
    """What to do about a source job.

    :param source: the job that the task names, as it is now.
    :param wish: what the task asks for.
    :param failed_hosts: its failed hosts that are still in the inventory; None where they need not be known, since
        there is no relaunch to compare them with.
    :param relaunches: the equivalent relaunches, oldest first.
    """
    if source.active and not (wish.force and wish.hosts == ALL):
        if wish.wait:
            return AwaitSource()
        return Refuse(
            f"Job {source.id} is {source.status}: whether it needs a relaunch is not known before it ends. Set "
            "wait: true to wait for that first, or run the task again later."
        )
    if source.successful and source_counts(source, wish) and not (wish.force and wish.hosts == ALL):
        return Done(source, f"Job {source.id} was successful: nothing to relaunch.")
    if wish.hosts == ALL:
        return _decide_whole(source, wish, relaunches)
    if failed_hosts is None:
        return _launch_source(source, FAILED)
    if not failed_hosts:
        decision = _decide_whole(source, wish, relaunches)
        if isinstance(decision, Launch) and not wish.fallback_to_all:
            return Refuse(f"Job {source.id} cannot be relaunched on its failed hosts. {no_failed_hosts(source)}")
        return decision
    if wish.force:
        return _launch_source(source, FAILED, failed_hosts)
    return _decide_failed(source, wish, failed_hosts, relaunches)


def _decide_whole(source: Job, wish: Wish, relaunches: t.Sequence[Relaunch]) -> Decision:
    if not wish.force:
        whole = [relaunch.job for relaunch in relaunches if relaunch.whole]
        for job in reversed(whole):
            if job.active:
                return Adopt(job, f"Job {job.id}, a relaunch of job {source.id}, is {job.status} already.")
        for job in reversed(whole):
            if job.successful:
                return Done(job, f"Job {job.id}, a relaunch of job {source.id}, was successful: nothing to relaunch.")
    return _launch_source(source, ALL)


def _decide_failed(source: Job, wish: Wish, failed_hosts: frozenset[str], relaunches: t.Sequence[Relaunch]) -> Decision:
    remaining = failed_hosts
    healer = source
    for relaunch in relaunches:
        if remaining & relaunch.succeeded:
            remaining -= relaunch.succeeded
            healer = relaunch.job
    if not remaining:
        return Done(
            healer,
            f"The hosts that job {source.id} failed on have succeeded since, the last of them in job {healer.id}: "
            "nothing to relaunch.",
        )
    active = [relaunch for relaunch in relaunches if relaunch.job.active and remaining & relaunch.covers]
    if active:
        newest = active[-1]
        rest = remaining.difference(*(relaunch.covers for relaunch in active))
        return Adopt(
            newest.job,
            f"Job {newest.job.id}, a relaunch of job {source.id}, is {newest.job.status} already.",
            hosts=newest.covers,
            rest=rest,
            again=wish.wait and not remaining <= newest.covers,
        )
    from_source = _launch_source(source, FAILED, failed_hosts)
    for relaunch in reversed(relaunches):
        if relaunch.failed == remaining:
            return Launch(
                relaunch.job,
                FAILED,
                f"Job {relaunch.job.id}, a relaunch of job {source.id}, ended with status {relaunch.job.status}",
                names=remaining,
                instead=from_source,
            )
    return from_source


def _launch_source(source: Job, hosts: str, names: t.Optional[frozenset[str]] = None) -> Launch:
    verb = "is" if source.active else "was" if source.successful else "ended with status"
    return Launch(source, hosts, f"Job {source.id} {verb} {source.status}", names=names)


def no_failed_hosts(job: Job) -> str:
    """Why the controller may know no failed hosts of a finished job, and what to do."""
    return (
        f"The controller knows no failed hosts of job {job.id} (status {job.status}) that are still in the inventory: "
        "its playbook did not get as far as its statistics (syntax error, cancel, timeout, a limit that matches "
        "nothing), or the failed hosts are gone. Set fallback_to_all: true, or hosts: all, to relaunch it as a whole."
    )


def password_values(given: t.Optional[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """The passwords as the controller takes them: strings, none of them blank.

    :raises OptionError: a value is a list or a dictionary. The message does not quote it.
    """
    values = {}
    for name, value in (given or {}).items():
        if isinstance(value, (dict, list)):
            raise OptionError(f"credential_passwords: the value of {name} must be a string.")
        if value is not None and str(value) != "":
            values[str(name)] = str(value)
    return values


def missing_passwords(job: Job, given: t.Mapping[str, str]) -> list[str]:
    """The names the job asks for and was not given, in the controller's order."""
    return [name for name in job.passwords_needed if name not in given]


def payload(job: Job, hosts: str, passwords: t.Mapping[str, str], job_type: t.Optional[str]) -> dict[str, t.Any]:
    """The body of the relaunch POST.

    :param job: the job to relaunch, in detail.
    :param passwords: those that the job does not ask for are not sent.
    :param job_type: sent where it is another than the job's, since most controllers do not know the key.
    """
    body: dict[str, t.Any] = {"hosts": hosts}
    needed = {name: passwords[name] for name in job.passwords_needed if name in passwords}
    if needed:
        body["credential_passwords"] = needed
    if job_type not in (None, job.job_type):
        body["job_type"] = job_type
    return body
