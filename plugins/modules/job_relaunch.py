#!/usr/bin/python

# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_relaunch
short_description: Relaunch a job of an automation controller, on all, its failed, or exactly the remaining hosts
version_added: 0.1.0
author:
  - relaunch.controller contributors (@relaunch)
description:
  - Relaunches a job of AWX, Red Hat Ansible Automation Platform, Oracle Linux Automation Manager or Ascender, with
    O(hosts=failed) only on the hosts that failed or were unreachable, and with O(wait=true) waits for its end.
  - Nothing is launched if the job or its later relaunches have succeeded on all of these hosts, or if a relaunch is
    running.
extends_documentation_fragment:
  - relaunch.controller._connection
  - relaunch.controller._source_job
  - relaunch.controller._waiting
  - relaunch.controller._attributes
  - relaunch.controller._attributes.actiongroup_controller
attributes:
  check_mode:
    support: full
    details:
      - Only requests that change nothing are sent, and nothing is waited for. The result tells the hosts that would run
        and fails where a real run would.
      - Where the results of a job that has ended are not all in, a warning says so. Of the job itself, if it has just
        ended, nothing is predicted that depends on them.
      - A relaunch on all hosts takes the template's present limit, unless the job was prompted with one. If that
        differs from the job's, a real run launches it and then fails. Check mode fails too.
  diff_mode:
    support: full
    details:
      - Shows the job and its relaunch side by side, as RV(diff) tells. In check mode it asks for the template, its
        survey and the prompts of the job besides.
  idempotent:
    support: partial
    details:
      - A job whose work has succeeded, through itself or through later relaunches of it, is not run again, and a
        relaunch that is running is adopted, also if its template was edited in between.
      - Not with O(force=true). A relaunch that fails again is not the state asked for, so the next task
        relaunches again.
