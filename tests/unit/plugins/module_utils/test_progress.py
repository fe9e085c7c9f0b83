# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines that a person sees while a task waits, and when its job has failed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.outcome import JobCounts
from ansible_collections.relaunch.controller.plugins.module_utils._task.progress import (
    CountedLines,
    ProgressLines,
    failure_lines,
    line,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job


def test_a_line_for_each_change_and_ever_fewer_in_between() -> None:
    now, lines = [0.0], []
    progress = ProgressLines(lambda text: lines.append((now[0], text)), lambda: now[0])

    for second in range(100):
        now[0] = float(second)
        status = "pending" if second < 3 else "running" if second < 99 else "successful"
        progress(Job.of(job(43, status, elapsed=max(0.0, second - 3.0))))

    assert [at for at, _text in lines] == [0, 3, 13, 28, 51, 85, 99]
    assert [text for _at, text in lines][:3] == ["job 43 is pending", "job 43 is running", "job 43 is running, 10 s"]
    assert lines[-1][1] == "job 43 ended: successful, 96 s"


def test_another_job_is_a_change() -> None:
    lines: list[str] = []
    progress = ProgressLines(lines.append, lambda: 0.0)
    progress(Job.of(job(42, "running", elapsed=0)))
    progress(Job.of(job(43, "running", elapsed=0)))
    assert lines == ["job 42 is running", "job 43 is running"]


def test_each_change_of_a_job_waited_for_is_a_line() -> None:
    lines: list[str] = []
    progress = CountedLines(lines.append)
    for counted in (JobCounts(0, 0, 0, 0), JobCounts(2, 0, 1, 0), JobCounts(2, 0, 1, 0), JobCounts(2, 1, 1, 0)):
        progress(counted)
    assert lines == ["1 of 2: 1 running", "2 of 2: 1 successful, 1 running"]


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"status": "running", "elapsed": None}, "job 43 is running"),
        ({"status": "failed", "elapsed": 3.2}, "job 43 ended: failed, 3 s"),
        (
            {"status": "failed", "elapsed": 1, "host_status_counts": {"ok": 2, "dark": 1, "failures": 3}},
            "job 43 ended: failed, 1 s, 2 ok, 3 failed, 1 unreachable",
        ),
    ],
)
def test_a_job_in_a_line(facts: dict[str, t.Any], text: str) -> None:
    assert line(Job.of(job(43, **facts))) == text


def failure(host: str, **more: t.Any) -> dict[str, t.Any]:
    told = {"host": host, "play": "Deploy", "task": "Start", "module": "x", "message": "no\nunit", "unreachable": False}
    return {**told, **more}


def test_a_failure_for_a_person() -> None:
    result = {
        "id": 43,
        "status": "failed",
        "failed_hosts": ["web1", "web2"],
        "failures": [failure("web1"), failure("web2", play="", message="no route", unreachable=True)],
        "failures_more": 4,
        "url": "https://c/#/jobs/playbook/43/output",
    }
    assert failure_lines(result) == [
        "job 43 ended with status failed on: web1, web2",
        "  web1: Deploy / Start: no unit",
        "  web2 (unreachable): Start: no route",
        "  and 4 more",
        "  https://c/#/jobs/playbook/43/output",
    ]


def test_a_failed_workflow_with_its_nodes() -> None:
    result = {
        "id": 91,
        "status": "failed",
        "failed_nodes": ["deploy", "inner"],
        "failures": [failure("web1", node="deploy"), failure("web2", node="inner/test", unreachable=True)],
        "url": "https://c/#/jobs/workflow/91/output",
    }
    assert failure_lines(result) == [
        "workflow job 91 ended with status failed on: deploy, inner",
        "  deploy: web1: Deploy / Start: no unit",
        "  inner/test: web2 (unreachable): Deploy / Start: no unit",
        "  https://c/#/jobs/workflow/91/output",
    ]


def test_many_failures_are_counted() -> None:
    result = {"id": 43, "failures": [failure(f"web{number}") for number in range(20)], "failures_more": 5}
    assert "  and 15 more" in failure_lines(result)


@pytest.mark.parametrize("result", [{}, {"failures": []}, {"failures": None, "msg": "refused"}])
def test_other_failures_need_no_lines(result: dict[str, t.Any]) -> None:
    assert failure_lines(result) == []
