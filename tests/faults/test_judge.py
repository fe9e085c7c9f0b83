# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge, by facts made by hand (a source job 1, a task that starts at second 100 and ends at 110); and against
modules that work in a wrong way, each caught by the scenario of a named seed.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t
from pathlib import Path
from types import MappingProxyType

import pytest

from faults import many_judge
from faults.front_doors import FrontDoors
from faults.judge import Facts, Kind, Request, Run, Verdict, judge
from faults.many import many_of
from faults.records import Host, Job, Records
from faults.scenario import scenario_of
from faults.stage import Sandboxes, Stage
from faults.variants import VARIANTS

POST = Request(101, "POST", "/api/v2/jobs/1/relaunch/", 201)
LOST = dataclasses.replace(POST, status=None, fault={"kind": "drop", "when": "after"})
UNDONE = dataclasses.replace(POST, status=503, fault={"kind": "status", "when": "before"})
REFUSED = dataclasses.replace(POST, status=403)
READ = Request(100.5, "GET", "/api/v2/jobs/1/", 200)
REDIRECTED = dataclasses.replace(READ, status=302, fault={"kind": "redirect", "when": "before"})
MISSING = dataclasses.replace(READ, status=404, fault={"kind": "status", "when": "before"})
EXPIRED = dataclasses.replace(READ, time=102, status=401)
SLOW = dataclasses.replace(READ, time=100.2, fault={"kind": "slow", "when": "after"})
PAGE = dataclasses.replace(READ, fault={"kind": "html", "when": "before"})

WEB2 = Host(2, frozenset({"web2"}))
SOURCE = Job(1, "failed", created=50, finished=60, relaunch=False, words={1: False, 2: True})
JOB = Job(2, "successful", created=101.01, finished=105, limit=frozenset({"web2"}), words={2: False})
GOOD: t.Mapping[str, t.Any] = MappingProxyType(
    {"changed": True, "failed": False, "id": 2, "status": "successful", "failed_hosts": [], "remaining_hosts": []}
)
FORBIDDEN_JOB_2 = "Job 1 ended with status failed, and job 2 may not be relaunched by this user: relaunched as job 3."
UNKNOWN: dict[str, t.Any] = {"changed": True, "failed": True, "id": None, "status": None}
FAILED: dict[str, t.Any] = {**GOOD, "failed": True, "status": "failed", "failed_hosts": ["web2"]}
FAILED["remaining_hosts"] = ["web2"]
# It could not even read the source.
GAVE_UP: dict[str, t.Any] = {"changed": False, "failed": True, "msg": "no"}


def run_of(result: t.Mapping[str, t.Any] | None = GOOD, start: float = 100, **fields: t.Any) -> Run:
    return Run(start, start + 10, result, **fields)


def facts_of(
    *runs: Run, requests: t.Sequence[Request] = (READ, POST), jobs: t.Sequence[Job] = (JOB,), **fields: t.Any
) -> Facts:
    records = Records(SOURCE, tuple(jobs), (Host(1, frozenset({"web1"})), fields.pop("host", WEB2)))
    given: dict[str, t.Any] = {"wait": True, "hosts": "failed", "before": frozenset({1}), **fields}
    return Facts(runs=runs or (run_of(),), requests=tuple(requests), records=records, **given)


def kinds(facts: Facts) -> set[Kind]:
    return {verdict.kind for verdict in judge(facts)}


def later(request: Request, seconds: float = 20) -> Request:
    return dataclasses.replace(request, time=request.time + seconds)


