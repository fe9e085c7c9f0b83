# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller's error body as one sentence."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api import errors as _errors
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"detail": "No Job matches the given query."}, "No Job matches the given query."),
        ({"hosts": "Wait until job finishes."}, "hosts: Wait until job finishes."),
        ({"hosts": ['"bogus" is not a valid choice.']}, 'hosts: "bogus" is not a valid choice.'),
        ({"errors": ["Inventory is missing."]}, "Inventory is missing."),
        ({"hosts": ["a"], "credential_passwords": ["b", "c"]}, "hosts: a; credential_passwords: b; c"),
        ({"outer": {"inner": ["deep"]}}, "outer: inner: deep"),
        ({"detail": "JSON parse error -\n  Expecting value"}, "JSON parse error - Expecting value"),
        ({}, ""),
        ([], ""),
        (None, ""),
        ("text", "text"),
        ([1, {"detail": None}], "1"),
    ],
)
def test_flatten(body: t.Any, sentence: str) -> None:
    assert _errors.flatten(body) == sentence


def test_flatten_is_bounded() -> None:
    assert len(_errors.flatten({"detail": "x" * 10000})) == _errors.SAID_LIMIT


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("", "an empty body"),
        ("  \n", "an empty body"),
        ("<html><head><title>502 Bad\n Gateway</title></head></html>", 'an HTML page titled "502 Bad Gateway"'),
        ("<!DOCTYPE html><body><h1>Not <b>Found</b></h1></body>", 'an HTML page titled "Not Found"'),
        ("<html><title></title><h1>A &amp; B</h1>", 'an HTML page titled "A & B"'),
        ("<html><body>x</body></html>", "an HTML page"),
        ("upstream\nconnect error", '"upstream connect error"'),
    ],
)
def test_describe_text(text: str, description: str) -> None:
    assert _errors.describe_text(text) == description


@pytest.mark.parametrize(
    ("status", "body", "transient", "refuses"),
    [
        (400, {"hosts": "no"}, False, True),
        (403, {"detail": "no"}, False, True),
        (404, None, False, False),
        (301, None, False, False),
        # Asked too early, which is no refusal.
        (429, {"detail": "slow down"}, True, False),
        (500, None, True, False),
        (502, None, True, False),
        (200, None, False, False),
    ],
)
def test_what_a_status_means(status: int, body: t.Any, transient: bool, refuses: bool) -> None:
    error = AnswerError("x", status, body)
    assert (error.transient, error.refuses) == (transient, refuses)
