# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a job stopped before its end, so that more is left of its work than its failed hosts.

A job breaks off for all hosts where a batch fails whole (``serial``, or a play without it), and at one failure with
``any_errors_fatal``, ``max_fail_percentage`` or ``run_once``. No event says so. What tells it is that after its last
failure the job started nothing but what the failed host itself still did (``rescue``, ``always``), and then that the
relaunch which healed this host went further, or that hosts have no statistics at all.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace
from enum import Enum

from .._api.client import ControllerClient
from .._api.errors import AnswerError
from .._api.jobs import Job
from .._api.kinds import JOB

# What one request can bring at most.
TAIL_LENGTH = 200
# More names make a request line too long for some proxies.
NAMES_LIMIT = 100
# Each group of a limit or a pattern costs a request.
GROUPS_LIMIT = 2

_PLAY = "playbook_on_play_start"
_TASK = "playbook_on_task_start"
_FAILURES = ("runner_on_failed", "runner_on_unreachable")
_PASSED = ("runner_on_ok", "runner_on_skipped")

# A name in a limit, or in the pattern of a play, that is neither a wildcard nor an expression.
_PLAIN_NAME = re.compile(r"\w[\w.-]*")
_EVERYONE = frozenset({"all", "*"})


class Kind(Enum):
    """What a step is; a meta task ends, at most, the play for a host, and has no results but a skipped one."""

    PLAY = "play"
    TASK = "task"
    META = "meta"
    HANDLER = "handler"
    FAILURE = "failure"


@dataclass(frozen=True)
class Step:
    """A play or task that a job started, or the failure of a task on a host.

    ``uuid`` is the task's, of a play its own. ansible-runner appends ``_2`` where one starts again, in the next batch
    for instance, but results refer to it without; here it is left out everywhere.
    """

    kind: Kind
    counter: int
    uuid: str
    play: str
    play_uuid: str
    pattern: str
    task: str = ""
    path: str = ""
    host: str = ""

    @classmethod
    def of(cls, event: t.Mapping[str, t.Any]) -> Step:
        """A step from a job event."""
        data = event.get("event_data") or {}
        kind = _kind(str(event.get("event")), data)
        uuid = _root(event.get("parent_uuid" if kind is Kind.FAILURE else "uuid"))
        return cls(
            kind=kind,
            counter=int(event.get("counter") or 0),
            uuid=uuid,
            play=str(data.get("play") or ""),
            play_uuid=uuid if kind is Kind.PLAY else _root(data.get("play_uuid")),
            pattern=str(data.get("play_pattern") or ""),
            task=str(data.get("task") or ""),
            path=str(data.get("task_path") or ""),
            host=str(event.get("host_name") or data.get("host") or ""),
        )


def _kind(event: str, data: t.Mapping[str, t.Any]) -> Kind:
    """Handlers start with the event of a task, and say that they are conditional."""
    if event in _FAILURES:
        return Kind.FAILURE
    if event == _PLAY:
        return Kind.PLAY
    if data.get("is_conditional"):
        return Kind.HANDLER
    return Kind.META if str(data.get("task_action")).rpartition(".")[2] == "meta" else Kind.TASK


def _root(uuid: t.Any) -> str:
    return str(uuid or "").partition("_")[0]


@dataclass(frozen=True)
class Tail:
    """The last steps of a job, in their order; ``whole`` where these are all."""

    steps: tuple[Step, ...]
    whole: bool

    @property
    def batch(self) -> tuple[Step, ...]:
        """What came after the last start of a play; with ``serial`` each batch is one."""
        starts = [number for number, step in enumerate(self.steps) if step.kind is Kind.PLAY]
        return self.steps[starts[-1] + 1 :] if starts else self.steps

    @property
    def batches(self) -> int:
        """How often the last play was started."""
        plays = [step.play_uuid for step in self.steps if step.kind is Kind.PLAY]
        return plays.count(plays[-1]) if plays else 0

    @property
    def failures(self) -> list[Step]:
        """The failures of the last batch, newest first. After all that were earlier the job went on to this batch."""
        return [step for step in reversed(self.batch) if step.kind is Kind.FAILURE]

    @property
    def since_failure(self) -> t.Optional[Step]:
        """The last task that was started after the last failure; a meta task where there was nothing else."""
        failed = self.failures[0].counter if self.failures else 0
        since = [step for step in reversed(self.batch) if step.counter > failed]
        for kind in (Kind.TASK, Kind.META):
            for step in since:
                if step.kind is kind:
                    return step
        return None


