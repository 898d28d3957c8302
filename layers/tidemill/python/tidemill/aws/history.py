"""The versions of Iceberg tables: what a snapshot holds, and which one is current."""

from collections.abc import Mapping, Sequence

from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType

from tidemill.aws.iceberg_failures import iceberg_failures
from tidemill.aws.schemas import fields_of
from tidemill.aws.snapshots import as_commit, commits_to, snapshot_of
from tidemill.datasets.evolution import merged_fields
from tidemill.datasets.tables import Commit, Field, TableFile
from tidemill.errors import Conflict


class IcebergHistory:
    """The versions of the tables of one Glue database.

    Parameters
    ----------
    catalog
        The Glue catalog, as ``tidemill.aws.tables.glue_catalog`` makes it.
    database
        The Glue database.
    """

    def __init__(self, catalog: GlueCatalog, *, database: str) -> None:
        self._catalog = catalog
        self._database = database

    def history(self, table: str, snapshot_id: int) -> Sequence[Commit]:
        """Return the commits that led to a snapshot, oldest first."""
        with iceberg_failures(f"reading the history of table `{table}`"):
            stored = self._load(table)
            newest_first = commits_to(stored, snapshot_of(stored, table, snapshot_id))
            return [as_commit(snapshot) for snapshot in newest_first][::-1]

    def tags(self, table: str) -> Mapping[str, int]:
        """Return the snapshot id of each tag."""
        with iceberg_failures(f"reading the tags of table `{table}`"):
            refs = self._load(table).refs().items()
            return {
                name: ref.snapshot_id for name, ref in refs if ref.snapshot_ref_type == SnapshotRefType.TAG
            }

    def fields(self, table: str, snapshot_id: int | None = None) -> Sequence[Field]:
        """Return the columns as of a snapshot, or as they are now."""
        with iceberg_failures(f"reading the columns of table `{table}`"):
            stored = self._load(table)
            schema = stored.schema()
            if snapshot_id is not None:
                schema = stored.schemas()[snapshot_of(stored, table, snapshot_id).schema_id or 0]
            return merged_fields(fields_of(schema))

    def files(self, table: str, snapshot_id: int) -> Sequence[TableFile]:
        """Return the files that hold a snapshot's rows, in order of their paths."""
        with iceberg_failures(f"reading the files of table `{table}`"):
            stored = self._load(table)
            snapshot_of(stored, table, snapshot_id)
            planned = [task.file for task in stored.scan(snapshot_id=snapshot_id).plan_files()]
            files = [
                TableFile(file.file_path, file.record_count, file.file_size_in_bytes) for file in planned
            ]
            return sorted(files)

    def set_current(self, table: str, snapshot_id: int, *, expected: int) -> None:
        """Make a snapshot the current one; Conflict if ``expected`` no longer is."""
        with iceberg_failures(f"setting the current snapshot of table `{table}`"):
            stored = self._load(table)
            snapshot_of(stored, table, snapshot_id)
            current = next(commits_to(stored, stored.current_snapshot()), None)
            if current is None or current.snapshot_id != expected:
                raise Conflict(
                    f"table `{table}` is no longer at snapshot {expected}; "
                    f"look at `tidemill data log {table}` and repeat the command"
                )
            try:
                stored.manage_snapshots().set_current_snapshot(snapshot_id).commit()
            except CommitFailedException as error:
                raise Conflict(f"table `{table}` was written meanwhile; repeat the command") from error

    def _load(self, table: str) -> Table:
        return self._catalog.load_table((self._database, table))
