# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sequence of one job: how fresh a look a launch rests on, and what leads back to the look."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from requests.exceptions import ConnectionError as ConnectionProblem

from ansible_collections.relaunch.controller.plugins.module_utils._api import jobs as _jobs
from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.connection import ConnectionOptions
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import (
    ControllerError,
    HostsLeftError,
    NotSentError,
)
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._api.kinds import WORKFLOW_JOB
from ansible_collections.relaunch.controller.plugins.module_utils._job.driver import drive
from ansible_collections.relaunch.controller.plugins.module_utils._job.options import RelaunchRequest
from ansible_collections.relaunch.controller.plugins.module_utils._job.outcome import (
    RelaunchOutcome,
    first_error,
    outcome_of,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.sequence import (
    MOST_LAUNCHES,
    MOST_LOOKS,
    RelaunchSequence,
)
from ansible_collections.relaunch.controller.plugins.module_utils._job.verdict import judge
from ansible_collections.relaunch.controller.plugins.module_utils._job.work import FRESH_FOR, JobWork
from ansible_collections.relaunch.controller.plugins.module_utils._launch.asks import (
    JobsAfter,
    Pause,
    Room,
    Steps,
)
from ansible_collections.relaunch.controller.plugins.module_utils._launch.waiting import Waiting, Watch
from ansible_collections.relaunch.controller.plugins.module_utils._work.decision import RelaunchOptions
from ansible_collections.relaunch.controller.plugins.module_utils._work.ledger_reader import JobsRead
from ansible_collections.relaunch.controller.tests.unit.clock import Clock
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, listed
from ansible_collections.relaunch.controller.tests.unit.relaunching_controller import (
    SOURCE,
    Ran,
    RelaunchingController,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

FAILED = RelaunchOptions("failed")
#: More than a look may be old.
LONG = FRESH_FOR + 1


def failing(*bad: str) -> t.Callable[[int, tuple[str, ...]], Ran]:
    """Relaunches that fail on these hosts, names with spaces between; then on none."""

    def ran(number: int, hosts: tuple[str, ...]) -> Ran:
        failed = bad[number - 1].split() if number <= len(bad) else []
        return {name: name in failed for name in hosts or ("web1", "web2", "web3")}

    return ran


class Task(Clock):
    """A task on a controller in this process, and its clock.

    ``slow`` says how many seconds each request whose path ends so takes; ``events`` happen one at each pause.
    """

    def __init__(
        self, controller: RelaunchingController, options: RelaunchOptions = FAILED, check_mode: bool = False
    ) -> None:
        super().__init__()
        self._check_mode = check_mode
        self.controller = controller
        self.slow: dict[str, float] = {}
        self.events: list[t.Callable[[], object]] = []
        self._options = options
        controller.before = self._pass_time

    def _pass_time(self, path: str) -> None:
        self.now += next((seconds for end, seconds in self.slow.items() if path.endswith(end)), 0.0)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.events:
            self.events.pop(0)()

    def steps(
        self, client: ControllerClient, timeout: t.Optional[float] = None
    ) -> tuple[Steps[RelaunchOutcome], Watch]:
        waiting = Waiting(wait=self._options.wait, timeout=timeout)
        watch, read = Watch(client, waiting), JobsRead()
        request = RelaunchRequest(SOURCE, options=self._options, waiting=waiting, check_mode=self._check_mode)
        self.sequence = RelaunchSequence(lambda source: JobWork.of(request, watch, source, read))
        return self.sequence.steps(_jobs.get(client, SOURCE), RelaunchOutcome(source_job_id=SOURCE)), watch

    def client(self, max_retries: int = 0) -> ControllerClient:
        return self.controller.client(self, max_retries)

    def run(self, max_retries: int = 0, timeout: t.Optional[float] = None) -> RelaunchOutcome:
        with self.client(max_retries) as client:
            steps, watch = self.steps(client, timeout)
            return drive(steps, watch)

    @property
    def looks(self) -> int:
        """How many lists were asked for before the first launch, or at all."""
        lists = 0
        for method, path, _query in self.controller.asked:
            if method == "POST":
                break
            lists += path == "jobs/"
        return lists


class TestALaunchRestsOnAFreshLook:
    def chained(self) -> Task:
        """The first relaunch has failed on web2: it takes some questions to tell what is next."""
        controller = RelaunchingController(failing("web2"), "web1", "web2")
        controller.relaunch(SOURCE)
        return Task(controller)

    def test_a_quick_answer_takes_one(self) -> None:
        task = self.chained()

        assert task.run().hosts == ("web2",)
        assert task.looks == 1

    @pytest.mark.parametrize("slow", ["job_host_summaries/", "job_events/", "jobs/43/"])
    def test_a_slow_question_leads_back_to_the_look_and_is_kept(self, slow: str) -> None:
        task = self.chained()
        task.slow = {slow: LONG}

        assert task.run().hosts == ("web2",)
        assert task.looks == 2
        assert task.controller.posts == ["jobs/43/relaunch/"]
        before = [(path, sorted(query.items())) for _method, path, query in task.controller.asked if "/job_" in path]
        assert len(before) == len({str(one) for one in before})

    def test_a_list_that_takes_long_is_fresh_when_it_is_answered(self) -> None:
        task = self.chained()
        task.slow = {"jobs/": 10 * LONG}

        task.run()
        assert task.looks == 1

    def test_what_has_succeeded_meanwhile_is_taken(self) -> None:
        task = self.chained()
        passed: list[str] = []

        def another(path: str) -> None:
            if path == "jobs/43/" and not passed:
                passed.append(path)
                task.controller.relaunch(43)
                task.now += LONG

        task.controller.before = another
        outcome = task.run()

        assert (task.controller.posts, outcome.changed, outcome.job and outcome.job.id) == ([], False, 44)

    def test_the_third_look_at_the_latest_leads_to_a_launch(self) -> None:
        """Whether a host that did not run is enabled is asked at each look."""
        controller = RelaunchingController(lambda _number, _hosts: {"web1": True}, "web1", "web2")
        controller.relaunch(SOURCE)
        task = Task(controller)
        task.slow = {"inventories/1/hosts/": LONG}

        assert task.run().changed
        assert task.looks == MOST_LOOKS == 3

    def test_waiting_for_room_leads_back_to_the_look(self) -> None:
        task = self.chained()
        with task.client() as client:
            steps, _watch = task.steps(client)
            ask = next(steps)
            assert isinstance(ask, JobsAfter)
            jobs = [Job.of(one) for number, one in task.controller.jobs.items() if number > SOURCE]
            assert isinstance(steps.send(jobs), Room)
            task.now += LONG
            assert isinstance(steps.send(None), JobsAfter)
            assert isinstance(steps.send(jobs), Room)
            assert isinstance(steps.send(None), JobsAfter) and task.controller.posts == ["jobs/43/relaunch/"]
            steps.close()

    def test_events_that_come_in_late_lead_back_to_it(self) -> None:
        task = self.chained()
        task.controller.jobs[43]["event_processing_finished"] = False
        task.events = [lambda: None, lambda: None, self.heal_and_process(task.controller)]

        outcome = task.run()

        assert (task.controller.posts, outcome.changed, outcome.job and outcome.job.id) == ([], False, 44)
        assert task.looks == 2

    @staticmethod
    def heal_and_process(controller: RelaunchingController) -> t.Callable[[], None]:
        def heal() -> None:
            controller.relaunch(43)
            controller.jobs[43]["event_processing_finished"] = True

        return heal


class TestNotNow:
    """What was surely not carried out is no launch: after the pause the look decides again."""

    @pytest.mark.parametrize("healed", [False, True])
    def test_too_many_requests(self, healed: bool) -> None:
        controller = RelaunchingController(failing(), "web1")
        controller.throttled = [8.0]
        task = Task(controller)
        if healed:
            task.events = [lambda: controller.relaunch(SOURCE)]

        outcome = task.run(max_retries=3)

        assert (outcome.changed, outcome.job and outcome.job.id, len(controller.posts)) == (not healed, 43, 2 - healed)
        assert task.slept[0] == 8

    @pytest.mark.parametrize("healed", [False, True])
    def test_what_was_not_sent(self, healed: bool) -> None:
        controller = RelaunchingController(failing(), "web1")
        controller.unplugged = 1
        task = Task(controller)
        if healed:
            task.events = [lambda: controller.relaunch(SOURCE)]

        outcome = task.run(max_retries=3)

        assert (outcome.changed, outcome.job and outcome.job.id) == (not healed, 43)
        [pause] = task.slept
        assert 0.5 <= pause <= 1

    def test_a_pause_that_outlasts_the_timeout_is_not_begun(self) -> None:
        controller = RelaunchingController(failing(), "web1")
        controller.throttled = [600.0]
        task = Task(controller)

        with pytest.raises(ControllerError, match="Job 42 was not relaunched"):
            task.run(max_retries=3, timeout=60.0)
        assert (len(controller.posts), task.slept) == (1, [])

    def test_each_time_the_look_is_new(self) -> None:
        controller = RelaunchingController(failing(), "web1")
        controller.throttled = [LONG, LONG, LONG]
        task = Task(controller)

        task.run(max_retries=3)

        lists = [path for _method, path, _query in controller.asked if path == "jobs/"]
        # A look before each of the four POSTs, and one at other callers.
        assert (len(controller.posts), len(lists)) == (4, 5)

    @pytest.mark.parametrize("unplugged", [False, True])
    def test_to_the_last_nothing_was_launched(self, unplugged: bool) -> None:
        controller = RelaunchingController(failing(), "web1")
        if unplugged:
            controller.unplugged = 9
        else:
            controller.throttled = [1.0] * 9

        with pytest.raises(ControllerError) as refused:
            Task(controller).run(max_retries=2)

        outcome = outcome_of(refused.value)
        assert outcome is not None and (outcome.changed, outcome.job) == (False, None)
        assert isinstance(first_error(refused.value), NotSentError) is unplugged
        assert max(controller.jobs) == SOURCE


class TestARefusal:
    """It is believed when it is given twice, and a launch that is sent again rests on a fresh look too."""

    def task(self, *refusals: float, meanwhile: t.Callable[[], object] = lambda: None) -> Task:
        """The first POSTs are refused, each after so many seconds, in which something happens."""
        controller = RelaunchingController(failing(), "web1", "web2")
        task = Task(controller)
        refused = iter(refusals)

        def refuse(method: str, _path: str) -> tuple[int, t.Any] | None:
            if method != "POST" or (seconds := next(refused, None)) is None:
                return None
            task.now += seconds
            meanwhile()
            return 403, DENIED

        controller.instead = refuse
        return task

    def test_that_comes_quickly_is_sent_again_at_once(self) -> None:
        task = self.task(0.1)

        assert task.run().changed
        assert (len(task.controller.posts), task.looks, task.slept) == (2, 1, [1])

    def test_that_comes_late_leads_back_to_the_look(self) -> None:
        task = self.task(LONG)

        assert task.run().changed
        asked = [path for _method, path, _query in task.controller.asked]
        assert asked.count("jobs/42/relaunch/") == 2
        assert asked[asked.index("jobs/42/relaunch/") + 1] == "jobs/"
        assert task.slept == [1]

    def test_what_was_done_meanwhile_is_not_launched(self) -> None:
        task = self.task(LONG, meanwhile=lambda: task.controller.ended(43, {"web1": False, "web2": False}))

        outcome = task.run()

        assert (len(task.controller.posts), outcome.changed, outcome.job and outcome.job.id) == (1, False, 43)

    @pytest.mark.parametrize("second", [0.1, LONG])
    def test_the_second_one_is_believed(self, second: float) -> None:
        task = self.task(LONG, second, LONG)

        with pytest.raises(ControllerError, match="Job 42 was not relaunched on its failed hosts. .* answered 403"):
            task.run(max_retries=5)
        assert (len(task.controller.posts), task.slept) == (2, [1])

    def test_nothing_is_sent_again_behind_the_deadline(self) -> None:
        task = self.task(0.1)
        with task.client() as client:
            watch, read = Watch(client, Waiting(), None, 1.0), JobsRead()
            request = RelaunchRequest(job_id=SOURCE, options=FAILED)
            sequence = RelaunchSequence(lambda source: JobWork.of(request, watch, source, read))
            steps = sequence.steps(_jobs.get(client, SOURCE), RelaunchOutcome(source_job_id=SOURCE))
            with pytest.raises(ControllerError, match="the deadline was over before that"):
                drive(steps, watch)
        assert len(task.controller.posts) == 1


class TestASecretThatCouldNotBeCompared:
    """It is said wherever what another run did decides."""

    def task(self, check_mode: bool = False) -> Task:
        controller = RelaunchingController(failing("web2"), "web1", "web2")
        controller.jobs[SOURCE]["extra_vars"] = '{"a": "$encrypted$"}'
        return Task(controller, check_mode=check_mode)

    @pytest.mark.parametrize("check_mode", [False, True])
    def test_is_told_where_that_one_is_relaunched(self, check_mode: bool) -> None:
        task = self.task(check_mode)
        task.controller.relaunch(SOURCE)["extra_vars"] = '{"a": "$encrypted$"}'

        outcome = task.run()

        assert (outcome.changed, outcome.relaunched_job_id) == (True, 43)
        assert "A secret among its variables could not be compared" in outcome.msg
        assert "could not be compared" in task.sequence.state.plan

    def test_decides_nothing_where_there_is_none(self) -> None:
        assert "compared" not in self.task().run().msg


def test_the_number_of_a_new_job_is_told_before_anything_can_break_the_task_off() -> None:
    controller = RelaunchingController(failing(), "web1")
    task = Task(controller)
    lines: list[str] = []

    def interrupt(_path: str) -> None:
        if controller.posts:
            raise KeyboardInterrupt

    controller.before = interrupt
    with task.client() as client:
        client.tell = lines.append
        steps, watch = task.steps(client)
        with pytest.raises(KeyboardInterrupt):
            drive(steps, watch)
    assert lines == ["job 43 launched, a relaunch of job 42"]


class TestOneAfterAnother:
    def test_failed_hosts_that_no_single_run_has_failed_on(self) -> None:
        """The newest run on all hosts failed on web3 and left out web1, which was disabled then."""
        ran = iter([{"web2": False, "web3": True}])
        controller = RelaunchingController(lambda _number, hosts: next(ran, dict.fromkeys(hosts, False)), "web1")
        controller.relaunch(SOURCE, "all")
        controller.changed["web1"] = "2026-11-23T09:00:00Z"
        task = Task(controller, replace(FAILED, wait=True))

        outcome = task.run()

        assert sorted(controller.posts) == ["jobs/42/relaunch/", "jobs/43/relaunch/"]
        assert (outcome.changed, outcome.remaining_hosts) == (True, ())
        assert outcome.job is not None and outcome.job.id == 45

    def test_one_that_was_enabled_meanwhile_does_not_keep_others_from_it(self) -> None:
        """web2 was disabled when job 44 took its hosts, and is not when that has ended; web3 failed in job 43."""
        ran = iter([{"web1": False}])
        controller = RelaunchingController(
            lambda _number, hosts: next(ran, dict.fromkeys(hosts, False)), "web1", "web2"
        )
        controller.ended(43, {"web3": True})
        controller.changed["web2"] = "2026-11-23T00:44:20.000000Z"

        outcome = Task(controller, replace(FAILED, wait=True)).run()

        assert controller.posts == ["jobs/42/relaunch/", "jobs/43/relaunch/", "jobs/42/relaunch/"]
        assert outcome.remaining_hosts == ()

    def test_one_that_is_deleted_meanwhile_lets_no_other_one_run_again(self) -> None:
        """web3 to web5 failed in job 43; web1 goes while their relaunch runs, so that of job 42 web2 is left."""
        controller = RelaunchingController(failing(), "web1", "web2")
        controller.ended(43, {"web3": True, "web4": True, "web5": True})
        task = Task(controller, replace(FAILED, wait=True))
        controller.before = lambda _path: controller.deleted.update({"web1"} if 44 in controller.jobs else ())

        outcome = task.run()

        assert controller.posts == ["jobs/43/relaunch/", "jobs/42/relaunch/"]
        assert (outcome.remaining_hosts, outcome.gone_hosts) == (("web1",), ("web1",))

    def test_one_that_is_deleted_during_a_wait_lets_no_other_one_run_again(self) -> None:
        """Another caller's job 43 runs on web2 alone."""
        controller = RelaunchingController(failing(), "web1", "web2")
        controller.ended(43, {"web2": False})
        ended = {**controller.jobs[43]}
        controller.jobs[43].update(status="running", finished=None)
        task = Task(controller, replace(FAILED, wait=True))
        task.events = [lambda: (controller.jobs[43].update(ended), controller.deleted.add("web1"))]

        outcome = task.run()

        assert (controller.posts, outcome.changed, outcome.gone_hosts) == ([], False, ("web1",))

    def test_they_do_not_go_on_for_ever_and_what_is_left_then_is_no_success(self) -> None:
        """Each of eleven hosts failed in a run of its own."""
        assert MOST_LAUNCHES == 10
        controller = RelaunchingController(failing(), "web1")
        for number in range(1, 11):
            controller.ended(SOURCE + number, {f"web{number + 1}": True})

        with pytest.raises(ControllerError) as left:
            Task(controller, replace(FAILED, wait=True)).run()

        assert isinstance(first_error(left.value), HostsLeftError)
        told = "Job 62 was successful, but hosts are still left after 10 relaunches: web11. Run the task again."
        assert str(left.value).startswith(told)
        outcome = outcome_of(left.value)
        assert isinstance(outcome, RelaunchOutcome)
        assert (outcome.job and outcome.job.id, outcome.remaining_hosts) == (62, ("web11",))

    def test_a_host_that_no_relaunch_on_all_hosts_reaches_lets_it_run_once(self) -> None:
        """It was renamed after job 43, of somebody else, had failed on it, and the limit of job 42 has its old name."""
        controller = RelaunchingController(lambda _number, hosts: dict.fromkeys(hosts or ["web2"], False), "web2")
        controller.jobs[SOURCE]["limit"] = "web1,web2"
        controller.ended(43, {"web1": True})
        controller.renamed = {"web1": "srv1"}
        controller.instead = lambda method, path: (403, DENIED) if (method, path[:8]) == ("POST", "jobs/43/") else None

        with pytest.raises(ControllerError, match="Job 45 .* still left: srv1. See whether its limit holds") as left:
            Task(controller, replace(FAILED, wait=True, fallback_to_all=True)).run()

        assert controller.posts == [f"jobs/{number}/relaunch/" for number in (42, 43, 43, 42)]
        outcome = outcome_of(left.value)
        assert isinstance(outcome, RelaunchOutcome)
        assert (outcome.changed, outcome.remaining_hosts) == (True, ("srv1",))

    def test_all_hosts_instead_of_a_relaunch_that_is_forbidden_wait_for_what_runs_on_others(self) -> None:
        controller = RelaunchingController(failing(), "web2")
        controller.ended(43, {"web2": False})
        controller.ended(44, {"web1": True})
        controller.ended(45, {"web3": False})
        controller.jobs[45].update(status="running", finished=None)

        def instead(method: str, path: str) -> tuple[int, t.Any] | None:
            if path.endswith("/groups/"):
                return 200, listed()
            return (403, DENIED) if (method, path[:8]) == ("POST", "jobs/44/") else None

        controller.instead = instead
        with pytest.raises(ControllerError, match="Job 45 is running: whether a relaunch is needed is not known"):
            Task(controller, replace(FAILED, fallback_to_all=True)).run()

        assert controller.posts == ["jobs/44/relaunch/"] * 2


class TestSourceThatNeverBegan:
    def test_it_is_relaunched_whole_and_that_is_said(self) -> None:
        controller = RelaunchingController(failing())
        controller.jobs[SOURCE].update(started=None, job_explanation="Previous Task Failed")
        outcome = Task(controller).run()

        assert (outcome.changed, controller.jobs[43]["limit"]) == (True, "")
        assert outcome.msg.startswith(
            "Job 42 ended with status failed before it had begun (Previous Task Failed), so that all its hosts remain: "
            "relaunched as job 43 on all its hosts."
        )

    def test_its_relaunch_is_the_one_whose_failed_hosts_are_next(self) -> None:
        controller = RelaunchingController(failing("web2"))
        controller.jobs[SOURCE]["started"] = None
        controller.relaunch(SOURCE, "all")

        outcome = Task(controller).run()

        assert (controller.posts, outcome.hosts) == (["jobs/43/relaunch/"], ("web2",))


class TestASuccessOnFewerHosts:
    """Job 43, of a schedule, was successful on all hosts but some that were disabled then."""

    def task(self, hosts: str, ran: str, never_began: bool = False) -> Task:
        jobs = iter([dict.fromkeys(ran.split(), False)])
        controller = RelaunchingController(
            lambda _number, names: next(jobs, dict.fromkeys(names, False)), "web1", "web2"
        )
        source = controller.jobs[SOURCE]
        source["summary_fields"] = {"inventory": {"total_hosts": 2}}
        source.update({"started": None} if never_began else {"host_status_counts": {"failures": 2}})
        counts = {"ok": len(ran.split())} if ran else None
        controller.relaunch(SOURCE, "all").update(launch_type="scheduled", host_status_counts=counts)
        controller.changed = dict.fromkeys(("web1", "web2"), "2026-11-24T00:00:00Z")
        return Task(controller, RelaunchOptions(hosts))

    @pytest.mark.parametrize("hosts", ["all", "failed", "remaining"])
    @pytest.mark.parametrize("ran", ["", "web1"])
    def test_behind_one_that_never_began_it_is_no_whole_one(self, hosts: str, ran: str) -> None:
        task = self.task(hosts, ran, never_began=True)

        assert (task.run().changed, task.controller.jobs[44]["limit"]) == (True, "")

    @pytest.mark.parametrize("ran", ["", "web1"])
    def test_nor_where_all_hosts_are_asked_for(self, ran: str) -> None:
        task = self.task("all", ran)

        assert (task.run().changed, task.controller.posts) == (True, ["jobs/42/relaunch/"])

    @pytest.mark.parametrize("hosts", ["all", "failed", "remaining"])
    @pytest.mark.parametrize("ran", ["", "web1"])
    def test_hosts_that_are_disabled_still_are_told(self, hosts: str, ran: str) -> None:
        task = self.task(hosts, ran, never_began=True)
        task.controller.disabled = {"web1", "web2"} - {ran}
        outcome = task.run()

        assert (outcome.changed, outcome.job and outcome.job.id) == (False, 43)
        assert "Job 43 did not run on some hosts, which are disabled" in outcome.msg

    def test_one_on_as_many_hosts_asks_nothing_more(self) -> None:
        task = self.task("all", "web1 web2")

        assert task.run().changed is False
        assert [path for _method, path, _query in task.controller.asked] == ["jobs/42/", "jobs/", "jobs/43/"]


class TestSourceThatHasJustEnded:
    """Its detail has no counts before its events are in (recorded: lag-detail)."""

    def task(self, controller: RelaunchingController, waited_for: bool, **settled: t.Any) -> Task:
        source = controller.jobs[SOURCE]
        ended = {name: source[name] for name in ("status", "finished")}
        source.update(event_processing_finished=False, host_status_counts=None)
        task = Task(controller, replace(FAILED, wait=True))
        task.events = [lambda: source.update(event_processing_finished=True, **settled)]
        if waited_for:
            source.update(status="running", finished=None)
            task.events.insert(0, lambda: source.update(ended))
        return task

    @pytest.mark.parametrize("waited_for", [False, True])
    def test_failed_hosts_that_no_relaunch_reaches_are_told(self, waited_for: bool) -> None:
        controller = RelaunchingController(failing(), "web1", "web2")
        controller.deleted = {"web2"}
        task = self.task(controller, waited_for, host_status_counts={"failures": 2})
        controller.before = lambda _path: controller.jobs.get(43, {}).update(host_status_counts={"ok": 1})
        outcome = task.run()

        assert (outcome.hosts, outcome.gone_hosts, outcome.remaining_hosts) == (("web1",), ("web2",), ("web2",))
        assert outcome.warnings == ("Not in the inventory any more, and not recovered: web2.",)

    @pytest.mark.parametrize("waited_for", [False, True])
    def test_one_that_never_began_is_relaunched_whole(self, waited_for: bool) -> None:
        controller = RelaunchingController(failing())
        controller.jobs[SOURCE]["playbook_counts"] = {"play_count": 0, "task_count": 0}
        outcome = self.task(controller, waited_for).run()

        assert (controller.posts, controller.jobs[43]["limit"]) == (["jobs/42/relaunch/"], "")
        assert outcome.msg.startswith("Job 42 ended with status failed before it had begun, so that all its hosts")

    def test_nothing_is_waited_for_where_that_decides_nothing(self) -> None:
        controller = RelaunchingController(failing(), "web1")
        task = self.task(controller, waited_for=False)
        task._options = RelaunchOptions("all")

        assert task.run().changed and task.slept == []


class TestDriver:
    def test_an_interruption_of_a_wait_is_raised_in_the_sequence(self) -> None:
        raised: list[BaseException] = []

        def steps() -> Steps[str]:
            try:
                yield Pause(1.0)
            except KeyboardInterrupt as error:
                raised.append(error)
                return "seen"
            return "not seen"

        task = Task(RelaunchingController(failing()))

        def interrupt() -> None:
            raise KeyboardInterrupt

        task.events = [interrupt]
        with task.client() as client:
            assert drive(steps(), Watch(client, Waiting())) == "seen"
        assert len(raised) == 1

    def test_workflow_jobs_are_listed_newest_last(self, controller: ScriptedController) -> None:
        def steps() -> Steps[list[Job]]:
            source = Job({"id": 24, "status": "failed"})
            return (yield JobsAfter(source, 24, kind=WORKFLOW_JOB, query={"name__startswith": "Remainder"}))

        found = listed({"id": 26, "status": "failed"}, {"id": 28, "status": "running"})
        controller.expect("GET", "/api/v2/workflow_jobs/", body=found)
        connection = ConnectionOptions(controller.url, token="t", api_prefix="/api/v2/")
        with ControllerClient(connection) as client:
            assert [job.id for job in drive(steps(), Watch(client, Waiting()))] == [26, 28]
        query = {name: controller.asked[0].query[name] for name in ("name__startswith", "id__gt", "order_by")}
        assert query == {"name__startswith": "Remainder", "id__gt": "24", "order_by": "id"}

    def test_room_is_there_at_once(self) -> None:
        def steps() -> Steps[t.Any]:
            return (yield Room())

        task = Task(RelaunchingController(failing()))
        with task.client() as client:
            assert drive(steps(), Watch(client, Waiting())) is None
        assert (task.slept, task.controller.asked) == ([], [])


def test_a_success_that_the_failure_of_another_overtook_is_none() -> None:
    """Job 44, of another caller, ends after job 43 was launched, and fails on a host of it."""
    controller = RelaunchingController(failing("", "web1"), "web1", "web2")
    task = Task(controller, RelaunchOptions("failed", wait=True))

    def other(path: str) -> None:
        if path == "jobs/" and 43 in controller.jobs and 44 not in controller.jobs:
            controller.relaunch(SOURCE)

    controller.before = other
    with pytest.raises(ControllerError, match="Job 43 was successful, but job 44, .* failed on web1") as told:
        task.run()

    outcome = outcome_of(told.value)
    assert isinstance(outcome, RelaunchOutcome) and outcome.remaining_hosts == ("web1",)


class TestASuccessOnAllHostsThatAnotherOvertook:
    """Job 44, of another caller, is on all hosts too; it ends after job 43 was launched, and fails."""

    def task(self, adopted: bool) -> Task:
        controller = RelaunchingController(failing("", "web1"), "web1", "web2")
        if adopted:
            controller.relaunch(SOURCE, "all").update(status="running", finished=None)
        task = Task(controller, RelaunchOptions("all", wait=True))

        def end() -> None:
            controller.jobs[43].update(status="successful", finished="2026-11-23T00:45:00.000000Z")

        def other(path: str) -> None:
            if path == ("jobs/43/" if adopted else "jobs/") and 43 in controller.jobs and 44 not in controller.jobs:
                controller.relaunch(SOURCE, "all")

        task.events = [end, end] if adopted else []
        controller.before = other
        return task

    @pytest.mark.parametrize("simultaneous", [True, False])
    def test_one_that_was_adopted_is_none(self, simultaneous: bool) -> None:
        task = self.task(adopted=True)
        task.controller.jobs[43]["allow_simultaneous"] = simultaneous

        with pytest.raises(ControllerError, match="Job 43 was successful, but job 44, the same work, .* failed. Run"):
            task.run()

    def test_one_of_the_task_itself_is_none(self) -> None:
        task = self.task(adopted=False)
        task.controller.jobs[SOURCE]["allow_simultaneous"] = True

        with pytest.raises(ControllerError, match="Job 43 was successful, but job 44, the same work, .* failed. Run"):
            task.run()


def test_a_success_beside_hosts_that_this_task_has_tried_in_vain_is_not_all() -> None:
    """Job 43, of this task, failed on web1 and web2; what remained then was launched on web2 alone."""

    def ran(number: int, _hosts: tuple[str, ...]) -> Ran:
        return {"web1": True, "web2": True} if number == 1 else {"web2": False}

    controller = RelaunchingController(ran, "web1", "web2")
    controller.relaunch(SOURCE)
    controller.jobs[44] = {**controller.relaunch(SOURCE), "limit": "web2"}
    task = Task(controller, RelaunchOptions("failed", wait=True))
    with task.client() as client:
        request = RelaunchRequest(job_id=SOURCE, options=RelaunchOptions("failed", wait=True), waiting=Waiting(True))
        watch = Watch(client, Waiting(True))
        work = JobWork.of(request, watch, _jobs.get(client, SOURCE), JobsRead(), tried={43})
        steps = judge(work, Job.of(controller.jobs[44]), RelaunchOutcome(source_job_id=SOURCE, hosts=("web2",)))
        with pytest.raises(ControllerError, match="successful, but that is not all. .* job 43, .* failed on web1"):
            drive(steps, watch)


def test_what_remained_before_a_success_is_not_told_where_nobody_could_look_after_it() -> None:
    controller = RelaunchingController(failing(), "web1", "web2")
    task = Task(controller, RelaunchOptions("failed", wait=True))
    lists: list[str] = []

    def out_of_reach(path: str) -> None:
        lists.extend([path] if path == "jobs/" and 43 in controller.jobs else [])
        if len(lists) > 1:
            raise ConnectionProblem("out of reach")

    controller.before = out_of_reach
    with pytest.raises(ControllerError) as told:
        task.run()

    outcome = outcome_of(told.value)
    assert isinstance(outcome, RelaunchOutcome)
    assert (outcome.job and outcome.job.id, outcome.remaining_hosts) == (43, None)
