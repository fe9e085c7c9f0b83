# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The return values that a module documents are those that it can return."""

from __future__ import annotations

import ast
from dataclasses import fields

import pytest
import yaml
from docs.written import ROOT

from ansible_collections.relaunch.controller.plugins.module_utils._bulk.outcome import JobsOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._job.job_info import InfoOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import (
    FLAT_FACTS,
    Outcome,
    RelaunchOutcome,
)
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_failed_hosts import RetryOutcome
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.outcome import WorkflowOutcome

# What Ansible documents, and what never gets into a result.
NOT_RETURNED = {"changed", "warnings", "records", "ran_on", "left"}
# One by one: what these modules have no use for.
MODULES: dict[str, tuple[type[Outcome], set[str]]] = {
    "job_relaunch": (RelaunchOutcome, set()),
    "job_retry": (RetryOutcome, set()),
    "job_info": (InfoOutcome, {"diff"}),
    "workflow_job_relaunch": (WorkflowOutcome, {"job_type"}),
    "bulk_job_relaunch": (JobsOutcome, {*FLAT_FACTS, "job", "url", "diff"}),
}


def documented(module: str) -> set[str]:
    for node in ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RETURN":
            return set(yaml.safe_load(ast.literal_eval(node.value)))
    raise LookupError(f"{module} has no RETURN")


@pytest.mark.parametrize("module", MODULES)
def test_are_those_that_are_returned(module: str) -> None:
    outcome, without = MODULES[module]
    returned = {one.name for one in fields(outcome)} | set(FLAT_FACTS)

    assert documented(module) - {"counts"} == returned - NOT_RETURNED - without
