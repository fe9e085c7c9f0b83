# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which selected workflow jobs are the same work, what has come of it, and which jobs are left to them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.workflow_rows import (
    WorkflowRow,
    left_to_workflows,
    workflow_rows,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

LIST = "/api/v2/workflow_jobs/"


def run(number: int, status: str = "failed", **facts: t.Any) -> dict[str, t.Any]:
    """A workflow job that takes half of a minute, and the next one begins at the next."""
    moment = f"2026-11-24T14:{number % 60:02d}"
    given = {"type": "workflow_job", "created": f"{moment}:00Z", "finished": f"{moment}:30Z", "extra_vars": "{}"}
    return job(number, status, **{**given, "unified_job_template": 5, **facts})


def remainder(number: int, of: int, status: str = "failed") -> dict[str, t.Any]:
    return run(number, status, unified_job_template=90 + number, name=f"Remainder of workflow job {of} abc")


def node(number: int, of: int, **facts: t.Any) -> Job:
    return Job(job(number, launch_type="workflow", summary_fields={"source_workflow_job": {"id": of}}, **facts))


def rows(
    selected: list[dict[str, t.Any]],
    *answers: list[dict[str, t.Any]],
    nodes: t.Mapping[int, list[dict[str, t.Any]]] | None = None,
) -> list[WorkflowRow]:
    """The rows of selected workflow jobs, where the lists that are asked for are these.

    :param nodes: by workflow job whose nodes are asked for, these.
    """
    with ScriptedController() as controller:
        for answer in answers:
            controller.expect("GET", LIST, body=listed(*answer))
        for number, of_it in (nodes or {}).items():
            controller.expect("GET", f"{LIST}{number}/workflow_nodes/", body=listed(*of_it))
        with ControllerClient(ConnectionOptions(controller.url, token="t", max_retries=0)) as client:
            return workflow_rows(client, [Job(one) for one in selected])


def workflow_node(number: int, name: str, status: str | None, **links: list[int]) -> dict[str, t.Any]:
    ran = status and {"id": 100 + number, "type": "job", "status": status}
    return {"id": number, "identifier": name, "do_not_run": not ran, "summary_fields": {"job": ran}, **links}


def numbers(found: list[WorkflowRow]) -> list[list[int]]:
    return [[job.id for job in row.selected] for row in found]


def test_nothing_is_asked_where_none_is_selected() -> None:
    assert rows([]) == []


def test_of_the_same_values_the_newest_comes_first() -> None:
    selected = [run(1), run(2), run(3, extra_vars='{"release": 7}'), run(4, unified_job_template=6)]

    found = rows(selected, selected[1:], [])

    assert numbers(found) == [[4], [3], [2, 1]]


def test_a_remainder_belongs_to_what_it_remained_of() -> None:
    root, resumed = run(1), remainder(2, of=1)

    # The root ended before the window.
    found = rows([resumed], [root], [], [resumed])

    assert numbers(found) == [[2]]
    assert (found[0].last_failed.id, found[0].tried.number) == (2, 1)
    assert found[0].tried.since.minute == 1


def test_remainders_of_one_that_is_gone_belong_together() -> None:
    resumed = [remainder(2, of=1), remainder(3, of=1)]

    found = rows(resumed, [], resumed)

    assert (numbers(found), found[0].last_failed.id) == ([[3, 2]], 3)


def test_attempts_are_counted_since_the_last_success() -> None:
    later = [run(2, "failed", launch_type="relaunch"), run(3, "successful"), run(5, launch_type="scheduled")]
    resumes = [remainder(4, of=1), remainder(6, of=5)]

    (found,) = rows([run(1), run(5)], later, resumes)

    assert (found.tried.number, found.tried.since.minute) == (2, 4)
    assert (found.success, found.last_failed.id) == (None, 6)


def test_nodes_of_other_workflows_are_left_out() -> None:
    done, failed = (run(2, status, launch_type="workflow") for status in ("successful", "failed"))

    (since,) = rows([run(1)], [done, {**failed, "id": 3}], [])
    (before,) = rows([run(7, launch_type="relaunch")], [failed, run(1)], [], [])
    named = rows([run(1), done], [done], [])

    assert (since.success, since.last_failed.id) == (None, 1)
    assert list(before.runs) == [1, 7]
    assert numbers(named) == [[2], [1]]


def test_those_whose_template_was_deleted_are_told_by_name() -> None:
    gone: dict[str, t.Any] = {"unified_job_template": None, "name": "Release"}
    selected, before = run(7, launch_type="relaunch", **gone), [run(6, launch_type="relaunch", **gone), run(1, **gone)]

    (left,) = rows([selected], before, [], [])
    (done,) = rows([run(1, **gone)], [run(2, "successful", launch_type="relaunch", **gone)], [])
    (alone,) = rows([run(1, **gone)], [run(2, "successful", **{**gone, "extra_vars": '{"release": 7}'})], [])

    assert (left.tried.number, left.success) == (2, None)
    assert (done.success and done.success.id, alone.success) == (2, None)


