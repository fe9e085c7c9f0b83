# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence of one job: look, decide, act, wait, judge, until its work is done or nothing can be launched.

It asks its driver for what it waits for, and knows no AnsibleModule. Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._api import jobs as _jobs
from .._api.errors import (
    ControllerError,
    DeadlineError,
    ForbiddenError,
    HostsLeftError,
    NoFailedHostsError,
    RefusedError,
    WaitTimeoutError,
)
from .._api.jobs import Job
from .._launch.asks import JobsAfter, Pause, Room, Steps
from .._launch.launch import Attempt, Launched, NotNow, pause_before_next_try, send
from .._launch.look_up import look_up
from .._launch.waiting import Watch
from .._work.decision import ALL, FAILED, REMAINING, Adopt, Await, Decision, Done, Launch, Refuse, Settled
from .._work.host_patterns import may_be_no_limit
from .._work.runs import same_limit
from .after_launch import after_adoption, after_launch, until_ended
from .launch_template import Preparer, limited_to, outcome_after
from .outcome import (
    BrokenOffError,
    Outcome,
    RelaunchOutcome,
    SequenceState,
    carrying,
    first_error,
    in_one,
    interrupted_with,
)
from .relaunch import PreparedLaunch
from .verdict import Judgement, refused, unless_bereft
from .work import FRESH_FOR, JobWork, Look, host_names, left_out, not_all_in, results_open, settled_work, with_hosts

# The look so many before leads to a launch, however slow the controller is.
MOST_LOOKS = 3
# So many relaunches of one task at most: failed hosts that no single run has failed on take one after another.
MOST_LAUNCHES = 10
# Where so many of them were left in status new, the controller starts none.
MOST_LEFT_NEW = 2


# Why nothing is launched any more, to end a sentence.
_DEADLINE_WAS_OVER = "the deadline was over before that."


