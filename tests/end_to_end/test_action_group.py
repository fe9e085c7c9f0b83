# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One line of module_defaults for this collection and for those that it stands beside."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

# As job_launch takes its options in each of them; it tells the one that it was given.
MODULE = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"controller_host": {"type": "str"}})
module.exit_json(msg="job_launch asks " + str(module.params["controller_host"]))
"""
RUNTIME = "action_groups: {controller: [job_launch]}\n"
NEIGHBOURS = ["ansible.controller", "awx.awx", "ctrliq.ascender"]

PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
  module_defaults:
    group/relaunch.controller.controller:
      controller_host: https://controller.example.com
  tasks:
    - {neighbour}.job_launch:
      register: told
    - ansible.builtin.debug: {{var: told.msg}}
"""


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_serves_the_modules_of(
    neighbour: str, run_playbook: t.Callable[..., t.Any], environment: dict[str, str], tmp_path: Path
) -> None:
    """Alone, so that the group does without the collections that are not installed."""
    collections = tmp_path / "collections"
    place = collections / "ansible_collections" / Path(*neighbour.split("."))
    for name, text in {"meta/runtime.yml": RUNTIME, "plugins/modules/job_launch.py": MODULE}.items():
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text(text, encoding="utf-8")
    paths = os.pathsep.join([str(collections), environment["ANSIBLE_COLLECTIONS_PATH"]])

    done = run_playbook(PLAYBOOK.format(neighbour=neighbour), environ={"ANSIBLE_COLLECTIONS_PATH": paths})

    assert done.status == 0, done.output
    assert "job_launch asks https://controller.example.com" in done.stdout
