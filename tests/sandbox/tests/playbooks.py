# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of the tests."""

from __future__ import annotations

CHECKING = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Check the host
      ansible.builtin.assert:
        that: not (broken | default(false))
        fail_msg: "{{ inventory_hostname }} is broken"
"""

REACHING = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Reach the host
      ansible.builtin.command: "{{ 'false' if broken | default(false) else 'true' }}"
"""

SLEEPING = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Sleep
      ansible.builtin.command: sleep {{ seconds | default(300) }}
"""

NEEDY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Check the password
      ansible.builtin.assert:
        that: sandbox_passwords.ssh_password == 'hunter2'
"""

# Fails on the hosts in `fail_hosts`; with `hand_on` it hands on artifacts.
HANDING_ON = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Check the host
      ansible.builtin.assert:
        that: inventory_hostname not in fail_hosts | default([])
    - name: Hand on
      ansible.builtin.set_stats:
        data: "{{ artifacts | default(usual) }}"
      run_once: true
      vars:
        usual: {art: fromA, shared: fromA, wfvar: fromA, nested: {k: [1, 2]}}
      when: hand_on | default(false)
"""

# On its way two hosts that are in no inventory, and the implicit localhost; fails on the hosts in `bad`.
ADDING_HOSTS = """
- name: Deploy
  hosts: all
  gather_facts: false
  tasks:
    - name: Add
      ansible.builtin.add_host:
        name: "{{ item }}"
        groups: [made]
      loop: [extra1, extra2]
      when: ansible_limit is not defined
    - name: Deploy
      ansible.builtin.debug:
        msg: hello
      failed_when: inventory_hostname in bad
- name: Made
  hosts: made
  gather_facts: false
  tasks:
    - name: On made
      ansible.builtin.debug:
        msg: hello
      failed_when: inventory_hostname in bad
- name: Local
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Local
      ansible.builtin.debug:
        msg: hello
      failed_when: inventory_hostname in bad
"""

# Fails on the hosts in `bad`.
DEPLOYING = """
- name: Deploy
  hosts: all
  gather_facts: false
  tasks:
    - name: Deploy
      ansible.builtin.debug:
        msg: hello
      failed_when: inventory_hostname in bad
"""

BROKEN = "- hosts: all\n  tasks:\n    - {no: such, task: here}\n"

CHECKING_AND_SLEEPING = (
    CHECKING
    + """
    - name: Sleep
      ansible.builtin.command: sleep {{ seconds | default(300) }}
"""
)

# What the recorded playbooks of `plays/` include.
INCLUDED = {
    "inc.yml": """
- name: Item
  ansible.builtin.debug:
    msg: "{{ item }}"
  failed_when: ('i_' ~ item ~ ':' ~ inventory_hostname) in bad
"""
}

# Tells what a job knows of itself.
TELLING = """
- name: Who am I
  hosts: all
  gather_facts: false
  tasks:
    - name: Environment of the controller node
      ansible.builtin.debug:
        msg:
          AWX_HOST: "{{ lookup('env', 'AWX_HOST') }}"
          AWX_ISOLATED_DATA_DIR: "{{ lookup('env', 'AWX_ISOLATED_DATA_DIR') }}"
          AWX_PRIVATE_DATA_DIR: "{{ lookup('env', 'AWX_PRIVATE_DATA_DIR') }}"
          JOB_ID: "{{ lookup('env', 'JOB_ID') }}"
    - name: Extra variables
      ansible.builtin.debug:
        msg: "{{ dict(names | zip(query('varnames', '^(awx|tower)_') | map('extract', vars))) }}"
      vars:
        names: "{{ query('varnames', '^(awx|tower)_') }}"
    - name: End
      ansible.builtin.debug:
        msg: done
"""
