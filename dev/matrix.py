# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Sanity and unit tests on every ansible-core, with every Python that is here: a line for each cell as it finishes.

python dev/matrix.py [WORD …]

Without words all cells run. Words choose: `2.16` an ansible-core, `3.9` the Python of a module, `sanity` the sanity
tests. A cell that fails shows its whole output; the others go on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_test import CHECKOUT, HOME, provide_interpreters
from command import output_of
from step import colour, environment

# The newest release of each line, and the Python that ansible-core itself runs on. Together they use all of them.
CORES = {
    "2.16.19": "3.11",
    "2.17.14": "3.11",
    "2.18.19": "3.11",
    "2.19.14": "3.11",
    "2.20.10": "3.12",
    "2.21.5": "3.13",
}
# The Pythons that a module may meet (tests/config.yml).
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
SANITY = "sanity"

SUPPORTED_PYTHONS = """\
from ansible_test._util.target.common import constants
print(*constants.REMOTE_ONLY_PYTHON_VERSIONS, *constants.CONTROLLER_PYTHON_VERSIONS)
"""


@dataclass(frozen=True)
class Core:
    """An ansible-core in its virtual environment, with an export to test."""

    version: str
    bin: Path
    export: Path
    pythons: frozenset[str]

    @property
    def columns(self) -> list[str]:
        return [SANITY, *(python for python in PYTHONS if python in self.pythons)]

    def run(self, column: str) -> subprocess.CompletedProcess[str]:
        """One cell: the sanity tests, or the unit tests on a Python."""
        test = ["sanity"] if column == SANITY else ["units", "--venv", "--python", column]
        return subprocess.run(
            [str(self.bin / "python"), "dev/ansible_test.py", str(self.export), *test, "--color", "no"],
            cwd=CHECKOUT,
            env=environment() | {"PATH": os.pathsep.join([str(self.bin), os.environ["PATH"]])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )


def prepare(version: str, here: dict[str, Path]) -> Core:
    """Make what a line of the matrix needs: it is that of `make demo`, so that no linter has to be installed."""
    python = str(here[CORES[version]])
    name = output_of(python, "dev/environment.py", "name", version, cwd=CHECKOUT).strip()
    output_of(python, "dev/environment.py", "demo", version, cwd=CHECKOUT)
    export = CHECKOUT / ".build" / name / "ansible_collections" / "relaunch" / "controller"
    output_of(python, "dev/export.py", str(export), cwd=CHECKOUT)
    place = CHECKOUT / ".venv" / name / "bin"
    supported = output_of(str(place / "python"), "-c", SUPPORTED_PYTHONS).split()
    return Core(version, place, export, frozenset(supported) & here.keys())


def interpreters() -> dict[str, Path]:
    """The Pythons of this machine, by version."""
    provide_interpreters(HOME / "bin")
    found = {python: HOME / "bin" / f"python{python}" for python in PYTHONS}
    return {python: path.resolve() for python, path in found.items() if path.exists()}


def told(outcome: bool | None) -> str:
    return "-" if outcome is None else "ok" if outcome else "FAILED"


def table(rows: dict[str, dict[str, bool | None]]) -> str:
    """What became of every cell."""
    lines = [f"{'ansible-core':14}{'on':7}" + "".join(f"{column:8}" for column in (SANITY, *PYTHONS))]
    for version, cells in rows.items():
        outcomes = "".join(f"{told(cells.get(column)):8}" for column in (SANITY, *PYTHONS))
        lines.append(f"{version:14}{CORES[version]:7}{outcomes}")
    return "\n".join(line.rstrip() for line in lines)


def chosen(words: list[str]) -> tuple[list[str], list[str]]:
    """The cores and the columns that the words name; all where they name none."""
    cores = [version for version in CORES if any(version == word or version.startswith(f"{word}.") for word in words)]
    columns = [column for column in (SANITY, *PYTHONS) if column in words]
    unknown = [
        word for word in words if word not in columns and not any(f"{core}.".startswith(f"{word}.") for core in cores)
    ]
    if unknown:
        raise SystemExit(f"Not in the matrix: {', '.join(unknown)}. It has {', '.join([*CORES, SANITY, *PYTHONS])}.")
    return cores or list(CORES), columns or [SANITY, *PYTHONS]


def main() -> int:
    # Where a shell has started it in the background, it and all that it starts would ignore an interrupt, and tests of
    # what an interrupt does would fail.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cores, columns = chosen(sys.argv[1:])
    here = interpreters()
    if missing := [python for python in PYTHONS if python not in here]:
        print(f"not on this machine: Python {', '.join(missing)}")
    rows: dict[str, dict[str, bool | None]] = {}
    for version in cores:
        if CORES[version] not in here:
            print(colour(f"- {version:9} is left out: it needs Python {CORES[version]} here", 33))
            continue
        core = prepare(version, here)
        rows[version] = {}
        for column in (column for column in core.columns if column in columns):
            start = time.monotonic()
            done = core.run(column)
            rows[version][column] = done.returncode == 0
            what = SANITY if column == SANITY else f"units on {column}"
            line = f"{version:9} {what:14} {time.monotonic() - start:6.1f} s"
            if done.returncode:
                print(f"{colour(f'✗ {line}  FAILED', 31)}\n{done.stdout}", flush=True)
            else:
                print(f"{colour('✓', 32)} {line}", flush=True)
    print(f"\n{table(rows)}")
    return 0 if rows and all(all(row.values()) for row in rows.values()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
