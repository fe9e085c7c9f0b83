# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller inside the process with many jobs of many templates, which take their time by the clock of a test."""

from __future__ import annotations

import itertools
import json
import re
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import in_list, job, prompts, started, summary
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import answer, client_of, listed
from ansible_collections.relaunch.controller.tests.unit.templates_as_data import needs

NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)
_SLICE = ("job_slice_count", "job_slice_number")
# What a relaunch takes over.
_KEPT = (
    "extra_vars",
    "verbosity",
    "forks",
    "execution_environment",
    "inventory",
    "summary_fields",
    "allow_simultaneous",
    *_SLICE,
)
#: As a list or a detail shows it: lists tell less.
Facts = dict[str, t.Any]
#: By name whether each host failed.
Hosts = t.Mapping[str, bool]


@dataclass
class SimulatedJob:
    """
    :param created: seconds, by the clock; its end is ``duration`` later.
    :param hosts: those that it has got to.
    :param batches: so many it has begun, each with all tasks but where ``stopped``.
    :param stopped: it ended early, after its first task.
    """

    id: int
    created: float
    duration: float
    hosts: Hosts
    facts: Facts = field(default_factory=dict)
    batches: int = 1
    stopped: bool = False
    canceled: bool = False

    @property
    def ends(self) -> float:
        return self.created + self.duration

    def shown(self, now: float) -> Facts:
        active = now < self.ends
        status = "running" if active else "canceled" if self.canceled else self.final
        moments = {name: _written(at) for name, at in (("created", self.created), ("started", self.created + 0.01))}
        finished = None if active else _written(self.ends)
        failures = sum(self.hosts.values())
        counts = {"failures": failures, "ok": len(self.hosts) - failures}
        told = {} if active or self.canceled else {"host_status_counts": {k: n for k, n in counts.items() if n}}
        facts = {"summary_fields": {"inventory": {"id": 1, "total_hosts": 5}}, **self.facts}
        return job(self.id, **{"status": status, **moments, "finished": finished, **told, **facts})

    @property
    def final(self) -> str:
        return "failed" if any(self.hosts.values()) else "successful"


