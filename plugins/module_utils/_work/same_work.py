# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether two jobs are the same work, their limits aside.

A relaunch carries no pointer to its source. It is the template as it is by then, with the source's prompts: where the
template was edited in between their values differ, and their prompts do not.

Private to this collection.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from .._api.client import ControllerClient
from .._api.errors import OF_ONE_ADDRESS, ControllerError, if_visible
from .._api.jobs import Job, is_of_one_address, names_in, parse_time, summary_of
from .._api.kinds import JOB
from .._api.libraries import parse
from .._api.templates import read_job_template

# What the controller shows in place of a secret (recorded: prompts-sv-mask).
MASK = "$encrypted$"
UNCOMPARED = "A secret among its variables could not be compared, since the controller shows none."

# What a relaunch takes over and every list of jobs shows, beside the limit and the job type.
_SCALARS = (
    "inventory", "execution_environment", "scm_branch", "forks", "verbosity", "diff_mode", "timeout",
    "job_slice_number", "job_slice_count",
)  # fmt: skip
_NAMES = ("job_tags", "skip_tags")
# The kinds of questions that a text answers.
_TEXTS_OF_SURVEY = ("text", "textarea", "password")
# What a workflow job is launched with, beside variables.
_OF_WORKFLOW = ("inventory", "limit", "scm_branch", "job_tags", "skip_tags")

# Prompts that say nothing of whether the work is the same: the limit is compared by its hosts, the job type with the
# one that is wanted.
_OTHERWISE_COMPARED = frozenset({"limit", "job_type"})
# Of these the controller shows much that changes by itself, such as the counters of an inventory (recorded:
# prompts-full): the number is what counts.
ONE_OBJECT = ("inventory", "execution_environment")
_SETS_BY_NUMBER = ("credentials", "labels")
SEVERAL_OBJECTS = (*_SETS_BY_NUMBER, "instance_groups")

# Where a job keeps its values.
_VALUES = "_values"

# What stands in the row of a template itself. Credentials and labels stand beside it, and an edit of them leaves its
# date alone, as does an edit of a survey, whose defaults become variables.
_IN_TEMPLATE = tuple(name for name in _SCALARS if name != "execution_environment")
# A launch under way during an edit may be that much younger than the edit.
_LAUNCH_TAKES = timedelta(seconds=10)

# By these a job may start other tasks of its playbook, or of another one.
_CHOOSE_TASKS = frozenset({"job_tags", "skip_tags", "scm_branch"})

# Normalised values, or prompts, as text: equal where they are.
Fingerprint = str
_fingerprint = json.JSONEncoder(sort_keys=True, default=str).encode

# What a template has given a job: equal where it was the same.
Given = tuple[t.Any, ...]
# A template by its number, or by the name that it had where it was deleted.
TemplateOrName = t.Union[int, str]
# With the number of a job that is asked about by itself.
_Key = tuple[TemplateOrName, Fingerprint, t.Optional[int]]


@dataclass(frozen=True)
class LastEdit:
    """When a template was edited last.

    :param modified: at this moment.
    :param known_to: that was the last edit before this moment.
    :param has_survey: whether variables may come from the defaults of a survey.
    :param asks_credentials: whether it asks for credentials at launch.
    """

    modified: datetime
    known_to: datetime
    has_survey: bool
    asks_credentials: bool

    def left_alone(self, launch: datetime) -> bool:
        """Whether it is as it was at a launch."""
        return self.modified + _LAUNCH_TAKES < launch < self.known_to


@dataclass
class _Met:
    """The jobs of a template that were met.

    :param oldest: when the first of them was made.
    :param of_values: by values, the job with the lowest number, of those whose values were compared.
    :param others: by number, the rest of them.
    """

    oldest: datetime = datetime.max.replace(tzinfo=timezone.utc)
    of_values: dict[Fingerprint, Job] = field(default_factory=dict)
    others: dict[int, Job] = field(default_factory=dict)

    def add(self, job: Job, compared: bool) -> None:
        """Meet one more."""
        self.oldest = min(self.oldest, job.created)
        self.others[job.id] = job
        if compared:
            self._compare()

    def first_like(self, job: Job, lowest: bool) -> Job:
        """One that has the values of a job which was met.

        :param lowest: the one with the lowest number, else any of lower numbers where there is one.
        """
        if lowest or values(job) not in self.of_values:
            self._compare()
        return self.of_values[values(job)]

    def _compare(self) -> None:
        for job in self.others.values():
            first = self.of_values.setdefault(values(job), job)
            if job.id < first.id:
                self.of_values[values(job)] = job
        self.others.clear()


