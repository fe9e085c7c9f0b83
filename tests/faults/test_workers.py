# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks a place is told by its name, and the others are played in a new one."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from faults.workers import play_all


def test_what_breaks_a_place_is_told_and_the_others_are_played_elsewhere() -> None:
    played: dict[int, Path] = {}
    left: list[Path] = []

    @contextlib.contextmanager
    def place(folder: Path) -> t.Iterator[t.Callable[[int], None]]:
        def play(item: int) -> None:
            if item == 2:
                raise ValueError("it broke")
            played[item] = folder

        try:
            yield play
        finally:
            left.append(folder)

    (told,) = play_all([1, 2, 3], place, named="Seed {}".format, workers=1)
    assert told.startswith("Seed 2:\n") and "ValueError: it broke" in told
    assert sorted(played) == [1, 3]
    assert left == [played[1], played[3]] and played[1] != played[3]


def test_a_place_that_cannot_be_made_is_told_each_time_and_not_for_ever() -> None:
    def place(folder: Path) -> t.ContextManager[t.Callable[[int], None]]:
        raise OSError(f"no room at {folder}")

    told = play_all([1], place, named="Seed {}".format, workers=1)
    assert told and all("no room at" in text and "Seed" not in text for text in told)