# It was successful without its host, which was disabled.
IDLE = dataclasses.replace(JOB, words={})
REMAINS: dict[str, t.Any] = {**GOOD, "remaining_hosts": ["web2"]}
BROKEN = Job(2, "failed", 101.01, 105, limit=frozenset({"web2"}), words={2: True})
SECOND = Job(3, "successful", 121.01, 125, limit=frozenset({"web2"}), words={2: False})
LATER = dataclasses.replace(SECOND, id=2)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(facts_of(), id="launched, and successful"),
        pytest.param(facts_of(run_of(FAILED), jobs=[BROKEN]), id="launched, and failed"),
        pytest.param(facts_of(requests=[LOST]), id="looked for after a lost answer, and found"),
        pytest.param(facts_of(requests=[REFUSED, POST]), id="tried on another job after a refusal"),
        pytest.param(
            facts_of(
                run_of({**GOOD, "status": "pending", "failed_hosts": None, "remaining_hosts": ["web2"]}),
                jobs=[dataclasses.replace(JOB, finished=120)],
                wait=False,
            ),
            id="not waited for",
        ),
        pytest.param(
            facts_of(
                run_of(UNKNOWN),
                run_of({**GOOD, "changed": False}, start=120),
                requests=[dataclasses.replace(LOST, fault={"kind": "slow", "when": "before", "delay": 10})],
                jobs=[dataclasses.replace(JOB, created=111)],
            ),
            id="unknown at first, then found: its job came late",
        ),
        pytest.param(
            facts_of(
                run_of(UNKNOWN),
                run_of({**GOOD, "id": 3}, start=120),
                requests=[UNDONE, later(POST)],
                jobs=[SECOND],
            ),
            id="unknown at first, then launched: nothing had been",
        ),
        pytest.param(
            facts_of(
                run_of({**UNKNOWN, "changed": False}),
                run_of({**GOOD, "id": 3}, start=120),
                requests=[dataclasses.replace(REFUSED, status=429), later(POST)],
                jobs=[SECOND],
            ),
            id="refused at first",
        ),
        pytest.param(
            facts_of(
                run_of(FAILED),
                run_of({**GOOD, "id": 3}, start=120),
                requests=[POST, later(POST)],
                jobs=[BROKEN, SECOND],
            ),
            id="relaunched again after a failure",
        ),
        pytest.param(
            facts_of(run_of(GAVE_UP), run_of(start=120), requests=[REDIRECTED, later(POST)], jobs=[LATER]),
            id="a redirect as the first answer is for a person",
        ),
        pytest.param(
            facts_of(run_of(GAVE_UP), run_of(start=120), requests=[PAGE, later(POST)], jobs=[LATER]),
            id="a page as the first answer, too",
        ),
        pytest.param(
            facts_of(run_of(GAVE_UP), run_of(start=120), requests=[MISSING, later(POST)], jobs=[LATER]),
            id="a page of status 404 as the first answer, too",
        ),
        pytest.param(
            facts_of(run_of(GAVE_UP), run_of(start=120), requests=[SLOW, REDIRECTED, later(POST)], jobs=[LATER]),
            id="a read that is answered too late is not answered",
        ),
        pytest.param(
            facts_of(
                run_of(UNKNOWN),
                run_of({**GOOD, "id": 3, "msg": FORBIDDEN_JOB_2}, start=120),
                requests=[LOST, EXPIRED, later(REFUSED), later(POST)],
                jobs=[BROKEN, SECOND],
            ),
            id="unknown at first, then the source was relaunched: what had come of it may not be",
        ),
        pytest.param(
            facts_of(run_of(UNKNOWN), run_of(start=120), requests=[later(POST)], jobs=[LATER], restarts=(101,)),
            id="a restart swallowed the POST",
        ),
    ],
)
def test_nothing_is_wrong(facts: Facts) -> None:
    assert judge(facts) == []


def test_two_jobs_by_one_run() -> None:
    twin = dataclasses.replace(JOB, id=3, created=102.01, finished=106)
    facts = facts_of(requests=[LOST, dataclasses.replace(POST, time=102)], jobs=[JOB, twin])
    assert {Kind.SECOND_POST, Kind.LOST} <= kinds(facts)


@pytest.mark.parametrize("first", [dataclasses.replace(JOB, finished=130), JOB], ids=["runs", "was successful"])
def test_a_second_job_while_the_first_runs_or_after_its_success(first: Job) -> None:
    facts = facts_of(
        run_of(UNKNOWN),
        run_of({**GOOD, "id": 3}, start=120),
        requests=[LOST, later(POST)],
        jobs=[first, SECOND],
    )
    assert Kind.DOUBLE in kinds(facts)


@pytest.mark.parametrize(("query", "double"), [("id__gt=1", True), ("id__lt=1", False), ("id__in=2", False)])
def test_only_a_list_of_newer_jobs_shows_what_was_launched_since(query: str, double: bool) -> None:
    before = dataclasses.replace(JOB, id=3, created=100.6, finished=100.8)
    looks = [
        Request(time, "GET", "/api/v2/jobs/", 200, query=asked) for time, asked in ((100.5, "id__gt=1"), (100.9, query))
    ]
    facts = facts_of(requests=[*looks, POST], jobs=[before, JOB])
    assert (Kind.DOUBLE in kinds(facts)) is double


