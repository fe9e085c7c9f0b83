# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the sandbox's one SQLite file."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE NOT NULL, password TEXT NOT NULL,
    is_superuser INTEGER NOT NULL DEFAULT 0, is_system_auditor INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user INTEGER NOT NULL REFERENCES users(id), token TEXT UNIQUE NOT NULL,
    scope TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, expires TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS organizations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, description TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS inventories (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, kind TEXT NOT NULL DEFAULT '',
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS input_inventories (
    constructed INTEGER NOT NULL REFERENCES inventories(id) ON DELETE CASCADE,
    input INTEGER NOT NULL REFERENCES inventories(id) ON DELETE CASCADE, UNIQUE (constructed, input));
CREATE TABLE IF NOT EXISTS hosts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, inventory INTEGER NOT NULL REFERENCES inventories(id) ON DELETE CASCADE,
    name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', variables TEXT NOT NULL DEFAULT '{}',
    enabled INTEGER NOT NULL DEFAULT 1,
    has_active_failures INTEGER NOT NULL DEFAULT 0,
    modified TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    -- Where the inventory is a constructed one: the id of the input inventory's host that this one is a copy of.
    instance_id TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')), UNIQUE (inventory, name));
CREATE TABLE IF NOT EXISTS host_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, inventory INTEGER NOT NULL REFERENCES inventories(id) ON DELETE CASCADE,
    name TEXT NOT NULL, created TEXT NOT NULL, UNIQUE (inventory, name));
CREATE TABLE IF NOT EXISTS group_members (
    "group" INTEGER NOT NULL REFERENCES host_groups(id) ON DELETE CASCADE,
    host INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE, PRIMARY KEY ("group", host));
-- Of projects and inventory sources: an update fails, and says why, as long as `broken` does.
CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL,
    scm_type TEXT NOT NULL DEFAULT '', scm_revision TEXT NOT NULL DEFAULT '',
    scm_update_on_launch INTEGER NOT NULL DEFAULT 0, broken TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT 'ok',
    last_updated TEXT, last_update INTEGER, update_duration REAL NOT NULL DEFAULT 0,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')));
CREATE TABLE IF NOT EXISTS inventory_sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
    inventory INTEGER NOT NULL REFERENCES inventories(id) ON DELETE CASCADE, source TEXT NOT NULL DEFAULT 'scm',
    source_project INTEGER REFERENCES projects(id) ON DELETE SET NULL, update_on_launch INTEGER NOT NULL DEFAULT 0,
    hosts TEXT, broken TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT 'never updated',
    last_updated TEXT, last_update INTEGER, update_duration REAL NOT NULL DEFAULT 0,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')));
CREATE TABLE IF NOT EXISTS credentials (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, kind TEXT NOT NULL, asks TEXT NOT NULL DEFAULT '[]',
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL, created TEXT NOT NULL);
-- The activity stream remembers them.
CREATE TABLE IF NOT EXISTS deleted_credentials (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS remember_credentials AFTER DELETE ON credentials
    BEGIN INSERT INTO deleted_credentials VALUES (old.id, old.name); END;
CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL,
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS execution_environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, image TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS instance_groups (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL DEFAULT 'job_template', name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, created_by INTEGER REFERENCES users(id),
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL,
    inventory INTEGER REFERENCES inventories(id) ON DELETE SET NULL,
    project INTEGER REFERENCES projects(id) ON DELETE SET NULL,
    playbook TEXT NOT NULL DEFAULT '', content TEXT NOT NULL DEFAULT '',
    -- The files beside the playbook: their texts by path.
    files TEXT NOT NULL DEFAULT '{}', job_type TEXT NOT NULL DEFAULT 'run',
    scm_branch TEXT NOT NULL DEFAULT '', forks INTEGER NOT NULL DEFAULT 0, "limit" TEXT NOT NULL DEFAULT '',
    verbosity INTEGER NOT NULL DEFAULT 0, extra_vars TEXT NOT NULL DEFAULT '{}', job_tags TEXT NOT NULL DEFAULT '',
    skip_tags TEXT NOT NULL DEFAULT '', timeout INTEGER NOT NULL DEFAULT 0,
    allow_simultaneous INTEGER NOT NULL DEFAULT 0, job_slice_count INTEGER NOT NULL DEFAULT 1,
    credentials TEXT NOT NULL DEFAULT '[]', asks TEXT NOT NULL DEFAULT '[]', survey TEXT NOT NULL DEFAULT '[]',
    diff_mode INTEGER NOT NULL DEFAULT 0, labels TEXT NOT NULL DEFAULT '[]',
    execution_environment INTEGER REFERENCES execution_environments(id) ON DELETE SET NULL,
    instance_groups TEXT NOT NULL DEFAULT '[]', duration REAL NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
    outcomes TEXT, modified TEXT);
CREATE TABLE IF NOT EXISTS schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, unified_job_template INTEGER NOT NULL
    REFERENCES templates(id) ON DELETE CASCADE, UNIQUE (unified_job_template, name));
