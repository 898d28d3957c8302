"""Using what could not be known is impossible: not declared, not sent, not seen."""

import dataclasses
import json
from typing import Any

import pytest

from cli.demo.flights_data import FlightsData
from cli.demo.sample import request_rows
from cli.demo.system import LocalSystem
from tidemill.errors import DeclarationError
from tidemill.project import load_project

pytestmark = pytest.mark.end_to_end


@pytest.mark.parametrize("column", ["dep_delay", "arr_delay", "air_time", "landed_at"])
def test_a_model_can_not_be_declared_on_what_comes_after_departure(column: str) -> None:
    """The flight's own delay is in the source, and yet no feature may read it."""
    model = load_project("flights").model("late_arrival")
    with pytest.raises(DeclarationError, match=column):
        dataclasses.replace(model, features=[*model.features, column])


@pytest.mark.parametrize("column", ["dep_delay", "arr_delay"])
def test_a_caller_can_not_send_it_either(system: LocalSystem, data: FlightsData, column: str) -> None:
    """The API knows request columns only."""
    [row] = request_rows(data.flights.head(1), system.columns)
    body = json.dumps({"rows": [{**row, column: 0.0}]}).encode()
    status, content = system.deployment.api.send("POST", "/models/late_arrival/predict", body)
    problem: dict[str, Any] = json.loads(content)
    assert status == 400
    assert problem["field"] == f"rows[0].{column}"
