# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a relaunch sends, and the passwords that it needs. Private to this collection."""

from __future__ import annotations

import typing as t

from .._api.errors import OptionError
from .._api.jobs import Job


def password_values(given: t.Optional[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """The passwords as the controller takes them: strings, none of them blank.

    :raises OptionError: a value is a list or a dictionary. The message does not quote it.
    """
    values = {}
    for name, value in (given or {}).items():
        if isinstance(value, (dict, list)):
            raise OptionError(f"credential_passwords: the value of {name} must be a string.")
        if value is not None and str(value) != "":
            values[str(name)] = str(value)
    return values


def missing_passwords(job: Job, given: t.Mapping[str, str]) -> list[str]:
    """The names the job asks for and was not given, in the controller's order."""
    return [name for name in job.passwords_needed if name not in given]


def payload(job: Job, hosts: str, passwords: t.Mapping[str, str], job_type: t.Optional[str]) -> dict[str, t.Any]:
    """The body of the relaunch POST.

    :param job: the job to relaunch, in detail.
    :param passwords: those that the job does not ask for are not sent.
    :param job_type: sent where it is another than the job's, since most controllers do not know the key.
    """
    body: dict[str, t.Any] = {"hosts": hosts}
    needed = {name: passwords[name] for name in job.passwords_needed if name in passwords}
    if needed:
        body["credential_passwords"] = needed
    if job_type not in (None, job.job_type):
        body["job_type"] = job_type
    return body
