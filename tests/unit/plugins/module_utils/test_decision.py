# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table, a row a case."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import (
    Adopt,
    Await,
    Decision,
    Done,
    Refuse,
    Wish,
    decide,
    needs_history,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.history import (
    History,
    Host,
    Relaunch,
    newest_words,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job, relaunched

HOSTS = {name: Host(number, name, frozenset({name}), ()) for number, name in enumerate("abcx", 1)}
ABC = "a b c"


def source(status: str = "failed", **facts: t.Any) -> Job:
    return Job.of(job(42, status, **facts))


def partial(
    job_id: int, status: str, limit: str, well: str | None = None, failed: str = "", **facts: t.Any
) -> Relaunch:
    """A relaunch on some of the failed hosts; of a successful one all of them succeeded, if nothing else is said."""
    if well is None:
        well = limit if status == "successful" else ""
    summaries = [HostSummary(HOSTS[name].id, name, name, failed=False) for name in well.split()]
    summaries += [HostSummary(HOSTS[name].id, name, name, failed=True) for name in failed.split()]
    detail = relaunched(job_id, status, **{"limit": ",".join(limit.split()), **facts})
    return Relaunch(Job.of(detail), whole=not limit, summaries=tuple(summaries))


def whole(job_id: int, status: str, well: str = "", failed: str = "", **facts: t.Any) -> Relaunch:
    """A relaunch with the source's own limit."""
    return partial(job_id, status, "", well, failed, **facts)


@dataclass(frozen=True)
class Found:
    """What is known of a source.

    :param failed: the failed hosts of the base; None where they were not asked for.
    :param left_out: those of the source that the base left out.
    :param base: the relaunch that is the base; None for the source.
    :param idle: which of them would not run now.
    """

    source: Job = source()
    relaunches: tuple[Relaunch, ...] = ()
    failed: str | None = ABC
    left_out: str = ""
    base: int | None = None
    idle: str = ""
    early: Job | None = None

    @property
    def history(self) -> History:
        words = None
        if self.failed is not None:
            base = next((one.job for one in self.relaunches if one.job.id == self.base), self.source)
            hosts = [replace(HOSTS[name], failed_in=(base.id,)) for name in self.failed.split()]
            hosts += [replace(HOSTS[name], failed_in=(self.source.id,)) for name in self.left_out.split()]
            words = newest_words(base, hosts, self.relaunches)
            words = replace(words, idle=frozenset(HOSTS[name].id for name in self.idle.split()))
        return History(self.source, self.relaunches, self.early, words)


def found(*relaunches: Relaunch, **more: t.Any) -> Found:
    return Found(relaunches=relaunches, **more)


def told(decision: Decision) -> str:
    """A decision in short, for the table."""
    if isinstance(decision, Await):
        return f"await {decision.job.id}"
    if isinstance(decision, Refuse):
        return "refuse"
    if isinstance(decision, Done):
        return f"done by {decision.job.id}{_told(', left', decision.left)}"
    if isinstance(decision, Adopt):
        return f"adopt {decision.job.id}{_told(' on', decision.hosts)}{_told(', rest', decision.rest)}"
    instead = f", else {decision.instead.job.id}" if decision.instead else ""
    return f"launch {decision.job.id} {decision.hosts}{_told(' due', decision.due)}{instead}"


def _told(word: str, hosts: t.Sequence[Host]) -> str:
    return f"{word} {' '.join(host.name for host in hosts)}" if hosts else ""


FAILED = Wish("failed")
WAIT = Wish("failed", wait=True)
FALLBACK = Wish("failed", fallback_to_all=True)
FORCE = Wish("failed", force=True)
EARLY = Job.of(relaunched(43, "running"))

FAILED_HOSTS: list[tuple[str, Found, Wish, str]] = [
    # The source alone decides.
    ("active", Found(source("running"), failed=None), FAILED, "refuse"),
    ("pending", Found(source("pending"), failed=None), FAILED, "refuse"),
    ("active, wait", Found(source("running"), failed=None), WAIT, "await 42"),
    ("active, force cannot help", Found(source("running"), failed=None), FORCE, "refuse"),
    ("successful", Found(source("successful"), failed=None), FAILED, "done by 42"),
    ("successful, force", Found(source("successful"), failed=None), FORCE, "done by 42"),
    (
        "check done, run wanted",
        Found(source("successful", job_type="check"), failed=None),
        Wish("failed", job_type="run"),
        "launch 42 failed",
    ),
    ("early", found(early=EARLY), FAILED, "refuse"),
    ("early, wait", found(early=EARLY), WAIT, "await 43"),
    ("early, force", found(early=EARLY), FORCE, "launch 42 failed due a b c"),
    # No relaunch.
    ("hosts not asked for", found(failed=None), FAILED, "launch 42 failed"),
    ("hosts known", found(), FAILED, "launch 42 failed due a b c"),
    # No failed hosts.
    ("none", Found(source("canceled"), failed=""), FAILED, "refuse"),
    ("none, fallback", Found(source("canceled"), failed=""), FALLBACK, "launch 42 all"),
    ("none, force", Found(source("error"), failed=""), FORCE, "refuse"),
    ("none, fallback, force", Found(source("error"), failed=""), replace(FALLBACK, force=True), "launch 42 all"),
    ("none, whole running", found(whole(43, "running"), failed=""), FAILED, "adopt 43"),
    ("none, whole running, fallback", found(whole(43, "running"), failed=""), FALLBACK, "adopt 43"),
    (
        "none, whole running, fallback, force",
        found(whole(43, "running"), failed=""),
        replace(FALLBACK, force=True),
        "launch 42 all",
    ),
    ("none, whole done", found(whole(43, "successful", ABC), failed="", base=43), FAILED, "done by 43"),
    ("none, whole done, no statistics", found(whole(43, "successful"), failed=""), FAILED, "done by 43"),
    ("none, whole failed, no statistics", found(whole(43, "error"), failed=""), FAILED, "refuse"),
    ("none, whole failed, fallback", found(whole(43, "error"), failed=""), FALLBACK, "launch 42 all"),
    # What is active.
    ("running, all of it", found(partial(43, "running", ABC)), FAILED, "adopt 43 on a b c"),
    ("pending, all of it, wait", found(partial(43, "pending", ABC)), WAIT, "adopt 43 on a b c"),
    ("running, force", found(partial(43, "running", ABC)), FORCE, "launch 42 failed due a b c"),
    ("whole running", found(whole(43, "running")), FAILED, "adopt 43 on a b c"),
    ("running, a part", found(partial(43, "running", "a b")), FAILED, "adopt 43 on a b, rest c"),
    ("running, a part, wait", found(partial(43, "running", "a b")), WAIT, "await 43"),
    ("two running", found(partial(43, "running", "a b"), partial(44, "running", "c")), FAILED, "adopt 43 on a b"),
    ("two running, wait", found(partial(43, "running", "a b"), partial(44, "running", "c")), WAIT, "await 43"),
    (
        "the one with all of it is preferred",
        found(partial(43, "running", "a"), partial(44, "running", ABC)),
        WAIT,
        "adopt 44 on a b c",
    ),
    ("both with all of it", found(partial(43, "running", ABC), whole(44, "running")), FAILED, "adopt 43 on a b c"),
    (
        "running on what succeeded before",
        found(partial(43, "successful", "a"), partial(44, "running", "a")),
        FAILED,
        "launch 42 failed due b c",
    ),
    (
        "running on all that remains",
        found(partial(43, "successful", "a"), partial(44, "running", "b c")),
        WAIT,
        "adopt 44 on b c",
    ),
    # The newest word on each.
    ("succeeded", found(partial(43, "successful", ABC)), FAILED, "done by 43"),
    ("succeeded, force", found(partial(43, "successful", ABC)), FORCE, "launch 42 failed due a b c"),
    (
        "succeeded between them",
        found(partial(43, "successful", "a b"), partial(44, "successful", "c")),
        FAILED,
        "done by 44",
    ),
    (
        "succeeded between them, the last word is older",
        found(partial(43, "failed", ABC, "a b", "c"), partial(44, "successful", "c"), partial(45, "canceled", "c")),
        FAILED,
        "done by 44",
    ),
    (
        "failed on fewer",
        found(partial(43, "failed", ABC, "a", "b c")),
        FAILED,
        "launch 43 failed due b c, else 42",
    ),
    (
        "failed on fewer, twice",
        found(partial(43, "failed", ABC, "a", "b c"), partial(44, "failed", "b c", "b", "c")),
        FAILED,
        "launch 44 failed due c, else 42",
    ),
    (
        "failed on all of them again",
        found(partial(43, "failed", ABC, "", ABC)),
        FAILED,
        "launch 43 failed due a b c, else 42",
    ),
    (
        "a success is taken back",
        found(partial(43, "successful", ABC), partial(44, "failed", ABC, "b c", "a")),
        FAILED,
        "launch 44 failed due a, else 42",
    ),
    (
        "a failure is made good",
        found(partial(43, "failed", ABC, "b c", "a"), partial(44, "successful", ABC)),
        FAILED,
        "done by 44",
    ),
    (
        "failed on other hosts than what remains",
        found(partial(43, "failed", "a", "", "a"), partial(44, "successful", "b")),
        FAILED,
        "launch 42 failed due a c",
    ),
    (
        "an older one failed on exactly what remains",
        found(partial(43, "failed", ABC, "a b", "c"), partial(44, "canceled", "c")),
        FAILED,
        "launch 43 failed due c, else 42",
    ),
    (
        "two failed on exactly what remains",
        found(partial(43, "failed", ABC, "a b", "c"), partial(44, "failed", "c", "", "c")),
        FAILED,
        "launch 44 failed due c, else 42",
    ),
    ("canceled", found(partial(43, "canceled", ABC)), FAILED, "launch 42 failed due a b c"),
    # Another base.
    ("whole succeeded", found(whole(43, "successful", ABC), failed="", base=43), FAILED, "done by 43"),
    (
        "whole failed elsewhere",
        found(whole(43, "failed", ABC, "x"), failed="x", base=43),
        FAILED,
        "launch 43 failed due x, else 42",
    ),
    (
        "whole failed, then healed",
        found(whole(43, "failed", ABC, "x"), partial(44, "successful", "x"), failed="x", base=43),
        FAILED,
        "done by 44",
    ),
    (
        "whole failed, then less",
        found(whole(43, "failed", "", ABC), partial(44, "failed", ABC, "a b", "c"), base=43),
        FAILED,
        "launch 44 failed due c, else 42",
    ),
    (
        "healed before the whole one failed",
        found(partial(43, "successful", ABC), whole(44, "failed", "b c", "a"), failed="a", base=44),
        FAILED,
        "launch 44 failed due a, else 42",
    ),
    # Hosts that the base left out.
    (
        "left out, disabled",
        found(whole(43, "successful", "a b"), failed="", left_out="c", base=43, idle="c"),
        FAILED,
        "done by 43, left c",
    ),
    (
        "left out, enabled since",
        found(whole(43, "successful", "a b"), failed="", left_out="c", base=43),
        FAILED,
        "launch 42 failed due c",
    ),
    (
        "left out, being done",
        found(whole(43, "successful", "a b"), partial(44, "running", "c"), failed="", left_out="c", base=43),
        FAILED,
        "adopt 44 on c",
    ),
    (
        "left out, healed since",
        found(whole(43, "successful", "a b"), partial(44, "successful", "c"), failed="", left_out="c", base=43),
        FAILED,
        "done by 44",
    ),
    (
        "left out, healed before",
        found(partial(43, "successful", "c"), whole(44, "successful", "a b"), failed="", left_out="c", base=44),
        FAILED,
        "done by 43",
    ),
    (
        "left out two, failed on one",
        found(whole(43, "failed", failed="a"), failed="a", left_out="b c", base=43),
        FAILED,
        "launch 42 failed due a b c",
    ),
    (
        "left out one, failed on two",
        found(whole(43, "failed", failed="a b"), failed="a b", left_out="c", base=43),
        FAILED,
        "launch 43 failed due a b c, else 42",
    ),
    # Hosts that did not run.
    (
        "disabled",
        found(partial(43, "successful", ABC, well="a b"), idle="c"),
        FAILED,
        "done by 43, left c",
    ),
    (
        "enabled since",
        found(partial(43, "successful", ABC, well="a b")),
        FAILED,
        "launch 42 failed due c",
    ),
    ("all disabled", found(partial(43, "successful", ABC, well=""), idle=ABC), FAILED, "done by 43, left a b c"),
    (
        "disabled, and one that failed",
        found(partial(43, "failed", ABC, "a", "b"), idle="c"),
        FAILED,
        "launch 43 failed due b, else 42",
    ),
    (
        "disabled, and one that is being done",
        found(partial(43, "successful", "a c", well="a"), partial(44, "running", "b"), idle="c"),
        WAIT,
        "adopt 44 on b",
    ),
]

ALL_HOSTS: list[tuple[str, Found, Wish, str]] = [
    ("active", Found(source("waiting"), failed=None), Wish(), "refuse"),
    ("active, wait", Found(source("running"), failed=None), Wish(wait=True), "await 42"),
    ("active, force", Found(source("running"), failed=None), Wish(force=True), "launch 42 all"),
    ("successful", Found(source("successful"), failed=None), Wish(), "done by 42"),
    ("successful, force", Found(source("successful"), failed=None), Wish(force=True), "launch 42 all"),
    ("failed", found(failed=None), Wish(), "launch 42 all"),
    ("canceled", Found(source("canceled"), failed=None), Wish(), "launch 42 all"),
    ("error", Found(source("error"), failed=None), Wish(), "launch 42 all"),
    ("early", found(failed=None, early=EARLY), Wish(), "refuse"),
    ("early, wait", found(failed=None, early=EARLY), Wish(wait=True), "await 43"),
    ("early, force", found(failed=None, early=EARLY), Wish(force=True), "launch 42 all"),
    ("running", found(whole(43, "running"), failed=None), Wish(), "adopt 43"),
    ("two running", found(whole(43, "pending"), whole(44, "running"), failed=None), Wish(), "adopt 43"),
    ("running, a newer one failed", found(whole(43, "running"), whole(44, "failed"), failed=None), Wish(), "adopt 43"),
    ("running, force", found(whole(43, "running"), failed=None), Wish(force=True), "launch 42 all"),
    ("succeeded", found(whole(43, "failed"), whole(44, "successful"), failed=None), Wish(), "done by 44"),
    ("taken back", found(whole(43, "successful"), whole(44, "failed"), failed=None), Wish(), "launch 42 all"),
    (
        "not taken back by what never began",
        found(whole(43, "successful"), whole(44, "canceled", started=None), failed=None),
        Wish(),
        "done by 43",
    ),
    (
        "not taken back by what gave way before it ended",
        found(
            whole(43, "successful", finished="2026-11-23T00:50:00.000000Z"),
            whole(44, "canceled", finished="2026-11-23T00:44:02.000000Z"),
            failed=None,
        ),
        Wish(),
        "done by 43",
    ),
    ("failed again", found(whole(43, "failed", "a", "b c"), failed=None), Wish(), "launch 42 all"),
    ("a part running", found(partial(43, "running", "a"), failed=None), Wish(), "launch 42 all"),
    ("a part succeeded", found(partial(43, "successful", ABC), failed=None), Wish(), "launch 42 all"),
    (
        "check done, run wanted",
        Found(source("successful", job_type="check"), failed=None),
        Wish(job_type="run"),
        "launch 42 all",
    ),
    (
        "check done, check wanted",
        Found(source("successful", job_type="check"), failed=None),
        Wish(job_type="check"),
        "done by 42",
    ),
    ("run done, check wanted", Found(source("successful"), failed=None), Wish(job_type="check"), "launch 42 all"),
    (
        "run after a check",
        Found(source("successful", job_type="check"), (whole(43, "successful"),), failed=None),
        Wish(job_type="run"),
        "done by 43",
    ),
]


@pytest.mark.parametrize(("known", "wish", "expected"), [r[1:] for r in FAILED_HOSTS], ids=[r[0] for r in FAILED_HOSTS])
def test_failed_hosts(known: Found, wish: Wish, expected: str) -> None:
    assert told(decide(known.history, wish)) == expected


@pytest.mark.parametrize(("known", "wish", "expected"), [r[1:] for r in ALL_HOSTS], ids=[r[0] for r in ALL_HOSTS])
def test_all_hosts(known: Found, wish: Wish, expected: str) -> None:
    assert told(decide(known.history, wish)) == expected


@pytest.mark.parametrize(
    ("known", "wish", "sentence"),
    [
        (Found(source("running"), failed=None), Wish(), "Job 42 is running: whether a relaunch is needed is not known"),
        (Found(source("running"), failed=None), Wish(force=True), "Job 42 is running"),
        (Found(source("successful"), failed=None), Wish(force=True), "Job 42 was successful"),
        (Found(source("successful"), failed=None), Wish(), "Job 42 was successful: nothing to relaunch."),
        (found(failed=None), Wish(), "Job 42 ended with status failed"),
        (found(partial(43, "failed", "a", "", "a")), FAILED, "Job 42 ended with status failed"),
        (
            found(partial(43, "failed", ABC, "", ABC)),
            FAILED,
            "Job 43, a relaunch of job 42, ended with status failed",
        ),
        (found(whole(43, "pending")), FAILED, "Job 43, a relaunch of job 42, is pending already."),
        (
            found(partial(43, "successful", ABC)),
            FAILED,
            "The hosts that job 42 failed on have succeeded since, the last of them in job 43: nothing to relaunch.",
        ),
        (
            found(partial(43, "successful", ABC, well="a b"), idle="c"),
            FAILED,
            "Those of the hosts that job 42 failed on that can run have succeeded since, the last of them in job 43",
        ),
        (
            found(partial(43, "successful", ABC, well=""), idle=ABC),
            FAILED,
            "None of the hosts that job 42 failed on can run now: nothing to relaunch.",
        ),
        (
            found(whole(43, "successful", "a b"), failed="", left_out="c", base=43, idle="c"),
            FAILED,
            "None of the hosts that job 42 failed on can run now: nothing to relaunch.",
        ),
        (
            Found(source("canceled"), failed=""),
            FAILED,
            "Job 42 cannot be relaunched on its failed hosts. The controller knows no failed hosts of job 42 (status "
            "canceled)",
        ),
    ],
)
def test_a_decision_says_why(known: Found, wish: Wish, sentence: str) -> None:
    decision = decide(known.history, wish)
    assert not isinstance(decision, Await)
    assert decision.reason.startswith(sentence)


def test_what_is_waited_for_is_named() -> None:
    of_source = decide(Found(source("running"), failed=None).history, WAIT)
    part = decide(found(partial(43, "running", "a")).history, WAIT)
    early = decide(found(early=EARLY).history, WAIT)
    assert isinstance(of_source, Await) and of_source.what == "job 42, which is relaunched if it fails,"
    assert isinstance(part, Await) and part.what == "job 43, which relaunches a part of the failed hosts,"
    assert isinstance(early, Await) and "launched before job 42 had ended" in early.what


@pytest.mark.parametrize(
    ("status", "wish", "needed"),
    [
        ("failed", Wish(), True),
        ("failed", FAILED, True),
        ("successful", Wish(), False),
        ("successful", Wish(job_type="check"), True),
        ("successful", Wish(force=True), True),
        ("running", Wish(), False),
        ("running", WAIT, False),
        ("running", Wish(force=True), True),
    ],
)
def test_later_relaunches_are_asked_for_only_where_they_matter(status: str, wish: Wish, needed: bool) -> None:
    assert needs_history(source(status), wish) is needed
