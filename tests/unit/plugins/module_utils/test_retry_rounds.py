# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state after each round, from what the round has shown."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import RelaunchOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_failed_hosts import RetryOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_rounds import (
    ATTEMPTS_KEPT,
    RoundResult,
    Rounds,
    Schedule,
    Verdict,
    after_round,
    announced,
    summary,
)
from ansible_collections.relaunch.controller.plugins.module_utils._retry.rules import Rule
from ansible_collections.relaunch.controller.plugins.module_utils._work.ledger import HostRecord, HostResult, Reach
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job

THREE = Schedule(retries=3, delay=30, delay_factor=2, delay_max=100)


def ran(
    number: int, hosts: str = "", failed: str | None = None, left: str | None = None, **more: t.Any
) -> RelaunchOutcome:
    """The outcome of a relaunch that was launched: names with spaces between; no ``failed`` where it is not known."""
    status = more.pop("status", "failed" if failed else "successful")
    outcome = RelaunchOutcome(
        changed=True,
        job=Job(job(number, status)),
        hosts=tuple(hosts.split()) or None,
        failed_hosts=None if failed is None else tuple(failed.split()),
        remaining_hosts=tuple((failed or "" if left is None else left).split()),
    )
    return replace(outcome, **more)


def known(**hosts: str) -> dict[str, HostRecord]:
    """The hosts in question, each with what the last look has shown: the job that did it or that left it out, that the
    last one stopped for it, or nothing but its failure.
    """
    found = {}
    for name, what in hosts.items():
        record = HostRecord(name, name, frozenset([name]), (Job(job(42)),))
        if what.startswith("done"):
            record = replace(record, done_in=Job(job(int(what[5:]), "successful")), last=HostResult.DONE)
        if what.startswith("absent"):
            record = replace(record, absent_in=Job(job(int(what[7:]))))
        found[name] = replace(record, last=HostResult.STOPPED) if what == "stopped" else record
    return found


