# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviour on demand, as a client meets it."""

from __future__ import annotations

import http.client
import time
import typing as t

import pytest
import requests

from sandbox.process import Sandbox
from sandbox.tests import playbooks


@pytest.fixture(scope="module")
def source(sandbox: Sandbox) -> int:
    sandbox.settings(max_running=0)
    template = sandbox.add_template("Faulty", playbooks.CHECKING, hosts={"one": {}})["id"]
    return sandbox.make_job(template=template, status="failed", hosts={"one": "failed"})


@pytest.fixture(autouse=True)
def idle(sandbox: Sandbox) -> None:
    sandbox.settings(max_running=0)


def _jobs(sandbox: Sandbox) -> int:
    return int(sandbox.request("GET", "/jobs/").body["count"])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["status", "drop", "reset", "html", "list", "garbage", "empty", "redirect"])
def test_the_work_is_done_or_not(kind: t.Any, when: t.Any, sandbox: Sandbox, source: int) -> None:
    before = _jobs(sandbox)
    sandbox.misbehave([{"kind": kind, "when": when, "method": "POST", "path": "/relaunch/$"}])
    sandbox.clear_log()
    if kind in ("drop", "reset"):
        broken = ConnectionResetError if kind == "reset" else http.client.RemoteDisconnected
        with pytest.raises(broken):
            sandbox.request("POST", f"/jobs/{source}/relaunch/", body={})
    else:
        answer = sandbox.request("POST", f"/jobs/{source}/relaunch/", body={})
        assert answer.status == {"status": 503, "redirect": 302}.get(kind, 200)
    assert sandbox.log(own=True)[0]["fault"]["kind"] == kind
    assert _jobs(sandbox) == before + (when == "after")
    assert sandbox.request("POST", f"/jobs/{source}/relaunch/", body={}).status == 201


def test_a_rule_says_how_often_and_when_it_begins(sandbox: Sandbox) -> None:
    sandbox.misbehave(
        [
            {
                "kind": "status",
                "status": 429,
                "headers": {"Retry-After": "1"},
                "path": "/ping/",
                "times": 2,
                "after_requests": 1,
            }
        ]
    )
    answers = [sandbox.request("GET", "/ping/") for _number in range(4)]
    assert [answer.status for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "1"
    sandbox.misbehave([{"kind": "unauthorized", "times": None}])
    assert {sandbox.request("GET", "/ping/").status for _number in range(3)} == {401}
    sandbox.behave()
    assert sandbox.request("GET", "/ping/").status == 200


def test_a_body_cut_short(sandbox: Sandbox, source: int) -> None:
    sandbox.misbehave([{"kind": "truncate"}])
    with pytest.raises(http.client.IncompleteRead):
        sandbox.request("GET", f"/jobs/{source}/")


def test_a_late_answer(sandbox: Sandbox) -> None:
    sandbox.misbehave([{"kind": "slow", "delay": 0.3}])
    start = time.monotonic()
    assert sandbox.request("GET", "/ping/").status == 200
    assert time.monotonic() - start >= 0.3


def test_faults_outlive_a_restart(sandbox: Sandbox) -> None:
    sandbox.misbehave([{"kind": "status"}])
    sandbox.restart()
    assert sandbox.request("GET", "/ping/").status == 503


def test_the_log_tells_connections_apart(sandbox: Sandbox) -> None:
    sandbox.clear_log()
    with requests.Session() as session:
        for _number in range(3):
            headers = {"Authorization": f"Bearer {sandbox.token('bob')}"}
            answer = session.get(f"{sandbox.api}/me/", headers=headers, timeout=10)
            assert answer.status_code == 200
    requests.get(f"{sandbox.api}/ping/?a=b", timeout=10)
    entries = sandbox.log()
    assert len({entry["connection"] for entry in entries[:3]}) == 1
    assert entries[3]["connection"] != entries[0]["connection"]
    assert [entry["user"] for entry in entries] == ["bob"] * 3 + [None]
    assert entries[3]["query"] == "a=b"
    assert entries[0]["headers"]["Authorization"] == "Bearer"
    assert [entry["n"] for entry in entries] == sorted(entry["n"] for entry in entries)


def test_a_foreign_host_header(sandbox: Sandbox) -> None:
    assert sandbox.request("GET", "/ping/", headers={"Host": "elsewhere.example.com"}).status == 400


@pytest.mark.parametrize(("kind", "status"), [("unauthorized", 401), ("forbidden", 403)])
def test_a_refusal_in_passing(kind: str, status: int, sandbox: Sandbox, source: int) -> None:
    before = _jobs(sandbox)
    rule: t.Any = {"kind": kind, "method": "POST", "path": f"/jobs/{source}/relaunch/$", "times": 2}
    sandbox.misbehave([rule])
    for _time in range(2):
        answer = sandbox.request("POST", f"/jobs/{source}/relaunch/", body={})
        # What the application refuses has headers that a gateway's answer lacks.
        assert (answer.status, list(answer.body), answer.headers["X-API-Product-Name"]) == (status, ["detail"], None)
    assert _jobs(sandbox) == before
    assert sandbox.request("POST", f"/jobs/{source}/relaunch/", body={}).status == 201


def test_a_role_is_taken_away_and_a_token_revoked(sandbox: Sandbox, source: int) -> None:
    template, token = sandbox.job(source)["job_template"], sandbox.token("alice")
    path = f"/jobs/{source}/"
    assert sandbox.request("GET", path, token=token).status == 200
    sandbox.roles(template, alice=None)
    refusal = sandbox.request("GET", path, token=token)
    assert (refusal.status, refusal.headers["X-API-Product-Name"]) == (403, "Sandbox")
    sandbox.roles(template, alice="execute")
    assert sandbox.request("GET", path, token=token).status == 200
    sandbox.revoke_tokens(token)
    assert sandbox.request("GET", path, token=token).status == 401
    assert sandbox.request("GET", "/ping/", token=token).status == 200
