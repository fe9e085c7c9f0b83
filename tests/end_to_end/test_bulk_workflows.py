# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""bulk_job_relaunch resumes workflow jobs beside the jobs that it relaunches, and runs updates that failed again."""

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import OptionError
from end_to_end.conftest import Driver
from end_to_end.workflow_jobs import FAILED_LINE, line, resumes, temporary, unsafe, until
from sandbox.process import Sandbox

HOSTS: dict[str, dict[str, t.Any]] = {"web1": {}, "web2": {}}
FAILED = {"web1": "ok", "web2": "failed"}

Workflow = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def template(sandbox: Sandbox) -> t.Callable[..., int]:
    """Add a template whose jobs end as data, well where nothing else is said."""

    def template(**options: t.Any) -> int:
        given = {"hosts": HOSTS, "outcomes": {}, "duration": 0.1, "asks": ["extra_vars", "limit"], **options}
        return int(sandbox.add_template(f"Work {os.urandom(4).hex()}", "- hosts: all\n", **given)["id"])

    return template


def entries_of(result: dict[str, t.Any]) -> dict[int, dict[str, t.Any]]:
    return {entry["source_job_id"]: entry for entry in result["jobs"]}


def window(sandbox: Sandbox, first: int) -> str:
    """From the making of a job on."""
    return str(sandbox.request("GET", f"/unified_jobs/?id={first}").body["results"][0]["created"])


