# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence of a workflow's remainder: look, decide, make a temporary template, look once more, launch, follow.

It asks its driver for what it waits for, and knows no AnsibleModule. Private to this collection.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, replace
from functools import partial

from .._api.client import ControllerClient
from .._api.errors import AnswerError, ControllerError, RefusedError
from .._api.jobs import ACTIVE_STATUSES, CANCELED, WORKFLOW, Job, host_summaries, join, names_in, names_of, never_runs
from .._api.kinds import JOB
from .._api.paging import first_entries
from .._job.outcome import BrokenOffError, carrying, in_one
from .._job.sequence import MOST_LOOKS
from .._job.work import FRESH_FOR
from .._launch.asks import Pause, Room, Steps
from .._launch.launch import Attempt, Launched
from .._launch.refusals import may_not_make_workflows, not_resumable, workflow_refused
from .._launch.tie_break import LAUNCHES_SHOW
from .._work.decision import ALL
from .._work.same_work import UNCOMPARED, uncompared
from . import temporary_template as _temporary_template
from .drawing import fitted_drawing
from .lineage import Lineage, anew_in_words, last_run, nodes_of, nodes_seen, read_lineage, readable
from .node_work import NodeWork
from .outcome import WorkflowOutcome
from .plan import APPROVAL, Plan, cautions, not_kept, planned
from .plan_reader import read_known
from .remaining_nodes import ALL_NODES, Active, Node, NodeLeft, Nothing, Remainder, never_run, remaining
from .temporary_template import source_in
from .workflow_run import Contest, WorkflowRun, only_tells

# So often at most a temporary template is made for what has changed while the one before was being made.
MOST_MADE = 3


@dataclass(frozen=True)
class Situation:
    """What a look has shown: what came of the workflow job, and what is left of the nodes that failed.

    :param source: the workflow job that went on last: the root, or what ran of it since.
    :param nodes: its nodes.
    :param left: by node that failed, what is left of its work.
    """

    lineage: Lineage
    source: Job
    nodes: tuple[Node, ...]
    left: t.Mapping[int, NodeLeft]

    @property
    def healed(self) -> dict[int, int]:
        """By node whose work has been done since, the job that did it."""
        return {number: one.healed_by for number, one in self.left.items() if one.healed_by is not None}

    def same_as(self, other: Situation) -> bool:
        """Whether the same nodes have to run, on the same hosts; whichever of several jobs has healed the others."""
        ours, theirs = (
            {number: replace(one, healed_by=None) for number, one in situation.left.items()}
            for situation in (self, other)
        )
        return self.source.id == other.source.id and ours == theirs and self.healed.keys() == other.healed.keys()

    def named(self, number: int) -> str:
        """What a node is called."""
        return next((node.label for node in self.nodes if node.id == number), "")


@dataclass(frozen=True)
class TemporaryTemplate:
    """A temporary template, and what it was made for."""

    template: int
    plan: Plan
    situation: Situation
    remainder: Remainder
    outcome: WorkflowOutcome


class _Maker:
    """Makes the temporary templates of a sequence, of which there is one at a time.

    :param root: the workflow job whose remainder they hold.
    """

    def __init__(self, client: ControllerClient, root: Job) -> None:
        self._client = client
        self._root = root
        self._times = 0
        #: The one that is there.
        self.made: t.Optional[TemporaryTemplate] = None

    def make(self, plan: Plan, situation: Situation, remainder: Remainder, outcome: WorkflowOutcome) -> None:
        """Make one; one that could not be made whole is there all the same.

        :param outcome: what had been done before.
        :raises ControllerError: it could not be made, or not whole.
        """
        source = situation.source
        self._times += 1
        if self._times > MOST_MADE:
            raise RefusedError(
                f"What remains of workflow job {source.id} has changed {MOST_MADE} times while it was being prepared: "
                "others are at work there. Run the task again later."
            )
        try:
            template = _temporary_template.create(self._client, plan, self._root.id)
        except AnswerError as error:
            if error.status != 403 or not error.refuses:
                raise
            # Some other organization was it that OPTIONS spoke of.
            raise RefusedError(not_resumable(source.id, [may_not_make_workflows(source)])) from None
        outcome = replace(outcome, temporary_template_id=template)
        self.made = TemporaryTemplate(template, plan, situation, remainder, outcome)
        with carrying(outcome):
            _temporary_template.fill(self._client, template, plan)

    def delete(self) -> bool:
        """Delete the one that is there, if any: what it was made for is not so any more. Whether it was there still.

        :raises ControllerError: it may be there still.
        """
        if self.made is None:
            return False
        template, self.made = self.made.template, None
        return _temporary_template.delete(self._client, template)

    def drop(self) -> None:
        """The same; one that stays is deleted after success."""
        with contextlib.suppress(ControllerError):
            self.delete()


