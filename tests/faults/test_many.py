# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios of many jobs, and their judge by facts made by hand: jobs 1 and 2 of two templates failed on a host each; a
task that starts at second 100 and ends at 120 relaunches them one after the other, as jobs 3 and 4.
"""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from faults.judge import Kind, Request, Run
from faults.many import Many, many_of
from faults.many_judge import Facts, conclusive, judge
from faults.records import Host, Job, Records

MANY = [many_of(seed) for seed in range(1000)]
ROUNDS = [round_ for scenario in MANY for round_ in scenario.rounds]


def test_a_seed_gives_the_same_scenario_again() -> None:
    assert [many_of(seed) for seed in range(1000)] == MANY
    assert len(set(map(repr, MANY))) == 1000


def test_every_property_varies() -> None:
    for name in Many.__dataclass_fields__:
        assert len({repr(getattr(scenario, name)) for scenario in MANY}) > 1, name
    assert {len(scenario.works) for scenario in MANY} == {2, 3, 4}


def test_posts_are_lost_runs_broken_off_and_others_run_the_task_too() -> None:
    lost = [rule for round_ in ROUNDS for rule in round_.rules if rule.get("path") == "/relaunch/$"]
    assert {rule["kind"] for rule in lost} >= {"status", "drop", "reset", "slow", "truncate"}
    assert {rule["after_requests"] for rule in lost} == {0, 1, 2, 3}
    broken_off = [round_.broken_off for round_ in ROUNDS if round_.broken_off]
    assert {(one.after, one.by) for one in broken_off} == {
        (after, by) for after in ("post", "read") for by in ("SIGINT", "SIGKILL")
    }
    assert any(round_.twin == 0.0 for round_ in ROUNDS)


def test_the_world_moves_in_every_way_that_concerns_later_jobs() -> None:
    ways = {move.what for round_ in ROUNDS for move in round_.moves if move.at is not None}
    assert ways >= {"schedule", "launch", "relaunch all", "relaunch failed", "edit", "cancel", "disable", "other work"}


def test_each_move_is_in_the_world_of_a_job_that_there_is() -> None:
    for scenario in MANY:
        jobs = [work for work in scenario.works for _job in work.jobs]
        for move in (move for round_ in scenario.rounds for move in round_.moves):
            assert move.host < len(jobs[move.work].names)


ONE = Job(1, "failed", 50, 60, relaunch=False, words={1: True})
TWO = Job(2, "failed", 61, 70, relaunch=False, words={2: True})
THREE = Job(3, "successful", 101.01, 105, limit=frozenset({"web1"}), words={1: False})
FOUR = Job(4, "successful", 106.01, 110, limit=frozenset({"web2"}), words={2: False})
LOOK = Request(100.5, "GET", "/api/v2/jobs/", 200, query="unified_job_template__in=7,8&id__gt=1")
POSTS = (
    Request(101, "POST", "/api/v2/jobs/1/relaunch/", 201),
    Request(106, "POST", "/api/v2/jobs/2/relaunch/", 201),
)


def entry(source: int, new: int, **fields: t.Any) -> dict[str, t.Any]:
    host = f"web{source}"
    told = {
        "type": "job",
        "source_job_id": source,
        "outcome": "relaunched",
        "id": new,
        "status": "successful",
        "recovered": True,
    }
    return {**told, "hosts": [host], "remaining_hosts": [], "msg": f"Job {new} was successful.", **fields}


def result_of(*entries: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    """A result that agrees with its entries."""
    outcomes = ("relaunched", "adopted", "done", "superseded", "refused", "lost")
    counts = {name: sum(entry["outcome"] == name for entry in entries) for name in outcomes}
    recovered = sum(entry["recovered"] for entry in entries)
    failed = len(entries) - recovered
    counts.update(jobs=len(entries), recovered=recovered, failed=failed)
    return {"changed": True, "failed": bool(failed), "jobs": list(entries), "counts": counts, "msg": "told", **fields}


GOOD = result_of(entry(1, 3), entry(2, 4))
UNKNOWN = entry(2, 4, outcome="lost", recovered=False, id=None, status=None)


def facts_of(result: dict[str, t.Any] | None = GOOD, jobs: t.Sequence[Job] = (THREE, FOUR), **fields: t.Any) -> Facts:
    works = tuple(
        (
            template,
            Records(
                source,
                tuple(job for job in jobs if job.limit == {f"web{source.id}"}),
                (Host(source.id, frozenset({f"web{source.id}"})),),
                any_launch=True,
            ),
        )
        for template, source in ((7, ONE), (8, TWO))
    )
    run = Run(100, 120, result, broken_off=fields.pop("broken_off", False))
    given: dict[str, t.Any] = {
        "hosts": "failed",
        "wait": True,
        "at_once": 1,
        "stop_after": None,
        "named": True,
        **fields,
    }
    given.setdefault("requests", (LOOK, *POSTS))
    return Facts(works=works, runs=(run,), users={"": "admin"}, before=frozenset({1, 2}), **given)


def test_what_is_right() -> None:
    assert judge(facts_of()) == []
    failed = dataclasses.replace(FOUR, status="failed", words={2: True})
    told = entry(2, 4, status="failed", recovered=False, remaining_hosts=["web2"])
    assert judge(facts_of(result_of(entry(1, 3), told), jobs=(THREE, failed))) == []
    assert judge(facts_of(None, broken_off=True)) == []


def test_a_host_that_was_disabled_makes_no_failure_of_a_success() -> None:
    idle = dataclasses.replace(FOUR, words={})
    said = "Job 4 was successful. Did not run in job 4: web2."
    told = result_of(entry(1, 3), entry(2, 4, recovered=False, remaining_hosts=["web2"], msg=said), failed=False)
    told["counts"]["failed"] = 0
    facts = facts_of(told, jobs=(THREE, idle))
    (_one, first), (two, second) = facts.works
    out = dataclasses.replace(second, hosts=(Host(2, frozenset({"web2"}), out=((90.0, 130.0),)),))
    assert judge(dataclasses.replace(facts, works=((7, first), (two, out)))) == []
    assert {verdict.kind for verdict in judge(facts)} == {Kind.FALSE}


def test_a_success_that_a_failure_took_back_meanwhile_is_denied() -> None:
    by_another = Job(5, "failed", 107, 111, limit=frozenset({"web2"}), words={2: True})
    told = entry(2, 4, recovered=False, remaining_hosts=["web2"], msg="Job 4 was successful, but job 5 failed on web2.")
    assert judge(facts_of(result_of(entry(1, 3), told), jobs=(THREE, FOUR, by_another))) == []


@pytest.mark.parametrize("left", [["web2"], []], ids=["as it ended", "as it is now"])
def test_what_was_healed_after_a_failure_may_be_left_or_not(left: list[str]) -> None:
    canceled = dataclasses.replace(FOUR, status="canceled", finished=106.1, words={})
    by_another = Job(5, "successful", 107, 111, limit=frozenset({"web2"}), words={2: False})
    told = entry(2, 4, status="canceled", recovered=False, remaining_hosts=left)
    assert judge(facts_of(result_of(entry(1, 3), told), jobs=(THREE, canceled, by_another))) == []


def test_of_a_job_that_was_not_seen_to_end_nothing_is_denied() -> None:
    """Its token had expired meanwhile."""
    unseen = entry(2, 4, status="pending", recovered=False, remaining_hosts=["web2"])
    told = result_of(entry(1, 3), unseen)
    told["counts"]["failed"] = 0
    refused = Request(107, "GET", "/api/v2/jobs/", 401)
    assert judge(facts_of(told, requests=(LOOK, *POSTS, refused))) == []


LOST = dataclasses.replace(POSTS[1], status=None, fault={"kind": "drop", "when": "after"})
BESIDE = dataclasses.replace(FOUR, created=104)
BY_SCHEDULE = Job(9, "successful", 90, 95, relaunch=False, limit=frozenset({"web2"}), words={2: False})


def test_after_a_launch_was_lost_sight_of_nothing_is_sent_for_the_same_work() -> None:
    told = result_of(entry(1, 3), UNKNOWN)
    facts = facts_of(told, jobs=(THREE,), requests=(LOOK, POSTS[0], LOST, POSTS[1]))
    assert Kind.SECOND_POST in {verdict.kind for verdict in judge(facts)}


def test_behind_a_proxy_a_post_may_be_unseen_and_its_job_unknown() -> None:
    right = facts_of(result_of(entry(1, 3)), jobs=(THREE, BESIDE))
    assert Kind.CROWDED in {verdict.kind for verdict in judge(right)}
    assert Kind.CROWDED not in {verdict.kind for verdict in judge(dataclasses.replace(right, proxied=True))}
    unseen = facts_of(requests=(LOOK,))
    assert any("it sent no POST" in verdict.why for verdict in judge(unseen))
    assert not any("it sent no POST" in verdict.why for verdict in judge(dataclasses.replace(unseen, proxied=True)))


def test_what_another_slice_has_done_is_other_work() -> None:
    """A success by schedule of the same slice makes a launch a double one; that of another slice does not."""
    of_two = [dataclasses.replace(job, part=(1, 2)) for job in (TWO, BY_SCHEDULE, FOUR)]
    source, same, mine = of_two
    for by_schedule, double in ((same, True), (dataclasses.replace(same, part=(2, 2)), False)):
        facts = facts_of(jobs=(THREE, by_schedule, mine))
        (_template, records) = facts.works[1]
        facts = dataclasses.replace(facts, works=(facts.works[0], (8, dataclasses.replace(records, source=source))))
        assert (Kind.DOUBLE in {verdict.kind for verdict in judge(facts)}) is double


@pytest.mark.parametrize(("msg", "double"), [("In place of this task's own job 5.", False), ("It failed.", True)])
def test_a_job_that_could_not_be_canceled_in_time_is_to_be_told_of(msg: str, double: bool) -> None:
    """Another caller had launched the same in the same instant, and the own job had ended when it was to give way."""
    first = dataclasses.replace(FOUR, relaunch=False, created=106.005)
    own = dataclasses.replace(FOUR, id=5, finished=106.025)
    look, cancel = dataclasses.replace(LOOK, time=106.02), Request(106.03, "POST", "/api/v2/jobs/5/cancel/", 405)
    told = result_of(entry(1, 3), entry(2, 4, msg=msg))
    facts = facts_of(told, jobs=(THREE, first, own), requests=(LOOK, *POSTS, look, cancel))
    assert (Kind.DOUBLE in {verdict.kind for verdict in judge(facts)}) is double


def test_of_a_job_that_ran_it_is_not_told_that_it_was_canceled() -> None:
    told = result_of(entry(1, 3), entry(2, 4, msg="In place of this task's own job 3. That was canceled."))
    assert [verdict.why for verdict in judge(facts_of(told))] == [
        "run 1: job 2: job 3 was canceled, it says, but it ran"
    ]


LEFT_ALONE = "It needs passwords: ssh_password. Relaunch it with job_relaunch and credential_passwords."


def test_only_what_needs_passwords_is_left_alone_for_them() -> None:
    left = entry(2, 4, outcome="refused", recovered=False, id=None, status=None, msg=LEFT_ALONE)
    del left["remaining_hosts"]
    facts = facts_of(result_of(entry(1, 3), left), jobs=(THREE,))
    assert conclusive(facts.runs[0], wait=True)
    assert [verdict.kind for verdict in judge(facts)] == [Kind.DIED]
    assert judge(dataclasses.replace(facts, passwords=frozenset({8}))) == []


def test_what_would_run_as_another_type_is_left_alone_where_a_relaunch_has_shown_it() -> None:
    said = "its template was edited, and a relaunch would run as job type check by now"
    left = entry(2, 4, outcome="refused", recovered=False, id=None, status=None, msg=said)
    del left["remaining_hosts"]
    checked = dataclasses.replace(BY_SCHEDULE, job_type="check", relaunch=True)
    facts = facts_of(result_of(entry(1, 3), left), jobs=(THREE,), requests=(LOOK, POSTS[0]))

    def found(*jobs: Job) -> list[Kind]:
        records = dataclasses.replace(facts.works[1][1], jobs=jobs)
        return [verdict.kind for verdict in judge(dataclasses.replace(facts, works=(facts.works[0], (8, records))))]

    assert found(checked) == []
    assert found() == [Kind.DIED]
    assert found(checked, BY_SCHEDULE) == [Kind.DIED]


def test_a_source_that_runs_is_refused_only_without_a_wait() -> None:
    left = entry(2, 4, outcome="refused", recovered=False, id=None, status=None, msg="Job 2 is running.")
    del left["remaining_hosts"]
    facts = facts_of(result_of(entry(1, 3), left), jobs=(THREE,))
    (template, records) = facts.works[1]
    runs = dataclasses.replace(records, source=dataclasses.replace(TWO, finished=101))
    facts = dataclasses.replace(facts, works=(facts.works[0], (template, runs)))
    assert [verdict.kind for verdict in judge(facts)] == [Kind.DIED]
    assert judge(dataclasses.replace(facts, wait=False)) == []


def test_a_job_that_was_cut_short_has_recovered_only_once_all_its_hosts_have_run() -> None:
    facts = facts_of(jobs=(THREE, FOUR))
    (template, records) = facts.works[1]
    cut = dataclasses.replace(records, source=dataclasses.replace(TWO, never_began=frozenset({9})))
    facts = dataclasses.replace(facts, works=(facts.works[0], (template, cut)))
    (only,) = judge(facts)
    assert only.kind is Kind.FALSE and "nothing has run on hosts [9]" in only.why
    assert judge(dataclasses.replace(facts, hosts="all", runs=())) == []
    whole = dataclasses.replace(BY_SCHEDULE, created=90, finished=95, words={2: False, 9: False}, limit=frozenset())
    with_more = (Host(2, frozenset({"web2"})), Host(9, frozenset({"web9"})))
    cut = dataclasses.replace(cut, jobs=(whole,), hosts=with_more)
    done = result_of(entry(1, 3), entry(2, 9, outcome="superseded"))
    well = facts_of(done, jobs=(THREE,), requests=(LOOK, POSTS[0]))
    assert judge(dataclasses.replace(well, works=(well.works[0], (template, cut)))) == []


def test_what_was_cut_short_may_be_denied_though_its_relaunch_was_successful() -> None:
    told = entry(2, 4, recovered=False, msg="Job 2 stopped before its end: it has not been done on web9.")
    facts = facts_of(result_of(entry(1, 3), told))
    assert {verdict.kind for verdict in judge(facts)} == {Kind.FALSE}
    (template, records) = facts.works[1]
    cut = dataclasses.replace(records, source=dataclasses.replace(TWO, never_began=frozenset({9})))
    assert judge(dataclasses.replace(facts, works=(facts.works[0], (template, cut)))) == []


def test_jobs_are_slices_run_still_or_need_passwords() -> None:
    works = [work for scenario in MANY for work in scenario.works]
    assert {len({job.part for job in work.jobs}) for work in works if work.slices > 1} == {1, 2}
    assert all(set(job.on) <= set(work.of_slice(job.part)) & set(work.failing) for work in works for job in work.jobs)
    assert any(work.passwords for work in works)
    assert any(job.cut_short for work in works for job in work.jobs)
    assert all(0 < len(job.on) < len(work.names) for work in works for job in work.jobs if job.cut_short)
    running = {scenario.selection for scenario in MANY for work in scenario.works if work.jobs[-1].running}
    assert running == {"ids"}
    assert not any(job.running for work in works for job in work.jobs[:-1])


def test_proxies_stand_between_and_lose_answers() -> None:
    proxies = [scenario.proxy for scenario in MANY if scenario.proxy]
    assert 100 < len(proxies) < 300
    assert {one.loss for one in proxies} == {"close", "reset", "cut", "refuse", None}


@pytest.mark.parametrize(
    ("facts", "kind", "why"),
    [
        (facts_of(None), Kind.FALSE, "it reported nothing"),
        (facts_of(result_of(entry(1, 3))), Kind.FALSE, "it accounts for jobs [1]"),
        (facts_of(result_of(entry(1, 3))), Kind.LOST, "job 4 is named by no run"),
        (facts_of({**GOOD, "counts": {**GOOD["counts"], "recovered": 1}}), Kind.FALSE, "by its entries it is"),
        (facts_of({**GOOD, "changed": False}), Kind.FALSE, "it launched jobs [3, 4]"),
        (facts_of(jobs=(THREE, BESIDE)), Kind.CROWDED, "jobs [3, 4] were active at a time"),
        (facts_of(jobs=(BY_SCHEDULE, THREE, FOUR)), Kind.DOUBLE, "job 4 was launched, and ran"),
        (facts_of(requests=(LOOK, POSTS[0], LOST, POSTS[1])), Kind.SECOND_POST, "2 POSTs to /api/v2/jobs/2/relaunch/"),
        (facts_of(result_of(entry(1, 3), UNKNOWN), requests=(LOOK, POSTS[0], LOST)), Kind.DIED, "job 4 was there"),
        (facts_of({**GOOD, "failed": True}), Kind.DIED, "told"),
        (facts_of(result_of(entry(1, 3), entry(2, 4, recovered=False))), Kind.FALSE, "but job 4 did its work"),
        (
            facts_of(jobs=(THREE, dataclasses.replace(FOUR, words={2: True}))),
            Kind.FALSE,
            "but it was [2], then [2]",
        ),
        (facts_of(result_of(entry(1, 3), entry(2, 5))), Kind.FALSE, "job 5, which is none of its template"),
        (facts_of(result_of(entry(1, 3), entry(2, 4, outcome="refused", recovered=False))), Kind.DIED, "job 2: Job 4"),
    ],
)
def test_what_is_wrong(facts: Facts, kind: Kind, why: str) -> None:
    verdicts = judge(facts)
    assert any(verdict.kind is kind and why in verdict.why for verdict in verdicts), verdicts


@pytest.mark.parametrize(
    ("told", "ended"),
    [
        (entry(2, 4), True),
        (entry(2, 4, status="failed", recovered=False), True),
        (entry(2, 4, status="running", recovered=False), False),
        (UNKNOWN, False),
        (entry(2, 4, outcome="refused", recovered=False, id=None, status=None), False),
    ],
)
def test_a_run_is_followed_by_another_until_what_failed_is_its_relaunches(told: dict[str, t.Any], ended: bool) -> None:
    run = Run(100, 120, result_of(entry(1, 3), told))
    assert conclusive(run, wait=True) is ended
    assert not conclusive(dataclasses.replace(run, broken_off=True), wait=True)
