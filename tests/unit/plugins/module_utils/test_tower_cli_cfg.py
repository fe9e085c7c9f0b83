# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files: their places, their formats, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._api.tower_cli_cfg import (
    config_file_places,
    read_config_file,
)


def test_the_places_in_their_order() -> None:
    assert config_file_places("/home/me", "/srv/play/books") == [
        "/etc/tower/tower_cli.cfg",
        "/home/me/.tower_cli.cfg",
        "/.tower_cli.cfg",
        "/srv/.tower_cli.cfg",
        "/srv/play/.tower_cli.cfg",
        "/srv/play/books/tower_cli.cfg",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "host=h.example.com\nusername=me\npassword=50%off=yes\nverify_ssl=no\nrequest_timeout=3\n",
        "[general]\nhost: h.example.com\nusername: me\npassword: 50%off=yes\nverify_ssl: no\nrequest_timeout: 3",
        "host: 'h.example.com'\nusername: me\npassword: 50%off=yes\nverify_ssl: false\nrequest_timeout: 3\n",
        '{"host": "h.example.com", "username": "me", "password": "50%off=yes", "verify_ssl": false,'
        ' "request_timeout": 3}',
    ],
    ids=["ini", "ini with a section", "yaml", "json"],
)
def test_formats(tmp_path: Path, text: str) -> None:
    (tmp_path / "tower_cli.cfg").write_text(text, encoding="utf-8")
    assert read_config_file(str(tmp_path / "tower_cli.cfg")) == {
        "controller_host": "h.example.com",
        "controller_username": "me",
        "controller_password": "50%off=yes",
        "validate_certs": False,
        "request_timeout": 3,
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"password=hunter2\nno line of its kind\n[", "not properly formatted"),
        (b"password=hunter2\nrequest_timeout=hunter2", "request_timeout must be a number"),
        (b"password=hunter2\nverify_ssl=hunter2", "verify_ssl must be true or false"),
        (b"password=hunter2\xff", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_understood_is_named_but_not_quoted(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "tower_cli.cfg").write_bytes(content)
    with pytest.raises(OptionError, match=words) as refused:
        read_config_file(str(tmp_path / "tower_cli.cfg"))
    assert str(tmp_path / "tower_cli.cfg") in str(refused.value)
    assert "hunter2" not in str(refused.value)
