# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook as text, whose tasks leave marks. Pure."""

from __future__ import annotations

import json
import typing as t

import yaml

from .shapes import LOCALHOST, MADE, Book, Flush, Included, Part, Play, Step

# Where the marks are, for a task.
FOLDER = "{{ sandbox_state }}/%s"
# As of ``first_name``.
FIRST_NAME = "inventory_hostname | regex_replace('x+$', '')"
_COMMAND = "sh {{ truth }}/step {{ awx_job_id }}"


def content(book: Book, folder: str) -> str:
    """The playbook.

    :param folder: name of the folder of the marks, in ``sandbox_state``.
    """
    plays = [_play(play, FOLDER % folder) for play in book.plays]
    if any(play.hosts == MADE for play in book.plays):
        # So that it belongs to no other play, it is in no group but its own.
        host = {"name": MADE, "groups": MADE, "ansible_connection": "local"}
        plays[-2]["tasks"].append({"name": "Make a host", "ansible.builtin.add_host": host, "changed_when": False})
    return f"{json.dumps(plays)}\n" if book.as_json else yaml.safe_dump(plays, sort_keys=False, width=1000)


def files(book: Book) -> dict[str, str]:
    """What it includes, by name."""
    parts = [part for play in book.plays for part in play.parts if isinstance(part, Included)]
    return {part.file: yaml.safe_dump([_task(step) for step in part.steps], width=1000) for part in parts}


def _play(play: Play, folder: str) -> dict[str, t.Any]:
    keywords: dict[str, t.Any] = {"name": play.name, "hosts": play.hosts, "gather_facts": False}
    keywords["vars"] = {"truth": folder}
    if play.serial:
        keywords["serial"] = list(play.serial) if len(play.serial) > 1 else play.serial[0]
    if play.any_errors_fatal:
        keywords["any_errors_fatal"] = True
    if play.max_fail_percentage is not None:
        keywords["max_fail_percentage"] = play.max_fail_percentage
    if play.free:
        keywords["strategy"] = "free"
    if play.hosts == LOCALHOST:
        keywords["connection"] = "local"
    keywords["tasks"] = [_part(part) for part in play.parts]
    if play.post:
        keywords["post_tasks"] = [_task(step) for step in play.post]
    if play.handlers:
        keywords["handlers"] = [_task(handler) for handler in play.handlers]
    return keywords


def _part(part: Part) -> dict[str, t.Any]:
    if isinstance(part, Step):
        return _task(part)
    if isinstance(part, Flush):
        return {"name": "Handlers now", "ansible.builtin.meta": "flush_handlers"}
    if isinstance(part, Included):
        task = {"name": f"Include {part.file}", "ansible.builtin.include_tasks": "{{ truth }}/" + part.file}
        return {**task, **({"when": _is_one_of(part.only)} if part.only else {})}
    sections = {"block": part.body, "rescue": part.rescue, "always": part.always}
    return {name: [_task(step) for step in steps] for name, steps in sections.items() if steps}


def _task(step: Step) -> dict[str, t.Any]:
    task: dict[str, t.Any] = {
        "name": step.name,
        "ansible.builtin.raw": f"{_COMMAND} {step.key} {{{{ inventory_hostname }}}}",
        "changed_when": bool(step.notifies),
    }
    if step.only:
        task["when"] = _is_one_of(step.only)
    if step.once:
        task["run_once"] = True
    if step.ignored:
        task["ignore_errors"] = True
    if step.notifies:
        task["notify"] = step.notifies
    return task


def _is_one_of(hosts: t.Iterable[str]) -> str:
    return f"({FIRST_NAME}) in {list(hosts)}"
