# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs are made of: organizations, inventories, hosts, projects, credentials and templates."""

from __future__ import annotations

import json
import pathlib
import typing as t

from . import database as db
from . import people

DELETABLE = ("organizations", "inventories", "projects", "credentials", "templates", "hosts")

# The fields a launch may set, by the template's option that lets it.
PROMPTS = {
    "extra_vars": "ask_variables_on_launch",
    "limit": "ask_limit_on_launch",
    "inventory": "ask_inventory_on_launch",
    "job_type": "ask_job_type_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "scm_branch": "ask_scm_branch_on_launch",
    "verbosity": "ask_verbosity_on_launch",
    "credentials": "ask_credential_on_launch",
}

_PASSWORD_NAMES = ("ssh_password", "become_password", "ssh_key_unlock")


class Template(t.TypedDict, total=False):
    """What `add_template` takes."""

    name: t.Required[str]
    playbook: t.Required[str]
    hosts: dict[str, dict[str, t.Any]]
    description: str
    organization: str
    inventory: int
    project: int
    extra_vars: dict[str, t.Any]
    limit: str
    job_type: str
    job_tags: str
    skip_tags: str
    scm_branch: str
    verbosity: int
    forks: int
    timeout: int
    allow_simultaneous: bool
    job_slice_count: int
    asks: list[str]
    survey: list[dict[str, t.Any]]
    passwords: list[str]
    credentials: list[dict[str, t.Any]]
    roles: dict[str, str]
    error: str


def add_template(database: db.Database, given: Template) -> dict[str, t.Any]:
    """Add a template with what it needs; the ids of all of it."""
    left: dict[str, t.Any] = dict(given)
    name, playbook = left.pop("name"), left.pop("playbook")
    file = pathlib.Path(playbook) if "\n" not in playbook else None
    content = file.read_text(encoding="utf-8") if file else playbook
    with database.transaction():
        organization = ensure_organization(database, left.pop("organization", "Default"))
        hosts = left.pop("hosts", None)
        inventory = left.pop("inventory", None) or add_inventory(
            database, f"{name} inventory", organization, hosts or {}
        )
        project = left.pop("project", None) or database.insert(
            "projects", name=f"{name} project", organization=organization
        )
        passwords, roles = left.pop("passwords", []), left.pop("roles", people.DEFAULT_ROLES)
        credentials = [add_credential(database, **one) for one in [*left.pop("credentials", []), *_for(passwords)]]
        asks = left.pop("asks", [])
        unknown = sorted(set(asks) - set(PROMPTS))
        if unknown:
            raise ValueError(f"a launch has no such fields: {', '.join(unknown)}")
        template = database.insert(
            "templates",
            name=name,
            created=db.now(),
            organization=organization,
            inventory=inventory,
            project=project,
            playbook=file.name if file else "site.yml",
            content=content,
            credentials=credentials,
            asks=asks,
            allow_simultaneous=int(left.pop("allow_simultaneous", True)),
            **left,
        )
        for username, role in roles.items():
            database.insert("roles", template=template, user=people.by_name(database, username)["id"], role=role)
    return {
        "id": template,
        "inventory": inventory,
        "project": project,
        "organization": organization,
        "credentials": credentials,
        "hosts": {row["name"]: row["id"] for row in hosts_of(database, inventory)},
    }


def add_workflow_template(database: db.Database, name: str) -> int:
    """Add a workflow template, which only gives its workflow jobs a name; its id."""
    with database.transaction():
        template = database.insert(
            "templates",
            type="workflow_job_template",
            name=name,
            created=db.now(),
            organization=ensure_organization(database, "Default"),
        )
        for username, role in people.DEFAULT_ROLES.items():
            database.insert("roles", template=template, user=people.by_name(database, username)["id"], role=role)
    return template


def _for(passwords: list[str]) -> t.Iterator[dict[str, t.Any]]:
    machine = [name for name in _PASSWORD_NAMES if name in passwords]
    if machine:
        yield {"name": "machine", "kind": "ssh", "asks": machine}
    for name in passwords:
        if name not in _PASSWORD_NAMES:
            yield {"name": name, "kind": "vault", "asks": [name]}


def ensure_organization(database: db.Database, name: str) -> int:
    """The id of the organization of this name, which is made if need be."""
    found = database.value("SELECT id FROM organizations WHERE name = ?", name)
    return found if found is not None else database.insert("organizations", name=name, created=db.now())


def add_inventory(
    database: db.Database, name: str, organization: int | None, hosts: dict[str, dict[str, t.Any]]
) -> int:
    """Add an inventory with its hosts; its id."""
    with database.transaction():
        inventory = database.insert("inventories", name=name, organization=organization, created=db.now())
        for host, variables in hosts.items():
            database.insert("hosts", inventory=inventory, name=host, variables=variables or {})
    return inventory


def add_credential(database: db.Database, name: str, kind: str = "ssh", asks: t.Sequence[str] = ()) -> int:
    """Add a credential; `asks` names the passwords it wants at each launch."""
    return database.insert("credentials", name=name, kind=kind, asks=list(asks))


def hosts_of(database: db.Database, inventory: int | None) -> list[db.Row]:
    """The hosts of an inventory, in the order of their names."""
    return database.all("SELECT * FROM hosts WHERE inventory = ? ORDER BY name", inventory)


def passwords_of(database: db.Database, credentials: str) -> list[str]:
    """The passwords that the credentials with these ids (a JSON list) ask for."""
    asked: list[str] = []
    for credential in json.loads(credentials):
        row = database.get("credentials", credential)
        asked += [name for name in json.loads(row["asks"]) if name not in asked] if row else []
    return asked


def secret_variables(template: db.Row) -> list[str]:
    """The names of the survey's passwords."""
    return [one["variable"] for one in json.loads(template["survey"]) if one.get("type") == "password"]
