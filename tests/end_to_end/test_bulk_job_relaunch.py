# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""bulk_job_relaunch as a playbook's task: after an outage each job ends where it must, and little is asked for it."""

from __future__ import annotations

import json
import os
import typing as t

import pytest

from sandbox.process import Sandbox

RunTasks = t.Callable[..., t.Any]
Options = dict[str, t.Any]

PLAYBOOK = "- hosts: all\n  tasks: []\n"
HOSTS: dict[str, dict[str, t.Any]] = {"web1": {}, "web2": {}, "web3": {}}
FAILED = {"web1": "ok", "web2": "failed", "web3": "failed"}

BOTH_WAYS = pytest.mark.parametrize("in_process", [True, False], ids=["in process", "module"])


@pytest.fixture
def template(sandbox: Sandbox) -> t.Callable[..., int]:
    """Add a template whose jobs end as data: template(outcomes={"web2": "failed"}); by default all succeed."""

    def template(**options: t.Any) -> int:
        machine = [{"name": "machine"}]
        given = {"hosts": HOSTS, "outcomes": {}, "duration": 0.2, "credentials": machine, **options}
        return int(sandbox.add_template(f"Work {os.urandom(4).hex()}", PLAYBOOK, **given)["id"])

    return template


@pytest.fixture
def failed(sandbox: Sandbox) -> t.Callable[..., int]:
    """Make a job of a template that failed on web2 and web3."""

    def failed(template: int, **fields: t.Any) -> int:
        return sandbox.make_job(template=template, **{"status": "failed", "hosts": FAILED, **fields})

    return failed


def posts(sandbox: Sandbox) -> list[str]:
    """The requests that may have changed something."""
    return [entry["path"] for entry in sandbox.log() if entry["method"] not in ("GET", "HEAD", "OPTIONS")]


