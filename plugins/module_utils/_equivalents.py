# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which later jobs are relaunches of the same work.

A relaunch carries no pointer to its source, so that only what both were launched with can be compared.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._yaml import parse

if t.TYPE_CHECKING:
    from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient

# What a relaunch takes over from its source and a list of jobs shows.
_SAME = ("unified_job_template", "inventory", "scm_branch", "job_slice_number", "job_slice_count")
_SAME_NAMES = ("job_tags", "skip_tags")


def later_relaunches(client: ControllerClient, source: Job) -> list[Job]:
    """The relaunches after the source that may be of its work, oldest first, as far as the server can filter them."""
    return [Job.of(entry) for entry in client.results("jobs/", **query(source))]


def query(source: Job) -> dict[str, t.Any]:
    """The filter for that: ``limit`` would be ignored there, and ``extra_vars`` refused."""
    asked: dict[str, t.Any] = {"launch_type": "relaunch", "id__gt": source.id, "order_by": "id"}
    template = source.facts.get("unified_job_template")
    if template is not None:
        asked["unified_job_template"] = template
    return asked


def same_work(source: Job, job: Job, job_type: t.Optional[str]) -> bool:
    """Whether a job is a later relaunch of the source's work, its limit aside.

    :param job_type: the one asked for, if it is not the source's.
    """
    return (
        job.id > source.id
        and job.facts.get("launch_type") == "relaunch"
        and job.job_type == (job_type or source.job_type)
        and all(job.facts.get(name) == source.facts.get(name) for name in _SAME)
        and all(names_of(job.facts.get(name)) == names_of(source.facts.get(name)) for name in _SAME_NAMES)
        # Jobs whose template was deleted have none in common: the name that it had is left.
        and (job.facts.get("unified_job_template") is not None or job.facts.get("name") == source.facts.get("name"))
        and variables_of(job.facts.get("extra_vars")) == variables_of(source.facts.get("extra_vars"))
    )


def same_limit(source: Job, job: Job) -> bool:
    """Whether both are limited to the same hosts; the order of the names does not matter."""
    return names_of(source.facts.get("limit")) == names_of(job.facts.get("limit"))


def covered(failed_hosts: frozenset[str], source: Job, job: Job) -> frozenset[str]:
    """Which of the source's failed hosts a job of the same work runs on; none where its limit does not fit."""
    if same_limit(source, job):
        return failed_hosts
    limit = frozenset(job.limit_hosts)
    return limit if limit <= failed_hosts else frozenset()


def names_of(text: t.Any) -> frozenset[str]:
    """The names in a comma-separated text."""
    return frozenset(name.strip() for name in str(text or "").split(",") if name.strip())


def variables_of(text: t.Any) -> t.Any:
    """Extra variables as data: the controller keeps them as JSON or YAML text, whose order and spaces may differ."""
    if not isinstance(text, str):
        return text or {}
    try:
        return json.loads(text or "{}")
    except ValueError:
        pass
    try:
        return parse(text) or {}
    except ValueError:
        return text
