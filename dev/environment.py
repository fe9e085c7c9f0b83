# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""The virtual environments: one for each pair of Python and ansible-core, made on demand.

`name` prints the environment's name; `demo`, `tools` and `bench` bring .venv/NAME up to date. A stamp holds a hash of
all that went in, so that nothing is installed twice and nothing is forgotten.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import re
import shutil
import sys
import tempfile
from pathlib import Path

from command import output_of

CHECKOUT = Path(__file__).resolve().parent.parent
REQUIREMENTS = CHECKOUT / "requirements-dev.txt"
BENCH_REQUIREMENTS = CHECKOUT / "requirements-bench.txt"
OLDEST_PYTHON = (3, 11)

# All that `make demo` needs; it should not wait for the linters.
DEMO = ("ansible-core", "ansible-runner", "flask", "requests")
CONTENTS = ("demo", "tools", "bench")

# A line of ours such as: ansible-core==2.19.14; python_version < "3.12"
PINNED_CORE = re.compile(r'^ansible-core==(?P<core>\S+?)(;\s*python_version (?P<side><|>=) "3\.(?P<minor>\d+)")?$')


def default_core() -> str:
    """The ansible-core that requirements-dev.txt gives this Python."""
    for line in REQUIREMENTS.read_text().splitlines():
        if match := PINNED_CORE.match(line.strip()):
            minor = int(match["minor"] or 0)
            if match["side"] is None or (match["side"] == "<") == (sys.version_info.minor < minor):
                return match["core"]
    raise SystemExit(f"{REQUIREMENTS.name} pins no ansible-core for this Python")


def name(core: str) -> str:
    """What the environment is called."""
    return f"py{sys.version_info.major}.{sys.version_info.minor}-core{core}"


def pins(core: str) -> str:
    """requirements-dev.txt with the ansible-core that was asked for."""
    others = [line for line in REQUIREMENTS.read_text().splitlines() if not PINNED_CORE.match(line.strip())]
    return "\n".join([*others, f"ansible-core=={core}", ""])


def stamp(core: str, content: str) -> str:
    """A hash of all that the environment is made of; of its place too, since it does not survive a move."""
    more = BENCH_REQUIREMENTS.read_text() if content == "bench" else ""
    made_of = "\n".join([sys.version, str(CHECKOUT), content, pins(core), more])
    return hashlib.sha256(made_of.encode()).hexdigest()


def install(core: str, content: str) -> None:
    """Make .venv/NAME hold what `content` asks for: `demo`, `bench` for a benchmark, or `tools` for everything else."""
    venv = CHECKOUT / ".venv" / name(core)
    (venv.parent / "home").mkdir(parents=True, exist_ok=True)  # see Makefile
    with (venv.parent / f"{venv.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = {kind for kind in CONTENTS if _read(venv / f".{kind}") == stamp(core, kind)}
        if content in done or (content == "demo" and done):
            return
        print(f"installing .venv/{venv.name} …", flush=True)
        if not done:
            shutil.rmtree(venv, ignore_errors=True)
            output_of(sys.executable, "-m", "venv", str(venv))
        with tempfile.TemporaryDirectory() as scratch:
            requirements = Path(scratch, "requirements.txt")
            requirements.write_text(pins(core))
            wanted = ["-r", str(requirements)] if content == "tools" else ["-c", str(requirements), *DEMO]
            if content == "bench":
                wanted += ["-r", str(BENCH_REQUIREMENTS)]
            output_of(str(venv / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", *wanted)
        (venv / f".{content}").write_text(stamp(core, content))


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def main() -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise SystemExit("Python 3.11 or newer is needed: make PYTHON=python3.12 …")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("name", *CONTENTS))
    parser.add_argument("core", nargs="?", help="a version of ansible-core; without it, requirements-dev.txt decides")
    arguments = parser.parse_args()
    core = arguments.core or default_core()
    if arguments.what == "name":
        print(name(core))
    else:
        install(core, arguments.what)


if __name__ == "__main__":
    main()
