"""Tables as Apache Iceberg tables in the Glue Data Catalog, by PyIceberg.

An append streams record batches into Parquet files of bounded size, row group by row group
(``parquet_files.py``), and then names them all in one commit. PyIceberg's own streaming append
queues every batch before it writes the first, and repeats a lost commit without asking whether
somebody else has meanwhile committed the same upload; hence the writer and the retry loop here.
"""

import contextlib
import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import FileScanTask, Table

from tidemill.aws.catalog import COMPRESSION_PROPERTY, SteadyGlueCatalog
from tidemill.aws.clients import client
from tidemill.aws.file_io import S3FileIO
from tidemill.aws.iceberg_failures import iceberg_failures
from tidemill.aws.parquet_files import discard_files, write_files
from tidemill.aws.parts import parts_of, read_pieces
from tidemill.aws.schemas import evolve, read_files
from tidemill.aws.snapshots import (
    CommitIds,
    as_commit,
    commits_to,
    files_added_by,
    files_added_since,
    files_of,
    snapshot_of,
)
from tidemill.aws.transactions import SteadyTransaction
from tidemill.datasets.tables import IDS_PROPERTY, NOTHING_RENAMED, Appended, Commit, Parts
from tidemill.errors import Conflict

_TABLE_PROPERTIES = {
    "format-version": "2",
    COMPRESSION_PROPERTY: "gzip",  # each commit writes all of the metadata: a megabyte after a thousand
    "write.metadata.previous-versions-max": "10",  # named in each; the upkeep finds them by their place
    "commit.retry.num-retries": "0",  # repeated here, where ids are checked again before each try
}
_COMMIT_TRIES = 20
_LONGEST_PAUSE_SECONDS = 2.0


def glue_catalog() -> GlueCatalog:
    """Return the account's Glue catalog, whose files are read and written by ``S3FileIO``.

    Its client tries every call once: PyIceberg takes the "concurrent modification" that a repeated
    commit meets for proof that nothing landed, and deletes what it wrote.
    """
    return SteadyGlueCatalog(
        "glue", glue=client("glue", attempts=1), file_io=f"{S3FileIO.__module__}.{S3FileIO.__name__}"
    )


