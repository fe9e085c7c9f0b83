# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Whether this could be released: the tarball, what Galaxy's importer says, and what has to agree with something else.

python dev/release.py COLLECTION OUTPUT

COLLECTION is a folder in which the collection was built; the tarball goes to OUTPUT.

Galaxy's importer reports success even where it has found faults, and antsibull-nox's build-import-check passes that on.
Here a fault is a failure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import typing as t
from pathlib import Path

import yaml

# Each file that users get belongs to one of these, and each of these has a file.
SHIPPED = (
    r"(MANIFEST|FILES)\.json",
    r"LICENSE",
    r"(CHANGELOG|README)\.md",
    r"requirements\.txt",
    r"changelogs/(changelog|config)\.yaml",
    r"docs/docsite/(extra-docs|links)\.yml",
    r"docs/docsite/images/\w+\.svg",
    r"docs/docsite/rst/\w+\.rst",
    r"meta/(execution-environment|runtime)\.yml",
    r"playbooks/\w+\.yml",
    r"plugins/(action|doc_fragments|module_utils|modules)/\w+\.py",
    r"roles/\w+/README\.md",
    r"roles/\w+/(defaults|meta|tasks|vars)/\w+\.yml",
    r"roles/\w+/templates/\w+\.j2",
)

Complaints = t.Iterator[str]


def of_the_tarball(tarball: Path) -> Complaints:
    """Only what users need, and all of it."""
    with tarfile.open(tarball) as archive:
        names = sorted(member.name for member in archive if member.isfile())
    for name in names:
        if not re.fullmatch("|".join(SHIPPED), name):
            yield f"{name} is in the tarball, and users do not need it (galaxy.yml: build_ignore)"
    for pattern in SHIPPED:
        if not any(re.fullmatch(pattern, name) for name in names):
            yield f"nothing in the tarball is a {pattern}"


def of_the_importer(tarball: Path) -> Complaints:
    """All that Galaxy's importer says against it. Its own ansible-test would want Docker."""
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch, "galaxy-importer.cfg")
        settings = {"check_required_tags": True, "ansible_local_tmp": f"{scratch}/tmp", "tmp_root_dir": scratch}
        config.write_text("[galaxy-importer]\n" + "\n".join(f"{name} = {value}" for name, value in settings.items()))
        done = subprocess.run(
            [sys.executable, "-m", "galaxy_importer.main", str(tarball)],
            cwd=scratch,
            env=os.environ | {"GALAXY_IMPORTER_CONFIG": str(config)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    print(done.stdout)
    if done.returncode:
        yield "Galaxy's importer refuses it"
    for line in done.stdout.splitlines():
        if line.startswith(("ERROR", "WARNING", "CRITICAL")):
            yield f"Galaxy's importer: {line}"


def of_the_version(collection: Path) -> Complaints:
    """The version is one that Galaxy takes, and the changelog has it or fragments for it."""
    version = str(yaml.safe_load((collection / "galaxy.yml").read_text(encoding="utf-8"))["version"])
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version):
        yield f"galaxy.yml: {version} is no semantic version"
    released = yaml.safe_load((collection / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"]
    fragments = list(collection.glob("changelogs/fragments/*.yml"))
    if version not in released and not fragments:
        yield f"changelogs/ tells nothing of version {version}"
    if version in released and fragments:
        yield f"version {version} is released, and there are newer fragments: galaxy.yml needs the next version"


def of_requirements(collection: Path) -> Complaints:
    """What the documentation says to install is what requirements.txt does."""
    wanted = (collection / "requirements.txt").read_text(encoding="utf-8").split()
    told = (collection / "plugins/doc_fragments/connection.py").read_text(encoding="utf-8").replace(" >= ", ">=")
    for requirement in wanted:
        if requirement not in told:
            yield f"requirements.txt has {requirement}, and the documentation has not"


def of_ignored_faults(collection: Path) -> Complaints:
    for path in collection.glob("tests/sanity/ignore*"):
        yield f"{path.name}: faults are repaired, not ignored"


def of_workflows(collection: Path) -> Complaints:
    """Workflows run targets of the Makefile, and no others."""
    makefile = (collection / "Makefile").read_text(encoding="utf-8")
    listed = re.search(r"^SESSIONS = ((.*\\\n)*.*)$", makefile, re.MULTILINE)
    targets = {*re.findall(r"^([a-z-]+):", makefile, re.MULTILINE), *(listed[1].split() if listed else ())}
    for path in sorted((collection / ".github" / "workflows").glob("*.yml")):
        for target in re.findall(r"\bmake (?:[A-Z_]+=\S+ )*([a-z-]+)", path.read_text(encoding="utf-8")):
            if target not in targets:
                yield f".github/workflows/{path.name}: the Makefile has no target {target}"


def main() -> None:
    collection, output = (Path(argument).resolve() for argument in sys.argv[1:])
    (built,) = collection.glob("*.tar.gz")
    tarball = Path(shutil.copy(built, output))
    complaints = [*of_the_tarball(tarball), *of_the_importer(tarball)]
    for check in (of_the_version, of_requirements, of_ignored_faults, of_workflows):
        complaints += check(collection)
    if complaints:
        raise SystemExit("\nThis cannot be released:\n" + "\n".join(complaints))


if __name__ == "__main__":
    main()
