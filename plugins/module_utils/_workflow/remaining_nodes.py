# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What remains of a workflow that has ended: which of its nodes still have to run, and how they hang together.

Pure; nothing is asked or sent here. A node runs again if it failed, and for the first time if it was never run because
of that. What has succeeded never runs again; nor does a node whose work has been done since by other jobs. The only
success that does not count is that of a node that ran too early.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

from .._api.errors import AnswerError
from .._api.jobs import ACTIVE_STATUSES, CANCELED, ERROR, SUCCESSFUL, Job, join, summary_of

SUCCESS = "success"
FAILURE = "failure"
ALWAYS = "always"
KINDS = (SUCCESS, FAILURE, ALWAYS)
# What to do where nothing less helps, also for who has selected a workflow job among many.
ALL_NODES = "relaunch all nodes (workflow_job_relaunch with nodes: all)"

# What a node may set beyond its template, besides extra_data and what its sublists hold.
_PROMPTS = (
    "inventory", "scm_branch", "job_type", "job_tags", "skip_tags", "limit", "diff_mode", "verbosity",
    "execution_environment", "forks", "job_slice_count", "timeout",
)  # fmt: skip


@dataclass(frozen=True)
class Link:
    """From one node to another, by their ids: the child may run once the parent has ended as ``kind`` says."""

    parent: int
    child: int
    kind: str


@dataclass(frozen=True)
class Node:
    """A node of a workflow job.

    :param identifier: unique in its workflow; a UUID unless somebody chose another.
    :param name: its template's, else its job's.
    :param template: the id of its unified job template; None once that has been deleted.
    :param template_type: what its template makes, such as ``job`` or ``workflow_job``.
    :param job: the id of the job that it ran, of the type ``job_type``; None where it ran none or that was deleted.
    :param status: the job's; None where there is none.
    :param carried: the workflow took it over as succeeded from the one that it was relaunched from (Ascender only).
    :param converges: with several parents, all of them must let it run; else one suffices.
    :param links: to its children.
    :param conditional: it has links of other kinds, which depend on artifacts (Ascender only).
    :param prompts: what it sets beyond its template, by the names of the API.
    :param healed_by: the job that has done its work since it failed; None where there is none.
    :param early: it ran although a parent that was to succeed before had not.
    """

    id: int
    identifier: str
    name: str
    template: t.Optional[int]
    template_type: t.Optional[str]
    job: t.Optional[int]
    job_type: t.Optional[str]
    status: t.Optional[str]
    do_not_run: bool
    carried: bool
    converges: bool
    links: tuple[Link, ...]
    conditional: bool
    prompts: t.Mapping[str, t.Any]
    extra_data: t.Mapping[str, t.Any]
    healed_by: t.Optional[int] = None
    early: bool = False

    @classmethod
    def of(cls, entry: t.Mapping[str, t.Any]) -> Node:
        """From an entry of a workflow job's ``workflow_nodes`` (recorded: wf-nodes-failed, wf-nodes-template-gone).

        :raises AnswerError: the entry is no node's.
        """
        if not isinstance(entry.get("id"), int) or not isinstance(entry.get("do_not_run"), bool):
            raise AnswerError("The controller answered without the id and do_not_run of a workflow node.", 200, entry)
        job, template = summary_of(entry, "job"), summary_of(entry, "unified_job_template")
        kinds = {key[: -len("_nodes")]: ids or () for key, ids in entry.items() if key.endswith("_nodes")}
        return cls(
            id=entry["id"],
            identifier=str(entry.get("identifier") or ""),
            name=str(template.get("name") or job.get("name") or ""),
            template=entry.get("unified_job_template"),
            template_type=template.get("unified_job_type"),
            job=entry.get("job"),
            job_type=job.get("type"),
            status=job.get("status"),
            do_not_run=entry["do_not_run"],
            carried=bool(entry.get("prior_run_succeeded")),
            converges=bool(entry.get("all_parents_must_converge")),
            links=tuple(Link(entry["id"], child, kind) for kind in KINDS for child in kinds.get(kind, ())),
            conditional=any(ids for kind, ids in kinds.items() if kind not in KINDS),
            # An empty text is one: the job runs without what its template has.
            prompts={name: entry[name] for name in _PROMPTS if entry.get(name) is not None},
            extra_data=entry.get("extra_data") or {},
        )

    @property
    def key(self) -> str:
        """By what it is known in runs of what remains of its workflow, whose nodes bear it as their identifier."""
        return self.identifier or str(self.id)

    @property
    def label(self) -> str:
        """What a person calls it: the identifier that somebody chose, else the name of what it runs."""
        chosen = self.identifier and not _is_uuid(self.identifier)
        return self.identifier if chosen else self.name or self.identifier or f"node {self.id}"

    @property
    def succeeded(self) -> bool:
        """Whether its work is done."""
        return not self.early and (self.status == SUCCESSFUL or self.carried or self.healed_by is not None)

    @property
    def bad(self) -> bool:
        """Whether it ended otherwise than successfully; for the controller it also has without a template to run."""
        return not (self.succeeded or self.early) and not (self.status is None and self.do_not_run)

    @property
    def has_way_on(self) -> bool:
        """Whether its workflow goes on where it fails, and is successful in spite of that."""
        return any(link.kind != SUCCESS for link in self.links)

    @property
    def unknown(self) -> bool:
        """Whether it ran a job of which nothing is left: deleting a job leaves its node's template in place."""
        return self.bad and self.status is None and self.template is not None


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and not text.replace("-", "").strip("0123456789abcdef")


