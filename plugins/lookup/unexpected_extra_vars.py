# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which extra variables a playbook was given and does not know."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unexpected_extra_vars
short_description: Names of the extra variables that a playbook does not know
version_added: 1.0.0
author:
  - relaunch.controller contributors (@relaunch)
description:
  - Compares the names of the variables that were given with C(--extra-vars) with those that a playbook takes. A
    misspelt one would be ignored by it without a word, and what it was to narrow down would stay wide.
  - Ansible ignores what stands behind a blank in a value, too, unless the value has quotes of its own, inside of those
    of the shell. That is told, but not quoted, since it may be a part of a secret.
  - Variables that an automation controller adds to those of its jobs are left out, and in such a job those that the
    playbooks of this collection set, and all others whose names are not like any that is known, since a workflow passes
    on what its earlier nodes have set.
options:
  _terms:
    description: The names that the playbook takes.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse what this playbook would ignore
  ansible.builtin.assert:
    that: unexpected | length == 0
    fail_msg: "This playbook does not know {{ unexpected | join(', ') }}."
  vars:
    unexpected: "{{ query('relaunch.controller.unexpected_extra_vars', 'job_id', 'job_template') }}"
"""

RETURN = r"""
_raw:
  description: The names, sorted, each with the one that may have been meant behind it where there is one.
  type: list
  elements: str
  sample: ["jobtemplate (job_template?)"]
"""

import difflib
import re
import typing as t

from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

# What a controller adds to the variables of its jobs (recorded: own-job-plain), and Ansible's own.
_OF_OTHERS = ("awx_", "tower_", "ansible_", "_")
_IN_A_JOB = ("awx_job_id", "tower_job_id")
# What the playbooks of this collection set for the next nodes of a workflow.
_HANDED_ON = re.compile("retry_failed_hosts|recover_failed_jobs_.*")

# Where Ansible puts the words that are no variable.
LOOSE_WORDS = "_raw_params"
_LOOSE_WORDS_TOLD = """the words behind a blank in a value (quote it twice: -e job_template='"Patch web servers"')"""

# What the action plugins of this collection look for, whatever runs them.
_OF_PLUGINS = ("relaunch_controller_in_process", "relaunch_controller_progress")

# From here on a name is like another one: so are hosts and job_hosts, timeout and wait_timeout.
LIKENESS = 0.7
SHORTENED_TO = 3


class LookupModule(LookupBase):
    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        known = [str(name) for name in terms]
        given = load_extra_vars(loader=self._loader)
        # It has the line break too with which a text of several lines begins.
        return unexpected([name for name in given if name != LOOSE_WORDS or str(given[name]).strip()], known)


def unexpected(given: t.Iterable[str], known: t.Sequence[str]) -> list[str]:
    """The names that are not known, each with the one that may have been meant.

    :param given: the names of all extra variables.
    """
    given = sorted(map(str, given))
    in_a_job = any(name in given for name in _IN_A_JOB)
    found = []
    for name in given:
        if name == LOOSE_WORDS:
            found.append(_LOOSE_WORDS_TOLD)
        if name in known or name in _OF_PLUGINS or name.startswith(_OF_OTHERS):
            continue
        if in_a_job and _HANDED_ON.fullmatch(name):
            continue
        meant = _meant(name, known)
        if meant:
            found.append(f"{name} ({meant}?)")
        elif not in_a_job:
            found.append(name)
    return found


def _meant(name: str, known: t.Sequence[str]) -> str:
    """The known name that is most like this one; empty where none is."""
    plain = name.lower().replace("-", "_")
    close = difflib.get_close_matches(plain, known, n=1, cutoff=LIKENESS)
    longer = [one for one in known if len(plain) >= SHORTENED_TO and one.startswith(plain)]
    return (close or longer or [""])[0]
