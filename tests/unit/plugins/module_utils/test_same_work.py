# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether two jobs are the same work: by their values, and by prompts as a real controller shows them."""

from __future__ import annotations

import json
import pathlib
import typing as t
from datetime import timedelta

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import AnswerError
from ansible_collections.relaunch.controller.plugins.module_utils._api.jobs import Job
from ansible_collections.relaunch.controller.plugins.module_utils._work import same_work as _same_work
from ansible_collections.relaunch.controller.plugins.module_utils._work.same_work import (
    LastEdit,
    Prompts,
    SameWork,
    lost_template,
    same_launch,
)
from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import DENIED, at, job, prompts
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

RECORDED = pathlib.Path(__file__).resolve().parents[3] / "sandbox" / "contract"

VARIABLES = '{"a": 1, "b": [2]}'
CREDENTIALS = [{"id": 4, "name": "ssh"}, {"id": 5, "name": "vault"}]
LABELS = {"count": 2, "results": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]}
FIELDS = {"credentials": CREDENTIALS, "labels": LABELS}
SOURCE = Job.of(job(42, extra_vars=VARIABLES, job_tags="x,y", limit="web", summary_fields=FIELDS))


def recorded(name: str) -> tuple[int, dict[str, t.Any]]:
    """Status and body that a real controller has answered."""
    answer = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))["response"]
    return answer["status"], answer["body"]


def later(**facts: t.Any) -> Job:
    same = {"extra_vars": VARIABLES, "job_tags": "x,y", "summary_fields": FIELDS}
    return Job.of(job(**{"job_id": 43, "launch_type": "relaunch", **same, **facts}))


@pytest.mark.parametrize(("limit", "same"), [("web1", True), ("", False)])
def test_workflow_jobs_are_launched_alike_by_what_lists_show(limit: str, same: bool) -> None:
    one, other = Job(job(42, limit="web1", extra_vars="a: 1")), Job(job(43, limit=limit, extra_vars='{"a": 1}'))

    assert same_launch(one, other) is same


def test_an_older_launch_of_the_same_values_may_lie_before_an_edit() -> None:
    """Then these may be prompts, or what the template held."""
    of_day = Job.of(job(43)).created
    edit = LastEdit(
        of_day + timedelta(seconds=30), of_day + timedelta(hours=1), has_survey=False, asks_credentials=False
    )
    known = Prompts(lambda _job: edit)
    one, other = Job.of(job(45, verbosity=1)), Job.of(job(46, verbosity=2))

    assert known.surely_differ(one, other)
    known.note(Job.of(job(41, verbosity=2)))
    assert not known.surely_differ(one, other)


