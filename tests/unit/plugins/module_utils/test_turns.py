# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of many failed jobs are left alone, and in which order the others take their turns."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import ControllerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._selection.turns import (
    in_detail,
    in_turns,
    left_alone,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import ALL, FAILED, RelaunchOptions
from ansible_collections.relaunch.controller.plugins.module_utils._work.same_work import Prompts
from ansible_collections.relaunch.controller.tests.unit import jobs_as_data
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import JOBS, at, in_list, listed, prompts
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)


def job(number: int, status: str = "failed", **facts: t.Any) -> Job:
    return Job(jobs_as_data.job(number, status, **facts))


def rows(client: ControllerClient, jobs: list[Job], hosts: str = ALL) -> tuple[list[list[int]], list[int]]:
    """The numbers of the jobs of each row, and of those that could not be compared."""
    found, sick = in_turns(client, jobs, RelaunchOptions(hosts=hosts), Prompts())
    return [[one.id for one in row] for row in found], sorted(sick)


def test_of_jobs_of_the_same_work_the_newest_comes_first(client: ControllerClient) -> None:
    jobs = [job(1), job(2), job(3), job(4, unified_job_template=8)]

    assert rows(client, jobs) == ([[4], [3, 2, 1]], [])


def test_jobs_with_other_limits_take_turns_on_failed_hosts_only(
    client: ControllerClient,
) -> None:
    jobs = [job(1), job(2, limit="web1"), job(3, limit="web2,web1"), job(4, limit="web1, web2")]

    assert rows(client, jobs, ALL) == ([[4, 3], [2], [1]], [])
    assert rows(client, jobs, FAILED) == ([[4, 3, 2, 1]], [])


def test_one_made_before_another_had_ended_takes_its_turn_too(client: ControllerClient) -> None:
    jobs = [job(1, finished="2026-11-23T00:02:30.000000Z"), job(2)]

    assert rows(client, jobs) == ([[2, 1]], [])


def test_prompts_tell_where_values_do_not_and_are_asked_for_once(
    controller: ScriptedController, client: ControllerClient
) -> None:
    for number, shown in ((3, {}), (2, {"verbosity": 2}), (1, {})):
        controller.expect("GET", at(number, "create_schedule"), body=prompts(**shown))

    found = rows(client, [job(1, forks=1), job(2, forks=2), job(3, forks=3)])

    assert found == ([[3, 1], [2]], [])


@pytest.mark.parametrize(("sick", "left"), [(3, [[2], [1]]), (2, [[3], [1]]), (1, [[3], [2]])])
def test_one_with_unreadable_prompts_does_not_stop_the_others(
    controller: ScriptedController, client: ControllerClient, sick: int, left: list[list[int]]
) -> None:
    for number in (1, 2, 3):
        controller.whenever("GET", at(number, "create_schedule"), body=prompts(verbosity=number))
    controller.whenever("GET", at(sick, "create_schedule"), 500, {"detail": "Oops."})

    found = rows(client, [job(1, forks=1), job(2, forks=2), job(3, forks=3)])

    assert found == (left, [sick])
    asked = [one.path for one in controller.besides]
    assert asked.count(at(sick, "create_schedule")) <= 2


def test_the_same_work_goes_on_without_one_of_unread_prompts(
    controller: ScriptedController, client: ControllerClient
) -> None:
    for number in (1, 2):
        controller.whenever("GET", at(number, "create_schedule"), body=prompts())
    controller.whenever("GET", at(3, "create_schedule"), 500, {"detail": "Oops."})

    assert rows(client, [job(1, forks=1), job(2), job(3)]) == ([[2, 1]], [3])


def test_a_controller_that_does_not_answer_at_all_ends_it(
    controller: ScriptedController, client: ControllerClient
) -> None:
    controller.whenever("GET", r".*", fault="close")

    with pytest.raises(ControllerError):
        rows(client, [job(1, forks=1), job(2)])


def test_details_are_read_only_where_nothing_else_tells(
    controller: ScriptedController, client: ControllerClient
) -> None:
    jobs = [
        Job(in_list(jobs_as_data.job(number, status, **facts)))
        for number, status, facts in (
            (1, "failed", {}),
            (2, "error", {}),
            (3, "canceled", {"started": None}),
            (4, "running", {}),
            (5, "successful", {}),
            (6, "failed", {}),
        )
    ]
    controller.expect("GET", JOBS, body=listed(jobs[0].facts))
    controller.expect("GET", at(2), body=jobs_as_data.job(2, "error"))
    controller.expect("GET", at(6), 500, {"detail": "Oops."})

    found, sick = in_detail(client, jobs, RelaunchOptions(hosts=FAILED), NOW)

    (listing,) = [asked.query for asked in controller.asked if asked.path == JOBS]
    assert (listing["id__in"], listing["job_events__event"]) == ("1,2,3,6", "playbook_on_stats")
    assert {one.id: one.events_processed for one in found} == {1: True, 2: True, 3: True, 4: False, 5: False}
    assert list(sick) == [6]


def test_on_all_hosts_no_detail_matters(controller: ScriptedController, client: ControllerClient) -> None:
    jobs = [Job(in_list(jobs_as_data.job(1)))]

    assert in_detail(client, jobs, RelaunchOptions(hosts=ALL), NOW) == (jobs, {})
    assert controller.asked == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, ""),
        (
            {"launch_type": "workflow", "summary_fields": {"source_workflow_job": {"id": 9, "name": "Nightly"}}},
            "It is a node of workflow job 9 (Nightly), which relaunching it would not resume. Relaunch the workflow "
            "instead, or this job by itself with job_relaunch.",
        ),
        (
            {"launch_type": "workflow", "type": "workflow_job"},
            "this workflow job by itself with workflow_job_relaunch.",
        ),
        ({"launch_type": "workflow", "job_slice_number": 1, "job_slice_count": 2}, ""),
        ({"passwords_needed_to_start": ["ssh_password"]}, "It needs passwords: ssh_password."),
        ({"summary_fields": {"user_capabilities": {"start": False}}}, "does not let this user start job 1"),
        (
            {"summary_fields": {"user_capabilities": {"start": False}}, "type": "workflow_job"},
            "does not let this user start workflow job 1",
        ),
    ],
)
def test_what_is_left_alone_whatever_became_of_its_work(facts: dict[str, t.Any], said: str) -> None:
    reason = left_alone(job(1, **facts))
    assert said in reason and bool(said) == bool(reason)
