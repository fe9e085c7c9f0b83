# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""job_relaunch as a playbook's task: what is launched, what comes back, what a person sees."""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

import pytest

from sandbox.process import Sandbox

if t.TYPE_CHECKING:
    from .conftest import Driver

RunTasks = t.Callable[..., t.Any]
Options = dict[str, t.Any]


BOTH_WAYS = pytest.mark.parametrize("in_process", [True, False], ids=["in process", "module"])
AS_A_MODULE = pytest.mark.parametrize("in_process", [False], ids=["module"])


def runs(folder: Path, host: str) -> int:
    """How often a host really ran."""
    return (folder / host).read_text(encoding="utf-8").count("run")


def unsafe(sandbox: Sandbox) -> list[str]:
    """The requests that may have changed something."""
    return [entry["path"] for entry in sandbox.log() if entry["method"] not in ("GET", "HEAD", "OPTIONS")]


@BOTH_WAYS
def test_relaunches_on_exactly_the_failed_hosts_and_then_leaves_it_alone(
    sandbox: Sandbox, played_job: int, admin: Options, run_tasks: RunTasks, tmp_path: Path
) -> None:
    task = {"job_id": played_job, "hosts": "failed", "wait": True, **admin}

    first, second = run_tasks(task, task).results

    assert (first["failed"], first["changed"], first["status"]) == (False, True, "successful")
    assert sorted(sandbox.job(first["id"])["limit"].split(",")) == first["hosts"] == ["web2", "web3"]
    assert [runs(tmp_path, host) for host in ("web1", "web2", "web3")] == [1, 2, 2]
    assert (second["failed"], second["changed"], second["id"]) == (False, False, first["id"])
    assert unsafe(sandbox) == [f"/api/v2/jobs/{played_job}/relaunch/"]
    assert not {"started", "finished"} & set(first)
    assert first["job"]["finished"]


def test_right_after_the_job_ended(sandbox: Sandbox, stubborn: t.Callable[..., Options], driver: Driver) -> None:
    job = sandbox.launch(stubborn(web1=1)["id"])

    result = driver.relaunch(job)

    assert (result["failed"], result["changed"], result["limit"]) == (False, True, "web1")


def test_while_a_relaunch_is_running_it_is_adopted(sandbox: Sandbox, failed_job: int, driver: Driver) -> None:
    sandbox.settings(event_lag=2)

    first, second = (driver.relaunch(failed_job, wait=False) for _number in range(2))
    waited = driver.relaunch(failed_job)

    assert (first["changed"], second["changed"], waited["changed"]) == (True, False, False)
    assert first["id"] == second["id"] == waited["id"]
    assert len(unsafe(sandbox)) == 1


def test_a_first_relaunch_takes_four_requests_over_one_connection(
    sandbox: Sandbox, failed_job: int, driver: Driver
) -> None:
    driver.relaunch(failed_job, wait=False)

    log = sandbox.log()
    # The last one looks whether another caller has launched the same in the same instant.
    assert [entry["method"] for entry in log] == ["GET", "GET", "POST", "GET"]
    assert len({entry["connection"] for entry in log}) == 1


def test_a_wait_takes_one_request_a_look_over_the_same_connection(
    sandbox: Sandbox, failed_job: int, driver: Driver
) -> None:
    result = driver.relaunch(failed_job, interval=2)

    assert result["status"] == "successful"
    _source, _later, launch, others, *rest = sandbox.log()
    assert (launch["path"], others["path"]) == (f"/api/v2/jobs/{failed_job}/relaunch/", "/api/v2/jobs/")
    ours = [entry for entry in rest if entry["path"] == f"/api/v2/jobs/{result['id']}/"]
    ended = next(number for number, entry in enumerate(rest) if entry not in ours)
    looks = [others, *rest[:ended]]
    # The look at other callers is the first one; no pause but those for the events at the end is shorter than a second.
    assert all(after["time"] - before["time"] > 0.95 for before, after in zip(looks, looks[1:-1], strict=False))
    # Which hosts ran, and whether the job had stopped before its end.
    assert len(rest[ended:]) <= 6
    assert len({entry["connection"] for entry in sandbox.log()}) == 1


