# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which later jobs count as relaunches of the same work."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils import _equivalents
from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job

SOURCE = Job.of(job(42, extra_vars='{"a": 1, "b": [2]}', job_tags="x,y", limit="web"))


def later(**facts: t.Any) -> Job:
    same = {"launch_type": "relaunch", "extra_vars": '{"a": 1, "b": [2]}', "job_tags": "x,y"}
    return Job.of(job(**{"job_id": 43, **same, **facts}))


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"extra_vars": '{"b":[2],"a":1}'},
        {"extra_vars": "b:\n- 2\na: 1\n"},
        {"job_tags": "y, x"},
        {"limit": "other"},
        {"name": "The template has a new name"},
    ],
)
def test_the_same_work(facts: dict[str, t.Any]) -> None:
    assert _equivalents.same_work(SOURCE, later(**facts), None)


@pytest.mark.parametrize(
    "facts",
    [
        {"job_id": 42},
        {"job_id": 41},
        {"launch_type": "manual"},
        {"unified_job_template": 8},
        {"unified_job_template": None},
        {"inventory": 2},
        {"extra_vars": '{"a": 1, "b": [3]}'},
        {"extra_vars": "{}"},
        {"job_tags": "x"},
        {"skip_tags": "slow"},
        {"scm_branch": "next"},
        {"job_slice_number": 1},
        {"job_slice_count": 2},
        {"job_type": "check"},
    ],
)
def test_other_work(facts: dict[str, t.Any]) -> None:
    assert not _equivalents.same_work(SOURCE, later(**facts), None)


def test_a_job_type_asked_for_is_compared_in_place_of_the_sources() -> None:
    assert _equivalents.same_work(SOURCE, later(job_type="check"), "check")
    assert not _equivalents.same_work(SOURCE, later(), "check")


def test_orphans_have_their_name_in_common() -> None:
    orphan = Job.of({**SOURCE.facts, "unified_job_template": None})
    assert _equivalents.same_work(orphan, later(unified_job_template=None), None)
    assert not _equivalents.same_work(orphan, later(unified_job_template=None, name="Backup"), None)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("a,b,c", "a b c"), ("c, a,b", "a b c"), ("b", "b"), ("b,x", ""), ("", ""), ("web", "a b c"), ("w*", "")],
)
def test_covered_hosts(limit: str, expected: str) -> None:
    failed = frozenset("abc")
    assert _equivalents.covered(failed, SOURCE, later(limit=limit)) == frozenset(expected.split())


def test_variables_are_data() -> None:
    assert _equivalents.variables_of("") == _equivalents.variables_of("{}") == _equivalents.variables_of(None) == {}
    assert _equivalents.variables_of("---\na: {b: 1}") == _equivalents.variables_of('{"a": {"b": 1}}')
    assert _equivalents.variables_of("{no: [data") == "{no: [data"
