# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that imports ``requests`` and ``yaml``, which the host that runs the module may lack.

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

__all__ = ("REQUESTS_IMPORT_ERROR", "parse", "requests", "urllib3")


def parse(text: str, as_texts: bool = False) -> t.Any:
    """The data that YAML text holds.

    :param as_texts: with strings in place of numbers, truth values and times; a null stays one.
    :raises ValueError: the text is no YAML, or there is no PyYAML.
    """
    try:
        # Only here, since most runs meet none, and start sooner without it.
        import yaml
    except ImportError as error:
        raise ValueError(str(error)) from None

    try:
        loader = yaml.SafeLoader(text)
        if as_texts:
            loader.yaml_implicit_resolvers = {
                first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
                for first, resolvers in loader.yaml_implicit_resolvers.items()
            }
        return loader.get_single_data()
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        # All but the first come of a tag such as !!timestamp before what is none, and of too many brackets. Not their
        # own words: they quote the text, which may hold secrets.
        raise ValueError("this is no YAML") from None
