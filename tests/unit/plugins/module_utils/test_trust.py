# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which authorities are trusted, against a server whose certificate a private authority has signed."""

from __future__ import annotations

import os
import pathlib
import shutil
import ssl
import subprocess
import typing as t

import pytest
import requests.certs
from ansible.module_utils.urls import open_url

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    ControllerError,
    NotSentError,
    OptionError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.session import bundle
from ansible_collections.relaunch.controller.tests.sandbox import certificates
from ansible_collections.relaunch.controller.tests.sandbox.proxy import Proxy
from ansible_collections.relaunch.controller.tests.unit.listener import Listener, answer, in_tls

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Place(t.NamedTuple):
    """A server, and where things lie that a client may be told to trust."""

    url: str
    authority: str
    other: str
    folder: pathlib.Path


@pytest.fixture
def place(tmp_path: pathlib.Path) -> t.Iterator[Place]:
    authority, certificate = certificates.ensure(tmp_path)
    (tmp_path / "other").mkdir()
    other, _certificate = certificates.ensure(tmp_path / "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Listener(in_tls(context, answer(WHOLE))) as listener:
        yield Place(f"https://{listener.address}", str(authority), str(other), tmp_path)


def ask(place: Place, verify: bool | str = True) -> None:
    connection = ConnectionOptions(place.url, token="t", verify=verify, max_retries=0, request_timeout=30)
    with ControllerClient(connection) as client:
        client.get("ping/")


def hashed(place: Place) -> str:
    """A folder with the authority, as OpenSSL looks for it."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the names in such a folder")
    command = ["openssl", "x509", "-hash", "-noout", "-in", place.authority]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    (place.folder / "hashed").mkdir()
    shutil.copy(place.authority, place.folder / "hashed" / f"{name}.0")
    return str(place.folder / "hashed")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_file_that_the_environment_names(place: Place, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(NotSentError, match="is not trusted"):
        ask(place)
    monkeypatch.setenv(name, place.authority)
    ask(place)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_a_folder_that_the_environment_names(place: Place, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, hashed(place))
    ask(place)


def test_the_systems_store_is_trusted_as_by_uri(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    # OpenSSL reads both of these in place of what it was built with.
    monkeypatch.setenv("SSL_CERT_FILE", requests.certs.where())
    monkeypatch.setenv("SSL_CERT_DIR", f"{place.folder / 'nothing'}{os.pathsep}{hashed(place)}")
    assert open_url(f"{place.url}/api/v2/ping/", use_proxy=False).read() == b"{}"
    ask(place)


def test_it_is_trusted_through_a_tunnel_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(NotSentError, match="is not trusted"):
            ask(place)
        monkeypatch.setenv("SSL_CERT_DIR", f"{hashed(place)}{os.pathsep}{place.folder}")
        ask(place)
        assert proxy.count("CONNECT") == 2


@pytest.mark.parametrize(
    ("verify", "environment"),
    [
        pytest.param("other", {"REQUESTS_CA_BUNDLE": "authority", "SSL_CERT_FILE": "authority"}, id="ca_path"),
        pytest.param(True, {"REQUESTS_CA_BUNDLE": "other", "SSL_CERT_FILE": "authority"}, id="REQUESTS_CA_BUNDLE"),
        pytest.param(True, {"CURL_CA_BUNDLE": "other", "SSL_CERT_FILE": "authority"}, id="CURL_CA_BUNDLE"),
    ],
)
def test_what_is_named_nearer_is_all_that_is_trusted(
    place: Place, monkeypatch: pytest.MonkeyPatch, verify: bool | str, environment: dict[str, str]
) -> None:
    for name, which in environment.items():
        monkeypatch.setenv(name, getattr(place, which))
    with pytest.raises(NotSentError, match="is not trusted"):
        ask(place, place.other if verify == "other" else True)


def test_ca_path_wins(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, place.other)
    ask(place, place.authority)


def test_validate_certs_false_trusts_anybody(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", place.other)
    monkeypatch.setenv("SSL_CERT_FILE", place.other)
    ask(place, False)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_file_without_certificates_is_named(place: Place, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (place.folder / "empty.pem").write_text("nothing", encoding="ascii")
    monkeypatch.setenv(name, str(place.folder / "empty.pem"))
    with pytest.raises(OptionError, match=name):
        ask(place)


def test_a_store_that_is_not_there_is_passed_over(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(place.folder / "none.pem"))
    with pytest.raises(ControllerError, match="is not trusted"):
        ask(place)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "certifi's"),
        ({"SSL_CERT_FILE": "/none.pem", "SSL_CERT_DIR": ""}, "certifi's"),
        ({"SSL_CERT_FILE": "/", "SSL_CERT_DIR": "/tmp"}, "/"),
        ({"SSL_CERT_DIR": "/"}, "/"),
        ({"SSL_CERT_DIR": "/none:/:/tmp"}, "/"),
        ({"SSL_CERT_DIR": "/none:"}, "certifi's"),
        ({"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "/mine.pem", "SSL_CERT_FILE": "/"}, "/mine.pem"),
    ],
)
def test_public_authorities_are_trusted_unless_others_are_named(environment: dict[str, str], expected: str) -> None:
    assert bundle(True, environment) == (requests.certs.where() if expected == "certifi's" else expected)
