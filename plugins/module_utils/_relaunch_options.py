# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of job_relaunch: what both of its front doors accept, and the request that comes of them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.relaunch.controller.plugins.module_utils._connection import CONNECTION_SPEC
from ansible_collections.relaunch.controller.plugins.module_utils._errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._relaunch import Wish, password_values

# What AnsibleModule, or ArgumentSpecValidator, is to be made of.
SPECIFICATION: dict[str, t.Any] = dict(
    argument_spec=dict(
        CONNECTION_SPEC,
        job_id=dict(type="int"),
        job_template=dict(type="str"),
        organization=dict(type="str"),
        hosts=dict(type="str", choices=["all", "failed"], default="all"),
        fallback_to_all=dict(type="bool", default=False),
        job_type=dict(type="str", choices=["run", "check"]),
        credential_passwords=dict(type="dict", no_log=True),
        force=dict(type="bool", default=False),
        wait=dict(type="bool", default=False),
        interval=dict(type="float", default=2),
        timeout=dict(type="int"),
        cancel_on_timeout=dict(type="bool", default=False),
    ),
    required_one_of=[("job_id", "job_template")],
    mutually_exclusive=[("job_id", "job_template")],
    required_by=dict(organization="job_template"),
)


@dataclass(frozen=True)
class RelaunchRequest:
    """What a task asks for; ``interval`` and ``timeout`` in seconds."""

    job_id: t.Optional[int] = None
    job_template: t.Optional[str] = None
    organization: t.Optional[str] = None
    wish: Wish = Wish()
    credential_passwords: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    interval: float = 2.0
    timeout: t.Optional[float] = None
    cancel_on_timeout: bool = False
    check_mode: bool = False
    diff: bool = False

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], check_mode: bool, diff: bool) -> RelaunchRequest:
        """From validated parameters.

        :raises OptionError: one of them cannot be used.
        """
        if params["job_id"] is not None and params["job_id"] < 1:
            raise OptionError(f"job_id must be the number of a job, not {params['job_id']}.")
        if params["interval"] <= 0:
            raise OptionError(f"interval must be more than 0 seconds, not {params['interval']:g}.")
        if params["timeout"] is not None and params["timeout"] < 0:
            raise OptionError(f"timeout must not be less than 0 seconds, not {params['timeout']:g}.")
        return cls(
            job_id=params["job_id"],
            job_template=params["job_template"],
            organization=params["organization"],
            wish=Wish(
                hosts=params["hosts"],
                fallback_to_all=params["fallback_to_all"],
                job_type=params["job_type"],
                force=params["force"],
                wait=params["wait"],
            ),
            credential_passwords=password_values(params["credential_passwords"]),
            interval=params["interval"],
            timeout=params["timeout"],
            cancel_on_timeout=params["cancel_on_timeout"],
            check_mode=check_mode,
            diff=diff,
        )
