#!/usr/bin/python

# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workflow_job_relaunch
short_description: Relaunch a workflow job of an automation controller, whole or from its failed nodes
version_added: 1.0.0
author:
  - relaunch.controller contributors (@relaunch)
description:
  - Relaunches a workflow job of AWX, Red Hat Ansible Automation Platform, Oracle Linux Automation Manager or Ascender.
    With O(nodes=failed) only the nodes that failed run again, and those that never ran because of that.
  - Nothing is launched if it, what remained of it, or a later launch with the same values succeeded or is running.
extends_documentation_fragment:
  - relaunch.controller._connection
  - relaunch.controller._waiting
  - relaunch.controller._attributes
  - relaunch.controller._attributes.actiongroup_controller
attributes:
  check_mode:
    support: full
    details:
      - Only requests that change nothing are sent. The result tells the nodes that would run, on which hosts, with
        their links and a drawing of them, and fails where a real run would, as far as the controller says before.
  diff_mode:
    support: full
    details:
      - Shows the drawing of what remains, with O(nodes=failed).
  idempotent:
    support: partial
    details:
      - A workflow job whose work has succeeded, through itself, through what remained of it or through a later launch
        with the same values, is not run again, and one that is running is adopted. Not with O(nodes=all) and
        O(force=true).
      - With O(nodes=all), a success counts unless a relaunch of it has failed since.
      - A run that fails again is not the state asked for, so the next task goes on from there.
options:
  workflow_job_id:
    description:
      - Number of the workflow job, the source. One that ran what remained of another one, or is a relaunch of it,
        may be given in place of that one.
      - Exactly one of O(workflow_job_id) and O(workflow_job_template) is needed.
    type: int
  workflow_job_template:
    description:
      - Name or number of a workflow job template. The source is then the latest workflow job launched from it,
        relaunches apart.
      - With C(++) in it, it may be the named URL of a template, such as V(Release++Web), its name and that of its
        organization.
      - Exactly one of O(workflow_job_id) and O(workflow_job_template) is needed.
    type: str
    aliases: [name, workflow_template]
  organization:
    description:
      - Name or number of the organization of O(workflow_job_template), where templates of several have its name.
    type: str
  nodes:
    description:
      - V(all) is the controller's own relaunch, which runs every node again. It is refused together with
        O(node_hosts=remaining), O(fallback_to_all=true) or O(handled=true), which it has no use for.
      - V(failed) runs the nodes that failed, and those that never ran because of that. It takes the role workflow admin
        in the workflow's organization.
    type: str
    choices: [all, failed]
    default: all
  node_hosts:
    description:
      - With O(nodes=failed), the hosts that failed nodes run on, V(failed) only on those that failed or were
        unreachable and have not succeeded since, or V(all).
      - V(remaining) on exactly those that are not done, with those for which the job stopped before its end, or that
        it never began on, or that were deleted and added again.
      - For V(failed) and V(remaining) their templates have to ask for the limit at launch. A node whose job never
        began, since its project could not be updated for instance, runs on all of its hosts.
      - Hosts that are not in the inventory any more are left out, and told. A host that is disabled ends the task
        with V(failed) and V(remaining), since the workflow would go on as if that host were done.
    type: str
    choices: [failed, remaining, all]
    default: failed
  fallback_to_all:
    description:
      - With O(node_hosts=failed) or O(node_hosts=remaining), run a node on all of its hosts where these are not all
        that is left of it, or are not known. Its playbook may have stopped before its end for others (C(serial),
        C(any_errors_fatal)), or its job was canceled or ended in an error, or one of its slices never began. Without
        this option the task fails then before anything is made, and names these hosts where they are known.
    type: bool
    default: false
  handled:
    description:
      - With O(nodes=failed), resume a workflow job, too, that is successful although nodes have failed, since the
        workflow has nodes for that case. What it did on the way for the failure is not done again, even if the same
        node fails again; the message names it.
    type: bool
    default: false
  force:
    description:
      - With O(nodes=all), relaunch even if the workflow job or a later launch has succeeded already, or a relaunch is
        running.
      - With O(nodes=failed), do not give way to another caller who launches the same in the same instant.
    type: bool
    default: false
  wait:
    description:
      - Wait for the workflow job to end. The task fails unless it ends successfully.
      - If the source is still active, its end is waited for first; without O(wait) the task fails then.
        So it does where it runs in a node of that workflow job itself.
      - Without it the temporary template of O(nodes=failed) stays until the next run of the task finds its workflow job
        successful.
    type: bool
    default: false
  cancel_on_timeout:
    description:
      - Cancel the workflow job that this task launched if it has not ended after O(timeout) seconds. One that was
        launched by another caller, or whose answer was lost so that it had to be looked for, is never canceled.
      - For O(wait=true) only. Without a O(timeout) it has no effect.
    type: bool
    default: false
