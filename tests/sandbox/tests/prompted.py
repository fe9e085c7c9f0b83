# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The situations of the recordings about prompts and about finding jobs, brought about in a sandbox that runs none."""

from __future__ import annotations

import time
import typing as t

from sandbox import resources
from sandbox.process import Sandbox
from sandbox.tests import playbooks

_PLAY = {"play": {"fail_hosts": ["host1"], "duration": 0.2}}
_NODE_PLAY = {"play": {"fail_hosts": ["host1"]}, "wfvar": 1}
_TWO = dict.fromkeys(("host1", "host2"), "ok")
_FAILED = {**_TWO, "host1": "failed"}
_HOSTS: dict[str, dict[str, t.Any]] = {name: {} for name in ("host1", "host2", "host3")}
_ASKS = [name for name in resources.PROMPTS if name != "scm_branch"]


def bring_about(sandbox: Sandbox) -> dict[str, int]:
    """Make the situations; ids by the names of the recordings."""
    return _Prompted(sandbox).ids


class _Prompted:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ids: dict[str, int] = {}
        sandbox.settings(max_running=0)
        self._templates()
        self._launched()
        self._edited()
        self._relaunched()
        self._deleted()
        self._workflows()
        self._found()

    def _templates(self) -> None:
        ids, sandbox = self.ids, self.sandbox
        for name, title, kind, asks in (
            ("other_machine", "bulk-m2", "ssh", ()),
            ("asking_machine", "bulk-ask2", "ssh", ("ssh_password",)),
            ("cloud", "bulk-aws", "aws", ()),
            ("vault", "bulk-vault2", "vault", ()),
            ("machine", "machine", "ssh", ()),
        ):
            ids[name] = sandbox.add_credential(title, kind, asks)
        for name in ("a", "b", "c"):
            ids[f"label_{name}"] = sandbox.add_label(f"bulk-{name}")
        ids["environment"] = sandbox.add_execution_environment("bulk-ee", "quay.io/x/y:latest")
        ids["group"] = sandbox.add_instance_group("bulk-ig")
        ids["own_inventory"] = sandbox.add_inventory("Relaunch Inventory", _HOSTS)["id"]
        ids["other_inventory_now"] = sandbox.add_inventory("bulk-inv", _HOSTS)["id"]
        self._template("plain", asks=["extra_vars", "limit"])
        self._template("full", asks=_ASKS)
        self._template("unasking", extra_vars=_PLAY)
        self._template("serial", asks=["extra_vars"], allow_simultaneous=False)
        self._template("edited", asks=_ASKS)
        survey = [
            {"variable": "plain", "type": "text"},
            {"variable": "secret", "type": "password", "default": "s"},
            {"variable": "defsecret", "type": "password", "default": "d"},
        ]
        self._template("survey", survey=survey, extra_vars=_PLAY)
        required = [{**question, "required": "default" not in question} for question in survey]
        required[1] = {"variable": "secret", "type": "password", "required": True}
        self._template("surveyed", survey=required, extra_vars=_PLAY, asks=["limit"])

    def _template(self, name: str, **options: t.Any) -> int:
        options = {"inventory": self.ids["own_inventory"], "credentials": [self.ids["machine"]], **options}
        made = self.sandbox.add_template(f"bulk-{name}", playbooks.CHECKING, **options)["id"]
        self.ids[f"{name}_template"] = int(made)
        return int(made)

    def _launch(self, name: str, template: str, *, hosts: dict[str, str] | None = None, **prompts: t.Any) -> None:
        job = self.sandbox.launch(self.ids[f"{template}_template"], **prompts)
        if hosts is not None:
            self.sandbox.end_job(job, "failed" if "failed" in hosts.values() else "successful", hosts)
        self.ids[name] = job

    def _launched(self) -> None:
        ids = self.ids
        full: dict[str, t.Any] = {
            "limit": "host1",
            "extra_vars": {**_PLAY, "x": {"y": [1, 2]}},
            "credentials": [ids["other_machine"], ids["cloud"], ids["vault"]],
            "labels": [ids["label_a"], ids["label_b"]],
            "execution_environment": ids["environment"],
            "instance_groups": [ids["group"]],
            "inventory": ids["other_inventory_now"],
            "verbosity": 2,
            "forks": 7,
            "timeout": 300,
            "job_slice_count": 1,
            "diff_mode": True,
            "job_tags": "t1,t2",
            "skip_tags": "s1",
            "job_type": "check",
        }
        same = {"limit": "", "verbosity": 0, "inventory": ids["own_inventory"], "credentials": [ids["machine"]]}
        self._launch("none", "plain", hosts=_TWO)
        self._launch("limited_vars", "plain", hosts=_FAILED, limit="host1,host2", extra_vars={**_PLAY, "a": 1})
        self._launch("full", "full", hosts={"host1": "failed"}, **full)
        self._launch("only_vars", "full", hosts=_FAILED, extra_vars=_PLAY)
        self._launch("same", "full", **same)
        self._launch("off", "unasking", hosts=_FAILED, **full)
        self._launch("unasking", "unasking", hosts=_FAILED)
        self._launch("later_success", "plain", hosts=_TWO)
        self._launch("full_of_alice", "full", user="alice", limit="host1", extra_vars=_PLAY)
        self._launch("whole_credentials", "full", credentials=[ids["machine"], ids["cloud"]])
        self._launch(
            "asking",
            "full",
            extra_vars=_PLAY,
            credentials=[ids["asking_machine"]],
            credential_passwords={"ssh_password": "p"},
        )
        for name, secret in (("survey", "topsecret"), ("survey_again", "other"), ("survey_mask", "$encrypted$")):
            self._launch(name, "survey", hosts=_FAILED, extra_vars={"plain": "p", "secret": secret})

    def _edited(self) -> None:
        ids = self.ids
        first = {"limit": "host1,host2", "extra_vars": {**_PLAY, "a": 1}}
        more = {
            "inventory": ids["other_inventory_now"],
            "labels": [ids["label_a"]],
            "job_tags": "p",
            "verbosity": 3,
            "credentials": [ids["other_machine"]],
        }
        self._launch("edited_a", "edited", hosts=_FAILED, **first)
        self._launch("edited_b", "edited", hosts=_FAILED, **first, **more)
        self.sandbox.change_template(
            ids["edited_template"],
            inventory=ids["other_inventory_now"],
            job_type="check",
            forks=3,
            limit="host2",
            verbosity=1,
            extra_vars={"t": "new", "a": 9},
            job_tags="tt",
            labels=["bulk-c"],
            credentials=[ids["cloud"], ids["machine"]],
            asks=[],
        )

    def _relaunched(self) -> None:
        ids, relaunch = self.ids, self.sandbox.relaunch
        for name in ("limited_vars", "full", "unasking", "edited_a", "edited_b"):
            ids[f"{name}_again"] = relaunch(ids[name], hosts="failed")
        ids["none_again"] = relaunch(ids["none"])
        ids["survey_relaunched"] = relaunch(ids["survey"], hosts="failed")

    def _deleted(self) -> None:
        ids, sandbox = self.ids, self.sandbox
        brief = sandbox.add_credential("bulk-brief")
        self._launch("prompt_deleted", "full", extra_vars=_PLAY, credentials=[brief])
        sandbox.delete_credential(brief)
        inventory = sandbox.add_inventory("bulk-brief", _HOSTS)["id"]
        self._launch("prompted_inventory_deleted", "full", hosts=_FAILED, extra_vars=_PLAY, inventory=inventory)
        sandbox.delete_inventory(inventory)
        template = self._template("left", asks=["limit", "extra_vars"])
        self._launch("left_behind", "left", hosts=_FAILED, limit="host1", extra_vars=_PLAY)
        sandbox.delete_template(template)
        ids["left_behind_again"] = sandbox.relaunch(ids["left_behind"])

    def _workflows(self) -> None:
        ids, sandbox, plain = self.ids, self.sandbox, self.ids["plain_template"]
        workflow = sandbox.add_workflow_template("bulk-wf")
        prompts = {"limit": "host1,host2", "extra_vars": _NODE_PLAY}
        ids["prompted_workflow"] = sandbox.make_job(template=workflow, status="failed")
        node: dict[str, t.Any] = {"template": plain, "launch_type": "workflow"}
        ids["prompted_node"] = sandbox.make_job(
            **node, status="failed", hosts=_FAILED, limit="host1,host2", prompts=prompts,
            workflow_job=ids["prompted_workflow"],
        )  # fmt: skip
        ids["prompted_node_again"] = sandbox.relaunch(ids["prompted_node"], hosts="failed")
        around = sandbox.make_job(template=workflow)
        for name in ("node_1", "node_2", "node_3"):
            ids[name] = sandbox.make_job(**node, hosts=_TWO, workflow_job=around)
        self._launch("slices", "full", job_slice_count=2, extra_vars=_PLAY)
        slices = self._slices(ids["slices"])
        ids["first_slice"] = slices[0]
        sandbox.end_job(slices[0], "failed", {"host1": "failed", "host3": "ok"})
        sandbox.end_job(slices[1], "successful", {"host2": "ok"})

    def _slices(self, workflow: int) -> list[int]:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            found = self.sandbox.request("GET", f"/jobs/?unified_job_node__workflow_job={workflow}&order_by=id").body
            if found["count"] == 2:
                return [job["id"] for job in found["results"]]
            time.sleep(0.05)
        raise AssertionError("the slices were not made")

    def _found(self) -> None:
        ids, sandbox, serial = self.ids, self.sandbox, self.ids["serial_template"]
        ids["scheduled"] = sandbox.launch_scheduled(
            sandbox.add_schedule(ids["plain_template"], "bulk-sch"), limit="host1", extra_vars=_PLAY
        )
        sandbox.end_job(ids["scheduled"], "failed", {"host1": "failed"})
        ids["active_1"] = sandbox.make_job(template=serial, status="running", launch_type="relaunch")
        source = sandbox.make_job(template=serial, status="failed", hosts=_FAILED)
        for name in ("active_2", "active_3", "loser", "loser_canceled"):
            ids[name] = sandbox.relaunch(source, hosts="failed")
        sandbox.cancel(ids["loser_canceled"])
        for name in ("ended_1", "ended_2"):
            ids[name] = sandbox.make_job(template=ids["plain_template"], status="failed", hosts=_FAILED)
        self._launch("labelled", "full", hosts=_TWO, limit="host1", labels=[ids["label_a"]])
        # The hour that was asked for when the lists were recorded.
        for second, name in enumerate(("none", "limited_vars", "full", "only_vars", "off")):
            sandbox.change_job(ids[name], finished=f"2026-11-24T21:34:5{second}.000000Z")
