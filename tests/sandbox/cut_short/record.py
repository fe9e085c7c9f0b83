# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the jobs of `cases.py` with the ansible-core beside this Python, and keeps their events for the unit tests.

python tests/sandbox/cut_short/record.py tests/unit/plugins/module_utils/cut_short/core-2.21.json [CASE …]

With names of cases only these are recorded anew. What the rows mean: `tests/unit/recorded_jobs.py`.
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

from sandbox.cut_short.cases import COMPLETE, CUT_SHORT, Case

_PLAY, _TASK = "playbook_on_play_start", "playbook_on_task_start"
_RESULTS = {f"runner_on_{word}": word for word in ("ok", "failed", "skipped", "unreachable")}


def record(case: Case) -> dict[str, t.Any]:
    """The job of a case, and its relaunch on the failed hosts."""
    base = run(case, case.limit, relaunch=False)
    failed = ",".join(name for name, failed in base["hosts"].items() if failed)
    return {"base": base, "relaunch": run(case, failed, relaunch=True)}


def run(case: Case, limit: str, *, relaunch: bool) -> dict[str, t.Any]:
    """The hosts in a job's statistics, by name and whether they failed, and its events."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in (
            ("project/site.yml", case.content(relaunch=relaunch)),
            ("inventory/hosts.json", json.dumps(_inventory(case, relaunch=relaunch))),
        ):
            Path(folder, path).parent.mkdir()
            Path(folder, path).write_text(content, encoding="utf-8")
        ended = ansible_runner.run(
            private_data_dir=folder,
            playbook="site.yml",
            cmdline=f"--limit={limit}" if limit else None,
            quiet=True,
            settings={"pexpect_timeout": 0.05, "suppress_ansible_output": True},
            envvars={"ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_HOST_KEY_CHECKING": "False"},
        )
        stats = ended.stats
        hosts = {name: bool(stats["failures"].get(name) or stats["dark"].get(name)) for name in stats["processed"]}
        return {"hosts": dict(sorted(hosts.items())), "events": rows(ended.events, f"{folder}/project")}


def _inventory(case: Case, *, relaunch: bool) -> dict[str, t.Any]:
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    enabled = {name: variables for name, variables in case.hosts.items() if name not in case.disabled}
    hosts = {name: {**here, **({} if relaunch else variables)} for name, variables in enabled.items()}
    groups = {group: {"hosts": {name: {} for name in names if name in enabled}} for group, names in case.groups.items()}
    return {"all": {"hosts": hosts, "children": groups}}


def rows(events: t.Iterable[dict[str, t.Any]], project: str) -> list[list[t.Any]]:
    """The starts of plays and tasks and the results, without what differs from run to run."""
    numbers: dict[str, str] = {}

    def number(uuid: str) -> str:
        # What ansible-runner appends to a uuid that repeats stays.
        root, _underscore, again = uuid.partition("_")
        return "_".join(filter(None, (numbers.setdefault(root, f"u{len(numbers) + 1}"), again)))

    kept: list[list[t.Any]] = []
    for event in events:
        data, start = event["event_data"], [event["counter"]]
        if event["event"] == _PLAY:
            kept.append([*start, "play", number(event["uuid"]), data["play"], data["play_pattern"]])
        elif event["event"] == _TASK:
            kind = "handler" if data["is_conditional"] else "task"
            path = data["task_path"].replace(project, "/runner/project")
            kept.append([*start, kind, number(event["uuid"]), data["task"], path, data["task_action"]])
        elif event["event"] in _RESULTS:
            word = "ignored" if data.get("ignore_errors") else _RESULTS[event["event"]]
            kept.append([*start, word, number(event["parent_uuid"]), data["host"]])
    return kept


def written(recorded: dict[str, t.Any]) -> str:
    """A line a job."""
    cases = []
    for name, jobs in recorded.items():
        lines = [f"    {json.dumps(job)}: {json.dumps(content)}" for job, content in jobs.items()]
        cases.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(cases) + "\n}\n"


def main() -> None:
    """Record all cases, or those that are named."""
    path, names = Path(sys.argv[1]), sys.argv[2:]
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        del os.environ[name]
    before = json.loads(path.read_text(encoding="utf-8")) if names else {}
    recorded = {}
    for case in (*CUT_SHORT, *COMPLETE):
        if not names or case.name in names:
            print(case.name, flush=True)
            recorded[case.name] = record(case)
        elif case.name in before:
            recorded[case.name] = before[case.name]
    path.write_text(written(recorded), encoding="utf-8")


if __name__ == "__main__":
    main()
