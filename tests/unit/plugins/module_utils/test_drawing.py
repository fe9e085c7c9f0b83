# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees of what remains of a workflow."""

from __future__ import annotations

import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils._workflow.drawing import LABEL_LIMIT, drawing
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.remaining_nodes import (
    Node,
    Remainder,
    remaining,
)


def node(node_id: int, identifier: str, status: str | None = None, **links: t.Any) -> Node:
    job = {"id": node_id + 1000, "status": status, "type": "job"}
    return Node.of(
        {
            "id": node_id,
            "identifier": identifier,
            "do_not_run": status is None,
            "job": node_id + 1000 if status else None,
            "unified_job_template": 7,
            "summary_fields": {"job": job} if status else {},
            **links,
        }
    )


def drawn(*nodes: Node, hosts: dict[int, list[str]] | None = None) -> list[str]:
    remains = remaining(nodes, "failed")
    assert isinstance(remains, Remainder)
    return drawing(remains, hosts)


def test_a_chain_goes_down() -> None:
    lines = drawn(
        node(1, "build", "successful", success_nodes=[2]),
        node(2, "deploy", "failed", success_nodes=[3]),
        node(3, "test", always_nodes=[4]),
        node(4, "tidy up"),
        hosts={2: ["host2", "host4"]},
    )
    assert lines == [
        "deploy  failed, on host2, host4",
        "↓ on success",
        "test  not run",
        "↓ always",
        "tidy up  not run",
    ]


def test_a_node_stands_below_the_last_of_its_parents_and_the_others_point_to_it() -> None:
    lines = drawn(
        node(1, "B", "failed", success_nodes=[3], failure_nodes=[6]),
        node(2, "C", "canceled", success_nodes=[3]),
        node(3, "D", success_nodes=[4], failure_nodes=[5], all_parents_must_converge=True),
        node(4, "E", success_nodes=[7]),
        node(5, "F", success_nodes=[7]),
        node(6, "H", "error", always_nodes=[8]),
        node(7, "Y"),
        node(8, "Z"),
    )
    assert lines == [
        "B  failed",
        "├─ on failure",
        "│  H  error",
        "│  ↓ always",
        "│  Z  not run",
        "└─ on success → D",
        "C  canceled",
        "↓ on success",
        "D  not run, needs all of B, C",
        "├─ on success",
        "│  E  not run",
        "│  ↓ on success → Y",
        "└─ on failure",
        "   F  not run",
        "   ↓ on success",
        "   Y  not run, needs one of E, F",
    ]


def test_a_node_that_runs_anyway_only_waits() -> None:
    lines = drawn(
        node(1, "A", "successful", success_nodes=[4]),
        node(2, "R", "failed", success_nodes=[3]),
        node(3, "P", success_nodes=[4]),
        node(4, "X"),
    )
    assert lines == [
        "R  failed",
        "├─ on success",
        "│  P  not run",
        "│  ↓ always",
        "│  X  not run, after R, P",
        "└─ always → X",
    ]


def test_many_hosts_are_counted() -> None:
    (line,) = drawn(node(1, "A", "failed"), hosts={1: [f"web{number}" for number in range(1, 41)]})
    assert line == "A  failed, on web1, web2, web3, web4, web5 and 35 more"


def test_labels_that_are_long_or_alike_or_no_line_of_text() -> None:
    lines = drawn(
        node(1, "a" * LABEL_LIMIT, "failed"),
        node(2, "a" * LABEL_LIMIT + "b", "failed"),
        node(3, "a" * LABEL_LIMIT + "c", "failed"),
        node(4, "two\n lines\x1b[1m", "failed"),
    )
    cut = "a" * (LABEL_LIMIT - 1) + "…"
    assert lines == [
        "a" * LABEL_LIMIT + "  failed",
        f"{cut} (node 2)  failed",
        f"{cut} (node 3)  failed",
        "two lines [1m  failed",
    ]


def test_a_long_chain_stays_within_the_screen() -> None:
    chain = [node(number, f"step {number}", success_nodes=[number + 1]) for number in range(2, 1200)]
    lines = drawn(node(1, "step 1", "failed", success_nodes=[2]), *chain, node(1200, "step 1200"))
    assert len(lines) == 2 * 1200 - 1
    assert max(map(len, lines)) < 40