# Two callers look, and launch, in the same instant; the second one's job ran beside the first one's.
RUN_A = run_of(GOOD, caller="a")
RUN_B = run_of({**GOOD, "id": 3}, caller="b")
POST_A = dataclasses.replace(POST, caller="a")
POST_B = dataclasses.replace(POST, time=101.02, caller="b")
JOB_B = dataclasses.replace(JOB, id=3, created=101.03)
LOOK_B = Request(101.1, "GET", "/api/v2/jobs/", 200, caller="b")
CANCEL_B = Request(101.2, "POST", "/api/v2/jobs/3/cancel/", 202, caller="b")


def test_of_callers_in_the_same_instant_one_job_runs() -> None:
    contested = facts_of(RUN_A, RUN_B, requests=[POST_A, POST_B, LOOK_B], jobs=[JOB, JOB_B])
    (double,) = judge(contested)
    assert (double.kind, double.why) == (Kind.DOUBLE, "run 2: job 3 ran beside job 2, the same work and made before it")

    gave_way = run_of({**GOOD, "changed": False, "own_job_id": 3}, caller="b")
    canceled = dataclasses.replace(JOB_B, status="canceled", finished=101.3, words={})
    requests = [POST_A, POST_B, LOOK_B, CANCEL_B]
    assert judge(facts_of(RUN_A, gave_way, requests=requests, jobs=[JOB, canceled])) == []

    requests[-1] = dataclasses.replace(CANCEL_B, status=405)
    too_late = run_of({**GOOD, "own_job_id": 3}, caller="b")
    at_once = dataclasses.replace(JOB_B, finished=101.15)
    assert judge(facts_of(RUN_A, too_late, requests=requests, jobs=[JOB, at_once])) == []

    requests[-1] = dataclasses.replace(CANCEL_B, status=405, time=106)
    assert judge(facts_of(RUN_A, too_late, requests=requests, jobs=[JOB, JOB_B])) == [double]

    requests.insert(-1, dataclasses.replace(CANCEL_B, status=503, fault=UNDONE.fault))
    assert judge(facts_of(RUN_A, too_late, requests=requests, jobs=[JOB, JOB_B])) == []


@pytest.mark.parametrize(
    ("rival", "look", "double"),
    [
        (dataclasses.replace(JOB, finished=101.15), LOOK_B, True),
        (dataclasses.replace(JOB, finished=101.15), dataclasses.replace(LOOK_B, answered=101.2), False),
        (dataclasses.replace(JOB, status="failed", finished=101.15, words={2: True}), LOOK_B, True),
        (
            dataclasses.replace(JOB, status="failed", finished=101.15, words={2: True}),
            dataclasses.replace(LOOK_B, answered=101.2),
            False,
        ),
        (JOB, dataclasses.replace(LOOK_B, status=502, fault={"kind": "status"}), False),
    ],
    ids=["successful since", "successful meanwhile", "failed since", "failed meanwhile", "no answer"],
)
def test_what_the_second_caller_could_know_of_the_first_ones_job(rival: Job, look: Request, double: bool) -> None:
    contested = facts_of(RUN_A, RUN_B, requests=[POST_A, POST_B, look], jobs=[rival, JOB_B])
    assert (Kind.DOUBLE in kinds(contested)) is double


@pytest.mark.parametrize("host", [dataclasses.replace(WEB2, out=((90.0, 130.0),))])
def test_a_disabled_host_remains_with_a_warning(host: Host) -> None:
    told = {**REMAINS, "warnings": ["Did not run in job 2, though asked for: web2."]}
    assert judge(facts_of(run_of(told), jobs=[IDLE], host=host)) == []


# It was renamed behind the source, and a relaunch failed on it too.
RENAMED = dataclasses.replace(WEB2, names=frozenset({"web2", "new"}))
BY_TWO_NAMES: dict[str, t.Any] = {**GOOD, "changed": False, "id": 1, "status": "failed", "failed_hosts": ["web2"]}
BY_TWO_NAMES.update(remaining_hosts=["new", "web2"], warnings=["Not in the inventory any more: new, web2."])