@dataclass(frozen=True)
class NodeLeft:
    """What is left of a failed node's work.

    :param healed_by: the job that has done it since; then nothing is left.
    :param hosts: the hosts on which it is left, by name; none where that is all of them, or not known.
    :param whole: why it is left on all of its hosts, for the middle of a sentence; empty where it is not, or unknown.
    :param obstacles: why it cannot be run, each a sentence or two for behind the node's name.
    :param gone: failed hosts that are not in the inventory any more.
    :param waits_for: the active job that does some of it: its end decides.
    :param unreadable: this user may not read what it ran.
    :param done_by: the jobs that have done hosts of it since, or nodes of it.
    :param unsure: whether these hosts are enabled may not be read.
    :param masked: what has done some of it counts as the same work though a secret could not be compared.
    """

    healed_by: t.Optional[int] = None
    hosts: tuple[str, ...] = ()
    whole: str = ""
    obstacles: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    waits_for: t.Optional[Job] = field(default=None, compare=False)
    unreadable: bool = False
    unsure: bool = False
    done_by: frozenset[int] = field(default=frozenset(), compare=False)
    masked: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class RemainingNode:
    """A node that has to run.

    :param converges: as in ``Node``, among the parents that are kept.
    :param above: the nodes whose artifacts the controller gave it then, or would have given it, in the order in which
        later ones outrank earlier ones.
    :param again: the numbers of those that run before it now, whose new artifacts the controller gives it.
    """

    node: Node
    converges: bool
    above: tuple[Node, ...]
    again: frozenset[int]

    def inherited(self, hosts: t.Mapping[int, t.Sequence[str]]) -> tuple[Node, ...]:
        """The nodes above it whose artifacts of then the controller will not give it.

        :param hosts: by node that runs on some of its hosts, these: what the others handed on does not come again.
        """
        return tuple(one for one in self.above if one.id not in self.again or hosts.get(one.id))


