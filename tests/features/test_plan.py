"""The feature plan: from a declaration to plain data, and from a request to a row of the matrix."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tidemill import (
    Entity,
    FeatureView,
    Float,
    Int,
    Model,
    Observations,
    Source,
    String,
    Timestamp,
    col,
    latest,
    mean,
)
from tidemill.canonical import canonical_json
from tidemill.errors import ExpressionError
from tidemill.expressions import column
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import read_features
from tidemill.features.plan import FeaturePlan, assemble, compile_plan, fit_encodings, matrix
from tidemill.memory.online import MemoryOnlineStore

TRIPS = Source(
    "trips",
    {"trip": String, "place": String, "at": Timestamp, "km": Float, "late": Float, "seats": Int},
    ["trip"],
    "at",
)
VIEW = FeatureView(
    "places", Entity("place", ["place"]), TRIPS, {"km_1d": mean("km", over="1d"), **latest("seats")}
)
MODEL = Model(
    "late",
    Observations(TRIPS, key="trip", time=col("at"), request=["place", "at", "km"]),
    label=col("late") > 0,
    features=[VIEW, "place", {"hour": col("at").hour(), "far": col("km") > 10}, "km"],
    estimator=object,
)
ROWS = {
    "trip": column(String, ["1", "2"]),
    "place": column(String, ["a", "b"]),
    "at": column(Timestamp, ["2013-01-01T00:00:00Z", "2013-01-01T01:00:00Z"]),
    "km": column(Float, [4.0, 8.0]),
    "late": column(Float, [0, 1]),
    "seats": column(Int, [3, None]),
}
REQUEST = {
    "place": column(String, ["b", "a", "c", None]),
    "at": column(Timestamp, ["2013-01-01T02:00:00Z"] * 4),
    "km": column(Float, [1.0, None, 11.5, 0.1]),
}


def test_a_plan_survives_json() -> None:
    plan = compile_plan(MODEL)
    back = FeaturePlan.from_json(json.loads(canonical_json(plan.to_json())))
    assert canonical_json(back.to_json()) == canonical_json(plan.to_json())
    assert [view.version for view in back.views] == [VIEW.version]
    with pytest.raises(ExpressionError, match="format 9"):
        FeaturePlan.from_json({"format": 9})


def test_training_and_serving_make_the_same_matrix_of_the_same_request() -> None:
    plan, store = compile_plan(MODEL), MemoryOnlineStore()
    materialize(VIEW, ROWS, sequence=1, store=store)
    offline = assemble(plan, REQUEST, join_features(REQUEST, [VIEW], {"trips": ROWS}, "at"))
    fitted = fit_encodings(plan, offline)
    served = FeaturePlan.from_json(json.loads(canonical_json(fitted.to_json())))
    found, _ = read_features(served, REQUEST, store)
    online = matrix(served, assemble(served, REQUEST, found))
    assert online.tobytes() == matrix(fitted, offline).tobytes()
    assert online.dtype == np.float32
    nan = np.nan
    expected = [
        [8.0, nan, 1.0, 2.0, 0.0, 1.0],
        [4.0, 3.0, 0.0, 2.0, nan, nan],
        [nan, nan, 2.0, 2.0, 1.0, 11.5],
        [nan, nan, nan, 2.0, 0.0, np.float32(0.1)],
    ]
    assert list(plan.inputs) == ["km_1d", "seats", "place", "hour", "far", "km"]
    np.testing.assert_array_equal(online, np.array(expected, dtype=np.float32))


def test_a_string_not_met_in_training_is_nan() -> None:
    plan = compile_plan(MODEL)
    inputs = assemble(plan, REQUEST, join_features(REQUEST, [VIEW], {"trips": ROWS}, "at"))
    fitted = fit_encodings(plan, inputs)
    assert fitted.encodings == {"place": ("a", "b", "c")}
    strange = {**inputs, "place": column(String, ["a", "z", "b", None])}
    np.testing.assert_array_equal(matrix(fitted, strange)[:, 2], np.array([0, np.nan, 1, np.nan], np.float32))


def test_what_is_missing_is_named() -> None:
    plan = compile_plan(MODEL)
    with pytest.raises(ExpressionError, match="there is no `km_1d` in the views' features"):
        assemble(plan, REQUEST, {})
    inputs = assemble(plan, REQUEST, join_features(REQUEST, [VIEW], {"trips": ROWS}, "at"))
    with pytest.raises(ExpressionError, match="fit_encodings"):
        matrix(plan, inputs)
    with pytest.raises(ExpressionError, match=r"no rows of source `trips`"):
        join_features(REQUEST, [VIEW], {}, "at")
    with pytest.raises(ExpressionError, match="needs the key column `place`"):
        join_features({"at": REQUEST["at"]}, [VIEW], {"trips": ROWS}, "at")
    with pytest.raises(ExpressionError, match="have no column `km`"):
        join_features(REQUEST, [VIEW], {"trips": {k: v for k, v in ROWS.items() if k != "km"}}, "at")


def test_the_predict_path_imports_numpy_and_nothing_heavier() -> None:
    code = (
        "import sys, tidemill.features.online, tidemill.features.plan\n"
        "heavy = {'pandas', 'pyarrow', 'sklearn', 'scipy', 'boto3', 'projects'}\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
