# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Job templates by name or number, and their latest job."""

from __future__ import annotations

import typing as t

from ansible_collections.relaunch.controller.plugins.module_utils._errors import RefusedError

if t.TYPE_CHECKING:
    from ansible_collections.relaunch.controller.plugins.module_utils._client import ControllerClient

CANDIDATES_SHOWN = 5

Template = t.Mapping[str, t.Any]


def latest_job_id(client: ControllerClient, name_or_id: str, organization: t.Optional[str]) -> int:
    """The number of the latest job that was launched from a template.

    Relaunches do not count: the job they go back to does, so that what they have achieved is seen.

    :param name_or_id: of the template. A number is tried as an id first, as awx.awx does.
    :param organization: name or id, to tell templates of the same name apart.
    :raises RefusedError: there is no such template or more than one, or it has no job.
    """
    template = _find(client, name_or_id, organization)
    if int(template.get("job_slice_count") or 1) > 1:
        raise RefusedError(
            f"The job template {_told(template)} is sliced: each launch makes several jobs, which are relaunched one "
            "by one. Give their job_id."
        )
    query = {"unified_job_template": template["id"], "not__launch_type": "relaunch", "order_by": "-id", "page_size": 1}
    jobs = client.get("jobs/", **query).get("results")
    if not jobs:
        raise RefusedError(f"The job template {_told(template)} has no job yet. Launch it first.")
    return int(jobs[0]["id"])


def _find(client: ControllerClient, name_or_id: str, organization: t.Optional[str]) -> Template:
    found: list[Template] = []
    if name_or_id.isdigit():
        found = list(client.results("job_templates/", id=name_or_id))
    if not found:
        found = list(client.results("job_templates/", name=name_or_id))
    wanted = [template for template in found if organization is None or _in_organization(template, organization)]
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        raise RefusedError(
            f"There are {len(wanted)} job templates named {name_or_id}: {_list(wanted)}. Give their organization as "
            "well, or an id."
        )
    if found:
        raise RefusedError(
            f"The organization {organization} has no job template {name_or_id} that this user may see. There is: "
            f"{_list(found)}."
        )
    like = list(client.get("job_templates/", name__icontains=name_or_id, page_size=CANDIDATES_SHOWN)["results"])
    known = f" There is: {_list(like)}." if like else ""
    raise RefusedError(f"There is no job template {name_or_id} that this user may see.{known}")


def _in_organization(template: Template, name_or_id: str) -> bool:
    organization = _organization(template)
    return name_or_id in (str(organization.get("name")), str(organization.get("id")))


def _organization(template: Template) -> t.Mapping[str, t.Any]:
    fields = template.get("summary_fields") or {}
    return fields.get("organization") or {}


def _list(templates: t.Sequence[Template]) -> str:
    more = f" and {len(templates) - CANDIDATES_SHOWN} more" if len(templates) > CANDIDATES_SHOWN else ""
    return ", ".join(map(_told, templates[:CANDIDATES_SHOWN])) + more


def _told(template: Template) -> str:
    organization = _organization(template).get("name")
    return f"{template.get('name')} (id {template['id']}{f', organization {organization}' if organization else ''})"
