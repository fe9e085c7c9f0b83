# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules: which failed hosts are retried when, and which need a person."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    ControllerError,
    JobUnsuccessfulError,
    OptionError,
    ParkedError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import first_error, outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._retry.retry_failed_hosts import (
    RetryOutcome,
    retry_failed_hosts,
)
from ansible_collections.relaunch.controller.plugins.module_utils._retry.rules import first_fitting, rules_of
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import prompts
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import (
    SOURCE,
    Ran,
    RelaunchingController,
    hopeless,
    retry_request,
)
from ansible_collections.relaunch.controller.tests.unit.templates_as_data import needs

HOUR = 3600.0

LICENCE = {"task": "Check the licence", "module": "ansible.builtin.fail", "message": "The licence has expired"}
NO_ROUTE = {"task": "Gathering Facts", "module": "gather_facts", "message": "No route to host", "unreachable": True}
UNREACHABLE = {"unreachable": True, "action": "retry", "delay": HOUR, "retries": 60}
PARKED = {"message": "licence", "action": "park", "reason": "renew the licence"}
RULES = [PARKED, UNREACHABLE]

TWENTY = tuple(f"web{number:02}" for number in range(1, 21))
ONE = "web21"


class World(RelaunchingController):
    """Hosts are unreachable, but for those in ``expired``, which fail on a task."""

    def __init__(self, ran: t.Callable[[int, tuple[str, ...]], Ran], *failed: str) -> None:
        super().__init__(ran, *failed)
        self.expired = {ONE}

    def _events(self, number: int, query: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
        if "runner_on_failed" not in query.get("event__in", ""):
            return super()._events(number, query)
        return [_failure(name, name in self.expired) for name, bad in self._hosts[number].items() if bad]

    @property
    def launched(self) -> list[set[str]]:
        """The hosts of each relaunch of the task."""
        return [set(one["limit"].split(",")) for one in self.jobs.values() if one["launch_type"] == "relaunch"]

    def _answer(self, method: str, parts: list[str], query: dict[str, str], sent: t.Any) -> tuple[int, t.Any]:
        """The template asks for its limit, and is launched with one."""
        if parts == ["job_templates", "7", "launch"]:
            return (201, self._launch(json.loads(sent)["limit"])) if method == "POST" else (200, needs("limit"))
        if parts[0] == "job_templates":
            return 200, {"id": 7}
        if parts[-1] == "create_schedule":
            return 200, prompts()
        return super()._answer(method, parts, query, sent)

    def _launch(self, limit: str) -> dict[str, t.Any]:
        number = max(self.jobs) + 1
        hosts = self._ran(number - SOURCE, tuple(limit.split(",")))
        assert not isinstance(hosts, str)
        self.ended(number, hosts)
        return {**self.jobs[number], "status": "pending", "finished": None, "started": None, "ignored_fields": {}}


def _failure(host: str, expired: bool) -> dict[str, t.Any]:
    told = LICENCE if expired else NO_ROUTE
    return {
        "event": "runner_on_failed" if expired else "runner_on_unreachable",
        "counter": 9,
        "parent_uuid": "u2",
        "host_name": host,
        "event_data": {"task": told["task"], "task_action": told["module"], "res": {"msg": told["message"]}},
    }


def retry(
    world: World,
    rules: t.Sequence[t.Mapping[str, t.Any]],
    clock: Clock | None = None,
    lines: list[str] | None = None,
    **options: t.Any,
) -> tuple[RetryOutcome, BaseException | None]:
    request = retry_request(rules=rules, **options)
    with world.client(clock or Clock()) as client:
        try:
            return retry_failed_hosts(client, request, tell=None if lines is None else lines.append), None
        except ControllerError as error:
            outcome = outcome_of(error)
            assert isinstance(outcome, RetryOutcome)
            return outcome, first_error(error)


class TestTwentyUnreachableAndOneThatNeedsAPerson:
    def test_the_twenty_are_retried_for_two_days_and_never_the_one(self) -> None:
        """A person has run the job on the twenty alone, so that a relaunch can leave the one out."""
        back = 49
        world = World(lambda number, hosts: dict.fromkeys(hosts, number < back), *TWENTY, ONE)
        world.ended(43, dict.fromkeys(TWENTY, True))
        clock = Clock()

        outcome, error = retry(world, RULES, clock)

        assert world.launched == [set(TWENTY)] * 48
        assert 47 * HOUR <= clock.now < 48 * HOUR
        assert isinstance(error, ParkedError) and f"{ONE} (renew the licence)" in str(error)
        assert (outcome.ended, outcome.parked) == ("parked", {ONE: "renew the licence"})
        assert outcome.remaining_hosts == (ONE,)
        assert outcome.recovered == dict.fromkeys(TWENTY, 48)
        assert outcome.summary[-1] == f"{ONE}: parked: renew the licence"

    def test_with_hosts_remaining_the_one_is_left_out(self) -> None:
        back = 48
        world = World(lambda number, hosts: dict.fromkeys(hosts, number < back), *TWENTY, ONE)
        clock = Clock()

        outcome, error = retry(world, RULES, clock, hosts="remaining")

        assert world.posts == ["job_templates/7/launch/"] * 48
        assert [set(one["limit"].split(",")) for number, one in world.jobs.items() if number > SOURCE] == (
            [set(TWENTY)] * 48
        )
        assert 47 * HOUR <= clock.now < 48 * HOUR
        assert isinstance(error, ParkedError)
        assert (outcome.ended, outcome.parked) == ("parked", {ONE: "renew the licence"})
        assert (outcome.remaining_hosts, len(outcome.recovered or ())) == ((ONE,), 20)

    def test_the_job_is_not_retried_where_all_would_take_the_one(self) -> None:
        world, clock = World(hopeless, *TWENTY, ONE), Clock()

        outcome, error = retry(world, RULES, clock)

        assert (world.posts, outcome.ended, outcome.changed) == ([], "parked", False)
        assert isinstance(error, ParkedError)
        assert f"{ONE} (renew the licence). web01, web02" in str(error)
        assert "can only be retried with them" in str(error)
        assert clock.now < 60

    def test_it_goes_on_when_a_person_has_seen_to_the_one(self) -> None:
        world = World(lambda _number, hosts: dict.fromkeys(hosts, False), *TWENTY, ONE)
        world.ended(43, {ONE: False})

        outcome, error = retry(world, RULES)

        assert (error, outcome.ended, outcome.parked) == (None, "none_left", None)
        assert outcome.remaining_hosts == ()


class TestRounds:
    def test_a_host_that_comes_to_need_a_person_ends_them_without_another_delay(self) -> None:
        world, clock = World(hopeless, "web01", "web02"), Clock()
        world.expired.clear()

        def ran(number: int, hosts: tuple[str, ...]) -> Ran:
            if number == 2:
                world.expired.add("web02")
            return dict.fromkeys(hosts, True)

        world._ran = ran
        outcome, error = retry(world, RULES, clock)

        assert (len(world.posts), outcome.ended, outcome.parked) == (2, "parked", {"web02": "renew the licence"})
        assert clock.now < 2 * HOUR
        assert "web01 can only be retried with them" in str(error)
        assert outcome.remaining_hosts == ("web01", "web02")

    def test_but_not_where_it_can_be_left_out(self) -> None:
        world = World(hopeless, "web01", "web02")
        world.before = lambda _path: world.expired.add("web02") if 44 in world.jobs else None

        outcome, _error = retry(world, RULES, hosts="remaining")

        assert (len(world.posts) > 10, outcome.ended) == (True, "retries_used_up")
        assert outcome.parked == {"web02": "renew the licence"}

    def test_it_ends_at_once_where_only_such_are_left(self) -> None:
        world, clock = World(lambda _number, hosts: {name: name == ONE for name in hosts}, "web01", ONE), Clock()
        world.expired.clear()
        world.before = lambda _path: world.expired.add(ONE) if 43 in world.jobs else None

        outcome, error = retry(world, RULES, clock)

        assert (len(world.posts), outcome.ended) == (1, "parked")
        assert isinstance(error, ParkedError) and f"What is left is parked: {ONE} (renew the licence)." in str(error)
        assert clock.now < 60

    def test_it_ends_at_once_where_the_others_that_are_left_are_gone(self) -> None:
        world, clock = (
            World(lambda _number, hosts: {name: name == ONE for name in hosts}, "web01", "web02", ONE),
            Clock(),
        )
        world.expired.clear()
        world.before = lambda _path: world.expired.add(ONE) if 43 in world.jobs else None
        world.deleted.add("web02")

        outcome, error = retry(world, RULES, clock)

        assert (len(world.posts), outcome.ended, outcome.gone_hosts) == (1, "parked", ("web02",))
        assert isinstance(error, ParkedError) and clock.now < 30

    def test_the_longest_delay_counts_and_the_others_grow_as_before(self) -> None:
        world, clock = World(hopeless, "web01", ONE), Clock()
        rules = [{"unreachable": True, "action": "retry", "delay": 90}]

        retry(world, rules, clock, retries=4, delay=30)

        assert [pause for pause in clock.slept if pause >= 30] == [90, 90, 120]

    def test_each_host_has_the_retries_of_its_rule(self) -> None:
        world = World(hopeless, "web01")
        rules = [{"unreachable": True, "action": "retry", "delay": 5, "retries": 7}]
        lines: list[str] = []

        outcome, error = retry(world, rules, lines=lines, retries=2)

        assert [line.split(" in ")[0] for line in lines] == [f"attempt {number} of 7" for number in range(2, 8)]
        assert (len(world.posts), outcome.ended) == (7, "retries_used_up")
        assert isinstance(error, JobUnsuccessfulError) and "after 7 attempts" in str(error)

    def test_a_parked_host_that_is_left_out_does_not_keep_the_others_going(self) -> None:
        world = World(hopeless, "web01", ONE)
        rules = [PARKED, {"action": "retry", "retries": 2}]

        outcome, error = retry(world, rules, hosts="remaining")

        assert (len(world.posts), outcome.ended, outcome.parked) == (2, "retries_used_up", {ONE: "renew the licence"})
        assert f"still fails on web01 after 2 attempts. Parked: {ONE} (renew the licence)." in str(error)

    def test_where_the_rule_gives_no_reason_the_result_says_that_a_host_needs_a_person(self) -> None:
        world = World(hopeless, "web01", ONE)

        outcome, error = retry(world, [{"message": "licence", "action": "park"}, UNREACHABLE])

        assert (world.posts, outcome.parked) == ([], {ONE: "no reason given"})
        assert f"{ONE} (no reason given)" in str(error)
        assert f"{ONE}: parked: no reason given" in outcome.summary

    @pytest.mark.parametrize("which", ["deleted", "disabled"])
    def test_a_host_that_nothing_runs_on_does_not_hold_up_the_others(self, which: str) -> None:
        world, clock = World(lambda _number, _hosts: {"web01": True}, "web01", ONE), Clock()
        world.relaunch(SOURCE)
        getattr(world, which).add(ONE)
        long = {"message": "licence", "action": "retry", "delay": HOUR, "retries": 60}

        outcome, _error = retry(world, [long, {"action": "retry", "delay": 5, "retries": 2}], clock)

        assert (len(world.posts), outcome.ended, outcome.remaining_hosts) == (2, "retries_used_up", ("web01", ONE))
        assert clock.now < HOUR

    def test_a_parked_host_that_no_relaunch_reaches_does_not_hold_up_the_others(self) -> None:
        """It was deleted and added again. The first relaunch, on the other one alone, ends before it begins."""
        world = World(lambda number, hosts: "error" if number == 1 else dict.fromkeys(hosts, False), "web01", ONE)
        world.added_again[ONE] = SOURCE

        outcome, error = retry(world, RULES)

        assert [job["limit"] for number, job in world.jobs.items() if number > SOURCE] == ["web01", "web01"]
        assert (outcome.recovered, outcome.remaining_hosts) == ({"web01": 2}, (ONE,))
        assert isinstance(error, ParkedError) and outcome.parked == {ONE: "renew the licence"}

    def test_a_host_that_is_added_again_in_a_delay_is_retried(self) -> None:
        """An overwriting sync of the inventory deletes hosts, and adds them again."""
        world, clock = World(lambda number, hosts: dict.fromkeys(hosts, number == 1), "web01", "web02"), Clock()
        world.before = lambda _path: world.added_again.update({"web01": 43} if clock.now > HOUR / 2 else {})

        outcome, error = retry(world, [UNREACHABLE], clock, hosts="remaining")

        assert (error, outcome.ended, outcome.remaining_hosts) == (None, "none_left", ())
        assert world.jobs[44]["limit"] == "web01,web02"

    def test_without_a_rule_that_fits_all_is_as_before(self) -> None:
        world, clock = World(hopeless, "web01"), Clock()

        outcome, _error = retry(world, [PARKED], clock, retries=3)

        assert (len(world.posts), outcome.ended) == (3, "retries_used_up")
        assert [pause for pause in clock.slept if pause >= 30] == [30, 60]

    def test_a_disabled_host_is_told_as_such_and_not_as_parked(self) -> None:
        world = World(lambda _number, _hosts: {"web01": False}, "web01", ONE)
        world.relaunch(SOURCE)
        world.disabled.add(ONE)

        outcome, error = retry(world, RULES)

        assert (error, outcome.ended, outcome.remaining_hosts) == (None, "none_can_run", (ONE,))

    def test_a_disabled_host_does_not_keep_the_others_from_their_first_relaunch(self) -> None:
        world = World(lambda _number, hosts: {name: False for name in hosts if name != ONE}, "web01", ONE)
        world.disabled.add(ONE)

        outcome, error = retry(world, RULES)

        assert (error, outcome.ended, outcome.remaining_hosts) == (None, "none_can_run", (ONE,))
        assert (world.posts, outcome.parked) == (["jobs/42/relaunch/"], None)

    def test_events_are_asked_for_once_a_run(self) -> None:
        world = World(hopeless, "web01", "web02")
        world.expired.clear()

        retry(world, RULES, retries=3)

        asked = [path for _method, path, query in world.asked if "runner_on_failed" in query.get("event__in", "")]
        # Of each relaunch once for the rules and once for what is told of it; of the source for the rules alone.
        assert max(asked.count(path) for path in set(asked)) == 2
        assert asked.count(f"jobs/{SOURCE}/job_events/") == 1


class TestWhichRule:
    @pytest.mark.parametrize(
        ("rule", "fits"),
        [
            ({"unreachable": True}, "no route"),
            ({"unreachable": False}, "licence"),
            ({"task": "^Check"}, "licence"),
            ({"task": "check"}, ""),
            ({"module": r"builtin\.fail$"}, "licence"),
            ({"message": "expired|full"}, "licence"),
            ({"message": "route", "task": "Gathering"}, "no route"),
            ({"message": "route", "unreachable": False}, ""),
            ({}, "licence no route"),
        ],
    )
    def test_by_what_it_failed_with(self, rule: dict[str, t.Any], fits: str) -> None:
        rules = rules_of([{**rule, "action": "park"}])
        found = {name: first_fitting(rules, one) for name, one in (("licence", LICENCE), ("no route", NO_ROUTE))}
        assert {name for name, one in found.items() if one in rules} == {name for name in found if name in fits}

    @pytest.mark.parametrize(
        ("pattern", "fits"),
        [
            ("licence of.*has expired", True),
            ("of web01 has", True),
            (r"web01\nhas", True),
            ("(?m)^has", True),
            ("^has", False),
        ],
    )
    def test_in_a_message_of_several_lines_as_it_is_and_as_the_summary_shows_it(self, pattern: str, fits: bool) -> None:
        (rule,) = rules_of([{"message": pattern, "action": "park"}])
        assert rule.fits({"message": "The licence of web01\nhas expired"}) is fits

    def test_the_first_that_fits(self) -> None:
        rules = rules_of([{"unreachable": True, "action": "retry", "delay": 1}, {"action": "park"}])
        assert first_fitting(rules, NO_ROUTE) is rules[0]
        assert first_fitting(rules, LICENCE) is rules[1]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"hosts": "web", "action": "park"}, "rules: rule 1 has no hosts. A rule takes unreachable, task, module"),
        ({"message": "(", "action": "park"}, "rules: rule 1: message is no regular expression: '('"),
        ({"task": "*", "action": "retry"}, "rules: rule 1: task is no regular expression"),
        ({"message": "x"}, "rules: rule 1 needs an action: retry or park."),
        ({"action": "wait"}, "needs an action"),
        ({"action": "park", "delay": 5.0}, "has delay, which does not go with action: park."),
        ({"action": "park", "retries": 5}, "has retries, which does not go with action: park."),
        ({"action": "retry", "reason": "x"}, "has reason, which does not go with action: retry."),
        ({"action": "retry", "delay": -1.0}, "delay must be a number from 0 to 2147483647, not -1."),
        ({"action": "retry", "delay": float("inf")}, "delay must be a number"),
        ({"action": "retry", "delay": 1e10}, "rules: rule 1: delay must be a number from 0 to 2147483647, not 1e+10."),
        *(
            ({"action": "retry", name: value}, f"rules: rule 1: {name} must be a number of at most 2147483647.")
            for name in ("delay", "retries")
            for value in (float("inf"), float("nan"), "inf", "1e99999999", True)
        ),
        *(
            ({"action": "park", name: value}, f"rules: rule 1: {name} must be one text, not a list or a dictionary.")
            for name in ("task", "module", "message", "reason")
            for value in (["licence has expired", "no space left"], {"pattern": "licence"})
        ),
        ({"action": "retry", "retries": 0}, "retries must be a number from 1 to 2147483647, not 0."),
        ({"action": "retry", "retries": 10**30}, "retries must be a number from 1 to 2147483647, not 1"),
    ],
)
def test_a_wrong_rule_is_refused_before_anything_is_sent(rule: dict[str, t.Any], said: str) -> None:
    world = World(hopeless, "web01")
    with pytest.raises(OptionError) as refused:
        retry(world, [rule])
    assert said in str(refused.value)
    assert world.asked == []


def test_which_of_several_is_wrong() -> None:
    with pytest.raises(OptionError, match="rule 2"):
        rules_of([PARKED, {"action": "retry", "retries": 0}])
