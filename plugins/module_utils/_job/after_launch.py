# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a job that was launched or adopted to its end: giving way to another caller's, waiting, the verdict.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api.errors import ControllerError, JobUnsuccessfulError, RefusedError, WaitTimeoutError
from .._api.jobs import CANCELED, Job
from .._launch.asks import EndOf, Steps
from .._launch.failure_report import explained_now
from .._launch.launch import Launched
from .._launch.tie_break import first_rival, look_for_rival
from .._launch.waiting import GOES_ON, Watch, patience_to_launch
from .._work.host_patterns import limit_problem
from .launch_template import refuse_ignored
from .outcome import BrokenOffError, Outcome, RelaunchOutcome, carrying, in_one
from .prediction import side_by_side
from .verdict import CHECK, Judgement, check_limit, check_type, judge
from .work import JobWork, Look


def after_launch(
    work: JobWork, look: Look, launched: Launched, outcome: RelaunchOutcome, changed_before: bool
) -> Steps[Judgement]:
    """Go on with a job that this task has launched.

    :param outcome: which tells of its launch, and of the hosts that it is to run on.
    :param changed_before: whether the task had launched another one before.
    :raises ControllerError: it did not end as it should, or not in time.
    """
    own, options = launched.job, work.request.options
    # A job that was found by looking for it may be another's after all: nobody here cancels it.
    ours = not launched.lost
    with carrying(outcome):
        rival = None
        refuse_ignored(work, own, outcome)
        if ours and not options.force:
            # One that was launched before may show up only now, with a lower number than those that were known; to a
            # launch also those behind it matter.
            newer = work.jobs_after(work.source.id, before=own.id if own.is_relaunch else None)
            try:
                own, rival = yield from look_for_rival(newer, own, work.is_rival(own, look.ledger))
            except ControllerError as error:
                # The job is there, and is to be told of and waited for whatever else.
                outcome = outcome.warned(f"Whether another caller launched the same work is not known: {error}")
        if rival is not None:
            return (yield from _give_way(work, look, own, rival, outcome, changed_before))
        if outcome.hosts and own.is_relaunch and own.template is not None:
            _check_names(work, own, outcome, ours)
        wanted = work.same_work.job_type
        if own.job_type != wanted and (wanted == CHECK or not options.wait):
            own, end = canceled(work.watch, own) if wanted == CHECK and ours else (own, "")
            check_type(work, own, outcome.about(work.client, own), end)
        if not options.wait:
            check_limit(work, own, outcome.about(work.client, own))
        if not (options.wait or work.request.one_of_many):
            return Judgement(outcome)
        ended = yield from until_ended(work, own, f"job {own.id}", outcome, ours)
        if ended.active:
            return Judgement(outcome, again=True)
        diff = side_by_side(work, ended.facts, f"job {ended.id}")
        # Then no other one can begin before it has ended, and those before it have been looked for.
        alone = own.one_at_a_time
        return (yield from judge(work, ended, replace(outcome, diff=diff), alone))


def after_adoption(work: JobWork, look: Look, job: Job, outcome: RelaunchOutcome) -> Steps[Judgement]:
    """Go on with another caller's job. If it is canceled in favour of one that was first, with that one.

    :raises ControllerError: it did not end as it should, or not in time.
    """
    while work.request.options.wait:
        with carrying(outcome):
            ended = yield from until_ended(work, job, f"job {job.id}", outcome)
            if ended.active:
                return Judgement(replace(outcome, job=None, url=None), again=True)
            first = yield from _in_favour_of(work, look, ended)
            if first is None:
                return (yield from judge(work, ended, outcome))
        outcome = outcome.about(work.client, first)
        outcome = outcome.saying(f"Job {ended.id} was canceled in favour of job {first.id}, the same work.")
        job = first
    return Judgement(outcome)


def until_ended(work: JobWork, job: Job, what: str, outcome: RelaunchOutcome, ours: bool = False) -> Steps[Job]:
    """Wait for the end of a job within the task's timeout. One that was left in ``new`` comes as it is: the next look
    tells of it.

    :param what: the job, for a sentence.
    :param outcome: what is known; it is about the job only where that does the work.
    :param ours: this task launched it, and may cancel it.
    :raises WaitTimeoutError: the time is over.
    :raises ControllerError: what waiting will not cure.
    """
    # A look at others right after a launch was to be soon; from now on the deadline is what counts.
    if ours or not work.request.one_of_many:
        # Of many, others may have jobs of their own.
        work.client.patience = work.watch.patience if ours else patience_to_launch(work.watch)
    ask = EndOf(job, ours=ours)
    return (yield from await_end(work.watch, ask, what, outcome))