@pytest.mark.parametrize(("gone", "wrong"), [(90.0, set()), (None, {Kind.FALSE}), (115.0, {Kind.FALSE})])
def test_only_a_deleted_host_is_told_by_each_of_its_names(gone: float | None, wrong: set[Kind]) -> None:
    before = dataclasses.replace(BROKEN, created=70, finished=80, limit=frozenset({"new"}))
    host = dataclasses.replace(RENAMED, gone=gone)
    assert kinds(facts_of(run_of(BY_TWO_NAMES), requests=[READ], jobs=[before], host=host)) == wrong


@pytest.mark.parametrize(
    ("values", "before", "wrong"),
    [
        ("template", "template", set()),
        ("template", "older template", {Kind.FALSE}),
        ("", "", {Kind.FALSE}),
    ],
    ids=["of the template", "other ones", "not known"],
)
def test_a_prompt_for_what_the_template_has_is_none(values: str, before: str, wrong: set[Kind]) -> None:
    first = dataclasses.replace(BROKEN, created=70, finished=80, values=before)
    prompted = Job(3, "successful", 90, 95, prompts="{credentials}", values=values, words={1: False, 2: False})
    result = {**GOOD, "changed": False, "id": 3}
    facts = facts_of(run_of(result), requests=[READ], jobs=[first, prompted], hosts="all")
    assert kinds(facts) == wrong

    # A job that was made later does not tell what the template had.
    later = dataclasses.replace(first, id=4, created=96, finished=97)
    facts = facts_of(run_of(result), requests=[READ], jobs=[prompted, later], hosts="all")
    assert kinds(facts) == {Kind.FALSE}


# Both hosts failed in the source, and job 2 failed on the second one alone.
ON_BOTH = Job(2, "failed", 70, 80, words={1: False, 2: True})
NOBODY = Job(3, "failed", 101.01, 105, limit=frozenset({"web2"}))
BOTH_REMAIN: dict[str, t.Any] = {**FAILED, "id": 3, "failed_hosts": [], "remaining_hosts": ["web1", "web2"]}
SHOWS = Job(4, "successful", 85, 90, limit=frozenset({"other"}), words={3: False})


@pytest.mark.parametrize(
    ("out", "others", "wrong"),
    [
        (((100.0, 130.0),), [], set()),
        ((), [], {Kind.FALSE}),
        (((90.0, 100.0),), [], {Kind.FALSE}),
        (((100.0, 130.0),), [SHOWS], {Kind.FALSE}),
        (((100.0, 130.0),), [dataclasses.replace(SHOWS, words={})], set()),
    ],
    ids=["disabled", "enabled", "enabled again", "a success shows the end", "a success on nobody"],
)
def test_what_only_failed_runs_did_may_remain_beside_hosts_that_cannot_run(
    out: tuple[tuple[float, float], ...], others: list[Job], wrong: set[Kind]
) -> None:
    facts = facts_of(
        run_of(BOTH_REMAIN), jobs=[ON_BOTH, NOBODY, *others], host=dataclasses.replace(WEB2, out=out), before={1, 2, 4}
    )
    source = dataclasses.replace(SOURCE, words={1: True, 2: True})
    facts = dataclasses.replace(facts, records=dataclasses.replace(facts.records, source=source))
    assert kinds(facts) == wrong


# The user may not read the inventory, so that nobody tells whether a host that was deleted is there again.
HIDDEN = Request(100.7, "GET", "/api/v2/inventories/1/hosts/", 403)


@pytest.mark.parametrize(
    ("requests", "wrong"), [([READ, HIDDEN], set()), ([READ], {Kind.DIED})], ids=["hidden", "readable"]
)
def test_who_may_not_read_hosts_cannot_call_deleted_ones_gone(requests: list[Request], wrong: set[Kind]) -> None:
    told = {**GAVE_UP, "remaining_hosts": ["web2"]}
    facts = facts_of(run_of(told), requests=requests, jobs=[], host=dataclasses.replace(WEB2, gone=90.0))
    healed = Job(2, "successful", created=70, finished=80, limit=frozenset({"web1"}), words={1: False})
    both = dataclasses.replace(SOURCE, words={1: True, 2: True})
    records = dataclasses.replace(facts.records, source=both, jobs=(healed,))
    assert kinds(dataclasses.replace(facts, records=records)) == wrong


