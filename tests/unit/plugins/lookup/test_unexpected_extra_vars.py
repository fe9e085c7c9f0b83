# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which extra variables a playbook does not know, and what may have been meant."""

from __future__ import annotations

import pytest
from ansible.parsing.splitter import parse_kv

from ansible_collections.relaunch.controller.plugins.lookup.unexpected_extra_vars import unexpected

KNOWN = ("finished_after", "job_ids", "job_template", "organization", "inventory", "label", "job_hosts", "wait_timeout")


@pytest.mark.parametrize("in_a_job", [True, False])
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("jobtemplate", "job_template"),
        ("job-template", "job_template"),
        ("template", "job_template"),
        ("JOB_TEMPLATE", "job_template"),
        ("lable", "label"),
        ("organisation", "organization"),
        ("org", "organization"),
        ("inventroy", "inventory"),
        ("finish_after", "finished_after"),
        ("hosts", "job_hosts"),
        ("timeout", "wait_timeout"),
    ],
)
def test_a_misspelt_name_is_told_with_what_may_have_been_meant(name: str, meant: str, in_a_job: bool) -> None:
    of_job = ["awx_job_id", "tower_job_id"] if in_a_job else []

    assert unexpected([name, "label", *of_job], KNOWN) == [f"{name} ({meant}?)"]


def test_any_other_is_told_too_unless_a_workflow_may_have_set_it() -> None:
    assert unexpected(["ticket", "label"], KNOWN) == ["ticket"]
    assert unexpected(["ticket", "label", "awx_job_id"], KNOWN) == []


def test_what_another_node_of_this_collection_hands_on_is_neither_told_nor_meant() -> None:
    known = ("retry_failed_hosts_timeout", "retry_failed_hosts_hosts")
    handed_on = ["retry_failed_hosts", "recover_failed_jobs_hosts_left_out"]

    assert unexpected([*handed_on, "failed_hosts", "awx_job_id"], known) == []
    assert unexpected(["recover_failed_jobs_at_once", "retry_failed_hosts"], known) == [
        "recover_failed_jobs_at_once",
        "retry_failed_hosts (retry_failed_hosts_hosts?)",
    ]


def test_what_is_known_or_of_others_is_not_told() -> None:
    of_others = ["relaunch_controller_progress", "ansible_user", "awx_user_name", "tower_job_id", "_mine"]

    assert unexpected([*KNOWN, *of_others], KNOWN) == []


def test_what_a_blank_without_quotes_cut_off_is_told_and_not_quoted() -> None:
    """As of ``-e job_template='Patch web servers'``, whose second and third word may as well be those of a password."""
    given = parse_kv("job_template=Patch web servers")
    assert given["job_template"] == "Patch"

    (told,) = unexpected(given, KNOWN)

    assert "behind a blank" in told and "web" not in told.partition("(")[0]