DONE, FAILED, IMPOSSIBLE = Verdict.DONE, Verdict.FAILED, Verdict.IMPOSSIBLE
NOTHING = RelaunchOutcome(job=Job(job(42, "successful")))
# What was shown, round by round; then why it ended, who recovered when, who remains, and the rounds of the attempts.
TABLE: dict[str, tuple[list[RoundResult], str | None, dict[str, int], str, list[int]]] = {
    "successful at once": ([RoundResult(DONE, NOTHING)], "nothing_to_do", {}, "", []),
    "healed by one relaunch": ([RoundResult(DONE, ran(43, "a b", ""))], "none_left", {"a": 1, "b": 1}, "", [1]),
    "lost, and done without a word of the host": (
        [
            RoundResult(FAILED, RelaunchOutcome(changed=True, remaining_hosts=("a",))),
            RoundResult(DONE, replace(NOTHING, remaining_hosts=())),
        ],
        "none_left",
        {},
        "",
        [1],
    ),
    "one left": ([RoundResult(FAILED, ran(43, "a b", "b"))], None, {"a": 1}, "b", [1]),
    "healed by two": (
        [RoundResult(FAILED, ran(43, "a b", "b")), RoundResult(DONE, ran(44, "b", ""))],
        "none_left",
        {"a": 1, "b": 2},
        "",
        [1, 2],
    ),
    "used up": ([RoundResult(FAILED, ran(43 + n, "a", "a")) for n in range(3)], "retries_used_up", {}, "a", [1, 2, 3]),
    "a success taken back": (
        [RoundResult(FAILED, ran(43, "a b", "b")), RoundResult(FAILED, ran(44, "a b", "a b"))],
        None,
        {},
        "a b",
        [1, 2],
    ),
    "a success twice": (
        [RoundResult(FAILED, ran(43, "a b", "b")), RoundResult(FAILED, ran(44, "a b", "b"))],
        None,
        {"a": 1},
        "b",
        [1, 2],
    ),
    "healed by others meanwhile": (
        [
            RoundResult(FAILED, ran(43, "a", "a")),
            RoundResult(DONE, replace(NOTHING, remaining_hosts=(), records=known(a="done 50"))),
        ],
        "none_left",
        {"a": 2},
        "",
        [1, 2],
    ),
    "healed by others before": (
        [RoundResult(DONE, replace(NOTHING, remaining_hosts=(), records=known(a="done 50")))],
        "nothing_to_do",
        {},
        "",
        [],
    ),
    "healed by a run on all hosts": (
        [RoundResult(FAILED, ran(43, "a", "a")), RoundResult(DONE, ran(44, "", "", records=known(a="done 44")))],
        "none_left",
        {"a": 2},
        "",
        [1, 2],
    ),
    "renamed meanwhile": (
        [RoundResult(FAILED, ran(43, "a b", "c", records=known(a="failed", b="done 43", c="failed")))],
        None,
        {"b": 1},
        "c",
        [1],
    ),
    "one healed by others, one relaunched": (
        [
            RoundResult(FAILED, ran(43, "a b", "a b")),
            RoundResult(DONE, ran(51, "b", "", records=known(a="done 50", b="done 51"))),
        ],
        "none_left",
        {"a": 2, "b": 2},
        "",
        [1, 2],
    ),
    "deleted meanwhile": (
        [RoundResult(FAILED, ran(43, "a b", "a b")), RoundResult(DONE, ran(44, "b", ""))],
        "none_left",
        {"b": 2},
        "",
        [1, 2],
    ),
    "left out": ([RoundResult(DONE, ran(43, "a b", "", left="b"))], "none_can_run", {"a": 1}, "b", [1]),
    "found to be left out": (
        [RoundResult(DONE, replace(NOTHING, remaining_hosts=("b",)))],
        "none_can_run",
        {},
        "b",
        [],
    ),
    "refused at once": (
        [RoundResult(IMPOSSIBLE, RelaunchOutcome(remaining_hosts=("a",)))],
        "not_possible",
        {},
        "a",
        [],
    ),
    "refused then": (
        [RoundResult(FAILED, ran(43, "a b", "b")), RoundResult(IMPOSSIBLE, RelaunchOutcome())],
        "not_possible",
        {"a": 1},
        "b",
        [1],
    ),
    "canceled": ([RoundResult(IMPOSSIBLE, ran(43, "a", "", "a", status="canceled"))], "not_possible", {}, "a", [1]),
    "not in time, after all of the source's hosts were taken": (
        # Only b remained; a ran once more, with what result nobody knows.
        [RoundResult(IMPOSSIBLE, ran(43, "a b", None, "b", status="running"))],
        "not_possible",
        {},
        "b",
        [1],
    ),
    "lost": (
        [RoundResult(IMPOSSIBLE, RelaunchOutcome(changed=True, remaining_hosts=("a",)))],
        "not_possible",
        {},
        "a",
        [1],
    ),
    "an error, its hosts not known": (
        [RoundResult(FAILED, ran(43, "a", None, "a", status="error"))],
        None,
        {},
        "a",
        [1],
    ),
    "interrupted": ([RoundResult(Verdict.BROKEN_OFF, ran(43, "a", None, "a", status="running"))], None, {}, "a", [1]),
    "in check mode": (
        [RoundResult(Verdict.PREDICTED, RelaunchOutcome(changed=True, hosts=("a",), remaining_hosts=("a",)))],
        "predicted",
        {},
        "a",
        [],
    ),
    "cut short": ([RoundResult(IMPOSSIBLE, ran(43, "a", "", cut_short=True))], "not_possible", {"a": 1}, "", [1]),
    "cut short, then all": (
        [RoundResult(DONE, ran(44, "", ""), passed=(ran(43, "a", ""),))],
        "none_left",
        {"a": 1},
        "",
        [1, 2],
    ),
    "cut short, then all, of which one failed": (
        [RoundResult(FAILED, ran(44, "", "b"), passed=(ran(43, "a", ""),))],
        None,
        {"a": 1},
        "b",
        [1, 2],
    ),
    "cut short, and all could not be launched": (
        [RoundResult(IMPOSSIBLE, ran(43, "a", ""), passed=(ran(43, "a", ""),))],
        "not_possible",
        {"a": 1},
        "",
        [1],
    ),
    "adopted as a whole": ([RoundResult(DONE, ran(43, "", "", changed=False))], "none_left", {}, "", [1]),
}


