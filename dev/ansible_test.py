# ansible-test without a container engine, which antsibull-nox's sessions of it cannot do without: they pass --docker.
#
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Runs ansible-test where it would not run by itself: offline, and without littering the user's home.

python dev/ansible_test.py sanity|units|integration [ARGUMENT …]

It runs in the current folder, which is …/ansible_collections/relaunch/controller. What ansible-test keeps in
~/.ansible/test goes below .nox. Integration tests run against the controller that the checkout's
tests/integration/integration_config.yml names, or against a sandbox made for them.
"""

from __future__ import annotations

import ast
import configparser
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
import urllib.request
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
HOME = CHECKOUT / ".nox" / "ansible-test"
CONFIG = Path("tests", "integration", "integration_config.yml")
PLAYBOOK = Path("tests", "integration", "targets", "setup_failed_job", "files", "fails_at_first.yml")

# Where ansible-test itself fetches pip from; and only it knows which one it wants.
PIP_SCRIPT = "https://ci-files.testing.ansible.com/ansible-test/get-pip-{version}.py"
PIP_VERSION = """\
import sys
from ansible_test._internal.host_configs import NativePythonConfig
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(NativePythonConfig(version=f"3.{sys.version_info.minor}", path=sys.executable))["pip"])
"""

# Takes the place of get-pip.py where its site cannot be reached: pip runs from its wheel to install itself.
PIP_FROM_WHEEL = """\
import os, runpy, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), {wheel!r}))
sys.argv[1:] = ["install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def python(*words: str) -> str:
    """What this Python prints, run so."""
    return subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, text=True, check=True).stdout


def provide_pip_settings(path: Path) -> None:
    """pip's settings as they are here: ansible-test hides the user's home and environment variables from it."""
    settings = {"quiet": "1"}  # a failing step should show what failed, not each wheel
    # :env: after global, so that it wins
    for line in sorted(python("-m", "pip", "config", "list").splitlines(), reverse=True):
        name, value = line.split("=", 1)
        section, key = name.rsplit(".", 1)
        if section in ("global", "install", ":env:") and key not in ("require-virtualenv", "user", "target", "prefix"):
            settings[key] = ast.literal_eval(value).replace("\n", "\n  ")
    if proxy := os.environ.get("HTTPS_PROXY", os.environ.get("https_proxy")):
        settings.setdefault("proxy", proxy)

    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # an index's address may hold a password
    config = configparser.ConfigParser(interpolation=None)
    config["global"] = settings
    with path.open("w") as file:
        config.write(file)


def provide_pip(cache: Path) -> None:
    """The script by which ansible-test installs pip: from ansible-test's own site, or made of pip's wheel."""
    version = python("-c", PIP_VERSION).strip()
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(PIP_SCRIPT.format(version=version), timeout=20) as answer:
            script.write_bytes(answer.read())
    except OSError:
        python("-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), f"pip=={version}")
        (wheel,) = cache.glob(f"pip-{version}-*.whl")
        script.write_text(PIP_FROM_WHEEL.format(wheel=wheel.name))


@contextlib.contextmanager
def controller() -> t.Iterator[None]:
    """A controller for the integration tests, named by integration_config.yml."""
    if (CHECKOUT / CONFIG).exists():
        shutil.copy(CHECKOUT / CONFIG, CONFIG)
        yield
        return
    sys.path.insert(0, str(Path("tests").resolve()))
    from sandbox.process import Sandbox

    with tempfile.TemporaryDirectory() as data, Sandbox(Path(data)) as sandbox:
        hosts: dict[str, dict[str, t.Any]] = {"web1": {}, "web2": {}, "web3": {}}
        template = sandbox.add_template("Fails at first", PLAYBOOK.resolve(), hosts=hosts, asks=["limit"])
        workflow = sandbox.add_workflow_template_with_nodes("Fails there", {"it": {"template": template["id"]}})
        config = {
            "controller_host": sandbox.url,
            "controller_oauthtoken": sandbox.token("admin"),
            "failing_job_template": template["id"],
            "failing_workflow_template": workflow["id"],
        }
        CONFIG.write_text(json.dumps(config))  # JSON is YAML
        yield


def main(command: str, *arguments: str) -> int:
    """Run ansible-test; returns its exit status."""
    if command != "sanity" and " " in sys.executable:
        raise SystemExit(f"ansible-test {command} needs a path without a blank; this is {CHECKOUT}")
    provide_pip_settings(HOME / ".config" / "pip" / "pip.conf")
    provide_pip(HOME / ".ansible" / "test" / "cache")
    environ = os.environ | {"HOME": str(HOME)}
    for name in ("ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH", "XDG_CONFIG_HOME"):
        environ.pop(name, None)
    with controller() if command == "integration" else contextlib.nullcontext():
        return subprocess.run(["ansible-test", command, *arguments], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