@dataclass(frozen=True)
class CutShort:
    """A job that stopped before its end.

    ``at`` names task and play, for "stopped before its end at …"; ``reason`` is what tells it.
    """

    at: str
    reason: str


class Question(Enum):
    """What the controller has to be asked before it can be decided; named as the field of ``Found`` that it fills."""

    WENT_ON = "went_on"
    RELAUNCH = "relaunch"
    HOSTS = "hosts"
    SURVIVORS = "survivors"
    UNTOUCHED = "untouched"


class Untouched(Enum):
    """Whether hosts that the job was meant for have no statistics in it."""

    NONE = "none"
    SOME = "some"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Ahead:
    """What a relaunch started behind the place where its base failed last, and the base had not started."""

    tasks: tuple[Step, ...] = ()
    plays: tuple[Step, ...] = ()

    @property
    def first(self) -> t.Optional[Step]:
        return next(iter(self.tasks or self.plays), None)


@dataclass(frozen=True)
class Found:
    """What is known of a failed job and of the relaunch that healed it; None where it has not been asked.

    :param failed: the number of its failed hosts.
    :param hosts: the number of all its hosts that have statistics.
    :param went_on: whether the host that failed last ran the last task as well.
    :param survivors: whether hosts that did not fail were in the last batch.
    :param untouched: whether hosts that it was meant for have no statistics.
    """

    base: Tail
    failed: int
    limit: str = ""
    hosts: t.Optional[int] = None
    went_on: t.Optional[bool] = None
    relaunch: t.Optional[Tail] = None
    survivors: t.Optional[bool] = None
    untouched: t.Optional[Untouched] = None

    @property
    def ahead(self) -> Ahead:
        return ahead(self.base, self.relaunch) if self.relaunch else Ahead()


def decide(found: Found) -> t.Union[CutShort, Question, None]:
    """Whether the job stopped before its end, or what to ask first; None where it went to its end.

    What cannot be known counts as cut short where the relaunch went further than the job, else as complete.
    """
    if not found.base.failures:
        return None
    if found.base.since_failure:
        if found.went_on is None:
            return Question.WENT_ON
        if not found.went_on:
            return None
    if found.relaunch is None:
        return Question.RELAUNCH
    if found.hosts is None:
        return Question.HOSTS
    further = found.ahead
    if further.first and found.hosts > found.failed:
        if found.survivors is None:
            return Question.SURVIVORS
        if found.survivors:
            return _cut_short(found, "hosts that did not fail were stopped as well")
    if _meant_for_others(found, further.plays):
        return _cut_short(found, "a later play was never started")
    if found.untouched is None:
        return Question.UNTOUCHED
    if found.untouched is Untouched.SOME:
        return _cut_short(found, "there are hosts that it never got to")
    if found.untouched is Untouched.UNKNOWN and further.first:
        return _cut_short(found, "whether there are hosts that it never got to cannot be known")
    return None


def _cut_short(found: Found, reason: str) -> CutShort:
    first = found.ahead.first
    if first:
        reason += f"; its relaunch went on to {_named(first)}"
    return CutShort(at=_named(found.base.failures[0]), reason=reason)


def _named(step: Step) -> str:
    play = f'play "{step.play}"'
    return f'task "{step.task}" of {play}' if step.task else play


def _meant_for_others(found: Found, plays: t.Sequence[Step]) -> bool:
    """Whether plays that were never started may be for hosts that have statistics and did not fail, or for localhost.

    ``localhost`` is in no inventory and in no limit but one that names it. A play with the pattern of the one that
    ended the job has no hosts but those that failed there.
    """
    patterns = {play.pattern for play in plays} - {found.base.failures[0].pattern}
    others = found.hosts is not None and found.hosts > found.failed
    return bool(patterns) and (others or (not found.limit and "localhost" in patterns))


def ahead(base: Tail, relaunch: Tail) -> Ahead:
    """What the relaunch started behind the last failure of the base that it got to as well."""
    key = _key(base, relaunch)
    started = {key(step) for step in base.batch}
    keys = [key(step) for step in relaunch.steps]
    found = next((keys.index(key(step)) for step in _failed_tasks(base) if key(step) in keys), None)
    if found is None:
        # In a whole tail it would be there, had it not been edited away; otherwise it lies further back.
        found = len(keys) if relaunch.whole else -1
    tasks = [step for step in relaunch.steps[found + 1 :] if step.kind is Kind.TASK and key(step) not in started]
    play = base.failures[0].play
    last = max((number for number, step in enumerate(relaunch.steps) if step.play == play), default=len(keys))
    plays = [step for step in relaunch.steps[last + 1 :] if step.kind is Kind.PLAY]
    return Ahead(tuple(tasks), tuple(plays))


