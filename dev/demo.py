# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Shows the collection at work: a job that fails on one of three hosts is relaunched on that host, a rolling update
that stops is completed on exactly what remains, and a workflow that fails in the middle is resumed from there. The
controller is the sandbox of the tests, started for this and stopped at the end, whatever happens. The jobs and the
playbooks are real.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
MATERIAL = CHECKOUT / "dev" / "demo"

sys.path.insert(0, str(CHECKOUT / "tests"))

from sandbox.process import Sandbox  # noqa: E402  (needs the line above)

BOLD, RED, GREEN, YELLOW, CYAN = 1, 31, 32, 33, 36
STEPS = itertools.count(1)


def colour(text: str, code: int) -> str:
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        return f"\033[{code}m{text}\033[0m"
    return text


def heading(text: str) -> None:
    print(f"\n{colour(f'{next(STEPS)}. {text}', BOLD)}", flush=True)


def show(name: str, state: str, limit: str = "") -> None:
    state = colour(state, {"failed": RED, "not run": YELLOW}.get(state, GREEN))
    print(f"   {name:15} {state}{f', limited to {limit}' if limit else ''}")


def show_job(sandbox: Sandbox, job: int) -> list[str]:
    """Show how a job ended, and why; the names of its hosts."""
    facts = sandbox.job(job)
    show(f"job {job}", facts["status"], facts["limit"])
    hosts = sandbox.request("GET", f"/jobs/{job}/job_host_summaries/?order_by=host_name").body["results"]
    for host in hosts:
        show(f"  {host['host_name']}", "failed" if host["failed"] else "ok")
    for event in sandbox.request("GET", f"/jobs/{job}/job_events/?event=runner_on_failed").body["results"]:
        print("   " + colour(f"{event['host_name']}: {event['task']}: {event['event_data']['res']['msg']}", RED))
    return [host["host_name"] for host in hosts]


def show_workflow(sandbox: Sandbox, job: int) -> dict[str, str]:
    """Show how a workflow job and its nodes ended; the limits of the nodes."""
    show(f"workflow job {job}", sandbox.request("GET", f"/workflow_jobs/{job}/").body["status"])
    limits = {}
    for name, node in sandbox.nodes(job).items():
        limits[name] = node["limit"] or ""
        show(f"  {name}", node["summary_fields"].get("job", {"status": "not run"})["status"], limits[name])
    return limits


