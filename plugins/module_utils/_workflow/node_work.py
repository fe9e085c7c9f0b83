# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left of the work of failed nodes, by the ledgers of their jobs. Private to this collection."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import replace

from .._api import jobs as _jobs
from .._api.client import ControllerClient
from .._api.errors import AnswerError, if_visible
from .._api.jobs import SUCCESSFUL, Job, join, names_in
from .._api.kinds import JOB, WORKFLOW_JOB
from .._api.paging import by_numbers, first_entries
from .._job.options import RelaunchRequest
from .._job.work import EventsIn, JobWork, Look, host_names
from .._launch.asks import Steps
from .._launch.waiting import Watch
from .._work.decision import (
    ALL,
    FAILED,
    REMAINING,
    Adopt,
    Await,
    Done,
    Launch,
    RelaunchOptions,
    never_began,
    why_cut_short,
)
from .._work.ledger import HostRecord, Ledger, Reach
from .._work.ledger_reader import JobsRead
from .._work.same_work import Prompts, uncompared
from .lineage import nodes_of, read_lineage
from .options import WorkflowRequest
from .remaining_nodes import Node, NodeLeft

# So many earlier jobs are looked at for one that shows what a playbook starts.
EARLIER_LOOKED_AT = 10
# What makes a job start other tasks of the same playbook.
_STARTS_BY = ("job_tags", "skip_tags")


class JobsOfNodes:
    """Tells the jobs of nodes apart: a template may stand behind several nodes, each of which is work of its own."""

    def __init__(self, client: ControllerClient) -> None:
        self._client = client
        #: Those of the nodes that have been met.
        self.numbers: set[int] = set()
        # The workflow jobs among them, until it is asked what ran below.
        self._above: set[int] = set()
        # The templates that stand behind several nodes of the workflow, or of those nested in it.
        self._shared: set[int] = set()
        # By job that a workflow ran, the identifier of its node.
        self._identifiers: dict[int, str] = {}

    def meet(self, nodes: t.Sequence[Node]) -> None:
        """Meet all nodes of a workflow job."""
        ran = {node.job: node for node in nodes if node.job is not None}
        self._above.update(job for job in ran.keys() - self.numbers if ran[job].job_type == WORKFLOW_JOB.type)
        self.numbers.update(ran)
        counted = Counter(node.template for node in nodes)
        self._shared.update(template for template, count in counted.items() if template is not None and count > 1)

    def elsewhere(self, node: Node, ledger: Ledger) -> set[int]:
        """The runs of other nodes' work: those below nodes of these workflow jobs; and, where other nodes have the
        template of this one, those of other nodes of other workflow jobs.

        :raises ControllerError: that could not be asked for.
        """
        jobs = [run.job for run in ledger.runs] + ([ledger.early] if ledger.early else [])
        jobs = [job for job in jobs if job.facts.get("launch_type") == _jobs.WORKFLOW]
        if not jobs:
            return set()
        self._meet_below()
        found = {job.id for job in jobs} & self.numbers
        if node.template not in self._shared or not node.identifier:
            return found
        at = {job.id: _ran_at(job) for job in jobs}
        self._read_identifiers(at.values())
        by_hand = self._by_hand({at[job.id] for job in jobs if job.sliced} - self._identifiers.keys())
        for job in jobs:
            # Where this user does not see at which node it ran it vouches for nothing; its end may be waited for.
            unseen = node.identifier if job.active or at[job.id] in by_hand else None
            if self._identifiers.get(at[job.id], unseen) != node.identifier:
                found.add(job.id)
        return found

    def _meet_below(self) -> None:
        """Meet the jobs below the workflow jobs too: slices, and those of the nodes of nested workflows."""
        while self._above:
            above, self._above = self._above, set()
            below = by_numbers(self._client.results, "unified_jobs/", "unified_job_node__workflow_job__in", above)
            for job in map(Job.of, below):
                if job.facts.get("type") == WORKFLOW_JOB.type and job.id not in self.numbers:
                    self._above.add(job.id)
                self.numbers.add(job.id)
                # Slices have the template of their own node.
                if job.template is not None and not job.sliced:
                    self._shared.add(job.template)

    def _read_identifiers(self, numbers: t.Collection[int]) -> None:
        unknown = set(numbers) - self._identifiers.keys()
        for entry in by_numbers(self._client.results, "workflow_job_nodes/", "job__in", unknown):
            self._identifiers[int(entry["job"])] = str(entry.get("identifier"))

    def _by_hand(self, numbers: t.Collection[int]) -> set[int]:
        """Those of some workflow jobs that are no node's."""
        entries = by_numbers(self._client.results, WORKFLOW_JOB.path, "id__in", numbers)
        return {int(entry["id"]) for entry in entries if entry.get("launch_type") != _jobs.WORKFLOW}


