# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lack of an answer means: exceptions of requests become errors of ours. Pure.

What matters is whether the request may have been carried out. It surely was not where no connection came about: to
the controller, to the proxy, through the proxy, or none that TLS could protect. After that it may have been, whatever
the exception is called: behind a proxy, urllib3 1.26 says "Cannot connect to proxy" of an answer that was lost.

Private to this collection.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import traceback
import typing as t
import urllib.parse
from dataclasses import dataclass

from . import libraries as _requests
from .errors import AnswerLostError, ControllerError, NotSentError, OptionError

# The same exceptions come out of a handshake and out of the exchange after it; only their place tells them apart.
HANDSHAKES = frozenset({ssl.SSLSocket.do_handshake.__code__, ssl.SSLObject.do_handshake.__code__})
NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})  # the latter since OpenSSL 3.2
# In what OpenSSL reports these take part where a file of certificates is read, and no connection is.
FILE_LIBRARIES = frozenset({"PEM", "X509"})
# http.client's words, before the request is sent, where a proxy answers CONNECT with anything but success.
REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")
CLOSED = "Remote end closed connection without response"


@dataclass(frozen=True)
class Way:
    """How a request goes.

    :param request: method and address.
    :param place: the controller's address.
    :param request_timeout: seconds.
    :param host_given: whether that address was given, or is the default.
    :param proxy: what the environment names as a proxy for it; empty where it names none.
    """

    request: str
    place: str
    request_timeout: float
    host_given: bool = True
    proxy: str = ""

    @property
    def hint(self) -> str:
        """What else may be wrong: sentences, each with a blank before it."""
        default = "" if self.host_given else " No controller_host was given, so this default was used."
        proxy = " The environment names a proxy: check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."
        return default + (proxy if self.proxy else "")


def no_answer(error: Exception, way: Way) -> ControllerError:
    """What it means that there is no answer.

    :param error: what ``requests.Session.request`` raised.
    :returns: an OptionError or a NotSentError where the request surely was not carried out, else an AnswerLostError.
    :raises TypeError: that was the error, and no URL led to it: a defect.
    """
    if isinstance(error, TypeError) and not _in_url(error):
        raise error
    causes = list(_causes(error))
    return _unusable(error, way) or _not_connected(causes, way) or _no_tls(causes, way) or _lost(causes, way)


def _unusable(error: Exception, way: Way) -> t.Optional[ControllerError]:
    """Before there was anything to connect to."""
    errors = _requests.requests.exceptions
    if isinstance(error, errors.InvalidProxyURL):
        return OptionError("The proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) is no URL.")
    unusable = (errors.InvalidURL, errors.InvalidSchema, errors.MissingSchema)
    # An odd host name gets past requests at times.
    if isinstance(error, (*unusable, _requests.urllib3.exceptions.LocationValueError, UnicodeError)) or _in_url(error):
        no_url = OptionError(f"controller_host is no usable URL: {str(error).rstrip('.')}.")
        return _unusable_proxy(way) if way.proxy else no_url
    # Of a bundle that is not there; what goes wrong on the wire has a number.
    if isinstance(error, OSError) and not isinstance(error, errors.RequestException) and error.errno is None:
        return _bad_bundle(error, way)
    return None


def _unusable_proxy(way: Way) -> OptionError:
    other = re.match(r"(?!https?:)([a-z][a-z0-9+.-]*)://", way.proxy, re.IGNORECASE)
    why = f" It has the scheme {other[1]}, which takes more than requests." if other else ""
    return OptionError(
        "controller_host, or the proxy that the environment names for it (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY), is no "
        f"usable URL.{why} In the user name and the password of a proxy, characters such as @ : / ? # % [ ] have to be "
        "percent-encoded: # is %23."
    )


def _not_connected(causes: t.Sequence[BaseException], way: Way) -> t.Optional[ControllerError]:
    """No connection to the controller, or to the proxy, which is the only one then to connect to."""
    lower = _requests.urllib3.exceptions
    first = f"The proxy on the way to {way.place}" if way.proxy else way.place
    refusal = next(filter(None, (REFUSED_TUNNEL.match(str(cause)) for cause in causes)), None)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        address = f"the address of the proxy on the way to {way.place}" if way.proxy else way.place
        said = f"The host name in {address} cannot be resolved. Check controller_host."
    elif any(isinstance(cause, lower.NewConnectionError) for cause in causes):
        said = (
            f"{first} accepts no connection: {_reason(causes, way)}. Check that the controller runs, and "
            "controller_host with its port."
        )
    elif any(isinstance(cause, lower.ConnectTimeoutError) for cause in causes):
        said = (
            f"{first} accepted no connection within {way.request_timeout:g} seconds. Check controller_host, firewalls "
            "and request_timeout."
        )
    elif refusal:
        said = f"The proxy does not connect to {way.place}: Tunnel connection failed: {_phrased(int(refusal[1]))}."
    else:
        return None
    return NotSentError(said + way.hint, transient=True)


