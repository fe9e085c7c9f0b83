# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the templates of many jobs were edited last, in one list of them. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api.client import ControllerClient
from .._api.errors import ControllerError
from .._api.jobs import Job, parse_time
from .._api.paging import by_numbers
from .._api.templates import JOB_TEMPLATE
from .._work.same_work import LastEdit

_ASKS_CREDENTIALS = "ask_credential_on_launch"


class TemplateEdits:
    """Asked for all of them at once, when one matters.

    :param jobs: whose templates are meant.
    """

    def __init__(self, client: ControllerClient, jobs: t.Iterable[Job]) -> None:
        self._client = client
        self._templates = {job.template for job in jobs if job.template is not None}
        self._known: t.Optional[dict[int, LastEdit]] = None

    def __call__(self, job: Job) -> t.Optional[LastEdit]:
        """The last edit of a job's template; None where it is not one of them, or this user may not see it."""
        if self._known is None:
            self._known = self._listed()
        return None if job.template is None else self._known.get(job.template)

    def _listed(self) -> dict[int, LastEdit]:
        """Nothing where they cannot be read: what they would tell can be asked of each job."""
        # What is edited while this is answered is not known.
        now = self._client.now()
        found: dict[int, LastEdit] = {}
        try:
            for entry in by_numbers(self._client.results, JOB_TEMPLATE.path, "id__in", self._templates):
                if entry.get("modified"):
                    modified = parse_time(entry["modified"])
                    survey, asks = (bool(entry.get(name, True)) for name in ("survey_enabled", _ASKS_CREDENTIALS))
                    found[int(entry["id"])] = LastEdit(modified, now, survey, asks)
        except ControllerError:
            return {}
        return found
