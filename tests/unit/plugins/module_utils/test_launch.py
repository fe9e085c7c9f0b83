# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A POST that makes a job: its outcomes on the wire, the search for what it made, and which job stays of several."""

from __future__ import annotations

import math
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    AnswerError,
    AnswerLostError,
    ForbiddenError,
    NoFailedHostsError,
    NotSentError,
    RefusedError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._api.kinds import JOB, WORKFLOW_JOB, Kind
from ansible_collections.relaunch.controller.plugins.module_utils._launch import look_up as _look_up
from ansible_collections.relaunch.controller.plugins.module_utils._launch.asks import (
    JobsAfter,
    Pause,
)
from ansible_collections.relaunch.controller.plugins.module_utils._launch.launch import (
    Attempt,
    Launched,
    Lost,
    NotNow,
    send,
)
from ansible_collections.relaunch.controller.plugins.module_utils._launch.look_up import look_up
from ansible_collections.relaunch.controller.plugins.module_utils._launch.tie_break import first_rival, gave_way
from ansible_collections.relaunch.controller.tests.unit import listener
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import HTML, at, job
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

RELAUNCH = at(42, "relaunch")
ME = {"results": [{"id": 5}]}
BODY = {"hosts": "failed"}
NEWER = {JOB: JobsAfter(Job.of(job(42)), 50), WORKFLOW_JOB: JobsAfter(Job.of(job(42)), 50, kind=WORKFLOW_JOB, query={})}


def attempt(limit: str = "web1", kind: Kind = JOB) -> Attempt:
    """A POST that makes jobs of this limit."""
    return Attempt(
        path=kind.at(42, "relaunch"),
        body=BODY,
        what=f"{kind.noun.capitalize()} 42",
        verb="relaunched",
        is_own=lambda new: new.facts["limit"] == limit,
        refused=lambda error: f"It said {error.status}: {error.said}",
    )


def made(job_id: int = 51, by: t.Any = 5, limit: str = "web1", **facts: t.Any) -> dict[str, t.Any]:
    launched_by = {"id": by, "type": "user"} if isinstance(by, int) else by
    return job(job_id, "running", **{"launch_type": "relaunch", "limit": limit, "launched_by": launched_by, **facts})


LOST: list[tuple[str, dict[str, t.Any]]] = [
    ("closed", {"fault": "close"}),
    ("reset", {"fault": "reset"}),
    ("timeout", {"fault": "stall"}),
    ("body cut short", {"status": 201, "body": made(), "fault": "cut"}),
    ("broken json", {"status": 201, "body": b'{"id": 51'}),
    ("a list", {"status": 201, "body": []}),
    ("no job", {"status": 201, "body": {"detail": "?"}}),
    ("html", {"status": 200, "body": HTML}),
    ("500", {"status": 500, "body": HTML}),
    ("502", {"status": 502, "body": HTML}),
    ("503", {"status": 503, "body": {"detail": "busy"}}),
    ("504", {"status": 504, "body": HTML}),
    ("403 of a gateway", {"status": 403, "body": HTML}),
    ("redirect", {"status": 302, "headers": {"Location": "/elsewhere/"}}),
]

Sent = t.Union[Launched, Lost, NotNow]


@pytest.fixture
def sent(controller: ScriptedController, clock: Clock) -> t.Callable[..., Sent]:
    """What comes of the POST, with a client that would try reads three times again."""

    def sent(url: str = controller.url) -> Sent:
        options = ConnectionOptions(url, token="t", request_timeout=2, max_retries=3)
        with ControllerClient(options, clock.read, clock.sleep) as client:
            return send(client, attempt())

    return sent


Send = t.Callable[..., Sent]


