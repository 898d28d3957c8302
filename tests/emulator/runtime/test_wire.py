"""Requests are read whole, whatever pieces they arrive in."""

from hypothesis import given
from hypothesis import strategies as st

from emulator.runtime.wire import RequestReader

_BODIES = st.lists(st.binary(max_size=60), min_size=1, max_size=4)


def _written(number: int, body: bytes, *, chunked: bool) -> bytes:
    head = f"POST /{number} HTTP/1.1\r\nHost: localhost\r\n"
    if not chunked:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    chunks = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n"


@given(bodies=_BODIES, chunked=st.booleans(), size=st.integers(1, 50))
def test_requests_come_out_as_they_were_sent_however_the_stream_is_cut(
    bodies: list[bytes], size: int, *, chunked: bool
) -> None:
    stream = b"".join(_written(number, body, chunked=chunked) for number, body in enumerate(bodies))
    reader = RequestReader()
    seen = []
    for start in range(0, len(stream), size):
        reader.feed(stream[start : start + size])
        while (request := reader.next_request()) is not None:
            seen.append((request.path, request.body))
    assert seen == [(f"/{number}", body) for number, body in enumerate(bodies)]
