# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task tells before, in check mode, and after: of a job that was cut short, and of one that never began."""

from __future__ import annotations

import time
import typing as t

import pytest

from sandbox.marks import Marks, playbook
from sandbox.process import Sandbox

if t.TYPE_CHECKING:
    from .conftest import Driver

Options = dict[str, t.Any]

FIVE = tuple(f"web{number}" for number in range(1, 6))


def template(sandbox: Sandbox, content: str, hosts: t.Iterable[str] = FIVE, **options: t.Any) -> Options:
    return sandbox.add_template(f"Told {sandbox.token()[:8]}", content, hosts={name: {} for name in hosts}, **options)


def failed(sandbox: Sandbox, made: Options, status: str = "failed") -> int:
    job = sandbox.launch(made["id"])
    assert sandbox.wait(job) == status
    sandbox.clear_log()
    return job


def launches(sandbox: Sandbox) -> list[str]:
    return [entry["path"].removeprefix("/api/v2") for entry in sandbox.log() if entry["method"] == "POST"]


class TestAJobThatWasCutShort:
    """A rolling update by batches of two, whose first one fails on both of its hosts."""

    @pytest.fixture
    def job(self, sandbox: Sandbox, marks: Marks) -> int:
        marks.fail("Deploy", web1=1, web2=1)
        return failed(sandbox, template(sandbox, playbook(marks.play("all", "Deploy", serial=2))))

    def test_says_who_succeeded_and_who_was_not_reached(self, sandbox: Sandbox, driver: Driver, job: int) -> None:
        first = driver.relaunch(job)
        again = driver.relaunch(job)

        assert (first["failed"], first["cut_short"], again["failed"], again["changed"]) == (True, True, True, False)
        for result in (first, again):
            assert result["stopped_hosts"] == ["web3", "web4", "web5"]
            assert f"Of job {job} web1, web2 succeeded since, last in job {first['id']}." in result["msg"]
            assert f'Job {job} stopped before its end at task "Deploy" of play "All"' in result["msg"]
            assert "it has not been done on web3, web4, web5, though they did not fail" in result["msg"]
            assert result["msg"].endswith(f"See {sandbox.url}/#/jobs/playbook/{job}/output")

    def test_check_mode_tells_of_the_run_on_all_that_follows(self, sandbox: Sandbox, driver: Driver, job: int) -> None:
        before = driver.relaunch(job, check_mode=True, fallback_to_all=True)
        plain = driver.relaunch(job, check_mode=True)
        assert launches(sandbox) == []
        after = driver.relaunch(job, fallback_to_all=True)

        assert "would be relaunched on 2 failed hosts: web1, web2 and waited for" in before["msg"]
        assert "All its hosts would follow if it had stopped before its end for others" in before["msg"]
        assert "All its hosts" not in plain["msg"]
        assert (after["failed"], after["limit"]) == (False, "")
        assert "it has not been done on web3, web4, web5" in after["msg"]
        assert "relaunched as job" in after["msg"] and "on all its hosts" in after["msg"]
        assert len(launches(sandbox)) == 2

    def test_check_mode_tells_the_same_once_its_failed_hosts_are_healed(
        self, sandbox: Sandbox, driver: Driver, job: int
    ) -> None:
        assert sandbox.wait(sandbox.relaunch(job, hosts="failed")) == "successful"
        sandbox.clear_log()

        refused = driver.relaunch(job, check_mode=True)
        before = driver.relaunch(job, check_mode=True, fallback_to_all=True)
        assert launches(sandbox) == []
        after = driver.relaunch(job, fallback_to_all=True)

        assert (refused["failed"], refused["cut_short"], refused["changed"]) == (True, True, False)
        assert (before["failed"], before["changed"]) == (False, True)
        assert "would be relaunched on all its hosts" in before["msg"]
        assert before["msg"].partition(": would")[0] == after["msg"].partition(": relaunched")[0]
        assert (after["changed"], after["limit"]) == (True, "")

    def test_retrying_tells_of_the_attempt_on_all_hosts(self, driver: Driver, marks: Marks, job: int) -> None:
        result = driver.retry(job, fallback_to_all=True)

        assert (result["failed"], result["ended"], result["recovered"]) == (False, "none_left", {"web1": 1, "web2": 1})
        first, second = result["attempts"]
        assert (first["attempt"], first["all_hosts"], first["hosts"]) == (1, False, ["web1", "web2"])
        assert (second["attempt"], second["all_hosts"], second["hosts"]) == (2, True, ["web3", "web4", "web5"])
        assert (first["status"], second["status"]) == ("successful", "successful")
        assert result["summary"] == [
            f"web1: recovered at attempt 1 (job {first['job_id']})",
            f"web2: recovered at attempt 1 (job {first['job_id']})",
            f"all hosts: successful at attempt 2 (job {second['job_id']})",
        ]
        assert sorted(marks.passed("Deploy")) == list(FIVE)


