# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of a controller that is too busy for large pages: smaller ones bring each entry, once."""

from __future__ import annotations

import socket
import typing as t
from urllib.parse import parse_qsl, urlsplit

import pytest
from requests import PreparedRequest, ReadTimeout, Response

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerLostError
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.recorded_controller import RecordedController
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import client_of
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import Asked, Line, ScriptedController

JOBS = "/api/v2/jobs/"


class BusyController(RecordedController):
    """Holds a list of so many entries, and does not answer pages that are too large for it at the time.

    :param entries: how many.
    :param most: the largest page it answers, by how many requests it has had.
    :param own: the largest page it has, whatever is asked for.
    """

    def __init__(self, clock: Clock, entries: int, most: t.Callable[[int], int], own: int = 200) -> None:
        super().__init__({"jobs/": [{"id": which} for which in range(entries)]})
        self._clock = clock
        self._most = most
        self._own = own
        self.pages: list[tuple[int, int]] = []

    def client(self) -> ControllerClient:
        return client_of(self, self._clock, max_retries=5)

    def send(self, request: PreparedRequest, *arguments: t.Any, **options: t.Any) -> Response:
        query = dict(parse_qsl(urlsplit(str(request.url)).query))
        number, size = int(query["page"]), int(query["page_size"])
        self.pages.append((number, size))
        if size > self._most(len(self.pages)):
            self._clock.now += 30.0
            raise ReadTimeout("Read timed out.", request=request) from socket.timeout("timed out")
        request.url = str(request.url).replace(f"page_size={size}", f"page_size={min(size, self._own)}")
        return super().send(request, *arguments, **options)


def client_at(controller: ScriptedController, clock: Clock, **options: t.Any) -> ControllerClient:
    connection = ConnectionOptions(controller.url, **{"token": "t", "api_prefix": "/api/v2/", **options})
    return ControllerClient(connection, clock.read, clock.sleep)


def ids(entries: t.Iterable[t.Mapping[str, t.Any]]) -> list[int]:
    return [entry["id"] for entry in entries]


@pytest.mark.parametrize("entries", [0, 1, 10, 199, 200, 201, 430])
@pytest.mark.parametrize("most", [200, 50, 10])
def test_nothing_is_lost_or_doubled(clock: Clock, entries: int, most: int) -> None:
    controller = BusyController(clock, entries, lambda _count: most)
    assert ids(controller.client().results("jobs/")) == list(range(entries))
    tried = [size for _number, size in controller.pages]
    assert tried[: tried.index(most) + 1] == [size for size in (200, 50, 10) if size >= most]


@pytest.mark.parametrize("own", [100, 75, 50, 25])
@pytest.mark.parametrize("late", [1, 2, 3])
def test_nothing_is_lost_or_doubled_where_the_controller_has_smaller_pages(clock: Clock, own: int, late: int) -> None:
    controller = BusyController(clock, 430, lambda count: 10 if count == late else 200, own)
    assert ids(controller.client().results("jobs/")) == list(range(430))


@pytest.mark.parametrize("order", ["id", "-id"])
def test_what_is_deleted_meanwhile_hides_nothing_else(order: str) -> None:
    rows = [{"id": which} for which in range(1, 431)]
    controller = RecordedController({"jobs/": rows})
    found = controller.client().results("jobs/", order_by=order, id__gt=1, id__lt=430)

    read = [next(found)]
    rows[:] = [row for row in rows if row not in read]
    read.extend(found)

    assert ids(read) == list(range(2, 430))[:: -1 if order == "-id" else 1]
    assert len(controller.asked) == 3


@pytest.mark.parametrize("most", [200, 50, 10])
def test_nothing_is_lost_or_doubled_behind_an_entry(clock: Clock, most: int) -> None:
    controller = BusyController(clock, 430, lambda count: 200 if count == 1 else most)
    assert ids(controller.client().results("jobs/", order_by="id")) == list(range(430))
    assert {number for number, _size in controller.pages} == {1}


@pytest.mark.parametrize(
    ("most", "pages"),
    [
        pytest.param(
            lambda count: 200 if count < 3 else 50,
            [(1, 200), (2, 200), (3, 200), (9, 50), (10, 50)],
            id="after two pages",
        ),
        pytest.param(
            lambda count: (200, 10, 10, *[10] * 99)[count - 1],
            [(1, 200), (2, 200), (5, 50), *((number, 10) for number in range(21, 50))],
            id="twice in the middle",
        ),
    ],
)
def test_a_list_goes_on_with_smaller_pages_where_it_was(
    clock: Clock, most: t.Callable[[int], int], pages: list[tuple[int, int]]
) -> None:
    controller = BusyController(clock, 490, most)
    assert ids(controller.client().results("jobs/")) == list(range(490))
    assert controller.pages == pages


class StallingController(ScriptedController):
    """Takes each request, and never answers it."""

    def take(self, asked: Asked) -> Line:
        self.asked.append(asked)
        return Line("GET", asked.path, fault="stall")


def test_a_list_without_an_answer_ends_and_names_the_request(clock: Clock) -> None:
    """Over a real connection, whose timeout is one of the socket's."""
    with StallingController() as controller, pytest.raises(AnswerLostError) as late:
        list(client_at(controller, clock, request_timeout=0.3, max_retries=3).results("jobs/"))
    assert f"To GET {controller.url}{JOBS} the controller gave no answer within 0.3 seconds" in str(late.value)
    assert (late.value.transient, late.value.late) == (True, True)
    assert [asked.query["page_size"] for asked in controller.asked] == ["200", "50", "10", "10"]


def test_an_answer_lost_otherwise_is_asked_for_again_as_it_was(controller: ScriptedController, clock: Clock) -> None:
    controller.expect("GET", JOBS, fault="close")
    controller.expect("GET", JOBS, body={"next": None, "results": []})
    assert list(client_at(controller, clock).results("jobs/")) == []
    assert [asked.query["page_size"] for asked in controller.asked] == ["200", "200"]


def test_the_next_list_begins_with_the_size_that_was_answered(clock: Clock) -> None:
    controller = BusyController(clock, 30, lambda count: 50 if count < 3 else 200)
    client = controller.client()
    assert ids(client.results("jobs/")) == ids(client.results("jobs/")) == list(range(30))
    assert controller.pages == [(1, 200), (1, 50), (1, 50)]


def test_pages_grow_again_once_full_ones_come_quickly(clock: Clock) -> None:
    controller = BusyController(clock, 60, lambda count: 10 if count < 4 else 200)
    client = controller.client()
    for _time in range(3):
        assert ids(client.results("jobs/")) == list(range(60))
    assert controller.pages[:3] == [(1, 200), (1, 50), (1, 10)]
    assert controller.pages[-3:] == [(1, 50), (2, 50), (1, 200)]


class TestOnce:
    """For waits, which do their own trying again."""

    def test_each_page_is_asked_for_once(self, clock: Clock) -> None:
        controller = BusyController(clock, 210, lambda _count: 200)
        assert ids(controller.client().results_once("jobs/")) == list(range(210))
        assert (controller.pages, clock.slept) == ([(1, 200), (2, 200)], [])

    def test_the_next_time_asks_for_less(self, clock: Clock) -> None:
        controller = BusyController(clock, 60, lambda _count: 50)
        client = controller.client()
        with pytest.raises(AnswerLostError):
            list(client.results_once("jobs/"))
        assert ids(client.results_once("jobs/")) == list(range(60))
        assert (controller.pages, clock.slept) == ([(1, 200), (1, 50), (2, 50)], [])
