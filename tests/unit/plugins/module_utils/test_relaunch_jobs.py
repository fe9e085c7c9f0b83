# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence of bulk_job_relaunch against a scripted controller, where the world moves between two requests."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import ControllerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.kinds import JOB
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import JobsRequest
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.outcome import JobCounts
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import BrokenOffError, outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import GONE_AFTER, Waiting
from ansible_collections.relaunch.controller.plugins.module_utils._selection.selection import Selection
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import RelaunchOptions
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    JOBS,
    STOPPED,
    WENT_ON,
    at,
    in_list,
    job,
    listed,
    of_task,
    prompts,
    summary,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)

Result = dict[str, t.Any]

STARTED = "playbook_on_task_start"


FAILURES = listed(
    *(of_task("Install", 5, "runner_on_failed", host_name=name, failed=True) for name in ("web1", "web2"))
)


def relaunched(number: int, status: str = "pending", **facts: t.Any) -> dict[str, t.Any]:
    return job(number, status, launch_type="relaunch", **facts)


@pytest.fixture(autouse=True)
def _none_was_relaunched_before_and_no_name_has_a_blank(controller: ScriptedController) -> None:
    controller.aside("GET", JOBS, listed(), launch_type__in="relaunch,manual")
    controller.aside("GET", "/api/v2/hosts/", listed())


@pytest.fixture(autouse=True)
def _no_update_failed(controller: ScriptedController) -> None:
    for kind in ("project_updates", "inventory_updates"):
        controller.aside("GET", f"/api/v2/{kind}/", listed())


@pytest.fixture
def run(controller: ScriptedController, clock: Clock) -> t.Callable[..., Result]:
    """Relaunch jobs 42, of template 7, and 43, of template 8, one at a time; what came of it, a failure too."""

    def run(progress: t.Callable[[JobCounts], None] | None = None, retries: int = 0, **more: t.Any) -> Result:
        waiting = Waiting(wait=True, timeout=more.pop("timeout", None))
        given = {"selection": Selection(job_ids=(42, 43)), "at_once": 1, **more}
        request = JobsRequest(now=NOW, options=RelaunchOptions(wait=True), waiting=waiting, **given)
        connection = ConnectionOptions(controller.url, token="t", max_retries=retries)
        with ControllerClient(connection, clock.read, clock.sleep) as client:
            try:
                return relaunch_jobs(client, request, progress).result()
            except (ControllerError, KeyboardInterrupt) as error:
                outcome = outcome_of(error)
                return dict(outcome.result() if outcome else {}, failed=True, said=str(error))

    controller.expect("GET", JOBS, body=listed(job(42), job(43, unified_job_template=8)))
    controller.expect("GET", JOBS, body=listed())
    return run


@pytest.fixture
def run_one(controller: ScriptedController, clock: Clock) -> t.Callable[..., Result]:
    """The same with job 42 alone, or those that are named; nothing is expected beforehand."""

    def run_one(hosts: str = "all", *, job_ids: tuple[int, ...] = (42,), fallback: bool = False) -> Result:
        selection, options = (
            Selection(job_ids=job_ids),
            RelaunchOptions(hosts=hosts, wait=True, fallback_to_all=fallback),
        )
        request = JobsRequest(now=NOW, selection=selection, options=options, waiting=Waiting(wait=True), at_once=1)
        connection = ConnectionOptions(controller.url, token="t", max_retries=0)
        with ControllerClient(connection, clock.read, clock.sleep) as client:
            return relaunch_jobs(client, request).result()

    return run_one


def outcomes(result: Result) -> list[tuple[int, str, t.Any, bool]]:
    return [(entry["source_job_id"], entry["outcome"], entry.get("id"), entry["recovered"]) for entry in result["jobs"]]


def test_the_second_waits_for_the_end_of_the_first(
    controller: ScriptedController, run: t.Callable[..., Result]
) -> None:
    shown: list[str] = []
    for source, new, template in ((42, 100, 7), (43, 101, 8)):
        # The end of the first came along with a look for the second.
        controller.expect("POST", at(source, "relaunch"), 201, relaunched(new, unified_job_template=template))
        controller.expect("GET", JOBS, body=listed(relaunched(new, unified_job_template=template)))
        controller.expect("GET", JOBS, body=listed())
        controller.expect("GET", JOBS, body=listed(relaunched(new, "successful", unified_job_template=template)))

    result = run(lambda counted: shown.append(str(counted)))

    assert outcomes(result) == [(42, "relaunched", 100, True), (43, "relaunched", 101, True)]
    narrow = [asked.query for asked in controller.asked if "id__in" in asked.query][1:]
    assert [query["id__in"] for query in narrow] == ["101", "101"]
    assert {query["status__in"] for query in narrow} == {"successful,failed,error,canceled"}
    both = [asked.query for asked in controller.asked if "or__status__in" in asked.query]
    assert [(query["or__id__gt"], query["unified_job_template__in"]) for query in both] == [("43", "7,8")] * 2
    assert shown[0] == "1 of 2: 1 running"
    assert shown[-1] == "2 of 2: 2 successful"