options:
  hosts:
    description:
      - V(all) relaunches on the hosts that the job was limited to.
      - V(failed) relaunches on those of its hosts that failed or were unreachable and are still in the inventory.
        Where later relaunches have brought some of them to success, the newest relaunch that failed on exactly the
        remaining ones is relaunched, if there is one and the user may.
      - V(remaining) runs on exactly the hosts that are not done, by the newest result of each over all jobs of the same
        work. They may have failed, or been stopped by a job that ended early for them, or never been begun, or been
        deleted and added again. No relaunch does that, so the I(template) is launched, with the prompts that the
        job was launched with, and a limit of these hosts. The new job counts as the same work as the job.
      - For V(remaining) the template has to ask for its limit at launch, and still for what else the job was prompted
        with. The execute role on the template is enough, unless the job was prompted with an inventory, credentials or
        instance groups. What cannot be launched so is refused before anything is sent, with the reason. That is so with
        secret survey answers, which the controller does not show, unless O(changes) has them, with slices, with names
        of hosts that are patterns to Ansible, and where not all of the hosts are known by name. Hosts that are disabled
        in the inventory of the launch, or not in it, are left out, and told. A job that never began is relaunched on
        all hosts.
    type: str
    choices: [all, failed, remaining]
    default: all
  fallback_to_all:
    description:
      - With O(hosts=failed) or O(hosts=remaining), relaunch on all hosts where these are not known (the playbook had a
        syntax error, was canceled or timed out), none of them is left in the inventory, or they are not all that
        is left. Without it the task fails then.
      - They are not all that is left where the job stopped before its end for hosts that had not failed, or that it had
        not got to (C(serial), C(any_errors_fatal), C(max_fail_percentage), a first play that failed on all of its
        hosts). With O(wait=true) the failed hosts are relaunched first, and then all. O(hosts=remaining) completes such
        a job without running finished hosts once more.
      - It never chooses O(hosts=remaining) by itself.
      - What failed in such a relaunch on all hosts is what the next task relaunches.
    type: bool
    default: false
  job_type:
    description:
      - Relaunch as a job of this type. A success of another type does not count then.
      - What a check job only checked counts as done on no host for V(run). O(hosts=remaining) then runs on all of its
        hosts, and with O(hosts=failed) more is left than the failed ones; see O(fallback_to_all).
      - Only newer controllers can do this. Others would ignore it, and run a job that was only to be checked, so the
        task fails before anything is launched unless the controller says that it takes a job type. In O(changes) it
        works on all of them, if the template asks for it.
      - Without it a relaunch must be of the job's own type. The task fails if the template now only checks. Once a
        relaunch has shown that, V(run) still relaunches as run on a controller that takes a job type.
    type: str
    choices: [run, check]
  force:
    description:
      - Relaunch even if the job has succeeded on all of its hosts, or a relaunch of it is running.
      - Relaunch even if a credential, execution environment or the like that the job was launched with is deleted, so
        that the relaunch takes the template's.
      - With O(hosts=failed) this cannot relaunch a job without failed hosts.
    type: bool
    default: false
  changes:
    description:
      - Run the job with something other than what it was prompted with. No relaunch does that, so the template is
        launched, with the prompts of the job and these in their place; with O(hosts=failed) and O(hosts=remaining)
        limited to those hosts.
      - The keys are C(extra_vars), which are merged with those that the job was launched with, C(job_tags),
        C(skip_tags), C(verbosity), C(scm_branch), C(diff_mode), C(credentials), C(inventory), C(execution_environment),
        C(forks), C(timeout), C(labels) and C(job_type). Inventories, execution environments, credentials and labels are
        given by name, number or named URL (such as V(Web++Default) for an inventory), as O(job_template) is. A name
        that several of them have is refused, with their numbers. Credentials take the place of those that the job
        was prompted with, and of the template's own of the same kind; labels are added to the template's own.
      - The same work is what was launched with the same prompts and these changes, so it is done once. The job
        itself, and relaunches of it without the changes, are other work. With O(hosts=all) a job that was successful is
        run again with the changes.
      - The template has to ask for each of them at launch. Otherwise nothing is sent, and those it does not ask for
        are named.
      - With C(--diff) the changed values are in RV(diff). Variables that are secret answers to a survey are masked
        there and in messages, since the controller knows them. Where others are secret set C(no_log) on the task. Among
        the arguments that Ansible shows with C(-vvv) all variables are masked, but not with C(async), nor in the
        system's log of a host that the module runs on. These need C(no_log) on the task as well.
    type: dict
    version_added: 1.0.0
  credential_passwords:
    description:
      - Passwords that the job's credentials ask for at launch, by the names that the controller gives them, such as
        C(ssh_password), C(become_password), C(ssh_key_unlock) or C(vault_password.dev).
      - They are compared with what the job asks for before anything is launched, and those it does not ask for are
        not sent.
    type: dict
  wait:
    description:
      - Wait for the job to end. The task fails unless it ends successfully, or all hosts that are asked for are done by
        then, such as by another caller's job that failed on others.
      - If the job to relaunch is itself still active, its end is waited for first; without O(wait) the task fails
        then. The same goes for another job of the same work that was made before the job ended, if that may run on its
        hosts, and for one that is limited to a group or pattern of which nothing tells whether that holds the hosts.
    type: bool
    default: false
  cancel_on_timeout:
    description:
      - Cancel the job that this task launched if it has not ended after O(timeout) seconds. A job that was launched by
        another caller, or whose answer was lost so that it had to be looked for, is never canceled.
      - For O(wait=true) only. Without a O(timeout) it has no effect.
    type: bool
    default: false
notes:
  - To the controller a job that O(hosts=remaining) or O(changes) has launched is no relaunch, so O(job_template) may
    mean it, and then only the hosts in its limit count. Give O(job_id) to go on with the first job.
  - A relaunch takes the current template, and the prompts that the job was launched with. It takes no other variables
    and no other limit, and the playbook starts from its beginning. Where O(hosts=remaining) or O(changes) asks for
    others, the template is launched instead, with these prompts.
  - The controller keeps no link from a relaunch to its source. Later jobs count as the same work by their template,
    values and prompts, and for each host its newest result counts.
  - Each relaunch is carried out at most once. Of several callers in the same instant at most one job survives, the one
    with the lowest number, a relaunch rather than a launch of the template; the others cancel theirs and take that one.
    Theirs may have begun to run by then. Where starting twice does harm, switch off I(concurrent jobs) in the template.
  - An action plugin of the same name runs the module's code inside the C(ansible-playbook) process where that makes
    no difference (a local connection, no C(become), C(async) or C(environment), the Python that runs
    C(ansible-playbook), which has to have C(requests)), and runs the module everywhere else, and on macOS always. The
    variable C(relaunch_controller_in_process), set to V(false), always runs the module. With C(-vv) it says why the
    module runs.
  - The action plugin shows the number of each job that it launches on stderr and, while it waits, its status; the
    module itself cannot. Each try that the controller does not answer has a line there. When a job that was waited for
    has failed, it shows its failed tasks. The variable C(relaunch_controller_progress), set to V(false), switches all
    of it off, and so does C(no_log) on the task.
