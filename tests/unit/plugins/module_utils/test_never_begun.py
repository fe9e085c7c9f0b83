# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts a job was meant for and never began on; see also test_cut_short.py, where recorded jobs tell it."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible.inventory.manager import split_host_pattern

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import HostSummary, Job
from ansible_collections.relaunch.controller.plugins.module_utils._api.paging import NAMES_LIMIT
from ansible_collections.relaunch.controller.plugins.module_utils._work.host_patterns import (
    GROUPS_LIMIT,
    HostPattern,
    terms,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.never_begun import (
    HOSTS_KNOWN_FOR,
    HOSTS_NAMED,
    NO_INVENTORY,
    NOT_READABLE,
    NOT_TOLD,
    OF_SLICE,
    InventoryHosts,
    NeverBegun,
    Targets,
    read_left_out,
    read_never_begun,
    targets,
)
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, job, listed
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

HOSTS, GROUPS = "/api/v2/inventories/1/hosts/", "/api/v2/inventories/1/groups/"


def pattern(names: str = "", among: str = "", without: str = "") -> HostPattern:
    return HostPattern(*(frozenset(part.split()) for part in (names, among, without)))


@pytest.mark.parametrize(
    ("limit", "patterns", "names", "besides"),
    [
        ("", {"all"}, "", []),
        ("", {"web", "all"}, "", []),
        ("", {"web", "db"}, "db web", []),
        ("", {"web,db"}, "db web", []),
        ("", {"web:db:cache"}, "cache db web", []),
        ("", {"web:!db"}, "web", [{pattern(without="db")}]),
        ("", {"web:!db", "cache"}, "cache web", [{pattern("web", without="db"), pattern("cache")}]),
        ("", {"!db"}, "", [{pattern(without="db")}]),
        ("", {"web*"}, "", [{pattern("web*")}]),
        ("", {"~web.*", "db"}, "", [{pattern("~web.*"), pattern("db")}]),
        ("", {"web[0]"}, "", [{pattern("web[0]")}]),
        ("web1,web2", {"all"}, "web1 web2", []),
        ("web1:web2", {"web"}, "web1 web2", [{pattern("web")}]),
        ("web", {"web"}, "web", []),
        ("web", {"web:&prod"}, "web", [{pattern("web", "prod")}]),
        ("all", {"all"}, "", []),
        ("all,!db1", {"all"}, "", [{pattern(without="db1")}]),
        ("*:&prod:!db1", {"web"}, "web", [{pattern("", "prod", "db1")}]),
        ("*", {"web"}, "web", []),
        ("web*", {"all"}, "", [{pattern("web*")}]),
        ("web*", {"web"}, "web", [{pattern("web*")}]),
        ("web1,", {"all"}, "web1", []),
        ("2001:db8::1,rack:1", {"all"}, "2001:db8::1 rack:1", []),
    ],
)
def test_whom_it_is_meant_for(limit: str, patterns: set[str], names: str, besides: list[set[HostPattern]]) -> None:
    assert targets(limit, patterns) == Targets(frozenset(names.split()), tuple(map(frozenset, besides)))


@pytest.mark.parametrize(
    "pattern",
    [
        "web1",
        " web1, db 2 ,,rack:3,",
        "web:&prod:!db 1",
        "2001:db8::1",
        "2001:db8::1,::2",
        "web1:22",
        "!web1:22",
        "web[0:5]:db",
        "web;db",
    ],
)
def test_patterns_are_split_as_by_ansible(pattern: str) -> None:
    assert terms(pattern) == frozenset(split_host_pattern(pattern))


Ask = t.Callable[..., NeverBegun]


@pytest.fixture
def ask(client: ControllerClient) -> Ask:
    """Whom job 42 never began on, which has summaries of these hosts; of those with a star the row is gone."""

    def ask(pattern: str = "all", ran: str = "web1", every: bool = False, **facts: t.Any) -> NeverBegun:
        rows = [HostSummary(None if "*" in name else 1, name, name.strip("*"), failed=True) for name in ran.split()]
        return read_never_begun(client, Job.of(job(42, **facts)), {pattern}, lambda: rows, every)

    return ask


def named(*names: str, count: int = 0) -> dict[str, t.Any]:
    return {**listed(*({"name": name} for name in names)), "count": count or len(names)}


def test_nothing_is_asked_where_nothing_can_have_been_left(controller: ScriptedController, ask: Ask) -> None:
    assert ask(limit="web1,web2", ran="web1 web2") == NeverBegun()
    assert controller.asked == []


def test_the_enabled_ones_from_before_it_without_a_summary(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", HOSTS, body=named("web2", "web3"))

    assert ask() == NeverBegun(("web2", "web3"))
    query = controller.asked[0].query
    assert (query["enabled"], query["not__job_host_summaries__job"]) == ("true", "42")
    assert query["created__lt"] == job(42)["started"]


def test_of_many_the_first_are_named(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", HOSTS, body=named("web2", count=900))

    assert ask() == NeverBegun(("web2",), 899)
    assert controller.asked[0].query["page_size"] == str(HOSTS_NAMED)


def test_one_that_is_deleted_between_two_pages_hides_no_other(controller: ScriptedController, ask: Ask) -> None:
    first = [{"id": number, "name": f"web{number}"} for number in range(2, 202)]
    controller.expect("GET", HOSTS, body={**listed(*first), "next": "/more"})
    controller.expect("GET", HOSTS, body=named("web202"))

    assert len(ask(every=True).hosts) == 201
    assert [asked.query.get("id__gt") for asked in controller.asked] == [None, "201"]


def test_of_those_that_a_success_left_out_it_hides_none_either(
    controller: ScriptedController, client: ControllerClient
) -> None:
    first = [{"id": number, "name": f"web{number}"} for number in range(2, 202)]
    controller.expect("GET", HOSTS, body={**listed(*first), "next": "/more"})
    controller.expect("GET", HOSTS, body=named("web202"))

    assert len(read_left_out(client, Job.of(job(42)), changed=False) or ()) == 201
    assert [asked.query.get("id__gt") for asked in controller.asked] == [None, "201"]


class TestHostsOfInventories:
    """What many jobs share. Inventory 1 has web1 since nine hours, and job 42 ran on it two hours ago."""

    NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
    RAN = frozenset({"web1"})

    def all_in(self, hosts: InventoryHosts, launched: timedelta = timedelta(hours=-2)) -> bool:
        return hosts.all_in(Job.of(job(42, started=written(self.NOW + launched))), self.RAN)

    def row(self, name: str, added: timedelta = timedelta(hours=-9)) -> dict[str, t.Any]:
        moment = written(self.NOW + added)
        return {"name": name, "inventory": 1, "created": moment, "modified": moment}

    @pytest.mark.parametrize(("inventories", "path"), [({}, HOSTS), ({1: 1, 2: 1}, "/api/v2/hosts/")])
    @pytest.mark.parametrize("later", ["a job launched since", "after their time"])
    def test_they_are_asked_for_anew(
        self, controller: ScriptedController, inventories: dict[int, int], path: str, later: str
    ) -> None:
        """A host was added in between, or enabled, and the job has not begun on it."""
        clock, of_job = Clock(), timedelta(hours=-2)
        connection = ConnectionOptions(controller.url, token="t", max_retries=0)
        with ControllerClient(connection, clock.read, clock.sleep) as client:
            hosts = InventoryHosts(client, inventories)
            controller.expect("GET", path, body=listed(self.row("web1")))
            assert [self.all_in(hosts) for _time in range(2)] == [True, True]

            if later == "after their time":
                clock.now += HOSTS_KNOWN_FOR
            else:
                of_job = client.now() - self.NOW + timedelta(hours=2)
            both = listed(self.row("web1"), self.row("web2", of_job - timedelta(hours=1)))
            controller.whenever("GET", HOSTS, body=both)
            controller.whenever("GET", "/api/v2/hosts/", body=both)
            assert not self.all_in(hosts, of_job)

    @pytest.mark.parametrize("inventories", [{}, {1: 1, 2: 1}])
    def test_an_answer_without_a_list_does_not_say_that_there_are_none(
        self, controller: ScriptedController, client: ControllerClient, inventories: dict[int, int]
    ) -> None:
        controller.whenever("GET", "/api/v2/hosts/", body={"message": "service degraded"})
        controller.whenever("GET", HOSTS, body={"message": "service degraded"})
        with pytest.raises(AnswerError, match="without the list"):
            self.all_in(InventoryHosts(client, inventories))
        several = Job.of(job(42, summary_fields={"inventory": {"total_hosts": 1}}))
        with pytest.raises(AnswerError, match="without the list"):
            InventoryHosts(client, inventories).may_make_no_limit(several)

    def test_for_one_of_many_hosts_no_others_are(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", HOSTS, body=listed(self.row("web1")))
        assert self.all_in(InventoryHosts(client, {1: HOSTS_NAMED + 1, 2: 1, 3: 1}))
        assert [asked.path for asked in controller.asked] == [HOSTS]


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_group_and_names_of_no_group_are_asked_for_their_hosts(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", GROUPS, body=listed({"id": 7, "name": "web"}))
    controller.expect("GET", "/api/v2/groups/7/all_hosts/", body=named("web2", count=2))
    controller.expect("GET", HOSTS, body=named("db1", "web2"))

    assert ask(limit="web,db1") == NeverBegun(("db1", "web2"), 1)
    assert controller.asked[2].query["name__in"] == "db1,web"


def test_groups_that_are_all_that_is_meant(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", GROUPS, body=listed({"id": 7, "name": "web"}))
    controller.expect("GET", "/api/v2/groups/7/all_hosts/", body=named())

    assert ask("web") == NeverBegun()


def test_as_many_names_as_fit_into_a_request_are_asked_for(controller: ScriptedController, ask: Ask) -> None:
    names = [f"web{number}" for number in range(NAMES_LIMIT + 1)]
    controller.expect("GET", GROUPS, body=listed())
    controller.expect("GET", HOSTS, body=named("web2"))
    controller.expect("GET", HOSTS, body=named(*names))

    assert ask(limit=",".join(names)) == NeverBegun(("web2",))


def test_plays_that_leave_out_some_matter_only_if_some_are_left(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", GROUPS, body=listed())
    controller.expect("GET", HOSTS, body=named())
    controller.expect("GET", HOSTS, body=named("web2"))

    assert ask("web", limit="web1,web2") == NeverBegun()


def test_an_inventory_that_has_lost_hosts_since_has_none_left(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", HOSTS, 403, DENIED)

    assert ask(ran="web1 web2", summary_fields={"inventory": {"total_hosts": 1}}) == NeverBegun()


@pytest.mark.parametrize(("facts", "why"), [({"inventory": None}, NO_INVENTORY), ({"job_slice_count": 2}, OF_SLICE)])
def test_what_is_not_told_is_not_asked_for(
    controller: ScriptedController, ask: Ask, facts: dict[str, t.Any], why: str
) -> None:
    assert ask(**facts) == NeverBegun(unknown=why)
    assert controller.asked == []


left_or_not = pytest.mark.parametrize(
    ("left", "expected"), [(("web2",), NeverBegun(unknown=NOT_TOLD)), ((), NeverBegun())], ids=["left", "none left"]
)


@left_or_not
@pytest.mark.parametrize(
    "facts",
    [{"limit": "~web.*"}, {"limit": ",".join(f"web{number}" for number in range(NAMES_LIMIT + 2))}],
    ids=["an expression", "too many names"],
)
def test_whom_it_is_meant_for_matters_only_if_some_are_left(
    controller: ScriptedController, ask: Ask, facts: dict[str, t.Any], left: tuple[str, ...], expected: NeverBegun
) -> None:
    controller.expect("GET", HOSTS, body=named(*left))

    assert ask(**facts) == expected


@pytest.mark.parametrize(
    ("limit", "left", "expected"),
    [
        ("web*", "web2 web3", NeverBegun(("web2", "web3"))),
        ("web*", "web2 db1", NeverBegun(("web2",), unknown=NOT_TOLD)),
        ("all:!web*", "web2", NeverBegun()),
        ("all:!web*", "web2 db1", NeverBegun(unknown=NOT_TOLD)),
        ("all:&web?", "web2 web10", NeverBegun(("web2",), unknown=NOT_TOLD)),
    ],
)
def test_a_wildcard_tells_of_the_hosts_whose_names_it_fits(
    controller: ScriptedController, ask: Ask, limit: str, left: str, expected: NeverBegun
) -> None:
    """Of the others it does not, since they may be in a group whose name it fits."""
    controller.expect("GET", HOSTS, body=named(*left.split()))

    assert ask(limit=limit) == expected


@left_or_not
def test_more_groups_than_are_worth_asking(
    controller: ScriptedController, ask: Ask, left: tuple[str, ...], expected: NeverBegun
) -> None:
    controller.expect("GET", GROUPS, body={**listed({"id": 7}), "next": "/next"})
    controller.expect("GET", HOSTS, body=named(*left))

    assert ask("web,db,cache") == expected
    assert controller.asked[0].query["page_size"] == str(GROUPS_LIMIT)


@left_or_not
def test_a_name_of_nothing_may_be_that_of_a_group(
    controller: ScriptedController, ask: Ask, left: tuple[str, ...], expected: NeverBegun
) -> None:
    """Such as ``ungrouped``, one that was renamed, or one that the playbook made. For localhost there is no group."""
    controller.expect("GET", GROUPS, body=listed())
    for names in ((), (), left):
        controller.expect("GET", HOSTS, body=named(*names))

    assert ask("localhost,made") == expected
    assert controller.asked[2].query["name__in"] == "made"


def test_an_excluded_name_of_nothing_may_be_that_of_a_group(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", HOSTS, body=named("web2"))
    controller.expect("GET", GROUPS, body=listed())
    controller.expect("GET", HOSTS, body=named())

    assert ask("all:!made") == NeverBegun(unknown=NOT_TOLD)


@pytest.mark.parametrize(("member", "expected"), [("web2", NeverBegun(("web2",))), ("web3", NeverBegun())])
def test_hosts_of_the_limit_are_left_where_a_play_is_for_them(
    controller: ScriptedController, ask: Ask, member: str, expected: NeverBegun
) -> None:
    controller.expect("GET", GROUPS, body=listed())
    controller.expect("GET", HOSTS, body=named("web2"))
    controller.expect("GET", GROUPS, body=listed({"id": 7, "name": "web"}))
    controller.expect("GET", "/api/v2/groups/7/all_hosts/", body=named(member))

    assert ask("web", limit="web1,web2") == expected


def test_a_member_with_a_comma_in_its_name_is_asked_for_alone(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", HOSTS, body=named("web,2", "web3"))
    controller.expect("GET", GROUPS, body=listed({"id": 7, "name": "web"}))
    for member in ("web3", "web,2"):
        controller.expect("GET", "/api/v2/groups/7/all_hosts/", body=named(member))

    assert ask("w*", limit="all:&web") == NeverBegun(("web,2", "web3"))
    assert [asked.query.get("name") for asked in controller.asked[2:]] == [None, "web,2"]


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    ("pattern", "total", "ran", "expected"),
    [
        ("all", 3, "web1", NeverBegun(more=2, unknown=NOT_READABLE)),
        ("all", 1, "web1", NeverBegun()),
        # A host that was deleted, or never had a row, is not among the total.
        ("all", 2, "web1 web2*", NeverBegun(more=1, unknown=NOT_READABLE)),
        ("web", 3, "web1", NeverBegun(unknown=NOT_READABLE)),
        ("all", None, "web1", NeverBegun(unknown=NOT_TOLD)),
    ],
)
def test_without_the_inventory_the_number_of_its_hosts_is_known(
    controller: ScriptedController,
    ask: Ask,
    status: int,
    pattern: str,
    total: int | None,
    ran: str,
    expected: NeverBegun,
) -> None:
    controller.expect("GET", HOSTS if pattern == "all" else GROUPS, status, DENIED)

    assert ask(pattern, ran, summary_fields={"inventory": {"total_hosts": total}}) == expected


def test_any_other_trouble_is_an_error(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", HOSTS, 500, {"detail": "Oops."})

    with pytest.raises(AnswerError, match="Oops"):
        ask()


@pytest.mark.parametrize(
    ("path", "pattern", "limit"),
    [
        (HOSTS, "all", ""),
        (GROUPS, "all", "web"),
        ("/api/v2/groups/7/all_hosts/", "all", "web"),
        (GROUPS, "all:!web", ""),
    ],
)
def test_an_answer_without_a_list_does_not_say_that_there_are_none(
    controller: ScriptedController, ask: Ask, path: str, pattern: str, limit: str
) -> None:
    controller.whenever("GET", HOSTS, body=named("web2"))
    controller.whenever("GET", GROUPS, body=listed({"id": 7, "name": "web"}))
    controller.whenever("GET", path, body={"message": "service degraded"})

    with pytest.raises(AnswerError, match="without the list"):
        ask(pattern, limit=limit)


def test_hosts_of_a_constructed_inventory_are_other_rows(controller: ScriptedController, ask: Ask) -> None:
    controller.expect("GET", HOSTS, body=named())

    ask(summary_fields={"inventory": {"kind": "constructed"}})
    assert controller.asked[0].query["not__constructed_host_summaries__job"] == "42"
