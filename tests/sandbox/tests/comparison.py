# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded requests asked again of a sandbox, and how its answers differ from the recorded ones."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

from sandbox.process import Response, Sandbox

_FOLDER = pathlib.Path(__file__).resolve().parents[1] / "contract"

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


def cases(*prefixes: str) -> dict[str, dict[str, t.Any]]:
    """The recordings whose names begin so, by their names."""
    paths = sorted(path for prefix in prefixes for path in _FOLDER.glob(f"{prefix}*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def ask(sandbox: Sandbox, request: dict[str, t.Any], ids: dict[str, int], tokens: dict[str, str]) -> Response:
    """The answer to a recorded request, with the ids and tokens of this sandbox."""
    kind, _colon, who = request["auth"].partition(":")
    data = request.get("raw_body")
    return sandbox.request(
        request["method"],
        re.sub(r"\{(\w+)\}", lambda name: str(ids[name[1]]), request["path"]),
        user=who if kind == "basic" else None,
        token=tokens[who] if kind == "oauth2-bearer" else None,
        body=filled(request.get("body"), ids),
        data=data.encode() if data is not None else None,
        headers={"Accept": "application/json", **request.get("headers", {})},
    )


def filled(value: t.Any, ids: dict[str, int]) -> t.Any:
    """A body with the ids of this sandbox in place of their names."""
    if isinstance(value, dict):
        return {key: filled(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, ids) for one in value]
    if isinstance(value, str) and value[:1] == "{" and value[1:-1] in ids:
        return ids[value[1:-1]]
    return re.sub(r"\{(\w+)\}", lambda name: str(ids.get(name[1], name[0])), value) if isinstance(value, str) else value


class Comparison:
    """Notes how answers differ from recorded ones."""

    def __init__(self, *, exact_text: bool, may_differ: t.Collection[str] = ()) -> None:
        self.differences: list[str] = []
        self._exact_text = exact_text
        self._may_differ = may_differ

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
