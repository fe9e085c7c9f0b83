# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge of workflow jobs by facts made by hand: workflow job 5 failed before; a task that starts at second 100 and
ends at 120 runs what remains of it as workflow job 8.
"""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from faults.judge import Kind, Request, Run
from faults.many import many_of
from faults.workflow_judge import OfRun, Workflow, WorkflowJob, excuse, judge

EIGHT = WorkflowJob(8, "successful", 101.01, 110)
UNANSWERED: dict[str, t.Any] = {"status": None, "fault": {"kind": "drop"}}
POST = Request(101, "POST", "/api/v2/workflow_job_templates/3/launch/", 201)
WELL = {"type": "workflow_job", "source_job_id": 5, "outcome": "relaunched", "id": 8, "status": "successful"}
WELL = {**WELL, "recovered": True, "msg": "What remains of workflow job 5 runs as workflow job 8."}
AGAIN = {**WELL, "status": "failed", "recovered": False}
LOST = {**WELL, "outcome": "lost", "id": None, "status": None, "recovered": False, "msg": "It is unknown."}
REFUSED = {**LOST, "outcome": "refused", "msg": "It cannot be resumed."}
FAILED = dataclasses.replace(EIGHT, status="failed")


def of_run(entry: dict[str, t.Any] | None, *posts: Request, wait: bool = True, **fields: t.Any) -> OfRun:
    run = Run(100, 120, {}, broken_off=fields.pop("broken_off", False))
    given: dict[str, t.Any] = {"calm": lambda _start, _end: True, "known": True, **fields}
    return OfRun(run, entry, posts or (POST,), "admin", wait, **given)


def found(one: OfRun, *jobs: WorkflowJob) -> set[Kind]:
    return {kind for _number, kind, _why in judge(Workflow(5, jobs or (EIGHT,)), [one])}


@pytest.mark.parametrize(("entry", "job"), [(WELL, EIGHT), (AGAIN, FAILED)])
def test_what_is_right(entry: dict[str, t.Any], job: WorkflowJob) -> None:
    assert found(of_run(entry), job) == set()
    assert excuse(Workflow(5, (job,)), [of_run(entry)], 0) == (None if entry["recovered"] else "")


BY_HAND = WorkflowJob(7, "successful", 80, 95, creator="bob", remainder=False)
BESIDE = WorkflowJob(7, "successful", 101, 111, creator="bob")


@pytest.mark.parametrize(
    ("one", "jobs", "kind"),
    [
        (of_run(WELL), (BY_HAND, EIGHT), Kind.DOUBLE),
        (of_run(WELL), (dataclasses.replace(BY_HAND, finished=130), EIGHT), Kind.DOUBLE),
        (of_run(WELL), (BESIDE, EIGHT), Kind.DOUBLE),
        (
            of_run(WELL, dataclasses.replace(POST, status=None, fault={"kind": "drop"}), POST),
            (EIGHT,),
            Kind.SECOND_POST,
        ),
        (of_run(None), (EIGHT,), Kind.LOST),
        (of_run(WELL), (FAILED,), Kind.FALSE),
        (of_run(AGAIN), (EIGHT,), Kind.FALSE),
        (of_run({**WELL, "recovered": False}), (EIGHT,), Kind.FALSE),
        (of_run({**WELL, "id": 9}), (EIGHT,), Kind.FALSE),
    ],
)
def test_what_is_wrong(one: OfRun, jobs: tuple[WorkflowJob, ...], kind: Kind) -> None:
    assert kind in found(one, *jobs)


def test_who_gave_way_or_could_not_know_is_no_double() -> None:
    assert Kind.DOUBLE not in found(of_run(WELL), BESIDE, dataclasses.replace(EIGHT, status="canceled"))
    assert Kind.DOUBLE not in found(of_run(WELL, known=False), BESIDE, EIGHT)
    assert Kind.DOUBLE not in found(of_run(WELL, broken_off=True), BESIDE, EIGHT)
    assert Kind.DOUBLE not in found(of_run(WELL), dataclasses.replace(BY_HAND, status="failed"), EIGHT)


def test_a_launch_of_a_run_that_was_broken_off_may_be_untold() -> None:
    assert found(of_run(None, broken_off=True)) == set()


@pytest.mark.parametrize(
    ("one", "jobs", "right"),
    [
        (of_run(LOST), (), True),
        (of_run(LOST), (EIGHT,), False),
        (of_run(REFUSED), (), False),
        (of_run(REFUSED, dataclasses.replace(POST, status=403)), (), True),
        (of_run({**REFUSED, "msg": "2 relaunches had failed (stop_after)"}), (), True),
        (of_run(REFUSED, wait=False), (dataclasses.replace(BY_HAND, finished=130),), True),
        (of_run({**AGAIN, "status": "running"}), (FAILED,), False),
    ],
)
def test_only_a_reason_excuses_a_failure(one: OfRun, jobs: tuple[WorkflowJob, ...], right: bool) -> None:
    assert (excuse(Workflow(5, jobs), [one], 0) == "") is right


def test_some_scenarios_have_a_workflow_job() -> None:
    workflows = [found for seed in range(500) if (found := many_of(seed).workflow) is not None]
    assert 75 < len(workflows) < 175
    assert {one.by_another for one in workflows} == {None, "relaunch", "launch"}
    assert len({one.at for one in workflows if one.by_another}) == 5
    assert {(one.both, bool(one.rules)) for one in workflows} == {
        (both, rules) for both in (True, False) for rules in (True, False)
    }
