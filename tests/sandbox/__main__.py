# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python tests/sandbox`: serve a sandbox until SIGTERM, SIGINT, or (if asked) the end of the input."""

from __future__ import annotations

import argparse
import pathlib
import sys


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="sandbox", description="A small automation controller for demo and tests.")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the sandbox, made if need be")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--prefix", choices=("awx", "gateway"), help="where the API lies (default: awx)")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS, with a certificate authority of its own")
    parser.add_argument("--event-lag", type=float, help="seconds from the end of a job until its events are saved")
    parser.add_argument("--ready-file", type=pathlib.Path, help="write url, pid and ca_path here when it serves")
    parser.add_argument("--until-eof", action="store_true", help="stop when the standard input ends")
    options = parser.parse_args()
    given = {"prefix": options.prefix, "event_lag": options.event_lag}

    # This folder's modules are those of the package, and must not be found under their bare names.
    here = pathlib.Path(__file__).resolve().parent
    sys.path[:] = [str(here.parent), *(path for path in sys.path if pathlib.Path(path or ".").resolve() != here)]
    from sandbox.supervisor import Supervisor

    Supervisor(
        options.data,
        port=options.port,
        tls=options.tls,
        initial_settings={name: value for name, value in given.items() if value is not None},
        ready_file=options.ready_file,
        until_eof=options.until_eof,
    ).run()


if __name__ == "__main__":
    main()
