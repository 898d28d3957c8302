"""What Iceberg and Glue alone do: lost commits, files without a commit, one snapshot schema for all."""

import uuid
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException

from tidemill.aws.clients import client
from tidemill.aws.file_io import S3FileIO
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.errors import Conflict, Unavailable

SCHEMA = pa.schema([("n", pa.int64())])


class Losing(GlueCatalog):
    """A catalog in which somebody else always commits first."""

    def _update_glue_table(self, *_: object, **__: object) -> None:
        raise CommitFailedException("somebody else was faster")


@pytest.fixture
def place(aws_endpoint: str) -> str:
    """Return the name of a new database and its bucket."""
    del aws_endpoint  # it only has to be there
    name = uuid.uuid4().hex
    client("s3").create_bucket(Bucket=name)
    client("glue").create_database(DatabaseInput={"Name": name})
    return name


def tables_at(place: str) -> IcebergTables:
    return IcebergTables(glue_catalog(), database=place, warehouse=f"s3://{place}/warehouse")


def rows(count: int) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_pydict({"n": list(range(count))}, SCHEMA)


def data_files(place: str) -> list[str]:
    listed = client("s3").list_objects_v2(Bucket=place, Prefix="warehouse/t/data/")
    return [item["Key"] for item in listed.get("Contents", [])]


def test_a_commit_lost_every_time_is_a_conflict_that_leaves_no_file(place: str) -> None:
    tables_at(place).ensure("t", SCHEMA)
    pauses: list[float] = []
    losing = Losing("glue", client=client("glue"), **{"py-io-impl": f"{S3FileIO.__module__}.S3FileIO"})
    lossy = IcebergTables(losing, database=place, warehouse=f"s3://{place}/warehouse", pause=pauses.append)
    with pytest.raises(Conflict, match="lost to other writers"):
        lossy.append("t", rows(3), {}, ids=["a"])
    assert len(pauses) == 20
    assert max(pauses) <= 2.0
    assert data_files(place) == []
    assert tables_at(place).commits("t") == []


def test_glue_calls_are_never_repeated_by_the_client() -> None:
    """A repeated commit's conflict would be taken for proof that the first one did not land."""
    assert (
        vars(glue_catalog().glue.meta.config)["_user_provided_options"]["retries"]["total_max_attempts"] == 1
    )


def test_data_that_fails_in_its_second_file_leaves_neither(place: str) -> None:
    tables = tables_at(place)
    tables.ensure("t", SCHEMA)

    def failing() -> Iterator[pa.RecordBatch]:
        for _ in range(34):  # 32 row groups make a file
            yield from rows(131_072)
        raise LookupError("row 4456449")

    with pytest.raises(LookupError):
        tables.append("t", failing(), {}, ids=["a"])
    assert data_files(place) == []


def test_many_batches_become_few_files_in_order(place: str) -> None:
    tables = tables_at(place)
    tables.ensure("t", SCHEMA)
    batches = (pa.RecordBatch.from_pydict({"n": [number]}, SCHEMA) for number in range(5000))
    tables.append("t", batches, {}, ids=["a"])
    assert len(data_files(place)) == 1
    assert tables.rows("t").column("n").to_pylist() == list(range(5000))


def test_a_database_that_is_not_deployed_is_unavailable(place: str) -> None:
    tables = IcebergTables(glue_catalog(), database="nowhere", warehouse=f"s3://{place}/warehouse")
    with pytest.raises(Unavailable, match="ensuring table `t`"):
        tables.ensure("t", SCHEMA)
