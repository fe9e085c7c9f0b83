# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that stopped before their end, and jobs that only look like it: what fails where, and where it stopped.

Each playbook runs once with the faults, and once more, without them, on the hosts that failed. So the hosts of a job in
`COMPLETE` have all been brought to the end then, and some of a job in `CUT_SHORT` have not.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ..process import UNREACHABLE

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"


@dataclass(frozen=True)
class Case:
    """A job that fails, and what is needed to run it."""

    name: str
    playbook: str
    #: The variables of the hosts in the first job. A host fails at the task that its `broken` names.
    hosts: dict[str, dict[str, t.Any]]
    #: The task at which it stopped before its end.
    stopped_at: str | None = None
    limit: str = ""
    #: The playbook as it is when the failed hosts are run again, if it was edited in between.
    since: str = ""
    disabled: tuple[str, ...] = ()
    #: A version of ansible-core on which it goes to its end.
    completes_on: str = ""

    @property
    def groups(self) -> dict[str, list[str]]:
        """Hosts by the letters of their names, such as web."""
        groups: dict[str, list[str]] = {}
        for name in self.hosts:
            groups.setdefault(name.rstrip("0123456789"), []).append(name)
        return groups

    def content(self, *, relaunch: bool = False) -> str:
        """The playbook, of the first job or of its relaunch."""
        name = self.since if relaunch and self.since else self.playbook
        return (PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8")


def _case(
    name: str,
    playbook: str,
    stopped_at: str | None = None,
    *,
    hosts: str = "web1 web2 web3",
    faults: dict[str, dict[str, t.Any]] | None = None,
    options: dict[str, t.Any] | None = None,
    **broken: str,
) -> Case:
    variables = {
        host: {"broken": broken[host]} if host in broken else (faults or {}).get(host, {}) for host in hosts.split()
    }
    return Case(name, playbook, variables, stopped_at, **(options or {}))


_ENDED = {f"web{number}": {"ended": True} for number in (2, 3)}

CUT_SHORT = (
    _case("the first of a rolling update", "serial", "Start", web1="Start"),
    _case("the first, at the last task", "serial", "Check", web1="Check"),
    _case("the first, at the first task", "serial", "Drain", web1="Drain"),
    _case(
        "the first, which cannot be reached",
        "unreachable",
        "Ask",
        hosts="web1 web2 web3 web4",
        faults={"web1": UNREACHABLE, "web2": UNREACHABLE},
    ),
    _case("the second of a rolling update", "serial", "Start", web2="Start"),
    _case("the second, at the last task", "serial", "Check", web2="Check"),
    _case("a batch of two", "serial_by_two", "Start", hosts="web1 web2 web3 web4", web1="Update", web2="Start"),
    _case(
        "a batch of two, one of which failed before",
        "serial_by_two",
        "Start",
        hosts="web1 web2 web3 web4 web5",
        web1="Update",
        web3="Start",
        web4="Start",
    ),
    _case("the first, returned to service", "serial_always", "Start", web1="Start"),
    _case("the second, returned to service", "serial_always", "Start", web2="Start"),
    _case("the first of a group", "serial_web", "Start", hosts="db1 web1 web2", web1="Start"),
    _case("the first of a group, at the last task", "serial_web", "Check", hosts="db1 web1 web2", web1="Check"),
    _case("the first of the limit", "serial", "Start", options={"limit": "web1,web2"}, web1="Start"),
    _case(
        "the first of the limit, a group",
        "serial",
        "Check",
        hosts="db1 web1 web2",
        options={"limit": "web"},
        web1="Check",
    ),
    _case("any error", "any_errors_fatal", "Update", web1="Update"),
    _case(
        "any error, and cleaned up",
        "any_errors_fatal_always",
        "Update",
        options={"completes_on": "2.16"},
        web2="Update",
    ),
    _case(
        "any error, and cleaned up last",
        "any_errors_fatal_always_last",
        "Update",
        options={"completes_on": "2.16"},
        web2="Update",
    ),
    _case(
        "any error, and no rescue",
        "any_errors_fatal_rescue",
        "Roll back",
        faults={"web2": {"broken": "Update", "rescue": "Roll back"}},
    ),
    _case(
        "any error of a handler",
        "any_errors_fatal_handler",
        "Restart",
        faults={"web1": {"changed": True}, "web2": {"changed": True, "broken": "Restart"}},
    ),
    _case(
        "any error, and handlers of others",
        "any_errors_fatal_force_handlers",
        "Start",
        faults={"web1": {"changed": True}, "web2": {"broken": "Start"}},
    ),
    _case("too many errors", "max_fail_percentage", "Update", web2="Update"),
    _case(
        "too many errors in a batch", "max_fail_percentage_serial", "Start", hosts="web1 web2 web3 web4", web1="Start"
    ),
    _case(
        "too many errors in a batch, at the last task",
        "max_fail_percentage_serial",
        "Check",
        hosts="web1 web2 web3 web4",
        web1="Check",
    ),
    _case("all of the first play", "two_plays", "Update", hosts="db1 web1 web2", web1="Update", web2="Update"),
    _case(
        "all of the first play, at its last task",
        "two_plays",
        "Check",
        hosts="db1 web1 web2",
        web1="Check",
        web2="Check",
    ),
    _case("all of the second play of three", "three_plays", "Start", hosts="db1 web1 web2", web1="Start", web2="Start"),
    _case("the one that runs once", "run_once", "Update", web1="Update"),
    _case("the one that runs once in a batch", "run_once_serial", "Update", hosts="web1 web2 web3 web4", web3="Update"),
    _case("a batch at its own pace", "free_serial", "Start", hosts="web1 web2 web3 web4", web1="Start", web2="Update"),
    _case("any error, edited since", "edited_fatal", "Update", options={"since": "edited_fatal_since"}, web1="Update"),
)

COMPLETE = (
    _case("a usual failure", "plain", web1="Update"),
    _case("a usual failure at the last task", "plain", web1="Check"),
    _case("two usual failures", "plain", web1="Update", web3="Start"),
    _case("all at the last task", "plain", web1="Check", web2="Check", web3="Check"),
    _case("all in the middle", "plain", web1="Update", web2="Update", web3="Update"),
    _case("all, one after the other", "plain", web1="Update", web2="Start", web3="Drain"),
    _case("all of the limit", "plain", options={"limit": "web1,web2"}, web1="Update", web2="Update"),
    _case(
        "all of the limit, a group",
        "plain",
        hosts="db1 web1 web2",
        options={"limit": "web"},
        web1="Update",
        web2="Update",
    ),
    _case("all of a group", "serial_web", hosts="db1 web1", web1="Update"),
    _case("all but a disabled one", "plain", hosts="web1 web2", options={"disabled": ("web2",)}, web1="Update"),
    _case("the last of a rolling update", "serial", web3="Update"),
    _case("the last, at its last task", "serial", web3="Check"),
    _case("the last, returned to service", "serial_always", web3="Start"),
    _case("the last of a group", "serial_web", hosts="db1 web1 web2", web2="Start"),
    _case("one of a batch", "serial_by_two", hosts="web1 web2 web3 web4", web1="Update"),
    _case("one of the last batch", "serial_by_two", hosts="web1 web2 web3 web4", web3="Update"),
    _case("one of each batch", "serial_by_two", hosts="web1 web2 web3 web4", web1="Update", web3="Start"),
    _case("fewer errors than too many", "max_fail_percentage", hosts="web1 web2 web3 web4", web1="Update"),
    _case("one of the first play", "two_plays", hosts="db1 web1 web2", web1="Update"),
    _case("all of the last play", "two_plays", hosts="db1 web1", db1="Drain"),
    _case(
        "a second play without hosts",
        "two_plays",
        options={"limit": "web1,web2"},
        hosts="db1 web1 web2",
        web1="Update",
        web2="Check",
    ),
    _case("all of the second and third play", "three_plays_web", hosts="db1 web1 web2", web1="Update", web2="Start"),
    _case("one of the second play of three", "three_plays", hosts="db1 web1 web2", web1="Update"),
    _case("a handler behind it", "handlers", web1="Start"),
    _case("a handler of the failed host", "force_handlers", web1="Start"),
    _case("a handler that fails", "handlers", web1="Restart"),
    _case("handlers that fail everywhere", "handlers", hosts="web1 web2", web1="Restart", web2="Restart"),
    _case("a rescue that fails", "block", faults={"web1": {"broken": "Update", "rescue": "Roll back"}}),
    _case("a rescue elsewhere", "block", web1="Drain", web2="Update"),
    _case("cleaned up in any case", "always", web1="Update"),
    _case("cleaned up in any case, at the end", "always_last", web1="Start"),
    _case("all cleaned up", "always", web1="Update", web2="Update", web3="Update"),
    _case("steps for one host", "skipped", web1="Update"),
    _case("steps for the failed host", "skipped", web2="Update"),
    _case("more steps", "include", web1="Drain"),
    _case("more steps in the middle", "include_middle", web1="Drain"),
    _case("more steps directly behind", "include_directly_behind", web1="Update"),
    _case("the play ended early", "end_play", faults=_ENDED, web1="Drain"),
    _case("the play ended early, directly behind", "end_play", faults=_ENDED, web1="Update"),
    _case("hosts that left", "end_host", web1="Drain", faults={"web2": {"ended": True}, "web3": {"ended": True}}),
    _case(
        "hosts that left directly behind",
        "end_host",
        web1="Update",
        faults={"web2": {"ended": True}, "web3": {"ended": True}},
    ),
    _case("some hosts that left directly behind", "end_host", web1="Update", faults={"web2": {"ended": True}}),
    _case(
        "a host that left a batch",
        "end_host_serial",
        web3="Update",
        faults={"web1": {"ended": True}, "web2": {"ended": True}},
    ),
    _case("run once", "run_once", web2="Start"),
    _case("at their own pace", "free", web1="Update"),
    _case("at their own pace, at the last task", "free", web2="Check"),
    _case("at their own pace, the slow one", "free_slow", faults={"web1": {"broken": "Update", "seconds": 1}}),
    _case("let off", "ignore_unreachable", web1="Update", faults={"web2": UNREACHABLE}),
    _case("a failure that does not matter", "ignore_errors", web1="Drain", faults={"web2": {"ignored": "Update"}}),
    _case("edited since", "edited", options={"since": "edited_since"}, web1="Update"),
    _case("edited since, at the last task", "edited", options={"since": "edited_since"}, web1="Start"),
    _case("edited and renamed since", "edited", options={"since": "renamed_since"}, web1="Start"),
)
