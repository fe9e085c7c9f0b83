# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts a job was meant for and never began on. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime

from .._api.client import ControllerClient
from .._api.errors import AnswerError, if_visible
from .._api.jobs import HostSummary, Job, grouped, parse_time
from .._api.paging import NAMES_LIMIT, NUMBERS_AT_ONCE, PAGE_SIZE, by_names, entries_in, rows_named
from .host_patterns import GROUPS_LIMIT, ODD_PARTS, ODD_STARTS, HostPattern, PatternHosts, are_plain, may_be_no_limit
from .ledger import OtherHost

# So many hosts are named; of more the number is told.
HOSTS_NAMED = 200


@dataclass(frozen=True)
class NeverBegun:
    """Enabled hosts of the inventory that a job was meant for, and that have no summary in it.

    :param hosts: by name, the first of them.
    :param more: how many more there are; where it is unknown which, at most.
    :param unknown: why it cannot be known whether there are others; empty where it can.
    """

    hosts: tuple[str, ...] = ()
    more: int = 0
    unknown: str = ""


# Why it cannot be known, for a sentence.
NOT_TOLD = "its limit and its plays do not tell whom it was meant for"
NO_INVENTORY = "its inventory is gone"
OF_SLICE = "it ran on a slice of its inventory"
NOT_READABLE = "its inventory, which has more hosts than it ran on, may not be read"
MADE = "a play that no run has begun is for hosts that its inventory does not have, such as those made by the playbook"


@dataclass(frozen=True)
class Targets:
    """Whom a job is meant for.

    :param names: the hosts and groups that they are, or are in; everybody where there are none.
    :param besides: of each of these a host has to be meant by one pattern.
    """

    names: frozenset[str] = frozenset()
    besides: tuple[frozenset[HostPattern], ...] = ()


# For so many seconds the hosts of an inventory are known to many.
HOSTS_KNOWN_FOR = 10.0


_Row = dict[str, t.Any]


@dataclass(frozen=True)
class _Listed:
    """
    :param hosts: None where they are many, or may not be read.
    :param began: when they were asked for, by the client's clock.
    :param answered: when that was answered, by the controller's.
    """

    hosts: t.Optional[list[_Row]]
    began: float
    answered: datetime


