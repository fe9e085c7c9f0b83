# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each failed host: as a pure function, and asked of a scripted controller."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import EVENTS_TIMEOUT, Waiting, Watch
from ansible_collections.relaunch.controller.plugins.module_utils._work.history import (
    IDS_AT_ONCE,
    Historian,
    History,
    Relaunch,
    failed_hosts,
    newest_words,
    same_limit,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.same_work import SameWork
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
    JOBS,
    at,
    in_list,
    job,
    listed,
    prompts,
    relaunched,
    summary,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

HOSTS = "/api/v2/inventories/1/hosts/"


def summaries(*entries: dict[str, t.Any]) -> tuple[HostSummary, ...]:
    return tuple(map(HostSummary.of, entries))


def ran(job_id: int, status: str, limit: str = "web1,web2", well: str = "", failed: str = "") -> Relaunch:
    """A relaunch, and on which hosts it went how; no limit: on all."""
    told = [summary(name, failed=False) for name in well.split()] + [summary(name) for name in failed.split()]
    detail = relaunched(job_id, status, limit)
    return Relaunch(Job.of(detail), whole=not limit, summaries=summaries(*told))


class TestNewestWords:
    """Of web1 and web2, which failed in job 42."""

    BASE = Job.of(job(42))
    FAILED = failed_hosts([(BASE, summaries(summary("web1"), summary("web2")))])

    # The relaunches, oldest first; by whom a host has recovered, and in what it did not run.
    ROWS: list[tuple[str, list[Relaunch], dict[int, int], dict[int, int]]] = [
        ("none", [], {}, {}),
        ("active", [ran(43, "running")], {}, {}),
        ("both well", [ran(43, "successful", well="web1 web2")], {1: 43, 2: 43}, {}),
        ("one well, the job failed", [ran(43, "failed", well="web1", failed="web2")], {1: 43}, {}),
        (
            "one after the other",
            [ran(43, "successful", "web1", well="web1"), ran(44, "successful", "web2", well="web2")],
            {1: 43, 2: 44},
            {},
        ),
        ("twice well", [ran(43, "successful", well="web1"), ran(44, "successful", "", well="web1")], {1: 44}, {2: 44}),
        (
            "taken back",
            [ran(43, "successful", well="web1 web2"), ran(44, "failed", "web1", failed="web1")],
            {2: 43},
            {},
        ),
        (
            "made good",
            [ran(43, "failed", failed="web1 web2"), ran(44, "successful", "web1", well="web1")],
            {1: 44},
            {},
        ),
        ("did not run in a successful one", [ran(43, "successful", well="web1")], {1: 43}, {2: 43}),
        ("did not run in a failed one", [ran(43, "failed", failed="web1")], {}, {2: 43}),
        (
            "did not run, an older one is asked",
            [ran(43, "successful", well="web1 web2"), ran(44, "successful", well="web1")],
            {1: 44, 2: 43},
            {},
        ),
        (
            "did not run, the older one says failed",
            [ran(43, "failed", failed="web1 web2"), ran(44, "successful", well="web1")],
            {1: 44},
            {2: 44},
        ),
        (
            "did not run twice",
            [ran(43, "successful", well="web1"), ran(44, "successful", well="web1")],
            {1: 44},
            {2: 44},
        ),
        ("nobody ran in a successful one", [ran(43, "successful")], {}, {1: 43, 2: 43}),
        (
            "nobody is known of in one without statistics",
            [ran(43, "successful", well="web1 web2"), ran(44, "canceled")],
            {1: 43, 2: 43},
            {},
        ),
        (
            "ran in one that did not ask for it",
            [ran(43, "successful", "web1", well="web1 web2")],
            {1: 43},
            {},
        ),
        ("all hosts", [ran(43, "failed", "", well="web1", failed="web2 web3")], {1: 43}, {}),
    ]

    @pytest.mark.parametrize(
        ("relaunches", "recovered", "absent"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
    )
    def test_rows(self, relaunches: list[Relaunch], recovered: dict[int, int], absent: dict[int, int]) -> None:
        words = newest_words(self.BASE, self.FAILED, relaunches)

        assert {host: by.id for host, by in words.recovered.items()} == recovered
        assert {host: by.id for host, by in words.absent.items()} == absent
        assert {host.id for host in words.remaining} == {1, 2} - set(recovered)
        last = max([*recovered.values(), *absent.values()], default=42)
        assert words.healer.id == last

    def test_a_renamed_host_is_asked_for_by_the_name_of_then(self) -> None:
        hosts = failed_hosts([(self.BASE, summaries(summary("web1", now="db1")))])
        by_old = ran(43, "successful", "web1", well="web1")
        by_new = Relaunch(Job.of(relaunched(44, "failed", "db1")), False, summaries(summary("web1", now="db1")))

        assert newest_words(self.BASE, hosts, [by_old]).recovered[1].id == 43
        assert newest_words(self.BASE, hosts, [by_old, by_new]).recovered == {}

    def test_deleted_hosts_and_those_that_did_not_fail_are_none(self) -> None:
        told = summaries(summary("web1"), summary("web2", present=False), summary("web3", failed=False))
        hosts = failed_hosts([(self.BASE, told)])
        assert [host.name for host in hosts] == ["web1"]
        assert Relaunch(self.BASE, True, summaries(summary("web1"), summary("gone", present=False))).failed_ids == {1}


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [("", "", True), (None, "", True), ("a,b", "b, a", True), ("a", "a,b", False), ("", "a", False)],
)
def test_same_limit(ours: str | None, theirs: str, same: bool) -> None:
    assert same_limit(Job.of(job(42, limit=ours)), Job.of(job(43, limit=theirs))) is same


@pytest.fixture
def clock() -> Clock:
    return Clock()


Look = t.Callable[..., History]


@pytest.fixture
def look(controller: ScriptedController, clock: Clock) -> t.Iterator[Look]:
    with ControllerClient(ConnectionOptions(controller.url, token="t", max_retries=0), clock.read, clock.sleep) as on:

        def look(whole: bool = False, hosts_needed: bool = False, equivalents: bool = True, **source: t.Any) -> History:
            of = Job.of(job(42, **source))
            watch = Watch(on, Waiting())
            return Historian(on, watch, of, SameWork(on, of), whole, hosts_needed).history(equivalents)

        yield look


def later(controller: ScriptedController, *jobs: dict[str, t.Any]) -> None:
    controller.expect("GET", JOBS, body=listed(*map(in_list, jobs)))


def counted(controller: ScriptedController, job_id: int, *hosts: dict[str, t.Any]) -> None:
    controller.expect("GET", at(job_id, "job_host_summaries"), body=listed(*hosts))


def ids(history: History) -> list[int]:
    return [one.job.id for one in history.relaunches]


class TestAsking:
    def test_one_request_where_there_is_no_relaunch(self, controller: ScriptedController, look: Look) -> None:
        later(controller)

        history = look()

        assert (history.relaunches, history.words, history.newest, history.masked) == ((), None, 42, False)
        query = controller.asked[0].query
        del query["page"], query["page_size"]
        assert query == {
            "launch_type": "relaunch",
            "order_by": "id",
            "unified_job_template": "7",
            "id__gt": "42",
        }

    def test_relaunches_of_an_orphan_are_told_by_name(self, controller: ScriptedController, look: Look) -> None:
        gone = {"unified_job_template": None}
        later(
            controller,
            relaunched(43, "successful", limit="", **gone),
            relaunched(44, "successful", limit="", name="Backup", **gone),
        )

        history = look(whole=True, **gone)

        assert (ids(history), history.newest) == ([43], 44)
        query = controller.asked[0].query
        assert (query["unified_job_template__isnull"], query["name"]) == ("true", "Deploy")
        assert "unified_job_template" not in query

    def test_the_hosts_too_where_they_matter_anyway(self, controller: ScriptedController, look: Look) -> None:
        later(controller)
        counted(controller, 42, summary("web1"), summary("gone", present=False))

        words = look(hosts_needed=True).words

        assert words and [host.name for host in words.due] == ["web1"]
        assert controller.asked[1].query["failed"] == "true"

    @pytest.mark.parametrize("hosts_needed", [False, True])
    def test_relaunches_that_do_not_count_are_numbers_only(
        self, controller: ScriptedController, look: Look, hosts_needed: bool
    ) -> None:
        later(controller, relaunched(43, "running", extra_vars="{x: 1}"), relaunched(50, "successful"))
        if hosts_needed:
            counted(controller, 42, summary("web1"))

        history = look(equivalents=False, hosts_needed=hosts_needed)

        assert (history.relaunches, history.early, history.newest) == ((), None, 50)
        assert (history.words is not None) == hosts_needed

    def test_where_all_hosts_are_wanted_partial_ones_do_not_matter(
        self, controller: ScriptedController, look: Look
    ) -> None:
        later(
            controller,
            relaunched(43, "failed", limit="web1"),
            relaunched(44, "failed", ""),
            relaunched(45, "running", ""),
        )

        history = look(whole=True)

        assert (ids(history), history.words, history.newest) == ([44, 45], None, 45)

    def test_only_the_same_work_counts(self, controller: ScriptedController, look: Look) -> None:
        later(controller, relaunched(43, "failed", limit="", inventory=2), relaunched(44, limit="web1", inventory=2))
        controller.expect("GET", at(42, "create_schedule"), body=prompts())
        controller.expect("GET", at(43, "create_schedule"), body=prompts(inventory={"id": 2}))
        counted(controller, 42, summary("web1"))

        history = look()

        # The second one has the values of the first, so that it is not asked about.
        assert (ids(history), history.newest) == ([], 44)

    @pytest.mark.parametrize("limit", ["web1,web3", "web3", "w*"])
    def test_limits_that_are_no_failed_hosts_are_other_work(
        self, controller: ScriptedController, look: Look, limit: str
    ) -> None:
        later(controller, relaunched(43, "running", limit=limit))
        counted(controller, 42, summary("web1"), summary("web2"))

        assert ids(look()) == []

    def test_deleted_hosts_may_be_in_a_limit(self, controller: ScriptedController, look: Look) -> None:
        later(controller, relaunched(43, "running", limit="web1,web2"))
        counted(controller, 42, summary("web1"), summary("web2", present=False))

        assert ids(look()) == [43]

    def test_a_secret_that_counts_as_equal_is_told(self, controller: ScriptedController, look: Look) -> None:
        secret = {"extra_vars": '{"a": "$encrypted$"}'}
        later(controller, relaunched(43, "running", **secret))
        counted(controller, 42, summary("web1"), summary("web2"))

        assert look(**secret).masked is True

    def test_before_the_end_of_the_source(self, controller: ScriptedController, look: Look) -> None:
        """What was made then counts while it is active, since the same work must not run twice at once."""
        then = {"limit": "", "created": job(42)["created"]}
        later(
            controller,
            relaunched(43, "successful", **then),
            relaunched(44, "running", **then),
            relaunched(45, "pending", **then),
        )

        history = look(whole=True)

        assert (ids(history), history.early and history.early.id) == ([], 44)


class TestBase:
    def words(self, history: History) -> tuple[int, list[str]]:
        assert history.words is not None
        return history.words.base.id, [host.name for host in history.words.hosts]

    def test_the_newest_whole_one_with_statistics(self, controller: ScriptedController, look: Look) -> None:
        later(controller, relaunched(43, "failed", limit=""), relaunched(44, "failed", limit=""))
        counted(controller, 44, summary("web1", failed=False), summary("web3"))
        counted(controller, 43, summary("web1"))
        counted(controller, 42, summary("web1"))

        assert self.words(look()) == (44, ["web3"])

    def test_one_without_statistics_is_none(self, controller: ScriptedController, look: Look) -> None:
        later(controller, relaunched(43, "failed", limit=""), relaunched(44, "error", limit=""))
        controller.whenever("GET", at(44, "job_host_summaries"), body=listed())
        controller.whenever("GET", at(44), body=relaunched(44, "error", limit=""))
        counted(controller, 43, summary("web3"))
        counted(controller, 42)

        assert self.words(look()) == (43, ["web3"])

    @pytest.mark.parametrize(
        "whole",
        [relaunched(43, "running", ""), relaunched(43, "canceled", "", started=None)],
        ids=["active", "canceled"],
    )
    def test_one_that_cannot_have_any_is_not_asked(
        self, controller: ScriptedController, look: Look, whole: dict[str, t.Any]
    ) -> None:
        later(controller, whole)
        counted(controller, 42, summary("web1"))

        assert self.words(look()) == (42, ["web1"])

    def test_what_came_before_it_is_not_asked(self, controller: ScriptedController, look: Look) -> None:
        later(
            controller,
            relaunched(43, "successful", limit="web3"),
            relaunched(44, "failed", limit=""),
            relaunched(45, "successful", limit="web3"),
        )
        counted(controller, 44, summary("web3"))
        counted(controller, 42, summary("web3"))
        counted(controller, 45, summary("web3", failed=False))

        history = look()

        assert history.words and {host: by.id for host, by in history.words.recovered.items()} == {3: 45}

    def test_what_came_before_it_is_no_word(self, controller: ScriptedController, look: Look) -> None:
        later(
            controller,
            relaunched(43, "successful", limit="web3"),
            relaunched(44, "failed", limit=""),
            relaunched(45, "canceled", limit="web3"),
        )
        counted(controller, 44, summary("web3"))
        counted(controller, 42, summary("web3"))
        controller.whenever("GET", at(45, "job_host_summaries"), body=listed())
        controller.whenever("GET", at(45), body=relaunched(45, "canceled", limit="web3"))

        words = look().words

        assert words and (words.recovered, words.absent) == ({}, {})

    def test_whom_it_left_out_an_older_one_tells_of(self, controller: ScriptedController, look: Look) -> None:
        later(
            controller,
            relaunched(43, "failed", limit=""),
            relaunched(44, "successful", limit="web4"),
            relaunched(45, "successful", limit=""),
        )
        counted(controller, 45, summary("web1", failed=False))
        counted(controller, 43, summary("web3"), summary("web4"))
        counted(controller, 42, summary("web1"), summary("web2"), summary("web3"))
        # What was partial is older than the base, and matters for whom that left out only.
        counted(controller, 44, summary("web4", failed=False))
        controller.expect("GET", HOSTS, body=listed())

        words = look().words

        assert words and words.base.id == 45
        assert {host.name: host.failed_in for host in words.hosts} == {"web2": (42,), "web3": (43, 42), "web4": (43,)}
        assert {host: by.id for host, by in words.recovered.items()} == {4: 44}
        assert {host: by.id for host, by in words.absent.items()} == {2: 45, 3: 45}

    def test_a_relaunch_of_an_older_one_may_fail_on_others(self, controller: ScriptedController, look: Look) -> None:
        later(controller, relaunched(43, "failed", limit=""), relaunched(44, "failed", limit="web1,web3"))
        counted(controller, 43, summary("web1", failed=False), summary("web3"))
        counted(controller, 42, summary("web1"), summary("web3"))
        counted(controller, 44, summary("web1"), summary("web3", failed=False))

        words = look().words

        assert words and {host.name: host.failed_in for host in words.hosts} == {"web3": (43, 42), "web1": (44,)}
        assert [host.name for host in words.remaining] == ["web1"]


class TestHosts:
    def test_older_ones_are_asked_until_every_host_is_decided_on(
        self, controller: ScriptedController, look: Look
    ) -> None:
        later(
            controller,
            relaunched(43, "failed"),
            relaunched(44, "failed"),
            relaunched(45, "successful", limit="web2"),
            relaunched(46, "successful", limit="web2"),
        )
        counted(controller, 42, summary("web1"), summary("web2"))
        counted(controller, 46, summary("web2", failed=False))
        # 45 was for web2 only, and 43 is older than what decides on web1.
        counted(controller, 44, summary("web1"), summary("web2"))

        history = look()

        assert history.words and {host: by.id for host, by in history.words.recovered.items()} == {2: 46}
        assert [host.name for host in history.words.due] == ["web1"]

    def test_an_active_one_has_nothing_to_tell_yet(self, controller: ScriptedController, look: Look) -> None:
        later(controller, relaunched(43, "running"))
        counted(controller, 42, summary("web1"), summary("web2"))

        history = look()

        assert history.words and history.words.recovered == history.words.absent == {}

    def test_events_of_the_source_are_waited_for(
        self, controller: ScriptedController, look: Look, clock: Clock
    ) -> None:
        later(controller)
        controller.expect("GET", at(42), body=job(42))
        counted(controller, 42, summary("web1"))

        assert look(hosts_needed=True, event_processing_finished=False).words
        assert clock.now > 0

    def test_events_of_a_relaunch_too_but_not_for_ever(
        self, controller: ScriptedController, look: Look, clock: Clock
    ) -> None:
        never = relaunched(43, "failed", event_processing_finished=False)
        later(controller, never)
        counted(controller, 42, summary("web1"), summary("web2"))
        controller.whenever("GET", at(43, "job_host_summaries"), body=listed())
        controller.whenever("GET", at(43), body=never)

        history = look()

        assert history.words and len(history.words.due) == 2
        assert clock.now == EVENTS_TIMEOUT


class TestIdle:
    """Hosts that a relaunch was to run on and did not: whether another one would."""

    def absent(self, controller: ScriptedController, status: str) -> None:
        later(controller, relaunched(43, status))
        counted(controller, 42, summary("web1"), summary("web2"))
        counted(controller, 43, summary("web1", failed=False))

    BEFORE, AFTER = "2026-11-23T00:01:00.000000Z", "2026-11-23T23:00:00.000000Z"

    @pytest.mark.parametrize(
        ("status", "answer", "idle"),
        [
            ("successful", {"body": listed()}, True),
            ("successful", {"body": listed({"id": 2, "modified": BEFORE})}, True),
            ("successful", {"body": listed({"id": 2, "modified": None})}, True),
            ("successful", {"body": listed({"id": 2, "modified": AFTER})}, False),
            ("successful", {"status": 403, "body": DENIED}, True),
            ("successful", {"status": 404, "body": {"detail": "Not found."}}, True),
            ("failed", {"body": listed()}, True),
            ("failed", {"body": listed({"id": 2, "modified": BEFORE})}, False),
            ("failed", {"body": listed({"id": 2, "modified": AFTER})}, False),
            ("failed", {"status": 403, "body": DENIED}, False),
        ],
    )
    def test_rows(
        self, controller: ScriptedController, look: Look, status: str, answer: dict[str, t.Any], idle: bool
    ) -> None:
        self.absent(controller, status)
        controller.expect("GET", HOSTS, **answer)

        words = look().words

        assert words and [host.name for host in words.remaining] == ["web2"]
        assert [host.name for host in words.due] == ([] if idle else ["web2"])
        assert (controller.asked[3].query["enabled"], controller.asked[3].query["id__in"]) == ("true", "2")

    @pytest.mark.parametrize(
        "answer", [{"status": 500, "body": {"detail": "Oops."}}, {"status": 401, "body": {"detail": "Who?"}}]
    )
    def test_what_tells_nothing_ends_it(
        self, controller: ScriptedController, look: Look, answer: dict[str, t.Any]
    ) -> None:
        self.absent(controller, "successful")
        controller.expect("GET", HOSTS, **answer)

        with pytest.raises(AnswerError):
            look()

    def test_many_are_asked_for_in_parts(self, controller: ScriptedController, look: Look) -> None:
        names = [f"web{number}" for number in range(1, IDS_AT_ONCE + 2)]
        later(controller, relaunched(43, "successful", limit=",".join(names)))
        counted(controller, 42, *map(summary, names))
        controller.whenever("GET", at(43, "job_host_summaries"), body=listed())
        controller.whenever("GET", at(43), body=relaunched(43, "successful"))
        controller.expect("GET", HOSTS, body=listed())
        controller.expect("GET", HOSTS, body=listed({"id": int(names[-1][3:]), "modified": self.AFTER}))

        words = look().words

        asked = [len(one.query["id__in"].split(",")) for one in controller.asked if one.path == HOSTS]
        assert asked == [IDS_AT_ONCE, 1]
        assert words and len(words.idle) == IDS_AT_ONCE
