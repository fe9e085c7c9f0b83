# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks that hosts leave, as files: which steps each has passed in which job; and what is to fail there.

A step is told to fail by a file too, named after the job: so the values of jobs and of their template stay the same
from one attempt to the next.
"""

from __future__ import annotations

import collections
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .playbook import FIRST_NAME, FOLDER, files
from .shapes import Book
from .worlds import ANY, Fault

# Job, step and host in; it fails, or adds a line to the mark. With a host that runs a step twice this can be seen.
_STEP = f"""\
cd "${{0%/*}}" || exit 2
for host in "${{3%%x*}}" {ANY}; do
  if [ -e "faults/$1.$2.$host" ]; then echo "$2 fails on $3" >&2; exit 1; fi
done
echo passed >> "marks/$1.$2.${{3%%x*}}"
"""

_NOWHERE = {"ansible_host": "127.0.0.1", "ansible_port": 1}


@dataclass(frozen=True)
class Mark:
    """A step that a host has passed in a job.

    :param time: when it did last.
    :param times: how often.
    """

    job: int
    step: str
    host: str
    time: float
    times: int


class Marks:
    """The files of one world.

    :param state: the sandbox's folder that outlives jobs, ``sandbox_state`` for playbooks.
    :param name: of the world's own folder in it.
    """

    def __init__(self, state: Path, name: str, book: Book) -> None:
        self._folder = state / name
        self._name = name
        for part in ("faults", "marks", "unreachable"):
            (self._folder / part).mkdir(parents=True)
        (self._folder / "step").write_text(_STEP, encoding="utf-8")
        for file, content in files(book).items():
            (self._folder / file).write_text(content, encoding="utf-8")

    @property
    def variables(self) -> dict[str, t.Any]:
        """Of each host, so that it cannot be reached in some jobs."""
        file = f"{FOLDER % self._name}/unreachable/{{{{ awx_job_id }}}}.{{{{ {FIRST_NAME} }}}}"
        told = "'" + file.replace("{{ ", "' ~ ").replace(" }}", " ~ '") + "'"
        return {**_NOWHERE, "ansible_connection": f"{{{{ 'ssh' if ({told}) is file else 'local' }}}}"}

    def fail(self, job: int, faults: t.Iterable[Fault]) -> None:
        """See to it that this goes wrong in a job."""
        for fault in faults:
            place = f"faults/{job}.{fault.step}.{fault.host}" if fault.step else f"unreachable/{job}.{fault.host}"
            (self._folder / place).touch()

    def calm(self) -> None:
        """Let nothing fail any more."""
        for place in ("faults", "unreachable"):
            for file in (self._folder / place).iterdir():
                file.unlink()

    def read(self) -> list[Mark]:
        """All marks, oldest first."""
        marks = []
        for file in (self._folder / "marks").iterdir():
            job, step, host = file.name.split(".", 2)
            times = file.read_text(encoding="utf-8").count("\n")
            marks.append(Mark(int(job), step, host, file.stat().st_mtime, times))
        return sorted(marks, key=lambda mark: mark.time)


def ended(book: Book, marks: t.Iterable[Mark], hosts: t.Container[str]) -> dict[int, dict[str, float]]:
    """By job, the hosts that reached the end in it, and when."""
    passed: dict[tuple[int, str], dict[str, float]] = collections.defaultdict(dict)
    for mark in marks:
        passed[mark.job, mark.host][mark.step] = mark.time
    found: dict[int, dict[str, float]] = collections.defaultdict(dict)
    for (job, host), steps in passed.items():
        if host in hosts and book.reached_end(host, steps):
            found[job][host] = max(steps.values())
    return dict(found)
