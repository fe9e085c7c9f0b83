# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of a workflow job: which run does the work, from which one goes on, and what a name tells of it."""

from __future__ import annotations

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import RefusedError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.lineage import (
    Lineage,
    Relaunches,
    as_it_ended,
    last_run,
    read_lineage,
    root_of,
    without_losers,
)
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.remaining_nodes import Node
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.temporary_template import (
    Earlier,
    name_prefix,
    source_in,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController


def job(number: int, status: str) -> Job:
    return Job.of({"id": number, "status": status})


def lineage(base: str = "", *resumes: str) -> Lineage:
    """Of workflow job 24; each other is written as its number and its status."""
    jobs = [job(int(text.split()[0]), text.split()[1]) for text in resumes]
    root = job(24, "failed")
    return Lineage(root, job(int(base.split()[0]), base.split()[1]) if base else root, tuple(jobs), ())


@pytest.mark.parametrize(
    ("base", "resumes", "doing", "last"),
    [
        ("", [], None, 24),
        ("", ["26 failed"], None, 26),
        ("", ["26 failed", "28 successful"], 28, 28),
        ("", ["26 running"], 26, 26),
        # A relaunch of all nodes is the newer word on what had been resumed before.
        ("30 failed", ["26 successful"], None, 30),
        ("30 failed", ["32 successful"], 32, 32),
        ("30 successful", ["26 failed"], 30, 30),
        ("30 running", ["26 failed"], 30, 30),
        ("30 failed", ["26 running"], 26, 30),
        # Somebody relaunched what ran, or what had run before.
        ("", ["26 successful", "28 failed"], None, 28),
        ("", ["26 successful", "28 running"], 26, 28),
        ("30 successful", ["32 failed"], None, 32),
    ],
)
def test_who_does_the_work_and_who_went_on_last(base: str, resumes: list[str], doing: int | None, last: int) -> None:
    found = lineage(base, *resumes)

    assert (found.doing.id if found.doing else None, found.last) == (doing, last)


def test_the_template_that_shows_the_success_is_removed_last() -> None:
    good, bad = job(26, "successful"), job(28, "failed")
    leftovers = (Earlier(3, good), Earlier(4, bad), Earlier(5, None))

    assert Lineage(job(24, "failed"), job(24, "failed"), (good, bad), leftovers).templates(good) == (4, 5, 3)


def test_who_gave_way_to_another_caller_went_on_with_nothing() -> None:
    def resumed(number: int, status: str, created: str, finished: str | None) -> Job:
        moments = {"created": f"2026-11-23T{created}:00Z", "finished": finished and f"2026-11-23T{finished}:00Z"}
        return Job.of({"id": number, "status": status, **moments})

    winner, loser = resumed(26, "failed", "10:00", "10:30"), resumed(27, "canceled", "10:00", "10:01")
    later = resumed(28, "canceled", "11:00", "11:30")

    root = resumed(24, "failed", "09:00", "09:30")
    assert without_losers([later, loser, winner], root) == (winner, later)
    assert without_losers([resumed(26, "running", "10:00", None), loser], root)[-1].id == 26
    assert without_losers([later, loser], winner) == (later,)


def node(number: int, name: str, status: str | None = None, **facts: object) -> dict[str, object]:
    """A node that has a template, and a job where it has a status."""
    ran = None if status is None else {"id": 100 + number, "type": "job", "status": status}
    summaries = {"job": ran, "unified_job_template": {"name": name}}
    given = {"job": ran and ran["id"], "unified_job_template": 7, "do_not_run": False, "summary_fields": summaries}
    return {"id": number, "identifier": name, **given, **facts}


# A was enough for C, which B leads to as well.
BASE = (node(1, "A", "successful", success_nodes=[3]), node(2, "B", "failed", success_nodes=[3]), node(3, "C"))
GATED = (*BASE[:2], node(3, "C", all_parents_must_converge=True))
HANDLED = (BASE[0], node(2, "B", "failed", success_nodes=[3], failure_nodes=[4]), BASE[2], node(4, "H", "successful"))
RAN = (node(12, "B", "failed", always_nodes=[13]), node(13, "C", "successful"))
RESUMED = {"id": 26, "status": "successful", "name": f"{name_prefix(24)}0a1b2c3d4e5f"}


@pytest.mark.parametrize(
    ("facts", "of_base", "answer", "status"),
    [
        ({}, BASE, listed(*RAN), "failed"),
        ({}, BASE, listed(node(12, "B", "canceled"), RAN[1]), "failed"),
        ({}, HANDLED, listed(*RAN), "successful"),
        ({}, BASE, listed(node(12, "B", "successful"), RAN[1]), "successful"),
        ({}, BASE, listed(node(12, "B", do_not_run=True), RAN[1]), "successful"),
        # Its job has been deleted since.
        ({}, BASE, listed(node(12, "B"), RAN[1]), "successful"),
        ({}, BASE, None, "successful"),
        # Nothing is asked.
        ({}, GATED, {}, "successful"),
        ({"status": "failed"}, BASE, {}, "failed"),
        ({"name": "Release"}, BASE, {}, "successful"),
    ],
)
def test_a_resume_is_not_successful_where_a_node_failed_that_has_no_way_on_for_that(
    controller: ScriptedController,
    facts: dict[str, object],
    of_base: tuple[dict[str, object], ...],
    answer: dict[str, object] | None,
    status: str,
) -> None:
    if answer != {}:
        controller.expect(
            "GET", "/api/v2/workflow_jobs/26/workflow_nodes/", body=answer or {}, status=200 if answer else 404
        )
    connection, clock = ConnectionOptions(controller.url, token="t", max_retries=0), Clock()
    with ControllerClient(connection, clock.read, clock.sleep) as client:
        job = as_it_ended(client, Job.of({**RESUMED, **facts}), [Node.of(one) for one in of_base])
    assert (job.id, job.status) == (26, status)


def test_a_resume_that_failed_for_all_the_controller_says_does_no_work(controller: ScriptedController) -> None:
    """Of several the last one counts; a launch anew of before its end does not."""
    earlier = {**launched(25, 11), "name": RESUMED["name"], "status": "successful"}
    resumed = {**launched(26, 13), **RESUMED}
    anew = {**launched(30, 12), "type": "workflow_job", "launch_type": "manual", "status": "successful"}
    controller.expect("GET", "/api/v2/workflow_job_templates/", body=listed())
    controller.expect("GET", "/api/v2/workflow_jobs/", body=listed(resumed, earlier))
    controller.expect("GET", "/api/v2/unified_jobs/", body=listed(anew))
    controller.expect("GET", "/api/v2/workflow_jobs/26/workflow_nodes/", body=listed(*RAN))
    controller.expect("GET", "/api/v2/workflow_jobs/26/", body=resumed)
    connection, clock = ConnectionOptions(controller.url, token="t", max_retries=0), Clock()
    with ControllerClient(connection, clock.read, clock.sleep) as client:
        found = read_lineage(client, Job.of(launched(24, 10)), [Node.of(one) for one in BASE])
        last = last_run(client, found)
    assert (found.doing, found.last, last.id, last.status) == (None, 26, 26, "failed")


def test_a_name_tells_whose_remainder_ran() -> None:
    assert source_in(f"{name_prefix(24)}0a1b2c3d4e5f") == 24
    assert source_in("Remainder of workflow job 24") is None
    assert source_in("The remainder of workflow job 24 x") is None


def test_a_relaunch_goes_back_to_the_newest_launch_that_had_ended(controller: ScriptedController) -> None:
    def ran(number: int, created: str, finished: str | None, **facts: object) -> dict[str, object]:
        moments = {"created": f"2026-11-23T{created}:00Z", "finished": finished and f"2026-11-23T{finished}:00Z"}
        return {"id": number, "status": "failed", "unified_job_template": 5, "extra_vars": "{}", **moments, **facts}

    launches = [
        ran(29, "11:50", "12:30"),
        ran(28, "11:40", None, status="running"),
        ran(27, "11:30", "11:35", extra_vars='{"release": 7}'),
        ran(24, "10:00", "11:00"),
        ran(23, "09:00", "09:30"),
    ]
    controller.expect("GET", "/api/v2/workflow_jobs/", body=listed(*launches))
    controller.expect("GET", "/api/v2/workflow_jobs/24/", body=launches[3])
    relaunch = Job.of(ran(30, "12:00", "13:00", launch_type="relaunch"))
    connection, clock = ConnectionOptions(controller.url, token="t", max_retries=0), Clock()
    with ControllerClient(connection, clock.read, clock.sleep) as client:
        assert root_of(client, relaunch).id == 24
    assert controller.asked[-2].query["id__lt"] == "30"


TEMPLATE = {"id": 5, "modified": "2026-11-23T11:45:00Z", "survey_enabled": False, "extra_vars": "fixed: true"}


def launched(number: int, hour: int, **facts: object) -> dict[str, object]:
    moments = {"created": f"2026-11-23T{hour:02d}:00:00Z", "finished": f"2026-11-23T{hour:02d}:30:00Z"}
    return {"id": number, "status": "failed", "unified_job_template": 5, "extra_vars": "{}", **moments, **facts}


@pytest.mark.parametrize(
    ("root", "relaunch", "template", "others", "included"),
    [
        ({}, {"extra_vars": '{"fixed": true}'}, {}, [], True),
        ({"extra_vars": "old: 1"}, {"extra_vars": '{"fixed": true}'}, {}, [], True),
        ({"limit": "web1"}, {"limit": "web2"}, {"limit": "web2"}, [], True),
        # It was prompted for something that the template never had.
        ({"extra_vars": "release: 7"}, {"extra_vars": "release: 8"}, {}, None, False),
        ({"limit": "web1"}, {"limit": "web3"}, {"limit": "web2"}, None, False),
        # The template is what it was at the launch.
        ({}, {"extra_vars": '{"fixed": true}'}, {"modified": "2026-11-23T09:00:00Z"}, None, False),
        # Another launch is nearer.
        ({"extra_vars": "debug: 1"}, {"extra_vars": "fixed: true"}, {}, [{}], False),
        ({"extra_vars": "debug: 1"}, {"extra_vars": "fixed: true"}, {}, [{"extra_vars": "release: 7"}], True),
    ],
)
def test_a_relaunch_may_differ_in_what_its_template_has_by_now(
    controller: ScriptedController,
    root: dict[str, object],
    relaunch: dict[str, object],
    template: dict[str, object],
    others: list[dict[str, object]] | None,
    included: bool,
) -> None:
    controller.expect("GET", "/api/v2/workflow_job_templates/5/", body={**TEMPLATE, **template})
    if others is not None:
        launches = [launched(25, 11, **one) for one in others]
        controller.expect("GET", "/api/v2/workflow_jobs/", body=listed(*launches, launched(24, 10, **root)))
    again = Job.of(launched(30, 12, launch_type="relaunch", **relaunch))
    connection, clock = ConnectionOptions(controller.url, token="t", max_retries=0), Clock()
    with ControllerClient(connection, clock.read, clock.sleep) as client:
        assert Relaunches(client).include(Job.of(launched(24, 10, **root)), again) is included


def test_the_defaults_of_a_survey_are_of_the_template(controller: ScriptedController) -> None:
    survey = {"spec": [{"variable": "release", "default": "8"}, {"variable": "open", "default": None}]}
    relaunch = Job.of(launched(30, 12, launch_type="relaunch", extra_vars='{"fixed": true, "release": "8"}'))
    controller.expect("GET", "/api/v2/workflow_jobs/", body=listed(launched(24, 10)))
    controller.expect("GET", "/api/v2/workflow_job_templates/5/", body={**TEMPLATE, "survey_enabled": True})
    controller.expect("GET", "/api/v2/workflow_job_templates/5/survey_spec/", body=survey)
    connection, clock = ConnectionOptions(controller.url, token="t", max_retries=0), Clock()
    with ControllerClient(connection, clock.read, clock.sleep) as client:
        found = Relaunches(client).launch_of(relaunch)
    assert found is not None and found.id == 24


def test_an_active_sliced_run_without_slices_is_not_known_to_be_the_same(controller: ScriptedController) -> None:
    root = launched(24, 10, is_sliced_job=True)
    later = {**launched(30, 12, is_sliced_job=True), "type": "workflow_job", "status": "pending", "finished": None}
    controller.expect("GET", "/api/v2/workflow_job_templates/", body=listed())
    controller.expect("GET", "/api/v2/workflow_jobs/", body=listed())
    controller.expect("GET", "/api/v2/unified_jobs/", body=listed(later))
    controller.expect(
        "GET", "/api/v2/jobs/", body=listed({"id": 25, "status": "failed", "job_slice_number": 1, "job_slice_count": 2})
    )
    controller.expect("GET", "/api/v2/jobs/", body=listed())
    connection, clock = ConnectionOptions(controller.url, token="t", max_retries=0), Clock()
    refusal = pytest.raises(RefusedError, match="Workflow job 30, of the same sliced job template, is pending")
    with refusal, ControllerClient(connection, clock.read, clock.sleep) as client:
        read_lineage(client, Job.of(root), ())
