# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence behind job_retry: relaunch a job on its failed hosts, again and again, until that is of no more use.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, fields, replace

from .._api.client import ControllerClient
from .._api.errors import ControllerError, DeadlineError, HostsLeftError, JobUnsuccessfulError, ParkedError
from .._api.jobs import FAILED_STATUSES, counted, join
from .._job.outcome import BrokenOffError, RelaunchOutcome, first_error, outcome_of
from .._job.relaunch_job import run_sequence, sequence_of
from .._job.sequence import RelaunchSequence
from .._launch.failure_report import explained
from .._launch.waiting import Progress, Watch, patience_to_launch
from .._work.decision import REMAINING
from .._work.ledger_reader import JobsRead
from .deadline import Deadline
from .options import RetryRequest
from .retry_rounds import (
    DEADLINE_OVER,
    NONE_LEFT,
    PARKED,
    RETRIES_USED_UP,
    RoundResult,
    Rounds,
    Verdict,
    after_round,
    announced,
    parked_hosts,
    summary,
)
from .ruled_hosts import RuledHosts
from .rules import most_attempts


@dataclass(frozen=True)
class RetryOutcome(RelaunchOutcome):
    """What job_retry has done: what the last relaunch has come to, and the account of all of them."""

    job_ids: tuple[int, ...] = ()
    recovered: t.Optional[t.Mapping[str, int]] = None
    attempts: tuple[t.Mapping[str, t.Any], ...] = ()
    attempts_more: int = 0
    ended: t.Optional[str] = None
    parked: t.Optional[t.Mapping[str, str]] = None
    summary: tuple[str, ...] = ()

    @classmethod
    def of(cls, rounds: Rounds, latest: RelaunchOutcome, sentence: str = "") -> RetryOutcome:
        """The account.

        :param latest: of the last round.
        :param sentence: of the error that ended it, if one did.
        """
        last = rounds.last or latest
        facts = {field.name: getattr(last, field.name) for field in fields(RelaunchOutcome)}
        lines, msg = summary(rounds), latest.msg
        if rounds.cut_short or not lines:
            lines.append(sentence or msg)
        if rounds.ended == NONE_LEFT and rounds.made > 1:
            hosts, attempts = counted(len(rounds.recovered), "host"), counted(rounds.attempted, "attempt")
            msg = f"{hosts} recovered within {attempts}. {msg}"
        facts.update(
            msg=msg,
            changed=rounds.changed or latest.changed,
            warnings=latest.warnings,
            source_job_id=latest.source_job_id,
            remaining_hosts=rounds.remaining if rounds.known else None,
            cut_short=rounds.cut_short,
        )
        return cls(
            **facts,
            job_ids=tuple(attempt.job_id for attempt in rounds.attempts if attempt.job_id is not None),
            recovered=rounds.recovered,
            attempts=tuple(map(asdict, rounds.attempts)),
            attempts_more=rounds.attempts_more,
            ended=rounds.ended,
            parked=rounds.parked or None,
            summary=tuple(lines),
        )


def retry_failed_hosts(
    client: ControllerClient,
    request: RetryRequest,
    progress: t.Optional[Progress] = None,
    tell: t.Optional[t.Callable[[str], None]] = None,
) -> RetryOutcome:
    """Relaunch a job on its failed hosts, with delays, until none is left that a relaunch would run on.

    :param client: the controller, and with it clock and sleep.
    :param request: what is asked for.
    :param progress: is shown each job while its end is waited for.
    :param tell: takes a line about each further round before its delay.
    :returns: the account; whatever breaks it off carries that too.
    :raises JobUnsuccessfulError: the rounds are used up, and hosts are left.
    :raises DeadlineError: the deadline is over, or comes before the next round, and hosts are left.
    :raises ControllerError: what trying again will not cure.
    """
    read, rounds, asked = JobsRead(), Rounds(), request.relaunch
    ruled = RuledHosts(client, request.rules)
    by_limit = asked.options.hosts == REMAINING
    launch_by = None if request.deadline is None else client.clock() + request.deadline.seconds
    while True:
        error: t.Optional[BaseException] = None
        sequence: t.Optional[RelaunchSequence] = None
        try:
            if rounds.made:
                if tell:
                    tell(announced(rounds, most_attempts(ruled.left, request.schedule.retries)))
                client.sleep(rounds.delay)
            watch = Watch(client, asked.waiting, progress, launch_by)
            if rounds.last is not None:
                client.patience = patience_to_launch(watch)
            if rounds.made:
                numbers = (rounds.attempts[-1].job_id if rounds.attempts else None, asked.job_id)
                read.forget_what_changed(client, [number for number in numbers if number is not None], by_limit)
            sequence = sequence_of(asked, watch, read, ruled if request.rules else None)
            outcome = run_sequence(sequence, asked, watch)
            if sequence.due:
                raise BrokenOffError(HostsLeftError(outcome.msg), outcome)
        except BaseException as raised:
            error = raised
            outcome = t.cast("t.Optional[RelaunchOutcome]", outcome_of(raised)) or RelaunchOutcome(
                source_job_id=asked.job_id
            )
        left = None if launch_by is None else launch_by - client.clock()
        verdict = _verdict(outcome, error, asked.check_mode, left is not None and left <= 0)
        trouble = _trouble(error) if verdict is Verdict.FAILED else ""
        passed = tuple(sequence.passed if sequence else ())
        shown = RoundResult(verdict, outcome, passed, ruled.left, trouble, by_limit)
        rounds = after_round(rounds, shown, request.schedule, left)
        if error is None:
            return RetryOutcome.of(rounds, outcome)
        if rounds.ended is None and verdict is Verdict.FAILED:
            if outcome.source_job_id is not None:
                # A template was looked up once: a job that somebody launches meanwhile is left alone.
                asked = replace(asked, job_id=outcome.source_job_id, job_template=None, organization=None)
            continue
        raise _with_account(rounds, shown, error, request.deadline)


