# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a template says of its launch, in the shape of the recordings."""

from __future__ import annotations

import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils._launch.template_launch import ASKS

_DEFAULTS: dict[str, t.Any] = {
    "inventory": {"name": "Web", "id": 1},
    "limit": "",
    "scm_branch": "",
    "job_tags": "",
    "skip_tags": "",
    "extra_vars": "",
    "diff_mode": False,
    "job_type": "run",
    "verbosity": 0,
    "credentials": [],
    "execution_environment": {},
    "forks": 0,
    "job_slice_count": 1,
    "timeout": 0,
    "instance_groups": [],
}


def needs(*asks: str, **more: t.Any) -> dict[str, t.Any]:
    """The answer of ``job_templates/N/launch/`` (recorded: launch-get, launch-get-survey).

    :param asks: the fields that it asks for.
    :param more: its own values, and what else it needs.
    """
    defaults = {name: more.pop(name, value) for name, value in _DEFAULTS.items()}
    return {
        "can_start_without_user_input": not asks,
        "passwords_needed_to_start": [],
        **{option: field in asks for field, option in ASKS.items()},
        "survey_enabled": False,
        "variables_needed_to_start": [],
        "credential_needed_to_start": False,
        "inventory_needed_to_start": False,
        "job_template_data": {"name": "Deploy", "id": 7, "description": ""},
        "defaults": defaults,
        **more,
    }
