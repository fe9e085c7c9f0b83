# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that imports ``yaml``, which the host that runs the module may lack. Private to this collection."""

from __future__ import annotations

import typing as t


def parse(text: str) -> t.Any:
    """The data that YAML text holds.

    :raises ValueError: the text is no YAML, or there is no PyYAML.
    """
    try:
        # Only here, since most runs meet none, and start sooner without it.
        import yaml
    except ImportError as error:
        raise ValueError(str(error)) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        # Not its own words: they quote the text, which may hold secrets.
        raise ValueError("this is no YAML") from None
