# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Fetches the collection awx.awx for the benchmark, out of a release of the package `ansible`, which holds it.

python dev/awx.py FOLDER

Prints where Ansible finds it then.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

from command import output_of

# It has awx.awx 24.6.1.
ANSIBLE = "13.8.0"
COLLECTION = "ansible_collections/awx/awx/"


def fetch(folder: Path) -> Path:
    """The folder above its ansible_collections."""
    place = folder / f"awx-of-ansible-{ANSIBLE}"
    if place.exists():
        return place
    print(f"fetching ansible {ANSIBLE} …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # Only its files are wanted, so that it may be one for another Python.
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version=3.12", "--dest", scratch]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        output_of(*pip, "download", *options, f"ansible=={ANSIBLE}")
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(
                Path(scratch, "found"), [name for name in archive.namelist() if name.startswith(COLLECTION)]
            )
        return Path(scratch, "found").rename(place)


if __name__ == "__main__":
    print(fetch(Path(sys.argv[1]).resolve()))
