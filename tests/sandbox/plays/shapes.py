# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks written to break the rule that tells where a failed run ended.

Each task leaves a mark of its host. What fails is told as ``b:h1``: Task b on h1. ``first:all`` holds in the first job
alone, for what depends on the state of the hosts: a file that is included once, a change that is made once.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

HOSTS = ("h1", "h2", "h3", "h4")
GROUPS = {"g1": HOSTS[:2], "g2": HOSTS[2:]}
FIRST = "'first:all' in bad"

Json = dict[str, t.Any]


@dataclass(frozen=True)
class Shape:
    """A playbook, and what fails in it.

    :param fails: in the first job, in each relaunch on the failed hosts that fails too, one after the other.
    :param reference: what fails where the marks are left that a host has to have: what leads to a rescue, for instance.
    :param as_json: written in one line, so that all of its tasks have the same path.
    """

    name: str
    playbook: list[Json]
    fails: tuple[str, ...]
    note: str = ""
    files: dict[str, list[Json]] = field(default_factory=dict)
    reference: str = ""
    as_json: bool = False


def mark(letter: str) -> str:
    """What leaves a mark while a task's arguments are evaluated."""
    return "{{ lookup('ansible.builtin.pipe', 'echo ' ~ inventory_hostname ~ ' " + letter + " >> ' ~ marks) }}"


def task(letter: str, **more: t.Any) -> Json:
    """A task that fails where it should."""
    fails = f"('{letter}:' ~ inventory_hostname) in bad"
    return {"name": f"Task {letter}", "ansible.builtin.debug": {"msg": mark(letter)}, "failed_when": fails, **more}


def unreachable(letter: str, **more: t.Any) -> Json:
    """A task on a host that cannot be reached where it should fail."""
    connection = "{{ 'ssh' if ('" + letter + ":' ~ inventory_hostname) in bad else 'local' }}"
    reach = {"ansible_connection": connection, "ansible_host": "127.0.0.1", "ansible_port": 1}
    command = {"ansible.builtin.command": {"argv": ["echo", mark(letter)]}, "changed_when": False}
    return {"name": f"Task {letter}", **command, "vars": reach, **more}


def play(*tasks: Json, hosts: str = "all", **more: t.Any) -> Json:
    """A play, named alike in all playbooks."""
    return {"name": "Play", "hosts": hosts, "gather_facts": False, "tasks": list(tasks), **more}


def block(*tasks: Json, **more: t.Any) -> Json:
    return {"name": "Block", "block": list(tasks), **more}


def include(file: str, **more: t.Any) -> Json:
    return {"name": "Include", "ansible.builtin.include_tasks": file, **more}


def meta(action: str, **more: t.Any) -> Json:
    return {"name": "Meta", "ansible.builtin.meta": action, **more}


def role(*tasks: Json, handlers: t.Sequence[Json] = ()) -> dict[str, list[Json]]:
    """The files of the role r1."""
    return {
        "roles/r1/tasks/main.yml": list(tasks),
        **({"roles/r1/handlers/main.yml": list(handlers)} if handlers else {}),
    }


AEF: Json = {"any_errors_fatal": True}
NOTIFY: Json = {"changed_when": True, "notify": "Restart"}
PER_HOST = "{{ inventory_hostname }}.yml"
HOST_FILES = {f"{host}.yml": [task(f"i{host}"), task(f"j{host}")] for host in HOSTS}

