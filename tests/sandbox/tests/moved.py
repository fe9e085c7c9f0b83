# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The situations of the recordings about a world that moves, brought about in a sandbox."""

from __future__ import annotations

import time
import typing as t

from sandbox.tests import playbooks

if t.TYPE_CHECKING:
    from sandbox.process import Sandbox

_WEB: dict[str, dict[str, t.Any]] = {name: {} for name in ("web1", "web2", "web3")}
_NOT_IN_QUEUE = "Task was marked as running but was not present in the job queue, so it has been marked as failed."


def bring_about(sandbox: Sandbox, prefix: str) -> dict[str, int]:
    """Make the situations of the recordings whose names begin so; ids by the names that the recordings use."""
    for job in sandbox.request("GET", "/jobs/?status=pending&page_size=200").body["results"]:
        sandbox.cancel(job["id"])
    sandbox.settings(max_running=8)
    ids = MOVED[prefix](sandbox)
    # From here on new jobs are only looked at.
    sandbox.settings(max_running=0)
    return ids


def _run(sandbox: Sandbox, job: int) -> int:
    sandbox.wait(job)
    return job


def _recreated_hosts(sandbox: Sandbox) -> dict[str, int]:
    """Hosts deleted and added again since the job, beside hosts that are in no inventory."""
    project = sandbox.add_project("Recreated")
    options: dict[str, t.Any] = {"hosts": _WEB, "project": project}
    before, after, everything, made = (
        sandbox.add_template(f"Recreated {number}", playbooks.ADDING_HOSTS, extra_vars={"bad": bad}, **options)
        for number, bad in enumerate([["web1", "web2", "extra1", "localhost"]] * 3 + [["extra1", "localhost"]])
    )
    names = ("recreated_before", "recreated_after", "recreated_all", "only_made")
    templates = dict(zip(names, (before, after, everything, made), strict=True))
    ids = {name: sandbox.launch(template["id"]) for name, template in templates.items()}
    for job in ids.values():
        sandbox.wait(job)
    ids["recreated_relaunch"] = _run(sandbox, sandbox.relaunch(ids["recreated_before"], hosts="failed"))
    for template, hosts in ((after, ["web1"]), (everything, ["web1", "web2"])):
        for host in hosts:
            sandbox.delete_host(template["hosts"][host])
            sandbox.add_host(template["inventory"], host)
    return ids


def _broken_projects(sandbox: Sandbox) -> dict[str, int]:
    """A project that is broken, one that was mended, and one that is broken and not updated on launch."""

    def broken(name: str) -> tuple[int, int, int]:
        project = sandbox.add_project(name, scm_update_on_launch=True)
        template = sandbox.add_template(name, playbooks.CHECKING, hosts=_WEB, project=project)["id"]
        sandbox.change_project(project, broken="no such branch")
        return project, template, _run(sandbox, sandbox.launch(template))

    other, _template, source = broken("Not updated")
    sandbox.change_project(other, scm_update_on_launch=False)
    project, template, never = broken("Broken")
    mended, _template, failed = broken("Mended")
    sandbox.change_project(mended, broken="")
    healed = _run(sandbox, sandbox.relaunch(failed))
    return {
        "broken_project": project,
        "broken_template": template,
        "never_project": never,
        "never_project_again": _run(sandbox, sandbox.relaunch(never)),
        "mended_project": mended,
        "mended_from": failed,
        "never_project_mended": healed,
        "project_update": _last_failed(sandbox, f"/projects/{mended}/project_updates/"),
        "missing_revision": _run(sandbox, sandbox.relaunch(source)),
        "manual_project": sandbox.add_template("Manual", playbooks.CHECKING, hosts=_WEB)["project"],
    }


def _last_failed(sandbox: Sandbox, path: str) -> int:
    return int(sandbox.request("GET", f"{path}?status=failed&order_by=-id").body["results"][0]["id"])


def _broken_sources(sandbox: Sandbox) -> dict[str, int]:
    """A source that is broken, one that was mended, and one that was never updated."""
    project, hosts = sandbox.add_project("Inventory"), {"web1": {}, "web2": {}}

    def source(name: str, **options: t.Any) -> tuple[int, int]:
        inventory = sandbox.add_inventory(name, hosts)["id"]
        return inventory, sandbox.add_source(inventory, name, source_project=project, hosts=hosts, **options)

    def broken(name: str) -> tuple[int, int]:
        inventory, made = source(name, update_on_launch=True)
        template = sandbox.add_template(name, playbooks.CHECKING, inventory=inventory, project=project)["id"]
        sandbox.change_source(made, broken="no such file")
        return made, _run(sandbox, sandbox.launch(template))

    still, never = broken("Broken source")
    mended, _job = broken("Mended source")
    sandbox.change_source(mended, broken="")
    _run(sandbox, sandbox.request("POST", f"/inventory_sources/{mended}/update/").body["id"])
    return {
        "source": still,
        "never_inventory": never,
        "inventory_update": _last_failed(sandbox, f"/inventory_sources/{mended}/inventory_updates/"),
        "fresh_source": source("Fresh source")[1],
    }