class TestARelaunchThatRunsOnceMoreOnHostsThatAreDone:
    @pytest.fixture
    def job(self, sandbox: Sandbox, marks: Marks) -> int:
        """Failed on three hosts, two of which a relaunch has healed."""
        marks.fail("Deploy", web1=1, web2=1, web3=(1, 2))
        made = template(sandbox, playbook(marks.play("all", "Deploy")), FIVE[:3], roles={"alice": "execute"})
        job = sandbox.launch(made["id"], user="alice")
        assert sandbox.wait(job) == "failed"
        assert sandbox.wait(sandbox.relaunch(job, user="alice", hosts="failed")) == "failed"
        sandbox.clear_log()
        return job

    def test_tells_which(self, sandbox: Sandbox, driver: Driver, marks: Marks, job: int) -> None:
        """Who may only execute the template cannot relaunch the relaunch, which has a limit for a prompt."""
        told = driver.relaunch(job, user="alice", check_mode=True)
        result = driver.relaunch(job, user="alice")

        assert "It would run once more on web1, web2, which had succeeded since." in told["msg"]
        assert (result["failed"], result["hosts"]) == (False, ["web1", "web2", "web3"])
        assert "It runs once more on web1, web2, which had succeeded since." in result["msg"]
        assert len(marks.passed("Deploy")["web1"]) == 2

    def test_an_administrator_need_not(self, driver: Driver, marks: Marks, job: int) -> None:
        result = driver.relaunch(job)

        assert (result["failed"], result["hosts"]) == (False, ["web3"])
        assert "once more" not in result["msg"]
        assert len(marks.passed("Deploy")["web1"]) == 1


class TestAJobThatNeverBegan:
    @pytest.fixture
    def project(self, sandbox: Sandbox) -> int:
        return sandbox.add_project(f"Site {sandbox.token()[:8]}", scm_update_on_launch=True)

    @pytest.fixture
    def job(self, sandbox: Sandbox, marks: Marks, project: int) -> int:
        """Its project could not be updated."""
        made = template(sandbox, playbook(marks.play("all", "Deploy")), FIVE[:2], project=project)
        sandbox.change_project(project, broken="no such branch")
        return failed(sandbox, made)

    def test_is_relaunched_whole_once_the_cause_is_mended(
        self, sandbox: Sandbox, driver: Driver, marks: Marks, project: int, job: int
    ) -> None:
        sandbox.change_project(project, broken="")

        before = driver.relaunch(job, check_mode=True)
        first = driver.relaunch(job)
        second = driver.relaunch(job)

        assert f"Job {job} ended with status failed before it had begun (Previous Task Failed" in first["msg"]
        assert "so that all its hosts remain: relaunched as job" in first["msg"]
        assert "would be relaunched on all its hosts" in before["msg"]
        assert (first["failed"], first["changed"], first["limit"], first["status"]) == (False, True, "", "successful")
        assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"])
        assert sorted(marks.passed("Deploy")) == ["web1", "web2"]
        assert launches(sandbox) == [f"/jobs/{job}/relaunch/"]

    def test_the_failure_names_a_cause_that_is_still_there(self, sandbox: Sandbox, driver: Driver, job: int) -> None:
        first = driver.relaunch(job)
        second = driver.relaunch(job)

        for result in (first, second):
            assert (result["failed"], result["changed"], result["status"]) == (True, True, "failed")
            update = result["job"]["job_explanation"].rpartition('"job_id": "')[2].partition('"')[0]
            assert update and update in result["msg"]
            assert "Previous Task Failed" in result["msg"]

    def test_retrying_is_done_with_it(
        self, sandbox: Sandbox, driver: Driver, marks: Marks, project: int, job: int
    ) -> None:
        """The first round fails for the same cause, which is mended in the delay."""

        def mend(seconds: float) -> None:
            if seconds < 1000:
                time.sleep(seconds)
            else:
                sandbox.change_project(project, broken="")

        result = driver.sleeping(mend).retry(job, delay=1000, delay_max=1000)

        assert (result["failed"], result["ended"], result["remaining_hosts"]) == (False, "none_left", [])
        assert [(one["status"], one["all_hosts"]) for one in result["attempts"]] == [
            ("failed", True),
            ("successful", True),
        ]
        assert sorted(marks.passed("Deploy")) == ["web1", "web2"]

    def test_canceled_while_it_was_pending(self, sandbox: Sandbox, driver: Driver, marks: Marks) -> None:
        made = template(sandbox, playbook(marks.play("all", "Deploy")), FIVE[:2])
        sandbox.settings(max_running=0)
        job = sandbox.launch(made["id"])
        assert sandbox.cancel(job) == 202
        assert sandbox.wait(job) == "canceled"
        sandbox.settings(max_running=4)

        first, second = driver.relaunch(job), driver.relaunch(job)

        assert (first["failed"], first["changed"], first["limit"]) == (False, True, "")
        assert f"Job {job} ended with status canceled before it had begun" in first["msg"]
        assert (second["changed"], second["id"]) == (False, first["id"])

    def test_a_syntax_error_that_was_mended(self, sandbox: Sandbox, driver: Driver, marks: Marks) -> None:
        content = playbook(marks.play("all", "Deploy"))
        made = template(sandbox, content.replace("hosts: all", "hostz: all"), FIVE[:2])
        job = failed(sandbox, made)
        still = driver.relaunch(job)
        sandbox.change_template(made["id"], content=content)
        first, second = driver.relaunch(job), driver.relaunch(job)

        assert (still["failed"], still["changed"], still["status"]) == (True, True, "failed")
        assert (first["failed"], first["changed"], first["limit"]) == (False, True, "")
        assert "before it had begun" in first["msg"]
        assert (second["changed"], second["id"]) == (False, first["id"])

    def test_a_limit_that_matched_nothing(self, sandbox: Sandbox, driver: Driver, marks: Marks) -> None:
        made = template(sandbox, playbook(marks.play("all", "Deploy")), FIVE[:2], limit="web9")
        job = failed(sandbox, made)
        sandbox.add_host(made["inventory"], "web9")

        first, second = driver.relaunch(job), driver.relaunch(job)

        assert (first["failed"], first["changed"], first["limit"]) == (False, True, "web9")
        assert "before it had begun" in first["msg"]
        assert (second["changed"], second["id"]) == (False, first["id"])
        assert sorted(marks.passed("Deploy")) == ["web9"]


