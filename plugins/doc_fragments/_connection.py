# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options in module_utils/_api/connection.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  controller_host:
    description:
      - URL of the automation controller, or of the platform gateway in front of it. Without a scheme C(https) is
        used.
      - If not given, the environment variables E(CONTROLLER_HOST), E(TOWER_HOST), E(AAP_HOSTNAME) and
        E(GATEWAY_HOSTNAME) are tried, then C(host) in the configuration files, then V(127.0.0.1).
      - The path of the API (C(/api/v2/) or, behind a gateway, C(/api/controller/v2/)) is discovered. The environment
        variable E(CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX) sets it for unusual installations.
      - Redirects are not followed; give the final address.
    type: str
    aliases: [tower_host, aap_hostname, gateway_hostname]
  controller_username:
    description:
      - Name of the user. A token, if there is one, is used instead.
      - If not given, the environment variables E(CONTROLLER_USERNAME), E(TOWER_USERNAME), E(AAP_USERNAME) and
        E(GATEWAY_USERNAME) are tried, then C(username) in the configuration files.
    type: str
    aliases: [tower_username, aap_username, gateway_username]
  controller_password:
    description:
      - Password of the user.
      - If not given, the environment variables E(CONTROLLER_PASSWORD), E(TOWER_PASSWORD), E(AAP_PASSWORD) and
        E(GATEWAY_PASSWORD) are tried, then C(password) in the configuration files.
    type: str
    aliases: [tower_password, aap_password, gateway_password]
  controller_oauthtoken:
    description:
      - The token to use, as a string or as the dictionary that the C(token) modules return. It needs the write scope.
      - It wins over user name and password, wherever either comes from.
      - If not given, the environment variables E(CONTROLLER_OAUTH_TOKEN), E(TOWER_OAUTH_TOKEN), E(AAP_TOKEN) and
        E(GATEWAY_API_TOKEN) are tried, then C(oauth_token) in the configuration files.
    type: raw
    aliases: [tower_oauthtoken, aap_token, gateway_token]
  validate_certs:
    description:
      - Whether the controller's TLS certificate must be trusted; V(true) unless set otherwise.
      - If not given, the environment variables E(CONTROLLER_VERIFY_SSL), E(TOWER_VERIFY_SSL), E(AAP_VALIDATE_CERTS)
        and E(GATEWAY_VERIFY_SSL) are tried, then C(verify_ssl) in the configuration files.
    type: bool
    aliases: [tower_verify_ssl, aap_validate_certs, gateway_validate_certs]
  ca_path:
    description:
      - Path of a file or folder with the certificates of the authorities to trust.
      - If not given, C(ca_path) in the configuration files is used, then the environment variables
        E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE). Whichever is found first names all that is trusted.
      - Else the authorities that the system trusts are trusted, as by M(ansible.builtin.uri). E(SSL_CERT_FILE) and
        E(SSL_CERT_DIR) may name others in their place; where they do not, those that C(requests) comes with are
        trusted as well.
    type: path
    aliases: [aap_ca_bundle, gateway_ca_bundle]
  request_timeout:
    description:
      - Seconds to wait for a connection, and for the controller to answer a request; V(10) unless set otherwise.
      - If not given, the environment variables E(CONTROLLER_REQUEST_TIMEOUT), E(AAP_REQUEST_TIMEOUT) and
        E(GATEWAY_REQUEST_TIMEOUT) are tried, then C(request_timeout) in the configuration files.
    type: float
    aliases: [aap_request_timeout, gateway_request_timeout]
  max_retries:
    description:
      - How often a request that only reads is tried again when it fails in passing (no connection, an answer 429 or
        5xx); V(5) unless set otherwise. While waiting for a job reads are tried again until the wait is over.
      - A list that is not answered within O(request_timeout) is tried again in smaller pages.
      - A refusal (401 or 403) is believed when it is given twice, a second apart, whatever this number. For what had
        been granted before in the same task it counts as failing in passing for five minutes.
      - The request that relaunches is sent again only where it surely was not carried out (no connection, an answer
         401 or 403 of the controller itself, an answer 429 of the controller or of a proxy before it). If the answer
         took more than two seconds, the task first looks whether somebody else has done the work meanwhile.
      - If not given, the environment variable E(AAP_MAX_RETRIES) is tried, then C(max_retries) in the configuration
        files.
    type: int
    aliases: [aap_max_retries]
  retry_backoff_factor:
    description:
      - Base of the pauses between these tries, in seconds; V(2) unless set otherwise. The first pause is up to half of
        it, each further one up to double the one before, and a C(Retry-After) header prolongs it. After a launch, tries
        go on beyond O(max_retries), at least a second apart.
      - If not given, the environment variable E(AAP_RETRY_BACKOFF_FACTOR) is tried, then C(retry_backoff_factor) in
        the configuration files.
    type: float
    aliases: [aap_retry_backoff_factor]
  controller_config_file:
    description:
      - Path of a configuration file. If given, the other places are not searched.
      - Those are, a later one winning over an earlier, C(/etc/tower/tower_cli.cfg), C(~/.tower_cli.cfg),
        C(.tower_cli.cfg) in each folder above the working folder, and C(tower_cli.cfg) in the working folder.
      - With a local connection that is the folder of the playbook, wherever C(ansible-playbook) is started. Relative
        paths, such as in O(ca_path), go from there too.
      - A file holds lines such as C(host=https://controller.example.com), C(oauth_token=...) or C(username=...) and
        C(password=...), as INI, YAML or JSON.
    type: path
    aliases: [tower_config_file]
requirements:
  - python >= 3.9 (on the host that runs the module)
  - requests >= 2.25.1 (on the host that runs the module)
"""
