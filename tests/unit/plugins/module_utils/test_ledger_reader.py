# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for the ledger of a job's work, and what comes of the answers."""

from __future__ import annotations

import contextlib
import random
import typing as t
from dataclasses import dataclass, field
from functools import partial

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._api.paging import NUMBERS_AT_ONCE
from ansible_collections.relaunch.controller.plugins.module_utils._job.work import EventsIn
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import EVENTS_TIMEOUT, Waiting, Watch
from ansible_collections.relaunch.controller.plugins.module_utils._work.host_reach import NAMES_AT_ONCE
from ansible_collections.relaunch.controller.plugins.module_utils._work.ledger import (
    Ledger,
    Reach,
    StoppedEarly,
    done_by,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.ledger_reader import JobsRead, LedgerReader
from ansible_collections.relaunch.controller.plugins.module_utils._work.never_begun import NOT_READABLE
from ansible_collections.relaunch.controller.plugins.module_utils._work.same_work import SameWork
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
    NO_TASK,
    STARTED,
    at,
    in_list,
    job,
    listed,
    prompts,
    relaunched,
    started,
    summary,
)
from ansible_collections.relaunch.controller.tests.unit.recorded_controller import RecordedController
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import Ran, RelaunchingController
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

HOSTS = "/api/v2/inventories/1/hosts/"
GROUPS = "/api/v2/inventories/1/groups/"
SUMMARIES = "job_host_summaries"


Read = t.Callable[..., Ledger]


@pytest.fixture
def read(controller: ScriptedController, clock: Clock) -> t.Iterator[Read]:
    """The ledger of job 42, with these newer jobs; where nothing else is said all went to their ends."""
    controller.whenever("GET", r"/api/v2/jobs/\d+/job_events/", body=listed(*STARTED), event__in="playbook_on_task")
    with ControllerClient(ConnectionOptions(controller.url, token="t", max_retries=0), clock.read, clock.sleep) as on:

        def read(
            *later: dict[str, t.Any],
            whole: bool = False,
            needed: bool = False,
            count: bool = True,
            kept: JobsRead | None = None,
            **source: t.Any,
        ) -> Ledger:
            of, jobs_read = Job.of(job(42, **source)), kept or JobsRead()
            reader = LedgerReader(on, EventsIn(Watch(on, Waiting()), jobs_read), of, SameWork(on, of), whole, jobs_read)
            return reader.ledger([Job.of(in_list(one)) for one in later], needed, count)

        yield read


def counted(controller: ScriptedController, job_id: int, *hosts: dict[str, t.Any]) -> None:
    controller.expect("GET", at(job_id, SUMMARIES), body=listed(*hosts))


def well(name: str, **more: t.Any) -> dict[str, t.Any]:
    return summary(name, failed=False, **more)


def ids(ledger: Ledger) -> list[int]:
    return [one.job.id for one in ledger.runs]


def names(ledger: Ledger) -> list[str]:
    return sorted(host.name for host in ledger.remaining)


def done(ledger: Ledger) -> dict[str, int]:
    return {host.name: host.done_in.id for host in ledger.hosts or () if host.done_in}


