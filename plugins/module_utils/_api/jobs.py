# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as data: their statuses, their facts, and the hosts they ran on. Private to this collection."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property

from .client import ControllerClient
from .errors import AnswerError, AnswerLostError, ControllerError, RefusedError, bounded
from .kinds import BY_TYPE, JOB, WORKFLOW_JOB, Kind

_T = t.TypeVar("_T")
_Key = t.TypeVar("_Key")

ACTIVE_STATUSES = frozenset({"new", "pending", "waiting", "running"})
NEW = "new"
# A launch leaves this status within a second or two.
NEW_AT_MOST = timedelta(minutes=2)
RUNNING = "running"
SUCCESSFUL = "successful"
FAILED_STATUS = "failed"
ERROR = "error"
CANCELED = "canceled"
# As ``launch_type``.
RELAUNCH = "relaunch"
MANUAL = "manual"
WORKFLOW = "workflow"
# Canceled on purpose is neither.
FAILED_STATUSES = (FAILED_STATUS, ERROR)
FINAL_STATUSES = (SUCCESSFUL, FAILED_STATUS, ERROR, CANCELED)
# In a limit, or the pattern of a play: what names every host.
EVERYBODY = frozenset({"all", "*"})


_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$")


@dataclass(frozen=True)
class Job:
    """A job, of whatever kind, as the controller tells it: in its detail, in a list or in the answer to a launch."""

    facts: t.Mapping[str, t.Any]

    @classmethod
    def of(cls, body: t.Mapping[str, t.Any]) -> Job:
        """:raises AnswerError: the body is no job's."""
        if not isinstance(body.get("id"), int) or not isinstance(body.get("status"), str):
            raise AnswerError("The controller answered without the id and status of a job.", 200, body)
        return cls(body)

    @cached_property
    def id(self) -> int:
        return int(self.facts["id"])

    @property
    def status(self) -> str:
        return str(self.facts["status"])

    @property
    def name(self) -> str:
        return str(self.facts.get("name") or "")

    @property
    def kind(self) -> Kind:
        """As it says of itself; a job where it says nothing."""
        return BY_TYPE.get(str(self.facts.get("type")), JOB)

    @property
    def job_type(self) -> str:
        return str(self.facts.get("job_type") or "")

    @property
    def is_relaunch(self) -> bool:
        return self.facts.get("launch_type") == RELAUNCH

    @property
    def sliced(self) -> bool:
        """Whether it ran on one slice of its inventory, of several."""
        return int(self.facts.get("job_slice_count") or 1) > 1

    @property
    def template(self) -> t.Optional[int]:
        """Its template's number; None where the template is gone."""
        return self.facts.get("unified_job_template")

    @property
    def one_at_a_time(self) -> bool:
        """Whether its template is known to let one job run at a time."""
        return self.facts.get("allow_simultaneous") is False

    @property
    def inventory(self) -> t.Optional[int]:
        return self.facts.get("inventory")

    @property
    def bereft(self) -> bool:
        """Whether its inventory or project was deleted, so that no relaunch of it is taken (recorded:
        get-detail-inventory-deleted, post-inventory-deleted, post-project-deleted).
        """
        return any(self.facts.get(name, name) is None for name in ("inventory", "project"))

    @cached_property
    def in_constructed_inventory(self) -> bool:
        """Whether its hosts are copies, other rows than the hosts that they stand for."""
        return bool(self.summary("inventory").get("kind") == "constructed")

    @property
    def inventory_hosts(self) -> t.Optional[int]:
        """How many hosts its inventory has by now, disabled ones too; None where that is not said."""
        total = self.summary("inventory").get("total_hosts")
        return total if isinstance(total, int) else None

    @property
    def revision(self) -> str:
        """Of the project that it ran; empty where that has none, or where it never began."""
        return str(self.facts.get("scm_revision") or "")

    @cached_property
    def created(self) -> datetime:
        return parse_time(self.facts.get("created"))

    @property
    def took_hosts(self) -> str:
        """When it took the hosts of its inventory, into which an update on launch may have brought more."""
        return str(self.facts.get("started") or self.facts.get("created") or "")

    @cached_property
    def finished(self) -> datetime:
        return parse_time(self.facts.get("finished"))

    @property
    def active(self) -> bool:
        return self.status in ACTIVE_STATUSES

    @property
    def successful(self) -> bool:
        return self.status == SUCCESSFUL

    @property
    def began(self) -> bool:
        """Whether it ever ran; one that was canceled while pending did not (recorded: batch-canceled-loser-detail)."""
        return "started" not in self.facts or self.facts["started"] is not None

    @property
    def running(self) -> bool:
        """Whether its playbook may have begun; one that waits for its turn has not."""
        return self.active and (self.status == RUNNING or bool(self.facts.get("started")))

    def left_new(self, now: datetime) -> bool:
        """Whether it was left in ``new``, where its launch broke half way: it will never run (recorded: zombie-new-*).

        :param now: by the controller's clock.
        """
        return self.status == NEW and now - self.created > NEW_AT_MOST

    def over(self, now: datetime) -> bool:
        """Whether there is no end to wait for any more: it has ended, or was left in ``new``; not for updates.

        :param now: by the controller's clock.
        """
        return not self.active or (self.facts.get("type") in (JOB.type, WORKFLOW_JOB.type) and self.left_new(now))

    @property
    def never_began(self) -> bool:
        """Whether it has ended, and has surely done nothing to any host (recorded: never-began-*).

        A detail tells it: no task was started. Of a list it is known where the job was never started.
        """
        if self.active:
            return False
        if not self.began:
            return True
        counts = self.facts.get("playbook_counts")
        return self.events_processed and isinstance(counts, dict) and counts.get("task_count") == 0

    @property
    def in_detail(self) -> bool:
        """Whether these facts are those of its detail: a list does not say whether its events are in."""
        return "event_processing_finished" in self.facts

    @property
    def events_processed(self) -> bool:
        """Whether the controller knows the job's failed hosts by now; about a second after its end."""
        return bool(self.facts.get("event_processing_finished"))

    @property
    def failed_before(self) -> t.Mapping[str, t.Any]:
        """What failed before it, so that it did not begin, by ``job_type``, ``job_name`` and ``job_id`` (recorded:
        never-began-project-detail); empty where its explanation tells of none.
        """
        text = str(self.facts.get("job_explanation") or "")
        try:
            found = json.loads(text[text.index("{") :])
        except ValueError:
            return {}
        return found if {"job_type", "job_name", "job_id"} <= found.keys() else {}

    @property
    def explanation(self) -> str:
        """What the controller has to say about its state; empty where that is nothing."""
        text, before = str(self.facts.get("job_explanation") or ""), self.failed_before
        if not before:
            return _with_cause(text, str(self.facts.get("result_traceback") or ""))
        noun = str(before["job_type"]).replace("_", " ")
        return f"{text.partition('{')[0].rstrip(' :')}: {noun} {before['job_id']} ({before['job_name']})"

    @property
    def startable(self) -> bool:
        """Whether the controller lets this user relaunch it, as of ``may_start``."""
        return may_start(self.facts)

    @cached_property
    def limit_names(self) -> frozenset[str]:
        """The names or patterns in its limit; of a relaunch on failed hosts these are host names."""
        return limit_names_in(self.facts.get("limit"))

    @property
    def passwords_needed(self) -> list[str]:
        return [str(name) for name in self.facts.get("passwords_needed_to_start") or ()]

    @property
    def hosts_counted(self) -> t.Optional[int]:
        """How many hosts its statistics count, each once; None where a list, or a job without them, does not say."""
        counts = self.facts.get("host_status_counts")
        return sum(counts.values()) if counts else None

    @property
    def failures_counted(self) -> t.Optional[int]:
        """How many hosts its statistics call failed or unreachable, deleted ones too; None as of ``hosts_counted``."""
        counts = self.facts.get("host_status_counts")
        return int(counts.get("failures") or 0) + int(counts.get("dark") or 0) if counts else None

    def summary(self, name: str) -> t.Mapping[str, t.Any]:
        """One of its ``summary_fields``; empty where it has none."""
        return t.cast("t.Mapping[str, t.Any]", summary_of(self.facts, name))


