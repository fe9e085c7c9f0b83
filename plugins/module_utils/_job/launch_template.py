# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launch of a job's template where no relaunch does what is asked for: what must hold before its POST, what is told
of the job that comes of it.

Private to this collection.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import replace

from .._api.errors import AnswerError, ForbiddenError, JobUnsuccessfulError, NoFailedHostsError, RefusedError
from .._api.jobs import Job, counted, host_summaries, join, limit_names_in, may_start
from .._api.kinds import WORKFLOW_JOB
from .._api.paging import in_chunks
from .._api.templates import CREDENTIALS, read_survey
from .._launch.changes import ONE, secret_texts
from .._launch.gone_prompts import other_credentials
from .._launch.launch import Attempt, Launched
from .._launch.refusals import numbered
from .._launch.template_launch import LaunchNeeds, TemplateLaunch, launch_refused, why_not
from .._work.decision import ALL, REMAINING, Launch, no_failed_hosts
from .._work.host_patterns import limit_of, not_limitable, not_limitable_sentence
from .._work.ledger import Ledger
from .outcome import BrokenOffError, RelaunchOutcome, carrying
from .prediction import Basis, future_facts, side_by_side
from .relaunch import PreparedLaunch, RelaunchPreparer, launched_outcome, with_new_job, with_passwords
from .work import JobWork, host_names

_PASSWORDS = "credential_passwords"


