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
def brought_about(sandbox: Sandbox) -> dict[str, dict[str, int]]:
    """The ids of the situations that have been brought about, by the prefix of their recordings."""
    # Between the tests, too, new jobs are only looked at.
    sandbox.settings(max_running=0)
    return {}


@pytest.fixture(scope="module")
def all_tokens(sandbox: Sandbox, tokens: dict[str, str]) -> dict[str, str]:
    """Those that are no longer valid, too."""
    revoked, expired = sandbox.token("alice"), sandbox.token("alice")
    sandbox.revoke_tokens(revoked)
    sandbox.expire_tokens(expired)
    return {**tokens, "alice-revoked": revoked, "alice-expired": expired}


def _brought_about(sandbox: Sandbox, known: dict[str, dict[str, int]], name: str) -> dict[str, int]:
    prefix = next(prefix for prefix in moved.MOVED if name.startswith(prefix))
    if prefix not in known:
        known[prefix] = moved.bring_about(sandbox, prefix)
    return known[prefix]


@pytest.mark.parametrize("name", _CASES)
def test_answers_as_recorded(
    name: str, sandbox: Sandbox, brought_about: dict[str, dict[str, int]], all_tokens: dict[str, str]
) -> None:
    ids = _brought_about(sandbox, brought_about, name)
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


@pytest.mark.parametrize("name", [name for name in _CASES if name.startswith("own-job-") and "detail" not in name])
def test_a_job_is_told_of_itself_what_was_recorded(
    name: str, sandbox: Sandbox, brought_about: dict[str, dict[str, int]], tokens: dict[str, str]
) -> None:
    ids = _brought_about(sandbox, brought_about, name)
    given = ask(sandbox, _CASES[name]["request"], ids, tokens).body
    for own, recorded in zip(given["results"], _CASES[name]["response"]["body"]["results"], strict=True):
        told, expected = own["event_data"]["res"]["msg"], recorded["event_data"]["res"]["msg"]
        assert {key: type(value) for key, value in told.items()} == {
            key: type(value) for key, value in expected.items()
        }
        for key in {"awx_job_launch_type", "awx_workflow_job_launch_type", "awx_user_name", "AWX_HOST"} & set(expected):
            assert told[key] == expected[key]
        assert {told.get("JOB_ID"), told.get("awx_job_id")} & {own["job"], str(own["job"])}