def run_playbook(sandbox: Sandbox, name: str, variable: str) -> list[str]:
    """Run a playbook of the demo, with its output on the terminal; the requests that it sent to change something."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(MATERIAL / name)]
    print(colour(f"   $ ansible-playbook {name} -e {variable}", CYAN), flush=True)
    environ = os.environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(sandbox.data_dir.parent),
        "CONTROLLER_HOST": sandbox.url,
        "CONTROLLER_OAUTH_TOKEN": sandbox.token("admin"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOWS": "1",
    }
    sandbox.clear_log()
    ended = subprocess.run([*command, "-e", variable], env=environ, stdin=subprocess.DEVNULL, check=False)
    expect(ended.returncode == 0, f"{name} failed")
    return [entry["path"] for entry in sandbox.log() if entry["method"] in ("POST", "DELETE")]


def expect(truth: bool, otherwise: str) -> None:
    if not truth:
        raise SystemExit(colour(f"The demo did not go as it should: {otherwise}.", RED))


def mended(sandbox: Sandbox, blocker: Path, playbook: str, variable: str, listed: str) -> int:
    """Remove the cause of a failure and run a playbook, which shows its task first; the number of the new job.

    :param listed: the list whose newest job that is.
    """
    heading("The cause is removed, and a playbook has the controller do again what failed")
    blocker.unlink()
    print((MATERIAL / playbook).read_text().split("tasks:\n")[1].split("register")[0].rstrip())
    sent = run_playbook(sandbox, playbook, variable)
    expect(len([path for path in sent if path.endswith("launch/")]) == 1, "it was not launched once")
    return int(sandbox.request("GET", f"/{listed}&order_by=-id&page_size=1").body["results"][0]["id"])


def again(sandbox: Sandbox, playbook: str, variable: str) -> None:
    heading("The same playbook again changes nothing: the work has succeeded")
    expect(not run_playbook(sandbox, playbook, variable), "something was sent again")
    print(f"   {colour('nothing was sent that would change anything', GREEN)}")


def launch_deployment(sandbox: Sandbox, blocker: Path) -> int:
    """Launch a job that fails on db1 alone; its number."""
    return sandbox.launch(add_deployment(sandbox, "Deploy the shop", blocker))


def add_deployment(sandbox: Sandbox, name: str, blocker: Path) -> int:
    """Add a template whose jobs fail on db1, of three hosts, while a file is there; its number."""
    blocker.touch()
    hosts = {host: {"blocker": str(blocker.parent / "none")} for host in ("web1", "web2")}
    hosts["db1"] = {"blocker": str(blocker)}
    return int(sandbox.add_template(name, MATERIAL / "deploy.yml", hosts=hosts, asks=["limit"])["id"])


def launch_rolling_update(sandbox: Sandbox, blocker: Path) -> int:
    """Launch a job that stops in the second of its three batches; its number."""
    blocker.touch()
    hosts = {f"web{number}": {"blocker": str(blocker.parent / "none")} for number in range(1, 7)}
    hosts |= dict.fromkeys(("web3", "web4"), {"blocker": str(blocker)})
    template = sandbox.add_template("Roll out the shop", MATERIAL / "rolling.yml", hosts=hosts, asks=["limit"])
    return sandbox.launch(template["id"])


def launch_workflow(sandbox: Sandbox, blocker: Path) -> int:
    """Launch a workflow job that fails in the second of its three nodes; its number."""
    deploy = add_deployment(sandbox, "Deploy the release", blocker)
    verify = sandbox.add_template("Verify the release", MATERIAL / "verify.yml", hosts={"web1": {}})["id"]
    nodes: dict[str, dict[str, t.Any]] = {
        "fetch": {"project": "shop", "success": ["deploy"]},
        "deploy": {"template": deploy, "success": ["verify"]},
        "verify": {"template": verify},
    }
    workflow = sandbox.add_workflow_template_with_nodes("Release", nodes)
    return sandbox.launch_workflow(workflow["id"])


def demo(sandbox: Sandbox, folder: Path) -> None:
    disk, rack, store = (folder / name for name in ("disk", "rack", "store"))
    # The later ones fail while the earlier ones are shown, so that nobody waits for them; all at once would only delay
    # the first.
    job, rolling = launch_deployment(sandbox, disk), launch_rolling_update(sandbox, rack)

    heading("A job fails on one of the hosts web1, web2 and db1")
    expect(sandbox.wait(job) == "failed", "the first job did not fail")
    release = launch_workflow(sandbox, store)
    show_job(sandbox, job)
    new = mended(sandbox, disk, "retry.yml", f"job_id={job}", "jobs/?launch_type=relaunch")
    heading("Only that host ran, and it succeeded")
    expect(show_job(sandbox, new) == ["db1"], "the relaunch did not run on db1 alone")
    again(sandbox, "retry.yml", f"job_id={job}")

    heading("A rolling update of web1 to web6, two at a time, stops when both hosts of a batch have failed")
    expect(sandbox.wait(rolling) == "failed", "the rolling update did not stop")
    expect(show_job(sandbox, rolling) == ["web1", "web2", "web3", "web4"], "it did not stop in its second batch")
    show("  web5, web6", "not run")
    new = mended(sandbox, rack, "complete.yml", f"job_id={rolling}", "jobs/?launch_type=manual")
    heading("Exactly what remained ran: those that had failed, and those that were never begun")
    expect(show_job(sandbox, new) == ["web3", "web4", "web5", "web6"], "it did not run on what remained")
    again(sandbox, "complete.yml", f"job_id={rolling}")

    heading("A workflow fails in the middle: fetch, then deploy, then verify")
    expect(sandbox.wait(release) == "failed", "the workflow did not fail")
    show_workflow(sandbox, release)
    new = mended(sandbox, store, "resume.yml", f"workflow_job_id={release}", f"workflow_jobs/?id__gt={release}")
    heading("Only what remained ran, deploy on its failed host alone; the temporary template is gone")
    expect(show_workflow(sandbox, new) == {"deploy": "db1", "verify": ""}, "it did not run what remained")
    expect(sandbox.request("GET", "/workflow_job_templates/").body["count"] == 1, "the temporary template is there")
    again(sandbox, "resume.yml", f"workflow_job_id={release}")


def link_collection(folder: Path) -> None:
    """Let Ansible find the collection of this checkout below a folder."""
    link = folder / "ansible_collections" / "relaunch" / "controller"
    link.parent.mkdir(parents=True)
    link.symlink_to(CHECKOUT)


def main() -> int:
    # A closed terminal stops it as Ctrl-C does: with the sandbox and its jobs.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with tempfile.TemporaryDirectory(prefix="relaunch-demo-") as name:
            folder = Path(name)
            link_collection(folder)
            # A controller saves a job's events some time after its end; here nobody is to wait for that.
            with Sandbox(folder / "data", event_lag=0.0) as sandbox:
                print(f"{colour('relaunch.controller at work', BOLD)}, with a controller for the demo: {sandbox.url}")
                demo(sandbox, folder)
    except KeyboardInterrupt:
        print("\nInterrupted; the controller of the demo is stopped.", file=sys.stderr)
        return 130
    print(f"\n{colour('Done.', BOLD)} The controller of the demo is stopped. README.md tells how to use a real one.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