class Prompts:
    """What jobs were launched with beyond their templates, each kind of them asked about once.

    Jobs with equal values are the same work as each other, so that one of them is asked about for all; but where the
    template holds by now what others were launched with.

    :param edited: the last edit of a job's template, where that is known.
    """

    def __init__(self, edited: t.Callable[[Job], t.Optional[LastEdit]] = lambda _job: None) -> None:
        self._edited = edited
        self._known: dict[_Key, t.Optional[Fingerprint]] = {}
        # The jobs that were asked, each for those with its values.
        self._asked: dict[_Key, int] = {}
        self._templates: dict[t.Optional[int], tuple[datetime, t.Optional[Fingerprint]]] = {}
        self._met: dict[TemplateOrName, _Met] = {}
        self._unreadable: dict[int, ControllerError] = {}
        #: Whether jobs that have ended, and whose prompts cannot be read, are no work that is known. Until then it is
        #: an error, with which one tells of them.
        self.unreadable_known = False

    def note(self, job: Job) -> None:
        """Meet a job, so that those with equal values need not be asked about where this one need not."""
        self._met.setdefault(template_or_name(job), _Met()).add(job, compared=True)

    def surely_differ(self, one: Job, other: Job) -> bool:
        """Whether two jobs of a template were launched with different prompts, by their values alone.

        What the row of the template held for both, where it has not been edited in between, can differ by prompts only.
        """
        ours, theirs = self.given_by_template(one), self.given_by_template(other)
        return ours is not None and theirs is not None and ours != theirs

    def given_by_template(self, job: Job) -> t.Optional[Given]:
        """What a template has given a job that was not prompted for it; None where it may have been edited since."""
        edit, met = self._edited(job), self._met.setdefault(template_or_name(job), _Met())
        met.add(job, compared=False)
        if edit is None:
            return None
        # With equal values it is the same work as an older one, whose values need not be known where none is too old.
        none_before = edit.left_alone(met.oldest)
        first = job if none_before and edit.left_alone(job.created) else met.first_like(job, lowest=not none_before)
        return _template_values(job, edit.has_survey) if edit.left_alone(first.created) else None

    def template_left_alone(self, job: Job) -> bool:
        """Whether a job's template is known not to have been edited since."""
        edit = self._edited(job)
        return edit is not None and edit.left_alone(job.created)

    def asks_credentials(self, job: Job) -> t.Optional[bool]:
        """Whether a job's template asks for credentials at launch; None where that is not known."""
        edit = self._edited(job)
        return None if edit is None else edit.asks_credentials

    def of(self, client: ControllerClient, job: Job, itself: bool = False) -> t.Optional[Fingerprint]:
        """A job's prompts; None where they cannot be had.

        :param itself: another one with its values does not tell them.
        :raises ControllerError: they could not be read, though they are there.
        """
        key = _key(job, itself)
        if key not in self._known:
            if job.id in self._unreadable:
                raise self._unreadable[job.id]
            try:
                self._known[key] = prompts(if_visible(lambda: client.get(JOB.at(job.id, "create_schedule"))) or {})
                self._asked[key] = job.id
            except OF_ONE_ADDRESS as error:
                if not error.transient or self.unreadable_known:
                    self._unreadable[job.id] = error
                raise
        return self._known[key]

    def knows(self, job: Job) -> bool:
        """Whether they have been read."""
        return _key(job) in self._known

    def of_another(self, job: Job) -> t.Optional[Fingerprint]:
        """The prompts of another job that was asked for those with its values; None where there is none."""
        key = _key(job)
        return self._known.get(key) if self._asked.get(key, job.id) != job.id else None

    def of_template(self, client: ControllerClient, job: Job) -> t.Optional[Fingerprint]:
        """The values that a job's template has had since it, as far as that is known; None where it is not.

        :raises ControllerError: it could not be read.
        """
        read, found = self._templates.get(job.template, (job.created, None))
        if job.template is not None and read <= job.created:
            read, facts = client.now(), read_job_template(client, job.template)
            found = values(Job(facts)) if facts else None
            self._templates[job.template] = read, found
        return found


