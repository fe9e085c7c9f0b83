# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's side: the only place that fails a task."""

from __future__ import annotations

import os
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.relaunch.controller.plugins.module_utils import _connection
from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._errors import ControllerError
from ansible_collections.relaunch.controller.plugins.module_utils._requests import REQUESTS_IMPORT_ERROR

Action = t.Callable[[ControllerClient, dict[str, t.Any]], None]


def run(module: AnsibleModule, action: Action) -> None:
    """Do what the module is for, and exit or fail it with all that is known.

    :param module: its options include CONNECTION_SPEC.
    :param action: does it with a client, filling the result; raises ControllerError to fail the task.
    """
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    result: dict[str, t.Any] = {"changed": False}
    try:
        connection = _connection.resolve(module.params, os.environ, os.getcwd())
        hide_secrets(module, connection)
        action(ControllerClient(connection), result)
    except ControllerError as error:
        module.fail_json(**{**result, **error.facts, "msg": str(error)})
    except KeyboardInterrupt:
        module.fail_json(**{**result, "msg": f"Interrupted.{_so_far(result)}"})
    except Exception as error:  # whatever it is, the id of a job that was launched must not be lost
        module.fail_json(
            **{
                **result,
                "msg": f"An unexpected error, which is a defect of this collection: {type(error).__name__}: {error}."
                f"{_so_far(result)} Please report it with the output of -vvv.",
                "exception": traceback.format_exc(),
            }
        )
    module.exit_json(**result)


def hide_secrets(module: AnsibleModule, connection: _connection.ConnectionOptions) -> None:
    """Have AnsibleModule mask what configuration files hold, and nothing that is no secret.

    Of a token given as a dictionary it takes every value for one, its ``id`` and ``user`` among them, and would mask
    any number in the result that contains one of those.
    """
    given = module.params.get("controller_oauthtoken")
    if isinstance(given, dict):
        module.no_log_values.difference_update(
            str(value) for key, value in given.items() if key not in ("token", "refresh_token")
        )
    module.no_log_values.update(connection.secrets)


def _so_far(result: t.Mapping[str, t.Any]) -> str:
    if not result.get("changed"):
        return ""
    if result.get("id") in (None, result.get("source_job_id")):
        return " A job may have been launched. Running the task again is safe: it looks for it first."
    return f" Job {result['id']} had been launched and goes on."
