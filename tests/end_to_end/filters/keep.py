# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter that keeps a text in a file, so that a test can read a task's result without another module's run."""

from __future__ import annotations

import typing as t
from pathlib import Path


def keep(text: str, path: str) -> str:
    """Write it there; returns the path."""
    Path(path).write_text(text, encoding="utf-8")
    return path


class FilterModule:
    """As Ansible finds it."""

    def filters(self) -> dict[str, t.Callable[[str, str], str]]:
        """By their names in playbooks."""
        return {"keep": keep}
