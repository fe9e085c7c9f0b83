# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of a workflow job: relaunches of all nodes, and runs of what remained of it. The controller keeps no record
of that; it shows in templates, names and the jobs of nodes. Private to this collection.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from .._api import jobs as _jobs
from .._api.client import ControllerClient
from .._api.errors import AnswerError, RefusedError, if_visible
from .._api.jobs import CANCELED, FAILED_STATUS, FAILED_STATUSES, RELAUNCH, Job, summary_of
from .._api.kinds import JOB, WORKFLOW_JOB
from .._api.templates import WORKFLOW_TEMPLATE
from .._launch.tie_break import gave_way
from .._work.runs import runs_query, same_limit
from .._work.same_work import EditedTemplate, SameWork, same_launch, same_template, slice_of
from . import temporary_template as _temporary_template
from .remaining_nodes import ALL_NODES, Node
from .temporary_template import Earlier


@dataclass(frozen=True)
class Lineage:
    """What came of a workflow job.

    :param root: it, in detail.
    :param base: the newest relaunch of all of its nodes, else the root.
    :param resumes: those that ran what remained of it; the last of them that ended is told ``as_it_ended``.
    :param leftovers: their temporary templates that are there.
    :param left_new: those that will never run, since their launch broke half way.
    :param anew: a later launch with the same values that has succeeded since the last failure, or else is active; or
        what did the same of the newest of these.
    :param of_base: the nodes of the base; where that is active, those of the root.
    """

    root: Job
    base: Job
    resumes: tuple[Job, ...]
    leftovers: tuple[Earlier, ...]
    left_new: tuple[Job, ...] = ()
    anew: t.Optional[Job] = None
    of_base: tuple[Node, ...] = ()

    @property
    def doing(self) -> t.Optional[Job]:
        """The workflow job that does the work, or has done it: after the newest relaunch of all nodes, or anew."""
        # A success counts as long as none that ended is newer: somebody may have relaunched what ran.
        last = max((self.base, *(job for job in self.resumes if not job.active)), key=lambda job: job.id)
        whole = () if self.base is self.root else (self.base,)
        candidates = (*self.resumes, *whole)
        return next((job for job in candidates if job.active or (job.successful and job is last)), self.anew)

    @property
    def active(self) -> t.Optional[Job]:
        """One that is active; None if none."""
        anew = () if self.anew is None else (self.anew,)
        return next((job for job in (*self.resumes, self.base, *anew) if job.active), None)

    @property
    def last(self) -> int:
        """The number of the workflow job that went on last: what remains of it is what remains."""
        return max([self.base.id, *(job.id for job in self.resumes)])

    def templates(self, followed: Job) -> tuple[int, ...]:
        """The temporary templates in the order in which they are removed: the one that shows the success is the last.

        :param followed: the workflow job whose success is waited for.
        """
        ordered = sorted(self.leftovers, key=lambda one: one.job is not None and one.job.id == followed.id)
        return tuple(one.template for one in ordered)


def nodes_of(client: ControllerClient, job_id: int) -> list[Node]:
    """The nodes of a workflow job.

    :raises ControllerError: they could not be read.
    """
    return [Node.of(entry) for entry in client.results(WORKFLOW_JOB.at(job_id, "workflow_nodes"))]


def nodes_seen(client: ControllerClient, job_id: int) -> t.Optional[list[Node]]:
    """The same; None where this user may not see them."""
    return if_visible(lambda: nodes_of(client, job_id))


