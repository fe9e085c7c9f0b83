# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one unsafe request: the relaunch POST, sent at most once."""

from __future__ import annotations

import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils import _jobs
from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._errors import (
    AnswerError,
    AnswerLostError,
    ForbiddenError,
    RefusedError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._refusals import relaunch_refused
from ansible_collections.relaunch.controller.plugins.module_utils._relaunch import Launch

CREATED = 201


def launch(client: ControllerClient, decision: Launch, body: t.Mapping[str, t.Any]) -> Job:
    """Relaunch a job.

    :param decision: which job, on which hosts.
    :param body: the payload.
    :returns: the new job.
    :raises RefusedError: the controller declined; nothing was launched. With 403 it is a ForbiddenError.
    :raises NotSentError: the request surely did not reach the controller.
    :raises AnswerLostError: a job may have been launched.
    """
    try:
        return Job.of(client.post(_jobs.path(decision.job.id, "relaunch"), body, CREATED))
    except AnswerLostError as error:
        raise _unknown(error, decision.job) from None
    except AnswerError as error:
        if error.refuses:
            kind = ForbiddenError if error.status == 403 else RefusedError
            raise kind(relaunch_refused(error, decision.job, decision.hosts)) from None
        raise _unknown(error, decision.job) from None


def _unknown(error: t.Union[AnswerError, AnswerLostError], job: Job) -> AnswerLostError:
    return AnswerLostError(
        f"It is unknown whether job {job.id} was relaunched: {error} Running the task again is safe: it looks first."
    )