def _ran_at(job: Job) -> int:
    """The job of the node that a workflow ran: of a slice, that of all of them."""
    above = job.summary("source_workflow_job").get("id") if job.sliced else None
    return job.id if above is None else int(above)


class NodeWork:
    """Asks what is left of failed nodes; what has been read of jobs that have ended is kept.

    :param watch: the controller, and the time that there is.
    :param request: on which of their hosts nodes are to run, and whether one runs whole whose work is more than that.
    """

    def __init__(self, watch: Watch, request: WorkflowRequest) -> None:
        self._client = watch.client
        self._watch = watch
        self._request = request
        self._hosts = request.node_hosts
        self._read = JobsRead()
        self._prompts = Prompts()
        self._works: dict[int, JobWork] = {}
        self._earlier: dict[int, list[Job]] = {}
        #: Meets all nodes of the workflow jobs that are asked about.
        self.jobs = JobsOfNodes(watch.client)
        #: The workflow jobs of this task that gave way to another caller's job of a node.
        self.gave_way: set[int] = set()

    def left(self, node: Node) -> Steps[NodeLeft]:
        """What is left of a node that failed, as of now.

        :raises ControllerError: it could not be read.
        """
        if node.job is None or node.job_type not in (JOB.type, WORKFLOW_JOB.type):
            return NodeLeft()
        try:
            if node.job_type == JOB.type:
                return (yield from self._of_job(node.job, node))
            if node.template_type == WORKFLOW_JOB.type:
                return self._of_workflow(node.job)
            return (yield from self._of_slices(node.job, node))
        except AnswerError as error:
            if not error.not_visible:
                raise
            return NodeLeft(unreadable=True)

    def began(self, node: Node) -> bool:
        """Whether what a node ran may have done anything, for all that this user may see.

        :raises ControllerError: it could not be read.
        """
        number = node.job
        if number is None or node.job_type not in (JOB.type, WORKFLOW_JOB.type):
            return not node.do_not_run
        if node.job_type == JOB.type:
            return if_visible(lambda: self._work(number).source.never_began) is not True
        workflow = if_visible(lambda: _jobs.get(self._client, number, WORKFLOW_JOB))
        return workflow is None or workflow.began

    def _of_workflow(self, number: int) -> NodeLeft:
        """A nested workflow is not resumed in parts here; it may have been, or relaunched, on its own."""
        nested = _jobs.get(self._client, number, WORKFLOW_JOB)
        lineage = read_lineage(self._client, nested, nodes_of(self._client, number))
        doing = lineage.doing
        if doing is None:
            return NodeLeft()
        if doing.active:
            return NodeLeft(waits_for=doing)
        # Each of several runs of what remained did a part of it.
        runs = () if doing is lineage.anew else (lineage.base, *lineage.resumes)
        parts = frozenset(job.id for job in runs if lineage.base.id <= job.id < doing.id)
        return NodeLeft(healed_by=doing.id, done_by=parts, masked=bool(uncompared(doing)))

    def _of_slices(self, number: int, node: Node) -> Steps[NodeLeft]:
        """Each slice that failed has a ledger of its own."""
        slices = nodes_of(self._client, number)
        failed = [one for one in slices if one.bad]
        if any(one.job is None for one in failed):
            every = _jobs.get(self._client, number, WORKFLOW_JOB)
            if not every.began:
                return NodeLeft(whole="" if self._hosts == ALL else _inside(never_began(every)))
            return self._whole("a job of its slices has been deleted")
        found = []
        for one in failed:
            found.append((yield from self._of_job(int(one.job or 0), node)))
        left, begun = _of_all_slices(found), len(slices) - sum(bool(one.whole) for one in found)
        if left.whole and begun:
            # Hosts of the other slices may be done.
            more = self._whole(f"{left.whole}, and other slices of it had begun", "relaunch that job by itself first")
            return replace(left, whole=more.whole, obstacles=(*left.obstacles, *more.obstacles))
        return left

    def _of_job(self, number: int, node: Node) -> Steps[NodeLeft]:
        """
        :param node: the one that ran it, or that ran all slices of which it is one.
        """
        work = self._work(number)
        work.of_others.update(self.jobs.numbers)
        look = yield from work.look(hosts_needed=True)
        if elsewhere := self.jobs.elsewhere(node, look.ledger):
            work.of_others.update(elsewhere)
            look = yield from work.look(hosts_needed=True)
        earlier = self._earlier_than(work.source) if self._hosts == REMAINING else ()
        look, decision = work.decide(look, claimed=False, earlier=earlier)
        if isinstance(decision, (Await, Adopt)):
            return NodeLeft(waits_for=decision.job)
        if not isinstance(decision, (Done, Launch)):
            return NodeLeft(obstacles=(f"cannot be run: {_inside(decision.reason)}.",))
        left = self._done(work, decision) if isinstance(decision, Done) else self._to_launch(work, look, decision)
        done_by = frozenset(host.done_in.id for host in look.ledger.hosts or () if host.done_in is not None)
        masked = bool((done_by | {left.healed_by}) - {number, None}) and bool(work.masked(look.ledger))
        if work.source.never_began or look.ledger.stopped is not None:
            # Of the hosts that it stopped for, or never began on, those that are done since are not among these.
            done_by |= {run.job.id for run in look.ledger.runs if run.job.began and not run.job.active}
        return replace(left, done_by=done_by, masked=masked)

    def _work(self, number: int) -> JobWork:
        if number not in self._works:
            source = EventsIn(self._watch, self._read)(_jobs.get(self._client, number))
            # All that is left is asked for; whether it may be done is decided here.
            hosts = REMAINING if self._hosts == REMAINING else FAILED
            options = RelaunchOptions(hosts=hosts, fallback_to_all=True, wait=True)
            request = RelaunchRequest(options=options, waiting=self._request.waiting, own_job=self._request.own_job)
            self._works[number] = JobWork.of(request, self._watch, source, self._read, self._prompts)
        return self._works[number]

    def _done(self, work: JobWork, decision: Done) -> NodeLeft:
        """All that can be done has been; a host that is disabled is not done for that."""
        gone = host_names(host for host in decision.left if host.reach is Reach.GONE)
        idle = [host for host in decision.left if host.reach is not Reach.GONE]
        if idle:
            return replace(self._idle(idle), gone=gone)
        if decision.job.id == work.source.id and not gone:
            return self._whole(f"job {work.source.id} failed on no host that is known")
        return NodeLeft(healed_by=decision.job.id, gone=gone)

    def _to_launch(self, work: JobWork, look: Look, decision: Launch) -> NodeLeft:
        if self._hosts == ALL:
            return NodeLeft()
        if decision.hosts == ALL and work.source.never_began:
            return NodeLeft(whole=_inside(never_began(work.source)))
        if decision.hosts == ALL:
            # That some are disabled may be known before it is decided.
            idle = look.ledger.reached(Reach.IDLE)
            return self._idle(idle) if idle else self._whole(decision.reason)
        exactly = decision.hosts == REMAINING
        ledger = look.ledger if exactly else work.with_end(look, self._earlier_than(work.source)).ledger
        due = decision.due if exactly else ledger.due
        gone = host_names(ledger.reached(Reach.GONE))
        enabled = work.reader.reach.enabled(due)
        # What was read of a job that has ended is kept, and with it the names that hosts had then.
        now = {host.key: host for host in (due if enabled is None else enabled)}
        idle = (*ledger.reached(Reach.IDLE), *(host for host in due if host.key not in now))
        if idle:
            return replace(self._idle(idle), gone=gone)
        reason = "" if exactly else why_cut_short(ledger)
        if reason:
            return replace(self._whole(reason), gone=gone)
        return NodeLeft(hosts=host_names(now.values()), gone=gone, unsure=enabled is None)

    def _idle(self, hosts: t.Sequence[HostRecord]) -> NodeLeft:
        """A workflow does not go on behind a host as if that were done."""
        if self._hosts == ALL:
            return NodeLeft()
        return NodeLeft(
            obstacles=(
                f"has {join(host_names(hosts))} left, where it cannot run: disabled, or not a target of it any more. "
                f"Enable or delete such hosts, or set {self._request.hosts_option}: all, with which the workflow goes "
                "on without them.",
            )
        )

    def _whole(self, reason: str, instead: str = "") -> NodeLeft:
        """Its work is more than its failed hosts.

        :param instead: what else than to run it whole can be done, for the middle of a sentence.
        """
        if self._hosts == ALL:
            return NodeLeft()
        if self._request.fallback_to_all:
            return NodeLeft(whole=_inside(reason))
        if self._hosts == FAILED:
            instead = instead or f"{self._request.hosts_option}: remaining for exactly those that are not done"
        return NodeLeft(
            obstacles=(
                f"has more left than its failed hosts, or these are not known: {_inside(reason)}. Set "
                f"fallback_to_all: true to run it on all of its hosts{', or ' if instead else ''}{instead}.",
            )
        )

    def _earlier_than(self, source: Job) -> list[Job]:
        """A successful job of before that started what the playbook starts: without one, what lies behind the place
        where all of a first run stopped is not known.
        """
        if source.template is None:
            return []
        if source.id not in self._earlier:
            query = {"unified_job_template": source.template, "status": SUCCESSFUL, "id__lt": source.id}
            newest_first = {"order_by": "-id", "page_size": EARLIER_LOOKED_AT}
            jobs = map(Job.of, first_entries(self._client.get, JOB.path, **query, **newest_first))
            self._earlier[source.id] = [job for job in jobs if _starts_the_same(source, job)][:1]
        return self._earlier[source.id]


