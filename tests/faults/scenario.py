# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried: a seed in, a scenario out. Pure; the same seed gives the same scenario again."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from sandbox.faults import Rule

# Seconds that a client waits for an answer; a slow one takes longer.
REQUEST_TIMEOUT = 2.0

# Kinds of request, by method and path. SOURCE stands for the number of the source job, known once it is made.
PLACES = {
    "source": ("GET", r"/jobs/SOURCE/$"),
    "list": ("GET", r"/jobs/$"),
    "post": ("POST", r"/relaunch/$"),
    "poll": ("GET", r"/jobs/(?!SOURCE/)\d+/$"),
    "summaries": ("GET", r"/job_host_summaries/$"),
    "events": ("GET", r"/job_events/$"),
    "stdout": ("GET", r"/stdout/$"),
    "me": ("GET", r"/me/$"),
    "any": (None, r""),
}
# How often a fault falls on each. The POST is what matters most.
_WEIGHTS = {
    "source": 3,
    "list": 4,
    "post": 12,
    "poll": 5,
    "summaries": 3,
    "events": 1,
    "stdout": 1,
    "me": 2,
    "any": 3,
}

# How often a request meets each kind of fault, and at which statuses.
_KINDS = {
    "status": 8,
    "throttle": 2,
    "html": 2,
    "truncate": 2,
    "drop": 4,
    "reset": 4,
    "slow": 4,
    "redirect": 2,
    "missing": 2,
    "empty": 1,
    "garbage": 1,
}
_STATUSES = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Restart:
    """A restart of the controller's web process.

    :param after: counted from the start of the task, or from its first POST.
    :param delay: seconds from then.
    :param downtime: seconds without anybody at the port.
    """

    after: t.Literal["start", "post"]
    delay: float
    downtime: float


@dataclass(frozen=True)
class Scenario:
    """One try.

    :param hosts: the task's option.
    :param wait: likewise.
    :param source: ``ended`` long ago, ``just ended`` with its events on the way, or ``running`` still.
    :param history: whether an earlier relaunch of it has failed on the same hosts.
    :param names: the hosts of the inventory.
    :param failed: those that the source failed on.
    :param ending: what becomes of the relaunch; ``failed`` is on all of the hosts that failed before.
    :param seconds: how long the relaunch works on each host.
    :param passwords: whether a credential asks for a password.
    :param user: who runs the task.
    :param token: with a token, else with the password.
    :param playbook: through ansible-playbook, else through a process of the module.
    :param event_lag: seconds from the end of a job until its events are in.
    :param rules: the faults.
    :param restart: the restart, if there is one.
    :param lasting: whether the faults that are left over go on when the task is run again.
    """

    seed: int
    hosts: t.Literal["all", "failed"]
    wait: bool
    source: t.Literal["ended", "just ended", "running"]
    history: bool
    names: tuple[str, ...]
    failed: tuple[str, ...]
    ending: t.Literal["successful", "failed", "error"]
    seconds: float
    passwords: bool
    user: str
    token: bool
    playbook: bool
    event_lag: float
    rules: tuple[Rule, ...]
    restart: Restart | None
    lasting: bool


def scenario_of(seed: int) -> Scenario:
    """The scenario that belongs to a seed."""
    rng = random.Random(seed)
    hosts = rng.choice(("failed", "failed", "all"))
    wait = rng.random() < 0.6
    names = tuple(f"web{number}" for number in range(1, rng.randint(1, 3) + 1))
    return Scenario(
        seed=seed,
        hosts=t.cast("t.Any", hosts),
        wait=wait,
        source=t.cast(
            "t.Any", rng.choice(("ended", "ended", "just ended", "running") if wait else ("ended", "just ended"))
        ),
        history=hosts == "failed" and rng.random() < 0.2,
        names=names,
        failed=tuple(sorted(rng.sample(names, rng.randint(1, len(names))))),
        ending=t.cast("t.Any", rng.choice(("successful", "failed", "error"))),
        seconds=rng.choice((0.0, 0.0, 1.0, 2.0)),
        passwords=rng.random() < 0.25,
        user=rng.choice(("admin", "alice")),
        token=rng.random() < 0.6,
        playbook=rng.random() < 0.1,
        event_lag=rng.choice((0.0, 0.5, 1.0)),
        rules=_rules(rng),
        restart=_restart(rng),
        lasting=rng.random() < 0.5,
    )


def _rules(rng: random.Random) -> tuple[Rule, ...]:
    """None to three faults, each on another kind of request."""
    places: list[str] = []
    for _number in range(rng.choice((0, 1, 1, 2, 2, 3, 3))):
        left = [place for place in PLACES if place not in places]
        places += rng.choices(left, [_WEIGHTS[place] for place in left])
    return tuple(_rule(rng, place) for place in places)


def _rule(rng: random.Random, place: str) -> Rule:
    method, path = PLACES[place]
    rule: dict[str, t.Any] = {"path": path, "when": rng.choice(("before", "after"))}
    if method is not None:
        rule["method"] = method
    rule["times"] = rng.randint(1, 3)
    if place != "post" and rng.random() < 0.3:
        # The list is first read for the decision; a second time only to look for a job that was lost.
        rule["after_requests"] = rng.randint(1, 2)
    kind = rng.choices(tuple(_KINDS), tuple(_KINDS.values()))[0]
    rule["kind"] = kind
    if kind == "throttle":
        # The controller's own words, and so a refusal: it throttles before it works.
        rule.update(kind="status", when="before", status=429, headers={"Retry-After": "1"})
        rule["body"] = {"detail": "Request was throttled."}
    elif kind == "status":
        rule["status"] = rng.choice(_STATUSES)
        if rng.random() < 0.3:
            rule["headers"] = {"Retry-After": "1"}
    elif kind == "missing":
        # What a proxy may say while there is nothing behind it.
        rule.update(kind="status", status=404)
    elif kind == "slow":
        # A POST may be worked on long after its client has gone, though not as long as a lost job is looked for.
        rule["delay"] = round(REQUEST_TIMEOUT + rng.uniform(0.3, 5.0 if place == "post" else 1.5), 2)
    elif kind in ("garbage", "empty") and place == "post" and rng.random() < 0.7:
        rule["status"] = 201
    elif kind == "truncate":
        rule["when"] = "after"
    return t.cast("Rule", rule)


def _restart(rng: random.Random) -> Restart | None:
    if rng.random() > 0.3:
        return None
    after: t.Literal["start", "post"] = rng.choice(("start", "post"))
    delay = rng.uniform(0.0, 0.3) if after == "post" and rng.random() < 0.5 else rng.uniform(0.0, 3.0)
    return Restart(after, round(delay, 2), round(rng.uniform(0.0, 2.0), 2))
