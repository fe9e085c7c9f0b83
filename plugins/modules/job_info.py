#!/usr/bin/python

# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_info
short_description: Tell what a relaunch of a job would do, and which of its hosts are not done
version_added: 1.0.0
author:
  - relaunch.controller contributors (@relaunch)
description:
  - Tells what M(relaunch.controller.job_relaunch) would do with a job of AWX, Red Hat Ansible Automation Platform,
    Oracle Linux Automation Manager or Ascender, and changes nothing. It returns the verdict, the newest result of each
    host that has failed, with the job that it comes from and the cause, and the runs of the same work.
extends_documentation_fragment:
  - relaunch.controller._connection
  - relaunch.controller._source_job
  - relaunch.controller._attributes
  - relaunch.controller._attributes.actiongroup_controller
attributes:
  check_mode:
    support: full
    details:
      - It changes nothing.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
    details:
      - It changes nothing.
options:
  hosts:
    description:
      - Of which relaunch RV(verdict) tells, that on all hosts, that on the failed ones, or the launch of the template
        on exactly those that are not done. All else is the same.
    type: str
    choices: [all, failed, remaining]
    default: failed
  fallback_to_all:
    description:
      - Whether that relaunch may go on to all hosts where the failed ones are not known, or not all that is left;
        as the option of this name of M(relaunch.controller.job_relaunch).
    type: bool
    default: false
notes:
  - The verdict is that of M(relaunch.controller.job_relaunch) with C(wait=true), by the same look at later jobs of the
    same work and the same decision.
  - The task fails only where the job cannot be read. That a relaunch would be refused is a verdict.
  - It asks for what M(relaunch.controller.job_relaunch) with C(hosts=failed) or C(hosts=remaining) asks for, and which
    failed hosts are now disabled, the template's present job type, and one page of earlier jobs if the job is a
    relaunch itself.
  - Whether a task gives the passwords that the job asks for is not known to it, and does not matter to the verdict.
  - Where all failed hosts are disabled no relaunch is its verdict. M(relaunch.controller.job_relaunch) with
    C(hosts=failed) learns that by its first relaunch, which begins on no host, unless they failed in several jobs, or
    a relaunch would run on hosts that are done as well.
  - An action plugin of the same name runs the module's code inside the C(ansible-playbook) process, as described with
    M(relaunch.controller.job_relaunch).
seealso:
  - ref: How it decides <ansible_collections.relaunch.controller.docsite.guide_deciding>
    description: Which jobs are the same work, and when nothing is launched.
  - module: relaunch.controller.job_relaunch
  - module: relaunch.controller.job_retry
"""

EXAMPLES = r"""
- name: See which hosts of a job are left
  relaunch.controller.job_info:
    job_id: 42
    controller_host: https://controller.example.com
    controller_oauthtoken: "{{ controller_token }}"
  register: info

- name: Show the verdict
  ansible.builtin.debug:
    var: info.msg

- name: Relaunch it only where few hosts are left
  relaunch.controller.job_relaunch:
    job_id: 42
    hosts: failed
  when:
    - info.verdict == 'launch'
    # A job that never began is relaunched on all of its hosts, which are not told.
    - info.remaining_hosts is defined
    - info.remaining_hosts | length < 10

- name: Send a notification with the failed hosts and the last error of each
  community.general.mail:
    to: operators@example.com
    subject: "Job {{ info.id }} ({{ info.job.name }}): {{ info.status }}"
    body: |
      {{ info.msg }}
      {% for failure in info.failures | default([]) %}
      {{ failure.host }}, in job {{ failure.job_id }}: {{ failure.task }}: {{ failure.message }}
      {% endfor %}
      {{ info.url }}
  when: info.verdict != 'done'

- name: Write a report of the runs of a job
  vars:
    header: [job, launched, by, limit, status, failed]
    keys: [id, created, launched_by, limit, status, hosts_failed]
  ansible.builtin.copy:
    dest: /tmp/runs.csv
    mode: "0644"
    content: |
      {{ header | join(';') }}
      {% for run in info.runs %}
      {{ keys | map('extract', run) | join(';') }}
      {% endfor %}
