# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What remains of a workflow, drawn as lines of text. Private to this collection."""

from __future__ import annotations

import typing as t
from collections import Counter

from .._api.errors import bounded
from .._api.jobs import join
from .remaining_nodes import ALWAYS, FAILURE, SUCCESS, Link, Remainder

LABEL_LIMIT = 60
NAMES_SHOWN = 5
# Columns of a terminal.
WIDTH = 80
# A drawing of more nodes has a line for each of them, and says first what runs.
FEW = 12

_WORDS = {SUCCESS: "on success", FAILURE: "on failure", ALWAYS: "always"}

_LimitedTo = t.Mapping[int, t.Sequence[str]]


def fitted_drawing(remainder: Remainder, hosts: _LimitedTo) -> list[str]:
    """A drawing that fits a terminal: of many nodes with one line for each, below one that says what runs first.

    :param hosts: the names of the hosts that a node is limited to, by its id.
    """
    lines = drawing if len(remainder.kept) <= FEW else _one_line_each
    return [bounded(line, WIDTH) for line in lines(remainder, hosts)]


def drawing(remainder: Remainder, hosts: _LimitedTo) -> t.Iterator[str]:
    """Each node once, with what became of it, its links going down; only where there are several they go to the right.

    A node with several parents stands below the last of them, and the others point to its name::

        B  failed, on host2, host4
        ↓ on success → D
        C  canceled
        ↓ on success
        D  not run, needs all of B, C
        ├─ on success
        │  E  not run
        └─ on failure
           F  not run

    :param hosts: as of ``fitted_drawing``.
    """
    graph = _Drawn(remainder, hosts)
    # What is still to be drawn, the next one last: the line above a node, what stands left of the node, and the node;
    # no node where the line points to it.
    todo: list[tuple[str, str, t.Optional[int]]] = [("", "", node_id) for node_id in reversed(graph.first)]
    while todo:
        above, left, node_id = todo.pop()
        if above:
            yield above
        if node_id is None:
            continue
        yield left + graph.line(node_id)
        links = graph.children[node_id]
        for link in reversed(links):
            here = graph.parents[link.child][-1] is link
            stem, rest = _stem(link, links)
            above = left + stem + _WORDS[link.kind] + ("" if here else f" → {graph.labels[link.child]}")
            todo.append((above, left + rest, link.child if here else None))


class _Drawn:
    """What is drawn: the nodes by their ids, their labels, and their links from above and down, in order."""

    def __init__(self, remainder: Remainder, hosts: _LimitedTo) -> None:
        self.hosts = hosts
        self.labels = _labels(remainder)
        self.kept = {one.node.id: one for one in remainder.kept}
        self.parents: dict[int, list[Link]] = {node_id: [] for node_id in self.kept}
        self.children: dict[int, list[Link]] = {node_id: [] for node_id in self.kept}
        rank = {node_id: index for index, node_id in enumerate(self.kept)}
        for link in sorted(remainder.links, key=lambda link: (rank[link.parent], rank[link.child])):
            self.parents[link.child].append(link)
            self.children[link.parent].append(link)
        #: The nodes that no link leads to.
        self.first = [node_id for node_id in self.kept if not self.parents[node_id]]

    def line(self, node_id: int) -> str:
        """A node, with what became of it, its hosts, and what it needs."""
        kept, parents, hosts = self.kept[node_id], self.parents[node_id], self.hosts.get(node_id, ())
        became = "ran too early" if kept.node.early else kept.node.status or "not run"
        parts = [f"{self.labels[node_id]}  {became}"]
        if hosts:
            parts.append(f"on {join(hosts, NAMES_SHOWN)}")
        if len(parents) > 1:
            anyway = all(link.kind == ALWAYS for link in parents)
            word = "after" if anyway else "needs all of" if kept.converges else "needs one of"
            parts.append(f"{word} {join([self.labels[link.parent] for link in parents], NAMES_SHOWN)}")
        return ", ".join(parts)


def _one_line_each(remainder: Remainder, hosts: _LimitedTo) -> t.Iterator[str]:
    """What runs first, and each node on a line of its own below its last parent, whose link stands before it."""
    graph = _Drawn(remainder, hosts)
    names = join([graph.labels[node_id] for node_id in graph.first], NAMES_SHOWN)
    yield f"{len(graph.kept)} nodes run, first {names}:"
    todo = [("", "", node_id) for node_id in reversed(graph.first)]
    while todo:
        before, left, node_id = todo.pop()
        yield before + graph.line(node_id)
        links = [link for link in graph.children[node_id] if graph.parents[link.child][-1] is link]
        for link in reversed(links):
            stem, rest = _stem(link, links)
            todo.append((f"{left}{stem}{_WORDS[link.kind]}: ", left + rest, link.child))


def _stem(link: Link, links: t.Sequence[Link]) -> tuple[str, str]:
    """What stands before a link of several, and before all that is below it."""
    return ("↓ ", "") if len(links) == 1 else ("└─ ", "   ") if link is links[-1] else ("├─ ", "│  ")


def _labels(remainder: Remainder) -> dict[int, str]:
    """The nodes' labels on one line each, cut where they are long, with the node's id where that leaves two alike."""
    labels = {one.node.id: _cut(one.node.label) for one in remainder.kept}
    counts = Counter(labels.values())
    return {node_id: label if counts[label] == 1 else f"{label} (node {node_id})" for node_id, label in labels.items()}


def _cut(text: str) -> str:
    return bounded(" ".join("".join(char if char.isprintable() else " " for char in text).split()), LABEL_LIMIT)