def test_a_host_that_no_relaunch_reaches_is_told_each_time(sandbox: Sandbox, driver: Driver) -> None:
    made = template(sandbox, playbook(), FIVE[:2], outcomes={"web2": 9}, duration=0.05, asks=["limit"])
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "failed", "web2": "failed"})
    sandbox.delete_host(made["hosts"]["web1"])
    sandbox.add_host(made["inventory"], "web1")

    told = [driver.relaunch(job), driver.relaunch(job, wait=False)]
    sandbox.wait(told[-1]["id"])
    told.append(driver.retry(job, retries=2))
    reached = driver.retry(job, retries=1, hosts="remaining")

    for result in told:
        assert (result["limit"], result["remaining_hosts"]) == ("web2", ["web1", "web2"]), result["msg"]
        (warning,) = result["warnings"]
        assert warning.startswith("No relaunch on failed hosts reaches web1: deleted and added again.")
    assert "still fails on web2 after 2 attempts. Left, and not tried: web1." in told[-1]["msg"]
    assert (reached["limit"], reached["remaining_hosts"]) == ("web1,web2", ["web2"])
    assert "warnings" not in reached


def test_and_not_any_more_when_a_run_on_all_hosts_has_done_it(sandbox: Sandbox, driver: Driver) -> None:
    made = template(sandbox, playbook(), FIVE[:2], outcomes={}, duration=0.05)
    job = sandbox.make_job(template=made["id"], status="failed", hosts={"web1": "failed", "web2": "failed"})
    sandbox.delete_host(made["hosts"]["web1"])
    sandbox.add_host(made["inventory"], "web1")

    result = driver.relaunch(job, fallback_to_all=True)

    assert (result["limit"], result["remaining_hosts"]) == ("", []), result["msg"]
    assert "all hosts are next" in result["msg"] and "warnings" not in result


def test_an_error_after_all_hosts_were_done_needs_nothing(sandbox: Sandbox, driver: Driver) -> None:
    made = template(sandbox, playbook(), FIVE[:2], outcomes={})
    job = sandbox.make_job(template=made["id"], status="error", hosts={"web1": "ok", "web2": "changed"})
    sandbox.clear_log()

    result = driver.relaunch(job)

    assert (result["failed"], result["changed"], result["id"]) == (False, False, job), result["msg"]
    assert f"Job {job} failed on no host" in result["msg"]
    assert launches(sandbox) == []
