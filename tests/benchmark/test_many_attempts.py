# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last of many attempts of a retry costs: requests, and what is kept in memory."""

from __future__ import annotations

import gc
import itertools
import os
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import BrokenOffError, outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_failed_hosts import (
    RetryOutcome,
    retry_failed_hosts,
)
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_rounds import ATTEMPTS_KEPT
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import (
    SOURCE,
    Ran,
    RelaunchingController,
    hopeless,
    retry_request,
)


def failed_after(controller: RelaunchingController, retries: int) -> RetryOutcome:
    """What so many attempts come to that all fail."""
    request = retry_request(delay=1000.0, retries=retries)
    with controller.client(Clock()) as client, pytest.raises(BrokenOffError) as failed:
        retry_failed_hosts(client, request, None, lambda _line: None)
    outcome = outcome_of(failed.value)
    assert isinstance(outcome, RetryOutcome)
    return outcome


def one_recovers(_number: int, hosts: tuple[str, ...]) -> Ran:
    return {name: name != "web1" for name in hosts}


def one_is_left_out(_number: int, hosts: tuple[str, ...]) -> Ran:
    return dict.fromkeys(set(hosts) - {"web1"}, True)


def breaks(_number: int, _hosts: tuple[str, ...]) -> Ran:
    return "error"


@pytest.fixture(autouse=True)
def few_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """At each request requests looks through the whole environment for proxies, which takes its time."""
    for name in set(os.environ) - {"HOME", "PATH"}:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("chains", [True, False])
@pytest.mark.parametrize("ran", [hopeless, one_recovers, one_is_left_out, breaks])
def test_the_last_ones_ask_for_no_more_than_the_first(
    ran: t.Callable[[int, tuple[str, ...]], Ran], chains: bool
) -> None:
    begun: list[tuple[int, int]] = []

    def counting(number: int, hosts: tuple[str, ...]) -> Ran:
        begun.append((len(controller.asked), controller.answered))
        return ran(number, hosts)

    controller = RelaunchingController(counting, "web1", "web2", "web3")
    controller.chains = chains

    failed_after(controller, 40)

    assert len(begun) == 40
    each = [(after[0] - before[0], after[1] - before[1]) for before, after in itertools.pairwise(begun)]
    assert {requests for requests, _size in each[-5:]} <= {requests for requests, _size in each[3:8]}
    # Longer numbers are all that may be added, but for the list of the runs.
    assert max(size for _requests, size in each[-5:]) < 1.05 * max(size for _requests, size in each[3:8])


def test_hundreds_keep_little_of_each() -> None:
    """What has been read of its hosts, which stays as it is."""
    kept: dict[int, int] = {}

    def measuring(number: int, hosts: tuple[str, ...]) -> Ran:
        controller.forget_before(SOURCE + number - 1)
        controller.asked.clear()
        if number in (150, 349):
            gc.collect()
            kept[number] = len(gc.get_objects())
        return hopeless(number, hosts)

    controller = RelaunchingController(measuring, "web1", "web2", "web3")
    outcome = failed_after(controller, 350)

    assert outcome.ended == "retries_used_up"
    assert (len(outcome.attempts), outcome.attempts_more) == (ATTEMPTS_KEPT, 350 - ATTEMPTS_KEPT)
    assert outcome.attempts[-1]["attempt"] == 350
    assert (kept[349] - kept[150]) / 199 < 10