class SameWork:
    """Compares jobs with one that is given; asks for prompts only where values differ.

    :param client: the controller.
    :param source: the job that the others are compared with.
    :param job_type: the wanted one, ``run`` or ``check``; None for the source's.
    :param prompts: what is known of them, for several that are compared with the same others; it grows.
    :param changes: what is to be other than the source's prompts, as a launch takes it; the source is other work then.
    """

    def __init__(
        self,
        client: ControllerClient,
        source: Job,
        job_type: t.Optional[str] = None,
        prompts: t.Optional[Prompts] = None,
        changes: t.Optional[t.Mapping[str, t.Any]] = None,
    ) -> None:
        self._client = client
        self._source = source
        self.job_type = job_type or source.job_type
        # Jobs with equal values are the same work as each other, so that one of them is asked about for all.
        self._changes = {name: value for name, value in (changes or {}).items() if name != "job_type"}
        self._prompts = Prompts() if prompts is None else prompts
        #: Whether something is to be other than in the source, so that the source is other work.
        self.changed = not _shows(self._changes, values(source)) or self._may_lose_credentials()
        #: Whether that may be other tasks, so that no end is measured by the source's, nor its by others.
        self.other_tasks = self.changed and bool(_CHOOSE_TASKS & self._changes.keys())
        self._known: dict[Fingerprint, t.Optional[bool]] = {} if self.changed else {values(source): True}
        #: Whether a secret on both sides had to count as equal, since the controller shows none.
        self.masked = MASK in values(source)

    def includes(self, job: Job) -> bool:
        """Whether a job is the same work as the source, and of the wanted type.

        :raises ControllerError: the prompts could not be read, though they are there.
        """
        return job.job_type == self.job_type and self._same(job) is True

    def only_checked(self, job: Job) -> bool:
        """Whether a job is a check run where a run is asked for."""
        return job.job_type != self.job_type == "run"

    def asks_credentials(self) -> t.Optional[bool]:
        """Whether the source's template asks for credentials at launch; None where that is not known."""
        return self._prompts.asks_credentials(self._source)

    def template_left_alone(self) -> bool:
        """Whether the source's template is known not to have been edited since."""
        return self._prompts.template_left_alone(self._source)

    def inventory_now(self) -> t.Optional[int]:
        """The inventory that a relaunch of the source, or a launch with its prompts, would have by now.

        :returns: None where that is not told.
        :raises ControllerError: the template, or the prompts, could not be read, though they are there.
        """
        source = self._source
        if "inventory" in self._changes or source.template is None:
            return t.cast("t.Optional[int]", self._changes.get("inventory", source.inventory))
        if self.template_left_alone():
            return source.inventory
        found = read_job_template(self._client, source.template).get("inventory")
        if found is None or found == source.inventory:
            return source.inventory
        ours = self._prompts.of(self._client, source)
        # One that it was prompted with is its own.
        return source.inventory if ours is None or "inventory" in json.loads(ours) else int(found)

    def may_include(self, job: Job) -> bool:
        """Whether nothing tells that it is other work; its type does not matter.

        :raises ControllerError: as above.
        """
        return self._same(job) is not False

    def given_by_template(self, job: Job) -> t.Optional[Given]:
        """What tells jobs of the source's template apart where it differs; None where it does not tell anything."""
        return None if self._changes else self._prompts.given_by_template(job)

    def surely_excludes(self, job: Job) -> bool:
        """Whether it is known, or shown by values alone, that a job of the same template is other work.

        :raises ControllerError: whether that was edited could not be read.
        """
        found = values(job)
        if not _shows(self._changes, found) or slice_of(job) != slice_of(self._source):
            return True
        if found in self._known:
            return self._known[found] is False and not self._may_be_edited(job)
        other = not self._changes and self._prompts.surely_differ(self._source, job)
        if other:
            self._known[found] = False
        return other

    def _same(self, job: Job) -> t.Optional[bool]:
        """None where values differ and the prompts cannot be had."""
        if not same_template(self._source, job) or self.surely_excludes(job):
            return False
        found = values(job)
        if found not in self._known:
            self._known[found] = self._with_same_prompts(job)
        elif self._known[found] is False:
            return self._with_same_prompts(job, itself=True)
        return self._known[found]

    def _may_be_edited(self, job: Job) -> bool:
        """Whether a job may have from its template what another one with its values was launched with, so that it is
        to be asked about by itself: the template was edited in between.
        """
        theirs = self._prompts.of_another(job)
        ours = self._prompts.of(self._client, self._source) if theirs and self._prompts.knows(self._source) else None
        if theirs is None or ours is None:
            return False
        theirs, ours = _without(self._changes, theirs), _without(self._changes, ours)
        if not _only_lacks_values_of_template(theirs, ours, values(job)):
            return False
        try:
            since = self._prompts.of_template(self._client, job)
        except OF_ONE_ADDRESS:
            return True
        return since is None or _only_lacks_values_of_template(theirs, ours, since)

    def _with_same_prompts(self, job: Job, itself: bool = False) -> t.Optional[bool]:
        ours = self._prompts.of(self._client, self._source)
        try:
            theirs = self._prompts.of(self._client, job, itself)
        except OF_ONE_ADDRESS as error:
            # One that is active may be doing the work.
            if job.active or not (self._prompts.unreadable_known and is_of_one_address(self._client, error)):
                raise
            return None
        if ours is None or theirs is None:
            return None
        if _other_credentials(self._changes, theirs):
            return False
        ours, theirs = _without(self._changes, ours), _without(self._changes, theirs)
        same = ours == theirs or _only_lacks_values_of_template(ours, theirs, values(job))
        self.masked = self.masked or (same and MASK in ours)
        return same

    def _may_lose_credentials(self) -> bool:
        """Whether the source may have been launched with credentials that the changes leave out. Those that it shows
        beside these may be its template's own, which only its prompts tell.
        """
        wanted = self._changes.get("credentials")
        if wanted is None or set(json.loads(values(self._source))["credentials"]) <= set(wanted):
            return False
        ours = self._prompts.of(self._client, self._source)
        return ours is None or _other_credentials(self._changes, ours)


