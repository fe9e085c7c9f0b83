# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of playbooks that stop early, as a real controller recorded them of the same playbooks (`plays/`)."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml

from sandbox.process import Sandbox
from sandbox.tests import playbooks

_PLAYS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((pathlib.Path(__file__).resolve().parents[1] / "plays").glob("*.json"))
}
_HOSTS = ("h1", "h2", "h3", "h4")
_GROUPS = {"g1": ["h1", "h2"], "g2": ["h3", "h4"]}
_COUNTED = {"playbook_on_play_start", "playbook_on_task_start", "playbook_on_include", "playbook_on_no_hosts_remaining"}


@pytest.mark.parametrize("name", _PLAYS)
def test_events_are_those_of_a_real_controller(name: str, sandbox: Sandbox) -> None:
    recorded = _PLAYS[name]
    template = sandbox.add_template(
        name,
        yaml.safe_dump(recorded["playbook"], sort_keys=False),
        hosts={host: {} for host in _HOSTS},
        groups=_GROUPS,
        files=playbooks.INCLUDED,
        extra_vars={"bad": recorded["fails"].split(",")},
    )
    job = sandbox.launch(template["id"])
    assert sandbox.wait(job) == recorded["source"]["status"]
    events = sandbox.request("GET", f"/jobs/{job}/job_events/?order_by=counter&page_size=200").body["results"]
    kinds = {event["event"] for event in recorded["source"]["job_events"]}
    events = [event for event in events if event["event"] in kinds]
    assert _in_order(events) == _in_order(recorded["source"]["job_events"])
    starts = sum(event["event"] == "playbook_on_task_start" for event in events)
    assert sandbox.job(job)["playbook_counts"]["task_count"] == starts
    summaries = sandbox.request("GET", f"/jobs/{job}/job_host_summaries/").body["results"]
    assert _outcomes(summaries) == _outcomes(recorded["source"]["host_summaries"])


def _outcomes(summaries: list[dict[str, t.Any]]) -> dict[str, bool]:
    return {summary["host_name"]: summary["failed"] for summary in summaries}


def _in_order(events: list[dict[str, t.Any]]) -> list[tuple[t.Any, ...]]:
    """What follows from the playbook: what was started in its order, and under each task the results by host.

    Ids are replaced by how many there were before them; the suffixes of later batches stay.
    """
    numbers: dict[str, str] = {}

    def shown(uuid: str) -> str:
        base, _underscore, batch = uuid.partition("_")
        return f"{numbers.get(base, 'playbook')}_{batch}"

    started: list[tuple[t.Any, ...]] = []
    results: list[tuple[t.Any, ...]] = []
    for event in sorted(events, key=lambda one: int(one["counter"])):
        data = event["event_data"]
        if event["event"] in ("playbook_on_play_start", "playbook_on_task_start"):
            numbers.setdefault(event["uuid"].partition("_")[0], str(len(numbers)))
        common = (event["event"], event["play"], event.get("task", ""), shown(event["parent_uuid"]))
        common += (data.get("task_action"), data.get("play_pattern"))
        if event["event"] in _COUNTED:
            file = pathlib.PurePath(data.get("included_file") or "").name
            started.append((*common, shown(event["uuid"]) if "start" in event["event"] else "", file))
            started[-1] += (data.get("is_conditional"),)
        elif event["event"].startswith("runner_on_"):
            results.append((*common, event["host_name"], event["failed"], bool(data.get("ignore_errors"))))
    return started + sorted(results)
