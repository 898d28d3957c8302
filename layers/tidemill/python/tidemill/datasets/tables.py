"""What the library needs from a table store: snapshots, exactly-once appends, time travel, upkeep.

Three ports over the same tables: ``Tables`` for everybody, ``History`` for those who look at versions or
choose another one, ``Upkeep`` for the job that keeps a table small. Two implementations of each:
``tidemill.memory.tables``, and Apache Iceberg in the Glue Data Catalog (``tidemill.aws.tables``,
``tidemill.aws.history``, ``tidemill.aws.upkeep``). Tables are named after their source, or
``predictions_<model>``.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

IDS_PROPERTY = "tidemill.ids"
"""The commit property that holds the ids a commit was made for, separated by spaces."""

AT_PROPERTY = "tidemill.at"
"""The commit property that says when what it was made from arrived, RFC 3339 in UTC."""


class Commit(NamedTuple):
    """One snapshot of a table.

    ``sequence`` grows by at least one from commit to commit of a table: the order commits were
    made in. ``properties`` are the strings the writer gave, with the ids under ``tidemill.ids``.
    """

    snapshot_id: int
    sequence: int
    properties: Mapping[str, str]

    @property
    def ids(self) -> frozenset[str]:
        """The ids this commit was made for."""
        return frozenset(self.properties.get(IDS_PROPERTY, "").split())


class Appended(NamedTuple):
    """What became of an append: the commit, and whether this call made it or found it."""

    commit: Commit
    new: bool


class Field(NamedTuple):
    """A column as a snapshot has it; the id stays when its name or type changes."""

    id: int
    name: str
    type: pa.DataType


class TableFile(NamedTuple):
    """A file that holds rows of a snapshot: where it lies, its rows, and its size in bytes."""

    path: str
    rows: int
    size_bytes: int


class Tables(Protocol):
    """Tables of one project's database."""

    def ensure(self, table: str, schema: pa.Schema) -> None:
        """Create a table unless it is there; columns it does not have yet are added."""
        ...

    def append(
        self,
        table: str,
        data: Iterator[pa.RecordBatch],
        properties: Mapping[str, str],
        *,
        ids: Collection[str],
    ) -> Appended:
        """Append rows in one commit, at most once for each id; NotFound if there is no such table.

        When a commit in the table's current history already carries one of the ids, that commit is
        answered and nothing is written; this holds against writers at the same moment too. An
        exception from ``data`` leaves the table as it was. ``properties`` is read after ``data`` is
        exhausted, so whoever produces the rows may still be counting them into it.
        """
        ...

    def commits(self, table: str, last: int | None = None) -> Sequence[Commit]:
        """Return the current history, oldest first; only the newest ``last`` if given."""
        ...

    def rows(
        self,
        table: str,
        *,
        snapshot_id: int | None = None,
        added_only: bool = False,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows as of a snapshot (the current one by default), or only those it added."""
        ...

    def tag(self, table: str, snapshot_id: int, name: str) -> None:
        """Name a snapshot, so that expiry keeps it; naming it again the same way is no error."""
        ...


class History(Protocol):
    """The versions of tables of one project's database."""

    def history(self, table: str, snapshot_id: int) -> Sequence[Commit]:
        """Return the commits that led to a snapshot and it, oldest first, as far back as they are kept.

        Any snapshot that is kept will do, one that was taken back too; NotFound if there is none.
        """
        ...

    def tags(self, table: str) -> Mapping[str, int]:
        """Return the snapshot id of each tag."""
        ...

    def fields(self, table: str, snapshot_id: int | None = None) -> Sequence[Field]:
        """Return the columns as of a snapshot; without one as they are now, by which all rows are read."""
        ...

    def files(self, table: str, snapshot_id: int) -> Sequence[TableFile]:
        """Return the files that hold a snapshot's rows, in order of their paths."""
        ...

    def set_current(self, table: str, snapshot_id: int, *, expected: int) -> None:
        """Make a snapshot the current one; Conflict if ``expected`` no longer is.

        The next append builds on it, with a sequence above all others. What came after it is no longer
        part of the history, and is kept until it expires.
        """
        ...
