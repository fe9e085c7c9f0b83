# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a task about many jobs: was each one's work done by its newest run, or honestly told otherwise,
and does the account agree? Pure. Of each job alone the judge of one job is asked, with the entry as its result.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import re
import typing as t
from dataclasses import dataclass, field

from . import judge as of_one
from . import workflow_judge as of_workflow
from .judge import Kind, Request, Run, Verdict
from .records import FINAL, SUCCESSFUL, Job, Records

RELAUNCHED, ADOPTED, DONE, SUPERSEDED, REFUSED, LOST = (
    "relaunched",
    "adopted",
    "done",
    "superseded",
    "refused",
    "lost",
)
OUTCOMES = (RELAUNCHED, ADOPTED, DONE, SUPERSEDED, REFUSED, LOST)

# What is known of later jobs may be so old at a launch while the controller answers: what module_process.py sets, and
# as much again for the launches that share a look.
FRESH = 4.0

Entry = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Facts:
    """What happened in a scenario of many jobs, once all has settled.

    :param hosts: the task's option, and likewise ``wait``, ``at_once`` and ``stop_after``.
    :param named: whether the jobs were named by their numbers.
    :param works: for each job that is selected, the number of its template, and what the records say of its work.
    :param workflow: what came of a workflow job that is selected besides.
    :param passwords: the templates with a credential that asks for a password.
    :param users: by caller, who that is.
    :param before: the numbers of the jobs that were there before.
    :param restarts: when the controller was restarted.
    :param proxied: whether a proxy stood between, which may lose what the controller answers.
    :param secrets: what no output may show.
    """

    hosts: str
    wait: bool
    at_once: int
    stop_after: int | None
    named: bool
    works: tuple[tuple[int, Records], ...]
    runs: tuple[Run, ...]
    requests: tuple[Request, ...]
    users: t.Mapping[str, str]
    workflow: of_workflow.Workflow | None = None
    passwords: frozenset[int] = frozenset()
    before: frozenset[int] = frozenset()
    restarts: tuple[float, ...] = ()
    proxied: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @functools.cached_property
    def jobs(self) -> dict[int, Job]:
        """All of them by number."""
        found = {job.id: job for _template, records in self.works for job in (records.source, *records.jobs)}
        return dict(sorted(found.items()))

    @functools.cached_property
    def templates(self) -> dict[int, int]:
        """The template of each job, by number."""
        return {job.id: number for number, records in self.works for job in (records.source, *records.jobs)}

    def template_of(self, post: Request) -> int | None:
        """The template of the job that a POST relaunches."""
        return self.templates.get(int(post.path.split("/")[-3]))

    def of_run(self, run: Run) -> list[Request]:
        """The requests of a run."""
        return [one for one in self.requests if one.caller == run.caller and run.started <= one.time <= run.ended]

    def posts(self, run: Run) -> list[Request]:
        return [request for request in self.of_run(run) if request.launches]

    def calm(self, start: float, end: float) -> bool:
        """Whether nothing went wrong between two moments."""
        disturbed = self.proxied or any(one.disturbed and start <= one.time <= end for one in self.requests)
        return not disturbed and not any(start - 3 <= restart <= end for restart in self.restarts)

    def of_one(self, number: int, records: Records) -> of_one.Facts:
        """What concerns one job: its entries as results, and of lists the looks at its template alone."""
        requests = tuple(one for one in self.requests if self._concerns(one, number))
        runs = tuple(dataclasses.replace(run, result=as_result(entry_of(run, records.source.id))) for run in self.runs)
        return of_one.Facts(
            hosts=self.hosts,
            wait=self.wait,
            runs=runs,
            requests=requests,
            records=records,
            callers=frozenset(self.users.values()),
            before=self.before,
            restarts=self.restarts,
            proxied=self.proxied,
        )

    @functools.cached_property
    def of_workflow(self) -> list[of_workflow.OfRun]:
        """What of each run is about the workflow job."""
        return [
            of_workflow.OfRun(
                run,
                next((entry for entry in all_entries_of(run) if entry["type"] == of_workflow.ENTRY), None),
                tuple(self.of_run(run)),
                self.users[run.caller],
                self.wait,
                self.calm,
                not self.proxied,
            )
            for run in self.runs
        ]

    def _concerns(self, request: Request, template: int) -> bool:
        if request.launches:
            return self.template_of(request) == template
        if request.method != "GET" or not request.path.endswith("/jobs/"):
            return True
        looked_at = re.search(r"unified_job_template__in=([\d,]+)", request.query)
        return looked_at is not None and str(template) in looked_at[1].split(",")