seealso:
  - ref: How it decides <ansible_collections.relaunch.controller.docsite.guide_deciding>
    description: Which jobs are the same work, and when nothing is launched.
  - module: awx.awx.job_launch
    description: Launches job templates.
"""

EXAMPLES = r"""
- name: Relaunch a job on the hosts it failed on, and wait for it
  relaunch.controller.job_relaunch:
    job_id: 42
    hosts: failed
    wait: true
    timeout: 1800
    controller_host: https://controller.example.com
    controller_oauthtoken: "{{ controller_token }}"
  register: retry

- name: Show where to look at it
  ansible.builtin.debug:
    msg: "{{ retry.msg }} {{ retry.url | default('') }}"

- name: Complete a rolling update that stopped, without running finished hosts once more
  relaunch.controller.job_relaunch:
    job_id: 42
    hosts: remaining
    wait: true

- name: Run a job again on the hosts that failed, with another mirror
  relaunch.controller.job_relaunch:
    job_id: 42
    hosts: failed
    changes:
      extra_vars:
        mirror: https://mirror2.example.com
    wait: true

- name: Relaunch a job whose credentials ask for passwords
  relaunch.controller.job_relaunch:
    job_id: 42
    credential_passwords:
      ssh_password: "{{ ssh_password }}"
      vault_password.dev: "{{ vault_password_dev }}"

- name: See in check mode what a relaunch would do
  relaunch.controller.job_relaunch:
    job_id: 42
    hosts: failed
  check_mode: true
  register: prediction

- name: Use one set of defaults for awx.awx and this collection
  module_defaults:
    group/relaunch.controller.controller:
      controller_host: https://controller.example.com
      controller_config_file: /etc/ansible/controller.cfg
  block:
    - name: Relaunch a job
      relaunch.controller.job_relaunch:
        job_id: 42
"""

RETURN = r"""
id:
  description:
    - Number of the relaunch, whoever launched it, or of the job itself where that was successful.
    - Absent where nothing was launched and no job has succeeded, and where it is not known whether a job was launched.
  returned: when there is such a job
  type: int
  sample: 43
status:
  description: Its status as last seen.
  returned: when there is such a job
  type: str
  sample: successful
elapsed:
  description: Seconds it has run.
  returned: when there is such a job
  type: float
  sample: 12.345
limit:
  description: Its limit; of a job on failed or remaining hosts their names, separated by commas.
  returned: when there is such a job
  type: str
  sample: host3,host5
launch_type:
  description: How it was launched; V(relaunch) for a relaunch, V(manual) where its template was launched.
  returned: when there is such a job
  type: str
  sample: relaunch
job_type:
  description: V(run) or V(check).
  returned: when there is such a job
  type: str
  sample: run
job_explanation:
  description: What the controller has to say about its state, if anything.
  returned: when there is such a job
  type: str
  sample: ""
url:
  description: Its page in the controller's user interface.
  returned: when there is such a job
  type: str
  sample: https://controller.example.com/#/jobs/playbook/43/output
job:
  description:
    - What the controller tells of it, C(started) and C(finished) among them.
    - Without C(related), C(job_env), C(job_args) and C(job_cwd), which would hide the failures on a screen.
  returned: when there is such a job
  type: dict
  sample: {id: 43, type: job, started: "2026-11-23T07:15:24.990109Z", finished: "2026-11-23T07:15:25.423177Z"}
source_job_id:
  description: Number of the job that the task names.
  returned: when it is known
  type: int
  sample: 42
relaunched_job_id:
  description: Number of the job that was, or in check mode would be, relaunched; absent where its template is launched.
  returned: when a relaunch was due
  type: int
  sample: 42
own_job_id:
  description:
    - Number of the job that this task launched and gave up for RV(id), since another caller had launched the same work
      in the same instant. It was canceled, and C(changed) is V(false), or had ended before that, and is V(true).
  returned: when that was so
  type: int
  sample: 44
hosts:
  description:
    - Names of the hosts that the new job was limited to with O(hosts=failed) or O(hosts=remaining).
    - In check mode the hosts that would run, with O(hosts=all) those that the job ran on.
  returned: on a launch with O(hosts=failed) or O(hosts=remaining), and in check mode where one is due
  type: list
  elements: str
  sample: [host3, host5]
remaining_hosts:
  description:
    - Names of the failed hosts whose newest result is not success, as far as is known when the task ends. After a
      launch that is not waited for these are the hosts that it runs on.
    - A host that was asked for and did not run stays here, and a warning tells of it; the task does not fail for it.
    - With O(hosts=remaining) those too for which the job stopped before its end, or that it never began on.
    - With O(hosts=all) those that a success on all hosts left out, where it is not known whether they can run by now.
  returned: with O(hosts=failed) or O(hosts=remaining), when they are known; with O(hosts=all), when there are such
  type: list
  elements: str
  sample: []
