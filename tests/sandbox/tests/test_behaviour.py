# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox does with jobs: really running, relaunching, canceling, and outliving its own restart."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from sandbox.process import UNREACHABLE, Sandbox
from sandbox.tests import playbooks


@pytest.fixture(scope="module")
def failed(sandbox: Sandbox) -> tuple[int, dict[str, int]]:
    """A job that has really failed on two of three hosts, and the hosts' ids."""
    hosts = {"well": {}, "ill": {"broken": True}, "away": UNREACHABLE}
    template = sandbox.add_template("Three hosts", playbooks.REACHING, hosts=hosts)
    job = sandbox.launch(template["id"])
    assert sandbox.wait(job) == "failed"
    return job, template["hosts"]


def test_a_job_really_fails(sandbox: Sandbox, failed: tuple[int, dict[str, int]]) -> None:
    detail = sandbox.job(failed[0])
    assert detail["host_status_counts"] == {"changed": 1, "failures": 1, "dark": 1}
    assert detail["playbook_counts"] == {"play_count": 1, "task_count": 1}
    assert "Reach the host" in sandbox.request("GET", f"/jobs/{failed[0]}/stdout/?format=txt").body
    query = "event__in=runner_on_failed,runner_on_unreachable&order_by=host_name"
    events = sandbox.request("GET", f"/jobs/{failed[0]}/job_events/?{query}").body["results"]
    assert [(event["host_name"], event["event"], event["task"]) for event in events] == [
        ("away", "runner_on_unreachable", "Reach the host"),
        ("ill", "runner_on_failed", "Reach the host"),
    ]
    assert events[1]["event_data"]["res"]["rc"] == 1
    assert events[1]["event_data"]["task_action"] == "ansible.builtin.command"


def test_relaunch_on_failed_hosts_runs_on_them_only(sandbox: Sandbox, failed: tuple[int, dict[str, int]]) -> None:
    job, hosts = failed
    sandbox.change_host(hosts["ill"], variables={})
    sandbox.change_host(hosts["away"], variables={}, name="back")
    new = sandbox.relaunch(job, hosts="failed")
    assert sandbox.wait(new) == "successful"
    assert set(sandbox.job(new)["limit"].split(",")) == {"ill", "back"}
    summaries = sandbox.request("GET", f"/jobs/{new}/job_host_summaries/").body["results"]
    assert {summary["host_name"] for summary in summaries} == {"ill", "back"}


def test_events_lag_behind_the_status(sandbox: Sandbox) -> None:
    sandbox.settings(event_lag=600.0)
    template = sandbox.add_template("Lag", playbooks.CHECKING, hosts={"one": {"broken": True}})["id"]
    job = sandbox.launch(template)
    assert sandbox.wait(job, events=False) == "failed"
    assert sandbox.job(job)["event_processing_finished"] is False
    refusal = sandbox.request("POST", f"/jobs/{job}/relaunch/", body={"hosts": "failed"})
    assert (refusal.status, type(refusal.body["hosts"])) == (400, str)
    counts = sandbox.request("GET", f"/jobs/{job}/relaunch/").body["retry_counts"]
    assert counts == {"all": 1, "failed": 1}
    sandbox.settings(lag_hides_counts=True)
    counts = sandbox.request("GET", f"/jobs/{job}/relaunch/").body["retry_counts"]
    assert counts == {"all": 0, "failed": 0}
    sandbox.change_job(job, events_saved_at=time.time())
    assert sandbox.job(job)["event_processing_finished"] is True
    assert sandbox.request("POST", f"/jobs/{job}/relaunch/", body={"hosts": "failed"}).status == 201


