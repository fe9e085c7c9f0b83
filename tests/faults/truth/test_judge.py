# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge of truth, by facts made by hand: a source job 1 until second 60, a task from second 100 to 120."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from faults.truth.facts import BULK, Facts, Job, Look, Said
from faults.truth.judge import Kind, false_alarms, judge
from faults.truth.shapes import LOCALHOST

ALL = ("web1", "web2", "web3")
THERE = {"web1": (11, True), "web2": (12, True), "web3": (13, True)}
NO_WEB2 = {name: row for name, row in THERE.items() if name != "web2"}
AGAIN = {**THERE, "web2": (22, True)}
DISABLED_3 = {**THERE, "web3": (13, False)}
DISABLED = {**THERE, "web2": (12, False)}


def job(number: int, created: float, end: float, failed: t.Sequence[str] = (), ended: str = "", **fields: t.Any) -> Job:
    rows = {name: THERE[name][0] for name in failed}
    given: dict[str, t.Any] = {
        "status": "failed" if failed else "successful",
        "summaries": frozenset([*failed, *ended.split()]),
        **fields,
    }
    if isinstance(given.get("limit"), str):
        given["limit"] = frozenset(given["limit"].split())
    marks = dict.fromkeys(ended.split(), end - 1)
    return Job(number, created=created, finished=end, settled=end + 0.2, failed=rows, ended=marks, **given)


# It failed on web2; web1 reached the end, web3 was stopped.
STOPPED = job(1, 50, 60, ["web2"], "web1", summaries=frozenset(ALL), launch_type="manual")
# It failed on web2 alone, and all others reached the end.
SOURCE = job(1, 50, 60, ["web2"], "web1 web3", launch_type="manual")
CANCELED = job(1, 50, 60, [], "web1", status="canceled", launch_type="manual")
NEVER_BEGAN = dataclasses.replace(CANCELED, ended={}, summaries=frozenset(), began=False)
REMADE = dataclasses.replace(SOURCE, failed={"web2": None})
HEALED = job(2, 101, 110, [], "web2", limit="web2")
AGAIN_FAILED = job(2, 101, 110, ["web2"], limit="web2")
WHOLE = job(2, 101, 110, [], "web1 web2 web3")
# web2 was disabled.
LEFT_OUT = job(2, 70, 80, [], "web1 web3", creator="bob")
GOOD: dict[str, t.Any] = {
    "changed": True,
    "failed": False,
    "source_job_id": 1,
    "id": 2,
    "status": "successful",
    "remaining_hosts": [],
    "msg": "Job 1 ended with status failed: relaunched as job 2 on 1 failed host: web2. Job 2 was successful.",
}
BAD: dict[str, t.Any] = {
    **GOOD,
    "failed": True,
    "status": "failed",
    "remaining_hosts": ["web2"],
    "msg": "Failed again.",
}
CUT: dict[str, t.Any] = {**GOOD, "failed": True, "cut_short": True, "msg": "Job 1 never brought web3 to its end."}
NOTHING: dict[str, t.Any] = {**GOOD, "changed": False}
REFUSED: dict[str, t.Any] = {"changed": False, "failed": True, "source_job_id": 1, "msg": "No. web2 is left."}
RETRIED: dict[str, t.Any] = {**GOOD, "recovered": {"web2": 1}, "ended": "none_left"}


def facts_of(
    result: t.Mapping[str, t.Any] | None,
    jobs: t.Sequence[Job] = (HEALED,),
    source: Job = SOURCE,
    before: t.Mapping[str, tuple[int, bool]] | None = None,
    after: t.Mapping[str, tuple[int, bool]] | None = None,
    **fields: t.Any,
) -> Facts:
    said = Said(100, 120, result, **fields.pop("said", {}))
    before = THERE if before is None else before
    looks = (Look(40, THERE), Look(99, before), Look(121, before if after is None else after))
    given: dict[str, t.Any] = {
        "kind": "job_relaunch",
        "hosts": "failed",
        "fallback_to_all": False,
        "player": "admin",
        **fields,
    }
    return Facts(
        sources=(1,),
        targeted=frozenset(ALL) | source.failed.keys(),
        jobs={one.id: one for one in (source, *jobs)},
        looks=looks,
        tasks=(said,),
        **given,
    )


