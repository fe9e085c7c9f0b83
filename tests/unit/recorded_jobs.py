# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of real jobs, from the short rows in which `tests/sandbox/cut_short/record.py` keeps them.

A row begins with the event's counter and a word: ``play`` with uuid, name and pattern; ``task`` or ``handler`` with
uuid, name, path and action; ``ok``, ``failed``, ``ignored``, ``skipped`` or ``unreachable`` with task's uuid and host.
"""

from __future__ import annotations

import typing as t

Row = t.Sequence[t.Any]
Event = dict[str, t.Any]


def events(rows: t.Iterable[Row]) -> list[Event]:
    """The rows as a controller's job events."""
    play: dict[str, t.Any] = {}
    tasks: dict[str, dict[str, t.Any]] = {}
    found = []
    for counter, word, uuid, *more in rows:
        if word == "play":
            play = {"play": more[0], "play_uuid": uuid, "play_pattern": more[1]}
            found.append(_event(counter, "playbook_on_play_start", play, uuid=uuid))
        elif word in ("task", "handler"):
            names = {"task": more[0], "task_path": more[1], "task_action": more[2]}
            tasks[uuid.partition("_")[0]] = {**play, **names}
            data = {**play, **names, "is_conditional": word == "handler"}
            found.append(_event(counter, "playbook_on_task_start", data, uuid=uuid))
        else:
            failed = word in ("failed", "unreachable")
            name = "failed" if word == "ignored" else word
            data = {**tasks[uuid], "host": more[0]}
            found.append(_event(counter, f"runner_on_{name}", data, parent_uuid=uuid, host_name=more[0], failed=failed))
    return found


def _event(counter: int, event: str, data: dict[str, t.Any], **more: t.Any) -> Event:
    empty = {"uuid": f"e{counter}", "parent_uuid": "", "host_name": "", "failed": False}
    return {**empty, "counter": counter, "event": event, "event_data": data, **more}
