# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task has done: as its result, and as what errors carry."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import RefusedError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import (
    BrokenOffError,
    Outcome,
    RelaunchOutcome,
    carrying,
    first_error,
    interrupted_with,
    outcome_of,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import relaunched

NEW = Job.of(relaunched(43, "running", job_explanation="x"))
NEW_WORKFLOW = Job({"id": 44, "type": "workflow_job", "status": "running"})


@pytest.fixture
def client() -> t.Iterator[ControllerClient]:
    with ControllerClient(ConnectionOptions("https://c", token="t")) as client:
        yield client


class TestResult:
    def test_what_is_not_known_is_left_out(self) -> None:
        assert Outcome().result() == {"msg": "", "changed": False}
        assert RelaunchOutcome(source_job_id=42).result() == {"msg": "", "changed": False, "source_job_id": 42}

    def test_nothing_is_something_else_than_unknown(self) -> None:
        known = RelaunchOutcome(failed_hosts=(), remaining_hosts=("a",), failures_more=0, cut_short=True).result()
        assert (known["failed_hosts"], known["remaining_hosts"], known["failures_more"]) == ([], ["a"], 0)
        assert known["cut_short"] is True

    def test_facts_that_would_hide_the_failures_are_left_out(self) -> None:
        noise = {"related": {"cancel": "/x/"}, "job_env": {"HOME": "/"}, "job_args": "[]", "job_cwd": "/runner/project"}
        read = {"playbook": "site.yml", "started": "2026-11-23T07:15:24.990109Z", "summary_fields": {}}
        job = Outcome(job=Job({**NEW.facts, **noise, **read})).result()["job"]
        assert not noise.keys() & job.keys()
        assert {name: job[name] for name in read} == read

    def test_of_a_job(self, client: ControllerClient) -> None:
        shown = Outcome("Done.", changed=True).about(client, NEW).result()
        assert shown == {
            "msg": "Done.",
            "changed": True,
            "id": 43,
            "status": "running",
            "elapsed": 1.5,
            "limit": "web1,web2",
            "launch_type": "relaunch",
            "job_type": "run",
            "job_explanation": "x",
            "url": "https://c/#/jobs/playbook/43/output",
            "job": dict(NEW.facts),
        }

    def test_facts_that_the_controller_does_not_tell_are_not_made_up(self, client: ControllerClient) -> None:
        shown = Outcome().about(client, Job.of({"id": 43, "type": "workflow_job", "status": "new"})).result()
        assert set(shown) == {"msg", "changed", "id", "status", "url", "job"}
        assert shown["url"] == "https://c/#/jobs/workflow/43/output"


def test_sentences_and_warnings_add_up() -> None:
    outcome = Outcome().saying("One.", "").saying("", "Two.").warned("", "a").warned("b", "a")
    assert (outcome.msg, outcome.warnings) == ("One. Two.", ("a", "b"))
    assert Outcome().warned("").warnings is None


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (Outcome(), ""),
        (Outcome(job=NEW), ""),
        (
            Outcome(changed=True),
            " A job may have been launched. Running the task again is safe: it looks for it first.",
        ),
        (Outcome(changed=True, job=NEW), " Job 43 had been launched and goes on."),
        (Outcome(changed=True, job=NEW_WORKFLOW), " Workflow job 44 had been launched and goes on."),
    ],
)
def test_what_may_be_lost_sight_of(outcome: Outcome, sentence: str) -> None:
    assert outcome.so_far == sentence


class TestCarrying:
    @pytest.mark.parametrize("error", [ValueError("a defect"), KeyboardInterrupt()])
    def test_what_is_no_error_of_ours_keeps_its_class(self, error: BaseException) -> None:
        with pytest.raises(type(error)) as broken, carrying(Outcome("so far")):
            raise error
        assert broken.value is error and outcome_of(error) == Outcome("so far")
        assert first_error(error) is error

    def test_an_error_is_raised_as_one_that_broke_the_task_off(self) -> None:
        refused = RefusedError("No.")
        with pytest.raises(BrokenOffError, match=r"^No\.$") as broken, carrying(Outcome("so far")):
            raise refused
        assert outcome_of(broken.value) == Outcome("so far")
        assert first_error(broken.value) is refused is broken.value.__cause__

    @pytest.mark.parametrize("error", [RefusedError("No."), KeyboardInterrupt()])
    def test_the_innermost_knows_most(self, error: BaseException) -> None:
        with pytest.raises(BaseException) as broken, carrying(Outcome("outer")), carrying(Outcome("inner")):
            raise error
        assert outcome_of(broken.value) == Outcome("inner")

    def test_a_sequence_that_is_dropped_carries_nothing(self) -> None:
        def steps() -> t.Iterator[None]:
            with carrying(Outcome("so far")):
                yield

        dropped = steps()
        next(dropped)
        dropped.close()

    def test_of_a_launch_only_an_interruption_is_told(self) -> None:
        with pytest.raises(KeyboardInterrupt) as broken, interrupted_with(Outcome("unknown")):
            raise KeyboardInterrupt
        assert outcome_of(broken.value) == Outcome("unknown")
        with pytest.raises(RefusedError) as refused, interrupted_with(Outcome("unknown")):
            raise RefusedError("No.")
        assert outcome_of(refused.value) is None

    def test_other_errors_carry_nothing(self) -> None:
        assert outcome_of(RefusedError("No.")) is None and outcome_of(ValueError()) is None
