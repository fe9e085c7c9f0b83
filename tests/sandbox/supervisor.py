# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first process: parent of the web process and of the jobs' processes, so that either may end without the other."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import select
import signal
import socket
import sys
import time
import traceback
import typing as t

from . import certificates, job_run, jobs, people, processes, resources, scheduler, settings, web
from . import database as db

_INTERVAL = 0.05


class Supervisor:
    """Serves the sandbox in a folder until it is told to stop."""

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        port: int = 0,
        tls: bool = False,
        initial_settings: dict[str, t.Any] | None = None,
        ready_file: pathlib.Path | None = None,
        until_eof: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._path = self._folder / "sandbox.sqlite3"
        self._tls = tls
        self._ready_file = ready_file
        self._until_eof = until_eof
        self._given = initial_settings or {}
        self._authority: pathlib.Path | None = None
        self._certificate: pathlib.Path | None = None
        self._web = 0
        self._jobs: dict[int, int] = {}
        self._told: set[int] = set()
        self._stopping = self._restarting = False
        # Bound but never listening: it keeps the port for us while the web process is away.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", port))
        self._port = int(self._reserved.getsockname()[1])

    def run(self) -> None:
        """Serve."""
        processes.adopt_orphans()
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_restart)
        if self._tls:
            self._authority, self._certificate = certificates.ensure(self._folder)
        self._prepare()
        try:
            self._start_web()
            self._announce()
            self._loop()
        finally:
            self._end()

    def _on_stop(self, _number: int, _frame: t.Any) -> None:
        self._stopping = True

    def _on_restart(self, _number: int, _frame: t.Any) -> None:
        self._restarting = True

    def _prepare(self) -> None:
        with db.opened(self._path) as database:
            database.create_tables()
            if database.value("SELECT 1 FROM users LIMIT 1") is None:
                people.create(database)
                resources.create_defaults(database)
            settings.change(database, self._given)
            scheduler.reap(database)
            self._prefix = settings.read(database)["prefix"]

    def _announce(self) -> None:
        scheme = "https" if self._tls else "http"
        about = {
            "url": f"{scheme}://127.0.0.1:{self._port}",
            "pid": os.getpid(),
            "ca_path": str(self._authority) if self._authority else None,
        }
        if self._ready_file is not None:
            partial = self._ready_file.with_name(f"{self._ready_file.name}.part")
            partial.write_text(json.dumps(about), encoding="utf-8")
            partial.rename(self._ready_file)
        with contextlib.suppress(OSError):
            sys.stdout.write(f"{about['url']}\n")
            sys.stdout.flush()

    def _loop(self) -> None:
        # The jobs' processes are forks of this one: what they need is imported once, here.
        import ansible_runner.interface  # noqa: F401

        while not self._stopping:
            self._wait()
            self._bury()
            if self._restarting:
                self._restarting = False
                self._restart_web()
            # No connection may be open when a process forks.
            with db.opened(self._path) as database:
                for job in scheduler.canceled(database):
                    self._cancel(database, job)
                starting = scheduler.startable(database, settings.read(database))
            for job in starting:
                self._start_job(job)

    def _wait(self) -> None:
        if not self._until_eof:
            time.sleep(_INTERVAL)
            return
        readable, _writable, _broken = select.select([sys.stdin], [], [], _INTERVAL)
        if readable and not os.read(sys.stdin.fileno(), 1024):
            self._stopping = True

    def _bury(self) -> None:
        ended = processes.reap()
        gone = [self._jobs.pop(pid) for pid in ended if pid in self._jobs]
        if gone:
            with db.opened(self._path) as database:
                scheduler.reap(database, gone)
        if self._web in ended and not self._restarting:
            self._start_web()

    def _cancel(self, database: db.Database, job: int) -> None:
        if job not in self._jobs.values():
            # It was made as data, and only looks as if it ran.
            jobs.finish(database, job, "canceled", event_lag=settings.read(database)["event_lag"])
        for pid, running in self._jobs.items():
            if running == job and pid not in self._told:
                self._told.add(pid)
                os.kill(pid, signal.SIGTERM)

    def _restart_web(self) -> None:
        with db.opened(self._path) as database:
            downtime = settings.read(database)["restart_downtime"]
        with contextlib.suppress(OSError):
            os.kill(self._web, signal.SIGKILL)
            os.waitpid(self._web, 0)
        time.sleep(downtime)
        self._start_web()

    def _start_web(self) -> None:
        readable, writable = os.pipe()

        def serve() -> None:
            os.close(readable)
            # The one that holds the port in reserve must not also hold it open in this process.
            self._reserved.close()
            web.run(self._folder, self._port, self._prefix, self._certificate, lambda _port: os.close(writable))

        self._web = self._fork(serve, signal.SIGKILL, "web.log")
        os.close(writable)
        # Its end of the pipe closes when it listens, or when it has ended.
        os.read(readable, 1)
        os.close(readable)

    def _start_job(self, job: int) -> None:
        pid = self._fork(lambda: job_run.run(self._folder, job), signal.SIGTERM, "jobs.log")
        self._jobs[pid] = job

    def _fork(self, work: t.Callable[[], None], on_parents_end: signal.Signals, log: str) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            processes.end_with_parent(parent, on_parents_end)
            os.setsid()
            file = os.open(self._folder / log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(file, 1)
            os.dup2(file, 2)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self._web, signal.SIGKILL)
        for pid in self._jobs:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while self._jobs and time.monotonic() < deadline:
            for pid in processes.reap():
                self._jobs.pop(pid, None)
            time.sleep(0.01)
        processes.end_descendants(os.getpid())
        processes.reap()
        with db.opened(self._path) as database:
            scheduler.reap(database)
