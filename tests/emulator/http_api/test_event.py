"""What a function behind an HTTP API receives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.http_api.event import HttpRequest, Place, build_event
from emulator.http_api.routing import Match

NOW = datetime(2013, 3, 1, 12, 30, tzinfo=UTC)


def event_of(request: HttpRequest, *, stage: str = "$default") -> dict[str, Any]:
    place = Place("123456789012", "abc", stage, "localhost:4566", {"colour": "red"})
    return build_event(request, Match("$default", {}), place, now=NOW, request_id="id=")


def test_time_is_the_one_given() -> None:
    context = event_of(HttpRequest("GET", "/"))["requestContext"]
    assert context["timeEpoch"] == 1362141000000
    assert context["time"] == "01/Mar/2013:12:30:00 +0000"


def test_a_named_stage_stands_before_the_path() -> None:
    assert event_of(HttpRequest("GET", "/a"), stage="prod")["rawPath"] == "/prod/a"
    assert event_of(HttpRequest("GET", "/a"))["rawPath"] == "/a"


def test_what_is_empty_is_left_out() -> None:
    event = event_of(HttpRequest("GET", "/"))
    assert {"body", "cookies", "queryStringParameters", "pathParameters"}.isdisjoint(event)
    assert event["stageVariables"] == {"colour": "red"}


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"content-type": "application/json"}, b'{"x": 1}', ('{"x": 1}', False)),
        ({"content-type": "application/problem+json"}, b"{}", ("{}", False)),
        ({"content-type": "text/plain"}, b"\xff", ("/w==", True)),
        ({"content-type": "image/png"}, b"png", ("cG5n", True)),
        ({"content-type": "application/json", "content-encoding": "gzip"}, b"x", ("eA==", True)),
    ],
)
def test_text_is_handed_over_as_text_and_all_else_as_base64(
    headers: dict[str, str], body: bytes, expected: tuple[str, bool]
) -> None:
    event = event_of(HttpRequest("POST", "/", headers=headers, body=body))
    assert (event["body"], event["isBase64Encoded"]) == expected
