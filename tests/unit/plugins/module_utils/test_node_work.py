# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left of the nodes of a workflow that failed, by the ledgers of their jobs."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._job.driver import drive
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting, Watch
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.node_work import NodeWork
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.options import WorkflowRequest
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.remaining_nodes import Node, NodeLeft
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import SOURCE, RelaunchingController


def left(controller: RelaunchingController) -> NodeLeft:
    """What is left of the node of job 42."""
    failed = {"job": {"type": "job", "status": "failed"}}
    node = Node.of({"id": 1, "job": SOURCE, "do_not_run": False, "summary_fields": failed})
    with controller.client(Clock()) as client:
        watch = Watch(client, Waiting(), None)
        return drive(NodeWork(client, watch, WorkflowRequest()).left(node), client, watch)


@pytest.mark.parametrize(
    ("ends_at_first", "hosts"),
    [((), ("web2",)), ((42, 43), ("web1", "web2"))],
    ids=["it went to its end", "no run shows where that is"],
)
def test_hosts_that_did_not_fail_in_a_relaunch_since(ends_at_first: t.Container[int], hosts: tuple[str, ...]) -> None:
    """The workflow goes on behind them, and nobody looks back."""
    controller = RelaunchingController(lambda _number, names: {name: name == "web2" for name in names}, "web1", "web2")
    controller.ends_at_first = ends_at_first
    controller.relaunch(SOURCE)

    assert left(controller).hosts == hosts
