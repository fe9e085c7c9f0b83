# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python tests/benchmark`: measure job_relaunch beside what people use today; a table, and a picture."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Has awx.awx 24.6.1.
ANSIBLE = "13.8.0"


def main() -> int:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        prog="benchmark", description="How long a relaunch takes, beside what people use today."
    )
    parser.add_argument("--awx", type=Path, help="where ansible_collections/awx/awx is; without, it is fetched")
    parser.add_argument("--output", type=Path, required=True, help="its folder bench gets the table and picture")
    parser.add_argument(
        "--case", action="append", help="only this one, and others so named: one, loop, short, long, many"
    )
    parser.add_argument("--rounds", type=int, help="of each case, in place of its own number")
    options = parser.parse_args()

    # This folder's modules are those of the package, and must not be found under their bare names.
    sys.path[:] = [str(HERE.parent), *(path for path in sys.path if Path(path or ".").resolve() != HERE)]
    from benchmark import cases, plot, report

    chosen = [case for case in cases.CASES if case.key in (options.case or [case.key])]
    if not chosen:
        parser.error("there is no such case")
    awx = options.awx or _fetch_awx(options.output)
    manifest = awx / "ansible_collections" / "awx" / "awx" / "MANIFEST.json"
    version = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    collections = os.pathsep.join([str(HERE.parents[4]), str(awx.resolve())])
    results: report.Results = {}
    for case in chosen:
        for condition in cases.conditions(case):
            results[case, condition] = cases.measure(
                case, condition, case.contenders, collections, options.rounds or case.rounds, _tell
            )
    _tell("")
    output = options.output / "bench"
    output.mkdir(parents=True, exist_ok=True)
    text = report.text(results, version)
    (output / "benchmark.md").write_text(text, encoding="utf-8")
    drawn = plot.draw(results, output)
    print(text)
    print("\n".join(map(str, drawn)))
    return 0


def _fetch_awx(folder: Path) -> Path:
    """The collection awx.awx 24.6.1, out of the release of the package `ansible` that has it; kept in this folder."""
    awx = folder / f"awx-of-ansible-{ANSIBLE}"
    if not awx.exists():
        with tempfile.TemporaryDirectory() as scratch:
            words = ["--quiet", "--no-deps", "--python-version=3.12", "--dest", scratch, f"ansible=={ANSIBLE}"]
            subprocess.run([sys.executable, "-m", "pip", "download", *words], check=True)
            with zipfile.ZipFile(next(Path(scratch).glob("ansible-*.whl"))) as wheel:
                names = [name for name in wheel.namelist() if name.startswith("ansible_collections/awx/awx/")]
                wheel.extractall(awx, names)
    return awx


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    # Told to end, it stops its sandboxes as well.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
