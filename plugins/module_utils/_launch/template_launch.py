# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launch of a template with a job's prompts and another limit: what is sent, and why it cannot be. Pure.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.common.parameters import remove_values

from .._api.errors import AnswerError, flatten
from .._api.jobs import Job, join, limit_names_in
from .._work.host_patterns import too_long
from .._work.same_work import MASK, by_number, survey_kinds, variables_in
from .refusals import EXPIRED, NOBODY_MAY, NextSteps, next_step

# What a launch takes, and how the template says that it asks for it (recorded: launch-get).
ASKS = {
    "limit": "ask_limit_on_launch",
    "extra_vars": "ask_variables_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "verbosity": "ask_verbosity_on_launch",
    "diff_mode": "ask_diff_mode_on_launch",
    "job_type": "ask_job_type_on_launch",
    "scm_branch": "ask_scm_branch_on_launch",
    "inventory": "ask_inventory_on_launch",
    "credentials": "ask_credential_on_launch",
    "execution_environment": "ask_execution_environment_on_launch",
    "labels": "ask_labels_on_launch",
    "forks": "ask_forks_on_launch",
    "job_slice_count": "ask_job_slice_count_on_launch",
    "timeout": "ask_timeout_on_launch",
    "instance_groups": "ask_instance_groups_on_launch",
}
# Where variables are given; other modules that launch a template have no such option.
_CHANGES = "changes of job_relaunch, as extra_vars"


@dataclass(frozen=True)
class LaunchNeeds:
    """What a template asks for at its launch, and what it has itself.

    :param facts: the answer of ``job_templates/N/launch/`` (recorded: launch-get, launch-get-survey).
    :param questions: those of its survey; None where they are not known.
    """

    facts: t.Mapping[str, t.Any]
    questions: t.Optional[t.Sequence[t.Mapping[str, t.Any]]] = None

    @property
    def name(self) -> str:
        return str((self.facts.get("job_template_data") or {}).get("name") or "")

    @property
    def survey(self) -> t.Optional[dict[str, str]]:
        """The kind of each question of its survey by the name of the variable; None where it is not known."""
        return None if self.questions is None else survey_kinds(self.questions)

    @property
    def has_survey(self) -> bool:
        return bool(self.facts.get("survey_enabled"))

    @property
    def passwords(self) -> list[str]:
        """Names of those that its own credentials need."""
        return [str(name) for name in self.facts.get("passwords_needed_to_start") or ()]

    @property
    def unanswered(self) -> list[str]:
        """Names of the variables that its survey requires."""
        return [str(name) for name in self.facts.get("variables_needed_to_start") or ()]

    def asks(self, name: str) -> bool:
        """Whether it asks for a field; what it does not ask for is ignored without a word."""
        return bool(self.facts.get(ASKS[name]))

    def own(self, name: str) -> t.Any:
        """Its own value of a field, as a launch would take it."""
        return sendable(name, (self.facts.get("defaults") or {}).get(name))


@dataclass(frozen=True)
class TemplateLaunch:
    """What a launch is to bring about.

    :param source: the job whose prompts are taken over, in detail.
    :param prompts: what it was launched with beyond its template (recorded: prompts-full); None where that is unknown.
    :param limit: the limit; see ``limit_of`` in ``_work/host_patterns``.
    :param job_type: as which it is to run.
    :param changes: what is to be other than the job's prompts; ``extra_vars`` are merged with those.
    """

    source: Job
    prompts: t.Optional[t.Mapping[str, t.Any]]
    limit: str
    job_type: str
    changes: t.Mapping[str, t.Any] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, t.Any]:
        """The extra variables that it is given."""
        return {**variables_in(self.prompts or {}), **self.changes.get("extra_vars", {})}

    @property
    def secrets(self) -> list[str]:
        """Names of the variables whose values the controller does not show, so that they cannot be given once more."""
        return sorted(name for name, value in self.variables.items() if MASK in str(value))

    def fields(self, needs: LaunchNeeds) -> dict[str, t.Any]:
        """What is sent: all that differs from the template's own values, which are no prompts (recorded:
        launch-same-as-template).
        """
        given = {name: sendable(name, value) for name, value in (self.prompts or {}).items() if name in ASKS}
        given.update({name: value for name, value in self.changes.items() if name != "extra_vars"})
        given.update(extra_vars=self.variables, limit=self.limit, job_type=self.job_type)
        own = {name: needs.own(name) for name in given}
        if "credentials" in given:
            # The list has to be whole; of two of a kind the one that is not the template's counts (recorded:
            # launch-credentials-lacks-template, launch-two-of-a-kind).
            added = [number for number in given["credentials"] if number not in own["credentials"]]
            given["credentials"] = [*own["credentials"], *added] if added else own["credentials"]
        if limit_names_in(given["limit"]) == limit_names_in(own["limit"]):
            given["limit"] = own["limit"]
        return {name: value for name, value in given.items() if value != own[name] and (value or name != "extra_vars")}