class TestSend:
    """One request at most. It never sleeps, but for a second before a refusal is believed."""

    def test_the_usual_case(self, controller: ScriptedController, sent: Send, clock: Clock) -> None:
        controller.expect("POST", RELAUNCH, 201, made())

        launched = sent()

        assert isinstance(launched, Launched) and (launched.job.id, launched.lost) == (51, "")
        assert (controller.methods(), controller.asked[0].body, clock.slept) == (["POST"], BODY, [])

    @pytest.mark.parametrize(
        ("status", "key", "kind"),
        [(400, "hosts", NoFailedHostsError), (400, "errors", RefusedError), (403, "hosts", ForbiddenError)],
    )
    def test_what_is_refused_is_told_by_status_and_key(
        self, controller: ScriptedController, sent: Send, status: int, key: str, kind: type[RefusedError]
    ) -> None:
        controller.expect("POST", RELAUNCH, status, {key: ["No."]})
        with pytest.raises(RefusedError) as refused:
            sent()
        assert refused.type is kind

    @pytest.mark.parametrize(
        ("status", "kind"), [(400, RefusedError), (401, RefusedError), (403, ForbiddenError), (404, RefusedError)]
    )
    def test_a_refusal_is_definite(
        self, controller: ScriptedController, sent: Send, status: int, kind: type[RefusedError]
    ) -> None:
        controller.expect("POST", RELAUNCH, status, {"detail": "No."})
        with pytest.raises(RefusedError, match=f"It said {status}: No.") as refused:
            sent()
        assert isinstance(refused.value, ForbiddenError) == (kind is ForbiddenError)
        assert controller.methods() == ["POST"]

    @pytest.mark.parametrize("body", [{"detail": "Request was throttled."}, HTML])
    @pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "7"}, 7), ({}, 0)])
    def test_too_many_requests_is_surely_not_carried_out(
        self,
        controller: ScriptedController,
        sent: Send,
        clock: Clock,
        body: t.Any,
        headers: dict[str, str],
        seconds: float,
    ) -> None:
        controller.expect("POST", RELAUNCH, 429, body, headers=headers)

        not_now = sent()

        assert isinstance(not_now, NotNow) and not_now.retry_after == seconds
        assert isinstance(not_now.error, AnswerError) and not_now.error.status == 429
        assert (controller.methods(), clock.slept) == (["POST"], [])

    def test_nobody_listens(self, sent: Send, clock: Clock) -> None:
        not_now = sent(url=f"http://{listener.closed()}")

        assert isinstance(not_now, NotNow) and "accepts no connection" in str(not_now.error)
        assert (isinstance(not_now.error, NotSentError), clock.slept) == (True, [])

    def test_what_will_not_pass_is_an_error(self, sent: Send) -> None:
        with listener.Listener(listener.say(b"no TLS", listener.close)) as plain, pytest.raises(NotSentError):
            sent(url=f"https://{plain.address}")

    @pytest.mark.parametrize("line", [row[1] for row in LOST], ids=[row[0] for row in LOST])
    def test_all_else_is_unknown(
        self, controller: ScriptedController, sent: Send, clock: Clock, line: dict[str, t.Any]
    ) -> None:
        controller.expect("POST", RELAUNCH, **line)

        lost = sent()

        assert isinstance(lost, Lost) and lost.why
        assert (controller.methods(), clock.slept) == (["POST"], [])


Answers = t.Iterable[t.Union[t.Sequence[t.Mapping[str, t.Any]], Exception]]