def all_entries_of(run: Run) -> list[Entry]:
    """What a run tells of the jobs and workflow jobs, as far as it came."""
    return list((run.result or {}).get("jobs") or ())


def entries_of(run: Run) -> list[Entry]:
    """What it tells of the jobs."""
    return [entry for entry in all_entries_of(run) if entry["type"] != of_workflow.ENTRY]


def entry_of(run: Run, source: int) -> Entry | None:
    return next((entry for entry in entries_of(run) if entry["source_job_id"] == source), None)


def as_result(entry: Entry | None) -> dict[str, t.Any] | None:
    """An entry in the words of job_relaunch."""
    if entry is None:
        return None
    told = {name: entry[name] for name in ("id", "status", "hosts", "remaining_hosts", "msg") if name in entry}
    gave_way = re.search(r"\bown job (\d+)", entry["msg"])
    return {
        **told,
        **({"own_job_id": int(gave_way[1])} if gave_way else {}),
        "changed": entry["outcome"] in (RELAUNCHED, LOST),
        "failed": not entry["recovered"],
        "warnings": [entry["msg"]],
    }


def conclusive(run: Run, wait: bool) -> bool:
    """Whether a run leaves nothing to run again for: a success, or what failed is its relaunches alone."""
    if run.result is None or run.broken_off:
        return False
    entries = all_entries_of(run)
    ended = all(
        entry["recovered"] or entry["outcome"] == SUPERSEDED or _has_ended(entry) or _needs_passwords(entry)
        for entry in entries
    )
    return not run.result.get("failed") or (wait and bool(entries) and ended)


def _has_ended(entry: Entry) -> bool:
    return entry["outcome"] in (RELAUNCHED, ADOPTED) and entry.get("status") in FINAL


def _needs_passwords(entry: Entry) -> bool:
    return entry["outcome"] == REFUSED and f"{entry['msg']}".startswith("It needs passwords: ")


def judge(facts: Facts) -> list[Verdict]:
    """All that is wrong."""
    maker = made_by(facts)
    verdicts: list[Verdict] = []
    for number, run in enumerate(facts.runs):
        mine = [job for job in facts.jobs.values() if maker.get(job.id) == number]
        found = [
            *((Kind.DOUBLE, why) for job in mine for why in _double(facts, run, job)),
            *((Kind.SECOND_POST, why) for why in of_one.sent_again(facts.posts(run))),
            *((Kind.LOST, why) for job in mine for why in _lost(facts, run, job)),
            *((Kind.SECRET, "it shows a secret") for secret in facts.secrets if secret in run.output),
            *((Kind.CROWDED, why) for why in _crowded(facts, run, mine)),
            *((Kind.FALSE, why) for why in _false(facts, run, mine)),
            *_gave_up(facts, run, mine),
        ]
        verdicts += [Verdict(kind, f"run {number + 1}: {why}") for kind, why in found]
    if facts.workflow is not None:
        of_it = of_workflow.judge(facts.workflow, facts.of_workflow)
        verdicts += [Verdict(kind, f"run {number + 1}: {why}") for number, kind, why in of_it]
    return verdicts


def made_by(facts: Facts) -> dict[int, int]:
    """Which run made each job: of the POSTs of its creator for its template, the one whose work was done nearest to its
    creation."""
    posts = [(post, number) for number, run in enumerate(facts.runs) for post in facts.posts(run) if post.works]
    maker: dict[int, int] = {}
    for job in facts.jobs.values():
        if job.id in facts.before or not job.relaunch:
            continue
        among = [
            (post, number)
            for post, number in posts
            if facts.users[post.caller] == job.creator and facts.template_of(post) == facts.templates[job.id]
        ]
        if among:
            nearest = min(among, key=lambda one: abs(one[0].works_at - job.created))
            maker[job.id] = nearest[1]
            posts.remove(nearest)
    return maker


