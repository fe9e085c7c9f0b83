# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pattern of a play, or a limit: taken apart as far as names go, and the hosts that it means.

Private to this collection.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
import typing as t
from dataclasses import dataclass
from functools import lru_cache

from .._api.client import ControllerClient
from .._api.jobs import EVERYBODY, join
from .._api.paging import entries_in, rows_named

# What needs no row in an inventory.
LOCALHOST = frozenset({"localhost", "127.0.0.1", "::1"})
# The group that ansible makes, so that no inventory lists it.
UNGROUPED = "ungrouped"

# Each group of a pattern costs a request.
GROUPS_LIMIT = 2

# One argument of a Linux process holds 131,071 bytes: with a limit of 130,173 a job ran, with one of 133,273 it ended
# in error, "Argument list too long" (recorded: blank-long-limit-detail).
LONGEST_LIMIT = 128_000
# Of so many characters the name of a host is at most.
LONGEST_NAME = 512

# Wildcards, regular expressions, files, and what is left of ranges are none.
_PLAIN_NAME = re.compile(r"[^~@*?\[\]][^*?\[\]]*")
# Without brackets, which choose from the hosts of a group by their place in it.
_WILDCARD = re.compile(r"(?=.*[*?])[^~@\[\]][^\[\]]*")
_NAME_AND_PORT = re.compile(r"[\w.-]+:\d+")
_BETWEEN_SEPARATORS = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")


def terms(pattern: str) -> frozenset[str]:
    """The terms of a pattern, names, wildcards, expressions, as ``split_host_pattern`` of ansible-core takes it apart.

    Where there is a comma nothing else separates, and colons neither in an address.
    """
    if "," in pattern:
        parts = pattern.split(",")
    else:
        parts = [pattern] if _is_address(pattern) else _BETWEEN_SEPARATORS.findall(pattern)
    return frozenset(part.strip() for part in parts) - {""}


def _is_address(text: str) -> bool:
    if _NAME_AND_PORT.fullmatch(text):
        return True
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def are_plain(names: t.Iterable[str]) -> bool:
    """Whether each is the name of a host or group, and no wildcard or expression."""
    return all(map(_PLAIN_NAME.fullmatch, names))


@dataclass(frozen=True)
class HostPattern:
    """Its terms. A host is meant that is, or is in, one of ``names``, and each of ``among``, and none of ``without``.

    :param names: everybody where there are none.
    """

    names: frozenset[str] = frozenset()
    among: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pattern: str) -> HostPattern:
        every = terms(pattern)
        among = frozenset(term[1:] for term in every if term.startswith("&")) - EVERYBODY
        without = frozenset(term[1:] for term in every if term.startswith("!"))
        names = frozenset(term for term in every if not term.startswith(("&", "!")))
        return cls(frozenset() if names & EVERYBODY else names, among, without)

    @property
    def every(self) -> frozenset[str]:
        """All of its terms."""
        return self.names | self.among | self.without


@dataclass(frozen=True)
class PatternMatch:
    """Which of some hosts a pattern means, by name.

    :param surely: those that it means.
    :param perhaps: these, and those of whom it is not told.
    """

    surely: frozenset[str]
    perhaps: frozenset[str]


class PatternHosts:
    """Asks an inventory which hosts patterns mean.

    What it has no host or group for may be a group all the same: ``ungrouped``, one that was renamed since, or one
    that a play has made.

    :param inventory: None where it is gone.
    :param most: of more hosts than this it is not asked which groups they are in.
    :param known: names that no group has which it does not list.
    """

    def __init__(
        self,
        client: ControllerClient,
        inventory: t.Optional[int],
        most: t.Optional[int] = None,
        known: t.Collection[str] = (),
    ) -> None:
        self._client = client
        self._inventory = inventory
        self._most = most
        self._known = LOCALHOST.union(known)

    def among(self, hosts: frozenset[str], pattern: HostPattern) -> PatternMatch:
        """Those of some hosts that a pattern means.

        :raises ControllerError: it could not be read.
        """
        surely = perhaps = hosts
        for names in filter(None, (pattern.names, *(frozenset({name}) for name in sorted(pattern.among)))):
            found = self._named(names, perhaps)
            surely, perhaps = surely & found.surely, found.perhaps
        found = self._named(pattern.without, perhaps)
        return PatternMatch(surely - found.perhaps, perhaps - found.surely)

    def has_all(self, names: t.Collection[str]) -> bool:
        """Whether these are names of its hosts, or known for other reasons.

        :raises ControllerError: it could not be read.
        """
        left = frozenset(names) - self._known
        return left <= rows_named(self._client.results, f"inventories/{self._inventory}/hosts/", left).keys()

    def _named(self, names: frozenset[str], hosts: frozenset[str]) -> PatternMatch:
        """Those of the hosts that have one of these names, or are in such a group."""
        if names & EVERYBODY:
            return PatternMatch(hosts, hosts)
        wildcards = [name for name in names if _WILDCARD.fullmatch(name)]
        named = hosts.intersection(names).union(*(fnmatch.filter(hosts, wildcard) for wildcard in wildcards))
        others, groups = hosts - named, names - hosts
        if not groups or not others:
            return PatternMatch(named, named)
        members = self._in_groups(groups, others) if are_plain(groups) else None
        return PatternMatch(named, hosts) if members is None else PatternMatch(named | members, named | members)

    def _in_groups(self, names: frozenset[str], hosts: frozenset[str]) -> t.Optional[frozenset[str]]:
        """Those of the hosts that are in a group with one of these names; None where that is not told."""
        if self._inventory is None or (self._most is not None and len(hosts) > self._most):
            return None
        query = {"name__in": ",".join(sorted(names)), "page_size": GROUPS_LIMIT}
        path = f"inventories/{self._inventory}/groups/"
        answer = self._client.get(path, **query)
        found = entries_in(answer, path)
        if answer.get("next") or not self.has_all(names.difference(str(group.get("name")) for group in found)):
            return None
        members: set[str] = set()
        for group in found:
            members.update(rows_named(self._client.results, f"groups/{group['id']}/all_hosts/", hosts))
        return hosts & members


