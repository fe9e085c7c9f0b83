# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source jobs that have not ended yet when a task starts, and do so meanwhile."""

from __future__ import annotations

import contextlib
import datetime
import functools
import threading
import time
import typing as t

from sandbox.process import Sandbox

from .play import insist

# So many seconds after the start.
_ENDS_AFTER = 1.5


def let_run(sandbox: Sandbox, job: int) -> None:
    """Let a job that was made as failed look as if it ran still."""
    sandbox.change_job(job, status="running", failed=0, finished=None, events_saved_at=None)


@contextlib.contextmanager
def ending(sandbox: Sandbox, jobs: t.Sequence[int], event_lag: float) -> t.Iterator[None]:
    """Meanwhile these jobs end as failed.

    :param event_lag: seconds from then until their events are in.
    """
    over = threading.Event()

    def end() -> None:
        over.wait(_ENDS_AFTER)
        moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ended = {"status": "failed", "failed": 1, "finished": moment}
        saved = time.time() + event_lag
        for job in jobs:
            insist(functools.partial(sandbox.change_job, job, **ended, events_saved_at=saved))

    thread = threading.Thread(target=end)
    if jobs:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if jobs:
            thread.join()
