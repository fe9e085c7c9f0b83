# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that name a job."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  job_id:
    description:
      - Number of the job, the source job.
      - Exactly one of O(job_id) and O(job_template) is needed.
      - Neither is needed where the task runs in a job of the controller that is a workflow's node. The job of the
        failed node before it is meant then.
    type: int
  job_template:
    description:
      - Name or number of a job template. The source job is then the latest job launched from it; relaunches do not
        count as such, but are looked at like those of any source job.
      - With O(hosts=remaining), neither does a launch with the same prompts that is limited to a part of the hosts of
        an earlier job which failed. That job is the source job then, so that hosts which an earlier task has left out,
        such as parked ones, are not forgotten.
      - A number is an id first, one with a leading zero only a name. With C(++) in it, it may also be the named URL of
        a template, such as V(Patch web servers++Web), its name and that of its organization.
      - In a job of the controller that is a workflow's node, the job of the node before it is meant that has this
        template, if there is one.
      - Exactly one of O(job_id) and O(job_template) is needed.
    type: str
    aliases: [name]
  organization:
    description: Name or number of the organization of O(job_template), where templates of several have its name.
    type: str
"""
