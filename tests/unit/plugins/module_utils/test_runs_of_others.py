# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the runs of others mean for the work of a job: schedules, and persons with limits of their own."""

from __future__ import annotations

import json
import typing as t

import pytest
import requests

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import ControllerError
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import JobsRequest
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.outcome import JobsOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._job.options import (
    RELAUNCH_SPECIFICATION,
    RelaunchRequest,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import RelaunchOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._job.relaunch_job import relaunch_job
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting
from ansible_collections.relaunch.controller.plugins.module_utils._selection.selection import Selection
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import RelaunchOptions
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import NOW, BulkController, SimulatedJob
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, listed

WEB = {"web1": False, "web2": False, "web3": False}
NEVER_BEGAN = {
    "status": "failed",
    "started": None,
    "playbook_counts": {"play_count": 0, "task_count": 0},
    "host_status_counts": None,
}


def relaunched(controller: BulkController, hosts: str = "failed", **options: t.Any) -> RelaunchOutcome:
    unset = {name: option.get("default") for name, option in RELAUNCH_SPECIFICATION["argument_spec"].items()}
    request = RelaunchRequest.of({**unset, "job_id": 1, "hosts": hosts, "wait": True}, False, False)
    with controller.client(**options) as client:
        return relaunch_job(client, request)


def recovered(controller: BulkController, hosts: str, number: int = 1, fallback_to_all: bool = False) -> JobsOutcome:
    options = RelaunchOptions(hosts=hosts, wait=True, fallback_to_all=fallback_to_all)
    selection = Selection(job_ids=tuple(range(1, number + 1)))
    request = JobsRequest(now=NOW, selection=selection, options=options, waiting=Waiting(wait=True), at_once=5)
    with controller.client() as client:
        return relaunch_jobs(client, request)


def may_not_read_the_inventory(_method: str, path: str) -> t.Any:
    """For who may only execute."""
    return (403, DENIED) if path.startswith("inventories/") else None


class TestScheduledSuccess:
    """Job 50 was successful on all that its play is for, web1 to web3. The inventory has db1 and db2 besides."""

    def controller(
        self, *, began: bool, pattern: str = "web", number: int = 1, readable: bool = True, edited: bool = True
    ) -> BulkController:
        """:param edited: db1 and db2 have been changed since."""
        controller = BulkController(Clock())
        for job in range(1, number + 1):
            if began:
                controller.failed(job, {**WEB, "web1": True}, template=6 + job, stopped=True)
            else:
                controller.failed(job, {}, template=6 + job, **NEVER_BEGAN)
            controller.failed(49 + job, WEB, template=6 + job, launch_type="scheduled")
        controller.inventory.update({"db1": True, "db2": True})

        def before(method: str, path: str) -> t.Any:
            if not readable and (denied := may_not_read_the_inventory(method, path)):
                return denied
            if path == "inventories/1/groups/":
                known = "web" in str(controller.asked[-1][2]) and pattern == "web"
                return 200, listed(*([{"id": 3, "name": "web"}] if known else []))
            if path.startswith("groups/3/"):
                return 200, listed(*({"id": one, "name": f"web{one}"} for one in (1, 2, 3)))
            return None

        def after(path: str, query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            if "modified__gt" in query:
                rows = [row for row in body["results"] if row["name"].startswith("db")] if edited else []
                return 200, listed(*rows)
            if "job_events" in path:
                body = json.loads(json.dumps(body).replace('"play_pattern": "all"', f'"play_pattern": "{pattern}"'))
            return status, body

        controller.before, controller.after = before, after
        return controller

    @pytest.mark.parametrize("hosts", ["failed", "remaining"])
    def test_it_counts_for_who_may_not_read_the_inventory(self, hosts: str) -> None:
        controller = self.controller(began=True, readable=False)

        assert relaunched(controller, hosts).changed is False
        entry = recovered(controller, hosts).jobs[0]
        assert (entry.outcome, entry.recovered) == ("superseded", True), entry.msg

    @pytest.mark.parametrize("hosts", ["failed", "remaining"])
    def test_nor_is_it_done_again_on_all_hosts(self, hosts: str) -> None:
        controller = self.controller(began=True, readable=False)
        for _run in range(3):
            recovered(controller, hosts, fallback_to_all=True)
            controller.clock.now += 600.0
        assert controller.posts == []

    @pytest.mark.parametrize("pattern", ["web*", "~web.*", "os_RedHat"])
    @pytest.mark.parametrize("hosts", ["failed", "all", "remaining"])
    def test_hosts_of_other_work_may_be_edited(self, hosts: str, pattern: str) -> None:
        controller = self.controller(began=False, pattern=pattern)
        for _run in range(3):
            relaunched(controller, hosts)
            controller.clock.now += 3600.0
        assert controller.posts == []

    def test_hosts_of_other_work_may_be_edited_beside_many_jobs(self) -> None:
        controller = self.controller(began=False, pattern="web*")
        for _run in range(3):
            recovered(controller, "failed")
            controller.clock.now += 3600.0
        assert controller.posts == []

    @pytest.mark.parametrize("edited", [False, True])
    @pytest.mark.parametrize(("began", "requests_at_most"), [(False, 11), (True, 49)])
    def test_hosts_are_asked_for_once_for_many_jobs(self, began: bool, requests_at_most: int, edited: bool) -> None:
        controller = self.controller(began=began, number=20, edited=edited)

        outcome = recovered(controller, "failed", number=20)

        assert {entry.outcome for entry in outcome.jobs} == {"superseded"}
        assert len(controller.asked) <= requests_at_most

    @pytest.mark.parametrize("began", [False, True])
    def test_hosts_that_are_no_part_of_the_work_are_not_told(self, began: bool) -> None:
        outcome = recovered(self.controller(began=began, edited=False), "failed")

        assert "did not run on some hosts" not in outcome.jobs[0].msg


@pytest.mark.parametrize("hosts", ["failed", "all"])
@pytest.mark.parametrize(("changed", "posts"), [(-30000.0, 0), (0.0, 1)])
def test_a_host_that_was_enabled_behind_a_success_remains_among_many(changed: float, posts: int, hosts: str) -> None:
    controller = BulkController(Clock())
    controller.failed(1, {}, template=7, **NEVER_BEGAN)
    controller.failed(2, {"web1": False}, template=7, launch_type="scheduled")
    controller.inventory["web2"] = True
    controller.changed["web2"] = changed

    recovered(controller, hosts)

    assert len(controller.posts) == posts


def test_a_host_in_the_statistics_of_the_source_was_asked_for_whatever_its_limit_means_now() -> None:
    controller = BulkController(Clock())
    controller.failed(1, {"web1": True, "web2": False}, limit="web")
    controller.failed(2, {"web1": False, "web2": True}, limit="web1,web2")
    controller.before = may_not_read_the_inventory

    outcome = relaunched(controller)

    ran = {name for one in controller.jobs.values() if one.id > 100 for name in one.hosts}
    assert "web2" in ran, (outcome.msg, controller.posts)


def test_a_host_that_was_disabled_is_no_error_for_who_may_not_read_the_inventory() -> None:
    controller = BulkController(Clock())
    controller.failed(1, {"web1": True, "web2": False, "web3": False})
    controller.failed(2, {"web2": False, "web3": False}, launch_type="scheduled")
    controller.inventory["web1"] = False
    controller.before = may_not_read_the_inventory

    outcome = relaunched(controller)

    assert (outcome.changed, controller.posts) == (False, [])


def test_many_that_were_done_on_all_hosts_ask_for_them_once() -> None:
    controller = BulkController(Clock())
    for number in range(1, 21):
        controller.failed(number, {"web1": True}, template=6 + number)
        controller.failed(49 + number, {"web1": False}, template=6 + number, launch_type="scheduled")
    controller.inventory["web1"] = True

    outcome = recovered(controller, "all", number=20)

    assert {entry.recovered for entry in outcome.jobs} == {True}
    assert len([path for _method, path, _query in controller.asked if "hosts" in path]) == 1


def test_a_failed_host_that_a_success_left_out_is_told_with_all_hosts_too() -> None:
    """Who may not read the inventory cannot know whether it can run by now."""
    controller = BulkController(Clock())
    controller.failed(1, {"web1": True, "web2": False, "web3": False})
    controller.failed(2, {"web2": False, "web3": False}, launch_type="scheduled")
    controller.inventory["web1"] = False
    controller.before = may_not_read_the_inventory

    outcome, entry = relaunched(controller, "all"), recovered(controller, "all").jobs[0]

    assert (outcome.changed, outcome.remaining_hosts, controller.posts) == (False, ("web1",), [])
    assert "web1" in " ".join(outcome.warnings or ())
    assert (entry.recovered, entry.remaining_hosts) == (False, ("web1",))


@pytest.mark.parametrize("retries", [0, 3])
def test_a_lost_answer_about_the_prompts_of_another_job_is_asked_for_again(retries: int) -> None:
    """The controller resets connections for a minute behind the launch, where somebody's other job is too."""
    controller = BulkController(Clock())
    controller.failed(1, {"web1": True, "web2": False})
    controller.duration = lambda _number: 120.0
    until: list[float] = []

    def before(method: str, path: str) -> None:
        if method == "POST" and path == "jobs/1/relaunch/" and not until:
            controller.launch(7, ["web1"], 60.0, launch_type="manual", limit="web1", verbosity=3)
            until.append(controller.clock.now + 60.0)
        if path.endswith("create_schedule/") and until and controller.clock.now < until[0]:
            raise requests.ConnectionError("reset")

    controller.before = before

    outcome = relaunched(controller, max_retries=retries)

    assert outcome.job is not None
    assert outcome.job.status == "successful"


class TestFailedHostsOfSeveralRuns:
    """Job 1 failed on web1, which job 2 has healed. That failed on web2, and job 3, which did not reach it, on web3."""

    def controller(self) -> BulkController:
        controller = BulkController(Clock())
        controller.failed(1, {"web1": True})
        controller.failed(2, {"web1": False, "web2": True})
        controller.failed(3, {"web1": False, "web3": True})
        return controller

    def test_none_is_relaunched_of_which_all_are_disabled_by_now(self) -> None:
        controller = self.controller()
        controller.inventory["web3"] = False

        outcome = relaunched(controller)

        assert controller.posts == ["2/relaunch"], outcome.msg
        assert (outcome.remaining_hosts, outcome.changed) == (("web3",), True)
        # The launch was limited to web2.
        assert [said.split(".")[0] for said in outcome.warnings or ()] == ["Did not run, though asked for: web3"]

    def test_all_are_relaunched_that_can_run(self) -> None:
        controller = self.controller()

        outcome = relaunched(controller)

        assert (controller.posts, outcome.remaining_hosts) == (["3/relaunch", "2/relaunch"], ()), outcome.msg

    def test_a_success_on_all_hosts_is_not_all_where_it_left_out_one_that_is_enabled_by_now(self) -> None:
        """Job 1 failed on web1, which job 2 has done, but web4 was disabled. Since then two failed that are so now."""
        controller = BulkController(Clock())
        controller.failed(1, {"web1": True, "web2": False, "web3": False})
        controller.failed(2, WEB)
        controller.failed(3, {"web2": True}, limit="web2")
        controller.failed(4, {"web3": True}, limit="web3")
        controller.inventory.update({"web2": False, "web3": False, "web4": True})
        controller.changed["web4"] = -10000.0

        with pytest.raises(ControllerError, match="it has not been done on web4"):
            relaunched(controller)
        assert controller.posts == []

    @pytest.mark.parametrize("disabled", [True, False])
    def test_none_is_relaunched_on_what_is_done_for_one_that_is_disabled_by_now(self, disabled: bool) -> None:
        controller = BulkController(Clock())
        controller.failed(1, {"web1": True, "web2": True})
        controller.failed(2, {"web2": False}, limit="web2")
        controller.inventory["web1"] = not disabled

        outcome = relaunched(controller)

        assert controller.posts == ([] if disabled else ["1/relaunch"]), outcome.msg
        assert outcome.remaining_hosts == (("web1",) if disabled else ())

    def test_none_is_relaunched_where_all_hosts_are_disabled_by_now(self) -> None:
        controller = BulkController(Clock())
        controller.failed(1, {"web1": True, "web2": False})
        controller.failed(2, {"web2": True}, limit="web2")
        controller.failed(3, {"web3": False}, limit="web3")
        controller.inventory.update({"web1": False, "web2": False})

        outcome = relaunched(controller)

        assert (controller.posts, outcome.changed, outcome.remaining_hosts) == ([], False, ("web1", "web2"))


class TestALaunchThatBreaksHalfWay:
    """Its job is active, but stays in status new for ever: that shows only after two minutes."""

    NEVER_ENDS: t.ClassVar[dict[str, t.Any]] = {"duration": 1e9, "status": "new", "started": None}

    def controller(self) -> BulkController:
        controller = BulkController(Clock())
        controller.failed(1, {"web1": True, "web2": False})

        def not_for_ever(_method: str, _path: str) -> t.Any:
            assert controller.clock.now < 600

        controller.before = not_for_ever
        return controller

    def broken(self, controller: BulkController, hosts: str) -> None:
        limit = "" if hosts == "all" else "web1"
        controller.launch(7, [], launch_type="relaunch", limit=limit, launched_by={"id": 1}, **self.NEVER_ENDS)

    @pytest.mark.parametrize("hosts", ["failed", "all", "remaining"])
    def test_anothers_is_not_waited_for(self, hosts: str) -> None:
        controller = self.controller()
        self.broken(controller, hosts)

        outcome = relaunched(controller, hosts)

        assert (outcome.job and outcome.job.id, len(controller.posts)) == (102, 2), controller.posts
        (warning,) = outcome.warnings or ()
        assert warning == "Job 101, the same work, was left in status new and will never run. It was canceled."

    @pytest.mark.parametrize("hosts", ["failed", "all", "remaining"])
    def test_nor_beside_many_others(self, hosts: str) -> None:
        controller = self.controller()
        self.broken(controller, hosts)

        entry = recovered(controller, hosts).jobs[0]

        assert (entry.outcome, entry.id, entry.recovered) == ("relaunched", 102, True), entry.msg

    def test_nor_is_that_of_the_task_itself(self) -> None:
        """The answer to its launch was lost."""
        controller = self.controller()

        def lost(method: str, path: str) -> t.Any:
            assert controller.clock.now < 600
            if (method, path) == ("POST", "jobs/1/relaunch/") and len(controller.jobs) == 1:
                self.broken(controller, "failed")
                return 502, {}
            return None

        controller.before = lost
        outcome = relaunched(controller)

        assert controller.posts == ["1/relaunch", "101/cancel", "1/relaunch"]
        assert outcome.job and outcome.job.id == 102

    def test_nor_is_the_source_itself(self) -> None:
        controller = self.controller()
        controller.jobs[1].created, controller.jobs[1].duration = 0.0, 1e9
        controller.jobs[1].facts.update(status="new", started=None)

        with pytest.raises(ControllerError, match="Job 1 was left in status new and will never run"):
            relaunched(controller)
        assert controller.posts == []


class TestOneThatWasLaunchedBeforeTheEndOfTheJob:
    """A template that is launched for each host by itself: job 2 is still running on web2 when job 1 has ended."""

    def controller(self, *groups: str, limit: str = "web1") -> BulkController:
        """:param groups: those of the inventory."""
        controller = BulkController(Clock())
        controller.failed(1, {"web1": True}, limit=limit)
        controller.failed(2, {"web2": False}, limit="web2")
        controller.jobs[2].created, controller.jobs[2].duration = controller.jobs[1].ends - 5, 40000.0
        found = listed(*({"id": 3, "name": name} for name in groups))
        controller.before = lambda _method, path: (200, found) if path == "inventories/1/groups/" else None
        return controller

    @pytest.mark.parametrize("hosts", ["failed", "all", "remaining"])
    def test_it_is_not_waited_for_where_it_is_on_other_hosts(self, hosts: str) -> None:
        controller = self.controller()

        outcome = relaunched(controller, hosts)

        assert (outcome.job and outcome.job.id, controller.jobs[101].facts["limit"]) == (101, "web1")
        assert controller.jobs[2].ends > controller.clock.now

    @pytest.mark.parametrize(("limit", "groups"), [("web1", ["web2"]), ("", [])], ids=["a group", "on all hosts"])
    def test_it_is_where_it_may_be_on_the_same(self, limit: str, groups: list[str]) -> None:
        controller = self.controller(*groups, limit=limit)

        assert relaunched(controller).changed
        assert controller.jobs[2].ends < controller.jobs[101].created


class TestOneThatFailsElsewhere:
    """Job 3 of another caller is running on web1, which alone is asked about, and on web7."""

    def controller(self, **failing: bool) -> BulkController:
        controller = BulkController(Clock())
        controller.failed(1, {"web1": True}, limit="web1")
        controller.failed(2, {"web9": False}, limit="web9")
        controller.failed(3, {"web1": False, "web7": True, **failing}, limit="web1,web7")
        controller.jobs[3].created = -1.0
        controller.before = lambda _method, path: (200, listed()) if path == "inventories/1/groups/" else None
        return controller

    @pytest.mark.parametrize("hosts", ["failed", "remaining"])
    def test_it_does_the_work_all_the_same(self, hosts: str) -> None:
        controller = self.controller()

        outcome = relaunched(controller, hosts)

        assert (controller.posts, outcome.changed, outcome.remaining_hosts) == ([], False, ())
        assert outcome.failed_hosts == ("web7",)
        assert "Job 3 ended with status failed on web7. The hosts that job 1 failed on have succeeded" in outcome.msg

    @pytest.mark.parametrize("hosts", ["failed", "remaining"])
    def test_it_does_not_where_it_fails_on_what_is_asked_for(self, hosts: str) -> None:
        with pytest.raises(ControllerError, match="Job 3, the same work as job 1, ended with status failed on web1"):
            relaunched(self.controller(web1=True, web7=False), hosts)


class TestATemplateThatIsLaunchedForEachHost:
    """Job 1 is limited to web1. Of 200 later ones on other hosts the even ones have failed."""

    def controller(self, limit: str = "web1", groups: t.Collection[str] = (), readable: bool = True) -> BulkController:
        controller = BulkController(Clock())
        controller.failed(1, {"web1": True}, limit=limit)
        for number in range(2, 202):
            controller.failed(number, {f"web{number}": number % 2 == 0}, limit=f"web{number}")

        def before(method: str, path: str) -> t.Any:
            if not readable and (denied := may_not_read_the_inventory(method, path)):
                return denied
            asked = controller.asked[-1][2].get("name__in", "").split(",")
            found = [{"id": 3, "name": name} for name in groups if name in asked]
            return (200, listed(*found)) if path == "inventories/1/groups/" else None

        controller.before = before
        return controller

    def summaries(self, controller: BulkController) -> set[int]:
        return {int(path.split("/")[1]) for _method, path, _query in controller.asked if "summaries" in path} - {1, 202}

    def test_the_inventory_is_asked_once_what_their_limits_mean(self) -> None:
        controller = self.controller()

        outcome = relaunched(controller)

        assert (controller.posts, outcome.remaining_hosts) == (["1/relaunch"], ()), outcome.msg
        assert self.summaries(controller) == set()
        assert len([path for _method, path, _query in controller.asked if path.startswith("inventories/")]) == 8
        assert len(controller.asked) < 30

    @pytest.mark.parametrize("readable", [True, False])
    def test_one_on_a_group_counts(self, readable: bool) -> None:
        controller = self.controller(groups=["web50"], readable=readable)
        controller.jobs[50].hosts = {"web1": False}

        outcome = relaunched(controller)

        assert (controller.posts, outcome.job and outcome.job.id) == ([], 50), outcome.msg
        assert self.summaries(controller) == ({50} if readable else set(range(2, 202)))

    @pytest.mark.parametrize("readable", [True, False])
    def test_one_counts_whose_limit_was_a_group_before_a_host_had_that_name(self, readable: bool) -> None:
        controller = self.controller(readable=readable)
        controller.jobs[50].hosts = {"web1": False}
        made = "2026-11-24T01:00:00Z"

        def after(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            for row in body["results"] if path == "inventories/1/hosts/" and status == 200 else ():
                row["created"] = made if row["name"] == "web50" else row["created"]
            return status, body

        controller.after = after

        outcome = relaunched(controller)

        assert (controller.posts, outcome.job and outcome.job.id) == ([], 50), outcome.msg

    def test_one_counts_on_a_host_that_was_renamed(self) -> None:
        """It was web50, and another one is so now."""
        controller = self.controller()
        controller.jobs[50].hosts = {"web1": False}

        def after(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
            for row in body["results"] if path == "jobs/1/job_host_summaries/" else ():
                row["host_name"] = "web0"
            return status, body

        controller.after = after
        controller.jobs[1].facts["limit"] = "web0"
        # By now another one has the name that it had then.
        controller.inventory["web0"] = True

        outcome = relaunched(controller)

        assert (controller.posts, outcome.job and outcome.job.id) == ([], 50), outcome.msg


def test_whose_inventory_is_gone_is_not_advised_to_be_relaunched_where_it_had_stopped_for_others() -> None:
    controller = BulkController(Clock())
    controller.failed(1, {"web1": True, "web2": False}, stopped=True, inventory=None)
    controller.failed(2, {"web1": False}, limit="web1", inventory=None)

    with pytest.raises(ControllerError, match="Job 1 cannot be relaunched. What it ran with is gone"):
        relaunched(controller)
    assert controller.posts == []


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_is_waited_for_that_does_what_a_success_has_shown_to_be_left(fails: bool) -> None:
    """Job 1 stopped before its end for web2, which only the success of job 2 shows; job 3 is on it by then."""
    controller = BulkController(Clock())
    controller.failed(1, {"web1": True, "web2": False}, stopped=True)
    facts = {"unified_job_template": 7, "launch_type": "manual"}
    controller.jobs[2] = SimulatedJob(2, -1.0, 20.0, {"web1": False}, {**facts, "limit": "web1"})
    controller.jobs[3] = SimulatedJob(3, -1.0, 40.0, {"web1": False, "web2": fails}, facts)

    if fails:
        with pytest.raises(ControllerError, match="Job 3, the same work as job 1, ended with status failed on web2"):
            relaunched(controller, "remaining")
    else:
        outcome = relaunched(controller, "remaining")
        assert (outcome.job and outcome.job.id, outcome.remaining_hosts, outcome.changed) == (3, (), False)
    assert controller.posts == []
