# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as Markdown."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import typing as t
from pathlib import Path

from .contenders import AT_ONCE
from .figures import ratios, spread

if t.TYPE_CHECKING:
    from .cases import Case, Condition, Measured, Rounds

#: By case and condition.
Results = dict[tuple["Case", "Condition"], "Rounds"]


def text(results: Results, awx: str) -> str:
    """All of it.

    :param awx: the version of awx.awx.
    """
    parts = [machine(awx)]
    for case in dict.fromkeys(case for case, _condition in results):
        measured = {condition: rounds for (found, condition), rounds in results.items() if found is case}
        parts.append(table(case, measured))
    return "\n\n".join(parts) + "\n"


def machine(awx: str) -> str:
    """Where it was measured, and with what."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("ansible-core", "requests")]
    versions.append(f"awx.awx {awx}")
    return (
        f"Measured on {os.cpu_count()} cores of {_processor()}, {platform.system()} {platform.release()}, load "
        f"{os.getloadavg()[0]:.1f} at the end; Python {platform.python_version()}, {', '.join(versions)}. Controller "
        "and client share the machine. Medians, with the least and the most in brackets; ratios are medians of the "
        "rounds' own."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def table(case: Case, measured: t.Mapping[Condition, Rounds]) -> str:
    """One case, a row for each contender under each condition."""
    what = "whole process" if case.whole else "end of the job → end of the task"
    first, second = case.contenders[:2]
    told = f"{len(next(iter(next(iter(measured.values())).values())))} rounds."
    if case.at_once:
        told += f" Jobs end at once. {first.name} has {AT_ONCE} active at a time, the others one after another."
    elif case.lasts is not None:
        told += " A job lasts up to a second more or less. awx.awx waits for its events, a second after its end."
    lines = [
        f"### {case.title}",
        "",
        told,
        "",
        f"| Controller | | {what} | ÷ {first.name} | ÷ {second.name} | requests | connections |",
        "|---|---|---|---|---|---|---|",
    ]
    for condition, by_name in measured.items():
        for name, runs in by_name.items():
            times = spread(_seconds(runs))
            cells = [
                condition.title,
                name,
                f"{times.median:.2f} s ({times.least:.2f}–{times.most:.2f})",
                *(_ratio(by_name, reference.name, name) for reference in (first, second)),
                _count([run.requests for run in runs]),
                _count([run.connections for run in runs]),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(by_name: Rounds, reference: str, name: str) -> str:
    if reference not in by_name or reference == name:
        return ""
    compared = ratios(_seconds(by_name[reference]), _seconds(by_name[name]))
    return f"{compared.median:.2f} ({compared.least:.2f}–{compared.most:.2f})"


def _seconds(runs: t.Sequence[Measured]) -> list[float]:
    return [run.seconds for run in runs]


def _count(counts: t.Sequence[int]) -> str:
    return f"{statistics.median(counts):g}"
