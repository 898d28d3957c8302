"""What the library needs from a table store: snapshots, exactly-once appends, time travel.

Two implementations: ``tidemill.memory.tables`` and ``tidemill.aws.tables`` (Apache Iceberg in the
Glue Data Catalog). Tables are named after their source, or ``predictions_<model>``.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

IDS_PROPERTY = "tidemill.ids"
"""The commit property that holds the ids a commit was made for, separated by spaces."""


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
