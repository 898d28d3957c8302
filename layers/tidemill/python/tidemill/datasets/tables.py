"""What the library needs from a table store: snapshots, exactly-once appends, time travel, upkeep.

Three ports over the same tables: ``Tables`` for everybody, ``History`` for those who look at versions or
choose another one, ``Upkeep`` for the job that keeps a table small. Two implementations of each:
``tidemill.memory.tables``, and Apache Iceberg in the Glue Data Catalog (``tidemill.aws.tables``,
``tidemill.aws.history``, ``tidemill.aws.upkeep``). Tables are named after their source, or
``predictions_<model>``.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import pyarrow as pa

IDS_PROPERTY = "tidemill.ids"
"""The commit property that holds the ids a commit was made for, separated by spaces."""

AT_PROPERTY = "tidemill.at"
"""The commit property that says when what it was made from arrived, RFC 3339 in UTC."""


NOTHING_RENAMED: Mapping[str, str] = {}


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


class KeptSnapshot(NamedTuple):
    """A snapshot that is kept, and what decides whether it goes on being.

    ``at`` is when what it was made from arrived, or else when it was made; None if nobody knows.
    ``parent`` is the snapshot it builds on, if that is kept too. ``properties`` are its commit's.
    """

    snapshot_id: int
    sequence: int
    parent: int | None
    at: datetime | None
    properties: Mapping[str, str]


class Tables(Protocol):
    """Tables of one project's database."""

    def ensure(self, table: str, schema: pa.Schema, *, was: Mapping[str, str] = NOTHING_RENAMED) -> None:
        """Create a table unless it is there, or let it become as declared; ``was`` gives former names.

        UploadRefused if its rows can not follow, as ``evolution.plan_evolution`` says.
        """
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
        since: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows as of a snapshot (the current one by default), or only those it added.

        The oldest commit that is kept stands for all before it: what it added is all it holds. Whoever must
        not take it for that names the commit, ``since`` which they want what was added; NotFound if that one
        is no longer part of the snapshot's history.

        Columns come by the names they are asked for by, which may be names they had before.
        """
        ...

    def tag(self, table: str, snapshot_id: int, name: str) -> None:
        """Name a snapshot, so that expiry keeps it; naming it again the same way is no error."""
        ...


class Parts(NamedTuple):
    """A version file by file: how many rows and files there are, and what reads one after the other."""

    rows: int
    files: int
    tables: Iterator[pa.Table]


class PartReader(Protocol):
    """Reads versions in parts, for whoever does not want the whole in memory, or shows how far it is."""

    def parts(self, table: str, *, snapshot_id: int, columns: Sequence[str]) -> Parts:
        """Return rows as of a snapshot, file by file in the order of their paths.

        NotFound if there is no such snapshot, or, at the latest when a part is read, no such column.
        """
        ...

    def added(
        self, table: str, *, snapshot_id: int, since: int | None, columns: Sequence[str]
    ) -> Iterator[pa.Table]:
        """Return what a snapshot has beyond an earlier one, or all if None is given, in small pieces.

        A piece is part of a file, so that no file is too large. NotFound where ``parts`` and
        ``Tables.rows`` raise it.
        """
        ...


class TablesInParts(Tables, PartReader, Protocol):
    """Both ports to one store, for whoever appends to a table and must not hold the rows of others."""


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
        """Make a snapshot the current one; Conflict if ``expected`` is no longer the newest commit.

        The next append builds on it, with a sequence above all others. What came after it is no longer
        part of the history, and is kept until it expires.
        """
        ...


class Upkeep(Protocol):
    """What keeps tables of one project's database small; nothing of it changes a row of a kept version."""

    def snapshots(self, table: str) -> Sequence[KeptSnapshot]:
        """Return every snapshot that is kept, the current one last."""
        ...

    def untag(self, table: str, name: str) -> None:
        """Take a tag away, so that its snapshot may expire; NotFound if there is none of that name."""
        ...

    def expire(self, table: str, snapshot_ids: Collection[int]) -> None:
        """Let go of snapshots; Conflict if one of them is current or has a tag."""
        ...

    def compact(self, table: str, *, at: datetime) -> int:
        """Write the rows of many small files into few, and return how many files were replaced.

        Commits and what they added stay as they are.
        """
        ...

    def remove_unreachable(self, table: str, *, written_before: datetime) -> int:
        """Delete files below a table's location that no kept snapshot needs; return how many.

        Files written later may belong to a commit that is being made.
        """
        ...
