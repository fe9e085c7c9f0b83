# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ``changes``: as it is given, as it is sent, and as it is shown."""

from __future__ import annotations

import typing as t
from datetime import date, datetime, timezone

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._job.prediction import values_shown
from ansible_collections.relaunch.controller.plugins.module_utils._launch.changes import changes_of, variables_shown
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        (None, {}),
        ({}, {}),
        ({"extra_vars": {"a": {"b": [1]}, 2: None}}, {"extra_vars": {"a": {"b": [1]}, "2": None}}),
        # As Ansible hands them to a module.
        ({"extra_vars": {"a": date(2026, 11, 24)}}, {"extra_vars": {"a": "2026-11-24"}}),
        (
            {"extra_vars": {"a": datetime(2026, 11, 24, 14, tzinfo=timezone.utc)}},
            {"extra_vars": {"a": "2026-11-24T14:00:00+00:00"}},
        ),
        ({"verbosity": "3", "forks": 5, "timeout": 0}, {"verbosity": 3, "forks": 5, "timeout": 0}),
        ({"verbosity": "000000000003", "timeout": "00"}, {"verbosity": 3, "timeout": 0}),
        ({"job_tags": ["a", "b"], "skip_tags": ""}, {"job_tags": "a,b", "skip_tags": ""}),
        ({"credentials": 4, "labels": ["night", 6]}, {"credentials": [4], "labels": ["night", 6]}),
        ({"diff_mode": "yes"}, {"diff_mode": True}),
        ({"job_type": "check", "scm_branch": "dev"}, {"job_type": "check", "scm_branch": "dev"}),
        ({"inventory": "Web\n", "labels": [" night "]}, {"inventory": "Web", "labels": ["night"]}),
        ({"inventory": 3, "execution_environment": "EE"}, {"inventory": 3, "execution_environment": "EE"}),
    ],
)
def test_what_is_sent(given: dict[str, t.Any] | None, changes: dict[str, t.Any]) -> None:
    assert changes_of(given) == changes


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"limit": "s3cret", "hosts": "s3cret"}, "changes: hosts, limit cannot be changed. These can: credentials,"),
        ({"extra_vars": "s3cret"}, "changes: extra_vars must be a dictionary."),
        ({"inventory": ["s3cret"]}, "changes: inventory must be the name or the number of one."),
        ({"credentials": [4, {"name": "s3cret"}]}, "changes: credentials must be the name or the number of one."),
        ({"execution_environment": True}, "changes: execution_environment must be the name or the number of one."),
        ({"labels": ["night", " "]}, "changes: labels must be the name or the number of one."),
        ({"verbosity": True}, "changes: verbosity must be a number."),
        ({"forks": -1}, "changes: forks must be a number."),
        ({"forks": 10**12}, "changes: forks must be a number of at most 2147483647."),
        ({"forks": "9" * 5000}, "changes: forks must be a number of at most 2147483647."),
        ({"verbosity": 6}, "changes: verbosity must be a number of at most 5."),
        ({"diff_mode": "s3cret"}, "changes: diff_mode must be true or false."),
        ({"job_type": "s3cret"}, "changes: job_type must be run or check."),
        ({"scm_branch": ["s3cret"]}, "changes: scm_branch must be a text."),
    ],
)
def test_what_is_refused_without_its_value(given: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        changes_of(given)
    assert str(refused.value).startswith(sentence) and "s3cret" not in str(refused.value)


SOURCE = Job.of(
    job(
        42,
        extra_vars='{"mirror": "one", "password": "$encrypted$", "other": 1}',
        job_tags="b, a",
        verbosity=1,
        summary_fields={
            "credentials": [{"id": 5, "name": "ssh"}, {"id": 4}],
            "labels": {"count": 1, "results": [{"id": 9}]},
        },
    )
)
CHANGES: dict[str, t.Any] = {
    "extra_vars": {"mirror": "two", "password": "s3cret", "pin": "1234", "new": True},
    "job_tags": "c",
    "verbosity": 2,
    "credentials": [6],
    "labels": [],
}


def test_what_is_shown_of_a_job() -> None:
    assert values_shown(SOURCE, CHANGES) == {
        "extra_vars": {"mirror": "one", "password": "$encrypted$", "other": 1},
        "job_tags": "a,b",
        "verbosity": 1,
        "credentials": [4, "ssh"],
        "labels": [9],
    }


def test_names_are_shown_where_the_summaries_have_them() -> None:
    web = {"inventory": {"id": 1, "name": "Web"}}
    assert values_shown(Job.of(job(42, summary_fields=web)), ["inventory", "execution_environment"]) == {
        "inventory": "Web",
        "execution_environment": 1,
    }
    assert values_shown(Job.of(job(42, inventory=2, summary_fields=web)), ["inventory"]) == {"inventory": 2}
    assert values_shown(Job.of(job(42, inventory=None)), ["inventory"]) == {"inventory": None}


def test_secret_variables_are_masked() -> None:
    """What the controller masks, or would mask, is masked here as well."""
    variables = CHANGES["extra_vars"]
    shown = {"mirror": "two", "password": "$encrypted$", "pin": "$encrypted$", "new": True}
    assert variables_shown(SOURCE, variables, {"pin": "password", "mirror": "text"}) == shown
    assert variables_shown(SOURCE, variables, None) == {**shown, "pin": "1234"}


def test_variables_that_are_no_dictionary() -> None:
    odd = Job.of(job(42, extra_vars="{no: [data"))
    assert values_shown(odd, ["extra_vars"]) == {"extra_vars": "{no: [data"}
    assert variables_shown(odd, {"a": 1}, None) == {"a": 1}
