# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that run in this process, through the sequences behind the modules: the only place that imports them."""

from __future__ import annotations

import datetime
import json
import re
import time
import traceback
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.relaunch.controller.plugins.module_utils._api import connection as _connection
from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import ControllerError
from ansible_collections.relaunch.controller.plugins.module_utils._bulk import options as _bulk_options
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.relaunch_jobs import relaunch_jobs
from ansible_collections.relaunch.controller.plugins.module_utils._job import options as _job_options
from ansible_collections.relaunch.controller.plugins.module_utils._job.job_info import (
    INFO_SPECIFICATION,
    info_request,
    job_info,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import Outcome, outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._job.relaunch_job import relaunch_job
from ansible_collections.relaunch.controller.plugins.module_utils._retry import options as _retry_options
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_failed_hosts import retry_failed_hosts

from .facts import BULK, INFO, Said

# How much faster the time of a task runs than ours: its pauses are meant for jobs that take longer.
HASTE = 3.0
# Seconds of ours after which a task is taken to have no end.
BOUND = 120.0


# What runs a task: the name of its module, and its options.
Run = t.Callable[[str, t.Mapping[str, t.Any]], Said]


class Endless(BaseException):
    """A task has gone on for too long. No error, so that nothing takes it for one."""


def _relaunch(client: ControllerClient, params: t.Mapping[str, t.Any]) -> Outcome:
    return relaunch_job(client, _job_options.RelaunchRequest.of(params, False, False))


def _info(client: ControllerClient, params: t.Mapping[str, t.Any]) -> Outcome:
    return job_info(client, info_request(params))


def _retry(client: ControllerClient, params: t.Mapping[str, t.Any]) -> Outcome:
    return retry_failed_hosts(client, _retry_options.RetryRequest.of(params, False, False))


def _bulk(client: ControllerClient, params: t.Mapping[str, t.Any]) -> Outcome:
    now = datetime.datetime.now(datetime.UTC)
    return relaunch_jobs(client, _bulk_options.JobsRequest.of(params, False, now))


_SEQUENCES: dict[str, tuple[t.Callable[[ControllerClient, t.Mapping[str, t.Any]], Outcome], dict[str, t.Any]]] = {
    "job_relaunch": (_relaunch, _job_options.RELAUNCH_SPECIFICATION),
    "job_retry": (_retry, _retry_options.RETRY_SPECIFICATION),
    INFO: (_info, INFO_SPECIFICATION),
    BULK: (_bulk, _bulk_options.SPECIFICATION),
}


def run(kind: str, options: t.Mapping[str, t.Any]) -> Said:
    """Run a task to its end.

    :param kind: the name of its module.
    :param options: its options, with those of the connection.
    """
    sequence, specification = _SEQUENCES[kind]
    validated = ArgumentSpecValidator(**specification).validate(dict(options))
    if validated.error_messages:
        raise ValueError(validated.error_messages)
    params = validated.validated_parameters
    started = time.time()
    begun = time.monotonic()

    def clock() -> float:
        passed = time.monotonic() - begun
        if passed > BOUND:
            raise Endless
        return passed * HASTE

    def sleep(seconds: float) -> None:
        clock()
        time.sleep(seconds / HASTE)

    # No configuration file of whoever runs this may count.
    connection = _connection.resolve(params, {"HOME": "/nonexistent"}, "/")
    try:
        with ControllerClient(connection, clock=clock, sleep=sleep) as client:
            result = {**sequence(client, params).result(), "failed": False}
    except ControllerError as error:
        result = {**(outcome_of(error) or Outcome()).result(), "failed": True, "msg": str(error)}
    except Endless:
        return Said(started, time.time(), None, endless=True)
    except Exception:
        return Said(started, time.time(), None, crash=traceback.format_exc())
    return Said(started, time.time(), _with_first_names(result))


def _with_first_names(result: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A result, in which all hosts are called as they were at first: ``web1x`` is ``web1``."""
    return t.cast("dict[str, t.Any]", json.loads(re.sub(r"\b(web\d+)x+\b", r"\1", json.dumps(result, default=str))))


def info(options: t.Mapping[str, t.Any]) -> Said:
    """Ask job_info about the job of a task.

    :param options: of the task; those that job_info has are taken.
    """
    taken = INFO_SPECIFICATION["argument_spec"]
    return run(INFO, {name: value for name, value in options.items() if name in taken})
