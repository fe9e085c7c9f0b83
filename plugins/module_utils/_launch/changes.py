# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ``changes``: what is to be other than a job's prompts, as a launch takes it.

Private to this collection.
"""

from __future__ import annotations

import json
import typing as t

from .._api import templates as _templates
from .._api.client import ControllerClient
from .._api.connection import LARGEST_NUMBER, leaves
from .._api.errors import OptionError, RefusedError
from .._api.jobs import Job, join
from .._work.same_work import MASK, variables_in

Changes = t.Mapping[str, t.Any]

# The largest that a controller takes.
_NUMBERS = {"verbosity": 5, "forks": LARGEST_NUMBER, "timeout": LARGEST_NUMBER}
_TEXTS = ("job_tags", "skip_tags", "scm_branch")
# What has a name, one of a kind or several.
ONE = {"inventory": _templates.INVENTORIES, "execution_environment": _templates.EXECUTION_ENVIRONMENTS}
_SEVERAL = {"credentials": _templates.CREDENTIALS, "labels": _templates.LABELS}
CHANGEABLE = ("extra_vars", "job_type", "diff_mode", *_TEXTS, *_NUMBERS, *ONE, *_SEVERAL)


def changes_of(given: t.Optional[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """The changes as a launch takes them, but for names; see ``with_numbers``.

    :param given: the option.
    :raises OptionError: one of them is unknown, or has a value of another kind. The message quotes no value.
    """
    unknown = sorted(str(name) for name in given or {} if name not in CHANGEABLE)
    if unknown:
        raise OptionError(f"changes: {join(unknown)} cannot be changed. These can: {', '.join(sorted(CHANGEABLE))}.")
    return {name: _value(name, value) for name, value in (given or {}).items()}


def with_numbers(client: ControllerClient, changes: Changes, check_mode: bool = False) -> dict[str, t.Any]:
    """The changes with numbers in the place of names, which the controller is asked for.

    :param check_mode: it is asked for numbers too, which a launch has it look up.
    :raises RefusedError: there are none of some of these names, or several.
    """
    refused: list[str] = []

    def number(kind: _templates.NamedKind, one: t.Union[int, str]) -> int:
        try:
            return one if isinstance(one, int) and not check_mode else _templates.number_of(client, kind, str(one))
        except RefusedError as error:
            refused.append(str(error))
            return 0

    found = dict(changes)
    found.update({name: number(kind, changes[name]) for name, kind in ONE.items() if name in changes})
    for name, kind in _SEVERAL.items():
        if name in changes:
            found[name] = [number(kind, one) for one in changes[name]]
    if refused:
        raise RefusedError(f"changes: {' '.join(refused)}")
    return found


def _value(name: str, value: t.Any) -> t.Any:
    if name == "extra_vars":
        if not isinstance(value, dict):
            raise OptionError("changes: extra_vars must be a dictionary.")
        # Ansible's own kinds of text and number become those of JSON, with which a job's variables are compared.
        return json.loads(json.dumps({str(key): one for key, one in value.items()}, default=_as_text))
    if name in _NUMBERS:
        return _number(name, value)
    if name in ONE:
        return _named(name, value)
    if name in _SEVERAL:
        return [_named(name, one) for one in (value if isinstance(value, list) else [value])]
    if name == "diff_mode":
        return _truth(name, value)
    if name in ("job_tags", "skip_tags") and isinstance(value, list):
        value = ",".join(map(str, value))
    if not isinstance(value, str):
        raise OptionError(f"changes: {name} must be a text.")
    if name == "job_type" and value not in ("run", "check"):
        raise OptionError("changes: job_type must be run or check.")
    return str(value)


def _as_text(value: t.Any) -> str:
    """What JSON does not know, times as Ansible writes them for a module."""
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def _number(name: str, value: t.Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()):
        raise OptionError(f"changes: {name} must be a number.")
    digits, largest = text.lstrip("0") or "0", _NUMBERS[name]
    # Of thousands of digits Python makes no number.
    if len(digits) > len(str(largest)) or int(digits) > largest:
        raise OptionError(f"changes: {name} must be a number of at most {largest}.")
    return int(digits)


def _named(name: str, value: t.Any) -> t.Union[int, str]:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).strip():
        raise OptionError(f"changes: {name} must be the name or the number of one.")
    return int(value) if isinstance(value, int) else str(value).strip()


def _truth(name: str, value: t.Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "false", "yes", "no"):
        raise OptionError(f"changes: {name} must be true or false.")
    return text in ("true", "yes")


def variables_shown(
    job: Job, variables: t.Mapping[str, t.Any], survey: t.Optional[t.Mapping[str, str]]
) -> dict[str, t.Any]:
    """Variables as they may be shown: secret answers to a survey are masked, as the controller does.

    :param survey: as of ``secret_texts``, as is ``job``.
    """
    secret = _secret_names(job, survey)
    return {name: MASK if name in secret else one for name, one in variables.items()}


def secret_texts(job: Job, changes: Changes, survey: t.Optional[t.Mapping[str, str]]) -> set[str]:
    """The secret answers to a survey among the changes, as texts.

    :param job: in which such answers are masked.
    :param survey: the kind of each question by its variable; None where it is not known.
    """
    secret = _secret_names(job, survey)
    return {one for name, value in changes.get("extra_vars", {}).items() if name in secret for one in leaves(value)}


def _secret_names(job: Job, survey: t.Optional[t.Mapping[str, str]]) -> set[str]:
    secret = {name for name, kind in (survey or {}).items() if kind == "password"}
    return secret.union(name for name, value in variables_in(job.facts).items() if value == MASK)