class ResumeSequence:
    """Runs what remains of a workflow job, in steps that ask for what they wait for.

    :param run: what is asked for.
    :param root: the workflow job, in detail; it has ended.
    """

    def __init__(self, run: WorkflowRun, root: Job) -> None:
        self._run = run
        self._root = root
        self._work = NodeWork(run.watch, run.request)
        self._maker = _Maker(run.client, root)
        self._looks = 0
        run.state.tries = 0

    def steps(self, outcome: WorkflowOutcome) -> Steps[WorkflowOutcome]:
        """Run what remains; where an earlier run of that stopped, go on from there.

        :param outcome: what had been done before.
        :returns: what was done; whatever breaks it off carries what had been done by then.
        :raises RefusedError: it cannot be run, and nothing was made; or the controller declined.
        :raises ControllerError: the task has failed.
        """
        while True:
            try:
                with carrying(outcome if self._maker.made is None else self._maker.made.outcome):
                    done = yield from self._turn(outcome)
            except BrokenOffError as broken:
                if self._maker.made is None or broken.outcome.changed:
                    raise
                # Nothing was launched, so that nothing is to be found by it.
                left, template = t.cast("WorkflowOutcome", broken.outcome), self._maker.made.template
                try:
                    if not self._maker.delete() and isinstance(broken.error, RefusedError):
                        # Others deleted it, such as one who has done the work meanwhile.
                        continue
                    left = replace(left, temporary_template_id=None)
                except ControllerError as error:
                    left = left.warned(_temporary_template.stays(template, error))
                with carrying(left):
                    raise broken.error from None
            if done is not None:
                return done

    def _turn(self, outcome: WorkflowOutcome) -> Steps[t.Optional[WorkflowOutcome]]:
        """From one look to the next; None where that is due."""
        client = self._run.client
        nodes = nodes_of(client, self._root.id)
        # It asks for several lists, and the first of them is the oldest that is known.
        at = client.clock()
        lineage = read_lineage(client, self._root, nodes)
        outcome = outcome.warned(*map(never_runs, lineage.left_new))
        doing = lineage.doing
        if doing is not None and _has_left(self._run, lineage, doing):
            doing = lineage.active
        if doing is not None:
            self._maker.drop()
            return (yield from _follow(self._run, lineage, doing, outcome))
        situation = yield from self._look(lineage, nodes)
        source, handled = situation.source, self._run.request.handled
        remainder = remaining(situation.nodes, source.status, handled, situation.left)
        if isinstance(remainder, Active):
            return (yield from self._await(situation, remainder, outcome))
        made = self._maker.made
        if made is not None and isinstance(remainder, Remainder) and self._is_for(made, situation, remainder):
            if client.clock() - at > FRESH_FOR:
                self._looks += 1
                if self._looks < MOST_LOOKS:
                    return None
                at = client.clock()
                lineage = read_lineage(client, self._root, nodes)
                if lineage.active or lineage.last != situation.source.id:
                    return None
            return (yield from self._launch(made, lineage, at))
        self._maker.drop()
        return (yield from self._prepare(situation, remainder, outcome))

    def _is_for(self, made: TemporaryTemplate, situation: Situation, remainder: Remainder) -> bool:
        """Whether what was made holds what has to run now. A job that healed a node since may have handed on other
        values.
        """
        if not situation.same_as(made.situation):
            return False
        if situation.healed == made.situation.healed:
            return True
        known = read_known(self._run.client, situation.source, remainder, situation.left)
        base = situation.lineage.base
        return planned(situation.source, remainder, known, self._run.request, base) == made.plan

    def _look(self, lineage: Lineage, nodes: t.Sequence[Node]) -> Steps[Situation]:
        """What is left, by the ledger of each node that failed and has to run."""
        source = last_run(self._run.client, lineage)
        self._work.jobs.meet(nodes)
        nodes = _nodes_of_last(self._run, self._work, lineage, source, nodes)
        left: dict[int, NodeLeft] = {}
        remainder = remaining(nodes, source.status, self._run.request.handled)
        if isinstance(remainder, Remainder):
            for node in remainder.nodes:
                if node.bad:
                    left[node.id] = yield from self._work.left(node)
        return Situation(lineage, source, tuple(nodes), left)

    def _await(
        self, situation: Situation, active: Active, outcome: WorkflowOutcome
    ) -> Steps[t.Optional[WorkflowOutcome]]:
        """The work of a node is being done: its end decides."""
        run = self._run
        waits = [(node, left.waits_for) for node in active.nodes if (left := situation.left.get(node.id))]
        found = next(((node, one) for node, one in waits if one is not None), None)
        if found is None:
            raise RefusedError(
                f"Workflow job {situation.source.id} still has active nodes: run the task again when it has ended."
            )
        node, job = found
        said = f"{job.kind.noun.capitalize()} {job.id}, which does work of {node.label}, is {job.status}"
        if only_tells(run, said):
            return outcome.saying(f"{said}: its end decides. It would be waited for.")
        # After that there may be no room any more.
        self._maker.drop()
        yield from run.until_ended(job, outcome)
        return None

    def _prepare(
        self, situation: Situation, remainder: t.Union[Remainder, Nothing], outcome: WorkflowOutcome
    ) -> Steps[t.Optional[WorkflowOutcome]]:
        """Make the temporary template of what remains; what is to be said where nothing is to be made."""
        run, root, source = self._run, self._root, situation.source
        gone = sorted({name for left in situation.left.values() for name in left.gone})
        outcome = replace(outcome.warned(*_gone(situation)), gone_hosts=tuple(gone) or None)
        if isinstance(remainder, Nothing):
            outcome = outcome.about(run.client, source).saying(_nothing(situation, remainder))
            return run.swept(outcome, situation.lineage.leftovers)
        known = read_known(run.client, source, remainder, situation.left)
        plan = planned(source, remainder, known, run.request, situation.lineage.base)
        lines = tuple(fitted_drawing(remainder, known.hosts))
        outcome = replace(
            outcome.warned(*cautions(remainder, known)),
            drawing=lines,
            nodes=_shown(remainder, known.hosts),
            links=_links(remainder),
            not_kept=not_kept(source),
        )
        if run.request.diff:
            outcome = replace(outcome, diff={"before": "", "after": "\n".join(lines) + "\n"})
        with carrying(outcome):
            plan = _allowed(run.client, source, plan)
            labels = join([node.label for node in remainder.nodes])
            said = (f"What remains of workflow job {root.id} would run: {labels}.", *_notes(situation, remainder))
            run.state.plan, run.state.outcome = in_one(*said), outcome
            if (yield Room()):
                # Others went on meanwhile.
                return None
            if run.request.check_mode:
                return replace(outcome, changed=True).saying(*said)
            self._maker.make(plan, situation, remainder, outcome)
        self._looks = 1
        return None

    def _launch(self, made: TemporaryTemplate, lineage: Lineage, at: float) -> Steps[t.Optional[WorkflowOutcome]]:
        """Launch what was made.

        :param at: when the look was answered that this rests on.
        """
        run, root, template = self._run, self._root, made.template
        attempt = Attempt(
            path=f"workflow_job_templates/{template}/launch/",
            body={},
            what=f"What remains of workflow job {root.id}",
            verb="launched",
            is_own=lambda job: job.template == template,
            refused=lambda error: workflow_refused(error, root),
            again_by=at + FRESH_FOR,
        )
        find_healer = partial(_find_healer, run, self._work, made.remainder)
        contest = Contest(root, lineage.last, lineage.of_base, find_healer)
        launched: t.Optional[Launched] = yield from run.launch(attempt, contest, made.outcome)
        if launched is None:
            return None
        labels = join([node.label for node in made.remainder.nodes])
        said = f"What remains of workflow job {root.id} runs as workflow job {launched.job.id}: {labels}."
        outcome = made.outcome.saying(said, *_notes(made.situation, made.remainder))
        templates = tuple(one.template for one in lineage.leftovers if one.template != template)
        outcome = yield from run.launched(launched, contest, outcome, (*templates, template))
        if launched.job.id in self._work.gave_way:
            self._maker.made = None
            return (yield from self.steps(outcome))
        left = made.situation.left.items()
        limited = {made.situation.named(number): one.hosts for number, one in left if one.unsure and one.hosts}
        return outcome.warned(*_left_out(run.client, limited, outcome.job))


