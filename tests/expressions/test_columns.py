"""Columns: values beside what is there of them."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tidemill.errors import ExpressionError
from tidemill.expressions import (
    Bool,
    DictionaryColumn,
    Float,
    Int,
    String,
    Timestamp,
    Type,
    column,
    concat_rows,
    filter_rows,
    from_array,
    length,
    null_column,
)


def test_none_and_nan_are_null() -> None:
    assert column(Float, [1, None, float("nan"), 2.5]).valid.tolist() == [True, False, False, True]
    assert from_array(Float, np.array([np.nan, 1.0])).to_list() == [None, 1.0]
    assert from_array(Timestamp, np.array(["NaT"], dtype="datetime64[s]")).to_list() == [None]


def test_timestamps_are_utc_whatever_offset_they_come_with() -> None:
    values = column(Timestamp, ["2013-01-01T05:00:00+02:00", "2013-01-01T03:00:00Z", datetime(2013, 1, 1, 3)])  # noqa: DTZ001  # without a zone on purpose
    assert values.to_list() == [datetime(2013, 1, 1, 3, tzinfo=UTC)] * 3


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (String, 1),
        (Int, 1.5),
        (Int, True),
        (Int, 2**63),
        (Float, "1"),
        (Float, 10**400),
        (Bool, 1),
        (Timestamp, 5),
        (Timestamp, "x"),
    ],
)
def test_a_value_of_another_type_is_refused(type_: Type, value: object) -> None:
    with pytest.raises(ExpressionError):
        column(type_, [value])


def test_rows_are_filtered_and_joined_with_their_nulls() -> None:
    table = {"x": column(Int, [1, None, 3]), "s": column(String, ["a", "b", None])}
    kept = filter_rows(table, np.array([False, True, True]))
    joined = concat_rows([kept, table])
    assert joined["x"].to_list() == [None, 3, 1, None, 3]
    assert joined["s"].to_list() == ["b", None, "a", "b", None]
    assert length(joined) == 5
    assert length({}) == 0
    with pytest.raises(ExpressionError):
        concat_rows([table, {"x": column(Float, [1.0])}])


def test_a_null_column_is_null_throughout() -> None:
    assert all(null_column(type_, 2).to_list() == [None, None] for type_ in Type)


def test_strings_by_a_dictionary_are_as_any_others() -> None:
    words, valid = np.array(["a", "b", "a", ""], dtype=object), np.array([True, True, False, True])
    told = DictionaryColumn(words, np.array([1, 2, 3, 0]), valid)
    plain = column(String, ["b", "a", None, "a"])
    assert (len(told), told.type, told.to_list()) == (4, String, plain.to_list())
    assert told.filled().tolist() == plain.filled().tolist()
    assert told.values is told.values
    joined = concat_rows([{"s": told}, {"s": plain}])
    assert joined["s"].to_list() == plain.to_list() * 2


def test_strings_by_a_dictionary_are_taken_by_their_codes() -> None:
    told = DictionaryColumn(np.array(["a", "b"], dtype=object), np.array([1, 0, 0]), np.ones(3, np.bool_))
    taken = told.take(np.array([2, 0]))
    assert taken.to_list() == ["a", "b"]
    assert taken.words is told.words
    assert "values" not in vars(told)
