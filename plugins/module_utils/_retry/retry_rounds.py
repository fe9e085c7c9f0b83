# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job that is relaunched in rounds: what each round has brought, and whether there is another one. Pure.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from enum import Enum

from .._api.connection import LARGEST_NUMBER
from .._api.errors import OptionError
from .._api.jobs import counted, join
from .._job.outcome import RelaunchOutcome
from .._work.ledger import HostResult, Reach
from .ruled_hosts import NOWHERE
from .rules import Rule, longest_delay, most_attempts, parked_by

# Of how many attempts the result tells at most, the newest ones.
ATTEMPTS_KEPT = 100

# Why there is no further round.
NONE_LEFT = "none_left"
NOTHING_TO_DO = "nothing_to_do"
NONE_CAN_RUN = "none_can_run"
PREDICTED = "predicted"
NOT_POSSIBLE = "not_possible"
DEADLINE_OVER = "deadline_over"
PARKED = "parked"
RETRIES_USED_UP = "retries_used_up"

RETRIES_SPEC: dict[str, t.Any] = dict(
    retries=dict(type="int", default=3),
    delay=dict(type="float", default=30),
    delay_factor=dict(type="float", default=2),
    delay_max=dict(type="float", default=600),
)


@dataclass(frozen=True)
class Schedule:
    """How many rounds there are at most, and the seconds between them."""

    retries: int = 3
    delay: float = 30.0
    delay_factor: float = 2.0
    delay_max: float = 600.0

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Schedule:
        """From validated parameters, RETRIES_SPEC's among them.

        :raises OptionError: one of them cannot be used.
        """
        schedule = cls(**{name: params[name] for name in RETRIES_SPEC})
        if schedule.retries < 1:
            raise OptionError(f"retries must be at least 1, not {schedule.retries}.")
        for name in ("delay", "delay_factor", "delay_max"):
            value = getattr(schedule, name)
            # Nothing sleeps for much longer; what is no number is not within either.
            if not 0 <= value <= LARGEST_NUMBER:
                raise OptionError(f"{name} must be a number from 0 to {LARGEST_NUMBER}, not {value:g}.")
        return schedule

    def delay_after(self, before: t.Optional[float]) -> float:
        """Seconds until the next round.

        :param before: the delay before this round; None where it was the first.
        """
        return min(self.delay if before is None else before * self.delay_factor, self.delay_max)


class Verdict(Enum):
    """What one call of job_relaunch's sequence has come to; of what ends the rounds by itself, why there is no further
    one.
    """

    DONE = "done"
    #: In check mode.
    PREDICTED = PREDICTED
    #: A relaunch ran and failed, was not all that is needed, or met trouble in passing: another one may do better.
    FAILED = "failed"
    #: The deadline was over.
    TOO_LATE = DEADLINE_OVER
    #: Hosts are left that need a person.
    PARKED = PARKED
    #: What trying again will not cure.
    IMPOSSIBLE = NOT_POSSIBLE
    #: By an interruption, or a defect.
    BROKEN_OFF = "broken off"


@dataclass(frozen=True)
class RoundResult:
    """What a round has shown.

    :param outcome: of its call, or what the error of that carries.
    :param passed: what was done in it before it went on to all hosts.
    :param ruled: by name, the hosts that were left when it looked last and that a run can reach, each with its rule;
        empty without rules.
    :param trouble: the trouble in passing that broke it off, as sentences; empty where that was none.
    :param by_limit: the next launch would be limited to hosts by name, so that it leaves out those that need a person.
    """

    verdict: Verdict
    outcome: RelaunchOutcome
    passed: tuple[RelaunchOutcome, ...] = ()
    ruled: t.Mapping[str, Rule] = field(default_factory=dict)
    trouble: str = ""
    by_limit: bool = False

    @property
    def held_up(self) -> set[str]:
        """By name, the hosts that only runs have failed on which failed on one that needs a person, too: a relaunch
        takes all failed hosts of a run that have a row in the inventory.
        """
        left = {name: one for name, one in (self.outcome.records or {}).items() if one.done_in is None}
        parked = [one for one in left.values() if one.reach is Reach.PARKED and one.has_row]
        parking = {job.id for one in parked for job in one.failed_in}
        only = {
            name for name, one in left.items() if one.failed_in and parking.issuperset(run.id for run in one.failed_in)
        }
        return set() if self.by_limit else only


