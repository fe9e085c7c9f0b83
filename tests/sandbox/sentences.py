# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences the API says, in English and in "another language"."""

from __future__ import annotations

import codecs
import re

NOT_AUTHENTICATED = "Authentication credentials were not provided. To establish a login session, visit /api/login/."
FORBIDDEN = "You do not have permission to perform this action."
METHOD_NOT_ALLOWED = 'Method "{}" not allowed.'
NOT_ACCEPTABLE = "Could not satisfy the request Accept header."
WRONG_CONTENT_TYPE = (
    "You did not use correct Content-Type in your HTTP request. "
    "If you are using our REST API, the Content-Type must be application/json"
)
BROKEN_JSON = "JSON parse error - {}\nPossible cause: trailing comma."
NOT_AN_OBJECT = "JSON parse error - not a JSON object"
NOT_FOUND = "No {} matches the given query."
INVALID_PAGE = "Invalid page."
NO_FIELD = "{} has no field named '{}'"
NO_FILTER = "Filtering on {} is not allowed."
EMPTY_IN = "cannot provide empty value for __in"
NO_INTEGER = '["\u201c{}\u201d value must be an integer."]'
BAD_VALUE = "Invalid value for {}: {}"
BAD_CHOICE = '"{}" is not a valid choice.'
NOT_NULL = "This field may not be null."
MISSING_PASSWORDS = "Missing passwords needed to start: {}"
JOB_ACTIVE = "Relaunch by host status not available until job finishes running."
WAIT_FOR_JOB = "Wait until job finishes before retrying on failed hosts."
NO_STATS = "Cannot retry on failed hosts, playbook stats not available."
NO_FAILED_HOST = "Cannot relaunch because previous job had 0 failed hosts."
NO_PROJECT = "Job Template Project is missing or undefined."
NO_INVENTORY = "Job Template Inventory is missing or undefined."
FOREIGN_SECRETS = "Job was launched with secret prompts provided by another user."
FOREIGN_PROMPTS = "Job was launched with prompted fields you do not have access to."
ORPHANED = "Job has been orphaned from its job template and organization."
SLICES_CHANGED = "Cannot relaunch sliced workflow job after slice count has changed."
NOT_A_DICTIONARY = "Value must be a JSON object."
NO_DICTIONARY = "Cannot use dictionary for {}"
NO_VARIABLES = (
    "Cannot parse as JSON (error: the JSON object must be str, bytes or bytearray, not {}) "
    "or YAML (error: '{}' object has no attribute 'read')."
)
NOT_A_STRING = "Not a valid string."
NOT_A_BOOLEAN = "Must be a valid boolean."
NOT_AN_INTEGER = "A valid integer is required."
NOT_A_LIST = 'Expected a list of items but got type "{}".'
NOT_AN_ID = "Incorrect type. Expected pk value, received {}."
TOO_SMALL = "Ensure this value is greater than or equal to {}."
NO_SUCH_ID = 'Invalid pk "{}" - object does not exist.'
CREDENTIAL_REMOVED = (
    "Removing {} credential at launch time without replacement is not supported. "
    "Provided list lacked credential(s): {}."
)
PROMPTS_UNKNOWN = "Unknown, job may have been run before launch configurations were saved."
IN_USE = "Resource is being used by running jobs."
NOT_DELETABLE = "Cannot delete running job resource."
IN_USE = "Resource is being used by running jobs."
SLICES_ORPHANED = "Cannot relaunch slice workflow job orphaned from job template."
NOT_BLANK = "This field may not be blank."
REQUIRED = "This field is required."
NAME_TAKEN = "WorkflowJobTemplate with this (name, organization) combination already exists."
NODE_EXISTS = "Workflow job template node with this Identifier and Workflow job template already exists."
NO_OBJECT = 'Invalid pk "{}" - object does not exist.'
NO_PROMPT = "Field is not configured to prompt on launch."
NO_PROMPTED_VARIABLES = (
    "Variables {} are not allowed on launch. Check the Prompt on Launch setting on the {} to include Extra Variables."
)
UNKNOWN_SECRET = "Provided variable {} has no database value to replace with."
NEEDED_VARIABLE = "'{}' value missing"
NOT_A_TEXT = "Value {} for '{}' expected to be a string."
NOT_A_WHOLE_NUMBER = "Value {} for '{}' expected to be an integer."
NO_CHOICE = "Value {} for '{}' expected to be one of {}."
CIRCLE = "Cycle detected."
LINKED_OTHERWISE = "Relationship not allowed."
OTHER_WORKFLOW = "Cannot associate a node of another workflow."
NO_ID = '"id" field must be an integer.'
NO_CREDENTIALS = "Related template is not configured to accept credentials on launch."
CREDENTIAL_ASKS = "Credentials that require user input on launch cannot be used in saved launch configuration."
CREDENTIAL_KIND_TAKEN = "This launch configuration already provides a {} credential."
CREDENTIAL_OF_TEMPLATE = "Related template already uses {} credential."


def say(language: str, sentence: str, *words: object) -> str:
    """A sentence with its words filled in; the words themselves are never translated."""
    if language != "en":
        # Any other text will do: nobody may decide on a sentence's words.
        sentence = "".join(
            part if part == "{}" else codecs.encode(part, "rot13") for part in re.split(r"(\{\})", sentence)
        )
    return sentence.format(*words)
