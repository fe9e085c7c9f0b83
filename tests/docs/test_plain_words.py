# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module is described in a few plain words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from docs.written import GUIDES, READMES, ROOT

MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
MOST_WORDS = 60
ODD_WORDS = ("newest word", "stands for", "does the work", "did the work", "front door", "can besides", "handed on")


def _described(path: Path) -> list[str]:
    """The paragraphs of the description of a module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return list(yaml.safe_load(ast.literal_eval(node.value))["description"])
    raise LookupError(f"{path} has no DOCUMENTATION")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_described_in_few_words(path: Path) -> None:
    words = " ".join(_described(path)).split()

    assert 0 < len(words) <= MOST_WORDS


@pytest.mark.parametrize("path", [*MODULES, *GUIDES, *READMES], ids=lambda path: str(path.relative_to(ROOT)))
def test_there_are_no_odd_words(path: Path) -> None:
    text = " ".join(path.read_text(encoding="utf-8").lower().split())

    assert [words for words in ODD_WORDS if words in text] == []