class InventoryHosts:
    """The hosts of inventories, for many jobs that are planned, or judged, within seconds.

    :param asked_for: those that will be asked about, with the number of hosts that they are said to have; it may grow.
        One question serves several.
    """

    def __init__(self, client: ControllerClient, asked_for: t.Mapping[int, int]) -> None:
        self._client = client
        self._asked_for = asked_for
        self._known: dict[int, _Listed] = {}
        # Those of which a list of several inventories tells nothing.
        self._alone: set[int] = set()
        self._with_odd_names: dict[int, bool] = {}

    def may_make_no_limit(self, job: Job) -> bool:
        """Whether some failed hosts of a job, of which a list does not tell how many they are, may make no limit: very
        many, or a single one with a name that is none; see ``limit_problem``.

        :raises ControllerError: the controller could not be asked.
        """
        total = job.inventory_hosts or 0
        if not job.inventory or (total > 1 and may_be_no_limit(total)):
            return bool(job.inventory)
        if job.inventory not in self._with_odd_names:
            others = sorted({*self._asked_for}.difference(self._with_odd_names, {job.inventory}))
            asked = [job.inventory, *others[: NUMBERS_AT_ONCE - 1]]
            one_of = ",".join(map(str, asked))
            # Of those that this user may not see it shows none, so that the new job has to tell.
            odd = {"or__name__contains": ODD_PARTS, "or__name__startswith": ODD_STARTS}
            answer = self._client.get("hosts/", inventory__in=one_of, **odd, page_size=PAGE_SIZE)
            named = {row.get("inventory") for row in entries_in(answer, "hosts/")}
            self._with_odd_names.update((one, bool(answer.get("next")) or one in named) for one in asked)
        return self._with_odd_names[job.inventory]

    def all_in(self, job: Job, ran: frozenset[str]) -> bool:
        """Whether a job surely ran on all enabled hosts that its inventory had before it.

        :param ran: by their names in the job, the hosts that it ran on.
        :raises ControllerError: the controller could not be asked.
        """
        then = parse_time(job.took_hosts)
        hosts = self._hosts(job.inventory, then) if job.inventory else None
        if hosts is None:
            return False
        before = [host for host in hosts if parse_time(host.get("created")) < then]
        # One that was changed since may have had another name.
        return all(host.get("name") in ran and parse_time(host.get("modified")) < then for host in before)

    def unchanged_since(self, job: Job) -> bool:
        """Whether surely no enabled host of a job's inventory was added or changed since the job took its hosts, and
        none was renamed before that and is in the job's limit by its old name. A launch may bring copies to a
        constructed one.

        :raises ControllerError: the controller could not be asked.
        """
        then = parse_time(job.took_hosts)
        hosts = self._hosts(job.inventory, then) if job.inventory and not job.in_constructed_inventory else None
        if hosts is None or not job.limit_names.issubset(str(host.get("name")) for host in hosts):
            return False
        return all(parse_time(host.get("modified")) < then for host in hosts)

    def _hosts(self, inventory: int, then: datetime) -> t.Optional[list[_Row]]:
        """Those that it had when a job took them, and has still; None where they are many, or may not be read."""
        if not self._is_known(inventory, then):
            self._ask_for_several(inventory, then)
        if not self._is_known(inventory, then):
            began, hosts = self._client.clock(), self._listed(inventory)
            self._known[inventory] = _Listed(hosts, began, self._client.now())
        return self._known[inventory].hosts

    def _is_known(self, inventory: int, then: datetime) -> bool:
        known = self._known.get(inventory)
        if known is None or known.hosts is None:
            # Of many, or of what may not be read, that is known for good.
            return known is not None
        return self._client.clock() - known.began < HOSTS_KNOWN_FOR and then < known.answered

    def _ask_for_several(self, inventory: int, then: datetime) -> None:
        """Ask for the hosts of an inventory, and of the next ones that are not known, as many as fit on a page."""
        numbers, several, room = list(self._asked_for), list[int](), HOSTS_NAMED
        start = numbers.index(inventory) if inventory in numbers else 0
        for number in numbers[start:] + numbers[:start]:
            hosts = self._asked_for[number]
            if hosts <= room and not (number in self._alone or self._is_known(number, then)):
                several.append(number)
                room -= hosts
        if len(several) < 2 or inventory not in several:
            return
        began, found = self._client.clock(), self._listed_at_once(several)
        answered = self._client.now()
        # Of an inventory that this user may not see it shows no host, and of a smart one neither.
        self._alone.update(set(several).difference(found))
        self._known.update((number, _Listed(hosts, began, answered)) for number, hosts in found.items())

    def _listed_at_once(self, inventories: t.Collection[int]) -> dict[int, list[_Row]]:
        """Hosts by inventory; nothing where they are more than a page, or such a list is refused."""
        one_of = ",".join(map(str, sorted(inventories)))
        try:
            answer = self._client.get("hosts/", inventory__in=one_of, enabled="true", page_size=HOSTS_NAMED)
            rows = entries_in(answer, "hosts/")
        except AnswerError:
            return {}
        return {} if answer.get("next") else grouped(rows, lambda row: int(row["inventory"]))

    def _listed(self, inventory: int) -> t.Optional[list[_Row]]:
        path = f"inventories/{inventory}/hosts/"
        answer = if_visible(lambda: self._client.get(path, enabled="true", page_size=HOSTS_NAMED))
        return None if answer is None or answer.get("next") else entries_in(answer, path)


