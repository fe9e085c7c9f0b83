# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t
from pathlib import Path

import pytest

from faults.campaign import Outcome, Report, run
from faults.contests import hold
from faults.front_doors import FrontDoors
from faults.judge import Kind, Verdict, judge
from faults.scenario import Restart, Round, scenario_of
from faults.stage import Sandboxes, Stage

SCENARIOS = 20
MANY = 7
OUTAGE = 20.0


@pytest.fixture(scope="module", autouse=True)
def short_campaign() -> t.Iterator[concurrent.futures.Future[Report]]:
    """A short campaign, under way while the outage lasts: both are spent with waiting."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(run, range(1, 1 + SCENARIOS), many=range(1, 1 + MANY), workers=4)


def test_a_wait_outlives_an_outage(tmp_path: Path) -> None:
    """The job ends while nobody is at the port."""
    scenario = dataclasses.replace(
        scenario_of(1),
        hosts="failed",
        wait=True,
        source="ended",
        history=False,
        names=("web1", "web2", "web3"),
        failed=("web2", "web3"),
        endings=("failed",),
        seconds=3.0,
        proxy=None,
        rounds=(Round(restart=Restart("post", 2.0, OUTAGE)),),
    )
    with Sandboxes(tmp_path / "sandboxes") as sandboxes, FrontDoors(tmp_path / "doors") as doors:
        facts = Stage(sandboxes, doors).play(scenario, "module")
    (only,), (job,) = facts.runs, facts.records.jobs
    assert judge(facts) == []
    assert only.result is not None
    assert only.ended - only.started > OUTAGE
    assert job.finished is not None and only.ended - job.finished > OUTAGE / 2
    assert (only.result["id"], only.result["status"]) == (job.id, "failed")
    assert only.result["failed_hosts"] == ["web2", "web3"]


def test_a_short_campaign(short_campaign: concurrent.futures.Future[Report]) -> None:
    report = short_campaign.result(timeout=600)
    assert not report.wrong, report.text()
    assert len(report.outcomes) == SCENARIOS + MANY
    assert sum(one.faults for one in report.outcomes) > SCENARIOS


@pytest.mark.parametrize("callers", [2, 4])
def test_of_callers_in_the_same_instant_one_launches(tmp_path: Path, callers: int) -> None:
    for _callers, contest in hold(2, tmp_path, [callers]):
        assert contest.wrong == ""
        assert len(contest.runs) == callers


def test_the_report_counts_and_tells_how_to_play_a_scenario_again() -> None:
    double = Verdict(Kind.DOUBLE, "job 3 was launched after job 2, by the same run")
    outcomes = [Outcome(1, "module", (), 2), Outcome(1, "uri", (double, double), 3, 2), Outcome(2, "module", ())]
    report = Report(list(outcomes))
    assert not report.wrong
    header, _rule, module, uri = report.text().splitlines()[:4]
    assert header.split("|")[2:6] == [" scenarios ", " faults met ", " task runs ", " double launches "]
    assert [cell.strip() for cell in module.split("|")[1:6]] == ["job_relaunch, module", "2", "2", "2", "0"]
    assert [cell.strip() for cell in uri.split("|")[2:6]] == ["1", "3", "2", "1"]

    report.outcomes.append(Outcome(7, "playbook", (double,)))
    assert report.wrong
    assert "make faults ARGS='--only 7'\n  double launches: job 3 was launched" in report.text()


def test_a_scenario_that_cannot_be_played_is_wrong() -> None:
    assert Report(broken=["it broke"]).wrong