_PLAYS = (
    Shape(
        "prelude-serial", [play(task("a")), play(task("b"), serial=1)], ("b:h1",), "the others had begun play 1 alone"
    ),
    Shape("prelude-serial-third", [play(task("a")), play(task("b"), task("c"), serial=1)], ("b:h3",)),
    Shape("prelude-serial-aef-last", [play(task("a")), play(task("b"), serial=2, **AEF)], ("b:h1",)),
    Shape(
        "prelude-group", [play(task("a")), play(task("b"), hosts="g2")], ("b:h3,b:h4",), "the second play was for g2"
    ),
    Shape("tiers", [play(task("a"), hosts="g1"), play(task("b"), hosts="g2")], ("b:h3,b:h4",)),
    Shape(
        "serial-unreachable-aef",
        [play(task("a"), unreachable("u"), serial=2, **AEF), play(task("c"))],
        ("u:h1",),
        "ansible-core goes on to the next batch and play, without h2",
    ),
    Shape(
        "serial-unreachable-aef-mid",
        [play(task("a"), unreachable("u"), task("b"), serial=2, **AEF)],
        ("u:h1",),
        "ansible-core goes on to the next batch",
    ),
    Shape(
        "failed-earlier-aef",
        [play(task("a")), play(task("b"), hosts="h1,h2,h3", **AEF), play(task("c"))],
        ("a:h1,b:h2",),
        "ansible-core goes on to the third play, without h3",
    ),
    Shape(
        "maxfail-later-play",
        [play(task("a")), play(task("b"), task("c"), max_fail_percentage=10)],
        ("a:h1",),
        "the failure in the first play does not count in the second",
    ),
    Shape(
        "maxfail-later-batch",
        [play(task("a"), task("b"), serial=[3, 1], max_fail_percentage=40)],
        ("b:h1",),
        "a failure in an earlier batch does not count",
    ),
    Shape("import-same-names", [play(task("a")), play(task("b"), task("c"), **AEF), play(task("d"))], ("b:h2",)),
    Shape("all-but-one", [play(task("a")), play(task("b"), task("c"), hosts="all:!h1", **AEF)], ("b:h2",)),
    Shape(
        "group_by-aef",
        [
            play(task("a"), {"name": "Group", "ansible.builtin.group_by": {"key": "made"}}, hosts="g1"),
            play(task("b"), task("c"), hosts="made", **AEF),
            play(task("d"), hosts="g2"),
        ],
        ("b:h1",),
    ),
    Shape(
        "add_host-serial",
        [
            play(
                task("a"),
                {
                    "name": "Add",
                    "ansible.builtin.add_host": {"name": "{{ item }}", "groups": "made", "ansible_connection": "local"},
                    "loop": ["n1", "n2"],
                    "changed_when": False,
                },
            ),
            play(task("b"), hosts="made", serial=1),
            play(task("c")),
        ],
        ("b:n1",),
        "a host that was made fails, and nobody gets to the third play",
    ),
)

_BATCHES = (
    Shape("serial-list", [play(task("a"), task("b"), serial=[1, "50%"])], ("b:h2",)),
    Shape("serial-list-whole", [play(task("a"), task("b"), serial=[1, "50%"])], ("a:h2,b:h3",)),
    Shape("serial-maxfail-last", [play(task("a"), task("b"), serial=2, max_fail_percentage=40)], ("b:h1",)),
    Shape("serial-pinned-aef", [play(task("a"), task("b"), serial=2, strategy="host_pinned", **AEF)], ("a:h1",)),
    Shape("serial-free-aef", [play(task("a"), task("b"), serial=2, strategy="free", **AEF)], ("a:h1",)),
    Shape("serial-reverse", [play(task("a"), task("b"), serial=2, order="reverse_inventory", **AEF)], ("a:h4",)),
    Shape(
        "serial-always-aef",
        [play(block(task("a"), always=[task("b")]), serial=2, **AEF)],
        ("a:h1",),
        "done always comes last; the next batch is never begun",
    ),
    Shape(
        "serial-end_batch",
        [play(task("a"), meta("end_batch", when="inventory_hostname in ['h1', 'h2']"), task("b"), serial=2)],
        ("b:h3",),
        "the first batch ends early, by itself",
    ),
    Shape(
        "serial-end_host-aef",
        [play(task("a"), meta("end_host", when="inventory_hostname == 'h1'"), task("b"), task("c"), serial=3, **AEF)],
        ("b:h2",),
    ),
    Shape("run_once-delegate", [play(task("a"), task("o", run_once=True, delegate_to="h3"), task("c"))], ("o:h1",)),
    Shape("throttle-aef", [play(task("a", throttle=1), task("b", throttle=1), task("c"), **AEF)], ("b:h2",)),
)

