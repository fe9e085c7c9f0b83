# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""`python dev/pages/make.py OUTPUT`: the documentation of the collection in this folder, as pages in OUTPUT/html."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def main(output: Path) -> None:
    """Make them; a warning of antsibull-docs or of Sphinx ends it with their status."""
    sources, pages = output / "rst", output / "html"
    for folder in (sources, pages):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o755)  # antsibull-docs wants a folder that nobody else may write to
    # Squashed, since a site for one collection needs no folders for others.
    words = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    words += ["--dest-dir", str(sources), "relaunch.controller"]
    subprocess.run(["antsibull-docs", "collection", *words], check=True)
    # antsibull-docs takes the guides, and leaves their pictures.
    shutil.copytree("docs/docsite/images", sources / "docsite/images")
    words = ["-b", "html", "-c", str(Path(__file__).parent), "--fail-on-warning", "--keep-going", "-q"]
    subprocess.run(["sphinx-build", *words, str(sources), str(pages)], check=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