class RelaunchSequence:
    """Brings it about that the work of a job is done, in steps that ask for what they wait for.

    :param work_of: makes what is known of the source, from its detail.
    :param tried: the jobs that this task has launched for the same work and that run; its own are added.
    :param before: what comes before the launch for a source, when there is room; it tells whether that was waited for.
    """

    def __init__(
        self,
        work_of: t.Callable[[Job], JobWork],
        tried: t.Optional[set[int]] = None,
        before: t.Optional[t.Callable[[Job], Steps[bool]]] = None,
    ) -> None:
        self._work_of = work_of
        self._tried = set() if tried is None else tried
        self._before = before
        self._looks = 0
        self._forbidden: set[int] = set()
        self._hosts_needed = False
        self._left_new: set[int] = set()
        self.state = SequenceState()
        #: What was done before the task went on to a further relaunch.
        self.passed: list[RelaunchOutcome] = []
        #: By name, the hosts that it has left though another launch would run on them, such as were enabled meanwhile.
        self.due: frozenset[str] = frozenset()

    def steps(self, source: Job, outcome: RelaunchOutcome) -> Steps[RelaunchOutcome]:
        """Bring it about that the work of a job is done.

        :param source: in detail, or as a list of many shows it.
        :param outcome: what had been done before.
        :returns: what was done; whatever breaks it off carries what had been done by then.
        :raises ControllerError: the task has failed.
        """
        with carrying(outcome):
            work = self._settled(source)
        if work.request.check_mode and results_open(work):
            said = f"Job {source.id} has just ended, and not all of its results are in: these decide."
            return outcome.saying(f"{said} They would be waited for.")
        preparer = Preparer(work)
        while True:
            with carrying(outcome):
                disabled = work.request.options.hosts == REMAINING
                look = yield from work.look(hosts_needed=self._hosts_needed, disabled=disabled)
                if work.request.one_of_many and work.source is source and _lacks_counts(source, look):
                    work = self._settled(_jobs.get(work.client, source.id))
                    preparer = Preparer(work)
                    continue
                look, decision = work.decide(look)
                decision = unless_bereft(work, _unless_forbidden(decision, self._forbidden))
                outcome = outcome.warned(*not_all_in(work, (source, *(run.job for run in look.ledger.runs))))
            if isinstance(decision, Await):
                if work.request.check_mode:
                    self.state.adopted = True
                    job = decision.job
                    return outcome.saying(f"Job {job.id} is {job.status}: its end decides. It would be waited for.")
                ended = yield from until_ended(work, decision.job, decision.what, outcome)
                work.reader.forget_hosts(look.ledger)
                if ended.id == source.id or work.lost_template(ended):
                    with carrying(outcome):
                        # A list does not tell whether it ever began.
                        known = ended.id == source.id and ended.in_detail
                        work = self._settled(ended if known else _jobs.get(work.client, source.id))
                    preparer = Preparer(work)
                self._looks = 0
                continue
            if work.request.options.hosts != ALL:
                outcome = with_hosts(outcome, look.ledger)
            outcome = self.state.outcome = self._without_left_new(work, look, outcome)
            with carrying(outcome):
                judged = yield from self._act(preparer, look, decision, outcome)
            if not judged.again:
                self.due = judged.due
                return judged.outcome
            outcome = judged.outcome
            if outcome.job is not None and work.lost_template(outcome.job):
                with carrying(outcome):
                    work = self._settled(_jobs.get(work.client, source.id))
                preparer = Preparer(work)

    def _settled(self, source: Job) -> JobWork:
        """:raises RefusedError: it is not relaunched, whatever other runs there are."""
        work = settled_work(self._work_of, source)
        if work.out_of_question:
            raise RefusedError(work.out_of_question)
        return work

    def _without_left_new(self, work: JobWork, look: Look, outcome: RelaunchOutcome) -> RelaunchOutcome:
        """Relaunches whose launch broke half way are nobody's, and are canceled where that may be."""
        for job in [job for job in look.ledger.left_new if job.id not in self._left_new]:
            self._left_new.add(job.id)
            self._tried.discard(job.id)
            problem = "" if work.request.check_mode else work.watch.cancel(job)
            outcome = outcome.warned(_jobs.never_runs(job, problem=problem))
        return outcome

    def _act(self, preparer: Preparer, look: Look, decision: Settled, outcome: RelaunchOutcome) -> Steps[Judgement]:
        work = preparer.work
        if isinstance(decision, Refuse):
            by = look.ledger.last_done if decision.cut_short else None
            if by is not None:
                outcome = outcome.about(work.client, _as_shown(work, by))
            raise refused(work, decision, outcome)
        if isinstance(decision, Done):
            return Judgement(done_outcome(work, look, decision, outcome))
        if isinstance(decision, Adopt):
            return (yield from self._adopt(work, look, decision, outcome))
        never_ran = [job for job in self.state.launched if job.id in self._left_new]
        if len(never_ran) >= MOST_LEFT_NEW:
            # The error tells of the last one.
            self.passed.pop()
            raise _none_runs(work, never_ran, outcome)
        try:
            return (yield from self._launch(preparer, look, decision, outcome))
        except ForbiddenError:
            if decision.instead is None:
                raise
        self._forbidden.add(decision.job.id)
        # The two refusals took a second, in which others may have gone on.
        return Judgement(outcome, again=True)

    def _adopt(self, work: JobWork, look: Look, decision: Adopt, outcome: RelaunchOutcome) -> Steps[Judgement]:
        job = _as_shown(work, decision.job)
        wait = work.request.options.wait
        if not job.active and not wait:
            # It has ended since, so that there may be something to do after all.
            return Judgement(outcome, again=True)
        self.state.adopted = True
        outcome = self.state.outcome = adopted_outcome(work, look, decision, job, outcome)
        if work.request.check_mode:
            return Judgement(outcome.saying("It would be waited for.") if wait else outcome)
        judged = yield from after_adoption(work, look, job, outcome)
        # None where it was left in new.
        self.state.adopted = judged.outcome.job is not None
        return judged

    def _launch(self, preparer: Preparer, look: Look, decision: Launch, outcome: RelaunchOutcome) -> Steps[Judgement]:
        work = preparer.work
        if decision.hosts == ALL:
            _refuse_whole_again(work, look, self.passed, outcome)
        masked = work.masked(look.ledger)
        self.state.plan = in_one(f"{decision.reason}: {_planned(decision)}.", masked)
        waited = yield Room()
        if self._before is not None and not work.request.check_mode:
            # Others may have taken the room meanwhile.
            waited = (yield from self._before(work.source)) or waited
        if waited:
            # It had to wait, and the others' jobs went on meanwhile.
            self._looks = 0
            if work.client.clock() > look.at:
                return Judgement(outcome, again=True)
        if work.watch.launching_over:
            raise DeadlineError(preparer.not_launched(decision, _DEADLINE_WAS_OVER))
        try:
            prepared = preparer.prepared(decision, outcome, look.ledger)
            if _needs_names(work, look, prepared):
                self._hosts_needed = True
                return Judgement(outcome, again=True)
            if work.request.check_mode:
                return Judgement(prepared.outcome.saying(masked))
            if work.client.clock() - look.at > FRESH_FOR and self._looks + 1 < MOST_LOOKS:
                self._looks += 1
                return Judgement(outcome, again=True)
            launched = yield from self._sent(work, look, prepared)
        except ControllerError as error:
            if not _has_lost_all(work, look, error):
                raise
            # They have lost their row in the inventory; which they are was not asked for before.
            self._hosts_needed, launched = True, None
        if launched is None:
            return Judgement(outcome, again=True)
        self.state.launched.append(launched.job)
        self._tried.add(launched.job.id)
        _tell(work, prepared, launched)
        before = outcome.changed
        outcome = outcome_after(work, look.ledger, prepared, launched).saying(masked)
        judged = yield from after_launch(work, look, launched, outcome, before)
        if judged.again:
            work.reader.forget_hosts(look.ledger)
            if len(self.state.launched) >= MOST_LAUNCHES:
                with carrying(judged.outcome):
                    raise _hosts_left(launched.job, judged)
            self.passed.append(judged.outcome)
        return judged

    def _sent(self, work: JobWork, look: Look, prepared: PreparedLaunch) -> Steps[t.Optional[Launched]]:
        """As of ``sent_once``."""
        attempt = replace(prepared.attempt, again_by=look.at + FRESH_FOR)
        newer = work.jobs_after(look.ledger.newest)
        try:
            launched = yield from sent_once(work.watch, self.state, attempt, newer, prepared.outcome)
        except ControllerError as error:
            if isinstance(error, ForbiddenError) and prepared.decision.instead is not None:
                raise
            with carrying(prepared.outcome):
                raise
        self._looks = 0
        return launched


