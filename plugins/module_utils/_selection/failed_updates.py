# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Updates of projects and inventory sources that have failed, and which of the selected jobs depend on them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._api.client import ControllerClient
from .._api.jobs import ERROR, FAILED_STATUSES, SUCCESSFUL, Job
from .._api.kinds import INVENTORY_UPDATE, PROJECT_UPDATE, Kind
from .._api.paging import first_entries
from .selection import Selection


@dataclass(frozen=True)
class Updated:
    """What is updated.

    :param kind: of its updates.
    :param name: of it, as a field of its updates.
    :param path: of its list.
    :param needed: what a job and an update have in common where the job depends on it.
    """

    kind: Kind
    name: str
    path: str
    needed: str


_OF_PROJECTS = Updated(PROJECT_UPDATE, "project", "projects/", "project")
UPDATED = (_OF_PROJECTS, Updated(INVENTORY_UPDATE, "inventory_source", "inventory_sources/", "inventory"))


@dataclass(frozen=True)
class FailedUpdate:
    """The last failed update of a project or an inventory source, which has not been successful since.

    :param update: as a list shows it.
    :param jobs: the numbers of the selected jobs that depend on it.
    """

    updated: Updated
    update: Job
    jobs: tuple[int, ...]

    @property
    def owner(self) -> int:
        """The number of the project, or inventory source."""
        return int(self.update.facts[self.updated.name])

    @property
    def description(self) -> str:
        """It as a part of a sentence."""
        return f"{self.updated.kind.noun} {self.update.id} ({self.update.name})"


def failed_updates(client: ControllerClient, selection: Selection, jobs: t.Sequence[Job]) -> tuple[FailedUpdate, ...]:
    """The updates that failed in the time of a selection; without one, since the first job was made that they may have
    kept from running. And, whenever they failed, those of projects: without an update at each launch none of their jobs
    begins (recorded: updates-relaunch-project-failed-detail).

    Each tells how its project, or source, is by now (recorded: updates-project-list, updates-inventory-list). Who may
    not see a project is told of none.

    :raises ControllerError: they could not be read.
    """
    since = selection.finished_after
    if since is None and selection.finished_before is None:
        since = min((job.created for job in jobs if not job.began or job.status == ERROR), default=None)
    window = replace(selection, finished_after=since).window
    failed = {"status__in": ",".join(FAILED_STATUSES)}
    found: dict[tuple[str, t.Any], FailedUpdate] = {}

    def note(updated: Updated, entries: t.Iterable[t.Mapping[str, t.Any]]) -> None:
        for update in map(Job.of, entries):
            owner, needed = update.facts.get(updated.name), update.facts.get(updated.needed)
            if owner is not None and update.summary(updated.name).get("status") != SUCCESSFUL:
                depending = tuple(job.id for job in jobs if job.facts.get(updated.needed) == needed)
                found[updated.name, owner] = FailedUpdate(updated, update, depending)

    for updated in UPDATED if window else ():
        note(updated, client.results(updated.kind.path, order_by="id", **failed, **window))
    path, owner = _OF_PROJECTS.kind.path, _OF_PROJECTS.name
    broken = {job.facts[owner] for job in jobs if job.summary(owner).get("status") in FAILED_STATUSES}
    for number in sorted(broken.difference(number for name, number in found if name == owner)):
        last = {owner: number, "order_by": "-id", "page_size": 1}
        note(_OF_PROJECTS, first_entries(client.get, path, **failed, **last))
    return tuple(found.values())
