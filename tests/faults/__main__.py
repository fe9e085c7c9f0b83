# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python tests/faults`: play a campaign and print its table, or one scenario again with all that happened."""

from __future__ import annotations

import argparse
import collections
import pathlib
import signal
import sys
import tempfile
import typing as t

if t.TYPE_CHECKING:
    from faults import contests


def main() -> int:
    """Read the command line and play."""
    parser = argparse.ArgumentParser(
        prog="faults", description="Relaunch jobs of a controller that misbehaves, and count what goes wrong."
    )
    parser.add_argument("--scenarios", type=int, default=200, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first scenario (default: %(default)s)")
    parser.add_argument("--only", type=int, metavar="SEED", help="play this one, and show all that happened")
    parser.add_argument("--many", type=int, default=50, help="how many of many jobs besides (default: %(default)s)")
    parser.add_argument("--only-many", type=int, metavar="SEED", help="as --only, of many jobs")
    parser.add_argument(
        "--contests",
        type=int,
        metavar="ROUNDS",
        help="instead, let 2, 4 and 8 callers run the same task in the same instant, so many times each",
    )
    parser.add_argument(
        "--truth", type=int, metavar="WORLDS", help="instead, run real playbooks, and ask whether what is said is true"
    )
    parser.add_argument("--only-truth", type=int, metavar="SEED", help="as --only, of these")
    parser.add_argument(
        "--uri",
        type=int,
        nargs="?",
        const=10**9,
        metavar="SCENARIOS",
        help="play this many (without a number: all) with ansible.builtin.uri too (default: all, with --only: not)",
    )
    parser.add_argument("--no-uri", dest="uri", action="store_const", const=0, help="play none with it")
    parser.add_argument("--workers", type=int, default=4, help="scenarios at a time (default: %(default)s)")
    options = parser.parse_args()

    # This folder's modules are those of the package, and must not be found under their bare names.
    here = pathlib.Path(__file__).resolve().parent
    sys.path[:] = [str(here.parent), *(path for path in sys.path if pathlib.Path(path or ".").resolve() != here)]
    # The worlds of real playbooks import the collection, which lies below ansible_collections.
    sys.path.append(str(here.parents[4]))
    from faults import campaign, contests, replay
    from faults.truth import campaign as of_truth

    if options.contests is not None:
        return _contests(contests.hold, options.contests)
    if options.only is not None:
        return replay.replay(options.only, uri=bool(options.uri))
    if options.only_many is not None:
        return replay.replay_many(options.only_many)
    if options.only_truth is not None:
        return of_truth.replay(options.only_truth)
    if options.truth is not None:
        worlds = range(options.seed, options.seed + options.truth)
        played = of_truth.run(worlds, workers=options.workers, progress=sys.stderr.isatty())
        print(played.text())
        return 1 if played.wrong else 0
    seeds = range(options.seed, options.seed + options.scenarios)
    many = range(options.seed, options.seed + options.many)
    uri = len(seeds) if options.uri is None else min(options.uri, len(seeds))
    report = campaign.run(seeds, uri=uri, many=many, workers=options.workers, progress=sys.stderr.isatty())
    print(report.text())
    return 1 if report.wrong else 0


def _contests(hold: t.Callable[[int, pathlib.Path], t.Iterable[tuple[int, contests.Contest]]], rounds: int) -> int:
    """Hold contests and print what came of them; 1 if anything was wrong."""
    counts: collections.Counter[tuple[int, str]] = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for callers, contest in hold(rounds, pathlib.Path(folder)):
            counts[callers, "held"] += 1
            counts[callers, "contested"] += bool(contest.canceled)
            counts[callers, "wrong"] += bool(contest.wrong)
            if contest.wrong:
                print(f"{callers} callers: {contest.wrong}")
    for callers in sorted({callers for callers, _what in counts}):
        held, contested, wrong = (counts[callers, what] for what in ("held", "contested", "wrong"))
        print(f"{callers} callers: {held} contests, in {contested} of them several launched; {wrong} wrong")
    return 1 if any(counts[callers, "wrong"] for callers, _what in counts) else 0


if __name__ == "__main__":
    # Told to end, it stops its sandboxes as well.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
