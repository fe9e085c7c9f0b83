# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks of all shapes, each run with failures, relaunched on the hosts that failed, and run whole.

``plays/NAME.json`` holds the playbook, what fails (``b:h1``: Task b on h1), events and summaries of each job, and what
became of each host in the first: ``done``, ``failed``, ``stopped or never begun``; null where people may differ.
The hosts are h1 and h2 in the group g1, and h3 and h4 in g2. `tests/sandbox/plays/record.py` records more of them.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "plugins" / "module_utils" / "plays"
DONE, FAILED, STOPPED = "done", "failed", "stopped or never begun"

Json = dict[str, t.Any]


@dataclass(frozen=True)
class Shape:
    """A recorded playbook."""

    recorded: Json

    @property
    def source(self) -> Json:
        """The job that failed."""
        return t.cast("Json", self.recorded["source"])

    @property
    def verdict(self) -> dict[str, str | None]:
        """What became of each host in it."""
        return t.cast("dict[str, str | None]", self.recorded["verdict"])

    @property
    def others(self) -> list[Json]:
        """The relaunches on failed hosts, and the run on all, in this order."""
        return [*self.recorded["relaunches_on_failed"], self.recorded["relaunch_on_all"]]


def shapes() -> dict[str, Shape]:
    """All of them by name."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.json"))}
    return {name: Shape(json.loads(text)) for name, text in texts.items()}


def rows(job: Json) -> list[Json]:
    """A job's events with the fields that a controller gives to each."""
    return [{"host_name": "", "task": "", "play": "", **event} for event in job["job_events"]]
