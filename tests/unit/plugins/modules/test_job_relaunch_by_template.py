# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template in the place of a job."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.relaunch.controller.plugins.module_utils._workflow.options import WORKFLOW_SPECIFICATION
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import JOBS, at, job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

TEMPLATES = "/api/v2/job_templates/"


def template(template_id: int, organization: str, **facts: t.Any) -> dict[str, t.Any]:
    fields = {"organization": {"id": template_id + 100, "name": organization}}
    return {"id": template_id, "name": "Deploy", "summary_fields": fields, **facts}


def latest(controller: ScriptedController) -> None:
    controller.expect("GET", JOBS, body=listed({"id": 42}))
    controller.expect("GET", at(42), body=job(42, "successful"))


def test_stands_for_its_latest_launch(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", TEMPLATES, body=listed(template(7, "Ops")))
    latest(controller)

    result = relaunch(job_id=None, job_template="Deploy {{ x }}")

    assert (result["id"], result["source_job_id"]) == (42, 42)
    assert controller.asked[0].query["name"] == "Deploy {{ x }}"
    asked = controller.asked[1].query
    assert (asked["unified_job_template"], asked["order_by"], asked["not__launch_type"]) == ("7", "-id", "relaunch")


def test_by_number(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", TEMPLATES, body=listed(template(7, "Ops")))
    latest(controller)

    assert relaunch(job_id=None, job_template="7")["id"] == 42
    assert controller.asked[0].query["id"] == "7"


@pytest.mark.parametrize("organization", ["Dev", "108"])
def test_of_an_organization(controller: ScriptedController, relaunch: Relaunch, organization: str) -> None:
    controller.expect("GET", TEMPLATES, body=listed(template(7, "Ops"), template(8, "Dev")))
    latest(controller)

    relaunch(job_id=None, job_template="Deploy", organization=organization)

    assert controller.asked[1].query["unified_job_template"] == "8"


def test_ambiguous(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", TEMPLATES, body=listed(template(7, "Ops"), template(8, "Dev")))

    message = relaunch(job_id=None, job_template="Deploy")["msg"]

    assert "Deploy (id 7, organization Ops), Deploy (id 8, organization Dev)" in message


def test_unknown_in_that_organization(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", TEMPLATES, body=listed(template(7, "Ops")))

    message = relaunch(job_id=None, job_template="Deploy", organization="QA")["msg"]

    assert "The organization QA has no job template Deploy" in message and "organization Ops" in message


def test_unknown(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", TEMPLATES, body=listed())
    controller.expect("GET", TEMPLATES, body=listed(template(7, "Ops", name="Deploy web")))
    # Whether there is a workflow of this name may be asked besides.
    controller.whenever("GET", "/api/v2/workflow_job_templates/", body=listed())

    message = relaunch(job_id=None, job_template="Deploy")["msg"]

    assert "There is no job template Deploy" in message and "Deploy web (id 7" in message


def test_never_launched(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", TEMPLATES, body=listed(template(7, "Ops")))
    controller.expect("GET", JOBS, body=listed())

    result = relaunch(job_id=None, job_template="Deploy")

    assert (result["failed"], result["changed"], "source_job_id" in result) == (True, False, False)
    assert "has no job yet" in result["msg"]


def test_sliced(controller: ScriptedController, relaunch: Relaunch) -> None:
    controller.expect("GET", TEMPLATES, body=listed(template(7, "Ops", job_slice_count=3)))
    controller.whenever("GET", JOBS, body=listed({"id": 42, "job_slice_number": 2, "job_slice_count": 3}))

    result = relaunch(job_id=None, job_template="Deploy")

    assert (result["failed"], result["changed"]) == (True, False)
    assert "is sliced" in result["msg"]


@pytest.mark.parametrize("given", [{"name": "Deploy"}, {"job_template": "Deploy"}])
def test_its_name_may_be_given_as_to_awx_awx(
    controller: ScriptedController, relaunch: Relaunch, given: dict[str, str]
) -> None:
    controller.expect("GET", "/api/v2/job_templates/", body=listed({"id": 7, "name": "Deploy"}))
    controller.expect("GET", JOBS, body=listed())

    assert "has no job yet" in relaunch(job_id=None, **given)["msg"]


@pytest.mark.parametrize("alias", ["name", "workflow_template"])
def test_a_workflow_template_has_the_names_of_awx_awx(alias: str) -> None:
    connection = {"controller_host": "https://controller.example.com", "controller_oauthtoken": "t"}
    validated = ArgumentSpecValidator(**WORKFLOW_SPECIFICATION).validate({alias: "Release", **connection})

    assert (validated.error_messages, validated.validated_parameters["workflow_job_template"]) == ([], "Release")
