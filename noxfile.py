# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors

# /// script
# dependencies = ["nox==2026.10.20", "antsibull-nox==1.10.0"]
# ///

"""The checks and tests as nox sessions; antsibull-nox.toml adds lint, docs-check and their like.

`make` calls them with pinned versions and the options that make them quick. Another ansible-core: ANSIBLE_CORE=2.16.19.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import typing as t
import zipfile
from pathlib import Path

import antsibull_nox
import nox
from antsibull_nox.sessions import prepare_collections

CHECKOUT = Path(__file__).resolve().parent
PINS = CHECKOUT / "requirements-dev.txt"
CORE = os.environ.get("ANSIBLE_CORE", "")

# What the sandbox needs, what the tests need besides, and what the documentation is made with.
SANDBOX = ("ansible-core", "ansible-runner", "flask", "requests")
TESTS = ("ansible-builder", "ansible-navigator", "coverage", "pytest", "pytest-xdist")
DOCS = ("antsibull-changelog", "antsibull-docs", "sphinx", "sphinx-ansible-theme")

# Environments are reused for as long as all that they are made of stays the same; they do not survive a move either.
MADE_OF = (sys.version, str(CHECKOUT), CORE, SANDBOX, TESTS, DOCS, PINS.read_text())
ENVIRONMENTS = f".nox/{sys.version_info.minor}-{hashlib.sha256(repr(MADE_OF).encode()).hexdigest()[:8]}"
BIN = CHECKOUT / ENVIRONMENTS / "tools" / "bin"
COLLECTIONS = CHECKOUT / ENVIRONMENTS / "tools" / "collection-root"
COLLECTION = COLLECTIONS / "ansible_collections" / "relaunch" / "controller"
OUTPUT = CHECKOUT / ".nox" / "output"

# The newest release of each ansible-core, and the Python that it runs on here. Together they use all Pythons.
CORES = {
    "2.16": ("2.16.19", "3.11"),
    "2.17": ("2.17.14", "3.11"),
    "2.18": ("2.18.19", "3.11"),
    "2.19": ("2.19.14", "3.11"),
    "2.20": ("2.20.10", "3.12"),
    "2.21": ("2.21.5", "3.13"),
}
# Whose branches the unit tests cover to the last.
COVERED = ("_work/*", "_launch/launch", "_workflow/remaining_nodes")

# What no check must see of its caller: settings of Ansible, and of a real controller above all; what a git hook knows
# about its repository; modules from elsewhere.
HIDDEN = re.compile(r"(AAP|ANSIBLE(?!_CORE$)|CONTROLLER|GATEWAY|TOWER)_.*|GIT_(DIR|INDEX_FILE|WORK_TREE)|PYTHONPATH")
for name in filter(HIDDEN.fullmatch, list(os.environ)):
    del os.environ[name]
# What tools leave behind stays here. Settings are still those of the caller's home, which may be empty or read-only.
SETTINGS = {"PIP_CONFIG_FILE": ".config/pip/pip.conf", "GIT_CONFIG_GLOBAL": ".gitconfig", "PYENV_ROOT": ".pyenv"}
for name, path in SETTINGS.items():
    if Path.home().joinpath(path).exists():
        os.environ.setdefault(name, str(Path.home() / path))
os.environ["HOME"] = str(CHECKOUT / ".nox" / "home")


def provide_interpreters(folder: Path) -> str:
    """A PATH on which each pythonX.Y is a real one: pyenv's shims exist for versions that they then refuse to run."""
    places = [place for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(place).name != "shims"]
    installed = Path(os.environ.get("PYENV_ROOT", folder)).glob("versions/3.*/bin")
    search = os.pathsep.join([*places, *map(str, installed)])
    folder.mkdir(parents=True, exist_ok=True)
    for minor in range(9, 30):
        link = folder / f"python3.{minor}"
        found = shutil.which(link.name, path=search)
        if found and not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.realpath(found))
    return os.pathsep.join([str(folder), *(place for place in places if place != str(folder))])


os.environ["PATH"] = provide_interpreters(CHECKOUT / ".nox" / "home" / "bin")

nox.options.envdir = ENVIRONMENTS
nox.options.reuse_venv = "yes"
nox.options.allow_parallel = True
nox.options.download_python = "never"

antsibull_nox.load_antsibull_nox_toml()


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


@nox.session(default=False)
def tools(session: nox.Session) -> None:
    """What the tests need: an environment, and a copy of the collection where Ansible finds it."""
    install(session, *SANDBOX, *TESTS, *DOCS)
    copy_collection(session)


Session = t.Callable[[nox.Session], None]


def with_tools(function: Session) -> Session:
    """Make it a session that runs in the environment of `tools`."""
    name = function.__name__.replace("_", "-")
    return nox.session(python=False, requires=["tools"], name=name, default=False)(function)


