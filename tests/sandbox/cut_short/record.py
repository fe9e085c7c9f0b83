# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the playbooks of `cases.py` with the ansible-core that is here, and keep their events for the unit tests.

    python tests/sandbox/cut_short/record.py tests/unit/plugins/module_utils/cut_short/core-2.21.json
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import typing as t
from pathlib import Path

import ansible_runner

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sandbox.cut_short.cases import COMPLETE, CUT_SHORT, Case  # noqa: E402

_STARTS = ("playbook_on_play_start", "playbook_on_task_start")
_RESULTS = ("runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable")
_KEPT = (*_STARTS, *_RESULTS, "playbook_on_no_hosts_remaining", "playbook_on_no_hosts_matched")
_FAILED = ("runner_on_failed", "runner_on_unreachable")
_DATA = ("play", "play_uuid", "play_pattern", "name", "pattern", "task", "task_path", "task_action", "is_conditional")


def run(case: Case, limit: str, *, relaunch: bool) -> dict[str, t.Any]:
    """A job: its limit, the hosts in its statistics and its events, as the controller keeps them."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        project.mkdir()
        (project / "site.yml").write_text(case.content(relaunch), encoding="utf-8")
        (Path(folder) / "inventory").mkdir()
        (Path(folder) / "inventory" / "hosts.json").write_text(json.dumps(_inventory(case, relaunch)), encoding="utf-8")
        ended = ansible_runner.run(
            private_data_dir=folder,
            playbook="site.yml",
            cmdline=f"--limit={limit}" if limit else None,
            quiet=True,
            settings={"pexpect_timeout": 0.05, "suppress_ansible_output": True},
            envvars={"ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_HOST_KEY_CHECKING": "False"},
        )
        events = list(ended.events)
        stats = ended.stats
    return {"status": ended.status, "limit": limit, "hosts": _hosts(stats), "events": _compact(events, folder)}


def _inventory(case: Case, relaunch: bool) -> dict[str, t.Any]:
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {
        name: {**here, **(case.healed if relaunch else variables)}
        for name, variables in case.hosts.items()
        if name not in case.disabled
    }
    groups = {
        group: {"hosts": {name: {} for name in names if name in hosts}} for group, names in case.groups.items()
    }
    return {"all": {"hosts": hosts, "children": groups}}


def _hosts(stats: dict[str, dict[str, int]]) -> dict[str, bool]:
    return {host: bool(stats["failures"].get(host) or stats["dark"].get(host)) for host in sorted(stats["processed"])}


def _compact(events: list[dict[str, t.Any]], folder: str) -> list[dict[str, t.Any]]:
    """The events that matter, without what differs from run to run."""
    numbers: dict[str, str] = {}
    rows = []
    for event in events:
        if event["event"] not in _KEPT:
            continue
        data = event["event_data"]
        kept = {name: data[name] for name in _DATA if data.get(name)}
        if "task_path" in kept:
            kept["task_path"] = kept["task_path"].replace(f"{folder}/", "/runner/")
        row = {
            "counter": event["counter"],
            "event": event["event"],
            "uuid": _number(event["uuid"], numbers) if event["event"] in _STARTS else "",
            "parent_uuid": _number(event.get("parent_uuid") or "", numbers),
            "host_name": data.get("host") or "",
            "failed": event["event"] in _FAILED and not data.get("ignore_errors"),
            "event_data": {**kept, **({"play_uuid": _number(kept["play_uuid"], numbers)} if "play_uuid" in kept else {})},
        }
        if data.get("res", {}).get("skip_reason", "").startswith("end_"):
            row["event_data"]["skip_reason"] = data["res"]["skip_reason"]
        rows.append(row)
    return rows


def _number(uuid: str, numbers: dict[str, str]) -> str:
    """A short name for a uuid; what ansible-runner appends to one that repeats stays."""
    root, _underscore, repeated = uuid.partition("_")
    if not root:
        return ""
    return "_".join(filter(None, (numbers.setdefault(root, f"u{len(numbers) + 1}"), repeated)))


def record(case: Case) -> dict[str, t.Any]:
    """A case with the events of both jobs."""
    base = run(case, case.limit, relaunch=False)
    failed = ",".join(name for name, failed in base["hosts"].items() if failed)
    return {"base": base, "relaunch": run(case, failed, relaunch=True)}


def main() -> None:
    path = Path(sys.argv[1])
    only = sys.argv[2:]
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        del os.environ[name]
    kept = json.loads(path.read_text(encoding="utf-8")) if only and path.exists() else {}
    for case in (*CUT_SHORT, *COMPLETE):
        if not only or case.name in only:
            kept[case.name] = record(case)
            print(case.name, {k: v["hosts"] for k, v in kept[case.name].items()}, flush=True)
            path.write_text(json.dumps(kept, indent=0), encoding="utf-8")


if __name__ == "__main__":
    main()
