# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role and the playbook retry_failed_hosts: what is relaunched, what a person sees, what a workflow is handed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
import yaml

from sandbox.process import Sandbox

if t.TYPE_CHECKING:
    from .conftest import Driver

ROLE = Path(__file__).resolve().parents[2] / "roles" / "retry_failed_hosts"
PLAYBOOK = "relaunch.controller.retry_failed_hosts"

# Its message must reach the summary as it is, however often it goes through a template.
HOPELESS = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Start the service
      ansible.builtin.fail:
        msg: "no such unit:\n  {% raw %}{{ 7 * 7 }}{% endraw %}"
"""

# Fails in the runs whose numbers its variable `fails` lists.
FICKLE = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Start the service
      ansible.builtin.raw: |
        echo run >> {{ folder }}/{{ inventory_hostname }}
        case " {{ fails }} " in *" $(wc -l < {{ folder }}/{{ inventory_hostname }}) "*) exit 3 ;; esac
"""

# Fails once on the hosts with `fails`, and stops for all then.
ROLLING = """
- hosts: all
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Take it out
      ansible.builtin.raw: |
        echo run >> {{ folder }}/{{ inventory_hostname }}
        [ $(wc -l < {{ folder }}/{{ inventory_hostname }}) -gt {{ fails }} ]
    - name: Put it back
      ansible.builtin.raw: "true"
"""

# As long as its variable `seconds` says, on each host.
SLEEPING = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Sleep
      ansible.builtin.raw: sleep {{ seconds }}
"""

# The tasks of who calls the role follow.
OWN_PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:"""

Retry = t.Callable[..., t.Any]
Stubborn = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def connection(sandbox: Sandbox) -> t.Callable[[str], dict[str, str]]:
    """What a credential of the type "Red Hat Ansible Automation Platform" injects."""

    def connection(user: str) -> dict[str, str]:
        return {
            "CONTROLLER_HOST": sandbox.url,
            "CONTROLLER_USERNAME": user,
            "CONTROLLER_PASSWORD": sandbox.user(user),
            "CONTROLLER_VERIFY_SSL": "False",
        }

    return connection


@pytest.fixture
def retry(
    sandbox: Sandbox, run_playbook: t.Callable[..., t.Any], connection: t.Callable[[str], dict[str, str]]
) -> Retry:
    """Run the playbook as a user, with these extra variables and no delays."""
    sandbox.settings(event_lag=0.1)

    def retry(*arguments: str, user: str = "admin", warnings: bool = False, **variables: t.Any) -> t.Any:
        given = json.dumps({"retry_failed_hosts_delay": 0, "retry_failed_hosts_interval": 0.2, **variables})
        environ = {**connection(user), "ANSIBLE_SHOW_CUSTOM_STATS": "true"}
        return run_playbook(PLAYBOOK, "-e", given, *arguments, environ=environ, warnings=warnings)

    return retry


def stats(done: t.Any) -> dict[str, t.Any]:
    """What set_stats hands to the next nodes of a workflow."""
    (told,) = re.findall(r"^\s+RUN: (.*)$", done.stdout, re.MULTILINE)
    return t.cast("dict[str, t.Any]", json.loads(told)["retry_failed_hosts"])


def summary(done: t.Any) -> list[str]:
    """The message of the task Summary."""
    (told,) = re.findall(r": Summary\] \*+\nok: \[localhost\] => (\{.*?^\})", done.stdout, re.MULTILINE | re.DOTALL)
    return t.cast("list[str]", json.loads(told)["msg"])


def posts(sandbox: Sandbox) -> list[tuple[str, int]]:
    """The requests that may have changed something, with their answers."""
    unsafe = [entry for entry in sandbox.log() if entry["method"] not in ("GET", "HEAD", "OPTIONS")]
    return [(entry["path"].removeprefix("/api/v2"), entry["status"]) for entry in unsafe]


