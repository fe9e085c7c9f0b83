# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What remains of a workflow: a table of graphs, and graphs at random beside a workflow manager of the tests' own."""

from __future__ import annotations

import functools
import itertools
import random
import re
import typing as t
from dataclasses import dataclass

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.remaining_nodes import (
    Active,
    Node,
    NodeLeft,
    Nothing,
    Remainder,
    never_run,
    remaining,
)

# What stands between two nodes, and the same in the API.
KINDS = {">": "success", "!": "failure", "*": "always"}
# What stands behind a node: + - e c r ended or runs as here; h failed, and healed since; w failed, and is being
# healed; . not run; x its job is deleted. Its template is deleted: ? before it could run, / since it failed, 0 it was
# not to run.
STATUSES = {"+": "successful", "-": "failed", "e": "error", "c": "canceled", "r": "running", "/": "failed"}
STATUSES |= {"h": "failed", "w": "failed"}
TEMPLATE_GONE = "?/0"
NOT_RUN = ".0"


@dataclass(frozen=True)
class Graph:
    """``A>B B!C,D``: links by (parent, child); ``A,B>C(ALL)``: C converges on all of its parents."""

    nodes: tuple[str, ...]
    links: t.Mapping[tuple[str, str], str]
    converging: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Graph:
        nodes: dict[str, None] = {}
        links: dict[tuple[str, str], str] = {}
        for chain in text.split():
            groups, kinds = re.split("[>!*]", chain.replace("(ALL)", "")), re.findall("[>!*]", chain)
            names = [group.split(",") for group in groups]
            nodes.update(dict.fromkeys(name for group in names for name in group))
            for parents, children, kind in zip(names, names[1:], kinds):
                links.update(dict.fromkeys(itertools.product(parents, children), kind))
        return cls(tuple(nodes), links, frozenset(re.findall(r"(\w)\(ALL\)", text)))

    @functools.cached_property
    def well(self) -> set[str]:
        """The nodes that run where none fails."""
        return Manager(self, dict.fromkeys(self.nodes, "+")).ran

    def of_state(self, states: t.Mapping[str, str]) -> list[Node]:
        """The nodes of a workflow job, as the API tells them; the ids run against the order of the names."""
        ids = {name: 100 - index for index, name in enumerate(self.nodes)}
        return [Node.of(self._entry(name, states[name], ids)) for name in self.nodes]

    def _entry(self, name: str, state: str, ids: t.Mapping[str, int]) -> dict[str, t.Any]:
        status = STATUSES.get(state)
        summaries: dict[str, t.Any] = {}
        if status:
            summaries["job"] = {"id": 1000 + ids[name], "name": "Deploy", "status": status, "type": "job"}
        if state not in TEMPLATE_GONE:
            summaries["unified_job_template"] = {"id": 7, "name": "Deploy", "unified_job_type": "job"}
        return {
            "id": ids[name],
            "summary_fields": summaries,
            "identifier": name,
            "job": 1000 + ids[name] if status else None,
            "unified_job_template": None if state in TEMPLATE_GONE else 7,
            "do_not_run": state in NOT_RUN,
            "all_parents_must_converge": name in self.converging,
            "limit": None,
            "extra_data": {},
            **{
                f"{word}_nodes": [
                    ids[child] for (parent, child), kind in self.links.items() if (parent, kind) == (name, sign)
                ]
                for sign, word in KINDS.items()
            },
        }


def nodes_of(graph: str, states: str) -> list[Node]:
    return Graph.of(graph).of_state({pair[0]: pair[1] for pair in states.split()})


def healed(nodes: t.Iterable[Node], names: t.Container[str]) -> dict[int, NodeLeft]:
    """What is left of nodes, where that of these has been done since."""
    return {node.id: NodeLeft(healed_by=500) for node in nodes if node.identifier in names}


def graph_of(remainder: Remainder) -> Graph:
    names = {kept.node.id: kept.node.identifier for kept in remainder.kept}
    signs = {word: sign for sign, word in KINDS.items()}
    return Graph(
        tuple(names.values()),
        {(names[link.parent], names[link.child]): signs[link.kind] for link in remainder.links},
        frozenset(kept.node.identifier for kept in remainder.kept if kept.converges),
    )


