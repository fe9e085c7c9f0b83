# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failed updates of projects and inventory sources: each is run once more before the jobs that depend on it.

Private to this collection.
"""

from __future__ import annotations

import typing as t

from .._api.errors import OF_ONE_ADDRESS, THROTTLED, AnswerError, DeadlineError, RefusedError, WaitTimeoutError
from .._api.jobs import Job, join
from .._api.paging import first_entries
from .._launch.asks import EndOf, Steps
from .._launch.failure_report import explained
from .._launch.waiting import Watch
from .._selection.failed_updates import FailedUpdate

ACCEPTED = 202


class UpdatesFirst:
    """Runs failed updates once more, each before the first of the jobs that depend on it, and tells of them.

    :param watch: the controller, and tells when the task's deadline is over, so that none is begun any more.
    :param failed: the updates that failed.
    :param first: whether they are run again; else they are only told.
    :param nodes: the numbers of jobs that are nodes of workflows, before which none is run.
    """

    def __init__(
        self, watch: Watch, failed: t.Sequence[FailedUpdate], first: bool, nodes: t.Collection[int] = ()
    ) -> None:
        self._failed = failed
        self._first = first
        self._nodes = frozenset(nodes)
        self._watch = watch
        # By the number of the failed update, the one that was run after it.
        self._newer: dict[int, Job] = {}
        # Likewise why none could be run.
        self._refused: dict[int, str] = {}
        #: The numbers of the failed ones after which one was begun, or may have been.
        self.begun_after: set[int] = set()

    def before(self, job: Job) -> Steps[bool]:
        """What comes before the launch of a job; whether that was waited for.

        :raises RefusedError: an update that it depends on could not be run, or has failed again.
        :raises WaitTimeoutError: the task's timeout, or its deadline, came first.
        """
        waited = False
        for failed in self._failed if self._first else ():
            if job.id in failed.jobs:
                waited = (yield from self._run(failed)) or waited
        return waited

    def _run(self, failed: FailedUpdate) -> Steps[bool]:
        kind = failed.updated.kind
        if why := self._refused.get(failed.update.id):
            raise RefusedError(why)
        newer = self._newer.get(failed.update.id) or self._begun(failed)
        self._newer[failed.update.id] = newer
        waited = newer.active
        if waited:
            try:
                newer = yield EndOf(newer)
            except WaitTimeoutError as error:
                over = "deadline" if isinstance(error, DeadlineError) else "timeout"
                raise type(error)(
                    f"Not launched: the {over} was over while {kind.noun} {newer.id} was waited for. Run the task "
                    "again to go on."
                ) from None
            self._newer[failed.update.id] = newer
        if not newer.successful:
            page = self._watch.client.page_url(kind.page, newer.id)
            raise RefusedError(
                f"Not launched: {failed.description} failed, and so did {kind.noun} {newer.id} after it, with status "
                f"{newer.status}.{explained(newer)} Mend that, and run the task again. See {page}"
            )
        return waited

    def _begun(self, failed: FailedUpdate) -> Job:
        """An update that is active, or was successful meanwhile; else a new one (recorded: updates-project-post)."""
        updated = failed.updated
        newer = {updated.name: failed.owner, "id__gt": failed.update.id, "order_by": "-id", "page_size": 1}

        def begin() -> Job:
            for found in map(Job.of, first_entries(self._watch.client.get, updated.kind.path, **newer)):
                if found.active or found.successful:
                    return found
            if self._watch.launching_over:
                raise DeadlineError(f"Not launched: the deadline was over before {failed.description} was run again.")
            try:
                new = Job.of(self._watch.client.post(f"{updated.path}{failed.owner}/update/", {}, ACCEPTED))
            except OF_ONE_ADDRESS as error:
                if not (error.refuses or (isinstance(error, AnswerError) and error.status == THROTTLED)):
                    self.begun_after.add(failed.update.id)
                raise
            self.begun_after.add(failed.update.id)
            return new

        try:
            # Two of them do no harm.
            return self._watch.client.retried(begin)
        except AnswerError as error:
            if not error.refuses:
                raise
            why = f"Not launched: {failed.description} failed, and cannot be run again: {error}"
            self._refused[failed.update.id] = why
            raise RefusedError(why) from None

    def result(self) -> list[dict[str, t.Any]]:
        """The updates, each with the jobs that depend on it, as plain data."""
        found = []
        for failed in self._failed:
            newer = self._newer.get(failed.update.id)
            after = {} if newer is None else {"new_id": newer.id, "new_status": newer.status}
            facts = {"id": failed.update.id, "type": failed.updated.kind.type, "name": failed.update.name}
            found.append({**facts, "job_ids": list(failed.jobs), **after})
        return found

    def sentences(self, planned: bool) -> t.Iterator[str]:
        """A sentence about each.

        :param planned: nothing has been done about it yet.
        """
        for failed in self._failed:
            noun, newer = failed.updated.kind.noun, self._newer.get(failed.update.id)
            depend = f"jobs that depend on it: {join(failed.jobs)}" if failed.jobs else "no job depends on it"
            said = failed.description[:1].upper() + failed.description[1:]
            if newer is not None:
                after = f"; {noun} {newer.id} after it is {newer.status}."
            elif not failed.jobs:
                after = "."
            elif self._nodes.issuperset(failed.jobs):
                after = ": nodes of workflows. Run it again before these are resumed."
            elif failed.update.id in self.begun_after:
                after = ". Whether it was run again is not known: the answer to that was lost."
            elif self._first and planned:
                after = ": it is run again before these."
            elif self._first:
                after = ". It was not run again, since none of these was relaunched."
            else:
                after = ". update_first: true runs it again before these."
            yield f"{said} failed ({depend}){after}"