def run(session: nox.Session, *command: str | Path, cwd: Path = COLLECTION) -> None:
    """Run one of the tools, in the copy of the collection if nothing else is said."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    with session.chdir(cwd):
        environ = {"PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
        session.run(str(BIN / command[0]), *map(str, command[1:]), env=environ, external=True)


SUITES = {
    "unit": ("tests/unit", "Unit tests."),
    "sandbox-test": ("tests/sandbox/tests", "Tests of the sandbox."),
    "docs-test": ("tests/docs", "The examples and messages of the documentation, tried out."),
    "fault-test": ("tests/faults", "A short fault campaign, a wait through an outage, and the tests of their judge."),
    "bench-test": ("tests/benchmark", "A round of the benchmark, and what a relaunch costs in requests."),
    "end-to-end": ("tests/end_to_end", "Real playbooks against the sandbox."),
}


def add_tests(name: str, about: str, *folders: str) -> None:
    """A session for tests. Most of them wait for processes, so that more run at a time than there are processors."""

    def tests(session: nox.Session) -> None:
        run(session, "pytest", "-n", "4", "--dist", "loadscope", *folders, *session.posargs)

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
    sources, pages = OUTPUT / "rst", OUTPUT / "html"
    for folder in (sources, pages):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o755)  # antsibull-docs wants a folder that nobody else may write to
    # Squashed, since a site for one collection needs no folders for others.
    words = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    run(session, "antsibull-docs", "collection", *words, "--dest-dir", sources, "relaunch.controller")
    # antsibull-docs takes the guides, and leaves their pictures.
    shutil.copytree(COLLECTION / "docs/docsite/images", sources / "docsite/images")
    words = ["-b", "html", "-c", str(CHECKOUT / "dev/pages"), "--fail-on-warning", "--keep-going", "-q"]
    run(session, "sphinx-build", *words, sources, pages)


@with_tools
def sanity(session: nox.Session) -> None:
    """ansible-test sanity."""
    run(session, "python", CHECKOUT / "dev/ansible_test.py", "sanity", *session.posargs)


@with_tools
def units(session: nox.Session) -> None:
    """The unit tests once more, through ansible-test, on each Python that is here."""
    run(session, "python", CHECKOUT / "dev/ansible_test.py", "units", "--venv", *session.posargs)


@with_tools
def integration(session: nox.Session) -> None:
    """ansible-test integration, against the sandbox or the controller of integration_config.yml."""
    run(session, "python", CHECKOUT / "dev/ansible_test.py", "integration", *session.posargs)


@nox.session(python=False, name="release-check", requires=["build-import-check"], default=False)
def release_check(session: nox.Session) -> None:
    """Whether what build-import-check has built could be released: files, version, and no fault that Galaxy finds."""
    built = CHECKOUT / ENVIRONMENTS / "build-import-check"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    environ = {"PATH": f"{built / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    words = ["dev/release.py", str(built / "tmp/collection"), str(OUTPUT)]
    session.run(str(built / "bin/python"), *words, env=environ, external=True)


def add_matrix(core: str, version: str, python: str) -> None:
    """A session for an ansible-core."""

    def matrix(session: nox.Session) -> None:
        session.install(f"ansible-core=={version}")
        with session.chdir(copy_collection(session)):
            for words in (["sanity"], ["units", "--venv"]):
                session.run("python", str(CHECKOUT / "dev/ansible_test.py"), *words, *session.posargs)

    matrix.__doc__ = f"Sanity tests of ansible-core {version}, and unit tests on each Python that it supports."
    nox.session(name=f"matrix-{core}", python=python, tags=["matrix"], default=False)(matrix)


for core, (version, python) in CORES.items():
    add_matrix(core, version, python)


@nox.session(name="matrix-requests", tags=["matrix"], default=False)
def matrix_requests(session: nox.Session) -> None:
    """Unit tests with the oldest requests that is supported."""
    install(session, "ansible-core", "pytest")
    session.install("requests==2.25.1", "urllib3<2")
    with session.chdir(copy_collection(session)):
        session.run("pytest", "tests/unit", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """See it work: a failed job relaunched, and a failed workflow resumed."""
    install(session, *SANDBOX)
    place = copy_collection(session)
    session.run("python", "dev/demo.py", env={"ANSIBLE_COLLECTIONS_PATH": str(place.parents[2])}, log=False)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """200 scenarios with a controller that misbehaves, 50 of many jobs, or: make faults ARGS="--truth 200"."""
    install(session, *SANDBOX)
    session.run("python", str(copy_collection(session) / "tests/faults"), *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """How long a relaunch takes, beside uri and awx.awx; an hour, or: make bench ARGS="--case one"."""
    install(session, *SANDBOX, "matplotlib")
    # The release of the package `ansible` that has awx.awx 24.6.1.
    release, awx = "ansible==13.8.0", OUTPUT / "awx-of-ansible-13.8.0"
    if not awx.exists():
        scratch = Path(session.create_tmp())
        session.run("pip", "download", "--quiet", "--no-deps", "--python-version=3.12", "--dest", str(scratch), release)
        with zipfile.ZipFile(next(scratch.glob("ansible-*.whl"))) as wheel:
            names = [name for name in wheel.namelist() if name.startswith("ansible_collections/awx/awx/")]
            wheel.extractall(awx, names)
    where = ["--awx", str(awx), "--output", str(OUTPUT / "bench")]
    session.run("python", str(copy_collection(session) / "tests/benchmark"), *where, *session.posargs)


if __name__ == "__main__":
    nox.main()