TO_CHECK: dict[str, t.Any] = {
    **GAVE_UP,
    "msg": "its template was edited, and a relaunch would run as job type check by now",
}
CHECKED = Job(2, "successful", 70, 80, job_type="check", limit=frozenset({"web2"}), words={2: False})
RUNS = dataclasses.replace(JOB, id=3, created=90, finished=130)


@pytest.mark.parametrize("hosts", ["all", "failed"])
@pytest.mark.parametrize(
    ("jobs", "result", "right"),
    [
        pytest.param([CHECKED], TO_CHECK, True, id="it is so"),
        pytest.param([], TO_CHECK, False, id="no relaunch has shown it"),
        pytest.param([dataclasses.replace(CHECKED, job_type="run")], TO_CHECK, False, id="the template is as it was"),
        pytest.param([dataclasses.replace(CHECKED, relaunch=False)], TO_CHECK, False, id="a launch has its own type"),
        pytest.param([CHECKED], {**GAVE_UP, "msg": "It could not be read."}, False, id="it failed for another reason"),
    ],
)
def test_what_a_template_of_another_type_excuses(
    hosts: str, jobs: list[Job], result: dict[str, t.Any], right: bool
) -> None:
    assert kinds(facts_of(run_of(result), requests=[READ], jobs=jobs, hosts=hosts)) == (set() if right else {Kind.DIED})


@pytest.mark.parametrize("hosts", ["all", "failed"])
@pytest.mark.parametrize("ended", [95.0, 130.0], ids=["done", "being done"])
def test_a_template_of_another_type_excuses_nothing_where_nothing_is_to_be_launched(hosts: str, ended: float) -> None:
    other = dataclasses.replace(RUNS, finished=ended, limit=frozenset() if hosts == "all" else RUNS.limit)
    assert kinds(facts_of(run_of(TO_CHECK), requests=[READ], jobs=[CHECKED, other], hosts=hosts)) == {Kind.DIED}


CUT_SHORT: dict[str, t.Any] = {**GAVE_UP, "remaining_hosts": ["web2"], "cut_short": True}
OUT = dataclasses.replace(WEB2, out=((90.0, 130.0),))
# A relaunch that found its only host disabled.
SILENT = Job(2, "failed", created=70, finished=80, limit=frozenset({"web2"}))
WHOLE = Job(2, "failed", created=95, finished=130)
SHOWS = Job(2, "successful", created=70, finished=80, limit=frozenset({"web1"}), words={1: False})


@pytest.mark.parametrize(
    ("result", "host", "jobs", "wrong"),
    [
        (CUT_SHORT, OUT, [], set()),
        (CUT_SHORT, OUT, [SILENT], set()),
        (CUT_SHORT, WEB2, [SILENT], {Kind.DIED}),
        (CUT_SHORT, dataclasses.replace(WEB2, out=((70.0, 90.0),)), [SILENT], {Kind.DIED}),
        (CUT_SHORT, OUT, [SHOWS], {Kind.DIED}),
        (CUT_SHORT, OUT, [dataclasses.replace(SHOWS, prompts="{verbosity}")], set()),
        (CUT_SHORT, OUT, [WHOLE], {Kind.DIED}),
        ({**CUT_SHORT, "cut_short": False}, OUT, [SILENT], {Kind.DIED}),
    ],
    ids=[
        "no run",
        "a silent run",
        "not disabled",
        "enabled again",
        "a success shows it",
        "other work shows nothing",
        "a run to come",
        "not told",
    ],
)
def test_where_nothing_shows_the_end_of_the_source(
    result: dict[str, t.Any], host: Host, jobs: list[Job], wrong: set[Kind]
) -> None:
    assert kinds(facts_of(run_of(result), requests=[READ], jobs=jobs, host=host)) == wrong


def test_nobody_is_left_out_by_a_source_that_failed_on_all_its_hosts() -> None:
    facts = facts_of(run_of(CUT_SHORT), requests=[READ], jobs=[], host=OUT)
    records = dataclasses.replace(facts.records, source=dataclasses.replace(SOURCE, words={2: True}))
    assert kinds(dataclasses.replace(facts, records=records)) == {Kind.DIED}


