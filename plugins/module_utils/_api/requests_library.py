# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that imports ``requests``, which the host that runs the module may lack.

Private to this collection.
"""

from __future__ import annotations

import traceback
import typing as t

REQUESTS_IMPORT_ERROR: t.Optional[str] = None

try:
    import requests
    import requests.adapters
    import urllib3.exceptions
    import urllib3.util.ssl_
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

__all__ = ("REQUESTS_IMPORT_ERROR", "requests", "urllib3")
