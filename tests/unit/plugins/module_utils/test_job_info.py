# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import ControllerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._job.job_info import (
    INFO_SPECIFICATION,
    RUNS_SHOWN,
    info_request,
    job_info,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.options import (
    RELAUNCH_SPECIFICATION,
    RelaunchRequest,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import outcome_of
from ansible_collections.relaunch.controller.plugins.module_utils._job.relaunch_job import relaunch_job
from ansible_collections.relaunch.controller.tests.unit.bulk_controller import BulkController, Hosts, SimulatedJob
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.templates_as_data import needs

SOURCE = 42
MIXED = {"web1": True, "web2": True, "web3": False}
NEVER_BEGAN: dict[str, t.Any] = {
    "status": "error",
    "started": None,
    "elapsed": 0,
    "job_explanation": "Previous Task Failed",
    "host_status_counts": None,
    "playbook_counts": {"play_count": 0, "task_count": 0},
}
NO_STATISTICS: dict[str, t.Any] = {
    "status": "error",
    "host_status_counts": None,
    "playbook_counts": {"play_count": 1, "task_count": 2},
}


def world(hosts: t.Optional[Hosts] = None, **source: t.Any) -> BulkController:
    """Job 42 has ended so."""
    controller = BulkController(Clock())
    controller.failed(SOURCE, MIXED if hosts is None else hosts, **source)
    return controller


def relaunched(controller: BulkController, number: int, hosts: Hosts, **facts: t.Any) -> None:
    """A later relaunch on these hosts has ended so."""
    limit = ",".join(sorted(hosts))
    controller.failed(number, hosts, **{"launch_type": "relaunch", "limit": limit, **facts})


def running(controller: BulkController, number: int, *names: str, **facts: t.Any) -> None:
    """A relaunch that has begun, and ends soon."""
    facts = {"unified_job_template": 7, "launch_type": "relaunch", "limit": ",".join(names), **facts}
    controller.jobs[number] = SimulatedJob(number, -1.0, 20.0, dict.fromkeys(names, False), facts)


def never_run() -> BulkController:
    controller = world({}, **NEVER_BEGAN)
    controller.inventory.update(dict.fromkeys(MIXED, True))
    return controller


def just_ended() -> BulkController:
    """It failed before any task, and its events are in two seconds later."""
    controller = world({}, status="failed", host_status_counts=None, playbook_counts=NEVER_BEGAN["playbook_counts"])
    controller.inventory.update(dict.fromkeys(MIXED, True))

    def late(path: str, _query: dict[str, str], status: int, body: t.Any) -> tuple[int, t.Any]:
        in_yet = path != f"jobs/{SOURCE}/" or controller.clock.now >= 2
        return status, body if in_yet else {**body, "event_processing_finished": False}

    controller.after = late
    return controller


def healed() -> BulkController:
    controller = world()
    relaunched(controller, 43, {"web1": False, "web2": False})
    return controller


def forbidden() -> BulkController:
    controller = world(summary_fields={"user_capabilities": {"start": False}})
    controller.before = lambda method, _path: (403, {"detail": "You may not."}) if method == "POST" else None
    return controller


def still_running() -> BulkController:
    controller = world()
    controller.jobs[SOURCE].created = -1.0
    return controller


def half_healed() -> BulkController:
    controller = world()
    relaunched(controller, 43, {"web1": False, "web2": True})
    return controller


def scattered() -> BulkController:
    """No single run has failed on all that is left."""
    controller = world({"web1": True, "web2": True, "web3": True})
    relaunched(controller, 43, {"web1": True}, launched_by={"name": "alice"})
    relaunched(controller, 44, {"web2": True})
    relaunched(controller, 45, {"web3": False})
    return controller


def being_done() -> BulkController:
    controller = world()
    running(controller, 43, "web1", "web2")
    return controller


def partly_being_done() -> BulkController:
    controller = world()
    running(controller, 43, "web1")
    return controller


def disabled() -> BulkController:
    controller = world()
    relaunched(controller, 43, {"web1": False}, limit="web1,web2")
    controller.inventory["web2"] = False
    return controller


def all_disabled() -> BulkController:
    """No run has left them out."""
    controller = world()
    controller.inventory.update(web1=False, web2=False)
    return controller


def stopped() -> BulkController:
    controller = world({"web1": True, "web3": False}, stopped=True)
    relaunched(controller, 43, {"web1": False})
    return controller


def stopped_at_once() -> BulkController:
    """It went to its end for nobody, and nobody has done anything since."""
    return world({"web1": True, "web2": False, "web3": False}, stopped=True)


def rolling() -> BulkController:
    """In batches of two: the second one failed, and the third one was never begun."""
    controller = world({"web1": False, "web2": False, "web3": True, "web4": True})
    controller.inventory.update(web5=True, web6=True)
    return controller


def asks_for_a_password() -> BulkController:
    """Which passwords a task would give is not known to job_info."""
    controller = rolling()
    wanted = needs(*controller.asks, passwords_needed_to_start=["ssh_password"])

    def before(method: str, path: str) -> t.Any:
        return (200, wanted) if method == "GET" and path.endswith("/launch/") else None

    controller.before = before
    return controller


def asks_for_no_limit() -> BulkController:
    controller = rolling()
    controller.asks = ()
    return controller


def left_new() -> BulkController:
    controller = world()
    running(controller, 43, "web1", "web2", status="new", created="2026-11-23T20:00:00Z")
    return controller


def whole_since() -> BulkController:
    controller = world()
    controller.failed(43, dict.fromkeys(MIXED, False), launch_type="scheduled")
    return controller


def moved() -> BulkController:
    """A slice whose inventory has changed, so that web3 is in another one."""
    of_two = {"job_slice_count": 2, "job_slice_number": 1}
    controller = world({"web1": False, "web3": True}, **of_two)
    controller.failed(43, {"web1": False, "web2": False}, **of_two)
    return controller


WORLDS: dict[str, tuple[t.Callable[[], BulkController], dict[str, t.Any], str]] = {
    "it failed": (world, {}, "launch"),
    "it failed, and may not be started": (forbidden, {}, "refuse"),
    "it was successful": (lambda: world(dict.fromkeys(MIXED, False)), {}, "done"),
    "it is running": (still_running, {}, "await"),
    "healed": (healed, {}, "done"),
    "half healed": (half_healed, {}, "launch"),
    "scattered": (scattered, {}, "launch"),
    "being done": (being_done, {}, "adopt"),
    "partly being done": (partly_being_done, {}, "await"),
    "never began": (never_run, {}, "launch"),
    "never began, and has just ended": (just_ended, {}, "launch"),
    "without statistics": (lambda: world({}, **NO_STATISTICS), {}, "refuse"),
    "without statistics, as a whole": (lambda: world({}, **NO_STATISTICS), {"fallback_to_all": True}, "launch"),
    "a host is disabled": (disabled, {}, "done"),
    "cut short": (stopped, {}, "refuse"),
    "cut short, as a whole": (stopped, {"fallback_to_all": True}, "launch"),
    "a relaunch was left new": (left_new, {}, "launch"),
    "done by a schedule": (whole_since, {}, "done"),
    "remaining, it failed": (world, {"hosts": "remaining"}, "launch"),
    "remaining, it stopped in a batch": (rolling, {"hosts": "remaining"}, "launch"),
    "remaining, it was cut short": (stopped, {"hosts": "remaining"}, "launch"),
    "remaining, being done": (being_done, {"hosts": "remaining"}, "adopt"),
    "remaining, half healed": (half_healed, {"hosts": "remaining"}, "launch"),
    "remaining, healed": (healed, {"hosts": "remaining"}, "done"),
    "remaining, its failed hosts are disabled": (all_disabled, {"hosts": "remaining"}, "done"),
    "remaining, it stopped": (stopped_at_once, {"hosts": "remaining"}, "launch"),
    "remaining, a part is being done": (partly_being_done, {"hosts": "remaining"}, "await"),
    "remaining, never began": (never_run, {"hosts": "remaining"}, "launch"),
    "remaining, never began, and has just ended": (just_ended, {"hosts": "remaining"}, "launch"),
    "remaining, no limit is asked for": (asks_for_no_limit, {"hosts": "remaining"}, "refuse"),
    "in another slice": (moved, {}, "refuse"),
    "all, done by a slice with other hosts": (moved, {"hosts": "all"}, "launch"),
    "all, it failed": (world, {"hosts": "all"}, "launch"),
    "all, healed": (healed, {"hosts": "all"}, "launch"),
    "all, done by a schedule": (whole_since, {"hosts": "all"}, "done"),
    "all, without statistics": (lambda: world({}, **NO_STATISTICS), {"hosts": "all"}, "launch"),
    "all, it is running": (still_running, {"hosts": "all"}, "await"),
}


def defaults(specification: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {name: option.get("default") for name, option in specification["argument_spec"].items()}


def info(controller: BulkController, **options: t.Any) -> dict[str, t.Any]:
    """The result, as JSON would bring it."""
    request = info_request({**defaults(INFO_SPECIFICATION), "job_id": SOURCE, **options})
    with controller.client() as client:
        result = job_info(client, request).result()
    assert controller.posts == []
    assert result["changed"] is False
    return t.cast("dict[str, t.Any]", json.loads(json.dumps(result)))


def really(
    controller: BulkController, waited_for: t.Callable[[Job], None], **options: t.Any
) -> tuple[dict[str, t.Any], bool]:
    """What job_relaunch does, and whether it failed."""
    given = {**defaults(RELAUNCH_SPECIFICATION), "job_id": SOURCE, "hosts": "failed", "wait": True, **options}
    with controller.client() as client:
        try:
            return relaunch_job(client, RelaunchRequest.of(given, False, False), waited_for).result(), False
        except ControllerError as error:
            outcome = outcome_of(error)
            return ({} if outcome is None else outcome.result()), True


@pytest.mark.parametrize("name", WORLDS)
def test_the_verdict_is_what_a_relaunch_then_does(name: str) -> None:
    made, options, verdict = WORLDS[name]
    told, acted, waited = info(made(), **options), made(), list[int]()
    result, failed = really(acted, lambda job: waited.append(job.id), **options)

    assert told["verdict"] == verdict, told["msg"]
    launched = [int(post.split("/")[0]) for post in acted.posts if post.endswith("/relaunch")]
    by_template = not launched and any(post.endswith("/launch") for post in acted.posts)
    if verdict == "launch":
        limit = acted.jobs[min(number for number in acted.jobs if number > 100)].facts["limit"]
        would = (told["verdict_job_id"], told["relaunch_on"], told.get("relaunch_hosts", []))
        how = "remaining" if by_template else "failed"
        assert would == ((launched or [SOURCE])[0], *((how, sorted(limit.split(","))) if limit else ("all", [])))
    elif verdict in ("await", "adopt"):
        assert waited[0] == told["verdict_job_id"]
        assert verdict == "await" or (launched, result["changed"]) == ([], False)
    elif verdict == "done":
        assert (launched, failed, result["changed"]) == ([], False, False)
        assert result["id"] == told["verdict_job_id"]
        assert result.get("remaining_hosts", []) == told["remaining_hosts"]
    else:
        assert (failed, result["changed"], max(acted.jobs)) == (True, False, max(made().jobs))
        assert result.get("cut_short", False) == told.get("cut_short", False)
        assert "verdict_job_id" not in told


def test_a_relaunch_that_would_have_another_limit_is_refused() -> None:
    """The template was limited since, which a relaunch on all hosts takes over."""
    controller = world()
    template = {"id": 7, "job_type": "run", "limit": "canary"}
    controller.before = lambda _method, path: (200, template) if path == "job_templates/7/" else None

    told = info(controller, hosts="all")

    assert (told["verdict"], "verdict_job_id" in told) == ("refuse", False)
    assert "would be limited to canary, and job 42 was to all hosts" in told["msg"]


LAUNCHED = {"launch_type": "manual", "launched_by": {"id": 1, "type": "user"}}
#: What came before and after job 42, and the source that a template's name means with ``hosts: remaining``.
LATEST: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], int]] = {
    "a launch on what remained": ({}, {"limit": "web1"}, SOURCE),
    "one on all hosts": ({}, {}, 43),
    "one with other variables": ({}, {"limit": "web1", "extra_vars": '{"a": 1}'}, 43),
    "one on other hosts": ({"limit": "web2"}, {"limit": "web1"}, 43),
    "a launch on a part of those": ({"limit": "web1,web2"}, {"limit": "web1"}, SOURCE),
    "one after a success": ({"status": "successful"}, {"limit": "web1"}, 43),
}


