# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong ways to do what job_relaunch does, as people write them in a few lines: to prove the judge of truth with."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.error
import urllib.request

from .facts import FINAL, Said

Result = dict[str, t.Any]


class Naive:
    """Relaunches a job on its failed hosts, waits, and believes the status of the newest job.

    :param looks: whether it looks at what was relaunched before; else it launches whenever it is asked.
    :param gives_up: after a relaunch that failed it refuses to make another.
    :param names: whether it tells which hosts are left.
    :param breaks: it breaks on a job that has failed.
    """

    def __init__(self, *, looks: bool = True, gives_up: bool = False, names: bool = True, breaks: bool = False) -> None:
        self._looks = looks
        self._gives_up = gives_up
        self._names = names
        self._breaks = breaks
        self._api, self._token = "", ""

    def __call__(self, _kind: str, options: t.Mapping[str, t.Any]) -> Said:
        """Run it as a task; see tasks.run."""
        self._api, self._token = f"{options['controller_host']}/api/v2", options["controller_oauthtoken"]
        started = time.time()
        try:
            result = self._bring_about(options["job_id"], options["hosts"])
        except ZeroDivisionError as error:
            return Said(started, time.time(), None, crash=repr(error))
        return Said(started, time.time(), {"changed": False, "source_job_id": options["job_id"], **result})

    def _bring_about(self, source: int, hosts: str) -> Result:
        template = self._ask(f"/jobs/{source}/")["unified_job_template"]
        query = f"unified_job_template={template}&launch_type=relaunch&id__gt={source}&order_by=-id"
        relaunches = self._ask(f"/jobs/?{query}")["results"] if self._looks or self._gives_up else []
        if relaunches and self._looks and relaunches[0]["status"] == "successful":
            done = relaunches[0]["id"]
            return {"failed": False, "id": done, "status": "successful", "msg": f"Job {done} was successful."}
        if relaunches and self._gives_up:
            return {"failed": True, "msg": "It has been relaunched before.", "remaining_hosts": self._failed(source)}
        try:
            job = self._ask(f"/jobs/{source}/relaunch/", {"hosts": hosts})["id"]
        except urllib.error.HTTPError as error:
            return {"failed": True, "msg": f"{error}", **self._left(source)}
        while (now := self._ask(f"/jobs/{job}/"))["status"] not in FINAL or not now["event_processing_finished"]:
            time.sleep(0.1)
        failed = now["status"] != "successful"
        if failed and self._breaks:
            return {"failed": 1 / 0}
        about = {"failed": failed, "changed": True, "id": job, "status": now["status"], "msg": f"Job {job} is over."}
        return {**about, **self._left(job)}

    def _left(self, job: int) -> Result:
        return {"remaining_hosts": self._failed(job)} if self._names else {}

    def _failed(self, job: int) -> list[str]:
        summaries = self._ask(f"/jobs/{job}/job_host_summaries/?failed=true")["results"]
        return [one["host_name"] for one in summaries]

    def _ask(self, path: str, body: t.Any = None) -> t.Any:
        request = urllib.request.Request(
            f"{self._api}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
