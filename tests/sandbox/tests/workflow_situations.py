# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The situations in which the contract's requests about workflows were recorded, brought about in a sandbox."""

from __future__ import annotations

import typing as t

from sandbox.process import Sandbox
from sandbox.tests import playbooks

HOSTS: dict[str, dict[str, t.Any]] = {f"host{number}": {} for number in range(1, 6)}
_FAILS = {"fail_hosts": ["host2", "host4"]}
_FAILED = {"status": "failed", "hosts": {"host1": "ok", "host2": "failed", "host4": "failed"}}


class WorkflowSituations:
    """Ids by the name of the situation."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ids: dict[str, int] = {}
        sandbox.settings(max_running=8)
        self._job_templates()
        late = [self._failed(), self._sliced(), self._outer()]
        self._made()
        self._templates()
        self._deleted()
        for workflow in late:
            sandbox.wait(workflow, timeout=180)
        nodes = sandbox.nodes(self.ids["failed"])
        self.ids.update(node_b=nodes["B"]["id"], job_a=nodes["A"]["job"])
        # From here on new jobs are only looked at.
        sandbox.settings(max_running=0)

    def _job_templates(self) -> None:
        ids = self.ids
        machine = [{"name": "machine", "kind": "ssh"}]
        options: dict[str, t.Any] = {"hosts": HOSTS, "credentials": machine, "asks": ["extra_vars", "limit"]}
        add = self.sandbox.add_template
        plain = add("relaunch-jt", playbooks.HANDING_ON, **options)
        ids.update(plain=plain["id"], organization=plain["organization"], credential=plain["credentials"][0])
        survey = [{"variable": "secret", "type": "password"}, {"variable": "plain", "type": "text"}]
        ids["surveyed"] = add("wf-survey", playbooks.HANDING_ON, survey=survey, **options)["id"]
        ids["unlimited"] = add("wf-unlimited", playbooks.HANDING_ON, hosts=HOSTS, asks=["extra_vars"])["id"]
        ids["unvaried"] = add("wf-unvaried", playbooks.HANDING_ON, hosts=HOSTS, asks=["limit"])["id"]
        options.update(asks=["extra_vars", "credentials"])
        ids["asking"] = add("wf-asking", playbooks.HANDING_ON, **{**options, "credentials": []})["id"]
        options.update(asks=["extra_vars"], roles={"alice": "execute"})
        ids["foreign"] = add("wf-foreign", playbooks.HANDING_ON, **options)["id"]

    def _workflow(self, name: str, nodes: dict[str, dict[str, t.Any]], **options: t.Any) -> dict[str, t.Any]:
        nodes = {key: {"template": self.ids["plain"], **node} for key, node in nodes.items()}
        return self.sandbox.add_workflow_template_with_nodes(name, nodes, **options)

    def _failed(self) -> int:
        """The workflow most was recorded of: B fails on two hosts, and nothing handles it."""
        own = {"play": {"duration": 2.5, "key": "A"}, "hand_on": True}
        nodes: dict[str, dict[str, t.Any]] = {
            "A": {"success": ["B", "C"], "always": ["E"], "failure": ["H"], "extra_data": own},
            "B": {"success": ["D"], "extra_data": {**_FAILS, "own": "b", "shared": "node"}},
            "C": {"success": ["D"], "extra_data": {"own": "c"}},
            "D": {"success": ["F"], "all_parents_must_converge": True, "extra_data": {"own": "d", "shared": "node"}},
            **{name: {"extra_data": {"own": name}} for name in "EFH"},
        }
        options: dict[str, t.Any] = {"extra_vars": {"wfvar": "from-template"}, "asks": ["extra_vars", "limit"]}
        main = self._workflow("wf-main", nodes, **options)
        self.ids["template"] = self.ids["main_template"] = main["id"]
        self.ids["failed"] = self.sandbox.launch_workflow(main["id"], extra_vars={"launchvar": "L"})
        # A template has one running workflow job at a time.
        same = self._workflow("wf-same", nodes, **options)["id"]
        self.ids["running"] = self.sandbox.make_workflow_job(same, {"A": "running"}, status="running")["id"]
        return self.ids["failed"]

    def _sliced(self) -> int:
        def template(name: str) -> int:
            options: dict[str, t.Any] = {"hosts": HOSTS, "asks": ["extra_vars"], "job_slice_count": 3}
            return int(self.sandbox.add_template(name, playbooks.HANDING_ON, **options)["id"])

        ids = self.ids
        ids["sliced_template"] = template("wf-sl")
        ids["sliced"] = self.sandbox.launch(ids["sliced_template"], extra_vars=_FAILS)
        self.sandbox.settings(max_running=0)
        for name in ("sliced_changed", "sliced_orphan"):
            changed = template(name)
            ids[name] = self.sandbox.launch(changed)
            if name == "sliced_changed":
                self.sandbox.change_template(changed, job_slice_count=2)
            else:
                self.sandbox.delete("templates", changed)
        self.sandbox.settings(max_running=8)
        return ids["sliced"]

    def _outer(self) -> int:
        inner = self._workflow("wf-inner", {"I": {"extra_data": _FAILS}})["id"]
        nodes = {
            "N": {"template": inner, "success": ["T"]},
            "S": {"template": self.ids["sliced_template"], "success": ["V"], "extra_data": _FAILS},
            "T": {"extra_data": {"own": "t"}},
            "V": {"extra_data": {"own": "v"}},
        }
        self.ids["outer"] = self.sandbox.launch_workflow(self._workflow("wf-outer", nodes)["id"])
        return self.ids["outer"]

    def _made(self) -> None:
        """What is made as data."""
        ids, sandbox, own = self.ids, self.sandbox, {"own": "x"}
        nodes: dict[str, dict[str, t.Any]] = {
            "A0": {"success": ["A", "M"]},
            "A": {"success": ["B"]},
            "B": {},
            "L": {"success": ["M"]},
            "M": {},
        }
        template = self._workflow("wf-cancel", {name: {"extra_data": own, **node} for name, node in nodes.items()})
        outcomes = {"A0": "successful", "A": "running", "L": "running"}
        for name in ("canceled", "cancelable"):
            ids[name] = sandbox.make_workflow_job(template["id"], outcomes, status="running")["id"]
        sandbox.request("POST", f"/workflow_jobs/{ids['canceled']}/cancel/", body={})
        sandbox.wait(ids["canceled"])
        nodes = {
            "A": {"success": ["B", "C", "D"]},
            "B": {"success": ["E"]},
            **{name: {} for name in "CDEF"},
        }
        two = self._workflow("wf-two", {name: {"extra_data": own, **node} for name, node in nodes.items()})
        ids["two"] = sandbox.make_workflow_job(two["id"], {"A": "successful", "B": _FAILED})["id"]
        nodes = {
            "B": {"limit": "host2,host4", "success": ["D"]},
            "D": {"all_parents_must_converge": True, "success": ["F"]},
            "F": {},
        }
        nodes = {name: {"extra_data": own, **node} for name, node in nodes.items()}
        resume = self._workflow("wf-resume", nodes, description="relaunch of workflow job 863", extra_vars={"a": "b"})
        ids["resume_template"] = resume["id"]
        done = dict.fromkeys("BDF", "successful")
        ids["resumed"] = sandbox.make_workflow_job(resume["id"], done, status="successful")["id"]
        running = self._workflow("wf-running", nodes, description="relaunch of workflow job 863")
        ids["running_template"] = running["id"]
        sandbox.make_workflow_job(running["id"], {"B": "running"}, status="running")

    def _templates(self) -> None:
        """Templates for what is added to them."""
        ids, sandbox = self.ids, self.sandbox
        sandbox.organization_roles(ids["organization"], bob="workflow_admin")
        for name in ("empty", "deletable"):
            ids[f"{name}_template"] = self._workflow(f"wf-{name}", {})["id"]
        linked = self._workflow("wf-linked", {"x1": {"success": ["x2"]}, "x2": {}, "y1": {}, "y2": {}})
        ids["linked_template"] = linked["id"]
        names = {"x1": "linked_first", "x2": "linked_second", "y1": "unlinked_first", "y2": "unlinked_second"}
        ids.update({name: linked["nodes"][node] for node, name in names.items()})
        ids["asking_node"] = self._workflow("wf-ask", {"N": {"template": ids["asking"]}})["nodes"]["N"]
        known = {"play": {"fail_hosts": ["host2"], "fail_attempts": 1, "key": "k"}, "secret": "s3cret", "plain": "p"}
        node = {"template": ids["surveyed"], "limit": "host2,host4", "extra_data": known, "success": ["C"]}
        ids["secret_node"] = self._workflow("wf-secret", {"B": node, "C": {}})["nodes"]["B"]
        survey = [{"variable": "wfsecret", "type": "password", "required": True}]
        ids["needy_template"] = self._workflow("wf-needy", {}, survey=survey)["id"]
        approval = self._workflow("wf-appr", {})["id"]
        added = sandbox.request(
            "POST", f"/workflow_job_templates/{approval}/workflow_nodes/", body={"identifier": "go"}
        )
        ids["approval_node"] = added.body["id"]

    def _deleted(self) -> None:
        """What has lost something."""
        ids, sandbox = self.ids, self.sandbox
        for name in ("template_deleted", "orphan"):
            template = self._workflow(f"wf-{name}", {"A": {}})["id"]
            ids[name] = sandbox.make_workflow_job(template, {"A": "successful"}, status="successful")["id"]
            sandbox.request("DELETE", f"/workflow_job_templates/{template}/")
            ids["deleted_template"] = template
        gone = sandbox.add_template("wf-doomed", playbooks.HANDING_ON, hosts=HOSTS, asks=["extra_vars"])["id"]
        nodes: dict[str, dict[str, t.Any]] = {
            "A": {"success": ["B"]},
            "B": {"template": gone, "success": ["C"]},
            "C": {},
        }
        nodes = {name: {"extra_data": {"own": "x"}, **node} for name, node in nodes.items()}
        template = self._workflow("wf-gone", nodes)["id"]
        outcomes = {"A": "successful", "C": "do_not_run"}
        ids["node_template_gone"] = sandbox.make_workflow_job(template, outcomes)["id"]
        ids["template_gone_template"] = template
        sandbox.delete("templates", gone)
