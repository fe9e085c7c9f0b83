# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of bulk_job_relaunch: what both of its front doors accept, and the request that comes of them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from .._api.connection import CONNECTION_SPEC
from .._api.errors import OptionError
from .._job.options import own_job_id
from .._launch.waiting import WAITING_SPEC, Waiting
from .._retry.deadline import Deadline
from .._retry.options import RULES_SPEC
from .._retry.rules import Rule, rules_of
from .._selection.selection import SELECTION_SPEC, Selection
from .._work.decision import ALL, FAILED, REMAINING, RelaunchOptions

MAX_ATTEMPTS = 3

# What AnsibleModule, or ArgumentSpecValidator, is to be made of.
SPECIFICATION: dict[str, t.Any] = dict(
    argument_spec=dict(
        CONNECTION_SPEC,
        **WAITING_SPEC,
        **SELECTION_SPEC,
        hosts=dict(type="str", choices=[ALL, FAILED, REMAINING], default=ALL),
        fallback_to_all=dict(type="bool", default=False),
        max_jobs=dict(type="int", default=100),
        at_once=dict(type="int", default=5),
        stop_after=dict(type="int"),
        max_attempts=dict(type="int", default=MAX_ATTEMPTS),
        update_first=dict(type="bool", default=False),
        **RULES_SPEC,
    ),
)


@dataclass(frozen=True)
class JobsRequest:
    """What a task asks for.

    :param now: the moment from which times ago, and the deadline, are counted, with its zone.
    :param max_jobs: how many may be launched at most.
    :param at_once: how many of its relaunches may be active.
    :param stop_after: so many failed ones end the launching; None for never.
    :param max_attempts: so many relaunches of the same work since it last succeeded, and it needs a person.
    :param update_first: updates that failed are run again before the jobs that depend on them.
    :param deadline: after which nothing is launched; None where there is none.
    :param rules: by which failed hosts are treated unlike the others.
    :param own_job: the number of the controller's job that the task runs in, if it does.
    """

    selection: Selection
    now: datetime
    options: RelaunchOptions = RelaunchOptions()
    waiting: Waiting = Waiting()
    max_jobs: int = 100
    at_once: int = 5
    stop_after: t.Optional[int] = None
    max_attempts: int = MAX_ATTEMPTS
    update_first: bool = False
    deadline: t.Optional[Deadline] = None
    rules: tuple[Rule, ...] = ()
    own_job: t.Optional[int] = None
    check_mode: bool = False

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], check_mode: bool, now: t.Optional[datetime] = None) -> JobsRequest:
        """From validated parameters, and the environment, which tells the job that the task runs in.

        :param now: None for this moment.
        :raises OptionError: one of them cannot be used.
        """
        numbers = ("max_jobs", "at_once", "stop_after", "max_attempts")
        for option in numbers:
            if params[option] is not None and params[option] < 1:
                raise OptionError(f"{option} must be at least 1, not {params[option]}.")
        if params["update_first"] and not (params["wait"] or check_mode):
            raise OptionError("update_first waits for updates: set wait: true as well, or leave it out.")
        now = now or datetime.now(timezone.utc)
        return cls(
            selection=Selection.of(params, now),
            now=now,
            options=RelaunchOptions(**{name: params[name] for name in ("hosts", "fallback_to_all", "wait")}),
            waiting=Waiting.of(params),
            **{name: params[name] for name in (*numbers, "update_first")},
            deadline=Deadline.of(params["deadline"], now),
            rules=rules_of(params["rules"]),
            own_job=own_job_id(),
            check_mode=check_mode,
        )
