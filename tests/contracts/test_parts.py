"""What every implementation of PartReader must hold."""

from typing import Any

import pyarrow as pa
import pytest

from tidemill.datasets.evolution import narrow_name
from tidemill.errors import NotFound

SCHEMA = pa.schema([("name", pa.string()), ("count", pa.int64())])
COLUMNS = ["name", "count"]


@pytest.fixture
def flights(tables: Any) -> Any:
    """Return a database, which reads in parts too, with a table named `flights` of six commits."""
    tables.ensure("flights", SCHEMA)
    for number in range(6):
        rows = [{"name": f"{number}{letter}", "count": number} for letter in "abc"]
        tables.append("flights", iter([pa.RecordBatch.from_pylist(rows, SCHEMA)]), {}, ids=[str(number)])
    return tables


def test_the_parts_together_are_the_rows(flights: Any) -> None:
    newest = flights.commits("flights")[-1].snapshot_id
    parts = flights.parts("flights", snapshot_id=newest, columns=COLUMNS)
    read = list(parts.tables)
    assert (parts.rows, parts.files) == (18, 6)
    assert [part.num_rows for part in read] == [3] * 6
    together = pa.concat_tables(read).sort_by("name").cast(SCHEMA)
    assert together == flights.rows("flights").select(COLUMNS).sort_by("name").cast(SCHEMA)


def test_an_earlier_version_has_fewer_parts_whatever_came_since(flights: Any) -> None:
    second = flights.commits("flights")[1].snapshot_id
    parts = flights.parts("flights", snapshot_id=second, columns=["name"])
    assert sorted(name for part in parts.tables for name in part["name"].to_pylist()) == [
        *("0a", "0b", "0c"),
        *("1a", "1b", "1c"),
    ]
    assert (parts.rows, parts.files) == (6, 2)


def test_columns_come_as_they_are_named_and_typed_today(flights: Any) -> None:
    """One that is renamed, widened or new since is the same in every part."""
    now = pa.schema([("title", pa.string()), ("count", pa.float64()), ("new", pa.bool_())])
    flights.ensure("flights", now, was={"title": "name"})
    rows = pa.RecordBatch.from_pylist([{"title": "x", "count": 0.5, "new": True}], now)
    newest = flights.append("flights", iter([rows]), {}, ids=["x"]).commit.snapshot_id
    parts = list(flights.parts("flights", snapshot_id=newest, columns=now.names).tables)
    assert len(parts) == 7
    assert {part.schema.field("count").type for part in parts} == {pa.float64()}
    assert sum(part["new"].null_count for part in parts) == 18
    assert narrow_name("count") not in {name for part in parts for name in part.column_names}


def test_what_is_not_there_is_not_found_by_name(flights: Any) -> None:
    newest = flights.commits("flights")[-1].snapshot_id
    with pytest.raises(NotFound, match="nowhere"):
        flights.parts("nowhere", snapshot_id=newest, columns=COLUMNS)
    with pytest.raises(NotFound, match="17"):
        flights.parts("flights", snapshot_id=17, columns=COLUMNS)
    with pytest.raises(NotFound, match="tail"):
        list(flights.parts("flights", snapshot_id=newest, columns=["tail"]).tables)


def test_a_version_without_rows_has_no_part(tables: Any) -> None:
    tables.ensure("flights", SCHEMA)
    empty = tables.append("flights", iter([]), {}, ids=["a"]).commit.snapshot_id
    parts = tables.parts("flights", snapshot_id=empty, columns=COLUMNS)
    assert (parts.rows, parts.files, list(parts.tables)) == (0, 0, [])


def test_reading_may_be_given_up_half_way(flights: Any) -> None:
    newest = flights.commits("flights")[-1].snapshot_id
    parts = flights.parts("flights", snapshot_id=newest, columns=COLUMNS).tables
    assert next(parts).num_rows == 3
    parts.close()


def test_the_pieces_of_what_came_since_a_commit_are_its_rows_and_no_others(flights: Any) -> None:
    commits = flights.commits("flights")
    pieces = list(
        flights.added(
            "flights",
            snapshot_id=commits[4].snapshot_id,
            since=commits[2].snapshot_id,
            columns=["count", "name"],
        )
    )
    assert {name for piece in pieces for name in piece["name"].to_pylist()} == {
        *("3a", "3b", "3c"),
        *("4a", "4b", "4c"),
    }
    assert {frozenset(piece.column_names) for piece in pieces} == {frozenset(COLUMNS)}
    whole = flights.added("flights", snapshot_id=commits[1].snapshot_id, since=None, columns=["name"])
    assert sum(piece.num_rows for piece in whole) == 6
    same = commits[1].snapshot_id
    assert list(flights.added("flights", snapshot_id=same, since=same, columns=["name"])) == []


def test_pieces_come_by_todays_columns(flights: Any) -> None:
    now = pa.schema([("title", pa.string()), ("count", pa.float64()), ("new", pa.bool_())])
    flights.ensure("flights", now, was={"title": "name"})
    newest = flights.commits("flights")[-1].snapshot_id
    pieces = list(flights.added("flights", snapshot_id=newest, since=None, columns=now.names))
    assert {piece.schema.field("count").type for piece in pieces} == {pa.float64()}
    assert sum(piece["new"].null_count for piece in pieces) == 18


def test_pieces_since_what_is_not_there_are_not_found(flights: Any) -> None:
    newest = flights.commits("flights")[-1].snapshot_id
    with pytest.raises(NotFound, match="17"):
        list(flights.added("flights", snapshot_id=newest, since=17, columns=COLUMNS))
    with pytest.raises(NotFound, match="tail"):
        list(flights.added("flights", snapshot_id=newest, since=None, columns=["tail"]))
