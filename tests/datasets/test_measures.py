"""What is measured of an upload does not depend on its batches, and its checks judge to the edge."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import Bool, Float, Int, Source, String, Timestamp, drift, freshness, null_rate, row_count
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.findings import Verdict
from tidemill.datasets.measures import Measures

NOW = datetime(2013, 1, 8, tzinfo=UTC)
SCHEMA = {"id": Int, "at": Timestamp, "x": Float, "n": Int, "good": Bool, "word": String}


def measured(*checks: Any, batches: list[list[dict[str, Any]]]) -> Measures:
    """Count rows, given by batch; columns that a row leaves out are null."""
    measures = Measures(Source("rides", SCHEMA, ["id"], "at", checks=checks))
    schema = arrow_schema(SCHEMA)
    for batch in batches:
        rows = [{name: row.get(name) for name in SCHEMA} for row in batch]
        measures.add(pa.RecordBatch.from_pylist(rows, schema))
    return measures


def passes(check: Any, rows: list[dict[str, Any]], *earlier: list[dict[str, Any]]) -> bool:
    """Judge rows by one check, after earlier commits, the newest first."""
    return judged(check, rows, *earlier).passed


def judged(check: Any, rows: list[dict[str, Any]], *earlier: list[dict[str, Any]]) -> Verdict:
    """Return the verdict."""
    profiles = [measured(check, batches=[each]).profile() for each in earlier]
    (verdict,) = measured(check, batches=[rows]).verdicts(NOW, profiles)
    return verdict


@pytest.mark.parametrize(
    ("rows", "least", "most", "expected"),
    [(2, 2, None, True), (1, 2, None, False), (2, 0, 2, True), (3, 0, 2, False), (0, 0, 0, True)],
)
def test_bounds_of_rows_are_inclusive(*, rows: int, least: int, most: int | None, expected: bool) -> None:
    assert passes(row_count(at_least=least, at_most=most), [{"at": NOW}] * rows) == expected


@pytest.mark.parametrize(("nulls", "expected"), [(0, True), (2, True), (3, False)])
def test_a_share_of_nulls_may_be_as_large_as_it_is_declared(*, nulls: int, expected: bool) -> None:
    rows = [{"x": None if place < nulls else 1.0} for place in range(10)]
    assert passes(null_rate("x", at_most=0.2), rows) == expected
    assert passes(null_rate("x", at_most=0.0), []), "no rows have no nulls"
    assert not passes(null_rate("x", at_most=0.5), [{"x": None}])


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ([timedelta(days=1)], True),
        ([timedelta(days=1, microseconds=1)], False),
        ([timedelta(days=9), timedelta(hours=1), timedelta(days=3)], True),
        ([-timedelta(days=2)], True),
        ([], False),
    ],
    ids=["as old as may be", "a microsecond older", "the newest counts", "of the future", "no row"],
)
def test_the_newest_row_may_be_as_old_as_declared(ages: list[timedelta], *, expected: bool) -> None:
    assert passes(freshness("1d"), [{"at": NOW - age} for age in ages]) == expected


@given(
    rows=st.lists(st.tuples(st.none() | st.floats(), st.none() | st.sampled_from(["p", "q", "r"]))),
    cuts=st.lists(st.integers(0, 20), max_size=3),
)
def test_the_batches_that_rows_come_in_change_nothing(
    rows: list[tuple[float | None, str | None]], cuts: list[int]
) -> None:
    table = [
        {"at": NOW - timedelta(seconds=place % 7), "x": x, "word": word}
        for place, (x, word) in enumerate(rows)
    ]
    ends = [0, *sorted(min(cut, len(table)) for cut in cuts), len(table)]
    parts = [table[start:end] for start, end in pairwise(ends)]
    checks = (drift("x"), drift("word"), null_rate("x", at_most=0.5))
    whole = measured(*checks, batches=[table])
    cut = measured(*checks, batches=parts)
    assert cut.profile() == whole.profile()
    assert whole.profile()["rows"] == len(table)
    assert whole.profile()["nulls"]["x"] == sum(x is None for x, _ in rows)


VALUES = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(VALUES, min_size=2, max_size=10))
def test_codes_of_numbers_are_in_their_order_and_together_only_if_near(numbers: list[float]) -> None:
    def code(number: float) -> int:
        (found,) = measured(drift("x"), batches=[[{"x": number}]]).profile()["codes"]["x"]
        return int(found)

    numbers = sorted(numbers)
    codes = [code(number) for number in numbers]
    assert codes == sorted(codes)
    for (one, other), (a, b) in zip(pairwise(numbers), pairwise(codes), strict=True):
        size = max(abs(one), abs(other))
        assert a != b or size < 1e-300 or other - one <= size / 128
    assert code(-0.0) == code(0.0)
    assert code(1.0) == code(1 + 1 / 512) < code(1 + 1 / 256), "eight bits of the mantissa tell them apart"


def bins(check: Any, now: list[dict[str, Any]], before: list[dict[str, Any]]) -> tuple[list[int], list[int]]:
    """Return earlier and present counts in the bins that they are compared in."""
    profile = measured(check, batches=[before]).profile()
    earlier, present = measured(check, batches=[now]).counts_with(check.column, [profile])
    return earlier.tolist(), present.tolist()


def test_numbers_are_compared_in_ten_bins_of_as_many_earlier_values() -> None:
    before: list[dict[str, Any]] = [{"x": 1.01**place} for place in range(1000)]
    earlier, present = bins(drift("x"), [{"x": -5.0}, {"x": 1.01**450}, {"x": 1e300}], before)
    assert len(earlier) == 10
    assert sum(earlier) == 1000
    assert all(95 <= count <= 105 for count in earlier)
    assert present == [1, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_bins_of_few_values_end_with_a_value_each() -> None:
    before: list[dict[str, Any]] = [{"x": float(place // 100)} for place in range(1000)]
    assert bins(drift("x"), [{"x": 9.0}], before) == ([100] * 10, [0] * 9 + [1])


def words(*items: str | None) -> list[dict[str, Any]]:
    return [{"word": item} for item in items]


def test_words_are_compared_by_the_twenty_most_frequent_and_all_others_together() -> None:
    before = words(*(f"w{place}" for place in range(30) for _ in range(100 - place)))
    earlier, present = bins(drift("word"), words("w0", "w0", "w19", "w20", "never", None), before)
    assert earlier == [*range(100, 80, -1), sum(range(71, 81))]
    assert present == [2, *[0] * 18, 1, 2]


@pytest.mark.parametrize("column", ["x", "n", "good", "word"])
def test_what_is_drawn_alike_has_not_drifted_and_what_moved_has(column: str) -> None:
    random = Random(5)

    def commit(moved: float) -> list[dict[str, Any]]:
        drawn = [random.gauss(moved, 1) for _ in range(2000)]
        return [
            {"x": each, "n": round(100 * each), "good": each > 0, "word": f"{each:.0f}"} for each in drawn
        ]

    assert passes(drift(column), commit(0), commit(0), commit(0))
    assert not passes(drift(column), commit(1), commit(0), commit(0))


def test_drift_takes_both_a_distance_and_that_chance_does_not_explain_it() -> None:
    few, many = [{"good": True}] * 4 + [{"good": False}] * 4, [{"good": True}] * 500 + [{"good": False}] * 500
    other = [{"good": True}] * 620 + [{"good": False}] * 380
    assert passes(drift("good", at_most=0.01), few[:5], few), "five rows say nothing"
    assert not passes(drift("good", at_most=0.01), other, many)
    assert passes(drift("good", at_most=0.25), other, many), "near enough, though not by chance"


def test_drift_has_nothing_to_say_without_values_on_both_sides() -> None:
    check, some, nulls = drift("x"), [{"x": float(place)} for place in range(100)], [{"x": None}] * 100
    for rows, earlier, found in (
        (some, [], "nothing earlier to compare with"),
        (some, [nulls], "nothing earlier to compare with"),
        (nulls, [some], "no value"),
    ):
        verdict = judged(check, rows, *earlier)
        assert (verdict.passed, verdict.found) == (True, found)


def test_drift_looks_at_the_newest_commits_as_many_as_it_says() -> None:
    old, new = [{"x": 1.0}] * 500, [{"x": 2.0}] * 500
    assert passes(drift("x", commits=1), new, new, old, old, old)
    assert not passes(drift("x", commits=4), new, new, old, old, old)
    assert not passes(drift("x", commits=1), new, old, new, new, new)
