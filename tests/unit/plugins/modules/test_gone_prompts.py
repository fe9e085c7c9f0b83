# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job was launched with and is deleted drops out without a word (recorded: prompts-credential-deleted,
post-cred-deleted): a relaunch would run with what its template has.
"""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.relaunch.controller.tests.unit.jobs_as_data import (
    DENIED,
    JOBS,
    at,
    job,
    listed,
    relaunched,
)
from ansible_collections.relaunch.controller.tests.unit.scripted_controller import ScriptedController

Relaunch = t.Callable[..., dict[str, t.Any]]

TEMPLATE = "/api/v2/job_templates/7/"
DEV = {"id": 12, "name": "dev", "kind": "ssh"}
PROD = {"id": 14, "name": "prod", "kind": "ssh"}
BEFORE, SINCE = "2026-11-20T00:00:00.000000Z", "2026-11-24T00:00:00.000000Z"

ASKS = {"ask_credential_on_launch": True, "ask_execution_environment_on_launch": True}
NO_CREDENTIAL = {"summary_fields": {"credentials": []}}


def template(*credentials: dict[str, t.Any], modified: str = BEFORE, **facts: t.Any) -> dict[str, t.Any]:
    summary = {"credentials": list(credentials), "execution_environment": {"id": 5, "name": "new-ee"}}
    return {"id": 7, "name": "Deploy", "modified": modified, **ASKS, "summary_fields": summary, **facts}


def launched_with(**changes: t.Any) -> dict[str, t.Any]:
    """An entry of the activity stream (recorded: find-activity)."""
    return listed({"operation": "create", "changes": {"credentials": [], "labels": [], **changes}})


@pytest.fixture
def prepare(controller: ScriptedController) -> t.Callable[..., None]:
    """What is asked before a first launch; a template or a stream that is None may not be asked for."""

    def prepare(source: dict[str, t.Any], shown: t.Any = None, stream: t.Any = None) -> None:
        controller.expect("GET", at(42), body=job(42, **source))
        controller.expect("GET", JOBS, body=listed())
        for path, body in ((TEMPLATE, shown), (at(42, "activity_stream"), stream)):
            if body is not None:
                status = 403 if body is DENIED else 200
                controller.expect("GET", path, status, body)

    return prepare


def launched(controller: ScriptedController, **new: t.Any) -> None:
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit="", **new))
    controller.expect("GET", JOBS, body=listed())


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_credential_that_is_gone_is_told_before_the_launch(
    controller: ScriptedController, relaunch: Relaunch, prepare: t.Callable[..., None], check_mode: bool
) -> None:
    prepare(NO_CREDENTIAL, template(DEV), launched_with(credentials=["prod (14)"]))

    result = relaunch(check_mode=check_mode)

    assert (result["failed"], result["changed"], "id" in result) == (True, False, False)
    assert result["msg"] == (
        "Job 42 was not relaunched: the credential prod that it was launched with is gone, and a relaunch takes dev. "
        "Launch its template with what is meant, or relaunch it as it would be, with job_relaunch and force: true."
    )


def test_with_force_it_is_relaunched_all_the_same(
    controller: ScriptedController, relaunch: Relaunch, prepare: t.Callable[..., None]
) -> None:
    prepare(NO_CREDENTIAL)
    controller.expect("POST", at(42, "relaunch"), 201, relaunched(limit=""))

    assert relaunch(force=True)["changed"] is True


@pytest.mark.parametrize("stream", [DENIED, listed()], ids=["forbidden", "kept no longer"])
def test_where_nobody_tells_its_name_it_is_a_warning(
    controller: ScriptedController, relaunch: Relaunch, prepare: t.Callable[..., None], stream: t.Any
) -> None:
    """The template may have been given its credential since, and shows no date of that."""
    prepare(NO_CREDENTIAL, template(DEV), stream)
    launched(controller)

    result = relaunch()

    assert (result["failed"], result["changed"]) == (False, True)
    assert "it shows no credential any more, and a relaunch takes dev" in str(result["warnings"])


@pytest.mark.parametrize(
    ("shown", "stream"),
    [
        (template(ask_credential_on_launch=False), None),
        (template(), launched_with()),
        (template(), DENIED),
        # It had the template's, which is another one by now; that is an edit.
        (template(DEV), launched_with()),
        (DENIED, launched_with()),
        (DENIED, DENIED),
    ],
    ids=["not asked for", "none", "none, nobody tells", "added since", "template hidden", "all hidden"],
)
def test_a_job_that_never_had_one_is_relaunched(
    controller: ScriptedController, relaunch: Relaunch, prepare: t.Callable[..., None], shown: t.Any, stream: t.Any
) -> None:
    prepare(NO_CREDENTIAL, shown, stream)
    launched(controller)

    result = relaunch()

    assert (result["failed"], result["changed"], "warnings" in result) == (False, True, False)


@pytest.mark.parametrize(
    ("shown", "stream"),
    [
        (template(DEV, modified=SINCE), launched_with(credentials=["prod (14)"])),
        (template(DEV, ask_credential_on_launch=False), None),
    ],
    ids=["edited since", "not asked for"],
)
def test_where_it_may_be_meant_it_is_a_warning(
    controller: ScriptedController, relaunch: Relaunch, prepare: t.Callable[..., None], shown: t.Any, stream: t.Any
) -> None:
    prepare(NO_CREDENTIAL, shown, stream)
    launched(controller)

    result = relaunch()

    assert (result["failed"], result["changed"]) == (False, True)
    (warning,) = map(str, result["warnings"])
    assert "a relaunch takes dev" in warning and "That may be meant" in warning


class TestExecutionEnvironment:
    """A job that has run had one (recorded in every detail of such)."""

    GONE = {"execution_environment": None, "summary_fields": {"credentials": [PROD]}}

    @pytest.mark.parametrize(
        ("stream", "said"),
        [
            (launched_with(execution_environment="old-ee-4"), "the execution environment old-ee is gone"),
            (DENIED, "the execution environment that it ran in is gone"),
        ],
    )
    def test_one_that_is_gone_is_told_before_the_launch(
        self,
        controller: ScriptedController,
        relaunch: Relaunch,
        prepare: t.Callable[..., None],
        stream: t.Any,
        said: str,
    ) -> None:
        prepare(self.GONE, template(PROD), stream)

        result = relaunch()

        assert (result["failed"], result["changed"]) == (True, False)
        assert f"{said}, and a relaunch takes new-ee" in result["msg"]

    def test_the_default_one_may_be_another_by_now(
        self, controller: ScriptedController, relaunch: Relaunch, prepare: t.Callable[..., None]
    ) -> None:
        prepare(self.GONE, template(PROD), launched_with(execution_environment=None, credentials=["prod (14)"]))
        launched(controller)

        assert relaunch()["changed"] is True

    def test_a_job_that_never_ran_had_none_yet(self, controller: ScriptedController, relaunch: Relaunch) -> None:
        controller.expect("GET", at(42), body=job(42, started=None, **self.GONE))
        controller.expect("GET", JOBS, body=listed())
        launched(controller)

        assert relaunch()["changed"] is True


def test_an_instance_group_and_labels_count_too(
    controller: ScriptedController, relaunch: Relaunch, prepare: t.Callable[..., None]
) -> None:
    source = {"instance_group": None, "execution_environment": None, "summary_fields": {"credentials": [PROD]}}
    shown = template(PROD, ask_instance_groups_on_launch=True, ask_labels_on_launch=True)
    prepare(source, shown, launched_with(labels=["night"], credentials=["prod (14)"]))

    result = relaunch()

    assert result["failed"] is True
    assert "the instance group that it ran in is gone" in result["msg"]
    assert "the label night is gone" in result["msg"]


CLOUD = {"id": 15, "name": "cloud", "kind": "aws"}
ONE_LEFT = {"summary_fields": {"credentials": [CLOUD]}}


def test_a_machine_credential_is_enough_to_ask_for_nothing(
    controller: ScriptedController, relaunch: Relaunch, prepare: t.Callable[..., None]
) -> None:
    prepare({"summary_fields": {"credentials": [PROD, CLOUD]}})
    launched(controller)

    assert relaunch()["changed"] is True


class TestOneOfSeveralCredentials:
    """Job 42 was launched with prod and cloud, and shows cloud."""

    BOTH = launched_with(credentials=["cloud (15)", "prod (14)"])

    @pytest.fixture
    def launched_so(self, controller: ScriptedController) -> t.Callable[..., None]:
        def launched_so(stream: t.Any, shown: t.Any = None) -> None:
            controller.expect("GET", at(42), body=job(42, **ONE_LEFT))
            controller.expect("GET", JOBS, body=listed())
            controller.expect("GET", at(42, "activity_stream"), 403 if stream is DENIED else 200, stream)
            if shown is not None:
                controller.expect("GET", TEMPLATE, body=shown)

        return launched_so

    def test_one_that_is_gone_is_told_before_the_launch(
        self, controller: ScriptedController, relaunch: Relaunch, launched_so: t.Callable[..., None]
    ) -> None:
        launched_so(self.BOTH, template(CLOUD))

        result = relaunch()

        assert (result["failed"], result["changed"]) == (True, False)
        said = "the credential prod that it was launched with is gone, and a relaunch is without it"
        assert said in result["msg"] and "force: true" in result["msg"]

    @pytest.mark.parametrize("facts", [{"modified": SINCE}, {"ask_credential_on_launch": False}])
    def test_where_it_may_be_meant_it_is_a_warning(
        self,
        controller: ScriptedController,
        relaunch: Relaunch,
        launched_so: t.Callable[..., None],
        facts: dict[str, t.Any],
    ) -> None:
        launched_so(self.BOTH, template(CLOUD, **facts))
        launched(controller)

        result = relaunch()

        (warning,) = map(str, result["warnings"])
        assert result["changed"] is True
        assert "the credential prod that it was launched with is gone" in warning and "That may be meant" in warning

    def test_where_all_are_there_nothing_more_is_asked(
        self, controller: ScriptedController, relaunch: Relaunch, launched_so: t.Callable[..., None]
    ) -> None:
        launched_so(launched_with(credentials=["cloud (15)"]))
        launched(controller)

        result = relaunch()

        assert (result["changed"], "warnings" in result) == (True, False)

    def test_where_nobody_tells_it_shows_after_the_launch(
        self, controller: ScriptedController, relaunch: Relaunch, launched_so: t.Callable[..., None]
    ) -> None:
        launched_so(DENIED)
        launched(controller, summary_fields={"credentials": [CLOUD, DEV]})

        (warning,) = map(str, relaunch()["warnings"])

        assert "Job 43 runs with the credential dev, which job 42 does not have" in warning
