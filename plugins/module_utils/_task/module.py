# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's side: the only place that fails a task. Private to this collection."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._api.libraries import REQUESTS_IMPORT_ERROR
from .arguments import Specification
from .result import Act, carry_out


def run(module: AnsibleModule, act: Act, specification: Specification) -> None:
    """Do what the module is for, and exit or fail it with all that is known.

    :param module: its options include CONNECTION_SPEC.
    :param act: does it with a client; raises ControllerError to fail the task.
    :param specification: of the module's options, which it was made of without what says which of them go together.
    """
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    result = carry_out(module.params, module.no_log_values, act, specification)
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
