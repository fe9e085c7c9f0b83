# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of job_relaunch: what both front doors accept, and the request that comes of them.

Private to this collection.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field, fields

from .._api.connection import CONNECTION_SPEC
from .._api.errors import OptionError
from .._api.jobs import Job
from .._api.templates import id_of
from .._launch.changes import changes_of
from .._launch.waiting import WAITING_SPEC, Waiting
from .._work.decision import ALL, FAILED, REMAINING, RelaunchOptions

# By which of them a job is named. Inside of a job of the controller neither may be given: the job of the failed node
# before that is meant then.
SOURCE_OPTIONS = ("job_id", "job_template")

# What AnsibleModule, or ArgumentSpecValidator, is to be made of.
RELAUNCH_SPECIFICATION: dict[str, t.Any] = dict(
    argument_spec=dict(
        CONNECTION_SPEC,
        **WAITING_SPEC,
        job_id=dict(type="int"),
        job_template=dict(type="str", aliases=["name"]),
        organization=dict(type="str"),
        hosts=dict(type="str", choices=[ALL, FAILED, REMAINING], default=ALL),
        fallback_to_all=dict(type="bool", default=False),
        job_type=dict(type="str", choices=["run", "check"]),
        credential_passwords=dict(type="dict", no_log=True),
        force=dict(type="bool", default=False),
        changes=dict(type="dict"),
    ),
    required_one_of=[SOURCE_OPTIONS],
    mutually_exclusive=[SOURCE_OPTIONS],
    required_by=dict(organization="job_template"),
)


def taking_over(names: t.Iterable[str], **own: t.Any) -> dict[str, t.Any]:
    """The specification of another module that names its job as job_relaunch does.

    :param names: of job_relaunch's options those that it has too.
    :param own: its other options, beside those of the connection.
    """
    options = RELAUNCH_SPECIFICATION["argument_spec"]
    taken = {name: options[name] for name in names}
    return dict(RELAUNCH_SPECIFICATION, argument_spec=dict(CONNECTION_SPEC, **own, **taken))


@dataclass(frozen=True)
class RelaunchRequest:
    """What a task asks for.

    :param changes: what is to be other than the job's prompts, as a launch takes it.
    :param own_job: the number of the controller's job that the task runs in, if it does: it cannot wait for that.
    :param one_of_many: driven side by side with others. So it waits for what it has launched even without the option,
        to judge that, until its driver breaks it off; and of other jobs it tells what a list shows.
    """

    job_id: t.Optional[int] = None
    job_template: t.Optional[str] = None
    organization: t.Optional[str] = None
    options: RelaunchOptions = RelaunchOptions()
    credential_passwords: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    waiting: Waiting = Waiting()
    changes: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)
    check_mode: bool = False
    diff: bool = False
    own_job: t.Optional[int] = None
    one_of_many: bool = False

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], check_mode: bool, diff: bool) -> RelaunchRequest:
        """From validated parameters, and the environment, which tells the job that the task runs in.

        :param params: what is not among them, since a module has no such option, counts as not given.
        :raises OptionError: one of them cannot be used.
        """
        if params["job_id"] is not None and params["job_id"] < 1:
            raise OptionError(f"job_id must be the number of a job, not {params['job_id']}.")
        changes = changes_of(params.get("changes"))
        if {params.get("job_type"), changes.get("job_type")} == {"run", "check"}:
            raise OptionError("job_type is given twice, once in changes, and differs.")
        asked = {option.name: params[option.name] for option in fields(RelaunchOptions) if option.name in params}
        asked.update(job_type=params.get("job_type") or changes.get("job_type"))
        return cls(
            job_id=params["job_id"],
            job_template=params["job_template"],
            organization=params["organization"],
            options=RelaunchOptions(**asked),
            credential_passwords=password_values(params.get("credential_passwords")),
            waiting=Waiting.of(params),
            changes=changes,
            check_mode=check_mode,
            diff=diff,
            own_job=own_job_id(),
        )

    def missing_passwords(self, needed: t.Iterable[str]) -> list[str]:
        """Those of the passwords that a launch needs which are not given, by their names in the controller's order."""
        return [name for name in needed if name not in self.credential_passwords]

    def runs_in(self, job: Job) -> bool:
        """Whether a job is the one that the task runs in; one that has ended is a job of another controller, which has
        the same number here.
        """
        return job.id == self.own_job and job.active


def own_job_id() -> t.Optional[int]:
    """The number of the controller's job that this process runs in, by its environment (measured); None outside of one.

    Others set ``JOB_ID`` too, so that one of the folders of the job has to be there as well.
    """
    inside = any(os.environ.get(name) for name in ("AWX_PRIVATE_DATA_DIR", "AWX_ISOLATED_DATA_DIR"))
    return id_of(os.environ.get("JOB_ID", "")) if inside else None


def password_values(given: t.Optional[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """The passwords as the controller takes them: strings, none of them blank.

    :raises OptionError: a value is a list or a dictionary. The message does not quote it.
    """
    values = {}
    for name, value in (given or {}).items():
        if isinstance(value, (dict, list)):
            raise OptionError(f"credential_passwords: the value of {name} must be a string.")
        if value is not None and str(value) != "":
            values[str(name)] = str(value)
    return values
