# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller inside the process that relaunches jobs, each of which ends at once: for many rounds in little time."""

from __future__ import annotations

import io
import json
import typing as t
from urllib.parse import parse_qsl, urlsplit

from requests import ConnectionError as ConnectionProblem
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from urllib3.exceptions import NewConnectionError

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import CONNECTION_SPEC, resolve
from ansible_collections.relaunch.controller.plugins.module_utils._retry.options import (
    RETRY_SPECIFICATION,
    RetryRequest,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    FAILED_AT_START,
    STARTED,
    in_list,
    job,
    summary,
)

SOURCE = 42
HOST = "http://controller.invalid"

#: What became of the hosts that a job ran on, by name whether each failed; or the status of one without statistics.
#: As text, since Python 3.9 does not evaluate it.
Ran: t.TypeAlias = "t.Mapping[str, bool] | str"


class RelaunchingController(BaseAdapter):
    """Job 42 has failed on these hosts; ``ran`` says what becomes of its relaunches.

    ``ran`` takes the number of a relaunch, from 1 on, and the names in its limit, none of them for a whole one.
    ``asked`` holds method, path and query of each request, ``answered`` the bytes of all answers but lists of jobs.
    Hosts in ``deleted`` are not in the inventory any more, and those in ``disabled`` are shown as such.
    """

    def __init__(self, ran: t.Callable[[int, tuple[str, ...]], Ran], *failed: str) -> None:
        super().__init__()
        self._ran = ran
        self.jobs = {SOURCE: job(SOURCE)}
        self.answered = 0
        self._hosts: dict[int, t.Mapping[str, bool]] = {SOURCE: dict.fromkeys(failed, True)}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.deleted: set[str] = set()
        self.disabled: set[str] = set()
        #: By the name that jobs know, what a host is called by now.
        self.renamed: dict[str, str] = {}
        #: By name, hosts that were deleted and added again since the job with this number.
        self.added_again: dict[str, int] = {}
        #: A user who may only execute: a relaunch on failed hosts has a limit for a prompt.
        self.chains = True
        #: The seconds of ``Retry-After`` with which the next POSTs are turned away.
        self.throttled: list[float] = []
        #: So many of the next POSTs find nobody who listens.
        self.unplugged = 0
        #: By name, when a host was changed last.
        self.changed: dict[str, str] = {}
        #: Called with a path before a request is answered.
        self.before: t.Callable[[str], None] = lambda _path: None
        #: Called with method and path: an answer that takes the place of its own; None where that counts.
        self.instead: t.Callable[[str, str], t.Optional[tuple[int, t.Any]]] = lambda _method, _path: None

    def client(self, clock: Clock, max_retries: int = 0) -> ControllerClient:
        return client_of(self, clock, max_retries=max_retries)

    @property
    def posts(self) -> list[str]:
        return [path for method, path, _query in self.asked if method == "POST"]

    @property
    def remaining(self) -> set[str]:
        """The hosts that the newest job which has ended and ran on them failed on."""
        failed: dict[str, bool] = {}
        for number, job_ in sorted(self.jobs.items()):
            if job_["finished"] is not None:
                failed.update(self._hosts[number])
        return {name for name, bad in failed.items() if bad} - self.deleted

    def relaunch(self, of: int, hosts: str = "failed") -> dict[str, t.Any]:
        """Make a relaunch, which ends at once."""
        names = self._failed(of) if hosts == "failed" else ()
        number = max(self.jobs) + 1
        limit = ",".join(names) or self.jobs[of]["limit"]
        held = tuple(name for name in limit.split(",") if name and name not in self.renamed)
        ran = self._ran(number - SOURCE, names or held)
        status = ran if isinstance(ran, str) else "failed" if any(ran.values()) else "successful"
        self._hosts[number] = {} if isinstance(ran, str) else ran
        of_template = {"allow_simultaneous": self.jobs[of]["allow_simultaneous"]}
        self.jobs[number] = job(number, status, launch_type="relaunch", limit=limit, **of_template)
        return self.jobs[number]

    def ended(self, number: int, hosts: t.Mapping[str, bool]) -> None:
        """A person has run it on these hosts."""
        status = "failed" if any(hosts.values()) else "successful"
        self.jobs[number] = job(number, status, launch_type="manual", limit=",".join(hosts))
        self._hosts[number] = hosts

    def forget_before(self, number: int) -> None:
        """Delete old relaunches, so that it is not this controller that grows."""
        for old in [known for known in self.jobs if SOURCE < known < number]:
            del self.jobs[old], self._hosts[old]

    def _failed(self, number: int) -> tuple[str, ...]:
        failed = (name for name, bad in self._hosts[number].items() if bad and self._has_row(number, name))
        return tuple(sorted(self.renamed.get(name, name) for name in failed))

    def _summary(self, number: int, name: str, failed: bool) -> dict[str, t.Any]:
        found = summary(name, failed, self._has_row(number, name), self.renamed.get(name, name))
        if name in self.added_again and found["host"] is not None:
            found["host"] += 1000
            found["summary_fields"]["host"]["id"] += 1000
        return found

    def _has_row(self, number: int, name: str) -> bool:
        return name not in self.deleted and number > self.added_again.get(name, 0)

    def send(self, request: PreparedRequest, *_args: t.Any, **_options: t.Any) -> Response:
        target = urlsplit(str(request.url))
        path, query = target.path.removeprefix("/api/v2/"), dict(parse_qsl(target.query))
        self.before(path)
        self.asked.append((str(request.method), path, query))
        headers: dict[str, str] = {}
        if request.method == "POST" and self.unplugged:
            self.unplugged -= 1
            raise ConnectionProblem(NewConnectionError(None, "refused"), request=request)
        if request.method == "POST" and self.throttled:
            headers["Retry-After"] = f"{self.throttled.pop(0):g}"
            status, body = 429, {"detail": "Request was throttled."}
        else:
            own = self.instead(str(request.method), path)
            parts = path.strip("/").split("/")
            status, body = own or self._answer(str(request.method), parts, query, request.body)
        response = answer(request, status, body, headers)
        self.answered += int(response.headers["Content-Length"]) if path != "jobs/" else 0
        return response

    def close(self) -> None:
        pass

    def _answer(self, method: str, parts: list[str], query: dict[str, str], sent: t.Any) -> tuple[int, t.Any]:
        if parts == ["jobs"]:
            newer = [in_list(one) for number, one in self.jobs.items() if number > int(query["id__gt"])]
            return 200, listed(newer, query)
        if parts[0] == "inventories":
            return 200, listed(self._inventory(query), query)
        number = int(parts[1])
        if number not in self.jobs:
            return 404, {"detail": "Not found."}
        if len(parts) == 2:
            return 200, self.jobs[number]
        if parts[2] == "relaunch" and method == "POST":
            return self._relaunch(number, json.loads(sent)["hosts"])
        if parts[2] == "job_host_summaries":
            hosts = self._hosts[number].items()
            found = [self._summary(number, name, failed) for name, failed in hosts]
            return 200, listed([one for one in found if one["failed"] or "failed" not in query], query)
        if parts[2] == "job_events":
            return 200, listed(self._events(number, query), query)
        return 200, {"content": "PLAY RECAP"}

    def _inventory(self, query: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
        """All hosts that any job has run on, unless they are deleted."""
        names = {name for hosts in self._hosts.values() for name in hosts} - self.deleted
        if "enabled" in query:
            names -= self.disabled
        if "not__job_host_summaries__job" in query:
            names -= set(self._hosts[int(query["not__job_host_summaries__job"])])
        if "name__in" in query:
            names &= set(query["name__in"].split(","))
        now = max(self.jobs) + 1
        rows = [self._summary(now, name, failed=True)["summary_fields"]["host"] for name in sorted(names)]
        hosts = [{**row, "modified": self.changed.get(row["name"])} for row in rows]
        wanted = query["id__in"].split(",") if "id__in" in query else None
        return [host for host in hosts if wanted is None or str(host["id"]) in wanted]

    def _events(self, number: int, query: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
        """Whatever failed did so at the first of two tasks; hosts that did not fail went on to the other."""
        if "playbook_on_task_start" in query.get("event__in", ""):
            return list(STARTED)
        if "parent_uuid" in query:
            # Of the last task no failed host has a result.
            return []
        return [event(name) for name, bad in self._hosts[number].items() if bad]

    def _relaunch(self, number: int, hosts: str) -> tuple[int, t.Any]:
        if not self.chains and self.jobs[number]["limit"]:
            return 403, {"detail": "Job was launched with prompts."}
        if hosts == "failed" and not self._failed(number):
            return 400, {"hosts": ["No hosts."]}
        return 201, {**self.relaunch(number, hosts), "status": "pending", "finished": None, "started": None}


def retry_request(check_mode: bool = False, diff: bool = False, **options: t.Any) -> RetryRequest:
    """What a task asks for that retries job 42."""
    defaults = {name: option.get("default") for name, option in RETRY_SPECIFICATION["argument_spec"].items()}
    return RetryRequest.of({**defaults, "job_id": SOURCE, **options}, check_mode, diff)


def hopeless(_number: int, hosts: tuple[str, ...]) -> Ran:
    """A relaunch that fails on all of its hosts."""
    return dict.fromkeys(hosts, True)


def client_of(controller: BaseAdapter, clock: Clock, **options: t.Any) -> ControllerClient:
    """A client of a controller inside the process, on the clock of a test."""
    unset = {name: option.get("default") for name, option in CONNECTION_SPEC.items()}
    given = {"controller_host": HOST, "controller_oauthtoken": "t0ken", "max_retries": 0, **options}
    client = ControllerClient(resolve({**unset, **given}, {}, "/"), clock.read, clock.sleep)
    client._session.mount(HOST, controller)
    # It stands on one clock, and answers one after another.
    client._sender.reads_at_a_time = 1
    return client


def answer(request: PreparedRequest, status: int, body: t.Any, headers: t.Mapping[str, str]) -> Response:
    """An answer in JSON, as a connection would bring it; bytes are that of something in between."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = Response()
    response.status_code, response.request, response.url = status, request, str(request.url)
    response.headers.update({"Content-Length": str(len(content)), "Content-Type": "application/json", **headers})
    response.encoding = "utf-8"
    response.raw = io.BytesIO(content)
    return response


def listed(entries: t.Sequence[t.Any], query: t.Mapping[str, str]) -> dict[str, t.Any]:
    """A page of a list."""
    size, number = int(query.get("page_size", 25)), int(query.get("page", 1))
    more = len(entries) > number * size
    page = entries[(number - 1) * size : number * size]
    return {"count": len(entries), "next": "/next" if more else None, "previous": None, "results": page}


def event(host: str) -> dict[str, t.Any]:
    """The failure of a host."""
    return {**FAILED_AT_START, "host": int("".join(filter(str.isdigit, host)) or 0), "host_name": host}