def _double(facts: Facts, run: Run, job: Job) -> t.Iterator[str]:
    """A job that ran to its end, though for none of the jobs whose work it is was there anything to do."""
    found = []
    for number, records in facts.works:
        source = records.source
        alike = (source.prompts, source.part) == (job.prompts, job.part)
        if number == facts.templates[job.id] and alike and source.id < job.id:
            if not source.words and source.status != "successful" and job.limit == source.limit:
                # It never began, so that all of its hosts remain.
                return
            one = _fresh(facts, run, job, facts.of_one(number, records))
            own = dataclasses.replace(run, result=as_result(entry_of(run, source.id)))
            found.append(list(of_one.double(one, own, job)))
    if found and all(found):
        yield found[0][0]


def _fresh(facts: Facts, run: Run, job: Job, one: of_one.Facts) -> of_one.Facts:
    """The facts with a look as long before the launch as what is known then may be old, where nothing went wrong."""
    post = min(one.posts(run), key=lambda post: abs(post.works_at - job.created))
    moment = post.time - FRESH
    if moment < run.started or not facts.calm(moment, post.time):
        return one
    due = Request(moment, "GET", "/jobs/", 200, caller=run.caller)
    return dataclasses.replace(one, requests=tuple(sorted((*one.requests, due), key=lambda request: request.time)))


def _lost(facts: Facts, run: Run, job: Job) -> t.Iterator[str]:
    """A job of this run that nothing tells of. One that was canceled, by the task or not, is no work of anybody's."""
    if job.status == "canceled":
        return
    if run.broken_off:
        # Its answer may have been on the way: then that is told.
        entries = entries_of(run)
        if entries and not _names(entries, job) and not any(entry["outcome"] == LOST for entry in entries):
            yield f"job {job.id} is not told of, though it was broken off with an account"
    elif not any(_names(entries_of(one), job) for one in facts.runs):
        yield f"job {job.id} is named by no run"


def _names(entries: t.Iterable[Entry], job: Job) -> bool:
    return any(entry.get("id") == job.id or re.search(rf"\bjob {job.id}\b", entry["msg"]) for entry in entries)


def _crowded(facts: Facts, run: Run, mine: t.Iterable[Job]) -> t.Iterator[str]:
    """More of its relaunches at a time than asked for, of those that it could know of. What gave way is none."""
    posts = facts.posts(run)
    named = {entry.get("id") for entry in entries_of(run)}
    known = []
    for job in mine:
        post = min(posts, key=lambda post: abs(post.works_at - job.created))
        if job.status != "canceled" and (job.id in named or not (post.disturbed or facts.proxied)):
            known.append(job)
    for job in known:
        beside = [one.id for one in known if one.active(job.created)]
        if len(beside) > facts.at_once:
            yield f"jobs {beside} were active at a time, and at_once is {facts.at_once}"
            return


def _false(facts: Facts, run: Run, mine: t.Sequence[Job]) -> t.Iterator[str]:
    result = run.result
    if result is None:
        if not run.broken_off:
            yield "it reported nothing"
        return
    said = f"{result.get('msg')}"
    if "which is a defect" in said or "Traceback" in f"{said}{result.get('exception')}":
        yield f"it broke: {said}"
    ran = [job.id for job in mine if job.ran]
    if ran and not result.get("changed"):
        yield f"changed is false, but it launched jobs {ran}"
    unseen = facts.proxied or any(run.started <= restart <= run.ended for restart in facts.restarts)
    posts = [request for request in facts.of_run(run) if request.launches or of_workflow.launches(request)]
    if result.get("changed") and not posts and not unseen:
        yield "changed is true, but it sent no POST"
    if all_entries_of(run) or not result.get("failed"):
        yield from _false_account(facts, run, result)
    for number, records in facts.works:
        entry = entry_of(run, records.source.id)
        if entry is not None:
            told = re.search(r"\bown job (\d+)\. That was canceled", entry["msg"])
            given_up = facts.jobs.get(int(told[1])) if told else None
            if given_up is not None and given_up.ran:
                yield f"job {records.source.id}: job {given_up.id} was canceled, it says, but it ran"
            one = facts.of_one(number, records)
            own = dataclasses.replace(run, result=as_result(entry))
            yield from (
                f"job {records.source.id}: {why}"
                for why in _false_entry(one, own, entry, _remaining_elsewhere(facts, run, number, entry))
            )


def _remaining_elsewhere(facts: Facts, run: Run, template: int, entry: Entry) -> frozenset[str]:
    """The hosts that are said to remain of other jobs of a template."""
    return frozenset(
        name
        for other in entries_of(run)
        if other is not entry and facts.templates[other["source_job_id"]] == template
        for name in other.get("remaining_hosts") or ()
    )