def _shows(changes: t.Mapping[str, t.Any], of_job: Fingerprint) -> bool:
    """Whether a job has what is to be changed, by its values; a secret that the controller masks may be any.

    :param of_job: its values.
    """
    shown = json.loads(of_job) if changes else {}
    for name, value in changes.items():
        found = shown.get(name)
        if name == "extra_vars":
            given = found if isinstance(found, dict) else {}
            fits = all(key in given and _shows_variable(given[key], one) for key, one in value.items())
        elif name in _SETS_BY_NUMBER:
            fits = set(value) <= set(shown["labels"][1] if name == "labels" else shown[name])
        elif name in _NAMES:
            fits = sorted(names_in(value)) == found
        else:
            fits = (found or None) == (value or None)
        if not fits:
            return False
    return True


def _other_credentials(changes: t.Mapping[str, t.Any], shown: Fingerprint) -> bool:
    """Whether a job was launched with credentials that are not among the changed ones, by its prompts: these take the
    place of all that are not its template's own.
    """
    return "credentials" in changes and not set(json.loads(shown).get("credentials", ())) <= set(changes["credentials"])


def _without(changes: t.Mapping[str, t.Any], shown: Fingerprint) -> Fingerprint:
    """Prompts without what is changed, which is compared by its values."""
    if not changes:
        return shown
    prompted = json.loads(shown)
    variables = prompted.get("extra_vars")
    left = {name: value for name, value in prompted.items() if name not in changes or name == "extra_vars"}
    if isinstance(variables, dict):
        kept = {name: value for name, value in variables.items() if name not in changes.get("extra_vars", {})}
        left.pop("extra_vars")
        left.update({"extra_vars": kept} if kept else {})
    return _fingerprint(left)


