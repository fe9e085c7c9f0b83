# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Copies the staged state of the checkout to a folder …/ansible_collections/relaunch/controller.

ansible-test works nowhere else, and imports of `ansible_collections.relaunch.controller` resolve there. What is staged
is what is tested: it is what the next commit will hold.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from command import output_of

CHECKOUT = Path(__file__).resolve().parent.parent


def git(folder: Path, *arguments: str) -> str:
    """Run git there. What a git hook knows about its repository holds for the checkout only."""
    environ = {key: value for key, value in os.environ.items() if folder == CHECKOUT or not key.startswith("GIT_")}
    return output_of("git", "-C", str(folder), *arguments, environ=environ)


def export(target: Path) -> None:
    # The id of what is staged: as long as it stays the same, so may the export.
    staged = git(CHECKOUT, "write-tree").strip()
    exported = target.parent / ".exported"
    if not exported.exists() or exported.read_text() != staged:
        # From nothing, so that no file outlives its removal from the checkout.
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        git(CHECKOUT, "checkout-index", "--all", "--force", f"--prefix={target}{os.sep}")
        # ansible-test and ansible-lint ask the nearest repository for files, and the checkout's ignores this folder.
        git(target, "init", "--quiet")
        git(target, "add", "--all", "--force")
        exported.write_text(staged)

    differing = git(CHECKOUT, "ls-files", "-z", "--modified", "--others", "--exclude-standard", "--deduplicate")
    if count := differing.count("\0"):
        print(f"using the staged state; {count} file{'s differ' if count > 1 else ' differs'} (git add)")


if __name__ == "__main__":
    export(Path(sys.argv[1]).resolve())
