# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach the controller: options, environment and configuration files, as one frozen value.

Names, aliases, environment variables, defaults and the search for ``tower_cli.cfg`` are those of the collections
awx.awx (24.6.1 and devel), ansible.controller and ansible.platform, so that their playbooks connect unchanged.
"""

from __future__ import annotations

import configparser
import os
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.relaunch.controller.plugins.module_utils._errors import OptionError
from ansible_collections.relaunch.controller.plugins.module_utils._yaml import parse

DEFAULT_HOST = "127.0.0.1"
CONFIG_FILE_NAME = "tower_cli.cfg"
API_PREFIX_VARIABLE = "CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX"


def first_set_variable(*names: str) -> str:
    """The first environment variable that is set and not empty.

    A controller that injects a credential sets the variables of its empty fields as well, to nothing.

    :raises AnsibleFallbackNotFound: none is; AnsibleModule takes that for "not given".
    """
    for name in names:
        if os.environ.get(name):
            return os.environ[name]
    raise AnsibleFallbackNotFound


def _option(aliases: list[str], variables: list[str], **spec: t.Any) -> dict[str, t.Any]:
    return (
        dict(spec, aliases=aliases, fallback=(first_set_variable, variables))
        if variables
        else dict(spec, aliases=aliases)
    )


CONNECTION_SPEC: dict[str, t.Any] = dict(
    controller_host=_option(
        ["tower_host", "aap_hostname", "gateway_hostname"],
        ["CONTROLLER_HOST", "TOWER_HOST", "AAP_HOSTNAME", "GATEWAY_HOSTNAME"],
        type="str",
    ),
    controller_username=_option(
        ["tower_username", "aap_username", "gateway_username"],
        ["CONTROLLER_USERNAME", "TOWER_USERNAME", "AAP_USERNAME", "GATEWAY_USERNAME"],
        type="str",
    ),
    controller_password=_option(
        ["tower_password", "aap_password", "gateway_password"],
        ["CONTROLLER_PASSWORD", "TOWER_PASSWORD", "AAP_PASSWORD", "GATEWAY_PASSWORD"],
        type="str",
        no_log=True,
    ),
    controller_oauthtoken=_option(
        ["tower_oauthtoken", "aap_token", "gateway_token"],
        ["CONTROLLER_OAUTH_TOKEN", "TOWER_OAUTH_TOKEN", "AAP_TOKEN", "GATEWAY_API_TOKEN"],
        type="raw",
        no_log=True,
    ),
    validate_certs=_option(
        ["tower_verify_ssl", "aap_validate_certs", "gateway_validate_certs"],
        ["CONTROLLER_VERIFY_SSL", "TOWER_VERIFY_SSL", "AAP_VALIDATE_CERTS", "GATEWAY_VERIFY_SSL"],
        type="bool",
    ),
    ca_path=_option(["aap_ca_bundle", "gateway_ca_bundle"], [], type="path"),
    request_timeout=_option(
        ["aap_request_timeout", "gateway_request_timeout"],
        ["CONTROLLER_REQUEST_TIMEOUT", "AAP_REQUEST_TIMEOUT", "GATEWAY_REQUEST_TIMEOUT"],
        type="float",
    ),
    max_retries=_option(["aap_max_retries"], ["AAP_MAX_RETRIES"], type="int"),
    retry_backoff_factor=_option(["aap_retry_backoff_factor"], ["AAP_RETRY_BACKOFF_FACTOR"], type="float"),
    controller_config_file=_option(["tower_config_file"], [], type="path"),
)

# The keys of a configuration file and the options they stand for; the first six are awx.awx's.
_FILE_KEYS = {
    "host": "controller_host",
    "username": "controller_username",
    "password": "controller_password",
    "oauth_token": "controller_oauthtoken",
    "verify_ssl": "validate_certs",
    "request_timeout": "request_timeout",
    "max_retries": "max_retries",
    "retry_backoff_factor": "retry_backoff_factor",
    "ca_path": "ca_path",
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
        """What must never be shown."""
        return [secret for secret in (self.password, self.token) if secret]

    def __repr__(self) -> str:
        return f"ConnectionOptions({self.base_url!r})"


def resolve(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str], cwd: str) -> ConnectionOptions:
    """Options, which already include the environment's (see CONNECTION_SPEC), over those of configuration files.

    :param params: the module's parameters by their canonical names; None and empty strings count as not given.
    :param environ: the environment, for ``HOME`` and the API prefix.
    :param cwd: the folder from which the search for configuration files starts.
    :raises OptionError: something given cannot be used, or is missing.
    """
    given: dict[str, t.Any] = {}
    chosen = params.get("controller_config_file")
    if chosen and not os.path.isfile(chosen):
        raise OptionError(f"The configuration file {chosen} (controller_config_file) does not exist or is no file.")
    for path in [chosen] if chosen else config_file_places(environ.get("HOME") or os.path.expanduser("~"), cwd):
        if os.path.isfile(path):
            given.update(read_config_file(path))
    given.update((name, params[name]) for name in _FILE_KEYS.values() if params.get(name) not in (None, ""))

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
            "environment variables (CONTROLLER_OAUTH_TOKEN, ...) or in a tower_cli.cfg file."
        )
    host = given.get("controller_host")
    prefix = environ.get(API_PREFIX_VARIABLE)
    ca_path = given.get("ca_path")
    if ca_path and not os.path.exists(ca_path):
        raise OptionError(f"ca_path: {ca_path} does not exist.")
    return ConnectionOptions(
        base_url=_base_url(str(host or DEFAULT_HOST)),
        username=None if token else str(username),
        password=None if token else str(password),
        token=token,
        verify=(ca_path or True) if given.get("validate_certs", True) else False,
        request_timeout=_at_least(given, "request_timeout", 10.0, above=True),
        max_retries=int(_at_least(given, "max_retries", 5)),
        retry_backoff_factor=_at_least(given, "retry_backoff_factor", 2.0),
        api_prefix=f"/{prefix.strip('/')}/v2/" if prefix and prefix.strip("/") else None,
        host_given=bool(host),
    )


def config_file_places(home: str, cwd: str) -> list[str]:
    """Where configuration files may lie, as tower-cli searched for them; a later one wins over an earlier.

    :param home: the user's home folder.
    :param cwd: the working folder; its ancestors hold ``.tower_cli.cfg``, it itself ``tower_cli.cfg``.
    """
    ancestors: list[str] = []
    folder = os.path.abspath(cwd)
    while os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
        ancestors.insert(0, os.path.join(folder, f".{CONFIG_FILE_NAME}"))
    return [
        f"/etc/tower/{CONFIG_FILE_NAME}",
        os.path.join(home, f".{CONFIG_FILE_NAME}"),
        *ancestors,
        os.path.join(cwd, CONFIG_FILE_NAME),
    ]


def read_config_file(path: str) -> dict[str, t.Any]:
    """The options in one configuration file: YAML, JSON, or INI with or without its ``[general]`` section.

    :raises OptionError: it cannot be read or understood. The message never quotes the file, which holds secrets.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise OptionError(f"The configuration file {path} cannot be read: {reason}.") from None
    content = _as_yaml(text)
    if content is None:
        content = _as_ini(text, path)
    values = {option: content[key] for key, option in _FILE_KEYS.items() if content.get(key) not in (None, "")}
    for option in ("request_timeout", "max_retries", "retry_backoff_factor"):
        if option in values:
            try:
                values[option] = float(values[option])
            except (TypeError, ValueError):
                raise OptionError(f"The configuration file {path} is wrong: {option} must be a number.") from None
    if "validate_certs" in values:
        try:
            values["validate_certs"] = boolean(values["validate_certs"])
        except TypeError:
            raise OptionError(f"The configuration file {path} is wrong: verify_ssl must be true or false.") from None
    return values


