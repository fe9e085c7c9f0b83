# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy passes on what it should, loses what it is told to, and only after the server behind has acted."""

from __future__ import annotations

import http.server
import pathlib
import ssl
import threading
import typing as t
import urllib.parse

import pytest
import requests

from sandbox import certificates
from sandbox.proxy import Proxy


class Behind:
    """A server that keeps what it was asked for, and answers with as many bytes as the path says."""

    def __init__(self, certificate: pathlib.Path | None = None) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        behind = self

        class Connection(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, format: str, *args: t.Any) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                behind.asked.append((self.command, self.path, body))
                content = b"x" * int(urllib.parse.urlsplit(self.path).path.strip("/"))
                self.send_response(201)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("X-Host", self.headers["Host"])
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Connection)
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Behind:
        self._thread.start()
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def proxy() -> t.Iterator[Proxy]:
    with Proxy() as proxy:
        yield proxy


@pytest.fixture
def session(proxy: Proxy, tmp_path: pathlib.Path) -> t.Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http": proxy.url, "https": proxy.url}
        session.verify = str(certificates.ensure(tmp_path)[0])
        yield session


@pytest.fixture
def plain() -> t.Iterator[Behind]:
    with Behind() as behind:
        yield behind


@pytest.fixture
def tls(tmp_path: pathlib.Path) -> t.Iterator[Behind]:
    with Behind(certificates.ensure(tmp_path)[1]) as behind:
        yield behind


def test_plain_requests_pass(proxy: Proxy, session: requests.Session, plain: Behind) -> None:
    answer = session.post(f"{plain.url}/3/?a=b%20c", data=b"body")

    assert (answer.status_code, answer.text) == (201, "xxx")
    assert answer.headers["X-Host"] == urllib.parse.urlsplit(plain.url).netloc
    assert plain.asked == [("POST", "/3/?a=b%20c", b"body")]
    assert (proxy.count("POST"), proxy.count("POST", "/4/"), proxy.count("GET")) == (1, 0, 0)


def test_tunnels_pass(proxy: Proxy, session: requests.Session, tls: Behind) -> None:
    for _time in range(2):
        assert len(session.post(f"{tls.url}/100000/").content) == 100_000
    # One tunnel, since the client keeps it.
    assert proxy.count("CONNECT", urllib.parse.urlsplit(tls.url).netloc) == 1


@pytest.mark.parametrize("how", ["close", "reset", "cut"])
def test_an_answer_is_lost_after_the_work_is_done(
    proxy: Proxy, session: requests.Session, plain: Behind, how: t.Any
) -> None:
    proxy.lose("POST", "/3/$", how, times=2)

    assert session.get(f"{plain.url}/3/").ok
    for _time in range(2):
        with pytest.raises(requests.RequestException):
            session.post(f"{plain.url}/3/")
    assert session.post(f"{plain.url}/3/").ok
    assert [method for method, _path, _body in plain.asked] == ["GET", "POST", "POST", "POST"]


def test_a_server_that_is_not_there_is_told(proxy: Proxy, session: requests.Session) -> None:
    with Behind() as gone:
        pass
    assert session.get(f"{gone.url}/1/").status_code == 502
    with pytest.raises(requests.exceptions.ProxyError, match="502"):
        session.get(f"{gone.url.replace('http:', 'https:')}/1/")


def test_tunnels_are_refused(proxy: Proxy, session: requests.Session, tls: Behind) -> None:
    proxy.refuse_tunnels(407)
    with pytest.raises(requests.exceptions.ProxyError, match="407"):
        session.post(f"{tls.url}/1/")
    assert tls.asked == []
    assert session.post(f"{tls.url}/1/").ok


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_tunnel_is_cut_on_a_condition(proxy: Proxy, session: requests.Session, tls: Behind, how: t.Any) -> None:
    proxy.cut_tunnels(lambda _tunnel: len(tls.asked) == 2, how)

    assert session.post(f"{tls.url}/1/").ok
    with pytest.raises(requests.RequestException):
        session.post(f"{tls.url}/2/")
    assert session.post(f"{tls.url}/3/").ok
    assert [path for _method, path, _body in tls.asked] == ["/1/", "/2/", "/3/"]
    assert proxy.count("CONNECT") == 2


def test_a_tunnel_is_cut_after_so_many_bytes(proxy: Proxy, session: requests.Session, tls: Behind) -> None:
    proxy.cut_tunnels(50_000)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="more expected"):
        session.get(f"{tls.url}/100000/")
    assert session.get(f"{tls.url}/100000/").ok


def test_a_tunnel_counts_what_has_passed(proxy: Proxy, session: requests.Session, tls: Behind) -> None:
    proxy.cut_tunnels(lambda tunnel: tunnel.writes >= 3 and tunnel.sent > 10_000, times=None)
    assert session.post(f"{tls.url}/1/").ok
    with pytest.raises(requests.RequestException):
        session.post(f"{tls.url}/1/", data=b"x" * 10_000)


def test_it_stops_with_connections_open(session: requests.Session, plain: Behind) -> None:
    before = threading.active_count()
    with Proxy() as proxy:
        session.proxies["http"] = proxy.url
        assert session.get(f"{plain.url}/1/").ok
    with pytest.raises(requests.exceptions.ProxyError):
        session.get(f"{plain.url}/1/")
    for thread in threading.enumerate():
        if thread.daemon and "process_request" in thread.name:
            thread.join(5)
    assert threading.active_count() <= before + 1