def _find_healer(run: WorkflowRun, work: NodeWork, remainder: Remainder, own: Job) -> Steps[t.Optional[Job]]:
    """A job that another caller launched in the same instant, and that does work of a node that failed.

    Its caller may not have seen the own workflow job, which therefore gives way; but not to a job behind that of its
    own node, if the caller gives way to this.

    :param work: is told of the own one where it gives way.
    """
    nodes = [node for node in remainder.nodes if node.bad and node.template_type == JOB.type]
    query = {
        "unified_job_template__in": ",".join(sorted({str(node.template) for node in nodes})),
        "not__launch_type": WORKFLOW,
        "status__in": ",".join(sorted(ACTIVE_STATUSES)),
        "page_size": 1,
    }
    if not (nodes and first_entries(run.client.get, JOB.path, **query)):
        return None
    ran = nodes_of(run.client, own.id)
    work.jobs.meet(ran)
    found = yield from _healing(work, nodes)
    if found is not None and any(node.job is not None and node.job < found.id for node in ran):
        yield Pause(LAUNCHES_SHOW)
        found = yield from _healing(work, nodes)
    if found is not None:
        work.gave_way.add(own.id)
    return found


def _healing(work: NodeWork, nodes: t.Iterable[Node]) -> Steps[t.Optional[Job]]:
    """A job that does work of one of some nodes, and was launched by no workflow."""
    for node in nodes:
        job = (yield from work.left(node)).waits_for
        if job is not None and job.facts.get("launch_type") != WORKFLOW:
            return job
    return None