notes:
  - With O(nodes=failed) the controller itself runs what remains. A temporary workflow template is made of these nodes,
    with their links, prompts, credentials and labels, and with what nodes that have succeeded set for them with
    C(set_stats), nested workflows and sliced jobs too, as well as failed nodes that run on some of their hosts. It is
    launched once, and deleted after success. After a failure it stays, and the next run of the task resumes from where
    that stopped.
  - A failed node runs on the hosts that have not succeeded since. If all have, by a relaunch by hand for instance, it
    does not run again. While its job is being relaunched, that is waited for.
  - Before anything is made, the task tells all that stands in the way. Right before the launch it looks once more, and
    if what remained has succeeded meanwhile, it deletes the template and launches nothing.
  - A node that needs all of its parents and whose only parent ended in an error keeps its workflow job running for
    ever on some versions of AWX, so a wait should have a O(timeout).
  - After the deletion of the temporary template only system administrators and auditors can read its workflow job; the
    jobs of its nodes stay readable.
  - An action plugin of the same name runs the module's code inside the C(ansible-playbook) process where that makes
    no difference, and runs the module everywhere else; see M(relaunch.controller.job_relaunch). The action plugin shows
    the number of each workflow job that it launches on stderr and, while it waits, how that and its nodes get on.
seealso:
  - ref: Resuming a workflow <ansible_collections.relaunch.controller.docsite.guide_resuming_a_workflow>
    description: What runs, what is kept, what it takes and what it refuses.
  - module: relaunch.controller.job_relaunch
    description: Relaunches single jobs.
  - module: awx.awx.workflow_launch
    description: Launches workflow job templates.
"""

EXAMPLES = r"""
- name: Resume a workflow from its failed nodes, and wait for it
  relaunch.controller.workflow_job_relaunch:
    workflow_job_id: 85
    nodes: failed
    wait: true
    timeout: 3600
    controller_host: https://controller.example.com
    controller_oauthtoken: "{{ controller_token }}"
  register: resumed

- name: See what remains of the latest run of a workflow
  relaunch.controller.workflow_job_relaunch:
    workflow_job_template: Release
    organization: Default
    nodes: failed
  check_mode: true
  register: plan

- name: Show it
  ansible.builtin.debug:
    msg: "{{ plan.drawing | default(plan.msg) }}"

- name: Relaunch all nodes of a workflow
  relaunch.controller.workflow_job_relaunch:
    workflow_job_id: 85
    wait: true
"""

RETURN = r"""
id:
  description:
    - Number of the relaunch, or of the workflow job that runs what remains, or of the source itself where that was
      successful.
    - Absent where nothing was launched and none has succeeded, and where it is not known whether a workflow job was
      launched.
  returned: when there is such a workflow job
  type: int
  sample: 91
status:
  description: Its status as last seen. The task may fail on a node though the controller says V(successful).
  returned: when there is such a workflow job
  type: str
  sample: successful
elapsed:
  description: Seconds it has run.
  returned: when there is such a workflow job
  type: float
  sample: 12.345
limit:
  description: Its limit; empty or V(null) where it has none, as with O(nodes=failed), where each node has its own.
  returned: when there is such a workflow job
  type: str
  sample: ""
launch_type:
  description: How it was launched; V(relaunch) with O(nodes=all), V(manual) with O(nodes=failed).
  returned: when there is such a workflow job
  type: str
  sample: manual
job_explanation:
  description: What the controller has to say about its state, if anything.
  returned: when there is such a workflow job
  type: str
  sample: ""
url:
  description: Its page in the controller's user interface.
  returned: when there is such a workflow job
  type: str
  sample: https://controller.example.com/#/jobs/workflow/91/output
job:
  description:
    - What the controller tells of it, C(started) and C(finished) among them.
    - Without C(related), C(job_env), C(job_args) and C(job_cwd), which would hide the failures on a screen.
  returned: when there is such a workflow job
  type: dict
  sample: {id: 91, type: workflow_job, started: "2026-11-23T07:15:24.990109Z", finished: "2026-11-23T07:15:25.423177Z"}
source_workflow_job_id:
  description: Number of the workflow job that the task names.
  returned: when it is known
  type: int
  sample: 85
root_workflow_job_id:
  description: Number of the workflow job that the named one goes back to, of which the remainder was run or relaunched.
  returned: when that is another one
  type: int
  sample: 85