def entry(**fields: t.Any) -> dict[str, t.Any]:
    told = {**GOOD, "outcome": "relaunched", "recovered": True, **fields}
    return {"changed": True, "failed": False, "msg": "1 job.", "jobs": [told]}


OF_MANY: dict[str, t.Any] = {"kind": BULK}
LEFT = entry(outcome="superseded", recovered=False, remaining_hosts=["web2"])
BEFORE = dataclasses.replace(HEALED, created=70, finished=80, settled=80.2, ended={"web2": 79}, creator="bob")
REMAINING: dict[str, t.Any] = {"hosts": "remaining"}
CALM: dict[str, t.Any] = {"said": {"calm": True}}


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(facts_of(GOOD), id="the failed host has its mark"),
        pytest.param(facts_of(BAD, [AGAIN_FAILED]), id="it failed again, and is named"),
        pytest.param(facts_of(NOTHING, [BEFORE]), id="somebody else had done it"),
        pytest.param(
            facts_of({**NOTHING, "remaining_hosts": ["web2"]}, [BEFORE], after=AGAIN),
            id="added again since",
        ),
        pytest.param(facts_of(CUT, source=STOPPED), id="cut short, and the stopped host is named"),
        pytest.param(facts_of(GOOD, [WHOLE], STOPPED, fallback_to_all=True), id="on all hosts, since it was cut short"),
        pytest.param(
            facts_of(
                GOOD,
                [BEFORE, job(3, 82, 92, ["web1"], "web2 web3"), dataclasses.replace(WHOLE, id=4)],
                fallback_to_all=True,
            ),
            id="on all hosts, since a later run failed on another host",
        ),
        pytest.param(
            facts_of({**GOOD, "remaining_hosts": ["web2"]}, [dataclasses.replace(HEALED, ended={})], before=DISABLED),
            id="disabled, and told as left",
        ),
        pytest.param(
            facts_of({**NOTHING, "id": 1, "warnings": ["Did not run: web2."]}, [], before=DISABLED),
            id="disabled, and told in a warning",
        ),
        pytest.param(
            facts_of({**NOTHING, "id": 1, "msg": "web2 is gone."}, [], before=NO_WEB2),
            id="gone, and told so",
        ),
        pytest.param(facts_of({**NOTHING, "id": 1, "gone_hosts": ["web2"]}, [], before=NO_WEB2), id="gone, and told"),
        pytest.param(
            facts_of({**GOOD, "remaining_hosts": ["web2"]}, [], before=AGAIN), id="added again, and told as left"
        ),
        pytest.param(facts_of(GOOD, source=STOPPED, before=DISABLED_3), id="the stopped host is disabled"),
        pytest.param(
            facts_of(REFUSED, [], REMADE, before=AGAIN), id="refused, since no relaunch runs on what was added again"
        ),
        pytest.param(facts_of(REFUSED, [], CANCELED), id="no statistics"),
        pytest.param(
            facts_of(
                {**REFUSED, "msg": "No limit reaches localhost. web2 is left."},
                [],
                dataclasses.replace(SOURCE, failed={"web2": 12, LOCALHOST: None}),
                **REMAINING,
            ),
            id="refused, since no limit reaches localhost",
        ),
        pytest.param(facts_of(entry(), **OF_MANY), id="one of many"),
        pytest.param(facts_of(RETRIED, kind="job_retry"), id="retried"),
        pytest.param(facts_of(GOOD, [WHOLE], hosts="all"), id="all hosts"),
        pytest.param(
            facts_of({**GOOD, "id": 3}, [LEFT_OUT, dataclasses.replace(WHOLE, id=3)], hosts="all"),
            id="all hosts again, since a success had left one out",
        ),
        pytest.param(facts_of(BAD, [AGAIN_FAILED], before=DISABLED, **CALM), id="calm, and what is left is disabled"),
        pytest.param(facts_of(CUT, source=STOPPED, **CALM), id="calm, and cut short"),
        pytest.param(
            facts_of(LEFT, [LEFT_OUT], hosts="all", player="alice", **OF_MANY, **CALM),
            id="calm, and who was left out can run again, which this user is not told",
        ),
        pytest.param(
            facts_of(
                entry(
                    outcome="refused", recovered=False, status="failed", remaining_hosts=["web2"], msg="web2 is left."
                ),
                [dataclasses.replace(AGAIN_FAILED, created=70, finished=80, failed={"web2": None})],
                REMADE,
                before=AGAIN,
                **OF_MANY,
                **CALM,
            ),
            id="calm, and refused with the job that had done a part",
        ),
    ],
)
def test_what_is_right(facts: Facts) -> None:
    assert judge(facts) == []


