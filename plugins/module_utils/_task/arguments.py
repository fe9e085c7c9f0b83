# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task was given that Ansible's own validation lets through, and that cannot be meant. Pure.

Private to this collection.

An option that is null or empty counts as not given. Which options go together is asked here, and not by Ansible, which
would complain of that before it names an option that is misspelt.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.validation import check_mutually_exclusive, check_required_by

from .._api.connection import (
    CONNECTION_SPEC,
    HARMLESS_TOKEN_KEYS,
    LARGEST_NUMBER,
    harmless_values_of_token,
    leaves,
    passwords_in_url,
    reads_as_infinite,
)
from .._api.errors import OptionError
from .._job.options import SOURCE_OPTIONS
from .._launch.changes import CHANGEABLE
from .._work.same_work import MASK

Specification = t.Mapping[str, t.Any]

NUMBERS = ("int", "float")


def settle(specification: Specification, params: dict[str, t.Any], own_job: t.Optional[int] = None) -> None:
    """Check parameters, and take the blanks off names, in lists and by themselves.

    :param specification: ``argument_spec`` and which options go together, as AnsibleModule would take it.
    :param params: validated by themselves; changed in place.
    :param own_job: the number of the controller's job that the task runs in, if it does: it need not name a job then.
    :raises OptionError: one of them cannot be used, or is missing.
    """
    for name, option in specification.get("argument_spec", {}).items():
        value = params.get(name)
        if option.get("type") in NUMBERS:
            _check_number(name, value)
        elif option.get("type") == "str" and isinstance(value, str) and name not in CONNECTION_SPEC:
            params[name] = value.strip()
        elif isinstance(value, list):
            params[name] = [_entry(name, option.get("elements"), entry) for entry in value]
    given = {name: value for name, value in params.items() if value not in (None, "")}
    for names in specification.get("required_one_of", ()):
        required = own_job is None or tuple(names) != SOURCE_OPTIONS
        if required and not set(names) & set(given):
            raise OptionError(
                f"Neither {' nor '.join(names)} is given, and one of them is required. Empty values do not count."
            )
    try:
        check_mutually_exclusive(specification.get("mutually_exclusive"), given)
        check_required_by(specification.get("required_by", {}), given)
    except TypeError as error:
        raise OptionError(f"{error}.") from None


def secrets_in(specification: Specification, params: t.Mapping[str, t.Any]) -> set[str]:
    """The texts that no result may show: the parameters that are secret, and a password that was put into the address.

    :param params: validated, or as far as that got, and by whatever name they were given.
    """
    address = "controller_host"
    hosts = (address, *CONNECTION_SPEC[address]["aliases"])
    found = {password for name in hosts for password in passwords_in_url(params.get(name))}
    for name, option in specification.get("argument_spec", {}).items():
        if option.get("no_log"):
            value: t.Any = params.get(name)
            if name == "controller_oauthtoken" and harmless_values_of_token(value):
                value = {key: one for key, one in value.items() if key not in HARMLESS_TOKEN_KEYS}
            found.update(leaves(value))
    return found


def hide_variables(args: dict[str, t.Any]) -> None:
    """Mask the variables in ``changes``: Ansible shows a task's arguments with -vvv, and which of them are secret is
    told by a survey, which a task may never ask for. What is in a wrong place may be variables too.

    :param args: validated or not; changed in place.
    """
    changes = args.get("changes")
    if isinstance(changes, dict):
        args["changes"] = {name: _shown(name, value) for name, value in changes.items()}
    elif changes:
        args["changes"] = MASK


def hide_unknown(specification: Specification, args: dict[str, t.Any]) -> None:
    """Mask what is in options that there are none of: their names may be misspelt ones of secrets.

    :param args: as AnsibleModule shows them; changed in place.
    """
    options = specification["argument_spec"]
    known = {*options, *(alias for option in options.values() for alias in option.get("aliases", ()))}
    args.update(dict.fromkeys(set(args) - known, MASK))


def _shown(name: t.Any, value: t.Any) -> t.Any:
    if name == "extra_vars" and isinstance(value, dict):
        return dict.fromkeys(value, MASK)
    several = value if isinstance(value, list) else [value]
    known = name in CHANGEABLE and name != "extra_vars"
    return value if known and not any(isinstance(one, (dict, list)) for one in several) else MASK


def no_number(specification: Specification, args: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """The sentence for an argument that is a truth, infinite, or no number, where a number belongs; None where there
    is none.

    Ansible breaks off without a sentence at some of them, counts for hours at others, and takes a truth for 1.

    :param args: as given.
    """
    for name, option in specification["argument_spec"].items():
        if option.get("elements", option.get("type")) in NUMBERS:
            for given in (name, *option.get("aliases", ())):
                for entry in _entries(args.get(given)):
                    if isinstance(entry, bool):
                        return _no_truth(given, entry)
                    if reads_as_infinite(entry):
                        return _no_number(given)
    return None


def may_be_no_number(value: t.Any) -> bool:
    """Whether ``no_number`` may have a sentence for an argument; cheap, for a first look."""
    return any(isinstance(entry, bool) or reads_as_infinite(entry) for entry in _entries(value))


def _entries(value: t.Any) -> list[t.Any]:
    """What is in a list, which Ansible takes as text too; of what is none, that itself."""
    if isinstance(value, str):
        return list(value.split(","))
    return value if isinstance(value, list) else [value]


def _check_number(name: str, value: t.Any) -> None:
    if isinstance(value, bool):
        raise OptionError(_no_truth(name, value))
    # Of nan no comparison is true.
    if value is not None and not abs(value) <= LARGEST_NUMBER:
        raise OptionError(_no_number(name))


def _no_truth(name: str, value: bool) -> str:
    return f"{name} must be a number, not {str(value).lower()}."


def _no_number(name: str) -> str:
    return f"{name} must be a number of at most {LARGEST_NUMBER}."


def _entry(name: str, kind: t.Optional[str], entry: t.Any) -> t.Any:
    if kind in NUMBERS:
        _check_number(name, entry)
        return entry
    if not isinstance(entry, str):
        return entry
    if not entry.strip():
        raise OptionError(f"{name} holds an empty name. Leave the option out where nothing is meant.")
    return entry.strip()
