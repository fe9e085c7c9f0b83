# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors

# /// script
# dependencies = ["nox==2026.10.20", "antsibull-nox==1.10.0"]
# ///

"""The checks and tests as nox sessions; antsibull-nox.toml adds lint, docs-check and their like.

`make` calls them with pinned versions and the options that make them quick. Another ansible-core: ANSIBLE_CORE=2.16.19.
"""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import antsibull_nox
import nox

CHECKOUT = Path(__file__).resolve().parent
sys.path.insert(0, str(CHECKOUT))  # the command `nox` does not look there

from dev import machine, matrix
from dev.environments import ENVIRONMENTS, OUTPUT, SANDBOX, TOOLS, copy_collection, install, run

# Whose branches the unit tests cover.
COVERED = ("_work/*", "_launch/launch", "_workflow/remaining_nodes")

nox.options.envdir = ENVIRONMENTS
nox.options.reuse_venv = "yes"
nox.options.allow_parallel = True
nox.options.download_python = "never"

machine.prepare(CHECKOUT / ".nox" / "home")
antsibull_nox.load_antsibull_nox_toml()
matrix.add_sessions()


@nox.session(default=False)
def tools(session: nox.Session) -> None:
    """What the tests need: an environment, and a copy of the collection where Ansible finds it."""
    install(session, *TOOLS)
    copy_collection(session)


def with_tools(function: t.Callable[[nox.Session], None]) -> t.Callable[[nox.Session], None]:
    """Make it a session that runs in the environment of `tools`."""
    name = function.__name__.replace("_", "-")
    return nox.session(python=False, requires=["tools"], name=name, default=False)(function)


# Together they run in this order: what takes long comes first, so that it is not left alone at the end.
SUITES = {
    "end-to-end": ("tests/end_to_end", "Real playbooks against the sandbox."),
    "fault-test": ("tests/faults", "A short fault campaign, a wait through an outage, and the tests of their judge."),
    "bench-test": ("tests/benchmark", "A round of the benchmark, and what a relaunch costs in requests."),
    "docs-test": ("tests/docs", "The examples and messages of the documentation, tried out."),
    "sandbox-test": ("tests/sandbox/tests", "Tests of the sandbox."),
    "unit": ("tests/unit", "Unit tests."),
}


def add_tests(name: str, about: str, *folders: str) -> None:
    """A session for tests. Most of them wait for processes, so that more run at a time than there are processors."""
    workers = "-n4" if name == "unit" else "-n5"

    def tests(session: nox.Session) -> None:
        run(session, "pytest", workers, "--dist=loadscope", "--no-loadscope-reorder", *folders, *session.posargs)

    tests.__name__, tests.__doc__ = name, about
    with_tools(tests)


for suite, (folder, about) in SUITES.items():
    add_tests(suite, about, folder)
add_tests("tests", "All of these tests together.", *(folder for folder, _about in SUITES.values()))


@with_tools
def coverage(session: nox.Session) -> None:
    """What the unit tests cover: all branches of what decides and launches."""
    run(session, "coverage", "run", "-m", "pytest", "tests/unit", *session.posargs)
    run(session, "coverage", "report", "--skip-covered", "--show-missing")
    run(session, "coverage", "report", "--fail-under=100", "--include=" + ",".join(f"*/{name}.py" for name in COVERED))


@with_tools
def changelog(session: nox.Session) -> None:
    """The changelog and its fragments."""
    run(session, "antsibull-changelog", "lint")


@with_tools
def docs(session: nox.Session) -> None:
    """The documentation as HTML pages, made without a network; a warning fails it."""
    run(session, "python", CHECKOUT / "dev/pages/make.py", OUTPUT)


def add_ansible_test(name: str, about: str, *arguments: str) -> None:
    """A session that runs one of ansible-test's commands without a container engine."""

    def ansible_test(session: nox.Session) -> None:
        run(session, "python", CHECKOUT / "dev/ansible_test.py", name, *arguments, *session.posargs)

    ansible_test.__name__, ansible_test.__doc__ = name, about
    with_tools(ansible_test)


add_ansible_test("sanity", "ansible-test sanity.")
add_ansible_test("units", "The unit tests once more, through ansible-test, on each Python that is here.", "--venv")
add_ansible_test("integration", "Integration tests, on a sandbox or the controller of integration_config.yml.")


@nox.session(python=False, name="release-check", requires=["build-import-check"], default=False)
def release_check(session: nox.Session) -> None:
    """Whether what build-import-check has built could be released: files, version, and no fault that Galaxy finds."""
    built = CHECKOUT / ENVIRONMENTS / "build-import-check"
    environ = {"PATH": f"{built / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    words = [str(built / "bin/python"), "dev/release.py", str(built / "tmp/collection"), str(OUTPUT)]
    session.run(*words, env=environ, external=True)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """See it work: a failed job relaunched, and a failed workflow resumed."""
    install(session, *SANDBOX)
    session.run("python", "dev/demo.py", log=False)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """200 scenarios with a controller that misbehaves, 50 of many jobs, or: make faults ARGS="--truth 200"."""
    install(session, *SANDBOX)
    session.run("python", str(copy_collection(session) / "tests/faults"), *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """How long a relaunch takes, beside uri and awx.awx; an hour, or: make bench ARGS="--case one"."""
    install(session, *SANDBOX, "matplotlib")
    session.run("python", str(copy_collection(session) / "tests/benchmark"), "--output", str(OUTPUT), *session.posargs)


if __name__ == "__main__":
    nox.main()
