# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs are made of: organizations, inventories, hosts, projects, credentials and templates."""

from __future__ import annotations

import json
import pathlib
import typing as t

from . import database as db
from . import people, projects

DELETABLE = (
    "organizations",
    "inventories",
    "inventory_sources",
    "projects",
    "credentials",
    "templates",
    "hosts",
    "labels",
    "execution_environments",
    "instance_groups",
    "schedules",
)

# The fields a launch may set, with the template's option that lets it; in the order in which a controller shows them.
PROMPTS = {
    "inventory": "ask_inventory_on_launch",
    "limit": "ask_limit_on_launch",
    "scm_branch": "ask_scm_branch_on_launch",
    "labels": "ask_labels_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "extra_vars": "ask_variables_on_launch",
    "diff_mode": "ask_diff_mode_on_launch",
    "job_type": "ask_job_type_on_launch",
    "verbosity": "ask_verbosity_on_launch",
    "credentials": "ask_credential_on_launch",
    "execution_environment": "ask_execution_environment_on_launch",
    "forks": "ask_forks_on_launch",
    "job_slice_count": "ask_job_slice_count_on_launch",
    "timeout": "ask_timeout_on_launch",
    "instance_groups": "ask_instance_groups_on_launch",
}

# Where what a prompt names is kept.
TABLES = {
    "inventory": "inventories",
    "labels": "labels",
    "credentials": "credentials",
    "execution_environment": "execution_environments",
    "instance_groups": "instance_groups",
}
# Those of which a job has several.
MANY = ("labels", "credentials", "instance_groups")

_CREDENTIAL_TYPES = {
    "ssh": {"id": 1, "name": "Machine", "cloud": False},
    "vault": {"id": 3, "name": "Vault", "cloud": False},
    "aws": {"id": 5, "name": "Amazon Web Services", "cloud": True},
}

_PASSWORD_NAMES = ("ssh_password", "become_password", "ssh_key_unlock")


class Template(t.TypedDict, total=False):
    """What `add_template` takes."""

    name: t.Required[str]
    playbook: t.Required[str]
    # The files that the playbook includes, and its roles': their texts by path.
    files: dict[str, str]
    hosts: dict[str, dict[str, t.Any]]
    groups: dict[str, list[str]]
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
    credentials: list[dict[str, t.Any] | int | str]
    diff_mode: bool
    execution_environment: int | str
    labels: list[int | str]
    instance_groups: list[int | str]
    duration: float
    roles: dict[str, str]
    error: str
    # Its jobs end without running a playbook: with these outcomes of hosts, `ok` for the others. A number says how
    # often a host fails before it is ok.
    outcomes: dict[str, str | int]


def add_template(database: db.Database, given: Template) -> dict[str, t.Any]:
    """Add a template with what it needs; the ids of all of it."""
    left: dict[str, t.Any] = dict(given)
    name, playbook = left.pop("name"), left.pop("playbook")
    file = pathlib.Path(playbook) if "\n" not in playbook else None
    content = file.read_text(encoding="utf-8") if file else playbook
    files = left.get("files", {})
    with database.transaction():
        organization = ensure_organization(database, left.pop("organization", "Default"))
        hosts, groups = left.pop("hosts", None), left.pop("groups", None)
        inventory = left.pop("inventory", None) or add_inventory(
            database, f"{name} inventory", organization, hosts or {}, groups or {}
        )
        project = left.pop("project", None) or database.insert(
            "projects", name=f"{name} project", organization=organization
        )
        projects.commit(database, project, content, *files.values())
        passwords, roles = left.pop("passwords", []), left.pop("roles", people.DEFAULT_ROLES)
        left["credentials"] = [*left.pop("credentials", []), *_for(passwords)]
        columns = _columns(database, left)
        template = database.insert(
            "templates",
            name=name,
            created=db.now(),
            organization=organization,
            inventory=inventory,
            project=project,
            playbook=file.name if file else "site.yml",
            content=content,
            **{"allow_simultaneous": True, **columns},
        )
        for username, role in roles.items():
            database.insert("roles", template=template, user=people.by_name(database, username)["id"], role=role)
    return {
        "id": template,
        "inventory": inventory,
        "project": project,
        "organization": organization,
        "credentials": columns["credentials"],
        "hosts": {row["name"]: row["id"] for row in hosts_of(database, inventory)},
    }


# What stands beside the row of a template, or is saved without its date (source: awx/main/models/base.py).
BESIDE_TEMPLATE = frozenset({"credentials", "labels", "instance_groups", "survey"})


def change_template(database: db.Database, row_id: int, given: dict[str, t.Any]) -> int:
    """Change what `add_template` took; the number of templates changed."""
    columns = _columns(database, given)
    if not set(columns) <= BESIDE_TEMPLATE:
        columns["modified"] = db.now()
    changed = database.update("templates", row_id, **columns)
    row = database.get("templates", row_id)
    if row is not None and {"playbook", "content", "files"} & set(given):
        projects.commit(database, row["project"], row["content"], row["files"])
    return changed


