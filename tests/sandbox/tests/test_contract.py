# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every recorded answer of a real controller, and the sandbox's answer to the same request in the same situation."""

from __future__ import annotations

import typing as t

import pytest

from sandbox.process import Sandbox
from sandbox.tests import prompted
from sandbox.tests.comparison import Comparison, ask, cases, filled
from sandbox.tests.moved import MOVED
from sandbox.tests.situations import Situations

# Those about workflows, and about a world that moves, have situations and tests of their own.
_CASES = {name: case for name, case in cases("").items() if not name.startswith(("wf-", *MOVED))}

_SETTINGS: dict[str, dict[str, t.Any]] = {
    "get-basic-disabled": {"basic_enabled": False},
    "get-basic-disabled-bearer": {"basic_enabled": False},
    "post-basic-disabled": {"basic_enabled": False},
    "lag-get": {"lag_hides_counts": True},
}

# The recordings' order of events: a slice's and a workflow's status was read while it ran.
_VALUE_DIFFERS = {
    "find-activity": {"status", "failed"},
    "find-by-label": {"count"},
    "find-credentials": {"count", "inputs"},
    "find-newer-success": {"count"},
    "find-window": {"count"},
    "find-window-reader": {"count"},
    "jobs-list-by-template": {"count"},
    "slices-launch-detail": {"status", "failed", "finished", "job_explanation"},
    "slices-job-get": {"retry_counts"},
    "slices-job-post-failed": {"job_slice_number"},
}


@pytest.fixture(scope="module")
def situations(sandbox: Sandbox) -> Situations:
    made = Situations(sandbox)
    made.ids.update(prompted.bring_about(sandbox))
    return made


@pytest.mark.parametrize("name", _CASES)
def test_answers_as_recorded(name: str, sandbox: Sandbox, situations: Situations, tokens: dict[str, str]) -> None:
    case = _CASES[name]
    recorded = case["response"]
    sandbox.settings(**_SETTINGS.get(name, {}))
    if name == "slices-workflow-post-count-changed":
        template = sandbox.request("GET", f"/workflow_jobs/{situations.ids['sliced']}/").body["job_template"]
        sandbox.change_template(template, job_slice_count=3)
    answer = ask(sandbox, case["request"], situations.ids, tokens)
    if name == "slices-workflow-post-count-changed":
        sandbox.change_template(template, job_slice_count=2)
    assert answer.status == recorded["status"], answer.body
    assert answer.headers.get("Content-Type") == recorded["content_type"]
    expected = recorded["location"]
    if expected is not None:
        ids = {**situations.ids, "id": answer.body["id"] if isinstance(answer.body, dict) else 0}
        assert answer.headers["Location"] == expected.format(**ids)
    if recorded["body"] is not None and case["request"]["method"] != "HEAD":
        same = Comparison(exact_text=recorded["status"] >= 400, may_differ=_VALUE_DIFFERS.get(name, set()))
        same.compare(filled(recorded["body"], situations.ids), answer.body, "body")
        assert same.differences == []