def _false_account(facts: Facts, run: Run, result: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Whether there is an entry for each job, the counts agree, and success means success."""
    entries, counts = all_entries_of(run), result.get("counts") or {}
    told, selected = [entry["source_job_id"] for entry in entries], [records.source.id for _n, records in facts.works]
    selected += [facts.workflow.source] if facts.workflow else []
    if told != selected:
        yield f"it accounts for jobs {told}, but {selected} were selected"
    found = collections.Counter(entry["outcome"] for entry in entries)
    expected = {"jobs": len(entries), "recovered": sum(entry["recovered"] for entry in entries)}
    expected.update({name: found[name] for name in OUTCOMES})
    if {name: counts.get(name) for name in expected} != expected:
        yield f"counts is {counts}, but by its entries it is {expected}"
    bad = [entry["source_job_id"] for entry in entries if _unsuccessful(facts, run, entry)]
    if not len(bad) <= counts.get("failed", 0) <= len(bad) + found[REFUSED]:
        yield f"{counts.get('failed')} are counted as failed, but by its entries it is {bad}"
    left = [entry["source_job_id"] for entry in entries if entry["outcome"] == REFUSED] if facts.named else []
    active = [entry["source_job_id"] for entry in entries if entry.get("status") not in (None, *FINAL)]
    if not result.get("failed") and (bad or left or (facts.wait and active)):
        yield f"it succeeded, but not with {bad or left or active}"


def _unsuccessful(facts: Facts, run: Run, entry: Entry) -> bool:
    """Whether an entry counts as a failure: not where its job was successful, and what remains could not run."""
    if entry["outcome"] == LOST:
        return True
    if not _has_ended(entry) or entry["recovered"]:
        return False
    if entry["type"] == of_workflow.ENTRY:
        return True
    records = next(one for _number, one in facts.works if one.source.id == entry["source_job_id"])
    hosts = [records.host(name) for name in entry.get("remaining_hosts") or ()]
    left_out = [
        host is not None and (not host.there(run.ended) or host.was_out(run.started, run.ended)) for host in hosts
    ]
    return not (entry.get("status") == SUCCESSFUL and left_out and all(left_out))


def _false_entry(one: of_one.Facts, run: Run, entry: Entry, elsewhere: t.Iterable[str]) -> t.Iterator[str]:
    """Whether what is told of one job is so.

    :param elsewhere: the hosts that are said to remain of other jobs of its template.
    """
    result = run.result or {}
    records, whole = one.records, one
    job = records.job(entry.get("id"))
    if job is not None and job.status != SUCCESSFUL and not entry["recovered"]:
        # A failure is told as it was, whatever came while its job ran. A success may be taken back by that.
        records = dataclasses.replace(records, jobs=tuple(other for other in records.jobs if other.id <= job.id))
        one = dataclasses.replace(one, records=records)
    if entry.get("id") is not None and job is None:
        yield f"it names job {entry['id']}, which is none of its template"
    if job is not None:
        yield from of_one.false_facts(one, run, job, result)
    # Of a job that another one stands for nothing is told but whether its work is done; the other one's entry tells of
    # hosts that remain.
    if entry["recovered"] and not (entry["outcome"] == SUPERSEDED and any(elsewhere)):
        yield from of_one.false_success(one, run, job or records.source, {**result, "status": SUCCESSFUL})
    if entry["recovered"] and one.hosts == "failed":
        missed = [records.never_reached(moment, by_source=True) for moment in records.moments(run.started, run.ended)]
        if all(missed):
            yield f"it has recovered, it says, but nothing has run on hosts {sorted(missed[-1])}"
    remaining = result.get("remaining_hosts")
    if remaining is not None and entry["outcome"] != LOST:
        # What somebody else's job has done meanwhile may be known, or not.
        names = frozenset(remaining)
        wrong = [list(of_one.false_remaining(facts, run, job, names, result)) for facts in (one, whole)]
        yield from wrong[0] if all(wrong) else ()
    # Of one that is not over, as far as was known, nothing is denied.
    denied = not entry["recovered"] and _has_ended(entry)
    if denied and one.wait and not run.broken_off and not _doubted(entry):
        yield from _false_denial(one, run, job)


def _doubted(entry: Entry) -> bool:
    """Whether it says that the end of the run cannot be known: a false alarm then, which is allowed."""
    return "stopped before its end" in entry["msg"] and "cannot be known" in entry["msg"]


def _false_denial(one: of_one.Facts, run: Run, job: Job | None) -> t.Iterator[str]:
    """Whether it is denied that work was done that was."""
    records = one.records
    if job is None or job.job_type != records.source.job_type or job.status != SUCCESSFUL:
        return
    if one.hosts == "all" and not records.whole(job):
        return

    def done(moment: float) -> bool:
        if one.hosts == "all":
            return records.all_done(moment)
        return not records.undone(moment) and not records.never_reached(moment)

    if all(map(done, records.moments(max(run.started, min(job.finished or run.ended, run.ended)), run.ended))):
        yield f"it has not recovered, it says, but job {job.id} did its work"


def _gave_up(facts: Facts, run: Run, mine: t.Sequence[Job]) -> t.Iterator[tuple[Kind, str]]:
    """A failure although the controller came back, and nothing that it said excuses it."""
    result, requests = run.result, facts.of_run(run)
    if result is None or run.broken_off or not result.get("failed"):
        return
    if of_one.incurable(requests) or any(request.status == 401 and not request.disturbed for request in requests):
        return
    entries = entries_of(run)
    reasons = [why for entry in entries if (why := _excuse(facts, run, entry, mine)) is not None]
    if facts.workflow is not None:
        why = of_workflow.excuse(facts.workflow, facts.of_workflow, facts.runs.index(run))
        reasons += [] if why is None else [why]
    kind = Kind.DIED if facts.wait else Kind.NEEDLESS
    if not reasons:
        yield kind, f"{result.get('msg')}"
    for why in filter(None, reasons):
        yield kind, why


def _excuse(facts: Facts, run: Run, entry: Entry, mine: t.Sequence[Job]) -> str | None:
    """Why this entry lets the task fail: empty where it is right to, else what is wrong; None where it does not."""
    source = entry["source_job_id"]
    if entry["outcome"] in (RELAUNCHED, ADOPTED) and not entry["recovered"]:
        if _doubted(entry):
            return ""
        if entry.get("status") in FINAL or not facts.wait:
            # Whether it is true is judged elsewhere.
            return "" if entry.get("status") in FINAL else None
        return f"job {source}: it did not wait for the end of job {entry.get('id')}: {entry['msg']}"
    if entry["outcome"] == LOST:
        known = {one.get("id") for one in entries_of(run)}
        template = facts.templates[source]
        unknown = [job for job in mine if job.id not in known and facts.templates[job.id] == template]
        if any(job.created < run.ended for job in unknown):
            return f"job {source}: job {unknown[0].id} was there, but it was not found"
        return ""
    if entry["outcome"] == REFUSED:
        return _refusal(facts, run, entry)
    return None


def _refusal(facts: Facts, run: Run, entry: Entry) -> str | None:
    """Whether it is right to leave a job alone; see ``_excuse``."""
    source = entry["source_job_id"]
    number, records = next(one for one in facts.works if one[1].source.id == source)
    if "(stop_after)" in entry["msg"]:
        failed = sum(_unsuccessful(facts, run, one) for one in all_entries_of(run))
        if facts.stop_after is not None and failed >= facts.stop_after:
            return ""
        return f"job {source}: {entry['msg']}"
    lost = (one["source_job_id"] for one in all_entries_of(run) if one["outcome"] == LOST)
    if any(f"unknown whether job {other}, the same work," in entry["msg"] for other in lost):
        return ""
    refused = any(post.refused and facts.template_of(post) == number for post in facts.posts(run))
    moments = records.moments(run.started, run.ended)
    if _needs_passwords(entry) and number in facts.passwords:
        return ""
    if not facts.wait and any(map(records.source.active, moments)):
        return ""
    if of_one.refused_for_type(records, facts.hosts, moments, entry["msg"]):
        return ""
    gone = of_one.no_host_in_reach(records, facts.of_run(run), moments)
    # What it never began on no relaunch on failed hosts reaches.
    gone = gone or any(map(records.never_reached, moments))
    gone = gone or (_doubted(entry) and of_one.end_not_known(records, facts.of_run(run), moments))
    if refused or (facts.hosts == "failed" and gone):
        return ""
    return f"job {source}: {entry['msg']}"