def cancel_midway(sandbox: Sandbox, template: int) -> None:
    """Cancel the job of a template once it has started a task."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for job in sandbox.request("GET", f"/jobs/?unified_job_template={template}&status=running").body["results"]:
            if sandbox.job(job["id"])["playbook_counts"]["task_count"]:
                assert sandbox.cancel(job["id"]) == 202
                return
        time.sleep(0.1)


def limits(sandbox: Sandbox, jobs: t.Iterable[int]) -> list[list[str]]:
    return [sorted(sandbox.job(job)["limit"].split(",")) for job in jobs]


class TestAJobThatFailsOnThreeHostsThenOnTwoThenOnNone:
    THREE = ["web1", "web2", "web3"]
    TWO = ["web2", "web3"]

    @pytest.fixture
    def failed(self, sandbox: Sandbox, stubborn: Stubborn) -> t.Callable[..., int]:
        def failed(user: str, **options: t.Any) -> int:
            template = stubborn({"roles": {"alice": "execute"}, **options}, web0=0, web1=1, web2=2, web3=2)
            job = sandbox.launch(template["id"], user=user)
            assert sandbox.wait(job) == "failed"
            sandbox.clear_log()
            return job

        return failed

    def check(
        self, sandbox: Sandbox, result: dict[str, t.Any], lines: list[str], hosts: list[list[str]]
    ) -> tuple[int, int]:
        first, second = result["job_ids"]
        assert limits(sandbox, result["job_ids"]) == hosts
        assert result["recovered"] == {"web1": 1, "web2": 2, "web3": 2}
        assert [(attempt["attempt"], attempt["status"]) for attempt in result["attempts"]] == [
            (1, "failed"),
            (2, "successful"),
        ]
        assert [attempt["hosts"] for attempt in result["attempts"]] == hosts
        assert [attempt["failed_hosts"] for attempt in result["attempts"]] == [self.TWO, []]
        assert lines == [
            f"web1: recovered at attempt 1 (job {first})",
            f"web2: recovered at attempt 2 (job {second})",
            f"web3: recovered at attempt 2 (job {second})",
        ]
        return first, second

    def test_as_an_administrator(self, sandbox: Sandbox, failed: t.Callable[..., int], retry: Retry) -> None:
        """Through the role."""
        job = failed("admin")

        done = retry(job_id=job)

        assert done.status == 0, done.output
        first, _second = self.check(sandbox, stats(done), summary(done), [self.THREE, self.TWO])
        assert (stats(done)["job_id"], stats(done)["remaining"]) == (job, [])
        assert "fatal:" not in done.output and "ignoring" not in done.output
        assert posts(sandbox) == [(f"/jobs/{job}/relaunch/", 201), (f"/jobs/{first}/relaunch/", 201)]

    def test_as_a_user_who_may_only_execute_a_template_that_asks_for_the_limit(
        self, sandbox: Sandbox, failed: t.Callable[..., int], driver: Driver
    ) -> None:
        job = failed("alice", asks=["limit"])

        result = driver.retry(job, "alice")

        first, _second = self.check(sandbox, result, result["summary"], [self.THREE, self.TWO])
        assert posts(sandbox) == [(f"/jobs/{job}/relaunch/", 201), (f"/jobs/{first}/relaunch/", 201)]

    def test_as_a_user_who_may_only_execute_a_template_that_does_not(
        self, sandbox: Sandbox, failed: t.Callable[..., int], driver: Driver
    ) -> None:
        job = failed("alice")

        result = driver.retry(job, "alice")

        first, _second = self.check(sandbox, result, result["summary"], [self.THREE, self.THREE])
        assert posts(sandbox) == [
            (f"/jobs/{job}/relaunch/", 201),
            (f"/jobs/{first}/relaunch/", 403),
            # A refusal may be one in passing.
            (f"/jobs/{first}/relaunch/", 403),
            (f"/jobs/{job}/relaunch/", 201),
        ]


def test_hosts_that_remain_fail_the_play_after_growing_delays(sandbox: Sandbox, retry: Retry) -> None:
    template = sandbox.add_template("Hopeless", HOPELESS, hosts={"web1": {}, "web2": {}})["id"]
    job = sandbox.make_job(template=template, hosts={"web1": "ok", "web2": "failed"}, status="failed")

    done = retry(
        job_id=job,
        retry_failed_hosts_delay=0.25,
        retry_failed_hosts_delay_factor=3,
        retry_failed_hosts_delay_max=0.5,
    )

    assert done.status == 2
    result = stats(done)
    last = result["job_ids"][-1]
    assert limits(sandbox, result["job_ids"]) == [["web2"]] * 3
    assert (result["recovered"], result["remaining"]) == ({}, ["web2"])
    assert summary(done) == [
        f"web2: still failing after 3 attempts: Start the service: no such unit: {{{{ 7 * 7 }}}} (job {last})"
    ]
    assert f"Job {job} still fails on web2 after 3 attempts. See {sandbox.url}/#/jobs/playbook/{last}/" in done.stdout
    assert re.findall(r"^\[localhost\] (attempt .*)$", done.stderr, re.MULTILINE) == [
        "attempt 2 of 3 in 0.25 s: 1 host left: web2",
        "attempt 3 of 3 in 0.5 s: 1 host left: web2",
    ]


def test_a_host_that_recovered_and_fails_again_is_left(sandbox: Sandbox, driver: Driver, tmp_path: Path) -> None:
    """A user who may not relaunch the relaunch runs all of the source's failed hosts again."""
    folder = {"folder": str(tmp_path)}
    hosts = {"web1": {"fails": "1 3", **folder}, "web2": {"fails": "1 2 3", **folder}}
    template = sandbox.add_template("Fickle", FICKLE, hosts=hosts, roles={"alice": "execute"})["id"]
    job = sandbox.launch(template, user="alice")
    assert sandbox.wait(job) == "failed"

    result = driver.retry(job, "alice", retries=2)

    assert (result["failed"], result["ended"]) == (True, "retries_used_up")
    first, second = result["job_ids"]
    told = result["summary"]
    recovered, again = told[0].split(", failed again at attempt 2: Start the service: ")
    assert recovered == f"web1: recovered at attempt 1 (job {first})"
    assert again.endswith(f"(job {second})")
    assert (result["recovered"], result["remaining_hosts"]) == ({}, ["web1", "web2"])
    assert told[1].startswith("web2: still failing after 2 attempts: Start the service: ")
    assert len(told) == 2


