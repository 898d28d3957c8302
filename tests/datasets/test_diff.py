"""A comparison of two versions says what changed in commits, files, rows, columns and values."""

import json

import pyarrow as pa
import pytest

from tidemill.datasets.diff import VersionDiff, diff_versions
from tidemill.datasets.profiles import shift, summarize
from tidemill.datasets.tables import Commit
from tidemill.memory.tables import MemoryTables

SCHEMA = pa.schema([("origin", pa.string()), ("delay", pa.float64())])


@pytest.fixture
def tables() -> MemoryTables:
    made = MemoryTables()
    made.ensure("flights", SCHEMA)
    return made


def append(tables: MemoryTables, origin: str, *delays: float | None) -> Commit:
    rows = pa.RecordBatch.from_pydict({"origin": [origin] * len(delays), "delay": list(delays)}, SCHEMA)
    return tables.append("flights", iter([rows]), {}, ids=[f"{origin}{delays}"]).commit


def compare(tables: MemoryTables, before: Commit, after: Commit) -> VersionDiff:
    return diff_versions(tables, tables, "flights", before.snapshot_id, after.snapshot_id)


def test_an_append_adds_its_commit_its_file_and_its_rows(tables: MemoryTables) -> None:
    first, second = append(tables, "JFK", 1.0, 3.0), append(tables, "EWR", 5.0)
    found = compare(tables, first, second)
    assert (list(found.added), list(found.taken_back)) == ([second], [])
    assert (len(found.files_added), len(found.files_removed), found.files_kept) == (1, 0, 1)
    assert (found.rows_before, found.rows_after) == (2, 3)
    assert not found.schema
    origin, delay = found.columns
    assert (origin.before.frequent, origin.after.frequent) == ({"JFK": 2}, {"JFK": 2, "EWR": 1})
    assert (delay.before.mean, delay.after.mean) == (2.0, 3.0)


def test_a_version_that_was_taken_back_differs_by_its_commits(tables: MemoryTables) -> None:
    first, second = append(tables, "JFK", 1.0), append(tables, "EWR", 5.0)
    tables.set_current("flights", first.snapshot_id, expected=second.snapshot_id)
    third = append(tables, "LGA", 7.0)
    found = compare(tables, second, third)
    assert (list(found.added), list(found.taken_back)) == ([third], [second])


def test_a_column_added_since_is_a_change_of_the_schema_and_not_of_values(tables: MemoryTables) -> None:
    first = append(tables, "JFK", 1.0)
    wider = SCHEMA.append(pa.field("dest", pa.string()))
    tables.ensure("flights", wider)
    rows = pa.RecordBatch.from_pydict({"origin": ["EWR"], "delay": [2.0], "dest": ["SEA"]}, wider)
    second = tables.append("flights", iter([rows]), {}, ids=["wider"]).commit
    found = compare(tables, first, second)
    assert [(each.change, each.column, each.after) for each in found.schema] == [("added", "dest", "string")]
    assert [each.change for each in compare(tables, second, first).schema] == ["removed"]
    assert [column.column for column in found.columns] == ["origin", "delay"]


def test_a_column_renamed_and_widened_since_is_compared_with_itself(tables: MemoryTables) -> None:
    tables.ensure("planes", pa.schema([("seats", pa.int64())]))
    rows = pa.RecordBatch.from_pydict({"seats": [55]})
    first = tables.append("planes", iter([rows]), {}, ids=["1"]).commit
    tables.ensure("planes", pa.schema([("places", pa.float64())]), was={"places": "seats"})
    rows = pa.RecordBatch.from_pydict({"places": [56.5]})
    second = tables.append("planes", iter([rows]), {}, ids=["2"]).commit
    found = diff_versions(tables, tables, "planes", first.snapshot_id, second.snapshot_id)
    changes = {each.change: (each.before, each.after) for each in found.schema}
    assert changes == {"renamed": ("seats", "places"), "retyped": ("int64", "double")}
    assert [(each.column, each.before.mean, each.after.mean) for each in found.columns] == [
        ("places", 55.0, 55.75)
    ]


def test_equal_versions_differ_in_nothing(tables: MemoryTables) -> None:
    only = append(tables, "JFK", 1.0, None)
    found = compare(tables, only, only)
    assert [*found.added, *found.taken_back, *found.files_added, *found.files_removed] == []
    assert [column.shift for column in found.columns] == [0.0, 0.0]


def test_a_comparison_is_plain_data(tables: MemoryTables) -> None:
    first = append(tables, "JFK", float("inf"), float("nan"))
    said = compare(tables, first, append(tables, "EWR")).to_json()
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_nan_is_null_and_an_empty_column_has_no_figures() -> None:
    values = pa.chunked_array([[None, float("nan")]], pa.float64())
    assert summarize(values).to_json() == {"rows": 2, "nulls": 2, "distinct": 0}
    assert summarize(pa.chunked_array([], pa.string())).to_json() == {"rows": 0, "nulls": 0, "distinct": 0}


def test_columns_of_every_stored_type_have_a_summary_and_a_shift() -> None:
    moments = pa.chunked_array([[0, 1_000_000, None]], pa.timestamp("us", tz="UTC"))
    flags = pa.chunked_array([[True, False, None]])
    lists = pa.chunked_array([[[1.0], None]], pa.list_(pa.float32()))
    assert summarize(moments).to_json()["low"] == "1970-01-01T00:00:00Z"
    assert summarize(flags).mean == 0.5
    assert summarize(lists).nulls == 1
    assert (shift(moments, moments), shift(flags, flags), shift(lists, lists)) == (0.0, 0.0, None)


def test_strings_and_lists_as_iceberg_reads_them_are_summarized_alike() -> None:
    names, lists = pa.array(["JFK", "JFK"]), pa.array([[1.0]])
    for plain, large in ((names, pa.large_string()), (lists, pa.large_list(pa.float64()))):
        read = pa.chunked_array([plain.cast(large)])
        assert summarize(read) == summarize(pa.chunked_array([plain]))
        assert shift(read, read) == shift(pa.chunked_array([plain]), pa.chunked_array([plain]))


def test_a_shift_is_large_where_values_moved_and_strings_are_new() -> None:
    low, high = (pa.chunked_array([list(range(start, start + 100))]) for start in (0, 80))
    assert (shift(low, high) or 0) > 0.25
    old, new = (pa.chunked_array([[name] * 50]) for name in ("JFK", "SWF"))
    assert (shift(old, new) or 0) > 0.25
