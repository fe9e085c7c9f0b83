# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that retry by the kind of failure, and until a moment."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  rules:
    description:
      - What is done about failed hosts by what each of them failed with last. The first rule that fits counts; a host
        that none fits is retried as without rules.
      - A host that is parked needs a person, and is not retried. O(hosts=remaining) leaves it out. With O(hosts=failed)
        the controller relaunches all failed hosts of a job together, so the others are retried only where a job of
        the same work has failed on them and not on a parked one; else the job is not retried while a host is parked.
      - When nothing but parked hosts is left, or nothing can be retried without them, the task fails, and its result
        tells the hosts and why.
      - Of a failure a rule may ask for C(unreachable) (a boolean), and for C(task), C(module) and C(message), regular
        expressions that are looked for in the names of the task and of its module, and in the first 1000 characters of
        the message, as it is and on one line. What it does not ask for does not matter.
      - C(action) is V(retry) or V(park), and is needed.
      - With C(action=retry) it may have a C(delay), in seconds, and C(retries), how many attempts the host gets. Of the
        hosts that are left the one with the longest delay counts, and there are as many attempts as the one that gets
        the most has. Hosts that are disabled or not in the inventory any more do not count.
      - With C(action=park) it may have a C(reason), to be told.
      - They cost a request for the failed events of each job on which hosts failed last.
    type: list
    elements: dict
    version_added: 1.0.0
  deadline:
    description:
      - When the task has to come to its end. A span from its start on such as V(4h) or V(2h30m), a time of day such as
        V(06:00), whose next one is meant, in the time zone of the process that runs the task, or a moment as of ISO
        8601, in that time zone unless it has another.
      - Nothing is launched after it. What was launched before goes on and is waited for, see O(cancel_on_timeout); the
        end of any other job is not waited for beyond it.
      - Quote a time of day, which YAML reads as a number otherwise.
    type: str
    version_added: 1.0.0
"""