@dataclass(frozen=True)
class AttemptRecord:
    """A relaunch that was launched, adopted, or found to have done what was left, or that trouble kept from being made;
    the fields are keys of the result.

    :param attempt: from 1 on. A round that goes on to all hosts makes two.
    :param job_id: None where there is none, or the answer to the launch was lost.
    :param all_hosts: it ran on all hosts of the job.
    :param hosts: by name, those that it was to bring to success, as far as they are known.
    :param trouble: as of ``RoundResult``.
    """

    attempt: int
    job_id: t.Optional[int]
    url: t.Optional[str]
    status: t.Optional[str]
    all_hosts: bool
    hosts: tuple[str, ...]
    failed_hosts: tuple[str, ...]
    failures: tuple[t.Mapping[str, t.Any], ...]
    trouble: str = ""

    @property
    def job(self) -> str:
        return "a job that was lost" if self.job_id is None else f"job {self.job_id}"


@dataclass(frozen=True)
class RetriedHost:
    """What the rounds have brought to a host.

    :param tried: how many attempts were to bring it to success.
    :param last: the last of these.
    :param begun: whether one of them has begun.
    :param what: what became of it there where it did not succeed, for the summary.
    :param recovered: the attempt in which it succeeded last; None where it never did.
    :param recovered_in: the job in which it did.
    """

    tried: int = 0
    last: int = 0
    begun: bool = False
    what: str = ""
    recovered: t.Optional[int] = None
    recovered_in: t.Optional[int] = None


@dataclass(frozen=True)
class Rounds:
    """The state after each round. Its size depends on the number of hosts, and not on that of rounds.

    :param made: how many there were.
    :param attempts: the newest ones.
    :param attempts_more: how many there were before these.
    :param hosts: by name, those that have been in question.
    :param remaining: names of those that have not succeeded, by the newest result of each.
    :param known: whether a round has shown which these are.
    :param cut_short: these have, and the job had stopped before its end for others.
    :param changed: something was launched.
    :param last: what the last round has shown that has something to tell of a job.
    :param parked: by name, why those that need a person do.
    :param grown: the delay by the schedule alone, which grows.
    :param delay: seconds before the next round.
    :param ended: why there is no next round; None where there is one, or where the last was broken off.
    """

    made: int = 0
    attempts: tuple[AttemptRecord, ...] = ()
    attempts_more: int = 0
    hosts: t.Mapping[str, RetriedHost] = field(default_factory=dict)
    remaining: tuple[str, ...] = ()
    known: bool = False
    cut_short: bool = False
    changed: bool = False
    last: t.Optional[RelaunchOutcome] = None
    parked: t.Mapping[str, str] = field(default_factory=dict)
    grown: t.Optional[float] = None
    delay: float = 0.0
    ended: t.Optional[str] = None

    @property
    def attempted(self) -> int:
        """How many attempts there were."""
        return self.attempts_more + len(self.attempts)

    @property
    def recovered(self) -> dict[str, int]:
        """By name, the hosts that have recovered, each with the attempt in which it did."""
        left = frozenset(self.remaining)
        return {
            name: host.recovered
            for name, host in sorted(self.hosts.items())
            if host.recovered is not None and name not in left
        }


def after_round(rounds: Rounds, shown: RoundResult, schedule: Schedule, left: t.Optional[float] = None) -> Rounds:
    """The state after one more round.

    :param left: seconds until the deadline; None where there is none.
    """
    outcomes = [*shown.passed, shown.outcome]
    if shown.passed and shown.passed[-1].job == shown.outcome.job:
        # It did not get further than that.
        del outcomes[-2]
    if shown.verdict is Verdict.PREDICTED:
        outcomes = []
        still = shown.outcome.remaining_hosts
        rounds = replace(rounds, remaining=still or (), known=still is not None)
    for outcome in outcomes:
        rounds = _noted(rounds, outcome, shown.trouble if outcome is shown.outcome else "")
    grown = schedule.delay_after(rounds.grown)
    parked = {name: why for name, why in parked_by(shown.ruled).items() if name in rounds.remaining}
    rounds = replace(rounds, made=rounds.made + 1, grown=grown, delay=longest_delay(shown.ruled, grown), parked=parked)
    return replace(rounds, ended=_ended(rounds, shown, schedule, left))


