"""A dataset version says which rows something saw."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from tidemill.datasets.versions import DatasetVersion, pin
from tidemill.errors import NotFound
from tidemill.memory.tables import MemoryTables

SCHEMA = pa.schema([("n", pa.int64())])
CUTOFF = datetime(2013, 3, 1, tzinfo=UTC)


def append(tables: MemoryTables, name: str) -> None:
    tables.append("flights", iter([pa.RecordBatch.from_pydict({"n": [1]}, SCHEMA)]), {}, ids=[name])


def test_a_pin_names_the_snapshot_of_now_and_does_not_move() -> None:
    tables = MemoryTables()
    tables.ensure("flights", SCHEMA)
    append(tables, "a")
    version = pin(tables, ["flights"], CUTOFF)
    append(tables, "b")
    assert tables.rows("flights", snapshot_id=version.snapshots["flights"]).num_rows == 1
    assert pin(tables, ["flights"], CUTOFF) != version


def test_equal_versions_have_equal_digests_whatever_the_order_and_zone() -> None:
    one = DatasetVersion({"a": 1, "b": 2}, CUTOFF)
    other = DatasetVersion({"b": 2, "a": 1}, CUTOFF.astimezone(timezone(timedelta(hours=5))))
    assert one.digest == other.digest
    assert one.digest != DatasetVersion({"a": 1, "b": 3}, CUTOFF).digest


def test_a_table_without_commits_can_not_be_pinned() -> None:
    tables = MemoryTables()
    with pytest.raises(NotFound, match="flights"):
        pin(tables, ["flights"], CUTOFF)
    tables.ensure("flights", SCHEMA)
    with pytest.raises(NotFound, match="has no rows yet"):
        pin(tables, ["flights"], CUTOFF)