def _never_began(sandbox: Sandbox) -> dict[str, int]:
    """Jobs that never began, each for another reason, and one that did but was canceled midway."""
    project = sandbox.add_project("Never began")

    def template(name: str, playbook: str, **options: t.Any) -> int:
        return int(sandbox.add_template(name, playbook, hosts=_WEB, project=project, **options)["id"])

    serial = template("Serial", playbooks.SLEEPING, allow_simultaneous=False)
    sandbox.launch(serial)
    ids = {name: sandbox.launch(serial) for name in ("never_canceled", "never_error")}
    sandbox.cancel(ids["never_canceled"])
    moment = sandbox.job(ids["never_error"])["created"]
    sandbox.change_job(
        ids["never_error"],
        status="error",
        failed=1,
        finished=moment,
        job_explanation=_NOT_IN_QUEUE,
        events_saved_at=time.time(),
    )
    limited = template("Limited", playbooks.CHECKING, asks=["limit"])
    ids["never_limit"] = _run(sandbox, sandbox.launch(limited, limit="nosuch"))
    ids["never_syntax"] = _run(sandbox, sandbox.launch(template("Syntax", playbooks.BROKEN)))
    midway = sandbox.launch(template("Midway", playbooks.CHECKING_AND_SLEEPING))
    _until_tasks(sandbox, midway, 2)
    sandbox.cancel(midway)
    ids["canceled_midway"] = _run(sandbox, midway)
    return ids


def _until_tasks(sandbox: Sandbox, job: int, number: int) -> None:
    deadline = time.monotonic() + 60
    while sandbox.job(job)["playbook_counts"]["task_count"] < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _denied(sandbox: Sandbox) -> dict[str, int]:
    """Jobs of alice's, of a template that she may still execute and of one that she may not any more."""

    def template(name: str, **options: t.Any) -> int:
        hosts = {**_WEB, "web1": {"broken": True}}
        return int(sandbox.add_template(name, playbooks.CHECKING, hosts=hosts, **options)["id"])

    allowed, removed = template("Allowed"), template("No more allowed")
    ids = {
        "denied_before": sandbox.launch(allowed, user="alice"),
        "role_removed": sandbox.launch(removed, user="alice"),
    }
    ids["never_allowed"] = sandbox.launch(template("Never allowed", roles={}))
    for job in ids.values():
        sandbox.wait(job)
    sandbox.roles(removed, alice=None)
    return {**ids, "role_removed_template": removed}


def _constructed(sandbox: Sandbox) -> dict[str, int]:
    """Jobs on an inventory that is constructed of another one, in which hosts are deleted, added again and disabled."""
    project = sandbox.add_project("Constructed")

    def failed(name: str) -> tuple[dict[str, t.Any], dict[str, int], int]:
        given = sandbox.add_inventory(f"Input of {name}", _WEB)
        made = sandbox.add_constructed_inventory(name, [given["id"]])
        options: dict[str, t.Any] = {
            "inventory": made["id"],
            "project": project,
            "extra_vars": {"bad": ["web1", "web2"]},
        }
        return (
            given,
            made,
            _run(sandbox, sandbox.launch(sandbox.add_template(name, playbooks.DEPLOYING, **options)["id"])),
        )

    def synchronise(made: dict[str, int]) -> int:
        return _run(sandbox, sandbox.request("POST", f"/inventory_sources/{made['source']}/update/").body["id"])

    plain, whole, job = failed("constructed")
    ids = {"constructed": whole["id"], "constructed_job": job, "constructed_update": synchronise(whole)}
    ids["constructed_relaunch"] = _run(sandbox, sandbox.relaunch(job, hosts="failed"))
    given, made, ids["constructed_recreated_job"] = failed("recreated")
    sandbox.delete_host(given["hosts"]["web1"])
    sandbox.add_host(given["id"], "web1")
    synchronise(made)
    ids["constructed_recreated"] = made["id"]
    for name in ("disabled", "disabled_early"):
        given, made, ids[f"constructed_{name}_job"] = failed(name)
        sandbox.disable_host(given["hosts"]["web2"])
        ids[f"constructed_{name}"] = made["id"]
        if name == "disabled":
            synchronise(made)
    fresh = sandbox.add_constructed_inventory("fresh", [plain["id"]])
    synchronise(fresh)
    ids["constructed_fresh"] = fresh["id"]
    ids["constructed_empty"] = sandbox.add_constructed_inventory("empty", [])["id"]
    return {**ids, "input": plain["id"]}


