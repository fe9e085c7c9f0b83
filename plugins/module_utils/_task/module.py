# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's side: the only place that fails a task. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._api.client import ControllerClient
from .._api.libraries import REQUESTS_IMPORT_ERROR
from .._job.outcome import Outcome
from .arguments import Specification
from .result import carry_out

_Request = t.TypeVar("_Request")
Params = t.Mapping[str, t.Any]


def run(
    specification: Specification,
    request_of: t.Callable[[Params, bool, bool], _Request],
    act: t.Callable[[ControllerClient, _Request], Outcome],
) -> None:
    """Do what a module is for, and exit or fail it with all that is known.

    :param specification: of its options, CONNECTION_SPEC's among them.
    :param request_of: makes what is asked for of validated parameters, and whether check mode and diff mode are on.
    :param act: does it with a client; as ``request_of``, raises ControllerError to fail the task.
    """
    # Which options go together is asked later; see ``settle``.
    module = AnsibleModule(specification["argument_spec"], supports_check_mode=True)

    def do(client: ControllerClient) -> Outcome:
        return act(client, request_of(module.params, module.check_mode, module._diff))

    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    result = carry_out(module.params, module.no_log_values, do, specification)
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
