"""Rows keep their values on the way between Arrow and columns."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import Bool, Float, Int, String, Timestamp
from tidemill.datasets.arrow import arrow_schema, from_columns, gather_columns, to_columns
from tidemill.errors import NotFound
from tidemill.expressions import DictionaryColumn

SCHEMA = {"s": String, "i": Int, "f": Float, "b": Bool, "t": Timestamp}
VALUES = {
    "s": st.none() | st.text(),
    "i": st.none() | st.integers(-(2**63), 2**63 - 1),
    "f": st.none() | st.floats(allow_nan=False),
    "b": st.none() | st.booleans(),
    "t": st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis adds the zone
}


@given(st.lists(st.fixed_dictionaries(VALUES)))
def test_there_and_back_changes_nothing(rows: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(rows, arrow_schema(SCHEMA))
    columns = to_columns(table, SCHEMA)
    assert {name: each.to_list() for name, each in columns.items()} == table.to_pydict()
    assert from_columns(columns).equals(table)


def test_nan_is_null() -> None:
    table = pa.table({"f": pa.array([1.0, float("nan"), None])})
    assert to_columns(table, {"f": Float})["f"].to_list() == [1.0, None, None]


def test_chunks_slices_and_wide_strings_are_read_as_one() -> None:
    chunks = pa.chunked_array([pa.array(["x", "a"]).slice(1), pa.array(["b", None])])
    table = pa.table({"s": chunks.cast(pa.large_string())})
    assert to_columns(table, {"s": String})["s"].to_list() == ["a", "b", None]
    assert to_columns(table.slice(0, 0), {"s": String})["s"].to_list() == []


def test_a_missing_column_is_named() -> None:
    with pytest.raises(NotFound, match="no column `arr_dely`; did you mean `arr_delay`"):
        to_columns(pa.table({"arr_delay": [1.0]}), {"arr_dely": Float})


@given(
    st.lists(st.none() | st.sampled_from(["", "a", "ü"])),
    st.integers(0, 3),
    st.sampled_from([pa.int8(), pa.int32()]),
)
def test_strings_that_come_by_a_dictionary_are_read_as_any_others(
    values: list[str | None], first: int, codes: pa.DataType
) -> None:
    array = pa.array(values, pa.string()).dictionary_encode().cast(pa.dictionary(codes, pa.string()))
    column = to_columns(pa.table({"s": array.slice(first)}), {"s": String})["s"]
    assert column.to_list() == values[first:]
    assert isinstance(column, DictionaryColumn)


def test_strings_whose_dictionary_holds_null_or_a_word_twice_are_read_as_any_others() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None], pa.int32()), ["a", None, "a"])
    assert to_columns(pa.table({"s": array}), {"s": String})["s"].to_list() == ["a", None, "a", None]


@given(st.lists(st.lists(st.fixed_dictionaries(VALUES), max_size=3), max_size=4))
def test_rows_gathered_in_parts_are_the_rows_read_as_one(parts: list[list[dict[str, Any]]]) -> None:
    tables = [pa.Table.from_pylist(rows, arrow_schema(SCHEMA)) for rows in parts]
    rows = [row for part in parts for row in part]
    gathered = gather_columns(tables, SCHEMA, n_rows=len(rows))
    assert {name: each.to_list() for name, each in gathered.items()} == {
        name: [row[name] for row in rows] for name in SCHEMA
    }


def test_strings_gathered_in_parts_have_each_word_once() -> None:
    parts = [pa.table({"s": pa.array(part).dictionary_encode()}) for part in (["a", "b"], ["b", None, "c"])]
    column = gather_columns(parts, {"s": String}, n_rows=5)["s"]
    assert isinstance(column, DictionaryColumn)
    assert sorted(column.words.tolist()) == ["", "a", "b", "c"]
    assert column.to_list() == ["a", "b", "b", None, "c"]


def test_rows_that_come_in_one_part_are_not_copied() -> None:
    values = pa.array([1.0, 2.0])
    parts = [pa.table({"f": part}) for part in (values.slice(0, 0), values, values.slice(0, 0))]
    column = gather_columns(parts, {"f": Float}, n_rows=2)["f"]
    assert np.shares_memory(column.values, values.to_numpy())


@pytest.mark.parametrize("announced", [1, 3])
def test_parts_with_another_number_of_rows_than_announced_are_refused(announced: int) -> None:
    with pytest.raises(ValueError, match=f"{announced} rows were announced"):
        gather_columns([pa.table({"i": [1, 2]})], {"i": Int}, n_rows=announced)