def _ended(rounds: Rounds, shown: RoundResult, schedule: Schedule, left: t.Optional[float]) -> t.Optional[str]:
    verdict = shown.verdict
    if verdict is Verdict.DONE:
        if rounds.remaining:
            return NONE_CAN_RUN
        ran = rounds.changed or rounds.recovered or any(attempt.job_id is not None for attempt in rounds.attempts)
        return NONE_LEFT if ran else NOTHING_TO_DO
    if verdict is Verdict.FAILED:
        records = (shown.outcome.records or {}).items()
        nowhere = {name for name, one in records if one.reach in NOWHERE}
        if rounds.parked and not set(rounds.remaining) - nowhere - set(rounds.parked) - shown.held_up:
            return PARKED
        too_late = left is not None and rounds.delay >= left
        used_up = rounds.made >= most_attempts(shown.ruled, schedule.retries)
        return RETRIES_USED_UP if used_up else DEADLINE_OVER if too_late else None
    return None if verdict is Verdict.BROKEN_OFF else verdict.value


def _noted(rounds: Rounds, outcome: RelaunchOutcome, trouble: str) -> Rounds:
    number = rounds.attempted + 1
    remaining = rounds.remaining if outcome.remaining_hosts is None else outcome.remaining_hosts
    done = {name: one.done_in.id if one.done_in else None for name, one in (outcome.records or {}).items()}
    # Hosts can be gone from the remaining ones since they were deleted or renamed: that is no recovery.
    recovered = {name: by for name in rounds.remaining if name not in remaining and (by := done.get(name)) is not None}
    if outcome.job is not None and outcome.failed_hosts is not None:
        own = outcome.job.id
        ran_on = outcome.hosts or () if outcome.ran_on is None else outcome.ran_on.intersection(outcome.hosts or ())
        here = (name for name in ran_on if name not in remaining and done.get(name, own) is not None)
        recovered.update(dict.fromkeys(here, own))
    ran = outcome.changed or outcome.hosts is not None or outcome.failed_hosts is not None
    hosts = dict(rounds.hosts)
    attempts = rounds.attempts
    if ran or recovered or trouble:
        attempt = replace(_attempt(rounds, outcome, number, ran), trouble=trouble)
        attempts = (*attempts, attempt)
        for name in _tried(rounds, outcome) if ran else ():
            before = hosts.get(name, RetriedHost())
            what = _what(attempt, name, outcome)
            begun = before.begun or _has_begun(outcome)
            hosts[name] = replace(before, tried=before.tried + 1, last=number, begun=begun, what=what)
    # Of a host that ran once more after its success the first one counts.
    for name in recovered.keys() - rounds.recovered.keys():
        hosts[name] = replace(hosts.get(name, RetriedHost()), recovered=number, recovered_in=recovered[name])
    return replace(
        rounds,
        attempts=attempts[-ATTEMPTS_KEPT:],
        attempts_more=rounds.attempts_more + len(attempts[:-ATTEMPTS_KEPT]),
        hosts=hosts,
        remaining=tuple(sorted(remaining)),
        known=rounds.known or outcome.remaining_hosts is not None,
        cut_short=bool(outcome.cut_short),
        changed=rounds.changed or outcome.changed,
        # Where it is not known what became of a launch, the job before that one is not the one to tell of.
        last=outcome if outcome.job is not None or outcome.changed else rounds.last,
    )


def _has_begun(outcome: RelaunchOutcome) -> bool:
    """Whether the job has, where it is known which one it is."""
    return outcome.job is None or outcome.job.began


def _tried(rounds: Rounds, outcome: RelaunchOutcome) -> set[str]:
    """Of a relaunch on all hosts, which names none, those that are known to have failed before or in it."""
    return {*rounds.remaining, *(outcome.failed_hosts or ())} if outcome.hosts is None else set(outcome.hosts)