def sendable(name: str, value: t.Any) -> t.Any:
    """A value as a launch takes it."""
    return value or "" if name in ("limit", "job_tags", "skip_tags", "scm_branch") else by_number(name, value)


def why_not(launch: TemplateLaunch, needs: LaunchNeeds) -> list[str]:
    """Why a launch would not bring about what it is to, a sentence or two each with the way on; none where it would."""
    said, fields, long = [*_of_source(launch, needs)], launch.fields(needs), too_long(launch.limit)
    if long:
        said.append(
            f"No job runs on all of them at once: {long} Relaunch it with job_relaunch and hosts: all, or its "
            "slices by themselves."
        )
    if launch.secrets:
        said.append(
            f"The job was launched with secret values that the controller does not show: {join(launch.secrets)}. Give "
            f"them in {_CHANGES}."
        )
    return [*said, *_not_asked(needs, fields), *_of_survey(launch, needs)]


def _of_source(launch: TemplateLaunch, needs: LaunchNeeds) -> t.Iterator[str]:
    source, shown = launch.source, launch.prompts or {}
    slices = launch.fields(needs).get("job_slice_count", needs.own("job_slice_count"))
    if launch.prompts is None:
        yield "The controller does not tell what it was launched with beyond its template. Launch the template by hand."
    if source.inventory is None and "inventory" not in launch.changes:
        yield "The inventory that it ran with is gone. Give the template an inventory, and launch it by hand."
    if source.sliced or int(slices or 1) > 1:
        yield "Its template is sliced, so that a launch makes as many jobs. Relaunch each slice on its failed hosts."
    labels = shown.get("labels")
    if isinstance(labels, dict) and int(labels.get("count") or 0) > len(labels.get("results") or ()):
        yield "It was launched with more labels than the controller shows. Launch the template by hand."


def _not_asked(needs: LaunchNeeds, fields: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    missing = [name for name in fields if not needs.asks(name) and not (name == "extra_vars" and needs.has_survey)]
    if missing:
        yield (
            f"The template does not ask for {join(sorted(missing))} at its launch, and would ignore it. Tick Prompt on "
            "launch beside each of these in the template."
        )


def _of_survey(launch: TemplateLaunch, needs: LaunchNeeds) -> t.Iterator[str]:
    if not needs.has_survey:
        return
    without = [name for name in needs.unanswered if name not in launch.variables]
    if without:
        yield (
            f"The template's survey requires {join(without)}, which the job was launched without. Give it in "
            f"{_CHANGES}."
        )
    if needs.survey is not None and not needs.asks("extra_vars"):
        unknown = sorted(set(launch.variables) - set(needs.survey))
        if unknown:
            yield (
                f"The template's survey does not ask for {join(unknown)}, which would be ignored. Add the questions "
                "to it, or tick Prompt on launch beside Variables in the template."
            )


_NEXT_STEPS: NextSteps = {
    401: EXPIRED,
    # Recorded: launch-reader, launch-alice-credential, launch-alice-inventory.
    403: "This takes the execute role on the template, the use role on the credentials, inventory and instance groups "
    f"that the job was launched with and, with a token, its write scope. {NOBODY_MAY}",
    404: "The template was deleted meanwhile.",
    "passwords_needed_to_start": "Give these in credential_passwords.",
    "variables_needed_to_start": f"Give these in {_CHANGES}.",
    # Recorded: updates-launch-project-failed.
    "playbook": "Update the template's project, which a launch requires and a relaunch does not, and run the task "
    "again.",
}


def launch_refused(error: AnswerError, needs: LaunchNeeds, secrets: t.Collection[str] = ()) -> str:
    """The sentence for a launch that the controller declined; decided on status and keys.

    :param error: its answer.
    :param secrets: what was sent and may not be told: the controller quotes an answer to a survey that it declines.
    """
    # Taken out of the whole, of which a sentence may hold a part.
    said = flatten(remove_values(error.body, secrets)) if secrets else error.said
    answer = f'The controller answered {error.status}: "{said}"'
    step = next_step(error, _NEXT_STEPS, "Look at the template in the controller.")
    return f"The job template {needs.name} was not launched. {answer} {step}"
