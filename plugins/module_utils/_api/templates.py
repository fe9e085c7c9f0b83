# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known by name or number: templates with their latest job, and what a job is launched with.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import quote

from .client import ControllerClient
from .errors import ControllerError, RefusedError, if_visible
from .jobs import RELAUNCH, join, summary_of
from .paging import first_entries

CANDIDATES_SHOWN = 5
# From so many of a template's latest jobs one is chosen where the latest is not always the one that is meant.
LATEST_CHOSEN_FROM = 50
# Between the parts of a named URL, such as Name++Organization; in it AWX writes what a path cannot hold so.
NAMED_URL_DELIMITER = "++"
_IN_NAMED_URLS = str.maketrans({character: f"[{ord(character):X}]" for character in ";/?:@=&"})
# A plus in a name, which AWX takes in brackets only; with any other it answers as to no URL of its own, by 404 in HTML.
_PLUS_IN_NAME = re.compile(r"(?<!\[)\+|\+(?!\])")
# The largest number that a controller's database takes for an id. What is larger can only be a name.
LARGEST_ID = 2**31 - 1

Template = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class NamedKind:
    """A kind of what has a name.

    :param word: what people call it.
    :param path: of the list of them.
    """

    word: str
    path: str

    @property
    def plural(self) -> str:
        return f"{self.word[:-1]}ies" if self.word.endswith("y") else f"{self.word}s"


@dataclass(frozen=True)
class TemplateKind(NamedKind):
    """A kind of template.

    :param jobs: path of the list of their jobs.
    :param module: which relaunches those jobs.
    """

    jobs: str
    module: str


INVENTORIES = NamedKind("inventory", "inventories/")
EXECUTION_ENVIRONMENTS = NamedKind("execution environment", "execution_environments/")
CREDENTIALS = NamedKind("credential", "credentials/")
LABELS = NamedKind("label", "labels/")
JOB_TEMPLATE = TemplateKind("job template", "job_templates/", "jobs/", "job_relaunch")
WORKFLOW_TEMPLATE = TemplateKind(
    "workflow job template", "workflow_job_templates/", "workflow_jobs/", "workflow_job_relaunch"
)


def id_of(text: str) -> t.Optional[int]:
    """The id that a text is; None where it can only be a name, as can digits of other scripts, and 0001."""
    plain = text.isascii() and text.isdecimal() and not text.startswith("0")
    # Of thousands of digits Python makes no number.
    return int(text) if plain and len(text) <= len(str(LARGEST_ID)) and int(text) <= LARGEST_ID else None


def number_of(client: ControllerClient, kind: NamedKind, name_or_id: str) -> int:
    """The number of what a name, an id or a named URL means.

    :raises RefusedError: there is none, or more than one.
    """
    return int(_find(client, kind, name_or_id, None)["id"])


def read_job_template(client: ControllerClient, number: int) -> Template:
    """A job template in detail; empty where it is gone, or this user may not see it.

    :raises ControllerError: it could not be read for another reason.
    """
    return if_visible(lambda: client.get(f"{JOB_TEMPLATE.path}{number}/")) or {}


def read_survey(client: ControllerClient, number: int) -> t.Optional[t.Sequence[t.Mapping[str, t.Any]]]:
    """The questions of a job template's survey; None where this user may not see them.

    :raises ControllerError: they could not be read for another reason.
    """
    survey = if_visible(lambda: client.get(f"{JOB_TEMPLATE.path}{number}/survey_spec/"))
    return None if survey is None else tuple(survey.get("spec") or ())


def latest_job_id(
    client: ControllerClient,
    name_or_id: str,
    organization: t.Optional[str],
    choose: t.Optional[t.Callable[[t.Sequence[t.Mapping[str, t.Any]]], t.Mapping[str, t.Any]]] = None,
) -> int:
    """The number of the latest job that was launched from a job template.

    Relaunches do not count: the job they go back to does, so that what they have achieved is seen.

    :param name_or_id: of the template, or its named URL, such as ``Name++Organization``. That, and a number as an id,
        are tried first, as awx.awx does.
    :param organization: name or id, to tell templates of the same name apart.
    :param choose: picks one of its latest jobs, which it is given newest first; None for the first.
    :raises RefusedError: there is no such template or more than one, it has no job, or its latest is a slice of many.
    """
    template = _find(client, JOB_TEMPLATE, name_or_id, organization)
    jobs = _latest(client, JOB_TEMPLATE, template, LATEST_CHOSEN_FROM if choose else 1)
    job = choose(jobs) if choose else jobs[0]
    slices = int(job.get("job_slice_count") or 1)
    if slices > 1:
        run = summary_of(job, "source_workflow_job")
        which = f": {run['id']}" if run else ""
        raise RefusedError(
            f"The latest job of the job template {_label(template)} is sliced: job {job['id']} is slice "
            f"{job.get('job_slice_number')} of {slices}, and each slice is a job. Give the job_id of one, or give "
            f"bulk_job_relaunch the whole run, by workflow_job_id{which}."
        )
    return int(job["id"])