def test_a_relaunch_that_fails_again_fails_the_task_with_all_that_is_known(
    sandbox: Sandbox, stubborn: t.Callable[..., Options], admin: Options, run_tasks: RunTasks
) -> None:
    job = sandbox.launch(stubborn({"outcomes": None}, web1=0, web2=2)["id"])
    sandbox.wait(job)

    done = run_tasks({"job_id": job, "hosts": "failed", "wait": True, **admin})

    (result,) = done.results
    assert (result["failed"], result["changed"], result["status"]) == (True, True, "failed")
    assert (result["source_job_id"], result["failed_hosts"]) == (job, ["web2"])
    assert [(failure["host"], failure["task"]) for failure in result["failures"]] == [("web2", "Start the service")]
    assert "PLAY RECAP" in result["stdout_tail"]
    assert f"Job {result['id']}, a relaunch of job {job}, ended with status failed on web2." in done.stdout
    told = [line for line in done.stderr.splitlines() if line.startswith("[localhost]")]
    assert f"[localhost] job {result['id']} ended with status failed on: web2" in told
    assert "[localhost]   web2: all / Start the service: non-zero return code: no such unit" in told


class TestCheckMode:
    @AS_A_MODULE
    def test_predicts_and_sends_nothing_unsafe(
        self, sandbox: Sandbox, failed_job: int, admin: Options, run_tasks: RunTasks
    ) -> None:
        task = {"job_id": failed_job, "hosts": "failed", "wait": True, **admin}

        (result,) = run_tasks(task, arguments=["--check", "--diff"]).results

        assert (result["failed"], result["changed"]) == (False, True)
        assert (result["hosts"], result["passwords_missing"]) == (["web2", "web3"], [])
        assert result["retry_counts"] == {"all": 3, "failed": 2}
        assert sandbox.log() and unsafe(sandbox) == []

    def test_the_diff_is_that_of_the_real_run(
        self, sandbox: Sandbox, stubborn: t.Callable[..., Options], driver: Driver
    ) -> None:
        template = stubborn({"asks": ["verbosity", "extra_vars"]}, web1=1, web2=1)["id"]
        job = sandbox.launch(template, verbosity=1, extra_vars={"release": 7})
        sandbox.wait(job)
        survey = [{"variable": name, "type": kind, "default": "x"} for name, kind in (("a", "text"), ("p", "password"))]
        sandbox.change_template(
            template, verbosity=2, forks=3, job_tags="all", extra_vars={"mirror": "two"}, survey=survey
        )
        sandbox.clear_log()

        told = driver.relaunch(job, hosts="failed", check_mode=True, diff=True)
        sent = unsafe(sandbox)
        done = driver.relaunch(job, hosts="failed", wait=True, diff=True)

        assert (told["changed"], sent, done["failed"]) == (True, [], False), done["msg"]
        # The execution environment is the controller's choice at the start of the job, which only that tells.
        before, after = ({**done["diff"][side]} for side in ("before", "after"))
        assert before.pop("execution_environment") == after.pop("execution_environment")
        # In whichever order the controller has them.
        assert sorted(told["diff"]["after"].pop("limit").split(",")) == sorted(after.pop("limit").split(","))
        assert (told["diff"]["before"], {**told["diff"]["after"], "status": "successful"}) == (before, after)
        assert (after["verbosity"], after["job_tags"], after["extra_vars"]["p"]) == (1, "all", "$encrypted$")

    def test_names_the_missing_passwords(
        self, sandbox: Sandbox, stubborn: t.Callable[..., Options], driver: Driver
    ) -> None:
        template = stubborn({"passwords": ["ssh_password", "become_password"]}, web1=1)
        given = {"ssh_password": "hunter2", "become_password": "hunter3"}
        job = sandbox.launch(template["id"], credential_passwords=given)
        sandbox.wait(job)
        sandbox.clear_log()
        some = {"ssh_password": "hunter2"}

        predicted = driver.relaunch(job, check_mode=True, credential_passwords=some, wait=False)
        result = driver.relaunch(job, credential_passwords=some, wait=False)

        assert predicted["failed"] and result["failed"]
        assert (predicted["hosts"], predicted["passwords_missing"]) == (["web1"], ["become_password"])
        assert "become_password" in result["msg"]
        assert unsafe(sandbox) == []

        result = driver.relaunch(job, credential_passwords=given)
        assert (result["failed"], result["status"]) == (False, "successful")