"""

RETURN = r"""
verdict:
  description:
    - What M(relaunch.controller.job_relaunch) with C(wait=true) would do first.
    - V(launch), it would launch a relaunch. V(adopt), another job of the same work is active, which it would take and
      wait for. V(await), it would wait for the end of a job, and decide by that. V(done), the hosts are done as far as
      they can be, and nothing would be launched. V(refuse), it would fail without launching anything,
      or since a relaunch on all hosts would now have another limit or job type.
  returned: when the job can be read
  type: str
  choices: [launch, adopt, await, done, refuse]
  sample: launch
verdict_job_id:
  description: Number of the job that the verdict is about. The one that would be relaunched, that is waited for, or
    that has succeeded.
  returned: unless RV(verdict=refuse)
  type: int
  sample: 43
relaunch_on:
  description: Whether the relaunch would be on V(all) hosts, on the V(failed) ones, or by a launch of the template on
    the V(remaining) ones.
  returned: when RV(verdict=launch)
  type: str
  choices: [all, failed, remaining]
  sample: failed
relaunch_hosts:
  description: Names of the hosts that the relaunch would be limited to, also of such as are disabled and would not run.
  returned: when RV(verdict=launch), unless RV(relaunch_on=all)
  type: list
  elements: str
  sample: [web2]
hosts:
  description: The hosts that have failed in the job, by name, and those in its limit that have failed in a later run of
    the same work. With O(hosts=remaining) those too for which the job stopped before its end, or that it never began
    on.
  returned: when they are known
  type: list
  elements: dict
  contains:
    name:
      description: Name of the host.
      type: str
      sample: web2
    result:
      description:
        - What its newest result is.
        - V(stopped), it did not fail, and the job stopped before its end for it. V(absent), the job never began on it.
      type: str
      choices: [done, failed, unreachable, stopped, absent]
      sample: failed
    job_id:
      description: Number of the job that the result comes from.
      type: int
      sample: 43
    reach:
      description:
        - Whether a relaunch on failed hosts would run on a host that is not done.
        - V(relaunch), it would. V(idle), the host is disabled, or the play does not target it. V(elsewhere), it is in
          another slice of the inventory by now. V(gone), it is not in the inventory any more. V(again), it was deleted
          and added again; only a launch that is limited to its name would. V(whole), only a relaunch on all hosts
          runs on it, since it was made by the playbook, or is localhost.
      type: str
      choices: [relaunch, idle, elsewhere, gone, again, whole]
      sample: relaunch
    cause:
      description: C(play), C(task), C(module) and C(message), at most 200 characters, of the task that a host which is
        not done failed with last; absent where it is not known.
      type: dict
      sample: {play: Deploy, task: Start the service, module: ansible.builtin.command, message: no such unit}
remaining_hosts:
  description: Names of those of RV(hosts) that are not done; with O(hosts=remaining) also of those for which the job
    stopped before its end, or that it never began on.
  returned: when they are known
  type: list
  elements: str
  sample: [web2]
stopped_hosts:
  description: Names of hosts that did not fail in the job, and for which it stopped before its end, or that it never
    began on.
  returned: when RV(cut_short) is true or with O(hosts=remaining), and such hosts are known
  type: list
  elements: str
  sample: [host1, host2]
gone_hosts:
  description: Names of those of RV(remaining_hosts) that are not in the inventory any more.
  returned: when there are some
  type: list
  elements: str
  sample: [host4]
cut_short:
  description: Whether the failed hosts have succeeded as far as a relaunch on them can do that, and more is left.
  returned: when that is so
  type: bool
  sample: true
failures:
  description: What the remaining hosts failed with last, in the order in which it happened; of the hosts that failed
    last in the newest three of such jobs, and at most 20 hosts.
  returned: when the job has ended and hosts of it are not done
  type: list
  elements: dict
  contains:
    host:
      description: Name of the host.
      type: str
      sample: web2
    job_id:
      description: Number of the job in which it failed so.
      type: int
      sample: 43
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
  description: How many remaining hosts there are beyond those in RV(failures).
  returned: with RV(failures)
  type: int
  sample: 0
