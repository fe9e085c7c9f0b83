# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set about the sandbox while it runs."""

from __future__ import annotations

import json
import os
import typing as t

if t.TYPE_CHECKING:
    from .database import Database

DEFAULTS: dict[str, t.Any] = {
    "version": "24.6.1",
    "prefix": "awx",
    "event_lag": 1.0,
    # A controller under load: after the end of a job all counts are 0 and no event is there until they are saved.
    "lag_hides_counts": False,
    "events_never_finish_after_error": False,
    "relaunch_takes_job_type": False,
    # As AWX: to a node with all_parents_must_converge a parent that ended in error or canceled means nothing, so that
    # it runs in spite of it, or, if no other parent leads to it, keeps its workflow job running for ever.
    "convergence_ignores_errors": True,
    "language": "en",
    "basic_enabled": True,
    "basic_delay": 0.0,
    "answer_delay": 0.0,
    # Between the moment at which a new job can be seen and the answer that tells of it.
    "answer_delay_after_commit": 0.0,
    # So many of the next relaunches stay `new` for ever, as one that its controller lost while it made it.
    "relaunches_left_in_new": 0,
    "max_running": 2 * (os.cpu_count() or 1),
    "restart_downtime": 0.0,
}


def read(database: Database) -> dict[str, t.Any]:
    """All settings as they are now."""
    stored = {row["key"]: json.loads(row["value"]) for row in database.all("SELECT key, value FROM settings")}
    return {**DEFAULTS, **stored}


def take(database: Database, name: str) -> bool:
    """Whether a setting that counts something down is above zero; it is lower by one then."""
    left = read(database)[name]
    if left > 0:
        change(database, {name: left - 1})
    return bool(left > 0)


def change(database: Database, values: dict[str, t.Any]) -> dict[str, t.Any]:
    """Set some of them; all settings as they are then."""
    unknown = sorted(set(values) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"no such setting: {', '.join(unknown)}")
    with database.transaction():
        for key, value in values.items():
            database.run(
                "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)",
                key,
                json.dumps(value),
            )
    return read(database)
