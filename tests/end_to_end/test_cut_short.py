# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs that stopped before their end: failed hosts that have been healed are not all of the work then."""

from __future__ import annotations

import typing as t

import pytest
from ansible.release import __version__ as core

from sandbox.cut_short.cases import COMPLETE, CUT_SHORT, Case
from sandbox.process import Sandbox

if t.TYPE_CHECKING:
    from .conftest import Driver

RunTasks = t.Callable[..., t.Any]
Options = dict[str, t.Any]

CASES = {case.name: case for case in (*CUT_SHORT, *COMPLETE)}
# One of each way to end, as the ansible-core that is here tells it. The unit tests go through all cases, recorded with
# the oldest and the newest one.
KINDS = (
    "the first of a rolling update",
    "the second, returned to service",
    "the first of a group",
    "any error, and cleaned up",
    "the one that runs once",
    "a usual failure",
    "a rescue that fails",
    "hosts that left directly behind",
    "at their own pace",
    "edited since",
)

# What went to its end, and is told to have stopped all the same, at this task: where the play was left right behind the
# failure by a task that shows in no event, and where the playbook was edited before the relaunch.
TOLD_AS_STOPPED = {
    "hosts that left directly behind": "Update",
    "edited since": "Update",
}


class Rollout:
    """A case in the sandbox."""

    def __init__(self, sandbox: Sandbox, case: Case) -> None:
        self.sandbox, self.case = sandbox, case
        self.template = sandbox.add_template(
            case.name, case.content(), hosts=case.hosts, groups=case.groups, limit=case.limit
        )
        for name in case.disabled:
            sandbox.change_host(self.template["hosts"][name], enabled=0)
        self.job = sandbox.launch(self.template["id"])

    def heal(self) -> None:
        """Remove all faults, once the job has failed by them."""
        assert self.sandbox.wait(self.job, timeout=300) == "failed"
        for host in self.template["hosts"].values():
            self.sandbox.change_host(host, variables={})
        if self.case.since:
            self.sandbox.change_template(self.template["id"], content=self.case.content(relaunch=True))

    @property
    def stopped_at(self) -> str | None:
        if self.case.name in TOLD_AS_STOPPED:
            return TOLD_AS_STOPPED[self.case.name]
        goes_on = self.case.completes_on and core.startswith(f"{self.case.completes_on}.")
        return None if goes_on else self.case.stopped_at


def told(result: Options) -> str | None:
    """The task at which a result says that the job stopped."""
    if not result["failed"]:
        return None
    assert result["cut_short"] is True, result["msg"]
    return str(result["msg"]).partition(' stopped before its end at task "')[2].partition('"')[0]


def launches(sandbox: Sandbox) -> list[str]:
    return [entry["path"] for entry in sandbox.log() if entry["method"] == "POST"]


@pytest.fixture
def rollout(sandbox: Sandbox) -> Rollout:
    """A rolling update over three hosts that stopped at the first."""
    stopped = Rollout(sandbox, CASES["the first of a rolling update"])
    stopped.heal()
    sandbox.clear_log()
    return stopped


def test_each_kind_once_its_failed_hosts_have_been_healed(sandbox: Sandbox, driver: Driver) -> None:
    rollouts = [Rollout(sandbox, CASES[name]) for name in KINDS]
    for one in rollouts:
        one.heal()
    for relaunched in [sandbox.relaunch(one.job, hosts="failed") for one in rollouts]:
        assert sandbox.wait(relaunched, timeout=300) == "successful"
    sandbox.clear_log()

    expected = {one.case.name: one.stopped_at for one in rollouts}
    for user in ("admin", "alice"):
        results = {one.case.name: driver.relaunch(one.job, user) for one in rollouts}
        found = {name: told(result) for name, result in results.items()}
        # Who may not read the inventory is told so where it is hosts that were never begun.
        assert {name: at is not None for name, at in found.items()} == {
            name: at is not None for name, at in expected.items()
        }, user
        assert user == "alice" or found == expected
        assert not any(result["changed"] for result in results.values())
    assert launches(sandbox) == []


def test_a_rolling_update_that_stopped_fails_the_task_that_healed_it(
    sandbox: Sandbox, rollout: Rollout, driver: Driver
) -> None:
    first, second = driver.relaunch(rollout.job), driver.relaunch(rollout.job)

    assert (first["failed"], first["changed"], first["cut_short"]) == (True, True, True)
    assert (first["status"], first["limit"], first["failed_hosts"]) == ("successful", "web1", [])
    assert f'Job {rollout.job} stopped before its end at task "Start" of play "Roll out"' in first["msg"]
    assert (second["failed"], second["changed"], second["cut_short"]) == (True, False, True)
    assert second["msg"].endswith(first["msg"].rpartition(f"Job {rollout.job} stopped")[2])
    assert launches(sandbox) == [f"/api/v2/jobs/{rollout.job}/relaunch/"]


@pytest.mark.parametrize("in_process", [False], ids=["module"])
def test_with_fallback_to_all_it_is_completed(
    sandbox: Sandbox, rollout: Rollout, admin: Options, run_tasks: RunTasks
) -> None:
    task = {"job_id": rollout.job, "hosts": "failed", "fallback_to_all": True, "wait": True, **admin}

    first, second = run_tasks(task, task).results

    assert (first["failed"], first["changed"], first["status"], first["limit"]) == (False, True, "successful", "")
    summaries = sandbox.request("GET", f"/jobs/{first['id']}/job_host_summaries/?failed=false").body
    assert sorted(summary["host_name"] for summary in summaries["results"]) == ["web1", "web2", "web3"]
    assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"])
    assert launches(sandbox) == [f"/api/v2/jobs/{rollout.job}/relaunch/"] * 2


def test_it_is_asked_only_once_the_failed_hosts_are_healed(sandbox: Sandbox, rollout: Rollout, driver: Driver) -> None:
    driver.relaunch(rollout.job, wait=False)

    assert not [entry for entry in sandbox.log() if "job_events" in entry["path"]]
