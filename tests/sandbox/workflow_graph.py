# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the nodes of a workflow job, decided from how far they are; nothing is read or written here."""

from __future__ import annotations

import dataclasses
import typing as t

Kind = t.Literal["success", "failure", "always"]
KINDS: tuple[Kind, ...] = ("success", "failure", "always")

_ENDED_BADLY = ("failed", "error", "canceled")


@dataclasses.dataclass(frozen=True)
class Node:
    """A node: the status of its job (None: it has none), and what else decides on it."""

    id: int
    status: str | None = None
    has_template: bool = True
    do_not_run: bool = False
    all_parents_must_converge: bool = False

    @property
    def outcome(self) -> Kind | None:
        """Which of its links it goes on by; none while it is open, and of a node that will not run."""
        if self.status == "successful":
            return "success"
        # A node that has lost its template counts as failed, without a job.
        if self.status in _ENDED_BADLY or (self.status is None and not self.has_template and not self.do_not_run):
            return "failure"
        return None

    @property
    def is_over(self) -> bool:
        """Whether nothing will change about it."""
        return self.outcome is not None or (self.status is None and self.do_not_run)


@dataclasses.dataclass(frozen=True)
class Link:
    """A link from a node to one that runs after it."""

    parent: int
    child: int
    kind: Kind


class Graph:
    """The nodes of a workflow job and their links, at one moment."""

    def __init__(self, nodes: t.Iterable[Node], links: t.Iterable[Link], *, convergence_ignores_errors: bool) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._above: dict[int, list[Link]] = {node: [] for node in self._nodes}
        self._below: dict[int, list[Link]] = {node: [] for node in self._nodes}
        for link in links:
            self._above[link.child].append(link)
            self._below[link.parent].append(link)
        self._convergence_ignores_errors = convergence_ignores_errors

    def to_run(self) -> list[Node]:
        """The nodes whose jobs are to be made now, the nearest to the beginning first."""
        roots = [node for node, above in self._above.items() if not above]
        reached = _spread(roots, lambda node: [link.child for link in self._below[node] if self._leads_on(link)])
        return [self._nodes[node] for node in reached if self._is_due(self._nodes[node])]

    def never_to_run(self) -> list[Node]:
        """The nodes that nothing leads to any more."""
        found = []
        for node_id in self._in_order():
            node = self._nodes[node_id]
            if node.status is None and not node.do_not_run and self._above[node_id] and self._is_cut_off(node):
                node = self._nodes[node_id] = dataclasses.replace(node, do_not_run=True)
                found.append(node)
        return found

    def is_done(self) -> bool:
        """Whether all nodes are over."""
        return all(node.is_over for node in self._nodes.values())

    def has_failed(self) -> bool:
        """Whether a node ended badly, or has lost its template, and has no link for that, wherever it would lead."""
        return any(
            (node.status in _ENDED_BADLY or not (node.has_template or node.do_not_run))
            and all(link.kind == "success" for link in self._below[node.id])
            for node in self._nodes.values()
        )

    def _leads_on(self, link: Link) -> bool:
        outcome = self._nodes[link.parent].outcome
        return outcome is not None and link.kind in (outcome, "always")

    def _is_due(self, node: Node) -> bool:
        if node.status is not None or node.do_not_run or not node.has_template:
            return False
        if not all(self._nodes[link.parent].is_over for link in self._above[node.id]):
            return False
        return not node.all_parents_must_converge or self._converges(node)

    def _is_cut_off(self, node: Node) -> bool:
        above = self._above[node.id]
        if node.all_parents_must_converge:
            return any(self._nodes[link.parent].do_not_run for link in above) or not self._converges(node)
        return all(self._nodes[link.parent].is_over and not self._leads_on(link) for link in above)

    def _converges(self, node: Node) -> bool:
        """Whether no parent that has been decided on speaks against the node."""
        return all(self._leads_on(link) for link in self._above[node.id] if self._counts(self._nodes[link.parent]))

    def _counts(self, parent: Node) -> bool:
        if self._convergence_ignores_errors:
            return parent.status in ("successful", "failed")
        return parent.outcome is not None

    def _in_order(self) -> list[int]:
        """All nodes, each behind its parents."""
        missing = {node: len(above) for node, above in self._above.items()}
        order = [node for node, number in missing.items() if number == 0]
        for node in order:
            for link in self._below[node]:
                missing[link.child] -= 1
                if missing[link.child] == 0:
                    order.append(link.child)
        return order


def closes_a_circle(link: Link, links: t.Iterable[Link]) -> bool:
    """Whether a new link would lead from a node back to itself."""
    below: dict[int, list[int]] = {}
    for other in links:
        below.setdefault(other.parent, []).append(other.child)
    return link.parent in _spread([link.child], lambda node: below.get(node, []))


def _spread(start: t.Iterable[int], onward: t.Callable[[int], list[int]]) -> list[int]:
    found = list(start)
    known = set(found)
    for node in found:
        new = [other for other in onward(node) if other not in known]
        found += new
        known.update(new)
    return found
