"""Messages are appended once, in whatever batches they come."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.datasets.appending import append_once
from tidemill.datasets.predictions import record_predictions
from tidemill.errors import NotFound
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.tables import MemoryTables

SCHEMA = pa.schema([("message", pa.string())])


def rows_of(message: str) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pylist([{"message": message}] * 2, SCHEMA)]


def new_table() -> MemoryTables:
    tables = MemoryTables()
    tables.ensure("log", SCHEMA)
    return tables


@given(st.lists(st.sets(st.sampled_from("abcdef"), min_size=1)))
def test_each_message_is_there_once_however_batches_overlap(deliveries: list[set[str]]) -> None:
    tables = new_table()
    for delivery in deliveries:
        append_once(tables, "log", {message: rows_of(message) for message in delivery})
    stored = tables.rows("log").column("message").to_pylist()
    assert sorted(stored) == sorted([*set[str]().union(*deliveries)] * 2)


def test_overlapping_batches_at_the_same_moment_are_each_there_once() -> None:
    tables = new_table()
    deliveries = [
        {message: rows_of(message) for message in batch} for batch in ("abc", "bcd", "cde", "abcde")
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda delivery: append_once(tables, "log", delivery), deliveries))
    assert sorted(tables.rows("log").column("message").to_pylist()) == sorted("abcde" * 2)


def test_nothing_new_is_no_commit() -> None:
    tables = new_table()
    assert append_once(tables, "log", {"a": rows_of("a")}) is not None
    assert append_once(tables, "log", {"a": rows_of("a")}) is None
    assert append_once(tables, "log", {}) is None
    assert len(tables.commits("log")) == 1


def test_a_missing_table_is_not_found() -> None:
    with pytest.raises(NotFound, match="log"):
        append_once(MemoryTables(), "log", {"a": rows_of("a")})


def test_predictions_lie_in_a_table_of_their_model_once() -> None:
    tables, documents = MemoryTables(), MemoryDocuments()
    row: dict[str, Any] = {
        "id": "0",
        "key": "k",
        "time": datetime(2013, 1, 1, tzinfo=UTC),
        "at": datetime(2013, 1, 1, tzinfo=UTC),
        "version": 1,
        "probability": 0.1,
        "prediction": False,
        "features": [0.5],
    }
    assert record_predictions(tables, documents, "m", {"chunk": [row]}) is not None
    assert record_predictions(tables, documents, "m", {"chunk": [row]}) is None
    assert tables.rows("predictions_m").to_pylist() == [row]
