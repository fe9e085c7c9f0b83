# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options, environment and configuration files to one value."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path
from types import MappingProxyType

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api import connection as _connection
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import (
    CONNECTION_SPEC,
    ConnectionOptions,
    harmless_values_of_token,
    resolve,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import OptionError

NO_VARIABLES: t.Mapping[str, str] = MappingProxyType({})
NOTHING: dict[str, t.Any] = dict.fromkeys(CONNECTION_SPEC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def connect(home: Path, tmp_path: Path) -> t.Callable[..., ConnectionOptions]:
    """Resolve these options, with a home and a working folder of their own."""

    def connect(environ: t.Mapping[str, str] = NO_VARIABLES, **params: t.Any) -> ConnectionOptions:
        return resolve({**NOTHING, **params}, {"HOME": str(home), **environ}, str(tmp_path))

    return connect


Connect = t.Callable[..., ConnectionOptions]


def test_defaults_are_awx_awxs(connect: Connect) -> None:
    connection = connect(controller_oauthtoken="t")
    assert connection == ConnectionOptions(
        base_url="https://127.0.0.1",
        token="t",
        verify=True,
        request_timeout=10,
        max_retries=5,
        retry_backoff_factor=2,
        api_prefix=None,
        host_given=False,
    )


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("controller.example.com", "https://controller.example.com"),
        ("http://127.0.0.1:8052/", "http://127.0.0.1:8052"),
        ("https://example.com/tower/", "https://example.com/tower"),
        (" https://example.com ", "https://example.com"),
        ("[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_the_host_as_a_url(connect: Connect, given: str, url: str) -> None:
    assert connect(controller_oauthtoken="t", controller_host=given).base_url == url


@pytest.mark.parametrize("given", ["ftp://x", "https://", "http://x:port", "https://x/?a=b", "a b", "https://[::1"])
def test_a_host_that_is_no_url(connect: Connect, given: str) -> None:
    with pytest.raises(OptionError, match="no URL such as"):
        connect(controller_oauthtoken="t", controller_host=given)


@pytest.mark.parametrize("password", ["hunter2", "1/hunter2", "12#hunter2", "1?hunter2\\x", "hun@ter2", "hunter2]"])
def test_credentials_in_the_url_are_refused_without_showing_them(
    connect: Connect, tmp_path: Path, password: str
) -> None:
    (tmp_path / "a.cfg").write_text(json.dumps({"host": f"https://me:{password}@example.com"}), encoding="utf-8")
    for given in (
        {"controller_host": f"https://me:{password}@example.com"},
        {"controller_config_file": f"{tmp_path}/a.cfg"},
    ):
        with pytest.raises(OptionError, match="must not hold a user or password") as refused:
            connect(controller_oauthtoken="t", **given)
        assert "ter2" not in str(refused.value) and "example" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "passwords"),
    [
        ("https://me:hunter2@example.com", ["hunter2"]),
        ("me:hunter2@example.com", ["hunter2"]),
        ("https://me:hun@ter:2@example.com", ["hun@ter:2"]),
        ("https://me@example.com", []),
        ("https://example.com:8443", []),
        (None, []),
    ],
)
def test_a_password_in_the_url_is_known_as_such(host: str | None, passwords: list[str]) -> None:
    assert _connection.passwords_in_url(host) == passwords


@pytest.mark.parametrize("given", ["t0ken", " t0ken\n", {"token": "t0ken", "id": 3}])
def test_forms_of_a_token(connect: Connect, given: t.Any) -> None:
    assert connect(controller_oauthtoken=given).token == "t0ken"


@pytest.mark.parametrize(
    "given",
    [
        {"id": 3},
        {"token": ["x"]},
        ["hunter2"],
        "hunt er2",
        "hunter2\nX: y",
        "hünter2",
        # As jq prints it without -r, and as people write values of an INI file.
        '"hunter2"',
        "'hunter2'",
        {"token": '"hunter2"'},
    ],
)
def test_what_is_no_token(connect: Connect, given: t.Any) -> None:
    with pytest.raises(OptionError, match="controller_oauthtoken") as refused:
        connect(controller_oauthtoken=given)
    assert "unter2" not in str(refused.value)


@pytest.mark.parametrize("given", ['{"token": "hunter2", "id": 3}', " {'token':'hunter2'}"])
def test_a_token_dictionary_as_text_is_named_as_such(connect: Connect, given: str) -> None:
    with pytest.raises(OptionError, match="controller_oauthtoken is a dictionary written as text") as refused:
        connect(controller_oauthtoken=given)
    assert "hunter2" not in str(refused.value)


def test_a_password_of_any_characters_can_be_sent(connect: Connect) -> None:
    assert connect(controller_username="me", controller_password="\udcfc").secrets


def test_a_token_dictionary_without_a_token_says_so(connect: Connect) -> None:
    with pytest.raises(OptionError, match='the dictionary has no entry "token"') as refused:
        connect(controller_oauthtoken={"access_token": "hunter2"})
    assert "hunter2" not in str(refused.value)


CREATED_TOKEN = {
    "id": 3,
    "type": "o_auth2_access_token",
    "related": {"user": "/api/v2/users/1/"},
    "summary_fields": {"user": {"id": 1, "username": "admin"}},
    "user": 1,
    "token": "hunter2",
    "refresh_token": "hunter3",
    "expires": "2027-11-24T00:00:00Z",
    "scope": "write",
}


def test_of_a_token_dictionary_only_the_secrets_are_hidden() -> None:
    harmless = harmless_values_of_token(CREATED_TOKEN)
    assert {"3", "1", "admin", "write", "o_auth2_access_token"} <= set(harmless)
    assert not {"hunter2", "hunter3"} & set(harmless)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "hunter2",
        ["hunter2"],
        {"access_token": "hunter2", "id": 3},
        {"token": "", "id": "hunter2"},
        {"token": ["hunter2"], "id": 3},
        {"ansible_facts": {"controller_token": CREATED_TOKEN}},
    ],
)
def test_of_what_is_no_such_dictionary_all_is_hidden(given: t.Any) -> None:
    assert harmless_values_of_token(given) == []