@dataclass(frozen=True)
class HostSummary:
    """What became of one host in a job.

    :param host: its number; None where it was deleted since, so that no relaunch can reach it, or never had a row.
    :param name: the one it has now, or had last.
    :param name_then: the one it had in the job.
    :param failed: includes unreachable.
    :param unreachable: whether it could not be reached, and was not failed besides.
    :param changed: how many tasks changed something on it.
    :param constructed_host: the number of the copy in a constructed inventory that it stands for.
    """

    host: t.Optional[int]
    name: str
    name_then: str
    failed: bool
    unreachable: bool = False
    changed: int = 0
    constructed_host: t.Optional[int] = None

    @classmethod
    def of(cls, entry: t.Mapping[str, t.Any]) -> HostSummary:
        """From an entry of a job's host summaries (recorded: get-summaries-failed, constructed-summaries)."""
        now = summary_of(entry, "host")
        then = str(entry.get("host_name") or "")
        return cls(
            host=entry.get("host"),
            name=str(now.get("name") or then),
            name_then=then,
            failed=bool(entry.get("failed")),
            unreachable=bool(entry.get("dark")) and not entry.get("failures"),
            changed=int(entry.get("changed") or 0),
            constructed_host=entry.get("constructed_host"),
        )


def summary_of(entry: t.Mapping[str, t.Any], name: str) -> t.Any:
    """One of the ``summary_fields`` of an entry of whatever list, mostly an object; an empty one where it has none."""
    return (entry.get("summary_fields") or {}).get(name) or {}


