"""Row checks against a brute-force oracle."""

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import Float, Int, Source, String, Timestamp, col, unique
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.checks import Checker

source = Source(
    "s",
    schema={"key": String, "x": Float, "at": Timestamp},
    key=["key"],
    timestamp="at",
    checks=[unique("key", "x"), col("x") > 0],
)
rows_strategy = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.none() | st.sampled_from("abc"),
            "x": st.none() | st.sampled_from([-1.0, 1.0, 2.0]),
            "at": st.just(0),
        }
    ),
    max_size=30,
)


@given(rows_strategy, st.lists(st.integers(0, 30), max_size=4))
def test_passed_and_failed_are_what_a_loop_finds_however_rows_are_batched(
    rows: list[dict[str, Any]], cuts: list[int]
) -> None:
    expected_passed, expected_failed, seen = [], [], set()
    for number, row in enumerate(rows, start=1):
        identity = (row["key"], row["x"])
        if row["key"] is None or (row["x"] is not None and row["x"] <= 0) or identity in seen:
            expected_failed.append(number)
        else:
            seen.add(identity)
            expected_passed.append(identity)
    checker = Checker(source)
    passed: list[tuple[Any, Any]] = []
    failed: list[int] = []
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for start, end in itertools.pairwise(bounds):
        batch = pa.RecordBatch.from_pylist(rows[start:end], arrow_schema(source.schema))
        kept, bad = checker.check(batch, np.arange(start + 1, start + batch.num_rows + 1))
        passed += [(row["key"], row["x"]) for row in kept.to_pylist()]
        failed += [row.row for row in bad]
        assert kept.num_rows + len(bad) == batch.num_rows
        assert all(row.reasons for row in bad)
    assert passed == expected_passed
    assert failed == expected_failed


@pytest.mark.parametrize("type_", [Int, Float])
def test_unequal_numbers_are_no_repetition_though_python_hashes_them_alike(type_: Any) -> None:
    numbers = Source(
        "n",
        schema={"number": type_, "at": Timestamp},
        key=["number"],
        timestamp="at",
        checks=[unique("number")],
    )
    values = [-2, -1, 0, 1, 2**53, -1, -0.0 if type_ is Float else 0]
    rows = [{"number": value, "at": 0} for value in values]
    batch = pa.RecordBatch.from_pylist(rows, arrow_schema(numbers.schema))
    passed, failed = Checker(numbers).check(batch, np.arange(1, len(rows) + 1))
    assert passed["number"].to_pylist() == values[:5]
    assert [row.row for row in failed] == [6, 7]
