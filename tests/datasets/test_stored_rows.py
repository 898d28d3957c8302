"""Rows of many sources, of which two are in memory."""

import gc
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from tidemill import Float, Int, String
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.stored_rows import StoredRows
from tidemill.datasets.tables import Parts
from tidemill.memory.tables import MemoryTables

SCHEMA = {"name": String, "n": Int}
SOURCES = ("a", "b", "c")


class Counted(MemoryTables):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def parts(self, table: str, *, snapshot_id: int, columns: Sequence[str]) -> Parts:
        self.read.append(table)
        return super().parts(table, snapshot_id=snapshot_id, columns=columns)


@pytest.fixture
def tables() -> Counted:
    """Return three tables of two commits of one row."""
    made = Counted()
    for source in SOURCES:
        made.ensure(source, arrow_schema({**SCHEMA, "unread": Float}))
        for number in (1, 2):
            rows = [{"name": f"{source}{number}", "n": number, "unread": 0.5}]
            batch = pa.RecordBatch.from_pylist(rows, arrow_schema({**SCHEMA, "unread": Float}))
            made.append(source, iter([batch]), {}, ids=[str(number)])
    return made


def stored(tables: Counted, **options: Any) -> StoredRows:
    newest = {source: tables.commits(source)[-1].snapshot_id for source in SOURCES}
    return StoredRows(tables, newest, dict.fromkeys(SOURCES, SCHEMA), **options)


def test_rows_are_those_of_the_version_and_the_columns_asked_for(tables: Counted) -> None:
    oldest = tables.commits("b")[0].snapshot_id
    rows = StoredRows(tables, {"b": oldest}, {"b": SCHEMA})["b"]
    assert {name: column.to_list() for name, column in rows.items()} == {"name": ["b1"], "n": [1]}


def test_nothing_is_read_before_it_is_asked_for(tables: Counted) -> None:
    rows = stored(tables)
    assert ("a" in rows, "d" in rows, list(rows), len(rows)) == (True, False, ["a", "b", "c"], 3)
    assert tables.read == []
    with pytest.raises(KeyError):
        rows["d"]


def test_a_source_stays_while_one_other_is_read(tables: Counted) -> None:
    rows = stored(tables)
    for source in ("a", "a", "b", "a", "b"):
        assert len(rows[source]["n"]) == 2
    assert tables.read == ["a", "b"]
    rows["c"]
    rows["b"]
    assert tables.read == ["a", "b", "c"]
    rows["a"]
    assert tables.read == ["a", "b", "c", "a"]


def test_a_source_that_was_read_before_two_others_is_let_go(tables: Counted) -> None:
    rows = stored(tables)
    first = weakref.ref(rows["a"]["n"])
    rows["b"]
    gc.collect()
    assert first() is not None
    rows["c"]
    gc.collect()
    assert first() is None


def test_threads_that_ask_at_once_read_once(tables: Counted) -> None:
    rows = stored(tables)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(rows.__getitem__, ["a"] * 8))
    assert tables.read == ["a"]
    assert all(each is found[0] for each in found)


def test_whoever_wants_to_know_is_told_after_each_file(tables: Counted) -> None:
    told: list[tuple[str, int, int]] = []
    rows = stored(tables, told=lambda *step: told.append(step))
    rows["b"]
    rows["b"]
    assert told == [("b", 1, 2), ("b", 2, 2)]
