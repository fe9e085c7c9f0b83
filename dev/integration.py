# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Runs the integration tests against a sandbox made for them.

python dev/integration.py EXPORT [TARGET …]

Where the checkout has a tests/integration/integration_config.yml, they run against the controller that it names.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from ansible_test import CHECKOUT, ansible_test

PLAYBOOK = Path("tests", "integration", "targets", "job_relaunch", "files", "fails_at_first.yml")
CONFIG = Path("tests", "integration", "integration_config.yml")


def main() -> int:
    export, targets = Path(sys.argv[1]).resolve(), sys.argv[2:]
    if (CHECKOUT / CONFIG).exists():
        shutil.copy(CHECKOUT / CONFIG, export / CONFIG)
        return ansible_test(export, "integration", *targets)

    sys.path.insert(0, str(export / "tests"))
    from sandbox.process import Sandbox

    with tempfile.TemporaryDirectory() as data, Sandbox(Path(data)) as sandbox:
        template = sandbox.add_template("Fails at first", export / PLAYBOOK, hosts={"web1": {}, "web2": {}, "web3": {}})
        config = {
            "controller_host": sandbox.url,
            "controller_oauthtoken": sandbox.token("admin"),
            "failing_job_template": template["id"],
        }
        (export / CONFIG).write_text(json.dumps(config))  # JSON is YAML
        return ansible_test(export, "integration", *targets)


if __name__ == "__main__":
    sys.exit(main())
