# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration files of tower-cli, which awx.awx still reads: where they lie and what they hold.

Private to this collection.
"""

from __future__ import annotations

import configparser
import os
import re
import typing as t
from pathlib import Path

from ansible.module_utils.parsing.convert_bool import boolean

from .errors import OptionError
from .libraries import parse

CONFIG_FILE_NAME = "tower_cli.cfg"

# The keys of a configuration file and the options they stand for; the first six are awx.awx's.
FILE_KEYS = {
    "host": "controller_host",
    "username": "controller_username",
    "password": "controller_password",
    "oauth_token": "controller_oauthtoken",
    "verify_ssl": "validate_certs",
    "request_timeout": "request_timeout",
    "max_retries": "max_retries",
    "retry_backoff_factor": "retry_backoff_factor",
    "ca_path": "ca_path",
}


_SECTION = re.compile(r"^\[general\][ \t]*$", re.IGNORECASE | re.MULTILINE)


def config_file_places(home: str, cwd: str) -> list[str]:
    """Where configuration files may lie, as tower-cli searched for them; a later one wins over an earlier.

    :param home: the user's home folder.
    :param cwd: the working folder; its ancestors hold ``.tower_cli.cfg``, it itself ``tower_cli.cfg``.
    """
    ancestors = reversed(Path(os.path.abspath(cwd)).parents)
    return [
        f"/etc/tower/{CONFIG_FILE_NAME}",
        os.path.join(home, f".{CONFIG_FILE_NAME}"),
        *(os.path.join(folder, f".{CONFIG_FILE_NAME}") for folder in ancestors),
        os.path.join(cwd, CONFIG_FILE_NAME),
    ]


def read_config_file(path: str) -> dict[str, t.Any]:
    """The options in one configuration file: YAML, JSON, or INI with or without its ``[general]`` section.

    :raises OptionError: it cannot be read or understood. The message never quotes the file, which holds secrets.
    """
    try:
        # Some editors begin a file with a mark of its encoding.
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise OptionError(f"The configuration file {path} cannot be read: {reason}.") from None
    content = _as_yaml(text)
    if content is None:
        content = _as_ini(text, path)
    values = {option: content[key] for key, option in FILE_KEYS.items() if content.get(key) not in (None, "")}
    for key in ("host", "username", "password", "ca_path"):
        if isinstance(values.get(FILE_KEYS[key]), (dict, list)):
            raise OptionError(f"The configuration file {path} is wrong: {key} must be a text.")
    if "ca_path" in values:
        values["ca_path"] = os.path.expanduser(os.path.expandvars(values["ca_path"]))
    for option in ("request_timeout", "max_retries", "retry_backoff_factor"):
        if option in values:
            try:
                values[option] = float(values[option])
            except (TypeError, ValueError):
                raise OptionError(f"The configuration file {path} is wrong: {option} must be a number.") from None
    if "validate_certs" in values:
        try:
            values["validate_certs"] = boolean(values["validate_certs"])
        except TypeError:
            raise OptionError(f"The configuration file {path} is wrong: verify_ssl must be true or false.") from None
    return values


def _as_yaml(text: str) -> t.Optional[dict[str, t.Any]]:
    try:
        # A password such as 0123 is no number.
        content = parse(text, as_texts=True)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _as_ini(text: str, path: str) -> dict[str, t.Any]:
    # A password may hold a "%", which interpolation would trip over.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text if _SECTION.search(text) else f"[general]\n{text}")
        return dict(next(parser[name] for name in parser.sections() if name.lower() == "general"))
    except configparser.Error:
        raise OptionError(
            f"The configuration file {path} is not properly formatted: it takes lines such as host=..., username=..., "
            "password=..., as INI, YAML or JSON."
        ) from None