def same(graph: Graph, other: Graph) -> bool:
    return (set(graph.nodes), graph.links, graph.converging) == (set(other.nodes), other.links, other.converging)


@pytest.mark.parametrize(
    ("graph", "states", "status", "runs"),
    [
        ("A>B>C", "A+ B- C.", "failed", "B>C"),
        ("A>B,C B,C>D(ALL)", "A+ B- C+ D.", "failed", "B>D(ALL)"),
        ("A>B,C B,C>D(ALL)", "A+ B- C- D.", "failed", "B,C>D(ALL)"),
        ("A>B,C B,C>Y", "A+ B- C+ Y+", "failed", "B"),
        ("A>B A!H", "A- B. H+", "successful", "A>B"),
        ("A>B A*E E>F", "A- B. E+ F+", "successful", "A>B"),
        ("A>B A*E E>F", "A- B. E+ F-", "failed", "A>B F"),
        ("A>B A!H", "A- B. H-", "failed", "A>B A!H"),
        ("A>B>C A!H", "A+ B- C. H.", "failed", "B>C"),
        ("A>M L>M A>B", "A+ Lc M. B.", "canceled", "B L*M"),
        ("A>X B!X(ALL)", "A- B+ X.", "failed", "A"),
        # It ran although a parent had not succeeded, and runs again behind that; if another way led there, it does not.
        ("A,B>X(ALL) B>Z", "A+ Be X+ Z.", "failed", "B>X(ALL) B>Z"),
        ("A,B>X(ALL)>Y", "A+ Bc X+ Y+", "failed", "B>X(ALL)"),
        ("A,B>X(ALL)>Y", "A+ Be X+ Y-", "failed", "B>X(ALL)>Y"),
        ("A>X(ALL) B*X", "A+ Be X+", "failed", "B"),
        ("A,B>X", "A+ Be X+", "failed", "B"),
        ("A,B>X(ALL)", "A+ B- X.", "failed", "B>X(ALL)"),
        # Healed since: it does not run again, and what it had held up does; what its failure had led to does not.
        ("A>B>C", "A+ Bh C.", "failed", "C"),
        ("A>B,C B,C>D(ALL)", "A+ Bh C- D.", "failed", "C>D(ALL)"),
        ("A>B A!H", "Ah B. H+", "successful", "B"),
        ("A>B A!H", "Ah B. H-", "failed", "B"),
        ("A>B A!H>I", "Ah B. H+ I-", "failed", "B"),
        ("A>B A!H>I(ALL)", "Ah B. H+ I.", "canceled", "B"),
        ("A>B A!H H*B", "Ah B. H-", "failed", "B"),
        ("A,K!H(ALL)", "Ah K- H-", "failed", "K"),
        ("A,K!H", "Ah K- H-", "failed", "K!H"),
        ("A*B", "Ah B-", "failed", "B"),
        ("A>B", "Ah B+", "successful", ""),
        ("A,B>X(ALL)", "A+ Be Xh", "failed", "B>X(ALL)"),
        ("A>B>C", "A+ B? C.", "failed", None),
        ("A>B", "A+ B+", "successful", ""),
        ("A>B B!R R>D B>D", "A+ B- R+ D+", "successful", "B"),
        ("A>B B!R R>D B>D", "A+ B- R- D.", "failed", "B>D B!R R>D"),
        ("A>B>C>D A*D", "A+ B- C. D+", "failed", "B>C"),
        # What comes after a handler runs only if what it handled fails again; unless something else leads there.
        ("A!B>C", "A- B+ C-", "failed", "A!C"),
        ("A!B>C", "A- B+ C.", "canceled", "A!C"),
        ("A!B>C>D", "A- B+ C- D.", "failed", "A!C C>D"),
        ("A!B>C>D", "A- B+ C+ D-", "failed", "A!D"),
        ("A!B!C", "A- B+ C.", "successful", "A"),
        ("A!B B>C A>C", "A- B+ C-", "failed", "A*C"),
        ("A!P P*S>C", "A- P- S+ C-", "failed", "A!P P*C"),
        ("A*B C!B B>D(ALL)", "A- C- B+ D-", "failed", "A C D"),
        ("A*B(ALL) C!B B>D(ALL)", "A- C- B+ D-", "failed", "A C!D(ALL)"),
        ("A*C A!B B>C(ALL)", "A- B+ C-", "failed", "A!C(ALL)"),
        ("A>C A!B B>C(ALL)", "Ae B+ C-", "failed", "A!C(ALL)"),
        ("A!P P!B B>C P>C(ALL)", "A- Pe B+ C-", "failed", "A!P P!C(ALL)"),
        ("A!P,R P*R,B B*C R>C(ALL)", "A- P- R- B+ C.", "canceled", "A!P,R P*R P*C R>C(ALL)"),
        ("A!P P*B B>C P>C(ALL)", "A- Pe B+ C-", "failed", "A!P P>C(ALL)"),
        # No parent both succeeds and fails, so that C never runs.
        ("A!B A,B>C(ALL)>D", "A- B+ C. D.", "failed", "A"),
        # The handler counts where any of both fails again, which no link says to a node that needs all of its parents.
        ("A,B!H>C(ALL)", "A- B- H+ C.", "canceled", None),
        ("A,B!H>I(ALL)>C(ALL)", "A- B- H+ I+ C.", "canceled", None),
        ("A,B!H(ALL)>C(ALL)", "A- B- H+ C.", "canceled", "A,B!C(ALL)"),
        # Due already, but not before what may still run above it, and whatever comes of that.
        ("A>X R>P>X", "A+ R- P. X.", "failed", "R>P R*X P*X"),
        # What failed runs again, even where nothing explains how it came to run.
        ("A!B>C", "A+ B. C-", "failed", "C"),
        # A node that never ran because its workflow was canceled before.
        ("A>B C", "A. B. C.", "canceled", "A>B C"),
        ("A>B", "A+ B.", "canceled", "B"),
        # A template that is gone stands in the way where its node has to run.
        ("A!B A>C", "A+ B0 C-", "failed", "C"),
        ("A>B", "A- B0", "failed", None),
        ("A>B", "A+ B/", "failed", None),
        # A job that is gone may have succeeded or not.
        ("A>B", "Ax B-", "failed", None),
    ],
)
def test_what_remains(graph: str, states: str, status: str, runs: str | None) -> None:
    nodes = nodes_of(graph, states)
    since = healed(nodes, [pair[0] for pair in states.split() if pair[1] == "h"])
    remains = remaining(nodes, status, handled=status == "successful", left=since)
    if runs == "":
        assert remains == Nothing()
    else:
        assert isinstance(remains, Remainder)
        assert bool(remains.obstacles) == (runs is None)
        assert runs is None or same(graph_of(remains), Graph.of(runs)), graph_of(remains)