def test_nothing_to_do(sandbox: Sandbox, retry: Retry, tmp_path: Path) -> None:
    template = sandbox.add_template("Well", HOPELESS, hosts={"web1": {}})["id"]
    job = sandbox.make_job(template=template, hosts={"web1": "ok"}, status="successful")
    secrets = tmp_path / "secrets.yml"
    secrets.write_text("retry_failed_hosts_credential_passwords: {ssh_password: hunter2}\n", encoding="utf-8")

    done = retry("-vvvv", "-e", f"@{secrets}", job_id=job)

    assert done.status == 0, done.output
    assert posts(sandbox) == []
    assert "changed=0 " in done.stdout
    assert f"Job {job} was successful: nothing to relaunch." in done.stdout
    result = stats(done)
    nothing = {"job_ids": [], "recovered": {}, "remaining": [], "cut_short": False, "parked": {}, "attempts": []}
    assert result == {"job_id": job, **nothing}
    assert "hunter2" not in done.output


def test_a_job_without_statistics_is_relaunched_as_a_whole_if_that_is_wanted(sandbox: Sandbox, driver: Driver) -> None:
    """It was canceled in the middle, so that it has begun, and nobody knows how far it got."""
    made = sandbox.add_template("Sleepy", SLEEPING, hosts={"web1": {"seconds": 300}, "web2": {"seconds": 0}})
    job = sandbox.launch(made["id"])
    cancel_midway(sandbox, made["id"])
    sandbox.wait(job)
    sandbox.change_host(made["hosts"]["web1"], variables={"seconds": 0})
    sandbox.clear_log()

    refused = driver.retry(job)
    assert (refused["failed"], refused["ended"]) == (True, "not_possible")
    assert "Set fallback_to_all: true, or hosts: all" in refused["msg"]
    assert [status for _path, status in posts(sandbox)] == [400]
    sandbox.clear_log()

    result = driver.retry(job, fallback_to_all=True)
    assert (result["failed"], result["ended"], result["remaining_hosts"]) == (False, "none_left", [])
    assert [(one["all_hosts"], one["status"]) for one in result["attempts"]] == [(True, "successful")]
    assert [status for _path, status in posts(sandbox)] == [201]