def _columns(database: db.Database, given: dict[str, t.Any]) -> dict[str, t.Any]:
    columns = dict(given)
    if "\n" in columns.get("playbook", ""):
        columns["content"] = columns.pop("playbook")
    unknown = sorted(set(columns.get("asks", [])) - set(PROMPTS))
    if unknown:
        raise ValueError(f"a launch has no such fields: {', '.join(unknown)}")
    for name in set(columns) & set(TABLES):
        columns[name] = named(database, name, columns[name])
    return columns


def named(database: db.Database, prompt: str, given: t.Any) -> t.Any:
    """The id, or the ids, of what a prompt's value names by id or name; labels and the like are made if need be."""
    if prompt in MANY:
        return [_one(database, TABLES[prompt], one) for one in given]
    return None if given is None else _one(database, TABLES[prompt], given)


def _one(database: db.Database, table: str, given: t.Any) -> int:
    if isinstance(given, int):
        return given
    if isinstance(given, dict):
        return add_credential(database, **given)
    found = database.value(f"SELECT id FROM {table} WHERE name = ? ORDER BY id DESC", given)
    if found is not None:
        return int(found)
    if table in ("inventories", "credentials"):
        raise KeyError(given)
    return add_label(database, given) if table == "labels" else database.insert(table, name=given)


def create_defaults(database: db.Database) -> None:
    """Add what every controller has: the execution environment and the instance groups that jobs get by themselves."""
    database.insert("execution_environments", name="The sandbox's own Python")
    for name in ("controlplane", "default"):
        database.insert("instance_groups", name=name)


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
    database: db.Database,
    name: str,
    organization: int | None,
    hosts: dict[str, dict[str, t.Any]],
    groups: dict[str, list[str]],
) -> int:
    """Add an inventory with its hosts, and groups of them by name; its id."""
    with database.transaction():
        inventory = database.insert("inventories", name=name, organization=organization, created=db.now())
        ids = {
            host: database.insert("hosts", inventory=inventory, name=host, variables=variables or {})
            for host, variables in hosts.items()
        }
        for group, members in groups.items():
            row = database.insert("host_groups", inventory=inventory, name=group, created=db.now())
            for host in members:
                database.insert("group_members", group=row, host=ids[host])
    return inventory


def add_credential(database: db.Database, name: str, kind: str = "ssh", asks: t.Sequence[str] = ()) -> int:
    """Add a credential; `asks` names the passwords it wants at each launch."""
    if kind not in _CREDENTIAL_TYPES:
        raise ValueError(f"no such kind of credential: {kind}")
    organization = ensure_organization(database, "Default")
    return database.insert(
        "credentials", name=name, kind=kind, asks=list(asks), organization=organization, created=db.now()
    )


def add_label(database: db.Database, name: str) -> int:
    """Add a label; its id."""
    organization = ensure_organization(database, "Default")
    return database.insert("labels", name=name, organization=organization, created=db.now())


def groups_of(database: db.Database, inventory: int | None) -> dict[str, list[str]]:
    """The groups of an inventory, with the names of their hosts."""
    groups: dict[str, list[str]] = {
        row["name"]: [] for row in database.all("SELECT * FROM host_groups WHERE inventory = ? ORDER BY id", inventory)
    }
    for row in database.all(
        'SELECT host_groups.name AS "group", hosts.name AS host FROM group_members '
        'JOIN host_groups ON host_groups.id = "group" JOIN hosts ON hosts.id = host WHERE hosts.inventory = ?',
        inventory,
    ):
        groups[row["group"]].append(row["host"])
    return groups


def hosts_of(database: db.Database, inventory: int | None) -> list[db.Row]:
    """The hosts of an inventory, in the order of their names."""
    return database.all("SELECT * FROM hosts WHERE inventory = ? ORDER BY name", inventory)


def combined(database: db.Database, credentials: list[int], prompted: list[int]) -> list[int]:
    """The template's credentials with those of a launch, which replace those of their own kind (and vault id)."""
    chosen: dict[tuple[str, str], int] = {}
    for credential in [*credentials, *prompted]:
        row = database.get("credentials", credential)
        if row is not None:
            chosen[kind_of(row)] = credential
    return list(chosen.values())


def present(database: db.Database, prompts: dict[str, t.Any]) -> dict[str, t.Any]:
    """Prompts without what has been deleted since, which drops out without a word."""
    left = dict(prompts)
    for name in set(prompts) & set(TABLES):
        values = prompts[name] if name in MANY else [prompts[name]]
        found = [value for value in values if database.get(TABLES[name], value)]
        left[name] = found if name in MANY else next(iter(found), None)
    return {name: value for name, value in left.items() if value is not None and (value or name not in MANY)}


def credential_type(credential: db.Row) -> dict[str, t.Any]:
    """The type of a credential: `id`, `name`, and whether it is one for a `cloud`."""
    return _CREDENTIAL_TYPES[credential["kind"]]


def kind_of(credential: db.Row) -> tuple[str, str]:
    """What a job has one credential of: a kind, for vaults with their id."""
    asks = json.loads(credential["asks"])
    vault = asks[0].partition(".")[2] if credential["kind"] == "vault" and asks else ""
    return credential["kind"], vault


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
