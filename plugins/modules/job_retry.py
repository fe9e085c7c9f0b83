#!/usr/bin/python

# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_retry
short_description: Relaunch a job of an automation controller on its failed or remaining hosts until none is left
version_added: 1.0.0
author:
  - relaunch.controller contributors (@relaunch)
description:
  - Relaunches a job of AWX, Red Hat Ansible Automation Platform, Oracle Linux Automation Manager or Ascender on the
    hosts that failed or were unreachable, again and again with growing delays, until none of them is left. A job that
    is still running is waited for first.
extends_documentation_fragment:
  - relaunch.controller._connection
  - relaunch.controller._source_job
  - relaunch.controller._waiting
  - relaunch.controller._rules
  - relaunch.controller._attributes
  - relaunch.controller._attributes.actiongroup_controller
attributes:
  check_mode:
    support: full
    details:
      - Tells what the first round would do. Only requests that change nothing are sent.
  diff_mode:
    support: full
    details:
      - Shows the job and its last relaunch side by side, as RV(diff) tells.
  idempotent:
    support: partial
    details:
      - A job whose work has succeeded, through itself or through later relaunches of it, is not run again.
      - Where hosts are left the next task tries again.
options:
  hosts:
    description:
      - V(failed) relaunches the job on the hosts that failed or were unreachable.
      - V(remaining) launches its template on exactly the hosts that are not done, those too for which it stopped before
        its end, or that it never began on. So a rolling update is completed without running finished hosts once more.
        See M(relaunch.controller.job_relaunch) for what that takes.
    type: str
    choices: [failed, remaining]
    default: failed
  retries:
    description:
      - How many rounds there are at most, whatever each of them does.
    type: int
    default: 3
  delay:
    description: Seconds to wait before the second round. The first one starts at once.
    type: float
    default: 30
  delay_factor:
    description: Each further wait is so many times as long as the one before it; V(1) for waits of equal length.
    type: float
    default: 2
  delay_max:
    description: Seconds that a wait between two rounds lasts at most.
    type: float
    default: 600
  fallback_to_all:
    description:
      - Relaunch on all hosts where the controller cannot say which hosts failed (the playbook had a syntax error, was
        canceled or timed out), none of them is left in the inventory, or the job had stopped before its end for hosts
        that had not failed, or that it had not got to. Without it the task fails then.
      - A round can make two relaunches with it, on the failed hosts and then on all.
    type: bool
    default: false
  credential_passwords:
    description:
      - Passwords that the job's credentials ask for at launch, by the names that the controller gives them, such as
        C(ssh_password), C(become_password), C(ssh_key_unlock) or C(vault_password.dev).
    type: dict
  timeout:
    description:
      - Seconds to wait for each job at most. The task fails when they are over; the job goes on, see
        O(cancel_on_timeout).
      - Without it, or with V(0), a wait lasts as long as the job; it gives up only if the controller could not be asked
        for an hour.
    type: int
  cancel_on_timeout:
    description:
      - Cancel a job that this task launched if it has not ended after O(timeout) seconds, or if it has not begun by the
        O(deadline). A job that was launched by another caller, or whose answer was lost so that it had to be looked
        for, is never canceled. With neither of them it has no effect.
    type: bool
    default: false
    version_added: 1.0.0
notes:
  - A rule's C(delay) takes the place of O(delay) and what that grows to, its C(retries) that of O(retries). A delay
    that would last beyond the O(deadline) is not begun.
  - The job that O(job_template) means is looked up once, so that a job that somebody else launches in the meantime is
    left alone.
  - Each round is what M(relaunch.controller.job_relaunch) does with O(hosts) and C(wait=true). All that is said there
    holds here.
  - A relaunch that ran and failed, or that was successful and left hosts that another one would run on, is followed by
    another round. All else ends the task, see RV(ended). A relaunch that was canceled, refused or could not be waited
    for is not tried again.
  - Trouble in passing that outlasts O(max_retries) (the controller does not answer, answers 5xx, asks to be left alone
    with 429, or the answer to a relaunch was lost) is an attempt too, from the first look on, and another round
    follows. That looks first, so that a job that was launched all the same is waited for, and not launched twice.
  - An action plugin of the same name runs the module's code inside the C(ansible-playbook) process, as described with
    M(relaunch.controller.job_relaunch). It shows the status of each job on stderr, and a line about each further round
    with its number, its delay and the hosts that are left.
seealso:
  - module: relaunch.controller.job_relaunch
  - ref: retry_failed_hosts role <ansible_collections.relaunch.controller.retry_failed_hosts_role>
    description: Tells what came of it, and passes it to the next nodes of a workflow.
"""

EXAMPLES = r"""
- name: Relaunch a job until no failed host is left
  relaunch.controller.job_retry:
    job_id: 42
    retries: 5
    delay: 60
    timeout: 3600
    controller_host: https://controller.example.com
    controller_oauthtoken: "{{ controller_token }}"
  register: retry

- name: Retry in the maintenance window, and leave nothing behind that begins after it
  relaunch.controller.job_retry:
    job_id: 42
    retries: 20
    deadline: "06:00"
    cancel_on_timeout: true

- name: Retry hosts that are down each hour for two days, and leave alone what needs a person
  relaunch.controller.job_retry:
    job_id: 42
    rules:
      - message: licence
        action: park
        reason: renew the licence
      - unreachable: true
        action: retry
        delay: 3600
        retries: 48

- name: Show what became of each host
  ansible.builtin.debug:
    msg: "{{ retry.summary }}"
