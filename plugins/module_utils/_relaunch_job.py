# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence behind job_relaunch: find the job, decide, launch, wait, tell. It knows no AnsibleModule."""

from __future__ import annotations

import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils import _equivalents, _jobs, _templates
from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._errors import (
    AnswerError,
    AnswerLostError,
    ControllerError,
    ForbiddenError,
    JobUnsuccessfulError,
    NotSentError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._launch import Attempt, Launched, launch
from ansible_collections.relaunch.controller.plugins.module_utils._outcome import Result
from ansible_collections.relaunch.controller.plugins.module_utils._refusals import not_startable, source_unavailable
from ansible_collections.relaunch.controller.plugins.module_utils._relaunch import (
    ALL,
    FAILED,
    Adopt,
    AwaitSource,
    Decision,
    Done,
    Launch,
    Refuse,
    Relaunch,
    decide,
    missing_passwords,
    no_failed_hosts,
    payload,
)
from ansible_collections.relaunch.controller.plugins.module_utils._relaunch_options import RelaunchRequest
from ansible_collections.relaunch.controller.plugins.module_utils._wait import wait_until

# Events of a job are in about a second after its end, eight under load (recorded: lag-detail). On some versions those
# of a job that ended in error or was canceled never are, so that waiting for them must end.
EVENTS_TIMEOUT = 60.0
EVENTS_TIMEOUT_NO_PLAYBOOK = 5.0

# Canceling is asynchronous too: 202 says that it will be done (recorded: cancel-post-running).
CANCEL_ACCEPTED = 202
CANCEL_TIMEOUT = 30.0

# How much of a failed task's message goes into the sentence; all of it is in `failures`.
SHOWN_MESSAGE = 200

# What --diff shows of a source and its relaunch.
COMPARED = ("status", "launch_type", "job_type", "limit")

Progress = t.Callable[[Job], None]


def relaunch_job(
    client: ControllerClient, request: RelaunchRequest, result: Result, progress: t.Optional[Progress] = None
) -> None:
    """Bring it about that the work of a job has succeeded, or say why not.

    :param client: the controller.
    :param request: what is asked for.
    :param result: filled with the facts as they become known, so that it is whole on every way out.
    :param progress: is shown the job at each look while waiting for its end.
    :raises ControllerError: the task has failed.
    """
    _Sequence(client, request, result, progress).run()


class _Sequence:
    def __init__(
        self, client: ControllerClient, request: RelaunchRequest, result: Result, progress: t.Optional[Progress]
    ) -> None:
        self.client = client
        self.request = request
        self.wish = request.wish
        self.result = result
        self.progress = progress
        self.newest = 0
        self.deadline = None if request.timeout is None else client.clock() + request.timeout

    def run(self) -> None:
        self.result["changed"] = False
        source = self._source()
        while True:
            self._tell(source)
            decision = self._decide(source)
            if isinstance(decision, AwaitSource):
                source = self._wait(source, f"job {source.id}, which is relaunched if it fails,")
            elif isinstance(decision, Adopt) and decision.again:
                self._wait(decision.job, f"job {decision.job.id}, which relaunches a part of the failed hosts,")
            else:
                break
        if isinstance(decision, Refuse):
            raise RefusedError(decision.reason)
        if isinstance(decision, Done):
            self._done(decision, source)
        elif isinstance(decision, Adopt):
            self._adopt(decision)
        elif isinstance(decision, Launch):
            self._launch(decision, source)

    def _source(self) -> Job:
        job_id = self.request.job_id
        if job_id is None:
            template = str(self.request.job_template)
            job_id = _templates.latest_job_id(self.client, template, self.request.organization)
        self.result["source_job_id"] = job_id
        try:
            return _jobs.get(self.client, job_id)
        except AnswerError as error:
            if not error.refuses or error.status not in (403, 404):
                raise
            kind = _jobs.other_kind(self.client, job_id) if error.status == 404 else None
            raise RefusedError(source_unavailable(error, job_id, kind)) from None

    def _decide(self, source: Job) -> Decision:
        """The decision, asking only for what it needs: for a first relaunch that is one list."""
        wish = self.wish
        decision = decide(source, wish)
        if not isinstance(decision, Launch):
            return decision
        later = _equivalents.later_relaunches(self.client, source)
        self.newest = max([source.id, *(job.id for job in later)])
        same = [] if wish.force else [job for job in later if _equivalents.same_work(source, job, wish.job_type)]
        if wish.hosts == ALL:
            whole = [Relaunch(job, whole=True) for job in same if _equivalents.same_limit(source, job)]
            return decide(source, wish, relaunches=whole)
        if not same and not wish.fallback_to_all:
            return decision
        failed_hosts = self._failed_hosts(source)
        known = [self._relaunch(source, failed_hosts, job) for job in same]
        return decide(source, wish, failed_hosts, [relaunch for relaunch in known if relaunch is not None])

    def _failed_hosts(self, job: Job) -> frozenset[str]:
        """The failed hosts of a finished job that a relaunch would reach."""
        self._with_events(job)
        summaries = _jobs.host_summaries(self.client, job.id, failed=True)
        return frozenset(summary.name for summary in summaries if summary.present)

    def _relaunch(self, source: Job, failed_hosts: frozenset[str], job: Job) -> t.Optional[Relaunch]:
        """A candidate with what became of its hosts; None where its limit makes it no equivalent."""
        whole = _equivalents.same_limit(source, job)
        covers = _equivalents.covered(failed_hosts, source, job)
        if not (whole or covers) or job.active:
            return Relaunch(job, whole, covers) if whole or covers else None
        if job.successful:
            return Relaunch(job, whole, covers, succeeded=covers)
        summaries = _jobs.host_summaries(self.client, job.id)
        if not summaries:
            # No host at all: either it has just ended and the hosts are not in yet, or there will never be any.
            self._with_events(_jobs.get(self.client, job.id))
            summaries = _jobs.host_summaries(self.client, job.id)
        return Relaunch(
            job,
            whole,
            covers,
            succeeded=frozenset(summary.name for summary in summaries if not summary.failed),
            failed=frozenset(summary.name for summary in summaries if summary.failed and summary.present),
        )

    def _done(self, decision: Done, source: Job) -> None:
        if decision.job is not source:
            self._tell(_jobs.get(self.client, decision.job.id))
        self.result["msg"] = decision.reason

    def _adopt(self, decision: Adopt) -> None:
        job = _jobs.get(self.client, decision.job.id)
        self._tell(job)
        if decision.hosts:
            self.result["hosts"] = sorted(decision.hosts)
        rest = (
            f" It leaves out {_jobs.names(sorted(decision.rest))}: run the task again after it."
            if decision.rest
            else ""
        )
        self.result["msg"] = f"{decision.reason}{rest}"
        if self.wish.wait:
            self._judge(self._wait(job, f"job {job.id}"))

    def _launch(self, decision: Launch, source: Job) -> None:
        request = self.request
        # A list tells neither the passwords that a job needs nor whether its events are in.
        job = decision.job if decision.job is source else _jobs.get(self.client, decision.job.id)
        if request.check_mode and not job.startable:
            if decision.instead is None:
                raise ForbiddenError(f"Job {job.id} would not be relaunched. {not_startable(job)}")
            self._launch(decision.instead, source)
            return
        self.result["relaunched_job_id"] = job.id
        if decision.hosts == FAILED:
            self._with_events(job)
        body = payload(job, decision.hosts, request.credential_passwords, self.wish.job_type)
        if "job_type" in body:
            self._guard_job_type(job)
        missing = missing_passwords(job, request.credential_passwords)
        if request.check_mode:
            self._predict(decision, job, missing)
        if missing:
            raise RefusedError(
                f"Job {job.id} was not relaunched: it needs passwords that are not given, or blank: "
                f"{', '.join(missing)}. Give them in credential_passwords."
            )
        if request.check_mode:
            return
        try:
            new = self._post(Attempt(job, decision.hosts, body, self.newest))
        except ForbiddenError:
            if decision.instead is None:
                raise
            # A relaunch keeps its limit as a prompt, and a user who may only execute the template may not relaunch a
            # job with prompts that the template does not ask for. The source has none.
            self._launch(decision.instead, source)
            return
        self._tell(new.job)
        self._compare(source, new.job.facts, f"job {new.job.id}")
        names = new.job.limit_hosts if decision.hosts == FAILED else []
        if names:
            self.result["hosts"] = names
        self.result["msg"] = f"{decision.reason}: relaunched as job {new.job.id} on {_on(decision.hosts, names)}."
        if new.lost:
            self.result["msg"] += f" The answer to that was lost, so the job was looked for: {new.lost}"
        self._verify_job_type(new.job)
        if self.wish.wait:
            ended = self._wait(new.job, f"job {new.job.id}", ours=True)
            self._compare(source, ended.facts, f"job {ended.id}")
            self._judge(ended)

    def _post(self, attempt: Attempt) -> Launched:
        """Launch, with a result that is true whatever becomes of it."""
        self.result["changed"] = True
        try:
            return launch(self.client, attempt)
        except (RefusedError, NotSentError):
            self.result["changed"] = False
            raise
        except AnswerLostError:
            self.result.update(dict.fromkeys(_jobs.FLAT_FACTS))
            raise

    def _guard_job_type(self, job: Job) -> None:
        """Refuse a job type where the controller would silently ignore it, and run what was to be checked only."""
        actions = self.client.options(_jobs.path(job.id, "relaunch")).get("actions") or {}
        accepted = (actions.get("POST") or {}).get("job_type") or {}
        if self.wish.job_type not in [choice[0] for choice in accepted.get("choices") or ()]:
            raise RefusedError(
                f"Job {job.id} was not relaunched: this controller does not take a job type on a relaunch, and would "
                f"relaunch it as {job.job_type}. Launch the template with job_type: {self.wish.job_type} instead."
            )

    def _verify_job_type(self, new: Job) -> None:
        if self.wish.job_type not in (None, new.job_type):
            raise JobUnsuccessfulError(
                f"Job {new.id} was relaunched as {new.job_type}, though {self.wish.job_type} was asked for and the "
                f"controller had said that it takes it.{self._cancel(new)}"
            )

    def _predict(self, decision: Launch, job: Job, missing: list[str]) -> None:
        """Fill in what a real run would do, with safe requests only."""
        relaunch = self.client.get(_jobs.path(job.id, "relaunch"))
        summaries = _jobs.host_summaries(self.client, job.id, failed=True if decision.hosts == FAILED else None)
        names = [summary.name for summary in summaries if summary.present]
        future = dict(
            status="pending",
            launch_type="relaunch",
            job_type=self.wish.job_type or job.job_type,
            limit=",".join(names) if decision.hosts == FAILED else job.facts.get("limit"),
        )
        self._compare(job, future, f"relaunch of job {job.id} (check mode)")
        self.result.update(hosts=names, passwords_missing=missing, retry_counts=relaunch.get("retry_counts"))
        if decision.hosts == FAILED and not names:
            raise RefusedError(f"Job {job.id} would not be relaunched on its failed hosts. {no_failed_hosts(job)}")
        if not missing:
            self.result["changed"] = True
            self.result["msg"] = f"{decision.reason}: would be relaunched on {_on(decision.hosts, names)}."

    def _with_events(self, job: Job) -> None:
        """Wait until a job's events are processed, as far as they will be: before that its hosts are not known."""
        if job.events_processed:
            return
        timeout = EVENTS_TIMEOUT if job.status == "failed" else EVENTS_TIMEOUT_NO_PLAYBOOK
        try:
            self._wait_until(job, lambda now: now.events_processed, timeout)
        except WaitTimeoutError:
            return

    def _wait(self, job: Job, what: str, ours: bool = False) -> Job:
        """Wait for the end of a job within the task's timeout.

        :param ours: this task launched it, and may cancel it.
        """
        timeout = None if self.deadline is None else max(0.0, self.deadline - self.client.clock())
        try:
            job = self._wait_until(job, self._ended, timeout)
        except WaitTimeoutError as error:
            job = error.last or job
            self._tell(job)
            on = " It goes on: run the task again to wait for it."
            if ours and self.request.cancel_on_timeout:
                on = self._cancel(job)
            raise WaitTimeoutError(
                f"Waiting for {what} ended after {self.request.timeout:g} seconds (timeout) with the job {job.status}."
                f"{_explained(job)}{on} See {self.client.job_url(job.id)}"
            ) from None
        except ControllerError as error:
            raise RefusedError(
                f"Waiting for {what} ended early: {error} Run the task again to go on, or see "
                f"{self.client.job_url(job.id)}"
            ) from None
        self._tell(job)
        return job

    def _ended(self, job: Job) -> bool:
        if self.progress:
            self.progress(job)
        return not job.active

    def _wait_until(self, job: Job, done: t.Callable[[Job], bool], timeout: t.Optional[float]) -> Job:
        return wait_until(
            lambda: _jobs.get_once(self.client, job.id),
            done,
            self.request.interval,
            timeout,
            self.client.clock,
            self.client.sleep,
            known=job,
        )

    def _cancel(self, job: Job) -> str:
        """Cancel a job and tell what came of it, with its facts in the result."""
        try:
            self.client.post(_jobs.path(job.id, "cancel"), {}, CANCEL_ACCEPTED)
            said = " It was canceled."
        except AnswerError as error:
            said = " It ended before it could be canceled." if error.status == 405 else f" Canceling it failed: {error}"
        except ControllerError as error:
            said = f" Canceling it failed: {error}"
        try:
            self._tell(self._wait_until(job, lambda now: not now.active, CANCEL_TIMEOUT))
        except WaitTimeoutError as error:
            self._tell(error.last or job)
        except ControllerError as error:
            said += f" Its state could not be read after that: {error}"
        return said

    def _judge(self, job: Job) -> None:
        """Tell how a waited-for job ended; fail unless successfully."""
        if job.successful:
            self.result["failed_hosts"] = []
            self.result["msg"] += f" Job {job.id} was successful."
            return
        self._report(job)
        names = self.result.get("failed_hosts")
        raise JobUnsuccessfulError(
            f"Job {job.id}, a relaunch of job {self.result['source_job_id']}, ended with status {job.status}"
            f"{' on ' + _jobs.names(names) if names else ''}.{_explained(job)}{self._first_failure()} "
            f"See {self.client.job_url(job.id)}"
        )

    def _first_failure(self) -> str:
        failures = self.result.get("failures")
        if not failures:
            return ""
        first = failures[0]
        more = len(failures) - 1 + self.result["failures_more"]
        message = first["message"][:SHOWN_MESSAGE]
        return f" {first['host']}: {first['task']}: {message}{f' (and {more} more)' if more else ''}."

    def _report(self, job: Job) -> None:
        """What is known of a failure. Nothing that goes wrong here may hide the failure itself."""
        try:
            self._with_events(job)
            summaries = _jobs.host_summaries(self.client, job.id, failed=True)
            self.result["failed_hosts"] = [summary.name for summary in summaries]
            self.result["failures"], self.result["failures_more"] = _jobs.failures(self.client, job.id)
            self.result["stdout_tail"] = _jobs.stdout_tail(self.client, job.id)
        except ControllerError as error:
            self.result["report_error"] = str(error)

    def _tell(self, job: Job) -> None:
        """Put a job's facts into the result."""
        self.result.update((name, job.facts.get(name)) for name in _jobs.FLAT_FACTS)
        self.result.update(job=dict(job.facts), url=self.client.job_url(job.id))

    def _compare(self, source: Job, facts: t.Mapping[str, t.Any], header: str) -> None:
        """With --diff, source and relaunch side by side."""
        if self.request.diff:
            self.result["diff"] = dict(
                before={name: source.facts.get(name) for name in COMPARED},
                after={name: facts.get(name) for name in COMPARED},
                before_header=f"job {source.id}",
                after_header=header,
            )


def _explained(job: Job) -> str:
    explanation = job.facts.get("job_explanation")
    if explanation:
        return f' The controller explains: "{explanation}"'
    if job.status == "pending" and job.facts.get("allow_simultaneous") is False:
        return " Its template allows one job at a time, so that it has to wait for another one."
    if job.status in ("pending", "waiting"):
        return " It waits for capacity, or for another job, project update or inventory update."
    return ""


def _on(hosts: str, names: t.Sequence[str]) -> str:
    if hosts == ALL:
        return "all its hosts"
    return f"{len(names)} failed host{'' if len(names) == 1 else 's'}: {_jobs.names(names)}"
