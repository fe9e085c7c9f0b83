# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every recorded answer about a world that moves, and the sandbox's answer to the same request."""

from __future__ import annotations

import pytest

from sandbox.process import Sandbox
from sandbox.tests import moved
from sandbox.tests.comparison import Comparison, ask, cases, filled

_CASES = cases(*moved.MOVED)

# What other situations of the same sandbox change about the answer.
_MAY_DIFFER = {
    "never-began-list-filter": {"status"},
    "updates-project-of": {"count"},
    "updates-project-list": {"count", "status"},
    "updates-inventory-list": {"count", "status", "inventory_sources_with_failures"},
}


@pytest.fixture(scope="module")
def brought_about() -> dict[str, dict[str, int]]:
    """The ids of the situations that have been brought about, by the prefix of their recordings."""
    return {}


@pytest.fixture(scope="module")
def all_tokens(sandbox: Sandbox, tokens: dict[str, str]) -> dict[str, str]:
    """Those that are no longer valid, too."""
    revoked, expired = sandbox.token("alice"), sandbox.token("alice")
    sandbox.revoke_tokens(revoked)
    sandbox.expire_tokens(expired)
    return {**tokens, "alice-revoked": revoked, "alice-expired": expired}


@pytest.mark.parametrize("name", _CASES)
def test_answers_as_recorded(
    name: str, sandbox: Sandbox, brought_about: dict[str, dict[str, int]], all_tokens: dict[str, str]
) -> None:
    prefix = next(prefix for prefix in moved.MOVED if name.startswith(prefix))
    if prefix not in brought_about:
        brought_about[prefix] = moved.bring_about(sandbox, prefix)
    sandbox.settings(max_running=0)
    ids = brought_about[prefix]
    request, recorded = _CASES[name]["request"], _CASES[name]["response"]
    answer = ask(sandbox, request, ids, all_tokens)
    assert answer.status == recorded["status"], answer.body
    assert answer.headers.get("Content-Type") == recorded["content_type"]
    if recorded["location"] is not None:
        assert answer.headers["Location"] == recorded["location"].format(id=answer.body["id"])
    if recorded["body"] is not None:
        same = Comparison(exact_text=recorded["status"] >= 400, may_differ=_MAY_DIFFER.get(name, ()))
        same.compare(filled(recorded["body"], ids), answer.body, "body")
        assert same.differences == []
