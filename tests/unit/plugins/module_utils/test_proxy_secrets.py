# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The password of a proxy is never told, whatever goes wrong, and however its URL is taken apart."""

from __future__ import annotations

import base64
import typing as t
from urllib.parse import unquote

import pytest
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import (
    ConnectionOptions,
    passwords_of_proxies,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import ControllerError, OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._task.result import carry_out
from ansible_collections.relaunch.controller.tests.unit.listener import (
    Listener,
    Treatment,
    answer,
    close,
    closed,
    hear,
    reset,
    say,
    wait,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

# As people write them, percent-encoded or not.
PASSWORDS = [
    "Hunter2",
    "Hunter2#",
    "Hunter2/x",
    "Hunter2?x",
    "Hun@ter2",
    "Hunter2:x",
    "[Hunter2",
    "Hunter2]",
    "Hunter2 x",
    "Hunter2%zz",
    "Hunter2\\x",
    "Hunter2\n",
    "Hünter2",
    "Hunter2%23",
]
SCHEMES = ["http://", "https://", "socks5://", "ftp://", ""]
CONTROLLERS = ["https://controller.example.com", "http://controller.example.com"]


def told(controller: str, **options: t.Any) -> ControllerError:
    """What a client says that gets no answer."""
    connection = ConnectionOptions(controller, token="t", max_retries=0, **{"request_timeout": 30, **options})
    with ControllerClient(connection) as client, pytest.raises(ControllerError) as error:
        client.get("ping/")
    return error.value


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("password", PASSWORDS)
def test_in_a_url_of_any_kind(monkeypatch: pytest.MonkeyPatch, controller: str, scheme: str, password: str) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}svc:{password}@{closed()}")
    message = str(told(controller))
    assert "nter2" not in message and "Hun" not in message and "Hü" not in message
    assert "svc" not in message


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("upper", [True, False])
def test_in_a_variable_of_any_name(monkeypatch: pytest.MonkeyPatch, controller: str, scheme: str, upper: bool) -> None:
    name = f"{controller.partition(':')[0]}_proxy"
    monkeypatch.setenv(name.upper() if upper else name, f"{scheme}svc:Hunter2#@{closed()}")
    message = str(told(controller))
    assert "unter2" not in message and "svc" not in message


@pytest.mark.parametrize(
    "treatment",
    [
        answer(),
        answer(then=reset),
        answer(b"HTTP/1.1 407 svc:Hunter2\r\n\r\n"),
        answer(b"220 svc:Hunter2"),
        answer(b"HTTP/1.1 svc:Hunter2"),
        answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHunter2"),
        answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: Hunter2\r\n\r\nH"),
        hear(close),
        say(b"Hunter2", wait),
    ],
)
@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_where_the_proxy_itself_repeats_it(
    monkeypatch: pytest.MonkeyPatch, treatment: Treatment, controller: str, scheme: str
) -> None:
    with Listener(treatment) as listener:
        monkeypatch.setenv(
            f"{controller.partition(':')[0].upper()}_PROXY", f"{scheme}://svc:Hunter2@{listener.address}"
        )
        try:
            message = str(told(controller, request_timeout=0.5))
        except pytest.fail.Exception:
            pytest.skip("the proxy's words were an answer")
    assert "unter2" not in message


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_of_a_proxy_without_a_host(monkeypatch: pytest.MonkeyPatch, controller: str, scheme: str) -> None:
    monkeypatch.setenv(f"{controller.partition(':')[0].upper()}_PROXY", f"{scheme}svc:Hunter2@")
    error = told(controller)
    assert isinstance(error, OptionError) and "unter2" not in str(error) and "svc" not in str(error)


def test_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://svc:Hunter2#@10.0.0.1:3128")
    error = told("https://controller.example.com")
    assert isinstance(error, OptionError) and "have to be percent-encoded: # is %23." in str(error)


@pytest.mark.parametrize(
    ("environment", "passwords"),
    [
        ({}, set()),
        ({"HTTPS_PROXY": "http://10.0.0.1:3128", "no_proxy": "localhost,.example.com"}, set()),
        ({"https_proxy": "http://svc:Hunter2#@10.0.0.1:3128"}, {"Hunter2#", "Hunter2", "c3ZjOkh1bnRlcjIj"}),
        (
            {"ALL_PROXY": "svc:Hunter2%23@10.0.0.1:3128"},
            {"Hunter2%23", "Hunter2#", "c3ZjOkh1bnRlcjIlMjM=", "c3ZjOkh1bnRlcjIj"},
        ),
        (
            {"HTTP_PROXY": "http://svc:a/b@10.0.0.1", "HTTPS_PROXY": "http://svc@10.0.0.1"},
            {"a/b", "c3ZjOmEvYg=="},
        ),
    ],
)
def test_what_is_hidden_besides(environment: dict[str, str], passwords: set[str]) -> None:
    assert set(passwords_of_proxies(environment)) - {"Hunter2%23"} == passwords - {"Hunter2%23"}


@pytest.mark.parametrize("password", ["Hunter2", "Hunter2%23", "H%C3%BCnter2"])
def test_where_an_answer_repeats_the_header_of_the_request(
    controller: ScriptedController, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", controller.url.replace("://", f"://svc:{password}@"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    header = base64.b64encode(f"svc:{unquote(password)}".encode("latin-1")).decode()
    controller.whenever("GET", ".*", 403, {"detail": f"Denied: Proxy-Authorization: Basic {header}"})

    def act(client: ControllerClient) -> t.Any:
        return client.get("jobs/42/")

    params = {"controller_host": "http://controller.example.com", "controller_oauthtoken": "t0ken"}
    hidden: set[str] = set()
    result = remove_values(carry_out(params, hidden, act, {}), hidden)
    assert controller.besides[0].headers["Proxy-Authorization"] == f"Basic {header}"
    assert "Proxy-Authorization" in result["msg"] and header not in str(result)


def test_a_defect_hides_it_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://svc:Hunter2#@10.0.0.1:3128")

    def act(_client: ControllerClient) -> t.Any:
        raise TypeError("Failed to parse: svc:Hunter2")

    hidden: set[str] = set()
    result = carry_out({"controller_oauthtoken": "t0ken"}, hidden, act, {})
    assert "Hunter2" in result["exception"]
    assert "Hunter2" not in str(remove_values(result, hidden))
