# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence behind jobs_relaunch: find the jobs, plan, relaunch a few at a time, account for all of them."""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._api.errors import (
    JobUnsuccessfulError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import told
from .._job.claim import adopted
from .._job.outcome import carrying
from .._job.relaunch_post import relaunch
from .._launch.waiting import Watch
from .._work.decision import FAILED, Adopt, Await, Launch
from .driver import CountedProgress, Together
from .find_jobs import Found, find
from .options import JobsRequest
from .outcome import (
    ADOPTED,
    REFUSED,
    RELAUNCHED,
    JobEntry,
    JobsOutcome,
)
from .plan import Plan, Planner
from .underway import of_error

if t.TYPE_CHECKING:
    from .._api.client import ControllerClient


def relaunch_jobs(
    client: ControllerClient, request: JobsRequest, now: datetime, progress: t.Optional[CountedProgress] = None
) -> JobsOutcome:
    """Bring it about that the work of many jobs has succeeded, and account for each of them.

    :param client: the controller.
    :param request: what is asked for.
    :param now: with its zone.
    :param progress: is shown how far all of it is, at each change.
    :returns: what was done; whatever breaks it off carries what had been done by then.
    :raises ControllerError: the task has failed.
    """
    watch = Watch(client, request.waiting)
    found = find(client, request.selection)
    if not found.jobs:
        return JobsOutcome(msg=_nothing(found, request))
    planner = Planner(client, request, watch, now)
    plan = planner.plan(found.jobs)
    _check_number(plan, request)
    if request.check_mode:
        outcome = _told(_predicted(plan), found, request)
        with carrying(outcome):
            _check(outcome, request)
        return outcome
    together = Together(request, watch, planner, plan, progress)
    outcome = _told(together.run(), found, request)
    with carrying(outcome):
        if together.timed_out:
            timeout = f"Waiting ended after {request.waiting.timeout:g} seconds (timeout)."
            raise WaitTimeoutError(f"{timeout} {outcome.msg} Run the task again to go on.")
        _check(outcome, request)
    return outcome


def _nothing(found: Found, request: JobsRequest) -> str:
    if found.slices:
        return f"All {found.slices} slices of workflow job {request.selection.workflow_job_id} were successful."
    return f"No job that this user may see is selected ({request.selection.told}): nothing to relaunch."


def _check_number(plan: Plan, request: JobsRequest) -> None:
    launches = sum(isinstance(due.decision, Launch) for due in plan.due.values())
    if launches <= request.max_jobs:
        return
    with carrying(_planned(plan)):
        raise RefusedError(
            f"Nothing was launched: {launches} jobs would be relaunched, and max_jobs is {request.max_jobs}. They are "
            "listed in the result, in jobs. Select fewer of them, or raise max_jobs."
        )


def _planned(plan: Plan) -> JobsOutcome:
    """The plan, as far as it is known without further requests."""
    entries = dict(plan.settled)
    for number, due in plan.due.items():
        decision = due.decision
        if isinstance(decision, Launch):
            on = "its failed hosts" if decision.hosts == FAILED else "all its hosts"
            msg = f"{decision.reason}: would be relaunched on {on}."
            entries[number] = JobEntry.of(due.source, RELAUNCHED, due.outcome, msg=msg)
        elif isinstance(decision, Adopt):
            outcome = adopted(due.case, decision, decision.job, due.outcome)
            entries[number] = JobEntry.of(due.source, ADOPTED, outcome)
        elif isinstance(decision, Await):
            msg = f"Its end would be waited for, before anything is decided: {decision.what.rstrip(',')}."
            entries[number] = JobEntry.of(due.source, ADOPTED, due.outcome, msg=msg)
    return JobsOutcome(jobs=tuple(entry for _number, entry in sorted(entries.items())))


def _predicted(plan: Plan) -> JobsOutcome:
    """The plan for a person to sign off: each relaunch with the hosts that it would run on."""
    entries = {entry.source_job_id: entry for entry in _planned(plan).jobs}
    for number, due in plan.due.items():
        if not isinstance(due.decision, Launch):
            continue
        try:
            outcome = relaunch(due.case, due.decision, due.outcome, lambda _launched, new: new)
            entries[number] = JobEntry.of(due.source, RELAUNCHED, outcome)
        except RefusedError as error:
            entries[number] = of_error(due, error)
    changed = any(entry.outcome == RELAUNCHED for entry in entries.values())
    return JobsOutcome(changed=changed, jobs=tuple(entries.values()))


def _told(outcome: JobsOutcome, found: Found, request: JobsRequest) -> JobsOutcome:
    """The outcome with its sentence."""
    planned = "In check mode, nothing was launched: " if request.check_mode else ""
    return outcome.saying(f"{planned}{outcome.told(request.check_mode)}", _of_slices(outcome, found, request))


def _check(outcome: JobsOutcome, request: JobsRequest) -> None:
    """What a selection brings along may be left alone; what is named by its number is to succeed.

    :raises JobUnsuccessfulError: not all has come to success that was acted on, or that was named.
    """
    named = bool(request.selection.job_ids)
    wrong = [entry for entry in outcome.jobs if entry.unsuccessful or (named and entry.outcome == REFUSED)]
    if wrong:
        numbers = told(str(entry.source_job_id) for entry in wrong)
        raise JobUnsuccessfulError(f"{outcome.msg} Not successful: {numbers}. First of them: {wrong[0].msg}")


def _of_slices(outcome: JobsOutcome, found: Found, request: JobsRequest) -> str:
    """Whether a sliced run is complete, which its workflow job will never say."""
    if not found.slices or request.check_mode:
        return ""
    left = sum(not entry.recovered for entry in outcome.jobs)
    run = f"workflow job {request.selection.workflow_job_id}"
    if left:
        return f"Of {run} {left} of {found.slices} slices have not succeeded yet."
    return f"All {found.slices} slices of {run} have succeeded by now; its own status stays as it is."
