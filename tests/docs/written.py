# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written: the guides, the READMEs, the examples of the module, and the blocks of YAML in them."""

from __future__ import annotations

import ast
import re
import textwrap
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULE = "relaunch.controller.job_relaunch"
INFO_MODULE = "relaunch.controller.job_info"
MODULES = [f"relaunch.controller.{path.stem}" for path in sorted((ROOT / "plugins" / "modules").glob("*.py"))]
ROLE = "relaunch.controller.retry_failed_hosts"
GROUP = "group/relaunch.controller.controller"

GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
READMES = [ROOT / "README.md", ROOT / "roles" / "retry_failed_hosts" / "README.md"]

# A block, and the indentation of what introduces it.
RST_BLOCK = re.compile(r"^(?P<indent> *)\.\. code-block:: yaml\n\n(?P<text>(?:(?P=indent) {3}.*\n|\n)+)", re.MULTILINE)
MARKDOWN_BLOCK = re.compile(r"^(?P<indent> *)```yaml\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of YAML in a file, and where in it."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def content(self) -> t.Any:
        return yaml.safe_load(self.text)

    def dictionaries(self) -> t.Iterator[dict[str, t.Any]]:
        """All dictionaries in it, however deep."""
        pending = [self.content]
        while pending:
            thing = pending.pop()
            if isinstance(thing, dict):
                yield thing
                pending.extend(thing.values())
            elif isinstance(thing, list):
                pending.extend(thing)


def _in_file(path: Path) -> t.Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    pattern = RST_BLOCK if path.suffix == ".rst" else MARKDOWN_BLOCK
    for found in pattern.finditer(text):
        yield Block(path, text.count("\n", 0, found.start()) + 1, textwrap.dedent(found["text"]))


def examples(module: str) -> Block:
    """The EXAMPLES of a module."""
    path = ROOT / "plugins" / "modules" / f"{module}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
            return Block(path, node.lineno, ast.literal_eval(node.value))
    raise LookupError(f"{path} has no EXAMPLES")


EXAMPLES = examples("job_relaunch")
BLOCKS = [EXAMPLES, *(block for path in [*READMES, *GUIDES] for block in _in_file(path))]