_BLOCKS = (
    Shape(
        "rescue-then-always-aef",
        [play(block(task("r"), rescue=[task("m")]), block(task("d"), always=[task("n")]), **AEF)],
        ("r:h1,m:h1",),
        "those that were not rescued go on to what is done always, past a task",
        reference="r:h1",
    ),
    Shape(
        "rescue-fatal-then-always",
        [play(block(task("r"), rescue=[task("m", **AEF)]), block(task("d"), always=[task("n")]))],
        ("r:h1,m:h1",),
        "as before, where only the rescue is fatal: ansible-core does not stop",
        reference="r:h1",
    ),
    Shape(
        "rescue-unreachable-always-aef",
        [play(block(task("r"), rescue=[unreachable("u"), task("m")], always=[task("n")]), **AEF)],
        ("r:h1,u:h1",),
        "a host that cannot be reached has no part in what is done always",
        reference="r:h1",
    ),
    Shape(
        "nested-always-aef",
        [play(block(block(task("a"), task("b"), always=[task("n")]), always=[task("m")]), task("c"), **AEF)],
        ("a:h1",),
    ),
    Shape(
        "nested-always-last-aef",
        [play(block(block(task("a"), task("b"), always=[task("n")]), always=[task("m")]), **AEF)],
        ("a:h1",),
    ),
    Shape(
        "block-aef-in-rescue",
        [play(block(task("r"), rescue=[block(task("m"), task("n"), **AEF)]), task("c"))],
        ("r:h1,m:h1",),
        "ansible-core sends the others into the rescue too",
        reference="r:h1",
    ),
    Shape(
        "rescue-by-all-aef",
        [play(block(task("r"), rescue=[task("m"), task("n")]), **AEF)],
        ("r:h1,r:h2,m:h1",),
        "the rescue ends for h2 too; the measure had none",
        reference="r:h1,r:h2",
    ),
    Shape(
        "rescue-aef-later-play",
        [play(task("a"), block(task("r"), rescue=[task("m")]), task("b"), **AEF), play(task("c"), task("d"))],
        ("r:h1,r:h2,c:h1",),
        "all are sent into the rescue, but ansible-core goes on to the second play without h3 and h4",
        reference="r:h1,r:h2,r:h3,r:h4",
    ),
    Shape(
        "rescue-aef-block-later-play",
        [
            play(task("a"), block(task("r"), rescue=[task("m")], **AEF), task("b"), task("c")),
            play(task("d"), task("e")),
        ],
        ("r:h1,b:h2",),
        "as before, but the first play went on after a later failure",
        reference="r:h1,r:h2,r:h3,r:h4",
    ),
    Shape(
        "rescue-aef-then",
        [play(task("a"), block(task("r"), rescue=[task("m")]), task("b"), **AEF), play(task("d"), hosts="h1")],
        ("r:h1,d:h1",),
        "all are sent into the rescue, and go on behind it in the same play",
        reference="r:h1,r:h2,r:h3,r:h4",
    ),
    Shape(
        "rescue-later-play",
        [play(task("a"), block(task("r"), rescue=[task("m")])), play(task("c"), task("d"))],
        ("r:h1,r:h3,c:h1",),
        "without any_errors_fatal nobody is taken out of the second play",
        reference="r:h1,r:h3",
    ),
    Shape(
        "rescue-by-two",
        [play(block(task("r"), rescue=[task("m"), task("n")]))],
        ("r:h1,r:h2,m:h1",),
        "as before, and h2 went on",
        reference="r:h1,r:h2",
    ),
    Shape(
        "always-end_host-in-S",
        [
            play(
                block(task("a"), always=[task("n")]),
                meta("end_host", when="inventory_hostname == 'h1' and 'first:all' not in bad"),
                task("b"),
                **AEF,
            )
        ],
        ("a:h1,first:all",),
        "the relaunch ends early, and what is done always comes after the failure",
    ),
    Shape(
        "ignore_unreachable-aef", [play(unreachable("u", ignore_unreachable=True), task("c"), **AEF)], ("u:h1,c:h2",)
    ),
)

