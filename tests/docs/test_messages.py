# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages that the troubleshooting guide explains are messages that exist."""

from __future__ import annotations

import ast
import re

import pytest
from ansible.module_utils.basic import missing_required_lib
from docs.written import ROOT

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"
MESSAGES = re.findall(r"^``(.+)``\n\^+$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)

# What stands for a name or a number, in the guide and in a string of the source.
VARIABLE = "…"


def strings() -> list[str]:
    """All strings of the plugins, with a mark in place of what is filled in."""
    found = [missing_required_lib("requests")]
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(str(v.value) if isinstance(v, ast.Constant) else VARIABLE for v in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


STRINGS = strings()


@pytest.mark.parametrize("message", MESSAGES)
def test_exists(message: str) -> None:
    pattern = re.compile(".{0,200}?".join(map(re.escape, message.split(VARIABLE))))

    assert any(pattern.search(string) for string in STRINGS)


def test_the_guide_has_some() -> None:
    assert len(MESSAGES) > 25
