# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recovery of hundreds of jobs costs: requests, the length of the result, a look at those that came later."""

from __future__ import annotations

import json
import sys
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import JobsRequest
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.outcome import JobsOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting
from ansible_collections.relaunch.controller.plugins.module_utils._selection.selection import Selection
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import RelaunchOptions
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import NOW, BulkController
from ansible_collections.relaunch.controller.tests.unit.clock import Clock

JOBS = 300
# More requests than any of these tests needs: an endless loop ends here.
MOST_REQUESTS = 5000


def recovered(controller: BulkController, jobs: t.Sequence[int], hosts: str = "failed") -> JobsOutcome:
    """What recovering these jobs comes to; all of them have recovered."""
    request = JobsRequest(
        now=NOW,
        selection=Selection(job_ids=tuple(jobs)),
        options=RelaunchOptions(hosts=hosts, wait=True),
        waiting=Waiting(wait=True),
        at_once=20,
        max_jobs=JOBS,
    )

    def before(_method: str, _path: str) -> None:
        assert len(controller.asked) < MOST_REQUESTS, "an endless loop"

    controller.before = before
    with controller.client() as client:
        outcome = relaunch_jobs(client, request)
    assert [entry.recovered for entry in outcome.jobs] == [True] * len(jobs)
    return outcome


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

    outcome = recovered(controller, range(1, JOBS + 1), hosts)

    assert len(controller.asked) / JOBS <= most
    assert len(json.dumps(outcome.result())) < 150_000


def _calls_with(controller: BulkController, later: int) -> int:
    """How many calls of the collection's functions it takes to relaunch 20 jobs, where so many others came later."""
    for number in range(1, 21 + later):
        release = f'{{"release": {number}}}'
        one = controller.failed(number, {"web1": number <= 20}, template=1 + number % 2, extra_vars=release)
        one.created = -20000.0 + number
    listings: list[int] = []
    calls = 0

    def answered(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        rows = body["results"] if path == "jobs/" else ()
        listings.extend(one["id"] for one in rows if 20 < one["id"] <= 20 + later)
        return status, body

    def count(frame: t.Any, event: str, _argument: t.Any) -> None:
        nonlocal calls
        calls += event == "call" and "module_utils" in frame.f_code.co_filename

    controller.after = answered
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        recovered(controller, range(1, 21))
    finally:
        sys.setprofile(before)
    # Each is listed once, however often others are looked at.
    assert len(listings) == later
    return calls


def test_a_later_job_costs_little() -> None:
    few, many = (_calls_with(BulkController(Clock(), latency=0.05), later) for later in (100, 400))

    # It is compared by its values with the ten sources of its template, once each.
    assert (many - few) / 300 <= 60
