# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The relaunch of a job: what must hold before its POST, and what is told of the job that comes of it.

Private to this collection.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, replace

from .._api import jobs as _jobs
from .._api.errors import ControllerError, ForbiddenError, NoFailedHostsError, RefusedError, if_visible
from .._api.jobs import Job
from .._api.kinds import JOB
from .._api.templates import read_job_template, read_survey
from .._launch.gone_prompts import Objection, other_credentials, read_objection
from .._launch.launch import Attempt, Launched
from .._launch.refusals import not_startable, relaunch_refused
from .._work.decision import ALL, FAILED, Launch, narrows_limit, no_failed_hosts
from .._work.ledger import Ledger, Reach
from .._work.runs import same_limit
from .outcome import BrokenOffError, RelaunchOutcome, carrying
from .prediction import Basis, future_facts, on, once_more, side_by_side
from .verdict import with_another_limit
from .work import JobWork, host_names, not_all_in, not_reached

_T = t.TypeVar("_T")


@dataclass(frozen=True)
class PreparedLaunch:
    """A relaunch that nothing known speaks against.

    :param job: the one to relaunch, in detail; the source where its template is launched.
    :param attempt: what is to be sent.
    :param outcome: in check mode the prediction, and nothing is to be sent.
    :param template: the name of the template, where that is launched.
    """

    decision: Launch
    job: Job
    attempt: Attempt
    outcome: RelaunchOutcome
    template: t.Optional[str] = None


