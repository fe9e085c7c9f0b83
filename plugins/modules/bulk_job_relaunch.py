#!/usr/bin/python

# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bulk_job_relaunch
short_description: Relaunch many failed jobs and workflow jobs of an automation controller, a few at a time
version_added: 1.0.0
author:
  - relaunch.controller contributors (@relaunch)
description:
  - Finds failed jobs and workflow jobs of AWX, Red Hat Ansible Automation Platform, Oracle Linux Automation Manager or
    Ascender, such as all of an outage, relaunches those that still matter, a few at a time, and with O(wait=true) waits
    for all of them. It returns what became of each job.
  - Running the task again takes up where it stopped.
extends_documentation_fragment:
  - relaunch.controller._connection
  - relaunch.controller._waiting
  - relaunch.controller._rules
  - relaunch.controller._attributes
  - relaunch.controller._attributes.actiongroup_controller
attributes:
  check_mode:
    support: full
    details:
      - The result is the plan. It tells which jobs would be relaunched, on which hosts, and why the others would not.
        Only requests that change nothing are sent.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - Work that has succeeded is not run again, and an active relaunch is adopted. Relaunches that fail again are
        not the state asked for, so the next task relaunches them again, up to O(max_attempts) times.
options:
  kinds:
    description:
      - What to select, jobs of job templates or workflow jobs. O(job_templates) and O(workflow_job_id) select jobs
        only. Slices are jobs, and the workflow job of a sliced run is none of its own.
    type: list
    elements: str
    choices: [job, workflow_job]
    default: [job, workflow_job]
  job_ids:
    description:
      - Numbers of the jobs and workflow jobs, whatever their status. The task fails for those among them that cannot be
        relaunched.
      - At least one of O(job_ids), O(workflow_job_id), O(finished_after) and O(finished_before) is needed. O(job_ids)
        and O(workflow_job_id) exclude each other and all other options that select.
    type: list
    elements: int
  finished_after:
    description:
      - Select jobs that finished at this time or later. Either a time in ISO 8601, such as
        V(2026-11-24T14:00:00Z), which is UTC where it has no time zone, or how long ago, such as V(90m), V(2h) or
        V(3d).
    type: str
  finished_before:
    description: Select jobs that finished earlier than this time, given as in O(finished_after).
    type: str
  status:
    description: Select jobs that ended with one of these statuses.
    type: list
    elements: str
    choices: [failed, error, canceled]
    default: [failed, error]
  job_templates:
    description: Select jobs of one of these job templates, by name or number.
    type: list
    elements: str
  organizations:
    description: Select jobs of one of these organizations, by name or number.
    type: list
    elements: str
  inventories:
    description: Select jobs that ran with one of these inventories, by name or number.
    type: list
    elements: str
  labels:
    description: Select jobs that have one of these labels, by name or number.
    type: list
    elements: str
  workflow_job_id:
    description:
      - Select the slices of this workflow job, which is the run of a sliced job template, that ended with one of
        O(status) or are active. The message tells whether all slices have succeeded.
    type: int
  hosts:
    description:
      - V(all) relaunches each job on the hosts that it was limited to.
      - V(failed) relaunches each job on those of its hosts that failed or were unreachable.
      - The nodes of a workflow job that failed run on their failed hosts, too, unless it is V(all).
      - V(remaining) launches the template of each job on exactly the hosts that are not done, as described with
        M(relaunch.controller.job_relaunch). A job that cannot be completed so is left alone, with the reason.
    type: str
    choices: [all, failed, remaining]
    default: all
  fallback_to_all:
    description:
      - With O(hosts=failed) or O(hosts=remaining), relaunch a job on all its hosts where the controller does not know
        which ones these are, or where with O(hosts=failed) it stopped before its end for others. Without it the first
        is left alone, and the second counts as failed.
    type: bool
    default: false
  max_jobs:
    description:
      - Launch nothing at all if more jobs than this would be relaunched. They are listed then.
      - What is found to be left later on, such as all hosts of a job that stopped before its end, is launched up to
        this number, too.
    type: int
    default: 100
  at_once:
    description:
      - How many of the task's relaunches may be active at a time.
      - A job that would have to wait behind another one of this task, since its template allows one job at a time, is
        not launched before that has ended, so it does not take the place of others.
        One that would have to wait behind somebody else's job comes last.
    type: int
    default: 5
  stop_after:
    description:
      - Launch no more after so many relaunches have failed, or were lost sight of. Those that are active are still
        waited for.
    type: int
  max_attempts:
    description:
      - Leave work to a person that has been relaunched so often since it last succeeded, whoever did that, so that a
        recovery that runs by schedule ends. Such jobs are told apart, with how often and since when they have failed,
        and the task fails.
      - Launches with O(hosts=remaining) count as well, what was canceled after it had begun, and what failed before it
        began, such as behind the failed update of its project.
    type: int
    default: 3
  update_first:
    description:
      - Run each update of a project or an inventory source that failed in the time of the selection, and has not been
        successful since, once more before the jobs that depend on it; that of a project of theirs whenever it failed.
        It is waited for, so O(wait=true) is needed. Jobs whose update fails again are not launched, and the task
        fails.
      - Without it such updates are only named, with the jobs that depend on them. The user has to be allowed to see and
        to update the projects and inventories.
    type: bool
    default: false
  wait:
    description:
      - Wait for all jobs to end. The task fails unless all relaunches succeed.
      - Without it the task ends as soon as the last job was launched; to keep to O(at_once), it waits until then.
      - What is asked of one job alone, and fails while the controller answers otherwise, is given up after
        three minutes. The others go on, and the entry of that job tells of it.
    type: bool
    default: false
  cancel_on_timeout:
    description:
      - Cancel the jobs that this task launched and that have not ended after O(timeout) seconds, or have not begun by
        the O(deadline). With neither of them it has no effect.
    type: bool
    default: false
