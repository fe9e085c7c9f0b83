# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong ways to work, to prove the judge with: each puts a wrong function in the place of a right one."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from unittest import mock

from ansible_collections.relaunch.controller.plugins.module_utils._api import errors as _errors
from ansible_collections.relaunch.controller.plugins.module_utils._api import no_answer as _no_answer
from ansible_collections.relaunch.controller.plugins.module_utils._api import session as _session
from ansible_collections.relaunch.controller.plugins.module_utils._bulk import options as _jobs_options
from ansible_collections.relaunch.controller.plugins.module_utils._bulk import recent_jobs as _recent_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._bulk import workflow_rows as _workflow_rows
from ansible_collections.relaunch.controller.plugins.module_utils._job import sequence as _sequence
from ansible_collections.relaunch.controller.plugins.module_utils._launch import tie_break as _tie_break
from ansible_collections.relaunch.controller.plugins.module_utils._work import ledger as _ledger
from ansible_collections.relaunch.controller.plugins.module_utils._work import ledger_reader as _ledger_reader
from ansible_collections.relaunch.controller.plugins.module_utils._work import same_work as _same_work
from ansible_collections.relaunch.controller.plugins.module_utils._workflow import lineage as _lineage


def values_instead_of_prompts() -> None:
    """A relaunch of a template that was edited is other work."""

    def same(self: t.Any, job: t.Any) -> bool:
        source = self._source
        return bool(_same_work.same_template(source, job) and _same_work.values(job) == _same_work.values(source))

    _instead(_same_work.SameWork, "_same", same)


def covers_as_success() -> None:
    """A successful relaunch has done all hosts of its limit, also those that it did not run on."""
    right = _ledger.host_records

    def wrong(source: t.Any, runs: t.Any) -> t.Any:
        def done(record: t.Any) -> t.Any:
            jobs = [run.job for run in runs if run.job.successful and run.covers(record.names)]
            return dataclasses.replace(record, done_in=record.done_in or _ledger.done_by(jobs, record.failed_in))

        return tuple(map(done, right(source, runs)))

    _instead(_ledger_reader, "host_records", wrong)


def oldest_success_wins() -> None:
    """No later failure takes a success back."""
    right = _ledger.done_by
    _instead(_ledger_reader, "_decided", lambda _host, _job: False)
    _instead(_ledger, "done_by", lambda done_in, _failed_in: right(done_in, ()))


def credentials_ignored() -> None:
    """A job with another credential is the same work."""
    values, prompts = _same_work.values, _same_work.prompts

    def without(text: str | None) -> str | None:
        if text is None:
            return None
        return json.dumps({name: one for name, one in json.loads(text).items() if name != "credentials"})

    _instead(_same_work, "values", lambda job: without(values(job)))
    _instead(_same_work, "prompts", lambda body: without(prompts(body)))


def proxy_error_as_not_sent() -> None:
    """Whatever goes wrong behind a proxy went wrong before the request was sent."""
    right = _no_answer.no_answer

    def wrong(error: Exception, way: _no_answer.Way) -> _errors.ControllerError:
        meant = right(error, way)
        return _errors.NotSentError(str(meant), transient=True) if way.proxy else meant

    _instead(_session, "no_answer", wrong)


def no_tie_break() -> None:
    """Nobody looks for other callers."""
    _instead(_tie_break, "first_rival", lambda _newer, own, _is_rival: (own, None))


def no_look_up() -> None:
    """Nobody looks for a job whose answer was lost."""

    def wrong(*_given: t.Any) -> t.Iterator[t.Any]:
        yield from ()
        raise _errors.AnswerLostError("Nobody looks for it.")

    _instead(_sequence, "look_up", wrong)


def relaunches_only() -> None:
    """Of many jobs, what a schedule or a person has launched later does not count."""
    right = _recent_jobs.RecentJobs.answer
    _instead(_recent_jobs.RecentJobs, "answer", lambda *given: [job for job in right(*given) if job.is_relaunch])


def at_once_ignored() -> None:
    """As many relaunches are active at a time as there are."""
    right = _jobs_options.JobsRequest.of
    _instead(_jobs_options.JobsRequest, "of", lambda *given: dataclasses.replace(right(*given), at_once=100))


def slices_alike() -> None:
    """All slices of a template are the same work."""
    values = _same_work.values

    def without(job: t.Any) -> str | None:
        found = values(job)
        return found and json.dumps({name: one for name, one in json.loads(found).items() if "slice" not in name})

    _instead(_same_work, "values", without)
    _instead(_same_work, "slice_of", lambda _job: None)


def other_runs_of_a_workflow_ignored() -> None:
    """What a workflow job that was launched anew has done, or does, does not count."""
    _instead(_workflow_rows.WorkflowRow, "success", property(lambda _row: None))
    _instead(_workflow_rows.WorkflowRow, "active", property(lambda _row: None))
    _instead(_lineage, "_anew", lambda *_jobs: None)


def _instead(place: t.Any, name: str, wrong: t.Any) -> None:
    # For the rest of this process.
    mock.patch.object(place, name, wrong).start()


VARIANTS: dict[str, t.Callable[[], None]] = {
    way.__name__: way
    for way in (
        values_instead_of_prompts,
        covers_as_success,
        oldest_success_wins,
        credentials_ignored,
        proxy_error_as_not_sent,
        no_tie_break,
        no_look_up,
        relaunches_only,
        at_once_ignored,
        slices_alike,
        other_runs_of_a_workflow_ignored,
    )
}