def _updates(sandbox: Sandbox) -> dict[str, int]:
    return {**_broken_projects(sandbox), **_broken_sources(sandbox)}


def _all_that_never_began(sandbox: Sandbox) -> dict[str, int]:
    return {**_updates(sandbox), **_never_began(sandbox)}


def _left_in_new(sandbox: Sandbox) -> dict[str, int]:
    """Relaunches that stay `new`, and what became of some of them."""
    names = ("", "_cancelable", "_canceled", "_canceled_too", "_deletable")
    ids: dict[str, int] = {}
    for name in names:
        template = sandbox.add_template(f"New{name}", playbooks.CHECKING, hosts=_WEB, allow_simultaneous=False)["id"]
        ids.setdefault("new_template", template)
        source = sandbox.make_job(template=template, status="failed", hosts={"web1": "failed", "web2": "ok"})
        sandbox.settings(relaunches_left_in_new=1)
        ids[f"left_in_new{name}"] = sandbox.relaunch(source)
    for name in names[2:4]:
        sandbox.cancel(ids[f"left_in_new{name}"])
    return ids


def _own_jobs(sandbox: Sandbox) -> dict[str, int]:
    """A workflow in which two nodes follow one that failed, and jobs of one of their templates by themselves."""
    options: dict[str, t.Any] = {"hosts": {"web1": {}}, "project": sandbox.add_project("Own job")}
    telling = sandbox.add_template("telling", playbooks.TELLING, **options)["id"]
    failing = sandbox.add_template("failing", playbooks.DEPLOYING, extra_vars={"bad": ["web1"]}, **options)["id"]
    nodes: dict[str, dict[str, t.Any]] = {
        "A": {"template": failing, "failure": ["B"], "always": ["C"], "success": ["S"]},
        **{name: {"template": telling} for name in "BCS"},
    }
    workflow = sandbox.add_workflow_template_with_nodes("Parents", nodes)["id"]
    ids = {"parents": sandbox.launch_workflow(workflow), "own_plain": sandbox.launch(telling)}
    for job in list(ids.values()):
        sandbox.wait(job)
    made = sandbox.nodes(ids["parents"])
    ids.update(node_b=made["B"]["id"], node_b_job=made["B"]["job"], node_c_job=made["C"]["job"])
    for name, job in (("own_relaunch", ids["own_plain"]), ("node_b_relaunched", ids["node_b_job"])):
        ids[name] = _run(sandbox, sandbox.relaunch(job))
    return ids


def _blanks(sandbox: Sandbox) -> dict[str, int]:
    """Hosts with blanks in their names, at which a limit that holds only one of them is split; and a limit too long."""
    options: dict[str, t.Any] = {
        "hosts": {"db 1": {}, "db 2": {}, "web1": {}},
        "project": sandbox.add_project("Blanks"),
        "asks": ["limit", "extra_vars"],
    }
    template = sandbox.add_template("Blanks", playbooks.DEPLOYING, **options)["id"]
    failing = {"one": ["db 1"], "two": ["db 1", "db 2"], "mixed": ["db 1", "web1"]}
    ids = {f"blank_{name}": sandbox.launch(template, extra_vars={"bad": bad}) for name, bad in failing.items()}
    names = ",".join(f"n{number:05}-{'x' * 23}" for number in range(6000))
    ids["blank_long"] = sandbox.launch(template, limit=names, extra_vars={"bad": []})
    for job in ids.values():
        sandbox.wait(job)
    relaunched = {f"blank_{name}_relaunch": sandbox.relaunch(ids[f"blank_{name}"], hosts="failed") for name in failing}
    for job in relaunched.values():
        sandbox.wait(job)
    return {**ids, **relaunched}


# By how the names of the recordings begin.
MOVED: dict[str, t.Callable[[Sandbox], dict[str, int]]] = {
    "blank-": _blanks,
    "constructed-": _constructed,
    "denied-": _denied,
    "node-parent-": _own_jobs,
    "own-job-": _own_jobs,
    "zombie-": _left_in_new,
    "never-began-": _all_that_never_began,
    "recreated-": _recreated_hosts,
    "updates-": _updates,
}
