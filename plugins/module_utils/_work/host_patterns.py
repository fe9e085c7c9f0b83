# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pattern of a play, or a limit, taken apart as far as names go. Pure. Private to this collection."""

from __future__ import annotations

import re
import typing as t

# What names every host.
EVERYBODY = frozenset({"all", "*"})

# One argument of a Linux process holds 131,071 bytes: with a limit of 130,173 a job ran, with one of 133,273 it ended
# in error, "Argument list too long" (recorded: blank-long-limit-detail).
LONGEST_LIMIT = 128_000
# Of so many characters the name of a host is at most.
LONGEST_NAME = 512

_PLAIN_NAME = re.compile(r"\w[\w.-]*")


def terms(pattern: str) -> frozenset[str]:
    """The terms of a pattern: names, wildcards, expressions; a separator at its end adds none."""
    return frozenset(re.split(r"[,:;\s]+", pattern)) - {""}


def are_plain(names: t.Iterable[str]) -> bool:
    """Whether each is the name of a host or group, and no wildcard or expression."""
    return all(map(_PLAIN_NAME.fullmatch, names))


def limit_problem(names: t.Collection[str]) -> str:
    """Why a job that is limited to these hosts would not run on them, as a sentence; empty where it would.

    A comma keeps ansible from splitting a limit at blanks, and a limit of one name has none (recorded: blank-one-*,
    blank-two-*, blank-mixed-*).
    """
    if len(names) == 1 and re.search(r"\s", next(iter(names)).strip()):
        return (
            f"ansible splits a limit without a comma at blanks, and {next(iter(names))!r} alone would match no host. "
            "Rename that in the inventory, without a blank."
        )
    return too_long(",".join(names))


def too_long(limit: str) -> str:
    """Why no job runs with a limit, since that is too long, as a sentence; empty where it is not."""
    size = len(limit.encode())
    if size <= LONGEST_LIMIT:
        return ""
    number = len(limit.rstrip(",").split(","))
    return (
        f"the names of {number} hosts are {size} bytes together, and a job with a limit of more than {LONGEST_LIMIT} "
        "ends in error."
    )


def may_be_no_limit(number: t.Optional[int]) -> bool:
    """Whether the names of so many hosts have to be known to tell; None where their number is not known either."""
    return number is not None and (number == 1 or number * LONGEST_NAME > LONGEST_LIMIT)