class BulkController(BaseAdapter):
    """
    ``asked`` holds method, path and query of each request. ``before`` is called with method and path before each of
    them, and may move the world, or answer in its place with a status, a body and headers. Each takes ``latency``
    seconds. ``failing`` says on which hosts the relaunches of a template fail; ``course`` what they do besides.
    """

    def __init__(self, clock: Clock, latency: float = 0.0) -> None:
        super().__init__()
        self.clock = clock
        self.latency = latency
        self.jobs: dict[int, SimulatedJob] = {}
        self.prompts: dict[int, Facts] = {}
        #: By template, when it was edited last; it is long ago where nothing is said.
        self.edited: dict[int, float] = {}
        self.with_surveys: set[int] = set()
        self.failing: dict[int, set[str]] = {}
        #: What templates ask for at launch.
        self.asks: tuple[str, ...] = ("limit",)
        self.duration: t.Callable[[int], float] = lambda _number: 5.0
        self.inventory: dict[str, bool] = {}
        #: By name, when hosts were changed last, in seconds by the clock.
        self.changed: dict[str, float] = {}
        #: By host, the inventory that it is in, where that is not 1.
        self.inventory_of: dict[str, int] = {}
        #: The hosts that were deleted and added again since they failed.
        self.added_again: set[str] = set()
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.before: t.Callable[[str, str], t.Any] = lambda _method, _path: None
        #: Is shown path, query, status and body of each answer, and gives status and body in their place.
        self.after: t.Callable[[str, dict[str, str], int, t.Any], tuple[int, t.Any]] = lambda *one: one[2:]
        self.most_active = 0
        self._next = 100

    def client(self, **options: t.Any) -> ControllerClient:
        return client_of(self, self.clock, **options)

    def failed(
        self, number: int, hosts: Hosts, template: int = 7, stopped: bool = False, batches: int = 1, **facts: t.Any
    ) -> SimulatedJob:
        """A job of some hours ago, each after those with lower numbers."""
        facts = {"unified_job_template": template, **facts}
        one = SimulatedJob(number, -20000.0 + 60.0 * number, 20.0, hosts, facts, batches, stopped)
        self.jobs[number] = one
        for name in hosts:
            self.inventory.setdefault(name, True)
        return one

    def in_inventory(self, number: int, names: t.Collection[str]) -> Facts:
        """Facts of a job on an inventory of its own with these hosts."""
        self.inventory_of.update(dict.fromkeys(names, number))
        return {"inventory": number, "summary_fields": {"inventory": {"id": number, "total_hosts": len(names)}}}

    def launch(self, template: int, names: t.Iterable[str], duration: float = 5.0, **facts: t.Any) -> SimulatedJob:
        """A job that begins now."""
        number = self._next = max(self._next, *self.jobs) + 1
        failing = self.failing.get(template, set())
        hosts = {name: name in failing for name in names if self.inventory.get(name)}
        facts = {"unified_job_template": template, **facts}
        self.jobs[number] = SimulatedJob(number, self.clock.now, duration, hosts, facts)
        return self.jobs[number]

    @property
    def posts(self) -> list[str]:
        """What was launched or canceled, such as ``42/relaunch``."""
        return [path.removeprefix("jobs/").strip("/") for method, path, _query in self.asked if method == "POST"]

    def send(self, request: PreparedRequest, *_args: t.Any, **_options: t.Any) -> Response:
        target = urlsplit(str(request.url))
        # A key that is given several times has its values in lines.
        query: dict[str, str] = {}
        for name, value in parse_qsl(target.query):
            query[name] = f"{query[name]}\n{value}" if name in query else value
        path = target.path.removeprefix("/api/v2/")
        self.clock.now += self.latency
        self.asked.append((str(request.method), path, query))
        given = self.before(str(request.method), path)
        if given is None:
            given = self._answer(str(request.method), path.strip("/").split("/"), query, request.body)
            given = self.after(path, query, *given)
        status, body, *headers = given
        now = {"Date": format_datetime(NOW + timedelta(seconds=self.clock.now), usegmt=True)}
        return answer(request, status, body, {**now, **(headers[0] if headers else {})})

    def close(self) -> None:
        pass

    def _answer(self, method: str, parts: list[str], query: dict[str, str], sent: t.Any) -> tuple[int, t.Any]:
        now = self.clock.now
        if parts == ["jobs"]:
            numbers = sorted(self.jobs, reverse=query.get("order_by") == "-id")
            found = [self.jobs[number].shown(now) for number in numbers]
            return 200, listed([in_list(one) for one in found if _fits(one, query)], query)
        if parts in (["unified_jobs"], ["workflow_jobs"], ["project_updates"], ["inventory_updates"]):
            return 200, listed([], query)
        if parts == ["job_templates"]:
            return 200, listed(self._templates(query), query)
        if parts[0] == "job_templates":
            return self._template(int(parts[1]), parts[2:], sent if method == "POST" else None)
        if parts == ["api"]:
            return 200, {"current_version": "/api/v2/"}
        if parts == ["me"]:
            return 200, listed([{"id": 1}], query)
        if parts[0] in ("inventories", "hosts"):
            of = parts[1] if parts[0] == "inventories" else query.get("inventory__in", "1")
            return 200, listed(self._hosts(of.split(","), query), query)
        number = int(parts[1]) if parts[1:] else 0
        if number not in self.jobs:
            return 404, {"detail": "Not found."}
        one = self.jobs[number]
        if len(parts) == 2:
            return 200, one.shown(now)
        if parts[2] == "relaunch" and method != "POST":
            return 200, {"passwords_needed_to_start": [], "retry_counts": {}}
        if parts[2] == "relaunch":
            return self._relaunch(one, json.loads(sent)["hosts"])
        if parts[2] == "cancel":
            one.duration, one.canceled = now - one.created, True
            return 202, {}
        if parts[2] == "create_schedule":
            return 200, prompts(**self.prompts.get(number, {}))
        if parts[2] == "job_host_summaries":
            over = now >= one.ends and not one.canceled
            hosts = sorted(one.hosts.items()) if over else []
            rows = [summary(name, failed, self._has_row(name)) for name, failed in hosts]
            return 200, listed([row for row in rows if row["failed"] or "failed" not in query], query)
        if parts[2] == "job_events":
            return 200, listed(_events(one, query), query)
        return 200, {"content": "PLAY RECAP"}

    def _has_row(self, name: str) -> bool:
        return name in self.inventory and name not in self.added_again

    def _relaunch(self, one: SimulatedJob, hosts: str) -> tuple[int, t.Any]:
        names = list(self.inventory)
        if hosts == "failed":
            names = [name for name, failed in one.hosts.items() if failed and self._has_row(name)]
        if hosts == "failed" and not names:
            return 400, {"hosts": "No hosts."}
        kept = {name: one.facts[name] for name in _KEPT if name in one.facts}
        limit = ",".join(sorted(names)) if hosts == "failed" else one.facts.get("limit", "")
        names = (
            names if hosts == "failed" or not limit else [name for name in limit.split(",") if name in self.inventory]
        )
        new = self.launch(
            one.facts["unified_job_template"],
            names,
            self.duration(one.id),
            launch_type="relaunch",
            launched_by={"id": 1, "type": "user"},
            limit=limit,
            **kept,
        )
        if one.id in self.prompts:
            self.prompts[new.id] = self.prompts[one.id]
        active = sum(job.created <= self.clock.now < job.ends for job in self.jobs.values())
        self.most_active = max(self.most_active, active)
        return 201, {**new.shown(self.clock.now - 0.001), "status": "pending", "started": None, "finished": None}

    def _template(self, number: int, parts: list[str], sent: t.Any) -> tuple[int, t.Any]:
        """A template, what it asks for at launch, or a launch of it."""
        if sent is None:
            return 200, needs(*self.asks) if parts == ["launch"] else {"id": number}
        limit = json.loads(sent)["limit"]
        new = self.launch(number, limit.split(","), limit=limit, launched_by={"id": 1, "type": "user"})
        return 201, {**new.shown(self.clock.now - 0.001), "status": "pending", "ignored_fields": {}}

    def _templates(self, query: t.Mapping[str, str]) -> list[Facts]:
        templates = sorted({one.facts["unified_job_template"] for one in self.jobs.values()})
        return [
            {
                "id": template,
                "modified": _written(self.edited.get(template, -50000.0)),
                "survey_enabled": template in self.with_surveys,
            }
            for template in templates
            if str(template) in query["id__in"].split(",")
        ]

    def _hosts(self, inventories: t.Collection[str], query: t.Mapping[str, str]) -> list[Facts]:
        names = [name for name, enabled in sorted(self.inventory.items()) if enabled or "enabled" not in query]
        parts, starts = (query.get(f"or__name__{one}", "").split("\n") for one in ("contains", "startswith"))
        names = [name for name in names if any(part in name for part in parts) or name.startswith(tuple(starts))]
        without = query.get("not__job_host_summaries__job")
        if without is not None:
            names = [name for name in names if name not in self.jobs[int(without)].hosts]
        modified = {name: _written(self.changed.get(name, -30000.0)) for name in names}
        names = [name for name in names if modified[name] > query.get("modified__gt", "")]
        found = [(name, self.inventory_of.get(name, 1)) for name in names]
        found = [(name, inventory) for name, inventory in found if str(inventory) in inventories]
        rows = [
            {
                **summary(name)["summary_fields"]["host"],
                "created": _written(-30000.0),
                "modified": modified[name],
                "inventory": of,
                "enabled": self.inventory[name],
            }
            for name, of in found
        ]
        wanted = [(name, query[f"{name}__in"].split(",")) for name in ("id", "name") if f"{name}__in" in query]
        return [row for row in rows if all(str(row[name]) in some for name, some in wanted)]


