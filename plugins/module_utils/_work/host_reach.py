# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a relaunch on failed hosts, or a launch by a limit, would run on hosts that are not done.

Private to this collection.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import replace
from datetime import datetime

from .._api.client import ControllerClient
from .._api.errors import if_visible
from .._api.jobs import Job, grouped, parse_time
from .._api.kinds import JOB
from .._api.paging import NUMBERS_AT_ONCE, by_names, by_numbers, rows_named
from .host_patterns import LOCALHOST, UNGROUPED, are_plain, terms
from .ledger import HostRecord, Reach
from .runs import HostKey, Run
from .starts import FAILURE_EVENTS

_T = t.TypeVar("_T")

# Of names fewer fit into a request line than of numbers.
NAMES_AT_ONCE = 50


class ActiveLimits:
    """Asks which names in the limits of active runs are no groups."""

    def __init__(self, client: ControllerClient) -> None:
        self._client = client
        self._no_groups: dict[int, frozenset[str]] = {}

    def with_limit(self, run: Run, records: t.Sequence[HostRecord]) -> Run:
        """A run, with which names in its limit are no groups, where it is active and may be on one of these hosts.

        :raises ControllerError: it could not be read. Who may not read the inventory is not told.
        """
        if not run.job.active:
            return run
        run = replace(run, no_groups=frozenset[str]().union(*(one.names for one in records)))
        if all(run.runs_on(one.names) is not None for one in records if one.done_in is None):
            return run
        if run.job.id not in self._no_groups:
            self._no_groups[run.job.id] = self._without_groups(run)
        return replace(run, no_groups=run.no_groups | self._no_groups[run.job.id])

    def _without_groups(self, run: Run) -> frozenset[str]:
        """The names in a run's limit that are no groups; a limit of very many is taken as not known."""
        names = {part.lstrip("!&") for part in terms(str(run.job.facts.get("limit")))} - run.no_groups
        if run.job.inventory is None or len(names) > NUMBERS_AT_ONCE:
            return frozenset()
        return frozenset(self.since(run.job.inventory, names))

    def since(self, inventory: int, names: t.Collection[str]) -> dict[str, datetime]:
        """Since when an inventory has hosts with these names, of those that it has for hosts, and for no group.

        What it has for neither may be a group that was renamed, or made by the playbook.

        :returns: nothing where this user may not read it.
        :raises ControllerError: it could not be read.
        """

        def read() -> dict[str, datetime]:
            left = {*names}.difference({UNGROUPED}, self._in_inventory(inventory, "groups", names))
            implicit = dict.fromkeys(left & LOCALHOST, parse_time(None))
            return {**implicit, **self._in_inventory(inventory, "hosts", left - LOCALHOST)}

        return if_visible(read) or {}

    def _in_inventory(self, inventory: int, kind: str, names: t.Collection[str]) -> dict[str, datetime]:
        """Those of some names that an inventory has for its groups, or its hosts, with when these were made."""
        plain = [name for name in names if are_plain([name])]
        rows = rows_named(self._client.results, f"inventories/{inventory}/{kind}/", plain, NAMES_AT_ONCE)
        return {name: parse_time(row.get("created")) for name, row in rows.items()}


class InventoryRows:
    """Asks for the rows of hosts in the inventory of a job, or in another.

    :param source: the job.
    """

    def __init__(self, client: ControllerClient, source: Job) -> None:
        self._client = client
        self._source = source

    def named(
        self, names: t.Sequence[str], inventory: t.Optional[int] = None
    ) -> t.Optional[dict[str, dict[str, t.Any]]]:
        """The rows of an inventory with these names, by name; None where that may not be read, or is gone.

        :param inventory: the source's, if none is given.
        :raises ControllerError: they could not be read for another reason.
        """
        rows = self._read(lambda hosts: rows_named(self._client.results, hosts, names, NAMES_AT_ONCE), inventory)
        if rows is None:
            return None
        left = [] if inventory or not self._source.in_constructed_inventory else [*{*names}.difference(rows)]
        return {**rows, **self._to_be_copied(left)} if left else rows

    def _to_be_copied(self, names: t.Sequence[str]) -> dict[str, dict[str, t.Any]]:
        """The enabled hosts with these names in the inputs of the source's constructed inventory, as far as they may be
        read, that were changed since its last update: any launch updates it, and copies them. What that update left out
        stays out.
        """

        def read() -> dict[str, dict[str, t.Any]]:
            inventory = f"inventories/{self._source.inventory}"
            sources = self._client.results(f"{inventory}/inventory_sources/")
            updated = [str(one["last_updated"]) for one in sources if one.get("last_updated")]
            if not updated:
                return {}
            inputs = [int(one["id"]) for one in self._client.results(f"{inventory}/input_inventories/")]
            # Of inventories that this user may not see, such a list has no hosts.
            listed = functools.partial(by_numbers, self._client.results, "hosts/", "inventory__in", inputs)
            changed = {"enabled": "true", "modified__gt": max(updated)}
            chunks = by_names("name", names, NAMES_AT_ONCE)
            return {str(row["name"]): row for some in chunks for row in listed(**changed, **some)}

        return if_visible(read) or {}

    def enabled(self, numbers: t.Iterable[int]) -> t.Optional[dict[HostKey, dict[str, t.Any]]]:
        """Those of the enabled hosts of the inventory that have these numbers, by them; None as of ``named``."""

        def read(hosts: str) -> dict[HostKey, dict[str, t.Any]]:
            listed = by_numbers(self._client.results, hosts, "id__in", numbers, enabled="true")
            return {int(row["id"]): row for row in listed}

        return self._read(read)

    def in_order(self) -> t.Optional[list[dict[str, t.Any]]]:
        """The enabled hosts of the inventory, by their names; None as of ``named``."""
        return self._read(lambda hosts: list(self._client.results(hosts, enabled="true", order_by="name")))

    def _read(self, read: t.Callable[[str], _T], inventory: t.Optional[int] = None) -> t.Optional[_T]:
        inventory = inventory or self._source.inventory
        return None if inventory is None else if_visible(lambda: read(f"inventories/{inventory}/hosts/"))