@pytest.mark.parametrize(
    ("states", "status", "running"),
    [
        ("A- Br", "running", "B"),
        ("A+ B-", "running", ""),
        ("Ar B-", "canceled", "A"),
        ("Aw B.", "failed", "A"),
        ("Aw B.", "successful", "A"),
    ],
)
def test_an_active_workflow_has_no_remainder_yet(states: str, status: str, running: str) -> None:
    nodes = nodes_of("A>B", states)
    healing = NodeLeft(waits_for=Job.of({"id": 500, "status": "running"}))
    left = {node.id: healing for node in nodes if f"{node.label}w" in states}
    remains = remaining(nodes, status, handled=True, left=left)
    assert isinstance(remains, Active)
    assert "".join(node.label for node in remains.nodes) == running


def test_of_a_workflow_that_never_began_all_nodes_remain() -> None:
    """Canceled while pending: the controller had not looked at its nodes, and none of them is marked as not run."""
    nodes = nodes_of("A>B A!H", "Ax Bx Hx")
    (obstacle,) = t.cast("Remainder", remaining(nodes, "canceled")).obstacles
    remains = remaining(never_run(nodes), "canceled")
    assert "has been deleted" in obstacle
    assert isinstance(remains, Remainder) and not remains.obstacles
    assert same(graph_of(remains), Graph.of("A>B A!H"))


def test_no_nodes_of_a_workflow_that_failed_are_no_proof_that_nothing_remains() -> None:
    remains = remaining([], "failed")
    assert isinstance(remains, Remainder)
    assert "told of no node" in remains.obstacles[0]
    assert remaining([], "successful", handled=True) == Nothing()