class TestAsking:
    def test_nothing_where_there_is_no_run(self, controller: ScriptedController, read: Read) -> None:
        ledger = read()

        assert (ledger.runs, ledger.hosts, ledger.newest) == ((), None, 42)
        assert controller.asked == []

    def test_the_failed_hosts_where_they_matter_anyway(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"))

        assert names(read(needed=True)) == ["web1"]
        assert controller.asked[0].query["failed"] == "true"

    def test_nothing_of_a_source_that_never_began(self, controller: ScriptedController, read: Read) -> None:
        assert read(needed=True, started=None).hosts == ()
        assert controller.asked == []

    @pytest.mark.parametrize("needed", [False, True])
    def test_runs_that_do_not_count_are_numbers_only(
        self, controller: ScriptedController, read: Read, needed: bool
    ) -> None:
        if needed:
            counted(controller, 42, summary("web1"))

        later = relaunched(43, "running", extra_vars="{x: 1}"), relaunched(50, "successful")
        ledger = read(*later, count=False, needed=needed)

        assert (ledger.runs, ledger.early, ledger.newest) == ((), None, 50)
        assert (ledger.hosts is not None) == needed

    def test_where_all_hosts_are_wanted_none_is_asked_for(self, controller: ScriptedController, read: Read) -> None:
        later = relaunched(43, "failed", limit="web1"), relaunched(44, "failed", ""), relaunched(45, "running", "")
        ledger = read(*later, whole=True)

        assert [(run.job.id, run.whole) for run in ledger.runs] == [(43, False), (44, True), (45, True)]
        assert (ledger.hosts, ledger.newest, controller.asked) == (None, 45, [])

    def test_only_the_same_work_counts(self, controller: ScriptedController, read: Read) -> None:
        controller.expect("GET", at(42, "create_schedule"), body=prompts())
        controller.expect("GET", at(43, "create_schedule"), body=prompts(inventory={"id": 2}))
        controller.expect("GET", "/api/v2/job_templates/7/", body={"id": 7, "inventory": 1})

        ledger = read(relaunched(43, "failed", limit="", inventory=2), relaunched(44, limit="web1", inventory=2))

        # The second one has the values of the first, not of the template, so that it is not asked about.
        assert (ids(ledger), ledger.newest) == ([], 44)

    def test_the_limit_is_no_prompt_that_tells_work_from_work(self, controller: ScriptedController, read: Read) -> None:
        """One on other hosts is a run too, and says nothing of these; but its limit may be a group."""
        counted(controller, 42, summary("web1"), summary("web2"))
        counted(controller, 44, well("web3"))
        controller.expect("GET", GROUPS, body=listed())
        controller.expect("GET", HOSTS, body=listed({"name": "web3"}))

        ledger = read(relaunched(43, "running", limit="web3"), relaunched(44, "successful", limit="web3"))

        assert (ids(ledger), names(ledger)) == ([43, 44], ["web1", "web2"])
        assert [ledger.runs[0].runs_on(host.names) for host in ledger.remaining] == [False, False]

    def test_a_clock_that_went_back_hides_no_failure(self, controller: ScriptedController, read: Read) -> None:
        """The controller's clock was set back between jobs 43 and 44."""
        counted(controller, 42, summary("web1"))
        counted(controller, 43, well("web1"))
        counted(controller, 44, summary("web1"))
        back = {"created": "2026-11-23T00:42:30Z", "finished": "2026-11-23T00:42:50Z"}
        later = relaunched(43, "successful", limit="web1"), relaunched(44, "failed", limit="web1", **back)

        assert names(read(*later)) == ["web1"]
        assert done_by([Job.of(later[0])], [Job.of(later[1])]) is None

    @pytest.mark.parametrize(
        "answer", [{"body": listed({"name": "web"})}, {"status": 403, "body": DENIED}], ids=["a group", "who knows"]
    )
    def test_an_active_run_on_a_group_may_be_on_each_host(
        self, controller: ScriptedController, read: Read, answer: dict[str, t.Any]
    ) -> None:
        counted(controller, 42, summary("web1"), summary("web2"))
        controller.expect("GET", GROUPS, **answer)

        ledger = read(relaunched(43, "running", limit="web:!web1"))

        assert [ledger.runs[0].runs_on(host.names) for host in ledger.remaining] == [False, None]
        assert controller.asked[-1].query["name__in"] == "web"

    @pytest.mark.parametrize("limit", ["ungrouped", "renamed-since", "web3:renamed-since"])
    def test_a_name_that_the_inventory_has_for_nothing_may_be_a_group(
        self, controller: ScriptedController, read: Read, limit: str
    ) -> None:
        counted(controller, 42, summary("web1"))
        controller.expect("GET", GROUPS, body=listed())
        if limit != "ungrouped":
            controller.expect("GET", HOSTS, body=listed({"name": "web3"}))

        ledger = read(relaunched(43, "running", limit=limit))

        assert [ledger.runs[0].runs_on(host.names) for host in ledger.remaining] == [None]

    def test_localhost_is_no_group_without_a_row_in_the_inventory(
        self, controller: ScriptedController, read: Read
    ) -> None:
        counted(controller, 42, summary("web1"))
        controller.expect("GET", GROUPS, body=listed())

        ledger = read(relaunched(43, "running", limit="localhost"))

        assert [ledger.runs[0].runs_on(host.names) for host in ledger.remaining] == [False]

    @pytest.mark.parametrize("limit", ["webservers", "web*", "all:!db"])
    def test_a_limit_may_be_a_group_or_a_pattern(self, controller: ScriptedController, read: Read, limit: str) -> None:
        counted(controller, 42, summary("web1"))
        counted(controller, 43, well("web1"))

        assert done(read(job(43, "successful", limit=limit, launch_type="manual"))) == {"web1": 43}

    def test_one_from_before_the_end_of_the_source(self, read: Read) -> None:
        """What was made then counts while it is active, since the same work must not run twice at once."""
        then = {"limit": "", "created": job(42)["created"]}

        later = [relaunched(number, status, **then) for number, status in ((43, "successful"), (44, "running"))]
        ledger = read(*later, relaunched(45, "pending", **then), whole=True)

        assert (ledger.early and ledger.early.id, 44 in ids(ledger)) == (44, False)
        assert ledger.whole_success is None


class TestARunThatMayNeverHaveBegun:
    """Job 43 was successful on all hosts; those after it failed, of which a list does not tell whether they began."""

    def read(self, read: Read, *later: dict[str, t.Any]) -> Ledger:
        return read(job(43, "successful"), *later, whole=True)

    @pytest.mark.parametrize("status", ["failed", "error"])
    def test_it_takes_no_success_back(self, controller: ScriptedController, read: Read, status: str) -> None:
        later = [job(number, status, **NO_TASK) for number in (44, 45)]
        for one in reversed(later):
            controller.expect("GET", at(one["id"]), body=one)

        success = self.read(read, *later).whole_success

        assert success is not None and success.id == 43

    def test_it_is_not_asked_about_where_a_later_one_began(self, controller: ScriptedController, read: Read) -> None:
        controller.expect("GET", at(45), body=job(45))

        assert self.read(read, job(44), job(45)).whole_success is None

    def test_nor_where_a_later_one_was_successful(self, controller: ScriptedController, read: Read) -> None:
        success = self.read(read, job(44), job(45, "successful")).whole_success

        assert (success and success.id, controller.asked) == (45, [])


class TestLimitOfTheSource:
    """Others run the same work by limits of their own: what failed there was not asked of this source."""

    LATER = relaunched(43, "failed", limit="web2,db7", launch_type="manual")

    def test_other_hosts_are_not_asked_about(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"))
        counted(controller, 43, summary("web2"), summary("db7"))

        assert names(read(self.LATER, limit="web1")) == ["web1"]

    def test_those_in_it_are_by_name(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"))
        counted(controller, 43, summary("web2"), well("db7"))

        assert names(read(self.LATER, limit="web1,web2")) == ["web1", "web2"]

    def test_those_that_failed_with_the_same_limit_are(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"))
        counted(controller, 43, summary("web1"), summary("web2"))

        assert names(read(relaunched(43, "failed", limit="web"), limit="web")) == ["web1", "web2"]

    @pytest.mark.parametrize("granted", [True, False])
    def test_those_in_its_groups_are_where_that_is_told(
        self, controller: ScriptedController, read: Read, granted: bool
    ) -> None:
        counted(controller, 42, summary("web1"))
        counted(controller, 43, summary("web2"), summary("db7"))
        # Who ran in the source was asked for in any case.
        counted(controller, 42, summary("web1"), well("web3"))
        found: dict[str, t.Any] = {"body": listed({"id": 5, "name": "web"})} if granted else {"status": 403}
        controller.whenever("GET", GROUPS, **{"body": DENIED, **found})
        controller.whenever("GET", "/api/v2/groups/5/all_hosts/", body=listed({"name": "web2"}))

        assert names(read(self.LATER, limit="web")) == (["web1", "web2"] if granted else ["web1"])


class TestNewestFirst:
    def test_older_ones_are_asked_until_every_host_is_decided_on(
        self, controller: ScriptedController, read: Read
    ) -> None:
        counted(controller, 42, summary("web1"), summary("web2"))
        counted(controller, 46, well("web2"))
        # 45 was for web2 only, and 43 is older than what decides on web1.
        counted(controller, 44, summary("web1"), summary("web2"))

        ledger = read(
            relaunched(43, "failed"),
            relaunched(44, "failed"),
            relaunched(45, "successful", limit="web2"),
            relaunched(46, "successful", limit="web2"),
        )

        assert (done(ledger), [host.name for host in ledger.due]) == ({"web2": 46}, ["web1"])
        assert controller.besides == []

    def test_one_that_failed_on_all_hosts_may_have_failed_on_more(
        self, controller: ScriptedController, read: Read
    ) -> None:
        counted(controller, 42, summary("web1"))
        counted(controller, 44, summary("web1"), summary("web3"))
        counted(controller, 43, summary("web4"))

        ledger = read(relaunched(43, "failed", limit="web4,web5"), relaunched(44, "failed", limit="web1,web3"))

        assert (done(ledger), names(ledger)) == ({}, ["web1", "web3", "web4"])

    def test_a_newer_one_is_asked_about_hosts_that_an_older_one_told(
        self, controller: ScriptedController, read: Read
    ) -> None:
        counted(controller, 42)
        counted(controller, 43, well("web1"), summary("web3"))
        counted(controller, 44, well("web3"))

        ledger = read(relaunched(43, "failed", limit=""), relaunched(44, "successful", limit="web3"))

        assert (done(ledger), names(ledger)) == ({"web3": 44}, [])

    def test_a_later_failure_takes_a_success_back(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"))
        counted(controller, 44, summary("web1"))

        ledger = read(relaunched(43, "successful", limit="web1"), relaunched(44, "failed", limit="web1"))

        assert names(ledger) == ["web1"]

    @pytest.mark.parametrize(
        "one",
        [relaunched(43, "running", ""), relaunched(43, "failed", "", started=None), relaunched(43, "canceled", "")],
        ids=["active", "never began", "canceled"],
    )
    def test_one_that_cannot_have_results_is_not_asked(
        self, controller: ScriptedController, read: Read, one: dict[str, t.Any]
    ) -> None:
        counted(controller, 42, summary("web1"))

        ledger = read(one)

        assert (names(ledger), [host.absent_in for host in ledger.remaining]) == (["web1"], [None])

    def test_one_without_statistics_brings_no_results(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"))
        controller.whenever("GET", at(43, SUMMARIES), body=listed())
        controller.whenever("GET", at(43), body=relaunched(43, "error", limit=""))

        ledger = read(relaunched(43, "error", limit=""))

        assert (names(ledger), ledger.remaining[0].absent_in) == (["web1"], None)

    @pytest.mark.parametrize(
        ("enabled", "reach"), [([], Reach.IDLE), ([{"id": 1, "name": "web1"}], Reach.RELAUNCH)], ids=["none", "web1"]
    )
    def test_behind_one_that_began_on_no_host_those_that_are_disabled_are_asked_for(
        self, controller: ScriptedController, read: Read, enabled: list[dict[str, t.Any]], reach: Reach
    ) -> None:
        counted(controller, 42, summary("web1"))
        controller.whenever("GET", at(43, SUMMARIES), body=listed())
        controller.whenever("GET", HOSTS, body=listed({"id": 1, "name": "web1", "enabled": False}), name__in="web1")
        controller.whenever("GET", HOSTS, body=listed(*enabled), enabled="true")

        one = relaunched(43, "failed", limit="web1", event_processing_finished=True)
        controller.whenever("GET", at(43), body=one)

        ledger = read(one)

        assert (names(ledger), ledger.remaining[0].reach) == (["web1"], reach)
        # One that is not among them may have another number by now.
        assert [asked.path for asked in controller.besides].count(HOSTS) == 2 - len(enabled)

    def test_one_that_an_active_run_is_on_is_not_asked_for(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"))
        controller.whenever("GET", at(43, SUMMARIES), body=listed())
        one = relaunched(43, "failed", limit="web1", event_processing_finished=True)
        controller.whenever("GET", at(43), body=one)

        ledger = read(one, relaunched(44, "running", limit="web1"))

        assert (names(ledger), ledger.remaining[0].reach) == (["web1"], Reach.RELAUNCH)
        assert HOSTS not in [asked.path for asked in controller.besides]

    def test_the_events_of_the_source_are_waited_for(
        self, controller: ScriptedController, read: Read, clock: Clock
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        counted(controller, 42, summary("web1"))

        assert names(read(needed=True, event_processing_finished=False)) == ["web1"]
        assert clock.now > 0

    def test_those_of_a_run_too_but_not_for_ever(
        self, controller: ScriptedController, read: Read, clock: Clock
    ) -> None:
        never = relaunched(43, "failed", event_processing_finished=False)
        counted(controller, 42, summary("web1"), summary("web2"))
        controller.whenever("GET", at(43, SUMMARIES), body=listed())
        controller.whenever("GET", at(43), body=never)
        controller.whenever("GET", HOSTS, body=listed(*({"id": number, "name": f"web{number}"} for number in (1, 2))))

        assert len(read(never).due) == 2
        assert clock.now == EVENTS_TIMEOUT


class TestWhatIsKept:
    """What has been read of jobs that have ended is not asked for again, by whoever looks with it."""

    def test_summaries_and_failed_hosts(self, controller: ScriptedController, read: Read) -> None:
        kept = JobsRead()
        counted(controller, 42, summary("web1"), summary("web2"))
        counted(controller, 43, well("web1"))
        controller.whenever("GET", HOSTS, body=listed())
        one = relaunched(43, "successful", limit="web1")
        first = read(one, kept=kept)

        again = read(one, kept=kept)

        assert again == first
        assert [asked.path for asked in controller.asked].count(at(43, SUMMARIES)) == 1

    def test_all_hosts_of_the_source_tell_the_failed_ones(self, controller: ScriptedController, read: Read) -> None:
        kept = JobsRead()
        counted(controller, 42, well("web1"), summary("web2"))
        with_all = read(needed=False, kept=kept)
        assert with_all.hosts is None
        with ControllerClient(ConnectionOptions(controller.url, token="t", max_retries=0)) as client:
            of = Job.of(job(42))
            reader = LedgerReader(client, lambda ended: ended, of, SameWork(client, of), False, kept)
            assert len(reader.summaries(of)) == len(reader.summaries(of)) == 2
            assert names(reader.ledger([], hosts_needed=True)) == ["web2"]

    def test_an_active_run_is_asked_when_it_has_ended(self, controller: ScriptedController, read: Read) -> None:
        kept = JobsRead()
        counted(controller, 42, summary("web1"))
        assert names(read(relaunched(43, "running", limit="web1"), kept=kept)) == ["web1"]
        counted(controller, 43, well("web1"))

        assert done(read(relaunched(43, "successful", limit="web1"), kept=kept)) == {"web1": 43}


class TestAssumed:
    """What the limit of a relaunch and its counts tell is not asked for."""

    def reader(self, client: ControllerClient, kept: JobsRead, failures: int = 2) -> LedgerReader:
        source = Job.of(job(42, host_status_counts={"failures": failures}))
        return LedgerReader(client, lambda ended: ended, source, SameWork(client, source), False, kept)

    @pytest.mark.parametrize(
        ("facts", "of_source", "known"),
        [
            ({"host_status_counts": {"ok": 2}}, True, ({42}, {43})),
            ({"host_status_counts": {"ok": 2}}, False, (set(), {43})),
            ({"host_status_counts": {"ok": 1}}, True, (set(), set())),
            ({}, True, (set(), set())),
            ({"host_status_counts": {"ok": 2}, "limit": ""}, True, (set(), set())),
            ({"host_status_counts": {"ok": 1, "failures": 1}, "status": "failed"}, True, (set(), set())),
        ],
    )
    def test_rows(
        self,
        controller: ScriptedController,
        facts: dict[str, t.Any],
        of_source: bool,
        known: tuple[set[int], set[int]],
    ) -> None:
        kept = JobsRead()
        with ControllerClient(ConnectionOptions(controller.url, token="t")) as client:
            self.reader(client, kept).assume_done(
                Job.of(relaunched(43, **{"status": "successful", **facts})), of_source
            )

        assert (set(kept.failed), set(kept.summaries)) == known

    def test_the_source_may_have_failed_on_more(self, controller: ScriptedController) -> None:
        kept = JobsRead()
        ended = Job.of(relaunched(43, "successful", host_status_counts={"ok": 2}))
        with ControllerClient(ConnectionOptions(controller.url, token="t")) as client:
            self.reader(client, kept, failures=3).assume_done(ended, of_source=True)

        assert (set(kept.failed), set(kept.summaries)) == (set(), {43})

    def test_what_has_been_read_is_known_better(self, controller: ScriptedController) -> None:
        kept = JobsRead(summaries={42: ()})
        ended = Job.of(relaunched(43, "successful", host_status_counts={"ok": 2}))
        with ControllerClient(ConnectionOptions(controller.url, token="t")) as client:
            self.reader(client, kept).assume_done(ended, of_source=True)

        assert kept.failed == {}


class TestIdle:
    """Hosts that a run was to run on and did not: whether a relaunch would."""

    BEFORE, AFTER = "2026-11-23T00:01:00Z", "2026-11-23T23:00:00.000000Z"
    WHILE_PENDING = "2026-11-23T00:43:01Z"

    def absent(self, controller: ScriptedController, status: str) -> dict[str, t.Any]:
        counted(controller, 42, summary("web1"), summary("web2"))
        counted(controller, 43, summary("web1") if status == "failed" else well("web1"))
        return relaunched(43, status)

    @pytest.mark.parametrize(
        ("status", "answer", "idle"),
        [
            ("successful", {"body": listed()}, True),
            ("successful", {"body": listed({"id": 2, "modified": BEFORE})}, True),
            ("successful", {"body": listed({"id": 2, "modified": WHILE_PENDING})}, True),
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
        self, controller: ScriptedController, read: Read, status: str, answer: dict[str, t.Any], idle: bool
    ) -> None:
        one = self.absent(controller, status)
        controller.expect("GET", HOSTS, **answer)

        ledger = read(one)

        assert [host.name for host in ledger.reached(Reach.IDLE)] == (["web2"] if idle else [])
        assert "web2" in names(ledger)
        assert (controller.asked[2].query["enabled"], controller.asked[2].query["id__in"]) == ("true", "2")

    @pytest.mark.parametrize(
        "answer", [{"body": listed({"id": 2, "modified": BEFORE})}, {"status": 403, "body": DENIED}]
    )
    @pytest.mark.parametrize(
        ("limit", "idle"),
        [("web1,web2", False), ("web1,web2,new", True), ("", True)],
    )
    def test_one_that_was_renamed_a_limit_left_out_by_its_old_name(
        self, controller: ScriptedController, read: Read, answer: dict[str, t.Any], limit: str, idle: bool
    ) -> None:
        counted(controller, 42, summary("web1"), summary("web2", now="new"))
        counted(controller, 43, well("web1"))
        controller.expect("GET", HOSTS, **answer)

        ledger = read(relaunched(43, "successful", limit=limit))

        assert [host.name for host in ledger.reached(Reach.IDLE)] == (["new"] if idle else [])
        assert names(ledger) == ["new"]

    def test_one_that_was_renamed_and_is_disabled_is_idle(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"), summary("web2", now="new"))
        counted(controller, 43, well("web1"))
        controller.expect("GET", HOSTS, body=listed())

        assert [host.name for host in read(relaunched(43, "successful")).reached(Reach.IDLE)] == ["new"]

    @pytest.mark.parametrize("limit", ["web1:web2:!canary", "web1,web2,!canary", "web1,web2,&prod"])
    def test_whom_a_limit_may_leave_out_a_run_did_not_ask_for(
        self, controller: ScriptedController, read: Read, limit: str
    ) -> None:
        counted(controller, 42, summary("web1"), summary("web2"))
        counted(controller, 43, well("web1"))

        assert [host.name for host in read(job(43, "successful", limit=limit)).due] == ["web2"]

    @pytest.mark.parametrize(
        "answer", [{"status": 500, "body": {"detail": "Oops."}}, {"status": 401, "body": {"detail": "Who?"}}]
    )
    def test_what_tells_nothing_ends_it(
        self, controller: ScriptedController, read: Read, answer: dict[str, t.Any]
    ) -> None:
        one = self.absent(controller, "successful")
        controller.expect("GET", HOSTS, **answer)

        with pytest.raises(AnswerError):
            read(one)

    def test_many_are_asked_for_in_parts(self, controller: ScriptedController, read: Read) -> None:
        many = [f"web{number}" for number in range(1, NUMBERS_AT_ONCE + 2)]
        one = relaunched(43, "successful", limit=",".join(many))
        counted(controller, 42, *map(summary, many))
        controller.whenever("GET", at(43, SUMMARIES), body=listed())
        controller.whenever("GET", at(43), body=one)
        controller.expect("GET", HOSTS, body=listed())
        controller.expect("GET", HOSTS, body=listed({"id": int(many[-1][3:]), "modified": self.AFTER}))

        ledger = read(one)

        asked = [len(one.query["id__in"].split(",")) for one in controller.asked if one.path == HOSTS]
        assert sorted(asked) == [1, NUMBERS_AT_ONCE]
        assert len(ledger.reached(Reach.IDLE)) == NUMBERS_AT_ONCE


class TestLostRow:
    """Hosts whose failed summary has no row of the inventory any more, or never had one."""

    @pytest.mark.parametrize(
        ("again", "had_number", "reach"),
        [
            (True, True, Reach.AGAIN),
            (False, True, Reach.GONE),
            (False, False, Reach.WHOLE),
            (True, False, Reach.WHOLE),
        ],
        ids=["added again", "deleted", "made by the playbook, or localhost", "added under the name of one"],
    )
    def test_rows(
        self, controller: ScriptedController, read: Read, again: bool, had_number: bool, reach: Reach
    ) -> None:
        counted(controller, 42, summary("web1", present=False))
        controller.expect("GET", HOSTS, body=listed(*([{"id": 9, "name": "web1"}] if again else [])))
        events = listed(*([{"host": 1, "host_name": "web1"}] if had_number else []))
        controller.expect("GET", at(42, "job_events"), body=events)

        ledger = read(needed=True)

        assert [(host.name, host.reach) for host in ledger.remaining] == [("web1", reach)]
        query = controller.asked[2].query
        assert (query["host__isnull"], query["host_name__in"]) == ("false", "web1")

    @pytest.mark.parametrize("status", [403, 404])
    def test_without_the_inventory_nobody_is_told_that_they_are_gone(
        self, controller: ScriptedController, read: Read, status: int
    ) -> None:
        counted(controller, 42, summary("web1", present=False))
        controller.expect("GET", HOSTS, status, DENIED)

        assert [host.reach for host in read(needed=True).remaining] == [Reach.WHOLE]

    def test_any_other_trouble_is_an_error(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1", present=False))
        controller.expect("GET", HOSTS, 500, {"detail": "Oops."})

        with pytest.raises(AnswerError, match="Oops"):
            read(needed=True)

    def test_the_events_of_the_newest_failure_are_asked(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1"))
        counted(controller, 43, summary("web1", present=False))
        controller.expect("GET", HOSTS, body=listed())
        controller.expect("GET", at(43, "job_events"), body=listed({"host": 1, "host_name": "web1"}))

        assert [host.reach for host in read(relaunched(43, "failed", limit="web1")).remaining] == [Reach.GONE]

    def test_one_that_is_done_is_not_asked_about(self, controller: ScriptedController, read: Read) -> None:
        counted(controller, 42, summary("web1", present=False))
        counted(controller, 43, well("web1"))

        assert done(read(relaunched(43, "successful", limit="web1"))) == {"web1": 43}

    def test_one_with_a_comma_in_its_name_is_asked_for_alone(self) -> None:
        work = Work().ran("failed", WENT_ON, failed="db,4 web1").inventory("web1", "db,4")
        for row in work.lists[f"jobs/42/{SUMMARIES}/"]:
            row.update(host=None, summary_fields={})
        work.lists["jobs/42/job_events/"] = [{**failure(name), "host__isnull": False} for name in ("db,4", "web1")]

        assert sorted(host.name for host in work.ledger().reached(Reach.AGAIN)) == ["db,4", "web1"]

    def test_many_are_asked_for_in_parts(self, controller: ScriptedController, read: Read) -> None:
        many = [f"web{number}" for number in range(1, NAMES_AT_ONCE + 2)]
        counted(controller, 42, *(summary(name, present=False) for name in many))
        controller.whenever("GET", HOSTS, body=listed())
        controller.whenever("GET", at(42, "job_events"), body=listed(), host__isnull="false")

        assert len(read(needed=True).reached(Reach.WHOLE)) == len(many)
        sizes = [len(asked.query["name__in"].split(",")) for asked in controller.besides if asked.path == HOSTS]
        assert sizes == [NAMES_AT_ONCE, 1]

    def test_those_that_a_first_relaunch_leaves_out(self, controller: ScriptedController) -> None:
        counted(controller, 42, summary("web1"), summary("web2", present=False))
        controller.expect("GET", HOSTS, body=listed())
        controller.expect("GET", at(42, "job_events"), body=listed({"host": 2, "host_name": "web2"}))
        of = Job.of(job(42))
        with ControllerClient(ConnectionOptions(controller.url, token="t", max_retries=0)) as client:
            reader = LedgerReader(client, lambda ended: ended, of, SameWork(client, of), False, JobsRead())
            assert [(host.name, host.reach) for host in reader.lost_hosts()] == [("web2", Reach.GONE)]


PLAY, FIRST, LAST = STARTED
SECOND_PLAY = (
    started("playbook_on_play_start", 8, play="Check", play_pattern="all", play_uuid="u8"),
    started("playbook_on_task_start", 9, play="Check", task="Ping", task_path="site.yml:9", task_action="ping"),
)


def again(event: dict[str, t.Any], counter: int) -> dict[str, t.Any]:
    """The same play or task for a further batch."""
    return {**event, "counter": counter, "uuid": f"{event['uuid']}_2"}


def failure(host: str, counter: int = 3, task: str = "u2") -> dict[str, t.Any]:
    return {
        "event": "runner_on_failed",
        "counter": counter,
        "uuid": f"e{counter}",
        "parent_uuid": task,
        "host_name": host,
        "failed": True,
        "host__isnull": False,
        "event_data": {},
    }


def result(host: str, counter: int, task: str) -> dict[str, t.Any]:
    return {**failure(host, counter, task), "event": "runner_on_ok", "failed": False}


@dataclass
class Work:
    """A controller with jobs that ran, the first of them the source, and what is made of them.

    :param late: by job, all of its events, where the last ones come in only while they are waited for.
    :param date: what the controller's clock says; the present where nothing is said.
    """

    lists: dict[str, t.Any] = field(default_factory=dict)
    late: dict[int, t.Sequence[dict[str, t.Any]]] = field(default_factory=dict)
    date: str | None = None
    waited_for: list[int] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    read: JobsRead = field(default_factory=JobsRead)

    def ran(
        self, status: str, events: t.Iterable[dict[str, t.Any]] | int, well: str = "", failed: str = "", **facts: t.Any
    ) -> Work:
        """One more job, with the events of what it started and of what failed, and its hosts."""
        number = 42 + len(self.jobs)
        limit = ",".join(sorted([*well.split(), *failed.split()])) if self.jobs else ""
        self.jobs.append(Job.of(job(number, status, **{"limit": limit, **facts})))
        rows = [summary(name, failed=False) for name in well.split()] + [summary(name) for name in failed.split()]
        self.lists[f"jobs/{number}/{SUMMARIES}/"] = rows
        self._has_events(number, events)
        return self

    def _has_events(self, number: int, events: t.Iterable[dict[str, t.Any]] | int) -> None:
        found = (
            events if isinstance(events, int) else [{"host_name": "", "host__isnull": True, **one} for one in events]
        )
        self.lists[f"jobs/{number}/job_events/"] = found

    def _events_in(self, job: Job) -> Job:
        self.waited_for.append(job.id)
        if job.id in self.late:
            self._has_events(job.id, self.late[job.id])
        return job

    def inventory(self, *names: str, without_summary: str = "") -> Work:
        """Its enabled hosts, and those of them that the source has no summary of."""
        self.lists["inventories/1/hosts/"] = [
            {
                "id": int(name[3:]),
                "name": name,
                "enabled": True,
                "created": "2026-11-01T00:00:00Z",
                "modified": "2026-11-01T00:00:00Z",
                "job_host_summaries__job": [] if name in without_summary.split() else [42],
            }
            for name in names
        ]
        return self

    def with_whole_success(self, by_names: bool = True, many: bool = False, whole: bool = False) -> Ledger:
        """The ledger, with whom the success on all hosts left out; read as one of many."""
        with self._reader(many, whole) as (reader, later):
            return reader.with_whole_success(reader.ledger(later, hosts_needed=True), self.jobs[0], by_names)

    def ledger(self, end: int | None = None, many: bool = False, remaining: bool = False) -> Ledger:
        """The ledger, with the end of this job, or all that remains of it; read as one of many."""
        with self._reader(many) as (reader, later):
            ledger = reader.ledger(later, hosts_needed=True)
            if end is not None:
                base = next(job for job in self.jobs if job.id == end)
                with_end = partial(reader.with_end, claimed=True)
                ledger = (reader.with_remaining if remaining else with_end)(ledger, base)
        return ledger

    def enabled(self) -> list[str] | None:
        """Those of the hosts in question that are, by their names of now."""
        with self._reader() as (reader, later):
            found = reader.reach.enabled(reader.ledger(later, hosts_needed=True).hosts or ())
        return None if found is None else [host.name for host in found]

    def reaches(self) -> dict[str, Reach]:
        """The hosts in question, and whether a relaunch would run on them as they are now."""
        with self._reader() as (reader, later):
            ledger = reader.with_disabled(reader.ledger(later, hosts_needed=True))
        return {host.name: host.reach for host in ledger.hosts or ()}

    @contextlib.contextmanager
    def _reader(self, many: bool = False, whole: bool = False) -> t.Iterator[tuple[LedgerReader, list[Job]]]:
        source, *later = self.jobs
        controller = RecordedController(self.lists)
        controller.date = self.date
        with controller.client() as client:
            same_work = SameWork(client, source)
            read = JobsRead.of_many(client, {}) if many else self.read
            yield LedgerReader(client, self._events_in, source, same_work, whole, read), later
        self.asked = controller.asked

    def events_asked(self, number: int) -> int:
        return sum(asked.startswith(f"jobs/{number}/job_events/") for asked in self.asked)


#: What the controller's clock says when a job has just ended.
NOW = "Tue, 24 Nov 2026 12:00:00 GMT"
JUST_ENDED = {"finished": "2026-11-24T11:59:59Z"}

WENT_ON = (PLAY, FIRST, failure("web2"), LAST, result("web1", 5, "u4"))
BROKE_OFF = (PLAY, FIRST, failure("web2"))


ADDED_AGAIN = {"id": 13, "created": "2026-12-01T00:00:00Z"}


def test_who_is_missing_among_the_enabled_hosts_is_disabled_deleted_or_added_again() -> None:
    work = Work().ran("failed", BROKE_OFF, failed="web1 web2 web3 web4").inventory("web1", "web2", "web3")
    work.lists["inventories/1/hosts/"][1]["enabled"] = False
    work.lists["inventories/1/hosts/"][2].update(ADDED_AGAIN)

    # One that was deleted cannot be told from one that was renamed; neither runs.
    expected = {"web1": Reach.RELAUNCH, "web2": Reach.IDLE, "web3": Reach.AGAIN, "web4": Reach.IDLE}
    assert work.reaches() == expected


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        (ADDED_AGAIN, {"web2": Reach.RELAUNCH, "web3": Reach.RELAUNCH}),
        ({**ADDED_AGAIN, "enabled": False}, {"web2": Reach.RELAUNCH, "web3": Reach.IDLE}),
        ({"enabled": False}, {"web2": Reach.RELAUNCH}),
        ({**ADDED_AGAIN, "name": "web4"}, {"web2": Reach.RELAUNCH}),
    ],
    ids=["added again", "added again, disabled", "disabled", "another"],
)
def test_one_that_never_began_and_is_added_again_between_two_looks_remains(
    changed: dict[str, t.Any], left: dict[str, Reach]
) -> None:
    work = Work({"inventories/1/groups/": []}).ran("failed", BROKE_OFF, well="web1", failed="web2")
    work.inventory("web1", "web2", "web3", without_summary="web3")
    before = work.ledger(42, remaining=True)
    work.lists["inventories/1/hosts/"][2].update(changed)

    assert names(before) == ["web2", "web3"]
    assert {one.name: one.reach for one in work.ledger(42, remaining=True).remaining} == left


class TestEndOfARelaunch:
    """Job 42 failed on web1 and web2; job 43, on both, failed again on web2."""

    def of(self, events: t.Any, **more: t.Any) -> Work:
        work = Work().ran("failed", WENT_ON, failed="web1 web2")
        return work.inventory("web1", "web2").ran("failed", events, well="web1", failed="web2", **more)

    def test_it_went_on_to_its_last_task(self) -> None:
        work = self.of(WENT_ON).ran("successful", (PLAY, FIRST, LAST), well="web3")

        assert done(work.ledger()) == {"web1": 43}
        # Its starts and its failures; of what measures it the starts.
        assert (work.events_asked(43), work.events_asked(44), work.events_asked(42)) == (1, 1, 0)

    def test_a_successful_run_went_further(self) -> None:
        work = self.of(BROKE_OFF).ran("successful", (PLAY, FIRST, LAST), well="web3")

        assert done(work.ledger()) == {}

    def test_no_other_run_tells_where_the_end_is(self) -> None:
        assert done(self.of(BROKE_OFF).ledger()) == {}
        assert done(self.of(WENT_ON).ledger()) == {"web1": 43}

    def test_where_max_fail_percentage_stopped_it_more_may_lie_behind(self) -> None:
        """Without that event the others are taken for done, until none is left that fails."""
        at_last_task = (PLAY, FIRST, LAST, failure("web2", 5, "u4"), result("web1", 6, "u4"))
        none_remain = started("playbook_on_no_hosts_remaining", 7)

        assert done(self.of(at_last_task).ledger()) == {"web1": 43}
        assert done(self.of((*at_last_task, none_remain)).ledger()) == {}

    def test_what_was_successful_on_no_host_measures_nothing(self) -> None:
        work = self.of(BROKE_OFF).ran("successful", (), limit="web9")

        assert done(work.ledger()) == {}
        # Nor does it stand in the way of an older one that does.
        work = self.of(WENT_ON).ran("successful", (PLAY, FIRST, LAST), well="web3")
        for _time in range(2):
            work.ran("successful", (), limit="web9")
        assert done(work.ledger()) == {"web1": 43}
        assert work.events_asked(44) == 1

    def test_a_play_that_no_run_has_begun_may_lie_behind(self) -> None:
        """With serial: 50% each is a batch of its own: the first went to its end, the second failed whole.

        A success shows it: then the host that was in the first counts as stopped.
        """
        batches = (PLAY, FIRST, LAST, result("web1", 5, "u4"), again(PLAY, 6), again(FIRST, 7), failure("web2", 8))

        assert done(self.of(batches).ledger()) == {"web1": 43}
        work = self.of(batches).ran("successful", (PLAY, FIRST, LAST, *SECOND_PLAY), well="web2")
        assert done(work.ledger()) == {"web2": 44}

    def test_the_two_newest_successes_measure_it(self) -> None:
        work = self.of(WENT_ON)
        work.ran("successful", (PLAY, FIRST, LAST, *SECOND_PLAY), well="web3")
        for _time in range(2):
            work.ran("successful", (PLAY, FIRST, LAST), well="web3")

        assert done(work.ledger()) == {"web1": 43}
        assert [work.events_asked(number) for number in (44, 45, 46)] == [0, 1, 1]

    def test_who_was_stopped_by_one_of_them_was(self) -> None:
        work = self.of(WENT_ON)
        work.ran("successful", (PLAY, FIRST, LAST, *SECOND_PLAY), well="web3")
        work.ran("successful", (PLAY, FIRST, LAST), well="web3")

        assert done(work.ledger()) == {}

    def test_so_does_an_older_one_that_shows_a_play_which_these_began_for_nobody(self) -> None:
        """Job 43 could not reach web2, and went on to the second play without web1, on which it had stopped."""
        unreachable = {**failure("web2"), "event": "runner_on_unreachable"}
        in_second = (*SECOND_PLAY, result("web3", 10, "u9"))
        work = self.of((PLAY, FIRST, unreachable, *in_second))
        work.ran("successful", (PLAY, FIRST, LAST, *SECOND_PLAY[:1]), well="web2")
        for _time in range(2):
            work.ran("successful", (PLAY, *in_second), well="web3")

        assert done(work.ledger()) == {"web2": 44}
        assert [work.events_asked(number) for number in (44, 45, 46)] == [1, 1, 1]

    def test_not_many_are_read_for_that(self) -> None:
        work = self.of(WENT_ON)
        for _time in range(12):
            work.ran("successful", (PLAY, *SECOND_PLAY), well="web3")

        work.ledger()

        assert sum(work.events_asked(number) > 0 for number in range(44, 56)) == 7

    def test_without_a_success_the_run_that_started_most_measures_it(self) -> None:
        work = self.of(BROKE_OFF).ran("failed", WENT_ON, failed="web2")

        assert done(work.ledger()) == {}
        assert work.events_asked(44) == 1

    @pytest.mark.parametrize("successes", [1, 2])
    def test_so_it_does_in_a_play_that_the_successes_began_for_nobody(self, successes: int) -> None:
        """Job 43 stopped in its second play, in which a failed one got further; the successes ran on other hosts."""
        in_second = (*SECOND_PLAY, failure("web2", 10, "u9"), result("web1", 11, "u9"))
        work = self.of((PLAY, FIRST, LAST, *in_second))
        behind = {**again(SECOND_PLAY[1], 10), "uuid": "u10"}
        behind["event_data"] = {**behind["event_data"], "task": "Report", "task_path": "site.yml:20"}
        work.ran("failed", (PLAY, FIRST, LAST, *SECOND_PLAY, behind, failure("web2", 11, "u10")), failed="web2")
        for _time in range(successes):
            work.ran("successful", (PLAY, FIRST, LAST, *SECOND_PLAY[:1]), well="web3")

        assert done(work.ledger()) == {}

    def test_the_source_measures_it_however_many_have_failed_since(self) -> None:
        work = self.of(BROKE_OFF)
        for _time in range(5):
            work.ran("failed", BROKE_OFF, failed="web2")

        assert done(work.ledger()) == {}
        assert [number for number in range(42, 49) if work.events_asked(number)] == [42, 43, 47, 48]

    def test_nor_does_it_matter_which_of_them_started_more(self) -> None:
        """Job 43 got into a rescue, and job 44 behind the place where that ended."""
        rescue = [{**again(LAST, number), "uuid": f"r{number}"} for number in (5, 6)]
        for number, one in enumerate(rescue):
            one["event_data"] = {**one["event_data"], "task": f"Repair {number}", "task_path": f"site.yml:5{number}"}
        further = (PLAY, FIRST, failure("web2"), LAST)
        work = self.of((PLAY, FIRST, *rescue, failure("web2", 7, "r6"))).ran("failed", further, failed="web2")

        assert done(work.ledger()) == {}

    def test_nor_that_a_newer_one_started_less(self) -> None:
        behind = {**again(LAST, 6), "task": "Report", "uuid": "u6"}
        behind["event_data"] = {**behind["event_data"], "task": "Report", "task_path": "site.yml:6"}
        work = self.of(WENT_ON).ran("failed", (*WENT_ON, behind), failed="web2").ran("failed", BROKE_OFF, failed="web2")

        assert done(work.ledger()) == {}

    def test_a_host_with_a_comma_in_its_name_took_part_too(self) -> None:
        first = (PLAY, FIRST, LAST, result("web3", 5, "u4"))
        batches = (*first, again(PLAY, 6), again(FIRST, 7), result("db,4", 8, "u2"), failure("web2", 9))
        work = Work().ran("failed", WENT_ON, failed="db,4 web2").inventory("web2", "db,4")
        work.ran("failed", batches, well="db,4 web3", failed="web2", limit="")
        work.ran("successful", (PLAY, FIRST, LAST), well="web3")

        assert done(work.ledger()) == {}

    def test_the_playbook_has_changed_in_between(self) -> None:
        work = self.of(BROKE_OFF, scm_revision="abc").ran("successful", (PLAY, FIRST), well="web3", scm_revision="def")

        assert done(work.ledger()) == {}
        # What the changed one does besides was not missed.
        longer = (PLAY, FIRST, LAST, *SECOND_PLAY)
        work = self.of(WENT_ON, scm_revision="abc").ran("successful", longer, well="web3", scm_revision="def")
        assert done(work.ledger()) == {"web1": 43}

    def test_its_template_was_given_another_playbook_in_between(self) -> None:
        longer = (PLAY, FIRST, LAST, *SECOND_PLAY)
        work = self.of(WENT_ON, playbook="site.yml").ran("successful", longer, well="web3", playbook="all.yml")

        assert done(work.ledger()) == {"web1": 43}

    def test_one_that_failed_with_another_playbook_measures_nothing(self) -> None:
        batches = (PLAY, FIRST, LAST, result("web1", 5, "u4"), again(PLAY, 6), again(FIRST, 7), failure("web2", 8))
        further = (PLAY, FIRST, failure("web2"), LAST, *SECOND_PLAY)
        work = self.of(batches, scm_revision="abc").ran("failed", further, failed="web2", scm_revision="def")

        assert done(work.ledger()) == {"web1": 43}

    def test_its_events_may_not_be_read(self) -> None:
        assert done(self.of(403).ledger()) == {}

    def test_other_trouble_with_its_events_is_an_error(self) -> None:
        with pytest.raises(AnswerError):
            self.of(400).ledger()

    def test_it_is_not_asked_where_later_runs_decide(self) -> None:
        work = self.of(BROKE_OFF).ran("successful", (PLAY, FIRST, LAST), well="web1 web2")

        assert done(work.ledger()) == {"web1": 44, "web2": 44}
        assert work.events_asked(43) == 0

    def test_the_last_events_of_a_run_that_has_just_ended_are_waited_for(self) -> None:
        measured = (PLAY, FIRST, LAST)
        work = self.of(BROKE_OFF).ran("successful", measured[:2], well="web3", **JUST_ENDED)
        work.late, work.date = {44: measured}, NOW
        assert done(work.ledger()) == {}
        assert 44 in work.waited_for

    def test_so_is_its_last_failure(self) -> None:
        """Without it the second batch would seem to have come to its end."""
        first = (PLAY, FIRST, LAST, failure("web2", 5, "u4"))
        batches = (*first, again(PLAY, 6), again(FIRST, 7), result("web1", 8, "u2"))
        work = self.of(batches, **JUST_ENDED).ran("successful", (PLAY, FIRST, LAST), well="web3")
        work.late, work.date = {43: (*batches, failure("web3", 9))}, NOW
        work.lists[f"jobs/43/{SUMMARIES}/"].append(summary("web3"))

        assert done(work.ledger()) == {}
        assert 43 in work.waited_for

    def test_those_of_one_that_ended_long_ago_are_not(self) -> None:
        work = self.of(WENT_ON).ran("successful", (PLAY, FIRST, LAST), well="web3")

        assert done(work.ledger()) == {"web1": 43}
        assert {43, 44}.isdisjoint(work.waited_for)

    def test_what_it_has_started_is_kept(self) -> None:
        work = self.of(WENT_ON).ran("successful", (PLAY, FIRST, LAST), well="web3")
        work.ledger()

        work.ledger()

        assert not any("job_events" in asked and "playbook_on" in asked for asked in work.asked)

    def test_who_was_done_before_one_whose_end_no_run_shows_stays_so(self) -> None:
        """It failed in a play that no other run began, on a host that no relaunch on failed hosts reaches."""
        play = {**SECOND_PLAY[0], "event_data": {**SECOND_PLAY[0]["event_data"], "play_pattern": "localhost"}}
        work = Work().ran("failed", WENT_ON, well="web1", failed="web2").inventory("web1", "web2")
        work.ran("successful", (PLAY, FIRST, LAST, play), well="web2")
        events = (PLAY, FIRST, LAST, play, SECOND_PLAY[1], failure("localhost", 10, SECOND_PLAY[1]["uuid"]))
        work.ran("failed", events, well="web1 web2", limit="")
        work.lists[f"jobs/44/{SUMMARIES}/"].append(summary("localhost", True, False))
        work.lists["inventories/1/groups/"] = []

        ledger = work.ledger()

        assert ledger.runs[1].stopped == {"web1", "web2"}
        assert {one.name: one.done_in and one.done_in.id for one in ledger.hosts or ()} == {
            "localhost": None,
            "web2": 43,
        }


class TestEndOfTheSource:
    """Job 42 failed on web2, and job 43 has been successful on that."""

    def of(self, events: t.Any = BROKE_OFF, healed: t.Any = (PLAY, FIRST, LAST), **facts: t.Any) -> Work:
        work = Work().ran("failed", events, well="web1", failed="web2", **facts).inventory("web1", "web2")
        return work.ran("successful", healed, well="web2")

    def test_it_went_to_its_end(self) -> None:
        work = self.of(WENT_ON)
        ledger = work.ledger(end=42)

        assert (ledger.end_known, ledger.stopped, ledger.due) == (True, None, ())
        # The summaries of its hosts are not asked for.
        assert not any(asked.startswith(f"jobs/42/{SUMMARIES}/?page") for asked in work.asked)

    def test_it_broke_off(self) -> None:
        stopped = self.of().ledger(end=42).stopped

        assert stopped == StoppedEarly(at='task "Start" of play "Deploy"', hosts=("web1",))

    def test_those_that_were_stopped_have_been_done_since(self) -> None:
        work = self.of().ran("successful", (PLAY, FIRST, LAST), well="web1")

        assert work.ledger(end=42).stopped is None

    def test_or_some_of_them(self) -> None:
        work = Work().ran("failed", BROKE_OFF, well="web1 web3", failed="web2").inventory("web1", "web2", "web3")
        work.ran("successful", (PLAY, FIRST, LAST), well="web2").ran("successful", (PLAY, FIRST, LAST), well="web1")

        stopped = work.ledger(end=42).stopped
        assert stopped is not None and stopped.hosts == ("web3",)

    def test_those_that_failed_since_are_left(self) -> None:
        work = self.of().ran("successful", (PLAY, FIRST, LAST), well="web1").ran("failed", BROKE_OFF, failed="web1")

        ledger = work.ledger(end=42)
        assert (names(ledger), ledger.stopped and ledger.stopped.hosts) == (["web1"], ("web1",))

    def test_hosts_that_it_never_began_on(self) -> None:
        work = self.of().inventory("web1", "web2", "web4", without_summary="web4")

        stopped = work.ledger(end=42).stopped
        assert stopped is not None and stopped.hosts == ("web1", "web4")

    @pytest.mark.parametrize(("done", "left"), [(250, None), (248, ("web249", "web250"))])
    def test_of_more_than_a_page_those_that_were_done_since_are_known(
        self, done: int, left: tuple[str, ...] | None
    ) -> None:
        others = [f"web{number}" for number in range(3, 251)]
        work = self.of().inventory("web1", "web2", *others, without_summary=" ".join(others))
        work.ran("successful", (PLAY, FIRST, LAST), well=" ".join(["web1", "web2", *others[: done - 2]]))

        stopped = work.ledger(end=42).stopped
        assert (stopped and (stopped.hosts, stopped.more)) == (left and (left, 0))

    @pytest.mark.parametrize(
        ("well", "failed", "done"), [("web1", "", False), ("web1 web4", "", True), ("web1 web4", "web4", False)]
    )
    def test_that_they_were_done_is_known_without_the_inventory_by_their_number(
        self, well: str, failed: str, done: bool
    ) -> None:
        """Job 42 broke off before it had begun on web4."""
        total = {"summary_fields": {"inventory": {"total_hosts": 2}}}
        work = Work().ran("failed", BROKE_OFF, failed="web1", **total)
        work.lists["inventories/1/hosts/"] = 403
        work.ran("successful", (PLAY, FIRST, LAST), well=well)
        if failed:
            work.ran("failed", BROKE_OFF, failed=failed)

        stopped = work.ledger(end=42).stopped
        assert (stopped is None) is done
        assert done or (stopped is not None and (stopped.more, stopped.unknown) == (1, NOT_READABLE))

    def test_where_that_was_is_asked_for_where_nobody_was_stopped(self) -> None:
        work = Work().ran("failed", BROKE_OFF, failed="web2").inventory("web1", "web2", without_summary="web1")

        stopped = work.ran("successful", (PLAY, FIRST, LAST), well="web2").ledger(end=42).stopped
        assert stopped == StoppedEarly(at='task "Start" of play "Deploy"', hosts=("web1",))

    def test_one_that_was_begun_since_is_none(self) -> None:
        work = self.of().inventory("web1", "web2", "web4", without_summary="web4")
        work.ran("successful", (PLAY, FIRST, LAST), well="web1 web4")

        assert work.ledger(end=42).stopped is None

    def test_its_events_may_not_be_read(self) -> None:
        stopped = self.of(403).ledger(end=42).stopped

        assert stopped == StoppedEarly(hosts=("web1",), unknown="its events may not be read")

    def test_the_playbook_has_changed_since(self) -> None:
        work = Work().ran("failed", BROKE_OFF, well="web1", failed="web2", scm_revision="abc")
        work.inventory("web1", "web2").ran("successful", (PLAY, FIRST, LAST), well="web2", scm_revision="def")
        stopped = work.ledger(end=42).stopped

        assert stopped is not None
        assert (stopped.hosts, stopped.unknown) == (("web1",), "the playbook has changed since")

    @pytest.mark.parametrize("pattern", ["made", "localhost"])
    def test_a_play_of_no_host_of_the_inventory_that_nobody_began(self, pattern: str) -> None:
        """A relaunch on failed hosts leaves out a host made by the playbook, and localhost."""
        work = Work().ran("failed", BROKE_OFF, failed="web2").inventory("web2")
        work.lists["inventories/1/groups/"] = [{"id": 1, "name": "db"}]
        play = {**SECOND_PLAY[0], "event_data": {**SECOND_PLAY[0]["event_data"], "play_pattern": pattern}}
        stopped = work.ran("successful", (PLAY, FIRST, LAST, play), well="web2").ledger(end=42).stopped

        assert stopped is not None
        assert (stopped.hosts, "a play that no run has begun" in stopped.unknown) == ((), True)

    def test_nor_does_it_help_that_it_ran_on_all_of_the_inventory(self) -> None:
        """Which is what is looked at for many jobs."""
        statistics = {"event": "playbook_on_stats", "counter": 99, "event_data": {"failures": {"web2": 1}}}
        facts = {"summary_fields": {"inventory": {"total_hosts": 1}}}
        work = Work().ran("failed", (*BROKE_OFF, statistics), failed="web2", **facts).inventory("web2")
        work.lists["inventories/1/groups/"] = []
        play = {**SECOND_PLAY[0], "event_data": {**SECOND_PLAY[0]["event_data"], "play_pattern": "made"}}
        stopped = work.ran("successful", (PLAY, FIRST, LAST, play), well="web2").ledger(end=42, many=True).stopped

        assert stopped is not None and "a play that no run has begun" in stopped.unknown

    def test_other_trouble_with_the_inventory_is_an_error(self) -> None:
        work = Work().ran("failed", BROKE_OFF, failed="web2").inventory("web2")
        work.lists["inventories/1/groups/"] = 400
        play = {**SECOND_PLAY[0], "event_data": {**SECOND_PLAY[0]["event_data"], "play_pattern": "made"}}

        with pytest.raises(AnswerError):
            work.ran("successful", (PLAY, FIRST, LAST, play), well="web2").ledger(end=42)

    @pytest.mark.parametrize("readable", [True, False])
    def test_which_failed_hosts_are_enabled(self, readable: bool) -> None:
        work = Work().ran("failed", WENT_ON, failed="web1 web2").inventory("web1", "web2")
        renamed, disabled = work.lists["inventories/1/hosts/"]
        renamed["name"], disabled["enabled"] = "db1", False
        if not readable:
            work.lists["inventories/1/hosts/"] = 403

        assert work.enabled() == (["db1"] if readable else None)

    @pytest.mark.parametrize(("readable", "reach"), [(True, Reach.IDLE), (False, Reach.RELAUNCH)])
    def test_whether_one_that_was_stopped_would_run(self, readable: bool, reach: Reach) -> None:
        """It is disabled, which only the inventory tells."""
        work = self.of()
        work.lists["inventories/1/hosts/"][0]["enabled"] = False
        if not readable:
            work.lists["inventories/1/hosts/"] = 403

        stopped = work.ledger(end=42, remaining=True).stopped_hosts
        assert [(host.name, host.reach) for host in stopped or ()] == [("web1", reach)]

    def test_what_was_done_for_one_with_a_comma_in_its_name_was_not_for_others(self) -> None:
        """Such as what is done always: it is no sign that these went on."""
        events = (PLAY, FIRST, failure("db,4"), LAST, result("db,4", 5, "u4"))
        work = Work().ran("failed", events, well="web1", failed="db,4").inventory("web1", "db,4")
        stopped = work.ran("successful", (PLAY,), well="db,4", limit="").ledger(end=42).stopped

        assert stopped is not None and stopped.hosts == ("web1",)

    def test_one_with_a_comma_in_its_name_is_not_gone(self) -> None:
        work = Work().ran("failed", BROKE_OFF, well="db,4 web1", failed="web2").inventory("web1", "db,4")
        work.ran("successful", (PLAY, FIRST, LAST), well="web2")

        stopped = work.ledger(end=42, remaining=True).stopped_hosts
        assert [(host.name, host.reach) for host in stopped or ()] == [
            ("db,4", Reach.RELAUNCH),
            ("web1", Reach.RELAUNCH),
        ]

    @pytest.mark.parametrize(("hosts", "doubted"), [(1, True), (2, False)])
    def test_nor_that_its_inventory_may_not_be_read(self, hosts: int, doubted: bool) -> None:
        """A run on all hosts of the inventory shows that the play is for none of them."""
        facts = {"summary_fields": {"inventory": {"total_hosts": hosts}}, "limit": "web2"}
        work = Work().ran("failed", BROKE_OFF, failed="web2", **facts)
        work.lists.update({"inventories/1/groups/": 403, "inventories/1/hosts/": 403})
        play = {**SECOND_PLAY[0], "event_data": {**SECOND_PLAY[0]["event_data"], "play_pattern": "made"}}
        stopped = work.ran("successful", (PLAY, FIRST, LAST, play), well="web2", **facts).ledger(end=42).stopped

        assert (stopped is not None and "a play that no run has begun" in stopped.unknown) is doubted

    def test_hosts_that_it_never_began_on_are_named_all_the_same(self) -> None:
        work = Work().ran("failed", BROKE_OFF, failed="web2").inventory("web2", "web4", without_summary="web4")
        work.lists["inventories/1/groups/"] = []
        play = {**SECOND_PLAY[0], "event_data": {**SECOND_PLAY[0]["event_data"], "play_pattern": "made"}}

        stopped = work.ran("successful", (PLAY, FIRST, LAST, play), well="web2").ledger(end=42).stopped

        assert stopped is not None and stopped.hosts == ("web4",)
        assert "a play that no run has begun" in stopped.beyond

    def test_one_that_another_run_has_begun_is_done(self) -> None:
        work = Work().ran("failed", BROKE_OFF, failed="web2").inventory("web2")
        work.lists["inventories/1/groups/"] = []
        play = {**SECOND_PLAY[0], "event_data": {**SECOND_PLAY[0]["event_data"], "play_pattern": "made"}}
        work.ran("successful", (PLAY, FIRST, LAST, play), well="web2")
        work.ran("successful", (PLAY, FIRST, LAST, play, SECOND_PLAY[1]), well="web2")

        assert work.ledger(end=42).stopped is None

    @pytest.mark.parametrize("pattern", ["db", "web2"])
    def test_a_play_of_the_inventory_that_nobody_began_was_for_nobody_there(self, pattern: str) -> None:
        work = Work().ran("failed", BROKE_OFF, failed="web2").inventory("web2")
        work.lists["inventories/1/groups/"] = [{"id": 1, "name": "db"}]
        work.lists["groups/1/all_hosts/"] = []
        play = {**SECOND_PLAY[0], "event_data": {**SECOND_PLAY[0]["event_data"], "play_pattern": pattern}}

        assert work.ran("successful", (PLAY, FIRST, LAST, play), well="web2").ledger(end=42).stopped is None

    def test_no_run_shows_whether_anything_lies_behind(self) -> None:
        """All of its failed hosts may be gone, so that nothing has run since."""
        work = Work().ran("failed", BROKE_OFF, well="web1", failed="web2").inventory("web1", "web2")
        stopped = work.ledger(end=42).stopped

        assert stopped is not None
        assert (stopped.hosts, "no run shows" in stopped.unknown) == (("web1",), True)

    def test_whether_it_never_began_on_others_cannot_be_known(self) -> None:
        work = self.of(BROKE_OFF, limit="web*")

        stopped = work.ledger(end=42).stopped
        assert stopped is not None and stopped.hosts == ("web1",)

    def test_that_does_not_matter_where_it_went_to_its_end_for_all(self) -> None:
        assert self.of(WENT_ON, limit="web*").ledger(end=42).stopped is None

    def test_of_the_run_that_stands_in_its_place(self) -> None:
        work = Work().ran("failed", (), started=None).inventory("web1", "web2")
        work.ran("failed", BROKE_OFF, well="web1", failed="web2", limit="")
        work.ran("successful", (PLAY, FIRST, LAST), well="web2")
        for host in work.lists["inventories/1/hosts/"]:
            host["job_host_summaries__job"] = [43]

        stopped = work.ledger(end=43).stopped
        assert stopped is not None and stopped.hosts == ("web1",)


class TestWhomASuccessOnAllHostsLeftOut:
    """Job 42 failed on web2 and stopped web1; job 43, on all hosts, was successful on web2."""

    LATER = "2026-11-24T00:00:00Z"

    def of(self, well: str = "web2", never_began: bool = False, **web1: t.Any) -> Work:
        facts = {"started": None} if never_began else {"host_status_counts": {"ok": 1, "failures": 1}}
        total = {"summary_fields": {"inventory": {"total_hosts": 2}}}
        hosts = ("", "") if never_began else ("web1", "web2")
        work = Work().ran("failed", () if never_began else BROKE_OFF, *hosts, **facts, **total)
        counts = {"host_status_counts": {"ok": len(well.split())} if well else None}
        work.ran("successful", (PLAY, FIRST, LAST), well=well, limit="", **counts, **total).inventory("web1", "web2")
        for host in work.lists["inventories/1/hosts/"]:
            host["job_host_summaries__job"] = [42, 43] if host["name"] in well.split() else [42]
        work.lists["inventories/1/hosts/"][0].update(web1)
        return work

    def test_one_that_was_enabled_since(self) -> None:
        work = self.of(modified=self.LATER)
        ledger = work.with_whole_success()

        assert (ledger.whole_left_out, ledger.whole_success) == (True, None)
        stopped = work.ledger(end=42).stopped
        assert stopped is not None and stopped.hosts == ("web1",)

    @pytest.mark.parametrize(("status", "left_out"), [("successful", False), ("failed", True)])
    def test_one_that_another_run_has_done_is_none(self, status: str, left_out: bool) -> None:
        work = self.of(modified=self.LATER)
        well, failed = ("web1", "") if status == "successful" else ("", "web1")
        work.ran(status, (PLAY, FIRST, LAST), well, failed, limit="web1")

        assert work.with_whole_success().whole_left_out is left_out

    @pytest.mark.parametrize(("revision", "left_out"), [("e00", False), ("f00", True)], ids=["the same", "another"])
    def test_one_that_a_failed_run_did_is_none_where_the_success_shows_its_end(
        self, revision: str, left_out: bool
    ) -> None:
        work = self.of(modified=self.LATER)
        work.jobs[1].facts["scm_revision"] = "e00"
        work.ran("failed", (PLAY, FIRST, LAST), well="web1", failed="web2", scm_revision=revision)

        assert work.with_whole_success().whole_left_out is left_out

    def test_one_that_the_base_itself_did_is_none(self) -> None:
        work = self.of(modified=self.LATER)
        work.lists["jobs/42/job_events/"] = [{"host_name": "", "host__isnull": True, **one} for one in WENT_ON]

        assert work.with_whole_success().whole_left_out is False

    @pytest.mark.parametrize("web1", [{"enabled": False}, {}], ids=["disabled still", "not changed since"])
    def test_one_that_cannot_run_is_none(self, web1: dict[str, t.Any]) -> None:
        ledger = self.of(**web1).with_whole_success()

        assert (ledger.whole_left_out, ledger.whole_success and ledger.whole_success.id) == (False, 43)

    def renamed(self, limit: str = "web1,web2", **web1: t.Any) -> Work:
        """Host web1 is db1 since job 42 has ended."""
        work = self.of(name="db1", **web1)
        for one in work.jobs:
            one.facts["limit"] = limit
        work.lists[f"jobs/42/{SUMMARIES}/"][0]["summary_fields"]["host"]["name"] = "db1"
        return work

    @pytest.mark.parametrize("many", [False, True])
    @pytest.mark.parametrize(
        ("limit", "enabled", "left_out"),
        [("web1,web2", True, True), ("web1,web2", False, False), ("web1,db1,web2", True, False), ("", True, False)],
    )
    def test_one_that_was_renamed_before_it_and_is_in_its_limit_by_the_old_name(
        self, limit: str, enabled: bool, left_out: bool, many: bool
    ) -> None:
        work = self.renamed(limit, enabled=enabled)

        assert (work.with_whole_success(many=many).whole_left_out or False) is left_out

    def test_that_one_is_none_where_all_hosts_are_asked_for(self) -> None:
        """Another run on all hosts would have the same limit, and leave it out again."""
        assert self.renamed().with_whole_success(by_names=False, whole=True).whole_left_out is False

    def test_nor_where_another_run_has_done_it_by_its_new_name(self) -> None:
        work = self.renamed().ran("successful", (PLAY, FIRST, LAST), "db1", limit="db1")

        assert work.with_whole_success().whole_left_out is False

    @pytest.mark.parametrize(("well", "by_names", "left_out"), [("web2", True, True), ("web2", False, None)])
    def test_without_the_inventory_it_is_not_known(self, well: str, by_names: bool, left_out: bool | None) -> None:
        work = self.of(well)
        work.lists["inventories/1/hosts/"] = 403

        assert work.with_whole_success(by_names).whole_left_out is left_out

    def test_but_one_that_was_deleted_is_none(self) -> None:
        """Another run on all hosts would leave it out again."""
        work = self.of()
        work.lists["inventories/1/hosts/"] = 403
        work.lists[f"jobs/42/{SUMMARIES}/"][0].update(host=None, summary_fields={})
        ledger = work.with_whole_success()

        assert (ledger.whole_left_out, ledger.whole_success and ledger.whole_success.id) == (None, 43)

    @pytest.mark.parametrize("never_began", [False, True])
    def test_as_many_hosts_ask_nothing_more(self, never_began: bool) -> None:
        work = self.of("web1 web2", never_began)
        work.ledger()
        before = len(work.asked)

        assert work.with_whole_success(by_names=not never_began).whole_left_out is None
        assert len(work.asked) <= before

    def with_another(self, **web3: t.Any) -> Work:
        """Job 43 ran on web3 instead of web1, so that it ran on as many."""
        work = self.of("web2 web3", modified=self.LATER)
        inventory = work.lists["inventories/1/hosts/"]
        inventory.append({**inventory[1], "id": 3, "name": "web3", "job_host_summaries__job": [43], **web3})
        for one in work.jobs:
            one.facts["summary_fields"]["inventory"]["total_hosts"] = 3
        return work

    def test_another_host_does_not_stand_for_it(self) -> None:
        assert self.with_another().with_whole_success().whole_left_out is True

    @pytest.mark.parametrize("limit", ["", "web1,web2,web3"])
    def test_where_it_ran_on_as_many_a_host_that_is_disabled_still_costs_one_request_and_is_not_told(
        self, limit: str
    ) -> None:
        work = self.with_another()
        for one in work.jobs:
            one.facts["limit"] = limit
        work.lists["inventories/1/hosts/"][0]["enabled"] = False
        work.ledger()

        assert work.with_whole_success(by_names=False).whole_left_out is None
        assert len(work.asked) == 1

    @pytest.mark.parametrize("by_names", [True, False])
    @pytest.mark.parametrize(("name", "left_out"), [("web1", True), ("web7", None)])
    def test_one_that_was_added_again_behind_it(self, by_names: bool, name: str, left_out: bool | None) -> None:
        """Another one that was added since was not asked for."""
        added = {"name": name, "created": self.LATER, "modified": self.LATER, "job_host_summaries__job": []}

        assert (self.of(**added).with_whole_success(by_names).whole_left_out or None) is left_out

    @pytest.mark.parametrize(
        ("enabled", "done", "left_out"), [(True, False, True), (False, False, None), (True, True, None)]
    )
    def test_a_failed_one_where_the_plays_do_not_tell_for_whom_they_are(
        self, enabled: bool, done: bool, left_out: bool | None
    ) -> None:
        """:param done: by another run."""
        work = self.of(modified=self.LATER)
        if done:
            work.ran("successful", (PLAY, FIRST, LAST), "web1", limit="web1")
        work.lists[f"jobs/42/{SUMMARIES}/"][0].update(failed=True, failures=1)
        inventory = work.lists["inventories/1/hosts/"]
        inventory[0]["enabled"] = enabled
        inventory.append({**inventory[0], "id": 3, "name": "db1", "enabled": True, "job_host_summaries__job": []})
        play = {**PLAY, "event_data": {**PLAY["event_data"], "play_pattern": "~web.*"}}
        work.lists["jobs/43/job_events/"] = [{"host_name": "", "host__isnull": True, **one} for one in (play, LAST)]

        assert work.with_whole_success(by_names=False).whole_left_out is left_out

    def test_a_failed_one_that_it_left_out_is_told_where_the_inventory_may_not_be_read(self) -> None:
        work = self.of(modified=self.LATER)
        rows = work.lists[f"jobs/42/{SUMMARIES}/"]
        rows[0].update(failed=True, failures=1)
        work.lists["inventories/1/hosts/"] = 403

        ledger = work.with_whole_success(by_names=False)

        assert ledger.whole_left_out is None
        assert [(one.name, one.reach) for one in ledger.remaining] == [("web1", Reach.IDLE)]

    @pytest.mark.parametrize("well", ["", "web2"])
    def test_behind_one_that_never_began_all_hosts_of_the_inventory_count(self, well: str) -> None:
        work = self.of(well, never_began=True, modified=self.LATER)

        assert work.with_whole_success(by_names=False).whole_left_out is True

    def test_one_on_no_host_where_the_inventory_may_not_be_read(self) -> None:
        work = self.of("", never_began=True)
        work.lists["inventories/1/hosts/"] = 403

        assert work.with_whole_success(by_names=False).whole_left_out is True


class World:
    """What others may do to a job and its relaunches between two looks; whom they delete is told at the end."""

    HOSTS = ("web1", "web2", "web3", "web4", "web5")

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.controller = RelaunchingController(self._ran, *self.HOSTS[:3])
        self._active: dict[int, dict[str, t.Any]] = {}

    def _ran(self, _number: int, hosts: tuple[str, ...]) -> Ran:
        if self._random.random() < 0.2:
            return self._random.choice(["error", "failed", "canceled"])
        runs = [name for name in hosts or self.HOSTS if self._random.random() < 0.8]
        return {name: self._random.random() < 0.6 for name in runs}

    def move(self) -> None:
        roll = self._random.random()
        jobs = self.controller.jobs
        if self._active and roll < 0.5:
            number = self._random.choice(sorted(self._active))
            jobs[number] = self._active.pop(number)
        elif roll < 0.6:
            self.controller.disabled.symmetric_difference_update({self._random.choice(self.HOSTS)})
        else:
            hosts = "all" if self._random.random() < 0.1 else "failed"
            number = self.controller.relaunch(self._random.choice(sorted(set(jobs) - set(self._active))), hosts)["id"]
            if self._random.random() < 0.2:
                self._active[number] = jobs[number]
                jobs[number] = {**jobs[number], "status": "running", "finished": None}

    def ledger(self, client: ControllerClient, kept: JobsRead) -> Ledger:
        source, *later = (Job.of(one) for _number, one in sorted(self.controller.jobs.items()))
        return LedgerReader(client, lambda job: job, source, SameWork(client, source), False, kept).ledger(later, True)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_the_newest_result_of_each_host_counts(seed: int) -> None:
    """And who keeps what has been read comes to the same as who asks for all of it."""
    world, kept = World(seed), JobsRead()
    with world.controller.client(Clock()) as client:
        for _step in range(12):
            ledger = world.ledger(client, kept)
            assert set(names(ledger)) == world.controller.remaining
            fresh = world.ledger(client, JobsRead())
            assert (ledger.hosts, ledger.last_done) == (fresh.hosts, fresh.last_done)
            world.move()
