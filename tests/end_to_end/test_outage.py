# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One outage, all of it: each job and workflow ends where it must, and a recovery by schedule ends."""

from __future__ import annotations

import collections
import os
import typing as t
from pathlib import Path

import pytest

from end_to_end.conftest import Driver
from end_to_end.workflow_jobs import FAILED_LINE, line
from sandbox.process import Sandbox

HOSTS: dict[str, dict[str, t.Any]] = {"web1": {}, "web2": {}}
FAILED = {"web1": "ok", "web2": "failed"}

Options = dict[str, t.Any]


class Outage:
    """Failed jobs and workflows of many templates, each with what has to become of it."""

    def __init__(self, sandbox: Sandbox, workflow: t.Callable[..., Options]) -> None:
        self._sandbox = sandbox
        self._workflow = workflow
        self.templates = 0
        #: By number, outcome and whether it has recovered; None where it is to have no entry.
        self.expected: dict[int, tuple[str, bool] | None] = {}

    def template(self, **options: t.Any) -> int:
        """Add one whose jobs end as data, well where nothing else is said."""
        self.templates += 1
        given = {"hosts": HOSTS, "outcomes": {}, "duration": 0.05, "asks": ["extra_vars", "limit"], **options}
        name = f"Work {self.templates} {os.urandom(3).hex()}"
        return int(self._sandbox.add_template(name, "- hosts: all\n", **given)["id"])

    def failed(self, template: int, outcome: str, recovered: bool, **fields: t.Any) -> int:
        job = self._sandbox.make_job(template=template, **{"status": "failed", "hosts": FAILED, **fields})
        self.expected[job] = (outcome, recovered)
        return job

    def behind_a_broken_project(self) -> int:
        """Two jobs in error, without an update at launch; the project has been mended, and nobody has updated it."""
        sandbox, project = self._sandbox, self._sandbox.add_project(f"Site {os.urandom(3).hex()}")
        template = self.template(project=project)
        well = [sandbox.launch(template, extra_vars={"release": number}) for number in range(2)]
        assert {sandbox.wait(job) for job in well} == {"successful"}
        sandbox.change_project(project, broken="no such branch")
        update = sandbox.request("POST", f"/projects/{project}/update/").body["id"]
        assert sandbox.wait(update) == "failed"
        for job in [sandbox.relaunch(job) for job in well]:
            assert sandbox.wait(job) == "error"
            self.expected[job] = ("relaunched", True)
        sandbox.change_project(project, broken="")
        return int(update)

    def canceled_slices(self) -> None:
        template = self.template(job_slice_count=3)
        slices: Options = {"job_slice_count": 3}
        run = self._sandbox.make_job(template=template, type="workflow_job", status="failed", is_sliced_job=1, **slices)
        self.expected[run] = None
        slices.update(launch_type="workflow", workflow_job=run)
        well = {"web1": "ok"}
        self._sandbox.make_job(template=template, status="successful", hosts=well, job_slice_number=1, **slices)
        for number in (2, 3):
            canceled: Options = {"status": "canceled", "hosts": None, "stats": False, "job_slice_number": number}
            self.failed(template, "relaunched", True, **canceled, **slices)

    def out_of_the_ordinary(self) -> int:
        """One that always fails, one that may not be started, one without template; the number of the second."""
        self.failed(self.template(outcomes={"web2": "failed"}), "relaunched", False)
        forbidden = self.failed(self.template(), "refused", False)
        gone = self.template()
        # An administrator may relaunch it all the same.
        self.failed(gone, "relaunched", True)
        self._sandbox.delete_template(gone)
        return forbidden

    def own(self) -> int:
        """The job that the recovery runs in, and one of its template that failed."""
        template = self.template(duration=600.0)
        self.expected[self._sandbox.make_job(template=template, status="failed", hosts=FAILED)] = None
        return self._sandbox.launch(template)

    def workflow_jobs(self) -> None:
        template, failing = self.template(), self.template(outcomes={"web2": "failed"})
        for number in range(6):
            made = self._workflow(line(failing if number == 5 else template), FAILED_LINE)
            self.expected[made["id"]] = ("relaunched", number < 5)
            self.expected[made["jobs"]["B"]] = None

    def plain(self) -> None:
        """46 of 12 templates: by turns with other values, failed several times, and recovered by schedule."""
        for number, some in enumerate((3, 4, 4, 3, 4, 4, 4, 4, 4, 4, 4, 4)):
            template = self.template()
            for release in range(some):
                values = {"extra_vars": {"release": release}}
                if number % 3 == 0:
                    self.failed(template, "relaunched", True, **values, prompts=values)
                else:
                    last = number % 3 == 1 and release == some - 1
                    self.failed(template, "relaunched" if last else "superseded", True)
            if number % 3 == 2:
                well = dict.fromkeys(HOSTS, "ok")
                self._sandbox.make_job(template=template, status="successful", launch_type="scheduled", hosts=well)


