# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real playbooks: a short campaign, and wrong ways to relaunch that it finds."""

from __future__ import annotations

import typing as t

import pytest

from faults import truth_tasks
from faults.truth_campaign import play
from faults.truth_judge import Kind
from faults.truth_naive import Naive
from faults.truth_shapes import Book, Play, Step
from faults.truth_worlds import Fault, Task, World
from sandbox.process import Sandbox


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
    rounds=((), ()),
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
    monkeypatch.setattr(truth_tasks, "BOUND", 1.0)
    made = sandbox.add_template("Never", "- hosts: all\n  tasks: []\n", hosts={"web1": {}})
    job = sandbox.make_job(template=made["id"], status="running", stats=False)
    access = {"controller_host": sandbox.url, "controller_oauthtoken": sandbox.token()}
    said = truth_tasks.run("job_relaunch", {"job_id": job, "hosts": "failed", "wait": True, **access})
    assert said.endless
    assert said.result is None