def sent_once(
    watch: Watch, state: SequenceState, attempt: Attempt, newer: JobsAfter, outcome: Outcome
) -> Steps[t.Optional[Launched]]:
    """Send a launch, at most once where it may have been carried out, and find the job that came of it.

    :param newer: asks for the jobs among which it will be where the answer is lost, newer than all known before.
    :param outcome: what had been done before.
    :returns: None where the controller asked to be left alone for a while, or was not reached.
    :raises ControllerError: nothing was launched; or one may have been, and none was found.
    """
    if watch.launching_over:
        raise DeadlineError(attempt.not_sent(_DEADLINE_WAS_OVER))
    if watch.passed:
        raise WaitTimeoutError(attempt.not_sent("the timeout was over before that."))
    again_by = watch.launch_until(attempt.again_by)
    attempt = replace(attempt, again_by=again_by, refused_before=state.refused == attempt.path)
    unknown = replace(outcome, changed=True, job=None, url=None)
    with interrupted_with(unknown):
        sent = send(watch.client, attempt)
    state.refused = attempt.path if isinstance(sent, NotNow) and sent.refused else ""
    if isinstance(sent, NotNow):
        pause = pause_before_next_try(watch.client, attempt, sent, state.tries, watch.left())
        state.tries += 1
        yield Pause(pause)
        return None
    state.tries = 0
    if isinstance(sent, Launched):
        return sent
    state.looking_up = True
    with carrying(unknown):
        found = yield from look_up(watch.client, attempt, sent, newer, watch.left())
    state.looking_up = False
    return found


def _refuse_whole_again(
    work: JobWork, look: Look, passed: t.Iterable[RelaunchOutcome], outcome: RelaunchOutcome
) -> None:
    """See that no relaunch on all hosts was successful before, since one more would leave out the same.

    :param passed: what was done before.
    :raises HostsLeftError: one was.
    """
    # One that is still active was left in new.
    over = (one.job for one in passed if one.job is not None and not one.job.active)
    whole = (job for job in over if same_limit(work.source, job))
    if (job := next(whole, None)) is not None:
        left = _jobs.join(host_names(look.ledger.remaining)) or "more"
        said = f"Job {job.id} was successful on all hosts of its limit, but hosts are still left: {left}."
        way = "See whether its limit holds them by the names that they have now."
        with carrying(outcome):
            raise HostsLeftError(f"{said} {way} See {outcome.url}")


