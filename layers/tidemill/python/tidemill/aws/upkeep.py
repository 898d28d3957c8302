"""Keeping Iceberg tables small: fewer snapshots, fewer files, and none that nothing needs."""

import functools
import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.io.pyarrow import ArrowScan, parquet_files_to_data_files
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import ALWAYS_TRUE, FileScanTask, Table
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Snapshot

from tidemill.aws.clients import client
from tidemill.aws.iceberg_failures import iceberg_failures
from tidemill.aws.parquet_files import discard_files, write_files
from tidemill.aws.transactions import SteadyTransaction
from tidemill.datasets.tables import AT_PROPERTY, KeptSnapshot
from tidemill.errors import Conflict, NotFound, did_you_mean

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SMALL_BYTES = 32 * 1024 * 1024
_FEWEST_SMALL_FILES = 16  # fewer are not worth a rewrite
_COMMIT_TRIES = 20
_LONGEST_PAUSE_SECONDS = 2.0


class IcebergUpkeep:
    """The upkeep of the tables of one Glue database.

    Parameters
    ----------
    catalog
        The Glue catalog, as ``tidemill.aws.tables.glue_catalog`` makes it.
    database
        The Glue database.
    pause
        Waits for a number of seconds between two tries of a commit.
    """

    def __init__(
        self, catalog: GlueCatalog, *, database: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._catalog = catalog
        self._database = database
        self._pause = pause

    def snapshots(self, table: str) -> Sequence[KeptSnapshot]:
        """Return every snapshot that is kept, the current one last."""
        with iceberg_failures(f"reading the snapshots of table `{table}`"):
            stored = self._load(table)
            current = stored.metadata.current_snapshot_id
            found = sorted(stored.snapshots(), key=lambda one: (one.snapshot_id == current, one.timestamp_ms))
            return [_kept(snapshot) for snapshot in found]

    def untag(self, table: str, name: str) -> None:
        """Take a tag away; NotFound if there is none of that name."""
        with iceberg_failures(f"taking tag `{name}` of table `{table}` away"):
            for attempt in range(_COMMIT_TRIES):
                stored = self._load(table)
                refs = stored.refs().items()
                tags = [found for found, ref in refs if ref.snapshot_ref_type == SnapshotRefType.TAG]
                if name not in tags:
                    raise NotFound(f"table `{table}` has no tag `{name}`{did_you_mean(name, tags)}")
                try:
                    stored.manage_snapshots().remove_tag(name).commit()
                except CommitFailedException:
                    self._pause(random.uniform(0.5, 1) * min(0.05 * 2**attempt, _LONGEST_PAUSE_SECONDS))
                else:
                    return
            raise Conflict(
                f"table `{table}`: taking tag `{name}` away was lost to other writers {_COMMIT_TRIES} times; "
                "repeat it"
            )

    def expire(self, table: str, snapshot_ids: Collection[int]) -> None:
        """Let go of snapshots; Conflict if one of them is current or has a tag."""
        with iceberg_failures(f"expiring snapshots of table `{table}`"):
            stored = self._load(table)
            protected = {ref.snapshot_id for ref in stored.refs().values()} & set(snapshot_ids)
            if protected:
                raise Conflict(f"table `{table}`: snapshots {sorted(protected)} are current or have a tag")
            if snapshot_ids:
                stored.maintenance.expire_snapshots().by_ids(list(snapshot_ids)).commit()

    def compact(self, table: str, *, at: datetime) -> int:
        """Write the rows of many small files into few, and return how many files were replaced."""
        with iceberg_failures(f"compacting table `{table}`"):
            stored = self._load(table)
            small = _small_files(stored)
            if len(small) < _FEWEST_SMALL_FILES:
                return 0
            paths = write_files(stored, _rows(stored, small))
            for attempt in range(_COMMIT_TRIES):
                if not {task.file for task in small} <= {task.file for task in _current_files(stored)}:
                    break  # rolled back meanwhile: these rows may be gone
                try:
                    _replace(stored, [task.file for task in small], paths, at)
                except CommitFailedException:
                    self._pause(random.uniform(0.5, 1) * min(0.05 * 2**attempt, _LONGEST_PAUSE_SECONDS))
                    stored = self._load(table)
                else:
                    return len(small)
            discard_files(stored, paths)
            return 0

    def remove_unreachable(self, table: str, *, written_before: datetime) -> int:
        """Delete files below a table's location that no kept snapshot needs; return how many."""
        with iceberg_failures(f"removing unreachable files of table `{table}`"):
            # Listed before what is reachable is read: a file that a commit names meanwhile was written late.
            stored = self._load(table)
            listed = list(self._older_files(stored.location(), written_before))
            reachable = set(_reachable(self._load(table)))
            unreachable = [location for location in listed if location not in reachable]
            discard_files(stored, unreachable)
            return len(unreachable)

    @functools.cached_property
    def _s3(self) -> "S3Client":
        s3: S3Client = client("s3")
        return s3

    def _older_files(self, location: str, written_before: datetime) -> Iterator[str]:
        place = urlsplit(location, allow_fragments=False)
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=place.netloc, Prefix=f"{place.path.strip('/')}/"
        )
        for page in pages:
            for found in page.get("Contents", []):
                if found["LastModified"] < written_before:
                    yield f"s3://{place.netloc}/{found['Key']}"

    def _load(self, table: str) -> Table:
        return self._catalog.load_table((self._database, table))


def _kept(snapshot: Snapshot) -> KeptSnapshot:
    properties = snapshot.summary.additional_properties if snapshot.summary is not None else {}
    said = properties.get(AT_PROPERTY)
    at = datetime.fromisoformat(said) if said else datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
    return KeptSnapshot(
        snapshot.snapshot_id, snapshot.sequence_number or 0, snapshot.parent_snapshot_id, at, properties
    )


def _current_files(table: Table) -> list[FileScanTask]:
    return list(table.scan().plan_files())


def _small_files(table: Table) -> list[FileScanTask]:
    """Return the small files of the current snapshot in order of their paths."""
    small = [task for task in _current_files(table) if task.file.file_size_in_bytes < _SMALL_BYTES]
    return sorted(small, key=lambda task: task.file.file_path)


def _rows(table: Table, tasks: list[FileScanTask]) -> Iterator[pa.RecordBatch]:
    scan = ArrowScan(table.metadata, table.io, table.schema(), ALWAYS_TRUE)
    for task in tasks:  # one file at a time: a scan of all would read ahead into memory
        yield from scan.to_record_batches([task])


def _replace(table: Table, replaced: list[DataFile], paths: list[str], at: datetime) -> None:
    properties = {AT_PROPERTY: at.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    with SteadyTransaction(table) as transaction:
        update = transaction.update_snapshot(snapshot_properties=properties)
        with update.overwrite() as overwrite:
            for file in replaced:
                overwrite.delete_data_file(file)
            for file in parquet_files_to_data_files(table.io, table.metadata, iter(paths)):
                overwrite.append_data_file(file)


def _reachable(table: Table) -> Iterator[str]:
    """Yield every file that a kept snapshot, or a reader of the metadata of a moment ago, may open."""
    yield table.metadata_location
    yield from (entry.metadata_file for entry in table.metadata.metadata_log)
    manifests: dict[str, ManifestFile] = {}
    for snapshot in table.snapshots():
        yield snapshot.manifest_list
        manifests |= {each.manifest_path: each for each in snapshot.manifests(table.io)}
    for path, manifest in manifests.items():
        yield path
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            yield entry.data_file.file_path