def _trouble(error: t.Optional[BaseException]) -> str:
    """What broke a round off, as sentences, where trying again may cure it; else empty. What may have been launched the
    next look finds.
    """
    cause = None if error is None else first_error(error)
    return str(cause) if isinstance(cause, ControllerError) and cause.transient else ""


def _with_account(
    rounds: Rounds, shown: RoundResult, error: BaseException, deadline: t.Optional[Deadline]
) -> BaseException:
    """The error that ends the task, with the account of all rounds.

    :param shown: by the last one.
    """
    cause, outcome = first_error(error), shown.outcome
    if rounds.ended == RETRIES_USED_UP:
        cause = JobUnsuccessfulError(_used_up(rounds, outcome, cause))
    if rounds.ended == DEADLINE_OVER and not isinstance(cause, DeadlineError):
        said = f"{_used_up(rounds, outcome, cause)} The deadline, {deadline}, comes before the next attempt."
        if shown.verdict is Verdict.TOO_LATE:
            before = f"the deadline, {deadline}, was over before the controller could be asked."
            said = f"Nothing{' more' if rounds.changed else ''} was relaunched: {before} {cause}"
        cause = DeadlineError(said)
    if rounds.ended == PARKED and not isinstance(cause, ParkedError):
        others = join(shown.held_up - set(rounds.parked))
        rest = f" {others} can only be retried with them." if others else ""
        said = f"{_used_up(rounds, outcome, cause)} What is left is parked: {parked_hosts(rounds.parked)}.{rest}"
        cause = ParkedError(said)
    account = RetryOutcome.of(rounds, outcome, str(cause))
    if isinstance(cause, ControllerError):
        return BrokenOffError(cause, account)
    vars(error)["outcome"] = account
    return error


def _verdict(outcome: RelaunchOutcome, error: t.Optional[BaseException], check_mode: bool, over: bool) -> Verdict:
    if error is None:
        would = outcome.changed or outcome.job is None or outcome.job.active
        return Verdict.PREDICTED if check_mode and would else Verdict.DONE
    cause = first_error(error)
    unasked = over and _trouble(error) and not outcome.changed
    if unasked or isinstance(cause, DeadlineError):
        return Verdict.TOO_LATE
    if isinstance(cause, ParkedError):
        return Verdict.PARKED
    # On its hosts, or by what the controller met while running it: either may go well another time.
    worth_another = outcome.job is not None and outcome.job.status in FAILED_STATUSES
    worth_another = worth_another and isinstance(cause, JobUnsuccessfulError)
    if isinstance(cause, HostsLeftError) or worth_another or (_trouble(error) and not check_mode):
        return Verdict.FAILED
    return Verdict.IMPOSSIBLE if isinstance(cause, ControllerError) else Verdict.BROKEN_OFF


def _used_up(rounds: Rounds, outcome: RelaunchOutcome, error: BaseException) -> str:
    """The sentences about attempts that have not brought all hosts to success.

    :param outcome: of the last one.
    :param error: by which that ended.
    """
    after = f"after {counted(rounds.attempted, 'attempt')}"
    job = "The job" if outcome.source_job_id is None else f"Job {outcome.source_job_id}"
    trouble = rounds.attempts[-1].trouble if rounds.attempts else ""
    last = rounds.last or outcome
    see = f"{f' The last attempt: {trouble}' if trouble else ''}{f' See {last.url}' if last.url else ''}"
    if not rounds.remaining:
        if isinstance(error, JobUnsuccessfulError) and not isinstance(error, HostsLeftError):
            return f"{job} has not succeeded {after}. {error}"
        said = f" {outcome.msg}" if outcome.msg else ""
        return f"{job} has not succeeded {after}.{said}{see}"
    why = explained(last.job) if last.job and not last.job.active else ""
    tried = [name for name in rounds.remaining if name in rounds.hosts and rounds.hosts[name].tried]
    untried = sorted(set(rounds.remaining) - {*tried, *rounds.parked})
    how = f"still fails on {join(tried)}" if tried else "has not succeeded"
    rest = f" Left, and not tried: {join(untried)}." if untried else ""
    parked = f" Parked: {parked_hosts(rounds.parked)}." if rounds.parked and rounds.ended != PARKED else ""
    return f"{job} {how} {after}.{rest}{parked}{why}{see}"
