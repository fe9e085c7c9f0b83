# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML text, on hosts with PyYAML and without."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.libraries import parse
from ansible_collections.relaunch.controller.plugins.module_utils._api.tower_cli_cfg import read_config_file
from ansible_collections.relaunch.controller.plugins.module_utils._work.same_work import variables_of


def test_parses() -> None:
    assert parse("a: [1, 2]") == {"a": [1, 2]}


def test_an_error_does_not_quote_the_text() -> None:
    with pytest.raises(ValueError) as caught:
        parse("password: [secret")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_without_pyyaml_there_is_ini_and_json(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    file = tmp_path / "tower_cli.cfg"
    file.write_text("host = https://controller.example.com\n", encoding="utf-8")

    with pytest.raises(ValueError):
        parse("a: 1")
    assert read_config_file(str(file)) == {"controller_host": "https://controller.example.com"}
    assert variables_of('{"a": 1}') == {"a": 1}
    assert variables_of("a: 1") == "a: 1"