@BOTH_WAYS
def test_relaunches_the_failed_jobs_of_a_time_on_their_failed_hosts_and_then_leaves_them_alone(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    jobs = [failed(template()) for _number in range(3)]
    sandbox.clear_log()
    task = {"job_ids": jobs, "hosts": "failed", "wait": True, "interval": 0.5, **admin}

    first, second = run_tasks(task, task, module="bulk_job_relaunch").results

    assert (first["failed"], first["changed"]) == (False, True), first
    assert [entry["source_job_id"] for entry in first["jobs"]] == jobs
    assert {entry["outcome"] for entry in first["jobs"]} == {"relaunched"}
    assert all(entry["recovered"] and entry["status"] == "successful" for entry in first["jobs"])
    assert all(entry["hosts"] == ["web2", "web3"] for entry in first["jobs"])
    assert (second["failed"], second["changed"]) == (False, False)
    assert [entry["id"] for entry in second["jobs"]] == [entry["id"] for entry in first["jobs"]]
    assert {entry["outcome"] for entry in second["jobs"]} == {"done"}
    assert posts(sandbox) == [f"/api/v2/jobs/{job}/relaunch/" for job in jobs]


def active_at_most(sandbox: Sandbox, ids: t.Iterable[int]) -> int:
    """How many of these jobs were active at a time, from their making to their end."""
    jobs = [sandbox.job(number) for number in ids]
    moments = sorted(moment for job in jobs for moment in ((job["created"], 1), (job["finished"], -1)))
    active = most = 0
    for _moment, step in moments:
        active += step
        most = max(most, active)
    return most


class Outage:
    """62 failed jobs of 17 templates, each with what has to become of it."""

    def __init__(self, sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int]) -> None:
        self.expected: dict[int, tuple[str, bool, str]] = {}
        self.sandbox = sandbox
        self._template = template
        self._failed = failed

    def add(self, job: int, outcome: str, recovered: bool, said: str) -> None:
        self.expected[job] = (outcome, recovered, said)

    def failed_five_times(self) -> None:
        for _template in range(3):
            template = self._template()
            *older, newest = [self._failed(template) for _number in range(5)]
            for job in older:
                self.add(job, "superseded", True, f"The hosts that job {job} failed on have succeeded since")
            self.add(newest, "relaunched", True, "relaunched as job")

    def recovered_by_schedule(self) -> None:
        for _template in range(2):
            template = self._template()
            jobs = [self._failed(template) for _number in range(4)]
            well = dict.fromkeys(HOSTS, "ok")
            again = self.sandbox.make_job(template=template, status="successful", launch_type="scheduled", hosts=well)
            for job in jobs:
                self.add(job, "superseded", True, f"the last of them in job {again}")

    def slices(self) -> None:
        for _template in range(2):
            template = self._template(job_slice_count=3)
            run = self.sandbox.make_job(
                template=template, type="workflow_job", status="failed", is_sliced_job=1, job_slice_count=3
            )
            for number in (1, 2, 3):
                host = f"web{number}"
                job = self._failed(
                    template,
                    launch_type="workflow",
                    workflow_job=run,
                    job_slice_number=number,
                    job_slice_count=3,
                    hosts={host: "failed"},
                )
                self.add(job, "relaunched", True, f"1 failed host: {host}")

    def with_other_variables(self) -> None:
        for _template in range(2):
            template = self._template(asks=["extra_vars"])
            for number in range(9):
                variables = {"release": number}
                job = self._failed(template, extra_vars=variables, prompts={"extra_vars": variables})
                self.add(job, "relaunched", True, "relaunched as job")

    def left_alone(self) -> None:
        node, workflow = self._template(), self.sandbox.add_workflow_template("Nightly")
        # It had a way on for what failed.
        run = self.sandbox.make_job(template=workflow, type="workflow_job", status="successful")
        for _number in range(4):
            job = self._failed(node, launch_type="workflow", workflow_job=run)
            self.add(job, "refused", False, f"node of workflow job {run}")
        only_read = self._template(roles={"alice": "read"})
        for number in range(4):
            job = self._failed(only_read, limit=f"web{number}")
            self.add(job, "refused", False, "does not let this user start")
        asking = self._failed(self._template(passwords=["ssh_password"]))
        self.add(asking, "refused", False, "It needs passwords: ssh_password.")

    def single_ones(self) -> None:
        lost = self._failed(self._template(), status="error", hosts=None, stats=False)
        self.add(lost, "relaunched", True, "before it had begun, so that all its hosts remain: relaunched as job")
        again = self._failed(self._template(outcomes={"web3": "failed"}))
        self.add(again, "relaunched", False, "ended with status failed on web3")
        template = self._template()
        done = self._failed(template)
        hosts = {"web2": "ok", "web3": "ok"}
        by = self.sandbox.make_job(
            template=template, status="successful", launch_type="relaunch", limit="web2,web3", hosts=hosts
        )
        self.add(done, "done", True, f"the last of them in job {by}")
        template = self._template(duration=30.0)
        scheduled = self._failed(template)
        active = self.sandbox.launch_scheduled(self.sandbox.add_schedule(template, "Hourly"))
        self.add(scheduled, "adopted", True, f"Job {active}, the same work as job {scheduled}, is ")
        template = self._template()
        for limit in ("web2", "web3"):
            job = self._failed(template, limit=limit, hosts={limit: "failed"})
            self.add(job, "relaunched", True, f"1 failed host: {limit}")


@pytest.fixture
def alice(sandbox: Sandbox) -> Options:
    """Connection options of somebody who may start most templates."""
    return {"controller_host": sandbox.url, "controller_oauthtoken": sandbox.token("alice"), "max_retries": 0}


def test_after_an_outage_each_of_62_jobs_ends_where_it_must(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], alice: Options, run_tasks: RunTasks
) -> None:
    sandbox.settings(max_running=50)
    failed(template())  # before the outage
    outage = Outage(sandbox, template, failed)
    outage.failed_five_times()
    outage.recovered_by_schedule()
    outage.slices()
    outage.with_other_variables()
    outage.left_alone()
    outage.single_ones()
    assert len(outage.expected) == 62
    sandbox.clear_log()
    task = {
        "finished_after": sandbox.job(min(outage.expected))["finished"],
        "hosts": "failed",
        "at_once": 8,
        "wait": True,
        "interval": 0.5,
        **alice,
    }

    done = run_tasks(task, module="bulk_job_relaunch", timeout=300)

    (result,) = done.results
    entries = {entry["source_job_id"]: entry for entry in result["jobs"]}
    assert entries.keys() == outage.expected.keys()
    wrong = [
        (expected, entries[job])
        for job, expected in outage.expected.items()
        if (entries[job]["outcome"], entries[job]["recovered"]) != expected[:2]
        or expected[2] not in entries[job]["msg"]
    ]
    assert not wrong, "\n".join(f"{expected} {entry['outcome']} {entry['msg']}" for expected, entry in wrong)
    # One has failed again, which fails the task; what was left alone does not.
    assert (result["failed"], result["changed"]) == (True, True)
    assert (result["counts"]["failed"], result["counts"]["refused"]) == (1, 9)
    own = [entry["id"] for entry in entries.values() if entry["outcome"] == "relaunched"]
    assert len(posts(sandbox)) == len(set(own)) == 3 + 6 + 18 + 1 + 1 + 2
    assert 1 < active_at_most(sandbox, own) <= 8
    assert f"[localhost] {len(own) + 1} of {len(own) + 1}: {len(own)} successful, 1 failed" in done.stderr