class HostReach(ActiveLimits):
    """Asks the inventory, and the events of those that have lost their row there.

    :param source: the job whose hosts are asked about.
    :param inventory_now: brings the inventory that a launch would have by now; None where it is not told.
    """

    def __init__(self, client: ControllerClient, source: Job, inventory_now: t.Callable[[], t.Optional[int]]) -> None:
        super().__init__(client)
        self._source = source
        self._inventory = InventoryRows(client, source)
        self._inventory_now = functools.cache(inventory_now)

    def of(self, records: t.Sequence[HostRecord]) -> tuple[HostRecord, ...]:
        """The records with the reach of those that are not done.

        :raises ControllerError: it could not be read. Who may not read the inventory is not told.
        """
        absent = [one for one in records if one.done_in is None and one.has_row and one.absent_in is not None]
        lost = [one for one in records if one.done_in is None and not one.has_row]
        found = {**self._absent(absent), **self._lost(lost)}
        return self._elsewhere([found.get(one.key, one) for one in records])

    def of_stopped(self, records: t.Sequence[HostRecord]) -> tuple[HostRecord, ...]:
        """The same for hosts for which a run stopped before its end. Their names of today are those in the inventory.

        :raises ControllerError: it could not be read. Who may not read the inventory is not told.
        """
        rows = self._inventory.named([one.name for one in records])
        return self._elsewhere([replace(one, reach=_by_name(one, rows, Reach.RELAUNCH)) for one in records])

    def enabled(self, records: t.Sequence[HostRecord]) -> t.Optional[tuple[HostRecord, ...]]:
        """Some hosts without those that are disabled by now, or are no hosts of the inventory any more.

        :returns: under their names of today; None where this user may not read the inventory.
        :raises ControllerError: it could not be read.
        """
        numbers = [one.key for one in records if isinstance(one.key, int)]
        rows = self._inventory.enabled(numbers)
        if rows is None:
            return None
        named = {number: str(row["name"]) for number, row in rows.items()}
        now = (one if isinstance(one.key, str) else replace(one, name=named.get(one.key, "")) for one in records)
        return tuple(one for one in now if one.name)

    def with_disabled(self, records: t.Sequence[HostRecord]) -> tuple[HostRecord, ...]:
        """The records, in which those that a relaunch would run on, and that are disabled by now, are idle. One
        that was deleted behind its results may be there again, under another number.

        :raises ControllerError: it could not be read. Who may not read the inventory is not told.
        """
        # Of those that a run has left out it is known.
        asked = [one for one in records if one.would_run and one.absent_in is None]
        enabled = self.enabled([one for one in asked if isinstance(one.key, int)]) if asked else None
        run = {one.key for one in enabled or ()}
        others = [one for one in asked if one.key not in run and one.has_row]
        rows = None if enabled is None else self._inventory.named([one.name for one in others])
        if rows is None:
            return tuple(records)
        reach = dict[HostKey, Reach]()
        for one in others:
            now = _by_name(one, rows, Reach.RELAUNCH if isinstance(one.key, str) else Reach.AGAIN)
            same = rows.get(one.name, {}).get("id") == one.key
            reach[one.key] = Reach.IDLE if same or now is Reach.GONE else now
        return self._elsewhere([replace(one, reach=reach.get(one.key, one.reach)) for one in records])

    def with_moved(self, records: t.Sequence[HostRecord]) -> tuple[HostRecord, ...]:
        """The records, in which those that a relaunch of a slice would run on, and that are in another one by now, are
        elsewhere: the enabled hosts, by their names, are dealt out to the slices in turn.

        :raises ControllerError: it could not be read. Who may not read the inventory is not told.
        """
        if not (self._source.sliced and any(one.would_run for one in records)):
            return tuple(records)
        number, count = (int(self._source.facts[name]) for name in ("job_slice_number", "job_slice_count"))
        rows = self._inventory.in_order() or []
        moved = {row["id"] for row in rows}.difference(row["id"] for row in rows[number - 1 :: count])
        return tuple(
            replace(one, reach=Reach.ELSEWHERE) if one.would_run and one.key in moved else one for one in records
        )

    def _elsewhere(self, records: t.Sequence[HostRecord]) -> tuple[HostRecord, ...]:
        """The records, in which those that cannot run in the source's inventory have the reach that their names have in
        the one that a launch would take, where that is another.
        """
        asked = [one for one in records if one.done_in is None and one.reach in (Reach.IDLE, Reach.GONE)]
        inventory = self._inventory_now() if asked else None
        if inventory is None or inventory == self._source.inventory:
            return tuple(records)
        rows, found = self._inventory.named([one.name for one in asked], inventory), dict[HostKey, Reach]()
        for one in asked:
            left_out = one.absent_in if one.absent_in and one.absent_in.inventory == inventory else None
            otherwise = Reach.RELAUNCH if one.has_row else Reach.AGAIN
            found[one.key] = _by_name(replace(one, absent_in=left_out), rows, otherwise)
        return tuple(replace(one, reach=found.get(one.key, one.reach)) for one in records)

    def _absent(self, records: t.Sequence[HostRecord]) -> dict[HostKey, HostRecord]:
        """Those that a run has left out, with their reach and, as far as it is told, their names of today.

        What a job that failed left out may be hosts that it had not got to. What a successful one left out was taken
        out on purpose, unless it is enabled and was changed since, or was asked for by a name that it had before.
        """
        named = [one for one in records if isinstance(one.key, str)]
        rows = self._inventory.named([one.name for one in named])
        found = {one.key: replace(one, reach=_by_name(one, rows, Reach.RELAUNCH)) for one in named}
        numbered = {one.key: one for one in records if isinstance(one.key, int)}
        enabled = self._inventory.enabled(numbered)
        for number, record in numbered.items():
            job, row = t.cast("Job", record.absent_in), (enabled or {}).get(number, {})
            # Its results may have been read before it was renamed.
            name = str(row.get("name") or record.name)
            record = replace(record, name=name, names=record.names | {name})
            unchanged = parse_time(row.get("modified")) <= parse_time(job.took_hosts)
            on_purpose = job.successful and unchanged and not _by_old_name(record, job)
            left_out = on_purpose or not (row or enabled is None)
            # One that is enabled has failed in the slice, so that this was meant for it.
            idle = Reach.ELSEWHERE if row and self._source.sliced else Reach.IDLE
            found[number] = replace(record, reach=idle if left_out else Reach.RELAUNCH)
        return found

    def _lost(self, records: t.Sequence[HostRecord]) -> dict[HostKey, HostRecord]:
        """Those whose summary has no host any more (recorded: recreated-summaries-after), with their reach.

        The events keep the number that a deleted one had; those of add_host and of localhost never had one (recorded:
        recreated-events-failed). One that is in the inventory again, under its name, is the same host.
        """
        again = self._inventory.named([one.name for one in records])
        deleted = self._had_number(records) if again is not None else frozenset()
        return {
            one.key: replace(one, reach=_by_name(one, again, Reach.AGAIN) if one.name in deleted else Reach.WHOLE)
            for one in records
        }

    def _had_number(self, records: t.Sequence[HostRecord]) -> frozenset[str]:
        """Which of these hosts had a row in the inventory when they failed."""
        found: set[str] = set()
        for number, failed in grouped(records, lambda one: one.failed_in[0].id).items():
            for some in by_names("host_name", [one.name for one in failed], NAMES_AT_ONCE):
                query = {"event__in": ",".join(FAILURE_EVENTS), "host__isnull": "false", **some}
                events = self._client.results(JOB.at(number, "job_events"), **query)
                found.update(str(event.get("host_name")) for event in events)
        return frozenset(found)


def _by_old_name(record: HostRecord, job: Job) -> bool:
    """Whether a job's limit names a host by a name that it has no more. It may have been renamed before the job began,
    as long as that was waiting.
    """
    return record.name not in job.limit_names and not record.names.isdisjoint(job.limit_names)


def _by_name(record: HostRecord, rows: t.Optional[t.Mapping[str, t.Mapping[str, t.Any]]], otherwise: Reach) -> Reach:
    """The reach of a host by the inventory's rows of today.

    :param rows: by name; None where they may not be read.
    :param otherwise: it, where nothing keeps the host from running.
    """
    left_out = record.absent_in if record.absent_in is not None and record.absent_in.successful else None
    if rows is None:
        return Reach.IDLE if left_out else otherwise
    row = rows.get(record.name)
    if row is None:
        return Reach.GONE
    if row.get("enabled") is False:
        return Reach.IDLE
    if left_out is None or parse_time(row.get("modified")) > parse_time(left_out.took_hosts):
        return otherwise
    return Reach.ELSEWHERE if left_out.sliced else Reach.IDLE
