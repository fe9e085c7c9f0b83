# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of many failed jobs still matters."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.still_matters import (
    left_alone,
    stand_ins,
    taken_over,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.history import History, Host, Relaunch, Words
from ansible_collections.relaunch.controller.tests.unit import jobs_as_data

WEB1, WEB2 = (Host(number, f"web{number}", frozenset({f"web{number}"}), (1,)) for number in (1, 2))


def job(number: int, **facts: t.Any) -> Job:
    return Job(jobs_as_data.job(number, **facts))


def stood_for(jobs: list[Job], without_statistics: tuple[int, ...] = ()) -> dict[int, int]:
    def same_work(one: Job, other: Job) -> bool:
        return one.template == other.template

    found = stand_ins(jobs, same_work, lambda job: job.id not in without_statistics)
    return {number: heir.id for number, heir in found.items()}


def test_the_newest_of_the_same_work_stands_for_all() -> None:
    assert stood_for([job(1), job(2), job(3), job(4, unified_job_template=8)]) == {1: 3, 2: 3}


def test_one_that_knows_its_failed_hosts_stands_for_newer_ones_that_do_not() -> None:
    assert stood_for([job(1), job(2), job(3)], without_statistics=(3,)) == {1: 2, 3: 2}


def test_where_none_knows_them_the_newest_does() -> None:
    assert stood_for([job(1), job(2)], without_statistics=(1, 2)) == {1: 2}


def test_another_limit_is_not_the_same() -> None:
    assert stood_for([job(1), job(2, limit="web1"), job(3, limit="web2,web1"), job(4, limit="web1, web2")]) == {3: 4}


def test_one_that_was_made_before_the_other_had_ended_stands_by_itself() -> None:
    assert stood_for([job(1, finished="2026-11-23T00:02:30.000000Z"), job(2)]) == {}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, ""),
        (
            {"launch_type": "workflow", "summary_fields": {"source_workflow_job": {"id": 9, "name": "Nightly"}}},
            "It is a node of workflow job 9 (Nightly)",
        ),
        ({"launch_type": "workflow", "job_slice_number": 1, "job_slice_count": 2}, ""),
        ({"passwords_needed_to_start": ["ssh_password"]}, "It needs passwords: ssh_password."),
        ({"summary_fields": {"user_capabilities": {"start": False}}}, "does not let this user start job 1"),
    ],
)
def test_what_is_left_alone_whatever_became_of_its_work(facts: dict[str, t.Any], said: str) -> None:
    reason = left_alone(job(1, **facts))
    assert said in reason and bool(said) == bool(reason)


def history(source: Job, due: tuple[Host, ...], *later: tuple[Job, tuple[Host, ...]]) -> History:
    """A job with hosts that are left, and later jobs with those that failed in them."""
    relaunches = tuple(
        Relaunch(
            one, whole=False, summaries=tuple(HostSummary(host.id, host.name, host.name, True) for host in failed_hosts)
        )
        for one, failed_hosts in later
    )
    return History(source, relaunches, words=Words(source, due, {}, {}))


def test_a_job_is_taken_over_where_all_that_is_left_failed_last_in_others() -> None:
    first, second, third = job(1), job(2), job(3)
    both = history(first, (WEB1, WEB2), (second, (WEB1,)), (third, (WEB2,)))

    assert taken_over(both, {2: second, 3: third}) is third
    assert taken_over(both, {3: third}) is None


def test_a_job_is_not_taken_over_where_a_host_failed_in_itself_only() -> None:
    first, second = job(1), job(2)

    assert taken_over(history(first, (WEB1, WEB2), (second, (WEB1,))), {1: first, 2: second}) is None
    assert taken_over(History(first), {2: second}) is None
