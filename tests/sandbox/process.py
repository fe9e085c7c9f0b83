# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as a process of its own: for tests and for the demo."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import time
import typing as t
import urllib.parse

from .world import World

# Variables of a host that really cannot be reached: nothing listens on its port.
UNREACHABLE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}

_AGENT = "sandbox"
_DIRECTORY = pathlib.Path(__file__).resolve().parent


class SandboxError(Exception):
    """The sandbox refused, or did not do in time, what it was asked for."""


class Response(t.NamedTuple):
    """An answer of the API."""

    status: int
    headers: http.client.HTTPMessage
    body: t.Any


class Sandbox(World):
    """A sandbox with its data in a folder; a context manager that starts and stops it."""

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        *,
        prefix: str = "awx",
        tls: bool = False,
        event_lag: float = 1.0,
        port: int = 0,
    ) -> None:
        self.data_dir = pathlib.Path(data_dir)
        self.prefix = prefix
        self.tls = tls
        self.event_lag = event_lag
        self.url = ""
        self.ca_path: str | None = None
        self._port = port
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process that all other processes of the sandbox descend from."""
        if self._process is None:
            raise SandboxError("the sandbox does not run")
        return self._process.pid

    @property
    def api(self) -> str:
        """The URL under which the API lies, without a slash at its end."""
        return f"{self.url}/api/{'controller/' if self.prefix == 'gateway' else ''}v2"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(_DIRECTORY), "--data", str(self.data_dir), "--until-eof"]
        command += ["--prefix", self.prefix, "--event-lag", str(self.event_lag), "--port", str(self._port)]
        command += ["--tls"] if self.tls else []
        with open(self.data_dir / "supervisor.log", "a", encoding="utf-8") as log:
            # The pipe to its input tells it of our end, whatever that is.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        output = t.cast("t.IO[str]", self._process.stdout)
        self.url = output.readline().strip()
        if not self.url:
            self.stop()
            text = (self.data_dir / "supervisor.log").read_text(encoding="utf-8")
            raise SandboxError(f"the sandbox did not start:\n{text}")
        self._port = urllib.parse.urlsplit(self.url).port or 0
        self.ca_path = str(self.data_dir.resolve() / "ca.pem") if self.tls else None

    def stop(self) -> None:
        """Stop it, with its jobs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(OSError):
            t.cast("t.IO[str]", process.stdin).close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        t.cast("t.IO[str]", process.stdout).close()

    def restart(self, downtime: float = 0.0) -> None:
        """Kill the web process and start it anew on the same port; jobs go on."""
        before = self.control("GET", "/")["pid"]
        self.settings(restart_downtime=downtime)
        os.kill(self.pid, signal.SIGHUP)
        deadline = time.monotonic() + 10 + downtime
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.control("GET", "/")["pid"] != before:
                    return
            time.sleep(0.02)
        raise SandboxError("the web process did not come back")

    def user(self, name: str) -> str:
        """The password of a user."""
        return f"{name}-password"

    def cancel(self, job: int, *, user: str = "admin") -> int:
        """Cancel a job as a user; the status of the answer (405: too late)."""
        return self.request("POST", f"/jobs/{job}/cancel/", user=user, body={}).status

    def prompts(self, job: int, *, user: str = "admin") -> dict[str, t.Any]:
        """What a job was prompted with, as the API shows it."""
        answer = self.request("GET", f"/jobs/{job}/create_schedule/", user=user)
        if answer.status != 200:
            raise SandboxError(f"{answer.status}: {answer.body}")
        return t.cast("dict[str, t.Any]", answer.body["prompts"])

    def launch(self, template: int, *, user: str = "admin", **prompts: t.Any) -> int:
        """Launch a template as a user; the id of the job (or workflow job)."""
        return self._made(self.request("POST", f"/job_templates/{template}/launch/", user=user, body=prompts))

    def relaunch(self, job: int, *, user: str = "admin", **fields: t.Any) -> int:
        """Relaunch a job as a user; the id of the new job."""
        return self._made(self.request("POST", f"/jobs/{job}/relaunch/", user=user, body=fields))

    def launch_workflow(self, template: int, *, user: str = "admin", **prompts: t.Any) -> int:
        """Launch a workflow template as a user; the id of the workflow job."""
        return self._made(self.request("POST", f"/workflow_job_templates/{template}/launch/", user=user, body=prompts))

    def relaunch_workflow(self, workflow_job: int, *, user: str = "admin") -> int:
        """Relaunch a workflow job as a user, the whole of it; the id of the new one."""
        return self._made(self.request("POST", f"/workflow_jobs/{workflow_job}/relaunch/", user=user, body={}))

    def approve(self, workflow_job: int, node: str, *, approved: bool = True, timeout: float = 60.0) -> None:
        """Approve or deny the node of a workflow job with this identifier, as soon as it waits for that."""
        deadline = time.monotonic() + timeout
        while (job := self.nodes(workflow_job)[node]["job"]) is None:
            if time.monotonic() > deadline:
                raise SandboxError(f"node {node} of workflow job {workflow_job} did not wait for an approval")
            time.sleep(0.03)
        self.control("POST", f"/jobs/{job}/approve", {"approved": approved})

    def nodes(self, workflow_job: int, user: str = "admin") -> dict[str, dict[str, t.Any]]:
        """The nodes of a workflow job as the API shows them, by identifier."""
        path = f"/workflow_jobs/{workflow_job}/workflow_nodes/?page_size=200"
        nodes: list[dict[str, t.Any]] = []
        for page in itertools.count(1):
            body = self.request("GET", f"{path}&page={page}", user=user).body
            nodes += body["results"]
            if body["next"] is None:
                break
        return {node["identifier"]: node for node in nodes}

    def wait(self, job: int, *, timeout: float = 60.0, events: bool = True, status: str | None = None) -> str:
        """Wait until a job is over (and its events are saved), or has a certain status; its status."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                state = self.control("GET", f"/jobs/{job}")
                if state["status"] == status or (status is None and state["settled" if events else "final"]):
                    return str(state["status"])
            time.sleep(0.03)
        raise SandboxError(f"job {job} was not over after {timeout} seconds")

    def wait_for_explanation(self, job: int, kind: str = "jobs", *, timeout: float = 30.0) -> str:
        """Wait until the scheduler has said why a job does not start yet; what it says."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            body = self.request("GET", f"/{kind}/{job}/").body
            if body["job_explanation"] or body["status"] != "pending":
                break
            time.sleep(0.05)
        return str(body["job_explanation"])

    def job(self, job: int, user: str = "admin") -> dict[str, t.Any]:
        """A job as the API shows it."""
        return t.cast("dict[str, t.Any]", self.request("GET", f"/jobs/{job}/", user=user).body)

    def log(self, *, own: bool = False) -> list[dict[str, t.Any]]:
        """The requests that came in since the log was cleared; if asked, with those that this class made itself."""
        entries = t.cast("list[dict[str, t.Any]]", self.control("GET", "/requests"))
        return [entry for entry in entries if own or entry["headers"]["User-Agent"] != _AGENT]

    def clear_log(self) -> None:
        """Forget the requests."""
        self.control("DELETE", "/requests")

    def request(
        self,
        method: str,
        path: str,
        *,
        user: str | None = "admin",
        token: str | None = None,
        body: t.Any = None,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """A request to the API (a path under `/api/` is taken as it is), as a user, with a token, or as nobody."""
        given = {"User-Agent": _AGENT, **(headers or {})}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        elif user is not None:
            name, _slash, password = user.partition("/")
            pair = f"{name}:{password or self.user(name)}"
            given["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        if not path.startswith("/api/") and path != "/":
            path = urllib.parse.urlsplit(self.api).path + path
        return self._send(method, path, data, given)

    def control(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """A request to the control API."""
        data = None if body is None else json.dumps(body).encode()
        answer = self._send(method, f"/sandbox{path}", data, {"Content-Type": "application/json"})
        if answer.status != 200:
            raise SandboxError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body

    def _made(self, answer: Response) -> int:
        if answer.status != 201:
            raise SandboxError(f"{answer.status}: {answer.body}")
        return int(answer.body["id"])

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Response:
        connection: http.client.HTTPConnection
        if self.tls:
            context = ssl.create_default_context(cafile=self.ca_path)
            connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=30, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, data, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            content = answer.read()
        body: t.Any = content.decode(errors="replace")
        if answer.headers.get_content_type() == "application/json":
            with contextlib.suppress(ValueError):
                body = json.loads(content)
        return Response(answer.status, answer.headers, body)