class Preparer:
    """Asks what has to be known before a relaunch, or before the launch of the template, each thing once."""

    def __init__(self, work: JobWork) -> None:
        self.work = work
        self._relaunch = RelaunchPreparer(work)

    def prepared(self, decision: Launch, outcome: RelaunchOutcome, ledger: Ledger) -> PreparedLaunch:
        """What a launch takes; in check mode with what would come of it.

        :param outcome: what had been done before.
        :param ledger: by which it was decided.
        :raises ForbiddenError: in check mode: this user may not launch it.
        :raises RefusedError: it cannot be launched as asked.
        :raises ControllerError: what has to be known could not be read.
        """
        if self._takes_template(decision):
            return self._of_template(decision, outcome)
        return self._relaunch.prepared(decision, outcome, ledger)

    def not_launched(self, decision: Launch, why: str) -> str:
        """The sentence that says why nothing was launched, before that is prepared.

        :param why: to end a sentence.
        """
        if self._takes_template(decision):
            return f"The template of job {self.work.source.id} was not launched: {why}"
        return f"Job {decision.job.id} was not relaunched: {why}"

    def _takes_template(self, decision: Launch) -> bool:
        return decision.hosts == REMAINING or bool(self.work.request.changes)

    def _of_template(self, decision: Launch, outcome: RelaunchOutcome) -> PreparedLaunch:
        with carrying(outcome):
            work, limit = self.work, self._limit(decision)
            needs, prompts = self._needs, self._relaunch.prompts
            launch = TemplateLaunch(work.source, prompts, limit, work.same_work.job_type, work.request.changes)
            reasons = why_not(launch, needs)
            if reasons:
                raise RefusedError(self._not_launched(*reasons))
            outcome = self._relaunch.unopposed(outcome, needs.asks("credentials"))
            attempt, missing = self._attempt(launch), self._missing(launch)
            if work.request.check_mode:
                outcome = self._predicted(decision, launch, missing, outcome)
        return with_passwords(PreparedLaunch(decision, work.source, attempt, outcome, needs.name), missing)

    def _limit(self, decision: Launch) -> str:
        if decision.hosts == ALL:
            return str(self.work.source.facts.get("limit") or "")
        names = host_names(decision.due)
        if not names:
            # An empty limit is everybody.
            raise NoFailedHostsError(self._not_launched(no_failed_hosts(self.work.source)))
        unusable = not_limitable(names)
        if unusable:
            raise RefusedError(self._not_launched(not_limitable_sentence(unusable)))
        return limit_of(names)

    @functools.cached_property
    def _needs(self) -> LaunchNeeds:
        """What the template asks for.

        :raises RefusedError: it is gone, or this user may not see it.
        """
        client, template = self.work.client, self.work.source.template
        if template is None:
            raise RefusedError(self._not_launched("Its template is gone, so that there is none to launch."))
        try:
            needs = LaunchNeeds(client.get(f"job_templates/{template}/launch/"))
        except AnswerError as error:
            if not error.not_visible:
                raise
            raise RefusedError(
                f"The job template {template} was not launched. {error.answer} It takes the execute role on the "
                "template."
            ) from None
        return replace(needs, questions=read_survey(client, template)) if needs.has_survey else needs

    def _missing(self, launch: TemplateLaunch) -> list[str]:
        """The passwords that are not given. Of credentials that the job was prompted with the job itself tells them; of
        changed ones the controller does, before it launches anything (recorded: launch-credential-needs-password).
        """
        if "credentials" in launch.changes:
            return []
        prompted = "credentials" in launch.fields(self._needs)
        needed = launch.source.passwords_needed if prompted else self._needs.passwords
        return self.work.request.missing_passwords(needed)

    def _attempt(self, launch: TemplateLaunch) -> Attempt:
        work, source, needs = self.work, self.work.source, self._needs
        body = launch.fields(needs)
        secrets = secret_texts(source, launch.changes, needs.survey)
        work.client.hidden.update(secrets)
        asked_for = {*needs.passwords, *source.passwords_needed}
        given = work.request.credential_passwords.items()
        passwords = {name: text for name, text in given if name in asked_for or "credentials" in launch.changes}
        wanted = limit_names_in(launch.limit)
        return Attempt(
            path=f"job_templates/{source.template}/launch/",
            body={**body, _PASSWORDS: passwords} if passwords else body,
            what=f"The job template {needs.name}",
            verb="launched",
            is_own=lambda new: new.limit_names == wanted and not new.is_relaunch and work.same_work.may_include(new),
            refused=lambda error: launch_refused(error, needs, secrets),
        )

    def _not_launched(self, *reasons: str) -> str:
        """The sentences that say why; nothing was sent."""
        request = self.work.request
        how = " on what remains" if request.options.hosts == REMAINING else ""
        how += f" with other {join(request.changes)}" if request.changes else ""
        return f"The template of job {self.work.source.id} was not launched{how}. {numbered(reasons)}"

    def _predicted(
        self, decision: Launch, launch: TemplateLaunch, missing: t.Sequence[str], outcome: RelaunchOutcome
    ) -> RelaunchOutcome:
        """The outcome of a launch that is not sent, with the hosts that would run.

        :raises ForbiddenError: this user may not launch the template, which it tells without a POST.
        """
        work, name = self.work, self._needs.name
        template = work.client.get(f"job_templates/{work.source.template}/")
        if not may_start(template):
            raise ForbiddenError(
                f"The job template {name} would not be launched: the controller does not let this user do that. This "
                "takes the execute role on it."
            )
        future = self._future(launch, template) if work.request.diff else {}
        names = host_names(decision.due)
        ran = (one.name for one in host_summaries(work.client, work.source.id)) if decision.hosts == ALL else names
        outcome = replace(
            outcome,
            hosts=tuple(ran),
            passwords_missing=tuple(missing),
            diff=side_by_side(work, future, f"launch of {name} (check mode)"),
        )
        if missing:
            return outcome
        then = " and waited for" if work.request.options.wait else ""
        said = f"its template {name} would be launched with {_given(work)}, {limited_to(names)}{then}."
        return replace(outcome, changed=True, msg=f"{decision.reason}: {said}")

    def _future(self, launch: TemplateLaunch, template: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The facts that a job would have."""
        given = {**launch.changes, "status": "pending", "launch_type": "manual"}
        given.update(job_type=launch.job_type, limit=launch.limit)
        for name, kind in ONE.items():
            if name in launch.changes:
                shown = self.work.client.results(kind.path, id=launch.changes[name])
                given[name] = next(shown, launch.changes[name])
        credentials = None
        if "credentials" in launch.changes:
            chunks = in_chunks(launch.changes["credentials"])
            credentials = [one for some in chunks for one in self.work.client.results(CREDENTIALS.path, id__in=some)]
        survey = self._needs.questions if self._needs.has_survey else ()
        return future_facts(self.work.source, Basis(template, survey, launch.prompts, credentials), given)


def _given(work: JobWork) -> str:
    """What a launch is given, for a sentence."""
    changed = f" and other {join(work.request.changes)}" if work.request.changes else ""
    return f"the prompts of job {work.source.id}{changed}"


def limited_to(hosts: t.Sequence[str]) -> str:
    """To what a launch is limited, for a sentence; no hosts: to those of the source."""
    if not hosts:
        return "on all its hosts"
    return f"limited to {counted(len(hosts), 'host')}: {join(hosts)}"


def outcome_after(work: JobWork, ledger: Ledger, prepared: PreparedLaunch, launched: Launched) -> RelaunchOutcome:
    """The outcome that tells of the new job, a relaunch or another job of the template."""
    if prepared.template is None:
        return launched_outcome(work, ledger, prepared, launched)
    new, names = launched.job, host_names(prepared.decision.due)
    outcome = with_new_job(work, prepared.outcome, new, names).warned(launched.doubt)
    if "credentials" not in work.request.changes:
        outcome = outcome.warned(other_credentials(work.source, new))
    return outcome.saying(
        f"{prepared.decision.reason}: its template {prepared.template} was launched with {_given(work)} as "
        f"job {new.id}, {limited_to(names)}.",
        launched.looked_for("the job"),
    )


def refuse_ignored(work: JobWork, new: Job, outcome: RelaunchOutcome) -> None:
    """See that the controller has taken all that a launch was given, which it tells in its answer (recorded:
    launch-ask-off-ignored); else cancel the job. That it would was seen before, so that somebody has just changed it.

    :raises JobUnsuccessfulError: it has not.
    """
    ignored = new.facts.get("ignored_fields") or {}
    if not (ignored or new.kind is WORKFLOW_JOB):
        return
    why = f"the controller ignored {join(sorted(ignored))}" if ignored else "its template is sliced by now"
    problem = work.watch.cancel(new)
    said = f"{new.kind.noun.capitalize()} {new.id} does not run as asked: {why}."
    end = problem or "It was canceled; it may have begun."
    error = JobUnsuccessfulError(f"{said} {end} Run the task again.")
    raise BrokenOffError(error, outcome.about(work.client, new))
