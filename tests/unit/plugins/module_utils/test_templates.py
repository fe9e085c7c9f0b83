# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates on the wire: which is meant, and what is said where none or more than its latest job is."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import RefusedError
from ansible_collections.relaunch.controller.plugins.module_utils._api.templates import (
    latest_job_id,
    latest_workflow_job_id,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

TEMPLATES = "/api/v2/job_templates/"
WORKFLOW_TEMPLATES = "/api/v2/workflow_job_templates/"
JOBS = "/api/v2/jobs/"
WORKFLOW_JOBS = "/api/v2/workflow_jobs/"
DEPLOY = {"id": 7, "name": "Deploy"}


def listed(*entries: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"count": len(entries), "next": None, "results": list(entries)}


@pytest.mark.parametrize("name", ["²", "٤٢", "42a", "-42", "4.2", "99999999999", "9" * 4301, "0001", "007", "0", "00"])
def test_what_is_no_id_is_only_a_name(controller: ScriptedController, client: ControllerClient, name: str) -> None:
    controller.expect("GET", TEMPLATES, body=listed(DEPLOY))
    controller.expect("GET", JOBS, body=listed({"id": 42}))

    assert latest_job_id(client, name, None) == 42
    assert (controller.asked[0].query.get("name"), controller.asked[0].query.get("id")) == (name, None)


def test_a_number_that_is_no_id_may_be_a_name(controller: ScriptedController, client: ControllerClient) -> None:
    controller.expect("GET", TEMPLATES, body=listed())
    controller.expect("GET", TEMPLATES, body=listed(DEPLOY))
    controller.expect("GET", JOBS, body=listed({"id": 42}))

    assert latest_job_id(client, "700", None) == 42
    assert [asked.query.get("id", asked.query.get("name")) for asked in controller.asked[:2]] == ["700", "700"]


class TestNamedUrls:
    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ("Deploy++Web shops", "Deploy++Web%20shops"),
            ("Jürgen++Ü", "J%C3%BCrgen++%C3%9C"),
            ("a/b?c++O&M", "a%5B2F%5Db%5B3F%5Dc++O%5B26%5DM"),
            ("a[2F]b++O", "a%5B2F%5Db++O"),
            ("100%++O", "100%25++O"),
            ("Web+DB++O", "Web%5B+%5DDB++O"),
            ("C++ app++O", "C%5B+%5D%5B+%5D%20app++O"),
            ("C[+][+] app++O", "C%5B+%5D%5B+%5D%20app++O"),
        ],
    )
    def test_are_asked_for_first(
        self, controller: ScriptedController, client: ControllerClient, given: str, path: str
    ) -> None:
        controller.expect("GET", f"{TEMPLATES}{path}/", body=DEPLOY)
        controller.expect("GET", JOBS, body=listed({"id": 42}))

        assert latest_job_id(client, given, None) == 42
        assert controller.asked[1].query["unified_job_template"] == "7"

    @pytest.mark.parametrize("status", [403, 404])
    def test_that_lead_nowhere_may_be_names(
        self, controller: ScriptedController, client: ControllerClient, status: int
    ) -> None:
        controller.expect("GET", f"{TEMPLATES}C++%20build/", status, {"detail": "no"})
        controller.expect("GET", TEMPLATES, body=listed(DEPLOY))
        controller.expect("GET", JOBS, body=listed({"id": 42}))

        assert latest_job_id(client, "C++ build", None) == 42
        assert controller.asked[-2].query["name"] == "C++ build"

    def test_of_workflows(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", f"{WORKFLOW_TEMPLATES}Release++Web/", body=DEPLOY)
        controller.expect("GET", WORKFLOW_JOBS, body=listed({"id": 42}))

        assert latest_workflow_job_id(client, "Release++Web", None) == 42

    def test_another_organization_is_not_taken(self, controller: ScriptedController, client: ControllerClient) -> None:
        shops = {**DEPLOY, "summary_fields": {"organization": {"id": 2, "name": "Shops"}}}
        controller.expect("GET", f"{TEMPLATES}Deploy++Shops/", body=shops)

        with pytest.raises(RefusedError, match="The organization Web has no job template"):
            latest_job_id(client, "Deploy++Shops", "Web")


def test_a_slice_does_not_stand_for_its_run(controller: ScriptedController, client: ControllerClient) -> None:
    # The template itself is sliced no more.
    run = {"source_workflow_job": {"id": 40}}
    slice_2 = {"id": 42, "job_slice_number": 2, "job_slice_count": 3, "summary_fields": run}
    controller.expect("GET", TEMPLATES, body=listed({**DEPLOY, "job_slice_count": 1}))
    controller.expect("GET", JOBS, body=listed(slice_2))

    with pytest.raises(RefusedError, match="job 42 is slice 2 of 3, and each slice is a job.*workflow_job_id: 40."):
        latest_job_id(client, "Deploy", None)


def test_a_launch_in_one_slice_is_a_job(controller: ScriptedController, client: ControllerClient) -> None:
    controller.expect("GET", TEMPLATES, body=listed({**DEPLOY, "job_slice_count": 3}))
    controller.expect("GET", JOBS, body=listed({"id": 42, "job_slice_number": 0, "job_slice_count": 1}))

    assert latest_job_id(client, "Deploy", None) == 42


def test_a_workflow_of_that_name_is_pointed_out(controller: ScriptedController, client: ControllerClient) -> None:
    controller.expect("GET", TEMPLATES, body=listed())
    controller.expect("GET", TEMPLATES, body=listed({"id": 8, "name": "Deploy web"}))
    controller.expect("GET", WORKFLOW_TEMPLATES, body=listed(DEPLOY))

    with pytest.raises(RefusedError) as refused:
        latest_job_id(client, "Deploy", None)
    assert str(refused.value) == (
        "There is no job template Deploy that this user may see. There is: Deploy web (id 8). There is a workflow job "
        "template Deploy (id 7): workflow_job_relaunch relaunches its jobs."
    )


@pytest.mark.parametrize("status", [403, 404, 502])
def test_what_cannot_be_pointed_out_is_left_out(
    controller: ScriptedController, client: ControllerClient, status: int
) -> None:
    controller.expect("GET", TEMPLATES, body=listed())
    controller.expect("GET", TEMPLATES, status, {"detail": "no"})
    controller.expect("GET", WORKFLOW_TEMPLATES, status, {"detail": "no"})

    with pytest.raises(RefusedError, match=r"There is no job template Deploy that this user may see\.$"):
        latest_job_id(client, "Deploy", None)


class TestWorkflows:
    def test_the_latest_of_a_template(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", WORKFLOW_TEMPLATES, body=listed(DEPLOY))
        controller.expect("GET", WORKFLOW_JOBS, body=listed({"id": 42}))

        assert latest_workflow_job_id(client, "Deploy", None) == 42
        asked = controller.asked[1].query
        assert (asked["unified_job_template"], asked["order_by"], asked["not__launch_type"]) == ("7", "-id", "relaunch")

    def test_a_job_template_of_that_name(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", WORKFLOW_TEMPLATES, body=listed())
        controller.expect("GET", WORKFLOW_TEMPLATES, body=listed())
        controller.expect("GET", TEMPLATES, body=listed(DEPLOY))

        with pytest.raises(RefusedError, match="no workflow job template Deploy.*There is a job template Deploy"):
            latest_workflow_job_id(client, "Deploy", None)

    def test_never_launched(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", WORKFLOW_TEMPLATES, body=listed(DEPLOY))
        controller.expect("GET", WORKFLOW_JOBS, body=listed())

        with pytest.raises(RefusedError, match="workflow job template Deploy .id 7. has no job yet"):
            latest_workflow_job_id(client, "Deploy", None)
