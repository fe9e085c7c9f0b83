# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules: what is done about a failed host, by what it failed with last. Pure.

Private to this collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._api.connection import LARGEST_NUMBER, reads_as_infinite
from .._api.errors import OptionError

RETRY = "retry"
PARK = "park"
# Why a host is parked, where its rule does not say.
_WITHOUT_REASON = "no reason given"

# Of a rule, what a failure has to be like.
_PATTERNS = ("task", "module", "message")

# Ansible keeps an option named message for itself, so that these are not told to it beforehand.
RULE_OPTIONS: dict[str, t.Any] = dict(
    unreachable=dict(type="bool"),
    task=dict(type="str"),
    module=dict(type="str"),
    message=dict(type="str"),
    action=dict(type="str", choices=[RETRY, PARK], required=True),
    delay=dict(type="float"),
    retries=dict(type="int"),
    reason=dict(type="str"),
)


@dataclass(frozen=True)
class Rule:
    """What is done about a host; where nothing is said, it is retried as the task has it.

    :param unreachable: whether the host was; None where that does not matter.
    :param patterns: by what of a failure they are looked for in, ``task``, ``module`` or ``message``.
    :param parks: whether the host needs a person, and is not retried.
    :param delay: seconds before the next round; None for that of the task.
    :param retries: how many attempts the host gets; None for that of the task.
    :param reason: why it is parked.
    """

    unreachable: t.Optional[bool] = None
    patterns: t.Mapping[str, t.Pattern[str]] = field(default_factory=dict)
    parks: bool = False
    delay: t.Optional[float] = None
    retries: t.Optional[int] = None
    reason: str = _WITHOUT_REASON

    def fits(self, failure: t.Mapping[str, t.Any]) -> bool:
        """Whether a host that failed with this is meant.

        :param failure: ``unreachable``, and ``task``, ``module`` and ``message`` as far as they are known.
        """
        if self.unreachable is not None and self.unreachable is not bool(failure.get("unreachable")):
            return False
        return all(_found(pattern, str(failure.get(name) or "")) for name, pattern in self.patterns.items())


def _found(pattern: t.Pattern[str], text: str) -> bool:
    """Whether it is in a text as that is, or on one line, as a summary shows it."""
    return any(map(pattern.search, (text, " ".join(text.split()))))


# That of a host that no rule means.
AS_THE_TASK = Rule()


def first_fitting(rules: t.Sequence[Rule], failure: t.Mapping[str, t.Any]) -> Rule:
    """The first rule that means a host which failed with this."""
    return next((rule for rule in rules if rule.fits(failure)), AS_THE_TASK)


def parked_by(ruled: t.Mapping[str, Rule]) -> dict[str, str]:
    """By name, why hosts need a person.

    :param ruled: by name, hosts, each with its rule.
    """
    return {name: rule.reason for name, rule in sorted(ruled.items()) if rule.parks}


def most_attempts(ruled: t.Mapping[str, Rule], otherwise: int) -> int:
    """How many attempts the rules allow: as many as the host with the most. Of those that need a person none counts.

    :param ruled: by name, hosts, each with its rule.
    :param otherwise: of a host whose rule does not say.
    """
    return max((rule.retries or otherwise for rule in ruled.values() if not rule.parks), default=otherwise)


def longest_delay(ruled: t.Mapping[str, Rule], otherwise: float) -> float:
    """Seconds before the next attempt: no host is retried sooner than its rule has it, so the longest delay counts.

    :param ruled: by name, hosts, each with its rule.
    :param otherwise: of a host whose rule does not say.
    """
    delays = (otherwise if rule.delay is None else rule.delay for rule in ruled.values() if not rule.parks)
    return max(delays, default=otherwise)


def rules_of(given: t.Optional[t.Sequence[t.Mapping[str, t.Any]]]) -> tuple[Rule, ...]:
    """From an option.

    :param given: dictionaries with the keys of RULE_OPTIONS; what is None is not given.
    :raises OptionError: one of them is wrong; it is told which, by its number.
    """
    return tuple(_rule(f"rules: rule {number}", one) for number, one in enumerate(given or (), 1))


def _rule(which: str, given: t.Mapping[str, t.Any]) -> Rule:
    unknown = sorted(map(str, set(given) - set(RULE_OPTIONS)))
    if unknown:
        raise OptionError(f"{which} has no {', '.join(unknown)}. A rule takes {', '.join(RULE_OPTIONS)}.")
    if given.get("action") not in (RETRY, PARK):
        raise OptionError(f"{which} needs an action: {RETRY} or {PARK}.")
    for name in ("delay", "retries"):
        # Ansible breaks off at some of them, and takes a truth for 1.
        if isinstance(given.get(name), bool) or reads_as_infinite(given.get(name)):
            raise OptionError(f"{which}: {name} must be a number of at most {LARGEST_NUMBER}.")
    for name in (*_PATTERNS, "reason"):
        # Ansible writes them out, which makes of a list a class of characters that fits almost everything.
        if isinstance(given.get(name), (list, dict)):
            several = " Join several patterns with a bar: first|second." if name in _PATTERNS else ""
            raise OptionError(f"{which}: {name} must be one text, not a list or a dictionary.{several}")
    checked = ArgumentSpecValidator(RULE_OPTIONS).validate(dict(given))
    if checked.error_messages:
        raise OptionError(f"{which}: {' '.join(checked.error_messages)}")
    given = {name: value for name, value in checked.validated_parameters.items() if value is not None}
    action = given["action"]
    wrong = {RETRY: ("reason",), PARK: ("delay", "retries")}[str(action)]
    for name in wrong:
        if name in given:
            raise OptionError(f"{which} has {name}, which does not go with action: {action}.")
    delay, retries = given.get("delay"), given.get("retries")
    if delay is not None and not 0 <= delay <= LARGEST_NUMBER:
        raise OptionError(f"{which}: delay must be a number from 0 to {LARGEST_NUMBER}, not {delay:g}.")
    if retries is not None and not 1 <= retries <= LARGEST_NUMBER:
        raise OptionError(f"{which}: retries must be a number from 1 to {LARGEST_NUMBER}, not {retries}.")
    return Rule(
        unreachable=given.get("unreachable"),
        patterns={name: _pattern(f"{which}: {name}", given[name]) for name in _PATTERNS if name in given},
        parks=action == PARK,
        delay=delay,
        retries=retries,
        reason=str(given.get("reason") or _WITHOUT_REASON),
    )


def _pattern(which: str, text: str) -> t.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise OptionError(f"{which} is no regular expression: {text!r}: {error}.") from None
