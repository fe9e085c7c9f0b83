# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures out of measured rounds."""

from __future__ import annotations

import statistics
import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """A median, with the least and the most."""

    median: float
    least: float
    most: float


def spread(values: t.Sequence[float]) -> Spread:
    """The spread of one contender's figures."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(ours: t.Sequence[float], theirs: t.Sequence[float]) -> Spread:
    """How many times ours theirs are, round by round: what slows a whole round down cancels out.

    :param ours: the figures of one contender, a round each.
    :param theirs: those of another, of the same rounds.
    """
    return spread([their / our for our, their in zip(ours, theirs, strict=True)])
