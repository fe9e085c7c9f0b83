# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The house: folders are floors, imports go down only, a name means one thing, and what is private says so."""

from __future__ import annotations

import ast
import functools
import typing as t
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "plugins"
UTILS = ROOT / "module_utils"

#: From the ground up.
FLOORS = ("_api", "_work", "_launch", "_job", "_retry", "_workflow", "_selection", "_bulk", "_task")
MOST_FILES = 12
LONGEST_FUNCTION = 60
LONGEST_CLASS = 200

FILES = sorted(path for path in UTILS.rglob("*.py") if path.name != "__init__.py")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_file = pytest.mark.parametrize("path", FILES, ids=named)


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[Path]:
    """The files of module_utils that a file of it imports from, or imports."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1]
            target = folder.joinpath(*(node.module or "").split(".")) if node.module else folder
            names = [target / alias.name for alias in node.names]
            found.update(one.with_suffix(".py") for one in (target, *names) if one.with_suffix(".py").is_file())
    return found


def floor(path: Path) -> int:
    return FLOORS.index(path.relative_to(UTILS).parts[0])


def top_level(path: Path) -> t.Iterator[str]:
    """The public names that a file defines: functions, classes, and what is assigned."""
    for node in parsed(path).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def lines(node: t.Union[ast.FunctionDef, ast.ClassDef]) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_each_folder_is_a_floor() -> None:
    assert {path.relative_to(UTILS).parts[0] for path in FILES} == set(FLOORS)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=named)
def test_imports_are_relative(path: Path) -> None:
    absolute = [
        node.lineno
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ansible_collections."))
        or (isinstance(node, ast.Import) and any(one.name.startswith("ansible_collections.") for one in node.names))
    ]
    assert absolute == []


@each_file
def test_imports_go_down(path: Path) -> None:
    assert [named(other) for other in imported(path) if floor(other) > floor(path)] == []


def test_no_imports_go_round() -> None:
    arrows = {path: imported(path) for path in FILES}
    done: set[Path] = set()

    def visit(path: Path, way: tuple[Path, ...]) -> None:
        assert path not in way, " > ".join(map(named, (*way[way.index(path) :], path)))
        if path not in done:
            for other in sorted(arrows.get(path, ())):
                visit(other, (*way, path))
            done.add(path)

    for path in FILES:
        visit(path, ())


def test_a_folder_can_be_taken_in_at_a_glance() -> None:
    sizes = {name: sum(path.parent.name == name for path in FILES) for name in FLOORS}
    assert {name: size for name, size in sizes.items() if size > MOST_FILES} == {}


def test_a_public_name_is_defined_once() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in FILES:
        for name in set(top_level(path)):
            if not name.startswith("_"):
                places[name].append(named(path))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


@each_file
def test_what_is_private_says_so(path: Path) -> None:
    assert "Private to this collection" in " ".join((ast.get_docstring(parsed(path)) or "").split())


@each_file
def test_functions_and_classes_are_short(path: Path) -> None:
    long = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            most = LONGEST_FUNCTION if isinstance(node, ast.FunctionDef) else LONGEST_CLASS
            long += [f"{node.name}: {lines(node)} lines"] if lines(node) > most else []
    assert long == []
