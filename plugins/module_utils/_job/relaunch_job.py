# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What job_relaunch does: find the job, and drive its sequence. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api.client import ControllerClient
from .._api.errors import RefusedError, if_visible
from .._api.jobs import CANCELED, FAILED_STATUSES, FINAL_STATUSES, SUCCESSFUL, Job, get_named, summary_of
from .._api.kinds import JOB
from .._api.paging import first_entries
from .._api.templates import NAMED_URL_DELIMITER, id_of, in_organization, latest_job_id
from .._launch.changes import with_numbers
from .._launch.refusals import source_is_other, source_unavailable
from .._launch.waiting import Progress, Watch
from .._work.decision import REMAINING
from .._work.ledger_reader import JobsRead
from .._work.same_work import same_but_limit
from .driver import drive
from .options import RelaunchRequest
from .outcome import RelaunchOutcome, carrying
from .sequence import RelaunchSequence
from .work import JobWork, Park


def relaunch_job(
    client: ControllerClient, request: RelaunchRequest, progress: t.Optional[Progress] = None
) -> RelaunchOutcome:
    """Bring it about that the work of a job is done, or say why not.

    :param client: the controller.
    :param request: what is asked for.
    :param progress: is shown the job at each look while waiting for its end.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    watch = Watch(client, request.waiting, progress)
    request = replace(request, changes=with_numbers(client, request.changes, request.check_mode))
    return run_sequence(sequence_of(request, watch, JobsRead()), request, watch)


def sequence_of(
    request: RelaunchRequest, watch: Watch, read: JobsRead, park: t.Optional[Park] = None
) -> RelaunchSequence:
    """The sequence of a job.

    :param read: what is known of jobs that have ended; it grows.
    """
    return RelaunchSequence(lambda source: replace(JobWork.of(request, watch, source, read), park=park))


def run_sequence(sequence: RelaunchSequence, request: RelaunchRequest, watch: Watch) -> RelaunchOutcome:
    """Find the job that a task names, and drive its sequence.

    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    job_id = source_job_id(watch.client, request)
    outcome = RelaunchOutcome(source_job_id=job_id)
    with carrying(outcome):
        source = get_named(watch.client, job_id, JOB, source_unavailable)
    return drive(sequence.steps(source, outcome), watch)


def source_job_id(client: ControllerClient, request: RelaunchRequest) -> int:
    """The number of the job that a task means: by itself, by its template, or by its place in a workflow.

    Inside of a job of the controller the nodes before that one are asked for first, so that of a workflow that runs
    twice at once each takes its own; one of a template that no such node has means its latest job.

    :raises ControllerError: there is none, or it could not be looked up.
    """
    if request.job_id is not None:
        return request.job_id
    template, organization = request.job_template or None, request.organization or None
    if request.own_job is not None:
        found = parent_job_id(request.own_job, _nodes_before(client, request.own_job), template)
        wanted = organization or (template or "").partition(NAMED_URL_DELIMITER)[2]
        if found is not None and (not wanted or in_organization(client.get(JOB.at(found)), wanted)):
            return found
    choose = _before_launches_by_limit if request.options.hosts == REMAINING else None
    return latest_job_id(client, str(template), organization, choose)


def _before_launches_by_limit(jobs: t.Sequence[t.Mapping[str, t.Any]]) -> t.Mapping[str, t.Any]:
    """The failed job that the latest one goes on with, or that itself: what remains is launched by a limit, and is no
    relaunch to the controller.

    :param jobs: of a template, the newest first.
    """
    found = Job.of(jobs[0])
    for older in map(Job.of, jobs[1:]):
        if not found.limit_names:
            break
        wider = not older.limit_names or found.limit_names < older.limit_names
        # One that was canceled has done nothing of what was left.
        if older.status == CANCELED or not (wider and same_but_limit(older, found)):
            continue
        if older.status not in FAILED_STATUSES:
            break
        found = older
    return found.facts


def parent_job_id(own_job: int, nodes: t.Sequence[t.Mapping[str, t.Any]], template: t.Optional[str]) -> t.Optional[int]:
    """The job of the failed node before the one that a task runs in; of a single node also one that did not fail.

    :param own_job: the job that the task runs in.
    :param nodes: those before its node, as the API shows them (recorded: node-parent-any).
    :param template: name, id or named URL of the template that is meant; None for whichever it is.
    :returns: None where a template is meant that no such node has.
    :raises RefusedError: there is none, or more than one.
    """
    ended = [node for node in nodes if summary_of(node, "job").get("status") in FINAL_STATUSES]
    if template is not None:
        ended = [node for node in ended if _has_template(node, template)]
        if not ended:
            return None
    failed = [node for node in ended if summary_of(node, "job")["status"] != SUCCESSFUL]
    meant = failed or ended
    if not meant:
        raise RefusedError(
            f"Neither job_id nor job_template is given, and no job of a node before this one is known: job {own_job}, "
            "in which the task runs, is no node of a workflow that follows another one, or this user may not see the "
            "workflow. Give one of them."
        )
    if len(meant) > 1:
        which = "have failed" if failed else "lie before this one, and none has failed"
        raise RefusedError(
            f"Several nodes before job {own_job}, in which the task runs, {which}: {', '.join(map(_label, meant))}. "
            "Give the job_template of one of them, or its job_id."
        )
    job = summary_of(meant[0], "job")
    if job.get("type") not in (None, JOB.type):
        raise RefusedError(source_is_other(int(job["id"]), str(job["type"])))
    return int(job["id"])


def _nodes_before(client: ControllerClient, own_job: int) -> list[dict[str, t.Any]]:
    """The nodes of its workflow that the node of a job follows, by whatever link; none where it has none, as a
    relaunched one, or where this user may not see them (recorded: node-parent-*).
    """
    links = {f"or__{kind}_nodes__job": own_job for kind in ("failure", "always", "success")}
    return if_visible(lambda: first_entries(client.get, "workflow_job_nodes/", page_size=200, **links)) or []


def _has_template(node: t.Mapping[str, t.Any], name_or_id: str) -> bool:
    name = summary_of(node, "unified_job_template").get("name")
    number = id_of(name_or_id)
    if number is not None and number == node.get("unified_job_template"):
        return True
    return name is not None and name in (name_or_id, name_or_id.partition(NAMED_URL_DELIMITER)[0])


def _label(node: t.Mapping[str, t.Any]) -> str:
    job = summary_of(node, "job")
    return f"{node.get('identifier')} (job {job['id']}, {job.get('name')})"
