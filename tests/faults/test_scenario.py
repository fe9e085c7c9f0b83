# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from faults.scenario import PLACES, Scenario, scenario_of
from sandbox.faults import KINDS, Rule

MANY = [scenario_of(seed) for seed in range(1000)]


def test_a_seed_gives_the_same_scenario_again() -> None:
    assert [scenario_of(seed) for seed in range(1000)] == MANY
    assert len(set(map(repr, MANY))) == 1000


def test_every_kind_of_request_meets_faults_before_and_after_its_work() -> None:
    met = {(rule["path"], rule["when"]) for scenario in MANY for rule in scenario.rules}
    assert met == {(path, when) for _method, path in PLACES.values() for when in ("before", "after")}


def test_every_kind_of_fault_falls_on_the_post() -> None:
    met = {rule["kind"] for scenario in MANY for rule in scenario.rules if rule.get("method") == "POST"}
    assert met == {"status", "html", "truncate", "drop", "reset", "slow", "redirect", "empty", "garbage"}
    assert met < set(KINDS)


def test_several_faults_meet_a_restart() -> None:
    assert any(len(scenario.rules) == 3 and scenario.restart is not None for scenario in MANY)
    assert any(not scenario.rules and scenario.restart is None for scenario in MANY)


def test_no_read_fails_more_often_than_it_is_tried_again() -> None:
    """A read meets the faults of its own kind and those of any; the client tries eight times more."""

    def times(rule: Rule) -> int:
        return rule["times"] or 0

    for scenario in MANY:
        assert sum(sorted(map(times, scenario.rules))[-2:]) <= 6


def test_a_source_that_runs_is_waited_for() -> None:
    assert all(scenario.wait for scenario in MANY if scenario.source == "running")


def test_every_property_varies() -> None:
    for name in Scenario.__dataclass_fields__:
        assert len({repr(getattr(scenario, name)) for scenario in MANY}) > 1, name
    assert 60 <= sum(scenario.playbook for scenario in MANY) <= 140
