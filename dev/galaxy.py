# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Builds the collection and shows it to Galaxy's importer, which reports success even where it has found faults.

python dev/galaxy.py EXPORT OUTPUT
"""

from __future__ import annotations

import os
import re
import sys
import tarfile
import tempfile
from pathlib import Path

from command import output_of

# What users get; everything else is for contributors (galaxy.yml: build_ignore).
SHIPPED = re.compile(
    r"(MANIFEST|FILES)\.json|LICENSE|README\.md|CHANGELOG\.md|requirements\.txt|(changelogs|docs|meta|playbooks|plugins|roles)(/.*)?"
)

# run_ansible_test would want Docker; `make sanity` runs it.
IMPORTER_CONFIG = """\
[galaxy-importer]
run_ansible_test = False
check_required_tags = True
ansible_local_tmp = {scratch}/tmp
tmp_root_dir = {scratch}
"""


def build(export: Path, output: Path) -> Path:
    """The tarball's path."""
    printed = output_of("ansible-galaxy", "collection", "build", "--force", "--output-path", str(output), cwd=export)
    print(printed)
    (tarball,) = re.findall(r"^Created collection for \S+ at (.+\.tar\.gz)$", printed, re.MULTILINE)
    return Path(tarball)


def unwanted(tarball: Path) -> list[str]:
    with tarfile.open(tarball) as archive:
        return [name for name in archive.getnames() if not SHIPPED.fullmatch(name) or "__pycache__" in name]


def complaints(tarball: Path) -> list[str]:
    """What the importer has to say against the collection."""
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch, "galaxy-importer.cfg")
        config.write_text(IMPORTER_CONFIG.format(scratch=scratch))
        environ = os.environ | {"GALAXY_IMPORTER_CONFIG": str(config)}
        importer = [sys.executable, "-m", "galaxy_importer.main", str(tarball)]
        printed = output_of(*importer, cwd=Path(scratch), environ=environ)
    print(printed)
    return [line for line in printed.splitlines() if line.startswith(("ERROR", "WARNING", "CRITICAL"))]


def main() -> None:
    export, output = (Path(argument).resolve() for argument in sys.argv[1:])
    tarball = build(export, output)
    if names := unwanted(tarball):
        raise SystemExit("Users do not need all of the tarball; see build_ignore in galaxy.yml:\n" + "\n".join(names))
    if lines := complaints(tarball):
        raise SystemExit("Galaxy's importer complains:\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