NEXT = dataclasses.replace(HEALED, id=3)
WHOLE_BEFORE = dataclasses.replace(WHOLE, created=70, finished=80, settled=80.2)
OTHER_WORK = dataclasses.replace(HEALED, prompts='{"extra_vars": {}}')
BROKEN_SINCE = job(3, 85, 95, ["web2"], limit="web2", creator="bob")
LONG = dataclasses.replace(BEFORE, created=95, finished=115, settled=115.2, ended={"web2": 114})
TWO_FAILED = job(1, 50, 60, ["web1", "web2"], "web3", launch_type="manual")
FIRST = job(2, 70, 80, ["web2"], limit="web1 web2", creator="bob")
SECOND = job(3, 82, 92, [], "web1", limit="web1", creator="bob")


@pytest.mark.parametrize(
    ("facts", "kind", "why"),
    [
        (facts_of(NOTHING, []), Kind.FALSE_DONE, "web2 failed in job 1, is said to be done"),
        (facts_of(GOOD, [dataclasses.replace(HEALED, ended={})]), Kind.FALSE_DONE, "web2 failed"),
        (facts_of(NOTHING, [OTHER_WORK]), Kind.FALSE_DONE, "web2 failed"),
        (facts_of({**NOTHING, "id": 2}, [BEFORE, BROKEN_SINCE]), Kind.FALSE_DONE, "web2 failed"),
        (facts_of(GOOD, source=STOPPED), Kind.FALSE_DONE, "job 1 did not bring web3 to the end"),
        (facts_of({**CUT, "msg": "web3"}, [], STOPPED), Kind.FALSE_DONE, "web2 failed"),
        (facts_of({**NOTHING, "id": 1}, [], before=AGAIN), Kind.FALSE_DONE, "web2 failed"),
        (facts_of({**NOTHING, "id": 1}, [], before=DISABLED), Kind.FALSE_DONE, "web2 failed"),
        (facts_of(entry(), source=STOPPED, **OF_MANY), Kind.FALSE_DONE, "did not bring web3"),
        (facts_of(RETRIED, [AGAIN_FAILED], kind="job_retry"), Kind.FALSE_DONE, "said to have recovered"),
        (facts_of(GOOD, [HEALED], STOPPED, hosts="all"), Kind.FALSE_DONE, "done on all hosts, and web3"),
        (facts_of({**NOTHING, "remaining_hosts": ["web2"]}, [BEFORE]), Kind.FALSE_LEFT, "reached the end in job 2"),
        (facts_of({**CUT, "msg": "Cut short."}, source=STOPPED), Kind.SILENT, "without a name of web3"),
        (
            facts_of({**BAD, "remaining_hosts": None}, [AGAIN_FAILED]),
            Kind.SILENT,
            "web2, which failed in it, is not",
        ),
        (
            facts_of({**NOTHING, "id": 1, "msg": ""}, [], before=NO_WEB2),
            Kind.SILENT,
            "web2, which failed in it, is gone",
        ),
        (
            facts_of(GOOD, [BEFORE, NEXT]),
            Kind.NEEDLESS,
            "job 3 was launched on web2",
        ),
        (facts_of(GOOD, [LONG, NEXT]), Kind.NEEDLESS, "while job 2 did its work"),
        (
            facts_of(GOOD, [FIRST, SECOND, job(4, 101, 110, [], "web1 web2", limit="web1 web2")], TWO_FAILED),
            Kind.NEEDLESS,
            "ran again on web1, which were done",
        ),
        (
            # Whoever asks for what remains is not to run a finished host again, whatever another job would have done.
            facts_of(GOOD, [SECOND, job(4, 101, 110, [], "web1 web2", limit="web1 web2")], TWO_FAILED, **REMAINING),
            Kind.NEEDLESS,
            "ran again on web1, which were done",
        ),
        (
            facts_of(GOOD, [WHOLE_BEFORE, dataclasses.replace(WHOLE, id=3)], hosts="all"),
            Kind.NEEDLESS,
            "though job 2 had been successful",
        ),
        (
            facts_of(GOOD, [LEFT_OUT, dataclasses.replace(WHOLE, id=3)], hosts="all", before=DISABLED),
            Kind.NEEDLESS,
            "though job 2 had been successful",
        ),
        (facts_of(REFUSED, []), Kind.STUCK, "a relaunch would run on web2"),
        (facts_of(REFUSED, [], STOPPED, fallback_to_all=True, before=AGAIN), Kind.STUCK, "can be relaunched on all"),
        (facts_of(REFUSED, [], NEVER_BEGAN), Kind.STUCK, "though it never began"),
        (facts_of(BAD, [AGAIN_FAILED], **CALM), Kind.STUCK, "is not done after 1 tasks"),
        (facts_of(CUT, source=STOPPED, fallback_to_all=True, **CALM), Kind.STUCK, "is not done after 1 tasks"),
        (facts_of(LEFT, [LEFT_OUT], hosts="all", **OF_MANY, **CALM), Kind.STUCK, "is not done after 1 tasks"),
        (facts_of(None, said={"endless": True}), Kind.STUCK, "did not end"),
        (facts_of(None, said={"crash": "KeyError"}), Kind.CRASH, "KeyError"),
    ],
)
def test_what_is_wrong(facts: Facts, kind: Kind, why: str) -> None:
    findings = judge(facts)
    assert any(finding.kind is kind and why in finding.why for finding in findings), findings