def test_a_user_may_retry_the_source_but_not_the_retry(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Chain", playbooks.CHECKING, hosts={"one": {"broken": True}, "two": {}})["id"]
    source = sandbox.launch(template, user="alice")
    sandbox.wait(source)
    retry = sandbox.relaunch(source, user="alice", hosts="failed")
    sandbox.wait(retry)
    refusal = sandbox.request("POST", f"/jobs/{retry}/relaunch/", user="alice", body={"hosts": "failed"})
    assert refusal.status == 403
    assert refusal.body["detail"].startswith("Job was launched with prompted fields")
    assert sandbox.relaunch(source, user="alice", hosts="failed") > retry
    assert sandbox.relaunch(retry, user="admin", hosts="failed") > retry


def test_passwords_reach_the_playbook_and_no_answer(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Needy", playbooks.NEEDY, hosts={"one": {}}, passwords=["ssh_password"])["id"]
    job = sandbox.launch(template, credential_passwords={"ssh_password": "wrong"})
    assert sandbox.wait(job) == "failed"
    new = sandbox.relaunch(job, credential_passwords={"ssh_password": "hunter2"})
    assert sandbox.wait(new) == "successful"
    for path in (f"/jobs/{new}/", f"/jobs/{new}/job_events/", f"/jobs/{new}/stdout/?format=json"):
        assert "hunter2" not in str(sandbox.request("GET", path).body)


def test_cancel_ends_every_process_of_the_job(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Sleep", playbooks.SLEEPING, hosts={"one": {}, "two": {}})["id"]
    job = sandbox.launch(template)
    _wait_for_sleep(sandbox, job)
    assert sandbox.request("POST", f"/jobs/{job}/cancel/").status == 202
    assert sandbox.wait(job) == "canceled"
    assert not _sleeping(sandbox)
    assert sandbox.request("POST", f"/jobs/{job}/cancel/").status == 405


def test_a_job_outlives_a_restart(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Nap", playbooks.SLEEPING, hosts={"one": {"seconds": 1}})["id"]
    job = sandbox.launch(template)
    sandbox.wait(job, status="running")
    logged = sandbox.log(own=True)
    sandbox.restart()
    assert sandbox.log(own=True)[: len(logged)] == logged
    assert sandbox.job(job)["status"] == "running"
    assert sandbox.wait(job) == "successful"


def test_one_at_a_time(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Serial", playbooks.SLEEPING, hosts={"one": {}}, allow_simultaneous=False)["id"]
    first, second = sandbox.launch(template), sandbox.launch(template)
    sandbox.wait(first, status="running")
    assert sandbox.job(second)["status"] == "pending"
    assert sandbox.wait_for_explanation(second) == f"waiting for job-{first} to finish"
    for job in (second, first):
        sandbox.request("POST", f"/jobs/{job}/cancel/")
        assert sandbox.wait(job) == "canceled"


def test_events_that_never_finish(sandbox: Sandbox) -> None:
    sandbox.settings(events_never_finish_after_error=True)
    template = sandbox.add_template("Error", playbooks.CHECKING, hosts={"one": {}}, error="No such thing")["id"]
    job = sandbox.launch(template)
    assert sandbox.wait(job) == "error"
    assert sandbox.job(job)["event_processing_finished"] is False


def test_check_where_the_controller_knows_it(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Check", playbooks.REACHING, hosts={"one": {}})["id"]
    source = sandbox.make_job(template=template, hosts={"one": "ok"})
    ignored = sandbox.relaunch(source, job_type="check")
    assert sandbox.job(ignored)["job_type"] == "run"
    sandbox.settings(relaunch_takes_job_type=True)
    checked = sandbox.relaunch(source, job_type="check")
    options = sandbox.request("OPTIONS", f"/jobs/{source}/relaunch/").body["actions"]["POST"]
    assert [choice[0] for choice in options["job_type"]["choices"]] == [None, "run", "check"]
    assert sandbox.wait(checked) == "successful"
    assert sandbox.job(checked)["job_type"] == "check"
    assert "--check" in sandbox.job(checked)["job_args"]
    assert sandbox.request("POST", f"/jobs/{source}/relaunch/", body={"job_type": "scan"}).status == 400
    sandbox.wait(ignored)


def test_slices_run_on_their_hosts(sandbox: Sandbox) -> None:
    hosts = {"a": {}, "b": {"broken": True}, "c": {}}
    template = sandbox.add_template("Slices", playbooks.CHECKING, hosts=hosts, job_slice_count=2)["id"]
    workflow = sandbox.launch(template)
    assert sandbox.wait(workflow) == "failed"
    slices = sandbox.request("GET", f"/jobs/?unified_job_template={template}&order_by=id").body["results"]
    assert [job["job_slice_number"] for job in slices] == [1, 2]
    names = [
        {one["host_name"] for one in sandbox.request("GET", f"/jobs/{job['id']}/job_host_summaries/").body["results"]}
        for job in slices
    ]
    assert names == [{"a", "c"}, {"b"}]
    retry = sandbox.relaunch(slices[1]["id"], hosts="failed")
    assert sandbox.job(retry)["job_slice_number"] == 2
    assert sandbox.wait(retry) == "failed"


def test_twenty_parallel_posts_make_twenty_jobs(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Parallel", playbooks.CHECKING, hosts={"one": {}}, error="too many")["id"]
    source = sandbox.make_job(template=template, status="failed", hosts={"one": "failed"})
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        jobs = list(pool.map(lambda _number: sandbox.relaunch(source, hosts="failed"), range(20)))
    assert len(set(jobs)) == 20
    listed = sandbox.request("GET", f"/jobs/?unified_job_template={template}&launch_type=relaunch&page_size=5").body
    assert listed["count"] == 20
    assert "page=2" in listed["next"]
    assert [sandbox.wait(job) for job in jobs] == ["error"] * 20


def test_filters(sandbox: Sandbox) -> None:
    template = sandbox.add_template("Filters {{ name }}", playbooks.CHECKING, hosts={"one": {}})["id"]
    jobs = [sandbox.make_job(template=template, status=status, stats=False) for status in ("failed", "canceled")]

    def ids(query: str) -> list[int]:
        found = sandbox.request("GET", f"/jobs/?unified_job_template={template}&{query}").body["results"]
        return [job["id"] for job in found]

    assert ids("status__in=failed,error") == jobs[:1]
    assert ids("order_by=-id") == jobs[::-1]
    assert ids(f"id__gt={jobs[0]}") == jobs[1:]
    assert ids("not__launch_type=manual") == []
    assert ids("limit=nothing") == jobs
    created = sandbox.job(jobs[0])["created"]
    assert ids(f"created__gt={created}") == jobs[1:]
    assert "event_processing_finished" not in sandbox.request("GET", "/jobs/").body["results"][0]
    for query, status in (("extra_vars=a", 403), ("launched_by=1", 400), ("event_processing_finished=1", 400)):
        assert sandbox.request("GET", f"/jobs/?{query}").status == status
    found = sandbox.request("GET", "/job_templates/?name=Filters%20%7B%7B%20name%20%7D%7D").body["results"]
    assert [one["id"] for one in found] == [template]


def test_sentences_in_another_language(sandbox: Sandbox) -> None:
    sandbox.settings(language="xx")
    refusal = sandbox.request("GET", "/jobs/999999/")
    assert refusal.status == 404
    assert list(refusal.body) == ["detail"]
    assert "matches" not in refusal.body["detail"]
    assert refusal.headers["Content-Language"] == "xx"


def test_tokens(sandbox: Sandbox) -> None:
    token = sandbox.token("alice", "read")
    assert sandbox.request("GET", "/me/", token=token).body["results"][0]["username"] == "alice"
    assert sandbox.request("POST", "/tokens/", token=token, body={}).status == 403
    sandbox.expire_tokens(token)
    assert sandbox.request("GET", "/me/", token=token).status == 401


def test_gateway_with_tls(tmp_path: pathlib.Path) -> None:
    with Sandbox(tmp_path, prefix="gateway", tls=True) as sandbox:
        assert sandbox.url.startswith("https://")
        assert sandbox.request("GET", "/api/", user=None).body["apis"]["controller"] == "/api/controller/"
        outside = sandbox.request("GET", "/api/v2/ping/")
        assert (outside.status, outside.headers.get_content_type()) == (404, "text/html")
        template = sandbox.add_template("Behind", playbooks.CHECKING, hosts={"one": {}})["id"]
        job = sandbox.make_job(template=template, hosts={"one": "ok"})
        assert sandbox.job(job)["url"] == f"/api/v2/jobs/{job}/"


def test_the_callers_ansible_configuration_does_not_count(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_INVENTORY_ENABLED", "nonsense")
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "nonsense")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with Sandbox(tmp_path / "data", event_lag=0.0) as sandbox:
        job = sandbox.launch(sandbox.add_template("Clean", playbooks.CHECKING, hosts={"one": {}})["id"])
        assert sandbox.wait(job) == "successful"
    assert [path.name for path in (tmp_path / "data" / "jobs").iterdir()] == []
    for log in ("supervisor.log", "web.log", "jobs.log"):
        assert (tmp_path / "data" / log).read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("end", ["stop", "kill", "orphan"])
def test_no_process_is_left(end: str, tmp_path: pathlib.Path) -> None:
    if end == "orphan":
        # A parent that is killed closes nothing and stops nothing itself.
        code = (
            "import sys, time; sys.path.insert(0, sys.argv[2]); from sandbox.process import Sandbox\n"
            "sandbox = Sandbox(sys.argv[1]); sandbox.start()\n"
            "sys.stdout.write(f'{sandbox.pid} {sandbox.url}\\n'); sys.stdout.flush(); time.sleep(60)"
        )
        folder = str(pathlib.Path(__file__).resolve().parents[2])
        parent = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), folder], stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        sandbox = Sandbox(tmp_path, port=int(url.rpartition(":")[2]))
        root = int(pid)
    else:
        sandbox = Sandbox(tmp_path)
        sandbox.start()
        root = sandbox.pid
    job = sandbox.launch(sandbox.add_template("Sleep", playbooks.SLEEPING, hosts={"one": {}})["id"])
    _wait_for_sleep(sandbox, job)
    alive = {root, *_below(root)}
    assert len(alive) >= 5
    if end == "stop":
        sandbox.stop()
    elif end == "kill":
        os.kill(root, signal.SIGKILL)
    else:
        with parent:
            parent.kill()
    deadline = time.monotonic() + 10
    while (left := {pid for pid in alive if _runs(pid)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    sandbox.stop()
    assert not left
    with Sandbox(tmp_path) as again:
        assert again.wait(job) == "failed"
        assert "marked as failed" in again.job(job)["job_explanation"]


def _below(pid: int) -> list[int]:
    from sandbox.processes import descendants

    return descendants(pid)


def _runs(pid: int) -> bool:
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _sleeping(sandbox: Sandbox) -> list[int]:
    commands = {}
    for one in _below(sandbox.pid):
        path = pathlib.Path(f"/proc/{one}/cmdline")
        commands[one] = path.read_bytes() if path.exists() else b""
    return [one for one, command in commands.items() if command.startswith(b"sleep\0")]


def _wait_for_sleep(sandbox: Sandbox, job: int) -> None:
    sandbox.wait(job, status="running")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        counts = sandbox.job(job)["playbook_counts"]
        if counts["task_count"] == 1:
            time.sleep(0.5)
            return
        time.sleep(0.05)
    raise AssertionError("the job's task did not start")
