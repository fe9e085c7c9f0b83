# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as data: their statuses, their facts, and where the controller keeps what belongs to them."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.relaunch.controller.plugins.module_utils._errors import AnswerError

if t.TYPE_CHECKING:
    from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient

ACTIVE_STATUSES = frozenset({"new", "pending", "waiting", "running"})
SUCCESSFUL = "successful"

# What awx.awx's job_wait returns flat, less "started" and "finished": ansible-core takes these two at the top level
# for its own, and never ends an async task that returns them.
FLAT_FACTS = ("id", "status", "elapsed", "limit", "launch_type", "job_type", "job_explanation")

# The kinds of unified job that are no jobs, as `type` in the API and in a person's words.
OTHER_KINDS = {
    "workflow_job": "a workflow job",
    "ad_hoc_command": "an ad hoc command",
    "project_update": "a project update",
    "inventory_update": "an inventory update",
    "system_job": "a management job",
    "workflow_approval": "a workflow approval",
}

# Ignored failures are among the events, so that more of them are read than shown.
FAILURES_READ = 50
FAILURES_LIMIT = 20
MESSAGE_LIMIT = 1000
TAIL_LINES = 20
TAIL_LIMIT = 4000

# ECMA-48 control sequences (colours among them) and operating system commands (links, titles).
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


@dataclass(frozen=True)
class Job:
    """A job as the controller tells it, in its detail, in a list or in the answer to a launch."""

    facts: t.Mapping[str, t.Any]

    @classmethod
    def of(cls, body: t.Mapping[str, t.Any]) -> Job:
        """:raises AnswerError: the body is no job's."""
        if not isinstance(body.get("id"), int) or not isinstance(body.get("status"), str):
            raise AnswerError("The controller answered without the id and status of a job.", 200, body)
        return cls(body)

    @property
    def id(self) -> int:
        return int(self.facts["id"])

    @property
    def status(self) -> str:
        return str(self.facts["status"])

    @property
    def job_type(self) -> str:
        return str(self.facts.get("job_type") or "")

    @property
    def active(self) -> bool:
        return self.status in ACTIVE_STATUSES

    @property
    def successful(self) -> bool:
        return self.status == SUCCESSFUL

    @property
    def events_processed(self) -> bool:
        """Whether the controller knows the job's failed hosts by now; about a second after its end."""
        return bool(self.facts.get("event_processing_finished"))

    @property
    def startable(self) -> bool:
        """Whether the controller lets this user relaunch it, as far as it says; a GET alone is no proof of that."""
        capabilities = (self.facts.get("summary_fields") or {}).get("user_capabilities") or {}
        return capabilities.get("start") is not False

    @property
    def limit_hosts(self) -> list[str]:
        """The names in the limit of a relaunch on failed hosts, sorted."""
        return sorted(name.strip() for name in str(self.facts.get("limit") or "").split(",") if name.strip())

    @property
    def passwords_needed(self) -> list[str]:
        return [str(name) for name in self.facts.get("passwords_needed_to_start") or ()]


@dataclass(frozen=True)
class HostSummary:
    """What became of one host in a job.

    ``name`` is the inventory's current one; ``present`` is false where the host was deleted since, so that no
    relaunch can reach it. ``failed`` includes unreachable.
    """

    name: str
    failed: bool
    present: bool


def names(hosts: t.Sequence[str], most: int = 10) -> str:
    """Host names for a sentence, the first of many."""
    more = f" and {len(hosts) - most} more" if len(hosts) > most else ""
    return ", ".join(hosts[:most]) + more


def path(job_id: int, *parts: str) -> str:
    return "/".join(("jobs", str(job_id), *parts, ""))


def get(client: ControllerClient, job_id: int) -> Job:
    """A job's detail."""
    return Job.of(client.get(path(job_id)))


def get_once(client: ControllerClient, job_id: int) -> Job:
    """A job's detail, with a single attempt."""
    return Job.of(client.get_once(path(job_id)))


def other_kind(client: ControllerClient, job_id: int) -> t.Optional[str]:
    """What a number that is no job's stands for, in words; None where it is nothing that this user may see."""
    for unified in client.results("unified_jobs/", id=job_id):
        kind = str(unified.get("type"))
        return OTHER_KINDS.get(kind, kind)
    return None


def host_summaries(client: ControllerClient, job_id: int, failed: t.Optional[bool] = None) -> list[HostSummary]:
    """The hosts of a finished job, sorted by name.

    :param failed: True for the failed and unreachable ones only.
    """
    query = {} if failed is None else {"failed": str(failed).lower()}
    summaries = []
    for entry in client.results(path(job_id, "job_host_summaries"), **query):
        host = (entry.get("summary_fields") or {}).get("host") or {}
        name = str(host.get("name") or entry.get("host_name"))
        summaries.append(HostSummary(name, bool(entry.get("failed")), entry.get("host") is not None))
    return sorted(summaries, key=lambda summary: summary.name)


def failures(client: ControllerClient, job_id: int) -> tuple[list[dict[str, t.Any]], int]:
    """The first failed tasks of a job, in their order, and how many more there are (recorded: get-events-failed)."""
    query = {"event__in": "runner_on_failed,runner_on_unreachable", "order_by": "counter", "page_size": FAILURES_READ}
    answer = client.get(path(job_id, "job_events"), **query)
    events = [
        event for event in answer.get("results") or () if not (event.get("event_data") or {}).get("ignore_errors")
    ]
    ignored = len(answer.get("results") or ()) - len(events)
    shown = [_failure(event) for event in events[:FAILURES_LIMIT]]
    return shown, max(len(events), int(answer.get("count") or 0) - ignored) - len(shown)


def _failure(event: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    data = event.get("event_data") or {}
    return {
        "host": str(event.get("host_name") or data.get("host") or ""),
        "play": str(event.get("play") or data.get("play") or ""),
        "task": str(event.get("task") or data.get("task") or ""),
        "module": str(data.get("task_action") or ""),
        "message": _message(data.get("res")),
        "unreachable": event.get("event") == "runner_on_unreachable",
    }


def _message(result: t.Any) -> str:
    """What a failed task had to say: its message, and the end of its error output where that says more."""
    if not isinstance(result, dict):
        return _plain(str(result or ""))[:MESSAGE_LIMIT]
    message = _plain(str(result.get("msg") or ""))
    for stream in ("stderr", "module_stderr"):
        lines = _plain(str(result.get(stream) or "")).splitlines()
        if lines and lines[-1] not in message:
            message = f"{message}: {lines[-1]}" if message else lines[-1]
    return message[:MESSAGE_LIMIT]


def stdout_tail(client: ControllerClient, job_id: int) -> str:
    """The last lines of a job's output, without colours; the controller counts a negative start from the end."""
    tail = client.get(path(job_id, "stdout"), format="json", start_line=-TAIL_LINES)
    return _plain(str(tail.get("content") or ""))[-TAIL_LIMIT:]


def _plain(text: str) -> str:
    """Text of a terminal without its escape sequences."""
    return _ESCAPES.sub("", text).replace("\r", "").strip()
