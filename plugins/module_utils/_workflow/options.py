# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of workflow_job_relaunch: what both of its front doors accept, and the request that comes of them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields

from .._api.connection import CONNECTION_SPEC
from .._api.errors import OptionError
from .._job.options import own_job_id
from .._launch.waiting import WAITING_SPEC, Waiting
from .._work.decision import ALL, FAILED, REMAINING

# What AnsibleModule, or ArgumentSpecValidator, is to be made of.
WORKFLOW_SPECIFICATION: dict[str, t.Any] = dict(
    argument_spec=dict(
        CONNECTION_SPEC,
        **WAITING_SPEC,
        workflow_job_id=dict(type="int"),
        workflow_job_template=dict(type="str", aliases=["name", "workflow_template"]),
        organization=dict(type="str"),
        nodes=dict(type="str", choices=[ALL, FAILED], default=ALL),
        node_hosts=dict(type="str", choices=[FAILED, REMAINING, ALL], default=FAILED),
        fallback_to_all=dict(type="bool", default=False),
        handled=dict(type="bool", default=False),
        force=dict(type="bool", default=False),
    ),
    required_one_of=[("workflow_job_id", "workflow_job_template")],
    mutually_exclusive=[("workflow_job_id", "workflow_job_template")],
    required_by=dict(organization="workflow_job_template"),
)


@dataclass(frozen=True)
class WorkflowRequest:
    """What a task asks for.

    :param hosts_option: how it calls the option for the hosts of nodes.
    :param own_job: the number of the controller's job that the task runs in, if it does: it cannot wait for the
        workflow jobs above that.
    """

    workflow_job_id: t.Optional[int] = None
    workflow_job_template: t.Optional[str] = None
    organization: t.Optional[str] = None
    nodes: str = ALL
    node_hosts: str = FAILED
    hosts_option: str = "node_hosts"
    fallback_to_all: bool = False
    handled: bool = False
    force: bool = False
    own_job: t.Optional[int] = None
    waiting: Waiting = Waiting()
    check_mode: bool = False
    diff: bool = False

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], check_mode: bool, diff: bool) -> WorkflowRequest:
        """From validated parameters, and the environment, which tells the job that the task runs in.

        :raises OptionError: one of them cannot be used.
        """
        number = params["workflow_job_id"]
        if number is not None and number < 1:
            raise OptionError(f"workflow_job_id must be the number of a workflow job, not {number}.")
        if params["nodes"] != FAILED:
            # A node_hosts: all is what happens then.
            without_effect = {
                "node_hosts: remaining": params["node_hosts"] == REMAINING,
                "fallback_to_all": params["fallback_to_all"],
                "handled": params["handled"],
            }
            for option in (option for option, given in without_effect.items() if given):
                raise OptionError(f"{option} is for nodes: failed only: set that as well, or leave it out.")
        given = {option.name: params[option.name] for option in fields(cls) if option.name in params}
        return cls(**given, own_job=own_job_id(), waiting=Waiting.of(params), check_mode=check_mode, diff=diff)