def test_a_successful_workflow_stays_unless_handled_is_set() -> None:
    nodes = nodes_of("A>B A!H", "A- B. H+")
    remains = remaining(nodes, "successful")
    assert isinstance(remains, Nothing)
    assert [node.label for node in remains.handled] == ["A"]
    assert isinstance(remaining(nodes, "successful", handled=True), Remainder)


def test_all_obstacles_are_told_beside_what_would_run() -> None:
    nodes = nodes_of("A>B A>C", "Ax B? C/")
    conditional = Node.of({"id": 1, "identifier": "E", "do_not_run": True, "condition_nodes": [98]})
    remains = remaining([*nodes, conditional], "failed")
    assert isinstance(remains, Remainder)
    artifacts, unknown, gone = remains.obstacles
    assert {kept.node.label for kept in remains.kept} == set("ABCE")
    assert "Links from E depend on artifacts" in artifacts
    assert "Whether A succeeded is not known" in unknown
    # E as well: it has no parents, so that it was to run.
    assert set(re.findall(r"\b[A-E]\b", gone)) == {"B", "C", "E"}


def test_nodes_carried_over_by_the_controller_have_succeeded() -> None:
    (node,) = nodes_of("A", "Ax")
    carried = Node.of({"id": 1, "do_not_run": False, "prior_run_succeeded": True, "unified_job_template": 7})
    assert node.unknown
    assert remaining([carried], "failed") == Nothing()


@pytest.mark.parametrize(
    ("graph", "states", "expected"),
    [
        # In their order; of those that run again it gets the new ones, of those on some hosts (L) the old ones too.
        ("A>B>C>D", "A+ B+ C- D.", {"C": "AB", "D": "AB"}),
        ("A>L>C>D", "A+ L- C. D.", {"L": "A", "C": "AL", "D": "AL"}),
        ("L>C", "L. C.", {"L": "", "C": ""}),
        # Of several parents the one with the higher number outranks the others, with what it was given itself.
        ("A>B,C B,C>D(ALL)", "A+ B- C+ D.", {"B": "A", "D": "CA"}),
        # Failed jobs leave artifacts, too: F runs beside A, and gets what A left then.
        ("A>B A*E E>F", "A- B. E+ F-", {"A": "", "B": "", "F": "AE"}),
        ("A!B>C", "A- B+ C-", {"A": "", "C": "B"}),
        # One that was never run has none.
        ("A>B A!H H*C B*C", "A+ B- H. C.", {"B": "A", "C": "A"}),
        # Nor does one pass anything on that never runs.
        ("A>B(ALL)!C K!B K>C", "A- B. K+ C-", {"A": "", "C": "K"}),
    ],
)
def test_whose_artifacts_a_node_has_to_be_given(graph: str, states: str, expected: dict[str, str]) -> None:
    remains = remaining(nodes_of(graph, states), "failed")
    assert isinstance(remains, Remainder)
    hosts = {kept.node.id: ("web1",) if kept.node.label == "L" else () for kept in remains.kept}
    inherited = {kept.node.label: "".join(node.label for node in kept.inherited(hosts)) for kept in remains.kept}
    assert inherited == expected


def test_a_list_of_nodes_that_lacks_one_gives_no_verdict() -> None:
    with pytest.raises(AnswerError, match="node 99"):
        remaining(nodes_of("A>B", "A- B.")[:1], "failed")


def test_parents_come_before_children() -> None:
    remains = remaining(nodes_of("A>B>C D>C", "A- B. C. D-"), "failed")
    assert isinstance(remains, Remainder)
    order = [kept.node.label for kept in remains.kept]
    assert order.index("A") < order.index("B") < order.index("C") > order.index("D")