def test_a_workflow_is_resumed_beside_jobs_and_has_its_nodes(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    alone = sandbox.make_job(template=template(), status="failed", hosts=FAILED)
    made = workflow(line(template()), FAILED_LINE)
    other = sandbox.make_job(
        template=template(), status="failed", hosts=FAILED, launch_type="workflow", workflow_job=made["id"] - 1
    )
    sandbox.clear_log()
    since = window(sandbox, alone)

    plan = driver.bulk(finished_after=since, check_mode=True)

    assert unsafe(sandbox) == []
    planned = entries_of(plan)
    assert {number: entry["outcome"] for number, entry in planned.items()} == {
        alone: "relaunched",
        made["id"]: "relaunched",
        other: "refused",
    }
    assert planned[made["id"]]["msg"].startswith(f"What remains of workflow job {made['id']} would run: B, D.")

    done = driver.bulk(finished_after=since)

    entries = entries_of(done)
    resumed = entries[made["id"]]
    assert (resumed["type"], resumed["outcome"], resumed["recovered"]) == ("workflow_job", "relaunched", True), resumed
    assert (resumed["nodes"], resumed["node_job_ids"]) == (["B", "D"], [made["jobs"]["B"]])
    assert [run["id"] for run in resumes(sandbox, made["id"])] == [resumed["id"]]
    assert temporary(sandbox, made["id"]) == []
    assert entries[alone]["recovered"] and entries[alone]["type"] == "job"
    assert (done["failed"], done["counts"]["recovered"]) == (False, 2)

    again = driver.bulk(finished_after=since)

    assert {entry["outcome"] for entry in again["jobs"]} == {"done", "refused"}
    assert not again["changed"]


def test_a_node_that_fails_again_counts_though_the_controller_calls_its_workflow_successful(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    """A was enough for C, which runs after B now, whatever becomes of that."""
    failing = template(outcomes={"web2": "failed"})
    nodes = {
        "A": {"project": "first", "success": ["C"]},
        "B": {"template": failing, "success": ["C"]},
        "C": {"project": "second"},
    }
    made = workflow(nodes, {"A": "successful", "B": FAILED_LINE["B"], "C": "failed"})
    task = {"finished_after": window(sandbox, made["id"]), "max_attempts": 2, "kinds": ["workflow_job"]}

    results = [driver.bulk(**task) for _number in range(3)]
    sandbox.change_template(failing, outcomes={})
    mended = driver.bulk(**{**task, "max_attempts": 3})

    assert [run["status"] for run in resumes(sandbox, made["id"])] == ["successful", "failed", "successful"]
    entries = [entries_of(result)[made["id"]] for result in (*results, mended)]
    assert [entry["recovered"] for entry in entries] == [False, False, False, True]
    assert [(entry["outcome"], entry["failed_nodes"]) for entry in entries[:2]] == [("relaunched", ["B"])] * 2
    assert [(result["failed"], result["counts"]["failed"]) for result in results[:2]] == [(True, 1)] * 2
    assert (results[2]["changed"], results[2]["counts"]["needs_person"]) == (False, 1), results[2]["msg"]
    assert (mended["failed"], mended["changed"]) == (False, True), mended["msg"]


def test_a_workflow_that_goes_on_failing_is_left_to_a_person(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    failing = template(outcomes={"web2": "failed"})
    made = workflow(line(failing), FAILED_LINE)
    since = window(sandbox, made["id"])
    task = {"finished_after": since, "max_attempts": 2}

    results = [driver.bulk(**task) for _number in range(4)]

    first, second = (run["id"] for run in resumes(sandbox, made["id"]))
    assert [result["changed"] for result in results] == [True, True, False, False]
    entries = [entries_of(result) for result in results]
    assert (entries[0][made["id"]]["outcome"], entries[0][made["id"]]["failed_nodes"]) == ("relaunched", ["B"])
    by_number = [entries[1][number] for number in (first, made["id"])]
    assert [(entry["outcome"], entry["id"], entry["recovered"]) for entry in by_number] == [
        ("relaunched", second, False),
        ("superseded", second, False),
    ]
    last = entries[3]
    assert {number: entry["outcome"] for number, entry in last.items()} == {
        made["id"]: "superseded",
        first: "superseded",
        second: "needs_person",
    }
    assert (last[second]["attempts"], results[3]["failed"]) == (2, True)
    root = sandbox.request("GET", f"/workflow_jobs/{made['id']}/").body
    assert root["finished"][:19] == last[second]["failing_since"][:19]

    sandbox.change_template(failing, outcomes={})
    mended = driver.bulk(finished_after=since, max_attempts=3)

    assert (mended["failed"], mended["counts"]["recovered"]) == (False, 3)
    again = driver.bulk(finished_after=since)
    assert (again["failed"], again["changed"], again["counts"]["recovered"]) == (False, False, 3), again


def test_after_a_later_success_nothing_is_resumed(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    made = workflow(line(template()), FAILED_LINE)
    later = sandbox.launch_workflow(made["template"])
    assert sandbox.wait(later) == "successful"

    found = driver.bulk(finished_after=window(sandbox, made["id"]))

    (entry,) = found["jobs"]
    assert (entry["outcome"], entry["recovered"], entry["id"]) == ("superseded", True, later)
    assert resumes(sandbox, made["id"]) == []


def test_an_active_run_with_the_same_values_is_waited_for(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    made = workflow(line(template(duration=1.0)), FAILED_LINE)
    since = window(sandbox, made["id"])
    again = sandbox.launch_workflow(made["template"])

    plan = driver.bulk(finished_after=since, check_mode=True)
    left = driver.bulk(finished_after=since, wait=False)
    done = driver.bulk(finished_after=since)

    assert [(entry["outcome"], entry["recovered"]) for entry in (*plan["jobs"], *left["jobs"])] == [
        ("adopted", False)
    ] * 2
    (entry,) = done["jobs"]
    assert (entry["outcome"], entry["recovered"], entry["id"]) == ("adopted", True, again)
    assert unsafe(sandbox) == []


def test_who_may_make_no_workflow_templates_is_told_so(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    made = workflow(line(template()), FAILED_LINE)

    result = driver.bulk("alice", finished_after=window(sandbox, made["id"]))

    (entry,) = result["jobs"]
    assert (result["failed"], entry["outcome"], entry["type"]) == (False, "refused", "workflow_job")
    assert "workflow" in entry["msg"] and "admin" in entry["msg"], entry["msg"]
    assert unsafe(sandbox) == []


def test_the_workflow_that_the_recovery_is_a_node_of_is_left_out(
    sandbox: Sandbox,
    driver: Driver,
    template: t.Callable[..., int],
    workflow: Workflow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = workflow(line(template(duration=60.0)), FAILED_LINE)
    run = sandbox.launch_workflow(made["template"])
    until(lambda: sandbox.nodes(run)["B"]["job"] is not None)
    own = sandbox.nodes(run)["B"]["job"]
    monkeypatch.setenv("JOB_ID", str(own))
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", f"/runner/awx_{own}_x")
    sandbox.clear_log()

    result = driver.bulk(finished_after=window(sandbox, made["id"]))

    assert (result["jobs"], result["failed"], unsafe(sandbox)) == ([], False, [])
    sandbox.cancel(own)
    # Else its failure may be found by the next test.
    assert sandbox.wait(run) == "failed"


def test_what_stands_in_the_way_is_told_in_this_tasks_options(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    made = workflow(line(template(asks=[])), FAILED_LINE)
    task = {"finished_after": window(sandbox, made["id"]), "check_mode": True}

    (entry,) = driver.bulk(**task)["jobs"]

    assert entry["outcome"] == "refused"
    assert "takes no limit" in entry["msg"] and "set hosts: all" in entry["msg"] and "node_hosts" not in entry["msg"]
    assert driver.bulk(**{**task, "hosts": "all"})["jobs"][0]["outcome"] == "relaunched"


def test_a_launch_whose_answer_is_lost_is_found(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    made = workflow(line(template()), FAILED_LINE)
    sandbox.misbehave([{"kind": "drop", "when": "after", "method": "POST", "path": "/launch/$"}])

    done = driver.bulk(finished_after=window(sandbox, made["id"]))

    (entry,) = done["jobs"]
    (run,) = resumes(sandbox, made["id"])
    assert (entry["outcome"], entry["recovered"], entry["id"]) == ("relaunched", True, run["id"]), entry
    assert temporary(sandbox, made["id"]) == []


def test_places_are_taken_by_workflows_too(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    slow = template(duration=1.0)
    alone = sandbox.make_job(template=slow, status="failed", hosts=FAILED)
    made = [workflow(line(template(duration=0.5)), FAILED_LINE) for _number in range(2)]
    since = window(sandbox, alone)

    refused = driver.bulk(finished_after=since, max_jobs=2)

    assert refused["failed"] and "3 jobs would be relaunched, and max_jobs is 2" in refused["msg"]
    assert unsafe(sandbox) == []

    done = driver.bulk(finished_after=since, at_once=1)

    assert (done["failed"], done["counts"]["recovered"]) == (False, 3)
    runs = [sandbox.request("GET", f"/unified_jobs/?id={entry['id']}").body["results"][0] for entry in done["jobs"]]
    runs.sort(key=lambda run: run["id"])
    assert all(one["finished"] < other["created"] for one, other in zip(runs, runs[1:], strict=False))
    assert len(made) == 2


def test_a_selection_may_be_narrowed_to_a_kind(
    sandbox: Sandbox, driver: Driver, template: t.Callable[..., int], workflow: Workflow
) -> None:
    own = template()
    alone = sandbox.make_job(template=own, status="failed", hosts=FAILED)
    made = workflow(line(template()), FAILED_LINE)
    task = {"finished_after": window(sandbox, alone), "check_mode": True}

    assert list(entries_of(driver.bulk(**task, kinds=["workflow_job"]))) == [made["id"]]
    jobs = entries_of(driver.bulk(**task, kinds=["job"]))
    assert list(jobs) == [alone, made["jobs"]["B"]]
    assert f"It is a node of workflow job {made['id']}" in jobs[made["jobs"]["B"]]["msg"]
    assert list(entries_of(driver.bulk(**task, job_templates=[str(own)]))) == [alone]
    assert list(entries_of(driver.bulk(job_ids=[alone, made["id"]], check_mode=True))) == [alone, made["id"]]
    with pytest.raises(OptionError, match="leaves nothing to select"):
        driver.bulk(**task, kinds=["workflow_job"], job_templates=[str(own)])


class TestUpdates:
    """A project is broken, and then mended: jobs without an update at launch end in error all the same."""

    @pytest.fixture
    def project(self, sandbox: Sandbox) -> int:
        return sandbox.add_project(f"Site {os.urandom(3).hex()}")

    @pytest.fixture
    def hit(self, sandbox: Sandbox, template: t.Callable[..., int], project: int) -> tuple[list[int], int, str]:
        """Jobs that ended in error, the update that failed, and since when."""
        own = [template(project=project) for _number in range(2)]
        first = [sandbox.launch(number) for number in own]
        assert {sandbox.wait(job) for job in first} == {"successful"}
        sandbox.change_project(project, broken="no such branch")
        update = sandbox.request("POST", f"/projects/{project}/update/").body
        assert sandbox.wait(update["id"]) == "failed"
        jobs = [sandbox.relaunch(job) for job in first]
        assert {sandbox.wait(job) for job in jobs} == {"error"}
        sandbox.clear_log()
        return jobs, update["id"], str(update["created"])

    def test_are_named_with_the_jobs_that_depend_on_them(
        self, sandbox: Sandbox, driver: Driver, hit: tuple[list[int], int, str]
    ) -> None:
        jobs, update, since = hit

        plan = driver.bulk(finished_after=since, check_mode=True)

        (named,) = plan["updates"]
        assert (named["id"], named["type"], named["job_ids"]) == (update, "project_update", jobs)
        assert f"Project update {update} ({named['name']}) failed (jobs that depend on it:" in plan["msg"]
        assert "update_first: true" in plan["msg"]
        assert unsafe(sandbox) == []

    def test_are_run_again_once_before_the_jobs_that_depend_on_them(
        self, sandbox: Sandbox, driver: Driver, hit: tuple[list[int], int, str], project: int
    ) -> None:
        jobs, update, since = hit
        task = {"finished_after": since, "update_first": True}

        broken = driver.bulk(**task)

        assert unsafe(sandbox) == ["POST projects/N/update/"]
        (named,) = broken["updates"]
        assert (named["id"], named["new_status"], broken["failed"], broken["changed"]) == (update, "failed", True, True)
        entries = entries_of(broken)
        assert {entries[job]["outcome"] for job in jobs} == {"refused"}
        for job in jobs:
            assert f"failed, and so did project update {named['new_id']} after it" in entries[job]["msg"]

        sandbox.change_project(project, broken="")
        sandbox.clear_log()
        mended = driver.bulk(**task)

        assert (mended["failed"], mended["counts"]["recovered"]) == (False, 2), mended["msg"]
        assert unsafe(sandbox) == ["POST projects/N/update/", *["POST jobs/N/relaunch/"] * 2]
        assert [one["new_status"] for one in mended["updates"]] == ["successful"]
        assert driver.bulk(**task)["updates"] == []

    def test_need_a_wait(self, driver: Driver) -> None:
        with pytest.raises(OptionError, match="set wait: true"):
            driver.bulk(finished_after="1h", update_first=True, wait=False)