@pytest.mark.parametrize(("shown", "ended", "recovered", "remaining", "attempts"), TABLE.values(), ids=TABLE)
def test_rounds(
    shown: list[RoundResult], ended: str | None, recovered: dict[str, int], remaining: str, attempts: list[int]
) -> None:
    rounds = Rounds()
    for one in shown:
        assert rounds.ended is None
        rounds = after_round(rounds, one, THREE)

    assert (rounds.ended, rounds.recovered, list(rounds.remaining)) == (ended, recovered, remaining.split())
    assert [attempt.attempt for attempt in rounds.attempts] == attempts
    assert rounds.made == len(shown)


def test_what_is_told_of_each_host() -> None:
    failure = {"host": "c", "task": "Start", "message": "no such\n  unit"}
    rounds = Rounds()
    last = known(a="failed", b="done 44", c="failed", d="absent 44", e="done 44", f="stopped")
    for one in (
        RoundResult(FAILED, ran(43, "a b c d e f", "b c d e f", failures=(failure,))),
        RoundResult(FAILED, ran(44, "a b c d e f", "a c", left="a c d f", failures=(failure,), records=last)),
    ):
        rounds = after_round(rounds, one, THREE)

    assert summary(rounds) == [
        "b: recovered at attempt 2 (job 44)",
        "e: recovered at attempt 2 (job 44)",
        "a: recovered at attempt 1 (job 43), failed again at attempt 2 (job 44, failed)",
        "c: still failing after 2 attempts: Start: no such unit (job 44)",
        "d: still failing after 2 attempts: it did not run, though asked for (job 44)",
        "f: still failing after 2 attempts: the job stopped before its end for it (job 44)",
    ]


def test_what_could_not_be_looked_at_is_told_as_such() -> None:
    """The hosts are as the look before the relaunch has shown them."""
    before = known(a="failed", b="absent 41")
    outcome = ran(43, "a b", "a", left="a b", records=before, report_error="403")

    assert summary(after_round(Rounds(), RoundResult(FAILED, outcome), THREE)) == [
        "a: still failing after 1 attempt (job 43, failed)",
        "b: still failing after 1 attempt: its result is not known (job 43)",
    ]


def test_a_host_that_a_success_left_out_is_told_as_such() -> None:
    shown = RoundResult(IMPOSSIBLE, ran(43, "a b", "", left="b", cut_short=True, records=known(b="absent 43")))

    assert summary(after_round(Rounds(), shown, THREE)) == [
        "a: recovered at attempt 1 (job 43)",
        "b: still failing after 1 attempt: it did not run, though asked for (job 43)",
    ]


def test_the_account_says_within_how_many_attempts() -> None:
    last = ran(43, "a", "", msg="Job 43 was successful.")
    once = after_round(Rounds(), RoundResult(DONE, last), THREE)
    twice = after_round(
        after_round(Rounds(), RoundResult(FAILED, ran(43, "a", "a")), THREE), RoundResult(DONE, last), THREE
    )

    assert RetryOutcome.of(once, last).msg == "Job 43 was successful."
    assert RetryOutcome.of(twice, last).msg == "1 host recovered within 2 attempts. Job 43 was successful."


def test_the_account_says_cut_short_after_its_hosts() -> None:
    last = ran(43, "a", "", cut_short=True)
    rounds = after_round(Rounds(), RoundResult(IMPOSSIBLE, last), THREE)

    account = RetryOutcome.of(rounds, last, "Job 42 had stopped before its end.")
    assert account.summary == ("a: recovered at attempt 1 (job 43)", "Job 42 had stopped before its end.")


def test_a_lost_job_is_told_as_such() -> None:
    lost = RelaunchOutcome(changed=True, remaining_hosts=("a",))
    rounds = after_round(Rounds(), RoundResult(FAILED, ran(43, "a", "a")), THREE)
    rounds = after_round(rounds, RoundResult(IMPOSSIBLE, lost), THREE)

    assert summary(rounds) == ["a: still failing after 2 attempts (a job that was lost)"]
    assert rounds.last is lost


def test_delays_grow_up_to_a_bound() -> None:
    rounds, lines = Rounds(), []
    for number in range(4):
        rounds = after_round(rounds, RoundResult(FAILED, ran(43 + number, "a", "a")), replace(THREE, retries=9))
        lines.append(announced(rounds, 9))

    assert lines == [
        f"attempt {number} of 9 in {delay} s: 1 host left: a"
        for number, delay in [(2, 30), (3, 60), (4, 100), (5, 100)]
    ]


