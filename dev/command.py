# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Running a program whose output matters only where it fails."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path


def output_of(*command: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    """What the command prints; where it fails, all of that goes into the error that ends this program."""
    done = subprocess.run(
        command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\nThis failed: {' '.join(command)}")
    return done.stdout
