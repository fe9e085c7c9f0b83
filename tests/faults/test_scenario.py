# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from faults.scenario import FIELDS, PLACES, Scenario, scenario_of
from sandbox import resources
from sandbox.faults import KINDS, Rule

MANY = [scenario_of(seed) for seed in range(1000)]


def test_a_seed_gives_the_same_scenario_again() -> None:
    assert [scenario_of(seed) for seed in range(1000)] == MANY
    assert len(set(map(repr, MANY))) == 1000


ROUNDS = [round_ for scenario in MANY for round_ in scenario.rounds]
MOVES = [move for round_ in ROUNDS for move in round_.moves]
RULES = [rule for round_ in ROUNDS for rule in round_.rules]


def test_every_kind_of_request_meets_faults_before_and_after_its_work() -> None:
    met = {(rule["path"], rule["when"]) for rule in RULES}
    assert met == {(path, when) for _method, path in PLACES.values() for when in ("before", "after")}


def test_every_kind_of_fault_falls_on_the_post() -> None:
    met = {rule["kind"] for rule in RULES if rule.get("method") == "POST" and "relaunch" in rule["path"]}
    assert met == {"status", "html", "truncate", "drop", "reset", "slow", "redirect", "empty", "garbage"}
    assert met < set(KINDS)


def test_nothing_is_carried_out_that_is_throttled() -> None:
    assert {rule["when"] for rule in RULES if rule.get("status") == 429} == {"before"}


def test_several_faults_meet_a_restart() -> None:
    assert any(len(round_.rules) == 3 and round_.restart is not None for round_ in ROUNDS)
    assert any(not round_.rules and round_.restart is None for round_ in ROUNDS)


def test_no_read_fails_more_often_than_it_is_tried_again() -> None:
    """A read meets the faults of its own kind and those of any; the client tries eight times more."""

    def times(rule: Rule) -> int:
        return rule["times"] or 0

    for round_ in ROUNDS:
        assert sum(sorted(map(times, round_.rules))[-2:]) <= 6


def test_the_world_moves_in_every_way_before_the_task_and_meanwhile() -> None:
    ways = {"edit", "disable", "enable", "rename", "delete", "relaunch all", "relaunch failed", "other work", "expire"}
    assert {move.what for move in MOVES if move.at is None} == ways
    assert {move.what for move in MOVES if move.at is not None} == {*ways, "cancel"}
    assert {move.field for move in MOVES if move.what == "edit"} == set(FIELDS)
    assert set(resources.PROMPTS) - set(FIELDS) == {"inventory"}


def test_proxies_stand_between_and_lose_answers() -> None:
    proxies = {(scenario.proxy.kind, scenario.proxy.loss) for scenario in MANY if scenario.proxy}
    assert {("forward", loss) for loss in (None, "close", "reset", "cut")} < proxies
    assert {("connect", loss) for loss in (None, "close", "reset", "refuse")} < proxies


def test_two_callers_run_the_task_in_the_same_instant() -> None:
    assert sum(round_.twin == 0.0 for round_ in ROUNDS) > 50


def test_a_source_that_runs_is_waited_for() -> None:
    assert all(scenario.wait for scenario in MANY if scenario.source == "running")


def test_every_property_varies() -> None:
    for name in Scenario.__dataclass_fields__:
        assert len({repr(getattr(scenario, name)) for scenario in MANY}) > 1, name
    assert 20 <= sum(scenario.playbook for scenario in MANY) <= 80