def holds(limit: str, names: frozenset[str], hosts: frozenset[str] = frozenset()) -> t.Optional[bool]:
    """Whether a limit holds a host that is known by these names; None where its text does not tell.

    :param limit: with at least one term.
    :param hosts: further names that are those of hosts, and of no groups.
    """
    parts = _Limit.of(limit, hosts)
    said = parts.said
    if names <= said.without:
        return False
    if not said.names or said.names & names or any(fnmatch.filter(names, part) for part in parts.wildcards):
        return None if said.among or names & said.without or not parts.may_exclude <= names else True
    return False if parts.may_hold <= names else None


@dataclass(frozen=True)
class _Limit:
    """The text of a limit, taken apart once: many hosts are asked about.

    :param wildcards: those of its names.
    :param may_hold: those that may be groups.
    :param may_exclude: of what leaves hosts out the terms that may be groups.
    """

    said: HostPattern
    wildcards: frozenset[str]
    may_hold: frozenset[str]
    may_exclude: frozenset[str]

    @classmethod
    @lru_cache(maxsize=32)
    def of(cls, limit: str, hosts: frozenset[str]) -> _Limit:
        """:param hosts: names that are those of hosts, and of no groups."""
        said = HostPattern.of(limit)
        wildcards = frozenset(filter(_WILDCARD.fullmatch, said.names))
        return cls(said, wildcards, may_hold=said.names - hosts, may_exclude=said.without - hosts)


# What names have of which ``limit_problem`` may tell one; an address, which has colons too, makes none.
ODD_PARTS = (" ", ",", ":")
ODD_STARTS = ("@", "!", "&")


def limit_problem(names: t.Collection[str]) -> str:
    """Why a job that is limited to these hosts would not run on exactly them, as a sentence; empty where it would.

    A comma keeps ansible from splitting a limit at blanks, and a limit of one name has none (recorded: blank-one-*,
    blank-two-*, blank-mixed-*).
    """
    if len(names) == 1 and re.search(r"\s", next(iter(names)).strip()):
        return (
            f"ansible splits a limit without a comma at blanks, and {next(iter(names))!r} alone would match no host. "
            f"{_rename(comma_helps=True)}"
        )
    patterns = {name for name in names if "," in name or name.startswith("@")}
    patterns.update(name for name in names if len(names) == 1 and _is_pattern_alone(name))
    if patterns:
        listed = ", ".join(map(repr, sorted(patterns)))
        comma_helps = not any("," in name or name[0] in "@!&" for name in patterns)
        return f"ansible takes {listed} in a limit for a pattern, or for several. {_rename(comma_helps)}"
    return too_long(",".join(names))


def _rename(comma_helps: bool) -> str:
    """What to do about a name, as a sentence."""
    otherwise = ", or relaunch it with hosts: remaining, which adds a comma" if comma_helps else ""
    return f"Rename that in the inventory{otherwise}."


def _is_pattern_alone(name: str) -> bool:
    """Whether a limit that is only this name is one to others, or is taken apart at its colons.

    Beside other names ansible finds a host under each name before it takes that for a pattern.
    """
    return name.startswith(("!", "&")) or (":" in name and not _is_address(name))


# What has a meaning at the beginning of a pattern, and anywhere in one.
_FIRST = "!&~@"
_ANYWHERE = frozenset("*?[],")


def limit_of(names: t.Collection[str]) -> str:
    """The limit that holds these hosts.

    A single name with a blank or a colon is taken apart there, unless a comma follows (recorded: blank-one-*,
    blank-two-*).
    """
    text = ",".join(sorted(names))
    return f"{text}," if len(names) == 1 and any(character in text for character in " \t:") else text


def not_limitable(names: t.Collection[str]) -> list[str]:
    """Those of some names of hosts that no limit holds: to Ansible they are patterns, or several."""
    patterns = (name for name in names if name[:1] in _FIRST or name != name.strip() or _ANYWHERE & set(name))
    return sorted({*patterns, *EVERYBODY.intersection(names)})


def not_limitable_sentence(names: t.Sequence[str]) -> str:
    """Why no launch can be limited to these hosts, and the way on."""
    return (
        f"No limit holds {join(names)}: Ansible takes such a name for a pattern. Rename it in the inventory, or "
        "relaunch with hosts: failed or hosts: all."
    )


def too_long(limit: str) -> str:
    """Why no job runs with a limit, since that is too long, as a sentence; empty where it is not."""
    size = len(limit.encode())
    if size <= LONGEST_LIMIT:
        return ""
    number = len(limit.rstrip(",").split(","))
    return (
        f"the names of {number} hosts are {size} bytes together, and a job with a limit of more than {LONGEST_LIMIT} "
        "ends in error."
    )


def may_be_no_limit(number: t.Optional[int]) -> bool:
    """Whether the names of so many hosts have to be known to tell; None where their number is not known either."""
    return number is not None and (number == 1 or number * LONGEST_NAME > LONGEST_LIMIT)
