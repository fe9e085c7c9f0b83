# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table, a row a case."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import (
    Adopt,
    AskEnd,
    Await,
    Decision,
    Done,
    Launch,
    Refuse,
    RelaunchOptions,
    base_run,
    decide,
    needs_runs,
    why_cut_short,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.ledger import (
    HostRecord,
    Ledger,
    Reach,
    StoppedEarly,
    host_records,
    stopped_records,
    without_tried,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.runs import Run
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job, relaunched

NUMBERS = {name: number for number, name in enumerate("abcx", 1)}
ABC = "a b c"
#: Of a job that failed on nobody, and of one whose playbook never began.
FAILED_ON_NOBODY = {"host_status_counts": {"ok": 3}}
NEVER_BEGAN = {"started": None}


def source(status: str = "failed", **facts: t.Any) -> Job:
    return Job.of(job(42, status, **facts))


def partial(
    job_id: int,
    status: str,
    limit: str,
    well: str | None = None,
    failed: str = "",
    stopped: str | None = "",
    **facts: t.Any,
) -> Run:
    """A run on some hosts; of a successful one all of them succeeded, if nothing else is said.

    :param stopped: hosts that did not fail and were stopped; None where that is not known.
    """
    if well is None:
        well = limit if status == "successful" else ""
    rows = [HostSummary(NUMBERS[name], name, name, failed=False) for name in well.split()]
    rows += [HostSummary(NUMBERS[name], name, name, failed=True) for name in failed.split()]
    detail = relaunched(job_id, status, **{"limit": ",".join(limit.split()), **facts})
    known = None if stopped is None else frozenset(stopped.split())
    hosts = frozenset(NUMBERS)
    return Run(Job.of(detail), whole=not limit, summaries=tuple(rows), stopped=known, no_groups=hosts)


def whole(job_id: int, status: str, well: str = "", failed: str = "", **facts: t.Any) -> Run:
    """A run with the source's own limit."""
    return partial(job_id, status, "", well, failed, **facts)


#: A success on all hosts, whose results nothing asked for.
WHOLE_UNREAD = replace(whole(43, "successful"), summaries=None)


@dataclass(frozen=True)
class Found:
    """What is known of a source.

    :param failed: its failed hosts; None where they were not asked for.
    :param idle: which of the remaining would not run now.
    :param gone: which are not in the inventory any more.
    :param whole_only: which only a run on all hosts reaches.
    :param again: which were deleted and added again.
    :param elsewhere: which are in another slice by now.
    :param tried: the jobs that this task has launched before for the same work.
    :param stopped: for whom it stopped early though they did not fail; None where that was not asked for.
    :param left_out: whether the success on all hosts left out hosts that can run.
    """

    source: Job = source()
    runs: tuple[Run, ...] = ()
    failed: str | None = ABC
    idle: str = ""
    gone: str = ""
    whole_only: str = ""
    again: str = ""
    elsewhere: str = ""
    early: Job | None = None
    stopped: StoppedEarly | str | None = None
    tried: frozenset[int] = frozenset()
    left_out: bool | None = None

    @property
    def ledger(self) -> Ledger:
        run = Run(self.source, whole=True)
        hosts: tuple[HostRecord, ...] | None = None
        if self.failed is not None:
            rows = tuple(HostSummary(NUMBERS[name], name, name, failed=True) for name in self.failed.split())
            run = replace(run, summaries=rows)
            kinds = {
                Reach.IDLE: self.idle,
                Reach.GONE: self.gone,
                Reach.WHOLE: self.whole_only,
                Reach.AGAIN: self.again,
                Reach.ELSEWHERE: self.elsewhere,
            }
            reach = {name: how for how, names in kinds.items() for name in names.split()}
            records = host_records(run, self.runs)
            reached = [replace(one, reach=reach.get(one.name, one.reach)) for one in records]
            hosts = tuple(without_tried(reached, self.tried, self.runs))
        stopped = self.stopped
        if isinstance(stopped, str):
            stopped = StoppedEarly(hosts=tuple(stopped.split())) if stopped else None
        known = self.stopped is not None
        more = {"end_known": known, "tried": self.tried, "whole_left_out": self.left_out}
        return Ledger(run, self.runs, self.early, hosts, stopped, **more)

    @property
    def with_remaining(self) -> Ledger:
        """The ledger with the hosts for which it stopped one by one, all of which can run."""
        ledger = self.ledger
        names = ledger.stopped.hosts if ledger.stopped else ()
        records = stopped_records(ledger.source.inventory, ledger.source_run, names, self.runs, ledger.hosts or ())
        return replace(ledger, stopped_hosts=records)


def found(*runs: Run, **more: t.Any) -> Found:
    return Found(runs=runs, **more)


def in_short(decision: Decision | AskEnd) -> str:
    """A decision, for the table."""
    if isinstance(decision, AskEnd):
        return "ask"
    if isinstance(decision, Await):
        return f"await {decision.job.id}"
    if isinstance(decision, Refuse):
        return "cut short" if decision.cut_short else "refuse"
    if isinstance(decision, Done):
        asks = ", if not cut short" if decision.asks_end else ""
        return f"done by {decision.job.id}{_named(', left', decision.left)}{asks}"
    if isinstance(decision, Adopt):
        return f"adopt {decision.job.id}{_named(' on', decision.hosts)}{_named(', rest', decision.rest)}"
    other = decision.instead
    instead = f", else {other.job.id if isinstance(other, Launch) else in_short(other)}" if other else ""
    instead += " all" if isinstance(other, Launch) and other.hosts == "all" else ""
    return f"launch {decision.job.id} {decision.hosts}{_named(' due', decision.due)}{instead}"


def _named(word: str, hosts: t.Sequence[HostRecord]) -> str:
    return f"{word} {' '.join(sorted(host.name for host in hosts))}" if hosts else ""


FAILED = RelaunchOptions("failed")
WAIT = RelaunchOptions("failed", wait=True)
FALLBACK = RelaunchOptions("failed", fallback_to_all=True)
FORCE = RelaunchOptions("failed", force=True)
EARLY = Job.of(relaunched(43, "running"))
#: Its template is gone.
ORPHAN = {"unified_job_template": None}
#: On a host that did not fail.
BESIDE = partial(44, "running", "x", **ORPHAN)

FAILED_HOSTS: list[tuple[str, Found, RelaunchOptions, str]] = [
    # The source alone decides.
    ("active", Found(source("running"), failed=None), FAILED, "refuse"),
    ("pending", Found(source("pending"), failed=None), FAILED, "refuse"),
    ("active, wait", Found(source("running"), failed=None), WAIT, "await 42"),
    ("active, force cannot help", Found(source("running"), failed=None), FORCE, "refuse"),
    ("successful", Found(source("successful"), failed=None), FAILED, "done by 42"),
    ("successful, force", Found(source("successful"), failed=None), FORCE, "done by 42"),
    (
        "check done, run wanted",
        Found(source("successful", job_type="check"), failed=None),
        RelaunchOptions("failed", job_type="run"),
        "launch 42 failed",
    ),
    ("early", found(early=EARLY), FAILED, "refuse"),
    ("early, wait", found(early=EARLY), WAIT, "await 43"),
    ("early, force", found(early=EARLY), FORCE, "launch 42 failed due a b c"),
    # No relaunch.
    ("hosts not asked for", found(failed=None), FAILED, "launch 42 failed"),
    ("hosts known", found(), FAILED, "launch 42 failed due a b c"),
    ("some in another slice", found(elsewhere="a b"), FAILED, "launch 42 failed due c"),
    ("in another slice", found(elsewhere=ABC), FALLBACK, "refuse"),
    # Ran, but without statistics.
    ("none", Found(source("canceled"), failed=""), FAILED, "refuse"),
    ("none, fallback", Found(source("canceled"), failed=""), FALLBACK, "launch 42 all"),
    ("none, force", Found(source("error"), failed=""), FORCE, "refuse"),
    ("none, fallback, force", Found(source("error"), failed=""), replace(FALLBACK, force=True), "launch 42 all"),
    ("none, whole running", found(whole(43, "running"), failed=""), FAILED, "adopt 43"),
    ("none, whole running, fallback", found(whole(43, "running"), failed=""), FALLBACK, "adopt 43"),
    (
        "none, whole running, fallback, force",
        found(whole(43, "running"), failed=""),
        replace(FALLBACK, force=True),
        "launch 42 all",
    ),
    ("none, whole done", found(whole(43, "successful", ABC), failed=""), FAILED, "done by 43"),
    ("none, whole done, no statistics", found(whole(43, "successful"), failed=""), FAILED, "done by 43"),
    ("none, whole done, but not on all", found(whole(43, "successful"), failed="", left_out=True), FAILED, "refuse"),
    ("none, whole failed, no statistics", found(whole(43, "error"), failed=""), FAILED, "refuse"),
    ("none, whole failed, fallback", found(whole(43, "error"), failed=""), FALLBACK, "launch 42 all"),
    (
        "none, whole failed on some",
        found(whole(43, "failed", "a", "x"), failed=""),
        FAILED,
        "launch 43 failed due x",
    ),
    # Never began.
    ("never began", Found(source(**NEVER_BEGAN), failed=""), FAILED, "launch 42 all"),
    ("never began, hosts not asked for", Found(source(**NEVER_BEGAN), failed=None), FAILED, "launch 42 all"),
    (
        "never began, as its detail tells",
        Found(source(playbook_counts={"task_count": 0, "play_count": 0}), failed=""),
        FAILED,
        "launch 42 all",
    ),
    (
        "never began, canceled while pending",
        Found(source("canceled", **NEVER_BEGAN), failed=""),
        FAILED,
        "launch 42 all",
    ),
    ("never began, force", Found(source(**NEVER_BEGAN), failed=""), FORCE, "launch 42 all"),
    ("never began, whole running", Found(source(**NEVER_BEGAN), (whole(43, "running"),), ""), FAILED, "adopt 43"),
    (
        "never began, whole done",
        Found(source(**NEVER_BEGAN), (whole(43, "successful", ABC),), ""),
        FAILED,
        "done by 43",
    ),
    (
        "never began, whole done, but not on all",
        Found(source(**NEVER_BEGAN), (WHOLE_UNREAD,), "", left_out=True),
        FAILED,
        "launch 42 all",
    ),
    (
        "never began, whole done, a part failed since",
        Found(source(**NEVER_BEGAN), (WHOLE_UNREAD, partial(44, "failed", "a b", "b", "a")), ""),
        FAILED,
        "launch 44 failed due a",
    ),
    (
        "never began, whole done, a part failed since and is gone",
        Found(source(**NEVER_BEGAN), (WHOLE_UNREAD, partial(44, "failed", "a b", "b", "a")), "", gone="a"),
        FAILED,
        "done by 42, left a",
    ),
    (
        "never began, a part is running",
        Found(source(**NEVER_BEGAN), (partial(43, "running", "a"),), ""),
        FAILED,
        "refuse",
    ),
    (
        "never began, a part is running, wait",
        Found(source(**NEVER_BEGAN), (partial(43, "running", "a"),), ""),
        WAIT,
        "await 43",
    ),
    (
        "never began, all of it is running, wait",
        Found(source(**NEVER_BEGAN, limit="a,b"), (replace(whole(43, "running"), whole=False),), ""),
        WAIT,
        "await 43",
    ),
    (
        "never began, other hosts are running, wait",
        Found(source(**NEVER_BEGAN, limit="a,b"), (partial(43, "running", "c"),), ""),
        WAIT,
        "launch 42 all",
    ),
    (
        "never began, a part is running, wait, force",
        Found(source(**NEVER_BEGAN), (partial(43, "running", "a"),), ""),
        replace(FORCE, wait=True),
        "launch 42 all",
    ),
    (
        "none, a part is running, wait, fallback",
        Found(source("canceled"), (partial(43, "running", "a"),), ""),
        replace(FALLBACK, wait=True),
        "await 43",
    ),
    (
        "none, a part is running, fallback",
        Found(source("canceled"), (partial(43, "running", "a"),), ""),
        FALLBACK,
        "refuse",
    ),
    # Without its template a relaunch on failed hosts is on all.
    ("no template", Found(source(**ORPHAN)), FAILED, "launch 42 failed due a b c"),
    ("no template, others are running", Found(source(**ORPHAN), (BESIDE,)), FAILED, "refuse"),
    ("no template, others are running, wait", Found(source(**ORPHAN), (BESIDE,)), WAIT, "await 44"),
    ("no template, others are running, force", Found(source(**ORPHAN), (BESIDE,)), FORCE, "launch 42 failed due a b c"),
    ("others are running", found(partial(43, "running", "x")), FAILED, "launch 42 failed due a b c"),
    (
        "no template, others than those of the relaunch are running",
        Found(source(**ORPHAN), (partial(43, "failed", "a", failed="a", **ORPHAN), BESIDE), "a"),
        FAILED,
        "launch 43 failed due a, else refuse",
    ),
    (
        "never began, nor did its relaunch",
        Found(source(**NEVER_BEGAN), (whole(43, "failed", started=None),), ""),
        FAILED,
        "launch 42 all",
    ),
    (
        "never began, its relaunch failed on some",
        Found(source(**NEVER_BEGAN), (whole(43, "failed", "a", "b"),), ""),
        FAILED,
        "launch 43 failed due b",
    ),
    (
        "never began, its relaunch failed and was healed",
        Found(source(**NEVER_BEGAN), (whole(43, "failed", "a", "b"), partial(44, "successful", "b")), ""),
        FAILED,
        "done by 44, if not cut short",
    ),
    # Failed on nobody.
    ("failed on nobody", Found(source(**FAILED_ON_NOBODY), failed=""), FAILED, "done by 42, if not cut short"),
    (
        "failed on nobody, went to its end",
        Found(source(**FAILED_ON_NOBODY), failed="", stopped=""),
        FAILED,
        "done by 42",
    ),
    ("failed on nobody, cut short", Found(source(**FAILED_ON_NOBODY), failed="", stopped="x"), FAILED, "cut short"),
    (
        "failed on nobody, cut short, fallback",
        Found(source(**FAILED_ON_NOBODY), failed="", stopped="x"),
        FALLBACK,
        "launch 42 all",
    ),
    # What is active.
    ("running, all of it", found(partial(43, "running", ABC)), FAILED, "adopt 43 on a b c"),
    ("pending, all of it, wait", found(partial(43, "pending", ABC)), WAIT, "adopt 43 on a b c"),
    ("running, force", found(partial(43, "running", ABC)), FORCE, "launch 42 failed due a b c"),
    ("whole running", found(whole(43, "running")), FAILED, "adopt 43 on a b c"),
    ("running, a part", found(partial(43, "running", "a b")), FAILED, "adopt 43 on a b, rest c"),
    ("running, a part, wait", found(partial(43, "running", "a b")), WAIT, "await 43"),
    ("two running", found(partial(43, "running", "a b"), partial(44, "running", "c")), FAILED, "adopt 43 on a b"),
    ("two running, wait", found(partial(43, "running", "a b"), partial(44, "running", "c")), WAIT, "await 43"),
    (
        "the one with all of it is preferred",
        found(partial(43, "running", "a"), partial(44, "running", ABC)),
        WAIT,
        "adopt 44 on a b c",
    ),
    ("both with all of it", found(partial(43, "running", ABC), whole(44, "running")), FAILED, "adopt 43 on a b c"),
    (
        "running on what succeeded before",
        found(partial(43, "successful", "a"), partial(44, "running", "a")),
        FAILED,
        "launch 42 failed due b c",
    ),
    (
        "running on all that remains",
        found(partial(43, "successful", "a"), partial(44, "running", "b c")),
        WAIT,
        "adopt 44 on b c",
    ),
    # On whom a run is that is limited to a group is not known.
    ("may be running", found(partial(43, "running", "group")), FAILED, "refuse"),
    ("may be running, wait", found(partial(43, "running", "group")), WAIT, "await 43"),
    ("may be running, force", found(partial(43, "running", "group")), FORCE, "launch 42 failed due a b c"),
    ("running, all but one", found(partial(43, "running", "all:!c")), FAILED, "adopt 43 on a b, rest c"),
    ("running on others only", found(partial(43, "running", "all:!a:!b:!c")), WAIT, "launch 42 failed due a b c"),
    (
        "one may be, one surely is",
        found(partial(43, "running", "group"), partial(44, "running", "a:b:c")),
        WAIT,
        "adopt 44 on a b c",
    ),
    # The newest result of each.
    ("succeeded", found(partial(43, "successful", ABC)), FAILED, "done by 43, if not cut short"),
    ("succeeded, force", found(partial(43, "successful", ABC)), FORCE, "launch 42 failed due a b c"),
    (
        "succeeded between them",
        found(partial(43, "successful", "a b"), partial(44, "successful", "c")),
        FAILED,
        "done by 44, if not cut short",
    ),
    (
        "succeeded between them, the last word is older",
        found(partial(43, "failed", ABC, "a b", "c"), partial(44, "successful", "c"), partial(45, "canceled", "c")),
        FAILED,
        "done by 44, if not cut short",
    ),
    (
        "failed on fewer",
        found(partial(43, "failed", ABC, "a", "b c")),
        FAILED,
        "launch 43 failed due b c, else 42",
    ),
    (
        "failed on fewer, twice",
        found(partial(43, "failed", ABC, "a", "b c"), partial(44, "failed", "b c", "b", "c")),
        FAILED,
        "launch 44 failed due c, else 42",
    ),
    (
        "failed on all of them again",
        found(partial(43, "failed", ABC, "", ABC)),
        FAILED,
        "launch 43 failed due a b c, else 42",
    ),
    (
        "a success is taken back",
        found(partial(43, "successful", ABC), partial(44, "failed", ABC, "b c", "a")),
        FAILED,
        "launch 44 failed due a, else 42",
    ),
    (
        "a failure is made good",
        found(partial(43, "failed", ABC, "b c", "a"), partial(44, "successful", ABC)),
        FAILED,
        "done by 44, if not cut short",
    ),
    (
        "failed on other hosts than what remains",
        found(partial(43, "failed", "a", "", "a"), partial(44, "successful", "b")),
        FAILED,
        "launch 42 failed due a c",
    ),
    (
        "an older one failed on exactly what remains",
        found(partial(43, "failed", ABC, "a b", "c"), partial(44, "canceled", "c")),
        FAILED,
        "launch 43 failed due c, else 42",
    ),
    (
        "two failed on exactly what remains",
        found(partial(43, "failed", ABC, "a b", "c"), partial(44, "failed", "c", "", "c")),
        FAILED,
        "launch 44 failed due c, else 42",
    ),
    ("canceled", found(partial(43, "canceled", ABC)), FAILED, "launch 42 failed due a b c"),
    (
        "active, and overlaps the failure",
        found(partial(43, "failed", "a b", "", "a b", finished="2026-11-23T09:00:00Z"), partial(44, "running", ABC)),
        WAIT,
        "await 44",
    ),
    (
        "active, and created in the moment of the failure's end",
        found(partial(43, "failed", ABC, "", ABC, finished="2026-11-23T00:44:00.100000Z"), partial(44, "running", ABC)),
        WAIT,
        "await 44",
    ),
    (
        "active, and overlaps the failure, without wait",
        found(partial(43, "failed", "a b", "", "a b", finished="2026-11-23T09:00:00Z"), partial(44, "running", ABC)),
        FAILED,
        "adopt 44 on a b c",
    ),
    # Which one to relaunch.
    (
        "none failed on exactly what remains: the fewest others, though it is older",
        found(
            partial(43, "failed", "a b", "", "a b"),
            partial(44, "failed", ABC, "", ABC),
            partial(45, "successful", "b c"),
        ),
        FAILED,
        "launch 43 failed due a, else 42",
    ),
    (
        "none failed on exactly what remains: the fewest others",
        found(
            partial(43, "failed", ABC, "", ABC),
            partial(44, "failed", "a b", "", "a b"),
            partial(45, "successful", "b c"),
        ),
        FAILED,
        "launch 44 failed due a, else 42",
    ),
    (
        "none failed on all that remains: the most of them",
        found(partial(43, "failed", "a b x", "a", "b x"), partial(44, "failed", "c", "", "c"), failed="a b"),
        FAILED,
        "launch 43 failed due b c x, else 42",
    ),
    (
        "each failed on as many of what remains: the one that has waited longest",
        found(partial(43, "failed", "c", "", "c"), partial(44, "successful", "b"), failed="a b"),
        FAILED,
        "launch 42 failed due a c",
    ),
    (
        "two as good as each other: the newest",
        found(partial(43, "failed", "a b", "", "a b"), partial(44, "failed", "a b", "", "a b"), failed="a b"),
        FAILED,
        "launch 44 failed due a b, else 42",
    ),
    ("nothing is known of any", found(partial(43, "failed", ABC)), FAILED, "launch 42 failed due a b c"),
    # A run that was stopped, or of which that is not known, vouches for nobody.
    (
        "failed on fewer, and was stopped",
        found(partial(43, "failed", ABC, "a b", "c", stopped="a b")),
        FAILED,
        "launch 42 failed due a b c",
    ),
    (
        "failed on fewer, its end is not known",
        found(partial(43, "failed", ABC, "a b", "c", stopped=None)),
        FAILED,
        "launch 42 failed due a b c",
    ),
    # All hosts.
    ("whole succeeded", found(whole(43, "successful", ABC)), FAILED, "done by 43"),
    (
        "whole failed elsewhere",
        found(whole(43, "failed", ABC, "x")),
        FAILED,
        "launch 43 failed due x",
    ),
    (
        "whole failed elsewhere, fallback",
        found(whole(43, "failed", ABC, "x")),
        FALLBACK,
        "launch 43 failed due x, else 42 all",
    ),
    (
        "whole failed elsewhere, and again after a success on all hosts, fallback",
        found(whole(43, "failed", ABC, "x"), whole(44, "successful", f"{ABC} x"), partial(45, "failed", "x", "", "x")),
        FALLBACK,
        "launch 45 failed due x, else 42 all",
    ),
    (
        "whole failed, then healed",
        found(whole(43, "failed", ABC, "x"), partial(44, "successful", "x")),
        FAILED,
        "done by 44, if not cut short",
    ),
    (
        "whole failed, then less",
        found(whole(43, "failed", "", ABC), partial(44, "failed", ABC, "a b", "c")),
        FAILED,
        "launch 44 failed due c, else 42",
    ),
    (
        "healed before the whole one failed",
        found(partial(43, "successful", ABC), whole(44, "failed", "b c", "a")),
        FAILED,
        "launch 44 failed due a, else 42",
    ),
    # Hosts that a whole one left out.
    ("left out, disabled", found(whole(43, "successful", "a b"), idle="c"), FAILED, "done by 43, left c"),
    ("left out, enabled since", found(whole(43, "successful", "a b")), FAILED, "launch 42 failed due c"),
    (
        "left out, being done",
        found(whole(43, "successful", "a b"), partial(44, "running", "c")),
        FAILED,
        "adopt 44 on c",
    ),
    (
        "left out, healed since",
        found(whole(43, "successful", "a b"), partial(44, "successful", "c")),
        FAILED,
        "done by 44",
    ),
    (
        "left out, healed before",
        found(partial(43, "successful", "c"), whole(44, "successful", "a b")),
        FAILED,
        "done by 44",
    ),
    ("left out two, failed on one", found(whole(43, "failed", failed="a")), FAILED, "launch 42 failed due a b c"),
    # Hosts that did not run.
    (
        "disabled",
        found(partial(43, "successful", ABC, well="a b"), idle="c"),
        FAILED,
        "done by 43, left c, if not cut short",
    ),
    ("enabled since", found(partial(43, "successful", ABC, well="a b")), FAILED, "launch 42 failed due c"),
    (
        "all disabled",
        found(partial(43, "successful", ABC, well=""), idle=ABC),
        FAILED,
        "done by 43, left a b c, if not cut short",
    ),
    (
        "relaunched, none of them could run, twice",
        found(partial(43, "successful", "a b", well=""), partial(44, "successful", "c", well=""), idle=ABC),
        FAILED,
        "done by 44, left a b c, if not cut short",
    ),
    (
        "disabled, and one that failed",
        found(partial(43, "failed", ABC, "a", "b"), idle="c"),
        FAILED,
        "launch 43 failed due b, else 42",
    ),
    (
        "disabled, and one that is being done",
        found(partial(43, "successful", "a c", well="a"), partial(44, "running", "b"), idle="c"),
        WAIT,
        "adopt 44 on b",
    ),
    (
        "gone",
        found(partial(43, "successful", "a b"), gone="c"),
        FAILED,
        "done by 43, left c, if not cut short",
    ),
    ("all gone", found(gone=ABC), FAILED, "done by 42, left a b c, if not cut short"),
    ("all gone, and cut short for others", found(gone=ABC, stopped="x"), FAILED, "cut short"),
    ("all gone, and not cut short", found(gone=ABC, stopped=""), FAILED, "done by 42, left a b c"),
    # Hosts that no relaunch on failed hosts reaches.
    ("unreachable by a relaunch", found(partial(43, "successful", "a b"), whole_only="c"), FAILED, "cut short"),
    (
        "unreachable by a relaunch, and failed after a success on all hosts",
        found(
            partial(43, "successful", "a b"),
            whole(44, "successful", "a b"),
            partial(45, "failed", "c", "", "c"),
            whole_only="c",
        ),
        FAILED,
        "cut short",
    ),
    (
        "unreachable by a relaunch, and failed after a success on all hosts, fallback",
        found(
            partial(43, "successful", "a b"),
            whole(44, "successful", "a b"),
            partial(45, "failed", "c", "", "c"),
            whole_only="c",
        ),
        FALLBACK,
        "launch 42 all",
    ),
    (
        "unreachable by a relaunch, failed after a success on all hosts, and tried in vain",
        found(
            whole(44, "successful", "a b"),
            partial(45, "failed", "c", "", "c"),
            whole(46, "canceled"),
            whole_only="c",
            tried=frozenset({46}),
        ),
        FALLBACK,
        "refuse",
    ),
    (
        "unreachable by a relaunch, and a success on all hosts after it failed",
        found(partial(43, "failed", "c", "", "c"), whole(44, "successful", "a b"), whole_only="c"),
        FAILED,
        "done by 44",
    ),
    (
        "added again, and left out by a success on all hosts",
        found(whole(43, "successful", "a b"), again="c"),
        FAILED,
        "cut short",
    ),
    (
        "added again, and left out by a success on all hosts, fallback",
        found(whole(43, "successful", "a b"), again="c"),
        FALLBACK,
        "launch 42 all",
    ),
    ("unreachable by a relaunch, others are due", found(whole_only="c"), FAILED, "launch 42 failed due a b"),
    (
        "unreachable by a relaunch, fallback",
        found(partial(43, "successful", "a b"), whole_only="c"),
        FALLBACK,
        "launch 42 all",
    ),
    (
        "unreachable by a relaunch, whole running",
        found(partial(43, "successful", "a b"), whole(44, "running"), whole_only="c"),
        FAILED,
        "adopt 44",
    ),
    # What this very task has launched for the same work before.
    ("tried", found(partial(43, "failed", ABC, "", ABC), tried=frozenset({43})), FAILED, "refuse"),
    (
        "tried, and disabled since",
        found(partial(43, "failed", ABC, "", ABC), idle=ABC, tried=frozenset({43})),
        FAILED,
        "done by 42, left a b c, if not cut short",
    ),
    (
        "tried, and others failed on in another's run",
        found(partial(43, "failed", ABC, "", "a b"), partial(44, "failed", "c", "", "c"), tried=frozenset({43})),
        FAILED,
        "launch 44 failed due c, else 42",
    ),
    (
        "tried, and healed since",
        found(partial(43, "failed", ABC, "", ABC), partial(44, "successful", ABC), tried=frozenset({43})),
        FAILED,
        "done by 44, if not cut short",
    ),
    ("tried, and it ended without a word", found(partial(43, "error", ABC), tried=frozenset({43})), FAILED, "refuse"),
    (
        "another's ended without a word",
        found(partial(43, "error", ABC), partial(44, "error", ABC), tried=frozenset({45})),
        FAILED,
        "launch 42 failed due a b c",
    ),
    (
        "tried on some, without a word",
        found(partial(43, "error", "a"), tried=frozenset({43})),
        FAILED,
        "launch 42 failed due b c",
    ),
    (
        "tried, and active still",
        found(partial(43, "running", ABC), tried=frozenset({43})),
        FAILED,
        "adopt 43 on a b c",
    ),
    # Only stopped or never begun hosts remain.
    ("went to its end", found(partial(43, "successful", ABC), stopped=""), FAILED, "done by 43"),
    ("cut short", found(partial(43, "successful", ABC), stopped="x"), FAILED, "cut short"),
    ("cut short, wait", found(partial(43, "successful", ABC), stopped="x"), WAIT, "cut short"),
    ("cut short, fallback", found(partial(43, "successful", ABC), stopped="x"), FALLBACK, "launch 42 all"),
    (
        "cut short, whole running",
        found(partial(43, "successful", ABC), whole(44, "running"), stopped="x"),
        FALLBACK,
        "adopt 44",
    ),
    (
        "cut short, whole done since",
        found(partial(43, "successful", ABC), whole(44, "successful", ABC), stopped="x"),
        FAILED,
        "done by 44",
    ),
    (
        "a success on all hosts left out such as can run",
        found(whole(43, "successful", ABC), left_out=True),
        FAILED,
        "done by 43, if not cut short",
    ),
    (
        "a success on all hosts left out such as can run, cut short",
        found(whole(43, "successful", ABC), left_out=True, stopped="x"),
        FAILED,
        "cut short",
    ),
    ("cut short, and failed hosts remain", found(stopped="x"), FALLBACK, "launch 42 failed due a b c"),
    (
        "cut short, force",
        found(partial(43, "successful", ABC), stopped="x"),
        replace(FALLBACK, force=True),
        "launch 42 failed due a b c",
    ),
]

ALL_HOSTS: list[tuple[str, Found, RelaunchOptions, str]] = [
    ("active", Found(source("waiting"), failed=None), RelaunchOptions(), "refuse"),
    ("active, wait", Found(source("running"), failed=None), RelaunchOptions(wait=True), "await 42"),
    ("active, force", Found(source("running"), failed=None), RelaunchOptions(force=True), "launch 42 all"),
    ("successful", Found(source("successful"), failed=None), RelaunchOptions(), "done by 42"),
    ("successful, force", Found(source("successful"), failed=None), RelaunchOptions(force=True), "launch 42 all"),
    ("failed", found(failed=None), RelaunchOptions(), "launch 42 all"),
    ("canceled", Found(source("canceled"), failed=None), RelaunchOptions(), "launch 42 all"),
    ("error", Found(source("error"), failed=None), RelaunchOptions(), "launch 42 all"),
    ("early", found(failed=None, early=EARLY), RelaunchOptions(), "refuse"),
    ("early, wait", found(failed=None, early=EARLY), RelaunchOptions(wait=True), "await 43"),
    ("early, force", found(failed=None, early=EARLY), RelaunchOptions(force=True), "launch 42 all"),
    ("running", found(whole(43, "running"), failed=None), RelaunchOptions(), "adopt 43"),
    ("two running", found(whole(43, "pending"), whole(44, "running"), failed=None), RelaunchOptions(), "adopt 43"),
    (
        "running, a newer one failed",
        found(whole(43, "running"), whole(44, "failed"), failed=None),
        RelaunchOptions(),
        "adopt 43",
    ),
    ("running, force", found(whole(43, "running"), failed=None), RelaunchOptions(force=True), "launch 42 all"),
    ("succeeded", found(whole(43, "failed"), whole(44, "successful"), failed=None), RelaunchOptions(), "done by 44"),
    (
        "succeeded, but not on all",
        found(whole(43, "failed"), whole(44, "successful"), failed=None, left_out=True),
        RelaunchOptions(),
        "launch 42 all",
    ),
    ("succeeded on all that can run", found(whole(43, "successful"), left_out=False), RelaunchOptions(), "done by 43"),
    (
        "taken back",
        found(whole(43, "successful"), whole(44, "failed"), failed=None),
        RelaunchOptions(),
        "launch 42 all",
    ),
    (
        "not taken back by what never began",
        found(whole(43, "successful"), whole(44, "canceled", started=None), failed=None),
        RelaunchOptions(),
        "done by 43",
    ),
    (
        "not taken back by what gave way before it ended",
        found(
            whole(43, "successful", finished="2026-11-23T00:50:00.000000Z"),
            whole(44, "canceled", finished="2026-11-23T00:44:02.000000Z"),
            failed=None,
        ),
        RelaunchOptions(),
        "done by 43",
    ),
    ("failed again", found(whole(43, "failed", "a", "b c"), failed=None), RelaunchOptions(), "launch 42 all"),
    ("a part running", found(partial(43, "running", "a"), failed=None), RelaunchOptions(), "launch 42 all"),
    ("a part succeeded", found(partial(43, "successful", ABC), failed=None), RelaunchOptions(), "launch 42 all"),
    (
        "check done, run wanted",
        Found(source("successful", job_type="check"), failed=None),
        RelaunchOptions(job_type="run"),
        "launch 42 all",
    ),
    (
        "check done, check wanted",
        Found(source("successful", job_type="check"), failed=None),
        RelaunchOptions(job_type="check"),
        "done by 42",
    ),
    (
        "run done, check wanted",
        Found(source("successful"), failed=None),
        RelaunchOptions(job_type="check"),
        "launch 42 all",
    ),
    (
        "run after a check",
        Found(source("successful", job_type="check"), (whole(43, "successful"),), failed=None),
        RelaunchOptions(job_type="run"),
        "done by 43",
    ),
    (
        "succeeded while another one went on to fail",
        found(
            whole(43, "failed", finished="2026-11-23T11:30:00Z"),
            whole(44, "successful", created="2026-11-23T10:40:00Z", finished="2026-11-23T10:50:00Z"),
            failed=None,
        ),
        RelaunchOptions(),
        "launch 42 all",
    ),
    ("never began", Found(source(**NEVER_BEGAN), failed=None), RelaunchOptions(), "launch 42 all"),
    ("tried", found(whole(43, "failed"), failed=None, tried=frozenset({43})), RelaunchOptions(), "refuse"),
    (
        "tried, force",
        found(whole(43, "failed"), failed=None, tried=frozenset({43})),
        RelaunchOptions(force=True),
        "launch 42 all",
    ),
    (
        "tried, successful, and no proof since it overlaps a failure",
        found(
            whole(43, "failed", finished="2026-11-23T09:00:00Z"),
            whole(44, "successful"),
            failed=None,
            tried=frozenset({44}),
        ),
        RelaunchOptions(),
        "launch 42 all",
    ),
    ("tried by others", found(whole(43, "failed"), failed=None), RelaunchOptions(), "launch 42 all"),
    ("cut short does not matter", found(failed=None, stopped="x"), RelaunchOptions(), "launch 42 all"),
]


@pytest.mark.parametrize(
    ("known", "options", "expected"), [r[1:] for r in FAILED_HOSTS], ids=[r[0] for r in FAILED_HOSTS]
)
def test_failed_hosts(known: Found, options: RelaunchOptions, expected: str) -> None:
    assert in_short(decide(known.ledger, options)) == expected


@pytest.mark.parametrize(("known", "options", "expected"), [r[1:] for r in ALL_HOSTS], ids=[r[0] for r in ALL_HOSTS])
def test_all_hosts(known: Found, options: RelaunchOptions, expected: str) -> None:
    assert in_short(decide(known.ledger, options)) == expected


REMAINING = RelaunchOptions("remaining")
REMAINING_WAIT = RelaunchOptions("remaining", wait=True)
REMAINING_FALLBACK = RelaunchOptions("remaining", fallback_to_all=True)
NOT_NAMED = StoppedEarly(hosts=("d",), more=3)
NOT_KNOWN = StoppedEarly(hosts=("d",), beyond="its inventory may not be read")

REMAINING_HOSTS: list[tuple[str, Found, RelaunchOptions, str]] = [
    ("active", Found(source("running"), failed=None), REMAINING, "refuse"),
    ("successful", Found(source("successful"), failed=None), REMAINING, "done by 42"),
    ("never began", Found(source(**NEVER_BEGAN), failed=""), REMAINING, "launch 42 all"),
    ("no statistics", Found(source("canceled"), failed=""), REMAINING, "refuse"),
    ("no statistics, fallback", Found(source("canceled"), failed=""), REMAINING_FALLBACK, "launch 42 all"),
    ("whom it stopped for is not known", found(), REMAINING, "ask"),
    ("that is asked though all are healed", found(partial(43, "successful", ABC)), REMAINING, "ask"),
    ("not after a success on all", found(whole(43, "successful", ABC)), REMAINING, "done by 43"),
    ("that may be not on all", found(whole(43, "successful", ABC), left_out=True), REMAINING, "ask"),
    (
        "added again, left out by a success on all",
        found(whole(43, "successful", "a b"), again="c"),
        REMAINING,
        "launch 42 remaining due c",
    ),
    ("failed ones only", found(stopped=""), REMAINING, "launch 42 remaining due a b c"),
    ("stopped for others", found(stopped="d e"), REMAINING, "launch 42 remaining due a b c d e"),
    ("added again", found(again="a", stopped="d"), REMAINING, "launch 42 remaining due a b c d"),
    ("gone or disabled", found(gone="a", idle="b", stopped=""), REMAINING, "launch 42 remaining due c"),
    ("none can run", found(gone="a", idle="b c", stopped=""), REMAINING, "done by 42, left a b c"),
    ("healed", found(partial(43, "successful", ABC), stopped=""), REMAINING, "done by 43"),
    ("healed, stopped", found(partial(43, "successful", ABC), stopped="d"), REMAINING, "launch 42 remaining due d"),
    ("in part", found(partial(43, "failed", ABC, "a b", "c"), stopped="d"), REMAINING, "launch 42 remaining due c d"),
    (
        "stopped, failed since",
        found(whole(43, "failed", "", "x"), stopped="x"),
        REMAINING,
        "launch 42 remaining due a b c x",
    ),
    ("force", found(stopped="d"), replace(REMAINING, force=True), "launch 42 remaining due a b c d"),
    # Being done.
    ("by one", found(partial(43, "running", "a b c d"), stopped="d"), REMAINING, "adopt 43 on a b c d"),
    ("by one on all", found(whole(43, "running"), stopped="d"), REMAINING, "adopt 43 on a b c d"),
    ("in part by one", found(partial(43, "running", "a b"), stopped="d"), REMAINING, "adopt 43 on a b, rest c d"),
    ("in part by one, wait", found(partial(43, "running", "a b"), stopped="d"), REMAINING_WAIT, "await 43"),
    # Not by names.
    ("made by the playbook", found(whole_only="a", stopped="d"), REMAINING, "cut short"),
    ("made by the playbook, fallback", found(whole_only="a", stopped="d"), REMAINING_FALLBACK, "launch 42 all"),
    (
        "made by the playbook, and failed after a success on all hosts",
        found(whole(43, "successful", "b c"), partial(44, "failed", "a", "", "a"), whole_only="a", stopped=""),
        REMAINING,
        "cut short",
    ),
    ("not named", found(stopped=NOT_NAMED), REMAINING, "cut short"),
    ("not known", found(stopped=NOT_KNOWN), REMAINING, "cut short"),
    ("not known, fallback", found(stopped=NOT_KNOWN), REMAINING_FALLBACK, "launch 42 all"),
    ("not known, whole running", found(whole(43, "running"), failed="", stopped=NOT_KNOWN), REMAINING, "adopt 43"),
    # By this task.
    ("tried", found(partial(43, "failed", ABC, "", ABC), stopped="", tried=frozenset({43})), REMAINING, "refuse"),
]


@pytest.mark.parametrize(
    ("known", "options", "expected"), [r[1:] for r in REMAINING_HOSTS], ids=[r[0] for r in REMAINING_HOSTS]
)
def test_remaining_hosts(known: Found, options: RelaunchOptions, expected: str) -> None:
    assert in_short(decide(known.with_remaining, options)) == expected


def test_hosts_whose_end_no_run_shows_are_named_where_the_rest_is_not_known() -> None:
    stopped = StoppedEarly(beyond="its inventory may not be read", unproven=("web1", "web2"))
    ledger = found(stopped=stopped).with_remaining

    decision = decide(ledger, REMAINING)

    assert isinstance(decision, Refuse) and decision.cut_short
    assert "No run shows whether it went to its end on web1, web2." in decision.reason
    # Where all others are known they run first, which shows it.
    known = replace(ledger, stopped=replace(stopped, beyond=""))
    assert in_short(decide(known, REMAINING)) == "launch 42 remaining due a b c"


CHANGED = RelaunchOptions("failed", changed=True)
CHANGED_ALL = RelaunchOptions(changed=True)
CHANGED_REMAINING = RelaunchOptions("remaining", changed=True)

WITH_CHANGES: list[tuple[str, Found, RelaunchOptions, str]] = [
    ("failed hosts", found(), CHANGED, "launch 42 failed due a b c"),
    ("always the source's prompts", found(partial(43, "failed", ABC, "a b", "c")), CHANGED, "launch 42 failed due c"),
    ("added again", found(again="a"), CHANGED, "launch 42 failed due a b c"),
    ("gone", found(gone="a"), CHANGED, "launch 42 failed due b c"),
    ("done", found(partial(43, "successful", ABC)), CHANGED, "done by 43, if not cut short"),
    ("done, force", Found(failed=ABC), replace(CHANGED, force=True), "launch 42 failed due a b c"),
    (
        "none of them can run, force",
        found(gone=ABC),
        replace(CHANGED, force=True),
        "done by 42, left a b c, if not cut short",
    ),
    ("being done", found(partial(43, "running", ABC)), CHANGED, "adopt 43 on a b c"),
    (
        "being done, force",
        found(partial(43, "running", ABC)),
        replace(CHANGED, force=True),
        "launch 42 failed due a b c",
    ),
    ("successful", Found(source("successful"), failed=None), CHANGED, "done by 42"),
    ("all hosts", found(failed=None), CHANGED_ALL, "launch 42 all"),
    ("all hosts of a successful one", Found(source("successful"), failed=None), CHANGED_ALL, "launch 42 all"),
    (
        "all hosts of a successful one, done since",
        Found(source("successful"), (whole(43, "successful"),), failed=None),
        CHANGED_ALL,
        "done by 43",
    ),
    ("all hosts, active", Found(source("running"), failed=None), CHANGED_ALL, "refuse"),
    ("remaining hosts", found(stopped="d"), CHANGED_REMAINING, "launch 42 remaining due a b c d"),
    ("never began", Found(source(**NEVER_BEGAN), failed=""), CHANGED, "launch 42 all"),
]


@pytest.mark.parametrize(
    ("known", "options", "expected"), [r[1:] for r in WITH_CHANGES], ids=[r[0] for r in WITH_CHANGES]
)
def test_with_changes(known: Found, options: RelaunchOptions, expected: str) -> None:
    assert in_short(decide(known.with_remaining, options)) == expected


def test_why_what_remains_cannot_be_told_by_names() -> None:
    decision = decide(found(whole_only="a", stopped=NOT_KNOWN).with_remaining, REMAINING)

    assert isinstance(decision, Refuse)
    assert decision.reason == (
        "Job 42 cannot be completed on exactly what remains. It failed on a, which no limit reaches: made by the "
        "playbook, localhost, or hosts of an inventory that this user may not read. Job 42 may have left out hosts "
        "whose names are not known: its inventory may not be read. Relaunch it with hosts: all, or set "
        "fallback_to_all: true."
    )


SUCCEEDED = partial(43, "successful", ABC)
SINCE = "Of job 42 a, b, c succeeded since, last in job 43."
SENTENCES: list[tuple[Found, RelaunchOptions, str]] = [
    (
        Found(source("running"), failed=None),
        RelaunchOptions(),
        "Job 42 is running: whether a relaunch is needed is not known",
    ),
    (Found(source("running"), failed=None), RelaunchOptions(force=True), "Job 42 is running"),
    (Found(source("successful"), failed=None), RelaunchOptions(force=True), "Job 42 was successful"),
    (Found(source("successful"), failed=None), RelaunchOptions(), "Job 42 was successful: nothing to relaunch."),
    (found(failed=None), RelaunchOptions(), "Job 42 ended with status failed"),
    (found(partial(43, "failed", "a", "", "a")), FAILED, "Job 42 ended with status failed"),
    (
        found(partial(43, "failed", ABC, "", ABC)),
        FAILED,
        "Job 43, a relaunch of job 42, ended with status failed",
    ),
    (found(whole(43, "pending")), FAILED, "Job 43, a relaunch of job 42, is pending already."),
    (
        found(partial(43, "successful", ABC)),
        FAILED,
        "The hosts that job 42 failed on have succeeded since, the last of them in job 43: nothing to relaunch.",
    ),
    (
        found(partial(43, "successful", ABC, well="a b"), idle="c"),
        FAILED,
        "Those of the hosts that job 42 failed on that can run have succeeded since, the last of them in job 43",
    ),
    (
        found(partial(43, "successful", ABC, well=""), idle=ABC),
        FAILED,
        "None of the hosts that job 42 failed on can run now: nothing to relaunch.",
    ),
    (
        Found(source("canceled"), failed=""),
        FAILED,
        "Job 42 cannot be relaunched on its failed hosts. The controller knows no failed hosts of job 42 (status "
        "canceled)",
    ),
    (
        Found(source(job_explanation="Job terminated due to timeout"), failed=""),
        FAILED,
        "Job 42 cannot be relaunched on its failed hosts. The controller knows no failed hosts of job 42 (status "
        "failed: Job terminated due to timeout)",
    ),
    (
        Found(source(event_processing_finished=False), failed=""),
        FAILED,
        "Job 42 cannot be relaunched on its failed hosts. The controller has not said that all results of job 42 are "
        "in: it is behind with them, where running the task again later helps,",
    ),
    (
        Found(source(**NEVER_BEGAN, job_explanation="Previous Task Failed"), failed=""),
        FAILED,
        "Job 42 ended with status failed before it had begun (Previous Task Failed), so that all its hosts remain",
    ),
    (
        Found(source("canceled", **NEVER_BEGAN), failed=""),
        FAILED,
        "Job 42 ended with status canceled before it had begun, so that all its hosts remain",
    ),
    (Found(source(**FAILED_ON_NOBODY), failed=""), FAILED, "Job 42 failed on no host: nothing to relaunch."),
    (
        found(job_of_others := Run(Job.of(job(43, "running")), whole=True)),
        FAILED,
        f"Job {job_of_others.job.id}, the same work as job 42, is running already.",
    ),
    (
        found(SUCCEEDED, stopped=StoppedEarly('task "Start" of play "Deploy"', ("d", "e"))),
        FAILED,
        f'{SINCE} Job 42 stopped before its end at task "Start" of play "Deploy": it has not been done on d, e, though '
        "they did not fail. Relaunch it with hosts: remaining, which leaves out what is done, or with hosts: all, or "
        "set fallback_to_all: true.",
    ),
    (
        # No launch takes one slice of its template.
        Found(source(job_slice_number=1, job_slice_count=2), (SUCCEEDED,), stopped="d"),
        FAILED,
        f"{SINCE} Job 42 stopped before its end: it has not been done on d, though they did not fail. Relaunch it with "
        "hosts: all, or",
    ),
    (
        found(SUCCEEDED, stopped=StoppedEarly(hosts=("d",), more=3)),
        FAILED,
        f"{SINCE} Job 42 stopped before its end: it has not been done on d and 3 more, though they did not fail.",
    ),
    (
        found(SUCCEEDED, stopped=StoppedEarly(hosts=tuple("defghijklmno"), more=3)),
        FAILED,
        f"{SINCE} Job 42 stopped before its end: it has not been done on d, e, f, g, h, i, j, k, l, m and 5 more,",
    ),
    (
        Found(
            source("successful", **FAILED_ON_NOBODY), failed="", stopped=StoppedEarly(hosts=("d",), only_checked=True)
        ),
        RelaunchOptions("failed", job_type="check"),
        "Job 42 only checked: it has not been done on d, though they did not fail. Relaunch it with hosts: remaining,",
    ),
    (
        found(SUCCEEDED, stopped=StoppedEarly(more=3)),
        FAILED,
        f"{SINCE} Job 42 stopped before its end: it has not been done on 3 hosts, though they did not fail.",
    ),
    (
        found(SUCCEEDED, stopped=StoppedEarly()),
        FAILED,
        f"{SINCE} Job 42 stopped before its end: it has not been done on hosts, though they did not fail.",
    ),
    (
        found(SUCCEEDED, stopped=StoppedEarly(hosts=("d",), unknown="its events may not be read")),
        FALLBACK,
        f"{SINCE} Whether job 42 stopped before its end for hosts that did not "
        "fail cannot be known: its events may not be read",
    ),
    (
        found(whole_only=ABC),
        FAILED,
        "Job 42 failed on a, b, c, which no relaunch on failed hosts reaches: deleted and added again, made by the "
        "playbook, or localhost. Relaunch it with hosts: all, or set fallback_to_all: true.",
    ),
    (
        Found(source(**NEVER_BEGAN), (whole(43, "failed", "a", "b"), partial(44, "successful", "b")), "", stopped="a"),
        FAILED,
        "Of job 43 b succeeded since, last in job 44. Job 43 stopped before its end: it has not been done on a",
    ),
]


def a_parked(ledger: Ledger) -> Ledger:
    hosts = (replace(one, reach=Reach.PARKED) if one.name == "a" else one for one in ledger.hosts or ())
    return replace(ledger, hosts=tuple(hosts))


@pytest.mark.parametrize(("failed", "then"), [("b", "launch 43 failed due b"), ("a b", "refuse")])
def test_a_run_in_which_no_host_failed_that_needs_a_person_is_relaunched(failed: str, then: str) -> None:
    ledger = found(partial(43, "failed", ABC, well="c", failed=failed)).ledger
    assert in_short(decide(a_parked(ledger), FAILED)) == then


@pytest.mark.parametrize("hosts", ["all", "failed", "remaining"])
@pytest.mark.parametrize("whole_only", ["", "b"])
def test_no_run_on_all_hosts_takes_one_that_needs_a_person(hosts: str, whole_only: str) -> None:
    def decided(*runs: Run) -> Decision | AskEnd:
        ledger = found(*runs, whole_only=whole_only, stopped="").ledger
        return decide(a_parked(ledger), RelaunchOptions(hosts, fallback_to_all=True))

    decision = decided()
    if (hosts, whole_only) == ("remaining", ""):
        assert in_short(decision) == "launch 42 remaining due b c"
    else:
        assert isinstance(decision, Refuse) and decision.parked
    assert isinstance(decided(whole(43, "successful", ABC)), Done)


@pytest.mark.parametrize(("fallback", "then"), [(False, "refuse"), (True, "launch 42 all")])
def test_a_success_on_all_hosts_before_is_none_of_one_that_failed_since(fallback: bool, then: str) -> None:
    """Its name is no limit, so that no relaunch on failed hosts runs on it."""
    bad, well = (HostSummary(1, "web 1", "web 1", failed=failed) for failed in (True, False))
    own = replace(Run(source(), whole=True), summaries=(bad,))
    runs = replace(whole(43, "successful"), summaries=(well,)), replace(partial(44, "failed", "a"), summaries=(bad,))
    ledger = Ledger(own, runs, hosts=host_records(own, runs))

    options = RelaunchOptions("failed", fallback_to_all=fallback)
    assert in_short(decide(ledger, options)).startswith(then)
    parked = replace((ledger.hosts or ())[0], key=2, name="b", reach=Reach.PARKED)
    decision = decide(replace(ledger, hosts=(*(ledger.hosts or ()), parked)), options)
    assert isinstance(decision, Refuse) and decision.parked


def test_nothing_is_cut_short_where_all_can_be_reached() -> None:
    assert why_cut_short(found(SUCCEEDED, stopped="").ledger) == ""
    assert "it has not been done on x" in why_cut_short(found(stopped="x").ledger)


def test_the_end_is_asked_for_once() -> None:
    """Before it is said that the hosts that failed are out of reach; not again where it is known."""
    for stopped, asks in ((None, True), ("", False), ("x", False)):
        decision = decide(found(whole_only=ABC, stopped=stopped).ledger, FAILED)
        assert isinstance(decision, Refuse) and decision.asks_end is asks


def test_of_several_that_were_tried_the_newest_is_named() -> None:
    known = found(whole(43, "failed"), whole(44, "error"), failed=None, tried=frozenset({43, 44}))
    decision = decide(known.ledger, RelaunchOptions())
    assert isinstance(decision, Refuse) and "job 44, which ended with status error" in decision.reason


def test_what_was_tried_without_a_word_is_told_by_its_status() -> None:
    decision = decide(found(partial(43, "error", ABC), tried=frozenset({43})).ledger, FAILED)
    assert isinstance(decision, Refuse) and "job 43, which ended with status error" in decision.reason


@pytest.mark.parametrize(("known", "options", "sentence"), SENTENCES)
def test_a_decision_says_why(known: Found, options: RelaunchOptions, sentence: str) -> None:
    decision = decide(known.ledger, options)
    assert not isinstance(decision, Await)
    assert decision.reason.startswith(sentence)


@pytest.mark.parametrize(("first", "then"), [(43, 44), (44, 43)])
def test_done_tells_of_the_run_that_did_last_whom_the_source_stopped_for(first: int, then: int) -> None:
    since = partial(then, "successful", "d", well="")
    known = found(partial(first, "successful", ABC), since, stopped="")
    decision = decide(replace(known.ledger, stopped_done_in=since.job), REMAINING)
    assert isinstance(decision, Done) and decision.job.id == 44
    what = "failed on, or had not been done on," if then == 44 else "failed on"
    assert decision.reason.startswith(f"The hosts that job 42 {what} have succeeded since, the last of them in job 44:")


@pytest.mark.parametrize("options", [RelaunchOptions(), FAILED])
def test_hosts_that_a_success_on_all_left_out_are_told(options: RelaunchOptions) -> None:
    which = " Job 43 did not run on some hosts, which are disabled, gone, not targeted by a play, or done by others."
    for left_out, told in ((False, which), (None, "")):
        decision = decide(found(whole(43, "successful", ABC), left_out=left_out).ledger, options)
        assert isinstance(decision, Done)
        assert decision.reason.partition("nothing to relaunch.")[2] == told


def test_what_is_waited_for_is_named() -> None:
    of_source = decide(Found(source("running"), failed=None).ledger, WAIT)
    part = decide(found(partial(43, "running", "a")).ledger, WAIT)
    group = decide(found(partial(43, "running", "group")).ledger, WAIT)
    early = decide(found(early=EARLY).ledger, WAIT)
    assert isinstance(of_source, Await) and of_source.what == "job 42, which is relaunched if it fails,"
    assert isinstance(part, Await) and part.what == "job 43, which runs on a part of the failed hosts,"
    assert isinstance(group, Await) and "is limited to group and may run on the" in group.what
    assert isinstance(early, Await) and "launched before job 42 had ended" in early.what


def test_whose_hosts_are_asked_about() -> None:
    """Those of the source, or where that never began those of the newest run on all hosts that has results."""
    failed, newer = whole(43, "failed", "a", "b"), whole(44, "failed", "a", "b")
    rows: list[tuple[Found, int | None]] = [
        (found(failed), 42),
        # Its statistics name hosts, so that it did begin.
        (Found(source(playbook_counts={"task_count": 0}, host_status_counts={"failures": 1}), (failed,)), 42),
        (Found(source(**NEVER_BEGAN)), None),
        (Found(source(**NEVER_BEGAN), (failed, newer)), 44),
        (Found(source(**NEVER_BEGAN), (failed, whole(44, "error"))), 43),
        (Found(source(**NEVER_BEGAN), (partial(43, "failed", "b", "", "b"),)), None),
    ]
    for known, expected in rows:
        base = base_run(known.ledger)
        assert (base and base.id) == expected


@pytest.mark.parametrize(
    ("status", "options", "needed"),
    [
        ("failed", RelaunchOptions(), True),
        ("failed", FAILED, True),
        ("successful", RelaunchOptions(), False),
        ("successful", RelaunchOptions(job_type="check"), True),
        ("successful", RelaunchOptions(force=True), True),
        ("running", RelaunchOptions(), False),
        ("running", WAIT, False),
        ("running", RelaunchOptions(force=True), True),
    ],
)
def test_other_runs_are_asked_for_only_where_they_matter(status: str, options: RelaunchOptions, needed: bool) -> None:
    assert needs_runs(source(status), options) is needed