@pytest.mark.parametrize(
    ("gone", "requests", "wrong"),
    [
        (105.0, [READ, HIDDEN], set()),
        (105.0, [READ], {Kind.DIED}),
        (90.0, [READ, HIDDEN], {Kind.DIED}),
        (None, [READ, HIDDEN], {Kind.DIED}),
    ],
    ids=["meanwhile", "readable", "before", "never"],
)
def test_hosts_are_miscounted_while_one_is_deleted(
    gone: float | None, requests: list[Request], wrong: set[Kind]
) -> None:
    facts = facts_of(run_of(CUT_SHORT), requests=requests, jobs=[])
    healed = Job(2, "successful", created=70, finished=80, limit=frozenset({"web1"}), words={1: False})
    records = Records(
        dataclasses.replace(SOURCE, words={1: True, 2: True}), (healed,), (Host(1, frozenset({"web1"}), gone), OUT)
    )
    assert kinds(dataclasses.replace(facts, records=records)) == wrong


def test_a_secret() -> None:
    assert kinds(facts_of(run_of(output="the token is s3cret"), secrets=("s3cret",))) == {Kind.SECRET}


def test_a_second_post_without_a_second_job() -> None:
    assert kinds(facts_of(requests=[UNDONE, later(POST, 2)], jobs=[dataclasses.replace(JOB, created=103.01)])) == {
        Kind.SECOND_POST
    }


def test_a_job_that_no_run_names() -> None:
    assert Kind.LOST in kinds(facts_of(run_of(UNKNOWN), requests=[LOST]))


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (None, "reported nothing"),
        ({**GOOD, "msg": "An unexpected error, which is a defect of this collection"}, "it broke"),
        ({**GOOD, "exception": "Traceback (most recent call last)"}, "it broke"),
        ({**GOOD, "changed": False}, "but it launched job 2"),
        ({**GOOD, "id": 7}, "job 7 is not what it launched"),
        ({**GOOD, "id": None}, "names no job"),
        ({**GOOD, "status": "failed"}, "status is failed, but job 2 was successful"),
        ({**GOOD, "status": "running"}, "it succeeded with status running"),
        ({**GOOD, "failed_hosts": ["web1"]}, "failed_hosts is ['web1'], but of job 2 it is {2: False}"),
        ({**GOOD, "remaining_hosts": ["web2"]}, "remaining_hosts is ['web2'], by number [2], but it was [], then []"),
        ({**GOOD, "remaining_hosts": ["db"]}, "not all of which are hosts"),
        ({**GOOD, "hosts": ["web1"]}, "hosts is ['web1']"),
        ({**GOOD, "job": {"id": 3}}, "job.id 3"),
    ],
)
def test_a_report_that_is_not_true(result: dict[str, t.Any] | None, why: str) -> None:
    verdicts = judge(facts_of(run_of(result)))
    assert any(verdict.kind is Kind.FALSE and why in verdict.why for verdict in verdicts), verdicts


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (facts_of(requests=[READ]), "sent no POST"),
        (facts_of(requests=[READ], restarts=(101,)), "sent no POST"),
        (facts_of(run_of(UNKNOWN), requests=[READ], jobs=[], restarts=(130,)), "sent no POST"),
        (facts_of(jobs=[BROKEN]), "status is successful, but job 2 was failed"),
        (facts_of(jobs=[BROKEN]), "by number [], but it was [2], then [2]"),
        (facts_of(jobs=[dataclasses.replace(JOB, finished=111)]), "but job 2 was not over"),
        (facts_of(jobs=[dataclasses.replace(JOB, prompts="{verbosity}")]), "job 2 is other work"),
        (facts_of(jobs=[dataclasses.replace(JOB, words={})]), "by number [], but it was [2], then [2]"),
        (facts_of(run_of({**GOOD, "hosts": ["web1"]})), "but job 2 is limited to ['web2']"),
        (facts_of(run_of(REMAINS), jobs=[IDLE]), "web2 remains, and it succeeded without a warning of it"),
        (facts_of(run_of(REMAINS), jobs=[IDLE]), "though the host was enabled all the time"),
        (facts_of(hosts="all"), "the newest relaunch on all hosts was not successful"),
        (facts_of(run_of({**GOOD, "id": 9, "changed": False}), requests=[READ], jobs=[]), "but job 9 is none"),
    ],
)
def test_a_report_of_what_did_not_happen(facts: Facts, why: str) -> None:
    verdicts = judge(facts)
    assert any(verdict.kind is Kind.FALSE and why in verdict.why for verdict in verdicts), verdicts


