# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories that are constructed of others: their hosts are copies, made and taken away by each launch."""

from __future__ import annotations

import typing as t

import pytest

from sandbox.process import Sandbox
from sandbox.tests import playbooks

_GROUPED = playbooks.REACHING.replace("hosts: all", "hosts: odd")


class _Copied(t.NamedTuple):
    inputs: dict[str, t.Any]
    inventory: int
    job: int


@pytest.fixture
def copied(sandbox: Sandbox) -> _Copied:
    """A failed job on an inventory that is constructed of another one."""
    hosts: dict[str, dict[str, t.Any]] = {"one": {"broken": True}, "two": {}, "three": {"broken": True}}
    inputs = sandbox.add_inventory("Input", hosts, {"odd": ["one", "three"]})
    made = sandbox.add_constructed_inventory("Constructed", [inputs["id"]])
    template = sandbox.add_template("On copies", _GROUPED, inventory=made["id"])["id"]
    job = sandbox.launch(template)
    assert sandbox.wait(job) == "failed"
    return _Copied(inputs, made["id"], job)


def _names(sandbox: Sandbox, path: str) -> dict[str, int]:
    return {host["name"]: host["id"] for host in sandbox.request("GET", path).body["results"]}


def test_summaries_are_of_the_input_and_events_of_the_copy(sandbox: Sandbox, copied: _Copied) -> None:
    copies = _names(sandbox, f"/inventories/{copied.inventory}/hosts/")
    summaries = sandbox.request("GET", f"/jobs/{copied.job}/job_host_summaries/").body["results"]
    assert {one["host_name"]: (one["host"], one["constructed_host"]) for one in summaries} == {
        name: (copied.inputs["hosts"][name], copies[name]) for name in ("one", "three")
    }
    events = sandbox.request("GET", f"/jobs/{copied.job}/job_events/?event=runner_on_failed").body["results"]
    assert {event["host"] for event in events} == {copies["one"], copies["three"]}
    by_copy = _names(sandbox, f"/hosts/?constructed_host_summaries__job={copied.job}")
    by_input = _names(sandbox, f"/hosts/?job_host_summaries__job={copied.job}")
    assert by_copy == {name: copies[name] for name in ("one", "three")}
    assert by_input == {name: copied.inputs["hosts"][name] for name in ("one", "three")}
    query = f"host__inventory={copied.inputs['id']}&constructed_host__inventory={copied.inventory}"
    assert sandbox.request("GET", f"/jobs/{copied.job}/job_host_summaries/?{query}").body["count"] == 2


def test_a_disabled_input_vanishes_at_the_next_launch(sandbox: Sandbox, copied: _Copied) -> None:
    sandbox.disable_host(copied.inputs["hosts"]["one"])
    assert "one" in _names(sandbox, f"/inventories/{copied.inventory}/hosts/")
    job = sandbox.relaunch(copied.job, hosts="failed")
    assert sorted(sandbox.job(job)["limit"].split(",")) == ["one", "three"]
    assert sandbox.wait(job) == "failed"
    assert set(_names(sandbox, f"/inventories/{copied.inventory}/hosts/")) == {"two", "three"}
    summaries = sandbox.request("GET", f"/jobs/{job}/job_host_summaries/").body["results"]
    assert [one["host_name"] for one in summaries] == ["three"]


def test_an_input_deleted_and_added_again_keeps_its_copy(sandbox: Sandbox, copied: _Copied) -> None:
    before = _names(sandbox, f"/inventories/{copied.inventory}/hosts/")
    sandbox.delete_host(copied.inputs["hosts"]["one"])
    sandbox.add_host(copied.inputs["id"], "one", broken=True)
    relaunched = sandbox.relaunch(copied.job, hosts="failed")
    assert sandbox.job(relaunched)["limit"] == "three"
    sandbox.wait(relaunched)
    assert _names(sandbox, f"/inventories/{copied.inventory}/hosts/") == before
    lost = sandbox.request("GET", f"/jobs/{copied.job}/job_host_summaries/?host__isnull=true").body["results"]
    assert [(one["host_name"], one["constructed_host"]) for one in lost] == [("one", before["one"])]
