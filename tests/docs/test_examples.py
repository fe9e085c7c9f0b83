# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each example is read, its options are looked up, and it is run where it can be."""

from __future__ import annotations

import json
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from docs.tools import BIN, Run
from docs.written import (
    BLOCKS,
    EXAMPLES,
    GROUP,
    GUIDES,
    INFO_MODULE,
    MODULE,
    MODULES,
    READMES,
    ROLE,
    ROOT,
    Block,
    examples,
)

from sandbox.process import Sandbox

SECRETS = {"ssh_password": "one", "vault_password_dev": "two"}  # of credentials that no job here asks for
OTHER_COLLECTIONS = re.compile(r"^\s*(- )?(awx\.awx|ansible\.eda)\.", re.MULTILINE)
PLAY_KEYWORDS = {"hosts", "ansible.builtin.import_playbook"}


@pytest.fixture(scope="session")
def options(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> dict[str, set[str]]:
    """Names and aliases of the modules' options, as ansible-doc tells them, by module."""
    command = [str(BIN / "ansible-doc"), "-j", *MODULES]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {
        module: {
            name for option, facts in shown["doc"]["options"].items() for name in [option, *facts.get("aliases", [])]
        }
        for module, shown in json.loads(told.stdout).items()
    }


@pytest.fixture(scope="session")
def variables() -> set[str]:
    """The variables of the role."""
    spec = yaml.safe_load((ROOT / "roles/retry_failed_hosts/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return set(spec["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_has_no_option_that_does_not_exist(block: Block, options: dict[str, set[str]], variables: set[str]) -> None:
    for thing in block.dictionaries():
        for name, module in {**{name: name for name in MODULES}, GROUP: MODULE}.items():
            assert set(thing.get(name) or {}) <= options[module]
        included = thing.get("ansible.builtin.include_role") or {}
        if ROLE in (thing.get("role"), included.get("name")):
            assert set(thing.get("vars", {})) <= variables


@pytest.mark.parametrize("path", [*GUIDES, *READMES], ids=lambda path: str(path.relative_to(ROOT)))
def test_names_no_variable_of_the_role_that_does_not_exist(path: Path, variables: set[str]) -> None:
    named = set(re.findall(r"\bretry_failed_hosts_[a-z_]+", path.read_text(encoding="utf-8")))

    assert named <= variables | {"retry_failed_hosts_result"}


@pytest.mark.parametrize("path", [*GUIDES, *READMES], ids=lambda path: str(path.relative_to(ROOT)))
def test_names_no_environment_variable_that_is_not_read(path: Path) -> None:
    read = (ROOT / "plugins" / "module_utils" / "_api" / "connection.py").read_text(encoding="utf-8")
    for name in re.findall(r"\b(?:CONTROLLER|TOWER|AAP|GATEWAY)_[A-Z_]+", path.read_text(encoding="utf-8")):
        assert f'"{name}"' in read


def playable(block: Block) -> bool:
    """Whether it is plays or tasks, and needs no other collection."""
    content = block.content
    if not isinstance(content, list) or OTHER_COLLECTIONS.search(block.text):
        return False
    return all(isinstance(entry, dict) and "name" in entry and "sources" not in entry for entry in content) and (
        any(name in block.text for name in (MODULE, INFO_MODULE, ROLE))
    )


PLAYABLE = [block for block in BLOCKS if playable(block)]
Play = t.Callable[..., list[str]]


@pytest.fixture
def play(sandbox: Sandbox, failed_job: int, run: Run, tmp_path: Path) -> Play:
    """Run examples in one playbook, about a job that is there; the paths to which was posted."""

    def plays(block: Block) -> list[dict[str, t.Any]]:
        config = tmp_path / "controller.cfg"
        config.write_text("verify_ssl = true\n", encoding="utf-8")
        config.chmod(0o600)
        text = block.text.replace("job_id: 42\n", f"job_id: {failed_job}\n")
        text = text.replace("https://controller.example.com", sandbox.url)
        text = text.replace("/etc/ansible/controller.cfg", str(config))
        content: list[dict[str, t.Any]] = yaml.safe_load(text)
        if PLAY_KEYWORDS & content[0].keys():
            return content
        return [{"name": f"Tasks of {block}", "hosts": "localhost", "gather_facts": False, "tasks": content}]

    def play(*blocks: Block, options: t.Sequence[str] = ()) -> list[str]:
        playbook = tmp_path / "playbook.yml"
        content = [one for block in blocks for one in plays(block)]
        playbook.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        # The playbooks of the collection refuse extra variables that they do not know.
        (tmp_path / "group_vars").mkdir()
        variables = {**SECRETS, "controller_token": sandbox.token()}
        (tmp_path / "group_vars" / "all.json").write_text(json.dumps(variables), encoding="utf-8")
        given = {"job_id": failed_job} if any("import_playbook" in block.text for block in blocks) else {}
        access = {"CONTROLLER_HOST": sandbox.url, "CONTROLLER_OAUTH_TOKEN": sandbox.token()}
        done = run("ansible-playbook", str(playbook), *options, "-e", json.dumps(given), **access)
        output = done.stdout + done.stderr
        assert not re.search(r"\[(WARNING|DEPRECATION)|Traceback|^fatal:", output, re.MULTILINE), output
        return [entry["path"] for entry in sandbox.log() if entry["method"] == "POST"]

    return play


def test_all_run_in_check_mode(play: Play) -> None:
    assert play(*PLAYABLE, options=["--check", "--diff"]) == []


@pytest.mark.parametrize("block", PLAYABLE, ids=str)
def test_runs(block: Block, template: int, failed_job: int, play: Play) -> None:
    relaunched = play(block)

    text = block.text
    source = f"/api/v2/jobs/{failed_job}/relaunch/"
    launch = f"/api/v2/job_templates/{template}/launch/"
    if block is EXAMPLES:
        # One on the failed hosts, one with something changed, one on all; the others find the work done.
        assert relaunched == [source, launch, source]
    else:
        acts = (MODULE in text or ROLE in text) and "check_mode: true" not in text
        by_template = "hosts: remaining" in text or "changes:" in text
        assert relaunched == ([launch if by_template else source] if acts else [])


@pytest.mark.parametrize(
    ("module", "status"),
    [
        ("job_retry", ""),
        ("bulk_job_relaunch", ""),
        ("workflow_job_relaunch", "failed"),
        # Nothing remains.
        ("workflow_job_relaunch", "successful"),
    ],
)
def test_the_examples_of_other_modules_run_in_check_mode(
    module: str, status: str, sandbox: Sandbox, template: int, failed_job: int, run: Run, tmp_path: Path
) -> None:
    nodes = {"patch": {"template": template}}
    workflow = sandbox.add_workflow_template_with_nodes(f"Release {status}", nodes) if status else None
    text = examples(module).text.replace("job_id: 42\n", f"job_id: {failed_job}\n")
    if workflow:
        job = sandbox.make_workflow_job(workflow["id"], {"patch": status})
        text = text.replace("workflow_job_id: 85\n", f"workflow_job_id: {job['id']}\n")
        text = text.replace("workflow_job_template: Release\n", f"workflow_job_template: Release {status}\n")
    tasks = yaml.safe_load(text.replace("https://controller.example.com", sandbox.url))
    playbook = tmp_path / "playbook.yml"
    play = {"name": "Tasks", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
    playbook.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    token = sandbox.token()
    given = json.dumps({"controller_token": token})
    sandbox.clear_log()

    run(
        "ansible-playbook",
        str(playbook),
        "--check",
        "-e",
        given,
        CONTROLLER_HOST=sandbox.url,
        CONTROLLER_OAUTH_TOKEN=token,
    )

    assert [entry["path"] for entry in sandbox.log() if entry["method"] not in ("GET", "HEAD", "OPTIONS")] == []
