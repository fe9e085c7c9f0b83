# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees of what remains of a workflow."""

from __future__ import annotations

import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils._workflow.drawing import (
    LABEL_LIMIT,
    WIDTH,
    drawing,
    fitted_drawing,
)
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
    return list(drawing(remains, hosts or {}))


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


def test_a_node_is_below_its_last_parent_others_point_to_it() -> None:
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


def test_each_of_forty_nodes_has_a_line_that_fits_a_terminal() -> None:
    # Six regions, each with a chain of five steps and a check of its own; all need to be done before the end.
    nodes = []
    for region in range(6):
        first = 10 * region + 1
        for number, step in enumerate(("drain", "stop", "update", "start")):
            label = f"{step} in region {region} of the customer's network"
            below = [first + number + 1] if number < 3 else [first + 4, first + 5]
            nodes.append(node(first + number, label, None if number else "failed", success_nodes=below))
        nodes += [node(first + 4, f"check {region}", success_nodes=[100]), node(first + 5, f"note {region}")]
    nodes += [node(100, "release", all_parents_must_converge=True, success_nodes=[101, 102], failure_nodes=[103])]
    nodes += [node(101, "announce"), node(102, "tidy up"), node(103, "call somebody")]
    remains = remaining(nodes, "failed")
    assert isinstance(remains, Remainder)

    lines = fitted_drawing(remains, {10 * region + 1: [f"host{number}" for number in range(30)] for region in range(6)})

    assert len(nodes) == 40 and len(lines) == 41
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].startswith("40 nodes run, first drain in region 0 of the customer's network, ")
    drain, stop = "drain in region 0 of the customer's network", "stop in region 0 of the customer's network"
    assert lines[1].startswith(f"{drain}  failed, on host0, host1")
    assert lines[2] == f"↓ on success: {stop}  not run"
    assert sum("release  not run, needs all of check 0" in line for line in lines) == 1
    assert lines[-1].endswith("tidy up  not run") or lines[-1].endswith("note 5  not run")


def test_lines_of_a_few_nodes_are_cut_at_the_terminals_edge() -> None:
    remains = remaining([node(1, "A", "failed")], "failed")
    assert isinstance(remains, Remainder)
    hosts = {1: [f"{'web' * 8}{number}" for number in range(5)]}
    (line,) = fitted_drawing(remains, hosts)
    assert len(line) == WIDTH and line.endswith("…")


def test_a_node_that_ran_too_early_is_told_as_such() -> None:
    lines = drawn(
        node(1, "A", "error", success_nodes=[2]),
        node(2, "X", "successful", all_parents_must_converge=True),
    )
    assert lines == ["A  error", "↓ on success", "X  ran too early"]
