"""What can not be converted is found, all of it and nothing else."""

import time
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.datasets.arrow import ARROW_TYPES
from tidemill.datasets.conversion import converted
from tidemill.datasets.readable import convert_readable
from tidemill.expressions import Type

texts = st.one_of(
    st.none(),
    st.text(st.sampled_from(" 0123456789+-.eExXinfaINFANtrue:TZ/,"), max_size=12),
    st.sampled_from(["", "NA", "nan", "3", "3.0", "-0", "1e3", "1e-3", "0x1F", "inf", "-Infinity", "9" * 19]),
    st.sampled_from(["true", "FALSE", "0", "1", "yes", " 4 ", "1_0", "+1", "٣", "ü", "\u00a05"]),
    st.sampled_from(
        ["2013-01-01", "2013-01-01T05:15Z", "2013-13-01", "2013-02-30", "0000-01-01", "1.1.2013"]
    ),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.isoformat()),  # noqa: DTZ001  # hypothesis wants them naive
)


def one_by_one(array: pa.Array, type_: Type) -> tuple[list[Any], list[bool]]:
    """Convert each value by itself: slow, and plainly right."""
    alone = [array.slice(position, 1) for position in range(len(array))]
    found = [converted(each, type_) for each in alone]
    return [None if each is None else each[0].as_py() for each in found], [each is None for each in found]


@given(st.lists(texts, max_size=30), st.sampled_from(Type), st.booleans())
def test_text_is_read_as_each_value_by_itself_would_be(
    values: list[str | None],
    type_: Type,
    suspected: bool,  # noqa: FBT001  # hypothesis gives it
) -> None:
    array = pa.array(values, pa.string())
    read, wrong = convert_readable(array, type_, suspected=suspected)
    expected, expected_wrong = one_by_one(array, type_)
    assert read.to_pylist() == expected
    assert (wrong.tolist() if wrong is not None else [False] * len(values)) == expected_wrong


@given(st.lists(st.none() | st.binary(max_size=4), max_size=20), st.sampled_from(Type))
def test_bytes_that_are_no_text_are_found_among_text(values: list[bytes | None], type_: Type) -> None:
    array = pa.array(values, pa.binary())
    read, wrong = convert_readable(array, type_)
    expected, expected_wrong = one_by_one(array, type_)
    assert read.to_pylist() == expected
    assert (wrong.tolist() if wrong is not None else [False] * len(values)) == expected_wrong


@pytest.mark.parametrize(
    ("array", "type_", "wrong"),
    [
        (pa.array([1.0, 1.5, None]), Type.INT, [False, True, False]),
        (pa.array([0, 2, None]), Type.BOOL, [False, True, False]),
        (pa.array([True, None]), Type.FLOAT, [True, False]),
        (pa.array([[1], None]), Type.STRING, [True, False]),
        (pa.array([{"a": 1}]), Type.INT, [True]),
        (pa.array(["1", "x", None]).dictionary_encode(), Type.INT, [False, True, False]),
        (pa.array([0, -(2**62)], pa.timestamp("us")), Type.TIMESTAMP, [False, True]),
        (pa.array([datetime(2013, 1, 1, tzinfo=UTC)]), Type.INT, [True]),
    ],
)
def test_values_of_files_with_types_are_found_too(array: pa.Array, type_: Type, wrong: list[bool]) -> None:
    for suspected in (False, True):
        values, found = convert_readable(array, type_, suspected=suspected)
        assert found is not None
        assert found.tolist() == wrong
        assert values.type == ARROW_TYPES[type_]
        nulls = array.is_null().to_numpy(zero_copy_only=False)
        assert values.is_null().to_pylist() == (nulls | found).tolist()


@pytest.mark.parametrize(
    ("pattern", "type_"),
    [("{}-12-2013", Type.TIMESTAMP), ("{},5", Type.FLOAT), ("{}.5", Type.INT), ("no {}", Type.BOOL)],
)
def test_a_column_that_is_wrong_throughout_costs_little_more_than_a_right_one(
    pattern: str, type_: Type
) -> None:
    """Nobody waits hours to be told that a column of five million rows has commas for points."""
    array = pa.array([pattern.format(n) for n in range(65_536)])
    began = time.process_time()
    _, wrong = convert_readable(array, type_, suspected=True)
    assert time.process_time() - began < 1, "some 10 ms; value by value it would be three seconds"
    assert wrong is not None
    assert wrong.all()