own_job_id:
  description:
    - Number of the workflow job that this task launched and gave up for RV(id), since another caller had launched the
      same in the same instant. It was canceled, and C(changed) is V(false), or had ended before that, and is
      V(true).
    - Also where another caller had relaunched the job of a failed node. RV(id) is then what remains after that, and
      C(changed) is V(true) if this task has launched it.
  returned: when that was so
  type: int
  sample: 92
temporary_template_id:
  description: Number of the temporary workflow template that this task made, as long as it is there.
  returned: with O(nodes=failed), when one was made and has not been deleted
  type: int
  sample: 37
nodes:
  description: The nodes that run, or in check mode would run, parents before children.
  returned: with O(nodes=failed), when something remains
  type: list
  elements: dict
  contains:
    identifier:
      description: Its identifier in the workflow.
      type: str
      sample: deploy
    name:
      description: What a person calls it, the identifier that somebody chose, else the name of its template.
      type: str
      sample: deploy
    job_id:
      description: Number of the job that it ran; null where it ran none.
      type: int
      sample: 87
    status:
      description: The status of that job, or V(not run).
      type: str
      sample: failed
    hosts:
      description: Names of the hosts that it is limited to; empty where it runs on all of its hosts.
      type: list
      elements: str
      sample: [web3, web5]
links:
  description: The links between them.
  returned: with O(nodes=failed), when something remains
  type: list
  elements: dict
  contains:
    parent:
      description: Identifier of the first node.
      type: str
      sample: deploy
    child:
      description: Identifier of the node that may run after it.
      type: str
      sample: verify
    kind:
      description: When it may, V(success), V(failure) or V(always).
      type: str
      sample: success
drawing:
  description:
    - The same as text, line by line, for a terminal of 80 columns.
    - Of more than twelve nodes each has one line, below one that says what runs first.
  returned: with O(nodes=failed), when something remains
  type: list
  elements: str
  sample: ["deploy  failed, on web3, web5", "↓ on success", "verify  not run"]
not_kept:
  description: What the workflow job that runs what remains does not have of the original launch and its template.
  returned: with O(nodes=failed), when something remains
  type: list
  elements: str
  sample: ["the notifications of the workflow's template"]
gone_hosts:
  description: Names of hosts on which nodes failed, and that are not in the inventory any more. Nothing runs on them.
  returned: with O(nodes=failed), when there are some
  type: list
  elements: str
  sample: [host4]
failed_nodes:
  description: Names of the nodes that did not succeed in the workflow job that was waited for or looked at.
  returned: when it was not successful
  type: list
  elements: str
  sample: [deploy]
failures:
  description: What the hosts of these nodes failed with, of the first five nodes and at most 20 hosts.
  returned: when it was not successful, and hosts failed
  type: list
  elements: dict
  contains:
    node:
      description: Name of the node; of one in a nested workflow behind that of the outer one and a slash.
      type: str
      sample: deploy
    job_id:
      description: Number of the job that it ran.
      type: int
      sample: 95
    url:
      description: The page of that job in the controller's user interface.
      type: str
      sample: https://controller.example.com/#/jobs/playbook/95/output
    host:
      description: Name of the host.
      type: str
      sample: web3
    play:
      description: Name of the play.
      type: str
      sample: Deploy
    task:
      description: Name of the task.
      type: str
      sample: Start the service
    module:
      description: Name of the task's module.
      type: str
      sample: ansible.builtin.systemd
    message:
      description: What the task had to say, and the end of its error output.
      type: str
      sample: "Could not find the requested service nginx: host"
    unreachable:
      description: Whether the host could not be reached.
      type: bool
      sample: false
report_error:
  description: Why RV(failed_nodes) or RV(failures) could not be fetched, or not all of them.
  returned: when they could not
  type: str
  sample: GET https://controller.example.com/api/v2/workflow_jobs/91/workflow_nodes/ was answered 502.
diff:
  description: RV(drawing) as C(after), and an empty C(before).
  returned: with C(--diff) and O(nodes=failed), when something remains
  type: dict
  sample:
    before: ""
    after: "deploy  failed, on web3, web5\n↓ on success\nverify  not run\n"
msg:
  description: What was done and why, in a sentence.
  returned: always
  type: str
  sample: "What remains of workflow job 85 runs as workflow job 91: deploy, verify. Workflow job 91 was successful."
"""

from ..module_utils._task.module import run
from ..module_utils._workflow.options import WORKFLOW_SPECIFICATION, WorkflowRequest
from ..module_utils._workflow.relaunch_workflow import relaunch_workflow


def main() -> None:
    run(WORKFLOW_SPECIFICATION, WorkflowRequest.of, relaunch_workflow)


if __name__ == "__main__":
    main()