def targets(limit: str, patterns: t.Collection[str]) -> Targets:
    """Whom plays with these patterns are meant for under a limit."""
    limited = HostPattern.of(limit)
    plays = frozenset(map(HostPattern.of, patterns)) or frozenset({HostPattern()})
    besides, names = [frozenset({limited}), plays], frozenset[str]()
    if limited.names and are_plain(limited.names):
        names = limited.names
        besides = [frozenset({replace(limited, names=frozenset())}), frozenset() if limited in plays else plays]
    elif all(play.names and are_plain(play.names) for play in plays):
        names = names.union(*(play.names for play in plays))
        if not any(play.among or play.without for play in plays):
            besides.remove(plays)
        elif len(plays) == 1:
            besides[-1] = frozenset(replace(play, names=frozenset()) for play in plays)
    return Targets(names, tuple(one for one in besides if one and HostPattern() not in one))


def read_never_begun(
    client: ControllerClient,
    job: Job,
    patterns: t.Collection[str],
    summaries: t.Callable[[], t.Sequence[HostSummary]],
    every: bool = False,
    ran: t.Optional[frozenset[str]] = None,
    besides: t.Callable[[], t.Sequence[OtherHost]] = tuple,
) -> NeverBegun:
    """The hosts that a job never began on: enabled, in the inventory before it, targeted, and without a summary.

    :param patterns: of the plays that it started, or should have.
    :param summaries: brings those of the job, where they are needed.
    :param every: name all of them, however many requests that takes.
    :param ran: the hosts in its statistics, by their names in the job; None where they have not been read.
    :param besides: brings the hosts that others have results of, where only the number of hosts is known, or where no
        host has a name that was meant.
    :raises ControllerError: the controller could not be asked.
    """
    meant = targets(str(job.facts.get("limit") or ""), patterns)
    names = meant.names
    if names:
        names -= ran or {one.name_then for one in summaries()}
        if not names:
            return NeverBegun()
    if not job.inventory or job.sliced:
        return NeverBegun(unknown=OF_SLICE if job.inventory else NO_INVENTORY)

    def read() -> NeverBegun:
        left = _without_summary(client, job, names, every, besides) if every or len(names) <= NAMES_LIMIT else None
        if left is not None:
            return _meant(client, job, meant, left)
        some = _left_in(client, job, f"inventories/{job.inventory}/hosts/").hosts
        return NeverBegun(unknown=NOT_TOLD if some else "")

    found = if_visible(read)
    return _by_number(job, meant, summaries(), besides) if found is None else found


def read_left_out(client: ControllerClient, job: Job, changed: bool) -> t.Optional[list[_Row]]:
    """The rows of the enabled hosts in a job's inventory on which it did not run.

    :param changed: only of those that were changed since it took its hosts.
    :returns: None where this user may not read them; and of a slice, which is meant for some of them alone.
    :raises ControllerError: the controller could not be asked.
    """
    if not job.inventory or job.sliced:
        return None
    since = {"modified__gt": job.took_hosts} if changed else {}
    query = {**_not_run_on(job), **since, "order_by": "id"}
    return if_visible(lambda: list(client.results(f"inventories/{job.inventory}/hosts/", **query)))


def _meant(client: ControllerClient, job: Job, meant: Targets, left: NeverBegun) -> NeverBegun:
    """Those that a job is meant for among hosts that are, or are in, its targets."""
    surely = perhaps = frozenset(left.hosts)
    if not meant.besides or not perhaps:
        return left
    inventory = PatternHosts(client, job.inventory)
    for patterns in meant.besides:
        found = [inventory.among(perhaps, pattern) for pattern in patterns]
        surely &= frozenset[str]().union(*(one.surely for one in found))
        perhaps = frozenset[str]().union(*(one.perhaps for one in found))
    known = surely == perhaps and not left.more
    return NeverBegun(tuple(sorted(surely)), unknown="" if known else NOT_TOLD)