def as_it_ended(client: ControllerClient, job: Job, of_base: t.Sequence[Node]) -> Job:
    """A workflow job, as failed where it ran what remained of another one, and a node failed that has no way on there.

    The controller may call it successful: what waits there for such a node, but was due without it, runs also if it
    fails. Only a node for which any of several parents is enough can wait like that; else nothing is asked.

    :param of_base: the nodes of the workflow job whose remainder it was.
    :returns: the job as it is where that is not so, or its nodes may not be read.
    :raises ControllerError: they could not be read.
    """
    parents = Counter(link.child for node in of_base for link in node.links)
    may_wait = any(parents[node.id] > 1 and not node.converges for node in of_base)
    if not (may_wait and job.successful and _temporary_template.source_in(job.name) is not None):
        return job
    without_way_on = {node.key for node in of_base if not node.has_way_on}
    failed = {node.key for node in nodes_seen(client, job.id) or () if node.bad and not node.unknown}
    return Job.of({**job.facts, "status": FAILED_STATUS}) if failed & without_way_on else job


def root_of(client: ControllerClient, job: Job) -> Job:
    """The workflow job that another one goes back to: that it ran the remainder of, or is a relaunch of.

    :returns: in detail; the job itself where it goes back to none, or to one that is gone.
    :raises ControllerError: it could not be read.
    """
    number = _temporary_template.source_in(job.name)
    if number is not None:
        source = if_visible(lambda: _jobs.get(client, number, WORKFLOW_JOB))
        if source is None:
            return job
        job = source
    launch = Relaunches(client).launch_of(job) if job.is_relaunch else None
    return job if launch is None else _jobs.get(client, launch.id, WORKFLOW_JOB)


class Relaunches:
    """Tells of which workflow job another one is a relaunch of all nodes, and which were launched with the same.

    A relaunch has no pointer to its source, and is the template as it is by then, with the source's prompts, which no
    list shows. So it has the values of the source; where the template has been edited since, it may differ in what that
    has now.
    """

    def __init__(self, client: ControllerClient) -> None:
        self._client = client
        self._templates: dict[int, t.Optional[EditedTemplate]] = {}
        self._slices: dict[int, dict[t.Any, Job]] = {}

    def launch_of(self, job: Job) -> t.Optional[Job]:
        """The launch that a relaunch goes back to: of those that had ended before the one that differs least, and of
        several the newest; None where none fits.

        :raises ControllerError: it could not be read.
        """
        others = []
        for launch in self._launches_before(job):
            if self.same(launch, job) is not False:
                return launch
            others.append(launch)
        differences = ((self._differences(launch, job), launch) for launch in others)
        found = [(number, launch) for number, launch in differences if number is not None]
        return min(found, key=lambda one: one[0])[1] if found else None

    def include(self, root: Job, job: Job) -> bool:
        """Whether a workflow job is a relaunch of this one, or of one that was launched with the same.

        :raises ControllerError: that could not be read.
        """
        if not (job.is_relaunch and same_template(root, job)):
            return False
        differences = self._differences(root, job)
        if not differences:
            return differences == 0
        others = (self._differences(launch, job) for launch in self._launches_before(job))
        return not any(one is not None and one < differences for one in others)

    def same(self, launch: Job, job: Job) -> t.Optional[bool]:
        """Whether two workflow jobs of a template were launched with the same values. A sliced run shows few of them
        itself, such as no job type: a slice of each is compared.

        :returns: None where one of them has no slices, by which that would be known.
        :raises ControllerError: that could not be read.
        """
        if not same_launch(launch, job):
            return False
        if not launch.facts.get("is_sliced_job"):
            return True
        ours, theirs = self._slices_of(launch), self._slices_of(job)
        if not (ours and theirs):
            return None
        both = [(one, theirs[number]) for number, one in ours.items() if number in theirs]
        return bool(both) and same_limit(*both[0]) and SameWork(self._client, both[0][0]).includes(both[0][1])

    def _slices_of(self, run: Job) -> dict[t.Any, Job]:
        """By which slice of how many it is; those that have become jobs by now."""
        if not self._slices.get(run.id):
            query = {"unified_job_node__workflow_job": run.id, "order_by": "id"}
            jobs = map(Job.of, self._client.results(JOB.path, **query))
            self._slices[run.id] = {slice_of(job): job for job in jobs}
        return self._slices[run.id]

    def _differences(self, launch: Job, job: Job) -> t.Optional[int]:
        """In how many values a relaunch differs from a launch; None where that is no edit of the template."""
        if self.same(launch, job) is not False:
            return 0
        template = self._template(launch.template)
        return None if template is None else template.differences(launch, job)

    def _launches_before(self, job: Job) -> t.Iterator[Job]:
        query = {**runs_query(job), "order_by": "-id", "id__lt": job.id, "not__launch_type": RELAUNCH}
        for launch in map(Job.of, self._client.results(WORKFLOW_JOB.path, **query)):
            if not launch.active and launch.finished < job.created:
                yield launch

    def _template(self, number: t.Optional[int]) -> t.Optional[EditedTemplate]:
        """None where it is gone, or that of a sliced job, which is a job template."""
        if number is not None and number not in self._templates:
            path = f"{WORKFLOW_TEMPLATE.path}{number}/"

            def read() -> EditedTemplate:
                facts = self._client.get(path)
                survey = self._client.get(f"{path}survey_spec/") if facts.get("survey_enabled") else {}
                return EditedTemplate(facts, survey.get("spec") or ())

            self._templates[number] = if_visible(read)
        return None if number is None else self._templates[number]