def _starts_the_same(source: Job, job: Job) -> bool:
    tags = all(names_in(source.facts.get(name)) == names_in(job.facts.get(name)) for name in _STARTS_BY)
    return tags and job.revision == source.revision and job.job_type == source.job_type and job.began


def _inside(reason: str) -> str:
    """A sentence, or several, for the middle of another one."""
    return reason[:1].lower() + reason[1:].rstrip(".")


def _of_all_slices(found: t.Sequence[NodeLeft]) -> NodeLeft:
    """What is left of a sliced node's work, by that of its slices."""
    waits = next((one.waits_for for one in found if one.waits_for is not None), None)
    if waits is not None:
        return NodeLeft(waits_for=waits)
    all_of_it = NodeLeft(
        obstacles=tuple(dict.fromkeys(obstacle for one in found for obstacle in one.obstacles)),
        gone=tuple(sorted({name for one in found for name in one.gone})),
        done_by=frozenset(number for one in found for number in one.done_by),
        masked=any(one.masked for one in found),
    )
    healed = [one.healed_by for one in found if one.healed_by is not None]
    if len(healed) == len(found) and not all_of_it.obstacles:
        return replace(all_of_it, healed_by=max(healed)) if healed else NodeLeft()
    whole = next((one.whole for one in found if one.whole), "")
    hosts = () if whole else tuple(sorted({name for one in found for name in one.hosts}))
    return replace(all_of_it, hosts=hosts, whole=whole, unsure=any(one.unsure for one in found))