def _only_lacks_values_of_template(ours: Fingerprint, theirs: Fingerprint, of_theirs: Fingerprint) -> bool:
    """Whether a job was launched with the same prompts but for values that its template had itself by then: these are
    none (recorded: launch-same-as-template).

    :param ours: the prompts of the source.
    :param theirs: those of the job.
    :param of_theirs: the values of the job.
    """
    wanted, given, shown = json.loads(ours), json.loads(theirs), json.loads(of_theirs)
    lacking = [name for name in wanted if name not in given]
    if {name: value for name, value in wanted.items() if name in given} != given:
        return False
    # Of these the template may have more.
    shown["labels"] = shown["labels"][1]
    return all(
        set(wanted[name] or [None]) <= set(shown[name]) if name in _SETS_BY_NUMBER else wanted[name] == shown.get(name)
        for name in lacking
    )


def same_template(source: Job, job: Job) -> bool:
    """Whether both are of one template, be it deleted."""
    return template_or_name(source) == template_or_name(job)


def template_or_name(job: Job) -> TemplateOrName:
    """A job's template by its number; where it was deleted by the name that it had, since no number of it is left."""
    return job.name if job.template is None else job.template


def lost_template(job: Job) -> bool:
    """Whether a job's facts say that its template was deleted."""
    return job.template is None and "unified_job_template" in job.facts


def _key(job: Job, itself: bool = False) -> _Key:
    return template_or_name(job), values(job), job.id if itself else None


def slice_of(job: Job) -> tuple[t.Any, t.Any]:
    """Which slice of how many; it is not among the prompts (recorded: prompts-slice)."""
    return job.facts.get("job_slice_number"), job.facts.get("job_slice_count")


def same_but_limit(one: Job, other: Job) -> bool:
    """Whether two jobs of a template show the same but for their limits: values, slice, and job type."""
    return values(one) == values(other) and one.job_type == other.job_type


def values(job: Job) -> Fingerprint:
    """All that a relaunch takes over from its source, as text: it is compared with many others, and made once."""
    known = vars(job)
    if _VALUES not in known:
        known[_VALUES] = _fingerprint(_shown(job))
    found: Fingerprint = known[_VALUES]
    return found


def _template_values(job: Job, has_survey: bool) -> Given:
    """What the row of a template gives to a job that is not prompted for it; its variables where no survey does."""
    facts = job.facts
    variables = () if has_survey else (_fingerprint(variables_of(facts.get("extra_vars"))),)
    names = (tuple(sorted(names_in(facts.get(name)))) for name in _NAMES)
    return (*variables, *map(facts.get, _IN_TEMPLATE), *names)


def _shown(job: Job) -> dict[str, t.Any]:
    """By name, all that a relaunch takes over from its source, but for limit and job type."""
    facts = job.facts
    labels = job.summary("labels")
    return {
        **{name: facts.get(name) for name in _SCALARS},
        **{name: sorted(names_in(facts.get(name))) for name in _NAMES},
        "credentials": sorted(by_number("credentials", summary_of(facts, "credentials"))),
        # The controller shows the first ten of many.
        "labels": [labels.get("count", 0), sorted(by_number("labels", labels))],
        "extra_vars": variables_of(facts.get("extra_vars")),
    }


def prompts(body: t.Mapping[str, t.Any]) -> t.Optional[Fingerprint]:
    """What a job was launched with beyond its template, normalised.

    :param body: the answer of ``create_schedule/`` (recorded: prompts-*).
    :returns: None where the controller cannot tell: the template is gone, which it says under the key ``all``.
    """
    shown = body.get("prompts")
    if not isinstance(shown, dict) or "all" in shown:
        return None
    normal = {name: by_number(name, value) for name, value in shown.items() if name not in _OTHERWISE_COMPARED}
    # The order of instance groups is the order in which they are tried.
    normal.update({name: sorted(normal[name]) for name in _SETS_BY_NUMBER if name in normal})
    normal.update({name: sorted(names_in(normal[name])) for name in _NAMES if name in normal})
    if "extra_vars" in normal:
        normal["extra_vars"] = variables_of(normal["extra_vars"])
    return _fingerprint(normal)