class TestByValue:
    @pytest.mark.parametrize(
        "facts",
        [
            {},
            {"extra_vars": '{"b":[2],"a":1}'},
            {"extra_vars": "b:\n- 2\na: 1\n"},
            {"job_tags": "y, x"},
            {"limit": "other"},
            {"name": "The template has a new name"},
            {"summary_fields": {"credentials": CREDENTIALS[::-1], "labels": LABELS}},
        ],
    )
    def test_the_same_needs_no_asking(
        self, controller: ScriptedController, client: ControllerClient, facts: dict[str, t.Any]
    ) -> None:
        assert SameWork(client, SOURCE).includes(later(**facts))
        assert controller.asked == []

    @pytest.mark.parametrize(
        "facts",
        [
            {"unified_job_template": 8},
            {"unified_job_template": None},
            {"job_slice_number": 1},
            {"job_slice_count": 2},
        ],
    )
    def test_another_template_or_slice_needs_none_either(
        self, controller: ScriptedController, client: ControllerClient, facts: dict[str, t.Any]
    ) -> None:
        same_work = SameWork(client, SOURCE)
        assert not same_work.includes(later(**facts))
        assert not same_work.may_include(later(**facts))
        assert controller.asked == []

    @pytest.mark.parametrize(
        "facts",
        [
            {"inventory": 2},
            {"execution_environment": 2},
            {"extra_vars": '{"a": 1, "b": [3]}'},
            {"extra_vars": "{}"},
            {"job_tags": "x"},
            {"skip_tags": "slow"},
            {"scm_branch": "next"},
            {"forks": 5},
            {"verbosity": 1},
            {"diff_mode": True},
            {"timeout": 60},
            {"summary_fields": {"credentials": CREDENTIALS[:1], "labels": LABELS}},
            {"summary_fields": {"credentials": CREDENTIALS, "labels": {**LABELS, "count": 3}}},
            {"summary_fields": {"credentials": CREDENTIALS}},
            {"summary_fields": None},
        ],
        ids=str,
    )
    def test_where_they_differ_the_prompts_decide(
        self, controller: ScriptedController, client: ControllerClient, facts: dict[str, t.Any]
    ) -> None:
        controller.expect("GET", at(42, "create_schedule"), body=prompts())
        controller.expect("GET", at(43, "create_schedule"), body=prompts(limit="web1"))
        assert SameWork(client, SOURCE).includes(later(**facts))

    @pytest.mark.parametrize(
        ("wanted", "ours", "theirs", "included"),
        [
            (None, "run", "run", True),
            (None, "run", "check", False),
            ("check", "run", "check", True),
            ("check", "run", "run", False),
            ("run", "check", "run", True),
        ],
    )
    def test_the_type_is_the_one_wanted(
        self, client: ControllerClient, wanted: str | None, ours: str, theirs: str, included: bool
    ) -> None:
        same_work = SameWork(client, Job.of(job(42, job_type=ours)), wanted)
        other = Job.of(job(43, job_type=theirs))
        assert same_work.includes(other) is included
        assert same_work.may_include(other)

    @pytest.mark.parametrize(
        ("wanted", "ours", "only"), [("run", "check", True), ("check", "run", False), (None, "check", False)]
    )
    def test_a_check_is_no_run(self, client: ControllerClient, wanted: str | None, ours: str, only: bool) -> None:
        source = Job.of(job(42, job_type=ours))
        assert SameWork(client, source, wanted).only_checked(source) is only

    @pytest.mark.parametrize(
        ("template", "prompted", "changes", "expected"),
        [
            ({"inventory": 1}, None, {}, 1),
            ({"inventory": 2}, {}, {}, 2),
            ({"inventory": 2}, {"inventory": {"id": 1}}, {}, 1),
            ({"inventory": None}, None, {}, 1),
            (None, None, {"inventory": 3}, 3),
        ],
    )
    def test_the_inventory_of_a_launch(
        self,
        client: ControllerClient,
        controller: ScriptedController,
        template: dict[str, t.Any] | None,
        prompted: dict[str, t.Any] | None,
        changes: dict[str, t.Any],
        expected: int,
    ) -> None:
        if template is not None:
            controller.expect("GET", "/api/v2/job_templates/7/", body=template)
        if prompted is not None:
            controller.expect("GET", at(42, "create_schedule"), body=prompts(**prompted))
        assert SameWork(client, SOURCE, changes=changes).inventory_now() == expected

    def test_orphans_have_their_name_in_common(self, client: ControllerClient) -> None:
        orphan = Job.of({**SOURCE.facts, "unified_job_template": None})
        assert SameWork(client, orphan).includes(later(unified_job_template=None))
        assert not SameWork(client, orphan).includes(later(unified_job_template=None, name="Backup"))


