# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of one job, in a process of its own: ansible-runner runs its playbook, the database keeps what happens."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import secrets
import shutil
import signal
import sys
import time
import traceback
import typing as t

from . import database as db
from . import job_environment, jobs, processes, resources, results, scheduler, settings, updates

# Where a controller's jobs find their project: the same path in each of them, so that tasks can be compared.
_PROJECT = "/runner/project"
_NO_EVENTS = (
    "Unexpected empty line encountered during worker stream. Worker did not produce events or streaming was aborted, "
    "check execution node health."
)


def run(folder: pathlib.Path, job_id: int) -> None:
    """Run a job that is `waiting`, to its end."""
    processes.adopt_orphans()
    told_to_end = _Signal(signal.SIGTERM)
    with db.opened(folder / "sandbox.sqlite3") as database:
        taken = database.run(
            "UPDATE jobs SET status = 'running', started = ?, modified_by = NULL, "
            "execution_environment = COALESCE(execution_environment, 1), "
            "instance_group = COALESCE(json_extract(instance_groups, '$[0]'), 2), work_unit_id = ? "
            "WHERE id = ? AND status = 'waiting' AND cancel_flag = 0",
            db.now(),
            jobs.work_unit(),
            job_id,
        )
        if not taken:
            return
        job = t.cast("db.Row", database.get("jobs", job_id))
        try:
            status, explanation = _Run(database, folder, job, told_to_end).end()
        except updates.NoRevision as problem:
            database.update("jobs", job_id, result_traceback=traceback.format_exc(), work_unit_id=None)
            status, explanation = "error", str(problem)
        except Exception as problem:
            database.update("jobs", job_id, result_traceback=traceback.format_exc())
            status, explanation = "error", _NO_EVENTS if _is_too_long(problem) else ""
        finally:
            processes.end_descendants(os.getpid())
        lag = settings.read(database)["event_lag"]
        jobs.finish(database, job_id, status, event_lag=lag, explanation=explanation)


def _is_too_long(problem: BaseException) -> bool:
    """Whether the process could not be started since one of its arguments, the limit most likely, is too long."""
    return isinstance(problem, OSError) and problem.errno == errno.E2BIG


class _Signal:
    """Whether a signal has come; it is listened to before anybody can know that the job runs."""

    def __init__(self, number: int) -> None:
        self.came = False
        signal.signal(number, self._note)

    def _note(self, _number: int, _frame: t.Any) -> None:
        self.came = True