def test_what_a_token_dictionary_has_besides_stays_hidden() -> None:
    assert harmless_values_of_token({"token": "hunter2", "client_secret": "hunter3"}) == []


@pytest.mark.parametrize(
    ("params", "verify"),
    [
        ({}, True),
        ({"validate_certs": True}, True),
        ({"validate_certs": False}, False),
        ({"ca_path": "/"}, "/"),
        ({"validate_certs": False, "ca_path": "/"}, False),
    ],
)
def test_certificates(connect: Connect, params: dict[str, t.Any], verify: t.Any) -> None:
    assert connect(controller_oauthtoken="t", **params).verify == verify


@pytest.mark.parametrize(
    ("value", "prefix"),
    [("/api/controller/", "/api/controller/v2/"), ("api", "/api/v2/"), ("", None), ("/", None)],
)
def test_the_api_prefix_of_the_environment(connect: Connect, value: str, prefix: str | None) -> None:
    environ = {"CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX": value}
    assert connect(environ, controller_oauthtoken="t").api_prefix == prefix


def test_a_nearer_file_wins_and_an_option_wins_over_all(connect: Connect, home: Path, tmp_path: Path) -> None:
    (home / ".tower_cli.cfg").write_text("host=far.example.com\nusername=far\npassword=far", encoding="utf-8")
    (tmp_path / "tower_cli.cfg").write_text("[general]\nusername = near\nverify_ssl = false\n", encoding="utf-8")

    connection = connect()
    assert (connection.base_url, connection.username) == ("https://far.example.com", "near")
    assert (connection.password, connection.verify, connection.host_given) == ("far", False, True)

    connection = connect(controller_username="option", validate_certs=True)
    assert (connection.username, connection.password, connection.verify) == ("option", "far", True)


def test_a_chosen_file_is_the_only_one(connect: Connect, home: Path, tmp_path: Path) -> None:
    (home / ".tower_cli.cfg").write_text("host=far.example.com\noauth_token=far", encoding="utf-8")
    chosen = tmp_path / "mine.cfg"
    chosen.write_text("oauth_token=mine", encoding="utf-8")

    connection = connect(controller_config_file=str(chosen))
    assert (connection.base_url, connection.token) == ("https://127.0.0.1", "mine")


