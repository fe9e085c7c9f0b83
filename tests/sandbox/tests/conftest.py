# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sandbox importable, and sandboxes that a whole module shares."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from sandbox.process import Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Sandbox]:
    """A sandbox without a lag, for a module."""
    with Sandbox(tmp_path_factory.mktemp("sandbox"), event_lag=0.0) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(sandbox: Sandbox) -> dict[str, str]:
    """Tokens of its users, by user and scope."""
    users = ("admin", "alice", "auditor", "mallory", "reader")
    pairs = [(user, scope) for user in users for scope in ("read", "write")]
    return {**{f"{user}-{scope}": sandbox.token(user, scope) for user, scope in pairs}, "literal": "no-such-token"}


@pytest.fixture(autouse=True)
def behaving(request: pytest.FixtureRequest) -> t.Iterator[None]:
    """Leave no misbehaviour and no setting behind."""
    shared = request.getfixturevalue("sandbox") if "sandbox" in request.fixturenames else None
    before = shared.settings() if shared else {}
    yield
    if shared:
        shared.behave()
        shared.settings(**before)
