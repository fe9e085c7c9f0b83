# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation says, taken at its word: a sandbox to run it against."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

# Found through the line above, outside of an export as well.
from docs.tools import BIN, COLLECTIONS, Run  # noqa: E402

from sandbox.process import Sandbox  # noqa: E402

# That the first job of this failed is made up, and so are all others: they end as data.
PATCH = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Patch
      ansible.builtin.debug:
"""
HOSTS = ("web1", "web2", "web3")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), event_lag=0.1) as running:
        yield running


@pytest.fixture(scope="session")
def template(sandbox: Sandbox) -> int:
    """The template of the guides."""
    hosts: dict[str, dict[str, t.Any]] = {name: {} for name in HOSTS}
    asks = ["limit", "extra_vars"]
    made = sandbox.add_template("Patch web servers", PATCH, hosts=hosts, organization="Web", outcomes={}, asks=asks)
    return int(made["id"])


@pytest.fixture
def failed_job(sandbox: Sandbox, template: int) -> int:
    """A job that failed on two hosts of three: job 42 of the guides."""
    hosts = {"web1": "ok", "web2": "failed", "web3": "failed"}
    job = sandbox.make_job(template=template, hosts=hosts, status="failed")
    sandbox.clear_log()
    return job


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment that holds nothing of whoever runs the tests."""
    return {
        "PATH": os.pathsep.join([str(BIN), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(tmp_path_factory.mktemp("home")),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Run one of the installed tools; it has to succeed."""

    def run(tool: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        if not (BIN / tool).exists():
            pytest.skip(f"{tool} is not installed")
        done = subprocess.run(
            [str(BIN / tool), *arguments],
            cwd=tmp_path,
            env={**environment, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run
