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

from sandbox.plays.shapes import GROUPS, HOSTS
from sandbox.process import Sandbox
from sandbox.tests import playbooks

_PLAYS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((pathlib.Path(__file__).resolve().parents[1] / "plays").glob("*.json"))
}
_COUNTED = {"playbook_on_play_start", "playbook_on_task_start", "playbook_on_include", "playbook_on_no_hosts_remaining"}


@pytest.mark.parametrize("name", _PLAYS)
def test_events_are_those_of_a_real_controller(name: str, sandbox: Sandbox) -> None:
    recorded = _PLAYS[name]
    template = sandbox.add_template(
        name,
        yaml.safe_dump(recorded["playbook"], sort_keys=False),
        hosts={host: {} for host in HOSTS},
        groups={group: list(hosts) for group, hosts in GROUPS.items()},
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


def test_the_results_of_all_batches_are_found_by_the_first_start(sandbox: Sandbox) -> None:
    playbook = playbooks.DEPLOYING.replace("hosts: all", "hosts: all\n  serial: 1")
    hosts: dict[str, dict[str, t.Any]] = {host: {} for host in HOSTS}
    template = sandbox.add_template("Batches", playbook, hosts=hosts, extra_vars={"bad": ["h3"]})["id"]
    job = sandbox.launch(template)
    assert sandbox.wait(job) == "failed"

    def events(query: str) -> dict[str, t.Any]:
        answer = sandbox.request("GET", f"/jobs/{job}/job_events/?{query}")
        assert answer.status == 200, answer.body
        return t.cast("dict[str, t.Any]", answer.body)

    starts = events("event=playbook_on_task_start&order_by=counter")["results"]
    first = starts[0]["uuid"]
    assert [start["uuid"] for start in starts] == [first, f"{first}_2", f"{first}_3"]
    assert [start["parent_uuid"] for start in starts[1:]] == [first, first]
    results = events(f"parent_uuid={first}&event__startswith=runner_on_&not__event=runner_on_start&order_by=-counter")
    assert [result["host_name"] for result in results["results"]] == ["h3", "h2", "h1"]
    assert events(f"parent_uuid={first}_2")["count"] == 0
    assert events(f"parent_uuid={first}&failed=true&event=runner_on_failed&page_size=1")["count"] == 1
    between = f"counter__gt={starts[0]['counter']}&counter__lt={starts[1]['counter']}&host__isnull=false"
    assert {event["host_name"] for event in events(between)["results"]} == {"h1"}
    assert events("host_name__in=h1,h2&not__host_name__in=h2&event=runner_on_ok")["count"] == 1
    # `h4` has no part in it, and the job ends without a word about that.
    assert events("event=playbook_on_no_hosts_remaining")["count"] == 0
    assert len(events("page_size=1000")["results"]) == events("page_size=1")["count"]
    for refused in ("fields=uuid", "event_data__task_path=x", "is_conditional=true"):
        assert sandbox.request("GET", f"/jobs/{job}/job_events/?{refused}").status == 400


def test_jobs_made_as_data_have_the_events_of_one_task(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Made", playbooks.DEPLOYING, hosts={host: {} for host in HOSTS})
    outcomes = {"h1": "failed", "h2": "unreachable", "h3": "ok", "gone": "failed"}
    job = sandbox.make_job(template=template["id"], status="failed", hosts=outcomes)
    assert sandbox.job(job)["playbook_counts"] == {"play_count": 1, "task_count": 1}
    query = "event__in=runner_on_failed,runner_on_unreachable&order_by=counter"
    failures = sandbox.request("GET", f"/jobs/{job}/job_events/?{query}").body["results"]
    assert [(event["host_name"], event["host"]) for event in failures] == [
        ("h1", template["hosts"]["h1"]),
        ("h2", template["hosts"]["h2"]),
        # As a host that a playbook has added.
        ("gone", None),
    ]


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
