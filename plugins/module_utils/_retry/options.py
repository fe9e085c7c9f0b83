# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of job_retry: what both front doors accept, and the request that comes of them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from .._job.options import RelaunchRequest, taking_over
from .._work.decision import FAILED, REMAINING
from .deadline import Deadline
from .retry_rounds import RETRIES_SPEC, Schedule
from .rules import Rule, rules_of

RULES_SPEC: dict[str, t.Any] = dict(deadline=dict(type="str"), rules=dict(type="list", elements="dict"))

RETRY_SPECIFICATION = taking_over(
    (
        "job_id",
        "job_template",
        "organization",
        "fallback_to_all",
        "credential_passwords",
        "interval",
        "timeout",
        "cancel_on_timeout",
    ),
    **RETRIES_SPEC,
    **RULES_SPEC,
    hosts=dict(type="str", choices=[FAILED, REMAINING], default=FAILED),
)


@dataclass(frozen=True)
class RetryRequest:
    """What a task asks for.

    :param relaunch: what each round asks for.
    :param deadline: after which nothing is launched; None where there is none.
    :param rules: by which failed hosts are treated unlike the others.
    """

    relaunch: RelaunchRequest
    schedule: Schedule
    deadline: t.Optional[Deadline] = None
    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(
        cls, params: t.Mapping[str, t.Any], check_mode: bool, diff: bool, now: t.Optional[datetime] = None
    ) -> RetryRequest:
        """From validated parameters.

        :param now: the moment from which the deadline is counted, with its zone; None for this one.
        :raises OptionError: one of them cannot be used.
        """
        relaunch = RelaunchRequest.of({**params, "wait": True}, check_mode, diff)
        waiting = replace(relaunch.waiting, each_job=True)
        deadline = Deadline.of(params["deadline"], now or datetime.now(timezone.utc))
        return cls(replace(relaunch, waiting=waiting), Schedule.of(params), deadline, rules_of(params["rules"]))
