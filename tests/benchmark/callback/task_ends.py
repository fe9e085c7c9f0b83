# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes when the tasks of a playbook end, in the file that the environment variable TASK_ENDS names."""

from __future__ import annotations

import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Writes a line for each task that has ended: seconds since the epoch."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_ends"

    def _note(self, *_arguments: t.Any, **_more: t.Any) -> None:
        with open(os.environ["TASK_ENDS"], "a", encoding="utf-8") as file:
            file.write(f"{time.time()}\n")

    v2_runner_on_ok = v2_runner_on_failed = _note
