# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a job was launched with something that is not there any more, so that its relaunch would be without it.

What was deleted drops out of a job and out of its prompts without a word, and a relaunch takes what the template has
(recorded: prompts-credential-deleted, post-cred-deleted). Pure. Private to this collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._api.jobs import Job, join, parse_time, summary_of
from .template_launch import ASKS

CREDENTIAL = "credential"
ENVIRONMENT = "execution environment"
GROUP = "instance group"
LABEL = "label"

# Of what may be gone, that of which the activity stream tells what it was.
TOLD_BY_LAUNCH = frozenset({CREDENTIAL, ENVIRONMENT})
# By what may be gone, the change that puts another in its place.
CHANGED_BY = {CREDENTIAL: "credentials", ENVIRONMENT: "execution_environment", LABEL: "labels"}
_PROMPTS = {**CHANGED_BY, GROUP: "instance_groups"}
# As the activity stream writes a credential: its name and its number (recorded: find-activity).
_NUMBERED = re.compile(r"(.*) \((\d+)\)$", re.DOTALL)

Facts = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Objection:
    """What speaks against a relaunch, as sentences without their beginning; empty where nothing does.

    :param refusal: it would not be what was launched.
    :param warning: it may be meant, since the template was edited since, or never asked for it.
    """

    refusal: str = ""
    warning: str = ""

    def caution(self, what: str) -> str:
        """The warning as two sentences; empty where there is none.

        :param what: names what was launched.
        """
        if not self.warning:
            return ""
        return (
            f"{what}: {self.warning}. That may be meant: its template was edited since, or does not ask for it at "
            "launch."
        )


def signs(source: Job) -> tuple[str, ...]:
    """What of a job may be gone, by its facts alone: a job that has run had an execution environment and an instance
    group, and most have a credential.

    Of a job that shows some credentials only its launch tells that one is gone; see ``may_lack_one``.
    """
    if source.template is None:
        # Its relaunch takes all from the job itself.
        return ()
    found = []
    if (source.facts.get("summary_fields") or {}).get("credentials") == []:
        found.append(CREDENTIAL)
    if source.began and source.facts.get("started"):
        for what, key in ((ENVIRONMENT, "execution_environment"), (GROUP, "instance_group")):
            if key in source.facts and source.facts[key] is None:
                found.append(what)
    return tuple(found)


def may_lack_one(source: Job) -> bool:
    """Whether a job shows credentials and none for its hosts' machines, so that one for these may be gone.

    A job that shows that one has most probably lost nothing: whether its others are all there is not worth a request.
    """
    shown = summary_of(source.facts, "credentials") or ()
    return source.template is not None and bool(shown) and all(one.get("kind") != "ssh" for one in shown)


def lacks_of_launch(source: Job, launched: t.Optional[Facts]) -> bool:
    """Whether a job does not show all any more that it was launched with, as far as that is told.

    :param launched: as of ``objection``.
    """
    return launched is not None and any(_gone(source, None, launched))


def asked_for(template: Facts, what: str) -> bool:
    """Whether a template asks for this at launch, so that it may have been a prompt."""
    return bool(template.get(ASKS[_PROMPTS[what]]))


def _replacing(of: Facts, source: Job) -> tuple[str, ...]:
    """The names of a template's, or another job's, credentials that a job does not show."""
    shown = _numbers(source)
    return tuple(str(one.get("name")) for one in summary_of(of, "credentials") or () if one.get("id") not in shown)


def objection(
    source: Job, template: t.Optional[Facts], launched: t.Optional[Facts], changes: t.Collection[str] = ()
) -> Objection:
    """What speaks against the relaunch of a job that has ``signs``, or ``lacks_of_launch``.

    :param template: its template in detail; None where that may not be read.
    :param launched: ``changes`` of the entry about its launch in the activity stream (recorded: find-activity), which
        says what it was launched with; None where that may not be read, or is not kept any more.
    :param changes: names of what is given anew.
    """
    refusals, warnings = [], []
    edited = template is not None and parse_time(template.get("modified")) > source.created
    gone = _gone(source, template, launched)
    for what, said in (one for one in gone if CHANGED_BY.get(one[0]) not in changes):
        asked = template is None or asked_for(template, what)
        # A template may have been given a credential since, which leaves its date alone.
        known = launched is not None or what != CREDENTIAL
        if asked and known and not edited:
            refusals.append(said)
        elif what != GROUP:
            warnings.append(said)
    return Objection("; ".join(refusals), "; ".join(warnings))


def other_credentials(source: Job, new: Job) -> str:
    """The warning about credentials of a new job that its source does not show; empty where there are none.

    A template's own ones may have been changed since, which is the usual repair; of several prompted ones one may be
    gone.
    """
    other = _replacing(new.facts, source)
    if not (_numbers(source) and other):
        return ""
    return (
        f"Job {new.id} runs with the credential {join(other)}, which job {source.id} does not have: its template was "
        "edited since, or a credential that was given at its launch is gone."
    )


def _gone(source: Job, template: t.Optional[Facts], launched: t.Optional[Facts]) -> t.Iterator[tuple[str, str]]:
    """What is gone, with a sentence about it."""
    found = signs(source)
    if CREDENTIAL in found or launched is not None:
        said = _gone_credentials(source, template, launched)
        if said:
            yield CREDENTIAL, said
    if ENVIRONMENT in found and (launched is None or launched.get("execution_environment")):
        name = summary_of(template or {}, "execution_environment").get("name") or "the default one"
        had = f" {_without_number(launched['execution_environment'])}" if launched else " that it ran in"
        yield ENVIRONMENT, f"the execution environment{had} is gone, and a relaunch takes {name}"
    if GROUP in found:
        yield GROUP, "the instance group that it ran in is gone, and a relaunch takes others"
    if launched is not None:
        labels = source.summary("labels")
        shown = {str(one.get("name")) for one in labels.get("results") or ()}
        missing = [name for name in launched.get("labels") or () if name not in shown]
        # The controller shows the first ten of many.
        if missing and int(labels.get("count") or 0) <= len(shown):
            yield LABEL, f"the label {join(missing)} is gone"


def _gone_credentials(source: Job, template: t.Optional[Facts], launched: t.Optional[Facts]) -> str:
    other = _replacing(template or {}, source)
    then = f"a relaunch takes {join(other)}" if other else "a relaunch has none in its place"
    if launched is not None:
        matches = filter(None, map(_NUMBERED.match, map(str, launched.get("credentials") or ())))
        gone = [match[1] for match in matches if int(match[2]) not in _numbers(source)]
        then = "a relaunch is without it" if _numbers(source) else then
        return f"the credential {join(gone)} that it was launched with is gone, and {then}" if gone else ""
    return f"it shows no credential any more, and {then}" if other else ""


def _numbers(job: Job) -> frozenset[t.Any]:
    return frozenset(one.get("id") for one in summary_of(job.facts, "credentials") or ())


def _without_number(text: t.Any) -> str:
    """The name of what the activity stream writes with its number behind a hyphen."""
    return re.sub(r"-\d+$", "", str(text))