def test_those_before_the_selected_one_count_too() -> None:
    attempts = [run(number, launch_type="relaunch") for number in (2, 3, 4)]
    resumed = remainder(9, of=5, status="successful")

    (found,) = rows([run(7, launch_type="relaunch")], [*attempts, run(1)][::-1], [], [])
    (since,) = rows([run(10, launch_type="relaunch")], [run(5), *attempts, run(1)][::-1], [], [resumed])

    assert (found.tried.number, found.tried.since.minute, found.last_failed.id) == (4, 1, 7)
    assert (since.tried.number, since.success, since.last_failed.id) == (1, None, 10)


@pytest.mark.parametrize(("began", "number"), [(True, 2), (False, 1)])
def test_resumptions_that_were_canceled_count_where_they_had_begun(began: bool, number: int) -> None:
    canceled = remainder(3, of=1, status="canceled")

    (found,) = rows([run(1)], [], [remainder(2, of=1), canceled if began else {**canceled, "started": None}])

    assert (found.tried.number, found.tried.since.minute) == (number, 1)


@pytest.mark.parametrize("how", [{"name": "Remainder of workflow job 1 abc"}, {"launch_type": "relaunch"}])
def test_one_that_gave_way_to_another_callers_does_not_count(how: dict[str, t.Any]) -> None:
    first = run(3, **how)
    second = {**run(4, "canceled", **how), "created": first["created"]}

    (found,) = rows([run(1)], [], [first, second])

    assert found.tried.number == 1


def test_a_success_counts_that_began_after_the_last_failure() -> None:
    (during,) = rows([run(1)], [run(2, "successful", created="2026-11-24T14:01:10Z")], [])
    (after,) = rows([run(1)], [run(2, "successful")], [])

    assert during.success is None
    assert after.success is not None and after.success.id == 2


@pytest.mark.parametrize("status", ["successful", "failed"])
def test_what_remained_of_an_older_one_says_nothing_of_a_newer(status: str) -> None:
    (found,) = rows([run(1), run(2)], [run(2)], [remainder(3, of=1, status=status)])

    assert (found.success, found.last_failed.id) == (None, 2)


def test_what_remained_of_the_last_one_has_succeeded() -> None:
    (found,) = rows([run(1), run(2)], [run(2)], [remainder(3, of=2, status="successful")], nodes={2: []})

    assert found.success is not None and found.success.id == 3


def test_what_remained_of_the_last_one_failed_though_the_controller_calls_it_successful() -> None:
    """B has no way on for its failure, and what runs after it ran all the same; each time that has tried something."""
    resumes = [remainder(number, of=2, status="successful") for number in (3, 4)]
    of_two = [
        workflow_node(1, "A", "successful", success_nodes=[3]),
        workflow_node(2, "B", "failed", success_nodes=[3]),
    ]
    ran = [workflow_node(1, "B", "failed", always_nodes=[2]), workflow_node(2, "C", "successful")]

    (found,) = rows([run(2)], [], resumes, nodes={2: [*of_two, workflow_node(3, "C", None)], 3: ran, 4: ran[:1]})

    assert (found.success, found.last_failed.id, found.tried.number) == (None, 4, 2)


def test_one_that_is_active_is_known() -> None:
    (found,) = rows([run(1)], [run(2, "running", finished=None)], [remainder(3, of=1, status="running")])

    assert found.active is not None and found.active.id == 2


def test_one_that_was_left_in_new_is_not_waited_for() -> None:
    (found,) = rows([run(1)], [run(2, "new", finished=None)], [])

    assert found.active is None


def test_jobs_of_nodes_are_left_to_the_selected_workflow_above() -> None:
    nested = node(12, of=10, type="workflow_job")
    sliced_node = node(13, of=10, type="workflow_job", is_sliced_job=True)
    alone_sliced = Job(job(14, type="workflow_job", is_sliced_job=True))
    workflows = [Job(run(10)), nested, sliced_node, alone_sliced]
    jobs = [
        Job(job(20)),
        node(21, of=10),
        node(22, of=12),
        node(23, of=13, job_slice_count=2),
        node(24, of=14, job_slice_count=2),
        node(25, of=99),
    ]

    kept_workflows, kept_jobs, below = left_to_workflows(workflows, jobs)

    assert [one.id for one in kept_workflows] == [10]
    assert [one.id for one in kept_jobs] == [20, 24, 25]
    assert below == {10: [12, 13, 21, 22, 23]}
