# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several workers that play what a campaign has to play, each in a place of its own; and the table of a report."""

from __future__ import annotations

import queue
import sys
import tempfile
import threading
import time
import traceback
import typing as t
from pathlib import Path

Item = t.TypeVar("Item")

# A place to play in, made in a folder; it plays one thing after the other.
Place = t.Callable[[Path], t.ContextManager[t.Callable[[Item], None]]]

# Each place is replaced by a new one when something that was played there broke it.
_PLACES = 100


def play_all(
    items: t.Iterable[Item],
    place: Place[Item],
    *,
    named: t.Callable[[Item], str],
    workers: int,
    progress: t.Callable[[], str] | None = None,
) -> list[str]:
    """Play all of them, and tell of those that could not be played.

    :param named: the name of one, for its traceback.
    :param workers: how many at a time.
    :param progress: what to keep on a line on standard error; None for nothing.
    """
    work = queue.SimpleQueue[Item]()
    for item in items:
        work.put(item)
    broken: list[str] = []
    stopping = threading.Event()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        threads = [
            threading.Thread(target=_work, args=(Path(folder, str(number)), work, place, named, broken, stopping))
            for number in range(max(1, min(workers, work.qsize())))
        ]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                time.sleep(0.2)
                if progress is not None:
                    print(f"\r{progress()} ", end="", file=sys.stderr, flush=True)
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
            if progress is not None:
                print("\r\033[K", end="", file=sys.stderr, flush=True)
    return broken


def _work(
    folder: Path,
    work: queue.SimpleQueue[Item],
    place: Place[Item],
    named: t.Callable[[Item], str],
    broken: list[str],
    stopping: threading.Event,
) -> None:
    for number in range(_PLACES):
        name = "No place to play"
        try:
            with place(folder / str(number)) as play:
                while not stopping.is_set():
                    try:
                        item = work.get_nowait()
                    except queue.Empty:
                        return
                    name = named(item)
                    play(item)
        except Exception:
            broken.append(f"{name}:\n{traceback.format_exc()}")
        if stopping.is_set():
            return


def table(head: t.Sequence[str], rows: t.Iterable[tuple[str, t.Iterable[int]]]) -> list[str]:
    """The lines of a table: of each row its name and its figures."""
    cells = [list(head), *([name, *map(str, figures)] for name, figures in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])])
    return ["| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |" for row in cells]
