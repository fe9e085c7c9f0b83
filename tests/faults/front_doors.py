# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which a task runs, each a process of its own: the module, a playbook, and the bare uri idiom."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from .judge import Run
from .scenario import REQUEST_TIMEOUT, Break

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parents[1]

# No run takes longer: its own timeout of 40 seconds ends a wait, and two minutes the search for a lost job.
_LONGEST = 240

# What makes a scenario quick, but leaves a client more tries than there are faults.
PATIENCE: dict[str, t.Any] = {
    "request_timeout": REQUEST_TIMEOUT,
    "max_retries": 8,
    "retry_backoff_factor": 0.2,
}
WAITING: dict[str, t.Any] = {"interval": 0.3, "timeout": 40}

# As people write it, and with care: the answer's status is looked at, and a body that is no JSON is lived through.
_URI = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Relaunch the job
      ansible.builtin.uri: "{{ {'url': launch_url, 'method': 'POST', 'body_format': 'json', 'body': launch_body,
        'status_code': 201, 'timeout': request_timeout} | combine(credentials) }}"
      register: launched
      until: launched.status == 201
      retries: 5
      delay: 1
      ignore_errors: true

    - name: Wait for it
      ansible.builtin.uri: "{{ {'url': jobs_url ~ launched.json.id ~ '/', 'timeout': request_timeout}
        | combine(credentials) }}"
      register: job
      until: "(job.json | default({})).status | default('') in ['successful', 'failed', 'error', 'canceled']"
      retries: 30
      delay: 1
      when: wait and launched is succeeded
      ignore_errors: true

    - name: Tell
      ansible.builtin.copy:
        content: "{{ {'launched': launched, 'job': job} | to_json }}"
        dest: "{{ answer }}"
        mode: "0600"
      no_log: true
"""


class FrontDoors:
    """Runs tasks below a folder, with an environment that holds nothing of whoever runs the campaign.

    A context manager: modules are run by a process that has imported them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The address of a socket is short.
        self._socket = Path(tempfile.mkdtemp(prefix="faults-"), "modules")
        #: The address of the proxy that the environment names.
        self.proxy = ""
        (folder / "home").mkdir(parents=True)
        # Where imports of ansible_collections.relaunch.controller find this checkout, exported or not.
        place = folder / "tree" / "ansible_collections" / "relaunch"
        place.mkdir(parents=True)
        (place / "controller").symlink_to(_CHECKOUT)
        self._environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(folder / "tree"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "tree"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_LOCAL_TEMP": str(folder / "home" / "tmp"),
        }

    def __enter__(self) -> FrontDoors:
        command = [sys.executable, str(_HERE / "module_process.py"), str(self._socket), str(_LONGEST)]
        self._modules = self._process(command)
        t.cast("t.IO[str]", self._modules.stdout).readline()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._modules.kill()
        self._modules.communicate()
        shutil.rmtree(self._socket.parent)

    def module(
        self,
        options: t.Mapping[str, t.Any],
        variant: str | None = None,
        name: str = "job_relaunch",
        broken_off: Break | None = None,
    ) -> Run:
        """Run a module with these options.

        :param variant: the wrong way in which it is to work; see variants.py.
        :param broken_off: how it is.
        """
        with self._connected() as connection:
            return self._of_module(connection, options, variant, name, broken_off)

    @contextlib.contextmanager
    def waiting_module(self) -> t.Iterator[t.Callable[[t.Mapping[str, t.Any], str | None], Run]]:
        """A process of the module that is ready and waits for its options, so that several start in one instant."""
        with self._connected() as connection:
            yield lambda options, variant: self._of_module(connection, options, variant)

    @contextlib.contextmanager
    def _connected(self) -> t.Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_LONGEST + 5)
            connection.connect(str(self._socket))
            connection.recv(1)
            yield connection

    def _of_module(
        self,
        connection: socket.socket,
        options: t.Mapping[str, t.Any],
        variant: str | None,
        name: str = "job_relaunch",
        broken_off: Break | None = None,
    ) -> Run:
        started = time.time()
        given = {
            "module": name,
            "options": options,
            "variant": variant,
            "environment": self._proxies(),
            "broken_off": broken_off and dataclasses.asdict(broken_off),
        }
        connection.sendall(json.dumps(given).encode())
        connection.shutdown(socket.SHUT_WR)
        output = b""
        while part := connection.recv(65536):
            output += part
        result = None
        with contextlib.suppress(ValueError):
            result = json.loads(output)
        text = output.decode(errors="replace")
        return Run(started, time.time(), result if isinstance(result, dict) else None, text)

    def playbook(self, options: t.Mapping[str, t.Any]) -> Run:
        """Run it as the task of a playbook."""
        answer = self._folder / "answer.json"
        tasks = [
            {
                "name": "Relaunch",
                "relaunch.controller.job_relaunch": dict(options),
                "register": "result",
                "ignore_errors": True,
            },
            {
                "name": "Tell",
                "ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(answer), "mode": "0600"},
                "no_log": True,
            },
        ]
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        return self._play(json.dumps([play]), {}, answer, lambda told: told)

    def uri(self, api: str, source: int, body: dict[str, t.Any], credentials: dict[str, t.Any], wait: bool) -> Run:
        """Do the same with ansible.builtin.uri.

        :param api: the URL of the API, without a slash at its end.
        :param body: the payload of the relaunch.
        :param credentials: options of uri that tell who asks.
        """
        answer = self._folder / "answer.json"
        variables = {
            "launch_url": f"{api}/jobs/{source}/relaunch/",
            "jobs_url": f"{api}/jobs/",
            "launch_body": body,
            "credentials": credentials,
            "request_timeout": int(REQUEST_TIMEOUT),
            "wait": wait,
            "answer": str(answer),
        }
        return self._play(_URI, variables, answer, lambda told: _told_by_uri(told, wait))

    def _play(
        self,
        playbook: str,
        variables: t.Mapping[str, t.Any],
        answer: Path,
        read: t.Callable[[dict[str, t.Any]], dict[str, t.Any]],
    ) -> Run:
        answer.unlink(missing_ok=True)
        (self._folder / "playbook.yml").write_text(playbook, encoding="utf-8")
        (self._folder / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "playbook.yml"]
        command += ["-e", f"ansible_python_interpreter={sys.executable}", "-e", "@variables.json"]
        process, started = self._process(command), time.time()
        try:
            output, errors = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            output, errors = "", f"ended after {_LONGEST:g} seconds"
        finally:
            process.kill()
            process.wait()
        result = None
        with contextlib.suppress(OSError, ValueError):
            result = read(json.loads(answer.read_text(encoding="utf-8")))
        return Run(started, time.time(), result, output + errors)

    def _proxies(self) -> dict[str, str]:
        return dict.fromkeys(("http_proxy", "https_proxy"), self.proxy) if self.proxy else {}

    def _process(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env={**self._environment, **self._proxies()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )


def _told_by_uri(told: dict[str, t.Any], wait: bool) -> dict[str, t.Any]:
    """What someone reads out of the two registered results, in the words of job_relaunch."""
    launched, job = told["launched"], told["job"]
    # It does not say whether anything has changed where it fails.
    result: dict[str, t.Any] = {"changed": None, "failed": True, "id": None, "status": None}
    if launched.get("failed"):
        return {**result, "msg": launched.get("msg")}
    facts = launched.get("json") or {}
    result.update(changed=True, failed=False, id=facts.get("id"), status=facts.get("status"), msg="launched")
    if wait:
        status = (job.get("json") or {}).get("status")
        result.update(failed=job.get("failed", False) or status != "successful", status=status, msg=job.get("msg"))
    return result