@pytest.mark.parametrize("name", LATEST)
@pytest.mark.parametrize("hosts", ["failed", "remaining"])
def test_a_launch_on_what_remained_is_not_the_latest_job_of_a_template(name: str, hosts: str) -> None:
    before, after, source = LATEST[name]
    controller = world(**LAUNCHED, **before)
    controller.failed(43, {"web1": True}, **LAUNCHED, **after)
    templates = {"count": 1, "next": None, "results": [{"id": 7, "name": "Deploy"}]}
    controller.before = lambda _method, path: (200, templates) if path == "job_templates/" else None

    told = info(controller, job_id=None, job_template="7", hosts=hosts)

    assert told["source_job_id"] == (source if hosts == "remaining" else 43)


def test_nor_is_one_after_a_launch_on_what_remained_that_was_canceled() -> None:
    """So that what only that was to do is done, though a launch on a part of it was successful."""
    controller = world(**LAUNCHED)
    controller.failed(43, {}, **LAUNCHED, limit="web1,web2", status="canceled")
    controller.failed(44, {"web1": False}, **LAUNCHED, limit="web1")
    templates = {"count": 1, "next": None, "results": [{"id": 7, "name": "Deploy"}]}
    controller.before = lambda _method, path: (200, templates) if path == "job_templates/" else None

    told = info(controller, job_id=None, job_template="7", hosts="remaining")

    assert (told["source_job_id"], told["verdict"], told["relaunch_hosts"]) == (SOURCE, "launch", ["web2"])