class RelaunchPreparer:
    """Asks what has to be known of a job before its relaunch, each thing once."""

    def __init__(self, work: JobWork) -> None:
        self._work = work
        self._details: dict[int, Job] = {work.source.id: work.source}
        self._job_types: dict[int, frozenset[str]] = {}
        self._objection: t.Optional[Objection] = None

    def prepared(self, decision: Launch, outcome: RelaunchOutcome, ledger: Ledger) -> PreparedLaunch:
        """What a relaunch takes; in check mode with what would come of it.

        :param outcome: what had been done before.
        :param ledger: by which it was decided. Where an earlier relaunch ran as another job type, the template is asked
            for its own.
        :raises ForbiddenError: in check mode: this user may not start the job.
        :raises RefusedError: it cannot be relaunched as asked.
        :raises ControllerError: what has to be known could not be read.
        """
        work, request = self._work, self._work.request
        job = self._in_detail(decision)
        if request.check_mode and not job.startable:
            raise ForbiddenError(f"Job {job.id} would not be relaunched. {not_startable(job)}")
        outcome = replace(outcome, relaunched_job_id=job.id)
        with carrying(outcome):
            outcome = self.unopposed(outcome)
            body = self._body(decision, job)
            # Of many, templates that were left alone are not asked for one by one.
            foresees = request.check_mode and not (request.one_of_many and work.same_work.template_left_alone())
            if "job_type" not in body and (ledger.retyped or foresees):
                body.update(self._type_sent(job))
            missing = request.missing_passwords(job.passwords_needed)
            if request.check_mode:
                outcome = self._predicted(decision, ledger, job, missing, outcome)
                if decision.hosts == FAILED and not decision.due:
                    outcome = _with_lost(work, decision, outcome.hosts or (), outcome)
                if foresees and not missing:
                    with carrying(replace(outcome, changed=False, hosts=None)):
                        self.refuse_other_limit(decision)
        return with_passwords(PreparedLaunch(decision, job, _attempt(work, decision, job, body), outcome), missing)

    def _predicted(
        self, decision: Launch, ledger: Ledger, job: Job, missing: t.Sequence[str], outcome: RelaunchOutcome
    ) -> RelaunchOutcome:
        """The outcome of a relaunch that is not sent, with the hosts that would run.

        :param missing: passwords that it needs and that are not given.
        :raises NoFailedHostsError: the relaunch would be refused.
        """
        work, options, on_failed = self._work, self._work.request.options, decision.hosts == FAILED
        narrowed = narrows_limit(job, decision.hosts)
        counts = work.client.get(JOB.at(job.id, "relaunch")).get("retry_counts")
        # Of one of many no result tells all of the hosts of a job.
        asked = on_failed or not work.request.one_of_many
        summaries = (work.reader.failed_summaries(job) if narrowed else work.reader.summaries(job)) if asked else ()
        there = [summary for summary in summaries if summary.host is not None]
        names = tuple(one.name for one in there)
        failed = tuple(one.name for one in there if one.failed)
        given: dict[str, t.Any] = dict(status="pending", launch_type="relaunch")
        given.update({"limit": ",".join(names)} if narrowed else {})
        given.update({"job_type": options.job_type} if options.job_type else {})
        future = future_facts(work.source, self._basis(), given) if work.request.diff else {}
        outcome = replace(
            outcome,
            hosts=(names if narrowed else _with_never_begun(names, outcome)) if asked else None,
            retry_counts=counts,
            passwords_missing=tuple(missing),
            remaining_hosts=failed if on_failed and outcome.remaining_hosts is None else outcome.remaining_hosts,
            diff=side_by_side(work, future, f"relaunch of job {job.id} (check mode)"),
        ).warned(*not_all_in(work, [job]))
        if on_failed and not names:
            sentence = f"Job {job.id} would not be relaunched on its failed hosts. {no_failed_hosts(job)}"
            raise BrokenOffError(NoFailedHostsError(sentence), outcome)
        if missing:
            return outcome
        then = " and waited for" if options.wait else ""
        how = f"would be relaunched on {on(names if narrowed else ())}{then}."
        outcome = replace(outcome, changed=True, msg=f"{decision.reason}: {how}")
        if not narrowed:
            return outcome
        all_next = "All its hosts would follow if it had stopped before its end for others (fallback_to_all)."
        again = once_more(ledger, decision, names, "It would run")
        return outcome.saying(again, all_next if options.wait and options.fallback_to_all else "")

    def unopposed(self, outcome: RelaunchOutcome, asks_credentials: t.Optional[bool] = None) -> RelaunchOutcome:
        """The outcome with what a relaunch would be without. A relaunch of a relaunch has the source's prompts too, and
        so has a launch of the template.

        :param asks_credentials: whether the template asks for them; None where that has not been read yet.
        :raises RefusedError: a prompt of the source is gone, and that cannot be meant.
        """
        source = self._work.source
        if self._work.request.options.force:
            return outcome
        if self._objection is None:
            known = self._work.same_work.asks_credentials if asks_credentials is None else lambda: asks_credentials
            self._objection = read_objection(self._work.client, source, known, self._work.request.changes)
        if self._objection.refusal:
            raise RefusedError(
                f"Job {source.id} was not relaunched: {self._objection.refusal}. Launch its template with what is "
                "meant, or relaunch it as it would be, with job_relaunch and force: true."
            )
        return outcome.warned(self._objection.caution(f"Job {source.id}"))

    def refuse_other_type(self) -> None:
        """See that a relaunch does not run as another job type than wanted.

        :raises RefusedError: it would.
        """
        if self._other_type is not None:
            raise RefusedError(
                f"Job {self._work.source.id} was not relaunched: its template was edited, and a relaunch would run as "
                f"job type {self._other_type} by now. Set the template to job type {self._work.same_work.job_type} "
                "again, and run the task again."
            )

    def refuse_other_limit(self, decision: Launch) -> None:
        """See that a relaunch on all hosts would have the source's limit, as far as this user is told: after a launch
        the verdict tells.

        :raises RefusedError: it would not.
        """
        source = self._work.source
        if decision.hosts != ALL or "limit" not in self._template:
            return
        limit = _jobs.limit_names_in(self._template["limit"])
        if limit != source.limit_names and self._comes_from_template("limit"):
            what = f"A relaunch of job {source.id} would be"
            raise RefusedError(with_another_limit(what, limit, source.id, source.limit_names))

    @functools.cached_property
    def _other_type(self) -> t.Optional[str]:
        """As which other job type than wanted a relaunch that names none would run; None where it would not, or where
        this user is not told.
        """
        wanted = self._work.same_work.job_type
        found = self._template.get("job_type", wanted)
        return found if found != wanted and self._comes_from_template("job_type") else None

    def _comes_from_template(self, name: str) -> bool:
        """Whether a relaunch takes this over from the template: the source, as far as is told, was given none."""
        return self.prompts is not None and name not in self.prompts

    def _type_sent(self, job: Job) -> dict[str, t.Any]:
        """The job type that the task asks for, to be sent where a relaunch would run as another one without.

        :raises RefusedError: it would, and the task asks for none, or the controller does not take it.
        """
        job_type = self._work.request.options.job_type
        if job_type is not None and self._other_type is not None and job_type in self._taken_job_types(job):
            return {"job_type": job_type}
        self.refuse_other_type()
        return {}

    @functools.cached_property
    def _template(self) -> t.Mapping[str, t.Any]:
        template = self._work.source.template
        return {} if template is None else read_job_template(self._work.client, template)

    @functools.cached_property
    def prompts(self) -> t.Optional[t.Mapping[str, t.Any]]:
        """What the source was launched with beyond its template; None where this user, or anybody, is not told."""
        client, path = self._work.client, JOB.at(self._work.source.id, "create_schedule")
        shown = (if_visible(lambda: client.get(path)) or {}).get("prompts")
        return shown if isinstance(shown, dict) and "all" not in shown else None

    def _basis(self) -> Basis:
        """For what is only to be shown, what cannot be read is not known."""
        template = _readable(lambda: self._template) or {}
        if not template:
            return Basis(template)
        number, has_survey = int(template["id"]), template.get("survey_enabled")
        survey = _readable(lambda: read_survey(self._work.client, number)) if has_survey else ()
        return Basis(template, survey, _readable(lambda: self.prompts))

    def _in_detail(self, decision: Launch) -> Job:
        """A list tells neither the passwords that a job needs nor whether its events are in."""
        known = self._details.get(decision.job.id) or _jobs.get(self._work.client, decision.job.id)
        self._details[known.id] = self._work.events_in(known) if decision.hosts == FAILED else known
        return self._details[known.id]

    def _body(self, decision: Launch, job: Job) -> dict[str, t.Any]:
        """What is sent, where the controller takes it: a job type that it does not know it would silently ignore, and
        run what was to be checked only.
        """
        job_type = self._work.request.options.job_type
        body = payload(job, decision.hosts, self._work.request.credential_passwords, job_type)
        if "job_type" in body and body["job_type"] not in self._taken_job_types(job):
            raise RefusedError(
                f"Job {job.id} was not relaunched: this controller does not take a job type on a relaunch, and would "
                f"relaunch it as {job.job_type}. Give job_type: {job_type} in changes, which launches the template."
            )
        return body

    def _taken_job_types(self, job: Job) -> frozenset[str]:
        if job.id not in self._job_types:
            actions = self._work.client.options(JOB.at(job.id, "relaunch")).get("actions") or {}
            taken = (actions.get("POST") or {}).get("job_type") or {}
            self._job_types[job.id] = frozenset(choice[0] for choice in taken.get("choices") or ())
        return self._job_types[job.id]


