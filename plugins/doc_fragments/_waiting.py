# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options for waiting, beside wait and cancel_on_timeout, of which each module says its own."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  interval:
    description:
      - Seconds between two looks at the job. The first looks come sooner, so that a short job is seen to end early.
    type: float
    default: 2
  timeout:
    description:
      - Seconds to wait at most; without O(wait=true) it has no effect. The task fails when they are over; the job goes
        on. What has not been launched by then is not launched any more.
      - A wait goes on through a controller's bad minutes (restarts, lost connections, answers 429 and 5xx) until then.
      - Without it, or with V(0), the wait lasts as long as the job; it gives up only if the controller could not be
        asked for an hour.
    type: int
"""