class TestByPrompts:
    """The values differ: the template was edited, or the work is another."""

    EDITED = later(extra_vars='{"a": 1, "b": [2], "of_template": 3}')

    # What a real controller shows of two jobs; whether they are the same work, None where that cannot be told.
    ROWS: list[tuple[str, str, bool | None]] = [
        ("prompts-none", "prompts-relaunched-none", True),
        ("prompts-noask", "prompts-relaunched-noask", True),
        ("prompts-lv", "prompts-relaunched-lv", True),
        ("prompts-lv", "prompts-lv-reader", True),
        # The inventory's counters have changed in between.
        ("prompts-full", "prompts-relaunched-full", True),
        ("prompts-edited-source-a", "prompts-edited-relaunched-a", True),
        ("prompts-edited-source-b", "prompts-edited-relaunched-b", True),
        ("prompts-workflow-node", "prompts-workflow-node-relaunched", True),
        ("prompts-sv", "prompts-relaunched-sv", True),
        ("prompts-sv", "prompts-sv-mask", False),
        ("prompts-lv", "prompts-none", False),
        ("prompts-full", "prompts-credentials-whole", False),
        ("prompts-full", "prompts-askp", False),
        ("prompts-edited-source-a", "prompts-edited-source-b", False),
        ("prompts-lv", "prompts-lv-mallory", None),
        ("prompts-missing-job", "prompts-lv", None),
        ("prompts-template-deleted", "prompts-template-deleted-relaunched", None),
        ("prompts-template-deleted-alice", "prompts-lv", None),
    ]

    @pytest.mark.parametrize(("ours", "theirs", "same"), ROWS)
    def test_as_recorded(
        self, controller: ScriptedController, client: ControllerClient, ours: str, theirs: str, same: bool | None
    ) -> None:
        controller.expect("GET", at(42, "create_schedule"), *recorded(ours))
        # Of which API this is has been settled long before.
        controller.whenever("GET", "/api/", body={"current_version": "/api/v2/"})
        controller.expect("GET", at(43, "create_schedule"), *recorded(theirs))
        same_work = SameWork(client, SOURCE)

        assert same_work.includes(self.EDITED) is (same is True)
        assert same_work.may_include(self.EDITED) is (same is not False)
        assert same_work.masked is ("prompts-relaunched-sv" in theirs)

    @pytest.mark.parametrize(
        ("ours", "theirs", "same"),
        [
            ({"credentials": [{"id": 1}, {"id": 2}]}, {"credentials": [{"id": 2}, {"id": 1}]}, True),
            ({"credentials": [{"id": 1}]}, {"credentials": [{"id": 1, "name": "renamed"}]}, True),
            ({"credentials": [{"id": 1}]}, {"credentials": [{"id": 2}]}, False),
            ({"credentials": []}, {}, False),
            (
                {"labels": {"count": 2, "results": [{"id": 1}, {"id": 2}]}},
                {"labels": {"count": 2, "results": [{"id": 2}, {"id": 1}]}},
                True,
            ),
            ({"instance_groups": [{"id": 1}, {"id": 2}]}, {"instance_groups": [{"id": 2}, {"id": 1}]}, False),
            ({"instance_groups": [{"id": 1, "name": "a"}]}, {"instance_groups": [{"id": 1, "name": "b"}]}, True),
            ({"inventory": {"id": 1, "total_hosts": 3}}, {"inventory": {"id": 1, "total_hosts": 4}}, True),
            ({"inventory": {"id": 1}}, {"inventory": {"id": 2}}, False),
            ({"execution_environment": {"id": 1}}, {"execution_environment": None}, False),
            ({"job_tags": "x,y"}, {"job_tags": "y, x"}, True),
            ({"skip_tags": "x"}, {"skip_tags": "y"}, False),
            ({"extra_vars": {"a": 1, "b": 2}}, {"extra_vars": {"b": 2, "a": 1}}, True),
            ({"extra_vars": {"a": 1}}, {"extra_vars": '{"a": 1}'}, True),
            ({"limit": "web1"}, {"limit": "web2"}, True),
            ({"job_type": "check"}, {}, True),
            ({"verbosity": 1}, {"verbosity": 2}, False),
            ({"verbosity": 1}, {}, False),
            # What the template has by then is no prompt.
            ({"verbosity": 0, "forks": 0}, {"forks": 0}, True),
            ({"verbosity": 0, "forks": 0}, {"forks": 1}, False),
            ({"verbosity": 0, "forks": 1}, {}, False),
            ({"credentials": [{"id": 5}]}, {}, True),
            ({"credentials": [{"id": 6}]}, {}, False),
            ({"labels": {"count": 1, "results": [{"id": 2}]}}, {}, True),
            ({}, {"verbosity": 0}, False),
        ],
    )
    def test_what_counts(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        ours: dict[str, t.Any],
        theirs: dict[str, t.Any],
        same: bool,
    ) -> None:
        controller.expect("GET", at(42, "create_schedule"), body=prompts(**ours))
        controller.expect("GET", at(43, "create_schedule"), body=prompts(**theirs))
        assert SameWork(client, SOURCE).includes(self.EDITED) is same

    @pytest.mark.parametrize("body", [{}, {"prompts": None}, {"prompts": []}, {"prompts": {"all": "Inconnu"}}])
    def test_what_is_no_answer_tells_nothing(
        self, controller: ScriptedController, client: ControllerClient, body: dict[str, t.Any]
    ) -> None:
        controller.expect("GET", at(42, "create_schedule"), body=body)
        controller.expect("GET", at(43, "create_schedule"), body=body)
        same_work = SameWork(client, SOURCE)
        assert (same_work.includes(self.EDITED), same_work.may_include(self.EDITED)) == (False, True)

    def test_jobs_with_equal_values_are_asked_about_once(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", at(42, "create_schedule"), body=prompts())
        controller.expect("GET", at(43, "create_schedule"), body=prompts())
        controller.expect("GET", at(45, "create_schedule"), body=prompts(verbosity=1))
        same_work = SameWork(client, SOURCE)
        edited = {"extra_vars": "of_template: 3"}

        assert same_work.includes(later(**edited))
        assert same_work.includes(later(job_id=44, **edited))
        assert not same_work.includes(later(job_id=45, verbosity=1))

    @pytest.mark.parametrize(
        ("prompted", "shown"),
        [
            ({"verbosity": 1}, {"verbosity": 1}),
            ({"extra_vars": {"a": 2}}, {"extra_vars": "a: 2"}),
            ({"credentials": [{"id": 6}]}, {"summary_fields": {"credentials": [{"id": 6}], "labels": LABELS}}),
        ],
        ids=str,
    )
    def test_what_one_was_launched_with_another_may_have_of_a_template_that_was_edited(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        prompted: dict[str, t.Any],
        shown: dict[str, t.Any],
    ) -> None:
        controller.expect("GET", at(42, "create_schedule"), body=prompts())
        controller.expect("GET", at(43, "create_schedule"), body=prompts(**prompted))
        controller.expect("GET", "/api/v2/job_templates/7/", body={"id": 7, **shown})
        controller.expect("GET", at(44, "create_schedule"), body=prompts())
        controller.expect("GET", at(45, "create_schedule"), body=prompts(**prompted))
        same_work = SameWork(client, SOURCE)

        for _again in range(2):
            assert not same_work.includes(later(**shown))
            assert same_work.includes(later(job_id=44, **shown))
            assert not same_work.surely_excludes(later(job_id=44, **shown))
            assert not same_work.includes(later(job_id=45, **shown))

    def test_an_edit_is_asked_about_again_for_a_job_that_is_newer(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        controller.expect("GET", at(42, "create_schedule"), body=prompts())
        controller.expect("GET", at(43, "create_schedule"), body=prompts(verbosity=1))
        for verbosity in (0, 1):
            controller.expect("GET", "/api/v2/job_templates/7/", body={"id": 7, "verbosity": verbosity})
        controller.expect("GET", at(45, "create_schedule"), body=prompts())
        same_work = SameWork(client, SOURCE)

        assert not same_work.includes(later(verbosity=1))
        assert not same_work.includes(later(job_id=44, verbosity=1))
        assert same_work.includes(later(job_id=45, verbosity=1, created="2999-01-01T00:00:00Z"))

    @pytest.mark.parametrize(
        ("ours", "now"),
        [({"forks": 1}, None), ({"verbosity": 2}, None), ({}, {"verbosity": 0}), ({}, {"verbosity": 2})],
        ids=["of the source", "of both", "of nobody by now", "of neither by now"],
    )
    def test_what_no_edit_can_have_given_one_that_another_was_launched_with_tells_of_both(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        ours: dict[str, t.Any],
        now: dict[str, t.Any] | None,
    ) -> None:
        controller.expect("GET", at(42, "create_schedule"), body=prompts(**ours))
        controller.expect("GET", at(43, "create_schedule"), body=prompts(verbosity=1))
        if now is not None:
            controller.expect("GET", "/api/v2/job_templates/7/", body={"id": 7, **now})
        same_work = SameWork(client, SOURCE)

        for number in (43, 44, 45):
            assert not same_work.includes(later(job_id=number, verbosity=1))

    @pytest.mark.parametrize(("status", "body"), [(500, DENIED), (401, DENIED), (429, DENIED)])
    def test_what_will_pass_or_concerns_the_user_is_no_verdict(
        self, controller: ScriptedController, client: ControllerClient, status: int, body: t.Any
    ) -> None:
        controller.whenever("GET", "/api/", body={"current_version": "/api/v2/"})
        controller.expect("GET", at(42, "create_schedule"), status, body)
        with pytest.raises(AnswerError):
            SameWork(client, SOURCE).includes(self.EDITED)


class TestWithChanges:
    """What is the same work as the source with something changed."""

    @pytest.mark.parametrize(
        ("changes", "values", "theirs", "same"),
        [
            ({"verbosity": 2}, {"verbosity": 2}, {"verbosity": 2}, True),
            ({"verbosity": 2}, {}, {}, False),
            # The template has it by now, so that it is no prompt.
            ({"verbosity": 2}, {"verbosity": 2}, {}, True),
            ({"verbosity": 2}, {"verbosity": 2, "forks": 3}, {"verbosity": 2, "forks": 3}, False),
            (
                {"extra_vars": {"c": 3}},
                {"extra_vars": '{"a": 1, "b": [2], "c": 3}'},
                {"extra_vars": {"a": 1, "c": 3}},
                True,
            ),
            ({"extra_vars": {"c": 3}}, {"extra_vars": '{"a": 1, "b": [2], "c": 3}'}, {"extra_vars": {"c": 3}}, False),
            (
                {"extra_vars": {"c": 3}},
                {"extra_vars": '{"a": 1, "b": [2], "c": 4}'},
                {"extra_vars": {"a": 1, "c": 4}},
                False,
            ),
            ({"extra_vars": {"a": 9}}, {"extra_vars": '{"a": 9, "b": [2]}'}, {"extra_vars": {"a": 9}}, True),
            (
                {"extra_vars": {"c": 3}},
                {"extra_vars": '{"c": "$encrypted$"}'},
                {"extra_vars": {"a": 1, "c": "$encrypted$"}},
                True,
            ),
            ({"credentials": [5]}, {}, {}, True),
            ({"credentials": [6]}, {}, {"credentials": [{"id": 6}]}, False),
            ({"extra_vars": {"a": True}}, {}, {"extra_vars": {"a": True}}, False),
            ({"labels": [2]}, {}, {"labels": {"count": 1, "results": [{"id": 2}]}}, True),
            ({"job_tags": "y, x"}, {}, {"job_tags": "x,y"}, True),
            ({"job_tags": "z"}, {}, {"job_tags": "x,y"}, False),
            ({"scm_branch": "dev"}, {"scm_branch": "dev"}, {"scm_branch": "dev"}, True),
        ],
    )
    def test_rows(
        self,
        controller: ScriptedController,
        client: ControllerClient,
        changes: dict[str, t.Any],
        values: dict[str, t.Any],
        theirs: dict[str, t.Any],
        same: bool,
    ) -> None:
        controller.whenever("GET", at(42, "create_schedule"), body=prompts(extra_vars={"a": 1}))
        theirs = {"extra_vars": {"a": 1}, **theirs}
        controller.whenever("GET", at(43, "create_schedule"), body=prompts(limit="web1", **theirs))

        assert SameWork(client, SOURCE, changes=changes).includes(later(**values)) is same

    def test_one_without_what_is_to_be_changed_is_other_work_at_each_look(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        """It has the source's values, and so its prompts, which are known as soon as one with the change was met."""
        controller.expect("GET", at(42, "create_schedule"), body=prompts())
        controller.expect("GET", at(44, "create_schedule"), body=prompts(verbosity=2))
        controller.whenever("GET", "/api/v2/job_templates/7/", body={"id": 7, "verbosity": 0})
        same_work = SameWork(client, SOURCE, changes={"verbosity": 2})
        jobs = later(), later(job_id=44, verbosity=2)

        assert [list(map(same_work.includes, jobs)) for _look in range(3)] == [[False, True]] * 3

    def test_the_source_is_other_work(self, controller: ScriptedController, client: ControllerClient) -> None:
        same_work = SameWork(client, SOURCE, changes={"verbosity": 2})

        assert not same_work.includes(later())
        # By its values alone.
        assert controller.asked == []

    @pytest.mark.parametrize("wanted", [[], [4]])
    def test_credentials_take_the_place_of_those_of_the_prompts(
        self, controller: ScriptedController, client: ControllerClient, wanted: list[int]
    ) -> None:
        """The vault's, 5, was given to the source at its launch; the template's own, 4, stays."""
        controller.whenever("GET", at(42, "create_schedule"), body=prompts(credentials=[{"id": 5}]))
        controller.whenever("GET", at(44, "create_schedule"), body=prompts())
        same_work = SameWork(client, SOURCE, changes={"credentials": wanted})

        assert same_work.changed
        assert not same_work.includes(later())
        assert same_work.includes(later(job_id=44, summary_fields={**FIELDS, "credentials": CREDENTIALS[:1]}))

    def test_a_source_that_has_them_is_the_same_work(
        self, controller: ScriptedController, client: ControllerClient
    ) -> None:
        same_work = SameWork(client, SOURCE, changes={"job_tags": "y,x", "extra_vars": {"a": 1}})

        assert not same_work.changed and same_work.includes(later())
        assert controller.asked == []

    def test_the_type_is_compared_as_the_wanted_one(self, client: ControllerClient) -> None:
        same_work = SameWork(client, SOURCE, "check", changes={"job_type": "check"})

        assert not same_work.includes(later()) and same_work.includes(later(job_type="check"))


def test_a_mask_on_both_sides_counts_as_equal(client: ControllerClient) -> None:
    secret = {"extra_vars": '{"secret": "$encrypted$"}'}
    same_work = SameWork(client, Job.of(job(42, **secret)))
    assert same_work.masked
    assert same_work.includes(Job.of(job(43, **secret)))
    assert not SameWork(client, SOURCE).masked


def test_variables_are_data() -> None:
    variables_of = _same_work.variables_of
    assert variables_of("") == variables_of("{}") == variables_of(None) == variables_of("---\n") == {}
    assert variables_of("---\na: {b: 1}") == variables_of('{"a": {"b": 1}}') == variables_of({"a": {"b": 1}})
    assert variables_of("{no: [data") == "{no: [data"


@pytest.mark.parametrize(
    ("facts", "lost"), [({"unified_job_template": None}, True), ({}, False), ({"unified_job_template": 7}, False)]
)
def test_a_template_is_gone_only_where_the_controller_says_so(facts: dict[str, t.Any], lost: bool) -> None:
    assert lost_template(Job(facts)) is lost