def _follow(
    run: WorkflowRun, lineage: Lineage, doing: Job, outcome: WorkflowOutcome
) -> Steps[t.Optional[WorkflowOutcome]]:
    """Another run does the work, or has done it. None where it has ended, and a look is due that tells how."""
    what = "a relaunch of all nodes" if doing is lineage.base else anew_in_words(doing) if doing is lineage.anew else ""
    listed, doing = doing, readable(run.client, doing)
    if listed.active and not doing.active:
        return None
    run.state.adopted = doing.active
    if what:
        outcome = outcome.saying(f"Workflow job {doing.id}, {what}, is {doing.status} already.", uncompared(doing))
        if doing.active and run.request.waiting.wait and not run.request.check_mode:
            doing = yield from run.until_ended(doing, outcome.about(run.client, doing))
            # One that ran what remained may have failed all the same.
            if not doing.successful or source_in(doing.name) is not None:
                run.state.adopted = False
                return None
        if doing.successful:
            outcome = run.swept(outcome, lineage.leftovers)
        return (yield from run.followed(doing, outcome))
    outcome, templates = outcome.about(run.client, doing), lineage.templates(doing)
    # After its success, with the template, what it was limited to can be read by few.
    ends = not run.request.check_mode and (run.request.waiting.wait or not doing.active)
    limited = _limited(run.client, lineage, doing) if templates and ends else {}
    if doing.active:
        said = f"What remains of workflow job {lineage.root.id} runs as workflow job {doing.id} already."
        outcome = yield from run.followed(doing, outcome.saying(said), templates, lineage.of_base)
        return outcome.warned(*_left_out(run.client, limited, outcome.job))
    outcome = outcome.warned(*_left_out(run.client, limited, doing))
    said = f"What remained of workflow job {lineage.root.id} ran as workflow job {doing.id}, which was successful"
    outcome = outcome.saying(f"{said}: nothing to resume.")
    return outcome if run.request.check_mode else run.cleaned(doing, outcome, templates)


