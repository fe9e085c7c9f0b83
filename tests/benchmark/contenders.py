# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to run a failed job again, each as the playbook that somebody would write for it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

if t.TYPE_CHECKING:
    from sandbox.process import Sandbox

Task = dict[str, t.Any]

# No run takes longer; a job takes a minute, and a hundred of them one after another much more.
LONGEST = 1800.0

# Of bulk_job_relaunch, how many of its jobs are active at a time.
AT_ONCE = 25


@dataclass(frozen=True)
class Errand:
    """What is to be done."""

    #: The failed jobs.
    jobs: tuple[int, ...]
    #: The name of each one's template.
    templates: tuple[str, ...]
    #: Whether to wait for what is launched.
    wait: bool


@dataclass(frozen=True)
class Ended:
    """How a playbook went."""

    #: Of the whole process.
    seconds: float
    #: When its last task ended, seconds since the epoch.
    last_task: float


def job_relaunch(sandbox: Sandbox, errand: Errand) -> list[Task]:
    """This collection."""
    relaunch = {"job_id": "{{ item }}", "hosts": "failed", "wait": errand.wait, "controller_host": sandbox.url}
    return [_looped("relaunch.controller.job_relaunch", relaunch, errand.jobs)]


def bulk_job_relaunch(sandbox: Sandbox, errand: Errand) -> list[Task]:
    """This collection, all jobs in one task."""
    options = {"job_ids": list(errand.jobs), "hosts": "failed", "wait": errand.wait, "at_once": AT_ONCE}
    return [{"relaunch.controller.bulk_job_relaunch": {**options, "controller_host": sandbox.url}}]


def uri(sandbox: Sandbox, errand: Errand) -> list[Task]:
    """The endpoint called by hand, and polled at job_relaunch's interval."""
    headers = {"Authorization": "Bearer {{ lookup('ansible.builtin.env', 'CONTROLLER_OAUTH_TOKEN') }}"}
    launch = {
        "url": f"{sandbox.api}/jobs/{{{{ item }}}}/relaunch/",
        "method": "POST",
        "headers": headers,
        "body": {"hosts": "failed"},
        "body_format": "json",
        "status_code": 201,
    }
    tasks = [_looped("ansible.builtin.uri", launch, errand.jobs) | {"register": "launched"}]
    if errand.wait:
        answer = "launched.json" if len(errand.jobs) == 1 else "item.json"
        tasks.append(
            {
                "ansible.builtin.uri": {"url": f"{sandbox.api}/jobs/{{{{ {answer}.id }}}}/", "headers": headers},
                "register": "job",
                "until": "job.json.status in ['successful', 'failed', 'error', 'canceled']",
                "retries": 1000,
                "delay": 2,
                **({} if len(errand.jobs) == 1 else {"loop": "{{ launched.results }}"}),
            }
        )
    return tasks


def job_launch(sandbox: Sandbox, errand: Errand) -> list[Task]:
    """The nearest that awx.awx has: launch the template again, at its default interval."""
    launch = {"job_template": "{{ item }}", "wait": errand.wait, "controller_host": sandbox.url}
    return [_looped("awx.awx.job_launch", launch, errand.templates)]


def _looped(module: str, options: dict[str, t.Any], items: tuple[t.Any, ...]) -> Task:
    return {module: options, "loop": list(items)} if len(items) > 1 else {module: options, "vars": {"item": items[0]}}


@dataclass(frozen=True)
class Contender:
    """One of them."""

    name: str
    tasks: t.Callable[[Sandbox, Errand], list[Task]]
    variables: t.Mapping[str, t.Any]

    def run(self, sandbox: Sandbox, errand: Errand, folder: Path, collections: str) -> Ended:
        """Run it in a process of its own.

        :param folder: for its files; it is made.
        :param collections: where Ansible finds collections.
        :raises RuntimeError: it has failed.
        """
        (folder / "home").mkdir(parents=True)
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable, **self.variables},
            "tasks": self.tasks(sandbox, errand),
        }
        (folder / "playbook.yml").write_text(json.dumps([play]), encoding="utf-8")
        ends = folder / "ends"
        environ = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).resolve().parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_ends",
            "TASK_ENDS": str(ends),
            "CONTROLLER_OAUTH_TOKEN": sandbox.token(),
        }
        if sandbox.ca_path:
            # The former for requests, the latter for what Ansible's modules use.
            environ.update(REQUESTS_CA_BUNDLE=sandbox.ca_path, SSL_CERT_FILE=sandbox.ca_path)
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "playbook.yml"]
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _nothing = process.communicate(timeout=LONGEST)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        seconds = time.monotonic() - started
        if process.returncode:
            raise RuntimeError(f"{self.name} failed:\n{output}")
        with contextlib.suppress(OSError):
            return Ended(seconds, float(ends.read_text(encoding="utf-8").split()[-1]))
        raise RuntimeError(f"{self.name} has noted no end of a task:\n{output}")


IN_PROCESS = Contender("job_relaunch, in process", job_relaunch, {})
MODULE = Contender("job_relaunch, module", job_relaunch, {"relaunch_controller_in_process": False})
URI = Contender("ansible.builtin.uri", uri, {})
JOB_LAUNCH = Contender("awx.awx.job_launch", job_launch, {})
ALL = (IN_PROCESS, MODULE, URI, JOB_LAUNCH)
TOGETHER = Contender("bulk_job_relaunch", bulk_job_relaunch, {})
MANY = (TOGETHER, IN_PROCESS, URI, JOB_LAUNCH)