def test_a_job_that_never_began_is_relaunched_as_a_whole(sandbox: Sandbox, stubborn: Stubborn, retry: Retry) -> None:
    job = sandbox.make_job(template=stubborn(web1=0, web2=1)["id"], stats=False, status="failed")

    done = retry(job_id=job)

    assert done.status == 0, done.output
    first, second = stats(done)["job_ids"]
    assert (stats(done)["recovered"], limits(sandbox, [first, second])) == ({"web2": 2}, [[""], ["web2"]])
    assert [status for _path, status in posts(sandbox)] == [201, 201]
    assert summary(done) == [
        f"web2: recovered at attempt 2 (job {second})",
        f"all hosts: failed at attempt 1 (job {first})",
    ]


class TestAJobThatStoppedBeforeItsEnd:
    @pytest.fixture
    def job(self, sandbox: Sandbox, tmp_path: Path) -> int:
        hosts = {f"web{number}": {"fails": number % 2, "folder": str(tmp_path)} for number in (1, 2)}
        job = sandbox.launch(sandbox.add_template("Rolling", ROLLING, hosts=hosts)["id"])
        assert sandbox.wait(job) == "failed"
        sandbox.clear_log()
        return job

    def test_is_not_done(self, sandbox: Sandbox, retry: Retry, job: int) -> None:
        """Through the role."""
        done = retry(job_id=job)

        assert done.status == 2
        result = stats(done)
        assert (result["cut_short"], result["recovered"], result["remaining"]) == (True, {"web1": 1}, [])
        recovered, stopped = summary(done)
        assert recovered == f"web1: recovered at attempt 1 (job {result['job_ids'][0]})"
        assert f'Job {job} stopped before its end at task "Take it out"' in stopped
        assert "[localhost] job " in done.stderr

    def test_is_relaunched_as_a_whole_if_that_is_wanted(self, sandbox: Sandbox, retry: Retry, job: int) -> None:
        """Through the role, and the module."""
        done = retry(job_id=job, retry_failed_hosts_fallback_to_all=True, relaunch_controller_in_process=False)

        assert done.status == 0, done.output
        result = stats(done)
        first, second = result["job_ids"]
        assert limits(sandbox, [first, second]) == [["web1"], [""]]
        assert [(one["attempt"], one["all_hosts"]) for one in result["attempts"]] == [(1, False), (2, True)]
        assert (result["cut_short"], result["recovered"]) == (False, {"web1": 1})
        assert f"all hosts: successful at attempt 2 (job {second})" in summary(done)
        assert "[localhost] job " not in done.stderr


def test_a_host_that_was_disabled_is_told_and_stays_what_is_left(
    sandbox: Sandbox, stubborn: Stubborn, retry: Retry
) -> None:
    template = stubborn(web1=0, web2=0)
    job = sandbox.make_job(template=template["id"], hosts={"web1": "failed", "web2": "failed"}, status="failed")
    sandbox.disable_host(template["hosts"]["web2"])

    done = retry(job_id=job, warnings=True)
    again = retry(job_id=job, warnings=True)

    assert (done.status, again.status) == (0, 0), done.output + again.output
    assert (stats(done)["recovered"], stats(done)["remaining"]) == ({"web1": 1}, ["web2"])
    assert summary(done)[1].startswith("web2: left, but no relaunch runs on it")
    assert (stats(again)["job_ids"], stats(again)["remaining"]) == ([], ["web2"])
    assert len(posts(sandbox)) == 1


