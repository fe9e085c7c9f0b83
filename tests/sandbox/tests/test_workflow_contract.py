# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every answer about workflows that was recorded, and the sandbox's answer to the same request."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from sandbox.process import Sandbox
from sandbox.tests.workflow_situations import WorkflowSituations

_FOLDER = pathlib.Path(__file__).resolve().parents[1] / "contract"
_CASES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("wf-*.json"))}

# Whose content is the playbook's, the run's or the sandbox's own; their type alone is compared.
_OPEN = {"job_env", "artifacts", "extra_data", "host_status_counts"}
# What the situation, not the controller, decides whether it is null.
_NULLABLE = {"modified", "started"}
# Fields whose very values follow from the situation.
_EXACT = {
    "type",
    "status",
    "failed",
    "launch_type",
    "event_processing_finished",
    "passwords_needed_to_start",
    "job_slice_count",
    "job_slice_number",
    "allow_simultaneous",
    "is_sliced_job",
    "job_explanation",
    "count",
    "user_capabilities",
    "unified_job_type",
    "all_parents_must_converge",
    "do_not_run",
    "identifier",
    "ignored_fields",
    "last_job_failed",
    "variables_needed_to_start",
}
# What comes back as it was given.
_GIVEN = {"extra_data", "limit", "name", "description", "timeout"}


@pytest.fixture(scope="module")
def situations(sandbox: Sandbox) -> WorkflowSituations:
    return WorkflowSituations(sandbox)


@pytest.mark.parametrize("name", _CASES)
def test_answers_as_recorded(name: str, sandbox: Sandbox, situations: WorkflowSituations) -> None:
    request, recorded = _CASES[name]["request"], _CASES[name]["response"]
    body = _filled(request["body"], situations.ids) if "body" in request else None
    answer = sandbox.request(
        request["method"],
        _filled(request["path"], situations.ids),
        user=request["auth"].partition(":")[2],
        body=body,
        headers={"Accept": "application/json"},
    )
    assert answer.status == recorded["status"], answer.body
    assert answer.headers.get("Content-Type") == recorded["content_type"]
    if recorded["location"] is not None:
        assert answer.headers["Location"] == recorded["location"].format(id=answer.body["id"])
    if recorded["body"] is not None:
        comparison = _Comparison(exact_text=recorded["status"] >= 400)
        comparison.compare(recorded["body"], answer.body, "body")
        assert comparison.differences == []
        for given in _GIVEN & set(body or {}) if recorded["status"] < 300 else ():
            assert answer.body[given] == (body or {})[given]


def _filled(given: t.Any, ids: dict[str, int]) -> t.Any:
    """A recorded path or body with the ids of the situations; an id on its own in a body is a number."""
    if isinstance(given, dict):
        return {name: _filled(value, ids) for name, value in given.items()}
    if not isinstance(given, str):
        return given
    whole = re.fullmatch(r"\{(\w+)\}", given)
    return ids[whole[1]] if whole else re.sub(r"\{(\w+)\}", lambda name: str(ids[name[1]]), given)


class _Comparison:
    def __init__(self, *, exact_text: bool) -> None:
        self.differences: list[str] = []
        self._exact_text = exact_text

    def compare(self, recorded: t.Any, given: t.Any, where: str) -> None:
        """Note how an answer differs from the recorded one in keys, types, and the values that follow."""
        key = where.rpartition(".")[2]
        same = type(recorded) is type(given)
        if recorded is None or given is None:
            same = same or key in _NULLABLE
        elif same and isinstance(recorded, dict) and key not in _OPEN:
            if differing := set(recorded) ^ set(given):
                self.differences.append(f"{where}: keys {sorted(differing)}")
            for name in set(recorded) & set(given):
                self.compare(recorded[name], given[name], f"{where}.{name}")
        elif same and isinstance(recorded, list):
            same = bool(recorded) == bool(given) and (key != "results" or len(recorded) == len(given))
            for index, (one, other) in enumerate(zip(recorded, given, strict=False)):
                self.compare(one, other, f"{where}.{index}")
        elif same and isinstance(recorded, str) and self._exact_text:
            same = recorded == given
        if not same or (key in _EXACT and recorded != given):
            self.differences.append(f"{where}: {recorded!r} became {given!r}")
