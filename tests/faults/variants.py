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
from ansible_collections.relaunch.controller.plugins.module_utils._bulk import later_jobs as _later_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._bulk import options as _jobs_options
from ansible_collections.relaunch.controller.plugins.module_utils._job import until_end as _until_end
from ansible_collections.relaunch.controller.plugins.module_utils._launch import launch as _launch
from ansible_collections.relaunch.controller.plugins.module_utils._work import history as _history
from ansible_collections.relaunch.controller.plugins.module_utils._work import same_work as _same_work


def values_instead_of_prompts() -> None:
    """A relaunch of a template that was edited is other work."""

    def same(self: t.Any, job: t.Any) -> bool:
        source = self._source
        return bool(_same_work.same_template(source, job) and _same_work.values(job) == _same_work.values(source))

    _instead(_same_work.SameWork, "_same", same)


def covers_as_success() -> None:
    """A successful relaunch has done all hosts of its limit, also those that it did not run on."""
    right = _history.newest_words

    def wrong(base: t.Any, hosts: t.Any, relaunches: t.Any) -> t.Any:
        words = right(base, hosts, relaunches)
        recovered = dict(words.recovered)
        for relaunch in relaunches:
            if relaunch.job.successful:
                recovered.update({host.id: relaunch.job for host in hosts if relaunch.asked_for(host)})
        return dataclasses.replace(words, recovered=recovered)

    _instead(_history, "newest_words", wrong)


def oldest_success_wins() -> None:
    """No later failure takes a success back."""

    def asked(self: t.Any, base: t.Any, hosts: t.Any, relaunches: t.Any) -> t.Any:
        known = [dataclasses.replace(one, summaries=tuple(self._summaries(one.job))) for one in relaunches]
        recovered: dict[int, t.Any] = {}
        for relaunch in known:
            for summary in relaunch.summaries:
                if not summary.failed and summary.host is not None:
                    recovered.setdefault(summary.host, relaunch.job)
        return tuple(known), dataclasses.replace(_history.newest_words(base, hosts, known), recovered=recovered)

    _instead(_history.Historian, "_asked", asked)


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
        return _errors.NotSentError(str(meant), transient=True) if way.proxied else meant

    _instead(_session, "no_answer", wrong)


def no_tie_break() -> None:
    """Nobody looks for other callers."""
    _instead(_until_end, "lower_rival", lambda _client, _contest, own, successful_too=False: (own, None))


def no_look_up() -> None:
    """Nobody looks for a job whose answer was lost."""
    _instead(_launch, "_look_up", lambda _client, _watch, _attempt: None)


def relaunches_only() -> None:
    """Of many jobs, what a schedule or a person has launched later does not count."""
    for name in ("of", "fetch"):
        _without_others(name)


def _without_others(name: str) -> None:
    right = getattr(_later_jobs.LaterJobs, name)
    _instead(_later_jobs.LaterJobs, name, lambda *given: [job for job in right(*given) if job.is_relaunch])


def at_once_ignored() -> None:
    """As many relaunches are active at a time as there are."""
    right = _jobs_options.JobsRequest.of
    _instead(_jobs_options.JobsRequest, "of", lambda *given: dataclasses.replace(right(*given), at_once=100))


def _instead(place: t.Any, name: str, wrong: t.Callable[..., t.Any]) -> None:
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
    )
}