def latest_workflow_job_id(client: ControllerClient, name_or_id: str, organization: t.Optional[str]) -> int:
    """The number of the latest workflow job that was launched from a workflow job template; else as latest_job_id."""
    return int(_latest(client, WORKFLOW_TEMPLATE, _find(client, WORKFLOW_TEMPLATE, name_or_id, organization))[0]["id"])


def _latest(
    client: ControllerClient, kind: TemplateKind, template: Template, most: int = 1
) -> t.Sequence[t.Mapping[str, t.Any]]:
    query = {"unified_job_template": template["id"], "not__launch_type": RELAUNCH, "order_by": "-id", "page_size": most}
    jobs = first_entries(client.get, kind.jobs, **query)
    if not jobs:
        raise RefusedError(f"The {kind.word} {_label(template)} has no job yet. Launch it first.")
    return jobs


def _find(client: ControllerClient, kind: NamedKind, name_or_id: str, organization: t.Optional[str]) -> Template:
    found = _named(client, kind, name_or_id)
    wanted = [template for template in found if organization is None or in_organization(template, organization)]
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        how = "their organization as well, or an id." if isinstance(kind, TemplateKind) else "the id of one."
        raise RefusedError(f"There are {len(wanted)} {kind.plural} named {name_or_id}: {_list(wanted)}. Give {how}")
    if found:
        raise RefusedError(
            f"The organization {organization} has no {kind.word} {name_or_id} that this user may see. There is: "
            f"{_list(found)}."
        )
    raise RefusedError(
        f"There is no {kind.word} {name_or_id} that this user may see.{_instead(client, kind, name_or_id)}"
    )


def _named(client: ControllerClient, kind: NamedKind, name_or_id: str) -> list[Template]:
    """The one with that named URL or id, else those with that name."""
    found: list[Template] = []
    if NAMED_URL_DELIMITER in name_or_id:
        found = _at_named_url(client, kind, name_or_id)
    elif id_of(name_or_id) is not None:
        found = list(client.results(kind.path, id=name_or_id))
    return found or list(client.results(kind.path, name=name_or_id))


def _at_named_url(client: ControllerClient, kind: NamedKind, name: str) -> list[Template]:
    """The template at a named URL (recorded: wf-temp-create); none where there is no such that this user may see."""
    if kind is not CREDENTIALS:  # whose type has two names, joined by a plus
        parts = name.rsplit(NAMED_URL_DELIMITER, 1)
        name = NAMED_URL_DELIMITER.join(_PLUS_IN_NAME.sub("[+]", part) for part in parts)
    path = f"{kind.path}{quote(name.translate(_IN_NAMED_URLS), safe='+[]')}/"
    found = if_visible(lambda: client.get(path))
    return [] if found is None else [found]


def _instead(client: ControllerClient, kind: NamedKind, name_or_id: str) -> str:
    """What else there is that may be meant; nothing where that cannot be asked for."""
    said = ""
    with contextlib.suppress(ControllerError):
        like = first_entries(client.get, kind.path, name__icontains=name_or_id, page_size=CANDIDATES_SHOWN)
        said += f" There is: {_list(like)}." if like else ""
    if not isinstance(kind, TemplateKind):
        return said
    other = JOB_TEMPLATE if kind is WORKFLOW_TEMPLATE else WORKFLOW_TEMPLATE
    with contextlib.suppress(ControllerError):
        named = _named(client, other, name_or_id)
        said += f" There is a {other.word} {_label(named[0])}: {other.module} relaunches its jobs." if named else ""
    return said


def in_organization(template: Template, name_or_id: str) -> bool:
    organization = summary_of(template, "organization")
    return name_or_id in (str(organization.get("name")), str(organization.get("id")))


def _list(templates: t.Sequence[Template]) -> str:
    return join([_label(template) for template in templates], CANDIDATES_SHOWN)


def _label(template: Template) -> str:
    organization = summary_of(template, "organization").get("name")
    what = summary_of(template, "credential_type").get("name")
    more = [f"id {template['id']}", *([str(what)] if what else [])]
    return f"{template.get('name')} ({', '.join(more)}{f', organization {organization}' if organization else ''})"