class _Run:
    def __init__(self, database: db.Database, folder: pathlib.Path, job: db.Row, told_to_end: _Signal) -> None:
        self._database = database
        self._job = job
        self._folder = folder / "jobs" / f"awx_{job['id']}_{secrets.token_hex(4)}"
        self._state = folder / "state"
        self._deadline = time.monotonic() + job["timeout"] if job["timeout"] else None
        self._earliest_end = time.monotonic() + job["duration"]
        self._hosts = results.Hosts([])
        self._told_to_end = told_to_end
        self._timed_out = False
        self._stats: dict[str, t.Any] | None = None
        self._output: list[str] = []
        self._shown_at = 0.0

    def end(self) -> tuple[str, str]:
        """Run to the end; the job's last status and its explanation."""
        revision = updates.revision_of(self._database, self._job)
        self._job["scm_revision"] = revision
        self._database.update("jobs", self._job["id"], scm_revision=revision)
        if self._job["error"]:
            return "error", self._job["error"]
        if self._job["outcomes"] is not None:
            return self._end_as_data(json.loads(self._job["outcomes"]))
        try:
            outcome = self._play()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._show_output()
        if self._stats is not None and not (self._told_to_end.came or self._timed_out):
            with self._database.transaction():
                results.save_summaries(self._database, self._job, self._stats, self._hosts)
                self._database.update("jobs", self._job["id"], artifacts=self._stats.get("artifact_data") or {})
        if self._told_to_end.came:
            wanted = self._database.value("SELECT cancel_flag FROM jobs WHERE id = ?", self._job["id"])
            return ("canceled", "") if wanted else ("failed", scheduler.REAPED)
        if self._timed_out:
            return "failed", "Job terminated due to timeout"
        return ("successful" if outcome == "successful" else "failed"), ""

    def _end_as_data(self, outcomes: dict[str, str | int]) -> tuple[str, str]:
        """Take as long as the job should, and end with these outcomes: for tests that are not about playbooks."""
        hosts = self._inventory()["all"]["hosts"]
        limit = {name.strip() for name in (self._job["limit"] or "").split(",")} - {""}
        meant = [name for name in hosts if not limit or limit & {name, "all", "*"}]
        ran = {name: self._outcome(name, outcomes.get(name, "ok")) for name in meant}
        while time.monotonic() < self._earliest_end:
            if self._must_end():
                return "canceled", ""
            time.sleep(0.02)
        with self._database.transaction():
            results.save_played(self._database, self._job, ran, self._hosts)
        return ("failed" if {"failed", "unreachable"} & set(ran.values()) else "successful"), ""

    def _outcome(self, host: str, given: str | int) -> str:
        """The outcome on a host; a number says how often it fails before it is ok, in any job of the template."""
        if isinstance(given, str):
            return given
        of_template = "SELECT id FROM jobs WHERE job_template = ?"
        count = f"SELECT COUNT(*) FROM summaries WHERE failed AND host_name = ? AND job IN ({of_template})"
        return "failed" if self._database.value(count, host, self._job["job_template"]) < given else "ok"

    def _play(self) -> str:
        from ansible_runner.interface import init_runner

        environment = job_environment.environment(self._job, self._folder)
        for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
            del os.environ[name]
        options = ["--check"] if self._job["job_type"] == "check" else []
        options += ["--diff"] if self._job["diff_mode"] else []
        for option, column in (("--limit", "limit"), ("--tags", "job_tags"), ("--skip-tags", "skip_tags")):
            if self._job[column]:
                options.append(f"{option}={self._job[column]}")
        project = self._folder / "project"
        project.mkdir(parents=True)
        for path, text in {**json.loads(self._job["files"]), self._playbook(): self._content()}.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(text, encoding="utf-8")
        (self._folder / "ansible.cfg").write_text("", encoding="utf-8")
        (self._folder / "inventory").mkdir()
        (self._folder / "inventory" / "hosts.json").write_text(json.dumps(self._inventory()), encoding="utf-8")
        runner = init_runner(
            private_data_dir=str(self._folder),
            playbook=self._playbook(),
            inventory=str(self._folder / "inventory" / "hosts.json"),
            extravars=self._variables(),
            envvars=environment,
            cmdline=_quoted(options) or None,
            verbosity=self._job["verbosity"] or None,
            forks=self._job["forks"] or None,
            settings={"pexpect_timeout": 0.05, "suppress_ansible_output": True},
            quiet=True,
            ident=str(self._job["id"]),
            event_handler=self._on_event,
            cancel_callback=self._must_end,
        )
        self._database.update(
            "jobs",
            self._job["id"],
            job_args=json.dumps(runner.config.command),
            job_cwd=_PROJECT,
            job_env=environment,
        )
        status, _code = runner.run()
        return str(status)

    def _playbook(self) -> str:
        return pathlib.PurePath(self._job["playbook"] or "site.yml").name

    def _content(self) -> str:
        if self._job["type"] != "ad_hoc_command":
            return str(self._job["content"])
        task = {self._job["module_name"]: self._job["module_args"]}
        return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}])

    def _inventory(self) -> dict[str, t.Any]:
        rows = [row for row in resources.hosts_of(self._database, self._job["inventory"]) if row["enabled"]]
        if self._job["job_slice_count"] > 1:
            rows = rows[self._job["job_slice_number"] - 1 :: self._job["job_slice_count"]]
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        self._hosts = results.Hosts(rows)
        hosts = {row["name"]: {**here, **json.loads(row["variables"])} for row in rows}
        groups = {
            group: {"hosts": {name: {} for name in members if name in hosts}}
            for group, members in resources.groups_of(self._database, self._job["inventory"]).items()
        }
        # What a playbook adds is this machine too, as the implicit localhost is.
        return {"all": {"hosts": hosts, "children": groups, "vars": here}}

    def _variables(self) -> dict[str, t.Any]:
        secret = self._database.one("SELECT * FROM job_secrets WHERE job = ?", self._job["id"]) or {}
        passwords = json.loads(secret.get("passwords", "{}"))
        # Passwords are for this run alone; a relaunch has to be given them again.
        self._database.run("UPDATE job_secrets SET passwords = '{}' WHERE job = ?", self._job["id"])
        self._state.mkdir(exist_ok=True)
        return {
            **json.loads(self._job["extra_vars"] or "{}"),
            **json.loads(secret.get("variables", "{}")),
            **job_environment.variables(self._database, self._job),
            "sandbox_passwords": passwords,
            "sandbox_state": str(self._state),
        }

    def _must_end(self) -> bool:
        if self._deadline is not None and time.monotonic() > self._deadline:
            self._timed_out = True
        if self._told_to_end.came or self._timed_out:
            # Ansible's workers have sessions of their own: what ends ansible-playbook does not reach them.
            processes.end_descendants(os.getpid())
            return True
        return False

    def _on_event(self, event: dict[str, t.Any]) -> bool:
        event = json.loads(json.dumps(event).replace(json.dumps(str(self._folder / "project"))[1:-1], _PROJECT))
        data = event.get("event_data") or {}
        if event["event"] == "playbook_on_stats":
            self._stats = data
            while time.monotonic() < self._earliest_end and not self._must_end():
                time.sleep(0.02)
        results.save_event(self._database, self._job, event, hosts=self._hosts)
        if event.get("stdout"):
            self._output.append(event["stdout"].replace("\r\n", "\n"))
            if time.monotonic() - self._shown_at > 0.3:
                self._show_output()
        # False: ansible-runner need not keep it in a file.
        return False

    def _show_output(self) -> None:
        self._shown_at = time.monotonic()
        text = "\n".join(self._output)
        self._database.update("jobs", self._job["id"], stdout=f"{text}\n" if text else "")


def _quoted(options: list[str]) -> str:
    import shlex

    return shlex.join(options)