def payload(job: Job, hosts: str, passwords: t.Mapping[str, str], job_type: t.Optional[str]) -> dict[str, t.Any]:
    """The body of the relaunch POST.

    :param job: the job to relaunch, in detail.
    :param passwords: those that the job does not ask for are not sent.
    :param job_type: sent where it is another than the job's, since most controllers do not know the key.
    """
    body: dict[str, t.Any] = {"hosts": hosts}
    needed = {name: passwords[name] for name in job.passwords_needed if name in passwords}
    if needed:
        body["credential_passwords"] = needed
    if job_type not in (None, job.job_type):
        body["job_type"] = job_type
    return body


def with_passwords(prepared: PreparedLaunch, missing: t.Sequence[str]) -> PreparedLaunch:
    """What was prepared, where it lacks no password.

    :param missing: the names of those that it needs, and that were not given.
    :raises RefusedError: there are some.
    """
    if missing:
        needs = f"it needs passwords that are not given, or blank: {', '.join(missing)}."
        said = prepared.attempt.not_sent(f"{needs} Give them in credential_passwords.")
        raise BrokenOffError(RefusedError(said), prepared.outcome)
    return prepared


def _with_never_begun(names: tuple[str, ...], outcome: RelaunchOutcome) -> tuple[str, ...]:
    """The hosts of a relaunch on all of them: those that a job ran on, and those that it never began on."""
    return (*names, *sorted(set(outcome.stopped_hosts or ()).difference(names)))


def _readable(read: t.Callable[[], t.Optional[_T]]) -> t.Optional[_T]:
    """What is read; None where that fails."""
    try:
        return read()
    except ControllerError:
        return None