def recover(sandbox: Sandbox, driver: Driver, task: Options) -> Options:
    sandbox.clear_log()
    return driver.bulk(**task)


def launched(sandbox: Sandbox) -> dict[str, int]:
    """How many of each kind were launched since the log was cleared."""
    kinds = {"jobs": "job", "workflow_job_templates": "workflow", "projects": "update"}
    posts = (entry["path"].split("/") for entry in sandbox.log() if entry["status"] in (201, 202))
    return collections.Counter(kinds[path[3]] for path in posts if path[-2] in ("relaunch", "launch", "update"))


def test_all_of_an_outage_ends_where_it_must(
    sandbox: Sandbox,
    driver: Driver,
    workflow: t.Callable[..., Options],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    sandbox.settings(max_running=50)
    outage = Outage(sandbox, workflow)
    update = outage.behind_a_broken_project()
    outage.canceled_slices()
    forbidden = outage.out_of_the_ordinary()
    outage.workflow_jobs()
    own = outage.own()
    outage.plain()
    selected = [job for job, end in outage.expected.items() if end is not None]
    assert (outage.templates, len(outage.expected), len(selected)) == (20, 60 + 6 + 1, 53 + 6)
    sandbox.misbehave([{"kind": "forbidden", "method": "POST", "path": f"/jobs/{forbidden}/relaunch/$", "times": None}])
    monkeypatch.setenv("JOB_ID", str(own))
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", str(tmp_path / f"awx_{own}_x"))
    since = sandbox.request("GET", f"/project_updates/{update}/").body["created"]
    task: Options = {
        "finished_after": since,
        "status": ["failed", "error", "canceled"],
        "update_first": True,
        "at_once": 20,
    }

    first = recover(sandbox, driver, task)

    entries = {entry["source_job_id"]: entry for entry in first["jobs"]}
    wrong = {
        number: (expected, entries.get(number))
        for number, expected in outage.expected.items()
        if expected != ((found["outcome"], found["recovered"]) if (found := entries.get(number)) else None)
    }
    assert not wrong, "\n".join(f"{number}: {one}" for number, one in wrong.items())
    assert entries.keys() <= outage.expected.keys()
    ended = collections.Counter(one for one in outage.expected.values() if one)
    assert launched(sandbox) == {"job": ended["relaunched", True] - 5 + 1, "workflow": 6, "update": 1}
    assert [(one["id"], one["new_status"]) for one in first["updates"]] == [(update, "successful")]
    assert (first["failed"], first["counts"]["failed"], first["counts"]["refused"]) == (True, 2, 1)

    for _number in range(2):
        again = recover(sandbox, driver, task)
        assert launched(sandbox) == {"job": 1, "workflow": 1}
        assert again["counts"]["recovered"] == first["counts"]["recovered"]
    last = recover(sandbox, driver, task)

    assert launched(sandbox) == {}
    assert (last["changed"], last["failed"], last["counts"]["failed"]) == (False, True, 0)
    assert {entry["attempts"] for entry in last["jobs"] if entry["outcome"] == "needs_person"} == {3}
    assert {entry["type"] for entry in last["jobs"] if entry["outcome"] == "needs_person"} == {"job", "workflow_job"}
