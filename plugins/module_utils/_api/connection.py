# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach the controller: options, environment and configuration files, as one frozen value.

Names, aliases, environment variables, defaults and the search for ``tower_cli.cfg`` are those of the collections
awx.awx (24.6.1 and devel), ansible.controller and ansible.platform, so that their playbooks connect unchanged.

Private to this collection.
"""

from __future__ import annotations

import base64
import math
import os
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .errors import OptionError
from .tower_cli_cfg import FILE_KEYS, config_file_places, read_config_file

DEFAULT_HOST = "127.0.0.1"
API_PREFIX_VARIABLE = "CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX"
# Seconds, numbers of jobs, counts: none that is meant is larger, and larger ones break off somewhere below.
LARGEST_NUMBER = 2**31 - 1
# A part of a password that is shorter would hide half of a message, and tell nobody anything.
SHORTEST_PART = 4
# What a token has besides its two secrets (recorded: token-create-admin).
HARMLESS_TOKEN_KEYS = frozenset({
    "application", "created", "description", "expires", "id", "modified", "related", "scope", "summary_fields", "type",
    "url", "user",
})  # fmt: skip


CONNECTION_SPEC: dict[str, t.Any] = dict(
    controller_host=dict(type="str", aliases=["tower_host", "aap_hostname", "gateway_hostname"]),
    controller_username=dict(type="str", aliases=["tower_username", "aap_username", "gateway_username"]),
    controller_password=dict(type="str", aliases=["tower_password", "aap_password", "gateway_password"], no_log=True),
    controller_oauthtoken=dict(type="raw", aliases=["tower_oauthtoken", "aap_token", "gateway_token"], no_log=True),
    validate_certs=dict(type="bool", aliases=["tower_verify_ssl", "aap_validate_certs", "gateway_validate_certs"]),
    ca_path=dict(type="path", aliases=["aap_ca_bundle", "gateway_ca_bundle"]),
    request_timeout=dict(type="float", aliases=["aap_request_timeout", "gateway_request_timeout"]),
    max_retries=dict(type="int", aliases=["aap_max_retries"]),
    retry_backoff_factor=dict(type="float", aliases=["aap_retry_backoff_factor"]),
    controller_config_file=dict(type="path", aliases=["tower_config_file"]),
)

# The environment variables that stand for an option which is not given; the first that is set counts.
VARIABLES = {
    "controller_host": ("CONTROLLER_HOST", "TOWER_HOST", "AAP_HOSTNAME", "GATEWAY_HOSTNAME"),
    "controller_username": ("CONTROLLER_USERNAME", "TOWER_USERNAME", "AAP_USERNAME", "GATEWAY_USERNAME"),
    "controller_password": ("CONTROLLER_PASSWORD", "TOWER_PASSWORD", "AAP_PASSWORD", "GATEWAY_PASSWORD"),
    "controller_oauthtoken": ("CONTROLLER_OAUTH_TOKEN", "TOWER_OAUTH_TOKEN", "AAP_TOKEN", "GATEWAY_API_TOKEN"),
    "validate_certs": ("CONTROLLER_VERIFY_SSL", "TOWER_VERIFY_SSL", "AAP_VALIDATE_CERTS", "GATEWAY_VERIFY_SSL"),
    "request_timeout": ("CONTROLLER_REQUEST_TIMEOUT", "AAP_REQUEST_TIMEOUT", "GATEWAY_REQUEST_TIMEOUT"),
    "max_retries": ("AAP_MAX_RETRIES",),
    "retry_backoff_factor": ("AAP_RETRY_BACKOFF_FACTOR",),
}


@dataclass(frozen=True)
class ConnectionOptions:
    """Everything a client needs to know.

    ``base_url`` has a scheme and no trailing slash. Where ``token`` is set it is used, else ``username`` and
    ``password``. ``verify`` is False, True (the system's and ``REQUESTS_CA_BUNDLE``'s authorities) or the path of a
    bundle. ``request_timeout`` and ``retry_backoff_factor`` are seconds. ``api_prefix`` is None where it is to be
    discovered, else like ``/api/controller/v2/``.
    """

    base_url: str
    username: t.Optional[str] = None
    password: t.Optional[str] = None
    token: t.Optional[str] = None
    verify: t.Union[bool, str] = True
    request_timeout: float = 10.0
    max_retries: int = 5
    retry_backoff_factor: float = 2.0
    api_prefix: t.Optional[str] = None
    host_given: bool = True

    @property
    def secrets(self) -> list[str]:
        """What must never be shown, as given and as it is sent: pages of errors may repeat a request."""
        return [secret for secret in (self.password, self.basic if self.password else None, self.token) if secret]

    @property
    def basic(self) -> str:
        """User name and password as a request has them."""
        return _basic(f"{self.username}:{self.password}".encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        return f"ConnectionOptions({self.base_url!r})"


def resolve(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str], cwd: str) -> ConnectionOptions:
    """Options, over what the environment has for them, over those of configuration files.

    :param params: the module's parameters by their canonical names; None and empty strings count as not given.
    :param environ: the environment, for ``HOME``, the API prefix, and options that are not given.
    :param cwd: the folder from which the search for configuration files starts, and relative paths go.
    :raises OptionError: something given cannot be used, or is missing.
    """
    given: dict[str, t.Any] = {}
    chosen = _path(params.get("controller_config_file"), cwd)
    if chosen and not os.path.isfile(chosen):
        raise OptionError(f"The configuration file {chosen} (controller_config_file) does not exist or is no file.")
    home = environ.get("HOME") or os.path.expanduser("~")
    places = [chosen] if chosen else config_file_places(home, cwd)
    for path in places:
        if os.path.isfile(path):
            given.update(read_config_file(path))
    given.update(_given(params, environ))

    token = _token(given.get("controller_oauthtoken"))
    username, password = given.get("controller_username"), given.get("controller_password")
    if not token and not (username and password):
        missing = (
            "controller_password is missing for the user name given"
            if username
            else "controller_username is missing for the password given"
            if password
            else "No credentials are given"
        )
        raise OptionError(
            f"{missing}. Set controller_oauthtoken, or controller_username and controller_password, as options, as "
            f"environment variables (CONTROLLER_OAUTH_TOKEN, ...) or in {_places_searched(places)}."
        )
    host = given.get("controller_host")
    prefix = environ.get(API_PREFIX_VARIABLE)
    ca_path = _path(given.get("ca_path"), cwd)
    if ca_path and not os.path.exists(ca_path):
        raise OptionError(f"ca_path: {ca_path} does not exist.")
    return ConnectionOptions(
        base_url=_base_url(str(host or DEFAULT_HOST)),
        username=str(username) if username else None,
        password=str(password) if password else None,
        token=token,
        verify=(ca_path or True) if given.get("validate_certs", True) else False,
        request_timeout=_at_least(given, "request_timeout", above=True),
        max_retries=int(_at_least(given, "max_retries")),
        retry_backoff_factor=_at_least(given, "retry_backoff_factor"),
        api_prefix=f"/{prefix.strip('/')}/v2/" if prefix and prefix.strip("/") else None,
        host_given=bool(host),
    )


def _places_searched(places: t.Sequence[str]) -> str:
    """Which configuration files were looked for, for a sentence; see ``config_file_places``."""
    if len(places) == 1:
        return places[0]
    system, home, here = places[0], places[1], places[-1]
    return f"a configuration file: {home}, {here}, {os.path.basename(home)} in a folder above that, or {system}"


def _given(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The parameters that configuration files may hold too, of the task or the environment.

    The environment is asked here, and not by Ansible, which would not ask it for what a task gives as nothing. A
    controller that injects a credential sets the variables of its empty fields as well, to nothing.

    :raises OptionError: a variable holds what its option does not take.
    """
    given = {name: params[name] for name in FILE_KEYS.values() if params.get(name) not in (None, "")}
    found: dict[str, t.Any] = {}
    for name in VARIABLES.keys() - given.keys():
        found.update((name, environ[variable]) for variable in reversed(VARIABLES[name]) if environ.get(variable))
    checked = ArgumentSpecValidator({name: {"type": CONNECTION_SPEC[name]["type"]} for name in found}).validate(found)
    if checked.error_messages:
        raise OptionError(f"In the environment: {' '.join(checked.error_messages)}")
    return {**checked.validated_parameters, **given}