def _failed_tasks(base: Tail) -> t.Iterator[Step]:
    """The failures of the last batch, newest first; instead of a handler's the task that was started before it.

    A relaunch runs a handler only where something has changed, and no rescue where nothing has failed.
    """
    handlers = {step.uuid for step in base.batch if step.kind is Kind.HANDLER}
    for number, step in reversed(list(enumerate(base.batch))):
        if step.kind is Kind.FAILURE and step.uuid not in handlers:
            yield step
        elif step.kind is Kind.FAILURE:
            yield from [task for task in reversed(base.batch[:number]) if task.kind is Kind.TASK][:1]


def _key(base: Tail, relaunch: Tail) -> t.Callable[[Step], tuple[str, str]]:
    """By what a step is known again in another job: its place, or its name where the playbook was edited in between."""
    ours, theirs = _places(base), _places(relaunch)
    if any(
        len(places) == 1 and len(theirs.get(name, places)) == 1 and theirs.get(name, places) != places
        for name, places in ours.items()
    ):
        return lambda step: (step.play, step.task)
    return lambda step: (step.play, step.path or step.task)


def _places(tail: Tail) -> dict[tuple[str, str], set[str]]:
    places: dict[tuple[str, str], set[str]] = {}
    for step in tail.steps:
        if step.kind is Kind.TASK:
            places.setdefault((step.play, step.task), set()).add(step.path)
    return places


@dataclass(frozen=True)
class Targets:
    """Whom a job is meant for: hosts and groups by name, or everybody where there is none.

    ``exact`` is false where plays leave out some of them.
    """

    names: frozenset[str]
    exact: bool


def targets(limit: str, patterns: t.Collection[str]) -> t.Optional[Targets]:
    """Whom plays with these patterns are meant for under a limit; None where a wildcard or an expression decides."""
    limited = _names([limit] if limit else [])
    wanted = _names(patterns)
    if limited is None or (wanted is None and not limit):
        return None
    if not limit:
        return Targets(wanted or frozenset(), exact=True)
    return Targets(limited, exact=wanted in (frozenset(), limited))


def _names(patterns: t.Collection[str]) -> t.Optional[frozenset[str]]:
    words = {word for pattern in patterns for word in re.split(r"[,:;\s]+", pattern.strip())}
    if words & _EVERYONE:
        return frozenset()
    return frozenset(words) if all(_PLAIN_NAME.fullmatch(word) for word in words) else None


def stopped_early(client: ControllerClient, base: Job, relaunch: Job, failed: int) -> t.Optional[CutShort]:
    """Whether more is left of a failed job's work than its failed hosts, which have all been healed.

    One to three small requests decide it for most jobs; a limit or a play that names groups takes some more.

    :param base: the job; it ended ``failed``, and its events are processed.
    :param relaunch: the job that healed the last of its failed hosts.
    :param failed: how many hosts failed in the base.
    :returns: where it stopped, or None where it went to its end.
    :raises ControllerError: the controller could not be asked. What this user may not read is no error, but unknown.
    """
    counts = base.facts.get("host_status_counts")
    found = Found(
        base=_tail(client, base),
        failed=failed,
        limit=str(base.facts.get("limit") or ""),
        hosts=sum(counts.values()) if counts else None,
    )
    while True:
        verdict = decide(found)
        if not isinstance(verdict, Question):
            return verdict
        answer: t.Any = None
        if verdict is Question.RELAUNCH:
            answer = _tail(client, relaunch)
        elif verdict is Question.UNTOUCHED:
            answer = _untouched(client, base, found)
        elif verdict is Question.HOSTS:
            answer = _count(client, JOB.at(base.id, "job_host_summaries"))
        elif verdict is Question.WENT_ON:
            answer = _went_on(client, base, found.base)
        else:
            answer = _survivors(client, base, found.base)
        found = replace(found, **{verdict.value: answer})


def _tail(client: ControllerClient, job: Job) -> Tail:
    """The last plays, tasks and failures of a job, an empty tail where this user may not read them."""
    query = {"event__in": ",".join((_PLAY, _TASK, *_FAILURES)), "order_by": "-counter", "page_size": TAIL_LENGTH}
    try:
        answer = client.get(JOB.at(job.id, "job_events"), **query)
    except AnswerError as error:
        if error.status != 403:
            raise
        return Tail((), whole=False)
    # An ignored failure is none; the controller tells by the event's own field.
    events = [event for event in answer.get("results") or () if event["event"] not in _FAILURES or event.get("failed")]
    return Tail(tuple(Step.of(event) for event in reversed(events)), whole=not answer.get("next"))


