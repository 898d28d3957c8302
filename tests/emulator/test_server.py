"""The HTTP server: connections that stay, bodies in any form, a port that is freed."""

import http.client
import socket
from collections.abc import Iterable, Iterator

import pytest

from emulator.errors import PortTaken
from emulator.server import Environ, Server, StartResponse, read_body


def echo(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    body = read_body(environ)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(echo, port=0)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def connection(server: Server) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    yield made
    made.close()


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    first = connection.sock
    for number in range(3):
        connection.request("POST", "/", body=str(number))
        assert connection.getresponse().read() == str(number).encode()
    assert connection.sock is first


def test_a_chunked_body_is_read_whole(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/", body=iter([b"one ", b"two"]), encode_chunked=True)
    assert connection.getresponse().read() == b"one two"


def test_a_client_that_waits_for_leave_gets_it_at_once(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ok")
        answer = b""
        while not answer.endswith(b"ok"):
            answer += client.recv(1000)
    assert answer.startswith(b"HTTP/1.1 200 OK")


def ask(server: Server, request: bytes) -> bytes:
    """Send bytes, hang up for writing, and read to the end."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()


@pytest.mark.parametrize(
    ("head_and_body", "says"),
    [
        (b"Content-Length: 1000\r\n\r\nhalf of it", b"ended after 10 of 1000 bytes"),
        (b"Content-Length: abc\r\n\r\nxyz", b"'abc' is not one number of bytes"),
        (b"Content-Length: -5\r\n\r\nxyz", b"'-5' is not one number of bytes"),
        (b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nxyzab", b"'3, 5' is not one number of bytes"),
        (b"Content-Length: 99999999999999999999\r\n\r\nxyz", b"more than the 5368709120"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nxy", b"malformed or cut off"),
        (b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nxyz\r\n0\r\n\r\n", b"malformed or cut off"),
        (b"Transfer-Encoding: gzip\r\n\r\nxyz", b"'gzip' is not understood"),
    ],
)
def test_a_request_that_is_not_whole_reaches_no_application(
    server: Server, head_and_body: bytes, says: bytes
) -> None:
    answer = ask(server, b"PUT / HTTP/1.1\r\nHost: h\r\n" + head_and_body)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert says in answer


def test_stopping_ends_kept_connections_and_frees_the_port() -> None:
    server = Server(echo, port=0)
    server.start()
    port = server.port
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        server.stop()
        assert client.recv(1000) == b""
    again = Server(echo, port=port)
    again.start()
    again.stop()


def test_a_port_in_use_is_refused_by_name(server: Server) -> None:
    with pytest.raises(PortTaken, match=f"port {server.port} on 127.0.0.1 is in use"):
        Server(echo, port=server.port)
