# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be told of a job that ended badly: what each failed host failed with, and the end of its output.

Private to this collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._api.client import ControllerClient
from .._api.errors import ControllerError
from .._api.jobs import CANCELED, ERROR, FAILED_STATUSES, HostSummary, Job
from .._api.kinds import INVENTORY_UPDATE, JOB, PROJECT_UPDATE
from .._api.paging import entries_in, first_entries
from .._work.starts import FAILURE_EVENTS, UNREACHABLE

# Failures that were rescued or ignored are among the events, so that more of them are read than shown.
PAGE = 200
PAGES_READ = 5
FAILURES_LIMIT = 20
MESSAGE_LIMIT = 1000
TAIL_LINES = 20
TAIL_LIMIT = 4000

# How much of a failed task's message goes into a sentence; all of it is in the failure.
SHOWN_MESSAGE = 200

# ECMA-48 control sequences (colours among them) and operating system commands (links, titles).
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")

_WAITS = " It waits for capacity, or for another job, project update or inventory update."

HostFailure = dict[str, t.Any]


@dataclass(frozen=True)
class FailureReport:
    """What failed hosts failed with, in the order in which it happened, and how many more hosts failed."""

    shown: tuple[HostFailure, ...]
    more: int

    @property
    def first(self) -> str:
        """The first one, for a sentence."""
        if not self.shown:
            return ""
        failure = self.shown[0]
        others = len(self.shown) - 1 + self.more
        message = failure["message"][:SHOWN_MESSAGE]
        return f" {failure['host']}: {failure['task']}: {message}{f' (and {others} more)' if others else ''}."


def failures(client: ControllerClient, job_id: int, summaries: t.Sequence[HostSummary]) -> FailureReport:
    """What failed hosts failed with.

    :param summaries: of the job.
    :raises ControllerError: the events could not be read.
    """
    found = tuple(reversed(causes(client, job_id, summaries).values()))
    shown = found[:FAILURES_LIMIT]
    return FailureReport(shown, sum(summary.failed for summary in summaries) - len(shown))


def causes(
    client: ControllerClient, job_id: int, summaries: t.Sequence[HostSummary], most_pages: int = PAGES_READ
) -> dict[str, HostFailure]:
    """The cause of each failed host's failure, by its name, the last first: the last failed event of it (recorded:
    get-events-failed).

    A failure that was rescued is a failed event too, but not the last one of a host that the summary calls failed;
    one that was ignored says so.

    :param summaries: of the job.
    :param most_pages: so many pages of failed events are read at most.
    :raises ControllerError: the events could not be read.
    """
    found: dict[str, HostFailure] = {}
    # Events hold the names of then.
    wanted = {summary.name_then: summary.name for summary in summaries if summary.failed}
    path, query = JOB.at(job_id, "job_events"), {"event__in": ",".join(FAILURE_EVENTS), "order_by": "-counter"}
    for page in range(1, most_pages + 1):
        answer = client.get(path, **query, page_size=PAGE, page=page)
        for event in entries_in(answer, path):
            failure = _failure(event)
            if failure["host"] in wanted and not (event.get("event_data") or {}).get("ignore_errors"):
                name = wanted[failure["host"]]
                found.setdefault(name, {**failure, "host": name})
        if len(found) == len(wanted) or not answer.get("next"):
            break
    return found


def stdout_tail(client: ControllerClient, job_id: int) -> str:
    """The last lines of a job's output, without colours; the controller counts a negative start from the end.

    :raises ControllerError: it could not be read.
    """
    tail = client.get(JOB.at(job_id, "stdout"), format="json", start_line=-TAIL_LINES)
    return _plain(str(tail.get("content") or ""))[-TAIL_LIMIT:]


def explained(job: Job) -> str:
    """What the controller has to say about a job's state, or what its state means, to go on a sentence."""
    if job.explanation:
        return f' The controller explains: "{job.explanation}"{_to_update(job)}'
    if job.status == "pending" and job.one_at_a_time:
        return " Its template allows one job at a time, so that it has to wait for another one."
    if job.status in ("pending", "waiting"):
        return _WAITS
    return ""


def _to_update(job: Job) -> str:
    """What to do where an update failed on which the job depends, to go on a sentence."""
    before, project = job.failed_before, job.summary("project")
    if job.status == CANCELED:
        # Somebody canceled that as well: nothing failed.
        return ""
    if before.get("job_type") == INVENTORY_UPDATE.type:
        what = f"inventory source {before['job_name']}"
    elif before.get("job_type") == PROJECT_UPDATE.type:
        what = f"project {before['job_name']}"
    elif job.status == ERROR and job.never_began and project.get("status") in FAILED_STATUSES:
        # Its project is not updated on launch (recorded: updates-relaunch-project-failed-detail).
        what = f"project {project.get('name')}"
    else:
        return ""
    return f" Mend what that update failed with, then update the {what}."


def explained_now(client: ControllerClient, job: Job) -> str:
    """As ``explained``; where a job's template allows one at a time, with the job that it has to wait for, if there is
    one, and if that can be asked for.
    """
    said = explained(job)
    if job.kind is not JOB or job.status != "pending" or not job.one_at_a_time or job.template is None:
        return said
    query = {"unified_job_template": job.template, "id__lt": job.id, "status__in": "pending,waiting,running"}
    try:
        jobs = first_entries(client.get_once, JOB.path, **query, order_by="id", page_size=1)
    except ControllerError:
        return said
    if not (jobs or job.explanation):
        return _WAITS
    return said + "".join(f" Job {one['id']} of the same template is {one['status']}, and comes first." for one in jobs)


def _failure(event: t.Mapping[str, t.Any]) -> HostFailure:
    data = event.get("event_data") or {}
    return {
        "host": str(event.get("host_name") or data.get("host") or ""),
        "play": str(event.get("play") or data.get("play") or ""),
        "task": str(event.get("task") or data.get("task") or ""),
        "module": str(data.get("task_action") or ""),
        "message": _message(data.get("res")),
        "unreachable": event.get("event") == UNREACHABLE,
    }


def _message(result: t.Any) -> str:
    """What a failed task had to say: its message, and the end of its error output where that says more."""
    if not isinstance(result, dict):
        return _plain(str(result or ""))[:MESSAGE_LIMIT]
    # Of a loop the failed item says more than the task.
    items = result.get("results")
    failed = [item for item in items if isinstance(item, dict) and item.get("failed")] if items else []
    result = failed[0] if failed else result
    message = _plain(str(result.get("msg") or ""))
    for stream in ("stderr", "module_stderr"):
        lines = _plain(str(result.get(stream) or "")).splitlines()
        if lines and lines[-1] not in message:
            message = f"{message}: {lines[-1]}" if message else lines[-1]
    return message[:MESSAGE_LIMIT]


def _plain(text: str) -> str:
    """Text of a terminal without its escape sequences."""
    return _ESCAPES.sub("", text).replace("\r", "").strip()
