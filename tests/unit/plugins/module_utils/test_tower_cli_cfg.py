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
        (b"host: [hunter2]", "is wrong: host must be a text"),
        (b"host: h\nusername: {hunter2: 1}", "is wrong: username must be a text"),
        (b"host: h\npassword: [hunter2]", "is wrong: password must be a text"),
        (b"host: h\nca_path: [hunter2]", "is wrong: ca_path must be a text"),
        (b"host: !!timestamp hunter2\n- x", "not properly formatted"),
        (b"host: !!bool hunter2\n- x", "not properly formatted"),
        (b"[" * 100_000, "not properly formatted"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_but_not_quoted(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "tower_cli.cfg").write_bytes(content)
    with pytest.raises(OptionError, match=words) as refused:
        read_config_file(str(tmp_path / "tower_cli.cfg"))
    assert str(tmp_path / "tower_cli.cfg") in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"# no [general] needed\nhost=h\n", {"controller_host": "h"}),
        (b"; [general]\n[general]\nhost=h\n", {"controller_host": "h"}),
        (b"[GENERAL]\nhost=h\n", {"controller_host": "h"}),
        (b"[General]  \r\nhost = h\r\n[other]\r\nhost = o\r\n", {"controller_host": "h"}),
        (b"password=[general]\nhost=h\n", {"controller_host": "h", "controller_password": "[general]"}),
        (b"\xef\xbb\xbfhost=h\n", {"controller_host": "h"}),
        (b"\xef\xbb\xbf[general]\nhost=h\n", {"controller_host": "h"}),
        (b"\xef\xbb\xbfhost: h\n", {"controller_host": "h"}),
        (b"host: h\npassword: 0123\n", {"controller_host": "h", "controller_password": "0123"}),
        (b"host: h\npassword: 1_000\n", {"controller_host": "h", "controller_password": "1_000"}),
        (b"host: h\npassword: yes\n", {"controller_host": "h", "controller_password": "yes"}),
        (b"host: h\npassword: 2026-11-28\n", {"controller_host": "h", "controller_password": "2026-11-28"}),
        (b"host: h\npassword: 1e3\nusername: 007\n", {"controller_password": "1e3", "controller_username": "007"}),
        (b"host: h\npassword: null\nusername: ~\noauth_token:\n", {"controller_host": "h"}),
        (b"host: h\nrequest_timeout: 0x10\n", None),
        (b"host=h\npassword=0123\n", {"controller_host": "h", "controller_password": "0123"}),
        (b'{"host": "h", "password": 123, "max_retries": 2}', {"controller_password": "123", "max_retries": 2}),
    ],
)
def test_what_people_write(tmp_path: Path, content: bytes, values: dict[str, object] | None) -> None:
    (tmp_path / "tower_cli.cfg").write_bytes(content)
    if values is None:
        with pytest.raises(OptionError, match="must be a number"):
            read_config_file(str(tmp_path / "tower_cli.cfg"))
        return
    read = read_config_file(str(tmp_path / "tower_cli.cfg"))
    assert {name: read.get(name) for name in values} == values
    assert "controller_host" in read and not {name for name in read if read[name] is None}
