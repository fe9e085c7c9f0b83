# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Shows the collection at work: a job that fails on one of three hosts is relaunched on that host, and succeeds.

The controller is the sandbox of the tests, started for this and stopped at the end, whatever happens. The jobs and the
playbooks are real.
"""

from __future__ import annotations

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

BOLD, RED, GREEN, CYAN = 1, 31, 32, 36


def colour(text: str, code: int) -> str:
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        return f"\033[{code}m{text}\033[0m"
    return text


def heading(number: int, text: str) -> None:
    print(f"\n{colour(f'{number}. {text}', BOLD)}", flush=True)


def hosts_of(sandbox: Sandbox, job: int) -> dict[str, bool]:
    """The hosts that a job ran on, and whether each failed."""
    answer = sandbox.request("GET", f"/jobs/{job}/job_host_summaries/?page_size=200")
    return {entry["host_name"]: entry["failed"] for entry in answer.body["results"]}


def show_job(sandbox: Sandbox, job: int) -> None:
    facts = sandbox.job(job)
    good = facts["status"] == "successful"
    print(f"   job {job}: {colour(facts['status'], GREEN if good else RED)}, limit: {facts['limit'] or '(none)'}")
    for name, failed in sorted(hosts_of(sandbox, job).items()):
        print(f"     {name:6} {colour('failed', RED) if failed else colour('ok', GREEN)}")


def run_playbook(sandbox: Sandbox, job: int) -> None:
    """Run the demo's playbook for a job, with its output on the terminal."""
    command = ["ansible-playbook", "-i", "localhost,", str(MATERIAL / "retry.yml"), "-e", f"job_id={job}"]
    print(colour(f"   $ ansible-playbook retry.yml -e job_id={job}", CYAN), flush=True)
    environ = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CONTROLLER_HOST": sandbox.url,
        "CONTROLLER_OAUTH_TOKEN": sandbox.token("admin"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOWS": "1",
    }
    environ.pop("NO_COLOR", None)
    environ["ANSIBLE_FORCE_COLOR" if colour("", 0) else "ANSIBLE_NOCOLOR"] = "1"
    subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, check=True)


def expect(truth: bool, otherwise: str) -> None:
    if not truth:
        raise SystemExit(colour(f"The demo did not go as it should: {otherwise}.", RED))


def demo(folder: Path) -> None:
    print(colour("relaunch.controller at work", BOLD))
    with Sandbox(folder / "sandbox") as sandbox:
        heading(1, "A controller for the demo")
        print(f"   {sandbox.url}, with a job template for the hosts web1, web2 and db1")
        blocker = folder / "disk-full"
        blocker.touch()
        hosts = {name: {"blocker": str(folder / f"{name}-disk-full")} for name in ("web1", "web2")}
        hosts["db1"] = {"blocker": str(blocker)}
        template = sandbox.add_template("Deploy the shop", MATERIAL / "deploy.yml", hosts=hosts)

        heading(2, "A job fails on one of them")
        source = sandbox.launch(template["id"])
        expect(sandbox.wait(source, events=False) == "failed", "the first job did not fail")
        show_job(sandbox, source)
        for event in failures_of(sandbox, source):
            print("     " + colour(f"{event['host_name']}: {event['task']}: {event['event_data']['res']['msg']}", RED))

        heading(3, "The cause is removed")
        blocker.unlink()
        print("   db1 has room on its disk again")

        heading(4, "A playbook relaunches the job on its failed hosts")
        print((MATERIAL / "retry.yml").read_text().split("tasks:\n")[1].split("register")[0].rstrip())
        sandbox.clear_log()
        run_playbook(sandbox, source)
        relaunches = [entry for entry in sandbox.log() if entry["method"] == "POST"]
        expect(len(relaunches) == 1, "the job was not relaunched once")

        heading(5, "Only that host ran, and it succeeded")
        new = source + 1
        show_job(sandbox, new)
        expect(hosts_of(sandbox, new) == {"db1": False}, "the relaunch did not run on db1 alone")

        heading(6, "The same playbook again changes nothing: the work has succeeded")
        sandbox.clear_log()
        run_playbook(sandbox, source)
        expect(not [entry for entry in sandbox.log() if entry["method"] == "POST"], "it was relaunched again")
        print(f"   {colour('no relaunch was sent', GREEN)}")


def failures_of(sandbox: Sandbox, job: int) -> list[dict[str, t.Any]]:
    sandbox.wait(job)
    found: list[dict[str, t.Any]] = sandbox.request(
        "GET", f"/jobs/{job}/job_events/?event__in=runner_on_failed,runner_on_unreachable"
    ).body["results"]
    return found


def main() -> int:
    # A closed terminal stops it as Ctrl-C does: with the sandbox and its jobs.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with tempfile.TemporaryDirectory(prefix="relaunch-demo-") as folder:
            demo(Path(folder))
    except KeyboardInterrupt:
        print("\nInterrupted; the controller of the demo is stopped.", file=sys.stderr)
        return 130
    except subprocess.CalledProcessError as error:
        print(colour(f"The demo did not go as it should: {os.path.basename(error.cmd[0])} failed.", RED))
        return 1
    print(f"\n{colour('Done.', BOLD)} The controller of the demo is stopped. README.md tells how to use a real one.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
