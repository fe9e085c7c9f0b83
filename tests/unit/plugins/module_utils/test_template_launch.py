# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a launch of a template with a job's prompts sends, and why it cannot be."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._launch.template_launch import (
    LaunchNeeds,
    TemplateLaunch,
    why_not,
)
from ansible_collections.relaunch.controller.plugins.module_utils._work.host_patterns import (
    LONGEST_LIMIT,
    limit_of,
    not_limitable,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import job
from ansible_collections.relaunch.controller.tests.unit.templates_as_data import needs

CONTRACT = Path(__file__).resolve().parents[3] / "sandbox" / "contract"
SURVEY = [{"variable": "plain", "type": "text"}, {"variable": "secret", "type": "password"}]


def recorded(case: str) -> t.Any:
    return json.loads((CONTRACT / f"{case}.json").read_text(encoding="utf-8"))


def prompts_of(case: str) -> t.Any:
    return recorded(case)["response"]["body"]["prompts"]


def launch(prompts: t.Mapping[str, t.Any] | None = None, limit: str = "web2", **more: t.Any) -> TemplateLaunch:
    source = Job.of(job(42, **more.pop("source", {})))
    return TemplateLaunch(source, {} if prompts is None else prompts, limit, more.pop("job_type", "run"), **more)


def test_the_body_is_one_that_a_real_controller_took() -> None:
    """All prompts of a job, as numbers and scalars; of the credentials the template's own ones are kept."""
    template = LaunchNeeds(recorded("launch-get")["response"]["body"])
    fields = launch(prompts_of("prompts-full"), "host1", job_type="check").fields(template)

    assert fields == {
        "inventory": 16,
        "limit": "host1",
        "labels": [4, 5],
        "job_tags": "t1,t2",
        "skip_tags": "s1",
        "extra_vars": {"play": {"fail_hosts": ["host1"], "duration": 0.2}, "x": {"y": [1, 2]}},
        "diff_mode": True,
        "job_type": "check",
        "verbosity": 2,
        "credentials": [1, 14, 12, 15],
        "execution_environment": 4,
        "forks": 7,
        "timeout": 300,
        "instance_groups": [4],
    }
    assert fields.keys() == recorded("launch-from-prompts")["request"]["body"].keys()


def test_what_is_the_templates_own_is_not_sent() -> None:
    own = needs(
        "limit", limit="web2", verbosity=2, credentials=[{"id": 1}, {"id": 14}], execution_environment={"id": 4}
    )
    prompted = {"verbosity": 2, "credentials": [{"id": 14}], "execution_environment": {"id": 4}, "extra_vars": {}}

    assert launch(prompted).fields(LaunchNeeds(own)) == {}


@pytest.mark.parametrize(
    ("names", "limit"),
    [
        (["web2", "web1"], "web1,web2"),
        (["web1"], "web1"),
        (["db 1"], "db 1,"),
        (["fe80::1"], "fe80::1,"),
        (["db 1", "web1"], "db 1,web1"),
    ],
)
def test_a_limit_holds_each_name_as_one(names: list[str], limit: str) -> None:
    assert limit_of(names) == limit


def test_names_that_are_patterns() -> None:
    odd = ["!web", "&web", "~web", "@web", "we*b", "we?b", "web[1]", "a,b", " web", "web ", "", "all", "*"]

    assert not_limitable([*odd, "web1", "web-1.example.com", "db 1", "10.0.0.1", "fe80::1", "a@b"]) == sorted(odd)


MANY_LABELS = launch({"labels": {"count": 2, "results": [{"id": 1}]}})
GIVEN = launch({"extra_vars": {"secret": "$encrypted$"}}, changes={"extra_vars": {"secret": "x"}})
ROWS: list[tuple[str, TemplateLaunch, dict[str, t.Any], str]] = [
    ("prompts that are not told", launch(limit="a", source={"inventory": 1}), {}, ""),
    ("another job type", launch(job_type="check"), {}, "does not ask for job_type"),
    ("another job type, asked for", launch(job_type="check"), {"asks": ["job_type"]}, ""),
    ("a template that only checks by now", launch(), {"job_type": "check"}, "does not ask for job_type"),
    ("more labels than shown", MANY_LABELS, {"asks": ["labels"]}, "more labels"),
    ("an answer that is missing", launch(), {"survey": SURVEY, "required": ["plain"]}, "requires plain"),
    ("an answer", launch({"extra_vars": {"plain": "x"}}), {"survey": SURVEY, "required": ["plain"]}, ""),
    ("an answer to no question", launch({"extra_vars": {"other": 1}}), {"survey": SURVEY}, "does not ask for other"),
    ("an answer and a variable", launch({"extra_vars": {"other": 1}}), {"survey": SURVEY, "asks": ["extra_vars"]}, ""),
    ("a survey that may not be read", launch({"extra_vars": {"other": 1}}), {"survey": None}, ""),
    ("a secret answer", launch({"extra_vars": {"secret": "$encrypted$"}}), {"survey": SURVEY}, "does not show: secret"),
    ("a secret that is given", GIVEN, {"survey": SURVEY}, ""),
    ("a limit as long as can be", launch(limit="a" * LONGEST_LIMIT), {}, ""),
    ("a longer one", launch(limit="a" * (LONGEST_LIMIT + 1)), {}, "are 128001 bytes together"),
    ("a longer one, by its bytes", launch(limit="ä" * (LONGEST_LIMIT // 2 + 1)), {}, "are 128002 bytes together"),
]


@pytest.mark.parametrize(("wanted", "template", "reason"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_why_not(wanted: TemplateLaunch, template: dict[str, t.Any], reason: str) -> None:
    facts = dict(template)
    surveyed, survey = "survey" in facts, facts.pop("survey", None)
    required = facts.pop("required", [])
    shown = needs("limit", *facts.pop("asks", ()), **facts, survey_enabled=surveyed, variables_needed_to_start=required)

    reasons = why_not(wanted, LaunchNeeds(shown, survey))

    assert (reason in " ".join(reasons), len(reasons)) == (True, 1 if reason else 0)


def test_each_reason_is_told() -> None:
    reasons = why_not(TemplateLaunch(Job.of(job(42, inventory=None)), None, "web1", "run"), LaunchNeeds(needs()))

    assert len(reasons) == 3