def _attempt(work: JobWork, decision: Launch, job: Job, body: t.Mapping[str, t.Any]) -> Attempt:
    """The POST of a relaunch."""

    @functools.cache
    def failed_hosts() -> list[_jobs.HostSummary]:
        return _jobs.host_summaries(work.client, job.id, failed=True)

    @functools.cache
    def limit_of_template() -> t.Optional[frozenset[str]]:
        template = read_job_template(work.client, int(job.template or 0))
        return _jobs.limit_names_in(template["limit"]) if "limit" in template else None

    def has_its_limit(new: Job) -> bool:
        if not narrows_limit(job, decision.hosts):
            # A relaunch takes the limit that the template has by now, unless its source was launched with another one.
            return same_limit(job, new) or (job.template is not None and new.limit_names == limit_of_template())
        # Between the launch and this look hosts may have been renamed or deleted.
        present = [host for host in failed_hosts() if host.host is not None]
        covered = all(_jobs.names_of([host]) & new.limit_names for host in present)
        return bool(new.limit_names) and new.limit_names <= _jobs.names_of(failed_hosts()) and covered

    return Attempt(
        path=JOB.at(job.id, "relaunch"),
        body=body,
        what=f"Job {job.id}",
        verb="relaunched",
        is_own=lambda new: new.is_relaunch and has_its_limit(new) and work.same_work.may_include(new),
        refused=lambda error: relaunch_refused(error, job, decision.hosts),
    )


def launched_outcome(work: JobWork, ledger: Ledger, prepared: PreparedLaunch, launched: Launched) -> RelaunchOutcome:
    """The outcome that tells of the new job."""
    decision, job, new, before = prepared.decision, prepared.job, launched.job, prepared.outcome
    # Without a template a job keeps its limit, which may be narrower than the source's.
    narrowed = narrows_limit(job, decision.hosts) or (decision.hosts == FAILED and not same_limit(work.source, new))
    names = tuple(sorted(new.limit_names)) if narrowed else ()
    # Nobody has asked for the hosts where this is the first relaunch: the limit tells them.
    first = bool(names) and before.remaining_hosts is None
    remaining = names if first else _by_new_names(ledger, decision, new, before.remaining_hosts)
    outcome = replace(with_new_job(work, before, new, names), remaining_hosts=remaining)
    outcome = outcome.saying(
        f"{decision.reason}: relaunched as job {new.id} on {on(names)}.",
        launched.looked_for("the job"),
        once_more(ledger, decision, new.limit_names, "It runs") if narrowed else "",
    ).warned(other_credentials(work.source, new), launched.doubt)
    # The controller leaves out, without a word, failed hosts that are not in the inventory any more, be they in it
    # again or not (recorded: recreated-post-failed-*).
    outcome = outcome.leaving(*(not_reached(ledger.remaining) if narrowed else ()))
    return outcome if decision.due else _with_lost(work, decision, names, outcome)


def with_new_job(work: JobWork, outcome: RelaunchOutcome, new: Job, names: tuple[str, ...]) -> RelaunchOutcome:
    """The outcome with the job that was launched, without what was told of hosts that were left before.

    :param names: the hosts that it is limited to; none where it runs on all.
    """
    outcome = replace(outcome.about(work.client, new), changed=True, hosts=names or None).leaving()
    return replace(outcome, diff=side_by_side(work, new.facts, f"job {new.id}"))


def _with_lost(work: JobWork, decision: Launch, names: t.Sequence[str], outcome: RelaunchOutcome) -> RelaunchOutcome:
    """The outcome of the first relaunch with the failed hosts that it does not reach, which are not known before: asked
    only where the counts tell of some, or the hosts have been read. Else the verdict tells.
    """
    failed = work.source.failures_counted
    may_have = work.request.check_mode if failed is None else failed > len(names)
    if decision.job.id != work.source.id or not names or not may_have:
        return outcome
    try:
        lost = work.reader.lost_hosts()
    except ControllerError as error:
        return outcome.warned(f"Which failed hosts of job {work.source.id} are left out is not known: {error}")
    whole = host_names(host for host in lost if host.reach in (Reach.WHOLE, Reach.AGAIN))
    gone = host_names(host for host in lost if host.reach is Reach.GONE)
    outcome = replace(
        outcome,
        remaining_hosts=tuple(sorted({*(outcome.remaining_hosts or ()), *whole, *gone})),
        gone_hosts=gone or None,
    )
    return outcome.leaving(*not_reached(lost))


def _by_new_names(
    ledger: Ledger, decision: Launch, new: Job, remaining: t.Optional[tuple[str, ...]]
) -> t.Optional[tuple[str, ...]]:
    """The hosts that remain, where some were renamed since the decision: they are in the limit of the new job."""
    if ledger.hosts is None or remaining is None:
        return remaining
    named = new.limit_names.difference(*(host.names for host in ledger.hosts))
    gone = {host.name for host in decision.due if not host.names & new.limit_names}
    return tuple(sorted((set(remaining) - gone) | named)) if named and gone else remaining
