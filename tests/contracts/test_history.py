"""What every implementation of History must hold."""

import uuid
from typing import NamedTuple

import pyarrow as pa
import pytest

from tidemill.aws.clients import client
from tidemill.aws.history import IcebergHistory
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.datasets.tables import Commit, History, Tables
from tidemill.errors import Conflict, NotFound
from tidemill.memory.tables import MemoryTables

SCHEMA = pa.schema([("name", pa.string()), ("count", pa.int64())])


class Database(NamedTuple):
    """The tables of a database and their history."""

    tables: Tables
    history: History


def in_memory() -> Database:
    tables = MemoryTables()
    return Database(tables, tables)


def on_aws() -> Database:
    bucket, name = f"test-{uuid.uuid4()}", f"test_{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=bucket)
    client("glue").create_database(DatabaseInput={"Name": name})
    tables = IcebergTables(glue_catalog(), database=name, warehouse=f"s3://{bucket}/warehouse")
    return Database(tables, IcebergHistory(glue_catalog(), database=name))


@pytest.fixture(params=["memory", "aws"])
def database(request: pytest.FixtureRequest) -> Database:
    """Return a database with one table named `flights`."""
    if request.param == "aws":
        request.getfixturevalue("aws_endpoint")
    made = in_memory() if request.param == "memory" else on_aws()
    made.tables.ensure("flights", SCHEMA)
    return made


def append(database: Database, *names: str) -> Commit:
    rows = pa.RecordBatch.from_pydict({"name": list(names), "count": [1] * len(names)}, SCHEMA)
    return database.tables.append("flights", iter([rows]), {}, ids=[f"id-{names}"]).commit


def names(database: Database) -> list[str]:
    return sorted(database.tables.rows("flights").column("name").to_pylist())


def test_the_history_of_a_snapshot_ends_with_it(database: Database) -> None:
    made = [append(database, name) for name in "abc"]
    assert list(database.history.history("flights", made[1].snapshot_id)) == made[:2]


def test_tags_are_listed_with_what_they_name(database: Database) -> None:
    first, second = append(database, "a"), append(database, "b")
    assert database.history.tags("flights") == {}
    database.tables.tag("flights", first.snapshot_id, "before")
    database.tables.tag("flights", second.snapshot_id, "after")
    assert database.history.tags("flights") == {"before": first.snapshot_id, "after": second.snapshot_id}


def test_files_hold_all_rows_of_a_snapshot_and_an_empty_commit_has_none(database: Database) -> None:
    first = append(database, "a", "b")
    empty = database.tables.append("flights", iter([]), {}, ids=["nothing"]).commit
    third = append(database, "c")
    before, after = (database.history.files("flights", each.snapshot_id) for each in (first, third))
    assert [file.rows for file in before] == [2]
    assert sorted(file.rows for file in after) == [1, 2]
    assert set(before) < set(after)
    assert all(file.size_bytes > 0 for file in after)
    assert list(database.history.files("flights", empty.snapshot_id)) == list(before)


def test_columns_are_those_of_their_snapshot_and_keep_their_ids(database: Database) -> None:
    first = append(database, "a")
    wider = SCHEMA.append(pa.field("dest", pa.string()))
    database.tables.ensure("flights", wider)
    before = database.history.fields("flights", first.snapshot_id)
    now = database.history.fields("flights")
    assert [(field.name, field.type) for field in before] == [("name", pa.string()), ("count", pa.int64())]
    assert list(now[:2]) == list(before)
    assert now[2].name == "dest"
    rows = pa.RecordBatch.from_pydict({"name": ["b"], "count": [1], "dest": ["JFK"]}, wider)
    second = database.tables.append("flights", iter([rows]), {}, ids=["b"]).commit
    assert list(database.history.fields("flights", second.snapshot_id)) == list(now)


def test_a_column_renamed_or_widened_since_is_the_same_column(database: Database) -> None:
    first = append(database, "a")
    changed = pa.schema([("tail", pa.string()), ("count", pa.float64())])
    database.tables.ensure("flights", changed, was={"tail": "name"})
    before = database.history.fields("flights", first.snapshot_id)
    now = database.history.fields("flights")
    assert {field.id: (field.name, field.type) for field in before} == {
        1: ("name", pa.string()),
        2: ("count", pa.int64()),
    }
    assert {field.id: (field.name, field.type) for field in now} == {
        1: ("tail", pa.string()),
        2: ("count", pa.float64()),
    }


def test_an_earlier_snapshot_can_be_made_current_and_the_later_one_again(database: Database) -> None:
    first, second = append(database, "a"), append(database, "b")
    database.history.set_current("flights", first.snapshot_id, expected=second.snapshot_id)
    assert names(database) == ["a"]
    assert list(database.tables.commits("flights")) == [first]
    database.history.set_current("flights", second.snapshot_id, expected=first.snapshot_id)
    assert names(database) == ["a", "b"]
    assert list(database.tables.commits("flights")) == [first, second]


def test_an_append_after_a_rollback_builds_on_it_with_a_greater_sequence(database: Database) -> None:
    first, second = append(database, "a"), append(database, "b")
    database.history.set_current("flights", first.snapshot_id, expected=second.snapshot_id)
    third = append(database, "c")
    assert third.sequence > second.sequence
    assert list(database.tables.commits("flights")) == [first, third]
    assert names(database) == ["a", "c"]


def test_ids_of_a_commit_that_was_taken_back_may_be_committed_again(database: Database) -> None:
    first, second = append(database, "a"), append(database, "b")
    database.history.set_current("flights", first.snapshot_id, expected=second.snapshot_id)
    again = append(database, "b")
    assert again.snapshot_id != second.snapshot_id
    assert names(database) == ["a", "b"]


def test_a_table_that_moved_on_is_a_conflict(database: Database) -> None:
    first, second = append(database, "a"), append(database, "b")
    append(database, "c")
    with pytest.raises(Conflict, match="flights"):
        database.history.set_current("flights", first.snapshot_id, expected=second.snapshot_id)
    assert names(database) == ["a", "b", "c"]


def test_a_snapshot_or_table_that_never_was_is_not_found(database: Database) -> None:
    made = append(database, "a")
    with pytest.raises(NotFound, match="12345"):
        database.history.history("flights", 12345)
    with pytest.raises(NotFound, match="12345"):
        database.history.files("flights", 12345)
    with pytest.raises(NotFound, match="12345"):
        database.history.fields("flights", 12345)
    with pytest.raises(NotFound, match="12345"):
        database.history.set_current("flights", 12345, expected=made.snapshot_id)
    with pytest.raises(NotFound, match="nowhere"):
        database.history.tags("nowhere")
