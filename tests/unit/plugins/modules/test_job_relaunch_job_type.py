# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A relaunch as another type than the source: only where the controller takes it, and it comes out so."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
    JOBS,
    at,
    job,
    listed,
    prompts,
    relaunched,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

TAKES = {"actions": {"POST": {"job_type": {"choices": [["run", "Run"], ["check", "Check"]]}}}}
IGNORES = {"actions": {"POST": {"hosts": {"choices": [["all", "all"]]}}}}


def launched(controller: ScriptedController, described: dict[str, t.Any] | None, **new: t.Any) -> None:
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, body=listed())
    if described is not None:
        controller.expect("OPTIONS", at(42, "relaunch"), body=described)
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(**{"limit": "", **new}))
    controller.expect("GET", JOBS, body=listed())


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("described", [IGNORES, {}])
def test_is_refused_where_it_would_be_ignored(
    controller: ScriptedController, relaunch: Relaunch, described: dict[str, t.Any], check_mode: bool
) -> None:
    controller.expect("GET", at(42), body=job(42))
    controller.expect("GET", JOBS, body=listed())
    controller.expect("OPTIONS", at(42, "relaunch"), body=described)

    result = relaunch(job_type="check", check_mode=check_mode)

    assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
    assert "this controller does not take a job type on a relaunch" in result["msg"]
    assert "Give job_type: check in changes, which launches the template." in result["msg"]


def test_is_sent_where_it_is_known(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, TAKES, job_type="check")

    result = relaunch(job_type="check")

    assert (result["failed"], result["changed"], result["job_type"]) == (False, True, "check")
    assert controller.asked[3].body == {"hosts": "all", "job_type": "check"}


def test_the_sources_own_needs_no_asking(controller: ScriptedController, relaunch: Relaunch) -> None:
    launched(controller, None)

    relaunch(job_type="run")

    assert controller.asked[2].body == {"hosts": "all"}


def test_a_successful_check_is_no_success_of_a_run(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", at(42), body=job(42, "successful", job_type="check"))
    controller.expect("GET", JOBS, body=listed(relaunched(43, "successful", limit="", job_type="check")))
    controller.expect("OPTIONS", at(42, "relaunch"), body=TAKES)
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
    controller.expect("GET", JOBS, body=listed())

    result = relaunch(job_type="run")

    assert (result["failed"], result["changed"], result["id"]) == (False, True, 44)


class TestRunWhereACheckIsAskedFor:
    """The worst case: what was to be checked only is being done. It is canceled at once."""

    @pytest.mark.parametrize("wait", [False, True])
    def test_is_canceled(self, controller: ScriptedController, relaunch: Relaunch, wait: bool) -> None:
        launched(controller, TAKES, job_type="run")
        controller.expect("POST", at(43, "cancel"), 202)
        controller.expect("GET", at(43), body=relaunched(43, "canceled", limit=""))

        result = relaunch(job_type="check", wait=wait)

        assert (result["failed"], result["changed"], result["id"]) == (True, True, 43)
        assert result["status"] == "canceled"
        assert "Job 43 ran as run: though check was asked for" in result["msg"]
        assert "It was canceled. See http://" in result["msg"]

    @pytest.mark.parametrize(
        ("answer", "then", "words"),
        [(405, "failed", "It ended before it could be canceled."), (403, "running", "Canceling it failed")],
    )
    def test_that_cannot_be_canceled_is_told(
        self, controller: ScriptedController, relaunch: Relaunch, answer: int, then: str, words: str
    ) -> None:
        launched(controller, TAKES, job_type="run")
        controller.expect("POST", at(43, "cancel"), answer, DENIED)
        controller.whenever("GET", at(43), body=relaunched(43, then, limit=""))

        result = relaunch(job_type="check")

        assert (result["failed"], result["changed"], result["id"], result["status"]) == (True, True, 43, then)
        assert words in result["msg"]


class TestTemplateThatChecksOnlyByNow:
    """A relaunch takes the type of today's template where the source was not prompted for it."""

    def test_without_wait_it_is_told_at_once(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        launched(controller, None, job_type="check")

        result = relaunch()

        assert (result["failed"], result["changed"], result["id"], result["job_type"]) == (True, True, 43, "check")
        assert "Job 43 ran as check: the template now only checks." in result["msg"]
        assert controller.methods().count("POST") == 1

    def test_its_success_is_none(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        launched(controller, None, job_type="check")
        controller.expect("GET", at(43), body=relaunched(43, "successful", limit="", job_type="check"))

        result = relaunch(wait=True)

        assert (result["failed"], result["changed"], result["status"]) == (True, True, "successful")
        assert "the template now only checks" in result["msg"]

    @pytest.mark.parametrize("before", [[], [relaunched(43, "successful", limit="", job_type="check")]])
    @pytest.mark.parametrize("prompted", [{}, {"job_type": "run"}], ids=["not prompted", "prompted"])
    def test_it_is_known_in_check_mode_and_before_a_second_launch(
        self,
        controller: ScriptedController,
        relaunch: Relaunch,
        before: list[dict[str, t.Any]],
        prompted: dict[str, t.Any],
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(*before))
        controller.whenever("GET", "/api/v2/job_templates/7/", body={"id": 7, "job_type": "check"})
        controller.whenever("GET", at(42, "create_schedule"), body=prompts(**prompted))
        controller.whenever("GET", at(42, "relaunch"), body={"retry_counts": {}})
        controller.whenever("GET", at(42, "job_host_summaries"), body=listed())
        if prompted and before:
            controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))

        result = relaunch(check_mode=not before)

        assert (result["failed"], result["changed"]) == (not prompted, bool(prompted)), result["msg"]
        assert prompted or "would run as job type check by now. Set the template to job type run again" in result["msg"]

    @pytest.mark.parametrize("check_mode", [False, True])
    @pytest.mark.parametrize("described", [TAKES, IGNORES], ids=["takes", "ignores"])
    def test_what_is_asked_for_is_sent_where_the_controller_takes_it(
        self, controller: ScriptedController, relaunch: Relaunch, described: dict[str, t.Any], check_mode: bool
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(relaunched(43, "successful", limit="", job_type="check")))
        controller.whenever("GET", "/api/v2/job_templates/7/", body={"id": 7, "job_type": "check"})
        controller.whenever("GET", at(42, "create_schedule"), body=prompts())
        controller.whenever("GET", at(42, "relaunch"), body={"retry_counts": {}})
        controller.whenever("GET", at(42, "job_host_summaries"), body=listed())
        controller.expect("OPTIONS", at(42, "relaunch"), body=described)
        taken = described is TAKES
        if taken and not check_mode:
            controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
            controller.expect("GET", JOBS, body=listed())

        result = relaunch(job_type="run", check_mode=check_mode)

        assert (result["failed"], result["changed"]) == (not taken, taken), result["msg"]
        assert taken or "would run as job type check by now" in result["msg"]
        sent = [one.body for one in controller.asked if one.method == "POST"]
        assert sent == ([{"hosts": "all", "job_type": "run"}] if taken and not check_mode else [])

    def test_its_success_does_not_count_later(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", JOBS, body=listed(relaunched(43, "successful", limit="", job_type="check")))
        controller.whenever("GET", "/api/v2/job_templates/7/", body={"id": 7, "job_type": "run"})
        controller.expect("POST", at(42, "relaunch"), 201, relaunched(44, limit=""))
        controller.expect("GET", JOBS, body=listed())

        assert relaunch()["id"] == 44