LAUNCH: dict[str, t.Any] = {
    "failed": False,
    "verdict": "launch",
    "verdict_job_id": 1,
    "relaunch_on": "failed",
    "relaunch_hosts": ["web2"],
    "msg": "It would be.",
}
OTHERS: dict[str, t.Any] = {**LAUNCH, "relaunch_hosts": ["web1", "web2"]}
DONE: dict[str, t.Any] = {"failed": False, "verdict": "done", "verdict_job_id": 2, "msg": "It is."}
REFUSE: dict[str, t.Any] = {"failed": False, "verdict": "refuse", "msg": "It cannot be."}
ADOPT: dict[str, t.Any] = {"failed": False, "verdict": "adopt", "verdict_job_id": 2, "msg": "Job 2 is running."}
RUNNING: dict[str, t.Any] = {**ADOPT, "verdict": "await"}


def after(info: t.Mapping[str, t.Any] | None, *facts: t.Any, **more: t.Any) -> Facts:
    """A task right before which job_info had said this."""
    said = Said(99.2, 99.8, info, crash="" if info else "KeyError")
    return facts_of(*facts, **{"said": {"info": said}, **more})


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(after(LAUNCH, GOOD), id="launched as it was said"),
        pytest.param(after(LAUNCH, BAD, [AGAIN_FAILED]), id="launched, and failed"),
        pytest.param(after(DONE, NOTHING, [BEFORE]), id="done as it was said"),
        pytest.param(after(REFUSE, REFUSED, [], REMADE, before=AGAIN), id="refused as it was said"),
        pytest.param(after(RUNNING, NOTHING, [LONG]), id="waited"),
        pytest.param(after(ADOPT, NOTHING, [LONG]), id="adopted"),
        pytest.param(after(LAUNCH, NOTHING, [LONG]), id="a job has ended in between"),
    ],
)
def test_what_agrees_with_job_info(facts: Facts) -> None:
    assert [finding for finding in judge(facts) if finding.kind is Kind.INFO] == []


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (after(DONE, GOOD), "said done (It is.), and the task launched job 2"),
        (after(REFUSE, GOOD), "said refuse (It cannot be.), and the task launched job 2"),
        (after(DONE, REFUSED, []), "and the task failed: No. web2 is left."),
        (after(REFUSE, NOTHING, [BEFORE]), "and the task did not fail"),
        (after(LAUNCH, NOTHING, [BEFORE]), "and the task launched nothing"),
        (after(OTHERS, GOOD), "and the task launched job 2 on ['web2']"),
        (after(RUNNING, GOOD, [LONG, NEXT]), "launched job 3 before the end of job 2"),
        (after(None, GOOD), "job_info broke: KeyError"),
        (after({"failed": True, "msg": "No such job."}, GOOD), "job_info failed, and the task did not: No such job."),
    ],
)
def test_what_disagrees_with_job_info(facts: Facts, why: str) -> None:
    assert any(finding.kind is Kind.INFO and why in finding.why for finding in judge(facts)), judge(facts)


