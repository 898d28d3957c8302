"""Tables of ours are tables of everyone's: DuckDB's Iceberg reader finds the same rows in every version.

It is given what any engine is given: the location of the table's metadata as the Glue catalog has it,
and a snapshot id. It reads metadata, manifests and data files from S3 by itself.
"""

import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.peers import DUCKDB_ICEBERG
from tidemill.aws.clients import client
from tidemill.aws.history import IcebergHistory
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.aws.upkeep import IcebergUpkeep
from tidemill.datasets.export import read_version
from tidemill.datasets.tables import Commit

pytestmark = pytest.mark.peer

READER = Path(__file__).parent / "programs" / "duckdb_reader.py"
SCHEMA = pa.schema(
    [
        pa.field("flight_id", pa.string()),
        pa.field("seats", pa.int64()),
        pa.field("delay", pa.float64()),
        pa.field("late", pa.bool_()),
        pa.field("landed_at", pa.timestamp("us", tz="UTC")),
        pa.field("features", pa.list_(pa.float32())),
    ]
)
JANUARY = datetime(2013, 1, 1, 5, 15, 0, 1, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "flight_id": "a",
        "seats": 2**53 + 1,
        "delay": 0.1,
        "late": True,
        "landed_at": JANUARY,
        "features": [1.5],
    },
    {"flight_id": "b", "seats": -1, "delay": -0.0, "late": False, "landed_at": None, "features": [None, 2.0]},
    {"flight_id": 'Zürich, "ZRH"', "seats": None, "delay": None, "late": None, "landed_at": JANUARY},
    {"flight_id": "", "seats": 0, "delay": float("inf"), "late": True, "landed_at": JANUARY, "features": []},
]


class Database(NamedTuple):
    """A database of Iceberg tables, by name and by what the library sees of it."""

    name: str
    tables: IcebergTables
    history: IcebergHistory


@pytest.fixture
def database(aws_endpoint: str) -> Database:
    """Return a database with an empty table `flights`."""
    del aws_endpoint  # it only has to be there
    name = f"test_{uuid.uuid4().hex}"
    bucket = name.replace("_", "-")
    client("s3").create_bucket(Bucket=bucket)
    client("glue").create_database(DatabaseInput={"Name": name})
    catalog = glue_catalog()
    tables = IcebergTables(catalog, database=name, warehouse=f"s3://{bucket}/warehouse")
    tables.ensure("flights", SCHEMA)
    return Database(name, tables, IcebergHistory(catalog, database=name))


def append(database: Database, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> Commit:
    batch = pa.RecordBatch.from_pylist(rows, schema)
    return database.tables.append("flights", iter([batch]), {}, ids=[str(uuid.uuid4())]).commit


def by_id(rows: pa.Table) -> list[dict[str, Any]]:
    return sorted(rows.to_pylist(), key=lambda row: str(row["flight_id"]))


def read_by_duckdb(database: Database, commit: Commit, folder: Path) -> list[dict[str, Any]]:
    table = client("glue").get_table(DatabaseName=database.name, Name="flights")["Table"]
    endpoint = client("s3").meta.endpoint_url.removeprefix("http://")
    result = folder / f"{commit.snapshot_id}.parquet"
    metadata = table["Parameters"]["metadata_location"]
    python = DUCKDB_ICEBERG.program("python")
    subprocess.run([python, READER, endpoint, metadata, str(commit.snapshot_id), result], check=True)
    return by_id(pq.read_table(result))


def read_by_us(database: Database, commit: Commit) -> list[dict[str, Any]]:
    return by_id(read_version(database.tables, database.history, "flights", commit.snapshot_id))


def test_each_of_two_versions_has_the_same_rows(database: Database, tmp_path: Path) -> None:
    """Values of every type, nulls, and what lies at the edge of a type."""
    first, second = append(database, ROWS[:2]), append(database, ROWS[2:])
    assert len(read_by_us(database, second)) == 4
    for version in (first, second):
        assert read_by_duckdb(database, version, tmp_path) == read_by_us(database, version)


def test_versions_before_and_after_a_column_was_added_have_the_same_rows(
    database: Database, tmp_path: Path
) -> None:
    first = append(database, ROWS)
    wider = SCHEMA.append(pa.field("dest", pa.string()))
    database.tables.ensure("flights", wider)
    second = append(database, [{"flight_id": "c", "dest": "SEA"}], wider)
    assert "dest" in read_by_us(database, second)[0]
    for version in (first, second):
        assert read_by_duckdb(database, version, tmp_path) == read_by_us(database, version)


def test_a_renamed_column_is_read_under_its_new_name_where_the_version_has_it(
    database: Database, tmp_path: Path
) -> None:
    append(database, ROWS[:2])
    renamed = SCHEMA.set(1, pa.field("places", pa.int64()))
    database.tables.ensure("flights", renamed, was={"places": "seats"})
    second = append(database, [{"flight_id": "c", "places": 3}], renamed)
    found = read_by_duckdb(database, second, tmp_path)
    assert [row["places"] for row in found] == [2**53 + 1, -1, 3]
    assert found == read_by_us(database, second)


def test_compaction_and_expiry_change_no_row_of_what_is_kept(database: Database, tmp_path: Path) -> None:
    made = [append(database, [{**ROWS[0], "flight_id": f"{number:02}"}]) for number in range(20)]
    expected = {commit.snapshot_id: read_by_us(database, commit) for commit in (made[3], made[19])}
    database.tables.tag("flights", made[3].snapshot_id, "model-1")
    upkeep = IcebergUpkeep(glue_catalog(), database=database.name)
    assert upkeep.compact("flights", at=JANUARY) == 20
    upkeep.expire("flights", [each.snapshot_id for each in made[:18] if each != made[3]])
    upkeep.remove_unreachable("flights", written_before=datetime.now(UTC) + timedelta(days=1))
    for version in (made[3], made[19]):
        assert read_by_duckdb(database, version, tmp_path) == expected[version.snapshot_id]


def test_after_a_rollback_both_see_the_version_gone_back_to(database: Database, tmp_path: Path) -> None:
    first, second = append(database, ROWS[:1]), append(database, ROWS[1:])
    database.history.set_current("flights", first.snapshot_id, expected=second.snapshot_id)
    third = append(database, ROWS[2:])
    assert [row["flight_id"] for row in read_by_us(database, third)] == ["", 'Zürich, "ZRH"', "a"]
    for version in (second, third):
        assert read_by_duckdb(database, version, tmp_path) == read_by_us(database, version)
