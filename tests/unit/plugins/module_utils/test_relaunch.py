# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table, a row a case."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils import _relaunch
from ansible_collections.relaunch.controller.plugins.module_utils._errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._relaunch import (
    Adopt,
    AwaitSource,
    Decision,
    Done,
    Refuse,
    Relaunch,
    Wish,
    decide,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job


def source(status: str = "failed", **facts: t.Any) -> Job:
    return Job.of(job(42, status, **facts))


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def partial(job_id: int, status: str, covers: str, succeeded: str = "", failed: str = "") -> Relaunch:
    """A relaunch on some of the failed hosts; of a successful one all of them succeeded."""
    relaunched = Job.of(job(job_id, status, launch_type="relaunch"))
    healed = names(covers) if status == "successful" else names(succeeded)
    return Relaunch(relaunched, covers=names(covers), succeeded=healed, failed=names(failed))


def whole(job_id: int, status: str, succeeded: str = "", failed: str = "") -> Relaunch:
    """A relaunch with the source's own limit, whose failed hosts were a, b and c."""
    relaunched = Job.of(job(job_id, status, launch_type="relaunch"))
    healed = names("a b c") if status == "successful" else names(succeeded)
    return Relaunch(relaunched, whole=True, covers=names("a b c"), succeeded=healed, failed=names(failed))


def told(decision: Decision) -> str:
    """A decision in short, for the table."""
    if isinstance(decision, AwaitSource):
        return "await source"
    if isinstance(decision, Refuse):
        return "refuse"
    if isinstance(decision, Done):
        return f"done by {decision.job.id}"
    if isinstance(decision, Adopt):
        rest = f", rest {' '.join(sorted(decision.rest))}" if decision.rest else ""
        return f"adopt {decision.job.id}{rest}{', again' if decision.again else ''}"
    instead = f", else {decision.instead.job.id}" if decision.instead else ""
    return f"launch {decision.job.id} {decision.hosts}{instead}"


ABC = "a b c"

# What is found: the source, its failed hosts (None where they were not asked for), its equivalent relaunches;
# the wish; what to do.
FAILED_HOSTS: list[tuple[str, Job, str | None, list[Relaunch], Wish, str]] = [
    ("active", source("running"), None, [], Wish("failed"), "refuse"),
    ("pending", source("pending"), None, [], Wish("failed"), "refuse"),
    ("active, wait", source("running"), None, [], Wish("failed", wait=True), "await source"),
    ("active, force cannot help", source("running"), None, [], Wish("failed", force=True), "refuse"),
    ("successful", source("successful"), None, [], Wish("failed"), "done by 42"),
    ("successful, force", source("successful"), None, [], Wish("failed", force=True), "done by 42"),
    ("no relaunch known", source(), None, [], Wish("failed"), "launch 42 failed"),
    ("no relaunch, hosts known", source(), ABC, [], Wish("failed"), "launch 42 failed"),
    ("no failed host", source("canceled"), "", [], Wish("failed"), "refuse"),
    ("no failed host, fallback", source("canceled"), "", [], Wish("failed", True), "launch 42 all"),
    ("no failed host, fallback running", source("error"), "", [whole(43, "running")], Wish("failed", True), "adopt 43"),
    (
        "no failed host, fallback done",
        source("error"),
        "",
        [whole(43, "successful")],
        Wish("failed", True),
        "done by 43",
    ),
    ("no failed host, whole done", source("error"), "", [whole(43, "successful")], Wish("failed"), "done by 43"),
    ("no failed host, whole running", source("error"), "", [whole(43, "running")], Wish("failed"), "adopt 43"),
    ("no failed host, whole failed", source("error"), "", [whole(43, "failed")], Wish("failed"), "refuse"),
    ("no failed host, force", source("error"), "", [], Wish("failed", True, force=True), "launch 42 all"),
    ("running, all of it", source(), ABC, [partial(43, "running", ABC)], Wish("failed"), "adopt 43"),
    ("pending, all of it, wait", source(), ABC, [partial(43, "pending", ABC)], Wish("failed", wait=True), "adopt 43"),
    ("running, force", source(), ABC, [partial(43, "running", ABC)], Wish("failed", force=True), "launch 42 failed"),
    ("running, a part", source(), ABC, [partial(43, "running", "a b")], Wish("failed"), "adopt 43, rest c"),
    (
        "running, a part, wait",
        source(),
        ABC,
        [partial(43, "running", "a b")],
        Wish("failed", wait=True),
        "adopt 43, rest c, again",
    ),
    (
        "two running, all between them",
        source(),
        ABC,
        [partial(43, "running", "a b"), partial(44, "running", "c")],
        Wish("failed"),
        "adopt 44",
    ),
    (
        "two running, all between them, wait",
        source(),
        ABC,
        [partial(43, "running", "a b"), partial(44, "running", "c")],
        Wish("failed", wait=True),
        "adopt 44, again",
    ),
    (
        "running on what succeeded before",
        source(),
        ABC,
        [partial(43, "successful", "a"), partial(44, "running", "a")],
        Wish("failed"),
        "launch 42 failed",
    ),
    ("succeeded", source(), ABC, [partial(43, "successful", ABC)], Wish("failed"), "done by 43"),
    (
        "succeeded, force",
        source(),
        ABC,
        [partial(43, "successful", ABC)],
        Wish("failed", force=True),
        "launch 42 failed",
    ),
    ("whole succeeded", source(), ABC, [whole(43, "successful")], Wish("failed"), "done by 43"),
    ("whole running", source(), ABC, [whole(43, "running")], Wish("failed"), "adopt 43"),
    (
        "succeeded between them",
        source(),
        ABC,
        [partial(43, "successful", "a b"), partial(44, "successful", "c")],
        Wish("failed"),
        "done by 44",
    ),
    (
        "succeeded, then failed by force",
        source(),
        ABC,
        [partial(43, "successful", ABC), partial(44, "failed", ABC, "b c", "a")],
        Wish("failed"),
        "done by 43",
    ),
    (
        "failed on fewer",
        source(),
        ABC,
        [partial(43, "failed", ABC, "a", "b c")],
        Wish("failed"),
        "launch 43 failed, else 42",
    ),
    (
        "failed on fewer, twice",
        source(),
        ABC,
        [partial(43, "failed", ABC, "a", "b c"), partial(44, "failed", "b c", "b", "c")],
        Wish("failed"),
        "launch 44 failed, else 42",
    ),
    (
        "failed on all of them again",
        source(),
        ABC,
        [partial(43, "failed", ABC, "", ABC)],
        Wish("failed"),
        "launch 43 failed, else 42",
    ),
    (
        "failed on other hosts than what remains",
        source(),
        ABC,
        [partial(43, "failed", "a", "", "a"), partial(44, "successful", "b")],
        Wish("failed"),
        "launch 42 failed",
    ),
    (
        "an older one failed on exactly what remains",
        source(),
        ABC,
        [partial(43, "failed", ABC, "a b", "c"), partial(44, "canceled", "c")],
        Wish("failed"),
        "launch 43 failed, else 42",
    ),
    ("canceled", source(), ABC, [partial(43, "canceled", ABC)], Wish("failed"), "launch 42 failed"),
    (
        "whole failed elsewhere too",
        source(),
        ABC,
        [whole(43, "failed", "b c", "a x")],
        Wish("failed"),
        "launch 42 failed",
    ),
    (
        "check done, run wanted",
        source("successful", job_type="check"),
        None,
        [],
        Wish("failed", job_type="run"),
        "launch 42 failed",
    ),
]

ALL_HOSTS: list[tuple[str, Job, list[Relaunch], Wish, str]] = [
    ("active", source("waiting"), [], Wish(), "refuse"),
    ("active, wait", source("running"), [], Wish(wait=True), "await source"),
    ("active, force", source("running"), [], Wish(force=True), "launch 42 all"),
    ("successful", source("successful"), [], Wish(), "done by 42"),
    ("successful, force", source("successful"), [], Wish(force=True), "launch 42 all"),
    ("failed", source(), [], Wish(), "launch 42 all"),
    ("canceled", source("canceled"), [], Wish(), "launch 42 all"),
    ("error", source("error"), [], Wish(), "launch 42 all"),
    ("running", source(), [whole(43, "running")], Wish(), "adopt 43"),
    ("running, a newer one failed", source(), [whole(43, "running"), whole(44, "failed")], Wish(), "adopt 43"),
    ("running, force", source(), [whole(43, "running")], Wish(force=True), "launch 42 all"),
    ("succeeded", source(), [whole(43, "successful"), whole(44, "failed")], Wish(), "done by 43"),
    ("failed again", source(), [whole(43, "failed", "a", "b c")], Wish(), "launch 42 all"),
    ("a part running", source(), [partial(43, "running", "a")], Wish(), "launch 42 all"),
    ("a part succeeded", source(), [partial(43, "successful", ABC)], Wish(), "launch 42 all"),
    ("check done, run wanted", source("successful", job_type="check"), [], Wish(job_type="run"), "launch 42 all"),
    ("check done, check wanted", source("successful", job_type="check"), [], Wish(job_type="check"), "done by 42"),
    ("run done, check wanted", source("successful"), [], Wish(job_type="check"), "launch 42 all"),
    (
        "run after a check",
        source("successful", job_type="check"),
        [whole(43, "successful")],
        Wish(job_type="run"),
        "done by 43",
    ),
]


@pytest.mark.parametrize(
    ("found", "failed", "relaunches", "wish", "expected"),
    [r[1:] for r in FAILED_HOSTS],
    ids=[r[0] for r in FAILED_HOSTS],
)
def test_failed_hosts(found: Job, failed: str | None, relaunches: list[Relaunch], wish: Wish, expected: str) -> None:
    failed_hosts = None if failed is None else names(failed)
    assert told(decide(found, wish, failed_hosts, relaunches)) == expected


@pytest.mark.parametrize(
    ("found", "relaunches", "wish", "expected"), [r[1:] for r in ALL_HOSTS], ids=[r[0] for r in ALL_HOSTS]
)
def test_all_hosts(found: Job, relaunches: list[Relaunch], wish: Wish, expected: str) -> None:
    assert told(decide(found, wish, None, relaunches)) == expected


def test_passwords_are_compared_with_what_the_job_asks_for() -> None:
    asking = source(passwords_needed_to_start=["ssh_password", "become_password", "vault_password.dev"])
    given = _relaunch.password_values({"become_password": "x", "ssh_password": "", "vault_password.dev": None})
    assert _relaunch.missing_passwords(asking, given) == ["ssh_password", "vault_password.dev"]


def test_a_password_that_is_no_text_is_refused_without_showing_it() -> None:
    with pytest.raises(OptionError) as refused:
        _relaunch.password_values({"ssh_password": {"hunter": 2}})
    assert "ssh_password" in str(refused.value) and "hunter" not in str(refused.value)


def test_the_payload_holds_what_the_controller_needs_and_no_more() -> None:
    asking = source(passwords_needed_to_start=["ssh_password"])
    assert _relaunch.payload(asking, "failed", {}, None) == {"hosts": "failed"}
    assert _relaunch.payload(asking, "all", {"ssh_password": "x", "other": "y"}, "run") == {
        "hosts": "all",
        "credential_passwords": {"ssh_password": "x"},
    }
    assert _relaunch.payload(asking, "all", {}, "check") == {"hosts": "all", "job_type": "check"}
