"""Requests that are not what they should be, by the HTTP API: 4xx that names the field, no prediction."""

import json
from typing import Any

import pytest

from cli.demo.flights_data import FlightsData
from cli.demo.sample import request_rows
from cli.demo.system import LocalSystem

pytestmark = pytest.mark.end_to_end

PATH = "/models/late_arrival/predict"


@pytest.fixture(scope="module")
def row(system: LocalSystem, data: FlightsData) -> dict[str, Any]:
    """Return a right row of March 1."""
    on_day = data.flights["scheduled_at"].dt.strftime("%Y-%m-%d") == "2013-03-01"
    return request_rows(data.flights[on_day].head(1), system.columns)[0]


def refused(system: LocalSystem, body: bytes) -> dict[str, Any]:
    """Send a body, see that it is refused as RFC 9457 says, and return the problem."""
    status, content = system.deployment.api.send("POST", PATH, body)
    problem: dict[str, Any] = json.loads(content)
    assert 400 <= status < 500
    assert problem["status"] == status
    assert problem["detail"]
    return problem


def rows(*given: dict[str, Any]) -> bytes:
    """Write a request's body."""
    return json.dumps({"rows": given}).encode()


def test_an_unknown_column_is_named(system: LocalSystem, row: dict[str, Any]) -> None:
    """A misspelt column would otherwise be a missing feature nobody notices."""
    problem = refused(system, rows({**row, "wind_sped": 3.0}))
    assert problem["field"] == "rows[0].wind_sped"
    assert "wind_speed" in problem["detail"]


def test_a_missing_request_column_is_named(system: LocalSystem, row: dict[str, Any]) -> None:
    """Left out is not the same as not known, which is null."""
    without = {name: value for name, value in row.items() if name != "wind_speed"}
    assert refused(system, rows(row, without))["field"] == "rows[1].wind_speed"


def test_a_string_for_a_number_is_named(system: LocalSystem, row: dict[str, Any]) -> None:
    """Digits in quotes are text, and text is no number."""
    problem = refused(system, rows({**row, "wind_speed": "12"}))
    assert problem["field"] == "rows[0].wind_speed"
    assert "number" in problem["detail"]


def test_nan_is_no_json(system: LocalSystem, row: dict[str, Any]) -> None:
    """Python's json writes NaN; JSON has no such thing, and null says what is meant."""
    problem = refused(system, rows({**row, "wind_speed": float("nan")}))
    assert "NaN" in problem["detail"]
    assert "null" in problem["detail"]


@pytest.mark.parametrize("n_rows", [0, 10_000])
def test_no_rows_and_too_many_are_refused(system: LocalSystem, row: dict[str, Any], n_rows: int) -> None:
    """A request takes 1 to 1,000 rows, and says so."""
    problem = refused(system, rows(*[row] * n_rows))
    assert "1,000" in problem["detail"]


@pytest.mark.parametrize("body", [b"", b"rows", b"[]", b'{"rows": 3}', b"\xff\xfe", b'{"rows": [3]}'])
def test_a_body_that_is_not_json_or_not_rows_is_refused(system: LocalSystem, body: bytes) -> None:
    """Each says what was found and what to send."""
    refused(system, body)


def test_a_model_that_does_not_exist_is_not_found(system: LocalSystem, row: dict[str, Any]) -> None:
    """404 with the model's name."""
    status, content = system.deployment.api.send("POST", "/models/early_arrival/predict", rows(row))
    assert status == 404
    assert "early_arrival" in json.loads(content)["detail"]


def test_a_version_that_does_not_exist_is_not_found(system: LocalSystem, row: dict[str, Any]) -> None:
    """404 with the version."""
    path = "/models/late_arrival/versions/999/predict"
    status, content = system.deployment.api.send("POST", path, rows(row))
    assert status == 404
    assert "999" in json.loads(content)["detail"]


def test_an_unsigned_request_is_forbidden(system: LocalSystem, row: dict[str, Any]) -> None:
    """Nobody without credentials of the account gets a prediction."""
    import urllib3  # noqa: PLC0415 - only here a request goes out unsigned

    url = system.deployment.outputs["ApiEndpoint"] + PATH
    with urllib3.PoolManager() as unsigned:
        assert unsigned.request("POST", url, body=rows(row)).status == 403


def test_after_all_that_a_right_request_is_answered(system: LocalSystem, row: dict[str, Any]) -> None:
    """None of it is a prediction, and none of it is in the way of one."""
    answer = system.deployment.api.predict("late_arrival", [row])
    assert 0.0 < answer["predictions"][0]["probability"] < 1.0