def may_be_made(
    client: ControllerClient, job: Job, patterns: t.Collection[str], one_ran_on_all: t.Callable[[], bool]
) -> bool:
    """Whether the hosts of plays that no run has begun for any may be such as its inventory does not have.

    Not if it has hosts or groups of all these names, which is assumed of what is no name. Where this user may not read
    it, they are if a play was begun for none of all its hosts.

    :param patterns: those of the plays.
    :param one_ran_on_all: tells whether one of these runs was on all hosts of the inventory, where that is asked.
    :raises ControllerError: the controller could not be asked.
    """

    def without_row() -> set[str]:
        left = {name for pattern in map(HostPattern.of, patterns) for name in pattern.names if are_plain([name])}
        for kind in ("groups", "hosts"):
            left -= rows_named(client.results, f"inventories/{job.inventory}/{kind}/", left).keys()
        return left

    left = if_visible(without_row)
    return one_ran_on_all() if left is None else bool(left)


def _by_number(
    job: Job, meant: Targets, summaries: t.Sequence[HostSummary], besides: t.Callable[[], t.Sequence[OtherHost]]
) -> NeverBegun:
    """Who may not read hosts knows how many there are, disabled ones too; of a group that says nothing."""
    total = job.inventory_hosts
    if total is None:
        return NeverBegun(unknown=NOT_TOLD)
    more = max(0, total - sum(one.host is not None for one in summaries))
    more = max(0, more - sum(one.done and isinstance(one.key, int) for one in besides())) if more else 0
    return NeverBegun(more=more if meant == Targets() else 0, unknown=NOT_READABLE if more else "")


def _without_summary(
    client: ControllerClient,
    job: Job,
    names: frozenset[str],
    every: bool,
    besides: t.Callable[[], t.Sequence[OtherHost]],
) -> t.Optional[NeverBegun]:
    """Those with these names, or in groups with them; None where it would take too many requests, or where a name may
    be that of a group which the inventory does not have.
    """
    everybody = f"inventories/{job.inventory}/hosts/"
    if not names:
        return _left_in(client, job, everybody, every)
    known: list[t.Mapping[str, t.Any]] = []
    several, path = by_names("name", names), f"inventories/{job.inventory}/groups/"
    for some in several:
        groups = client.get(path, **some, page_size=GROUPS_LIMIT)
        known.extend(entries_in(groups, path))
        if groups.get("next") or len(known) > GROUPS_LIMIT:
            return None
    found = [_left_in(client, job, f"groups/{group['id']}/all_hosts/", every) for group in known]
    if len(known) < len(names):
        found.extend(_left_in(client, job, everybody, every, **some) for some in several)
    hosts = sorted({host for one in found for host in one.hosts})
    left = names.difference(hosts, (str(group.get("name")) for group in known))
    inventory = PatternHosts(client, job.inventory)
    if not inventory.has_all(left):
        # A host that another run had may have been renamed or deleted since. One that failed is asked about anyway.
        others = [one for one in besides() if one.names & left]
        if not others or not inventory.has_all(left.difference(*(one.names for one in others))):
            return None
        hosts = sorted({*hosts, *(one.name for one in others if not one.failed)})
    return NeverBegun(tuple(hosts), sum(one.more for one in found))


def _left_in(client: ControllerClient, job: Job, hosts: str, every: bool = False, **narrower: str) -> NeverBegun:
    """Those of a list of hosts that are enabled, were there before a job, and have no summary in it."""
    query = {**_not_run_on(job), "created__lt": job.took_hosts, **narrower}
    if every:
        # By their numbers none is left out for one that is deleted meanwhile.
        return NeverBegun(tuple(str(entry.get("name")) for entry in client.results(hosts, **query, order_by="id")))
    answer = client.get(hosts, **query, page_size=HOSTS_NAMED)
    named = tuple(str(entry.get("name")) for entry in entries_in(answer, hosts))
    return NeverBegun(named, max(0, int(answer.get("count") or 0) - len(named)))


def _not_run_on(job: Job) -> dict[str, t.Any]:
    """The query for hosts that are enabled, and have no summary in a job."""
    # A copy has no summary of its own: that is one of the host that it stands for.
    summaries = "constructed_host_summaries" if job.in_constructed_inventory else "job_host_summaries"
    return {"enabled": "true", f"not__{summaries}__job": job.id}
