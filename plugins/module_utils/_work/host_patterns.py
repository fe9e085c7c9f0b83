# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pattern of a play, or a limit, taken apart as far as names go. Pure. Private to this collection."""

from __future__ import annotations

import re
import typing as t

# What names every host.
EVERYBODY = frozenset({"all", "*"})

_PLAIN_NAME = re.compile(r"\w[\w.-]*")


def terms(pattern: str) -> frozenset[str]:
    """The terms of a pattern: names, wildcards, expressions; a separator at its end adds none."""
    return frozenset(re.split(r"[,:;\s]+", pattern)) - {""}


def are_plain(names: t.Iterable[str]) -> bool:
    """Whether each is the name of a host or group, and no wildcard or expression."""
    return all(map(_PLAIN_NAME.fullmatch, names))