@dataclass(frozen=True)
class Remainder:
    """What has to run, parents before children, and the links within; of two nodes there is one link at most.

    :param obstacles: why it cannot be run, or is not known; each is a sentence or two for a person.
    :param handlers: nodes that a failure led to and that have succeeded: they do not run again if it comes again.
    """

    kept: tuple[RemainingNode, ...]
    links: tuple[Link, ...]
    obstacles: tuple[str, ...] = ()
    handlers: tuple[Node, ...] = ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that have to run."""
        return tuple(one.node for one in self.kept)


@dataclass(frozen=True)
class Nothing:
    """Nothing has to run.

    :param handled: the nodes that failed all the same, and for which the workflow had a way on.
    """

    handled: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Active:
    """The workflow has not ended, or is being healed, so that what remains of it is not known.

    :param nodes: those whose jobs are active, or whose work is being done.
    """

    nodes: tuple[Node, ...]


def remaining(
    nodes: t.Sequence[Node], status: str, handled: bool = False, left: t.Optional[t.Mapping[int, NodeLeft]] = None
) -> t.Union[Remainder, Nothing, Active]:
    """What remains of a workflow job.

    :param nodes: all of its nodes, read after its status.
    :param status: the workflow job's. It is ``successful`` in spite of failed nodes where each of them had a child for
        that case, though the children meant for success never ran.
    :param handled: whether to run what such a workflow has left undone.
    :param left: by the id of a node that failed, what is left of its work, where that has been asked for.
    :raises AnswerError: nodes are missing.
    """
    known = {node.id: (left or {}).get(node.id, NodeLeft()) for node in nodes}
    active = tuple(node for node in nodes if node.status in ACTIVE_STATUSES or known[node.id].waits_for is not None)
    if active or status in ACTIVE_STATUSES:
        return Active(active)
    if status == SUCCESSFUL and not handled:
        return Nothing(tuple(node for node in nodes if node.bad))
    graph = _Graph(_with_early([replace(node, healed_by=known[node.id].healed_by) for node in nodes]))
    for node in graph.order:
        graph.settle(node)
    obstacles = tuple(_obstacles(nodes, graph.kept, graph.ambiguous))
    if not nodes and status != SUCCESSFUL:
        obstacles = (f"The controller told of no node of it, so that it is not known what remains: {ALL_NODES}.",)
    if not graph.kept and not obstacles:
        return Nothing()
    links = tuple(Link(parent, child, kind) for child, ways in graph.kept.items() for parent, kind in ways.items())
    return Remainder(tuple(map(graph.as_kept, graph.kept)), links, obstacles, graph.handlers)


def never_run(nodes: t.Iterable[Node]) -> list[Node]:
    """The nodes of a workflow job that ended before it began, such as by a cancel while it was pending: the controller
    has not marked them as not run, though none was.
    """
    return [replace(node, do_not_run=True) if node.job is None else node for node in nodes]


def _with_early(nodes: t.Sequence[Node]) -> list[Node]:
    """The nodes, with those known that ran too early.

    AWX lets a node that needs all of its parents run although one of them ended in an error or was canceled: it looks
    at those alone that were successful or failed (measured). It was to run behind that parent's success.
    """
    broken = {node.id for node in nodes if node.status in (ERROR, CANCELED)}
    missed = {link.child for node in nodes for link in node.links if node.id in broken and link.kind == SUCCESS}
    return [
        replace(node, early=True) if node.converges and node.succeeded and node.id in missed else node for node in nodes
    ]


# The links that lead to a node, as the kinds by parent: of two nodes the controller takes one link only
# (recorded: wf-temp-link-post-other-kind).
_Ways = dict[int, str]


class _Graph:
    """A workflow on its way to what remains of it: ``settle`` each node once, in ``order``.

    ``kept`` holds the nodes that have to run, each with the ways from kept nodes to it.
    """

    def __init__(self, nodes: t.Sequence[Node]) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._parents: dict[int, list[Link]] = {node.id: [] for node in sorted(nodes, key=lambda node: node.id)}
        for link in (link for node in nodes for link in node.links):
            if link.child not in self._parents:
                raise AnswerError(f"The controller told of a link to node {link.child}, but not of that node.", 200)
            self._parents[link.child].append(link)
        # The controller lets no cycle in (recorded: wf-temp-link-post-cycle).
        above = {node_id: [link.parent for link in links] for node_id, links in self._parents.items()}
        self.order = [self._nodes[node_id] for node_id in TopologicalSorter(above).static_order()]
        self.kept: dict[int, _Ways] = {}
        # The nodes that run where every node succeeds.
        self._on_success: set[int] = set()
        # Of nodes that succeeded, but run in the case of a failure only: the ways from the kept nodes that led there.
        self._led_by: dict[int, _Ways] = {}
        # Of those, the ones that one of several failures was enough for.
        self._by_any: set[int] = set()
        #: Kept nodes that need all of their parents, one of which is among those.
        self.ambiguous: set[int] = set()
        # The nodes that only a failure led to which has been healed since.
        self._moot: set[int] = set()
        # The nodes that hand something on to each node, as of ``_givers_to``; and the kept ones above each kept node.
        self._givers: dict[int, tuple[int, ...]] = {}
        self._kept_before: dict[int, set[int]] = {}

    def settle(self, node: Node) -> None:
        """Find out whether a node has to run, and after which."""
        parents = self._parents[node.id]
        self._givers[node.id] = self._givers_to(node)
        passed = [link.parent in self._on_success and link.kind != FAILURE for link in parents]
        if not parents or (all(passed) if node.converges else any(passed)):
            self._on_success.add(node.id)
        ways, due, blocked = self._ways_to(node)
        if self._is_moot(node, ways, due):
            self._moot.add(node.id)
        elif node.succeeded:
            if node.id not in self._on_success:
                led = {
                    parent: kind for parent, kind in ways.items() if kind == FAILURE or parent not in self._on_success
                }
                self._led_by[node.id] = led
                if len(led) > 1 and (not node.converges or self._is_ambiguous(node)):
                    self._by_any.add(node.id)
        elif node.bad or not parents or (not blocked if node.converges else due or ways):
            self._keep(node, ways, due)
            if self._is_ambiguous(node):
                self.ambiguous.add(node.id)

    def _givers_to(self, node: Node) -> tuple[int, ...]:
        """The nodes whose artifacts a node is given, later ones outranking earlier ones: by parent, in the order of
        their numbers, those of what came before that, and its own. One that never runs passes nothing on.
        """
        found: dict[int, None] = {}
        for parent in sorted(link.parent for link in self._parents[node.id]):
            if self._nodes[parent].job is not None or self._nodes[parent].carried or parent in self.kept:
                for number in (*self._givers[parent], parent):
                    found.pop(number, None)
                    found[number] = None
        return tuple(found)

    def _is_ambiguous(self, node: Node) -> bool:
        return node.converges and any(link.parent in self._by_any for link in self._parents[node.id])

    def _is_moot(self, node: Node, ways: _Ways, due: bool) -> bool:
        """Whether a node ran, or was to run, in the case of a failure that is none any more."""
        over = any(
            link.parent in self._moot or (self._nodes[link.parent].healed_by is not None and link.kind == FAILURE)
            for link in self._parents[node.id]
        )
        return over and node.id not in self._on_success and (node.converges or not (ways or due))

    def _ways_to(self, node: Node) -> tuple[_Ways, bool, bool]:
        """The ways to a node from kept ones; whether a parent that has settled lets it run; whether one does not."""
        ways: _Ways = {}
        due = blocked = False
        for link in self._parents[node.id]:
            if link.parent in self.kept:
                blocked |= not _add(ways, link.parent, link.kind, node.converges)
            elif not self._nodes[link.parent].succeeded or link.kind == FAILURE or link.parent in self._moot:
                blocked = True
            elif link.parent in self._on_success:
                due = True
            else:
                # It was a failure that led to this parent. Where that is undone, it does not count; where the failure
                # comes again, what has been done about it need not be done again, only what comes after that.
                for parent, kind in self._led_by[link.parent].items():
                    blocked |= not _add(ways, parent, kind, node.converges)
        return ways, due, blocked

    def _keep(self, node: Node, ways: _Ways, due: bool) -> None:
        before = set(ways).union(*(self._kept_before[parent] for parent in ways))
        if due and not node.converges:
            # It runs whatever becomes of the kept nodes above it, and after them. A parent among them may never run,
            # and lets nothing run then: those without parents always do.
            roots = sorted(parent for parent in before if not self.kept[parent])
            ways = dict.fromkeys([*ways, *roots], ALWAYS)
        self.kept[node.id] = ways
        self._kept_before[node.id] = before

    @property
    def handlers(self) -> tuple[Node, ...]:
        """The nodes that succeeded, and that led there is a failure which may come again."""
        return tuple(node for node in self.order if self._led_by.get(node.id))

    def as_kept(self, node_id: int) -> RemainingNode:
        node, ways = self._nodes[node_id], self.kept[node_id]
        givers = (self._nodes[number] for number in self._givers[node_id] if number not in self._moot)
        above = tuple(one for one in givers if one.job)
        return RemainingNode(node, node.converges and bool(ways), above, frozenset(self._kept_before[node_id]))


def _add(ways: _Ways, parent: int, kind: str, all_of: bool) -> bool:
    """Add a way to the others; where another comes from the same parent, the one that says both, or either. Whether
    there is one: no parent ends both ways.
    """
    other = ways.setdefault(parent, kind)
    if other != kind:
        ways[parent] = ALWAYS if not all_of else FAILURE if FAILURE in (other, kind) else SUCCESS
    return not all_of or {other, kind} != {SUCCESS, FAILURE}


def _obstacles(nodes: t.Sequence[Node], kept: t.Container[int], ambiguous: t.Container[int]) -> t.Iterator[str]:
    """Why what remains cannot be run, or cannot be known."""
    conditional = [node.label for node in nodes if node.conditional]
    unknown = [node.label for node in nodes if node.unknown]
    gone = [node.label for node in nodes if node.template is None and node.id in kept]
    unclear = [node.label for node in nodes if node.id in ambiguous]
    if conditional:
        yield (
            f"Links from {join(conditional)} depend on artifacts, which no other workflow can be given: "
            f"{ALL_NODES}, or use the controller's own relaunch from the failed nodes."
        )
    if unknown:
        yield (
            f"Whether {join(unknown)} succeeded is not known, since the job that ran there has been deleted: "
            f"{ALL_NODES}, or relaunch by hand what is missing."
        )
    if gone:
        yield (
            f"What {join(gone)} would run has been deleted: give the workflow's template another in its place, and "
            "launch that."
        )
    if unclear:
        yield (
            f"Whether {join(unclear)} has to run depends on several failures, any of which led to a node that has "
            f"succeeded and does not run again: no link says that: {ALL_NODES}."
        )
