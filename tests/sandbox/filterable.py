# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lists can be filtered on: the fields of each kind of row, and where these are kept."""

from __future__ import annotations

import typing as t

from .workflow_graph import KINDS

# A text is one that can only be searched.
Kind = t.Literal["int", "str", "bool", "time", "text"]
Fields = t.Mapping[str, "Field"]


class Field(t.NamedTuple):
    """A field to filter on: its column, the kind of its values, and where these are several the rows that hold them."""

    column: str
    kind: Kind
    # An SQL condition around the one on the column, which is put in place of the braces.
    among: str = "{}"


def _fields(**kinds: str) -> dict[str, Field]:
    return {name: Field(f'"{name}"', t.cast("Kind", kind)) for kind, names in kinds.items() for name in names.split()}


# What summaries can be asked for about their hosts.
_KINDS_OF_HOST: dict[str, Kind] = {"name": "str", "inventory": "int", "id": "int"}


def _name_of(table: str, column: str, name: str = "name") -> Field:
    return Field(f'(SELECT other."{name}" FROM {table} AS other WHERE other.id = "{column}")', "str")


def _ids(*names: str) -> dict[str, Field]:
    """The same fields under the names that end in `__id`."""
    return {f"{name}__id": Field(f'"{name}"', "int") for name in names}


def _several(table: str) -> dict[str, Field]:
    """What a job has several of, kept as a list of ids: by id and by name."""
    rows = f"json_each(jobs.{table}) AS listed JOIN {table} AS other ON other.id = listed.value"
    among = f"EXISTS (SELECT 1 FROM {rows} WHERE {{}})"
    return {
        table: Field("other.id", "int", among),
        f"{table}__id": Field("other.id", "int", among),
        f"{table}__name": Field("other.name", "str", among),
    }


def _rows_of_job(relation: str, table: str, **kinds: str) -> dict[str, Field]:
    among = f"EXISTS (SELECT 1 FROM {table} AS other WHERE other.job = jobs.id AND {{}})"
    return {
        f"{relation}__{name}": Field(f'other."{name}"', t.cast("Kind", kind), among)
        for kind, names in kinds.items()
        for name in names.split()
    }


def _linked(kind: str, relation: str, node: str) -> dict[str, Field]:
    """What follows a node by links of a kind: the nodes themselves, and their jobs."""
    rows = f"links JOIN nodes AS other ON other.id = links.child WHERE links.parent = {node} AND links.kind = '{kind}'"
    among = f"EXISTS (SELECT 1 FROM {rows} AND {{}})"
    return {
        relation: Field("other.id", "int", among),
        f"{relation}__id": Field("other.id", "int", among),
        f"{relation}__job": Field("other.job", "int", among),
        f"{relation}__identifier": Field("other.identifier", "str", among),
    }


def _linked_of_jobs(kind: str) -> dict[str, Field]:
    """The same of the node of a job."""
    among = "EXISTS (SELECT 1 FROM nodes AS own WHERE own.job = jobs.id AND {})"
    return {
        name: field._replace(among=among.format(field.among))
        for name, field in _linked(kind, f"unified_job_node__{kind}_nodes", "own.id").items()
    }


