# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task may be given, beside what Ansible itself checks."""

from __future__ import annotations

import math
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.relaunch.controller.plugins.module_utils._api.client import ControllerClient
from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._bulk.options import SPECIFICATION as BULK
from ansible_collections.relaunch.controller.plugins.module_utils._job.options import (
    RELAUNCH_SPECIFICATION as JOB,
)
from ansible_collections.relaunch.controller.plugins.module_utils._retry.options import (
    RETRY_SPECIFICATION as RETRY,
)
from ansible_collections.relaunch.controller.plugins.module_utils._task.arguments import (
    hide_unknown,
    hide_variables,
    may_be_no_number,
    no_number,
    secrets_in,
    settle,
)
from ansible_collections.relaunch.controller.plugins.module_utils._task.result import carry_out
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.options import (
    WORKFLOW_SPECIFICATION as WORKFLOW,
)
from ansible_collections.relaunch.controller.plugins.module_utils._workflow.options import (
    WorkflowRequest,
)


def settled(specification: t.Mapping[str, t.Any], **given: t.Any) -> dict[str, t.Any]:
    params = {**dict.fromkeys(specification["argument_spec"]), **given}
    settle(specification, params)
    return {name: params[name] for name in given}


@pytest.mark.parametrize(
    "given",
    [
        {"job_id": 42},
        {"job_template": "Deploy", "organization": "Web"},
        {"job_id": 42, "job_template": None, "organization": ""},
        {"job_id": None, "job_template": "Deploy"},
        {"job_id": 2147483647},
        {"job_id": 42, "interval": 0.5, "timeout": 0, "max_retries": 0, "request_timeout": 86400.0},
    ],
)
def test_what_is_well(given: dict[str, t.Any]) -> None:
    assert settled(JOB, **given) == given


@pytest.mark.parametrize("specification", [JOB, RETRY])
@pytest.mark.parametrize("empty", [None, ""])
def test_of_neither_source(specification: t.Mapping[str, t.Any], empty: t.Any) -> None:
    with pytest.raises(OptionError, match="Neither job_id nor job_template is given"):
        settled(specification, job_id=None, job_template=empty)


def test_of_neither_workflow() -> None:
    with pytest.raises(OptionError, match="Neither workflow_job_id nor workflow_job_template is given"):
        settled(WORKFLOW, workflow_job_id=None, workflow_job_template=None)


@pytest.mark.parametrize(
    "option",
    [{"handled": True}, {"fallback_to_all": True}, {"node_hosts": "remaining"}],
    ids=lambda one: next(iter(one)),
)
def test_options_of_failed_nodes_are_refused_for_all_nodes(option: dict[str, t.Any]) -> None:
    given = {"workflow_job_id": 24, "interval": 2.0, "node_hosts": "failed", **option}
    params = {**dict.fromkeys(WORKFLOW["argument_spec"]), **given}

    with pytest.raises(OptionError, match=f"{next(iter(option))}.* is for nodes: failed only"):
        WorkflowRequest.of({**params, "nodes": "all"}, False, False)
    WorkflowRequest.of({**params, "nodes": "failed"}, False, False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"job_id": 42, "job_template": "Deploy"}, r"mutually exclusive: job_id\|job_template"),
        ({"job_id": 42, "organization": "Web"}, "job_template"),
    ],
)
def test_what_does_not_go_together(given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        settled(JOB, **given)


@pytest.mark.parametrize(
    ("specification", "given"),
    [
        (JOB, {"job_id": True}),
        (RETRY, {"job_id": True}),
        (RETRY, {"retries": True}),
        (WORKFLOW, {"workflow_job_id": True}),
        (BULK, {"job_ids": [41, True]}),
        (BULK, {"at_once": True}),
        (JOB, {"request_timeout": False}),
    ],
)
def test_a_truth_value_is_no_number(specification: t.Mapping[str, t.Any], given: dict[str, t.Any]) -> None:
    ((name, _value),) = given.items()
    with pytest.raises(OptionError, match=f"{name} must be a number, not (true|false)."):
        settled(specification, **given)


@pytest.mark.parametrize("name", ["request_timeout", "interval", "timeout", "retry_backoff_factor", "max_retries"])
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e300, 10**400])
def test_a_number_has_an_end(name: str, value: float) -> None:
    with pytest.raises(OptionError, match=f"{name} must be a number of at most 2147483647."):
        settled(JOB, job_id=42, **{name: value})


@pytest.mark.parametrize(
    ("specification", "option"),
    [(JOB, "job_template"), (RETRY, "job_template"), (WORKFLOW, "workflow_job_template")],
)
def test_a_name_loses_its_blanks(specification: t.Mapping[str, t.Any], option: str) -> None:
    """As what a command has written ends with; the controller takes them off itself, so that no name has any."""
    given = {option: " Deploy web\n", "organization": "Web ", "controller_username": " a "}

    assert settled(specification, **given) == {
        option: "Deploy web",
        "organization": "Web",
        "controller_username": " a ",
    }


def test_names_in_lists_lose_their_blanks() -> None:
    given = {"job_templates": ["Deploy", " Patch web servers ", "\tTest\n"], "job_ids": [1, 2], "status": None}
    assert settled(BULK, **given)["job_templates"] == ["Deploy", "Patch web servers", "Test"]