def _no_tls(causes: t.Sequence[BaseException], way: Way) -> t.Optional[ControllerError]:
    """A connection that TLS did not take. Nothing is sent before the certificate has been checked."""
    cause = causes[-1]
    # The second is urllib3's, which compares names itself for some versions of Python and of its own.
    if isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError":
        said = getattr(cause, "verify_message", "It is for another name" if way.proxy else cause)
        return NotSentError(
            f"The TLS certificate of {way.place} is not trusted: {said}. Set ca_path to the certificate of the "
            f"authority that signed it, or, on a network that you trust, validate_certs: false.{way.hint}",
            transient=False,
        )
    if not _in_handshake(cause):
        # Of the system's errors urllib3 makes an SSLError of those only that come of reading the bundle.
        by_system = isinstance(cause, OSError) and isinstance(causes[-2:][0], _requests.urllib3.exceptions.SSLError)
        unread = cause.library in FILE_LIBRARIES if isinstance(cause, ssl.SSLError) else by_system
        return _bad_bundle(cause, way) if unread else None
    if isinstance(cause, ssl.SSLError) and cause.reason in NO_TLS:
        return NotSentError(
            f"{way.place} does not speak TLS. Check the scheme (http or https) and port in controller_host.{way.hint}",
            transient=False,
        )
    return NotSentError(f"The TLS handshake with {way.place} failed: {_reason(causes, way)}.{way.hint}", transient=True)


def _lost(causes: t.Sequence[BaseException], way: Way) -> ControllerError:
    if any(isinstance(cause, socket.timeout) for cause in causes):
        said = f"gave no answer within {way.request_timeout:g} seconds (request_timeout)."
        return AnswerLostError(f"To {way.request} the controller {said}", late=True)
    return AnswerLostError(f"The answer to {way.request} was lost: {_reason(causes, way)}.")


def _bad_bundle(error: BaseException, way: Way) -> OptionError:
    why = "a file of certificates is not there or cannot be read" if way.proxy else error
    return OptionError(
        f"The connection to {way.place} cannot be set up: {why}. Check that ca_path, REQUESTS_CA_BUNDLE or "
        "SSL_CERT_FILE, the first of them that is set, names a file of certificates."
    )


def _causes(error: BaseException) -> t.Iterator[BaseException]:
    """The error and what lies below it, down to the first that neither requests nor urllib3 has made.

    They keep it in ``args``, in ``reason`` or as the context. An error that a caller is handling meanwhile is a context
    as well, and says nothing of this request; so is urllib3 1.26's trying of another call before.
    """
    wrappers = (_requests.requests.exceptions.RequestException, _requests.urllib3.exceptions.HTTPError)
    seen: t.Optional[BaseException] = error
    while seen is not None and not isinstance(seen, ControllerError):
        yield seen
        if not isinstance(seen, wrappers):
            return
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        seen = inner or seen.__cause__ or seen.__context__


def _in_handshake(error: BaseException) -> bool:
    frames = (frame for frame, _line in traceback.walk_tb(error.__traceback__))
    return any(frame.f_code in HANDSHAKES for frame in frames)


def _in_url(error: BaseException) -> bool:
    """Whether a URL could not be taken apart: other ValueErrors come of an answer too."""
    files = {frame.f_code.co_filename for frame, _line in traceback.walk_tb(error.__traceback__)}
    if isinstance(error, TypeError):
        # Of a proxy with a user and without a host.
        return _requests.requests.utils.__file__ in files
    # Its subclasses are of the answer: JSON that cannot be read, text that cannot be decoded.
    own = isinstance(error, ValueError) and not isinstance(error, (UnicodeError, json.JSONDecodeError))
    return own and urllib.parse.__file__ in files


def _reason(causes: t.Sequence[BaseException], way: Way) -> str:
    cause = causes[-1]
    if isinstance(cause, OSError) and cause.strerror:
        # The system's words, or OpenSSL's.
        return cause.strerror
    if way.proxy:
        return CLOSED if isinstance(cause, http.client.RemoteDisconnected) else type(cause).__name__
    return str(cause).strip().rsplit(": ", 1)[-1] or type(cause).__name__


def _phrased(status: int) -> str:
    return f"{status} {http.client.responses.get(status, '')}".rstrip()
