# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of unified job, as rows: where the controller keeps them, and what they are called.

Private to this collection.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of unified job.

    :param type: as ``type`` in the API.
    :param path: of its list, below the API's prefix.
    :param page: of one in the user interface, before its number.
    :param noun: in a sentence, without article.
    """

    type: str
    path: str
    page: str
    noun: str

    def at(self, job_id: int, *parts: str) -> str:
        """The path of one of them, or of what belongs to it."""
        return self.path + "/".join((str(job_id), *parts, ""))


JOB = Kind("job", "jobs/", "jobs/playbook", "job")
WORKFLOW_JOB = Kind("workflow_job", "workflow_jobs/", "jobs/workflow", "workflow job")
PROJECT_UPDATE = Kind("project_update", "project_updates/", "jobs/project", "project update")
INVENTORY_UPDATE = Kind("inventory_update", "inventory_updates/", "jobs/inventory", "inventory update")
BY_TYPE = {kind.type: kind for kind in (JOB, WORKFLOW_JOB, PROJECT_UPDATE, INVENTORY_UPDATE)}

# All that a number may stand for, as `type` in the API, in a person's words.
IN_WORDS = {
    "job": "a job",
    "workflow_job": "a workflow job",
    "ad_hoc_command": "an ad hoc command",
    "project_update": "a project update",
    "inventory_update": "an inventory update",
    "system_job": "a management job",
    "workflow_approval": "a workflow approval",
}
