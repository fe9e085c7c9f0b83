# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of the module: one that has imported all it needs, and for each connection to its socket a fork of it.

What comes over the connection is the input of the fork, a JSON object of the name of the `module`, its `options`, the
`environment`, where it is to work in a wrong way the name of a `variant` of variants.py, and where it is to be broken
off, how: a Break of scenario.py. An empty line from the fork says that it is ready; then
come the result, which is its output, and its errors.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import traceback
import typing as t

import variants  # beside this file
from ansible.module_utils import basic

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._launch import look_up
from ansible_collections.relaunch.controller.plugins.modules import bulk_job_relaunch, job_relaunch

# Nothing here takes longer to appear, and no scenario has to wait longer for what will not.
LOOK_UP_SECONDS = 4.0

MODULES: dict[str, t.Callable[[], None]] = {
    "job_relaunch": job_relaunch.main,
    "bulk_job_relaunch": bulk_job_relaunch.main,
}


def serve(path: str, longest: int) -> None:
    """Fork for each connection, until this process is ended.

    :param path: of the socket.
    :param longest: seconds that a fork may take.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(32)
        print(flush=True)
        while True:
            connection, _address = listener.accept()
            with connection:
                if not os.fork():
                    signal.alarm(longest)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for number in (0, 1, 2):
                        os.dup2(connection.fileno(), number)
                    run()


def run() -> t.NoReturn:
    """Be the process of a module: hand the options over as this ansible-core wants them, and run."""
    code = 1
    try:
        print(flush=True)
        given = json.loads(sys.stdin.read())
        os.environ.update(given["environment"])
        if given["variant"]:
            variants.VARIANTS[given["variant"]]()
        look_up.LOOK_UP_SECONDS = LOOK_UP_SECONDS
        if given["broken_off"]:
            _break_off(**given["broken_off"])
        with _given(given["options"]):
            MODULES[given["module"]]()
    except SystemExit as problem:
        code = problem.code if isinstance(problem.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _break_off(after: str, number: int, by: str) -> None:
    """See to it that this process gets a signal as soon as a request of a kind has been answered so many times."""
    name = {"post": "post", "read": "get_once"}[after]
    ask = getattr(ControllerClient, name)
    answered = 0
    # A process in the background of a shell may have been told to ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def asked(*args: t.Any, **query: t.Any) -> t.Any:
        nonlocal answered
        answer = ask(*args, **query)
        answered += 1
        if answered == number:
            os.kill(os.getpid(), signal.Signals[by])
        return answer

    setattr(ControllerClient, name, asked)


def _given(options: dict[str, t.Any]) -> t.ContextManager[t.Any]:
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # ansible-core 2.16 to 2.18
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        return contextlib.nullcontext()
    return t.cast("t.ContextManager[t.Any]", patch_module_args(options))


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
