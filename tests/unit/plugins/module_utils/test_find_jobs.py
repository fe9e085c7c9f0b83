# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of a selection on the wire: looked up by a few at a time, by whatever characters they have."""

from __future__ import annotations

import typing as t
from urllib.parse import parse_qs

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import RefusedError
from ansible_collections.relaunch.controller.plugins.module_utils._selection.find_jobs import SelectedJobs, find
from ansible_collections.relaunch.controller.plugins.module_utils._selection.selection import Selection
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import JOBS, job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import Asked, Line, ScriptedController

# What proxies and servers take for a request line; some take 8 KiB.
LONGEST_REQUEST_LINE = 4096


class NamedTemplates(ScriptedController):
    """Has templates of these names, with ids from 1 on, and no jobs; a long request line is answered 414."""

    def __init__(self, names: t.Sequence[str]) -> None:
        super().__init__()
        self._rows = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
        self.queries: list[dict[str, list[str]]] = []

    def take(self, asked: Asked) -> Line:
        if len(asked.path) + len(asked.query_string) > LONGEST_REQUEST_LINE:
            return Line("GET", asked.path, 414, b"<html><title>414 Request-URI Too Large</title></html>")
        query = parse_qs(asked.query_string)
        self.queries.append(query)
        names, ids = query.get("or__name", []), query.get("or__id", [])
        # A controller reads 0001 as the number 1.
        found = [row for row in self._rows if row["name"] in names or row["id"] in map(int, ids)]
        return Line("GET", asked.path, body={"count": len(found), "next": None, "results": found})


def looked_up(controller: NamedTemplates, *names: str) -> str:
    """The templates that the list of jobs was asked for in the end."""
    with ControllerClient(ConnectionOptions(controller.url, token="t", max_retries=0)) as client:
        find(client, Selection(names={"job_templates": names}))
    return controller.queries[-1]["unified_job_template__in"][0]


@pytest.mark.parametrize("width", [1, 20, 120])
@pytest.mark.parametrize("character", ["a", "ü", "&"])
def test_of_many_a_few_at_a_time(width: int, character: str) -> None:
    names = [f"{character * width}{number}" for number in range(150)]
    with NamedTemplates(names) as controller:
        assert looked_up(controller, *names) == ",".join(str(number) for number in range(1, 151))


@pytest.mark.parametrize(
    ("names", "given", "found"),
    [
        (["²"], "²", "1"),
        (["٤٢"], "٤٢", "1"),
        (["Deploy", "0001"], "0001", "2"),
        (["Deploy", "1"], "1", "1"),
        (["Deploy", "99999999999"], "99999999999", "2"),
    ],
)
def test_what_is_a_name_and_what_an_id(names: list[str], given: str, found: str) -> None:
    with NamedTemplates(names) as controller:
        assert looked_up(controller, given) == found


def test_what_is_not_there_is_named() -> None:
    with NamedTemplates(["Deploy"]) as controller, pytest.raises(RefusedError, match="no job template 0001 or Test"):
        looked_up(controller, "Deploy", "0001", "Test")


class TestSlices:
    """Those that are not selected, or never were jobs, have not succeeded either (recorded: find-slice)."""

    @staticmethod
    def found(statuses: t.Sequence[str], count: int = 3) -> SelectedJobs:
        slices = [
            job(number, status, job_slice_number=number, job_slice_count=count)
            for number, status in enumerate(statuses, 1)
        ]
        with ScriptedController() as controller:
            controller.expect("GET", "/api/v2/workflow_jobs/9/", body={"id": 9, "is_sliced_job": True})
            controller.expect("GET", JOBS, body=listed(*slices))
            with ControllerClient(ConnectionOptions(controller.url, token="t", max_retries=0)) as client:
                return find(client, Selection(workflow_job_id=9))

    @pytest.mark.parametrize(
        ("statuses", "recovered", "said"),
        [
            (["successful"] * 3, 0, "All 3 slices of workflow job 9 were successful."),
            (["successful", "failed", "failed"], 2, "All 3 slices of workflow job 9 have succeeded by now;"),
            (["successful", "failed", "failed"], 1, "Of workflow job 9 1 of 3 slices have not succeeded yet."),
            (["successful", "successful", "canceled"], 0, "1 of 3 slices have not succeeded yet, 1 of them ended"),
            (["failed", "canceled", "canceled"], 1, "2 of 3 slices have not succeeded yet, 2 of them ended canceled"),
            (["successful", "failed"], 1, "1 of 3 slices have not succeeded yet, 1 of them never became a job"),
        ],
    )
    def test_are_counted_against_all_that_there_should_be(self, statuses: list[str], recovered: int, said: str) -> None:
        found = self.found(statuses)

        assert found.run is not None
        assert said in found.run.sentence(len(found.jobs), recovered)


def test_numbers_of_other_kinds_are_told_as_what_they_are() -> None:
    with ScriptedController() as controller:
        controller.expect("GET", JOBS, body=listed(job(1)))
        controller.expect("GET", "/api/v2/workflow_jobs/", body=listed(job(6, is_sliced_job=True)))
        kinds = [{"id": 7, "type": "ad_hoc_command"}, {"id": 8, "type": "project_update"}]
        controller.expect("GET", "/api/v2/unified_jobs/", body=listed(*kinds))
        connection = ConnectionOptions(controller.url, token="t", max_retries=0)
        with ControllerClient(connection) as client, pytest.raises(RefusedError) as refused:
            find(client, Selection(job_ids=(1, 6, 7, 8, 9)))

    assert (
        "there is no job 9 that this user may see; 7 is an ad hoc command; 8 is a project update; "
        "6 is a sliced job (workflow_job_id)" in str(refused.value)
    )
