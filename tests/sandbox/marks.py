# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks whose hosts leave a mark at each step that they pass, and fail at some in some of their runs."""

from __future__ import annotations

import shlex
import typing as t
from pathlib import Path

import yaml

# Step, job and host in. A host fails at a step in those of its runs of it whose numbers the file of both lists.
_STEP = """\
cd "${0%/*}" || exit 2
echo "$2" >> "tried/$1.$3"
run=$(wc -l < "tried/$1.$3")
case " $(cat "fails/$1.$3" 2>/dev/null) " in *" $((run)) "*) echo "$1 fails on $3" >&2; exit 1;; esac
echo "$2" >> "passed/$1.$3"
"""

# A step's name, or a task with more keywords that has it under `step`.
Step = str | t.Mapping[str, t.Any]


class Marks:
    """
    :param folder: where they are left, which no other ones use.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "marks"
        for part in ("tried", "fails", "passed"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "step").write_text(_STEP, encoding="utf-8")

    def fail(self, step: str, **runs: int | t.Sequence[int]) -> None:
        """Let hosts fail at a step: fail("Deploy", web1=1, web2=(1, 2)) in their first run of it, or in two of them."""
        for host, numbers in runs.items():
            wanted = [numbers] if isinstance(numbers, int) else numbers
            (self.folder / "fails" / f"{step}.{host}").write_text(" ".join(map(str, wanted)), encoding="utf-8")

    def passed(self, step: str) -> dict[str, list[int]]:
        """By host, the jobs in which it has passed a step."""
        files = sorted((self.folder / "passed").glob(f"{step}.*"))
        return {
            file.name.partition(".")[2]: [int(job) for job in file.read_text(encoding="utf-8").split()]
            for file in files
        }

    def play(self, hosts: str, *steps: Step, **keywords: t.Any) -> dict[str, t.Any]:
        """A play of these steps, each a task."""
        tasks = [self._task(step) for step in steps]
        return {"name": hosts.capitalize(), "hosts": hosts, "gather_facts": False, **keywords, "tasks": tasks}

    def _task(self, step: Step) -> dict[str, t.Any]:
        more = {} if isinstance(step, str) else {key: value for key, value in step.items() if key != "step"}
        name = step if isinstance(step, str) else step.get("step")
        if name is None:
            return more
        command = (
            f"sh {shlex.quote(str(self.folder / 'step'))} {name} {{{{ awx_job_id }}}} {{{{ inventory_hostname }}}}"
        )
        return {"name": name, "ansible.builtin.raw": command, "changed_when": False, **more}


def playbook(*plays: t.Mapping[str, t.Any]) -> str:
    """The text of a playbook."""
    return yaml.safe_dump(list(plays), sort_keys=False, width=1000)
