# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the jobs that a selection is about: names looked up, lists fetched.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import quote

from .._api import templates as _templates
from .._api.client import ControllerClient
from .._api.errors import RefusedError, if_visible
from .._api.jobs import Job, join
from .._api.kinds import IN_WORDS, JOB, WORKFLOW_JOB
from .._api.paging import by_numbers
from .selection import NAMED, Named, Selection

# Characters of a query; some proxies take 4 KiB for a whole request line (a controller answered 414 to 150 names).
QUERY_LENGTH = 3000


@dataclass(frozen=True)
class SelectedJobs:
    """What a selection has found.

    :param jobs: oldest first, as lists show them.
    :param workflows: workflow jobs, likewise; those of sliced runs among them, unless job_ids names them.
    :param run: of a sliced run, what is known of it besides; None where the selection is about something else.
    """

    jobs: tuple[Job, ...]
    workflows: tuple[Job, ...] = ()
    run: t.Optional[SlicedRun] = None


@dataclass(frozen=True)
class SlicedRun:
    """A run of a sliced job template, whose slices are jobs.

    :param number: of its workflow job.
    :param slices: how many it should have (recorded: find-slice); some may never have been spawned.
    :param successful: how many of them were.
    :param left_out: how many ended otherwise and are not selected, such as canceled ones.
    """

    number: int
    slices: int
    successful: int
    left_out: int

    def sentence(self, selected: int, recovered: int) -> str:
        """Whether it is complete, which its workflow job will never say.

        :param selected: how many slices are selected.
        :param recovered: how many of these have succeeded by now.
        """
        name = f"workflow job {self.number}"
        if recovered == selected == self.slices - self.successful:
            if not selected:
                return f"All {self.slices} slices of {name} were successful."
            return f"All {self.slices} slices of {name} have succeeded by now; its own status stays as it is."
        missing = self.slices - self.successful - self.left_out - selected
        open_ones = self.slices - self.successful - recovered
        parts = [f"Of {name} {open_ones} of {self.slices} slices have not succeeded yet"]
        if self.left_out:
            parts.append(f"{self.left_out} of them ended canceled or with a status that is not selected")
        if missing:
            parts.append(f"{missing} of them never became a job: launch the template again for those")
        return ", ".join(parts) + "."


def find(client: ControllerClient, selection: Selection) -> SelectedJobs:
    """The jobs of a selection.

    :raises RefusedError: it names what there is not.
    :raises ControllerError: it could not be read.
    """
    if selection.job_ids:
        return _numbered(client, selection)
    if selection.workflow_job_id is not None:
        _check_sliced(client, selection.workflow_job_id)
    numbers = {
        named.option: _looked_up(client, named, selection.names[named.option])
        for named in NAMED
        if named.option in selection.names
    }
    query = selection.query(numbers)
    if selection.workflow_job_id is None:
        of_kind = {kind: tuple(map(Job.of, client.results(kind.path, **query))) for kind in selection.kinds}
        return SelectedJobs(of_kind.get(JOB, ()), of_kind.get(WORKFLOW_JOB, ()))
    found = [Job.of(entry) for entry in client.results(JOB.path, **query)]
    wanted = tuple(job for job in found if job.active or job.status in selection.status)
    successful = sum(job.successful for job in found)
    spawned = max([len(found), *(int(job.facts.get("job_slice_count") or 0) for job in found)])
    run = SlicedRun(selection.workflow_job_id, spawned, successful, len(found) - len(wanted) - successful)
    return SelectedJobs(wanted, run=run)


def _numbered(client: ControllerClient, selection: Selection) -> SelectedJobs:
    """The jobs, and workflow jobs, of these numbers.

    :raises RefusedError: one of them is something else.
    """
    left = set(selection.job_ids)
    found: dict[str, list[Job]] = {}
    for kind in selection.kinds:
        entries = by_numbers(client.results, kind.path, "id__in", left)
        found[kind.type] = sorted(map(Job.of, entries), key=lambda job: job.id)
        left.difference_update(job.id for job in found[kind.type])
    workflows = tuple(found.get(WORKFLOW_JOB.type, ()))
    others = by_numbers(client.results, "unified_jobs/", "id__in", left)
    kinds = {int(entry["id"]): str(entry.get("type")) for entry in others}
    unknown = left.difference(kinds)
    said = [f"there is no job {join(unknown)} that this user may see"] if unknown else []
    said.extend(f"{number} is {IN_WORDS.get(kinds[number], kinds[number])}" for number in sorted(kinds))
    said.extend(f"{job.id} is a sliced job (workflow_job_id)" for job in workflows if job.facts.get("is_sliced_job"))
    if said:
        raise RefusedError(f"Nothing was launched: {'; '.join(said)}. Leave it out of job_ids.")
    return SelectedJobs(tuple(found.get(JOB.type, ())), workflows)


def _check_sliced(client: ControllerClient, number: int) -> None:
    run = if_visible(lambda: client.get(WORKFLOW_JOB.at(number)))
    if run is None:
        raise RefusedError(f"Nothing was launched: there is no workflow job {number} that this user may see.")
    if not run.get("is_sliced_job"):
        raise RefusedError(
            f"Nothing was launched: workflow job {number} is no run of a sliced job template. Relaunching the jobs of "
            "its nodes would not resume the workflow: with job_ids it is resumed itself."
        )


def _looked_up(client: ControllerClient, named: Named, names: t.Sequence[str]) -> list[int]:
    """The numbers of what is named, by name or number, of a few in one request.

    :raises RefusedError: some of it is not there.
    """
    entries: list[dict[str, t.Any]] = []
    for some in _few(names):
        numbers = [name for name in some if _templates.id_of(name) is not None]
        query: dict[str, t.Any] = {"or__name": some, **({"or__id": numbers} if numbers else {})}
        entries.extend(client.results(named.path, **query))
    wanted: set[int] = set()
    unknown = []
    for name in names:
        # A number is tried as an id first, as awx.awx does.
        ids = [entry["id"] for entry in entries if str(entry["id"]) == name]
        ids = ids or [entry["id"] for entry in entries if entry.get("name") == name]
        wanted.update(ids)
        if not ids:
            unknown.append(name)
    if unknown:
        raise RefusedError(
            f"Nothing was launched: there is no {named.what} {' or '.join(unknown)} that this user may see. Look at "
            f"{named.option}."
        )
    return sorted(wanted)


def _few(names: t.Iterable[str]) -> t.Iterator[list[str]]:
    """Names by so many as fit into one request, as they are written there."""
    some: list[str] = []
    length = 0
    for name in names:
        written = 2 * len(quote(name)) + len("&or__name=&or__id=")
        if some and length + written > QUERY_LENGTH:
            yield some
            some, length = [], 0
        some.append(name)
        length += written
    yield some
