# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""The documentation as HTML pages, made without a network. A warning fails it.

python dev/docs.py EXPORT OUTPUT
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from command import output_of
from step import environment

COLLECTION = "relaunch.controller"
SETTINGS = Path(__file__).resolve().parent / "pages"


def lint(export: Path) -> None:
    """What antsibull-docs has to say against the guides and the documentation of the plugins and roles."""
    checks = ["--plugin-docs", "--check-extra-docs-refs", "--validate-collection-refs", "self"]
    output_of("antsibull-docs", "lint-collection-docs", *checks, str(export), environ=environment())


def write_sources(export: Path, sources: Path) -> None:
    """The pages as reStructuredText: those of the modules and roles, made by antsibull-docs, and the guides."""
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir(parents=True)
    sources.chmod(0o755)  # antsibull-docs wants a folder that nobody else may write to
    # Squashed, since a site for one collection needs no folders for others.
    pages = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(sources), COLLECTION]
    output_of("antsibull-docs", "collection", "--no-add-antsibull-docs-version", *pages, environ=environment())
    # antsibull-docs takes the guides, and leaves their pictures.
    shutil.copytree(export / "docs" / "docsite" / "images", sources / "docsite" / "images")


def main() -> None:
    export, output = (Path(argument).resolve() for argument in sys.argv[1:])
    lint(export)
    sources, pages = output / "rst", output / "html"
    write_sources(export, sources)
    shutil.rmtree(pages, ignore_errors=True)
    builder = [sys.executable, "-m", "sphinx", "-b", "html", "-c", str(SETTINGS), "-d", str(output / "doctrees")]
    output_of(*builder, "--fail-on-warning", "--keep-going", "-q", str(sources), str(pages), environ=environment())
    print(f"{pages / 'index.html'}")


if __name__ == "__main__":
    main()