failed_hosts:
  description: Names of the hosts that failed or were unreachable in the job that was waited for; empty if it was
    successful.
  returned: after waiting for a relaunch
  type: list
  elements: str
  sample: []
stopped_hosts:
  description: Names of hosts that did not fail in the job, and for which it stopped before its end, or that it never
    began on. Where there are more than are named, RV(msg) tells how many.
  returned: with RV(cut_short) or O(hosts=remaining), where such hosts are known
  type: list
  elements: str
  sample: [host1, host2]
gone_hosts:
  description: Names of those of RV(remaining_hosts) that are not in the inventory any more.
  returned: with O(hosts=failed) or O(hosts=remaining), when there are some
  type: list
  elements: str
  sample: [host4]
cut_short:
  description: Whether the failed hosts have succeeded as far as a relaunch on them can do that, and more is left. The
    job had stopped before its end for others, or failed on hosts that only a relaunch on all hosts reaches, or it was
    deleted before this was known.
  returned: when that is so
  type: bool
  sample: true
failures:
  description: What failed hosts failed with in a job that was waited for and ended badly. Of each host the last failed
    task; failures that were rescued or ignored are none.
  returned: after waiting for a relaunch that was not successful
  type: list
  elements: dict
  contains:
    host:
      description: Name of the host.
      type: str
      sample: host3
    play:
      description: Name of the play.
      type: str
      sample: Deploy
    task:
      description: Name of the task.
      type: str
      sample: Start the service
    module:
      description: The module that the task runs.
      type: str
      sample: ansible.builtin.systemd_service
    message:
      description: What the task failed with, and the last line of its error output.
      type: str
      sample: Unable to start service
    unreachable:
      description: Whether the host could not be reached.
      type: bool
      sample: false
failures_more:
  description: How many failed hosts there are beyond those in RV(failures), which holds at most 20.
  returned: after waiting for a relaunch that was not successful
  type: int
  sample: 0
stdout_tail:
  description: The last lines of the output of a job that was waited for and ended badly, without colours.
  returned: after waiting for a relaunch that was not successful
  type: str
  sample: "PLAY RECAP ..."
report_error:
  description: Why RV(failed_hosts), RV(failures) or RV(stdout_tail) could not be fetched.
  returned: when they could not
  type: str
  sample: GET https://controller.example.com/api/v2/jobs/43/job_events/ was answered 502.
retry_counts:
  description: How many hosts a relaunch would run on, as the controller counts them; a sentence while the job is
    active.
  returned: in check mode, when a relaunch is due
  type: raw
  sample: {all: 5, failed: 2}
passwords_missing:
  description: Names of the passwords that the job asks for and that O(credential_passwords) does not give.
  returned: in check mode, when a relaunch is due
  type: list
  elements: str
  sample: []
diff:
  description:
    - The job and the one that was, or in check mode would be, launched beside each other, as C(before) and C(after). Of
      each C(status), C(launch_type), C(job_type), C(limit), C(job_tags), C(skip_tags), C(scm_branch), C(verbosity),
      C(inventory), C(execution_environment), C(credentials), C(extra_vars), and what O(changes) names.
    - In check mode C(after) is the template as it is now with the prompts of the job. What this user may not read of
      these is shown as the job has it.
    - Inventory, execution environment and credentials are shown by name, or by number where the name is not known.
      Variables that the controller masks are masked here, others are not.
    - The execution environment is left out where the controller has yet to choose it. In check mode the credentials are
      left out where it is not known which of several vaults, or of several of a kind of your own, take the place of
      others.
  returned: with C(--diff), on a launch, and in check mode where one is due
  type: dict
  sample:
    before_header: job 42
    before: {status: failed, limit: "", verbosity: 0}
    after_header: relaunch of job 42 (check mode)
    after: {status: pending, limit: "host3,host5", verbosity: 1}
msg:
  description: What was done and why, in a sentence.
  returned: always
  type: str
  sample: "Job 42 ended with status failed: relaunched as job 43 on 2 failed hosts: host3, host5."
"""

from ..module_utils._job.options import RELAUNCH_SPECIFICATION, RelaunchRequest
from ..module_utils._job.relaunch_job import relaunch_job
from ..module_utils._task.module import run


def main() -> None:
    run(RELAUNCH_SPECIFICATION, RelaunchRequest.of, relaunch_job)


if __name__ == "__main__":
    main()
