# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web process: the application, and serving it."""

from __future__ import annotations

import logging
import pathlib
import typing as t

import flask

from . import api_inventories, api_jobs, api_templates, api_updates, api_workflows
from .api import PREFIXES, install
from .control import control
from .server import Server, serve

# Importing them adds their views to the API.
PARTS_OF_API = (api_inventories, api_jobs, api_templates, api_updates, api_workflows)


def application(prefix: str) -> flask.Flask:
    """The Flask application of the sandbox."""
    app = flask.Flask("sandbox")
    app.json.sort_keys = False

    @app.before_request
    def use_database() -> None:
        flask.g.database = flask.request.environ["sandbox.database"]

    app.register_blueprint(control)
    install(app, prefix)
    return app


def run(
    folder: pathlib.Path,
    port: int,
    prefix: str,
    certificate: pathlib.Path | None,
    started: t.Callable[[int], None],
) -> None:
    """Serve until the process ends."""
    path = folder / "sandbox.sqlite3"
    logging.basicConfig(filename=folder / "web.log", level=logging.WARNING, force=True)
    server = Server(port, application(prefix), path, certificate, PREFIXES[prefix])
    serve(server, lambda: started(server.server_port))