@pytest.mark.parametrize("hosts", ["failed", "remaining"])
def test_hosts_that_are_not_known_are_not_called_none(hosts: str) -> None:
    result, failed = really(never_run(), lambda _job: None, hosts=hosts, wait=False)
    waited_for, _failed = really(never_run(), lambda _job: None, hosts=hosts)

    assert (failed, result["changed"], "remaining_hosts" in result) == (False, True, False)
    assert waited_for["remaining_hosts"] == []


@pytest.mark.parametrize("name", WORLDS)
def test_it_asks_no_more_than_a_relaunch(name: str) -> None:
    made, options, _verdict = WORLDS[name]
    asked, acted = made(), made()
    info(asked, **options)
    # Of a host in another slice no relaunch on failed hosts asks more.
    hosts = options.get("hosts", "failed") if "remaining" in name or "slice" in name else "failed"
    really(acted, lambda _job: None, **{**options, "hosts": hosts})

    # What a relaunch would have to tell if it failed again, with what, and the end of the output; and what that learns
    # from the new job: as which type it runs.
    told_by_job = ("/job_events/", "/stdout/", "job_templates/7/")
    report = sum(path.endswith(told_by_job) for _method, path, _query in asked.asked)
    assert len(asked.asked) - report <= len(acted.asked)
    assert sum(path.endswith("/stdout/") for _method, path, _query in asked.asked) <= 1
    assert {method for method, _path, _query in asked.asked} == {"GET"}