@pytest.mark.parametrize(("hosts", "launched"), [("failed", 1), ("remaining", 0)])
def test_where_all_that_are_left_are_disabled_nothing_is_launched_again_and_again(
    sandbox: Sandbox, retry: Retry, hosts: str, launched: int
) -> None:
    template = sandbox.add_template("Quiet", HOPELESS, hosts={"web2": {}})
    job = sandbox.make_job(template=template["id"], hosts={"web2": "failed"}, status="failed")
    sandbox.disable_host(template["hosts"]["web2"])

    done = retry(job_id=job, retry_failed_hosts_hosts=hosts, warnings=True)
    again = retry(job_id=job, retry_failed_hosts_hosts=hosts, warnings=True)

    assert (done.status, again.status) == (0, 0), done.output + again.output
    assert [(stats(one)["recovered"], stats(one)["remaining"]) for one in (done, again)] == [({}, ["web2"])] * 2
    assert "though asked for: web2. Such hosts are disabled" in " ".join(done.output.split())
    assert summary(done)[-1].startswith("web2: left, but no relaunch runs on it: it is disabled")
    assert len(stats(done)["job_ids"]) == launched
    assert len(posts(sandbox)) == launched


def test_a_relaunch_that_ends_in_an_error_is_tried_again(sandbox: Sandbox, driver: Driver) -> None:
    template = sandbox.add_template("Erring", HOPELESS, hosts={"web1": {}}, error="The pod is gone")["id"]
    job = sandbox.make_job(template=template, hosts={"web1": "failed"}, status="failed")

    result = driver.retry(job, retries=2)

    assert (result["failed"], result["ended"]) == (True, "retries_used_up")
    last = result["job_ids"][-1]
    assert result["summary"] == [f"web1: still failing after 2 attempts (job {last}, error)"]


@pytest.fixture
def failed_job(sandbox: Sandbox) -> int:
    """As that of conftest.py, but neither it nor its relaunches need run."""
    hosts = {"web1": "ok", "web2": "failed", "web3": "failed"}
    made = sandbox.add_template("Quick", HOPELESS, hosts=dict.fromkeys(hosts, {}), outcomes={})
    return sandbox.make_job(template=made["id"], hosts=hosts, status="failed")


class TestWhatEndsItAtOnce:
    def test_a_relaunch_that_is_canceled(self, sandbox: Sandbox, driver: Driver) -> None:
        template = sandbox.add_template("Sleeping", SLEEPING, hosts={"web1": {"seconds": 300}})["id"]
        job = sandbox.make_job(template=template, hosts={"web1": "failed"}, status="failed")
        canceling = threading.Thread(target=cancel_midway, args=(sandbox, template))
        canceling.start()
        result = driver.retry(job)
        canceling.join()

        (new,) = result["job_ids"]
        assert (result["failed"], result["ended"], result["remaining_hosts"]) == (True, "not_possible", ["web1"])
        assert f"Job {new}, a relaunch of job {job}, ended with status canceled." in result["msg"]
        assert posts(sandbox) == [(f"/jobs/{job}/relaunch/", 201)]
        assert result["summary"] == [f"web1: still failing after 1 attempt (job {new}, canceled)"]

    def test_a_user_whom_the_controller_does_not_know(self, sandbox: Sandbox, failed_job: int, retry: Retry) -> None:
        done = retry(user="nobody", job_id=failed_job)

        assert done.status == 2
        assert "401" in done.output
        assert posts(sandbox) == []
        assert done.output.count("TASK [relaunch.controller.retry_failed_hosts : Relaunch on the failed hosts") == 1

    def test_a_user_who_may_not(self, sandbox: Sandbox, failed_job: int, driver: Driver) -> None:
        result = driver.retry(failed_job, "auditor")

        assert (result["failed"], result["ended"]) == (True, "not_possible")
        assert posts(sandbox) == [(f"/jobs/{failed_job}/relaunch/", 403)] * 2


