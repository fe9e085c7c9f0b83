# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts that a relaunch would have, side by side with its source, and sentences about its hosts. Nothing is asked.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._api.jobs import Job, counted, join, names_in, summary_of
from .._launch.changes import variables_shown
from .._work.decision import Launch
from .._work.ledger import Ledger
from .._work.same_work import ONE_OBJECT, by_number, survey_defaults, survey_kinds, variables_in, variables_of
from .work import JobWork, host_names

_Facts = t.Mapping[str, t.Any]

# What a job takes over from its template where it is not prompted for it, and is shown as it is. Of ONE_OBJECT, which
# it takes over as well, the name is shown.
_PLAIN = ("job_type", "limit", "job_tags", "skip_tags", "scm_branch", "verbosity")
_CREDENTIALS = "credentials"
# What --diff shows of a source and its relaunch, beside what is changed.
COMPARED = ("status", "launch_type", *_PLAIN, *ONE_OBJECT, _CREDENTIALS, "extra_vars")
# Not shown where it is open: the controller chooses an execution environment at the start of a job that has none.
_MAY_BE_OPEN = ("execution_environment", _CREDENTIALS)
# A job may have several of these kinds, or the kind does not tell.
_SEVERAL_OF_A_KIND = ("vault", None)


@dataclass(frozen=True)
class Basis:
    """What the controller makes another job of a template from.

    :param template: its detail; empty where this user may not see it.
    :param survey: the questions of its survey; None where they are not known.
    :param prompts: those of the source; None where they are not known.
    :param credentials: those that are given in the place of prompted ones; None where none are.
    """

    template: _Facts
    survey: t.Optional[t.Sequence[_Facts]] = None
    prompts: t.Optional[_Facts] = None
    credentials: t.Optional[t.Sequence[_Facts]] = None


def on(failed_hosts: t.Collection[str]) -> str:
    """What a relaunch runs on, for a sentence; none: on all."""
    if not failed_hosts:
        return "all its hosts"
    return f"{counted(len(failed_hosts), 'failed host')}: {join(failed_hosts)}"


def once_more(ledger: Ledger, decision: Launch, limit: t.Collection[str], how: str) -> str:
    """The sentence about hosts that run once more though they are done: a relaunch runs on all of a job's failed hosts.

    :param limit: the names of these.
    :param how: the beginning of it.
    """
    # Those that are due may have names by now that others had.
    names = frozenset(limit).difference(host.name for host in decision.due)
    done = [host for host in ledger.hosts or () if host.done_in is not None and host.names & names]
    said = f"{how} once more on {join(host_names(done))}, which had succeeded since."
    return said if decision.due and done else ""


def future_facts(source: Job, basis: Basis, given: _Facts) -> dict[str, t.Any]:
    """What would be the facts of a job that is not launched: the template as it is now with the source's prompts, or
    the source's own facts where one of these is not known.

    :param given: what it is given beside the prompts, which counts before them; ``extra_vars`` are merged with them.
        Of ONE_OBJECT the object, of which the name is shown, or its number.
    """
    known = bool(basis.template) and basis.prompts is not None
    template: _Facts = {**source.facts, **basis.template} if known else source.facts
    prompts: _Facts = (basis.prompts or {}) if known else {}
    survey = basis.survey if known else ()
    facts = {**source.facts, **{name: template.get(name) for name in (*_PLAIN, *ONE_OBJECT)}, **prompts, **given}
    # Without its questions nothing tells which of a source's variables were their defaults.
    own = source.facts if survey is None else template
    variables = {**variables_in(own), **survey_defaults(survey or ()), **variables_in(prompts), **variables_in(given)}
    facts["extra_vars"] = variables_shown(source, variables, survey_kinds(survey or ()))
    summaries: dict[str, t.Any] = {}
    for name in ONE_OBJECT:
        number = facts[name] = by_number(name, facts[name])
        candidates = (given.get(name), prompts.get(name), summary_of(template, name), source.summary(name))
        summaries[name] = next((one for one in candidates if isinstance(one, dict) and one.get("id") == number), {})
    # Those that are given are added to the template's.
    own_labels = {one["id"] for one in summary_of(template, "labels").get("results") or ()}
    summaries["labels"] = {"results": [{"id": number} for number in own_labels.union(given.get("labels", ()))]}
    own_credentials = summary_of(template, _CREDENTIALS) or ()
    if basis.credentials is None:
        had = {one["id"] for one in summary_of(source.facts, _CREDENTIALS) or ()}
        summaries[_CREDENTIALS] = _merged(own_credentials, prompts.get(_CREDENTIALS) or (), had)
    else:
        summaries[_CREDENTIALS] = _merged(own_credentials, basis.credentials)
    return {**facts, "summary_fields": summaries}


def _merged(
    own: t.Sequence[_Facts], given: t.Sequence[_Facts], beside: t.Collection[int] = ()
) -> t.Optional[list[_Facts]]:
    """The credentials of a job: of two of a kind the one that is not the template's counts (recorded:
    launch-two-of-a-kind).

    :param own: those of its template.
    :param beside: the numbers of those that another job has had beside the given ones.
    :returns: None where the kinds do not tell.
    """
    numbers, kinds, kept = {one["id"] for one in given}, {one.get("kind") for one in given}, list(given)
    for one in own:
        if one["id"] in numbers:
            continue
        if one["id"] in beside or one.get("kind") not in kinds:
            kept.append(one)
        elif one.get("kind") in _SEVERAL_OF_A_KIND:
            return None
    return kept


def side_by_side(work: JobWork, facts: _Facts, header: str) -> t.Optional[dict[str, t.Any]]:
    """With ``--diff``, source and relaunch beside each other.

    :param facts: of the new job, or in check mode ``future_facts``.
    """
    if not work.request.diff:
        return None
    names = dict.fromkeys((*COMPARED, *work.request.changes))
    before, after = values_shown(work.source, names), values_shown(Job(facts), names)
    for name in _MAY_BE_OPEN:
        if after[name] is None:
            del before[name], after[name]
    return dict(before=before, after=after, before_header=f"job {work.source.id}", after_header=header)


def values_shown(job: Job, names: t.Iterable[str]) -> dict[str, t.Any]:
    """What a job has, to be shown beside another: by name what has one in its summaries, else by number."""
    return {name: _value_shown(job, name) for name in names}


def _value_shown(job: Job, name: str) -> t.Any:
    found = job.facts.get(name)
    if name == "extra_vars":
        return variables_of(found)
    if name == "labels":
        return sorted(one["id"] for one in summary_of(job.facts, name).get("results") or ())
    if name == _CREDENTIALS:
        entries = (job.facts.get("summary_fields") or {}).get(name, ())
        return None if entries is None else sorted((one.get("name") or one["id"] for one in entries), key=str)
    if name in ("job_tags", "skip_tags"):
        return ",".join(sorted(names_in(found)))
    if name in ONE_OBJECT and summary_of(job.facts, name).get("id") == found:
        return summary_of(job.facts, name).get("name") or found
    return found
