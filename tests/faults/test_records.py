# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the records say: a source job 1 that failed on hosts 1 and 2 and was successful on host 3, until second 60."""

from __future__ import annotations

import dataclasses

from faults.records import Host, Job, Records

HOSTS = tuple(Host(number, frozenset({f"web{number}"})) for number in (1, 2, 3))
SOURCE = Job(1, "failed", 50, 60, relaunch=False, words={1: True, 2: True, 3: False})
FIRST = Job(2, "failed", 70, 80, limit=frozenset({"web1", "web2"}), words={1: False, 2: True})
SECOND = Job(3, "successful", 90, 100, limit=frozenset({"web2"}), words={2: False})
WHOLE = Job(4, "failed", 110, 120, words={1: True, 2: False, 3: False})


def records(*jobs: Job, hosts: tuple[Host, ...] = HOSTS) -> Records:
    return Records(SOURCE, jobs, hosts)


def test_the_newest_run_of_a_host_decides() -> None:
    all_of_them = records(FIRST, SECOND, WHOLE)
    undone = [sorted(all_of_them.undone(moment)) for moment in (65, 79.9, 80, 100, 120)]
    assert undone == [[1, 2], [1, 2], [2], [], [1]]


def test_what_did_not_run_on_a_host_says_nothing_of_it() -> None:
    idle = dataclasses.replace(SECOND, words={})
    assert records(FIRST, idle).undone(130) == {2}


def test_other_work_and_earlier_work_says_nothing() -> None:
    for other in (
        dataclasses.replace(FIRST, prompts="other"),
        dataclasses.replace(FIRST, job_type="check"),
        dataclasses.replace(FIRST, relaunch=False),
        dataclasses.replace(FIRST, created=55),
    ):
        assert records(other).undone(130) == {1, 2}


def test_a_deleted_host_is_no_work() -> None:
    gone = dataclasses.replace(HOSTS[0], gone=85)
    hosts = (gone, *HOSTS[1:])
    assert [sorted(records(hosts=hosts).undone(moment)) for moment in (84, 86)] == [[1, 2], [2]]
    assert records(hosts=hosts).reachable(86)
    assert not records(hosts=(gone, dataclasses.replace(HOSTS[1], gone=86))).reachable(86)


def test_the_newest_relaunch_on_all_hosts_decides_on_all() -> None:
    well = dataclasses.replace(WHOLE, id=5, status="successful", created=130, finished=140)
    assert [records(SECOND, WHOLE, well).all_done(moment) for moment in (100, 125, 139, 140)] == [False] * 3 + [True]
    assert not records(well, dataclasses.replace(WHOLE, id=6, created=150, finished=160)).all_done(160)


def test_one_that_ended_before_its_first_task_takes_no_success_back() -> None:
    well = dataclasses.replace(WHOLE, id=5, status="successful", created=130, finished=140)
    lost = Job(6, "error", 131, 141)
    assert not records(well, lost).all_done(141), "it may have failed anywhere"
    assert records(well, dataclasses.replace(lost, began=False)).all_done(141)
    assert not records(dataclasses.replace(lost, began=False)).all_done(141), "nor has it done anything"


def test_what_is_needed() -> None:
    new = Job(9, "successful", 200, 210, limit=frozenset({"web1", "web2"}))
    assert records(new).needed(new, "failed", 65)
    assert not records(new).needed(new, "failed", 59), "the source still runs"
    assert not records(FIRST, new).needed(new, "failed", 75), "it is being done"
    assert records(FIRST, new).needed(new, "failed", 85), "one of two is left"
    assert not records(FIRST, SECOND, new).needed(new, "failed", 105), "it is done"

    whole = dataclasses.replace(new, limit=frozenset())
    assert records(FIRST, whole).needed(whole, "all", 75), "what is being done is a part"
    assert not records(WHOLE, whole).needed(whole, "all", 115), "all of it is being done"


def test_a_host_that_a_success_on_all_hosts_left_out_needs_another() -> None:
    well = dataclasses.replace(WHOLE, id=5, status="successful", words={1: False, 3: False})
    new = dataclasses.replace(well, id=9, created=200, finished=210)
    assert records(well, new).needed(new, "all", 130)
    disabled = (HOSTS[0], dataclasses.replace(HOSTS[1], out=((100, 150),)), HOSTS[2])
    assert not records(well, new, hosts=disabled).needed(new, "all", 130), "it cannot run"
    assert not records(SECOND, well, new).needed(new, "all", 130), "another run has done it"
    assert not records(dataclasses.replace(well, words={1: False, 2: True}), new).needed(new, "all", 130), "it ran"


def test_a_relaunch_as_another_type_tells_that_of_the_template() -> None:
    check = dataclasses.replace(FIRST, job_type="check")
    assert [set(records(check).other_types(check.created + after)) for after in (0, 0.1)] == [set(), {"check"}]
    assert not records(FIRST, dataclasses.replace(check, relaunch=False)).other_types(130)


def test_what_a_failed_run_did_is_needed_still_where_no_run_shows_its_end_and_all_others_are_gone() -> None:
    new = Job(9, "successful", 200, 210, limit=frozenset({"web1"}), words={1: False})
    hosts = (HOSTS[0], dataclasses.replace(HOSTS[1], gone=90), HOSTS[2])
    assert records(FIRST, new, hosts=hosts).needed(new, "failed", 95)
    assert not records(FIRST, new, hosts=hosts).needed(new, "failed", 85), "a relaunch of the other one would show it"
    assert not records(FIRST, new, hosts=hosts).needed(new, "failed", 210), "it is done"
    busy = dataclasses.replace(new, id=8, created=91, finished=100)
    assert not records(FIRST, busy, new, hosts=hosts).needed(new, "failed", 95), "it is being done"
    well = dataclasses.replace(new, id=8, created=62, finished=66, words={3: False})
    assert not records(well, FIRST, new, hosts=hosts).needed(new, "failed", 95), "a successful run shows its end"
    healed = dataclasses.replace(FIRST, words={1: False}, status="successful")
    assert not records(healed, new, hosts=hosts).needed(new, "failed", 95), "the run was successful"
    other = dataclasses.replace(new, limit=frozenset({"web3"}))
    assert not records(FIRST, other, hosts=hosts).needed(other, "failed", 95), "the source did that one"


def test_moments_are_when_something_changes() -> None:
    out = dataclasses.replace(HOSTS[0], out=((81.0, 85.0),), gone=95)
    assert records(FIRST, SECOND, hosts=(out,)).moments(75, 95.5) == [75, 80, 81, 85, 90, 95, 95.5]
    assert [out.was_out(start, end) for start, end in ((70, 80), (80, 82), (84, 90), (86, 90))] == [
        False,
        True,
        True,
        False,
    ]