class IcebergTables:
    """The tables of one Glue database, with their files under one S3 location.

    Parameters
    ----------
    catalog
        The Glue catalog, as ``glue_catalog`` makes it.
    database
        The Glue database, one per project.
    warehouse
        The S3 location tables are created under, such as ``s3://bucket/warehouse``.
    pause
        Waits for a number of seconds between two tries of a commit.
    """

    def __init__(
        self,
        catalog: GlueCatalog,
        *,
        database: str,
        warehouse: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._catalog = catalog
        self._database = database
        self._warehouse = warehouse
        self._pause = pause
        self._ids: defaultdict[str, CommitIds] = defaultdict(CommitIds)

    def ensure(self, table: str, schema: pa.Schema, *, was: Mapping[str, str] = NOTHING_RENAMED) -> None:
        """Create a table unless it is there, or let it become as declared; ``was`` gives former names."""
        with iceberg_failures(f"ensuring table `{table}`"):
            try:
                stored = self._load(table)
            except NoSuchTableError:
                with contextlib.suppress(TableAlreadyExistsError):  # somebody else was faster
                    self._catalog.create_table(
                        (self._database, table),
                        schema,
                        location=f"{self._warehouse}/{table}",
                        properties=_TABLE_PROPERTIES,
                    )
                return
            evolve(stored, table, schema, was)

    def append(
        self,
        table: str,
        data: Iterator[pa.RecordBatch],
        properties: Mapping[str, str],
        *,
        ids: Collection[str],
    ) -> Appended:
        """Append rows in one commit, at most once for each id; NotFound if there is no such table."""
        with iceberg_failures(f"appending to table `{table}`"):
            stored = self._load(table)
            known = self._ids[table]
            if (found := known.find(stored, ids)) is not None:
                return Appended(found, new=False)
            paths = write_files(stored, data)
            summary = {**properties, IDS_PROPERTY: " ".join(sorted(ids))}
            for attempt in range(_COMMIT_TRIES):
                try:
                    return Appended(_commit(stored, paths, summary), new=True)
                except CommitFailedException:
                    self._pause(random.uniform(0.5, 1) * min(0.05 * 2**attempt, _LONGEST_PAUSE_SECONDS))
                stored = self._load(table)
                if (found := known.find(stored, ids)) is not None:
                    discard_files(stored, paths)
                    return Appended(found, new=False)
            discard_files(stored, paths)
            raise Conflict(
                f"table `{table}`: {_COMMIT_TRIES} commits were lost to other writers; send it again"
            )

    def commits(self, table: str, last: int | None = None) -> Sequence[Commit]:
        """Return the current history, oldest first; only the newest ``last`` if given."""
        with iceberg_failures(f"reading the history of table `{table}`"):
            stored = self._load(table)
            newest_first = itertools.islice(commits_to(stored, stored.current_snapshot()), last)
            return [as_commit(snapshot) for snapshot in newest_first][::-1]

    def rows(
        self,
        table: str,
        *,
        snapshot_id: int | None = None,
        added_only: bool = False,
        since: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows as of a snapshot (the current one by default), or only those it added.

        The oldest commit that is kept stands for all before it: what it added is all it holds. Whoever must
        not take it for that names the commit, ``since`` which they want what was added; NotFound if that one
        is no longer part of the snapshot's history.
        """
        with iceberg_failures(f"reading table `{table}`"):
            stored = self._load(table)
            snapshot = stored.current_snapshot()
            if snapshot_id is not None:
                snapshot = snapshot_of(stored, table, snapshot_id)
            tasks: Iterable[FileScanTask] = []
            if snapshot is not None and since is not None:
                tasks = files_added_since(stored, table, snapshot, since)
            elif snapshot is not None:
                tasks = (files_added_by if added_only else files_of)(stored, snapshot)
            # By today's schema: a column declared since is there, and null in the rows before it.
            return read_files(stored, table, tasks, columns)

    def parts(self, table: str, *, snapshot_id: int, columns: Sequence[str]) -> Parts:
        """Return rows as of a snapshot, file by file; a few are read ahead."""
        with iceberg_failures(f"reading table `{table}`"):
            stored = self._load(table)
            return parts_of(stored, table, snapshot_of(stored, table, snapshot_id), columns)

    def added(
        self, table: str, *, snapshot_id: int, since: int | None, columns: Sequence[str]
    ) -> Iterator[pa.Table]:
        """Return what a snapshot has beyond an earlier one, or all if None is given, in small pieces."""
        with iceberg_failures(f"reading table `{table}`"):
            stored = self._load(table)
            snapshot = snapshot_of(stored, table, snapshot_id)
            tasks = (
                files_of(stored, snapshot)
                if since is None
                else files_added_since(stored, table, snapshot, since)
            )
            return read_pieces(stored, table, list(tasks), columns)

    def tag(self, table: str, snapshot_id: int, name: str) -> None:
        """Name a snapshot; Conflict if the name is another snapshot's."""
        with iceberg_failures(f"tagging snapshot {snapshot_id} of table `{table}`"):
            for attempt in range(_COMMIT_TRIES):
                stored = self._load(table)
                snapshot_of(stored, table, snapshot_id)
                named = stored.refs().get(name)
                if named is not None and named.snapshot_id != snapshot_id:
                    raise Conflict(
                        f"tag `{name}` of table `{table}` already names another snapshot; choose another name"
                    )
                if named is not None:
                    return
                try:
                    stored.manage_snapshots().create_tag(snapshot_id, name).commit()
                except CommitFailedException:
                    self._pause(random.uniform(0.5, 1) * min(0.05 * 2**attempt, _LONGEST_PAUSE_SECONDS))
                else:
                    return
            raise Conflict(
                f"table `{table}`: tag `{name}` was lost to other writers {_COMMIT_TRIES} times; repeat it"
            )

    def _load(self, table: str) -> Table:
        return self._catalog.load_table((self._database, table))


def _commit(table: Table, paths: list[str], summary: Mapping[str, str]) -> Commit:
    with SteadyTransaction(table) as transaction:
        transaction.add_files(paths, snapshot_properties=dict(summary), check_duplicate_files=False)
    snapshot = table.current_snapshot()
    if snapshot is None:
        raise CommitFailedException("the commit left the table without a snapshot")
    return as_commit(snapshot)
