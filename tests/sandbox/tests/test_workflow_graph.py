# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of a workflow job run, for graphs and outcomes of jobs that are written down here."""

from __future__ import annotations

import dataclasses

import pytest

from sandbox.workflow_graph import Graph, Kind, Link, Node, closes_a_circle

_KINDS: dict[str, Kind] = {">": "success", "!": "failure", "*": "always"}
_STATUSES = {"+": "successful", "-": "failed", "c": "canceled", "e": "error"}


def _run(links: str, jobs: str, ignore_errors: bool) -> tuple[str, str]:
    """What each node came to (`.`: it never runs, `~`: it is open for ever), and the workflow job with them.

    `links` are such as `A>B`; `jobs` such as `A+`, with `?` for a node whose template is gone, and `D:+` for one whose
    parents must all converge.
    """
    outcomes = {job[0]: job[-1] for job in jobs.split()}
    nodes = {
        ord(job[0]): Node(ord(job[0]), has_template=job[-1] != "?", all_parents_must_converge=":" in job)
        for job in jobs.split()
    }
    all_links = [Link(ord(one[0]), ord(one[2]), _KINDS[one[1]]) for one in links.split()]
    for _round in range(2 * len(nodes)):
        graph = Graph(nodes.values(), all_links, convergence_ignores_errors=ignore_errors)
        for node in graph.never_to_run():
            nodes[node.id] = dataclasses.replace(nodes[node.id], do_not_run=True)
        for node in graph.to_run():
            nodes[node.id] = dataclasses.replace(nodes[node.id], status=_STATUSES[outcomes[chr(node.id)]])
    graph = Graph(nodes.values(), all_links, convergence_ignores_errors=ignore_errors)
    signs = {status: sign for sign, status in _STATUSES.items()}
    came_to = [
        f"{chr(node.id)}{signs[node.status] if node.status else '.' if node.do_not_run else '~'}"
        for node in nodes.values()
    ]
    return " ".join(came_to), ("failed" if graph.has_failed() else "successful") if graph.is_done() else "running"


@pytest.mark.parametrize(
    ("links", "jobs", "came_to", "status"),
    [
        ("", "", "", "successful"),
        ("A>B B>C", "A+ B+ C+", "A+ B+ C+", "successful"),
        ("A>B B>C", "A+ B- C+", "A+ B- C.", "failed"),
        # A handler makes it successful, although what follows success never ran.
        ("A>B A!H", "A- B+ H+", "A- B. H+", "successful"),
        ("A>B A!H", "A- B+ H-", "A- B. H-", "failed"),
        ("A>B A*E E>F", "A- B+ E+ F+", "A- B. E+ F+", "successful"),
        ("A>B A!H", "Ac B+ H+", "Ac B. H+", "successful"),
        # Of several parents one is enough, and all must be over.
        ("A>C B>C", "A+ B- C+", "A+ B- C+", "failed"),
        ("A>B A>C B>D C>D", "A+ B- C+ D+", "A+ B- C+ D+", "failed"),
        ("A>B B>C A>C", "A- B+ C+", "A- B. C.", "failed"),
        # Unless they must converge.
        ("A>B A>C B>D C>D", "A+ B+ C+ D:+", "A+ B+ C+ D:+", "successful"),
        ("A>B A>C B>D C>D D>E", "A+ B- C+ D:+ E+", "A+ B- C+ D:. E.", "failed"),
        ("A>B A!H B>D H>D", "A+ B+ H+ D:+", "A+ B+ H. D:.", "successful"),
        ("A*C B!C", "A- B- C:+", "A- B- C:+", "successful"),
        # A node without a template counts as failed.
        ("A>B B>C", "A+ B? C+", "A+ B~ C.", "failed"),
        ("A>B B!H", "A+ B? H+", "A+ B~ H+", "successful"),
        ("A>B B!H", "A- B? H+", "A- B. H.", "failed"),
        # Errors, as AWX has them: to a node that converges they mean nothing.
        ("A>X B>X", "A+ Be X:+", "A+ Be X:+", "failed"),
        ("A>X", "Ae X:+", "Ae X:~", "running"),
        ("A>X A!H", "Ac X:+ H+", "Ac X:~ H+", "running"),
        ("A>X", "Ae X+", "Ae X.", "failed"),
    ],
)
def test_runs(links: str, jobs: str, came_to: str, status: str) -> None:
    assert _run(links, jobs, ignore_errors=True) == (came_to.replace(":", ""), status)


@pytest.mark.parametrize(
    ("links", "jobs", "came_to", "status"),
    [
        ("A>X B>X", "A+ Be X:+", "A+ Be X.", "failed"),
        ("A>X", "Ae X:+", "Ae X.", "failed"),
        ("A!X", "Ae X:+", "Ae X+", "successful"),
    ],
)
def test_runs_where_errors_count(links: str, jobs: str, came_to: str, status: str) -> None:
    assert _run(links, jobs, ignore_errors=False) == (came_to, status)


def test_circles() -> None:
    links = [Link(1, 2, "success"), Link(2, 3, "always")]
    assert closes_a_circle(Link(3, 1, "failure"), links)
    assert closes_a_circle(Link(1, 1, "success"), links)
    assert not closes_a_circle(Link(1, 3, "success"), links)