def of_many(info: dict[str, t.Any], told: dict[str, t.Any], *jobs: Job) -> Facts:
    """A task about jobs 1 and 2, which is newer; job_info had said this of job 2, and that job 1 is done."""
    said = {"infos": {1: Said(99.2, 99.8, DONE), 2: Said(99.2, 99.8, info)}}
    older = {**GOOD, "outcome": "superseded", "recovered": True}
    result = {"changed": bool(jobs), "failed": False, "msg": "", "jobs": [older, {**told, "source_job_id": 2}]}
    return facts_of(result, [NEWER, *jobs], said=said, kind=BULK)


NEWER = job(2, 80, 90, ["web2"], "web1 web3", launch_type="manual")
HEALED_NEWER = job(3, 101, 110, [], "web2", limit="web2")


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (of_many(LAUNCH, {**GOOD, "outcome": "relaunched", "recovered": True}, HEALED_NEWER), ""),
        (of_many(LAUNCH, {"outcome": "needs_person", "msg": "Three times. web2"}), ""),
        (of_many(REFUSE, {"outcome": "refused", "msg": "No. web2"}), ""),
        (of_many(OTHERS, {**GOOD, "outcome": "relaunched"}, HEALED_NEWER), "launched job 3 on ['web2']"),
        (of_many(LAUNCH, {"outcome": "refused", "msg": "No."}), "job 2 was refused: No."),
        (of_many(DONE, {**GOOD, "outcome": "relaunched"}, HEALED_NEWER), "job 2 was relaunched"),
        (of_many(REFUSE, {**GOOD, "outcome": "relaunched"}, HEALED_NEWER), "the task launched job 3"),
    ],
)
def test_of_many_each_does_as_job_info_had_said(facts: Facts, why: str) -> None:
    found = [finding.why for finding in judge(facts) if finding.kind is Kind.INFO]
    assert any(why in one for one in found) if why else found == []


def test_a_finding_is_told_once() -> None:
    facts = facts_of(NOTHING, [])
    twice = dataclasses.replace(facts, tasks=facts.tasks * 2)
    assert [finding.why.partition(":")[0] for finding in judge(twice)] == ["task 1"]


def test_to_run_all_hosts_again_in_doubt_is_a_false_alarm() -> None:
    """Job 2 failed, so that nobody knows that web2 and web3 reached the end in it; job 3 was launched to be sure."""
    doubtful = job(2, 70, 80, ["web1"], "web2 web3", creator="bob")
    first = job(3, 82, 92, [], "web1", limit="web1", creator="bob")
    facts = facts_of({**GOOD, "id": 4}, [doubtful, first, job(4, 101, 110, [], "web1 web2 web3")], STOPPED)
    assert judge(facts) == []
    assert false_alarms(facts) == 1
