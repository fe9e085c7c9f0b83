# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as data: their statuses, their facts, and where the controller keeps what belongs to them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._errors import AnswerError

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

FAILURES_LIMIT = 20
MESSAGE_LIMIT = 1000
TAIL_LINES = 20


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


def failures(client: ControllerClient, job_id: int) -> list[dict[str, str]]:
    """The first failed tasks of a job, in their order: host, task and message of each (recorded: get-events-failed)."""
    query = {"event__in": "runner_on_failed,runner_on_unreachable", "order_by": "counter", "page_size": FAILURES_LIMIT}
    found = []
    for event in client.get(path(job_id, "job_events"), **query).get("results") or ():
        data = event.get("event_data") or {}
        if data.get("ignore_errors"):
            continue
        result = data.get("res")
        message = result.get("msg") if isinstance(result, dict) else result
        found.append(
            {
                "host": str(event.get("host_name") or data.get("host") or ""),
                "task": str(event.get("task") or data.get("task") or ""),
                "message": ("" if message is None else str(message))[:MESSAGE_LIMIT],
            }
        )
    return found


def stdout_tail(client: ControllerClient, job_id: int) -> str:
    """The last lines of a job's output; the controller counts a negative start from the end."""
    tail = client.get(path(job_id, "stdout"), format="json", start_line=-TAIL_LINES)
    return str(tail.get("content") or "").strip()