def launches_break_half_way(controller: BulkController, hosts: str, most: int) -> None:
    """So many relaunches are answered 500, and stay new until they are canceled: no instance takes them."""
    made: list[SimulatedJob] = []
    by = {"launched_by": {"id": 1, "type": "user"}}

    def before(method: str, path: str) -> t.Any:
        number = int(path.split("/")[1]) if method == "POST" else 0
        if path.endswith("/relaunch/") and number and len(made) < most:
            facts = {"launch_type": "relaunch", "limit": "web1" if hosts == "failed" else "", "started": None, **by}
            template = controller.jobs[number].facts["unified_job_template"]
            made.append(controller.launch(template, [], 1e9, status="new", **facts))
            return 500, "<html></html>"
        if path.endswith("/cancel/"):
            one = controller.jobs[number]
            one.facts["status"], one.duration = "canceled", controller.clock.now - one.created
            return 202, {}
        return None

    controller.before = before


def _fits(facts: Facts, query: t.Mapping[str, str]) -> bool:
    """Whether a job is among those that a query asks for; of its ``or__`` keys one is enough (recorded: find-or-*)."""
    either = [_meets(facts, name.removeprefix("or__"), text) for name, text in query.items() if name.startswith("or__")]
    each = (_meets(facts, name, text) for name, text in query.items() if not name.startswith("or__"))
    return all(each) and (not either or any(either))