class Search:
    """A search whose looks are answered by hand; ``looks`` counts them."""

    def __init__(self, client: ControllerClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self.looks = 0

    def __call__(
        self, answers: Answers, then: t.Any = (), left: float = math.inf, kind: Kind = JOB, seconds: float = 0.0
    ) -> Launched:
        """:param then: the answer to all further looks.
        :param seconds: what each look takes.
        """
        steps = look_up(self._client, attempt(kind=kind), Lost("It was lost."), NEWER[kind], left)
        coming = iter(answers)
        try:
            ask = next(steps)
            while True:
                if isinstance(ask, Pause):
                    self._clock.sleep(ask.seconds)
                    ask = steps.send(None)
                    continue
                assert ask is NEWER[kind]
                self.looks += 1
                self._clock.now += seconds
                answer = next(coming, then)
                if isinstance(answer, Exception):
                    ask = steps.throw(answer)
                else:
                    ask = steps.send([Job.of(one) for one in answer])
        except StopIteration as end:
            return t.cast("Launched", end.value)


@pytest.fixture
def search(controller: ScriptedController, clock: Clock) -> t.Iterator[Search]:
    controller.whenever("GET", "/api/v2/me/", body=ME)
    options = ConnectionOptions(controller.url, token="t", max_retries=0)
    with ControllerClient(options, clock.read, clock.sleep) as client:
        yield Search(client, clock)


BUSY = AnswerError("busy", 503, None)
STRANGE = AnswerError("?", 404, None)


class TestLookUp:
    def test_the_job_is_found(self, controller: ScriptedController, search: Search) -> None:
        launched = search([[made()]])

        assert (launched.job.id, launched.lost) == (51, "It was lost.")
        assert [asked.path for asked in controller.besides] == ["/api/v2/me/"]

    def test_a_late_one_too(self, search: Search, clock: Clock) -> None:
        assert search([[], [], [], [], [made()]]).job.id == 51
        assert clock.now > 1.7

    def test_none_found_is_told_as_such(self, controller: ScriptedController, search: Search, clock: Clock) -> None:
        with pytest.raises(AnswerLostError, match="one may still appear. Running the task again is safe") as unknown:
            search([])

        assert str(unknown.value).startswith("It is unknown whether job 42 was relaunched: It was lost. No new job has")
        assert _look_up.LOOK_UP_SECONDS <= clock.now < _look_up.LOOK_UP_SECONDS + 2 * _look_up.LOOK_UP_INTERVAL
        # Nobody is asked for who this is where there is no job.
        assert controller.besides == []

    def test_where_nobody_was_answered_that_is_told(self, search: Search) -> None:
        with pytest.raises(AnswerLostError, match="Looking for a new job has failed: busy Running the task again is"):
            search([], then=BUSY)
        with pytest.raises(AnswerLostError, match="No new job has been found"):
            search([BUSY, []])

    @pytest.mark.parametrize(
        "other",
        [made(by=6), made(by={"id": 5, "type": "schedule"}), made(by={}), made(by=None), made(limit="web2")],
        ids=["another user", "a schedule", "nobody", "unknown", "another limit"],
    )
    def test_other_jobs_are_not_taken_for_it(self, search: Search, other: dict[str, t.Any]) -> None:
        assert search([[other, made(52)]]).job.id == 52

    def test_the_oldest_is_taken(self, search: Search) -> None:
        launched = search([[made(51), made(52, by=6), made(53)]])

        assert (launched.job.id, launched.others) == (51, (53,))
        assert "launched the same more than once: 51, 53. Another caller may" in launched.doubt
        assert search([[made(51)]]).doubt == ""

    def test_where_there_are_only_other_jobs_none_is_found(self, search: Search) -> None:
        with pytest.raises(AnswerLostError, match="No new job has been found"):
            search([], then=[made(by=6)])

    @pytest.mark.parametrize("me", [{"results": []}, {}])
    def test_who_is_not_known_has_made_none(
        self, controller: ScriptedController, search: Search, me: dict[str, t.Any]
    ) -> None:
        controller.whenever("GET", "/api/v2/me/", body=me)

        with pytest.raises(AnswerLostError):
            search([], then=[made()])

    @pytest.mark.parametrize("trouble", [STRANGE, BUSY, RefusedError("No.")])
    def test_a_strange_answer_does_not_end_the_search(self, search: Search, trouble: Exception) -> None:
        assert search([trouble, [], [made()]]).job.id == 51

    def test_a_restart_does_not_use_up_the_time(self, search: Search, clock: Clock) -> None:
        assert search([*[BUSY] * 40, [], [], [], [made()]]).job.id == 51
        assert clock.now > 3 * _look_up.LOOK_UP_SECONDS

    def test_it_does_not_end_while_nobody_tells_whose_a_job_is(
        self, controller: ScriptedController, search: Search
    ) -> None:
        for _time in range(int(2 * _look_up.LOOK_UP_SECONDS)):
            controller.expect("GET", "/api/v2/me/", 429, {"detail": "Request was throttled."})

        assert search([[]], then=[made()]).job.id == 51

    def test_a_controller_that_stays_away_ends_the_search(self, search: Search, clock: Clock) -> None:
        with pytest.raises(AnswerLostError, match="It is unknown whether job 42 was relaunched"):
            search([], then=BUSY)
        assert clock.now == pytest.approx(_look_up.LOOK_UP_TIMEOUT, abs=1)

    def test_one_that_only_says_strange_things_too(self, search: Search, clock: Clock) -> None:
        with pytest.raises(AnswerLostError):
            search([], then=STRANGE)
        assert clock.now == pytest.approx(_look_up.LOOK_UP_SECONDS, abs=1)

    @pytest.mark.parametrize(("left", "end"), [(5, 11), (30, 30), (600, 120)])
    def test_the_search_ends_at_the_deadline_once_it_can_be_right(
        self, search: Search, clock: Clock, left: float, end: float
    ) -> None:
        with pytest.raises(AnswerLostError):
            search([], then=BUSY, left=left)
        assert clock.now == pytest.approx(end, abs=1)

    def test_slow_looks_count(self, search: Search, clock: Clock) -> None:
        with pytest.raises(AnswerLostError):
            search([], seconds=4.0)
        assert search.looks == 3

    def test_a_workflow_job_is_named_so(self, search: Search) -> None:
        with pytest.raises(AnswerLostError, match="whether workflow job 42 was relaunched: .*No new workflow job has"):
            search([], kind=WORKFLOW_JOB)


class TestFirstRival:
    """Jobs 51 to 54, of which 52 and 53 do all of what the own one does."""

    @pytest.mark.parametrize(
        ("statuses", "own", "successful_too", "lowest"),
        [
            (["running", "running", "running", "running"], 54, False, 52),
            (["running", "canceled", "pending", "running"], 54, False, 53),
            (["running", "successful", "running", "running"], 54, False, 53),
            (["running", "successful", "running", "running"], 54, True, 52),
            (["running", "failed", "error", "running"], 54, True, None),
            (["running", "running", "running", "running"], 52, False, None),
            (["running", "running", "running", "running"], 53, False, 52),
        ],
    )
    def test_rows(self, statuses: list[str], own: int, successful_too: bool, lowest: int | None) -> None:
        newer = [Job.of(job(51 + number, status)) for number, status in enumerate(statuses)]

        now, rival = first_rival(newer, Job.of(job(own, "pending")), lambda one: one.id in (52, 53), successful_too)

        assert (now.id, now.status) == (own, "running")
        assert (rival and rival.id) == lowest

    def test_an_own_job_that_is_not_listed_is_as_it_was(self) -> None:
        now, rival = first_rival([], Job.of(job(54, "pending")), lambda _one: True)

        assert (now.status, rival) == ("pending", None)

    def test_only_those_that_count_are_asked_about(self) -> None:
        asked: list[int] = []

        def is_rival(one: Job) -> bool:
            asked.append(one.id)
            return False

        newer = [Job.of(job(51, "canceled")), Job.of(job(52, "running")), Job.of(job(55, "running"))]
        first_rival(newer, Job.of(job(54, "pending")), is_rival)

        assert asked == [52]

    @pytest.mark.parametrize(
        ("own", "other", "seconds", "first"),
        [
            ("manual", "relaunch", 1.9, True),
            ("manual", "relaunch", 2.0, False),
            ("manual", "manual", 0.1, False),
            ("relaunch", "relaunch", 0.1, False),
            ("relaunch", "manual", 0.1, False),
        ],
    )
    def test_a_relaunch_may_not_have_seen_a_launch_with_a_lower_number(
        self, own: str, other: str, seconds: float, first: bool
    ) -> None:
        ours = Job.of(job(51, "canceled", launch_type=own, created="2026-11-23T01:00:00Z"))
        created = f"2026-11-23T01:00:0{seconds}Z"
        theirs = Job.of(job(52, "running", launch_type=other, created=created))

        _now, rival = first_rival([ours, theirs], ours, lambda _one: True)

        assert rival == (theirs if first else None)
        assert gave_way(ours, [ours, theirs]) is first

    def test_a_lower_number_is_first_whatever_the_clocks_of_a_cluster_say(self) -> None:
        ours = Job.of(job(52, "canceled", launch_type="manual", created="2026-11-23T01:00:00Z"))
        theirs = Job.of(job(51, "running", launch_type="relaunch", created="2026-11-23T01:00:05Z"))

        assert first_rival([theirs, ours], ours, lambda _one: True)[1] == theirs
        assert first_rival([theirs, ours], theirs, lambda _one: True)[1] is None
        assert gave_way(ours, [theirs, ours])