def _as_yaml(text: str) -> t.Optional[dict[str, t.Any]]:
    try:
        content = parse(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _as_ini(text: str, path: str) -> dict[str, t.Any]:
    # A password may hold a "%", which interpolation would trip over.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text if "[general]" in text else f"[general]\n{text}")
        return dict(parser["general"])
    except configparser.Error:
        raise OptionError(
            f"The configuration file {path} is not properly formatted: it takes lines such as host=..., username=..., "
            "password=..., as INI, YAML or JSON."
        ) from None


def _token(given: t.Any) -> t.Optional[str]:
    """A token, from the string itself or from the dictionary that the token modules return."""
    if not given:
        return None
    if isinstance(given, dict):
        given = given.get("token")
        if not given:
            raise OptionError('controller_oauthtoken: the dictionary has no entry "token".')
    if not isinstance(given, str):
        raise OptionError('controller_oauthtoken must be a string, or a dictionary with an entry "token".')
    token = given.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise OptionError(
            "controller_oauthtoken holds characters that no token has (blanks, control or other characters)."
        )
    return token or None


def _base_url(host: str) -> str:
    url = host.strip() if "://" in host else f"https://{host.strip()}"
    try:
        parts = urlsplit(url)
        hostname, _port, has_user = parts.hostname, parts.port, "@" in parts.netloc
    except ValueError:
        hostname, has_user = None, "@" in url
    if has_user:
        raise OptionError("controller_host must not hold a user or password: use the options for them.")
    if not hostname or parts.scheme not in ("http", "https") or parts.query or parts.fragment or " " in url:
        raise OptionError(f"controller_host: {host!r} is no URL such as https://controller.example.com.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def passwords_in_url(host: t.Optional[str]) -> list[str]:
    """The password in an address where none belongs, as given."""
    user, at, _rest = str(host or "").rpartition("@")
    _name, colon, password = user.rpartition("://")[2].partition(":")
    return [password] if at and colon and password else []


def _at_least(given: t.Mapping[str, t.Any], name: str, default: float, above: bool = False) -> float:
    value = float(given.get(name, default))
    if value < 0 or (above and value == 0):
        raise OptionError(f"{name} must {'be more than' if above else 'not be less than'} 0, not {value:g}.")
    return value