def _path(given: t.Optional[str], cwd: str) -> t.Optional[str]:
    return os.path.join(cwd, given) if given else None


def harmless_values_of_token(given: t.Any) -> list[str]:
    """What is no secret of a token that is given as the dictionary that the token modules return, its ``id`` for one.

    Ansible takes all values in an option for secrets, and masks any number of the result that contains one.

    :param given: controller_oauthtoken as it was given. Where that is no such dictionary, all of it may be secret.
    """
    if not isinstance(given, dict) or not given.get("token") or not isinstance(given["token"], str):
        return []
    return [leaf for key, value in given.items() if key in HARMLESS_TOKEN_KEYS for leaf in leaves(value)]


def leaves(value: t.Any) -> t.Iterator[str]:
    """What a value holds that may be secret, as texts: neither a truth nor nothing at all is."""
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    elif not isinstance(value, bool) and value not in (None, ""):
        yield str(value)


def _token(given: t.Any) -> t.Optional[str]:
    """A token, from the string itself or from the dictionary that the token modules return."""
    if not given:
        return None
    if isinstance(given, dict):
        given = given.get("token")
        if not given:
            raise OptionError(
                'controller_oauthtoken: the dictionary has no entry "token". Give the token itself, or the dictionary '
                "that the module which made it has returned."
            )
    if not isinstance(given, str):
        raise OptionError('controller_oauthtoken must be a string, or a dictionary with an entry "token".')
    token = given.strip()
    if token.startswith("{"):
        raise OptionError(
            'controller_oauthtoken is a dictionary written as text. Give the dictionary itself, or its entry "token".'
        )
    if not token.isascii() or not token.isprintable() or set(token) & set(" '\""):
        raise OptionError(
            "controller_oauthtoken holds characters that no token has (blanks, quotes, control or other characters)."
        )
    return token or None