@pytest.mark.parametrize("jobs", [20, 80])
def test_requests_grow_with_launches_and_intervals_not_with_jobs_times_looks(
    jobs: int,
    sandbox: Sandbox,
    template: t.Callable[..., int],
    failed: t.Callable[..., int],
    admin: Options,
    run_tasks: RunTasks,
) -> None:
    sandbox.settings(max_running=50)
    ids = [failed(template(duration=1.0)) for _number in range(jobs)]
    sandbox.clear_log()
    task = {"finished_after": sandbox.job(ids[0])["finished"], "hosts": "failed", "max_jobs": jobs, "at_once": 20}

    (result,) = run_tasks({**task, "wait": True, "interval": 0.5, **admin}, module="bulk_job_relaunch").results

    assert (result["failed"], result["counts"]["recovered"]) == (False, jobs), result["msg"]
    log = sandbox.log()
    # What verdicts need is read side by side, six requests at a time.
    assert len({entry["connection"] for entry in log}) <= 6
    assert len(posts(sandbox)) == jobs
    lists = [entry for entry in log if entry["path"] == "/api/v2/jobs/"]
    pages = 2 * (jobs // 200 + 1)
    intervals = (log[-1]["time"] - log[0]["time"]) / 0.5
    # With the POST of each: two lists to begin with, their pages, a look for each launch, and one for each interval.
    assert len(lists) + jobs <= 2 + pages + 2 * jobs + intervals
    # The verdict on each: which hosts ran, whether the failed job had come to its end, and had begun on all.
    verdicts = [entry for entry in log if entry["method"] == "GET" and entry not in lists]
    assert len(verdicts) <= 5 * jobs + 1
    assert not [entry for entry in verdicts if entry["path"].endswith("/create_schedule/")]


def test_check_mode_is_the_plan(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    repeated = template()
    older, newer = failed(repeated), failed(repeated)
    node = failed(template(), launch_type="workflow")
    sandbox.clear_log()

    done = run_tasks(
        {"finished_after": sandbox.job(older)["finished"], "hosts": "failed", **admin},
        module="bulk_job_relaunch",
        arguments=["--check"],
    )

    (result,) = done.results
    assert (result["failed"], result["changed"], posts(sandbox)) == (False, True, [])
    plan = {entry["source_job_id"]: entry for entry in result["jobs"]}
    assert {job: entry["outcome"] for job, entry in plan.items()} == {
        older: "superseded",
        newer: "relaunched",
        node: "refused",
    }
    assert plan[newer]["hosts"] == ["web2", "web3"]
    assert "would be relaunched on 2 failed hosts: web2, web3" in plan[newer]["msg"]
    assert "id" not in plan[newer]


def test_what_cannot_be_selected_is_said_before_anything_is_launched(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    jobs = [failed(template()) for _number in range(3)]
    since = sandbox.job(jobs[0])["finished"]
    plain = sandbox.make_job(template=sandbox.add_workflow_template("Plain"), type="workflow_job", status="successful")
    sandbox.clear_log()
    tasks: dict[str, Options] = {
        "there is no job template Nothing that this user may see": {
            "finished_after": since,
            "job_templates": ["Nothing"],
        },
        "there is no label nightly that this user may see": {"finished_after": since, "labels": ["nightly"]},
        "there is no job 99999 that this user may see": {"job_ids": [jobs[0], 99999]},
        "3 jobs would be relaunched, and max_jobs is 2": {"finished_after": since, "max_jobs": 2},
        "The window is upside down": {"finished_after": "1h", "finished_before": "2h"},
        "'yesterday' is no time": {"finished_after": "yesterday"},
        f"workflow job {plain} is no run of a sliced job template": {"workflow_job_id": plain},
        "the whole past of the controller would be selected": {"status": ["failed"]},
    }

    results = run_tasks(*({**task, **admin} for task in tasks.values()), module="bulk_job_relaunch").results

    for sentence, result in zip(tasks, results, strict=True):
        assert result["failed"] and sentence in result["msg"], result["msg"]
    assert [entry["source_job_id"] for entry in results[3]["jobs"]] == jobs
    assert posts(sandbox) == []


def test_a_selection_that_matches_nothing_is_no_failure(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    failed(template())

    (result,) = run_tasks({"finished_before": "3d", **admin}, module="bulk_job_relaunch").results

    assert (result["failed"], result["changed"], result["jobs"]) == (False, False, [])
    assert "No job that this user may see is selected (with status failed or error, finished before 2" in result["msg"]


def test_the_slices_of_a_run_and_when_all_of_it_is_done(
    sandbox: Sandbox, template: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    sliced = template(job_slice_count=3, outcomes={"web2": "failed"})
    run = sandbox.launch(sliced)
    assert sandbox.wait(run) == "failed"
    task = {"workflow_job_id": run, "hosts": "failed", "wait": True, "interval": 0.5, **admin}

    (first,) = run_tasks(task, module="bulk_job_relaunch").results
    sandbox.change_template(sliced, outcomes={})
    (second,) = run_tasks(task, module="bulk_job_relaunch").results

    assert first["failed"]
    assert f"Of workflow job {run} 1 of 3 slices have not succeeded yet." in first["msg"]
    assert not second["failed"], second
    (entry,) = second["jobs"]
    assert entry["hosts"] == ["web2"]
    assert sandbox.job(entry["id"])["job_slice_number"] == 2
    assert f"All 3 slices of workflow job {run} have succeeded by now" in second["msg"]


def test_stops_after_so_many_failures_and_tells_what_it_left(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    jobs = [failed(template(outcomes={"web2": "failed"})) for _number in range(5)]
    sandbox.clear_log()
    task = {"job_ids": jobs, "hosts": "failed", "at_once": 1, "stop_after": 2, "wait": True, "interval": 0.5, **admin}

    (result,) = run_tasks(task, module="bulk_job_relaunch").results

    assert result["failed"] and len(posts(sandbox)) == 2
    assert [entry["outcome"] for entry in result["jobs"]] == ["relaunched"] * 2 + ["refused"] * 3
    assert "Not launched: 2 relaunches had failed (stop_after)." in result["jobs"][-1]["msg"]


def test_a_lost_answer_and_a_restart_leave_nothing_launched_twice_and_nothing_forgotten(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    jobs = [failed(template(duration=1.0)) for _number in range(4)]
    sandbox.clear_log()
    sandbox.misbehave(
        [
            {"kind": "drop", "when": "after", "method": "POST", "path": f"/jobs/{jobs[1]}/relaunch/$", "times": 1},
            {"kind": "status", "status": 503, "method": "GET", "path": "/jobs/$", "after_requests": 6, "times": 2},
        ]
    )
    task = {"job_ids": jobs, "hosts": "failed", "wait": True, "interval": 0.5, **admin, "max_retries": 3}

    first, second = run_tasks(task, task, module="bulk_job_relaunch").results

    assert (first["failed"], second["failed"], second["changed"]) == (False, False, False), first
    assert "The answer to that was lost, so the job was looked for" in first["jobs"][1]["msg"]
    assert posts(sandbox) == [f"/api/v2/jobs/{job}/relaunch/" for job in jobs]
    assert [entry["id"] for entry in second["jobs"]] == [entry["id"] for entry in first["jobs"]]


def test_without_waiting_it_ends_when_the_last_is_launched_and_the_next_run_adopts(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    sandbox.settings(max_running=0)
    jobs = [failed(template()) for _number in range(2)]
    sandbox.clear_log()
    task = {"job_ids": jobs, "hosts": "failed", **admin}
    run = {"method": "PATCH", "path": "/settings", "body": {"max_running": 4}}

    (first,) = run_tasks(task, module="bulk_job_relaunch").results
    # At the first look after the jobs, their statistics and the later jobs were listed.
    sandbox.misbehave([{"kind": "act", "method": "GET", "path": "/jobs/$", "after_requests": 3, "calls": [run]}])
    (second,) = run_tasks({**task, "wait": True, "interval": 0.5}, module="bulk_job_relaunch").results

    assert (first["failed"], first["changed"]) == (False, True)
    assert {entry["status"] for entry in first["jobs"]} == {"pending"}
    assert {entry["outcome"] for entry in second["jobs"]} == {"adopted"}
    assert (second["changed"], second["counts"]["recovered"]) == (False, 2), second
    assert len(posts(sandbox)) == 2


def test_at_the_timeout_what_was_launched_is_canceled_and_told(
    sandbox: Sandbox, template: t.Callable[..., int], failed: t.Callable[..., int], admin: Options, run_tasks: RunTasks
) -> None:
    jobs = [failed(template(duration=60.0)) for _number in range(3)]
    task = {"job_ids": jobs, "hosts": "failed", "at_once": 2, "wait": True, "timeout": 8, "cancel_on_timeout": True}

    (result,) = run_tasks({**task, **admin}, module="bulk_job_relaunch").results

    assert result["failed"] and result["changed"]
    assert "Waiting ended after 8 seconds (timeout)." in result["msg"]
    assert [entry["outcome"] for entry in result["jobs"]] == ["relaunched", "relaunched", "refused"]
    assert [sandbox.job(entry["id"])["status"] for entry in result["jobs"][:2]] == ["canceled", "canceled"]
    assert "It was canceled." in result["jobs"][0]["msg"]


def in_one_line(shown: str) -> str:
    """A list of lines as JSON, as the text that they make."""
    return " ".join(shown.replace('",', " ").replace('"', " ").split())


def test_the_playbook_tells_who_recovered_who_did_not_and_why(
    sandbox: Sandbox,
    template: t.Callable[..., int],
    failed: t.Callable[..., int],
    run_playbook: t.Callable[..., t.Any],
    admin: Options,
) -> None:
    well, again = failed(template()), failed(template(outcomes={"web2": "failed"}))
    node = failed(template(), launch_type="workflow")
    down = failed(template(), hosts={"web1": "ok", "web2": "unreachable"})
    rules = [{"unreachable": True, "action": "park", "reason": "power it on"}]
    environ = {
        "CONTROLLER_HOST": sandbox.url,
        "CONTROLLER_OAUTH_TOKEN": admin["controller_oauthtoken"],
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
    }
    given = ["-e", f"finished_after={sandbox.job(well)['finished']}", "-e", "at_once=2 deadline=4h"]
    given += ["-e", f"rules='{json.dumps(rules)}'"]

    planned = run_playbook("relaunch.controller.recover_failed_jobs", *given, "--check", environ=environ)
    done = run_playbook("relaunch.controller.recover_failed_jobs", *given, environ=environ)

    assert (planned.status, done.status) == (2, 2), done.output
    for shown in (planned.stdout, done.stdout):
        assert f"parked         {down} " in shown and "need a person: web2 (power it on)." in in_one_line(shown)
    assert f"to do          {well} " in planned.stdout
    assert "would be relaunched on 2 failed hosts: web2, web3" in in_one_line(planned.stdout)
    assert all(len(line) <= 80 for line in planned.stdout.splitlines() if line.startswith('            "'))
    assert f"recovered      {well} " in done.stdout
    assert f"still failing  {again} " in done.stdout
    assert "ended with status failed on web2" in in_one_line(done.stdout)
    assert f"left alone     {node} " in done.stdout
    stats = "".join(done.stdout.split())
    assert f'"recover_failed_jobs_recovered":[{well}]' in stats
    assert f'"recover_failed_jobs_still_failing":[{again}]' in stats
    assert f'"recover_failed_jobs_parked":[{down}]' in stats
    assert "[localhost] 2 of 2: 1 successful, 1 failed" in done.stderr
