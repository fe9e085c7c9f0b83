# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment of the guide, as far as it can be built without a container engine."""

from __future__ import annotations

from pathlib import Path

import yaml
from docs.tools import COLLECTIONS, Run
from docs.written import BLOCKS


def test_the_definition_makes_a_build_context(run: Run, tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if block.path.stem == "guide_execution_environment"]
    definition = tmp_path / "execution-environment.yml"
    definition.write_text(block.text, encoding="utf-8")
    context = tmp_path / "context"

    run("ansible-builder", "create", "-f", str(definition), "-c", str(context), "--output-filename", "Containerfile")

    containerfile = (context / "Containerfile").read_text(encoding="utf-8")
    assert f'ARG EE_BASE_IMAGE="{block.content["images"]["base_image"]["name"]}"' in containerfile
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert wanted == {"collections": [{"name": "relaunch.controller"}]}


def test_the_collection_asks_for_requests(run: Run) -> None:
    """What ansible-builder finds in the image, where it reads each collection's meta/execution-environment.yml."""
    told = run("ansible-builder", "introspect", COLLECTIONS).stdout

    assert "requests>=2.25.1" in told
    assert "from collection relaunch.controller" in told