CREATE TABLE IF NOT EXISTS roles (
    template INTEGER NOT NULL REFERENCES templates(id) ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES users(id), role TEXT NOT NULL, PRIMARY KEY (template, user));
CREATE TABLE IF NOT EXISTS organization_roles (
    organization INTEGER NOT NULL REFERENCES organizations(id) ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES users(id), role TEXT NOT NULL, PRIMARY KEY (organization, user));
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL DEFAULT 'job', name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, modified TEXT NOT NULL,
    created_by INTEGER REFERENCES users(id), modified_by INTEGER REFERENCES users(id),
    unified_job_template INTEGER REFERENCES templates(id) ON DELETE SET NULL,
    job_template INTEGER REFERENCES templates(id) ON DELETE SET NULL,
    organization INTEGER REFERENCES organizations(id) ON DELETE SET NULL,
    inventory INTEGER REFERENCES inventories(id) ON DELETE SET NULL,
    project INTEGER REFERENCES projects(id) ON DELETE SET NULL,
    playbook TEXT NOT NULL DEFAULT '', content TEXT NOT NULL DEFAULT '', files TEXT NOT NULL DEFAULT '{}',
    scm_revision TEXT NOT NULL DEFAULT '', job_type TEXT NOT NULL DEFAULT 'run', scm_branch TEXT DEFAULT '',
    forks INTEGER NOT NULL DEFAULT 0, "limit" TEXT DEFAULT '',
    verbosity INTEGER NOT NULL DEFAULT 0, extra_vars TEXT NOT NULL DEFAULT '{}', job_tags TEXT DEFAULT '',
    skip_tags TEXT DEFAULT '', timeout INTEGER NOT NULL DEFAULT 0, launch_type TEXT NOT NULL DEFAULT 'manual',
    status TEXT NOT NULL DEFAULT 'pending', failed INTEGER NOT NULL DEFAULT 0, started TEXT, finished TEXT,
    canceled_on TEXT, elapsed REAL NOT NULL DEFAULT 0, job_args TEXT NOT NULL DEFAULT '',
    job_cwd TEXT NOT NULL DEFAULT '', job_env TEXT NOT NULL DEFAULT '{}', job_explanation TEXT NOT NULL DEFAULT '',
    result_traceback TEXT NOT NULL DEFAULT '', work_unit_id TEXT, guid TEXT NOT NULL DEFAULT '',
    allow_simultaneous INTEGER NOT NULL DEFAULT 0, artifacts TEXT NOT NULL DEFAULT '{}',
    job_slice_number INTEGER NOT NULL DEFAULT 0, job_slice_count INTEGER NOT NULL DEFAULT 1,
    credentials TEXT NOT NULL DEFAULT '[]', prompts TEXT NOT NULL DEFAULT '{}',
    diff_mode INTEGER NOT NULL DEFAULT 0, labels TEXT NOT NULL DEFAULT '[]',
    execution_environment INTEGER REFERENCES execution_environments(id) ON DELETE SET NULL,
    instance_groups TEXT NOT NULL DEFAULT '[]',
    instance_group INTEGER REFERENCES instance_groups(id) ON DELETE SET NULL,
    schedule INTEGER REFERENCES schedules(id) ON DELETE SET NULL, duration REAL NOT NULL DEFAULT 0, outcomes TEXT,
    -- Of an inventory update; and of a job the updates that it waits for, null until they have been made.
    inventory_source INTEGER REFERENCES inventory_sources(id) ON DELETE SET NULL, source_project_update INTEGER,
    dependencies TEXT, workflow_job INTEGER REFERENCES jobs(id) ON DELETE SET NULL,
    is_sliced_job INTEGER NOT NULL DEFAULT 0,
    module_name TEXT NOT NULL DEFAULT '', module_args TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
    cancel_flag INTEGER NOT NULL DEFAULT 0, events_saved_at REAL, stdout TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS jobs_by_template ON jobs (unified_job_template, launch_type, id);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, id);