def may_start(entry: t.Mapping[str, t.Any]) -> bool:
    """Whether the controller lets this user start a job again, or launch a template, as far as it says; that it shows
    it is no proof of that.
    """
    return summary_of(entry, "user_capabilities").get("start") is not False


def parse_time(text: t.Any) -> datetime:
    """A time of the controller's; it leaves out microseconds that are zero, so that its texts do not sort.

    :returns: with its zone; what is no time lies before all times.
    """
    found = _MOMENT.match(str(text or ""))
    if not found:
        return datetime.min.replace(tzinfo=timezone.utc)
    base, fraction, zone = found.groups()
    micro = f"{(fraction or '0'):0<6.6}"
    offset = "+00:00" if zone in (None, "Z") else zone
    return datetime.fromisoformat(f"{base}.{micro}{offset}")


def _with_cause(text: str, traceback: str) -> str:
    """What the controller explains, with why it could not run the job at all, which it says in a traceback alone: that
    no pod can be created, or no image pulled. Where Python was is left out.
    """
    lines = (line for line in traceback.splitlines() if line.strip() and not line.startswith((" ", "Traceback ")))
    cause = " ".join(map(str.strip, lines))
    if cause in text or (text and text in cause):
        return text
    return f"{text}: {bounded(cause)}" if text else bounded(cause)


def names_of(summaries: t.Iterable[HostSummary]) -> frozenset[str]:
    """All names that these hosts have, or had in the job."""
    return frozenset(name for summary in summaries for name in (summary.name, summary.name_then))


def names_in(text: t.Any) -> frozenset[str]:
    """The names in a comma-separated text."""
    return frozenset(filter(None, map(str.strip, str(text or "").split(","))))


def limit_names_in(limit: t.Any) -> frozenset[str]:
    """The names or patterns in a limit; none where they are all hosts."""
    names = names_in(limit)
    return names if names - EVERYBODY else frozenset()


