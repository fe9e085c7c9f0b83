# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a module: options as a JSON object from the input, `main()`, its result on the output.

An empty line before that says that it is ready. The name of a wrong way to work, from variants.py, may be an argument.
"""

from __future__ import annotations

import contextlib
import json
import sys
import typing as t

import variants  # beside this file
from ansible.module_utils import basic

from ansible_collections.relaunch.controller.plugins.modules import job_relaunch


def main() -> None:
    """Hand the options over as this ansible-core wants them, and run."""
    for name in sys.argv[1:]:
        variants.VARIANTS[name]()
    print(flush=True)
    options = json.load(sys.stdin)
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # ansible-core 2.16 to 2.18
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        given: t.ContextManager[t.Any] = contextlib.nullcontext()
    else:
        given = patch_module_args(options)
    with given:
        job_relaunch.main()


if __name__ == "__main__":
    main()