def test_refusals_end_in_a_sentence(
    sandbox: Sandbox, stubborn: t.Callable[..., Options], failed_job: int, driver: Driver
) -> None:
    orphaned = stubborn(web1=0)
    without_inventory = sandbox.make_job(template=orphaned["id"], status="failed", hosts={"web1": "failed"})
    sandbox.delete("inventories", orphaned["inventory"])
    workflow = sandbox.make_job(type="workflow_job", template=sandbox.add_workflow_template("Night"), status="failed")
    command = sandbox.make_job(type="ad_hoc_command", status="failed")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    wrong = {"controller_username": "admin", "controller_password": "wrong", "controller_oauthtoken": None}

    cases: list[tuple[Options, str]] = [
        ({"job": 999999}, "Job 999999 does not exist"),
        ({"job": workflow}, f"{workflow} is the id of a workflow job, not of a job"),
        ({"job": command}, f"{command} is the id of an ad hoc command, not of a job"),
        ({"controller_oauthtoken": "wrong"}, "401: Authentication credentials were not provided"),
        (wrong, "The user name (admin) or password"),
        ({"controller_oauthtoken": sandbox.token("mallory")}, f"This user may not see job {failed_job}"),
        ({"controller_oauthtoken": sandbox.token("reader")}, "execute role"),
        ({"controller_oauthtoken": sandbox.token("admin", scope="read")}, "write scope"),
        ({"job": without_inventory}, "an inventory and a project"),
        ({"controller_host": nobody}, "accepts no connection: Connection refused"),
        ({"controller_host": "no-such-host.invalid"}, "cannot be resolved"),
        ({"controller_host": f"{sandbox.url}/elsewhere"}, "No controller API is found there"),
        ({"controller_host": sandbox.url.replace("http:", "https:")}, "does not speak TLS"),
    ]
    for options, words in cases:
        result = driver.relaunch(**{"job": failed_job, **options})
        assert (result["failed"], result["changed"]) == (True, False)
        assert words in result["msg"], result["msg"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("html", "an HTML page"),
        ("truncate", "lost|broke off|cut short"),
        ("list", "a JSON list instead of a JSON object"),
        ("garbage", "instead of a JSON object"),
        ("empty", "an empty body"),
        ("drop", "was lost"),
        ("reset", "was lost"),
        ("redirect", "Redirects are not followed"),
    ],
)
def test_answers_that_are_none(sandbox: Sandbox, failed_job: int, driver: Driver, kind: str, words: str) -> None:
    location = {"location": "https://elsewhere.example.com/"} if kind == "redirect" else {}
    sandbox.misbehave([{"kind": kind, "path": "/api/", "times": None, **location}])

    result = driver.relaunch(failed_job, hosts="all", wait=False)

    assert (result["failed"], result["changed"]) == (True, False)
    assert any(word in result["msg"] for word in words.split("|")), result["msg"]


def test_async_with_poll_ends(failed_job: int, admin: Options, run_tasks: RunTasks) -> None:
    task = {"job_id": failed_job, "hosts": "failed", "wait": True, **admin, "task": {"async": 60, "poll": 1}}

    (result,) = run_tasks(task).results

    assert (result["failed"], result["changed"], result.get("status")) == (False, True, "successful"), str(result)


