# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that stopped before their end, and jobs that only look so: what fails where, and whether work is left."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"

#: Variables of a host that really cannot be reached: nothing listens on its port.
UNREACHABLE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}

_HOSTS = ("db1", "web1", "web2", "web3", "web4")


@dataclass(frozen=True)
class Case:
    """A job, and its relaunch on the failed hosts once these are healthy."""

    name: str
    playbook: str
    #: The variables of the hosts in the first job. A host fails at the step that its ``broken`` names.
    hosts: t.Mapping[str, t.Mapping[str, t.Any]]
    #: The step at which the first job stopped before its end; None where it did not.
    stopped_at: str | None = None
    limit: str = ""
    #: The playbook as it is for the relaunch, where it was edited in between.
    since: str | None = None
    #: Variables that only the relaunch has.
    disabled: tuple[str, ...] = ()
    #: What the failed hosts still have in the relaunch.
    healed: t.Mapping[str, t.Any] = field(default_factory=dict)

    @property
    def groups(self) -> dict[str, list[str]]:
        """Groups by the letters of the names."""
        groups: dict[str, list[str]] = {}
        for name in self.hosts:
            groups.setdefault(name.rstrip("0123456789"), []).append(name)
        return groups

    def content(self, relaunch: bool = False) -> str:
        """The playbook."""
        name = self.since if relaunch and self.since else self.playbook
        return (PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8")


def _case(name: str, playbook: str, stopped_at: str | None = None, hosts: str = "web1 web2 web3", **more: t.Any) -> Case:
    options = {key: more.pop(key) for key in ("limit", "since", "disabled", "healed") if key in more}
    every = more.pop("every", {})
    variables = {host: {**every, **_given(more.get(host))} for host in hosts.split()}
    return Case(name, playbook, variables, stopped_at, **options)


def _given(broken: t.Any) -> dict[str, t.Any]:
    if isinstance(broken, str):
        return {"broken": broken}
    return dict(broken or {})


CUT_SHORT = (
    _case("the first of a rolling update", "serial", "Start", web1="Start"),
    _case("the first, at the last task", "serial", "Check", web1="Check"),
    _case("the first, at the first task", "serial", "Drain", web1="Drain"),
    _case("the first, which cannot be reached", "unreachable", "Ask", hosts="web1 web2 web3 web4", web1=UNREACHABLE, web2=UNREACHABLE),
    _case("the second of a rolling update", "serial", "Start", web2="Start"),
    _case("the second, at the last task", "serial", "Check", web2="Check"),
    _case("a batch of two", "serial_by_two", "Start", hosts="web1 web2 web3 web4", web1="Update", web2="Start"),
    _case("a batch of two, one of which failed before", "serial_by_two", "Start", hosts="web1 web2 web3 web4 web5", web1="Update", web3="Start", web4="Start"),
    _case("the first, returned to service", "serial_always", "Start", web1="Start"),
    _case("the second, returned to service", "serial_always", "Start", web2="Start"),
    _case("the first of a group", "serial_web", "Start", hosts="db1 web1 web2", web1="Start"),
    _case("the first of a group, at the last task", "serial_web", "Check", hosts="db1 web1 web2", web1="Check"),
    _case("the first of the limit", "serial", "Start", limit="web1,web2", web1="Start"),
    _case("the first of the limit, a group", "serial", "Check", hosts="db1 web1 web2", limit="web", web1="Check"),
    _case("any error", "any_errors_fatal", "Update", web1="Update"),
    _case("any error, and cleaned up", "any_errors_fatal_always", "Update", web2="Update"),
    _case("any error, and cleaned up last", "any_errors_fatal_always_last", "Update", web2="Update"),
    _case("any error, and no rescue", "any_errors_fatal_rescue", "Roll back", web2={"broken": "Update", "rescue": "Roll back"}),
    _case("any error of a handler", "any_errors_fatal_handler", "Restart", web2="Restart"),
    _case("too many errors", "max_fail_percentage", "Update", web2="Update"),
    _case("too many errors in a batch", "max_fail_percentage_serial", "Start", hosts="web1 web2 web3 web4", web1="Start"),
    _case("too many errors in a batch, at the last task", "max_fail_percentage_serial", "Check", hosts="web1 web2 web3 web4", web1="Check"),
    _case("all of the first play", "two_plays", "Update", hosts="db1 web1 web2", web1="Update", web2="Update"),
    _case("all of the first play, at its last task", "two_plays", "Check", hosts="db1 web1 web2", web1="Check", web2="Check"),
    _case("all of the second play of three", "three_plays", "Start", hosts="db1 web1 web2", web1="Start", web2="Start"),
    _case("the one that runs once", "run_once", "Update", web1="Update"),
    _case("the one that runs once in a batch", "run_once_serial", "Update", hosts="web1 web2 web3 web4", web3="Update"),
    _case("a batch at its own pace", "free_serial", "Start", hosts="web1 web2 web3 web4", web1="Start", web2="Update"),
    _case("any error, edited since", "edited_fatal", "Start", since="edited_fatal_since", web1="Start"),
)

COMPLETE = (
    _case("a usual failure", "plain", web1="Update"),
    _case("a usual failure at the last task", "plain", web1="Check"),
    _case("two usual failures", "plain", web1="Update", web3="Start"),
    _case("all at the last task", "plain", web1="Check", web2="Check", web3="Check"),
    _case("all in the middle", "plain", web1="Update", web2="Update", web3="Update"),
    _case("all, one after the other", "plain", web1="Update", web2="Start", web3="Drain"),
    _case("all of the limit", "plain", limit="web1,web2", web1="Update", web2="Update"),
    _case("all of the limit, a group", "plain", hosts="db1 web1 web2", limit="web", web1="Update", web2="Update"),
    _case("all of a group", "serial_web", hosts="db1 web1", web1="Update"),
    _case("all but a disabled one", "plain", hosts="web1 web2", disabled=("web2",), web1="Update"),
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
    _case("a second play without hosts", "two_plays", limit="web1,web2", hosts="db1 web1 web2", web1="Update", web2="Check"),
    _case("one of the second play of three", "three_plays", hosts="db1 web1 web2", web1="Update"),
    _case("a handler behind it", "handlers", web1="Start"),
    _case("a handler of the failed host", "force_handlers", web1="Start"),
    _case("a handler that fails", "handlers", web1="Restart"),
    _case("handlers that fail everywhere", "handlers", hosts="web1 web2", web1="Restart", web2="Restart"),
    _case("a rescue that fails", "block", web1={"broken": "Update", "rescue": "Roll back"}),
    _case("a rescue elsewhere", "block", web1="Drain", web2="Update"),
    _case("cleaned up in any case", "always", web1="Update"),
    _case("cleaned up in any case, at the end", "always_last", web1="Start"),
    _case("all cleaned up", "always", web1="Update", web2="Update", web3="Update"),
    _case("steps for one host", "skipped", web1="Update"),
    _case("steps for the failed host", "skipped", web2="Update"),
    _case("more steps", "include", web1="Drain"),
    _case("more steps in the middle", "include_middle", web1="Drain"),
    _case("more steps directly behind", "include_directly_behind", web1="Update"),
    _case("the play ended early", "end_play", every={"ended": True}, web1="Drain"),
    _case("the play ended early, directly behind", "end_play", every={"ended": True}, web1="Update"),
    _case("hosts that left", "end_host", web1="Drain", web2={"ended": True}, web3={"ended": True}),
    _case("hosts that left directly behind", "end_host", web1="Update", web2={"ended": True}, web3={"ended": True}),
    _case("some hosts that left directly behind", "end_host", web1="Update", web2={"ended": True}),
    _case("a host that left a batch", "end_host_serial", web1={"ended": True}, web2={"ended": True}, web3="Update"),
    _case("run once", "run_once", web2="Start"),
    _case("at their own pace", "free", web1="Update"),
    _case("at their own pace, at the last task", "free", web2="Check"),
    _case("at their own pace, the slow one", "free_slow", web1={"broken": "Update", "seconds": 1}),
    _case("let off", "ignore_unreachable", web1="Update", web2=UNREACHABLE),
    _case("a failure that does not matter", "ignore_errors", web1="Drain", web2={"ignored": "Update"}),
    _case("edited since", "edited", since="edited_since", web1="Update"),
    _case("edited since, at the last task", "edited", since="edited_since", web1="Start"),
    _case("edited and renamed since", "edited", since="renamed_since", web1="Start"),
)