def _meets(facts: Facts, name: str, text: str) -> bool:
    if name.startswith("not__"):
        return not _meets(facts, name.removeprefix("not__"), text)
    if name.endswith("__gt"):
        return bool(facts[name.removesuffix("__gt")] > int(text))
    if name.endswith("__lt"):
        return bool(facts[name.removesuffix("__lt")] < int(text))
    if name.endswith("__in"):
        return str(facts[name.removesuffix("__in")]) in text.split(",")
    return name not in ("launch_type", "status") or facts[name] == text


def _events(one: SimulatedJob, query: t.Mapping[str, str]) -> list[Facts]:
    kinds = query["event__in"].split(",") if "event__in" in query else None
    found = [event for event in _all_events(one) if kinds is None or event["event"] in kinds]
    if "host__isnull" in query:
        found = [event for event in found if event["host_name"] != "localhost"]
    return found[::-1] if query.get("order_by") == "-counter" else found


def _all_events(one: SimulatedJob) -> t.Iterator[Facts]:
    """All that a job has told, numbered from 1 on: each batch is a play of its own, and the first has the results."""
    numbers = itertools.count(1)

    def event(kind: str, uuid: str, **data: t.Any) -> Facts:
        return {**started(kind, next(numbers), **data), "uuid": uuid}

    yield event("playbook_on_start", "p")
    for batch in range(one.batches):
        play = {"play": "Deploy", "play_pattern": "all", "play_uuid": f"u{batch}"}
        yield event("playbook_on_play_start", f"u{batch}", **play)
        for task in ["Install"] if one.stopped else ["Install", "Restart"]:
            of_task = {**play, "task": task, "task_path": f"a.yml:{task}", "task_action": "command"}
            yield {**event("playbook_on_task_start", f"u{batch}{task}", **of_task), "parent_uuid": f"u{batch}"}
            for name, failed in sorted(one.hosts.items()) if not batch else ():
                if task == "Install" or not failed:
                    kind = "runner_on_failed" if failed else "runner_on_ok"
                    told = event(kind, "r", **of_task, res={"msg": "no such unit"} if failed else {})
                    yield {**told, "parent_uuid": f"u{batch}{task}", "host_name": name, "failed": failed}
    counts = {"processed": dict.fromkeys(sorted(one.hosts), 1)}
    counts["failures"] = {name: 1 for name in counts["processed"] if one.hosts[name]}
    yield event("playbook_on_stats", "s", **counts, artifact_data={"of_set_stats": 1})


def _written(at: float) -> str:
    return (NOW + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def relaunches_of(posts: t.Iterable[str]) -> list[int]:
    """The numbers of the jobs that were relaunched."""
    return [int(match[1]) for match in (re.fullmatch(r"(\d+)/relaunch", post) for post in posts) if match]