def await_end(watch: Watch, ask: EndOf, what: str, outcome: Outcome) -> Steps[Job]:
    """Wait for the end of a job of whatever kind, and tell what came of it where that is not seen.

    :param watch: tells how long to wait, and cancels it, where that is asked for.
    :param what: the job, for a sentence.
    :param outcome: what is known; it may be about another job.
    :raises WaitTimeoutError: the time is over.
    :raises JobUnsuccessfulError: there is another job with its number.
    :raises ControllerError: what waiting will not cure.
    """
    client, job = watch.client, ask.job
    page = client.page_url(job.kind.page, job.id)
    try:
        ended: Job = yield ask
    except WaitTimeoutError as error:
        last, trouble = t.cast("Job", error.last or job), error.trouble
        on = GOES_ON
        if ask.ours and watch.waiting.cancel_on_timeout:
            (last, on), trouble = canceled(watch, last), ""
        why = trouble or explained_now(client, last)
        state = f"last seen {last.status}" if trouble else last.status
        if outcome.job is not None and outcome.job.id == job.id:
            outcome = outcome.about(client, last)
        over = watch.waiting.over(error)
        late = type(error)(f"Waiting for {what} ended {over} with the {job.kind.noun} {state}.{why} {on} See {page}")
        raise BrokenOffError(late, outcome) from None
    except ControllerError as error:
        said = f"Waiting for {what} ended early: {error} Run the task again to go on, or see {page}"
        raise BrokenOffError(RefusedError(said), outcome) from None
    if len({one.created for one in (job, ended) if one.facts.get("created")}) > 1:
        said = f"What became of {what} is not known: its number is that of another one by now, as after a restore of"
        raise BrokenOffError(JobUnsuccessfulError(f"{said} the controller's database. Run the task again."), outcome)
    return ended


def canceled(watch: Watch, job: Job) -> tuple[Job, str]:
    """Cancel a job; it as seen last, and what came of it."""
    return seen_after_cancel(watch, job, watch.cancel(job) or "It was canceled.")


def seen_after_cancel(watch: Watch, job: Job, said: str) -> tuple[Job, str]:
    """A job that was canceled, as seen last, and what came of it.

    :param said: that, as far as it is known.
    """
    try:
        return watch.until_canceled(job), said
    except ControllerError as error:
        return job, f"{said} Its state could not be read after that: {error}"


def _check_names(work: JobWork, own: Job, outcome: RelaunchOutcome, ours: bool) -> None:
    """See that a job runs on the hosts in its limit: which they are was not always known before its launch.

    :raises RefusedError: it does not. It was canceled, if it may be.
    """
    problem = limit_problem(own.limit_names)
    if problem:
        own, end = canceled(work.watch, own) if ours else (own, "")
        outcome = outcome.about(work.client, own)
        said = in_one(f"Job {own.id} does not run on exactly its hosts: {problem}", end, f"See {outcome.url}")
        raise BrokenOffError(RefusedError(said), outcome)


def _in_favour_of(work: JobWork, look: Look, adopted: Job) -> Steps[t.Optional[Job]]:
    """The job in favour of which another caller canceled one that was adopted and has ended; None if it was not.

    :raises ControllerError: it could not be read.
    """
    if adopted.status != CANCELED:
        return None
    since_source = yield work.jobs_after(work.source.id)
    return first_rival(since_source, adopted, work.is_rival(adopted, look.ledger), successful_too=True)[1]


def _give_way(
    work: JobWork, look: Look, own: Job, rival: Job, outcome: RelaunchOutcome, changed_before: bool
) -> Steps[Judgement]:
    """Of callers in the same instant the first one's job stays: cancel the own one, and take the other's."""
    problem = work.watch.cancel(own)
    end = f"{problem} So both ran." if problem else "That was canceled; it may have begun."
    outcome = replace(
        outcome.about(work.client, rival),
        changed=changed_before or problem is not None,
        own_job_id=own.id,
        msg=f"Another caller had launched the same work in the same instant, as job {rival.id}, which is taken instead "
        f"of this task's own job {own.id}. {end}",
    )
    return (yield from after_adoption(work, look, rival, outcome))
