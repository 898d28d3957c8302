"""The API from the gateway's event to the answer, on a real graph and memory adapters."""

import math
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.served import Served, row
from tidemill.serving.prediction_log import decode_message


def test_a_prediction_is_what_the_graph_says_on_the_views_features(
    served: Served, files: dict[str, bytes]
) -> None:
    status, answer = served.predict(row())
    assert status == 200
    [prediction] = answer["predictions"]
    # mean delay of the two known flights, wind, code of UA in AA UA WN, hour
    features = np.array([[20.0, 7.5, 1.0, 10.0]], dtype=np.float32)
    session = onnxruntime.InferenceSession(files["model.onnx"], providers=["CPUExecutionProvider"])
    expected = float(session.run(None, {"features": features})[1][0, 1])
    assert prediction["probability"] == expected
    assert prediction["prediction"] is (expected >= 0.5)
    assert prediction["freshness"] == {"carrier_delays": "2013-02-28T23:00:00Z"}
    assert (answer["model"], answer["version"]) == ("late_arrival", 1)


def test_what_is_answered_is_in_the_log_with_the_same_ids(served: Served) -> None:
    _, answer = served.predict(row(), row(flight_id="WN-1", carrier="WN"))
    [body] = served.log.bodies
    chunk = decode_message(body)
    assert [logged["id"] for logged in chunk.rows] == [one["id"] for one in answer["predictions"]]
    assert [logged["key"] for logged in chunk.rows] == ["UA-9", "WN-1"]
    assert chunk.rows[0]["features"] == [20.0, 7.5, 1.0, 10.0]
    assert math.isnan(chunk.rows[1]["features"][0])
    assert chunk.rows[0]["time"].isoformat() == "2013-03-01T10:00:00+00:00"
    assert chunk.rows[0]["at"].isoformat() == "2013-03-01T00:00:00+00:00"


def test_a_prediction_that_can_not_be_logged_is_not_answered(served: Served) -> None:
    served.log.broken = True
    status, problem = served.predict(row())
    assert (status, problem["type"]) == (503, "urn:tidemill:unavailable")
    assert "predictions" not in problem


def test_a_request_repeated_at_the_same_moment_logs_the_same_message(served: Served) -> None:
    served.predict(row())
    served.predict(row())
    assert served.log.bodies[0] == served.log.bodies[1]


def test_asking_one_version_is_not_service_and_is_not_logged(served: Served) -> None:
    status, answer = served.call("POST", "/models/late_arrival/versions/1/predict", {"rows": [row()]})
    assert (status, answer["version"], served.log.bodies) == (200, 1, [])


def test_an_entity_nobody_heard_of_is_predicted_on_nulls(served: Served) -> None:
    status, answer = served.predict(row(carrier="ZZ"))
    assert status == 200
    assert answer["predictions"][0]["freshness"] == {"carrier_delays": None}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"wind_speed": "7.5"}, "rows[0].wind_speed"),
        ({"windspeed": 7.5}, "rows[0].windspeed"),
        ({"flight_id": None}, "rows[0].flight_id"),
        ({"scheduled_at": None}, "rows[0].scheduled_at"),
        ({"scheduled_at": "soon"}, "rows[0].scheduled_at"),
    ],
)
def test_a_wrong_field_is_400_and_named(served: Served, changes: dict[str, Any], field: str) -> None:
    status, problem = served.predict(row(**changes))
    assert (status, problem["field"]) == (400, field)
    assert not served.log.bodies


@pytest.mark.parametrize("n_rows", [0, 10_000])
def test_too_few_and_too_many_rows_are_400(served: Served, n_rows: int) -> None:
    status, problem = served.predict(*[row()] * n_rows)
    assert (status, problem["field"]) == (400, "rows")


def test_a_number_beyond_float32_is_a_prediction_or_400_and_named(served: Served) -> None:
    status, problem = served.predict(row(), row(wind_speed=1e300))
    assert status in {200, 400}
    assert status == 200 or problem["field"] == "rows[1]"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/models/late_arival/predict", 404),
        ("POST", "/models/late_arrival/versions/9/predict", 404),
        ("POST", "/models/late_arrival/versions/first/predict", 400),
        ("GET", "/models/late_arrival/versions/9", 404),
        ("GET", "/models/other", 404),
        ("GET", "/models/other/reports", 404),
        ("DELETE", "/models/late_arrival", 405),
        ("GET", "/" + "x" * 5000, 404),
    ],
)
def test_what_is_not_there_is_said_to_be_so(served: Served, method: str, path: str, status: int) -> None:
    assert served.call(method, path, {"rows": [row()]})[0] == status


def test_a_misspelt_model_is_told_the_nearest_name(served: Served) -> None:
    _, problem = served.call("POST", "/models/late_arival/predict", {"rows": [row()]})
    assert problem["detail"] == "unknown model `late_arival`; did you mean `late_arrival`?"


def test_models_versions_and_reports_are_listed(served: Served) -> None:
    served.documents.put("MODEL#late_arrival", "REPORT#2013-03-01T00:00:00Z", {"drift": False})
    assert served.call("GET", "/models")[1] == {"models": [{"model": "late_arrival", "champion": 1}]}
    model = served.call("GET", "/models/late_arrival")[1]
    assert (model["aliases"], [one["version"] for one in model["versions"]]) == ({"champion": 1}, [1])
    assert served.call("GET", "/models/late_arrival/versions/1")[1]["gates"] == [
        {"gate": "parity", "passed": True}
    ]
    assert served.call("GET", "/models/late_arrival/reports")[1]["reports"] == [{"drift": False}]


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready"])
def test_health_answers_both_spellings(served: Served, path: str) -> None:
    assert served.call("GET", path) == (200, {"live": True, "ready": True})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(["flight_id", "carrier", "wind_speed", "scheduled_at"])
TIMES = st.datetimes().map(lambda time: time.isoformat() + "Z")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(JSON | st.builds(lambda rows: {"rows": rows}, st.lists(st.dictionaries(FIELDS, JSON))))
def test_no_json_body_is_answered_with_a_5xx(served: Served, body: Any) -> None:
    assert served.call("POST", "/models/late_arrival/predict", body)[0] < 500


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(), TIMES, st.text(max_size=20))
def test_no_row_of_right_types_is_answered_with_a_5xx(
    served: Served, wind: float, time: str, carrier: str
) -> None:
    status, _ = served.predict(row(wind_speed=wind, scheduled_at=time, carrier=carrier))
    assert status < 500
