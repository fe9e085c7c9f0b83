# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a relaunch sends, and the passwords that it needs."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._job.options import RelaunchRequest, password_values
from ansible_collections.relaunch.controller.plugins.module_utils._job.relaunch import payload
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job

ASKING = Job.of(job(42, passwords_needed_to_start=["ssh_password", "become_password", "vault_password.dev"]))


def test_passwords_are_compared_with_what_the_job_asks_for() -> None:
    given = password_values({"become_password": "x", "ssh_password": "", "vault_password.dev": None})
    request = RelaunchRequest(credential_passwords=given)
    assert request.missing_passwords(ASKING.passwords_needed) == ["ssh_password", "vault_password.dev"]
    for asking_none in (Job.of(job(42)), Job.of({"id": 1, "status": "x"})):
        assert request.missing_passwords(asking_none.passwords_needed) == []


def test_passwords_are_sent_as_texts() -> None:
    assert password_values({"a": 9876543, 7: "b", "c": 0}) == {"a": "9876543", "7": "b", "c": "0"}
    assert password_values(None) == {}


@pytest.mark.parametrize("value", [{"hunter": 2}, ["hunter", 2]])
def test_a_password_that_is_no_text_is_refused_unshown(value: t.Any) -> None:
    with pytest.raises(OptionError) as refused:
        password_values({"ssh_password": value})
    assert "ssh_password" in str(refused.value) and "hunter" not in str(refused.value)


@pytest.mark.parametrize(
    ("hosts", "passwords", "job_type", "body"),
    [
        ("failed", {}, None, {"hosts": "failed"}),
        ("all", {}, "run", {"hosts": "all"}),
        ("all", {}, "check", {"hosts": "all", "job_type": "check"}),
        (
            "all",
            {"ssh_password": "x", "other": "y"},
            None,
            {"hosts": "all", "credential_passwords": {"ssh_password": "x"}},
        ),
    ],
)
def test_the_body_holds_what_the_controller_needs_and_no_more(
    hosts: str, passwords: dict[str, str], job_type: str | None, body: dict[str, t.Any]
) -> None:
    assert payload(ASKING, hosts, passwords, job_type) == body
