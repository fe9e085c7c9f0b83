# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes and their descendants: none may outlive the sandbox."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import signal
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def end_with_parent(parent: int, how: int) -> None:
    """Have the kernel send this process the signal when its parent ends, however that ends."""
    _prctl(_PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that `descendants` finds them."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def descendants(pid: int) -> list[int]:
    """The ids of all processes below this one, parents first."""
    children: dict[int, list[int]] = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def end_descendants(pid: int, patience: float = 5.0) -> None:
    """Kill everything below this process, and what it starts meanwhile; their parent has to take leave of them."""
    deadline = time.monotonic() + patience
    while (alive := descendants(pid)) and time.monotonic() < deadline:
        for descendant in alive:
            with contextlib.suppress(OSError):
                os.kill(descendant, signal.SIGKILL)
        time.sleep(0.01)


def reap() -> list[int]:
    """Take leave of children that have ended; their ids."""
    ended: list[int] = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended.append(pid)
    return ended