def test_an_interruption_leaves_an_account_of_what_was_launched(
    controller: ScriptedController, run: t.Callable[..., Result]
) -> None:
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(100))
    controller.expect("GET", JOBS, body=listed(relaunched(100)))

    def interrupt(_counted: JobCounts) -> None:
        raise KeyboardInterrupt

    result = run(interrupt)

    assert result["changed"]
    assert outcomes(result) == [(42, "relaunched", 100, False), (43, "refused", None, False)]
    assert "the task was broken off before its turn" in result["jobs"][1]["msg"]


def test_of_callers_in_one_instant_one_gives_way_by_one_look(
    controller: ScriptedController, run: t.Callable[..., Result]
) -> None:
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(101))
    controller.expect("POST", at(43, "relaunch"), 201, relaunched(102, unified_job_template=8))
    both = listed(relaunched(100), relaunched(101), relaunched(102, unified_job_template=8))
    controller.expect("GET", JOBS, body=both)
    controller.expect("POST", at(101, "cancel"), 202)
    ended = [relaunched(100, "successful"), relaunched(102, "successful", unified_job_template=8)]
    controller.expect("GET", JOBS, body=listed(*ended))
    # Whether another run has failed beside the one that was adopted.
    controller.expect("GET", JOBS, body=listed(relaunched(101, "canceled"), *ended))

    result = run(at_once=2)

    assert outcomes(result) == [(42, "adopted", 100, True), (43, "relaunched", 102, True)]
    assert "Another caller had launched the same work in the same instant, as job 100" in result["jobs"][0]["msg"]


@pytest.mark.parametrize("answer", [202, 405], ids=["canceled", "too late"])
def test_where_a_job_gave_way_the_failure_of_a_third_is_told(
    controller: ScriptedController, run_one: t.Callable[..., Result], answer: int
) -> None:
    """Another's job succeeded in its place, and a third one, which ended later, failed: web1 is not done."""
    first, own = (relaunched(number, limit="web1") for number in (100, 101))
    controller.expect("GET", JOBS, body=listed(job(42)))
    controller.expect("GET", JOBS, body=listed(job(42)))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, own)
    controller.expect("GET", JOBS, body=listed(first, own))
    controller.expect("POST", at(101, "cancel"), answer)
    own = relaunched(101, "canceled" if answer == 202 else "failed", limit="web1")
    ended, failed = [relaunched(100, "successful", limit="web1"), own], relaunched(102, "failed")
    controller.expect("GET", JOBS, body=listed(in_list(ended[0])))
    controller.expect("GET", JOBS, body=listed(*map(in_list, (*ended, failed))))
    controller.whenever("GET", at(100), body=ended[0])
    controller.whenever("GET", at(101), body=own)
    controller.whenever("GET", at(102), body=failed)
    for number in (42, 101, 102):
        controller.whenever("GET", at(number, "job_host_summaries"), body=listed(summary("web1")))
    controller.whenever("GET", at(100, "job_host_summaries"), body=listed(summary("web1", failed=False)))
    for number in (42, 100, 101, 102):
        controller.whenever("GET", at(number, "job_events"), body=listed())

    with pytest.raises(BrokenOffError, match="1 not successful.* Job 100 was successful, but that is not all") as told:
        run_one("failed")

    assert "This task's own job 101 had been given up for another caller's." in str(told.value)


def test_a_success_that_a_later_failure_took_back_is_no_rival(
    controller: ScriptedController, run_one: t.Callable[..., Result]
) -> None:
    before = [relaunched(50, "successful"), relaunched(51, "failed", created="2026-11-23T10:51:00.100000Z")]
    controller.expect("GET", JOBS, body=listed(job(42)))
    controller.expect("GET", JOBS, body=listed(*before))
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(100))
    controller.expect("GET", JOBS, body=listed(*before, relaunched(100)))
    controller.expect("GET", JOBS, body=listed(relaunched(100, "successful")))

    assert outcomes(run_one()) == [(42, "relaunched", 100, True)]