def join(names: t.Iterable[t.Any], most: int = 10) -> str:
    """Names, or numbers, for a sentence: of many the first, and how many more; in their order, sorted where they have
    none.
    """
    names = names if isinstance(names, (list, tuple)) else sorted(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def never_runs(job: Job, problem: t.Optional[str] = "", source: bool = False) -> str:
    """The sentences about a job that was left in ``new``, with what to do.

    :param problem: why it could not be canceled, as a sentence; None where it was canceled.
    :param source: the task is asked for its work; else it is another one of that.
    """
    what = f"{job.kind.noun.capitalize()} {job.id}{'' if source else ', the same work,'}"
    again = ", and launch the same again" if source else ""
    then = "It was canceled." if problem is None else f"{problem} Cancel it in the controller{again}."
    return f"{what} was left in status new and will never run. {then.lstrip()}"


def grouped(items: t.Iterable[_T], key: t.Callable[[_T], _Key]) -> dict[_Key, list[_T]]:
    """Items by what they have in common, in their order."""
    found: dict[_Key, list[_T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def counted(number: int, noun: str) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def get(client: ControllerClient, job_id: int, kind: Kind = JOB) -> Job:
    """A job's detail.

    :raises ControllerError: it could not be read, or is no job's. Where it is not there, or not for this user to see,
        that is ``not_visible``.
    """
    return Job.of(client.get(kind.at(job_id)))


def get_once(client: ControllerClient, job_id: int, kind: Kind = JOB) -> Job:
    """As ``get``, with a single attempt: for a wait, which does its own trying again."""
    return Job.of(client.get_once(kind.at(job_id)))


def answers(client: ControllerClient) -> bool:
    """Whether the controller answers the list of jobs, with a single attempt: then other trouble is of one address."""
    try:
        client.get_once(JOB.path, id=0, page_size=1)
    except ControllerError as error:
        return not error.transient
    return True


def is_of_one_address(client: ControllerClient, error: ControllerError) -> bool:
    """Whether an error is that of one address alone, for all that an answer tells; one that was lost tells nothing."""
    return not isinstance(error, AnswerLostError) or answers(client)


def kind_of(client: ControllerClient, job_id: int) -> t.Optional[str]:
    """What a number stands for, as ``type`` in the API; None where it is nothing that this user may see.

    :raises ControllerError: it could not be asked for.
    """
    return next((str(unified.get("type")) for unified in client.results("unified_jobs/", id=job_id)), None)


def get_named(
    client: ControllerClient, job_id: int, kind: Kind, unavailable: t.Callable[..., str], deleted: str = ""
) -> Job:
    """A job that a task names, in detail.

    :param unavailable: makes the sentence for one that cannot be read, of the refusal, the number, and what this stands
        for where it is no job of this kind, as of ``kind_of``.
    :param deleted: the sentence for one that is not there though a list has just shown it; empty where none has.
    :raises RefusedError: there is none that this user may see.
    :raises ControllerError: it could not be read for another reason.
    """
    try:
        return get(client, job_id, kind)
    except AnswerError as error:
        if not error.not_visible:
            raise
        if deleted and error.status == 404:
            raise RefusedError(deleted) from None
        found = kind_of(client, job_id) if error.status == 404 else None
        if found == kind.type:
            # It is there by now.
            return get(client, job_id, kind)
        raise RefusedError(unavailable(error, job_id, found)) from None


def host_summaries(client: ControllerClient, job_id: int, failed: bool = False) -> list[HostSummary]:
    """The hosts in a finished job's statistics, sorted by name; none before its events are processed.

    :param failed: only the failed and unreachable ones.
    :raises ControllerError: they could not be read.
    """
    query = {"failed": "true"} if failed else {}
    entries = client.results(JOB.at(job_id, "job_host_summaries"), **query)
    return sorted(map(HostSummary.of, entries), key=lambda summary: summary.name)