_FILES = (
    Shape(
        "include-once-aef",
        [play(task("a"), include("inc.yml", when=FIRST), **AEF)],
        ("x:h1,first:all",),
        "the relaunch has nothing to include any more",
        files={"inc.yml": [task("x"), task("y")]},
    ),
    Shape(
        "include-once",
        [play(task("a"), include("inc.yml", when=FIRST))],
        ("x:h1,first:all",),
        "as before, and the others went on",
        files={"inc.yml": [task("x"), task("y")]},
    ),
    Shape(
        "include-once-always-aef",
        [play(block(include("inc.yml", when=FIRST), always=[task("n")]), **AEF)],
        ("x:h1,first:all",),
        files={"inc.yml": [task("x"), task("y")]},
    ),
    Shape(
        "include-other-once-aef",
        [play(task("a"), include("inc.yml", when=f"{FIRST} and inventory_hostname != 'h1'"), task("c"), **AEF)],
        ("x:h2,first:all",),
        files={"inc.yml": [task("x"), task("y")]},
    ),
    Shape(
        "include-by-host-always-aef",
        [play(include(PER_HOST), **AEF)],
        ("xh1:h1",),
        "what is done always in the files of the others",
        files={f"{host}.yml": [block(task(f"x{host}"), task(f"y{host}"), always=[task(f"z{host}")])] for host in HOSTS},
    ),
    Shape("include-by-host-then", [play(include(PER_HOST), task("c"))], ("ih1:h1",), files=HOST_FILES),
    Shape("include-by-host-then-aef", [play(include(PER_HOST), task("c"), **AEF)], ("jh2:h2",), files=HOST_FILES),
    Shape(
        "loop-include-when-aef",
        [
            play(
                include(
                    "inc.yml",
                    loop=["x", "y"],
                    loop_control={"loop_var": "part"},
                    when="part == 'x' or inventory_hostname != 'h1'",
                ),
                **AEF,
            )
        ],
        ("p:h1",),
        "the second copy is for the others alone",
        files={"inc.yml": [task("p"), task("q")]},
    ),
    Shape(
        "loop-include-second-aef",
        [play(include("inc.yml", loop="{{ ['x', 'y'] if 'first:all' in bad else ['x'] }}"), **AEF)],
        ("p:h1,first:all",),
        "the relaunch has one copy less",
        files={"inc.yml": [task("p", failed_when="item == 'y' and ('p:' ~ inventory_hostname) in bad"), task("q")]},
    ),
    Shape(
        "same-file-vars-aef",
        [play(include("inc.yml", vars={"part": 1}), include("inc.yml", vars={"part": 2}), **AEF)],
        ("p:h1",),
        files={"inc.yml": [task("p", failed_when="part == 2 and ('p:' ~ inventory_hostname) in bad"), task("q")]},
    ),
    Shape(
        "end_host-in-file",
        [play(include("inc.yml"), task("b"))],
        ("a:h1",),
        "h2 leaves in an included file",
        files={"inc.yml": [task("a"), meta("end_host", when="inventory_hostname == 'h2'")]},
    ),
    Shape(
        "json-same-path-aef",
        [play(task("a"), task("b", name="Task a"), task("c", name="Task a"), **AEF)],
        ("b:h1",),
        "all tasks have one name and one path",
        as_json=True,
    ),
    Shape("json-last", [play(task("a"), task("b"))], ("b:h1",), as_json=True),
    Shape(
        "templated-name",
        [play(task("a", name="Task of {{ inventory_hostname }}"), task("b"))],
        ("a:h2",),
        "in each job the task is named by its first host",
    ),
)

