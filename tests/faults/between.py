# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between a task and the controller."""

from __future__ import annotations

import contextlib
import typing as t

from sandbox import proxy

from .scenario import Proxy


def put_between(
    stack: contextlib.ExitStack, given: Proxy | None, jobs: t.Callable[[], t.Iterable[t.Mapping[str, t.Any]]], user: str
) -> str:
    """Put a proxy in place until the stack is closed; its address, empty where there is none.

    :param jobs: the rows of all jobs, as they are now.
    :param user: who runs the task.
    """
    if given is None:
        return ""
    between = stack.enter_context(proxy.Proxy())
    if given.loss == "refuse":
        between.refuse_tunnels()
    elif given.loss is not None and given.kind == "forward":
        between.lose("POST", "/relaunch/$", given.loss)
    elif given.loss is not None:
        # What has been sent through a tunnel nobody can read; but the controller's records tell of the POST.
        before = {row["id"] for row in jobs()}

        def has_posted(_tunnel: t.Any) -> bool:
            return any(row["id"] not in before and row["username"] == user for row in jobs())

        between.cut_tunnels(has_posted, t.cast("t.Any", given.loss))
    return between.url
