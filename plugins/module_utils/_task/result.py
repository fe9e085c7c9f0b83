# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task from its parameters to its result, whatever happens: what module and action plugin share.

Private to this collection.
"""

from __future__ import annotations

import os
import traceback
import typing as t

from .._api import connection as _connection
from .._api.client import ControllerClient
from .._api.errors import OF_ONE_ADDRESS, ControllerError, NotSentError
from .._job.options import own_job_id
from .._job.outcome import Outcome, Result, first_error, outcome_of
from .arguments import Specification, hide_variables, secrets_in, settle

Act = t.Callable[[ControllerClient], Outcome]


def carry_out(
    params: dict[str, t.Any],
    hidden: set[str],
    act: Act,
    specification: Specification,
    write: t.Optional[t.Callable[[str], None]] = None,
    cwd: t.Optional[str] = None,
) -> Result:
    """Do what the parameters ask for.

    :param params: each validated by itself, CONNECTION_SPEC's among them; see ``settle`` and ``hide_variables`` for
        what is changed in them.
    :param hidden: texts that the front door masks in the result; what is no secret is taken out, and what is one added.
    :param act: does it with a client; raises ControllerError to fail the task.
    :param specification: of the parameters, for what they have to be beside that.
    :param write: takes a line for a person, where the controller does not answer; None where nothing is to be shown.
    :param cwd: the folder that configuration files are searched from and relative paths go from; None for that of the
        process.
    :returns: the result, with ``failed`` and ``msg`` where it failed, and ``exception`` where that was a defect.
    """
    try:
        # Of a token given as a dictionary Ansible takes every value for a secret, its id and user among them, and would
        # mask any number in the result that holds one of those; of a dictionary given as text only the whole text.
        hidden.difference_update(_connection.harmless_values_of_token(params.get("controller_oauthtoken")))
        hidden.update(secrets_in(specification, params))
        hidden.update(_connection.passwords_of_proxies(os.environ))
        settle(specification, params, own_job_id())
        connection = _connection.resolve(params, os.environ, cwd or os.getcwd())
        hidden.update(connection.secrets)
        with ControllerClient(connection, write=write) as client:
            client.hidden = hidden
            return act(client).result()
    except ControllerError as error:
        return _failed(error, f"{error}{_left_behind(error)}")
    except (SystemExit, GeneratorExit):
        raise
    except Exception as error:  # whatever it is, the id of a job that was launched must not be lost
        defect = f"An unexpected error, which is a defect of this collection: {type(error).__name__}: {error}."
        trace = traceback.format_exc()
        report = "Please report it with the output of -vvv."
        return dict(_failed(error, f"{defect}{_known(error).so_far} {report}"), exception=trace)
    except BaseException as error:  # Ctrl-C, and the error by which Ansible ends a task at its keyword timeout
        why = "" if isinstance(error, KeyboardInterrupt) else f" {error}"
        return _failed(error, f"Interrupted.{why}{_known(error).so_far}")
    finally:
        hide_variables(params)


def _failed(error: BaseException, sentence: str) -> Result:
    return dict(_known(error).result(), failed=True, msg=sentence)


def _left_behind(error: ControllerError) -> str:
    """What had been launched, and the next step, as sentences; empty where the error says so itself, as those do that
    are not of a single request.
    """
    known = _known(error)
    if known.job is None or not isinstance(first_error(error), (*OF_ONE_ADDRESS, NotSentError)):
        return ""
    return f"{known.so_far} Run the task again to go on."


def _known(error: BaseException) -> Outcome:
    return outcome_of(error) or Outcome()