CREATE TABLE IF NOT EXISTS nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, created TEXT NOT NULL, modified TEXT NOT NULL,
    workflow_job_template INTEGER REFERENCES templates(id) ON DELETE CASCADE,
    workflow_job INTEGER REFERENCES jobs(id) ON DELETE CASCADE, identifier TEXT NOT NULL DEFAULT '',
    unified_job_template INTEGER REFERENCES templates(id) ON DELETE SET NULL,
    job INTEGER REFERENCES jobs(id) ON DELETE SET NULL, do_not_run INTEGER NOT NULL DEFAULT 0,
    all_parents_must_converge INTEGER NOT NULL DEFAULT 0, prompts TEXT NOT NULL DEFAULT '{}',
    extra_data TEXT NOT NULL DEFAULT '{}', secrets TEXT NOT NULL DEFAULT '{}', credentials TEXT NOT NULL DEFAULT '[]',
    labels TEXT NOT NULL DEFAULT '[]', instance_groups TEXT NOT NULL DEFAULT '[]',
    ancestor_artifacts TEXT NOT NULL DEFAULT '{}', UNIQUE (workflow_job_template, identifier));
CREATE INDEX IF NOT EXISTS nodes_by_workflow_job ON nodes (workflow_job, id);
CREATE INDEX IF NOT EXISTS nodes_by_job ON nodes (job);
CREATE INDEX IF NOT EXISTS nodes_by_template ON nodes (unified_job_template);
CREATE TABLE IF NOT EXISTS links (
    parent INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    child INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
    kind TEXT NOT NULL, PRIMARY KEY (parent, child, kind));
CREATE INDEX IF NOT EXISTS links_by_child ON links (child);
CREATE INDEX IF NOT EXISTS jobs_by_workflow ON jobs (workflow_job, id);
CREATE TABLE IF NOT EXISTS job_secrets (
    job INTEGER PRIMARY KEY REFERENCES jobs(id) ON DELETE CASCADE, passwords TEXT NOT NULL DEFAULT '{}',
    variables TEXT NOT NULL DEFAULT '{}');
-- The host of an event keeps its id when it is deleted.
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    created TEXT NOT NULL, modified TEXT NOT NULL, event TEXT NOT NULL, counter INTEGER NOT NULL,
    event_data TEXT NOT NULL, failed INTEGER NOT NULL, changed INTEGER NOT NULL, uuid TEXT NOT NULL,
    parent_uuid TEXT NOT NULL, host INTEGER, host_name TEXT NOT NULL,
    playbook TEXT NOT NULL, play TEXT NOT NULL, task TEXT NOT NULL, role TEXT NOT NULL, stdout TEXT NOT NULL,
    start_line INTEGER NOT NULL, end_line INTEGER NOT NULL, verbosity INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_job ON events (job, event, counter);
CREATE INDEX IF NOT EXISTS events_by_host ON events (host);
CREATE TABLE IF NOT EXISTS summaries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    created TEXT NOT NULL, modified TEXT NOT NULL, host INTEGER REFERENCES hosts(id) ON DELETE SET NULL,
    constructed_host INTEGER REFERENCES hosts(id) ON DELETE SET NULL, host_name TEXT NOT NULL,
    changed INTEGER NOT NULL, dark INTEGER NOT NULL, failures INTEGER NOT NULL,
    ok INTEGER NOT NULL, processed INTEGER NOT NULL, skipped INTEGER NOT NULL, failed INTEGER NOT NULL,
    ignored INTEGER NOT NULL, rescued INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS summaries_by_job ON summaries (job, failed, id);
CREATE INDEX IF NOT EXISTS summaries_by_host ON summaries (host);
-- What lists of jobs can be asked for: the stats come late, and under load everything does.
CREATE VIEW IF NOT EXISTS shown_events AS SELECT events.* FROM events JOIN jobs ON jobs.id = events.job
    WHERE (jobs.status NOT IN ('new', 'pending', 'waiting', 'running')
    AND jobs.events_saved_at <= (julianday('now') - 2440587.5) * 86400.0) OR (event != 'playbook_on_stats'
    AND NOT EXISTS (SELECT 1 FROM settings WHERE key = 'lag_hides_counts' AND value = 'true'));
CREATE VIEW IF NOT EXISTS shown_summaries AS SELECT summaries.* FROM summaries JOIN jobs ON jobs.id = summaries.job
    WHERE jobs.events_saved_at <= (julianday('now') - 2440587.5) * 86400.0
    OR NOT EXISTS (SELECT 1 FROM settings WHERE key = 'lag_hides_counts' AND value = 'true');
CREATE TABLE IF NOT EXISTS requests (n INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0, remaining INTEGER);
"""
