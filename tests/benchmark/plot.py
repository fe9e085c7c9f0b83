# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as a picture."""

from __future__ import annotations

import typing as t
from pathlib import Path

import matplotlib

from . import contenders
from .figures import spread

if t.TYPE_CHECKING:
    from .report import Results

# Told apart by people who see few colours too: ours dark, the others light.
COLOURS = {
    contenders.IN_PROCESS.name: "#0b5fa5",
    contenders.MODULE.name: "#5aa0d8",
    contenders.TOGETHER.name: "#083a66",
    contenders.URI.name: "#e0a030",
    contenders.JOB_LAUNCH.name: "#c9c9c9",
}

HEADER = """\
<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Copyright (c) 2026, relaunch.controller contributors; drawn by make bench -->
"""


def draw(results: Results, folder: Path) -> list[Path]:
    """Write benchmark.svg and benchmark.png; their paths.

    Bars are medians, the lines on them go from the least to the most.
    """
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "benchmark", "svg.fonttype": "none"})
    from matplotlib import pyplot

    cases = list(dict.fromkeys(case for case, _condition in results))
    heights = [0.9 + 0.75 * sum(found is case for found, _condition in results) for case in cases]
    figure, axes = pyplot.subplots(
        len(cases), 1, figsize=(8, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for axis, case in zip(axes[:, 0], cases, strict=True):
        measured = {condition: rounds for (found, condition), rounds in results.items() if found is case}
        names = [contender.name for contender in case.contenders]
        height = 0.8 / len(names)
        for number, name in enumerate(names):
            places = [place + number * height for place in range(len(measured))]
            spreads = [spread([run.seconds for run in rounds[name]]) for rounds in measured.values()]
            medians = [found.median for found in spreads]
            ends = [[s.median - s.least for s in spreads], [s.most - s.median for s in spreads]]
            axis.barh(places, medians, height, xerr=ends, label=name, color=COLOURS[name], error_kw={"linewidth": 0.8})
            for place, found in zip(places, spreads, strict=True):
                axis.annotate(
                    f"{found.median:.2f}", (found.most, place), (4, 0), textcoords="offset points", va="center", size=7
                )
        axis.set_yticks(
            [place + 0.4 - height / 2 for place in range(len(measured))],
            [condition.title for condition in measured],
        )
        axis.invert_yaxis()
        axis.margins(x=0.1)
        axis.set_title(case.title, loc="left", size=10)
        axis.set_xlabel("seconds, whole process" if case.whole else "seconds from the job's end to the task's")
        axis.spines[["top", "right"]].set_visible(False)
    legend = {
        label: handle for axis in axes[:, 0] for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(legend.values(), legend, loc="outside lower center", ncols=len(legend), frameon=False, fontsize=8)
    written = []
    for suffix in ("svg", "png"):
        path = folder / f"benchmark.{suffix}"
        figure.savefig(path, dpi=150, metadata={"Date": None} if suffix == "svg" else None)
        written.append(path)
    pyplot.close(figure)
    declaration, rest = written[0].read_text(encoding="utf-8").split("\n", 1)
    written[0].write_text(f"{declaration}\n{HEADER}{rest}", encoding="utf-8")
    return written