def test_a_restart_during_the_wait_is_sat_out(sandbox: Sandbox, failed_job: int, driver: Driver) -> None:
    sandbox.misbehave(
        [
            {"kind": "status", "status": 502, "method": "GET", "path": r"/jobs/\d+/$", "after_requests": 1, "times": 2},
            {"kind": "drop", "method": "GET", "path": r"/jobs/\d+/$", "times": 1},
        ]
    )

    result = driver.relaunch(failed_job, max_retries=5)

    assert (result["failed"], result["changed"], result.get("status")) == (False, True, "successful"), str(result)


def test_until_narrows_to_the_remaining_hosts(
    sandbox: Sandbox, stubborn: t.Callable[..., Options], admin: Options, run_tasks: RunTasks, tmp_path: Path
) -> None:
    job = sandbox.launch(stubborn({"outcomes": None}, web1=1, web2=2, web3=3)["id"])
    sandbox.wait(job)
    sandbox.clear_log()
    loop = {"until": "result is succeeded", "retries": 5, "delay": 0}

    done = run_tasks({"job_id": job, "hosts": "failed", "wait": True, **admin, "task": loop})

    (result,) = done.results
    assert (result["failed"], result["attempts"], result["hosts"]) == (False, 3, ["web3"])
    assert [runs(tmp_path, host) for host in ("web1", "web2", "web3")] == [2, 3, 4]
    assert len(unsafe(sandbox)) == 3
    assert "FAILED - RETRYING" in done.output


def test_until_on_the_status(
    sandbox: Sandbox, stubborn: t.Callable[..., Options], admin: Options, run_tasks: RunTasks
) -> None:
    job = sandbox.launch(stubborn(web1=2)["id"])
    loop = {"until": "(result.status | default('')) == 'successful'", "retries": 5, "delay": 0}

    (result,) = run_tasks({"job_id": job, "hosts": "failed", "wait": True, **admin, "task": loop}).results

    assert (result["failed"], result["attempts"], result["status"]) == (False, 2, "successful")


@BOTH_WAYS
def test_defaults_of_the_action_group_and_the_environment(
    sandbox: Sandbox, failed_job: int, run_playbook: t.Callable[..., t.Any], in_process: bool
) -> None:
    playbook = f"""
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
    relaunch_controller_in_process: {in_process}
  module_defaults:
    group/relaunch.controller.controller:
      controller_username: admin
      controller_password: {sandbox.user("admin")}
  tasks:
    - relaunch.controller.job_relaunch: {{job_id: {failed_job}, hosts: failed}}
"""
    done = run_playbook(playbook, environ={"CONTROLLER_HOST": sandbox.url, "CONTROLLER_OAUTH_TOKEN": ""})

    assert done.status == 0, done.output
    assert [entry["user"] for entry in sandbox.log()] == ["admin"] * 4


@AS_A_MODULE
def test_behind_a_gateway_with_tls(tmp_path: Path, run_tasks: RunTasks) -> None:
    playbook = "- {hosts: all, gather_facts: false, tasks: [{ansible.builtin.fail: }]}\n"
    with Sandbox(tmp_path / "gateway", prefix="gateway", tls=True) as gateway:
        template = gateway.add_template("Deploy", playbook, hosts={"web1": {}})
        job = gateway.make_job(template=template["id"], status="failed", hosts={"web1": "failed"})
        task = {
            "job_id": job,
            "hosts": "failed",
            "aap_hostname": gateway.url,
            "aap_token": gateway.token("admin"),
            "max_retries": 0,
        }

        trusted, untrusted, unchecked = run_tasks(
            {**task, "ca_path": gateway.ca_path}, task, {**task, "validate_certs": False}
        ).results

        assert (trusted["failed"], trusted["changed"]) == (False, True)
        assert trusted["url"] == f"{gateway.url}/execution/jobs/playbook/{trusted['id']}/output"
        assert untrusted["failed"] and "is not trusted: " in untrusted["msg"] and "ca_path" in untrusted["msg"]
        assert unchecked["failed"] is False
