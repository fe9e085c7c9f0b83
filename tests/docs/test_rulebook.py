# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebook: what it does with the notifications of a controller, and that the guide tells of this very one.

Its conditions are such that Jinja reads them as ansible-rulebook does, except for a comparison of values of different
types, which ansible-rulebook (1.3.2, tried) takes for false. ansible-lint knows ansible-rulebook's schema.
"""

from __future__ import annotations

import json
import re
import textwrap
import typing as t

import pytest
import yaml
from docs.tools import Run
from docs.written import BLOCKS, ROOT
from jinja2 import Environment, StrictUndefined, UndefinedError
from jinja2.nativetypes import NativeEnvironment

from sandbox.process import Sandbox

RULEBOOK = ROOT / "extensions" / "eda" / "rulebooks" / "retry_failed_hosts.yml"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_eda.rst"
(RULESET,) = yaml.safe_load(RULEBOOK.read_text(encoding="utf-8"))
RETRY, TELL = RULESET["rules"]

# A notification whose message was not customized.
DEFAULT_MESSAGE = {
    "id": 42,
    "name": "Patch web servers",
    "url": "https://controller.example.com/#/jobs/playbook/42",
    "created_by": "admin",
    "started": "2026-11-25T01:00:00+00:00",
    "finished": "2026-11-25T01:02:00+00:00",
    "status": "failed",
    "traceback": "",
    "inventory": "Web servers",
    "project": "Patches",
    "playbook": "patch.yml",
    "credential": None,
    "limit": "",
    "extra_vars": "{}",
    "hosts": {"web2": {"failed": True, "ok": 0, "failures": 1, "dark": 0}},
}


def matches(condition: str, payload: t.Any) -> bool:
    try:
        return bool(Environment().compile_expression(condition)(event={"payload": payload}))
    except (TypeError, UndefinedError):
        return False


def notification(job: dict[str, t.Any]) -> dict[str, t.Any]:
    """What a controller sends for a job where its message is the guide's."""
    (message,) = re.findall(r"^  \.\. code-block:: text\n\n((?: {5}.*\n)+)", GUIDE.read_text("utf-8"), re.MULTILINE)
    sent = Environment(undefined=StrictUndefined).from_string(message).render(job=job)
    return t.cast("dict[str, t.Any]", json.loads(sent))


def test_a_failed_job_is_retried_and_its_relaunch_is_not(sandbox: Sandbox, failed_job: int, run: Run) -> None:
    sent = notification(sandbox.job(failed_job))
    assert [rule for rule in RULESET["rules"] if matches(rule["condition"], sent)] == [RETRY]
    action = RETRY["action"]["run_playbook"]
    given = {
        name: NativeEnvironment(undefined=StrictUndefined).from_string(value).render(event={"payload": sent})
        for name, value in action["extra_vars"].items()
    }

    run(
        "ansible-playbook",
        action["name"],
        "-e",
        json.dumps(given),
        CONTROLLER_HOST=sandbox.url,
        CONTROLLER_OAUTH_TOKEN=sandbox.token(),
    )

    (posted,) = [entry["path"] for entry in sandbox.log() if entry["method"] == "POST"]
    assert posted == f"/api/v2/jobs/{failed_job}/relaunch/"
    (relaunch,) = sandbox.request("GET", f"/jobs/?launch_type=relaunch&id__gt={failed_job}").body["results"]
    assert (relaunch["launch_type"], sorted(relaunch["limit"].split(","))) == ("relaunch", ["web2", "web3"])
    failed = {**relaunch, "status": "failed"}
    assert not any(matches(rule["condition"], notification(failed)) for rule in RULESET["rules"])


@pytest.mark.parametrize("launch_type", ["manual", "scheduled", "callback", "webhook", "workflow"])
@pytest.mark.parametrize("status", ["failed", "error", "canceled", "successful", "running"])
def test_only_what_failed_or_was_lost_is_retried(launch_type: str, status: str) -> None:
    sent = {"id": 42, "status": status, "launch_type": launch_type}

    assert matches(RETRY["condition"], sent) is (status in ("failed", "error"))
    assert not matches(TELL["condition"], sent)


@pytest.mark.parametrize("number", ["42", "{{ 7 * 7 }}", "", [42], {"a": 42}, None, 0, -42])
def test_only_a_number_becomes_a_variable(number: t.Any) -> None:
    sent = {"id": number, "status": "failed", "launch_type": "manual"}

    assert not any(matches(rule["condition"], sent) for rule in RULESET["rules"])
    assert not matches(RETRY["condition"], {"status": "failed", "launch_type": "manual"})


def test_a_message_not_customized_is_told_and_retries_nothing() -> None:
    assert not matches(RETRY["condition"], DEFAULT_MESSAGE)
    assert matches(TELL["condition"], DEFAULT_MESSAGE)


def test_the_playbook_takes_what_it_is_given() -> None:
    action = RETRY["action"]["run_playbook"]
    namespace, name, playbook = action["name"].split(".")
    text = (ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")

    assert f"{namespace}.{name}" == "relaunch.controller"
    for variable in action["extra_vars"]:
        assert f'"{{{{ {variable} }}}}"' in text


def test_is_the_one_that_the_guide_shows() -> None:
    shown = [block for block in BLOCKS if block.path == GUIDE and "run_playbook:" in block.text]

    text = RULEBOOK.read_text(encoding="utf-8")
    assert [textwrap.dedent(block.text).strip() for block in shown] == [text[text.index("- name:") :].strip()]


def test_each_rulebook_of_the_guide_has_its_guard() -> None:
    conditions = [
        rule["condition"]
        for block in BLOCKS
        if block.path == GUIDE and "rules:" in block.text
        for rule in block.content[0]["rules"]
        if "debug" not in rule["action"]
    ]

    assert conditions == [RETRY["condition"]] * 2