# recorded: wf-nodes-failed (A and B), wf-nodes-template-gone (B)
RECORDED = {
    "id": 14,
    "type": "workflow_job_node",
    "summary_fields": {
        "job": {"id": 866, "name": "relaunch-jt", "status": "failed", "failed": True, "elapsed": 0.508, "type": "job"},
        "unified_job_template": {"id": 7, "name": "relaunch-jt", "description": "", "unified_job_type": "job"},
    },
    "extra_data": {"own": "b"},
    "inventory": None,
    "scm_branch": None,
    "limit": "host2,host4",
    "diff_mode": False,
    "verbosity": None,
    "job": 866,
    "unified_job_template": 7,
    "success_nodes": [16],
    "failure_nodes": [19],
    "always_nodes": [],
    "all_parents_must_converge": False,
    "do_not_run": False,
    "identifier": "B",
}


def test_a_node_is_read_from_an_entry() -> None:
    node = Node.of(RECORDED)
    assert (node.id, node.label, node.template, node.template_type) == (14, "B", 7, "job")
    assert (node.job, node.job_type, node.status) == (866, "job", "failed")
    assert [(link.child, link.kind) for link in node.links] == [(16, "success"), (19, "failure")]
    assert node.prompts == {"limit": "host2,host4", "diff_mode": False}
    assert node.extra_data == {"own": "b"}


def test_an_entry_without_template_and_job() -> None:
    node = Node.of({**RECORDED, "summary_fields": {}, "job": None, "unified_job_template": None})
    assert (node.template, node.template_type, node.job, node.status) == (None, None, None, None)
    assert node.bad
    assert not node.unknown


def test_a_job_that_failed_outweighs_do_not_run() -> None:
    assert Node.of({**RECORDED, "do_not_run": True}).bad


@pytest.mark.parametrize("entry", [{}, {"id": 14}, {"id": "14", "do_not_run": False}])
def test_an_entry_that_is_no_node(entry: dict[str, t.Any]) -> None:
    with pytest.raises(AnswerError):
        Node.of(entry)


@pytest.mark.parametrize(
    ("identifier", "template", "label"),
    [
        ("deploy", "Deploy web", "deploy"),
        ("9a3f2a5e-6c0f-4f1e-9d7a-0c4f6f1d2b3c", "Deploy web", "Deploy web"),
        ("9a3f2a5e-6c0f-4f1e-9d7a-0c4f6f1d2b3c", "", "9a3f2a5e-6c0f-4f1e-9d7a-0c4f6f1d2b3c"),
        ("", "", "node 14"),
    ],
)
def test_what_a_person_calls_a_node(identifier: str, template: str, label: str) -> None:
    entry = {"id": 14, "do_not_run": True, "identifier": identifier}
    assert Node.of({**entry, "summary_fields": {"unified_job_template": {"name": template}}}).label == label


class Manager:
    """How the controller runs a workflow, by its scheduler's rules, apart from any remainder.

    :param outcomes: the state in which each node ends once it runs.
    :param cancel_after: after how many jobs the workflow is canceled, one job being active.
    """

    def __init__(self, graph: Graph, outcomes: t.Mapping[str, str], cancel_after: int | None = None) -> None:
        self.graph = graph
        self.states: dict[str, str] = {}
        self.stuck = self.canceled = False
        while len(self.states) < len(graph.nodes):
            skipped = [name for name in self._open() if self._never_runs(name)]
            ready = [name for name in self._open() if self._may_run(name)]
            if skipped:
                self.states.update(dict.fromkeys(skipped, "."))
            elif not ready:
                self.stuck = True
                self._cancel()
            elif len(self.ran) == cancel_after:
                self.states[ready[-1]] = "c"
                self._cancel()
            else:
                self.states[ready[0]] = outcomes[ready[0]]

    @property
    def ran(self) -> set[str]:
        return {name for name, state in self.states.items() if state != "."}

    @property
    def status(self) -> str:
        if self.canceled:
            return "canceled"
        unhandled = [name for name in self.ran if self.states[name] != "+" and not self._has_handler(name)]
        return "failed" if unhandled else "successful"

    def _has_handler(self, name: str) -> bool:
        return any(parent == name and kind != ">" for (parent, _child), kind in self.graph.links.items())

    def _cancel(self) -> None:
        self.canceled = True
        self.states.update(dict.fromkeys(self._open(), "."))

    def _open(self) -> list[str]:
        return [name for name in self.graph.nodes if name not in self.states]

    def _parents(self, name: str) -> list[tuple[str | None, str]]:
        return [(self.states.get(parent), kind) for (parent, child), kind in self.graph.links.items() if child == name]

    @staticmethod
    def _leads_on(state: str | None, kind: str) -> bool:
        return (state == "+" and kind in ">*") or (state in ("-", "e", "c") and kind in "!*")

    def _met(self, name: str) -> bool:
        """The criteria of convergence: parents that ended in error or were canceled are not looked at."""
        return all(self._leads_on(state, kind) for state, kind in self._parents(name) if state in ("+", "-"))

    def _never_runs(self, name: str) -> bool:
        parents = self._parents(name)
        if not parents:
            return False
        if name in self.graph.converging:
            return any(state == "." for state, _kind in parents) or not self._met(name)
        return all(state is not None and not self._leads_on(state, kind) for state, kind in parents)

    def _may_run(self, name: str) -> bool:
        parents = self._parents(name)
        if not parents:
            return True
        ended = all(state is not None for state, _kind in parents)
        reached = any(self._leads_on(state, kind) for state, kind in parents)
        return ended and reached and (name not in self.graph.converging or self._met(name))


