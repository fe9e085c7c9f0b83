# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking whether something that a job was launched with is gone, for as little as that takes.

Private to this collection.
"""

from __future__ import annotations

import typing as t

from .._api.client import ControllerClient
from .._api.errors import AnswerError
from .._api.jobs import Job
from .._api.kinds import JOB
from .gone_prompts import (
    CHANGED_BY,
    CREDENTIAL,
    TOLD_BY_LAUNCH,
    Facts,
    Objection,
    asked_for,
    lacks_of_launch,
    may_lack_one,
    objection,
    signs,
)


def read_objection(
    client: ControllerClient,
    source: Job,
    asks_credentials: t.Callable[[], t.Optional[bool]],
    changes: t.Collection[str] = (),
    template: t.Optional[Facts] = None,
) -> Objection:
    """What speaks against the relaunch of a job.

    :param asks_credentials: whether its template asks for credentials at launch, so that one of several may have been
        a prompt that is gone; None where that is not known.
    :param changes: names of what is given anew, so that it does not matter what has become of it.
    :param template: its template, where that has been read.
    :raises ControllerError: what has to be known could not be read. What this user may not see does not count.
    """
    found = [what for what in signs(source) if CHANGED_BY.get(what) not in changes]
    launched: t.Optional[Facts] = None
    if not found:
        # Of several credentials nothing but the launch tells that one is gone.
        doubtful = may_lack_one(source) and CHANGED_BY[CREDENTIAL] not in changes
        launched = _launch_of(client, source) if doubtful and asks_credentials() is not False else None
        if not lacks_of_launch(source, launched):
            return Objection()
    template = template or _seen(client, f"job_templates/{source.template}/")
    # What a template does not ask for was no prompt.
    prompted = {what for what in found if template is None or asked_for(template, what)}
    if prompted & TOLD_BY_LAUNCH:
        launched = _launch_of(client, source)
    return objection(source, template, launched, changes)


def _launch_of(client: ControllerClient, source: Job) -> t.Optional[Facts]:
    """What the activity stream says of a job's launch; None where this user may not see it, or it is not kept."""
    stream = _seen(client, JOB.at(source.id, "activity_stream"), operation="create", page_size=1)
    entries = (stream or {}).get("results") or [{}]
    changes: t.Optional[Facts] = entries[0].get("changes")
    return changes


def _seen(client: ControllerClient, path: str, **query: t.Any) -> t.Optional[Facts]:
    """What is there; None where this user may not see it, or the controller has none."""
    try:
        return client.get(path, **query)
    except AnswerError as error:
        if error.transient:
            raise
        return None
