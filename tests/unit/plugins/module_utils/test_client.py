# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client on the wire: a real socket, and how many requests went over it."""

from __future__ import annotations

import threading
import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.answer import (
    LONGEST_PAUSE,
    Answer,
    RequestMade,
    retry_after_seconds,
    time_of,
    unexpected,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.client import (
    PATIENT_PAUSE,
    ControllerClient,
    backoff,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    AnswerError,
    AnswerLostError,
    NotSentError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.paging import page_of
from ansible_collections.relaunch.controller.plugins.module_utils._api.session import READS_AT_A_TIME
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import Asked, Line, ScriptedController

PING = "/api/v2/ping/"
HTML = b"<html><head><title>Welcome</title></head></html>"


class Naps:
    """Keeps the pauses in place of taking them."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def client_of(naps: Naps) -> t.Callable[..., ControllerClient]:
    def client_of(url: str, **options: t.Any) -> ControllerClient:
        return ControllerClient(ConnectionOptions(url, **{"token": "t", **options}), sleep=naps)

    return client_of


@pytest.fixture
def client(controller: ScriptedController, client_of: t.Callable[..., ControllerClient]) -> ControllerClient:
    return client_of(controller.url)


class TestAuthentication:
    def test_token(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", PING, body={})
        client.get("ping/")
        assert controller.asked[0].headers["Authorization"] == "Bearer t"

    def test_user_and_password_in_utf8(
        self, controller: ScriptedController, client_of: t.Callable[..., ControllerClient]
    ) -> None:
        controller.expect("GET", PING, body={})
        client_of(controller.url, token=None, username="jürgen", password="pässword").get("ping/")
        assert controller.asked[0].headers["Authorization"] == "Basic asO8cmdlbjpww6Rzc3dvcmQ="

    def test_netrc_does_not_take_part(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        tmp_path: t.Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other", encoding="utf-8")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        controller.expect("GET", PING, body={})
        client.get("ping/")
        assert controller.asked[0].headers["Authorization"] == "Bearer t"


class TestPrefix:
    def test_the_plain_case_costs_nothing(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", PING, body={"a": 1})
        controller.expect("GET", PING, body={"a": 2})
        assert (client.get("ping/"), client.get("ping/")) == ({"a": 1}, {"a": 2})
        assert controller.connections == 1

    @pytest.mark.parametrize(("status", "body"), [(404, HTML), (200, HTML), (404, {"detail": "Not found."}), (401, {})])
    def test_a_gateways_prefix_is_discovered_once(
        self, controller: ScriptedController, client: ControllerClient, status: int, body: t.Any
    ) -> None:
        controller.expect("GET", PING, status, body)
        controller.expect("GET", "/api/", body={"apis": {"controller": "/api/controller/", "eda": "/api/eda/"}})
        controller.expect("GET", "/api/controller/v2/ping/", body={"a": 1})
        controller.expect("GET", "/api/controller/v2/ping/", body={"a": 2})
        assert (client.get("ping/"), client.get("ping/")) == ({"a": 1}, {"a": 2})
        assert client.page_url("jobs/playbook", 7) == f"{controller.url}/execution/jobs/playbook/7/output"
        assert client.page_url("jobs/workflow", 7) == f"{controller.url}/execution/jobs/workflow/7/output"

    @pytest.mark.parametrize("root", [(502, HTML), (503, None), (429, {"detail": "slow down"})])
    def test_a_bad_minute_at_the_root_settles_nothing(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps, root: t.Any
    ) -> None:
        controller.expect("GET", PING, 404, HTML)
        controller.expect("GET", "/api/", *root)
        controller.expect("GET", PING, 404, HTML)
        controller.expect("GET", "/api/", body={"apis": {"controller": "/api/controller/"}})
        controller.expect("GET", "/api/controller/v2/ping/", body={"a": 1})
        assert client.get("ping/") == {"a": 1}
        assert len(naps.taken) == 1

    @pytest.mark.parametrize(
        "root", [(401, {}), (403, {"detail": "no"}), (404, HTML), (200, HTML), (200, b'{"apis": {'), (302, None)]
    )
    def test_a_word_of_what_stands_before_the_root_is_asked_for_twice(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps, root: t.Any
    ) -> None:
        controller.expect("GET", PING, 404, HTML)
        controller.expect("GET", "/api/", *root)
        controller.expect("GET", "/api/", body={"apis": {"controller": "/api/controller/"}})
        controller.expect("GET", "/api/controller/v2/ping/", body={"a": 1})
        assert client.get("ping/") == {"a": 1}
        assert naps.taken == [1]

    def test_a_root_that_is_cut_short_twice_will_pass(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", PING, 404, HTML)
        for _time in range(2):
            controller.expect("GET", "/api/", 200, b'{"apis": {')
        controller.expect("GET", PING, 404, HTML)
        controller.expect("GET", "/api/", body={"apis": {"controller": "/api/controller/"}})
        controller.expect("GET", "/api/controller/v2/ping/", body={"a": 1})
        assert client.get("ping/") == {"a": 1}

    @pytest.mark.parametrize(
        ("root", "times"), [((404, HTML), 2), ((200, HTML), 2), ((302, None), 2), ((200, {"apis": {"eda": "/e/"}}), 1)]
    )
    def test_a_root_that_tells_nothing_is_asked_again_next_time(
        self, controller: ScriptedController, client: ControllerClient, root: t.Any, times: int
    ) -> None:
        controller.expect("GET", PING, 404, HTML)
        for _time in range(times):
            controller.expect("GET", "/api/", *root)
        with pytest.raises(AnswerError, match="404"):
            client.get("ping/")
        controller.expect("GET", PING, 404, HTML)
        controller.expect("GET", "/api/", body={"apis": {"controller": "/api/controller/"}})
        controller.expect("GET", "/api/controller/v2/ping/", body={"a": 1})
        assert client.get("ping/") == {"a": 1}

    def test_a_given_prefix_is_taken(
        self, controller: ScriptedController, client_of: t.Callable[..., ControllerClient]
    ) -> None:
        controller.expect("GET", "/api/x/v2/ping/", 404, HTML)
        with pytest.raises(AnswerError):
            client_of(controller.url, api_prefix="/api/x/v2/").get("ping/")

    @pytest.mark.parametrize(
        ("prefix", "product", "page"),
        [
            (None, "AWX", "#"),
            ("/api/mine/v2/", "AWX", "#"),
            ("/api/controller/v2/", "AWX", "#"),
            ("/api/controller/v2/", "Red Hat Ansible Automation Platform", "execution"),
            ("/api/controller/v2/", None, "execution"),
            # Without a gateway the controller has the interface it shares with AWX.
            (None, "Red Hat Ansible Automation Platform", "#"),
        ],
    )
    def test_the_page_of_a_job_is_that_of_the_product(
        self,
        controller: ScriptedController,
        client_of: t.Callable[..., ControllerClient],
        prefix: str | None,
        product: str | None,
        page: str,
    ) -> None:
        headers = {"X-API-Product-Name": product} if product else {}
        controller.expect("GET", f"{prefix or '/api/v2/'}ping/", body={}, headers=headers)
        client = client_of(controller.url, api_prefix=prefix)
        client.get("ping/")
        assert client.page_url("jobs/playbook", 42) == f"{controller.url}/{page}/jobs/playbook/42/output"

    @pytest.mark.parametrize("shown", ["/awx/api/v2/", "/api/v2/"])
    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (401, {"detail": "Authentication credentials were not provided."}, "The token is wrong or has expired"),
            (404, {"detail": "No Job matches the given query."}, "404: No Job matches the given query"),
        ],
    )
    def test_below_a_path_a_refusal_is_told_as_such(
        self,
        controller: ScriptedController,
        client_of: t.Callable[..., ControllerClient],
        shown: str,
        status: int,
        body: t.Any,
        words: str,
    ) -> None:
        controller.expect("GET", "/awx/api/v2/jobs/42/", status, body)
        controller.expect("GET", "/awx/api/", body={"current_version": shown})
        with pytest.raises(AnswerError, match=words) as refused:
            client_of(f"{controller.url}/awx").get("jobs/42/")
        assert refused.value.refuses

    @pytest.mark.parametrize("shown", ["/awx/api/controller/", "/api/controller/"])
    def test_below_a_path_a_gateway_is_found(
        self, controller: ScriptedController, client_of: t.Callable[..., ControllerClient], shown: str
    ) -> None:
        controller.expect("GET", "/awx/api/v2/ping/", 404, HTML)
        controller.expect("GET", "/awx/api/", body={"apis": {"controller": shown}})
        controller.expect("GET", "/awx/api/controller/v2/ping/", body={"a": 1})
        client = client_of(f"{controller.url}/awx")
        assert client.get("ping/") == {"a": 1}
        assert client.page_url("jobs/playbook", 7) == f"{controller.url}/awx/execution/jobs/playbook/7/output"

    def test_a_path_that_only_begins_like_the_apis_is_no_part_of_it(
        self, controller: ScriptedController, client_of: t.Callable[..., ControllerClient]
    ) -> None:
        controller.expect("GET", "/a/api/v2/ping/", 404, HTML)
        controller.expect("GET", "/a/api/", body={"apis": {"controller": "/api/controller/"}})
        controller.expect("GET", "/a/api/controller/v2/ping/", body={"a": 1})
        assert client_of(f"{controller.url}/a").get("ping/") == {"a": 1}

    def test_no_controller_there(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", PING, 404, HTML)
        for _time in range(2):
            controller.expect("GET", "/api/", 404, HTML)
        with pytest.raises(AnswerError, match='404: an HTML page titled "Welcome".*check controller_host'):
            client.get("ping/")


class TestReads:
    @pytest.mark.parametrize("fault", ["close", "reset", "cut"])
    def test_a_lost_answer_is_asked_for_again(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps, fault: str
    ) -> None:
        controller.expect("GET", PING, body={"a": 1}, fault=fault)
        controller.expect("GET", PING, body={"a": 1})
        assert client.get("ping/") == {"a": 1}
        assert len(naps.taken) == 1

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_bad_minutes_are_sat_out(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps, status: int
    ) -> None:
        for _time in range(3):
            controller.expect("GET", PING, status, HTML)
        controller.expect("GET", PING, body={})
        assert client.get("ping/") == {}
        assert len(naps.taken) == 3
        # Nor do they let it look for the API elsewhere.
        assert controller.besides == []

    def test_retry_after_is_honoured(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps
    ) -> None:
        controller.expect("GET", PING, 429, {"detail": "slow down"}, headers={"Retry-After": "17"})
        controller.expect("GET", PING, body={})
        client.get("ping/")
        assert naps.taken == [17]

    def test_max_retries_is_the_end(
        self, controller: ScriptedController, client_of: t.Callable[..., ControllerClient], naps: Naps
    ) -> None:
        for _time in range(3):
            controller.expect("GET", PING, 503, {"detail": "maintenance"})
        with pytest.raises(AnswerError, match="503: maintenance"):
            client_of(controller.url, max_retries=2).get("ping/")
        assert len(naps.taken) == 2

    @pytest.mark.parametrize("encoding", ["idna", "undefined", "punycode", "base64", "nonsense"])
    def test_an_encoding_that_cannot_be_read_is_none(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps, encoding: str
    ) -> None:
        page, kind = b"<html><title>Bad\xff..gateway</title></html>", f"text/html; charset={encoding}"
        controller.expect("GET", PING, 502, page, headers={"Content-Type": kind})
        controller.expect("GET", PING, body={"a": 1})
        assert client.get("ping/") == {"a": 1}
        assert len(naps.taken) == 1

    def test_json_without_an_end_to_its_depth_is_none(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", PING, body={})
        controller.expect("GET", PING, body=b"[" * 200_000)
        controller.expect("GET", PING, body={"a": 1})
        assert client.get("ping/") == {}
        assert client.get("ping/") == {"a": 1}

    @pytest.mark.parametrize("status", [400, 404, 405])
    def test_a_definite_answer_is_not_asked_for_again(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps, status: int
    ) -> None:
        controller.expect("GET", PING, body={})
        controller.expect("GET", PING, status, {"detail": "no"})
        client.get("ping/")
        with pytest.raises(AnswerError, match=f"{status}: no") as refused:
            client.get("ping/")
        assert naps.taken == []
        assert "controller_host" not in str(refused.value)

    def test_json_of_another_shape_is_not_asked_for_again(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps
    ) -> None:
        controller.expect("GET", PING, body={})
        controller.expect("GET", PING, body=[1])
        client.get("ping/")
        with pytest.raises(AnswerError, match="a JSON list instead of a JSON object"):
            client.get("ping/")
        assert naps.taken == []

    def test_success_of_another_kind_than_expected_is_no_controllers(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("POST", PING, 200, {"a": 1})
        with pytest.raises(AnswerError, match="was answered 200.*check that controller_host is the controller itself"):
            client.post("ping/", {}, 201)

    @pytest.mark.parametrize("body", [[], [1], "text", 5])
    def test_json_of_another_shape_is_named(
        self, controller: ScriptedController, client: ControllerClient, body: t.Any
    ) -> None:
        controller.expect("GET", PING, body=body)
        with pytest.raises(AnswerError, match=f"a JSON {type(body).__name__} instead of a JSON object"):
            client.get("ping/")

    def test_a_list_without_its_entries_is_named(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", PING, body={"results": [1]})
        with pytest.raises(AnswerError, match="without the list"):
            list(client.results("ping/"))

    def test_pages_are_asked_for_by_number(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", PING, body={"next": "http://elsewhere/", "results": [{"n": 1}]})
        controller.expect("GET", PING, body={"next": None, "results": [{"n": 2}]})
        assert list(client.results("ping/", a="b")) == [{"n": 1}, {"n": 2}]
        assert [asked.query["page"] for asked in controller.asked] == ["1", "2"]
        assert all(asked.query["a"] == "b" for asked in controller.asked)

    def test_a_list_may_become_shorter_between_its_pages(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", PING, body={"next": "http://elsewhere/", "results": [{"n": 1}]})
        controller.expect("GET", PING, 404, {"detail": "Invalid page."})
        controller.expect("GET", PING, body={"next": None, "results": [{"n": 1}]})
        assert list(client.results("ping/")) == [{"n": 1}]
        assert [asked.query["page"] for asked in controller.asked] == ["1", "2", "1"]

    def test_a_page_that_is_not_there_in_passing_makes_no_list_shorter(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        more = {"next": "http://elsewhere/", "results": [{"n": 1}]}
        controller.expect("GET", PING, body=more)
        controller.expect("GET", PING, 404, {"detail": "Not found."})
        controller.expect("GET", PING, body=more)
        controller.expect("GET", PING, body={"next": None, "results": [{"n": 2}]})
        assert list(client.results("ping/")) == [{"n": 1}, {"n": 2}]
        assert [asked.query["page"] for asked in controller.asked] == ["1", "2", "1", "2"]

    def test_a_page_that_is_told_of_and_not_there_is_an_error(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        for _time in range(2):
            controller.expect("GET", PING, body={"next": "http://elsewhere/", "results": [{"n": 1}]})
            controller.expect("GET", PING, 404, {"detail": "Not found."})
        with pytest.raises(AnswerError, match="404: Not found"):
            list(client.results("ping/"))

    def test_a_list_that_is_not_there_is_no_empty_one(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", PING, body={})
        controller.expect("GET", PING, 404, {"detail": "Not found."})
        client.get("ping/")
        with pytest.raises(AnswerError, match="404: Not found"):
            list(client.results("ping/"))

    def test_a_key_may_be_given_more_than_once(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("GET", PING, body={})
        client.get("ping/", or__name=["a", "b+c"], status="failed", left_out=None)
        assert controller.asked[0].query_string == "or__name=a&or__name=b%2Bc&status=failed"

    @pytest.mark.parametrize("status", [301, 302, 307])
    def test_redirects_are_not_followed(
        self, controller: ScriptedController, client: ControllerClient, status: int
    ) -> None:
        with ScriptedController() as elsewhere:
            controller.expect("GET", PING, status, headers={"Location": f"{elsewhere.url}/x/"})
            controller.expect("GET", "/api/", status, headers={"Location": f"{elsewhere.url}/x/"})
            with pytest.raises(AnswerError, match=f"{elsewhere.url}/x/.*set controller_host to the final address"):
                client.get("ping/")
            assert elsewhere.asked == []

    def test_a_redirect_of_any_length_is_told_shortly(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("DELETE", PING, 302, headers={"Location": f"https://example.com/?{'a' * 5000}"})
        with pytest.raises(AnswerError, match="go to https://example.com/.*Redirects are not followed") as error:
            client.delete("ping/", 204)
        assert len(str(error.value)) < 1000

    @pytest.mark.parametrize(("status", "body"), [(302, None), (404, HTML), (403, HTML), (200, HTML)])
    def test_a_proxys_word_in_the_middle_is_sat_out(
        self, controller: ScriptedController, client: ControllerClient, naps: Naps, status: int, body: t.Any
    ) -> None:
        controller.expect("GET", PING, body={})
        controller.expect("GET", PING, status, body, headers={"Location": "/login/"})
        controller.expect("GET", PING, body={"a": 1})
        client.get("ping/")
        assert client.get("ping/") == {"a": 1}
        assert len(naps.taken) == 1

    @pytest.mark.parametrize(("status", "body"), [(302, None), (404, HTML), (200, HTML)])
    def test_a_proxys_first_answer_is_sat_out_before_a_controller(
        self, controller: ScriptedController, client: ControllerClient, status: int, body: t.Any
    ) -> None:
        controller.expect("GET", PING, status, body, headers={"Location": "/login/"})
        controller.expect("GET", "/api/", body={"current_version": "/api/v2/"})
        controller.expect("GET", PING, body={"a": 1})
        assert client.get("ping/") == {"a": 1}


class TestLines:
    """What a person sees while the controller does not answer."""

    @pytest.fixture
    def lines(self) -> list[str]:
        return []

    def client(self, url: str, naps: Naps, lines: list[str]) -> ControllerClient:
        return ControllerClient(ConnectionOptions(url, token="t", max_retries=2), sleep=naps, write=lines.append)

    def test_tell_of_each_try(self, controller: ScriptedController, naps: Naps, lines: list[str]) -> None:
        controller.expect("GET", PING, fault="close")
        controller.expect("GET", PING, 502, HTML, headers={"Retry-After": "7"})
        controller.expect("GET", PING, body={})
        self.client(controller.url, naps, lines).get("ping/")
        assert lines == [
            f"no answer from {controller.url}, try 1 of 3, again in {naps.taken[0]:.0f} s",
            f"{controller.url} answered 502, try 2 of 3, again in 7 s",
        ]

    def test_count_on_where_patience_goes_beyond_the_tries(
        self, controller: ScriptedController, naps: Naps, lines: list[str]
    ) -> None:
        for _time in range(4):
            controller.expect("GET", PING, 502, HTML)
        controller.expect("GET", PING, body={})
        client = self.client(controller.url, naps, lines)
        client.patience = lambda _seconds: 60.0
        client.get("ping/")
        assert [line.split(", ")[1] for line in lines] == ["try 1 of 3", "try 2 of 3", "try 3 of 3", "try 4"]

    def test_come_at_most_once_a_second_beyond_the_tries(self, controller: ScriptedController, naps: Naps) -> None:
        for _time in range(4):
            controller.expect("GET", PING, 502, HTML)
        controller.expect("GET", PING, body={})
        options = ConnectionOptions(controller.url, token="t", max_retries=2, retry_backoff_factor=0.0)
        client = ControllerClient(options, sleep=naps)
        client.patience = lambda _seconds: 60.0
        client.get("ping/")
        assert naps.taken == [0, 0, PATIENT_PAUSE, PATIENT_PAUSE]

    def test_come_no_later_than_patience_lasts(self, controller: ScriptedController, naps: Naps) -> None:
        controller.expect("GET", PING, 502, HTML, headers={"Retry-After": "60"})
        controller.expect("GET", PING, body={})
        client = ControllerClient(ConnectionOptions(controller.url, token="t", max_retries=0), sleep=naps)
        client.patience = lambda _seconds: 5.0
        client.get("ping/")
        assert naps.taken == [5.0]

    def test_are_one_less_than_the_tries_that_failed(self, naps: Naps, lines: list[str]) -> None:
        with pytest.raises(NotSentError):
            self.client("http://controller.invalid", naps, lines).get("ping/")
        assert [line.partition(", again")[0] for line in lines] == [
            "no answer from http://controller.invalid, try 1 of 3",
            "no answer from http://controller.invalid, try 2 of 3",
        ]

    def test_are_not_needed_where_it_answers(
        self, controller: ScriptedController, naps: Naps, lines: list[str]
    ) -> None:
        controller.expect("GET", PING, body={})
        controller.expect("GET", PING, 404, {"detail": "no"})
        client = self.client(controller.url, naps, lines)
        client.get("ping/")
        with pytest.raises(AnswerError):
            client.get("ping/")
        assert lines == []


class TestPosts:
    @pytest.mark.parametrize("fault", ["close", "reset", "cut", "stall"])
    def test_a_lost_answer_is_an_unknown_outcome_and_not_sent_again(
        self, controller: ScriptedController, client_of: t.Callable[..., ControllerClient], naps: Naps, fault: str
    ) -> None:
        client = client_of(controller.url, request_timeout=2)
        controller.expect("POST", PING, 201, {"id": 1}, fault=fault)
        with pytest.raises((AnswerLostError, AnswerError)) as lost:
            client.post("ping/", {}, 201)
        assert not getattr(lost.value, "refuses", False)
        assert (controller.methods(), naps.taken) == (["POST"], [])

    @pytest.mark.parametrize("status", [200, 202, 301, 302, 307, 500, 502, 504])
    def test_only_the_expected_status_is_success(
        self, controller: ScriptedController, client: ControllerClient, status: int
    ) -> None:
        controller.expect("POST", PING, status, {"id": 1}, headers={"Location": "/elsewhere/"})
        with pytest.raises(AnswerError) as unexpected:
            client.post("ping/", {}, 201)
        assert not unexpected.value.refuses
        assert controller.methods() == ["POST"]

    @pytest.mark.parametrize("body", [{"detail": "slow down"}, HTML])
    def test_too_many_requests_tells_when_to_come_again(
        self, controller: ScriptedController, client: ControllerClient, body: t.Any
    ) -> None:
        controller.expect("POST", PING, 429, body, headers={"Retry-After": "17"})
        with pytest.raises(AnswerError) as later:
            client.post("ping/", {}, 201)
        assert (later.value.status, later.value.retry_after, later.value.transient) == (429, 17, True)
        assert controller.methods() == ["POST"]

    def test_delete(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("DELETE", PING, 204)
        assert client.delete("ping/", 204) == {}

    @pytest.mark.parametrize("status", [202, 404, 409, 502])
    def test_delete_is_sent_once_too(
        self, controller: ScriptedController, client: ControllerClient, status: int
    ) -> None:
        controller.expect("DELETE", PING, status, {"detail": "no"})
        with pytest.raises(AnswerError, match=f"DELETE .*{status}: no"):
            client.delete("ping/", 204)
        assert controller.methods() == ["DELETE"]

    def test_an_answer_may_be_empty(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("POST", PING, 202)
        assert client.post("ping/", {}, 202) == {}


def test_a_client_closes_its_connections(
    controller: ScriptedController, client_of: t.Callable[..., ControllerClient]
) -> None:
    for _time in range(2):
        controller.expect("GET", PING, body={})
    with client_of(controller.url) as client:
        client.get("ping/")
    client.get("ping/")
    assert controller.connections == 2


class TestProxy:
    def test_a_proxy_is_asked_where_there_is_one(
        self,
        controller: ScriptedController,
        client_of: t.Callable[..., ControllerClient],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", controller.url)
        controller.expect("GET", PING, body={"a": 1})
        assert client_of("http://controller.invalid").get("ping/") == {"a": 1}
        assert controller.asked[0].headers["Host"] == "controller.invalid"
        monkeypatch.setenv("NO_PROXY", "controller.invalid")
        with pytest.raises(NotSentError, match="cannot be resolved"):
            client_of("http://controller.invalid", max_retries=0).get("ping/")
        assert len(controller.asked) == 1


def test_backoff_doubles_with_jitter_and_has_an_end() -> None:
    assert [backoff(attempt, 2, 0) for attempt in range(5)] == [0.5, 1, 2, 4, 8]
    assert backoff(3, 2, 0.999) == pytest.approx(8, rel=0.01)
    assert backoff(1000, 2, 0.999) <= LONGEST_PAUSE
    assert backoff(10_000, 2, 0.999) <= LONGEST_PAUSE
    assert backoff(5, 0, 0.5) == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("7", 7),
        ("-7", 0),
        ("86400", LONGEST_PAUSE),
        ("Thu, 01 Jan 1970 00:16:50 GMT", 10),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999", None),
        ("Fri, 31 Dec 9999 23:59:59 -0100", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, 1000) == seconds


def test_retry_after_as_a_date_is_measured_by_the_clock_that_told_it() -> None:
    """The own one is years ahead."""
    dates = {"Date": "Thu, 01 Jan 2015 00:00:00 GMT", "Retry-After": "Thu, 01 Jan 2015 00:00:30 GMT"}
    error = unexpected(Answer(429, {}, "{}", dates), RequestMade("GET x", "token", answered=True))
    assert error.retry_after == 30


@pytest.mark.parametrize("date", [None, "soon", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"])
def test_a_clock_that_tells_no_time_is_passed_over(date: str | None) -> None:
    assert abs(time_of(date) - datetime.now(timezone.utc)) < timedelta(minutes=1)


class TestReadAhead:
    """Reads that are sent side by side, before they are asked for."""

    @pytest.fixture
    def ready(self, controller: ScriptedController, client: ControllerClient) -> ControllerClient:
        """A client that knows where the API lies."""
        controller.expect("GET", PING, body={})
        client.get("ping/")
        return client

    def test_are_answered_at_once_when_they_are_asked_for(
        self, controller: ScriptedController, ready: ControllerClient
    ) -> None:
        for number in range(1, 11):
            controller.whenever("GET", f"/api/v2/jobs/{number}/", body={"id": number})
        controller.whenever("GET", "/api/v2/hosts/", body={"results": [{"id": 7}], "next": None})

        ready.read_ahead([*((f"jobs/{number}/", {}) for number in range(1, 11)), ("hosts/", page_of({"a": "b"}))])
        asked = len(controller.besides)

        assert [ready.get(f"jobs/{number}/")["id"] for number in range(1, 11)] == [*range(1, 11)]
        assert list(ready.results("hosts/", a="b")) == [{"id": 7}]
        assert (asked, len(controller.besides)) == (11, 11)
        assert 1 < controller.connections <= 1 + READS_AT_A_TIME
        assert {asked.headers["Authorization"] for asked in controller.besides} == {"Bearer t"}

    def test_are_on_their_way_at_the_same_time(
        self, controller: ScriptedController, ready: ControllerClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        both, take = threading.Barrier(2, timeout=20), controller.take

        def together(asked: Asked) -> Line:
            both.wait()
            return take(asked)

        controller.whenever("GET", "/api/v2/jobs/[12]/", body={})
        monkeypatch.setattr(controller, "take", together)

        ready.read_ahead([("jobs/1/", {}), ("jobs/2/", {})])

        assert sorted(asked.path for asked in controller.besides) == ["/api/v2/jobs/1/", "/api/v2/jobs/2/"]

    def test_an_answer_is_given_once(self, controller: ScriptedController, ready: ControllerClient) -> None:
        controller.expect("GET", "/api/v2/jobs/1/", body={"status": "running"})
        controller.expect("GET", "/api/v2/jobs/1/", body={"status": "failed"})

        ready.read_ahead([("jobs/1/", {})])

        assert [ready.get("jobs/1/")["status"] for _time in range(2)] == ["running", "failed"]

    def test_what_was_not_asked_for_is_forgotten_by_the_next(
        self, controller: ScriptedController, ready: ControllerClient
    ) -> None:
        controller.expect("GET", "/api/v2/jobs/1/", body={"status": "running"})
        controller.expect("GET", "/api/v2/jobs/1/", body={"status": "failed"})

        ready.read_ahead([("jobs/1/", {})])
        ready.read_ahead([])

        assert ready.get("jobs/1/")["status"] == "failed"

    @pytest.mark.parametrize(
        "bad", [{"status": 403}, {"status": 503}, {"fault": "close"}, {"fault": "cut", "body": {"status": "failed"}}]
    )
    def test_trouble_is_none_until_it_is_asked_for(
        self, controller: ScriptedController, ready: ControllerClient, bad: dict[str, t.Any]
    ) -> None:
        ready._sender.reads_at_a_time = 1
        controller.expect("GET", "/api/v2/jobs/1/", **bad)
        controller.expect("GET", "/api/v2/jobs/1/", body={"status": "failed"})
        controller.expect("GET", "/api/v2/jobs/2/", body={"status": "error"})

        # The second of them is not sent then: a controller in trouble gets no more to do.
        ready.read_ahead([("jobs/1/", {}), ("jobs/2/", {})])
        assert [asked.path for asked in controller.asked] == [PING, "/api/v2/jobs/1/"]

        assert [ready.get(f"jobs/{number}/")["status"] for number in (1, 2)] == ["failed", "error"]

    def test_nothing_is_sent_to_where_the_api_may_not_be(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        client.read_ahead([("jobs/1/", {})])
        assert controller.asked == controller.besides == []

    def test_are_sent_one_after_another_where_no_thread_can_be_had(
        self, controller: ScriptedController, ready: ControllerClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def start(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        for number in (1, 2):
            controller.expect("GET", f"/api/v2/jobs/{number}/", body={"id": number})
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            ready.read_ahead([("jobs/1/", {}), ("jobs/2/", {})])

        assert [ready.get(f"jobs/{number}/") for number in (1, 2)] == [{"id": 1}, {"id": 2}]
