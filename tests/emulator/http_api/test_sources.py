"""What an authorizer takes for a caller's identity."""

import pytest

from emulator.http_api.event import HttpRequest, Place, build_event
from emulator.http_api.routing import Match
from emulator.http_api.sources import select
from tests.emulator.http_api.test_event import NOW

REQUEST = HttpRequest("GET", "/a", query="token=t&empty=", headers={"x-key": "k"})
PLACE = Place("123456789012", "abc", "prod", "localhost", {"colour": "red"})
EVENT = build_event(REQUEST, Match("GET /a", {}), PLACE, now=NOW, request_id="id=")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$request.header.X-Key", "k"),
        ("$request.querystring.token", "t"),
        ("$stageVariables.colour", "red"),
        ("$context.routeKey", "GET /a"),
        ("$context.http.method", "GET"),
    ],
)
def test_a_source_is_read_from_where_it_names(expression: str, value: str) -> None:
    assert select([expression], REQUEST, EVENT) == [value]


@pytest.mark.parametrize(
    "missing",
    ["$request.header.other", "$request.querystring.empty", "$stageVariables.x", "$context.no.such"],
)
def test_a_missing_or_empty_source_is_no_identity_at_all(missing: str) -> None:
    assert select(["$request.header.x-key", missing], REQUEST, EVENT) is None


def test_no_sources_are_an_identity_of_nothing() -> None:
    assert select([], REQUEST, EVENT) == []
