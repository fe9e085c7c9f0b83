# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A loopback port, and functions that treat a connection to it badly."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
import typing as t

# Seconds after which a connection that nobody ends is let go.
IDLE = 10.0

Treatment = t.Callable[["Listener", socket.socket], None]


class Listener:
    """Start with ``with``; it gives each connection its treatment. ``posts`` counts the POSTs that came in whole."""

    def __init__(self, treatment: Treatment, host: str = "127.0.0.1") -> None:
        self.posts = 0
        self._treatment = treatment
        self._socket = socket.create_server((host, 0))
        self.address = f"{host}:{self._socket.getsockname()[1]}"
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self.ended.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def read_request(self, connection: socket.socket) -> None:
        """Read a request, with its body."""
        head, _blank, body = b"", b"", b""
        while not _blank:
            data = connection.recv(65536)
            if not data:
                raise ConnectionError("the client has gone")
            head, _blank, body = (head + data).partition(b"\r\n\r\n")
        lines = [line.lower() for line in head.split(b"\r\n")]
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        self.posts += head.startswith(b"POST")

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            connection.settimeout(IDLE)
            threading.Thread(target=self._treat, args=(connection,), daemon=True).start()

    def _treat(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._treatment(self, connection)


def close(_listener: Listener, connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def reset(_listener: Listener, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def wait(listener: Listener, _connection: socket.socket) -> None:
    listener.ended.wait(IDLE)


def answer(data: bytes = b"", then: Treatment = close) -> Treatment:
    """Read the request, write this in answer to it, and go on."""

    def treatment(listener: Listener, connection: socket.socket) -> None:
        listener.read_request(connection)
        connection.sendall(data)
        then(listener, connection)

    return treatment


def hear(then: Treatment) -> Treatment:
    """Read what the client says at first, and go on."""

    def treatment(listener: Listener, connection: socket.socket) -> None:
        connection.recv(65536)
        then(listener, connection)

    return treatment


def say(data: bytes, then: Treatment) -> Treatment:
    """Write this, past the encryption where there is one, and go on."""

    def treatment(listener: Listener, connection: socket.socket) -> None:
        with socket.socket(fileno=os.dup(connection.fileno())) as plain:
            plain.sendall(data)
        then(listener, connection)

    return treatment


def in_tls(context: ssl.SSLContext, then: Treatment) -> Treatment:
    """Shake hands, and go on."""
    return lambda listener, connection: then(listener, context.wrap_socket(connection, server_side=True))


@contextlib.contextmanager
def full() -> t.Iterator[str]:
    """The address of a port that takes no more connections, without a word."""
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(socket.socket())
        port.bind(("127.0.0.1", 0))
        port.listen(0)
        for _time in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(port.getsockname())
        yield f"127.0.0.1:{port.getsockname()[1]}"


def closed() -> str:
    """The address of a port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"