def _nodes_of_last(
    run: WorkflowRun, work: NodeWork, lineage: Lineage, source: Job, of_root: t.Sequence[Node]
) -> list[Node]:
    """The nodes of the workflow job that went on last, as they have to be run.

    :param work: meets them, and those of the runs before that are asked for.
    :param source: that workflow job.
    :param of_root: the nodes of the root.
    """
    root, base = lineage.root, lineage.base
    nodes = list(of_root) if source.id == root.id else nodes_of(run.client, source.id)
    work.jobs.meet(nodes)
    if source.id == base.id:
        return nodes if source.began else never_run(nodes)
    of_base = lineage.of_base if base.began else never_run(lineage.of_base)
    nodes = _as_they_failed_last(run, work, lineage, source, nodes, of_base)
    return list(_as_in_base(nodes, base, of_base, run.request.node_hosts == ALL))


def _as_they_failed_last(
    run: WorkflowRun, work: NodeWork, lineage: Lineage, source: Job, nodes: list[Node], of_base: t.Sequence[Node]
) -> list[Node]:
    """Nodes of a run of what remained: those that it did not reach, or whose jobs never began, with the jobs with which
    they failed before, which tell what is left.

    :param source: that run.
    :param of_base: the nodes of the workflow job whose remainder it was.
    """
    remainder = remaining(nodes, source.status, run.request.handled)
    # One that has ceased to be run, such as for a failure that was undone, stays so.
    kept = {node.id: node for node in remainder.nodes} if isinstance(remainder, Remainder) else {}
    cut = source.id in work.gave_way
    wanted = {
        node.identifier: node
        for node in kept.values()
        if (cut and node.status == CANCELED) or not (node.early or work.began(node))
    }
    found: dict[int, Node] = {}
    between = [job for job in lineage.resumes if lineage.base.id < job.id < source.id]
    for job in (*reversed(between), lineage.base):
        if not wanted:
            break
        of_job = of_base if job is lineage.base else nodes_seen(run.client, job.id)
        work.jobs.meet(of_job or ())
        for before in of_job or ():
            node = wanted.get(before.key)
            if node is not None and before.bad and work.began(before):
                del wanted[node.identifier]
                found[node.id] = replace(
                    node, job=before.job, job_type=before.job_type, status=before.status, do_not_run=before.do_not_run
                )
    return [found.get(node.id, kept.get(node.id, node)) for node in nodes]


def _as_in_base(nodes: t.Iterable[Node], base: Job, of_base: t.Iterable[Node], every: bool) -> t.Iterator[Node]:
    """Nodes of a run of what remained, without the limits that they had been given for the hosts that were left then.

    :param of_base: those of the workflow job whose remainder it was: its limits they get back, and its approval
        templates where their own went with the temporary template.
    :param every: also nodes that did not run there.
    """
    known = {one.key: one for one in of_base}
    for node in nodes:
        own = known.get(node.identifier)
        if own is not None and node.template is None and own.template_type == APPROVAL:
            node = replace(node, template=own.template, template_type=own.template_type, name=own.name)
        if own is None or not (every or node.bad):
            yield node
            continue
        first = {**own.prompts, "limit": _limit_in(base, own)}
        limits = {name: first.get(name) for name in ("limit", "job_slice_count") if name in node.prompts}
        prompts = {name: value for name, value in {**node.prompts, **limits}.items() if value is not None}
        yield replace(node, prompts=prompts)


def _limit_in(base: Job, own: Node) -> t.Optional[str]:
    """What a node of a workflow job was limited to."""
    return base.facts.get("limit") or own.prompts.get("limit")


def _limited(client: ControllerClient, lineage: Lineage, job: Job) -> dict[str, tuple[str, ...]]:
    """By node of a run of what remained, the hosts to which it was limited there."""
    of_base = nodes_seen(client, lineage.base.id) or ()
    known = {one.key: _limit_in(lineage.base, one) for one in of_base}
    return {
        node.label: tuple(names_in(limit))
        for node in nodes_seen(client, job.id) or ()
        if (limit := node.prompts.get("limit")) and limit != known.get(node.identifier, limit)
    }


def _has_left(run: WorkflowRun, lineage: Lineage, doing: Job) -> bool:
    """Whether a success has left undone what a failure had a way on for; of a relaunch of all that is looked at."""
    if doing.active or not (doing is lineage.base or run.request.handled):
        return False
    if doing is lineage.base:
        return True
    nodes = nodes_seen(run.client, doing.id)
    return nodes is not None and isinstance(remaining(nodes, doing.status, handled=True), Remainder)


