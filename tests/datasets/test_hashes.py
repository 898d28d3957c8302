"""Rows by their hashes: equal rows alike, unequal ones apart."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.datasets.hashes import hash_rows

values = st.tuples(
    st.none() | st.text(max_size=20), st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.booleans()
)


@given(st.lists(values, min_size=1), st.integers(0, 5))
def test_rows_hash_alike_if_and_only_if_they_are_equal_wherever_they_lie(
    rows: list[tuple[Any, ...]], start: int
) -> None:
    types = [pa.string(), pa.int64(), pa.bool_()]
    columns = [pa.array(column, type_) for column, type_ in zip(zip(*rows, strict=True), types, strict=True)]
    found = hash_rows(columns).tolist()
    assert len(set(found)) == len(set(rows))
    assert hash_rows([column.slice(start) for column in columns]).tolist() == found[start:]


@pytest.mark.parametrize("type_", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_strings_hash_alike_however_they_are_held(type_: pa.DataType) -> None:
    """A file gives short offsets, a table read back long ones, and a key must be found among them."""
    words = pa.array(["S039", None, "", "S039", "Bærum"])
    assert hash_rows([words.cast(type_)]).tolist() == hash_rows([words]).tolist()


def test_equal_floats_hash_alike_whatever_their_sign_of_zero() -> None:
    zero, negative_zero, one, null = hash_rows([pa.array([0.0, -0.0, 1.0, None])])
    assert zero == negative_zero
    assert len({zero, one, null}) == 3


def test_the_hash_of_a_row_is_the_same_today_and_tomorrow() -> None:
    """Hashes are kept beside tables; another function must find what this one wrote."""
    assert hash_rows([pa.array(["N10156"]), pa.array([7])]).tolist() == [8_031_490_585_804_522_682]
