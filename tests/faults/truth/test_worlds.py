# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
import yaml

from faults.truth.facts import BULK, KINDS
from faults.truth.playbook import content as playbook
from faults.truth.shapes import LOCALHOST, MADE, OUTSIDE, Block, Book, Flush, Included, Play, Step
from faults.truth.worlds import MOMENTS, world_of

WORLDS = [world_of(seed) for seed in range(500)]
PLAYS = [play for world in WORLDS for play in world.book.plays]
PARTS = [part for play in PLAYS for part in play.parts]
MOVES = [move for world in WORLDS for moves in world.rounds for move in moves]


def test_a_seed_gives_the_same_world_again() -> None:
    assert [world_of(seed) for seed in range(500)] == WORLDS
    assert len(set(map(repr, WORLDS))) == 500


def test_playbooks_have_every_shape() -> None:
    for keyword in ("any_errors_fatal", "free", "serial", "handlers", "post"):
        assert 20 < sum(bool(getattr(play, keyword)) for play in PLAYS) < len(PLAYS) - 20, keyword
    assert {play.max_fail_percentage for play in PLAYS} == {None, 0, 20, 34, 50}
    assert {type(serial) for play in PLAYS for serial in play.serial} == {int, str}
    assert {type(part) for part in PARTS} == {Step, Block, Included, Flush}
    assert {tuple(play.hosts for play in world.book.plays) for world in WORLDS} > {
        ("all",),
        ("all", "all"),
        ("web", "db"),
        ("web",),
        ("all", LOCALHOST),
        ("all", MADE),
    }
    steps = [step for play in PLAYS for step in play.steps]
    for keyword in ("once", "only", "ignored", "notifies"):
        assert sum(bool(getattr(step, keyword)) for step in steps) > 20, keyword


def test_every_step_has_a_key_of_its_own() -> None:
    for world in WORLDS:
        keys = [step.key for step in world.book.steps]
        assert len(set(keys)) == len(keys)


def test_playbooks_are_yaml_on_many_lines_or_json_on_one() -> None:
    for world in WORLDS[:40]:
        content = playbook(world.book, "here")
        assert yaml.safe_load(content) == json.loads(json.dumps(yaml.safe_load(content)))
        assert (content.count("\n") == 1) is world.book.as_json


def test_what_fails_is_there() -> None:
    for world in WORLDS:
        keys = {"", *(step.key for step in world.book.steps)}
        assert {fault.step for faults in world.attempts for fault in faults} <= keys
        assert all(world.attempts[1 : world.launches]) or world.launches == 1


def test_failures_come_in_every_attempt() -> None:
    later = [bool(faults) for world in WORLDS for faults in world.attempts[world.launches :]]
    assert 0.4 < sum(later) / len(later) < 0.95


def test_tasks_and_moves_vary() -> None:
    tasks = [world.task for world in WORLDS]
    assert {task.kind for task in tasks} == set(KINDS)
    assert {(task.kind, task.hosts, task.fallback_to_all) for task in tasks} >= {
        (kind, hosts, fallback)
        for kind in ("job_relaunch", BULK)
        for hosts in ("all", "failed", "remaining")
        for fallback in (True, False)
    }
    assert ("job_retry", "remaining") in {(task.kind, task.hosts) for task in tasks}
    assert all(world.asks_limit for world in WORLDS if world.task.hosts == "remaining")
    assert {move.at for move in MOVES} == {None, *MOMENTS}
    assert len({move.what for move in MOVES}) == 13
    assert {world.source for world in WORLDS} == {"ended", "canceled", "never began"}
    for name in ("simultaneous", "asks_limit", "enables"):
        assert {getattr(world, name) for world in WORLDS} == {True, False}
    assert {world.player for world in WORLDS} == {"admin", "alice"}


WEB = {"web": ("web1", "web2"), "db": ("db1",)}
A, B, C, D = (Step(name, name) for name in "ABCD")
RESTART = Step("Restart", "Restart")


def book(*plays: Play) -> Book:
    return Book(plays, WEB)


@pytest.mark.parametrize(
    ("parts", "options", "passed", "ended"),
    [
        ((A, B), {}, "A B", True),
        ((A, B), {}, "A", False),
        ((A, Step("B", "B", once=True)), {}, "A", True),
        ((A, Step("B", "B", ignored=True)), {}, "A", True),
        ((A, Step("B", "B", only=("web2",))), {}, "A", True),
        ((A, Step("B", "B", only=("web1",))), {}, "A", False),
        ((A, Included("more.yml", (B,))), {}, "A", False),
        ((A, Included("more.yml", (B,), only=("web2",))), {}, "A", True),
        ((Block((A,), rescue=(B,), always=(C,)),), {}, "A C", True),
        ((Block((A,), rescue=(B,), always=(C,)),), {}, "B C", True),
        ((Block((A,), rescue=(B,), always=(C,)),), {}, "A B", False),
        ((Block((A,), always=(C,)),), {}, "C", False),
        ((Step("A", "A", notifies="Restart"),), {"handlers": (RESTART,)}, "A", False),
        ((Step("A", "A", notifies="Restart"),), {"handlers": (RESTART,)}, "A Restart", True),
        ((A,), {"handlers": (RESTART,)}, "A", True),
        ((A,), {"post": (B,)}, "A", False),
    ],
)
def test_who_reached_the_end(parts: t.Any, options: dict[str, t.Any], passed: str, ended: bool) -> None:
    assert book(Play("Play", "all", parts, **options)).reached_end("web1", passed.split()) is ended


def test_each_play_counts_for_its_own_hosts() -> None:
    both = book(Play("1", "web", (A,)), Play("2", "db", (B,)), Play("3", LOCALHOST, (C,)), Play("4", MADE, (D,)))
    found = {(host, key) for host in ("web1", "db1", *OUTSIDE) for key in "ABCD" if both.reached_end(host, key)}
    assert found == {("web1", "A"), ("db1", "B"), (LOCALHOST, "C"), (MADE, "D")}
    only_web = book(Play("1", "web", (A,)))
    assert not only_web.targeted("db1")
    assert not only_web.reached_end("db1", "A")