def _allowed(client: ControllerClient, source: Job, plan: t.Union[Plan, tuple[str, ...]]) -> Plan:
    """The plan, where nothing stands in its way.

    :raises RefusedError: with all that does.
    """
    reasons = [] if isinstance(plan, Plan) else list(plan)
    if "POST" not in (client.options("workflow_job_templates/").get("actions") or {}):
        reasons.append(may_not_make_workflows(source))
    if reasons or not isinstance(plan, Plan):
        raise RefusedError(not_resumable(source.id, reasons))
    return plan


def _left_out(
    client: ControllerClient, limited: t.Mapping[str, t.Collection[str]], job: t.Optional[Job]
) -> t.Iterator[str]:
    """Hosts on which nodes did not run though limited to them, where nobody could tell before.

    :param limited: by what nodes are called, the hosts.
    :param job: the workflow job that ran them.
    """
    if not limited or job is None or not job.successful:
        return
    try:
        # Of a workflow job whose template is gone the jobs stay readable.
        entries = client.results(JOB.path, unified_job_node__workflow_job=job.id)
        ran = [Job.of(entry) for entry in entries]
        for label, hosts in limited.items():
            for one in (one for one in ran if one.limit_names == frozenset(hosts)):
                missing = sorted(set(hosts) - names_of(host_summaries(client, one.id)))
                if missing:
                    yield (
                        f"{label} did not run on {join(missing)} in job {one.id}, though limited to it: such hosts are "
                        "disabled, and the workflow went on without them."
                    )
    except ControllerError as error:
        yield f"Whether nodes ran on all of the hosts that they are limited to is not known: {error}"


def _nothing(situation: Situation, remainder: Nothing) -> str:
    """Why nothing is to be resumed, as sentences."""
    source, handled = situation.source, join([node.label for node in remainder.handled])
    why = (
        f", though not on {handled}: it had a way on for that; workflow_job_relaunch with handled: true resumes it all "
        "the same"
        if handled
        else ""
    )
    was = "was" if source.successful else "ended with status"
    first = f"Workflow job {source.id} {was} {source.status}{why}."
    # A relaunch of all nodes; of what remained nothing is compared.
    secret = uncompared(source) if source.id == situation.lineage.base.id != situation.lineage.root.id else ""
    return in_one(first, secret, _since(situation), "Nothing to resume.")


def _since(situation: Situation) -> str:
    ran = {node.id: node.job for node in situation.nodes}
    # Where the failed hosts are gone nobody has done anything.
    healed = [
        f"that of {situation.named(number)} in job {by}"
        for number, by in situation.healed.items()
        if by != ran.get(number)
    ]
    since = f"What failed there has been done since: {join(healed)}." if healed else ""
    masked = any(left.masked for left in situation.left.values())
    return in_one(since, UNCOMPARED if masked else "")


def _gone(situation: Situation) -> t.Iterator[str]:
    for number, left in situation.left.items():
        if left.gone:
            yield f"{situation.named(number)} failed on {join(left.gone)}, not in the inventory any more: left out."


def _notes(situation: Situation, remainder: Remainder) -> t.Iterator[str]:
    """What is to be said of a remainder besides the names of its nodes."""
    yield _since(situation)
    for number, left in situation.left.items():
        if left.whole:
            yield f"{situation.named(number)} runs on all of its hosts: {left.whole}."
    early = [node.label for node in remainder.nodes if node.early]
    if early:
        yield f"{join(early)} had run too early, before a parent that did not succeed, and runs again after it."
    handlers = [node.label for node in remainder.handlers]
    if handlers:
        yield (
            f"{join(handlers)} ran for a failure then, and will not run again if that comes again: to have it done "
            f"once more, {ALL_NODES}, or launch its template by hand."
        )


def _shown(remainder: Remainder, hosts: t.Mapping[int, t.Sequence[str]]) -> tuple[dict[str, t.Any], ...]:
    return tuple(
        {
            "identifier": node.identifier,
            "name": node.label,
            "job_id": node.job,
            "status": node.status or "not run",
            "hosts": list(hosts.get(node.id, ())),
        }
        for node in remainder.nodes
    )


def _links(remainder: Remainder) -> tuple[dict[str, str], ...]:
    identifiers = {node.id: node.identifier for node in remainder.nodes}
    return tuple(
        {"parent": identifiers[link.parent], "child": identifiers[link.child], "kind": link.kind}
        for link in remainder.links
    )