def read_lineage(client: ControllerClient, root: Job, nodes: t.Sequence[Node]) -> Lineage:
    """What has come of a workflow job by now.

    :param root: it, which has ended.
    :param nodes: its own.
    :raises ControllerError: it could not be read.
    """
    leftovers = tuple(_temporary_template.earlier(client, root.id))
    named = {"name__startswith": _temporary_template.name_prefix(root.id), "order_by": "-id"}
    by_name = [Job.of(entry) for entry in client.results(WORKFLOW_JOB.path, **named)]
    by_nodes, whole = _by_jobs(client, root, _may_run_again(nodes))
    found = {job.id: job for job in by_nodes}
    found.update((job.id, job) for job in (*by_name, *(one.job for one in leftovers if one.job is not None)))
    now = client.now()
    left_new = tuple(job for job in (*found.values(), *whole) if job.left_new(now))
    resumes = [job for job in found.values() if _says_something(job) and job not in left_new]
    whole = [job for job in whole if job not in left_new]
    base, of_base = _base(client, root, whole, resumes), tuple(nodes)
    if base is not root and not base.active:
        # Its nodes may run other templates by then.
        of_base = tuple(nodes_of(client, base.id))
        others = _may_run_again(of_base) - _may_run_again(nodes)
        more = _by_jobs(client, root, others)[0] if others else ()
        resumes += [job for job in more if job.id not in found and _says_something(job) and not job.left_new(now)]
    lasting = without_losers(resumes, base)
    # Whatever ended later outranks a success.
    last = max([base.id, *(job.id for job in lasting if not job.active)])
    lasting = tuple(as_it_ended(client, job, of_base) if job.id == last else job for job in lasting)
    anew = None if base.successful else _anew(client, root, base, whole, lasting)
    return Lineage(root, base, lasting, leftovers, left_new, anew, of_base)


def anew_in_words(anew: Job) -> str:
    """What a workflow job is that does the work ``anew``, for behind its number."""
    number = _temporary_template.source_in(anew.name)
    same = "launched with the same values"
    return same if number is None else f"what remained of workflow job {number}, which was {same}"


def success_since(jobs: t.Iterable[Job], failure: datetime) -> t.Optional[Job]:
    """The newest of some workflow jobs that was successful, and began after the end of the last failure."""
    found = (job for job in jobs if job.successful and job.created > failure)
    return max(found, key=lambda job: job.id, default=None)


