"""The edge of the API: events in, answers and problem documents out."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tidemill.errors import Conflict, InvalidRequest, NotFound, TidemillError, Unavailable
from tidemill.serving.http import MAX_BODY_BYTES, Request, Response, Route, Router


def event(method: str = "GET", path: str = "/models", **changes: Any) -> dict[str, Any]:
    context = {"http": {"method": method}, "timeEpoch": 1362376800123, "stage": "$default"}
    return {"rawPath": path, "requestContext": context, "isBase64Encoded": False} | changes


def echo(request: Request, names: Mapping[str, str]) -> Response:
    return Response(200, {"names": dict(names), "body": request.body.decode(), "at": request.at.isoformat()})


def router(answer: Any = echo) -> Router:
    return Router(
        [
            Route("GET", "/models", answer),
            Route("GET", "/models/{model}", answer),
            Route("POST", "/models/{model}/predict", answer),
        ]
    )


def answer(given: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    response = router().answer(given)
    assert set(response) == {"statusCode", "headers", "body", "isBase64Encoded"}
    return response["statusCode"], json.loads(response["body"])


def test_a_route_gets_its_parameters_decoded_and_the_moment_of_the_request() -> None:
    status, document = answer(event(path="/models/late%20arrival"))
    assert (status, document["names"]) == (200, {"model": "late arrival"})
    assert document["at"] == datetime(2013, 3, 4, 6, 0, 0, 123000, tzinfo=UTC).isoformat()


def test_a_stage_before_the_path_is_no_part_of_it() -> None:
    given = event(path="/prod/models")
    given["requestContext"]["stage"] = "prod"
    assert answer(given)[0] == 200


def test_a_base64_body_is_decoded() -> None:
    encoded = base64.b64encode(b'{"rows": []}').decode()
    given = event("POST", "/models/m/predict", body=encoded, isBase64Encoded=True)
    assert answer(given)[1]["body"] == '{"rows": []}'


def test_a_body_declared_base64_that_is_not_is_refused() -> None:
    assert answer(event("POST", "/models/m/predict", body="{}", isBase64Encoded=True))[0] == 400


@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_over_the_limit_is_413(encoded: bool) -> None:  # noqa: FBT001  parametrized
    body = "A" * (MAX_BODY_BYTES * 2)
    status, document = answer(event("POST", "/models/m/predict", body=body, isBase64Encoded=encoded))
    assert status == 413
    assert "may have 5,000,000" in document["detail"]


def test_an_unknown_path_is_404_and_lists_what_there_is() -> None:
    status, document = answer(event(path="/model"))
    assert status == 404
    assert "POST /models/{model}/predict" in document["detail"]


def test_a_wrong_method_is_405_with_the_right_ones_in_allow() -> None:
    response = router().answer(event("GET", "/models/m/predict"))
    assert (response["statusCode"], response["headers"]["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("raised", "status", "kind"),
    [
        (InvalidRequest("must be a number", field="rows[3].wind_speed"), 400, "urn:tidemill:invalid-request"),
        (NotFound("no model"), 404, "urn:tidemill:not-found"),
        (Unavailable("no answer"), 503, "urn:tidemill:unavailable"),
        (Conflict("lost"), 503, "urn:tidemill:unavailable"),
    ],
)
def test_every_error_of_ours_is_a_problem_document(raised: TidemillError, status: int, kind: str) -> None:
    response = router_raising(raised).answer(event())
    document = json.loads(response["body"])
    assert (document["status"], document["type"]) == (status, kind) == (response["statusCode"], kind)
    assert document["detail"] == str(raised)
    assert response["headers"]["content-type"] == "application/problem+json"
    assert document.get("field") == getattr(raised, "field", None)


def router_raising(raised: TidemillError) -> Router:
    def fail(_request: Request, _names: Mapping[str, str]) -> Response:
        raise raised

    return router(fail)


def test_an_unexpected_error_fails_the_invocation() -> None:
    def break_down(_request: Request, _names: Mapping[str, str]) -> Response:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        router(break_down).answer(event())
