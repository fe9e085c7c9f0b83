# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Whether what is staged could be released: the tarball, the licences, and what has to agree with something else.

python dev/release.py EXPORT OUTPUT
"""

from __future__ import annotations

import re
import sys
import tarfile
import typing as t
from pathlib import Path

import yaml
from command import output_of
from galaxy import build

# Each file that users get belongs to one of these, and each of these has a file.
SHIPPED = (
    r"(MANIFEST|FILES)\.json",
    r"LICENSE",
    r"README\.md",
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
# Made by antsibull-changelog for a release, so that it is not always there.
CHANGELOG = r"CHANGELOG\.md"

# The recordings and requirements are plain data, and a licence has none.
WITHOUT_HEADER = re.compile(r"LICENSE|CHANGELOG\.md|(.*/)?requirements\.txt|.*\.json|changelogs/changelog\.yaml")
HEADER = "SPDX-License-Identifier: GPL-3.0-or-later"
HEADER_LINES = 8

Complaints = t.Iterator[str]


def staged(export: Path) -> list[str]:
    return output_of("git", "ls-files", cwd=export).splitlines()


def of_the_tarball(names: list[str]) -> Complaints:
    """Only what users need, and all of it."""
    for name in names:
        if not re.fullmatch("|".join([*SHIPPED, CHANGELOG]), name):
            yield f"{name} is in the tarball, and users do not need it (galaxy.yml: build_ignore)"
    for pattern in SHIPPED:
        if not any(re.fullmatch(pattern, name) for name in names):
            yield f"nothing in the tarball is a {pattern}"


def of_headers(export: Path) -> Complaints:
    """The licence in each file that can hold a comment."""
    for name in staged(export):
        if not WITHOUT_HEADER.fullmatch(name):
            top = (export / name).read_text(encoding="utf-8").splitlines()[:HEADER_LINES]
            if not any(HEADER in line for line in top):
                yield f"{name} has no line {HEADER!r} at its top"


def of_the_version(export: Path) -> Complaints:
    """The version is one that Galaxy takes, and the changelog has it or fragments for it."""
    version = str(yaml.safe_load((export / "galaxy.yml").read_text(encoding="utf-8"))["version"])
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version):
        yield f"galaxy.yml: {version} is no semantic version"
    released = yaml.safe_load((export / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"] or {}
    fragments = [name for name in staged(export) if name.startswith("changelogs/fragments/")]
    if version not in released and not fragments:
        yield f"changelogs/ tells nothing of version {version}"
    if version in released and fragments:
        yield f"version {version} is released, and there are newer fragments: galaxy.yml needs the next version"
    if version in released and not (export / "CHANGELOG.md").exists():
        yield "CHANGELOG.md is missing: antsibull-changelog generate"


def of_requirements(export: Path) -> Complaints:
    """What the documentation says to install is what requirements.txt does."""
    wanted = (export / "requirements.txt").read_text(encoding="utf-8").split()
    told = (export / "plugins/doc_fragments/connection.py").read_text(encoding="utf-8").replace(" >= ", ">=")
    for requirement in wanted:
        if requirement not in told:
            yield f"requirements.txt has {requirement}, and the documentation has not"


def of_ignored_faults(export: Path) -> Complaints:
    for name in staged(export):
        if name.startswith("tests/sanity/ignore"):
            yield f"{name}: faults are repaired, not ignored"


def of_workflows(export: Path) -> Complaints:
    """Workflows run targets of the Makefile, and no others."""
    targets = set(re.findall(r"^([a-z-]+):", (export / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in sorted((export / ".github" / "workflows").glob("*.yml")):
        for target in re.findall(r"\bmake (?:[A-Z_]+=\S+ )*([a-z-]+)", path.read_text(encoding="utf-8")):
            if target not in targets:
                yield f".github/workflows/{path.name}: the Makefile has no target {target}"


def main() -> None:
    export, output = (Path(argument).resolve() for argument in sys.argv[1:])
    tarball = build(export, output)
    with tarfile.open(tarball) as archive:
        names = sorted(member.name for member in archive if member.isfile())
    print("\n".join(names))
    checks = (of_headers, of_the_version, of_requirements, of_ignored_faults, of_workflows)
    complaints = [*of_the_tarball(names), *(line for check in checks for line in check(export))]
    if complaints:
        raise SystemExit("\nThis cannot be released:\n" + "\n".join(complaints))


if __name__ == "__main__":
    main()