"""

RETURN = r"""
attempts:
  description:
    - The relaunches, oldest first; the newest 100 of them.
    - A round in which somebody else was found to have brought hosts to success counts with their job.
    - A round that trouble in passing broke off counts too, whether it launched a job or not.
    - Where a task is repeated with C(until), also a M(ansible.builtin.async_status) behind C(async), Ansible puts the
      number of its own attempts in the place of this list. RV(job_ids) and RV(summary) stay as they are.
  returned: always, unless the task was called wrongly
  type: list
  elements: dict
  contains:
    attempt:
      description:
        - The number of the attempt, from 1 on.
        - With O(fallback_to_all) a round may have two, on its failed hosts and then on all of them.
      type: int
      sample: 1
    job_id:
      description: Number of the relaunch; V(null) where none was launched or that is not known, as C(trouble) tells.
      type: int
      sample: 43
    url:
      description: Its page in the controller's user interface; V(null) without a C(job_id).
      type: str
      sample: https://controller.example.com/#/jobs/playbook/43/output
    status:
      description: Its status as last seen; V(null) without a C(job_id).
      type: str
      sample: failed
    all_hosts:
      description: Whether it ran on all hosts of the job.
      type: bool
      sample: false
    hosts:
      description: Names of the hosts that it was to bring to success, as far as they are known.
      type: list
      elements: str
      sample: [web1, web2]
    failed_hosts:
      description: Names of the hosts that it failed on.
      type: list
      elements: str
      sample: [web2]
    failures:
      description: As RV(failures).
      type: list
      elements: dict
    trouble:
      description: The trouble in passing that broke it off; empty if there was none.
      type: str
      sample: ""
attempts_more:
  description: How many relaunches there were before those in RV(attempts).
  returned: always, unless the task was called wrongly
  type: int
  sample: 0
job_ids:
  description: Numbers of the jobs in RV(attempts).
  returned: always, unless the task was called wrongly
  type: list
  elements: int
  sample: [43, 44]
recovered:
  description:
    - The failed hosts that have succeeded since, by name, each with the number of the attempt.
    - One that failed again later is not among them.
  returned: always, unless the task was called wrongly
  type: dict
  sample: {web1: 1, web2: 2}
remaining_hosts:
  description: Names of the failed hosts whose newest result is not success; with O(hosts=remaining) those too for which
    the job stopped before its end, or that it never began on.
  returned: when they are known
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
  returned: when there are some
  type: list
  elements: str
  sample: [host4]
cut_short:
  description: Whether the failed hosts have succeeded as far as a relaunch on them can do that, and more is left. The
    job had stopped before its end for others, or failed on hosts that only a relaunch on all hosts reaches, or it was
    deleted before this was known.
  returned: always, unless the task was called wrongly
  type: bool
  sample: false
ended:
  description:
    - Why there was no further round.
    - V(none_left), every failed host has recovered. V(nothing_to_do), nothing was left before the task began.
    - V(none_can_run), hosts are left on which no relaunch would run, since they are disabled or the play does not
      target them. The task does not fail for these.
    - V(retries_used_up) and V(not_possible), a further relaunch is of no use or not allowed; the task has failed.
    - V(deadline_over), the O(deadline) was over, or would have been before the next round; the task has failed.
    - V(parked), hosts are left that need a person by the O(rules), and nothing can be retried without them; the task
      has failed.
    - V(predicted), in check mode.
  returned: always, unless the task was called wrongly or interrupted
  type: str
  choices: [none_left, nothing_to_do, none_can_run, predicted, retries_used_up, not_possible, deadline_over, parked]
  sample: none_left
parked:
  description: The hosts that are left and need a person, by name, each with the reason that its rule gives.
  returned: when there are some
  type: dict
  sample: {web21: renew the licence}
summary:
  description: What became of each host, a line for each.
  returned: always, unless the task was called wrongly
  type: list
  elements: str
  sample: ["web1: recovered at attempt 1 (job 43)", "web2: recovered at attempt 2 (job 44)"]
source_job_id:
  description: Number of the job that the task names.
  returned: when it is known
  type: int
  sample: 42
id:
  description: Number of the last relaunch, or of the job itself where that was successful; the keys below are about it.
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
relaunched_job_id:
  description: Number of the job that was, or in check mode would be, relaunched; absent where its template is launched.
  returned: when a relaunch was due
  type: int
  sample: 42
own_job_id:
  description:
    - Number of the job that the last round launched and gave up for RV(id), since another caller had launched the same
      work in the same instant. It was canceled, or had ended before that.
  returned: when that was so
  type: int
  sample: 45
hosts:
  description:
    - Names of the hosts that the last job that was launched was limited to.
    - In check mode the hosts that would run.
  returned: on a launch on failed or remaining hosts, and in check mode where one is due
  type: list
  elements: str
  sample: [host3, host5]
failed_hosts:
  description: Names of the hosts that failed or were unreachable in the job that was waited for; empty if it was
    successful.
  returned: after waiting for a relaunch
  type: list
  elements: str
  sample: []
failures:
  description: What failed hosts failed with in a job that was waited for and ended badly.
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
    - The job and the last one that was, or in check mode would be, launched beside each other, as C(before) and
      C(after). Of each C(status), C(launch_type), C(job_type), C(limit), C(job_tags), C(skip_tags), C(scm_branch),
      C(verbosity), C(inventory), C(execution_environment), C(credentials), C(extra_vars).
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
  sample: >-
    2 hosts recovered within 2 attempts. Job 43, a relaunch of job 42, ended with status failed: relaunched as job 44 on
    1 failed host: web2. Job 44 was successful.
"""

from ..module_utils._retry.options import RETRY_SPECIFICATION, RetryRequest
from ..module_utils._retry.retry_failed_hosts import retry_failed_hosts
from ..module_utils._task.module import run


def main() -> None:
    run(RETRY_SPECIFICATION, RetryRequest.of, retry_failed_hosts)


if __name__ == "__main__":
    main()