def test_a_round_that_went_on_to_all_hosts_makes_two_attempts() -> None:
    shown = RoundResult(FAILED, ran(44, "", "b"), passed=(ran(43, "a", ""),))

    rounds = after_round(Rounds(), shown, THREE)

    assert announced(rounds, 3) == "attempt 3 of 4 in 30 s: 1 host left: b"
    assert summary(rounds) == [
        "a: recovered at attempt 1 (job 43)",
        "all hosts: failed at attempt 2 (job 44)",
        "b: still failing after 1 attempt (job 44, failed)",
    ]


def test_rounds_end_though_a_host_is_left_that_none_has_reached() -> None:
    rounds, ruled = Rounds(), dict.fromkeys("ab", Rule(retries=2))
    for number in range(2):
        assert rounds.ended is None
        rounds = after_round(rounds, RoundResult(FAILED, ran(43 + number, "a", "a", left="a b"), ruled=ruled), THREE)

    assert rounds.ended == "retries_used_up"


@pytest.mark.parametrize(
    ("more", "held_up", "ended"),
    [
        ({}, {"a", "b"}, "parked"),
        # One that has been done since is held up by nothing, and one that failed in no run is not retried with them.
        ({"c": {"done_in": Job(job(50, "successful"))}}, {"a", "b"}, "parked"),
        ({"c": {"failed_in": (), "last": HostResult.STOPPED}}, {"a", "b"}, None),
        ({"c": {"failed_in": (Job(job(41)), Job(job(42)))}}, {"a", "b"}, None),
        ({"c": {"failed_in": (Job(job(41)),), "reach": Reach.GONE}}, {"a", "b"}, "parked"),
    ],
)
def test_rounds_end_where_the_others_can_be_retried_with_parked_ones_only(
    more: dict[str, dict[str, t.Any]], held_up: set[str], ended: str | None
) -> None:
    records = known(a="failed", b="failed", **dict.fromkeys(more, "failed"))
    records["a"] = replace(records["a"], reach=Reach.PARKED)
    records.update((name, replace(records[name], **facts)) for name, facts in more.items())
    left = [name for name, record in records.items() if record.done_in is None]
    # A look saw d fail on the same before it recovered.
    ruled = dict.fromkeys("ad", Rule(parks=True, reason="a person"))
    shown = RoundResult(FAILED, ran(43, "b", "b", left=" ".join(left), records=records), ruled=ruled)

    rounds = after_round(Rounds(), shown, THREE)

    assert (shown.held_up, rounds.ended, rounds.parked) == (held_up, ended, {"a": "a person"})


@pytest.mark.parametrize(("first", "said"), [("failed", "still failing after 2 attempts"), ("pending", "no attempt")])
def test_that_no_attempt_has_begun_is_told_only_where_none_has(first: str, said: str) -> None:
    rounds = Rounds()
    for number, status in ((43, first), (44, "pending")):
        new = Job(job(number, status, started=None if status == "pending" else "2026-11-23T01:00:01Z"))
        rounds = after_round(rounds, RoundResult(FAILED, replace(ran(number, "a", None, left="a"), job=new)), THREE)

    assert said in summary(rounds)[0]


def test_of_old_attempts_their_number_is_kept() -> None:
    many, rounds = Schedule(retries=10_000), Rounds()
    for number in range(ATTEMPTS_KEPT + 5):
        rounds = after_round(rounds, RoundResult(FAILED, ran(43 + number, "a", "a")), many)

    assert (rounds.attempts[0].attempt, rounds.attempts[-1].attempt) == (6, ATTEMPTS_KEPT + 5)
    assert (len(rounds.attempts), rounds.attempts_more) == (ATTEMPTS_KEPT, 5)
    assert summary(rounds) == [f"a: still failing after {ATTEMPTS_KEPT + 5} attempts (job 147, failed)"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("retries", 0), ("delay", -1.0), ("delay_factor", float("nan")), ("delay_max", float("inf")), ("delay_max", 3e9)],
)
def test_what_cannot_be_used_is_refused(name: str, value: float) -> None:
    params = {"retries": 3, "delay": 1.0, "delay_factor": 1.0, "delay_max": 1.0, name: value}

    with pytest.raises(OptionError, match=f"^{name} must be .*{re.escape(f'{value:g}')}"):
        Schedule.of(params)