def by_number(name: str, value: t.Any) -> t.Any:
    """A value with numbers in the place of objects, as a launch takes it (recorded: launch-prompts-answer-as-body).

    :param name: whose value it is.
    """
    if name in ONE_OBJECT and isinstance(value, dict):
        return value.get("id")
    if name in SEVERAL_OBJECTS:
        entries = value.get("results") if isinstance(value, dict) else value
        return [entry["id"] if isinstance(entry, dict) else entry for entry in entries or ()]
    return value


def variables_of(text: t.Any) -> t.Any:
    """Extra variables as data: the controller keeps them as JSON or YAML text, whose order and spaces may differ."""
    if not isinstance(text, str):
        return text or {}
    try:
        return json.loads(text or "{}")
    except ValueError:
        pass
    try:
        return parse(text) or {}
    except ValueError:
        return text


def same_launch(source: Job, job: Job) -> bool:
    """Whether two workflow jobs of a template were launched with the same values, as their lists show them."""
    if any((source.facts.get(name) or None) != (job.facts.get(name) or None) for name in _OF_WORKFLOW):
        return False
    return bool(variables_of(source.facts.get("extra_vars")) == variables_of(job.facts.get("extra_vars")))


def survey_defaults(questions: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """The variables that a survey gives to a job where nobody answers it. To a question for anything but a text an
    empty default is none, as in the controller.
    """
    return {
        str(one.get("variable")): one["default"]
        for one in questions
        if one.get("default") is not None and (one["default"] != "" or one.get("type", "text") in _TEXTS_OF_SURVEY)
    }


def survey_kinds(questions: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """The kind of each question of a survey by the name of its variable."""
    return {str(one.get("variable")): str(one.get("type")) for one in questions}


def uncompared(job: Job) -> str:
    """What is to be said where a workflow job counts as launched with the same values; empty without secrets."""
    return UNCOMPARED if MASK in str(job.facts.get("extra_vars")) else ""


@dataclass(frozen=True)
class EditedTemplate:
    """A workflow template as it is now, for the relaunches that took over what it had by then.

    :param facts: its detail.
    :param survey: the questions of its survey, whose defaults become variables.
    """

    facts: t.Mapping[str, t.Any]
    survey: t.Sequence[t.Mapping[str, t.Any]]

    def differences(self, launch: Job, job: Job) -> t.Optional[int]:
        """In how many values a relaunch differs from a launch, where it has in each of them what the template has now.

        :returns: None where it has something else, or the template has not been edited since the launch: then that was
            launched with other prompts. An edit of a survey leaves no date.
        """
        edited = parse_time(self.facts.get("modified")) + _LAUNCH_TAKES
        if not self.survey and edited < launch.created:
            return None
        now = _launch_values({**self.facts, "extra_vars": {**variables_in(self.facts), **survey_defaults(self.survey)}})
        before, after = _launch_values(launch.facts), _launch_values(job.facts)
        differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        return len(differing) if all(after.get(name) == now.get(name) for name in differing) else None


def _launch_values(facts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a workflow is launched with, each variable by itself."""
    variables = {f"extra_vars {name}": _fingerprint(value) for name, value in variables_in(facts).items()}
    return {**{name: facts.get(name) or None for name in _OF_WORKFLOW}, **variables}


def variables_in(facts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The extra variables of a job, or among prompts, by name; none where they are no such data."""
    found = variables_of(facts.get("extra_vars"))
    return found if isinstance(found, dict) else {}


def _shows_variable(found: t.Any, wanted: t.Any) -> bool:
    """To Python 1 is true, so that they are compared as text."""
    return found == MASK or _fingerprint(found) == _fingerprint(wanted)