_ROLE_HANDLERS = [task("hd", name="Restart"), task("he", name="Reload", listen="Restart")]

_HANDLERS = (
    Shape(
        "role-listen-aef",
        [play(*({"name": "Role", "ansible.builtin.include_role": {"name": "r1"}} for _copy in range(2)), **AEF)],
        ("he:h2",),
        "the last handler fails",
        files=role(task("q", **NOTIFY), handlers=_ROLE_HANDLERS),
    ),
    Shape(
        "role-listen-first-aef",
        [play(*({"name": "Role", "ansible.builtin.include_role": {"name": "r1"}} for _copy in range(2)), **AEF)],
        ("hd:h2",),
        files=role(task("q", **NOTIFY), handlers=_ROLE_HANDLERS),
    ),
    Shape(
        "force_handlers-aef",
        [play(task("a", **NOTIFY), task("b"), handlers=_ROLE_HANDLERS, force_handlers=True, **AEF)],
        ("b:h2",),
    ),
    Shape(
        "flush-mid-aef",
        [play(task("a", **NOTIFY), meta("flush_handlers"), task("b"), handlers=_ROLE_HANDLERS, **AEF)],
        ("hd:h2",),
    ),
    Shape(
        "flush-last",
        [play(task("a", **NOTIFY), task("b"), meta("flush_handlers"), handlers=_ROLE_HANDLERS)],
        ("b:h2",),
        "an explicit flush comes last",
    ),
    Shape(
        "handler-once",
        [play(task("a", changed_when=FIRST, notify="Restart"), task("b"), handlers=_ROLE_HANDLERS)],
        ("he:h2,first:all",),
        "the relaunch changes nothing and has no handler; the others have theirs",
    ),
    Shape(
        "handler-once-aef",
        [play(task("a", changed_when=FIRST, notify="Restart"), task("b"), handlers=_ROLE_HANDLERS, **AEF)],
        ("hd:h2,first:all",),
        "as before, but the second handler runs nowhere",
    ),
    Shape(
        "handlers-once-aef-last",
        [play(task("a", changed_when=FIRST, notify="Restart"), task("b"), handlers=_ROLE_HANDLERS, **AEF)],
        ("b:h2,first:all",),
        "no run starts the handlers, which were notified in the first alone",
    ),
    Shape(
        "handler-includes-aef",
        [play(task("a", **NOTIFY), handlers=[include("inc.yml", name="Restart")], **AEF)],
        ("x:h2",),
        files={"inc.yml": [task("x"), task("y")]},
    ),
)

_MORE = (
    Shape(
        "retries-aef",
        [play(task("a", retries=1, delay=0, until="('a:' ~ inventory_hostname) not in bad"), task("b"), **AEF)],
        ("a:h2",),
    ),
    Shape(
        "async-aef",
        [
            play(
                {
                    "name": "Task a",
                    "ansible.builtin.command": {"argv": ["echo", mark("a")]},
                    "async": 20,
                    "poll": 1,
                    "changed_when": False,
                    "failed_when": "('a:' ~ inventory_hostname) in bad",
                },
                task("b"),
                **AEF,
            )
        ],
        ("a:h2",),
    ),
    Shape(
        "tags", [play(task("a", tags="always"), task("n", tags="never"), task("b"), task("c", tags="never"))], ("b:h2",)
    ),
    Shape("fails-again", [play(task("a"), task("b"), **AEF)], ("b:h1", "a:h1"), "the first relaunch fails earlier"),
    Shape(
        "fails-again-last", [play(task("a"), task("b"))], ("b:h1,b:h2", "b:h1"), "the first relaunch fails on one again"
    ),
)

SHAPES = (*_PLAYS, *_BATCHES, *_BLOCKS, *_FILES, *_HANDLERS, *_MORE)
