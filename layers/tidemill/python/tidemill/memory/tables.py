"""Tables as lists of Arrow tables, one per commit."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa

from tidemill.datasets.tables import IDS_PROPERTY, Appended, Commit
from tidemill.errors import Conflict, NotFound, did_you_mean


class _Table:
    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.commits: list[Commit] = []
        self.added: list[pa.Table] = []
        self.tags: dict[str, int] = {}


class MemoryTables:
    """A database of tables in memory; commits are atomic between threads."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._lock = threading.Lock()

    def ensure(self, table: str, schema: pa.Schema) -> None:
        """Create a table unless it is there; columns it does not have yet are added."""
        with self._lock:
            stored = self._tables.setdefault(table, _Table(schema))
            for field in schema:
                if field.name not in stored.schema.names:
                    stored.schema = stored.schema.append(field)

    def append(
        self,
        table: str,
        data: Iterator[pa.RecordBatch],
        properties: Mapping[str, str],
        *,
        ids: Collection[str],
    ) -> Appended:
        """Append rows in one commit, at most once for each id."""
        stored = self._table(table)
        if (found := _with_ids(stored.commits, ids)) is not None:
            return Appended(found, new=False)
        rows = pa.Table.from_batches(list(data), stored.schema)
        with self._lock:
            if (found := _with_ids(stored.commits, ids)) is not None:
                return Appended(found, new=False)
            sequence = len(stored.commits) + 1
            stored.commits.append(
                Commit(1000 + sequence, sequence, {**properties, IDS_PROPERTY: " ".join(sorted(ids))})
            )
            stored.added.append(rows)
            return Appended(stored.commits[-1], new=True)

    def commits(self, table: str, last: int | None = None) -> Sequence[Commit]:
        """Return the history, oldest first; only the newest ``last`` if given."""
        history = self._table(table).commits
        return history[max(0, len(history) - last) if last is not None else 0 :]

    def rows(
        self,
        table: str,
        *,
        snapshot_id: int | None = None,
        added_only: bool = False,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows as of a snapshot, or only those it added."""
        stored = self._table(table)
        end = len(stored.commits) if snapshot_id is None else self._position(table, snapshot_id) + 1
        chosen = stored.added[max(0, end - 1) if added_only else 0 : end]
        answer = pa.concat_tables([stored.schema.empty_table(), *chosen], promote_options="default")
        return answer if columns is None else answer.select(list(columns))

    def tag(self, table: str, snapshot_id: int, name: str) -> None:
        """Name a snapshot; Conflict if the name is another snapshot's."""
        self._position(table, snapshot_id)
        if self._table(table).tags.setdefault(name, snapshot_id) != snapshot_id:
            raise Conflict(
                f"tag `{name}` of table `{table}` already names another snapshot; choose another name"
            )

    def _table(self, table: str) -> _Table:
        if table not in self._tables:
            raise NotFound(f"no table `{table}`{did_you_mean(table, self._tables)}")
        return self._tables[table]

    def _position(self, table: str, snapshot_id: int) -> int:
        for position, commit in enumerate(self._table(table).commits):
            if commit.snapshot_id == snapshot_id:
                return position
        raise NotFound(
            f"table `{table}` has no snapshot {snapshot_id}; `tidemill data log {table}` lists them"
        )


def _with_ids(commits: Sequence[Commit], ids: Collection[str]) -> Commit | None:
    wanted = set(ids)
    return next((commit for commit in reversed(commits) if wanted & commit.ids), None)