class TestWhatItTells:
    def test_each_failed_host_with_its_newest_result(self) -> None:
        told = info(half_healed())

        cause = {"play": "Deploy", "task": "Install", "module": "command", "message": "no such unit"}
        assert told["hosts"] == [
            {"name": "web1", "result": "done", "job_id": 43},
            {"name": "web2", "result": "failed", "job_id": 43, "reach": "relaunch", "cause": cause},
        ]
        assert told["remaining_hosts"] == told["relaunch_hosts"] == ["web2"]
        assert told["failures"] == [{**cause, "host": "web2", "job_id": 43, "unreachable": False}]
        assert (told["failures_more"], told["stdout_tail"]) == (0, "PLAY RECAP")
        assert told["msg"].endswith("ended with status failed: would be relaunched on 1 failed host: web2.")

    def test_the_facts_are_those_of_the_job_itself(self) -> None:
        told = info(half_healed())

        assert (told["id"], told["status"], told["source_job_id"], told["job"]["id"]) == (42, "failed", 42, 42)
        assert told["url"].endswith("/42/output")
        assert not {"started", "finished"} & set(told)

    def test_the_runs(self) -> None:
        runs = {run["id"]: run for run in info(scattered())["runs"]}

        assert list(runs) == [42, 43, 44, 45]
        assert (runs[42]["launch_type"], runs[43]["launch_type"]) == ("manual", "relaunch")
        assert (runs[43]["launched_by"], runs[43]["limit"], runs[43]["status"]) == ("alice", "web1", "failed")
        assert [run["hosts_failed"] for run in runs.values()] == [3, 1, 1, 0]
        assert runs[45]["hosts_done"] == 1
        assert runs[42]["created"].startswith("2026-11-2")

    def test_on_how_many_hosts_a_run_without_statistics_failed_is_not_known(self) -> None:
        controller = world()
        relaunched(controller, 43, {}, limit="web1,web2", **NO_STATISTICS)

        runs = {run["id"]: run for run in info(controller)["runs"]}

        assert (runs[43]["hosts_done"], runs[43]["hosts_failed"]) == (None, None)

    def test_causes_come_from_the_run_in_which_each_host_failed_last(self) -> None:
        told = info(scattered())

        assert [(one["host"], one["job_id"]) for one in told["failures"]] == [("web1", 43), ("web2", 44)]
        assert [one["result"] for one in told["hosts"]] == ["failed", "failed", "done"]

    def test_a_relaunch_tells_what_it_goes_back_to(self) -> None:
        controller = half_healed()
        controller.failed(40, {"web1": True}, extra_vars='{"release": 2}', launch_type="manual")
        controller.failed(39, {"web1": True}, launch_type="manual")
        told = info(controller, job_id=43)

        # Of the manual ones 42 is the nearest; 40 is other work, and 39 lies behind it.
        assert [run["id"] for run in told["runs"]] == [42, 43]
        lists = [query for _method, path, query in controller.asked if path == "jobs/"]
        assert [("id__lt" in query, query.get("page_size")) for query in lists] == [
            (False, "200"),
            (True, str(RUNS_SHOWN)),
        ]

    def test_never_began_names_no_host_as_the_one_that_is_left(self) -> None:
        told = info(never_run())

        assert not {"hosts", "remaining_hosts"} & set(told)
        assert (told["relaunch_on"], told["failures"]) == ("all", [])
        assert "before it had begun (Previous Task Failed)" in told["msg"]
        assert told["msg"].endswith("would be relaunched on all its hosts.")

    def test_done_work_has_no_report(self) -> None:
        told = info(healed())

        assert (told["remaining_hosts"], [one["result"] for one in told["hosts"]]) == ([], ["done", "done"])
        assert not {"failures", "stdout_tail"} & set(told)

    def test_a_disabled_host_is_told(self) -> None:
        told = info(disabled())

        (left,) = [host for host in told["hosts"] if host["result"] != "done"]
        assert (left["name"], left["reach"], told["remaining_hosts"]) == ("web2", "idle", ["web2"])
        assert "web2" in " ".join(told["warnings"])

    def test_disabled_hosts_are_told_that_no_run_has_left_out(self) -> None:
        told = info(all_disabled())

        assert {host["name"]: host["reach"] for host in told["hosts"]} == {"web1": "idle", "web2": "idle"}
        assert told["remaining_hosts"] == ["web1", "web2"]
        # No run shows whether anything was to come for the third.
        assert (told["verdict"], told["cut_short"], told["stopped_hosts"]) == ("refuse", True, ["web3"])

    def test_cut_short_names_the_others(self) -> None:
        told = info(stopped())

        assert (told["cut_short"], told["stopped_hosts"], told["remaining_hosts"]) == (True, ["web3"], [])

    def test_hosts_that_would_run_once_more_are_named(self) -> None:
        controller = world()
        relaunched(controller, 43, {"web1": False})

        told = info(controller)

        assert (told["relaunch_hosts"], told["remaining_hosts"]) == (["web1", "web2"], ["web2"])
        assert told["msg"].endswith("It would run once more on web1, which had succeeded since.")

    def test_exactly_what_remains(self) -> None:
        told = info(rolling(), hosts="remaining")

        shown = {host["name"]: (host["result"], host["job_id"], "cause" in host) for host in told["hosts"]}
        assert shown == {
            **dict.fromkeys(("web3", "web4"), ("failed", SOURCE, True)),
            **dict.fromkeys(("web5", "web6"), ("absent", SOURCE, False)),
        }
        assert told["remaining_hosts"] == told["relaunch_hosts"] == ["web3", "web4", "web5", "web6"]
        assert ([one["host"] for one in told["failures"]], told["failures_more"]) == (["web3", "web4"], 0)
        assert told["msg"] == (
            "Job 42 ended with status failed: its template would be launched, limited to 4 hosts: web3, web4, web5, "
            "web6."
        )

    def test_where_exactly_that_cannot_be_launched_the_reason(self) -> None:
        told = info(asks_for_no_limit(), hosts="remaining")

        assert "does not ask for limit at its launch" in told["msg"]
        assert told["remaining_hosts"] == ["web3", "web4", "web5", "web6"]

    def test_passwords_that_a_task_may_give_do_not_matter(self) -> None:
        told = info(asks_for_a_password(), hosts="remaining")

        assert (told["verdict"], told["relaunch_on"]) == ("launch", "remaining"), told["msg"]

    def test_a_job_left_new_is_told_and_not_canceled(self) -> None:
        told = info(left_new())

        said = "Job 43, the same work, was left in status new and will never run. Cancel it in the controller."
        assert said in told["warnings"]

    def test_a_secret_that_could_not_be_compared(self) -> None:
        controller = world(extra_vars='{"a": "$encrypted$"}')
        relaunched(controller, 43, {"web1": False, "web2": True}, extra_vars='{"a": "$encrypted$"}')

        assert "A secret among its variables could not be compared" in info(controller)["msg"]

    def test_its_own_job(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JOB_ID", str(SOURCE))
        monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx_42_x")

        told = info(still_running())

        assert (told["verdict"], told["id"]) == ("refuse", SOURCE)
        assert "is the job that this task runs in" in told["msg"]

    def test_the_job_of_the_failed_node_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JOB_ID", "90")
        monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx_90_x")
        controller = world()
        before = {"identifier": "Patch", "summary_fields": {"job": {"id": SOURCE, "status": "failed", "type": "job"}}}
        nodes = {"count": 1, "next": None, "results": [before]}
        controller.before = lambda _method, path: (200, nodes) if path == "workflow_job_nodes/" else None

        told = info(controller, job_id=None)

        assert (told["verdict"], told["source_job_id"], told["remaining_hosts"]) == ("launch", SOURCE, ["web1", "web2"])

    def test_what_cannot_be_reported_does_not_hide_the_verdict(self) -> None:
        controller = world()
        controller.before = lambda _method, path: (500, {}) if path.endswith("/stdout/") else None

        told = info(controller)

        assert told["verdict"] == "launch"
        assert "500" in told["report_error"]
        assert [one["host"] for one in told["failures"]] == ["web1", "web2"]

    def test_a_job_that_is_not_there_fails(self) -> None:
        with pytest.raises(ControllerError, match="Job 41 does not exist"):
            info(world(), job_id=41)

    def test_many_hosts_stay_small(self) -> None:
        told = info(world({f"web{number}": True for number in range(1, 1001)}))

        assert len(told["hosts"]) == 1000
        assert (len(told["failures"]), told["failures_more"]) == (20, 980)
        assert len(json.dumps(told)) < 350_000
