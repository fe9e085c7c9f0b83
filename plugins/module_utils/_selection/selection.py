# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which jobs a task of bulk_job_relaunch is about: from its options to the query for them. Nothing is asked here.

Private to this collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from .._api import jobs as _jobs
from .._api.errors import OptionError
from .._api.kinds import JOB, WORKFLOW_JOB, Kind
from .._retry.deadline import PART_OF_SPAN, UNITS

SELECTABLE = (JOB, WORKFLOW_JOB)

SELECTION_SPEC: dict[str, t.Any] = dict(
    kinds=dict(
        type="list",
        elements="str",
        choices=[kind.type for kind in SELECTABLE],
        default=[kind.type for kind in SELECTABLE],
    ),
    job_ids=dict(type="list", elements="int"),
    finished_after=dict(type="str"),
    finished_before=dict(type="str"),
    status=dict(
        type="list", elements="str", choices=[*_jobs.FAILED_STATUSES, _jobs.CANCELED], default=[*_jobs.FAILED_STATUSES]
    ),
    job_templates=dict(type="list", elements="str"),
    organizations=dict(type="list", elements="str"),
    inventories=dict(type="list", elements="str"),
    labels=dict(type="list", elements="str"),
    workflow_job_id=dict(type="int"),
)

# One of these has to be given: the others alone would select from all that a controller has ever run.
BOUNDS = ("job_ids", "workflow_job_id", "finished_after", "finished_before")

# What every Python reads: since 3.11 it takes far more, such as a day without dashes.
_TIME = r"\d\d(?::\d\d(?::\d\d(?:\.\d{3}(?:\d{3})?)?)?)?"
_DAY_OR_MOMENT = re.compile(rf"(\d{{4}}-\d\d-\d\d)(?:([T ]{_TIME})(?:([+-]\d\d):?(\d\d)?)?)?", re.ASCII)


@dataclass(frozen=True)
class Named:
    """An option that names things of the controller.

    :param path: of the list in which they are looked up.
    :param filter: of the list of jobs, for the numbers found.
    :param what: one of them, for a sentence.
    :param kinds: what can be selected by it.
    """

    option: str
    path: str
    filter: str
    what: str
    kinds: tuple[Kind, ...] = SELECTABLE


NAMED = (
    Named("job_templates", "job_templates/", "unified_job_template__in", "job template", (JOB,)),
    Named("organizations", "organizations/", "organization__in", "organization"),
    Named("inventories", "inventories/", "inventory__in", "inventory"),
    Named("labels", "labels/", "labels__id__in", "label"),
)


@dataclass(frozen=True)
class Selection:
    """What is selected; see the options of the same names.

    :param job_ids: given by number, whatever has become of them.
    :param finished_after: from this moment on.
    :param finished_before: up to this moment, without it.
    :param names: by option, names or numbers; options that are not given are left out.
    :param kinds: that are selected, by all of the options.
    """

    job_ids: tuple[int, ...] = ()
    finished_after: t.Optional[datetime] = None
    finished_before: t.Optional[datetime] = None
    status: tuple[str, ...] = _jobs.FAILED_STATUSES
    names: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    workflow_job_id: t.Optional[int] = None
    kinds: tuple[Kind, ...] = SELECTABLE

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], now: datetime) -> Selection:
        """From validated parameters, SELECTION_SPEC's among them.

        :param now: the moment from which times ago are counted, with its zone.
        :raises OptionError: one of them cannot be used.
        """
        for number in (*(params["job_ids"] or ()), params["workflow_job_id"]):
            if number is not None and number < 1:
                raise OptionError(f"{number} is not the number of a job: give it as the controller shows it.")
        _check_lists(params)
        if not any(params[option] for option in BOUNDS):
            raise OptionError(
                f"None of {', '.join(BOUNDS)} is given: the whole past of the controller would be selected. Give at "
                "least one of them."
            )
        names = {named.option: tuple(params[named.option]) for named in NAMED if params[named.option]}
        given = [option for option in (*BOUNDS, *names) if params[option]]
        if given[0] in BOUNDS[:2] and len(given) > 1:
            raise OptionError(f"{given[0]} names the jobs already: leave it out, or {', '.join(given[1:])}.")
        after, before = (moment(params[option], now, option) for option in ("finished_after", "finished_before"))
        _check_window(after, before, now)
        kinds = tuple(kind for kind in SELECTABLE if kind.type in params["kinds"])
        return cls(
            job_ids=tuple(dict.fromkeys(params["job_ids"] or ())),
            finished_after=after,
            finished_before=before,
            status=tuple(params["status"]),
            names=names,
            workflow_job_id=params["workflow_job_id"],
            kinds=_kinds_by(kinds, names, params["workflow_job_id"] is not None),
        )

    def query(self, numbers: t.Mapping[str, t.Sequence[int]]) -> dict[str, t.Any]:
        """The filters for the list of jobs (recorded: find-window, find-slice); not for ``job_ids``.

        Of a sliced run all slices are asked for, whatever their status, since that tells whether it is complete.

        :param numbers: by option, what its names stand for.
        """
        if self.workflow_job_id is not None:
            return {"order_by": "id", "unified_job_node__workflow_job": self.workflow_job_id}
        query: dict[str, t.Any] = {"order_by": "id", "status__in": ",".join(self.status), **self.window}
        for named in NAMED:
            if named.option in numbers:
                query[named.filter] = ",".join(map(str, numbers[named.option]))
        return query

    @property
    def window(self) -> dict[str, str]:
        """The filters for the time in which jobs, or updates, have ended."""
        bounds = {"finished__gte": self.finished_after, "finished__lt": self.finished_before}
        return {name: written(when) for name, when in bounds.items() if when is not None}

    @property
    def description(self) -> str:
        """It as a part of a sentence."""
        if self.job_ids:
            return f"job_ids: {_jobs.join(self.job_ids)}"
        parts = [f"with status {' or '.join(self.status)}"]
        if len(self.kinds) < len(SELECTABLE):
            parts.append(f"kinds: {', '.join(kind.type for kind in self.kinds)}")
        if self.workflow_job_id is not None:
            parts.append(f"among the slices of workflow job {self.workflow_job_id}")
        bounds = {"after": self.finished_after, "before": self.finished_before}
        parts.extend(f"finished {side} {written(when)}" for side, when in bounds.items() if when is not None)
        parts.extend(f"{option}: {', '.join(names)}" for option, names in self.names.items())
        return ", ".join(parts)


