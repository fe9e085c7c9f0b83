# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the templates of many jobs were edited last, in one list of them. Private to this collection."""

from __future__ import annotations

import functools
import typing as t

from .._api.client import ControllerClient
from .._api.errors import ControllerError
from .._api.jobs import Job, parse_time
from .._api.paging import by_numbers
from .._api.templates import JOB_TEMPLATE
from .._work.same_work import LastEdit

_ASKS_CREDENTIALS = "ask_credential_on_launch"


def template_edits(client: ControllerClient, jobs: t.Iterable[Job]) -> t.Callable[[Job], t.Optional[LastEdit]]:
    """Tells the last edit of a job's template; None where it is not one of them, or this user may not see it.

    They are asked for all at once, when one matters. What would be told, where they cannot be read, can be asked of
    each job.

    :param jobs: whose templates are meant.
    """
    templates = {job.template for job in jobs if job.template is not None}

    @functools.cache
    def listed() -> dict[int, LastEdit]:
        # What is edited while this is answered is not known.
        now = client.now()
        found: dict[int, LastEdit] = {}
        try:
            for entry in by_numbers(client.results, JOB_TEMPLATE.path, "id__in", templates):
                if entry.get("modified"):
                    modified = parse_time(entry["modified"])
                    survey, asks = (bool(entry.get(name, True)) for name in ("survey_enabled", _ASKS_CREDENTIALS))
                    found[int(entry["id"])] = LastEdit(modified, now, survey, asks)
        except ControllerError:
            return {}
        return found

    return lambda job: None if job.template is None else listed().get(job.template)
