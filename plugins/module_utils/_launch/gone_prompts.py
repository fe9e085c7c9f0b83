# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a job was launched with something that is not there any more, so that its relaunch would be without it.

What was deleted drops out of a job and out of its prompts without a word, and a relaunch takes what the template has
(recorded: prompts-credential-deleted, post-cred-deleted). That is asked for as little as it takes. Private to this
collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._api.client import ControllerClient
from .._api.errors import AnswerError
from .._api.jobs import Job, join, parse_time, summary_of
from .._api.kinds import JOB
from .template_launch import ASKS

_CREDENTIAL = "credential"
_ENVIRONMENT = "execution environment"
_GROUP = "instance group"
_LABEL = "label"

# Of what may be gone, that of which the activity stream tells what it was.
_TOLD_BY_LAUNCH = frozenset({_CREDENTIAL, _ENVIRONMENT})
# By what may be gone, the change that puts another in its place.
_CHANGED_BY = {_CREDENTIAL: "credentials", _ENVIRONMENT: "execution_environment", _LABEL: "labels"}
_PROMPTS = {**_CHANGED_BY, _GROUP: "instance_groups"}
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


def read_objection(
    client: ControllerClient,
    source: Job,
    asks_credentials: t.Callable[[], t.Optional[bool]],
    changes: t.Collection[str] = (),
    template: t.Optional[Facts] = None,
) -> Objection:
    """What speaks against the relaunch of a job.

    :param asks_credentials: whether its template asks for credentials at launch, so that one of several may have been
        a prompt that is gone; None where that is not known.
    :param changes: names of what is given anew, so that it does not matter what has become of it.
    :param template: its template, where that has been read.
    :raises ControllerError: what has to be known could not be read. What this user may not see does not count.
    """
    found = [what for what in _signs(source) if _CHANGED_BY.get(what) not in changes]
    launched: t.Optional[Facts] = None
    if not found:
        # Of several credentials nothing but the launch tells that one is gone.
        doubtful = _may_lack_one(source) and _CHANGED_BY[_CREDENTIAL] not in changes
        launched = _launch_of(client, source) if doubtful and asks_credentials() is not False else None
        if launched is None or not any(_gone(source, None, launched)):
            return Objection()
    template = template or _seen(client, f"job_templates/{source.template}/")
    # What a template does not ask for was no prompt.
    prompted = {what for what in found if template is None or _asked_for(template, what)}
    if prompted & _TOLD_BY_LAUNCH:
        launched = _launch_of(client, source)
    refusals, warnings = [], []
    edited = template is not None and parse_time(template.get("modified")) > source.created
    for what, said in _gone(source, template, launched):
        if _CHANGED_BY.get(what) in changes:
            continue
        asked = template is None or _asked_for(template, what)
        # A template may have been given a credential since, which leaves its date alone.
        known = launched is not None or what != _CREDENTIAL
        if asked and known and not edited:
            refusals.append(said)
        elif what != _GROUP:
            warnings.append(said)
    return Objection("; ".join(refusals), "; ".join(warnings))


def _launch_of(client: ControllerClient, source: Job) -> t.Optional[Facts]:
    """What the activity stream says that a job was launched with, the ``changes`` of the entry about that (recorded:
    find-activity); None where this user may not see it, or it is not kept.
    """
    stream = _seen(client, JOB.at(source.id, "activity_stream"), operation="create", page_size=1)
    entries = (stream or {}).get("results") or [{}]
    changes: t.Optional[Facts] = entries[0].get("changes")
    return changes


def _seen(client: ControllerClient, path: str, **query: t.Any) -> t.Optional[Facts]:
    """What is there; None where this user may not see it, or the controller has none."""
    try:
        return client.get(path, **query)
    except AnswerError as error:
        if error.transient:
            raise
        return None


def _signs(source: Job) -> t.Iterator[str]:
    """What of a job may be gone, by its facts alone: a job that has run had an execution environment and an instance
    group, and most have a credential.

    Of a job that shows some credentials only its launch tells that one is gone; see ``_may_lack_one``.
    """
    if source.template is None:
        # Its relaunch takes all from the job itself.
        return
    if (source.facts.get("summary_fields") or {}).get("credentials") == []:
        yield _CREDENTIAL
    if source.began and source.facts.get("started"):
        for what, key in ((_ENVIRONMENT, "execution_environment"), (_GROUP, "instance_group")):
            if key in source.facts and source.facts[key] is None:
                yield what


def _may_lack_one(source: Job) -> bool:
    """Whether a job shows credentials and none for its hosts' machines, so that one for these may be gone.

    A job that shows that one has most probably lost nothing: whether its others are all there is not worth a request.
    """
    shown = summary_of(source.facts, "credentials") or ()
    return source.template is not None and bool(shown) and all(one.get("kind") != "ssh" for one in shown)


def _asked_for(template: Facts, what: str) -> bool:
    """Whether a template asks for this at launch, so that it may have been a prompt."""
    return bool(template.get(ASKS[_PROMPTS[what]]))


def _replacing(of: Facts, source: Job) -> tuple[str, ...]:
    """The names of a template's, or another job's, credentials that a job does not show."""
    shown = _numbers(source)
    return tuple(str(one.get("name")) for one in summary_of(of, "credentials") or () if one.get("id") not in shown)


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
    found = list(_signs(source))
    if _CREDENTIAL in found or launched is not None:
        said = _gone_credentials(source, template, launched)
        if said:
            yield _CREDENTIAL, said
    if _ENVIRONMENT in found and (launched is None or launched.get("execution_environment")):
        name = summary_of(template or {}, "execution_environment").get("name") or "the default one"
        # The activity stream writes its number behind a hyphen.
        had = re.sub(r"-\d+$", "", f" {launched['execution_environment']}") if launched else " that it ran in"
        yield _ENVIRONMENT, f"the execution environment{had} is gone, and a relaunch takes {name}"
    if _GROUP in found:
        yield _GROUP, "the instance group that it ran in is gone, and a relaunch takes others"
    if launched is not None:
        labels = source.summary("labels")
        shown = {str(one.get("name")) for one in labels.get("results") or ()}
        missing = [name for name in launched.get("labels") or () if name not in shown]
        # The controller shows the first ten of many.
        if missing and int(labels.get("count") or 0) <= len(shown):
            yield _LABEL, f"the label {join(missing)} is gone"


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