def test_hosts_that_cannot_run_remain_after_success_on_others(
    controller: ScriptedController, run_one: t.Callable[..., Result]
) -> None:
    later = relaunched(50, "failed", limit="web1,web2")
    controller.expect("GET", JOBS, body=listed(job(42)))
    # It has its statistics.
    controller.expect("GET", JOBS, body=listed(job(42)))
    controller.expect("GET", JOBS, body=listed(later))
    controller.whenever("GET", at(42, "job_host_summaries"), body=listed(summary("web1"), summary("web2")))
    controller.expect("GET", at(50, "job_host_summaries"), body=listed(summary("web1")))
    # Disabled, web2 is not among those that can run.
    controller.whenever("GET", "/api/v2/inventories/1/hosts/", body=listed())
    new = relaunched(100, limit="web1")
    controller.expect("GET", at(50), body=later)
    controller.expect("POST", at(50, "relaunch"), 201, new)
    controller.expect("GET", JOBS, body=listed(later, new))
    well = relaunched(100, "successful", limit="web1")
    # That is the look on which the verdict rests, too.
    controller.expect("GET", JOBS, body=listed(in_list(well)))
    controller.expect("GET", at(100), body=well)
    controller.whenever("GET", at(100, "job_host_summaries"), body=listed(summary("web1", failed=False)))
    for number in (42, 50, 100):
        controller.whenever("GET", at(number, "job_events"), body=listed())

    (entry,) = run_one("failed")["jobs"]

    assert (entry["recovered"], entry["hosts"], entry["remaining_hosts"]) == (False, ["web1"], ["web2"])
    assert (entry["outcome"], entry["status"]) == ("relaunched", "successful")
    assert "they have not been recovered" in entry["msg"]


def test_what_a_schedule_has_recovered_meanwhile_is_not_launched(
    controller: ScriptedController, clock: Clock, run: t.Callable[..., Result]
) -> None:
    controller.whenever("GET", "/api/v2/inventories/1/hosts/", body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(100))
    controller.expect("GET", JOBS, body=listed(relaunched(100)))
    controller.expect("GET", JOBS, body=listed())
    # Made before the relaunch of another template, which is known by then.
    scheduled = job(99, "successful", launch_type="scheduled", unified_job_template=8)
    # What has ended, and come since, through a bad minute.
    controller.expect("GET", JOBS, 503)
    controller.expect("GET", JOBS, body=listed(scheduled))
    for _look in range(8):
        controller.expect("GET", JOBS, body=listed())
    controller.expect("GET", JOBS, body=listed(relaunched(100, "successful")))

    result = run()

    assert clock.now > 10
    lists = [asked.query for asked in controller.asked if "or__status__in" in asked.query]
    assert int(lists[2]["id__gt"]) < int(lists[2]["or__id__gt"]) < 99
    # Later it is known for good.
    assert lists[-1]["or__id__gt"] == "100"
    assert "99" not in lists[-1].get("not__id__in", "")
    assert outcomes(result) == [(42, "relaunched", 100, True), (43, "superseded", 99, True)]
    assert "Job 99, the same work as job 43, was successful: nothing to relaunch." in result["jobs"][1]["msg"]


def test_what_came_during_a_search_is_known_at_the_next_launch(
    controller: ScriptedController, clock: Clock, run: t.Callable[..., Result]
) -> None:
    controller.whenever("GET", "/api/v2/inventories/1/hosts/", body=listed())
    controller.expect("POST", at(42, "relaunch"), fault="close")
    for _look in range(10):
        controller.expect("GET", JOBS, body=listed())
    scheduled = job(99, "successful", launch_type="scheduled", unified_job_template=8)
    controller.expect("GET", JOBS, body=listed(scheduled))

    # One that is looked for may be active, and takes the only room.
    result = run()

    assert clock.now >= 10
    assert outcomes(result) == [(42, "lost", None, False), (43, "superseded", 99, True)]