stdout_tail:
  description: The last lines of the output of the job in which remaining hosts failed last, without colours; of the job
    itself where no such host is known.
  returned: when the job has ended and hosts of it are not done
  type: str
  sample: "PLAY RECAP ..."
report_error:
  description: Why RV(failures) or RV(stdout_tail) could not be fetched.
  returned: when they could not
  type: str
  sample: GET https://controller.example.com/api/v2/jobs/43/job_events/ was answered 502.
runs:
  description:
    - The runs of the job's work, oldest first, at most the newest 200. The job, the later jobs of the same work
      whatever launched them, as far as they matter to the verdict, and where the job is a relaunch itself those before
      it back to one that is no relaunch.
    - The controller keeps no link from a relaunch to its source. Jobs before a relaunch are told by equal values.
  returned: when the job can be read
  type: list
  elements: dict
  contains:
    id:
      description: Number of the job.
      type: int
      sample: 43
    url:
      description: Its page in the controller's user interface.
      type: str
      sample: https://controller.example.com/#/jobs/playbook/43/output
    launch_type:
      description: How it was launched, such as V(manual), V(relaunch), V(scheduled) or V(workflow).
      type: str
      sample: relaunch
    launched_by:
      description: Name of the user, schedule or workflow job that launched it; V(null) where that was deleted since.
      type: str
      sample: alice
    created:
      description: When it was launched.
      type: str
      sample: "2026-11-23T07:15:24.990109Z"
    finished:
      description: When it ended; V(null) for one that is active.
      type: str
      sample: "2026-11-23T07:16:02.102939Z"
    limit:
      description: Its limit.
      type: str
      sample: web1,web2
    status:
      description: Its status.
      type: str
      sample: failed
    hosts_done:
      description: How many hosts it has brought to its end; V(null) where that had not to be asked for.
      type: int
      sample: 1
    hosts_failed:
      description: On how many hosts it has failed; V(null) where that had not to be asked for, or is not known.
      type: int
      sample: 1
source_job_id:
  description: Number of the job, also where it cannot be read.
  returned: when it is known
  type: int
  sample: 42
id:
  description: Number of the job.
  returned: when the job can be read
  type: int
  sample: 42
status:
  description: Its status.
  returned: when the job can be read
  type: str
  sample: failed
elapsed:
  description: Seconds it has run.
  returned: when the job can be read
  type: float
  sample: 12.345
limit:
  description: Its limit.
  returned: when the job can be read
  type: str
  sample: web
launch_type:
  description: How it was launched.
  returned: when the job can be read
  type: str
  sample: manual
job_type:
  description: V(run) or V(check).
  returned: when the job can be read
  type: str
  sample: run
job_explanation:
  description: What the controller has to say about its state, if anything.
  returned: when the job can be read
  type: str
  sample: ""
url:
  description: Its page in the controller's user interface.
  returned: when the job can be read
  type: str
  sample: https://controller.example.com/#/jobs/playbook/42/output
job:
  description:
    - What the controller tells of it, C(started) and C(finished) among them.
    - Without C(related), C(job_env), C(job_args) and C(job_cwd), which would hide the failures on a screen.
  returned: when the job can be read
  type: dict
  sample: {id: 42, type: job, started: "2026-11-23T07:15:24.990109Z", finished: "2026-11-23T07:15:25.423177Z"}
msg:
  description: The verdict in a sentence, with its reason.
  returned: always
  type: str
  sample: >-
    Job 43, a relaunch of job 42, ended with status failed: would be relaunched on 1 failed host: web2.
"""

from ..module_utils._job.job_info import INFO_SPECIFICATION, info_request, job_info
from ..module_utils._task.module import run


def main() -> None:
    run(INFO_SPECIFICATION, lambda params, _check_mode, _diff: info_request(params), job_info)


if __name__ == "__main__":
    main()