def _anew(
    client: ControllerClient, root: Job, base: Job, whole: t.Iterable[Job], resumes: t.Iterable[Job]
) -> t.Optional[Job]:
    """The later launch with the same values that does the work, or has done it, be it by what remained of it.

    A nested workflow is none: as a node it is the work of another workflow.

    :raises RefusedError: one is active of which that is not known yet.
    """
    relaunches = Relaunches(client)
    others = (job for job in whole if job.facts.get("launch_type") not in (RELAUNCH, _jobs.WORKFLOW))
    found = [(job, relaunches.same(root, job)) for job in others]
    unknown = next((job for job, alike in found if alike is None and job.active), None)
    if unknown is not None:
        raise RefusedError(
            f"Workflow job {unknown.id}, of the same sliced job template, is {unknown.status}, and without jobs of "
            f"slices it is not known whether it does the work of workflow job {root.id}. Run the task again later."
        )
    same = [job for job, alike in found if alike]
    failed = [job.finished for job in (base, *resumes, *same) if job.status in FAILED_STATUSES]
    last = max([root.finished, *failed])
    done = success_since(same, last) or next((job for job in same if job.active), None)
    newest = max(same, key=lambda job: job.id, default=None)
    if done is not None or newest is None or newest.successful:
        return done
    nodes = nodes_seen(client, newest.id)
    doing = None if nodes is None else read_lineage(client, newest, nodes).doing
    return doing if doing is not None and (doing.active or success_since([doing], last)) else None


def read_base(client: ControllerClient, root: Job) -> Job:
    """The newest relaunch of all nodes of a workflow job, else that itself; in one list where nothing has come of it.

    :param root: it, which has ended.
    :raises ControllerError: it could not be read.
    """
    now = client.now()
    _resumes, whole = _by_jobs(client, root, frozenset())
    return _base(client, root, [job for job in whole if not job.left_new(now)], ())


def without_losers(resumes: t.Iterable[Job], base: Job) -> tuple[Job, ...]:
    """Runs of what remained, oldest first, without those that gave way to another caller's. Their templates are there
    where their task was killed before it removed them.

    :param base: the newest relaunch of all nodes, to which they give way too; else the root.
    """
    order = sorted(resumes, key=lambda job: job.id)
    return tuple(job for job in order if not gave_way(job, (base, *order)))


def _says_something(job: Job) -> bool:
    """Whether a workflow job has run anything, or may do so; one that was canceled while pending has not."""
    return job.active or job.began


def _base(client: ControllerClient, root: Job, whole: t.Sequence[Job], resumes: t.Sequence[Job]) -> Job:
    """The newest relaunch of all nodes, else the root. One that was canceled took back nothing, unless a node failed.

    :param whole: the newer workflow jobs of its template, newest first.
    """
    relaunches = Relaunches(client)
    found = (job for job in whole if job.created > root.finished and _says_something(job))
    own = (job for job in found if relaunches.include(root, job))
    base, canceled = root, list[Job]()
    for job in own:
        if job.status != CANCELED:
            base = job
            break
        canceled.append(job)
    newer = (job for job in canceled if not gave_way(job, (base, *canceled, *resumes)))
    for job in newer:
        if any(node.status in FAILED_STATUSES for node in nodes_of(client, job.id)):
            return job
    return base


def _may_run_again(nodes: t.Iterable[Node]) -> frozenset[int]:
    """The templates of the nodes that may be among what remains: one that succeeded may have run too early."""
    found = (node.template for node in nodes if not node.succeeded or node.converges)
    return frozenset(number for number in found if number is not None)


