"""Frames and what the library computes with, or the API is asked with, say the same."""

import json
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from tidemill.client.frames import columns_of, frame_of, request_rows
from tidemill.errors import InvalidRequest
from tidemill.expressions import Bool, Float, Int, String, Timestamp, Type, column

MARCH = "2013-03-01T05:15:00"


@pytest.mark.parametrize(
    ("values", "type_", "read"),
    [
        (pd.Series(["JFK", None], dtype="str"), String, ["JFK", None]),
        (pd.Series(["JFK", None], dtype="object"), String, ["JFK", None]),
        (pd.Series(["JFK", "EWR"], dtype="category"), String, ["JFK", "EWR"]),
        (pd.Series([1.0, None]), Int, [1, None]),
        (pd.Series([1, None], dtype="Int64"), Int, [1, None]),
        (pd.Series([0.1, float("nan")]), Float, [0.1, None]),
        (pd.Series([True, None], dtype="boolean"), Bool, [True, None]),
    ],
)
def test_a_column_is_read_as_declared_whatever_pandas_keeps_it_in(
    values: Any, type_: Type, read: list[Any]
) -> None:
    assert columns_of(pd.DataFrame({"x": values}), {"x": type_})["x"].to_list() == read


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_times_are_the_same_instants_in_every_unit_and_zone(unit: Any, zone: str | None) -> None:
    moment = pd.Timestamp(MARCH, tz="UTC").tz_convert(zone)
    frame = pd.DataFrame({"at": pd.Series([moment, pd.NaT]).dt.as_unit(unit)})
    at = columns_of(frame, {"at": Timestamp})["at"]
    assert at.valid.tolist() == [True, False]
    assert at.to_list()[0] == datetime.fromisoformat(f"{MARCH}Z")
    assert request_rows(frame, ["at"]) == [{"at": f"{MARCH}Z"}, {"at": None}]


def test_values_that_are_not_of_the_declared_type_are_refused_by_column() -> None:
    with pytest.raises(InvalidRequest, match=r"`seats`, row 0: 1.5 is not an int"):
        columns_of(pd.DataFrame({"seats": [1.5]}), {"seats": Int})


def test_a_missing_column_is_named_with_the_nearest_one() -> None:
    frame = pd.DataFrame({"orgin": ["JFK"]})
    for read in (lambda: columns_of(frame, {"origin": String}), lambda: request_rows(frame, ["origin"])):
        with pytest.raises(InvalidRequest, match="`origin`; did you mean `orgin`"):
            read()


def test_columns_come_back_under_the_frames_index() -> None:
    frame = frame_of({"n": column(Int, [1, None]), "x": column(Float, [0.5, None])}, pd.Index(["a", "b"]))
    assert frame.index.to_list() == ["a", "b"]
    assert frame["n"].to_list() == [1, pd.NA]
    assert frame["x"].isna().to_list() == [False, True]


def test_requests_keep_every_bit_of_a_number_and_are_plain_data() -> None:
    frame = pd.DataFrame({"x": [0.1 + 0.2], "n": [2**53 + 1], "good": [True], "s": [None], "left": [1]})
    rows = request_rows(frame, ["x", "n", "good", "s"])
    assert json.loads(json.dumps(rows)) == [{"x": 0.1 + 0.2, "n": 2**53 + 1, "good": True, "s": None}]