def test_where_no_credentials_are_found_the_files_that_were_looked_for_are_named(
    connect: Connect, home: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="No credentials are given") as refused:
        connect()
    assert str(refused.value).endswith(
        f" or in a configuration file: {home}/.tower_cli.cfg, {tmp_path}/tower_cli.cfg, .tower_cli.cfg in a folder "
        "above that, or /etc/tower/tower_cli.cfg."
    )
    (tmp_path / "mine.cfg").touch()
    with pytest.raises(OptionError, match="No credentials are given") as refused:
        connect(controller_config_file="mine.cfg")
    assert str(refused.value).endswith(f" or in {tmp_path}/mine.cfg.")


def test_relative_paths_go_from_the_working_folder(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "mine.cfg").write_text("oauth_token=mine\nca_path=authorities.pem", encoding="utf-8")
    (tmp_path / "authorities.pem").touch()

    connection = connect(controller_config_file="mine.cfg")
    assert (connection.token, connection.verify) == ("mine", str(tmp_path / "authorities.pem"))


def test_a_path_in_a_file_may_begin_at_home(
    connect: Connect, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    (home / "authorities.pem").touch()
    for path in ("~/authorities.pem", "$HOME/authorities.pem"):
        (tmp_path / "tower_cli.cfg").write_text(f"oauth_token=mine\nca_path={path}", encoding="utf-8")
        assert connect().verify == str(home / "authorities.pem")


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_option_leaves_it_to_the_environment(connect: Connect, tmp_path: Path, nothing: str | None) -> None:
    (tmp_path / "tower_cli.cfg").write_text("host=file.example.com\noauth_token=file\nmax_retries=7", encoding="utf-8")
    environ = {"CONTROLLER_HOST": "", "AAP_HOSTNAME": "aap.example.com", "GATEWAY_HOSTNAME": "other.example.com"}
    environ.update(CONTROLLER_OAUTH_TOKEN="t0ken", CONTROLLER_VERIFY_SSL="false", CONTROLLER_REQUEST_TIMEOUT="30")
    empty = {"controller_host": nothing, "controller_oauthtoken": nothing, "controller_username": nothing}

    connection = connect(environ, **empty)

    assert (connection.base_url, connection.token) == ("https://aap.example.com", "t0ken")
    assert (connection.verify, connection.request_timeout, connection.max_retries) == (False, 30, 7)
    assert connect(environ, controller_oauthtoken="option").token == "option"
    assert connect(**empty).base_url == "https://file.example.com"


def test_a_variable_that_an_option_does_not_take_is_named(connect: Connect) -> None:
    """Where it matters: of an option that is given nobody asks the environment."""
    soon = {"CONTROLLER_REQUEST_TIMEOUT": "soon"}
    with pytest.raises(OptionError, match="In the environment: .*request_timeout"):
        connect(soon, controller_oauthtoken="t", request_timeout=None)
    assert connect(soon, controller_oauthtoken="t", request_timeout=3).request_timeout == 3


def test_secrets_stay_out_of_the_repr(connect: Connect) -> None:
    connection = connect(controller_username="me", controller_password="hunter2")
    assert "hunter2" not in repr(connection)
    assert connection.secrets == ["hunter2", "bWU6aHVudGVyMg=="]


@pytest.mark.parametrize("name", [name for name, spec in CONNECTION_SPEC.items() if name != "controller_config_file"])
def test_each_option_has_the_platforms_name_too(name: str) -> None:
    assert any(alias.startswith("aap_") for alias in CONNECTION_SPEC[name]["aliases"])


@pytest.mark.parametrize("option", ["request_timeout", "max_retries", "retry_backoff_factor"])
@pytest.mark.parametrize("value", ["inf", "nan", "1e300"])
def test_a_number_in_a_file_has_an_end(connect: Connect, tmp_path: Path, option: str, value: str) -> None:
    (tmp_path / "tower_cli.cfg").write_text(f"oauth_token=t\n{option}={value}\n", encoding="utf-8")
    with pytest.raises(OptionError, match=f"{option} must be a number of at most 2147483647"):
        connect()
