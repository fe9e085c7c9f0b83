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
    "prompts": ("GET", r"/create_schedule/$"),
    "cancel": ("POST", r"/cancel/$"),
    "events": ("GET", r"/job_events/$"),
    "stdout": ("GET", r"/stdout/$"),
    "me": ("GET", r"/me/$"),
    "any": (None, r""),
}
# How often a fault falls on each. The POST is what matters most.
_WEIGHTS = {
    "source": 3,
    "list": 4,
    "post": 10,
    "poll": 4,
    "summaries": 3,
    "prompts": 2,
    "cancel": 1,
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

# How often the world moves in each way; see Move.
_MOVES = {
    "edit": 6,
    "disable": 4,
    "enable": 2,
    "rename": 2,
    "delete": 2,
    "relaunch all": 2,
    "relaunch failed": 4,
    "other work": 2,
    "cancel": 2,
    "expire": 1,
}
# What of a template is edited: all that a launch may be prompted for, and its name.
FIELDS = (
    "name",
    "extra_vars",
    "verbosity",
    "forks",
    "timeout",
    "diff_mode",
    "job_tags",
    "skip_tags",
    "scm_branch",
    "labels",
    "credentials",
    "execution_environment",
    "instance_groups",
    "job_slice_count",
    "limit",
    "job_type",
)
# Between which two requests of a task something moves: before or after the request it is named for.
_MOMENTS = (
    ("source", "after"),
    ("list", "after"),
    ("post", "before"),
    ("post", "after"),
    ("poll", "before"),
    ("poll", "after"),
    ("summaries", "before"),
)

Ending = t.Literal["successful", "failed", "some", "error"]


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
class Move:
    """How the world moves.

    :param what: ``edit`` the template; ``disable``, ``enable``, ``rename`` or ``delete`` a host; ``relaunch all`` or
        ``relaunch failed``, by hand and as another user; ``other work``, a relaunch with another credential that was
        successful; ``cancel`` the job just launched; ``expire``: let the token expire. Where any later job counts, not
        only a relaunch: ``schedule``, a later success by schedule; ``launch``, the template launched by hand.
    :param host: the index of the host.
    :param field: what is edited.
    :param settle: wait until the jobs of it are over.
    :param at: between which requests of a task; None for before it.
    :param skip: so many of these requests pass first.
    :param work: the index of the source job whose world it is.
    """

    what: str
    host: int = 0
    field: str = ""
    settle: bool = False
    at: tuple[str, t.Literal["before", "after"]] | None = None
    skip: int = 0
    work: int = 0


@dataclass(frozen=True)
class Break:
    """How a run is broken off.

    :param after: the kind of request after whose answer it is: a ``post``, or any ``read``.
    :param number: which of them, from 1.
    :param by: the signal.
    """

    after: t.Literal["post", "read"]
    number: int
    by: t.Literal["SIGINT", "SIGKILL"]


@dataclass(frozen=True)
class Round:
    """One time that the task is run, and again until its result is conclusive.

    :param moves: how the world moves before and meanwhile.
    :param rules: the faults.
    :param restart: the restart, if there is one.
    :param lasting: whether the faults that are left over go on when the task is run again.
    :param twin: so many seconds after its start another user runs the same task; None for nobody.
    :param broken_off: how its first run is.
    """

    moves: tuple[Move, ...] = ()
    rules: tuple[Rule, ...] = ()
    restart: Restart | None = None
    lasting: bool = False
    twin: float | None = None
    broken_off: Break | None = None


@dataclass(frozen=True)
class Proxy:
    """What stands between.

    :param kind: ``forward``, or ``connect``: then the controller is reached by TLS.
    :param loss: how it loses the answer to the POST, if it does; ``refuse``: the tunnel is refused once.
    """

    kind: t.Literal["forward", "connect"]
    loss: t.Literal["close", "reset", "cut", "refuse"] | None = None


@dataclass(frozen=True)
class Scenario:
    """One try.

    :param hosts: the task's option.
    :param wait: likewise.
    :param source: ``ended`` long ago, ``just ended`` with its events on the way, or ``running`` still.
    :param history: whether an earlier relaunch of it has failed on the same hosts.
    :param prompted: whether the source was launched with prompts.
    :param names: the hosts of the inventory.
    :param failed: those that the source failed on.
    :param endings: what becomes of the jobs that run, in the order of their start: ``failed`` on all hosts that failed
        before, on ``some`` of them the first one alone. The last is that of all further ones.
    :param seconds: how long a job runs.
    :param passwords: whether a credential asks for a password.
    :param user: who runs the task.
    :param token: with a token, else with the password.
    :param playbook: through ansible-playbook, else through a process of the module.
    :param event_lag: seconds from the end of a job until its events are in.
    :param proxy: what stands between.
    :param rounds: what happens, one after the other.
    """

    seed: int
    hosts: t.Literal["all", "failed"]
    wait: bool
    source: t.Literal["ended", "just ended", "running"]
    history: bool
    prompted: bool
    names: tuple[str, ...]
    failed: tuple[str, ...]
    endings: tuple[Ending, ...]
    seconds: float
    passwords: bool
    user: str
    token: bool
    playbook: bool
    event_lag: float
    proxy: Proxy | None
    rounds: tuple[Round, ...]


def scenario_of(seed: int) -> Scenario:
    """The scenario that belongs to a seed."""
    rng = random.Random(seed)
    hosts = rng.choice(("failed", "failed", "all"))
    wait = rng.random() < 0.6
    names = tuple(f"web{number}" for number in range(1, rng.randint(1, 3) + 1))
    token = rng.random() < 0.6
    endings: tuple[Ending, ...] = ("successful", "successful", "failed", "some", "error")
    return Scenario(
        seed=seed,
        hosts=t.cast("t.Any", hosts),
        wait=wait,
        source=t.cast(
            "t.Any", rng.choice(("ended", "ended", "just ended", "running") if wait else ("ended", "just ended"))
        ),
        history=hosts == "failed" and rng.random() < 0.2,
        prompted=rng.random() < 0.3,
        names=names,
        failed=tuple(sorted(rng.sample(names, rng.randint(1, len(names))))),
        endings=tuple(rng.choices(endings, k=rng.randint(1, 3))),
        seconds=rng.choice((0.0, 0.3, 1.0, 2.0)),
        passwords=rng.random() < 0.2,
        user=rng.choice(("admin", "alice")),
        token=token,
        playbook=rng.random() < 0.04,
        event_lag=rng.choice((0.0, 0.5, 1.0)),
        proxy=proxy_of(rng),
        rounds=tuple(_round(rng, number, len(names), token) for number in range(rng.choice((1, 2, 2, 3)))),
    )


def proxy_of(rng: random.Random) -> Proxy | None:
    """A proxy, in a fifth of the cases."""
    if rng.random() > 0.2:
        return None
    kind: t.Literal["forward", "connect"] = rng.choice(("forward", "connect"))
    losses = ("close", "reset", "refuse") if kind == "connect" else ("close", "reset", "cut")
    return Proxy(kind, t.cast("t.Any", rng.choice(losses)) if rng.random() < 0.7 else None)


def _round(rng: random.Random, number: int, hosts: int, token: bool) -> Round:
    before = [_move(rng, hosts, token, None) for _each in range(rng.choice((0, 0, 1)) if number == 0 else 1)]
    meanwhile = [_move(rng, hosts, token, rng.choice(_MOMENTS)) for _each in range(rng.random() < 0.3)]
    # Later rounds are about what has moved.
    quiet = number > 0 and rng.random() < 0.6
    return Round(
        moves=(*before, *meanwhile),
        rules=() if quiet else _rules(rng),
        restart=None if quiet else restart_of(rng),
        lasting=rng.random() < 0.5,
        twin=rng.choice((0.0, 0.0, 0.1, 0.3)) if rng.random() < 0.15 else None,
    )


def _move(rng: random.Random, hosts: int, token: bool, at: tuple[str, t.Any] | None) -> Move:
    weights = dict(_MOVES)
    if not token:
        del weights["expire"]
    if at is None:
        del weights["cancel"]
    what = rng.choices(tuple(weights), tuple(weights.values()))[0]
    if what == "cancel":
        # It is the answer to the request before that names the job.
        at = (rng.choice(("post", "poll")), "after")
    field = rng.choice(FIELDS) if what == "edit" else ""
    return Move(what, rng.randrange(hosts), field, at is None and rng.random() < 0.6, at)


def _rules(rng: random.Random) -> tuple[Rule, ...]:
    """None to three faults, each on another kind of request."""
    places: list[str] = []
    for _number in range(rng.choice((0, 1, 1, 2, 2, 3))):
        left = [place for place in PLACES if place not in places]
        places += rng.choices(left, [_WEIGHTS[place] for place in left])
    return tuple(rule_at(rng, place) for place in places)


def rule_at(rng: random.Random, place: str) -> Rule:
    """A fault on one kind of request."""
    method, path = PLACES[place]
    rule: dict[str, t.Any] = {"path": path, "when": rng.choice(("before", "after"))}
    if method is not None:
        rule["method"] = method
    # A POST that was lost is looked for so long that a second one in a scenario would take most of the time.
    rule["times"] = 1 if place == "post" else rng.randint(1, 3)
    if place != "post" and rng.random() < 0.3:
        # The list is first read for the decision; a second time for other callers, or to look for a job that was lost.
        rule["after_requests"] = rng.randint(1, 2)
    kind = rng.choices(tuple(_KINDS), tuple(_KINDS.values()))[0]
    rule["kind"] = kind
    if kind == "throttle":
        # The controller's own words: it throttles before it works.
        rule.update(kind="status", when="before", status=429, headers={"Retry-After": "1"})
        rule["body"] = {"detail": "Request was throttled."}
    elif kind == "status":
        rule["status"] = rng.choice(_STATUSES)
        if rule["status"] == 429:
            # It says that nothing was carried out.
            rule["when"] = "before"
        if rng.random() < 0.3:
            rule["headers"] = {"Retry-After": "1"}
    elif kind == "missing":
        # What a proxy may say while there is nothing behind it.
        rule.update(kind="status", status=404)
    elif kind == "slow":
        # A POST may be worked on long after its client has gone, though not as long as a lost job is looked for.
        rule["delay"] = round(REQUEST_TIMEOUT + rng.uniform(0.3, 1.5), 2)
    elif kind in ("garbage", "empty") and place == "post" and rng.random() < 0.7:
        rule["status"] = 201
    elif kind == "truncate":
        rule["when"] = "after"
    return t.cast("Rule", rule)


def restart_of(rng: random.Random) -> Restart | None:
    """A restart, in a quarter of the cases."""
    if rng.random() > 0.25:
        return None
    after: t.Literal["start", "post"] = rng.choice(("start", "post"))
    delay = rng.uniform(0.0, 0.3) if after == "post" and rng.random() < 0.5 else rng.uniform(0.0, 3.0)
    return Restart(after, round(delay, 2), round(rng.uniform(0.0, 2.0), 2))
