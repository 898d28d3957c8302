"""The body of a prediction request is read strictly, and every refusal names the field."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.errors import InvalidRequest
from tidemill.expressions import Bool, Float, Int, String, Timestamp
from tidemill.serving.requests import MAX_ROWS, parse_rows

SCHEMA = {"id": String, "carrier": String, "wind_speed": Float, "seats": Int, "sunny": Bool, "at": Timestamp}
ROW = {
    "id": "UA-1",
    "carrier": "UA",
    "wind_speed": 7.5,
    "seats": 180,
    "sunny": True,
    "at": "2013-03-01T10:00:00Z",
}


def parse(*rows: Any) -> dict[str, list[Any]]:
    columns = parse_rows(json.dumps({"rows": rows}).encode(), SCHEMA, required=["id", "at"])
    return {name: column.to_list() for name, column in columns.items()}


def test_a_right_row_becomes_one_column_per_name() -> None:
    columns = parse(ROW)
    assert {name: values[0] for name, values in columns.items() if name != "at"} == {
        name: value for name, value in ROW.items() if name != "at"
    }
    assert columns["at"][0].isoformat() == "2013-03-01T10:00:00+00:00"


def test_null_is_a_missing_value_but_for_key_and_time() -> None:
    assert parse(ROW | {"wind_speed": None, "carrier": None})["carrier"] == [None]
    with pytest.raises(InvalidRequest, match=r"`rows\[0\]\.id` is null; send a string"):
        parse(ROW | {"id": None})


def test_an_integer_stands_for_a_float_and_a_whole_float_for_an_int() -> None:
    assert parse(ROW | {"wind_speed": 7, "seats": 180.0})["seats"] == [180]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"wind_spd": 1}, "rows[1].wind_spd", "unknown column `wind_spd`; did you mean `wind_speed`?"),
        ({"wind_speed": "7.5"}, "rows[1].wind_speed", 'is the string "7.5"; send a number'),
        ({"wind_speed": True}, "rows[1].wind_speed", "is true; send a number"),
        ({"wind_speed": [1]}, "rows[1].wind_speed", "is a list; send a number"),
        ({"seats": 1.5}, "rows[1].seats", "is the number 1.5; send a whole number"),
        ({"seats": 2**70}, "rows[1].seats", "does not fit 64 bits"),
        ({"sunny": 1}, "rows[1].sunny", "is the number 1; send true or false"),
        ({"carrier": 5}, "rows[1].carrier", "is the number 5; send a string"),
        ({"carrier": "x" * 2000}, "rows[1].carrier", "has 2,000 characters"),
        ({"carrier": "\ud800"}, "rows[1].carrier", "half a surrogate pair"),
        ({"at": "yesterday"}, "rows[1].at", 'is the string "yesterday"; send a time such as 2013-01-01T05'),
        ({"at": 1362132000}, "rows[1].at", "is the number 1362132000; send a time"),
        ({"at": "0001-01-01T00:00:00+12:00"}, "rows[1].at", "send a time"),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(change: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(ROW, ROW | change)
    assert caught.value.field == field
    assert message in str(caught.value)


def test_a_missing_column_is_refused_by_its_path() -> None:
    row = {name: value for name, value in ROW.items() if name != "wind_speed"}
    with pytest.raises(InvalidRequest, match=r"`rows\[0\]` has no `wind_speed`") as caught:
        parse(row)
    assert caught.value.field == "rows[0].wind_speed"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"rows please", "the body is not JSON"),
        (b"", "the body is not JSON"),
        (b"\xff", "the body is not UTF-8"),
        (b'{"rows": [{"wind_speed": NaN}]}', "the body holds NaN"),
        (b'{"rows": [{"wind_speed": -Infinity}]}', "the body holds -Infinity"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "the body is a list"),
        (b"{}", "`rows` is not there"),
        (b'{"row": []}', "unknown field `row`; did you mean `rows`?"),
        (b'{"rows": {}}', "`rows` is an object"),
        (b'{"rows": []}', "`rows` has 0 rows"),
        (b'{"rows": [3]}', r"`rows\[0\]` is the number 3"),
        (json.dumps({"rows": [{}] * (MAX_ROWS + 1)}).encode(), "has 1,001 rows"),
        (b'{"rows": [{"wind_speed": 1e999}]}', "unknown column|has no|does not fit"),
    ],
)
def test_a_wrong_body_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse_rows(body, SCHEMA, required=["id", "at"])


def test_a_number_too_large_for_a_float_is_refused() -> None:
    body = json.dumps({"rows": [ROW]}).replace("7.5", "1e999").encode()
    with pytest.raises(InvalidRequest, match="does not fit 64 bits"):
        parse_rows(body, SCHEMA, required=["id"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
VALUES = st.fixed_dictionaries(dict.fromkeys(SCHEMA, JSON)) | st.dictionaries(
    st.sampled_from([*SCHEMA, "x"]), JSON, max_size=4
)


@settings(deadline=None)
@given(JSON | st.builds(lambda rows: {"rows": rows}, st.lists(VALUES, max_size=3)))
def test_any_json_is_read_or_refused_as_the_callers_mistake(document: Any) -> None:
    body = json.dumps(document).encode()
    try:
        columns = parse_rows(body, SCHEMA, required=["id", "at"])
    except InvalidRequest:
        return
    assert set(columns) == set(SCHEMA)


@settings(deadline=None)
@given(st.binary(max_size=50))
def test_any_bytes_are_read_or_refused_as_the_callers_mistake(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_rows(body, SCHEMA, required=["id", "at"])


@settings(deadline=None)
@given(st.sampled_from(["id", "carrier", "wind_speed", "seats", "sunny", "at"]), JSON)
def test_one_odd_value_among_right_ones_never_breaks_the_reader(name: str, value: Any) -> None:
    body = json.dumps({"rows": [ROW | {name: value}]}).encode()
    try:
        columns = parse_rows(body, SCHEMA, required=["id", "at"])
    except InvalidRequest as error:
        assert error.field in {None, f"rows[0].{name}"}  # noqa: PT017  both ends are right answers
        return
    assert len(columns[name]) == 1