def _base_url(host: str) -> str:
    url = host.strip() if "://" in host else f"https://{host.strip()}"
    # In a password that holds a slash, no part of the URL begins where it seems to.
    if "@" in unquote(url):
        raise OptionError("controller_host must not hold a user or password: use the options for them.")
    try:
        parts = urlsplit(url)
        hostname, _port = parts.hostname, parts.port
    except ValueError:
        hostname = None
    if not hostname or parts.scheme not in ("http", "https") or parts.query or parts.fragment or " " in url:
        raise OptionError(f"controller_host: {host!r} is no URL such as https://controller.example.com.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def passwords_in_url(host: t.Optional[str]) -> list[str]:
    """The password in an address where none belongs, as given."""
    return [text.partition(":")[2] for text in _credentials_in_url(host)]


def _credentials_in_url(host: t.Optional[str]) -> list[str]:
    """User name and password in an address, with the colon between them; none without a password."""
    before, at, _rest = str(host or "").rpartition("@")
    credentials = before.rpartition("://")[2]
    return [credentials] if at and credentials.partition(":")[2] else []


def passwords_of_proxies(environ: t.Mapping[str, str]) -> list[str]:
    """The passwords of the proxies that the environment names: as given, decoded, as far as a URL parser gets, and as
    a request has them, with the user name: pages of errors may repeat it.
    """
    named = [value for name, value in environ.items() if name.lower().endswith("_proxy")]
    credentials = [text for value in named for text in _credentials_in_url(value)]
    given = [text.partition(":")[2] for text in credentials]
    cut = (re.split(r"[/?#\\]", password)[0] for password in given)
    # What requests cannot encode so is not sent at all.
    sent = [_basic(text.encode("latin-1", "replace")) for one in credentials for text in (one, unquote(one))]
    return [*given, *map(unquote, given), *(part for part in cut if len(part) >= SHORTEST_PART), *sent]


def _basic(credentials: bytes) -> str:
    return base64.b64encode(credentials).decode("ascii")


def reads_as_infinite(value: t.Any) -> bool:
    """Whether a value is, or reads as, a number that is infinite or none at all."""
    if not isinstance(value, (float, str)):
        return False
    try:
        return not math.isfinite(float(value))
    except ValueError:
        return False


def _at_least(given: t.Mapping[str, t.Any], name: str, above: bool = False) -> float:
    """The number that is given, or the default."""
    value = float(given.get(name, getattr(ConnectionOptions, name)))
    if math.isnan(value) or value > LARGEST_NUMBER:
        raise OptionError(f"{name} must be a number of at most {LARGEST_NUMBER}.")
    if value < 0 or (above and value == 0):
        raise OptionError(f"{name} must {'be more than' if above else 'not be less than'} 0, not {value:g}.")
    return value
