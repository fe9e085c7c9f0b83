# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From parameters to a result, whatever happens: what both front doors, module and action plugin, share."""

from __future__ import annotations

import os
import traceback
import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils import _connection
from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._errors import ControllerError

Result = dict[str, t.Any]
Action = t.Callable[[ControllerClient, Result], None]


def outcome(params: t.Mapping[str, t.Any], hidden: set[str], action: Action) -> Result:
    """Do what the parameters ask for.

    :param params: validated, CONNECTION_SPEC's among them.
    :param hidden: texts that the front door masks in the result; see ``adjust_hidden``.
    :param action: does it with a client, filling the result; raises ControllerError to fail the task.
    :returns: the result, with ``failed`` and ``msg`` where it failed, and ``exception`` where that was a defect.
    """
    result: Result = {"changed": False}
    try:
        adjust_hidden(hidden, params)
        connection = _connection.resolve(params, os.environ, os.getcwd())
        hidden.update(connection.secrets)
        action(ControllerClient(connection), result)
    except ControllerError as error:
        result.update(error.facts, failed=True, msg=str(error))
    except KeyboardInterrupt:
        result.update(failed=True, msg=f"Interrupted.{_so_far(result)}")
    except Exception as error:  # whatever it is, the id of a job that was launched must not be lost
        result.update(
            failed=True,
            msg=f"An unexpected error, which is a defect of this collection: {type(error).__name__}: {error}."
            f"{_so_far(result)} Please report it with the output of -vvv.",
            exception=traceback.format_exc(),
        )
    return result


def adjust_hidden(hidden: set[str], params: t.Mapping[str, t.Any]) -> None:
    """Hide a password that was put into the address, and nothing that is no secret.

    Of a token given as a dictionary Ansible takes every value for one, its ``id`` and ``user`` among them, and would
    mask any number in the result that contains one of those.
    """
    token = params.get("controller_oauthtoken")
    if isinstance(token, dict):
        hidden.difference_update(str(value) for key, value in token.items() if key not in ("token", "refresh_token"))
    hidden.update(_connection.passwords_in_url(params.get("controller_host")))


def _so_far(result: Result) -> str:
    if not result.get("changed"):
        return ""
    if result.get("id") in (None, result.get("source_job_id")):
        return " A job may have been launched. Running the task again is safe: it looks for it first."
    return f" Job {result['id']} had been launched and goes on."