@pytest.mark.parametrize("empty", [[""], ["Deploy", " "]])
def test_a_list_without_its_names_is_not_taken_for_none(empty: list[str]) -> None:
    with pytest.raises(OptionError, match="labels holds an empty name"):
        settled(BULK, finished_after="2h", labels=empty)


@pytest.mark.parametrize("value", [math.inf, math.nan, "inf", "-Infinity", " nan "])
@pytest.mark.parametrize("name", ["timeout", "job_id", "request_timeout", "aap_request_timeout"])
def test_what_ansible_breaks_off_at_is_named_before(name: str, value: t.Any) -> None:
    assert no_number(JOB, {"job_id": 42, name: value}) == f"{name} must be a number of at most 2147483647."


@pytest.mark.parametrize("value", [[41, math.inf], ["1e99999999"], "41,1e99999999", "inf"])
def test_what_ansible_counts_for_hours_at_is_named_before(value: t.Any) -> None:
    assert no_number(BULK, {"job_ids": value}) == "job_ids must be a number of at most 2147483647."
    assert may_be_no_number(value)


@pytest.mark.parametrize(("name", "value"), [("interval", True), ("aap_request_timeout", False), ("job_id", True)])
def test_a_truth_value_that_ansible_takes_for_1_is_named_before(name: str, value: bool) -> None:
    assert no_number(JOB, {name: value}) == f"{name} must be a number, not {str(value).lower()}."
    assert may_be_no_number(value)


@pytest.mark.parametrize(
    "args", [{"wait": True}, {"job_template": "Infinity"}, {"name": "nan"}, {"job_id": 42, "timeout": "1e3"}, {}]
)
def test_a_name_may_read_as_infinite(args: dict[str, t.Any]) -> None:
    assert no_number(JOB, args) is None


def shown(**given: t.Any) -> dict[str, t.Any]:
    """What a task's result shows of its arguments, and says."""

    def act(_client: ControllerClient) -> t.Any:
        raise OptionError("This is as far as it goes.")

    validated = ArgumentSpecValidator(JOB["argument_spec"]).validate({"job_id": 42, **given})
    params, hidden = validated.validated_parameters, validated._no_log_values
    result = carry_out(params, hidden, act, JOB)
    return t.cast("dict[str, t.Any]", remove_values({**result, **params}, hidden))


@pytest.mark.parametrize(
    "given",
    [
        {"ssh_password": "Hunter2"},
        '{"ssh_password": "Hunter2", "spare": ["Hunter2"]}',
        "ssh_password=Hunter2",
        "ssh_password=Hunter2, vault_password.dev=Hunter2",
    ],
)
def test_passwords_are_masked_in_any_form_that_ansible_takes(given: t.Any) -> None:
    assert "Hunter2" not in str(shown(controller_oauthtoken="t0ken", credential_passwords=given))


def test_a_password_that_a_token_has_for_its_description_is_masked() -> None:
    token = {"token": "t0ken-t0ken", "id": 7, "user": 42, "description": "Hunter2"}
    found = shown(controller_oauthtoken=token, credential_passwords={"id": "Hunter2", "token": "t0ken-t0ken"})
    assert "Hunter2" not in str(found["credential_passwords"])
    assert "t0ken" not in str(found) and found["job_id"] == 42


@pytest.mark.parametrize("name", ["controller_host", "tower_host", "aap_hostname", "gateway_hostname"])
def test_a_password_in_the_address_is_masked_by_whatever_name_it_is_given(name: str) -> None:
    """AnsibleModule shows the arguments that it refuses as they were given."""
    given = {"controller_host": "https://controller.example.com", name: "https://admin:Hunter2@controller.example.com"}
    assert secrets_in(JOB, given) == {"Hunter2"}


@pytest.mark.parametrize(
    "changes",
    [
        {"extra_vars": {"pin": "Hunter2"}},
        {"extra_vars": ["Hunter2"]},
        {"extra_var": {"pin": "Hunter2"}},
        {"job_tags": {"pin": "Hunter2"}, "labels": [{"pin": "Hunter2"}]},
        [{"extra_vars": {"pin": "Hunter2"}}],
        "extra_vars=Hunter2",
    ],
)
def test_variables_are_masked_wherever_they_are_put(changes: t.Any) -> None:
    args = {"job_id": 42, "changes": changes}
    hide_variables(args)
    assert "Hunter2" not in str(args)


@pytest.mark.parametrize("changes", [None, {}, {"job_tags": "web", "credentials": [7, "Vault"], "forks": 5}])
def test_what_is_changed_besides_is_shown(changes: t.Any) -> None:
    args = {"job_id": 42, "changes": changes}
    hide_variables(args)
    assert args == {"job_id": 42, "changes": changes}


def test_what_is_in_a_misspelt_option_is_masked() -> None:
    args = {
        "job_id": 42,
        "name": "Deploy",
        "controller_pasword": "Hunter2",
        "change": {"extra_vars": {"pin": "Hunter2"}},
    }
    hide_unknown(JOB, args)
    assert "Hunter2" not in str(args)
    assert (args["job_id"], args["name"]) == (42, "Deploy")