notes:
  - An empty list is refused for each option that selects, since one that was computed would select everything.
  - The O(rules) are for jobs; workflow jobs are resumed without them. The O(deadline) is for both.
  - With O(hosts=all) too a job is left to a person while a rule parks one of its failed hosts.
  - A rule's C(retries) takes the place of O(max_attempts). Its C(delay) is not slept through. A job whose last run has
    ended less than that ago is left for later, and the next run of a scheduled recovery retries it.
  - A job no longer matters where a later job of the same work has succeeded on its failed hosts, whatever launched
    that, a schedule for instance. Where such a job is active, it is waited for.
  - Failed jobs of the same work take turns, the newest first. What is left of an older one is decided on when its turn
    has come, and by then that is mostly nothing. Each has a verdict of its own.
  - Each job is decided on, launched and judged as M(relaunch.controller.job_relaunch) does it.
  - In a job of the controller itself, that job and others of its template are never selected.
  - What remains of a workflow job runs beside the jobs, as M(relaunch.controller.workflow_job_relaunch) does it with
    O(relaunch.controller.workflow_job_relaunch#module:nodes=failed). The jobs of its nodes are left to it.
  - Of workflow jobs of the same template with the same values the last one that failed is resumed, unless one has
    succeeded after that. What ran as a node of another workflow does not count.
  - Nodes of workflows that are not selected are left alone, since relaunching them would not resume their workflow, and
    so are jobs that need passwords and jobs that the user may see but not start.
  - An action plugin of the same name runs the module's code inside the C(ansible-playbook) process where that makes
    no difference, as that of M(relaunch.controller.job_relaunch) does, and shows on stderr how far all jobs are, and
    the number of each job and workflow job that it launches.
seealso:
  - ref: How it decides <ansible_collections.relaunch.controller.docsite.guide_deciding>
    description: Which jobs are the same work, and when nothing is launched.
  - module: relaunch.controller.job_relaunch
    description: Relaunches one job.
"""

EXAMPLES = r"""
- name: See what an outage has left to do
  relaunch.controller.bulk_job_relaunch:
    finished_after: 2026-11-24T14:00:00Z
    finished_before: 2026-11-24T16:00:00Z
    hosts: failed
  check_mode: true
  register: plan

- name: Relaunch the failed jobs of the last three hours on their failed hosts, ten at a time
  relaunch.controller.bulk_job_relaunch:
    finished_after: 3h
    organizations: [Web]
    hosts: failed
    at_once: 10
    stop_after: 5
    wait: true
    timeout: 7200
  register: recovery

- name: By a schedule of every ten minutes, retry what is down each hour, and leave alone what needs a person
  relaunch.controller.bulk_job_relaunch:
    finished_after: 2d
    hosts: remaining
    rules:
      - message: licence
        action: park
        reason: renew the licence
      - unreachable: true
        action: retry
        delay: 3600
        retries: 48
    deadline: "06:00"
    wait: true
    cancel_on_timeout: true

- name: Show what became of them
  ansible.builtin.debug:
    msg: "{{ recovery.msg }}"
"""

RETURN = r"""
jobs:
  description: What became of each job, by number.
  returned: unless the task fails before it decides on jobs
  type: list
  elements: dict
  contains:
    source_job_id:
      description: Number of the job.
      type: int
      sample: 42
    type:
      description: Its kind, V(job) or V(workflow_job).
      type: str
      sample: job
    name:
      description: Its name, which is that of its template.
      type: str
      sample: Patch web servers
    outcome:
      description:
        - V(relaunched); V(adopted), where another job of the same work is active; V(done), where relaunches have
          brought it to success before; V(superseded), where a later job has, or the relaunch of a newer job of the same
          work came first; V(refused), where it was left alone; V(lost), where it is not known what became of the
          relaunch; V(needs_person), where its work has been relaunched O(max_attempts) times without success;
          V(parked), where by the O(rules) hosts are left that wait for a person; V(left_for_later), where the delay of
          a rule has not passed.
        - In check mode what would become of it.
      type: str
      sample: relaunched
    recovered:
      description:
        - Whether all of its work has succeeded by now. Where hosts could not run, such as disabled or deleted ones, it
          has not. They are in RV(jobs[].remaining_hosts).
        - With O(hosts=all) a success on all hosts that could run counts. Whom it left out is not asked for each job.
      type: bool
      sample: true
    failed:
      description:
        - Whether it was acted on, or was to be, without success; also where its failed hosts have succeeded, and others
          for which it stopped before its end have not. What is left alone for another reason, or lacks only hosts that
          are disabled or deleted, has not failed.
        - RV(counts) has their number as C(failed).
      type: bool
      sample: false
    id:
      description: Number of its relaunch, or of the other job that V(adopted), V(done) or V(superseded) is about. Left
        out where there is none.
      type: int
      sample: 143
    status:
      description: That job's status as last seen.
      type: str
      sample: successful
    url:
      description: That job's page in the controller's user interface.
      type: str
      sample: https://controller.example.com/#/jobs/playbook/143/output
    attempts:
      description: With V(needs_person), how often its work has been relaunched since it last succeeded.
      type: int
      sample: 3
    failing_since:
      description: With V(needs_person), when the first job of its work ended that has failed since then.
      type: str
      sample: "2026-11-24T14:02:11.120000Z"
    hosts:
      description: Names of the hosts that it was limited to, or in check mode would be.
      type: list
      elements: str
      sample: [web2, web3]
    nodes:
      description: Of a workflow job, the nodes that run again, or in check mode would.
      type: list
      elements: str
      sample: [Migrate, Restart]
    failed_nodes:
      description: Of a workflow job that has failed again, the nodes on which it has.
      type: list
      elements: str
      sample: [Restart]
    node_job_ids:
      description: Of a workflow job, the selected jobs that are nodes of it, and have no entry of their own.
      type: list
      elements: int
      sample: [39, 41]
    parked:
      description: The hosts that are left and need a person by the O(rules), by name, each with the reason that its
        rule gives. Left out where there are none.
      type: dict
      sample: {web21: renew the licence}
    remaining_hosts:
      description: Names of the failed hosts that have not succeeded since, where they are known. Of a workflow job
        those that are not in the inventory any more.
      type: list
      elements: str
      sample: []
    msg:
      description: What was done about it and why, or why nothing, in a sentence.
      type: str
      sample: "Job 42 ended with status failed: relaunched as job 143 on 2 failed hosts: web2, web3. Job 143 was
        successful."
counts:
  description: How many there are of each outcome, of all (C(jobs)), of those that have recovered (C(recovered)), and
    of those that were acted on without success (C(failed)). A success without hosts that are disabled is none of these.
  returned: unless the task fails before it decides on jobs
  type: dict
  sample:
    jobs: 3
    recovered: 2
    failed: 0
    relaunched: 1
    adopted: 0
    done: 0
    superseded: 1
    refused: 1
    lost: 0
    left_for_later: 0
    needs_person: 0
    parked: 0
updates:
  description:
    - The updates of projects and inventory sources that failed in the time of the selection, and those of projects of
      selected jobs whenever they failed, which have not been successful since. Each has the selected jobs that depend
      on it, and what came of its repetition.
  returned: unless the task fails before it decides on jobs
  type: list
  elements: dict
  contains:
    id:
      description: Number of the update.
      type: int
      sample: 40
    type:
      description: Its kind, V(project_update) or V(inventory_update).
      type: str
      sample: project_update
    name:
      description: Its name, which is that of its project, or those of its inventory and source.
      type: str
      sample: Site
    job_ids:
      description: Numbers of the selected jobs that depend on it.
      type: list
      elements: int
      sample: [42, 43]
    new_id:
      description: With O(update_first=true), number of the update that was run after it.
      type: int
      sample: 140
    new_status:
      description: That one's status as last seen.
      type: str
      sample: successful
msg:
  description: What was done, in a sentence.
  returned: always
  type: str
  sample: "3 jobs: 1 relaunched, 1 superseded by a later job, 1 left alone; 2 recovered. Selected: job_ids: 41, 42, 43."
"""

from ..module_utils._bulk.options import SPECIFICATION, JobsRequest
from ..module_utils._bulk.relaunch_jobs import relaunch_jobs
from ..module_utils._task.module import run


def main() -> None:
    run(SPECIFICATION, lambda params, check_mode, _diff: JobsRequest.of(params, check_mode), relaunch_jobs)


if __name__ == "__main__":
    main()