# What the list of jobs of all kinds takes, which is less than that of jobs.
UNIFIED_JOBS = {
    **_fields(
        int="id unified_job_template organization created_by modified_by instance_group execution_environment schedule",
        str="name description launch_type status job_explanation work_unit_id",
        bool="failed",
        time="created modified started finished canceled_on",
    ),
    **_ids("unified_job_template", "organization", "created_by", "schedule"),
    "elapsed": Field('"elapsed"', "int"),
    "unified_job_template__name": _name_of("templates", "unified_job_template"),
    "organization__name": _name_of("organizations", "organization"),
    "created_by__username": _name_of("users", "created_by", "username"),
    "schedule__name": _name_of("schedules", "schedule"),
    # The nodes of a workflow job are its jobs.
    "unified_job_node__workflow_job": Field('"workflow_job"', "int"),
    **_several("labels"),
    **_several("credentials"),
}
JOBS = {
    **UNIFIED_JOBS,
    **_fields(
        int="job_template inventory project forks verbosity timeout job_slice_number job_slice_count",
        str="limit playbook job_type job_tags skip_tags scm_branch",
        bool="allow_simultaneous diff_mode",
    ),
    **_ids("job_template", "inventory", "project"),
    "job_template__name": _name_of("templates", "job_template"),
    "inventory__name": _name_of("inventories", "inventory"),
    "project__name": _name_of("projects", "project"),
    "unified_job_node__id": Field(
        "own.id", "int", "EXISTS (SELECT 1 FROM nodes AS own WHERE own.job = jobs.id AND {})"
    ),
    **{name: field for kind in KINDS for name, field in _linked_of_jobs(kind).items()},
    **_rows_of_job(
        "job_events",
        "shown_events",
        int="id counter host",
        str="event host_name play task uuid parent_uuid",
        bool="failed changed",
    ),
    **_rows_of_job(
        "job_host_summaries",
        "shown_summaries",
        int="id host constructed_host changed dark failures ok processed skipped",
        str="host_name",
        bool="failed",
    ),
}
UPDATES = {
    **{name: UNIFIED_JOBS[name] for name in ("id", "name", "description", "launch_type", "status", "failed")},
    **{name: UNIFIED_JOBS[name] for name in ("created", "modified", "started", "finished", "canceled_on")},
    **_fields(int="project inventory_source inventory", str="scm_revision"),
    "project__name": _name_of("projects", "project"),
    "inventory_source__name": _name_of("inventory_sources", "inventory_source"),
}
PROJECTS = {
    **_fields(
        int="id organization",
        str="name description scm_type status",
        bool="scm_update_on_launch",
        time="created last_updated",
    ),
    "organization__name": _name_of("organizations", "organization"),
}
INVENTORY_SOURCES = _fields(
    int="id inventory source_project", str="name source status", bool="update_on_launch", time="created last_updated"
)
TEMPLATES = {
    **_fields(
        int="id organization inventory project job_slice_count",
        str="name description playbook job_type",
        bool="allow_simultaneous",
        time="created",
    ),
    "organization__name": _name_of("organizations", "organization"),
    "inventory__name": _name_of("inventories", "inventory"),
}
INVENTORIES = {
    **_fields(int="id organization", str="name kind", time="created"),
    "organization__name": _name_of("organizations", "organization"),
}
HOSTS = {
    **_fields(
        int="id inventory",
        str="name variables instance_id description",
        bool="enabled has_active_failures",
        time="created modified",
    ),
    "inventory__name": _name_of("inventories", "inventory"),
    **{
        f"{relation}__job": Field(
            "other.job", "int", f"EXISTS (SELECT 1 FROM summaries AS other WHERE other.{column} = hosts.id AND {{}})"
        )
        for relation, column in (("job_host_summaries", "host"), ("constructed_host_summaries", "constructed_host"))
    },
}
GROUPS = _fields(int="id inventory", str="name", time="created")
LABELS = {
    **_fields(int="id organization", str="name", time="created"),
    "organization__name": _name_of("organizations", "organization"),
}
CREDENTIALS = _fields(int="id organization", str="name kind", time="created")
WORKFLOW_JOBS: Fields = {
    **JOBS,
    "workflow_job_nodes__job": Field(
        "other.job", "int", "EXISTS (SELECT 1 FROM nodes AS other WHERE other.workflow_job = jobs.id AND {})"
    ),
    "workflow_job_template": Field("CASE WHEN NOT is_sliced_job THEN unified_job_template END", "int"),
}
NODES: Fields = {
    **_fields(
        int="id unified_job_template job workflow_job workflow_job_template",
        str="identifier",
        bool="do_not_run all_parents_must_converge",
        time="created modified",
    ),
    "job__status": _name_of("jobs", "job", "status"),
    "job__type": _name_of("jobs", "job", "type"),
    **{name: field for kind in KINDS for name, field in _linked(kind, f"{kind}_nodes", "nodes.id").items()},
}
ORGANIZATIONS = _fields(int="id", str="name description", time="created")
USERS = _fields(int="id", str="username", bool="is_superuser is_system_auditor", time="created")
EVENTS = {
    **_fields(
        int="id counter start_line end_line host",
        str="event host_name play task role playbook stdout uuid parent_uuid",
        bool="failed changed",
        time="created modified",
    ),
    "host__name": _name_of("hosts", "host"),
    "event_data": Field("event_data", "text"),
}
SUMMARIES = {
    **_fields(
        int="id host constructed_host changed dark failures ok processed skipped",
        str="host_name",
        bool="failed",
        time="created",
    ),
    **{
        f"{column}__{name}": _name_of("hosts", column, name)._replace(kind=kind)
        for column in ("host", "constructed_host")
        for name, kind in _KINDS_OF_HOST.items()
    },
}
