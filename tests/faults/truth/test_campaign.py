# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real playbooks: a short campaign, and wrong ways to relaunch that it finds."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from faults.truth import tasks
from faults.truth.campaign import Report, play, run
from faults.truth.judge import Finding, Kind
from faults.truth.naive import Naive
from faults.truth.shapes import Book, Play, Step
from faults.truth.worlds import Fault, Task, World
from sandbox.process import Sandbox

# A short campaign. In these worlds, among others, a launch by hand has failed since, another one does the work, a
# ``run_once`` task stops other hosts, and a host is deleted and added again.
SEEDS = (8, 22, 24, 27, 31, 34)


@pytest.fixture(scope="module")
def campaign() -> Report:
    return run(SEEDS, workers=3)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_said_is_true(campaign: Report, seed: int) -> None:
    assert not campaign.broken, campaign.broken
    (played,) = [played for played in campaign.worlds if played.world.seed == seed]
    assert not played.findings, played.text()
    assert len(played.facts.jobs) > 2


def test_the_report_counts_and_tells_how_to_play_a_world_again(campaign: Report) -> None:
    wrong = dataclasses.replace(campaign.worlds[0], findings=(Finding(Kind.SILENT, "web2 is not named"),))
    assert not Report([dataclasses.replace(wrong, findings=())]).wrong
    report = Report([wrong])
    assert report.wrong
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report.text().splitlines()[:5]]
    (row,) = [row for row in rows if row[0] == wrong.world.task.kind]
    table = dict(zip(rows[0], row, strict=True))
    assert (table["worlds"], table["silent"], table["false done"]) == ("1", "1", "0")
    assert f"make faults ARGS='--only-truth {wrong.world.seed}'" in report.text()
    assert "silent: web2 is not named" in report.text()
    assert Report(broken=["it broke"]).wrong


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), event_lag=0.0) as started:
        yield started


STEPS = tuple(Step(name, name) for name in ("Ping", "Prepare", "Deploy"))
# The first job fails on two hosts, which stops the third; in the second one of them fails again and stops the other.
FATAL = World(
    seed=0,
    hosts=("web1", "web2", "web3"),
    book=Book((Play("Roll out", "all", STEPS, any_errors_fatal=True),), {"web": (), "db": ()}),
    launches=1,
    attempts=(
        frozenset({Fault("Prepare", "web2"), Fault("Prepare", "web3")}),
        frozenset({Fault("Prepare", "web2")}),
    ),
    source="ended",
    asks_limit=False,
    simultaneous=True,
    task=Task("job_relaunch"),
    rounds=((),),
    enables=False,
    player="admin",
)


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        (Naive(), Kind.FALSE_DONE),
        (Naive(looks=False), Kind.NEEDLESS),
        (Naive(gives_up=True), Kind.STUCK),
        (Naive(names=False), Kind.SILENT),
        (Naive(breaks=True), Kind.CRASH),
    ],
)
def test_wrong_ways_are_found(sandbox: Sandbox, way: Naive, kind: Kind) -> None:
    played = play(sandbox, FATAL, way)
    assert kind in {finding.kind for finding in played.findings}, played.text()


def test_a_task_without_end_is_ended(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "BOUND", 1.0)
    made = sandbox.add_template("Never", "- hosts: all\n  tasks: []\n", hosts={"web1": {}})
    job = sandbox.make_job(template=made["id"], status="running", stats=False)
    access = {"controller_host": sandbox.url, "controller_oauthtoken": sandbox.token()}
    said = tasks.run("job_relaunch", {"job_id": job, "hosts": "failed", "wait": True, **access})
    assert said.endless
    assert said.result is None
