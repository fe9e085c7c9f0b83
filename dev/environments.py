# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""The environments of the sessions, and the copy of the collection that they work on."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

import nox
from antsibull_nox.sessions import prepare_collections

CHECKOUT = Path(__file__).resolve().parents[1]
PINS = CHECKOUT / "requirements-dev.txt"
CORE = os.environ.get("ANSIBLE_CORE", "")

# What the sandbox needs, and what the tests and the documentation are made with besides.
SANDBOX = ("ansible-core", "ansible-runner", "flask", "requests")
TESTS = ("ansible-builder", "ansible-navigator", "coverage", "pytest", "pytest-xdist")
TOOLS = (*SANDBOX, *TESTS, "antsibull-changelog", "antsibull-docs", "sphinx", "sphinx-ansible-theme")

# Environments are reused for as long as all that they are made of stays the same; they do not survive a move either.
MADE_OF = (sys.version, str(CHECKOUT), CORE, TOOLS, PINS.read_text())
ENVIRONMENTS = f".nox/{sys.version_info.minor}-{hashlib.sha256(repr(MADE_OF).encode()).hexdigest()[:8]}"
BIN = CHECKOUT / ENVIRONMENTS / "tools" / "bin"
COLLECTIONS = CHECKOUT / ENVIRONMENTS / "tools" / "collection-root"
COLLECTION = COLLECTIONS / "ansible_collections" / "relaunch" / "controller"
OUTPUT = CHECKOUT / ".nox" / "output"
# Each session copies the collection anew. What Python has compiled of it is kept, since the copy has the same times.
COMPILED = {"PYTHONPYCACHEPREFIX": str(CHECKOUT / ENVIRONMENTS / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}


def install(session: nox.Session, *packages: str) -> None:
    """Install these in the versions of requirements-dev.txt, with the ansible-core that was asked for."""
    constraints = Path(session.create_tmp(), "constraints.txt")
    core = f"ansible-core=={CORE}" if CORE else r"\g<0>"
    constraints.write_text(re.sub(r"^ansible-core==.*$", core, PINS.read_text(), flags=re.MULTILINE))
    session.install("-c", str(constraints), *packages)


def copy_collection(session: nox.Session) -> Path:
    """Copy what git does not ignore to …/ansible_collections/relaunch/controller; ansible-test works nowhere else."""
    copied = prepare_collections(session, install_in_site_packages=False)
    assert copied is not None  # only without a virtual environment
    # ansible-test asks the nearest repository for files, and the checkout's ignores this folder.
    for words in (["init", "--quiet"], ["add", "--all", "--force"]):
        session.run("git", "-C", str(copied.current_path), *words, external=True, log=False)
    return copied.current_path


def run(session: nox.Session, *command: str | Path, cwd: Path = COLLECTION) -> None:
    """Run one of the tools, in the copy of the collection if nothing else is said."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    with session.chdir(cwd):
        environ = {"PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), **COMPILED}
        session.run(str(BIN / command[0]), *map(str, command[1:]), env=environ, external=True)
