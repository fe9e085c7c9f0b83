# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusals that a gateway gives now and then, and takes back a second later: a client on the wire, on its own clock."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting, Watch
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, HTML, at, job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

UNAUTHENTICATED = {"detail": "Authentication credentials were not provided. To establish a login session, visit /api/."}
REFUSALS = [pytest.param(401, UNAUTHENTICATED, id="401"), pytest.param(403, DENIED, id="403")]
PROMPTS = at(42, "create_schedule")


@pytest.fixture
def client_of(controller: ScriptedController, clock: Clock) -> t.Callable[..., ControllerClient]:
    def client_of(**options: t.Any) -> ControllerClient:
        connection = ConnectionOptions(controller.url, **{"token": "t", "api_prefix": "/api/v2/", **options})
        return ControllerClient(connection, clock.read, clock.sleep)

    return client_of


ClientOf = t.Callable[..., ControllerClient]


@pytest.fixture
def client(client_of: ClientOf) -> ControllerClient:
    return client_of(max_retries=0)


class TestARead:
    @pytest.mark.parametrize(("status", "body"), [*REFUSALS, pytest.param(403, HTML, id="by a proxy")])
    @pytest.mark.parametrize("granted", [False, True], ids=["never granted", "granted before"])
    def test_that_is_refused_once_goes_on(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        clock: Clock,
        status: int,
        body: t.Any,
        granted: bool,
    ) -> None:
        if granted:
            controller.expect("GET", at(42), body=job(42))
            client.get("jobs/42/")
        controller.expect("GET", at(42), status, body)
        controller.expect("GET", at(42), body=job(42, "running"))
        assert client.get("jobs/42/")["status"] == "running"
        assert clock.slept == [1]

    @pytest.mark.parametrize(("status", "body"), REFUSALS)
    def test_that_never_was_granted_is_refused_at_the_second_time(
        self, controller: ScriptedController, client_of: ClientOf, clock: Clock, status: int, body: t.Any
    ) -> None:
        controller.expect("GET", PROMPTS, status, body)
        with pytest.raises(AnswerError, match=f"{status}: ") as refused:
            client_of(max_retries=5).get("jobs/42/create_schedule/")
        assert (refused.value.status, refused.value.refuses, refused.value.transient) == (status, True, False)
        assert (clock.slept, len(controller.asked) + len(controller.besides)) == ([1], 2)

    def test_of_one_job_is_not_granted_by_that_of_another(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", at(41, "create_schedule"), body={"prompts": {}})
        controller.expect("GET", PROMPTS, 403, DENIED)
        client.get("jobs/41/create_schedule/")
        with pytest.raises(AnswerError) as refused:
            client.get("jobs/42/create_schedule/")
        assert (refused.value.refuses, refused.value.transient) == (True, False)

    @pytest.mark.parametrize(("status", "body"), REFUSALS)
    def test_what_was_granted_before_is_tried_again(
        self, controller: ScriptedController, client_of: ClientOf, clock: Clock, status: int, body: t.Any
    ) -> None:
        client = client_of(max_retries=5)
        controller.expect("GET", at(42), body=job(42))
        client.get("jobs/42/")
        for _time in range(7):
            controller.expect("GET", at(42), status, body)
        controller.expect("GET", at(42), body=job(42, "running"))
        assert client.get("jobs/42/")["status"] == "running"
        # Four pairs a second apart, with longer and longer pauses between them.
        assert clock.slept[::2] == [1] * 4 and clock.slept[1::2] == sorted(clock.slept[1::2])

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (401, UNAUTHENTICATED, "The token had been accepted before in this task, so that this may pass."),
            (403, DENIED, "The same request had been granted before in this task, so that this may pass."),
        ],
    )
    def test_that_was_granted_before_has_no_meaning_yet(
        self, controller: ScriptedController, client: ControllerClient, status: int, body: t.Any, words: str
    ) -> None:
        controller.expect("GET", PROMPTS, body={"prompts": {}})
        controller.expect("GET", PROMPTS, status, body)
        client.get("jobs/42/create_schedule/")
        with pytest.raises(AnswerError) as refused:
            client.get("jobs/42/create_schedule/")
        assert (refused.value.status, refused.value.refuses, refused.value.transient) == (status, False, True)
        assert words in str(refused.value)

    def test_is_not_granted_by_a_page_in_the_place_of_an_answer(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", PROMPTS, body=HTML)
        controller.expect("GET", PROMPTS, 403, DENIED)
        with pytest.raises(AnswerError):
            client.get("jobs/42/create_schedule/")
        with pytest.raises(AnswerError) as refused:
            client.get("jobs/42/create_schedule/")
        assert (refused.value.refuses, refused.value.transient) == (True, False)

    def test_is_trouble_anew_after_each_success(
        self, controller: ScriptedController, client: ControllerClient, clock: Clock
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        client.get("jobs/42/")
        for _time in range(2):
            for _pair in range(2):
                controller.expect("GET", at(42), 401, UNAUTHENTICATED)
            with pytest.raises(AnswerError) as refused:
                client.get("jobs/42/")
            assert refused.value.transient
            clock.sleep(200)
            # What answers is another path: the credentials are the same.
            controller.expect("GET", at(41), body=job(41))
            client.get("jobs/41/")
            clock.sleep(200)

    @pytest.mark.parametrize(("seconds", "passing"), [(298, True), (299, False)])
    def test_counts_as_trouble_for_five_minutes(
        self, controller: ScriptedController, client: ControllerClient, clock: Clock, seconds: float, passing: bool
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        client.get("jobs/42/")
        for _time in range(4):
            controller.expect("GET", at(42), 403, DENIED)
        with pytest.raises(AnswerError):
            client.get("jobs/42/")
        # The second of a pair comes a second after the first.
        clock.sleep(seconds)
        with pytest.raises(AnswerError) as refused:
            client.get("jobs/42/")
        assert refused.value.transient is passing

    def test_anything_may_fail_in_passing_with_accepted_credentials(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("GET", at(42, "job_events"), 401, UNAUTHENTICATED)
        client.get("jobs/42/")
        with pytest.raises(AnswerError) as refused:
            client.get("jobs/42/job_events/")
        assert (refused.value.transient, refused.value.refuses) == (True, False)

    def test_credentials_are_not_accepted_by_what_needs_none(
        self, controller: ScriptedController, client_of: ClientOf
    ) -> None:
        client = client_of(api_prefix=None, max_retries=0)
        controller.expect("GET", "/api/v2/ping/", body={"version": "24.6.1"})
        controller.expect("GET", at(42), 401, UNAUTHENTICATED)
        client.get("ping/")
        with pytest.raises(AnswerError, match="The token is wrong or has expired: check the credentials") as refused:
            client.get("jobs/42/")
        assert (refused.value.transient, refused.value.refuses) == (False, True)

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (401, UNAUTHENTICATED, "it has been revoked or has expired. Renew it and run the task again."),
            (403, DENIED, "a role has been taken away. Give the user that role again and run the task again."),
            (403, HTML, "a role has been taken away. Give the user that role again and run the task again."),
        ],
    )
    def test_is_refused_for_good_after_five_minutes(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        clock: Clock,
        status: int,
        body: t.Any,
        words: str,
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        client.get("jobs/42/")
        clock.sleep(1000)
        controller.expect("GET", at(42), status, body)
        while True:
            with pytest.raises(AnswerError) as refused:
                client.get("jobs/42/")
            if not refused.value.transient:
                break
            clock.sleep(10)
        assert 1300 < clock.now < 1320
        assert words in str(refused.value) and "has been refused for 30" in str(refused.value)
        assert refused.value.refuses == isinstance(body, dict)

    def test_the_five_minutes_begin_anew_after_each_success(
        self, controller: ScriptedController, client: ControllerClient, clock: Clock
    ) -> None:
        for _time in range(3):
            controller.expect("GET", at(42), body=job(42))
            controller.expect("GET", at(42), 403, DENIED)
            client.get("jobs/42/")
            with pytest.raises(AnswerError) as refused:
                client.get("jobs/42/")
            assert refused.value.transient
            clock.sleep(290)


class TestWhatAnAnswerShows:
    """May be read by itself: a job that was launched, the entries of a list."""

    @pytest.mark.parametrize("prefix", ["/api/v2/", "/api/controller/v2/"])
    @pytest.mark.parametrize("shown", ["launched", "listed"])
    def test_its_refusal_is_one_in_passing(
        self, controller: ScriptedController, client_of: ClientOf, prefix: str, shown: str
    ) -> None:
        client = client_of(max_retries=0, api_prefix=prefix)
        # Behind a gateway it may lack the prefix.
        new = job(43, "pending", url="/api/v2/jobs/43/")
        if shown == "launched":
            controller.expect("POST", f"{prefix}jobs/42/relaunch/", 201, new)
            client.post("jobs/42/relaunch/", {}, 201)
        else:
            controller.expect("GET", f"{prefix}jobs/", body=listed(new))
            list(client.results("jobs/"))
        controller.expect("GET", f"{prefix}jobs/43/", 403, DENIED)
        with pytest.raises(AnswerError) as refused:
            client.get("jobs/43/")
        assert refused.value.transient


class TestAPost:
    @pytest.mark.parametrize(("status", "body"), REFUSALS)
    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    def test_that_is_refused_once_is_sent_again(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        clock: Clock,
        method: str,
        status: int,
        body: t.Any,
    ) -> None:
        controller.expect(method, at(42), status, body)
        controller.expect(method, at(42), 202, {"id": 43})
        sent = client.post("jobs/42/", {}, 202) if method == "POST" else client.delete("jobs/42/", 202)
        assert (sent, clock.slept) == ({"id": 43}, [1])

    def test_counts_the_second_refusal(self, controller: ScriptedController, client: ControllerClient) -> None:
        controller.expect("POST", at(43, "relaunch"), 403, DENIED)
        with pytest.raises(AnswerError) as refused:
            client.post("jobs/43/relaunch/", {"hosts": "failed"}, 201)
        assert (refused.value.status, refused.value.refuses, refused.value.transient) == (403, True, False)
        assert len(controller.asked) + len(controller.besides) == 2

    @pytest.mark.parametrize("trouble", [{"status": 502, "body": HTML}, {"fault": "close"}])
    def test_that_is_lost_the_second_time_is_not_sent_a_third(
        self, controller: ScriptedController, client: ControllerClient, trouble: dict[str, t.Any]
    ) -> None:
        controller.expect("POST", at(42, "relaunch"), 403, DENIED)
        controller.expect("POST", at(42, "relaunch"), **trouble)
        with pytest.raises(Exception) as lost:
            client.post("jobs/42/relaunch/", {}, 201)
        assert not getattr(lost.value, "refuses", False)
        assert controller.methods() == ["POST", "POST"]

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("body", [HTML, None, [1]], ids=["HTML", "empty", "a list"])
    def test_what_something_else_refuses_may_have_been_carried_out(
        self, controller: ScriptedController, client: ControllerClient, status: int, body: t.Any
    ) -> None:
        controller.expect("POST", at(42, "relaunch"), status, body)
        with pytest.raises(AnswerError) as refused:
            client.post("jobs/42/relaunch/", {}, 201)
        assert (refused.value.refuses, controller.methods(), controller.besides) == (False, ["POST"], [])

    def test_refused_credentials_say_nothing_was_done_and_may_pass(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", at(42), body=job(42))
        controller.expect("POST", at(42, "relaunch"), 401, UNAUTHENTICATED)
        client.get("jobs/42/")
        with pytest.raises(AnswerError) as refused:
            client.post("jobs/42/relaunch/", {}, 201)
        assert (refused.value.refuses, refused.value.transient) == (True, True)


class TestAWait:
    @pytest.fixture
    def watch(self, client: ControllerClient) -> Watch:
        return Watch(client, Waiting(wait=True, interval=10))

    @pytest.mark.parametrize(("status", "body"), REFUSALS)
    @pytest.mark.parametrize("times", [1, 2, 3, 20])
    def test_goes_on(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        watch: Watch,
        status: int,
        body: t.Any,
        times: int,
    ) -> None:
        controller.expect("GET", at(42), body=job(42, "running"))
        for _time in range(times):
            controller.expect("GET", at(42), status, body)
        controller.expect("GET", at(42), body=job(42, "successful"))
        running = watch.through(lambda: _job(client))
        assert watch.until_ended(running).successful

    @pytest.mark.parametrize(
        ("status", "body", "words"), [(401, UNAUTHENTICATED, "has been revoked"), (403, DENIED, "a role has been")]
    )
    def test_ends_after_five_minutes_of_refusals(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        watch: Watch,
        clock: Clock,
        status: int,
        body: t.Any,
        words: str,
    ) -> None:
        controller.expect("GET", at(42), body=job(42, "running"))
        controller.expect("GET", at(42), status, body)
        with pytest.raises(AnswerError, match=words):
            watch.until_ended(_job(client))
        assert 300 < clock.now < 320


def _job(client: ControllerClient) -> t.Any:
    from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import get

    return get(client, 42)


def test_a_post_that_was_granted_and_is_refused_is_the_last_word(
    controller: ScriptedController, client: ControllerClient
) -> None:
    controller.expect("POST", at(42, "relaunch"), 201, job(43))
    for _time in range(2):
        controller.expect("POST", at(42, "relaunch"), 403, DENIED)
    client.post("jobs/42/relaunch/", {}, 201)
    with pytest.raises(AnswerError) as refused:
        client.post("jobs/42/relaunch/", {}, 201)
    assert (refused.value.refuses, refused.value.transient) == (True, False)
