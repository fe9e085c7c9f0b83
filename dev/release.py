# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Whether this could be released: the tarball, what Galaxy's importer says, and what has to agree with something else.

python dev/release.py COLLECTION OUTPUT

COLLECTION is a folder in which the collection was built; the tarball goes to OUTPUT. Galaxy's importer reports success
even where it has found faults, and antsibull-nox's build-import-check passes that on. Here a fault is a failure.
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
    r"(MANIFEST|FILES)\.json|LICENSE|(CHANGELOG|README)\.md|requirements\.txt",
    r"changelogs/(changelog|config)\.yaml",
    r"docs/docsite/((extra-docs|links)\.yml|images/\w+\.svg|rst/\w+\.rst)",
    r"extensions/eda/rulebooks/\w+\.yml",
    r"meta/(execution-environment|runtime)\.yml",
    r"playbooks/\w+\.yml",
    r"plugins/(action|doc_fragments|lookup|module_utils/\w+|modules|plugin_utils)/\w+\.py",
    r"roles/\w+/(README\.md|(defaults|meta|tasks|vars)/\w+\.yml|templates/\w+\.j2)",
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
        settings = f"check_required_tags = True\nansible_local_tmp = {scratch}/tmp\ntmp_root_dir = {scratch}\n"
        config.write_text(f"[galaxy-importer]\n{settings}", encoding="utf-8")
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


def of_the_tree(read: t.Callable[[str], str], names: list[str]) -> Complaints:
    """The version, the changelog, the requirements and the workflows agree, and no fault is ignored."""
    version = str(yaml.safe_load(read("galaxy.yml"))["version"])
    released = version in yaml.safe_load(read("changelogs/changelog.yaml"))["releases"]
    fragments = any(name.startswith("changelogs/fragments/") for name in names)
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version):
        yield f"galaxy.yml: {version} is no semantic version"
    if not released and not fragments:
        yield f"changelogs/ tells nothing of version {version}"
    if released and fragments:
        yield f"version {version} is released, and there are newer fragments: galaxy.yml needs the next version"
    for requirement in read("requirements.txt").split():
        if requirement not in read("plugins/doc_fragments/_connection.py").replace(" >= ", ">="):
            yield f"requirements.txt has {requirement}, and the documentation has not"
    makefile = read("Makefile").replace("\\\n", " ")
    sessions = re.findall(r"^SESSIONS = (.*)$", makefile, re.M)[0].split()
    targets = {*re.findall(r"^([a-z-]+):", makefile, re.M), *sessions}
    for name in names:
        if name.startswith("tests/sanity/ignore"):
            yield f"{name}: faults are repaired, not ignored"
        if name.startswith(".github/workflows/"):
            for target in re.findall(r"\bmake (?:[A-Z_]+=\S+ )*([a-z-]+)", read(name)):
                if target not in targets:
                    yield f"{name}: the Makefile has no target {target}"


def main() -> None:
    collection, output = (Path(argument).resolve() for argument in sys.argv[1:])
    (built,) = collection.glob("*.tar.gz")
    output.mkdir(parents=True, exist_ok=True)
    tarball = Path(shutil.copy(built, output))
    names = [str(path.relative_to(collection)) for path in collection.rglob("*") if path.is_file()]
    about_the_tree = of_the_tree(lambda name: (collection / name).read_text(encoding="utf-8"), names)
    complaints = [*of_the_tarball(tarball), *of_the_importer(tarball), *about_the_tree]
    if complaints:
        raise SystemExit("\nThis cannot be released:\n" + "\n".join(complaints))


if __name__ == "__main__":
    main()
