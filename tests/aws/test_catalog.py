"""The catalog keeps what it has read and written; what it knows is what lies in S3."""

import uuid
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.table import Table

from tidemill.aws.clients import client
from tidemill.aws.file_io import S3FileIO
from tidemill.aws.history import IcebergHistory
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.aws.upkeep import IcebergUpkeep

SCHEMA = pa.schema([("n", pa.int64())])


@pytest.fixture
def place(aws_endpoint: str) -> str:
    """Return the name of a new database and its bucket, with an empty table `t`."""
    del aws_endpoint  # it only has to be there
    name = uuid.uuid4().hex
    client("s3").create_bucket(Bucket=name)
    client("glue").create_database(DatabaseInput={"Name": name})
    tables_of(glue_catalog(), name).ensure("t", SCHEMA)
    return name


def tables_of(catalog: GlueCatalog, place: str) -> IcebergTables:
    return IcebergTables(catalog, database=place, warehouse=f"s3://{place}/warehouse")


def rows(number: int) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_pydict({"n": [number]}, SCHEMA)


def append(tables: IcebergTables, number: int) -> int:
    return tables.append("t", rows(number), {"k": str(number)}, ids=[f"id-{number}"]).commit.snapshot_id


def assert_known_as_it_lies_there(catalog: GlueCatalog, place: str) -> Table:
    """Compare with what PyIceberg itself reads of the files."""
    plain = GlueCatalog(
        "plain", client=client("glue"), **{"py-io-impl": f"{S3FileIO.__module__}.{S3FileIO.__name__}"}
    )
    known, there = catalog.load_table((place, "t")), plain.load_table((place, "t"))
    assert known.metadata == there.metadata
    assert known.metadata_location == there.metadata_location
    return known


def test_what_is_known_of_a_table_is_what_lies_in_s3_whatever_changed_it(place: str) -> None:
    catalog = glue_catalog()
    tables = tables_of(catalog, place)
    first, second, third = (append(tables, number) for number in range(3))
    assert_known_as_it_lies_there(catalog, place)
    tables.tag("t", second, "model-1")
    assert_known_as_it_lies_there(catalog, place)
    tables.ensure("t", SCHEMA.append(pa.field("more", pa.string())))
    assert_known_as_it_lies_there(catalog, place)
    IcebergHistory(catalog, database=place).set_current("t", second, expected=third)
    append(tables, 3)
    assert_known_as_it_lies_there(catalog, place)
    IcebergUpkeep(catalog, database=place).expire("t", [first, third])
    append(tables, 4)
    known = assert_known_as_it_lies_there(catalog, place)
    assert sorted(tables.rows("t").column("n").to_pylist()) == [0, 1, 3, 4]
    assert known.metadata_location.endswith(".gz.metadata.json")


def test_two_processes_that_take_turns_see_each_others_commits(place: str) -> None:
    catalogs = [glue_catalog(), glue_catalog()]
    writers = [tables_of(each, place) for each in catalogs]
    for number in range(8):
        append(writers[number % 2], number)
    for catalog in catalogs:
        assert_known_as_it_lies_there(catalog, place)
    assert [commit.properties["k"] for commit in writers[0].commits("t")] == [str(each) for each in range(8)]


def test_an_id_is_found_whoever_committed_it_and_is_free_again_once_rolled_back(place: str) -> None:
    one, other = tables_of(glue_catalog(), place), tables_of(glue_catalog(), place)
    first = append(one, 1)
    second = append(other, 2)
    assert one.append("t", rows(2), {}, ids=["id-2"]).commit.snapshot_id == second
    assert other.append("t", rows(1), {}, ids=["other", "id-1"]).commit.snapshot_id == first
    IcebergHistory(glue_catalog(), database=place).set_current("t", first, expected=second)
    again = one.append("t", rows(2), {}, ids=["id-2"])
    assert again.new
    assert other.append("t", rows(2), {}, ids=["id-2"]).commit == again.commit


def test_a_commit_after_another_reads_no_metadata_and_copies_no_snapshot(place: str) -> None:
    catalog = glue_catalog()
    tables = tables_of(catalog, place)
    append(tables, 0)
    before = catalog.load_table((place, "t")).metadata.snapshots
    asked: list[str] = []
    client("s3").meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name), "test")
    client("glue", attempts=1).meta.events.register(
        "before-call.glue", lambda model, **_: asked.append(model.name), "test"
    )
    append(tables, 1)
    client("s3").meta.events.unregister("before-call.s3", unique_id="test")
    client("glue", attempts=1).meta.events.unregister("before-call.glue", unique_id="test")
    assert asked == [
        "GetTable",
        "PutObject",
        "PutObject",
        "PutObject",
        "GetTable",
        "PutObject",
        "UpdateTable",
    ]
    assert catalog.load_table((place, "t")).metadata.snapshots[0] is before[0]


def test_a_table_without_compression_is_written_as_pyiceberg_does(place: str) -> None:
    catalog = glue_catalog()
    catalog.create_table((place, "plain"), SCHEMA, location=f"s3://{place}/warehouse/plain")
    table = catalog.load_table((place, "plain"))
    with table.transaction() as change:
        change.set_properties(owner="somebody")
    again = glue_catalog().load_table((place, "plain"))
    assert again.properties["owner"] == "somebody"
    assert not again.metadata_location.endswith(".gz.metadata.json")


def test_merged_manifests_name_every_file_with_the_commit_that_added_it(place: str) -> None:
    tables = tables_of(glue_catalog(), place)
    snapshots = [append(tables, number) for number in range(43)]
    table = glue_catalog().load_table((place, "t"))
    current = table.current_snapshot()
    assert current is not None
    assert len(current.manifests(table.io)) == 43 // 20 + 43 % 20
    assert sorted(tables.rows("t").column("n").to_pylist()) == list(range(43))
    for number in (0, 19, 20, 42):
        added = tables.rows("t", snapshot_id=snapshots[number], added_only=True)
        assert added.column("n").to_pylist() == [number]
