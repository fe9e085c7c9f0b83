# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recovery of hundreds of jobs costs, each with other variables: requests, and the length of the result."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import JobsRequest
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting
from ansible_collections.relaunch.controller.plugins.module_utils._selection.selection import Selection
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import RelaunchOptions
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import NOW, BulkController
from ansible_collections.relaunch.controller.tests.unit.clock import Clock

JOBS = 300


@pytest.mark.parametrize(
    ("hosts", "own", "most"),
    [("all", "", 1.5), ("failed", "", 3.5), ("failed", "limits", 3.5), ("failed", "inventories", 3.6)],
)
def test_hundreds_of_jobs_need_few_requests(hosts: str, own: str, most: float) -> None:
    controller = BulkController(Clock(), latency=0.05)
    for number in range(1, JOBS + 1):
        names = (f"web{number}a", f"web{number}b") if own else ("web1", "web2")
        facts: dict[str, t.Any] = {"limit": ",".join(names)} if own == "limits" else {}
        if own == "inventories":
            facts = controller.in_inventory(number, names)
        variables = f'{{"release": {number}}}'
        failed = {names[0]: False, names[1]: True}
        one = controller.failed(number, failed, template=1000 + number % 30, extra_vars=variables, **facts)
        controller.prompts[one.id] = {"extra_vars": {"release": number}}
    controller.duration = lambda number: 5.0 + number % 17
    request = JobsRequest(
        selection=Selection(job_ids=tuple(controller.jobs)),
        options=RelaunchOptions(hosts=hosts, wait=True),
        waiting=Waiting(wait=True),
        at_once=20,
        max_jobs=JOBS,
    )

    with controller.client() as client:
        outcome = relaunch_jobs(client, request, NOW)

    assert [entry.recovered for entry in outcome.jobs] == [True] * JOBS
    assert len(controller.asked) / JOBS <= most
    assert len(json.dumps(outcome.result())) < 150_000