def test_what_came_while_prompts_were_read_is_known_at_launch(
    controller: ScriptedController, clock: Clock, run: t.Callable[..., Result]
) -> None:
    controller.whenever("GET", "/api/v2/inventories/1/hosts/", body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(100))
    controller.expect("GET", JOBS, body=listed(relaunched(100)))
    for _look in range(8):
        controller.expect("GET", JOBS, body=listed())
    # Which is other work, but only its prompts tell.
    other = job(99, "successful", launch_type="scheduled", unified_job_template=8, verbosity=2)
    scheduled = job(101, "successful", launch_type="scheduled", unified_job_template=8)
    controller.expect("GET", JOBS, body=listed(other, relaunched(100, "successful")))
    controller.expect("GET", at(43, "create_schedule"), body=prompts())
    controller.expect("GET", at(99, "create_schedule"), 429, {"detail": "Wait."}, headers={"Retry-After": "20"})
    controller.expect("GET", at(99, "create_schedule"), body=prompts(verbosity=2))
    controller.expect("GET", JOBS, body=listed(scheduled))

    result = run(retries=1)

    assert 20.0 in clock.slept
    assert outcomes(result) == [(42, "relaunched", 100, True), (43, "superseded", 101, True)]


def test_a_job_that_proves_to_be_cut_short_waits_for_room(
    controller: ScriptedController, run_one: t.Callable[..., Result]
) -> None:
    other: dict[str, t.Any] = {"unified_job_template": 8}
    cut = job(43, host_status_counts={"ok": 1, "failures": 2}, **other)
    # It is waited for, since it does not run on web2.
    partial = relaunched(60, limit="web1", **other)
    jobs = listed(job(42), cut)
    controller.expect("GET", JOBS, body=jobs)
    controller.expect("GET", JOBS, body=jobs)
    controller.expect("GET", JOBS, body=listed(partial))
    controller.whenever("GET", at(42, "job_host_summaries"), body=listed(summary("web1")))
    failed = summary("web1"), summary("web2")
    stopped = summary("web3", failed=False)
    controller.whenever("GET", at(43, "job_host_summaries"), body=listed(*failed, stopped))
    controller.whenever("GET", at(43, "job_host_summaries"), body=listed(*failed), failed="true")
    controller.whenever("GET", "/api/v2/inventories/1/hosts/", body=listed())
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(100, limit="web1"))
    controller.expect("GET", JOBS, body=listed(relaunched(100, limit="web1")))
    for number in (60, 61, 100, 101):
        # Its events are not all in, so that its detail tells when they are.
        controller.whenever("GET", at(number, "job_events"), body=listed())
    # Its failed hosts have succeeded, but it had stopped before its end.
    well: dict[str, t.Any] = {"status": "successful", "host_status_counts": {"ok": 1}}
    ended = [relaunched(n, limit=name, **well, **other) for n, name in ((60, "web1"), (61, "web2"))]
    for one, name in zip(ended, ("web1", "web2")):
        summaries = listed(summary(name, failed=False))
        controller.whenever("GET", at(one["id"], "job_host_summaries"), body=summaries)
        controller.whenever("GET", at(one["id"]), body=one)
        controller.whenever("GET", at(one["id"], "job_events"), body=WENT_ON, event__in=STARTED)
    controller.whenever("GET", at(43, "job_events"), body=FAILURES, event__in="runner_on_failed")
    controller.whenever("GET", at(43, "job_events"), body=STOPPED, event__in=STARTED)
    controller.whenever("GET", at(43, "job_events"), body={"count": 1, "results": []}, event__in="runner_on_ok")
    controller.whenever("GET", at(42, "job_events"), body=listed())
    controller.whenever("GET", at(42, "job_events"), body=WENT_ON, event__in=STARTED)
    controller.expect("GET", JOBS, body=listed(in_list(ended[0])))
    healed = relaunched(100, limit="web1", **well)
    controller.whenever("GET", at(100), body=healed)
    controller.whenever("GET", at(100, "job_host_summaries"), body=listed(summary("web1", failed=False)))
    controller.whenever("GET", at(100, "job_events"), body=WENT_ON, event__in=STARTED)
    # With it comes what the verdict on the one, and the decision about the other rest on.
    controller.expect("GET", JOBS, body=listed(in_list(ended[1]), in_list(healed)))
    whole = relaunched(101, "successful", **other)
    controller.expect("POST", at(43, "relaunch"), 201, relaunched(101, **other))
    controller.expect("GET", JOBS, body=listed(*ended, whole))
    controller.whenever("GET", at(101), body=whole)
    controller.whenever("GET", at(101, "job_host_summaries"), body=listed(summary("web1", failed=False)))

    result = run_one("failed", job_ids=(42, 43), fallback=True)

    assert outcomes(result) == [(42, "relaunched", 100, True), (43, "relaunched", 101, True)]
    assert [asked.body for asked in controller.asked if asked.method == "POST"][-1] == {"hosts": "all"}


