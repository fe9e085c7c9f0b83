# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The newest result of each host over all runs, a row for each rule."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._work.ledger import (
    HostRecord,
    HostResult,
    Ledger,
    Reach,
    done_by,
    done_in,
    ended,
    host_records,
    result_of,
    stopped_records,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.runs import Run, runs_query, same_limit
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import NO_TASK, job, relaunched

NUMBERS = {"a": 1, "b": 2, "c": 3}
DAY = "2026-11-23T"


def summary(name: str, failed: bool = False, **more: t.Any) -> HostSummary:
    """A host's, whose number is that of its name."""
    return HostSummary(**{"host": NUMBERS.get(name), "name": name, "name_then": name, "failed": failed, **more})


def run(
    job_id: int,
    status: str,
    well: str = "",
    failed: str = "",
    unreachable: str = "",
    stopped: str | None = "",
    limit: str = "a,b",
    counted: bool = True,
    **facts: t.Any,
) -> Run:
    """A run, and what its summaries tell of hosts, names with spaces between.

    :param stopped: of those that did not fail; None where that was not asked for.
    :param counted: its summaries were asked for.
    """
    rows = [summary(name) for name in well.split()]
    rows += [summary(name, failed=True) for name in failed.split()]
    rows += [summary(name, failed=True, unreachable=True) for name in unreachable.split()]
    known = None if stopped is None else frozenset(stopped.split())
    detail = Job.of(relaunched(job_id, status, limit, **facts))
    return Run(detail, whole=not limit, summaries=tuple(rows) if counted else None, stopped=known)


def source(failed: str = "a b", **facts: t.Any) -> Run:
    """Job 42, which failed on these."""
    return Run(Job.of(job(42, **facts)), whole=True, summaries=tuple(summary(name, True) for name in failed.split()))


def between(created: str, finished: str | None = None) -> dict[str, t.Any]:
    """The times of a job, of one day."""
    return {"created": f"{DAY}{created}", "finished": f"{DAY}{finished}" if finished else None}


Records = t.Mapping[str, HostRecord]


def records(runs: t.Sequence[Run], of: Run | None = None) -> Records:
    """By their names of today."""
    return {one.name: one for one in host_records(of or source(), runs)}


def done(found: Records) -> dict[str, int]:
    return {name: one.done_in.id for name, one in found.items() if one.done_in is not None}


