"""The few words of HTTP/1.1 the Runtime API needs, on sockets the invoking thread drives itself.

A worker keeps one connection and speaks strictly in turns, so a full HTTP server with a thread per
connection would only add a thread switch to every invocation. Head and body leave in one write:
in two, Nagle's algorithm and delayed acknowledgement cost 40 ms a call.
"""

import contextlib
import selectors
import socket
from collections.abc import Mapping
from dataclasses import dataclass

_READ_BYTES = 1 << 16
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """One request as received from the runtime client."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class RequestReader:
    r"""Cuts a byte stream into requests, whatever pieces it arrives in.

    Examples
    --------
    >>> reader = RequestReader()
    >>> reader.feed(b"POST /a HTTP/1.1\r\nContent-Le")
    >>> reader.next_request() is None
    True
    >>> reader.feed(b"ngth: 2\r\n\r\nhiGET /b HTTP/1.1\r\n\r\n")
    >>> reader.next_request().body, reader.next_request().path
    (b'hi', '/b')
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._body_start = 0

    def feed(self, data: bytes) -> None:
        """Take bytes as they arrived."""
        self._buffer += data

    def next_request(self) -> Request | None:
        """Give the next whole request, or None while it is incomplete."""
        if self._head is None and not self._read_head():
            return None
        assert self._head is not None  # noqa: S101  _read_head just set it
        method, path, headers = self._head
        body = self._read_body(headers)
        if body is None:
            return None
        self._head = None
        return Request(method, path, headers, body)

    def _read_head(self) -> bool:
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0:
            return False
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        method, path, _version = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self._head = (method, path, headers)
        del self._buffer[: end + len(_END_OF_HEAD)]
        return True

    def _read_body(self, headers: Mapping[str, str]) -> bytes | None:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = int(headers.get("content-length", "0"))
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        position = 0
        while True:
            line_end = self._buffer.find(b"\r\n", position)
            if line_end < 0:
                return None
            size = int(bytes(self._buffer[position:line_end]).split(b";")[0], 16)
            start = line_end + 2
            if len(self._buffer) < start + size + 2:
                return None
            body += self._buffer[start : start + size]
            position = start + size + 2
            if size == 0:
                del self._buffer[:position]
                return bytes(body)


def response(status: str, headers: Mapping[str, str], body: bytes) -> bytes:
    r"""Compose a response as one block of bytes.

    Examples
    --------
    >>> response("202 Accepted", {"A": "b"}, b"x")
    b'HTTP/1.1 202 Accepted\r\nA: b\r\nContent-Length: 1\r\n\r\nx'
    """
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


class Connections:
    """A port for one client that speaks in turns; reading and writing are driven by a selector.

    Parameters
    ----------
    selector
        Where its sockets are registered.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ)
        self._readers: dict[socket.socket, RequestReader] = {}
        self._waiting: socket.socket | None = None
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def is_waiting(self) -> bool:
        """Whether a request waits for its answer."""
        return self._waiting is not None

    def serve(self, ready: socket.socket) -> bool:
        """Accept or read what is ready; True when a connection has ended."""
        if ready is self._listener:
            self._accept()
            return False
        return self._receive(ready)

    def next_request(self) -> Request | None:
        """Give a request that has arrived whole; from now on it waits."""
        for connection, reader in self._readers.items():
            request = reader.next_request()
            if request is not None:
                self._waiting = connection
                return request
        return None

    def send(self, block: bytes) -> None:
        """Answer the request that waits."""
        connection, self._waiting = self._waiting, None
        if connection is not None:
            # A client that died meanwhile is found by the read that follows.
            with contextlib.suppress(ConnectionError):
                connection.sendall(block)

    def close(self) -> None:
        """Close every socket."""
        for connection in self._readers:
            connection.close()
        self._listener.close()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._readers[connection] = RequestReader()
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, connection: socket.socket) -> bool:
        try:
            data = connection.recv(_READ_BYTES)
        except ConnectionError:
            data = b""
        if data:
            self._readers[connection].feed(data)
            return False
        self._selector.unregister(connection)
        del self._readers[connection]
        connection.close()
        if self._waiting is connection:
            self._waiting = None
        return True