def _count(client: ControllerClient, path: str, **query: t.Any) -> int:
    return int(client.get(path, **query, page_size=1).get("count") or 0)


def _went_on(client: ControllerClient, base: Job, tail: Tail) -> bool:
    """Whether the host that failed last did the last task too, which then belongs to a ``rescue`` or ``always``."""
    last = tail.since_failure
    return last is not None and bool(
        _count(
            client,
            JOB.at(base.id, "job_events"),
            parent_uuid=last.uuid,
            host_name=tail.failures[0].host,
        )
    )


def _survivors(client: ControllerClient, base: Job, tail: Tail) -> bool:
    """Whether hosts that did not fail have results in the last batch.

    Of too many failed hosts to name them it is asked whether others have passed the task that failed last; this
    overlooks the hosts that a failed task with ``run_once`` has stopped.
    """
    events = JOB.at(base.id, "job_events")
    query: dict[str, t.Any] = {"event__in": ",".join(_PASSED), "counter__gt": tail.batch[0].counter - 1}
    names = {failure.host for failure in tail.failures}
    if len(names) <= NAMES_LIMIT and (tail.whole or tail.batch != tail.steps):
        return bool(_count(client, events, **query, not__host_name__in=_listed(names)))
    return bool(_count(client, events, **query, parent_uuid=tail.failures[0].uuid))


def _untouched(client: ControllerClient, base: Job, found: Found) -> Untouched:
    """Whether enabled hosts that were in the inventory before the job have no summary in it."""
    plays = (found.base.failures[0], *found.ahead.plays)
    meant = targets(found.limit, {play.pattern for play in plays})
    inventory = base.facts.get("inventory")
    if meant is None or len(meant.names) > NAMES_LIMIT or not inventory or (base.facts.get("job_slice_count") or 1) > 1:
        return Untouched.UNKNOWN
    if meant.names and found.limit:
        summaries = JOB.at(base.id, "job_host_summaries")
        if _count(client, summaries, host_name__in=_listed(meant.names)) == len(meant.names):
            return Untouched.NONE
    try:
        left = _hosts_left(client, base, meant.names)
    except AnswerError as error:
        if error.status not in (403, 404):
            raise
        return by_totals(found, meant, _inventory(base).get("total_hosts"))
    if left is None or (left and not meant.exact):
        return Untouched.UNKNOWN
    return Untouched.SOME if left else Untouched.NONE


def _hosts_left(client: ControllerClient, base: Job, names: frozenset[str]) -> t.Optional[int]:
    """How many hosts with these names, or in groups with them, are left; None where it would take too many requests."""
    # A host of a constructed inventory is another row than the host that it stands for, whose summary it is.
    summaries = "constructed_host_summaries" if _inventory(base).get("kind") == "constructed" else "job_host_summaries"
    query = {"enabled": "true", f"not__{summaries}__job": base.id, "created__lt": base.facts.get("created")}
    inventory = f"inventories/{base.facts['inventory']}"
    if not names:
        return _count(client, f"{inventory}/hosts/", **query)
    groups = client.get(f"{inventory}/groups/", name__in=_listed(names), page_size=GROUPS_LIMIT)
    if groups.get("next"):
        return None
    known = groups.get("results") or ()
    left = sum(_count(client, f"groups/{group['id']}/all_hosts/", **query) for group in known)
    if left or len(known) == len(names):
        return left
    return _count(client, f"{inventory}/hosts/", **query, name__in=_listed(names))


def _inventory(base: Job) -> t.Mapping[str, t.Any]:
    return (base.facts.get("summary_fields") or {}).get("inventory") or {}


def _listed(names: t.Iterable[str]) -> str:
    return ",".join(sorted(names))


def by_totals(found: Found, meant: Targets, total: t.Any) -> Untouched:
    """For who may not read hosts: all of the inventory's, disabled ones too, beside those with statistics."""
    if not isinstance(total, int) or found.hosts is None:
        return Untouched.UNKNOWN
    if total <= found.hosts:
        return Untouched.NONE
    stopped = found.hosts <= found.failed or found.base.batches > 1
    return Untouched.SOME if stopped and not meant.names else Untouched.UNKNOWN
