# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task in a workflow's node takes the job of the failed node before it."""

from __future__ import annotations

import copy
import json
import pathlib
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import RefusedError
from ansible_collections.relaunch.controller.plugins.module_utils._job.relaunch_job import parent_job_id
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, JOBS, at, job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

RECORDED = pathlib.Path(__file__).resolve().parents[3] / "sandbox" / "contract"
NODES = "/api/v2/workflow_job_nodes/"
OWN = 1252
PARENT = 1248


def recorded(name: str) -> dict[str, t.Any]:
    told = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return t.cast("dict[str, t.Any]", told["response"]["body"])


def node(number: int, template: str, status: str = "failed", kind: str = "job") -> dict[str, t.Any]:
    """A node as it was recorded, with another job."""
    entry = copy.deepcopy(recorded("node-parent-any")["results"][0])
    shown = entry["summary_fields"]
    shown["job"].update(id=number, name=template, status=status, type=kind)
    shown["unified_job_template"]["name"] = template
    return {**entry, "job": number, "identifier": f"N{number}", "unified_job_template": number * 10}


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_ID", str(OWN))
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", f"/tmp/awx_{OWN}_x1")


@pytest.mark.usefixtures("inside")
class TestInside:
    @pytest.mark.parametrize("recording", ["node-parent-any", "node-parent-any-always"])
    def test_its_job_is_relaunched_after_one_request(
        self, controller: ScriptedController, relaunch: Relaunch, recording: str
    ) -> None:
        controller.expect("GET", NODES, body=recorded(recording))
        controller.expect("GET", at(PARENT), body=job(PARENT, "successful", created="2026-11-28T15:19:47Z"))

        result = relaunch(job_id=None)

        assert (result["failed"], result["source_job_id"], result["changed"]) == (False, PARENT, False)
        asked = controller.asked[0].query
        links = {f"or__{kind}_nodes__job": str(OWN) for kind in ("failure", "always", "success")}
        assert {name: asked[name] for name in links} == links

    def test_of_several_failed_ones_none_is_taken(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", NODES, body=listed(node(12, "Patch web"), node(13, "Patch db")))

        result = relaunch(job_id=None)

        assert result["failed"]
        assert "N12 (job 12, Patch web), N13 (job 13, Patch db)" in result["msg"]
        assert "job_template" in result["msg"]

    def test_of_several_the_one_that_the_template_means(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", NODES, body=listed(node(12, "Patch web"), node(13, "Patch db")))
        controller.expect("GET", at(13), body=job(13, "successful"))

        assert relaunch(job_id=None, job_template="Patch db")["source_job_id"] == 13

    def test_a_template_of_no_node_before_means_its_latest_job(
        self, controller: ScriptedController, relaunch: Relaunch
    ) -> None:
        controller.expect("GET", NODES, body=listed(node(12, "Patch web")))
        controller.expect("GET", "/api/v2/job_templates/", body=listed({"id": 7, "name": "Other"}))
        controller.expect("GET", JOBS, body=listed(job(42)))
        controller.expect("GET", at(42), body=job(42, "successful"))

        assert relaunch(job_id=None, job_template="Other")["source_job_id"] == 42

    @pytest.mark.parametrize(("organization", "taken"), [("Ops", 12), ("Dev", 42)])
    def test_the_organization_counts(
        self, controller: ScriptedController, relaunch: Relaunch, organization: str, taken: int
    ) -> None:
        parent = job(12, "successful", summary_fields={"organization": {"id": 3, "name": "Ops"}})
        controller.whenever("GET", NODES, body=listed(node(12, "Patch web")))
        controller.whenever("GET", at(12), body=parent)
        controller.whenever(
            "GET",
            "/api/v2/job_templates/",
            body=listed({"id": 7, "name": "Patch web", "summary_fields": {"organization": {"id": 4, "name": "Dev"}}}),
        )
        controller.whenever("GET", JOBS, body=listed(job(42)))
        controller.whenever("GET", at(42), body=job(42, "successful"))

        result = relaunch(job_id=None, job_template="Patch web", organization=organization)

        assert result["source_job_id"] == taken

    @pytest.mark.parametrize("answer", [(200, recorded("node-parent-failure-mallory")), (403, DENIED)])
    def test_who_may_not_see_the_workflow_is_told(
        self, controller: ScriptedController, relaunch: Relaunch, answer: tuple[int, t.Any]
    ) -> None:
        controller.expect("GET", NODES, answer[0], answer[1])

        result = relaunch(job_id=None)

        assert result["failed"] and "source_job_id" not in result
        assert f"job {OWN}, in which the task runs, is no node" in result["msg"]
        assert "or this user may not see the workflow" in result["msg"]

    def test_a_number_asks_for_no_node(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=job(42, "successful"))

        assert relaunch()["source_job_id"] == 42


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"JOB_ID": "12"},
        {"AWX_PRIVATE_DATA_DIR": "/tmp/awx_12_x"},
        {"JOB_ID": "9" * 5000, "AWX_PRIVATE_DATA_DIR": "/tmp/awx_12_x"},
    ],
)
def test_outside_one_of_them_is_required(
    controller: ScriptedController, relaunch: Relaunch, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    result = relaunch(job_id=None)

    assert result["failed"] and "Neither job_id nor job_template is given" in result["msg"]
    assert controller.asked == []


class TestWhichIsMeant:
    def test_the_failed_one_among_others(self) -> None:
        nodes = [node(12, "A", "successful"), node(13, "B", "error"), node(14, "C", "running")]
        assert parent_job_id(OWN, nodes, None) == 13

    def test_a_single_one_that_was_successful(self) -> None:
        """A node that runs always: its work is done."""
        assert parent_job_id(OWN, [node(12, "A", "successful")], None) == 12

    def test_not_one_of_several_that_were_successful(self) -> None:
        with pytest.raises(RefusedError, match=r"and none has failed: N12 \(job 12, A\), N13"):
            parent_job_id(OWN, [node(12, "A", "successful"), node(13, "B", "successful")], None)

    def test_by_id_and_named_url(self) -> None:
        nodes = [node(12, "A"), node(13, "B")]
        assert parent_job_id(OWN, nodes, "130") == 13
        assert parent_job_id(OWN, nodes, "A++Web") == 12

    def test_two_nodes_of_one_template(self) -> None:
        with pytest.raises(RefusedError, match="or its job_id"):
            parent_job_id(OWN, [node(12, "A"), node(13, "A")], "A")

    def test_a_workflow_is_for_another_module(self) -> None:
        with pytest.raises(RefusedError, match=r"12 is the id of a workflow job, .* workflow_job_relaunch"):
            parent_job_id(OWN, [node(12, "A", kind="workflow_job")], None)

    def test_one_whose_job_was_deleted_is_none(self) -> None:
        gone = node(12, "A")
        del gone["summary_fields"]["job"]
        with pytest.raises(RefusedError, match="no job of a node before this one is known"):
            parent_job_id(OWN, [gone], None)