def test_check_mode_tells_what_would_be_done(sandbox: Sandbox, failed_job: int, retry: Retry) -> None:
    done = retry("--check", job_id=failed_job)

    assert done.status == 0, done.output
    assert posts(sandbox) == []
    (told,) = summary(done)
    hosts = "2 failed hosts: web2, web3"
    assert told == f"Job {failed_job} ended with status failed: would be relaunched on {hosts} and waited for."
    assert stats(done)["job_ids"] == []


def test_nothing_is_launched_after_the_deadline(sandbox: Sandbox, failed_job: int, retry: Retry) -> None:
    given = {"retry_failed_hosts_deadline": "2026-01-01T00:00:00Z", "retry_failed_hosts_cancel_on_timeout": True}
    done = retry(job_id=failed_job, **given)

    assert done.status == 2
    assert posts(sandbox) == []
    assert "the deadline was over before that" in " ".join(done.output.split())


def test_what_needs_a_person_is_parked(sandbox: Sandbox, stubborn: Stubborn, retry: Retry) -> None:
    job = sandbox.launch(stubborn({"outcomes": None}, web1=0, web2=1, web3=1)["id"])
    sandbox.wait(job)
    rules = [{"task": "^Start the", "message": "no such unit", "action": "park", "reason": "install it"}]
    done = retry(job_id=job, retry_failed_hosts_rules=rules)

    assert done.status == 2
    assert [path for path, _status in posts(sandbox) if path.endswith("/relaunch/")] == []
    assert "hosts of it need a person: web2 (install it), web3 (install it)." in " ".join(done.output.split())
    assert stats(done)["parked"] == {"web2": "install it", "web3": "install it"}


def test_a_wrong_rule_is_refused_before_anything_is_sent(sandbox: Sandbox, failed_job: int, retry: Retry) -> None:
    done = retry(job_id=failed_job, retry_failed_hosts_rules=[{"hosts": "web2", "action": "park"}])

    assert done.status == 2
    assert sandbox.log() == []
    assert "hosts" in done.output and "unreachable" in done.output


@pytest.mark.parametrize("given", [{}, {"job_id": "", "job_template": ""}, {"job_id": 1, "job_template": "Patch"}])
def test_without_exactly_one_of_job_id_and_job_template(
    sandbox: Sandbox, retry: Retry, given: dict[str, t.Any]
) -> None:
    done = retry(**given)

    assert done.status == 2
    assert "Give the job to retry as" in done.output
    assert sandbox.log() == []


def test_the_role_in_a_playbook_of_ones_own(
    sandbox: Sandbox, run_playbook: t.Callable[..., t.Any], stubborn: Stubborn, tmp_path: Path
) -> None:
    """A template whose name looks like a template, a connection from module_defaults, and the result as a fact."""
    template = stubborn({"organization": "Web"}, web1=1)["id"]
    sandbox.change_template(template, name="Patch {{ 1 / 0 }}")
    job = sandbox.launch(template)
    sandbox.wait(job)
    playbook = f"""
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
  module_defaults:
    group/relaunch.controller.controller:
      controller_host: {sandbox.url}
      controller_oauthtoken: {sandbox.token()}
  tasks:
    - name: Retry
      ansible.builtin.include_role:
        name: relaunch.controller.retry_failed_hosts
      vars:
        retry_failed_hosts_job_template: !unsafe "Patch {{{{ 1 / 0 }}}}"
        retry_failed_hosts_organization: Web
        retry_failed_hosts_interval: 0.2
    - name: Use what came of it
      ansible.builtin.debug:
        msg: "{{{{ retry_failed_hosts_result | to_json | keep('{tmp_path}/result.json') }}}}"
"""

    done = run_playbook(playbook)

    assert done.status == 0, done.output
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert (result["job_id"], result["recovered"], result["remaining"]) == (job, {"web1": 1}, [])