def _check_lists(params: t.Mapping[str, t.Any]) -> None:
    """:raises OptionError: a list is given that holds nothing, as one that was computed may."""
    if params["job_ids"] == []:
        raise OptionError("job_ids is an empty list, so that there is nothing to relaunch: skip the task then.")
    for option in ("status", "kinds", *(named.option for named in NAMED)):
        if params[option] == []:
            raise OptionError(
                f"{option} is an empty list. Name what to select, or leave the option out if it is not to narrow down "
                "the selection."
            )


def _kinds_by(kinds: tuple[Kind, ...], names: t.Container[str], slices: bool) -> tuple[Kind, ...]:
    """The kinds that can be selected by what is given; slices are jobs.

    :raises OptionError: there are none.
    """
    found = tuple(
        kind
        for kind in kinds
        if (kind is JOB or not slices) and all(kind in named.kinds for named in NAMED if named.option in names)
    )
    if not found:
        raise OptionError(f"kinds: {', '.join(kind.type for kind in kinds)} leaves nothing to select here.")
    return found


def moment(text: t.Optional[str], now: datetime, option: str) -> t.Optional[datetime]:
    """A moment as a person writes it: so long ago, such as ``90m``, ``2h`` or ``3d``; or ISO 8601, without a zone UTC.

    :param option: whose value it is.
    :raises OptionError: it is neither.
    """
    if not text:
        return None
    ago = PART_OF_SPAN.fullmatch(text.strip())
    try:
        if ago:
            return now - timedelta(**{UNITS[ago.group(2)]: int(ago.group(1))})
        given = re.sub(r"[zZ]$", "+00:00", text.strip())
        parts = _DAY_OR_MOMENT.fullmatch(given)
        if not parts:
            raise ValueError(given)
        day, time, hours, minutes = parts.groups()
        zone = f"{hours}:{minutes or '00'}" if hours else ""
        found = datetime.fromisoformat(f"{day}{time or ''}{zone}")
        # At the edges of the calendar there is no such moment.
        return found.astimezone(timezone.utc) if found.tzinfo else found.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        raise OptionError(
            f"{option}: {text!r} is no time. Give ISO 8601, such as 2026-11-24T14:00:00Z, or how long ago, such as "
            "90m, 2h or 3d."
        ) from None


def written(when: datetime) -> str:
    """A moment as the controller takes it: with its date, and without a plus sign."""
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _check_window(after: t.Optional[datetime], before: t.Optional[datetime], now: datetime) -> None:
    if after is not None and after > now:
        raise OptionError(f"finished_after lies ahead: {written(after)}, and it is {written(now)}.")
    if after is not None and before is not None and after >= before:
        raise OptionError(
            f"The window is upside down: finished_after ({written(after)}) is not before finished_before "
            f"({written(before)})."
        )
