# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbooks of `shapes.py` with the ansible-core beside this Python, and keeps their jobs for the unit tests.

python tests/sandbox/plays/record.py tests/unit/plugins/module_utils/plays [SHAPE …]

With names of shapes only these are recorded anew. Each playbook runs with the failures, then on the hosts that failed,
until these have succeeded, then on all hosts, and once more as the first time but without failures: a host that did not
fail is done if it has left all the marks that it left there. The format: `tests/unit/recorded_plays.py`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import typing as t
from collections import Counter
from pathlib import Path

import ansible_runner
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sandbox.plays.shapes import GROUPS, HOSTS, SHAPES, Json, Shape

_PROJECT = "/runner/project"
_EVENTS = (
    "playbook_on_play_start",
    "playbook_on_task_start",
    "playbook_on_include",
    "playbook_on_notify",
    "playbook_on_no_hosts_matched",
    "playbook_on_no_hosts_remaining",
    "runner_on_ok",
    "runner_on_failed",
    "runner_on_skipped",
    "runner_on_unreachable",
)
_FAILURES = ("runner_on_failed", "runner_on_unreachable")
_FIELDS = ("event", "counter", "uuid", "parent_uuid")
_NAMES = {"play": "play", "task": "task", "host_name": "host"}
_DATA = ("task_path", "task_action", "is_conditional", "included_file", "ignore_errors", "play_uuid", "play_pattern")

# How often each host has left the mark of each task.
Marks = Counter[tuple[str, str]]


def record(shape: Shape) -> Json:
    """The jobs of a shape, and what became of the hosts in the first of them."""
    source, marks = run(shape, shape.fails[0], "")
    relaunches = []
    limit = _failed(source)
    for fails in (*shape.fails[1:], ""):
        relaunch, _marks = run(shape, fails, limit)
        relaunches.append(relaunch)
        limit = _failed(relaunch)
    whole, _marks = run(shape, "", "")
    kept = [word for word in shape.fails[0].split(",") if word.endswith(":all")]
    _job, wanted = run(shape, ",".join([*kept, shape.reference]), "")
    return {
        "shape": shape.name,
        "note": shape.note,
        "playbook": shape.playbook,
        "fails": shape.fails[0],
        "source": source,
        "relaunches_on_failed": relaunches,
        "relaunch_on_all": whole,
        "verdict": verdict(source, marks, wanted),
    }


def verdict(source: Json, marks: Marks, wanted: Marks) -> Json:
    """What became of each host."""
    failed = {summary["host_name"] for summary in source["host_summaries"] if summary["failed"]}

    def of(host: str) -> str:
        if host in failed:
            return "failed"
        reached = all(marks[one] >= number for one, number in wanted.items() if one[0] == host)
        return "done" if reached else "stopped or never begun"

    return {host: of(host) for host in HOSTS}


def _failed(job: Json) -> str:
    return ",".join(summary["host_name"] for summary in job["host_summaries"] if summary["failed"])


def run(shape: Shape, fails: str, limit: str) -> tuple[Json, Marks]:
    """A job as the unit tests have it, and the marks it left: host and task."""
    with tempfile.TemporaryDirectory() as folder:
        project, marks = Path(folder, "project", shape.name), Path(folder, "marks")
        marks.touch()
        for name, content in {"site.yml": shape.playbook, **shape.files}.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content) if shape.as_json else yaml.safe_dump(content, sort_keys=False, width=1000)
            (project / name).write_text(text, encoding="utf-8")
        (Path(folder) / "inventory").mkdir()
        (Path(folder) / "inventory" / "hosts.json").write_text(json.dumps(_inventory()), encoding="utf-8")
        ended = ansible_runner.run(
            private_data_dir=folder,
            playbook=f"{shape.name}/site.yml",
            extravars={"bad": fails.split(","), "marks": str(marks)},
            cmdline=f"--limit={limit}" if limit else None,
            quiet=True,
            settings={"pexpect_timeout": 0.05, "suppress_ansible_output": True},
            envvars={
                "ANSIBLE_LOCALHOST_WARNING": "False",
                "ANSIBLE_HOST_KEY_CHECKING": "False",
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            },
        )
        job = {
            "status": ended.status,
            "limit": limit,
            "host_summaries": _summaries(ended.stats or {}),
            "job_events": events(ended.events, f"{folder}/project"),
        }
        lines = marks.read_text(encoding="utf-8").splitlines()
        return job, Counter((host, letter) for host, letter in (line.split() for line in lines))


def _inventory() -> Json:
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    groups = {group: {"hosts": dict.fromkeys(names, {})} for group, names in GROUPS.items()}
    return {"all": {"hosts": dict.fromkeys(HOSTS, here), "children": groups}}


def _summaries(stats: Json) -> list[Json]:
    return [
        {
            "host_name": host,
            "failed": bool(stats["failures"].get(host) or stats["dark"].get(host)),
            "changed": stats["changed"].get(host, 0),
        }
        for host in sorted(stats.get("processed", ()))
    ]


def events(found: t.Iterable[Json], project: str) -> list[Json]:
    """The events that matter, with what a controller makes of them."""
    kept = []
    for event in found:
        if event["event"] not in _EVENTS:
            continue
        data = event["event_data"]
        names = {name: data[key] for name, key in _NAMES.items() if data.get(key)}
        failed = event["event"] in _FAILURES and not data.get("ignore_errors")
        more = {key: data[key] for key in _DATA if data.get(key) is not None}
        for key in ("task_path", "included_file"):
            if key in more:
                more[key] = more[key].replace(project, _PROJECT)
        fields = {key: event.get(key) or "" for key in _FIELDS}
        kept.append({**fields, **names, "failed": failed, "event_data": more})
    return kept


def written(shape: Json) -> str:
    """A line an event."""

    def job(one: Json) -> str:
        lists = (
            f'"{key}": [\n' + ",\n".join(f"      {json.dumps(entry)}" for entry in one[key]) + "\n    ]"
            for key in ("host_summaries", "job_events")
        )
        fields = (f'"{key}": {json.dumps(one[key])}' for key in ("status", "limit"))
        return "{\n    " + ",\n    ".join((*fields, *lists)) + "\n  }"

    def value(key: str, content: t.Any) -> str:
        if key == "relaunches_on_failed":
            return "[" + ", ".join(map(job, content)) + "]"
        return job(content) if key in ("source", "relaunch_on_all") else json.dumps(content)

    return "{\n" + ",\n".join(f'  "{key}": {value(key, content)}' for key, content in shape.items()) + "\n}\n"


def main() -> None:
    """Record all shapes, or those that are named."""
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        del os.environ[name]
    for shape in SHAPES:
        if not names or shape.name in names:
            recorded = record(shape)
            statuses = [job["status"] for job in (recorded["source"], *recorded["relaunches_on_failed"])]
            print(shape.name, *statuses, recorded["verdict"], flush=True)
            (folder / f"{shape.name}.json").write_text(written(recorded), encoding="utf-8")


if __name__ == "__main__":
    main()