def test_with_ansible_navigator(
    sandbox: Sandbox,
    failed_job: int,
    connection: t.Callable[[str], dict[str, str]],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    navigator = Path(sys.executable).parent / "ansible-navigator"
    if not navigator.exists():
        pytest.skip("ansible-navigator is not installed")
    command = [str(navigator), "run", PLAYBOOK, "--ee", "false", "-m", "stdout", "--pae", "false"]
    command += ["--lf", str(tmp_path / "navigator.log"), "-i", "localhost,", "-e", f"job_id={failed_job}"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**environment, **connection("admin"), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "web2: recovered at attempt 1" in output and "web3: recovered at attempt 1" in output
    assert not re.search(r"\[(WARNING|DEPRECATION)", output), output
    assert posts(sandbox) == [(f"/jobs/{failed_job}/relaunch/", 201)]


def test_defaults_are_those_that_the_documentation_tells() -> None:
    specification = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = specification["argument_specs"]["main"]["options"]
    told = {name: option["default"] for name, option in options.items() if "default" in option}
    assert told == yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))


def test_the_playbook_knows_and_tells_the_variables_of_the_role() -> None:
    specification = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    text = (ROLE.parents[1] / "playbooks" / "retry_failed_hosts.yml").read_text(encoding="utf-8")
    head, _yaml = text.split("- name:", 1)
    known = yaml.safe_load(text)[0]["pre_tasks"][0]["vars"]["_retry_failed_hosts_known"]

    assert {*known} == {"job_id", "job_template", "organization", *specification["argument_specs"]["main"]["options"]}
    assert {*known} == {*known} & {*re.findall(r"\w+", head)}


def test_a_role_that_was_called_wrongly_hands_on_nothing(sandbox: Sandbox, retry: Retry) -> None:
    done = retry(job_id=1, retry_failed_hosts_retries="many")

    assert done.status == 2, done.output
    assert "CUSTOM STATS" not in done.stdout or "retry_failed_hosts" not in done.stdout.split("CUSTOM STATS")[1]
    assert sandbox.log() == []


def test_nor_does_it_leave_the_result_of_an_earlier_call(
    failed_job: int, run_playbook: t.Callable[..., t.Any], connection: t.Callable[[str], dict[str, str]]
) -> None:
    playbook = f"""{OWN_PLAY}
    - name: Retry
      block:
        - ansible.builtin.include_role:
            name: relaunch.controller.retry_failed_hosts
          vars:
            retry_failed_hosts_job_id: "{{{{ item.id }}}}"
            retry_failed_hosts_retries: "{{{{ item.retries }}}}"
          loop: [{{id: {failed_job}, retries: 1}}, {{id: 999999, retries: many}}]
      rescue:
        - ansible.builtin.debug:
            msg: "left: {{{{ retry_failed_hosts_result }}}}"
"""

    done = run_playbook(playbook, "--check", environ=connection("admin"), warnings=True)

    assert "retries" in done.output and '"msg": "left: {}"' in done.output, done.output


def test_a_call_may_be_made_of_the_result_of_an_earlier_one(
    sandbox: Sandbox,
    failed_job: int,
    run_playbook: t.Callable[..., t.Any],
    connection: t.Callable[[str], dict[str, str]],
) -> None:
    playbook = f"""{OWN_PLAY}
    - ansible.builtin.set_fact:
        retry_failed_hosts_result: {{job_id: {failed_job}}}
    - ansible.builtin.include_role:
        name: relaunch.controller.retry_failed_hosts
      vars:
        retry_failed_hosts_job_id: "{{{{ retry_failed_hosts_result.job_id }}}}"
"""

    done = run_playbook(playbook, "--check", environ=connection("admin"), warnings=True)

    assert f"/api/v2/jobs/{failed_job}/" in [entry["path"] for entry in sandbox.log()], done.output
