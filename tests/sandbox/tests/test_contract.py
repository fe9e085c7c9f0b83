# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every recorded answer of a real controller, and the sandbox's answer to the same request in the same situation."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from sandbox.process import Response, Sandbox
from sandbox.tests import prompted
from sandbox.tests.situations import Situations

_FOLDER = pathlib.Path(__file__).resolve().parents[1] / "contract"
_CASES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(_FOLDER.glob("*.json"))
    # Those about workflows have their own situations, and a test of their own.
    if not path.stem.startswith("wf-")
}

_SETTINGS: dict[str, dict[str, t.Any]] = {
    "get-basic-disabled": {"basic_enabled": False},
    "get-basic-disabled-bearer": {"basic_enabled": False},
    "post-basic-disabled": {"basic_enabled": False},
    "lag-get": {"lag_hides_counts": True},
}

# What a prompted inventory counts at the moment, and ids.
_COUNTED = {"id", "has_active_failures", "hosts_with_active_failures", "organization_id"}

# Whose content is the playbook's, the run's or the sandbox's own; their type alone is compared.
_OPEN = {"job_env", "artifacts", "res"}
_OPEN |= {"changed", "dark", "failures", "ok", "processed", "skipped", "rescued", "ignored"}
# The recordings hold the events of a player, which has fewer of these than Ansible.
_GROWING = {"event_data"}
# What the situation, not the controller, decides whether it is null.
_NULLABLE = {"next", "previous", "last_login", "modified", "started", "playbook", "next_run"}
# Fields whose very values follow from the situation.
_EXACT = {
    "type",
    "status",
    "failed",
    "launch_type",
    "job_type",
    "event_processing_finished",
    "passwords_needed_to_start",
    "retry_counts",
    "can_cancel",
    "job_slice_count",
    "job_slice_number",
    "allow_simultaneous",
    "is_sliced_job",
    "event",
    "event_level",
    "event_display",
    "count",
    "user_capabilities",
    "unified_job_type",
    "scope",
}
# The recordings' order of events: a slice's and a workflow's status was read while it ran.
_VALUE_DIFFERS = {
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


@pytest.fixture(scope="module")
def tokens(sandbox: Sandbox) -> dict[str, str]:
    pairs = [(user, scope) for user in ("admin", "alice", "mallory") for scope in ("read", "write")]
    return {**{f"{user}-{scope}": sandbox.token(user, scope) for user, scope in pairs}, "literal": "no-such-token"}


def _ask(sandbox: Sandbox, request: dict[str, t.Any], ids: dict[str, int], tokens: dict[str, str]) -> Response:
    kind, _colon, who = request["auth"].partition(":")
    data = request.get("raw_body")
    return sandbox.request(
        request["method"],
        re.sub(r"\{(\w+)\}", lambda name: str(ids[name[1]]), request["path"]),
        user=who if kind == "basic" else None,
        token=tokens[who] if kind == "oauth2-bearer" else None,
        body=_filled(request.get("body"), ids),
        data=data.encode() if data is not None else None,
        headers={"Accept": "application/json", **request.get("headers", {})},
    )


def _filled(value: t.Any, ids: dict[str, int]) -> t.Any:
    """A body with the ids of this sandbox in place of their names."""
    if isinstance(value, dict):
        return {key: _filled(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, ids) for one in value]
    if isinstance(value, str) and value[:1] == "{" and value[1:-1] in ids:
        return ids[value[1:-1]]
    return re.sub(r"\{(\w+)\}", lambda name: str(ids.get(name[1], name[0])), value) if isinstance(value, str) else value


@pytest.mark.parametrize("name", _CASES)
def test_answers_as_recorded(name: str, sandbox: Sandbox, situations: Situations, tokens: dict[str, str]) -> None:
    case = _CASES[name]
    recorded = case["response"]
    sandbox.settings(**_SETTINGS.get(name, {}))
    if name == "slices-workflow-post-count-changed":
        template = sandbox.request("GET", f"/workflow_jobs/{situations.ids['sliced']}/").body["job_template"]
        sandbox.change_template(template, job_slice_count=3)
    answer = _ask(sandbox, case["request"], situations.ids, tokens)
    if name == "slices-workflow-post-count-changed":
        sandbox.change_template(template, job_slice_count=2)
    assert answer.status == recorded["status"], answer.body
    assert answer.headers.get("Content-Type") == recorded["content_type"]
    expected = recorded["location"]
    if expected is not None:
        ids = {**situations.ids, "id": answer.body["id"] if isinstance(answer.body, dict) else 0}
        assert answer.headers["Location"] == expected.format(**ids)
    if recorded["body"] is not None and case["request"]["method"] != "HEAD":
        same = _Comparison(name, exact_text=recorded["status"] >= 400)
        same.compare(_filled(recorded["body"], situations.ids), answer.body, "body")
        assert same.differences == []


class _Comparison:
    def __init__(self, name: str, *, exact_text: bool) -> None:
        self.differences: list[str] = []
        self._exact_text = exact_text
        self._may_differ = _VALUE_DIFFERS.get(name, set())

    def compare(self, recorded: t.Any, given: t.Any, where: str) -> None:
        """Note how an answer differs from the recorded one in keys, types, and the values that follow."""
        key = where.rpartition(".")[2]
        if key in self._may_differ:
            return
        if recorded is None or given is None:
            if (recorded is None) != (given is None) and key not in _NULLABLE:
                self.differences.append(f"{where}: {recorded!r} became {given!r}")
            return
        if type(recorded) is not type(given):
            self.differences.append(f"{where}: {recorded!r} became {given!r}")
        elif isinstance(recorded, dict):
            self._compare_keys(recorded, given, where, key)
        elif isinstance(recorded, list):
            if bool(recorded) != bool(given):
                self.differences.append(f"{where}: {recorded!r} became {given!r}")
            recorded, given = _in_order(recorded), _in_order(given)
            for index, one in enumerate(given if recorded else []):
                self.compare(recorded[min(index, len(recorded) - 1)], one, f"{where}.{index}")
        elif ".prompts" in where and not isinstance(recorded, (dict, list)) and key not in _COUNTED:
            if recorded != given:
                self.differences.append(f"{where}: {recorded!r} became {given!r}")
        elif self._exact_text and isinstance(recorded, str) and _sorted_names(recorded) != _sorted_names(given):
            self.differences.append(f"{where}: {recorded!r} became {given!r}")
        if key in _EXACT and recorded != given:
            self.differences.append(f"{where}: {recorded!r} became {given!r}")

    def _compare_keys(self, recorded: dict[str, t.Any], given: dict[str, t.Any], where: str, key: str) -> None:
        if key in _OPEN:
            return
        differing = set(recorded) ^ set(given)
        if key in _GROWING:
            differing = set(recorded) - set(given)
        if differing:
            self.differences.append(f"{where}: keys {sorted(differing)}")
        for name in set(recorded) & set(given):
            self.compare(recorded[name], given[name], f"{where}.{name}")


def _in_order(results: list[t.Any]) -> list[t.Any]:
    """Hosts in the order of their names: which of them is done first is chance."""
    by_host = all(isinstance(one, dict) and "host_name" in one for one in results)
    return sorted(results, key=lambda one: one["host_name"]) if by_host else results


def _sorted_names(sentence: str) -> str:
    start, colon, names = sentence.partition(": ")
    return f"{start}{colon}{', '.join(sorted(names.split(', ')))}"
