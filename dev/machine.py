# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""What a machine may have that no check must see, and what it may lack: pyenv's interpreters, a home to write to."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

# What no check must see of its caller: settings of Ansible, and of a real controller above all; what a git hook knows
# about its repository; modules from elsewhere.
HIDDEN = re.compile(r"(AAP|ANSIBLE(?!_CORE$)|CONTROLLER|GATEWAY|TOWER)_.*|GIT_(DIR|INDEX_FILE|WORK_TREE)|PYTHONPATH")
# What tools leave behind goes to a home in the checkout. Settings are still those of the caller's home, which may be
# empty or read-only.
SETTINGS = {"PIP_CONFIG_FILE": ".config/pip/pip.conf", "GIT_CONFIG_GLOBAL": ".gitconfig", "PYENV_ROOT": ".pyenv"}


def prepare(home: Path) -> None:
    """Leave in the environment what sessions may see: this HOME, and a PATH with each pythonX.Y that is here."""
    for name in filter(HIDDEN.fullmatch, list(os.environ)):
        del os.environ[name]
    for name, path in SETTINGS.items():
        if Path.home().joinpath(path).exists():
            os.environ.setdefault(name, str(Path.home() / path))
    os.environ["HOME"] = str(home)
    os.environ["PATH"] = provide_interpreters(home / "bin")


def provide_interpreters(folder: Path) -> str:
    """A PATH on which each pythonX.Y is a real one: pyenv's shims exist for versions that they then refuse to run."""
    places = [place for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(place).name != "shims"]
    installed = Path(os.environ.get("PYENV_ROOT", folder)).glob("versions/3.*/bin")
    search = os.pathsep.join([*places, *map(str, installed)])
    folder.mkdir(parents=True, exist_ok=True)
    for minor in range(9, 30):
        link = folder / f"python3.{minor}"
        found = shutil.which(link.name, path=search)
        if found and not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.realpath(found))
    return os.pathsep.join([str(folder), *(place for place in places if place != str(folder))])
