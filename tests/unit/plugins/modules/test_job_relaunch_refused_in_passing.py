# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A single refusal in passing, at whichever request of a task, changes nothing of what comes out."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    JOBS,
    at,
    in_list,
    job,
    listed,
    prompts,
    relaunched,
    summary,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

SOURCE = job(42)
FAILED = listed(summary("web1"), summary("web2"))


def launched(controller: ScriptedController) -> None:
    """A source with two failed hosts, whose relaunch recovers them."""
    controller.whenever("GET", JOBS, body=listed())
    controller.whenever("POST", at(42, "relaunch"), 201, relaunched())
    controller.whenever("GET", at(43), body=relaunched(status="successful", host_status_counts={"ok": 2}))


def chained(controller: ScriptedController) -> None:
    """A relaunch has recovered one of the hosts; it is relaunched for the other."""
    first = relaunched(43, "failed")
    controller.whenever("GET", JOBS, body=listed(in_list(first)))
    controller.whenever("GET", at(43), body=first)
    controller.whenever(
        "GET", at(43, "job_host_summaries"), body=listed(summary("web1", failed=False), summary("web2"))
    )
    controller.whenever("POST", at(43, "relaunch"), 201, relaunched(44, limit="web2"))
    recovered = relaunched(44, "successful", limit="web2", host_status_counts={"ok": 1})
    controller.whenever("GET", at(44), body=recovered)


def adopted(controller: ScriptedController) -> None:
    """The template was edited since: only the prompts tell that a running relaunch is the same work."""
    running = relaunched(43, "running", verbosity=3)
    controller.whenever("GET", JOBS, body=listed(in_list(running)))
    controller.whenever("GET", at(43), body=running)
    controller.whenever("GET", r"/api/v2/jobs/4[23]/create_schedule/", body=prompts())


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("world", [launched, chained, adopted])
def test_changes_nothing(
    controller: ScriptedController, relaunch: Relaunch, world: t.Callable[[ScriptedController], None], status: int
) -> None:
    controller.whenever("GET", "/api/", body={"current_version": "/api/v2/"})
    controller.whenever("GET", at(42), body=SOURCE)
    controller.whenever("GET", at(42, "job_host_summaries"), body=FAILED)
    world(controller)
    wait = world is not adopted
    expected = relaunch(hosts="failed", wait=wait)
    assert (expected["failed"], "id" in expected) == (False, True)

    for refused in range(1, controller.count + 1):
        controller.count, controller.refusing = 0, {refused: status}
        assert relaunch(hosts="failed", wait=wait) == expected
