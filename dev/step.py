# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Runs one step of `make`: a line with its duration where it succeeds, its whole output where it fails.

python dev/step.py [--in FOLDER] NAME COMMAND [ARGUMENT …]
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

# "12 passed in 3.45s", "1 failed, 11 passed, 2 skipped in 75.00s (0:01:15)": by this a reader sees that tests did run.
PYTEST_CLOSING_LINE = re.compile(r"^(=+ )?(\d+ [a-z]+, )*\d+ [a-z]+ in [\d.]+s.*$")


# What a step must not see of its caller: settings of Ansible, and of a real controller above all; what a git hook knows
# about its repository; modules from elsewhere; a wish for colours, since nothing here is a terminal.
HIDDEN = re.compile(r"(AAP|ANSIBLE|CONTROLLER|GATEWAY|TOWER)_.*|GIT_(DIR|INDEX_FILE|WORK_TREE)|PYTHONPATH|.*_COLORS?")
SHOWN = ("ANSIBLE_COLLECTIONS_PATH", "NO_COLOR")


def environment() -> dict[str, str]:
    """The step's environment, with the tools of this virtual environment first on PATH."""
    environ = {key: value for key, value in os.environ.items() if key in SHOWN or not HIDDEN.fullmatch(key)}
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    return environ


def colour(text: str, code: int) -> str:
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        return f"\033[{code}m{text}\033[0m"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in", dest="folder", default=".")
    parser.add_argument("name")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    step = parser.parse_args()

    waiting = sys.stdout.isatty()
    if waiting:
        print(f"  {step.name} …", end="\r", flush=True)
    start = time.monotonic()
    done = subprocess.run(
        step.command,
        cwd=step.folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    duration = f"{time.monotonic() - start:6.1f} s"

    if done.returncode:
        print(colour(f"✗ {step.name:<18} {duration}  FAILED: {shlex.join(step.command)}", 31))
        print(done.stdout, flush=True)
        return 1
    print(f"{colour('✓', 32)} {step.name:<18} {duration}")
    for line in filter(PYTEST_CLOSING_LINE.match, done.stdout.splitlines()):
        print(line)
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