def too_early(graph: Graph, states: t.Mapping[str, str]) -> set[str]:
    """The nodes that need all of their parents, and ran although one that was to succeed had no such end."""
    return {
        child
        for (parent, child), kind in graph.links.items()
        if child in graph.converging and kind == ">" and states[parent] in "ec"
    }


def check(then: Manager, heal: t.Callable[[str], bool] = lambda _name: False) -> None:
    """The remainder runs what a run without failures runs, less what has succeeded, then or since."""
    graph = then.graph
    since = {name for name in then.ran if then.states[name] in "-ec" and heal(name)}
    succeeded = {name for name in then.ran if then.states[name] == "+"} | since
    succeeded -= too_early(graph, then.states)
    missing = graph.well - succeeded

    nodes = graph.of_state(then.states)
    remains = remaining(nodes, then.status, True, healed(nodes, since))
    left = graph_of(remains) if isinstance(remains, Remainder) else Graph((), {}, frozenset())
    now = Manager(left, dict.fromkeys(left.nodes, "+"))

    def told() -> str:
        return f"{graph}\n{then.states}\n{since}\n{remains}"

    assert isinstance(remains, (Remainder, Nothing)), told()
    assert now.ran == missing, told()
    assert not now.stuck, told()
    assert not succeeded & set(left.nodes), told()
    failed = {name for name in then.ran if then.states[name] != "+"} - since
    # What the failure of a healed node led to is none of them any more.
    assert failed <= set(left.nodes) or (since and not (failed - set(left.nodes)) & missing), told()


def test_every_graph_of_three_nodes() -> None:
    pairs = list(itertools.combinations("ABC", 2))
    for kinds in itertools.product(" >!*", repeat=3):
        links = {pair: kind for pair, kind in zip(pairs, kinds) if kind != " "}
        for converging in ("", "B", "C", "BC"):
            graph = Graph(tuple("ABC"), links, frozenset(converging))
            for outcomes in itertools.product("+-e", repeat=3):
                then = Manager(graph, dict(zip("ABC", outcomes)))
                failed = {name for name in then.ran if then.states[name] != "+"}
                for since in {frozenset(failed & set(names)) for names in ("", "A", "B", "AB")}:
                    check(then, heal=since.__contains__)


@pytest.mark.parametrize("seed", range(10))
def test_graphs_at_random(seed: int) -> None:
    chance = random.Random(seed)
    for _turn in range(300):
        names = "ABCDEFGH"[: chance.randint(2, 8)]
        density = chance.uniform(0.1, 0.6)
        pairs = [pair for pair in itertools.combinations(names, 2) if chance.random() < density]
        links = {pair: chance.choice(">>!*") for pair in pairs}
        converging = frozenset(name for name in names if chance.random() < 0.3)
        # In no order that says which comes first.
        nodes = tuple(chance.sample(names, len(names)))
        outcomes = {name: chance.choice("++-ec") for name in names}
        cancel_after = chance.choice([None, None, None, chance.randrange(len(names))])
        then = Manager(Graph(nodes, links, converging), outcomes, cancel_after)
        check(then)
        since = {name for name in names if chance.random() < 0.4}
        check(then, heal=since.__contains__)
