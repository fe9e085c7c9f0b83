# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What remains of a workflow, drawn as lines of text. Private to this collection."""

from __future__ import annotations

import typing as t
from collections import Counter

from .._api.jobs import told
from .remaining_nodes import (
    ALWAYS,
    FAILURE,
    SUCCESS,
    Kept,
    Link,
    Remainder,
)

LABEL_LIMIT = 60
NAMES_SHOWN = 5

_WORDS = {SUCCESS: "on success", FAILURE: "on failure", ALWAYS: "always"}


def drawing(remainder: Remainder, hosts: t.Optional[t.Mapping[int, t.Sequence[str]]] = None) -> list[str]:
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

    :param hosts: the names of the hosts that a node is limited to, by its id.
    """
    labels = _labels(remainder)
    kept = {one.node.id: one for one in remainder.kept}
    parents: dict[int, list[Link]] = {node_id: [] for node_id in kept}
    children: dict[int, list[Link]] = {node_id: [] for node_id in kept}
    rank = {node_id: index for index, node_id in enumerate(kept)}
    for link in sorted(remainder.links, key=lambda link: (rank[link.parent], rank[link.child])):
        parents[link.child].append(link)
        children[link.parent].append(link)

    lines: list[str] = []
    # What is still to be drawn, the next one last: the line above a node, what stands left of the node, and the node;
    # no node where the line points to it.
    todo: list[tuple[str, str, t.Optional[int]]] = []
    todo.extend(("", "", node_id) for node_id in reversed(list(kept)) if not parents[node_id])
    while todo:
        above, left, node_id = todo.pop()
        lines.extend([above] if above else [])
        if node_id is None:
            continue
        limit = (hosts or {}).get(node_id, ())
        lines.append(left + _line(kept[node_id], labels, parents[node_id], limit))
        links = children[node_id]
        for link in reversed(links):
            here = parents[link.child][-1] is link
            stem, rest = ("↓ ", "") if len(links) == 1 else ("└─ ", "   ") if link is links[-1] else ("├─ ", "│  ")
            above = left + stem + _WORDS[link.kind] + ("" if here else f" → {labels[link.child]}")
            todo.append((above, left + rest, link.child if here else None))
    return lines


def _line(kept: Kept, labels: t.Mapping[int, str], parents: t.Sequence[Link], hosts: t.Sequence[str]) -> str:
    parts = [f"{labels[kept.node.id]}  {kept.node.status or 'not run'}"]
    if hosts:
        parts.append(f"on {told(hosts, NAMES_SHOWN)}")
    if len(parents) > 1:
        anyway = all(link.kind == ALWAYS for link in parents)
        word = "after" if anyway else "needs all of" if kept.converges else "needs one of"
        parts.append(f"{word} {told([labels[link.parent] for link in parents], NAMES_SHOWN)}")
    return ", ".join(parts)


def _labels(remainder: Remainder) -> dict[int, str]:
    """The nodes' labels on one line each, cut where they are long, with the node's id where that leaves two alike."""
    labels = {one.node.id: _cut(one.node.label) for one in remainder.kept}
    counts = Counter(labels.values())
    return {node_id: label if counts[label] == 1 else f"{label} (node {node_id})" for node_id, label in labels.items()}


def _cut(text: str) -> str:
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= LABEL_LIMIT else text[: LABEL_LIMIT - 1] + "…"
