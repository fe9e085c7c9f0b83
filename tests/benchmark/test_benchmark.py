# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's figures, and a round of it. What it costs is asserted in requests, never in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark import cases, contenders, report
from benchmark.cases import Measured
from benchmark.figures import Spread, ratios, spread

COLLECTIONS = str(Path(__file__).resolve().parents[5])
OURS = (contenders.IN_PROCESS, contenders.MODULE)


def test_a_spread_is_a_median_with_its_ends() -> None:
    assert spread([5, 1, 2]) == Spread(2, 1, 5)


def test_ratios_are_taken_round_by_round() -> None:
    # The last round was slow for both.
    assert ratios([1, 1, 10], [3, 2, 20]) == Spread(2, 2, 3)


def test_a_table_tells_times_ratios_and_costs() -> None:
    rounds = {
        contenders.IN_PROCESS.name: [Measured(1.0, 3, 1), Measured(2.0, 3, 1)],
        contenders.URI.name: [Measured(4.0, 50, 50), Measured(8.0, 50, 50)],
    }

    lines = report.table(cases.LOOP, {cases.Condition(tls=True, answer=0.05): rounds}).splitlines()

    assert lines[-2] == "| TLS, 50 ms | job_relaunch, in process | 1.50 s (1.00–2.00) |  |  | 3 | 1 |"
    assert lines[-1] == "| TLS, 50 ms | ansible.builtin.uri | 6.00 s (4.00–8.00) | 4.00 (4.00–4.00) |  | 50 | 50 |"


def test_a_relaunch_costs_four_requests_and_one_connection() -> None:
    jobs = 2
    case = replace(cases.ONE, jobs=jobs)

    measured = cases.measure(case, cases.Condition(tls=True, answer=0.0), OURS, COLLECTIONS, 1, lambda line: None)

    for contender in OURS:
        (run,) = measured[contender.name]
        assert run.requests == 4 * jobs
        # Each item of a loop is a run of the module.
        assert run.connections == jobs


def test_a_wait_costs_one_connection() -> None:
    case = replace(cases.SHORT, lasts=1.0)

    measured = cases.measure(case, cases.Condition(tls=True, answer=0.0), OURS, COLLECTIONS, 1, lambda line: None)

    for contender in OURS:
        (run,) = measured[contender.name]
        assert run.requests > 4
        assert run.connections == 1
        assert run.seconds > 0


def test_many_jobs_in_one_task_take_few_connections_and_less_than_a_loop() -> None:
    case = replace(cases.MANY_JOBS, jobs=4)
    together, looped = contenders.MANY[:2]

    measured = cases.measure(
        case, cases.Condition(tls=True, answer=0.0), (together, looped), COLLECTIONS, 1, lambda line: None
    )

    (ours,), (others,) = measured[together.name], measured[looped.name]
    # What verdicts need is read side by side, six requests at a time.
    assert ours.connections <= 6 and others.connections == 4
    assert ours.requests < others.requests
