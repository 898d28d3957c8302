"""What every implementation of Upkeep must hold: no row, commit or tag of a kept version changes."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
import pytest

from tidemill.aws.clients import client
from tidemill.aws.history import IcebergHistory
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.aws.upkeep import IcebergUpkeep
from tidemill.datasets.tables import AT_PROPERTY, Commit, History, Tables, Upkeep
from tidemill.errors import Conflict, NotFound
from tidemill.memory.tables import MemoryTables

SCHEMA = pa.schema([("name", pa.string())])
AT = datetime(2013, 3, 1, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=365)
"""After every file of these tests was written."""


class Database(NamedTuple):
    """The tables of a database, their history and upkeep."""

    tables: Tables
    history: History
    upkeep: Upkeep


def on_aws() -> Database:
    bucket, name = f"test-{uuid.uuid4()}", f"test_{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=bucket)
    client("glue").create_database(DatabaseInput={"Name": name})
    catalog = glue_catalog()
    return Database(
        IcebergTables(catalog, database=name, warehouse=f"s3://{bucket}/warehouse"),
        IcebergHistory(catalog, database=name),
        IcebergUpkeep(catalog, database=name),
    )


@pytest.fixture(params=["memory", "aws"])
def database(request: pytest.FixtureRequest) -> Database:
    """Return a database with one table named `flights`."""
    if request.param == "aws":
        request.getfixturevalue("aws_endpoint")
        made = on_aws()
    else:
        memory = MemoryTables()
        made = Database(memory, memory, memory)
    made.tables.ensure("flights", SCHEMA)
    return made


def append(database: Database, name: str) -> Commit:
    rows = pa.RecordBatch.from_pydict({"name": [name]}, SCHEMA)
    said = {AT_PROPERTY: "2013-03-01T00:00:00Z"}
    return database.tables.append("flights", iter([rows]), said, ids=[name]).commit


def names(database: Database, commit: Commit | None = None, *, added_only: bool = False) -> list[str]:
    snapshot_id = None if commit is None else commit.snapshot_id
    rows = database.tables.rows("flights", snapshot_id=snapshot_id, added_only=added_only)
    return sorted(rows.column("name").to_pylist())


def test_every_snapshot_is_listed_with_what_it_builds_on_and_when_it_came(database: Database) -> None:
    first, second = append(database, "a"), append(database, "b")
    listed = database.upkeep.snapshots("flights")
    assert [each.snapshot_id for each in listed] == [first.snapshot_id, second.snapshot_id]
    assert [each.parent for each in listed] == [None, first.snapshot_id]
    assert {each.at for each in listed} == {AT}
    assert [each.properties for each in listed] == [first.properties, second.properties]


def test_an_expired_snapshot_is_gone_and_the_rest_is_as_it_was(database: Database) -> None:
    made = [append(database, name) for name in "abcd"]
    database.upkeep.expire("flights", [commit.snapshot_id for commit in made[:2]])
    assert list(database.tables.commits("flights")) == made[2:]
    assert [names(database, commit) for commit in made[2:]] == [["a", "b", "c"], ["a", "b", "c", "d"]]
    with pytest.raises(NotFound):
        names(database, made[0])
    append(database, "e")
    assert names(database) == ["a", "b", "c", "d", "e"]


def test_the_oldest_commit_that_is_kept_stands_for_all_before_it(database: Database) -> None:
    made = [append(database, name) for name in "abc"]
    database.upkeep.expire("flights", [made[0].snapshot_id])
    assert names(database, made[1], added_only=True) == ["a", "b"]
    assert names(database, made[2], added_only=True) == ["c"]


def test_what_was_added_since_an_expired_commit_can_not_be_told(database: Database) -> None:
    """Or the oldest commit that is kept would be taken for all that came since."""
    made = [append(database, name).snapshot_id for name in "abc"]
    database.upkeep.expire("flights", made[:1])
    with pytest.raises(NotFound, match=f"snapshot {made[0]} has expired"):
        database.tables.rows("flights", snapshot_id=made[1], since=made[0])
    assert database.tables.rows("flights", snapshot_id=made[2], since=made[1]).num_rows == 1


def test_a_current_or_tagged_snapshot_does_not_expire(database: Database) -> None:
    first, second = append(database, "a"), append(database, "b")
    database.tables.tag("flights", first.snapshot_id, "kept")
    for commit in (first, second):
        with pytest.raises(Conflict, match=str(commit.snapshot_id)):
            database.upkeep.expire("flights", [commit.snapshot_id])
    assert names(database, first) == ["a"]


def test_a_tag_can_be_taken_away_and_its_snapshot_expires_like_any_other(database: Database) -> None:
    first, _ = append(database, "a"), append(database, "b")
    database.tables.tag("flights", first.snapshot_id, "kept")
    with pytest.raises(NotFound, match=r"has no tag `keep`; did you mean `kept`"):
        database.upkeep.untag("flights", "keep")
    database.upkeep.untag("flights", "kept")
    assert database.history.tags("flights") == {}
    database.upkeep.expire("flights", [first.snapshot_id])
    assert names(database) == ["a", "b"]
    with pytest.raises(NotFound, match="kept"):
        database.upkeep.untag("flights", "kept")


def test_a_tagged_version_outlives_its_neighbours(database: Database) -> None:
    made = [append(database, name) for name in "abcd"]
    database.tables.tag("flights", made[1].snapshot_id, "kept")
    database.upkeep.expire("flights", [made[0].snapshot_id, made[2].snapshot_id])
    database.upkeep.remove_unreachable("flights", written_before=LATER)
    assert names(database, made[1]) == ["a", "b"]
    assert names(database) == ["a", "b", "c", "d"]


def test_compaction_changes_no_commit_and_no_row_of_any_version(database: Database) -> None:
    made = [append(database, f"{number:02}") for number in range(20)]
    database.upkeep.compact("flights", at=AT)
    assert list(database.tables.commits("flights")) == made
    assert names(database) == [f"{number:02}" for number in range(20)]
    assert names(database, made[4]) == [f"{number:02}" for number in range(5)]
    later = append(database, "later")
    assert names(database, made[4], added_only=True) == ["04"]
    assert names(database, later, added_only=True) == ["later"]
    assert list(database.tables.commits("flights")) == [*made, later]
    assert database.tables.append("flights", iter([]), {}, ids=["07"]) == (made[7], False)
    assert database.upkeep.compact("flights", at=AT) == 0


def test_a_compacted_table_can_go_back_to_any_version(database: Database) -> None:
    made = [append(database, f"{number:02}") for number in range(20)]
    database.upkeep.compact("flights", at=AT)
    database.history.set_current("flights", made[1].snapshot_id, expected=made[-1].snapshot_id)
    assert names(database) == ["00", "01"]
    assert list(database.tables.commits("flights")) == made[:2]


def test_after_everything_at_once_each_kept_version_has_its_rows(database: Database) -> None:
    made = [append(database, f"{number:02}") for number in range(20)]
    database.tables.tag("flights", made[3].snapshot_id, "model-1")
    database.upkeep.compact("flights", at=AT)
    gone = [each.snapshot_id for number, each in enumerate(made[:18]) if number != 3]
    database.upkeep.expire("flights", gone)
    database.upkeep.remove_unreachable("flights", written_before=LATER)
    assert names(database, made[3]) == ["00", "01", "02", "03"]
    assert names(database, made[18]) == [f"{number:02}" for number in range(19)]
    assert names(database) == [f"{number:02}" for number in range(20)]
    assert names(database, made[18], added_only=True) == [f"{number:02}" for number in range(19)]
    assert names(database, made[19], added_only=True) == ["19"]


def test_a_table_that_is_not_there_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        database.upkeep.snapshots("nowhere")
    with pytest.raises(NotFound, match="nowhere"):
        database.upkeep.compact("nowhere", at=AT)
    with pytest.raises(NotFound, match="nowhere"):
        database.upkeep.remove_unreachable("nowhere", written_before=AT)
