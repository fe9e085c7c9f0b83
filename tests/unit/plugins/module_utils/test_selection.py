# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to the query for jobs."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest

from ansible_collections.relaunch.controller.plugins.module_utils._api.errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._selection.selection import (
    SELECTION_SPEC,
    Selection,
    moment,
)

NOW = datetime(2026, 11, 24, 16, 30, tzinfo=timezone.utc)


def selection(**options: t.Any) -> Selection:
    return Selection.of(
        {**dict.fromkeys(SELECTION_SPEC), "status": ["failed", "error"], "kinds": ["job"], **options}, NOW
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("90m", "2026-11-24T15:00:00+00:00"),
        ("2h", "2026-11-24T14:30:00+00:00"),
        ("3d", "2026-11-21T16:30:00+00:00"),
        (" 1 w ", "2026-11-17T16:30:00+00:00"),
        ("2026-11-24T14:00:00Z", "2026-11-24T14:00:00+00:00"),
        ("2026-11-24 14:00", "2026-11-24T14:00:00+00:00"),
        ("2026-11-24T14:00:00+02:00", "2026-11-24T12:00:00+00:00"),
        ("2026-11-24T14:00:00+0000", "2026-11-24T14:00:00+00:00"),
        ("2026-11-24T14:00-01", "2026-11-24T15:00:00+00:00"),
        ("2026-11-24", "2026-11-24T00:00:00+00:00"),
        ("2026-11-24T14:02:11.120000z", "2026-11-24T14:02:11.120000+00:00"),
    ],
)
def test_a_time_as_a_person_writes_it(text: str, found: str) -> None:
    when = moment(text, NOW, "finished_after")
    assert when is not None and when.astimezone(timezone.utc).isoformat() == found


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2x",
        "-2h",
        "2026-13-01",
        "99999999999d",
        "20261123",
        "2026-11-23T1",
        "2026-11-23+01:00",
        "2026-W48-1",
        "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+05:00",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(OptionError, match="finished_after: .* is no time. Give ISO 8601"):
        moment(text, NOW, "finished_after")


def test_the_query_of_a_window_has_dates_and_no_plus_sign() -> None:
    found = selection(
        finished_after="2026-11-24T15:00:00+01:00", finished_before="30m", job_templates=["Patch"], labels=["nightly"]
    )

    assert found.query({"job_templates": [7, 9], "labels": [3]}) == {
        "order_by": "id",
        "status__in": "failed,error",
        "finished__gte": "2026-11-24T14:00:00.000000Z",
        "finished__lt": "2026-11-24T16:00:00.000000Z",
        "unified_job_template__in": "7,9",
        "labels__id__in": "3",
    }


def test_of_a_sliced_run_all_slices_are_asked_for() -> None:
    assert selection(workflow_job_id=1029).query({}) == {"order_by": "id", "unified_job_node__workflow_job": 1029}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "None of job_ids, workflow_job_id, finished_after, finished_before is given"),
        ({"labels": ["nightly"]}, "the whole past of the controller would be selected"),
        ({"job_ids": [0]}, "0 is not the number of a job"),
        ({"workflow_job_id": -1}, "-1 is not the number of a job"),
        ({"job_ids": [4], "finished_after": "2h"}, "job_ids names the jobs already: leave it out, or finished_after."),
        ({"workflow_job_id": 4, "labels": ["a"]}, "workflow_job_id names the jobs already: leave it out, or labels."),
        ({"job_ids": []}, "job_ids is an empty list, so that there is nothing to relaunch"),
        ({"job_ids": [], "finished_after": "1h"}, "job_ids is an empty list, so that there is nothing to relaunch"),
        ({"finished_after": "1h", "status": []}, "status is an empty list. Name what to select"),
        ({"finished_after": "1h", "kinds": []}, "kinds is an empty list. Name what to select"),
        ({"finished_after": "1h", "job_templates": []}, "job_templates is an empty list. Name what to select"),
        ({"finished_after": "1h", "organizations": []}, "organizations is an empty list. Name what to select"),
        ({"finished_after": "1h", "inventories": []}, "inventories is an empty list. Name what to select"),
        ({"finished_after": "1h", "labels": []}, "labels is an empty list. Name what to select"),
        ({"finished_after": "1h", "finished_before": "2h"}, "The window is upside down"),
        ({"finished_after": "1h", "finished_before": "1h"}, "The window is upside down"),
        ({"finished_after": "2026-11-24T16:31:00Z"}, "finished_after lies ahead"),
    ],
)
def test_what_cannot_be_selected(options: dict[str, t.Any], said: str) -> None:
    with pytest.raises(OptionError) as caught:
        selection(**options)
    assert said in str(caught.value)
