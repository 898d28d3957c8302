"""Which origins may read an API's answers, and what a preflight request is told."""

import pytest

from emulator.http_api.cors import answer_preflight, with_cors
from emulator.http_api.event import HttpRequest
from emulator.http_api.response import HttpResponse

SETTINGS = {
    "AllowOrigins": ["https://app.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["x-token"],
    "ExposeHeaders": ["x-count"],
    "MaxAge": 60,
    "AllowCredentials": True,
}


def preflight(origin: str) -> HttpRequest:
    return HttpRequest("OPTIONS", "/", headers={"origin": origin, "access-control-request-method": "GET"})


def test_a_preflight_is_told_what_is_allowed() -> None:
    answer = answer_preflight(SETTINGS, preflight("https://app.example"))
    assert answer is not None
    assert (answer.status, answer.body) == (204, b"")
    assert dict(answer.headers) == {
        "access-control-allow-origin": "https://app.example",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-count",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "x-token",
        "access-control-max-age": "60",
    }


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest("GET", "/", headers={"origin": "https://app.example"}),
        HttpRequest("OPTIONS", "/", headers={"origin": "https://app.example"}),
        HttpRequest("OPTIONS", "/", headers={"access-control-request-method": "GET"}),
    ],
)
def test_what_is_no_preflight_goes_to_its_route(request_: HttpRequest) -> None:
    assert answer_preflight(SETTINGS, request_) is None


@pytest.mark.parametrize(
    ("allowed", "origin", "told"),
    [
        (["*"], "http://any.example", "*"),
        (["https://*"], "https://any.example", "https://any.example"),
        (["https://*"], "http://any.example", None),
        (["https://app.example"], "https://app.example.evil", None),
    ],
)
def test_an_origin_is_covered_by_itself_its_scheme_or_a_star(
    allowed: list[str], origin: str, told: str | None
) -> None:
    request = HttpRequest("GET", "/", headers={"origin": origin})
    answer = with_cors(HttpResponse(200, (), b""), {"AllowOrigins": allowed}, request)
    assert dict(answer.headers).get("access-control-allow-origin") == told


def test_the_functions_own_cors_headers_are_replaced() -> None:
    own = (("access-control-allow-origin", "*"), ("x-own", "1"))
    request = HttpRequest("GET", "/", headers={"origin": "https://foreign.example"})
    assert with_cors(HttpResponse(200, own, b""), SETTINGS, request).headers == (("x-own", "1"),)