class TestWhoIsDone:
    """Of a and b, which failed in job 42; by host the run that did it."""

    ROWS: list[tuple[str, list[Run], dict[str, int]]] = [
        ("no run", [], {}),
        ("an active one", [run(43, "running", counted=False)], {}),
        ("a successful one", [run(43, "successful", "a b")], {"a": 43, "b": 43}),
        ("a failed one that went to its end", [run(43, "failed", "a", "b")], {"a": 43}),
        ("a failed one that stopped for a", [run(43, "failed", "a", "b", stopped="a")], {}),
        ("a failed one whose end is not known", [run(43, "failed", "a", "b", stopped=None)], {}),
        ("an error with all statistics", [run(43, "error", "a", "b")], {"a": 43}),
        (
            "one after the other",
            [run(43, "successful", "a", limit="a"), run(44, "successful", "b", limit="b")],
            {"a": 43, "b": 44},
        ),
        ("the last of two is told", [run(43, "successful", "a b"), run(44, "successful", "a")], {"a": 44, "b": 43}),
        ("taken back by a later failure", [run(43, "successful", "a b"), run(44, "failed", failed="a")], {"b": 43}),
        (
            "taken back where it could not be reached",
            [run(43, "successful", "a b"), run(44, "failed", unreachable="a")],
            {"b": 43},
        ),
        ("made good", [run(43, "failed", failed="a b"), run(44, "successful", "a")], {"a": 44}),
        (
            "absent changes nothing",
            [run(43, "successful", "a b"), run(44, "failed", failed="b"), run(45, "successful", "b")],
            {"a": 43, "b": 45},
        ),
        (
            "stopped changes nothing",
            [run(43, "successful", "a b"), run(44, "failed", "a", "b", stopped="a")],
            {"a": 43},
        ),
        (
            "what was not asked for changes nothing",
            [run(43, "successful", "a b"), run(44, "failed", counted=False)],
            {"a": 43, "b": 43},
        ),
        ("it ran though it was not asked for", [run(43, "successful", "a b", limit="a")], {"a": 43, "b": 43}),
        ("all hosts", [run(43, "failed", "a", "b c", limit="")], {"a": 43}),
    ]

    @pytest.mark.parametrize(("runs", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
    def test_rows(self, runs: list[Run], expected: dict[str, int]) -> None:
        assert done(records(runs)) == expected
        # In whichever order they are told.
        assert done(records(runs[::-1])) == expected

    def test_hosts_that_never_failed_are_none_that_are_asked_about(self) -> None:
        assert set(records([run(43, "failed", "a c", "b")])) == {"a", "b"}

    def test_hosts_that_failed_in_a_later_run_are(self) -> None:
        found = records([run(43, "failed", "a b", "c", limit="")])

        assert set(found) == {"a", "b", "c"}
        assert (done(found), [one.id for one in found["c"].failed_in]) == ({"a": 43, "b": 43}, [43])


class TestOverlap:
    """Done is what was created after every run in which it failed had ended: as times, not as texts, and by number too,
    since a clock may be set back.
    """

    ROWS: list[tuple[str, dict[str, t.Any], dict[str, t.Any], bool]] = [
        # Name, times of the run that failed, of the one in which it was done, whether it is.
        ("after it", between("10:00:00Z", "10:30:00Z"), between("10:30:01Z", "10:40:00Z"), True),
        ("in the same instant", between("10:00:00Z", "10:30:00Z"), between("10:30:00Z", "10:40:00Z"), False),
        ("the failure ended last", between("10:00:00Z", "11:30:00Z"), between("10:10:00Z", "10:50:00Z"), False),
        ("the failure ended within", between("10:00:00Z", "10:30:00Z"), between("10:10:00Z", "10:50:00Z"), False),
        ("before it", between("10:30:00Z", "10:40:00Z"), between("10:00:00Z", "10:10:00Z"), False),
        ("no microseconds, after", between("10:00:00Z", "10:30:00Z"), between("10:30:00.000001Z", "10:40:00Z"), True),
        ("no microseconds, before", between("10:00:00Z", "10:30:00.5Z"), between("10:30:00Z", "10:40:00Z"), False),
        ("another zone", between("10:00:00Z", "10:30:00Z"), between("12:29:00+02:00", "10:40:00Z"), False),
    ]

    @pytest.mark.parametrize(("bad", "good", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
    @pytest.mark.parametrize("numbers", [(43, 44), (44, 43)])
    def test_rows(
        self, numbers: tuple[int, int], bad: dict[str, t.Any], good: dict[str, t.Any], expected: bool
    ) -> None:
        before = source("a", **between("09:00:00Z", "09:30:00Z"))
        failed = run(numbers[0], "failed", failed="a", **bad)
        well = run(numbers[1], "successful", "a", **good)

        expected = expected and numbers[1] > numbers[0]
        assert done(records([failed, well], before)) == ({"a": numbers[1]} if expected else {})

    def test_of_several_failures_all_count(self) -> None:
        long = run(43, "failed", failed="a", **between("10:00:00Z", "11:30:00Z"))
        short = run(44, "failed", failed="a", **between("10:10:00Z", "10:20:00Z"))
        well = run(45, "successful", "a", **between("10:30:00Z", "10:40:00Z"))

        found = records([long, short, well], source("a", **between("09:00:00Z", "09:30:00Z")))["a"]

        assert (found.done_in, [one.id for one in found.failed_in]) == (None, [43, 44, 42])

    def test_by_nothing_nobody_is_done(self) -> None:
        assert done_by([], [Job.of(job(42))]) is None

    def test_without_a_failure_the_one_that_ended_last_did_it(self) -> None:
        jobs = [Job.of(job(number, "successful")) for number in (44, 45, 43)]
        by = done_by(jobs, [])
        assert by is not None and by.id == 45

    def test_of_two_that_ended_at_once_the_higher_number_is_last(self) -> None:
        times = between("10:00:00Z", "10:30:00Z")
        assert ended(Job.of(job(44, **times))) > ended(Job.of(job(43, **times)))


class TestResult:
    @pytest.mark.parametrize(
        ("status", "told", "stopped", "expected"),
        [
            ("successful", summary("a"), None, HostResult.DONE),
            ("successful", summary("a", failed=True), None, HostResult.FAILED),
            ("failed", summary("a", failed=True), "a", HostResult.FAILED),
            ("failed", summary("a", failed=True, unreachable=True), "", HostResult.UNREACHABLE),
            ("failed", summary("a"), "", HostResult.DONE),
            ("failed", summary("a"), "b", HostResult.DONE),
            ("failed", summary("a"), "a", HostResult.STOPPED),
            ("failed", summary("new", name_then="a"), "a", HostResult.STOPPED),
            ("failed", summary("a"), None, HostResult.STOPPED),
            ("error", summary("a"), "", HostResult.DONE),
            ("error", summary("a"), None, HostResult.STOPPED),
        ],
    )
    def test_rows(self, status: str, told: HostSummary, stopped: str | None, expected: HostResult) -> None:
        assert result_of(run(43, status, stopped=stopped), told) is expected

    @pytest.mark.parametrize(("failed", "expected"), [(False, HostResult.STOPPED), (True, HostResult.FAILED)])
    @pytest.mark.parametrize("status", ["successful", "failed"])
    def test_a_check_run_does_nobody(self, status: str, failed: bool, expected: HostResult) -> None:
        checked = replace(run(43, status), only_checked=True)
        assert result_of(checked, summary("a", failed=failed)) is expected

    @pytest.mark.parametrize(
        ("runs", "last"),
        [
            ([], HostResult.FAILED),
            ([run(43, "failed", unreachable="a")], HostResult.UNREACHABLE),
            ([run(43, "successful", "a")], HostResult.DONE),
            ([run(43, "failed", "a", "b", stopped="a")], HostResult.STOPPED),
            ([run(43, "successful", "b")], HostResult.FAILED),
        ],
    )
    def test_the_last_one_is_told_of_each_host(self, runs: list[Run], last: HostResult) -> None:
        assert records(runs)["a"].last is last


class TestAbsent:
    """The newest run that asked for a host, and in which it did not run, where that is newer than all others."""

    ROWS: list[tuple[str, list[Run], dict[str, int]]] = [
        ("from a successful one", [run(43, "successful", "a")], {"b": 43}),
        ("from a failed one", [run(43, "failed", failed="a")], {"b": 43}),
        ("from one that did not ask for it", [run(43, "successful", "a", limit="a")], {}),
        ("from two", [run(43, "successful", "a"), run(44, "successful", "a")], {"b": 44}),
        ("it ran later", [run(43, "successful", "a"), run(44, "failed", failed="b", limit="b")], {}),
        ("it ran before", [run(43, "failed", failed="a b"), run(44, "successful", "a")], {"b": 44}),
        ("nobody ran in a successful one", [run(43, "successful")], {"a": 43, "b": 43}),
        ("nobody is known of in one without statistics", [run(43, "failed")], {}),
        ("from an active one nobody is", [run(43, "running", counted=False)], {}),
        ("from one on all hosts", [run(43, "successful", "a", limit="")], {"b": 43}),
    ]

    @pytest.mark.parametrize(("runs", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
    def test_rows(self, runs: list[Run], expected: dict[str, int]) -> None:
        found = records(runs)
        assert {name: one.absent_in.id for name, one in found.items() if one.absent_in} == expected


class TestIdentity:
    def renamed(self, number: int | None, then: str, now: str = "", **more: t.Any) -> HostSummary:
        return HostSummary(number, now or then, then, **{"failed": False, **more})

    def of(self, first: HostSummary, *later: HostSummary, **facts: t.Any) -> tuple[HostRecord, ...]:
        """Of a host that failed in the source by this summary, and was well in a later run by these."""
        failed = Run(Job.of(job(42)), whole=True, summaries=(first,))
        well = Run(Job.of(job(43, "successful", **facts)), whole=True, summaries=later)
        return host_records(failed, [well])

    def test_by_its_number_whatever_its_name(self) -> None:
        (found,) = self.of(self.renamed(1, "web1", "db1", failed=True), self.renamed(1, "db1"))

        assert (found.key, found.name, found.done_in and found.done_in.id) == (1, "db1", 43)
        assert found.names == {"web1", "db1"}

    def test_another_host_that_took_its_name_is_another(self) -> None:
        (found,) = self.of(self.renamed(1, "web1", "old1", failed=True), self.renamed(2, "web1"))

        assert (found.key, found.done_in) == (1, None)

    def test_by_its_name_where_the_template_has_another_inventory(self) -> None:
        (found,) = self.of(self.renamed(1, "web1", failed=True), self.renamed(901, "web1"), inventory=2)

        assert (found.key, found.done_in and found.done_in.id) == (1, 43)

    def test_the_numbers_of_another_inventory_say_nothing(self) -> None:
        (found,) = self.of(self.renamed(1, "web1", failed=True), self.renamed(1, "web2"), inventory=2)

        assert found.done_in is None

    def test_by_its_copy_in_a_constructed_inventory(self) -> None:
        """The summary's own number is that of the input host, which another copy may be made of since."""
        (found,) = self.of(
            self.renamed(1, "web1", failed=True, constructed_host=71), self.renamed(8, "web1", constructed_host=71)
        )

        assert (found.key, found.done_in and found.done_in.id) == (71, 43)

    def test_a_copy_whose_input_host_is_gone_is_the_same_host(self) -> None:
        (found,) = self.of(
            self.renamed(None, "web1", failed=True, constructed_host=71), self.renamed(8, "web1", constructed_host=71)
        )

        assert (found.key, found.done_in and found.done_in.id, found.has_row) == (71, 43, False)

    @pytest.mark.parametrize(("later", "key"), [("web1", 72), ("web2", "web1")], ids=["it ran", "another ran"])
    def test_a_copy_that_came_back_is_the_same_host(self, later: str, key: int | str) -> None:
        """What is left in the summary is the number of the input host."""
        facts = {"summary_fields": {"inventory": {"kind": "constructed"}}}
        failed = Run(Job.of(job(42, **facts)), whole=True, summaries=(self.renamed(8, "web1", failed=True),))
        rows = (self.renamed(8, later, constructed_host=72),)
        (found,) = host_records(failed, [Run(Job.of(job(43, "successful", **facts)), whole=True, summaries=rows)])

        assert (found.key, found.done_in is not None) == (key, later == "web1")

    def test_one_deleted_and_added_again_is_the_same_by_name(self) -> None:
        (found,) = self.of(self.renamed(None, "web1", failed=True), self.renamed(9, "web1"))

        assert (found.key, found.done_in and found.done_in.id, found.has_row) == (9, 43, False)

    def test_by_the_name_of_then_where_it_was_renamed_later(self) -> None:
        (found,) = self.of(self.renamed(None, "web1", failed=True), self.renamed(9, "web1", "db1"))

        assert (found.key, found.name, found.done_in and found.done_in.id) == (9, "db1", 43)

    def test_the_name_of_today_goes_before_one_of_then(self) -> None:
        lost, now, then = self.renamed(None, "web1", failed=True), self.renamed(9, "web1"), self.renamed(8, "web1", "x")

        found = {one.key: one.done_in for one in self.of(lost, now, then)}

        assert list(found) == [9] and found[9] is not None

    def test_one_that_never_had_a_row_goes_by_its_name(self) -> None:
        (found,) = self.of(self.renamed(None, "localhost", failed=True), self.renamed(None, "localhost"))

        assert (found.key, found.has_row, found.done_in and found.done_in.id) == ("localhost", False, 43)

    def test_whether_it_has_a_row_is_told_by_its_newest_failure(self) -> None:
        again = Run(Job.of(job(43)), whole=True, summaries=(self.renamed(9, "web1", failed=True),))
        (found,) = host_records(
            Run(Job.of(job(42)), whole=True, summaries=(self.renamed(None, "web1", failed=True),)), [again]
        )

        assert (found.key, found.has_row) == (9, True)


class TestLedger:
    def ledger(self, *runs: Run, **more: t.Any) -> Ledger:
        return Ledger(source(), runs, hosts=host_records(source(), runs), **more)

    def test_what_remains_and_what_a_relaunch_reaches(self) -> None:
        reach = {"a": Reach.RELAUNCH, "b": Reach.IDLE, "c": Reach.GONE}
        hosts = tuple(HostRecord(name, name, frozenset({name}), (), reach=how) for name, how in reach.items())
        ledger = Ledger(source(), hosts=(*hosts, HostRecord("d", "d", frozenset("d"), (), done_in=Job.of(job(43)))))

        assert [host.name for host in ledger.remaining] == ["a", "b", "c"]
        assert [host.name for host in ledger.due] == ["a"]
        assert [host.name for host in ledger.reached(Reach.IDLE, Reach.GONE)] == ["b", "c"]
        assert (ledger.source.id, Ledger(source()).remaining) == (42, ())

    def test_the_run_that_did_last_what_has_been_done(self) -> None:
        first, last = run(43, "successful", "a", limit="a"), run(44, "successful", "b", limit="b")

        by = self.ledger(last, first).last_done
        assert by is not None and by.id == 44
        assert self.ledger().last_done is None

    ROWS: list[tuple[str, list[Run], int | None]] = [
        ("none", [], None),
        ("one", [run(43, "successful", limit="")], 43),
        ("on a part", [run(43, "successful", limit="a")], None),
        ("active", [run(43, "running", limit="")], None),
        ("taken back", [run(43, "successful", limit=""), run(44, "failed", limit="")], None),
        ("taken back by an error", [run(43, "successful", limit=""), run(44, "error", limit="")], None),
        ("not by one on a part", [run(43, "successful", limit=""), run(44, "failed", limit="a")], 43),
        ("not by one that was canceled", [run(43, "successful", limit=""), run(44, "canceled", limit="")], 43),
        (
            "not by one that never began",
            [run(43, "successful", limit=""), run(44, "failed", limit="", started=None)],
            43,
        ),
        (
            "one that overlaps a failure is none",
            [
                run(43, "failed", limit="", **between("10:00:00Z", "11:30:00Z")),
                run(44, "successful", limit="", **between("10:40:00Z", "10:50:00Z")),
            ],
            None,
        ),
        ("made before the source had ended", [run(43, "successful", limit="", created=job(42)["created"])], None),
    ]

    @pytest.mark.parametrize(("runs", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
    def test_whole_success(self, runs: list[Run], expected: int | None) -> None:
        by = self.ledger(*runs).whole_success
        assert (by and by.id) == expected


class TestRun:
    @pytest.mark.parametrize(
        ("limit", "whole", "covered"),
        [
            ("a,b", False, True),
            ("c", False, False),
            ("", False, True),
            ("webservers", True, True),
            ("a*", False, False),
            ("a,b,!group", False, False),
            ("a,b,&group", False, False),
            ("a,b,!group", True, True),
        ],
    )
    def test_covers(self, limit: str, whole: bool, covered: bool) -> None:
        assert Run(Job.of(relaunched(43, limit=limit)), whole=whole).covers(frozenset({"a", "old"})) is covered

    @pytest.mark.parametrize(
        ("limit", "runs"),
        [
            ("a:x", True),
            ("x a", True),
            ("all", True),
            ("*:!x", True),
            ("!x", True),
            ("a*", True),
            ("x:all:!a:!old", False),
            ("x", False),
            ("x:!group", False),
            ("a,!x", True),
            ("a:&all", True),
            ("a,x,!group", None),
            ("a,x,&group", None),
            ("a,!a", None),
            ("group", None),
            ("b*", None),
            ("all:!group", None),
            ("all:!old", None),
            ("all:&group", None),
            ("~a", None),
            ("a[0]", None),
            ("[a]*", None),
        ],
    )
    def test_whether_it_runs_on_a_host(self, limit: str, runs: bool | None) -> None:
        run = Run(Job.of(relaunched(43, "running", limit=limit)), no_groups=frozenset({"x"}))
        assert run.runs_on(frozenset({"a", "old"})) is runs

    def test_whom_a_relaunch_of_it_reaches(self) -> None:
        gone = summary("gone", failed=True)
        found = Run(Job.of(job(43)), summaries=(summary("a", failed=True), summary("b"), gone))

        assert found.failed_present == {"a"}
        assert Run(Job.of(job(43))).failed_present == frozenset()


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [("", "", True), (None, "", True), ("a,b", "b, a", True), ("a", "a,b", False), ("", "a", False)],
)
def test_same_limit(ours: str | None, theirs: str, same: bool) -> None:
    assert same_limit(Job.of(job(42, limit=ours)), Job.of(job(43, limit=theirs))) is same


def test_runs_are_looked_for_whatever_launched_them() -> None:
    assert runs_query(Job.of(job(42))) == {"order_by": "id", "unified_job_template": 7}


def test_those_of_an_orphan_by_its_name() -> None:
    assert runs_query(Job.of(job(42, unified_job_template=None))) == {
        "order_by": "id",
        "unified_job_template__isnull": "true",
        "name": "Deploy",
    }


def test_a_host_keeps_the_name_that_its_newest_summary_lacks() -> None:
    renamed = summary("new", failed=True, host=2, name_then="b")
    of_source = Run(Job.of(job(42)), whole=True, summaries=(renamed,))
    lost = Run(Job.of(relaunched(43, "failed", "b")), summaries=(summary("b", failed=True, host=None),))
    (record,) = host_records(of_source, [lost])
    assert (record.name, record.names, record.has_row) == ("new", {"b", "new"}, False)


def test_whom_a_run_stopped_for_is_known_by_the_names_of_then() -> None:
    stopped = Run(
        Job.of(job(42)), whole=True, summaries=(summary("new", host=2, name_then="b"),), stopped=frozenset({"b"})
    )
    since = Run(Job.of(relaunched(43, "successful", "new")), summaries=(summary("new", host=2),))
    assert done_in(1, stopped, {"b", "c"}, []) == {"b": None, "c": None}
    assert done_in(1, stopped, {"b", "c"}, [since]) == {"b": since.job, "c": None}


def test_one_without_a_summary_is_done_under_its_name_of_today() -> None:
    begun = Run(Job.of(relaunched(43, "successful", "c")), summaries=(summary("now", host=3, name_then="c"),))
    assert done_in(1, source("a"), {"now", "c"}, [begun]) == {"now": begun.job, "c": None}


@pytest.mark.parametrize(
    ("then", "later"),
    [((summary("b"),), summary("b")), ((summary("b"),), summary("new", host=2)), ((), summary("b"))],
    ids=["a run stopped for it", "renamed since", "a run never began on it"],
)
def test_one_that_is_left_is_absent_until_it_ran_again(then: tuple[HostSummary, ...], later: HostSummary) -> None:
    base = Run(Job.of(job(42)), whole=True, summaries=then, stopped=frozenset("b"))
    without, again = run(43, "successful", "a"), replace(run(44, "failed", stopped=None), summaries=(later,))
    for runs, absent_in in (([without], without.job), ([without, again], None)):
        (record,) = stopped_records(1, base, {"b"}, runs, ())
        assert record.absent_in is absent_in


class TestAnotherHostHasItsName:
    """Host b, number 2, was renamed to old, and number 9 is called b since, which was done in job 43."""

    since = Run(Job.of(relaunched(43, "successful", "b")), summaries=(summary("b", host=9),))

    def base(self, failed: bool) -> Run:
        rows = (summary("old", host=2, name_then="b", failed=failed),)
        return Run(Job.of(job(42)), whole=True, summaries=rows, stopped=frozenset({"b"}))

    def test_it_is_not_done_by_that(self) -> None:
        assert done_in(1, self.base(failed=False), {"b"}, [self.since]) == {"b": None}

    def test_nor_left_out_where_a_limit_names_that(self) -> None:
        (record,) = host_records(self.base(failed=True), [self.since])

        assert (record.name, record.done_in, record.absent_in) == ("old", None, None)

    def test_a_run_on_all_hosts_has_left_it_out(self) -> None:
        (record,) = host_records(self.base(failed=True), [replace(self.since, whole=True)])

        assert record.absent_in is self.since.job

    @pytest.mark.parametrize("number", [9, None])
    def test_that_it_failed_does_not_hide_whom_a_run_stopped_for(self, number: int | None) -> None:
        """Where that has lost its row, nobody knows that it is another."""
        again = Run(Job.of(relaunched(43, "failed", "b")), summaries=(summary("b", host=number, failed=True),))
        base = self.base(failed=False)
        known = host_records(base, [again])
        found = stopped_records(1, base, {"b"}, [again], known)

        assert [(one.key, one.name, one.absent_in) for one in found] == ([(2, "old", None)] if number else [])


def test_a_run_that_never_began_takes_no_success_back() -> None:
    done = run(43, "successful", limit="")
    never = run(44, "error", limit="", started=None)
    assert Ledger(source(), (done, never)).whole_success is done.job
    assert Ledger(source(), (done, run(44, "error", limit=""))).whole_success is None
    # A detail tells it of one that was started, such as with a syntax error.
    assert Ledger(source(), (done, run(44, "failed", limit="", **NO_TASK))).whole_success is done.job
    overlapping = run(43, "successful", limit="", **between("00:41:30Z", "00:43:00Z"))
    assert Ledger(source(started=None), (overlapping,)).whole_success is overlapping.job
    assert Ledger(source(), (overlapping,)).whole_success is None
