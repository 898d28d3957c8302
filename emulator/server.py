"""The one HTTP server of the local cloud: threads, kept-alive connections, answers in one write.

A loopback call costs what its handling costs: Nagle's algorithm is off, a response leaves as one
segment, and a connection is reused for as long as the client keeps it.
"""

import contextlib
import io
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from emulator.errors import PortTaken

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApplication = Callable[[Environ, StartResponse], Iterable[bytes]]

LARGEST_BODY_BYTES = 5 * 1024**3
"""What S3 takes in one upload, the largest body AWS knows."""

_log = logging.getLogger(__name__)


class MalformedRequest(Exception):
    """A request that cannot be read whole, and is answered with 400."""


class _Handler(MotoRequestHandler):
    """One connection: HTTP/1.1, buffered output, no request log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 256 * 1024

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the meter counts requests."""

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: a client that hangs up is no error of the server."""

    def handle_expect_100(self) -> bool:
        """Let the client send its body at once, instead of when the answer is complete."""
        answer = super().handle_expect_100()
        self.wfile.flush()
        return bool(answer)

    def address_string(self) -> str:
        """Give the peer's address without a name lookup."""
        return str(self.client_address[0])

    def handle(self) -> None:
        """Serve requests until the client hangs up."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def run_wsgi(self) -> None:
        """Answer one request and leave the connection ready for the next.

        werkzeug's own closes each connection after its answer, since it cannot know that the request's body
        was read. Here the body is read before the application sees it, and the answer leaves in one write.
        """
        environ = self.make_environ()
        try:
            received = _drain(environ, self.headers.get_all("content-length", []))
        except MalformedRequest as error:
            self._refuse(str(error))
            return
        environ["wsgi.input"] = io.BytesIO(received)
        environ["wsgi.input_terminated"] = True
        status, headers, body = _run(self.server.app, environ)
        head = [f"HTTP/1.1 {status}", f"Date: {self.date_time_string()}"]
        head += [f"{name}: {value}" for name, value in headers if name.lower() != "connection"]
        if not any(name.lower() == "content-length" for name, _ in headers) and _has_length(status):
            head.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            head.append("Connection: close")
        sent = b"" if self.command == "HEAD" or not _has_length(status) else body
        first = "\r\n".join([*head, "", ""]).encode("latin-1")
        if len(sent) < self.wbufsize:
            first, sent = first + sent, b""  # leaves in one segment; a large body is not copied for that
        self.wfile.write(first)
        self.wfile.write(sent)
        self.wfile.flush()

    def _refuse(self, reason: str) -> None:
        """Say what was wrong with a request, and end its connection: where the next begins is not known."""
        self.close_connection = True
        body = f"{reason}\n".encode()
        head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        self.wfile.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        self.wfile.flush()


def _has_length(status: str) -> bool:
    return not status.startswith(("1", "204", "304"))


def _drain(environ: Environ, lengths: list[str]) -> bytes:
    """Read a request's body from its connection, in whatever form it comes, and whole or not at all.

    Half of what a client meant to send must not reach a service: it would be stored as if it were all.
    """
    encoding = environ.pop("HTTP_TRANSFER_ENCODING", "").lower()
    if encoding == "chunked":
        try:
            body = bytes(environ["wsgi.input"].read())
        except OSError as error:
            raise MalformedRequest(f"the request's chunked body is malformed or cut off: {error}") from error
        environ["CONTENT_LENGTH"] = str(len(body))
        return body
    if encoding:
        raise MalformedRequest(f"the transfer encoding {encoding!r} is not understood; send chunked, or none")
    length = _length(lengths)
    body = bytes(environ["wsgi.input"].read(length)) if length else b""
    if len(body) < length:
        raise MalformedRequest(f"the request's body ended after {len(body)} of {length} bytes")
    return body


def _length(lengths: list[str]) -> int:
    """Give the one length that a request's headers name; 0 where they name none."""
    if not lengths:
        return 0
    text = lengths[0].strip()
    if len(set(lengths)) > 1 or not (text.isascii() and text.isdigit()):
        raise MalformedRequest(f"Content-Length {', '.join(lengths)!r} is not one number of bytes")
    if int(text) > LARGEST_BODY_BYTES:
        raise MalformedRequest(
            f"a body of {text} bytes is more than the {LARGEST_BODY_BYTES} that any request here may carry"
        )
    return int(text)


def _run(application: WsgiApplication, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """Run an application to its end; what it raises is logged and answered with 500."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
        started.append((status, headers))

    try:
        chunks = application(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()
    except Exception:  # noqa: BLE001 - logged whole, and one bad request must not end its connection
        _log.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        return (
            "500 Internal Server Error",
            [("Content-Type", "text/plain")],
            b"the local cloud failed; see its log",
        )
    status, headers = started[-1]
    return status, headers, body


class _ThreadedServer(ThreadedWSGIServer):
    """Threads that end with the process, and a listen queue long enough for bursts."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, host: str, port: int, application: WsgiApplication) -> None:
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(host, port, application, handler=_Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that stopping can end it."""
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ended."""
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave a broken connection alone: application errors were answered with 500 already."""

    def close_connections(self) -> None:
        """End the connections that clients keep open."""
        with self._connections_lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def read_body(environ: Environ) -> bytes:
    """Read a request's body and leave it readable for whoever comes next.

    Parameters
    ----------
    environ
        WSGI environment, its body drained from the connection already.

    Returns
    -------
    bytes
        The whole body.
    """
    body = bytes(environ["wsgi.input"].read())
    environ["wsgi.input"] = io.BytesIO(body)
    return body


class Server:
    """Serves one WSGI application on one port, in threads of this process.

    Parameters
    ----------
    application
        What answers.
    port
        Port to listen on; 0 takes a free one.
    host
        Address to listen on.
    """

    def __init__(self, application: WsgiApplication, *, port: int, host: str = "127.0.0.1") -> None:
        if port and _is_taken(host, port):
            raise PortTaken(
                f"port {port} on {host} is in use by another program; stop it, or choose another with --port"
            )
        self._server = _ThreadedServer(host, port, application)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        if self._thread.ident is not None:  # one that never began cannot be told to stop
            self._server.shutdown()
            self._thread.join()
        self._server.close_connections()
        self._server.server_close()


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host, port)) == 0
