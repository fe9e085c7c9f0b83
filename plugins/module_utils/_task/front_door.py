# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the two front doors a task takes. Pure. Private to this collection."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

LOCAL_TRANSPORTS = ("local", "ansible.builtin.local")
# As sys.platform has it.
MACOS = "darwin"


@dataclass(frozen=True)
class Surroundings:
    """What a module would find around it.

    :param transport: of the connection.
    :param become: whether another user would run the module.
    :param asynchronous: whether the task has ``async``.
    :param environment: whether the task, its block or its play sets variables of the environment.
    :param interpreter: the Python that would run the module; None where Ansible would have to look for one.
    :param own_interpreter: the Python that runs ansible-playbook.
    :param requests: whether that one has requests.
    :param wanted: whether the user lets the task run in the process at all.
    :param platform: of the machine that runs ansible-playbook, as ``sys.platform``.
    """

    transport: str
    become: bool
    asynchronous: bool
    environment: bool
    interpreter: t.Optional[str]
    own_interpreter: str
    requests: bool
    wanted: bool
    platform: str


def module_needed(found: Surroundings) -> t.Optional[str]:
    """Why the task has to run as a module; None where running inside ansible-playbook is equivalent."""
    if not found.wanted:
        return "relaunch_controller_in_process is false"
    if found.transport not in LOCAL_TRANSPORTS:
        return f"the connection is {found.transport}, not local"
    if found.become:
        return "the task becomes another user"
    if found.asynchronous:
        return "the task is asynchronous"
    if found.environment:
        return "the task has an environment of its own"
    if found.platform == MACOS:
        # Its frameworks, which the look for proxies calls, end a process that was forked without an exec.
        return "on macOS a request from one of ansible-playbook's forked processes would end that process"
    # Not resolved: the interpreter of a virtual environment is a link to one that lacks its packages.
    if found.interpreter is None or os.path.abspath(found.interpreter) != os.path.abspath(found.own_interpreter):
        return f"the Python for modules is {found.interpreter or 'not given'}, not {found.own_interpreter}"
    if not found.requests:
        return "requests is not installed beside ansible-core"
    return None


def pipelining_wanted(found: Surroundings) -> bool:
    """Whether to feed the module to its Python where Ansible's default would write it to a file first.

    That is sooner done, and its arguments, passwords and tokens among them, are written nowhere. Pipelining is off by
    default for the sake of some ways of becoming another user.
    """
    return found.transport in LOCAL_TRANSPORTS and not found.become and not found.asynchronous
