# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the tools are that the documentation names, and where they find this collection."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

BIN = Path(sys.executable).parent

# The folder above ansible_collections.
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or str(Path(__file__).resolve().parents[5])

# Runs a tool with these arguments and, as keywords, more environment variables.
Run = t.Callable[..., subprocess.CompletedProcess[str]]
