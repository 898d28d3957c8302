"""Row checks against a brute-force oracle."""

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import Float, Int, Source, String, Timestamp, check, col, unique
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.checks import Checker
from tidemill.datasets.findings import SHOWN_EXAMPLES

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


def test_of_equal_rows_the_first_that_passes_all_else_stays_in_whatever_order_checks_are_declared() -> None:
    checks = (unique("key"), col("x") > 0)
    rows = [{"key": "a", "x": x, "at": 0} for x in (-1.0, 1.0, 2.0, None)]
    for declared in (checks, checks[::-1]):
        strict = Source("s", source.schema, key=["key"], timestamp="at", checks=declared)
        batch = pa.RecordBatch.from_pylist(rows, arrow_schema(strict.schema))
        kept, aside = Checker(strict).check(batch, np.arange(1, 5))
        assert kept["x"].to_pylist() == [1.0]
        assert [(row.row, len(row.reasons)) for row in aside] == [(1, 1), (3, 1), (4, 1)]


def test_rows_put_aside_are_counted_by_the_columns_of_their_checks_each_row_once() -> None:
    checks = (col("x") > 0, col("x") != -2, unique("key"))
    strict = Source("s", source.schema, key=["key"], timestamp="at", checks=checks)
    rows = [{"key": key, "x": x, "at": 0} for key, x in (("a", -2.0), ("b", -1.0), ("c", 1.0), ("c", 1.0))]
    checker = Checker(strict)
    for number, row in enumerate(rows, start=1):
        checker.check(pa.RecordBatch.from_pylist([row], arrow_schema(strict.schema)), np.array([number]))
    assert checker.put_aside == {"x": 2, "key": 1}


def test_a_verdict_shows_the_first_rows_that_failed_and_no_more_however_many_did() -> None:
    lenient = Source("s", source.schema, key=["key"], timestamp="at", checks=[check(col("x") > 0)])
    checker, batch_rows = Checker(lenient), SHOWN_EXAMPLES - 1
    for start in range(0, 4 * batch_rows, batch_rows):
        rows = [{"key": str(number), "x": -1.0, "at": 0} for number in range(start, start + batch_rows)]
        numbers = np.arange(start + 1, start + batch_rows + 1)
        checker.check(pa.RecordBatch.from_pylist(rows, arrow_schema(lenient.schema)), numbers)
    (verdict,) = [each for each in checker.findings().verdicts if each.examples]
    assert [row.row for row in verdict.examples] == list(range(1, SHOWN_EXAMPLES + 1))
    assert verdict.rows_failed == 4 * batch_rows


def test_a_verdict_names_its_tolerance_only_where_it_was_exceeded() -> None:
    for tolerance, found in ((0.5, "1 of 2 rows, first row 2"), (0.25, "tolerated 25.0%, first row 2")):
        lenient = Source(
            "s", source.schema, key=["key"], timestamp="at", checks=[check(col("x") > 0, tolerance=tolerance)]
        )
        rows = [{"key": key, "x": x, "at": 0} for key, x in (("a", 1.0), ("b", -1.0))]
        checker = Checker(lenient)
        checker.check(pa.RecordBatch.from_pylist(rows, arrow_schema(lenient.schema)), np.arange(1, 3))
        (verdict,) = [each for each in checker.findings().verdicts if each.rows_failed and each.examples]
        assert verdict.found.endswith(found)
        assert verdict.passed == (tolerance == 0.5)


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
