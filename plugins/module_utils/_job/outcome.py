# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task has done: the value that sequences return, and that errors carry. Private to this collection."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field, fields, replace

from .._api.client import ControllerClient
from .._api.errors import ControllerError
from .._api.jobs import Job

if t.TYPE_CHECKING:
    from .._work.ledger import HostRecord

# What awx.awx's job_wait returns flat, less "started" and "finished": ansible-core takes these two at the top level
# for its own, and never ends an async task that returns them.
FLAT_FACTS = ("id", "status", "elapsed", "limit", "launch_type", "job_type", "job_explanation")

# What nobody reads in a result, and what would push the failures of a failed task off the screen: where the controller
# ran the job, and the addresses of what belongs to it.
_LEFT_OUT = ("related", "job_env", "job_args", "job_cwd")

Result = dict[str, t.Any]
SomeOutcome = t.TypeVar("SomeOutcome", bound="Outcome")


@dataclass(frozen=True)
class Outcome:
    """What a task has done and knows; a field that is None is left out of the result.

    :param job: the job that does or did the work; None where there is none, so that ``id`` never means another.
    :param url: its page, for a person.
    """

    msg: str = ""
    changed: bool = False
    job: t.Optional[Job] = None
    url: t.Optional[str] = None
    warnings: t.Optional[tuple[str, ...]] = None
    diff: t.Optional[t.Mapping[str, t.Any]] = None

    def result(self) -> Result:
        """The task's result, as plain data."""
        shown = plain_data({one.name: getattr(self, one.name) for one in fields(self)})
        if self.job is not None:
            facts = {name: value for name, value in self.job.facts.items() if name not in _LEFT_OUT}
            shown.update({name: facts[name] for name in FLAT_FACTS if name in facts}, job=facts)
        return shown

    def about(self: SomeOutcome, client: ControllerClient, job: Job) -> SomeOutcome:
        """The same, with this job as the one that does or did the work."""
        return replace(self, job=job, url=client.page_url(job.kind.page, job.id))

    def saying(self: SomeOutcome, *sentences: str) -> SomeOutcome:
        """The same, with more said; empty sentences are none."""
        return replace(self, msg=in_one(self.msg, *sentences))

    def warned(self: SomeOutcome, *warnings: str) -> SomeOutcome:
        """The same with more warnings, each of them once; empty ones are none."""
        new = [warning for warning in warnings if warning and warning not in (self.warnings or ())]
        return replace(self, warnings=(*(self.warnings or ()), *new) or None)

    @property
    def so_far(self) -> str:
        """For the sentence about something that broke the task off: what may be lost sight of."""
        if not self.changed:
            return ""
        if self.job is None:
            return " A job may have been launched. Running the task again is safe: it looks for it first."
        then = "goes on" if self.job.active else f"has ended with status {self.job.status}"
        return f" {self.job.kind.noun.capitalize()} {self.job.id} had been launched and {then}."


@dataclass(frozen=True)
class JobOutcome(Outcome):
    """What is told of a job's work, whether anything was done about it or not."""

    source_job_id: t.Optional[int] = None
    remaining_hosts: t.Optional[tuple[str, ...]] = None
    failures: t.Optional[tuple[t.Mapping[str, t.Any], ...]] = None
    failures_more: t.Optional[int] = None
    stdout_tail: t.Optional[str] = None
    report_error: t.Optional[str] = None
    stopped_hosts: t.Optional[tuple[str, ...]] = None
    gone_hosts: t.Optional[tuple[str, ...]] = None
    cut_short: t.Optional[bool] = None


@dataclass(frozen=True)
class RelaunchOutcome(JobOutcome):
    """What job_relaunch has done; the fields are the keys of its result, where they are documented.

    :param records: no such key: the hosts in question as the last look has shown them, by each name of each.
    :param ran_on: no such key: the names of the hosts that the job has results of; None where that is not known.
    :param left: no such key: those of the warnings that are about hosts which are left.
    """

    relaunched_job_id: t.Optional[int] = None
    own_job_id: t.Optional[int] = None
    hosts: t.Optional[tuple[str, ...]] = None
    failed_hosts: t.Optional[tuple[str, ...]] = None
    retry_counts: t.Any = None
    passwords_missing: t.Optional[tuple[str, ...]] = None
    records: t.Optional[t.Mapping[str, HostRecord]] = None
    ran_on: t.Optional[frozenset[str]] = None
    left: t.Optional[tuple[str, ...]] = None

    def leaving(self, *warnings: str) -> RelaunchOutcome:
        """The same with these warnings about hosts that are left, in place of what was known of them before."""
        kept = tuple(warning for warning in self.warnings or () if warning not in (self.left or ()))
        return replace(self, warnings=kept or None, left=warnings).warned(*warnings)

    def result(self) -> Result:
        return super(RelaunchOutcome, replace(self, records=None, ran_on=None, left=None)).result()


@dataclass
class SequenceState:
    """How far a sequence has come, for a driver of many and for the account.

    :param plan: what would be launched, as a sentence, as soon as it has been decided; empty before.
    :param outcome: what had been done by the last decision.
    :param adopted: whether another caller's job was taken.
    :param looking_up: whether a job is looked for that may have been launched.
    :param tries: how often the next launch has been sent, and was not carried out.
    :param refused: the path of the launch that was sent last, where it was refused and is to be sent once more.
    :param launched: the jobs that it has launched.
    """

    plan: str = ""
    outcome: t.Optional[Outcome] = None
    adopted: bool = False
    looking_up: bool = False
    tries: int = 0
    refused: str = ""
    launched: list[Job] = field(default_factory=list)


class BrokenOffError(ControllerError):
    """An error that ended a task, with what had been done by then.

    :param error: the first one, whose sentence it takes over.
    :param outcome: what had been done and was known.
    """

    def __init__(self, error: ControllerError, outcome: Outcome) -> None:
        super().__init__(str(error))
        self.error = error
        self.outcome = outcome


@contextlib.contextmanager
def carrying(outcome: Outcome) -> t.Iterator[None]:
    """Let whatever breaks off what is done inside, an interruption too, carry what is known here.

    What carries an outcome already keeps it: the innermost knows most.

    :raises BrokenOffError: from a ControllerError. What is none keeps its class, which others tell it by.
    """
    try:
        yield
    except BrokenOffError:
        raise
    except ControllerError as error:
        raise BrokenOffError(error, outcome) from error
    except BaseException as error:
        if outcome_of(error) is None and not isinstance(error, GeneratorExit):
            vars(error)["outcome"] = outcome
        raise


@contextlib.contextmanager
def interrupted_with(outcome: Outcome) -> t.Iterator[None]:
    """Let an interruption carry what is not known any more then; errors of ours say themselves what they leave."""
    try:
        yield
    except ControllerError:
        raise
    except BaseException:
        with carrying(outcome):
            raise


def outcome_of(error: BaseException) -> t.Optional[Outcome]:
    """What an exception carries."""
    return getattr(error, "outcome", None)


def first_error(error: BaseException) -> BaseException:
    """The error itself, where it was broken off by one."""
    return error.error if isinstance(error, BrokenOffError) else error


def in_one(*sentences: str) -> str:
    """One text of some sentences; empty ones are none."""
    return " ".join(filter(None, sentences))


def plain_data(known: t.Mapping[str, t.Any]) -> Result:
    """What is known, as a result has it: lists for tuples, and nothing that is None."""
    return {name: list(one) if isinstance(one, tuple) else one for name, one in known.items() if one is not None}