@pytest.mark.parametrize(("wait", "kind"), [(True, Kind.DIED), (False, Kind.NEEDLESS)])
@pytest.mark.parametrize(
    ("result", "requests", "jobs"),
    [
        pytest.param({**FAILED, "status": "running", "failed_hosts": None}, [POST], [JOB], id="while the job ran"),
        pytest.param(UNKNOWN, [LOST], [JOB], id="it did not find what was there"),
        pytest.param(GAVE_UP, [READ, dataclasses.replace(PAGE, time=102)], [], id="a page after an answer"),
        pytest.param(GAVE_UP, [READ, dataclasses.replace(REDIRECTED, time=102)], [], id="a redirect after an answer"),
        pytest.param(GAVE_UP, [READ, dataclasses.replace(MISSING, time=102)], [], id="a 404 page after an answer"),
        pytest.param(GAVE_UP, [READ, dataclasses.replace(READ, time=102, status=503)], [], id="a read failed"),
    ],
)
def test_a_run_that_gave_up(
    wait: bool, kind: Kind, result: dict[str, t.Any], requests: list[Request], jobs: list[Job]
) -> None:
    assert kind in kinds(facts_of(run_of(result), requests=requests, jobs=jobs, wait=wait))


def test_a_tool_that_makes_no_claim_is_not_taken_at_its_word() -> None:
    facts = facts_of(run_of({**UNKNOWN, "changed": None}), requests=[LOST], wait=False)
    assert kinds(facts) == {Kind.LOST, Kind.NEEDLESS}


# The seed of a scenario in which each wrong way to work shows, and how; or by timing in one way or the other.
CAUGHT: dict[str, tuple[int, Kind] | tuple[int, Kind, Kind]] = {
    "values_instead_of_prompts": (3289, Kind.DOUBLE),
    "covers_as_success": (2419, Kind.FALSE),
    "oldest_success_wins": (1512, Kind.FALSE),
    "credentials_ignored": (249, Kind.FALSE),
    "proxy_error_as_not_sent": (9, Kind.LOST, Kind.SECOND_POST),
    "no_tie_break": (22433, Kind.DOUBLE),
}
# The same with a scenario of many jobs.
CAUGHT_OF_MANY: dict[str, tuple[int, Kind] | tuple[int, Kind, Kind]] = {
    "no_look_up": (1521, Kind.DIED),
    "relaunches_only": (9064, Kind.DOUBLE),
    "at_once_ignored": (6642, Kind.CROWDED),
    "slices_alike": (10085, Kind.FALSE),
    "other_runs_of_a_workflow_ignored": (11829, Kind.DOUBLE),
}
WORKERS = 3
# The name of a wrong way, and whether it is worked in.
Played = tuple[str, bool]
PLAYED = [(name, wrong) for name in (*CAUGHT, *CAUGHT_OF_MANY) for wrong in (True, False)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[Played, list[Verdict]]:
    """What is wrong in each of these scenarios."""

    def verdicts(stage: Stage, name: str, wrong: bool) -> list[Verdict]:
        variant = name if wrong else None
        if name in CAUGHT_OF_MANY:
            return many_judge.judge(stage.play_many(many_of(CAUGHT_OF_MANY[name][0]), variant))
        return judge(stage.play(scenario_of(CAUGHT[name][0]), "module", variant))

    # Its own folder is made by whoever asks first, which threads would do at once.
    tmp_path_factory.getbasetemp()

    def play(number: int) -> dict[Played, list[Verdict]]:
        folder: Path = tmp_path_factory.mktemp("played")
        with Sandboxes(folder / "sandboxes") as sandboxes, FrontDoors(folder / "doors") as doors:
            stage = Stage(sandboxes, doors)
            return {one: verdicts(stage, *one) for one in PLAYED[number::WORKERS]}

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return {key: found for part in pool.map(play, range(WORKERS)) for key, found in part.items()}


def test_every_wrong_way_is_tried() -> None:
    assert CAUGHT.keys() | CAUGHT_OF_MANY.keys() == VARIANTS.keys()


@pytest.mark.parametrize("variant", [*CAUGHT, *CAUGHT_OF_MANY])
def test_a_wrong_way_to_work_is_caught(played: dict[Played, list[Verdict]], variant: str) -> None:
    _seed, *kinds = {**CAUGHT, **CAUGHT_OF_MANY}[variant]
    assert played[variant, False] == []
    assert not {verdict.kind for verdict in played[variant, True]}.isdisjoint(kinds), played[variant, True]