def test_one_that_is_refused_does_not_stop_the_others(
    controller: ScriptedController, run: t.Callable[..., Result]
) -> None:
    controller.expect("POST", at(42, "relaunch"), 403, {"detail": "Not you."})
    controller.expect("GET", JOBS, body=listed())
    controller.expect("POST", at(43, "relaunch"), 201, relaunched(101, unified_job_template=8))
    controller.expect("GET", JOBS, body=listed(relaunched(101, unified_job_template=8)))
    controller.expect("GET", JOBS, body=listed(relaunched(101, "successful", unified_job_template=8)))

    result = run()

    # They were named by their numbers, so that one that cannot be relaunched fails the task.
    assert result["failed"] and "Not successful: 42." in result["said"]
    assert outcomes(result) == [(42, "refused", None, False), (43, "relaunched", 101, True)]
    assert "Not you." in result["jobs"][0]["msg"]


@pytest.mark.parametrize(("status", "failed"), [(403, False), (429, True), (400, True)])
def test_a_broken_plan_fails_the_task_a_missing_role_does_not(
    controller: ScriptedController, run: t.Callable[..., Result], status: int, failed: bool
) -> None:
    for source in (42, 43):
        controller.expect("POST", at(source, "relaunch"), status, {"detail": "No."})
        if status == 403 and source == 42:
            # It was asked twice, a second apart.
            controller.expect("GET", JOBS, body=listed())

    result = run(selection=Selection(finished_after=NOW, kinds=(JOB,)))

    assert result.get("failed", False) is failed
    assert (result["changed"], result["counts"]["failed"]) == (False, 2 if failed else 0)
    assert {entry["outcome"] for entry in result["jobs"]} == {"refused"}


def test_one_deleted_during_the_wait_is_lost_and_others_go_on(
    controller: ScriptedController, clock: Clock, run: t.Callable[..., Result]
) -> None:
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(100))
    controller.expect("POST", at(43, "relaunch"), 201, relaunched(101, unified_job_template=8))
    controller.expect("GET", JOBS, body=listed(relaunched(100), relaunched(101, unified_job_template=8)))
    for _look in range(32):
        controller.expect("GET", JOBS, body=listed())
    # After a minute without any end, one look is at all of them.
    controller.expect("GET", JOBS, body=listed(relaunched(101, "running", unified_job_template=8)))
    controller.expect("GET", at(100), 404, {"detail": "Not found."})
    controller.expect("GET", JOBS, body=listed(relaunched(101, "successful", unified_job_template=8)))

    result = run(at_once=2)

    assert clock.now >= GONE_AFTER
    assert ["status__in" in asked.query for asked in controller.asked if "id__in" in asked.query][-3:] == [
        True,
        False,
        True,
    ]
    assert outcomes(result) == [(42, "lost", 100, False), (43, "relaunched", 101, True)]
    assert "Job 100 was deleted while it was waited for" in result["jobs"][0]["msg"]
    assert result["failed"]


def test_a_deadline_while_nothing_is_active_fails_the_task_too(
    controller: ScriptedController, run: t.Callable[..., Result]
) -> None:
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(100))
    controller.expect("GET", JOBS, body=listed(relaunched(100)))
    controller.expect("GET", JOBS, body=listed(relaunched(100, "successful")))

    result = run(timeout=1)

    assert result["said"].startswith("Waiting ended after 1 seconds (timeout).")
    assert outcomes(result) == [(42, "relaunched", 100, True), (43, "refused", None, False)]


def test_at_the_deadline_nothing_is_launched_active_jobs_told(
    controller: ScriptedController, run: t.Callable[..., Result]
) -> None:
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(100))
    controller.expect("GET", JOBS, body=listed(relaunched(100)))
    for _look in range(5):
        controller.expect("GET", JOBS, body=listed())
    # At the end one look at all of them.
    controller.expect("GET", JOBS, body=listed(relaunched(100, "running")))

    result = run(timeout=5)

    assert result["said"].startswith("Waiting ended after 5 seconds (timeout).")
    assert outcomes(result) == [(42, "relaunched", 100, False), (43, "refused", None, False)]
    said = "Waiting for job 100 ended after 5 seconds (timeout) with the job running. It goes on"
    assert said in result["jobs"][0]["msg"]
    assert result["jobs"][0]["status"] == "running"
    assert "Not launched: the timeout was over before its turn." in result["jobs"][1]["msg"]
