# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The situations in which the contract's requests were recorded, brought about in a sandbox."""

from __future__ import annotations

import time
import typing as t

from sandbox.process import UNREACHABLE, Sandbox

HOSTS = [f"host{number}" for number in range(1, 6)]
_OK = dict.fromkeys(HOSTS, "ok")
_FAILED = {**_OK, "host3": "failed"}

# One task, as in the recordings: it fails on host3, and cannot reach host5.
_RECORDED = """
- hosts: all
  gather_facts: false
  tasks:
    - name: task 1
      ansible.builtin.command: "{{ 'false' if inventory_hostname == 'host3' else 'true' }}"
      changed_when: inventory_hostname == 'host1'
"""
_SHORT = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n"
_BROKEN = "- hosts: all\n  tasks:\n    - {no: such, task: here}\n"
_SLEEPING = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: sleep 400\n"
_MACHINE: list[dict[str, t.Any]] = [{"name": "machine", "kind": "ssh"}]


class Situations:
    """Ids by the name of the situation."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ids: dict[str, int] = {"alice": 2}
        sandbox.settings(max_running=8)
        self._plain = self._template("relaunch-jt", _SHORT, asks=["extra_vars", "limit", "inventory"])
        self._late()
        self._made()
        self._deleted()
        self._wait()
        # From here on new jobs are only looked at.
        sandbox.settings(max_running=0)

    def _template(self, name: str, playbook: str, **options: t.Any) -> dict[str, t.Any]:
        options = {"hosts": dict.fromkeys(HOSTS, {}), "credentials": _MACHINE, **options}
        return self.sandbox.add_template(name, playbook, **options)

    def _late(self) -> None:
        """What really runs; launched first, so that it runs while the rest is made."""
        launch, ids = self.sandbox.launch, self.ids
        hosts: dict[str, t.Any] = {**dict.fromkeys(HOSTS, {}), "host5": UNREACHABLE}
        template = self._template("relaunch-jt-fails", _RECORDED, hosts=hosts)
        ids["failed"] = launch(template["id"])
        sleeping = self._template("relaunch-jt-long", _SLEEPING, hosts={"host1": {}})["id"]
        for name in ("running", "canceled", "cancelable"):
            ids[name] = launch(sleeping)
        serial = self._template("relaunch-jt-serial", _SLEEPING, hosts={"host1": {}}, allow_simultaneous=False)["id"]
        for name in ("blocker", "pending", "cancelable_pending", "canceled_pending"):
            ids[name] = launch(serial)
        ids["blocked"] = self.sandbox.relaunch(ids["blocker"])
        limited = self._template("relaunch-jt-timeout", _SLEEPING, hosts={"host1": {}}, timeout=2)["id"]
        ids["timeout"] = launch(limited)
        ids["nostats"] = launch(self._template("relaunch-jt-broken", _BROKEN)["id"])
        ids["error"] = launch(self._template("relaunch-jt-error", _SHORT, error="played error")["id"])
        ids["emptylimit"] = launch(self._plain["id"], limit="nosuchhost")
        ids["empty_inventory"] = launch(self._template("relaunch-jt-empty", _SHORT, hosts={})["id"])
        survey = [{"variable": "plain", "type": "text"}, {"variable": "secret", "type": "password"}]
        surveyed = self._template("relaunch-jt-survey", _SHORT, survey=survey)["id"]
        for user in ("bob", "admin", "alice"):
            ids[f"secret_of_{user}"] = launch(surveyed, user=user, extra_vars={"plain": "p", "secret": "s"})
        hosts = {**dict.fromkeys(HOSTS, {}), "host3": {"broken": True}}
        check = "ansible.builtin.assert: {that: not (broken | default(false))}"
        fails = _SHORT.replace("ansible.builtin.debug:", check)
        sliced = self._template("relaunch-jt-slices", fails, hosts=hosts, job_slice_count=2)["id"]
        ids["sliced"] = launch(sliced)

    def _made(self) -> None:
        """What is made as data."""
        make, ids, plain = self.sandbox.make_job, self.ids, self._plain["id"]
        ids["successful"] = make(template=plain, hosts=_OK)
        ids["failed_once"] = make(template=plain, status="failed", hosts=_FAILED)
        limited = {"host2": "ok", "host3": "failed"}
        prompts: dict[str, t.Any] = {"limit": "host2,host3"}
        ids["limited"] = make(template=plain, status="failed", limit="host2,host3", prompts=prompts, hosts=limited)
        prompts = {"limit": "host3,host5"}
        again = {"host3": "ok", "host5": "ok"}
        ids["relaunched"] = make(
            template=plain, launch_type="relaunch", limit="host3,host5", prompts=prompts, hosts=again
        )
        ask = self._template(
            "relaunch-jt-ask", _SHORT, credentials=[{"name": "machine-ask", "kind": "ssh", "asks": ["ssh_password"]}]
        )
        ids["ask"] = make(template=ask["id"], status="failed", hosts=_FAILED)
        machine = ["ssh_password", "become_password", "ssh_key_unlock"]
        credentials = [
            {"name": "machine-ask-all", "kind": "ssh", "asks": machine},
            {"name": "vault-ask", "kind": "vault", "asks": ["vault_password.dev"]},
            {"name": "vault-ask-noid", "kind": "vault", "asks": ["vault_password"]},
        ]
        ids["ask_well"] = make(template=ask["id"], hosts=_OK)
        ids["askall"] = make(
            template=self._template("relaunch-jt-ask-all", _SHORT, credentials=credentials)["id"], hosts=_OK
        )
        ids["noprompts"] = make(template=self._template("relaunch-jt-noask", _SHORT)["id"], hosts=_OK)
        variables = {"extra_vars": {"a": 1}}
        ids["own_of_alice"] = make(template=plain, user="alice", extra_vars={"a": 1}, prompts=variables, hosts=_OK)
        other = self.sandbox.add_inventory("Other", {"host1": {}})["id"]
        prompts = {"inventory": other}
        ids["other_inventory"] = make(template=plain, inventory=other, prompts=prompts, hosts={"host1": "ok"})
        ids["prompts_switched_off"] = make(
            template=self._template("promptoff", _SHORT, credentials=[])["id"],
            limit="host1",
            prompts={"limit": "host1"},
            hosts={"host1": "ok"},
        )
        ids["lagging"] = make(template=plain, status="failed", hosts=_FAILED)
        self.sandbox.change_job(ids["lagging"], events_saved_at=time.time() + 3600)
        machine_id = self._plain["credentials"][0]
        command = {
            "type": "ad_hoc_command",
            "name": "command",
            "module_name": "command",
            "module_args": "uptime",
            "inventory": self._plain["inventory"],
            "credentials": [machine_id],
        }
        ids["command"] = make(**command)
        ids["running_command"] = make(**command, status="running")
        ids["cancelable_command"] = make(**command, status="running")
        ids["ask_command"] = make(**{**command, "credentials": ask["credentials"]})
        ids["workflow"] = make(template=self.sandbox.add_workflow_template("relaunch-wf"), status="failed")
        ids["node"] = make(
            template=plain,
            status="failed",
            hosts={**_OK, "host2": "failed"},
            launch_type="workflow",
            workflow_job=ids["workflow"],
        )
        around = make(template=self.sandbox.add_workflow_template("relaunch-wf-listed"), status="new")
        listed = self._template("relaunch-jt-listed", _SHORT)["id"]
        ids["template"] = listed
        # The first keeps the workflow running, as it was when the list was recorded.
        for status in ("running", "failed"):
            make(
                template=listed,
                status=status,
                hosts={**_OK, "host2": "failed"},
                launch_type="workflow",
                workflow_job=around,
            )
        self.sandbox.change_job(around, status="running")
        names = [f"big-host-{number:04}.example.com" for number in range(1500)]
        big = self._template("big", _SHORT, hosts=dict.fromkeys(names, {}))["id"]
        ids["big"] = make(template=big, status="failed", hosts=dict.fromkeys(names, "failed"))

    def _deleted(self) -> None:
        """Jobs that have lost something."""
        ids, sandbox = self.ids, self.sandbox

        def doomed(name: str, hosts: dict[str, str], **options: t.Any) -> dict[str, t.Any]:
            template = self._template(
                f"doomed-{name}", _SHORT, hosts=dict.fromkeys(hosts, {}), credentials=[], **options
            )
            status = "failed" if "failed" in hosts.values() else "successful"
            ids[name] = sandbox.make_job(template=template["id"], status=status, hosts=hosts, user="alice")
            return template

        three = dict.fromkeys(("gone1", "kept", "fine"), "ok")
        sandbox.delete("inventories", doomed("inventory_deleted", three)["inventory"])
        mixed = {"gone1": "failed", "gone2": "failed", "fine": "ok"}
        template = doomed("hosts_deleted", mixed)
        for host in ("gone1", "gone2"):
            sandbox.delete("hosts", template["hosts"][host])
        mixed = {"gone1": "failed", "kept": "failed", "fine": "ok"}
        for name in ("one_deleted", "host_renamed", "host_disabled"):
            template = doomed(name, mixed)
            sandbox.delete("hosts", template["hosts"]["gone1"])
            if name != "one_deleted":
                sandbox.change_host(template["hosts"]["kept"], name="kept-renamed")
            if name == "host_disabled":
                sandbox.change_host(template["hosts"]["kept"], enabled=0)
                ids["relaunched_disabled"] = sandbox.make_job(
                    template=template["id"], status="failed", launch_type="relaunch", limit="kept-renamed", stats=False
                )
        sandbox.delete("projects", doomed("project_deleted", {**_OK, "host1": "failed"})["project"])
        sandbox.delete("templates", doomed("template_deleted", {**_OK, "host1": "failed"})["id"])
        inventory = self._plain["inventory"]
        orphan = doomed("orphan", {**_OK, "host1": "failed"}, organization="Doomed", inventory=inventory)
        sandbox.delete("templates", orphan["id"])
        sandbox.delete("organizations", orphan["organization"])
        asks = self._template("doomed-credential", _SHORT, passwords=["ssh_password"], credentials=[])
        ids["credential_deleted"] = sandbox.make_job(template=asks["id"], hosts=_OK)
        sandbox.delete("credentials", asks["credentials"][0])

    def _wait(self) -> None:
        ids, sandbox = self.ids, self.sandbox
        for name in ("running", "canceled", "cancelable", "blocker"):
            sandbox.wait(ids[name], status="running")
        for name in ("canceled", "canceled_pending"):
            sandbox.request("POST", f"/jobs/{ids[name]}/cancel/", body={})
        for name in (
            "failed",
            "canceled",
            "timeout",
            "nostats",
            "error",
            "emptylimit",
            "empty_inventory",
            "secret_of_bob",
            "secret_of_admin",
            "secret_of_alice",
            "sliced",
        ):
            sandbox.wait(ids[name])
        nodes = sandbox.request("GET", f"/workflow_jobs/{ids['sliced']}/workflow_nodes/").body["results"]
        ids["slice"] = next(node["job"] for node in nodes if node["summary_fields"]["job"]["status"] == "failed")
        ids["sliced_changed"] = ids["sliced"]