def _attempt(rounds: Rounds, outcome: RelaunchOutcome, number: int, ran: bool) -> AttemptRecord:
    on_all = ran and outcome.hosts is None and outcome.job is not None
    stopped = (rounds.last.stopped_hosts or ()) if on_all and rounds.last else ()
    return AttemptRecord(
        attempt=number,
        job_id=outcome.job.id if outcome.job else None,
        url=outcome.url,
        status=outcome.job.status if outcome.job else None,
        all_hosts=on_all,
        hosts=tuple(sorted(_tried(rounds, outcome).union(stopped))),
        failed_hosts=outcome.failed_hosts or (),
        failures=outcome.failures or (),
    )


def _what(attempt: AttemptRecord, host: str, outcome: RelaunchOutcome) -> str:
    """What became of a host that did not succeed, to go on a sentence."""
    failures = [failure for failure in attempt.failures if failure["host"] == host]
    if failures:
        return f": {failures[-1]['task']}: {' '.join(failures[-1]['message'].split())} ({attempt.job})"
    record = (outcome.records or {}).get(host)
    if host not in attempt.failed_hosts and record is not None:
        if outcome.report_error:
            return f": its result is not known ({attempt.job})"
        if record.absent_in is not None and record.absent_in.id == attempt.job_id:
            return f": it did not run, though asked for ({attempt.job})"
        if attempt.failed_hosts and record.last is HostResult.STOPPED:
            return f": the job stopped before its end for it ({attempt.job})"
    return f" ({attempt.job}, {attempt.status})" if attempt.status else f" ({attempt.job})"


def announced(rounds: Rounds, most: int) -> str:
    """The line about the round to come.

    :param most: how many rounds there are at most.
    """
    left = f": {counted(len(rounds.remaining), 'host')} left: {join(rounds.remaining)}" if rounds.remaining else ""
    # Those by which a round went on to all hosts are more than the rounds.
    most += rounds.attempted - rounds.made
    of = f" of {most}" if rounds.attempted < most else ""
    after = " after trouble with the controller" if rounds.attempts and rounds.attempts[-1].trouble else ""
    return f"attempt {rounds.attempted + 1}{of} in {rounds.delay:g} s{after}{left}"


def summary(rounds: Rounds) -> list[str]:
    """What became of each host, a line for each: first those that have recovered. None in check mode.

    Each attempt on all hosts has a line too, since that names none.
    """
    if rounds.ended == PREDICTED:
        return []
    recovered = rounds.recovered
    lines = [
        f"{name}: recovered at attempt {number} (job {rounds.hosts[name].recovered_in})"
        for name, number in recovered.items()
    ]
    lines += [
        f"all hosts: {attempt.status} at attempt {attempt.attempt} ({attempt.job})"
        for attempt in rounds.attempts
        if attempt.all_hosts
    ]
    lines += [_left(rounds, name) for name in rounds.remaining]
    gone = set(rounds.hosts) - {*recovered, *rounds.remaining}
    return lines + [f"{name}: not among the failed hosts any more" for name in sorted(gone)]


def _left(rounds: Rounds, name: str) -> str:
    host, ended = rounds.hosts.get(name, RetriedHost()), rounds.ended
    if name in rounds.parked:
        return f"{name}: parked: {rounds.parked[name]}{host.what}"
    if host.recovered is not None and host.last > host.recovered:
        again = f"failed again at attempt {host.last}{host.what}"
        return f"{name}: recovered at attempt {host.recovered} (job {host.recovered_in}), {again}"
    if rounds.last and name in (rounds.last.gone_hosts or ()):
        return f"{name}: left, and not in the inventory any more"
    if ended == NONE_CAN_RUN:
        return f"{name}: left, but no relaunch runs on it: it is disabled, or the play does not target it"
    if not host.tried:
        return f"{name}: left, and not tried"
    if not host.begun:
        return f"{name}: left, and no attempt has begun on it{host.what}"
    return f"{name}: still failing after {counted(host.tried, 'attempt')}{host.what}"


def parked_hosts(parked: t.Mapping[str, str]) -> str:
    """Hosts that need a person, with the reasons, for a sentence."""
    return join([f"{name} ({why})" for name, why in sorted(parked.items())])
