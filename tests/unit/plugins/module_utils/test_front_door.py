# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a task runs inside ansible-playbook, and when as a module."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._task.front_door import (
    Surroundings,
    module_needed,
    pipelining_wanted,
)

PLAIN = Surroundings(
    transport="local",
    become=False,
    asynchronous=False,
    environment=False,
    interpreter="/opt/venv/bin/python",
    own_interpreter="/opt/venv/bin/python",
    requests=True,
    wanted=True,
    platform="linux",
)


@pytest.mark.parametrize(
    ("difference", "reason"),
    [
        ({}, None),
        ({"transport": "ansible.builtin.local"}, None),
        ({"interpreter": "/opt/venv/bin/../bin/python"}, None),
        ({"platform": "freebsd14"}, None),
        ({"platform": "darwin"}, "on macOS a request from one of ansible-playbook's forked processes"),
        ({"wanted": False}, "relaunch_controller_in_process is false"),
        ({"transport": "ssh"}, "the connection is ssh, not local"),
        ({"become": True}, "becomes another user"),
        ({"asynchronous": True}, "asynchronous"),
        ({"environment": True}, "an environment of its own"),
        ({"interpreter": "/usr/bin/python3"}, "/usr/bin/python3, not /opt/venv/bin/python"),
        ({"interpreter": None}, "not given"),
        ({"requests": False}, "requests is not installed"),
    ],
)
def test_which_door(difference: dict[str, t.Any], reason: str | None) -> None:
    found = module_needed(dataclasses.replace(PLAIN, **difference))
    assert found is None if reason is None else reason in str(found)


@pytest.mark.parametrize(
    ("difference", "wanted"),
    [
        ({}, True),
        ({"transport": "ansible.builtin.local"}, True),
        ({"transport": "ssh"}, False),
        ({"become": True}, False),
        ({"asynchronous": True}, False),
    ],
)
def test_where_a_module_is_piped_to_its_python(difference: dict[str, t.Any], wanted: bool) -> None:
    assert pipelining_wanted(dataclasses.replace(PLAIN, **difference)) is wanted
