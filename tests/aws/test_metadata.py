"""Metadata files: what stands in them is what PyIceberg would write, however it came to stand there."""

import gzip
import io
import json
from typing import Any

import pytest
from pyiceberg.exceptions import ValidationError
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromByteStream, GzipCompressor
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import (
    AddSnapshotUpdate,
    RemoveSnapshotsUpdate,
    SetSnapshotRefUpdate,
    update_table_metadata,
)
from pyiceberg.types import LongType, NestedField

from tidemill.aws.metadata import MetadataFiles, content_of, with_shared_history

LOCATION = "s3://bucket/warehouse/flights/metadata/00001-a.gz.metadata.json"


def empty_table() -> TableMetadata:
    metadata = new_table_metadata(
        Schema(NestedField(1, "n", LongType())),
        UNPARTITIONED_PARTITION_SPEC,
        UNSORTED_SORT_ORDER,
        "s3://bucket/warehouse/flights",
        {"owner": 'a "quoted" name, snapshots: []'},
    )
    return with_shared_history(metadata)


def committed(metadata: TableMetadata, number: int) -> TableMetadata:
    """Return the metadata with one more snapshot, which is the current one."""
    snapshot = Snapshot.model_validate(
        {
            "snapshot-id": number,
            "parent-snapshot-id": metadata.current_snapshot_id,
            "sequence-number": len(metadata.snapshots) + 100,
            "manifest-list": f"s3://bucket/snap-{number}.avro",
            "summary": Summary(
                Operation.APPEND, **{"tidemill.key": f'süd/"{number}".csv', "tidemill.rows": "3"}
            ),
            "schema-id": 0,
        }
    )
    updates = (
        AddSnapshotUpdate(snapshot=snapshot),
        SetSnapshotRefUpdate.model_validate(
            {"ref-name": "main", "type": SnapshotRefType.BRANCH, "snapshot-id": number}
        ),
    )
    return update_table_metadata(metadata, updates, metadata_location=f"{LOCATION}-{number}")


def without(metadata: TableMetadata, *snapshot_ids: int) -> TableMetadata:
    """Return the metadata after some snapshots expired."""
    return update_table_metadata(
        metadata, (RemoveSnapshotsUpdate.model_validate({"snapshot-ids": [*snapshot_ids]}),)
    )


def table_of(commits: int) -> TableMetadata:
    metadata = empty_table()
    for number in range(1, commits + 1):
        metadata = committed(metadata, number)
    return metadata


def read_by_pyiceberg(data: bytes) -> TableMetadata:
    return FromByteStream.table_metadata(io.BytesIO(data), compression=GzipCompressor())


@pytest.mark.parametrize("commits", [0, 1, 50])
def test_pyiceberg_reads_the_metadata_that_was_written(commits: int) -> None:
    metadata = table_of(commits)
    assert read_by_pyiceberg(MetadataFiles().written(metadata)) == metadata


def test_a_file_that_goes_on_where_the_last_left_off_says_the_same_as_one_written_anew() -> None:
    files, metadata = MetadataFiles(), table_of(3)
    for number in range(4, 40):
        files.written(metadata)
        metadata = committed(metadata, number)
    assert read_by_pyiceberg(files.written(metadata)) == metadata
    assert gzip.decompress(files.written(metadata)) == gzip.decompress(MetadataFiles().written(metadata))


def test_a_commit_that_was_lost_is_in_no_later_file() -> None:
    files, metadata = MetadataFiles(), table_of(3)
    files.written(committed(metadata, 4))
    won = committed(metadata, 5)
    assert read_by_pyiceberg(files.written(won)) == won


def test_an_expired_snapshot_is_in_no_later_file() -> None:
    files, metadata = MetadataFiles(), table_of(5)
    files.written(metadata)
    kept = without(metadata, 1, 2)
    assert [each.snapshot_id for each in read_by_pyiceberg(files.written(kept)).snapshots] == [3, 4, 5]
    assert read_by_pyiceberg(files.written(kept)) == kept


def test_a_file_of_fewer_snapshots_than_the_last_is_right() -> None:
    files = MetadataFiles()
    files.written(table_of(5))
    assert read_by_pyiceberg(files.written(empty_table())).snapshots == []


def test_what_is_read_equals_what_was_written_and_shares_the_snapshots_that_are_known() -> None:
    files, metadata = MetadataFiles(), table_of(5)
    files.written(metadata)
    by_another = MetadataFiles().written(committed(metadata, 6))
    found = files.read(content_of(by_another, LOCATION))
    assert found == read_by_pyiceberg(by_another)
    assert [each is before for each, before in zip(found.snapshots, metadata.snapshots, strict=False)] == [
        True
    ] * 5


def test_a_snapshot_whose_parent_expired_is_read_anew() -> None:
    files, metadata = MetadataFiles(), table_of(3)
    files.written(metadata)
    expired = without(metadata, 1)
    found = files.read(content_of(MetadataFiles().written(expired), LOCATION))
    assert [each.parent_snapshot_id for each in found.snapshots] == [None, 2]


def test_copies_of_metadata_share_its_history() -> None:
    """A deep copy of a thousand snapshots takes longer than all else in a commit."""
    metadata = table_of(20)
    changed = committed(metadata, 21)
    assert all(one is other for one, other in zip(metadata.snapshots, changed.snapshots, strict=False))
    assert len(metadata.snapshots) == 20


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(b"no JSON"), gzip.compress(b"{}" * 1000)[:-9]],
    ids=["empty", "plain", "text", "cut off"],
)
def test_a_broken_file_is_an_error_that_names_it(data: bytes) -> None:
    with pytest.raises(ValidationError, match=r"00001-a.* is no gzipped metadata"):
        content_of(data, LOCATION)


def test_a_thousand_snapshots_take_a_fraction_of_their_size() -> None:
    content: dict[str, Any] = content_of(MetadataFiles().written(table_of(300)), LOCATION)
    assert len(MetadataFiles().written(table_of(300))) < len(json.dumps(content)) / 5
