# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests and the demo do to the sandbox's world behind its users' backs, through the control API."""

from __future__ import annotations

import abc
import os
import typing as t

if t.TYPE_CHECKING:
    from .faults import Rule


class World(abc.ABC):
    """Adds, changes and removes what the sandbox holds."""

    @abc.abstractmethod
    def control(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """A request to the control API; the body of its answer."""

    def token(self, username: str = "admin", scope: str = "write") -> str:
        """A new token of a user."""
        return str(self.control("POST", "/tokens", {"username": username, "scope": scope})["token"])

    def expire_tokens(self, token: str | None = None) -> None:
        """Let one token, or all of them, expire now."""
        self.control("POST", "/tokens/expire", {"token": token} if token else {})

    def revoke_tokens(self, token: str | None = None) -> None:
        """Delete one token, or all of them."""
        self.control("POST", "/tokens/revoke", {"token": token} if token else {})

    def add_template(self, name: str, playbook: str | os.PathLike[str], **options: t.Any) -> dict[str, t.Any]:
        """Add a template; the ids of it, its inventory, project, organization, credentials and hosts.

        The playbook is YAML text or the path of a file. The options are those of `resources.Template`.
        """
        given = {"name": name, "playbook": os.fspath(playbook), **options}
        return t.cast("dict[str, t.Any]", self.control("POST", "/templates", given))

    def change_template(self, template: int, **columns: t.Any) -> None:
        """Change what `add_template` takes: any field, and `name`; labels and the like by id or name."""
        self.control("PATCH", f"/templates/{template}", columns)

    def add_workflow_template(self, name: str) -> int:
        """Add a workflow template without nodes, for `make_job`."""
        return int(self.control("POST", "/workflow_templates", {"name": name})["id"])

    def add_workflow_template_with_nodes(
        self, name: str, nodes: dict[str, dict[str, t.Any]], **options: t.Any
    ) -> dict[str, t.Any]:
        """Add a workflow template; the ids of it and its organization, and of its `nodes` by identifier.

        A node is what it stands for (`template`: an id, `approval` or `project`: a name), the identifiers that follow
        it (`success`, `failure`, `always`), and what else `workflow_templates.NodeDescription` has. The options are
        those of `workflow_templates.WorkflowTemplate`.
        """
        given = {"name": name, "nodes": nodes, **options}
        return t.cast("dict[str, t.Any]", self.control("POST", "/workflow_templates", given))

    def add_inventory(
        self, name: str, hosts: dict[str, dict[str, t.Any]], groups: dict[str, list[str]] | None = None
    ) -> dict[str, t.Any]:
        """Add an inventory, with groups of its hosts' names; its id, and the ids of its hosts by name."""
        given = {"name": name, "hosts": hosts, "groups": groups or {}}
        return t.cast("dict[str, t.Any]", self.control("POST", "/inventories", given))

    def add_constructed_inventory(self, name: str, inputs: t.Sequence[int]) -> dict[str, int]:
        """Add an inventory that is constructed of others; the ids of it and of its `source`.

        Its hosts, which are copies, are there after the source's first update; each launch updates it.
        """
        given = {"name": name, "inputs": list(inputs)}
        return t.cast("dict[str, int]", self.control("POST", "/constructed_inventories", given))

    def add_project(self, name: str, **columns: t.Any) -> int:
        """Add a project of git, for `add_template(project=...)`; its id. Columns: `projects.PROJECT_COLUMNS`."""
        return int(self.control("POST", "/projects", {"name": name, **columns})["id"])

    def change_project(self, project: int, **columns: t.Any) -> None:
        """Break a project (`broken="why"`: its updates fail), mend it (`broken=""`), or change another column."""
        self.control("PATCH", f"/projects/{project}", columns)

    def add_source(self, inventory: int, name: str, **columns: t.Any) -> int:
        """Add a source to an inventory; its id.

        Columns: `projects.SOURCE_COLUMNS`. An update makes the inventory's hosts those in `hosts` (variables by
        name), if it is given.
        """
        return int(self.control("POST", "/inventory_sources", {"inventory": inventory, "name": name, **columns})["id"])

    def change_source(self, source: int, **columns: t.Any) -> None:
        """Break or mend an inventory source, as a project, or change what it brings."""
        self.control("PATCH", f"/inventory_sources/{source}", columns)

    def add_host(self, inventory: int, name: str, **variables: t.Any) -> int:
        """Add a host to an inventory; its id."""
        given = {"inventory": inventory, "name": name, "variables": variables}
        return int(self.control("POST", "/hosts", given)["id"])

    def add_credential(self, name: str, kind: str = "ssh", asks: t.Sequence[str] = ()) -> int:
        """Add a credential of the kind `ssh`, `vault` or `aws`; its id. `asks` names passwords it wants each time."""
        return int(self.control("POST", "/credentials", {"name": name, "kind": kind, "asks": list(asks)})["id"])

    def add_label(self, name: str) -> int:
        """Add a label; its id."""
        return int(self.control("POST", "/labels", {"name": name})["id"])

    def add_execution_environment(self, name: str, image: str = "") -> int:
        """Add an execution environment, which jobs only show; its id."""
        return int(self.control("POST", "/execution_environments", {"name": name, "image": image})["id"])

    def add_instance_group(self, name: str) -> int:
        """Add an instance group, which jobs only show; its id."""
        return int(self.control("POST", "/instance_groups", {"name": name})["id"])

    def add_schedule(self, template: int, name: str) -> int:
        """Add a schedule, which launches only by `launch_scheduled`; its id."""
        return int(self.control("POST", "/schedules", {"template": template, "name": name})["id"])

    def launch_scheduled(self, schedule: int, **prompts: t.Any) -> int:
        """Launch a schedule's template as if its time had come; the id of the job."""
        return int(self.control("POST", f"/schedules/{schedule}/launch", prompts)["id"])

    def rename_host(self, host: int, name: str) -> None:
        """Give a host another name."""
        self.change_host(host, name=name)

    def disable_host(self, host: int) -> None:
        """Take a host out of its inventory's jobs."""
        self.change_host(host, enabled=0)

    def enable_host(self, host: int) -> None:
        """Let jobs run on a host again."""
        self.change_host(host, enabled=1)

    def delete_host(self, host: int) -> None:
        """Delete a host; refused while an active job uses its inventory."""
        self.delete("hosts", host)

    def delete_inventory(self, inventory: int) -> None:
        """Delete an inventory with its hosts; refused while an active job uses it."""
        self.delete("inventories", inventory)

    def delete_template(self, template: int) -> None:
        """Delete a template; its jobs stay."""
        self.delete("templates", template)

    def delete_credential(self, credential: int) -> None:
        """Delete a credential; it drops out of jobs and prompts without a word."""
        self.delete("credentials", credential)

    def change_host(self, host: int, **columns: t.Any) -> None:
        """Rename a host, disable it (`enabled=0`), or change its variables."""
        self.control("PATCH", f"/hosts/{host}", columns)

    def delete(self, table: str, row_id: int) -> None:
        """Delete a row of one of `resources.DELETABLE`."""
        self.control("DELETE", f"/{table}/{row_id}")

    def roles(self, template: int, **roles: str | None) -> None:
        """Give users the role `execute` or `read` on a template, or take it away (None)."""
        self.control("PUT", f"/templates/{template}/roles", roles)

    def organization_roles(self, organization: int, **roles: str | None) -> None:
        """Give users the role `workflow_admin` in an organization, or none."""
        self.control("PUT", f"/organizations/{organization}/roles", roles)

    def make_job(self, **fields: t.Any) -> int:
        """Make a job that has never run; its id.

        `template`, `user`, `hosts` (name to `ok`, `changed`, `failed`, `unreachable` or `skipped`), `stats`
        (false: no stats), and any column of a job, such as `status` or `type`.
        """
        return int(self.control("POST", "/jobs", fields)["id"])

    def make_workflow_job(self, template: int, nodes: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
        """Make a workflow job that has never run; its `id`, and the ids of its `jobs` by node.

        `nodes` has the outcome of a node: a status, the fields of its job as `make_job` takes them, `do_not_run`, or
        None for one that is still open; that of a nested workflow or sliced job may have `nodes` too. `fields` are
        columns of the workflow job (its status is `failed` if none is given), `user`, and `prompts`.
        """
        given = {"template": template, "nodes": nodes, **fields}
        return t.cast("dict[str, t.Any]", self.control("POST", "/workflow_jobs", given))

    def change_job(self, job: int, **columns: t.Any) -> None:
        """Change columns of a job."""
        self.control("PATCH", f"/jobs/{job}", columns)

    def leave_in_new(self, job: int) -> None:
        """Let a job that waits for its start stay `new` for ever, as the setting `relaunches_left_in_new` does."""
        self.control("POST", f"/jobs/{job}/leave_in_new")

    def end_job(self, job: int, status: str, hosts: dict[str, str] | None = None, *, event_lag: float = 0.0) -> None:
        """End a job that waits for its start (`max_running=0`) as if it had run, with outcomes as in `make_job`."""
        given = {"status": status, "hosts": hosts, "event_lag": event_lag}
        self.control("POST", f"/jobs/{job}/end", given)

    def misbehave(self, rules: list[Rule]) -> None:
        """Add rules of misbehaviour, behind those that are there; an `act` moves the world between two requests."""
        self.control("POST", "/faults", rules)

    def behave(self) -> None:
        """Forget all rules of misbehaviour."""
        self.control("DELETE", "/faults")

    def settings(self, **values: t.Any) -> dict[str, t.Any]:
        """Change settings; all of them as they are then."""
        return t.cast("dict[str, t.Any]", self.control("PATCH", "/settings", values))