def _by_jobs(client: ControllerClient, root: Job, of_nodes: t.AbstractSet[int]) -> tuple[list[Job], list[Job]]:
    """What the newer jobs of its template and of its nodes' templates tell.

    Where a temporary template is gone, only administrators and auditors find its workflow job by its name.

    :param of_nodes: the templates of its nodes.
    :returns: runs of what remained, with times that their nodes tell; and the newer workflow jobs of its template,
        newest first.
    """
    templates = sorted({*of_nodes, *([] if root.template is None else [root.template])})
    query = {
        "unified_job_template__in": ",".join(map(str, templates)),
        "id__gt": root.id,
        # Of its own template also what was launched anew.
        **({} if root.template is None else {"or__unified_job_template": root.template}),
        "or__launch_type__in": "workflow,relaunch",
    }
    whole, found = _of_deleted_template(client, root), dict[int, Job]()
    entries = client.results("unified_jobs/", **query, order_by="-id") if templates else ()
    for entry in entries:
        job = Job.of(entry)
        # A nested workflow is among the jobs of nodes; one that was relaunched by hand is no relaunch of this one.
        own = root.template is not None and job.template == root.template
        if entry.get("type") == WORKFLOW_JOB.type and (own or job.is_relaunch):
            whole += [job] if own else []
            continue
        facts = summary_of(entry, "source_workflow_job")
        if str(facts.get("name")).startswith(_temporary_template.name_prefix(root.id)):
            later = found.get(int(facts["id"]), job)
            times = {"created": entry.get("created"), "finished": later.facts.get("finished")}
            found[int(facts["id"])] = Job.of({**facts, "type": WORKFLOW_JOB.type, **times})
    return list(found.values()), whole


def _of_deleted_template(client: ControllerClient, root: Job) -> list[Job]:
    """The newer workflow jobs of a template, where that has been deleted: by the name that it had."""
    if root.template is not None:
        return []
    query = {**runs_query(root), "id__gt": root.id, "order_by": "-id"}
    return [Job.of(entry) for entry in client.results(WORKFLOW_JOB.path, **query)]


def last_run(client: ControllerClient, lineage: Lineage) -> Job:
    """The workflow job that went on from the root last, in detail, with the status by which the lineage tells it.

    :raises RefusedError: this user may not read it any more.
    """
    root = lineage.root
    if lineage.last == root.id:
        return root
    last = if_visible(lambda: _jobs.get(client, lineage.last, WORKFLOW_JOB), [403])
    if last is not None:
        failed = any(job.id == last.id and job.status == FAILED_STATUS for job in lineage.resumes)
        return Job.of({**last.facts, "status": FAILED_STATUS}) if failed else last
    raise RefusedError(
        f"Workflow job {lineage.last} ran what remained of workflow job {root.id} last, and its temporary template was "
        "deleted, so that only system administrators and auditors can read what it left undone. Let one of them run "
        f"the task, or {ALL_NODES}."
    )


def workflows_above(client: ControllerClient, job: Job) -> list[Job]:
    """The workflow jobs whose node a job is, be it by others in between, and those that what remains of ran for.

    :raises ControllerError: they could not be asked for; what this user may not see is left out.
    """
    found: list[Job] = []
    above = [job.summary("source_workflow_job").get("id")]
    while above:
        number = above.pop()
        workflow = None if number is None else if_visible(partial(_jobs.get, client, int(number), WORKFLOW_JOB))
        if workflow is None:
            continue
        found.append(workflow)
        above += [workflow.summary("source_workflow_job").get("id"), _temporary_template.source_in(workflow.name)]
    return found


def refuse_own(client: ControllerClient, own_job: t.Optional[int], job: Job) -> None:
    """Refuse to wait for the workflow job that waits for the task.

    :param own_job: the number of the controller's job that the task runs in, if it does.
    :param job: what would be waited for.
    :raises RefusedError: the task runs in a node of it.
    :raises ControllerError: that could not be asked for.
    """
    if own_job is None:
        return
    own = if_visible(lambda: _jobs.get(client, own_job))
    # One that has ended is a job of another controller.
    if own is not None and own.active and job.id in (one.id for one in workflows_above(client, own)):
        raise RefusedError(
            f"Workflow job {job.id} is the one that this task runs in, as job {own_job} of a node: it cannot wait for "
            "itself. Run the task outside of this workflow, when that has ended."
        )


def readable(client: ControllerClient, job: Job) -> Job:
    """A workflow job's detail; what is known of it where only administrators and auditors may read that.

    :raises ControllerError: it could not be read for another reason.
    """
    try:
        return _jobs.get(client, job.id, WORKFLOW_JOB)
    except AnswerError as error:
        if not error.refuses:
            raise
        return job
