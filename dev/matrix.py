# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Sessions without a container engine for each ansible-core; with one, antsibull-nox.toml has sessions for them."""

from __future__ import annotations

import nox

from dev.environments import CHECKOUT, copy_collection, install

# The newest release of each ansible-core, and the Python that it runs on here. Together they use all Pythons.
CORES = {
    "2.16": ("2.16.19", "3.11"),
    "2.17": ("2.17.14", "3.11"),
    "2.18": ("2.18.19", "3.11"),
    "2.19": ("2.19.14", "3.11"),
    "2.20": ("2.20.10", "3.12"),
    "2.21": ("2.21.5", "3.13"),
    # What its next release will be: the newest that is on the package index.
    "devel": ("2.22.0rc1", "3.13"),
}


def add_matrix(core: str, version: str, python: str) -> None:
    """A session for an ansible-core."""

    def matrix(session: nox.Session) -> None:
        session.install(f"ansible-core=={version}")
        with session.chdir(copy_collection(session)):
            for words in (["sanity"], ["units", "--venv"]):
                session.run("python", str(CHECKOUT / "dev/ansible_test.py"), *words, *session.posargs)

    matrix.__doc__ = f"Sanity tests of ansible-core {version}, and unit tests on each Python that it supports."
    nox.session(name=f"matrix-{core}", python=python, tags=["matrix"], default=False)(matrix)


def matrix_requests(session: nox.Session) -> None:
    """Unit tests with the oldest requests that is supported."""
    install(session, "ansible-core", "pytest")
    session.install("requests==2.25.1", "urllib3<2")
    with session.chdir(copy_collection(session)):
        session.run("pytest", "tests/unit", *session.posargs)


def add_sessions() -> None:
    """Add them all to nox."""
    for core, (version, python) in CORES.items():
        add_matrix(core, version, python)
    nox.session(name="matrix-requests", tags=["matrix"], default=False)(matrix_requests)
