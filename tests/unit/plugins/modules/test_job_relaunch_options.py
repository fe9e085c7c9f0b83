# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that cannot be used are named before anything is sent."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._task import module as _module
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"job_id": 0}, "job_id must be the number of a job"),
        ({"job_id": -3}, "job_id must be the number of a job"),
        ({"interval": 0}, "interval must be more than 0"),
        ({"timeout": -1, "wait": True}, "timeout must not be less than 0"),
        ({"cancel_on_timeout": True}, "cancel_on_timeout is for waiting only: set wait: true"),
        ({"credential_passwords": {"ssh_password": ["unus", "duo"]}}, "the value of ssh_password must be a string"),
        ({"hosts": "some"}, "value of hosts must be one of"),
        ({"job_type": "scan"}, "value of job_type must be one of"),
        ({"controller_host": "ftp://x"}, "is no URL such as"),
        ({"controller_host": "https://me:pw@x"}, "must not hold a user or password"),
        ({"controller_oauthtoken": None}, "No credentials are given"),
        ({"controller_oauthtoken": None, "controller_username": "me"}, "controller_password is missing"),
        ({"controller_oauthtoken": {"id": 1}}, 'entry "token"'),
        ({"request_timeout": 0}, "request_timeout must be more than 0"),
        ({"max_retries": -1}, "max_retries must not be less than 0"),
        ({"ca_path": "/nonexistent/ca.pem"}, "/nonexistent/ca.pem does not exist"),
        ({"job_id": True}, "job_id must be a number, not true."),
        ({"request_timeout": float("inf")}, "request_timeout must be a number of at most 2147483647."),
        ({"interval": float("nan")}, "interval must be a number of at most"),
        ({"retry_backoff_factor": 1e300}, "retry_backoff_factor must be a number of at most"),
        ({"timeout": 10**300, "wait": True}, "timeout must be a number of at most"),
        ({"controller_config_file": "/nonexistent.cfg"}, "/nonexistent.cfg (controller_config_file) does not exist"),
    ],
)
def test_options_that_cannot_be_used_are_named(
    controller: ScriptedController, relaunch: Relaunch, options: dict[str, t.Any], words: str
) -> None:
    result = relaunch(**options)

    assert (result["failed"], result.get("changed", False)) == (True, False)
    assert words in result["msg"]
    assert controller.asked == []


@pytest.mark.parametrize("options", [{}, {"job_id": 42, "job_template": "x"}, {"job_id": 42, "organization": "x"}])
def test_options_that_do_not_go_together(relaunch: Relaunch, options: dict[str, t.Any]) -> None:
    assert relaunch(**{"job_id": None, **options})["failed"]


@pytest.mark.parametrize("source", [{}, {"job_id": None, "job_template": None}, {"job_template": ""}])
def test_neither_source(controller: ScriptedController, run_main: Relaunch, source: dict[str, t.Any]) -> None:
    result = run_main(controller_host=controller.url, controller_oauthtoken="t0ken", **source)

    assert result["failed"] and "Neither job_id nor job_template is given" in result["msg"]
    assert controller.asked == []


@pytest.mark.parametrize(
    "options", [{"jobid": 42}, {"jobid": 42, "organization": "Web"}, {"jobid": 1, "job_id": 42, "job_template": "x"}]
)
def test_a_misspelt_option_is_named_first(run_main: Relaunch, options: dict[str, t.Any]) -> None:
    result = run_main(controller_oauthtoken="t0ken", **options)

    assert "Unsupported parameters" in result["msg"] and "jobid" in result["msg"]


def test_requests_missing(run_main: Relaunch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_module, "REQUESTS_IMPORT_ERROR", "ImportError: No module named requests")

    result = run_main(job_id=42)

    assert "Failed to import the required Python library (requests)" in result["msg"]