def _unless_forbidden(decision: Decision, forbidden: t.Container[int]) -> Decision:
    """What to do, where that is no relaunch which this user may not launch; else what to do instead of it.

    :param forbidden: the jobs of which the controller has refused a relaunch.
    """
    if not (isinstance(decision, Launch) and decision.job.id in forbidden and decision.instead):
        return decision
    instead, forbidden_one = decision.instead, decision.job.id
    if not isinstance(instead, Launch):
        return instead
    return replace(instead, reason=f"{instead.reason}, and job {forbidden_one} may not be relaunched by this user")


def _none_runs(work: JobWork, launched: t.Sequence[Job], outcome: RelaunchOutcome) -> BrokenOffError:
    """The error where the controller takes launches, and none of them runs."""
    outcome = outcome.about(work.client, _jobs.get(work.client, launched[-1].id))
    numbers = _jobs.join([job.id for job in launched])
    said = f"Jobs {numbers}, which this task launched one after the other, were left in status new and never ran."
    way = "See whether instances of the controller are enabled, and run the task again."
    return BrokenOffError(HostsLeftError(f"{said} {way} See {outcome.url}"), outcome)


def _hosts_left(job: Job, judged: Judgement) -> HostsLeftError:
    left = _jobs.join(judged.due) or "more"
    said = f"Job {job.id} was successful, but hosts are still left after {MOST_LAUNCHES} relaunches: {left}."
    return HostsLeftError(f"{said} Run the task again. See {judged.outcome.url}")


def _planned(decision: Launch) -> str:
    """What a launch would be, for a sentence."""
    if decision.hosts == REMAINING:
        return f"its template would be launched, {limited_to(host_names(decision.due))}"
    return f"would be relaunched on {'its failed hosts' if decision.hosts == FAILED else 'all its hosts'}"


def _needs_names(work: JobWork, look: Look, prepared: PreparedLaunch) -> bool:
    """Whether the names of the failed hosts may make no limit. The look had no counts where its events were not in."""
    unknown = prepared.decision.hosts == FAILED and look.ledger.hosts is None and work.source.inventory is not None
    return unknown and may_be_no_limit(prepared.job.failures_counted)


def _lacks_counts(source: Job, look: Look) -> bool:
    """Whether a job that is known from a list began and failed on no host, so that it is open whether it ran on any."""
    return look.ledger.hosts == () and not source.never_began and "host_status_counts" not in source.facts


def _tell(work: JobWork, prepared: PreparedLaunch, launched: Launched) -> None:
    """Whatever breaks the task off from now on, the number of the new job has been shown."""
    how = "a relaunch" if launched.job.is_relaunch else "from the template"
    work.client.tell(f"job {launched.job.id} launched, {how} of job {prepared.job.id}")


def _has_lost_all(work: JobWork, look: Look, error: ControllerError) -> bool:
    """Whether the controller knows none of the source's failed hosts, which its statistics count, and why is open."""
    counted = work.source.failures_counted
    # A list of many jobs tells no counts.
    may_have = work.request.one_of_many if counted is None else counted > 0
    return may_have and look.ledger.hosts is None and isinstance(first_error(error), NoFailedHostsError)


def _as_shown(work: JobWork, job: Job) -> Job:
    """Another job as it is to be told."""
    if work.request.one_of_many or (job.in_detail and not job.active):
        return job
    return work.events_in.known(job) or _jobs.get(work.client, job.id)


def done_outcome(work: JobWork, look: Look, decision: Done, outcome: RelaunchOutcome) -> RelaunchOutcome:
    """The outcome where nothing is left to do."""
    job = work.source if decision.job.id == work.source.id else _as_shown(work, decision.job)
    masked = "" if job is work.source else work.masked(look.ledger)
    left = host_names(decision.left)
    # With all hosts it is only known of those that its results tell of.
    outcome = replace(outcome, remaining_hosts=(left or None) if work.request.options.hosts == ALL else left)
    return outcome.about(work.client, job).saying(decision.reason, masked).leaving(*left_out(work, look.ledger))


def adopted_outcome(work: JobWork, look: Look, decision: Adopt, job: Job, outcome: RelaunchOutcome) -> RelaunchOutcome:
    """The outcome where a job is active that does the work.

    :param job: it, as it is now.
    """
    rest = host_names(decision.rest)
    without = f"It leaves out {_jobs.join(rest)}: run the task again after it." if rest else ""
    outcome = replace(outcome.about(work.client, job), hosts=host_names(decision.hosts) or None)
    return outcome.saying(decision.reason, without, work.masked(look.ledger))
